/* src/feed/venue_coincap.c - CoinCap: an object of the assets whose price has changed, each as a decimal text with more
 * digits than are kept; nothing says when. */
#include "base/decimal.h"
#include "feed/venue.h"

typedef struct coincap {
    td_symbols symbols;
    td_parts prices;
} coincap;

/* The next of them. The message was read to its end before: it is JSON. */
static void put_price(coincap *v, td_recorded *out) {
    td_json *json = &v->prices.json;
    td_event *e = &out->event;
    if (td_json_next(json) == TD_JSON_OBJECT_END) {
        td_recorded_ignore(out, "price"); /* none at all */
        return;
    }
    td_bytes asset = json->escaped ? (td_bytes){0} : json->text;
    td_field value;
    bool good = td_field_read(json, &value);
    e->kind = TD_EVENT_PRICE;
    e->flags |= TD_FLAG_TIME_RECEIVE;
    td_reason reason = td_recorded_number(value.text, TD_PRICE_SCALE, &e->price.price, &e->flags);
    td_parts_pass(&v->prices, good, out);
    td_symbols_event(&v->symbols, asset, reason, out);
}

typedef enum field { DATA, MESSAGE, ERROR_TEXT, FIELD_COUNT } field;

static const td_bytes keys[FIELD_COUNT] = {
    [DATA] = TD_KEY("data"), [MESSAGE] = TD_KEY("message"), [ERROR_TEXT] = TD_KEY("error")};

/* {"data":{"message":"We are deprecating this version …"},"timestamp":…}, {"error":"…"}: no asset is called so. */
static bool read_error(const td_field *f, td_recorded *out) {
    td_field inner[FIELD_COUNT] = {0};
    if (f[DATA].type == TD_JSON_ERROR && f[MESSAGE].type == TD_JSON_ERROR && f[ERROR_TEXT].type == TD_JSON_ERROR)
        return false;
    td_bytes text = f[MESSAGE].text.size > 0 ? f[MESSAGE].text : f[ERROR_TEXT].text;
    if (f[DATA].type == TD_JSON_OBJECT && td_message_read(f[DATA].text, keys, inner, FIELD_COUNT))
        text = inner[MESSAGE].text;
    td_recorded_ignore(out, "error");
    out->notice = (td_notice){.kind = TD_NOTICE_ERROR, .text = text};
    return true;
}

static bool begins_with(td_bytes text, td_bytes word) {
    return text.size >= word.size && memcmp(text.data, word.data, word.size) == 0;
}

static void coincap_decode(void *state, td_bytes message, int64_t receive_ns, td_recorded *out) {
    coincap *v = state;
    td_field f[FIELD_COUNT] = {0};
    out->event = (td_event){.event_ns = receive_ns};
    if (v->prices.within) {
        put_price(v, out);
    } else if (begins_with(message, TD_TEXT("Unauthorized"))) {
        td_recorded_ignore(out, "error");
        out->notice.kind = TD_NOTICE_DENIED;
    } else if (message.size == 0 || message.data[0] != '{' || !td_message_read(message, keys, f, FIELD_COUNT)) {
        td_recorded_reject(out, TD_REASON_MALFORMED, "no JSON object, or cut");
    } else if (!read_error(f, out)) {
        td_parts_begin(&v->prices, message);
        put_price(v, out);
    }
}

static void coincap_begin(void *state, const td_naming *naming, td_bytes url) {
    (void)url;
    ((coincap *)state)->symbols.naming = *naming;
}

_Static_assert(sizeof(coincap) <= TD_VENUE_STATE_MAX, "recordings keep a decoder's state in so much");

const td_venue_ops td_venue_coincap = {.format = "coincap",
                                       .venue = "COINCAP",
                                       .state_size = sizeof(coincap),
                                       .many = true,
                                       .begin = coincap_begin,
                                       .decode = coincap_decode};
