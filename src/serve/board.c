/* src/serve/board.c - the state of feeds, log and run as JSON. */
#include "serve/board.h"
#include "base/json.h"
#include "base/metric.h"
#include "base/time.h"
#include <inttypes.h>

static int64_t tape_end(const td_view *view) {
    const td_topic *tape = td_view_topics(view)->tape;
    int64_t sum = 0;
    for (uint32_t p = 0; p < td_topic_partitions(tape); p++) sum += td_topic_end(tape, p);
    return sum;
}

void td_board_measure(td_board *b, const td_view *view, int64_t mono_ns) {
    int64_t records = tape_end(view), past_ns = mono_ns - b->measured_ns;
    if (b->measured_ns != 0 && past_ns > 0) {
        double rate = (double)(records - b->measured_records) * 1e9 / (double)past_ns;
        b->records_per_second += (rate - b->records_per_second) / 2;
    }
    b->measured_ns = mono_ns;
    b->measured_records = records;
}

static void put_time(td_buf *out, const char *name, int64_t ns, bool known) {
    char text[40];
    if (known) {
        (void)td_time_format(ns, text);
        td_buf_printf(out, ",\"%s_ns\":%" PRId64 ",\"%s_time\":\"%s\"", name, ns, name, text);
    } else {
        td_buf_printf(out, ",\"%s_ns\":null,\"%s_time\":null", name, name);
    }
}

/* What the log says of it; NULL: nothing yet. */
static void put_seen(td_buf *out, const td_view *view, td_bytes name, const td_view_feed *f) {
    static const char *const sessions[] = {"live", "idle", "down", "ended"};
    td_buf_printf(out, ",\"session\":\"%s\"", f != NULL && f->session < 4 ? sessions[f->session] : "unknown");
    put_time(out, "event", f != NULL ? f->event_ns : 0, f != NULL && f->event_ns != 0);
    put_time(out, "clock", f != NULL ? f->receive_ns : 0, f != NULL && f->receive_ns != 0);
    put_time(out, "bound", f != NULL ? f->bound_ns : 0, f != NULL && f->bound_ns != TD_NONE);
    td_buf_printf(out, ",\"open_gaps\":%" PRId64, td_gap_table_open(td_view_gaps(view), name));
}

/* What the run says of it; NULL: it is of a former one. */
static void put_counted(td_buf *out, const td_serve_feed *f) {
    td_buf_text(out, ",\"run\":");
    if (f == NULL) {
        td_buf_text(out, "null");
        return;
    }
    td_buf_printf(out, "{\"events\":%" PRId64 ",\"rejected\":%" PRId64 ",\"ignored\":%" PRId64, f->events, f->rejected,
                  f->ignored);
    if (f->live) {
        td_buf_printf(out, ",\"up\":%s,\"sessions\":%" PRId64 ",\"failures\":%" PRId64 ",\"backfilled\":%" PRId64,
                      f->up ? "true" : "false", f->sessions, f->failures, f->backfilled);
        td_buf_text(out, ",\"lag_records\":");
        if (f->lag_records >= 0)
            td_buf_printf(out, "%" PRId64, f->lag_records);
        else
            td_buf_text(out, "null");
        put_time(out, "end", f->end_ns, f->end_ns != 0);
        td_buf_text(out, ",\"end_reason\":");
        td_json_put_string(out, td_text(f->end));
    }
    td_buf_text(out, "}");
}

static void put_feed(td_buf *out, const td_view *view, const td_view_feed *seen, const td_serve_feed *counted) {
    td_bytes name = counted != NULL ? counted->name : (td_bytes){(const uint8_t *)seen->name, seen->name_size};
    td_buf_text(out, out->data[out->size - 1] == '[' ? "{\"name\":" : ",{\"name\":");
    td_json_put_string(out, name);
    put_seen(out, view, name, seen);
    put_counted(out, counted);
    td_buf_text(out, "}");
}

/* Those of the run, then those that the log alone knows. */
static void put_feeds(td_buf *out, const td_view *view) {
    const td_serve_run *run = &td_view_topics(view)->run;
    const td_view_feed *feeds;
    size_t count = td_view_feeds(view, &feeds);
    uint64_t told = 0; /* a bit for each that the log knows */
    td_serve_feed counted;
    td_buf_text(out, "\"feeds\":[");
    for (size_t i = 0; run->feed != NULL && run->feed(run->self, i, &counted); i++) {
        size_t at = 0;
        while (at < count &&
               !td_bytes_equal(counted.name, (td_bytes){(const uint8_t *)feeds[at].name, feeds[at].name_size}))
            at++;
        put_feed(out, view, at < count ? &feeds[at] : NULL, &counted);
        if (at < count) told |= UINT64_C(1) << at;
    }
    for (size_t i = 0; i < count; i++)
        if ((told >> i & 1) == 0) put_feed(out, view, &feeds[i], NULL);
    td_buf_text(out, "]");
}

