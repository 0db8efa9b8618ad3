/* src/sink/retention.h - how long a store keeps ticks: of the tables by time (table.h), what is older than so long
 * before the newest row that came, by the instants of rows and no clock. What is to go is told once for each day of UTC
 * that the newest row of a table reaches, and again where that failed. Pure. Thread: its owner's. */
#pragma once
#include "base/time.h"
#include "sink/table.h"

typedef struct td_retention {
    int64_t retain_ns;           /* 0: all is kept */
    int64_t day[TD_TABLE_COUNT]; /* that the newest row has reached, from 1 on; 0: none has come */
} td_retention;

/* These rows come, all of one table. True: then what is before *out_before_ns goes. */
bool td_retention_is_due(td_retention *retention, const td_sink_row *rows, size_t count, int64_t *out_before_ns);
/* What was told has not gone. */
static inline void td_retention_forget(td_retention *retention) { memset(retention->day, 0, sizeof retention->day); }

#define TD_RETAIN_TIME_OPTION                                                                                          \
    {                                                                                                                  \
        .key = "retain_time", .type = TD_OPTION_DURATION, .fallback = "0s", .max = 36500.0 * (double)TD_NS_PER_DAY,    \
        .offset = offsetof(td_sink_conf, retain_ns),                                                                   \
        .help = "trades and quotes that are so much older than the newest go, once a day; 0s: all stay"                \
    }
