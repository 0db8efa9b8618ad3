/* src/serve/serve.c - the HTTP server: libwebsockets' callbacks on one side, view, answers and pushes on the other. */
#include "serve/serve.h"
#include "base/time.h"
#include "serve/answer.h"
#include "serve/editor.h"
#include "serve/push.h"
#include "serve/request.h"
#include "serve/schema_answer.h"
#include "serve/surveyor.h"
#include "serve/tls.h"
#include "serve/traffic.h"
#include <assert.h>
#include <libwebsockets.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    REQUESTS_MAX = 64,                  /* being answered at a time */
    CONNECTIONS_MAX = REQUESTS_MAX + 8, /* further ones hear 503, and probes an answer */
    HEAD_MAX = 4096,                    /* all headers of a request together */
    HEAD_TIMEOUT_S = 10,                /* from the connection, or the first byte, to the head's end */
    KEEP_ALIVE_S = 30,                  /* between requests */
    CHUNK_MAX = 65536,                  /* bytes given to the network at once */
    SLOTS = 4,                          /* answers in memory at a time */
    SEND_TIMEOUT_S = 30                 /* a reader that takes nothing for so long is dropped */
};
#define ANSWER_MAX_NS (120 * TD_NS_PER_S) /* from question to last byte: a slow reader keeps no slot from others */
#define ANSWER_NS     (4 * TD_NS_PER_MS)

static const char JSON[] = "application/json", SCHEMA_JSON[] = "application/vnd.schemaregistry.v1+json";

typedef enum conn_kind {
    CONN_FREE,
    CONN_POSTED,
    CONN_BODY,
    CONN_ANSWER,
    CONN_STREAM,
    CONN_SCHEMAS_POSTED,
    CONN_SCHEMAS /* the registry's answer in the making */
} conn_kind;

typedef struct conn { /* one request being answered */
    conn_kind kind;
    struct lws *wsi;
    td_bytes body;             /* BODY, and ANSWER once it is finished: what is sent */
    td_buf text;               /* owns the body when it is not embedded; POSTED: the request's, as far as it has come */
    td_api_request request;    /* POSTED */
    td_schema_request schemas; /* SCHEMAS_POSTED */
    td_schema_answer *schema;  /* SCHEMAS, and BODY after it */
    const char *type;          /* of what the registry answers */
    size_t sent;
    td_answer *answer;
    int64_t ticket;                 /* answers are made in the order of asking */
    int64_t until_ns;               /* BODY, ANSWER: when the reader must have all of it; STREAM: some of it */
    bool head_only, has_slot, last; /* last: the connection ends with it */
    bool sent_all;
    td_push push;
} conn;

struct td_serve {
    td_os os;
    td_guard guard;
    char url[TD_GUARD_URL_MAX], run[24];
    const char *cert, *key; /* borrowed; NULL: no TLS */
    td_traffic traffic;
    struct lws_context *context;
    td_view *view;
    td_schemas *schemas;
    td_browser *browser;
    td_board board;
    td_surveyor surveyor;
    td_program *program; /* in force; NULL: still that of the start, which is borrowed */
    int slots_used, work;
    int64_t tickets, board_due_ns;
    conn conns[CONNECTIONS_MAX];
    uint8_t chunk[LWS_PRE + CHUNK_MAX];
};

const td_option td_serve_options[] = {
    {.key = "listen",
     .type = TD_OPTION_TEXT,
     .fallback = "127.0.0.1:8750",
     .offset = offsetof(td_serve_conf, listen),
     .help = "address and port of the dashboard and its API; others than loopback need a token and TLS"},
    {.key = "names",
     .type = TD_OPTION_TEXT,
     .offset = offsetof(td_serve_conf, names),
     .help = "further names by which it is reached, by commas: what a request's Host may say"},
    {.key = "token",
     .type = TD_OPTION_SECRET,
     .offset = offsetof(td_serve_conf, token),
     .help = "what a request must show: ${VARIABLE}"},
    {.key = "token_file",
     .type = TD_OPTION_TEXT,
     .offset = offsetof(td_serve_conf, token_file),
     .help = "file that holds the token, instead"},
    {.key = "edit",
     .type = TD_OPTION_BOOL,
     .fallback = "true",
     .offset = offsetof(td_serve_conf, edit),
     .help = "strategies may be saved and rolled back over the API; off: they are shown, checked and tried alone"},
    {.key = "cert",
     .type = TD_OPTION_TEXT,
     .offset = offsetof(td_serve_conf, cert),
     .help = "PEM file of the certificate and its chain: TLS, and TLS alone, is spoken"},
    {.key = "key", .type = TD_OPTION_TEXT, .offset = offsetof(td_serve_conf, key), .help = "PEM file of its key"},
    {0},
};

