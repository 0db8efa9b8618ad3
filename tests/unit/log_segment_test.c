/* tests/unit/log_segment_test.c - goal: what is appended is read, in order and whole, across rolls, restarts, retention
 * and truncation; two writers never share a folder. Damage and failures: log_recover_test.c. */
#include "log_rig.h"
#include <pthread.h>

static void appended_is_read_across_rolls_and_restarts(void **state) {
    rig *r = *state;
    static const td_codec codecs[] = {TD_CODEC_NONE, TD_CODEC_LZ4, TD_CODEC_ZSTD};
    for (size_t c = 0; c < COUNT_OF(codecs); c++) {
        r->conf.codec = codecs[c];
        r->conf.segment_bytes = 20000;
        rig_run("rm -rf %s", r->dir);
        rig_open_log(r);
        rig_append(r, 0, 200, 7);
        rig_append(r, 1, 1, 3);
        rig_expect(r, 0, 0, 1400);
        assert_true(td_topic_segments(r->topic, 0) > 1);
        for (int64_t from = 0; from < 1400; from += 13) { /* every kind of place in a batch and a segment */
            td_status last;
            ASSERT_ROW(rig_read(r, 0, from, &last) == 1400 - from, "%" PRId64, from);
        }
        int64_t bytes = td_topic_bytes(r->topic, 0);
        rig_close_log(r);

        rig_open_log(r);
        assert_int_equal(r->reports.size, 0);
        assert_int_equal(td_topic_bytes(r->topic, 0), bytes);
        assert_int_equal(td_topic_epoch(r->topic, 0), 0);
        assert_int_equal(td_topic_synced(r->topic, 0), 1400);
        rig_append(r, 0, 10, 7);
        rig_expect(r, 0, 0, 1470);
        rig_expect(r, 1, 0, 3);
        td_verify found;
        assert_int_equal(rig_verify(r, 0, &found), TD_OK);
        assert_int_equal(found.records, 1470);
        assert_int_equal(found.batches, 210);
        assert_int_equal(found.bytes, td_topic_bytes(r->topic, 0));
        rig_close_log(r);
    }
}

static void a_reader_follows_the_writer(void **state) {
    rig *r = *state;
    td_reader *appended, *synced;
    td_record record;
    rig_open_log(r);
    assert_int_equal(td_reader_open(&appended, r->topic, 0, 0, TD_READ_APPENDED), TD_OK);
    assert_int_equal(td_reader_open(&synced, r->topic, 0, 0, TD_READ_SYNCED), TD_OK);
    for (int64_t n = 0; n < 300; n++) {
        assert_int_equal(td_reader_next(appended, &record), TD_AGAIN);
        assert_int_equal(td_reader_next(synced, &record), TD_AGAIN);
        rig_append(r, 0, 1, 1);
        assert_int_equal(td_reader_next(appended, &record), TD_OK);
        assert_true(rig_is_record(&record, n));
        assert_int_equal(td_reader_next(synced, &record), TD_AGAIN);
        assert_int_equal(td_log_sync(r->log), TD_OK);
        assert_int_equal(td_topic_synced(r->topic, 0), n + 1);
        assert_int_equal(td_reader_next(synced, &record), TD_OK);
        assert_true(rig_is_record(&record, n));
    }
    td_reader_seek(appended, 150);
    assert_int_equal(td_reader_next(appended, &record), TD_OK);
    assert_true(rig_is_record(&record, 150));
    td_reader_seek(appended, 1000); /* beyond the end: waits there */
    assert_int_equal(td_reader_next(appended, &record), TD_AGAIN);
    assert_int_equal(td_reader_offset(appended), 1000);
    td_reader_close(appended);
    td_reader_close(synced);
}

