/* src/log/packer.c - zstd and Kafka's LZ4 frames: independent blocks of 64 KB, no checksum beside the batch's own. */
#include "log/packer.h"

enum { ZSTD_LEVEL = 1, INFLATE_STEP_BYTES = 64 * 1024 };

typedef struct inflation { /* one step of it */
    td_bytes in;           /* not yet read */
    uint8_t *out;
    size_t room; /* behind `out`; afterwards what is left of it */
    bool done;   /* the frame has ended */
} inflation;

typedef struct codec {
    /* Space for the packed form of so many bytes; 0: no memory for the codec. */
    size_t (*bound)(td_packer *packer, size_t size);
    /* Size of what is written; 0: it failed. */
    size_t (*deflate)(td_packer *packer, td_bytes records, uint8_t *out, size_t room);
    bool (*begin)(td_packer *packer);                 /* false: no memory */
    bool (*inflate)(td_packer *packer, inflation *i); /* false: not of that form */
} codec;

/* --- zstd ----------------------------------------------------------------------------------------------------- */

static size_t zstd_bound(td_packer *packer, size_t size) {
    if (packer->zstd_deflater == NULL) packer->zstd_deflater = ZSTD_createCCtx();
    return packer->zstd_deflater != NULL ? ZSTD_compressBound(size) : 0;
}

static size_t zstd_deflate(td_packer *packer, td_bytes records, uint8_t *out, size_t room) {
    size_t size = ZSTD_compressCCtx(packer->zstd_deflater, out, room, records.data, records.size, ZSTD_LEVEL);
    return ZSTD_isError(size) ? 0 : size;
}

static bool zstd_begin(td_packer *packer) {
    if (packer->zstd_inflater == NULL) packer->zstd_inflater = ZSTD_createDCtx();
    return packer->zstd_inflater != NULL &&
           !ZSTD_isError(ZSTD_DCtx_reset(packer->zstd_inflater, ZSTD_reset_session_only));
}

static bool zstd_inflate(td_packer *packer, inflation *i) {
    ZSTD_inBuffer in = {i->in.data, i->in.size, 0};
    ZSTD_outBuffer out = {i->out, i->room, 0};
    size_t rest = ZSTD_decompressStream(packer->zstd_inflater, &out, &in);
    i->in = (td_bytes){i->in.data + in.pos, i->in.size - in.pos};
    i->room -= out.pos;
    i->done = rest == 0;
    return !ZSTD_isError(rest);
}

/* --- lz4 ------------------------------------------------------------------------------------------------------ */

static const LZ4F_preferences_t lz4_form = {
    .frameInfo = {.blockSizeID = LZ4F_max64KB, .blockMode = LZ4F_blockIndependent}, /* Kafka reads no other mode */
    .autoFlush = 1,
};

static size_t lz4_bound(td_packer *packer, size_t size) {
    if (packer->lz4_deflater == NULL &&
        LZ4F_isError(LZ4F_createCompressionContext(&packer->lz4_deflater, LZ4F_VERSION)))
        return 0;
    return LZ4F_HEADER_SIZE_MAX + LZ4F_compressBound(size, &lz4_form);
}

static size_t lz4_deflate(td_packer *packer, td_bytes records, uint8_t *out, size_t room) {
    size_t size = LZ4F_compressBegin(packer->lz4_deflater, out, room, &lz4_form);
    if (LZ4F_isError(size)) return 0;
    size_t part = LZ4F_compressUpdate(packer->lz4_deflater, out + size, room - size, records.data, records.size, NULL);
    if (LZ4F_isError(part)) return 0;
    size += part;
    part = LZ4F_compressEnd(packer->lz4_deflater, out + size, room - size, NULL);
    return LZ4F_isError(part) ? 0 : size + part;
}

static bool lz4_begin(td_packer *packer) {
    if (packer->lz4_inflater == NULL)
        return !LZ4F_isError(LZ4F_createDecompressionContext(&packer->lz4_inflater, LZ4F_VERSION));
    LZ4F_resetDecompressionContext(packer->lz4_inflater);
    return true;
}

static bool lz4_inflate(td_packer *packer, inflation *i) {
    size_t in_size = i->in.size, out_size = i->room;
    size_t rest = LZ4F_decompress(packer->lz4_inflater, i->out, &out_size, i->in.data, &in_size, NULL);
    i->in = (td_bytes){i->in.data + in_size, i->in.size - in_size};
    i->room -= out_size;
    i->done = rest == 0;
    return !LZ4F_isError(rest);
}

