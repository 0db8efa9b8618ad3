/* src/serve/answer.c - from a request to its rows. */
#include "serve/answer.h"
#include "base/json.h"
#include "serve/addition.h"
#include "serve/arrow.h"
#include "serve/editor.h"
#include "serve/newest.h"
#include "serve/rows.h"
#include "serve/topic_answer.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Averages need bars before the first one drawn. Of an ema(200), which never forgets, 0.004 % of what came before
 * these is left. */
enum { LINES_WARM_UP = 1000, ROWS_PER_STEP = 500 };

struct td_answer {
    const td_view *view;
    td_api_request request;
    td_history *history;       /* NULL: the View alone answers */
    td_adjust *adjust;         /* of bars; NULL: as traded */
    td_order *order;           /* NULL: nothing is to be released */
    td_addition *addition;     /* NULL: no action is to be added */
    td_topic_answer *topic;    /* NULL: it is not about topics */
    td_newest *newest;         /* NULL: it is not about that */
    const td_serve_task *task; /* NULL: none of the run's is needed */
    void *work;                /* the task's */
    bool walked;
    td_gap *gaps; /* ascending */
    size_t gap_count;
    size_t row;          /* the next to write */
    size_t skip;         /* rows that only warm up */
    td_program *program; /* of a preview */
    td_buf signals;
    const td_graph *graph;
    const td_calendar *graph_calendar;
    void *graph_state;
    td_buf *lines; /* text per line */
    size_t line_count;
    td_arrow *arrow; /* the rows, each of which `body` has had; NULL: not in that format */
    td_buf body;
    char next[1024];
};

/* ---- beginning ---- */

static bool fail_width(const td_serve_topics *topics, td_api_error *error) {
    char known[TD_WIDTHS_MAX * TD_WIDTH_TEXT_MAX] = "";
    size_t size = 0;
    for (size_t w = 0; w < topics->width_count; w++) {
        char width[TD_WIDTH_TEXT_MAX];
        (void)td_width_format(topics->widths_ns[w], width);
        size += (size_t)snprintf(known + size, sizeof known - size, "%s%s", w > 0 ? ", " : "", width);
    }
    return td_api_fail(error, 404, "unknown_width", "there are no bars of that width; there are %s", known);
}

static bool fail_instrument(const td_view *view, const char *instrument, td_api_error *error) {
    const char *nearest = td_view_nearest(view, td_text(instrument));
    return td_api_fail(error, 404, "unknown_instrument", "no bars of %s in the log; %s%s%ssee /api/v1/instruments",
                       instrument, nearest != NULL ? "did you mean " : "", nearest != NULL ? nearest : "",
                       nearest != NULL ? "? " : "");
}

static bool is_published(td_api_kind kind) {
    return kind == TD_API_NEWS || kind == TD_API_TRADES || kind == TD_API_QUOTES;
}

static td_topic *topic_of(const td_serve_topics *topics, td_api_kind kind) {
    return kind == TD_API_SIGNALS       ? topics->signals
           : kind == TD_API_FILLS       ? topics->fills
           : kind == TD_API_QUARANTINE  ? topics->quarantine
           : kind == TD_API_VENDOR_BARS ? topics->vendor_bars
           : kind == TD_API_TAKEN       ? topics->actions
           : kind == TD_API_NEWS        ? topics->news
           : kind == TD_API_TRADES      ? topics->trades
           : kind == TD_API_QUOTES      ? topics->quotes
                                        : topics->bars;
}

static bool check_known(const td_view *view, const td_api_request *r, td_api_error *error) {
    const td_serve_topics *topics = td_view_topics(view);
    td_view_lag lag;
    td_view_lag_of(view, &lag);
    if (r->kind == TD_API_VENDOR_BARS) /* of instruments and widths that nobody trades */
        return topics->vendor_bars != NULL || td_api_fail(error, 404, "unknown_instrument", "there are no such bars");
    if (r->kind == TD_API_FILLS && topics->fills == NULL)
        return td_api_fail(error, 404, "not_found", "there are no fills: nobody here runs paper positions");
    const char *name = td_api_name(r->kind);
    if (is_published(r->kind) && topic_of(topics, r->kind) == NULL)
        return td_api_fail(error, 404, "not_published",
                           "the topic %s is not published here: `log: { publish: [%s] }` does it", name, name);
    bool has_bars = r->kind != TD_API_QUARANTINE &&                      /* one may be refused altogether */
                    r->kind != TD_API_TAKEN && !is_published(r->kind) && /* and these are of what nobody trades here */
                    r->kind != TD_API_LATEST;                            /* or of what was not read yet */
    if (has_bars && r->instrument[0] != '\0' && !lag.loading &&
        td_view_find(view, td_text(r->instrument)) == UINT32_MAX)
        return fail_instrument(view, r->instrument, error);
    if (r->width_ns == 0) return true;
    for (size_t w = 0; w < topics->width_count; w++)
        if (topics->widths_ns[w] == r->width_ns) return true;
    return fail_width(topics, error);
}

