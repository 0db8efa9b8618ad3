/* src/log/head.c - the head of a record batch as bytes, and its CRC. */
#include "log/head.h"
#include "base/hash.h"

enum { MAGIC_AT = 16, MAGIC = 2 };

static bool is_codec(uint16_t attributes) {
    return attributes == TD_CODEC_NONE || attributes == TD_CODEC_LZ4 || attributes == TD_CODEC_ZSTD;
}

bool td_head_get(const uint8_t *bytes, td_head *out) {
    if (bytes[MAGIC_AT] != MAGIC) return false;
    uint32_t length = td_get_be32(bytes + TD_HEAD_LENGTH_AT);
    uint32_t last = td_get_be32(bytes + 23), records = td_get_be32(bytes + 57);
    uint16_t attributes = td_get_be16(bytes + 21); /* the codec; all other bits are features that we do not write */
    *out = (td_head){
        .base_offset = (int64_t)td_get_be64(bytes),
        .size_bytes = (int64_t)length + TD_HEAD_LENGTH_END,
        .epoch = (int32_t)td_get_be32(bytes + 12),
        .crc = td_get_be32(bytes + TD_HEAD_CRC_AT),
        .codec = is_codec(attributes) ? (td_codec)attributes : TD_CODEC_NONE,
        .count = (int32_t)(last + 1),
        .records = (int32_t)records,
        .base_timestamp_ms = (int64_t)td_get_be64(bytes + 27),
        .max_timestamp_ms = (int64_t)td_get_be64(bytes + 35),
    };
    bool sized = records == 0 ? attributes == TD_CODEC_NONE && out->size_bytes == TD_BATCH_HEADER_BYTES
                              : records == last + 1 && out->size_bytes > TD_BATCH_HEADER_BYTES;
    return sized && out->size_bytes <= TD_BATCH_MAX_BYTES && is_codec(attributes) && last < INT32_MAX &&
           out->base_offset >= 0 && out->base_offset < INT64_MAX - last;
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
    td_put_be32(batch + 57, (uint32_t)head->records);
    td_put_be32(batch + TD_HEAD_CRC_AT,
                td_crc32c(0, batch + TD_HEAD_CRC_END, (size_t)head->size_bytes - TD_HEAD_CRC_END));
}

td_head td_head_hole(int64_t base_offset, int32_t count, int32_t epoch, int64_t timestamp_ms) {
    return (td_head){.base_offset = base_offset,
                     .size_bytes = TD_BATCH_HEADER_BYTES,
                     .epoch = epoch,
                     .count = count,
                     .base_timestamp_ms = timestamp_ms,
                     .max_timestamp_ms = timestamp_ms};
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
                       .left = head->records};
}
