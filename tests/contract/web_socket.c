/* tests/contract/web_socket.c - an HTTP server of one thread, made of system calls: an answer leaves in pieces, and
 * ends where the handler wants it. */
#include "../sim/random.h"
#include "web.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNS_MAX = 32, WRITE_MAX = 3000, REQUEST_MAX = 4096 };

typedef struct web_conn {
    int file; /* -1: ended */
    char in[REQUEST_MAX];
    size_t in_size;
    td_buf out;
    size_t gone; /* of `out` */
    bool ends;   /* behind it */
} web_conn;

typedef struct socket_web {
    int listener;
    char url[64];
    td_random random;
    web_handler handler;
    web_conn conns[CONNS_MAX];
    size_t count;
} socket_web;

static void *web_open(uint64_t seed, web_handler handler) {
    socket_web *w = td_alloc_zero(1, sizeof *w);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    w->random.state = seed;
    w->handler = handler;
    w->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (bind(w->listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(w->listener, CONNS_MAX) != 0 ||
        getsockname(w->listener, (struct sockaddr *)&address, &size) != 0)
        abort();
    (void)snprintf(w->url, sizeof w->url, "http://127.0.0.1:%u", ntohs(address.sin_port));
    return w;
}

static const char *web_url(void *self) { return ((socket_web *)self)->url; }

/* What stands behind the name of a header; "": there is none. */
static void find_header(const char *head, const char *name, char *out, size_t capacity) {
    const char *at = strcasestr(head, name);
    size_t skip = at != NULL ? strlen(name) : 0;
    (void)snprintf(out, capacity, "%.*s", at != NULL ? (int)strcspn(at + skip, "\r") : 0, at != NULL ? at + skip : "");
}

/* The request has come as a whole: its size, or 0. */
static size_t whole(const web_conn *c, size_t *out_head) {
    const char *end = strstr(c->in, "\r\n\r\n");
    char length[16];
    if (end == NULL) return 0;
    *out_head = (size_t)(end - c->in) + 4;
    find_header(c->in, "\nContent-Length: ", length, sizeof length);
    size_t size = *out_head + (size_t)atoi(length);
    return c->in_size >= size ? size : 0;
}

static void answer(socket_web *w, web_conn *c) {
    char method[8] = "", path[REQUEST_MAX] = "", type[128], authorization[256];
    size_t head = 0, size = whole(c, &head);
    web_answer a = {.code = 200};
    if (size == 0) return;
    if (sscanf(c->in, "%7s %4095s", method, path) != 2) abort();
    web_request request = {method, {(const uint8_t *)c->in + head, size - head}, type, authorization};
    c->in[head - 1] = '\0'; /* no header is looked for in the body */
    find_header(c->in, "\nContent-Type: ", type, sizeof type);
    find_header(c->in, "\nAuthorization: ", authorization, sizeof authorization);
    c->in_size = 0;
    a.request = &request;
    w->handler.answer(w->handler.arg, path, &a);
    if (a.manner != WEB_SILENT) {
        td_buf_printf(&c->out, "HTTP/1.1 %d Any\r\nContent-Length: %zu\r\n", a.code, a.body.size);
        if (a.retry_s > 0) td_buf_printf(&c->out, "Retry-After: %d\r\n", a.retry_s);
        if (a.code / 100 == 3) td_buf_printf(&c->out, "Location: %s/elsewhere\r\n", w->url);
        td_buf_text(&c->out, "\r\n");
        td_buf_put(&c->out, a.body.data, a.manner == WEB_CUT ? a.body.size / 2 : a.body.size);
        c->ends = a.manner == WEB_CUT;
    }
    td_buf_fini(&a.body);
}

static void conn_close(web_conn *c) {
    if (c->file >= 0) (void)close(c->file);
    c->file = -1;
}

static void conn_step(socket_web *w, web_conn *c) {
    ssize_t size = recv(c->file, c->in + c->in_size, sizeof c->in - 1 - c->in_size, MSG_DONTWAIT);
    if (size > 0) c->in_size += (size_t)size;
    c->in[c->in_size] = '\0';
    answer(w, c);
    size_t wanted = 1 + td_random_below(&w->random, WRITE_MAX), left = c->out.size - c->gone;
    size = left == 0 ? 0 : send(c->file, c->out.data + c->gone, wanted < left ? wanted : left, MSG_DONTWAIT);
    if (size > 0) c->gone += (size_t)size;
    if (c->ends && c->gone == c->out.size) conn_close(c);
}

static void web_step(void *self) {
    socket_web *w = self;
    int file = accept4(w->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (file >= 0 && w->count == CONNS_MAX) abort();
    if (file >= 0) w->conns[w->count++] = (web_conn){.file = file};
    for (size_t i = 0; i < w->count; i++)
        if (w->conns[i].file >= 0) conn_step(w, &w->conns[i]);
}

static void web_close(void *self) {
    socket_web *w = self;
    for (size_t i = 0; i < w->count; i++) {
        conn_close(&w->conns[i]);
        td_buf_fini(&w->conns[i].out);
    }
    (void)close(w->listener);
    free(w);
}

const web_ops web_socket = {
    .http = &td_http_curl, .open = web_open, .url = web_url, .step = web_step, .close = web_close};