static int64_t now_ns(const td_serve *s) { return s->os.ops->mono_ns(s->os.self); }

/* ---- one request ---- */

static void conn_release(td_serve *s, conn *c) {
    if (c == NULL) return;
    if (c->has_slot) s->slots_used--;
    if (c->kind == CONN_STREAM)
        td_count(&s->traffic.streams, -1);
    else if (!c->sent_all)
        td_count(&s->traffic.cut, 1);
    td_answer_free(c->answer);
    td_schema_answer_free(c->schema);
    td_push_fini(&c->push);
    td_buf_fini(&c->text);
    lws_set_opaque_user_data(c->wsi, NULL);
    *c = (conn){0};
}

/* There are as many as connections, so one is free. */
static conn *conn_take(td_serve *s, struct lws *wsi, bool head_only) {
    conn_release(s, lws_get_opaque_user_data(wsi));
    size_t i = 0;
    while (i < CONNECTIONS_MAX - 1 && s->conns[i].kind != CONN_FREE) i++;
    conn *c = &s->conns[i];
    assert(c->kind == CONN_FREE);
    *c = (conn){.kind = CONN_BODY, .wsi = wsi, .head_only = head_only, .until_ns = now_ns(s) + ANSWER_MAX_NS};
    lws_set_opaque_user_data(wsi, c);
    return c;
}

static size_t conns_in_use(const td_serve *s) {
    size_t count = 0;
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) count += s->conns[i].kind != CONN_FREE;
    return count;
}

static void drop(conn *c) { lws_set_timeout(c->wsi, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_ASYNC); }

typedef struct reply { /* the head of one */
    int status;
    const char *type;
    lws_filepos_t length;
    const char *cache;
    const char *next;  /* path of the next page; NULL or "": none */
    const char *allow; /* of 405 */
    bool last;         /* the connection ends with it */
} reply;

static int add_header(struct lws *wsi, const char *name, const char *value, uint8_t **at, uint8_t *end) {
    return lws_add_http_header_by_name(wsi, (const uint8_t *)name, (const uint8_t *)value, (int)strlen(value), at, end);
}

/* Inline style elements are not needed: the chart sets its styles through the object model. */
static int send_head(td_serve *s, struct lws *wsi, const reply *h) {
    static const struct {
        const char *name, *value;
    } always[] = {
        {"content-security-policy:", "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
                                     "form-action 'none'; frame-ancestors 'none'"},
        {"x-content-type-options:", "nosniff"},
        {"referrer-policy:", "no-referrer"},
        {"cross-origin-resource-policy:", "same-origin"},
        {"cross-origin-opener-policy:", "same-origin"},
    };
    uint8_t *start = s->chunk + LWS_PRE, *at = start, *end = s->chunk + sizeof s->chunk - 1;
    int bad = lws_add_http_common_headers(wsi, (unsigned)h->status, h->type, h->length, &at, end);
    for (size_t i = 0; i < sizeof always / sizeof always[0]; i++)
        bad |= add_header(wsi, always[i].name, always[i].value, &at, end);
    bad |= add_header(wsi, "cache-control:", h->cache, &at, end);
    if (h->status == 405) bad |= add_header(wsi, "allow:", h->allow != NULL ? h->allow : "GET, HEAD", &at, end);
    if (h->last) bad |= add_header(wsi, "connection:", "close", &at, end);
    if (h->status == 503) bad |= add_header(wsi, "retry-after:", "1", &at, end);
    if (h->status == 401) bad |= add_header(wsi, "www-authenticate:", "Basic realm=\"tapedeck\"", &at, end);
    if (h->next != NULL && h->next[0] != '\0') {
        char link[1600];
        (void)snprintf(link, sizeof link, "<%s>; rel=\"next\"", h->next);
        bad |= add_header(wsi, "link:", link, &at, end);
    }
    return bad | lws_finalize_write_http_header(wsi, start, &at, end);
}

