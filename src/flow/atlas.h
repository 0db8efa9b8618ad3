/* src/flow/atlas.h - where the records of a log are in a copy of it. A copy has the same records of each partition in
 * the same order, but at other offsets (Kafka's transactions leave holes, retention took what was before) and in other
 * epochs; whatever names a place of the log has to name that of the copy. An atlas has a sheet for each partition whose
 * places are named: of the tape and of `rejected`. Memory: 24 bytes for each hole. Thread: the owner's. */
#pragma once
#include "log/log.h"

typedef struct td_sheet {               /* of one partition */
    td_buf original, copy;              /* stretches of records without a hole between them */
    int64_t original_count, copy_count; /* records, from the first that is known on */
    int64_t begin;                      /* the log knows nothing below this offset any more */
    int64_t passed;                     /* all of the log below this offset is known */
    int64_t ahead; /* of the copy's records so many stand before the log's first: the log had them once */
} td_sheet;

typedef struct td_atlas {
    uint32_t partitions;
    td_sheet *tape, *rejected; /* by partition */
} td_atlas;

void td_atlas_init(td_atlas *atlas, uint32_t partitions);
void td_atlas_fini(td_atlas *atlas);
/* NULL: nothing names a place of it. */
td_sheet *td_atlas_sheet(const td_atlas *atlas, td_bytes topic, uint32_t partition);

/* The next record of the log, or of the copy, is there. */
void td_sheet_note_original(td_sheet *sheet, int64_t offset);
void td_sheet_note_copy(td_sheet *sheet, td_position at);

/* Where in the copy the log's first record at or behind the offset is. What the log has lost is where the copy's record
 * before its first is, or else its first. TD_AGAIN: it is not known yet. */
TD_CHECKED td_status td_sheet_at(const td_sheet *sheet, int64_t offset, td_position *out);
/* The position in the copy behind all records below the offset. TD_AGAIN: they are not all known yet. */
TD_CHECKED td_status td_sheet_behind(const td_sheet *sheet, int64_t offset, td_position *out);
