/* tests/unit/feed_download_test.c - goal: what a vendor is asked for comes once, oldest first, at a pace that its
 * limits allow; what it refuses is told once, and what the log holds is not asked for. */
#include "../contract/web.h"
#include "base/secret.h"
#include "base/time.h"
#include "feed_unit.h"
#include <stdio.h>
#include <stdlib.h>

#define NOW      INT64_C(1795275000) /* 2026-11-21T15:30:00Z, 10:30 in New York, s */
#define LAST_BAR INT64_C(1706821140) /* 2024-02-01T20:59:00Z, s */
#define META(tz) "{\"Meta Data\":{\"2. Symbol\":\"IBM\",\"6. Time Zone\":\"" tz "\"},"
#define ROW(t, p)                                                                                                      \
    "\"" t "\":{\"1. open\":\"" p "\",\"2. high\":\"9\",\"3. low\":\"1\",\"4. close\":\"5\",\"5. volume\":\"7\"}"
#define MONTH                                                                                                          \
    META("US/Eastern")                                                                                                 \
    "\"Time Series (1min)\":{" ROW("2024-02-01 09:31:00", "3") "," ROW("2024-02-01 09:30:00", "2") "}}"
#define NOTE    "{\"Note\":\"Our standard API call frequency is 5 calls per minute and 500 calls per day.\"}"
#define USED_UP "{\"Information\":\"our standard API rate limit is 25 requests per day, see the premium plans\"}"
#define PREMIUM "{\"Information\":\"This is a premium endpoint.\"}"
/* The key lies where what people are told of it ends. */
#define TELLS                                                                                                          \
    "{\"Information\":\"The data that you have asked for are not there for everybody, as is said on our site, where "  \
    "you see it in full now: KEY-4711 is not one.\"}"
#define NO_CALL "{\"Error Message\":\"Invalid API call.\"}"

typedef struct rig {
    td_os_ops ops;
    td_os os;
    int64_t ns; /* since the test began */
    unit_feed feed;
    td_instruments *instruments;
    void *web, *download;
    const char *const *answers; /* one behind the other, the last one again and again; NULL: no answer */
    size_t answered;
    td_buf text; /* the items, without what is ignored */
} rig;

static int64_t rig_mono_ns(void *self) { return 1 + ((const rig *)self)->ns; }
static int64_t rig_wall_ns(void *self) { return NOW * TD_NS_PER_S + ((const rig *)self)->ns; }

/* "3.0 TIME_SERIES_DAILY IBM": when, what. */
static void put_request(rig *r, const char *path) {
    static const char *const keys[] = {"function=", "&symbol=", "&interval=", "&month=", "&outputsize="};
    td_buf_printf(&r->text, "%.1f ask", (double)r->ns / 1e9);
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        const char *at = strstr(path, keys[i]);
        if (at == NULL) continue;
        at += strlen(keys[i]);
        td_buf_printf(&r->text, " %.*s", (int)strcspn(at, "&"), at);
    }
    assert_non_null(strstr(path, "&apikey=KEY-4711"));
    td_buf_text(&r->text, "\n");
}

static void on_request(void *self, const char *path, web_answer *out) {
    rig *r = self;
    const char *body = r->answers[r->answered];
    if (r->answers[r->answered + 1] != NULL) r->answered++;
    put_request(r, path);
    out->code = strcmp(body, "503") == 0 ? 503 : 200;
    td_buf_text(&out->body, body);
}

static void rig_open(rig *r, const unit_option *options, const char *const *answers) {
    *r = (rig){.ops = {.mono_ns = rig_mono_ns, .wall_ns = rig_wall_ns}, .answers = answers};
    r->os = (td_os){&r->ops, r};
    r->web = web_simulated.open(1, (web_handler){on_request, r});
    unit_feed_conf(&r->feed, &td_feed_alphavantage_live, options);
    assert_int_equal(td_options_set(r->feed.ops->options, &r->feed.conf, "token", "KEY-4711"), TD_OK);
    r->feed.conf.http = web_simulated.http;
    td_secrets_add(&r->feed.conf.secrets, "KEY-4711");
    unit_feed_open(&r->feed, &r->os);
    assert_int_equal(r->feed.ops->live->connect(r->feed.feed, 3), TD_OK);
}

static void rig_close(rig *r) {
    td_secrets_fini(&r->feed.conf.secrets);
    unit_feed_close(&r->feed);
    web_simulated.close(r->web);
    td_buf_fini(&r->text);
}

