/* tests/unit/net_cql_cluster_test.c - goal: what has a token goes to the node that owns it, or to another one while
 * that is away, and nobody waits for a node; who is home, which nodes there are and which of them are there may change
 * at any time, and each request is answered for once.
 *
 * The nodes are played here, behind wires; each counts what it was asked, by token. */
#include "base/time.h"
#include "cql_unit.h"
#include "net/cql_cluster.h"
#include <stdio.h>

enum { NODES = 3, MOST_NODES = 80, IN_FLIGHT = 8, CONNECTIONS_MAX = 512, REFUSED = 0x2200 };

typedef enum mood { UP, REFUSES, SILENT, WANTS_LOGIN } mood;

typedef struct node { /* 10.0.0.<its number>, which owns what ends with 100 times that */
    mood mood;
    bool is_there; /* others know of it */
    bool lags;     /* it does not know the tables that others know */
    int life, asked, connects, prepares;
    int port;
    const char *centre;
} node;

typedef struct connection {
    node *to;
    int life;
    int64_t since_ns;
    td_buf in, out;
    size_t given;
} connection;

static node nodes[MOST_NODES + 1];
static const char *partitioner;
static bool has_old_peers, holds, peers_fail, no_tokens;
static int rings_asked;
static int64_t ring_asked_ns; /* the last time */
static connection *connections[CONNECTIONS_MAX];
static int connection_count;
static int64_t clock_ns;

static int64_t mono(void *self) {
    (void)self;
    return clock_ns;
}
static const td_os_ops os_ops = {.mono_ns = mono};
static const td_os os = {&os_ops, NULL};

/* ---- what a node says ---- */

static void say(connection *c, uint8_t opcode, int16_t stream, td_bytes body) {
    uint8_t head[TD_CQL_HEAD_BYTES] = {0x84, 0, 0, 0, opcode};
    td_put_be16(head + 2, (uint16_t)stream);
    td_put_be32(head + 5, (uint32_t)body.size);
    td_buf_put(&c->out, head, sizeof head);
    td_buf_put(&c->out, body.data, body.size);
}

static void say_text(connection *c, uint8_t opcode, int16_t stream, const char *text) {
    td_bytes body = cql_bytes(text);
    say(c, opcode, stream, body);
    cql_free(body);
}

static void put_cell(td_buf *out, td_bytes cell) {
    td_buf_put_be32(out, (uint32_t)cell.size);
    td_buf_put(out, cell.data, cell.size);
}

static void put_tokens(td_buf *out, size_t number) { /* a set of two */
    char token[24];
    td_buf set = {0};
    if (no_tokens) {
        td_buf_put_be32(out, UINT32_MAX); /* null */
        return;
    }
    td_buf_put_be32(&set, 2);
    (void)snprintf(token, sizeof token, "%zu", 100 * number);
    put_cell(&set, td_text(token));
    (void)snprintf(token, sizeof token, "%zu", 100000 + 100 * number);
    put_cell(&set, td_text(token));
    put_cell(out, td_buf_bytes(&set));
    td_buf_fini(&set);
}

static void begin_rows(td_buf *out, uint32_t width, uint32_t count) {
    td_buf_put_be32(out, 2);
    td_buf_put_be32(out, 1);
    td_buf_put_be32(out, width);
    td_buf_put(out, "\0\1k\0\1t", 6);
    for (uint32_t i = 0; i < width; i++) td_buf_put(out, "\0\1c\0\3", 5); /* blobs, to whom it may concern */
    td_buf_put_be32(out, count);
}

static void tell_local(connection *c, int16_t stream) {
    td_buf out = {0};
    rings_asked++;
    ring_asked_ns = clock_ns;
    begin_rows(&out, 3, 1);
    put_cell(&out, td_text(partitioner));
    put_cell(&out, td_text(c->to->centre));
    put_tokens(&out, (size_t)(c->to - nodes));
    say(c, TD_CQL_RESULT, stream, td_buf_bytes(&out));
    td_buf_fini(&out);
}

