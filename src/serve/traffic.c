/* src/serve/traffic.c - the server's counters as rows. */
#include "serve/traffic.h"
#include <stdio.h>

static const int statuses[TD_TRAFFIC_STATUSES] = {200, 400, 401, 403, 404, 405, 414, 500, 503};

void td_traffic_answer(td_traffic *t, int status) {
    size_t i = 0;
    while (i < TD_TRAFFIC_STATUSES - 1 && statuses[i] != status) i++;
    td_count(&t->answers[i], 1);
}

static void tell_answers(const td_metric *m, const void *self, td_buf *out) {
    const td_traffic *t = self;
    for (size_t i = 0; i < TD_TRAFFIC_STATUSES; i++) {
        char code[8] = "other";
        if (statuses[i] != 0) (void)snprintf(code, sizeof code, "%d", statuses[i]);
        if (statuses[i] == 0 && i < TD_TRAFFIC_STATUSES - 1) continue;
        td_metric_put(out, m, TD_LABELS({"code", td_text(code)}), (double)td_counted(&t->answers[i]));
    }
}

static void tell_one(const td_metric *m, const void *self, td_buf *out) {
    const td_counter *counter = (const td_counter *)(const void *)((const char *)self + m->offset);
    td_metric_put(out, m, NULL, (double)td_counted(counter));
}

#define ONE(field) tell_one, offsetof(td_traffic, field)

static const td_metric rows[] = {
    {"tapedeck_http_answers_total", TD_METRIC_COUNTER, "Requests answered, by status.", tell_answers, 0},
    {"tapedeck_http_connections", TD_METRIC_GAUGE, "Connections open.", ONE(connections)},
    {"tapedeck_http_refused_total", TD_METRIC_COUNTER, "Connections and requests beyond the bound.", ONE(refused)},
    {"tapedeck_http_cut_total", TD_METRIC_COUNTER, "Answers that the reader left or took too slowly.", ONE(cut)},
    {"tapedeck_streams", TD_METRIC_GAUGE, "Streams open.", ONE(streams)},
    {"tapedeck_streams_dropped_total", TD_METRIC_COUNTER, "Streams dropped: the reader took nothing for 30 s.",
     ONE(dropped)},
    {"tapedeck_stream_events_lost_total", TD_METRIC_COUNTER, "Events that slow streams had no room for.", ONE(lost)},
    {0},
};

void td_traffic_put(td_buf *out, const td_traffic *traffic) { td_metrics_put(out, rows, traffic); }
