/* tests/unit/feed_csv_test.c - goal: tables become trades, quotes, books and news by what their columns are called, a
 * bar the four trades that make it again, and what is no row is told with its place. */
#include "feed_unit.h"
#include <math.h>

static void put_item(td_buf *out, const td_instruments *instruments, const td_feed_item *item) {
    const td_event *e = &item->event;
    char n[4][TD_DECIMAL_TEXT_MAX];
    td_buf_printf(out, "%" PRIu64 ".%" PRIu32 " ", item->position.line, item->position.part);
    if (item->kind == TD_ITEM_REJECTED) {
        td_buf_printf(out, "refused %.*s\n", (int)item->rejected.bytes.size, (const char *)item->rejected.bytes.data);
        return;
    }
    assert_int_equal(item->kind, TD_ITEM_EVENT);
    assert_true(item->clock_ns == e->event_ns);
    const char *name = (const char *)td_instruments_name(instruments, e->instrument).data;
    td_buf_printf(out, "%s %" PRId64 " ", name, e->event_ns / TD_NS_PER_MS);
    if (e->kind == TD_EVENT_TRADE) {
        (void)td_decimal_format(e->trade.price, TD_PRICE_SCALE, false, n[0]);
        (void)td_decimal_format(e->trade.size, TD_SIZE_SCALE, false, n[1]);
        td_buf_printf(out, "%s x %s side %d id %" PRId64 "\n", n[0], n[1], e->trade.side,
                      e->trade.trade_id == TD_NONE ? -1 : e->trade.trade_id);
        return;
    }
    if (e->kind == TD_EVENT_NEWS) {
        const td_bytes texts[] = {e->news.headline, e->news.source, e->news.url, e->news.id};
        for (int i = 0; i < 4; i++) td_buf_printf(out, "[%.*s] ", (int)texts[i].size, (const char *)texts[i].data);
        td_buf_printf(out, isnan(e->news.sentiment) ? "none\n" : "%g\n", e->news.sentiment);
        return;
    }
    if (e->kind == TD_EVENT_BOOK) {
        assert_true(e->book.snapshot && !e->book.more && e->book.last_sequence == TD_NONE);
        for (uint16_t i = 0; i < e->book.level_count; i++) {
            (void)td_decimal_format(e->book.levels[i].price, TD_PRICE_SCALE, false, n[0]);
            (void)td_decimal_format(e->book.levels[i].size, TD_SIZE_SCALE, false, n[1]);
            td_buf_printf(out, "%s %s x %s ", e->book.levels[i].side == TD_BOOK_BID ? "bid" : "ask", n[0], n[1]);
        }
        td_buf_text(out, "\n");
        return;
    }
    const int64_t m[4] = {e->quote.bid_price, e->quote.bid_size, e->quote.ask_price, e->quote.ask_size};
    for (int i = 0; i < 4; i++)
        if (m[i] == TD_NONE)
            (void)snprintf(n[i], sizeof n[i], "-");
        else
            (void)td_decimal_format(m[i], i % 2 == 0 ? TD_PRICE_SCALE : TD_SIZE_SCALE, false, n[i]);
    td_buf_printf(out, "%s x %s / %s x %s\n", n[0], n[1], n[2], n[3]);
}

