/* bench/load.c - ticks at a steady rate by an open loop, and how long until what they lead to can be read by a client,
 * counted from the moment each tick was due, whenever it was really sent.
 *
 * usage: load relay PORT [RATE [SECONDS]]   sends to bench/relay and reads the same bytes back: every tick is a sample
 *        load feed PORT [RATE [SECONDS]]    is the venue: prints the port it listens on, and reads the stream of the
 *                                           API on PORT. A sample is a signal: it is caused by the first tick at or
 *                                           after its bar's end, 10 ms bars of 8 instruments
 * Ticks are Binance's frames, by turns a trade and a book ticker, in WebSocket frames. The first two seconds are not
 * counted. One line of JSON. */
#include "bench.h"
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    INSTRUMENTS = 8,
    FRAME_MAX = 320,
    OUT_BYTES = 256 * 1024,
    IN_BYTES = 1 << 20,
    WAKE_NS = 50000, /* between two looks at the clock; part of every latency, on both sides */
    WARM_UP_S = 2,
};
#define BAR_NS INT64_C(10000000)

typedef struct load {
    int64_t rate, count, from_ns; /* tick i is due at from_ns + i / rate */
    int64_t wall_ns;              /* event time of tick 0: a bar's begin */
    int to, from;                 /* sockets */
    size_t pair_bytes, trade_bytes;
    int64_t *latency_ns;
    size_t samples, samples_max;
} load;

static _Noreturn void die(const char *what, const char *why) { bench_die("load", what, why); }

static int64_t due_ns(const load *l, int64_t tick) { return l->from_ns + tick * (1000000000 / l->rate); }

static void add_sample(load *l, int64_t due, int64_t now_ns) {
    if (due < due_ns(l, WARM_UP_S * l->rate) || l->samples == l->samples_max) return;
    l->latency_ns[l->samples++] = now_ns - due;
}

/* ---- sockets ---- */

static void no_delay(int s) {
    int on = 1;
    if (s < 0 || setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) die("socket", "refused");
}

static int connect_to(int port) {
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int s = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(s, (struct sockaddr *)&address, sizeof address) != 0) die("connect", "refused");
    no_delay(s);
    return s;
}

static int listen_anywhere(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int s = socket(AF_INET, SOCK_STREAM, 0);
    if (s < 0 || bind(s, (struct sockaddr *)&address, size) != 0 || listen(s, 1) != 0 ||
        getsockname(s, (struct sockaddr *)&address, &size) != 0)
        die("listen", "refused");
    (void)printf("%d\n", ntohs(address.sin_port));
    (void)fflush(stdout);
    return s;
}

static void send_all(int s, const char *bytes, size_t size) {
    for (size_t sent = 0; sent < size;) {
        ssize_t n = send(s, bytes + sent, size - sent, MSG_NOSIGNAL);
        if (n <= 0) die("send", "the other side is gone");
        sent += (size_t)n;
    }
}

