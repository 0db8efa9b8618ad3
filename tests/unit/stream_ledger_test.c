/* tests/unit/stream_ledger_test.c - goal: what is missing is told as soon as it can be known, bars say how far they can
 * be trusted, are given again when that changes and never otherwise, and what is filled is counted once. */
#include "base/time.h"
#include "program_rig.h"
#include "state_rig.h"
#include "stream/state.h"
#include "unit.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- outputs as text, a line each, times in tenths of seconds ---- */

enum { TENTH = 100000000 };

static void put_time(td_buf *out, int64_t ns) {
    if (ns == TD_NONE)
        td_buf_text(out, "?");
    else
        td_buf_printf(out, "%" PRId64 ".%d", ns / TENTH / 10, (int)(ns / TENTH % 10));
}

static void on_bar(void *self, td_bytes instrument, const td_bar *b) {
    td_buf_printf(self, "%.*s %" PRId64 "+%" PRId64 " n%" PRId64 " %s", (int)instrument.size,
                  (const char *)instrument.data, b->start_ns / TD_NS_PER_S, (b->end_ns - b->start_ns) / TD_NS_PER_S,
                  b->trade_count, td_quality_name((td_quality)b->quality));
    if (b->evidence == TD_EVIDENCE_PROVEN) td_buf_text(self, " proven");
    if (b->revision > 0) td_buf_printf(self, " r%d", (int)b->revision);
    td_buf_text(self, "\n");
}

static void on_signal(void *self, td_bytes instrument, const td_signal *signal) {
    (void)self, (void)instrument, (void)signal;
    fail_msg("a signal without strategies");
}

static void on_gap(void *self, td_bytes instrument, const td_gap *g) {
    td_buf_printf(self, "%.*s gap %" PRId64 " %s %s ", (int)instrument.size, (const char *)instrument.data, g->number,
                  td_gap_reason_name((td_gap_reason)g->reason), td_gap_status_name((td_gap_status)g->status));
    put_time(self, g->from_ns);
    td_buf_text(self, "-");
    put_time(self, g->to_ns);
    if (g->first_id != TD_NONE) td_buf_printf(self, " ids %" PRId64 "-%" PRId64, g->first_id, g->last_id);
    if (g->missing != TD_NONE) td_buf_printf(self, " missing %" PRId64, g->missing);
    if (g->filled > 0) td_buf_printf(self, " filled %" PRId64, g->filled);
    if (td_bytes_equal(g->feed, TD_TEXT("other"))) td_buf_text(self, " of other");
    td_buf_text(self, "\n");
}

static void on_quarantined(void *self, td_bytes instrument, const td_quarantined *q) {
    td_buf_printf(self, "%s %.*s\n", td_reason_name((td_reason)q->reason), (int)instrument.size,
                  (const char *)instrument.data);
}

/* ---- tables of steps ---- */

typedef struct step {
    /* t: trade of A, u: of B, r: a released one of A, b: backfilled, q: a quote of A; Times: l live, i idle, e ended, d
     * down, D down with a bound, w live with a bound; f: the backfill of `gap` ended; s: save and load. Of another
     * feed o, p, g: as t, b, f; P: a price of A */
    char kind;
    double at_s;
    int id; /* 0: none */
    const char *gives;
    int gap, place; /* b: of which gap, and the place; f: place is the extent */
    int price;      /* 0: 50 */
    double came_s;  /* 0: at_s */
} step;

static td_event time_of(const step *s, int64_t at_ns) {
    static const td_session sessions[] = {['l'] = TD_SESSION_LIVE, ['i'] = TD_SESSION_IDLE, ['e'] = TD_SESSION_ENDED,
                                          ['d'] = TD_SESSION_DOWN, ['D'] = TD_SESSION_DOWN, ['w'] = TD_SESSION_LIVE};
    bool bounds = s->kind != 'd' && s->kind != 'l';
    int64_t bound_ns = s->kind == 'e' ? at_ns : at_ns - TD_NS_PER_S;
    return (td_event){.kind = TD_EVENT_TIME,
                      .time = {bounds ? bound_ns : TD_NONE, at_ns, (uint8_t)sessions[(int)s->kind]}};
}

static td_event event_of(const step *s) {
    int64_t at_ns = (int64_t)(s->at_s * 10 + 0.5) * TENTH;
    td_event e;
    if (strchr("lideDw", s->kind) != NULL) {
        e = time_of(s, at_ns);
    } else if (s->kind == 'f' || s->kind == 'g') {
        e = (td_event){.kind = TD_EVENT_FILLED, .filled = {s->gap, (uint8_t)s->place}};
    } else if (s->kind == 'q') {
        e = (td_event){.kind = TD_EVENT_QUOTE, .quote = {50, 1, 51, 1, TD_NONE, {0}, {0}}};
    } else if (s->kind == 'P') {
        e = (td_event){.kind = TD_EVENT_PRICE, .price = {50}};
    } else {
        e = (td_event){.kind = TD_EVENT_TRADE, .trade = {.price = s->price != 0 ? s->price : 50, .size = 1}};
        e.trade.trade_id = s->id != 0 ? s->id : TD_NONE;
        bool filled_in = s->kind == 'b' || s->kind == 'p';
        e.origin = filled_in ? TD_ORIGIN_BACKFILL : s->kind == 'r' ? TD_ORIGIN_RELEASE : TD_ORIGIN_FEED;
        e.of_epoch = s->gap;
        e.of_offset = s->kind == 'r' ? TD_NONE : s->place;
    }
    e.event_ns = at_ns;
    e.receive_ns = s->came_s > 0 ? (int64_t)(s->came_s * 10 + 0.5) * TENTH : at_ns;
    return e;
}

