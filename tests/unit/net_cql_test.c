/* tests/unit/net_cql_test.c - goal: every request gets its own answer once, in whatever order and pieces they come; a
 * node that is lost, silent or talks nonsense ends the connection, and whoever waits is told so; what a node has
 * forgotten is prepared again.
 *
 * The node is played here, behind a wire that takes and gives a few bytes at a time. */
#include "base/time.h"
#include "cql_ready.h"
#include "cql_unit.h"
#include "net/cql.h"
#include <lz4.h>
#include <stdio.h>

enum { IN_FLIGHT = 4, KNOWN_MAX = 8 };

typedef struct node {
    size_t piece; /* bytes that move at once */
    bool has_lz4, wants_login, refuses, closed, mute, old, begun_lz4, renames;
    td_buf from_client, to_client, held;
    size_t given;
    char known[KNOWN_MAX][64];
    int known_count, prepares, connects, packed;
    char last_host[TD_HOST_MAX + 16];
    td_bytes refused; /* by the wire, and not yet offered again */
    int turns;
} node;

static node the;
static int64_t clock_ns;

static int64_t mono(void *self) {
    (void)self;
    return clock_ns;
}
static const td_os_ops os_ops = {.mono_ns = mono};
static const td_os os = {&os_ops, NULL};

/* ---- what the node says ---- */

static void say(td_buf *out, uint8_t opcode, int16_t stream, td_bytes body) {
    uint8_t head[TD_CQL_HEAD_BYTES] = {the.old ? 0x83 : 0x84, 0, 0, 0, opcode};
    td_put_be16(head + 2, (uint16_t)stream);
    td_put_be32(head + 5, (uint32_t)body.size);
    td_buf_put(out, head, sizeof head);
    td_buf_put(out, body.data, body.size);
}

static void say_text(td_buf *out, uint8_t opcode, int16_t stream, const char *text) {
    td_bytes body = cql_bytes(text);
    say(out, opcode, stream, body);
    cql_free(body);
}

static void greet(uint8_t opcode, int16_t stream, td_bytes body) {
    if (the.old)
        say_text(&the.to_client, TD_CQL_ERROR, 0, "0000000A 000B 'old version'");
    else if (opcode == TD_CQL_OPTIONS)
        say_text(&the.to_client, TD_CQL_SUPPORTED, stream,
                 the.has_lz4 ? "0001 000B 'COMPRESSION' 0001 0003 'lz4'" : "0000");
    else if (opcode == TD_CQL_STARTUP) {
        the.begun_lz4 = td_bytes_have(body, TD_TEXT("COMPRESSION"));
        say_text(&the.to_client, the.wants_login ? TD_CQL_AUTHENTICATE : TD_CQL_READY, stream,
                 the.wants_login ? "0004 'PLAI'" : "");
    } else if (cql_is(body, "0000000A 00 'tape' 00 'deck'"))
        say_text(&the.to_client, TD_CQL_AUTH_SUCCESS, stream, "FFFFFFFF");
    else
        say_text(&the.to_client, TD_CQL_ERROR, stream, "00000100 0002 'no'");
}

static bool knows(const char *id) {
    for (int i = 0; i < the.known_count; i++)
        if (strcmp(the.known[i], id) == 0) return true;
    return false;
}

static void prepare(int16_t stream, const char *text) { /* its id is its text */
    char body[128];
    the.prepares++;
    if (the.refuses) {
        say_text(&the.to_client, TD_CQL_ERROR, stream, "00002200 0008 'no table'");
        return;
    }
    if (!knows(text)) (void)snprintf(the.known[the.known_count++], sizeof the.known[0], "%s", text);
    if (the.renames) text = "another";
    (void)snprintf(body, sizeof body, "00000004 %04X '%s' 00000004 00000000 00000000 00000004 00000000",
                   (unsigned)strlen(text), text);
    say_text(&the.to_client, TD_CQL_RESULT, stream, body);
}

static void execute(int16_t stream, const char *id) {
    char body[128];
    (void)snprintf(body, sizeof body, "00002500 0000 %04X '%s'", (unsigned)strlen(id), id);
    if (knows(id))
        say_text(&the.to_client, TD_CQL_RESULT, stream, "00000001");
    else
        say_text(&the.to_client, TD_CQL_ERROR, stream, body);
}

