/* tests/unit/stream_ledger_model_test.c - goal: whatever is cut, left out, late or asked for twice, nothing is missing
 * unseen. A market of known trades is brought by two feeds, of which one counts its trades, through cuts, silence and
 * backfills. At any moment a bar that says `proven` holds all trades of the market; in the end so does each bar that is
 * not partial, and a bar is partial under an open or a lost gap and nowhere else. Nothing is given again unchanged. */
#include "base/time.h"
#include "state_rig.h"
#include "stream/state.h"
#include "unit.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { S = 1000000000, SECONDS = 400, INSTRUMENTS = 3, COUNTED = 2, WIDTHS = 3, TRADES_MAX = 2 * SECONDS };
enum { QUEUE_MAX = 1 << 14, GAPS_MAX = 256, HOLD_S = 3, SILENCE_S = 6, PLACES = 60 + SECONDS };
static const int64_t widths_ns[WIDTHS] = {INT64_C(1) * S, INT64_C(3) * S, INT64_C(60) * S};
static const char *const names[INSTRUMENTS] = {"V:A", "V:B", "W:C"}; /* the last one's trades have no ids */
static const char *const feeds[2] = {"counted", "plain"};

typedef struct market_trade {
    int64_t event_ns, price;
    bool here, refused, gone; /* as it came; not accepted; not even its venue has it any more */
    bool accepted;
} market_trade;

typedef struct market {
    uint64_t random;
    bool rough, crowded; /* cuts, holes, lates; … more than a ledger holds */
    bool calm;           /* the end of it: nobody knows what is missing behind the last id */
    market_trade trades[INSTRUMENTS][TRADES_MAX];
    int64_t trade_count[INSTRUMENTS];
    td_event queue[QUEUE_MAX]; /* to be applied, each when it is received */
    size_t queue_count;
    bool up[2];
    int64_t down_ns[2];
    int64_t begin_ns[INSTRUMENTS];      /* of the first trade that came: what was before it nobody knows */
    td_gap gaps[INSTRUMENTS][GAPS_MAX]; /* as told last, by number - 1 */
    int64_t gap_count[INSTRUMENTS], told[TD_GAP_STATUS_COUNT];
    bool asked[INSTRUMENTS][GAPS_MAX];
    td_bar bars[INSTRUMENTS][WIDTHS][PLACES]; /* last revisions, by place in time */
    size_t revisions, proven, late;
} market;

static uint64_t below(market *m, uint64_t bound) { return unit_random(&m->random) % bound; }
static bool chance(market *m, uint64_t percent) { return m->rough && !m->calm && below(m, 100) < percent; }
static uint32_t feed_of(uint32_t instrument) { return instrument < COUNTED ? 0 : 1; }

/* ---- what is on its way ---- */

static void push(market *m, td_event e) {
    assert_true(m->queue_count < QUEUE_MAX);
    size_t at = m->queue_count++;
    for (; at > 0 && m->queue[at - 1].receive_ns > e.receive_ns; at--) m->queue[at] = m->queue[at - 1];
    m->queue[at] = e;
}

static void push_time(market *m, uint32_t feed, td_session session, int64_t clock_ns, int64_t bound_ns) {
    td_time_mark mark = {.bound_ns = bound_ns, .clock_ns = clock_ns, .session = (uint8_t)session};
    push(m, (td_event){.kind = TD_EVENT_TIME, .feed = feed, .receive_ns = clock_ns, .time = mark});
}

static td_event event_of(const market *m, uint32_t x, int64_t i, int64_t receive_ns) {
    const market_trade *t = &m->trades[x][i];
    return (td_event){
        .kind = TD_EVENT_TRADE,
        .feed = feed_of(x),
        .instrument = x,
        .event_ns = t->event_ns,
        .receive_ns = receive_ns,
        .trade = {.price = t->refused ? -1 : t->price, .size = 1, .trade_id = x < COUNTED ? i + 1 : TD_NONE}};
}

/* ---- the market, and how it is heard ---- */

static bool is_up_at(const market *m, uint32_t feed, int64_t ns) { return m->up[feed] && ns >= m->down_ns[feed]; }

/* A trade that is not heard is missing; the plain feed loses none but those that a cut costs. */
static void bring(market *m, uint32_t x, int64_t i, int64_t cut_ns) {
    market_trade *t = &m->trades[x][i];
    bool counted = x < COUNTED, late = chance(m, 2);
    int64_t delay_ns = counted ? (int64_t)below(m, S) : S / 4, at_ns = t->event_ns + delay_ns;
    bool lost = !is_up_at(m, feed_of(x), at_ns) || at_ns >= cut_ns;
    if (lost || (counted && chance(m, m->crowded ? 25 : 2))) return;
    if (late) at_ns += S + (int64_t)below(m, (counted ? 20 : 3) * (uint64_t)S);
    if (late && at_ns >= cut_ns) at_ns = cut_ns - 1;
    t->here = true;
    push(m, event_of(m, x, i, at_ns));
    if (counted && chance(m, 5)) push(m, event_of(m, x, i, at_ns + (int64_t)below(m, S)));
}

