/* src/stream/anomaly.c - numbers of a day as rows: what they are called, and what departure is worth a word. */
#include "stream/anomaly.h"
#include "base/decimal.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

enum { DAYS_LEAST = 3 };
#define DEVIATIONS 5.0
#define MAD_SIGMA  1.4826 /* of a normal distribution */
#define SHARE_MAX  0.01

void td_anomalies_add(td_anomalies *a, const char *number, const char *fmt, ...) {
    va_list args;
    if (a->count == TD_ANOMALIES_MAX) return;
    td_anomaly *added = &a->items[a->count++];
    added->number = number;
    va_start(args, fmt);
    (void)vsnprintf(added->text, sizeof added->text, fmt, args);
    va_end(args);
}

/* ---- the numbers; NAN where a day has none ---- */

static double share(int64_t part, int64_t all) { return all > 0 ? (double)part / (double)all : NAN; }
static double count(const td_profile_day *d, td_profile_count which) { return (double)d->counts[which]; }

static double trades(const td_profile_day *d) { return count(d, TD_PROFILE_TRADES); }
static double quotes(const td_profile_day *d) { return count(d, TD_PROFILE_QUOTES); }
static double prices(const td_profile_day *d) { return count(d, TD_PROFILE_PRICES); }
static double volume(const td_profile_day *d) { return td_decimal_double(d->volume, TD_SIZE_SCALE); }
static double rate(const td_profile_day *d) {
    return d->last_ns > d->first_ns ? (double)td_profile_events(d) * 1e9 / (double)(d->last_ns - d->first_ns) : NAN;
}
static double peak(const td_profile_day *d) { return (double)d->peak_count; }
static double nulls(const td_profile_day *d) {
    return share(d->counts[TD_PROFILE_NO_BID] + d->counts[TD_PROFILE_NO_ASK], 2 * d->counts[TD_PROFILE_QUOTES]);
}
static double spread(const td_profile_day *d) {
    return d->counts[TD_PROFILE_TWO_SIDED] > 0 ? td_decimal_double(d->spread_median, TD_PRICE_SCALE) : NAN;
}
static double delay(const td_profile_day *d) { return (double)d->delay_p99_ns / 1e6; }
static double silence(const td_profile_day *d) { return (double)d->silence_ns / 1e9; }
static double range(const td_profile_day *d) {
    return d->low > 0 ? 100 * td_decimal_double(d->high - d->low, 0) / (double)d->low : NAN;
}
static double step(const td_profile_day *d) {
    return d->step_from > 0 ? 100 * (double)d->step / (double)d->step_from : NAN;
}
static double locked(const td_profile_day *d) {
    return share(d->counts[TD_PROFILE_LOCKED], d->counts[TD_PROFILE_TWO_SIDED]);
}
static double crossed(const td_profile_day *d) {
    return share(d->counts[TD_PROFILE_CROSSED], d->counts[TD_PROFILE_TWO_SIDED]);
}
static double doubled(const td_profile_day *d) {
    return share(d->counts[TD_PROFILE_DUPLICATES], d->counts[TD_PROFILE_TRADES]);
}
static double late(const td_profile_day *d) { return share(d->counts[TD_PROFILE_LATE], td_profile_events(d)); }
static double ahead(const td_profile_day *d) {
    return share(d->counts[TD_PROFILE_AHEAD], td_profile_events(d) - d->counts[TD_PROFILE_NO_EVENT_TIME]);
}
static double refused(const td_profile_day *d) { return share(td_profile_refused(d), td_profile_events(d)); }

/* ---- against the week ---- */

static const struct number {
    const char *name, *unit;
    double (*of)(const td_profile_day *day);
    double least; /* a departure below it is none */
    bool grows;   /* over the day */
} numbers[] = {
    {"trades", "", trades, 20, true},
    {"quotes", "", quotes, 20, true},
    {"prices", "", prices, 20, true},
    {"volume", "", volume, 0, true},
    {"events_per_second", "/s", rate, 0.01, false},
    {"peak_events_per_second", "/s", peak, 20, true},
    {"missing_sides", "", nulls, SHARE_MAX, false},
    {"spread_median", "", spread, 0, false},
    {"locked_share", "", locked, SHARE_MAX, false},
    {"delay_p99", " ms", delay, 100, false},
    {"silence", " s", silence, 60, true},
    {"range", " %", range, 1, true},
    {"largest_step", " %", step, 1, true},
};