/* 300 KB: more than the window; and records of nearly nothing in batches of many. */
static void batches_of_any_size(void **state) {
    rig *r = *state;
    rig_open_log(r);
    uint8_t *large = test_calloc(1, 300000);
    for (int i = 0; i < 8; i++) {
        td_batch_reset(&r->batch);
        assert_true(td_batch_add(&r->batch, 0, TD_TEXT("k"), (td_bytes){large, 300000}, TD_TEXT(""), TD_TEXT("")));
        assert_int_equal(td_writer_append(r->writer, r->topic, 0, &r->batch), TD_OK);
    }
    td_batch_reset(&r->batch);
    int count = 0;
    while (td_batch_add(&r->batch, 0, (td_bytes){0}, (td_bytes){0}, TD_TEXT(""), TD_TEXT(""))) count++;
    assert_int_equal(td_writer_append(r->writer, r->topic, 0, &r->batch), TD_OK);
    td_reader *reader;
    td_record record;
    assert_int_equal(td_reader_open(&reader, r->topic, 0, 0, TD_READ_APPENDED), TD_OK);
    for (int i = 0; i < 8 + count; i++) {
        assert_int_equal(td_reader_next(reader, &record), TD_OK);
        assert_int_equal(record.value.size, i < 8 ? 300000 : 0);
    }
    assert_int_equal(td_reader_next(reader, &record), TD_AGAIN);
    td_reader_close(reader);
    test_free(large);
}

static void one_folder_has_one_writer(void **state) {
    rig *r = *state;
    rig_open_log(r);
    td_log *second;
    assert_int_equal(td_log_segment_open(&second, &r->os, &r->conf, NULL, NULL), TD_CONFIG);
    assert_non_null(strstr(td_trail(), r->dir));
    assert_non_null(strstr(td_trail(), "another process writes"));
    rig_close_log(r);
    rig_open_log(r);
}

static void partition_counts_are_for_life(void **state) {
    rig *r = *state;
    td_topic *other;
    rig_open_log(r);
    assert_int_equal(td_log_topic(r->log, "bars", 3, TD_TOPIC_OUTPUT, &other), TD_CONFIG);
    assert_non_null(strstr(td_trail(), "bars"));
    assert_int_equal(td_log_topic(r->log, "a-1-b", 5, TD_TOPIC_INPUT, &other), TD_OK);
    rig_close_log(r);
    /* A crash while a topic is made leaves its last partition first. */
    rig_run("mkdir %s/half-3 && rm -rf %s/CLEAN %s/a-1-b-0 && touch %s/x-01 %s/-1", r->dir, r->dir, r->dir, r->dir,
            r->dir);
    rig_open_log(r);
    assert_int_equal(td_log_topic(r->log, "half", 4, TD_TOPIC_INPUT, &other), TD_OK);
    assert_int_equal(td_log_topic(r->log, "a-1-b", 5, TD_TOPIC_INPUT, &other), TD_OK);
    assert_int_equal(td_topic_end(other, 0), 0);
}

static void collect_names(void *arg, td_topic *topic) { td_buf_printf(arg, "%s ", td_topic_name(topic)); }