static void tell_peers(connection *c, int16_t stream) {
    td_buf out = {0};
    uint32_t count = 0;
    for (size_t i = 1; i <= MOST_NODES; i++) count += nodes[i].is_there && &nodes[i] != c->to;
    begin_rows(&out, has_old_peers ? 3 : 4, count);
    for (size_t i = 1; i <= MOST_NODES; i++) {
        if (!nodes[i].is_there || &nodes[i] == c->to) continue;
        const uint8_t address[] = {10, 0, 0, (uint8_t)i};
        put_cell(&out, (td_bytes){address, sizeof address});
        put_cell(&out, td_text(nodes[i].centre));
        put_tokens(&out, i);
        if (has_old_peers) continue;
        td_buf_put_be32(&out, 4);
        td_buf_put_be32(&out, (uint32_t)nodes[i].port);
    }
    say(c, TD_CQL_RESULT, stream, td_buf_bytes(&out));
    td_buf_fini(&out);
}

static void answer_query(connection *c, int16_t stream, td_bytes text) {
    if (td_bytes_have(text, TD_TEXT("system.local")))
        tell_local(c, stream);
    else if (td_bytes_have(text, TD_TEXT("peers_v2")) && has_old_peers)
        say_text(c, TD_CQL_ERROR, stream, "00002200 0002 'no'");
    else if (td_bytes_have(text, TD_TEXT("system.peers")) && peers_fail)
        say_text(c, TD_CQL_ERROR, stream, "00000000 0002 'no'");
    else if (td_bytes_have(text, TD_TEXT("system.peers")))
        tell_peers(c, stream);
    else {
        c->to->asked++;
        if (c->to->lags)
            say_text(c, TD_CQL_ERROR, stream, "00002200 0002 'no'");
        else if (!holds)
            say_text(c, TD_CQL_RESULT, stream, "00000001");
    }
}

static void obey(connection *c, uint8_t opcode, int16_t stream, td_bytes body) {
    switch (opcode) {
    case TD_CQL_OPTIONS:
        say_text(c, TD_CQL_SUPPORTED, stream, "0000");
        break;
    case TD_CQL_STARTUP:
        if (c->to->mood == WANTS_LOGIN)
            say_text(c, TD_CQL_AUTHENTICATE, stream, "0004 'PLAI'");
        else
            say_text(c, TD_CQL_READY, stream, "");
        break;
    case TD_CQL_PREPARE:
        c->to->prepares++;
        say_text(c, TD_CQL_RESULT, stream, "00000004 0001 's' 00000004 00000000 00000000 00000004 00000000");
        break;
    default:
        answer_query(c, stream, td_bytes_from(body, 4));
    }
}

/* ---- wires ---- */

static td_status wire_open(void **out, const td_os *unused, const td_wire_conf *conf) {
    (void)unused;
    connection *c = td_alloc_zero(1, sizeof *c);
    size_t number = (size_t)atoi(conf->url.host + strlen("10.0.0."));
    assert_true(strncmp(conf->url.host, "10.0.0.", 7) == 0 && number >= 1 && number <= MOST_NODES);
    assert_int_equal(conf->url.port, nodes[number].port);
    assert_true(connection_count < CONNECTIONS_MAX);
    c->to = &nodes[number];
    c->life = c->to->life;
    c->since_ns = clock_ns;
    c->to->connects++;
    connections[connection_count++] = c;
    *out = c;
    return TD_OK;
}

static td_status wire_step(void *wire) {
    connection *c = wire;
    if (c->to->mood == UP || c->to->mood == WANTS_LOGIN) return TD_OK;
    if (c->to->mood == REFUSES) return TD_FAIL(TD_RETRY, "refused");
    return clock_ns - c->since_ns < TD_NS_PER_S ? TD_AGAIN : TD_FAIL(TD_RETRY, "no connection in time");
}

