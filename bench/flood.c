/* bench/flood.c - a venue with many connections: Coinbase's matches and tickers of many products at a steady rate, by
 * an open loop; and whether all of them are on the tape.
 *
 * usage: flood send CONNECTIONS PRODUCTS RATE SECONDS    prints its port; when so many have subscribed, each to its
 *                                                        products (P0000-USD, …), it sends, and ends when they leave
 *        flood check DIR PRODUCTS MESSAGES               reads the tape: MESSAGES in all, of PRODUCTS products, a
 *                                                        trade and a quote by turns, each one's numbers without a hole
 * A message's event time is when it was due. One line of JSON. */
#include "flow/topics.h"
#include "log/log_segment.h"
#include "os/os.h"
#include "socket.h"
#include <poll.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <time.h>

enum {
    CONNECTIONS_MAX = 64,
    PRODUCTS_MAX = 10000,
    FRAME_MAX = 768,
    OUT_BYTES = 128 * 1024,
    IN_BYTES = 64 * 1024,
    WAKE_NS = 500000, /* between two looks at the clock */
    LEAVE_MS = 60000,
    FIRST_ID = 1000000001,
};

static _Noreturn void die(const char *what, const char *why) { bench_die("flood", what, why); }

/* ---- frames: written once per product, then only their numbers change ---- */

typedef struct frame {
    size_t size, id, sequence, price, second, micros; /* where they stand; 0: nowhere */
    char bytes[FRAME_MAX];
} frame;

typedef struct out { /* to one connection */
    int socket;
    size_t first, count; /* its products */
    size_t size;
    char bytes[OUT_BYTES];
} out;

typedef struct flood {
    size_t connections, products;
    int64_t rate, count, from_ns, wall_ns; /* message i is due at from_ns + i / rate; the same by the other clock */
    frame (*frames)[2];                    /* by product: match, ticker */
    int64_t *ids;                          /* by product: the next one */
    out *outs;
    char second[24]; /* "2026-11-21T17:55:44" */
    int64_t second_s;
    int64_t late_max_ns; /* how late the latest was handed to the kernel */
} flood;

static void put_digits(char *at, int width, int64_t value) {
    for (int i = width - 1; i >= 0; i--, value /= 10) at[i] = (char)('0' + value % 10);
}

static size_t place_of(const frame *f, const char *mark, size_t skip) {
    const char *at = strstr(f->bytes + BENCH_FRAME_HEAD, mark);
    if (at == NULL) die("frame", mark);
    return (size_t)(at - f->bytes) + skip;
}

static void make_frame(frame *f, const char *json) {
    int size = snprintf(f->bytes + BENCH_FRAME_HEAD, FRAME_MAX - BENCH_FRAME_HEAD, "%s", json);
    f->size = (size_t)size + BENCH_FRAME_HEAD;
    bench_put_frame_head(f->bytes, (size_t)size);
    f->id = place_of(f, "\"trade_id\":", 11);
    f->sequence = place_of(f, "\"sequence\":", 11);
    f->price = place_of(f, "\"price\":\"2000.0", 14);
    f->second = place_of(f, "\"time\":\"", 8);
    f->micros = f->second + 20;
}

static void make_frames(flood *l) {
    char json[FRAME_MAX];
    for (size_t p = 0; p < l->products; p++) {
        (void)snprintf(json, sizeof json,
                       "{\"type\":\"match\",\"trade_id\":0000000000,\"maker_order_id\":"
                       "\"27fff20b-af29-4f45-8744-56dd1ef57dc0\",\"taker_order_id\":"
                       "\"1da6ce16-c8da-4732-9f71-6049f4c6aaf8\",\"side\":\"sell\",\"size\":\"0.02000000\","
                       "\"price\":\"2000.00\",\"product_id\":\"P%04zu-USD\",\"sequence\":0000000000,"
                       "\"time\":\"0000-00-00T00:00:00.000000Z\"}",
                       p);
        make_frame(&l->frames[p][0], json);
        (void)snprintf(json, sizeof json,
                       "{\"type\":\"ticker\",\"sequence\":0000000000,\"product_id\":\"P%04zu-USD\",\"price\":"
                       "\"2000.00\",\"open_24h\":\"1990.12\",\"volume_24h\":\"94381.28000000\",\"low_24h\":\"1950.01\","
                       "\"high_24h\":\"2100.50\",\"volume_30d\":\"2295579.57000000\",\"best_bid\":\"1999.99\","
                       "\"best_bid_size\":\"0.50000000\",\"best_ask\":\"2000.11\",\"best_ask_size\":\"0.25000000\","
                       "\"side\":\"buy\",\"time\":\"0000-00-00T00:00:00.000000Z\",\"trade_id\":0000000000,"
                       "\"last_size\":\"0.02000000\"}",
                       p);
        make_frame(&l->frames[p][1], json);
    }
}

static void put_second(flood *l, int64_t second_s) {
    struct tm parts;
    time_t time = (time_t)second_s;
    (void)gmtime_r(&time, &parts);
    (void)strftime(l->second, sizeof l->second, "%Y-%m-%dT%H:%M:%S", &parts);
    l->second_s = second_s;
}

