/* src/feed/venue.c - what the decoders of venues share: fields of JSON, names of instruments. */
#include "feed/venue.h"
#include "base/time.h"

const td_venue_ops *const td_venues[] = {&td_venue_binance, &td_venue_bitstamp, &td_venue_coinbase,   &td_venue_coincap,
                                         &td_venue_finnhub, &td_venue_kraken,   &td_venue_twelvedata, NULL};

const td_venue_ops *td_venue_of_url(td_bytes url) {
    static const struct {
        const char *host;
        const td_venue_ops *venue;
    } hosts[] = {
        {"ws-feed.exchange.coinbase.com", &td_venue_coinbase},
        {"ws-feed.pro.coinbase.com", &td_venue_coinbase},
        {"api.exchange.coinbase.com", &td_venue_coinbase},
        {"api.pro.coinbase.com", &td_venue_coinbase},
        {"stream.binance.com", &td_venue_binance},
        {"data-stream.binance.vision", &td_venue_binance},
        {"api.binance.com", &td_venue_binance},
        {"ws.bitstamp.net", &td_venue_bitstamp},
        {"www.bitstamp.net", &td_venue_bitstamp},
        {"wss.coincap.io", &td_venue_coincap},
        {"ws.coincap.io", &td_venue_coincap},
        {"ws.finnhub.io", &td_venue_finnhub},
        {"ws.twelvedata.com", &td_venue_twelvedata},
        {"ws.kraken.com", &td_venue_kraken},
        {"api.kraken.com", &td_venue_kraken},
    };
    const uint8_t *end = url.data + url.size, *host = memmem(url.data, url.size, "://", 3);
    if (host == NULL) return NULL;
    host += 3;
    const uint8_t *p = host;
    while (p < end && *p != '/' && *p != ':' && *p != '?') p++;
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++)
        if (td_bytes_equal((td_bytes){host, (size_t)(p - host)}, td_text(hosts[i].host))) return hosts[i].venue;
    return NULL;
}

/* ---- names ---- */

bool td_symbols_find(td_symbols *s, td_bytes symbol, uint32_t *out) {
    if (s->size == 0 || !td_bytes_equal(symbol, (td_bytes){(const uint8_t *)s->text, s->size})) {
        if (symbol.size == 0 || !td_recorded_instrument(&s->naming, symbol, &s->instrument)) return false;
        memcpy(s->text, symbol.data, symbol.size);
        s->size = symbol.size;
    }
    *out = s->instrument;
    return true;
}

/* ---- fields ---- */

bool td_field_read_rest(td_json *json, td_field *out) {
    const uint8_t *begin = json->at - 1; /* of an object or array: its bracket */
    out->text = (td_bytes){0};           /* what has escapes is nothing that is read: venues write none there */
    if (out->type != TD_JSON_OBJECT && out->type != TD_JSON_ARRAY) return out->type != TD_JSON_ERROR;
    if (!td_json_leave(json)) return false;
    out->text = (td_bytes){begin, (size_t)(json->at - begin)};
    return true;
}

bool td_fields_read(td_json *json, const td_bytes *keys, td_field *fields, size_t count) {
    size_t likely = 0; /* members come in the order of `keys`, more often than not */
    td_json_type type;
    while ((type = td_json_next(json)) == TD_JSON_KEY) {
        size_t tried = 0, i = likely;
        while (tried < count && !td_bytes_equal(json->text, keys[i])) {
            tried++;
            i = i + 1 < count ? i + 1 : 0;
        }
        td_field other;
        if (!td_field_read(json, tried < count ? &fields[i] : &other)) return false;
        if (tried < count) likely = i + 1 < count ? i + 1 : 0;
    }
    return type == TD_JSON_OBJECT_END;
}

bool td_message_read(td_bytes message, const td_bytes *keys, td_field *fields, size_t count) {
    td_json json;
    td_json_init(&json, message);
    td_json_type type = td_json_next(&json);
    bool good = type == TD_JSON_OBJECT  ? td_fields_read(&json, keys, fields, count)
                : type == TD_JSON_ARRAY ? td_json_leave(&json)
                                        : type != TD_JSON_ERROR;
    return good && td_json_next(&json) == TD_JSON_END;
}

/* ---- parts ---- */

void td_parts_begin(td_parts *parts, td_bytes list) {
    td_json_init(&parts->json, list);
    (void)td_json_next(&parts->json); /* the bracket */
    parts->from = parts->json.at;
}

void td_parts_pass(td_parts *parts, bool good, td_recorded *out) {
    td_json ahead = parts->json;
    td_json_type next = good ? td_json_next(&ahead) : TD_JSON_ERROR;
    bool ends = next == TD_JSON_ERROR || next == TD_JSON_ARRAY_END || next == TD_JSON_OBJECT_END;
    while (parts->from < parts->json.at && memchr(", \t\r\n", *parts->from, 5) != NULL) parts->from++;
    out->part = (td_bytes){parts->from, (size_t)(parts->json.at - parts->from)};
    parts->from = parts->json.at;
    parts->within = out->more = !ends;
}

/* ---- numbers ---- */

td_reason td_recorded_time(td_bytes text, int64_t *out_ns) {
    if (td_time_parse(text, out_ns) != TD_OK) return TD_REASON_MALFORMED;
    return *out_ns > 0 && *out_ns <= TD_FEED_INSTANT_MAX_NS ? TD_REASON_NONE : TD_REASON_RANGE;
}

td_reason td_recorded_integer(td_bytes text, int64_t *out) {
    uint8_t flags = 0;
    td_reason reason = td_recorded_number(text, 0, out, &flags);
    return reason == TD_REASON_NONE && flags != 0 ? TD_REASON_MALFORMED : reason;
}

/* ---- what comes out ---- */

void td_recorded_ignore(td_recorded *out, const char *kind) {
    out->kind = TD_ITEM_IGNORED;
    out->ignored = kind;
}

void td_recorded_event(td_recorded *out, td_reason reason) {
    out->kind = TD_ITEM_EVENT;
    if (reason == TD_REASON_MALFORMED)
        td_recorded_reject(out, reason, "a field is missing or not of its kind");
    else if (reason != TD_REASON_NONE)
        td_recorded_reject(out, reason, "a number too large, or too small to be told from 0");
}

void td_symbols_event(td_symbols *symbols, td_bytes symbol, td_reason reason, td_recorded *out) {
    if (reason == TD_REASON_NONE && !td_symbols_find(symbols, symbol, &out->event.instrument))
        reason = TD_REASON_MALFORMED;
    td_recorded_event(out, reason);
}
