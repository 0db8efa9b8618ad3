/* bench/json_bench.c - a venue's JSON frames to events, and on to the tape: our decoder, or simdjson with the same
 * fields read and the same numbers made of them. Frames lie in memory as a socket would have left them.
 *
 * usage: json_bench tapedeck|simdjson FOLDER [FRAMES]     the folder must be new; one line of JSON */
#include "base/time.h"
#include "bench.h"
#include "feed/venue.h"
#include "flow/ingest.h"
#include "log/log_segment.h"
#ifdef HAVE_SIMDJSON
#include "simdjson_frame.h"
#endif

enum { FRAME_BYTES_MAX = 512, PADDING_BYTES = 64, PARTITIONS = 8 };

typedef struct frame {
    size_t begin, size;
    int64_t receive_ns;
} frame;

typedef struct source { /* the feed: frames by one of the decoders */
    char *bytes;
    size_t used;
    frame *frames;
    int64_t count, next;
    _Alignas(max_align_t) uint8_t decoder[TD_VENUE_STATE_MAX];
    td_symbols symbols; /* of the other side */
    void *parser;       /* simdjson's; NULL: ours */
} source;

static void require(td_status status, const char *what) { bench_require("json_bench", status, what); }

/* ---- the frames: a seeded market in the shape of Binance's combined streams ---- */

static int put_price(char *out, int64_t price_m) {
    return sprintf(out, "%" PRId64 ".%08" PRId64, price_m / 1000000000, price_m % 1000000000 / 10);
}

static int put_size(char *out, int64_t size_m) {
    return sprintf(out, "%" PRId64 ".%08" PRId64, size_m / 100000000, size_m % 100000000);
}

static size_t put_trade(char *out, const char *symbol, const td_event *e) {
    char price[32], size[32];
    (void)put_price(price, e->trade.price);
    (void)put_size(size, e->trade.size);
    return (size_t)sprintf(out,
                           "{\"stream\":\"%s@trade\",\"data\":{\"e\":\"trade\",\"E\":%" PRId64
                           ",\"s\":\"%s\",\"t\":%" PRId64 ",\"p\":\"%s\",\"q\":\"%s\",\"T\":%" PRId64
                           ",\"m\":%s,\"M\":true}}",
                           symbol, e->receive_ns / TD_NS_PER_MS, symbol, e->trade.trade_id, price, size,
                           e->event_ns / TD_NS_PER_MS, e->trade.side == TD_SIDE_SELL ? "true" : "false");
}

static size_t put_quote(char *out, const char *symbol, const td_event *e) {
    char prices[2][32], sizes[2][32];
    (void)put_price(prices[0], e->quote.bid_price);
    (void)put_price(prices[1], e->quote.ask_price);
    (void)put_size(sizes[0], e->quote.bid_size);
    (void)put_size(sizes[1], e->quote.ask_size);
    return (size_t)sprintf(out,
                           "{\"stream\":\"%s@bookTicker\",\"data\":{\"u\":%" PRId64
                           ",\"s\":\"%s\",\"b\":\"%s\",\"B\":\"%s\",\"a\":\"%s\",\"A\":\"%s\"}}",
                           symbol, e->quote.sequence, symbol, prices[0], sizes[0], prices[1], sizes[1]);
}

static void make_frames(source *s) {
    td_instruments *instruments = td_instruments_new();
    td_feed_conf conf = {0};
    td_feed_item item;
    void *feed;
    td_options_init(td_feed_simulated.options, &conf);
    require(td_feed_simulated.open(&feed, &td_os_posix, &conf, instruments), "open the market");
    s->bytes = td_alloc((size_t)s->count * FRAME_BYTES_MAX / 2 + FRAME_BYTES_MAX + PADDING_BYTES);
    s->frames = td_alloc((size_t)s->count * sizeof *s->frames);
    for (int64_t i = 0; i < s->count;) {
        require(td_feed_simulated.next(feed, &item), "read the market");
        const td_event *e = &item.event;
        bool quote = e->kind == TD_EVENT_QUOTE;
        if (item.kind != TD_ITEM_EVENT || (quote && (e->quote.bid_price == TD_NONE || e->quote.ask_price == TD_NONE)))
            continue;
        const char *symbol = (const char *)td_instruments_name(instruments, e->instrument).data + strlen("SIM:");
        char *out = s->bytes + s->used;
        s->frames[i++] = (frame){s->used, quote ? put_quote(out, symbol, e) : put_trade(out, symbol, e), e->receive_ns};
        s->used += s->frames[i - 1].size;
    }
    td_feed_simulated.close(feed);
    td_options_fini(td_feed_simulated.options, &conf);
    td_instruments_free(instruments);
}

