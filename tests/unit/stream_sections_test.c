/* tests/unit/stream_sections_test.c - goal: what a partition tells for cross-sections stands before its marks, whatever
 * its feeds do; bars that waited act on nothing that was there before them; edits of other texts change nothing. */
#include "program_rig.h"
#include "state_rig.h"
#include "stream/state.h"
#include <inttypes.h>
#include <stdio.h>

#define S TD_NS_PER_S

typedef struct step {
    char kind;      /* t: trade, w: Time live, e: Time ended, d: Time down */
    const char *of; /* the feed, and of a trade the instrument */
    double at_s, price;
    const char *gives;
} step;

typedef struct desk { /* of one partition, which is all there is */
    td_program *program;
    td_state *state;
    td_buf told; /* td_member */
    td_buf out;
} desk;

/* Feeds a and b are named; "" names none. */
static td_program *program_of(const char *text, const char *feeds) {
    static const int64_t widths_ns[] = {S, 7 * S, TD_NS_PER_HOUR};
    td_bytes strategies = td_text(text);
    td_program_settings settings = {
        .widths_ns = widths_ns, .width_count = 3, .grace_ns = 10 * S, .strategies = &strategies, .strategy_count = 1};
    for (; feeds[settings.feed_count] != '\0'; settings.feed_count++) {
        settings.feeds[settings.feed_count] = td_program_feed_default();
        settings.feeds[settings.feed_count].name[0] = feeds[settings.feed_count];
    }
    return rig_program(&settings);
}

/* ---- what is told ---- */

static void on_member(void *self, td_bytes instrument, const td_member *m) {
    desk *d = self;
    td_buf_put(&d->told, m, sizeof *m);
    if (m->section == 0)
        td_buf_printf(&d->out, "mark %g\n", (double)m->end_ns / S);
    else
        td_buf_printf(&d->out, "%.*s %g is %g\n", (int)instrument.size, (const char *)instrument.data,
                      (double)m->end_ns / S, m->value);
}

static void on_signal(void *self, td_bytes instrument, const td_signal *signal) {
    desk *d = self;
    td_bytes traded = td_signal_traded(signal, instrument);
    td_buf_printf(&d->out, "%s %s %.*s of %g", td_signal_status_name((td_signal_status)signal->status),
                  td_action_name((td_action)signal->action), (int)traded.size, (const char *)traded.data,
                  (double)signal->event_ns / S);
    if (signal->data.size > 0) td_buf_printf(&d->out, " %.*s", (int)signal->data.size, (const char *)signal->data.data);
    rig_put_number(&d->out, " @", signal->price, TD_PRICE_SCALE);
    td_buf_printf(&d->out, " known %g\n", (double)signal->known_at_ns / S);
}

static void on_fill(void *self, td_bytes instrument, const td_fill *fill) {
    desk *d = self;
    td_bytes traded = td_fill_traded(fill, instrument);
    td_buf_printf(&d->out, "fill %.*s", (int)traded.size, (const char *)traded.data);
    rig_put_number(&d->out, " @", fill->price, TD_PRICE_SCALE);
    td_buf_text(&d->out, "\n");
}

static td_emit emit_of(desk *d) {
    td_emit emit = td_emit_none;
    emit.self = d;
    emit.member = on_member;
    emit.signal = on_signal;
    emit.fill = on_fill;
    return emit;
}

/* ---- records ---- */

