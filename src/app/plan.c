/* src/app/plan.c - a program's graphs for people, and for programs. */
#include "app/plan.h"
#include "app/estimate.h"
#include "base/json.h"
#include "base/time.h"
#include "stream/room.h"
#include "stream/term.h"
#include "stream/warmup.h"
#include <inttypes.h>
#include <stdio.h>

enum { SIZE_TEXT_MAX = 24, NEED_TEXT_MAX = TD_INSTRUMENT_NAME_MAX + 2 * TD_RHYTHM_TEXT_MAX };

typedef struct planned { /* one graph */
    const td_plan_question *question;
    size_t at; /* in the program */
    const td_graph *graph;
    td_graph_shape shape;
    char rhythm[TD_RHYTHM_TEXT_MAX];
    size_t state_bytes; /* per instrument, what it looks back with and what others read included */
    double event_ns;
} planned;

static planned plan_graph(const td_plan_question *q, const td_room *room, size_t at) {
    const td_graph *graph = q->program->graphs[at];
    const td_estimate_conf conf = {q->program, q->instruments, q->now_ns, q->clock};
    planned p = {.question = q,
                 .at = at,
                 .graph = graph,
                 .shape = td_graph_shape_of(graph),
                 .state_bytes = room->graph_bytes[at],
                 .event_ns = td_estimate_event_ns(&conf, at)};
    td_rhythm_format(td_graph_rhythm(graph), p.rhythm);
    return p;
}

/* ---- text ---- */

/* "812 B", "14.2 kB". */
static const char *size_text(size_t bytes, char out[SIZE_TEXT_MAX]) {
    static const char *const units[] = {"kB", "MB", "GB"};
    double size = (double)bytes / 1e3;
    int unit = 0;
    for (; size >= 999.95 && unit < 2; unit++) size /= 1e3;
    if (bytes < 1000)
        (void)snprintf(out, SIZE_TEXT_MAX, "%zu B", bytes);
    else
        (void)snprintf(out, SIZE_TEXT_MAX, "%.1f %s", size, units[unit]);
    return out;
}

static const char *time_text(double ns, char out[SIZE_TEXT_MAX]) {
    if (ns < 1000)
        (void)snprintf(out, SIZE_TEXT_MAX, "%.0f ns", ns);
    else
        (void)snprintf(out, SIZE_TEXT_MAX, "%.1f us", ns / 1000);
    return out;
}

/* What runs a graph of that rhythm. */
static const char *event_word(td_rhythm rhythm, bool many) {
    static const char *const words[][2] = {
        [TD_RHYTHM_BARS] = {"bar", "bars"},           [TD_RHYTHM_TRADES] = {"trade", "trades"},
        [TD_RHYTHM_QUOTES] = {"quote", "quotes"},     [TD_RHYTHM_BOOK] = {"book update", "book updates"},
        [TD_RHYTHM_NEWS] = {"headline", "headlines"}, [TD_RHYTHM_SECTION] = {"bar", "bars"}};
    return words[rhythm.source][many];
}

/* "16 bars of 5m", "5s of trades", "1 bar of 1h of NASDAQ:PEP". */
static void put_events(td_rhythm rhythm, uint32_t events, int64_t span_ns, td_buf *out) {
    char duration[24], width[TD_WIDTH_TEXT_MAX];
    if (span_ns > 0) (void)td_duration_format(span_ns, duration);
    if (span_ns > 0) td_buf_printf(out, "%s of %s", duration, event_word(rhythm, true));
    if (span_ns > 0 && events > 1) td_buf_text(out, " and ");
    if (span_ns == 0 || events > 1) td_buf_printf(out, "%" PRIu32 " %s", events, event_word(rhythm, events != 1));
    if (!td_rhythm_has_bars(rhythm)) return;
    (void)td_width_format(rhythm.width_ns, width);
    td_buf_printf(out, " of %s%s", width, rhythm.source == TD_RHYTHM_SECTION ? " across its set" : "");
}

static const char *const lacks_texts[] = {
    "windows with `where` until as many values fit it", "`since` and what counts from a condition until it was true",
    "windows over news while none is in them", "`held` and `entry` while nothing is held"};

