/* tests/unit/flow_backfill_test.c - goal: each gap that the ledger holds open is asked for once, its trades and one
 * Filled come out, and what a feed cannot or does not give is said. */
#include "log_rig.h"
/* after the rig's own */
#include "base/hash.h"
#include "base/time.h"
#include "flow/backfill.h"

enum { PARTITIONS = 2 /* as the rig's topic has */, QUEUE_MAX = 64, STEP_MS = 100 };
#define START_NS (INT64_C(1700000000) * TD_NS_PER_S)

typedef struct past { /* a live feed that says what it is told */
    td_feed_item items[QUEUE_MAX];
    size_t next, count;
    td_status answer; /* to the next request */
    struct bench *bench;
} past;

typedef struct bench {
    rig *rig;
    td_os_ops ops;
    td_os os;
    int64_t ns; /* since START, on both clocks */
    td_topics topics;
    td_instruments *instruments;
    td_live *live;
    td_backfill *backfill;
    past feeds[2];
    td_feed_conf confs[2];
    td_live_ops live_ops[2];
    td_feed_ops feed_ops[2];
    td_buf text;
} bench;

static int64_t bench_ns(void *self) { return START_NS + ((const bench *)self)->ns; }

static void put_item(past *f, const td_feed_item *item) {
    assert_true(f->count < QUEUE_MAX);
    f->items[f->count] = *item;
    f->items[f->count++].position = (td_source_position){.file = TD_SESSION_BIT | 1, .line = f->count};
}

static td_status past_connect(void *self, uint32_t session) {
    (void)session;
    put_item(self, &(td_feed_item){.kind = TD_ITEM_SESSION, .session.live = true});
    return TD_OK;
}

static int past_pump(void *self) { return self == NULL; }
static void past_close(void *self) { (void)self; }

static td_status past_next(void *self, td_feed_item *out) {
    past *f = self;
    if (f->next == f->count) return TD_AGAIN;
    *out = f->items[f->next++];
    if (out->kind == TD_ITEM_BACKFILL) f->answer = TD_OK;
    out->clock_ns = bench_ns(f->bench);
    return TD_OK;
}

static td_status past_backfill(void *self, const td_gap *gap) {
    past *f = self;
    td_bytes name = td_instruments_name(f->bench->instruments, gap->instrument);
    if (f->answer == TD_OK)
        td_buf_printf(&f->bench->text, "%d ask %s %d: %d to %d\n", (int)(f->bench->ns / TD_NS_PER_MS),
                      (const char *)name.data, (int)gap->number, (int)gap->first_id, (int)gap->last_id);
    td_status answer = f->answer;
    if (answer == TD_OK) f->answer = TD_FULL; /* one at a time */
    return answer;
}

static void bench_report(void *arg, const char *line) {
    bench *b = arg;
    td_buf_printf(&b->text, "%d %s\n", (int)(b->ns / TD_NS_PER_MS), line);
}

static void begin(bench *b) {
    td_backfill_conf conf = {.os = &b->os,
                             .topics = &b->topics,
                             .live = b->live,
                             .instruments = b->instruments,
                             .report = bench_report,
                             .report_arg = b};
    assert_int_equal(td_backfill_open(&b->backfill, &conf), TD_OK);
}

