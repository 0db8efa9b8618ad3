/* tests/unit/feed_subscription_test.c - goal: what a venue knows is asked for in few messages, what it does not know
 * keeps nothing else away and is told once. */
#include "base/time.h"
#include "feed/subscription.h"
#include "unit.h"
#include <stdio.h>

static void put(td_buf *out, char *const *symbols, size_t count) {
    for (size_t i = 0; i < count; i++) td_buf_printf(out, "%s%s", i > 0 ? "+" : "", symbols[i]);
}

/* One letter, one symbol. */
static void read_ack(td_subscription *s, td_bytes text) {
    for (size_t i = 0; i < text.size; i++) td_subscription_confirm(s, (td_bytes){text.data + i, 1});
}

static const td_subscription_ops ops = {.most = 3, .interval_ns = 10 * TD_NS_PER_MS, .put = put, .read_ack = read_ack};

typedef struct step {
    int64_t at_ms;
    char what;        /* 'B'egin a session, 'A'ck, 'E'rror, 'N'ext */
    const char *text; /* NULL: none is wanted. Of E: "!" in front where it has to do with what was asked for */
} step;

static void check(const step *steps, size_t count) {
    static char *names[] = {"a", "b", "c", "d", "e"};
    td_texts symbols = {names, COUNT_OF(names)};
    td_subscription *s;
    assert_int_equal(td_subscription_new(&s, &ops, &symbols, "V"), TD_OK);
    for (size_t i = 0; i < count; i++) {
        td_bytes text = td_text(steps[i].text != NULL ? steps[i].text : "");
        bool ours = text.size > 0 && text.data[0] == '!';
        if (steps[i].what == 'B') td_subscription_begin(s);
        if (steps[i].what == 'A') td_subscription_take_ack(s, text);
        if (steps[i].what == 'E') assert_int_equal(td_subscription_take_error(s, text), ours);
        if (steps[i].what != 'N') continue;
        td_bytes got = {0};
        td_subscription_step next = td_subscription_next(s, steps[i].at_ms * TD_NS_PER_MS, &got);
        bool tells = text.size > 3 && memcmp(text.data, "the", 3) == 0;
        td_subscription_step wanted = text.size == 0 ? TD_SUBSCRIPTION_NONE
                                      : tells        ? TD_SUBSCRIPTION_TELL
                                                     : TD_SUBSCRIPTION_SEND;
        ASSERT_ROW(next == wanted && (text.size == 0 || td_bytes_equal(got, text)), "%zu: %d \"%.*s\", wanted \"%s\"",
                   i, (int)next, (int)got.size, (const char *)got.data, steps[i].text);
    }
    td_subscription_free(s);
}

static void all_are_known(void **state) {
    (void)state;
    static const step steps[] = {
        {0, 'B', NULL},    {0, 'N', "a+b+c"}, {9, 'N', NULL},       {10, 'N', "d+e"}, {20, 'N', NULL},
        {20, 'A', "abc"},  {20, 'A', "de"},   {20, 'E', "why"}, /* all is agreed: it means something else */
        {6000, 'N', NULL}, {7000, 'B', NULL}, {7000, 'N', "a+b+c"},
    };
    check(steps, COUNT_OF(steps));
}

static void one_is_refused(void **state) {
    (void)state;
    static const step steps[] = {
        {0, 'B', NULL},
        {0, 'N', "a+b+c"},
        {1, 'E', "!no b"}, /* and so no a and no c: from here on each for itself */
        {10, 'N', "a"},
        {20, 'N', "b"},
        {30, 'N', "c"},
        {40, 'N', "d"},
        {50, 'N', "e"},
        {51, 'A', "acde"},
        {52, 'E', "!no b"},
        {5049, 'N', NULL},
        {5050, 'N', "the venue does not give b: !no b"},
        {9999, 'N', NULL},
        {9999, 'E', "why"},
        {10000, 'B', NULL}, /* the next session asks for it again, and alone */
        {10000, 'N', "a"},
        {10010, 'N', "b"},
        {10020, 'N', "c+d+e"},
        {10021, 'A', "acde"},
        {10021, 'E', "!no b"},
        {15020, 'N', NULL},
        {25030, 'N', NULL}, /* it was told */
        {30000, 'B', NULL},
        {30000, 'N', "a"},
        {30010, 'N', "b"},
        {30011, 'A', "b"}, /* it is there now, and no exception any more */
        {40000, 'B', NULL},
        {40000, 'N', "a+b+c"},
    };
    check(steps, COUNT_OF(steps));
}

static void some_are_not_answered(void **state) {
    (void)state;
    static const step steps[] = {
        {0, 'B', NULL},
        {0, 'N', "a+b+c"},
        {10, 'N', "d+e"},
        {11, 'A', "bcd"},
        {5009, 'N', NULL},
        {5010, 'N', NULL},
        {5010, 'N', "a"},
        {5020, 'N', "e"},
        {5021, 'A', "a"},
        {10019, 'N', NULL},
        {10020, 'N', "the venue does not give e: it did not acknowledge them"},
    };
    check(steps, COUNT_OF(steps));
}

static void wrong_names(void **state) {
    (void)state;
    static char *names[][2] = {
        {"a b", "c"}, {"a\"", "c"},
        {"a\\", "c"}, {"c", "c"},
        {"", "c"},    {"a-name-that-is-much-longer-than-any-instrument-of-any-venue-is-allowed-to-be", "c"}};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        td_texts symbols = {names[i], 2};
        td_subscription *s = NULL;
        assert_int_equal(td_subscription_new(&s, &ops, &symbols, "V"), TD_CONFIG);
        assert_null(s);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_are_known), cmocka_unit_test(one_is_refused),
                                       cmocka_unit_test(some_are_not_answered), cmocka_unit_test(wrong_names)};
    return cmocka_run_group_tests_name("feed_subscription", tests, NULL, NULL);
}
