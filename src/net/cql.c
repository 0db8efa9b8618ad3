/* src/net/cql.c - a connection to a node of Cassandra: streams, answers, and statements that it does not know. */
#include "net/cql.h"
#include "base/time.h"
#include <stdio.h>
#include <stdlib.h>

enum {
    READ_BYTES = 64 * 1024,
    UNREAD_MOST = 1024 * 1024, /* beyond, nothing is read while a whole answer waits to be taken */
    UNSENT_MOST = 1024 * 1024,
    AGAIN_MOST = 16, /* how often one request may name a statement that is not known */
    DETAIL_MAX = 400,
};

typedef enum state {
    CLOSED,
    CONNECTING,
    GREETING, /* OPTIONS, STARTUP, the login and statements are on their way */
    READY,
} state;

typedef enum slot_state { SLOT_FREE, SLOT_SENT, SLOT_HELD } slot_state; /* HELD: a statement is prepared again first */

typedef struct slot { /* its number is its stream's */
    slot_state state;
    uint8_t opcode;
    int tries;
    uint64_t tag;
    int64_t since_ns;
    td_buf body;
} slot;

struct td_cql {
    const td_os *os;
    const td_cql_conf *conf;
    td_url node;
    void *wire;
    state state;
    bool prepares;           /* GREETING: statements, too, */
    size_t prepared;         /* of which so many have been answered for */
    td_status closed_as;     /* CLOSED: why */
    char detail[DETAIL_MAX]; /* … and in words */
    char said[DETAIL_MAX];   /* of an answer */
    bool over;               /* nothing more will come behind what is unread */
    td_buf in, room, body;
    td_buf out, behind; /* what goes, left alone until it has gone; what goes then */
    size_t in_taken;    /* of `in`; what is before may still be lent */
    size_t out_sent;
    bool lz4;
    slot *slots; /* the one behind those of the owner is our own: greeting, preparing again */
    uint32_t *free_slots;
    uint32_t free_count;
    uint32_t told; /* CLOSED: slots below were told of it */
    int64_t looked_ns;
    td_cql_statements *statements;
    int64_t mended;
};

static int64_t mono_ns(const td_cql *c) { return c->os->ops->mono_ns(c->os->self); }
static uint32_t own_stream(const td_cql *c) { return c->conf->in_flight_most; }

/* ---- life ---- */

/* What a peer says may come to a terminal. */
static void write_detail(const td_cql *c, char out[DETAIL_MAX], const char *what, td_bytes said) {
    (void)snprintf(out, DETAIL_MAX, "%s: %s%.*s", c->node.named, what, (int)td_least((int64_t)said.size, DETAIL_MAX),
                   said.size > 0 ? (const char *)said.data : "");
    for (char *at = out; *at != '\0'; at++)
        if (*at < ' ' || *at > '~') *at = '?';
}

static void note(td_cql *c, const char *what, td_bytes said) { write_detail(c, c->detail, what, said); }

static void end(td_cql *c, td_status status) {
    c->state = CLOSED;
    c->closed_as = status;
    c->told = 0;
    c->conf->wire->close(c->wire);
    c->wire = NULL;
}

static void end_as_wire(td_cql *c, td_status status) {
    (void)snprintf(c->detail, sizeof c->detail, "%s", td_trail());
    end(c, status);
}

static td_status parse_node(td_url *out, const char *text, bool tls) {
    char url[TD_HOST_MAX + 32];
    const char *bracket = strrchr(text, ']');
    bool has_port = strchr(bracket != NULL ? bracket : text, ':') != NULL;
    int size = has_port ? snprintf(url, sizeof url, "http%s://%s", tls ? "s" : "", text)
                        : snprintf(url, sizeof url, "http%s://%s:%d", tls ? "s" : "", text, TD_CQL_PORT);
    if (strpbrk(text, "/?#") != NULL || size >= (int)sizeof url || td_url_parse(out, "http", url) != TD_OK)
        return TD_FAIL(TD_CONFIG, "nodes: \"%.64s\" is not of the form HOST or HOST:PORT", text);
    return TD_OK;
}

