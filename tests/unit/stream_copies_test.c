/* tests/unit/stream_copies_test.c - goal: of an instrument that lives elsewhere nothing is told and nothing counted;
 * what is told of the others, and what the state holds of all, is as if it lived here. */
#include "base/time.h"
#include "stream/state.h"
#include <inttypes.h>
#include <stdio.h>
/* after its own */
#include "state_rig.h"
#include "unit.h"

enum { S = 1000000000, STEPS = 4000 };

static const char *const names[] = {"V:OWN", "V:COPY"};

/* A line for each output, instrument first. */
static void on_bar(void *self, td_bytes instrument, const td_bar *b) {
    td_buf_printf(self, "%.*s bar %" PRId64 "+%" PRId64 " %" PRId64 " r%d q%d\n", (int)instrument.size,
                  (const char *)instrument.data, b->start_ns / S, b->width_ns / S, b->close, (int)b->revision,
                  b->quality);
}
static void on_signal(void *self, td_bytes instrument, const td_signal *s) {
    td_buf_printf(self, "%.*s signal %d\n", (int)instrument.size, (const char *)instrument.data, s->status);
}
static void on_quarantined(void *self, td_bytes instrument, const td_quarantined *q) {
    td_buf_printf(self, "%.*s %s\n", (int)instrument.size, (const char *)instrument.data,
                  td_reason_name((td_reason)q->reason));
}
static void on_gap(void *self, td_bytes instrument, const td_gap *g) {
    td_buf_printf(self, "%.*s gap %d %d\n", (int)instrument.size, (const char *)instrument.data, (int)g->number,
                  g->status);
}

static void on_fill(void *self, td_bytes instrument, const td_fill *f) {
    (void)f;
    td_buf_printf(self, "%.*s fill\n", (int)instrument.size, (const char *)instrument.data);
}

typedef struct run {
    td_program *program;
    td_state *state;
    td_buf out;
    td_changes changes;
    uint8_t flags; /* of the second instrument's events */
    uint64_t seed;
    int64_t next_ids[2];
} run;

static uint32_t roll(run *r) { return (uint32_t)(unit_random(&r->seed) >> 32); }

static run begin(bool copies) {
    run r = {.program = td_alloc_zero(1, sizeof(td_program)), .flags = copies ? TD_FLAG_COPY : 0, .seed = 7};
    r.program->unnamed = td_program_feed_default();
    r.program->unnamed.gaps = true;
    r.program->unnamed.max_instruments = 2;
    r.program->widths_ns[0] = S;
    r.program->widths_ns[1] = 5LL * S;
    r.program->width_count = 2;
    r.program->grace_ns = 4LL * S;
    r.program->repair_horizon_ns = TD_NS_PER_DAY;
    r.state = td_state_new(r.program);
    return r;
}

static void end(run *r) {
    td_buf_fini(&r->out);
    td_state_free(r->state);
    td_program_free(r->program);
}

/* Late, doubled, refused, missing and in order; a session that breaks now and then. */
static td_event any_event(run *r, int step, size_t *out_name) {
    int64_t now_ns = (1000 + step / 8) * (int64_t)S + step % 8 * (S / 8);
    td_event e = {.kind = TD_EVENT_TRADE, .event_ns = now_ns - (int64_t)(roll(r) % 6) * S / 2, .receive_ns = now_ns};
    *out_name = roll(r) % 2;
    if (*out_name == 1) e.flags = r->flags;
    e.trade = (td_trade){.price = 1000 + roll(r) % 10, .size = 1 + roll(r) % 3};
    if (roll(r) % 40 == 0) e.trade.price = 0;
    if (roll(r) % 60 == 0) r->next_ids[*out_name] += 2;
    e.trade.trade_id = roll(r) % 20 == 0 ? r->next_ids[*out_name] : ++r->next_ids[*out_name];
    if (step % 500 < 499) return e;
    return (td_event){.kind = TD_EVENT_TIME,
                      .receive_ns = now_ns,
                      .time = {TD_NONE, now_ns, step % 1000 < 500 ? TD_SESSION_DOWN : TD_SESSION_LIVE}};
}

static void apply(run *r, int step) {
    const td_emit emit = {&r->out, on_bar, on_signal, on_quarantined, on_gap, on_fill, td_emit_none.member, NULL};
    size_t name;
    td_event e = any_event(r, step, &name);
    e.feed = td_state_feed(r->state, TD_TEXT("f"));
    if (e.kind != TD_EVENT_TIME) {
        e.instrument = td_state_find_instrument(r->state, td_text(names[name]));
        if (e.instrument == UINT32_MAX) e.instrument = td_state_add_instrument(r->state, &e, td_text(names[name]));
    }
    (void)td_state_apply(r->state, &e, &emit);
    td_changes changes = td_state_take_changes(r->state);
    r->changes.revised += changes.revised;
    r->changes.gaps_opened += changes.gaps_opened;
    r->changes.gaps_filled += changes.gaps_filled;
    r->changes.gaps_lost += changes.gaps_lost;
}