/* One second: the feed may be cut within it, or come back. */
static void pass_second(market *m, uint32_t feed, int64_t s, bool quiet) {
    int64_t from_ns = s * S, cut_ns = INT64_MAX;
    if (m->up[feed] && chance(m, m->crowded ? 10 : 3)) cut_ns = from_ns + (int64_t)below(m, S);
    for (uint32_t x = 0; x < INSTRUMENTS; x++)
        for (uint64_t n = feed_of(x) == feed && !quiet ? (x != 1) + below(m, 3 - (x != 1)) : 0, k = 0; k < n; k++) {
            int64_t i = m->trade_count[x]++;
            int64_t at_ns = from_ns + (int64_t)(k * S / n + below(m, S / n));
            m->trades[x][i] = (market_trade){at_ns,        100 + (int64_t)below(m, 9),  false,
                                             chance(m, 3), x < COUNTED && chance(m, 1), false};
            bring(m, x, i, cut_ns);
        }
    if (cut_ns != INT64_MAX) {
        push_time(m, feed, TD_SESSION_DOWN, cut_ns, TD_NONE);
        m->up[feed] = false;
        m->down_ns[feed] = cut_ns;
    } else if (m->up[feed]) {
        push_time(m, feed, TD_SESSION_IDLE, from_ns + S - 1, from_ns - 1);
    } else if (below(m, 4) == 0) {
        push_time(m, feed, TD_SESSION_LIVE, from_ns + S - 1, TD_NONE);
        m->up[feed] = true;
        m->down_ns[feed] = from_ns + S - 1;
    } else {
        bool bounds = from_ns - m->down_ns[feed] > HOLD_S * (int64_t)S;
        push_time(m, feed, TD_SESSION_DOWN, from_ns + S - 1, bounds ? from_ns - 1 : TD_NONE);
    }
}

static void make_market(market *m) {
    int64_t quiet_s = 0;
    m->up[0] = m->up[1] = true;
    for (int64_t s = 60; s < 60 + SECONDS; s++) {
        m->calm = s > 40 + SECONDS;
        if (quiet_s == 0 && chance(m, 2)) quiet_s = 2 * SILENCE_S;
        pass_second(m, 0, s, false);
        pass_second(m, 1, s, quiet_s > 0);
        if (quiet_s > 0) quiet_s--;
    }
    for (uint32_t f = 0; f < 2; f++) push_time(m, f, TD_SESSION_LIVE, (60 + SECONDS) * (int64_t)S, TD_NONE);
}

/* ---- backfills: begun a while after a gap was told, some twice, some without success ---- */

static int64_t put_pages(market *m, const td_gap *g, int64_t at_ns, bool half) {
    int64_t place = 0;
    for (int64_t i = 0; i < m->trade_count[g->instrument] / (half ? 2 : 1); i++) {
        const market_trade *t = &m->trades[g->instrument][i];
        bool asked = g->first_id != TD_NONE ? g->first_id <= i + 1 && i < g->last_id
                                            : g->from_ns <= t->event_ns && t->event_ns <= g->to_ns && !t->here;
        if (!asked || t->gone) continue;
        td_event e = event_of(m, g->instrument, i, at_ns++);
        e.origin = TD_ORIGIN_BACKFILL;
        e.of_epoch = g->number;
        e.of_offset = ++place;
        push(m, e);
    }
    return at_ns;
}

static void ask_for(market *m, const td_gap *g) {
    int64_t at_ns = g->known_at_ns + (30 + (int64_t)below(m, 30)) * S;
    uint64_t luck = below(m, 10);
    if (luck == 0) return; /* nobody asks */
    if (luck < 4) at_ns = put_pages(m, g, at_ns, true) + S;
    if (luck > 1) at_ns = put_pages(m, g, at_ns, false);
    td_fill_extent extent = luck == 1 ? TD_FILL_PART : TD_FILL_WHOLE;
    push(m, (td_event){.kind = TD_EVENT_FILLED,
                       .feed = feed_of(g->instrument),
                       .instrument = g->instrument,
                       .receive_ns = at_ns,
                       .filled = {g->number, (uint8_t)extent}});
}

/* ---- what the state says ---- */

static uint32_t index_of(td_bytes name) {
    uint32_t x = 0;
    while (!td_bytes_equal(name, td_text(names[x]))) x++;
    return x;
}