static const td_graph *graph_of(const td_program *program, int64_t width_ns) {
    for (size_t w = 0; program != NULL && w < program->width_count; w++)
        if (program->widths_ns[w] == width_ns) return program->graphs[w];
    return NULL;
}

static td_history_kind history_kind(td_api_kind kind) {
    return kind == TD_API_SIGNALS       ? TD_HISTORY_SIGNALS
           : kind == TD_API_FILLS       ? TD_HISTORY_FILLS
           : kind == TD_API_QUARANTINE  ? TD_HISTORY_QUARANTINE
           : kind == TD_API_VENDOR_BARS ? TD_HISTORY_VENDOR_BARS
           : kind == TD_API_TAKEN       ? TD_HISTORY_ACTIONS
           : kind == TD_API_NEWS        ? TD_HISTORY_NEWS
           : kind == TD_API_TRADES      ? TD_HISTORY_TRADES
           : kind == TD_API_QUOTES      ? TD_HISTORY_QUOTES
                                        : TD_HISTORY_BARS;
}

static void begin_history(td_answer *a) {
    const td_serve_topics *topics = td_view_topics(a->view);
    const td_api_request *r = &a->request;
    bool lines = r->kind == TD_API_LINES || r->kind == TD_API_PREVIEW;
    td_history_question q = {
        .topic = topic_of(topics, r->kind),
        .programs = r->kind == TD_API_SIGNALS || r->kind == TD_API_FILLS ? topics->programs : NULL,
        .ids = topics->ids,
        .kind = history_kind(r->kind),
        .instrument = td_text(r->instrument),
        .strategy = td_text(r->strategy),
        .feed = td_text(r->feed),
        .reason = r->reason,
        .width_ns = r->width_ns,
        .from_ns = lines ? INT64_MIN : r->from_ns,
        .before_ns = r->to_ns < r->before_ns ? r->to_ns : r->before_ns,
        .cursor = r->cursor,
        .edge = r->edge,
        .limit = (size_t)r->limit + (lines ? LINES_WARM_UP : 0),
        .as_of = r->as_of,
        .known_now = r->known_now,
    };
    a->history = td_history_new(&q);
    if (r->adjust == TD_ADJUST_NONE) return;
    bool then = r->as_of.known_ns != INT64_MAX;
    a->adjust = td_adjust_new(&(td_adjust_question){.actions = topics->actions,
                                                    .tape = topics->tape,
                                                    .ids = topics->ids,
                                                    .program = topics->program,
                                                    .instrument = td_text(r->instrument),
                                                    .how = r->adjust,
                                                    .at_ns = then ? r->as_of.known_ns : td_view_wall_ns(a->view),
                                                    .at_offset = r->as_of.offset,
                                                    .as_of = r->known_now ? TD_PLACE_END : r->as_of});
}

static void begin_lines(td_answer *a) {
    const td_program *program = a->program != NULL ? a->program : td_view_topics(a->view)->program;
    a->graph = graph_of(program, a->request.width_ns);
    if (a->graph == NULL) return;
    a->graph_calendar = td_program_calendar_at(program, td_program_calendar(program, td_text(a->request.instrument)));
    const td_graph_line *lines;
    a->line_count = td_graph_lines(a->graph, &lines);
    a->lines = td_alloc_zero(a->line_count + 1, sizeof *a->lines);
    a->graph_state = td_alloc_zero(1, td_graph_state_bytes(a->graph));
}

static void find_next(td_answer *a, const char *cursor);