td_status td_cql_open(td_cql **out, const td_os *os, const td_cql_conf *conf, const char *node,
                      td_cql_statements *statements) {
    td_cql *c = td_alloc_zero(1, sizeof *c);
    c->os = os;
    c->conf = conf;
    c->statements = statements;
    c->slots = td_alloc_zero(conf->in_flight_most + 1, sizeof *c->slots);
    c->free_slots = td_alloc_zero(conf->in_flight_most, sizeof *c->free_slots);
    td_status status = parse_node(&c->node, node, conf->tls);
    if (status != TD_OK) {
        td_cql_close(c);
        return status;
    }
    note(c, "not connected", (td_bytes){0});
    c->closed_as = TD_RETRY;
    c->told = conf->in_flight_most;
    *out = c;
    return TD_OK;
}

void td_cql_close(td_cql *c) {
    if (c == NULL) return;
    c->conf->wire->close(c->wire);
    for (uint32_t i = 0; i <= c->conf->in_flight_most; i++) td_buf_fini(&c->slots[i].body);
    td_buf *const bufs[] = {&c->in, &c->out, &c->behind, &c->room, &c->body};
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++) td_buf_fini(bufs[i]);
    free(c->free_slots);
    free(c->slots);
    free(c);
}

static void forget_requests(td_cql *c) {
    uint32_t count = c->conf->in_flight_most;
    for (uint32_t i = 0; i <= count; i++) c->slots[i].state = SLOT_FREE;
    for (uint32_t i = 0; i < count; i++) c->free_slots[i] = count - 1 - i;
    c->free_count = count;
}

void td_cql_disconnect(td_cql *c) {
    forget_requests(c);
    note(c, "not connected", (td_bytes){0});
    end(c, TD_RETRY);
}

td_status td_cql_connect(td_cql *c, bool prepares) {
    c->conf->wire->close(c->wire);
    c->wire = NULL;
    c->prepares = prepares;
    c->prepared = 0;
    c->in.size = c->in_taken = c->out.size = c->out_sent = c->behind.size = 0;
    c->lz4 = c->over = false;
    forget_requests(c);
    const td_wire_conf conf = {c->node, c->conf->ca_file, c->conf->open_ns};
    c->state = CONNECTING;
    td_status status = c->conf->wire->open(&c->wire, c->os, &conf);
    if (status != TD_OK) end_as_wire(c, status);
    return status;
}

const td_url *td_cql_node(const td_cql *c) { return &c->node; }
bool td_cql_is_ready(const td_cql *c) { return c->state == READY; }
uint32_t td_cql_in_flight(const td_cql *c) { return c->state == CLOSED ? 0 : c->conf->in_flight_most - c->free_count; }
int64_t td_cql_prepared_again(const td_cql *c) { return c->mended; }

/* ---- out ---- */

static size_t unsent(const td_cql *c) { return c->out.size - c->out_sent + c->behind.size; }

static void send_slot(td_cql *c, uint32_t stream) {
    slot *s = &c->slots[stream];
    s->state = SLOT_SENT;
    td_cql_frame_put(&c->behind, (td_cql_opcode)s->opcode, (int16_t)stream, td_buf_bytes(&s->body), c->lz4);
}

static void send_own(td_cql *c, td_cql_opcode opcode) { /* with c->body */
    slot *s = &c->slots[own_stream(c)];
    s->opcode = (uint8_t)opcode;
    s->since_ns = mono_ns(c);
    s->body.size = 0;
    td_buf_put(&s->body, c->body.data, c->body.size);
    send_slot(c, own_stream(c));
}

td_status td_cql_ask(td_cql *c, td_cql_opcode opcode, td_bytes body, uint64_t tag) {
    if (c->state != READY) return TD_FAIL(TD_RETRY, "%s", c->detail);
    if (c->free_count == 0 || unsent(c) > UNSENT_MOST)
        return TD_FAIL(TD_FULL, "%u requests are on their way", td_cql_in_flight(c));
    uint32_t stream = c->free_slots[--c->free_count];
    slot *s = &c->slots[stream];
    s->opcode = (uint8_t)opcode;
    s->tag = tag;
    s->tries = 0;
    s->since_ns = mono_ns(c);
    s->body.size = 0;
    td_buf_put(&s->body, body.data, body.size);
    send_slot(c, stream);
    return TD_OK;
}