static void put_answer(rig *r, const td_feed_answer *a) {
    char until[40] = "nothing";
    if (a->until_ns != TD_NONE) (void)td_time_format(a->until_ns, until);
    td_buf_printf(&r->text, "%s %.*s up to %s\n", a->whole ? "whole" : "begun", (int)a->name.size,
                  (const char *)a->name.data, until);
}

static void put_item(rig *r, const td_feed_item *item) {
    td_bytes text = {0};
    switch (item->kind) {
    case TD_ITEM_SESSION:
        td_buf_printf(&r->text, "%.1f %s %s%s\n", (double)r->ns / 1e9, item->session.live ? "live" : "down",
                      item->session.denied ? "denied " : "", item->session.live ? "" : item->session.detail);
        break;
    case TD_ITEM_ANSWER:
        put_answer(r, &item->answer);
        break;
    case TD_ITEM_EVENT:
        unit_put_event(&r->text, r->feed.instruments, &item->event);
        td_buf_text(&r->text, "\n");
        break;
    case TD_ITEM_REJECTED:
        text = item->rejected.detail;
        td_buf_printf(&r->text, "rejected %.*s\n", (int)text.size, (const char *)text.data);
        break;
    case TD_ITEM_NOTICE:
        text = item->notice;
        td_buf_printf(&r->text, "%s %.*s\n", item->progress ? "goes" : "says", (int)text.size, (const char *)text.data);
        break;
    case TD_ITEM_RAW:
    case TD_ITEM_PLACES:
        td_buf_printf(&r->text, "raw %d %zu bytes\n", item->raw.kind, item->raw.bytes.size);
        break;
    case TD_ITEM_IGNORED:
    case TD_ITEM_WANTED:
    case TD_ITEM_BACKFILL:
    case TD_ITEM_END:
        break;
    }
}

/* All items of so many seconds; a session that ends is begun again after one. */
static const char *run_for(rig *r, int64_t seconds) {
    int64_t connect_ns = INT64_MAX;
    td_feed_item item;
    for (int64_t end_ns = r->ns + seconds * TD_NS_PER_S; r->ns < end_ns; r->ns += TD_NS_PER_S / 100) {
        if (r->ns >= connect_ns) {
            connect_ns = INT64_MAX;
            assert_int_equal(r->feed.ops->live->connect(r->feed.feed, 4), TD_OK);
        }
        (void)r->feed.ops->live->pump(r->feed.feed);
        while (r->feed.ops->next(r->feed.feed, &item) == TD_OK) {
            put_item(r, &item);
            if (item.kind == TD_ITEM_SESSION && !item.session.live) connect_ns = r->ns + TD_NS_PER_S;
        }
    }
    td_buf_put(&r->text, "", 1);
    r->text.size--;
    return (const char *)r->text.data;
}