/* A match, then a ticker of the same product; neighbours go to different connections. */
static void put_message(flood *l, int64_t i) {
    size_t pair = (size_t)(i / 2);
    out *to = &l->outs[pair % l->connections];
    size_t product = to->first + pair / l->connections % to->count;
    const frame *f = &l->frames[product][i % 2];
    int64_t event_us = (l->wall_ns + i * 1000000000 / l->rate) / 1000;
    char *bytes = to->bytes + to->size;
    if (event_us / 1000000 != l->second_s) put_second(l, event_us / 1000000);
    memcpy(bytes, f->bytes, f->size);
    put_digits(bytes + f->id, 10, l->ids[product]);
    put_digits(bytes + f->sequence, 10, l->ids[product]);
    put_digits(bytes + f->price, 1, l->ids[product] % 10);
    memcpy(bytes + f->second, l->second, 19);
    put_digits(bytes + f->micros, 6, event_us % 1000000);
    l->ids[product] += i % 2;
    to->size += f->size;
}

/* ---- connections ---- */

/* One whole message of a client, unmasked. */
static size_t read_message(int s, char *text, size_t room) {
    unsigned char in[IN_BYTES];
    size_t have = 0, head = 6, size = 0;
    while (have < head + size || size == 0) {
        ssize_t n = read(s, in + have, sizeof in - have);
        if (n <= 0) die("subscription", "the client is gone");
        have += (size_t)n;
        size = in[1] & 0x7f;
        if (size == 126 && have >= 4) {
            head = 8;
            size = (size_t)in[2] << 8 | in[3];
        }
    }
    if (size >= room) die("subscription", "too long");
    for (size_t i = 0; i < size; i++) text[i] = (char)(in[head + i] ^ in[head - 4 + i % 4]);
    text[size] = '\0';
    return size;
}

/* {"type":"subscribe","product_ids":[…],…}: acknowledged as it came. The products stand beside each other. */
static void take_subscription(flood *l, out *to) {
    char text[IN_BYTES], answer[IN_BYTES + 128];
    (void)read_message(to->socket, text, sizeof text);
    const char *list = strchr(text, '['), *end = list != NULL ? strchr(list, ']') : NULL;
    if (end == NULL || sscanf(list, "[\"P%4zu", &to->first) != 1) die("subscription", text);
    for (const char *at = list; at < end; at++) to->count += *at == 'P';
    if (to->first + to->count > l->products) die("subscription", "products that are not there");
    int size = snprintf(answer + BENCH_FRAME_HEAD, sizeof answer - BENCH_FRAME_HEAD,
                        "{\"type\":\"subscriptions\",\"channels\":[{\"name\":\"matches\",\"product_ids\":%.*s]}]}",
                        (int)(end - list), list);
    bench_put_frame_head(answer, (size_t)size);
    bench_send_all("flood", to->socket, answer, (size_t)size + BENCH_FRAME_HEAD);
}

static void accept_all(flood *l) {
    int listener = bench_listen("flood", (int)l->connections);
    size_t products = 0;
    for (size_t c = 0; c < l->connections; c++) {
        l->outs[c].socket = accept(listener, NULL, NULL);
        bench_no_delay("flood", l->outs[c].socket);
        bench_shake_hands("flood", l->outs[c].socket);
        take_subscription(l, &l->outs[c]);
        products += l->outs[c].count;
    }
    if (products != l->products) die("subscription", "not all products are wanted, or some more than once");
}

static void send_out(out *to) {
    if (to->size > 0) bench_send_all("flood", to->socket, to->bytes, to->size);
    to->size = 0;
}

static void send_all(flood *l) {
    struct timespec wall;
    (void)prctl(PR_SET_TIMERSLACK, 1UL);
    l->from_ns = bench_now_ns();
    (void)clock_gettime(CLOCK_REALTIME, &wall);
    l->wall_ns = (int64_t)wall.tv_sec * 1000000000 + wall.tv_nsec;
    for (int64_t i = 0; i < l->count;) {
        int64_t now_ns = bench_now_ns(), due = (now_ns - l->from_ns) * (l->rate / 1000) / 1000000, first = i;
        bool full = false;
        for (; i < l->count && i <= due && !full; i++) {
            put_message(l, i);
            full = l->outs[(size_t)(i / 2) % l->connections].size > OUT_BYTES - FRAME_MAX;
        }
        for (size_t c = 0; c < l->connections; c++) send_out(&l->outs[c]);
        int64_t late_ns = bench_now_ns() - (l->from_ns + first * 1000000000 / l->rate);
        if (i > first && late_ns > l->late_max_ns) l->late_max_ns = late_ns;
        if (!full) bench_sleep_until(now_ns + WAKE_NS);
    }
}

