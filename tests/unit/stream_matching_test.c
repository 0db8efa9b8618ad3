/* tests/unit/stream_matching_test.c - goal: a strategy that waits runs once for each trade, when the watermarks of its
 * feed and of its quotes' are behind the wait, with the quote of the last time up to its own: as a search through all
 * that came says, whatever came late, however often the state is saved, and no sooner on any prefix. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
/* after its own */
#include "lang/lang.h"
#include "state_rig.h"
#include "stream/queue.h"
#include "stream/recall.h"
#include "stream/state.h"
#include "unit.h"

#define S       INT64_C(1000000000)
#define MS      INT64_C(1000000)
#define SIZE    INT64_C(100000000)
#define BEGIN   (60000 * S)
#define WAIT    (250 * MS)
#define NOTHING INT64_MIN

enum { RECORDS = 1500, LATENESS_MS = 1000 };

static td_program *program_of(const char *text) {
    td_buf errors = {0};
    td_source_text source = {.file = "x.td", .text = td_text(text)};
    td_program *p = td_alloc_zero(1, sizeof *p);
    td_graph **graphs;
    size_t count;
    if (td_lang_compile(&source, 1, &graphs, &count, &errors) != TD_OK)
        fail_msg("%.*s", (int)errors.size, (const char *)errors.data);
    p->width_count = 1;
    p->widths_ns[0] = 60 * S;
    p->unnamed = td_program_feed_default();
    p->unnamed.rules = TD_RULES_OFF;
    for (size_t i = 0; i < count; i++) {
        bool bars = td_rhythm_has_bars(td_graph_rhythm(graphs[i]));
        p->graphs[bars ? 0 : p->width_count + p->tick_graph_count++] = graphs[i];
        if (bars) p->widths_ns[0] = td_graph_width_ns(graphs[i]);
    }
    free(graphs);
    p->sha256[0] = (uint8_t)strlen(text);
    return p;
}

static const char text[] = "strategy m on trades\n"
                           "  emit v { best = asof(quote.bid, 250ms), age = asof(quote, wait = 250ms).age / 1ms,\n"
                           "           other = asof(quote.ask) - 2, own = price }\n";

/* The same by what is named elsewhere: the strategy waits with its series, and says nothing of it. */
static const char named[] = "fn best() = asof(quote.bid, wait = 250ms)\n"
                            "fn told(x) = asof(x) - 2\n"
                            "fn age() = asof(quote, 250ms).age\n"
                            "series s on trades\n"
                            "  best = best()\n"
                            "  age = age() / 1ms\n"
                            "strategy m on trades\n"
                            "  emit v { best = s.best, age = s.age, other = told(quote.ask), own = price }\n";

/* Beside it another one that waits as long, first by name and with values of its own. */
static const char edited[] = "strategy b on trades\n"
                             "  emit v { much = asof(quote.bid_size, 250ms), best = asof(quote.bid, 250ms) }\n"
                             "strategy m on trades\n"
                             "  emit v { best = asof(quote.bid, 250ms), age = asof(quote, wait = 250ms).age / 1ms,\n"
                             "           other = asof(quote.ask) - 2, own = price }\n";

/* ---- what comes, and what was told ---- */

typedef struct record {
    char kind; /* t(rade), q(uote), c(lock of the quotes), e(nd of both) */
    uint32_t feed;
    int64_t event_ns, price;
} record;

typedef struct told {
    int64_t event_ns, price, bid, age_ms, at_once;
    size_t by; /* the record that it was told with */
} told;

typedef struct rig {
    td_program *program;
    td_state *state;
    td_emit emit;
    bool bars; /* the strategy is on them */
    record records[RECORDS + 2];
    size_t count;
    told told[RECORDS];
    size_t told_count;
} rig;

static int64_t number(td_bytes data, const char *name) {
    char key[32], json[256];
    double value;
    (void)snprintf(json, sizeof json, "%.*s", (int)data.size, (const char *)data.data);
    (void)snprintf(key, sizeof key, "\"%s\":", name);
    const char *at = strstr(json, key);
    assert_non_null(at);
    return sscanf(at + strlen(key), "%lf", &value) == 1 ? (int64_t)(value + 0.5) : NOTHING;
}

