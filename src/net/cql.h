/* src/net/cql.h - a client of a node of Cassandra, over one connection, driven without waiting: requests go out as they
 * are asked for, answers come back in any order, each with the tag of its request. It belongs to one thread.
 * cql_cluster.h has one for each of several nodes.
 *
 * Bounds: `in_flight_most` requests without an answer. A node that leaves one unanswered for `answer_ns` is taken for
 * dead: the connection ends, and every request on its way gets TD_RETRY; whether the node had obeyed it is not known.
 * It never retries and never connects by itself: the owner paces that.
 *
 * A statement that a node does not know any more (it was started again, or is another one) is prepared again from the
 * text that was once asked for by any of the clients that share their statements, and what needed it is sent again,
 * without a word. Nodes of one release name a statement alike. Where one names it otherwise, the connection ends. */
#pragma once
#include "net/cql_answer.h"
#include "net/wire.h"

enum { TD_CQL_PORT = 9042, TD_CQL_IN_FLIGHT_MOST = 1024 };

typedef struct td_cql_conf { /* borrowed for the client's life, and what it points to */
    const td_wire_ops *wire;
    bool tls;
    const char *ca_file;         /* as td_wire_conf's */
    const char *user, *password; /* user NULL: none */
    bool lz4;                    /* where the node knows it, too */
    uint32_t in_flight_most;     /* 1 to TD_CQL_IN_FLIGHT_MOST */
    int64_t open_ns, answer_ns;
} td_cql_conf;

typedef struct td_cql_reply {
    uint64_t tag;
    td_status status; /* TD_RETRY, TD_CONFIG (td_cql_error_status): `detail` says why, `answer` is the error, if any */
    td_cql_answer answer; /* lent until the next call of any function, as the next */
    const char *detail;
} td_cql_reply;

typedef struct td_cql_statement {
    td_buf id, text; /* the id that it was given last */
} td_cql_statement;

typedef struct td_cql_statements { /* that were prepared once; {0}: none */
    td_cql_statement *items;
    size_t count;
} td_cql_statements;

void td_cql_statements_fini(td_cql_statements *statements);

typedef struct td_cql td_cql;

/* Connects to nobody yet. `node`: "host" or "host:port", copied. `statements` is borrowed for the client's life.
 * Errors: TD_CONFIG, with a trail that begins with "nodes". */
TD_CHECKED td_status td_cql_open(td_cql **out, const td_os *os, const td_cql_conf *conf, const char *node,
                                 td_cql_statements *statements);
void td_cql_close(td_cql *cql); /* accepts NULL */
/* Begins anew; what was on its way is forgotten. `prepares`: it is ready when the node knows all statements. Errors:
 * TD_RETRY. */
TD_CHECKED td_status td_cql_connect(td_cql *cql, bool prepares);
void td_cql_disconnect(td_cql *cql); /* what was on its way is forgotten */
/* Moves what can be moved. TD_OK: it is ready. TD_AGAIN: connecting, or logging in. Errors, until the next connect:
 * TD_RETRY, TD_CONFIG (login, certificate, version). */
TD_CHECKED td_status td_cql_step(td_cql *cql);
/* Sends a request with its body (cql_frame.h). Errors: TD_FULL (so many are on their way), TD_RETRY (not ready). */
TD_CHECKED td_status td_cql_ask(td_cql *cql, td_cql_opcode opcode, td_bytes body, uint64_t tag);
/* The next answer. TD_AGAIN: none now; with a connection that has ended: none is owed. */
TD_CHECKED td_status td_cql_next(td_cql *cql, td_cql_reply *out);
const td_url *td_cql_node(const td_cql *cql);
bool td_cql_is_ready(const td_cql *cql); /* as far as its last step knows */
uint32_t td_cql_in_flight(const td_cql *cql);
void td_cql_wait(td_cql *cql, int64_t most_ns); /* until the network has something to do, or for so long */
/* What td_cql_wait waits for, for whoever waits for several. False: for nothing. */
bool td_cql_want(const td_cql *cql, td_wire_want *out);
int64_t td_cql_prepared_again(const td_cql *cql); /* statements, since the opening */

/* ---- for whoever may wait: nothing else is on its way ---- */

/* One request of a client that is ready, and its answer. Errors as its reply's, with a trail. */
TD_CHECKED td_status td_cql_call(td_cql *cql, td_cql_opcode opcode, td_bytes body, td_cql_reply *out);
TD_CHECKED td_status td_cql_query(td_cql *cql, const char *text, td_cql_reply *out);
/* Until all nodes that this one knows have one schema. Errors: TD_RETRY (not within `most_ns`). */
TD_CHECKED td_status td_cql_agree(td_cql *cql, const td_os *os, int64_t most_ns);
