/* src/serve/show.h - a record of the log as JSON, for people and scripts: of `tapedeck log cat` and of the API. Pure.
 */
#pragma once
#include "log/log.h"
#include "schema/record.h"

typedef struct td_shown {
    const char *topic;
    uint32_t partition;
    const td_record *record;
    size_t value_bytes; /* where the record holds but the first bytes of its value: how many there are; 0: it has all */
} td_shown;

/* Appends {"topic":…,"partition":…,"offset":…,"epoch":…,"timestamp":…,"key":…,"src", "cause", "headers" as far as there
 * are any,"value":…} in one line, without its end. A value of our schemas is an object, JSON stays JSON, other text is
 * a string; bytes that are none of these are "value_hex", and "undecoded" says why. */
void td_show_record(td_buf *out, const td_schema_ids *ids, const td_shown *shown);
