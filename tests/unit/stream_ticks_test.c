/* tests/unit/stream_ticks_test.c - goal: each trade, quote and book that was accepted runs what is on its kind, once
 * and in the order it came, at most once per `every`; what may not be trusted is withheld; a state that was saved goes
 * on the same. */
#include "state_rig.h"
#include "stream/graph_build.h"
#include "stream/state.h"
#include "stream/tick.h"
#include "unit.h"
#include <stdio.h>
#include <stdlib.h>

#define NAME TD_TEXT("X:A")
#define S    INT64_C(1000000000)
#define SIZE INT64_C(100000000) /* one */
#define NA   TD_VALUE_NA

/* ---- fields ---- */

static const td_book_level ladder[] = {{9 * S, 2 * SIZE, TD_BOOK_BID},
                                       {8 * S, 4 * SIZE, TD_BOOK_BID},
                                       {11 * S, 1 * SIZE, TD_BOOK_ASK},
                                       {12 * S, 1 * SIZE, TD_BOOK_ASK}};

static td_event book_event(const td_book_level *levels, uint16_t count) {
    td_book book = {.first_sequence = TD_NONE, .last_sequence = TD_NONE, .snapshot = true};
    book.level_count = count;
    book.levels = levels;
    return (td_event){.kind = TD_EVENT_BOOK, .book = book};
}

static td_value real(double x) { return td_value_real(x); }

typedef struct field_row {
    td_field field;
    td_value buy, unsided, quote, one_side, book; /* na: it has none */
} field_row;

static void fields_are_what_the_tick_says(void **unused) {
    (void)unused;
    const field_row trade_rows[] = {
        {TD_FIELD_PRICE, 10 * S, 10 * S, 0, 0, 0}, {TD_FIELD_SIZE, 3 * S, 3 * S, 0, 0, 0},
        {TD_FIELD_SIDE, S, NA, 0, 0, 0},           {TD_FIELD_SIGNED_SIZE, 3 * S, NA, 0, 0, 0},
        {TD_FIELD_ID, 77 * S, NA, 0, 0, 0},
    };
    const field_row side_rows[] = {
        {TD_FIELD_BID, 0, 0, 9 * S, NA, 9 * S},
        {TD_FIELD_ASK, 0, 0, 10 * S + 1, 10 * S + 1, 11 * S},
        {TD_FIELD_MID, 0, 0, 9 * S + S / 2, NA, 10 * S}, /* half of a billionth to the even one */
        {TD_FIELD_SPREAD, 0, 0, S + 1, NA, 2 * S},
        {TD_FIELD_BID_SIZE, 0, 0, S, NA, 2 * S},
        {TD_FIELD_BID_SIZE | 2 << TD_FIELD_BITS, 0, 0, S, NA, 6 * S},
        {TD_FIELD_ASK_SIZE | 9 << TD_FIELD_BITS, 0, 0, 3 * S, 3 * S, 2 * S},
        {TD_FIELD_IMBALANCE, 0, 0, real(-0.5), NA, real(1.0 / 3)},
        {TD_FIELD_IMBALANCE | 2 << TD_FIELD_BITS, 0, 0, real(-0.5), NA, real(0.5)},
        {TD_FIELD_MICROPRICE, 0, 0, real((9 * 3e8 + 10.000000001 * 1e8) / 4e8), NA, real((9 * 1e8 + 11 * 2e8) / 3e8)},
    };
    td_event buy = {.kind = TD_EVENT_TRADE, .trade = {10 * S, 3 * SIZE, 77, TD_SIDE_BUY, {0}, {0}}}, unsided = buy;
    unsided.trade.side = TD_SIDE_UNKNOWN;
    unsided.trade.trade_id = TD_NONE;
    td_event quote = {.kind = TD_EVENT_QUOTE,
                      .quote = {.bid_price = 9 * S, .bid_size = SIZE, .ask_price = 10 * S + 1, .ask_size = 3 * SIZE}};
    td_event one_side = quote, whole = book_event(ladder, COUNT_OF(ladder));
    one_side.quote.bid_price = one_side.quote.bid_size = TD_NONE;
    td_books books = {0};
    td_hole *gap;
    assert_int_equal(td_books_put(&books, NAME, &whole, &gap), TD_BOOK_TAKEN);

    td_tick tick;
    for (size_t i = 0; i < COUNT_OF(trade_rows); i++) {
        const field_row *r = &trade_rows[i];
        assert_true(td_tick_of_event(&buy, &tick) && tick.price == 10 * S);
        ASSERT_ROW(td_tick_field(&tick, r->field) == r->buy, "%zu of a trade", i);
        assert_true(td_tick_of_event(&unsided, &tick));
        ASSERT_ROW(td_tick_field(&tick, r->field) == r->unsided, "%zu of a trade without a side", i);
    }
    for (size_t i = 0; i < COUNT_OF(side_rows); i++) {
        const field_row *r = &side_rows[i];
        assert_true(td_tick_of_event(&quote, &tick) && tick.price == 9 * S + S / 2);
        ASSERT_ROW(td_tick_field(&tick, r->field) == r->quote, "%zu of a quote", i);
        assert_true(td_tick_of_event(&one_side, &tick) && tick.price == 10 * S + 1);
        ASSERT_ROW(td_tick_field(&tick, r->field) == r->one_side, "%zu of half a quote", i);
        assert_true(td_tick_of_book(&whole, td_books_find(&books, NAME), 0, &tick) && tick.price == 10 * S);
        ASSERT_ROW(td_tick_field(&tick, r->field) == r->book, "%zu of a book", i);
    }
    one_side.quote.ask_price = TD_NONE;
    assert_false(td_tick_of_event(&one_side, &tick));
    td_books_fini(&books);
}

