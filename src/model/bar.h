/* src/model/bar.h - what traded in one instrument during [start_ns, end_ns). A plain value. One by count or volume
 * begins with its first trade and ends a nanosecond behind its last; where several trades have one time, the next such
 * bars end a nanosecond later each. Open and close are the first and last trade in the order (event time, trade id,
 * arrival). vwap = notional / volume, half-even at 9 decimals. Of a filled width one in which nothing traded has the
 * close before it for all of its prices, and neither volume nor trades.
 */
#pragma once
#include "model/width.h"

typedef enum td_quality { TD_QUALITY_COMPLETE, TD_QUALITY_PARTIAL, TD_QUALITY_REPAIRED } td_quality;
typedef enum td_evidence { TD_EVIDENCE_ASSUMED, TD_EVIDENCE_PROVEN } td_evidence; /* PROVEN: trade ids say so */

typedef struct td_bar {
    int64_t start_ns, end_ns;       /* less than the width apart where a session cuts the window */
    int64_t width_ns;               /* as configured (width.h): with instrument and start what names the bar */
    int64_t open, high, low, close; /* decimal(19,9)  */
    int64_t vwap;                   /* decimal(19,9)  */
    td_i128 volume;                 /* decimal(38,8)  */
    td_i128 notional;               /* decimal(38,17) */
    int64_t trade_count;
    int64_t known_at_ns; /* receive time (or clock) of the record that closed it */
    int32_t revision;    /* 0: the first final result */
    uint32_t instrument; /* index in the owner's instrument table */
    uint8_t quality;     /* td_quality  */
    uint8_t evidence;    /* td_evidence */
} td_bar;

/* Words as published: "complete", "assumed". Literals. */
const char *td_quality_name(td_quality quality);
const char *td_evidence_name(td_evidence evidence);
