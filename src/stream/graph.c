/* src/stream/graph.c - one bar through the graph of an instrument: values, targets, then what to remember. */
#include "stream/graph.h"
#include "base/time.h"
#include "stream/graph_layout.h"
#include "stream/tick.h"
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

void td_graph_free(td_graph *g) {
    if (g == NULL) return;
    free(g->texts);
    free(g->terms);
    free(g->params);
    free(g->uses);
    free(g->lines);
    free(g->report_values);
    free(g->reports);
    free(g->port_nodes);
    free(g->ports);
    free(g->exports);
    free(g->exits);
    free(g->actions);
    free(g->fact_rows);
    free(g->facts);
    free(g->sets);
    free(g->strategies);
    free(g->users);
    free(g->ring_nodes);
    free(g->nodes);
    free(g);
}

/* ---- rhythms ---- */

int td_rhythm_compare(td_rhythm a, td_rhythm b) {
    if (a.source != b.source) return a.source < b.source ? -1 : 1;
    if (a.width_ns != b.width_ns) return a.width_ns < b.width_ns ? -1 : 1;
    return (a.every_ns > b.every_ns) - (a.every_ns < b.every_ns);
}

void td_rhythm_format(td_rhythm rhythm, char out[TD_RHYTHM_TEXT_MAX]) {
    static const char *const sources[] = {
        [TD_RHYTHM_TRADES] = "trades", [TD_RHYTHM_QUOTES] = "quotes", [TD_RHYTHM_BOOK] = "book"};
    char duration[24];
    (void)td_duration_format(rhythm.every_ns, duration);
    if (rhythm.source == TD_RHYTHM_BARS)
        (void)td_width_format(rhythm.width_ns, out);
    else if (rhythm.every_ns == 0)
        (void)snprintf(out, TD_RHYTHM_TEXT_MAX, "%s", sources[rhythm.source]);
    else
        (void)snprintf(out, TD_RHYTHM_TEXT_MAX, "%s every %s", sources[rhythm.source], duration);
}

td_rhythm td_graph_rhythm(const td_graph *g) { return g->rhythm; }
int64_t td_graph_width_ns(const td_graph *g) { return g->rhythm.width_ns; }
size_t td_graph_state_bytes(const td_graph *g) { return g->state_bytes; }

static td_value *values_of(const td_graph *g, void *state) {
    return (td_value *)(void *)((uint8_t *)state + g->values_offset);
}

bool td_graph_is_active(const td_graph *g, const void *state, uint32_t strategy) {
    return ((const uint8_t *)state)[g->active_offset + strategy] != 0;
}

static bool node_is_active(const td_graph *g, const void *state, uint32_t node) {
    return ((const uint8_t *)state)[g->active_offset + g->strategy_count + g->export_count + node] != 0;
}

/* ---- sets ---- */

static bool set_has(td_bytes set, td_bytes instrument) {
    if (set.data[set.size - 1] != '*') return td_bytes_equal(set, instrument);
    return instrument.size >= set.size && memcmp(set.data, instrument.data, set.size - 1) == 0;
}

bool td_graph_strategy_at(const td_graph *g, size_t index, td_graph_strategy *out) {
    if (index >= g->strategy_count) return false;
    const graph_strategy *s = &g->strategies[index];
    const td_bytes *sets = s->set_count > 0 ? g->sets + s->set_first : NULL;
    *out = (td_graph_strategy){s->name, sets, s->set_count, s->where, g};
    return true;
}

static bool sets_have(const td_bytes *sets, size_t first, size_t count, td_bytes instrument) {
    for (size_t i = first; i < first + count; i++)
        if (set_has(sets[i], instrument)) return true;
    return count == 0;
}

/* How much of the name the pattern says; 0: it does not fit. */
static size_t fit_of(td_bytes pattern, td_bytes instrument) {
    bool open = pattern.data[pattern.size - 1] == '*';
    if (!open) return td_bytes_equal(pattern, instrument) ? SIZE_MAX : 0;
    return td_bytes_begin(instrument, (td_bytes){pattern.data, pattern.size - 1}) ? pattern.size : 0;
}

