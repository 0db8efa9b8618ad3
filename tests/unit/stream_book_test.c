/* tests/unit/stream_book_test.c - goal: a book is what its snapshot and all updates behind it say, it is not read where
 * something is missing, and what is read back is what was saved. */
#include "stream/state.h"
#include "unit.h"
#include <stdio.h>
#include <stdlib.h>

#define NAME TD_TEXT("X:A")
#define NONE TD_NONE

static td_event event_of(td_book book) { return (td_event){.kind = TD_EVENT_BOOK, .feed = 1, .book = book}; }

/* What can be read, as text. */
static const char *seen(const td_books *books, uint32_t depth) {
    static char text[128];
    td_book_view v;
    if (!td_books_view(books, NAME, depth, &v)) return "none";
    (void)snprintf(text, sizeof text, "%lld x %lld | %lld x %lld  %.3f", (long long)v.bid.price, (long long)v.bid.size,
                   (long long)v.ask.price, (long long)v.ask.size, v.imbalance);
    return text;
}

static void check_saved(const td_books *books) {
    td_books loaded = {0};
    td_buf saved = {0}, again = {0};
    td_books_save(books, &saved);
    assert_true(td_books_bytes(books) >= saved.size);
    for (size_t size = 0; size < saved.size; size++) {
        td_bytes cut = {saved.data, size};
        assert_false(td_books_load(&loaded, &cut, 2));
        td_books_fini(&loaded);
    }
    td_bytes all = td_buf_bytes(&saved), few_feeds = all;
    assert_true(td_books_load(&loaded, &all, 2) && all.size == 0);
    td_books_save(&loaded, &again);
    assert_true(td_bytes_equal(td_buf_bytes(&saved), td_buf_bytes(&again)));
    assert_string_equal(seen(&loaded, 2), seen(books, 2));
    td_books_fini(&loaded);
    assert_false(td_books_load(&loaded, &few_feeds, 1)); /* of a feed that is not there */
    td_books_fini(&loaded);
    td_buf_fini(&saved);
    td_buf_fini(&again);
}

#define B(price, size)                                                                                                 \
    { price, size, TD_BOOK_BID }
#define A(price, size)                                                                                                 \
    { price, size, TD_BOOK_ASK }
#define LEVELS(...)                                                                                                    \
    .levels = (const td_book_level[]) { __VA_ARGS__ }

