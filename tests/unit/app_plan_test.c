/* tests/unit/app_plan_test.c - goal: the bytes that a plan tells are those that a run takes, of its memory and of its
 * snapshots, for every strategy that comes with the program and for every way to read others. Runs in the source's
 * root. */
#include "app/draft.h"
#include "app/plan.h"
#include "base/time.h"
#include "stream/room.h"
#include "stream/state.h"
#include "unit.h"
#include <glob.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define S TD_NS_PER_S

/* ---- programs ---- */

static const char *const own_texts[] = {
    "strategy plain on bars(1m)\n  buy when crossover(close, sma(close, 200))\n  stop 1%\n  target 2R\n",
    "strategy wide on bars(1m)\n  use hour = bars(1h)\n  use day = bars(1d)\n"
    "  buy when rsi(hour.close, 14) > 50 and close > ema(day.close, 50) and hour.age < 2h\n",
    "strategy timed on bars(5s, filled)\n  buy when close > avg(close, 90m) and sum(volume, session) > 10\n",
    "strategy ticks on trades\n  buy when avg(price, 30s) > price and quote.bid > 1 and quote.age < 2s\n",
    "strategy books on book every 100ms\n  buy when avg(book.imbalance(5), 1s) > 0.5 and sum(trade.signed_size, 5s) > "
    "0\n",
    "strategy bars_of_ticks on bars(1m)\n  buy when close > quote.bid and trade.age < 30s and count(news, 2h) > 1\n",
    "strategy waits on trades\n  buy when price >= asof(quote.ask, wait = 250ms)\n",
    "strategy across on bars(1m)\n  mom = rocp(close, 5)\n  buy when rank(mom) > 90% and breadth(close > open) > 50%\n",
    "strategy counted on bars(20 trades)\n  use lots = bars(8 volume)\n  buy when close > lots.vwap\n",
    "strategy pair on bars(1m) for V:*\n  use other = W:B\n"
    "  buy, sell other when close > other.close + stddev(other.close, 20)\n",
};

static td_config config_of(const char *path) {
    char table[256];
    td_config config;
    td_config_default(&config);
    config.widths_ns[config.width_count++] = TD_NS_PER_MIN;
    config.strategies[config.strategy_count++] = td_copy_text(path);
    (void)snprintf(table, sizeof table, "%.*s/instruments.csv", (int)(strlen(path) - 3), path);
    if (access(table, F_OK) == 0) config.instruments = td_copy_text(table);
    return config;
}

static td_program *program_of(const char *path) {
    td_config config = config_of(path);
    td_program *program = NULL;
    if (td_draft_compile(&program, &td_os_posix, &config) != TD_OK) fail_msg("%s: %s", path, td_trail());
    td_config_fini(&config);
    return program;
}

/* ---- runs ---- */

static td_event event_of(td_state *state, td_event_kind kind, const char *name) {
    td_event e = {.kind = (uint8_t)kind,
                  .feed = td_state_feed(state, TD_TEXT("a")),
                  .event_ns = TD_NS_PER_DAY + 10 * S,
                  .receive_ns = TD_NS_PER_DAY + 10 * S,
                  .of_offset = TD_NONE};
    if (name == NULL) return e;
    e.instrument = td_state_find_instrument(state, td_text(name));
    if (e.instrument == UINT32_MAX) e.instrument = td_state_add_instrument(state, &e, td_text(name));
    return e;
}

static void name_of(uint32_t i, char out[16]) { (void)snprintf(out, 16, "V:%05u", i); }

static void trade(td_state *state, uint32_t i) {
    char name[16];
    name_of(i, name);
    td_event e = event_of(state, TD_EVENT_TRADE, name);
    e.trade = (td_trade){.price = 7 * S, .size = 100000000, .trade_id = TD_NONE};
    assert_int_equal(td_state_apply(state, &e, &td_emit_none).verdict, TD_VERDICT_ACCEPTED);
}

/* Their minute is over, and so is what waits for others of its time. */
static void pass(td_state *state) {
    td_event e = event_of(state, TD_EVENT_TIME, NULL);
    e.event_ns = e.receive_ns = TD_NS_PER_DAY + 70 * S;
    e.time = (td_time_mark){e.event_ns, e.event_ns, TD_SESSION_LIVE};
    (void)td_state_apply(state, &e, &td_emit_none);
}

static size_t snapshot_bytes(const td_program *program, uint32_t instruments) {
    td_state *state = td_state_new(program);
    td_buf saved = {0};
    for (uint32_t i = 0; i < instruments; i++) trade(state, i);
    pass(state);
    td_state_save(state, &saved);
    size_t bytes = saved.size;
    td_buf_fini(&saved);
    td_state_free(state);
    return bytes;
}

static size_t heap_bytes(void) {
    struct mallinfo2 heap = mallinfo2();
    return heap.uordblks + heap.hblkhd;
}

