/* src/net/cql_answer.c - a server's messages of CQL's native protocol. */
#include "net/cql_answer.h"

/* ---- words of the protocol ---- */

static bool take_16(td_bytes *b, uint16_t *out) {
    uint8_t v[2];
    if (!td_bytes_take(b, v, sizeof v)) return false;
    *out = td_get_be16(v);
    return true;
}

static bool take_32(td_bytes *b, int32_t *out) {
    uint8_t v[4];
    if (!td_bytes_take(b, v, sizeof v)) return false;
    *out = (int32_t)td_get_be32(v);
    return true;
}

static bool take_part(td_bytes *b, size_t size, td_bytes *out) {
    if (b->size < size) return false;
    *out = (td_bytes){b->data, size};
    *b = td_bytes_from(*b, size);
    return true;
}

static bool take_short(td_bytes *b, td_bytes *out) { /* "string", "short bytes" */
    uint16_t size;
    return take_16(b, &size) && take_part(b, size, out);
}

static bool take_long(td_bytes *b, td_bytes *out) { /* "bytes": data NULL where they are null */
    int32_t size;
    *out = (td_bytes){0};
    if (!take_32(b, &size)) return false;
    return size < 0 || take_part(b, (size_t)size, out);
}

/* ---- columns ---- */

enum { TYPE_CUSTOM = 0x00, TYPE_LIST = 0x20, TYPE_MAP = 0x21, TYPE_SET = 0x22, TYPE_UDT = 0x30, TYPE_TUPLE = 0x31 };

static bool skip_type(td_bytes *b, int depth, uint16_t *out_type);

static bool skip_fields(td_bytes *b, int depth, bool named) {
    td_bytes text;
    uint16_t count, type;
    bool good = !named || (take_short(b, &text) && take_short(b, &text));
    good = good && take_16(b, &count);
    for (uint16_t i = 0; good && i < count; i++) good = (!named || take_short(b, &text)) && skip_type(b, depth, &type);
    return good;
}

static bool skip_type(td_bytes *b, int depth, uint16_t *out_type) { // NOLINT(misc-no-recursion): depth is bounded
    td_bytes text;
    uint16_t inner;
    if (depth > TD_CQL_NESTED_MAX || !take_16(b, out_type)) return false;
    switch (*out_type) {
    case TYPE_CUSTOM:
        return take_short(b, &text);
    case TYPE_LIST:
    case TYPE_SET:
        return skip_type(b, depth + 1, &inner);
    case TYPE_MAP:
        return skip_type(b, depth + 1, &inner) && skip_type(b, depth + 1, &inner);
    case TYPE_UDT:
    case TYPE_TUPLE:
        return skip_fields(b, depth + 1, *out_type == TYPE_UDT);
    default:
        return true;
    }
}

static bool take_column(td_bytes *b, bool own_table, td_cql_column *out) {
    td_bytes text;
    if (own_table && (!take_short(b, &text) || !take_short(b, &text))) return false;
    return take_short(b, &out->name) && skip_type(b, 0, &out->type);
}

bool td_cql_column_next(td_cql_columns *columns, td_cql_column *out) {
    if (columns->count == 0) return false;
    columns->count--;
    return take_column(&columns->specs, columns->table.size == 0, out);
}

enum { ONE_TABLE = 1, MORE_PAGES = 2, NO_COLUMNS = 4 };

/* What stands behind the counts, and behind a prepared statement's keys. */
static bool take_columns(td_bytes *b, int32_t flags, int32_t count, td_cql_columns *out) {
    *out = (td_cql_columns){.count = (uint32_t)count};
    if ((flags & NO_COLUMNS) != 0) {
        out->count = 0;
        return true;
    }
    bool own_table = (flags & ONE_TABLE) == 0;
    if (!own_table && (!take_short(b, &out->keyspace) || !take_short(b, &out->table) || out->table.size == 0))
        return false;
    td_bytes specs = *b;
    td_cql_column column;
    for (int32_t i = 0; i < count; i++)
        if (!take_column(b, own_table, &column)) return false;
    out->specs = (td_bytes){specs.data, specs.size - b->size};
    return true;
}

static bool is_count(int32_t count) { return count >= 0 && count <= TD_CQL_COLUMNS_MAX; }

/* ---- rows ---- */

