/* bench/record_bench.c - what a record costs: ns to encode and to decode a trade and a quote, in memory, on one core.
 * record_bench [RECORDS [RUNS]]. One line of JSON per run; the fastest of the runs comes last. */
#include "../tests/record_again.h"
#include "os/os.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct tape { /* values back to back, each with where it begins */
    td_buf bytes;
    uint32_t *begin;
    size_t count;
} tape;

typedef struct result {
    const char *what;
    double encode_ns, decode_ns, bytes;
} result;

static td_schema_ids ids;

static uint64_t next_random(uint64_t *state) {
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

static td_code code(const char *text) {
    td_code c = {.size = (uint8_t)strlen(text)};
    memcpy(c.text, text, c.size);
    return c;
}

/* Ticks as a consolidated US tape gives them: nanoseconds of this year, dollars and cents, one letter of exchange. */
static void fill(td_event *events, size_t count, td_event_kind kind) {
    static const char *const exchanges[] = {"P", "Q", "D", "Z"};
    uint64_t seed = 3;
    for (size_t i = 0; i < count; i++) {
        int64_t price = (int64_t)(next_random(&seed) % 40000) * 10000000 + 10000000;
        int64_t size = (int64_t)(next_random(&seed) % 1000 + 1) * 100000000;
        td_code exchange = code(exchanges[next_random(&seed) % 4]), condition = code("20002020");
        int64_t event_ns = INT64_C(1795239865123456789) + (int64_t)i * 1000;
        events[i] = (td_event){.kind = (uint8_t)kind, .event_ns = event_ns, .receive_ns = event_ns + 1000000};
        if (kind == TD_EVENT_TRADE)
            events[i].trade = (td_trade){price, size, (int64_t)i, (uint8_t)(i % 3), exchange, condition};
        else
            events[i].quote =
                (td_quote){price, size, i % 16 == 0 ? TD_NONE : price + 10000000, size, TD_NONE, exchange, condition};
    }
}

static double encode(tape *t, const td_event *events) {
    int64_t from_ns = td_os_posix.ops->mono_ns(NULL);
    t->bytes.size = 0;
    for (size_t i = 0; i < t->count; i++) {
        t->begin[i] = (uint32_t)t->bytes.size;
        td_record_put_event(&t->bytes, &ids, TD_TEXT("lean"), &events[i]);
    }
    t->begin[t->count] = (uint32_t)t->bytes.size;
    return (double)(td_os_posix.ops->mono_ns(NULL) - from_ns) / (double)t->count;
}

static double decode(const tape *t, td_event_kind kind) {
    int64_t from_ns = td_os_posix.ops->mono_ns(NULL), sum = 0;
    td_event event;
    td_bytes feed;
    for (size_t i = 0; i < t->count; i++) {
        td_bytes value = {t->bytes.data + t->begin[i], t->begin[i + 1] - t->begin[i]};
        if (td_record_get_event(&ids, value, &event, &feed) != TD_OK) abort();
        sum ^=
            event.event_ns ^ (kind == TD_EVENT_TRADE ? event.trade.price : event.quote.bid_price) ^ (int64_t)feed.size;
    }
    double ns = (double)(td_os_posix.ops->mono_ns(NULL) - from_ns) / (double)t->count;
    if (sum == 1) (void)fputs("", stderr); /* keeps the loop */
    return ns;
}

static void print(const result *r, const char *which) {
    (void)printf("{\"what\":\"%s\",\"run\":\"%s\",\"bytes_per_record\":%.1f,\"encode_ns\":%.2f,\"decode_ns\":%.2f,"
                 "\"encode_million_per_second\":%.1f,\"decode_million_per_second\":%.1f}\n",
                 r->what, which, r->bytes, r->encode_ns, r->decode_ns, 1e3 / r->encode_ns, 1e3 / r->decode_ns);
}

static void run(td_event_kind kind, const char *what, size_t count, int runs) {
    td_event *events = td_alloc(count * sizeof *events);
    tape t = {.begin = td_alloc((count + 1) * sizeof *t.begin), .count = count};
    result best = {what, 1e9, 1e9, 0};
    fill(events, count, kind);
    (void)encode(&t, events); /* the buffer has grown and its pages exist */
    for (int i = 0; i < runs; i++) {
        char which[16];
        result r = {what, encode(&t, events), decode(&t, kind), (double)t.bytes.size / (double)count};
        (void)snprintf(which, sizeof which, "%d", i + 1);
        print(&r, which);
        best.bytes = r.bytes;
        if (r.encode_ns < best.encode_ns) best.encode_ns = r.encode_ns;
        if (r.decode_ns < best.decode_ns) best.decode_ns = r.decode_ns;
    }
    print(&best, "fastest");
    td_buf_fini(&t.bytes);
    free(t.begin);
    free(events);
}

int main(int argc, char **argv) {
    size_t count = argc > 1 ? (size_t)atoll(argv[1]) : 1000000;
    int runs = argc > 2 ? atoi(argv[2]) : 5;
    if (count == 0 || count > 20000000) return 2;
    record_ids_init(&ids);
    run(TD_EVENT_TRADE, "trade", count, runs);
    run(TD_EVENT_QUOTE, "quote", count, runs);
    return 0;
}