static void query(int16_t stream, const char *text) {
    td_buf *out = &the.to_client;
    if (strcmp(text, "held") == 0) {
        td_buf one = {0}; /* the last comes first */
        say_text(&one, TD_CQL_RESULT, stream, "00000001");
        td_buf_put(&one, the.held.data, the.held.size);
        td_buf_fini(&the.held);
        the.held = one;
    } else if (strcmp(text, "event") == 0) {
        say_text(out, TD_CQL_EVENT, -1, "0001 'E'");
        say_text(out, TD_CQL_RESULT, stream, "00000001");
    } else if (strcmp(text, "busy") == 0) {
        say_text(out, TD_CQL_ERROR, stream, "00001001 000A 'overloaded'");
    } else if (strcmp(text, "bad") == 0) {
        say_text(out, TD_CQL_ERROR, stream, "00002200 0004 'bad' 1B");
    } else if (strcmp(text, "bye") == 0) {
        say_text(out, TD_CQL_RESULT, stream, "00000003 0001 'k'");
        the.closed = true;
    } else if (strcmp(text, "junk") == 0) {
        td_buf_text(out, "HTTP/1.1 400 Bad Request\r\n");
    } else if (strcmp(text, "stray") == 0) {
        say_text(out, TD_CQL_RESULT, 3, "00000001");
    } else if (strcmp(text, "mute") != 0) {
        say_text(out, TD_CQL_RESULT, stream, "00000001");
    }
}

static void obey(uint8_t flags, uint8_t opcode, int16_t stream, td_bytes body) {
    char text[64], wide[4096];
    if ((flags & 1) != 0) {
        int size = LZ4_decompress_safe((const char *)body.data + 4, wide, (int)body.size - 4, sizeof wide);
        assert_true(the.begun_lz4 && size == (int)td_get_be32(body.data));
        the.packed++;
        body = (td_bytes){(uint8_t *)wide, (size_t)size};
    }
    size_t head = opcode == TD_CQL_EXECUTE ? 2 : 4;
    if (opcode == TD_CQL_OPTIONS || opcode == TD_CQL_STARTUP || opcode == TD_CQL_AUTH_RESPONSE) {
        greet(opcode, stream, body);
        return;
    }
    size_t size = head == 2 ? td_get_be16(body.data) : td_get_be32(body.data);
    (void)snprintf(text, sizeof text, "%.*s", (int)(size < 60 ? size : 60), (const char *)body.data + head);
    if (opcode == TD_CQL_PREPARE)
        prepare(stream, text);
    else if (opcode == TD_CQL_EXECUTE)
        execute(stream, text);
    else
        query(stream, text);
}

/* ---- the wire ---- */

static td_status wire_open(void **out, const td_os *unused, const td_wire_conf *conf) {
    (void)unused;
    *out = &the;
    the.connects++;
    the.from_client.size = the.to_client.size = the.held.size = the.given = 0;
    the.refused = (td_bytes){0};
    the.closed = false;
    (void)snprintf(the.last_host, sizeof the.last_host, "%s:%d", conf->url.host, conf->url.port);
    return TD_OK;
}

static td_status wire_step(void *wire) {
    (void)wire;
    return the.mute ? TD_AGAIN : TD_OK;
}

static td_status wire_send(void *wire, td_bytes bytes, size_t *out_sent) {
    (void)wire;
    if (the.closed) return *out_sent = 0, TD_FAIL(TD_RETRY, "closed by the node");
    the.turns++;
    if (the.refused.data == NULL && the.turns % 3 == 0) { /* TLS: it has begun with these */
        the.refused = bytes;
        return *out_sent = 0, TD_OK;
    }
    assert_true(the.refused.data == NULL || (the.refused.data == bytes.data && the.refused.size == bytes.size));
    the.refused = (td_bytes){0};
    *out_sent = bytes.size < the.piece ? bytes.size : the.piece;
    td_buf_put(&the.from_client, bytes.data, *out_sent);
    while (the.from_client.size >= TD_CQL_HEAD_BYTES) {
        const uint8_t *head = the.from_client.data;
        size_t size = TD_CQL_HEAD_BYTES + td_get_be32(head + 5);
        assert_true(head[0] == 0x04);
        if (the.from_client.size < size) break;
        obey(head[1], head[4], (int16_t)td_get_be16(head + 2),
             (td_bytes){head + TD_CQL_HEAD_BYTES, size - TD_CQL_HEAD_BYTES});
        the.from_client.size -= size;
        memmove(the.from_client.data, the.from_client.data + size, the.from_client.size);
    }
    return TD_OK;
}

