/* src/app/ask.c - HTTP/1.1 as far as our own server needs it: one request, one connection, a body up to its end. */
#include "app/ask.h"
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { HOST_MAX = 128, ANSWER_MAX = 16 << 20, TIMEOUT_S = 2, CHANGE_TIMEOUT_S = 30 };

typedef struct address { /* of "http://[::1]:8750" */
    char host[HOST_MAX], port[8], both[HOST_MAX];
} address;

static bool split_url(const char *url, address *out) {
    static const char scheme[] = "http://";
    if (strncmp(url, scheme, sizeof scheme - 1) != 0) return false;
    url += sizeof scheme - 1;
    size_t size = strcspn(url, "/");
    if (size == 0 || size >= sizeof out->both) return false;
    (void)snprintf(out->both, sizeof out->both, "%.*s", (int)size, url);
    const char *colon = strrchr(out->both, ':'), *bracket = strrchr(out->both, ']');
    bool has_port = colon != NULL && colon > bracket;
    size_t host_size = has_port ? (size_t)(colon - out->both) : size;
    bool bracketed = out->both[0] == '[' && host_size >= 2;
    (void)snprintf(out->host, sizeof out->host, "%.*s", (int)(bracketed ? host_size - 2 : host_size),
                   out->both + bracketed);
    (void)snprintf(out->port, sizeof out->port, "%.7s", has_port ? colon + 1 : "80");
    return true;
}

static int connect_to(const address *a, time_t timeout_s) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
    struct timeval timeout = {.tv_sec = timeout_s};
    if (getaddrinfo(a->host, a->port, &hints, &found) != 0) return -1;
    int fd = -1;
    for (const struct addrinfo *at = found; at != NULL && fd < 0; at = at->ai_next) { /* localhost may be ::1 first */
        fd = socket(at->ai_family, at->ai_socktype, at->ai_protocol);
        if (fd < 0) continue;
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
        if (connect(fd, at->ai_addr, at->ai_addrlen) != 0) {
            (void)close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(found);
    return fd;
}

static bool send_all(int fd, td_bytes bytes) {
    while (bytes.size > 0) {
        ssize_t size = send(fd, bytes.data, bytes.size, MSG_NOSIGNAL);
        if (size <= 0) return false;
        bytes = (td_bytes){bytes.data + size, bytes.size - (size_t)size};
    }
    return true;
}

/* `json` with data: it is posted. */
static bool exchange(int fd, const address *a, const char *path, td_bytes json, td_buf *answer) {
    const char *token = getenv("TAPEDECK_TOKEN");
    td_buf request = {0};
    td_buf_printf(&request, "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n", json.data != NULL ? "POST" : "GET",
                  path, a->both);
    if (json.data != NULL)
        td_buf_printf(&request, "Content-Type: application/json\r\nContent-Length: %zu\r\n", json.size);
    if (token != NULL) td_buf_printf(&request, "Authorization: Bearer %s\r\n", token);
    td_buf_text(&request, "\r\n");
    td_buf_put(&request, json.data, json.size);
    bool sent = send_all(fd, td_buf_bytes(&request));
    ssize_t size = -1;
    td_buf_fini(&request);
    while (sent && answer->size < ANSWER_MAX) {
        td_buf_reserve(answer, 64 * 1024);
        size = recv(fd, answer->data + answer->size, 64 * 1024, 0);
        if (size <= 0) break;
        answer->size += (size_t)size;
    }
    return sent && size == 0;
}

/* Leaves the body alone in *answer. */
static td_status take_body(td_buf *answer, const char *url, int *out_http) {
    td_buf_put(answer, "", 1);
    char *text = (char *)answer->data, *body = strstr(text, "\r\n\r\n");
    int code = strncmp(text, "HTTP/1.1 ", 9) == 0 ? atoi(text + 9) : 0;
    if (code == 401 || code == 403) return TD_FAIL(TD_CONFIG, "%s wants a token: put it into TAPEDECK_TOKEN", url);
    if (body == NULL || code == 0) return TD_FAIL(TD_CONFIG, "%s does not answer as tapedeck does", url);
    size_t skip = (size_t)(body + 4 - text);
    memmove(text, body + 4, answer->size - skip);
    answer->size -= skip + 1;
    *out_http = code;
    return TD_OK;
}

static td_status ask(const char *url, const char *path, td_bytes json, td_buf *out, int *out_http) {
    address a;
    out->size = 0;
    if (!split_url(url, &a))
        return TD_FAIL(TD_CONFIG, "%s cannot be asked from here: only http://HOST:PORT, without TLS", url);
    int fd = connect_to(&a, json.data != NULL ? CHANGE_TIMEOUT_S : TIMEOUT_S);
    if (fd < 0) return TD_FAIL(TD_CONFIG, "nobody answers at %s", url);
    bool whole = exchange(fd, &a, path, json, out);
    (void)close(fd);
    return whole ? take_body(out, url, out_http) : TD_FAIL(TD_CONFIG, "%s does not answer", url);
}

td_status td_ask(const char *url, const char *path, td_buf *out) {
    int http;
    return ask(url, path, (td_bytes){0}, out, &http);
}

td_status td_ask_to(const char *url, const char *path, td_bytes json, td_buf *out, int *out_http) {
    return ask(url, path, json, out, out_http);
}
