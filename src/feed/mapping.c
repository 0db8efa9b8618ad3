/* src/feed/mapping.c - values at configured places into the fields of an event. */
#include "feed/mapping.h"
#include "base/decimal.h"
#include "base/time.h"
#include "feed/venue.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

typedef enum field {
    INSTRUMENT,
    VENUE,
    EVENT,
    TIME,
    PRICE,
    SIZE,
    SIDE,
    TRADE_ID,
    EXCHANGE,
    CONDITION,
    BID,
    BID_SIZE,
    ASK,
    ASK_SIZE,
    SEQUENCE,
    OPEN,
    HIGH,
    LOW,
    CLOSE,
    VOLUME,
    FIELD_COUNT
} field;

static const char *const names[FIELD_COUNT + 1] = {[INSTRUMENT] = "instrument",
                                                   [VENUE] = "venue",
                                                   [EVENT] = "event",
                                                   [TIME] = "time",
                                                   [PRICE] = "price",
                                                   [SIZE] = "size",
                                                   [SIDE] = "side",
                                                   [TRADE_ID] = "trade_id",
                                                   [EXCHANGE] = "exchange",
                                                   [CONDITION] = "condition",
                                                   [BID] = "bid",
                                                   [BID_SIZE] = "bid_size",
                                                   [ASK] = "ask",
                                                   [ASK_SIZE] = "ask_size",
                                                   [SEQUENCE] = "sequence",
                                                   [OPEN] = "open",
                                                   [HIGH] = "high",
                                                   [LOW] = "low",
                                                   [CLOSE] = "close",
                                                   [VOLUME] = "volume"};

typedef enum kind { TRADE, QUOTE, PRICES, BAR, KIND_COUNT } kind; /* in the order of TD_MAPPING_EVENTS */
static const char *const kind_names[KIND_COUNT + 1] = {"trade", "quote", "price", "bar"};
static const char *const side_names[] = {
    [TD_SIDE_UNKNOWN] = "none", [TD_SIDE_BUY] = "buy", [TD_SIDE_SELL] = "sell", NULL};
/* What a record of that kind cannot be without. A quote may lack a side, but not both. */
static const field needs[KIND_COUNT][5] = {
    [TRADE] = {PRICE, SIZE}, [QUOTE] = {BID, ASK}, [PRICES] = {PRICE}, [BAR] = {OPEN, HIGH, LOW, CLOSE}};

enum { DETAIL_MAX = 400, UNIT_AUTO = 0, FORMAT_JSON = 0, FRAME_BYTES = 5 };

struct td_mapping {
    const td_feed_conf *conf;
    td_instruments *instruments;
    const char *path[FIELD_COUNT]; /* NULL: theirs has none */
    td_lexicon *lexicon;           /* NULL: the records are JSON */
    td_picker picker;
    size_t place[FIELD_COUNT]; /* among what the picker gives */
    td_picked picked[TD_PICKER_MAX];
    /* of the record that is read */
    uint8_t flags;
    td_reason reason; /* the first thing that was wrong */
    char detail[DETAIL_MAX];
};

/* ---- what is configured ---- */

static int find_word(const char *const *words, const char *word, size_t size) {
    for (int i = 0; words[i] != NULL; i++)
        if (strlen(words[i]) == size && strncmp(words[i], word, size) == 0) return i;
    return -1;
}

static td_status take_field(td_mapping *m, const char *pair) {
    size_t size = strcspn(pair, "=");
    int f = find_word(names, pair, size);
    char name[32];
    (void)snprintf(name, sizeof name, "%.*s", (int)size, pair);
    const char *nearest = f < 0 ? td_nearest(name, names) : NULL;
    if (f < 0)
        return TD_FAIL(TD_CONFIG, "fields.%s: no field of ours%s%s%s", name, nearest != NULL ? "; did you mean \"" : "",
                       nearest != NULL ? nearest : "", nearest != NULL ? "\"?" : "");
    if (m->path[f] != NULL) return TD_FAIL(TD_CONFIG, "fields.%s: it is there twice", name);
    m->place[f] = m->picker.count;
    td_status status = td_picker_add(&m->picker, pair + size + 1);
    if (status != TD_OK) return TD_FAIL(TD_CONFIG, "fields.%s: %s", name, td_trail());
    m->path[f] = pair + size + 1;
    return TD_OK;
}

