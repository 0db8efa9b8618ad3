/* src/stream/ports.c - each port from where its value stands. */
#include "stream/ports.h"
#include "stream/state_layout.h"

/* The newest value that the graph of that width gave: of its last final bar. */
static td_value read_export(const td_state *s, uint32_t instrument, const td_port *port) {
    for (size_t w = 0; w < s->program->width_count; w++)
        if (s->program->widths_ns[w] == port->width_ns)
            return td_graph_export(s->program->graphs[w], hindsight_of(s, block_of(s, instrument), w).state,
                                   port->export_at);
    return TD_VALUE_NA;
}

const td_value *td_state_read_ports(td_state *s, uint32_t instrument, size_t w) {
    const td_port *ports;
    uint32_t count = td_graph_ports(s->program->graphs[w], &ports);
    for (uint32_t i = 0; i < count; i++) s->ports[i] = read_export(s, instrument, &ports[i]);
    return count > 0 ? s->ports : NULL;
}
