/* src/lang/compile.c - texts to graphs: parse all, then give each strategy's statements to the graph of its rhythm. */
#include "base/json.h"
#include "lang/lang.h"
#include "lang/lists.h"
#include "lang/lower.h"
#include "lang/words.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct compiler {
    td_syntax tree;
    td_diags diags;
    td_builders builders;
    uint32_t *parts;        /* roots of the functions' parts that the texts use; td_lower_part */
    td_buf texts;           /* char *: names made here */
    td_buf series;          /* series_value */
    td_reference reference; /* of the text with the index reference_of - 1 */
    uint32_t reference_of;
    bool looks_at_ticks;
} compiler;

static size_t builder_count(const compiler *c) { return c->builders.list.size / sizeof(td_graph_builder *); }
static td_graph_builder **builders(const compiler *c) { return (td_graph_builder **)(void *)c->builders.list.data; }

/* ---- statements ---- */

/* False for TD_NODE_BAD, too. */
static bool is_number(const td_lowering *l, uint32_t node) {
    return node != TD_NODE_BAD && td_lower_type(l, node) <= TD_TYPE_REAL;
}

/* A clock time is none: it is an instant of each day. */
static bool is_setting(const td_lowering *l, uint32_t node) {
    return is_number(l, node) || (node != TD_NODE_BAD && td_lower_type(l, node) == TD_TYPE_DURATION);
}

static void add_line(td_lowering *l, td_bytes name, const td_scope_name *value) {
    if (value->node == TD_NODE_BAD || td_graph_builder_node(value->place.builder, value->node).type == TD_TYPE_TEXT)
        return;
    uint32_t node = td_lower_read(l, value->place, value->node, value->offset);
    if (!l->compares && is_number(l, node) && td_graph_builder_node(l->builder, node).op != TD_OP_CONSTANT)
        td_graph_builder_add_line(l->builder, name, node);
}

/* "m.signal" */
static td_bytes join_name(compiler *c, td_bytes name, td_bytes field) {
    td_buf joined = {0};
    td_buf_put(&joined, name.data, name.size);
    td_buf_text(&joined, ".");
    td_buf_put(&joined, field.data, field.size);
    td_buf_put(&c->texts, &joined.data, sizeof joined.data);
    return td_buf_bytes(&joined);
}

/* NAME = a call of a function with fields: the name has them then. False: it is none. */
static bool lower_fields(compiler *c, td_lowering *l, const td_stmt *s) {
    const td_expr *e = td_syntax_expr(&c->tree, s->expr);
    const td_function *f = e->kind == TD_EXPR_CALL ? td_lower_called(l, e) : NULL;
    if (f == NULL || !td_function_has_fields(f)) return false;
    for (const td_part *part = f->parts; part->name != NULL; part++) {
        td_bytes field = td_text(part->name);
        if (td_function_field(f, field) == NULL) continue;
        td_lower_place back = td_lower_enter(l, s->expr);
        td_lower_term term = td_lower_open_term(l, e);
        td_scope_name name = {.name = s->name,
                              .field = field,
                              .node = td_lower_call(l, e, field),
                              .offset = s->offset,
                              .term = term.term,
                              .place = td_lower_here(l)};
        td_lower_close_term(l, term, name.node);
        td_lower_leave(l, back);
        td_lower_define(l, name);
        add_line(l, join_name(c, s->name, field), &name);
    }
    return true;
}

/* The name as this strategy has it already, or NULL. */
static const td_scope_name *find_before(const td_lowering *l, td_bytes name) {
    const td_scope_name *names = (const td_scope_name *)(const void *)l->scope.data;
    for (size_t i = 0; i < l->scope.size / sizeof *names; i++)
        if (td_bytes_equal(names[i].name, name)) return &names[i];
    return NULL;
}