static td_value find_fact(const td_graph *g, const graph_facts *facts, td_bytes instrument) {
    td_value value = TD_VALUE_NA;
    size_t most = 0;
    for (uint32_t i = facts->first; i < facts->first + facts->count; i++) {
        size_t fit = fit_of(g->fact_rows[i].pattern, instrument);
        if (fit > most) value = g->fact_rows[i].value;
        if (fit > most) most = fit;
    }
    return value;
}

/* What is known of the instrument before anything happens: the first values. */
static void bind_known(const td_graph *g, td_bytes instrument, td_value *values) {
    for (uint32_t i = 0; i < g->constant_count; i++) {
        const td_node *is = &g->nodes[i].is;
        if (is->op == TD_OP_CONSTANT)
            values[i] = is->constant;
        else if (is->op == TD_OP_FACT)
            values[i] = find_fact(g, &g->facts[is->n], instrument);
        else
            values[i] = td_op_apply((td_op)is->op, values[is->in[0]], values[is->in[1]], values[is->in[2]]);
    }
}

bool td_graph_strategy_wants(const td_graph_strategy *s, td_bytes instrument) {
    if (!sets_have(s->sets, 0, s->set_count, instrument)) return false;
    if (s->where == TD_GRAPH_NOTHING) return true;
    td_value *values = td_alloc(s->graph->constant_count * sizeof *values);
    bind_known(s->graph, instrument, values);
    bool wants = values[s->where] == 1;
    free(values);
    return wants;
}

/* On the first event: what is known of this instrument, who wants it, and what they need. */
void td_graph_begin(const td_graph *g, void *state, td_bytes instrument, bool copy) {
    uint32_t user_count = g->strategy_count + g->export_count;
    uint8_t *active = (uint8_t *)state + g->active_offset, *nodes = active + user_count;
    const td_value *values = values_of(g, state);
    bind_known(g, instrument, values_of(g, state));
    for (uint32_t i = 0; i < g->strategy_count; i++) {
        const graph_strategy *s = &g->strategies[i];
        bool admitted = !copy && (s->where == TD_GRAPH_NOTHING || values[s->where] == 1);
        active[i] = admitted && sets_have(g->sets, s->set_first, s->set_count, instrument);
    }
    for (uint32_t i = 0; i < g->export_count; i++) {
        const graph_export *e = &g->exports[i];
        active[g->strategy_count + i] = sets_have(g->sets, e->set_first, e->set_count, instrument);
    }
    for (uint32_t i = 0; i < g->node_count; i++) {
        const uint64_t *users = g->users + (size_t)i * g->mask_words;
        for (uint32_t u = 0; u < user_count && nodes[i] == 0; u++)
            nodes[i] = active[u] != 0 && (users[u / 64] >> (u % 64) & 1) != 0;
    }
    state_head *head = (state_head *)(void *)state;
    for (uint32_t i = 0; i < g->node_count; i++) head->wanted += nodes[i];
}

/* ---- values ---- */

static td_value bar_field(const td_bar *bar, td_i128 dividends, td_field field) {
    switch (field) {
    case TD_FIELD_DIVIDENDS:
        return td_value_decimal(dividends);
    case TD_FIELD_OPEN:
        return bar->open;
    case TD_FIELD_HIGH:
        return bar->high;
    case TD_FIELD_LOW:
        return bar->low;
    case TD_FIELD_CLOSE:
        return bar->close;
    case TD_FIELD_VWAP:
        return bar->vwap;
    case TD_FIELD_TRADES:
        return td_value_decimal((td_i128)bar->trade_count * TD_VALUE_ONE);
    default:
        assert(field == TD_FIELD_VOLUME);
        /* Sizes have one place less than values. Judged before the product, which must not overflow. */
        return bar->volume > TD_VALUE_DECIMAL_MAX / 10 ? TD_VALUE_NA : bar->volume * 10;
    }
}

void td_graph_put_past(const graph_node *node, uint8_t *state, uint64_t seen, td_value value) {
    size_t slot = (size_t)(seen % node->ring_depth);
    if (node->ring_wide)
        ((td_value *)(void *)(state + node->ring_offset))[slot] = value;
    else
        ((int64_t *)(void *)(state + node->ring_offset))[slot] = td_value_pack(value);
}

