/* src/schema/cause.h - why a record was appended, as its header says. Of a tape record: its source position (header
 * `src`). Of an output: topic, partition, epoch, offset and ordinal of what made it (header `cause`, text for people
 * and other tools: "tape/3/0/12345/0"). Plain values. */
#pragma once
#include "base/bytes.h"
#include "model/event.h"

#define TD_SRC_HEADER   TD_TEXT("src")
#define TD_CAUSE_HEADER TD_TEXT("cause")
enum { TD_SRC_MAX = 25, TD_CAUSE_MAX = 64 };

typedef struct td_cause {
    uint32_t partition;
    int32_t epoch;
    int64_t offset;
    uint32_t ordinal; /* counts the outputs of one record, over all topics */
} td_cause;

/* A part is written where it is not 0. */
size_t td_src_put(td_source_position position, uint8_t out[TD_SRC_MAX]);
bool td_src_get(td_bytes header, td_source_position *out);
size_t td_cause_put(const td_cause *cause, char out[TD_CAUSE_MAX]);
bool td_cause_get(td_bytes header, td_cause *out);
/* Order of outputs within a partition: by offset, then ordinal. */
int td_cause_compare(const td_cause *a, const td_cause *b);
