/* src/serve/guard.h - who may ask: the addresses that may be listened on, and the Host and Origin that a request must
 * show. Loopback only; a page of another site that makes a browser ask here (DNS rebinding) is refused. Pure. */
#pragma once
#include "base/bytes.h"

typedef struct td_listen {
    char host[64];  /* "127.0.0.1", "::1": as a number, for the socket */
    char shown[64]; /* as the operator wrote it, brackets removed */
    uint16_t port;  /* 0: any free one; the owner fills in which it became */
    bool ipv6;
} td_listen;

/* "127.0.0.1:8750", "localhost:8750", "[::1]:8750". Errors: TD_CONFIG: malformed, or not loopback, with the cure. */
TD_CHECKED td_status td_listen_parse(const char *text, td_listen *out);
void td_listen_url(const td_listen *listen, char out[96]);

/* The Host header names this listener: its address or localhost, with its port. A missing one does not. */
bool td_guard_host(const td_listen *listen, td_bytes host);
/* The Origin header, where there is one, is this listener's. */
bool td_guard_origin(const td_listen *listen, td_bytes origin);
