/* tests/unit/flow_ingest_test.c - goal: what cannot be appended yet is appended as it came, whatever the network does
 * while it waits. */
#include "log_rig.h"
/* after the rig's own */
#include "base/hash.h"
#include "base/time.h"
#include "flow/ingest.h"

enum { MESSAGES = 12, MESSAGE_BYTES = 3000, PARTITIONS = 2 /* as the rig's topic has */ };

/* A live feed whose messages are no events; all lie in the same place, which a pump fills anew. */
typedef struct venue {
    uint8_t inbox[MESSAGE_BYTES];
    uint64_t given;
} venue;

static td_status venue_connect(void *self, uint32_t session) {
    (void)self;
    (void)session;
    return TD_OK;
}

static int venue_pump(void *self) {
    venue *v = self;
    memset(v->inbox, '?', sizeof v->inbox);
    return 0;
}

static td_status venue_next(void *self, td_feed_item *out) {
    venue *v = self;
    if (v->given == MESSAGES) return TD_AGAIN;
    memset(v->inbox, (int)('a' + v->given), sizeof v->inbox);
    *out = (td_feed_item){.kind = TD_ITEM_REJECTED, .position = {TD_SESSION_BIT, ++v->given}};
    out->rejected = (td_rejected){.position = out->position,
                                  .reason = TD_REASON_MALFORMED,
                                  .detail = TD_TEXT("no event"),
                                  .bytes = {v->inbox, sizeof v->inbox}};
    return TD_OK;
}

static void venue_close(void *self) { (void)self; }

static const td_live_ops venue_live = {.connect = venue_connect, .pump = venue_pump};
static const td_feed_ops venue_ops = {.live = &venue_live, .next = venue_next, .close = venue_close};

static int64_t mono_ns;

static int64_t test_mono_ns(void *self) {
    (void)self;
    return mono_ns;
}

static void check_rejected(const td_topics *topics, td_bytes feed) {
    td_reader *reader;
    td_record record;
    td_rejected rejected;
    int count = 0;
    assert_int_equal(td_reader_open(&reader, topics->rejected, td_partition_of(feed, PARTITIONS), 0, TD_READ_APPENDED),
                     TD_OK);
    for (; td_reader_next(reader, &record) == TD_OK; count++) {
        assert_int_equal(td_record_get_rejected(record.value, &rejected), TD_OK);
        assert_int_equal(rejected.bytes.size, MESSAGE_BYTES);
        for (size_t i = 0; i < rejected.bytes.size; i++)
            ASSERT_ROW(rejected.bytes.data[i] == 'a' + count, "message %d, byte %zu", count, i);
    }
    assert_int_equal(count, MESSAGES);
    td_reader_close(reader);
}

static void keeps_what_waits(void **state) {
    rig *r = *state;
    td_topics topics;
    td_ingest *ingest;
    venue v = {.given = 0};
    char feed_name[] = "venue";
    td_feed_conf conf = {.name = feed_name, .reconnect_ns = 1};
    td_bytes name = td_text(feed_name);
    td_os_ops ops = *r->os.ops; /* its clock stands; what backs off waits for one that does not */
    ops.mono_ns = test_mono_ns;
    const td_os os = {&ops, r->os.self};
    rig_open_log(r);
    assert_int_equal(td_topics_open(&topics, r->log, PARTITIONS, 0), TD_OK);
    td_instruments *instruments = td_instruments_new();
    td_merge *merge = td_merge_new(instruments, PARTITIONS);
    td_live *live = td_live_new(&os, instruments, PARTITIONS, rig_report, r);
    td_live_add(live, 0, &venue_ops, &v, &conf);
    td_ingest_conf ingest_conf = {.os = &os,
                                  .topics = &topics,
                                  .merge = merge,
                                  .live = live,
                                  .instruments = instruments,
                                  .feed_names = &name,
                                  .batch_bytes = 2 * MESSAGE_BYTES};
    assert_int_equal(td_ingest_open(&ingest, &ingest_conf), TD_OK);
    atomic_store(&r->machine.fail_writes, 3);
    for (int turn = 0; turn < 100; turn++) { /* longer than it backs off, and than all of it takes */
        (void)td_ingest_step(ingest);
        mono_ns += TD_NS_PER_MS;
    }
    assert_int_equal(td_counted(&td_ingest_counters(ingest)->retries), 3);
    check_rejected(&topics, name);
    td_ingest_close(ingest);
    td_live_free(live);
    td_merge_free(merge);
    td_instruments_free(instruments);
    td_topics_close(&topics);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(keeps_what_waits, rig_new, rig_free)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