static td_status wire_send(void *wire, td_bytes bytes, size_t *out_sent) {
    connection *c = wire;
    *out_sent = 0;
    if (c->life != c->to->life) return TD_FAIL(TD_RETRY, "lost");
    *out_sent = bytes.size;
    td_buf_put(&c->in, bytes.data, bytes.size);
    while (c->in.size >= TD_CQL_HEAD_BYTES && c->in.size >= TD_CQL_HEAD_BYTES + td_get_be32(c->in.data + 5)) {
        size_t size = TD_CQL_HEAD_BYTES + td_get_be32(c->in.data + 5);
        obey(c, c->in.data[4], (int16_t)td_get_be16(c->in.data + 2),
             (td_bytes){c->in.data + TD_CQL_HEAD_BYTES, size - TD_CQL_HEAD_BYTES});
        c->in.size -= size;
        memmove(c->in.data, c->in.data + size, c->in.size);
    }
    return TD_OK;
}

static td_status wire_receive(void *wire, void *out, size_t room, size_t *out_size) {
    connection *c = wire;
    *out_size = 0;
    if (c->life != c->to->life) return TD_FAIL(TD_RETRY, "lost");
    *out_size = c->out.size - c->given < room ? c->out.size - c->given : room;
    if (*out_size > 0) memcpy(out, c->out.data + c->given, *out_size);
    c->given += *out_size;
    return TD_OK;
}

static void wire_wait(const td_wire_want *wants, size_t count, int64_t most_ns) {
    assert_true(count > 0 && wants[count - 1].wire != NULL);
    clock_ns += most_ns;
}

static void wire_close(void *wire) {
    connection *c = wire;
    if (c == NULL) return;
    for (int i = 0; i < connection_count; i++)
        if (connections[i] == c) connections[i] = connections[--connection_count];
    td_buf_fini(&c->in);
    td_buf_fini(&c->out);
    free(c);
}

static const td_wire_ops wire_ops = {"played", wire_open, wire_step, wire_send, wire_receive, wire_wait, wire_close};

/* ---- the client ---- */

static char *one_name[] = {"10.0.0.1"}, *all_names[] = {"10.0.0.1", "10.0.0.2", "10.0.0.3"};
static const td_texts one = {one_name, 1}, all = {all_names, 3};
static td_cql_conf conf;
static td_cql_cluster *cluster;

static int begin_with(const td_texts *names) {
    memset(nodes, 0, sizeof nodes);
    for (int i = 1; i <= MOST_NODES; i++) nodes[i] = (node){.is_there = i <= NODES, .port = 9042, .centre = "here"};
    partitioner = "org.apache.cassandra.dht.Murmur3Partitioner";
    has_old_peers = holds = peers_fail = no_tokens = false;
    conf = (td_cql_conf){
        .wire = &wire_ops, .in_flight_most = IN_FLIGHT, .open_ns = TD_NS_PER_S, .answer_ns = 5 * TD_NS_PER_S};
    return td_cql_cluster_open(&cluster, &os, &conf, names) == TD_OK ? 0 : 1;
}

static int begin(void **state) {
    (void)state;
    return begin_with(&one);
}

static int begin_with_all(void **state) {
    (void)state;
    return begin_with(&all);
}

static int finish(void **state) {
    (void)state;
    td_cql_cluster_close(cluster);
    assert_int_equal(connection_count, 0);
    return 0;
}

static void lose(int number) { /* it is gone, with all connections */
    nodes[number].life++;
    nodes[number].mood = REFUSES;
}

static td_status ask(int64_t token) {
    const td_cql_terms terms = {.consistency = TD_CQL_ONE};
    td_buf body = {0};
    td_cql_put_query(&body, TD_TEXT("x"), &terms);
    td_status status = td_cql_cluster_ask(cluster, token, TD_CQL_QUERY, td_buf_bytes(&body), (uint64_t)token);
    td_buf_fini(&body);
    return status;
}

static int good, bad;
static td_status worst; /* of bad ones */

