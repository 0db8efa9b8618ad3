/* src/net/cql_cluster.c - connections to the nodes of a Cassandra, and which of them gets what. */
#include "net/cql_cluster.h"
#include "net/cql_ring.h"
#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { NODE_MAX = INET6_ADDRSTRLEN + 16, DETAIL_MAX = 400, LINES_LEAST = 8 };

/* It wakes where something comes; and looks at the time. */
#define LOOK_NS (50 * TD_NS_PER_MS)

typedef struct line { /* to a node; its number is its own while it is there */
    td_cql *cql;      /* NULL: nobody's, to be taken by the next one */
    bool named;       /* by the operator: it stays */
    bool owns;        /* the ring tells of it */
    bool told;        /* and so does the ring that is being read */
    bool doubted;     /* it has refused what another one may take: it is left alone for a while */
    int64_t again_ns; /* it is not tried before then */
    uint32_t in_flight;
} line;

struct td_cql_cluster {
    const td_os *os;
    const td_cql_conf *conf;
    td_cql_statements statements;
    line *lines;
    size_t line_count, line_capacity, learned_count;
    size_t home;             /* NONE: there was none yet */
    td_cql_ring ring, fresh; /* what is routed by, and what is being read; their nodes are numbers of lines */
    bool was_asked;          /* home, for the ring; and is again, at */
    int64_t ask_ns, pause_ns;
    char why[DETAIL_MAX]; /* there is no ring; "": there is */
    bool *serves;         /* by line, as the ring's routes have it */
    td_wire_want *wants;  /* room for as many */
    td_buf centre;        /* home's */
    uint32_t in_flight;
};

#define NONE SIZE_MAX

static int64_t mono_ns(const td_cql_cluster *c) { return c->os->ops->mono_ns(c->os->self); }

/* ---- lines ---- */

static void *grown(void *memory, size_t bytes) { return td_alloc_check(realloc(memory, bytes), bytes); }

static void make_room(td_cql_cluster *c) {
    if (c->line_count < c->line_capacity) return;
    c->line_capacity = c->line_capacity > 0 ? 2 * c->line_capacity : LINES_LEAST;
    c->lines = grown(c->lines, c->line_capacity * sizeof *c->lines);
    c->serves = grown(c->serves, c->line_capacity * sizeof *c->serves);
    c->wants = grown(c->wants, c->line_capacity * sizeof *c->wants);
}

static td_status add_line(td_cql_cluster *c, const char *node, bool named, size_t *out) {
    size_t at = 0;
    while (at < c->line_count && c->lines[at].cql != NULL) at++;
    if (at == c->line_count) make_room(c);
    line *l = &c->lines[at];
    *l = (line){.named = named};
    td_status status = td_cql_open(&l->cql, c->os, c->conf, node, &c->statements);
    if (status != TD_OK) return status;
    c->serves[at] = false;
    c->learned_count += !named;
    if (at == c->line_count) c->line_count++;
    *out = at;
    return TD_OK;
}

td_status td_cql_cluster_open(td_cql_cluster **out, const td_os *os, const td_cql_conf *conf, const td_texts *nodes) {
    td_cql_cluster *c = td_alloc_zero(1, sizeof *c);
    td_status status = TD_OK;
    size_t at;
    c->os = os;
    c->conf = conf;
    c->home = NONE;
    for (size_t i = 0; i < nodes->count && status == TD_OK; i++) status = add_line(c, nodes->items[i], true, &at);
    if (status != TD_OK) {
        td_cql_cluster_close(c);
        return status;
    }
    *out = c;
    return TD_OK;
}

void td_cql_cluster_close(td_cql_cluster *c) {
    if (c == NULL) return;
    for (size_t i = 0; i < c->line_count; i++) td_cql_close(c->lines[i].cql);
    td_cql_statements_fini(&c->statements);
    td_cql_ring_fini(&c->ring);
    td_cql_ring_fini(&c->fresh);
    td_buf_fini(&c->centre);
    free(c->lines);
    free(c->serves);
    free(c->wants);
    free(c);
}

td_cql *td_cql_cluster_home(td_cql_cluster *c) {
    assert(c->home != NONE);
    return c->lines[c->home].cql;
}

