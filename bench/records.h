/* bench/records.h - the records of the append benchmarks: trades as our encoder writes them, key and value of about 100
 * bytes together, a few thousand different ones that come round and round. Both sides append the same bytes. */
#pragma once
#include "../tests/record_again.h"
#include <stdio.h>

enum { BENCH_RECORDS = 4096, BENCH_INSTRUMENTS = 64 };

typedef struct bench_record {
    td_bytes key, value;
} bench_record;

typedef struct bench_records {
    td_schema_ids ids;
    char names[BENCH_INSTRUMENTS][24];
    td_buf bytes;
    bench_record items[BENCH_RECORDS];
    double size_bytes; /* of key and value, on average */
} bench_records;

static inline td_code bench_code(const char *text) {
    td_code code = {.size = (uint8_t)strlen(text)};
    memcpy(code.text, text, code.size);
    return code;
}

static inline void bench_records_init(bench_records *records) {
    static const int64_t second_ns = 1000000000, begin_ns = INT64_C(1795239865123456789);
    size_t ends[BENCH_RECORDS];
    *records = (bench_records){0};
    record_ids_init(&records->ids);
    for (int i = 0; i < BENCH_INSTRUMENTS; i++)
        (void)snprintf(records->names[i], sizeof records->names[i], "NASDAQ:BENCHMARK-NO%03d", i);
    for (int i = 0; i < BENCH_RECORDS; i++) {
        td_event e = {.kind = TD_EVENT_TRADE, .event_ns = begin_ns + i * (second_ns / 1000)};
        e.receive_ns = e.event_ns + 123456;
        e.trade = (td_trade){.price = (20000 + i % 977) * INT64_C(10000000),
                             .size = (1 + i % 313) * INT64_C(100000000),
                             .trade_id = 71000000 + i,
                             .side = (uint8_t)(i % 3),
                             .exchange = bench_code("XNAS"),
                             .condition = bench_code("@ FTI")};
        td_record_put_event(&records->bytes, &records->ids, TD_TEXT("nasdaq-totalview-itch-50"), &e);
        ends[i] = records->bytes.size;
    }
    for (size_t i = 0, from = 0; i < BENCH_RECORDS; from = ends[i++]) { /* the bytes move no more */
        records->items[i].key = td_text(records->names[i % BENCH_INSTRUMENTS]);
        records->items[i].value = (td_bytes){records->bytes.data + from, ends[i] - from};
        records->size_bytes += (double)(records->items[i].key.size + ends[i] - from) / BENCH_RECORDS;
    }
}
