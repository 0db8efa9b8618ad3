/* src/serve/serve.c - the HTTP server: libwebsockets' callbacks on one side, view, answers and pushes on the other. */
#include "serve/serve.h"
#include "base/embedded.h"
#include "base/time.h"
#include "serve/answer.h"
#include "serve/guard.h"
#include "serve/push.h"
#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    CONNECTIONS_MAX = 64,
    HEAD_MAX = 4096,    /* all headers of a request together */
    TARGET_MAX = 2048,  /* path and query */
    CHUNK_MAX = 16384,  /* bytes given to the network at once */
    SLOTS = 4,          /* answers in memory at a time */
    SEND_TIMEOUT_S = 30 /* a reader that takes nothing for so long is dropped */
};
#define ANSWER_NS (4 * TD_NS_PER_MS)
#define IDLE_NS   TD_NS_PER_MS

typedef enum conn_kind { CONN_FREE, CONN_BODY, CONN_ANSWER, CONN_STREAM } conn_kind;

typedef struct conn { /* one request being answered */
    conn_kind kind;
    struct lws *wsi;
    td_bytes body; /* BODY, and ANSWER once it is finished: what is sent */
    td_buf text;   /* owns the body when it is not embedded */
    size_t sent;
    td_answer *answer;
    int64_t ticket;                 /* answers are made in the order of asking */
    bool head_only, has_slot, last; /* last: the connection ends with it */
    td_push push;
} conn;

struct td_serve {
    td_os os;
    td_listen listen;
    char url[96], run[24];
    struct lws_context *context;
    td_view *view;
    td_board board;
    int connections, slots_used, work;
    int64_t tickets, idle_until_ns, board_due_ns;
    conn conns[CONNECTIONS_MAX];
    uint8_t chunk[LWS_PRE + CHUNK_MAX];
};

const td_option td_serve_options[] = {
    {.key = "listen",
     .type = TD_OPTION_TEXT,
     .fallback = "127.0.0.1:8750",
     .offset = offsetof(td_serve_conf, listen),
     .help = "address and port of the dashboard and its API; loopback only"},
    {0},
};

static int64_t now_ns(const td_serve *s) { return s->os.ops->mono_ns(s->os.self); }

/* ---- one request ---- */

static void conn_release(td_serve *s, conn *c) {
    if (c == NULL) return;
    if (c->has_slot) s->slots_used--;
    td_answer_free(c->answer);
    td_push_fini(&c->push);
    td_buf_fini(&c->text);
    lws_set_opaque_user_data(c->wsi, NULL);
    *c = (conn){0};
}

static conn *conn_take(td_serve *s, struct lws *wsi, bool head_only) {
    conn_release(s, lws_get_opaque_user_data(wsi));
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        conn *c = &s->conns[i];
        if (c->kind != CONN_FREE) continue;
        *c = (conn){.kind = CONN_BODY, .wsi = wsi, .head_only = head_only};
        lws_set_opaque_user_data(wsi, c);
        return c;
    }
    return NULL;
}

typedef struct head { /* of a response */
    int status;
    const char *type;
    lws_filepos_t length;
    const char *cache;
    const char *next; /* path of the next page; NULL or "": none */
} head;

static int add_header(struct lws *wsi, const char *name, const char *value, uint8_t **at, uint8_t *end) {
    return lws_add_http_header_by_name(wsi, (const uint8_t *)name, (const uint8_t *)value, (int)strlen(value), at, end);
}