uint32_t td_cql_cluster_in_flight(const td_cql_cluster *c) { return c->in_flight; }

/* ---- the ring, as home tells it ---- */

/* NONE: there are enough of them. */
static size_t line_to(td_cql_cluster *c, const char *host, int port) {
    char node[NODE_MAX];
    size_t at = NONE;
    for (size_t i = 0; i < c->line_count; i++) {
        const td_url *to = c->lines[i].cql != NULL ? td_cql_node(c->lines[i].cql) : NULL;
        if (to != NULL && to->port == port && strcmp(to->host, host) == 0) return i;
    }
    (void)snprintf(node, sizeof node, strchr(host, ':') != NULL ? "[%s]:%d" : "%s:%d", host, port);
    if (c->learned_count >= TD_CQL_LINES_MAX || add_line(c, node, false, &at) != TD_OK) return NONE;
    return at;
}

static void add_places(td_cql_cluster *c, size_t at, td_bytes tokens) {
    td_bytes all = td_cql_elements(tokens), token;
    while (td_cql_element_next(&all, &token)) c->lines[at].told |= td_cql_ring_add(&c->fresh, token, (uint32_t)at);
}

static bool is_text_of(td_bytes cell, const td_buf *text) { return td_bytes_equal(cell, td_buf_bytes(text)); }

/* False: it is none, or says "any". */
static bool name_node(td_bytes address, char out[INET6_ADDRSTRLEN]) {
    static const uint8_t any[sizeof(struct in6_addr)];
    bool six = address.size == sizeof(struct in6_addr);
    if ((!six && address.size != sizeof(struct in_addr)) || memcmp(address.data, any, address.size) == 0) return false;
    return inet_ntop(six ? AF_INET6 : AF_INET, address.data, out, INET6_ADDRSTRLEN) != NULL;
}

static void take_peer(td_cql_cluster *c, const td_bytes cells[4]) {
    char host[INET6_ADDRSTRLEN];
    int32_t port;
    if (!is_text_of(cells[1], &c->centre)) return;
    if (!td_cql_get_int(cells[3], &port)) port = td_cql_node(td_cql_cluster_home(c))->port;
    if (!name_node(cells[0], host)) return;
    size_t at = line_to(c, host, port);
    if (at != NONE) add_places(c, at, cells[2]);
}

/* Releases before 4 know one port for all. */
static td_status ask_peers(td_cql_cluster *c) {
    td_cql *home = td_cql_cluster_home(c);
    td_bytes cells[4];
    td_cql_reply reply;
    td_status status =
        td_cql_query(home, "SELECT native_address, data_center, tokens, native_port FROM system.peers_v2", &reply);
    if (status == TD_CONFIG)
        status = td_cql_query(home, "SELECT rpc_address, data_center, tokens FROM system.peers", &reply);
    if (status != TD_OK) return status;
    while (td_cql_row_next(&reply.answer.rows, cells, 4)) take_peer(c, cells);
    return TD_OK;
}

static td_status ask_ring(td_cql_cluster *c) {
    td_bytes cells[3];
    td_cql_reply reply;
    td_status status =
        td_cql_query(td_cql_cluster_home(c),
                     "SELECT partitioner, data_center, tokens FROM system.local WHERE key = 'local'", &reply);
    if (status != TD_OK) return status;
    if (!td_cql_row_next(&reply.answer.rows, cells, 3)) return TD_FAIL(TD_RETRY, "it says nothing of itself");
    if (!td_bytes_have(cells[0], TD_TEXT(".Murmur3Partitioner"))) return TD_OK; /* tokens are others there */
    c->centre.size = 0;
    td_buf_put(&c->centre, cells[1].data, cells[1].size);
    add_places(c, c->home, cells[2]);
    status = ask_peers(c);
    return status == TD_OK && c->fresh.count == 0 ? TD_FAIL(TD_RETRY, "it tells no tokens yet") : status;
}

static void forget_ring(td_cql_cluster *c) {
    c->ring.count = 0;
    for (size_t i = 0; i < c->line_count; i++) c->lines[i].owns = c->lines[i].doubted = false;
}

