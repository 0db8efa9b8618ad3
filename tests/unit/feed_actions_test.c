/* tests/unit/feed_actions_test.c - goal: rows of files become actions in front of the feed's first instant, in the
 * order of files and lines, and what is no row is told. */
#include "feed_unit.h"
#include "model/corporate.h"

static void put_line(td_buf *out, const td_instruments *instruments, const td_feed_item *item) {
    const td_event *e = &item->event;
    td_buf_printf(out, "%" PRIu32 ":%" PRIu64 " ", item->position.file, item->position.line);
    if (item->kind == TD_ITEM_REJECTED) {
        td_buf_printf(out, "%.*s: %.*s [%.*s]\n", (int)item->rejected.source.size,
                      (const char *)item->rejected.source.data, (int)item->rejected.detail.size,
                      (const char *)item->rejected.detail.data, (int)item->rejected.bytes.size,
                      (const char *)item->rejected.bytes.data);
        return;
    }
    assert_int_equal(item->kind, TD_ITEM_EVENT);
    assert_int_equal(e->kind, TD_EVENT_CORPORATE);
    assert_true(item->clock_ns == 0 && e->receive_ns == 0);
    td_buf_printf(out, "%s day %d %s ", td_instruments_name(instruments, e->instrument).data, (int)e->corporate.ex_day,
                  td_corporate_kind_name((td_corporate_kind)e->corporate.kind));
    td_corporate_put_value(out, &e->corporate);
    td_buf_printf(out, " %.*s day %d %.*s\n", e->corporate.currency.size, e->corporate.currency.text,
                  (int)(e->event_ns / TD_NS_PER_DAY), (int)e->corporate.source.size,
                  (const char *)e->corporate.source.data);
}

static void check_files(const td_os *os, const char *expected) {
    char path[128];
    (void)snprintf(path, sizeof path, "%s/*.csv", unit_folder);
    unit_feed f;
    unit_feed_conf(&f, &td_feed_actions, (const unit_option[]){{"path", path}, {NULL, NULL}});
    td_status status;
    while ((status = f.ops->open(&f.feed, os, &f.conf, f.instruments)) == TD_RETRY) continue;
    assert_int_equal(status, TD_OK);
    td_buf text = {0};
    td_feed_item item;
    while (f.ops->next(f.feed, &item) == TD_OK && item.kind != TD_ITEM_END) put_line(&text, f.instruments, &item);
    td_buf_put(&text, "", 1);
    assert_string_equal((const char *)text.data, expected);
    td_buf_fini(&text);
    f.ops->close(f.feed);
    td_options_fini(f.ops->options, &f.conf);
    td_instruments_free(f.instruments);
}

static void rows_become_actions(void **state) {
    (void)state;
    static const char a[] = "date,instrument,kind,value,currency,announced,source\n"
                            "2014-06-09,AAPL,split,7:1,,2014-04-23,desk\r\n"
                            "\n"
                            "# a remark\n"
                            "2014-05-08,NASDAQ:AAPL,dividend,3.29,USD\n"
                            "2014-06-09,AAPL,split,0:1\n"
                            "2014-06-09,AAPL,split\n"
                            "2014-06-09,A B,split,2:1\n"
                            "date,AAPL,split,2:1\n"
                            "1,2,3,4,5,6,7,8";
    static const char b[] = "2022-06-09,FB,symbol,META\n";
    static const char expected[] =
        "0:2 LEAN:AAPL day 16230 split 7:1  day 16183 desk\n"
        "0:5 NASDAQ:AAPL day 16198 dividend 3.29 USD day 16197 \n"
        "0:6 a.csv: a side of the split is 0 [2014-06-09,AAPL,split,0:1]\n"
        "0:7 a.csv: not date,instrument,kind,value[,currency,announced,source] [2014-06-09,AAPL,split]\n"
        "0:8 a.csv: no instrument can have that name [2014-06-09,A B,split,2:1]\n"
        "0:9 a.csv: the date is not like 2014-06-09 [date,AAPL,split,2:1]\n"
        "0:10 a.csv: not date,instrument,kind,value[,currency,announced,source] [1,2,3,4,5,6,7,8]\n"
        "1:1 LEAN:FB day 19152 symbol META  day 19151 \n";
    unit_write("a.csv", a, sizeof a - 1);
    unit_write("b.csv", b, sizeof b - 1);
    check_files(&td_os_posix, expected);
    unit_os flaky;
    check_files(unit_os_init(&flaky, 3), expected);
    assert_int_equal(flaky.open_count, 0);
    unit_empty_folder();
}

static void no_file_is_an_error(void **state) {
    (void)state;
    char path[128];
    (void)snprintf(path, sizeof path, "%s/*.csv", unit_folder);
    unit_feed f;
    unit_feed_conf(&f, &td_feed_actions, (const unit_option[]){{"path", path}, {NULL, NULL}});
    assert_int_equal(f.ops->open(&f.feed, &td_os_posix, &f.conf, f.instruments), TD_CONFIG);
    td_options_fini(f.ops->options, &f.conf);
    td_instruments_free(f.instruments);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_become_actions),
        cmocka_unit_test(no_file_is_an_error),
    };
    return cmocka_run_group_tests(tests, unit_make_folder, unit_remove_folder);
}