static void on_gap(void *self, td_bytes instrument, const td_gap *gap) {
    market *m = self;
    uint32_t x = index_of(instrument);
    assert_true(gap->number >= 1 && gap->number <= m->gap_count[x] + 1 && gap->number <= GAPS_MAX);
    td_gap *last = &m->gaps[x][gap->number - 1];
    if (gap->number > m->gap_count[x]) {
        m->gap_count[x]++;
        m->told[TD_GAP_OPEN]++;
    } else {
        assert_int_equal(last->status, TD_GAP_OPEN); /* what is closed is not told again */
        assert_true(gap->status != TD_GAP_OPEN || last->to_ns == TD_NONE);
    }
    if (gap->status != TD_GAP_OPEN) m->told[gap->status]++;
    *last = *gap;
    last->instrument = x;
    if (gap->status != TD_GAP_OPEN || gap->to_ns == TD_NONE || m->asked[x][gap->number - 1]) return;
    m->asked[x][gap->number - 1] = true;
    ask_for(m, last);
}

/* The bar of all trades of the market that are not refused, or of those that were accepted. */
static td_bar bar_of(const market *m, uint32_t x, const td_bar *like, bool accepted) {
    td_bar bar = {.low = INT64_MAX};
    for (int64_t i = 0; i < m->trade_count[x]; i++) {
        const market_trade *t = &m->trades[x][i];
        if ((accepted ? !t->accepted : t->refused) || t->event_ns < like->start_ns || t->event_ns >= like->end_ns)
            continue;
        if (bar.trade_count++ == 0) bar.open = t->price;
        bar.close = t->price;
        if (t->price > bar.high) bar.high = t->price;
        if (t->price < bar.low) bar.low = t->price;
    }
    return bar;
}

static bool is_bar(const td_bar *b, td_bar want) {
    return b->trade_count == want.trade_count && b->open == want.open && b->close == want.close &&
           b->high == want.high && b->low == want.low && b->volume == want.trade_count;
}

static bool is_whole(const market *m, uint32_t x, const td_bar *b) { return is_bar(b, bar_of(m, x, b, false)); }

static void on_bar(void *self, td_bytes instrument, const td_bar *b) {
    market *m = self;
    uint32_t x = index_of(instrument);
    size_t w = 0;
    while (widths_ns[w] != b->width_ns) w++;
    td_bar *last = &m->bars[x][w][b->start_ns / b->width_ns];
    assert_int_equal(b->revision, last->trade_count > 0 ? last->revision + 1 : 0);
    if (b->revision > 0) assert_true(b->trade_count > last->trade_count || b->quality != last->quality);
    bool mended = x >= COUNTED && last->quality == TD_QUALITY_PARTIAL && b->trade_count > last->trade_count;
    assert_true(!mended || b->quality != TD_QUALITY_COMPLETE);
    if (b->evidence == TD_EVIDENCE_PROVEN) {
        ASSERT_ROW(is_whole(m, x, b), "%s at %" PRId64 " is not proven", names[x], b->start_ns / S);
        m->proven++;
    }
    m->revisions += b->revision > 0;
    *last = *b;
}

static void on_signal(void *self, td_bytes instrument, const td_signal *signal) {
    (void)self, (void)instrument, (void)signal;
    fail_msg("a signal without strategies");
}

static bool lies_under(const market *m, uint32_t x, int64_t start_ns, int64_t end_ns, bool open) {
    for (int64_t g = 0; g < m->gap_count[x]; g++) {
        const td_gap *gap = &m->gaps[x][g];
        bool over = gap->from_ns < end_ns && (gap->to_ns == TD_NONE || gap->to_ns >= start_ns);
        if (over && (gap->status == TD_GAP_LOST || (open && gap->status == TD_GAP_OPEN))) return true;
    }
    return false;
}

static void on_quarantined(void *self, td_bytes instrument, const td_quarantined *q) {
    market *m = self;
    uint32_t x = index_of(instrument);
    int64_t at_ns = q->event.event_ns;
    if (q->reason != TD_REASON_LATE || m->begin_ns[x] == 0 || at_ns <= m->begin_ns[x]) return;
    m->late += !lies_under(m, x, at_ns, at_ns + 1, false); /* of a lost one nothing is kept */
}

/* ---- what must hold ---- */

/* … or may: some of the gaps that were lost are forgotten. */
static bool lay_under(const market *m, uint32_t x, const td_bar *b) {
    return lies_under(m, x, b->start_ns, INT64_MAX, false);
}

