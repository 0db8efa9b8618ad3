/* src/app/cmd_gaps.c - `tapedeck gaps`: as the log holds them, with or without a process beside. */
#include "app/cmd_gaps.h"
#include "app/data.h"
#include "app/exit.h"
#include "app/known.h"
#include "base/time.h"
#include "model/instrument.h"
#include "serve/gap_table.h"
#include "serve/rows.h"
#include <inttypes.h>
#include <stdlib.h>

typedef struct gaps_conf {
    td_data_conf log;
    char *instrument, *feed, *from, *to;
    bool open, json;
} gaps_conf;

typedef struct line {
    td_bytes name;
    const td_gap *gap;
} line;

typedef struct gaps {
    const gaps_conf *conf;
    td_gap_table *table;
    line *lines;
    size_t count;
    int64_t with_status[TD_GAP_STATUS_COUNT], missing, filled; /* trades, where ids tell */
} gaps;

/* ---- reading ---- */

/* A partition that is damaged keeps what came before; the others are told of all the same. */
static td_status read_gaps(gaps *g, td_topic *topic) {
    td_status worst = TD_OK;
    for (uint32_t p = 0; topic != NULL && p < td_topic_partitions(topic); p++) {
        td_status status = td_gap_table_read(g->table, topic, p, INT64_MAX);
        if (status != TD_OK) worst = status;
        if (status != TD_OK) (void)fprintf(stderr, "tapedeck gaps: %s\n", td_trail());
    }
    return worst;
}

static int by_time(const void *a, const void *b) {
    const line *x = a, *y = b;
    if (x->gap->from_ns != y->gap->from_ns) return x->gap->from_ns < y->gap->from_ns ? -1 : 1;
    size_t least = x->name.size < y->name.size ? x->name.size : y->name.size;
    int order = memcmp(x->name.data, y->name.data, least);
    if (order == 0) order = (x->name.size > y->name.size) - (x->name.size < y->name.size);
    return order != 0 ? order : (x->gap->number > y->gap->number) - (x->gap->number < y->gap->number);
}

static void pick(gaps *g, const td_gap_question *q) {
    g->lines = td_alloc((td_gap_table_count(g->table) + 1) * sizeof *g->lines);
    for (size_t at = td_gap_table_find(g->table, q, SIZE_MAX); at != SIZE_MAX;
         at = td_gap_table_find(g->table, q, at)) {
        const td_gap *gap = td_gap_table_at(g->table, at);
        g->lines[g->count++] = (line){td_gap_table_name(g->table, gap->instrument), gap};
        g->with_status[gap->status]++;
        g->missing += gap->missing != TD_NONE ? gap->missing : 0;
        g->filled += gap->filled;
    }
    qsort(g->lines, g->count, sizeof *g->lines, by_time);
}

/* ---- telling ---- */

static void put_line(td_buf *out, const line *l) {
    const td_gap *gap = l->gap;
    char from[40], to[40] = "not known", duration[24] = "-", missing[24] = "-";
    (void)td_time_format(gap->from_ns, from);
    if (gap->to_ns != TD_NONE) (void)td_time_format(gap->to_ns, to);
    if (gap->to_ns != TD_NONE)
        (void)snprintf(duration, sizeof duration, "%.3f s", (double)(gap->to_ns - gap->from_ns) / 1e9);
    if (gap->missing != TD_NONE) (void)snprintf(missing, sizeof missing, "%" PRId64, gap->missing);
    td_buf_printf(out, "%-24.*s %6" PRId64 "  %-6s  %-7s  %-30s  %-30s  %14s %9s %9" PRId64 "\n", (int)l->name.size,
                  (const char *)l->name.data, gap->number, td_gap_status_name((td_gap_status)gap->status),
                  td_gap_reason_name((td_gap_reason)gap->reason), from, to, duration, missing, gap->filled);
}