static td_event event_of(desk *d, const step *s) {
    static const td_session sessions[] = {['w'] = TD_SESSION_LIVE, ['e'] = TD_SESSION_ENDED, ['d'] = TD_SESSION_DOWN};
    int64_t at_ns = (int64_t)(s->at_s * 1e9 + 0.5);
    td_event e = {.kind = TD_EVENT_TIME,
                  .feed = td_state_feed(d->state, (td_bytes){(const uint8_t *)s->of, 1}),
                  .event_ns = at_ns,
                  .receive_ns = at_ns,
                  .of_offset = TD_NONE};
    if (s->kind != 't') {
        e.time = (td_time_mark){s->kind == 'd' ? TD_NONE : at_ns, at_ns, (uint8_t)sessions[(int)s->kind]};
        return e;
    }
    char name[16];
    (void)snprintf(name, sizeof name, "V:%s", s->of + 1);
    e.kind = TD_EVENT_TRADE;
    e.trade = (td_trade){.price = (int64_t)(s->price * 1e9 + 0.5), .size = 100000000, .trade_id = TD_NONE};
    e.instrument = td_state_find_instrument(d->state, td_text(name));
    if (e.instrument == UINT32_MAX) e.instrument = td_state_add_instrument(d->state, &e, td_text(name));
    return e;
}

static void apply(desk *d, const step *s) {
    td_emit emit = emit_of(d);
    td_event e = event_of(d, s);
    d->out.size = 0;
    td_due due = {td_state_sections_due(d->state),
                  e.event_ns,
                  e.receive_ns,
                  {(const td_member *)(const void *)d->told.data, d->told.size / sizeof(td_member)}};
    if (due.end_ns != INT64_MIN) td_state_run_sections(d->state, &due, &emit);
    (void)td_state_apply(d->state, &e, &emit);
    td_buf_put(&d->out, "", 1);
    d->state = rig_reloaded(d->state, d->program);
}

static desk desk_open(const char *text, const char *feeds) {
    desk d = {.program = program_of(text, feeds)};
    d.state = td_state_new(d.program);
    return d;
}

static void desk_close(desk *d) {
    td_state_free(d->state);
    td_program_free(d->program);
    td_buf_fini(&d->told);
    td_buf_fini(&d->out);
}

static void run_steps(desk *d, const step *steps, size_t count) {
    for (size_t i = 0; i < count; i++) {
        apply(d, &steps[i]);
        ASSERT_ROW(strcmp((char *)d->out.data, steps[i].gives) == 0, "%zu gave\n%swanted\n%s", i, (char *)d->out.data,
                   steps[i].gives);
    }
}

static void edit(desk *d, const char *text, const char *feeds) {
    td_program *next = program_of(text, feeds);
    td_state *warm = td_state_new_warm(d->state, next);
    td_state_swap(d->state, next, warm);
    td_state_free(warm);
    td_program_free(d->program);
    d->program = next;
}

/* ---- tests ---- */

static const char across[] = "strategy a on bars(1s)\n  emit r { place = place(close), of = members(close) }\n";

static void members_of_an_end_stand_before_its_mark(void **state) {
    (void)state;
    static const step one[] = {
        {'t', "aX", 10.1, 5, "mark 9.1\n"},
        {'t', "aY", 10.2, 7, ""},
        {'t', "aX", 12.5, 6, "V:X 11 is 5\nV:Y 11 is 7\nmark 11.5\n"},
        {'w', "a", 11.9, 0, ""}, /* within the second */
        {'w', "a", 13, 0, "V:X 13 is 6\nmark 13\n"},
        {'t', "aX", 13.5, 8,
         "fresh emit V:X of 11 {\"place\":2,\"of\":2} @5 known 13.5\nfresh emit V:Y of 11 {\"place\":1,\"of\":2} @7 "
         "known "
         "13.5\n"},
        {'e', "a", 13.6, 0, "V:X 14 is 8\nmark 13.6\n"}, /* what the end closes is told first */
    };
    desk d = desk_open(across, "a");
    run_steps(&d, one, COUNT_OF(one));
    desk_close(&d);
    static const step two[] = {
        {'t', "bY", 1000.1, 7, ""}, /* nothing is known of a yet */
        {'t', "aX", 10.1, 5, "mark 9.1\n"},
        {'t', "bY", 1002.5, 9, "V:Y 1001 is 7\n"},
        {'w', "a", 12.5, 0, "V:X 11 is 5\nmark 12.5\n"},
        {'w', "a", 13.5, 0, "mark 13.5\n"},
        {'w', "a", 14, 0, "fresh emit V:X of 11 {\"place\":1,\"of\":1} @5 known 14\nmark 14\n"},
        {'e', "a", 14, 0, "mark 1001.5\n"},
        {'e', "b", 1004, 0, "V:Y 1003 is 9\nmark 1004\n"},
    };
    d = desk_open(across, "ab");
    run_steps(&d, two, COUNT_OF(two));
    desk_close(&d);
}

