/* tests/unit/schema_record_test.c - goal: what goes into a record comes out of it, extremes included; and whatever
 * happens to its bytes, a reader gives a status and never leaves them. */
#include "record_json_lines.h"
#include "unit.h"
#include <float.h>
#include <math.h>
#include <stdlib.h>

#define LOW      (INT64_MIN + 1) /* INT64_MIN is TD_NONE */
#define I128_MAX ((td_i128)(~(td_u128)0 >> 1))
#define NOW_NS   INT64_C(1795239865123456789)

enum { FIRST_ID = 5 }; /* ids of the log need not begin with 1 */

static td_schema_ids ids;

static int setup(void **state) {
    (void)state;
    td_schema_ids_init(&ids);
    for (int i = 0; i < TD_SCHEMA_COUNT; i++) {
        ids.id[i] = FIRST_ID + i;
        (void)td_schema_ids_put(&ids, FIRST_ID + i, (int8_t)i);
    }
    return 0;
}

static td_code code(const char *text) {
    td_code c = {.size = (uint8_t)strlen(text)};
    memcpy(c.text, text, c.size);
    return c;
}

#define TRADE(event, receive, ...)                                                                                     \
    {                                                                                                                  \
        .kind = TD_EVENT_TRADE, .event_ns = (event), .receive_ns = (receive), .trade = { __VA_ARGS__ }                 \
    }
#define QUOTE(event, receive, ...)                                                                                     \
    {                                                                                                                  \
        .kind = TD_EVENT_QUOTE, .event_ns = (event), .receive_ns = (receive), .quote = { __VA_ARGS__ }                 \
    }
#define TIME(...)                                                                                                      \
    {                                                                                                                  \
        .kind = TD_EVENT_TIME, .time = { __VA_ARGS__ }                                                                 \
    }

enum { EVENT_COUNT = 29, FEW = 2 };

static const td_book_level few[FEW] = {{LOW, INT64_MAX, TD_BOOK_BID}, {185130000000, 0, TD_BOOK_ASK}};
static td_book_level many[TD_BOOK_LEVELS_MAX];

/* The last feed name is long enough for a length of two bytes. */
static td_bytes feed_name(size_t i);

static const td_event *events(void) {
    static td_event rows[EVENT_COUNT] = {
        TRADE(NOW_NS, NOW_NS + 1, .price = 185120000000, .size = 10000000000, .trade_id = 42, .side = TD_SIDE_BUY),
        TRADE(NOW_NS, NOW_NS + 1, .price = 1, .size = 1, .trade_id = TD_NONE),
        TRADE(LOW, LOW, .price = LOW, .size = LOW, .trade_id = LOW, .side = TD_SIDE_SELL),
        TRADE(INT64_MAX, INT64_MAX, .price = INT64_MAX, .size = INT64_MAX, .trade_id = INT64_MAX),
        TRADE(0, 0, .trade_id = TD_NONE),
        QUOTE(NOW_NS, NOW_NS, 185110000000, 10000000000, 185130000000, 20000000000, .sequence = 7),
        QUOTE(NOW_NS, NOW_NS, TD_NONE, TD_NONE, 185130000000, 20000000000, .sequence = TD_NONE),
        QUOTE(0, 0, TD_NONE, TD_NONE, TD_NONE, TD_NONE, .sequence = TD_NONE),
        QUOTE(INT64_MAX, LOW, INT64_MAX, LOW, LOW, INT64_MAX, .sequence = LOW),
        TIME(.bound_ns = NOW_NS, .clock_ns = NOW_NS, .session = TD_SESSION_ENDED),
        TIME(.bound_ns = TD_NONE, .clock_ns = LOW, .session = TD_SESSION_DOWN),
        {.kind = TD_EVENT_PROGRAM, .program = {"0123456789abcdef0123456789abcde", TD_NONE}},
        {.kind = TD_EVENT_FILLED, .event_ns = NOW_NS, .receive_ns = NOW_NS, .filled = {1, TD_FILL_WHOLE}},
        {.kind = TD_EVENT_FILLED, .event_ns = LOW, .receive_ns = LOW, .filled = {INT64_MAX, TD_FILL_NONE}},
        {.kind = TD_EVENT_CORPORATE,
         .event_ns = NOW_NS,
         .receive_ns = NOW_NS + 1,
         .corporate = {.ex_day = 16230, .numerator = 7, .denominator = 1}},
        {.kind = TD_EVENT_CORPORATE,
         .event_ns = LOW,
         .receive_ns = INT64_MAX,
         .corporate = {.ex_day = INT32_MIN,
                       .numerator = UINT32_MAX,
                       .denominator = UINT32_MAX,
                       .kind = TD_CORPORATE_DIVIDEND,
                       .amount = INT64_MAX}},
        {.kind = TD_EVENT_CORPORATE, .corporate = {.ex_day = INT32_MAX, .kind = TD_CORPORATE_SYMBOL, .amount = LOW}},
        {.kind = TD_EVENT_BOOK,
         .event_ns = NOW_NS,
         .receive_ns = LOW,
         .flags = TD_FLAG_INEXACT,
         .book = {.first_sequence = 7, .last_sequence = TD_NONE, .more = true, .level_count = FEW, .levels = few}},
        {.kind = TD_EVENT_BOOK, .book = {.first_sequence = LOW, .last_sequence = INT64_MAX, .snapshot = true}},
        {.kind = TD_EVENT_BOOK,
         .event_ns = INT64_MAX,
         .receive_ns = INT64_MAX,
         .flags = UINT8_MAX,
         .book = {INT64_MAX, LOW, true, true, TD_BOOK_LEVELS_MAX, many}},
        {.kind = TD_EVENT_PRICE, .event_ns = NOW_NS, .receive_ns = NOW_NS + 1, .price = {185120000000}},
        {.kind = TD_EVENT_PRICE, .event_ns = LOW, .receive_ns = LOW, .flags = UINT8_MAX & ~8, .price = {LOW}},
        {.kind = TD_EVENT_PRICE, .event_ns = INT64_MAX, .receive_ns = INT64_MAX, .price = {INT64_MAX}},
        {.kind = TD_EVENT_VENDOR_BAR,
         .event_ns = NOW_NS,
         .receive_ns = NOW_NS + 1,
         .origin = TD_ORIGIN_BACKFILL,
         .of_epoch = 7,
         .vendor_bar = {60, NOW_NS - 60, 86490000000, 86500000000, 86475000000, 86495000000, TD_NONE, false}},
        {.kind = TD_EVENT_VENDOR_BAR,
         .event_ns = LOW,
         .receive_ns = INT64_MAX,
         .flags = UINT8_MAX,
         .vendor_bar = {INT64_MAX, LOW, LOW, INT64_MAX, LOW, INT64_MAX, INT64_MAX, true}},
        {.kind = TD_EVENT_PROGRAM, .program = {"0123456789abcdef0123456789abcde", INT64_MAX}},
        {.kind = TD_EVENT_NEWS, .event_ns = NOW_NS, .receive_ns = NOW_NS + 1, .news = {.sentiment = -0.25}},
        {.kind = TD_EVENT_NEWS,
         .event_ns = LOW,
         .receive_ns = LOW,
         .flags = UINT8_MAX & ~8,
         .news = {.sentiment = NAN}},
        {.kind = TD_EVENT_NEWS, .event_ns = INT64_MAX, .receive_ns = INT64_MAX, .news = {.sentiment = DBL_MAX}},
    };
    rows[0].trade.exchange = code("P");
    rows[0].trade.condition = code("20002020");
    rows[2].trade.condition = rows[3].trade.exchange = code("123456789012345");
    rows[2].flags = UINT8_MAX;
    rows[3].flags = TD_FLAG_INEXACT | TD_FLAG_SUSPICIOUS;
    rows[5].quote.exchange = code("NASDAQ");
    rows[26].news.headline = TD_TEXT("Profit \"up\"");
    rows[26].news.source = TD_TEXT("wire");
    rows[26].news.id = TD_TEXT("NEWSID");
    rows[28].news.headline = rows[28].news.url = feed_name(4);
    rows[14].corporate.source = TD_TEXT("desk");
    rows[16].corporate.symbol = TD_TEXT("META");
    rows[15].corporate.currency = code("123456789012345");
    for (size_t i = 0; i < TD_BOOK_LEVELS_MAX; i++) many[i] = (td_book_level){LOW, LOW, TD_BOOK_ASK};
    rows[8].quote.exchange = rows[8].quote.condition = code("123456789012345");
    return rows;
}