static void another_process_may_read(void **state) {
    rig *r = *state;
    r->conf.segment_bytes = 5000;
    rig_open_log(r);
    rig_append(r, 0, 10, 5);
    long calls = r->machine.calls;
    rig other = *r;
    other.conf.read_only = true;
    other.reports = (td_buf){0};
    assert_int_equal(rig_try_open(&other), TD_OK);
    td_buf names = {0};
    assert_int_equal(td_log_each_topic(other.log, collect_names, &names), TD_OK);
    assert_true(td_bytes_equal(td_buf_bytes(&names), TD_TEXT("_positions.rig bars ")));
    rig_expect(&other, 0, 0, 50);
    assert_int_equal(td_topic_epoch(other.topic, 0), 0);
    assert_int_equal(r->machine.calls, calls); /* it changed nothing */

    td_reader *reader;
    td_record record;
    int64_t next = 0;
    assert_int_equal(td_reader_open(&reader, other.topic, 0, 0, TD_READ_APPENDED), TD_OK);
    for (int round = 0; round < 40; round++) { /* over many rolls */
        while (td_reader_next(reader, &record) == TD_OK) assert_true(rig_is_record(&record, next++));
        assert_int_equal(next, td_topic_end(r->topic, 0));
        rig_append(r, 0, 7, 5);
    }
    /* What it had not read is removed: it goes on where the log begins now. */
    r->conf.retain_bytes = 1;
    rig_close_log(r);
    rig_open_log(r);
    assert_int_equal(td_log_sync(r->log), TD_OK);
    assert_int_equal(td_topic_segments(r->topic, 0), 1);
    assert_int_equal(td_reader_next(reader, &record), TD_OK);
    assert_true(rig_is_record(&record, next)); /* the file that it holds open is still whole */
    td_reader_seek(reader, next - 150);
    assert_int_equal(td_reader_next(reader, &record), TD_OK);
    assert_int_equal(record.offset, td_topic_start(r->topic, 0));
    td_reader_close(reader);
    td_verify found;
    assert_int_equal(rig_verify(&other, 0, &found), TD_OK);
    td_log_close(other.log);
    td_buf_fini(&names);
    td_buf_fini(&other.reports);

    other.conf.dir = "/tmp/tapedeck-there-is-no-such-folder";
    assert_int_equal(rig_try_open(&other), TD_CONFIG);
    td_buf_fini(&other.reports);
}

static rig *writes_meanwhile; /* in the moment in which another process looks into bars-0 */

static td_status list_late(void *self, const char *path, td_list_fn each, void *arg) {
    rig *r = writes_meanwhile;
    (void)self;
    if (r != NULL && strstr(path, "/bars-0") != NULL) {
        writes_meanwhile = NULL;
        assert_int_equal(td_writer_begin(r->writer), TD_OK);
        rig_fill(r, 0, 5);
        assert_int_equal(td_writer_append(r->writer, r->topic, 0, &r->batch), TD_OK);
    }
    return RIG_REAL->list(NULL, path, each, arg);
}

static void another_process_sees_no_open_transaction(void **state) {
    rig *r = *state;
    rig_open_log(r);
    rig other = *r;
    td_os_ops ops = *r->os.ops;
    ops.list = list_late;
    other.os.ops = &ops;
    other.conf.read_only = true;
    other.reports = (td_buf){0};
    assert_int_equal(rig_try_open(&other), TD_OK);
    td_reader *reader;
    td_record record;
    assert_int_equal(td_reader_open(&reader, other.topic, 0, 0, TD_READ_APPENDED), TD_OK);
    writes_meanwhile = r;
    assert_int_equal(td_reader_next(reader, &record), TD_AGAIN);
    assert_null(writes_meanwhile);
    assert_int_equal(td_writer_commit(r->writer, NULL, 0), TD_OK);
    for (int64_t n = 0; n < 5; n++) {
        assert_int_equal(td_reader_next(reader, &record), TD_OK);
        assert_true(rig_is_record(&record, n));
    }
    assert_int_equal(td_reader_next(reader, &record), TD_AGAIN);
    td_reader_close(reader);
    td_log_close(other.log);
    td_buf_fini(&other.reports);
}