static bench *bench_open(rig *r) {
    static char names[][8] = {"able", "unable"};
    bench *b = td_alloc_zero(1, sizeof *b);
    *b = (bench){.rig = r, .ops = *r->os.ops};
    b->ops.wall_ns = b->ops.mono_ns = bench_ns;
    b->os = (td_os){&b->ops, b};
    rig_open_log(r);
    assert_int_equal(td_topics_open(&b->topics, r->log, PARTITIONS, 0), TD_OK);
    b->instruments = td_instruments_new();
    b->live = td_live_new(&b->os, b->instruments, PARTITIONS, bench_report, b);
    for (uint32_t i = 0; i < 2; i++) {
        b->feeds[i].bench = b;
        b->live_ops[i] =
            (td_live_ops){.connect = past_connect, .pump = past_pump, .backfill = i == 0 ? past_backfill : NULL};
        b->feed_ops[i] = (td_feed_ops){.live = &b->live_ops[i], .next = past_next, .close = past_close};
        b->confs[i] = (td_feed_conf){
            .name = names[i], .reconnect_ns = 1, .history_after_ns = 2 * TD_NS_PER_S, .history_tries = 3};
        td_live_add(b->live, i, &b->feed_ops[i], &b->feeds[i], &b->confs[i]);
    }
    begin(b);
    return b;
}

static void bench_close(bench *b) {
    td_backfill_close(b->backfill);
    td_live_free(b->live);
    td_instruments_free(b->instruments);
    td_topics_close(&b->topics);
    td_buf_fini(&b->text);
    free(b);
}

/* The ledger says: a gap of that instrument, whose feed is its venue or stands before it ("feed>VENUE:SYMBOL"), from
 * that second to that one (0: unknown), ids of tenfold. */
static void tell(bench *b, const char *name, int64_t number, int from_s, int to_s, td_gap_status status) {
    const char *instrument = strchr(name, '>') != NULL ? strchr(name, '>') + 1 : name;
    td_batch batch;
    td_buf value = {0};
    td_gap gap = {.feed = {(const uint8_t *)name, strcspn(name, ">:")},
                  .number = number,
                  .from_ns = START_NS + from_s * TD_NS_PER_S,
                  .to_ns = to_s != 0 ? START_NS + to_s * TD_NS_PER_S : TD_NONE,
                  .first_id = to_s != 0 ? 10 * from_s : TD_NONE,
                  .last_id = to_s != 0 ? 10 * to_s : TD_NONE,
                  .missing = TD_NONE,
                  .reason = TD_GAP_IDS,
                  .status = (uint8_t)status};
    td_record_put_gap(&value, b->topics.ids, td_text(instrument), &gap);
    td_batch_init(&batch, 4096);
    assert_true(td_batch_add(&batch, 0, td_text(instrument), td_buf_bytes(&value), (td_bytes){0}, (td_bytes){0}));
    assert_int_equal(td_writer_append(b->rig->writer, b->topics.outputs[TD_OUTPUT_GAPS], 0, &batch), TD_OK);
    td_batch_fini(&batch);
    td_buf_fini(&value);
}

static uint32_t index_of(bench *b, const char *name) { return td_instruments_find(b->instruments, td_text(name)); }

static void give_trade(bench *b, const char *name, int64_t number, int64_t place) {
    td_feed_item item = {.kind = TD_ITEM_EVENT, .past = true};
    item.event = (td_event){.kind = TD_EVENT_TRADE,
                            .origin = TD_ORIGIN_BACKFILL,
                            .instrument = index_of(b, name),
                            .of_epoch = number,
                            .of_offset = place};
    put_item(&b->feeds[0], &item);
}

static void give_end(bench *b, const char *name, int64_t number, td_fill_extent extent, int wait_s) {
    td_feed_item item = {.kind = TD_ITEM_BACKFILL, .past = true};
    item.backfill = (td_feed_backfill){.instrument = index_of(b, name),
                                       .filled = {number, (uint8_t)extent},
                                       .failed = wait_s >= 0,
                                       .wait_ns = wait_s > 0 ? wait_s * TD_NS_PER_S : 0,
                                       .detail = "on command"};
    put_item(&b->feeds[0], &item);
}
enum { WELL = -1 };

