/* tests/unit/feed_alphavantage_test.c - goal: kept answers become vendors' bars and prices in the order of time, at the
 * instants that New York's clocks mean, and what is no data is told in its own words without the key. */
#include "feed/alphavantage.h"
#include "feed_unit.h"

static void put_item(td_buf *out, const td_instruments *instruments, const td_feed_item *item) {
    const td_rejected *r = &item->rejected;
    if (item->kind != TD_ITEM_REJECTED) {
        unit_put_item(out, instruments, item);
        return;
    }
    td_buf_printf(out, "%" PRIu32 ":%" PRIu64 " %s %.*s: %.*s [%.*s]\n", item->position.file, item->position.line,
                  td_reason_name((td_reason)r->reason), (int)r->source.size, (const char *)r->source.data,
                  (int)r->detail.size, (const char *)r->detail.data, (int)r->bytes.size, (const char *)r->bytes.data);
}

/* All items of the folder's files; clocks never go back, and lines grow within a file. */
static void check_files(const unit_option *options, const char *expected) {
    unit_feed f;
    unit_feed_conf(&f, &td_feed_alphavantage, options);
    char path[128];
    (void)snprintf(path, sizeof path, "%s/*", unit_folder);
    assert_int_equal(td_options_set(f.ops->options, &f.conf, "path", path), TD_OK);
    assert_int_equal(f.ops->open(&f.feed, &td_os_posix, &f.conf, f.instruments), TD_OK);
    td_buf text = {0};
    td_feed_item item;
    uint64_t lines[8] = {0};
    int64_t clock_ns = 0;
    while (f.ops->next(f.feed, &item) == TD_OK && item.kind != TD_ITEM_END) {
        put_item(&text, f.instruments, &item);
        assert_true(item.clock_ns >= clock_ns);
        assert_true(item.position.line == 0 || item.position.line > lines[item.position.file]);
        if (item.kind == TD_ITEM_EVENT) assert_true(item.event.receive_ns == item.clock_ns);
        clock_ns = item.clock_ns;
        lines[item.position.file] = item.position.line;
    }
    td_buf_put(&text, "", 1);
    assert_string_equal((const char *)text.data, expected);
    td_buf_fini(&text);
    f.ops->close(f.feed);
    td_options_fini(f.ops->options, &f.conf);
    td_instruments_free(f.instruments);
}

static const unit_option plain[] = {{NULL, NULL}};

static void check_answer(const char *name, const char *answer, const unit_option *options, const char *expected) {
    unit_empty_folder();
    unit_write(name, answer, strlen(answer));
    check_files(options, expected);
}

#define META(zone) "{\"Meta Data\":{\"2. Symbol\":\"IBM\",\"6. Time Zone\":\"" zone "\"},"
#define ROW(stamp, low, high)                                                                                          \
    "\"" stamp "\":{\"1. open\":\"2\",\"2. high\":\"" high "\",\"3. low\":\"" low                                      \
    "\",\"4. close\":\"3\",\"5. adjusted close\":\"9\",\"6. volume\":\"70\"}"