/* All answers that are owed. */
static void settle(void) {
    td_cql_reply reply;
    good = bad = 0;
    worst = TD_OK;
    for (int i = 0; i < 1000 && td_cql_cluster_in_flight(cluster) > 0; i++) {
        td_status status = td_cql_cluster_step(cluster);
        while (td_cql_cluster_next(cluster, &reply) == TD_OK) {
            reply.status == TD_OK ? good++ : bad++;
            if (reply.status != TD_OK && worst != TD_CONFIG) worst = reply.status;
        }
        if (status == TD_OK) td_cql_cluster_wait(cluster, TD_NS_PER_MS);
    }
    assert_int_equal(td_cql_cluster_in_flight(cluster), 0);
}

static void make_ready(void) {
    assert_int_equal(td_cql_cluster_make_ready(cluster), TD_OK);
    for (int i = 0; i < 20; i++) (void)!td_cql_cluster_step(cluster); /* connections that nobody waits for */
}

/* Who is asked for what ends at 100, 200, 300; and for what is behind all. */
static void expect_route(int first, int second, int third, int behind) {
    const int expected[] = {first, second, third, behind};
    static const int64_t tokens[] = {99, 200, 100201, INT64_MAX};
    for (size_t t = 0; t < COUNT_OF(tokens); t++) {
        int before[NODES + 1];
        for (int i = 1; i <= NODES; i++) before[i] = nodes[i].asked;
        assert_int_equal(ask(tokens[t]), TD_OK);
        settle();
        assert_true(good == 1 && bad == 0);
        for (int i = 1; i <= NODES; i++)
            ASSERT_ROW(nodes[i].asked - before[i] == (i == expected[t]), "%zu: node %d, %d times", t, i,
                       nodes[i].asked - before[i]);
    }
}

static void owners_get_their_own(void **state) {
    (void)state;
    assert_int_equal(ask(1), TD_RETRY); /* not connected */
    assert_int_equal(td_cql_cluster_make_ready(cluster), TD_OK);
    expect_route(1, 1, 1, 1); /* the others are not there yet, and nobody waits for them */
    make_ready();
    expect_route(1, 2, 3, 1);
    for (int i = 1; i <= NODES; i++) assert_int_equal(nodes[i].connects, 1);
}

static void over_the_old_table(void **state) {
    (void)state;
    has_old_peers = true;
    make_ready();
    expect_route(1, 2, 3, 1);
}

static void ports_of_their_own(void **state) {
    (void)state;
    nodes[2].port = 9043;
    nodes[3].port = 80; /* which an address leaves out */
    make_ready();
    expect_route(1, 2, 3, 1);
    clock_ns += TD_CQL_RING_NS; /* and the same ones again */
    make_ready();
    expect_route(1, 2, 3, 1);
    assert_true(nodes[2].connects == 1 && nodes[3].connects == 1);
}

/* Where the one that is named is away, what the others say is no matter of the configuration's. */
static void one_that_nobody_named_refuses(void **state) {
    (void)state;
    make_ready();
    lose(1);
    lose(3);
    nodes[2].life++;
    nodes[2].mood = WANTS_LOGIN;
    assert_int_equal(td_cql_cluster_make_ready(cluster), TD_RETRY);
    nodes[1].mood = UP;
    make_ready();
}

/* The first to answer is home, however long others are silent. */
static void all_are_asked_at_once(void **state) {
    (void)state;
    nodes[1].mood = SILENT;
    nodes[3].mood = REFUSES;
    int64_t began_ns = clock_ns;
    assert_int_equal(td_cql_cluster_make_ready(cluster), TD_OK);
    assert_true(clock_ns - began_ns < TD_NS_PER_S / 2);
    assert_string_equal(td_cql_node(td_cql_cluster_home(cluster))->host, "10.0.0.2");
    nodes[1].mood = nodes[3].mood = UP;
    make_ready();
    expect_route(1, 2, 1, 1); /* who refused is not asked again at once */
    assert_int_equal(nodes[3].connects, 1);
    clock_ns += TD_CQL_AGAIN_NS;
    make_ready();
    expect_route(1, 2, 3, 1);
}