static void messages(void **state) {
    (void)state;
    const struct {
        int64_t first, last;
        bool snapshot, more;
        uint16_t count;
        const td_book_level *levels;
        td_book_word word;
        const char *seen;
    } rows[] = {
        {10, 11, false, false, 1, LEVELS(B(5, 1)), TD_BOOK_WAITING, "none"}, /* before its first snapshot */
        {NONE, 20, true, true, 2, LEVELS(B(100, 3), B(101, 2)), TD_BOOK_TAKEN, "none"},
        {NONE, 20, false, true, 2, LEVELS(A(104, 4), A(103, 1)), TD_BOOK_TAKEN, "none"},
        {NONE, 20, false, false, 1, LEVELS(B(99, 7)), TD_BOOK_TAKEN, "101 x 2 | 103 x 1  0.000"},
        {15, 20, false, false, 1, LEVELS(B(102, 9)), TD_BOOK_OLD, "101 x 2 | 103 x 1  0.000"},
        {14, 16, false, true, 1, LEVELS(B(102, 9)), TD_BOOK_OLD, "none"},
        {14, 16, false, false, 1, LEVELS(B(102, 9)), TD_BOOK_OLD, "101 x 2 | 103 x 1  0.000"},
        {19, 22, false, false, 1, LEVELS(B(102, 5)), TD_BOOK_TAKEN, "102 x 5 | 103 x 1  0.167"}, /* laps over */
        {23, 23, false, false, 1, LEVELS(B(102, 8)), TD_BOOK_TAKEN, "102 x 8 | 103 x 1  0.333"}, /* what stands there */
        {24, 24, false, false, 1, LEVELS(A(50, 0)), TD_BOOK_TAKEN, "102 x 8 | 103 x 1  0.333"},  /* nobody was there */
        {25, 26, false, false, 2, LEVELS(B(102, 0), A(103, -1)), TD_BOOK_TAKEN, "101 x 2 | 104 x 4  0.111"},
        {27, 27, false, false, 1, LEVELS(B(104, 1)), TD_BOOK_TAKEN, "none"}, /* locked */
        {28, 28, false, false, 1, LEVELS(B(105, 1)), TD_BOOK_TAKEN, "none"}, /* crossed */
        {29, 29, false, false, 2, LEVELS(B(104, 0), B(105, 0)), TD_BOOK_TAKEN, "101 x 2 | 104 x 4  0.111"},
        {31, 32, false, false, 1, LEVELS(B(101, 0)), TD_BOOK_HOLE, "none"},
        {33, 33, false, false, 1, LEVELS(B(101, 0)), TD_BOOK_WAITING, "none"},
        {NONE, 40, true, false, 1, LEVELS(A(9, 9)), TD_BOOK_TAKEN, "0 x 0 | 9 x 9  -1.000"},
        {NONE, NONE, false, false, 1, LEVELS(A(9, 0)), TD_BOOK_TAKEN, "0 x 0 | 0 x 0  0.000"}, /* says no numbers */
        {50, 60, false, false, 1, LEVELS(B(8, 1)), TD_BOOK_TAKEN, "8 x 1 | 0 x 0  1.000"},
        {70, 80, false, true, 1, LEVELS(B(8, 2)), TD_BOOK_HOLE, "none"},
        {70, 80, false, false, 1, LEVELS(B(8, 3)), TD_BOOK_WAITING, "none"}, /* the rest of it */
    };
    td_books books = {0};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_event e = event_of(
            (td_book){rows[i].first, rows[i].last, rows[i].snapshot, rows[i].more, rows[i].count, rows[i].levels});
        td_book_word word = td_books_put(&books, NAME, &e);
        ASSERT_ROW(word == rows[i].word, "%zu: %d", i, (int)word);
        ASSERT_ROW(strcmp(seen(&books, 2), rows[i].seen) == 0, "%zu: %s", i, seen(&books, 2));
        check_saved(&books);
    }
    td_books_fini(&books);
}

/* A session that is down stops the books of its feed alone, and a snapshot in parts, too. */
static void sessions(void **state) {
    (void)state;
    td_books books = {0};
    td_event whole = event_of((td_book){NONE, NONE, true, false, 1, LEVELS(B(8, 1))}), begun = whole, rest = whole;
    begun.book.more = true;
    rest.book.snapshot = false;
    assert_int_equal(td_books_put(&books, NAME, &whole), TD_BOOK_TAKEN);
    td_books_stop(&books, 0);
    assert_string_not_equal(seen(&books, 1), "none");
    td_books_stop(&books, 1);
    assert_string_equal(seen(&books, 1), "none");
    assert_int_equal(td_books_put(&books, NAME, &begun), TD_BOOK_TAKEN);
    td_books_stop(&books, 1);
    assert_int_equal(td_books_put(&books, NAME, &rest), TD_BOOK_WAITING);
    assert_string_equal(seen(&books, 1), "none");
    assert_int_equal(td_books_put(&books, NAME, &whole), TD_BOOK_TAKEN);
    assert_string_not_equal(seen(&books, 1), "none");
    assert_string_equal(seen(&(td_books){0}, 1), "none");
    td_books_fini(&books);
}

/* A state keeps books over snapshots of it and other programs; a Time that says `down` stops them. */
static void within_a_state(void **state) {
    (void)state;
    td_program program = {.width_count = 1, .widths_ns = {60000000000}, .unnamed = td_program_feed_default()};
    td_program other = {.sha256 = "x", .width_count = 1, .widths_ns = {1000000000}, .unnamed = program.unnamed};
    td_state *s = td_state_new(&program), *loaded;
    td_buf saved = {0};
    td_book_view v;
    td_event e = event_of((td_book){NONE, 7, true, false, 2, LEVELS(B(8, 1), A(9, 3))});
    e.feed = td_state_feed(s, TD_TEXT("f"));
    assert_false(td_state_book(s, NAME, 1, &v));
    assert_int_equal(td_state_take_book(s, &e, NAME), TD_BOOK_TAKEN);
    td_state_save(s, &saved);
    assert_int_equal(td_state_load(&loaded, &program, td_buf_bytes(&saved)), TD_OK);
    td_state_swap(loaded, &other);
    assert_true(td_state_book(loaded, NAME, 1, &v) && v.bid.price == 8 && v.imbalance == -0.5);
    td_event time = {.kind = TD_EVENT_TIME, .feed = e.feed, .time = {.bound_ns = NONE, .session = TD_SESSION_DOWN}};
    (void)td_state_apply(loaded, &time, &td_emit_none);
    assert_false(td_state_book(loaded, NAME, 1, &v));
    assert_true(td_state_book(s, NAME, 1, &v));
    td_state_free(loaded);
    td_state_free(s);
    td_buf_fini(&saved);
}

