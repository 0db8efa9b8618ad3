/* src/stream/ports.c - each port from where its value stands. */
#include "stream/ports.h"
#include "stream/carry.h"
#include "stream/matching.h"
#include "stream/state_layout.h"
#include "stream/term.h"

/* As of that instant. */
static td_value read_asof(td_asof asof, const td_port *port, int64_t at_ns) {
    int64_t event_ns;
    const td_value *values = td_asof_at(asof, at_ns, &event_ns);
    if (values == NULL) return TD_VALUE_NA;
    return port->kind == TD_PORT_AGE ? at_ns - event_ns : values[port->export_at];
}

/* The newest bar is of a feed that is ahead, or the event came in late. */
static bool is_later(const void *memory, int64_t at_ns) {
    int64_t end_ns;
    return td_graph_last_ns(memory, &end_ns) && end_ns > at_ns;
}

/* The newest value that a graph of bars gave: of its last final bar; or how long ago that ended. */
static td_value read_bar(const td_graph *graph, const void *memory, const td_port *port, int64_t at_ns) {
    int64_t end_ns;
    if (!td_graph_last_ns(memory, &end_ns)) return TD_VALUE_NA;
    return port->kind == TD_PORT_AGE ? at_ns - end_ns : td_graph_export(graph, memory, port->export_at);
}

/* A window up to that instant, over what was there. */
static td_value read_over(td_recall recall, const td_port *port, int64_t at_ns) {
    td_recall_window window = {.from_ns = at_ns - port->span_ns,
                               .to_ns = at_ns,
                               .value = port->export_at,
                               .admits = port->admits,
                               .type = (td_type)port->element,
                               .word = (td_recall_word)port->over};
    return td_recall_over(recall, &window);
}

/* Of ticks, and of bars that are not the newest, what was there at that instant. */
static td_value read_export(const td_state *s, uint32_t instrument, const td_port *port, int64_t at_ns) {
    bool over = port->kind == TD_PORT_OVER;
    if (instrument == UINT32_MAX) return over ? read_over((td_recall){0}, port, at_ns) : TD_VALUE_NA; /* not seen yet */
    block_head *block = block_of(s, instrument);
    for (size_t g = 0; g < td_program_graph_count(s->program); g++) {
        const td_graph *graph = s->program->graphs[g];
        if (graph == NULL || td_rhythm_compare(td_graph_rhythm(graph), port->rhythm) != 0) continue;
        if (over) return read_over(recall_of(s, block, g), port, at_ns);
        const void *memory = graph_state_of(s, block, g);
        if (g >= s->program->width_count || is_later(memory, at_ns))
            return read_asof(asof_of(s, block, g), port, at_ns);
        return read_bar(graph, memory, port, at_ns);
    }
    return TD_VALUE_NA;
}

/* What one is among all that ended then. */
static td_value read_section(const td_state *s, uint32_t instrument, const td_port *port, int64_t at_ns) {
    td_bytes name = td_instruments_name(s->instruments, instrument);
    td_member of = {.end_ns = at_ns, .name_size = (uint32_t)name.size};
    memcpy(of.name, name.data, name.size);
    for (size_t w = 0; w < s->program->width_count; w++)
        if (s->program->widths_ns[w] == port->rhythm.width_ns)
            of.section = td_graph_export_section(s->program->graphs[w], port->export_at);
    return td_ranking_value(&s->ranking, (td_port_kind)port->kind, &of);
}

/* ---- the strategy's own position ---- */

/* A price of shares of from_ns in those of to_ns. */
static td_value price_in_shares(const td_state *s, uint32_t instrument, int64_t price, int64_t from_ns, int64_t to_ns) {
    td_bytes name = td_instruments_name(s->instruments, instrument);
    if (!td_shares_any(&s->shares)) return price;
    if (from_ns <= to_ns) return td_split_price(td_shares_split(&s->shares, name, from_ns, to_ns), price);
    td_split back = td_shares_split(&s->shares, name, to_ns, from_ns);
    return td_split_price((td_split){back.denominator, back.numerator}, price);
}

static td_value quantity_at(const td_state *s, uint32_t instrument, const td_paper *paper, int64_t at_ns) {
    td_bytes name = td_instruments_name(s->instruments, instrument);
    td_split split = {1, 1};
    if (td_shares_any(&s->shares)) split = td_shares_split(&s->shares, name, paper->shares_ns, at_ns);
    return td_value_decimal((td_i128)td_paper_shares(split, paper->quantity) * 10); /* sizes have one place less */
}