static bool take_described(td_bytes *b, td_cql_rows *out, int32_t *out_width) {
    int32_t flags;
    if (!take_32(b, &flags) || !take_32(b, out_width) || !is_count(*out_width)) return false;
    if ((flags & MORE_PAGES) != 0 && !take_long(b, &out->page)) return false;
    return take_columns(b, flags, *out_width, &out->columns);
}

static bool take_rows(td_bytes *b, td_cql_rows *out) {
    int32_t width, count;
    if (!take_described(b, out, &width) || !take_32(b, &count) || count < 0) return false;
    if ((uint32_t)width != out->columns.count) return false; /* we never ask to leave them out */
    if (width == 0 && count > 0) return false;
    out->count = (uint32_t)count;
    out->cells = *b;
    td_bytes cell;
    for (uint64_t n = (uint64_t)count * (uint32_t)width; n > 0; n--)
        if (!take_long(b, &cell)) return false;
    return true;
}

bool td_cql_row_next(td_cql_rows *rows, td_bytes *cells, size_t most) {
    td_bytes cell;
    if (rows->count == 0) return false;
    rows->count--;
    for (size_t i = 0; i < most; i++) cells[i] = (td_bytes){0}; /* of columns that it does not have */
    for (uint32_t i = 0; i < rows->columns.count; i++) {
        (void)take_long(&rows->cells, &cell); /* they were walked before */
        if (i < most) cells[i] = cell;
    }
    return true;
}

bool td_cql_get_int(td_bytes cell, int32_t *out) {
    if (cell.size != sizeof *out) return false;
    *out = (int32_t)td_get_be32(cell.data);
    return true;
}

bool td_cql_get_bigint(td_bytes cell, int64_t *out) {
    if (cell.size != sizeof *out) return false;
    *out = (int64_t)td_get_be64(cell.data);
    return true;
}

td_bytes td_cql_elements(td_bytes cell) { /* behind their count: the bytes say it as well */
    return td_bytes_from(cell, cell.size < 4 ? cell.size : 4);
}

bool td_cql_element_next(td_bytes *elements, td_bytes *out) {
    if (take_long(elements, out)) return true;
    elements->size = 0;
    return false;
}

/* ---- results ---- */

static bool take_prepared(td_bytes *b, td_cql_answer *a) {
    int32_t flags, count, keys;
    uint16_t key;
    td_cql_rows rows = {0};
    if (!take_short(b, &a->prepared.id) || a->prepared.id.size == 0) return false;
    if (!take_32(b, &flags) || !take_32(b, &count) || !take_32(b, &keys)) return false;
    if (!is_count(count) || !is_count(keys)) return false;
    for (int32_t i = 0; i < keys; i++)
        if (!take_16(b, &key) || key >= count) return false;
    a->prepared.keys = (uint32_t)keys;
    return take_columns(b, flags, count, &a->prepared.values) && take_described(b, &rows, &count);
}

/* Target, keyspace, the name in it, and for functions the types of their arguments. */
static bool take_change(td_bytes *b, td_cql_answer *a) {
    td_bytes target, name, word;
    uint16_t count = 0;
    if (!take_short(b, &a->text) || !take_short(b, &target) || !take_short(b, &name)) return false;
    if (td_bytes_equal(target, TD_TEXT("KEYSPACE"))) return true;
    bool good = take_short(b, &name);
    if (good && (td_bytes_equal(target, TD_TEXT("FUNCTION")) || td_bytes_equal(target, TD_TEXT("AGGREGATE"))))
        good = take_16(b, &count);
    for (; good && count > 0; count--) good = take_short(b, &word);
    return good;
}

static bool take_result(td_bytes *b, td_cql_answer *a) {
    int32_t kind;
    if (!take_32(b, &kind)) return false;
    switch (kind) {
    case 1:
        a->kind = TD_CQL_IS_VOID;
        return true;
    case 2:
        a->kind = TD_CQL_IS_ROWS;
        return take_rows(b, &a->rows);
    case 3:
        a->kind = TD_CQL_IS_KEYSPACE;
        return take_short(b, &a->text);
    case 4:
        a->kind = TD_CQL_IS_PREPARED;
        return take_prepared(b, a);
    case 5:
        a->kind = TD_CQL_IS_SCHEMA;
        return take_change(b, a);
    default:
        return false;
    }
}

