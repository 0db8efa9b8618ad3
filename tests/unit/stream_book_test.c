/* tests/unit/stream_book_test.c - goal: a book is what its snapshot and all updates behind it say, it is not read where
 * something is missing, and what is read back is what was saved. */
#include "stream/state.h"
#include "unit.h"
#include <stdio.h>
#include <stdlib.h>

#define NAME TD_TEXT("X:A")
#define NONE TD_NONE

static td_book_word put(td_books *books, const td_event *e) {
    td_hole *gap;
    td_book_word word = td_books_put(books, NAME, e, &gap);
    if (gap->number == 0 && gap->to_ns != 0) gap->number = 7; /* told */
    if (word == TD_BOOK_TAKEN && !e->book.more) *gap = (td_hole){0};
    return word;
}

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

typedef struct row {
    int64_t first, last;
    bool snapshot, more;
    uint16_t count;
    const td_book_level *levels;
    td_book_word word;
    const char *seen;
} row;

static void check_rows(const row *rows, size_t count) {
    td_books books = {0};
    for (size_t i = 0; i < count; i++) {
        td_event e = event_of(
            (td_book){rows[i].first, rows[i].last, rows[i].snapshot, rows[i].more, rows[i].count, rows[i].levels});
        td_book_word word = put(&books, &e);
        ASSERT_ROW(word == rows[i].word, "%zu: %d", i, (int)word);
        ASSERT_ROW(strcmp(seen(&books, 2), rows[i].seen) == 0, "%zu: %s", i, seen(&books, 2));
        check_saved(&books);
    }
    td_books_fini(&books);
}

