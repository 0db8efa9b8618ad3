/* src/schema/record_json.c - any record of ours as a line of JSON. It walks the bytes by a table of fields that repeats
 * schemas/ in its order: slow beside the codecs, and independent of them. */
#include "base/decimal.h"
#include "base/hash.h"
#include "base/json.h"
#include "schema/record_codec.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

typedef enum field_type {
    FIELD_END,
    FIELD_LONG,
    FIELD_DECIMAL,
    FIELD_TEXT,
    FIELD_ENUM,
    FIELD_LONGS,
    FIELD_HASH,
    FIELD_TEXTS,
    FIELD_FLAG,
    FIELD_LEVELS,
    FIELD_DOUBLE,
} field_type;

typedef struct field {
    const char *name;
    field_type type;
    bool optional;
    int younger;                /* records so many versions before, or more, end here; 0: none does */
    uint8_t scale;              /* DECIMAL */
    const char *const *symbols; /* ENUM: ended by NULL */
} field;

#define LONG(n)                                                                                                        \
    { .name = n, .type = FIELD_LONG }
#define LONG_OR_NULL(n)                                                                                                \
    { .name = n, .type = FIELD_LONG, .optional = true }
#define TEXT(n)                                                                                                        \
    { .name = n, .type = FIELD_TEXT }
#define YOUNGER_TEXT(n, versions)                                                                                      \
    { .name = n, .type = FIELD_TEXT, .younger = versions }
#define YOUNGER_LONG(n, versions)                                                                                      \
    { .name = n, .type = FIELD_LONG, .younger = versions }
#define TEXT_OR_NULL(n)                                                                                                \
    { .name = n, .type = FIELD_TEXT, .optional = true }
#define PRICE(n)                                                                                                       \
    { .name = n, .type = FIELD_DECIMAL, .scale = TD_PRICE_SCALE }
#define SIZE(n)                                                                                                        \
    { .name = n, .type = FIELD_DECIMAL, .scale = TD_SIZE_SCALE }
#define PRICE_OR_NULL(n)                                                                                               \
    { .name = n, .type = FIELD_DECIMAL, .scale = TD_PRICE_SCALE, .optional = true }
#define SIZE_OR_NULL(n)                                                                                                \
    { .name = n, .type = FIELD_DECIMAL, .scale = TD_SIZE_SCALE, .optional = true }
#define NOTIONAL(n)                                                                                                    \
    { .name = n, .type = FIELD_DECIMAL, .scale = TD_NOTIONAL_SCALE }

static const char *const book_symbols[] = {"bid", "ask", NULL};
static const char *const side_symbols[] = {"unknown", "buy", "sell", NULL};
static const char *const origin_symbols[] = {"feed", "release", "backfill", NULL};
static const char *const extent_symbols[] = {"whole", "part", "none", NULL};
static const char *const corporate_symbols[] = {"split", "dividend", "symbol", NULL};
static const char *const raw_symbols[] = {"opened", "message", "answer", "closed", "stopped", NULL};
static const char *const session_symbols[] = {"live", "idle", "down", "ended", NULL};

/* Why a tick was appended, since the second version of its schema. */
#define ORIGIN                                                                                                         \
    {.name = "origin", .type = FIELD_ENUM, .symbols = origin_symbols, .younger = 1}, LONG_OR_NULL("of_epoch"),         \
        LONG_OR_NULL("of_offset"), {                                                                                   \
        .name = "pass", .type = FIELD_TEXTS                                                                            \
    }

/* What the records of what was accepted begin with. */
#define PUBLISHED TEXT("feed"), TEXT("instrument"), LONG("event_time"), LONG("event_ns"), LONG("receive_ns")

enum { FIELD_COUNT_MAX = 22 };

