/* src/net/cql_call.c - requests to Cassandra one at a time, for whoever may wait. */
#include "base/time.h"
#include "net/cql.h"

/* It wakes where something comes; and looks at the time. */
#define LOOK_NS (50 * TD_NS_PER_MS)

td_status td_cql_call(td_cql *c, td_cql_opcode opcode, td_bytes body, td_cql_reply *out) {
    td_status status = td_cql_step(c);
    if (status == TD_OK) status = td_cql_ask(c, opcode, body, 0);
    while (status == TD_OK) {
        status = td_cql_step(c);
        if (td_cql_next(c, out) == TD_OK) return out->status == TD_OK ? TD_OK : TD_FAIL(out->status, "%s", out->detail);
        td_cql_wait(c, LOOK_NS);
    }
    return status;
}

td_status td_cql_query(td_cql *c, const char *text, td_cql_reply *out) {
    const td_cql_terms terms = {.consistency = TD_CQL_LOCAL_QUORUM};
    td_buf body = {0};
    td_cql_put_query(&body, td_text(text), &terms);
    td_status status = td_cql_call(c, TD_CQL_QUERY, td_buf_bytes(&body), out);
    td_buf_fini(&body);
    return status;
}

enum { VERSION_BYTES = 16 };

/* Takes the versions of the answer's rows. False: one is not as those before. A node without one is not up. */
static bool are_one(td_cql_rows rows, uint8_t version[VERSION_BYTES], bool *known) {
    td_bytes cell;
    while (td_cql_row_next(&rows, &cell, 1)) {
        if (cell.size != VERSION_BYTES) continue;
        if (*known && memcmp(version, cell.data, VERSION_BYTES) != 0) return false;
        memcpy(version, cell.data, VERSION_BYTES);
        *known = true;
    }
    return true;
}

static td_status ask_versions(td_cql *c, bool *out_agree) {
    static const char *const texts[] = {"SELECT schema_version FROM system.local WHERE key = 'local'",
                                        "SELECT schema_version FROM system.peers"};
    uint8_t version[VERSION_BYTES];
    bool known = false;
    *out_agree = true;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0] && *out_agree; i++) {
        td_cql_reply reply;
        td_status status = td_cql_query(c, texts[i], &reply);
        if (status != TD_OK) return status;
        *out_agree = are_one(reply.answer.rows, version, &known);
    }
    return TD_OK;
}

td_status td_cql_agree(td_cql *c, const td_os *os, int64_t most_ns) {
    int64_t began_ns = os->ops->mono_ns(os->self);
    bool agree = false;
    td_status status;
    while ((status = ask_versions(c, &agree)) == TD_OK && !agree) {
        if (os->ops->mono_ns(os->self) - began_ns >= most_ns)
            return TD_FAIL(TD_RETRY, "the nodes do not come to one schema");
        td_cql_wait(c, LOOK_NS);
    }
    return status;
}
