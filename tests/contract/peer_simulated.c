/* tests/contract/peer_simulated.c - a network without one: what the peer sends is cut anywhere, delayed by a number of
 * pumps, and read no faster than there is room, all from a seed. It duplicates nothing and reorders nothing. */
#include "../sim/random.h"
#include "net/link.h"
#include "net/url.h"
#include "peer.h"
#include <stdio.h>
#include <stdlib.h>

enum { PIECES_MAX = 4096, PIECE_BYTES = 5000, IN_FLIGHT_MAX = 1 << 20 };

typedef struct wire_piece { /* one frame, or the end */
    td_buf bytes;
    bool last, ends;
    peer_end how;
} wire_piece;

typedef struct sim_conn {
    bool used, open;
    peer_manner manner;
    int64_t since_ns;
    td_link link;
    wire_piece pieces[PIECES_MAX]; /* on their way to us, from `at` on */
    size_t at, count, moved;       /* moved: bytes of the first one that have arrived */
    int delay;                     /* pumps until the next byte moves */
} sim_conn;

typedef struct sim_transport {
    const td_os *os;
    td_net_conf conf;
    sim_conn *conns[TD_NET_CONNECTIONS_MAX];
} sim_transport;

typedef struct sim_peer {
    td_random random;
    peer_manner manner;
    bool mute;
    int left;
    sim_conn *newest;
    char text[256];
    size_t text_size;
} sim_peer;

static sim_peer *world; /* a transport is opened without an argument to name it */

static uint64_t draw(uint64_t below) { return td_random_below(&world->random, below); }

/* ---- the transport ---- */

static td_status sim_open(void **out, const td_os *os, const td_net_conf *conf) {
    sim_transport *t = td_alloc_zero(1, sizeof *t);
    t->os = os;
    t->conf = *conf;
    *out = t;
    return TD_OK;
}

static td_status sim_connect(void *self, const char *text, uint32_t *out_connection) {
    sim_transport *t = self;
    td_url url;
    td_status status = td_url_parse(&url, "ws", text);
    if (status != TD_OK) return status;
    for (uint32_t i = 0; i < TD_NET_CONNECTIONS_MAX; i++) {
        if (t->conns[i] != NULL) continue;
        sim_conn *c = t->conns[i] = td_alloc_zero(1, sizeof *c);
        td_link_init(&c->link, t->os, &t->conf);
        c->since_ns = t->os->ops->mono_ns(t->os->self);
        c->delay = (int)draw(8);
        c->manner = strcmp(url.host, "nowhere.invalid") == 0 ? PEER_NOT_FOUND : world->manner;
        *out_connection = i;
        return TD_OK;
    }
    return TD_FAIL(TD_FULL, "%d connections are in use already", TD_NET_CONNECTIONS_MAX);
}

static void begin(sim_transport *t, sim_conn *c) {
    if (c->manner == PEER_ACCEPTS) {
        c->open = true;
        world->newest = c;
        td_link_opened(&c->link);
    } else if (c->manner != PEER_SAYS_NOTHING) {
        td_link_end(&c->link, c->manner == PEER_DENIES ? TD_NET_DENIED : TD_NET_REFUSED, "refused");
    } else if (t->os->ops->mono_ns(t->os->self) - c->since_ns >= t->conf.open_ns) {
        td_link_end(&c->link, TD_NET_REFUSED, "no answer in time");
    }
}

/* Moves a stretch of the first piece, of any length. */
static void move_some(sim_conn *c) {
    wire_piece *piece = &c->pieces[c->at];
    if (piece->ends) {
        td_link_end(&c->link, TD_NET_LOST,
                    piece->how == PEER_CLOSE_FRAME ? "code 1001: maintenance\n\x1b[2J" : "broken");
        return;
    }
    size_t left = piece->bytes.size - c->moved,
           size = left == 0 ? 0 : 1 + draw(left < PIECE_BYTES ? left : PIECE_BYTES);
    bool done = size == left;
    td_bytes bytes = {td_bytes_from(td_buf_bytes(&piece->bytes), c->moved).data, size};
    c->moved += size;
    if (!td_link_receive(&c->link, bytes, done && piece->last) || !done) return;
    td_buf_fini(&piece->bytes);
    c->at++;
    c->moved = 0;
}

static int conn_pump(sim_transport *t, sim_conn *c) {
    if (c->link.ended) return 0;
    if (c->delay-- > 0) return 0;
    if (!c->open) {
        c->delay = 0;
        begin(t, c);
        return 1;
    }
    if (td_link_watch(&c->link) && !world->mute) td_link_heard(&c->link, t->os->ops->mono_ns(t->os->self));
    int work = 0;
    for (uint64_t n = draw(4); n > 0 && c->at < c->count && !c->link.ended; n--, work++) {
        if (td_link_is_full(&c->link, PIECE_BYTES)) return work;
        move_some(c);
    }
    c->delay = draw(4) == 0 ? (int)draw(6) : 0;
    return work;
}

static int sim_pump(void *self) {
    sim_transport *t = self;
    int work = 0;
    for (size_t i = 0; i < TD_NET_CONNECTIONS_MAX; i++)
        if (t->conns[i] != NULL) work += conn_pump(t, t->conns[i]);
    return work;
}