static const char *const feeds[] = {"", "x", "lean", "binance-2", "a feed with a name of 300 bytes: "};

static td_bytes feed_name(size_t i) {
    static char long_name[300];
    if (i + 1 < COUNT_OF(feeds)) return td_text(feeds[i]);
    memset(long_name, 'n', sizeof long_name);
    memcpy(long_name, feeds[i], strlen(feeds[i]));
    return (td_bytes){(const uint8_t *)long_name, sizeof long_name};
}

static void same_trade(const td_trade *a, const td_trade *b) {
    assert_true(a->price == b->price && a->size == b->size && a->trade_id == b->trade_id && a->side == b->side);
    assert_memory_equal(&a->exchange, &b->exchange, sizeof a->exchange);
    assert_memory_equal(&a->condition, &b->condition, sizeof a->condition);
}
static void same_quote(const td_quote *a, const td_quote *b) {
    assert_true(a->bid_price == b->bid_price && a->bid_size == b->bid_size && a->ask_price == b->ask_price);
    assert_true(a->ask_size == b->ask_size && a->sequence == b->sequence);
    assert_memory_equal(&a->exchange, &b->exchange, sizeof a->exchange);
    assert_memory_equal(&a->condition, &b->condition, sizeof a->condition);
}
static void same_corporate(const td_corporate *a, const td_corporate *b) {
    assert_true(a->ex_day == b->ex_day && a->numerator == b->numerator && a->denominator == b->denominator);
    assert_true(a->kind == b->kind && a->amount == b->amount && a->currency.size == b->currency.size);
    assert_memory_equal(a->currency.text, b->currency.text, a->currency.size);
    assert_true(td_bytes_equal(a->symbol, b->symbol) && td_bytes_equal(a->source, b->source));
}
static void same_vendor_bar(const td_vendor_bar *a, const td_vendor_bar *b) {
    assert_true(a->width_ns == b->width_ns && a->start_ns == b->start_ns && a->adjusted == b->adjusted);
    assert_true(a->open == b->open && a->high == b->high && a->low == b->low && a->close == b->close);
    assert_true(a->volume == b->volume);
}
/* `a` was read from `value`. */
static void same_book(td_bytes value, const td_book *a, const td_book *b) {
    td_book_level levels[TD_BOOK_LEVELS_MAX];
    assert_true(a->first_sequence == b->first_sequence && a->last_sequence == b->last_sequence);
    assert_true(a->snapshot == b->snapshot && a->more == b->more && a->level_count == b->level_count);
    assert_int_equal(td_record_get_levels(value, levels), b->level_count);
    for (size_t i = 0; i < b->level_count; i++)
        assert_true(levels[i].side == b->levels[i].side && levels[i].price == b->levels[i].price &&
                    levels[i].size == b->levels[i].size);
}
static void same_news(const td_news *a, const td_news *b) {
    assert_true(td_bytes_equal(a->headline, b->headline) && td_bytes_equal(a->source, b->source));
    assert_true(td_bytes_equal(a->url, b->url) && td_bytes_equal(a->id, b->id));
    assert_true(isnan(a->sentiment) ? isnan(b->sentiment) : a->sentiment == b->sentiment);
}
static void same_event(const td_event *a, const td_event *b) {
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->flags, b->flags);
    if (a->kind == TD_EVENT_TRADE || a->kind == TD_EVENT_QUOTE || a->kind >= TD_EVENT_PRICE)
        assert_true(a->event_ns == b->event_ns && a->receive_ns == b->receive_ns);
    if (a->kind == TD_EVENT_TRADE) same_trade(&a->trade, &b->trade);
    if (a->kind == TD_EVENT_PRICE) assert_true(a->price.price == b->price.price);
    if (a->kind == TD_EVENT_VENDOR_BAR) {
        same_vendor_bar(&a->vendor_bar, &b->vendor_bar);
        assert_true(a->origin == b->origin && (a->origin == TD_ORIGIN_FEED || a->of_epoch == b->of_epoch));
    }
    if (a->kind == TD_EVENT_NEWS) same_news(&a->news, &b->news);
    if (a->kind == TD_EVENT_CORPORATE) same_corporate(&a->corporate, &b->corporate);
    if (a->kind == TD_EVENT_QUOTE) same_quote(&a->quote, &b->quote);
    if (a->kind == TD_EVENT_TIME)
        assert_true(a->time.bound_ns == b->time.bound_ns && a->time.clock_ns == b->time.clock_ns &&
                    a->time.session == b->time.session);
    if (a->kind == TD_EVENT_FILLED)
        assert_true(a->receive_ns == b->receive_ns && a->event_ns == b->receive_ns && a->filled.gap == b->filled.gap &&
                    a->filled.extent == b->filled.extent);
    if (a->kind == TD_EVENT_PROGRAM) {
        assert_memory_equal(a->program.sha256, b->program.sha256, 32);
        assert_true(a->program.warm_from == b->program.warm_from);
    }
}

