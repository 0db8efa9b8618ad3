/* tests/unit/log_repair_test.c - goal: a repair takes out what is damaged and nothing else, keeps it beside the
 * segment, and leaves a log that is read, verified and appended to as any other, whenever it is interrupted. */
#include "log_rig.h"
/* after the rig's own */
#include "log/repair.h"

enum { BATCHES = 40, BATCH = 10, RECORDS = BATCHES * BATCH };

static td_repair repair(rig *r, const td_repair_conf *wanted, td_status expected) {
    td_repair_conf conf = *wanted;
    td_repair found;
    conf.dir = r->dir;
    conf.report = rig_report;
    conf.arg = r;
    r->reports.size = 0;
    td_status status = td_log_repair(&r->os, &conf, &found);
    if (status != expected) print_error("%s\n", td_trail());
    assert_int_equal(status, expected);
    return found;
}

static void path_of(const rig *r, int64_t base, const char *suffix, char out[200]) {
    (void)snprintf(out, 200, "%s/bars-0/%020" PRId64 "%s", r->dir, base, suffix);
}

/* 40 batches of 10 records in segments of `per_segment`; the log is closed. */
static void make_log(rig *r, int per_segment) {
    rig_run("rm -rf %s", r->dir);
    r->machine = (rig_machine){0};
    r->conf.segment_bytes = 1 << 20;
    rig_open_log(r);
    rig_append(r, 0, 1, BATCH);
    r->conf.segment_bytes = td_topic_bytes(r->topic, 0) * per_segment;
    rig_close_log(r);
    rig_run("rm -rf %s", r->dir);
    rig_open_log(r);
    rig_append(r, 0, BATCHES, BATCH);
    rig_close_log(r);
}

/* Every record outside [lost, lost_end) is there, and nothing is wrong with the log. */
static void expect_all_but(rig *r, int64_t lost, int64_t lost_end, int64_t end) {
    rig_open_log(r);
    td_reader *reader;
    td_record record;
    assert_int_equal(td_reader_open(&reader, r->topic, 0, 0, TD_READ_APPENDED), TD_OK);
    int64_t next = 0;
    for (td_status status; (status = td_reader_next(reader, &record)) == TD_OK; next++) {
        if (next == lost) next = lost_end;
        assert_true(rig_is_record(&record, next));
    }
    assert_int_equal(next == lost ? lost_end : next, end);
    td_reader_seek(reader, lost); /* into the hole: what follows it */
    if (lost_end < end) {
        assert_int_equal(td_reader_next(reader, &record), TD_OK);
        assert_int_equal(record.offset, lost_end);
    }
    td_reader_close(reader);
    td_verify found;
    assert_int_equal(rig_verify(r, 0, &found), TD_OK);
    assert_int_equal(found.records, end - (lost_end - lost));
    assert_int_equal(found.lost, lost_end < end ? lost_end - lost : 0);
    rig_append(r, 0, 3, BATCH);
    assert_int_equal(td_topic_end(r->topic, 0), end + 3 * BATCH);
    assert_int_equal(rig_verify(r, 0, &found), TD_OK);
    rig_close_log(r);
}

typedef struct row {
    td_codec codec;
    int per_segment, batch; /* the damaged one */
    int64_t lost, lost_end, end;
} row;

static const row rows[] = {
    {TD_CODEC_NONE, 100, 0, 0, 10, RECORDS},     /* the first of all               */
    {TD_CODEC_NONE, 100, 17, 170, 180, RECORDS}, /* in the middle                  */
    {TD_CODEC_LZ4, 100, 17, 170, 180, RECORDS},  /*                                */
    {TD_CODEC_ZSTD, 100, 17, 170, 180, RECORDS}, /*                                */
    {TD_CODEC_NONE, 100, 39, 390, 390, 390},     /* the last: nothing is behind it */
    {TD_CODEC_NONE, 10, 10, 100, 110, RECORDS},  /* the first of a segment         */
    {TD_CODEC_NONE, 10, 19, 190, 200, RECORDS},  /* the last of a finished one     */
    {TD_CODEC_NONE, 1, 20, 200, 210, RECORDS},   /* all of a segment               */
};

/* Flips a byte of the batch's records, gives the bytes as they are then, and returns where they begin. */
static size_t damage(const row *w, rig *r, td_buf *out_bytes) {
    char path[200];
    int64_t base = w->batch / w->per_segment * w->per_segment * BATCH;
    path_of(r, base, ".log", path);
    td_buf file = {0};
    assert_int_equal(td_os_read_file(&r->os, path, 1 << 24, &file), TD_OK);
    size_t at = 0, size = 0;
    for (int b = 0; b <= w->batch % w->per_segment; b++) {
        at += size;
        size = td_get_be32(file.data + at + 8) + 12;
    }
    rig_flip(path, (int64_t)(at + size - 5));
    file.data[at + size - 5] ^= 0x10;
    out_bytes->size = 0;
    td_buf_put(out_bytes, file.data + at, size);
    td_buf_fini(&file);
    return at;
}

/* What takes the place of a batch bears the time of the one before it, from another segment or not. */
static void expect_hole(rig *r, const row *w, size_t at) {
    char path[200];
    td_buf file = {0};
    path_of(r, w->batch / w->per_segment * w->per_segment * BATCH, ".log", path);
    assert_int_equal(td_os_read_file(&r->os, path, 1 << 24, &file), TD_OK);
    assert_int_equal(td_get_be64(file.data + at + 35), w->lost == 0 ? -1 : 1000 + w->lost - 1);
    td_buf_fini(&file);
}