static td_past past_of(const graph_node *node, const uint8_t *state) { /* this bar is not in the ring yet */
    return (td_past){.ring = state + node->ring_offset,
                     .depth = node->ring_depth,
                     .wide = node->ring_wide,
                     .seen = ((const state_head *)(const void *)state)->seen};
}

static td_value step_node(const td_graph *g, const graph_node *node, uint8_t *state, const td_op_row *row) {
    const td_value *values = values_of(g, state);
    td_step step = {.state = state + node->state_offset,
                    .n = node->is.n,
                    .span = node->is.constant,
                    .daytime = &((const state_head *)(const void *)state)->daytime,
                    .type = (td_type)g->nodes[node->is.in[0]].is.type};
    for (uint32_t i = 0; i < row->inputs; i++) step.in[i] = values[node->is.in[i]];
    for (uint32_t i = 0; i < row->pasts; i++) step.past[i] = past_of(&g->nodes[node->is.in[i]], state);
    return row->step(&step);
}

/* Of what is not given. */
static td_value node_value(const td_graph *g, const graph_node *node, uint8_t *state) {
    const td_value *values = values_of(g, state);
    const td_node *is = &node->is;
    const td_op_row *row = &td_op_rows[is->op];
    if (row->step != NULL) return step_node(g, node, state, row);
    return td_op_apply((td_op)is->op, values[is->in[0]], values[is->in[1]], values[is->in[2]]);
}

/* ---- targets ---- */

/* By td_action: the first action with that word whose condition is true, or NULL. */
typedef struct fired_actions {
    const td_graph_action *first[TD_ACTION_EXIT + 1];
} fired_actions;

static bool is_entry(const td_graph_action *action) {
    return action->action == TD_ACTION_BUY || action->action == TD_ACTION_SHORT;
}

static fired_actions fire(const td_graph *g, const graph_strategy *s, const td_value *values, bool held_back) {
    fired_actions fired = {0};
    for (uint32_t i = s->action_first; i < s->action_first + s->action_count; i++) {
        const td_graph_action *action = &g->actions[i];
        if (held_back && is_entry(action)) continue;
        if (values[action->condition] == 1 && fired.first[action->action] == NULL) fired.first[action->action] = action;
    }
    return fired;
}

static const td_graph_action *earlier(const td_graph_action *a, const td_graph_action *b) {
    if (a == NULL || b == NULL) return a == NULL ? b : a;
    return a < b ? a : b;
}

/* The action that changes the target, or NULL. The rules stand in graph.h. */
static const td_graph_action *decide(const fired_actions *fired, int64_t target) {
    const td_graph_action *leave_long = earlier(fired->first[TD_ACTION_SELL], fired->first[TD_ACTION_EXIT]);
    const td_graph_action *leave_short = earlier(fired->first[TD_ACTION_COVER], fired->first[TD_ACTION_EXIT]);
    const td_graph_action *buy = leave_long == NULL ? fired->first[TD_ACTION_BUY] : NULL;
    const td_graph_action *sell_short = leave_short == NULL ? fired->first[TD_ACTION_SHORT] : NULL;

    if (buy != NULL && sell_short != NULL) return NULL;
    if (buy != NULL && target <= 0) return buy;
    if (sell_short != NULL && target >= 0) return sell_short;
    if (target > 0) return leave_long;
    return target < 0 ? leave_short : NULL;
}

uint32_t td_graph_strategies(const td_graph *g) { return g->strategy_count; }

td_paper *td_graph_paper(const td_graph *g, void *state, uint32_t strategy) {
    return (td_paper *)(void *)((uint8_t *)state + g->positions_offset) + strategy;
}

const td_paper_rules *td_graph_rules(const td_graph *g, uint32_t strategy) { return &g->strategies[strategy].rules; }