/* Of what the ring does not tell. */
static void end_lines(td_cql_cluster *c) {
    for (size_t i = 0; i < c->line_count; i++) {
        line *l = &c->lines[i];
        if (l->cql == NULL || l->owns || i == c->home) continue;
        td_cql_disconnect(l->cql);
        if (l->named) continue;
        td_cql_close(l->cql);
        l->cql = NULL;
        c->learned_count--;
    }
}

static void route(td_cql_cluster *c, bool anew) {
    for (size_t i = 0; i < c->line_count; i++) {
        const line *l = &c->lines[i];
        bool serves = l->cql != NULL && l->owns && td_cql_is_ready(l->cql);
        anew |= serves != c->serves[i];
        c->serves[i] = serves;
    }
    if (anew) td_cql_ring_route(&c->ring, c->serves, (uint32_t)c->home);
}

static void take_ring(td_cql_cluster *c) {
    td_cql_ring before = c->ring;
    c->ring = c->fresh;
    c->fresh = before;
    for (size_t i = 0; i < c->line_count; i++) {
        c->lines[i].owns = c->lines[i].told;
        c->lines[i].doubted = false;
    }
    td_cql_ring_sort(&c->ring);
    c->pause_ns = 0;
    (void)snprintf(c->why, sizeof c->why, "%s", c->ring.count > 0 ? "" : "its tokens are none of Murmur3Partitioner's");
}

/* Where home never told one, it gets all; where it cannot tell it now, what it told last holds, and it is asked soon.
 */
static td_status read_ring(td_cql_cluster *c) {
    c->fresh.count = 0;
    for (size_t i = 0; i < c->line_count; i++) c->lines[i].told = false;
    td_status status = ask_ring(c);
    if (status != TD_OK && !td_cql_is_ready(td_cql_cluster_home(c))) return status;
    if (status == TD_OK) {
        take_ring(c);
    } else {
        c->pause_ns = c->pause_ns == 0 ? TD_CQL_RING_SOON_NS : td_least(2 * c->pause_ns, TD_CQL_RING_NS);
        if (c->ring.count == 0) (void)snprintf(c->why, sizeof c->why, "%s", td_trail());
    }
    c->was_asked = true;
    c->ask_ns = mono_ns(c) + (status == TD_OK ? TD_CQL_RING_NS : c->pause_ns);
    end_lines(c);
    route(c, true);
    return TD_OK;
}

td_status td_cql_cluster_routes(const td_cql_cluster *c) {
    if (c->home == NONE || c->ring.count > 0 || c->why[0] == '\0') return TD_OK;
    return TD_FAIL(TD_RETRY, "all rows go to %s alone, which tells no ring: %s",
                   td_cql_node(c->lines[c->home].cql)->named, c->why);
}

/* ---- home ---- */

typedef struct race {
    td_status status; /* of those that have failed; TD_CONFIG is worth more than TD_RETRY */
    char why[DETAIL_MAX];
    size_t running, winner;
} race;

static void note_failure(race *r, td_status status) {
    if (r->status == status || r->status == TD_CONFIG) return;
    r->status = status;
    (void)snprintf(r->why, sizeof r->why, "%s", td_trail());
}

static void run_on(td_cql_cluster *c, race *r) {
    r->running = 0;
    for (size_t i = 0; i < c->line_count; i++) {
        td_status status = c->lines[i].cql != NULL ? td_cql_step(c->lines[i].cql) : TD_RETRY;
        if (status == TD_OK) {
            r->winner = i;
            return;
        }
        if (status == TD_AGAIN) r->running++;
        if (status == TD_AGAIN || c->lines[i].cql == NULL) continue;
        note_failure(r, c->lines[i].named ? status : TD_RETRY); /* else it is no matter of the configuration's */
        c->lines[i].again_ns = mono_ns(c) + TD_CQL_AGAIN_NS;
    }
}

