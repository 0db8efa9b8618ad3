/* src/schema/avro.h - Avro's binary encoding, as far as our own records need it: zig-zag varints, bytes, decimals.
 * Writers append to a td_buf with room reserved by the caller or grow it; readers never pass `end`.
 * Source: Apache Avro specification 1.11, "Binary encoding". Thread: any. Errors: readers return false on bad bytes. */
#pragma once
#include "base/bytes.h"

enum { TD_AVRO_LONG_MAX = 10 }; /* bytes a long may take */

void td_avro_put_long(td_buf *buf, int64_t v);
void td_avro_put_bytes(td_buf *buf, td_bytes v); /* string and bytes alike */
/* A decimal: length, then big-endian two's complement, shortest form (0 is one byte). */
void td_avro_put_decimal64(td_buf *buf, int64_t m);
void td_avro_put_decimal(td_buf *buf, td_i128 m);

typedef struct td_avro_reader {
    const uint8_t *at, *end;
} td_avro_reader;

bool td_avro_get_long(td_avro_reader *r, int64_t *out);
bool td_avro_get_bytes(td_avro_reader *r, td_bytes *out);
bool td_avro_get_decimal64(td_avro_reader *r, int64_t *out); /* false when it does not fit */
bool td_avro_get_decimal(td_avro_reader *r, td_i128 *out);
