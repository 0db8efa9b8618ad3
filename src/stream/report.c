/* src/stream/report.c - texts with values in them. */
#include "stream/report.h"
#include "base/time.h"
#include "stream/graph_layout.h"
#include "stream/term.h"
#include <stdarg.h>
#include <stdio.h>

uint32_t td_graph_reports(const td_graph *g) { return g->report_count; }
uint32_t td_graph_report_owner(const td_graph *g, uint32_t report) { return g->reports[report].owner; }

static __attribute__((format(printf, 2, 3))) void put(td_report_room *room, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    size_t left = sizeof room->bytes - room->size;
    int size = vsnprintf(room->bytes + room->size, left, fmt, args);
    va_end(args);
    room->size += (size_t)size < left ? (size_t)size : left - 1; /* what does not fit is cut */
}

/* A decimal as it is, a duration as its seconds, a double to 10 digits: more are noise to who reads it; with `exact` to
 * all of its own. */
static void put_value(td_report_room *room, td_type type, td_value value, bool exact) {
    if (td_value_is_na(value)) {
        put(room, exact ? "null" : "na");
    } else if (type == TD_TYPE_CONDITION) {
        put(room, value == 1 ? "true" : "false");
    } else if (type == TD_TYPE_REAL) {
        put(room, exact ? "%.17g" : "%.10g", td_value_to_real(value));
    } else if (type == TD_TYPE_TIME) {
        char text[40];
        (void)td_time_format((int64_t)value, text);
        put(room, exact ? "\"%s\"" : "%s", text);
    } else {
        char text[TD_DECIMAL_TEXT_MAX];
        (void)td_decimal_format(value, TD_VALUE_SCALE, false, text);
        put(room, "%s", text);
    }
}

static void put_report_value(const td_graph *g, const void *state, uint32_t value, bool exact, td_report_room *room) {
    uint32_t node = g->report_values[value].node;
    put_value(room, (td_type)g->nodes[node].is.type, td_graph_value(g, state, node), exact);
}

/* "{" begins a value's name, "{{" is one brace. */
static void put_text(const td_graph *g, const void *state, const graph_report *r, td_report_room *room) {
    uint32_t value = r->value_first;
    for (size_t i = 0; i < r->text.size; i++) {
        const char c = (char)r->text.data[i];
        bool twice = i + 1 < r->text.size && r->text.data[i + 1] == (uint8_t)c;
        if (c != '{' || twice) {
            put(room, "%c", c);
            i += (c == '{' || c == '}') && twice;
            continue;
        }
        put_report_value(g, state, value++, false, room);
        while (i < r->text.size && r->text.data[i] != '}') i++;
    }
}

static void put_object(const td_graph *g, const void *state, const graph_report *r, td_report_room *room) {
    for (uint32_t i = 0; i < r->value_count; i++) {
        td_bytes name = g->report_values[r->value_first + i].name;
        put(room, "%s\"%.*s\":", i == 0 ? "{" : ",", (int)name.size, (const char *)name.data);
        put_report_value(g, state, r->value_first + i, true, room);
    }
    put(room, "}");
}

void td_graph_name_report(const td_graph *g, const void *state, uint32_t report, td_signal *signal) {
    const graph_report *r = &g->reports[report];
    signal->strategy = g->strategies[r->owner].name;
    signal->note = r->text;
    signal->action = r->action;
    signal->target = td_graph_target(g, state, r->owner);
}

bool td_graph_make_report(const td_graph *g, const void *state, uint32_t report, td_report_room *room,
                          td_signal *signal) {
    const graph_report *r = &g->reports[report];
    if (!td_graph_is_active(g, state, r->owner) || td_graph_value(g, state, r->condition) != 1) return false;
    td_graph_name_report(g, state, report, signal);
    room->size = 0;
    if (r->action == TD_ACTION_ALERT)
        put_text(g, state, r, room);
    else
        put_object(g, state, r, room);
    td_bytes text = {(const uint8_t *)room->bytes, room->size};
    *(r->action == TD_ACTION_ALERT ? &signal->note : &signal->data) = text;
    return true;
}