/* The lines of one instrument. */
static td_buf lines_of(const run *r, const char *name) {
    td_buf out = {0};
    const char *at = (const char *)r->out.data, *last = at + r->out.size;
    while (at < last) {
        const char *next = memchr(at, '\n', (size_t)(last - at));
        if (strncmp(at, name, strlen(name)) == 0) td_buf_put(&out, at, (size_t)(next + 1 - at));
        at = next + 1;
    }
    return out;
}

static size_t count_lines(const td_buf *text, const char *what) {
    size_t count = 0;
    for (const char *at = (const char *)text->data; (at = strstr(at, what)) != NULL; at++) count++;
    return count;
}

/* Gaps are numbered as they are told. */
static int64_t last_gap(const td_buf *text) {
    int last = 0, number;
    for (const char *at = (const char *)text->data; (at = strstr(at, " gap ")) != NULL; at++)
        if (sscanf(at, " gap %d", &number) == 1 && number > last) last = number;
    return last;
}

static void nothing_is_told_of_copies(void **state) {
    (void)state;
    run here = begin(false), copied = begin(true);
    for (int step = 0; step < STEPS; step++) {
        apply(&here, step);
        apply(&copied, step);
        if (step == STEPS / 2) copied.state = rig_reloaded(copied.state, copied.program); /* it knows who is a copy */
        td_bar a, b;
        bool open = td_state_open_bar(here.state, td_text(names[1]), 1, INT64_MIN, &a);
        assert_int_equal(td_state_open_bar(copied.state, td_text(names[1]), 1, INT64_MIN, &b), open);
        if (open) assert_memory_equal(&a, &b, sizeof a);
    }
    td_buf own = lines_of(&here, names[0]), other = lines_of(&here, names[1]), none = lines_of(&copied, names[1]);
    assert_int_equal(none.size, 0);
    assert_int_equal(own.size, copied.out.size);
    assert_memory_equal(own.data, copied.out.data, own.size);
    td_buf_put(&own, "", 1);
    td_buf_put(&other, "", 1);
    assert_true(count_lines(&other, " bar ") > 500 && count_lines(&other, " gap ") > 20);
    assert_true(count_lines(&other, " non-positive") > 20 && count_lines(&other, " r1 ") > 20);
    assert_int_equal(copied.changes.gaps_opened, here.changes.gaps_opened - last_gap(&other));
    assert_true(copied.changes.revised > 0 && copied.changes.revised < here.changes.revised);
    assert_true(td_state_open_gaps(copied.state) >= 0);
    td_buf_fini(&own);
    td_buf_fini(&other);
    end(&here);
    end(&copied);
}

/* A feed's bound on instruments is for those that live here. */
static void copies_take_nobodys_place(void **state) {
    (void)state;
    run r = begin(true);
    td_event own = {.feed = td_state_feed(r.state, TD_TEXT("f"))}, copy = own;
    copy.flags = TD_FLAG_COPY;
    assert_int_equal(td_state_add_instrument(r.state, &copy, TD_TEXT("V:A")), 0);
    assert_int_equal(td_state_add_instrument(r.state, &own, TD_TEXT("V:B")), 1);
    assert_int_equal(td_state_add_instrument(r.state, &own, TD_TEXT("V:C")), 2);
    assert_int_equal(td_state_add_instrument(r.state, &own, TD_TEXT("V:D")), UINT32_MAX);
    assert_int_equal(td_state_add_instrument(r.state, &copy, TD_TEXT("V:E")), 3);
    end(&r);
}

/* Two partitions may have given their records the same places. */
static void releases_are_told_apart(void **state) {
    (void)state;
    run r = begin(true);
    uint32_t feed = td_state_feed(r.state, TD_TEXT("f"));
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        td_event e = {.kind = TD_EVENT_TRADE,
                      .flags = i == 0 ? 0 : TD_FLAG_COPY,
                      .origin = TD_ORIGIN_RELEASE,
                      .feed = feed,
                      .event_ns = S,
                      .receive_ns = S,
                      .of_offset = 4711,
                      .pass = 1u << TD_REASON_OUTLIER,
                      .trade = {.price = 1, .size = 1, .trade_id = TD_NONE}};
        e.instrument = td_state_add_instrument(r.state, &e, td_text(names[i]));
        assert_int_equal(td_state_apply(r.state, &e, &td_emit_none).verdict, TD_VERDICT_ACCEPTED);
        assert_int_equal(td_state_apply(r.state, &e, &td_emit_none).verdict, TD_VERDICT_DUPLICATE);
    }
    end(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_told_of_copies),
        cmocka_unit_test(copies_take_nobodys_place),
        cmocka_unit_test(releases_are_told_apart),
    };
    return cmocka_run_group_tests_name("stream_copies", tests, NULL, NULL);
}
