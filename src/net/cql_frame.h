/* src/net/cql_frame.h - Cassandra's native protocol, version 4, as bytes: frames both ways, and what a client says in
 * them. No socket, no state. What a server says is in cql_answer.h.
 *
 * A body is written into a buffer of the caller's, then wrapped into a frame with its stream's number, by which the
 * answer is known. Values are written one after the other into a td_cql_values, in the order of the statement's marks;
 * CQL's decimal is a number of any length with a scale, and the narrower types are their big-endian bytes. */
#pragma once
#include "base/bytes.h"

enum { TD_CQL_HEAD_BYTES = 9, TD_CQL_BODY_MAX = 16 * 1024 * 1024 };

typedef enum td_cql_opcode {
    TD_CQL_ERROR = 0x00,
    TD_CQL_STARTUP = 0x01,
    TD_CQL_READY = 0x02,
    TD_CQL_AUTHENTICATE = 0x03,
    TD_CQL_OPTIONS = 0x05,
    TD_CQL_SUPPORTED = 0x06,
    TD_CQL_QUERY = 0x07,
    TD_CQL_RESULT = 0x08,
    TD_CQL_PREPARE = 0x09,
    TD_CQL_EXECUTE = 0x0A,
    TD_CQL_REGISTER = 0x0B,
    TD_CQL_EVENT = 0x0C,
    TD_CQL_BATCH = 0x0D,
    TD_CQL_AUTH_CHALLENGE = 0x0E,
    TD_CQL_AUTH_RESPONSE = 0x0F,
    TD_CQL_AUTH_SUCCESS = 0x10,
} td_cql_opcode;

typedef enum td_cql_consistency {
    TD_CQL_ANY,
    TD_CQL_ONE,
    TD_CQL_TWO,
    TD_CQL_THREE,
    TD_CQL_QUORUM,
    TD_CQL_ALL,
    TD_CQL_LOCAL_QUORUM,
    TD_CQL_EACH_QUORUM,
    TD_CQL_LOCAL_ONE = 0x0A,
} td_cql_consistency;

/* ---- frames ---- */

typedef struct td_cql_frame { /* of a server; `body` as it came: td_cql_frame_open says what is in it */
    uint8_t flags, opcode;
    int16_t stream; /* below 0: nobody asked, it is an event */
    td_bytes body;
    size_t size; /* of all of it, with its head */
} td_cql_frame;

/* The frame that the bytes begin with, lent from them. TD_AGAIN: not all of it is there. TD_REJECT: that is no frame of
 * a server's for this version (an error may be one of version 3 to 6: a server says so which ones it has), or longer
 * than TD_CQL_BODY_MAX. No trail, as the next. */
TD_CHECKED td_status td_cql_frame_get(td_bytes bytes, td_cql_frame *out);
/* Its message, without compression, traces, warnings and payloads of others; lent from the frame or from `room`.
 * TD_REJECT: it is not what its flags say. */
TD_CHECKED td_status td_cql_frame_open(const td_cql_frame *frame, td_buf *room, td_bytes *out_message);
/* Appends a client's frame. `lz4` where the connection was begun with it: what becomes no shorter is sent plain. */
void td_cql_frame_put(td_buf *out, td_cql_opcode opcode, int16_t stream, td_bytes body, bool lz4);

/* ---- values ---- */

typedef struct td_cql_values { /* {0}: none */
    td_buf bytes;
    uint16_t count;
} td_cql_values;

static inline void td_cql_values_clear(td_cql_values *v) {
    v->bytes.size = 0;
    v->count = 0;
}
static inline void td_cql_values_fini(td_cql_values *v) {
    td_buf_fini(&v->bytes);
    v->count = 0;
}
void td_cql_add_null(td_cql_values *v);                  /* what was there before goes, at the price of a tombstone */
void td_cql_add_unset(td_cql_values *v);                 /* nothing is written */
void td_cql_add_bytes(td_cql_values *v, td_bytes value); /* text, ascii, blob */
void td_cql_add_text(td_cql_values *v, td_bytes value);  /* each byte that is no UTF-8 as U+FFFD: nodes refuse it */
void td_cql_add_int(td_cql_values *v, int32_t value);
void td_cql_add_bigint(td_cql_values *v, int64_t value); /* … and timestamp, in ms */
void td_cql_add_bool(td_cql_values *v, bool value);
void td_cql_add_date(td_cql_values *v, int32_t days); /* since 1970-01-01 */
void td_cql_add_decimal(td_cql_values *v, td_i128 m, int32_t scale);

/* ---- bodies of a client's messages: each is appended ---- */

typedef struct td_cql_terms { /* under which a statement runs */
    td_cql_consistency consistency;
    int32_t page_rows;           /* 0: all at once */
    td_bytes page;               /* the answer before said it; none: from the start */
    const td_cql_values *values; /* NULL: none */
} td_cql_terms;

void td_cql_put_startup(td_buf *out, bool lz4);
void td_cql_put_login(td_buf *out, const char *user, const char *password); /* AUTH_RESPONSE, as PLAIN */
void td_cql_put_query(td_buf *out, td_bytes text, const td_cql_terms *terms);
void td_cql_put_prepare(td_buf *out, td_bytes text);
void td_cql_put_execute(td_buf *out, td_bytes id, const td_cql_terms *terms);

typedef struct td_cql_batch { /* of prepared statements; unlogged: for rows of one partition */
    td_buf body;
    uint16_t count;
} td_cql_batch;

void td_cql_batch_begin(td_cql_batch *batch);
void td_cql_batch_add(td_cql_batch *batch, td_bytes id, const td_cql_values *values);
void td_cql_batch_end(td_cql_batch *batch, td_cql_consistency consistency); /* `body` is whole then */
