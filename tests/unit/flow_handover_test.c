/* tests/unit/flow_handover_test.c - goal: of the snapshots in a topic the whole ones are found, the newest first, and
 * read as they were written, however many were before, with and without what compaction takes. */
#include "log_rig.h"
/* after the rig's own */
#include "flow/handover.h"

enum { PIECE = TD_HANDOVER_PIECE_BYTES };

typedef struct bench {
    rig *rig;
    td_topic *topic, *compacted;
    td_buf file;
} bench;

static void bench_open(bench *b, rig *r) {
    *b = (bench){.rig = r};
    rig_open_log(r);
    assert_int_equal(td_log_topic(r->log, "snapshots", 2, TD_TOPIC_OUTPUT, &b->topic), TD_OK);
    assert_int_equal(td_log_topic(r->log, "compacted", 2, TD_TOPIC_OUTPUT, &b->compacted), TD_OK);
}

static td_bytes file_of(bench *b, uint64_t seed, size_t bytes) {
    b->file.size = 0;
    while (b->file.size < bytes) {
        uint64_t word = unit_random(&seed);
        td_buf_put(&b->file, &word, bytes - b->file.size < sizeof word ? bytes - b->file.size : sizeof word);
    }
    return td_buf_bytes(&b->file);
}

static void write_file(bench *b, uint32_t slot, uint64_t seed, size_t bytes) {
    assert_int_equal(td_handover_write(b->topic, 1, slot, 1000, file_of(b, seed, bytes)), TD_OK);
    assert_int_equal(td_log_sync(b->rig->log), TD_OK);
}

static void put(bench *b, td_topic *topic, td_bytes key, td_bytes value) {
    td_batch batch;
    td_batch_init(&batch, 4096);
    assert_true(td_batch_add(&batch, 1000, key, value, (td_bytes){0}, (td_bytes){0}));
    assert_int_equal(td_writer_append(b->rig->writer, topic, 1, &batch), TD_OK);
    assert_int_equal(td_log_sync(b->rig->log), TD_OK);
    td_batch_fini(&batch);
}

static bool is_last_of_its_key(const bench *b, td_bytes key, int64_t offset) {
    td_reader *reader;
    td_record record;
    bool last = true;
    assert_int_equal(td_reader_open(&reader, b->topic, 1, offset + 1, TD_READ_APPENDED), TD_OK);
    while (td_reader_next(reader, &record) == TD_OK) last &= !td_bytes_equal(record.key, key);
    td_reader_close(reader);
    return last;
}

/* Into the other topic. */
static void compact(bench *b) {
    td_reader *reader;
    td_record record;
    assert_int_equal(td_reader_open(&reader, b->topic, 1, 0, TD_READ_APPENDED), TD_OK);
    while (td_reader_next(reader, &record) == TD_OK)
        if (is_last_of_its_key(b, record.key, record.offset)) put(b, b->compacted, record.key, record.value);
    td_reader_close(reader);
}

typedef struct wanted {
    uint32_t slot;
    uint64_t seed;
    size_t bytes;
} wanted;

static void expect(bench *b, td_topic *topic, const wanted *of, size_t count) {
    td_handover found[TD_HANDOVER_SLOTS];
    td_buf read = {0};
    size_t found_count;
    assert_int_equal(td_handover_find(topic, 1, found, &found_count), TD_OK);
    assert_int_equal(found_count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(found[i].slot, of[i].slot);
        assert_int_equal(td_handover_read(topic, 1, &found[i], &read), TD_OK);
        assert_true(td_bytes_equal(td_buf_bytes(&read), file_of(b, of[i].seed, of[i].bytes)));
    }
    td_buf_fini(&read);
}

static void the_last_two_are_found(void **state) {
    bench b;
    bench_open(&b, *state);
    expect(&b, b.topic, NULL, 0);
    write_file(&b, 0, 1, 3 * PIECE + 7);
    expect(&b, b.topic, &(wanted){0, 1, 3 * PIECE + 7}, 1);
    assert_int_equal(td_topic_end(b.topic, 1), 4 + 1);
    write_file(&b, 1, 2, PIECE);
    expect(&b, b.topic, (const wanted[]){{1, 2, PIECE}, {0, 1, 3 * PIECE + 7}}, 2);
    write_file(&b, 0, 3, PIECE - 1); /* two pieces of the first one in this slot stay behind it */
    expect(&b, b.topic, (const wanted[]){{0, 3, PIECE - 1}, {1, 2, PIECE}}, 2);
    compact(&b);
    expect(&b, b.compacted, (const wanted[]){{0, 3, PIECE - 1}, {1, 2, PIECE}}, 2);
    write_file(&b, 0, 4, 2 * PIECE); /* the same slot again, as whoever does not know of the one before may */
    expect(&b, b.topic, (const wanted[]){{0, 4, 2 * PIECE}, {1, 2, PIECE}}, 2);
    td_buf_fini(&b.file);
}

static void what_is_not_whole_is_not_found(void **state) {
    bench b;
    bench_open(&b, *state);
    write_file(&b, 0, 1, 100);
    static const struct {
        const char *key, *value;
    } others[] = {{"2", "100"}, {"2/0", "x"}, {"0/", "x"},    {"0/x", "x"},
                  {"", "x"},    {"/0", "x"},  {"0/0/0", "x"}, {"0x", "7"}};
    for (size_t i = 0; i < COUNT_OF(others); i++) put(&b, b.topic, td_text(others[i].key), td_text(others[i].value));
    expect(&b, b.topic, &(wanted){0, 1, 100}, 1);
    put(&b, b.topic, TD_TEXT("1/0"), TD_TEXT("abc"));
    put(&b, b.topic, TD_TEXT("1/2"), TD_TEXT("def")); /* a piece is missing before it */
    put(&b, b.topic, TD_TEXT("1"), TD_TEXT("6"));
    expect(&b, b.topic, &(wanted){0, 1, 100}, 1);
    put(&b, b.topic, TD_TEXT("0/0"), TD_TEXT("abc")); /* the slot is being written, and no more came */
    expect(&b, b.topic, NULL, 0);
    put(&b, b.topic, TD_TEXT("0"), TD_TEXT("many"));
    expect(&b, b.topic, NULL, 0);
    td_buf_fini(&b.file);
}

static void what_went_since_it_was_found_is_told(void **state) {
    bench b;
    td_handover gone = {0, 0, 100}, begun_late = {0, 1, 7};
    td_buf read = {0};
    bench_open(&b, *state);
    write_file(&b, 0, 1, PIECE + 7);
    gone.bytes += 2 * PIECE;
    assert_int_equal(td_handover_read(b.topic, 1, &begun_late, &read), TD_AGAIN);
    assert_int_equal(td_handover_read(b.topic, 1, &gone, &read), TD_AGAIN);
    assert_int_equal(td_handover_read(b.topic, 0, &gone, &read), TD_AGAIN); /* another partition */
    td_buf_fini(&read);
    td_buf_fini(&b.file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_last_two_are_found, rig_new, rig_free),
        cmocka_unit_test_setup_teardown(what_is_not_whole_is_not_found, rig_new, rig_free),
        cmocka_unit_test_setup_teardown(what_went_since_it_was_found_is_told, rig_new, rig_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
