/* src/stream/room.c - where what is remembered of an instrument lies in its block, and how large that is. */
#include "stream/room.h"
#include "base/time.h"
#include "stream/matching.h"
#include "stream/state_layout.h"
#include <stdlib.h>

static size_t round_up(size_t n, size_t unit) { return (n + unit - 1) / unit * unit; }

/* Windows whose ends lie in (watermark - past, last event + width]. */
static uint32_t slots_for(int64_t width_ns, int64_t past_ns) {
    return (uint32_t)((past_ns + width_ns - 1) / width_ns + 2);
}

static int64_t lateness_max(const td_program *program) {
    int64_t max_ns = program->unnamed.lateness_ns;
    for (size_t i = 0; i < program->feed_count; i++)
        if (program->feeds[i].lateness_ns > max_ns) max_ns = program->feeds[i].lateness_ns;
    return max_ns;
}

static int64_t greatest_divisor(int64_t a, int64_t b) { return b == 0 ? a : greatest_divisor(b, a % b); }

static bool reads_ticks(const td_graph *graph) {
    const td_port *ports;
    uint32_t count = graph != NULL ? td_graph_ports(graph, &ports) : 0;
    for (uint32_t i = 0; i < count; i++)
        if (ports[i].rhythm.source != TD_RHYTHM_BARS) return true;
    return false;
}

/* Bars end at multiples of their widths, and where sessions cut them; by count anywhere: a millisecond stands for it.
 */
static void find_grains(td_state *s) {
    const td_program *p = s->program;
    s->asof_grain_ns = 0;
    for (size_t w = 0; w < p->width_count; w++)
        if (reads_ticks(p->graphs[w]))
            s->asof_grain_ns = greatest_divisor(
                w < td_program_timed(p) ? td_width_span_ns(p->widths_ns[w]) : TD_NS_PER_MS, s->asof_grain_ns);
    if (s->asof_grain_ns > 0 && p->calendar_count > 0)
        s->asof_grain_ns = greatest_divisor(TD_NS_PER_MIN, s->asof_grain_ns);
    int64_t grains = s->asof_grain_ns > 0 ? s->slot_lateness_ns / s->asof_grain_ns + 2 : 0;
    s->asof_grains = (uint32_t)td_least(grains, TD_ASOF_GRAINS_MAX);
}

void td_state_lay_out(td_state *s) {
    const td_program *p = s->program;
    size_t at = round_up(sizeof(block_head), 64);
    int64_t lateness_ns = lateness_max(p);
    if (lateness_ns > s->slot_lateness_ns) s->slot_lateness_ns = lateness_ns;
    for (size_t w = 0; w < p->width_count; w++) {
        int64_t width_ns = p->widths_ns[w], span_ns = td_width_span_ns(width_ns);
        s->grace_ns[w] = td_program_grace_ns(p, width_ns);
        s->horizon_ns[w] = td_program_horizon_ns(p, width_ns);
        bool timed = w < td_program_timed(p);
        s->open_slots[w] = timed ? slots_for(span_ns, s->slot_lateness_ns) : 1;
        s->slots[w] = timed ? slots_for(span_ns, s->slot_lateness_ns + s->grace_ns[w]) : 1;
        s->depth[w] = td_program_depth(p, width_ns);
        s->window_offset[w] = at;
        at += (s->slots[w] + 1) * sizeof(td_window);
    }
    size_t port_count = 1;
    s->ticks_run = 0;
    s->touches = false;
    td_sections_lay_out(s);
    td_matching_lay_out(s);
    find_grains(s);
    for (size_t g = 0; g < td_program_graph_count(p); g++) {
        const td_port *ports;
        s->graph_offset[g] = at;
        if (p->graphs[g] == NULL) continue;
        for (uint32_t i = 0; i < td_graph_strategies(p->graphs[g]); i++)
            s->touches |= td_graph_rules(p->graphs[g], i)->fill == TD_FILL_TOUCH;
        at += g < p->width_count ? td_hindsight_bytes(p->graphs[g], s->depth[g]) : td_graph_state_bytes(p->graphs[g]);
        td_rhythm rhythm = td_graph_rhythm(p->graphs[g]);
        if (!td_rhythm_has_bars(rhythm)) s->ticks_run |= (uint8_t)(1u << rhythm.source);
        uint32_t values = td_graph_exports(p->graphs[g]);
        s->asof_offset[g] = at;
        if (values > 0) at += td_asof_bytes(values, s->asof_grains);
        s->recall_offset[g] = at;
        if (recalls(s, g)) at += td_recall_bytes(values);
        uint32_t count = td_graph_ports(p->graphs[g], &ports);
        port_count = count > port_count ? count : port_count;
    }
    s->graphs_end = at;
    s->block_bytes = round_up(at, 64);
    free(s->ports);
    s->ports = td_alloc_zero(port_count, sizeof *s->ports);
}

td_room td_program_room(const td_program *p) {
    td_state *s = td_state_new(p);
    td_room room = {.instrument_bytes = s->block_bytes};
    size_t count = td_program_graph_count(p);
    for (size_t g = 0; g < count; g++) {
        size_t end = g + 1 < count ? s->graph_offset[g + 1] : s->graphs_end;
        room.graph_bytes[g] = end - s->graph_offset[g];
        room.strategy_bytes += room.graph_bytes[g];
        bool waits = p->graphs[g] != NULL && td_graph_rhythm(p->graphs[g]).source == TD_RHYTHM_SECTION;
        if (waits) room.waiting_bytes += sizeof(td_bar);
    }
    room.bar_bytes = room.instrument_bytes - room.strategy_bytes;
    room.instrument_bytes += room.waiting_bytes;
    if (s->queue_ports > 0) room.feed_bytes = td_queue_bytes(s->queue_ports);
    td_state_free(s);
    return room;
}
