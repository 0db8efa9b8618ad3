/* src/serve/guard.h - who may ask: the address that is listened on, the Host and Origin that a request must show, and
 * the token where one is set. Loopback needs nothing; every other address needs a token and TLS, or the program does
 * not start. A page of another site that makes a browser ask here (DNS rebinding) is refused: a Host is this listener's
 * address or a name that the operator gave, and where all addresses are listened on any address in figures, since no
 * name server stands behind those. Pure. */
#pragma once
#include "serve/serve.h"

typedef struct td_listen {
    char host[64];  /* "127.0.0.1", "::1": as a number, for the socket */
    char shown[64]; /* as the operator wrote it, brackets removed */
    uint16_t port;  /* 0: any free one; the owner fills in which it became */
    bool ipv6, loopback;
    bool any; /* 0.0.0.0 or ::, all addresses of the machine */
} td_listen;

enum { TD_TOKEN_MIN = 16, TD_GUARD_URL_MAX = 96 };

typedef struct td_guard {
    td_listen listen;
    bool tls, has_token;
    uint8_t token_sha256[32]; /* the token itself is not kept */
    const char *names;        /* "a.example, b.example:8443", further Hosts; borrowed; NULL: none */
} td_guard;

/* "127.0.0.1:8750", "localhost:8750", "[::1]:8750", "0.0.0.0:8750". Errors: TD_CONFIG: malformed. */
TD_CHECKED td_status td_listen_parse(const char *text, td_listen *out);

/* From the settings, which are borrowed. Errors: TD_CONFIG with the key and the cure: malformed, an address other than
 * loopback without a token and TLS, half a key pair, a token that is too short. */
TD_CHECKED td_status td_guard_init(td_guard *out, const td_serve_conf *conf);
void td_guard_url(const td_guard *guard, char out[TD_GUARD_URL_MAX]);

/* The Host header names this listener, with its port. A missing one does not. */
bool td_guard_host(const td_guard *guard, td_bytes host);
/* The Origin header, where there is one, is this listener's. */
bool td_guard_origin(const td_guard *guard, td_bytes origin);
/* The Authorization header shows the token: `Bearer TOKEN`, or `Basic` with it as the password of any user, which is
 * what browsers can send. True where no token is set. Takes the same time wherever a wrong one differs. */
bool td_guard_token(const td_guard *guard, td_bytes authorization);
