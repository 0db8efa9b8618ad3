/* bench/hand_loop.c - the loop one would write by hand for one question: the yardstick that replay is measured with.
 *
 * Reads the tape's segments in chunks, checks each batch's CRC-32C, decodes the numbers of every tick, and keeps
 * 1-minute bars with VWAP and two moving averages per instrument; of quotes it keeps sums, so that they are read. No
 * schemas, no watermarks, no late events, no snapshot, nothing appended: all that a platform adds is absent here.
 * Shares only base/ with it.
 *
 * usage: hand_loop DATA         prints {"ticks":…, "trades":…, "bars":…, "seconds":…, …}
 *        hand_loop --csv DATA   prints every tick as a row instead, for other systems */
#include "base/decimal.h"
#include "base/hash.h"
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <lz4frame.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
    CHUNK_BYTES = 512 << 10, /* stays in the cache next to the processor */
    BATCH_HEADER_BYTES = 61,
    CODEC_LZ4 = 3,
    INSTRUMENTS_MAX = 4096, /* power of two, twice what a day has */
    SCHEMA_TRADE = 1,       /* the registry numbers our schemas from 1 on, trades and quotes first */
    SCHEMA_QUOTE = 2,
    FAST = 20,
    SLOW = 50,
};
#define MINUTE_NS INT64_C(60000000000)

typedef struct average { /* of the last `length` closes, in scaled integers: exact, so it may subtract */
    int64_t ring[SLOW], sum;
    uint32_t length, count;
} average;

typedef struct instrument {
    char name[64];
    size_t name_size;
    int64_t end_ns; /* of the open bar; 0: none */
    int64_t open, high, low, close, volume, trade_count;
    td_i128 notional;
    average fast, slow;
    bool above; /* fast over slow at the last bar */
} instrument;

typedef struct totals { /* of everything computed, so that no compiler can leave it out */
    int64_t ticks, trades, bars, crossings;
    uint64_t checksum, quotes[4];
} totals;

static instrument instruments[INSTRUMENTS_MAX];
static totals total;
static bool as_csv;

static _Noreturn void die(const char *what) {
    (void)fprintf(stderr, "hand_loop: %s\n", what);
    exit(1);
}

static int64_t get_varint(const uint8_t **at) {
    const uint8_t *p = *at;
    uint64_t raw = 0;
    unsigned shift = 0;
    for (; *p >= 0x80 && shift < 63; shift += 7) raw |= (uint64_t)(*p++ & 0x7f) << shift;
    raw |= (uint64_t)*p++ << shift;
    *at = p;
    return (int64_t)(raw >> 1 ^ (0 - (raw & 1)));
}

static int64_t get_decimal(const uint8_t **at) {
    int64_t size = get_varint(at); /* 1 to 8 bytes, big endian */
    int64_t raw = (int64_t)td_get_be64(*at);
    *at += size;
    return raw >> (64 - 8 * size);
}

static instrument *find_instrument(td_bytes name) {
    for (uint64_t slot = td_hash_bytes(name);; slot++) {
        instrument *in = &instruments[slot % INSTRUMENTS_MAX];
        if (in->name_size == name.size && memcmp(in->name, name.data, name.size) == 0) return in;
        if (in->name_size != 0) continue;
        if (name.size == 0 || name.size > sizeof in->name) die("a key that is no instrument");
        memcpy(in->name, name.data, name.size);
        in->name_size = name.size;
        in->fast.length = FAST;
        in->slow.length = SLOW;
        return in;
    }
}

static int64_t average_put(average *a, int64_t close) {
    uint32_t slot = a->count++ % a->length;
    a->sum += close - (a->count > a->length ? a->ring[slot] : 0);
    a->ring[slot] = close;
    return a->count < a->length ? 0 : a->sum / a->length;
}

static void close_bar(instrument *in) {
    td_i128 vwap = td_div_half_even(in->notional, in->volume);
    int64_t fast = average_put(&in->fast, in->close), slow = average_put(&in->slow, in->close);
    bool above = slow > 0 && fast > slow;
    total.crossings += above != in->above;
    in->above = above;
    total.checksum = total.checksum * 31 + (uint64_t)(in->open ^ in->high ^ in->low ^ in->close) + (uint64_t)vwap +
                     (uint64_t)in->volume + (uint64_t)in->trade_count;
    total.bars++;
}

static void on_trade(instrument *in, int64_t event_ns, int64_t price, int64_t size) {
    if (event_ns >= in->end_ns) {
        if (in->end_ns > 0) close_bar(in);
        in->end_ns = event_ns - event_ns % MINUTE_NS + MINUTE_NS;
        in->open = in->high = in->low = price;
        in->volume = in->trade_count = 0;
        in->notional = 0;
    }
    if (price > in->high) in->high = price;
    if (price < in->low) in->low = price;
    in->close = price;
    in->volume += size;
    in->notional += (td_i128)price * size;
    in->trade_count++;
}

/* Prices before sizes; a missing one is an empty field. */
static void print_tick(td_bytes key, int64_t event_ns, const int64_t *numbers, int count) {
    (void)printf("%.*s,%" PRId64 "%s", (int)key.size, (const char *)key.data, event_ns, count == 4 ? ",," : "");
    for (int i = 0; i < count; i++)
        (void)(numbers[i] == 0 ? printf(",") : printf(",%.9f", (double)numbers[i] / (i % 2 == 0 ? 1e9 : 1e8)));
    (void)puts(count == 2 ? ",,,," : "");
}

