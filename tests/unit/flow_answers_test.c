/* tests/unit/flow_answers_test.c - goal: an answer is said to be whole only once its events are safe, and of one that a
 * process died in the next one is told how far it came. */
#include "log_rig.h"
/* after the rig's own */
#include "flow/answers.h"
#include "schema/cause.h"

enum { SESSION = 4, PARTITION = 1 };

typedef struct bench {
    rig *rig;
    td_topics topics;
    td_instruments *instruments;
    td_live *live;
    td_answers *answers;
    td_feed_ops ops;
    td_feed_conf conf;
    char name[8];
    td_buf told; /* "IBM 1min whole 5; " */
} bench;

static void take_held(void *feed, const td_feed_answer *a) {
    td_buf_printf(feed, "%.*s %s %" PRId64 "; ", (int)a->name.size, (const char *)a->name.data,
                  a->whole ? "whole" : "begun", a->until_ns);
}

static void close_nothing(void *feed) { (void)feed; }

static const td_live_ops live_ops = {.hold = take_held};

/* As another process that opens the log after the one before has died. Returns what its feed is told. */
static const char *begin(bench *b) {
    if (b->answers != NULL) {
        td_answers_close(b->answers);
        td_live_free(b->live);
    }
    b->told.size = 0;
    b->live = td_live_new(&b->rig->os, b->instruments, 2, rig_report, b->rig);
    td_live_add(b->live, 0, &b->ops, &b->told, &b->conf);
    td_answers_conf conf = {&b->topics, b->live, b->rig->writer};
    assert_int_equal(td_answers_open(&b->answers, &conf), TD_OK);
    td_buf_put(&b->told, "", 1);
    return (const char *)b->told.data;
}

static td_input answer_of(const char *name, uint64_t message, bool whole, int64_t until_ns) {
    td_input input = {.partition = PARTITION};
    input.item =
        (td_feed_item){.kind = TD_ITEM_ANSWER, .position = {.file = TD_SESSION_BIT | SESSION, .line = message}};
    input.item.answer = (td_feed_answer){.name = td_text(name), .whole = whole, .until_ns = until_ns, .asked_ns = 77};
    return input;
}

static void take(bench *b, const char *name, uint64_t message, bool whole, int64_t until_ns) {
    td_input input = answer_of(name, message, whole, until_ns);
    assert_int_equal(td_answers_take(b->answers, &input, 1000), TD_OK);
}

/* A record of the tape; of a bar `event_ns`, else a Time. */
static void put(bench *b, const char *feed, uint64_t message, int64_t event_ns) {
    td_event e = {.kind = event_ns > 0 ? TD_EVENT_VENDOR_BAR : TD_EVENT_TIME, .event_ns = event_ns};
    if (event_ns > 0) e.vendor_bar = (td_vendor_bar){.width_ns = 1, .open = 1, .high = 1, .low = 1, .close = 1};
    uint8_t src[TD_SRC_MAX];
    td_source_position position = {.file = TD_SESSION_BIT | SESSION, .line = message, .part = (uint32_t)event_ns};
    td_buf value = {0};
    td_batch batch;
    td_record_put_event(&value, b->topics.ids, td_text(feed), &e);
    td_batch_init(&batch, 4096);
    assert_true(td_batch_add(&batch, 1000, TD_TEXT("V:IBM"), td_buf_bytes(&value), TD_SRC_HEADER,
                             (td_bytes){src, td_src_put(position, src)}));
    assert_int_equal(td_writer_append(b->rig->writer, b->topics.tape, PARTITION, &batch), TD_OK);
    td_batch_fini(&batch);
    td_buf_fini(&value);
}

static bench *bench_new(rig *r) {
    bench *b = test_calloc(1, sizeof *b);
    *b = (bench){.rig = r, .name = "av", .ops = {.live = &live_ops, .close = close_nothing}};
    b->conf = (td_feed_conf){.name = b->name};
    b->instruments = td_instruments_new();
    rig_open_log(r);
    assert_int_equal(td_topics_open(&b->topics, r->log, 2, 0), TD_OK);
    return b;
}

