/* src/model/bar.h - what traded in one instrument during [start_ns, end_ns). A plain value. Open and close are the
 * first and last trade in the order (event time, trade id, arrival). vwap = notional / volume, half-even at 9 decimals.
 */
#pragma once
#include "base/decimal.h"

typedef struct td_bar {
    int64_t start_ns, end_ns;       /* end_ns - start_ns is the width */
    int64_t open, high, low, close; /* decimal(19,9)  */
    int64_t vwap;                   /* decimal(19,9)  */
    td_i128 volume;                 /* decimal(38,8)  */
    td_i128 notional;               /* decimal(38,17) */
    int64_t trade_count;
    int64_t known_at_ns; /* receive time (or clock) of the record that closed it */
    int32_t revision;    /* 0: the first final result */
    uint32_t instrument; /* index in the owner's instrument table */
} td_bar;
