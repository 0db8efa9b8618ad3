/* tests/contract/peer_socket.c - a WebSocket server of one thread, made of system calls, so that each byte is ours. */
#include "../sim/random.h"
#include "peer.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNS_MAX = 16, TEXT_MAX = 256, WRITE_MAX = 3000 };
enum { OP_CONTINUATION = 0, OP_TEXT = 1, OP_CLOSE = 8, OP_PING = 9, OP_PONG = 10 };

typedef struct socket_conn {
    int file; /* -1: ended */
    bool upgraded, within;
    td_buf in, out;
    size_t gone; /* of `out` */
    int ending;  /* 1 + peer_end, once `out` is empty */
    int left;    /* code of the other end's goodbye */
} socket_conn;

typedef struct socket_peer {
    int listener;
    char url[64], text[TEXT_MAX];
    size_t text_size;
    td_random random;
    peer_manner manner;
    bool mute;
    socket_conn conns[CONNS_MAX];
    size_t count;
} socket_peer;

static socket_conn *newest(socket_peer *p) { return p->count > 0 ? &p->conns[p->count - 1] : NULL; }

static void *socket_open(uint64_t seed) {
    socket_peer *p = td_alloc_zero(1, sizeof *p);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    p->random.state = seed;
    p->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (bind(p->listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(p->listener, CONNS_MAX) != 0 ||
        getsockname(p->listener, (struct sockaddr *)&address, &size) != 0)
        abort();
    (void)snprintf(p->url, sizeof p->url, "ws://127.0.0.1:%u/ws/a@trade", ntohs(address.sin_port));
    return p;
}

static const char *socket_url(void *self) { return ((socket_peer *)self)->url; }
static void socket_be(void *self, peer_manner manner) { ((socket_peer *)self)->manner = manner; }
static void socket_mute(void *self, bool mute) { ((socket_peer *)self)->mute = mute; }

static void conn_close(socket_conn *c, bool reset) {
    struct linger at_once = {1, 0};
    if (c->file < 0) return;
    if (reset) (void)setsockopt(c->file, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    (void)close(c->file);
    c->file = -1;
}

/* ---- frames ---- */

static void put_frame(td_buf *out, uint8_t first, td_bytes bytes, size_t announced) {
    uint8_t head[10] = {first};
    size_t size = 2;
    if (announced < 126) {
        head[1] = (uint8_t)announced;
    } else if (announced <= UINT16_MAX) {
        head[1] = 126;
        td_put_be16(head + 2, (uint16_t)announced);
        size = 4;
    } else {
        head[1] = 127;
        td_put_be64(head + 2, announced);
        size = 10;
    }
    td_buf_put(out, head, size);
    td_buf_put(out, bytes.data, bytes.size);
}

static void socket_send(void *self, td_bytes bytes, bool last) {
    socket_conn *c = newest(self);
    put_frame(&c->out, (uint8_t)((last ? 0x80 : 0) | (c->within ? OP_CONTINUATION : OP_TEXT)), bytes, bytes.size);
    c->within = !last;
}

static bool socket_sent(void *self) { return newest(self)->out.size == newest(self)->gone; }

static bool socket_connected(void *self) {
    const socket_conn *c = newest(self);
    return c != NULL && c->upgraded && c->file >= 0;
}

static void socket_end(void *self, peer_end how) {
    socket_conn *c = newest(self);
    if (how == PEER_CLOSE_FRAME) put_frame(&c->out, 0x80 | OP_CLOSE, TD_TEXT("\x03\xe9maintenance\n\x1b[2J"), 18);
    if (how == PEER_HALF_FRAME) put_frame(&c->out, 0x80 | OP_TEXT, TD_TEXT("{\"e\":\"tra"), 300);
    c->ending = 1 + (int)how;
}

/* Takes one whole frame off the front of what came in; its payload stays behind in front of the rest. */
static bool take_frame(socket_peer *p, socket_conn *c) {
    uint8_t *d = c->in.data;
    if (c->in.size < 6) return false;
    size_t size = d[1] & 0x7f, head = 2;
    if (size == 126) {
        size = td_get_be16(d + 2);
        head = 4;
    }
    if (size == 127 || c->in.size < head + 4 + size) return false;
    uint8_t *mask = d + head, *payload = mask + 4;
    for (size_t i = 0; i < size; i++) payload[i] ^= mask[i % 4];
    if ((d[0] & 15) == OP_PING && !p->mute) put_frame(&c->out, 0x80 | OP_PONG, (td_bytes){payload, size}, size);
    if ((d[0] & 15) == OP_CLOSE) {
        c->ending = 1 + PEER_STREAM_END;
        c->left = size >= 2 ? td_get_be16(payload) : 1005;
    }
    if ((d[0] & 15) == OP_TEXT) {
        p->text_size = size < sizeof p->text ? size : sizeof p->text;
        memcpy(p->text, payload, p->text_size);
    }
    c->in.size -= head + 4 + size;
    memmove(d, payload + size, c->in.size);
    return true;
}

static int socket_left(void *self) { return newest(self)->left; }

static size_t socket_received(void *self, char *out, size_t capacity) {
    socket_peer *p = self;
    size_t size = p->text_size < capacity ? p->text_size : capacity;
    memcpy(out, p->text, size);
    return size;
}

/* ---- the upgrade ---- */

static void put_accept(td_buf *out, const char *request) {
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", name[] = "Sec-WebSocket-Key: ";
    const char *key = strcasestr(request, name);
    char joined[128];
    uint8_t digest[SHA_DIGEST_LENGTH];
    unsigned char answer[64];
    if (key == NULL) abort();
    key += sizeof name - 1;
    int size = snprintf(joined, sizeof joined, "%.*s%s", (int)strcspn(key, "\r"), key, guid);
    (void)SHA1((const uint8_t *)joined, (size_t)size, digest);
    (void)EVP_EncodeBlock(answer, digest, sizeof digest);
    td_buf_printf(out,
                  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                  "Sec-WebSocket-Accept: %s\r\n\r\n",
                  (const char *)answer);
}

static void answer(socket_peer *p, socket_conn *c) {
    td_buf_put(&c->in, "", 1);
    if (strstr((const char *)c->in.data, "\r\n\r\n") == NULL) {
        c->in.size--;
        return;
    }
    c->upgraded = true;
    switch (p->manner) {
    case PEER_ACCEPTS:
        put_accept(&c->out, (const char *)c->in.data);
        break;
    case PEER_REDIRECTS:
        p->manner = PEER_ACCEPTS;
        td_buf_printf(&c->out, "HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n", p->url);
        break;
    case PEER_NOT_FOUND:
        td_buf_text(&c->out, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
        break;
    case PEER_DENIES:
        td_buf_text(&c->out, "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
        break;
    case PEER_BABBLES:
        td_buf_text(&c->out, "\x16\x03\x01 these are no headers\r\n\r\n\r\n");
        break;
    case PEER_LONG_HEADER:
        td_buf_text(&c->out, "HTTP/1.1 101 Switching Protocols\r\nX-Long: ");
        for (int i = 0; i < 100000; i++) td_buf_text(&c->out, "x");
        break;
    case PEER_SAYS_NOTHING:
        break;
    }
    c->in.size = 0;
}

/* ---- a step ---- */

static uint64_t draw(socket_peer *p, uint64_t below) { return td_random_below(&p->random, below); }

static void write_some(socket_peer *p, socket_conn *c) {
    size_t wanted = 1 + draw(p, WRITE_MAX);
    if (wanted > c->out.size - c->gone) wanted = c->out.size - c->gone;
    if (wanted > 0) {
        ssize_t size = send(c->file, c->out.data + c->gone, wanted, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (size > 0)
            c->gone += (size_t)size;
        else if (errno != EAGAIN)
            conn_close(c, false);
    }
    if (c->gone < c->out.size) return;
    c->gone = c->out.size = 0;
    if (c->ending == 0) return;
    if (c->ending == 1 + PEER_CLOSE_FRAME || c->ending == 1 + PEER_STREAM_END || c->ending == 1 + PEER_HALF_FRAME)
        (void)shutdown(c->file, SHUT_WR); /* what is on its way still arrives */
    else
        conn_close(c, true);
    c->ending = 0;
}

static void conn_step(socket_peer *p, socket_conn *c) {
    uint8_t bytes[4096];
    ssize_t size;
    while ((size = recv(c->file, bytes, sizeof bytes, MSG_DONTWAIT)) > 0) td_buf_put(&c->in, bytes, (size_t)size);
    if (size == 0 || errno != EAGAIN) {
        conn_close(c, false);
        return;
    }
    if (!c->upgraded) answer(p, c);
    while (c->upgraded && take_frame(p, c)) {}
    for (int i = 0; i < 8 && c->file >= 0; i++) write_some(p, c);
}

static void socket_step(void *self) {
    socket_peer *p = self;
    int file = accept4(p->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (file >= 0 && p->count == CONNS_MAX) abort();
    if (file >= 0) p->conns[p->count++] = (socket_conn){.file = file};
    for (size_t i = 0; i < p->count; i++)
        if (p->conns[i].file >= 0) conn_step(p, &p->conns[i]);
}

static void socket_close(void *self) {
    socket_peer *p = self;
    for (size_t i = 0; i < p->count; i++) {
        conn_close(&p->conns[i], false);
        td_buf_fini(&p->conns[i].in);
        td_buf_fini(&p->conns[i].out);
    }
    (void)close(p->listener);
    free(p);
}

const peer_ops peer_socket = {.transport = &td_transport_lws,
                              .open = socket_open,
                              .url = socket_url,
                              .be = socket_be,
                              .step = socket_step,
                              .send = socket_send,
                              .sent = socket_sent,
                              .connected = socket_connected,
                              .end = socket_end,
                              .mute = socket_mute,
                              .left = socket_left,
                              .received = socket_received,
                              .close = socket_close};
