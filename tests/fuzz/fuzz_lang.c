/* tests/fuzz/fuzz_lang.c - any text as a strategy; what compiles runs 50 bars or ticks, other ones for each text,
 * twice, to the same bytes. */
#include "base/hash.h"
#include "lang/lang.h"
#include "stream/tick.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>

enum { BARS = 50, STATE_BYTES_MAX = 64 << 20 };

static void check_signal(void *arg, const td_signal *s) {
    size_t *count = arg;
    bool withheld = s->status == TD_SIGNAL_WITHHELD; /* because of its qty: the bars are good */
    assert(s->ordinal == 1 && s->event_ns > 0 && s->action <= TD_ACTION_EXIT);
    assert(withheld ? s->reason.size > 0 : s->status == TD_SIGNAL_FRESH);
    bool leaves = s->action == TD_ACTION_SELL || s->action == TD_ACTION_COVER || s->action == TD_ACTION_EXIT;
    assert(withheld || leaves ? s->target == 0 : s->action == TD_ACTION_BUY ? s->target > 0 : s->target < 0);
    assert(s->strategy.size > 0 && s->strategy.size <= 63 && s->note.size <= 200);
    ++*count;
}

static void check_lines(const td_graph *graph, const void *state) {
    const td_graph_line *lines;
    size_t line_count = td_graph_lines(graph, &lines);
    for (size_t k = 0; k < line_count; k++) {
        double value;
        if (td_graph_line_value(graph, state, k, &value)) assert(isfinite(value));
    }
}

/* A book of one or two levels, now and then of one side alone. */
static const td_books_row *put_book(td_books *books, int64_t price, uint32_t seed) {
    td_hole *gap;
    const td_book_level levels[] = {{price, seed % 5, TD_BOOK_BID}, {price + seed % 3, seed % 7, TD_BOOK_ASK}};
    td_event e = {.kind = TD_EVENT_BOOK, .book = {.first_sequence = TD_NONE, .last_sequence = TD_NONE}};
    e.book.snapshot = true;
    e.book.level_count = 2;
    e.book.levels = levels;
    (void)td_books_put(books, TD_TEXT("LEAN:IBM"), &e, &gap);
    return td_books_find(books, TD_TEXT("LEAN:IBM"));
}

static size_t run_ticks(const td_graph *graph, void *state, uint32_t seed) {
    td_rhythm_source source = (td_rhythm_source)td_graph_rhythm(graph).source;
    td_books books = {0};
    size_t ran = 0;
    for (int64_t i = 0; i < BARS; i++) {
        seed = seed * 1664525u + 1013904223u;
        int64_t price = (int64_t)(seed >> 4) * 100 + 1, size = seed % 11;
        td_event e = {.kind = TD_EVENT_TRADE, .event_ns = i * (int64_t)(seed >> 8)};
        e.trade = (td_trade){.price = price, .size = size, .trade_id = TD_NONE, .side = (uint8_t)(seed % 3)};
        if (source == TD_RHYTHM_QUOTES) {
            e.kind = TD_EVENT_QUOTE;
            e.quote = (td_quote){.bid_price = size == 0 ? TD_NONE : price, .bid_size = size, .ask_price = price + size};
        }
        td_tick tick;
        bool sees = source == TD_RHYTHM_BOOK ? td_tick_of_book(&e, put_book(&books, price, seed), 0, &tick)
                                             : td_tick_of_event(&e, &tick);
        if (!sees || !td_graph_is_due(graph, state, e.event_ns)) continue;
        td_graph_run(graph, state, &(td_graph_event){.instrument = TD_TEXT("LEAN:IBM"), .tick = &tick});
        check_lines(graph, state);
        ran++;
    }
    td_books_fini(&books);
    return ran;
}

static size_t run(const td_graph *graph, void *state, uint32_t seed) {
    size_t signal_count = 0;
    if (td_graph_rhythm(graph).source != TD_RHYTHM_BARS) return run_ticks(graph, state, seed);
    for (int64_t i = 0; i < BARS; i++) {
        seed = seed * 1664525u + 1013904223u;
        int64_t width = td_graph_width_ns(graph), price = (int64_t)(seed >> 4) * 100;
        if (width > INT64_MAX / (BARS + 1)) break;
        td_bar bar = {.start_ns = i * width,
                      .end_ns = (i + 1) * width,
                      .width_ns = width,
                      .open = price + 7,
                      .high = price + 50,
                      .low = price - 50,
                      .close = price,
                      .vwap = price - 1,
                      .volume = (td_i128)seed << (i + i / 2),
                      .trade_count = i,
                      .known_at_ns = (i + 1) * width};
        td_graph_event event = {.instrument = TD_TEXT("LEAN:IBM"), .bar = &bar};
        td_graph_apply(graph, state, &event, check_signal, &signal_count);
        check_lines(graph, state);
    }
    return signal_count;
}

static void fuzz_graph(const td_graph *graph, uint32_t seed) {
    size_t bytes = td_graph_state_bytes(graph);
    if (bytes > STATE_BYTES_MAX) return; /* long windows are allowed, but slow here */
    void *once = aligned_alloc(16, bytes), *again = aligned_alloc(16, bytes);
    memset(once, 0, bytes);
    memset(again, 0, bytes);
    size_t signal_count = run(graph, once, seed);
    assert(run(graph, again, seed) == signal_count && memcmp(once, again, bytes) == 0);
    free(again);
    free(once);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const td_source_text source = {"fuzz", {data, size}};
    td_graph **graphs = NULL;
    size_t count = 0;
    td_buf errors = {0};
    td_status status = td_lang_compile(&source, 1, &graphs, &count, &errors);
    assert(status == TD_OK || (status == TD_CONFIG && count == 0));
    assert((status == TD_OK) == (errors.size == 0));
    for (size_t i = 1; i < count; i++)
        assert(td_rhythm_compare(td_graph_rhythm(graphs[i - 1]), td_graph_rhythm(graphs[i])) < 0);
    for (size_t i = 0; i < count; i++) {
        fuzz_graph(graphs[i], (uint32_t)td_hash_bytes(source.text));
        td_graph_free(graphs[i]);
    }
    free(graphs);
    td_buf_fini(&errors);
    return 0;
}