static td_status wire_receive(void *wire, void *out, size_t room, size_t *out_size) {
    (void)wire;
    size_t left = the.to_client.size - the.given;
    *out_size = left < the.piece ? left : the.piece;
    if (*out_size > room) *out_size = room;
    if (*out_size == 0 && the.closed) return TD_FAIL(TD_RETRY, "closed by the node");
    if (*out_size > 0) memcpy(out, the.to_client.data + the.given, *out_size);
    the.given += *out_size;
    return TD_OK;
}

static void wire_wait(const td_wire_want *wants, size_t count, int64_t most_ns) {
    assert_true(count == 1 && wants->wire == &the);
    clock_ns += most_ns;
}
static void wire_close(void *wire) { (void)wire; }

static const td_wire_ops wire_ops = {"played", wire_open, wire_step, wire_send, wire_receive, wire_wait, wire_close};

/* ---- the client ---- */

static td_cql_conf conf;
static td_cql_statements statements;
static td_cql *cql;

static int begin(void **state) {
    (void)state;
    the = (node){.piece = 7, .has_lz4 = true};
    conf = (td_cql_conf){.wire = &wire_ops,
                         .lz4 = true,
                         .in_flight_most = IN_FLIGHT,
                         .open_ns = TD_NS_PER_S,
                         .answer_ns = 5 * TD_NS_PER_S};
    return td_cql_open(&cql, &os, &conf, "one", &statements) == TD_OK ? 0 : 1;
}

static int finish(void **state) {
    (void)state;
    td_cql_close(cql);
    td_cql_statements_fini(&statements);
    td_buf_fini(&the.from_client);
    td_buf_fini(&the.to_client);
    td_buf_fini(&the.held);
    return 0;
}

static td_status ask(const char *text, uint64_t tag) {
    const td_cql_terms terms = {.consistency = TD_CQL_ONE};
    td_buf body = {0};
    td_cql_put_query(&body, td_text(text), &terms);
    td_status status = td_cql_ask(cql, TD_CQL_QUERY, td_buf_bytes(&body), tag);
    td_buf_fini(&body);
    return status;
}

static td_status ask_prepared(td_cql_opcode opcode, const char *text, uint64_t tag) {
    const td_cql_terms terms = {.consistency = TD_CQL_ONE};
    td_buf body = {0};
    if (opcode == TD_CQL_PREPARE)
        td_cql_put_prepare(&body, td_text(text));
    else
        td_cql_put_execute(&body, td_text(text), &terms);
    td_status status = td_cql_ask(cql, opcode, td_buf_bytes(&body), tag);
    td_buf_fini(&body);
    return status;
}

/* The next answer, however many steps it takes; TD_AGAIN after the last that can come. */
static td_status await(td_cql_reply *out) {
    for (int i = 0; i < 400; i++) {
        td_status status = td_cql_step(cql);
        if (td_cql_next(cql, out) == TD_OK) return TD_OK;
        if (status != TD_OK && status != TD_AGAIN) return status;
    }
    return TD_AGAIN;
}

