/* tests/contract/sink_contract.c - what holds of every sink (sink/sink.h), wherever it keeps its rows. A new sink, or a
 * new place for one, is a row in `stores`. */
#include "../unit/unit.h"
#include "base/decimal.h"
#include "base/time.h"
#include "store.h"
#include <stdio.h>
#include <stdlib.h>

enum { BATCH_ROWS = 5, BATCHES = 12, CRASHES = 40, TEXT_MAX = 64 };

static const store_ops *const stores[] = {&store_sqlite_real, &store_sqlite_simulated};

typedef struct rig {
    const store_ops *ops;
    const td_sink_ops *sink_ops;
    void *store, *sink;
} rig;

static rig r; /* a crash's work finds its store by itself */

static void sink_open(void) {
    td_status status = r.sink_ops->open(&r.sink, r.ops->os(r.store), r.ops->conf(r.store));
    if (status != TD_OK) fail_msg("%s", td_trail());
}

static void sink_close(void) {
    r.sink_ops->close(r.sink);
    r.sink = NULL;
}

/* ---- rows that follow from their number ---- */

typedef struct batch {
    td_sink_row rows[BATCH_ROWS];
    char names[BATCH_ROWS][TEXT_MAX], ids[BATCH_ROWS][TEXT_MAX];
    const char *topic;
    uint32_t partition;
    td_position next;
} batch;

static void make_signal(td_sink_row *row, int64_t start_ns, bool again) {
    row->kind = TD_ROW_SIGNAL;
    row->signal = (td_signal){.strategy = TD_TEXT("s"),
                              .note = TD_TEXT("a 'note' \xc3\xa4"),
                              .reason = again ? TD_TEXT("gap 7") : TD_TEXT(""),
                              .ordinal = 1,
                              .event_ns = start_ns,
                              .width_ns = TD_NS_PER_MIN,
                              .price = 100,
                              .action = TD_ACTION_BUY,
                              .status = (uint8_t)(again ? TD_SIGNAL_WITHHELD : TD_SIGNAL_FRESH)};
}

static void make_gap(td_sink_row *row, int number, int64_t start_ns, bool again) {
    row->kind = TD_ROW_GAP;
    row->gap = (td_gap){.feed = TD_TEXT("live"),
                        .number = number + 1,
                        .from_ns = start_ns,
                        .to_ns = again ? start_ns + 5 : TD_NONE,
                        .first_id = TD_NONE,
                        .last_id = TD_NONE,
                        .missing = again ? 0 : TD_NONE,
                        .filled = 3,
                        .reason = TD_GAP_SESSION,
                        .status = (uint8_t)(again ? TD_GAP_FILLED : TD_GAP_OPEN)};
}

static void make_vendor_bar(td_sink_row *row, int64_t start_ns, bool again) {
    row->kind = TD_ROW_VENDOR_BAR;
    row->feed = TD_TEXT("vendor");
    row->event = (td_event){.kind = TD_EVENT_VENDOR_BAR,
                            .event_ns = start_ns + TD_NS_PER_MIN,
                            .vendor_bar = {.width_ns = TD_NS_PER_MIN,
                                           .start_ns = start_ns,
                                           .open = 1,
                                           .high = INT64_MAX,
                                           .low = 1,
                                           .close = 1000000001,
                                           .volume = again ? 300000000 : TD_NONE}};
}

/* A signal is filled once: told again, by a log that was made anew. */
static void make_fill(td_sink_row *row, char *id, int number, uint32_t partition, bool again) {
    (void)snprintf(id, TEXT_MAX, "cross/%u/%d#1", partition, number);
    row->kind = TD_ROW_FILL;
    row->fill = (td_fill){.strategy = TD_TEXT("cross"),
                          .signal = td_text(id),
                          .event_ns = number,
                          .quantity = (td_i128)INT64_MAX * 2,
                          .price = again ? 2 : 1,
                          .position = -INT64_MAX,
                          .side = again ? TD_SIDE_BUY : TD_SIDE_SELL};
}

