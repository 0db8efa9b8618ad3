/* bench/socket.h - what the generators of load share: sockets on this machine, and a venue's half of the upgrade to
 * WebSocket. Whatever fails ends the program. */
#pragma once
#include "bench.h"
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static inline void bench_no_delay(const char *program, int s) {
    int on = 1;
    if (s < 0 || setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) bench_die(program, "socket", "refused");
}

/* Prints the port. */
static inline int bench_listen(const char *program, int connections) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int s = socket(AF_INET, SOCK_STREAM, 0);
    if (s < 0 || bind(s, (struct sockaddr *)&address, size) != 0 || listen(s, connections) != 0 ||
        getsockname(s, (struct sockaddr *)&address, &size) != 0)
        bench_die(program, "listen", "refused");
    (void)printf("%d\n", ntohs(address.sin_port));
    (void)fflush(stdout);
    return s;
}

static inline void bench_send_all(const char *program, int s, const char *bytes, size_t size) {
    for (size_t sent = 0; sent < size;) {
        ssize_t n = send(s, bytes + sent, size - sent, MSG_NOSIGNAL);
        if (n <= 0) bench_die(program, "send", "the other side is gone");
        sent += (size_t)n;
    }
}

static inline void bench_shake_hands(const char *program, int s) {
    char head[4096] = "", key[41], text[128], proof[64];
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned digest_size;
    for (size_t size = 0; strstr(head, "\r\n\r\n") == NULL; head[size] = '\0') {
        ssize_t n = read(s, head + size, sizeof head - size - 1);
        if (n <= 0) bench_die(program, "upgrade", "the client is gone");
        size += (size_t)n;
    }
    const char *at = strcasestr(head, "Sec-WebSocket-Key:");
    if (at == NULL || sscanf(at, "%*[^:]: %40s", key) != 1) bench_die(program, "upgrade", "no key");
    (void)snprintf(text, sizeof text, "%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
    if (EVP_Digest(text, strlen(text), digest, &digest_size, EVP_sha1(), NULL) != 1)
        bench_die(program, "upgrade", "no SHA-1");
    (void)EVP_EncodeBlock((unsigned char *)proof, digest, (int)digest_size);
    int size = snprintf(head, sizeof head,
                        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Accept: %s\r\n\r\n",
                        proof);
    bench_send_all(program, s, head, (size_t)size);
}

/* The head of one whole text message of 126 to 65535 bytes. */
enum { BENCH_FRAME_HEAD = 4 };
static inline void bench_put_frame_head(char *out, size_t size) {
    out[0] = (char)0x81;
    out[1] = 126; /* its size follows in two bytes */
    out[2] = (char)(size >> 8);
    out[3] = (char)size;
}
