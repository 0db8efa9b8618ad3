/* src/stream/why.c - terms of a graph and two states of it to rows for people. */
#include "stream/why.h"
#include "stream/report.h"
#include "stream/sum.h"
#include <math.h>

enum { DEPTH_MAX = 64, ROWS_MAX = 4096 }; /* of one action; what stands deeper or behind is left out */

typedef struct asking {
    td_why *out;
    const td_why_question *q;
    const td_term *terms;
    td_bytes text;
    td_buf shown; /* uint32_t: terms whose parts were told for this action */
    uint32_t rows;
} asking;

/* ---- words ---- */

/* As written, on one line, without comments. */
static uint32_t put_words(asking *a, const td_term *t) {
    td_buf *out = &a->out->texts;
    size_t begin = out->size;
    bool quoted = false, gap = false;
    for (uint32_t i = t->begin; i < t->end; i++) {
        char c = (char)a->text.data[i];
        if (c == '"') quoted = !quoted;
        if (c == '#' && !quoted)
            while (i + 1 < t->end && a->text.data[i + 1] != '\n') i++;
        bool space = !quoted && (c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '#');
        if (!space && gap) td_buf_put(out, " ", 1);
        if (!space) td_buf_put(out, &c, 1);
        gap = space;
    }
    return (uint32_t)(out->size - begin);
}

static uint32_t put_text(td_why *out, td_bytes text) {
    uint32_t at = (uint32_t)out->texts.size;
    td_buf_put(&out->texts, text.data, text.size);
    return at;
}

/* ---- values ---- */

static td_value value_of(const asking *a, const td_term *t, const void *state) {
    return t->node == TD_GRAPH_NOTHING ? t->constant : td_graph_value(a->q->graph, state, t->node);
}

static double real_of(td_value v, uint8_t type) {
    return type == TD_TYPE_REAL ? td_value_to_real(v) : td_ratio(v, TD_VALUE_ONE);
}

static bool says(const asking *a, const td_term *t, td_bytes function) {
    td_bytes text = {a->text.data + t->begin, t->end - t->begin};
    return t->kind == TD_TERM_CALL && td_bytes_begin(text, function);
}

/* Of two numbers that are compared. A crossing is off where it has not come to the other side; where it stood there
 * before, the values tell. */
static void measure(const asking *a, uint32_t term, td_why_row *row) {
    const td_term *t = &a->terms[term], *left = t + 1;
    bool over = says(a, t, TD_TEXT("crossover")), under = says(a, t, TD_TEXT("crossunder"));
    if (row->at != 0 || !(over || under || t->kind == TD_TERM_COMPARISON) || left->after >= t->after) return;
    const td_term *right = &a->terms[left->after];
    td_value x = value_of(a, left, a->q->at), y = value_of(a, right, a->q->at);
    if (td_value_is_na(x) || td_value_is_na(y)) return;
    double off = real_of(x, left->type) - real_of(y, right->type), base = fabs(real_of(y, right->type));
    if ((over && off > 0) || (under && off < 0)) return;
    bool times = left->type == TD_TYPE_TIME, spans = times || left->type == TD_TYPE_DURATION;
    bool exact = left->type == right->type && (left->type == TD_TYPE_DECIMAL || spans);
    row->measured = true;
    row->off_type = !exact ? TD_TYPE_REAL : spans ? TD_TYPE_DURATION : TD_TYPE_DECIMAL;
    row->off = exact ? td_value_decimal(x - y) : td_value_real(off);
    row->share = base > 0 && !times ? off / base : NAN; /* no share of the time since 1970 */
}

/* ---- rows ---- */

static bool shown_before(const asking *a, uint32_t term) {
    const uint32_t *shown = (const uint32_t *)(const void *)a->shown.data;
    for (size_t i = 0; i < a->shown.size / sizeof *shown; i++)
        if (shown[i] == term) return true;
    return false;
}

static void put_row(asking *a, uint32_t term, uint32_t depth);

static void put_parts(asking *a, uint32_t term, uint32_t depth) {
    for (uint32_t i = term + 1; i < a->terms[term].after; i = a->terms[i].after) put_row(a, i, depth);
}