static void greetings(void **state) {
    (void)state;
    static const struct {
        bool has_lz4, lz4, wants_login, old;
        const char *user, *password;
        td_status status;
        const char *words;
    } rows[] = {
        {true, true, false, false, NULL, NULL, TD_OK, ""},
        {false, true, false, false, NULL, NULL, TD_OK, ""},
        {true, false, false, false, NULL, NULL, TD_OK, ""},
        {true, true, true, false, "tape", "deck", TD_OK, ""},
        {true, true, true, false, "tape", "wrong", TD_CONFIG, "no"},
        {true, true, true, false, NULL, NULL, TD_CONFIG, "asks for a login"},
        {true, true, false, true, NULL, NULL, TD_CONFIG, "old version"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        the.has_lz4 = rows[i].has_lz4;
        the.wants_login = rows[i].wants_login;
        the.old = rows[i].old;
        conf.lz4 = rows[i].lz4;
        conf.user = rows[i].user;
        conf.password = rows[i].password;
        td_status status = td_cql_connect(cql, false);
        ASSERT_ROW(status == TD_OK && cql_make_ready(cql) == rows[i].status, "%zu: %s", i, td_trail());
        if (status != TD_OK) continue;
        bool named = rows[i].status == TD_OK || strstr(td_trail(), rows[i].words) != NULL;
        ASSERT_ROW(named, "%zu: %s", i, td_trail());
        ASSERT_ROW(rows[i].status != TD_OK || the.begun_lz4 == (rows[i].has_lz4 && rows[i].lz4), "%zu", i);
    }
}

static void names_of_nodes(void **state) {
    (void)state;
    static const struct {
        const char *node, *host;
    } good[] = {{"one", "one:9042"}, {"one:7", "one:7"}, {"[::2]:19042", "::2:19042"}};
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        td_cql *other;
        assert_int_equal(td_cql_open(&other, &os, &conf, good[i].node, &statements), TD_OK);
        assert_int_equal(td_cql_connect(other, false), TD_OK);
        ASSERT_ROW(strcmp(the.last_host, good[i].host) == 0, "%s", the.last_host);
        td_cql_close(other);
    }
    static const char *const bad[] = {"", "http://x", "a:b", "a:70000", "a/b", "a b"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        td_cql *none;
        td_status status = td_cql_open(&none, &os, &conf, bad[i], &statements);
        ASSERT_ROW(status == TD_CONFIG && strncmp(td_trail(), "nodes", 5) == 0, "%zu", i);
    }
}

static void answers_by_tag(void **state) {
    (void)state;
    td_cql_reply reply;
    assert_int_equal(ask("x", 1), TD_RETRY); /* not connected */
    assert_int_equal(cql_make_ready(cql), TD_OK);
    for (uint64_t tag = 1; tag <= IN_FLIGHT; tag++) assert_int_equal(ask("held", tag), TD_OK);
    assert_int_equal(ask("held", 9), TD_FULL);
    assert_int_equal(td_cql_in_flight(cql), IN_FLIGHT);
    assert_int_equal(await(&reply), TD_AGAIN);
    td_buf_put(&the.to_client, the.held.data, the.held.size);
    for (uint64_t tag = IN_FLIGHT; tag > 0; tag--) {
        assert_int_equal(await(&reply), TD_OK);
        assert_true(reply.tag == tag && reply.status == TD_OK && reply.answer.kind == TD_CQL_IS_VOID);
    }
    assert_int_equal(td_cql_in_flight(cql), 0);
    assert_int_equal(ask("event", 5), TD_OK); /* nobody asked for it: it is not told */
    assert_int_equal(await(&reply), TD_OK);
    assert_true(reply.tag == 5 && reply.answer.kind == TD_CQL_IS_VOID);
    char longer[3000];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_int_equal(ask(longer, 6), TD_OK);
    assert_true(await(&reply) == TD_OK && reply.tag == 6 && the.packed == 1);
}

static void errors_of_requests(void **state) {
    (void)state;
    td_cql_reply reply;
    assert_int_equal(cql_make_ready(cql), TD_OK);
    assert_int_equal(ask("busy", 1), TD_OK);
    assert_int_equal(await(&reply), TD_OK);
    assert_true(reply.status == TD_RETRY && strstr(reply.detail, "one:9042: overloaded") != NULL);
    assert_int_equal(td_cql_query(cql, "bad", &reply), TD_CONFIG);
    assert_non_null(strstr(td_trail(), "one:9042: bad"));
    assert_int_equal(td_cql_query(cql, "fine", &reply), TD_OK); /* the connection goes on */
    assert_int_equal(the.connects, 1);
}