static const struct {
    const char *text, *items;
} files[] = {
    {"time,instrument,price,size,side,id\n"
     "2026-03-02T14:30:00Z,X:A,100.5,2,buy,7\r\n"
     "\n"
     "1772461801000, X:A ,100.25,0.5,,\n",
     "2.0 X:A 1772461800000 100.5 x 2 side 1 id 7\n"
     "4.0 X:A 1772461801000 100.25 x 0.5 side 0 id -1\n"},
    {"ask,bid,instrument,time,bid_size\n"
     "10.5,10.25,X:A,2026-03-02T14:30:00Z,3\n"
     ",10.25,X:A,2026-03-02T14:30:01Z,\n",
     "2.0 X:A 1772461800000 10.25 x 3 / 10.5 x -\n"
     "3.0 X:A 1772461801000 10.25 x - / - x -\n"},
    {"time,instrument,open,high,low,close,volume,more\n"
     "2026-03-02T14:30:00Z,X:A,10,12,9,11,4.00000002,?\n"
     "2026-03-02T14:31:00Z,X:A,11,12,9,10,8,?\n",
     "2.0 X:A 1772461800000 10 x 1 side 0 id -1\n"
     "2.1 X:A 1772461800001 9 x 1 side 0 id -1\n"
     "2.2 X:A 1772461800002 12 x 1 side 0 id -1\n"
     "2.3 X:A 1772461800003 11 x 1.00000002 side 0 id -1\n"
     "3.0 X:A 1772461860000 11 x 2 side 0 id -1\n"
     "3.1 X:A 1772461860001 12 x 2 side 0 id -1\n"
     "3.2 X:A 1772461860002 9 x 2 side 0 id -1\n"
     "3.3 X:A 1772461860003 10 x 2 side 0 id -1\n"},
    {"time,instrument,open,high,low,close,volume\n"
     "2026-03-02T14:30:00Z,X:A,10,9,9,11,4\n" /* its close is above its high */
     "2026-03-02T14:31:00Z,X:A,10,12,9,11,\n"
     "2026-03-02T14:32:00Z,X:A,10,12,9,11\n"
     "noon,X:A,10,12,9,11,4\n"
     "2026-03-02T14:33:00Z,A,10,12,9,11,4\n"
     "2026-03-02T14:34:00Z,X:A,ten,12,9,11,4\n"
     "1960-01-01T00:00:00Z,X:A,10,12,9,11,4\n"
     "time,instrument,open,high,low,close,volume\n",
     "2.0 refused 2026-03-02T14:30:00Z,X:A,10,9,9,11,4\n"
     "3.0 refused 2026-03-02T14:31:00Z,X:A,10,12,9,11,\n"
     "4.0 refused 2026-03-02T14:32:00Z,X:A,10,12,9,11\n"
     "5.0 refused noon,X:A,10,12,9,11,4\n"
     "6.0 refused 2026-03-02T14:33:00Z,A,10,12,9,11,4\n"
     "7.0 refused 2026-03-02T14:34:00Z,X:A,ten,12,9,11,4\n"
     "8.0 refused 1960-01-01T00:00:00Z,X:A,10,12,9,11,4\n"
     "9.0 refused time,instrument,open,high,low,close,volume\n"},
    {"time,instrument,bids,asks\n"
     "2026-03-02T14:30:00Z,X:A,10.5 1 10.25  2,11 0.5\n"
     "2026-03-02T14:30:01Z,X:A,,11 0.5\n"
     "2026-03-02T14:30:02Z,X:A,10.5 1 10.25,11 0.5\n" /* a price without a size */
     "2026-03-02T14:30:03Z,X:A,10.5 0,11 0.5\n"
     "2026-03-02T14:30:04Z,X:A,10.5 1,eleven 0.5\n",
     "2.0 X:A 1772461800000 bid 10.5 x 1 bid 10.25 x 2 ask 11 x 0.5 \n"
     "3.0 X:A 1772461801000 ask 11 x 0.5 \n"
     "4.0 refused 2026-03-02T14:30:02Z,X:A,10.5 1 10.25,11 0.5\n"
     "5.0 refused 2026-03-02T14:30:03Z,X:A,10.5 0,11 0.5\n"
     "6.0 refused 2026-03-02T14:30:04Z,X:A,10.5 1,eleven 0.5\n"},
    {"time,instrument,price,size,side\n2026-03-02T14:30:00Z,X:A,1,1,up\n2026-03-02T14:30:00Z,X:A,1,1e30,\n",
     "2.0 refused 2026-03-02T14:30:00Z,X:A,1,1,up\n3.0 refused 2026-03-02T14:30:00Z,X:A,1,1e30,\n"},
    {"time,instrument,headline,sentiment,source,url,id\n"
     "2026-03-02T14:30:00Z,X:A,Profit up,0.5,wire,http://w/1,7\n"
     "2026-03-02T14:30:01Z,X:A  X:B,\"Up, \"\"well\"\" up\" ,-1,\"\",,\r\n"
     "2026-03-02T14:30:02Z,,All quiet,,,,\n",
     "2.0 X:A 1772461800000 [Profit up] [wire] [http://w/1] [7] 0.5\n"
     "3.0 X:A 1772461801000 [Up, \"well\" up] [] [] [] -1\n"
     "3.1 X:B 1772461801000 [Up, \"well\" up] [] [] [] -1\n"
     "4.0 * 1772461802000 [All quiet] [] [] [] none\n"},
    {"headline,time\n"
     ",2026-03-02T14:30:00Z\n"
     "\xff,2026-03-02T14:30:00Z\n"
     "\"open,2026-03-02T14:30:00Z\n"
     "\"x\"y,2026-03-02T14:30:00Z\n"
     "fine,2026-03-02T14:30:00Z\n",
     "2.0 refused ,2026-03-02T14:30:00Z\n"
     "3.0 refused \xff,2026-03-02T14:30:00Z\n"
     "4.0 refused \"open,2026-03-02T14:30:00Z\n"
     "5.0 refused \"x\"y,2026-03-02T14:30:00Z\n"
     "6.0 * 1772461800000 [fine] [] [] [] none\n"},
    {"time,instrument,headline,sentiment\n"
     "2026-03-02T14:30:00Z,X:A B,two,1\n"
     "2026-03-02T14:30:00Z,X:A X:B,two,high\n"
     "2026-03-02T14:30:00Z,X:A X:B X:C,three,0.12345678949\n",
     "2.0 refused 2026-03-02T14:30:00Z,X:A B,two,1\n"
     "3.0 refused 2026-03-02T14:30:00Z,X:A X:B,two,high\n"
     "4.0 X:A 1772461800000 [three] [] [] [] 0.123457\n"
     "4.1 X:B 1772461800000 [three] [] [] [] 0.123457\n"
     "4.2 X:C 1772461800000 [three] [] [] [] 0.123457\n"},
    {"time,instrument,price,size,headline\n2026-03-02T14:30:00Z,X:A,1,1,a trade\n",
     "2.0 X:A 1772461800000 1 x 1 side 0 id -1\n"},
    {"time,headline,\"source\n2026-03-02T14:30:00Z,a,b\n", "0.0 refused \n"}, /* its columns are not known */
    /* What our stores say, as `tapedeck sql --format csv` prints it. */
    {"event_ns,instrument,price,size,side,trade_id,exchange,condition,flags,origin,receive_ns,ord\n"
     "1772461800000000000,X:A,100.5,2,unknown,7,P,@F,0,feed,1772461800000000000,5\n"
     "1772461800000000000,X:A,100.5,2,sell,,,,0,feed,1772461800000000000,6\n"
     "2026-03-02T14:30:00Z,X:A,100.5,2,sell,,,,0,feed,1772461800000000000,7\n"
     "1772461800000000000,X:A,100.5,2,sell,,,sixteen bytes 16,0,feed,1772461800000000000,8\n"
     "1772461800000000000,X:A,100.5,2,sell,,,,0,feed,-1,9\n",
     "2.0 X:A 1772461800000 100.5 x 2 side 0 id 7\n"
     "3.0 X:A 1772461800000 100.5 x 2 side 2 id -1\n"
     "4.0 refused 2026-03-02T14:30:00Z,X:A,100.5,2,sell,,,,0,feed,1772461800000000000,7\n"
     "5.0 refused 1772461800000000000,X:A,100.5,2,sell,,,sixteen bytes 16,0,feed,1772461800000000000,8\n"
     "6.0 refused 1772461800000000000,X:A,100.5,2,sell,,,,0,feed,-1,9\n"},
    {"time,instrument,price,size,exchange,condition,flags\n" /* of others nobody knows what they mean */
     "2026-03-02T14:30:00Z,X:A,1,1,a name longer than 15 bytes,x,y\n",
     "2.0 X:A 1772461800000 1 x 1 side 0 id -1\n"},
    {"start_ns,instrument,known_at_ns,open,src_offset\n1,X:A,1,1,1\n", "0.0 refused \n"},
    {"time,instrument,price\n2026-03-02T14:30:00Z,X:A,1\n", "0.0 refused \n"},
};