static double median(double *values, size_t count_) {
    for (size_t i = 1; i < count_; i++) { /* at most seven */
        double value = values[i];
        size_t at = i;
        for (; at > 0 && values[at - 1] > value; at--) values[at] = values[at - 1];
        values[at] = value;
    }
    return count_ % 2 == 1 ? values[count_ / 2] : (values[count_ / 2 - 1] + values[count_ / 2]) / 2;
}

static void compare(const struct number *n, const td_profile_day *day, const td_profile_day *week, bool over,
                    td_anomalies *out) {
    double values[TD_PROFILE_WEEK], value = n->of(day);
    size_t known = 0;
    for (size_t i = 0; i < out->week_days; i++) {
        double before = n->of(&week[i]);
        if (!isnan(before)) values[known++] = before;
    }
    if (known < DAYS_LEAST || isnan(value)) return;
    double middle = median(values, known);
    for (size_t i = 0; i < known; i++) values[i] = fabs(values[i] - middle);
    double bound = DEVIATIONS * MAD_SIGMA * median(values, known), away = fabs(value - middle);
    if (away <= bound || away <= fabs(middle) / 2 || away <= n->least) return;
    if (value < middle && n->grows && !over) return;
    td_anomalies_add(out, n->name, "%s is %.6g%s, the median of %zu days before is %.6g%s", n->name, value, n->unit,
                     known, middle, n->unit);
}

/* ---- by itself ---- */

static void check_shares(const td_profile_day *day, td_anomalies *out) {
    static const struct {
        const char *name, *of_what;
        double (*of)(const td_profile_day *day);
    } shares[] = {{"crossed_share", "of two-sided quotes are crossed", crossed},
                  {"duplicate_share", "of trades have an id that was seen", doubled},
                  {"ahead_share", "of events have a time later than their arrival: a clock is wrong", ahead},
                  {"late_share", "of events came behind the feed's watermark", late},
                  {"refused_share", "of events are refused by rules", refused}};
    for (size_t i = 0; i < sizeof shares / sizeof shares[0]; i++) {
        double value = shares[i].of(day);
        if (value > SHARE_MAX) /* false for NAN */
            td_anomalies_add(out, shares[i].name, "%.2f %% %s", 100 * value, shares[i].of_what);
    }
}

static void check_nulls(const td_profile_day *day, const td_profile_day *week, td_anomalies *out) {
    static const struct {
        td_profile_count what;
        bool of_trades, of_quotes;
    } kinds[] = {{TD_PROFILE_NO_BID, false, true},      {TD_PROFILE_NO_ASK, false, true},
                 {TD_PROFILE_NO_TRADE_ID, true, false}, {TD_PROFILE_NO_EVENT_TIME, true, true},
                 {TD_PROFILE_NO_EXCHANGE, true, true},  {TD_PROFILE_NO_CONDITION, true, true}};
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        int64_t before = 0, all_before = 0, all = 0;
        for (size_t i = 0; i <= out->week_days; i++) {
            const td_profile_day *d = i < out->week_days ? &week[i] : day;
            int64_t of = (kinds[k].of_trades ? d->counts[TD_PROFILE_TRADES] : 0) +
                         (kinds[k].of_quotes ? d->counts[TD_PROFILE_QUOTES] : 0);
            if (i == out->week_days) {
                all = of;
            } else {
                all_before += of;
                before += d->counts[kinds[k].what];
            }
        }
        double value = share(day->counts[kinds[k].what], all);
        const char *name = td_profile_count_name(kinds[k].what);
        if (all_before > 0 && before == 0 && value > SHARE_MAX)
            td_anomalies_add(out, name, "%s: %.2f %%, and none on the days before", name, 100 * value);
    }
}

void td_anomalies_find(const td_profile *p, size_t nth, bool over, td_anomalies *out) {
    size_t week = nth < TD_PROFILE_WEEK ? nth : TD_PROFILE_WEEK;
    const td_profile_day *before = &p->days[nth - week]; /* all of them have passed: their quantiles stand there */
    td_profile_day day;
    td_profile_day_at(p, nth, &day);
    *out = (td_anomalies){.week_days = week};
    check_shares(&day, out);
    check_nulls(&day, before, out);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) compare(&numbers[i], &day, before, over, out);
}