/* Inline style elements are not needed: the chart sets its styles through the object model. */
static int send_head(td_serve *s, struct lws *wsi, const head *h) {
    static const struct {
        const char *name, *value;
    } always[] = {
        {"content-security-policy:", "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
                                     "form-action 'none'; frame-ancestors 'none'"},
        {"x-content-type-options:", "nosniff"},
        {"referrer-policy:", "no-referrer"},
        {"cross-origin-resource-policy:", "same-origin"},
    };
    uint8_t *start = s->chunk + LWS_PRE, *at = start, *end = s->chunk + sizeof s->chunk - 1;
    int bad = lws_add_http_common_headers(wsi, (unsigned)h->status, h->type, h->length, &at, end);
    for (size_t i = 0; i < sizeof always / sizeof always[0]; i++)
        bad |= add_header(wsi, always[i].name, always[i].value, &at, end);
    bad |= add_header(wsi, "cache-control:", h->cache, &at, end);
    if (h->status == 405) bad |= add_header(wsi, "allow:", "GET, HEAD", &at, end);
    if (h->next != NULL && h->next[0] != '\0') {
        char link[1100];
        (void)snprintf(link, sizeof link, "<%s>; rel=\"next\"", h->next);
        bad |= add_header(wsi, "link:", link, &at, end);
    }
    return bad | lws_finalize_write_http_header(wsi, start, &at, end);
}

/* The request is answered. Returns what a callback returns: not 0 ends the connection. */
static int finish(td_serve *s, conn *c) {
    struct lws *wsi = c->wsi;
    bool last = c->last;
    conn_release(s, c);
    return lws_http_transaction_completed(wsi) != 0 || last ? -1 : 0;
}

/* Sends the head and arranges for the body. */
static int respond(td_serve *s, conn *c, head h) {
    h.length = c->body.size;
    if (send_head(s, c->wsi, &h) != 0) return -1;
    lws_set_timeout(c->wsi, PENDING_TIMEOUT_HTTP_CONTENT, SEND_TIMEOUT_S);
    if (c->head_only || c->body.size == 0) return finish(s, c);
    return lws_callback_on_writable(c->wsi) < 0 ? -1 : 0;
}

static int respond_error(td_serve *s, conn *c, const td_api_error *error) {
    c->kind = CONN_BODY;
    c->text.size = 0;
    td_api_put_error(&c->text, error);
    c->body = td_buf_bytes(&c->text);
    return respond(s, c, (head){.status = error->http, .type = "application/json", .cache = "no-store"});
}

static int respond_asset(td_serve *s, conn *c, const char *path) {
    static const struct {
        const char *suffix, *type;
    } types[] = {{".html", "text/html; charset=utf-8"},
                 {".js", "text/javascript; charset=utf-8"},
                 {".mjs", "text/javascript; charset=utf-8"},
                 {".css", "text/css; charset=utf-8"},
                 {".svg", "image/svg+xml"},
                 {NULL, "text/plain; charset=utf-8"}};
    const char *name = strcmp(path, "/") == 0 ? "index.html" : path + 1;
    for (const td_embedded *file = td_embedded_web; file->name != NULL; file++) {
        if (strcmp(file->name, name) != 0) continue;
        const char *dot = strrchr(name, '.');
        size_t t = 0;
        while (types[t].suffix != NULL && (dot == NULL || strcmp(types[t].suffix, dot) != 0)) t++;
        c->body = file->bytes;
        return respond(s, c, (head){.status = 200, .type = types[t].type, .cache = "no-cache"});
    }
    td_api_error error;
    (void)td_api_fail(&error, 404, "not_found", "there is nothing at %.60s", path);
    return respond_error(s, c, &error);
}

/* ---- API ---- */

/* Fills the request from what the library has split and decoded. */
static bool read_parameters(struct lws *wsi, td_api_request *request, td_api_error *error) {
    char text[TARGET_MAX];
    for (int i = 0;; i++) {
        int size = lws_hdr_copy_fragment(wsi, text, sizeof text, WSI_TOKEN_HTTP_URI_ARGS, i);
        if (size == -1) return td_api_check(request, error);
        if (size < 0) return td_api_fail(error, 414, "too_long", "a parameter is too long");
        if (size == 0 || (size == 1 && text[0] == '/')) continue; /* an empty one is given as a path would be */
        char *sign = memchr(text, '=', (size_t)size);
        size_t name_size = sign != NULL ? (size_t)(sign - text) : (size_t)size;
        td_bytes value = {(const uint8_t *)text + name_size + 1, sign != NULL ? (size_t)size - name_size - 1 : 0};
        if (!td_api_set(request, (td_bytes){(const uint8_t *)text, name_size}, value, error)) return false;
    }
}

