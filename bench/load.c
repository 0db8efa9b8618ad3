/* bench/load.c - ticks at a steady rate by an open loop, and how long until what they lead to can be read by a client,
 * counted from the moment each tick was due, whenever it was really sent.
 *
 * usage: load relay PORT [RATE [SECONDS]]   sends to bench/relay and reads the same bytes back: every tick is a sample
 *        load feed PORT [RATE [SECONDS]]    is the venue: prints the port it listens on, and reads the stream of the
 *                                           API on PORT. A sample is a signal: it is caused by the first tick at or
 *                                           after its bar's end, 10 ms bars of 8 instruments
 * Ticks are Binance's frames, by turns a trade and a book ticker, in WebSocket frames. The first two seconds are not
 * counted. One line of JSON. */
#include "socket.h"
#include <pthread.h>
#include <stdbool.h>
#include <sys/prctl.h>

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

static int connect_to(int port) {
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int s = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(s, (struct sockaddr *)&address, sizeof address) != 0) die("connect", "refused");
    bench_no_delay("load", s);
    return s;
}

/* ---- ticks ---- */

/* Of one size each, so that a count of bytes tells which tick they end; ids without holes, as venues give them. Prices
 * move each bar: up, down, up, … */
static size_t put_tick(const load *l, int64_t tick, char *out) {
    int64_t event_ns = l->wall_ns + tick * (1000000000 / l->rate), pair = tick / 2;
    int instrument = (int)(pair % INSTRUMENTS), price = 2000 + (int)(event_ns / BAR_NS % 2);
    char *json = out + BENCH_FRAME_HEAD;
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
    bench_put_frame_head(out, (size_t)size);
    return (size_t)size + BENCH_FRAME_HEAD;
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
        bench_send_all("load", l->to, out, size);
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
    bench_send_all("load", s, request, (size_t)size);
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
        int listener = bench_listen("load", 1);
        l.to = accept(listener, NULL, NULL);
        bench_no_delay("load", l.to);
        bench_shake_hands("load", l.to);
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