static void put_topic(td_buf *out, const td_topic *topic) {
    int64_t start = 0, end = 0, synced = 0, bytes = 0;
    for (uint32_t p = 0; p < td_topic_partitions(topic); p++) {
        start += td_topic_start(topic, p);
        end += td_topic_end(topic, p);
        synced += td_topic_synced(topic, p);
        bytes += td_topic_bytes(topic, p);
    }
    td_buf_printf(out, "\"%s\":{\"partitions\":%u,\"records\":%" PRId64 ",\"end\":%" PRId64 ",\"unsynced\":%" PRId64,
                  td_topic_name(topic), (unsigned)td_topic_partitions(topic), end - start, end, end - synced);
    if (bytes >= 0) td_buf_printf(out, ",\"bytes\":%" PRId64, bytes); /* on Kafka nobody tells */
    td_buf_text(out, "}");
}

/* How many lines the strategies of a width draw. */
static size_t lines_of(const td_program *program, int64_t width_ns) {
    const td_graph_line *lines;
    for (size_t w = 0; program != NULL && w < program->width_count; w++)
        if (program->widths_ns[w] == width_ns && program->graphs[w] != NULL)
            return td_graph_lines(program->graphs[w], &lines);
    return 0;
}

static td_serve_progress progress_of(const td_view *view) {
    const td_serve_run *run = &td_view_topics(view)->run;
    td_serve_progress p = {.state = "running"};
    if (run->progress != NULL) run->progress(run->self, &p);
    return p;
}

static void put_run(td_buf *out, const td_view *view) {
    if (td_view_topics(view)->run.progress == NULL) {
        td_buf_text(out, "\"run\":null");
        return;
    }
    td_serve_progress p = progress_of(view);
    td_buf_printf(
        out,
        "\"run\":{\"state\":\"%s\",\"events\":%" PRId64 ",\"accepted\":%" PRId64 ",\"quarantined\":%" PRId64
        ",\"duplicates\":%" PRId64 ",\"rejected\":%" PRId64 ",\"late\":%" PRId64 ",\"lag_records\":%" PRId64
        ",\"behind_records\":%" PRId64 ",\"sinks_lack\":%" PRId64 ",\"sink_rows\":%" PRId64
        ",\"sharing\":{\"owned\":%" PRId64 ",\"rebalances\":%" PRId64 ",\"taken\":%" PRId64 ",\"left\":%" PRId64
        ",\"fenced\":%" PRId64 "},\"transactions\":{\"committed\":%" PRId64 ",\"aborted\":%" PRId64 "}}",
        p.state, p.events, p.accepted, p.quarantined, p.duplicates, p.rejected, p.late, p.lag_records, p.behind_records,
        p.sinks_lack, p.rows, p.owned, p.rebalances, p.taken, p.left, p.fenced, p.committed, p.aborted);
}

/* Some KB of what is wrong are enough to find it by. */
static void put_edit(td_buf *out, const td_view *view) {
    enum { ERRORS_MAX = 4096 };
    const td_serve_run *run = &td_view_topics(view)->run;
    td_serve_edit edit = {0};
    if (run->edit == NULL) {
        td_buf_text(out, ",\"strategies\":null");
        return;
    }
    run->edit(run->self, &edit);
    td_buf_printf(out, ",\"strategies\":{\"state\":\"%s\",\"turn\":%" PRId64, edit.state, edit.turn);
    put_time(out, "since", edit.at_ns, true);
    td_buf_text(out, ",\"errors\":");
    td_bytes errors = td_buf_bytes(&edit.errors);
    if (errors.size > ERRORS_MAX) errors.size = ERRORS_MAX;
    td_json_put_string(out, errors);
    td_buf_text(out, "}");
    td_buf_fini(&edit.errors);
}

