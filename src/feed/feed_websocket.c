/* src/feed/feed_websocket.c - a live feed over one WebSocket connection: a venue's raw messages through the decoder of
 * its wire format. */
#include "base/time.h"
#include "feed/venue.h"
#include "net/url.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { HEADER_MAX_BYTES = 8192, DETAIL_MAX = 200 };
#define OPEN_NS  (10 * TD_NS_PER_S)
#define STALL_NS (5 * TD_NS_PER_S)

typedef struct websocket {
    const td_os *os;
    const td_feed_conf *conf;
    td_instruments *instruments;
    const td_transport_ops *net;
    void *transport, *decoder;
    const td_venue_ops *venue;
    td_history *history;          /* NULL: nothing is asked for afterwards */
    uint32_t connection, session; /* asked for last */
    bool live;
    bool ended;                  /* the session's end is the next item */
    char detail[DETAIL_MAX];     /* why it ended */
    td_buf message;              /* a message that came in pieces, as far as it is here */
    bool given;                  /* `message` is lent out */
    bool more;                   /* … and says more */
    td_source_position position; /* of the last item */
    int64_t clock_ns;
} websocket;

/* ---- items ---- */

static void put_rejected(websocket *w, const td_recorded *row, td_bytes bytes, td_feed_item *out) {
    if (bytes.size > TD_REJECTED_BYTES_MAX) bytes.size = TD_REJECTED_BYTES_MAX;
    out->kind = TD_ITEM_REJECTED;
    out->rejected = (td_rejected){.position = w->position,
                                  .receive_ns = w->clock_ns,
                                  .reason = row->reason,
                                  .detail = td_text(row->detail),
                                  .bytes = bytes};
}

static void next_position(websocket *w) {
    w->position.line++;
    w->position.part = 0;
}

/* False: the message says nothing at all. */
static bool decode(websocket *w, td_bytes bytes, td_feed_item *out) {
    td_recorded row = {.kind = TD_ITEM_END, .ns_of_day = -1};
    if (w->more)
        w->position.part++;
    else
        next_position(w);
    w->venue->decode(w->decoder, bytes, w->clock_ns, &row);
    w->more = row.more;
    td_recorded_check_instants(&row);
    *out = (td_feed_item){.kind = row.kind, .clock_ns = w->clock_ns, .position = w->position};
    switch (row.kind) {
    case TD_ITEM_EVENT:
        out->event = row.event;
        out->event.receive_ns = w->clock_ns;
        return true;
    case TD_ITEM_REJECTED:
        put_rejected(w, &row, bytes, out);
        return true;
    case TD_ITEM_IGNORED:
        out->ignored = row.ignored;
        return true;
    case TD_ITEM_SESSION:
    case TD_ITEM_BACKFILL:
    case TD_ITEM_END:
        break;
    }
    return false;
}

static void put_session(websocket *w, bool live, td_feed_item *out) {
    w->live = live;
    *out = (td_feed_item){.kind = TD_ITEM_SESSION,
                          .clock_ns = w->clock_ns,
                          .position = w->position,
                          .session = {.live = live, .detail = w->detail}};
}

/* The half of a message that the end cut off is shown, too. False: there is none. */
static bool put_half(websocket *w, td_feed_item *out) {
    if (w->message.size == 0) return false;
    td_recorded row = {0};
    td_recorded_reject(&row, TD_REASON_MALFORMED, "the connection ended within this message");
    next_position(w);
    *out = (td_feed_item){.clock_ns = w->clock_ns, .position = w->position};
    put_rejected(w, &row, td_buf_bytes(&w->message), out);
    w->given = true;
    return true;
}

/* Pieces into messages, nothing copied where one piece is all of it and says one thing. False: no item yet. */
static bool take_bytes(websocket *w, const td_net_event *e, td_feed_item *out) {
    if (!e->last || w->message.size > 0 || w->venue->many) td_buf_put(&w->message, e->bytes.data, e->bytes.size);
    if (!e->last) return false;
    w->given = w->message.size > 0;
    return decode(w, w->given ? td_buf_bytes(&w->message) : e->bytes, out);
}