static const field schema_fields[TD_SCHEMA_COUNT][FIELD_COUNT_MAX] = {
    [TD_SCHEMA_TRADE] = {LONG("event_ns"),
                         LONG("receive_ns"),
                         PRICE("price"),
                         SIZE("size"),
                         LONG_OR_NULL("trade_id"),
                         {.name = "side", .type = FIELD_ENUM, .symbols = side_symbols},
                         LONG("flags"),
                         TEXT("feed"),
                         TEXT("exchange"),
                         TEXT("condition"),
                         ORIGIN},
    [TD_SCHEMA_QUOTE] = {LONG("event_ns"), LONG("receive_ns"), PRICE_OR_NULL("bid_price"), SIZE_OR_NULL("bid_size"),
                         PRICE_OR_NULL("ask_price"), SIZE_OR_NULL("ask_size"), LONG_OR_NULL("sequence"), LONG("flags"),
                         TEXT("feed"), TEXT("exchange"), TEXT("condition"), ORIGIN},
    [TD_SCHEMA_TIME] = {LONG_OR_NULL("bound_ns"),
                        LONG("clock_ns"),
                        {.name = "session", .type = FIELD_ENUM, .symbols = session_symbols},
                        TEXT("feed")},
    [TD_SCHEMA_PROGRAM] = {{.name = "sha256", .type = FIELD_HASH},
                           {.name = "warm_from", .type = FIELD_LONG, .optional = true, .younger = 1}},
    [TD_SCHEMA_BAR] = {TEXT("instrument"), LONG("event_time"), LONG("event_ns"), LONG("width_ns"), LONG("start_ns"),
                       LONG("end_ns"), PRICE("open"), PRICE("high"), PRICE("low"), PRICE("close"), PRICE("vwap"),
                       SIZE("volume"), NOTIONAL("notional"), LONG("trade_count"), LONG("revision"), LONG("known_at_ns"),
                       YOUNGER_TEXT("quality", 2), TEXT("evidence"), YOUNGER_TEXT("width", 1)},
    [TD_SCHEMA_SIGNAL] = {TEXT("id"), TEXT("strategy"), TEXT("instrument"), LONG("event_time"), LONG("event_ns"),
                          LONG("width_ns"), LONG("ordinal"), TEXT("action"), SIZE("target"), TEXT("status"),
                          PRICE("price"), LONG("known_at_ns"), TEXT("note"), YOUNGER_TEXT("reason", 2),
                          YOUNGER_TEXT("data", 1)},
    [TD_SCHEMA_REJECTED] = {TEXT("feed"), TEXT("source"), LONG("file"), LONG("line"), LONG("receive_ns"),
                            TEXT("reason"), TEXT("detail"), TEXT("bytes")},
    [TD_SCHEMA_RAW] = {{.name = "kind", .type = FIELD_ENUM, .symbols = raw_symbols},
                       LONG("receive_ns"),
                       TEXT("format"),
                       TEXT("venue"),
                       TEXT("address"),
                       TEXT("bytes")},
    [TD_SCHEMA_QUARANTINED] = {TEXT("feed"),
                               TEXT("instrument"),
                               TEXT("kind"),
                               TEXT("reason"),
                               {.name = "missed_widths_ns", .type = FIELD_LONGS},
                               LONG("event_time"),
                               LONG("event_ns"),
                               LONG("receive_ns"),
                               LONG("known_at_ns"),
                               LONG("flags"),
                               PRICE_OR_NULL("price"),
                               SIZE_OR_NULL("size"),
                               LONG_OR_NULL("trade_id"),
                               TEXT_OR_NULL("side"),
                               PRICE_OR_NULL("bid_price"),
                               SIZE_OR_NULL("bid_size"),
                               PRICE_OR_NULL("ask_price"),
                               SIZE_OR_NULL("ask_size"),
                               LONG_OR_NULL("sequence"),
                               TEXT("exchange"),
                               TEXT("condition")},
    [TD_SCHEMA_FILLED] = {LONG("gap"),
                          {.name = "extent", .type = FIELD_ENUM, .symbols = extent_symbols},
                          LONG("clock_ns"),
                          TEXT("feed"),
                          YOUNGER_LONG("flags", 1)},
    [TD_SCHEMA_GAP] = {TEXT("feed"), TEXT("instrument"), LONG("number"), TEXT("status"), TEXT("reason"),
                       LONG("event_time"), LONG("event_ns"), LONG_OR_NULL("to_ns"), LONG_OR_NULL("first_id"),
                       LONG_OR_NULL("last_id"), LONG_OR_NULL("missing"), LONG("filled"), LONG("known_at_ns")},
    [TD_SCHEMA_FILL] = {TEXT("signal"), TEXT("strategy"), TEXT("instrument"), LONG("event_time"), LONG("event_ns"),
                        TEXT("side"), SIZE("quantity"), PRICE("price"), SIZE("position"), TEXT("kind"),
                        LONG("known_at_ns")},
    [TD_SCHEMA_MEMBER] = {TEXT("instrument"), LONG("section"), LONG("end_ns"), {.name = "value", .type = FIELD_DOUBLE}},
    [TD_SCHEMA_PUBLISHED_TRADE] = {PUBLISHED, PRICE("price"), SIZE("size"), LONG_OR_NULL("trade_id"), TEXT("side"),
                                   TEXT("exchange"), TEXT("condition"), LONG("flags"), TEXT("origin")},
    [TD_SCHEMA_PUBLISHED_QUOTE] = {PUBLISHED, PRICE_OR_NULL("bid_price"), SIZE_OR_NULL("bid_size"),
                                   PRICE_OR_NULL("ask_price"), SIZE_OR_NULL("ask_size"), LONG_OR_NULL("sequence"),
                                   TEXT("exchange"), TEXT("condition"), LONG("flags"), TEXT("origin")},
    [TD_SCHEMA_PUBLISHED_NEWS] = {PUBLISHED,
                                  TEXT("headline"),
                                  TEXT("source"),
                                  TEXT("url"),
                                  TEXT("id"),
                                  {.name = "sentiment", .type = FIELD_DOUBLE, .optional = true},
                                  LONG("flags"),
                                  TEXT("origin")},
    [TD_SCHEMA_CORPORATE] = {{.name = "kind", .type = FIELD_ENUM, .symbols = corporate_symbols},
                             LONG("ex_day"),
                             LONG("numerator"),
                             LONG("denominator"),
                             PRICE("amount"),
                             TEXT("currency"),
                             TEXT("symbol"),
                             TEXT("source"),
                             LONG("event_ns"),
                             LONG("receive_ns"),
                             TEXT("feed"),
                             YOUNGER_LONG("flags", 1)},
    [TD_SCHEMA_BOOK] = {LONG("event_ns"),
                        LONG("receive_ns"),
                        LONG_OR_NULL("first_sequence"),
                        LONG_OR_NULL("last_sequence"),
                        {.name = "snapshot", .type = FIELD_FLAG},
                        {.name = "more", .type = FIELD_FLAG},
                        LONG("flags"),
                        TEXT("feed"),
                        {.name = "levels", .type = FIELD_LEVELS}},
    [TD_SCHEMA_PRICE] = {LONG("event_ns"), LONG("receive_ns"), PRICE("price"), LONG("flags"), TEXT("feed"), ORIGIN},
    [TD_SCHEMA_NEWS] = {LONG("event_ns"),
                        LONG("receive_ns"),
                        TEXT("headline"),
                        TEXT("source"),
                        TEXT("url"),
                        TEXT("id"),
                        {.name = "sentiment", .type = FIELD_DOUBLE, .optional = true},
                        LONG("flags"),
                        TEXT("feed"),
                        ORIGIN},
    [TD_SCHEMA_VENDOR_BAR] = {LONG("event_ns"),
                              LONG("receive_ns"),
                              LONG("start_ns"),
                              LONG("width_ns"),
                              PRICE("open"),
                              PRICE("high"),
                              PRICE("low"),
                              PRICE("close"),
                              SIZE_OR_NULL("volume"),
                              {.name = "adjusted", .type = FIELD_FLAG},
                              LONG("flags"),
                              TEXT("feed"),
                              {.name = "origin", .type = FIELD_ENUM, .symbols = origin_symbols, .younger = 1},
                              LONG_OR_NULL("gap")},
};