/* Their words for ours: what ours are is known beforehand. */
static td_status check_words(const char *key, const td_texts *pairs, const char *const *words) {
    for (size_t i = 0; i < pairs->count; i++) {
        const char *mean = strchr(pairs->items[i], '=') + 1;
        if (find_word(words, mean, strlen(mean)) >= 0) continue;
        const char *nearest = td_nearest(mean, words);
        return TD_FAIL(TD_CONFIG, "%s: \"%s\" is not %s, %s or another of ours%s%s%s", key, mean, words[0], words[1],
                       nearest != NULL ? "; did you mean \"" : "", nearest != NULL ? nearest : "",
                       nearest != NULL ? "\"?" : "");
    }
    return TD_OK;
}

static bool has_all(const td_mapping *m, kind k) {
    if (k == QUOTE) return m->path[BID] != NULL || m->path[ASK] != NULL;
    if (k == BAR && m->conf->width_ns == 0) return false;
    for (int i = 0; i < 5; i++)
        if (needs[k][i] != INSTRUMENT && m->path[needs[k][i]] == NULL) return false;
    return true;
}

static td_status check_kind(const td_mapping *m, kind k) {
    static const char *const lacking[KIND_COUNT] = {"price and size", "bid or ask", "price",
                                                    "open, high, low and close"};
    if (k == BAR && m->conf->width_ns == 0) return TD_FAIL(TD_CONFIG, "width: bars have one, such as 1m");
    if (!has_all(m, k)) return TD_FAIL(TD_CONFIG, "fields: a %s needs %s", kind_names[k], lacking[k]);
    return TD_OK;
}

static td_status check(const td_mapping *m) {
    const td_feed_conf *conf = m->conf;
    if (m->path[INSTRUMENT] == NULL) return TD_FAIL(TD_CONFIG, "fields: without instrument nothing can be told apart");
    if (m->path[VENUE] != NULL && conf->venue != NULL)
        return TD_FAIL(TD_CONFIG, "fields.venue: `venue` says it already: one is enough");
    if (m->path[EVENT] == NULL && conf->events.count > 0)
        return TD_FAIL(TD_CONFIG, "events: no field `event` has these words");
    td_status status = conf->venue != NULL ? td_feed_check_venue(conf->venue) : TD_OK;
    if (status == TD_OK) status = check_words("events", &conf->events, kind_names);
    if (status == TD_OK) status = check_words("sides", &conf->sides, side_names);
    if (status != TD_OK || m->path[EVENT] == NULL) return status == TD_OK ? check_kind(m, (kind)conf->event) : status;
    for (size_t i = 0; i < conf->events.count && status == TD_OK; i++) {
        const char *mean = strchr(conf->events.items[i], '=') + 1;
        status = check_kind(m, (kind)find_word(kind_names, mean, strlen(mean)));
    }
    return status;
}

bool td_mapping_registry(const td_feed_conf *conf, const td_os *os, td_lexicon_conf *out) {
    *out = (td_lexicon_conf){.os = os,
                             .http = conf->http,
                             .url = conf->registry,
                             .ca = conf->registry_ca,
                             .user = conf->registry_user,
                             .password = conf->registry_password};
    return conf->datatype != FORMAT_JSON;
}

static td_status open_lexicon(td_mapping *m, const td_os *os) {
    td_lexicon_conf lexicon;
    if (!td_mapping_registry(m->conf, os, &lexicon)) return TD_OK;
    if (lexicon.url == NULL)
        return TD_FAIL(TD_CONFIG, "registry: missing: records of avro name their schema by its id in one");
    return td_lexicon_open(&m->lexicon, &lexicon);
}

td_status td_mapping_new(td_mapping **out, const td_os *os, const td_feed_conf *conf, td_instruments *instruments) {
    td_mapping *m = td_alloc_zero(1, sizeof *m);
    m->conf = conf;
    m->instruments = instruments;
    td_status status = TD_OK;
    for (size_t i = 0; i < conf->fields.count && status == TD_OK; i++) status = take_field(m, conf->fields.items[i]);
    if (status == TD_OK) status = check(m);
    if (status == TD_OK) status = open_lexicon(m, os);
    if (status != TD_OK) {
        td_mapping_free(m);
        return status;
    }
    *out = m;
    return TD_OK;
}

void td_mapping_free(td_mapping *m) {
    if (m == NULL) return;
    td_lexicon_close(m->lexicon);
    td_picker_fini(&m->picker);
    free(m);
}

/* ---- values ---- */

static void refuse(td_mapping *m, field f, td_reason reason, const char *what) {
    if (m->reason != TD_REASON_NONE) return;
    m->reason = reason;
    (void)snprintf(m->detail, sizeof m->detail, "%s (theirs: %s) %s", names[f], m->path[f], what);
}