/* Oldest greatest timestamp first, over all topics; never an active segment. */
static void retention_removes_the_oldest(void **state) {
    rig *r = *state;
    r->conf.segment_bytes = 5000;
    r->conf.retain_bytes = 40000;
    rig_open_log(r);
    td_topic *old;
    assert_int_equal(td_log_topic(r->log, "a-old", 1, TD_TOPIC_INPUT, &old), TD_OK);
    td_reader *reader;
    td_record record;
    assert_int_equal(td_reader_open(&reader, r->topic, 0, 0, TD_READ_APPENDED), TD_OK);
    rig_append(r, 0, 60, 10); /* timestamps from 1000 */
    assert_int_equal(td_reader_next(reader, &record), TD_OK);
    for (int i = 0; i < 60; i++) { /* timestamps all 1000: older than the second segment of bars-0 */
        rig_fill(r, 0, 1);
        assert_int_equal(td_writer_append(r->writer, old, 0, &r->batch), TD_OK);
    }
    int64_t old_start = td_topic_start(old, 0);
    assert_int_equal(td_log_sync(r->log), TD_OK);
    assert_true(td_topic_bytes(r->topic, 0) + td_topic_bytes(old, 0) <= 40000);
    assert_true(td_topic_start(old, 0) > old_start && td_topic_segments(old, 0) == 1);
    int64_t start = td_topic_start(r->topic, 0);
    assert_true(start > 0);
    rig_expect(r, 0, start, 600);

    while (td_reader_offset(reader) < 10) assert_int_equal(td_reader_next(reader, &record), TD_OK);
    assert_int_equal(td_reader_next(reader, &record), TD_OK); /* the rest of its batch, then the new start */
    assert_int_equal(record.offset, start);
    td_reader_close(reader);
    rig_close_log(r);

    r->conf.retain_bytes = 1;
    rig_open_log(r);
    assert_int_equal(td_topic_start(r->topic, 0), start);
    assert_int_equal(td_log_sync(r->log), TD_OK);
    assert_int_equal(td_topic_segments(r->topic, 0), 1);
    assert_true(td_topic_end(r->topic, 0) > td_topic_start(r->topic, 0));
}

/* Neither counts towards the other's bound, and where room is wanted they go first. */
static void topics_apart_are_kept_by_themselves(void **state) {
    rig *r = *state;
    static const char *const names[] = {"raw", "raw.a", "raw.b", "rawer"};
    enum { TOPICS = 4, BATCHES = 80 };
    td_topic *topics[TOPICS];
    int64_t bytes = 0;
    r->conf.segment_bytes = 2000;
    r->conf.apart = "raw.";
    rig_open_log(r);
    for (size_t t = 0; t < TOPICS; t++) {
        assert_int_equal(td_log_topic(r->log, names[t], 1, TD_TOPIC_INPUT, &topics[t]), TD_OK);
        for (int i = 0; i < BATCHES; i++) {
            rig_fill(r, 0, 1);
            assert_int_equal(td_writer_append(r->writer, topics[t], 0, &r->batch), TD_OK);
        }
        bytes = td_topic_bytes(topics[t], 0); /* of all the same */
    }
    rig_close_log(r);
    r->conf.retain_bytes = 3 * bytes;
    r->conf.apart_bytes = bytes;
    rig_open_log(r);
    for (size_t t = 0; t < TOPICS; t++)
        assert_int_equal(td_log_topic(r->log, names[t], 1, TD_TOPIC_INPUT, &topics[t]), TD_OK);
    assert_int_equal(td_log_sync(r->log), TD_OK);
    int64_t apart = td_topic_bytes(topics[1], 0) + td_topic_bytes(topics[2], 0);
    assert_true(apart <= bytes && apart > bytes - 4000);
    assert_int_equal(td_log_release(r->log, 3000), TD_OK);
    assert_true(td_topic_bytes(topics[1], 0) + td_topic_bytes(topics[2], 0) <= apart - 3000);
    assert_true(td_topic_start(topics[0], 0) == 0 && td_topic_start(topics[3], 0) == 0);
    assert_int_equal(td_log_release(r->log, bytes), TD_OK); /* more than they have to give */
    assert_true(td_topic_segments(topics[1], 0) == 1 && td_topic_segments(topics[2], 0) == 1);
    assert_true(td_topic_start(topics[0], 0) > 0);
}

/* Records n are of 1000 + n ms after 1970: an age is told by what was appended at that time. */
static int64_t age_ms(const rig *r, int64_t timestamp_ms) {
    return r->os.ops->wall_ns(r->os.self) / 1000000 - timestamp_ms;
}

