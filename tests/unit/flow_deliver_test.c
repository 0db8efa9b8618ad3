/* tests/unit/flow_deliver_test.c - goal: a sink gets each row once, and what the log no longer has for it is counted.
 */
#include "log_rig.h"
/* after the rig's own */
#include "flow/deliver.h"

static struct { /* the sink, which outlives its deliveries */
    int64_t rows, next[2];
} store;

static td_status sink_open(void **out, const td_os *os, const td_sink_conf *conf) {
    (void)os, (void)conf;
    *out = &store;
    return TD_OK;
}

static td_status sink_position(void *sink, const char *topic, uint32_t partition, td_position *out) {
    (void)sink;
    bool none = strcmp(topic, "bars") != 0 || store.next[partition] == 0;
    *out = none ? (td_position){-1, 0} : (td_position){0, store.next[partition]};
    return TD_OK;
}

static td_status sink_write(void *sink, const char *topic, uint32_t partition, const td_sink_row *rows, size_t count,
                            td_position next) {
    (void)sink, (void)topic;
    for (size_t i = 0; i < count; i++) assert_int_equal(rows[i].bar.trade_count, rows[i].source.offset + 1);
    store.rows += (int64_t)count;
    store.next[partition] = next.offset;
    return TD_OK;
}

static void sink_close(void *sink) { (void)sink; }

static const td_sink_ops sink_ops = {
    .kind = "store", .open = sink_open, .position = sink_position, .write = sink_write, .close = sink_close};

/* Bars, of which each knows its offset, in segments of a few. */
static void append_bars(rig *r, const td_schema_ids *ids, int count) {
    td_buf value = {0};
    for (int i = 0; i < count; i++) {
        td_bar bar = {.end_ns = 1, .trade_count = td_topic_end(r->topic, 0) + 1};
        value.size = 0;
        td_record_put_bar(&value, ids, TD_TEXT("TEST:A"), &bar);
        td_batch_reset(&r->batch);
        assert_true(td_batch_add(&r->batch, 1000, TD_TEXT("TEST:A"), td_buf_bytes(&value), TD_TEXT(""), TD_TEXT("")));
        assert_int_equal(td_writer_append(r->writer, r->topic, 0, &r->batch), TD_OK);
    }
    td_buf_fini(&value);
    assert_int_equal(td_log_sync(r->log), TD_OK);
}

static void what_retention_took_is_counted(void **state) {
    rig *r = *state;
    td_schema_ids ids = {0};
    td_deliver *d;
    td_sink_conf sink_conf = {.name = (char *)"store"};
    r->conf.segment_bytes = 1000;
    r->conf.retain_bytes = INT64_C(1) << 40;
    rig_open_log(r);
    td_topics topics = {.log = r->log, .partitions = 2, .ids = &ids};
    topics.outputs[TD_OUTPUT_BARS] = r->topic;
    assert_int_equal(td_log_topic(r->log, "signals", 2, TD_TOPIC_OUTPUT, &topics.outputs[TD_OUTPUT_SIGNALS]), TD_OK);
    append_bars(r, &ids, 100);
    assert_int_equal(td_log_release(r->log, 2000), TD_OK);
    int64_t first = td_topic_start(r->topic, 0);
    assert_true(first > 0);

    const td_deliver_conf conf = {.os = &r->os, .topics = &topics, .ops = &sink_ops, .sink_conf = &sink_conf};
    assert_int_equal(td_deliver_open(&d, &conf), TD_OK); /* new: what went before it was never its own */
    while (td_deliver_step(d) > 0) continue;
    assert_true(td_deliver_level(d));
    assert_int_equal(store.rows, 100 - first);
    assert_int_equal(td_counted(&td_deliver_counters(d)->lost), 0);
    for (int restarted = 0; restarted <= 1; restarted++) { /* while it runs, or while it does not */
        if (restarted == 1) td_deliver_close(d);
        int64_t had = td_topic_end(r->topic, 0), rows = store.rows;
        append_bars(r, &ids, 200);
        assert_int_equal(td_log_release(r->log, INT64_C(1) << 40), TD_OK);
        int64_t lost = td_topic_start(r->topic, 0) - had;
        assert_true(lost > 0);
        if (restarted == 1) assert_int_equal(td_deliver_open(&d, &conf), TD_OK);
        while (td_deliver_step(d) > 0) continue;
        assert_int_equal(store.rows, rows + 200 - lost);
        assert_int_equal(td_counted(&td_deliver_counters(d)->lost), lost);
    }
    td_deliver_close(d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_retention_took_is_counted, rig_new, rig_free)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