static void on_signal(void *self, td_bytes instrument, const td_signal *signal) {
    rig *r = self;
    if (td_bytes_equal(signal->strategy, TD_TEXT("b"))) return;
    assert_true(td_bytes_equal(instrument, TD_TEXT("X:A")) && r->told_count < RECORDS);
    if (!r->bars)
        assert_int_equal(signal->known_at_ns,
                         r->records[r->count - 1].event_ns + 5 * S); /* when it was told, not before */
    r->told[r->told_count++] = (told){.event_ns = signal->event_ns,
                                      .price = number(signal->data, "own"),
                                      .bid = number(signal->data, "best"),
                                      .age_ms = number(signal->data, "age"),
                                      .at_once = number(signal->data, "other"),
                                      .by = r->count - 1};
}

static rig *rig_open(const char *strategies) {
    rig *r = td_alloc_zero(1, sizeof *r);
    r->program = program_of(strategies);
    r->state = td_state_new(r->program);
    r->emit = td_emit_none;
    r->emit.self = r;
    r->emit.signal = on_signal;
    return r;
}

static void rig_close(rig *r) {
    td_state_free(r->state);
    td_program_free(r->program);
    free(r);
}

static void apply(td_state *state, record is, const td_emit *emit) {
    static const char *const feeds[] = {"a", "b"};
    td_event e = {.feed = td_state_feed(state, td_text(feeds[is.feed])), .event_ns = is.event_ns};
    e.receive_ns = e.event_ns + 5 * S;
    e.kind = is.kind == 't' ? TD_EVENT_TRADE : is.kind == 'q' ? TD_EVENT_QUOTE : TD_EVENT_TIME;
    if (is.kind == 't')
        e.trade = (td_trade){.price = is.price * S, .size = SIZE, .trade_id = TD_NONE};
    else if (is.kind == 'q')
        e.quote =
            (td_quote){.bid_price = is.price * S, .bid_size = SIZE, .ask_price = (is.price + 2) * S, .ask_size = SIZE};
    else
        e.time = (td_time_mark){.bound_ns = is.event_ns - LATENESS_MS * MS,
                                .clock_ns = is.event_ns,
                                .session = is.kind == 'e' ? TD_SESSION_ENDED : TD_SESSION_LIVE};
    if (e.kind != TD_EVENT_TIME) e.instrument = td_state_find_instrument(state, TD_TEXT("X:A"));
    if (e.instrument == UINT32_MAX) e.instrument = td_state_add_instrument(state, &e, TD_TEXT("X:A"));
    td_verdict wanted = e.kind == TD_EVENT_TIME ? TD_VERDICT_NOT_A_TICK : TD_VERDICT_ACCEPTED;
    assert_int_equal(td_state_apply(state, &e, emit).verdict, wanted);
}

static void take(rig *r, record is) {
    r->records[r->count++] = is;
    apply(r->state, is, &r->emit);
}

/* What is new is warmed by what came so far. */
static void edit(rig *r) {
    td_program *program = program_of(edited), *before = r->program;
    td_state *warm = td_state_new_warm(r->state, program);
    for (size_t i = r->count / 2; i < r->count; i++) apply(warm, r->records[i], &td_emit_none);
    td_state_swap(r->state, program, warm);
    r->program = program;
    td_state_free(warm);
    td_program_free(before);
}

/* ---- as a search says ---- */

/* Behind the first `count` records. */
static int64_t watermark(const rig *r, uint32_t feed, size_t count) {
    int64_t ns = INT64_MIN;
    for (size_t i = 0; i < count; i++) {
        const record *is = &r->records[i];
        if (is->feed != feed) continue;
        if (is->kind == 'e') return INT64_MAX;
        if (is->event_ns - LATENESS_MS * MS > ns) ns = is->event_ns - LATENESS_MS * MS;
    }
    return ns;
}

static bool has_quotes(const rig *r, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (r->records[i].kind == 'q') return true;
    return false;
}

/* The record before which the trade is run, or with which. */
static size_t due_by(const rig *r, size_t trade, bool two_feeds) {
    int64_t due_ns = r->records[trade].event_ns + WAIT;
    for (size_t i = trade; i < r->count; i++) {
        bool own = watermark(r, 0, i + 1) >= due_ns, knows = two_feeds && has_quotes(r, i);
        if (own && (!knows || watermark(r, 1, i + 1) >= due_ns)) return i;
    }
    return r->count;
}