/* All are in memory: they are taken as they stand now, so that slices of one answer are of one moment. */
static void begin_gaps(td_answer *a) {
    const td_api_request *r = &a->request;
    const td_gap_table *table = td_view_gaps(a->view);
    const td_gap_question q = {.instrument = td_text(r->instrument),
                               .feed = td_text(r->feed),
                               .statuses = r->statuses,
                               .from_ns = r->from_ns,
                               .to_ns = r->to_ns};
    size_t limit = (size_t)r->limit;
    td_gap *gaps = td_alloc(limit * sizeof *gaps);
    size_t at = td_gap_table_find(table, &q, SIZE_MAX), first = limit; /* filled from its end */
    int64_t place = -1;                                                /* of the first one */
    for (; at != SIZE_MAX && first > 0; at = td_gap_table_find(table, &q, at)) {
        int64_t here = q.instrument.size > 0 ? td_gap_table_at(table, at)->number : td_gap_table_serial(table, at);
        if (r->cursor >= 0 && here >= r->cursor) continue;
        gaps[--first] = *td_gap_table_at(table, at);
        place = here;
    }
    a->gaps = gaps;
    a->gap_count = limit - first;
    memmove(gaps, gaps + first, a->gap_count * sizeof *gaps);
    char cursor[24];
    (void)snprintf(cursor, sizeof cursor, "%" PRId64, place);
    if (at != SIZE_MAX) find_next(a, cursor);
}

/* What the run does for this kind; NULL: nothing. */
static const td_serve_task *task_of(const td_serve_run *run, td_api_kind kind) {
    return kind == TD_API_EXPLAIN    ? &run->explain
           : kind == TD_API_VERSIONS ? &run->texts.versions
           : kind == TD_API_ROLLBACK ? &run->texts.rollback
                                     : NULL;
}

static bool begin_task(td_answer *a, td_api_error *error) {
    const td_serve_run *run = &td_view_topics(a->view)->run;
    const td_api_request *r = &a->request;
    const td_serve_task *task = task_of(run, r->kind);
    bool explain = r->kind == TD_API_EXPLAIN;
    if (task->begin == NULL && r->kind == TD_API_ROLLBACK) return td_editor_refuse(error);
    if (task->begin == NULL) return td_api_fail(error, 404, "not_found", "nobody here answers that");
    a->work = task->begin(run->self, explain ? r->signal : r->strategy, explain ? "" : r->hash);
    if (a->work == NULL)
        return td_api_fail(error, 400, "bad_parameter", "signal='%.40s' is not a signal's id", r->signal);
    a->task = task;
    return true;
}

static td_status step_task(td_answer *a) {
    td_status status = a->task->step(a->work);
    if (status == TD_OK) a->task->put(a->work, &a->body);
    return status;
}

static bool begin(td_answer *a, td_bytes body, td_browser *browser, td_api_error *error) {
    const td_api_request *r = &a->request;
    switch (r->kind) {
    case TD_API_TOPICS:
    case TD_API_TOPIC:
    case TD_API_RECORDS:
    case TD_API_GROUPS:
        a->topic = td_topic_answer_new(a->view, browser, r, error);
        return a->topic != NULL;
    case TD_API_RELEASE:
        a->order = td_order_new(a->view, r, body, error);
        return a->order != NULL;
    case TD_API_ACTIONS:
        a->addition = td_addition_new(a->view, r, body, error);
        return a->addition != NULL;
    case TD_API_EXPLAIN:
    case TD_API_VERSIONS:
    case TD_API_ROLLBACK:
        return begin_task(a, error);
    case TD_API_PREVIEW:
        a->program = td_editor_compile(a->view, r, body, error);
        if (a->program == NULL) return false;
        begin_lines(a);
        begin_history(a);
        return true;
    case TD_API_LINES:
        begin_lines(a);
        begin_history(a);
        return true;
    case TD_API_GAPS:
        begin_gaps(a);
        return true;
    case TD_API_LATEST:
        a->newest = td_newest_new(a->view, td_text(r->instrument));
        return true;
    case TD_API_INSTRUMENTS:
        return true;
    default:
        begin_history(a);
        return true;
    }
}

td_answer *td_answer_new(const td_answer_sources *sources, const td_api_request *request, td_bytes body,
                         td_api_error *error) {
    bool shows = !td_api_is_posted(request->kind) || request->kind == TD_API_PREVIEW;
    if (shows && !check_known(sources->view, request, error)) return NULL;
    td_answer *a = td_alloc_zero(1, sizeof *a);
    a->view = sources->view;
    a->request = *request;
    if (begin(a, body, sources->browser, error)) return a;
    td_answer_free(a);
    return NULL;
}

