/* src/model/refusal.h - why something was refused: `rejected` is ingest's (it could not become an event), `quarantine`
 * is the worker's (an event on the tape that a rule refused, or that came too late for a window). Plain values. */
#pragma once
#include "model/event.h"
#include "model/width.h"

typedef enum td_reason {
    TD_REASON_NONE,
    TD_REASON_MALFORMED,    /* bytes that are not the format: cut JSON, missing column   */
    TD_REASON_RANGE,        /* a number that int64 at its scale cannot hold              */
    TD_REASON_UNREADABLE,   /* a file that cannot be opened or unpacked to its end       */
    TD_REASON_NON_POSITIVE, /* rule: price or size is not above 0                        */
    TD_REASON_LATE,         /* accepted, but missed windows that were final; see widths  */
    TD_REASON_OVERFLOW,     /* rule: the window's sums would leave their decimals        */
    TD_REASON_AHEAD,        /* rule: its time is further ahead of its arrival than may be */
    TD_REASON_CROSSED,      /* rule: the best bid is above the best ask                  */
    TD_REASON_OUTLIER,      /* rule: a price far from all the recent ones                */
    TD_REASON_INSTRUMENT,   /* rule: the feed has named more instruments than it may     */
    TD_REASON_COUNT,
} td_reason;

const char *td_reason_name(td_reason reason);        /* "malformed", "non-positive", …: literals */
bool td_reason_parse(td_bytes name, td_reason *out); /* false: nobody's name */
/* An event that was refused for it can be put on the tape again, past that rule. Not: what was accepted (late), and
 * what no bar can be made of. */
bool td_reason_is_releasable(td_reason reason);

enum { TD_REJECTED_BYTES_MAX = 64 * 1024 };

/* Value of topic `rejected`. */
typedef struct td_rejected {
    td_bytes feed, source; /* source: the file's base name, or "" */
    td_source_position position;
    int64_t receive_ns;
    uint8_t reason;  /* td_reason */
    td_bytes detail; /* a short text for people */
    td_bytes bytes;  /* as received, of a message that says several things the one refused; cut to 64 KB */
} td_rejected;

enum { TD_WIDTHS_MAX = 8 };

/* Value of topic `quarantine`. */
typedef struct td_quarantined {
    td_event event;
    td_bytes feed;
    uint8_t reason; /* td_reason */
    uint8_t missed_count;
    int64_t missed_width_ns[TD_WIDTHS_MAX]; /* for `late` */
    int64_t known_at_ns;
} td_quarantined;

enum { TD_MISSED_TEXT_MAX = TD_WIDTHS_MAX * TD_WIDTH_TEXT_MAX };
/* "1s 5m", or "" where none is; returns its size. */
size_t td_missed_format(const int64_t *widths_ns, unsigned count, char out[TD_MISSED_TEXT_MAX]);