/* The quote of the last time up to the trade's, among those of the first `count` records, or `at_once` the last one. */
static const record *quote_for(const rig *r, int64_t event_ns, size_t count, bool at_once) {
    const record *found = NULL;
    for (size_t i = 0; i < count; i++) {
        const record *is = &r->records[i];
        bool later = found == NULL || at_once || is->event_ns >= found->event_ns;
        if (is->kind == 'q' && is->event_ns <= event_ns && later) found = is;
    }
    return found;
}

/* Its wait was over when it came, and one behind its time had been told: signals do not go back in time. */
static bool is_behind(const rig *r, size_t trade) {
    for (size_t k = 0; k < r->told_count && r->told[k].by <= trade; k++)
        if (r->told[k].event_ns > r->records[trade].event_ns) return true;
    return false;
}

static void check_all(const rig *r, bool two_feeds) {
    size_t checked = 0, late = 0;
    for (size_t t = 0; t < r->count; t++) {
        const record *trade = &r->records[t];
        if (trade->kind != 't') continue;
        size_t by = due_by(r, t, two_feeds), k = 0;
        while (k < r->told_count && r->told[k].price != trade->price) k++;
        if (by == r->count || (by == t && is_behind(r, t))) {
            ASSERT_ROW(k == r->told_count, "%zu: told too early, or behind others", t);
            continue;
        }
        ASSERT_ROW(k < r->told_count, "%zu: not told", t);
        const told *got = &r->told[k];
        const record *match = quote_for(r, trade->event_ns, by, false), *once = quote_for(r, trade->event_ns, t, true);
        ASSERT_ROW(got->by == by, "%zu: told with %zu, not %zu", t, got->by, by);
        ASSERT_ROW(got->event_ns == trade->event_ns, "%zu", t);
        ASSERT_ROW(got->bid == (match != NULL ? match->price : NOTHING), "%zu: %lld", t, (long long)got->bid);
        ASSERT_ROW(got->at_once == (once != NULL ? once->price : NOTHING), "%zu: %lld", t, (long long)got->at_once);
        int64_t age_ms = match != NULL ? (trade->event_ns - match->event_ns) / MS : NOTHING;
        ASSERT_ROW(got->age_ms == age_ms, "%zu: %lld", t, (long long)got->age_ms);
        checked++;
        late += match != once;
    }
    assert_int_equal(checked, r->told_count);
    assert_true(checked > r->count / 4 && late > checked / 20);
}

/* Trades and quotes, some of them late; of two feeds that of the quotes lags for a while, now and then. */
static void run(const char *strategies, uint64_t seed, bool two_feeds, int save_every, int edit_at) {
    rig *r = rig_open(strategies);
    int64_t ns = BEGIN;
    for (int i = 0; i < RECORDS; i++) {
        uint64_t z = unit_random(&seed);
        bool quote = z % 5 < 3;
        uint32_t feed = quote && two_feeds;
        int64_t late_ms = (z >> 20) % 6 == 0 ? (int64_t)((z >> 24) % 1600) : 0,
                lag_ms = quote && two_feeds ? i / 150 % 3 * 900 : 0;
        ns += (int64_t)(z >> 8) % 40 * MS;
        record is = {quote ? 'q' : 't', feed, ns - (late_ms + lag_ms) * MS, 1000 + i};
        if (two_feeds && (z >> 36) % 40 == 0) is = (record){'c', 1, ns - lag_ms * MS, 0};
        if (save_every > 0 && i % save_every == 0 && i > 0) r->state = rig_reloaded(r->state, r->program);
        if (i > 0 && i == edit_at) edit(r);
        take(r, is);
    }
    check_all(r, two_feeds);
    take(r, (record){'e', 0, ns, 0});
    if (two_feeds) take(r, (record){'e', 1, ns, 0});
    check_all(r, two_feeds);
    rig_close(r);
}

static void of_one_feed(void **unused) {
    (void)unused;
    for (uint64_t seed = 1; seed <= 2; seed++) run(text, seed, false, seed == 2 ? 97 : 0, 0);
}