/* A session's messages rest on those before them in it, and on no others. */
static void begin_decoder(websocket *w) {
    td_naming naming = {.venue = w->conf->venue, .instruments = w->instruments};
    memset(w->decoder, 0, w->venue->state_size);
    w->venue->begin(w->decoder, &naming, td_text(w->conf->url));
}

/* False: no item yet. */
static bool take_event(websocket *w, const td_net_event *e, td_feed_item *out) {
    switch (e->kind) {
    case TD_NET_OPENED:
        if (w->conf->subscribe != NULL) {
            td_status status = w->net->send(w->transport, e->connection, td_text(w->conf->subscribe));
            (void)status; /* one that ended meanwhile says so itself */
        }
        if (e->at_ns > w->clock_ns) w->clock_ns = e->at_ns;
        w->position = (td_source_position){.file = TD_SESSION_BIT | w->session};
        begin_decoder(w);
        put_session(w, true, out);
        return true;
    case TD_NET_BYTES:
        if (e->at_ns > w->clock_ns) w->clock_ns = e->at_ns;
        return take_bytes(w, e, out);
    case TD_NET_CLOSED:
        (void)snprintf(w->detail, sizeof w->detail, "%s", e->detail);
        w->ended = true; /* its clock stays: since then nothing was heard */
        return put_half(w, out);
    }
    return false;
}

/* What is asked for afterwards comes behind what is live. It is told in the session that there was last. */
static td_status next_of_past(websocket *w, td_feed_item *out) {
    td_status status = w->history != NULL ? td_history_next(w->history, out) : TD_AGAIN;
    if (status != TD_OK) return status;
    next_position(w);
    out->past = true;
    out->clock_ns = w->clock_ns;
    out->position = w->position;
    if (out->kind != TD_ITEM_REJECTED) return TD_OK;
    out->rejected.position = w->position;
    out->rejected.receive_ns = w->clock_ns;
    return TD_OK;
}

static td_status websocket_next(void *self, td_feed_item *out) {
    websocket *w = self;
    td_net_event e;
    if (w->more && decode(w, td_buf_bytes(&w->message), out)) return TD_OK;
    if (w->given) {
        w->given = false;
        w->message.size = 0;
    }
    while (!w->ended) {
        td_status status = w->net->next(w->transport, &e);
        if (status == TD_AGAIN) return next_of_past(w, out);
        if (status != TD_OK) return status;
        if (take_event(w, &e, out)) return TD_OK;
        if (w->given) { /* a message that says nothing */
            w->given = false;
            w->message.size = 0;
        }
    }
    w->ended = false;
    put_session(w, false, out);
    return TD_OK;
}

/* ---- life ---- */

static td_status websocket_connect(void *self, uint32_t session) {
    websocket *w = self;
    assert(!w->live && !w->ended);
    w->session = session;
    return w->net->connect(w->transport, w->conf->url, &w->connection);
}

static int websocket_pump(void *self) {
    websocket *w = self;
    int work = w->net->pump(w->transport);
    return w->history != NULL ? work + td_history_pump(w->history) : work;
}

static td_status websocket_backfill(void *self, const td_gap *gap) {
    websocket *w = self;
    if (w->history == NULL) return TD_REJECT;
    return td_history_ask(w->history, gap, td_instruments_name(w->instruments, gap->instrument));
}

static void websocket_close(void *self) {
    websocket *w = self;
    if (w == NULL) return;
    if (w->net != NULL) w->net->close(w->transport);
    td_history_close(w->history);
    td_buf_fini(&w->message);
    free(w->decoder);
    free(w);
}