td_exits td_graph_exits(const td_graph *g, void *state, uint32_t strategy) {
    const graph_strategy *s = &g->strategies[strategy];
    td_exit *at = (td_exit *)(void *)((uint8_t *)state + g->exits_offset) + s->exit_first;
    return (td_exits){s->exit_count > 0 ? g->exits + s->exit_first : NULL, at, td_graph_paper(g, state, strategy),
                      s->exit_count};
}

/* As a decimal, whatever it is. */
static td_value decimal_of(td_type type, td_value value) {
    if (type == TD_TYPE_DECIMAL || td_value_is_na(value)) return value;
    double x = floor(td_value_to_real(value) * (double)TD_VALUE_ONE + 0.5);
    return x > -9e18 && x < 9e18 ? (td_value)x : TD_VALUE_NA;
}

td_exit_values td_graph_exit_values(const td_graph *g, const void *state, uint32_t strategy) {
    const graph_strategy *s = &g->strategies[strategy];
    const td_value *values = (const td_value *)(const void *)((const uint8_t *)state + g->values_offset);
    td_exit_values out = {{0}};
    for (uint32_t i = 0; i < s->exit_count; i++) {
        const td_exit_rule *rule = &g->exits[s->exit_first + i];
        if (rule->level != TD_EXIT_R) out.of[i] = decimal_of((td_type)g->nodes[rule->node].is.type, values[rule->node]);
    }
    return out;
}

bool td_graph_flat_ns(const td_graph *g, const void *state, uint32_t strategy, int64_t *out_ns) {
    const graph_strategy *s = &g->strategies[strategy];
    const td_value *values = (const td_value *)(const void *)((const uint8_t *)state + g->values_offset);
    if (s->flat == TD_GRAPH_NOTHING || td_value_is_na(values[s->flat])) return false;
    *out_ns = (int64_t)values[s->flat];
    return true;
}

static const td_paper *paper_of(const td_graph *g, const void *state, uint32_t strategy) {
    return (const td_paper *)(const void *)((const uint8_t *)state + g->positions_offset) + strategy;
}

int64_t td_graph_target(const td_graph *g, const void *state, uint32_t strategy) {
    return paper_of(g, state, strategy)->target;
}

int64_t td_graph_target_ns(const td_graph *g, const void *state, uint32_t strategy) {
    return paper_of(g, state, strategy)->order_ns;
}

int64_t td_graph_signal_ns(const td_graph *g, const void *state, uint32_t strategy) {
    return td_paper_last_ns(paper_of(g, state, strategy));
}

bool td_graph_began(const void *state, int64_t *out_ns) {
    const state_head *head = state;
    *out_ns = head->begin_ns;
    return head->seen > 0 || head->begin_ns != 0;
}

void td_graph_begin_at(void *state, int64_t begin_ns) { ((state_head *)state)->begin_ns = begin_ns; }

td_stance td_graph_stance(const td_graph *g, const void *state, uint32_t strategy, td_moment now, int64_t event_ns) {
    const td_paper *paper = paper_of(g, state, strategy);
    return (td_stance){paper->target, td_paper_holds_back(paper, td_graph_rules(g, strategy), now, event_ns)};
}

uint32_t td_graph_decide(const td_graph *g, const void *state, uint32_t strategy, td_stance stance) {
    const td_value *values = (const td_value *)(const void *)((const uint8_t *)state + g->values_offset);
    if (!td_graph_is_active(g, state, strategy)) return TD_GRAPH_NOTHING;
    fired_actions fired = fire(g, &g->strategies[strategy], values, stance.held_back);
    const td_graph_action *action = decide(&fired, stance.target);
    return action != NULL ? (uint32_t)(action - g->actions) : TD_GRAPH_NOTHING;
}

static int64_t target_after(const td_graph_action *action) {
    if (action->action == TD_ACTION_BUY) return action->qty;
    return action->action == TD_ACTION_SHORT ? -action->qty : 0;
}

td_signal td_graph_blank_signal(const td_bar *bar) {
    return (td_signal){.instrument = bar->instrument,
                       .event_ns = bar->end_ns,
                       .width_ns = bar->width_ns,
                       .price = bar->close,
                       .known_at_ns = bar->known_at_ns,
                       .status = bar->quality == TD_QUALITY_PARTIAL ? TD_SIGNAL_WITHHELD : TD_SIGNAL_FRESH};
}