/* Whoever waits for one that does not answer does not hear of the others. */
static td_status ask_all(td_cql_cluster *c) {
    race r = {.status = TD_OK, .running = 1, .winner = NONE};
    for (size_t i = 0; i < c->line_count; i++) {
        c->lines[i].again_ns = 0;
        c->lines[i].owns = true; /* to be waited for */
        td_status status = c->lines[i].cql != NULL ? td_cql_connect(c->lines[i].cql, false) : TD_OK;
        if (status != TD_OK) note_failure(&r, status);
    }
    c->home = NONE;
    while (r.winner == NONE && r.running > 0) {
        run_on(c, &r);
        if (r.winner == NONE && r.running > 0) td_cql_cluster_wait(c, LOOK_NS);
    }
    for (size_t i = 0; i < c->line_count; i++)
        if (i != r.winner && c->lines[i].cql != NULL) td_cql_disconnect(c->lines[i].cql);
    forget_ring(c);
    c->home = r.winner;
    return r.winner != NONE ? TD_OK : TD_FAIL(r.status, "%s", r.why);
}

static td_status find_home(td_cql_cluster *c) {
    c->was_asked = false;
    c->pause_ns = 0;
    for (size_t i = 0; i < c->line_count; i++)
        if (c->lines[i].cql != NULL && td_cql_step(c->lines[i].cql) == TD_OK) {
            c->home = i;
            return TD_OK;
        }
    return ask_all(c);
}

td_status td_cql_cluster_make_ready(td_cql_cluster *c) {
    assert(c->in_flight == 0);
    td_status status = td_cql_cluster_step(c);
    if (status != TD_OK) status = find_home(c);
    if (status == TD_OK && (!c->was_asked || mono_ns(c) >= c->ask_ns)) status = read_ring(c);
    return status;
}

/* ---- many at once ---- */

static void step_line(td_cql_cluster *c, line *l) {
    int64_t now_ns = mono_ns(c);
    td_status status = td_cql_step(l->cql);
    if (l->in_flight > 0) return; /* who waits is told first */
    if (l->doubted) {
        td_cql_disconnect(l->cql);
        l->doubted = false;
        l->again_ns = now_ns + TD_CQL_AGAIN_NS;
        return;
    }
    if (status == TD_OK || status == TD_AGAIN) return;
    if (now_ns < l->again_ns) return;
    l->again_ns = now_ns + TD_CQL_AGAIN_NS;
    (void)!td_cql_connect(l->cql, true); /* its next step says so, too */
}

td_status td_cql_cluster_step(td_cql_cluster *c) {
    for (size_t i = 0; i < c->line_count; i++)
        if (c->lines[i].cql != NULL && c->lines[i].owns && i != c->home) step_line(c, &c->lines[i]);
    if (c->home == NONE) return TD_FAIL(TD_RETRY, "not connected");
    td_status status = td_cql_step(td_cql_cluster_home(c));
    if (c->in_flight == 0) route(c, false);
    return status;
}

td_status td_cql_cluster_ask(td_cql_cluster *c, int64_t token, td_cql_opcode opcode, td_bytes body, uint64_t tag) {
    if (c->home == NONE) return TD_FAIL(TD_RETRY, "not connected");
    if (c->in_flight >= c->conf->in_flight_most) return TD_FAIL(TD_FULL, "%u requests are on their way", c->in_flight);
    line *l = &c->lines[c->ring.count > 0 ? td_cql_ring_find(&c->ring, token)->route : c->home];
    td_status status = td_cql_ask(l->cql, opcode, body, tag);
    l->in_flight += status == TD_OK;
    c->in_flight += status == TD_OK;
    return status;
}

td_status td_cql_cluster_next(td_cql_cluster *c, td_cql_reply *out) {
    for (size_t i = 0; i < c->line_count; i++) {
        line *l = &c->lines[i];
        if (l->in_flight == 0 || td_cql_next(l->cql, out) != TD_OK) continue;
        l->in_flight--;
        c->in_flight--;
        if (out->status == TD_CONFIG && i != c->home) {
            l->doubted = true;
            out->status = TD_RETRY;
        }
        return TD_OK;
    }
    return TD_AGAIN;
}

void td_cql_cluster_wait(td_cql_cluster *c, int64_t most_ns) {
    size_t count = 0;
    for (size_t i = 0; i < c->line_count; i++) {
        const line *l = &c->lines[i];
        if (l->cql != NULL && (l->owns || i == c->home) && td_cql_want(l->cql, &c->wants[count])) count++;
    }
    if (count > 0) c->conf->wire->wait(c->wants, count, most_ns);
}
