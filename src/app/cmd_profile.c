/* src/app/cmd_profile.c - a survey of the whole log as one screen, the worst first, or as JSON for scripts. */
#include "app/cmd_profile.h"
#include "app/data.h"
#include "app/exit.h"
#include "app/progress.h"
#include "base/decimal.h"
#include "base/time.h"
#include "flow/programs.h"
#include "serve/survey.h"
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

enum { SERIES_MAX = 65536, STEP_RECORDS = 1 << 18, SCREEN_ROWS = 20 };

typedef struct profile_conf {
    td_data_conf log;
    char *feed, *instrument, *day;
    bool all, json, strict;
} profile_conf;

typedef struct tally {
    size_t anomalous;
    td_survey_state state;
} tally;

/* ---- for people ---- */

static void put_share(td_buf *out, int64_t part, int64_t all) {
    if (all > 0)
        td_buf_printf(out, " %6.2f", 100 * (double)part / (double)all);
    else
        td_buf_printf(out, " %6s", "-");
}

static void put_row(td_buf *out, const td_survey_row *row) {
    const td_profile_day *d = &row->day;
    const int64_t *counts = d->counts;
    char day[40], spread[TD_DECIMAL_TEXT_MAX] = "-";
    double seconds = (double)(d->last_ns - d->first_ns) / 1e9;
    int64_t sides = 2 * counts[TD_PROFILE_QUOTES];
    (void)td_time_format(d->date * TD_NS_PER_DAY, day);
    if (counts[TD_PROFILE_TWO_SIDED] > counts[TD_PROFILE_CROSSED])
        (void)td_decimal_format(d->spread_median, TD_PRICE_SCALE, false, spread);
    td_buf_printf(out, "%-24.*s %.10s %9" PRId64 " %9" PRId64 " %9" PRId64 " %7.1f %6" PRId64,
                  (int)row->instrument.size, (const char *)row->instrument.data, day, counts[TD_PROFILE_TRADES],
                  counts[TD_PROFILE_QUOTES], counts[TD_PROFILE_PRICES],
                  seconds > 0 ? (double)td_profile_events(d) / seconds : 0.0, d->peak_count);
    put_share(out, counts[TD_PROFILE_NO_BID] + counts[TD_PROFILE_NO_ASK], sides);
    td_buf_printf(out, " %9.9s", spread);
    put_share(out, counts[TD_PROFILE_CROSSED], counts[TD_PROFILE_TWO_SIDED]);
    put_share(out, counts[TD_PROFILE_DUPLICATES], counts[TD_PROFILE_TRADES]);
    put_share(out, counts[TD_PROFILE_LATE], td_profile_events(d));
    put_share(out, td_profile_refused(d), td_profile_events(d));
    td_buf_printf(out, " %7.0f %7.0f\n", (double)d->delay_p99_ns / 1e6, (double)d->silence_ns / 1e9);
}

static void put_feed(td_buf *out, const td_survey_row *row) {
    char day[40];
    (void)td_time_format(row->day.date * TD_NS_PER_DAY, day);
    td_buf_printf(out, "%-24.*s %.10s rejected:", (int)row->feed.size, (const char *)row->feed.data, day);
    for (int r = 0; r < TD_REASON_COUNT; r++)
        if (row->day.refused[r] > 0)
            td_buf_printf(out, " %" PRId64 " %s", row->day.refused[r], td_reason_name((td_reason)r));
    td_buf_text(out, "\n");
}

static void put_table(td_buf *out, const td_survey_row *rows, size_t count, size_t shown) {
    td_buf_printf(out, "%-24s %-10s %9s %9s %9s %7s %6s %6s %9s %6s %6s %6s %6s %7s %7s\n", "instrument", "day",
                  "trades", "quotes", "prices", "/s", "peak/s", "null %", "spread", "cross%", "dup %", "late %",
                  "ref. %", "p99 ms", "silence");
    for (size_t i = 0; i < shown; i++) {
        if (rows[i].instrument.size > 0)
            put_row(out, &rows[i]);
        else
            put_feed(out, &rows[i]);
        for (size_t a = 0; a < rows[i].anomalies.count; a++)
            td_buf_printf(out, "  ! %s\n", rows[i].anomalies.items[a].text);
    }
    if (shown < count) td_buf_printf(out, "%zu more rows: --all shows them\n", count - shown);
}

static void put_summary(td_buf *out, const tally *t, size_t count) {
    td_buf_printf(out, "%zu rows, %zu with anomalies; %" PRId64 " records read\n", count, t->anomalous,
                  t->state.read_records);
    if (t->state.unprofiled > 0)
        td_buf_printf(out, "%" PRId64 " events are of instruments beyond the first %d\n", t->state.unprofiled,
                      SERIES_MAX);
    if (t->state.corrupt > 0)
        td_buf_printf(out, "%" PRId64 " partitions are corrupt and were read in part: `tapedeck log verify`\n",
                      t->state.corrupt);
}

/* ---- for programs ---- */

static void put_json(td_buf *out, const tally *t, const td_survey_row *rows, size_t count) {
    td_buf_printf(out, "{\"rows\":[");
    for (size_t i = 0; i < count; i++) {
        td_buf_text(out, i > 0 ? ",\n" : "\n");
        td_survey_put_row(out, &rows[i]);
    }
    td_buf_printf(
        out, "],\n\"anomalous\":%zu,\"read_records\":%" PRId64 ",\"unprofiled\":%" PRId64 ",\"corrupt\":%" PRId64 "}\n",
        t->anomalous, t->state.read_records, t->state.unprofiled, t->state.corrupt);
}

/* ---- the command ---- */