void td_answer_free(td_answer *a) {
    if (a == NULL) return;
    td_adjust_free(a->adjust);
    td_history_free(a->history);
    td_order_free(a->order);
    if (a->task != NULL) a->task->end(a->work);
    td_addition_free(a->addition);
    td_topic_answer_free(a->topic);
    td_newest_free(a->newest);
    for (size_t i = 0; i < a->line_count; i++) td_buf_fini(&a->lines[i]);
    free(a->lines);
    free(a->graph_state);
    td_program_free(a->program);
    td_buf_fini(&a->signals);
    free(a->gaps);
    td_arrow_free(a->arrow);
    td_buf_fini(&a->body);
    free(a);
}

/* ---- rows ---- */

/* Without a value its names. */
static void put_published(td_answer *a, td_row_format format, const td_history_row *row, td_bytes value) {
    td_event event = {.kind = TD_EVENT_NEWS, .news.sentiment = NAN};
    td_bytes name = TD_TEXT(""), feed = TD_TEXT("");
    if (a->request.kind != TD_API_NEWS) event = (td_event){.kind = TD_EVENT_TRADE};
    if (value.size > 0 && td_record_get_published(td_view_topics(a->view)->ids, value, &event, &feed, &name) != TD_OK)
        return;
    if (a->request.kind == TD_API_TRADES)
        td_row_put_trade(&a->body, format, name, feed, &event, row->ord);
    else if (a->request.kind == TD_API_QUOTES)
        td_row_put_quote(&a->body, format, name, feed, &event, row->ord);
    else
        td_row_put_news(&a->body, format, name, feed, &event, row->appended_ms);
}

static void put_history_row(td_answer *a, td_row_format format, const td_history_row *row) {
    static const td_history_row none = {0};
    td_bytes name = TD_TEXT(""), value = row == NULL ? TD_TEXT("") : td_history_value(a->history, row);
    if (row == NULL) row = &none;
    if (a->request.kind == TD_API_BARS) {
        td_bar bar = {0};
        if (value.size != 0 && td_record_get_bar(td_view_topics(a->view)->ids, value, &bar, &name) != TD_OK) return;
        if (a->adjust != NULL) td_adjust_bar(a->adjust, &bar);
        td_row_put_bar(&a->body, format, name, &bar);
    } else if (a->request.kind == TD_API_VENDOR_BARS) {
        td_event event = {0};
        td_bytes feed = TD_TEXT("");
        if (value.size != 0 && td_record_get_event(td_view_topics(a->view)->ids, value, &event, &feed) != TD_OK) return;
        td_row_put_vendor_bar(&a->body, format, td_text(a->request.instrument), feed, &event, row->first);
    } else if (a->request.kind == TD_API_TAKEN) {
        td_event event = {0};
        td_bytes feed;
        if (value.size == 0 || td_record_get_event(td_view_topics(a->view)->ids, value, &event, &feed) == TD_OK)
            td_row_put_action(&a->body, format, td_text(a->request.instrument), &event);
    } else if (a->request.kind == TD_API_QUARANTINE) {
        td_row_place place = {row->partition, row->offset, row->appended_ms};
        td_quarantined q = {.event.kind = TD_EVENT_TRADE}; /* of a line of names */
        if (value.size == 0 || td_record_get_quarantined(td_view_topics(a->view)->ids, value, &q, &name) == TD_OK)
            td_row_put_quarantined(&a->body, format, name, &place, &q);
    } else if (is_published(a->request.kind)) {
        put_published(a, format, row, value);
    } else if (a->request.kind == TD_API_FILLS) {
        td_fill fill = {.side = TD_SIDE_BUY};
        if (value.size == 0 || td_record_get_fill(value, &fill, &name) == TD_OK)
            td_row_put_fill(&a->body, format, name, &fill, row->appended_ms);
    } else {
        td_signal signal = {0};
        if (value.size == 0 || td_record_get_signal(td_view_topics(a->view)->ids, value, &signal, &name) == TD_OK)
            td_row_put_signal(&a->body, format, name, &signal, row->appended_ms);
    }
}

static void put_gap(td_answer *a, td_row_format format, size_t index) {
    static const td_gap none = {0};
    bool header = index >= a->gap_count;
    const td_gap *gap = header ? &none : &a->gaps[index];
    td_bytes name = header ? TD_TEXT("") : td_gap_table_name(td_view_gaps(a->view), gap->instrument);
    td_row_put_gap(&a->body, format, name, gap);
}