static td_program *program_of(void) {
    td_program *p = td_alloc_zero(1, sizeof *p);
    p->width_count = 1;
    p->widths_ns[0] = 10 * TD_NS_PER_S;
    p->grace_ns = 60 * TD_NS_PER_S;
    p->repair_horizon_ns = 86400 * TD_NS_PER_S;
    p->unnamed = td_program_feed_default();
    return p;
}

static void say_step(td_state *state, const step *s, td_buf *out) {
    td_emit emit = {out, on_bar, on_signal, on_quarantined, on_gap, td_emit_none.fill, td_emit_none.member, NULL};
    td_event e = event_of(s);
    td_bytes name = td_text(s->kind == 'u' ? "B" : "A");
    e.feed = td_state_feed(state, td_text(strchr("opgP", s->kind) != NULL ? "other" : "feed"));
    if (e.kind != TD_EVENT_TIME) {
        e.instrument = td_state_find_instrument(state, name);
        if (e.instrument == UINT32_MAX) e.instrument = td_state_add_instrument(state, &e, name);
    }
    if (td_state_apply(state, &e, &emit).verdict == TD_VERDICT_DUPLICATE) td_buf_text(out, "duplicate\n");
}

static void add_changes(td_changes *sum, td_changes changes) {
    sum->gaps_opened += changes.gaps_opened;
    sum->gaps_filled += changes.gaps_filled;
    sum->gaps_lost += changes.gaps_lost;
}

/* Runs the steps; `counts`: gaps opened, filled, lost, and still open. Takes the program. */
static void run_steps(td_program *program, const step *steps, size_t count, const int64_t counts[4]) {
    td_state *state = td_state_new(program);
    td_buf out = {0};
    td_changes sum = {0};
    for (size_t i = 0; i < count; i++) {
        out.size = 0;
        if (steps[i].kind == 's')
            state = rig_reloaded(state, program);
        else
            say_step(state, &steps[i], &out);
        add_changes(&sum, td_state_take_changes(state));
        td_buf_put(&out, "", 1);
        if (strcmp((char *)out.data, steps[i].gives) != 0)
            fail_msg("step %zu gave\n%swanted\n%s", i, (char *)out.data, steps[i].gives);
    }
    assert_int_equal(sum.gaps_opened, counts[0]);
    assert_int_equal(sum.gaps_filled, counts[1]);
    assert_int_equal(sum.gaps_lost, counts[2]);
    assert_int_equal(td_state_open_gaps(state), counts[3]);
    td_buf_fini(&out);
    td_state_free(state);
    td_program_free(program);
}
#define RUN(program, steps, ...) run_steps(program, steps, COUNT_OF(steps), (const int64_t[4]){__VA_ARGS__})

/* ---- ids ---- */

static void ids_in_order_prove(void **state) {
    (void)state;
    static const step steps[] = {
        {'t', 101, 1, .gives = ""},
        {'t', 110, 2, .gives = ""},
        {'t', 111, 3, .gives = "A 100+10 n1 complete\n"}, /* what came before its first id is not known */
        {'u', 119, 0, .gives = ""},
        {'t', 120, 4, .gives = ""},
        {'t', 121, 5, .gives = "A 110+10 n2 complete proven\nB 110+10 n1 complete\n"}, /* of B no ids are known */
        {'t', 131, 6, .gives = "A 120+10 n2 complete\n"}, /* when it closed, no id behind it had been seen */
    };
    RUN(program_of(), steps, 0, 0, 0, 0);
}

static void what_is_only_late_is_no_gap(void **state) {
    (void)state;
    static const step steps[] = {
        {'t', 101, 1, .gives = ""},
        {'t', 105.4, 5, .gives = ""},
        {'t', 105.2, 3, .gives = ""},
        {'t', 105.3, 4, .gives = ""},
        {'t', 105.1, 2, .gives = ""},
        {'s', 0, 0, .gives = ""},
        {'t', 115, 6, .gives = "A 100+10 n5 complete\n"},
        {'t', 116.0, 8, .gives = ""},
        {'t', 115.9, 7, .gives = ""},
        {'t', 120, 9, .gives = ""},
        {'t', 121, 10, .gives = "A 110+10 n3 complete proven\n"},
    };
    RUN(program_of(), steps, 0, 0, 0, 0);
}

