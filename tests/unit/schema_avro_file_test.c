/* tests/unit/schema_avro_file_test.c - goal: what a writer of container files is given its reader gives again, in
 * blocks as large as was said, the same bytes for the same records; of a file that is cut or damaged all before is
 * given, and then where it is; and sizes that nobody has cost nothing. (Files of others: schema_avro_vectors_test.c.)
 */
#include "schema/avro.h"
#include "schema/avro_file.h"
#include "unit.h"
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#define SCHEMA "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"n\",\"type\":\"long\"}]}"
enum { RECORDS = 300, BLOCK = 64, MARKER = 16 };

typedef struct source {
    td_bytes bytes;
    size_t asked; /* the most of one call */
    uint64_t read;
    int fails; /* so many calls from now on the machine fails */
} source;

static td_status read_some(void *arg, uint64_t at, void *out, size_t size, size_t *out_size) {
    source *s = arg;
    if (s->fails > 0 && --s->fails == 0) return TD_FAIL(TD_RETRY, "no read, on command");
    size_t left = at < s->bytes.size ? s->bytes.size - (size_t)at : 0;
    if (size > s->asked) s->asked = size;
    *out_size = size < left ? size : left;
    s->read += *out_size;
    if (*out_size > 0) memcpy(out, s->bytes.data + at, *out_size);
    return TD_OK;
}

static void put_records(td_avro_writer *w, int64_t records) {
    uint8_t record[TD_AVRO_LONG_MAX];
    for (int64_t i = 0; i < records; i++) {
        size_t size = (size_t)(td_avro_put_long(record, i) - record);
        assert_int_equal(td_avro_writer_put(w, (td_bytes){record, size}), TD_OK);
    }
}

/* Another file was begun before, of which nothing is left. */
static td_buf write_file(td_avro_codec codec, int64_t records) {
    td_avro_writer *w = td_avro_writer_new(TD_TEXT(SCHEMA), codec, BLOCK);
    put_records(w, BLOCK + 5);
    td_avro_writer_begin(w);
    put_records(w, records);
    assert_int_equal(td_avro_writer_end(w), TD_OK);
    td_buf out = *td_avro_writer_out(w);
    *td_avro_writer_out(w) = (td_buf){0};
    td_avro_writer_free(w);
    return out;
}

/* Checks that the records are 0, 1, …; returns how many. */
static int64_t check_block(const td_avro_block *block, int64_t next) {
    td_avro_reader r = {block->bytes.data, td_bytes_end(block->bytes)};
    for (uint64_t i = 0; i < block->count; i++) {
        int64_t got = -1;
        assert_true(td_avro_get_long(&r, &got));
        assert_int_equal(got, next + (int64_t)i);
    }
    assert_ptr_equal(r.at, r.end);
    return (int64_t)block->count;
}

/* Reads to the end or to the damage, whose trail is then in `said`. */
static int64_t read_file(source *s, size_t *out_blocks, char said[200]) {
    td_avro_file *file;
    td_avro_block block;
    int64_t count = 0;
    said[0] = '\0';
    *out_blocks = 0;
    td_status status = td_avro_file_open(&file, read_some, s);
    if (status == TD_OK) {
        while ((status = td_avro_file_next(file, &block)) == TD_OK && block.count > 0) {
            count += check_block(&block, count);
            ++*out_blocks;
        }
        if (status != TD_OK) assert_int_equal(td_avro_file_next(file, &block), status); /* and stays so */
        td_avro_file_close(file);
    }
    if (status != TD_OK) (void)snprintf(said, 200, "%s", td_trail());
    assert_true(status == TD_OK || status == TD_REJECT);
    return count;
}

static void the_same_again(void **state) {
    (void)state;
    for (int codec = TD_AVRO_CODEC_NULL; codec < TD_AVRO_CODEC_SNAPPY; codec++) {
        char said[200];
        size_t blocks;
        td_buf file = write_file((td_avro_codec)codec, RECORDS), again = write_file((td_avro_codec)codec, RECORDS);
        assert_true(td_bytes_equal(td_buf_bytes(&file), td_buf_bytes(&again)));
        source s = {.bytes = td_buf_bytes(&file)};
        assert_int_equal(read_file(&s, &blocks, said), RECORDS);
        assert_string_equal(said, "");
        assert_int_equal(blocks, 9); /* 64 of one byte, then 236 of two */
        td_buf other = write_file((td_avro_codec)codec, 1);
        assert_memory_not_equal(other.data + other.size - MARKER, file.data + file.size - MARKER, MARKER);
        td_buf_fini(&other);
        td_buf_fini(&again);
        td_buf_fini(&file);
    }
    td_buf none = write_file(TD_AVRO_CODEC_ZSTANDARD, 0);
    source s = {.bytes = td_buf_bytes(&none)};
    char said[200];
    size_t blocks;
    assert_int_equal(read_file(&s, &blocks, said), 0);
    assert_string_equal(said, "");
    td_buf_fini(&none);
}

