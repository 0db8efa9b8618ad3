/* tests/unit/stream_conditions_test.c - goal: a trade does to its bars what its sale condition admits, in whatever
 * order trades come; a window without a price gives no bar until it has one. */
#include "base/time.h"
#include "program_rig.h"
#include "state_rig.h"
#include "stream/state.h"
#include "unit.h"
#include <inttypes.h>

#define S TD_NS_PER_S

static const int64_t widths_ns[] = {10 * S};

/* Conditions are 1: all but volume is barred, 2: but high and low, too, 4: all is. */
static td_program *program_of(td_rules_choice rules) {
    td_program_settings settings = {.widths_ns = widths_ns, .width_count = 1, .grace_ns = 60 * S, .feed_count = 1};
    settings.feeds[0] = td_program_feed_default();
    settings.feeds[0].name[0] = 'f';
    settings.feeds[0].rules = (int)rules;
    settings.feeds[0].conditions = (td_conditions){.no_volume = 4, .no_high_low = 5, .no_last = 7};
    return rig_program(&settings);
}

typedef struct tick {
    int second;
    int64_t price;
    char condition;
} tick;

static void on_bar(void *self, td_bytes instrument, const td_bar *b) {
    (void)instrument;
    td_buf_printf(self, "%" PRId64 ": %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " n%" PRId64 " v%" PRId64,
                  b->start_ns / S, b->open, b->high, b->low, b->close, b->trade_count, (int64_t)b->volume);
    td_buf_printf(self, b->revision > 0 ? " again\n" : "\n");
}
static void on_signal(void *self, td_bytes instrument, const td_signal *s) { (void)self, (void)instrument, (void)s; }
static void on_gap(void *self, td_bytes instrument, const td_gap *gap) { (void)self, (void)instrument, (void)gap; }
static void on_quarantined(void *self, td_bytes instrument, const td_quarantined *q) {
    (void)instrument;
    td_buf_printf(self, "%s\n", td_reason_name((td_reason)q->reason));
}

static td_verdict put(td_state *s, const tick *t, td_buf *out) {
    const td_emit emit = {out, on_bar, on_signal, on_quarantined, on_gap, td_emit_none.fill, td_emit_none.member, NULL};
    td_event e = {.kind = TD_EVENT_TRADE,
                  .feed = td_state_feed(s, TD_TEXT("f")),
                  .event_ns = t->second * S,
                  .receive_ns = 1000 * S,
                  .trade = {.price = t->price, .size = 10, .trade_id = TD_NONE}};
    e.trade.condition = (td_code){.size = t->condition != 0, .text = {t->condition}};
    e.instrument = td_state_find_instrument(s, TD_TEXT("X:Y"));
    if (e.instrument == UINT32_MAX) e.instrument = td_state_add_instrument(s, &e, TD_TEXT("X:Y"));
    return td_state_apply(s, &e, &emit).verdict;
}

static void expect(td_buf *out, const char *text) {
    td_buf_put(out, "", 1);
    assert_string_equal((const char *)out->data, text);
    out->size = 0;
}