static void a_hole_is_told_when_the_watermark_passes_it(void **state) {
    (void)state;
    static const step steps[] = {
        {'t', 105, 1, .gives = ""},
        {'t', 112, 4, .gives = "A 100+10 n1 complete\n"}, /* it may still come: nothing is said, nothing proven */
        {'t', 113, 5, .gives = ""},                       /* the watermark is at 112, and not beyond */
        {'s', 0, 0, .gives = ""},
        {'t', 113.1, 6, .gives = "A gap 1 ids open 105.0-112.0 ids 2-3 missing 2\nA 100+10 n1 partial r1\n"},
        {'t', 121, 7, .gives = "A 110+10 n3 partial\n"},
        {'t', 108, 2, .gives = "A 100+10 n2 partial r2\n"}, /* late: counted */
        {'t', 108, 2, .gives = "duplicate\n"},
        {'t', 119, 3,
         .gives = "A gap 1 ids filled 105.0-112.0 ids 2-3 missing 0 filled 2\nA 100+10 n2 repaired r3\n"
                  "A 110+10 n4 repaired proven r1\n"},
        {'t', 130, 8, .gives = ""},
        {'t', 131, 9, .gives = "A 120+10 n1 complete proven\n"},
    };
    td_program *program = program_of();
    RUN(program, steps, 1, 1, 0, 0);
}

static void a_hole_that_closes_late_leaves_complete_bars(void **state) {
    (void)state;
    static const step steps[] = {
        {'t', 101, 1, .gives = ""},
        {'t', 103, 3, .gives = ""},
        {'t', 105, 4, .gives = "A gap 1 ids open 101.0-103.0 ids 2-2 missing 1\n"},
        {'t', 102, 2,
         .gives = "A gap 1 ids filled 101.0-103.0 ids 2-2 missing 0 filled 1\n"}, /* its bar was not given yet */
        {'t', 112, 5, .gives = "A 100+10 n4 complete\n"},
    };
    RUN(program_of(), steps, 1, 1, 0, 0);
}

static void what_was_refused_is_not_missing(void **state) {
    (void)state;
    static const step steps[] = {
        {'t', 101, 1, .gives = ""},
        {'t', 102, 2, .gives = "non-positive A\n", .price = -1},
        {'t', 103, 3, .gives = ""},
        {'t', 104, 6, .gives = "non-positive A\n", .price = -1}, /* but 4 and 5 are */
        {'t', 112, 7, .gives = "A gap 1 ids open 103.0-104.0 ids 4-5 missing 2\nA 100+10 n2 partial\n"},
        {'r', 102, 2, .gives = "A 100+10 n3 partial r1\n"},
    };
    RUN(program_of(), steps, 1, 0, 0, 1);
}

/* Nobody believes its time, but it was here. */
static void what_came_with_a_wrong_clock_is_not_missing(void **state) {
    (void)state;
    static const step steps[] = {
        {'t', 101, 1, .gives = ""},
        {'t', 4000, 2, .gives = "ahead A\n", .came_s = 102},
        {'t', 103, 3, .gives = ""},
        {'t', 4000, 6, .gives = "ahead A\n", .came_s = 104}, /* but 4 and 5 are */
        {'t', 112, 7, .gives = "A gap 1 ids open 103.0-104.0 ids 4-5 missing 2\nA 100+10 n2 partial\n"},
    };
    RUN(program_of(), steps, 1, 0, 0, 1);
}

static void a_venue_that_counts_anew_begins_proof_anew(void **state) {
    (void)state;
    static const step steps[] = {
        {'t', 101, 100, .gives = ""},
        {'t', 102, 102, .gives = ""},
        {'t', 103.5, 103, .gives = "A gap 1 ids open 101.0-102.0 ids 101-101 missing 1\n"},
        {'t', 104, 105, .gives = ""},
        {'t', 104.5, 1, .gives = "A gap 2 ids lost 103.5-104.0 ids 104-104 missing 1\n"}, /* 104 will hardly come */
        {'t', 111, 2, .gives = "A 100+10 n5 partial\n"},
        {'t', 120, 3, .gives = ""},
        {'t', 121, 4, .gives = "A 110+10 n1 complete proven\n"},
    };
    RUN(program_of(), steps, 2, 0, 1, 1);
}

/* ---- sessions ---- */