static void nobody_answers(void **state) {
    (void)state;
    static const struct {
        mood moods[NODES];
        td_status status;
        const char *words;
    } rows[] = {{{REFUSES, REFUSES, REFUSES}, TD_RETRY, "refused"},
                {{SILENT, SILENT, SILENT}, TD_RETRY, "in time"},
                {{REFUSES, WANTS_LOGIN, SILENT}, TD_CONFIG, "login"}}; /* the one that can be helped */
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (int n = 1; n <= NODES; n++) nodes[n].mood = rows[i].moods[n - 1];
        int64_t began_ns = clock_ns;
        td_status status = td_cql_cluster_make_ready(cluster);
        ASSERT_ROW(status == rows[i].status && strstr(td_trail(), rows[i].words) != NULL, "%zu: %s", i, td_trail());
        ASSERT_ROW(clock_ns - began_ns < 2 * TD_NS_PER_S, "%zu", i); /* all at once */
        assert_int_equal(ask(1), TD_RETRY);
    }
    nodes[3].mood = UP;
    make_ready();
    assert_string_equal(td_cql_node(td_cql_cluster_home(cluster))->host, "10.0.0.3");
}

/* What it owns goes to the next one on the ring; it is asked again now and then, not at each turn. */
static void one_is_away(void **state) {
    (void)state;
    static const mood moods[] = {REFUSES, SILENT};
    nodes[2].mood = moods[0];
    make_ready();
    expect_route(1, 3, 3, 1);
    for (size_t i = 0; i < COUNT_OF(moods); i++) {
        nodes[2].mood = moods[i];
        clock_ns += TD_CQL_AGAIN_NS;
        int connects = nodes[2].connects;
        for (int n = 0; n < 5; n++) make_ready();
        assert_int_equal(nodes[2].connects, connects + 1);
        expect_route(1, 3, 3, 1);
    }
    nodes[2].mood = UP;
    clock_ns += TD_CQL_AGAIN_NS;
    make_ready();
    expect_route(1, 2, 3, 1);
}

static void one_is_lost_with_what_it_was_asked(void **state) {
    (void)state;
    make_ready();
    clock_ns += TD_CQL_AGAIN_NS; /* it is asked again at once, but not before those who wait are told */
    holds = true;
    for (int i = 0; i < 3; i++) assert_int_equal(ask(200), TD_OK);
    lose(2);
    holds = false;
    assert_int_equal(ask(99), TD_OK);
    assert_int_equal(ask(201), TD_OK);
    settle();
    assert_true(good == 2 && bad == 3);
    make_ready();
    expect_route(1, 3, 3, 1);
    nodes[2].mood = UP;
    clock_ns += TD_CQL_AGAIN_NS;
    make_ready();
    expect_route(1, 2, 3, 1);
}

/* What one refuses for good is tried at another one before it is told so. */
static void one_is_behind_the_others(void **state) {
    (void)state;
    make_ready();
    nodes[2].lags = true;
    for (int i = 0; i < 2; i++) assert_int_equal(ask(200), TD_OK);
    settle();
    assert_true(bad == 2 && worst == TD_RETRY);
    make_ready();
    expect_route(1, 3, 3, 1);
    clock_ns += TD_CQL_AGAIN_NS;
    nodes[2].lags = false;
    make_ready();
    expect_route(1, 2, 3, 1);
    nodes[1].lags = true;
    assert_int_equal(ask(99), TD_OK);
    settle();
    assert_true(bad == 1 && worst == TD_CONFIG);
}

