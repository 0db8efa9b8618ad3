/* src/app/cmd_bars.c - `tapedeck bars`: the walk of the API's history, for the terminal and for scripts. */
#include "app/cmd_bars.h"
#include "app/data.h"
#include "app/known.h"
#include "base/hash.h"
#include "base/time.h"
#include "flow/programs.h"
#include "model/instrument.h"
#include "serve/adjust.h"
#include "serve/history.h"
#include "serve/rows.h"
#include <inttypes.h>

typedef struct bars_conf {
    td_data_conf log;
    char *from, *to, *as_of;
    int64_t limit;
    int known, adjust; /* then|now; td_adjusting */
    bool vendor, json, csv;
} bars_conf;

/* ---- rows ---- */

static void put_header(td_buf *out, const bars_conf *conf) {
    static const td_bar none = {0};
    if (conf->csv && !conf->json)
        td_row_put_bar(out, TD_ROW_CSV_HEADER, TD_TEXT(""), &none);
    else if (!conf->json)
        td_buf_printf(out, "%-20s %12s %12s %12s %12s %14s %7s  %s\n", "start", "open", "high", "low", "close",
                      "volume", "trades", "revision");
}

static void put_text_bar(td_buf *out, const td_bar *bar) {
    char start[40], known[40], numbers[5][TD_DECIMAL_TEXT_MAX];
    const int64_t prices[] = {bar->open, bar->high, bar->low, bar->close};
    (void)td_time_format(bar->start_ns, start);
    (void)td_time_format(bar->known_at_ns, known);
    for (int i = 0; i < 4; i++) (void)td_decimal_format(prices[i], TD_PRICE_SCALE, false, numbers[i]);
    (void)td_decimal_format(bar->volume, TD_SIZE_SCALE, false, numbers[4]);
    td_buf_printf(out, "%-20s %12s %12s %12s %12s %14s %7" PRId64 "  r%" PRId32 " %s, known at %s\n", start, numbers[0],
                  numbers[1], numbers[2], numbers[3], numbers[4], bar->trade_count, bar->revision,
                  td_quality_name(bar->quality), known);
}

static void put_bar(td_buf *out, const bars_conf *conf, td_bytes instrument, const td_bar *bar) {
    if (conf->json || conf->csv)
        td_row_put_bar(out, conf->json ? TD_ROW_JSON : TD_ROW_CSV, instrument, bar);
    else
        put_text_bar(out, bar);
    if (conf->json) td_buf_text(out, "\n");
}

static void end_rows(td_buf *out, const td_history *history) {
    (void)fwrite(out->data, 1, out->size, stdout);
    td_buf_fini(out);
    if (td_history_cursor(history) >= 0)
        (void)fprintf(stderr, "tapedeck bars: there are older ones: --limit more, or --to an earlier time\n");
}

/* ---- vendors' bars ---- */

static void put_vendor_header(td_buf *out, const bars_conf *conf) {
    static const td_event none = {0};
    if (conf->csv && !conf->json)
        td_row_put_vendor_bar(out, TD_ROW_CSV_HEADER, TD_TEXT(""), TD_TEXT(""), &none, false);
    else if (!conf->json)
        td_buf_printf(out, "%-20s %12s %12s %12s %12s %14s  %s\n", "start", "open", "high", "low", "close", "volume",
                      "feed");
}

static void put_text_vendor_bar(td_buf *out, td_bytes feed, const td_event *event, bool revised) {
    const td_vendor_bar *bar = &event->vendor_bar;
    char start[40], known[40], numbers[5][TD_DECIMAL_TEXT_MAX] = {"", "", "", "", "-"};
    const int64_t prices[] = {bar->open, bar->high, bar->low, bar->close};
    (void)td_time_format(bar->start_ns, start);
    (void)td_time_format(event->receive_ns, known);
    for (int i = 0; i < 4; i++) (void)td_decimal_format(prices[i], TD_PRICE_SCALE, false, numbers[i]);
    if (bar->volume != TD_NONE) (void)td_decimal_format(bar->volume, TD_SIZE_SCALE, false, numbers[4]);
    td_buf_printf(out, "%-20s %12s %12s %12s %12s %14s  %.*s%s%s%s, known at %s\n", start, numbers[0], numbers[1],
                  numbers[2], numbers[3], numbers[4], (int)feed.size, (const char *)feed.data,
                  bar->adjusted ? ", adjusted" : "", revised ? ", revised" : "",
                  event->origin == TD_ORIGIN_BACKFILL ? ", beside a gap" : "", known);
}

static td_status put_vendor_row(td_buf *out, const td_history *history, const td_history_row *row,
                                const td_schema_ids *ids, const bars_conf *conf, td_bytes instrument) {
    td_event event;
    td_bytes feed;
    td_status status = td_record_get_event(ids, td_history_value(history, row), &event, &feed);
    if (status != TD_OK) return status;
    if (conf->json || conf->csv)
        td_row_put_vendor_bar(out, conf->json ? TD_ROW_JSON : TD_ROW_CSV, instrument, feed, &event, row->first);
    else
        put_text_vendor_bar(out, feed, &event, row->first);
    if (conf->json) td_buf_text(out, "\n");
    return TD_OK;
}