/* ---- the rest ---- */

/* Consistency, then replicas that answered and that were waited for: the text tells of them, too. */
static bool take_replicas(td_bytes *b) {
    uint16_t consistency;
    int32_t first, second;
    if (!take_16(b, &consistency) || !take_32(b, &first) || !take_32(b, &second)) return false;
    return true;
}

static bool take_error(td_bytes *b, td_cql_answer *a) {
    if (!take_32(b, &a->error.code) || !take_short(b, &a->text)) return false;
    bool good = true;
    switch (a->error.code) {
    case TD_CQL_ERROR_UNAVAILABLE:
    case TD_CQL_ERROR_WRITE_TIMEOUT:
    case TD_CQL_ERROR_READ_TIMEOUT:
    case TD_CQL_ERROR_READ_FAILURE:
    case TD_CQL_ERROR_WRITE_FAILURE:
        good = take_replicas(b);
        break;
    case TD_CQL_ERROR_UNPREPARED:
        good = take_short(b, &a->error.id);
        break;
    default:
        break;
    }
    b->size = good ? 0 : b->size; /* servers have put more behind it in time, and others may */
    return good;
}

static bool take_supported(td_bytes *b, td_cql_answer *a) {
    uint16_t keys, words;
    td_bytes key, word;
    if (!take_16(b, &keys)) return false;
    for (; keys > 0; keys--) {
        if (!take_short(b, &key) || !take_16(b, &words)) return false;
        for (; words > 0; words--) {
            if (!take_short(b, &word)) return false;
            a->has_lz4 |= td_bytes_equal(key, TD_TEXT("COMPRESSION")) && td_bytes_equal(word, TD_TEXT("lz4"));
        }
    }
    return true;
}

static bool take_message(td_cql_opcode opcode, td_bytes *b, td_cql_answer *a) {
    td_bytes token;
    switch (opcode) {
    case TD_CQL_ERROR:
        a->kind = TD_CQL_IS_ERROR;
        return take_error(b, a);
    case TD_CQL_READY:
        a->kind = TD_CQL_IS_READY;
        return true;
    case TD_CQL_AUTHENTICATE:
        a->kind = TD_CQL_IS_AUTHENTICATE;
        return take_short(b, &a->text);
    case TD_CQL_AUTH_CHALLENGE:
    case TD_CQL_AUTH_SUCCESS:
        a->kind = opcode == TD_CQL_AUTH_SUCCESS ? TD_CQL_IS_AUTH_SUCCESS : TD_CQL_IS_AUTH_CHALLENGE;
        return take_long(b, &token);
    case TD_CQL_SUPPORTED:
        a->kind = TD_CQL_IS_SUPPORTED;
        return take_supported(b, a);
    case TD_CQL_RESULT:
        return take_result(b, a);
    case TD_CQL_EVENT:
        a->kind = TD_CQL_IS_EVENT;
        if (!take_short(b, &a->text)) return false;
        b->size = 0; /* what it is about we do not ask */
        return true;
    default:
        return false; /* a client's */
    }
}

td_status td_cql_answer_get(td_cql_opcode opcode, td_bytes message, td_cql_answer *out) {
    *out = (td_cql_answer){0};
    return take_message(opcode, &message, out) && message.size == 0 ? TD_OK : TD_REJECT;
}

td_status td_cql_error_status(const td_cql_answer *a) {
    /* Nodes cannot ask one another who may do what: that passes, whatever its code says. */
    if (td_bytes_begin(a->text, TD_TEXT("Unable to perform auth"))) return TD_RETRY;
    switch (a->error.code) {
    case TD_CQL_ERROR_SERVER:
    case TD_CQL_ERROR_UNAVAILABLE:
    case TD_CQL_ERROR_OVERLOADED:
    case TD_CQL_ERROR_BOOTSTRAPPING:
    case TD_CQL_ERROR_TRUNCATE:
    case TD_CQL_ERROR_WRITE_TIMEOUT:
    case TD_CQL_ERROR_READ_TIMEOUT:
    case TD_CQL_ERROR_READ_FAILURE:
    case TD_CQL_ERROR_WRITE_FAILURE:
    case TD_CQL_ERROR_UNPREPARED:
        return TD_RETRY;
    default:
        return TD_CONFIG;
    }
}