/* Wherever it is cut: whole blocks before it, then that, unless it is cut between two. */
static void cut_anywhere(void **state) {
    (void)state;
    td_buf file = write_file(TD_AVRO_CODEC_ZSTANDARD, RECORDS);
    int64_t last = 0;
    size_t ends = 0;
    for (size_t size = 0; size < file.size; size++) {
        char said[200];
        size_t blocks;
        source s = {.bytes = {file.data, size}};
        int64_t count = read_file(&s, &blocks, said);
        ASSERT_ROW(count >= last && count < RECORDS, "%zu", size);
        ends += said[0] == '\0';
        if (said[0] != '\0' && count > 0)
            ASSERT_ROW(strncmp(said, "the block at byte ", 18) == 0, "%zu: %s", size, said);
        last = count;
    }
    assert_int_equal(ends, 9); /* behind the header, and behind each block but the last */
    td_buf_fini(&file);
}

/* No byte of it may lead anywhere but to records and to a word about it. */
static void damaged_anywhere(void **state) {
    (void)state;
    for (int codec = TD_AVRO_CODEC_DEFLATE; codec < TD_AVRO_CODEC_SNAPPY; codec++) {
        td_buf file = write_file((td_avro_codec)codec, RECORDS);
        for (size_t at = 0; at < file.size; at++) {
            source s = {.bytes = td_buf_bytes(&file)};
            td_avro_file *reader;
            td_avro_block block;
            file.data[at] ^= 0x41;
            td_status status = td_avro_file_open(&reader, read_some, &s);
            bool open = status == TD_OK;
            while (open && (status = td_avro_file_next(reader, &block)) == TD_OK && block.count > 0) continue;
            assert_true(status == TD_OK || (status == TD_REJECT && td_trail()[0] != '\0'));
            if (open) td_avro_file_close(reader);
            file.data[at] ^= 0x41;
        }
        td_buf_fini(&file);
    }
}

typedef struct passed { /* of a file that is damaged somewhere */
    int blocks, bad;
    uint64_t count, lost; /* of records; lost ones as far as they are known */
} passed;

/* All of it; a machine that fails is asked again. */
static passed read_past(source *s) {
    td_avro_file *reader;
    td_avro_block block = {.count = 1};
    passed out = {0};
    td_status status;
    bool there = true;
    while ((status = td_avro_file_open(&reader, read_some, s)) == TD_RETRY) continue;
    assert_int_equal(status, TD_OK);
    while (there && (status != TD_OK || block.count > 0)) {
        while ((status = td_avro_file_next(reader, &block)) == TD_RETRY) continue;
        out.blocks += status == TD_OK && block.count > 0;
        out.bad += status == TD_REJECT;
        *(status == TD_OK ? &out.count : &out.lost) += block.count;
        if (status == TD_OK) continue;
        while ((status = td_avro_file_skip(reader, &there)) == TD_RETRY) continue;
        assert_int_equal(status, TD_OK);
        block.count = 1;
    }
    td_avro_file_close(reader);
    return out;
}

/* What is damaged costs its own block, and the next one where it is the marker between; where its end is there the
 * records that are lost are counted. A machine that fails on the way costs nothing. */
static void behind_damage(void **state) {
    (void)state;
    td_buf file = write_file(TD_AVRO_CODEC_DEFLATE, RECORDS), header = write_file(TD_AVRO_CODEC_DEFLATE, 0);
    int counted = 0;
    for (size_t at = header.size; at < file.size; at++) {
        source s = {.bytes = td_buf_bytes(&file)};
        file.data[at] ^= 0x41;
        passed p = read_past(&s);
        ASSERT_ROW(p.blocks >= 7 && p.bad <= 1 && p.blocks + p.bad <= 9 && p.blocks + p.bad >= 8, "%zu: %d, %d", at,
                   p.blocks, p.bad);
        ASSERT_ROW(p.lost == 0 || p.count + p.lost == RECORDS, "%zu: %d and %d lost", at, (int)p.count, (int)p.lost);
        counted += p.lost > 0;
        for (int n = 1; n <= 40; n++) {
            s.fails = n;
            passed again = read_past(&s);
            ASSERT_ROW(memcmp(&again, &p, sizeof p) == 0, "%zu, fails at %d: %d, %d", at, n, again.blocks, again.bad);
        }
        file.data[at] ^= 0x41;
    }
    assert_true(counted > 100);
    td_buf_fini(&header);
    td_buf_fini(&file);
}