/* False after an error: the name is taken, or one too many. */
static bool is_new(const td_lowering *l, const td_stmt *s) {
    if (l->scope.size / sizeof(td_scope_name) >= TD_LOWER_NAMES_MAX) {
        td_lower_fail(l, s->offset, "too many names in one strategy: at most %d", TD_LOWER_NAMES_MAX);
        return false;
    }
    const td_scope_name *before = find_before(l, s->name);
    if (before == NULL) return true;
    uint32_t line = td_diag_line(&l->diags->texts[l->strategy->file], before->offset);
    td_lower_fail(l, s->offset, "'%.*s' is already defined, on line %u", TD_WORD(s->name), line);
    return false;
}

static void lower_definition(compiler *c, td_lowering *l, const td_stmt *s) {
    if (!is_new(l, s)) return;
    if (lower_fields(c, l, s)) return;
    const td_expr *e = td_syntax_expr(l->tree, s->expr);
    if (e->kind == TD_EXPR_STRING && e->text.size > 0) {
        td_lower_define(l, (td_scope_name){.name = s->name, .node = TD_NODE_BAD, .offset = s->offset, .text = e->text});
        return;
    }
    td_lower_place back = td_lower_enter(l, s->expr);
    td_scope_name name = {
        .name = s->name, .offset = s->offset, .term = td_lower_next_term(l), .place = td_lower_here(l)};
    name.node = td_lower_expr(l, s->expr);
    td_lower_leave(l, back);
    td_lower_define(l, name);
    if (s->kind == TD_STMT_PARAM && is_setting(l, name.node) && !l->compares)
        td_graph_builder_add_param(l->builder, s->name, name.node);
    else if (s->kind != TD_STMT_PARAM)
        add_line(l, s->name, &name);
}

static void lower_use(compiler *c, td_lowering *l, const td_stmt *s) {
    const td_use_tree *use = s->part_count > 0 ? td_syntax_use(l->tree, s) : NULL;
    const td_source_tree *source = use != NULL && use->source.given ? &use->source : &l->strategy->source;
    if (use != NULL && !is_new(l, s)) return;
    if (use != NULL && td_bytes_equal(use->instrument, TD_TEXT(TD_GENERAL_NEWS)) && source->kind != TD_SOURCE_NEWS)
        td_lower_fail(l, use->instrument_offset, "'*' has news alone: * news");
    td_lower_use(l, s, td_builders_of(&c->builders, td_lower_rhythm(source)));
}

/* The set with the names of its lists in their places. */
static void write_out_set(compiler *c, td_strategy_tree *s) {
    const td_bytes text = c->diags.texts[s->file].text;
    uint32_t first = (uint32_t)(c->tree.sets.size / sizeof(td_bytes)), count = 0;
    for (uint32_t i = 0; i < s->set_count; i++) {
        td_bytes item = td_syntax_set(&c->tree, s)[i], names, name;
        if (item.data[0] != '@') {
            td_buf_put(&c->tree.sets, &item, sizeof item);
            count++;
            continue;
        }
        if (!td_list_find(text, (td_bytes){item.data + 1, item.size - 1}, &names)) {
            td_diag_add(&c->diags, s->file, (uint32_t)(item.data - text.data),
                        "the list '%.*s' is not here: it is read when a configuration names the strategy's file",
                        TD_WORD(item));
            continue;
        }
        for (; td_list_next(&names, &name); count++) td_buf_put(&c->tree.sets, &name, sizeof name);
    }
    s->set_first = first;
    s->set_count = count;
}

/* Of it no terms are kept: it is the same for ever. */
static void lower_where(td_lowering *l) {
    uint32_t where = l->strategy->where;
    if (where == 0) return;
    l->trying = true;
    uint32_t condition = td_lower_condition(l, where);
    l->trying = false;
    if (condition == TD_NODE_BAD) return;
    if (td_graph_builder_is_known(l->builder, condition))
        td_graph_builder_set_where(l->builder, condition);
    else
        td_lower_fail(l, td_syntax_expr(l->tree, where)->offset,
                      "'where' behind a set asks what the instrument table says: ref.NAME, numbers and texts");
}

/* ---- strategies ---- */