void td_graph_name_action(const td_graph *g, uint32_t strategy, uint32_t action, td_signal *signal) {
    const td_graph_action *is = &g->actions[action];
    signal->strategy = g->strategies[strategy].name;
    signal->note = is->note;
    signal->target = target_after(is);
    signal->action = is->action;
    if (signal->reason.size > 0) return; /* it is withheld */
    if (is->leaving == TD_LEAVING_STOP) signal->reason = TD_TEXT("stop");
    if (is->leaving == TD_LEAVING_TARGET) signal->reason = TD_TEXT("target");
    if (is->leaving == TD_LEAVING_FLAT) signal->reason = TD_TEXT("flat");
}

uint32_t td_graph_act(const td_graph *g, void *state, uint32_t strategy, td_moment now, td_signal *signal) {
    td_paper *paper = td_graph_paper(g, state, strategy);
    const td_paper_rules *rules = td_graph_rules(g, strategy);
    td_stance stance = td_graph_stance(g, state, strategy, now, signal->event_ns);
    uint32_t action = td_graph_decide(g, state, strategy, stance);
    if (action == TD_GRAPH_NOTHING) return action;
    if (rules->allow_incomplete) {
        signal->status = TD_SIGNAL_FRESH;
        signal->reason = (td_bytes){0};
    }
    td_graph_name_action(g, strategy, action, signal);
    td_cause_kind cause = g->rhythm.source == TD_RHYTHM_BARS ? TD_CAUSE_BAR : TD_CAUSE_TICK;
    signal->ordinal = td_paper_number(paper, cause, signal->event_ns);
    td_paper_order(paper, rules, now, signal);
    if (signal->status == TD_SIGNAL_FRESH && signal->target == 0)
        td_paper_leave(paper, (td_leaving)g->actions[action].leaving, signal->event_ns);
    return action;
}

/* ---- events ---- */

/* Of what comes from outside: the event's fields, and ports. */
static td_value given_value(const td_graph_event *event, const td_node *is) {
    if (is->op == TD_OP_FIELD && event->tick != NULL) return td_tick_field(event->tick, is->n);
    if (is->op == TD_OP_FIELD) return bar_field(event->bar, event->dividends, (td_field)is->n);
    return event->ports != NULL ? event->ports[is->n] : TD_VALUE_NA;
}

static void pass_daytime(state_head *head, const td_graph_event *event) {
    int64_t end_ns = event->tick != NULL ? event->tick->event_ns : event->bar->end_ns;
    int64_t start_ns = event->tick != NULL ? end_ns : event->bar->start_ns;
    if (head->seen > 0 && end_ns < head->daytime.now_ns) start_ns = end_ns = head->daytime.now_ns;
    td_daytime_pass(&head->daytime, event->calendar, start_ns, end_ns);
}

static void run_nodes(const td_graph *g, void *state, const td_graph_event *event, uint32_t from, uint32_t to) {
    td_value *values = values_of(g, state);
    for (uint32_t i = from; i < to; i++) {
        const td_node *is = &g->nodes[i].is;
        if (!node_is_active(g, state, i)) continue;
        bool given = is->op == TD_OP_FIELD || is->op == TD_OP_PORT;
        values[i] = given ? given_value(event, is) : node_value(g, &g->nodes[i], state);
    }
}

void td_graph_run_ahead(const td_graph *g, void *state, const td_graph_event *event) {
    assert((uintptr_t)state % 16 == 0);
    assert((event->tick != NULL) == (g->rhythm.source != TD_RHYTHM_BARS));
    assert(event->tick != NULL || event->bar->width_ns == g->rhythm.width_ns);
    state_head *head = state;
    if (head->seen == 0) {
        td_graph_begin(g, state, event->instrument, event->copy);
        int64_t begin_ns = event->tick != NULL ? event->tick->event_ns : event->bar->start_ns;
        if (head->begin_ns == 0) head->begin_ns = begin_ns;
    }
    if (g->looks_at_daytime) pass_daytime(head, event);
    run_nodes(g, state, event, g->constant_count, g->own_count);
    head->last_ns = event->tick != NULL ? event->tick->event_ns : event->bar->end_ns;
    head->ahead = 1;
}