static void a_cut_is_a_gap_until_it_is_filled(void **state) {
    (void)state;
    static const step steps[] = {
        {'t', 101, 0, .gives = ""},
        {'t', 105, 0, .gives = ""},
        {'u', 103, 0, .gives = ""},
        {'d', 108, 0,
         .gives = "A gap 1 session open 107.0-?\nB gap 1 session open 107.0-?\n"}, /* from the clock - max_delay */
        {'d', 109, 0, .gives = ""},
        {'D', 112, 0, .gives = "A 100+10 n2 partial\nB 100+10 n1 partial\n"},
        {'l', 125, 0, .gives = "A gap 1 session open 107.0-125.0\nB gap 1 session open 107.0-125.0\n"},
        {'t', 126, 0, .gives = ""},
        {'t', 132, 0, .gives = "A 120+10 n1 partial\n"},
        {'b', 113, 0, .gives = "", 1, 1, .came_s = 132}, /* silent, and moves no time */
        {'b', 108, 0, .gives = "", 1, 2, .came_s = 132},
        {'s', 0, 0, .gives = ""},
        {'b', 113, 0, .gives = "duplicate\n", 1, 1, .came_s = 133}, /* the backfill is made again */
        {'b', 108, 0, .gives = "duplicate\n", 1, 2, .came_s = 133},
        {'b', 114, 0, .gives = "", 1, 3, .came_s = 133},
        {'f', 133, 0, .gives = "", 7, TD_FILL_WHOLE}, /* of no gap of ours */
        {'f', 133, 0,
         .gives = "A gap 1 session filled 107.0-125.0 filled 3\nA 100+10 n3 repaired r1\nA 110+10 n2 repaired\n"
                  "A 120+10 n1 repaired r1\n",
         1, TD_FILL_WHOLE},
        {'f', 133, 0, .gives = "", 1, TD_FILL_NONE},                /* it is closed */
        {'b', 115, 0, .gives = "duplicate\n", 1, 9, .came_s = 133}, /* and takes nothing more */
        {'e', 142, 0, .gives = "B gap 1 session lost 107.0-125.0\nA 130+10 n1 complete\n"},
    };
    RUN(program_of(), steps, 2, 1, 1, 0);
}

static void the_next_id_tells_what_a_cut_has_cost(void **state) {
    (void)state;
    static const step nothing[] = {
        {'t', 105, 1, .gives = ""},
        {'d', 108, 0, .gives = "A gap 1 session open 105.0-?\n"}, /* from the last trade: ids know what came */
        {'D', 112, 0, .gives = "A 100+10 n1 partial\n"},
        {'l', 115, 0, .gives = ""}, /* the next trade says more */
        {'s', 0, 0, .gives = ""},
        {'t', 116, 2, .gives = "A gap 1 session filled 105.0-116.0 missing 0\nA 100+10 n1 complete r1\n"},
        {'d', 117, 0, .gives = "A gap 2 session open 116.0-?\n"}, /* and once more */
        {'t', 118, 3, .gives = "A gap 2 session filled 116.0-118.0 missing 0\n"},
    };
    RUN(program_of(), nothing, 2, 2, 0, 0);
    static const step some[] = {
        {'t', 95, 1, .gives = ""},
        {'t', 105, 2, .gives = "A 90+10 n1 complete\n"},
        {'d', 108, 0, .gives = "A gap 1 session open 105.0-?\n"},
        {'l', 125, 0, .gives = ""},
        {'t', 126, 5, .gives = "A 100+10 n1 partial\nA gap 1 session open 105.0-126.0 ids 3-4 missing 2\n"},
        {'b', 107, 3, .gives = "", 1, 1, .came_s = 127},
        {'b', 115, 4, .gives = "", 1, 2, .came_s = 127},
        {'b', 126, 5, .gives = "duplicate\n", 1, 3, .came_s = 127},
        {'b', 126.5, 6, .gives = "duplicate\n", 1, 4, .came_s = 127}, /* the session's own, not missing */
        {'f', 127, 0,
         .gives = "A gap 1 session filled 105.0-126.0 ids 3-4 missing 0 filled 2\n"
                  "A 100+10 n2 repaired proven r1\nA 110+10 n1 repaired proven\n",
         1, TD_FILL_WHOLE},
        {'t', 130, 6, .gives = ""},
        {'t', 131, 7, .gives = "A 120+10 n1 complete proven\n"},
    };
    RUN(program_of(), some, 1, 1, 0, 0);
}

static void what_does_not_come_is_lost_for_good(void **state) {
    (void)state;
    static const step steps[] = {
        {'t', 105, 1, .gives = ""},
        {'t', 106, 4, .gives = ""},
        {'t', 112, 5, .gives = "A gap 1 ids open 105.0-106.0 ids 2-3 missing 2\nA 100+10 n2 partial\n"},
        {'b', 105.5, 2, .gives = "", 1, 1, .came_s = 112},
        {'f', 112, 0, .gives = "A gap 1 ids lost 105.0-106.0 ids 2-3 missing 1 filled 1\nA 100+10 n3 partial r1\n", 1,
         TD_FILL_WHOLE},                                    /* the venue gave all it had */
        {'t', 104, 3, .gives = "A 100+10 n4 partial r2\n"}, /* it comes, but nobody can rely on that */
        {'t', 120, 6, .gives = ""},
        {'t', 121, 7, .gives = "A 110+10 n1 complete proven\n"},
    };
    RUN(program_of(), steps, 1, 0, 1, 0);
    static const step none[] = {
        {'t', 105, 0, .gives = ""},
        {'d', 106, 0, .gives = "A gap 1 session open 105.0-?\n"},
        {'f', 106, 0, .gives = "", 1, TD_FILL_NONE}, /* its end is not known: nobody can have filled it */
        {'l', 115, 0, .gives = "A gap 1 session open 105.0-115.0\n"},
        {'f', 115, 0, .gives = "A gap 1 session lost 105.0-115.0\n", 1, TD_FILL_NONE},
        {'t', 116, 0, .gives = "A 100+10 n1 partial\n"},
        {'t', 131, 0, .gives = "A 110+10 n1 partial\n"}, /* it had no trade yet when the gap was lost */
        {'t', 141, 0, .gives = "A 130+10 n1 complete\n"},
    };
    RUN(program_of(), none, 1, 0, 1, 0);
}