/* Beside a model that keeps all: of a side the best TD_BOOK_DEPTH that it has held without a break. */
static void the_best_levels_are_kept(void **state) {
    (void)state;
    enum { PRICES = 3000 };
    static int64_t model[TD_BOOK_SIDE_COUNT][PRICES];
    td_books books = {0};
    uint64_t seed = 5;
    td_event e = event_of((td_book){NONE, NONE, true, false, 0, NULL});
    assert_int_equal(td_books_put(&books, NAME, &e), TD_BOOK_TAKEN);
    for (int step = 0; step < 200000; step++) {
        uint64_t r = unit_random(&seed);
        unsigned side = r & 1;
        int64_t at = (int64_t)(r >> 8) % 900; /* no more of a side than are kept */
        td_book_level level = {side == TD_BOOK_BID ? 1000 - at : 1001 + at, (int64_t)(r >> 40) % 3, (uint8_t)side};
        e = event_of((td_book){NONE, NONE, false, false, 1, &level});
        assert_int_equal(td_books_put(&books, NAME, &e), TD_BOOK_TAKEN);
        model[side][at] = level.size;
        if (step % 100 != 0) continue;
        int64_t best[2] = {0, 0}, sums[2] = {0, 0};
        for (int s = 0; s < 2; s++)
            for (int64_t p = 0, n = 0; p < PRICES && n < 5; p++)
                if (model[s][p] > 0) {
                    if (n++ == 0) best[s] = s == TD_BOOK_BID ? 1000 - p : 1001 + p;
                    sums[s] += model[s][p];
                }
        td_book_view v;
        assert_true(td_books_view(&books, NAME, 5, &v));
        assert_true(v.bid.price == best[0] && v.ask.price == best[1]);
        int64_t both = sums[0] + sums[1];
        assert_true(v.imbalance == (both > 0 ? (double)(sums[0] - sums[1]) / (double)both : 0));
    }
    td_books_fini(&books);
}

/* The worst fall out, and do not come back. */
static void deep_books_are_bounded(void **state) {
    (void)state;
    td_books books = {0};
    td_event e = event_of((td_book){NONE, NONE, true, false, 0, NULL});
    (void)td_books_put(&books, NAME, &e);
    for (int64_t price = 1; price <= 3 * TD_BOOK_DEPTH; price++) {
        td_book_level level = {price, 1, TD_BOOK_BID};
        e = event_of((td_book){NONE, NONE, false, false, 1, &level});
        (void)td_books_put(&books, NAME, &e);
        level = (td_book_level){-price, 1, TD_BOOK_BID}; /* worse than all */
        (void)td_books_put(&books, NAME, &e);
    }
    for (int64_t price = 3 * TD_BOOK_DEPTH; price > 2 * TD_BOOK_DEPTH; price--) {
        td_book_view v;
        td_book_level level = {price, 0, TD_BOOK_BID};
        assert_true(td_books_view(&books, NAME, 1, &v) && v.bid.price == price);
        e = event_of((td_book){NONE, NONE, false, false, 1, &level});
        (void)td_books_put(&books, NAME, &e);
    }
    assert_string_equal(seen(&books, 1), "0 x 0 | 0 x 0  0.000");
    td_books_fini(&books);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(messages), cmocka_unit_test(sessions),
                                       cmocka_unit_test(within_a_state), cmocka_unit_test(the_best_levels_are_kept),
                                       cmocka_unit_test(deep_books_are_bounded)};
    return cmocka_run_group_tests_name("stream_book", tests, NULL, NULL);
}
