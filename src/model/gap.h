/* src/model/gap.h - what is missing of one instrument between two event times. A plain value; texts are borrowed. A gap
 * is told anew with each change: the last record of (instrument, number) is how it stands. */
#pragma once
#include "model/event.h"

typedef enum td_gap_reason {
    TD_GAP_SESSION,  /* the feed was cut off */
    TD_GAP_IDS,      /* the venue counts its trades, and numbers are missing */
    TD_GAP_SILENCE,  /* nothing came while the venue was open */
    TD_GAP_SEQUENCE, /* the venue numbers what it says of a book, and numbers are missing: no bar's */
    TD_GAP_REASON_COUNT,
} td_gap_reason;

typedef enum td_gap_status {
    TD_GAP_OPEN,
    TD_GAP_FILLED, /* nothing is missing any more, or nothing was */
    TD_GAP_LOST,   /* what is missing will not come */
    TD_GAP_STATUS_COUNT,
} td_gap_status;

typedef struct td_gap {
    td_bytes feed;
    uint32_t instrument;       /* index in the owner's table */
    int64_t number;            /* from 1, per instrument */
    int64_t from_ns, to_ns;    /* event times around it; to_ns TD_NONE while nothing behind it is known */
    int64_t first_id, last_id; /* that were missing when it opened; TD_NONE where ids do not tell; SEQUENCE: numbers */
    int64_t missing;           /* trades still missing; TD_NONE where ids do not tell */
    int64_t filled;            /* trades that came for it afterwards */
    int64_t known_at_ns;
    uint8_t reason, status; /* td_gap_reason, td_gap_status */
} td_gap;

/* Words as published: "session", "open". Literals. */
const char *td_gap_reason_name(td_gap_reason reason);
const char *td_gap_status_name(td_gap_status status);
