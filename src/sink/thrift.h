/* src/sink/thrift.h - Thrift's compact protocol, as far as Parquet's headers and footers need it: fields in the order
 * of their numbers, no two further apart than 15. Pure. Thread: any. */
#pragma once
#include "base/bytes.h"

enum {
    TD_THRIFT_TRUE = 1,
    TD_THRIFT_I32 = 5,
    TD_THRIFT_I64 = 6,
    TD_THRIFT_BINARY = 8,
    TD_THRIFT_LIST = 9,
    TD_THRIFT_STRUCT = 12
};

typedef struct td_thrift { /* {.out = …} begins a struct */
    td_buf *out;
    int field; /* the last one of the struct in hand */
} td_thrift;

/* LEB128 */
void td_thrift_put_varint(td_buf *out, uint64_t value);
/* The same of a signed number, so that small ones are short on both sides of 0. */
static inline void td_thrift_put_zigzag(td_buf *out, int64_t value) {
    td_thrift_put_varint(out, (uint64_t)value << 1 ^ (uint64_t)(value >> 63));
}

void td_thrift_number(td_thrift *t, int field, int type, int64_t value); /* I32, I64 */
void td_thrift_true(td_thrift *t, int field);
void td_thrift_binary(td_thrift *t, int field, td_bytes value);
/* A list of so many, whose items follow: each by td_thrift_put_*, or as a struct. */
void td_thrift_list(td_thrift *t, int field, int type, size_t count);
/* A struct within: what begin gives is for its end. `field` 0: it is an item of a list. */
int td_thrift_begin(td_thrift *t, int field);
void td_thrift_end(td_thrift *t, int outer);
/* The end of the outermost struct. */
static inline void td_thrift_stop(td_thrift *t) { td_thrift_end(t, 0); }
