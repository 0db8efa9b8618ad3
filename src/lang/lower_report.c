/* src/lang/lower_report.c - alerts and emits: their conditions, and the values in their texts. */
#include "lang/lower.h"
#include "stream/report.h"

/* What was not so on the event before: an alert is told when it begins. */
static uint32_t add_edge(td_lowering *l, uint32_t condition) {
    td_graph_builder *b = l->builder;
    uint32_t no = td_graph_builder_add(b, (td_node){.op = TD_OP_CONSTANT, .type = TD_TYPE_CONDITION});
    uint32_t past = td_graph_builder_add(b, (td_node){.op = TD_OP_AGO, .in = {condition}, .n = 1});
    uint32_t was = td_graph_builder_add(b, (td_node){.op = TD_OP_NZ, .in = {past, no}});
    uint32_t was_not = td_graph_builder_add(b, (td_node){.op = TD_OP_NOT, .in = {was}});
    return td_graph_builder_add(b, (td_node){.op = TD_OP_AND, .in = {condition, was_not}});
}

/* The values of "{a} and {b.c}", in their order. False after an error. */
static bool add_values(td_lowering *l, const td_stmt *s) {
    td_bytes text = s->note;
    uint32_t place = (uint32_t)(text.data - l->diags->texts[l->strategy->file].text.data), count = 0;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        if (c != '{' && c != '}') continue;
        if (i + 1 < text.size && text.data[i + 1] == c) {
            i++;
            continue;
        }
        const uint8_t *end = c == '{' ? memchr(text.data + i, '}', text.size - i) : NULL;
        if (end == NULL) {
            td_lower_fail(l, place + (uint32_t)i, "'%c' needs its pair: {name} is a value; '%c%c' is one brace", c, c,
                          c);
            return false;
        }
        td_bytes name = {text.data + i + 1, (size_t)(end - text.data) - i - 1};
        uint32_t node = td_lower_word(l, name, place + (uint32_t)i + 1);
        if (node == TD_NODE_BAD || td_lower_refuses_text(l, node, place + (uint32_t)i + 1)) return false;
        if (++count > TD_REPORT_VALUES_MAX) {
            td_lower_fail(l, place + (uint32_t)i, "an alert has at most %d values", TD_REPORT_VALUES_MAX);
            return false;
        }
        td_graph_builder_add_report_value(l->builder, name, node);
        i += name.size + 1;
    }
    return true;
}

void td_lower_alert(td_lowering *l, const td_stmt *s) {
    uint32_t term = td_lower_next_term(l), condition = td_lower_condition(l, s->expr);
    if (condition == TD_NODE_BAD) return;
    td_graph_builder_begin_report(l->builder, TD_ACTION_ALERT, s->note, add_edge(l, condition), term);
    (void)add_values(l, s);
}

void td_lower_emit(td_lowering *l, const td_stmt *s) {
    const td_let_tree *lets = td_syntax_lets(l->tree, s);
    td_node always = {.op = TD_OP_CONSTANT, .type = TD_TYPE_CONDITION, .constant = 1};
    uint32_t term = s->expr != 0 ? td_lower_next_term(l) : 0;
    uint32_t condition = s->expr != 0 ? td_lower_condition(l, s->expr) : td_graph_builder_add(l->builder, always);
    if (condition == TD_NODE_BAD) return;
    if (s->part_count > TD_REPORT_VALUES_MAX)
        td_lower_fail(l, lets[TD_REPORT_VALUES_MAX].offset, "emit gives at most %d values", TD_REPORT_VALUES_MAX);
    td_graph_builder_begin_report(l->builder, TD_ACTION_EMIT, s->name, condition, term);
    for (uint32_t i = 0; i < s->part_count; i++) {
        for (uint32_t k = 0; k < i; k++)
            if (td_bytes_equal(lets[k].name, lets[i].name))
                td_lower_fail(l, lets[i].offset, "'%.*s' is given twice", TD_WORD(lets[i].name));
        uint32_t node = td_lower_expr(l, lets[i].expr);
        if (node != TD_NODE_BAD && !td_lower_refuses_text(l, node, lets[i].offset))
            td_graph_builder_add_report_value(l->builder, lets[i].name, node);
    }
}
