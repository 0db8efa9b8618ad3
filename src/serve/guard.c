/* src/serve/guard.c - loopback addresses, Host and Origin. */
#include "serve/guard.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

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

static bool is_loopback(td_listen *listen) {
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, listen->host, &v4) == 1) return ntohl(v4.s_addr) >> 24 == 127;
    listen->ipv6 = inet_pton(AF_INET6, listen->host, &v6) == 1;
    return listen->ipv6 && IN6_IS_ADDR_LOOPBACK(&v6);
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
    if (!is_loopback(out)) {
        return TD_FAIL(TD_CONFIG,
                       "serve.listen: '%s' is not a loopback address, and there is no access control for others yet: "
                       "use 127.0.0.1:%u, and a tunnel (ssh -L) from elsewhere",
                       text, (unsigned)out->port);
    }
    return TD_OK;
}

void td_listen_url(const td_listen *listen, char out[96]) {
    (void)snprintf(out, 96, listen->ipv6 ? "http://[%s]:%u" : "http://%s:%u", listen->shown, (unsigned)listen->port);
}

static bool equal_no_case(td_bytes a, const char *b) {
    return a.size == strlen(b) && strncasecmp((const char *)a.data, b, a.size) == 0;
}

static bool names(const td_listen *listen, td_bytes host, const char *name) {
    char with_port[96];
    bool bracket = strchr(name, ':') != NULL;
    int size = snprintf(with_port, sizeof with_port, bracket ? "[%s]:%u" : "%s:%u", name, (unsigned)listen->port);
    if (equal_no_case(host, with_port)) return true;
    if (listen->port != 80) return false;
    with_port[size - 3] = '\0'; /* browsers leave the default port out */
    return equal_no_case(host, with_port);
}

bool td_guard_host(const td_listen *listen, td_bytes host) {
    return names(listen, host, listen->host) || names(listen, host, listen->shown) || names(listen, host, "localhost");
}

bool td_guard_origin(const td_listen *listen, td_bytes origin) {
    static const char scheme[] = "http://";
    size_t size = sizeof scheme - 1;
    if (origin.size == 0) return true;
    if (origin.size <= size || strncasecmp((const char *)origin.data, scheme, size) != 0) return false;
    return td_guard_host(listen, (td_bytes){origin.data + size, origin.size - size});
}