static bool put_long(td_avro_reader *r, td_buf *out) {
    int64_t v;
    if (!td_avro_get_long(r, &v)) return false;
    td_buf_printf(out, "%" PRId64, v);
    return true;
}

static bool put_decimal(td_avro_reader *r, int scale, td_buf *out) {
    char text[TD_DECIMAL_TEXT_MAX];
    td_i128 m;
    if (!td_avro_get_decimal(r, &m)) return false;
    (void)td_decimal_format(m, scale, false, text);
    td_json_put_string(out, td_text(text));
    return true;
}

static bool put_symbol(td_avro_reader *r, const char *const *symbols, td_buf *out) {
    int64_t index, count = 0;
    while (symbols[count] != NULL) count++;
    if (!td_avro_get_long(r, &index) || index < 0 || index >= count) return false;
    td_json_put_string(out, td_text(symbols[index]));
    return true;
}

static bool put_text(td_avro_reader *r, td_buf *out) {
    td_bytes text;
    if (!td_avro_get_bytes(r, &text)) return false;
    td_json_put_string(out, text);
    return true;
}

/* An array in one block, as our encoders write it. */
static bool put_array(td_avro_reader *r, bool (*put_item)(td_avro_reader *r, td_buf *out), td_buf *out) {
    int64_t count = 0;
    if (!td_avro_get_long(r, &count) || count < 0) return false;
    td_buf_text(out, "[");
    for (int64_t i = 0; i < count; i++) {
        if (i > 0) td_buf_text(out, ",");
        if (!put_item(r, out)) return false;
    }
    td_buf_text(out, "]");
    return count == 0 || (td_avro_get_long(r, &count) && count == 0);
}