/* ---- what runs ---- */

typedef struct told { /* signals as text */
    td_buf text;
} told;

static void on_signal(void *self, td_bytes instrument, const td_signal *s) {
    char id[TD_SIGNAL_ID_MAX + 1];
    told *t = self;
    (void)td_signal_id(s, instrument, id);
    assert_int_equal(s->width_ns, 0);
    assert_int_equal(s->known_at_ns, s->event_ns + 5);
    td_buf_printf(&t->text, "%s %s %s %lld %.*s\n", id, td_action_name((td_action)s->action),
                  td_signal_status_name((td_signal_status)s->status), (long long)s->price, (int)s->reason.size,
                  (const char *)s->reason.data);
}

/* A strategy that is long from 10 on and out below. */
static td_graph *graph_of(td_rhythm rhythm, td_field field, const char *name) {
    td_graph_builder *b = td_graph_builder_new(rhythm);
    td_node ten = {.op = TD_OP_CONSTANT, .type = TD_TYPE_DECIMAL, .constant = 10 * S};
    uint32_t level = td_graph_builder_add(b, ten);
    uint32_t price = td_graph_builder_add(b, (td_node){.op = TD_OP_FIELD, .n = field});
    uint32_t below = td_graph_builder_add(b, (td_node){.op = TD_OP_LT_DECIMAL, .in = {price, level}});
    uint32_t above = td_graph_builder_add(b, (td_node){.op = TD_OP_NOT, .in = {below}});
    td_graph_builder_begin_strategy(b, td_text(name), &NAME, 1);
    td_graph_action buy = {.action = TD_ACTION_BUY, .qty = SIZE, .qty_node = TD_GRAPH_NOTHING, .condition = above};
    td_graph_action sell = {.action = TD_ACTION_SELL, .qty = SIZE, .qty_node = TD_GRAPH_NOTHING, .condition = below};
    td_graph_builder_add_action(b, &buy, 1);
    td_graph_builder_add_action(b, &sell, 1);
    td_graph *graph = td_graph_build(b);
    td_graph_builder_free(b);
    return graph;
}

static td_program *program_new(void) {
    td_program *p = td_alloc_zero(1, sizeof *p);
    p->width_count = 1;
    p->widths_ns[0] = 60 * S;
    p->unnamed = td_program_feed_default();
    p->graphs[1] = graph_of((td_rhythm){.source = TD_RHYTHM_TRADES}, TD_FIELD_PRICE, "t");
    p->graphs[2] = graph_of((td_rhythm){.source = TD_RHYTHM_TRADES, .every_ns = 10}, TD_FIELD_PRICE, "e");
    p->graphs[3] = graph_of((td_rhythm){.source = TD_RHYTHM_QUOTES}, TD_FIELD_BID, "q");
    p->graphs[4] = graph_of((td_rhythm){.source = TD_RHYTHM_BOOK}, TD_FIELD_BID, "b");
    p->tick_graph_count = 4;
    return p;
}

