/* tests/fuzz/fuzz_segment.c - any bytes as a partition's files: whatever they are, opening repairs to a log that is
 * read to its end or to one corrupt batch, verifies, takes an append, and is the same once more when it is opened
 * again.
 *
 * Input: a byte of choices, two sizes, then the index, the time index and the segment. With SEAL chosen, lengths and
 * CRCs of the segment's batches are made right first: else hardly any would pass, and no record would be looked at. */
#include "../sim/os_sim.h"
#include "base/hash.h"
#include "log/log_segment.h"
#include <assert.h>
#include <stdlib.h>

enum { SEAL = 1, UNCLEAN = 2, RECORDS_MAX = 1 << 16, HEAD_BYTES = TD_BATCH_HEADER_BYTES };
#define SEGMENT "data/t-0/00000000000000000000"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct seen { /* of all records, in order */
    int64_t start, end, count;
    uint64_t digest;
    td_status status; /* TD_AGAIN: read to the end */
} seen;

static void no_report(void *arg, const char *line) {
    (void)arg;
    (void)line;
}

/* Each batch gets a length that stays inside the bytes, the magic of its format and its CRC. */
static void seal(uint8_t *bytes, size_t size) {
    for (size_t at = 0; size - at >= HEAD_BYTES;) {
        uint8_t *batch = bytes + at;
        size_t length = 12 + (size_t)td_get_be16(batch + 10);
        if (length < HEAD_BYTES) length = HEAD_BYTES;
        if (length > size - at) length = size - at;
        td_put_be32(batch + 8, (uint32_t)length - 12);
        batch[16] = 2;
        td_put_be32(batch + 17, td_crc32c(0, batch + 21, length - 21));
        at += length;
    }
}

static seen read_all(td_topic *topic) {
    seen all = {.start = td_topic_start(topic, 0), .end = td_topic_end(topic, 0)};
    td_reader *reader;
    td_status status = td_reader_open(&reader, topic, 0, 0, TD_READ_APPENDED);
    assert(status == TD_OK);
    td_record record = {0};
    while (all.count < RECORDS_MAX && (all.status = td_reader_next(reader, &record)) == TD_OK) {
        assert(record.offset >= all.start && record.offset < all.end);
        (void)td_record_header(&record, TD_TEXT("cause"));
        all.digest = all.digest * 31 + td_hash_bytes(record.key) + 7 * td_hash_bytes(record.value);
        all.count++;
    }
    td_reader_close(reader);
    return all;
}

/* One life of a writer; what it found before it appended. */
static bool live(const td_os *os, bool append, seen *out) {
    td_log_conf conf = {.dir = "data"};
    td_log *log;
    td_topic *topic;
    td_writer *writer = NULL;
    if (td_log_segment_open(&log, os, &conf, no_report, NULL) != TD_OK) return false;
    bool opened =
        td_log_topic(log, "t", 1, TD_TOPIC_INPUT, &topic) == TD_OK && td_writer_open(&writer, log, "fuzz") == TD_OK;
    if (opened) {
        *out = read_all(topic);
        td_verify found;
        td_verify_conf verify = {.report = no_report};
        td_status status = td_topic_verify(topic, 0, &verify, &found);
        assert(status == TD_OK || status == TD_CORRUPT);
        td_batch batch;
        td_batch_init(&batch, 256);
        (void)td_batch_add(&batch, 1, TD_TEXT("k"), TD_TEXT("v"), TD_TEXT(""), TD_TEXT(""));
        if (append && td_writer_append(writer, topic, 0, &batch) == TD_OK)
            assert(td_topic_end(topic, 0) == out->end + 1);
        td_batch_fini(&batch);
        (void)td_log_sync(log);
    }
    td_writer_close(writer);
    td_log_close(log);
    return opened;
}

static void put_part(td_sim *sim, const char *path, const uint8_t **at, size_t size) {
    td_sim_put_file(sim, path, (td_bytes){*at, size});
    *at += size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 3) return 0;
    uint8_t choice = data[0];
    size_t rest = size - 3, index_bytes = data[1] * (size_t)8, time_bytes = data[2] * (size_t)12;
    if (index_bytes + time_bytes > rest) index_bytes = time_bytes = 0;
    uint8_t *copy = td_alloc(rest + 1);
    memcpy(copy, data + 3, rest);
    size_t segment_bytes = rest - index_bytes - time_bytes;
    if (choice & SEAL) seal(copy + index_bytes + time_bytes, segment_bytes);

    td_sim *sim = td_sim_new(1);
    td_os os = td_sim_os(sim);
    const uint8_t *at = copy;
    put_part(sim, SEGMENT ".index", &at, index_bytes);
    put_part(sim, SEGMENT ".timeindex", &at, time_bytes);
    put_part(sim, SEGMENT ".log", &at, segment_bytes);
    if (!(choice & UNCLEAN)) td_sim_put_file(sim, "data/CLEAN", TD_TEXT("closed\n"));
    seen first = {0}, second = {0};
    if (live(&os, true, &first)) {
        bool again = live(&os, false, &second);
        assert(again && second.start == first.start && second.count >= first.count);
        assert(first.status != TD_AGAIN || first.count == RECORDS_MAX || second.count == first.count + 1 ||
               second.end == first.end);
    }
    assert(td_sim_open_handles(sim) == 0);
    td_sim_free(sim);
    free(copy);
    return 0;
}