static void messages(void **state) {
    (void)state;
    const row rows[] = {
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
    check_rows(rows, COUNT_OF(rows));
}

#define S(last)             NONE, last, true, false
#define U(first, last)      first, last, false, false
#define S_MORE(last)        NONE, last, true, true
#define REST                NONE, NONE, false, false
#define COLLECTED(n, ...)   n, LEVELS(__VA_ARGS__), TD_BOOK_WAITING, "none"
#define TAKEN(n, said, ...) n, LEVELS(__VA_ARGS__), TD_BOOK_TAKEN, said

/* A snapshot that was asked for is older than the updates before it in the tape. */
static void snapshots_that_are_asked_for(void **state) {
    (void)state;
    const row rows[] = {
        {U(10, 12), COLLECTED(2, B(100, 0), A(105, 2))},
        {U(13, 14), COLLECTED(1, B(101, 5))},
        {U(13, 13), COLLECTED(1, B(101, 4))}, /* again */
        {S_MORE(11), TAKEN(2, "none", B(100, 3), B(101, 1))},
        {REST, TAKEN(2, "101 x 5 | 105 x 2  0.250", A(105, 9), A(106, 1))},
        {U(15, 15), TAKEN(1, "101 x 5 | 106 x 1  0.667", A(105, 0))},
        {S(14), 1, LEVELS(B(1, 1)), TD_BOOK_OLD, "101 x 5 | 106 x 1  0.667"}, /* the book is past that */
        {S(20), TAKEN(2, "90 x 1 | 91 x 1  0.000", B(90, 1), A(91, 1))},
        {U(18, 20), 1, LEVELS(B(90, 7)), TD_BOOK_OLD, "90 x 1 | 91 x 1  0.000"},
        {U(16, 22), TAKEN(2, "90 x 1 | 92 x 1  0.000", A(91, 0), A(92, 1))},

        {U(30, 31), 1, LEVELS(B(95, 1)), TD_BOOK_HOLE, "none"},
        {S_MORE(28), COLLECTED(1, B(1, 1))}, /* 29 is not in it */
        {REST, COLLECTED(1, B(2, 1))},
        {S(29), TAKEN(2, "95 x 1 | 99 x 1  0.333", B(90, 1), A(99, 1))},

        {U(40, 41), 1, LEVELS(B(97, 1)), TD_BOOK_HOLE, "none"},
        {U(50, 51), COLLECTED(1, B(96, 1))}, /* another hole: what was collected is of no use */
        {S(45), COLLECTED(1, B(1, 1))},
        {S(51), TAKEN(1, "1 x 1 | 0 x 0  1.000", B(1, 1))}, /* has it all */
        {U(60, 61), 1, LEVELS(B(97, 1)), TD_BOOK_HOLE, "none"},
        {REST, COLLECTED(1, B(98, 1))}, /* without numbers it cannot be told what it follows */
        {S(59), TAKEN(1, "2 x 1 | 0 x 0  1.000", B(2, 1))},

        {0, NONE, false, false, 0, NULL, TD_BOOK_HOLE, "none"}, /* something is missing, who knows what */
        {0, NONE, false, false, 0, NULL, TD_BOOK_WAITING, "none"},
        {S(NONE), TAKEN(1, "3 x 1 | 0 x 0  1.000", B(3, 1))},
        {0, NONE, false, false, 0, NULL, TD_BOOK_HOLE, "none"},
        {REST, COLLECTED(1, B(98, 1))},
    };
    check_rows(rows, COUNT_OF(rows));
}

/* A session that is down stops the books of its feed alone, and a snapshot in parts, too. */
static void sessions(void **state) {
    (void)state;
    td_books books = {0};
    td_event whole = event_of((td_book){NONE, NONE, true, false, 1, LEVELS(B(8, 1))}), begun = whole, rest = whole;
    begun.book.more = true;
    rest.book.snapshot = false;
    assert_int_equal(put(&books, &whole), TD_BOOK_TAKEN);
    td_books_stop(&books, 0);
    assert_string_not_equal(seen(&books, 1), "none");
    td_books_stop(&books, 1);
    assert_string_equal(seen(&books, 1), "none");
    assert_int_equal(put(&books, &begun), TD_BOOK_TAKEN);
    td_books_stop(&books, 1);
    assert_int_equal(put(&books, &rest), TD_BOOK_WAITING);
    assert_string_equal(seen(&books, 1), "none");
    assert_int_equal(put(&books, &whole), TD_BOOK_TAKEN);
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
    assert_false(td_books_view(td_state_books(s), NAME, 1, &v));
    assert_int_equal(td_state_take_book(s, &e, NAME, &td_emit_none), TD_BOOK_TAKEN);
    td_state_save(s, &saved);
    assert_int_equal(td_state_load(&loaded, &program, td_buf_bytes(&saved)), TD_OK);
    td_state_swap(loaded, &other, NULL);
    assert_true(td_books_view(td_state_books(loaded), NAME, 1, &v) && v.bid.price == 8 && v.imbalance == -0.5);
    td_event time = {.kind = TD_EVENT_TIME, .feed = e.feed, .time = {.bound_ns = NONE, .session = TD_SESSION_DOWN}};
    (void)td_state_apply(loaded, &time, &td_emit_none);
    assert_false(td_books_view(td_state_books(loaded), NAME, 1, &v));
    assert_true(td_books_view(td_state_books(s), NAME, 1, &v));
    td_state_free(loaded);
    td_state_free(s);
    td_buf_fini(&saved);
}

/* ---- gaps ---- */

static void note_gap(void *self, td_bytes instrument, const td_gap *g) {
    assert_true(td_bytes_equal(instrument, NAME));
    td_buf_printf(self, "%lld %s %s %lld..%lld from %lld to %lld, ", (long long)g->number,
                  td_gap_reason_name((td_gap_reason)g->reason), td_gap_status_name((td_gap_status)g->status),
                  g->first_id == NONE ? -1 : (long long)g->first_id, g->last_id == NONE ? -1 : (long long)g->last_id,
                  (long long)g->from_ns, g->to_ns == NONE ? -1 : (long long)g->to_ns);
}

static const char *text_of(td_buf *told) {
    td_buf_put(told, "", 1);
    told->size = 0;
    return (const char *)told->data;
}

/* A hole is told with what is missing, once; the end of the next snapshot fills it, the end of the feed loses it. */
static void holes_are_gaps(void **state) {
    (void)state;
    td_program program = {.width_count = 1, .widths_ns = {60000000000}, .unnamed = td_program_feed_default()};
    td_state *s = td_state_new(&program), *loaded;
    td_buf told = {0}, saved = {0};
    td_emit emit = td_emit_none;
    emit.self = &told;
    emit.gap = note_gap;
    td_book_view v;
    const struct {
        td_book book;
        const char *told;
        int64_t open;
    } steps[] = {
        {{NONE, 10, true, false, 0, NULL}, "", 0},
        {{11, 12, false, false, 0, NULL}, "", 0},
        {{12, 12, false, false, 0, NULL}, "", 0}, /* once more: late or doubled is no hole */
        {{15, 16, false, false, 0, NULL}, "1 sequence open 13..14 from 101 to -1, ", 1},
        {{18, 18, false, false, 0, NULL}, "", 1},
        {{NONE, 16, true, false, 0, NULL}, "", 1},
        {{NONE, 17, true, true, 0, NULL}, "", 1},
        {{NONE, 17, false, false, 0, NULL}, "1 sequence filled 13..14 from 101 to 107, ", 0},
        {{0, NONE, false, false, 0, NULL}, "2 sequence open -1..-1 from 107 to -1, ", 1},
        {{NONE, 17, true, false, 0, NULL}, "2 sequence filled -1..-1 from 107 to 109, ", 0},
        {{20, 20, false, false, 0, NULL}, "3 sequence open 18..19 from 109 to -1, ", 1},
    };
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        td_event e = event_of(steps[i].book);
        e.event_ns = 100 + (int64_t)i;
        e.feed = td_state_feed(s, TD_TEXT("f"));
        (void)td_state_take_book(s, &e, NAME, &emit);
        const char *text = text_of(&told);
        ASSERT_ROW(strcmp(text, steps[i].told) == 0 && td_state_open_gaps(s) == steps[i].open, "%zu: %s", i, text);
    }
    td_state_save(s, &saved);
    assert_int_equal(td_state_load(&loaded, &program, td_buf_bytes(&saved)), TD_OK);
    assert_false(td_books_view(td_state_books(loaded), NAME, 1, &v));
    assert_true(v.standing == TD_BOOK_STOPPED && v.gap == 3);
    td_event end = {.kind = TD_EVENT_TIME, .time = {.bound_ns = 200, .session = TD_SESSION_ENDED}};
    (void)td_state_apply(loaded, &end, &emit);
    assert_string_equal(text_of(&told), "3 sequence lost 18..19 from 109 to 200, ");
    assert_int_equal(td_state_open_gaps(loaded), 0);
    (void)td_state_apply(loaded, &end, &emit); /* once */
    assert_string_equal(text_of(&told), "");
    td_state_free(loaded);
    td_state_free(s);
    td_buf_fini(&saved);
    td_buf_fini(&told);
}

