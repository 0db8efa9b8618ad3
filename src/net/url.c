/* src/net/url.c - ws://HOST[:PORT][/PATH][?QUERY], wss, http and https. */
#include "net/url.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PORT_PLAIN = 80, PORT_TLS = 443, PORT_MAX = 65535 };

static td_status fail(const char *scheme) {
    return TD_FAIL(TD_CONFIG, "it is not of the form %s://HOST[:PORT]/PATH or %ss://…, without spaces and user", scheme,
                   scheme);
}

static bool is_plain(const char *text) {
    for (; *text != '\0'; text++)
        if (*text <= ' ' || *text > '~') return false;
    return true;
}

/* "host", "host:9443", "[::1]:80". */
static bool parse_authority(td_url *out, const char *text, size_t size) {
    bool bracket = size > 0 && text[0] == '[';
    const char *host = bracket ? text + 1 : text, *end = memchr(host, bracket ? ']' : ':', size - bracket);
    size_t host_size = end != NULL ? (size_t)(end - host) : size;
    if (bracket && end == NULL) return false;
    if (host_size == 0 || host_size > TD_HOST_MAX || memchr(text, '@', size) != NULL) return false;
    memcpy(out->host, host, host_size);
    out->host[host_size] = '\0';
    size_t used = host_size + (bracket ? 2 : 0);
    bool usual = used == size;
    if (!usual) {
        size_t digits = size - used - 1;
        if (text[used] != ':' || digits == 0 || digits > 5 || strspn(text + used + 1, "0123456789") < digits)
            return false;
        out->port = atoi(text + used + 1);
        if (out->port < 1 || out->port > PORT_MAX) return false;
        usual = out->port == (out->tls ? PORT_TLS : PORT_PLAIN);
    }
    (void)snprintf(out->named, sizeof out->named, "%.*s", (int)(usual ? used : size), text);
    return true;
}

td_status td_url_parse(td_url *out, const char *scheme, const char *text) {
    size_t word = strlen(scheme);
    *out = (td_url){.port = PORT_PLAIN};
    if (strlen(text) > TD_URL_MAX || !is_plain(text) || strncmp(text, scheme, word) != 0) return fail(scheme);
    out->tls = text[word] == 's';
    if (out->tls) out->port = PORT_TLS;
    const char *authority = text + word + out->tls;
    if (strncmp(authority, "://", 3) != 0) return fail(scheme);
    authority += 3;
    size_t size = strcspn(authority, "/?#");
    if (!parse_authority(out, authority, size)) return fail(scheme);
    const char *path = authority + size;
    (void)snprintf(out->path, sizeof out->path, "%s%.*s", *path == '/' ? "" : "/", (int)strcspn(path, "#"), path);
    return TD_OK;
}

void td_url_put(td_buf *out, td_bytes text) {
    static const char plain[] = "-._~";
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        bool word = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
        td_buf_printf(out, word || (c != '\0' && strchr(plain, c) != NULL) ? "%c" : "%%%02X", c);
    }
}