/* "f = sma(close, fast)", its parts below it; where that was told already, "f". */
static void put_row(asking *a, uint32_t term, uint32_t depth) {
    const td_term *t = &a->terms[term];
    if (depth > DEPTH_MAX || a->rows >= ROWS_MAX) return;
    a->rows++;
    td_why_row row = {.text = (uint32_t)a->out->texts.size, .depth = depth, .kind = t->kind, .type = t->type};
    bool means = t->means != TD_GRAPH_NOTHING && !shown_before(a, t->means);
    row.text_size = put_words(a, t);
    if (means) {
        td_buf_text(&a->out->texts, " = ");
        row.text_size += 3 + put_words(a, &a->terms[t->means]);
        td_buf_put_u32(&a->shown, t->means);
    }
    row.at = value_of(a, t, a->q->at);
    row.before = a->out->has_before ? value_of(a, t, a->q->before) : TD_VALUE_NA;
    row.constant = t->node == TD_GRAPH_NOTHING;
    row.known = t->type != TD_TYPE_TEXT && (t->node != TD_GRAPH_NOTHING || !td_value_is_na(t->constant));
    row.warmup = t->node == TD_GRAPH_NOTHING ? 0 : td_graph_warmup(a->q->graph, t->node);
    row.of = t->node == TD_GRAPH_NOTHING ? TD_VALUE_NA : td_graph_members(a->q->graph, a->q->at, t->node);
    measure(a, term, &row);
    td_buf_put(&a->out->rows, &row, sizeof row);
    put_parts(a, term, depth + 1);
    if (means) put_parts(a, t->means, depth + 1);
}

/* ---- verdicts ---- */

static bool is_true(const asking *a, const td_graph_act_view *action) {
    return action->condition != TD_GRAPH_NOTHING && value_of(a, &a->terms[action->condition], a->q->at) == 1;
}

enum {
    LEAVES_LONG = 1u << TD_ACTION_SELL | 1u << TD_ACTION_EXIT,
    LEAVES_SHORT = 1u << TD_ACTION_COVER | 1u << TD_ACTION_EXIT,
};

/* One of the strategy's legs at that position with such a word is true. */
static bool any_true(const asking *a, uint32_t position, unsigned words) {
    td_graph_act_view leg;
    for (uint32_t i = 0; td_graph_action_at(a->q->graph, a->q->strategy, i, &leg); i++)
        if (leg.position == position && (words >> leg.action & 1) != 0 && is_true(a, &leg)) return true;
    return false;
}

static bool is_beaten(const asking *a, const td_graph_act_view *entry) {
    td_graph_act_view leg;
    for (uint32_t i = 0; td_graph_action_at(a->q->graph, a->q->strategy, i, &leg); i++) {
        if (leg.first != entry->first || !td_action_enters((td_action)leg.action)) continue;
        if (any_true(a, leg.position, leg.action == TD_ACTION_BUY ? LEAVES_LONG : LEAVES_SHORT)) return true;
    }
    return false;
}

static bool any_left(const asking *a, uint32_t position, td_action word) {
    td_graph_act_view leg;
    for (uint32_t i = 0; td_graph_action_at(a->q->graph, a->q->strategy, i, &leg); i++)
        if (leg.position == position && leg.action == word && is_true(a, &leg) && !is_beaten(a, &leg)) return true;
    return false;
}

static bool is_contradicted(const asking *a, const td_graph_act_view *entry) {
    td_graph_act_view leg;
    for (uint32_t i = 0; td_graph_action_at(a->q->graph, a->q->strategy, i, &leg); i++)
        if (leg.first == entry->first && td_action_enters((td_action)leg.action) &&
            any_left(a, leg.position, TD_ACTION_BUY) && any_left(a, leg.position, TD_ACTION_SHORT))
            return true;
    return false;
}

/* Of one that is true and was not taken. The rules stand in graph.h. */
static td_why_word judge_true(const asking *a, const td_graph_act_view *leg) {
    int64_t target = a->q->stance.targets[leg->position];
    if (!td_action_enters((td_action)leg->action)) {
        bool leaves = (LEAVES_LONG >> leg->action & 1) != 0 && target > 0;
        leaves = leaves || ((LEAVES_SHORT >> leg->action & 1) != 0 && target < 0);
        return leaves ? TD_WHY_OTHER : TD_WHY_FLAT;
    }
    if (is_beaten(a, leg)) return TD_WHY_BEATEN;
    if (is_contradicted(a, leg)) return TD_WHY_CONTRADICTED;
    if (leg->action == TD_ACTION_BUY ? target > 0 : target < 0) return TD_WHY_THERE;
    return a->q->stance.held_back ? TD_WHY_HELD_BACK : TD_WHY_OTHER;
}