static void a_rule_that_refuses_what_is_filled_in_loses_nothing(void **state) {
    (void)state;
    static const step steps[] = {
        {'t', 105, 1, .gives = ""},
        {'t', 106, 4, .gives = ""},
        {'t', 112, 5, .gives = "A gap 1 ids open 105.0-106.0 ids 2-3 missing 2\nA 100+10 n2 partial\n"},
        {'b', 105.5, 2, .gives = "non-positive A\n", 1, 1, -1, 112},
        {'b', 105.5, 2, .gives = "non-positive A\n", 1, 1, -1, 112}, /* made again: refused again, counted once */
        {'b', 105.6, 3, .gives = "", 1, 2, .came_s = 112},
        {'f', 112, 0, .gives = "A gap 1 ids filled 105.0-106.0 ids 2-3 missing 0 filled 1\nA 100+10 n3 repaired r1\n",
         1, TD_FILL_WHOLE},
    };
    RUN(program_of(), steps, 1, 1, 0, 0);
    static const step ahead[] = {
        {'t', 105, 1, .gives = ""},
        {'t', 106, 4, .gives = ""},
        {'t', 112, 5, .gives = "A gap 1 ids open 105.0-106.0 ids 2-3 missing 2\nA 100+10 n2 partial\n"},
        {'b', 105.6, 3, .gives = "", 1, 1, .came_s = 112},
        {'b', 113.1, 2, .gives = "ahead A\n", 1, 2, .came_s = 120}, /* the feed's time is 111: its window may not be */
        {'b', 3705, 2, .gives = "ahead A\n", 1, 2, .came_s = 120},
        {'f', 120, 0, .gives = "A gap 1 ids filled 105.0-106.0 ids 2-3 missing 0 filled 1\nA 100+10 n3 repaired r1\n",
         1, TD_FILL_WHOLE},
    };
    RUN(program_of(), ahead, 1, 1, 0, 0);
}

/* What the venue did not give had come by itself. */
static void nothing_is_lost_where_nothing_is_missing(void **state) {
    (void)state;
    static const step steps[] = {
        {'t', 105, 1, .gives = ""},
        {'t', 106, 5, .gives = ""},
        {'t', 112, 6, .gives = "A gap 1 ids open 105.0-106.0 ids 2-4 missing 3\nA 100+10 n2 partial\n"},
        {'t', 105.1, 2, .gives = "A 100+10 n3 partial r1\n"},
        {'b', 105.6, 4, .gives = "", 1, 1, .came_s = 112},
        {'b', 105.5, 3, .gives = "", 1, 2, .came_s = 112},
        {'f', 112, 0, .gives = "A gap 1 ids filled 105.0-106.0 ids 2-4 missing 0 filled 3\nA 100+10 n5 repaired r2\n",
         1, TD_FILL_PART},
    };
    RUN(program_of(), steps, 1, 1, 0, 0);
}

static void a_release_that_comes_too_late_heals_nothing(void **state) {
    (void)state;
    static const step steps[] = {
        {'t', 105, 1, .gives = ""},
        {'t', 109, 0, .gives = "ahead A\n", .came_s = 103}, /* so that its window is kept */
        {'d', 106, 0, .gives = "A gap 1 session open 105.0-?\n"},
        {'l', 107, 0, .gives = ""},
        {'t', 108, 3, .gives = "A gap 1 session open 105.0-108.0 ids 2-2 missing 1\n"},
        {'f', 108, 0, .gives = "A gap 1 session lost 105.0-108.0 ids 2-2 missing 1\n", 1, TD_FILL_NONE},
        {'q', 120, 0, .gives = "A 100+10 n2 partial\n"},
        {'q', 300, 0, .gives = ""},
        {'d', 301, 0, .gives = "A gap 2 session open 108.0-?\n"}, /* the first one is forgotten, but for its mark */
        {'r', 109, 0, .gives = "late A\n", .came_s = 302},
        {'l', 303, 0, .gives = ""},
        {'t', 310, 4, .gives = "A gap 2 session filled 108.0-310.0 missing 0\n"},
    };
    td_program *program = program_of();
    program->repair_horizon_ns = 70 * TD_NS_PER_S;
    RUN(program, steps, 2, 1, 1, 0);
}