typedef struct step {
    char kind;     /* t(rade) q(uote) b(ook) r(elease) f (backfill) d(own) u(p) */
    int64_t at_ns; /* from the begin */
    int64_t price; /* of the trade, or the bid; the ask is 12 */
    const char *told;
} step;

static td_event event_of(td_state *state, const step *s) {
    int64_t at_ns = 1000 * S + s->at_ns;
    td_event e = {.feed = td_state_feed(state, TD_TEXT("a")), .event_ns = at_ns, .receive_ns = at_ns + 5};
    bool trade = s->kind == 't' || s->kind == 'r' || s->kind == 'f';
    e.kind = trade ? TD_EVENT_TRADE : s->kind == 'q' ? TD_EVENT_QUOTE : s->kind == 'b' ? TD_EVENT_BOOK : TD_EVENT_TIME;
    if (trade) e.trade = (td_trade){.price = s->price * S, .size = SIZE, .trade_id = TD_NONE};
    if (e.kind == TD_EVENT_QUOTE)
        e.quote = (td_quote){.bid_price = s->price * S, .bid_size = SIZE, .ask_price = 12 * S, .ask_size = SIZE};
    if (e.kind == TD_EVENT_TIME)
        e.time = (td_time_mark){.bound_ns = s->kind == 'u' ? at_ns : TD_NONE,
                                .clock_ns = at_ns,
                                .session = s->kind == 'u' ? TD_SESSION_LIVE : TD_SESSION_DOWN};
    if (s->kind == 'r') e.origin = TD_ORIGIN_RELEASE;
    if (s->kind == 'f') e.origin = TD_ORIGIN_BACKFILL;
    e.of_offset = TD_NONE;
    if (e.kind != TD_EVENT_BOOK && e.kind != TD_EVENT_TIME) {
        e.instrument = td_state_find_instrument(state, NAME);
        if (e.instrument == UINT32_MAX) e.instrument = td_state_add_instrument(state, &e, NAME);
    }
    return e;
}

static void take(td_state *state, const step *s, const td_emit *emit) {
    td_event e = event_of(state, s);
    if (e.kind != TD_EVENT_BOOK) {
        (void)td_state_apply(state, &e, emit);
        return;
    }
    const td_book_level levels[] = {{s->price * S, SIZE, TD_BOOK_BID}, {12 * S, SIZE, TD_BOOK_ASK}};
    td_event whole = book_event(levels, 2);
    e.book = whole.book;
    assert_int_equal(td_state_take_book(state, &e, NAME, emit), TD_BOOK_TAKEN);
}

#define ID(strategy, ns, n) strategy "/X:A/1970-01-01T00:16:40.00000000" ns "#" n

static const step steps[] = {
    {'t', 1, 9, ""},
    {'t', 2, 10, ID("t", "2", "1") " buy fresh 10000000000 \n"}, /* the other one has run at 1 */
    {'t', 3, 11, ""},
    {'t', 4, 9, ID("t", "4", "1") " sell fresh 9000000000 \n"},
    {'t', 4, 10, ID("t", "4", "2") " buy fresh 10000000000 \n"},
    {'t', 3, 9, ""}, /* behind what was said */
    {'r', 6, 9, ""},
    {'f', 3, 9, ""},
    {'q', 6, 9, ""},
    {'q', 7, 11, ID("q", "7", "1") " buy fresh 11500000000 \n"},
    {'q', 8, 13, ""}, /* crossed: refused */
    {'b', 8, 11, ID("b", "8", "1") " buy fresh 11500000000 \n"},
    {'b', 9, 9, ID("b", "9", "1") " sell fresh 10500000000 \n"},
    {'b', 9, 13, ID("b", "9", "2") " buy withheld 12500000000 crossed book\n"},
    {'b', 9, 11, ID("b", "9", "3") " buy fresh 11500000000 \n"},
    {'t', 11, 12, "e/X:A/1970-01-01T00:16:40.000000011#1 buy fresh 12000000000 \n"},
    {'t', 20, 9, "t/X:A/1970-01-01T00:16:40.00000002#1 sell fresh 9000000000 \n"},
    {'d', 21, 0, ""},
    {'t', 22, 10, "t/X:A/1970-01-01T00:16:40.000000022#1 buy withheld 10000000000 gap 1\n"},
    {'q', 23, 8, "q/X:A/1970-01-01T00:16:40.000000023#1 sell withheld 10000000000 gap 1\n"},
    {'u', 30, 0, ""},
    {'t', 31, 10, "t/X:A/1970-01-01T00:16:40.000000031#1 buy fresh 10000000000 \n"},
};

