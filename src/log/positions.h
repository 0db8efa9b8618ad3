/* src/log/positions.h - how the embedded log makes a commit one step: the topic `_positions.<writer>`, one partition.
 * Private to log/. Each commit appends one record to it: the positions that this writer has committed, and the end of
 * every partition whose last transaction is its own. A crash leaves such a record whole or not at all.
 *
 * After a start the last record whose ends all still hold decides: what lies beyond them in those partitions was never
 * committed, or lost its commit, and is cut; later records are cut too. A partition is named in a record, durably,
 * before its first byte is written, so that no tail stands uncovered; and durable before that is all that the writer
 * before has committed, of which this partition is only a part. A sync round makes the partitions durable before the
 * records that cover them, and publishes both together or neither: what is synced is never cut.
 *
 * A record's value: version (1 byte), generation (8), counts of positions and of ends (4 each), then the places: size
 * of the topic's name (1), name, partition (4), epoch (4), offset (8); big-endian. */
#pragma once
#include "log/log_private.h"

#define TD_POSITIONS_PREFIX "_positions."
enum { TD_POSITIONS_SEGMENT_BYTES = 4 * 1024 * 1024, TD_WRITER_NAME_MAX = 64 };

typedef struct td_place {
    td_bytes topic;
    uint32_t partition;
    td_position position;
} td_place;

typedef struct td_positions { /* a record's value, as read */
    int64_t generation;
    uint32_t mark_count, end_count;
    td_bytes marks, ends; /* places; see td_place_get */
} td_positions;

void td_positions_put(td_buf *out, int64_t generation, uint32_t mark_count, uint32_t end_count);
void td_place_put(td_buf *out, const td_place *place); /* marks first, then ends */
bool td_positions_get(td_bytes value, td_positions *out);
/* Takes the next place; false at the end. */
bool td_place_get(td_bytes *places, td_place *out);

/* The value of the last record of a positions topic or, with `holding`, of the last one whose ends all hold; and the
 * offset behind it. TD_AGAIN: there is none; the offset is then the start. Errors: TD_RETRY, TD_CORRUPT. */
TD_CHECKED td_status td_positions_last(const td_topic *positions, bool holding, td_buf *out_value, int64_t *out_next);
/* At open: cuts what was not committed. Errors: TD_RETRY. */
TD_CHECKED td_status td_positions_settle(td_segment_log *log);
/* Before a partition is cut there: each last record whose end of it lies beyond once again, with that end, durable.
 * Else a start behind the cut would take that commit for lost, and cut all that it covers, synced or not. At start
 * only. Errors: TD_RETRY, TD_CORRUPT. */
TD_CHECKED td_status td_positions_renew(const td_segment_log *log, td_partition *partition, int64_t offset);
/* Read-only: looks anew how far each partition is committed. Errors: TD_RETRY. */
TD_CHECKED td_status td_positions_look(const td_segment_log *log);