/* Whole segments that ended before the limit, the active one of a quiet partition among them; internal topics stay. */
static void retention_by_time(void **state) {
    rig *r = *state;
    r->conf.segment_bytes = 5000;
    rig_open_log(r);
    td_topic *kept;
    assert_int_equal(td_log_topic(r->log, "_schemas", 1, TD_TOPIC_INPUT, &kept), TD_OK);
    rig_fill(r, 0, 5);
    assert_int_equal(td_writer_append(r->writer, kept, 0, &r->batch), TD_OK);
    rig_append(r, 0, 60, 10); /* to 1599 */
    rig_append(r, 1, 2, 10);  /* to 1019, and quiet since */
    assert_int_equal(td_log_sync(r->log), TD_OK);
    rig_expect(r, 0, 0, 600);
    rig_close_log(r);

    r->conf.retain_ms = age_ms(r, 1300);
    rig_open_log(r);
    assert_int_equal(td_log_topic(r->log, "_schemas", 1, TD_TOPIC_INPUT, &kept), TD_OK);
    assert_int_equal(td_log_sync(r->log), TD_OK);
    int64_t start = td_topic_start(r->topic, 0);
    assert_true(start > 200 && start <= 300);
    rig_expect(r, 0, start, 600);
    rig_expect(r, 1, 20, 20);
    assert_int_equal(td_topic_end(kept, 0), 5);
    assert_int_equal(td_topic_start(kept, 0), 0);
    r->machine.wall_skip_ns = INT64_C(1000000000) * 86400 * 365; /* a clock set wrongly makes nothing older */
    assert_int_equal(td_log_sync(r->log), TD_OK);
    assert_int_equal(td_topic_start(r->topic, 0), start);
    r->machine.wall_skip_ns = 0;
    rig_append(r, 1, 1, 10);
    rig_expect(r, 1, 20, 30);
    rig_close_log(r);

    r->conf.retain_ms = age_ms(r, 1600); /* all of it, but nothing that is not synced */
    rig_open_log(r);
    assert_int_equal(td_log_sync(r->log), TD_OK);
    rig_expect(r, 0, 600, 600);
    rig_close_log(r);
    rig_open_log(r);
    rig_expect(r, 0, 600, 600);
    rig_append(r, 0, 1, 10);
    rig_expect(r, 0, 600, 610);
    td_verify found;
    assert_int_equal(rig_verify(r, 0, &found), TD_OK);
}

/* A segment that began long ago is finished, by its writer's next append or, in a quiet partition, by the sync round.
 */
static void segments_are_rolled_by_age(void **state) {
    rig *r = *state;
    r->conf.segment_ms = 100;
    rig_open_log(r);
    rig_append(r, 0, 60, 10); /* over 600 ms */
    assert_int_equal(td_topic_segments(r->topic, 0), 6);
    assert_int_equal(td_log_sync(r->log), TD_OK);
    assert_int_equal(td_topic_segments(r->topic, 0), 7);
    assert_int_equal(td_log_sync(r->log), TD_OK); /* an empty one gets no older */
    assert_int_equal(td_topic_segments(r->topic, 0), 7);
    rig_expect(r, 0, 0, 600);
}

static void releasing_obeys_keep_all(void **state) {
    rig *r = *state;
    r->conf.segment_bytes = 5000;
    rig_open_log(r);
    rig_append(r, 0, 60, 10);
    assert_int_equal(td_log_sync(r->log), TD_OK);
    assert_int_equal(td_log_release(r->log, 9000), TD_OK);
    assert_int_equal(td_topic_start(r->topic, 0), 0);
    rig_close_log(r);
    r->conf.retain_bytes = 1 << 30;
    rig_open_log(r);
    int64_t bytes = td_topic_bytes(r->topic, 0);
    assert_int_equal(td_log_release(r->log, 9000), TD_OK);
    assert_in_range(bytes - td_topic_bytes(r->topic, 0), 9000, 14000);
    assert_int_equal(td_log_release(r->log, INT64_MAX / 2), TD_OK);
    assert_int_equal(td_topic_segments(r->topic, 0), 1);
}