static const struct {
    unit_option options[6];
    const char *answers[8];
    int64_t seconds;
    const char *text;
} jobs[] = {
    /* a month: oldest first, once */
    {{{"symbols", "IBM"}, {"interval", "1min"}, {"months", "2024-02"}},
     {MONTH},
     7200,
     "0.0 ask TIME_SERIES_INTRADAY IBM 1min 2024-02 full\n0.1 live \nbegun IBM 1min 2024-02 up to nothing\n"
     "ALPHAVANTAGE:IBM 2024-02-01T14:31:00Z bar 1m 2 9 1 5 x 7\n"
     "ALPHAVANTAGE:IBM 2024-02-01T14:32:00Z bar 1m 3 9 1 5 x 7\n"
     "whole IBM 1min 2024-02 up to 2024-02-01T14:32:00Z\ngoes all 1 answers are there, 0 of them refused\n"},
    /* days: today's is in the making, and they are asked for again */
    {{{"symbols", "IBM"}, {"refresh", "1h"}},
     {META("US/Eastern") "\"Time Series (Daily)\":{" ROW("2026-11-21", "4") "," ROW("2026-11-20", "3") "}}"},
     3605,
     "0.0 ask TIME_SERIES_DAILY IBM full\n0.1 live \nbegun IBM daily up to nothing\n"
     "ALPHAVANTAGE:IBM 2026-11-21T05:00:00Z bar 24h 3 9 1 5 x 7\nwhole IBM daily up to 2026-11-21T05:00:00Z\n"
     "goes all 1 answers are there, 0 of them refused\n"
     "3600.1 ask TIME_SERIES_DAILY IBM compact\nbegun IBM daily up to 2026-11-21T05:00:00Z\n"
     "whole IBM daily up to 2026-11-21T05:00:00Z\n"},
    /* refused: told, and not again; the others come at their pace */
    {{{"symbols", "IBM"}, {"interval", "1min"}, {"from", "2026-08"}, {"per_minute", "2"}},
     {PREMIUM, NO_CALL, "{\"Information\":\"Sorry.\"}", META("UTC") "\"Time Series (5min)\":{}}"},
     150,
     "0.0 ask TIME_SERIES_INTRADAY IBM 1min 2026-08 full\n0.1 live \n"
     "rejected IBM 1min 2026-08: not in the plan of this key\n"
     "says IBM 1min 2026-08: not in the plan of this key; it is not asked for again in this run: This is a premium "
     "endpoint.\n"
     "30.0 ask TIME_SERIES_INTRADAY IBM 1min 2026-09 full\nrejected IBM 1min 2026-09: the request is refused\n"
     "says IBM 1min 2026-09: the request is refused; it is not asked for again in this run: Invalid API call.\n"
     "60.0 ask TIME_SERIES_INTRADAY IBM 1min 2026-10 full\nrejected IBM 1min 2026-10: refused\n"
     "says IBM 1min 2026-10: refused; it is not asked for again in this run: Sorry.\n"
     "90.0 ask TIME_SERIES_INTRADAY IBM 1min 2026-11 full\nbegun IBM 1min 2026-11 up to nothing\n"
     "whole IBM 1min 2026-11 up to nothing\ngoes all 4 answers are there, 3 of them refused\n"},
    /* another's bars are none of ours */
    {{{"symbols", "MSFT"}, {"interval", "1min"}, {"months", "2024-02"}},
     {MONTH},
     60,
     "0.0 ask TIME_SERIES_INTRADAY MSFT 1min 2024-02 full\n0.1 live \nrejected MSFT 1min 2024-02: refused\n"
     "says MSFT 1min 2024-02: refused; it is not asked for again in this run: it is of another symbol or interval "
     "than was asked for\n"},
    /* too often: a minute; then the day, which ends at New York's midnight */
    {{{"symbols", "IBM"}, {"interval", "1min"}, {"months", "2024-02"}},
     {NOTE, USED_UP, MONTH},
     49000,
     "0.0 ask TIME_SERIES_INTRADAY IBM 1min 2024-02 full\n0.1 live \n"
     "says asked too often; it is asked again at 2026-11-21T15:31:00.06Z\n"
     "60.1 ask TIME_SERIES_INTRADAY IBM 1min 2024-02 full\n"
     "says the day's requests are used up; it is asked again at 2026-11-22T05:00:00Z\n"
     "48600.0 ask TIME_SERIES_INTRADAY IBM 1min 2024-02 full\nbegun IBM 1min 2024-02 up to nothing\n"
     "ALPHAVANTAGE:IBM 2024-02-01T14:31:00Z bar 1m 2 9 1 5 x 7\n"
     "ALPHAVANTAGE:IBM 2024-02-01T14:32:00Z bar 1m 3 9 1 5 x 7\n"
     "whole IBM 1min 2024-02 up to 2024-02-01T14:32:00Z\ngoes all 1 answers are there, 0 of them refused\n"},
    /* our own bound of a day */
    {{{"symbols", "IBM"}, {"quote", "true"}, {"quote_interval", "10s"}, {"per_day", "2"}, {"per_minute", "0"}},
     {"{\"Global Quote\":{\"01. symbol\":\"IBM\",\"05. price\":\"7\",\"07. latest trading day\":\"2026-11-21\"}}",
      "{\"Global Quote\":{\"01. symbol\":\"IBM\",\"05. price\":\"7\",\"07. latest trading day\":\"2026-11-21\"}}"},
     600,
     "0.0 ask GLOBAL_QUOTE IBM\n0.1 live \nALPHAVANTAGE:IBM 2026-11-21T15:30:00.06Z price 7 time-receive\n"
     "10.1 ask GLOBAL_QUOTE IBM\n"
     "says the day's 2 requests are used up (per_day); it is asked again at 2026-11-22T05:00:00Z\n"},
    /* no answer, and a wrong key, end the session; the call is asked for again */
    {{{"symbols", "IBM"}, {"interval", "1min"}, {"months", "2024-02"}},
     {TELLS, NULL},
     5,
     "0.0 ask TIME_SERIES_INTRADAY IBM 1min 2024-02 full\n0.1 live \nrejected IBM 1min 2024-02: refused\n"
     "says IBM 1min 2024-02: refused; it is not asked for again in this run: The data that you have asked for are not "
     "there for everybody, as is said on our site, where you see it in full now: *** \n"},
    {{{"symbols", "IBM"}, {"interval", "1min"}, {"months", "2024-02"}, {"per_minute", "0"}, {"raw", "true"}},
     {"503", "{\"cut", "{\"Error Message\":\"the parameter apikey is invalid or missing.\"}", MONTH},
     20,
     "0.0 ask TIME_SERIES_INTRADAY IBM 1min 2024-02 full\n0.1 down the answer is code 503\n"
     "1.1 ask TIME_SERIES_INTRADAY IBM 1min 2024-02 full\nraw 0 0 bytes\n1.1 live \nraw 2 5 bytes\nraw 3 66 bytes\n"
     "1.1 down IBM 1min 2024-02: no answer of the vendor's: it is no JSON, or cut\nraw 0 0 bytes\n2.1 live \n"
     "3.1 ask TIME_SERIES_INTRADAY IBM 1min 2024-02 full\nraw 2 63 bytes\nraw 3 48 bytes\n"
     "3.2 down denied the vendor wants another key (token, token_file)\nraw 0 0 bytes\n4.2 live \n"
     "7.2 ask TIME_SERIES_INTRADAY IBM 1min 2024-02 full\nraw 2 276 bytes\nbegun IBM 1min 2024-02 up to nothing\n"
     "ALPHAVANTAGE:IBM 2024-02-01T14:31:00Z bar 1m 2 9 1 5 x 7\n"
     "ALPHAVANTAGE:IBM 2024-02-01T14:32:00Z bar 1m 3 9 1 5 x 7\n"
     "whole IBM 1min 2024-02 up to 2024-02-01T14:32:00Z\ngoes all 1 answers are there, 0 of them refused\n"},
};