static const td_strategy_tree *strategy_at(const compiler *c, size_t i) {
    return (const td_strategy_tree *)(const void *)c->tree.strategies.data + i;
}

static void check_unique(compiler *c, size_t index) {
    const td_strategy_tree *s = strategy_at(c, index);
    for (size_t i = 0; i < index && s->name.size > 0; i++) {
        const td_strategy_tree *other = strategy_at(c, i);
        if (!td_bytes_equal(s->name, other->name)) continue;
        const td_source_text *text = &c->diags.texts[other->file];
        td_diag_add(&c->diags, s->file, s->offset, "strategy '%.*s' is already defined, in %.80s:%u", TD_WORD(s->name),
                    text->file, td_diag_line(text, other->offset));
        return;
    }
}

/* What a series names is known below it in its text. */
typedef struct series_value {
    const td_strategy_tree *series;
    td_scope_name name; /* of the series' own graph */
} series_value;

static void keep_series(compiler *c, const td_lowering *l) {
    const td_scope_name *names = (const td_scope_name *)(const void *)l->scope.data;
    for (size_t i = 0; i < l->scope.size / sizeof *names; i++) {
        if (names[i].field.size > 0 || names[i].use) continue; /* of another series, or of a function's result */
        series_value value = {.series = l->strategy, .name = names[i]};
        value.name.name = l->strategy->name;
        value.name.field = names[i].name;
        td_buf_put(&c->series, &value, sizeof value);
    }
}

static void know_series(const compiler *c, td_lowering *l) {
    const series_value *values = (const series_value *)(const void *)c->series.data;
    for (size_t i = 0; i < c->series.size / sizeof *values; i++)
        if (values[i].series->file == l->strategy->file) td_lower_define(l, values[i].name);
}

static bool knows_others(const td_lowering *l) {
    const td_scope_name *names = (const td_scope_name *)(const void *)l->scope.data;
    for (size_t i = 0; i < l->scope.size / sizeof *names; i++)
        if (names[i].place.builder != l->builder || names[i].place.instrument.size > 0) return true;
    return false;
}

static void lower_stmt(compiler *c, td_lowering *l, const td_stmt *s) {
    switch ((td_stmt_kind)s->kind) {
    case TD_STMT_USE:
        lower_use(c, l, s);
        break;
    case TD_STMT_ACTION:
        td_lower_action(l, s);
        break;
    case TD_STMT_ALERT:
        td_lower_alert(l, s);
        break;
    case TD_STMT_EMIT:
        td_lower_emit(l, s);
        break;
    case TD_STMT_RULE:
        if (s->part_count > 0) td_lower_rule(l, td_syntax_rule(l->tree, s));
        break;
    default:
        lower_definition(c, l, s);
    }
}

/* Whether any of the texts has a name such as quote, which stands at a place of its own. */
static bool looks_at_ticks(const td_syntax *tree) {
    for (uint32_t i = 0; i < td_syntax_expr_count(tree); i++) {
        const td_expr *e = td_syntax_expr(tree, i);
        if (e->kind == TD_EXPR_NAME && td_word_find(td_words_asof, e->text) >= 0) return true;
    }
    return false;
}

static size_t count_tick_rhythms(const compiler *c) {
    size_t count = 0;
    for (size_t i = 0; i < builder_count(c); i++) count += !td_rhythm_has_bars(td_graph_builder_rhythm(builders(c)[i]));
    return count;
}

/* ---- what cross-sections compare ---- */

static void begin_strategy(compiler *c, td_lowering *l, td_bytes name) {
    const td_strategy_tree *s = l->strategy;
    const td_bytes *sets = td_syntax_set(&c->tree, s);
    td_graph_builder_begin_strategy(l->builder, name, sets, s->set_count);
    td_graph_builder_set_text(l->builder, c->diags.texts[s->file].text);
}

/* The strategy runs when its sections are known; beside it, on the bars themselves, one that does nothing makes what
 * they compare. */