static void bars_stand_where_new_yorks_clock_says(void **state) {
    (void)state;
    static const unit_option starts[] = {{"stamps", "start"}, {"adjusted", "false"}, {NULL, NULL}};
    /* both days of 2013 on which the clocks changed, and the seasons around them */
    check_answer("a.json",
                 META("US/Eastern") "\"Time Series (Daily)\":{" ROW("2013-11-04", "1", "4") "," ROW(
                     "2013-11-03", "1", "4") "," ROW("2013-03-10", "1", "4") "," ROW("2013-03-08", "1", "4") "}}",
                 plain,
                 "0:1 ALPHAVANTAGE:IBM 2013-03-09T05:00:00Z bar 24h 2 4 1 3 x 70\n"
                 "0:2 ALPHAVANTAGE:IBM 2013-03-11T04:00:00Z bar 23h 2 4 1 3 x 70\n"
                 "0:3 ALPHAVANTAGE:IBM 2013-11-04T05:00:00Z bar 25h 2 4 1 3 x 70\n"
                 "0:4 ALPHAVANTAGE:IBM 2013-11-05T05:00:00Z bar 24h 2 4 1 3 x 70\n");
    static const char intraday[] = META("US/Eastern") "\"Time Series (5min)\":{" ROW(
        "2013-03-11 09:35:00", "1", "4") "," ROW("2013-03-08 09:35:00", "1", "4") "}}";
    check_answer("a.json", intraday, plain,
                 "0:1 ALPHAVANTAGE:IBM 2013-03-08T14:35:00Z bar 5m 2 4 1 3 x 70 adjusted\n"
                 "0:2 ALPHAVANTAGE:IBM 2013-03-11T13:35:00Z bar 5m 2 4 1 3 x 70 adjusted\n");
    check_answer("a.json", intraday, starts,
                 "0:1 ALPHAVANTAGE:IBM 2013-03-08T14:40:00Z bar 5m 2 4 1 3 x 70\n"
                 "0:2 ALPHAVANTAGE:IBM 2013-03-11T13:40:00Z bar 5m 2 4 1 3 x 70\n");
    check_answer("a.json", META("UTC") "\"Time Series (60min)\":{" ROW("2013-03-11 09:00", "1", "4") "}}", plain,
                 "0:1 ALPHAVANTAGE:IBM 2013-03-11T09:00:00Z bar 1h 2 4 1 3 x 70 adjusted\n");
}

/* Two symbols' answers, newest first, come out by time; the rest of a row's place stays as it was when newer rows come.
 */
static void files_come_out_in_the_order_of_time(void **state) {
    (void)state;
    static const char newer[] = "2013-10-07 09:33:00,1,2,1,2,7\n";
    static const char a[] = "2013-10-07 09:32:00,1,2,1,2,7\r\n2013-10-07 09:31:00,1,2,1,1.5,8\r\n";
    static const char b[] = "time,open,high,low,close,volume\n2013-10-07 09:32:00,5,5,5,5,1\n"
                            "2013-10-07 09:30:00,5,5,5,5,0\n";
    char text[512];
    unit_empty_folder();
    (void)snprintf(text, sizeof text, "timestamp,open,high,low,close,volume\r\n%s", a);
    unit_write("IBM_1min_a.csv", text, strlen(text));
    unit_write("TSCO.LON_1min.csv", b, strlen(b));
    check_files(plain, "1:1 ALPHAVANTAGE:TSCO.LON 2013-10-07T13:30:00Z bar 1m 5 5 5 5 x 0 adjusted\n"
                       "0:1 ALPHAVANTAGE:IBM 2013-10-07T13:31:00Z bar 1m 1 2 1 1.5 x 8 adjusted\n"
                       "0:2 ALPHAVANTAGE:IBM 2013-10-07T13:32:00Z bar 1m 1 2 1 2 x 7 adjusted\n"
                       "1:2 ALPHAVANTAGE:TSCO.LON 2013-10-07T13:32:00Z bar 1m 5 5 5 5 x 1 adjusted\n");
    (void)snprintf(text, sizeof text, "timestamp,open,high,low,close,volume\r\n%s%s", newer, a);
    unit_write("IBM_1min_a.csv", text, strlen(text));
    unit_remove(NULL, "TSCO.LON_1min.csv");
    check_files(plain, "0:1 ALPHAVANTAGE:IBM 2013-10-07T13:31:00Z bar 1m 1 2 1 1.5 x 8 adjusted\n"
                       "0:2 ALPHAVANTAGE:IBM 2013-10-07T13:32:00Z bar 1m 1 2 1 2 x 7 adjusted\n"
                       "0:3 ALPHAVANTAGE:IBM 2013-10-07T13:33:00Z bar 1m 1 2 1 2 x 7 adjusted\n");
}

