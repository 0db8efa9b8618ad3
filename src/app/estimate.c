/* src/app/estimate.c - two programs, two states, one market. */
#include "app/estimate.h"
#include "base/time.h"
#include "stream/carry.h"
#include "stream/room.h"
#include "stream/state.h"
#include "stream/term.h"
#include "stream/warmup.h"
#include <stdio.h>
#include <stdlib.h>

enum {
    INSTRUMENTS_MAX = 256,
    MADE_UP = 16, /* of a set with '*' */
    STATE_BYTES_MAX = 64 << 20,
    ROUND_EVENTS = 512,
    ROUNDS_MAX = 48,
    WARM_STEPS_MAX = 100000,
    BOOK_LEVELS = 10,
    NEWS_EVERY = 16, /* steps, where it is not what runs the graph */
};
#define WARM_NS    (150 * TD_NS_PER_MS)
#define MEASURE_NS (60 * TD_NS_PER_MS)
#define TICK_NS    (10 * TD_NS_PER_MS)
#define CENT       INT64_C(10000000)
#define ONE_SIZE   INT64_C(100000000)

/* ---- the two programs ---- */

/* What the graph reads, and what that reads. */
static void keep(const td_program *p, size_t graph, bool *kept) {
    const td_port *ports;
    uint32_t count = td_graph_ports(p->graphs[graph], &ports);
    if (kept[graph]) return;
    kept[graph] = true;
    for (uint32_t i = 0; i < count; i++) {
        size_t from = td_port_is_of_position(&ports[i]) ? SIZE_MAX : td_carry_find(p, ports[i].rhythm);
        if (from < td_program_graph_count(p)) keep(p, from, kept);
    }
}

static bool keeps_width(const td_program *p, const bool *kept, size_t w) {
    if (kept[w]) return true;
    for (size_t g = p->width_count; g < td_program_graph_count(p); g++)
        if (kept[g] && td_graph_width_ns(p->graphs[g]) == p->widths_ns[w]) return true;
    return false;
}

/* Those graphs and their widths alone, at all hours, of any feed. It borrows them all: there is nothing to free. */
static td_program part_of(const td_program *p, const bool *kept, size_t without) {
    td_program out = *p;
    out.width_count = out.counted_count = out.tick_graph_count = 0;
    out.calendar_count = out.listing_count = out.feed_count = 0;
    out.regular = false;
    out.unnamed = td_program_feed_default();
    memset(out.graphs, 0, sizeof out.graphs);
    for (size_t w = 0; w < p->width_count; w++) {
        if (!keeps_width(p, kept, w)) continue;
        out.counted_count += !td_width_is_timed(p->widths_ns[w]);
        out.graphs[out.width_count] = kept[w] && w != without ? p->graphs[w] : NULL;
        out.widths_ns[out.width_count++] = p->widths_ns[w];
    }
    if (out.width_count == 0) out.widths_ns[out.width_count++] = TD_NS_PER_MIN; /* a program has one */
    for (size_t g = p->width_count; g < td_program_graph_count(p); g++)
        if (kept[g] && g != without) out.graphs[out.width_count + out.tick_graph_count++] = p->graphs[g];
    return out;
}

/* ---- whose ---- */

typedef struct players { /* the instruments of the market */
    char (*names)[TD_INSTRUMENT_NAME_MAX + 1];
    uint32_t count;
    uint32_t own; /* of those, the first: the graph runs on them; others are copies that it reads */
} players;

static bool is_cast(const players *c, td_bytes name) {
    for (uint32_t i = 0; i < c->count; i++)
        if (td_bytes_equal(td_text(c->names[i]), name)) return true;
    return false;
}

static void add_name(players *c, td_bytes name) {
    if (c->count == INSTRUMENTS_MAX || name.size > TD_INSTRUMENT_NAME_MAX || is_cast(c, name)) return;
    (void)snprintf(c->names[c->count++], sizeof c->names[0], "%.*s", (int)name.size, (const char *)name.data);
}

static bool is_wanted(const td_program *p, size_t graph, td_bytes name) {
    td_graph_strategy s;
    bool any = td_graph_strategies(p->graphs[graph]) == 0;
    for (size_t g = any ? 0 : graph; g < (any ? td_program_graph_count(p) : graph + 1); g++)
        for (size_t i = 0; p->graphs[g] != NULL && td_graph_strategy_at(p->graphs[g], i, &s); i++)
            if (td_graph_strategy_wants(&s, name)) return true;
    return false;
}

