/* tests/unit/lang_tick_test.c - goal: strategies on trades, quotes and books read their own event and the newest of the
 * others as of it, bars as of their end; what stands nowhere is refused where it stands. */
#include "strategy_rig.h"
#include "stream/state.h"
#include "unit.h"
#include <stdio.h>

#define S    INT64_C(1000000000)
#define MS   INT64_C(1000000)
#define SIZE INT64_C(100000000)
#define NAME TD_TEXT("X:A")

static td_program *program_of(const char *text) {
    td_buf errors = {0};
    td_source_text source = {.file = "x.td", .text = td_text(text)};
    td_program *p = td_alloc_zero(1, sizeof *p);
    td_graph **graphs;
    size_t count;
    td_status status = td_lang_compile(&source, 1, &graphs, &count, &errors);
    if (status != TD_OK) fail_msg("%.*s", (int)errors.size, (const char *)errors.data);
    p->width_count = 1;
    p->widths_ns[0] = 60 * S;
    p->unnamed = td_program_feed_default();
    for (size_t i = 0; i < count; i++) {
        if (td_graph_width_ns(graphs[i]) > 0)
            p->graphs[0] = graphs[i];
        else
            p->graphs[p->width_count + p->tick_graph_count++] = graphs[i];
    }
    free(graphs);
    return p;
}

typedef struct step {
    char kind;     /* t(rade) q(uote) b(ook) */
    int64_t at_ms; /* from the begin of a minute */
    int64_t price; /* of the trade, or the bid; the ask is 2 above */
} step;

static void take(td_state *state, const step *s) {
    td_event e = {.feed = td_state_feed(state, TD_TEXT("a")), .event_ns = 60000 * S + s->at_ms * MS};
    e.receive_ns = e.event_ns;
    e.kind = s->kind == 't' ? TD_EVENT_TRADE : s->kind == 'q' ? TD_EVENT_QUOTE : TD_EVENT_BOOK;
    const td_book_level levels[] = {{s->price * S, 3 * SIZE, TD_BOOK_BID},
                                    {(s->price - 1) * S, SIZE, TD_BOOK_BID},
                                    {(s->price + 2) * S, SIZE, TD_BOOK_ASK}};
    if (s->kind == 'b') {
        e.book = (td_book){.first_sequence = TD_NONE, .last_sequence = TD_NONE, .snapshot = true, .level_count = 3};
        e.book.levels = levels;
        assert_int_equal(td_state_take_book(state, &e, NAME, &td_emit_none), TD_BOOK_TAKEN);
        return;
    }
    if (s->kind == 't')
        e.trade = (td_trade){.price = s->price * S, .size = SIZE, .trade_id = TD_NONE, .side = TD_SIDE_SELL};
    else
        e.quote = (td_quote){.bid_price = s->price * S, .bid_size = SIZE, .ask_price = (s->price + 2) * S};
    e.quote.ask_size = s->kind == 'q' ? SIZE : e.quote.ask_size;
    e.instrument = td_state_find_instrument(state, NAME);
    if (e.instrument == UINT32_MAX) e.instrument = td_state_add_instrument(state, &e, NAME);
    assert_int_equal(td_state_apply(state, &e, &td_emit_none).verdict, TD_VERDICT_ACCEPTED);
}

/* NAN: na */
static double line_of(const td_state *state, const td_program *p, const char *name) {
    for (size_t g = 0; g < td_program_graph_count(p); g++) {
        const td_graph_line *lines;
        size_t count = p->graphs[g] != NULL ? td_graph_lines(p->graphs[g], &lines) : 0;
        for (size_t i = 0; i < count; i++) {
            double value = -1;
            if (!td_bytes_equal(lines[i].name, td_text(name))) continue;
            bool known = td_graph_line_value(p->graphs[g], td_state_graph(state, NAME, g), i, &value);
            return known ? value : -1;
        }
    }
    fail_msg("no line %s", name);
    return 0;
}

static const char text[] = "strategy t on trades\n"
                           "  best = quote.bid\n"
                           "  age = quote.age / 1s\n"
                           "  deep = book.bid_size(2)\n"
                           "  own = price + signed_size\n"
                           "strategy q on quotes every 10ms\n"
                           "  last = trade.price\n"
                           "  mine = mid\n"
                           "strategy b on bars(1m)\n"
                           "  at_end = quote.mid\n"
                           "  of_trade = trade.age / 1s\n";

