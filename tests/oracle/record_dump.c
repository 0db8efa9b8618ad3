/* tests/oracle/record_dump.c - our records for other Avro libraries to read, and theirs for us to read.
 * record_dump write COUNT  seeded records of every schema, COUNT each; a line each: schema, value in hex, JSON.
 * record_dump read         values in hex on stdin, a line each, as others encoded them; out come the values that our
 *                          own encoder makes of what we decoded, or "corrupt". */
#include "../record_again.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define DIGITS_38 ((td_i128)UINT64_C(10000000000000000000) * UINT64_C(10000000000000000000) - 1)

static td_schema_ids ids;
static uint64_t seed = 20261121;

static uint64_t dice(void) {
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (seed >> 32) * UINT64_C(0x9e3779b97f4a7c15) ^ seed >> 7;
}

/* Of all lengths alike, both signs, the extremes now and then; never TD_NONE. */
static int64_t any_long(void) {
    static const int64_t extremes[] = {0, -1, 1, 63, -64, 64, INT64_MAX, INT64_MIN + 1};
    if (dice() % 8 == 0) return extremes[dice() % 8];
    int64_t v = (int64_t)(dice() >> dice() % 64);
    return v == INT64_MIN ? 0 : dice() % 2 == 0 ? v : -v;
}
static int64_t any_optional(void) { return dice() % 4 == 0 ? TD_NONE : any_long(); }

/* Within 38 digits, as the schema says. */
static td_i128 any_i128(void) {
    const td_i128 most = DIGITS_38;
    if (dice() % 16 == 0) return dice() % 2 == 0 ? most : -most;
    td_i128 v = (td_i128)(((td_u128)dice() << 64 | dice()) >> (2 + dice() % 126));
    return dice() % 2 == 0 ? v % most : -(v % most);
}

/* Printable ASCII and some UTF-8, up to `most` bytes; the memory is one of 16 in turn. */
static td_bytes any_text(size_t most) {
    static char texts[16][1024];
    static unsigned turn;
    char *text = texts[turn++ % 16];
    size_t size = dice() % 8 == 0 ? most : dice() % (most + 1), at = 0;
    while (at < size)
        if (size - at >= 2 && dice() % 16 == 0) {
            memcpy(text + at, "\xc3\xa9", 2);
            at += 2;
        } else {
            text[at++] = (char)(' ' + dice() % 95);
        }
    return (td_bytes){(const uint8_t *)text, size};
}

static td_code any_code(void) {
    td_bytes text = any_text(TD_CODE_MAX);
    td_code c = {.size = (uint8_t)text.size};
    memcpy(c.text, text.data, text.size);
    return c;
}

/* Half of the ticks are a feed's own; the others are of some record and pass some rules. */
static void put_any_origin(td_event *e) {
    e->origin = (uint8_t)(dice() % 2 == 0 ? TD_ORIGIN_FEED : 1 + dice() % 2);
    if (e->origin == TD_ORIGIN_FEED) return;
    e->flags |= TD_FLAG_ANEW;
    e->of_epoch = any_optional();
    e->of_offset = any_optional();
    for (int r = TD_REASON_NONE + 1; r < TD_REASON_COUNT; r++)
        if (dice() % 3 == 0) e->pass |= UINT32_C(1) << r;
}

static td_book any_book(void) {
    static td_book_level levels[TD_BOOK_LEVELS_MAX];
    size_t count = dice() % 16 == 0 ? TD_BOOK_LEVELS_MAX : dice() % 6;
    for (size_t i = 0; i < count; i++) levels[i] = (td_book_level){any_long(), any_long(), (uint8_t)(dice() % 2)};
    return (td_book){any_optional(), any_optional(), dice() % 2 == 0, dice() % 2 == 0, (uint16_t)count, levels};
}