static bool put_level(td_avro_reader *r, td_buf *out) {
    td_buf_text(out, "{\"side\":");
    if (!put_symbol(r, book_symbols, out)) return false;
    td_buf_text(out, ",\"price\":");
    if (!put_decimal(r, TD_PRICE_SCALE, out)) return false;
    td_buf_text(out, ",\"size\":");
    bool good = put_decimal(r, TD_SIZE_SCALE, out);
    td_buf_text(out, "}");
    return good;
}

static bool put_flag(td_avro_reader *r, td_buf *out) {
    if (r->at == r->end || *r->at > 1) return false;
    td_buf_text(out, *r->at++ == 1 ? "true" : "false");
    return true;
}

static bool put_hash(td_avro_reader *r, td_buf *out) {
    char text[2 * 32 + 1];
    if (r->end - r->at < 32) return false;
    td_hex(r->at, 32, text);
    r->at += 32;
    td_json_put_string(out, td_text(text));
    return true;
}

static bool put_double(td_avro_reader *r, td_buf *out) {
    double x;
    if (r->end - r->at < (ptrdiff_t)sizeof x) return false;
    memcpy(&x, r->at, sizeof x);
    r->at += sizeof x;
    td_buf_printf(out, "%.17g", x);
    return isfinite(x);
}

static bool put_field(td_avro_reader *r, const field *f, td_buf *out) {
    bool present = true;
    td_buf_text(out, "\"");
    td_buf_text(out, f->name);
    td_buf_text(out, "\":");
    if (f->optional && !record_get_branch(r, &present)) return false;
    if (!present) {
        td_buf_text(out, "null");
        return true;
    }
    switch (f->type) {
    case FIELD_LONG:
        return put_long(r, out);
    case FIELD_DECIMAL:
        return put_decimal(r, f->scale, out);
    case FIELD_TEXT:
        return put_text(r, out);
    case FIELD_ENUM:
        return put_symbol(r, f->symbols, out);
    case FIELD_LONGS:
        return put_array(r, put_long, out);
    case FIELD_TEXTS:
        return put_array(r, put_text, out);
    case FIELD_LEVELS:
        return put_array(r, put_level, out);
    case FIELD_FLAG:
        return put_flag(r, out);
    case FIELD_HASH:
        return put_hash(r, out);
    case FIELD_DOUBLE:
        return put_double(r, out);
    case FIELD_END:
        break;
    }
    return false;
}

/* `begins`: the object up to its first field. */
static bool put_record(const td_schema_ids *ids, td_bytes value, const char *begins, td_buf *out) {
    int schema = td_record_schema(ids, value);
    td_avro_reader r = record_body(value);
    td_buf_text(out, begins);
    bool ok = true;
    for (const field *f = schema_fields[schema]; ok && f->type != FIELD_END; f++) {
        if (f->younger > 0 && record_age(ids, value) >= f->younger) break;
        if (f > schema_fields[schema]) td_buf_text(out, ",");
        ok = put_field(&r, f, out);
    }
    td_buf_text(out, "}");
    return ok && r.at == r.end;
}

bool td_record_json(const td_schema_ids *ids, td_bytes value, td_buf *out) {
    char begins[64];
    size_t before = out->size;
    int schema = td_record_schema(ids, value);
    if (schema < 0) return false;
    (void)snprintf(begins, sizeof begins, "{\"schema\":\"%s\",", td_schema_name((td_schema)schema));
    bool ok = put_record(ids, value, begins, out);
    if (!ok) out->size = before;
    return ok;
}

bool td_record_json_plain(const td_schema_ids *ids, td_bytes value, td_buf *out) {
    size_t before = out->size;
    bool ok = td_record_schema(ids, value) >= 0 && put_record(ids, value, "{", out);
    if (!ok) out->size = before;
    return ok;
}
