/* src/net/cql_answer.h - what a server of CQL's native protocol says, read from a frame's message. All is lent from
 * these bytes, and checked to its end before anything is given: columns and rows that are walked afterwards cannot be
 * broken. No allocation. */
#pragma once
#include "net/cql_frame.h"

enum { TD_CQL_COLUMNS_MAX = 4096, TD_CQL_NESTED_MAX = 16 };

typedef enum td_cql_kind {
    TD_CQL_IS_ERROR,
    TD_CQL_IS_READY,
    TD_CQL_IS_AUTHENTICATE, /* text: the class that asks for a login */
    TD_CQL_IS_AUTH_CHALLENGE,
    TD_CQL_IS_AUTH_SUCCESS,
    TD_CQL_IS_SUPPORTED, /* has_lz4 */
    TD_CQL_IS_EVENT,     /* text: its type */
    TD_CQL_IS_VOID,
    TD_CQL_IS_ROWS,
    TD_CQL_IS_KEYSPACE, /* text: in use from now on */
    TD_CQL_IS_PREPARED,
    TD_CQL_IS_SCHEMA, /* text: CREATED, UPDATED, DROPPED */
} td_cql_kind;

typedef enum td_cql_error_code {
    TD_CQL_ERROR_SERVER = 0x0000,
    TD_CQL_ERROR_PROTOCOL = 0x000A,
    TD_CQL_ERROR_LOGIN = 0x0100,
    TD_CQL_ERROR_UNAVAILABLE = 0x1000,
    TD_CQL_ERROR_OVERLOADED = 0x1001,
    TD_CQL_ERROR_BOOTSTRAPPING = 0x1002,
    TD_CQL_ERROR_TRUNCATE = 0x1003,
    TD_CQL_ERROR_WRITE_TIMEOUT = 0x1100,
    TD_CQL_ERROR_READ_TIMEOUT = 0x1200,
    TD_CQL_ERROR_READ_FAILURE = 0x1300,
    TD_CQL_ERROR_FUNCTION = 0x1400,
    TD_CQL_ERROR_WRITE_FAILURE = 0x1500,
    TD_CQL_ERROR_SYNTAX = 0x2000,
    TD_CQL_ERROR_UNAUTHORIZED = 0x2100,
    TD_CQL_ERROR_INVALID = 0x2200,
    TD_CQL_ERROR_CONFIG = 0x2300,
    TD_CQL_ERROR_EXISTS = 0x2400,
    TD_CQL_ERROR_UNPREPARED = 0x2500,
} td_cql_error_code;

typedef struct td_cql_columns {
    td_bytes keyspace, table; /* of all columns; none: each says its own */
    td_bytes specs;
    uint32_t count;
} td_cql_columns;

typedef struct td_cql_column {
    td_bytes name;
    uint16_t type; /* as the protocol numbers them: 0x0002 bigint, 0x000D varchar, … */
} td_cql_column;

typedef struct td_cql_rows {
    td_cql_columns columns;
    td_bytes page; /* ask for what follows with it; none: that is all */
    td_bytes cells;
    uint32_t count;
} td_cql_rows;

typedef struct td_cql_answer {
    td_cql_kind kind;
    td_bytes text; /* as told above; of an error for people */
    bool has_lz4;
    struct {
        int32_t code;
        td_bytes id; /* UNPREPARED */
    } error;
    struct {
        td_bytes id;
        uint32_t keys; /* how many of the values make the partition's key; 0: the server does not say it */
        td_cql_columns values;
    } prepared;
    td_cql_rows rows;
} td_cql_answer;

/* TD_REJECT without a trail: it is not a message of that kind, whole and no longer. */
TD_CHECKED td_status td_cql_answer_get(td_cql_opcode opcode, td_bytes message, td_cql_answer *out);
/* What an error asks for: TD_RETRY (the nodes are not well now) or TD_CONFIG (the operator's, and so again). */
td_status td_cql_error_status(const td_cql_answer *answer);

/* The next column, taken from `specs`. False: there is none left. */
bool td_cql_column_next(td_cql_columns *columns, td_cql_column *out);
/* The next row's first `most` cells, the others aside; data NULL: null, or no such column. False: there is none left.
 */
bool td_cql_row_next(td_cql_rows *rows, td_bytes *cells, size_t most);

/* Cells as they are written by td_cql_add_…; false: not of that length. */
bool td_cql_get_int(td_bytes cell, int32_t *out);
bool td_cql_get_bigint(td_bytes cell, int64_t *out);
/* Those of a list or a set, one after the other; false: none is left, or the cell is none. */
td_bytes td_cql_elements(td_bytes cell);
bool td_cql_element_next(td_bytes *elements, td_bytes *out);
