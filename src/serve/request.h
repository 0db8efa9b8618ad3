/* src/serve/request.h - from the head of a request to what is asked for, or to why it is refused: the one gate between
 * the network and everything else here. Knows no socket. Pure. */
#pragma once
#include "base/embedded.h"
#include "serve/api.h"
#include "serve/guard.h"
#include "serve/schema_request.h"

enum { TD_TARGET_MAX = 2048, TD_ARGUMENTS_MAX = 16 };

typedef struct td_request_head {                  /* borrowed */
    bool get, head, post, put, del;               /* the method; none: another one */
    td_bytes path;                                /* percent-decoded */
    size_t target_bytes;                          /* path and query as they came */
    td_bytes host, origin, authorization, accept; /* size 0: not there */
    td_bytes content_type;
    bool has_origin;
    td_bytes arguments[TD_ARGUMENTS_MAX]; /* "name=value" each, percent-decoded */
    size_t argument_count;                /* TD_ARGUMENTS_MAX + 1: there were more */
} td_request_head;

typedef enum td_route {
    TD_ROUTE_FILE,    /* of the dashboard */
    TD_ROUTE_API,     /* /api/v1/… */
    TD_ROUTE_LIVE,    /* /livez: needs no token, and says nothing but that */
    TD_ROUTE_READY,   /* /readyz: likewise */
    TD_ROUTE_METRICS, /* /metrics */
    TD_ROUTE_SCHEMAS, /* /registry… */
} td_route;

typedef struct td_request {
    td_route route;
    const td_embedded *file; /* FILE */
    td_api_request api;      /* API */
    td_schema_request schemas;
    bool plain_json;         /* SCHEMAS: so the asker wants it, not by the registry's own type */
    td_schema_error refused; /* SCHEMAS: the error in its own words */
} td_request;

/* False: *error says why, and with which status; the route is known even then. */
bool td_request_read(const td_guard *guard, const td_request_head *head, td_request *out, td_api_error *error);