/* Of an instrument beside hundreds of others; 0: a sanitizer has a heap of its own. */
static double heap_of_instrument(const td_program *program) {
    enum { FEW = 400, MANY = 460 }; /* tables of them grow at neither */
    td_state *state = td_state_new(program);
    for (uint32_t i = 0; i < FEW; i++) trade(state, i);
    size_t before = heap_bytes();
    for (uint32_t i = FEW; i < MANY; i++) trade(state, i);
    double each = (double)(heap_bytes() - before) / (MANY - FEW);
    td_state_free(state);
    return before > 0 ? each : 0;
}

static size_t heap_of_feed(const td_program *program) {
    td_state *state = td_state_new(program);
    size_t before = heap_bytes();
    (void)td_state_feed(state, TD_TEXT("a"));
    size_t bytes = heap_bytes() - before;
    td_state_free(state);
    return bytes;
}

/* ---- the plan ---- */

static int64_t tick_on(void *clock) { return *(int64_t *)clock += TD_NS_PER_MS; }

static double number_after(const td_buf *text, const char *key) {
    const char *at = strstr((const char *)text->data, key);
    if (at == NULL) fail_msg("the plan lacks %s", key);
    return atof(at + strlen(key));
}

/* What the plan's graphs take is its sum, and that is the program's. */
static void the_plan_tells(const td_program *program, const td_room *room, const char *whose) {
    int64_t clock = 0;
    td_instruments *instruments = td_instruments_new();
    const td_plan_question q = {program, instruments, tick_on, &clock};
    td_buf text = {0};
    double sum = 0;
    td_plan_put_json(&q, &text);
    td_buf_put(&text, "", 1);
    for (const char *at = (const char *)text.data; (at = strstr(at, "\"ports\":")) != NULL; at++)
        sum += atof(strstr(at, "\"state_bytes\":") + strlen("\"state_bytes\":"));
    double instrument = number_after(&text, "\"instrument_bytes\":"), bars = number_after(&text, "\"bar_bytes\":");
    double waiting = number_after(&text, "\"waiting_bytes\":");
    ASSERT_ROW(instrument == (double)room->instrument_bytes && instrument == sum + bars + waiting, "%s: %s", whose,
               (const char *)text.data);
    td_buf_fini(&text);
    td_instruments_free(instruments);
}

static void hold_against_runs(const td_program *program, const char *whose) {
    const size_t beside = 4 + 7 + 4; /* a snapshot has its name, and whose feed it is */
    td_room room = td_program_room(program);
    size_t saved = snapshot_bytes(program, 41) - snapshot_bytes(program, 40);
    ASSERT_ROW(saved == room.instrument_bytes + beside, "%s: planned %zu, saved %zu", whose, room.instrument_bytes,
               saved);
    td_program bare = *program;
    memset(bare.graphs, 0, sizeof bare.graphs);
    bare.tick_graph_count = 0;
    size_t bars = td_program_room(&bare).instrument_bytes;
    ASSERT_ROW(room.bar_bytes <= bars + 64 && bars <= room.bar_bytes + 64, "%s: bars %zu, alone %zu", whose,
               room.bar_bytes, bars);
    double heap = heap_of_instrument(program), least = (double)(room.instrument_bytes - room.waiting_bytes);
    ASSERT_ROW(heap == 0 || (heap >= least && heap <= least * 1.01 + 256), "%s: planned %.0f, taken %.0f", whose, least,
               heap);
    size_t feed = heap_of_feed(program), allowed = room.feed_bytes + (program->counted_count > 0 ? 4 << 20 : 8192);
    ASSERT_ROW(heap == 0 || (feed >= room.feed_bytes && feed <= allowed), "%s: of a feed %zu, taken %zu", whose,
               room.feed_bytes, feed);
    the_plan_tells(program, &room, whose);
}

static void of_what_comes_with_the_program(void **state) {
    (void)state;
    glob_t found;
    assert_int_equal(glob("examples/strategies/*.td", 0, NULL, &found), 0);
    assert_int_equal(glob("strategies/*.td", GLOB_APPEND, NULL, &found), 0);
    assert_in_range(found.gl_pathc, 13, 100);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        td_program *program = program_of(found.gl_pathv[i]);
        hold_against_runs(program, found.gl_pathv[i]);
        td_program_free(program);
    }
    globfree(&found);
}

static void of_every_way_to_read(void **state) {
    (void)state;
    char path[] = "/tmp/tapedeck-plan-XXXXXX.td";
    int file = mkstemps(path, 3);
    assert_true(file >= 0);
    for (size_t i = 0; i < COUNT_OF(own_texts); i++) {
        assert_int_equal(ftruncate(file, 0), 0);
        assert_int_equal(pwrite(file, own_texts[i], strlen(own_texts[i]), 0), (ssize_t)strlen(own_texts[i]));
        td_program *program = program_of(path);
        hold_against_runs(program, own_texts[i]);
        td_program_free(program);
    }
    (void)close(file);
    (void)unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_what_comes_with_the_program),
        cmocka_unit_test(of_every_way_to_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
