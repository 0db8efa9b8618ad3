/* src/stream/profile.h - the quality of one instrument's data of one feed, day by day: how much came, what was missing,
 * doubled, late or refused, how long it was silent. A plain value of fixed size, all zero before the first event; the
 * days it keeps are the newest TD_PROFILE_DAYS. A day is the exchange's date at the feed's clock (receive time), which
 * never goes back, so that a day that has passed stays as it was. No clock, no file, no allocation. Thread: the
 * owner's. */
#pragma once
#include "base/sketch.h"
#include "base/time.h"
#include "stream/program.h"
#include "stream/seen.h"

enum { TD_PROFILE_DAYS = 15, TD_PROFILE_WEEK = 7 };

#define TD_PROFILE_COUNTS(X)                                                                                           \
    X(TRADES, "trades")                                                                                                \
    X(QUOTES, "quotes")                                                                                                \
    X(PRICES, "prices") /* that are no trades' */                                                                      \
    X(NEWS, "news")                                                                                                    \
    X(NO_BID, "no_bid") /* quotes without that side */                                                                 \
    X(NO_ASK, "no_ask")                                                                                                \
    X(NO_TRADE_ID, "no_trade_id")                                                                                      \
    X(NO_EVENT_TIME, "no_event_time") /* the receive time stands in */                                                 \
    X(NO_EXCHANGE, "no_exchange")     /* empty codes */                                                                \
    X(NO_CONDITION, "no_condition")                                                                                    \
    X(TWO_SIDED, "two_sided") /* quotes with both sides; of those: */                                                  \
    X(LOCKED, "locked")                                                                                                \
    X(CROSSED, "crossed")                                                                                              \
    X(DUPLICATES, "duplicates") /* trades whose id was seen; no part of volume and prices */                           \
    X(AHEAD, "ahead")           /* their time is later than their arrival: a clock is wrong */                         \
    X(LATE, "late")             /* behind the feed's watermark when they came */                                       \
    X(INEXACT, "inexact")                                                                                              \
    X(SUSPICIOUS, "suspicious")                                                                                        \
    X(ANEW, "anew") /* put on the tape anew: counted here alone */

#define TD_PROFILE_MEMBER(name, text) TD_PROFILE_##name,
typedef enum td_profile_count { TD_PROFILE_COUNTS(TD_PROFILE_MEMBER) TD_PROFILE_COUNT_COUNT } td_profile_count;
#undef TD_PROFILE_MEMBER
const char *td_profile_count_name(td_profile_count count); /* "no_bid": a literal */

typedef struct td_profile_day {
    int64_t date;              /* days since 1970 */
    int64_t first_ns, last_ns; /* receive times; 0: none */
    int64_t counts[TD_PROFILE_COUNT_COUNT];
    int64_t refused[TD_REASON_COUNT];   /* by reason, as `quarantine` has it; `late` there means accepted */
    int64_t peak_count, peak_ns;        /* events of the fullest second of the feed's clock */
    int64_t silence_ns, silent_at_ns;   /* longest time without an event within the day, and when it began */
    int64_t spread_median, spread_p99;  /* of two-sided quotes that are not crossed, as prices */
    int64_t delay_p50_ns, delay_p99_ns; /* receive time - event time, where there is an event time */
    int64_t low, high;                  /* of trades, and prices that are none, above 0; TD_NONE: none */
    int64_t step, step_from;            /* largest change from one of those to the next, and the price before it */
    td_i128 volume;                     /* decimal(38,8) */
} td_profile_day;

typedef struct td_profile {
    td_zone zone;     /* of the exchange; set before the first event */
    size_t day_count; /* the newest is the last */
    int64_t end_ns;   /* of the newest day */
    td_profile_day days[TD_PROFILE_DAYS];
    int64_t second_ns, second_count; /* the one being counted */
    int64_t last_price;              /* 0: none yet on the newest day */
    td_sketch spread, delay;         /* of the newest day */
    td_seen seen;
} td_profile;

/* Takes a trade, quote, price or news, whole, as it lies on the tape. `late`: behind its feed's watermark. */
void td_profile_add(td_profile *profile, const td_event *event, int trade_ids, bool late);
/* Takes what a rule refused, or what missed a bar. */
void td_profile_refuse(td_profile *profile, const td_quarantined *refused);
/* A kept day as it stands, quantiles included; `nth` below day_count. */
void td_profile_day_at(const td_profile *profile, size_t nth, td_profile_day *out);
/* The index of that date; day_count: it is not kept. */
size_t td_profile_find(const td_profile *profile, int64_t date);

/* The exchange's date at an instant, as days since 1970. */
static inline int64_t td_zone_date(td_zone zone, int64_t ns) {
    return td_window_start(ns + td_zone_offset_s(zone, ns) * TD_NS_PER_S, TD_NS_PER_DAY) / TD_NS_PER_DAY;
}
static inline int64_t td_profile_events(const td_profile_day *d) {
    return d->counts[TD_PROFILE_TRADES] + d->counts[TD_PROFILE_QUOTES] + d->counts[TD_PROFILE_PRICES] +
           d->counts[TD_PROFILE_NEWS];
}
/* What rules kept out of the bars: all of `refused` but `late`. */
int64_t td_profile_refused(const td_profile_day *day);