static void of_two_feeds(void **unused) {
    (void)unused;
    for (uint64_t seed = 11; seed <= 13; seed++) run(text, seed, true, seed == 12 ? 61 : 0, 0);
}

static void across_an_edit(void **unused) {
    (void)unused;
    for (uint64_t seed = 21; seed <= 22; seed++) run(text, seed, true, seed == 22 ? 83 : 0, 200);
}

static void by_a_series_and_in_fns(void **unused) {
    (void)unused;
    run(named, 31, true, 79, 0);
}

/* What a series says that waits is known by the wait later, to bars as well: they see what was due by their end,
 * however far one record moves time. */
static void bars_read_what_has_waited(void **unused) {
    (void)unused;
    rig *r = rig_open("series s on trades\n"
                      "  best = asof(quote.bid, wait = 250ms)\n"
                      "  own = price\n"
                      "strategy m on bars(1s)\n"
                      "  emit v { best = s.best, age = 0, other = 0, own = s.own }\n");
    int64_t ns = BEGIN;
    uint64_t seed = 41;
    r->bars = true;
    for (int i = 0; i < RECORDS; i++) {
        uint64_t z = unit_random(&seed);
        int64_t late_ms = z % 5 < 3 ? (int64_t)((z >> 24) % 1100) : 0;
        ns += (z >> 40) % 50 == 0 ? 3 * S : (int64_t)(z >> 8) % 90 * MS;
        take(r, (record){z % 5 < 3 ? 'q' : 't', 0, ns - late_ms * MS, 1000 + i});
    }
    assert_true(r->told_count > 50);
    for (size_t k = 0; k < r->told_count; k++) {
        const told *got = &r->told[k];
        size_t last = r->count;
        for (size_t t = 0; t < got->by; t++)
            if (r->records[t].kind == 't' && r->records[t].event_ns + WAIT <= got->event_ns) last = t;
        const record *match =
            last < r->count ? quote_for(r, r->records[last].event_ns, due_by(r, last, false), false) : NULL;
        ASSERT_ROW(got->price == (last < r->count ? r->records[last].price : NOTHING), "%zu: %lld", k,
                   (long long)got->price);
        ASSERT_ROW(got->bid == (match != NULL ? match->price : NOTHING), "%zu: %lld", k, (long long)got->bid);
    }
    rig_close(r);
}

/* Of two feeds, though one record moves time for both: by when their waits were over. */
static void they_run_in_the_order_of_time(void **unused) {
    (void)unused;
    rig *r = rig_open("strategy m on trades\n"
                      "  emit v { best = asof(quote.bid, 250ms), age = 0, other = 0, own = 1 }\n"
                      "strategy q on quotes\n"
                      "  emit v { best = asof(trade.price, 250ms), age = 0, other = 0, own = 2 }\n");
    take(r, (record){'q', 1, BEGIN, 7});
    take(r, (record){'t', 0, BEGIN + 10 * MS, 8});
    take(r, (record){'q', 1, BEGIN + 20 * MS, 9});
    take(r, (record){'c', 1, BEGIN + 5 * S, 0});
    assert_int_equal(r->told_count, 0);
    take(r, (record){'c', 0, BEGIN + 5 * S, 0});
    assert_int_equal(r->told_count, 3);
    for (int i = 0; i < 3; i++) assert_int_equal(r->told[i].event_ns, BEGIN + i * 10 * MS);
    assert_int_equal(r->told[0].bid, NOTHING);
    assert_int_equal(r->told[1].bid, 7);
    assert_int_equal(r->told[2].bid, 8);
    rig_close(r);
}

/* What waits for a feed that tells its quotes no more waits for the one that does. */
static void another_feed_may_tell(void **unused) {
    (void)unused;
    rig *r = rig_open(text);
    take(r, (record){'q', 1, BEGIN, 7});
    take(r, (record){'t', 0, BEGIN + 10 * MS, 8});
    take(r, (record){'c', 0, BEGIN + 5 * S, 0});
    assert_int_equal(r->told_count, 0);
    take(r, (record){'q', 0, BEGIN + 5 * S, 9});
    assert_int_equal(r->told_count, 1);
    assert_int_equal(r->told[0].bid, 7);
    rig_close(r);
}