/* ---- two decoders ---- */

#ifdef HAVE_SIMDJSON
static td_bytes bytes_of(frame_text text) { return (td_bytes){(const uint8_t *)text.data, text.size}; }

static bool read_numbers(const frame_fields *f, td_event *e) {
    int64_t *of_trade[] = {&e->trade.price, &e->trade.size};
    int64_t *of_quote[] = {&e->quote.bid_price, &e->quote.bid_size, &e->quote.ask_price, &e->quote.ask_size};
    int64_t **out = f->is_trade ? of_trade : of_quote;
    for (int i = 0; i < (f->is_trade ? 2 : 4); i++) {
        int scale = i % 2 == 0 ? TD_PRICE_SCALE : TD_SIZE_SCALE;
        if (td_recorded_number(bytes_of(f->numbers[i]), scale, out[i], &e->flags) != TD_REASON_NONE) return false;
    }
    return true;
}

static bool decode_by_simdjson(source *s, const frame *f, td_event *e) {
    frame_fields fields;
    if (simdjson_read(s->parser, s->bytes + f->begin, f->size, &fields) != 0) return false;
    *e = (td_event){.event_ns = f->receive_ns};
    if (fields.is_trade) {
        e->kind = TD_EVENT_TRADE;
        e->trade = (td_trade){.trade_id = fields.id, .side = fields.maker_buys ? TD_SIDE_SELL : TD_SIDE_BUY};
        e->event_ns = fields.time * TD_NS_PER_MS;
    } else {
        e->kind = TD_EVENT_QUOTE;
        e->quote = (td_quote){.sequence = fields.id};
        e->flags = TD_FLAG_TIME_RECEIVE;
    }
    return read_numbers(&fields, e) && td_symbols_find(&s->symbols, bytes_of(fields.symbol), &e->instrument);
}
#endif

static bool decode_by_ours(source *s, const frame *f, td_event *e) {
    static td_recorded recorded; /* one for all, as a recording's */
    td_bytes json = {(const uint8_t *)s->bytes + f->begin, f->size};
    td_venue_binance.decode(s->decoder, json, f->receive_ns, &recorded);
    *e = recorded.event;
    return recorded.kind == TD_ITEM_EVENT;
}

static bool decode(source *s, const frame *f, td_event *e) {
#ifdef HAVE_SIMDJSON
    if (s->parser != NULL) return decode_by_simdjson(s, f, e);
#endif
    return decode_by_ours(s, f, e);
}

/* ---- measuring ---- */

/* Everything of every event goes into it: both sides must print the same. */
static uint64_t mix(uint64_t sum, const td_event *e) {
    uint64_t numbers = (uint64_t)e->event_ns ^ e->kind ^ (uint64_t)e->flags << 8 ^ (uint64_t)e->instrument << 16;
    if (e->kind == TD_EVENT_TRADE)
        numbers ^= (uint64_t)(e->trade.price * 3 + e->trade.size * 5 + e->trade.trade_id * 7 + e->trade.side);
    else
        numbers ^= (uint64_t)(e->quote.bid_price * 3 + e->quote.bid_size * 5 + e->quote.ask_price * 7 +
                              e->quote.ask_size * 11 + e->quote.sequence);
    return sum * 31 + numbers;
}

static double decode_all(source *s, uint64_t *out_sum) {
    td_event e;
    uint64_t sum = 0;
    int64_t from_ns = bench_now_ns();
    for (int64_t i = 0; i < s->count; i++) {
        if (!decode(s, &s->frames[i], &e)) bench_die("json_bench", "decode", s->bytes + s->frames[i].begin);
        sum = mix(sum, &e);
    }
    *out_sum = sum;
    return (double)(bench_now_ns() - from_ns) / 1e9;
}

