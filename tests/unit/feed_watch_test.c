/* tests/unit/feed_watch_test.c - goal: a trade that a venue speaks of and that does not come is noticed in time, one
 * that is merely on its way is not, and a venue that counts anew confuses nothing. */
#include "feed/watch.h"
#include "unit.h"

typedef struct step {
    char what; /* 'T'rade, 'L'ast, 'N'umber, 'B'egin of a session */
    uint32_t instrument;
    int64_t id, at_ns;
    bool missing;
} step;

static void steps_of_a_day(void **state) {
    (void)state;
    static const step steps[] = {
        {'N', 0, 50, 0, false}, /* nothing is known yet: it may speak of what was before us */
        {'N', 0, 50, 99, false},  {'L', 0, 50, 100, false}, /* the last one before us is no loss */
        {'N', 0, 51, 100, false}, {'N', 0, 51, 109, false},
        {'T', 0, 51, 109, false}, {'N', 0, 51, 110, false}, /* it was on its way */
        {'N', 0, 53, 120, false}, {'T', 0, 53, 121, false},
        {'N', 0, 54, 129, false},                          /* the one waited for has come, this one is another */
        {'N', 0, 55, 138, false}, {'N', 0, 55, 139, true}, /* 54 has been awaited for 10 */
        {'N', 7, 10, 139, false}, {'T', 7, 9, 139, false},
        {'N', 7, 10, 140, false},                           /* each instrument for itself */
        {'B', 0, 0, 0, false},    {'N', 0, 55, 150, false}, /* a session has its own patience */
        {'L', 0, 55, 151, true},                            /* missed meanwhile */
        {'L', 0, 55, 151, false}, {'N', 0, 55, 170, false},
        {'T', 0, 54, 171, false}, /* a late one takes nothing back */
        {'N', 0, 55, 190, false}, {'T', 0, 900000, 200, false},
        {'T', 0, 1, 200, false}, /* it counts anew */
        {'N', 0, 2, 201, false},  {'N', 0, 2, 211, true},
        {'L', 0, 2, 212, true},   {'N', 0, 3, 220, false},
        {'N', 0, 3, 230, true},   {'B', 0, 0, 0, false},
        {'N', 0, 3, 240, false},  {'N', 0, 3, 255, false}, /* refused: it never comes */
        {'N', 0, 4, 260, false},  {'N', 0, 4, 270, true},  /* the next one is awaited again */
    };
    td_watch watch = {0};
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        const step *s = &steps[i];
        bool missing = false;
        if (s->what == 'T') td_watch_trade(&watch, s->instrument, s->id);
        if (s->what == 'L') missing = td_watch_last(&watch, s->instrument, s->id);
        if (s->what == 'N') missing = td_watch_number(&watch, s->instrument, s->id, s->at_ns, 10);
        if (s->what == 'B') td_watch_begin_session(&watch);
        ASSERT_ROW(missing == s->missing, "%zu", i);
    }
    td_watch_fini(&watch);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(steps_of_a_day)};
    return cmocka_run_group_tests_name("feed_watch", tests, NULL, NULL);
}
