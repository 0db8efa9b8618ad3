/* src/net/http.h - one HTTP request after another without waiting: one table of functions for whoever carries them. A
 * client has at most one request on its way and belongs to one thread, which drives it.
 *
 * `pump` moves what can be moved now; `next` gives the answer once it is there as a whole, whatever its code, or says
 * why there is none. Bounds: a body of `body_max_bytes`, and `timeout_ns` from the asking to the last byte; beyond
 * either there is no answer. Redirects are not followed: they are an answer. TLS certificates and host names are always
 * verified. */
#pragma once
#include "os/os.h"

typedef struct td_http_conf {
    const char *name; /* as td_net_conf's, and so the next one */
    const char *ca_file;
    const char *user, *password; /* of basic authentication; user NULL: none */
    size_t body_max_bytes;
    int64_t timeout_ns;
} td_http_conf;

typedef struct td_http_post {
    const char *url, *type; /* type: of the body, and of the answer that is wanted */
    td_bytes body;          /* lent for the call */
} td_http_post;

typedef struct td_http_answer {
    int code;           /* 200, 404, …; 0: none came */
    td_bytes body;      /* borrowed until the next `get`, `post`, `drop` or `close` */
    int64_t retry_ns;   /* the server wants to be left alone for so long; 0: it says nothing of it */
    const char *detail; /* of code 0: why, for people; never the URL, it may hold a token. Borrowed alike */
} td_http_answer;

typedef struct td_http_ops {
    const char *name;
    /* Errors: TD_RETRY. `os` is borrowed for the client's life, `conf` copied. */
    TD_CHECKED td_status (*open)(void **out, const td_os *os, const td_http_conf *conf);
    /* Begins a GET of http://… or https://…. Errors: TD_FULL (one is on its way, or its answer was not taken). */
    TD_CHECKED td_status (*get)(void *http, const char *url);
    /* The same of a POST. NULL: this one only gets. */
    TD_CHECKED td_status (*post)(void *http, const td_http_post *post);
    int (*pump)(void *http); /* work done */
    /* Errors: TD_AGAIN. */
    TD_CHECKED td_status (*next)(void *http, td_http_answer *out);
    void (*drop)(void *http);  /* the request on its way, if there is one, is forgotten */
    void (*close)(void *http); /* accepts NULL */
} td_http_ops;

extern const td_http_ops td_http_curl;