static td_status websocket_open(void **out, const td_os *os, const td_feed_conf *conf, td_instruments *instruments) {
    websocket *w = td_alloc_zero(1, sizeof *w);
    w->os = os;
    w->conf = conf;
    w->instruments = instruments;
    w->venue = td_venues[conf->wire];
    w->decoder = td_alloc_zero(1, w->venue->state_size);
    td_buf_reserve(&w->message, (size_t)conf->message_bytes);
    td_net_conf net = {.ca_file = conf->ca,
                       .inbox_bytes = (size_t)conf->inbox_bytes,
                       .message_max_bytes = (size_t)conf->message_bytes,
                       .header_max_bytes = HEADER_MAX_BYTES,
                       .open_ns = OPEN_NS,
                       .idle_ns = conf->idle_ns,
                       .stall_ns = STALL_NS};
    const td_transport_ops *ops = conf->transport != NULL ? conf->transport : &td_transport_lws;
    td_url url;
    td_status status = td_feed_check_venue(conf->venue);
    if (status == TD_OK && td_url_parse(&url, "ws", conf->url) != TD_OK)
        status = TD_FAIL(TD_CONFIG, "url: %s", td_trail());
    if (status == TD_OK && conf->subscribe != NULL && strlen(conf->subscribe) > TD_NET_SEND_MAX)
        status = TD_FAIL(TD_CONFIG, "subscribe: it is longer than %d bytes", TD_NET_SEND_MAX);
    if (status == TD_OK && conf->history != NULL && w->venue->history == NULL)
        status = TD_FAIL(TD_CONFIG, "history: messages of format %s have no past to be asked for", w->venue->format);
    if (status == TD_OK && conf->history != NULL) status = td_history_open(&w->history, os, conf, w->venue->history);
    if (status == TD_OK) status = ops->open(&w->transport, os, &net);
    if (status != TD_OK) {
        websocket_close(w);
        return status;
    }
    w->net = ops;
    *out = w;
    return TD_OK;
}

static const td_option websocket_options[] = {
    TD_FEED_ROWS_LIVE("BINANCE"),
    {.key = "url",
     .type = TD_OPTION_TEXT,
     .required = true,
     .offset = offsetof(td_feed_conf, url),
     .help = "ws://HOST[:PORT]/PATH or wss://…"},
    {.key = "format",
     .type = TD_OPTION_CHOICE,
     .fallback = "binance",
     .choices = TD_VENUE_WORDS,
     .offset = offsetof(td_feed_conf, wire),
     .help = "what its messages are"},
    TD_FEED_ROW("subscribe", TD_OPTION_TEXT, NULL, 0, 0, subscribe, "message to send once it is connected"),
    TD_FEED_ROW("ca", TD_OPTION_TEXT, NULL, 0, 0, ca, "file of the authorities to believe; default: the system's"),
    TD_FEED_ROW("inbox", TD_OPTION_BYTES, "1MB", 65536, 1 << 28, inbox_bytes,
                "what may wait in memory; full for 5s, the connection is dropped"),
    TD_FEED_ROW("message", TD_OPTION_BYTES, "256KB", 64, 1 << 26, message_bytes, "longest message that is taken"),
    TD_FEED_ROW("idle", TD_OPTION_DURATION, "30s", 1e8, 864e11, idle_ns,
                "silence, pings unanswered, after which the connection counts as dead"),
    TD_FEED_ROW("reconnect", TD_OPTION_DURATION, "1s", 1e6, 6e10, reconnect_ns,
                "wait before connecting again; doubles up to 60s, a fifth of it at random"),
    TD_FEED_ROW("hold", TD_OPTION_DURATION, "30s", 0, 864e11, hold_ns,
                "while it is down, windows wait so long before time goes on without it"),
    TD_FEED_ROWS_HISTORY,
    {0}};

static const td_live_ops websocket_live = {
    .connect = websocket_connect, .pump = websocket_pump, .backfill = websocket_backfill};

const td_feed_ops td_feed_websocket = {.format = "websocket",
                                       .is_file = false,
                                       .live = &websocket_live,
                                       .venue = "BINANCE",
                                       .options = websocket_options,
                                       .open = websocket_open,
                                       .next = websocket_next,
                                       .close = websocket_close};