/* A graph on bars sees prices in shares of its first one, one on ticks as they are traded. What fills comes in the
 * order of the log: it may be later than the bar that is run. */
static td_value read_position(const td_state *s, uint32_t instrument, size_t at, const td_port *port, int64_t at_ns) {
    const td_graph *graph = s->program->graphs[at];
    void *memory = graph_state_of(s, block_of(s, instrument), at);
    const td_paper *paper = td_graph_paper(graph, memory, port->export_at);
    bool none = paper->quantity == 0 || s->warms;
    int64_t prices_ns = at_ns;
    if (port->kind == TD_PORT_POSITION) return none ? 0 : quantity_at(s, instrument, paper, at_ns);
    if (none) return TD_VALUE_NA;
    switch ((td_port_kind)port->kind) {
    case TD_PORT_HELD:
        return at_ns > paper->entry_ns ? at_ns - paper->entry_ns : 0;
    case TD_PORT_ENTRY_TIME:
        return paper->entry_ns;
    case TD_PORT_ENTRY_BARS:
        return (td_value)((uint32_t)td_graph_seen(memory) - paper->entry_seen) * TD_VALUE_ONE;
    default:
        if (td_rhythm_has_bars(td_graph_rhythm(graph))) (void)td_graph_began(memory, &prices_ns);
        return price_in_shares(s, instrument, paper->entry, paper->shares_ns, prices_ns);
    }
}

uint32_t td_state_read_instrument(const td_state *s, uint32_t instrument, size_t graph, const td_port *port) {
    const td_graph_use *uses;
    (void)td_graph_uses(s->program->graphs[graph], &uses);
    return port->use == 0 ? instrument : td_instruments_find(s->instruments, uses[port->use - 1].instrument);
}

td_match td_state_read_match(const td_state *s, const td_queued *row, uint32_t i, bool *out_forgotten) {
    const td_port *ports;
    (void)td_graph_ports(s->program->graphs[row->graph], &ports);
    uint32_t of = td_state_read_instrument(s, row->instrument, row->graph, &ports[i]);
    td_match match = {.value = TD_VALUE_NA, .event_ns = INT64_MIN};
    if (of == UINT32_MAX) return match;
    td_recall recall = recall_of(s, block_of(s, of), td_carry_find(s->program, ports[i].rhythm));
    const td_value *values = td_recall_at(recall, row->event_ns, &match.event_ns, out_forgotten);
    if (values != NULL)
        match.value = ports[i].kind == TD_PORT_MATCH_AGE ? row->event_ns - match.event_ns : values[ports[i].export_at];
    return match;
}

static td_value read_port(const td_state *s, uint32_t instrument, size_t graph, const td_port *port, int64_t at_ns) {
    if (td_port_is_of_position(port)) return read_position(s, instrument, graph, port, at_ns);
    if (td_port_waits(port)) return TD_VALUE_NA; /* matching.h has it */
    if (port->kind >= TD_PORT_RANK) return read_section(s, instrument, port, at_ns);
    return read_export(s, td_state_read_instrument(s, instrument, graph, port), port, at_ns);
}

const td_value *td_state_read_ports(td_state *s, uint32_t instrument, size_t graph, int64_t at_ns) {
    const td_port *ports;
    uint32_t count = td_graph_ports(s->program->graphs[graph], &ports);
    for (uint32_t i = 0; i < count; i++) s->ports[i] = read_port(s, instrument, graph, &ports[i], at_ns);
    return count > 0 ? s->ports : NULL;
}

void td_state_keep_exports(td_state *s, uint32_t instrument, size_t graph, int64_t event_ns) {
    block_head *block = block_of(s, instrument);
    td_asof asof = asof_of(s, block, graph);
    if (asof.block == NULL) return;
    td_value *values = td_asof_put(asof, event_ns);
    for (uint32_t i = 0; i < asof.values; i++)
        values[i] = td_graph_export(s->program->graphs[graph], graph_state_of(s, block, graph), i);
    td_recall recall = recall_of(s, block, graph);
    if (recall.block != NULL) memcpy(td_recall_put(recall, event_ns), values, asof.values * sizeof *values);
    td_matching_take(s, instrument, graph, event_ns);
}