static void begin_members(compiler *c, td_lowering *l, td_lowering *m) {
    const td_strategy_tree *s = l->strategy;
    *m = *l;
    m->compares = m->trying = true;
    begin_strategy(c, m, join_name(c, s->name, TD_TEXT("members")));
    m->scope = (td_buf){0};
    know_series(c, m);
    m->uses |= knows_others(m);
    m->where = s->where != 0 ? td_lower_condition(m, s->where) : TD_NODE_BAD;
    l->members = m;
    l->own = l->builder = td_builders_of(
        &c->builders, (td_rhythm){.source = TD_RHYTHM_SECTION, .width_ns = td_lower_rhythm(&s->source).width_ns});
}

/* What it names is of the strategy alone: a cross-section, the position, or made of those. */
static bool is_its_own(const td_lowering *m, uint32_t expr) {
    const td_expr *e = td_syntax_expr(m->tree, expr);
    if (td_lower_is_across(m, e)) return true;
    if (e->kind == TD_EXPR_NAME) {
        const td_scope_name *found = td_lower_find(m, e->text, (td_bytes){0});
        return found != NULL ? found->node == TD_NODE_BAD && !found->use
                             : td_word_find(td_words_position, e->text) >= 0;
    }
    for (uint32_t i = e->first; i != 0; i = td_syntax_expr(m->tree, i)->next)
        if (is_its_own(m, i)) return true;
    return false;
}

static void lower_beside(compiler *c, td_lowering *m, const td_stmt *s) {
    if (m == NULL) return;
    if (s->kind > TD_STMT_USE) {
        m->stmts_done++;
        return;
    }
    if (s->kind != TD_STMT_USE && is_its_own(m, s->expr))
        td_lower_define(m, (td_scope_name){.name = s->name, .node = TD_NODE_BAD, .offset = s->offset});
    else
        lower_stmt(c, m, s);
    m->stmts_done++;
}

/* ---- all of it ---- */

/* Strategies of one text stand one after another: it is looked through once. */
static void know_reference(compiler *c, uint32_t file) {
    if (c->reference_of == file + 1) return;
    (void)td_reference_find(c->diags.texts[file].text, &c->reference);
    c->reference_of = file + 1;
}

static void lower_strategy(compiler *c, td_strategy_tree *s) {
    write_out_set(c, s);
    know_reference(c, s->file);
    td_lowering l = {.tree = &c->tree,
                     .reference = &c->reference,
                     .parts = c->parts,
                     .diags = &c->diags,
                     .strategy = s,
                     .builders = &c->builders,
                     .uses = c->looks_at_ticks};
    td_lowering members = {.stmts_done = 0};
    td_rhythm rhythm = td_lower_rhythm(&s->source);
    know_series(c, &l);
    rhythm.wait_ns = td_lower_wait(&l);
    l.own = l.builder = td_builders_of(&c->builders, rhythm);
    bool timed = s->source.kind == TD_SOURCE_BARS && td_width_is_timed(td_lower_rhythm(&s->source).width_ns);
    if (timed && !s->series && td_lower_has_across(&l, s->expr_first, s->expr_end)) begin_members(c, &l, &members);
    begin_strategy(c, &l, s->name);
    l.uses |= knows_others(&l);
    lower_where(&l);
    td_lower_positions(&l);
    for (l.stmts_done = 0; l.stmts_done < s->stmt_count; l.stmts_done++) {
        const td_stmt *stmt = td_syntax_stmt(&c->tree, s->stmt_first + l.stmts_done);
        lower_beside(c, l.members, stmt);
        lower_stmt(c, &l, stmt);
    }
    td_buf_fini(&members.scope);
    if (s->series) keep_series(c, &l);
    if (count_tick_rhythms(c) > TD_TICK_RHYTHMS_MAX)
        td_lower_fail(&l, s->source.offset, "too many ways to run on ticks: at most %d kinds of them and of 'every'",
                      TD_TICK_RHYTHMS_MAX);
    td_buf_fini(&l.scope);
}

