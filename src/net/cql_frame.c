/* src/net/cql_frame.c - frames of CQL's native protocol, and what a client says. */
#include "net/cql_frame.h"
#include "base/json.h"
#include <lz4.h>
#include <stdlib.h>

enum { REQUEST = 0x04, ANSWER = 0x84, OLDEST = 0x83, NEWEST = 0x86 };
enum { COMPRESSED = 0x01, TRACED = 0x02, WITH_PAYLOAD = 0x04, WITH_WARNINGS = 0x08 };
enum { LZ4_HEAD = 4, LZ4_LEAST = 512, TRACE_BYTES = 16 };

/* ---- a server's ---- */

static bool is_legal_version(uint8_t version, uint8_t opcode) {
    return version == ANSWER || (opcode == TD_CQL_ERROR && version >= OLDEST && version <= NEWEST);
}

td_status td_cql_frame_get(td_bytes bytes, td_cql_frame *out) {
    if (bytes.size < TD_CQL_HEAD_BYTES) return TD_AGAIN;
    const uint8_t *head = bytes.data;
    uint32_t size = td_get_be32(head + 5);
    if (!is_legal_version(head[0], head[4]) || size > TD_CQL_BODY_MAX) return TD_REJECT;
    if (bytes.size - TD_CQL_HEAD_BYTES < size) return TD_AGAIN;
    *out = (td_cql_frame){.flags = head[1],
                          .stream = (int16_t)td_get_be16(head + 2),
                          .opcode = head[4],
                          .body = {head + TD_CQL_HEAD_BYTES, size},
                          .size = TD_CQL_HEAD_BYTES + (size_t)size};
    return TD_OK;
}

static td_status inflate(td_bytes body, td_buf *room, td_bytes *out) {
    if (body.size < LZ4_HEAD) return TD_REJECT;
    uint32_t size = td_get_be32(body.data);
    body = td_bytes_from(body, LZ4_HEAD);
    if (size > TD_CQL_BODY_MAX) return TD_REJECT;
    room->size = 0;
    td_buf_reserve(room, (size_t)size + 1);
    int made = LZ4_decompress_safe((const char *)body.data, (char *)room->data, (int)body.size, (int)size);
    if (size > 0 && made != (int)size) return TD_REJECT;
    room->size = size;
    *out = td_buf_bytes(room);
    return TD_OK;
}

static bool skip(td_bytes *b, size_t size) {
    if (b->size < size) return false;
    *b = td_bytes_from(*b, size);
    return true;
}

static bool skip_short(td_bytes *b) { /* a string */
    uint8_t size[2];
    return td_bytes_take(b, size, sizeof size) && skip(b, td_get_be16(size));
}

static bool skip_long(td_bytes *b) { /* bytes, or null */
    uint8_t size[4];
    if (!td_bytes_take(b, size, sizeof size)) return false;
    int32_t n = (int32_t)td_get_be32(size);
    return n < 0 || skip(b, (size_t)n);
}

static bool skip_list(td_bytes *b, bool with_bytes) {
    uint8_t count[2];
    if (!td_bytes_take(b, count, sizeof count)) return false;
    for (uint16_t n = td_get_be16(count); n > 0; n--)
        if (!skip_short(b) || (with_bytes && !skip_long(b))) return false;
    return true;
}

td_status td_cql_frame_open(const td_cql_frame *frame, td_buf *room, td_bytes *out_message) {
    td_bytes body = frame->body;
    td_status status = (frame->flags & COMPRESSED) != 0 ? inflate(body, room, &body) : TD_OK;
    bool good = status == TD_OK;
    if (good && (frame->flags & TRACED) != 0) good = skip(&body, TRACE_BYTES);
    if (good && (frame->flags & WITH_WARNINGS) != 0) good = skip_list(&body, false);
    if (good && (frame->flags & WITH_PAYLOAD) != 0) good = skip_list(&body, true);
    *out_message = body;
    return good ? TD_OK : TD_REJECT;
}

/* ---- a client's ---- */

/* False: it would not be shorter, and nothing is appended. */
static bool deflate(td_buf *out, td_bytes body) {
    if (body.size < LZ4_LEAST || body.size > TD_CQL_BODY_MAX) return false;
    td_buf_reserve(out, body.size);
    uint8_t *at = out->data + out->size;
    int room = (int)body.size - LZ4_HEAD - 1;
    int size = LZ4_compress_default((const char *)body.data, (char *)at + LZ4_HEAD, (int)body.size, room);
    if (size <= 0) return false;
    td_put_be32(at, (uint32_t)body.size);
    out->size += LZ4_HEAD + (size_t)size;
    return true;
}

void td_cql_frame_put(td_buf *out, td_cql_opcode opcode, int16_t stream, td_bytes body, bool lz4) {
    uint8_t head[TD_CQL_HEAD_BYTES] = {REQUEST, 0, 0, 0, (uint8_t)opcode};
    size_t at = out->size;
    td_put_be16(head + 2, (uint16_t)stream);
    td_buf_put(out, head, sizeof head);
    bool shorter = lz4 && deflate(out, body);
    if (!shorter) td_buf_put(out, body.data, body.size);
    out->data[at + 1] = shorter ? COMPRESSED : 0;
    td_put_be32(out->data + at + 5, (uint32_t)(out->size - at - TD_CQL_HEAD_BYTES));
}

static void put_8(td_buf *out, uint8_t v) { td_buf_put(out, &v, 1); }

static void put_short(td_buf *out, td_bytes text) { /* "string", "short bytes" */
    td_buf_put_be16(out, (uint16_t)text.size);
    td_buf_put(out, text.data, text.size);
}