static void a_feed_that_is_named_no_more_is_not_waited_for(void **state) {
    (void)state;
    static const step before[] = {{'t', "aX", 10.1, 5, "mark 9.1\n"}, {'t', "bY", 20.1, 7, ""}};
    static const step behind[] = {{'t', "bY", 22.1, 7, "V:Y 21 is 7\nmark 21.1\n"}};
    desk d = desk_open(across, "ba");
    apply(&d, &before[1]);
    apply(&d, &before[0]);
    edit(&d, across, "b");
    run_steps(&d, behind, COUNT_OF(behind));
    desk_close(&d);
}

/* Ends that sessions cut are no multiples of an hour, nor those of 7 s of anything else. */
static void marks_come_with_each_end(void **state) {
    (void)state;
    static const step hours[] = {{'t', "aX", 3602, 5, "mark 3601\n"},
                                 {'w', "a", 3659, 0, ""},
                                 {'w', "a", 3660, 0, "mark 3660\n"},
                                 {'w', "a", 3719, 0, ""}};
    static const step both[] = {{'t', "aX", 1, 5, "mark 0\n"},
                                {'w', "a", 6.9, 0, ""},
                                {'w', "a", 7, 0, "V:X 7 is 5\nmark 7\n"},
                                {'w', "a", 59, 0, "mark 59\n"},
                                {'w', "a", 60.5, 0, "mark 60.5\n"}};
    desk d = desk_open("strategy a on bars(1h)\n  buy when rank(close) > 0.5\n", "");
    run_steps(&d, hours, COUNT_OF(hours));
    desk_close(&d);
    d = desk_open("strategy a on bars(7s)\n  buy when rank(close) > 2\n", "");
    apply(&d, &both[0]);
    for (size_t i = 1; i < 3; i++) apply(&d, &both[i]);
    run_steps(&d, both + 3, 2);
    desk_close(&d);
}

/* The record that a bar has waited for is known no earlier than its signal. */
static void orders_are_filled_by_what_comes_later(void **state) {
    (void)state;
    static const step steps[] = {
        {'t', "aX", 10.1, 5, "mark 9.1\n"},
        {'t', "aX", 14.1, 6, "V:X 11 is 5\nmark 13.1\n"},
        {'t', "aX", 14.2, 7, "fresh buy V:X of 11 @5 known 14.2\n"},
        {'t', "aX", 14.3, 8, "fill V:X @8\n"},
    };
    desk d = desk_open("strategy a on bars(1s)\n  buy when place(close) == 1\n", "");
    run_steps(&d, steps, COUNT_OF(steps));
    desk_close(&d);
}

static void legs_stand_as_elsewhere(void **state) {
    (void)state;
    static const step steps[] = {
        {'t', "aY", 10.0, 3, "mark 9\n"},
        {'t', "aX", 10.1, 5, ""},
        {'t', "aX", 14.1, 6, "V:X 11 is 5\nmark 13.1\n"},
        {'t', "aX", 14.2, 7, "fresh buy V:X of 11 @5 known 14.2\nfresh short V:Y of 11 @3 known 14.2\n"},
        {'t', "aY", 14.3, 4, "fill V:Y @4\n"},
    };
    desk d = desk_open("strategy a on bars(1s) for V:X\n  use y = V:Y\n  buy, short y when place(close) == 1\n", "");
    run_steps(&d, steps, COUNT_OF(steps));
    desk_close(&d);
}

/* ---- edits ---- */