static td_why_word judge_failed(const asking *a, const td_graph_act_view *action) {
    td_value condition =
        action->condition == TD_GRAPH_NOTHING ? 0 : value_of(a, &a->terms[action->condition], a->q->at);
    return td_value_is_na(condition) ? TD_WHY_NA : TD_WHY_FALSE;
}

static td_why_word judge(const asking *a, const td_graph_act_view *leg) {
    td_calls calls;
    if (!a->q->meant) return TD_WHY_NOT_MEANT;
    (void)td_graph_decide(a->q->graph, a->q->at, a->q->strategy, &a->q->stance, &calls);
    if (calls.of[leg->position].action == leg->number) return TD_WHY_FIRED;
    return is_true(a, leg) ? judge_true(a, leg) : judge_failed(a, leg);
}

/* Of an alert or emit, whose condition is true but that was not told. */
static td_why_word judge_report(const asking *a, const td_graph_act_view *report) {
    td_report_room room;
    td_signal signal = {0};
    if (!a->q->meant) return TD_WHY_NOT_MEANT;
    if (td_graph_make_report(a->q->graph, a->q->at, report->number, &room, &signal)) return TD_WHY_FIRED;
    if (is_true(a, report)) return TD_WHY_STANDING;
    return judge_failed(a, report);
}

/* ---- levels ---- */

static void put_levels(asking *a) {
    if (a->q->position == NULL || !a->q->meant) return;
    td_exits exits = td_graph_exits(a->q->graph, a->q->position, a->q->strategy);
    for (uint32_t i = 0; i < exits.count && exits.paper->quantity != 0; i++) {
        bool falls = (exits.paper->quantity > 0) != (exits.rules[i].kind == TD_EXIT_TARGET);
        int64_t price = exits.at[i].price;
        td_why_level level = {.price = price,
                              .away = falls ? a->q->price - price : price - a->q->price,
                              .kind = exits.rules[i].kind,
                              .awake = exits.at[i].awake != 0};
        td_buf_put(&a->out->levels, &level, sizeof level);
    }
}

/* ---- the whole ---- */

static void put_action(asking *a, const td_graph_act_view *action, td_why_word verdict) {
    td_why_action out = {.first = (uint32_t)(a->out->rows.size / sizeof(td_why_row)),
                         .traded = put_text(a->out, action->traded),
                         .traded_size = (uint32_t)action->traded.size,
                         .note = put_text(a->out, action->note),
                         .note_size = (uint32_t)action->note.size,
                         .action = action->action,
                         .leaving = action->leaving,
                         .verdict = (uint8_t)verdict};
    a->rows = 0;
    a->shown.size = 0;
    if (action->condition != TD_GRAPH_NOTHING && a->q->meant) put_row(a, action->condition, 0);
    out.count = (uint32_t)(a->out->rows.size / sizeof(td_why_row)) - out.first;
    td_buf_put(&a->out->actions, &out, sizeof out);
}

static void put_params(asking *a) {
    const td_graph_param *params;
    size_t count = td_graph_params(a->q->graph, &params);
    for (size_t i = 0; i < count; i++) {
        if (params[i].owner != a->q->strategy) continue;
        td_why_param out = {put_text(a->out, params[i].name), (uint32_t)params[i].name.size, params[i].value,
                            params[i].type};
        td_buf_put(&a->out->params, &out, sizeof out);
    }
}

void td_why_ask(td_why *out, const td_why_question *q) {
    asking a = {.out = out, .q = q, .terms = td_graph_terms(q->graph), .text = td_graph_text(q->graph, q->strategy)};
    *out = (td_why){.seen = td_graph_seen(q->at)};
    out->has_before = q->before != NULL && td_graph_seen(q->before) > 0;
    put_params(&a);
    td_graph_act_view action;
    for (uint32_t i = 0; td_graph_action_at(q->graph, q->strategy, i, &action); i++)
        put_action(&a, &action, judge(&a, &action));
    for (uint32_t i = 0; td_graph_report_at(q->graph, q->strategy, i, &action); i++)
        put_action(&a, &action, judge_report(&a, &action));
    put_levels(&a);
    td_buf_fini(&a.shown);
}

void td_why_fini(td_why *why) {
    td_buf_fini(&why->texts);
    td_buf_fini(&why->params);
    td_buf_fini(&why->actions);
    td_buf_fini(&why->levels);
    td_buf_fini(&why->rows);
}