typedef void put_fn(td_buf *out, const td_instruments *instruments, const td_feed_item *item);

/* Its items, as `put` tells each. */
static void read_by(const char *text, size_t size, put_fn *put, td_buf *out) {
    unit_write("a.csv", text, size);
    unit_feed f;
    unit_feed_conf(&f, &td_feed_csv, (const unit_option[]){{"path", unit_path("a.csv")}, {NULL, NULL}});
    assert_int_equal(f.ops->open(&f.feed, &td_os_posix, &f.conf, f.instruments), TD_OK);
    td_feed_item item;
    while (f.ops->next(f.feed, &item) == TD_OK && item.kind != TD_ITEM_END) put(out, f.instruments, &item);
    td_buf_put(out, "", 1);
    f.ops->close(f.feed);
    td_options_fini(f.ops->options, &f.conf);
    td_instruments_free(f.instruments);
    unit_empty_folder();
}

static void read_all(const char *text, size_t size, td_buf *out) { read_by(text, size, put_item, out); }

static void rows_become_events(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        td_buf text = {0};
        read_all(files[i].text, strlen(files[i].text), &text);
        assert_string_equal((const char *)text.data, files[i].items);
        td_buf_fini(&text);
    }
}

static void put_detail(td_buf *out, const td_instruments *instruments, const td_feed_item *item) {
    (void)instruments;
    if (item->kind == TD_ITEM_REJECTED)
        td_buf_put(out, item->rejected.detail.data, item->rejected.detail.size);
    else
        td_buf_text(out, ".");
}