static void names_are_read_as_of_the_event(void **unused) {
    (void)unused;
    static const struct {
        step step;
        double bid, age, deep, own, last, mine, at_end, of_trade; /* -1: na */
    } rows[] = {
        {{'t', 1000, 50}, -1, -1, -1, 49, -1, -1, -1, -1},
        {{'q', 1005, 40}, -1, -1, -1, 49, 50, 41, -1, -1},
        {{'t', 1006, 51}, 40, 0.001, -1, 50, 50, 41, -1, -1},
        {{'b', 1007, 45}, 40, 0.001, -1, 50, 50, 41, -1, -1},
        {{'q', 1012, 42}, 40, 0.001, -1, 50, 50, 41, -1, -1}, /* sooner than 10 ms: it does not run */
        {{'t', 1010, 52}, 40, 0.005, 4, 51, 50, 41, -1, -1},  /* the newest quote is of later than this */
        {{'t', 1012, 53}, 42, 0, 4, 52, 50, 41, -1, -1},
        {{'q', 1020, 44}, 42, 0, 4, 52, 53, 45, -1, -1},
        {{'q', 59999, 46}, 42, 0, 4, 52, 53, 47, -1, -1},
        {{'q', 60001, 48}, 42, 0, 4, 52, 53, 47, -1, -1},
        {{'q', 60500, 50}, 42, 0, 4, 52, 53, 51, -1, -1},
        {{'t', 61100, 54}, 50, 0.6, 4, 53, 53, 51, 47, 58.988}, /* the first minute is over */
    };
    td_program *p = program_of(text);
    td_state *state = td_state_new(p);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        take(state, &rows[i].step);
        const struct {
            const char *name;
            double value;
        } lines[] = {{"best", rows[i].bid},      {"age", rows[i].age},          {"deep", rows[i].deep},
                     {"own", rows[i].own},       {"last", rows[i].last},        {"mine", rows[i].mine},
                     {"at_end", rows[i].at_end}, {"of_trade", rows[i].of_trade}};
        for (size_t k = 0; k < COUNT_OF(lines); k++) {
            double got = line_of(state, p, lines[k].name);
            ASSERT_ROW(got == lines[k].value, "%zu: %s is %g", i, lines[k].name, got);
        }
    }
    td_state_free(state);
    td_program_free(p);
}

/* Of Cont, Kukanov and Stoikov: e = [b >= b'] q - [b <= b'] q' - [a <= a'] r + [a >= a'] r'. */
static void order_flow_is_signed(void **unused) {
    (void)unused;
    static const struct {
        int64_t bid, bid_size, ask, ask_size;
        double flow; /* -1: na */
    } rows[] = {
        {10, 5, 12, 7, -1}, {10, 8, 12, 7, 3}, /* more at the bid */
        {10, 8, 12, 9, -2},                    /* more at the ask */
        {11, 4, 12, 9, 4},                     /* a better bid */
        {11, 4, 13, 2, 9},                     /* the ask has gone */
        {9, 6, 12, 3, -7},                     /* the bid has gone, a better ask came */
        {10, 6, 13, 3, 9},                     /* both went up */
    };
    td_program *p = program_of("strategy f on quotes\n  flow = ofi(bid, ask, bid_size, ask_size)\n");
    td_state *state = td_state_new(p);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_event e = {.kind = TD_EVENT_QUOTE, .feed = td_state_feed(state, TD_TEXT("a")), .event_ns = (int64_t)i * S};
        e.receive_ns = e.event_ns;
        e.quote = (td_quote){.bid_price = rows[i].bid * S,
                             .bid_size = rows[i].bid_size * SIZE,
                             .ask_price = rows[i].ask * S,
                             .ask_size = rows[i].ask_size * SIZE};
        e.instrument = i == 0 ? td_state_add_instrument(state, &e, NAME) : 0;
        assert_int_equal(td_state_apply(state, &e, &td_emit_none).verdict, TD_VERDICT_ACCEPTED);
        double flow = line_of(state, p, "flow");
        ASSERT_ROW(flow == rows[i].flow, "%zu: %g", i, flow);
    }
    td_state_free(state);
    td_program_free(p);
}

