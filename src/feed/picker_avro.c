/* src/feed/picker_avro.c - one walk through a record by its writer's schema; what is a number becomes its digits.
 * Unions are seen through: a value is its branch. */
#include "base/decimal.h"
#include "base/time.h"
#include "feed/picker.h"
#include "feed/picker_private.h"
#include "schema/avro.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { WALK_DEPTH = 64, DIGITS_MAX = 48, VALUES_MAX = 1 << 20, DECIMAL_BYTES = 16, DECIMAL_SCALE = 38 };

typedef struct walk {
    td_picker *picker;
    const uint8_t *at, *end;
    td_picked *out;
    size_t values; /* so far: a list of nulls has any length in four bytes */
    size_t depth;  /* of values in each other */
} walk;

/* False: there is no room, as a record names one place again and again. */
static bool put_digits(walk *w, uint32_t mask, const char *digits, size_t size) {
    td_buf *texts = &w->picker->texts;
    if (mask == 0) return true;
    if (texts->capacity - texts->size < size) return false;
    uint8_t *to = texts->data + texts->size;
    memcpy(to, digits, size);
    texts->size += size;
    td_picker_put(w->out, mask, (td_picked){.kind = TD_PICKED_NUMBER, .text = {to, size}});
    return true;
}

/* ---- primitive values ---- */

static bool take_long(walk *w, int64_t *out) {
    td_avro_reader r = {w->at, w->end};
    bool good = td_avro_get_long(&r, out);
    w->at = r.at;
    return good;
}

static bool take_bytes(walk *w, td_bytes *out) {
    td_avro_reader r = {w->at, w->end};
    bool good = td_avro_get_bytes(&r, out);
    w->at = r.at;
    return good;
}

static bool take_raw(walk *w, void *out, size_t size) {
    if ((size_t)(w->end - w->at) < size) return false;
    memcpy(out, w->at, size);
    w->at += size;
    return true;
}

/* Nanoseconds of one of the logical type's units; 0: it is no instant. */
static int64_t unit_of(const td_avro_node *node) {
    switch ((int)node->logical) {
    case TD_AVRO_DATE:
        return TD_NS_PER_DAY;
    case TD_AVRO_TIMESTAMP_MILLIS:
    case TD_AVRO_LOCAL_TIMESTAMP_MILLIS:
        return TD_NS_PER_MS;
    case TD_AVRO_TIMESTAMP_MICROS:
    case TD_AVRO_LOCAL_TIMESTAMP_MICROS:
        return TD_NS_PER_US;
    case TD_AVRO_TIMESTAMP_NANOS:
    case TD_AVRO_LOCAL_TIMESTAMP_NANOS:
        return 1;
    default:
        return 0;
    }
}

/* Of a day that it does not say: as a number it would be one of 1970. */
static bool is_time_of_day(const td_avro_node *node) {
    return node->logical == TD_AVRO_TIME_MILLIS || node->logical == TD_AVRO_TIME_MICROS;
}

static bool put_whole(walk *w, const td_avro_node *node, uint32_t ends) {
    int64_t number;
    char digits[DIGITS_MAX];
    if (!take_long(w, &number)) return false;
    if (node->type == TD_AVRO_INT && number != (int32_t)number) return false;
    td_picked instant = {.kind = TD_PICKED_INSTANT};
    int64_t unit_ns = unit_of(node);
    bool of_day = is_time_of_day(node);
    if (ends == 0) return true; /* nobody wants it */
    if (unit_ns == 0 && !of_day) return put_digits(w, ends, digits, td_decimal_format(number, 0, false, digits));
    if (of_day || __builtin_mul_overflow(number, unit_ns, &instant.ns)) instant.kind = TD_PICKED_OTHER;
    td_picker_put(w->out, ends, instant);
    return true;
}

/* The shortest digits that are this number again. */
static bool put_real(walk *w, uint32_t ends, double number, bool single) {
    char digits[DIGITS_MAX];
    int size = 0;
    if (ends == 0) return true;
    for (int precision = single ? 6 : 15; precision <= 17; precision++) {
        size = snprintf(digits, sizeof digits, "%.*g", precision, number);
        bool same = single ? strtof(digits, NULL) == (float)number : strtod(digits, NULL) == number;
        if (same) break;
    }
    if (isfinite(number)) return put_digits(w, ends, digits, (size_t)size);
    td_picker_put(w->out, ends, (td_picked){.kind = TD_PICKED_OTHER, .nan = isnan(number) != 0});
    return true;
}