static td_event any_event(td_schema schema) {
    td_event e = {.event_ns = any_long(), .receive_ns = any_long(), .flags = (uint8_t)dice()};
    if (schema == TD_SCHEMA_TRADE || schema == TD_SCHEMA_QUOTE || schema == TD_SCHEMA_PRICE || schema == TD_SCHEMA_NEWS)
        put_any_origin(&e);
    switch (schema) {
    case TD_SCHEMA_TRADE:
        e.kind = TD_EVENT_TRADE;
        e.trade = (td_trade){any_long(), any_long(), any_optional(), (uint8_t)(dice() % 3), any_code(), any_code()};
        break;
    case TD_SCHEMA_QUOTE:
        e.kind = TD_EVENT_QUOTE;
        e.quote = (td_quote){any_optional(), any_optional(), any_optional(), any_optional(),
                             any_optional(), any_code(),     any_code()};
        break;
    case TD_SCHEMA_TIME:
        e.kind = TD_EVENT_TIME;
        e.time = (td_time_mark){any_optional(), any_long(), (uint8_t)(dice() % 4)};
        break;
    case TD_SCHEMA_FILLED:
        e.kind = TD_EVENT_FILLED;
        e.filled = (td_filled){any_long(), (uint8_t)(dice() % (TD_FILL_NONE + 1))};
        break;
    case TD_SCHEMA_CORPORATE:
        e.kind = TD_EVENT_CORPORATE;
        e.corporate = (td_corporate){(int32_t)dice(), (uint32_t)dice(), (uint32_t)dice(), (uint8_t)(dice() % 3),
                                     any_long(),      any_code(),       TD_TEXT("METV"),  TD_TEXT("desk")};
        break;
    case TD_SCHEMA_PRICE:
        e.kind = TD_EVENT_PRICE;
        e.price = (td_price){any_long()};
        break;
    case TD_SCHEMA_NEWS:
        e.kind = TD_EVENT_NEWS;
        e.news = (td_news){any_text(1000), any_text(20), any_text(100), any_text(40),
                           dice() % 4 == 0 ? NAN : ldexp((double)any_long(), (int)(dice() % 200) - 100)};
        break;
    case TD_SCHEMA_VENDOR_BAR:
        e.kind = TD_EVENT_VENDOR_BAR;
        e.vendor_bar = (td_vendor_bar){any_long(), any_long(), any_long(),     any_long(),
                                       any_long(), any_long(), any_optional(), dice() % 2 == 0};
        e.origin = dice() % 2 == 0 ? TD_ORIGIN_BACKFILL : TD_ORIGIN_FEED;
        e.of_epoch = any_long();
        break;
    case TD_SCHEMA_BOOK:
        e.kind = TD_EVENT_BOOK;
        e.book = any_book();
        break;
    default:
        e.kind = TD_EVENT_PROGRAM;
        for (size_t i = 0; i < sizeof e.program.sha256; i++) e.program.sha256[i] = (uint8_t)dice();
        e.program.warm_from = any_optional();
    }
    return e;
}

static td_bar any_bar(void) {
    return (td_bar){.start_ns = any_long(),
                    .end_ns = any_long(),
                    .width_ns = any_long(),
                    .open = any_long(),
                    .high = any_long(),
                    .low = any_long(),
                    .close = any_long(),
                    .vwap = any_long(),
                    .volume = any_i128(),
                    .notional = any_i128(),
                    .trade_count = any_long(),
                    .known_at_ns = any_long(),
                    .revision = (int32_t)any_long(),
                    .quality = (uint8_t)(dice() % (TD_QUALITY_REPAIRED + 1)),
                    .evidence = (uint8_t)(dice() % (TD_EVIDENCE_PROVEN + 1))};
}

static td_signal any_signal(void) {
    return (td_signal){.strategy = any_text(40),
                       .note = any_text(1000),
                       .reason = any_text(100),
                       .ordinal = (uint32_t)dice(),
                       .event_ns = any_long(),
                       .width_ns = any_long(),
                       .price = any_long(),
                       .target = any_long(),
                       .known_at_ns = any_long(),
                       .action = (uint8_t)(dice() % (TD_ACTION_EXIT + 1)),
                       .status = (uint8_t)(dice() % (TD_SIGNAL_WITHHELD + 1))};
}

static td_rejected any_rejected(void) {
    return (td_rejected){any_text(20),
                         any_text(200),
                         {(uint32_t)dice(), dice() >> 1, 0},
                         any_long(),
                         (uint8_t)(dice() % TD_REASON_COUNT),
                         any_text(100),
                         any_text(1000)};
}

static td_quarantined any_quarantined(void) {
    static const td_schema ticks[] = {TD_SCHEMA_TRADE, TD_SCHEMA_QUOTE, TD_SCHEMA_PRICE, TD_SCHEMA_NEWS};
    td_quarantined q = {.event = any_event(ticks[dice() % 4]),
                        .feed = any_text(20),
                        .reason = (uint8_t)(dice() % TD_REASON_COUNT),
                        .missed_count = (uint8_t)(dice() % (TD_WIDTHS_MAX + 1)),
                        .known_at_ns = any_long()};
    for (unsigned i = 0; i < q.missed_count; i++) q.missed_width_ns[i] = any_long();
    return q;
}

static td_gap any_gap(void) {
    return (td_gap){.feed = any_text(20),
                    .number = any_long(),
                    .from_ns = any_long(),
                    .to_ns = any_optional(),
                    .first_id = any_optional(),
                    .last_id = any_optional(),
                    .missing = any_optional(),
                    .filled = any_long(),
                    .known_at_ns = any_long(),
                    .reason = (uint8_t)(dice() % TD_GAP_REASON_COUNT),
                    .status = (uint8_t)(dice() % TD_GAP_STATUS_COUNT)};
}