/* What looks at one source alone runs on its events, whatever the strategy runs on; its age is the strategy's own. */
static void windows_run_on_what_they_look_at(void **unused) {
    (void)unused;
    static const struct {
        step step;
        double two, last, gap, mixed; /* -1: na */
    } rows[] = {
        {{'q', 1000, 40}, -1, -1, -1, -1},
        {{'q', 1001, 42}, -1, -1, -1, -1},
        {{'t', 1002, 50}, 82, 40, 0.001, -1},
        {{'t', 1003, 51}, 82, 40, 0.002, 50 + 51 - 84},
        {{'q', 1004, 44}, 82, 40, 0.002, 50 + 51 - 84},
        {{'t', 1003, 52}, 82, 40, 0.002, 51 + 52 - 84},
        {{'t', 1006, 53}, 86, 42, 0.002, 52 + 53 - 86},
    };
    td_program *p = program_of("fn twice(x) = sum(x, 2)\n"
                               "strategy t on trades\n"
                               "  two = twice(quote.bid)\n"
                               "  b = quote.bid\n"
                               "  last = b[1]\n"
                               "  gap = quote.age / 1s\n"
                               "  mixed = sum(price - quote.bid, 2)\n");
    td_state *state = td_state_new(p);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        take(state, &rows[i].step);
        ASSERT_ROW(line_of(state, p, "two") == rows[i].two, "%zu: two is %g", i, line_of(state, p, "two"));
        ASSERT_ROW(line_of(state, p, "last") == rows[i].last, "%zu: last is %g", i, line_of(state, p, "last"));
        ASSERT_ROW(line_of(state, p, "gap") == rows[i].gap, "%zu: gap is %g", i, line_of(state, p, "gap"));
        ASSERT_ROW(line_of(state, p, "mixed") == rows[i].mixed, "%zu: mixed is %g", i, line_of(state, p, "mixed"));
    }
    td_state_free(state);
    td_program_free(p);
}

/* asof(x) stands at the strategy's own events: what is made of it runs on those. */
static void asof_brings_it_to_the_own_events(void **unused) {
    (void)unused;
    static const struct {
        step step;
        double seen, before, two, own, age, other; /* -1: na */
    } rows[] = {
        {{'q', 1000, 40}, -1, -1, -1, -1, -1, -1},    {{'t', 1001, 50}, 40, -1, -1, -1, 0.001, 42},
        {{'q', 1002, 41}, 40, -1, -1, -1, 0.001, 42}, {{'q', 1003, 42}, 40, -1, -1, -1, 0.001, 42},
        {{'t', 1004, 51}, 42, 40, 82, 83, 0.001, 44}, {{'t', 1005, 52}, 42, 42, 84, 83, 0.002, 44},
        {{'q', 1004, 30}, 42, 42, 84, 83, 0.002, 44}, /* late: nothing changes that was read */
        {{'t', 1003, 53}, 42, 42, 84, 83, 0, 44},     /* and this is of before it */
        {{'t', 1006, 53}, 30, 42, 72, 72, 0.002, 32},
    };
    td_program *p = program_of("fn halved(x) = x / 2\n"
                               "strategy t on trades\n"
                               "  seen = asof(quote.bid)\n"
                               "  before = seen[1]\n"
                               "  two = sum(asof(quote.bid), 2)\n"
                               "  own = asof(sum(quote.bid, 2))\n"
                               "  age = asof(quote).age / 1s\n"
                               "  other = 2 * halved(asof(quote).ask)\n");
    td_state *state = td_state_new(p);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        take(state, &rows[i].step);
        const struct {
            const char *name;
            double value;
        } lines[] = {{"seen", rows[i].seen}, {"before", rows[i].before}, {"two", rows[i].two},
                     {"own", rows[i].own},   {"age", rows[i].age},       {"other", rows[i].other}};
        for (size_t k = 0; k < COUNT_OF(lines); k++) {
            double got = line_of(state, p, lines[k].name);
            ASSERT_ROW(got == lines[k].value, "%zu: %s is %g", i, lines[k].name, got);
        }
    }
    td_state_free(state);
    td_program_free(p);
}