/* Of a set with '*', or of all, some. */
static void make_up(const td_program *p, size_t graph, td_bytes set, players *c) {
    char name[TD_INSTRUMENT_NAME_MAX + 16];
    bool open = set.size == 0 || set.data[set.size - 1] == '*';
    for (int i = 0; open && i < MADE_UP; i++) {
        int size = snprintf(name, sizeof name, "%.*sPLAN%d", (int)(set.size > 0 ? set.size - 1 : 5),
                            set.size > 0 ? (const char *)set.data : "PLAN:", i);
        if (size > 0 && is_wanted(p, graph, td_text(name))) add_name(c, td_text(name));
    }
    if (!open && is_wanted(p, graph, set)) add_name(c, set);
}

static void choose_cast(const td_estimate_conf *conf, size_t graph, size_t most, players *c) {
    const td_program *p = conf->program;
    td_graph_strategy s;
    for (uint32_t i = 0; i < td_instruments_count(conf->instruments) && c->count < most; i++)
        if (is_wanted(p, graph, td_instruments_name(conf->instruments, i)))
            add_name(c, td_instruments_name(conf->instruments, i));
    for (size_t g = 0; c->count == 0 && g < td_program_graph_count(p); g++)
        for (size_t i = 0; p->graphs[g] != NULL && td_graph_strategy_at(p->graphs[g], i, &s); i++) {
            if (s.set_count == 0) make_up(p, graph, (td_bytes){0}, c);
            for (size_t k = 0; k < s.set_count && c->count < most; k++) make_up(p, graph, s.sets[k], c);
        }
    if (c->count == 0) add_name(c, TD_TEXT("PLAN:A")); /* of a `where` that no name here fits */
    c->own = c->count;
}

static void add_uses(const td_program *p, const bool *kept, players *c) {
    const td_graph_use *uses;
    for (size_t g = 0; g < td_program_graph_count(p); g++) {
        size_t count = kept[g] ? td_graph_uses(p->graphs[g], &uses) : 0;
        for (size_t i = 0; i < count; i++) add_name(c, uses[i].instrument);
    }
}

/* ---- the market ---- */

typedef struct market {
    const td_program *program;
    const players *cast;
    td_rhythm rhythm; /* of the graph that is measured */
    bool told[TD_RHYTHM_SECTION + 1];
    td_state *state;
    td_buf members; /* td_member: of ends that have not run yet */
    td_emit emit;
    int64_t at_ns, step_ns, steps;
    uint32_t seed, feed, trades; /* of a step */
    int64_t prices[INSTRUMENTS_MAX];
} market;

static void on_member(void *self, td_bytes instrument, const td_member *member) {
    market *m = self;
    (void)instrument;
    if (member->section != 0) td_buf_put(&m->members, member, sizeof *member);
}

static int64_t step_of(td_rhythm rhythm) {
    if (td_rhythm_has_bars(rhythm) && td_width_is_timed(rhythm.width_ns)) return td_width_span_ns(rhythm.width_ns);
    return rhythm.every_ns > TICK_NS ? rhythm.every_ns : TICK_NS;
}

static market market_open(const td_program *program, const players *cast, td_rhythm rhythm) {
    market m = {.program = program,
                .cast = cast,
                .rhythm = rhythm,
                .state = td_state_new(program),
                .emit = td_emit_none,
                .at_ns = TD_NS_PER_DAY,
                .step_ns = step_of(rhythm),
                .seed = 1,
                .trades = 1};
    int64_t width = rhythm.width_ns;
    bool by_trades = td_rhythm_has_bars(rhythm) && width >= TD_WIDTH_TRADES && width < TD_WIDTH_VOLUME;
    if (by_trades) m.trades = (uint32_t)td_least(width - TD_WIDTH_TRADES, ROUND_EVENTS);
    for (size_t g = program->width_count; g < td_program_graph_count(program); g++)
        m.told[td_graph_rhythm(program->graphs[g]).source] = true;
    m.told[rhythm.source] = true;
    m.feed = td_state_feed(m.state, TD_TEXT("plan"));
    for (uint32_t i = 0; i < INSTRUMENTS_MAX; i++) m.prices[i] = 10000 * CENT;
    return m;
}

static void market_close(market *m) {
    td_state_free(m->state);
    td_buf_fini(&m->members);
}

static uint32_t draw(market *m) {
    m->seed = m->seed * 1664525u + 1013904223u;
    return m->seed >> 8;
}

static td_event event_of(market *m, td_event_kind kind, uint32_t i) {
    td_bytes name = td_text(m->cast->names[i]);
    td_event e = {.kind = (uint8_t)kind,
                  .flags = i >= m->cast->own ? TD_FLAG_COPY : 0,
                  .feed = m->feed,
                  .event_ns = m->at_ns + i * INT64_C(1000),
                  .receive_ns = m->at_ns + i * INT64_C(1000),
                  .of_offset = TD_NONE};
    e.instrument = td_state_find_instrument(m->state, name);
    if (e.instrument == UINT32_MAX) e.instrument = td_state_add_instrument(m->state, &e, name);
    return e;
}