static void put_long(td_buf *out, int64_t number) {
    uint8_t bytes[TD_AVRO_LONG_MAX];
    td_buf_put(out, bytes, (size_t)(td_avro_put_long(bytes, number) - bytes));
}

static void put_text(td_buf *out, td_bytes text) {
    put_long(out, (int64_t)text.size);
    td_buf_put(out, text.data, text.size);
}

/* Whose metadata is in two parts, of which one says its size, as the specification lets it. */
static void put_header(td_buf *out, const char *codec) {
    td_buf_text(out, "Obj\x01");
    put_long(out, -1);
    put_long(out, 10);
    put_text(out, TD_TEXT("avro.schema"));
    put_text(out, TD_TEXT(SCHEMA));
    if (codec != NULL) {
        put_long(out, 2);
        put_text(out, TD_TEXT("of.others"));
        put_text(out, TD_TEXT(""));
        put_text(out, TD_TEXT("avro.codec"));
        put_text(out, td_text(codec));
    }
    put_long(out, 0);
    td_buf_put(out, "0123456789abcdef", MARKER);
}

/* Markers everywhere, each behind what may be a block of nearly all the file: that is seen without reading it. */
static void markers_everywhere(void **state) {
    (void)state;
    enum { GROUPS = 200000 };
    td_buf file = {0};
    put_header(&file, "deflate");
    size_t first = file.size;
    for (int i = 0; i < GROUPS; i++) {
        put_long(&file, 1);
        put_long(&file, 3999996 + i % 2); /* 21 * 190476: every other one ends at a marker */
        td_buf_put(&file, "0123456789abcdef", MARKER);
    }
    source s = {.bytes = td_buf_bytes(&file)};
    td_avro_file *reader;
    td_avro_block block;
    bool there = true;
    int bad = 0;
    assert_true((file.size - first) / GROUPS == 21);
    assert_int_equal(td_avro_file_open(&reader, read_some, &s), TD_OK);
    for (; there && td_avro_file_next(reader, &block) == TD_REJECT; bad++)
        assert_int_equal(td_avro_file_skip(reader, &there), TD_OK);
    assert_true(bad > 1000 && block.count == 0);
    assert_true(s.read < UINT64_C(100) * file.size);
    td_avro_file_close(reader);
    td_buf_fini(&file);
}

/* Wherever the next marker is, also where it lies in two steps of looking for it. */
static void markers_anywhere(void **state) {
    (void)state;
    for (size_t filler = 0; filler < 1500; filler++) {
        td_buf file = {0};
        td_avro_file *reader;
        td_avro_block block;
        bool there;
        put_header(&file, NULL);
        put_long(&file, -1);
        for (size_t i = 0; i < filler; i++) td_buf_text(&file, "x");
        td_buf_put(&file,
                   "0123456789abcdef\2\2\10"
                   "0123456789abcdef",
                   2 * MARKER + 3);
        source s = {.bytes = td_buf_bytes(&file)};
        assert_int_equal(td_avro_file_open(&reader, read_some, &s), TD_OK);
        assert_int_equal(td_avro_file_next(reader, &block), TD_REJECT);
        ASSERT_ROW(td_avro_file_skip(reader, &there) == TD_OK && there, "%zu", filler);
        ASSERT_ROW(td_avro_file_next(reader, &block) == TD_OK && block.count == 1, "%zu", filler);
        td_avro_file_close(reader);
        td_buf_fini(&file);
    }
}

typedef struct hostile {
    const char *codec;
    int64_t count, size; /* that it says */
    td_bytes bytes;
    const char *said; /* of it; NULL: it is read */
} hostile;

static void check_hostile(const hostile *h) {
    char said[200];
    size_t blocks;
    td_buf file = {0};
    put_header(&file, h->codec);
    put_long(&file, h->count);
    put_long(&file, h->size);
    td_buf_put(&file, h->bytes.data, h->bytes.size);
    td_buf_put(&file, "0123456789abcdef", MARKER);
    source s = {.bytes = td_buf_bytes(&file)};
    int64_t count = read_file(&s, &blocks, said);
    if (h->said == NULL) ASSERT_ROW(said[0] == '\0' && count == h->count, "%s: %s", h->codec, said);
    if (h->said != NULL) ASSERT_ROW(strstr(said, h->said) != NULL, "%s: %s", h->said, said);
    ASSERT_ROW(s.asked <= 1 << 20, "%s: %zu bytes at once", h->said, s.asked);
    td_buf_fini(&file);
}