static const struct {
    const char *line, *error; /* of the third column on */
} nowhere[] = {
    {"trades\n  x = close", "x.td:2:7: 'close' is of bars, and this runs on trades"},
    {"trades\n  x = bid", "x.td:2:7: 'bid' is of quotes, and this runs on trades: the newest is quote.bid"},
    {"bars(1m)\n  x = price", "x.td:2:7: 'price' is of trades, and this runs on bars: the newest is trade.price"},
    {"trades\n  x = prize", "x.td:2:7: unknown name 'prize'; did you mean 'price'?"},
    {"trades\n  x = quote", "x.td:2:7: 'quote' is several values: say which, as in quote.age"},
    {"trades\n  x = quote.age < 2",
     "x.td:2:7: a duration and a number do not go with '<': a duration has its unit, as in 2s"},
    {"trades\n  x = quote.bib", "x.td:2:7: 'quote' has no field 'bib'; did you mean 'bid'?"},
    {"trades\n  x = quote.bid_size(3)",
     "x.td:2:7: only book.bid_size, book.ask_size and book.imbalance take a number of "
     "levels"},
    {"trades\n  x = book.spread(3)", "x.td:2:7: only book.bid_size, book.ask_size and book.imbalance take a number of "
                                     "levels"},
    {"trades\n  x = book.imbalance(0)",
     "x.td:2:22: the number of levels must be a whole number from 1 to 100000, found 0"},
    {"trades\n  x = book.imbalance(101)", "x.td:2:22: the number of levels is at most 100"},
    {"quotes\n  x = natr(5)", "x.td:2:7: 'high' is of bars, and this runs on quotes"},
    {"quotes\n  x = sma(mid, 3).y(2)", "x.td:2:7: '.y' takes nothing in brackets"},
    {"news\n  x = close", "x.td:2:7: 'close' is of bars, and this runs on news"},
    {"bars(1m)\n  x = headline", "x.td:2:7: 'headline' is of news, and this runs on bars: the newest is news.headline"},
    {"bars(1m)\n  x = news", "x.td:2:7: 'news' is several values: say which, as in news.age"},
    {"news\n  x = headline + \"a\"", "x.td:2:7: texts do not go with '+': compare them by ==, !=, has and in"},
    {"news\n  x = headline + 1", "x.td:2:7: a text is compared where it stands"},
    {"news\n  x = headline == source", "x.td:2:7: a text is compared where it stands"},
    {"news\n  x = headline has 3", "x.td:2:7: 'has' stands between two texts"},
    {"news\n  x = headline[1]", "x.td:2:7: a text is compared where it stands"},
    {"news\n  x = nz(headline, source)", "a text is compared where it stands"},
    {"news\n  emit e { h = headline }", "x.td:2:12: a text is compared where it stands"},
    {"news\n  alert \"{headline}\" when true", "x.td:2:11: a text is compared where it stands"},
    {"news\n  x = headline has \"\"", "x.td:2:20: a text has to say something"},
    {"news\n  x = sentiment has \"a\"", "x.td:2:21: a text is compared with a text"},
    {"bars(1m)\n  x = news.headline == ref.sector", "'ref' reads the instrument table"},
    {"bars(1m)\n  buy when news.headline", "x.td:2:12: a text of other events cannot be read"},
    {"bars(1m)\n  w = \"a\"\n  x = w + 1", "x.td:3:7: a text is compared with a text"},
    {"bars(1m)\n  x = stddev(news.sentiment, 2h)", "over a time of news there are sum, avg, max"},
    {"bars(1m)\n  x = avg(news.sentiment, session)", "a window over news is a number of it or a duration"},
    {"bars(1m)\n  x = avg(news.sentiment, 2h, where = close > open)",
     "'where' of a window over news is a condition of the same news"},
    {"trades\n  x = asof()", "x.td:2:7: asof(x) takes what it reads, as in asof(quote.bid)"},
    {"trades\n  x = asof(price)", "x.td:2:12: asof reads what one other source says"},
    {"quotes\n  x = asof(quote.bid)", "x.td:2:12: asof reads what one other source says"},
    {"trades\n  x = asof(quote.bid - book.bid)", "x.td:2:12: asof reads what one other source says"},
    {"trades\n  x = asof(position)", "x.td:2:12: asof reads what one other source says"},
    {"trades\n  x = asof(quote)", "x.td:2:12: 'quote' is several values: say which, as in quote.age"},
    {"trades\n  x = asof(quote).bib", "x.td:2:7: 'quote' has no field 'bib'; did you mean 'bid'?"},
    {"trades\n  x = asof(price).bid", "x.td:2:7: only asof of a source has fields, as in asof(quote).bid"},
    {"trades\n  x = asof(quote, wait = 0s).bid", "x.td:2:19: the wait of asof is a duration as written, up to 1h"},
    {"trades\n  x = asof(quote.bid, 61m)", "x.td:2:23: the wait of asof is a duration as written, up to 1h"},
    {"trades\n  x = asof(quote.bid, 3)", "x.td:2:23: the wait of asof is a duration as written, up to 1h"},
    {"trades\n  x = asof(quote.bid, until = 1s)", "x.td:2:23: asof takes x and a wait"},
    {"trades\n  x = asof(quote.bid, 1s, 2s)", "x.td:2:23: asof takes x and a wait"},
    {"trades\n  x = asof(quote.bid, 1s)\n  y = asof(quote.ask, 2s)",
     "x.td:3:23: a strategy waits once: its other asof, or a series of its events, has another wait"},
    {"trades\n  x = asof(price, 1s)", "x.td:2:12: asof reads what one other source says"},
    {"trades\n  x = asof(avg(news.sentiment, 2h), 1s)", "asof does not wait for a window by time over news"},
    {"bars(1m)\n  x = asof(quote.bid, 1s)", "x.td:2:23: asof waits in what runs on trades or on quotes: leave the "
                                            "wait out here, or read a series on trades that waits"},
    {"book\n  x = asof(quote.bid, 1s)", "x.td:2:23: asof waits in what runs on trades or on quotes"},
    {"news\n  x = asof(quote.bid, 1s)", "x.td:2:23: asof waits in what runs on trades or on quotes"},
    {"bars(1m)\n  x = f()\nfn f() = asof(quote.bid, 1s)", "x.td:3:26: asof waits in what runs on trades or on"},
    {"trades\n  x = f(1s)\nfn f(w) = asof(quote.bid, w)", "x.td:3:27: the wait of asof is a duration as written"},
    {"trades\n  x = f()\nfn f() = f() + asof(quote.bid, 1s)", "x.td:3:10: 'f' calls itself"},
    {"trades\n  x = 1\nseries s on trades\n  x = asof(quote.bid, 1s)\nstrategy b on trades\n  y = s.x\n"
     "  z = asof(quote.bid, 2s)",
     "x.td:7:23: a strategy waits once: its other asof, or a series of its events, has another wait"},
    {"trades\n  x = 1\nseries s on trades\n  x = asof(quote.bid, 1s)\nstrategy b on quotes\n  y = asof(s.x, 2s)",
     "x.td:6:7: asof does not wait for a series that waits: read it without a wait"},
    {"bars(1m)\n  use w = *\n  x = 1", "x.td:2:11: '*' has news alone: * news"},
};

