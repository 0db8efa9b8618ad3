/* tests/unit/stream_kept_test.c - goal: what was wanted is found with what was traded in it, until it is let go: by the
 * horizon, by its width, or as the oldest of too many; and what is read back is what was saved. */
#include "stream/kept.h"
#include "unit.h"
#include <string.h>

static td_window window_of(int64_t start_ns, int64_t trades) {
    return (td_window){.start_ns = start_ns, .trade_count = trades, .results = 1};
}

/* Trades in the kept window, -1 when there is none. */
static int64_t trades_in(const td_kept *kept, uint32_t instrument, int64_t width_ns, int64_t start_ns) {
    const td_window *window = td_kept_find(kept, (td_kept_place){instrument, width_ns, start_ns});
    if (window == NULL) return -1;
    assert_int_equal(window->start_ns, start_ns);
    return window->trade_count;
}

static void what_is_wanted_is_found(void **state) {
    (void)state;
    static const struct {
        char call; /* w: want, p: put, r: release older, W: release all widths but this one */
        td_kept_place place;
        bool taken; /* by put */
        const char *left;
    } rows[] = {
        {'p', {2, 60, 120}, false, ""}, /* nobody wants it */
        {'w', {2, 60, 120}, false, "2/60/120:0 "},
        {'w', {2, 60, 120}, false, "2/60/120:0 "},
        {'p', {2, 60, 180}, false, "2/60/120:0 "}, /* a neighbour */
        {'p', {2, 30, 120}, false, "2/60/120:0 "}, /* another width */
        {'p', {1, 60, 120}, false, "2/60/120:0 "}, /* another instrument */
        {'p', {2, 60, 120}, true, "2/60/120:7 "},
        {'w', {2, 60, 120}, false, "2/60/120:7 "}, /* what it holds stays */
        {'w', {2, 60, -60}, false, "2/60/-60:0 2/60/120:7 "},
        {'w', {0, 60, 120}, false, "0/60/120:0 2/60/-60:0 2/60/120:7 "},
        {'w', {2, 30, 300}, false, "0/60/120:0 2/30/300:0 2/60/-60:0 2/60/120:7 "},
        {'r', {2, 60, 120}, false, "0/60/120:0 2/30/300:0 2/60/120:7 "},
        {'r', {9, 60, 999}, false, "0/60/120:0 2/30/300:0 2/60/120:7 "},
        {'W', {0, 30, 0}, false, "2/30/300:0 "},
        {'r', {2, 30, 301}, false, ""},
    };
    td_kept *kept = td_kept_new();
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_window window = window_of(rows[i].place.start_ns, 7);
        bool taken = false;
        if (rows[i].call == 'w') td_kept_want(kept, rows[i].place);
        if (rows[i].call == 'p') taken = td_kept_put(kept, rows[i].place, &window);
        if (rows[i].call == 'r') td_kept_release_older(kept, rows[i].place);
        if (rows[i].call == 'W') td_kept_release_widths(kept, &rows[i].place.width_ns, 1);
        td_buf left = {0};
        for (uint32_t instrument = 0; instrument < 4; instrument++)
            for (int64_t width_ns = 30; width_ns <= 60; width_ns += 30)
                for (int64_t start_ns = -60; start_ns <= 300; start_ns += 30) {
                    int64_t trades = trades_in(kept, instrument, width_ns, start_ns);
                    if (trades >= 0)
                        td_buf_printf(&left, "%u/%d/%d:%d ", instrument, (int)width_ns, (int)start_ns, (int)trades);
                }
        ASSERT_ROW(taken == rows[i].taken, "%zu: put", i);
        ASSERT_ROW(td_bytes_equal(td_buf_bytes(&left), td_text(rows[i].left)), "%zu: left %.*s", i, (int)left.size,
                   (const char *)left.data);
        td_buf_fini(&left);
    }
    td_kept_free(kept);
}

static void of_too_many_the_oldest_goes(void **state) {
    (void)state;
    td_kept *kept = td_kept_new();
    for (int64_t i = 0; i < TD_KEPT_MAX; i++) { /* in no order */
        td_kept_want(kept, (td_kept_place){0, 10, 10 * (i * 77 % TD_KEPT_MAX)});
        td_kept_want(kept, (td_kept_place){0, 20, 20 * i});
    }
    td_kept_want(kept, (td_kept_place){0, 10, -10}); /* older than all */
    assert_int_equal(trades_in(kept, 0, 10, -10), -1);
    assert_int_equal(trades_in(kept, 0, 10, 0), 0);
    td_kept_want(kept, (td_kept_place){0, 10, 5}); /* between: the oldest makes room */
    assert_int_equal(trades_in(kept, 0, 10, 0), -1);
    assert_int_equal(trades_in(kept, 0, 10, 5), 0);
    assert_int_equal(trades_in(kept, 0, 10, 10), 0);
    assert_int_equal(trades_in(kept, 0, 10, 10 * (TD_KEPT_MAX - 1)), 0);
    assert_int_equal(trades_in(kept, 0, 20, 0), 0); /* another width has its own room */
    td_kept_free(kept);
}

static td_kept *some_kept(void) {
    td_kept *kept = td_kept_new();
    for (int64_t i = 0; i < 9; i++) {
        td_kept_place place = {(uint32_t)(i % 3 * 2), 10 * (1 + i % 2), 100 * i};
        td_window window = window_of(place.start_ns, i);
        td_kept_want(kept, place);
        assert_true(td_kept_put(kept, place, &window));
    }
    return kept;
}

static void what_is_saved_is_read_back(void **state) {
    (void)state;
    td_kept *kept = some_kept(), *read = td_kept_new();
    td_buf saved = {0}, again = {0};
    td_kept_save(kept, &saved);
    td_buf_text(&saved, "behind");
    td_bytes bytes = td_buf_bytes(&saved);
    assert_true(td_kept_load(read, &bytes, 5));
    assert_true(td_bytes_equal(bytes, TD_TEXT("behind")));
    td_kept_save(read, &again);
    td_buf_text(&again, "behind");
    assert_true(td_bytes_equal(td_buf_bytes(&saved), td_buf_bytes(&again)));
    td_buf_fini(&saved);
    td_buf_fini(&again);
    td_kept_free(read);
    td_kept_free(kept);
}

static void other_bytes_are_refused(void **state) {
    (void)state;
    td_kept *kept = some_kept();
    td_buf saved = {0};
    td_kept_save(kept, &saved);
    for (size_t size = 0; size < saved.size; size++) { /* cut anywhere */
        td_kept *read = td_kept_new();
        td_bytes bytes = {saved.data, size};
        ASSERT_ROW(!td_kept_load(read, &bytes, 5), "%zu", size);
        td_kept_free(read);
    }
    td_kept *few = td_kept_new(), *mixed = td_kept_new();
    td_bytes bytes = td_buf_bytes(&saved);
    assert_false(td_kept_load(few, &bytes, 4)); /* instrument 4 does not exist */
    uint8_t first[144], *entries = saved.data + 12;
    memcpy(first, entries, sizeof first);
    memcpy(entries, entries + sizeof first, sizeof first); /* twice the same window */
    bytes = td_buf_bytes(&saved);
    assert_false(td_kept_load(mixed, &bytes, 5));
    td_buf_fini(&saved);
    td_kept_free(mixed);
    td_kept_free(few);
    td_kept_free(kept);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wanted_is_found),
        cmocka_unit_test(of_too_many_the_oldest_goes),
        cmocka_unit_test(what_is_saved_is_read_back),
        cmocka_unit_test(other_bytes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