static const char no_number[] = " is missing, no number, or not in its range";
#define FIRST "2026-03-02T14:30:00Z,X:A,"

static const struct {
    const char *head, *row, *where, *what; /* the column, and what is said of it */
} mistakes[] = {
    {"price,size", FIRST "1,1", ".", ""},
    {"price,size", "2026-03-02 09:30:00-05:00,X:A,1,1", ".", ""},
    {"price,size", "2026-03-02 14:30:00,X:A,1,1", "time",
     " is neither as 2026-03-02T14:30:00Z or with an offset as "
     "-05:00 for the Z, nor a whole number of s, ms, us or ns "
     "since 1970"},
    {"price,size", "2026-03-02T14:30:00Z,A,1,1", "instrument",
     " is not as VENUE:SYMBOL, or there are over 256 of them"},
    {"price,size", FIRST "1", "not as many columns as the first line", ""},
    {"price,size", FIRST "\"1,1", "a quote that does not end, or goes on behind its end", ""},
    {"price,size", FIRST "\"1,5\",1", "price", no_number},
    {"price,size", FIRST "1,", "size", no_number},
    {"price,size,side", FIRST "1,1,B", "side", " is neither buy nor sell, nor empty"},
    {"price,size,id", FIRST "1,1,x7", "id", " is no whole number"},
    {"bid,ask", FIRST "1,nan", "ask", no_number},
    {"bid,ask,bid_size", FIRST "1,2,many", "bid_size", no_number},
    {"open,high,low,close,volume", FIRST "10,9,8,9,1", "high",
     " is missing, no number, not in its range, or below open or close"},
    {"open,high,low,close,volume", FIRST "10,12,11,12,1", "low",
     " is missing, no number, not in its range, or above open or close"},
    {"bids,asks", FIRST "1 1,2", "asks",
     " are not prices above 0, each with a size above 0, or over 128 with the bids"},
    {"headline", FIRST, "headline", " is missing, or a text is no UTF-8"},
    {"price,quantity", FIRST "1,1", "its first line lacks what trades need: ", "size"},
    {"high,low,close", FIRST "1,1,1", "its first line lacks what bars need: ", "open, volume"},
};