/* The request is answered. Returns what a callback returns: not 0 ends the connection. */
static int finish(td_serve *s, conn *c) {
    struct lws *wsi = c->wsi;
    bool last = c->last;
    c->sent_all = true;
    conn_release(s, c);
    return lws_http_transaction_completed(wsi) != 0 || last ? -1 : 0;
}

/* Sends the head and arranges for the body. */
static int respond(td_serve *s, conn *c, reply h) {
    h.length = c->body.size;
    h.last = c->last;
    td_traffic_answer(&s->traffic, h.status);
    if (send_head(s, c->wsi, &h) != 0) return -1;
    lws_set_timeout(c->wsi, PENDING_TIMEOUT_HTTP_CONTENT, SEND_TIMEOUT_S);
    if (c->head_only || c->body.size == 0) return finish(s, c);
    return lws_callback_on_writable(c->wsi) < 0 ? -1 : 0;
}

static int respond_text(td_serve *s, conn *c, int status, const char *type) {
    c->body = td_buf_bytes(&c->text);
    return respond(s, c, (reply){.status = status, .type = type, .cache = "no-store"});
}

static int respond_error(td_serve *s, conn *c, const td_api_error *error) {
    c->kind = CONN_BODY;
    c->text.size = 0;
    td_api_put_error(&c->text, error);
    c->body = td_buf_bytes(&c->text);
    return respond(s, c, (reply){.status = error->http, .type = JSON, .cache = "no-store", .allow = error->allow});
}

static int respond_schema_error(td_serve *s, conn *c, const td_schema_error *error) {
    c->kind = CONN_BODY;
    c->text.size = 0;
    td_schema_put_error(&c->text, error);
    c->body = td_buf_bytes(&c->text);
    return respond(s, c, (reply){.status = error->http, .type = c->type, .cache = "no-store", .allow = error->allow});
}

static int respond_file(td_serve *s, conn *c, const td_embedded *file) {
    static const struct {
        const char *suffix, *type;
    } types[] = {{".html", "text/html; charset=utf-8"},
                 {".js", "text/javascript; charset=utf-8"},
                 {".mjs", "text/javascript; charset=utf-8"},
                 {".css", "text/css; charset=utf-8"},
                 {".svg", "image/svg+xml"},
                 {".json", "application/json"},
                 {NULL, "text/plain; charset=utf-8"}};
    const char *dot = strrchr(file->name, '.');
    size_t t = 0;
    while (types[t].suffix != NULL && (dot == NULL || strcmp(types[t].suffix, dot) != 0)) t++;
    c->body = file->bytes;
    return respond(s, c, (reply){.status = 200, .type = types[t].type, .cache = "no-cache"});
}

static int respond_metrics(td_serve *s, conn *c) {
    const td_serve_run *run = &td_view_topics(s->view)->run;
    if (run->metrics != NULL) run->metrics(run->self, &c->text);
    td_board_put_metrics(&c->text, s->view);
    td_traffic_put(&c->text, &s->traffic);
    return respond_text(s, c, 200, "text/plain; version=0.0.4; charset=utf-8");
}

/* ---- API ---- */

static int start_stream(td_serve *s, conn *c, const td_api_request *request) {
    static const reply stream = {
        .status = 200, .type = "text/event-stream", .length = LWS_ILLEGAL_HTTP_CONTENT_LEN, .cache = "no-store"};
    td_traffic_answer(&s->traffic, stream.status);
    if (send_head(s, c->wsi, &stream) != 0) return -1;
    lws_set_timeout(c->wsi, NO_PENDING_TIMEOUT, 0);
    c->sent_all = c->head_only;
    if (c->head_only) return -1; /* its length is never known: the end of the connection ends it */
    c->kind = CONN_STREAM;
    c->until_ns = now_ns(s) + SEND_TIMEOUT_S * TD_NS_PER_S;
    td_count(&s->traffic.streams, 1);
    td_push_init(&c->push, request, s->run);
    c->push.lost_sum = &s->traffic.lost;
    return lws_callback_on_writable(c->wsi) < 0 ? -1 : 0;
}