/* An empty text is no value. */
static td_picked value_of(const td_mapping *m, field f) {
    td_picked v = {.kind = TD_PICKED_NONE};
    if (m->path[f] != NULL) v = m->picked[m->place[f]];
    if (v.kind == TD_PICKED_TEXT && v.text.size == 0) v.kind = TD_PICKED_NONE;
    return v;
}

static bool is_word(const td_picked *v) { return v->kind == TD_PICKED_TEXT || v->kind == TD_PICKED_NUMBER; }

static td_bytes needed_word(td_mapping *m, field f) {
    td_picked v = value_of(m, f);
    if (v.kind == TD_PICKED_NONE)
        refuse(m, f, TD_REASON_MALFORMED, "is missing");
    else if (!is_word(&v))
        refuse(m, f, TD_REASON_MALFORMED, "is neither a text nor a number");
    return v.text;
}

/* TD_NONE where it is not said. */
static int64_t number_of(td_mapping *m, field f, int scale) {
    int64_t number = TD_NONE;
    td_picked v = value_of(m, f);
    if (v.kind == TD_PICKED_NONE) return TD_NONE;
    td_reason reason = is_word(&v) ? td_recorded_number(v.text, scale, &number, &m->flags) : TD_REASON_MALFORMED;
    if (reason == TD_REASON_RANGE)
        refuse(m, f, reason, "is too large a number, or too small to be told from 0");
    else if (reason != TD_REASON_NONE)
        refuse(m, f, reason, "is no number");
    return reason == TD_REASON_NONE ? number : TD_NONE;
}

static int64_t needed_number(td_mapping *m, field f, int scale) {
    if (value_of(m, f).kind == TD_PICKED_NONE) refuse(m, f, TD_REASON_MALFORMED, "is missing");
    return number_of(m, f, scale);
}

static int64_t whole_of(td_mapping *m, field f) {
    int64_t number = TD_NONE;
    td_picked v = value_of(m, f);
    if (v.kind == TD_PICKED_NONE) return TD_NONE;
    if (is_word(&v) && td_recorded_integer(v.text, &number) == TD_REASON_NONE) return number;
    refuse(m, f, TD_REASON_MALFORMED, "is no whole number of 64 bits");
    return TD_NONE;
}

static td_code code_of(td_mapping *m, field f) {
    td_code code = {0};
    td_picked v = value_of(m, f);
    if (v.kind == TD_PICKED_NONE) return code;
    if (!is_word(&v) || v.text.size > TD_CODE_MAX || td_utf8_find_bad(v.text) < v.text.size) {
        refuse(m, f, TD_REASON_MALFORMED, "is no word of at most 15 bytes");
        return code;
    }
    code.size = (uint8_t)v.text.size;
    memcpy(code.text, v.text.data, v.text.size);
    return code;
}

/* What a word of theirs means: by the pairs, else as ours; -1: nothing. */
static int meaning_of(const td_texts *pairs, const char *const *words, td_bytes word) {
    for (size_t i = 0; i < pairs->count; i++) {
        const char *pair = pairs->items[i];
        size_t size = strcspn(pair, "=");
        if (size == word.size && memcmp(pair, word.data, size) == 0)
            return find_word(words, pair + size + 1, strlen(pair + size + 1));
    }
    return word.size > 0 ? find_word(words, (const char *)word.data, word.size) : -1;
}

static uint8_t side_of(td_mapping *m) {
    td_picked v = value_of(m, SIDE);
    char small[8];
    if (v.kind == TD_PICKED_NONE) return TD_SIDE_UNKNOWN;
    int side = is_word(&v) ? meaning_of(&m->conf->sides, side_names, v.text) : -1;
    if (side >= 0) return (uint8_t)side;
    size_t size = is_word(&v) && v.text.size < sizeof small ? v.text.size : 0;
    for (size_t i = 0; i < size; i++) small[i] = (char)tolower(v.text.data[i]);
    td_bytes word = {(const uint8_t *)small, size};
    if (td_bytes_equal(word, TD_TEXT("buy")) || td_bytes_equal(word, TD_TEXT("b"))) return TD_SIDE_BUY;
    if (td_bytes_equal(word, TD_TEXT("sell")) || td_bytes_equal(word, TD_TEXT("s"))) return TD_SIDE_SELL;
    refuse(m, SIDE, TD_REASON_MALFORMED, "is neither buy nor sell, nor one of `sides`");
    return TD_SIDE_UNKNOWN;
}

/* ---- time ---- */