/* Bars whose others are known run before the next record. */
static void run_sections(market *m, const td_event *e) {
    size_t count = m->members.size / sizeof(td_member), left = 0;
    td_member *list = (td_member *)(void *)m->members.data;
    td_due due = {td_state_sections_due(m->state), e->event_ns, e->receive_ns, {list, count}};
    if (due.end_ns == INT64_MIN) return;
    td_state_run_sections(m->state, &due, &m->emit);
    for (size_t i = 0; i < count; i++)
        if (list[i].end_ns > due.end_ns) list[left++] = list[i];
    m->members.size = left * sizeof *list;
}

static void tell(market *m, const td_event *e) {
    run_sections(m, e);
    (void)td_state_apply(m->state, e, &m->emit);
}

static void tell_quote(market *m, uint32_t i) {
    td_event e = event_of(m, TD_EVENT_QUOTE, i);
    e.quote = (td_quote){.bid_price = m->prices[i] - CENT,
                         .bid_size = (int64_t)(draw(m) % 9 + 1) * ONE_SIZE,
                         .ask_price = m->prices[i] + CENT,
                         .ask_size = (int64_t)(draw(m) % 9 + 1) * ONE_SIZE,
                         .sequence = TD_NONE};
    tell(m, &e);
}

/* At first all of it, then how much stands at its best prices. */
static void tell_book(market *m, uint32_t i) {
    td_book_level levels[2 * BOOK_LEVELS];
    td_event e = event_of(m, TD_EVENT_BOOK, i);
    uint16_t deep = m->steps == 0 ? BOOK_LEVELS : 1;
    for (uint16_t k = 0; k < 2 * deep; k++) {
        int64_t away = (k / 2 + 1) * CENT;
        levels[k] = (td_book_level){.price = 10000 * CENT + (k % 2 == 0 ? -away : away),
                                    .size = (int64_t)(draw(m) % 9 + 1) * ONE_SIZE,
                                    .side = k % 2 == 0 ? TD_BOOK_BID : TD_BOOK_ASK};
    }
    e.book = (td_book){.first_sequence = m->steps + 1,
                       .last_sequence = m->steps + 1,
                       .snapshot = m->steps == 0,
                       .level_count = (uint16_t)(2 * deep),
                       .levels = levels};
    run_sections(m, &e);
    (void)td_state_take_book(m->state, &e, td_text(m->cast->names[i]), &m->emit);
}

static void tell_news(market *m, uint32_t i) {
    char id[24];
    td_event e = event_of(m, TD_EVENT_NEWS, i);
    (void)snprintf(id, sizeof id, "%lld", (long long)m->steps);
    e.news = (td_news){.headline = TD_TEXT("Company raises its guidance for the year"),
                       .id = td_text(id),
                       .sentiment = (double)(draw(m) % 200) / 100 - 1};
    tell(m, &e);
}

static void tell_trade(market *m, uint32_t i) {
    td_event e = event_of(m, TD_EVENT_TRADE, i);
    int64_t width = td_rhythm_has_bars(m->rhythm) ? m->rhythm.width_ns : 0;
    m->prices[i] += (int64_t)(draw(m) % 101) * CENT / 5 - 10 * CENT;
    if (m->prices[i] < 5000 * CENT || m->prices[i] > 20000 * CENT) m->prices[i] = 10000 * CENT;
    e.trade = (td_trade){.price = m->prices[i],
                         .size = width >= TD_WIDTH_VOLUME ? width - TD_WIDTH_VOLUME
                                                          : (int64_t)(draw(m) % 9 + 1) * ONE_SIZE / 4,
                         .trade_id = TD_NONE,
                         .side = draw(m) % 2 == 0 ? TD_SIDE_BUY : TD_SIDE_SELL};
    tell(m, &e);
}

static void step(market *m) {
    bool bars = td_rhythm_has_bars(m->rhythm);
    bool news = m->rhythm.source == TD_RHYTHM_NEWS || (m->told[TD_RHYTHM_NEWS] && m->steps % NEWS_EVERY == 0);
    for (uint32_t i = 0; i < m->cast->count; i++) {
        if (m->told[TD_RHYTHM_QUOTES]) tell_quote(m, i);
        if (m->told[TD_RHYTHM_BOOK]) tell_book(m, i);
        if (news) tell_news(m, i);
        bool trades = bars || m->told[TD_RHYTHM_TRADES] || m->steps % NEWS_EVERY == 0;
        for (uint32_t k = 0; trades && k < m->trades; k++) tell_trade(m, i);
    }
    m->at_ns += m->step_ns;
    m->steps++;
}