static void take_turns(td_cql *c) {
    td_buf gone = c->out;
    c->out = c->behind;
    c->behind = gone;
    c->behind.size = c->out_sent = 0;
}

static td_status flush(td_cql *c) {
    size_t sent = 1;
    td_status status = TD_OK;
    while (status == TD_OK && sent > 0 && unsent(c) > 0) {
        if (c->out_sent == c->out.size) take_turns(c);
        status = c->conf->wire->send(c->wire, td_bytes_from(td_buf_bytes(&c->out), c->out_sent), &sent);
        c->out_sent += sent;
    }
    return status;
}

/* ---- in ---- */

static td_bytes unread(const td_cql *c) { return td_bytes_from(td_buf_bytes(&c->in), c->in_taken); }

static td_status fill(td_cql *c) {
    td_cql_frame frame;
    td_status status = TD_OK;
    size_t size = 1;
    if (c->in_taken > 0) memmove(c->in.data, c->in.data + c->in_taken, c->in.size - c->in_taken);
    c->in.size -= c->in_taken;
    c->in_taken = 0;
    while (status == TD_OK && size > 0) {
        if (c->in.size > UNREAD_MOST && td_cql_frame_get(unread(c), &frame) != TD_AGAIN) break;
        td_buf_reserve(&c->in, READ_BYTES);
        status = c->conf->wire->receive(c->wire, c->in.data + c->in.size, READ_BYTES, &size);
        c->in.size += size;
    }
    return status;
}

static void refuse(td_cql *c, const char *why) {
    note(c, why, (td_bytes){0});
    end(c, TD_RETRY);
}

/* The next message of a stream that waits for one. False: none now, or the connection ended with what came. */
static bool take(td_cql *c, uint32_t *out_stream, td_cql_answer *out) {
    for (;;) {
        td_cql_frame frame;
        td_bytes message;
        td_status status = c->state != CLOSED ? td_cql_frame_get(unread(c), &frame) : TD_AGAIN;
        if (status == TD_AGAIN) return false;
        if (status == TD_OK) status = td_cql_frame_open(&frame, &c->room, &message);
        if (status == TD_OK) status = td_cql_answer_get((td_cql_opcode)frame.opcode, message, out);
        if (status != TD_OK) {
            refuse(c, "it sends what is not CQL's protocol of version 4");
            return false;
        }
        c->in_taken += frame.size;
        if (frame.stream < 0) continue; /* an event */
        *out_stream = (uint32_t)frame.stream;
        /* One that does not know this version may not know where to answer. */
        if (c->state == GREETING && out->kind == TD_CQL_IS_ERROR) return true;
        if (*out_stream <= own_stream(c) && c->slots[*out_stream].state == SLOT_SENT) return true;
        refuse(c, "it answers what was not asked");
        return false;
    }
}

/* ---- greeting ---- */

static void log_in(td_cql *c, td_bytes class) {
    if (c->conf->user == NULL) {
        note(c, "asks for a login: user and password are missing; it has ", class);
        end(c, TD_CONFIG);
        return;
    }
    c->body.size = 0;
    td_cql_put_login(&c->body, c->conf->user, c->conf->password != NULL ? c->conf->password : "");
    send_own(c, TD_CQL_AUTH_RESPONSE);
}

/* One statement after the other. */
static void prepare_next(td_cql *c) {
    if (!c->prepares || c->prepared >= c->statements->count) {
        c->slots[own_stream(c)].state = SLOT_FREE;
        c->state = READY;
        return;
    }
    const td_cql_statement *next = &c->statements->items[c->prepared];
    c->body.size = 0;
    td_buf_put(&c->body, next->text.data, next->text.size);
    send_own(c, TD_CQL_PREPARE);
}

static void refuse_names(td_cql *c) {
    refuse(c, "it names statements otherwise than others: it is of another release");
}

/* One that cannot be prepared now says why when it is needed. */
static void take_prepared(td_cql *c, const td_cql_answer *a) {
    const td_cql_statement *asked = &c->statements->items[c->prepared++];
    if (a->kind == TD_CQL_IS_PREPARED && !td_bytes_equal(a->prepared.id, td_buf_bytes(&asked->id)))
        refuse_names(c);
    else if (a->kind == TD_CQL_IS_PREPARED || a->kind == TD_CQL_IS_ERROR)
        prepare_next(c);
    else
        refuse(c, "it answers what was not asked");
}

