/* src/serve/guard.c - addresses, Host and Origin, and the token. */
#include "serve/guard.h"
#include "base/hash.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

/* ---- the address ---- */

static td_status malformed(const char *text) {
    return TD_FAIL(TD_CONFIG, "serve.listen: '%s' is not ADDRESS:PORT, as in 127.0.0.1:8750", text);
}

static bool parse_port(const char *text, uint16_t *out) {
    size_t size = strlen(text);
    if (size == 0 || size > 5 || strspn(text, "0123456789") != size) return false;
    long port = strtol(text, NULL, 10);
    *out = (uint16_t)port;
    return port <= UINT16_MAX;
}

/* True when the host is an address in figures; says which kind. */
static bool read_address(td_listen *listen) {
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, listen->host, &v4) == 1) {
        listen->loopback = ntohl(v4.s_addr) >> 24 == 127;
        listen->any = v4.s_addr == htonl(INADDR_ANY);
        return true;
    }
    listen->ipv6 = inet_pton(AF_INET6, listen->host, &v6) == 1;
    listen->loopback = listen->ipv6 && IN6_IS_ADDR_LOOPBACK(&v6);
    listen->any = listen->ipv6 && IN6_IS_ADDR_UNSPECIFIED(&v6);
    return listen->ipv6;
}

td_status td_listen_parse(const char *text, td_listen *out) {
    *out = (td_listen){0};
    const char *colon = strrchr(text, ':');
    if (colon == NULL || !parse_port(colon + 1, &out->port)) return malformed(text);
    const char *host = text;
    size_t size = (size_t)(colon - text);
    bool bracketed = size >= 2 && host[0] == '[' && host[size - 1] == ']';
    if (bracketed) host++, size -= 2;
    if (size == 0 || size >= sizeof out->host) return malformed(text);
    if (!bracketed && memchr(host, ':', size) != NULL) return malformed(text);
    memcpy(out->shown, host, size);
    memcpy(out->host, host, size);
    if (strcasecmp(out->host, "localhost") == 0) (void)snprintf(out->host, sizeof out->host, "127.0.0.1");
    return read_address(out) ? TD_OK : malformed(text);
}

void td_guard_url(const td_guard *g, char out[TD_GUARD_URL_MAX]) {
    const td_listen *l = &g->listen;
    (void)snprintf(out, TD_GUARD_URL_MAX, l->ipv6 ? "http%s://[%s]:%u" : "http%s://%s:%u", g->tls ? "s" : "", l->shown,
                   (unsigned)l->port);
}

/* ---- the settings ---- */

static bool is_set(const char *text) { return text != NULL && text[0] != '\0'; }

static td_status take_token(td_guard *g, const char *text) {
    if (!is_set(text)) return TD_OK;
    size_t size = strlen(text);
    if (size < TD_TOKEN_MIN || size > TD_SECRET_MAX) /* without the text: it may be nearly the right one */
        return TD_FAIL(
            TD_CONFIG,
            "serve.token, serve.token_file: %d to %d characters are expected, as `openssl rand -hex 32` gives",
            TD_TOKEN_MIN, TD_SECRET_MAX);
    td_sha256(td_text(text), g->token_sha256);
    g->has_token = true;
    return TD_OK;
}

td_status td_guard_init(td_guard *g, const td_serve_conf *conf) {
    *g = (td_guard){.tls = is_set(conf->cert), .names = conf->names};
    td_status status = td_listen_parse(conf->listen, &g->listen);
    if (status == TD_OK) status = take_token(g, conf->token);
    if (status != TD_OK) return status;
    if (is_set(conf->cert) != is_set(conf->key))
        return TD_FAIL(TD_CONFIG, "serve.%s is missing: serve.cert and serve.key name the two files of one certificate",
                       is_set(conf->cert) ? "key" : "cert");
    if (g->listen.loopback || (g->tls && g->has_token)) return TD_OK;
    return TD_FAIL(TD_CONFIG,
                   "serve.listen: '%s' is not a loopback address, so it needs %s%s%s; or use 127.0.0.1:%u, and a "
                   "tunnel (ssh -L) from elsewhere",
                   conf->listen, g->has_token ? "" : "a token (serve.token_file)",
                   g->has_token || g->tls ? "" : " and ", g->tls ? "" : "TLS (serve.cert, serve.key)",
                   (unsigned)g->listen.port);
}

/* ---- Host and Origin ---- */

static bool equal_no_case(td_bytes a, const char *b) {
    return a.size == strlen(b) && strncasecmp((const char *)a.data, b, a.size) == 0;
}

