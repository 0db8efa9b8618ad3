/* src/net/cql_cluster.h - the nodes of one Cassandra, driven without waiting: what has a token goes to the node that
 * owns it (cql_ring.h), over a connection of its own to each node of the data centre. One of them is home: it is asked
 * for whatever is asked one after the other, says which nodes there are and who owns what, and gets the rows of those
 * that are away. It belongs to one thread.
 *
 * Home is the first that answers of the nodes that are named, all of which are asked at once; when it is lost another
 * one that is connected, else the first to answer of those that are named or were on the ring. Its data centre is ours.
 * The ring is asked for with each new home and each TD_CQL_RING_NS; where home cannot tell it, the one before holds and
 * it is asked again after TD_CQL_RING_SOON_NS, then after twice as long each time. Nodes that cannot be reached are
 * tried again each TD_CQL_AGAIN_NS, and nobody waits for them. Which node gets what changes only while nothing is on
 * its way: so requests of one token go one behind the other. Nodes with another partitioner, or that tell no ring, get
 * all over home.
 *
 * Bounds: `in_flight_most` requests without an answer over all; TD_CQL_LINES_MAX connections beyond those to named
 * nodes: of more nodes those that the ring tells later get theirs over others. Never retries, as cql.h.
 *
 * What a node refuses for good may be new to that node alone: it is TD_RETRY, and the next try goes to others. Home has
 * the last word. */
#pragma once
#include "base/option.h"
#include "base/time.h"
#include "net/cql.h"

enum { TD_CQL_LINES_MAX = 64 };

#define TD_CQL_RING_NS      (60 * TD_NS_PER_S)
#define TD_CQL_RING_SOON_NS TD_NS_PER_S
#define TD_CQL_AGAIN_NS     (30 * TD_NS_PER_S)

typedef struct td_cql_cluster td_cql_cluster;

/* Connects to nobody yet. `nodes`: "host" or "host:port", one at least. Errors: TD_CONFIG, with a trail that begins
 * with "nodes". */
TD_CHECKED td_status td_cql_cluster_open(td_cql_cluster **out, const td_os *os, const td_cql_conf *conf,
                                         const td_texts *nodes);
void td_cql_cluster_close(td_cql_cluster *cluster); /* accepts NULL */
/* Nothing is on its way. Waits for a home where there is none, and for the ring where it is due. Errors: TD_RETRY,
 * TD_CONFIG (what a named node said, where none is ready). */
TD_CHECKED td_status td_cql_cluster_make_ready(td_cql_cluster *cluster);
/* For the functions of cql.h that wait, while nothing is on its way; lent until the next make_ready, which comes first.
 */
td_cql *td_cql_cluster_home(td_cql_cluster *cluster);
/* TD_OK: what has a token goes to its owner, as far as one is there. TD_RETRY: home gets all; the trail says why. */
TD_CHECKED td_status td_cql_cluster_routes(const td_cql_cluster *cluster);

/* As their like of cql.h. An error of step is home's. */
TD_CHECKED td_status td_cql_cluster_step(td_cql_cluster *cluster);
TD_CHECKED td_status td_cql_cluster_ask(td_cql_cluster *cluster, int64_t token, td_cql_opcode opcode, td_bytes body,
                                        uint64_t tag);
TD_CHECKED td_status td_cql_cluster_next(td_cql_cluster *cluster, td_cql_reply *out);
uint32_t td_cql_cluster_in_flight(const td_cql_cluster *cluster);
void td_cql_cluster_wait(td_cql_cluster *cluster, int64_t most_ns);