void td_graph_run(const td_graph *g, void *state, const td_graph_event *event) {
    state_head *head = state;
    td_value *values = values_of(g, state);
    if (head->ahead == 0) td_graph_run_ahead(g, state, event);
    run_nodes(g, state, event, g->own_count, g->node_count);
    for (uint32_t i = 0; i < g->ring_count; i++) { /* last: until here rings hold the past alone */
        uint32_t node = g->ring_nodes[i];
        if (node_is_active(g, state, node)) td_graph_put_past(&g->nodes[node], state, head->seen, values[node]);
    }
    head->ahead = 0;
    head->seen++;
}

bool td_graph_is_due(const td_graph *g, const void *state, int64_t event_ns) {
    const state_head *head = state;
    if (head->seen == 0) return true;
    return head->wanted != 0 && (g->rhythm.every_ns == 0 || event_ns - head->last_ns >= g->rhythm.every_ns);
}

void td_graph_apply(const td_graph *g, void *state, const td_graph_event *event, td_signal_fn fn, void *arg) {
    td_graph_run(g, state, event);
    for (uint32_t s = 0; s < g->strategy_count; s++) {
        td_signal signal = td_graph_blank_signal(event->bar);
        if (td_graph_act(g, state, s, (td_moment){0}, &signal) != TD_GRAPH_NOTHING) fn(arg, &signal);
    }
}

void td_graph_go_back(const td_graph *g, void *state, const void *past) {
    size_t targets_end = g->values_offset;
    memcpy(state, past, g->positions_offset);
    memcpy((uint8_t *)state + targets_end, (const uint8_t *)past + targets_end, g->state_bytes - targets_end);
}

/* ---- ports ---- */

uint32_t td_graph_ports(const td_graph *g, const td_port **out_ports) {
    *out_ports = g->ports;
    return g->port_count;
}

uint32_t td_graph_exports(const td_graph *g) { return g->export_count; }

td_value td_graph_export(const td_graph *g, const void *state, uint32_t export_at) {
    assert(export_at < g->export_count);
    const state_head *head = state;
    uint32_t node = g->exports[export_at].node;
    bool there = head->seen > 0 || (head->ahead != 0 && node < g->own_count);
    if (!there || !node_is_active(g, state, node)) return TD_VALUE_NA;
    return ((const td_value *)(const void *)((const uint8_t *)state + g->values_offset))[node];
}

bool td_graph_last_ns(const void *state, int64_t *out_ns) {
    const state_head *head = state;
    *out_ns = head->last_ns;
    return head->seen > 0 || head->ahead != 0;
}

void td_graph_seen_ports(const td_graph *g, const void *state, td_value *out) {
    const td_value *values = (const td_value *)(const void *)((const uint8_t *)state + g->values_offset);
    for (uint32_t i = 0; i < g->port_count; i++)
        out[i] = ((const state_head *)state)->seen > 0 ? values[g->port_nodes[i]] : TD_VALUE_NA;
}

size_t td_graph_uses(const td_graph *g, const td_graph_use **out_uses) {
    *out_uses = g->uses;
    return g->use_count;
}

/* ---- lines ---- */

size_t td_graph_lines(const td_graph *g, const td_graph_line **out_lines) {
    *out_lines = g->lines;
    return g->line_count;
}

bool td_graph_line_value(const td_graph *g, const void *state, size_t line, double *out) {
    assert(line < g->line_count);
    const td_graph_line *l = &g->lines[line];
    const state_head *head = state;
    if (head->seen == 0 || !td_graph_is_active(g, state, l->owner)) return false;
    td_value value = ((const td_value *)(const void *)((const uint8_t *)state + g->values_offset))[l->node];
    if (td_value_is_na(value)) return false;
    *out = g->nodes[l->node].is.type == TD_TYPE_REAL ? td_value_to_real(value) : td_ratio(value, TD_VALUE_ONE);
    return true;
}