static td_bytes header_of(struct lws *wsi, enum lws_token_indexes token, char *out, size_t capacity) {
    int size = lws_hdr_copy(wsi, out, (int)capacity, token);
    return (td_bytes){(const uint8_t *)out, size > 0 ? (size_t)size : 0};
}

static int start_stream(td_serve *s, conn *c, const td_api_request *request) {
    static const head stream = {
        .status = 200, .type = "text/event-stream", .length = LWS_ILLEGAL_HTTP_CONTENT_LEN, .cache = "no-store"};
    if (send_head(s, c->wsi, &stream) != 0) return -1;
    lws_set_timeout(c->wsi, NO_PENDING_TIMEOUT, 0);
    if (c->head_only) return -1; /* its length is never known: the end of the connection ends it */
    c->kind = CONN_STREAM;
    td_push_init(&c->push, request, s->run);
    return lws_callback_on_writable(c->wsi) < 0 ? -1 : 0;
}

static int start_api(td_serve *s, conn *c, const char *path) {
    char accept[256];
    td_api_request request;
    td_api_error error = {0};
    if (!td_api_begin(&request, td_text(path), header_of(c->wsi, WSI_TOKEN_HTTP_ACCEPT, accept, sizeof accept),
                      &error) ||
        !read_parameters(c->wsi, &request, &error))
        return respond_error(s, c, &error);
    if (request.kind != TD_API_BARS) td_view_watch(s->view);
    if (request.kind == TD_API_STREAM) return start_stream(s, c, &request);
    if (request.kind == TD_API_STATUS) {
        td_board_put(&c->text, &s->board, s->view);
        td_buf_text(&c->text, "\n");
        c->body = td_buf_bytes(&c->text);
        return respond(s, c, (head){.status = 200, .type = "application/json", .cache = "no-store"});
    }
    c->answer = td_answer_new(s->view, &request, &error);
    if (c->answer == NULL) return respond_error(s, c, &error);
    c->kind = CONN_ANSWER;
    c->ticket = s->tickets++;
    lws_set_timeout(c->wsi, NO_PENDING_TIMEOUT, 0);
    return 0;
}

/* False: *error says why nobody at this address may have it. */
static bool check_request(td_serve *s, struct lws *wsi, bool readable, td_api_error *error) {
    char host[128], origin[160];
    if (!td_guard_host(&s->listen, header_of(wsi, WSI_TOKEN_HOST, host, sizeof host)))
        return td_api_fail(error, 403, "bad_host", "the Host header must name %s", s->url);
    if (lws_hdr_total_length(wsi, WSI_TOKEN_ORIGIN) > 0) {
        td_bytes text = header_of(wsi, WSI_TOKEN_ORIGIN, origin, sizeof origin);
        if (text.size == 0 || !td_guard_origin(&s->listen, text))
            return td_api_fail(error, 403, "bad_origin", "pages of other origins may not ask here");
    }
    if (!readable) return td_api_fail(error, 405, "bad_method", "only GET and HEAD are answered");
    if (lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) + lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI) +
            lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_URI_ARGS) >
        TARGET_MAX)
        return td_api_fail(error, 414, "too_long", "path and query may have %d bytes", TARGET_MAX);
    return true;
}

static int start_request(td_serve *s, struct lws *wsi, const char *path) {
    static const char api[] = "/api/v1/";
    bool head_only = lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI) > 0;
    bool readable = head_only || lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) > 0;
    conn *c = conn_take(s, wsi, head_only);
    if (c == NULL) return -1;
    c->last = !readable; /* what follows may be a body that nobody reads */
    td_api_error error = {0};
    if (!check_request(s, wsi, readable, &error)) return respond_error(s, c, &error);
    size_t size = sizeof api - 1;
    return strncmp(path, api, size) == 0 ? start_api(s, c, path + size) : respond_asset(s, c, path);
}

/* ---- sending ---- */

static int write_chunk(td_serve *s, struct lws *wsi, td_bytes bytes, bool last) {
    memcpy(s->chunk + LWS_PRE, bytes.data, bytes.size);
    int written = lws_write(wsi, s->chunk + LWS_PRE, bytes.size, last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP);
    return written < (int)bytes.size ? -1 : 0;
}