static void put_long(td_buf *out, td_bytes text) { /* "long string", "bytes" */
    td_buf_put_be32(out, (uint32_t)text.size);
    td_buf_put(out, text.data, text.size);
}

/* ---- values ---- */

static void add_length(td_cql_values *v, int32_t length) {
    td_buf_put_be32(&v->bytes, (uint32_t)length);
    v->count++;
}

void td_cql_add_null(td_cql_values *v) { add_length(v, -1); }
void td_cql_add_unset(td_cql_values *v) { add_length(v, -2); }

void td_cql_add_bytes(td_cql_values *v, td_bytes value) {
    put_long(&v->bytes, value);
    v->count++;
}

void td_cql_add_text(td_cql_values *v, td_bytes value) {
    size_t at = v->bytes.size;
    add_length(v, 0);
    td_buf_put_sound(&v->bytes, value);
    td_put_be32(v->bytes.data + at, (uint32_t)(v->bytes.size - at - 4));
}

void td_cql_add_int(td_cql_values *v, int32_t value) {
    add_length(v, sizeof value);
    td_buf_put_be32(&v->bytes, (uint32_t)value);
}

void td_cql_add_bigint(td_cql_values *v, int64_t value) {
    add_length(v, sizeof value);
    td_buf_put_be64(&v->bytes, (uint64_t)value);
}

void td_cql_add_bool(td_cql_values *v, bool value) {
    const uint8_t b = value;
    td_cql_add_bytes(v, (td_bytes){&b, 1});
}

/* A date is a number without sign, whose middle is 1970. */
void td_cql_add_date(td_cql_values *v, int32_t days) {
    td_cql_add_int(v, (int32_t)((uint32_t)days ^ UINT32_C(0x80000000)));
}

/* The scale, then the number in as few bytes as hold it with its sign. */
void td_cql_add_decimal(td_cql_values *v, td_i128 m, int32_t scale) {
    uint8_t b[4 + sizeof m];
    td_u128 bits = (td_u128)m;
    size_t first = 4;
    td_put_be64(b + 4, (uint64_t)(bits >> 64));
    td_put_be64(b + 12, (uint64_t)bits);
    const uint8_t sign = m < 0 ? 0xFF : 0;
    while (first + 1 < sizeof b && b[first] == sign && (b[first + 1] & 0x80) == (sign & 0x80)) first++;
    td_put_be32(b + first - 4, (uint32_t)scale);
    td_cql_add_bytes(v, (td_bytes){b + first - 4, sizeof b - first + 4});
}

/* ---- bodies ---- */

void td_cql_put_startup(td_buf *out, bool lz4) {
    td_buf_put_be16(out, lz4 ? 4 : 3);
    put_short(out, TD_TEXT("CQL_VERSION"));
    put_short(out, TD_TEXT("3.0.0"));
    put_short(out, TD_TEXT("DRIVER_NAME"));
    put_short(out, TD_TEXT("tapedeck"));
    put_short(out, TD_TEXT("DRIVER_VERSION"));
    put_short(out, TD_TEXT(TD_VERSION));
    if (!lz4) return;
    put_short(out, TD_TEXT("COMPRESSION"));
    put_short(out, TD_TEXT("lz4"));
}

void td_cql_put_login(td_buf *out, const char *user, const char *password) {
    td_bytes u = td_text(user), p = td_text(password);
    td_buf_put_be32(out, (uint32_t)(u.size + p.size + 2));
    put_8(out, 0);
    td_buf_put(out, u.data, u.size);
    put_8(out, 0);
    td_buf_put(out, p.data, p.size);
}

static void put_terms(td_buf *out, const td_cql_terms *t) {
    enum { VALUES = 0x01, PAGE_ROWS = 0x04, PAGE = 0x08 };
    bool values = t->values != NULL && t->values->count > 0;
    td_buf_put_be16(out, (uint16_t)t->consistency);
    put_8(out, (uint8_t)((values ? VALUES : 0) | (t->page_rows > 0 ? PAGE_ROWS : 0) | (t->page.size > 0 ? PAGE : 0)));
    if (values) {
        td_buf_put_be16(out, t->values->count);
        td_buf_put(out, t->values->bytes.data, t->values->bytes.size);
    }
    if (t->page_rows > 0) td_buf_put_be32(out, (uint32_t)t->page_rows);
    if (t->page.size > 0) put_long(out, t->page);
}

void td_cql_put_query(td_buf *out, td_bytes text, const td_cql_terms *terms) {
    put_long(out, text);
    put_terms(out, terms);
}

void td_cql_put_prepare(td_buf *out, td_bytes text) { put_long(out, text); }

void td_cql_put_execute(td_buf *out, td_bytes id, const td_cql_terms *terms) {
    put_short(out, id);
    put_terms(out, terms);
}

enum { BATCH_UNLOGGED = 1, BATCH_PREPARED = 1, BATCH_COUNT_AT = 1 };

void td_cql_batch_begin(td_cql_batch *batch) {
    batch->body.size = 0;
    batch->count = 0;
    put_8(&batch->body, BATCH_UNLOGGED);
    td_buf_put_be16(&batch->body, 0);
}

void td_cql_batch_add(td_cql_batch *batch, td_bytes id, const td_cql_values *values) {
    put_8(&batch->body, BATCH_PREPARED);
    put_short(&batch->body, id);
    td_buf_put_be16(&batch->body, values->count);
    td_buf_put(&batch->body, values->bytes.data, values->bytes.size);
    batch->count++;
}

void td_cql_batch_end(td_cql_batch *batch, td_cql_consistency consistency) {
    td_put_be16(batch->body.data + BATCH_COUNT_AT, batch->count);
    td_buf_put_be16(&batch->body, (uint16_t)consistency);
    put_8(&batch->body, 0);
}