static void lost(void **state) {
    (void)state;
    static const struct {
        const char *text, *words;
    } rows[] = {{"bye", "closed by the node"},
                {"junk", "not CQL's protocol"},
                {"stray", "what was not asked"},
                {"mute", "no answer in time"}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_cql_reply reply;
        int lost_count = 0;
        assert_int_equal(td_cql_connect(cql, false), TD_OK);
        assert_int_equal(cql_make_ready(cql), TD_OK);
        if (strcmp(rows[i].text, "stray") != 0) assert_int_equal(ask("held", 7), TD_OK);
        assert_int_equal(ask(rows[i].text, 8), TD_OK);
        for (int n = 0; n < 100; n++) {
            td_status status = td_cql_step(cql);
            td_cql_wait(cql, 100 * TD_NS_PER_MS);
            while (td_cql_next(cql, &reply) == TD_OK) {
                if (reply.status == TD_OK) {
                    ASSERT_ROW(reply.answer.kind == TD_CQL_IS_KEYSPACE && reply.tag == 8, "%zu", i);
                    continue; /* what came before the end */
                }
                lost_count++;
                ASSERT_ROW(reply.status == TD_RETRY && strstr(reply.detail, rows[i].words) != NULL, "%zu: %s", i,
                           reply.detail);
            }
            ASSERT_ROW(status == TD_OK || status == TD_RETRY, "%zu", i);
        }
        int expected = strcmp(rows[i].text, "bye") == 0 || strcmp(rows[i].text, "stray") == 0 ? 1 : 2;
        ASSERT_ROW(lost_count == expected, "%zu: %d", i, lost_count);
        assert_int_equal(ask("x", 1), TD_RETRY);
        assert_int_equal(td_cql_step(cql), TD_RETRY);
    }
}

static void connecting_for_ever(void **state) {
    (void)state;
    td_cql_reply reply;
    the.mute = true; /* the wire's own bound is the wire's to hold */
    assert_int_equal(td_cql_connect(cql, false), TD_OK);
    for (int i = 0; i < 10; i++) assert_int_equal(td_cql_step(cql), TD_AGAIN);
    assert_int_equal(td_cql_next(cql, &reply), TD_AGAIN);
}

static void prepared_again(void **state) {
    (void)state;
    td_cql_reply reply;
    assert_int_equal(cql_make_ready(cql), TD_OK);
    assert_int_equal(ask_prepared(TD_CQL_PREPARE, "a", 1), TD_OK);
    assert_true(await(&reply) == TD_OK && cql_is(reply.answer.prepared.id, "'a'"));
    assert_int_equal(ask_prepared(TD_CQL_PREPARE, "b", 2), TD_OK);
    assert_true(await(&reply) == TD_OK && cql_is(reply.answer.prepared.id, "'b'"));
    for (int round = 0; round < 2; round++) { /* it forgets; and it is started again */
        the.known_count = 0;
        if (round == 1) {
            assert_int_equal(td_cql_connect(cql, false), TD_OK);
            assert_int_equal(cql_make_ready(cql), TD_OK);
        }
        for (uint64_t tag = 1; tag <= IN_FLIGHT; tag++)
            assert_int_equal(ask_prepared(TD_CQL_EXECUTE, tag % 2 == 0 ? "a" : "b", tag), TD_OK);
        int seen = 0;
        while (await(&reply) == TD_OK) {
            assert_true(reply.status == TD_OK && reply.answer.kind == TD_CQL_IS_VOID);
            seen |= 1 << reply.tag;
        }
        assert_int_equal(seen, 0x1E);
        assert_int_equal(the.prepares, 2 + 2 * (round + 1));
        assert_int_equal(td_cql_prepared_again(cql), 2 * (round + 1));
    }
    assert_int_equal(ask_prepared(TD_CQL_EXECUTE, "strange", 3), TD_OK); /* of which we have no text */
    assert_true(await(&reply) == TD_OK && reply.status == TD_RETRY && reply.tag == 3);
    the.known_count = 0;
    the.refuses = true;
    assert_int_equal(ask_prepared(TD_CQL_EXECUTE, "a", 4), TD_OK);
    assert_true(await(&reply) == TD_OK && reply.status == TD_CONFIG && reply.tag == 4);
    assert_non_null(strstr(reply.detail, "no table"));
}

static void prepare_two(void) {
    td_cql_reply reply;
    assert_int_equal(cql_make_ready(cql), TD_OK);
    for (uint64_t tag = 0; tag < 2; tag++) {
        assert_int_equal(ask_prepared(TD_CQL_PREPARE, tag == 0 ? "a" : "b", tag), TD_OK);
        assert_int_equal(await(&reply), TD_OK);
    }
}