static void tell(const gaps *g) {
    td_buf out = {0};
    if (!g->conf->json && g->count > 0)
        td_buf_printf(&out, "%-24s %6s  %-6s  %-7s  %-30s  %-30s  %14s %9s %9s\n", "instrument", "number", "status",
                      "reason", "from", "to", "duration", "missing", "filled");
    for (size_t i = 0; i < g->count; i++) {
        if (g->conf->json)
            td_row_put_gap(&out, TD_ROW_JSON, g->lines[i].name, g->lines[i].gap);
        else
            put_line(&out, &g->lines[i]);
        if (g->conf->json) td_buf_text(&out, "\n");
    }
    td_buf_printf(&out,
                  g->conf->json ? "{\"total\":true,\"gaps\":%zu,\"open\":%" PRId64 ",\"filled\":%" PRId64
                                  ",\"lost\":%" PRId64 ",\"missing_trades\":%" PRId64 ",\"filled_trades\":%" PRId64
                                  "}\n"
                                : "%zu gaps: %" PRId64 " open, %" PRId64 " filled, %" PRId64 " lost; trades: %" PRId64
                                  " known to be missing, %" PRId64 " came afterwards\n",
                  g->count, g->with_status[TD_GAP_OPEN], g->with_status[TD_GAP_FILLED], g->with_status[TD_GAP_LOST],
                  g->missing, g->filled);
    (void)fwrite(out.data, 1, out.size, stdout);
    td_buf_fini(&out);
}

/* ---- the command ---- */

static td_status list(gaps *g, const td_data *data, const td_gap_question *q) {
    td_status known = TD_OK;
    g->table = td_gap_table_new(0);
    td_status status = read_gaps(g, data->topics.outputs[TD_OUTPUT_GAPS]);
    pick(g, q);
    if (g->count == 0 && q->instrument.size > 0) known = td_known_check(data, q->instrument);
    if (known == TD_OK)
        tell(g);
    else
        (void)td_command_end("gaps", known);
    return known == TD_OK ? status : known;
}

static td_status show(const gaps_conf *conf) {
    td_data data = {0};
    td_gap_question q = {.instrument = td_text(conf->instrument != NULL ? conf->instrument : ""),
                         .feed = td_text(conf->feed != NULL ? conf->feed : ""),
                         .statuses = conf->open ? 1 << TD_GAP_OPEN : 0,
                         .from_ns = INT64_MIN,
                         .to_ns = INT64_MAX};
    gaps g = {.conf = conf};
    td_status status = td_data_time("from", conf->from, &q.from_ns);
    if (status == TD_OK) status = td_data_time("to", conf->to, &q.to_ns);
    if (status == TD_OK) status = td_data_open(&data, &conf->log);
    if (status == TD_OK) {
        status = list(&g, &data, &q);
    } else {
        (void)fprintf(stderr, "tapedeck gaps: %s\n", td_trail());
    }
    free(g.lines);
    td_gap_table_free(g.table);
    td_data_close(&data);
    return status;
}

static int run(void *conf_any, const char *const *words) {
    const gaps_conf *conf = conf_any;
    (void)words;
    if (conf->instrument != NULL && !td_instrument_name_valid(td_text(conf->instrument)))
        return td_command_usage("gaps", "--instrument: not VENUE:SYMBOL:", conf->instrument);
    return td_exit_of(show(conf));
}

static const td_option options[] = {
    TD_DATA_OPTIONS(gaps_conf),
    {.key = "instrument",
     .type = TD_OPTION_TEXT,
     .unit = "NAME",
     .offset = offsetof(gaps_conf, instrument),
     .help = "of this one only: VENUE:SYMBOL"},
    {.key = "feed",
     .type = TD_OPTION_TEXT,
     .unit = "NAME",
     .offset = offsetof(gaps_conf, feed),
     .help = "that this feed left"},
    {.key = "open", .type = TD_OPTION_BOOL, .offset = offsetof(gaps_conf, open), .help = "those that are open still"},
    {.key = "from",
     .type = TD_OPTION_TEXT,
     .unit = "TIME",
     .offset = offsetof(gaps_conf, from),
     .help = "that reach into what begins then"},
    {.key = "to", .type = TD_OPTION_TEXT, .unit = "TIME", .offset = offsetof(gaps_conf, to), .help = "and ends before"},
    {.key = "json",
     .type = TD_OPTION_BOOL,
     .offset = offsetof(gaps_conf, json),
     .help = "an object per line, with the fields of the API, and one with the totals"},
    {0},
};

const td_command td_command_gaps = {
    .name = "gaps",
    .words = "",
    .summary = "what is missing: gaps with their reasons, and what became of them",
    .text = "Lists gaps as they stand, in the order of their begin: from the last event time before to the first one\n"
            "behind, how many trades are missing where the venue's ids tell, and how many came afterwards. Bars over\n"
            "an open or lost gap are partial. Reads the log, also while a process writes to it. Changes nothing.\n",
    .options = options,
    .conf_size = sizeof(gaps_conf),
    .examples = "  tapedeck gaps\n"
                "  tapedeck gaps --open --feed binance\n"
                "  tapedeck gaps --instrument BINANCE:BTCUSDT --from 2026-11-21T14:00Z --json\n",
    .run = run,
};