/* The value alone on the heap, so that a sanitizer sees one byte too many; free() its data. */
static td_bytes alone(td_bytes value) {
    uint8_t *copy = malloc(value.size > 0 ? value.size : 1);
    if (value.size > 0) memcpy(copy, value.data, value.size);
    return (td_bytes){copy, value.size};
}

static void events_come_back(void **state) {
    static const td_schema schema_of[] = {[TD_EVENT_TRADE] = TD_SCHEMA_TRADE,
                                          [TD_EVENT_QUOTE] = TD_SCHEMA_QUOTE,
                                          [TD_EVENT_TIME] = TD_SCHEMA_TIME,
                                          [TD_EVENT_PROGRAM] = TD_SCHEMA_PROGRAM,
                                          [TD_EVENT_FILLED] = TD_SCHEMA_FILLED,
                                          [TD_EVENT_PRICE] = TD_SCHEMA_PRICE,
                                          [TD_EVENT_CORPORATE] = TD_SCHEMA_CORPORATE,
                                          [TD_EVENT_BOOK] = TD_SCHEMA_BOOK,
                                          [TD_EVENT_VENDOR_BAR] = TD_SCHEMA_VENDOR_BAR,
                                          [TD_EVENT_NEWS] = TD_SCHEMA_NEWS};
    (void)state;
    for (size_t f = 0; f < COUNT_OF(feeds); f++)
        for (size_t i = 0; i < EVENT_COUNT; i++) {
            const td_event *want = &events()[i];
            td_event got;
            td_bytes feed, want_feed = want->kind == TD_EVENT_PROGRAM ? TD_TEXT("") : feed_name(f);
            td_buf buf = {0};
            memset(&got, 0xa5, sizeof got);
            td_record_put_event(&buf, &ids, feed_name(f), want);
            td_bytes value = alone(td_buf_bytes(&buf));
            assert_int_equal(td_record_schema(&ids, value), schema_of[want->kind]);
            assert_int_equal(td_record_get_event(&ids, value, &got, &feed), TD_OK);
            same_event(&got, want);
            if (want->kind == TD_EVENT_BOOK) same_book(value, &got.book, &want->book);
            assert_int_equal(got.feed | got.instrument, 0);
            assert_true(td_bytes_equal(feed, want_feed));
            if (want->kind == TD_EVENT_TIME) assert_true(got.receive_ns == want->time.clock_ns);
            free((void *)(uintptr_t)value.data);
            td_buf_fini(&buf);
        }
}

static void the_frame_is_confluents(void **state) {
    (void)state;
    td_buf buf = {0};
    td_buf_text(&buf, "before");
    ids.id[TD_SCHEMA_TIME] = 0x01020304;
    td_record_put_event(&buf, &ids, TD_TEXT("f"), &events()[9]);
    ids.id[TD_SCHEMA_TIME] = FIRST_ID + TD_SCHEMA_TIME;
    assert_memory_equal(buf.data, "before\0\1\2\3\4\2", 12); /* appended; id big-endian; then the union's branch */
    td_buf_fini(&buf);
}

static void what_is_appended_anew_says_why(void **state) {
    (void)state;
    static const size_t rows[] = {0, 5, 20, 26};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_event want = events()[rows[i]], got;
        td_bytes feed;
        td_buf buf = {0}, json = {0};
        want.origin = TD_ORIGIN_RELEASE;
        want.of_epoch = 3;
        want.of_offset = INT64_MAX;
        want.pass = 1u << TD_REASON_OUTLIER | 1u << TD_REASON_AHEAD;
        td_record_put_event(&buf, &ids, TD_TEXT("f"), &want);
        td_bytes value = alone(td_buf_bytes(&buf));
        assert_int_equal(td_record_get_event_numbers(&ids, value, &got, &feed), TD_OK);
        assert_int_equal(got.flags, want.flags | TD_FLAG_ANEW);
        assert_int_equal(got.origin, TD_ORIGIN_RELEASE);
        assert_true(got.of_epoch == 3 && got.of_offset == INT64_MAX && got.pass == want.pass);
        assert_true(td_record_json(&ids, value, &json));
        td_buf_put(&json, "", 1);
        assert_non_null(strstr((char *)json.data,
                               "\"origin\":\"release\",\"of_epoch\":3,"
                               "\"of_offset\":9223372036854775807,\"pass\":[\"ahead\",\"outlier\"]}"));
        free((void *)(uintptr_t)value.data);
        td_buf_fini(&json);
        td_buf_fini(&buf);
    }
}