static int start_api(td_serve *s, conn *c, const td_api_request *request) {
    td_api_error error = {0};
    const td_serve_run *run = &td_view_topics(s->view)->run;
    if (td_api_is_posted(request->kind) && run->elsewhere != NULL) {
        (void)td_api_fail(&error, 403, "another_role", "%s", run->elsewhere);
        td_buf_fini(&c->text);
        return respond_error(s, c, &error);
    }
    if (request->kind != TD_API_BARS) td_view_watch(s->view);
    if (request->kind == TD_API_STREAM) return start_stream(s, c, request);
    if (request->kind == TD_API_STATUS) {
        td_board_put(&c->text, &s->board, s->view);
        td_buf_text(&c->text, "\n");
        return respond_text(s, c, 200, JSON);
    }
    if (request->kind == TD_API_PROFILE) {
        td_surveyor_answer(&s->surveyor, td_view_topics(s->view), request, now_ns(s), &c->text);
        return respond_text(s, c, 200, JSON);
    }
    if (td_editor_answers(request->kind)) {
        td_buf body = c->text;
        c->text = (td_buf){0};
        bool done = td_editor_answer(s->view, request, td_buf_bytes(&body), &c->text, &error);
        td_buf_fini(&body);
        return done ? respond_text(s, c, 200, JSON) : respond_error(s, c, &error);
    }
    const td_answer_sources sources = {s->view, s->browser};
    c->answer = td_answer_new(&sources, request, td_buf_bytes(&c->text), &error);
    td_buf_fini(&c->text);
    if (c->answer == NULL) return respond_error(s, c, &error);
    c->kind = CONN_ANSWER;
    c->ticket = s->tickets++;
    lws_set_timeout(c->wsi, NO_PENDING_TIMEOUT, 0);
    return 0;
}

static int start_schemas(td_serve *s, conn *c, const td_schema_request *request) {
    c->schema = td_schema_answer_new(s->schemas, request, &c->text);
    c->kind = CONN_SCHEMAS;
    lws_set_timeout(c->wsi, NO_PENDING_TIMEOUT, 0);
    return 0;
}

/* ---- what is posted ---- */

/* The head is fine: what it is about comes behind it. */
static int wait_for_body(conn *c, const td_api_request *request) {
    c->kind = CONN_POSTED;
    c->request = *request;
    lws_set_timeout(c->wsi, PENDING_TIMEOUT_HTTP_CONTENT, HEAD_TIMEOUT_S);
    return 0;
}

static int take_schema_body(td_serve *s, conn *c, td_bytes part) {
    td_schema_error error;
    if (c->text.size + part.size <= TD_SCHEMA_BODY_MAX) {
        td_buf_put(&c->text, part.data, part.size);
        return 0;
    }
    (void)td_schema_fail(&error, 42209, "The schema is too large: a body may have %d bytes", TD_SCHEMA_BODY_MAX);
    c->last = true; /* what else comes of it nobody reads */
    return respond_schema_error(s, c, &error);
}

static int take_body(td_serve *s, conn *c, td_bytes part) {
    td_api_error error = {0};
    if (c->kind == CONN_SCHEMAS_POSTED) return take_schema_body(s, c, part);
    if (c->kind != CONN_POSTED) return 0; /* nobody reads it */
    if (c->text.size + part.size > TD_ORDER_BYTES_MAX) {
        (void)td_api_fail(&error, 413, "too_long", "the body may have %d bytes", TD_ORDER_BYTES_MAX);
        return respond_error(s, c, &error);
    }
    td_buf_put(&c->text, part.data, part.size);
    return 0;
}

static int end_body(td_serve *s, conn *c) {
    if (c->kind == CONN_SCHEMAS_POSTED) {
        td_schema_request schemas = c->schemas;
        return start_schemas(s, c, &schemas);
    }
    if (c->kind != CONN_POSTED) return 0;
    td_api_request request = c->request;
    return start_api(s, c, &request);
}

/* ---- the head ---- */

/* Where the library's copies of a request's texts go; what does not fit is as good as not there. */
typedef struct head_texts {
    char host[128], origin[160], authorization[1024], accept[256], content_type[128],
        arguments[TD_TARGET_MAX + TD_ARGUMENTS_MAX];
} head_texts;

static td_bytes header_of(struct lws *wsi, enum lws_token_indexes token, char *out, size_t capacity) {
    int size = lws_hdr_copy(wsi, out, (int)capacity, token);
    return (td_bytes){(const uint8_t *)out, size > 0 ? (size_t)size : 0};
}