/* Who has it all goes away. */
static void await_leaving(const flood *l) {
    char in[4096];
    for (size_t c = 0; c < l->connections; c++) {
        struct pollfd one = {.fd = l->outs[c].socket, .events = POLLIN};
        while (poll(&one, 1, LEAVE_MS) > 0 && read(one.fd, in, sizeof in) > 0) {}
    }
}

static void run_send(flood *l, int64_t seconds) {
    l->count = l->rate * seconds / 2 * 2;
    l->frames = calloc(l->products, sizeof *l->frames);
    l->ids = calloc(l->products, sizeof *l->ids);
    l->outs = calloc(l->connections, sizeof *l->outs);
    if (l->frames == NULL || l->ids == NULL || l->outs == NULL) die("memory", "refused");
    for (size_t p = 0; p < l->products; p++) l->ids[p] = FIRST_ID;
    make_frames(l);
    accept_all(l);
    send_all(l);
    (void)printf("{\"sent\":%" PRId64 ",\"seconds\":%.3f,\"frame_bytes\":%zu,\"late_max_ms\":%.1f,\"cpu_s\":%.2f}\n",
                 l->count, (double)(bench_now_ns() - l->from_ns) / 1e9,
                 (l->frames[0][0].size + l->frames[0][1].size) / 2, (double)l->late_max_ns / 1e6,
                 (double)bench_cpu_ns() / 1e9);
    (void)fflush(stdout);
    await_leaving(l);
}

/* ---- the tape ---- */

typedef struct check {
    td_topics topics;
    size_t products, known;
    int64_t (*last)[2]; /* by product: id of the last trade, number of the last quote; 0: none */
    int64_t messages, out_of_line;
    int64_t *delay_ns; /* from due to received */
    size_t delay_count;
} check;

static void require(td_status status, const char *what) { bench_require("flood", status, what); }

static void check_record(check *c, const td_record *record, size_t most) {
    td_event e;
    td_bytes feed;
    size_t product;
    char key[TD_INSTRUMENT_NAME_MAX + 1];
    require(td_record_get_event(c->topics.ids, record->value, &e, &feed), "decode");
    if (e.kind != TD_EVENT_TRADE && e.kind != TD_EVENT_QUOTE) return;
    (void)snprintf(key, sizeof key, "%.*s", (int)record->key.size, (const char *)record->key.data);
    if (sscanf(key, "COINBASE:P%4zu-USD", &product) != 1 || product >= c->products)
        die("check", "a strange instrument");
    bool quote = e.kind == TD_EVENT_QUOTE;
    int64_t number = quote ? e.quote.sequence : e.trade.trade_id, *last = &c->last[product][quote];
    c->known += *last == 0;
    c->out_of_line += number != (*last == 0 ? FIRST_ID : *last + 1);
    *last = number;
    c->messages++;
    if (c->delay_count < most) c->delay_ns[c->delay_count++] = e.receive_ns - e.event_ns;
}

static void run_check(check *c, const char *dir, size_t messages) {
    td_log *log;
    require(td_log_segment_open(&log, &td_os_posix, &(td_log_conf){.dir = dir, .read_only = true}, NULL, NULL), "open");
    require(td_topics_open_to_read(&c->topics, log), "topics");
    c->last = calloc(c->products, sizeof *c->last);
    c->delay_ns = calloc(messages, sizeof *c->delay_ns);
    if (c->last == NULL || c->delay_ns == NULL) die("memory", "refused");
    for (uint32_t p = 0; p < c->topics.partitions; p++) {
        td_reader *reader;
        td_record record;
        td_status status;
        require(td_reader_open(&reader, c->topics.tape, p, 0, TD_READ_APPENDED), "reader");
        while ((status = td_reader_next(reader, &record)) == TD_OK) check_record(c, &record, messages);
        if (status != TD_AGAIN) require(status, "read");
        td_reader_close(reader);
    }
    (void)printf("{\"messages\":%" PRId64 ",\"numbers\":%zu,\"out_of_line\":%" PRId64 ",", c->messages, c->known,
                 c->out_of_line);
    bench_print_latencies(c->delay_ns, c->delay_count);
    (void)printf("}\n");
    td_topics_close(&c->topics);
    td_log_close(log);
}

int main(int argc, char **argv) {
    if (argc == 6 && strcmp(argv[1], "send") == 0) {
        flood l = {.connections = (size_t)atoi(argv[2]), .products = (size_t)atoi(argv[3]), .rate = atoll(argv[4])};
        if (l.connections < 1 || l.connections > CONNECTIONS_MAX || l.products > PRODUCTS_MAX || l.rate < 1000)
            die("usage", "1 to 64 connections, up to 10000 products, 1000 messages a second or more");
        run_send(&l, atoll(argv[5]));
    } else if (argc == 5 && strcmp(argv[1], "check") == 0) {
        check c = {.products = (size_t)atoi(argv[3])};
        run_check(&c, argv[2], (size_t)atoll(argv[4]));
    } else {
        die("usage", "flood send CONNECTIONS PRODUCTS RATE SECONDS | flood check DIR PRODUCTS MESSAGES");
    }
    return 0;
}
