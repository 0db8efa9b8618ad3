/* src/lang/lower_rule.c - rules of a strategy: when its position is left, when it is entered no more, how it is filled.
 */
#include "lang/lower.h"
#include "lang/words.h"
#include <stdio.h>

static bool fail(const td_lowering *l, uint32_t offset, const char *message) {
    td_lower_fail(l, offset, "%s", message);
    return false;
}

static bool is_word(const td_rule_tree *rule, const char *word) { return td_bytes_equal(rule->word, td_text(word)); }

/* ---- the position ---- */

static uint32_t add_position(td_lowering *l, td_port_kind kind, td_type type) {
    td_port port = {.rhythm = td_graph_builder_rhythm(l->own),
                    .export_at = td_graph_builder_strategy(l->own),
                    .type = (uint8_t)type,
                    .kind = (uint8_t)kind};
    return td_graph_builder_add_port(l->own, port);
}

uint32_t td_lower_position(td_lowering *l, const td_expr *e, td_bytes field) {
    static const char *const fields[] = {"price", "time", "bars", NULL};
    static const td_type types[] = {TD_TYPE_DECIMAL, TD_TYPE_TIME, TD_TYPE_DECIMAL};
    bool entry = td_bytes_equal(e->text, TD_TEXT("entry")), held = td_bytes_equal(e->text, TD_TEXT("held"));
    int at = td_word_find(fields, field);
    if (l->compares)
        td_lower_fail(l, e->offset,
                      "what a cross-section compares is of the market: '%.*s' is of one strategy's position",
                      TD_WORD(e->text));
    else if (l->strategy->series)
        td_lower_fail(l, e->offset, "a series has no position: '%.*s' is for strategies", TD_WORD(e->text));
    else if (l->fn != NULL)
        td_lower_fail(l, e->offset, "a fn does not see the strategy's position: give it '%.*s' as an argument",
                      TD_WORD(e->text));
    else if (!entry && field.size > 0)
        td_lower_fail(l, e->offset, "'%.*s' is one value and has no fields", TD_WORD(e->text));
    else if (entry && at < 0)
        td_lower_fail(l, e->offset, "'entry' has .price, .time and .bars: say which");
    else if (entry)
        return add_position(l, (td_port_kind)((int)TD_PORT_ENTRY_PRICE + at), types[at]);
    else
        return held ? add_position(l, TD_PORT_HELD, TD_TYPE_DURATION)
                    : add_position(l, TD_PORT_POSITION, TD_TYPE_DECIMAL);
    return TD_NODE_BAD;
}

/* ---- stop, target, trail ---- */

static const td_exit_kind exit_kinds[] = {
    [TD_RULE_STOP] = TD_EXIT_STOP, [TD_RULE_TARGET] = TD_EXIT_TARGET, [TD_RULE_TRAIL] = TD_EXIT_TRAIL};

/* A condition is an exit of all that the strategy trades, but for the word that it is told with. */
static void lower_when(td_lowering *l, const td_rule_tree *rule) {
    td_graph_action rows[TD_POSITIONS_MAX] = {{.qty = 1, .qty_node = TD_GRAPH_NOTHING, .term = td_lower_next_term(l)}};
    rows[0].leaving = rule->kind == TD_RULE_TARGET ? TD_LEAVING_TARGET : TD_LEAVING_STOP;
    rows[0].condition = td_lower_condition(l, rule->expr);
    if (rule->kind == TD_RULE_TRAIL)
        (void)fail(l, rule->level_offset, "a trail follows the price at a distance; 'stop when' takes a condition");
    else if (rule->from_r != 0)
        (void)fail(l, rule->from_offset, "'from' goes with a distance or a level; say it in the condition here");
    else if (rows[0].condition != TD_NODE_BAD)
        td_graph_builder_add_action(l->builder, rows, td_lower_exit_all(l, rows));
}

static bool has_risk(const td_lowering *l) {
    const td_exit_rule *exits;
    size_t count = td_graph_builder_exits(l->builder, &exits);
    for (size_t i = 0; i < count; i++)
        if (exits[i].kind == TD_EXIT_STOP && exits[i].level != TD_EXIT_R) return true;
    return false;
}

static bool lower_level(td_lowering *l, const td_rule_tree *rule, td_exit_rule *out) {
    const td_expr *e = td_syntax_expr(l->tree, rule->expr);
    out->node = td_lower_number(l, rule->expr);
    if (out->node == TD_NODE_BAD) return false;
    td_node node = td_graph_builder_node(l->builder, out->node);
    out->level = rule->level == TD_LEVEL_AT ? TD_EXIT_AT : e->percent ? TD_EXIT_PERCENT : TD_EXIT_DISTANCE;
    if (node.op != TD_OP_CONSTANT || (!td_value_is_na(node.constant) && node.constant > 0)) return true;
    return fail(l, e->offset, "a level must be above 0: else it is reached at once, or never");
}

static void lower_exit(td_lowering *l, const td_rule_tree *rule) {
    const td_exit_rule *exits;
    td_exit_rule out = {.r = rule->r, .from_r = rule->from_r, .kind = (uint8_t)exit_kinds[rule->kind]};
    bool good = rule->level == TD_LEVEL_R || lower_level(l, rule, &out);
    if (rule->level == TD_LEVEL_R) out.level = TD_EXIT_R;
    if ((rule->level == TD_LEVEL_R || rule->from_r != 0) && !has_risk(l))
        good =
            fail(l, rule->level == TD_LEVEL_R ? rule->level_offset : rule->from_offset,
                 "R is how far the strategy's stop stands from the entry: say 'stop', by a distance or a level, above");
    if (good && td_graph_builder_exits(l->builder, &exits) == TD_EXITS_MAX)
        good = fail(l, rule->offset, "a strategy has at most 8 stops, targets and trails");
    if (good) td_graph_builder_add_exit(l->builder, &out);
}