static void truncation_begins_an_epoch(void **state) {
    rig *r = *state;
    static const struct {
        int64_t offset;
        td_codec codec;
        int64_t segment_bytes;
        bool killed; /* so that the end has an epoch of its own already */
    } rows[] = {
        {100, TD_CODEC_NONE, 1 << 20, true},                                   /* the end: nothing happens */
        {90, TD_CODEC_NONE, 1 << 20, true},                                    /* a batch's begin */
        {93, TD_CODEC_NONE, 1 << 20, true},                                    /* in a batch */
        {93, TD_CODEC_ZSTD, 1 << 20, false}, {3, TD_CODEC_LZ4, 1 << 20, true}, /* in the first batch of a segment */
        {0, TD_CODEC_NONE, 1 << 20, false},  {41, TD_CODEC_NONE, 2500, true},  /* segments before and behind */
        {57, TD_CODEC_ZSTD, 600, false},     {60, TD_CODEC_NONE, 10, true},    /* one batch a segment */
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int64_t offset = rows[i].offset;
        rig_run("rm -rf %s", r->dir);
        r->conf.codec = rows[i].codec;
        r->conf.segment_bytes = rows[i].segment_bytes;
        rig_open_log(r);
        rig_append(r, 0, 10, 10);
        if (rows[i].killed)
            rig_kill(r);
        else
            rig_close_log(r);
        rig_open_log(r);
        int32_t before = td_topic_epoch(r->topic, 0);
        assert_int_equal(before, rows[i].killed ? 1 : 0);
        assert_int_equal(td_log_truncate(r->topic, 0, offset), TD_OK);
        int32_t epoch = td_topic_epoch(r->topic, 0);
        ASSERT_ROW(offset == 100 ? epoch == before : epoch > before, "%zu", i);
        rig_expect(r, 0, 0, offset);
        ASSERT_ROW(td_topic_synced(r->topic, 0) == offset, "%zu", i);
        ASSERT_ROW(td_topic_holds(r->topic, 0, (td_position){0, offset / 2}), "%zu", i);
        ASSERT_ROW(!td_topic_holds(r->topic, 0, (td_position){0, offset + 1}), "%zu", i);
        rig_append(r, 0, 3, 10);
        rig_expect(r, 0, 0, offset + 30);
        ASSERT_ROW(td_topic_holds(r->topic, 0, (td_position){epoch, offset + 5}), "%zu", i);
        ASSERT_ROW(!td_topic_holds(r->topic, 0, (td_position){0, offset + 5}), "%zu", i);
        rig_close_log(r);
        rig_open_log(r);
        rig_expect(r, 0, 0, offset + 30);
        ASSERT_ROW(td_topic_epoch(r->topic, 0) == epoch, "%zu", i);
        td_verify found;
        ASSERT_ROW(rig_verify(r, 0, &found) == TD_OK && found.records == offset + 30, "%zu", i);
        rig_close_log(r);
    }
}

static void positions_beyond_their_epoch_are_void(void **state) {
    rig *r = *state;
    rig_open_log(r);
    rig_append(r, 0, 1, 10);
    rig_kill(r);
    rig_open_log(r);
    rig_append(r, 0, 1, 5);
    static const struct {
        td_position position;
        bool holds;
    } rows[] = {
        {{0, 0}, true},  {{0, 9}, true},  {{0, 10}, true},  {{0, 11}, false}, {{1, 9}, false},
        {{1, 10}, true}, {{1, 15}, true}, {{1, 16}, false}, {{2, 15}, false}, {{-1, 0}, false},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        ASSERT_ROW(td_topic_holds(r->topic, 0, rows[i].position) == rows[i].holds, "%zu", i);
    }
}