static void put_needs_text(const td_needs *needs, td_buf *out) {
    size_t count = td_needs_count(needs), put = 0;
    const td_need *own = td_needs_at(needs, 0);
    for (size_t i = 0; i < count; i++) {
        const td_need *need = td_needs_at(needs, i);
        bool implied = i == 0 && count > 1 && need->span_ns <= needs->from_then_ns &&
                       (need->events == 1 || need->events <= needs->from_then);
        if (implied) continue;
        if (put++ > 0) td_buf_text(out, i + 1 == count ? " and " : ", ");
        put_events(need->rhythm, need->events, need->span_ns, out);
        if (need->instrument.size > 0)
            td_buf_printf(out, " of %.*s", (int)need->instrument.size, (const char *)need->instrument.data);
    }
    if (needs->from_then > 0) {
        td_buf_text(out, ", and from then on ");
        put_events(own->rhythm, needs->from_then, needs->from_then_ns, out);
    }
    td_buf_text(out, "\n");
    for (size_t i = 0; i < sizeof lacks_texts / sizeof lacks_texts[0]; i++)
        if ((needs->lacks >> i & 1) != 0) td_buf_printf(out, "    no value: %s\n", lacks_texts[i]);
}

/* Those that have values: what a strategy tells for a cross-section stands in a graph of its own, without any. */
static uint32_t put_strategies(const planned *p, td_buf *out) {
    uint32_t count = 0;
    td_graph_strategy s;
    for (uint32_t i = 0; td_graph_strategy_at(p->graph, i, &s); i++) {
        td_needs needs;
        td_strategy_needs(p->question->program, p->at, i, &needs);
        if (td_needs_at(&needs, 0)->events > 0) {
            td_buf_printf(out, "  %.*s needs ", (int)s.name.size, (const char *)s.name.data);
            put_needs_text(&needs, out);
            count++;
        }
        td_needs_fini(&needs);
    }
    return count;
}

static void put_graph(const planned *p, td_buf *out) {
    char bytes[SIZE_TEXT_MAX], time[SIZE_TEXT_MAX];
    td_buf lines = {0};
    uint32_t strategies = put_strategies(p, &lines);
    td_buf_printf(out, "on %s: ", p->rhythm);
    if (strategies > 0)
        td_buf_printf(out, "%" PRIu32 " strateg%s", strategies, strategies == 1 ? "y" : "ies");
    else
        td_buf_text(out, "what others read");
    td_buf_printf(out, ", about %s a %s, %s an instrument\n", time_text(p->event_ns, time),
                  event_word(td_graph_rhythm(p->graph), false), size_text(p->state_bytes, bytes));
    td_buf_printf(out,
                  "  %" PRIu32 " nodes for %" PRIu32 " terms: %" PRIu32 " constant, %" PRIu32
                  " of several strategies, %" PRIu32 " read from elsewhere\n",
                  p->shape.nodes, p->shape.terms, p->shape.constants, p->shape.shared, p->shape.ports);
    td_buf_put(out, lines.data, lines.size);
    td_buf_fini(&lines);
}

static void put_sum(const td_plan_question *q, const td_room *room, td_buf *out) {
    char all[SIZE_TEXT_MAX], bars[SIZE_TEXT_MAX], strategies[SIZE_TEXT_MAX];
    size_t count = td_instruments_count(q->instruments);
    td_buf_printf(out, "an instrument takes %s: %s for its bars, %s for strategies",
                  size_text(room->instrument_bytes, all), size_text(room->bar_bytes, bars),
                  size_text(room->strategy_bytes + room->waiting_bytes, strategies));
    if (count > 0)
        td_buf_printf(out, "; %s for the %zu that the feeds begin with", size_text(room->instrument_bytes * count, all),
                      count);
    td_buf_text(out, "\n");
    if (room->feed_bytes > 0)
        td_buf_printf(out, "a feed takes %s for the events whose strategies wait\n", size_text(room->feed_bytes, all));
    td_buf_text(out, "times are processor time of this machine, over a made-up market\n");
}

