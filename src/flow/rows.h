/* src/flow/rows.h - a record of an output's topic as a row for sinks. Pure. Thread: any. */
#pragma once
#include "flow/topics.h"
#include "sink/sink.h"

/* `delivered`: whose topic it is (td_topics_delivered). The row borrows from the record, and has its place; `json` is
 * empty. TD_CORRUPT without a trail: it is none of ours.
 */
TD_CHECKED td_status td_row_decode(const td_schema_ids *ids, int delivered, const td_record *record, td_sink_row *out);