static void put_input(bench *b, const td_input *in) {
    static const char *const extents[] = {"whole", "part", "none"};
    const td_event *e = &in->item.event;
    if (e->kind == TD_EVENT_TIME) return;
    assert_int_equal(in->item.kind, TD_ITEM_EVENT);
    assert_int_equal(e->feed, in->feed);
    assert_int_equal(in->partition, td_partition_of(td_instruments_name(b->instruments, e->instrument), PARTITIONS));
    assert_int_equal(e->receive_ns, bench_ns(b));
    assert_true((in->item.position.file & TD_SESSION_BIT) != 0);
    td_buf_printf(&b->text, "%d %s %s ", (int)(b->ns / TD_NS_PER_MS), b->confs[in->feed].name,
                  (const char *)td_instruments_name(b->instruments, e->instrument).data);
    if (e->kind == TD_EVENT_FILLED)
        td_buf_printf(&b->text, "%d filled %s\n", (int)e->filled.gap, extents[e->filled.extent]);
    else
        td_buf_printf(&b->text, "%d trade %d\n", (int)e->of_epoch, (int)e->of_offset);
}

static void run_until(bench *b, int end_ms) {
    td_input input;
    for (; b->ns <= end_ms * TD_NS_PER_MS; b->ns += STEP_MS * TD_NS_PER_MS) {
        assert_int_equal(td_backfill_step(b->backfill), TD_OK);
        while (td_backfill_next(b->backfill, &input) == TD_OK) put_input(b, &input);
    }
}

static void expect(bench *b, const char *wanted) {
    td_buf_put(&b->text, "", 1);
    assert_string_equal((const char *)b->text.data, wanted);
    b->text.size = 0;
}

static void give_wanted(bench *b, const char *name) {
    td_feed_item item = {.kind = TD_ITEM_WANTED, .past = true};
    item.wanted = td_instruments_intern(b->instruments, td_text(name));
    put_item(&b->feeds[0], &item);
}

/* ---- the tests ---- */

static void a_gap_is_asked_for_once_and_filled(void **state) {
    bench *b = bench_open(*state);
    tell(b, "able:A", 1, 10, 0, TD_GAP_OPEN); /* nobody knows its end */
    run_until(b, 3000);
    expect(b, "");
    tell(b, "able:A", 1, 10, 20, TD_GAP_OPEN);
    run_until(b, 6000);
    expect(b, "5100 ask able:A 1: 100 to 200\n"); /* what is late had its time to come */
    give_trade(b, "able:A", 1, 1);
    give_trade(b, "able:A", 1, 2);
    give_end(b, "able:A", 1, TD_FILL_WHOLE, WELL);
    run_until(b, 7000);
    expect(b, "6100 able able:A 1 trade 1\n6100 able able:A 1 trade 2\n6100 able able:A 1 filled whole\n");
    tell(b, "able:A", 1, 10, 20, TD_GAP_OPEN); /* apply has seen a part of it */
    run_until(b, 20000);
    tell(b, "able:A", 1, 10, 20, TD_GAP_FILLED);
    tell(b, "able:A", 2, 30, 40, TD_GAP_OPEN); /* the next one takes its place */
    run_until(b, 23000);
    expect(b, "22100 ask able:A 2: 300 to 400\n");
    assert_int_equal(td_counted(&td_live_counters(b->live, 0)->backfilled), 2);
    assert_int_equal(td_counted(&td_live_counters(b->live, 0)->fills[TD_FILL_WHOLE]), 1);
    bench_close(b);
}

static void what_came_late_is_not_asked_for(void **state) {
    bench *b = bench_open(*state);
    tell(b, "able:A", 1, 10, 20, TD_GAP_OPEN);
    run_until(b, 1000);
    tell(b, "able:A", 1, 10, 20, TD_GAP_FILLED);
    run_until(b, 9000);
    expect(b, "");
    bench_close(b);
}

