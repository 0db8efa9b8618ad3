/* src/app/cmd_fills.c - `tapedeck fills`: the walk of the API's history, for the terminal and for scripts. */
#include "app/cmd_fills.h"
#include "app/data.h"
#include "app/known.h"
#include "base/time.h"
#include "model/instrument.h"
#include "serve/history.h"
#include "serve/rows.h"

typedef struct fills_conf {
    td_data_conf log;
    char *instrument, *strategy, *from, *to, *as_of;
    int64_t limit;
    bool json, csv;
} fills_conf;

/* ---- rows ---- */

static void put_text_fill(td_buf *out, td_bytes instrument, const td_fill *fill) {
    char time[40], price[TD_DECIMAL_TEXT_MAX], quantity[TD_DECIMAL_TEXT_MAX], position[TD_DECIMAL_TEXT_MAX];
    instrument = td_fill_traded(fill, instrument);
    (void)td_time_format(fill->event_ns, time);
    (void)td_decimal_format(fill->price, TD_PRICE_SCALE, false, price);
    (void)td_decimal_format(fill->quantity, TD_SIZE_SCALE, false, quantity);
    (void)td_decimal_format(fill->position, TD_SIZE_SCALE, false, position);
    td_buf_printf(out, "%-30s %-20.*s %-4s %12s %14s %12s  %-5s  %.*s\n", time, (int)instrument.size,
                  (const char *)instrument.data, td_fill_side_name((td_side)fill->side), quantity, price, position,
                  td_fill_kind_name((td_fill_kind)fill->kind), (int)fill->signal.size, (const char *)fill->signal.data);
}

static void put_header(td_buf *out, const fills_conf *conf) {
    static const td_fill none = {.side = TD_SIDE_BUY};
    if (conf->csv && !conf->json)
        td_row_put_fill(out, TD_ROW_CSV_HEADER, TD_TEXT(""), &none, 0);
    else if (!conf->json)
        td_buf_printf(out, "%-30s %-20s %-4s %12s %14s %12s  %-5s  %s\n", "time", "instrument", "side", "quantity",
                      "price", "position", "fill", "signal");
}

static td_status put_rows(const td_history *history, const fills_conf *conf) {
    td_buf out = {0};
    const td_history_row *rows;
    size_t count = td_history_rows(history, &rows);
    td_status status = TD_OK;
    if (count > 0 || conf->csv) put_header(&out, conf);
    for (size_t i = 0; i < count && status == TD_OK; i++) {
        td_fill fill;
        td_bytes name;
        status = td_record_get_fill(td_history_value(history, &rows[i]), &fill, &name);
        if (status != TD_OK) break;
        if (conf->json || conf->csv)
            td_row_put_fill(&out, conf->json ? TD_ROW_JSON : TD_ROW_CSV, name, &fill, rows[i].appended_ms);
        else
            put_text_fill(&out, name, &fill);
        if (conf->json) td_buf_text(&out, "\n");
    }
    (void)fwrite(out.data, 1, out.size, stdout);
    td_buf_fini(&out);
    return status;
}

static void tell_more(const td_history *history) {
    if (td_history_is_cut(history) || td_history_cursor(history) >= 0 || td_history_edge_of(history).known)
        (void)fprintf(stderr, "tapedeck fills: there are older ones: --limit more, or --to an earlier time\n");
}

/* ---- the command ---- */

static td_status walk(td_history_question *q, const td_data *data, const fills_conf *conf) {
    q->topic = data->topics.outputs[TD_OUTPUT_FILLS];
    q->ids = data->topics.ids;
    q->programs = data->topics.programs;
    if (q->topic == NULL) return TD_FAIL(TD_CONFIG, "a log of before this version knows no fills");
    td_history *history = td_history_new(q);
    td_status status;
    while ((status = td_history_step(history)) == TD_AGAIN) continue;
    const td_history_row *rows;
    bool nothing = status == TD_OK && td_history_rows(history, &rows) == 0;
    if (nothing && q->instrument.size > 0) status = td_known_check(data, q->instrument);
    if (status == TD_OK) status = put_rows(history, conf);
    if (status == TD_OK) tell_more(history);
    td_history_free(history);
    return status;
}

static td_status show(const fills_conf *conf, td_history_question *q) {
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
    const fills_conf *conf = conf_any;
    (void)words;
    td_history_question q = {.kind = TD_HISTORY_FILLS,
                             .instrument = td_text(conf->instrument != NULL ? conf->instrument : ""),
                             .strategy = td_text(conf->strategy != NULL ? conf->strategy : ""),
                             .from_ns = INT64_MIN,
                             .before_ns = INT64_MAX,
                             .cursor = -1,
                             .limit = (size_t)conf->limit};
    if (conf->instrument != NULL && !td_instrument_name_valid(q.instrument))
        return td_command_usage("fills", "not VENUE:SYMBOL:", conf->instrument);
    if (conf->as_of != NULL && conf->as_of[0] == '@' && conf->instrument == NULL)
        return td_command_usage("fills", "an offset belongs to the partition of one --instrument:", conf->as_of);
    td_status status = show(conf, &q);
    return td_command_end("fills", status);
}

static const td_option options[] = {
    TD_DATA_OPTIONS(fills_conf),
    {.key = "instrument",
     .type = TD_OPTION_TEXT,
     .unit = "NAME",
     .offset = offsetof(fills_conf, instrument),
     .help = "of what was traded in this one, whoever decided it: VENUE:SYMBOL"},
    {.key = "strategy",
     .type = TD_OPTION_TEXT,
     .unit = "NAME",
     .offset = offsetof(fills_conf, strategy),
     .help = "of this one's positions"},
    {.key = "from",
     .type = TD_OPTION_TEXT,
     .unit = "TIME",
     .offset = offsetof(fills_conf, from),
     .help = "by events of then or later"},
    {.key = "to",
     .type = TD_OPTION_TEXT,
     .unit = "TIME",
     .offset = offsetof(fills_conf, to),
     .help = "by events before"},
    {.key = "limit",
     .type = TD_OPTION_INT,
     .fallback = "1000",
     .min = 1,
     .max = 10000000,
     .offset = offsetof(fills_conf, limit),
     .help = "the newest so many"},
    {.key = "as-of",
     .type = TD_OPTION_TEXT,
     .unit = "PLACE",
     .offset = offsetof(fills_conf, as_of),
     .help = "what was known at a time, or of one instrument at an offset of the tape: @120000"},
    {.key = "json",
     .type = TD_OPTION_BOOL,
     .offset = offsetof(fills_conf, json),
     .help = "an object per line, with the fields of the API"},
    {.key = "csv", .type = TD_OPTION_BOOL, .offset = offsetof(fills_conf, csv), .help = "the same as CSV"},
    {0},
};

const td_command td_command_fills = {
    .name = "fills",
    .words = "",
    .summary = "how strategies' paper positions were filled",
    .text =
        "Lists the fills of paper positions in the order in which they came: of an instrument in that of the tape,\n"
        "of all of them in that of their appending. Each names the signal whose change of a target it is. Reads the "
        "log,\n"
        "also while a process writes to it. Changes nothing.\n",
    .options = options,
    .conf_size = sizeof(fills_conf),
    .examples = "  tapedeck fills\n"
                "  tapedeck fills --strategy golden_cross --instrument LEAN:IBM\n"
                "  tapedeck fills --from 2013-10-07T14:00Z --csv >fills.csv\n",
    .run = run,
};
