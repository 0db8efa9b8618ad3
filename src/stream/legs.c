/* src/stream/legs.c - one sorted row of orders. */
#include "stream/legs.h"
#include "stream/state_layout.h"

static size_t count_of(const td_legs *legs) { return legs->orders.size / sizeof(td_leg_order); }

void td_legs_fini(td_legs *legs) {
    td_buf_fini(&legs->orders);
    td_buf_fini(&legs->known);
}

void td_legs_remove(td_legs *legs, size_t begin, size_t end) {
    size_t behind = count_of(legs) - end;
    if (begin == end) return;
    if (behind > 0) memmove(td_legs_at(legs, begin), td_legs_at(legs, end), behind * sizeof(td_leg_order));
    legs->orders.size -= (end - begin) * sizeof(td_leg_order);
}

/* The first one at or behind that graph's in the instrument. */
static size_t first_of(const td_legs *legs, uint32_t traded, uint32_t graph) {
    size_t low = 0, high = count_of(legs);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const td_leg_order *o = td_legs_at(legs, middle);
        bool before = o->traded != traded ? o->traded < traded : o->graph < graph;
        if (before)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Those of one leg of one strategy, whatever it runs on. */
static void look_at_leg(td_state *s, td_leg_order leg, td_buf *out) {
    const td_graph *graph = s->program->graphs[leg.graph];
    for (leg.instance = 0; leg.instance < s->block_count; leg.instance++) {
        void *memory = graph_state_of(s, block_of(s, leg.instance), leg.graph);
        if (td_graph_position(graph, memory, leg.strategy, leg.position)->ordered != 0)
            td_buf_put(out, &leg, sizeof leg);
    }
}

static void look_at_all(td_state *s, uint32_t traded, td_buf *out) {
    td_bytes name = td_instruments_name(s->instruments, traded);
    for (uint32_t g = 0; g < td_program_graph_count(s->program); g++) {
        const td_graph *graph = s->program->graphs[g];
        for (uint32_t i = 0; graph != NULL && i < td_graph_strategies(graph); i++)
            for (uint32_t p = 1; p < td_graph_positions(graph, i); p++)
                if (td_bytes_equal(td_graph_traded(graph, i, p), name))
                    look_at_leg(s, (td_leg_order){traded, g, i, p, 0}, out);
    }
}

/* What was known of the instrument goes; what waits there comes in its place. */
static void look(td_state *s, uint32_t traded) {
    td_legs *legs = &s->legs;
    td_buf behind = {0};
    size_t begin = first_of(legs, traded, 0), end = first_of(legs, traded + 1, 0);
    size_t behind_count = count_of(legs) - end;
    if (behind_count > 0) td_buf_put(&behind, td_legs_at(legs, end), behind_count * sizeof(td_leg_order));
    legs->orders.size = begin * sizeof(td_leg_order);
    look_at_all(s, traded, &legs->orders);
    td_buf_put(&legs->orders, behind.data, behind.size);
    td_buf_fini(&behind);
    legs->known.data[traded] = 1;
}

size_t td_legs_find(td_state *s, uint32_t traded, uint32_t graph, size_t *out_begin) {
    while (s->legs.known.size <= traded) td_buf_put(&s->legs.known, "", 1);
    if (s->legs.known.data[traded] == 0) look(s, traded);
    *out_begin = first_of(&s->legs, traded, graph);
    return first_of(&s->legs, traded, graph + 1);
}
