/* src/schema/avro_file.c - container files, read block by block: header first, then each block by its own length. */
#include "schema/avro.h"
#include "schema/avro_codec.h"
#include <inttypes.h>
#include <stdlib.h>

enum {
    MAGIC_BYTES = 4,
    MARKER_BYTES = TD_AVRO_MARKER_BYTES,
    HEADER_STEP = 64 * 1024,
    HEADER_MAX = 2 * TD_AVRO_TEXT_MAX,
    READ_STEP = 1 << 20,
    SKIP_STEP = 256,
    SHOWN_MAX = 40,
};

static const uint8_t magic[MAGIC_BYTES] = {'O', 'b', 'j', 1};

struct td_avro_file {
    td_avro_read_fn read;
    void *arg;
    td_avro_schema *schema;
    td_avro_packer *packer;
    uint8_t marker[MARKER_BYTES];
    uint64_t first, at; /* where the first block begins, and the next */
    uint64_t behind;    /* of that one, whose bytes are bad, the end by its own marker; 0: it has none */
    td_buf bytes;       /* of the header, then of the block in hand, as they are in the file */
};

/* ---- bytes ---- */

/* Has as many of the bytes from `at` on as are there, up to `size`: by steps, since a size that is said may be none. */
static td_status load(td_avro_file *f, uint64_t at, size_t size) {
    td_status status = TD_OK;
    size_t got = READ_STEP;
    for (f->bytes.size = 0; status == TD_OK && f->bytes.size < size && got > 0; f->bytes.size += got) {
        size_t wanted = size - f->bytes.size < READ_STEP ? size - f->bytes.size : READ_STEP;
        td_buf_reserve(&f->bytes, wanted);
        got = 0;
        status = f->read(f->arg, at + f->bytes.size, f->bytes.data + f->bytes.size, wanted, &got);
    }
    return status;
}

/* ---- header ---- */

typedef struct header {
    td_bytes schema, codec; /* lent; no data: not said */
    size_t size;            /* of all of it */
} header;

static bool take_pairs(td_avro_reader *r, int64_t count, header *out) {
    td_bytes key, value;
    for (; count > 0; count--) {
        if (!td_avro_get_bytes(r, &key) || !td_avro_get_bytes(r, &value)) return false;
        if (td_bytes_equal(key, TD_TEXT("avro.schema"))) out->schema = value;
        if (td_bytes_equal(key, TD_TEXT("avro.codec"))) out->codec = value;
    }
    return true;
}

/* False: it is damaged, or goes on behind these bytes. */
static bool take_header(td_bytes bytes, header *out, uint8_t marker[MARKER_BYTES]) {
    *out = (header){0};
    td_bytes rest = td_bytes_from(bytes, MAGIC_BYTES);
    td_avro_reader r = {rest.data, td_bytes_end(rest)};
    int64_t count, size;
    for (;;) {
        if (!td_avro_get_long(&r, &count)) return false;
        if (count == 0) break;
        if (count == INT64_MIN || (count < 0 && !td_avro_get_long(&r, &size))) return false;
        if (!take_pairs(&r, count < 0 ? -count : count, out)) return false;
    }
    rest = (td_bytes){r.at, (size_t)(r.end - r.at)};
    if (!td_bytes_take(&rest, marker, MARKER_BYTES)) return false;
    out->size = bytes.size - rest.size;
    return true;
}

/* More is read only where it may help: most headers are small. */
static td_status load_header(td_avro_file *f, header *out) {
    for (size_t size = HEADER_STEP; size <= HEADER_MAX; size *= 2) {
        td_status status = load(f, 0, size);
        if (status != TD_OK) return status;
        if (f->bytes.size < MAGIC_BYTES || memcmp(f->bytes.data, magic, MAGIC_BYTES) != 0)
            return TD_FAIL(TD_REJECT, f->bytes.size == 0 ? "it is empty" : "it is no Avro container file");
        if (take_header(td_buf_bytes(&f->bytes), out, f->marker)) return TD_OK;
        if (f->bytes.size < size) break;
    }
    return TD_FAIL(TD_REJECT, "its header is damaged, does not end, or has more than %d MB", HEADER_MAX >> 20);
}

static td_status begin(td_avro_file *f, const header *h) {
    td_avro_codec codec = h->codec.data != NULL ? td_avro_codec_named(h->codec) : TD_AVRO_CODEC_NULL;
    if (codec == TD_AVRO_CODEC_COUNT)
        return TD_FAIL(TD_REJECT,
                       "its blocks are packed by \"%.*s\", which is not read: write it anew by zstandard, deflate, "
                       "snappy or null",
                       (int)td_bytes_upto(h->codec, SHOWN_MAX).size, (const char *)h->codec.data);
    if (h->schema.data == NULL) return TD_FAIL(TD_REJECT, "its header has no schema");
    td_status status = td_avro_schema_parse(h->schema, &f->schema);
    if (status != TD_OK) return td_trace(status, "reading its schema");
    f->first = f->at = h->size;
    return td_avro_packer_new(&f->packer, codec);
}