static void greet(td_cql *c, const td_cql_answer *a) {
    if (c->slots[own_stream(c)].opcode == TD_CQL_PREPARE) {
        take_prepared(c, a);
        return;
    }
    switch (a->kind) {
    case TD_CQL_IS_SUPPORTED:
        c->body.size = 0;
        td_cql_put_startup(&c->body, c->conf->lz4 && a->has_lz4);
        send_own(c, TD_CQL_STARTUP);
        c->lz4 = c->conf->lz4 && a->has_lz4; /* from the message behind that one */
        break;
    case TD_CQL_IS_AUTHENTICATE:
        log_in(c, a->text);
        break;
    case TD_CQL_IS_READY:
    case TD_CQL_IS_AUTH_SUCCESS:
        prepare_next(c);
        break;
    case TD_CQL_IS_ERROR:
        note(c, "", a->text);
        end(c, td_cql_error_status(a));
        break;
    default:
        refuse(c, "it greets in a way that is not known");
    }
}

/* ---- statements ---- */

static const td_cql_statement *statement_of(const td_cql *c, td_bytes id) {
    for (size_t i = 0; i < c->statements->count; i++)
        if (td_bytes_equal(td_buf_bytes(&c->statements->items[i].id), id)) return &c->statements->items[i];
    return NULL;
}

static td_cql_statement *statement_for(td_cql_statements *all, td_bytes text) {
    for (size_t i = 0; i < all->count; i++)
        if (td_bytes_equal(td_buf_bytes(&all->items[i].text), text)) return &all->items[i];
    size_t bytes = (all->count + 1) * sizeof *all->items;
    all->items = td_alloc_check(realloc(all->items, bytes), bytes);
    td_cql_statement *s = &all->items[all->count++];
    *s = (td_cql_statement){0};
    td_buf_put(&s->text, text.data, text.size);
    return s;
}

static void learn(td_cql *c, td_bytes id, td_bytes prepare_body) {
    td_cql_statement *s = statement_for(c->statements, prepare_body);
    s->id.size = 0;
    td_buf_put(&s->id, id.data, id.size);
}

void td_cql_statements_fini(td_cql_statements *statements) {
    for (size_t i = 0; i < statements->count; i++) {
        td_buf_fini(&statements->items[i].id);
        td_buf_fini(&statements->items[i].text);
    }
    free(statements->items);
    *statements = (td_cql_statements){0};
}

/* The request waits until its statement is prepared again. False: it is not to be had. */
static bool hold(td_cql *c, slot *s, td_bytes id) {
    const td_cql_statement *known = statement_of(c, id);
    if (known == NULL || ++s->tries > AGAIN_MOST) return false;
    s->state = SLOT_HELD;
    if (c->slots[own_stream(c)].state != SLOT_FREE) return true; /* sent again behind the one that is on its way */
    c->body.size = 0;
    td_buf_put(&c->body, known->text.data, known->text.size);
    send_own(c, TD_CQL_PREPARE);
    return true;
}

/* Of our own stream. Without the statement nothing goes on here: whoever waits is told why. */
static void take_mended(td_cql *c, const td_cql_answer *a) {
    if (a->kind != TD_CQL_IS_PREPARED) {
        note(c, "a statement cannot be prepared again: ", a->text);
        end(c, a->kind == TD_CQL_IS_ERROR ? td_cql_error_status(a) : TD_RETRY);
        return;
    }
    if (statement_of(c, a->prepared.id) == NULL) {
        refuse_names(c);
        return;
    }
    c->mended++;
    c->slots[own_stream(c)].state = SLOT_FREE;
    for (uint32_t i = 0; i < c->conf->in_flight_most; i++)
        if (c->slots[i].state == SLOT_HELD) send_slot(c, i);
}

/* ---- answers ---- */

static void let_go(td_cql *c, uint32_t stream) {
    c->slots[stream].state = SLOT_FREE;
    c->free_slots[c->free_count++] = stream;
}

