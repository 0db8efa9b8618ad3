/* src/feed/twelvedata.c - {"meta":{…},"values":[{…},…],"status":"ok"}, or {"code":429,"message":"…","status":"error"}.
 */
#include "feed/twelvedata.h"
#include "base/decimal.h"
#include "feed/venue.h"
#include "net/url.h"
#include <inttypes.h>

bool td_twelvedata_width(td_bytes interval, int64_t *out_ns) {
    static const struct {
        const char *name;
        int minutes;
    } rows[] = {{"1min", 1}, {"5min", 5}, {"15min", 15}, {"30min", 30}, {"45min", 45},
                {"1h", 60},  {"2h", 120}, {"4h", 240},   {"8h", 480},   {"1day", 24 * 60}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (!td_bytes_equal(interval, td_text(rows[i].name))) continue;
        *out_ns = rows[i].minutes * TD_NS_PER_MIN;
        return true;
    }
    return false;
}

/* "2026-11-21T14:31:00Z" as it wants it: "2026-11-21%2014:31:00". */
static void put_instant(td_buf *url, const char *key, int64_t ns) {
    char text[40];
    if (ns == TD_NONE) return;
    (void)td_time_format(td_window_start(ns, TD_NS_PER_S), text);
    td_buf_printf(url, "&%s=%.10s%%20%.8s", key, text, text + 11);
}

void td_twelvedata_put_path(const td_twelvedata_call *call, td_buf *url) {
    td_buf_printf(url, "/time_series?symbol=%.*s&interval=%s&outputsize=%d&order=asc&adjust=none",
                  (int)call->symbol.size, (const char *)call->symbol.data, call->interval, TD_TWELVEDATA_ROWS_MAX);
    td_buf_text(url, "&timezone=UTC");
    put_instant(url, "start_date", call->from_ns);
    put_instant(url, "end_date", call->to_ns);
    td_buf_text(url, "&apikey=");
    td_url_put(url, td_text(call->token));
}

/* ---- what it says ---- */

static td_answer_word word_of(td_bytes code, td_bytes message) {
    static const struct {
        int64_t code;
        td_answer_word word;
    } rows[] = {{400, TD_ANSWER_CALL}, {401, TD_ANSWER_KEY},  {403, TD_ANSWER_PREMIUM},
                {404, TD_ANSWER_CALL}, {414, TD_ANSWER_CALL}, {429, TD_ANSWER_LATER}};
    int64_t number = 0;
    if (td_recorded_integer(code, &number) != TD_REASON_NONE || number >= 500) return TD_ANSWER_NONE;
    bool day = td_bytes_have(message, TD_TEXT("for the day"));
    if (number == 429 && day) return TD_ANSWER_TOMORROW;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].code == number) return rows[i].word;
    return TD_ANSWER_REFUSED;
}

typedef enum part { META, VALUES, STATUS, CODE, MESSAGE, PARTS } part;

static const char *read_meta(const td_field *meta, td_answer_series *out) {
    static const td_bytes keys[] = {TD_KEY("symbol"), TD_KEY("interval"), TD_KEY("exchange_timezone")};
    td_field f[3] = {0};
    if (meta->type != TD_JSON_OBJECT || !td_message_read(meta->text, keys, f, 3) || f[0].text.size == 0)
        return "its meta data name no symbol";
    if (!td_recorded_instrument(&out->request->naming, f[0].text, &out->instrument))
        return "no instrument can have the name of its symbol";
    if (!td_twelvedata_width(f[1].text, &out->width_ns)) return "its interval is not one of 1min to 8h and 1day";
    out->zone = TD_ZONE_UTC; /* as it was asked for; but a day is the exchange's, which a currency has not */
    if (out->width_ns == TD_NS_PER_DAY && f[2].text.size > 0 && !td_answer_zone(f[2].text, &out->zone))
        return "its exchange's time zone is not one of America/New_York and UTC";
    return NULL;
}

static void give_values(const td_field *values, const td_answer_series *s, td_answer_row_fn each, void *arg) {
    static const td_bytes keys[TD_ANSWER_COLUMNS] = {
        [TD_ANSWER_STAMP] = TD_KEY("datetime"), [TD_ANSWER_OPEN] = TD_KEY("open"),
        [TD_ANSWER_HIGH] = TD_KEY("high"),      [TD_ANSWER_LOW] = TD_KEY("low"),
        [TD_ANSWER_CLOSE] = TD_KEY("close"),    [TD_ANSWER_VOLUME] = TD_KEY("volume")};
    td_json json;
    td_json_init(&json, values->text);
    (void)td_json_next(&json);
    for (td_field value; td_field_read(&json, &value) && value.type == TD_JSON_OBJECT;) {
        td_field f[TD_ANSWER_COLUMNS] = {0};
        td_bytes cells[TD_ANSWER_COLUMNS];
        td_recorded row;
        (void)td_message_read(value.text, keys, f, TD_ANSWER_COLUMNS);
        for (size_t c = 0; c < TD_ANSWER_COLUMNS; c++) cells[c] = f[c].text;
        td_answer_bar(s, cells, &row);
        each(arg, &row, value.text);
    }
}

td_answer_word td_twelvedata_read(td_bytes answer, const td_answer_request *request, td_answer_row_fn each, void *arg,
                                  td_bytes *out_text) {
    static const td_bytes keys[PARTS] = {[META] = TD_KEY("meta"),
                                         [VALUES] = TD_KEY("values"),
                                         [STATUS] = TD_KEY("status"),
                                         [CODE] = TD_KEY("code"),
                                         [MESSAGE] = TD_KEY("message")};
    td_field f[PARTS] = {0};
    td_answer_series s = {.request = request};
    *out_text = TD_TEXT("it is no JSON, or cut");
    if (!td_message_read(answer, keys, f, PARTS)) return TD_ANSWER_NONE;
    *out_text = f[MESSAGE].text;
    if (td_bytes_equal(f[STATUS].text, TD_TEXT("error"))) return word_of(f[CODE].text, f[MESSAGE].text);
    *out_text = TD_TEXT("it has no values");
    if (f[VALUES].type != TD_JSON_ARRAY) return TD_ANSWER_NONE;
    const char *fault = read_meta(&f[META], &s);
    if (fault != NULL) {
        *out_text = td_text(fault);
        return TD_ANSWER_NONE;
    }
    give_values(&f[VALUES], &s, each, arg);
    return TD_ANSWER_ROWS;
}
