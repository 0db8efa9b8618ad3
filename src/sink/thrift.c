/* src/sink/thrift.c - the compact protocol, written. */
#include "sink/thrift.h"
#include <assert.h>

static void put_byte(td_buf *out, uint8_t byte) { td_buf_put(out, &byte, 1); }

void td_thrift_put_varint(td_buf *out, uint64_t value) {
    for (; value >= 0x80; value >>= 7) put_byte(out, (uint8_t)(value | 0x80));
    put_byte(out, (uint8_t)value);
}

static void put_field(td_thrift *t, int field, int type) {
    int step = field - t->field;
    assert(step >= 1 && step <= 15);
    put_byte(t->out, (uint8_t)(step << 4 | type));
    t->field = field;
}

void td_thrift_number(td_thrift *t, int field, int type, int64_t value) {
    put_field(t, field, type);
    td_thrift_put_zigzag(t->out, value);
}

void td_thrift_true(td_thrift *t, int field) { put_field(t, field, TD_THRIFT_TRUE); }

void td_thrift_binary(td_thrift *t, int field, td_bytes value) {
    put_field(t, field, TD_THRIFT_BINARY);
    td_thrift_put_varint(t->out, value.size);
    if (value.size > 0) td_buf_put(t->out, value.data, value.size);
}

void td_thrift_list(td_thrift *t, int field, int type, size_t count) {
    put_field(t, field, TD_THRIFT_LIST);
    put_byte(t->out, (uint8_t)((count < 15 ? count : 15) << 4 | (unsigned)type));
    if (count >= 15) td_thrift_put_varint(t->out, count);
}

int td_thrift_begin(td_thrift *t, int field) {
    if (field > 0) put_field(t, field, TD_THRIFT_STRUCT);
    int outer = t->field;
    t->field = 0;
    return outer;
}

void td_thrift_end(td_thrift *t, int outer) {
    put_byte(t->out, 0);
    t->field = outer;
}