/* Without a row the names. */
static void put_latest(td_answer *a, td_row_format format, size_t index) {
    static const td_newest_row none = {.latest.kind = TD_LATEST_TRADE};
    const td_newest_row *rows;
    const td_newest_row *row = index < td_newest_rows(a->newest, &rows) ? &rows[index] : &none;
    td_bytes name = row == &none ? TD_TEXT("") : td_view_name(a->view, row->instrument);
    td_row_put_latest(&a->body, format, name, &row->latest);
}

static void put_row(td_answer *a, td_row_format format, size_t index) {
    if (a->newest != NULL) {
        put_latest(a, format, index);
        return;
    }
    if (a->request.kind == TD_API_GAPS) {
        put_gap(a, format, index);
        return;
    }
    if (a->history == NULL) {
        td_row_put_instrument(&a->body, format, a->view, (uint32_t)index);
        return;
    }
    const td_history_row *rows = NULL;
    size_t count = td_history_rows(a->history, &rows);
    put_history_row(a, format, index < count ? &rows[index] : NULL);
}

static size_t count_rows(const td_answer *a) {
    const td_history_row *rows;
    const td_newest_row *newest;
    if (a->newest != NULL) return td_newest_rows(a->newest, &newest);
    if (a->request.kind == TD_API_GAPS) return a->gap_count;
    return a->history != NULL ? td_history_rows(a->history, &rows) : td_view_count(a->view);
}

static void put_next(td_answer *a) {
    td_buf_text(&a->body, ",\"next\":");
    if (a->next[0] != '\0')
        td_json_put_string(&a->body, td_text(a->next));
    else
        td_buf_text(&a->body, "null");
}

static void begin_table(td_answer *a) {
    switch (a->request.format) {
    case TD_API_JSON:
        td_buf_printf(&a->body, "{\"%s\":[", td_api_name(a->request.kind));
        break;
    case TD_API_CSV:
        put_row(a, TD_ROW_CSV_HEADER, SIZE_MAX);
        break;
    case TD_API_ARROW:
        put_row(a, TD_ROW_ARROW_HEADER, SIZE_MAX);
        a->arrow = td_arrow_new(td_buf_bytes(&a->body), TD_ARROW_BATCH_TEXT);
        a->body.size = 0;
    }
}

static void add_row(td_answer *a) {
    switch (a->request.format) {
    case TD_API_JSON:
        td_buf_text(&a->body, a->row > 0 ? ",\n" : "\n");
        put_row(a, TD_ROW_JSON, a->row);
        break;
    case TD_API_CSV:
        put_row(a, TD_ROW_CSV, a->row);
        break;
    case TD_API_ARROW:
        put_row(a, TD_ROW_ARROW, a->row);
        if (a->body.size > 0) td_arrow_add(a->arrow, td_buf_bytes(&a->body)); /* else its record cannot be read */
        a->body.size = 0;
    }
}

static void end_table(td_answer *a) {
    if (a->request.format == TD_API_ARROW) td_arrow_write(a->arrow, &a->body);
    if (a->request.format != TD_API_JSON) return;
    td_buf_text(&a->body, "\n]");
    if (a->newest != NULL)
        td_buf_printf(&a->body, ",\"behind_records\":%" PRId64, td_newest_behind(a->newest));
    else if (a->request.kind != TD_API_INSTRUMENTS)
        put_next(a);
    td_buf_text(&a->body, "}\n");
}

static td_status step_rows(td_answer *a) {
    size_t count = count_rows(a);
    if (a->row == 0) begin_table(a);
    for (size_t i = 0; i < ROWS_PER_STEP && a->row < count; i++, a->row++) add_row(a);
    if (a->row < count) return TD_AGAIN;
    end_table(a);
    return TD_OK;
}

/* ---- lines ---- */

/* Those of bars that are asked for. */
static void take_signal(void *arg, const td_signal *signal) {
    td_answer *a = arg;
    if (a->program == NULL || a->row < a->skip || signal->event_ns < a->request.from_ns) return;
    td_buf_text(&a->signals, a->signals.size > 0 ? ",\n" : "\n");
    td_row_put_signal(&a->signals, TD_ROW_JSON, td_text(a->request.instrument), signal, 0);
}