td_status td_avro_file_open(td_avro_file **out, td_avro_read_fn read, void *arg) {
    header h;
    td_avro_file *f = td_alloc_zero(1, sizeof *f);
    *f = (td_avro_file){.read = read, .arg = arg};
    td_status status = load_header(f, &h);
    if (status == TD_OK) status = begin(f, &h);
    td_buf_fini(&f->bytes); /* a block may need far less */
    if (status == TD_OK)
        *out = f;
    else
        td_avro_file_close(f);
    return status;
}

void td_avro_file_close(td_avro_file *file) {
    if (file == NULL) return;
    td_avro_schema_free(file->schema);
    td_avro_packer_free(file->packer);
    td_buf_fini(&file->bytes);
    free(file);
}

const td_avro_schema *td_avro_file_schema(const td_avro_file *file) { return file->schema; }

uint64_t td_avro_file_marker(const td_avro_file *file, uint8_t out[TD_AVRO_MARKER_BYTES]) {
    memcpy(out, file->marker, MARKER_BYTES);
    return file->first - MARKER_BYTES;
}

void td_avro_file_rewind(td_avro_file *file) {
    file->at = file->first;
    file->behind = 0;
}

/* ---- blocks ---- */

static td_status fail_block(const td_avro_file *f, const char *wrong) {
    return TD_FAIL(TD_REJECT, "the block at byte %" PRIu64 " %s", f->at, wrong);
}

/* Its end is where it says, so that its count can be believed, unless it is of more than a block can have. */
static td_status unpack_block(td_avro_file *f, size_t size, int64_t count, td_avro_block *out) {
    const char *wrong;
    td_status status = td_avro_unpack(f->packer, td_bytes_upto(td_buf_bytes(&f->bytes), size), &out->bytes, &wrong);
    if (status == TD_REJECT && count <= TD_AVRO_BLOCK_MAX) out->count = (uint64_t)count;
    if (status != TD_OK) return status == TD_REJECT ? fail_block(f, wrong) : status;
    if ((uint64_t)count > out->bytes.size) return fail_block(f, "says more records than it has bytes");
    if (count == 0 && out->bytes.size > 0) return fail_block(f, "has bytes and no records");
    out->at = f->at;
    out->count = (uint64_t)count;
    return TD_OK;
}

/* Its records, which begin at `at`. What may be no block is looked at by its end first, and read where that is one. */
static td_status take_block(td_avro_file *f, uint64_t at, int64_t count, int64_t size, td_avro_block *out) {
    if (size > TD_AVRO_BLOCK_MAX)
        return fail_block(f, "has more than 64 MB: to be read it must be written in smaller blocks");
    td_status status = load(f, at + (uint64_t)size, MARKER_BYTES);
    if (status != TD_OK) return status;
    if (f->bytes.size < MARKER_BYTES) return fail_block(f, "goes on behind the end of the file");
    if (memcmp(f->bytes.data, f->marker, MARKER_BYTES) != 0)
        return fail_block(f, "does not end with the file's marker");
    status = load(f, at, (size_t)size);
    if (status != TD_OK) return status;
    if (f->bytes.size < (size_t)size)
        return fail_block(f, "goes on behind the end of the file"); /* it became shorter */
    status = unpack_block(f, (size_t)size, count, out);
    if (status != TD_OK && status != TD_REJECT) return status;
    f->behind = at + (uint64_t)size + MARKER_BYTES;
    if (status == TD_OK) f->at = f->behind;
    return status;
}

td_status td_avro_file_next(td_avro_file *f, td_avro_block *out) {
    for (*out = (td_avro_block){0};;) {
        int64_t count, size;
        f->behind = 0;
        td_status status = load(f, f->at, (size_t)2 * TD_AVRO_LONG_MAX);
        if (status != TD_OK || f->bytes.size == 0) return status;
        td_avro_reader r = {f->bytes.data, f->bytes.data + f->bytes.size};
        if (!td_avro_get_count(&r, &count) || !td_avro_get_count(&r, &size))
            return fail_block(f, "is cut, or begins with no count and no size");
        status = take_block(f, f->at + (size_t)(r.at - f->bytes.data), count, size, out);
        if (status != TD_OK || count > 0) return status;
    }
}

/* Step by step, of which each has again what may be the beginning of a marker; small ones first, since markers may be
 * near each other. */
td_status td_avro_file_skip(td_avro_file *f, bool *out_there) {
    uint64_t at = f->at;
    *out_there = f->behind > 0;
    if (*out_there) f->at = f->behind;
    for (size_t step = SKIP_STEP; !*out_there; step = step < READ_STEP ? 4 * step : step) {
        td_status status = load(f, at, step);
        if (status != TD_OK || f->bytes.size < MARKER_BYTES) return status;
        const uint8_t *found = memmem(f->bytes.data, f->bytes.size, f->marker, MARKER_BYTES);
        *out_there = found != NULL;
        if (found != NULL) f->at = at + (size_t)(found - f->bytes.data) + MARKER_BYTES;
        at += f->bytes.size - (MARKER_BYTES - 1);
    }
    return TD_OK;
}