static void play(bool saves) {
    td_program *p = program_new();
    td_state *state = td_state_new(p);
    told t = {{0}};
    td_emit emit = td_emit_none;
    emit.self = &t;
    emit.signal = on_signal;
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        t.text.size = 0;
        if (saves) state = rig_reloaded(state, p);
        take(state, &steps[i], &emit);
        td_buf_put(&t.text, "", 1);
        ASSERT_ROW(strcmp((const char *)t.text.data, steps[i].told) == 0, "%zu: %s", i, (const char *)t.text.data);
    }
    td_buf_fini(&t.text);
    td_state_free(state);
    td_program_free(p);
}

static void each_tick_runs_once_as_it_comes(void **unused) {
    (void)unused;
    play(false);
}

static void a_saved_state_goes_on_the_same(void **unused) {
    (void)unused;
    play(true);
}

static void every_bounds_how_often(void **unused) {
    (void)unused;
    static const struct {
        int64_t at_ns;
        bool due;
    } rows[] = {{5, true}, {6, false}, {14, false}, {15, true}, {15, false}, {3, false}, {40, true}, {49, false}};
    td_graph *g = graph_of((td_rhythm){.source = TD_RHYTHM_TRADES, .every_ns = 10}, TD_FIELD_PRICE, "e");
    void *state = aligned_alloc(16, td_graph_state_bytes(g));
    memset(state, 0, td_graph_state_bytes(g));
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_event e = {.kind = TD_EVENT_TRADE, .event_ns = rows[i].at_ns, .trade = {.price = S, .size = SIZE}};
        td_tick tick;
        assert_true(td_tick_of_event(&e, &tick));
        ASSERT_ROW(td_graph_is_due(g, state, e.event_ns) == rows[i].due, "%zu", i);
        if (rows[i].due) td_graph_run(g, state, &(td_graph_event){.instrument = NAME, .tick = &tick});
    }
    memset(state, 0, td_graph_state_bytes(g));
    td_event e = {.kind = TD_EVENT_TRADE, .trade = {.price = S, .size = SIZE}};
    td_tick tick;
    assert_true(td_tick_of_event(&e, &tick) && td_graph_is_due(g, state, 0));
    td_graph_run(g, state, &(td_graph_event){.instrument = TD_TEXT("X:B"), .tick = &tick});
    assert_false(td_graph_is_due(g, state, 1000)); /* nobody wants that one */
    free(state);
    td_graph_free(g);
}

static void rhythms_have_names_and_an_order(void **unused) {
    (void)unused;
    static const struct {
        td_rhythm rhythm;
        const char *text;
    } rows[] = {
        {{.width_ns = S}, "1s"},
        {{.width_ns = 60 * S}, "1m"},
        {{.source = TD_RHYTHM_TRADES}, "trades"},
        {{.source = TD_RHYTHM_TRADES, .every_ns = S}, "trades every 1s"},
        {{.source = TD_RHYTHM_QUOTES}, "quotes"},
        {{.source = TD_RHYTHM_BOOK}, "book"},
        {{.source = TD_RHYTHM_BOOK, .every_ns = S / 10}, "book every 100ms"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char text[TD_RHYTHM_TEXT_MAX];
        td_rhythm_format(rows[i].rhythm, text);
        assert_string_equal(text, rows[i].text);
        for (size_t k = 0; k < COUNT_OF(rows); k++)
            ASSERT_ROW(td_rhythm_compare(rows[i].rhythm, rows[k].rhythm) == (i > k) - (i < k), "%zu and %zu", i, k);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_what_the_tick_says),   cmocka_unit_test(each_tick_runs_once_as_it_comes),
        cmocka_unit_test(a_saved_state_goes_on_the_same),  cmocka_unit_test(every_bounds_how_often),
        cmocka_unit_test(rhythms_have_names_and_an_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