static void what_is_asked_for_comes(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(jobs); i++) {
        rig r;
        rig_open(&r, jobs[i].options, jobs[i].answers);
        const char *text = run_for(&r, jobs[i].seconds);
        ASSERT_ROW(strcmp(text, jobs[i].text) == 0, "%zu: %s", i, text);
        rig_close(&r);
    }
}

/* Whole: not asked for again once the month is long over. Begun: behind what came of it. */
static void what_is_held_does_not_come(void **state) {
    static const unit_option options[] = {{"symbols", "IBM"}, {"interval", "1min"}, {"from", "2024-01"},
                                          {"to", "2024-04"},  {"per_minute", "0"},  {0}};
    static const char *const answers[] = {MONTH, META("UTC") "\"Time Series (1min)\":{}}", NULL};
    static const int64_t asked_ns = NOW * TD_NS_PER_S - TD_NS_PER_HOUR, march_ns = 1710000000 * TD_NS_PER_S;
    const td_feed_answer held[] = {
        {.name = TD_TEXT("IBM 1min 2024-01"), .whole = true, .until_ns = LAST_BAR * TD_NS_PER_S, .asked_ns = asked_ns},
        {.name = TD_TEXT("IBM 1min 2024-02"), .until_ns = INT64_C(1706797860) * TD_NS_PER_S},
        {.name = TD_TEXT("IBM 1min 2024-03"), .whole = true, .until_ns = march_ns, .asked_ns = march_ns},
        {.name = TD_TEXT("IBM 1min 2024-0"), .whole = true, .asked_ns = asked_ns}, /* nobody's */
        {.name = TD_TEXT("XYZ 1min 2024-01 adjusted"), .whole = true, .asked_ns = asked_ns},
    };
    rig r;
    (void)state;
    rig_open(&r, options, answers);
    for (size_t i = 0; i < COUNT_OF(held); i++) r.feed.ops->live->hold(r.feed.feed, &held[i]);
    assert_string_equal(run_for(&r, 60),
                        "0.0 ask TIME_SERIES_INTRADAY IBM 1min 2024-02 full\n0.1 live \n"
                        "begun IBM 1min 2024-02 up to 2024-02-01T14:31:00Z\n"
                        "ALPHAVANTAGE:IBM 2024-02-01T14:32:00Z bar 1m 3 9 1 5 x 7\n"
                        "whole IBM 1min 2024-02 up to 2024-02-01T14:32:00Z\n"
                        "goes 2 of 4 answers, 1000.0 a minute, 0m00s left; the last one: IBM 1min 2024-02, 1 rows\n"
                        "0.1 ask TIME_SERIES_INTRADAY IBM 1min 2024-03 full\n"
                        "begun IBM 1min 2024-03 up to 2024-03-09T16:00:00Z\n"
                        "whole IBM 1min 2024-03 up to 2024-03-09T16:00:00Z\n"
                        "0.1 ask TIME_SERIES_INTRADAY IBM 1min 2024-04 full\n"
                        "begun IBM 1min 2024-04 up to nothing\nwhole IBM 1min 2024-04 up to nothing\n"
                        "goes all 4 answers are there, 0 of them refused\n");
    rig_close(&r);
}