static void bad_rows_cost_themselves(void **state) {
    (void)state;
    check_answer(
        "IBM_daily.csv",
        "timestamp,open,high,low,close,adjusted_close,volume\n"
        "2013-10-09,2,4,1,3,9,70\n"
        "2013-10-08 16:00,2,4,1,3,9,70\n"
        "2013-10-07,2,1,1,3,9,70\n"
        "2013-10-06,2,4,-1,3,9,70\n"
        "2013-10-05,2,x,1,3,9,70\n"
        "2013-10-04,2,4,1,3,9,1e30\n"
        "2013-10-03,2\n"
        "2299-10-02,2,4,1,3,9,7\n"
        "2013-10-01,2,4,1,3,9,\n",
        plain,
        "0:1 ALPHAVANTAGE:IBM 2013-10-02T04:00:00Z bar 24h 2 4 1 3 x none\n"
        "0:2 range IBM_daily.csv: not a time such as 2017-12-18 14:56:00, of a day 2017-12-18, before 2200 "
        "[2299-10-02,2,4,1,3,9,7]\n"
        "0:3 malformed IBM_daily.csv: open, high, low, close and volume are numbers that fit [2013-10-03,2]\n"
        "0:4 range IBM_daily.csv: open, high, low, close and volume are numbers that fit "
        "[2013-10-04,2,4,1,3,9,1e30]\n"
        "0:5 malformed IBM_daily.csv: open, high, low, close and volume are numbers that fit "
        "[2013-10-05,2,x,1,3,9,70]\n"
        "0:6 malformed IBM_daily.csv: no bar: its low is not above 0 and the least, or its high not the most "
        "[2013-10-06,2,4,-1,3,9,70]\n"
        "0:7 malformed IBM_daily.csv: no bar: its low is not above 0 and the least, or its high not the most "
        "[2013-10-07,2,1,1,3,9,70]\n"
        "0:8 malformed IBM_daily.csv: not a time such as 2017-12-18 14:56:00, of a day 2017-12-18, before 2200 "
        "[2013-10-08 16:00,2,4,1,3,9,70]\n"
        "0:9 ALPHAVANTAGE:IBM 2013-10-10T04:00:00Z bar 24h 2 4 1 3 x 70\n");
}

