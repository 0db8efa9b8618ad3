/* src/feed/venue_twelvedata.c - Twelve Data: prices with their second, answers to subscriptions and heartbeats. Bids
 * and asks come without sizes; a quote of ours has them, so these are left aside. */
#include "base/decimal.h"
#include "feed/venue.h"

typedef enum field { EVENT, SYMBOL, TIME, PRICE, STATUS, MESSAGE, FIELD_COUNT } field;

#define NS_PER_S INT64_C(1000000000)

static td_reason read_price(const td_field *f, td_event *e) {
    int64_t time_s;
    e->kind = TD_EVENT_PRICE;
    td_reason reason = td_recorded_integer(f[TIME].text, &time_s);
    if (reason == TD_REASON_NONE && (time_s <= 0 || __builtin_mul_overflow(time_s, NS_PER_S, &e->event_ns)))
        reason = TD_REASON_RANGE;
    if (reason == TD_REASON_NONE)
        reason = td_recorded_number(f[PRICE].text, TD_PRICE_SCALE, &e->price.price, &e->flags);
    return reason;
}

/* A refusal of the key names the parameter: "**apikey** parameter is incorrect or not specified. …". */
static bool speaks_of_key(td_bytes text) { return memmem(text.data, text.size, "apikey", 6) != NULL; }

static void put_ignored(const td_field *f, td_bytes message, td_recorded *out) {
    bool error = td_bytes_equal(f[STATUS].text, TD_TEXT("error"));
    td_recorded_ignore(out, "other");
    if (error) {
        td_recorded_ignore(out, "error");
        bool denied = f[MESSAGE].text.size > 0 && speaks_of_key(f[MESSAGE].text);
        out->notice = (td_notice){.kind = denied ? TD_NOTICE_DENIED : TD_NOTICE_ERROR, .text = f[MESSAGE].text};
    } else if (td_bytes_equal(f[EVENT].text, TD_TEXT("subscribe-status")) ||
               td_bytes_equal(f[EVENT].text, TD_TEXT("unsubscribe-status"))) {
        td_recorded_ignore(out, "subscriptions");
        out->notice = (td_notice){.kind = TD_NOTICE_ACK, .text = message};
    } else if (td_bytes_equal(f[EVENT].text, TD_TEXT("heartbeat"))) {
        td_recorded_ignore(out, "heartbeat");
        out->notice.kind = TD_NOTICE_HEARTBEAT;
    }
}

static void twelvedata_decode(void *state, td_bytes message, int64_t receive_ns, td_recorded *out) {
    static const td_bytes keys[FIELD_COUNT] = {
        [EVENT] = TD_KEY("event"), [SYMBOL] = TD_KEY("symbol"), [TIME] = TD_KEY("timestamp"),
        [PRICE] = TD_KEY("price"), [STATUS] = TD_KEY("status"), [MESSAGE] = TD_KEY("message")};
    td_field f[FIELD_COUNT] = {0};
    out->event = (td_event){.event_ns = receive_ns};
    if (!td_message_read(message, keys, f, FIELD_COUNT))
        td_recorded_reject(out, TD_REASON_MALFORMED, "JSON is malformed or cut");
    else if (td_bytes_equal(f[EVENT].text, TD_TEXT("price")))
        td_symbols_event(state, f[SYMBOL].text, read_price(f, &out->event), out);
    else
        put_ignored(f, message, out);
}

static void twelvedata_begin(void *state, const td_naming *naming, td_bytes url) {
    (void)url;
    ((td_symbols *)state)->naming = *naming;
}

const td_venue_ops td_venue_twelvedata = {.format = "twelvedata",
                                          .venue = "TWELVEDATA",
                                          .state_size = sizeof(td_symbols),
                                          .begin = twelvedata_begin,
                                          .decode = twelvedata_decode};