static void on_trade_value(td_bytes key, const uint8_t *body) {
    int64_t event_ns = get_varint(&body);
    total.checksum += (uint64_t)get_varint(&body); /* receive_ns */
    int64_t price = get_decimal(&body), size = get_decimal(&body);
    total.trades++;
    if (as_csv)
        print_tick(key, event_ns, (int64_t[]){price, size}, 2);
    else
        on_trade(find_instrument(key), event_ns, price, size);
}

/* Bid price, bid size, ask price, ask size, each null or a decimal. */
static void on_quote_value(td_bytes key, const uint8_t *body) {
    int64_t event_ns = get_varint(&body), numbers[4];
    total.checksum += (uint64_t)(event_ns ^ get_varint(&body));
    for (int i = 0; i < 4; i++) {
        numbers[i] = get_varint(&body) == 0 ? 0 : get_decimal(&body);
        total.quotes[i] += (uint64_t)numbers[i];
    }
    if (as_csv) print_tick(key, event_ns, numbers, 4);
}

static void on_value(td_bytes key, const uint8_t *value, int64_t size) {
    if (size < 6 || value[0] != 0) return;
    uint32_t schema = td_get_be32(value + 1);
    const uint8_t *body = value + 5;
    if (schema == SCHEMA_TRADE) on_trade_value(key, body);
    if (schema == SCHEMA_QUOTE) on_quote_value(key, body);
    total.ticks += schema == SCHEMA_TRADE || schema == SCHEMA_QUOTE; /* the rest: time, programs */
}

/* The records of an LZ4 batch, unpacked; 8 bytes more can be read behind them. */
static const uint8_t *unpack(const uint8_t *packed, size_t size) {
    static uint8_t *records;
    static size_t capacity;
    static LZ4F_dctx *context;
    if (context == NULL && LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION))) die("no LZ4");
    for (size_t have = 0, left = 1; left != 0;) {
        if (have == capacity) {
            capacity = capacity == 0 ? CHUNK_BYTES : 2 * capacity;
            records = realloc(records, capacity + 8);
            if (records == NULL) die("no memory");
        }
        size_t got = capacity - have, used = size;
        left = LZ4F_decompress(context, records + have, &got, packed, &used, NULL);
        if (LZ4F_isError(left) || (got == 0 && used == 0)) die("a broken LZ4 frame");
        packed += used;
        size -= used;
        have += got;
    }
    return records;
}

static void on_batch(const uint8_t *batch, size_t size) {
    if (batch[16] != 2 || td_crc32c(0, batch + 21, size - 21) != td_get_be32(batch + 17)) die("a broken batch");
    int codec = batch[22] & 7;
    if (codec != 0 && codec != CODEC_LZ4) die("a compressed batch: record with `codec: none` or `lz4`");
    uint32_t count = td_get_be32(batch + 57);
    const uint8_t *at = batch + BATCH_HEADER_BYTES;
    if (codec == CODEC_LZ4) at = unpack(at, size - BATCH_HEADER_BYTES);
    while (count-- > 0) {
        int64_t record_size = get_varint(&at);
        const uint8_t *next = at + record_size;
        at++; /* attributes */
        (void)get_varint(&at);
        (void)get_varint(&at);
        int64_t key_size = get_varint(&at);
        td_bytes key = {at, key_size > 0 ? (size_t)key_size : 0};
        at += key.size;
        int64_t value_size = get_varint(&at);
        on_value(key, at, value_size);
        at = next;
    }
}

static void read_segment(const char *path) {
    static uint8_t chunk[CHUNK_BYTES + 8]; /* a decimal is read as 8 bytes */
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) die(path);
    size_t have = 0;
    off_t offset = 0;
    for (ssize_t got; (got = pread(file, chunk + have, CHUNK_BYTES - have, offset)) > 0;) {
        offset += got;
        have += (size_t)got;
        const uint8_t *at = chunk;
        size_t left = have;
        while (left >= BATCH_HEADER_BYTES) {
            size_t size = 12 + (size_t)td_get_be32(at + 8);
            if (size > left) break;
            on_batch(at, size);
            at += size;
            left -= size;
        }
        if (left == CHUNK_BYTES) die("a batch larger than a chunk");
        memmove(chunk, at, left);
        have = left;
    }
    (void)close(file);
}

static double now_s(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
    as_csv = argc == 3 && strcmp(argv[1], "--csv") == 0;
    if (argc != 2 && !as_csv) die("usage: hand_loop [--csv] DATA");
    char pattern[512];
    (void)snprintf(pattern, sizeof pattern, "%s/tape-*/*.log", argv[argc - 1]);
    glob_t segments = {0};
    if (glob(pattern, 0, NULL, &segments) != 0) die("no tape in that folder");

    double from_s = now_s();
    for (size_t i = 0; i < segments.gl_pathc; i++) read_segment(segments.gl_pathv[i]);
    for (size_t i = 0; i < INSTRUMENTS_MAX; i++)
        if (instruments[i].end_ns > 0) close_bar(&instruments[i]);
    double seconds = now_s() - from_s;
    globfree(&segments);
    if (!as_csv)
        (void)printf("{\"ticks\":%" PRId64 ",\"trades\":%" PRId64 ",\"bars\":%" PRId64 ",\"crossings\":%" PRId64
                     ",\"checksum\":%" PRIu64 ",\"seconds\":%.4f}\n",
                     total.ticks, total.trades, total.bars, total.crossings,
                     total.checksum + total.quotes[0] + total.quotes[1] + total.quotes[2] + total.quotes[3], seconds);
    return 0;
}