static void what_cannot_come_is_said(void **state) {
    bench *b = bench_open(*state);
    b->feeds[0].answer = TD_REJECT;
    tell(b, "able:A", 1, 10, 20, TD_GAP_OPEN);
    tell(b, "unable:B", 1, 10, 20, TD_GAP_OPEN);
    tell(b, "unable:B", 2, 30, 0, TD_GAP_OPEN);
    tell(b, "file:C", 1, 10, 20, TD_GAP_OPEN); /* not ours to say */
    run_until(b, 9000);
    expect(b, "2000 able able:A 1 filled none\n2100 unable unable:B 1 filled none\n");
    bench_close(b);
}

static void the_earliest_comes_first_one_at_a_time(void **state) {
    bench *b = bench_open(*state);
    tell(b, "able:A", 3, 50, 60, TD_GAP_OPEN);
    tell(b, "able:B", 1, 30, 40, TD_GAP_OPEN);
    tell(b, "able:A", 2, 10, 20, TD_GAP_OPEN);
    tell(b, "able:A", 1, 5, 6, TD_GAP_OPEN);
    tell(b, "able:A", 1, 5, 6, TD_GAP_LOST); /* of a former run, all of it */
    run_until(b, 2500);
    give_end(b, "able:A", 2, TD_FILL_PART, WELL);
    run_until(b, 3000);
    give_end(b, "able:B", 1, TD_FILL_NONE, WELL);
    run_until(b, 3500);
    expect(b, "2000 ask able:A 2: 100 to 200\n2600 able able:A 2 filled part\n2700 ask able:B 1: 300 to 400\n"
              "3100 able able:B 1 filled none\n3200 ask able:A 3: 500 to 600\n");
    bench_close(b);
}

static void a_failure_is_tried_again_and_given_up(void **state) {
    bench *b = bench_open(*state);
    tell(b, "able:A", 1, 10, 20, TD_GAP_OPEN);
    run_until(b, 2000);
    give_end(b, "able:A", 1, TD_FILL_NONE, 0);
    run_until(b, 5000);
    give_end(b, "able:A", 1, TD_FILL_NONE, 7); /* the venue wants more */
    run_until(b, 13000);
    give_trade(b, "able:A", 1, 1); /* it has come further: counted anew */
    give_end(b, "able:A", 1, TD_FILL_PART, 0);
    run_until(b, 15000);
    give_end(b, "able:A", 1, TD_FILL_PART, 0);
    run_until(b, 18000);
    give_end(b, "able:A", 1, TD_FILL_PART, 0);
    run_until(b, 60000);
    expect(b, "2000 ask able:A 1: 100 to 200\n"
              "2100 able: gap 1 of able:A cannot be filled: on command; the next try is in 1.0 s\n"
              "3100 ask able:A 1: 100 to 200\n"
              "5100 able: gap 1 of able:A cannot be filled: on command; the next try is in 7.0 s\n"
              "12100 ask able:A 1: 100 to 200\n"
              "13100 able able:A 1 trade 1\n"
              "13100 able: gap 1 of able:A cannot be filled: on command; the next try is in 1.0 s\n"
              "14100 ask able:A 1: 100 to 200\n"
              "15100 able: gap 1 of able:A cannot be filled: on command; the next try is in 2.0 s\n"
              "17100 ask able:A 1: 100 to 200\n"
              "18100 able: gap 1 of able:A cannot be filled: on command; the rest is given up\n"
              "18100 able able:A 1 filled part\n");
    assert_int_equal(td_counted(&td_live_counters(b->live, 0)->backfill_failures), 5);
    bench_close(b);
}