/* A number of that unit; of `auto` a whole one by its size, else seconds. */
static bool parse_time(td_bytes text, int unit, int64_t *out_ns) {
    static const int scale[] = {9, 9, 6, 3, 0}; /* as time_unit's choices */
    bool inexact;
    if (unit == UNIT_AUTO && td_time_parse(text, out_ns) == TD_OK) return true;
    return td_decimal_parse(text, scale[unit], out_ns, &inexact) == TD_OK;
}

static int64_t time_of(td_mapping *m, int64_t made_ns) {
    int64_t ns = made_ns;
    td_picked v = value_of(m, TIME);
    if (m->path[TIME] != NULL && v.kind == TD_PICKED_NONE) refuse(m, TIME, TD_REASON_MALFORMED, "is missing");
    if (v.kind == TD_PICKED_INSTANT) ns = v.ns;
    bool read = !is_word(&v) || parse_time(v.text, m->conf->time_unit, &ns);
    if (v.kind == TD_PICKED_OTHER || !read) refuse(m, TIME, TD_REASON_MALFORMED, "is no time of `time_unit`");
    if (ns > 0 && ns <= TD_FEED_INSTANT_MAX_NS) return ns;
    if (m->path[TIME] != NULL) refuse(m, TIME, TD_REASON_RANGE, "is not between the years 1970 and 2200");
    if (m->reason != TD_REASON_NONE) return made_ns;
    m->reason = TD_REASON_RANGE;
    (void)snprintf(m->detail, sizeof m->detail, "the record has no time of its own, and no field is the time");
    return made_ns;
}

/* ---- the event ---- */

/* "V:S" of the venue, which may be NULL, and the symbol. */
static bool intern(const td_mapping *m, const char *venue, td_bytes symbol, uint32_t *out) {
    td_naming naming = {.venue = venue, .instruments = m->instruments};
    if (venue != NULL) return td_recorded_instrument(&naming, symbol, out);
    if (!td_instrument_name_valid(symbol)) return false;
    *out = td_instruments_intern(m->instruments, symbol);
    return true;
}

static uint32_t instrument_of(td_mapping *m) {
    char venue[TD_INSTRUMENT_NAME_MAX + 1];
    uint32_t instrument = 0;
    td_bytes symbol = needed_word(m, INSTRUMENT), said = {0};
    if (m->path[VENUE] != NULL) said = needed_word(m, VENUE);
    if (m->reason != TD_REASON_NONE) return 0;
    bool good = said.size < sizeof venue && (said.size == 0 || memchr(said.data, ':', said.size) == NULL);
    (void)snprintf(venue, sizeof venue, "%.*s", good ? (int)said.size : 0, (const char *)said.data);
    good = good && intern(m, m->path[VENUE] != NULL ? venue : m->conf->venue, symbol, &instrument);
    if (good) return instrument;
    refuse(m, INSTRUMENT, TD_REASON_MALFORMED,
           m->path[VENUE] != NULL || m->conf->venue != NULL
               ? "makes no name VENUE:SYMBOL of up to 63 characters without spaces"
               : "is not as VENUE:SYMBOL, and neither `venue` nor a field says the venue");
    return 0;
}

static void read_trade(td_mapping *m, td_event *e) {
    e->kind = TD_EVENT_TRADE;
    e->trade = (td_trade){.price = needed_number(m, PRICE, TD_PRICE_SCALE),
                          .size = needed_number(m, SIZE, TD_SIZE_SCALE),
                          .trade_id = whole_of(m, TRADE_ID),
                          .side = side_of(m),
                          .exchange = code_of(m, EXCHANGE),
                          .condition = code_of(m, CONDITION)};
}

/* A side with a price may say no size; one without a price is missing. */
static void read_quote(td_mapping *m, td_event *e) {
    e->kind = TD_EVENT_QUOTE;
    e->quote = (td_quote){.bid_price = number_of(m, BID, TD_PRICE_SCALE),
                          .ask_price = number_of(m, ASK, TD_PRICE_SCALE),
                          .bid_size = TD_NONE,
                          .ask_size = TD_NONE,
                          .sequence = whole_of(m, SEQUENCE),
                          .exchange = code_of(m, EXCHANGE),
                          .condition = code_of(m, CONDITION)};
    if (e->quote.bid_price != TD_NONE) e->quote.bid_size = number_of(m, BID_SIZE, TD_SIZE_SCALE);
    if (e->quote.ask_price != TD_NONE) e->quote.ask_size = number_of(m, ASK_SIZE, TD_SIZE_SCALE);
    field either = m->path[BID] != NULL ? BID : ASK;
    if (e->quote.bid_price == TD_NONE && e->quote.ask_price == TD_NONE)
        refuse(m, either, TD_REASON_MALFORMED, "is missing, and so is the other side");
}