/* Only one is named, and it does not come back: the others are known. */
static void home_is_lost(void **state) {
    (void)state;
    make_ready();
    holds = true;
    assert_int_equal(ask(99), TD_OK);
    assert_int_equal(ask(200), TD_OK);
    lose(1);
    assert_int_equal(td_cql_cluster_step(cluster), TD_RETRY);
    holds = false;
    nodes[2].life++; /* and one that was asked and will not answer */
    settle();
    assert_true(good == 0 && bad == 2);
    make_ready();
    expect_route(3, 3, 3, 3);
    clock_ns += TD_CQL_AGAIN_NS;
    make_ready();
    expect_route(2, 2, 3, 2);
    lose(2);
    lose(3);
    assert_int_equal(td_cql_cluster_make_ready(cluster), TD_RETRY);
    nodes[3].mood = UP; /* which nobody has named */
    make_ready();
    expect_route(3, 3, 3, 3);
    nodes[1].mood = UP;
    clock_ns += TD_CQL_AGAIN_NS;
    make_ready();
    expect_route(1, 3, 3, 1);
}

static void nodes_come_and_go(void **state) {
    (void)state;
    nodes[3].is_there = false;
    make_ready();
    expect_route(1, 2, 1, 1); /* what is behind the last is the first one's */
    nodes[3].is_there = true;
    make_ready();
    assert_int_equal(nodes[3].connects, 0);
    clock_ns += TD_CQL_RING_NS;
    make_ready();
    expect_route(1, 2, 3, 1);
    nodes[2].is_there = false; /* though it still answers */
    clock_ns += TD_CQL_RING_NS;
    make_ready();
    expect_route(1, 3, 3, 1);
    assert_int_equal(connection_count, 2);
}

static void rings_that_are_none(void **state) {
    (void)state;
    enum { RANDOM, FAILS, ELSEWHERE, HOWS };
    for (int how = 0; how < HOWS; how++) {
        partitioner = how == RANDOM ? "org.apache.cassandra.dht.RandomPartitioner"
                                    : "org.apache.cassandra.dht.Murmur3Partitioner";
        peers_fail = how == FAILS;
        nodes[2].centre = nodes[3].centre = how == ELSEWHERE ? "there" : "here";
        clock_ns += TD_CQL_RING_NS;
        make_ready();
        expect_route(1, 1, 1, 1);
        assert_int_equal(connection_count, 1); /* beyond home nobody is asked */
    }
}

/* What it told last holds while it cannot tell it, and it is asked again soon, then less and less often. */
static void the_ring_is_not_told_for_a_while(void **state) {
    (void)state;
    make_ready();
    nodes[3].is_there = false;
    peers_fail = true;
    clock_ns += TD_CQL_RING_NS;
    make_ready();
    expect_route(1, 2, 3, 1);
    assert_int_equal(td_cql_cluster_routes(cluster), TD_OK);
    int64_t pause_ns = TD_CQL_RING_SOON_NS;
    for (int i = 0; i < 8; i++, pause_ns = pause_ns < TD_CQL_RING_NS / 2 ? 2 * pause_ns : TD_CQL_RING_NS) {
        int before = rings_asked;
        clock_ns = ring_asked_ns + pause_ns - 1;
        make_ready();
        ASSERT_ROW(rings_asked == before, "%d: too soon", i);
        clock_ns = ring_asked_ns + pause_ns + TD_NS_PER_S / 2; /* behind the answers */
        make_ready();
        ASSERT_ROW(rings_asked == before + 1, "%d: too late", i);
    }
    for (int i = 1; i <= NODES; i++) assert_int_equal(nodes[i].connects, 1);
    peers_fail = false;
    clock_ns += TD_CQL_RING_NS;
    make_ready();
    expect_route(1, 2, 1, 1);
    no_tokens = true; /* they come up, and are asked too early */
    clock_ns = ring_asked_ns + TD_CQL_RING_NS;
    make_ready();
    expect_route(1, 2, 1, 1);
    no_tokens = false;
    clock_ns = ring_asked_ns + TD_CQL_RING_SOON_NS;
    make_ready();
    clock_ns = ring_asked_ns + TD_CQL_RING_NS - 1; /* as ever */
    int before = rings_asked;
    make_ready();
    assert_int_equal(rings_asked, before);
    peers_fail = true; /* another time: soon again */
    for (int i = 0; i < 2; i++) {
        clock_ns = ring_asked_ns + (i == 0 ? TD_CQL_RING_NS : TD_CQL_RING_SOON_NS) + TD_NS_PER_S / 2;
        make_ready();
    }
    assert_int_equal(rings_asked, before + 2);
}