static bool take_float(walk *w, uint32_t ends) {
    float number;
    return take_raw(w, &number, sizeof number) && put_real(w, ends, (double)number, true);
}

static bool take_double(walk *w, uint32_t ends) {
    double number;
    return take_raw(w, &number, sizeof number) && put_real(w, ends, number, false);
}

/* Two's complement, the highest byte first. */
static bool put_decimal(walk *w, const td_avro_node *node, uint32_t ends, td_bytes bytes) {
    char digits[DIGITS_MAX];
    td_i128 m = bytes.size > 0 && bytes.data[0] >= 0x80 ? -1 : 0;
    uint8_t sign = m < 0 ? 0xff : 0;
    if (ends == 0) return true;
    while (bytes.size > DECIMAL_BYTES && bytes.data[0] == sign && (bytes.data[1] & 0x80) == (sign & 0x80))
        bytes = td_bytes_from(bytes, 1); /* a fixed one is filled up with its sign */
    if (bytes.size == 0 || bytes.size > DECIMAL_BYTES || node->scale < 0 || node->scale > DECIMAL_SCALE) {
        td_picker_put(w->out, ends, (td_picked){.kind = TD_PICKED_OTHER});
        return true;
    }
    for (size_t i = 0; i < bytes.size; i++) m = (td_i128)((td_u128)m << 8 | bytes.data[i]);
    return put_digits(w, ends, digits, td_decimal_format(m, node->scale, false, digits));
}

static bool put_bytes(walk *w, const td_avro_node *node, uint32_t ends, td_bytes bytes) {
    if (node->logical == TD_AVRO_DECIMAL) return put_decimal(w, node, ends, bytes);
    bool text = node->type != TD_AVRO_FIXED && node->logical != TD_AVRO_BIG_DECIMAL;
    td_picker_put(w->out, ends,
                  text ? (td_picked){.kind = TD_PICKED_TEXT, .text = bytes} : (td_picked){.kind = TD_PICKED_OTHER});
    return true;
}

static bool take_text(walk *w, const td_avro_node *node, uint32_t ends) {
    td_bytes bytes;
    return take_bytes(w, &bytes) && put_bytes(w, node, ends, bytes);
}

static bool take_fixed(walk *w, const td_avro_node *node, uint32_t ends) {
    td_bytes bytes = {w->at, node->size_bytes};
    if ((size_t)(w->end - w->at) < node->size_bytes) return false;
    w->at += node->size_bytes;
    return put_bytes(w, node, ends, bytes);
}

static bool take_boolean(walk *w, uint32_t ends) {
    uint8_t byte;
    td_picker_put(w->out, ends, (td_picked){.kind = TD_PICKED_OTHER});
    return take_raw(w, &byte, 1) && byte <= 1;
}

static bool take_enum(walk *w, const td_avro_node *node, uint32_t ends) {
    int64_t index;
    if (!take_long(w, &index) || index < 0 || (size_t)index >= node->count) return false;
    td_picker_put(w->out, ends, (td_picked){.kind = TD_PICKED_TEXT, .text = node->symbols[index]});
    return true;
}

/* ---- what holds others ---- */

static bool walk_value(walk *w, const td_avro_node *node, uint32_t mask, size_t depth);

static bool walk_record(walk *w, const td_avro_node *node, uint32_t on, size_t depth) {
    for (size_t i = 0; i < node->count; i++) {
        const td_avro_field *f = &node->fields[i];
        if (!walk_value(w, f->type, td_picker_match(w->picker, on, depth, f->name), depth + 1)) return false;
    }
    return true;
}

/* An array's element is called by its number, a map's value by its key. */
static bool walk_item(walk *w, const td_avro_node *node, uint32_t on, size_t depth, size_t number) {
    char digits[24];
    td_bytes name = {(const uint8_t *)digits, 0};
    if (node->type == TD_AVRO_MAP) {
        if (!take_bytes(w, &name)) return false;
    } else if (on != 0) {
        name.size = (size_t)snprintf(digits, sizeof digits, "%zu", number);
    }
    return walk_value(w, node->nodes[0], td_picker_match(w->picker, on, depth, name), depth + 1);
}

