/* tests/unit/feed_gap_bars_test.c - goal: what a vendor has beside a gap comes once, marked and cut to it, and fills
 * nothing; what is no answer is a failure that may be tried again. */
#include "../contract/web.h"
#include "base/secret.h"
#include "feed/gap_bars.h"
#include "feed/twelvedata.h"
#include "feed_unit.h"
#include <stdio.h>

#define META    "{\"meta\":{\"symbol\":\"EUR/USD\",\"interval\":\"1min\"},\"values\":["
#define ROW(at) "{\"datetime\":\"2023-11-14 22:" at "\",\"open\":\"2\",\"high\":\"4\",\"low\":\"1\",\"close\":\"3\"}"
/* As long as what people are told lets it be, but for half of the key behind it. */
#define LONG                                                                                                           \
    "credits for the current minute, and for the minutes behind it, and for all those that are to come, until you "    \
    "have chosen another plan than that which you have now, we have told: "
#define NOW_NS  INT64_C(1700000130000000000) /* 22:15:30Z */
#define BAR(at) "TWELVEDATA:EUR/USD 2023-11-14T22:" at "Z bar 1m 2 4 1 3 x none of 7\n"

typedef struct rig {
    td_os_ops ops;
    td_os os;
    int64_t ns, due_ns;
    td_feed_conf conf;
    td_instruments *instruments;
    uint32_t instrument;
    td_gap_bars *bars;
    int code;
    const char *body;
    char path[512];
} rig;

static int64_t rig_mono_ns(void *self) { return 1 + ((const rig *)self)->ns; }
static int64_t rig_wall_ns(void *self) { return NOW_NS + ((const rig *)self)->ns; }

static void on_request(void *self, const char *path, web_answer *out) {
    rig *r = self;
    (void)snprintf(r->path, sizeof r->path, "%s", path);
    out->code = r->code;
    td_buf_text(&out->body, r->body);
}

static void put_path(const td_feed_conf *conf, td_bytes symbol, const td_gap *gap, td_buf *url) {
    td_twelvedata_call call = {symbol, "1min", gap->from_ns, gap->to_ns, conf->token};
    td_twelvedata_put_path(&call, url);
}

/* All of a gap's items as text. */
static void put_all(rig *r, td_buf *text) {
    td_feed_item item = {0};
    for (int i = 0; i < 100000 && item.kind != TD_ITEM_BACKFILL; i++, r->ns += TD_NS_PER_MS) {
        (void)td_gap_bars_pump(r->bars);
        while (item.kind != TD_ITEM_BACKFILL && td_gap_bars_next(r->bars, &item) == TD_OK) {
            if (item.kind != TD_ITEM_EVENT) continue;
            assert_int_equal(item.event.origin, TD_ORIGIN_BACKFILL);
            unit_put_event(text, r->instruments, &item.event);
            td_buf_printf(text, " of %lld\n", (long long)item.event.of_epoch);
        }
    }
    assert_int_equal(item.kind, TD_ITEM_BACKFILL);
    assert_int_equal(item.backfill.filled.extent, TD_FILL_NONE);
    assert_int_equal(item.backfill.filled.gap, 7);
    td_buf_printf(text, "%s%s", item.backfill.failed ? "failed " : "end", item.backfill.detail);
    td_buf_put(text, "", 1);
}

static void bars_stand_beside_a_gap(void **state) {
    static const struct {
        int code;
        const char *body, *text;
    } rows[] = {
        {200, META ROW("12:00") "," ROW("13:00") "," ROW("14:00") "," ROW("15:00") "],\"status\":\"ok\"}",
         BAR("14:00") BAR("15:00") "end"}, /* one is before it, one is not over */
        {200, META "],\"status\":\"ok\"}", "end"},
        {200, META "5,{\"datetime\":\"x\"}],\"status\":\"ok\"}", "end"},
        {200, "{\"meta\":{\"symbol\":\"AAPL\",\"interval\":\"1min\"},\"values\":[" ROW("13:00") "]}", "end"},
        {200, "{\"code\":400,\"message\":\"No data is available\",\"status\":\"error\"}", "end"},
        {404, "{\"code\":404,\"message\":\"x\",\"status\":\"error\"}", "end"},
        {200, "{\"code\":403,\"message\":\"in the plan\",\"status\":\"error\"}", "end"},
        {200, "{\"code\":429,\"message\":\"credits for the current minute\",\"status\":\"error\"}",
         "failed asked too often: credits for the current minute"},
        {200, "{\"code\":429,\"message\":\"" LONG "KEY-4711\",\"status\":\"error\"}",
         "failed asked too often: " LONG "***"},
        {429, "{\"code\":429,\"message\":\"credits for the day\",\"status\":\"error\"}",
         "failed the day's requests are used up: credits for the day"},
        {200, "{\"code\":401,\"message\":\"**apikey** KEY-4711\",\"status\":\"error\"}", "failed the key is refused"},
        {200, "{\"code\":500,\"message\":\"x\",\"status\":\"error\"}", "failed no answer of the vendor's: x"},
        {200, META ROW("13:00"), "failed no answer of the vendor's: it is no JSON, or cut"},
        {200, "{}", "failed no answer of the vendor's: it has no values"},
        {502, "<html>", "failed the answer is code 502"},
    };
    static const td_gap_bars_ops ops = {put_path, td_twelvedata_read};
    char url[] = "http://venue.test", venue[] = "TWELVEDATA", token[] = "KEY-4711";
    rig r = {.ops = {.mono_ns = rig_mono_ns, .wall_ns = rig_wall_ns}, .instruments = td_instruments_new()};
    (void)state;
    r.os = (td_os){&r.ops, &r};
    void *web = web_simulated.open(1, (web_handler){on_request, &r});
    r.conf = (td_feed_conf){.venue = venue, .history = url, .token = token, .http = web_simulated.http};
    td_secrets_add(&r.conf.secrets, token);
    r.instrument = td_instruments_intern(r.instruments, TD_TEXT("TWELVEDATA:EUR/USD"));
    uint32_t other = td_instruments_intern(r.instruments, TD_TEXT("FINNHUB:AAPL"));
    td_gap_bars_conf conf = {&r.os, &r.conf, r.instruments, &ops, &r.due_ns};
    assert_int_equal(td_gap_bars_open(&r.bars, &conf), TD_OK);
    td_gap gap = {.instrument = other, .number = 7, .from_ns = NOW_NS - 100 * TD_NS_PER_S, .to_ns = NOW_NS};
    assert_int_equal(td_gap_bars_ask(r.bars, &gap), TD_REJECT);
    gap.instrument = r.instrument;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_buf text = {0};
        r.ns = 0;
        r.due_ns = 0;
        r.code = rows[i].code;
        r.body = rows[i].body;
        assert_int_equal(td_gap_bars_ask(r.bars, &gap), TD_OK);
        assert_int_equal(td_gap_bars_ask(r.bars, &gap), TD_FULL);
        put_all(&r, &text);
        ASSERT_ROW(strcmp((const char *)text.data, rows[i].text) == 0, "%zu: %s", i, (const char *)text.data);
        td_buf_fini(&text);
    }
    assert_string_equal(r.path, "/time_series?symbol=EUR%2FUSD&interval=1min&outputsize=5000&order=asc&adjust=none"
                                "&timezone=UTC&start_date=2023-11-14%2022:13:50&end_date=2023-11-14%2022:15:30"
                                "&apikey=KEY-4711");
    td_gap_bars_close(r.bars);
    web_simulated.close(web);
    td_secrets_fini(&r.conf.secrets);
    td_instruments_free(r.instruments);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bars_stand_beside_a_gap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