static void blocks_are_found_backwards(void **state) {
    rig *r = *state;
    r->conf.segment_bytes = 30000;
    rig_open_log(r);
    rig_append(r, 0, 300, 4);
    int64_t batch_bytes = td_topic_bytes(r->topic, 0) / 300;
    for (int64_t block = 1; block < 100000; block = block * 3 + 1) {
        int64_t from = td_topic_end(r->topic, 0);
        int steps = 0;
        while (from > 0) {
            int64_t before = td_topic_block_before(r->topic, 0, from, block);
            assert_true(before < from);
            assert_int_equal(before % 4, 0);       /* a batch's begin */
            int64_t batches = (from - before) / 4; /* all of one size */
            ASSERT_ROW(before == 0 || batches * batch_bytes >= block, "%" PRId64 " at %" PRId64, block, from);
            ASSERT_ROW((batches - 1) * batch_bytes < block, "%" PRId64 " at %" PRId64, block, from);
            from = before;
            steps++;
        }
        assert_true(block > 1000 || steps > 50);
    }
    assert_int_equal(td_topic_block_before(r->topic, 0, 1, 1), 0);
    assert_int_equal(td_topic_block_before(r->topic, 0, 999999, 1), 1196);
    assert_int_equal(td_topic_block_before(r->topic, 1, 0, 1), 0);
}

typedef struct contest {
    rig *r;
    atomic_bool done;
    atomic_long reads;
} contest;

static void *race_reader(void *arg) {
    contest *race = arg;
    td_reader *reader;
    td_record record;
    int64_t last = -1;
    if (td_reader_open(&reader, race->r->topic, 0, 0, TD_READ_APPENDED) != TD_OK) abort();
    for (;;) {
        bool done = race->done; /* read before the log's end is looked at: then the end is the end */
        td_status status = td_reader_next(reader, &record);
        if (status == TD_AGAIN && done) break;
        if (status == TD_AGAIN) continue;
        if (status != TD_OK || record.offset <= last || !rig_is_record(&record, record.offset)) {
            (void)fprintf(stderr, "after %" PRId64 ": %s\n", last, td_trail());
            abort();
        }
        last = record.offset;
        race->reads++;
        if (last % 1000 == 999) (void)td_topic_block_before(race->r->topic, 0, last, 2000);
    }
    if (last != td_topic_end(race->r->topic, 0) - 1) abort();
    td_reader_close(reader);
    return NULL;
}

static void *race_sync(void *arg) {
    contest *race = arg;
    while (!race->done) {
        if (td_log_sync(race->r->log) != TD_OK) abort();
        int64_t start = td_topic_start(race->r->topic, 0), synced = td_topic_synced(race->r->topic, 0);
        if (start > synced || synced > td_topic_end(race->r->topic, 0)) abort();
    }
    return NULL;
}

