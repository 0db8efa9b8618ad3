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
    free(g->traded);
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
    if (a.every_ns != b.every_ns) return a.every_ns < b.every_ns ? -1 : 1;
    return (a.wait_ns > b.wait_ns) - (a.wait_ns < b.wait_ns);
}

void td_rhythm_format(td_rhythm rhythm, char out[TD_RHYTHM_TEXT_MAX]) {
    static const char *const sources[] = {[TD_RHYTHM_TRADES] = "trades",
                                          [TD_RHYTHM_QUOTES] = "quotes",
                                          [TD_RHYTHM_BOOK] = "book",
                                          [TD_RHYTHM_NEWS] = "news"};
    char duration[24];
    char width[TD_WIDTH_TEXT_MAX] = "";
    (void)td_duration_format(rhythm.every_ns, duration);
    if (td_rhythm_has_bars(rhythm)) (void)td_width_format(rhythm.width_ns, width);
    if (td_rhythm_has_bars(rhythm))
        (void)snprintf(out, TD_RHYTHM_TEXT_MAX, "%s%s", width, rhythm.source == TD_RHYTHM_SECTION ? " across" : "");
    else if (rhythm.every_ns == 0)
        (void)snprintf(out, TD_RHYTHM_TEXT_MAX, "%s", sources[rhythm.source]);
    else
        (void)snprintf(out, TD_RHYTHM_TEXT_MAX, "%s every %s", sources[rhythm.source], duration);
    if (rhythm.wait_ns == 0) return;
    (void)td_duration_format(rhythm.wait_ns, duration);
    (void)snprintf(out + strlen(out), TD_RHYTHM_TEXT_MAX - strlen(out), " + %s", duration);
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
    bool open = set.size > 1 && set.data[set.size - 1] == '*';
    if (!open) return td_bytes_equal(set, instrument);
    return instrument.size >= set.size && memcmp(set.data, instrument.data, set.size - 1) == 0;
}

bool td_graph_strategy_at(const td_graph *g, size_t index, td_graph_strategy *out) {
    if (index >= g->strategy_count) return false;
    const graph_strategy *s = &g->strategies[index];
    *out = (td_graph_strategy){.name = s->name,
                               .sets = s->set_count > 0 ? g->sets + s->set_first : NULL,
                               .set_count = s->set_count,
                               .traded = g->traded + s->position_first + 1,
                               .traded_count = s->position_count - 1,
                               .levels = s->exit_count,
                               .where = s->where,
                               .graph = g};
    return true;
}