static td_status next_frame(void *feed, td_feed_item *out) {
    source *s = feed;
    if (s->next == s->count) {
        out->kind = TD_ITEM_END;
        return TD_OK;
    }
    const frame *f = &s->frames[s->next++];
    *out = (td_feed_item){.kind = TD_ITEM_EVENT, .clock_ns = f->receive_ns, .position = {.line = (uint64_t)s->next}};
    if (!decode(s, f, &out->event)) bench_die("json_bench", "decode", s->bytes + f->begin);
    out->event.receive_ns = f->receive_ns;
    return TD_OK;
}

static void close_nothing(void *feed) { (void)feed; }

/* The way of every run from here on: merge, routes, batches, appends. */
static double append_all(source *s, td_instruments *instruments, const char *dir) {
    static const td_option options[] = {{0}};
    static const td_feed_ops ops = {.format = "frames", .options = options, .next = next_frame, .close = close_nothing};
    static char name[] = "frames";
    td_bytes names[] = {td_text(name)};
    td_feed_conf feed_conf = {.name = name, .ratio = 1, .lateness_ns = TD_NS_PER_S, .max_delay_ns = TD_NS_PER_S};
    td_topics topics = {0};
    td_ingest *ingest;
    td_log *log;
    require(td_log_segment_open(&log, &td_os_posix, &(td_log_conf){.dir = dir}, NULL, NULL), "open the log");
    require(td_topics_open(&topics, log, PARTITIONS, 0), "open the topics");
    td_merge *merge = td_merge_new(instruments, PARTITIONS);
    td_live *live = td_live_new(&td_os_posix, instruments, PARTITIONS, NULL, NULL); /* without feeds */
    td_merge_add(merge, 0, &ops, s, &feed_conf);
    td_ingest_conf conf = {.os = &td_os_posix,
                           .topics = &topics,
                           .merge = merge,
                           .live = live,
                           .instruments = instruments,
                           .feed_names = names,
                           .batch_bytes = 128 * 1024};
    require(td_ingest_open(&ingest, &conf), "open ingest");
    int64_t from_ns = bench_now_ns();
    while (!td_ingest_ended(ingest)) (void)td_ingest_step(ingest);
    double seconds = (double)(bench_now_ns() - from_ns) / 1e9;
    int64_t events = 0;
    for (uint32_t p = 0; p < PARTITIONS; p++) events += td_topic_end(topics.tape, p);
    if (events < s->count) bench_die("json_bench", dir, "not every frame came to the tape");
    td_ingest_close(ingest);
    td_live_free(live);
    td_merge_free(merge);
    td_topics_close(&topics);
    td_log_close(log);
    return seconds;
}

int main(int argc, char **argv) {
    if (argc < 3) bench_die("json_bench", "usage", "json_bench tapedeck|simdjson FOLDER [FRAMES]");
    source s = {.count = argc > 3 ? strtoll(argv[3], NULL, 10) : 1000000};
    td_instruments *instruments = td_instruments_new();
    const char *version = "tapedeck " TD_VERSION;
    s.symbols.naming = (td_naming){.venue = "BINANCE", .instruments = instruments};
    td_venue_binance.begin(s.decoder, &s.symbols.naming, (td_bytes){0});
    make_frames(&s);
#ifdef HAVE_SIMDJSON
    if (strcmp(argv[1], "simdjson") == 0) {
        if (simdjson_padding() > PADDING_BYTES) bench_die("json_bench", "simdjson", "wants more padding");
        s.parser = simdjson_open();
        version = simdjson_about();
    }
#endif
    uint64_t sum, again;
    (void)decode_all(&s, &sum); /* memory and instruments are there now */
    double decode_s = decode_all(&s, &again), append_s = append_all(&s, instruments, argv[2]);
    if (sum != again) bench_die("json_bench", "decode", "the same frames gave other events");
    (void)printf("{\"frames\":%" PRId64 ",\"frame_bytes\":%.1f,\"decode_s\":%.4f,\"append_s\":%.4f,"
                 "\"checksum\":%" PRIu64 ",\"version\":\"%s\"}\n",
                 s.count, (double)s.used / (double)s.count, decode_s, append_s, sum, version);
#ifdef HAVE_SIMDJSON
    if (s.parser != NULL) simdjson_close(s.parser);
#endif
    free(s.frames);
    free(s.bytes);
    td_instruments_free(instruments);
    return 0;
}