static void windows_under_a_gap_are_kept_beyond_grace(void **state) {
    (void)state;
    static const step steps[] = {
        {'t', 105, 0, .gives = ""},
        {'d', 106, 0, .gives = "A gap 1 session open 105.0-?\n"},
        {'l', 1000, 0, .gives = "A gap 1 session open 105.0-1000.0\n"},
        {'t', 1001, 0, .gives = "A 100+10 n1 partial\n"},
        {'t', 1200, 0, .gives = "A 1000+10 n1 partial\n"}, /* its slot is taken long ago */
        {'s', 0, 0, .gives = ""},
        {'b', 109, 0, .gives = "", 1, 1, .came_s = 1200},
        {'b', 500, 0, .gives = "", 1, 2, .came_s = 1200},
        {'t', 501, 0, .gives = "late A\n"}, /* what is merely late finds no window */
        {'f', 1200, 0,
         .gives = "A gap 1 session filled 105.0-1000.0 filled 2\nA 100+10 n2 repaired r1\nA 500+10 n1 repaired\n"
                  "A 1000+10 n1 repaired r1\n",
         1, TD_FILL_WHOLE},
    };
    td_program *program = program_of();
    RUN(program, steps, 1, 1, 0, 0);
    program = program_of();
    program->repair_horizon_ns = 0;
    static const step beyond[] = {
        {'t', 105, 0, .gives = ""},
        {'d', 106, 0, .gives = "A gap 1 session open 105.0-?\n"},
        {'l', 1000, 0, .gives = "A gap 1 session open 105.0-1000.0\n"},
        {'t', 1200, 0, .gives = "A 100+10 n1 partial\n"},
        {'b', 500, 0, .gives = "late A\n", 1, 1, .came_s = 1200},
    };
    RUN(program, beyond, 1, 0, 0, 1);
    program = program_of();
    program->repair_horizon_ns = 0;
    static const step without[] = {
        {'t', 105, 1, .gives = ""},
        {'t', 106, 3, .gives = ""},
        {'t', 172, 4, .gives = "A gap 1 ids open 105.0-106.0 ids 2-2 missing 1\nA 100+10 n2 partial\n"},
        {'t', 105.5, 2, /* here at last, but not in its bar */
         .gives = "A gap 1 ids filled 105.0-106.0 ids 2-2 missing 0 filled 1\nlate A\n"},
    };
    RUN(program, without, 1, 1, 0, 0);
}

static void a_missing_trade_that_comes_late_finds_its_window(void **state) {
    (void)state;
    static const step steps[] = {
        {'t', 105, 1, .gives = ""},
        {'t', 106, 3, .gives = ""},
        {'t', 300, 4, .gives = "A gap 1 ids open 105.0-106.0 ids 2-2 missing 1\nA 100+10 n2 partial\n"},
        {'t', 104, 0, .gives = "late A\n"},
        {'t', 105.5, 2,
         .gives = "A gap 1 ids filled 105.0-106.0 ids 2-2 missing 0 filled 1\nA 100+10 n3 repaired r1\n"},
    };
    RUN(program_of(), steps, 1, 1, 0, 0);
}

static void silence_is_a_gap_where_it_is_asked_for(void **state) {
    (void)state;
    static const step steps[] = {
        {'t', 103, 0, .gives = ""},
        {'u', 105, 7, .gives = ""},
        {'i', 109, 0, .gives = ""},
        {'q', 110, 0, .gives = ""},
        {'i', 115, 0, .gives = "A 100+10 n1 complete\nB 100+10 n1 complete\n"}, /* 5 s, and not longer */
        {'i', 115.1, 0,
         .gives = "A gap 1 silence open 109.0-?\nA 100+10 n1 partial r1\n"
                  "B gap 1 silence open 105.0-?\nB 100+10 n1 partial r1\n"},
        {'i', 116, 0, .gives = ""},
        {'s', 0, 0, .gives = ""},
        {'r', 104, 0, .gives = "A 100+10 n2 partial r2\n"}, /* no sign of life */
        {'q', 121, 0, .gives = "A gap 1 silence open 109.0-121.0\n"},
        {'u', 122, 8, .gives = "B gap 1 silence filled 105.0-122.0 missing 0\nB 100+10 n1 complete r2\n"},
        {'i', 125, 0, .gives = ""},
    };
    td_program *program = program_of();
    program->unnamed.silence_ns = 5 * TD_NS_PER_S;
    RUN(program, steps, 2, 1, 0, 1);
}

