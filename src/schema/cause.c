/* src/schema/cause.c - causes as header bytes and back. */
#include "schema/cause.h"
#include <assert.h>

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

/* "/123", by hand for the same reason: stores read it of each row. */
static bool take_number(td_bytes *text, int64_t most, int64_t *out) {
    size_t digits = 0;
    if (text->size < 2 || text->data[0] != '/') return false;
    *text = td_bytes_from(*text, 1);
    for (*out = 0; digits < text->size && text->data[digits] >= '0' && text->data[digits] <= '9'; digits++) {
        int digit = text->data[digits] - '0';
        if (*out > (most - digit) / 10) return false;
        *out = 10 * *out + digit;
    }
    *text = td_bytes_from(*text, digits);
    return digits > 0;
}

bool td_cause_get(td_bytes header, td_cause *out) {
    int64_t partition, epoch, offset, ordinal;
    if (!td_bytes_begin(header, TD_TEXT("tape"))) return false;
    header = td_bytes_from(header, 4);
    bool found = take_number(&header, UINT32_MAX, &partition) && take_number(&header, INT32_MAX, &epoch) &&
                 take_number(&header, INT64_MAX, &offset) && take_number(&header, UINT32_MAX, &ordinal);
    if (!found || header.size > 0) return false;
    *out = (td_cause){(uint32_t)partition, (int32_t)epoch, offset, (uint32_t)ordinal};
    return true;
}

int td_cause_compare(const td_cause *a, const td_cause *b) {
    if (a->offset != b->offset) return a->offset < b->offset ? -1 : 1;
    return (a->ordinal > b->ordinal) - (a->ordinal < b->ordinal);
}