/* By the same rules, at once and before all gaps; nothing is said of it on the tape. */
static void a_book_that_waits_is_asked_for(void **state) {
    bench *b = bench_open(*state);
    tell(b, "able:A", 1, 10, 20, TD_GAP_OPEN);
    run_until(b, 1800);
    give_wanted(b, "able:B");
    run_until(b, 2100);
    give_wanted(b, "able:B"); /* another hole: what is under way may be too early */
    give_end(b, "able:B", 0, TD_FILL_WHOLE, WELL);
    run_until(b, 2500);
    give_end(b, "able:B", 0, TD_FILL_WHOLE, WELL);
    run_until(b, 2900);
    give_end(b, "able:A", 1, TD_FILL_WHOLE, WELL);
    run_until(b, 3900);
    b->feeds[0].answer = TD_REJECT; /* it waits no more */
    give_wanted(b, "able:B");
    run_until(b, 9000);
    expect(b, "2000 ask able:B 0: 0 to 0\n2300 ask able:B 0: 0 to 0\n2700 ask able:A 1: 100 to 200\n"
              "3000 able able:A 1 filled whole\n");
    assert_int_equal(td_counted(&td_live_counters(b->live, 0)->backfilled), 0);
    bench_close(b);
}

static void a_book_that_does_not_come_is_given_up(void **state) {
    bench *b = bench_open(*state);
    give_wanted(b, "able:B");
    for (int i = 0; i < 3; i++) {
        run_until(b, 1000 + 3000 * i);
        give_end(b, "able:B", 0, TD_FILL_WHOLE, 0);
    }
    run_until(b, 60000);
    give_wanted(b, "able:B");
    run_until(b, 61000);
    expect(b, "100 ask able:B 0: 0 to 0\n"
              "1100 able: the book of able:B does not come: on command; the next try is in 1.0 s\n"
              "2100 ask able:B 0: 0 to 0\n"
              "4100 able: the book of able:B does not come: on command; the next try is in 2.0 s\n"
              "6100 ask able:B 0: 0 to 0\n"
              "7100 able: the book of able:B does not come: on command; it waits for its next gap or session\n"
              "60200 ask able:B 0: 0 to 0\n");
    bench_close(b);
}

static void what_changes_under_way_is_seen(void **state) {
    bench *b = bench_open(*state);
    tell(b, "able:A", 1, 10, 20, TD_GAP_OPEN);
    tell(b, "able:A", 2, 30, 40, TD_GAP_OPEN);
    run_until(b, 2000);
    tell(b, "able:A", 1, 10, 25, TD_GAP_OPEN); /* it has grown: what comes is not all of it */
    run_until(b, 3000);
    give_end(b, "able:A", 1, TD_FILL_WHOLE, WELL);
    run_until(b, 4000);
    tell(b, "able:A", 1, 10, 25, TD_GAP_LOST); /* closed: its end is nobody's */
    run_until(b, 5000);
    give_end(b, "able:A", 1, TD_FILL_WHOLE, WELL);
    run_until(b, 6000);
    give_end(b, "able:A", 2, TD_FILL_WHOLE, WELL);
    run_until(b, 7000);
    expect(b, "2000 ask able:A 1: 100 to 200\n3200 ask able:A 1: 100 to 250\n5200 ask able:A 2: 300 to 400\n"
              "6100 able able:A 2 filled whole\n");
    bench_close(b);
}

static void an_end_of_before_is_not_taken_for_this_one(void **state) {
    bench *b = bench_open(*state);
    tell(b, "able:A", 1, 10, 20, TD_GAP_OPEN);
    run_until(b, 2000);
    tell(b, "able:A", 1, 10, 20, TD_GAP_FILLED);
    run_until(b, 2500);
    tell(b, "able:A", 1, 10, 30, TD_GAP_OPEN);
    run_until(b, 3000);
    give_end(b, "able:A", 1, TD_FILL_WHOLE, WELL);
    run_until(b, 5000);
    expect(b, "2000 ask able:A 1: 100 to 200\n4600 ask able:A 1: 100 to 300\n");
    bench_close(b);
}