/* One instrument too many of its feed, and a program of before gaps: the book stops, nothing is told. */
static void untold_holes(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        td_program program = {.width_count = 1, .widths_ns = {60000000000}, .unnamed = td_program_feed_default()};
        if (i == 0) program.unnamed.max_instruments = 0;
        if (i == 1) program.unnamed.gaps = false;
        td_state *s = td_state_new(&program);
        td_buf told = {0};
        td_emit emit = td_emit_none;
        emit.self = &told;
        emit.gap = note_gap;
        const td_book books[] = {{NONE, 10, true, false, 0, NULL}, {15, 16, false, false, 0, NULL}};
        td_book_view v;
        for (size_t k = 0; k < COUNT_OF(books); k++) {
            td_event e = event_of(books[k]);
            e.feed = td_state_feed(s, TD_TEXT("f"));
            (void)td_state_take_book(s, &e, NAME, &emit);
        }
        assert_false(td_books_view(td_state_books(s), NAME, 1, &v));
        assert_true(v.standing == TD_BOOK_STOPPED && v.gap == 0 && told.size == 0);
        td_state_free(s);
        td_buf_fini(&told);
    }
}

/* Beside a model that keeps all: of a side the best TD_BOOK_DEPTH that it has held without a break. */
static void the_best_levels_are_kept(void **state) {
    (void)state;
    enum { PRICES = 3000 };
    static int64_t model[TD_BOOK_SIDE_COUNT][PRICES];
    td_books books = {0};
    uint64_t seed = 5;
    td_event e = event_of((td_book){NONE, NONE, true, false, 0, NULL});
    assert_int_equal(put(&books, &e), TD_BOOK_TAKEN);
    for (int step = 0; step < 200000; step++) {
        uint64_t r = unit_random(&seed);
        unsigned side = r & 1;
        int64_t at = (int64_t)(r >> 8) % 900; /* no more of a side than are kept */
        td_book_level level = {side == TD_BOOK_BID ? 1000 - at : 1001 + at, (int64_t)(r >> 40) % 3, (uint8_t)side};
        e = event_of((td_book){NONE, NONE, false, false, 1, &level});
        assert_int_equal(put(&books, &e), TD_BOOK_TAKEN);
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
        td_book_level levels[5];
        int64_t sum = 0;
        uint32_t count = td_books_levels(&books, NAME, TD_BOOK_ASK, 5, levels);
        for (uint32_t i = 0; i < count; i++) sum += levels[i].size;
        assert_true((count > 0 ? levels[0].price : 0) == best[1] && sum == sums[1]);
        assert_true(v.imbalance == (both > 0 ? (double)(sums[0] - sums[1]) / (double)both : 0));
    }
    td_books_fini(&books);
}

/* The worst fall out, and do not come back. */
static void deep_books_are_bounded(void **state) {
    (void)state;
    td_books books = {0};
    td_event e = event_of((td_book){NONE, NONE, true, false, 0, NULL});
    (void)put(&books, &e);
    for (int64_t price = 1; price <= 3 * TD_BOOK_DEPTH; price++) {
        td_book_level level = {price, 1, TD_BOOK_BID};
        e = event_of((td_book){NONE, NONE, false, false, 1, &level});
        (void)put(&books, &e);
        level = (td_book_level){-price, 1, TD_BOOK_BID}; /* worse than all */
        (void)put(&books, &e);
    }
    for (int64_t price = 3 * TD_BOOK_DEPTH; price > 2 * TD_BOOK_DEPTH; price--) {
        td_book_view v;
        td_book_level level = {price, 0, TD_BOOK_BID};
        assert_true(td_books_view(&books, NAME, 1, &v) && v.bid.price == price);
        e = event_of((td_book){NONE, NONE, false, false, 1, &level});
        (void)put(&books, &e);
    }
    assert_string_equal(seen(&books, 1), "0 x 0 | 0 x 0  0.000");
    td_books_fini(&books);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(messages),
                                       cmocka_unit_test(snapshots_that_are_asked_for),
                                       cmocka_unit_test(sessions),
                                       cmocka_unit_test(holes_are_gaps),
                                       cmocka_unit_test(untold_holes),
                                       cmocka_unit_test(within_a_state),
                                       cmocka_unit_test(the_best_levels_are_kept),
                                       cmocka_unit_test(deep_books_are_bounded)};
    return cmocka_run_group_tests_name("stream_book", tests, NULL, NULL);
}
