/* src/net/transport_lws.c - WebSocket clients over libwebsockets, which does TLS, the handshake and the framing. */
#include "base/time.h"
#include "net/link.h"
#include "net/lookup.h"
#include "net/url.h"
#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>

enum { READ_MAX = 16 * 1024, READ_ROOM = 2 * READ_MAX, INBOX_MIN = 2 * READ_ROOM };

typedef enum conn_state {
    CONN_FREE,
    CONN_LOOKUP,     /* its host's addresses are asked for               */
    CONN_CONNECTING, /* to addresses.text[at]                            */
    CONN_NEXT,       /* that one failed, another one is left             */
    CONN_OPEN,
    CONN_ENDED, /* CLOSED is given as soon as the inbox is empty */
} conn_state;

typedef struct conn {
    conn_state state;
    struct lws *wsi; /* NULL when the library holds nothing for us */
    td_url url;
    td_lookup *lookup;
    td_addresses addresses;
    size_t at;
    int64_t since_ns; /* monotonic: when it was asked for */
    td_link link;
    td_buf outbox;           /* messages, each behind its size and the library's own room */
    bool paused, wants_ping; /* reading waits; a ping is to be sent */
    bool leaving;            /* … and then a goodbye */
    char farewell[TD_LINK_DETAIL_MAX];
} conn;

typedef struct transport {
    const td_os *os;
    td_net_conf conf;
    struct lws_context *context;
    int work;
    uint32_t next; /* whose inbox is looked into first */
    conn conns[TD_NET_CONNECTIONS_MAX];
} transport;

static int64_t mono_ns(const transport *t) { return t->os->ops->mono_ns(t->os->self); }

/* ---- the end of a connection ---- */

/* Lets the library close what it holds; its callbacks no longer find us. */
static void let_go(conn *c) {
    if (c->wsi != NULL) {
        lws_set_opaque_user_data(c->wsi, NULL);
        lws_set_timeout(c->wsi, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_ASYNC);
    }
    c->wsi = NULL;
    td_lookup_free(c->lookup);
    c->lookup = NULL;
}

static void conn_end(transport *t, conn *c, td_net_reason reason, const char *detail) {
    td_link_end(&c->link, reason, detail);
    let_go(c);
    c->state = CONN_ENDED;
    t->work++;
}

static void conn_free(conn *c) {
    let_go(c);
    c->state = CONN_FREE;
    td_link_fini(&c->link);
    td_buf_fini(&c->outbox);
}

/* ---- what arrives ---- */

/* Nothing is read while another read might not fit. */
static void set_pace(conn *c) {
    bool full = td_link_is_full(&c->link, READ_ROOM);
    if (full == c->paused || c->wsi == NULL) return;
    c->paused = full;
    (void)lws_rx_flow_control(c->wsi, full ? 0 : 1);
}

static int receive(transport *t, conn *c, struct lws *wsi, td_bytes bytes) {
    if (c->leaving) return 0;
    bool last = lws_is_final_fragment(wsi) != 0 && lws_remaining_packet_payload(wsi) == 0;
    t->work++;
    if (!td_link_receive(&c->link, bytes, last)) {
        /* Without saying why: libwebsockets 4.1 goes on to take bytes while it waits to send a reason, and where it was
         * told so while it gave some, beyond the end of its buffer. */
        lws_set_opaque_user_data(wsi, NULL);
        c->wsi = NULL; /* the library closes it behind this callback */
        c->state = CONN_ENDED;
        return -1;
    }
    set_pace(c);
    return 0;
}

static void opened(transport *t, conn *c) {
    c->state = CONN_OPEN;
    td_link_opened(&c->link);
    t->work++;
}

static void failed(transport *t, conn *c, const char *why, unsigned code) {
    char told[TD_LINK_DETAIL_MAX + sizeof c->url.named];
    c->wsi = NULL;     /* the library frees it behind this callback */
    if (code >= 300) { /* somebody answered */
        (void)snprintf(told, sizeof told, "the answer is %u in place of a session", code);
        conn_end(t, c, code == 401 || code == 403 ? TD_NET_DENIED : TD_NET_REFUSED, told);
        return;
    }
    if (c->state == CONN_CONNECTING && c->at + 1 < c->addresses.count) {
        c->at++;
        c->state = CONN_NEXT;
        return;
    }
    (void)snprintf(told, sizeof told, "%s (%s)", why != NULL && *why != '\0' ? why : "cannot connect", c->url.named);
    conn_end(t, c, TD_NET_REFUSED, told);
}

static void closing_by_peer(conn *c, td_bytes reason) {
    if (reason.size < 2) return;
    (void)snprintf(c->farewell, sizeof c->farewell, "closed by the peer with code %u%s%.*s",
                   (unsigned)td_get_be16(reason.data), reason.size > 2 ? ": " : "", (int)reason.size - 2,
                   (const char *)reason.data + 2);
}

/* ---- what is sent ---- */

enum { OUT_HEAD = sizeof(uint32_t) + LWS_PRE };

