/* src/log/head.h - the 61 bytes before a batch's records: read, write, seal. Private to log/. Thread: any. */
#pragma once
#include "log/batch.h"

enum {
    TD_HEAD_LENGTH_AT = 8, /* bytes before what Kafka's batchLength counts: 8 + 4 */
    TD_HEAD_LENGTH_END = 12,
    TD_HEAD_CRC_AT = 17,
    TD_HEAD_CRC_END = 21, /* the CRC covers from here to the end of the batch */
    TD_BATCH_MAX_BYTES = 256 * 1024 * 1024,
};

typedef struct td_head {
    int64_t base_offset;
    int64_t size_bytes; /* of the whole batch, head included */
    int32_t epoch;
    uint32_t crc;
    td_codec codec;
    int32_t count;   /* of offsets that it takes */
    int32_t records; /* that it holds: as many, or 0 where a repair left a hole */
    int64_t base_timestamp_ms, max_timestamp_ms;
} td_head;

static inline int64_t td_head_next_offset(const td_head *head) { return head->base_offset + head->count; }

/* Reads TD_BATCH_HEADER_BYTES bytes. False when they cannot be the head of a batch of ours: wrong magic, size, codec or
 * counts. The CRC is not looked at. */
bool td_head_get(const uint8_t *bytes, td_head *out);
/* Writes the head in front of the records that lie behind it already, CRC included. */
void td_head_put(const td_head *head, uint8_t *batch);
/* A batch without records that takes `count` offsets, TD_BATCH_HEADER_BYTES long: as Kafka's compaction leaves one. */
td_head td_head_hole(int64_t base_offset, int32_t count, int32_t epoch, int64_t timestamp_ms);
bool td_head_crc_ok(const td_head *head, const uint8_t *batch);

/* The cursor over a checked, uncompressed batch; `records` follow the head or were inflated from it. */
td_cursor td_head_cursor(const td_head *head, td_bytes records);