void td_plan_put_text(const td_plan_question *q, td_buf *out) {
    td_room room = td_program_room(q->program);
    for (size_t g = 0; g < td_program_graph_count(q->program); g++) {
        if (q->program->graphs[g] == NULL) continue;
        planned p = plan_graph(q, &room, g);
        put_graph(&p, out);
    }
    put_sum(q, &room, out);
}

/* ---- JSON ---- */

static void put_json_needs(const td_needs *needs, td_buf *out) {
    static const char *const lacks[] = {"where", "since", "news", "position"};
    const char *comma = "";
    td_buf_text(out, ",\"needs\":[");
    for (size_t i = 0; i < td_needs_count(needs); i++) {
        const td_need *need = td_needs_at(needs, i);
        char rhythm[TD_RHYTHM_TEXT_MAX];
        td_rhythm_format(need->rhythm, rhythm);
        td_buf_printf(out, "%s{\"rhythm\":\"%s\",\"instrument\":", i > 0 ? "," : "", rhythm);
        if (need->instrument.size > 0)
            td_json_put_string(out, need->instrument);
        else
            td_buf_text(out, "null");
        td_buf_printf(out, ",\"events\":%" PRIu32 ",\"span_ns\":%" PRId64 "}", need->events, need->span_ns);
    }
    td_buf_printf(out, "],\"from_then\":{\"events\":%" PRIu32 ",\"span_ns\":%" PRId64 "},\"no_value\":[",
                  needs->from_then, needs->from_then_ns);
    for (size_t i = 0; i < sizeof lacks / sizeof lacks[0]; i++) {
        if ((needs->lacks >> i & 1) == 0) continue;
        td_buf_printf(out, "%s\"%s\"", comma, lacks[i]);
        comma = ",";
    }
    td_buf_text(out, "]");
}

static void put_json_graph(const planned *p, td_buf *out) {
    td_buf_printf(out,
                  "\n{\"rhythm\":\"%s\",\"nodes\":%" PRIu32 ",\"terms\":%" PRIu32 ",\"constants\":%" PRIu32
                  ",\"shared\":%" PRIu32 ",\"ports\":%" PRIu32
                  ",\"state_bytes\":%zu,\"event_ns\":%.1f,\"strategies\":[",
                  p->rhythm, p->shape.nodes, p->shape.terms, p->shape.constants, p->shape.shared, p->shape.ports,
                  p->state_bytes, p->event_ns);
    td_graph_strategy s;
    for (uint32_t i = 0; td_graph_strategy_at(p->graph, i, &s); i++) {
        td_needs needs;
        td_strategy_needs(p->question->program, p->at, i, &needs);
        td_buf_text(out, i > 0 ? ",{\"name\":" : "{\"name\":");
        td_json_put_string(out, s.name);
        td_buf_printf(out, ",\"warmup\":%" PRIu32, td_graph_strategy_warmup(p->graph, i));
        put_json_needs(&needs, out);
        td_buf_text(out, "}");
        td_needs_fini(&needs);
    }
    td_buf_text(out, "]}");
}

void td_plan_put_json(const td_plan_question *q, td_buf *out) {
    td_room room = td_program_room(q->program);
    size_t count = td_instruments_count(q->instruments);
    const char *comma = "";
    td_buf_text(out, "{\"graphs\":[");
    for (size_t g = 0; g < td_program_graph_count(q->program); g++) {
        if (q->program->graphs[g] == NULL) continue;
        planned p = plan_graph(q, &room, g);
        td_buf_text(out, comma);
        put_json_graph(&p, out);
        comma = ",";
    }
    td_buf_printf(out,
                  "],\"state_bytes\":%zu,\"waiting_bytes\":%zu,\"bar_bytes\":%zu,\"instrument_bytes\":%zu,"
                  "\"feed_bytes\":%zu,\"instruments\":%zu,\"state_bytes_all\":%zu}",
                  room.strategy_bytes, room.waiting_bytes, room.bar_bytes, room.instrument_bytes, room.feed_bytes,
                  count, room.instrument_bytes * count);
}