/* From here, where no bytes of the peer are being given, a reason does no harm (see receive): to be sent, answered. */
static int say_goodbye(struct lws *wsi) {
    lws_close_reason(wsi, LWS_CLOSE_STATUS_NORMAL, NULL, 0);
    return -1;
}

static int send_waiting(conn *c, struct lws *wsi) {
    uint8_t ping[LWS_PRE + 1] = {0};
    if (c->wants_ping) {
        c->wants_ping = false;
        if (lws_write(wsi, ping + LWS_PRE, 0, LWS_WRITE_PING) < 0) return -1;
        return c->outbox.size > 0 || c->leaving ? lws_callback_on_writable(wsi) < 0 : 0;
    }
    if (c->outbox.size == 0) return c->leaving ? say_goodbye(wsi) : 0;
    uint32_t size;
    memcpy(&size, c->outbox.data, sizeof size);
    if (lws_write(wsi, c->outbox.data + OUT_HEAD, size, LWS_WRITE_TEXT) < (int)size) return -1;
    c->outbox.size -= OUT_HEAD + size;
    memmove(c->outbox.data, c->outbox.data + OUT_HEAD + size, c->outbox.size);
    return c->outbox.size > 0 || c->leaving ? lws_callback_on_writable(wsi) < 0 : 0;
}

static td_status client_send(void *self, uint32_t connection, td_bytes message) {
    transport *t = self;
    conn *c = &t->conns[connection];
    if (c->state != CONN_OPEN) return TD_FAIL(TD_RETRY, "the connection is not open");
    if (c->outbox.size + OUT_HEAD + message.size > TD_NET_OUTBOX_BYTES)
        return TD_FAIL(TD_FULL, "%d bytes wait to be sent", TD_NET_OUTBOX_BYTES);
    uint8_t head[OUT_HEAD] = {0};
    uint32_t size = (uint32_t)message.size;
    memcpy(head, &size, sizeof size);
    td_buf_put(&c->outbox, head, sizeof head);
    td_buf_put(&c->outbox, message.data, message.size);
    (void)lws_callback_on_writable(c->wsi);
    return TD_OK;
}

static void client_leave(void *self, uint32_t connection) {
    transport *t = self;
    conn *c = &t->conns[connection];
    if (c->state != CONN_OPEN) return;
    c->leaving = true;
    (void)lws_callback_on_writable(c->wsi);
}

/* ---- the library's callbacks ---- */

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t size) {
    transport *t = lws_context_user(lws_get_context(wsi));
    conn *c = lws_get_opaque_user_data(wsi);
    (void)user;
    switch (reason) {
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        if (c == NULL) return -1;
        opened(t, c);
        break;
    case LWS_CALLBACK_CLIENT_RECEIVE:
        return c == NULL ? -1 : receive(t, c, wsi, (td_bytes){in, size});
    case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
        if (c != NULL) td_link_heard(&c->link, mono_ns(t));
        break;
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        return c == NULL ? -1 : send_waiting(c, wsi);
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        if (c != NULL) closing_by_peer(c, (td_bytes){in, size});
        break;
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        if (c != NULL) failed(t, c, in, lws_http_client_http_response(wsi));
        break;
    case LWS_CALLBACK_CLIENT_CLOSED:
        if (c == NULL) break;
        c->wsi = NULL;
        conn_end(t, c, TD_NET_LOST, c->farewell[0] != '\0' ? c->farewell : "the connection broke");
        break;
    case LWS_CALLBACK_WSI_DESTROY: /* an upgrade that takes too long ends without any of those */
        if (c != NULL && c->wsi == wsi && c->state == CONN_CONNECTING) failed(t, c, "no answer in time", 0);
        break;
    default:
        break;
    }
    return 0;
}

/* ---- connecting ---- */

static td_status client_connect(void *self, const char *url, uint32_t *out_connection) {
    transport *t = self;
    uint32_t i = 0;
    while (i < TD_NET_CONNECTIONS_MAX && t->conns[i].state != CONN_FREE) i++;
    if (i == TD_NET_CONNECTIONS_MAX)
        return TD_FAIL(TD_FULL, "%d connections are in use already", TD_NET_CONNECTIONS_MAX);
    conn *c = &t->conns[i];
    *c = (conn){0};
    td_status status = td_url_parse(&c->url, "ws", url);
    if (status == TD_OK) status = td_lookup_begin(&c->lookup, c->url.host);
    if (status != TD_OK) return status;
    td_link_init(&c->link, t->os, &t->conf);
    c->state = CONN_LOOKUP;
    c->since_ns = mono_ns(t);
    *out_connection = i;
    return TD_OK;
}