static void bench_free(bench *b) {
    td_answers_close(b->answers);
    td_live_free(b->live);
    td_topics_close(&b->topics);
    td_instruments_free(b->instruments);
    td_buf_fini(&b->told);
    test_free(b);
}

static void whole_once_it_is_synced(void **state) {
    bench *b = bench_new(*state);
    assert_string_equal(begin(b), "");
    take(b, "IBM 1min", 1, false, TD_NONE);
    put(b, "av", 1, 5);
    take(b, "IBM 1min", 1, true, 5);
    assert_int_equal(td_answers_step(b->answers, 1000), TD_OK);
    assert_string_equal(begin(b), "IBM 1min begun 5; "); /* its events might be gone, had the machine died */
    take(b, "IBM 1min", 2, false, 5);
    take(b, "IBM 1min", 2, true, 6);
    assert_int_equal(td_log_sync(b->rig->log), TD_OK);
    assert_int_equal(td_answers_step(b->answers, 1000), TD_OK);
    assert_string_equal(begin(b), "IBM 1min whole 6; ");
    bench_free(b);
}

/* What came of it is found among what others brought, up to where the feed went on. */
static void begun_up_to_its_last_event(void **state) {
    bench *b = bench_new(*state);
    (void)begin(b);
    put(b, "av", 1, 9); /* before it began */
    take(b, "IBM daily", 2, false, TD_NONE);
    take(b, "IBM 1min", 2, false, 3);
    put(b, "other", 2, 8);
    put(b, "av", 2, 4);
    put(b, "av", 2, 0);
    put(b, "av", 2, 6);
    put(b, "av", 3, 7); /* another answer */
    put(b, "av", 2, 8);
    assert_string_equal(begin(b), "IBM 1min begun 6; IBM daily begun 6; ");
    (void)snprintf(b->name, sizeof b->name, "b"); /* another feed is told nothing of it */
    assert_string_equal(begin(b), "");
    bench_free(b);
}

/* A tape that is damaged stops nobody who does not append to it. */
static void damage_ends_the_look(void **state) {
    bench *b = bench_new(*state);
    char path[160];
    (void)begin(b);
    take(b, "IBM daily", 2, false, TD_NONE);
    put(b, "av", 2, 4);
    (void)snprintf(path, sizeof path, "%s/tape-1/00000000000000000000.log", b->rig->dir);
    int64_t damaged_at = rig_file_bytes(path) + 70; /* in the batch behind it */
    put(b, "av", 2, 5);
    put(b, "av", 2, 6);
    rig_flip(path, damaged_at);
    assert_string_equal(begin(b), "IBM daily begun 4; ");
    bench_free(b);
}

static void waits_when_too_many_are_unsynced(void **state) {
    bench *b = bench_new(*state);
    td_input input = answer_of("IBM 1min", 1, true, 5);
    (void)begin(b);
    put(b, "av", 1, 5);
    int taken = 0;
    while (taken < 1000 && td_answers_take(b->answers, &input, 1000) == TD_OK) taken++;
    assert_in_range(taken, 16, 999);
    assert_int_equal(td_answers_take(b->answers, &input, 1000), TD_FULL);
    assert_int_equal(td_log_sync(b->rig->log), TD_OK);
    atomic_store(&b->rig->machine.fail_writes, 1); /* what could not be written is written later */
    assert_int_equal(td_answers_step(b->answers, 1000), TD_RETRY);
    assert_int_equal(td_answers_step(b->answers, 1000), TD_OK);
    assert_int_equal(td_answers_take(b->answers, &input, 1000), TD_OK);
    bench_free(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(whole_once_it_is_synced, rig_new, rig_free),
        cmocka_unit_test_setup_teardown(begun_up_to_its_last_event, rig_new, rig_free),
        cmocka_unit_test_setup_teardown(damage_ends_the_look, rig_new, rig_free),
        cmocka_unit_test_setup_teardown(waits_when_too_many_are_unsynced, rig_new, rig_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
