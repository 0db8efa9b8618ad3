/* src/stream/ports.c - each port from where its value stands. */
#include "stream/ports.h"
#include "stream/state_layout.h"

/* The newest value that the graph of that rhythm gave: of its last final bar. */
static td_value read_export(const td_state *s, uint32_t instrument, const td_port *port) {
    for (size_t g = 0; g < td_program_graph_count(s->program); g++) {
        const td_graph *graph = s->program->graphs[g];
        if (graph != NULL && td_rhythm_compare(td_graph_rhythm(graph), port->rhythm) == 0)
            return td_graph_export(graph, graph_state_of(s, block_of(s, instrument), g), port->export_at);
    }
    return TD_VALUE_NA;
}

const td_value *td_state_read_ports(td_state *s, uint32_t instrument, size_t graph) {
    const td_port *ports;
    uint32_t count = td_graph_ports(s->program->graphs[graph], &ports);
    for (uint32_t i = 0; i < count; i++) s->ports[i] = read_export(s, instrument, &ports[i]);
    return count > 0 ? s->ports : NULL;
}