/* ---- functions ---- */

/* Reads what the functions that the texts call are made of, and the functions that those call: the tree grows while it
 * is walked, and stands when strategies are lowered. */
static void read_functions(compiler *c) {
    for (uint32_t i = 0; i < td_syntax_expr_count(&c->tree); i++) {
        const td_expr *e = td_syntax_expr(&c->tree, i);
        const td_function *f = e->kind == TD_EXPR_CALL ? td_function_find(e->text, true) : NULL;
        for (uint32_t k = 0; f != NULL && f->parts[k].name != NULL; k++) {
            uint32_t *root = &c->parts[td_lower_part(f, k)];
            if (*root == 0) *root = td_parse_inner(&c->tree, f->parts[k].expr);
        }
    }
}

static void parse_text(compiler *c, uint32_t file) {
    td_bytes text = c->diags.texts[file].text;
    if (text.size > TD_TEXT_BYTES_MAX) {
        td_diag_add(&c->diags, file, 0, "this text is larger than %d bytes", TD_TEXT_BYTES_MAX);
        return;
    }
    size_t bad = td_utf8_find_bad(text);
    if (bad < text.size)
        td_diag_add(&c->diags, file, (uint32_t)bad, "this byte is not UTF-8");
    else
        td_parse(&c->tree, &c->diags, file);
}

void td_lang_each_name(td_bytes text, void (*each)(void *arg, td_bytes name), void *arg) {
    td_source_text source = {.file = "", .text = text};
    compiler c = {.diags = {.texts = &source}};
    td_syntax_init(&c.tree);
    parse_text(&c, 0);
    const td_strategy_tree *trees = (const td_strategy_tree *)(const void *)c.tree.strategies.data;
    for (size_t i = 0; i < c.tree.strategies.size / sizeof *trees; i++)
        if (trees[i].name.size > 0) each(arg, trees[i].name);
    td_syntax_fini(&c.tree);
}

static void build_graphs(compiler *c, td_graph ***out_graphs, size_t *out_count) {
    size_t count = builder_count(c);
    td_graph **graphs = td_alloc_zero(count, sizeof(td_graph *));
    for (size_t i = 0; i < count; i++) graphs[i] = td_graph_build(builders(c)[i]);
    *out_graphs = graphs;
    *out_count = count;
}

static void compiler_fini(compiler *c) {
    char **texts = (char **)(void *)c->texts.data;
    for (size_t i = 0; i < c->texts.size / sizeof *texts; i++) free(texts[i]);
    for (size_t i = 0; i < builder_count(c); i++) td_graph_builder_free(builders(c)[i]);
    td_buf_fini(&c->series);
    td_buf_fini(&c->texts);
    free(c->parts);
    td_buf_fini(&c->builders.list);
    td_syntax_fini(&c->tree);
}

td_status td_lang_compile(const td_source_text *texts, size_t text_count, td_graph ***out_graphs, size_t *out_count,
                          td_buf *out_errors) {
    compiler c = {.diags = {.texts = texts}};
    td_status status = TD_OK;
    *out_graphs = NULL;
    *out_count = 0;
    td_syntax_init(&c.tree);
    for (uint32_t i = 0; i < text_count; i++) parse_text(&c, i);
    c.parts = td_alloc_zero(td_function_count * TD_FUNCTION_PARTS_MAX, sizeof *c.parts);
    read_functions(&c);
    c.looks_at_ticks = looks_at_ticks(&c.tree);
    for (size_t i = 0; i < c.tree.strategies.size / sizeof(td_strategy_tree); i++) {
        check_unique(&c, i);
        lower_strategy(&c, (td_strategy_tree *)(void *)c.tree.strategies.data + i);
    }
    if (c.diags.count == 0) {
        build_graphs(&c, out_graphs, out_count);
    } else {
        td_diag_print(&c.diags, out_errors);
        status = TD_FAIL(TD_CONFIG, "%zu errors in strategies", c.diags.count);
    }
    compiler_fini(&c);
    return status;
}