static td_status put_rows(const td_history *history, const td_adjust *adjust, const td_schema_ids *ids,
                          const bars_conf *conf) {
    td_buf out = {0};
    const td_history_row *rows;
    size_t count = td_history_rows(history, &rows);
    td_status status = TD_OK;
    if (count > 0 || conf->csv) put_header(&out, conf);
    for (size_t i = 0; i < count && status == TD_OK; i++) {
        td_bar bar;
        td_bytes name;
        status = td_record_get_bar(ids, td_history_value(history, &rows[i]), &bar, &name);
        if (status == TD_OK) td_adjust_bar(adjust, &bar);
        if (status == TD_OK) put_bar(&out, conf, name, &bar);
    }
    end_rows(&out, history);
    return status;
}

/* ---- the command ---- */

static td_status load_program(const td_topics *t, td_bytes instrument, td_program **out) {
    uint8_t sha256[TD_PROGRAM_SHA_BYTES];
    uint32_t partition = td_partition_of(instrument, t->partitions);
    td_status status = td_program_at(t, partition, td_topic_end(t->tape, partition), sha256);
    return status == TD_OK ? td_program_load(t, sha256, out) : status;
}

/* Of a width that nobody makes there will be none; of another one there are none yet, or not in that time. */
static td_status tell_none(const td_program *program, const td_history_question *q) {
    char width[TD_WIDTH_TEXT_MAX];
    size_t i = 0;
    (void)td_width_format(q->width_ns, width);
    while (i < program->width_count && program->widths_ns[i] != q->width_ns) i++;
    if (i == program->width_count)
        return TD_FAIL(TD_CONFIG,
                       "the program in force makes no bars of %s; `bars:` or a strategy must name the width, or "
                       "--vendor ask for a vendor's",
                       width);
    (void)fprintf(
        stderr, "tapedeck bars: none of %.*s in %s is known there; only trades make bars, --vendor shows a vendor's\n",
        (int)q->instrument.size, (const char *)q->instrument.data, width);
    return TD_OK;
}

/* The instrument's actions, as far as bars are to be adjusted by them. */
static td_status read_actions(td_adjust **out, const td_data *data, const bars_conf *conf, const td_program *program,
                              const td_history_question *q) {
    const td_topics *t = &data->topics;
    bool then = q->as_of.known_ns != INT64_MAX;
    *out = td_adjust_new(&(td_adjust_question){
        .actions = t->outputs[TD_OUTPUT_ACTIONS],
        .tape = t->tape,
        .ids = t->ids,
        .program = program,
        .instrument = q->instrument,
        .how = (td_adjusting)conf->adjust,
        .at_ns = then ? q->as_of.known_ns : td_os_posix.ops->wall_ns(td_os_posix.self),
        .at_offset = q->as_of.offset,
        .as_of = q->known_now ? TD_PLACE_END : q->as_of,
    });
    td_status status;
    while ((status = td_adjust_step(*out)) == TD_AGAIN) continue;
    return status;
}

static td_status show_rows(const td_history *history, const td_data *data, const bars_conf *conf,
                           const td_history_question *q) {
    const td_history_row *rows;
    td_program *program = NULL;
    td_adjust *adjust = NULL;
    td_status status = load_program(&data->topics, q->instrument, &program);
    if (status == TD_OK && td_history_rows(history, &rows) == 0) status = tell_none(program, q);
    if (status == TD_OK) status = read_actions(&adjust, data, conf, program, q);
    if (status == TD_OK) status = put_rows(history, adjust, data->topics.ids, conf);
    td_adjust_free(adjust);
    td_program_free(program);
    return status;
}

static td_status show_vendor_rows(const td_history *history, const td_data *data, const bars_conf *conf,
                                  const td_history_question *q) {
    td_buf out = {0};
    const td_history_row *rows;
    size_t count = td_history_rows(history, &rows);
    td_status status = TD_OK;
    if (count == 0)
        (void)fprintf(stderr, "tapedeck bars: no vendor's of %.*s in that width are known there\n",
                      (int)q->instrument.size, (const char *)q->instrument.data);
    if (count > 0 || conf->csv) put_vendor_header(&out, conf);
    for (size_t i = 0; i < count && status == TD_OK; i++)
        status = put_vendor_row(&out, history, &rows[i], data->topics.ids, conf, q->instrument);
    end_rows(&out, history);
    return status;
}

static td_status walk(td_history_question *q, const td_data *data, const bars_conf *conf) {
    q->topic = data->topics.outputs[conf->vendor ? TD_OUTPUT_VENDOR_BARS : TD_OUTPUT_BARS];
    q->ids = data->topics.ids;
    if (q->topic == NULL) return TD_FAIL(TD_CONFIG, "a log of before this version knows no vendors' bars");
    td_history *history = td_history_new(q);
    td_status status;
    while ((status = td_history_step(history)) == TD_AGAIN) continue;
    const td_history_row *rows;
    if (status == TD_OK && td_history_rows(history, &rows) == 0) status = td_known_check(data, q->instrument);
    if (status == TD_OK)
        status = conf->vendor ? show_vendor_rows(history, data, conf, q) : show_rows(history, data, conf, q);
    td_history_free(history);
    return status;
}