static td_fill any_fill(void) {
    return (td_fill){.strategy = any_text(40),
                     .signal = any_text(191),
                     .event_ns = any_long(),
                     .known_at_ns = any_long(),
                     .quantity = any_i128(),
                     .price = any_long(),
                     .position = any_long(),
                     .side = (uint8_t)(TD_SIDE_BUY + dice() % 2),
                     .kind = (uint8_t)(dice() % TD_FILL_KIND_COUNT)};
}

static td_raw any_raw(void) {
    return (td_raw){.kind = (uint8_t)(dice() % TD_RAW_COUNT),
                    .receive_ns = any_long(),
                    .format = any_text(20),
                    .venue = any_text(20),
                    .address = any_text(200),
                    .bytes = any_text(1000)};
}

static void put_any(td_buf *value, td_schema schema) {
    if (schema == TD_SCHEMA_BAR) {
        td_bar bar = any_bar();
        td_record_put_bar(value, &ids, any_text(63), &bar);
    } else if (schema == TD_SCHEMA_SIGNAL) {
        td_signal signal = any_signal();
        td_record_put_signal(value, &ids, any_text(63), &signal);
    } else if (schema == TD_SCHEMA_REJECTED) {
        td_rejected rejected = any_rejected();
        td_record_put_rejected(value, &ids, &rejected);
    } else if (schema == TD_SCHEMA_QUARANTINED) {
        td_quarantined quarantined = any_quarantined();
        td_record_put_quarantined(value, &ids, any_text(63), &quarantined);
    } else if (schema == TD_SCHEMA_GAP) {
        td_gap gap = any_gap();
        td_record_put_gap(value, &ids, any_text(63), &gap);
    } else if (schema == TD_SCHEMA_FILL) {
        td_fill fill = any_fill();
        td_record_put_fill(value, &ids, any_text(63), &fill);
    } else if (schema == TD_SCHEMA_MEMBER) {
        td_member member = {(uint64_t)any_long() | 1, any_long(), (double)any_long() / 3, 4, "V:S1"};
        td_record_put_member(value, &ids, &member);
    } else if (schema >= TD_SCHEMA_PUBLISHED_TRADE) {
        static const td_schema ticks[] = {TD_SCHEMA_TRADE, TD_SCHEMA_QUOTE, TD_SCHEMA_NEWS};
        td_event event = any_event(ticks[schema - TD_SCHEMA_PUBLISHED_TRADE]);
        td_record_put_published(value, &ids, any_text(20), any_text(63), &event);
    } else if (schema == TD_SCHEMA_RAW) {
        td_raw raw = any_raw();
        td_record_put_raw(value, &ids, &raw);
    } else {
        td_event event = any_event(schema);
        td_record_put_event(value, &ids, any_text(300), &event);
    }
}

static void print_hex(td_bytes bytes) {
    for (size_t i = 0; i < bytes.size; i++) (void)printf("%02x", bytes.data[i]);
}

static void write_all(long count) {
    td_buf value = {0}, json = {0};
    for (int schema = 0; schema < TD_SCHEMA_COUNT; schema++)
        for (long i = 0; i < count; i++) {
            value.size = json.size = 0;
            put_any(&value, (td_schema)schema);
            if (!td_record_json(&ids, td_buf_bytes(&value), &json)) abort();
            (void)printf("%s ", td_schema_name((td_schema)schema));
            print_hex(td_buf_bytes(&value));
            (void)printf(" %.*s\n", (int)json.size, (const char *)json.data);
        }
    td_buf_fini(&json);
    td_buf_fini(&value);
}

/* Each line is a value in hex; what comes back is the value as we write it, or "corrupt". */
static void read_all(void) {
    char *line = NULL;
    size_t capacity = 0;
    td_buf value = {0}, again = {0};
    for (ssize_t size; (size = getline(&line, &capacity, stdin)) > 1;) {
        value.size = again.size = 0;
        for (ssize_t i = 0; i + 1 < size; i += 2) {
            const char digits[] = {line[i], line[i + 1], '\0'};
            uint8_t byte = (uint8_t)strtoul(digits, NULL, 16);
            td_buf_put(&value, &byte, 1);
        }
        if (record_again(&again, &ids, td_buf_bytes(&value)))
            print_hex(td_buf_bytes(&again));
        else
            (void)fputs("corrupt", stdout);
        (void)putchar('\n');
    }
    free(line);
    td_buf_fini(&again);
    td_buf_fini(&value);
}

int main(int argc, char **argv) {
    record_ids_init(&ids);
    if (argc == 3 && strcmp(argv[1], "write") == 0) {
        write_all(atol(argv[2]));
    } else if (argc == 2 && strcmp(argv[1], "read") == 0) {
        read_all();
    } else {
        return 2;
    }
    return 0;
}
