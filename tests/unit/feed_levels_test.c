/* tests/unit/feed_levels_test.c - goal: a book's message of whatever length is as many events as it takes, in its
 * order, and one level that is bad costs all of it. */
#include "feed/levels.h"
#include "feed_unit.h"

enum { SIDE_MAX = 300 };

/* [["price","size"],…]: the first has price 1000 * (side + 1); `bad` of them is none. */
static void put_array(td_buf *out, int side, int count, int bad) {
    td_buf_text(out, "[");
    for (int i = 0; i < count; i++)
        td_buf_printf(out, "%s[\"%d\",\"%s\"]", i > 0 ? ", " : "", 1000 * (side + 1) + i, i == bad ? "x" : "7");
    td_buf_text(out, "]");
}

typedef struct message {
    td_buf bids, asks;
    td_levels levels;
    td_recorded row;
} message;

static void begin(message *m, int bids, int asks, int bad_bid, int bad_ask) {
    *m = (message){0};
    put_array(&m->bids, TD_BOOK_BID, bids, bad_bid);
    put_array(&m->asks, TD_BOOK_ASK, asks, bad_ask);
    m->row.event = (td_event){
        .kind = TD_EVENT_BOOK, .event_ns = 5, .instrument = 3, .book = {.last_sequence = 9, .snapshot = true}};
    const td_level_array arrays[] = {{td_buf_bytes(&m->bids), TD_BOOK_BID}, {td_buf_bytes(&m->asks), TD_BOOK_ASK}};
    td_levels_begin(&m->levels, arrays, &m->row);
}

static void end(message *m) {
    td_buf_fini(&m->bids);
    td_buf_fini(&m->asks);
}

static void parts(void **state) {
    (void)state;
    static const int counts[] = {0, 1, 127, 128, 129, 255, 256, 257, SIDE_MAX};
    for (size_t b = 0; b < COUNT_OF(counts); b++)
        for (size_t a = 0; a < COUNT_OF(counts); a++) {
            message m;
            int seen = 0, bids = counts[b], all = bids + counts[a];
            for (begin(&m, bids, counts[a], -1, -1);; td_levels_next(&m.levels, &m.row)) {
                const td_event *e = &m.row.event;
                assert_int_equal(m.row.kind, TD_ITEM_EVENT);
                assert_true(e->event_ns == 5 && e->instrument == 3 && e->book.last_sequence == 9);
                assert_int_equal(e->book.snapshot, seen == 0);
                assert_int_equal(e->book.level_count,
                                 all - seen > TD_BOOK_LEVELS_MAX ? TD_BOOK_LEVELS_MAX : all - seen);
                for (size_t i = 0; i < e->book.level_count; i++, seen++) {
                    const td_book_level *l = &e->book.levels[i];
                    int price = seen < bids ? 1000 + seen : 2000 + seen - bids;
                    assert_true(l->price == price * INT64_C(1000000000) && l->size == 700000000);
                    assert_int_equal(l->side, seen < bids ? TD_BOOK_BID : TD_BOOK_ASK);
                }
                assert_true(m.row.more == m.levels.within && e->book.more == m.row.more);
                if (!m.row.more) break;
            }
            assert_int_equal(seen, all);
            end(&m);
        }
}

static void one_bad_level(void **state) {
    (void)state;
    for (int bad = 0; bad < 2 * SIDE_MAX; bad++) {
        message m;
        begin(&m, SIDE_MAX, SIDE_MAX, bad < SIDE_MAX ? bad : -1, bad - SIDE_MAX);
        ASSERT_ROW(m.row.kind == TD_ITEM_REJECTED && m.row.reason == TD_REASON_MALFORMED, "%d", bad);
        assert_false(m.row.more || m.levels.within);
        end(&m);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(parts), cmocka_unit_test(one_bad_level)};
    return cmocka_run_group_tests_name("feed_levels", tests, NULL, NULL);
}