/* The library has split and decoded the query; an empty parameter it gives as a path would be. */
static void read_arguments(struct lws *wsi, head_texts *texts, td_request_head *head) {
    size_t used = 0;
    for (int i = 0; head->argument_count <= TD_ARGUMENTS_MAX; i++) {
        char *at = texts->arguments + used;
        int size = lws_hdr_copy_fragment(wsi, at, (int)(sizeof texts->arguments - used), WSI_TOKEN_HTTP_URI_ARGS, i);
        if (size < 0) return; /* there is no other: all together fit, as the target's length is bounded */
        if (size == 0 || (size == 1 && *at == '/')) continue;
        if (head->argument_count < TD_ARGUMENTS_MAX)
            head->arguments[head->argument_count] = (td_bytes){(const uint8_t *)at, (size_t)size};
        head->argument_count++;
        used += (size_t)size + 1;
    }
}

static void read_head(struct lws *wsi, const char *path, head_texts *texts, td_request_head *out) {
    int get = lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI), head = lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI);
    int query = lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_URI_ARGS);
    int post = lws_hdr_total_length(wsi, WSI_TOKEN_POST_URI), put = lws_hdr_total_length(wsi, WSI_TOKEN_PUT_URI);
    int del = lws_hdr_total_length(wsi, WSI_TOKEN_DELETE_URI);
    *out = (td_request_head){
        .get = get > 0,
        .head = head > 0,
        .post = post > 0,
        .put = put > 0,
        .del = del > 0,
        .path = td_text(path),
        .target_bytes = (size_t)(get + head + post + put + del + query),
        .has_origin = lws_hdr_total_length(wsi, WSI_TOKEN_ORIGIN) > 0,
        .host = header_of(wsi, WSI_TOKEN_HOST, texts->host, sizeof texts->host),
        .origin = header_of(wsi, WSI_TOKEN_ORIGIN, texts->origin, sizeof texts->origin),
        .authorization =
            header_of(wsi, WSI_TOKEN_HTTP_AUTHORIZATION, texts->authorization, sizeof texts->authorization),
        .accept = header_of(wsi, WSI_TOKEN_HTTP_ACCEPT, texts->accept, sizeof texts->accept),
        .content_type = header_of(wsi, WSI_TOKEN_HTTP_CONTENT_TYPE, texts->content_type, sizeof texts->content_type),
    };
    if (out->target_bytes <= TD_TARGET_MAX) read_arguments(wsi, texts, out);
}

/* The registry's clients keep their connections: behind a body that was read to its end another request may come. */
static int start_schema_request(td_serve *s, conn *c, const td_request *request) {
    c->type = request->plain_json ? JSON : SCHEMA_JSON;
    if (request->refused.http != 0) return respond_schema_error(s, c, &request->refused);
    if (!td_schema_is_posted(request->schemas.ask)) return start_schemas(s, c, &request->schemas);
    c->last = false;
    c->kind = CONN_SCHEMAS_POSTED;
    c->schemas = request->schemas;
    lws_set_timeout(c->wsi, PENDING_TIMEOUT_HTTP_CONTENT, HEAD_TIMEOUT_S);
    return 0;
}

static bool has_body(struct lws *wsi) {
    return lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) > 0 ||
           lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0;
}