/* A time, or TD_NODE_BAD. */
static uint32_t lower_instant(td_lowering *l, uint32_t expr) {
    uint32_t at = td_lower_expr(l, expr);
    if (at == TD_NODE_BAD || td_lower_type(l, at) == TD_TYPE_TIME) return at;
    td_lower_fail(l, td_syntax_expr(l->tree, expr)->offset,
                  "expected a time, such as 15:55 or session.close - 5m, found a %s",
                  td_lower_type_name(td_lower_type(l, at)));
    return TD_NODE_BAD;
}

/* It is that late; where no time is known, as outside of sessions, it is. */
static uint32_t lower_is_due(td_lowering *l, uint32_t at) {
    td_node yes = {.op = TD_OP_CONSTANT, .type = TD_TYPE_CONDITION, .constant = 1};
    td_node now = {.op = TD_OP_TIME, .n = TD_DAYTIME_NOW}, reached = {.op = TD_OP_LE_DECIMAL, .in = {at}};
    reached.in[1] = td_graph_builder_add(l->builder, now);
    td_node due = {.op = TD_OP_NZ, .in = {td_graph_builder_add(l->builder, reached)}};
    due.in[1] = td_graph_builder_add(l->builder, yes);
    return td_graph_builder_add(l->builder, due);
}

/* From then on an exit like others, at each event that runs the strategy; the desk does the same at each trade. */
static void lower_flat(td_lowering *l, const td_rule_tree *rule) {
    td_expr whole = {.kind = TD_EXPR_FIELD, .begin = rule->offset, .end = td_syntax_expr(l->tree, rule->expr)->end};
    td_graph_action rows[TD_POSITIONS_MAX] = {{.qty = 1, .qty_node = TD_GRAPH_NOTHING, .leaving = TD_LEAVING_FLAT}};
    rows[0].term = td_lower_next_term(l);
    td_lower_term term = td_lower_open_term(l, &whole);
    uint32_t at = lower_instant(l, rule->expr);
    rows[0].condition = at != TD_NODE_BAD ? lower_is_due(l, at) : TD_NODE_BAD;
    td_lower_close_term(l, term, rows[0].condition);
    if (at == TD_NODE_BAD) return;
    td_graph_builder_add_action(l->builder, rows, td_lower_exit_all(l, rows));
    td_graph_builder_set_flat(l->builder, at);
}

/* ---- the others ---- */

/* Of rules that set what has a default: whether one of the kind stands above. */
static bool was_said(const td_lowering *l, const td_rule_tree *rule) {
    for (uint32_t i = 0; i < l->stmts_done; i++) {
        const td_stmt *s = td_syntax_stmt(l->tree, l->strategy->stmt_first + i);
        bool is_rule = s->kind == TD_STMT_RULE && s->part_count > 0;
        if (is_rule && td_syntax_rule(l->tree, s)->kind == rule->kind) return true;
    }
    return false;
}

static void set_once(const td_lowering *l, const td_rule_tree *rule, int64_t *at, int64_t value) {
    if (*at != 0)
        (void)fail(l, rule->offset, "this was said above already");
    else
        *at = value;
}

static void lower_cooldown(const td_lowering *l, const td_rule_tree *rule, td_paper_rules *rules) {
    int64_t *of = is_word(rule, "stop")     ? &rules->cooldown_ns[TD_LEAVING_STOP]
                  : is_word(rule, "target") ? &rules->cooldown_ns[TD_LEAVING_TARGET]
                  : is_word(rule, "exit")   ? &rules->cooldown_ns[TD_LEAVING_EXIT]
                                            : &rules->cooldown_any_ns;
    set_once(l, rule, of, rule->duration_ns);
}

static void lower_limit(const td_lowering *l, const td_rule_tree *rule, td_paper_rules *rules) {
    bool session = rule->duration_ns == 0;
    set_once(l, rule, &rules->most[session ? 0 : 1], rule->count);
    if (!session) rules->most_per_ns = rule->duration_ns;
}

static void lower_fill(const td_lowering *l, const td_rule_tree *rule, td_paper_rules *rules) {
    if (is_word(rule, "open") && l->strategy->source.kind != TD_SOURCE_BARS)
        (void)fail(l, rule->word_offset, "'fill open' waits for a bar, and this strategy runs on none");
    rules->fill = is_word(rule, "open") ? TD_FILL_OPEN : is_word(rule, "touch") ? TD_FILL_TOUCH : TD_FILL_NEXT;
    rules->fill_after_ns = rule->duration_ns;
}

void td_lower_rule(td_lowering *l, const td_rule_tree *rule) {
    td_paper_rules *rules = td_graph_builder_rules(l->builder);
    bool once = rule->kind >= TD_RULE_FLAT_AT;
    if (once && was_said(l, rule)) (void)fail(l, rule->offset, "this was said above already");
    switch ((td_rule_kind)rule->kind) {
    case TD_RULE_COOLDOWN:
        lower_cooldown(l, rule, rules);
        return;
    case TD_RULE_AT_MOST:
        lower_limit(l, rule, rules);
        return;
    case TD_RULE_FLAT_AT:
        lower_flat(l, rule);
        return;
    case TD_RULE_FILL:
        lower_fill(l, rule, rules);
        return;
    case TD_RULE_INCOMPLETE:
        rules->allow_incomplete = is_word(rule, "allow");
        return;
    default:
        if (rule->level == TD_LEVEL_WHEN)
            lower_when(l, rule);
        else
            lower_exit(l, rule);
    }
}