static void readers_rolls_and_retention_do_not_race(void **state) {
    rig *r = *state;
    r->conf.segment_bytes = 4000;
    r->conf.retain_bytes = 30000;
    rig_open_log(r);
    contest race = {.r = r};
    pthread_t threads[3];
    assert_int_equal(pthread_create(&threads[0], NULL, race_sync, &race), 0);
    for (int i = 1; i < 3; i++) assert_int_equal(pthread_create(&threads[i], NULL, race_reader, &race), 0);
    for (int i = 0; i < 3000; i++) rig_append(r, 0, 1, 1 + i % 7);
    race.done = true;
    for (int i = 0; i < 3; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_true(race.reads > 0);
    assert_int_equal(td_log_sync(r->log), TD_OK);
    assert_true(td_topic_start(r->topic, 0) > 0);
    td_verify found;
    assert_int_equal(rig_verify(r, 0, &found), TD_OK);
}

#define LOG_TEST(f) cmocka_unit_test_setup_teardown(f, rig_new, rig_free)

/* Batches of 7 records, 1 ms apart from 1000 on, then a jump, in segments and codecs of any kind, live and read-only.
 */
static void the_offset_of_a_moment(void **state) {
    rig *r = *state;
    static const td_codec codecs[] = {TD_CODEC_NONE, TD_CODEC_LZ4, TD_CODEC_ZSTD};
    for (size_t c = 0; c < COUNT_OF(codecs); c++) {
        for (int form = 0; form < 3; form++) { /* appended just now; read by another process; without its time index */
            rig_run("rm -rf %s", r->dir);
            r->conf.read_only = false;
            r->conf.codec = codecs[c];
            r->conf.segment_bytes = 30000;
            rig_open_log(r);
            rig_append(r, 0, 300, 7);
            assert_int_equal(td_log_sync(r->log), TD_OK);
            if (form > 0) {
                rig_close_log(r);
                r->conf.read_only = true;
                if (form == 2) rig_run("rm %s/bars-0/*.timeindex", r->dir);
                rig_open_log(r);
            }
            for (int64_t ms = 900; ms <= 3200; ms += 3) {
                int64_t offset, wanted = ms < 1000 ? 0 : ms - 1000 > 2100 ? 2100 : ms - 1000;
                assert_int_equal(td_topic_at_time(r->topic, 0, ms, &offset), TD_OK);
                ASSERT_ROW(offset == wanted, "%zu/%d/%" PRId64 ": %" PRId64, c, form, ms, offset);
            }
            int64_t offset;
            assert_int_equal(td_topic_at_time(r->topic, 1, 1000, &offset), TD_OK); /* empty */
            assert_int_equal(offset, 0);
            rig_close_log(r);
        }
    }
}

/* A clock that goes back, also while the process was down: append times stand still until it has caught up. */
static void append_times_never_go_back(void **state) {
    rig *r = *state;
    static const int64_t clock_ms[] = {5000, 6000, 2000, 2500, 7000, 1000, -5, 7001, 7500};
    static const int64_t wanted_ms[] = {5000, 6000, 6000, 6000, 7000, 7000, 7000, 7001, 7500};
    r->conf.segment_bytes = 200;
    for (size_t i = 0; i < COUNT_OF(clock_ms); i++) {
        rig_open_log(r);
        td_batch_reset(&r->batch);
        (void)td_batch_add(&r->batch, clock_ms[i] - 1, TD_TEXT("k"), TD_TEXT("a"), (td_bytes){0}, (td_bytes){0});
        (void)td_batch_add(&r->batch, clock_ms[i], TD_TEXT("k"), TD_TEXT("b"), (td_bytes){0}, (td_bytes){0});
        assert_int_equal(td_writer_append(r->writer, r->topic, 0, &r->batch), TD_OK);
        if (i % 3 == 2) rig_close_log(r);
        if (i % 3 != 2) rig_kill(r);
    }
    rig_open_log(r);
    td_reader *reader;
    td_record record;
    assert_int_equal(td_reader_open(&reader, r->topic, 0, 0, TD_READ_APPENDED), TD_OK);
    for (size_t i = 0; i < 2 * COUNT_OF(clock_ms); i++) {
        assert_int_equal(td_reader_next(reader, &record), TD_OK);
        ASSERT_ROW(record.timestamp_ms == wanted_ms[i / 2] - (i % 2 == 0), "%zu: %" PRId64, i, record.timestamp_ms);
    }
    td_reader_close(reader);
    td_verify found;
    assert_int_equal(rig_verify(r, 0, &found), TD_OK);
    int64_t offset;
    assert_int_equal(td_topic_at_time(r->topic, 0, 6500, &offset), TD_OK);
    assert_int_equal(offset, 8);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        LOG_TEST(appended_is_read_across_rolls_and_restarts),
        LOG_TEST(a_reader_follows_the_writer),
        LOG_TEST(batches_of_any_size),
        LOG_TEST(one_folder_has_one_writer),
        LOG_TEST(partition_counts_are_for_life),
        LOG_TEST(another_process_may_read),
        LOG_TEST(another_process_sees_no_open_transaction),
        LOG_TEST(retention_removes_the_oldest),
        LOG_TEST(topics_apart_are_kept_by_themselves),
        LOG_TEST(retention_by_time),
        LOG_TEST(segments_are_rolled_by_age),
        LOG_TEST(releasing_obeys_keep_all),
        LOG_TEST(truncation_begins_an_epoch),
        LOG_TEST(positions_beyond_their_epoch_are_void),
        LOG_TEST(blocks_are_found_backwards),
        LOG_TEST(readers_rolls_and_retention_do_not_race),
        LOG_TEST(the_offset_of_a_moment),
        LOG_TEST(append_times_never_go_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