/* Of the graph, on its own instruments. */
static uint64_t events_of(const market *m) {
    size_t graph = td_carry_find(m->program, m->rhythm);
    uint64_t events = 0;
    for (uint32_t i = 0; i < m->cast->own; i++) {
        const void *memory = td_state_graph(m->state, td_text(m->cast->names[i]), graph);
        if (memory != NULL) events += td_graph_seen(memory);
    }
    return events;
}

/* ---- measuring ---- */

/* Steps until all values are there. */
static int64_t warm_steps(const td_program *p, size_t graph, int64_t step_ns) {
    double most = 1;
    for (uint32_t s = 0; s < td_graph_strategies(p->graphs[graph]); s++) {
        td_needs needs;
        double steps = 2;
        td_strategy_needs(p, graph, s, &needs);
        for (size_t i = 0; i < td_needs_count(&needs); i++) {
            const td_need *need = td_needs_at(&needs, i);
            int64_t span_ns = td_rhythm_has_bars(need->rhythm) ? td_width_span_ns(need->rhythm.width_ns) : 0;
            double each = span_ns > step_ns ? (double)span_ns / (double)step_ns : 1;
            steps += need->events * each + (double)need->span_ns / (double)step_ns;
        }
        steps += needs.from_then + (double)needs.from_then_ns / (double)step_ns;
        if (steps > most) most = steps;
        td_needs_fini(&needs);
    }
    return most < WARM_STEPS_MAX ? (int64_t)most : WARM_STEPS_MAX;
}

typedef struct clocked {
    const td_estimate_conf *conf;
    int64_t steps; /* of a round */
    int64_t least_ns[2];
    double events; /* of a round */
} clocked;

static int64_t now_ns(const clocked *c) { return c->conf->now_ns(c->conf->clock); }

static void run_round(clocked *c, market pair[2]) {
    uint64_t before = events_of(&pair[0]);
    for (int side = 0; side < 2; side++) {
        int64_t from_ns = now_ns(c);
        for (int64_t i = 0; i < c->steps; i++) step(&pair[side]);
        int64_t took_ns = now_ns(c) - from_ns;
        if (c->least_ns[side] == 0 || took_ns < c->least_ns[side]) c->least_ns[side] = took_ns;
    }
    c->events = (double)(events_of(&pair[0]) - before);
}

static double measure(const td_estimate_conf *conf, size_t graph, market pair[2]) {
    clocked c = {.conf = conf, .steps = 1};
    int64_t warm = warm_steps(conf->program, graph, pair[0].step_ns), begin_ns = now_ns(&c);
    for (int64_t i = 0; i < warm && now_ns(&c) - begin_ns < WARM_NS; i++) {
        step(&pair[0]);
        step(&pair[1]);
    }
    while (c.steps * pair[0].cast->own < ROUND_EVENTS) c.steps *= 2;
    begin_ns = now_ns(&c);
    for (int round = 0; round < ROUNDS_MAX && (round < 3 || now_ns(&c) - begin_ns < MEASURE_NS); round++)
        run_round(&c, pair);
    double ns = c.events > 0 ? (double)(c.least_ns[0] - c.least_ns[1]) / c.events : 0;
    return ns > 1 ? ns : 1;
}

double td_estimate_event_ns(const td_estimate_conf *conf, size_t graph) {
    const td_program *p = conf->program;
    bool kept[TD_GRAPHS_MAX] = {false};
    keep(p, graph, kept);
    td_program with = part_of(p, kept, SIZE_MAX), without = part_of(p, kept, graph);
    players cast = {.names = td_alloc_zero(INSTRUMENTS_MAX, sizeof *cast.names)};
    td_rhythm rhythm = td_graph_rhythm(p->graphs[graph]);
    market pair[2] = {market_open(&with, &cast, rhythm), market_open(&without, &cast, rhythm)};
    size_t most = STATE_BYTES_MAX / td_program_room(&with).instrument_bytes;
    choose_cast(conf, graph, most > 1 ? most : 1, &cast);
    add_uses(p, kept, &cast);
    for (int i = 0; i < 2; i++) {
        pair[i].emit.self = &pair[i];
        pair[i].emit.member = on_member;
    }
    double ns = measure(conf, graph, pair);
    for (int i = 0; i < 2; i++) market_close(&pair[i]);
    free(cast.names);
    return ns;
}
