/* tests/unit/app_notice_test.c - goal: a line is text for people or one JSON object, lines alike are counted instead of
 * repeated, and a secret never leaves. */
#include "app/notice.h"
#include "base/time.h"
#include "unit.h"
#include <stdlib.h>

static int64_t clock_ns;
static int64_t wall_ns(void *self) {
    (void)self;
    return INT64_C(1381152600) * TD_NS_PER_S + clock_ns;
}
static int64_t mono_ns(void *self) {
    (void)self;
    return clock_ns;
}
static const td_os_ops ops = {.wall_ns = wall_ns, .mono_ns = mono_ns};
static const td_os os = {.ops = &ops};

typedef struct voice {
    td_notices *notices;
    char *text;
    size_t size;
    FILE *to;
} voice;

static void begin(voice *v, const td_notices_conf *conf) {
    *v = (voice){0};
    clock_ns = TD_NS_PER_S;
    v->to = open_memstream(&v->text, &v->size);
    td_notices_conf whole = *conf;
    whole.os = &os;
    whole.to = v->to;
    v->notices = td_notices_new(&whole);
}

static void end(voice *v, const char *wanted) {
    td_notices_free(v->notices);
    assert_int_equal(fclose(v->to), 0);
    assert_string_equal(v->text, wanted);
    free(v->text);
}

static void speaks_to_people(void **state) {
    voice v;
    (void)state;
    begin(&v, &(td_notices_conf){0});
    td_notice(v.notices, TD_LEVEL_INFO, "dashboard", "", "dashboard at %s", "x");
    td_notice(v.notices, TD_LEVEL_WARNING, "start", NULL, "bars-3: torn tail cut");
    td_notice(v.notices, TD_LEVEL_ERROR, "fault", "feed x", "gone: for good");
    td_notices_show(v.notices, "signal", "buy IBM");
    td_notices_progress(v.notices, "5 events");
    td_notices_progress(v.notices, "");
    end(&v, "tapedeck: dashboard at x\ntapedeck: warning: bars-3: torn tail cut\n"
            "tapedeck: error: feed x: gone: for good\nbuy IBM\n5 events\n");
}

static void speaks_json(void **state) {
    voice v;
    (void)state;
    begin(&v, &(td_notices_conf){.json = true, .terminal = true});
    td_notice(v.notices, TD_LEVEL_WARNING, "start", NULL, "bars-3: torn \"tail\"\ncut");
    td_notice(v.notices, TD_LEVEL_ERROR, "failed", NULL, "two words: no place");
    td_notices_progress(v.notices, "5 events");
    end(&v, "{\"time\":\"2013-10-07T13:30:01Z\",\"level\":\"warning\",\"event\":\"start\",\"place\":\"bars-3\","
            "\"message\":\"torn \\\"tail\\\"\\ncut\"}\n"
            "{\"time\":\"2013-10-07T13:30:01Z\",\"level\":\"error\",\"event\":\"failed\",\"message\":\"two words: no "
            "place\"}\n"
            "{\"time\":\"2013-10-07T13:30:01Z\",\"level\":\"info\",\"event\":\"progress\",\"message\":\"5 events\"}\n");
}

static void draws_over_progress(void **state) {
    voice v;
    (void)state;
    begin(&v, &(td_notices_conf){.terminal = true});
    td_notices_progress(v.notices, "1 %");
    td_notices_progress(v.notices, "2 %");
    td_notice(v.notices, TD_LEVEL_INFO, "x", "", "news");
    td_notices_progress(v.notices, "3 %");
    end(&v, "1 %\r\033[K2 %\r\033[Ktapedeck: news\n3 %\r\033[K");
}

static void is_quiet_when_told(void **state) {
    voice v;
    (void)state;
    begin(&v, &(td_notices_conf){.quiet = true});
    td_notice(v.notices, TD_LEVEL_INFO, "x", "", "news");
    td_notices_show(v.notices, "signal", "buy");
    td_notices_progress(v.notices, "1 %");
    td_notice(v.notices, TD_LEVEL_WARNING, "x", "", "bad news");
    end(&v, "tapedeck: warning: bad news\n");
}

static void counts_lines_alike(void **state) {
    voice v;
    (void)state;
    begin(&v, &(td_notices_conf){.json = false});
    for (int i = 0; i < 317; i++) td_notice(v.notices, TD_LEVEL_WARNING, "bad", "feed a", "line %d", i);
    td_notice(v.notices, TD_LEVEL_WARNING, "bad", "feed b", "another place");
    clock_ns += 10 * TD_NS_PER_S;
    td_notices_turn(v.notices);
    td_notice(v.notices, TD_LEVEL_WARNING, "bad", "feed a", "again");
    for (int i = 0; i < 6; i++) td_notice(v.notices, TD_LEVEL_WARNING, "end", "", "e");
    end(&v, "tapedeck: warning: feed a: line 0\ntapedeck: warning: feed a: line 1\ntapedeck: warning: feed a: line 2\n"
            "tapedeck: warning: feed a: line 3\ntapedeck: warning: feed a: line 4\n"
            "tapedeck: warning: feed b: another place\n"
            "tapedeck: warning: feed a: \xe2\x80\xa6 312 more like this (bad)\n"
            "tapedeck: warning: feed a: again\n"
            "tapedeck: warning: e\ntapedeck: warning: e\ntapedeck: warning: e\ntapedeck: warning: e\n"
            "tapedeck: warning: e\ntapedeck: warning: \xe2\x80\xa6 1 more like this (end)\n");
}

static void forgets_the_oldest_of_too_many_kinds(void **state) {
    voice v;
    (void)state;
    begin(&v, &(td_notices_conf){.quiet = true});
    for (int i = 0; i < 7; i++) td_notice(v.notices, TD_LEVEL_WARNING, "x", "first", "x");
    for (int i = 0; i < 1000; i++) {
        char place[16];
        clock_ns++;
        (void)snprintf(place, sizeof place, "p%d", i);
        td_notice(v.notices, TD_LEVEL_WARNING, "x", place, "y");
    }
    assert_non_null(strstr(v.text, "first: \xe2\x80\xa6 2 more like this (x)\n"));
    td_notices_free(v.notices);
    assert_int_equal(fclose(v.to), 0);
    assert_non_null(strstr(v.text, "p999: y\n"));
    free(v.text);
}

static void hides_secrets(void **state) {
    voice v;
    (void)state;
    begin(&v, &(td_notices_conf){.json = true, .quiet = true});
    td_notices_hide(v.notices, "s3\"cret");
    td_notices_hide(v.notices, NULL);
    td_notices_hide(v.notices, "in"); /* too short to tell from any other text */
    td_notice(v.notices, TD_LEVEL_ERROR, "x", "", "s3\"crets3\"cret in a line, and s3\"cre");
    end(&v,
        "{\"time\":\"2013-10-07T13:30:01Z\",\"level\":\"error\",\"event\":\"x\",\"message\":\"****** in a line, and "
        "s3\\\"cre\"}\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(speaks_to_people),    cmocka_unit_test(speaks_json),
        cmocka_unit_test(draws_over_progress), cmocka_unit_test(is_quiet_when_told),
        cmocka_unit_test(counts_lines_alike),  cmocka_unit_test(forgets_the_oldest_of_too_many_kinds),
        cmocka_unit_test(hides_secrets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