static void connect_to_address(transport *t, conn *c) {
    struct lws_client_connect_info info = {
        .context = t->context,
        .address = c->addresses.text[c->at],
        .port = c->url.port,
        .ssl_connection = (c->url.tls ? LCCSCF_USE_SSL : 0) | LCCSCF_HTTP_NO_FOLLOW_REDIRECT,
        .path = c->url.path,
        .host = c->url.named,
        .local_protocol_name = "messages",
        .alpn = "http/1.1",
        .ietf_version_or_minus_one = -1,
        .opaque_user_data = c,
        .pwsi = &c->wsi,
    };
    c->state = CONN_CONNECTING;
    if (lws_client_connect_via_info(&info) == NULL && c->state == CONN_CONNECTING) failed(t, c, NULL, 0);
}

static void look_up(transport *t, conn *c) {
    td_status status = td_lookup_step(c->lookup, &c->addresses);
    if (status == TD_AGAIN) return;
    if (status != TD_OK) {
        conn_end(t, c, TD_NET_REFUSED, td_trail());
        return;
    }
    td_lookup_free(c->lookup);
    c->lookup = NULL;
    connect_to_address(t, c);
}

/* ---- the transport ---- */

static void watch_open(transport *t, conn *c) {
    c->wants_ping |= td_link_watch(&c->link);
    if (c->link.ended)
        conn_end(t, c, c->link.reason, c->link.detail);
    else if (c->wants_ping)
        (void)lws_callback_on_writable(c->wsi);
}

static void conn_step(transport *t, conn *c) {
    int64_t now_ns = mono_ns(t);
    switch (c->state) {
    case CONN_FREE:
    case CONN_ENDED:
        return;
    case CONN_LOOKUP:
        look_up(t, c);
        break;
    case CONN_NEXT:
        connect_to_address(t, c);
        break;
    case CONN_CONNECTING:
        break;
    case CONN_OPEN:
        watch_open(t, c);
        return;
    }
    if (c->state != CONN_OPEN && now_ns - c->since_ns >= t->conf.open_ns)
        conn_end(t, c, TD_NET_REFUSED, "no answer in time");
}

static int client_pump(void *self) {
    transport *t = self;
    t->work = 0;
    for (size_t i = 0; i < TD_NET_CONNECTIONS_MAX; i++) conn_step(t, &t->conns[i]);
    (void)lws_service(t->context, -1); /* negative: does not wait; connections let go of end here, too */
    return t->work;
}

static td_status client_next(void *self, td_net_event *out) {
    transport *t = self;
    for (uint32_t n = 0; n < TD_NET_CONNECTIONS_MAX; n++) {
        uint32_t i = (t->next + n) % TD_NET_CONNECTIONS_MAX;
        conn *c = &t->conns[i];
        if (c->state == CONN_FREE) continue;
        if (td_link_next(&c->link, out) != TD_OK) continue;
        if (out->kind == TD_NET_CLOSED)
            conn_free(c);
        else
            set_pace(c);
        out->connection = i;
        t->next = (i + 1) % TD_NET_CONNECTIONS_MAX;
        return TD_OK;
    }
    return TD_AGAIN;
}

static void client_drop(void *self, uint32_t connection) {
    transport *t = self;
    if (t->conns[connection].state != CONN_FREE) conn_free(&t->conns[connection]);
}

static void client_close(void *self) {
    transport *t = self;
    if (t == NULL) return;
    for (uint32_t i = 0; i < TD_NET_CONNECTIONS_MAX; i++) client_drop(t, i);
    if (t->context != NULL) lws_context_destroy(t->context);
    free(t);
}

static td_status client_open(void **out, const td_os *os, const td_net_conf *conf) {
    static const struct lws_protocols protocols[] = {
        {.name = "messages", .callback = on_event, .rx_buffer_size = READ_MAX}, {0}};
    transport *t = td_alloc_zero(1, sizeof *t);
    t->os = os;
    t->conf = *conf;
    if (t->conf.inbox_bytes < INBOX_MIN) t->conf.inbox_bytes = INBOX_MIN;
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .protocols = protocols,
        .user = t,
        .gid = -1,
        .uid = -1,
        .options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT | LWS_SERVER_OPTION_SKIP_SERVER_CANONICAL_NAME |
                   (conf->ca_file != NULL ? LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS : 0),
        .client_ssl_ca_filepath = conf->ca_file,
        .max_http_header_data = (unsigned short)conf->header_max_bytes,
        .max_http_header_pool = TD_NET_CONNECTIONS_MAX,
        .pt_serv_buf_size = READ_MAX,
        .fd_limit_per_thread = TD_NET_CONNECTIONS_MAX + 8,
    };
    lws_set_log_level(0, NULL); /* what matters comes back as an event */
    t->context = lws_create_context(&info);
    if (t->context == NULL) {
        free(t);
        return conf->ca_file != NULL ? TD_FAIL(TD_CONFIG, "ca: cannot read certificates from %s", conf->ca_file)
                                     : TD_FAIL(TD_RETRY, "the network library does not start");
    }
    *out = t;
    return TD_OK;
}

const td_transport_ops td_transport_lws = {.name = "lws",
                                           .open = client_open,
                                           .connect = client_connect,
                                           .pump = client_pump,
                                           .next = client_next,
                                           .send = client_send,
                                           .leave = client_leave,
                                           .drop = client_drop,
                                           .close = client_close};