/* The venue's half of the upgrade to WebSocket. */
static void shake_hands(int s) {
    char head[4096] = "", key[41], text[128], proof[64];
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned digest_size;
    for (size_t size = 0; strstr(head, "\r\n\r\n") == NULL; head[size] = '\0') {
        ssize_t n = read(s, head + size, sizeof head - size - 1);
        if (n <= 0) die("upgrade", "the client is gone");
        size += (size_t)n;
    }
    const char *at = strcasestr(head, "Sec-WebSocket-Key:");
    if (at == NULL || sscanf(at, "%*[^:]: %40s", key) != 1) die("upgrade", "no key");
    (void)snprintf(text, sizeof text, "%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
    if (EVP_Digest(text, strlen(text), digest, &digest_size, EVP_sha1(), NULL) != 1) die("upgrade", "no SHA-1");
    (void)EVP_EncodeBlock((unsigned char *)proof, digest, (int)digest_size);
    int size = snprintf(head, sizeof head,
                        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Accept: %s\r\n\r\n",
                        proof);
    send_all(s, head, (size_t)size);
}

/* ---- ticks ---- */

/* Of one size each, so that a count of bytes tells which tick they end; ids without holes, as venues give them. Prices
 * move each bar: up, down, up, … */
static size_t put_tick(const load *l, int64_t tick, char *out) {
    int64_t event_ns = l->wall_ns + tick * (1000000000 / l->rate), pair = tick / 2;
    int instrument = (int)(pair % INSTRUMENTS), price = 2000 + (int)(event_ns / BAR_NS % 2);
    char *json = out + 4;
    int size =
        tick % 2 == 0
            ? sprintf(json,
                      "{\"stream\":\"t%d@trade\",\"data\":{\"e\":\"trade\",\"E\":%" PRId64
                      ",\"s\":\"BENCH%d\",\"t\":%" PRId64 ",\"p\":\"%d.00000000\",\"q\":\"0.02000000\",\"T\":%" PRId64
                      ",\"m\":true,\"M\":true}}",
                      instrument, event_ns / 1000, instrument, 1000000000 + pair / INSTRUMENTS, price, event_ns / 1000)
            : sprintf(json,
                      "{\"stream\":\"t%d@bookTicker\",\"data\":{\"u\":%" PRId64 ",\"T\":%" PRId64
                      ",\"s\":\"BENCH%d\",\"b\":\"%d.00000000\",\"B\":\"3.78826000\","
                      "\"a\":\"%d.00000000\",\"A\":\"1.54698000\"}}",
                      instrument, 1000000000 + tick, event_ns / 1000, instrument, price - 1, price + 1);
    out[0] = (char)0x81; /* one whole text message */
    out[1] = 126;        /* its size follows in two bytes */
    out[2] = (char)(size >> 8);
    out[3] = (char)size;
    return (size_t)size + 4;
}

static void *send_ticks(void *self) {
    load *l = self;
    static char out[OUT_BYTES];
    (void)prctl(PR_SET_TIMERSLACK, 1UL);
    for (int64_t tick = 0; tick < l->count;) {
        int64_t now_ns = bench_now_ns();
        size_t size = 0;
        for (; tick < l->count && due_ns(l, tick) <= now_ns && size < OUT_BYTES - FRAME_MAX; tick++)
            size += put_tick(l, tick, out + size);
        send_all(l->to, out, size);
        if (size < OUT_BYTES - FRAME_MAX) bench_sleep_until(now_ns + WAKE_NS);
    }
    return NULL;
}

/* ---- what comes back ---- */

static void read_echo(load *l) {
    static char in[IN_BYTES];
    size_t got = 0;
    for (int64_t tick = 0; tick < l->count;) {
        ssize_t n = read(l->from, in, sizeof in);
        if (n <= 0) die("read", "the relay is gone");
        int64_t now_ns = bench_now_ns();
        got += (size_t)n;
        for (; tick < l->count; tick++) { /* it has come when its last byte has */
            size_t end = (size_t)(tick / 2) * l->pair_bytes + (tick % 2 == 0 ? l->trade_bytes : l->pair_bytes);
            if (end > got) break;
            add_sample(l, due_ns(l, tick), now_ns);
        }
    }
}

/* One event of the stream: a signal names its bar's end. */
static void on_event(load *l, const char *text, int64_t now_ns) {
    const char *at = strstr(text, "\"event_ns\":");
    if (strncmp(text, "event: signal", 13) != 0 || at == NULL) return;
    int64_t late_ns = strtoll(at + strlen("\"event_ns\":"), NULL, 10) - l->wall_ns;
    add_sample(l, l->from_ns + late_ns, now_ns);
}

static void read_stream(load *l) {
    static char in[IN_BYTES];
    size_t have = 0;
    int64_t until_ns = due_ns(l, l->count);
    while (bench_now_ns() < until_ns) {
        ssize_t n = read(l->from, in + have, sizeof in - have - 1);
        if (n <= 0) die("read", "the stream has ended");
        int64_t now_ns = bench_now_ns();
        have += (size_t)n;
        in[have] = '\0';
        char *event = in;
        for (char *end; (end = strstr(event, "\n\n")) != NULL; event = end + 2) {
            *end = '\0';
            on_event(l, event, now_ns);
        }
        have -= (size_t)(event - in);
        memmove(in, event, have);
        if (have == sizeof in - 1) die("read", "an event without an end");
    }
}

/* ---- the two runs ---- */

static void start(load *l, pthread_t *thread) {
    char frame[FRAME_MAX];
    struct timespec wall;
    (void)clock_gettime(CLOCK_REALTIME, &wall);
    int64_t wall_ns = (int64_t)wall.tv_sec * 1000000000 + wall.tv_nsec;
    l->wall_ns = (wall_ns / BAR_NS + 10) * BAR_NS;
    l->from_ns = bench_now_ns() + (l->wall_ns - wall_ns);
    l->trade_bytes = put_tick(l, 0, frame);
    l->pair_bytes = l->trade_bytes + put_tick(l, 1, frame);
    if (pthread_create(thread, NULL, send_ticks, l) != 0) die("thread", "refused");
}

static int open_stream(int port) {
    char request[256];
    int s = connect_to(port);
    int size = snprintf(request, sizeof request,
                        "GET /api/v1/stream HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAccept: text/event-stream\r\n\r\n", port);
    send_all(s, request, (size_t)size);
    return s;
}

int main(int argc, char **argv) {
    bool feed = argc > 2 && strcmp(argv[1], "feed") == 0;
    if (argc < 3) die("usage", "load relay|feed PORT [RATE [SECONDS]]");
    int port = atoi(argv[2]);
    load l = {.rate = argc > 3 ? strtoll(argv[3], NULL, 10) : 100000};
    int64_t seconds = argc > 4 ? strtoll(argv[4], NULL, 10) : 12;
    pthread_t sender;
    l.count = l.rate * seconds;
    l.samples_max = (size_t)l.count;
    l.latency_ns = calloc(l.samples_max, sizeof *l.latency_ns);
    if (l.latency_ns == NULL) die("memory", "refused");
    if (feed) {
        int listener = listen_anywhere();
        l.to = accept(listener, NULL, NULL);
        no_delay(l.to);
        shake_hands(l.to);
        l.from = open_stream(port);
    } else {
        l.to = l.from = connect_to(port);
    }
    start(&l, &sender);
    if (feed)
        read_stream(&l);
    else
        read_echo(&l);
    (void)pthread_join(sender, NULL);
    (void)printf("{\"rate\":%" PRId64 ",", l.rate);
    bench_print_latencies(l.latency_ns, l.samples);
    (void)printf("}\n");
    free(l.latency_ns);
    return 0;
}