static void notices_are_told_without_the_key(void **state) {
    (void)state;
    static const struct {
        const char *answer, *expected;
    } rows[] = {
        {"{\"Note\":\"Our standard API call frequency is 5 calls per minute and 500 calls per day.\"}",
         "asked too often: Our standard API call frequency is 5 calls per minute and 500 calls per day."},
        {"{\"Information\":\"We have detected your API key as SECRET42KEY and our standard API rate limit is 25 "
         "requests "
         "per day. Please subscribe to any of the premium plans\"}",
         "the day's requests are used up: We have detected your API key as *** and our standard API rate limit is 25 "
         "requests per day. Please subscribe to any of the premium plans"},
        {"{\"Information\":\"This is a premium endpoint.\"}",
         "not in the plan of this key: This is a premium endpoint."},
        {"{\"Information\":\"The **demo** API key is for demo purposes only.\"}",
         "the key is refused: The **demo** API key is for demo purposes only."},
        {"{\"Information\":\"Please query the demo URLs at no more than 2 requests per second.\"}",
         "asked too often: Please query the demo URLs at no more than 2 requests per second."},
        {"{\"Error Message\":\"Invalid API call. Retry TIME_SERIES_DAILY?apikey=SECRET42KEY&x=1.\"}",
         "the key is refused: Invalid API call. Retry TIME_SERIES_DAILY?apikey=***&x=1."},
        {"{\"Error Message\":\"Invalid API call.\"}", "the request is refused: Invalid API call."},
        {"{\"Error Message\":\"the parameter apikey is invalid or missing.\"}",
         "the key is refused: the parameter apikey is invalid or missing."},
        {"{\"Information\":\"Something else.\"}", "refused: Something else."},
        {"{\"Global Quote\":{}}", "the request is refused: a quote of nothing: the symbol is not known"},
        {META("Mars/Olympus") "\"Time Series (1min)\":{}}",
         "no answer of the vendor's: its time zone is not one of US/Eastern, America/New_York and UTC"},
        {META("UTC") "\"Time Series (7min)\":{}}",
         "no answer of the vendor's: its interval is not one of 1min to 60min and Daily"},
        {META("UTC") "\"Time Series (1min)\":{", "no answer of the vendor's: it is no JSON, or cut"},
        {"{\"x\":1}", "no answer of the vendor's: it has neither a series nor a quote"},
        {"a,b\n1,2\n", "no answer of the vendor's: it does not begin with timestamp,open,high,low,close and volume"},
        {"", "no answer of the vendor's: it does not begin with timestamp,open,high,low,close and volume"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char expected[512];
        (void)snprintf(expected, sizeof expected, "0:0 malformed IBM_daily.csv: %s []\n", rows[i].expected);
        check_answer("IBM_daily.csv", rows[i].answer, plain, expected);
    }
    check_answer("IBM.csv", "timestamp,open\n", plain,
                 "0:0 malformed IBM.csv: no answer of the vendor's: CSV does not say whose it is: name the file "
                 "SYMBOL_5min.csv, or SYMBOL_daily.csv []\n");
}

/* The files as their project keeps them: nothing is refused, and each has the bars that its lines say. */
static void recorded_answers_are_whole(void **state) {
    (void)state;
    static const struct {
        const char *path;
        int bars, prices;
        const char *first, *last;
    } rows[] = {
        {"examples/data/alphavantage/MSFT_quote.json", 0, 1,
         "0:1 ALPHAVANTAGE:MSFT 2018-10-06T04:00:00Z price 112.13\n",
         "0:1 ALPHAVANTAGE:MSFT 2018-10-06T04:00:00Z price 112.13\n"},
        {"examples/data/alphavantage/MSFT_1min_2017*", 100, 0,
         "0:1 ALPHAVANTAGE:MSFT 2017-12-18T18:17:00Z bar 1m 86.8101 86.82 86.79 86.8 x 31172 adjusted\n",
         "0:100 ALPHAVANTAGE:MSFT 2017-12-18T19:56:00Z bar 1m 86.49 86.5 86.475 86.5 x 10494 adjusted\n"},
        {"examples/data/alphavantage/MSFT_1min_2020*", 11190, 0,
         "0:1 ALPHAVANTAGE:MSFT 2020-11-23T09:01:00Z bar 1m 211.5 211.5 211.5 211.5 x 162 adjusted\n",
         "0:11190 ALPHAVANTAGE:MSFT 2020-12-19T01:00:00Z bar 1m 218.79 218.79 218.75 218.75 x 1102 adjusted\n"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        unit_feed f;
        unit_feed_conf(&f, &td_feed_alphavantage, (const unit_option[]){{"path", rows[i].path}, {NULL, NULL}});
        assert_int_equal(f.ops->open(&f.feed, &td_os_posix, &f.conf, f.instruments), TD_OK);
        td_buf text = {0}, first = {0};
        td_feed_item item;
        int bars = 0, prices = 0;
        while (f.ops->next(f.feed, &item) == TD_OK && item.kind != TD_ITEM_END) {
            assert_int_equal(item.kind, TD_ITEM_EVENT);
            bars += item.event.kind == TD_EVENT_VENDOR_BAR;
            prices += item.event.kind == TD_EVENT_PRICE;
            text.size = 0;
            unit_put_item(&text, f.instruments, &item);
            if (first.size == 0) td_buf_put(&first, text.data, text.size);
        }
        assert_true(bars == rows[i].bars && prices == rows[i].prices);
        assert_true(td_bytes_equal(td_buf_bytes(&first), td_text(rows[i].first)));
        assert_true(td_bytes_equal(td_buf_bytes(&text), td_text(rows[i].last)));
        td_buf_fini(&text);
        td_buf_fini(&first);
        f.ops->close(f.feed);
        td_options_fini(f.ops->options, &f.conf);
        td_instruments_free(f.instruments);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bars_stand_where_new_yorks_clock_says),
        cmocka_unit_test(files_come_out_in_the_order_of_time),
        cmocka_unit_test(bad_rows_cost_themselves),
        cmocka_unit_test(notices_are_told_without_the_key),
        cmocka_unit_test(recorded_answers_are_whole),
    };
    return cmocka_run_group_tests(tests, unit_make_folder, unit_remove_folder);
}