static td_status show(const bars_conf *conf, td_history_question *q) {
    td_data data;
    td_status status = td_data_place(conf->as_of, &q->as_of);
    if (status == TD_OK) status = td_data_time("from", conf->from, &q->from_ns);
    if (status == TD_OK) status = td_data_time("to", conf->to, &q->before_ns);
    if (status != TD_OK) return status;
    status = td_data_open(&data, &conf->log);
    if (status == TD_OK) status = walk(q, &data, conf);
    td_data_close(&data);
    return status;
}

static int run(void *conf_any, const char *const *words) {
    const bars_conf *conf = conf_any;
    td_history_question q = {.kind = conf->vendor ? TD_HISTORY_VENDOR_BARS : TD_HISTORY_BARS,
                             .instrument = td_text(words[0]),
                             .from_ns = INT64_MIN,
                             .before_ns = INT64_MAX,
                             .cursor = -1,
                             .limit = (size_t)conf->limit,
                             .known_now = conf->known == 1};
    if (!td_instrument_name_valid(q.instrument)) return td_command_usage("bars", "not VENUE:SYMBOL:", words[0]);
    if (td_width_parse(td_text(words[1]), &q.width_ns) != TD_OK)
        return td_command_usage("bars", "not a width such as 1m, \"1m filled\" or \"100 trades\":", words[1]);
    if (conf->vendor && (conf->adjust != 0 || conf->known != 0))
        return td_command_usage("bars", "what vendors say is shown as they said it: leave out",
                                conf->adjust != 0 ? "--adjust" : "--known");
    td_status status = show(conf, &q);
    return td_command_end("bars", status);
}

static const td_option options[] = {
    TD_DATA_OPTIONS(bars_conf),
    {.key = "from",
     .type = TD_OPTION_TEXT,
     .unit = "TIME",
     .offset = offsetof(bars_conf, from),
     .help = "bars that begin then or later"},
    {.key = "to",
     .type = TD_OPTION_TEXT,
     .unit = "TIME",
     .offset = offsetof(bars_conf, to),
     .help = "bars that begin before"},
    {.key = "limit",
     .type = TD_OPTION_INT,
     .fallback = "1000",
     .min = 1,
     .max = 10000000,
     .offset = offsetof(bars_conf, limit),
     .help = "the newest so many"},
    {.key = "as-of",
     .type = TD_OPTION_TEXT,
     .unit = "PLACE",
     .offset = offsetof(bars_conf, as_of),
     .help = "what was known at a time, or at an offset of the tape: @120000; unset: now"},
    {.key = "known",
     .type = TD_OPTION_CHOICE,
     .fallback = "then",
     .choices = "then|now",
     .offset = offsetof(bars_conf, known),
     .help = "of the bars known there the revision known then, or now"},
    {.key = "adjust",
     .type = TD_OPTION_CHOICE,
     .fallback = "none",
     .choices = "none|split|all",
     .offset = offsetof(bars_conf, adjust),
     .help = "in shares of now, or of --as-of; all: less later dividends, too"},
    {.key = "vendor",
     .type = TD_OPTION_BOOL,
     .offset = offsetof(bars_conf, vendor),
     .help = "bars that vendors made, of each what its vendor said last"},
    {.key = "json",
     .type = TD_OPTION_BOOL,
     .offset = offsetof(bars_conf, json),
     .help = "an object per line, with the fields of the API"},
    {.key = "csv", .type = TD_OPTION_BOOL, .offset = offsetof(bars_conf, csv), .help = "the same as CSV"},
    {0},
};

const td_command td_command_bars = {
    .name = "bars",
    .words = "INSTRUMENT WIDTH",
    .words_least = 2,
    .words_most = 2,
    .summary = "bars out of the log, as known now or as known then",
    .text =
        "Shows the bars of an instrument in their last revision; with --as-of in the last one that was known there:\n"
        "its known_at is not later than that time, or it was made by a record of the tape below that offset.\n"
        "Reads the log, also while a process writes to it. Changes nothing.\n",
    .options = options,
    .conf_size = sizeof(bars_conf),
    .examples = "  tapedeck bars LEAN:IBM 1m --from 2013-10-07T14:00Z --to 2013-10-07T15:00Z\n"
                "  tapedeck bars LEAN:AAPL 1d --adjust split --csv\n"
                "  tapedeck bars ALPHAVANTAGE:IBM 1d --vendor\n"
                "  tapedeck bars BINANCE:BTCUSDT 1m --as-of 2026-11-21T14:31Z --csv\n"
                "  tapedeck bars BINANCE:BTCUSDT 1m --as-of @120000 --known now --json\n",
    .run = run,
};