/* At the beginning there is none to hold: all goes to home, which is told until it tells one. */
static void no_ring_is_told(void **state) {
    (void)state;
    static const char *const whys[] = {
        "all rows go to 10.0.0.1:9042 alone, which tells no ring: 10.0.0.1:9042: no",
        "all rows go to 10.0.0.1:9042 alone, which tells no ring: its tokens are none of "};
    assert_int_equal(td_cql_cluster_routes(cluster), TD_OK); /* not asked yet */
    peers_fail = true;
    make_ready();
    expect_route(1, 1, 1, 1);
    assert_int_equal(td_cql_cluster_routes(cluster), TD_RETRY);
    if (strstr(td_trail(), whys[0]) == NULL) fail_msg("%s", td_trail());
    peers_fail = false;
    clock_ns += TD_CQL_RING_SOON_NS;
    make_ready();
    expect_route(1, 2, 3, 1);
    assert_int_equal(td_cql_cluster_routes(cluster), TD_OK);
    partitioner = "org.apache.cassandra.dht.RandomPartitioner";
    clock_ns += TD_CQL_RING_NS;
    make_ready();
    expect_route(1, 1, 1, 1);
    assert_int_equal(td_cql_cluster_routes(cluster), TD_RETRY);
    if (strstr(td_trail(), whys[1]) == NULL) fail_msg("%s", td_trail());
}

/* As many as there may be are connected, and no more; what the others own goes over these. */
static void more_nodes_than_may_be(void **state) {
    (void)state;
    for (int i = 1; i <= MOST_NODES; i++) nodes[i].is_there = true;
    make_ready();
    assert_int_equal(connection_count, 1 + TD_CQL_LINES_MAX);
    expect_route(1, 2, 3, 1);
    for (int i = 0; i < 3; i++) { /* the same ones again */
        clock_ns += TD_CQL_RING_NS;
        make_ready();
        assert_int_equal(connection_count, 1 + TD_CQL_LINES_MAX);
    }
    assert_int_equal(ask(100 * (2 + TD_CQL_LINES_MAX) + 1), TD_OK);
    settle();
    assert_int_equal(good, 1);
    for (int i = 2; i <= 40; i++) nodes[i].is_there = false; /* which makes room for all others, in turn */
    for (int i = 0; i < 2; i++) {
        clock_ns += TD_CQL_RING_NS;
        make_ready();
    }
    assert_int_equal(connection_count, 1 + MOST_NODES - 40);
    int before = nodes[41].asked;
    assert_int_equal(ask(201), TD_OK); /* of one that has gone: the next on the ring's */
    settle();
    assert_true(good == 1 && nodes[41].asked == before + 1);
}

/* Though each of them could be asked for more. */
static void as_many_at_once_over_all(void **state) {
    (void)state;
    make_ready();
    holds = true;
    for (int i = 0; i < IN_FLIGHT; i++) assert_int_equal(ask(100 * (1 + i % NODES)), TD_OK);
    assert_int_equal(td_cql_cluster_step(cluster), TD_OK);
    for (int i = 1; i <= NODES; i++) assert_true(nodes[i].asked > 0 && nodes[i].asked < IN_FLIGHT);
    assert_int_equal(ask(100), TD_FULL);
    for (int i = 1; i <= NODES; i++) lose(i);
    settle();
    assert_int_equal(bad, IN_FLIGHT);
}

