/* src/serve/survey_json.c - a survey's row as an object of JSON; docs/api.md says what its members mean. */
#include "base/decimal.h"
#include "base/json.h"
#include "base/time.h"
#include "serve/survey.h"
#include <inttypes.h>

static void put_decimal(td_buf *out, const char *name, td_i128 m, int scale, bool known) {
    char text[TD_DECIMAL_TEXT_MAX];
    (void)td_decimal_format(m, scale, false, text);
    td_buf_printf(out, ",\"%s\":%s%s%s", name, known ? "\"" : "", known ? text : "null", known ? "\"" : "");
}

static void put_instant(td_buf *out, const char *name, int64_t ns, bool known) {
    char text[40];
    (void)td_time_format(ns, text);
    td_buf_printf(out, ",\"%s\":%s%s%s", name, known ? "\"" : "", known ? text : "null", known ? "\"" : "");
}

static void put_reasons(td_buf *out, const td_survey_row *row) {
    const char *comma = "";
    td_buf_printf(out, ",\"%s\":{", row->instrument.size > 0 ? "quarantined" : "rejected");
    for (int r = 0; r < TD_REASON_COUNT; r++) {
        if (row->day.refused[r] == 0) continue;
        td_buf_printf(out, "%s\"%s\":%" PRId64, comma, td_reason_name((td_reason)r), row->day.refused[r]);
        comma = ",";
    }
    td_buf_text(out, "}");
}

static void put_numbers(td_buf *out, const td_profile_day *d) {
    for (int c = 0; c < TD_PROFILE_COUNT_COUNT; c++)
        td_buf_printf(out, ",\"%s\":%" PRId64, td_profile_count_name((td_profile_count)c), d->counts[c]);
    bool any = d->first_ns != 0, spread = d->counts[TD_PROFILE_TWO_SIDED] > d->counts[TD_PROFILE_CROSSED];
    double seconds = (double)(d->last_ns - d->first_ns) / (double)TD_NS_PER_S;
    put_instant(out, "first", d->first_ns, any);
    put_instant(out, "last", d->last_ns, any);
    td_buf_printf(out, ",\"events_per_second\":%.6g,\"peak_events_per_second\":%" PRId64,
                  seconds > 0 ? (double)td_profile_events(d) / seconds : 0.0, d->peak_count);
    put_instant(out, "peak", d->peak_ns, any);
    td_buf_printf(out, ",\"silence_s\":%.3f", (double)d->silence_ns / (double)TD_NS_PER_S);
    put_instant(out, "silence", d->silent_at_ns, d->silence_ns > 0);
    put_decimal(out, "spread_median", d->spread_median, TD_PRICE_SCALE, spread);
    put_decimal(out, "spread_p99", d->spread_p99, TD_PRICE_SCALE, spread);
    td_buf_printf(out, ",\"delay_p50_ms\":%.6g,\"delay_p99_ms\":%.6g", (double)d->delay_p50_ns / 1e6,
                  (double)d->delay_p99_ns / 1e6);
    put_decimal(out, "low", d->low, TD_PRICE_SCALE, d->low != TD_NONE);
    put_decimal(out, "high", d->high, TD_PRICE_SCALE, d->low != TD_NONE);
    put_decimal(out, "largest_step", d->step, TD_PRICE_SCALE, d->low != TD_NONE);
    put_decimal(out, "volume", d->volume, TD_SIZE_SCALE, true);
}

void td_survey_put_row(td_buf *out, const td_survey_row *row) {
    char day[40];
    (void)td_time_format(row->day.date * TD_NS_PER_DAY, day);
    td_buf_text(out, "{\"feed\":");
    td_json_put_string(out, row->feed);
    td_buf_text(out, ",\"instrument\":");
    if (row->instrument.size > 0)
        td_json_put_string(out, row->instrument);
    else
        td_buf_text(out, "null");
    td_buf_printf(out, ",\"day\":\"%.10s\",\"over\":%s", day, row->over ? "true" : "false");
    if (row->instrument.size > 0) put_numbers(out, &row->day);
    put_reasons(out, row);
    td_buf_printf(out, ",\"week_days\":%zu,\"anomalies\":[", row->anomalies.week_days);
    for (size_t i = 0; i < row->anomalies.count; i++) {
        td_buf_printf(out, "%s{\"number\":\"%s\",\"text\":", i > 0 ? "," : "", row->anomalies.items[i].number);
        td_json_put_string(out, td_text(row->anomalies.items[i].text));
        td_buf_text(out, "}");
    }
    td_buf_text(out, "]}");
}