/* Trades of one window, then one that closes it. */
static void a_trade_sets_what_it_may(void **state) {
    static const struct {
        tick ticks[6];
        size_t count;
        const char *bar;
    } rows[] = {
        {{{1, 50, 0}, {2, 60, 0}, {3, 40, 0}, {4, 55, 0}}, 4, "0: 50 60 40 55 n4 v40\n"},
        {{{1, 99, '1'}, {2, 50, 0}, {3, 1, '1'}}, 3, "0: 50 50 50 50 n3 v30\n"},
        {{{1, 70, '2'}, {2, 50, 0}, {3, 30, '2'}}, 3, "0: 50 70 30 50 n3 v30\n"},
        {{{1, 70, '2'}, {2, 99, '1'}, {3, 30, '2'}}, 3, "0: 70 70 30 30 n3 v30\n"}, /* nobody better is there */
        {{{1, 99, '4'}, {2, 50, '0'}, {3, 99, '7'}}, 3, "0: 50 50 50 50 n1 v10\n"},
        {{{1, 70, '3'}, {2, 50, '8'}}, 2, "0: 50 50 50 50 n2 v20\n"},
        {{{1, 99, '1'}, {2, 98, '1'}}, 2, ""},
        {{{1, 99, '4'}}, 1, ""},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        for (int basic = 0; basic < 2; basic++) {
            td_program *p = program_of(basic ? TD_RULES_BASIC : TD_RULES_VENUE);
            td_state *s = td_state_new(p);
            td_buf out = {0};
            for (size_t t = 0; t < rows[i].count; t++)
                ASSERT_ROW(put(s, &rows[i].ticks[t], &out) == TD_VERDICT_ACCEPTED, "%zu", i);
            (void)put(s, &(tick){20, 50, 0}, &out);
            size_t restricted = 0;
            for (size_t t = 0; t < rows[i].count; t++) restricted += (rows[i].ticks[t].condition & 7) != 0;
            ASSERT_ROW(td_state_take_changes(s).restricted == (basic ? 0 : (int64_t)restricted), "%zu", i);
            if (!basic) expect(&out, rows[i].bar);
            ASSERT_ROW(!basic || memchr(out.data, 'n', out.size) != NULL, "%zu: conditions mean nothing", i);
            td_buf_fini(&out);
            td_state_free(s);
            td_program_free(p);
        }
}

static void a_window_without_a_price_gives_no_bar_until_it_has_one(void **state) {
    (void)state;
    td_program *p = program_of(TD_RULES_VENUE);
    td_state *s = td_state_new(p);
    td_buf out = {0};
    td_bar bar;
    td_window_state w;
    (void)put(s, &(tick){1, 99, '1'}, &out);
    assert_false(td_state_open_bar(s, TD_TEXT("X:Y"), 0, INT64_MIN, &bar));
    (void)put(s, &(tick){15, 50, 0}, &out);
    expect(&out, "");
    td_state_window(s, TD_TEXT("X:Y"), 0, S, &w);
    assert_true(w.closed && w.trade_count == 1 && w.results == 0);
    s = rig_reloaded(s, p);
    (void)put(s, &(tick){2, 98, '1'}, &out); /* late, and still without one */
    expect(&out, "");
    (void)put(s, &(tick){3, 40, '2'}, &out);
    expect(&out, "0: 40 40 40 40 n3 v30\n");
    (void)put(s, &(tick){4, 41, 0}, &out);
    expect(&out, "0: 41 41 40 41 n4 v40 again\n");
    (void)put(s, &(tick){5, 97, '1'}, &out);
    expect(&out, "0: 41 41 40 41 n5 v50 again\n");
    (void)put(s, &(tick){6, 96, '4'}, &out);
    expect(&out, "");
    (void)put(s, &(tick){100, 50, 0}, &out);
    expect(&out, "10: 50 50 50 50 n1 v10\n");
    td_buf_fini(&out);
    td_state_free(s);
    td_program_free(p);
}

/* The last revision of a window is the same in all orders. */
static void order_does_not_matter(void **state) {
    static const tick ticks[] = {{1, 70, '2'}, {2, 50, 0}, {3, 99, '1'}, {4, 30, '2'}, {5, 55, 0}, {12, 60, 0}};
    enum { COUNT = COUNT_OF(ticks) };
    (void)state;
    uint64_t random = 3;
    for (int round = 0; round < 300; round++) {
        td_program *p = program_of(TD_RULES_VENUE);
        td_state *s = td_state_new(p);
        td_buf out = {0};
        size_t order[COUNT];
        for (size_t i = 0; i < COUNT; i++) {
            size_t at = unit_random(&random) % (i + 1);
            order[i] = i;
            order[i] = order[at];
            order[at] = i;
        }
        for (size_t i = 0; i < COUNT; i++) (void)put(s, &ticks[order[i]], &out);
        (void)put(s, &(tick){19, 61, 0}, &out); /* closes the first window if nobody has */
        td_buf_put(&out, "", 1);
        const char *last = NULL;
        for (const char *line = (const char *)out.data; *line != '\0'; line = strchr(line, '\n') + 1)
            if (line[0] == '0') last = line;
        ASSERT_ROW(last != NULL && strncmp(last, "0: 50 70 30 55 n5 v50", 21) == 0, "%d: %s", round, out.data);
        td_buf_fini(&out);
        td_state_free(s);
        td_program_free(p);
    }
}

/* An average of the day is no measure of prices: what lies as far out is refused all the same. */
static void a_price_that_may_not_count_is_no_measure(void **state) {
    (void)state;
    td_program *p = program_of(TD_RULES_VENUE);
    td_state *s = td_state_new(p);
    td_buf out = {0};
    for (int i = 0; i < 16; i++) (void)put(s, &(tick){1, 1000, 0}, &out);
    assert_int_equal(put(s, &(tick){1, 1090, '1'}, &out), TD_VERDICT_ACCEPTED);
    assert_int_equal(put(s, &(tick){1, 1200, 0}, &out), TD_VERDICT_QUARANTINED);
    assert_int_equal(put(s, &(tick){1, 1200, '1'}, &out), TD_VERDICT_QUARANTINED);
    expect(&out, "outlier\noutlier\n");
    td_buf_fini(&out);
    td_state_free(s);
    td_program_free(p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trade_sets_what_it_may),
        cmocka_unit_test(a_window_without_a_price_gives_no_bar_until_it_has_one),
        cmocka_unit_test(order_does_not_matter),
        cmocka_unit_test(a_price_that_may_not_count_is_no_measure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