static void make_tick(td_sink_row *row, uint8_t kind, int number, int64_t event_ns) {
    row->kind = TD_ROW_PUBLISHED;
    row->feed = TD_TEXT("live");
    row->tape_offset = 1000 + number;
    row->event = (td_event){.kind = kind, .event_ns = event_ns};
    if (kind == TD_EVENT_TRADE)
        row->event.trade = (td_trade){.price = number + 1, .size = 3, .trade_id = number};
    else
        row->event.quote = (td_quote){.bid_price = number + 1,
                                      .bid_size = TD_NONE,
                                      .ask_price = TD_NONE,
                                      .ask_size = TD_NONE,
                                      .sequence = TD_NONE};
}

static void make_bar(td_sink_row *row, int offset, int64_t start_ns, bool again) {
    row->bar = (td_bar){.start_ns = start_ns,
                        .end_ns = start_ns + TD_NS_PER_MIN,
                        .width_ns = TD_NS_PER_MIN,
                        .open = 1,
                        .high = INT64_MAX,
                        .low = 1,
                        .close = 1000000001 + offset,
                        .vwap = 2,
                        .volume = 3,
                        .notional = 4,
                        .trade_count = 1,
                        .revision = again ? 1 : 0,
                        .quality = again ? TD_QUALITY_REPAIRED : TD_QUALITY_COMPLETE,
                        .evidence = again ? TD_EVIDENCE_PROVEN : TD_EVIDENCE_ASSUMED};
}

/* Batch n of a topic: rows of its own, but the first one says anew what the last of the batch before said. */
static void make_batch(batch *b, const char *topic, uint32_t partition, int n) {
    *b = (batch){.topic = topic, .partition = partition, .next = {3, (n + 1) * BATCH_ROWS}};
    for (int i = 0; i < BATCH_ROWS; i++) {
        td_sink_row *row = &b->rows[i];
        int offset = n * BATCH_ROWS + i, number = i == 0 && n > 0 ? offset - 1 : offset;
        (void)snprintf(b->names[i], TEXT_MAX, "LEAN:%c%u", 'A' + number % 7, partition);
        row->instrument = td_text(b->names[i]);
        row->source = (td_position){3, offset};
        row->appended_ms = INT64_C(1) << 40;
        int64_t start_ns = number * TD_NS_PER_MIN;
        bool again = number != offset;
        if (strcmp(topic, "signals") == 0)
            make_signal(row, start_ns, again);
        else if (strcmp(topic, "gaps") == 0)
            make_gap(row, number, start_ns, again);
        else if (strcmp(topic, "vendor_bars") == 0)
            make_vendor_bar(row, start_ns, again);
        else if (strcmp(topic, "fills") == 0)
            make_fill(row, b->ids[i], offset, partition, again);
        else if (strcmp(topic, "trades") == 0)
            make_tick(row, TD_EVENT_TRADE, offset, start_ns);
        else if (strcmp(topic, "quotes") == 0)
            make_tick(row, TD_EVENT_QUOTE, offset, start_ns);
        else
            make_bar(row, offset, start_ns, again);
    }
}

static td_status write_batch(const batch *b) {
    return r.sink_ops->write(r.sink, b->topic, b->partition, b->rows, BATCH_ROWS, b->next);
}