static void put_point(td_buf *out, bool first, int64_t start_ns, const double *value) {
    td_buf_printf(out, "%s[%" PRId64 ",", first ? "" : ",", start_ns);
    if (value != NULL)
        td_buf_printf(out, "%.12g]", *value);
    else
        td_buf_text(out, "null]");
}

static void apply_bar(td_answer *a, const td_bar *bar) {
    td_graph_event event = {.instrument = td_text(a->request.instrument), .bar = bar, .calendar = a->graph_calendar};
    td_graph_apply(a->graph, a->graph_state, &event, take_signal, a);
    if (a->row < a->skip || bar->start_ns < a->request.from_ns) return;
    for (size_t i = 0; i < a->line_count; i++) {
        double value;
        bool known = td_graph_line_value(a->graph, a->graph_state, i, &value);
        put_point(&a->lines[i], a->lines[i].size == 0, bar->start_ns, known ? &value : NULL);
    }
}

static void put_lines(td_answer *a) {
    const td_graph_line *lines;
    td_buf_text(&a->body, "{\"lines\":[");
    if (a->line_count > 0) (void)td_graph_lines(a->graph, &lines);
    for (size_t i = 0; i < a->line_count; i++) {
        td_buf_text(&a->body, i > 0 ? ",\n{\"strategy\":" : "\n{\"strategy\":");
        td_json_put_string(&a->body, lines[i].strategy);
        td_buf_text(&a->body, ",\"name\":");
        td_json_put_string(&a->body, lines[i].name);
        td_buf_text(&a->body, ",\"points\":[");
        td_buf_put(&a->body, a->lines[i].data, a->lines[i].size);
        td_buf_text(&a->body, "]}");
    }
    if (a->program != NULL) {
        td_buf_text(&a->body, "\n],\"signals\":[");
        td_buf_put(&a->body, a->signals.data, a->signals.size);
    }
    td_buf_text(&a->body, "\n]}\n");
}

static td_status step_lines(td_answer *a) {
    const td_history_row *rows;
    size_t count = a->graph != NULL ? td_history_rows(a->history, &rows) : 0;
    size_t limit = (size_t)a->request.limit;
    a->skip = count > limit ? count - limit : 0;
    for (size_t i = 0; i < ROWS_PER_STEP && a->row < count; i++, a->row++) {
        td_bar bar;
        td_bytes name;
        if (td_record_get_bar(td_view_topics(a->view)->ids, td_history_value(a->history, &rows[a->row]), &bar, &name) ==
            TD_OK)
            apply_bar(a, &bar);
    }
    if (a->row < count) return TD_AGAIN;
    put_lines(a);
    return TD_OK;
}

/* ---- the whole ---- */

static void put_time_argument(char *out, size_t *size, size_t capacity, const char *name, int64_t ns) {
    if (ns == INT64_MIN || ns == INT64_MAX) return;
    char text[40];
    (void)td_time_format(ns, text);
    *size += (size_t)snprintf(out + *size, capacity - *size, "&%s=%s", name, text);
}

/* A name in a query; nearly all need no escape. */
static size_t put_escaped(char *out, size_t capacity, const char *text) {
    size_t size = 0;
    for (; *text != '\0' && size + 4 < capacity; text++) {
        bool plain = strchr("%&+#\"<> ", *text) == NULL;
        size += (size_t)snprintf(out + size, capacity - size, plain ? "%c" : "%%%02X", (unsigned char)*text);
    }
    return size;
}

/* Where a page of history ends. */
static int64_t end_of_page(const td_answer *a) {
    const td_api_request *r = &a->request;
    const td_history_row *rows;
    size_t count = td_history_rows(a->history, &rows);
    int64_t before_ns = r->to_ns < r->before_ns ? r->to_ns : r->before_ns;
    bool bars = r->kind == TD_API_BARS || r->kind == TD_API_VENDOR_BARS;
    bool by_time = count > 0 && bars && rows[0].order < before_ns;
    return by_time ? rows[0].order : before_ns;
}