static td_buf deflate_zeros(size_t size) {
    td_buf out = {0};
    uint8_t *zeros = calloc(1, size);
    assert_non_null(zeros);
    z_stream z = {.next_in = zeros, .avail_in = (uInt)size};
    td_buf_reserve(&out, size / 100 + 1000);
    z.next_out = out.data;
    z.avail_out = (uInt)out.capacity;
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    out.size = z.total_out;
    (void)deflateEnd(&z);
    free(zeros);
    return out;
}

static void what_it_says(void **state) {
    (void)state;
    td_buf large = deflate_zeros(((size_t)TD_AVRO_BLOCK_MAX) + 1), small = deflate_zeros(1);
    td_buf_put(&small, "abc", 3); /* a part of a checksum */
    const hostile rows[] = {
        {NULL, 3, 3, TD_TEXT("\0\2\4"), NULL},
        {"null", 3, 3, TD_TEXT("\0\2\4"), NULL},
        {"null", 0, 0, TD_TEXT(""), NULL},
        {"deflate", 1, (int64_t)small.size, td_buf_bytes(&small), NULL},
        /* their number, a literal of all of them, and their CRC-32 */
        {"snappy", 3, 9, TD_TEXT("\3\10\0\2\4\xca\x1a\x7f\x89"), NULL},
        {"snappy", 3, 9, TD_TEXT("\3\10\0\2\4\xca\x1a\x7f\x8a"), "does not have the checksum of its snappy"},
        {"snappy", 3, 3, TD_TEXT("\3\10\0"), "ends within its snappy"},
        {"snappy", 3, 9, TD_TEXT("\xff\xff\xff\xff\x0f\0\2\4\0"), "is no snappy"},
        {"snappy", 1, 7, TD_TEXT("\4\1\1xxxx"), "is no snappy"}, /* a copy of what is not there */
        {"bzip2", 1, 1, TD_TEXT("\0"), "packed by \"bzip2\", which is not read: write it anew by zstandard"},
        {"deflate", INT64_MAX, (int64_t)large.size, td_buf_bytes(&large), "holds more than 64 MB"},
        {"deflate", 1, 2, TD_TEXT("\x63\x60"), "ends within its deflate"},
        {"deflate", 1, 2, TD_TEXT("\xff\xff"), "is no deflate"},
        {"zstandard", 1, 3, TD_TEXT("abc"), "is no zstandard"},
        {"zstandard", 1, 6, TD_TEXT("\x28\xb5\x2f\xfd\0\x58"), "ends within its zstandard"},
        /* windows of 128 MB and of more */
        {"zstandard", 1, 10, TD_TEXT("\x28\xb5\x2f\xfd\0\x88\x09\0\0\0"), NULL},
        {"zstandard", 1, 10, TD_TEXT("\x28\xb5\x2f\xfd\0\x90\x09\0\0\0"), "must be written with a smaller window"},
        {"null", 1, INT64_MAX, TD_TEXT(""), "has more than 64 MB"},
        {"null", 1, TD_AVRO_BLOCK_MAX, TD_TEXT("\0"), "goes on behind the end of the file"},
        {"null", 1, -1, TD_TEXT("\0"), "begins with no count and no size"},
        {"null", INT64_MIN, 1, TD_TEXT("\0"), "begins with no count and no size"},
        {"null", INT64_MAX, 2, TD_TEXT("\0\0"), "says more records than it has bytes"},
        {"null", 0, 1, TD_TEXT("\0"), "has bytes and no records"},
        {"null", 1, 2, TD_TEXT("\0"), "goes on behind the end"},
        {"null", 1, 0, TD_TEXT("\0"), "does not end with the file's marker"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) check_hostile(&rows[i]);
    td_buf_fini(&small);
    td_buf_fini(&large);
}

static void no_such_file(void **state) {
    (void)state;
    static const struct {
        td_bytes bytes;
        const char *said;
    } rows[] = {{{(const uint8_t *)"", 0}, "it is empty"},
                {{(const uint8_t *)"PAR1", 4}, "it is no Avro container file"},
                {{(const uint8_t *)"Obj\2\0", 5}, "it is no Avro container file"},
                {{(const uint8_t *)"Obj\1\2", 5}, "its header is damaged, does not end"},
                {{(const uint8_t *)"Obj\1\xff\xff\xff\xff\xff\xff\xff\xff\xff\1", 14}, "its header is damaged"},
                {{(const uint8_t *)"Obj\1\0"
                                   "0123456789abcdef",
                  21},
                 "its header has no schema"},
                {{(const uint8_t *)"Obj\1\2\x16"
                                   "avro.schema\4{}\0"
                                   "0123456789abcdef",
                  37},
                 "reading its schema"}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_avro_file *file;
        source s = {.bytes = rows[i].bytes};
        assert_int_equal(td_avro_file_open(&file, read_some, &s), TD_REJECT);
        ASSERT_ROW(strstr(td_trail(), rows[i].said) != NULL, "%zu: %s", i, td_trail());
    }
}

/* A machine that fails once costs nothing: the same again goes on. */
static void failing_reads(void **state) {
    (void)state;
    td_buf bytes = write_file(TD_AVRO_CODEC_DEFLATE, RECORDS);
    for (int at = 1; at < 60; at++) {
        source s = {.bytes = td_buf_bytes(&bytes), .fails = at};
        td_avro_file *file;
        td_avro_block block;
        td_status status;
        int64_t count = 0;
        while ((status = td_avro_file_open(&file, read_some, &s)) == TD_RETRY) continue;
        assert_int_equal(status, TD_OK);
        do {
            while ((status = td_avro_file_next(file, &block)) == TD_RETRY) continue;
            assert_int_equal(status, TD_OK);
            count += check_block(&block, count);
        } while (block.count > 0);
        assert_int_equal(count, RECORDS);
        td_avro_file_rewind(file);
        while ((status = td_avro_file_next(file, &block)) == TD_RETRY) continue;
        assert_int_equal(status, TD_OK);
        assert_int_equal(check_block(&block, 0), 64);
        td_avro_file_close(file);
    }
    td_buf_fini(&bytes);
}

#ifndef __has_feature
#define __has_feature(what) 0
#endif
#if !defined __SANITIZE_ADDRESS__ && !__has_feature(address_sanitizer) /* which have an allocator of their own */

static struct {
    size_t from, to; /* of these sizes there is no memory, */
    int times;       /* so often */
} shortage;

void *malloc(size_t size) {
    static void *(*allocate)(size_t);
    if (allocate == NULL) *(void **)&allocate = dlsym(RTLD_NEXT, "malloc");
    bool none = shortage.times > 0 && size >= shortage.from && size < shortage.to;
    shortage.times -= none;
    return none ? NULL : allocate(size);
}

/* Of the block nothing is said: it is read when there is some again. */
static void without_memory(void **state) {
    (void)state;
    const struct {
        const char *codec;
        td_bytes bytes;
        size_t from;
    } rows[] = {{"deflate", TD_TEXT("\x63\0\0"), 1 << 15},
                {"zstandard", TD_TEXT("\x28\xb5\x2f\xfd\0\x80\x09\0\0\0"), 1 << 26}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_buf file = {0};
        td_avro_file *reader;
        td_avro_block block;
        put_header(&file, rows[i].codec);
        put_long(&file, 1);
        put_text(&file, rows[i].bytes);
        td_buf_put(&file, "0123456789abcdef", MARKER);
        source s = {.bytes = td_buf_bytes(&file)};
        assert_int_equal(td_avro_file_open(&reader, read_some, &s), TD_OK);
        shortage.from = rows[i].from;
        shortage.to = 2 * rows[i].from;
        shortage.times = 1;
        ASSERT_ROW(td_avro_file_next(reader, &block) == TD_RETRY, "%s: %s", rows[i].codec, td_trail());
        assert_int_equal(shortage.times, 0);
        assert_string_equal(td_trail(), "no memory to unpack");
        ASSERT_ROW(td_avro_file_next(reader, &block) == TD_OK && block.count == 1, "%s: %s", rows[i].codec, td_trail());
        td_avro_file_close(reader);
        td_buf_fini(&file);
    }
}
#else
static void without_memory(void **state) {
    (void)state;
    print_message("skipped here: this build has an allocator of its own\n");
    skip();
}
#endif

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_again), cmocka_unit_test(cut_anywhere),       cmocka_unit_test(damaged_anywhere),
        cmocka_unit_test(behind_damage),  cmocka_unit_test(markers_everywhere), cmocka_unit_test(markers_anywhere),
        cmocka_unit_test(what_it_says),   cmocka_unit_test(no_such_file),       cmocka_unit_test(failing_reads),
        cmocka_unit_test(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