/* A month that begins while it runs is asked for; what was asked for in the month before goes on until it is over. */
static void months_begin(void **state) {
    static const unit_option options[] = {
        {"symbols", "IBM"}, {"interval", "60min"}, {"refresh", "10d"}, {"datatype", "csv"}, {0}};
    static const char *const answers[] = {"timestamp,open,high,low,close,volume\r\n", NULL};
    rig r;
    (void)state;
    rig_open(&r, options, answers);
    (void)run_for(&r, 1);
    r.text.size = 0;
    for (int day = 0; day < 25; day++) {
        (void)run_for(&r, 1);
        r.ns += TD_NS_PER_DAY - TD_NS_PER_S;
    }
    const char *text = run_for(&r, 1), *at = text;
    static const char *const wanted[] = {"60min 2026-11 ", "60min 2026-12 ", "60min 2026-11 ", "60min 2026-12 "};
    for (size_t i = 0; i < COUNT_OF(wanted); i++) {
        at = strstr(at, "ask TIME_SERIES_INTRADAY IBM ");
        ASSERT_ROW(at != NULL, "%zu: %s", i, text);
        at += strlen("ask TIME_SERIES_INTRADAY IBM ");
        ASSERT_ROW(strncmp(at, wanted[i], strlen(wanted[i])) == 0, "%zu: %s", i, text);
    }
    assert_null(strstr(at, "ask"));
    rig_close(&r);
}

static void settings_are_checked(void **state) {
    static const struct {
        unit_option options[4];
        const char *said;
    } rows[] = {
        {{{"symbols", "IBM"}, {"interval", "2min"}},
         "interval: \"2min\" is none of the vendor's, as 1min and daily are"},
        {{{"symbols", "IBM"}, {"months", "2024-13"}}, "months: \"2024-13\" is not a month such as 2024-01"},
        {{{"symbols", "IBM"}, {"months", "2200-01"}}, "months: \"2200-01\" is not a month such as 2024-01"},
        {{{"symbols", "IBM"}, {"from", "2024-05"}, {"to", "2024-02"}},
         "to: 2024-02 lies before 2024-05, the month that `from` names"},
        {{{"symbols", "IBM"}, {"from", "2024"}}, "from: \"2024\" is not a month such as 2024-01"},
        {{{"symbols", "IBM"}, {"months", "2024-01"}, {"to", "2024-02"}},
         "months: from and to say which, too: one of the two is enough"},
        {{{"symbols", "IBM"}, {"symbols", "IBM"}}, "symbols, interval, months: IBM daily is asked for twice"},
        {{{"symbols", "I M"}}, "symbols: no instrument can be called ALPHAVANTAGE:I M"},
        {{{"symbols", "IBM"}, {"url", "ftp://x"}}, "url: "},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        unit_feed f;
        unit_feed_conf(&f, &td_feed_alphavantage_live, rows[i].options);
        assert_int_equal(f.ops->open(&f.feed, &td_os_posix, &f.conf, f.instruments), TD_CONFIG);
        ASSERT_ROW(strstr(td_trail(), rows[i].said) != NULL, "%zu: %s", i, td_trail());
        f.feed = NULL;
        unit_feed_close(&f);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_asked_for_comes),
        cmocka_unit_test(what_is_held_does_not_come),
        cmocka_unit_test(months_begin),
        cmocka_unit_test(settings_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