/* Logs hold ticks from before they could be appended anew, and fills and actions from before there were copies. */
static void records_of_the_first_version_are_read(void **state) {
    (void)state;
    enum { BEFORE_ID = 100 };
    static const struct {
        td_schema schema;
        size_t younger_bytes; /* 0: it has no older version */
    } rows[] = {[TD_EVENT_TRADE] = {TD_SCHEMA_TRADE, 4},
                [TD_EVENT_QUOTE] = {TD_SCHEMA_QUOTE, 4},
                [TD_EVENT_FILLED] = {TD_SCHEMA_FILLED, 1},
                [TD_EVENT_CORPORATE] = {TD_SCHEMA_CORPORATE, 1},
                [TD_EVENT_VENDOR_BAR] = {TD_SCHEMA_VENDOR_BAR, 2}};
    for (size_t i = 0; i < EVENT_COUNT; i++) {
        const td_event *want = &events()[i];
        if (want->kind >= COUNT_OF(rows) || rows[want->kind].younger_bytes == 0) continue;
        if (want->origin != TD_ORIGIN_FEED) continue;
        td_event got;
        td_bytes feed;
        td_buf buf = {0}, json = {0};
        td_record_put_event(&buf, &ids, TD_TEXT("f"), want);
        buf.size -= rows[want->kind].younger_bytes;
        assert_int_equal(td_record_get_event(&ids, td_buf_bytes(&buf), &got, &feed), TD_CORRUPT);
        buf.data[4] = (uint8_t)(BEFORE_ID + want->kind);
        (void)td_schema_ids_put(&ids, BEFORE_ID + (int32_t)want->kind,
                                (int8_t)(rows[want->kind].schema + TD_SCHEMA_BEFORE));
        td_bytes value = alone(td_buf_bytes(&buf));
        assert_int_equal(td_record_get_event(&ids, value, &got, &feed), TD_OK);
        same_event(&got, want);
        assert_int_equal(got.origin, TD_ORIGIN_FEED);
        assert_true(td_record_json(&ids, value, &json));
        free((void *)(uintptr_t)value.data);
        td_buf_fini(&json);
        td_buf_fini(&buf);
    }
}

/* Nor did programs say from where what is new in them is warmed. */
static void programs_of_the_first_version_are_read(void **state) {
    (void)state;
    enum { BEFORE_ID = 100 };
    td_event got;
    td_bytes feed;
    td_buf buf = {0};
    (void)td_schema_ids_put(&ids, BEFORE_ID, TD_SCHEMA_PROGRAM + TD_SCHEMA_BEFORE);
    td_record_put_event(&buf, &ids, TD_TEXT("f"), &events()[11]);
    buf.data[4] = BEFORE_ID;
    assert_int_equal(td_record_get_event(&ids, td_buf_bytes(&buf), &got, &feed), TD_CORRUPT);
    buf.size--;
    assert_int_equal(td_record_get_event(&ids, td_buf_bytes(&buf), &got, &feed), TD_OK);
    same_event(&got, &events()[11]);
    td_buf_fini(&buf);
}

static const td_bar bars[] = {
    {.start_ns = NOW_NS,
     .end_ns = NOW_NS + 60,
     .width_ns = 60,
     1,
     2,
     3,
     4,
     5,
     .volume = 6,
     .notional = 7,
     .trade_count = 8,
     .quality = TD_QUALITY_REPAIRED,
     .evidence = TD_EVIDENCE_PROVEN},
    {LOW, INT64_MAX, INT64_MAX, LOW, INT64_MAX, LOW, INT64_MAX, LOW, I128_MAX, -I128_MAX - 1, INT64_MAX, LOW, INT32_MAX,
     0, 0, 0},
    {INT64_MAX, LOW, LOW, INT64_MAX, LOW, INT64_MAX, LOW, INT64_MAX, -I128_MAX - 1, I128_MAX, LOW, INT64_MAX, INT32_MIN,
     0, 0, 0},
    {.start_ns = -1, .end_ns = 0, .width_ns = 1000}, /* cut by a session */
    {.start_ns = 5, .end_ns = 6, .width_ns = TD_WIDTH_VOLUME + 250000000},
    {.start_ns = -1000000, .end_ns = -1}, /* a millisecond is rounded down, not towards 0 */
};

static void bars_come_back(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bars); i++) {
        const td_bar *b = &bars[i];
        td_bar got;
        td_bytes instrument;
        td_buf buf = {0};
        td_record_put_bar(&buf, &ids, TD_TEXT("LEAN:IBM"), b);
        td_bytes value = alone(td_buf_bytes(&buf));
        assert_int_equal(td_record_get_bar(&ids, value, &got, &instrument), TD_OK);
        assert_true(td_bytes_equal(instrument, TD_TEXT("LEAN:IBM")));
        assert_true(got.start_ns == b->start_ns && got.end_ns == b->end_ns && got.width_ns == b->width_ns &&
                    got.open == b->open && got.high == b->high && got.low == b->low && got.close == b->close &&
                    got.vwap == b->vwap);
        assert_true(got.volume == b->volume && got.notional == b->notional && got.trade_count == b->trade_count &&
                    got.known_at_ns == b->known_at_ns && got.revision == b->revision && got.instrument == 0);
        assert_true(got.quality == b->quality && got.evidence == b->evidence);
        free((void *)(uintptr_t)value.data);
        td_buf_fini(&buf);
    }
}

