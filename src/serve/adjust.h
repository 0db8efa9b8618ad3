/* src/serve/adjust.h - bars in shares of later: an instrument's corporate actions out of the log, and what they make of
 * bars from before them. Exact decimals; what is kept in the log stays as traded. Thread: one. */
#pragma once
#include "log/log.h"
#include "model/bar.h"
#include "schema/place.h"
#include "schema/record.h"
#include "stream/program.h"

typedef enum td_adjusting { TD_ADJUST_NONE, TD_ADJUST_SPLIT, TD_ADJUST_ALL } td_adjusting;

typedef struct td_adjust_question { /* borrowed, the program for the first call alone */
    td_topic *actions;              /* NULL: there are none */
    td_topic *tape;                 /* says when an offset of as_of was */
    const td_schema_ids *ids;
    const td_program *program; /* whose calendars say when a day begins; NULL: in UTC */
    td_bytes instrument;
    td_adjusting how;
    int64_t at_ns;     /* in shares of then: actions up to that instant, */
    int64_t at_offset; /* and up to the instrument's last tick below that offset of the tape; INT64_MAX: its end */
    td_place as_of;    /* those that were known there */
} td_adjust_question;

typedef struct td_adjust td_adjust;

td_adjust *td_adjust_new(const td_adjust_question *question);
void td_adjust_free(td_adjust *adjust); /* accepts NULL */
/* TD_AGAIN: not finished, call again. TD_OK: finished. Other codes: as the log's. */
TD_CHECKED td_status td_adjust_step(td_adjust *adjust);
/* Once finished: splits divide prices and multiply the volume, rounded half to even at 9 and 8 places; the notional
 * stays and vwap is what it is for one share of that volume. With ALL, prices then are less by the dividends that came
 * behind the bar, each as one of the later shares got it, so rounded: a fall by a dividend alone is none. */
void td_adjust_bar(const td_adjust *adjust, td_bar *bar);
