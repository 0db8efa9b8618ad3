/* src/lang/lower_action.c - actions: their legs, what these trade, and how much. */
#include "lang/lower.h"
#include "lang/words.h"

#define ONE INT64_C(100000000) /* decimal(19,8) */

/* ---- how much ---- */

/* A constant above 0 stands in the leg; else it has the node. False after an error. */
static bool lower_qty(td_lowering *l, uint32_t expr, td_graph_action *out) {
    uint32_t node = td_lower_number(l, expr);
    if (node == TD_NODE_BAD) return false;
    td_node n = td_graph_builder_node(l->builder, node);
    if (n.op != TD_OP_CONSTANT) {
        out->qty_node = node;
        return true;
    }
    td_value qty = td_graph_size((td_type)n.type, n.constant);
    out->qty = td_value_is_na(qty) || qty <= 0 ? 0 : (int64_t)qty;
    if (out->qty == 0)
        td_lower_fail(l, td_syntax_expr(l->tree, expr)->offset,
                      "qty must be above 0 (at least 0.00000001) and below 90 billion");
    return out->qty != 0;
}

/* ---- of what ---- */

/* The instrument of what `use` names; "": there is none, or it is the strategy's own. */
static td_bytes instrument_of(const td_lowering *l, td_bytes use) {
    for (uint32_t i = 0; use.size > 0 && i < l->strategy->stmt_count; i++) {
        const td_stmt *s = td_syntax_stmt(l->tree, l->strategy->stmt_first + i);
        if (s->kind == TD_STMT_USE && s->part_count > 0 && td_bytes_equal(s->name, use))
            return td_syntax_use(l->tree, s)->instrument;
    }
    return (td_bytes){0};
}

/* `exit all` may stand above a leg: what all is, is known first. */
void td_lower_positions(td_lowering *l) {
    for (uint32_t i = 0; i < l->strategy->stmt_count; i++) {
        const td_stmt *s = td_syntax_stmt(l->tree, l->strategy->stmt_first + i);
        if (s->kind != TD_STMT_ACTION) continue;
        const td_leg_tree *legs = td_syntax_legs(l->tree, s);
        for (uint32_t k = 0; k < s->part_count; k++) {
            td_bytes instrument = instrument_of(l, legs[k].use);
            if (instrument.size == 0) continue;
            if (td_graph_builder_add_position(l->builder, instrument) == UINT32_MAX)
                td_lower_fail(l, legs[k].use_offset, "a strategy trades at most %d instruments", TD_POSITIONS_MAX);
            (void)td_graph_builder_add_use(l->builder, instrument); /* though it may look at nothing of it */
        }
    }
}

static bool is_own(const td_lowering *l, td_bytes instrument) {
    const td_bytes *sets = td_syntax_set(l->tree, l->strategy);
    for (uint32_t i = 0; i < l->strategy->set_count; i++)
        if (td_bytes_equal(sets[i], instrument)) return true;
    return false;
}

/* The position that the leg is of, or UINT32_MAX after an error. */
static uint32_t find_position(td_lowering *l, const td_leg_tree *leg) {
    if (leg->use.size == 0) return 0;
    const td_scope_name *use = td_lower_find(l, leg->use, (td_bytes){0});
    if (use == NULL || !use->use) {
        td_lower_fail(l, leg->use_offset,
                      "'%.*s' names no instrument: say 'use %.*s = VENUE:SYMBOL' above, or 'when' and a condition",
                      TD_WORD(leg->use), TD_WORD(leg->use));
        return UINT32_MAX;
    }
    td_bytes instrument = use->place.instrument;
    if (instrument.size > 0 && !is_own(l, instrument)) return td_graph_builder_add_position(l->builder, instrument);
    td_lower_fail(l, leg->use_offset, "'%.*s' is of the strategy's own instrument: leave the name out here",
                  TD_WORD(leg->use));
    return UINT32_MAX;
}

/* ---- actions ---- */

static bool fail(const td_lowering *l, uint32_t offset, const char *message) {
    td_lower_fail(l, offset, "%s", message);
    return false;
}

/* One of each instrument. */
static bool lower_leg(td_lowering *l, const td_leg_tree *leg, td_graph_action *rows, uint8_t count) {
    td_graph_action *out = &rows[count];
    uint32_t position = find_position(l, leg);
    if (position == UINT32_MAX) return false;
    out->action = leg->action;
    out->position = (uint8_t)position;
    for (uint8_t i = 0; i < count; i++)
        if (rows[i].position == position)
            return fail(l, leg->offset, "an action has one leg of each instrument, and this is the second");
    return leg->qty == 0 || lower_qty(l, leg->qty, out);
}

uint8_t td_lower_exit_all(const td_lowering *l, td_graph_action rows[TD_POSITIONS_MAX]) {
    uint8_t count = (uint8_t)td_graph_builder_positions(l->builder);
    for (uint8_t p = 0; p < count; p++) {
        rows[p] = rows[0];
        rows[p].action = TD_ACTION_EXIT;
        rows[p].position = p;
    }
    return count;
}

void td_lower_action(td_lowering *l, const td_stmt *s) {
    const td_leg_tree *legs = td_syntax_legs(l->tree, s);
    td_graph_action rows[TD_POSITIONS_MAX];
    bool good = s->part_count <= TD_POSITIONS_MAX;
    if (!good) (void)fail(l, legs[TD_POSITIONS_MAX].offset, "an action has one leg of each instrument, at most 8");
    uint8_t count = 0;
    for (uint32_t i = 0; i < s->part_count && good; i++) {
        rows[i] = (td_graph_action){.note = s->note, .qty = ONE, .qty_node = TD_GRAPH_NOTHING};
        if (legs[i].all && (s->part_count > 1 || legs[i].use.size > 0))
            good = fail(l, legs[i].all_offset, "'exit all' leaves whatever the strategy trades, and stands alone");
        else if (legs[i].all)
            count = td_lower_exit_all(l, rows);
        else
            good = lower_leg(l, &legs[i], rows, count++);
    }
    uint32_t term = td_lower_next_term(l), condition = td_lower_condition(l, s->expr);
    if (!good || condition == TD_NODE_BAD) return;
    for (uint8_t i = 0; i < count; i++) {
        rows[i].term = term;
        rows[i].condition = condition;
    }
    td_graph_builder_add_action(l->builder, rows, count);
}