static td_signal signal_row(unsigned i) {
    static char text[70000];
    memset(text, 's', sizeof text);
    bool big = i % 2 == 1;
    return (td_signal){
        .strategy = TD_TEXT("golden_cross"),
        .note = {(const uint8_t *)text, big ? sizeof text : 0},
        .ordinal = big ? UINT32_MAX : 1,
        .event_ns = big ? INT64_MAX : NOW_NS,
        .width_ns = big ? INT64_MAX : 60000000000,
        .price = big ? LOW : 185120000000,
        .target = big ? INT64_MAX : -100000000,
        .known_at_ns = big ? LOW : NOW_NS,
        .action = (uint8_t)(i % (TD_ACTION_EMIT + 1)),
        .status = (uint8_t)(i % (TD_SIGNAL_WITHHELD + 1)),
        .reason = big ? TD_TEXT("over the open gap 3") : TD_TEXT(""),
        .data = big ? TD_TEXT("{\"slope\":1.5}") : TD_TEXT(""),
    };
}

static void signals_come_back(void **state) {
    (void)state;
    for (unsigned i = 0; i < 15; i++) {
        td_signal s = signal_row(i), got;
        td_bytes instrument;
        td_buf buf = {0};
        td_record_put_signal(&buf, &ids, TD_TEXT("BINANCE:BTCUSDT"), &s);
        td_bytes value = alone(td_buf_bytes(&buf));
        assert_int_equal(td_record_get_signal(&ids, value, &got, &instrument), TD_OK);
        assert_true(td_bytes_equal(instrument, TD_TEXT("BINANCE:BTCUSDT")));
        assert_true(td_bytes_equal(got.strategy, s.strategy) && td_bytes_equal(got.note, s.note));
        assert_true(got.ordinal == s.ordinal && got.event_ns == s.event_ns && got.width_ns == s.width_ns);
        assert_true(got.price == s.price && got.target == s.target && got.known_at_ns == s.known_at_ns);
        assert_true(got.action == s.action && got.status == s.status && td_bytes_equal(got.reason, s.reason) &&
                    td_bytes_equal(got.data, s.data));
        free((void *)(uintptr_t)value.data);
        td_buf_fini(&buf);
    }
}

static void gaps_come_back(void **state) {
    (void)state;
    const td_gap rows[] = {
        {TD_TEXT("live"), 0, 1, NOW_NS, TD_NONE, TD_NONE, TD_NONE, TD_NONE, 0, NOW_NS, TD_GAP_SESSION, TD_GAP_OPEN},
        {TD_TEXT(""), 0, INT64_MAX, LOW, INT64_MAX, LOW, INT64_MAX, 7, LOW, LOW, TD_GAP_IDS, TD_GAP_FILLED},
        {TD_TEXT("x"), 0, 2, -1, 0, 5, 5, 1, 0, -1000000, TD_GAP_SILENCE, TD_GAP_LOST},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const td_gap *g = &rows[i];
        td_gap got;
        td_bytes instrument;
        td_buf buf = {0};
        td_record_put_gap(&buf, &ids, TD_TEXT("COINBASE:BTC-USD"), g);
        td_bytes value = alone(td_buf_bytes(&buf));
        assert_int_equal(td_record_get_gap(value, &got, &instrument), TD_OK);
        assert_true(td_bytes_equal(instrument, TD_TEXT("COINBASE:BTC-USD")) && td_bytes_equal(got.feed, g->feed));
        assert_true(got.number == g->number && got.from_ns == g->from_ns && got.to_ns == g->to_ns);
        assert_true(got.first_id == g->first_id && got.last_id == g->last_id && got.missing == g->missing);
        assert_true(got.filled == g->filled && got.known_at_ns == g->known_at_ns && got.reason == g->reason &&
                    got.status == g->status);
        free((void *)(uintptr_t)value.data);
        td_buf_fini(&buf);
    }
}

/* Bars of the first version had no quality and no evidence, of the second no width in words. */
static void older_outputs_are_read(void **state) {
    (void)state;
    static const size_t lacks[] = {sizeof "60ns", sizeof "60ns" + sizeof "complete" + sizeof "assumed"};
    td_bar bar = bars[0], got;
    td_bytes instrument;
    td_schema_ids before = ids;
    bar.quality = TD_QUALITY_COMPLETE;
    bar.evidence = TD_EVIDENCE_ASSUMED;
    for (size_t age = 0; age < COUNT_OF(lacks); age++) {
        td_buf buf = {0}, renewed = {0};
        before.schema[ids.id[TD_SCHEMA_BAR]] += TD_SCHEMA_BEFORE;
        td_record_put_bar(&buf, &ids, TD_TEXT("LEAN:IBM"), &bar);
        td_bytes value = {buf.data, buf.size - lacks[age]};
        assert_int_equal(td_record_get_bar(&ids, value, &got, &instrument), TD_CORRUPT);
        assert_int_equal(td_record_get_bar(&before, value, &got, &instrument), TD_OK);
        assert_memory_equal(&got, &bar, sizeof got);
        assert_true(td_record_renew(&renewed, &before, value));
        assert_true(td_bytes_equal(td_buf_bytes(&renewed), td_buf_bytes(&buf)));
        assert_false(td_record_renew(&renewed, &ids, td_buf_bytes(&buf))); /* it is as we write it */
        td_buf_fini(&renewed);
        td_buf_fini(&buf);
    }
}

/* The first had neither reason nor data, the second no data. */
static void signals_of_both_versions_before_are_read(void **state) {
    (void)state;
    td_signal signal = signal_row(0), read;
    td_bytes instrument;
    td_schema_ids before = ids;
    signal.reason = signal.data = (td_bytes){0};
    for (size_t age = 1; age <= 2; age++) {
        td_buf buf = {0}, renewed = {0};
        before.schema[ids.id[TD_SCHEMA_SIGNAL]] += TD_SCHEMA_BEFORE;
        td_record_put_signal(&buf, &ids, TD_TEXT("LEAN:IBM"), &signal);
        assert_true(td_record_renew(&renewed, &before, (td_bytes){buf.data, buf.size - age}));
        assert_true(td_bytes_equal(td_buf_bytes(&renewed), td_buf_bytes(&buf)));
        assert_false(td_record_renew(&renewed, &before, (td_bytes){buf.data, buf.size - age - 1}));
        assert_false(td_record_renew(&renewed, &before, (td_bytes){buf.data, buf.size - age + 1}));
        assert_int_equal(td_record_get_signal(&before, (td_bytes){buf.data, buf.size - age}, &read, &instrument),
                         TD_OK);
        assert_true(read.target == signal.target && read.reason.size == 0 && read.data.size == 0);
        td_buf_fini(&renewed);
        td_buf_fini(&buf);
    }
}