static void what_is_wrong_is_named(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
        td_buf text = {0}, expected = {0}, said = {0};
        td_buf_printf(&text, "time,instrument,%s\n%s\n", mistakes[i].head, mistakes[i].row);
        read_by((const char *)text.data, text.size, put_detail, &said);
        td_buf_printf(&expected, "%s%s", mistakes[i].where, mistakes[i].what);
        td_buf_put(&expected, "", 1);
        assert_string_equal((const char *)said.data, (const char *)expected.data);
        td_buf_fini(&said);
        td_buf_fini(&expected);
        td_buf_fini(&text);
    }
    td_buf said = {0};
    static const char marked[] = "\xef\xbb\xbftime,instrument,price,size\n" FIRST "1,1\n";
    read_by(marked, sizeof marked - 1, put_detail, &said);
    assert_string_equal((const char *)said.data, ".");
    td_buf_fini(&said);
}

/* Each is told with the whole line: without an end, a line of a megabyte would be one of a quarter of a million. */
static void news_is_of_so_many_instruments_at_most(void **state) {
    (void)state;
    for (int count = 256; count <= 257; count++) {
        td_buf text = {0}, items = {0};
        td_buf_text(&text, "time,headline,instrument\n2026-03-02T14:30:00Z,all of them,");
        for (int i = 0; i < count; i++) td_buf_printf(&text, " X:S%d", i);
        read_all((const char *)text.data, text.size, &items);
        const char *last = "2.255 X:S255 1772461800000 [all of them] [] [] [] none\n";
        const char *end = strstr((const char *)items.data, last);
        assert_true(count == 256 ? end != NULL && end[strlen(last)] == '\0'
                                 : strncmp((const char *)items.data, "2.0 refused ", 12) == 0 && end == NULL);
        td_buf_fini(&items);
        td_buf_fini(&text);
    }
}

/* It counts once; the second of it has no event, and the others keep their places. */
static void news_of_an_instrument_named_twice_is_one(void **state) {
    (void)state;
    static const char text[] = "time,headline,instrument\n"
                               "2026-03-02T14:30:00Z,a,X:A X:B X:A X:C X:C\n"
                               "2026-03-02T14:30:01Z,b,X:A X:A\n"
                               "2026-03-02T14:30:02Z,c,X:A X:B\n";
    td_buf items = {0};
    read_all(text, sizeof text - 1, &items);
    td_buf_put(&items, "", 1);
    assert_string_equal((const char *)items.data, "2.0 X:A 1772461800000 [a] [] [] [] none\n"
                                                  "2.1 X:B 1772461800000 [a] [] [] [] none\n"
                                                  "2.2 X:C 1772461800000 [a] [] [] [] none\n"
                                                  "3.0 X:A 1772461801000 [b] [] [] [] none\n"
                                                  "4.0 X:A 1772461802000 [c] [] [] [] none\n"
                                                  "4.1 X:B 1772461802000 [c] [] [] [] none\n");
    td_buf_fini(&items);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(rows_become_events), cmocka_unit_test(what_is_wrong_is_named),
                                       cmocka_unit_test(news_is_of_so_many_instruments_at_most),
                                       cmocka_unit_test(news_of_an_instrument_named_twice_is_one)};
    return cmocka_run_group_tests(tests, unit_make_folder, unit_remove_folder);
}
