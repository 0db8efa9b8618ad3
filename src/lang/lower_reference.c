/* src/lang/lower_reference.c - `ref.sector`, and `tick`: what the instrument table says of the strategy's own
 * instrument. Numbers become facts of the graph (stream/graph_build.h). Texts are compared here, row by row, and the
 * answers are facts: a graph knows no texts. */
#include "lang/lower.h"
#include "lang/words.h"
#include <stdio.h>

static const td_expr *expr_at(const td_lowering *l, uint32_t i) { return td_syntax_expr(l->tree, i); }

/* A name of the user's own hides it. */
static bool is_reference(const td_lowering *l, const td_expr *e) {
    if (e->kind != TD_EXPR_FIELD || l->inner != NULL) return false;
    const td_expr *of = expr_at(l, e->first);
    if (of->kind != TD_EXPR_NAME || !td_bytes_equal(of->text, TD_TEXT("ref"))) return false;
    return td_lower_find(l, of->text, (td_bytes){0}) == NULL && td_lower_find(l, of->text, e->text) == NULL;
}

static void fail_column(const td_lowering *l, const td_expr *e) {
    char copies[TD_REFERENCE_COLUMNS_MAX][TD_NAME_BYTES_MAX + 1];
    const char *words[TD_REFERENCE_COLUMNS_MAX];
    size_t count = l->reference->column_count;
    if (count == 0) {
        td_lower_fail(l, e->offset,
                      "'%s' reads the instrument table: name one by `instruments: FILE` in the "
                      "configuration",
                      e->kind == TD_EXPR_NAME ? "tick" : "ref");
        return;
    }
    for (size_t i = 1; i < count; i++) {
        (void)snprintf(copies[i], sizeof copies[i], "%.*s", TD_WORD(l->reference->columns[i]));
        words[i - 1] = copies[i];
    }
    words[count - 1] = NULL;
    const char *near = td_word_nearest(words, e->text);
    td_lower_fail(l, e->offset, "the instrument table has no column '%.*s'%s%s%s", TD_WORD(e->text),
                  near != NULL ? "; did you mean '" : "", near != NULL ? near : "", near != NULL ? "'?" : "");
}

/* The text stands where none belongs. */
static void fail_alone(const td_lowering *l, const td_expr *e) {
    if (e->kind != TD_EXPR_FIELD)
        td_lower_fail(l, e->offset,
                      "a text is compared with a text, as in news.headline has \"…\" or ref.sector == \"…\"");
    else
        td_lower_fail(l, e->offset, "'ref.%.*s' is a text: compare it with one, as in ref.%.*s == \"…\"",
                      TD_WORD(e->text), TD_WORD(e->text));
}

/* It has a cell that is no number. */
static bool is_text(const td_reference *reference, size_t column) {
    td_bytes rows = reference->rows;
    td_reference_row row;
    td_value number;
    while (td_reference_next(&rows, &row))
        if (row.cells[column].size > 0 && !td_reference_number(row.cells[column], &number)) return true;
    return false;
}

/* The text of the expression is the column's name. */
static uint32_t lower_column(td_lowering *l, const td_expr *e) {
    size_t column = td_reference_column(l->reference, e->text);
    if (column == 0 || is_text(l->reference, column)) {
        (column == 0 ? fail_column : fail_alone)(l, e);
        return TD_NODE_BAD;
    }
    td_buf facts = {0};
    td_bytes rows = l->reference->rows;
    for (td_reference_row row; td_reference_next(&rows, &row);) {
        td_graph_fact fact = {.pattern = row.cells[0], .value = TD_VALUE_NA};
        (void)td_reference_number(row.cells[column], &fact.value);
        td_buf_put(&facts, &fact, sizeof fact);
    }
    uint32_t node =
        td_graph_builder_add_facts(l->builder, TD_TYPE_DECIMAL, (const td_graph_fact *)(const void *)facts.data,
                                   facts.size / sizeof(td_graph_fact));
    td_buf_fini(&facts);
    return node;
}

bool td_lower_reference(td_lowering *l, const td_expr *e, uint32_t *out_node) {
    if (!is_reference(l, e)) return false;
    *out_node = lower_column(l, e);
    return true;
}

uint32_t td_lower_tick(td_lowering *l, const td_expr *e, td_bytes field) {
    if (field.size == 0) return lower_column(l, e);
    td_lower_fail(l, e->offset, "'tick' is one value and has no fields");
    return TD_NODE_BAD;
}

/* ---- texts ---- */

typedef struct text { /* one as written, or a column */
    td_bytes literal;
    size_t column; /* 0: the literal */
} text;