static void rejected_come_back(void **state) {
    (void)state;
    static uint8_t bytes[65536];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)i;
    const td_rejected rows[] = {
        {.reason = TD_REASON_NONE},
        {feed_name(2),
         TD_TEXT("20131007_trade.zip"),
         {3, 17, 0},
         NOW_NS,
         TD_REASON_RANGE,
         TD_TEXT("1e30"),
         {bytes, 100}},
        {feed_name(4), feed_name(4), {UINT32_MAX, INT64_MAX, 0}, LOW, TD_REASON_OVERFLOW, feed_name(4), {bytes, 65536}},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const td_rejected *x = &rows[i];
        td_rejected got;
        td_buf buf = {0};
        td_record_put_rejected(&buf, &ids, x);
        td_bytes value = alone(td_buf_bytes(&buf));
        assert_int_equal(td_record_get_rejected(value, &got), TD_OK);
        assert_true(td_bytes_equal(got.feed, x->feed) && td_bytes_equal(got.source, x->source));
        assert_true(td_bytes_equal(got.detail, x->detail) && td_bytes_equal(got.bytes, x->bytes));
        assert_true(got.position.file == x->position.file && got.position.line == x->position.line);
        assert_true(got.receive_ns == x->receive_ns && got.reason == x->reason);
        free((void *)(uintptr_t)value.data);
        td_buf_fini(&buf);
    }
}

/* The i-th of `events`, a tick, refused for every reason and with every number of widths in turn. */
static td_quarantined quarantined_row(size_t i) {
    td_quarantined q = {.event = events()[i], .feed = feed_name(i % COUNT_OF(feeds)), .known_at_ns = NOW_NS};
    q.reason = (uint8_t)(i % TD_REASON_COUNT);
    q.missed_count = (uint8_t)(i % (TD_WIDTHS_MAX + 1));
    for (unsigned w = 0; w < q.missed_count; w++) q.missed_width_ns[w] = w % 2 == 0 ? INT64_MAX : LOW;
    return q;
}

static const size_t ticks[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 20, 21, 22}; /* of `events`, those that can be quarantined */

/* What differs in the version before is the description alone: its bytes are ours but for the id. */
static void older_refusals_are_read(void **state) {
    (void)state;
    enum { BEFORE_ID = 100 };
    td_quarantined q = quarantined_row(2), got;
    td_bytes instrument;
    td_buf older = {0}, renewed = {0};
    td_schema_ids before = ids;
    before.id[TD_SCHEMA_QUARANTINED] = BEFORE_ID;
    (void)td_schema_ids_put(&before, BEFORE_ID, TD_SCHEMA_QUARANTINED + TD_SCHEMA_BEFORE);
    td_record_put_quarantined(&older, &before, TD_TEXT("LEAN:IBM"), &q);
    assert_int_equal(td_record_get_quarantined(&before, td_buf_bytes(&older), &got, &instrument), TD_OK);
    before.id[TD_SCHEMA_QUARANTINED] = ids.id[TD_SCHEMA_QUARANTINED];
    assert_true(td_record_renew(&renewed, &before, td_buf_bytes(&older)));
    assert_int_equal(td_record_get_quarantined(&ids, td_buf_bytes(&renewed), &got, &instrument), TD_OK);
    same_event(&got.event, &q.event);
    assert_memory_equal(renewed.data + 5, older.data + 5, older.size - 5);
    assert_false(td_record_renew(&renewed, &before, td_buf_bytes(&renewed))); /* it is as we write it */
    td_buf_fini(&renewed);
    td_buf_fini(&older);
}

static void quarantined_come_back(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(ticks); i++) {
        td_quarantined q = quarantined_row(ticks[i]), got;
        td_bytes instrument;
        td_buf buf = {0};
        td_record_put_quarantined(&buf, &ids, TD_TEXT("LEAN:IBM"), &q);
        td_bytes value = alone(td_buf_bytes(&buf));
        assert_int_equal(td_record_get_quarantined(&ids, value, &got, &instrument), TD_OK);
        same_event(&got.event, &q.event);
        assert_true(td_bytes_equal(got.feed, q.feed) && td_bytes_equal(instrument, TD_TEXT("LEAN:IBM")));
        assert_true(got.reason == q.reason && got.missed_count == q.missed_count && got.known_at_ns == q.known_at_ns);
        assert_memory_equal(got.missed_width_ns, q.missed_width_ns, sizeof q.missed_width_ns);
        free((void *)(uintptr_t)value.data);
        td_buf_fini(&buf);
    }
}

/* Every reader over the bytes, whatever they claim to be. How many took them. */
static int read_all(td_bytes value) {
    td_event event;
    td_bar bar;
    td_signal signal;
    td_rejected rejected;
    td_quarantined quarantined;
    td_bytes text, instrument;
    td_gap gap;
    td_fill fill;
    td_raw raw;
    int taken = 0;
    taken += td_record_get_event(&ids, value, &event, &text) == TD_OK;
    taken += td_record_get_bar(&ids, value, &bar, &text) == TD_OK;
    taken += td_record_get_signal(&ids, value, &signal, &text) == TD_OK;
    taken += td_record_get_rejected(value, &rejected) == TD_OK;
    taken += td_record_get_quarantined(&ids, value, &quarantined, &text) == TD_OK;
    taken += td_record_get_gap(value, &gap, &text) == TD_OK;
    taken += td_record_get_fill(value, &fill, &text) == TD_OK;
    td_member member;
    taken += td_record_get_raw(value, &raw) == TD_OK;
    taken += td_record_get_published(&ids, value, &event, &text, &instrument) == TD_OK;
    taken += td_record_get_member(&ids, value, &member) == TD_OK;
    return taken;
}

