/* tests/fuzz/fuzz_websocket.c - a live feed over a network of the fuzzer's: messages in pieces, ends and silences, down
 * to the inputs that ingest appends.
 *
 * Input: steps of an operation's byte and, for pieces, a size and the bytes. */
#include "base/time.h"
#include "feed_fuzz.h"
#include "flow/live.h"

enum { PARTITIONS = 3, INPUTS_MAX = 100000 };
enum { OP_PIECE, OP_LAST, OP_END, OP_WAIT, OP_COUNT };

static td_bytes script; /* what is left of it */
static int64_t machine_ns;
static bool asked, open; /* a connection was asked for, and is there */

static int64_t clock_now(void *self) {
    (void)self;
    return machine_ns;
}

/* ---- a network ---- */

static td_status net_open(void **out, const td_os *os, const td_net_conf *conf) {
    (void)os, (void)conf;
    *out = &script;
    return TD_OK;
}

static td_status net_connect(void *self, const char *url, uint32_t *out_connection) {
    (void)self, (void)url;
    assert(!asked && !open);
    asked = true;
    *out_connection = 0;
    return TD_OK;
}

static int net_pump(void *self) { return self == NULL; }

static td_status net_next(void *self, td_net_event *out) {
    (void)self;
    *out = (td_net_event){.at_ns = machine_ns, .detail = "on command"};
    if (asked) {
        asked = false;
        open = true;
        return TD_OK;
    }
    if (!open || script.size == 0) return TD_AGAIN;
    uint8_t op = script.data[0];
    size_t size = op % OP_COUNT <= OP_LAST && script.size > 1 ? script.data[1] : 0;
    size_t head = size > 0 ? 2 : 1;
    if (size > script.size - head) size = script.size - head;
    td_bytes bytes = {script.data + head, size};
    script = (td_bytes){bytes.data + size, script.size - head - size};
    if (op % OP_COUNT == OP_WAIT) {
        machine_ns += (int64_t)(op / OP_COUNT) * TD_NS_PER_MS * 100 - TD_NS_PER_S; /* it may be set back, too */
        return TD_AGAIN;
    }
    open = op % OP_COUNT != OP_END;
    out->kind = open ? TD_NET_BYTES : TD_NET_CLOSED;
    out->bytes = bytes;
    out->last = op % OP_COUNT == OP_LAST;
    return TD_OK;
}

static td_status net_send(void *self, uint32_t connection, td_bytes message) {
    (void)self, (void)connection;
    assert(message.size > 0 && open);
    return TD_OK;
}

static void net_drop(void *self, uint32_t connection) {
    (void)self, (void)connection;
    asked = open = false;
}

static void net_close(void *self) { assert(self == &script); }

/* ---- what must hold of the inputs ---- */

static void check_time(const td_input *input, int64_t *bound_ns) {
    const td_event *e = &input->item.event;
    const td_time_mark *t = &e->time;
    assert(e->event_ns == t->clock_ns && e->receive_ns == t->clock_ns);
    assert(t->session <= TD_SESSION_DOWN);
    assert(t->bound_ns == TD_NONE || t->bound_ns == t->clock_ns - TD_NS_PER_S);
    assert(t->bound_ns != TD_NONE || t->session == TD_SESSION_DOWN);
    if (t->bound_ns == TD_NONE) return;
    assert(t->bound_ns >= bound_ns[input->partition]);
    bound_ns[input->partition] = t->bound_ns;
}

static void drive(td_live *live, const td_instruments *instruments) {
    int64_t bound_ns[PARTITIONS] = {INT64_MIN, INT64_MIN, INT64_MIN}, receive_ns = 0;
    td_source_position last = {0};
    td_input input;
    for (int i = 0; i < INPUTS_MAX; i++) {
        (void)td_live_pump(live);
        td_status status = td_live_next(live, &input);
        assert(status == TD_OK || status == TD_AGAIN);
        if (status == TD_AGAIN && script.size == 0) return;
        if (status == TD_AGAIN) {
            machine_ns += open ? TD_NS_PER_MS * 10 : TD_NS_PER_S * 10;
            continue;
        }
        assert(input.partition < PARTITIONS);
        if (input.item.kind == TD_ITEM_EVENT && input.item.event.kind == TD_EVENT_TIME) {
            check_time(&input, bound_ns);
            continue;
        }
        td_source_position at = input.item.position;
        /* a message that is for people alone is no input, and leaves its line out */
        assert((at.file & TD_SESSION_BIT) != 0 && (at.file > last.file ? at.line >= 1 : at.line > last.line));
        last = at;
        assert(input.item.clock_ns >= receive_ns);
        receive_ns = input.item.clock_ns;
        fuzz_check(&input.item, instruments);
    }
}

static void ignore_line(void *arg, const char *line) { (void)arg, (void)line; }

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const td_transport_ops net = {.name = "fuzz",
                                         .open = net_open,
                                         .connect = net_connect,
                                         .pump = net_pump,
                                         .next = net_next,
                                         .send = net_send,
                                         .leave = net_drop,
                                         .drop = net_drop,
                                         .close = net_close};
    td_os_ops os_ops = {.wall_ns = clock_now, .mono_ns = clock_now};
    td_os os = {.ops = &os_ops};
    const td_feed_ops *ops = &td_feed_websocket;
    td_feed_conf conf = {0};
    void *feed;
    td_options_init(ops->options, &conf);
    td_status status = td_options_set(ops->options, &conf, "name", "live");
    if (status == TD_OK) status = td_options_set(ops->options, &conf, "url", "ws://venue/ws");
    if (status == TD_OK) status = td_options_set(ops->options, &conf, "subscribe", "{}");
    assert(status == TD_OK);
    conf.transport = &net;
    conf.message_bytes = 4096; /* taken at start; what the network gives is bounded by its input */
    script = (td_bytes){data, size};
    machine_ns = 1700000000 * TD_NS_PER_S;
    asked = open = false;
    td_instruments *instruments = td_instruments_new();
    td_live *live = td_live_new(&os, instruments, PARTITIONS, ignore_line, NULL);
    status = ops->open(&feed, &os, &conf, instruments);
    assert(status == TD_OK);
    td_live_add(live, 0, ops, feed, &conf);
    drive(live, instruments);
    td_live_free(live);
    td_options_fini(ops->options, &conf);
    td_instruments_free(instruments);
    return 0;
}
