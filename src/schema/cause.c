/* src/schema/cause.c - causes as header bytes and back. */
#include "schema/cause.h"
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static size_t put_varint(uint8_t *out, uint64_t v) {
    size_t n = 0;
    for (; v >= 0x80; v >>= 7) out[n++] = (uint8_t)(v | 0x80);
    out[n++] = (uint8_t)v;
    return n;
}

static bool get_varint(const uint8_t **at, const uint8_t *end, uint64_t *out) {
    *out = 0;
    for (unsigned shift = 0; *at < end && shift < 64; shift += 7) {
        uint8_t byte = *(*at)++;
        *out |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) return true;
    }
    return false;
}

size_t td_src_put(td_source_position position, uint8_t out[TD_SRC_MAX]) {
    size_t n = put_varint(out, (uint64_t)position.file << 1); /* zig-zag of a number that is never negative */
    n += put_varint(out + n, position.line << 1);
    return position.part == 0 ? n : n + put_varint(out + n, (uint64_t)position.part << 1);
}

bool td_src_get(td_bytes header, td_source_position *out) {
    if (header.size == 0) return false;
    const uint8_t *at = header.data, *end = header.data + header.size;
    uint64_t file, line, part = 0;
    if (!get_varint(&at, end, &file) || !get_varint(&at, end, &line)) return false;
    if (at != end && (!get_varint(&at, end, &part) || at != end)) return false;
    *out = (td_source_position){.file = (uint32_t)(file >> 1), .line = line >> 1, .part = (uint32_t)(part >> 1)};
    return true;
}

/* By hand: each output has one, and printf takes longer than the rest of its record. */
static char *put_number(char *out, int64_t v) {
    char digits[20];
    size_t n = 0;
    do digits[n++] = (char)('0' + v % 10);
    while ((v /= 10) > 0);
    *out++ = '/';
    while (n > 0) *out++ = digits[--n];
    return out;
}

size_t td_cause_put(const td_cause *cause, char out[TD_CAUSE_MAX]) {
    assert(cause->epoch >= 0 && cause->offset >= 0);
    memcpy(out, "tape", 4);
    char *end = put_number(out + 4, cause->partition);
    end = put_number(put_number(end, cause->epoch), cause->offset);
    return (size_t)(put_number(end, cause->ordinal) - out);
}

bool td_cause_get(td_bytes header, td_cause *out) {
    char text[TD_CAUSE_MAX];
    if (header.data == NULL || header.size >= sizeof text) return false;
    memcpy(text, header.data, header.size);
    text[header.size] = '\0';
    int used = 0;
    int found = sscanf(text, "tape/%" SCNu32 "/%" SCNd32 "/%" SCNd64 "/%" SCNu32 "%n", &out->partition, &out->epoch,
                       &out->offset, &out->ordinal, &used);
    return found == 4 && (size_t)used == header.size;
}

int td_cause_compare(const td_cause *a, const td_cause *b) {
    if (a->offset != b->offset) return a->offset < b->offset ? -1 : 1;
    return (a->ordinal > b->ordinal) - (a->ordinal < b->ordinal);
}