/* --- any of them ---------------------------------------------------------------------------------------------- */

static const codec codecs[] = {
    [TD_CODEC_LZ4] = {lz4_bound, lz4_deflate, lz4_begin, lz4_inflate},
    [TD_CODEC_ZSTD] = {zstd_bound, zstd_deflate, zstd_begin, zstd_inflate},
};

void td_packer_fini(td_packer *packer) {
    (void)ZSTD_freeCCtx(packer->zstd_deflater);
    (void)ZSTD_freeDCtx(packer->zstd_inflater);
    (void)LZ4F_freeCompressionContext(packer->lz4_deflater);
    (void)LZ4F_freeDecompressionContext(packer->lz4_inflater);
    td_buf_fini(&packer->bytes);
    *packer = (td_packer){0};
}

/* Head room and compressed records in packer->bytes; false when that is not smaller, or memory is short. */
static bool deflate_records(td_packer *packer, const codec *c, td_bytes records) {
    size_t bound = c->bound(packer, records.size);
    if (bound == 0) return false;
    packer->bytes.size = 0;
    td_buf_reserve(&packer->bytes, TD_BATCH_HEADER_BYTES + bound);
    size_t size = c->deflate(packer, records, packer->bytes.data + TD_BATCH_HEADER_BYTES,
                             packer->bytes.capacity - TD_BATCH_HEADER_BYTES);
    if (size == 0 || size >= records.size) return false;
    packer->bytes.size = TD_BATCH_HEADER_BYTES + size;
    return true;
}

const uint8_t *td_batch_seal(td_batch *batch, td_packer *packer, td_head *head) {
    td_buf *bytes = &batch->bytes;
    td_bytes records = {bytes->data + TD_BATCH_HEADER_BYTES, bytes->size - TD_BATCH_HEADER_BYTES};
    if (head->codec != TD_CODEC_NONE && deflate_records(packer, &codecs[head->codec], records)) {
        bytes = &packer->bytes;
    } else {
        head->codec = TD_CODEC_NONE;
    }
    head->size_bytes = (int64_t)bytes->size;
    head->count = head->records = batch->count;
    head->base_timestamp_ms = batch->base_timestamp_ms;
    head->max_timestamp_ms = batch->max_timestamp_ms;
    td_head_put(head, bytes->data);
    return bytes->data;
}

/* As a stream: other writers of the formats do not state the size. */
static td_status inflate_records(td_packer *packer, const codec *c, td_bytes packed) {
    if (!c->begin(packer)) return TD_FAIL(TD_RETRY, "no memory to inflate a batch");
    td_buf *bytes = &packer->bytes;
    inflation i = {.in = packed};
    for (bytes->size = 0; bytes->size <= TD_BATCH_MAX_BYTES;) {
        td_buf_reserve(bytes, INFLATE_STEP_BYTES);
        i.out = bytes->data + bytes->size;
        i.room = bytes->capacity - bytes->size;
        if (!c->inflate(packer, &i)) return TD_CORRUPT;
        bytes->size = bytes->capacity - i.room;
        if (i.done) return i.in.size == 0 ? TD_OK : TD_CORRUPT;
        if (i.in.size == 0 && i.room > 0) return TD_CORRUPT; /* wants more, and there is none */
    }
    return TD_CORRUPT;
}

td_status td_packer_records(td_packer *packer, const td_head *head, const uint8_t *batch, td_bytes *out) {
    *out = (td_bytes){batch + TD_BATCH_HEADER_BYTES, (size_t)head->size_bytes - TD_BATCH_HEADER_BYTES};
    if (head->codec == TD_CODEC_NONE) return TD_OK;
    td_status status = inflate_records(packer, &codecs[head->codec], *out);
    *out = td_buf_bytes(&packer->bytes);
    return status;
}

td_status td_packer_check(td_packer *packer, const td_head *head, const uint8_t *batch) {
    td_bytes records;
    td_status status = td_packer_records(packer, head, batch, &records);
    if (status != TD_OK) return status;
    td_cursor cursor = td_head_cursor(head, records);
    for (td_record record; td_cursor_next(&cursor, &record);) continue;
    return cursor.left == 0 && cursor.at == cursor.end ? TD_OK : TD_CORRUPT;
}