static void judge(td_cql *c, const slot *s, td_cql_reply *out) {
    out->tag = s->tag;
    out->status = TD_OK;
    out->detail = "";
    if (out->answer.kind == TD_CQL_IS_PREPARED) learn(c, out->answer.prepared.id, td_buf_bytes(&s->body));
    if (out->answer.kind != TD_CQL_IS_ERROR) return;
    write_detail(c, c->said, "", out->answer.text);
    out->status = td_cql_error_status(&out->answer);
    out->detail = c->said;
}

/* Whoever still waits on a connection that has ended. */
static td_status tell_ended(td_cql *c, td_cql_reply *out) {
    while (c->told < c->conf->in_flight_most) {
        slot *s = &c->slots[c->told++];
        if (s->state == SLOT_FREE) continue;
        s->state = SLOT_FREE;
        *out = (td_cql_reply){.tag = s->tag, .status = c->closed_as, .detail = c->detail};
        return TD_OK;
    }
    return TD_AGAIN;
}

td_status td_cql_next(td_cql *c, td_cql_reply *out) {
    uint32_t stream;
    if (c->state != CLOSED && c->state != READY) return TD_AGAIN;
    while (take(c, &stream, &out->answer)) {
        slot *s = &c->slots[stream];
        const td_cql_answer *a = &out->answer;
        if (stream == own_stream(c)) {
            take_mended(c, a);
            continue;
        }
        if (a->kind == TD_CQL_IS_ERROR && a->error.code == TD_CQL_ERROR_UNPREPARED && hold(c, s, a->error.id)) continue;
        judge(c, s, out);
        let_go(c, stream);
        return TD_OK;
    }
    return c->state == CLOSED ? tell_ended(c, out) : TD_AGAIN;
}

/* ---- the loop ---- */

/* What came while nobody looked is an answer in time. */
static void watch(td_cql *c) {
    td_cql_frame frame;
    int64_t now_ns = mono_ns(c);
    if (td_cql_frame_get(unread(c), &frame) == TD_OK) return;
    if (now_ns - c->looked_ns < 100 * TD_NS_PER_MS) return;
    c->looked_ns = now_ns;
    for (uint32_t i = 0; i <= c->conf->in_flight_most; i++) {
        const slot *s = &c->slots[i];
        if (s->state == SLOT_FREE || now_ns - s->since_ns < c->conf->answer_ns) continue;
        refuse(c, "no answer in time");
        return;
    }
}

static void move(td_cql *c) {
    uint32_t stream;
    td_cql_answer answer;
    td_cql_frame frame;
    td_status status = c->over ? TD_OK : flush(c);
    if (status == TD_OK && !c->over) status = fill(c);
    while (c->state == GREETING && take(c, &stream, &answer)) greet(c, &answer);
    if (status == TD_OK && c->state != CLOSED && !c->over) status = flush(c);
    if (status != TD_OK && c->state != CLOSED) {
        c->over = true;
        (void)snprintf(c->detail, sizeof c->detail, "%s", td_trail());
    }
    if (c->over && c->state != CLOSED && td_cql_frame_get(unread(c), &frame) != TD_OK) end(c, TD_RETRY);
    if (c->state != CLOSED) watch(c);
}

td_status td_cql_step(td_cql *c) {
    if (c->state == CONNECTING) {
        td_status status = c->conf->wire->step(c->wire);
        if (status == TD_AGAIN) return status;
        if (status != TD_OK) {
            end_as_wire(c, status);
            return status;
        }
        c->state = GREETING;
        c->body.size = 0;
        send_own(c, TD_CQL_OPTIONS);
    }
    if (c->state != CLOSED) move(c);
    if (c->state == CLOSED) return TD_FAIL(c->closed_as, "%s", c->detail);
    return c->state == READY ? TD_OK : TD_AGAIN;
}

bool td_cql_want(const td_cql *c, td_wire_want *out) {
    *out = (td_wire_want){c->wire, unsent(c) > 0};
    return c->state != CLOSED;
}

void td_cql_wait(td_cql *c, int64_t most_ns) {
    td_wire_want want;
    if (td_cql_want(c, &want)) c->conf->wire->wait(&want, 1, most_ns);
}
