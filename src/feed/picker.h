/* src/feed/picker.h - the values at certain places of a record whose schema is somebody else's: "price",
 * "data.trade.px", "levels.0.1" (of an array the element of that number). Numbers stay text, so that nothing is lost on
 * the way. Plain value; once its buffer has grown it allocates nothing. Thread: one. */
#pragma once
#include "schema/avro_schema.h"

enum { TD_PICKER_MAX = 32, TD_PICKER_DEPTH = 8 };

typedef enum td_picked_kind {
    TD_PICKED_NONE,    /* it is not there, or null */
    TD_PICKED_TEXT,    /* UTF-8 is not promised */
    TD_PICKED_NUMBER,  /* its digits */
    TD_PICKED_INSTANT, /* what the schema says to be one */
    TD_PICKED_OTHER,   /* true, a list, a time of day without the day, … */
} td_picked_kind;

typedef struct td_picked {
    td_picked_kind kind;
    td_bytes text; /* TEXT, NUMBER: lent until the next reading, or as long as the record */
    int64_t ns;    /* INSTANT: since 1970 */
    bool nan;      /* OTHER: it is not a number, which some write where they have none */
} td_picked;

typedef struct td_picker_path {
    char *text; /* with a NUL for each dot */
    size_t depth;
    td_bytes parts[TD_PICKER_DEPTH];
} td_picker_path;

typedef struct td_picker { /* {0} is an empty one */
    td_picker_path paths[TD_PICKER_MAX];
    size_t count;
    td_buf texts; /* of the last record: values without their escapes */
} td_picker;

/* TD_CONFIG with a trail: it is no path, or one too many. Its value is out[n] of the n-th that was added. */
TD_CHECKED td_status td_picker_add(td_picker *picker, const char *path);
void td_picker_fini(td_picker *picker);
/* False: it is not one JSON object, and `out` says nothing. Of keys that are there twice the last counts. */
bool td_picker_read_json(td_picker *picker, td_bytes record, td_picked out[TD_PICKER_MAX]);
/* The same of Avro, written by that schema, as a whole. False: it is not. A value of a union is that of its branch, a
 * map's is called by its key; decimals, dates and timestamps are what their logical types say. */
bool td_picker_read_avro(td_picker *picker, const td_avro_schema *schema, td_bytes record,
                         td_picked out[TD_PICKER_MAX]);
/* The same of the record that they begin with; they are those behind it afterwards. */
bool td_picker_take_avro(td_picker *picker, const td_avro_schema *schema, td_bytes *records,
                         td_picked out[TD_PICKER_MAX]);