static void check_bars(const market *m, uint64_t seed) {
    for (uint32_t x = 0; x < INSTRUMENTS; x++)
        for (size_t w = 0; w < WIDTHS; w++)
            for (size_t i = 0; i < PLACES; i++) {
                const td_bar *b = &m->bars[x][w][i];
                if (b->trade_count == 0 || b->start_ns <= m->begin_ns[x]) continue;
                bool partial = b->quality == TD_QUALITY_PARTIAL, under = lies_under(m, x, b->start_ns, b->end_ns, true);
                ASSERT_ROW(partial || is_whole(m, x, b), "seed %" PRIu64 ": %s at %" PRId64 "+%" PRId64, seed, names[x],
                           b->start_ns / S, b->width_ns / S);
                ASSERT_ROW(is_bar(b, bar_of(m, x, b, true)) || lies_under(m, x, b->start_ns, b->end_ns, false),
                           "seed %" PRIu64 ": %s at %" PRId64, seed, names[x], b->start_ns / S);
                ASSERT_ROW(partial ? under || lay_under(m, x, b) : !under || m->crowded,
                           "seed %" PRIu64 ": %s at %" PRId64 "+%" PRId64 " is %s", seed, names[x], b->start_ns / S,
                           b->width_ns / S, td_quality_name((td_quality)b->quality));
            }
}

static td_program *program_of(void) {
    td_program *program = td_alloc_zero(1, sizeof *program);
    program->unnamed = td_program_feed_default();
    program->unnamed.silence_ns = SILENCE_S * (int64_t)S;
    program->unnamed.trade_ids = TD_IDS_ORDERED;
    program->grace_ns = 5 * INT64_C(1) * S;
    program->repair_horizon_ns = 86400 * (int64_t)S;
    program->width_count = WIDTHS;
    memcpy(program->widths_ns, widths_ns, sizeof widths_ns);
    return program;
}

static market_trade *trade_of(market *m, uint32_t x, int64_t event_ns) {
    int64_t i = 0;
    while (m->trades[x][i].event_ns != event_ns) i++;
    return &m->trades[x][i];
}

static void apply(market *m, td_state *state, td_event e) {
    td_emit emit = {m, on_bar, on_signal, on_quarantined, on_gap, td_emit_none.fill, td_emit_none.member, NULL};
    uint32_t x = e.instrument;
    e.feed = td_state_feed(state, td_text(feeds[e.feed]));
    if (e.kind != TD_EVENT_TIME) {
        e.instrument = td_state_find_instrument(state, td_text(names[x]));
        if (e.instrument == UINT32_MAX) e.instrument = td_state_add_instrument(state, &e, td_text(names[x]));
    }
    bool accepted = td_state_apply(state, &e, &emit).verdict == TD_VERDICT_ACCEPTED;
    if (e.kind != TD_EVENT_TRADE || !accepted) return;
    trade_of(m, x, e.event_ns)->accepted = true;
    if (m->begin_ns[x] == 0) m->begin_ns[x] = e.event_ns;
}

static void run_market(market *m, uint64_t seed) {
    td_program *program = program_of();
    td_state *state = td_state_new(program);
    td_changes sum = {0};
    m->random = seed;
    make_market(m);
    for (size_t i = 0; i < m->queue_count; i++) { /* gaps add to it */
        if (below(m, 60) == 0) state = rig_reloaded(state, program);
        apply(m, state, m->queue[i]);
        td_changes changes = td_state_take_changes(state);
        sum.gaps_opened += changes.gaps_opened;
        sum.gaps_filled += changes.gaps_filled;
        sum.gaps_lost += changes.gaps_lost;
    }
    check_bars(m, seed);
    assert_true(sum.gaps_opened == m->told[TD_GAP_OPEN] && sum.gaps_filled == m->told[TD_GAP_FILLED]);
    assert_true(sum.gaps_lost == m->told[TD_GAP_LOST]);
    assert_int_equal(td_state_open_gaps(state), sum.gaps_opened - sum.gaps_filled - sum.gaps_lost);
    td_state_free(state);
    td_program_free(program);
}

/* ---- */

static void nothing_is_missing_unseen(void **state) {
    (void)state;
    static market m;
    int64_t filled = 0, lost = 0;
    size_t proven = 0;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        m = (market){.rough = true};
        run_market(&m, seed);
        assert_int_equal(m.late, 0); /* what comes for a gap finds its windows */
        filled += m.told[TD_GAP_FILLED];
        lost += m.told[TD_GAP_LOST];
        proven += m.proven;
    }
    assert_true(filled > 400 && lost > 40 && proven > 4000);
}

static void more_than_a_ledger_holds_is_not_unseen_either(void **state) {
    (void)state;
    static market m;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        m = (market){.rough = true, .crowded = true};
        run_market(&m, seed);
    }
}

static void in_order_there_is_no_gap_and_no_revision(void **state) {
    (void)state;
    static market m;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        m = (market){0};
        run_market(&m, seed);
        assert_true(m.told[TD_GAP_OPEN] == 0 && m.revisions == 0 && m.late == 0 && m.proven > 300);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_missing_unseen),
        cmocka_unit_test(more_than_a_ledger_holds_is_not_unseen_either),
        cmocka_unit_test(in_order_there_is_no_gap_and_no_revision),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