static void sim_drop(void *self, uint32_t connection) {
    sim_transport *t = self;
    sim_conn *c = t->conns[connection];
    if (c == NULL) return;
    for (size_t i = c->at; i < c->count; i++) td_buf_fini(&c->pieces[i].bytes);
    td_link_fini(&c->link);
    if (world->newest == c) world->newest = NULL;
    free(c);
    t->conns[connection] = NULL;
}

/* What is on its way to us is lost, and then so is the connection. */
static void sim_leave(void *self, uint32_t connection) {
    sim_transport *t = self;
    sim_conn *c = t->conns[connection];
    if (c == NULL || !c->open || c->link.ended) return;
    world->left = 1000;
    td_link_end(&c->link, TD_NET_LOST, "left");
}

static td_status sim_next(void *self, td_net_event *out) {
    static char detail[TD_LINK_DETAIL_MAX];
    sim_transport *t = self;
    for (uint32_t i = 0; i < TD_NET_CONNECTIONS_MAX; i++) {
        if (t->conns[i] == NULL || td_link_next(&t->conns[i]->link, out) != TD_OK) continue;
        out->connection = i;
        if (out->kind != TD_NET_CLOSED) return TD_OK;
        (void)snprintf(detail, sizeof detail, "%s", out->detail);
        out->detail = detail;
        sim_drop(t, i);
        return TD_OK;
    }
    return TD_AGAIN;
}

static td_status sim_send(void *self, uint32_t connection, td_bytes message) {
    sim_transport *t = self;
    sim_conn *c = t->conns[connection];
    if (c == NULL || !c->open || c->link.ended) return TD_FAIL(TD_RETRY, "the connection is not open");
    if (message.size > TD_NET_OUTBOX_BYTES) return TD_FAIL(TD_FULL, "too much waits to be sent");
    world->text_size = message.size < sizeof world->text ? message.size : sizeof world->text;
    memcpy(world->text, message.data, world->text_size);
    return TD_OK;
}

static void sim_close(void *self) {
    if (self == NULL) return;
    for (uint32_t i = 0; i < TD_NET_CONNECTIONS_MAX; i++) sim_drop(self, i);
    free(self);
}

static const td_transport_ops transport_simulated = {.name = "simulated",
                                                     .open = sim_open,
                                                     .connect = sim_connect,
                                                     .pump = sim_pump,
                                                     .next = sim_next,
                                                     .send = sim_send,
                                                     .leave = sim_leave,
                                                     .drop = sim_drop,
                                                     .close = sim_close};

/* ---- the peer ---- */

static void *peer_open(uint64_t seed) {
    world = td_alloc_zero(1, sizeof *world);
    world->random.state = seed;
    return world;
}

static const char *peer_url(void *self) {
    (void)self;
    return "ws://venue.test/ws";
}

static void peer_be(void *self, peer_manner manner) { ((sim_peer *)self)->manner = manner; }
static void peer_step(void *self) { (void)self; }
static void peer_mute(void *self, bool mute) { ((sim_peer *)self)->mute = mute; }

static wire_piece *put_piece(sim_peer *p) {
    sim_conn *c = p->newest;
    if (c == NULL || c->count - c->at == PIECES_MAX) abort();
    if (c->count == PIECES_MAX) { /* what has arrived makes room */
        memmove(c->pieces, c->pieces + c->at, (c->count - c->at) * sizeof c->pieces[0]);
        c->count -= c->at;
        c->at = 0;
        memset(c->pieces + c->count, 0, (PIECES_MAX - c->count) * sizeof c->pieces[0]);
    }
    return &c->pieces[c->count++];
}

static void peer_send(void *self, td_bytes bytes, bool last) {
    wire_piece *piece = put_piece(self);
    td_buf_put(&piece->bytes, bytes.data, bytes.size);
    piece->last = last;
}

/* As a socket's buffers would: some of it is on its way though it has not arrived. */
static bool peer_sent(void *self) {
    const sim_conn *c = ((sim_peer *)self)->newest;
    size_t left = 0;
    for (size_t i = c->at; i < c->count; i++) left += c->pieces[i].bytes.size;
    return left <= IN_FLIGHT_MAX;
}

static bool peer_connected(void *self) {
    const sim_conn *c = ((sim_peer *)self)->newest;
    return c != NULL && c->open && !c->link.ended;
}

static void peer_finish(void *self, peer_end how) {
    wire_piece *piece = put_piece(self);
    piece->ends = true;
    piece->how = how;
}

static int peer_left(void *self) { return ((const sim_peer *)self)->left; }

static size_t peer_received(void *self, char *out, size_t capacity) {
    const sim_peer *p = self;
    size_t size = p->text_size < capacity ? p->text_size : capacity;
    memcpy(out, p->text, size);
    return size;
}

static void peer_close(void *self) {
    world = NULL;
    free(self);
}

const peer_ops peer_simulated = {.transport = &transport_simulated,
                                 .open = peer_open,
                                 .url = peer_url,
                                 .be = peer_be,
                                 .step = peer_step,
                                 .send = peer_send,
                                 .sent = peer_sent,
                                 .connected = peer_connected,
                                 .end = peer_finish,
                                 .mute = peer_mute,
                                 .left = peer_left,
                                 .received = peer_received,
                                 .close = peer_close};