static int compare_lines(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static char *line_of(const batch *b, const td_sink_row *row) {
    char close[TD_DECIMAL_TEXT_MAX], id[TD_SIGNAL_ID_MAX + 1];
    td_buf line = {0};
    if (row->kind == TD_ROW_BAR) {
        (void)td_decimal_format(row->bar.close, TD_PRICE_SCALE, false, close);
        td_buf_printf(&line, "%.*s %lld %lld %d %s %s %s", (int)row->instrument.size,
                      (const char *)row->instrument.data, (long long)row->bar.width_ns, (long long)row->bar.start_ns,
                      row->bar.revision, close, td_quality_name(row->bar.quality), td_evidence_name(row->bar.evidence));
    } else if (row->kind == TD_ROW_SIGNAL) {
        size_t size = td_signal_id(&row->signal, row->instrument, id);
        td_buf_printf(&line, "%.*s %s %.*s (%.*s)", (int)size, id, td_signal_status_name(row->signal.status),
                      (int)row->signal.note.size, (const char *)row->signal.note.data, (int)row->signal.reason.size,
                      (const char *)row->signal.reason.data);
    } else if (row->kind == TD_ROW_FILL) {
        td_buf_printf(&line, "fill %.*s %.*s %s 184467440737.09551614 at %s", (int)row->fill.signal.size,
                      (const char *)row->fill.signal.data, (int)row->instrument.size,
                      (const char *)row->instrument.data, td_fill_side_name((td_side)row->fill.side),
                      row->fill.price == 1 ? "0.000000001" : "0.000000002");
    } else if (row->kind == TD_ROW_PUBLISHED) {
        bool trade = row->event.kind == TD_EVENT_TRADE;
        (void)td_decimal_format(trade ? row->event.trade.price : row->event.quote.bid_price, TD_PRICE_SCALE, false,
                                close);
        td_buf_printf(&line, "%s %.*s %lld %lld at %s", trade ? "trade" : "quote", (int)row->instrument.size,
                      (const char *)row->instrument.data, (long long)row->event.event_ns, (long long)row->tape_offset,
                      close);
    } else if (row->kind == TD_ROW_VENDOR_BAR) {
        const td_vendor_bar *bar = &row->event.vendor_bar;
        (void)td_decimal_format(bar->close, TD_PRICE_SCALE, false, close);
        td_buf_printf(&line, "vendor %.*s vendor bar %lld %lld %s %s %d", (int)row->instrument.size,
                      (const char *)row->instrument.data, (long long)bar->width_ns, (long long)bar->start_ns, close,
                      bar->volume == TD_NONE ? "none" : "3", bar->adjusted);
    } else {
        const td_gap *gap = &row->gap;
        td_buf_printf(&line, "live %.*s gap %lld %s %s %lld ", (int)row->instrument.size,
                      (const char *)row->instrument.data, (long long)gap->number, td_gap_status_name(gap->status),
                      td_gap_reason_name(gap->reason), (long long)gap->from_ns);
        if (gap->to_ns == TD_NONE)
            td_buf_text(&line, "open");
        else
            td_buf_printf(&line, "%lld", (long long)gap->to_ns);
    }
    td_buf_printf(&line, " %u/%d/%lld", b->partition, row->source.epoch, (long long)row->source.offset);
    td_buf_put(&line, "", 1);
    return (char *)line.data;
}

/* The store holds the rows of these batches, each once, and nothing else. */
static void expect_rows(const batch *batches, size_t count) {
    char *lines[BATCHES * BATCH_ROWS * 3]; /* the most that a test writes */
    td_buf wanted = {0}, found = {0};
    size_t n = 0;
    for (size_t b = 0; b < count; b++)
        for (size_t i = 0; i < BATCH_ROWS; i++) lines[n++] = line_of(&batches[b], &batches[b].rows[i]);
    qsort(lines, n, sizeof lines[0], compare_lines);
    for (size_t i = 0; i < n; i++) {
        td_buf_printf(&wanted, "%s\n", lines[i]);
        free(lines[i]);
    }
    r.ops->dump(r.store, &found);
    td_buf_put(&wanted, "", 1);
    td_buf_put(&found, "", 1);
    assert_string_equal((const char *)found.data, (const char *)wanted.data);
    td_buf_fini(&wanted);
    td_buf_fini(&found);
}

static void expect_position(const char *topic, uint32_t partition, int32_t epoch, int64_t offset) {
    td_position at = {7, 7};
    assert_int_equal(r.sink_ops->position(r.sink, topic, partition, &at), TD_OK);
    assert_int_equal(at.epoch, epoch);
    assert_int_equal(at.offset, offset);
}

/* ---- the tests; each gets an empty store ---- */

static void test_positions_are_each_partitions_own(void) {
    batch batches[3];
    make_batch(&batches[0], "bars", 0, 0);
    make_batch(&batches[1], "bars", 63, 1);
    make_batch(&batches[2], "signals", 0, 2);
    sink_open();
    expect_position("bars", 0, -1, 0);
    for (size_t i = 0; i < 3; i++) assert_int_equal(write_batch(&batches[i]), TD_OK);
    expect_position("bars", 0, 3, 5);
    expect_position("bars", 63, 3, 10);
    expect_position("signals", 0, 3, 15);
    expect_position("signals", 1, -1, 0);
    sink_close();
    expect_rows(batches, 3);
    sink_open(); /* and all of it after a restart */
    expect_position("bars", 63, 3, 10);
    expect_position("signals", 0, 3, 15);
    sink_close();
}

static void test_the_same_batch_again_leaves_one_copy(void) {
    static batch batches[7 * 3];
    for (int n = 0; n < 3; n++) {
        make_batch(&batches[n], "bars", 1, n);
        make_batch(&batches[3 + n], "signals", 1, n);
        make_batch(&batches[6 + n], "gaps", 1, n);
        make_batch(&batches[9 + n], "vendor_bars", 1, n);
        make_batch(&batches[12 + n], "fills", 1, n);
        make_batch(&batches[15 + n], "trades", 1, n);
        make_batch(&batches[18 + n], "quotes", 1, n);
    }
    for (int round = 0; round < 3; round++) { /* as after positions that were lost: from the beginning */
        sink_open();
        for (size_t i = 0; i < COUNT_OF(batches); i++) {
            assert_int_equal(write_batch(&batches[i]), TD_OK);
            assert_int_equal(write_batch(&batches[i]), TD_OK);
        }
        sink_close();
        expect_rows(batches, COUNT_OF(batches));
    }
}

static void test_a_position_may_move_alone(void) {
    sink_open();
    assert_int_equal(r.sink_ops->write(r.sink, "bars", 0, NULL, 0, (td_position){0, 99}), TD_OK);
    sink_close();
    sink_open();
    expect_position("bars", 0, 0, 99);
    assert_int_equal(r.sink_ops->write(r.sink, "_log", 0, NULL, 0, (td_position){0, INT64_C(1) << 42}), TD_OK);
    expect_position("_log", 0, 0, INT64_C(1) << 42); /* of no topic: whose the others are */
    sink_close();
    expect_rows(NULL, 0);
}

static void test_a_full_disk_is_tried_again(void) {
    static batch batches[BATCHES];
    for (int n = 0; n < BATCHES; n++) make_batch(&batches[n], "bars", 2, n);
    sink_open();
    assert_int_equal(write_batch(&batches[0]), TD_OK);
    r.ops->fill(r.store, true);
    td_status status = TD_OK;
    int written = 1;
    for (; written < BATCHES && (status = write_batch(&batches[written])) == TD_OK; written++) {}
    assert_int_equal(status, TD_RETRY);
    assert_true(strlen(td_trail()) > 0);
    r.ops->fill(r.store, false);
    expect_position("bars", 2, 3, written * BATCH_ROWS); /* nothing of the one that failed, not even its position */
    for (int n = written; n < BATCHES; n++) assert_int_equal(write_batch(&batches[n]), TD_OK);
    sink_close();
    expect_rows(batches, BATCHES);
}

/* Goes on from wherever the sink is, as deliver does, until all is written or it fails. */
static void write_all(void *store) {
    (void)store;
    if (r.sink_ops->open(&r.sink, r.ops->os(r.store), r.ops->conf(r.store)) != TD_OK) return;
    td_position at;
    td_status status = r.sink_ops->position(r.sink, "bars", 0, &at);
    static batch b;
    for (int n = (int)at.offset / BATCH_ROWS; n < BATCHES && status == TD_OK; n++) {
        make_batch(&b, "bars", 0, n);
        status = write_batch(&b);
    }
    sink_close();
}

static void test_a_crash_leaves_whole_batches_with_their_position(void) {
    static batch batches[BATCHES];
    int64_t last = 0;
    for (int n = 0; n < BATCHES; n++) make_batch(&batches[n], "bars", 0, n);
    sink_open();
    sink_close();
    for (int turn = 0; turn < CRASHES || (last == 0 && turn < 20 * CRASHES);
         turn++) { /* later ones on a busy machine */
        r.ops->crash(r.store, turn, write_all);
        td_position at;
        sink_open();
        assert_int_equal(r.sink_ops->position(r.sink, "bars", 0, &at), TD_OK);
        sink_close();
        assert_int_equal(at.offset % BATCH_ROWS, 0);
        expect_rows(batches, (size_t)at.offset / BATCH_ROWS);
        last = at.offset;
    }
    write_all(NULL);
    sink_open();
    expect_position("bars", 0, 3, BATCHES * BATCH_ROWS);
    sink_close();
    expect_rows(batches, BATCHES);
    assert_true(last > 0); /* else no crash came late enough to show anything */
}

/* What an older program has written stays, whenever the process that takes it over dies. */
static void open_and_close(void *store) {
    (void)store;
    if (r.sink_ops->open(&r.sink, r.ops->os(r.store), r.ops->conf(r.store)) == TD_OK) sink_close();
}

static void test_an_older_programs_store_is_taken_over(void) {
    static batch batches[4];
    make_batch(&batches[0], "bars", 0, 0);
    make_batch(&batches[1], "signals", 3, 0);
    make_batch(&batches[2], "gaps", 0, 0);
    make_batch(&batches[3], "bars", 0, 1);
    sink_open();
    for (size_t i = 0; i < 2; i++) assert_int_equal(write_batch(&batches[i]), TD_OK);
    sink_close();
    for (int turn = 0; turn < CRASHES; turn++) {
        r.ops->age(r.store);
        r.ops->crash(r.store, turn, open_and_close);
        sink_open();
        expect_position("bars", 0, 3, BATCH_ROWS);
        expect_position("signals", 3, 3, BATCH_ROWS);
        expect_position("gaps", 0, -1, 0);
        sink_close();
        expect_rows(batches, 2);
    }
    sink_open(); /* and it goes on with what the older one did not know */
    for (size_t i = 2; i < COUNT_OF(batches); i++) assert_int_equal(write_batch(&batches[i]), TD_OK);
    sink_close();
    expect_rows(batches, COUNT_OF(batches));
}

static void test_a_newer_programs_store_is_refused_untouched(void) {
    batch b;
    make_batch(&b, "bars", 0, 0);
    sink_open();
    assert_int_equal(write_batch(&b), TD_OK);
    sink_close();
    r.ops->spoil(r.store);
    r.sink = &b; /* is not to be set */
    assert_int_equal(r.sink_ops->open(&r.sink, r.ops->os(r.store), r.ops->conf(r.store)), TD_CONFIG);
    assert_ptr_equal(r.sink, &b);
    assert_non_null(strstr(td_trail(), r.ops->conf(r.store)->name)); /* which one … */
    assert_non_null(strstr(td_trail(), "newer program"));            /* … and why */
    expect_rows(&b, 1);
}

static const struct {
    const char *name;
    void (*run)(void);
} tests[] = {
    {"positions are each partition's own", test_positions_are_each_partitions_own},
    {"the same batch again leaves one copy", test_the_same_batch_again_leaves_one_copy},
    {"a position may move alone", test_a_position_may_move_alone},
    {"a full disk is tried again", test_a_full_disk_is_tried_again},
    {"a crash leaves whole batches with their position", test_a_crash_leaves_whole_batches_with_their_position},
    {"an older program's store is taken over", test_an_older_programs_store_is_taken_over},
    {"a newer program's store is refused untouched", test_a_newer_programs_store_is_refused_untouched}};

typedef struct test_case {
    char name[128];
    const store_ops *store;
    size_t test;
} test_case;

static void run_case(void **state) {
    const test_case *c = *state;
    r = (rig){.ops = c->store, .sink_ops = c->store->sink, .store = c->store->open(1 + c->test)};
    tests[c->test].run();
    c->store->close(r.store);
}

int main(void) {
    enum { CASES = COUNT_OF(tests) * COUNT_OF(stores) };
    static test_case cases[CASES];
    static struct CMUnitTest units[CASES];
    for (size_t i = 0; i < CASES; i++) {
        test_case *c = &cases[i];
        c->store = stores[i / COUNT_OF(tests)];
        c->test = i % COUNT_OF(tests);
        (void)snprintf(c->name, sizeof c->name, "%s: %s", c->store->name, tests[c->test].name);
        units[i] = (struct CMUnitTest){.name = c->name, .test_func = run_case, .initial_state = c};
    }
    return cmocka_run_group_tests(units, NULL, NULL);
}