/* A node that is to serve beside others knows what they know before it is ready. */
static void prepared_at_the_beginning(void **state) {
    (void)state;
    td_cql_reply reply;
    prepare_two();
    for (int round = 0; round < 3;
         round++) { /* the second time it lets none be prepared: that is told when one is needed */
        the.known_count = the.prepares = 0;
        the.refuses = round == 1;
        assert_int_equal(td_cql_connect(cql, round < 2), TD_OK);
        assert_int_equal(cql_make_ready(cql), TD_OK);
        assert_int_equal(the.prepares, round < 2 ? 2 : 0);
        assert_int_equal(ask_prepared(TD_CQL_EXECUTE, "a", 7), TD_OK);
        assert_true(await(&reply) == TD_OK && reply.tag == 7);
        assert_int_equal(reply.status, round == 1 ? TD_CONFIG : TD_OK);
        assert_int_equal(td_cql_prepared_again(cql), round == 2);
    }
}

/* As nodes of another release do: what others have prepared cannot be asked of it. */
static void named_otherwise(void **state) {
    (void)state;
    td_cql_reply reply;
    prepare_two();
    the.renames = true;
    assert_int_equal(td_cql_connect(cql, true), TD_OK);
    assert_int_equal(cql_make_ready(cql), TD_RETRY);
    assert_non_null(strstr(td_trail(), "of another release"));
    the.known_count = 0;
    assert_int_equal(td_cql_connect(cql, false), TD_OK);
    assert_int_equal(cql_make_ready(cql), TD_OK);
    assert_int_equal(ask_prepared(TD_CQL_EXECUTE, "a", 7), TD_OK);
    assert_true(await(&reply) == TD_OK && reply.tag == 7 && reply.status == TD_RETRY);
    assert_non_null(strstr(reply.detail, "of another release"));
    assert_int_equal(td_cql_connect(cql, false), TD_OK); /* whoever prepares anew has the new name */
    assert_int_equal(cql_make_ready(cql), TD_OK);
    assert_int_equal(ask_prepared(TD_CQL_PREPARE, "a", 8), TD_OK);
    assert_true(await(&reply) == TD_OK && cql_is(reply.answer.prepared.id, "'another'"));
    assert_true(statements.count == 2 && cql_is(td_buf_bytes(&statements.items[0].id), "'another'"));
}

/* Answers that came in time, but were looked at late. */
static void looked_at_late(void **state) {
    (void)state;
    td_cql_reply reply;
    assert_int_equal(cql_make_ready(cql), TD_OK);
    the.piece = 4096;
    assert_int_equal(ask("x", 3), TD_OK);
    assert_int_equal(td_cql_step(cql), TD_OK);
    clock_ns += 2 * conf.answer_ns;
    assert_int_equal(td_cql_step(cql), TD_OK);
    assert_true(td_cql_next(cql, &reply) == TD_OK && reply.tag == 3 && reply.status == TD_OK);
}

static void disconnected(void **state) {
    (void)state;
    td_cql_reply reply;
    assert_int_equal(cql_make_ready(cql), TD_OK);
    assert_int_equal(ask("held", 3), TD_OK);
    assert_true(td_cql_is_ready(cql));
    td_cql_disconnect(cql);
    assert_false(td_cql_is_ready(cql));
    assert_int_equal(td_cql_next(cql, &reply), TD_AGAIN); /* it is forgotten */
    assert_int_equal(td_cql_step(cql), TD_RETRY);
    assert_int_equal(cql_make_ready(cql), TD_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(greetings, begin, finish),
        cmocka_unit_test_setup_teardown(names_of_nodes, begin, finish),
        cmocka_unit_test_setup_teardown(answers_by_tag, begin, finish),
        cmocka_unit_test_setup_teardown(errors_of_requests, begin, finish),
        cmocka_unit_test_setup_teardown(lost, begin, finish),
        cmocka_unit_test_setup_teardown(connecting_for_ever, begin, finish),
        cmocka_unit_test_setup_teardown(prepared_again, begin, finish),
        cmocka_unit_test_setup_teardown(prepared_at_the_beginning, begin, finish),
        cmocka_unit_test_setup_teardown(named_otherwise, begin, finish),
        cmocka_unit_test_setup_teardown(looked_at_late, begin, finish),
        cmocka_unit_test_setup_teardown(disconnected, begin, finish),
    };
    return cmocka_run_group_tests_name("net_cql", tests, NULL, NULL);
}
