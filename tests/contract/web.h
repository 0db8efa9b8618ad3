/* tests/contract/web.h - the other end of an HTTP client, which answers as a handler says: a real server on a socket
 * for real clients, the simulated one's world for itself. */
#pragma once
#include "net/http.h"

typedef enum web_manner {
    WEB_WHOLE,
    WEB_CUT,    /* the connection ends within the body */
    WEB_SILENT, /* nothing ever comes */
} web_manner;

typedef struct web_request { /* lent for the call */
    const char *method;
    td_bytes body;
    const char *type, *authorization; /* "": no such header */
} web_request;

typedef struct web_answer {
    web_manner manner;
    int code, retry_s;          /* 0: nothing is said of it */
    td_buf body;                /* empty at first; freed by the server */
    const web_request *request; /* that it answers, beside the path */
} web_answer;

typedef struct web_handler {
    void (*answer)(void *arg, const char *path, web_answer *out); /* path with its query */
    void *arg;
} web_handler;

typedef struct web_ops {
    const td_http_ops *http;
    void *(*open)(uint64_t seed, web_handler handler);
    const char *(*url)(void *web); /* without a path: "http://127.0.0.1:4711" */
    void (*step)(void *web);
    void (*close)(void *web);
} web_ops;

extern const web_ops web_socket, web_simulated;