static int send_more(td_serve *s, conn *c) {
    if (c->kind == CONN_STREAM) {
        td_bytes part = td_push_waiting(&c->push, CHUNK_MAX);
        if (part.size == 0) return 0;
        if (write_chunk(s, c->wsi, part, false) != 0) return -1;
        td_push_taken(&c->push, part.size);
        return td_push_waiting(&c->push, 1).size > 0 ? lws_callback_on_writable(c->wsi) < 0 : 0;
    }
    if (c->body.data == NULL) return 0; /* the answer is not finished */
    size_t left = c->body.size - c->sent, size = left < CHUNK_MAX ? left : CHUNK_MAX;
    if (write_chunk(s, c->wsi, (td_bytes){c->body.data + c->sent, size}, size == left) != 0) return -1;
    c->sent += size;
    lws_set_timeout(c->wsi, PENDING_TIMEOUT_HTTP_CONTENT, SEND_TIMEOUT_S);
    if (c->sent < c->body.size) return lws_callback_on_writable(c->wsi) < 0 ? -1 : 0;
    return finish(s, c);
}

static int on_http(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t size) {
    td_serve *s = lws_context_user(lws_get_context(wsi));
    conn *c;
    (void)user;
    (void)size;
    switch (reason) {
    case LWS_CALLBACK_FILTER_NETWORK_CONNECTION:
        return s->connections >= CONNECTIONS_MAX;
    case LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED:
        s->connections++;
        break;
    case LWS_CALLBACK_WSI_DESTROY:
        s->connections--;
        conn_release(s, lws_get_opaque_user_data(wsi));
        break;
    case LWS_CALLBACK_CLOSED_HTTP:
        conn_release(s, lws_get_opaque_user_data(wsi));
        break;
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
        return -1; /* nothing here speaks WebSocket */
    case LWS_CALLBACK_HTTP:
        s->work++;
        return start_request(s, wsi, in);
    case LWS_CALLBACK_HTTP_WRITEABLE:
        s->work++;
        c = lws_get_opaque_user_data(wsi);
        return c != NULL ? send_more(s, c) : 0;
    default:
        break;
    }
    return 0;
}

/* ---- a turn ---- */

/* What became of an answer: its rows, or an error. Ends the connection when even that cannot be sent. */
static void finish_answer(td_serve *s, conn *c, td_status status) {
    int result;
    if (status == TD_OK) {
        c->body = td_buf_bytes(td_answer_body(c->answer));
        bool csv = td_answer_is_csv(c->answer);
        result = respond(s, c,
                         (head){.status = 200,
                                .type = csv ? "text/csv; charset=utf-8" : "application/json",
                                .cache = "no-store",
                                .next = td_answer_next(c->answer)});
    } else {
        td_api_error error;
        (void)td_api_fail(&error, status == TD_CORRUPT ? 500 : 503, td_status_name(status), "%.200s", td_trail());
        result = respond_error(s, c, &error);
    }
    if (result != 0) lws_set_timeout(c->wsi, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_ASYNC);
}

static conn *next_answer(td_serve *s) {
    conn *oldest = NULL;
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        conn *c = &s->conns[i];
        bool waits = c->kind == CONN_ANSWER && c->body.data == NULL && (c->has_slot || s->slots_used < SLOTS);
        if (waits && (oldest == NULL || c->ticket < oldest->ticket)) oldest = c;
    }
    if (oldest != NULL && !oldest->has_slot) {
        oldest->has_slot = true;
        s->slots_used++;
    }
    return oldest;
}

static int make_answers(td_serve *s, int64_t until_ns) {
    int done = 0;
    for (conn *c = next_answer(s); c != NULL && now_ns(s) < until_ns; c = next_answer(s), done++) {
        td_status status = td_answer_step(c->answer);
        if (status != TD_AGAIN) finish_answer(s, c, status);
    }
    return done;
}