/* One value of each schema, small enough to try every bit. */
static td_buf sample(int schema) {
    static const size_t event_of[] = {
        [TD_SCHEMA_TRADE] = 0,       [TD_SCHEMA_QUOTE] = 6,      [TD_SCHEMA_TIME] = 9,  [TD_SCHEMA_PROGRAM] = 11,
        [TD_SCHEMA_FILLED] = 12,     [TD_SCHEMA_CORPORATE] = 14, [TD_SCHEMA_BOOK] = 17, [TD_SCHEMA_PRICE] = 20,
        [TD_SCHEMA_VENDOR_BAR] = 23, [TD_SCHEMA_NEWS] = 26};
    td_buf buf = {0};
    td_signal signal = signal_row(0);
    td_quarantined quarantined = quarantined_row(2);
    td_rejected rejected = {feed_name(2),    TD_TEXT("a.zip"), {3, 17, 0},  NOW_NS,
                            TD_REASON_RANGE, TD_TEXT("1e30"),  TD_TEXT("x")};
    if (schema <= TD_SCHEMA_PROGRAM || schema == TD_SCHEMA_FILLED ||
        (schema >= TD_SCHEMA_CORPORATE && schema < TD_SCHEMA_RAW) || schema == TD_SCHEMA_NEWS)
        td_record_put_event(&buf, &ids, feed_name(2), &events()[event_of[schema]]);
    if (schema == TD_SCHEMA_BAR) td_record_put_bar(&buf, &ids, TD_TEXT("LEAN:IBM"), &bars[0]);
    if (schema == TD_SCHEMA_SIGNAL) td_record_put_signal(&buf, &ids, TD_TEXT("LEAN:IBM"), &signal);
    if (schema == TD_SCHEMA_REJECTED) td_record_put_rejected(&buf, &ids, &rejected);
    if (schema == TD_SCHEMA_QUARANTINED) td_record_put_quarantined(&buf, &ids, TD_TEXT("LEAN:IBM"), &quarantined);
    td_gap gap = {.feed = feed_name(2), .number = 3, .from_ns = NOW_NS, .to_ns = TD_NONE};
    td_fill fill = {.strategy = TD_TEXT("cross"), .signal = TD_TEXT("cross/T#1"), .side = TD_SIDE_BUY};
    td_raw raw = {TD_RAW_OPENED, NOW_NS, feed_name(2), TD_TEXT("LEAN"), TD_TEXT("ws://x"), TD_TEXT("x")};
    if (schema == TD_SCHEMA_RAW) td_record_put_raw(&buf, &ids, &raw);
    if (schema == TD_SCHEMA_FILL) td_record_put_fill(&buf, &ids, TD_TEXT("LEAN:IBM"), &fill);
    td_member member = {UINT64_MAX, NOW_NS, -0.5, 3, "L:I"};
    if (schema == TD_SCHEMA_MEMBER) td_record_put_member(&buf, &ids, &member);
    static const size_t published[] = {0, 6, 26};
    if (schema >= TD_SCHEMA_PUBLISHED_TRADE)
        td_record_put_published(&buf, &ids, feed_name(2), TD_TEXT("LEAN:IBM"),
                                &events()[published[schema - TD_SCHEMA_PUBLISHED_TRADE]]);
    if (schema == TD_SCHEMA_GAP) td_record_put_gap(&buf, &ids, TD_TEXT("LEAN:IBM"), &gap);
    return buf;
}

static void cut_and_grown_values_are_corrupt(void **state) {
    (void)state;
    for (int schema = 0; schema < TD_SCHEMA_COUNT; schema++) {
        td_buf buf = sample(schema), json = {0};
        assert_int_equal(read_all(td_buf_bytes(&buf)), 1);
        assert_true(td_record_json(&ids, td_buf_bytes(&buf), &json));
        size_t json_size = json.size;
        td_buf_put(&buf, "", 1);
        assert_int_equal(read_all(td_buf_bytes(&buf)), 0);
        assert_false(td_record_json(&ids, td_buf_bytes(&buf), &json));
        for (size_t size = 0; size + 1 < buf.size; size++) {
            td_bytes value = alone((td_bytes){buf.data, size});
            assert_int_equal(read_all(value), 0);
            assert_false(td_record_json(&ids, value, &json));
            assert_int_equal(json.size, json_size);
            free((void *)(uintptr_t)value.data);
        }
        td_buf_fini(&json);
        td_buf_fini(&buf);
    }
}

/* Any value of any byte: TD_CORRUPT, or a value that can be written again; a sanitizer watches the rest. */
static void flipped_bytes_are_corrupt_or_a_value(void **state) {
    (void)state;
    for (int schema = 0; schema < TD_SCHEMA_COUNT; schema++) {
        td_buf buf = sample(schema), json = {0};
        td_bytes value = alone(td_buf_bytes(&buf));
        uint8_t *bytes = (uint8_t *)(uintptr_t)value.data;
        for (size_t i = 0; i < value.size; i++)
            for (unsigned flip = 1; flip < 256; flip++) {
                td_event event;
                td_bytes feed;
                td_book_level levels[TD_BOOK_LEVELS_MAX];
                bytes[i] = (uint8_t)(buf.data[i] ^ flip);
                (void)read_all(value);
                (void)td_record_json(&ids, value, &json);
                json.size = 0;
                bool good = td_record_get_event(&ids, value, &event, &feed) == TD_OK;
                if (good && event.kind == TD_EVENT_BOOK) {
                    assert_int_equal(td_record_get_levels(value, levels), event.book.level_count);
                    event.book.levels = levels;
                }
                if (good) td_record_put_event(&json, &ids, feed, &event);
                json.size = 0;
                bytes[i] = buf.data[i];
            }
        free(bytes);
        td_buf_fini(&json);
        td_buf_fini(&buf);
    }
}