/* It is by arrival: time went on meanwhile, and what is late tells that the feed is there. */
static void what_comes_late_ends_a_silence(void **state) {
    (void)state;
    static const step steps[] = {
        {'t', 103, 0, .gives = ""},
        {'i', 109, 0, .gives = "A gap 1 silence open 103.0-?\n"},
        {'s', 0, 0, .gives = ""},
        {'r', 104, 0, .gives = "", .came_s = 110}, /* no sign of life */
        {'q', 107, 0, .gives = "A gap 1 silence open 103.0-108.0\n", .came_s = 110},
        {'i', 113, 0, .gives = "A 100+10 n2 partial\n"}, /* and it is not silent since then */
        {'i', 116, 0, .gives = "A gap 2 silence open 109.0-?\n"},
        {'d', 117, 0, .gives = ""},
        {'q', 117, 0, .gives = ""}, /* was on its way when the session went down */
        {'l', 119, 0, .gives = ""},
        {'t', 119, 0, .gives = "A gap 2 silence open 109.0-119.0\n"},
    };
    td_program *program = program_of();
    program->unnamed.silence_ns = 5 * TD_NS_PER_S;
    RUN(program, steps, 2, 0, 0, 2);
}

/* Open from 120 to 180 s. */
static td_program *program_with_hours(void) {
    const td_bytes calendar = TD_TEXT("zone UTC\ndays thu\nregular 00:02 00:03\n");
    static const td_program_listing listing = {"*", 0};
    static const int64_t width_ns = 10 * TD_NS_PER_S;
    const td_program_settings settings = {.widths_ns = &width_ns,
                                          .width_count = 1,
                                          .grace_ns = 60 * TD_NS_PER_S,
                                          .calendars = &calendar,
                                          .calendar_count = 1,
                                          .listings = &listing,
                                          .listing_count = 1};
    return rig_program(&settings);
}

static void a_venue_that_is_closed_is_not_silent(void **state) {
    (void)state;
    static const step steps[] = {
        {'t', 103, 0, .gives = ""},
        {'i', 119, 0, .gives = "A 100+10 n1 complete\n"},
        {'i', 125, 0, .gives = ""}, /* open for 5 s, and not longer */
        {'i', 125.1, 0, .gives = "A gap 1 silence open 119.0-?\n"},
        {'q', 126, 0, .gives = "A gap 1 silence open 119.0-126.0\n"},
        {'t', 177, 0, .gives = ""},
        {'i', 190, 0, .gives = "A 170+10 n1 complete\n"},
    };
    td_program *program = program_with_hours();
    program->unnamed.silence_ns = 5 * TD_NS_PER_S;
    RUN(program, steps, 1, 0, 0, 1);
}

static void gaps_move_with_their_instrument(void **state) {
    (void)state;
    static const step counted[] = {
        {'t', 101, 1, .gives = ""},
        {'t', 103, 4, .gives = ""},
        {'u', 104.5, 0, .gives = "A gap 1 ids open 101.0-103.0 ids 2-3 missing 2\n"},
        {'d', 105, 0, .gives = "A gap 2 session open 103.0-?\nB gap 1 session open 104.5-?\n"},
        /* What the one before left open goes on, and what lies between the two shows. */
        {'o', 106, 7,
         .gives = "A gap 1 ids open 101.0-103.0 ids 2-3 missing 2 of other\n"
                  "A gap 2 session open 103.0-? of other\n"
                  "A 100+10 n2 partial\n"
                  "A gap 2 session open 103.0-106.0 ids 5-6 missing 2 of other\n"
                  "A 100+10 n3 partial r1\n"},
        {'s', 0, 0, .gives = ""},
        {'b', 102, 2, .gives = "duplicate\n", 1, 1}, /* the one before may fill nothing any more */
        {'p', 102, 2, .gives = "", 1, 1},
        {'p', 102, 3, .gives = "", 1, 2},
        {'g', 0, 0,
         .gives = "A gap 1 ids filled 101.0-103.0 ids 2-3 missing 0 filled 2 of other\nA 100+10 n5 partial r2\n", 1,
         TD_FILL_WHOLE},
        {'p', 104, 5, .gives = "", 2, 1},
        {'p', 105, 6, .gives = "", 2, 2},
        {'g', 0, 0,
         .gives = "A gap 2 session filled 103.0-106.0 ids 5-6 missing 0 filled 2 of other\n"
                  "A 100+10 n7 repaired r3\n",
         2, TD_FILL_WHOLE},
        {'o', 112, 8, .gives = ""},
        {'o', 120, 9, .gives = ""},
        {'o', 123, 10, .gives = "A 110+10 n1 complete proven\n"},
        {'t', 124, 13,
         .gives =
             "B 100+10 n1 partial\nA 120+10 n2 complete\nA 120+10 n3 complete r1\n"}, /* back again, two on the way */
        {'u', 126, 0, .gives = "A gap 3 ids open 123.0-124.0 ids 11-12 missing 2\nA 120+10 n3 partial r2\n"},
    };
    td_program *program = program_of();
    RUN(program, counted, 4, 2, 0, 2);
}

