/* src/schema/record_raw.c - records of raw capture: a few words beside the bytes that a feed's network brought. */
#include "schema/record_codec.h"

void td_record_put_raw(td_buf *buf, const td_schema_ids *ids, const td_raw *x) {
    enum { MAX = 6 * TD_AVRO_LONG_MAX };
    size_t texts = x->format.size + x->venue.size + x->address.size + x->bytes.size;
    uint8_t *p = record_begin(buf, ids, TD_SCHEMA_RAW, MAX + texts);
    p = td_avro_put_long(p, x->kind);
    p = td_avro_put_long(p, x->receive_ns);
    p = td_avro_put_bytes(p, x->format);
    p = td_avro_put_bytes(p, x->venue);
    p = td_avro_put_bytes(p, x->address);
    p = td_avro_put_bytes(p, x->bytes);
    record_end(buf, p);
}

td_status td_record_get_raw(td_bytes value, td_raw *out) {
    td_avro_reader r = record_body(value);
    *out = (td_raw){0};
    bool ok = record_get_small(&r, TD_RAW_COUNT - 1, &out->kind) && td_avro_get_long(&r, &out->receive_ns) &&
              td_avro_get_bytes(&r, &out->format) && td_avro_get_bytes(&r, &out->venue) &&
              td_avro_get_bytes(&r, &out->address) && td_avro_get_bytes(&r, &out->bytes) && r.at == r.end;
    return ok ? TD_OK : TD_CORRUPT;
}