static void what_stands_nowhere_is_refused(void **unused) {
    (void)unused;
    for (size_t i = 0; i < COUNT_OF(nowhere); i++) {
        char source[512];
        td_buf errors = {0};
        (void)snprintf(source, sizeof source, "strategy a on %s\n", nowhere[i].line);
        assert_null(rig_compile(source, &errors));
        td_buf_put(&errors, "", 1);
        ASSERT_ROW(strstr((const char *)errors.data, nowhere[i].error) != NULL, "%zu: %s", i,
                   (const char *)errors.data);
        td_buf_fini(&errors);
    }
}

static void rhythms_are_bounded(void **unused) {
    (void)unused;
    for (int count = TD_TICK_RHYTHMS_MAX; count <= TD_TICK_RHYTHMS_MAX + 1; count++) {
        td_buf source = {0}, errors = {0};
        for (int i = 0; i < count; i++)
            td_buf_printf(&source, "strategy s%d on trades every %dms\n  buy when price > 1\n", i, i + 1);
        td_buf_put(&source, "", 1);
        td_graph *graph = rig_compile((const char *)source.data, &errors);
        assert_true((graph != NULL) == (count == TD_TICK_RHYTHMS_MAX));
        td_graph_free(graph);
        td_buf_fini(&source);
        td_buf_fini(&errors);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_read_as_of_the_event),   cmocka_unit_test(order_flow_is_signed),
        cmocka_unit_test(windows_run_on_what_they_look_at), cmocka_unit_test(asof_brings_it_to_the_own_events),
        cmocka_unit_test(what_stands_nowhere_is_refused),   cmocka_unit_test(rhythms_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