#define TWO(first, second)                                                                                             \
    "strategy a on bars(1s)\n  emit r { x = sma(rank(" first "), 2) }\nstrategy b on bars(1s)\n  buy when " second "\n"

static const step ranked[] = {{'t', "aX", 10.1, 5, ""}, {'t', "aY", 10.2, 7, ""}, {'t', "aX", 14.1, 6, ""},
                              {'w', "a", 14.2, 0, ""},  {'w', "a", 15.2, 0, ""},  {'w', "a", 18.1, 0, ""},
                              {'w', "a", 19, 0, ""}};

/* What X is told when its second bar is judged, with an edit behind the first; `also`: and another one behind what was
 * told of the second. */
static const char *told_behind(desk *d, const char *text, const char *also) {
    for (size_t i = 0; i < COUNT_OF(ranked); i++) {
        if (i == 4) edit(d, text, "");
        if (i == 5 && also != NULL) {
            edit(d, also, "");
            edit(d, text, "");
        }
        apply(d, &ranked[i]);
    }
    return (const char *)d->out.data;
}

static void edits_of_other_texts_change_nothing(void **state) {
    (void)state;
    static const struct {
        const char *text, *gives;
    } rows[] = {
        {TWO("close", "close > 1"), "{\"x\":0.75}"},            /* 0.5 of two, and 1 of one */
        {TWO("close", "rank(open) > 2"), "{\"x\":0.75}"},       /* another one beside it */
        {"# more\n" TWO("close", "close > 2"), "{\"x\":0.75}"}, /* elsewhere in its file */
        {TWO("close * 2", "close > 1"), "{\"x\":null}"},        /* that begins anew */
        {TWO("open", "rank(close) > 2"), "{\"x\":null}"},       /* what was compared is another's now */
        {"strategy a on bars(1s) for V:X\n  emit r { x = sma(rank(close), 2) }\n", "{\"x\":null}"}, /* of whom, too */
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        desk d = desk_open(TWO("close", "close > 1"), "");
        const char *told = told_behind(&d, rows[i].text, NULL);
        ASSERT_ROW(strstr(told, "V:X of 15") != NULL && strstr(told, rows[i].gives) != NULL, "%zu gave %s", i, told);
        desk_close(&d);
    }
}

static void what_waited_goes_with_who_asked(void **state) {
    (void)state;
    desk d = desk_open(across, "");
    const char *told = told_behind(&d, across, "strategy a on bars(1s)\n  buy when close > 1\n");
    ASSERT_ROW(strstr(told, "V:X of 15") == NULL, "gave %s", told);
    desk_close(&d);
}

static void what_is_the_same_is_told_once(void **state) {
    (void)state;
    td_program *p = program_of("strategy a on bars(1s) for V:X, V:Y\n  buy when rank(close + open) > 0.5\n"
                               "strategy b on bars(1s) for V:X, V:Y\n  buy when place(open + close) == 1\n"
                               "strategy c on bars(1s) for V:X\n  buy when place(open + close) == 1\n",
                               "");
    assert_int_equal(td_graph_exports(p->graphs[0]), 2);
    uint64_t both = td_graph_export_section(p->graphs[0], 0), one = td_graph_export_section(p->graphs[0], 1);
    assert_true(both != 0 && one != 0 && both != one);
    td_program_free(p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_of_an_end_stand_before_its_mark),
        cmocka_unit_test(a_feed_that_is_named_no_more_is_not_waited_for),
        cmocka_unit_test(marks_come_with_each_end),
        cmocka_unit_test(orders_are_filled_by_what_comes_later),
        cmocka_unit_test(legs_stand_as_elsewhere),
        cmocka_unit_test(edits_of_other_texts_change_nothing),
        cmocka_unit_test(what_waited_goes_with_who_asked),
        cmocka_unit_test(what_is_the_same_is_told_once),
    };
    return cmocka_run_group_tests_name("stream_sections", tests, NULL, NULL);
}
