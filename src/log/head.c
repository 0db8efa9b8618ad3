/* src/log/head.c - the head of a record batch as bytes, its CRC, and the compression of what follows it. */
#include "log/head.h"
#include "base/hash.h"
#include <stdlib.h>

enum { MAGIC_AT = 16, MAGIC = 2, ZSTD_LEVEL = 1, INFLATE_STEP_BYTES = 64 * 1024 };

bool td_head_get(const uint8_t *bytes, td_head *out) {
    if (bytes[MAGIC_AT] != MAGIC) return false;
    uint32_t length = td_get_be32(bytes + TD_HEAD_LENGTH_AT), count = td_get_be32(bytes + 57);
    uint16_t attributes = td_get_be16(bytes + 21); /* the codec; all other bits are features that we do not write */
    *out = (td_head){
        .base_offset = (int64_t)td_get_be64(bytes),
        .size_bytes = (int64_t)length + TD_HEAD_LENGTH_END,
        .epoch = (int32_t)td_get_be32(bytes + 12),
        .crc = td_get_be32(bytes + TD_HEAD_CRC_AT),
        .codec = attributes == TD_CODEC_ZSTD ? TD_CODEC_ZSTD : TD_CODEC_NONE,
        .count = (int32_t)count,
        .base_timestamp_ms = (int64_t)td_get_be64(bytes + 27),
        .max_timestamp_ms = (int64_t)td_get_be64(bytes + 35),
    };
    return out->size_bytes > TD_BATCH_HEADER_BYTES && out->size_bytes <= TD_BATCH_MAX_BYTES &&
           (attributes == TD_CODEC_NONE || attributes == TD_CODEC_ZSTD) && count >= 1 && count <= INT32_MAX &&
           td_get_be32(bytes + 23) == count - 1 && out->base_offset >= 0 && out->base_offset <= INT64_MAX - count;
}

void td_head_put(const td_head *head, uint8_t *batch) {
    td_put_be64(batch, (uint64_t)head->base_offset);
    td_put_be32(batch + TD_HEAD_LENGTH_AT, (uint32_t)(head->size_bytes - TD_HEAD_LENGTH_END));
    td_put_be32(batch + 12, (uint32_t)head->epoch);
    batch[MAGIC_AT] = MAGIC;
    td_put_be16(batch + 21, (uint16_t)head->codec);
    td_put_be32(batch + 23, (uint32_t)head->count - 1);
    td_put_be64(batch + 27, (uint64_t)head->base_timestamp_ms);
    td_put_be64(batch + 35, (uint64_t)head->max_timestamp_ms);
    memset(batch + 43, 0xff, 14); /* producer id, producer epoch, base sequence: -1, none */
    td_put_be32(batch + 57, (uint32_t)head->count);
    td_put_be32(batch + TD_HEAD_CRC_AT,
                td_crc32c(0, batch + TD_HEAD_CRC_END, (size_t)head->size_bytes - TD_HEAD_CRC_END));
}

bool td_head_crc_ok(const td_head *head, const uint8_t *batch) {
    return td_crc32c(0, batch + TD_HEAD_CRC_END, (size_t)head->size_bytes - TD_HEAD_CRC_END) == head->crc;
}

td_cursor td_head_cursor(const td_head *head, td_bytes records) {
    return (td_cursor){.at = records.data,
                       .end = records.data + records.size,
                       .offset = head->base_offset,
                       .base_offset = head->base_offset,
                       .base_timestamp_ms = head->base_timestamp_ms,
                       .epoch = head->epoch,
                       .left = head->count};
}

void td_packer_fini(td_packer *packer) {
    (void)ZSTD_freeCCtx(packer->deflater);
    (void)ZSTD_freeDCtx(packer->inflater);
    td_buf_fini(&packer->bytes);
    *packer = (td_packer){0};
}

/* Head room and compressed records in packer->bytes; false when that is not smaller, or memory is short. */
static bool deflate_records(td_packer *packer, td_bytes records) {
    if (packer->deflater == NULL) packer->deflater = ZSTD_createCCtx();
    if (packer->deflater == NULL) return false;
    packer->bytes.size = 0;
    td_buf_reserve(&packer->bytes, TD_BATCH_HEADER_BYTES + ZSTD_compressBound(records.size));
    size_t size =
        ZSTD_compressCCtx(packer->deflater, packer->bytes.data + TD_BATCH_HEADER_BYTES,
                          packer->bytes.capacity - TD_BATCH_HEADER_BYTES, records.data, records.size, ZSTD_LEVEL);
    if (ZSTD_isError(size) || size >= records.size) return false;
    packer->bytes.size = TD_BATCH_HEADER_BYTES + size;
    return true;
}

const uint8_t *td_batch_seal(td_batch *batch, td_packer *packer, td_head *head) {
    td_buf *bytes = &batch->bytes;
    td_bytes records = {bytes->data + TD_BATCH_HEADER_BYTES, bytes->size - TD_BATCH_HEADER_BYTES};
    if (head->codec == TD_CODEC_ZSTD && deflate_records(packer, records)) {
        bytes = &packer->bytes;
    } else {
        head->codec = TD_CODEC_NONE;
    }
    head->size_bytes = (int64_t)bytes->size;
    head->count = batch->count;
    head->base_timestamp_ms = batch->base_timestamp_ms;
    head->max_timestamp_ms = batch->max_timestamp_ms;
    td_head_put(head, bytes->data);
    return bytes->data;
}

/* As a stream: other writers of the format do not state the size. */
static td_status inflate_records(td_packer *packer, td_bytes packed) {
    if (packer->inflater == NULL) packer->inflater = ZSTD_createDCtx();
    if (packer->inflater == NULL) return TD_FAIL(TD_RETRY, "no memory for zstd");
    (void)ZSTD_DCtx_reset(packer->inflater, ZSTD_reset_session_only);
    td_buf *bytes = &packer->bytes;
    ZSTD_inBuffer in = {packed.data, packed.size, 0};
    for (bytes->size = 0; bytes->size <= TD_BATCH_MAX_BYTES;) {
        td_buf_reserve(bytes, INFLATE_STEP_BYTES);
        ZSTD_outBuffer out = {bytes->data + bytes->size, bytes->capacity - bytes->size, 0};
        size_t rest = ZSTD_decompressStream(packer->inflater, &out, &in);
        bytes->size += out.pos;
        if (ZSTD_isError(rest)) return TD_CORRUPT;
        if (rest == 0) return in.pos == in.size ? TD_OK : TD_CORRUPT;
        if (in.pos == in.size && out.pos < out.size) return TD_CORRUPT; /* wants more, and there is none */
    }
    return TD_CORRUPT;
}

td_status td_packer_records(td_packer *packer, const td_head *head, const uint8_t *batch, td_bytes *out) {
    *out = (td_bytes){batch + TD_BATCH_HEADER_BYTES, (size_t)head->size_bytes - TD_BATCH_HEADER_BYTES};
    if (head->codec == TD_CODEC_NONE) return TD_OK;
    td_status status = inflate_records(packer, *out);
    *out = td_buf_bytes(&packer->bytes);
    return status;
}