/* `host` is `name` with this listener's port; browsers leave the scheme's own out. */
static bool is_named(const td_guard *g, td_bytes host, const char *name) {
    char with_port[TD_GUARD_URL_MAX];
    bool bracket = strchr(name, ':') != NULL;
    int size = snprintf(with_port, sizeof with_port, bracket ? "[%s]:%u" : "%s:%u", name, (unsigned)g->listen.port);
    if (equal_no_case(host, with_port)) return true;
    unsigned own = g->tls ? 443 : 80;
    if (size >= (int)sizeof with_port || g->listen.port != own) return false;
    *strrchr(with_port, ':') = '\0';
    return equal_no_case(host, with_port);
}

/* An address in figures, "[…]" around IPv6, with the port. */
static bool is_figures(const td_guard *g, td_bytes host) {
    char text[64], address[sizeof(struct in6_addr)];
    if (host.size == 0 || host.size >= sizeof text) return false;
    memcpy(text, host.data, host.size);
    text[host.size] = '\0';
    char *name = text[0] == '[' ? text + 1 : text;
    char *end = text[0] == '[' ? strchr(text, ']') : strchrnul(text, ':');
    if (end == NULL) return false;
    *end = '\0';
    return inet_pton(text[0] == '[' ? AF_INET6 : AF_INET, name, address) == 1 && is_named(g, host, name);
}

/* One of the names that the operator gave; a name with a port of its own stands for itself. */
static bool is_given(const td_guard *g, td_bytes host) {
    for (const char *at = g->names; at != NULL && *at != '\0';) {
        char name[TD_GUARD_URL_MAX];
        at += strspn(at, ", ");
        size_t size = strcspn(at, ", ");
        if (size > 0 && size < sizeof name) {
            (void)snprintf(name, sizeof name, "%.*s", (int)size, at);
            if (strchr(name, ':') != NULL ? equal_no_case(host, name) : is_named(g, host, name)) return true;
        }
        at += size;
    }
    return false;
}

bool td_guard_host(const td_guard *g, td_bytes host) {
    const td_listen *l = &g->listen;
    if (is_named(g, host, l->host) || is_named(g, host, l->shown) || is_given(g, host)) return true;
    if (l->any && is_figures(g, host)) return true;
    return (l->loopback || l->any) && is_named(g, host, "localhost");
}

bool td_guard_origin(const td_guard *g, td_bytes origin) {
    const char *scheme = g->tls ? "https://" : "http://";
    size_t size = strlen(scheme);
    if (origin.size == 0) return true;
    if (origin.size <= size || strncasecmp((const char *)origin.data, scheme, size) != 0) return false;
    return td_guard_host(g, (td_bytes){origin.data + size, origin.size - size});
}

/* ---- the token ---- */

static int base64_value(uint8_t c) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c != '\0' ? strchr(letters, c) : NULL;
    return at != NULL ? (int)(at - letters) : -1;
}

/* Returns the size, or SIZE_MAX for what is not base64 or does not fit. */
static size_t base64_decode(td_bytes text, uint8_t *out, size_t capacity) {
    while (text.size > 0 && text.data[text.size - 1] == '=') text.size--;
    size_t size = 0;
    uint32_t bits = 0;
    for (size_t i = 0; i < text.size; i++) {
        int value = base64_value(text.data[i]);
        if (value < 0) return SIZE_MAX;
        bits = bits << 6 | (uint32_t)value;
        if (i % 4 == 0) continue;
        if (size == capacity) return SIZE_MAX;
        out[size++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
    }
    return size;
}

static bool is_token(const td_guard *g, td_bytes text) {
    uint8_t sha256[32], different = 0;
    td_sha256(text, sha256);
    for (size_t i = 0; i < sizeof sha256; i++) different |= sha256[i] ^ g->token_sha256[i];
    return different == 0;
}

/* What stands behind "Bearer " or the like; false: another scheme. */
static bool read_scheme(td_bytes header, const char *scheme, td_bytes *out_rest) {
    size_t size = strlen(scheme);
    if (header.size <= size || strncasecmp((const char *)header.data, scheme, size) != 0) return false;
    *out_rest = (td_bytes){header.data + size, header.size - size};
    return true;
}

bool td_guard_token(const td_guard *g, td_bytes authorization) {
    uint8_t pair[TD_SECRET_MAX + 64];
    td_bytes text;
    if (!g->has_token) return true;
    if (read_scheme(authorization, "Bearer ", &text)) return is_token(g, text);
    if (!read_scheme(authorization, "Basic ", &text)) return false;
    size_t size = base64_decode(text, pair, sizeof pair);
    const uint8_t *colon = size != SIZE_MAX ? memchr(pair, ':', size) : NULL;
    if (colon == NULL) return false;
    return is_token(g, (td_bytes){colon + 1, (size_t)(pair + size - colon) - 1});
}