/* Not an error: it is no text. */
static bool take_text(const td_lowering *l, uint32_t expr, text *out) {
    const td_expr *e = expr_at(l, expr);
    *out = (text){.literal = e->text};
    const td_scope_name *name = e->kind == TD_EXPR_NAME ? td_lower_find(l, e->text, (td_bytes){0}) : NULL;
    if (name != NULL) out->literal = name->text;
    if (e->kind == TD_EXPR_STRING || (name != NULL && name->text.size > 0)) return true;
    if (!is_reference(l, e)) return false;
    out->column = td_reference_column(l->reference, e->text);
    return out->column > 0 && is_text(l->reference, out->column);
}

static void fail_operator(const td_lowering *l, const td_expr *e) {
    td_lower_fail(l, e->offset, "texts do not go with '%.*s': compare them by ==, !=, has and in", TD_WORD(e->text));
}

static const char *const text_ops[] = {"==", "!=", "has", "in", NULL};

static td_value compare(int op, td_bytes a, td_bytes b) {
    bool is = op < 2 ? td_bytes_equal(a, b) == (op == 0) : op == 2 ? td_bytes_have(a, b) : td_bytes_have(b, a);
    return is ? 1 : 0;
}

/* Cells that are empty say nothing. */
static uint32_t add_answers(td_lowering *l, int op, const text in[2]) {
    td_buf facts = {0};
    td_bytes rows = l->reference->rows;
    for (td_reference_row row; td_reference_next(&rows, &row);) {
        td_bytes a = in[0].column > 0 ? row.cells[in[0].column] : in[0].literal;
        td_bytes b = in[1].column > 0 ? row.cells[in[1].column] : in[1].literal;
        bool empty = (in[0].column > 0 && a.size == 0) || (in[1].column > 0 && b.size == 0);
        td_graph_fact fact = {row.cells[0], empty ? TD_VALUE_NA : compare(op, a, b)};
        td_buf_put(&facts, &fact, sizeof fact);
    }
    uint32_t node =
        td_graph_builder_add_facts(l->builder, TD_TYPE_CONDITION, (const td_graph_fact *)(const void *)facts.data,
                                   facts.size / sizeof(td_graph_fact));
    td_buf_fini(&facts);
    return node;
}

/* False: there is no such column, and that was said. */
static bool know_column(const td_lowering *l, const td_expr *e) {
    if (!is_reference(l, e) || td_reference_column(l->reference, e->text) > 0) return true;
    fail_column(l, e);
    return false;
}

/* What is written beside what is no such text: news has texts, too. */
static uint32_t compare_news(td_lowering *l, const td_expr *e, const text *written, bool written_first) {
    uint32_t other = written_first ? expr_at(l, e->first)->next : e->first;
    const td_expr *words = expr_at(l, written_first ? e->first : expr_at(l, e->first)->next);
    uint32_t field = td_lower_expr(l, other);
    int op = td_word_find(text_ops, e->text);
    if (field == TD_NODE_BAD) return field;
    if (td_lower_type(l, field) != TD_TYPE_TEXT || written->column > 0)
        fail_alone(l, words);
    else if (op < 0)
        fail_operator(l, e);
    else if (written->literal.size == 0)
        td_lower_fail(l, words->offset, "a text has to say something: what a source does not say is na");
    else
        return td_lower_compare_text(l, field, op, written->literal, written_first);
    return TD_NODE_BAD;
}

bool td_lower_texts(td_lowering *l, const td_expr *e, uint32_t *out_node) {
    uint32_t second = expr_at(l, e->first)->next;
    text in[2];
    if (second == 0) return false;
    *out_node = TD_NODE_BAD;
    if (!know_column(l, expr_at(l, e->first)) || !know_column(l, expr_at(l, second))) return true;
    bool first_is = take_text(l, e->first, &in[0]), second_is = take_text(l, second, &in[1]);
    if (!first_is && !second_is) return false;
    int op = td_word_find(text_ops, e->text);
    if (!first_is || !second_is)
        *out_node = compare_news(l, e, first_is ? &in[0] : &in[1], first_is);
    else if (op < 0)
        fail_operator(l, e);
    else if (in[0].column == 0 && in[1].column == 0)
        *out_node = td_graph_builder_add(l->builder, (td_node){.op = TD_OP_CONSTANT,
                                                               .type = TD_TYPE_CONDITION,
                                                               .constant = compare(op, in[0].literal, in[1].literal)});
    else
        *out_node = add_answers(l, op, in);
    return true;
}