static void a_feed_may_begin_anew(void **unused) {
    (void)unused;
    rig *r = rig_open(text);
    take(r, (record){'t', 0, BEGIN, 8});
    take(r, (record){'e', 0, BEGIN + 10 * MS, 0});
    assert_int_equal(r->told_count, 1);
    take(r, (record){'c', 0, BEGIN + 10 * S, 0});
    take(r, (record){'t', 0, BEGIN + 10 * S, 9});
    assert_int_equal(r->told_count, 1);
    take(r, (record){'c', 0, BEGIN + 20 * S, 0});
    assert_int_equal(r->told_count, 2);
    rig_close(r);
}

/* As a plain row does; put in order, in front and between, and taken from anywhere. */
static void a_queue_keeps_its_order(void **unused) {
    (void)unused;
    enum { ROWS = 200 };
    int64_t rows[ROWS];
    uint32_t count = 0;
    uint64_t seed = 51;
    td_queue q = {0};
    td_queue_begin(&q, 1);
    for (int64_t i = 0; i < 20000; i++) {
        uint64_t z = unit_random(&seed);
        if (count < ROWS && (z % 2 == 0 || count == 0)) {
            int64_t due_ns = i - (int64_t)(z >> 8) % 20;
            uint32_t at = count++;
            for (; at > 0 && rows[at - 1] > due_ns; at--) rows[at] = rows[at - 1];
            rows[at] = due_ns;
            td_queue_put(&q, due_ns)->event_ns = -due_ns;
        } else {
            uint32_t at = (uint32_t)(z >> 8) % count--;
            memmove(&rows[at], &rows[at + 1], (count - at) * sizeof rows[0]);
            td_queue_remove(&q, at);
        }
        assert_int_equal(td_queue_count(&q), count);
        for (uint32_t k = 0; k < count; k++)
            ASSERT_ROW(td_queue_at(&q, k)->due_ns == rows[k] && td_queue_at(&q, k)->event_ns == -rows[k], "%u", k);
    }
    td_queue_fini(&q);
}

/* A trade of an instrument that no strategy is for takes no room of those that are. */
static void others_do_not_wait(void **unused) {
    (void)unused;
    rig *r = rig_open("strategy m on trades for Y:*\n"
                      "  emit v { best = asof(quote.bid, 250ms), age = 0, other = 0, own = price }\n");
    take(r, (record){'q', 1, BEGIN, 7});
    for (int i = 0; i < 3; i++) {
        take(r, (record){'t', 0, BEGIN + i * 10 * MS, 8});
        for (size_t g = 0; g < td_program_graph_count(r->program); g++)
            assert_false(r->program->graphs[g] != NULL && td_state_waits(r->state, TD_TEXT("X:A"), g, INT64_MAX));
    }
    assert_int_equal(r->told_count, 0);
    rig_close(r);
}

/* The last that names it is gone from the graph: it waits all the same. */
static void what_is_not_read_is_waited_for(void **unused) {
    (void)unused;
    rig *r = rig_open("strategy m on trades\n"
                      "  unused = asof(quote.bid, 250ms) > 2\n"
                      "  emit v { best = 1, age = 0, other = 0, own = price }\n");
    take(r, (record){'q', 0, BEGIN, 7});
    take(r, (record){'t', 0, BEGIN, 8});
    assert_int_equal(r->told_count, 0);
    take(r, (record){'c', 0, BEGIN + 2 * S, 0});
    assert_int_equal(r->told_count, 1);
    rig_close(r);
}

/* Of trades 10 ms apart; those of `held` wait for a feed that is silent. */
static double seconds_of(bool held, int count) {
    rig *r = rig_open("strategy m on trades\n"
                      "  buy when asof(quote.bid, 250ms) > 1000000\n");
    take(r, (record){'q', held, BEGIN, 7});
    clock_t begin = clock();
    for (int i = 0; i < count; i++) apply(r->state, (record){'t', 0, BEGIN + i * 10 * MS, 8}, &r->emit);
    double seconds = (double)(clock() - begin) / CLOCKS_PER_SEC;
    rig_close(r);
    return seconds;
}

