/* src/stream/ports.c - each port from where its value stands. */
#include "stream/ports.h"
#include "stream/state_layout.h"

/* As of that instant. */
static td_value read_asof(td_asof asof, const td_port *port, int64_t at_ns) {
    int64_t event_ns;
    const td_value *values = td_asof_at(asof, at_ns, &event_ns);
    if (values == NULL) return TD_VALUE_NA;
    return port->age != 0 ? at_ns - event_ns : values[port->export_at];
}

/* The newest value that a graph of bars gave: of its last final bar; or how long ago that ended. */
static td_value read_bar(const td_graph *graph, const void *memory, const td_port *port, int64_t at_ns) {
    int64_t end_ns;
    if (!td_graph_last_ns(memory, &end_ns)) return TD_VALUE_NA;
    return port->age != 0 ? at_ns - end_ns : td_graph_export(graph, memory, port->export_at);
}

/* Of ticks what was there at that instant. */
static td_value read_export(const td_state *s, uint32_t instrument, const td_port *port, int64_t at_ns) {
    if (instrument == UINT32_MAX) return TD_VALUE_NA; /* it has not been seen */
    block_head *block = block_of(s, instrument);
    for (size_t g = 0; g < td_program_graph_count(s->program); g++) {
        const td_graph *graph = s->program->graphs[g];
        if (graph == NULL || td_rhythm_compare(td_graph_rhythm(graph), port->rhythm) != 0) continue;
        if (g >= s->program->width_count) return read_asof(asof_of(s, block, g), port, at_ns);
        return read_bar(graph, graph_state_of(s, block, g), port, at_ns);
    }
    return TD_VALUE_NA;
}

const td_value *td_state_read_ports(td_state *s, uint32_t instrument, size_t graph, int64_t at_ns) {
    const td_port *ports;
    const td_graph_use *uses;
    uint32_t count = td_graph_ports(s->program->graphs[graph], &ports);
    (void)td_graph_uses(s->program->graphs[graph], &uses);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t of =
            ports[i].use == 0 ? instrument : td_instruments_find(s->instruments, uses[ports[i].use - 1].instrument);
        s->ports[i] = read_export(s, of, &ports[i], at_ns);
    }
    return count > 0 ? s->ports : NULL;
}
