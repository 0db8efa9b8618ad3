/* src/app/log_show.h - a record of the log as one line of JSON, for people and scripts. */
#pragma once
#include "log/log.h"
#include "schema/registry.h"

/* Appends {"topic":…,"partition":…,"offset":…,"epoch":…,"timestamp":…,"key":…,"src" or "cause":…,"value":…} and a line
 * feed. A value of our schemas is an object, JSON stays JSON, other text is a string; bytes that are none of these are
 * "value_hex". */
void td_log_show(td_buf *out, const td_schema_ids *ids, const char *topic, uint32_t partition, const td_record *record);