static void a_gap_that_moves_is_asked_of_the_other_feed(void **state) {
    bench *b = bench_open(*state);
    tell(b, "gone>able:A", 1, 10, 20, TD_GAP_OPEN); /* of a feed that is no longer there */
    tell(b, "able:B", 1, 30, 40, TD_GAP_OPEN);
    run_until(b, 3000);
    tell(b, "able:A", 1, 10, 20, TD_GAP_OPEN);
    tell(b, "unable>able:B", 1, 30, 40, TD_GAP_OPEN);
    run_until(b, 4000);
    give_end(b, "able:B", 1, TD_FILL_WHOLE, WELL); /* nobody waits for it any more */
    run_until(b, 7000);
    expect(b, "2000 ask able:B 1: 300 to 400\n5100 ask able:A 1: 100 to 200\n5200 unable able:B 1 filled none\n");
    bench_close(b);
}

/* What a process left open the next one asks for; without a session nothing. */
static void a_new_process_asks_again(void **state) {
    bench *b = bench_open(*state);
    tell(b, "able:A", 1, 10, 20, TD_GAP_OPEN);
    tell(b, "able:B", 1, 10, 20, TD_GAP_OPEN);
    run_until(b, 2000);
    give_end(b, "able:A", 1, TD_FILL_WHOLE, WELL);
    run_until(b, 3000);
    put_item(&b->feeds[0], &(td_feed_item){.kind = TD_ITEM_SESSION, .session.detail = "cut"});
    b->confs[0].reconnect_ns = 4 * TD_NS_PER_S;
    td_backfill_close(b->backfill);
    begin(b);
    b->text.size = 0;
    b->feeds[0].answer = TD_OK;
    run_until(b, 4000);
    expect(b, "3100 able: the session ended: cut; the next try is in 3.9 s\n");
    tell(b, "able:B", 1, 10, 20, TD_GAP_FILLED);
    run_until(b, 9000);
    expect(b, "7200 ask able:A 1: 100 to 200\n");
    bench_close(b);
}

static void damage_is_told_once(void **state) {
    bench *b = bench_open(*state);
    td_batch batch;
    td_batch_init(&batch, 4096);
    assert_true(td_batch_add(&batch, 0, TD_TEXT("able:A"), TD_TEXT("no gap"), (td_bytes){0}, (td_bytes){0}));
    assert_int_equal(td_writer_append(b->rig->writer, b->topics.outputs[TD_OUTPUT_GAPS], 1, &batch), TD_OK);
    td_batch_fini(&batch);
    tell(b, "able:A", 1, 10, 20, TD_GAP_OPEN); /* in partition 0, which goes on */
    assert_int_equal(td_backfill_step(b->backfill), TD_CORRUPT);
    assert_non_null(strstr(td_trail(), "partition 1"));
    run_until(b, 3000);
    expect(b, "2000 ask able:A 1: 100 to 200\n");
    bench_close(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_gap_is_asked_for_once_and_filled, rig_new, rig_free),
        cmocka_unit_test_setup_teardown(what_came_late_is_not_asked_for, rig_new, rig_free),
        cmocka_unit_test_setup_teardown(what_cannot_come_is_said, rig_new, rig_free),
        cmocka_unit_test_setup_teardown(the_earliest_comes_first_one_at_a_time, rig_new, rig_free),
        cmocka_unit_test_setup_teardown(a_failure_is_tried_again_and_given_up, rig_new, rig_free),
        cmocka_unit_test_setup_teardown(a_book_that_waits_is_asked_for, rig_new, rig_free),
        cmocka_unit_test_setup_teardown(a_book_that_does_not_come_is_given_up, rig_new, rig_free),
        cmocka_unit_test_setup_teardown(what_changes_under_way_is_seen, rig_new, rig_free),
        cmocka_unit_test_setup_teardown(an_end_of_before_is_not_taken_for_this_one, rig_new, rig_free),
        cmocka_unit_test_setup_teardown(a_gap_that_moves_is_asked_of_the_other_feed, rig_new, rig_free),
        cmocka_unit_test_setup_teardown(a_new_process_asks_again, rig_new, rig_free),
        cmocka_unit_test_setup_teardown(damage_is_told_once, rig_new, rig_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