static bool sets_have(const td_bytes *sets, size_t first, size_t count, td_bytes instrument) {
    for (size_t i = first; i < first + count; i++)
        if (set_has(sets[i], instrument)) return true;
    return count == 0 && !td_bytes_equal(instrument, TD_TEXT(TD_GENERAL_NEWS)); /* which is no instrument */
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

/* What its legs trade it does not run on. */
static bool has_in_set(const td_graph_strategy *s, td_bytes instrument) {
    for (size_t i = 0; i < s->traded_count; i++)
        if (td_bytes_equal(s->traded[i], instrument)) return false;
    return sets_have(s->sets, 0, s->set_count, instrument);
}

bool td_graph_strategy_wants(const td_graph_strategy *s, td_bytes instrument) {
    if (!has_in_set(s, instrument)) return false;
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
    td_graph_strategy s;
    for (uint32_t i = 0; td_graph_strategy_at(g, i, &s); i++) {
        bool admitted = !copy && (s.where == TD_GRAPH_NOTHING || values[s.where] == 1);
        active[i] = admitted && has_in_set(&s, instrument);
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
    head->wanted = 0;
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

/* What is true of one position: by kind the first leg of the program, or NULL. */
typedef struct pulls {
    const td_graph_action *buy, *sell_short, *leave_long, *leave_short;
} pulls;

static bool is_true(const td_graph_action *leg, const td_value *values, bool held_back) {
    return values[leg->condition] == 1 && !(held_back && leg->enters);
}

static void put_first(const td_graph_action **at, const td_graph_action *leg) {
    if (*at == NULL) *at = leg;
}

/* An entry of the leg's action meets an exit of its side: the action is beaten, all of it. */
static bool is_beaten(const td_graph *g, const td_graph_action *leg, const pulls *at) {
    const td_graph_action *first = &g->actions[leg->first];
    for (const td_graph_action *l = first; l < first + leg->legs; l++) {
        if (l->action == TD_ACTION_BUY && at[l->position].leave_long != NULL) return true;
        if (l->action == TD_ACTION_SHORT && at[l->position].leave_short != NULL) return true;
    }
    return false;
}

/* … or an entry of the other side, which is not beaten either. */
static bool is_contradicted(const td_graph *g, const td_graph_action *leg, const pulls *at) {
    const td_graph_action *first = &g->actions[leg->first];
    for (const td_graph_action *l = first; l < first + leg->legs; l++)
        if (td_action_enters((td_action)l->action) && at[l->position].buy != NULL && at[l->position].sell_short != NULL)
            return true;
    return false;
}

/* The leg that changes the target, or NULL. The rules stand in graph.h. */
static const td_graph_action *choose(const pulls *is, int64_t target) {
    if (is->buy != NULL && target <= 0) return is->buy;
    if (is->sell_short != NULL && target >= 0) return is->sell_short;
    if (is->buy != NULL || is->sell_short != NULL) return NULL;
    if (target > 0) return is->leave_long;
    return target < 0 ? is->leave_short : NULL;
}

/* The exits that are true, by position. False: nothing is true. */
static bool find_exits(const td_graph *g, const graph_strategy *s, const td_value *values, bool held_back, pulls *out) {
    bool any = false;
    for (uint32_t i = 0; i < s->action_count; i++) {
        const td_graph_action *l = &g->actions[s->action_first + i];
        if (!is_true(l, values, held_back)) continue;
        if (!any) memset(out, 0, s->position_count * sizeof *out);
        any = true;
        if (l->action == TD_ACTION_SELL || l->action == TD_ACTION_EXIT) put_first(&out[l->position].leave_long, l);
        if (l->action == TD_ACTION_COVER || l->action == TD_ACTION_EXIT) put_first(&out[l->position].leave_short, l);
    }
    return any;
}

/* Beside those the entries that are not beaten, nor contradicted: these contradict each other in `at` as it stands. */
static void find_entries(const td_graph *g, const graph_strategy *s, const td_value *values, bool held_back,
                         pulls *at) {
    pulls all[TD_POSITIONS_MAX], left[TD_POSITIONS_MAX];
    memcpy(all, at, s->position_count * sizeof *all);
    memcpy(left, at, s->position_count * sizeof *left);
    for (int pass = 0; pass < 2; pass++)
        for (const td_graph_action *l = g->actions + s->action_first;
             l < g->actions + s->action_first + s->action_count; l++) {
            if (!td_action_enters((td_action)l->action) || !is_true(l, values, held_back) || is_beaten(g, l, at))
                continue;
            if (pass == 1 && is_contradicted(g, l, all)) continue;
            pulls *to = pass == 0 ? &all[l->position] : &left[l->position];
            put_first(l->action == TD_ACTION_BUY ? &to->buy : &to->sell_short, l);
        }
    memcpy(at, left, s->position_count * sizeof *at);
}

uint32_t td_graph_strategies(const td_graph *g) { return g->strategy_count; }

uint32_t td_graph_positions(const td_graph *g, uint32_t strategy) { return g->strategies[strategy].position_count; }

uint32_t td_graph_all_positions(const td_graph *g) { return g->position_count; }

uint32_t td_graph_position_at(const td_graph *g, uint32_t strategy, uint32_t position) {
    return g->strategies[strategy].position_first + position;
}

td_bytes td_graph_traded(const td_graph *g, uint32_t strategy, uint32_t position) {
    return g->traded[td_graph_position_at(g, strategy, position)];
}

td_paper *td_graph_position(const td_graph *g, void *state, uint32_t strategy, uint32_t position) {
    return (td_paper *)(void *)((uint8_t *)state + g->positions_offset) + td_graph_position_at(g, strategy, position);
}

td_paper *td_graph_paper(const td_graph *g, void *state, uint32_t strategy) {
    return td_graph_position(g, state, strategy, 0);
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

bool td_graph_flat_ns(const td_graph *g, const void *state, uint32_t strategy, int64_t *out_ns) {
    const graph_strategy *s = &g->strategies[strategy];
    const td_value *values = (const td_value *)(const void *)((const uint8_t *)state + g->values_offset);
    if (s->flat == TD_GRAPH_NOTHING || td_graph_seen(state) == 0 || td_value_is_na(values[s->flat])) return false;
    *out_ns = (int64_t)values[s->flat];
    return true;
}

static const td_paper *paper_of(const td_graph *g, const void *state, uint32_t strategy) {
    return (const td_paper *)(const void *)((const uint8_t *)state + g->positions_offset) +
           g->strategies[strategy].position_first;
}

/* The position was opened since the graph ran last: what that said of a position was said of none, or of another. */
static bool is_of_another(const td_graph *g, const void *state, uint32_t strategy, const td_exit_rule *rule) {
    return rule->of_position != 0 && paper_of(g, state, strategy)->entry_seen == (uint32_t)td_graph_seen(state);
}

td_exit_values td_graph_exit_values(const td_graph *g, const void *state, uint32_t strategy) {
    const graph_strategy *s = &g->strategies[strategy];
    const td_value *values = (const td_value *)(const void *)((const uint8_t *)state + g->values_offset);
    td_exit_values out = {{0}};
    for (uint32_t i = 0; i < s->exit_count; i++) {
        const td_exit_rule *rule = &g->exits[s->exit_first + i];
        if (td_graph_seen(state) == 0 || is_of_another(g, state, strategy, rule))
            out.of[i] = TD_VALUE_NA; /* or it took over a position before it ran at all */
        else if (rule->level != TD_EXIT_R)
            out.of[i] = decimal_of((td_type)g->nodes[rule->node].is.type, values[rule->node]);
    }
    return out;
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
    const td_paper *own = paper_of(g, state, strategy);
    td_stance stance = {.held_back = td_paper_holds_back(own, td_graph_rules(g, strategy), now, event_ns)};
    for (uint32_t p = 0; p < g->strategies[strategy].position_count; p++) stance.targets[p] = own[p].target;
    return stance;
}

td_value td_graph_size(td_type type, td_value number) {
    if (td_value_is_na(number)) return number;
    if (type == TD_TYPE_DECIMAL) {
        td_i128 size = td_div_half_even(number, 10);
        return size <= INT64_MAX && size >= -INT64_MAX ? size : TD_VALUE_NA;
    }
    double x = floor(td_value_to_real(number) * 1e8 + 0.5);
    return x > -9e18 && x < 9e18 ? (td_value)x : TD_VALUE_NA;
}

/* Of a leg at a position whose target stands at that. */
static td_call call_leg(const td_graph *g, const td_value *values, const td_graph_action *leg, int64_t target) {
    if (leg == NULL) return (td_call){.action = TD_GRAPH_NOTHING};
    td_call call = {.action = (uint32_t)(leg - g->actions)};
    if (!td_action_enters((td_action)leg->action)) return call;
    td_value qty = leg->qty;
    if (leg->qty_node != TD_GRAPH_NOTHING)
        qty = td_graph_size((td_type)g->nodes[leg->qty_node].is.type, values[leg->qty_node]);
    bool na = td_value_is_na(qty);
    if (na || qty <= 0) call.doubt = na ? TD_TEXT("qty is na") : TD_TEXT("qty is not above 0");
    call.target = na || qty <= 0 ? target : leg->action == TD_ACTION_BUY ? (int64_t)qty : -(int64_t)qty;
    return call;
}

bool td_graph_decide(const td_graph *g, const void *state, uint32_t strategy, const td_stance *stance, td_calls *out) {
    const graph_strategy *s = &g->strategies[strategy];
    const td_value *values = (const td_value *)(const void *)((const uint8_t *)state + g->values_offset);
    pulls at[TD_POSITIONS_MAX];
    bool any = false;
    for (uint32_t p = 0; p < s->position_count; p++) out->of[p].action = TD_GRAPH_NOTHING;
    if (!td_graph_is_active(g, state, strategy) || !find_exits(g, s, values, stance->held_back, at)) return false;
    find_entries(g, s, values, stance->held_back, at);
    for (uint32_t p = 0; p < s->position_count; p++) {
        const td_graph_action *leg = choose(&at[p], stance->targets[p]);
        out->of[p] = call_leg(g, values, leg, stance->targets[p]);
        any = any || leg != NULL;
    }
    return any;
}

/* Legs of one action stand or fall together. */
static void spread_doubts(const td_graph *g, uint32_t count, td_calls *calls) {
    for (uint32_t p = 0; p < count; p++)
        for (uint32_t q = 0; q < count; q++) {
            td_call *to = &calls->of[q];
            const td_call *from = &calls->of[p];
            bool one = from->action != TD_GRAPH_NOTHING && to->action != TD_GRAPH_NOTHING &&
                       g->actions[from->action].first == g->actions[to->action].first;
            if (one && from->doubt.size > 0 && to->doubt.size == 0) to->doubt = from->doubt;
        }
}

void td_graph_doubt(const td_graph *g, uint32_t strategy, const td_acting *acting, td_calls *calls) {
    uint32_t count = td_graph_positions(g, strategy);
    bool allowed = td_graph_rules(g, strategy)->allow_incomplete;
    for (uint32_t p = 1; p < count && acting->standing != NULL; p++) {
        td_standing *standing = &calls->standings[p];
        if (calls->of[p].action == TD_GRAPH_NOTHING) continue;
        acting->standing(acting->arg, &acting->blank, td_graph_traded(g, strategy, p), standing);
        bool doubtful = standing->price == 0 || (standing->doubt[0] != '\0' && !allowed);
        if (doubtful && calls->of[p].doubt.size == 0) calls->of[p].doubt = td_text(standing->doubt);
    }
    if (count > 1) spread_doubts(g, count, calls);
    bool incomplete = acting->blank.status == TD_SIGNAL_WITHHELD && !allowed;
    for (uint32_t p = 0; p < count; p++) calls->of[p].withheld = incomplete || calls->of[p].doubt.size > 0;
}

td_signal td_graph_blank_signal(const td_bar *bar) {
    return (td_signal){.instrument = bar->instrument,
                       .event_ns = bar->end_ns,
                       .width_ns = bar->width_ns,
                       .price = bar->close,
                       .known_at_ns = bar->known_at_ns,
                       .status = bar->quality == TD_QUALITY_PARTIAL ? TD_SIGNAL_WITHHELD : TD_SIGNAL_FRESH};
}

void td_graph_recall(const td_graph *g, const void *state, uint32_t leg, const td_acting *acting, td_calls *out) {
    const td_graph_action *is = &g->actions[leg];
    const td_value *values = (const td_value *)(const void *)((const uint8_t *)state + g->values_offset);
    out->of[is->position] = call_leg(g, values, is, 0);
    if (is->position > 0 && acting->standing != NULL)
        acting->standing(acting->arg, &acting->blank, g->traded[is->traded], &out->standings[is->position]);
}

td_signal td_graph_name_call(const td_graph *g, uint32_t strategy, uint32_t position, const td_acting *acting,
                             const td_calls *calls) {
    const td_call *call = &calls->of[position];
    const td_graph_action *is = &g->actions[call->action];
    td_signal signal = acting->blank;
    signal.strategy = g->strategies[strategy].name;
    signal.note = is->note;
    signal.target = call->target;
    signal.action = is->action;
    signal.status = call->withheld ? TD_SIGNAL_WITHHELD : TD_SIGNAL_FRESH;
    if (position > 0) {
        signal.leg = td_graph_traded(g, strategy, position);
        signal.instrument = acting->standing != NULL ? calls->standings[position].instrument : UINT32_MAX;
        signal.price = acting->standing != NULL ? calls->standings[position].price : 0;
    }
    if (call->withheld) {
        if (call->doubt.size > 0) signal.reason = call->doubt;
        return signal;
    }
    static const char *const rules[TD_LEAVING_COUNT] = {
        [TD_LEAVING_EXIT] = "", [TD_LEAVING_STOP] = "stop", [TD_LEAVING_TARGET] = "target", [TD_LEAVING_FLAT] = "flat"};
    signal.reason = td_text(rules[is->leaving]);
    return signal;
}

/* The action enters by an earlier position already: it is counted once. */
static bool was_counted(const td_graph *g, const td_calls *calls, uint32_t position) {
    for (uint32_t p = 0; p < position; p++)
        if (calls->of[p].action != TD_GRAPH_NOTHING && calls->of[p].target != 0 &&
            g->actions[calls->of[p].action].first == g->actions[calls->of[position].action].first)
            return true;
    return false;
}

bool td_graph_act(const td_graph *g, void *state, uint32_t strategy, const td_acting *acting, td_calls *calls) {
    td_paper *own = td_graph_paper(g, state, strategy);
    const td_paper_rules *rules = td_graph_rules(g, strategy);
    int64_t event_ns = acting->blank.event_ns;
    td_stance stance = td_graph_stance(g, state, strategy, acting->now, event_ns);
    if (!td_graph_decide(g, state, strategy, &stance, calls)) return false;
    td_graph_doubt(g, strategy, acting, calls);
    for (uint32_t p = 0; p < td_graph_positions(g, strategy); p++) {
        td_call *call = &calls->of[p];
        if (call->action == TD_GRAPH_NOTHING) continue;
        td_cause_kind cause = td_rhythm_has_bars(g->rhythm) ? TD_CAUSE_BAR : TD_CAUSE_TICK;
        td_signal signal = td_graph_name_call(g, strategy, p, acting, calls);
        signal.ordinal = call->ordinal = td_paper_number(own, cause, event_ns);
        if (!call->withheld) {
            td_paper_order(&own[p], acting->now, &signal);
            if (signal.target == 0)
                td_paper_leave(own, (td_leaving)g->actions[call->action].leaving, event_ns);
            else if (!was_counted(g, calls, p))
                td_paper_enter(own, rules, acting->now, event_ns);
        }
        acting->fn(acting->arg, &signal);
    }
    return true;
}

/* ---- events ---- */

/* Of what comes from outside: the event's fields, what its texts are, and ports. */
static td_value given_value(const td_graph_event *event, const graph_node *node) {
    const td_node *is = &node->is;
    if (is->op == TD_OP_TEXT) return td_tick_text(event->tick, is->n, node->text);
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
        bool given = is->op == TD_OP_FIELD || is->op == TD_OP_PORT || is->op == TD_OP_TEXT;
        values[i] = given ? given_value(event, &g->nodes[i]) : node_value(g, &g->nodes[i], state);
    }
}

void td_graph_run_ahead(const td_graph *g, void *state, const td_graph_event *event) {
    assert((uintptr_t)state % 16 == 0);
    assert((event->tick != NULL) == !td_rhythm_has_bars(g->rhythm));
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

bool td_graph_is_wanted(const td_graph *g, const void *state) {
    const state_head *head = state;
    (void)g;
    return head->seen == 0 || head->wanted != 0;
}

bool td_graph_will_be_wanted(const td_graph *g, void *state, td_bytes instrument, bool copy) {
    const state_head *head = state;
    if (head->wanted == 0) td_graph_begin(g, state, instrument, copy);
    return head->wanted != 0;
}

bool td_graph_is_due(const td_graph *g, const void *state, int64_t event_ns) {
    const state_head *head = state;
    if (head->seen == 0) return true;
    return head->wanted != 0 && (g->rhythm.every_ns == 0 || event_ns - head->last_ns >= g->rhythm.every_ns);
}

void td_graph_apply(const td_graph *g, void *state, const td_graph_event *event, td_signal_fn fn, void *arg) {
    td_graph_run(g, state, event);
    td_acting acting = {.blank = td_graph_blank_signal(event->bar), .fn = fn, .arg = arg};
    td_calls calls;
    for (uint32_t s = 0; s < g->strategy_count; s++) (void)td_graph_act(g, state, s, &acting, &calls);
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

uint64_t td_graph_export_section(const td_graph *g, uint32_t export_at) { return g->exports[export_at].section; }

bool td_graph_export_member(const td_graph *g, const void *state, uint32_t export_at, double *out) {
    bool active = ((const uint8_t *)state)[g->active_offset + g->strategy_count + export_at] != 0;
    td_value value = active ? td_graph_export(g, state, export_at) : TD_VALUE_NA;
    if (td_value_is_na(value)) return false;
    *out = td_value_to_real(value);
    return true;
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