static void read_bar(td_mapping *m, td_event *e) {
    int64_t width_ns = m->conf->width_ns, at_ns = e->event_ns;
    bool starts = m->conf->stamps == TD_FEED_STAMPS_START;
    e->kind = TD_EVENT_VENDOR_BAR;
    e->vendor_bar = (td_vendor_bar){.width_ns = width_ns,
                                    .start_ns = starts ? at_ns : at_ns - width_ns,
                                    .open = needed_number(m, OPEN, TD_PRICE_SCALE),
                                    .high = needed_number(m, HIGH, TD_PRICE_SCALE),
                                    .low = needed_number(m, LOW, TD_PRICE_SCALE),
                                    .close = needed_number(m, CLOSE, TD_PRICE_SCALE),
                                    .volume = number_of(m, VOLUME, TD_SIZE_SCALE)};
    if (starts) e->event_ns += width_ns;
}

static void read_event(td_mapping *m, kind k, int64_t made_ns, td_event *e) {
    e->instrument = instrument_of(m);
    e->event_ns = time_of(m, made_ns);
    if (k == TRADE) read_trade(m, e);
    if (k == QUOTE) read_quote(m, e);
    if (k == BAR) read_bar(m, e);
    if (k != PRICES) return;
    e->kind = TD_EVENT_PRICE;
    e->price = (td_price){needed_number(m, PRICE, TD_PRICE_SCALE)};
}

/* KIND_COUNT: it says to be something else. */
static kind kind_of(td_mapping *m) {
    if (m->path[EVENT] == NULL) return (kind)m->conf->event;
    td_bytes word = needed_word(m, EVENT);
    int k = m->reason == TD_REASON_NONE ? meaning_of(&m->conf->events, kind_names, word) : TRADE;
    return k >= 0 && has_all(m, (kind)k) ? (kind)k : KIND_COUNT;
}

/* ---- the record ---- */

static void reject_whole(td_mapping *m, const char *why) {
    m->reason = TD_REASON_MALFORMED;
    (void)snprintf(m->detail, sizeof m->detail, "%s", why);
}

/* A zero byte, the id of the schema, the body. */
static td_status pick_avro(td_mapping *m, td_bytes record) {
    const td_avro_schema *schema;
    const char *why;
    if (record.size < FRAME_BYTES || record.data[0] != 0) {
        reject_whole(m, "the record has no schema id: a zero byte and four more are its first ones");
        return TD_OK;
    }
    td_status status = td_lexicon_find(m->lexicon, td_get_be32(record.data + 1), &schema, &why);
    if (status == TD_REJECT) reject_whole(m, why);
    if (status == TD_OK && !td_picker_read_avro(&m->picker, schema, td_bytes_from(record, FRAME_BYTES), m->picked))
        reject_whole(m, "the record is not as its schema says");
    return status == TD_REJECT ? TD_OK : status;
}

static td_status pick(td_mapping *m, td_bytes record) {
    if (m->lexicon != NULL) return pick_avro(m, record);
    if (!td_picker_read_json(&m->picker, record, m->picked)) reject_whole(m, "the record is no JSON object");
    return TD_OK;
}

td_status td_mapping_read(td_mapping *m, td_bytes record, int64_t made_ns, td_recorded *out) {
    m->flags = 0;
    m->reason = TD_REASON_NONE;
    *out = (td_recorded){.kind = TD_ITEM_EVENT, .ns_of_day = -1, .clock_ns = made_ns};
    if (record.data == NULL) { /* it deletes its key, and says nothing */
        td_recorded_ignore(out, "deleted");
        return TD_OK;
    }
    td_status status = pick(m, record);
    if (status != TD_OK) return status;
    kind k = m->reason == TD_REASON_NONE ? kind_of(m) : TRADE;
    if (k == KIND_COUNT) {
        td_recorded_ignore(out, "other");
        return TD_OK;
    }
    if (m->reason == TD_REASON_NONE) read_event(m, k, made_ns, &out->event);
    out->event.flags = m->flags;
    if (m->reason != TD_REASON_NONE) td_recorded_reject(out, m->reason, m->detail);
    if (out->kind == TD_ITEM_EVENT) out->clock_ns = out->event.event_ns;
    td_recorded_check_instants(out);
    return TD_OK;
}
