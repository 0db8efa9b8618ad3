/* tests/unit/flow_capture_test.c - goal: what came is kept as it came, but while the disk is short; then the log says
 * from where to where it is not, and so does a line, with how much was missed. */
#include "log_rig.h"
/* after the rig's own */
#include "flow/capture.h"
#include "schema/cause.h"

enum { SESSION = 4 };

typedef struct step {
    uint8_t kind, level; /* td_raw_kind, td_disk_level */
    const char *bytes;
    const char *kept; /* what the log holds more: a letter of each kind, and bytes */
} step;

static td_feed_item item_of(const step *s, uint64_t line) {
    td_feed_item item = {.kind = TD_ITEM_RAW, .position = {.file = TD_SESSION_BIT | SESSION, .line = line}};
    item.raw = (td_raw){.kind = s->kind, .receive_ns = (int64_t)line, .bytes = td_text(s->bytes)};
    if (s->kind != TD_RAW_OPENED) return item;
    item.raw.format = TD_TEXT("kraken");
    item.raw.venue = TD_TEXT("KRAKEN");
    item.raw.address = TD_TEXT("ws://x");
    return item;
}

static void read_new(const td_topics *topics, td_reader *reader, td_buf *out) {
    td_record record;
    td_raw raw;
    td_source_position at;
    out->size = 0;
    while (td_reader_next(reader, &record) == TD_OK) {
        assert_int_equal(td_record_schema(topics->ids, record.value), TD_SCHEMA_RAW);
        assert_int_equal(td_record_get_raw(record.value, &raw), TD_OK);
        assert_true(td_src_get(td_record_header(&record, TD_SRC_HEADER), &at));
        assert_int_equal(at.file, TD_SESSION_BIT | SESSION);
        td_buf_printf(out, "%c%.*s;", "omacs"[raw.kind], (int)raw.bytes.size, (const char *)raw.bytes.data);
        if (raw.kind != TD_RAW_OPENED) continue;
        assert_int_equal(at.line, 0);
        assert_true(td_bytes_equal(raw.format, TD_TEXT("kraken")) && td_bytes_equal(raw.venue, TD_TEXT("KRAKEN")));
        assert_true(td_bytes_equal(raw.address, TD_TEXT("ws://x")));
    }
    td_buf_put(out, "", 1);
}

static void stops_while_the_disk_is_short(void **state) {
    static const step steps[] = {
        {TD_RAW_OPENED, TD_DISK_FREE, "", "o;"},
        {TD_RAW_MESSAGE, TD_DISK_FREE, "1", "m1;"},
        {TD_RAW_MESSAGE, TD_DISK_TIGHT, "2", "m2;"},
        {TD_RAW_MESSAGE, TD_DISK_SHORT, "3", "sthe disk is short of room;"},
        {TD_RAW_ANSWER, TD_DISK_SHORT, "4", ""},
        {TD_RAW_MESSAGE, TD_DISK_FREE, "5", "o;m5;"}, /* the session goes on */
        {TD_RAW_CLOSED, TD_DISK_SHORT, "bye", "sthe disk is short of room;"},
        {TD_RAW_OPENED, TD_DISK_SHORT, "", ""},
        {TD_RAW_MESSAGE, TD_DISK_FULL, "6", ""},
        {TD_RAW_CLOSED, TD_DISK_FULL, "bye", ""},
        {TD_RAW_OPENED, TD_DISK_TIGHT, "", "o;"}, /* another session begins */
        {TD_RAW_ANSWER, TD_DISK_FREE, "7", "a7;"},
        {TD_RAW_CLOSED, TD_DISK_FREE, "bye", "cbye;"},
    };
    rig *r = *state;
    td_topics topics;
    td_disk disk = {0};
    td_capture *capture;
    td_reader *reader;
    td_buf found = {0};
    char name[] = "venue";
    static const td_live_ops none = {0};
    static const td_feed_ops ops = {.live = &none, .close = free};
    td_feed_conf feed = {.name = name, .raw = true};
    rig_open_log(r);
    assert_int_equal(td_topics_open(&topics, r->log, 2, 0), TD_OK);
    td_instruments *instruments = td_instruments_new();
    td_live *live = td_live_new(&r->os, instruments, 2, rig_report, r);
    td_live_add(live, 3, &ops, NULL, &feed);
    td_capture_conf conf = {&topics, live, r->writer, &disk, rig_report, r, 4096};
    assert_int_equal(td_capture_open(&capture, &conf), TD_OK);
    td_topic *topic = (td_topic *)(uintptr_t)td_capture_topic(capture, 3);
    assert_string_equal(td_topic_name(topic), "raw.venue");
    assert_null(td_capture_topic(capture, 2));
    assert_int_equal(td_reader_open(&reader, topic, 0, 0, TD_READ_APPENDED), TD_OK);
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        td_feed_item item = item_of(&steps[i], i);
        if (steps[i].kind == TD_RAW_OPENED) item.position.line = 0;
        atomic_store(&disk.level, steps[i].level);
        atomic_store(&r->machine.fail_writes, i == 5 ? 1 : 0); /* what could not be written comes again */
        assert_int_equal(td_capture_take(capture, 3, &item, 1000), TD_OK);
        while (td_capture_flush(capture) != TD_OK) assert_int_equal(i, 5);
        read_new(&topics, reader, &found);
        ASSERT_ROW(strcmp((const char *)found.data, steps[i].kept) == 0, "%zu: %s", i, (const char *)found.data);
    }
    assert_true(rig_reported(r, "venue: raw capture stops: the disk is short of room\n"));
    assert_true(rig_reported(r, "venue: raw capture goes on; 2 messages were not kept\n"));
    assert_true(rig_reported(r, "venue: raw capture goes on; 1 messages were not kept\n"));
    const td_capture_counts *counts = td_capture_counters(capture, 3);
    assert_int_equal(td_counted(&counts->missed), 3);
    assert_int_equal(td_counted(&counts->kept), td_topic_end(topic, 0));
    assert_false(td_capture_is_synced(capture));
    assert_int_equal(td_log_sync(r->log), TD_OK);
    assert_true(td_capture_is_synced(capture));
    td_buf_fini(&found);
    td_reader_close(reader);
    td_capture_close(capture);
    td_live_free(live);
    td_instruments_free(instruments);
    td_topics_close(&topics);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(stops_while_the_disk_is_short, rig_new, rig_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