static bool walk_items(walk *w, const td_avro_node *node, uint32_t on, size_t depth) {
    int64_t count, bytes;
    for (size_t number = 0; take_long(w, &count);) {
        if (count == 0) return true;
        if (count == INT64_MIN || (count < 0 && !take_long(w, &bytes))) return false;
        for (count = count < 0 ? -count : count; count > 0; count--)
            if (!walk_item(w, node, on, depth, number++)) return false;
    }
    return false;
}

static bool walk_union(walk *w, const td_avro_node *node, uint32_t mask, size_t depth) {
    int64_t branch;
    if (!take_long(w, &branch) || branch < 0 || (size_t)branch >= node->count) return false;
    return walk_value(w, node->nodes[branch], mask, depth);
}

static bool walk_holder(walk *w, const td_avro_node *node, uint32_t mask, size_t depth) {
    if (node->type == TD_AVRO_UNION) return walk_union(w, node, mask, depth);
    uint32_t ends = td_picker_ending(w->picker, mask, depth);
    td_picker_put(w->out, ends, (td_picked){.kind = TD_PICKED_OTHER});
    return node->type == TD_AVRO_RECORD ? walk_record(w, node, mask & ~ends, depth)
                                        : walk_items(w, node, mask & ~ends, depth);
}

static bool take_value(walk *w, const td_avro_node *node, uint32_t ends) {
    switch (node->type) {
    case TD_AVRO_NULL:
        td_picker_put(w->out, ends, (td_picked){.kind = TD_PICKED_NONE});
        return true;
    case TD_AVRO_BOOLEAN:
        return take_boolean(w, ends);
    case TD_AVRO_INT:
    case TD_AVRO_LONG:
        return put_whole(w, node, ends);
    case TD_AVRO_FLOAT:
        return take_float(w, ends);
    case TD_AVRO_DOUBLE:
        return take_double(w, ends);
    case TD_AVRO_BYTES:
    case TD_AVRO_STRING:
        return take_text(w, node, ends);
    case TD_AVRO_FIXED:
        return take_fixed(w, node, ends);
    case TD_AVRO_ENUM:
        return take_enum(w, node, ends);
    case TD_AVRO_RECORD:
    case TD_AVRO_ARRAY:
    case TD_AVRO_MAP:
    case TD_AVRO_UNION:
    case TD_AVRO_TYPE_COUNT:
        break;
    }
    return false;
}

static bool walk_value(walk *w, const td_avro_node *node, uint32_t mask, size_t depth) {
    bool holder = node->type == TD_AVRO_RECORD || node->type == TD_AVRO_ARRAY || node->type == TD_AVRO_MAP ||
                  node->type == TD_AVRO_UNION;
    if (++w->values > VALUES_MAX || w->depth == WALK_DEPTH) return false;
    if (!holder) return take_value(w, node, td_picker_ending(w->picker, mask, depth));
    w->depth++;
    bool good = walk_holder(w, node, mask, depth);
    w->depth--;
    return good;
}

bool td_picker_take_avro(td_picker *picker, const td_avro_schema *schema, td_bytes *records,
                         td_picked out[TD_PICKER_MAX]) {
    walk w = {.picker = picker, .at = records->data, .end = td_bytes_end(*records), .out = out};
    picker->texts.size = 0;
    td_buf_reserve(&picker->texts, (size_t)2 * TD_PICKER_MAX * DIGITS_MAX);
    memset(out, 0, picker->count * sizeof *out);
    if (!walk_value(&w, td_avro_schema_root(schema), td_picker_all(picker), 0)) return false;
    *records = (td_bytes){w.at, (size_t)(w.end - w.at)};
    return true;
}

bool td_picker_read_avro(td_picker *picker, const td_avro_schema *schema, td_bytes record,
                         td_picked out[TD_PICKER_MAX]) {
    return td_picker_take_avro(picker, schema, &record, out) && record.size == 0;
}
