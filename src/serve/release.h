/* src/serve/release.h - what was refused and shall count after all: from places in `quarantine`, or from what fits a
 * choice, to records for the tape. Reads the quarantined records and the tape records that made them, and looks whether
 * the tape holds a release of them already. Appends nothing: that is its user's. In slices of a few thousand records.
 * At most TD_RELEASES_MAX events; more are refused, none is left out in silence. Thread: one. */
#pragma once
#include "log/log.h"
#include "schema/record.h"

enum { TD_RELEASES_MAX = 10000 };

typedef struct td_release_place { /* in `quarantine` */
    uint32_t partition;
    int64_t offset;
} td_release_place;

typedef struct td_release_wish { /* borrowed for the release's life */
    td_topic *tape, *quarantine;
    const td_schema_ids *ids;
    const td_release_place *places;
    size_t place_count;         /* 0: all events that fit: */
    td_bytes instrument, feed;  /* size 0: any */
    td_reason reason;           /* NONE: any */
    int64_t from_ns, before_ns; /* event times */
} td_release_wish;

typedef enum td_release_state {
    TD_RELEASE_READY,   /* nothing stands against it */
    TD_RELEASE_DONE,    /* it is on the tape now; set by the user, as the next two */
    TD_RELEASE_UNTAKEN, /* nobody took it */
    TD_RELEASE_UNSURE,  /* it was taken, and may be on the tape */
    TD_RELEASE_BEFORE,  /* it was released before, or stands twice in the wish */
    TD_RELEASE_NEVER,   /* its reason cannot be passed */
    TD_RELEASE_UNKNOWN, /* `quarantine` holds no record there */
    TD_RELEASE_GONE,    /* the tape no longer holds the event */
    TD_RELEASE_STATES,
} td_release_state;

typedef struct td_release_item {
    td_release_place place;
    td_position tape;  /* the record that was refused; offset -1: not known */
    int64_t of_offset; /* that which it stands for: itself, unless it was a release */
    td_release_state state;
    td_reason reason;
    uint32_t at, key_size, value_size; /* among the texts */
} td_release_item;

typedef struct td_release td_release;

td_release *td_release_new(const td_release_wish *wish);
void td_release_free(td_release *release); /* accepts NULL */
/* TD_AGAIN: call again. TD_OK: each item has its state. TD_REJECT: more than TD_RELEASES_MAX. Others: as the log's. */
TD_CHECKED td_status td_release_step(td_release *release);

/* Once finished: items in the order of partition and tape. */
size_t td_release_items(td_release *release, td_release_item **out);
td_bytes td_release_key(const td_release *release, const td_release_item *item);   /* of what is to be appended */
td_bytes td_release_value(const td_release *release, const td_release_item *item); /* to the tape's partition */
const char *td_release_state_name(td_release_state state);                         /* "released": a literal */
void td_release_put(td_buf *out, const td_release_item *item);                     /* as JSON */