static td_status read_log(td_survey *survey) {
    bool terminal = isatty(STDERR_FILENO) == 1;
    int64_t begin_ns = td_os_posix.ops->mono_ns(td_os_posix.self);
    td_status status;
    while ((status = td_survey_step(survey, STEP_RECORDS)) == TD_OK) {
        td_survey_state state;
        char text[TD_PROGRESS_MAX];
        if (!terminal) continue;
        td_survey_state_of(survey, &state);
        td_progress_text("records read", state.read_records, state.all_records,
                         td_os_posix.ops->mono_ns(td_os_posix.self) - begin_ns, text);
        (void)fprintf(stderr, "\r%s\033[K", text);
    }
    if (terminal) (void)fputs("\r\033[K", stderr);
    return status == TD_AGAIN ? TD_OK : status;
}

static tally show(const profile_conf *conf, const td_survey *survey, int64_t date) {
    tally t = {0};
    size_t count;
    td_survey_row *rows = td_survey_rows(survey, date, &count);
    td_buf out = {0};
    td_survey_state_of(survey, &t.state);
    for (size_t i = 0; i < count; i++) t.anomalous += rows[i].anomalies.count > 0;
    size_t shown = conf->all || count < SCREEN_ROWS ? count : SCREEN_ROWS;
    if (conf->json)
        put_json(&out, &t, rows, count);
    else
        put_table(&out, rows, count, shown);
    if (!conf->json) put_summary(&out, &t, count);
    (void)fwrite(out.data, 1, out.size, stdout);
    td_buf_fini(&out);
    free(rows);
    return t;
}

/* The settings of feeds that hold at the end of the tape. */
static td_status load_program(const td_topics *topics, td_program **out) {
    uint8_t sha256[TD_PROGRAM_SHA_BYTES];
    td_status status = td_program_at(topics, 0, td_topic_end(topics->tape, 0), sha256);
    return status == TD_OK ? td_program_load(topics, sha256, out) : status;
}

static td_status profile(const profile_conf *conf, const td_data_conf *which, tally *out) {
    td_data data;
    td_program *program = NULL;
    td_survey *survey = NULL;
    int64_t date = TD_NONE;
    if (conf->day != NULL && td_date_parse(td_text(conf->day), &date) != TD_OK)
        return TD_FAIL(TD_CONFIG, "--day: \"%s\" is not a day such as 2013-10-07", conf->day);
    td_status status = td_data_open(&data, which);
    if (status == TD_OK) status = load_program(&data.topics, &program);
    if (status == TD_OK) {
        survey = td_survey_new(&(td_survey_conf){.tape = data.topics.tape,
                                                 .quarantine = data.topics.outputs[TD_OUTPUT_QUARANTINE],
                                                 .rejected = data.topics.rejected,
                                                 .ids = data.topics.ids,
                                                 .program = program,
                                                 .feed = conf->feed,
                                                 .instrument = conf->instrument,
                                                 .date = date,
                                                 .series_max = SERIES_MAX});
        status = read_log(survey);
    }
    if (status == TD_OK) *out = show(conf, survey, date);
    td_survey_free(survey);
    td_program_free(program);
    td_data_close(&data);
    return status;
}

static int run(void *conf_any, const char *const *words) {
    const profile_conf *conf = conf_any;
    tally t = {0};
    const td_data_conf named = words[0] != NULL ? td_data_named(words[0]) : conf->log;
    td_status status = profile(conf, &named, &t);
    if (status != TD_OK) (void)fprintf(stderr, "tapedeck profile: %s\n", td_trail());
    if (status == TD_OK && t.state.corrupt > 0) return TD_EXIT_CORRUPT;
    return status == TD_OK && conf->strict && t.anomalous > 0 ? TD_EXIT_ANOMALOUS : td_exit_of(status);
}

static const td_option options[] = {
    TD_DATA_OPTIONS(profile_conf),
    {.key = "feed",
     .type = TD_OPTION_TEXT,
     .unit = "NAME",
     .offset = offsetof(profile_conf, feed),
     .help = "this feed alone"},
    {.key = "instrument",
     .type = TD_OPTION_TEXT,
     .unit = "VENUE:SYMBOL",
     .offset = offsetof(profile_conf, instrument),
     .help = "this instrument alone"},
    {.key = "day",
     .type = TD_OPTION_TEXT,
     .unit = "DAY",
     .offset = offsetof(profile_conf, day),
     .help = "the exchange's date, as 2013-10-07; unset: the newest of each feed"},
    {.key = "all", .type = TD_OPTION_BOOL, .offset = offsetof(profile_conf, all), .help = "more than one screen"},
    {.key = "json",
     .type = TD_OPTION_BOOL,
     .offset = offsetof(profile_conf, json),
     .help = "one JSON object, as the API gives it"},
    {.key = "strict",
     .type = TD_OPTION_BOOL,
     .offset = offsetof(profile_conf, strict),
     .help = "an exit code of its own where there are anomalies"},
    {0},
};

const td_command td_command_profile = {
    .name = "profile",
    .words = "[FILE|DIR]",
    .words_most = 1,
    .summary = "how good the data is: nulls, doubles, silence, drift",
    .text =
        "Reads the tape once and tells, per instrument and day, the rates, missing sides, spreads, doubles, late and\n"
        "refused events, delays and silence; flags what is not as it should be, or not as in the week before. Those\n"
        "with most anomalies stand first. Of the log in the data folder DIR, or that a configuration FILE names, also\n"
        "while a process writes to it. Changes nothing. docs/quality.md says what each number and bound means.\n",
    .options = options,
    .conf_size = sizeof(profile_conf),
    .examples = "  tapedeck profile\n"
                "  tapedeck profile market.yaml --day 2013-10-07 --all\n"
                "  tapedeck profile --data /var/lib/tapedeck --strict --json | jq '.rows[].anomalies[].text'\n",
    .run = run,
};
