/* src/schema/avro.c - Avro's binary encoding, the parts that are not worth inlining: byte by byte, and 128 bits. */
#include "schema/avro.h"

td_avro_long td_avro_long_bytewise(const uint8_t *at, const uint8_t *end) {
    uint64_t z = 0;
    for (unsigned shift = 0; shift < 64 && at < end; shift += 7) {
        uint8_t byte = *at++;
        if (shift == 63 && byte > 1) break; /* a 65th bit */
        z |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) return (td_avro_long){at, td_avro_unzigzag(z)};
    }
    return (td_avro_long){NULL, 0};
}

td_avro_long td_avro_decimal64_bytewise(const uint8_t *at, const uint8_t *end) {
    td_avro_reader r = {at, end};
    td_i128 m;
    if (!td_avro_get_decimal(&r, &m) || m < INT64_MIN || m > INT64_MAX) return (td_avro_long){NULL, 0};
    return (td_avro_long){r.at, (int64_t)m};
}

uint8_t *td_avro_put_decimal(uint8_t *p, td_i128 m) {
    unsigned size = 1;
    while (size < 16 && m >> (8 * size - 1) != 0 && m >> (8 * size - 1) != -1) size++;
    *p++ = (uint8_t)(2 * size);
    while (size-- > 0) *p++ = (uint8_t)(m >> (8 * size));
    return p;
}

bool td_avro_get_decimal(td_avro_reader *r, td_i128 *out) {
    td_bytes b;
    if (!td_avro_get_bytes(r, &b) || b.size == 0 || b.size > 16) return false;
    td_u128 m = b.data[0] >= 0x80 ? ~(td_u128)0 : 0;
    for (size_t i = 0; i < b.size; i++) m = m << 8 | b.data[i];
    *out = (td_i128)m;
    return true;
}