static void what_no_ids_tell_is_missing_between_two_feeds(void **state) {
    (void)state;
    static const step steps[] = {
        {'t', 105, 0, .gives = ""},
        {'i', 107, 0, .gives = ""},
        {'o', 109, 0,
         .gives = "A gap 1 session open 106.0-109.0 of other\nA 100+10 n1 partial\nA 100+10 n2 partial r1\n"},
        {'p', 107, 0, .gives = "", 1, 1},
        {'g', 0, 0, .gives = "A gap 1 session filled 106.0-109.0 filled 1 of other\nA 100+10 n3 repaired r2\n", 1,
         TD_FILL_WHOLE},
        {'t', 115, 0, .gives = "A gap 2 session open 109.0-115.0\nA 100+10 n3 partial r3\n"},
        {'d', 116, 0, .gives = "A gap 3 session open 115.0-?\n"},
        {'o', 118, 0,
         .gives = "A gap 2 session open 109.0-115.0 of other\nA gap 3 session open 115.0-118.0 of other\nA 110+10 n1 "
                  "partial\nA 110+10 n2 partial r1\n"},

    };
    td_program *program = program_of();
    RUN(program, steps, 3, 1, 0, 2);
}

/* Who gave prices alone has left no trade out. */
static void nothing_is_missing_before_the_first_trade(void **state) {
    (void)state;
    static const step steps[] = {
        {'P', 101, 0, .gives = ""},
        {'P', 103, 0, .gives = ""},
        {'t', 104, 0, .gives = ""},
        {'P', 112, 0, .gives = ""},
        {'t', 113, 0, .gives = "A 100+10 n1 complete\n"},
    };
    td_program *program = program_of();
    RUN(program, steps, 0, 0, 0, 0);
}

static void a_release_leaves_the_instrument_where_it_is(void **state) {
    (void)state;
    static const step steps[] = {
        {'t', 101, 0, .gives = ""}, {'e', 102, 0, .gives = "A 100+10 n1 complete\n"},
        {'o', 113, 0, .gives = ""}, {'r', 101, 0, .gives = "A 100+10 n2 complete r1\n"},
        {'o', 118, 0, .gives = ""}, {'o', 122, 0, .gives = "A 110+10 n2 complete\n"},
        {'r', 121, 0, .gives = ""}, {'o', 132, 0, .gives = "A 120+10 n2 complete\n"},
    };
    td_program *program = program_of();
    RUN(program, steps, 0, 0, 0, 0);
}

static void an_engine_that_knew_none_tells_none(void **state) {
    (void)state;
    static const step steps[] = {
        {'t', 105, 1, .gives = ""},
        {'t', 106, 4, .gives = ""},
        {'d', 107, 0, .gives = ""},
        {'l', 109, 0, .gives = ""},
        {'t', 112, 5, .gives = "A 100+10 n2 complete\n"},
        {'t', 122, 6, .gives = "A 110+10 n1 complete\n"},
        {'u', 130, 0, .gives = ""},
        {'t', 130, 7, .gives = ""},
        {'u', 131, 0, .gives = "A 120+10 n1 complete\n"}, /* an id behind it was seen: it proves nothing */
    };
    td_program *program = program_of();
    program->unnamed.gaps = false;
    RUN(program, steps, 0, 0, 0, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_in_order_prove),
        cmocka_unit_test(what_is_only_late_is_no_gap),
        cmocka_unit_test(a_hole_is_told_when_the_watermark_passes_it),
        cmocka_unit_test(a_hole_that_closes_late_leaves_complete_bars),
        cmocka_unit_test(what_was_refused_is_not_missing),
        cmocka_unit_test(what_came_with_a_wrong_clock_is_not_missing),
        cmocka_unit_test(a_venue_that_counts_anew_begins_proof_anew),
        cmocka_unit_test(a_cut_is_a_gap_until_it_is_filled),
        cmocka_unit_test(the_next_id_tells_what_a_cut_has_cost),
        cmocka_unit_test(what_does_not_come_is_lost_for_good),
        cmocka_unit_test(a_rule_that_refuses_what_is_filled_in_loses_nothing),
        cmocka_unit_test(nothing_is_lost_where_nothing_is_missing),
        cmocka_unit_test(a_release_that_comes_too_late_heals_nothing),
        cmocka_unit_test(windows_under_a_gap_are_kept_beyond_grace),
        cmocka_unit_test(a_missing_trade_that_comes_late_finds_its_window),
        cmocka_unit_test(silence_is_a_gap_where_it_is_asked_for),
        cmocka_unit_test(what_comes_late_ends_a_silence),
        cmocka_unit_test(a_venue_that_is_closed_is_not_silent),
        cmocka_unit_test(gaps_move_with_their_instrument),
        cmocka_unit_test(what_no_ids_tell_is_missing_between_two_feeds),
        cmocka_unit_test(nothing_is_missing_before_the_first_trade),
        cmocka_unit_test(a_release_leaves_the_instrument_where_it_is),
        cmocka_unit_test(an_engine_that_knew_none_tells_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