static void what_we_cannot_have_written_is_corrupt(void **state) {
    (void)state;
    static const struct {
        td_schema schema;
        const char *find, *put; /* in the sample: bytes, and what to make of them */
        size_t size;
    } rows[] = {
        {TD_SCHEMA_TRADE, "\x54\x02\x00\x08lean", "\x54\x06\x00\x08lean", 8},        /* side 3 */
        {TD_SCHEMA_TRADE, "\x54\x02\x00\x08lean", "\x54\x01\x00\x08lean", 8},        /* side -1 */
        {TD_SCHEMA_TRADE, "\x02\x00\x08lean", "\x02\x01\x08lean", 7},                /* flags -1 */
        {TD_SCHEMA_TRADE, "lean\x02P", "lean\x20P", 6},                              /* a code of 16 bytes */
        {TD_SCHEMA_QUOTE, "\x00\x00\x08lean", "\x04\x00\x08lean", 7},                /* a third branch */
        {TD_SCHEMA_TIME, "\x06\x08lean", "\x08\x08lean", 6},                         /* session 4 */
        {TD_SCHEMA_BOOK, "\x00\x01\x02\x08lean\x04", "\x00\x02\x02\x08lean\x04", 9}, /* neither more nor not */
        {TD_SCHEMA_BOOK, "lean\x04\x00", "lean\x03\x00", 6},                         /* -2 levels */
        {TD_SCHEMA_BOOK, "lean\x04\x00", "lean\x04\x04", 6},                         /* a third side */
        {TD_SCHEMA_SIGNAL, "\006buy", "\006bux", 4},                                 /* no such action */
        {TD_SCHEMA_SIGNAL, "\012fresh", "\012Fresh", 6},                             /* no such status */
        {TD_SCHEMA_REJECTED, "\012range", "\012ranke", 6},                           /* no such reason */
        {TD_SCHEMA_REJECTED, "\012a.zip\x06", "\012a.zip\x05", 7},                   /* file -3 */
        {TD_SCHEMA_QUARANTINED, "\012trade", "\012quote", 6},                        /* a quote with a side */
        {TD_SCHEMA_QUARANTINED, "\010sell", "\010cell", 5},                          /* no such side */
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_buf buf = sample((int)rows[i].schema);
        uint8_t *at = memmem(buf.data, buf.size, rows[i].find, rows[i].size);
        assert_non_null(at);
        memcpy(at, rows[i].put, rows[i].size);
        assert_int_equal(read_all(td_buf_bytes(&buf)), 0);
        td_buf_fini(&buf);
    }
}

/* A bar whose doubled statements differ: each of the five longs behind the instrument, one up. The start is said once.
 */
static void contradictions_are_corrupt(void **state) {
    (void)state;
    td_buf buf = sample(TD_SCHEMA_BAR);
    size_t at = 5 + 1 + strlen("LEAN:IBM");
    for (int i = 0; i < 5; i++) {
        enum { START = 3 };
        buf.data[at] ^= 2;
        assert_int_equal(read_all(td_buf_bytes(&buf)), i == START);
        buf.data[at] ^= 2;
        while (buf.data[at++] >= 0x80) {}
    }
    assert_int_equal(read_all(td_buf_bytes(&buf)), 1);
    td_buf_fini(&buf);
}

static void unknown_ids_are_refused(void **state) {
    (void)state;
    static const uint8_t values[][6] = {{0, 0, 0, 0, 4},
                                        {0, 0, 0, 0, FIRST_ID + TD_SCHEMA_COUNT},
                                        {0, 0, 0, 4, 0},
                                        {0, 255, 255, 255, 255},
                                        {1, 0, 0, 0, FIRST_ID}};
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        td_buf json = {0};
        td_event event;
        td_bytes feed, value = {values[i], sizeof values[i]};
        assert_int_equal(td_record_schema(&ids, value), -1);
        assert_int_equal(td_record_get_event(&ids, value, &event, &feed), TD_CORRUPT);
        assert_false(td_record_json(&ids, value, &json));
        td_buf_fini(&json);
    }
}

static void json_reads_like_the_schema(void **state) {
    (void)state;
    for (int schema = 0; schema < TD_SCHEMA_COUNT; schema++) {
        td_buf buf = sample(schema), json = {0};
        assert_true(td_record_json(&ids, td_buf_bytes(&buf), &json));
        td_buf_put(&json, "", 1);
        assert_string_equal((const char *)json.data, json_lines[schema]);
        td_buf_fini(&json);
        td_buf_fini(&buf);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_come_back),
        cmocka_unit_test(what_is_appended_anew_says_why),
        cmocka_unit_test(records_of_the_first_version_are_read),
        cmocka_unit_test(the_frame_is_confluents),
        cmocka_unit_test(bars_come_back),
        cmocka_unit_test(signals_come_back),
        cmocka_unit_test(gaps_come_back),
        cmocka_unit_test(programs_of_the_first_version_are_read),
        cmocka_unit_test(older_outputs_are_read),
        cmocka_unit_test(signals_of_both_versions_before_are_read),
        cmocka_unit_test(rejected_come_back),
        cmocka_unit_test(older_refusals_are_read),
        cmocka_unit_test(quarantined_come_back),
        cmocka_unit_test(cut_and_grown_values_are_corrupt),
        cmocka_unit_test(flipped_bytes_are_corrupt_or_a_value),
        cmocka_unit_test(what_we_cannot_have_written_is_corrupt),
        cmocka_unit_test(contradictions_are_corrupt),
        cmocka_unit_test(unknown_ids_are_refused),
        cmocka_unit_test(json_reads_like_the_schema),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