static int start_request(td_serve *s, struct lws *wsi, const char *path) {
    head_texts texts;
    td_request_head head;
    td_request request;
    td_api_error error = {0};
    read_head(wsi, path, &texts, &head);
    bool crowded = conns_in_use(s) >= REQUESTS_MAX;
    conn *c = conn_take(s, wsi, head.head);
    bool plain = head.get || head.head || (head.del && !has_body(wsi));
    c->last = crowded || !plain; /* what follows may be a body that nobody reads */
    bool read = td_request_read(&s->guard, &head, &request, &error);
    if (!crowded && request.route == TD_ROUTE_SCHEMAS) return start_schema_request(s, c, &request);
    if (!read) return respond_error(s, c, &error);
    switch (request.route) {
    case TD_ROUTE_LIVE:
        return respond_text(s, c, td_board_put_live(&c->text, s->view) ? 200 : 503, JSON);
    case TD_ROUTE_READY:
        return respond_text(s, c, td_board_put_ready(&c->text, s->view) ? 200 : 503, JSON);
    case TD_ROUTE_METRICS:
        return respond_metrics(s, c);
    default:
        break;
    }
    if (crowded) {
        td_count(&s->traffic.refused, 1);
        (void)td_api_fail(&error, 503, "crowded", "%d requests are being answered; close some, or try again",
                          REQUESTS_MAX);
        return respond_error(s, c, &error);
    }
    if (request.route == TD_ROUTE_FILE) return respond_file(s, c, request.file);
    return head.post ? wait_for_body(c, &request.api) : start_api(s, c, &request.api);
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
        c->until_ns = now_ns(s) + SEND_TIMEOUT_S * TD_NS_PER_S;
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
    switch (reason) {
    case LWS_CALLBACK_FILTER_NETWORK_CONNECTION:
        if (td_counted(&s->traffic.connections) < CONNECTIONS_MAX) return 0;
        td_count(&s->traffic.refused, 1);
        return -1;
    case LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED:
        td_count(&s->traffic.connections, 1);
        break;
    case LWS_CALLBACK_WSI_DESTROY:
        td_count(&s->traffic.connections, -1);
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
    case LWS_CALLBACK_HTTP_BODY:
        c = lws_get_opaque_user_data(wsi);
        return c != NULL ? take_body(s, c, (td_bytes){in, size}) : 0;
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
        c = lws_get_opaque_user_data(wsi);
        return c != NULL ? end_body(s, c) : 0;
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
        result = respond(s, c,
                         (reply){.status = 200,
                                 .type = td_answer_type(c->answer),
                                 .cache = "no-store",
                                 .next = td_answer_next(c->answer)});
    } else {
        td_api_error error = {0};
        int http = status == TD_CORRUPT ? 500 : status == TD_REJECT ? 400 : status == TD_CONFIG ? 404 : 503;
        (void)td_api_fail(&error, http, td_status_name(status), "%.200s", td_trail());
        result = respond_error(s, c, &error);
    }
    if (result != 0) drop(c);
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
        if (status == TD_FULL) { /* another thread's turn, and the other answers' */
            c->ticket = s->tickets++;
            return done;
        }
        if (status != TD_AGAIN) finish_answer(s, c, status);
    }
    return done;
}

static int make_schema_answers(td_serve *s, int64_t at_ns) {
    int done = 0;
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        conn *c = &s->conns[i];
        if (c->kind != CONN_SCHEMAS || c->body.data != NULL) continue;
        td_status status = td_schema_answer_step(c->schema, at_ns);
        if (status == TD_FULL) continue;
        done++;
        int result = 0;
        if (status == TD_OK) {
            c->body = td_buf_bytes(td_schema_answer_text(c->schema));
            result = respond(s, c, (reply){.status = 200, .type = c->type, .cache = "no-store"});
        } else if (status != TD_AGAIN) {
            result = respond_schema_error(s, c, td_schema_answer_error(c->schema));
        }
        if (result != 0) drop(c);
    }
    return done;
}

static void tell(td_serve *s, const char *event, const char *text) {
    const td_serve_run *run = &td_view_topics(s->view)->run;
    if (run->notice != NULL) run->notice(run->self, event, text);
}

static void push_stream(td_serve *s, conn *c, int64_t at_ns) {
    td_view_watch(s->view);
    td_push_due(&c->push, s->view, &s->board, at_ns);
    if (td_push_waiting(&c->push, 1).size == 0)
        c->until_ns = at_ns + SEND_TIMEOUT_S * TD_NS_PER_S; /* it has taken all there was */
    else
        (void)lws_callback_on_writable(c->wsi);
}

/* It has not taken what it asked for in the time there is. */
static void drop_slow(td_serve *s, conn *c, int64_t at_ns) {
    bool stream = c->kind == CONN_STREAM;
    if (stream) td_count(&s->traffic.dropped, 1);
    tell(s, "reader_dropped",
         stream ? "a reader of the stream took nothing for 30 s" : "a reader did not take its answer within 120 s");
    c->until_ns = at_ns + ANSWER_MAX_NS; /* once is enough: the library closes it at its next turn */
    drop(c);
}

static void push_due(td_serve *s, int64_t at_ns) {
    if (at_ns >= s->board_due_ns) {
        td_board_measure(&s->board, s->view, at_ns);
        s->board_due_ns = at_ns + TD_NS_PER_S;
    }
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        conn *c = &s->conns[i];
        if (c->kind == CONN_FREE) continue;
        if (c->kind == CONN_STREAM) push_stream(s, c, at_ns);
        if (at_ns > c->until_ns) drop_slow(s, c, at_ns);
    }
}

