/* src/net/url.h - a URL taken apart: that of a WebSocket, or of HTTP. A plain value. */
#pragma once
#include "base/bytes.h"

enum { TD_URL_MAX = 2047, TD_HOST_MAX = 255 };

typedef struct td_url {
    bool tls;
    int port;
    char host[TD_HOST_MAX + 1];  /* without the brackets of an IPv6 address */
    char named[TD_HOST_MAX + 9]; /* host and port as a Host header names them */
    char path[TD_URL_MAX + 2];   /* with its query; at least "/" */
} td_url;

/* `scheme`: "ws" or "http", each with an s behind it for TLS. Errors: TD_CONFIG with a trail, which never repeats the
 * text: it may hold a token. */
TD_CHECKED td_status td_url_parse(td_url *out, const char *scheme, const char *text);
/* Appends the text as part of a path or of a query: percent signs for whatever is not plain. */
void td_url_put(td_buf *out, td_bytes text);