/* A token's route stands while anything is on its way. */
static void while_something_is_on_its_way(void **state) {
    (void)state;
    assert_int_equal(td_cql_cluster_make_ready(cluster), TD_OK);
    holds = true;
    assert_int_equal(ask(200), TD_OK);
    for (int i = 0; i < 20; i++) assert_int_equal(td_cql_cluster_step(cluster), TD_OK);
    assert_int_equal(nodes[2].connects, 1);
    for (int i = 1; i < IN_FLIGHT; i++) assert_int_equal(ask(i % 2 == 0 ? 200 : 300), TD_OK);
    assert_int_equal(ask(300), TD_FULL);
    assert_int_equal(td_cql_cluster_in_flight(cluster), IN_FLIGHT);
    assert_int_equal(td_cql_cluster_step(cluster), TD_OK);
    assert_true(nodes[1].asked == IN_FLIGHT && nodes[2].asked == 0 && nodes[3].asked == 0);
    lose(1);
    settle();
    assert_true(good == 0 && bad == IN_FLIGHT);
    holds = false;
    make_ready();
    expect_route(2, 2, 3, 2);
}

/* A node that is to own rows knows how they are written before it gets any. */
static void statements_are_known_everywhere(void **state) {
    (void)state;
    td_cql_reply reply;
    td_buf body = {0};
    nodes[1].mood = nodes[3].mood = SILENT; /* asked already, when nothing was prepared */
    assert_int_equal(td_cql_cluster_make_ready(cluster), TD_OK);
    nodes[1].mood = nodes[3].mood = UP;
    td_cql_put_prepare(&body, TD_TEXT("s"));
    assert_int_equal(td_cql_call(td_cql_cluster_home(cluster), TD_CQL_PREPARE, td_buf_bytes(&body), &reply), TD_OK);
    td_buf_fini(&body);
    make_ready();
    for (int i = 1; i <= NODES; i++) assert_int_equal(nodes[i].prepares, 1);
    expect_route(1, 2, 3, 1);
}

static void names_that_are_none(void **state) {
    (void)state;
    char *names[] = {"10.0.0.1", "a b"};
    td_cql_cluster *none;
    assert_int_equal(td_cql_cluster_open(&none, &os, &conf, &(td_texts){names, 2}), TD_CONFIG);
    assert_true(strncmp(td_trail(), "nodes", 5) == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(owners_get_their_own, begin, finish),
        cmocka_unit_test_setup_teardown(over_the_old_table, begin, finish),
        cmocka_unit_test_setup_teardown(ports_of_their_own, begin, finish),
        cmocka_unit_test_setup_teardown(one_that_nobody_named_refuses, begin, finish),
        cmocka_unit_test_setup_teardown(all_are_asked_at_once, begin_with_all, finish),
        cmocka_unit_test_setup_teardown(nobody_answers, begin_with_all, finish),
        cmocka_unit_test_setup_teardown(one_is_away, begin, finish),
        cmocka_unit_test_setup_teardown(one_is_lost_with_what_it_was_asked, begin, finish),
        cmocka_unit_test_setup_teardown(one_is_behind_the_others, begin, finish),
        cmocka_unit_test_setup_teardown(home_is_lost, begin, finish),
        cmocka_unit_test_setup_teardown(nodes_come_and_go, begin, finish),
        cmocka_unit_test_setup_teardown(rings_that_are_none, begin, finish),
        cmocka_unit_test_setup_teardown(the_ring_is_not_told_for_a_while, begin, finish),
        cmocka_unit_test_setup_teardown(no_ring_is_told, begin, finish),
        cmocka_unit_test_setup_teardown(more_nodes_than_may_be, begin, finish),
        cmocka_unit_test_setup_teardown(as_many_at_once_over_all, begin, finish),
        cmocka_unit_test_setup_teardown(while_something_is_on_its_way, begin, finish),
        cmocka_unit_test_setup_teardown(statements_are_known_everywhere, begin_with_all, finish),
        cmocka_unit_test_setup_teardown(names_that_are_none, begin, finish),
    };
    return cmocka_run_group_tests_name("net_cql_cluster", tests, NULL, NULL);
}