/* The same question, from where this answer ends. */
static void find_next(td_answer *a, const char *cursor) {
    const td_api_request *r = &a->request;
    size_t capacity = sizeof a->next;
    if (r->kind == TD_API_LINES) return;
    size_t size = (size_t)snprintf(a->next, capacity, "/api/v1/%s", td_api_name(r->kind));
    if (r->instrument[0] != '\0') {
        size += (size_t)snprintf(a->next + size, capacity - size, "&instrument=");
        size += put_escaped(a->next + size, capacity - size, r->instrument);
    }
    if (r->strategy[0] != '\0') {
        size += (size_t)snprintf(a->next + size, capacity - size, "&strategy=");
        size += put_escaped(a->next + size, capacity - size, r->strategy);
    }
    if (r->feed[0] != '\0') {
        size += (size_t)snprintf(a->next + size, capacity - size, "&feed=");
        size += put_escaped(a->next + size, capacity - size, r->feed);
    }
    if (r->reason != TD_REASON_NONE)
        size += (size_t)snprintf(a->next + size, capacity - size, "&reason=%s", td_reason_name(r->reason));
    if (r->width_ns > 0) {
        char width[TD_WIDTH_TEXT_MAX];
        (void)td_width_format(r->width_ns, width);
        size += (size_t)snprintf(a->next + size, capacity - size, "&width=");
        size += put_escaped(a->next + size, capacity - size, width);
    }
    for (int s = 0; s < TD_GAP_STATUS_COUNT; s++)
        if (r->statuses == 1 << s)
            size +=
                (size_t)snprintf(a->next + size, capacity - size, "&status=%s", td_gap_status_name((td_gap_status)s));
    put_time_argument(a->next, &size, capacity, "from", r->from_ns);
    if (a->history != NULL)
        put_time_argument(a->next, &size, capacity, "before", end_of_page(a));
    else
        put_time_argument(a->next, &size, capacity, "to", r->to_ns);
    put_time_argument(a->next, &size, capacity, "as_of", r->as_of.known_ns);
    if (r->as_of.offset != INT64_MAX)
        size += (size_t)snprintf(a->next + size, capacity - size, "&as_of=@%" PRId64, r->as_of.offset);
    if (r->adjust != TD_ADJUST_NONE)
        size += (size_t)snprintf(a->next + size, capacity - size, "&adjust=%s", td_adjusting_name(r->adjust));
    (void)snprintf(a->next + size, capacity - size, "&limit=%" PRId64 "&cursor=%s%s%s%s", r->limit, cursor,
                   r->known_now ? "&known=now" : "", r->format != TD_API_JSON ? "&format=" : "",
                   r->format != TD_API_JSON ? td_api_format_name(r->format) : "");
    *strchr(a->next, '&') = '?';
}

static void find_older(td_answer *a) {
    char cursor[96] = "";
    int64_t one = td_history_cursor(a->history);
    td_history_edge all = td_history_edge_of(a->history);
    if (one >= 0) (void)snprintf(cursor, sizeof cursor, "%" PRId64, one);
    int size = 0;
    if (all.known)
        size = snprintf(cursor, sizeof cursor, "%" PRId64 ".%" PRIu32 ".%" PRId64, all.appended_ms, all.partition,
                        all.offset);
    if (all.known && all.instant_ns != INT64_MAX)
        (void)snprintf(cursor + size, sizeof cursor - (size_t)size, ".%" PRId64, all.instant_ns);
    if (cursor[0] != '\0') find_next(a, cursor);
}

td_status td_answer_step(td_answer *a) {
    if (a->order != NULL) return td_order_step(a->order, &a->body);
    if (a->addition != NULL) return td_addition_step(a->addition, &a->body);
    if (a->topic != NULL) return td_topic_answer_step(a->topic, &a->body);
    if (a->task != NULL) return step_task(a);
    if (a->newest != NULL && !a->walked) {
        td_status status = td_newest_step(a->newest);
        a->walked = status == TD_OK;
        return a->walked ? TD_AGAIN : status;
    }
    td_status adjusted = a->adjust != NULL ? td_adjust_step(a->adjust) : TD_OK;
    if (adjusted != TD_OK) return adjusted;
    if (a->history != NULL && !a->walked) {
        td_status status = td_history_step(a->history);
        if (status != TD_OK) return status;
        a->walked = true;
        find_older(a);
        return TD_AGAIN;
    }
    return a->request.kind == TD_API_LINES || a->program != NULL ? step_lines(a) : step_rows(a);
}

const td_buf *td_answer_body(const td_answer *a) { return &a->body; }
const char *td_answer_next(const td_answer *a) { return a->topic != NULL ? td_topic_answer_next(a->topic) : a->next; }
const char *td_answer_type(const td_answer *a) { return td_api_format_type(a->request.format); }
