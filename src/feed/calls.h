/* src/feed/calls.h - what a vendor is to be asked for, call by call: which one is next, what the log holds of each, how
 * much of all is done. A call of a month that is long over is asked for once; what still grows is asked for again after
 * `refresh`, a price after `quote_interval`. Pure: it is told the time. Thread: the feed's.
 *
 * The calls of months stand in the order of the months, so that all symbols come along together, behind those of days.
 */
#pragma once
#include "base/time.h"
#include "feed/feed.h"

typedef enum td_call_kind { TD_CALL_MONTH, TD_CALL_DAYS, TD_CALL_PRICE } td_call_kind;

typedef struct td_call {
    uint8_t kind;                  /* td_call_kind */
    bool refused;                  /* the vendor does not give it: not asked for again */
    uint8_t failures;              /* in a row */
    const char *symbol, *interval; /* borrowed of the settings; of a PRICE no interval */
    int32_t month;                 /* of a MONTH: since January 1970 */
    char *name;                    /* "IBM 1min 2024-01": by which the log knows it */
    int64_t held_ns;               /* the newest event that the log holds; TD_NONE: none */
    int64_t due_ns;                /* not to be asked for before */
    uint64_t said;                 /* of a PRICE: a hash of the last one; 0: there was none */
} td_call;

typedef struct td_calls td_calls;

typedef struct td_calls_ops { /* the vendor's words */
    td_zone zone;             /* of its days */
    const char *daily;        /* its interval of a day: what is asked for where nothing is said */
    bool (*width)(td_bytes interval, int64_t *out_ns);
} td_calls_ops;

/* Errors: TD_CONFIG names the key. `conf` and `ops` are borrowed. */
TD_CHECKED td_status td_calls_new(td_calls **out, const td_feed_conf *conf, const td_calls_ops *ops, int64_t now_ns);
void td_calls_free(td_calls *calls); /* accepts NULL */
/* What the log says; names that are not asked for any more are passed over. */
void td_calls_hold(td_calls *calls, const td_feed_answer *answer);
/* The one to ask for now, prices in turn with the others; NULL: none is due. Valid until the next such call. */
td_call *td_calls_next(td_calls *calls, int64_t now_ns);
/* It has been answered as a whole; or there was no answer: it waits, longer each time, lest it stand in others' way. */
void td_calls_take(td_calls *calls, td_call *call, int64_t asked_ns);
void td_calls_fail(td_calls *calls, td_call *call, int64_t now_ns);

typedef struct td_calls_count { /* of those that are no prices */
    size_t all, done, refused;  /* done: there is nothing to ask for now, the refused among them */
} td_calls_count;
td_calls_count td_calls_counted(const td_calls *calls, int64_t now_ns);
/* When the next one is due; INT64_MAX: never. */
int64_t td_calls_due_ns(const td_calls *calls);
/* Its first instant; "2024-01" of it. */
int64_t td_month_start_ns(td_zone zone, int32_t month);
size_t td_month_format(int32_t month, char out[16]);