static int push_due(td_serve *s, int64_t at_ns) {
    int done = 0;
    if (at_ns >= s->board_due_ns) {
        td_board_measure(&s->board, s->view, at_ns);
        s->board_due_ns = at_ns + TD_NS_PER_S;
    }
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        conn *c = &s->conns[i];
        if (c->kind != CONN_STREAM) continue;
        td_view_watch(s->view);
        td_push_due(&c->push, s->view, &s->board, at_ns);
        if (td_push_waiting(&c->push, 1).size > 0) done += lws_callback_on_writable(c->wsi) >= 0;
    }
    return done;
}

int td_serve_step(void *self) {
    td_serve *s = self;
    int64_t at_ns = now_ns(s);
    if (at_ns < s->idle_until_ns) return 0;
    s->work = 0;
    (void)lws_service(s->context, -1); /* negative: does not wait */
    int done = s->work + td_view_step(s->view);
    done += make_answers(s, now_ns(s) + ANSWER_NS);
    (void)push_due(s, at_ns);
    if (done == 0) s->idle_until_ns = at_ns + IDLE_NS;
    return done;
}

/* ---- opening ---- */

static void tell_bar(void *self, td_bytes instrument, const td_bar *bar) {
    td_serve *s = self;
    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        if (s->conns[i].kind == CONN_STREAM) td_push_bar(&s->conns[i].push, instrument, bar);
}

static void tell_signal(void *self, td_bytes instrument, const td_signal *signal, int64_t appended_ms) {
    td_serve *s = self;
    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        if (s->conns[i].kind == CONN_STREAM) td_push_signal(&s->conns[i].push, instrument, signal, appended_ms);
}

static td_status listen_on(td_serve *s) {
    static const struct lws_protocols protocols[] = {{.name = "http", .callback = on_http}, {0}};
    struct lws_context_creation_info info = {
        .port = s->listen.port,
        .iface = s->listen.host,
        .protocols = protocols,
        .user = s,
        .gid = -1,
        .uid = -1,
        .server_string = "tapedeck",
        .options = LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND | LWS_SERVER_OPTION_SKIP_SERVER_CANONICAL_NAME,
        .max_http_header_data = HEAD_MAX,
        .max_http_header_pool = CONNECTIONS_MAX,
        .fd_limit_per_thread = CONNECTIONS_MAX + 8, /* else tables for all files that the process may have */
        .keepalive_timeout = 30,
        .timeout_secs = 10,
    };
    if (!s->listen.ipv6) info.options |= LWS_SERVER_OPTION_DISABLE_IPV6;
    lws_set_log_level(0, NULL); /* what matters comes back as a status */
    s->context = lws_create_context(&info);
    if (s->context == NULL)
        return TD_FAIL(TD_CONFIG,
                       "serve.listen: cannot listen on %s: another program has the port, or it needs rights that "
                       "this one lacks; choose another",
                       s->url);
    int port = lws_get_vhost_listen_port(lws_get_vhost_by_name(s->context, "default"));
    if (port > 0) s->listen.port = (uint16_t)port;
    td_listen_url(&s->listen, s->url);
    return TD_OK;
}

td_status td_serve_open(td_serve **out, const td_os *os, const td_serve_conf *conf, const td_serve_topics *topics) {
    td_serve *s = td_alloc_zero(1, sizeof *s);
    s->os = *os;
    (void)snprintf(s->run, sizeof s->run, "%llx", (unsigned long long)os->ops->wall_ns(os->self));
    td_status status = td_listen_parse(conf->listen, &s->listen);
    td_listen_url(&s->listen, s->url);
    td_view_events events = {.self = s, .bar = tell_bar, .signal = tell_signal};
    if (status == TD_OK) status = td_view_open(&s->view, os, topics, &events);
    if (status == TD_OK) status = listen_on(s);
    if (status != TD_OK) {
        td_serve_close(s);
        return status;
    }
    *out = s;
    return TD_OK;
}

void td_serve_close(td_serve *s) {
    if (s == NULL) return;
    if (s->context != NULL) lws_context_destroy(s->context); /* closes every connection, which frees its request */
    td_view_close(s->view);
    free(s);
}

const char *td_serve_url(const td_serve *s) { return s->url; }