/* Between answers: each is of one program from its first row to its last. */
static void take_program(td_serve *s) {
    const td_serve_run *run = &td_view_topics(s->view)->run;
    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        if (s->conns[i].kind == CONN_ANSWER && s->conns[i].body.data == NULL) return;
    td_program *program = run->program != NULL ? run->program(run->self) : NULL;
    if (program == NULL) return;
    td_view_obey(s->view, program);
    td_surveyor_obey(&s->surveyor, program);
    td_program_free(s->program);
    s->program = program;
}

int td_serve_step(void *self) {
    td_serve *s = self;
    int64_t at_ns = now_ns(s);
    s->work = 0;
    (void)lws_service(s->context, -1); /* negative: does not wait */
    take_program(s);
    int done = s->work + td_view_step(s->view);
    done += make_answers(s, now_ns(s) + ANSWER_NS);
    done += td_schemas_step(s->schemas);
    done += make_schema_answers(s, at_ns);
    done += td_surveyor_step(&s->surveyor, &s->os);
    push_due(s, at_ns);
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

static void tell_gap(void *self, td_bytes instrument, const td_gap *gap) {
    td_serve *s = self;
    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        if (s->conns[i].kind == CONN_STREAM) td_push_gap(&s->conns[i].push, instrument, gap);
}

static td_status listen_on(td_serve *s) {
    static const struct lws_protocols protocols[] = {
        {.name = "http", .callback = on_http, .tx_packet_size = CHUNK_MAX}, /* unset: 4 KB at a time */
        {0},
    };
    td_listen *l = &s->guard.listen;
    struct lws_context_creation_info info = {
        .port = l->port,
        .iface = l->any ? NULL : l->host,
        .protocols = protocols,
        .user = s,
        .gid = -1,
        .uid = -1,
        .server_string = "tapedeck",
        .options = LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND | LWS_SERVER_OPTION_SKIP_SERVER_CANONICAL_NAME,
        .max_http_header_data = HEAD_MAX,
        .max_http_header_pool = CONNECTIONS_MAX,
        .fd_limit_per_thread = CONNECTIONS_MAX + 8, /* else tables for all files that the process may have */
        .keepalive_timeout = KEEP_ALIVE_S,
        .timeout_secs = HEAD_TIMEOUT_S,
        .timeout_secs_ah_idle = HEAD_TIMEOUT_S,
    };
    if (!l->ipv6) info.options |= LWS_SERVER_OPTION_DISABLE_IPV6;
    if (s->guard.tls) {
        info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
        info.ssl_cert_filepath = s->cert;
        info.ssl_private_key_filepath = s->key;
        info.ssl_options_set = SSL_OP_NO_SSLv3 | SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1 | SSL_OP_NO_RENEGOTIATION;
        info.alpn = "http/1.1"; /* streams and answers are written for it */
    }
    lws_set_log_level(0, NULL); /* what matters comes back as a status */
    s->context = lws_create_context(&info);
    if (s->context == NULL)
        return TD_FAIL(TD_CONFIG,
                       "serve.listen: cannot listen on %s: another program has the port, or it needs rights that "
                       "this one lacks; choose another",
                       s->url);
    int port = lws_get_vhost_listen_port(lws_get_vhost_by_name(s->context, "default"));
    if (port > 0) l->port = (uint16_t)port;
    td_guard_url(&s->guard, s->url);
    return TD_OK;
}

td_status td_serve_open(td_serve **out, const td_os *os, const td_serve_conf *conf, const td_serve_topics *topics) {
    td_serve *s = td_alloc_zero(1, sizeof *s);
    s->os = *os;
    s->cert = conf->cert;
    s->key = conf->key;
    (void)snprintf(s->run, sizeof s->run, "%llx", (unsigned long long)os->ops->wall_ns(os->self));
    td_status status = td_guard_init(&s->guard, conf);
    td_guard_url(&s->guard, s->url);
    if (status == TD_OK && s->guard.tls) status = td_tls_check(s->cert, s->key);
    td_view_events events = {.self = s, .bar = tell_bar, .signal = tell_signal, .gap = tell_gap};
    if (status == TD_OK) status = td_view_open(&s->view, os, topics, &events);
    if (status == TD_OK) status = td_schemas_open(&s->schemas, topics);
    if (status == TD_OK) s->browser = td_browser_new(topics, s->schemas);
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
    td_surveyor_fini(&s->surveyor);
    td_browser_free(s->browser);
    td_schemas_close(s->schemas);
    td_view_close(s->view);
    td_program_free(s->program);
    free(s);
}

const char *td_serve_url(const td_serve *s) { return s->url; }
