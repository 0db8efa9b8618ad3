/* src/log/batch.h - Kafka's record batch, version 2: builder and cursor. Source: Kafka protocol, "Record Batch".
 * The builder owns its memory and is reused; the cursor borrows bytes that must outlive it. Thread: one owner each. */
#pragma once
#include "base/bytes.h"

typedef enum td_codec { TD_CODEC_NONE = 0, TD_CODEC_ZSTD = 4 } td_codec; /* Kafka's numbers */

enum { TD_BATCH_HEADER_BYTES = 61 };

typedef struct td_batch {
    td_buf bytes; /* header room, then the records, uncompressed */
    size_t capacity_bytes;
    int32_t count;
    int64_t base_timestamp_ms, max_timestamp_ms;
} td_batch;

void td_batch_init(td_batch *batch, size_t capacity_bytes);
void td_batch_fini(td_batch *batch);
void td_batch_reset(td_batch *batch);
/* Adds one record with at most one header (header_name.size == 0: none). A key with data == NULL is Kafka's null key.
 * False when it would pass the capacity and the batch is not empty: append the batch, reset it, add again. A record
 * larger than the capacity is taken into an empty batch. */
bool td_batch_add(td_batch *batch, int64_t timestamp_ms, td_bytes key, td_bytes value, td_bytes header_name,
                  td_bytes header_value);

typedef struct td_record { /* borrowed from the reader until its next call */
    int64_t offset;
    int64_t timestamp_ms;
    int32_t epoch;
    td_bytes key, value; /* key.data == NULL: null key */
    td_bytes headers;    /* raw: count, then name and value each; see td_record_header */
} td_record;

/* The value of the first header of that name; data == NULL when there is none. */
td_bytes td_record_header(const td_record *record, td_bytes name);