static void what_is_held_costs_nothing(void **unused) {
    (void)unused;
    double others = seconds_of(false, 4 * TD_QUEUE_MAX), held = seconds_of(true, 4 * TD_QUEUE_MAX);
    if (held > 10 * others + 0.1)
        fail_msg("%.3f s with %d rows that are held, %.3f s without", held, TD_QUEUE_MAX, others);
}

/* What one waits for longer is no more of its time. */
static void each_has_its_wait(void **unused) {
    (void)unused;
    rig *r = rig_open("strategy m on trades\n"
                      "  emit v { best = asof(quote.bid, 250ms), age = 0, other = 0, own = price }\n"
                      "strategy n on trades\n"
                      "  emit v { best = asof(quote.bid, 1s), age = 0, other = 0, own = price }\n");
    take(r, (record){'q', 0, BEGIN, 7});
    take(r, (record){'t', 0, BEGIN + 10 * MS, 8});
    take(r, (record){'q', 0, BEGIN + 500 * MS, 9});
    take(r, (record){'q', 0, BEGIN + 1700 * MS, 10}); /* one is due */
    assert_int_equal(r->told_count, 1);
    take(r, (record){'q', 0, BEGIN + 5 * MS, 11}); /* too late for that one */
    take(r, (record){'q', 0, BEGIN + 2100 * MS, 12});
    assert_int_equal(r->told_count, 2);
    assert_int_equal(r->told[0].bid, 7);
    assert_int_equal(r->told[1].bid, 11);
    rig_close(r);
}

/* ---- bounds ---- */

static void too_many_leave_early(void **unused) {
    (void)unused;
    rig *r = rig_open(text);
    td_changes changes;
    take(r, (record){'q', 1, BEGIN, 7});
    (void)td_state_take_changes(r->state);
    for (int64_t i = 0; i < TD_QUEUE_MAX + 10; i++) {
        r->count = 0; /* only the last is of account */
        take(r, (record){'t', 0, BEGIN + i, 1000 + i});
    }
    changes = td_state_take_changes(r->state);
    assert_int_equal(changes.matches_early, 10);
    assert_int_equal(r->told_count, 10);
    for (int64_t i = 0; i < 10; i++) assert_int_equal(r->told[i].event_ns, BEGIN + i);
    rig_close(r);
}

static void what_is_too_late_is_counted(void **unused) {
    (void)unused;
    rig *r = rig_open(text);
    take(r, (record){'q', 0, BEGIN, 7});
    take(r, (record){'t', 0, BEGIN + 10 * MS, 8});
    take(r, (record){'q', 0, BEGIN + 5 * MS, 9}); /* in time */
    take(r, (record){'q', 0, BEGIN + 2 * S, 10});
    take(r, (record){'q', 0, BEGIN + 6 * MS, 11}); /* the trade has run */
    assert_int_equal(td_state_take_changes(r->state).matches_late, 1);
    assert_int_equal(r->told_count, 1);
    assert_int_equal(r->told[0].bid, 9);
    for (int64_t i = 0; i < TD_RECALL_MAX; i++) take(r, (record){'q', 0, BEGIN + 3 * S + i, 20});
    take(r, (record){'t', 0, BEGIN + 2500 * MS, 12});
    assert_int_equal(td_state_take_changes(r->state).matches_forgotten, 2); /* both of its values */
    rig_close(r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_one_feed),
        cmocka_unit_test(of_two_feeds),
        cmocka_unit_test(across_an_edit),
        cmocka_unit_test(each_has_its_wait),
        cmocka_unit_test(too_many_leave_early),
        cmocka_unit_test(what_is_too_late_is_counted),
        cmocka_unit_test(by_a_series_and_in_fns),
        cmocka_unit_test(bars_read_what_has_waited),
        cmocka_unit_test(they_run_in_the_order_of_time),
        cmocka_unit_test(another_feed_may_tell),
        cmocka_unit_test(a_feed_may_begin_anew),
        cmocka_unit_test(a_queue_keeps_its_order),
        cmocka_unit_test(others_do_not_wait),
        cmocka_unit_test(what_is_not_read_is_waited_for),
        cmocka_unit_test(what_is_held_costs_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