void td_board_put(td_buf *out, const td_board *b, const td_view *view) {
    const td_serve_topics *topics = td_view_topics(view);
    td_view_lag lag;
    td_view_lag_of(view, &lag);
    td_buf_text(out, "{");
    put_run(out, view);
    put_edit(out, view);
    td_buf_printf(out, ",\"records_per_second\":%.0f,\"lateness_ns\":%" PRId64 ",\"widths\":[", b->records_per_second,
                  topics->lateness_ns);
    for (size_t w = 0; w < topics->width_count; w++) {
        char width[TD_WIDTH_TEXT_MAX];
        bool counted = !td_width_is_timed(topics->widths_ns[w]);
        (void)td_width_format(topics->widths_ns[w], width);
        td_buf_printf(out, "%s{\"width\":\"%s\",\"ns\":%" PRId64 ",\"lines\":%zu}", w > 0 ? "," : "", width,
                      counted ? topics->widths_ns[w] : td_width_span_ns(topics->widths_ns[w]),
                      lines_of(topics->program, topics->widths_ns[w]));
    }
    td_buf_text(out, "],");
    put_feeds(out, view);
    td_buf_printf(out, ",\"open_gaps\":%" PRId64 ",\"log\":{", td_gap_table_open(td_view_gaps(view), TD_TEXT("")));
    const td_topic *const shown[] = {topics->tape, topics->bars, topics->signals, topics->gaps};
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++) {
        if (i > 0) td_buf_text(out, ",");
        put_topic(out, shown[i]);
    }
    td_buf_printf(out,
                  "},\"view\":{\"instruments\":%u,\"behind_records\":%" PRId64 ",\"skipped\":%" PRId64
                  ",\"hidden\":%" PRId64 ",\"hidden_gaps\":%" PRId64 ",\"corrupt\":%" PRId64 ",\"loading\":%s}}",
                  (unsigned)td_view_count(view), lag.tape_records, lag.skipped, lag.hidden,
                  td_gap_table_hidden(td_view_gaps(view)), lag.corrupt, lag.loading ? "true" : "false");
}

/* ---- metrics ---- */

static void tell_instruments(const td_metric *m, const void *self, td_buf *out) {
    td_metric_put(out, m, NULL, td_view_count(self));
}

static void tell_lag(const td_metric *m, const void *self, td_buf *out) {
    td_view_lag lag;
    td_view_lag_of(self, &lag);
    td_metric_put(out, m, NULL, (double)*(const int64_t *)(const void *)((const char *)&lag + m->offset));
}

void td_board_put_metrics(td_buf *out, const td_view *view) {
    static const td_metric rows[] = {
        {"tapedeck_view_instruments", TD_METRIC_GAUGE, "Instruments that the dashboard knows.", tell_instruments, 0},
        {"tapedeck_view_lag_records", TD_METRIC_GAUGE,
         "Records of the tape that the dashboard has not seen; it reads only while somebody watches.", tell_lag,
         offsetof(td_view_lag, tape_records)},
        {"tapedeck_view_skipped_records_total", TD_METRIC_COUNTER,
         "Records of the tape that the dashboard skipped to keep up.", tell_lag, offsetof(td_view_lag, skipped)},
        {"tapedeck_view_hidden_trades_total", TD_METRIC_COUNTER,
         "Ticks of instruments beyond the number that the dashboard shows.", tell_lag, offsetof(td_view_lag, hidden)},
        {0},
    };
    td_metrics_put(out, rows, view);
}

/* ---- probes ---- */

bool td_board_put_live(td_buf *out, const td_view *view) {
    td_serve_progress p = progress_of(view);
    td_buf_printf(out, "{\"live\":%s,\"reasons\":[", p.stuck == NULL ? "true" : "false");
    if (p.stuck != NULL) td_buf_printf(out, "{\"code\":\"stuck\",\"thread\":\"%s\"}", p.stuck);
    td_buf_text(out, "]}\n");
    return p.stuck == NULL;
}

bool td_board_put_ready(td_buf *out, const td_view *view) {
    td_serve_progress p = progress_of(view);
    td_view_lag lag;
    td_view_lag_of(view, &lag);
    const struct {
        bool holds;
        const char *code;
        int64_t records; /* -1: no number belongs to it */
    } reasons[] = {
        {p.resuming, "resuming", -1},
        {p.behind_records > 0, "catching_up", p.behind_records},
        {lag.loading, "loading", -1},
        {p.faulty, "fault", -1},
        {p.sinks_lack > 0, "sink_lacks", p.sinks_lack},
        {p.draining, "draining", -1},
        {p.stuck != NULL, "stuck", -1},
    };
    td_buf list = {0};
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        if (!reasons[i].holds) continue;
        td_buf_printf(&list, "%s{\"code\":\"%s\"", list.size > 0 ? "," : "", reasons[i].code);
        if (reasons[i].records >= 0) td_buf_printf(&list, ",\"records\":%" PRId64, reasons[i].records);
        td_buf_text(&list, "}");
    }
    bool ready = list.size == 0;
    td_buf_printf(out, "{\"ready\":%s,\"reasons\":[%.*s]}\n", ready ? "true" : "false", (int)list.size,
                  ready ? "" : (const char *)list.data);
    td_buf_fini(&list);
    return ready;
}
