/* src/net/wire_curl.c - bytes over libcurl, which finds addresses, connects and does TLS. */
#include "base/time.h"
#include "net/wire.h"
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

typedef enum state { CONNECTING, OPEN, ENDED } state;

typedef struct wire {
    td_wire_conf conf;
    const td_os *os;
    CURLM *multi;
    CURL *easy; /* part of `multi` for its life: behind it, curl would close what it has connected */
    curl_socket_t socket;
    int64_t since_ns;
    state state;
    char detail[CURL_ERROR_SIZE];
} wire;

static td_status fail(wire *w, CURLcode code) {
    w->state = ENDED;
    bool untrusted = code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE;
    return TD_FAIL(untrusted ? TD_CONFIG : TD_RETRY, "%s: %s", w->conf.url.named,
                   w->detail[0] != '\0' ? w->detail : curl_easy_strerror(code));
}

static td_status opened(wire *w) {
    CURLcode code = curl_easy_getinfo(w->easy, CURLINFO_ACTIVESOCKET, &w->socket);
    if (code != CURLE_OK || w->socket == CURL_SOCKET_BAD) return fail(w, CURLE_COULDNT_CONNECT);
    w->state = OPEN;
    return TD_OK;
}

static td_status curl_step(void *self) {
    wire *w = self;
    int running, left;
    if (w->state != CONNECTING) return w->state == OPEN ? TD_OK : TD_FAIL(TD_RETRY, "%s: not open", w->conf.url.named);
    (void)curl_multi_perform(w->multi, &running);
    const CURLMsg *message = curl_multi_info_read(w->multi, &left);
    if (message != NULL && message->msg == CURLMSG_DONE)
        return message->data.result == CURLE_OK ? opened(w) : fail(w, message->data.result);
    if (w->os->ops->mono_ns(w->os->self) - w->since_ns < w->conf.open_ns) return TD_AGAIN;
    (void)snprintf(w->detail, sizeof w->detail, "no connection in time");
    return fail(w, CURLE_OPERATION_TIMEDOUT);
}

static td_status curl_send(void *self, td_bytes bytes, size_t *out_sent) {
    wire *w = self;
    *out_sent = 0;
    if (w->state != OPEN) return TD_FAIL(TD_RETRY, "%s: not open", w->conf.url.named);
    CURLcode code = bytes.size > 0 ? curl_easy_send(w->easy, bytes.data, bytes.size, out_sent) : CURLE_OK;
    return code == CURLE_OK || code == CURLE_AGAIN ? TD_OK : fail(w, code);
}

static td_status curl_receive(void *self, void *out, size_t room, size_t *out_size) {
    wire *w = self;
    *out_size = 0;
    if (w->state != OPEN) return TD_FAIL(TD_RETRY, "%s: not open", w->conf.url.named);
    CURLcode code = curl_easy_recv(w->easy, out, room, out_size);
    if (code == CURLE_AGAIN) return TD_OK;
    if (code != CURLE_OK) return fail(w, code);
    if (*out_size > 0) return TD_OK;
    w->state = ENDED;
    return TD_FAIL(TD_RETRY, "%s: the peer has ended the connection", w->conf.url.named);
}

enum { WAIT_MOST = 128 };

/* curl itself waits for what one of them connects to; sockets of those that are open are beside it. */
static void curl_wait(const td_wire_want *wants, size_t count, int64_t most_ns) {
    struct curl_waitfd fds[WAIT_MOST];
    unsigned fd_count = 0;
    int connecting = 0;
    wire *first = wants[0].wire;
    for (size_t i = 0; i < count && fd_count < WAIT_MOST; i++) {
        wire *w = wants[i].wire;
        if (w->state == ENDED) return;
        if (w->state == CONNECTING && connecting++ == 0) first = w;
        if (w->state != OPEN) continue;
        short events = (short)(CURL_WAIT_POLLIN | (wants[i].to_send ? CURL_WAIT_POLLOUT : 0));
        fds[fd_count++] = (struct curl_waitfd){.fd = w->socket, .events = events};
    }
    int64_t most_ms = (most_ns + TD_NS_PER_MS - 1) / TD_NS_PER_MS;
    if (connecting > 1) most_ms = td_least(most_ms, 10);
    (void)curl_multi_poll(first->multi, fds, fd_count, (int)most_ms, NULL);
}

static void curl_close(void *self) {
    wire *w = self;
    if (w == NULL) return;
    if (w->easy != NULL && w->multi != NULL) (void)curl_multi_remove_handle(w->multi, w->easy);
    curl_easy_cleanup(w->easy);
    if (w->multi != NULL) (void)curl_multi_cleanup(w->multi);
    free(w);
}

static bool set_up(wire *w) {
    char url[TD_HOST_MAX + 32];
    const td_url *to = &w->conf.url;
    bool six = strchr(to->host, ':') != NULL;
    (void)snprintf(url, sizeof url, "http%s://%s%s%s:%d/", to->tls ? "s" : "", six ? "[" : "", to->host, six ? "]" : "",
                   to->port);
    CURL *e = w->easy;
    bool good = curl_easy_setopt(e, CURLOPT_URL, url) == CURLE_OK;
    good = good && curl_easy_setopt(e, CURLOPT_CONNECT_ONLY, 1L) == CURLE_OK; /* of http nothing is said */
    good = good && curl_easy_setopt(e, CURLOPT_PROXY, "") == CURLE_OK;        /* those of HTTP do not know it */
    good = good && curl_easy_setopt(e, CURLOPT_SSL_ENABLE_ALPN, 0L) == CURLE_OK;
    good = good && curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;   /* as http_curl.c, and the next */
    good = good && curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK; /* a resolver is not waited for */
    good = good && curl_easy_setopt(e, CURLOPT_ERRORBUFFER, w->detail) == CURLE_OK;
    if (w->conf.ca_file != NULL) good = good && curl_easy_setopt(e, CURLOPT_CAINFO, w->conf.ca_file) == CURLE_OK;
    return good && curl_multi_add_handle(w->multi, e) == CURLM_OK;
}

static td_status curl_open(void **out, const td_os *os, const td_wire_conf *conf) {
    wire *w = td_alloc_zero(1, sizeof *w);
    w->os = os;
    w->conf = *conf;
    w->since_ns = os->ops->mono_ns(os->self);
    w->multi = curl_multi_init();
    w->easy = curl_easy_init();
    if (w->multi == NULL || w->easy == NULL || !set_up(w)) {
        curl_close(w);
        return TD_FAIL(TD_RETRY, "the network library does not start");
    }
    *out = w;
    return TD_OK;
}

const td_wire_ops td_wire_curl = {.name = "curl",
                                  .open = curl_open,
                                  .step = curl_step,
                                  .send = curl_send,
                                  .receive = curl_receive,
                                  .wait = curl_wait,
                                  .close = curl_close};