static void damage_is_taken_out_and_kept(void **state) {
    rig *r = *state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const row *w = &rows[i];
        td_buf bytes = {0}, kept = {0};
        char path[200];
        r->conf.codec = w->codec;
        make_log(r, w->per_segment);
        size_t at = damage(w, r, &bytes);
        td_repair found = repair(r, &(td_repair_conf){.dry_run = true}, TD_OK);
        ASSERT_ROW(found.damaged > 0 && rig_reported(r, "would be moved"), "%zu", i);
        found = repair(r, &(td_repair_conf){.partition = "bars-0"}, TD_OK);
        ASSERT_ROW(found.removed_bytes == (int64_t)bytes.size && found.lost == BATCH, "%zu: %" PRId64, i, found.lost);
        ASSERT_ROW(found.records == RECORDS - BATCH, "%zu: %" PRId64, i, found.records);
        if (w->lost_end > w->lost) expect_hole(r, w, at);
        path_of(r, w->lost, ".damaged", path);
        assert_int_equal(td_os_read_file(&r->os, path, 1 << 24, &kept), TD_OK);
        ASSERT_ROW(td_bytes_equal(td_buf_bytes(&kept), td_buf_bytes(&bytes)), "%zu", i);
        found = repair(r, &(td_repair_conf){0}, TD_OK);
        ASSERT_ROW(found.damaged == 0, "%zu", i);
        expect_all_but(r, w->lost, w->lost_end, w->end);
        td_buf_fini(&bytes);
        td_buf_fini(&kept);
    }
}

static void discarded_or_only_looked_at(void **state) {
    rig *r = *state;
    char path[200], kept[200];
    td_buf bytes = {0}, before = {0}, after = {0};
    make_log(r, 100);
    (void)damage(&rows[1], r, &bytes);
    path_of(r, 0, ".log", path);
    path_of(r, 170, ".damaged", kept);
    assert_int_equal(td_os_read_file(&r->os, path, 1 << 24, &before), TD_OK);
    (void)repair(r, &(td_repair_conf){.dry_run = true}, TD_OK);
    assert_int_equal(td_os_read_file(&r->os, path, 1 << 24, &after), TD_OK);
    assert_true(td_bytes_equal(td_buf_bytes(&before), td_buf_bytes(&after)));
    assert_int_not_equal(access(kept, F_OK), 0);
    (void)repair(r, &(td_repair_conf){.discard = true}, TD_OK);
    assert_int_not_equal(access(kept, F_OK), 0);
    expect_all_but(r, 170, 180, RECORDS);
    td_buf_fini(&bytes);
    td_buf_fini(&before);
    td_buf_fini(&after);
}

/* A file that lost its end, and one that is gone: what is known to be lost is said, and verify is content again. */
static void missing_bytes(void **state) {
    rig *r = *state;
    char path[200];
    td_verify found;
    make_log(r, 10);
    path_of(r, 300, ".log", path);
    rig_run("truncate -s 100 %s", path);
    r->conf.read_only = true;
    rig_open_log(r);
    assert_int_equal(rig_verify(r, 0, &found), TD_CORRUPT);
    rig_close_log(r);
    r->conf.read_only = false;
    assert_int_equal(repair(r, &(td_repair_conf){0}, TD_OK).lost, 100);
    assert_true(rig_reported(r, "offsets 300 to 399 were synced and are lost"));
    expect_all_but(r, 300, 300, 300);

    make_log(r, 10);
    path_of(r, 200, ".log", path);
    assert_int_equal(remove(path), 0);
    assert_int_equal(repair(r, &(td_repair_conf){0}, TD_OK).lost, 100);
    expect_all_but(r, 200, 300, RECORDS);
}

static void who_may_not(void **state) {
    rig *r = *state;
    make_log(r, 100);
    rig_open_log(r);
    (void)repair(r, &(td_repair_conf){0}, TD_CONFIG);
    assert_non_null(strstr(td_trail(), "another process writes"));
    rig_close_log(r);
    (void)repair(r, &(td_repair_conf){.partition = "bars-9"}, TD_CONFIG);
    assert_non_null(strstr(td_trail(), "log ls"));
}

/* The machine dies at each call of a repair; the next one ends it, and nothing more is lost. */
static void interrupted_anywhere(void **state) {
    rig *r = *state;
    td_buf bytes = {0};
    long calls = 0;
    for (long at = 1; at <= calls + 1; at++) {
        make_log(r, 10);
        (void)damage(&(row){TD_CODEC_NONE, 10, 17, 170, 180, RECORDS}, r, &bytes);
        r->machine = (rig_machine){.dies_at = at};
        td_repair found;
        td_status status = td_log_repair(&r->os, &(td_repair_conf){.dir = r->dir}, &found);
        if (status == TD_OK) break;
        calls = at;
        r->machine = (rig_machine){0};
        (void)repair(r, &(td_repair_conf){0}, TD_OK);
        expect_all_but(r, 170, 180, RECORDS);
    }
    assert_true(calls > 10);
    td_buf_fini(&bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(damage_is_taken_out_and_kept, rig_new, rig_free),
        cmocka_unit_test_setup_teardown(discarded_or_only_looked_at, rig_new, rig_free),
        cmocka_unit_test_setup_teardown(missing_bytes, rig_new, rig_free),
        cmocka_unit_test_setup_teardown(who_may_not, rig_new, rig_free),
        cmocka_unit_test_setup_teardown(interrupted_anywhere, rig_new, rig_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
