/* bench/simdjson_frame.h - Binance's frames by simdjson's on-demand parser: what the C side sees of it. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

typedef struct frame_text {
    const char *data;
    size_t size;
} frame_text;

typedef struct frame_fields { /* of a trade or a book ticker; texts point into the frame */
    int is_trade;             /* else a book ticker */
    int maker_buys;           /* trade */
    int64_t id, time;         /* trade id and time; the book's update */
    frame_text symbol;
    frame_text numbers[4]; /* price, size; or bid price, bid size, ask price, ask size */
} frame_fields;

void *simdjson_open(void);
void simdjson_close(void *parser);
const char *simdjson_about(void);
size_t simdjson_padding(void); /* bytes that must be readable behind a frame */
/* 0 when the frame is one of the two kinds and has all its fields. */
int simdjson_read(void *parser, const char *frame, size_t size, frame_fields *out);

#ifdef __cplusplus
}
#endif
