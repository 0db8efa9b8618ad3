/* src/feed/feed_websocket.c - a live feed over one WebSocket connection: a venue's messages through its decoder, and
 * what is to be said to it; as a kind of its own for whatever venue's messages. */
#include "base/secret.h"
#include "base/time.h"
#include "feed/depth.h"
#include "feed/watch.h"
#include "feed/websocket.h"
#include "net/url.h"
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { HEADER_MAX_BYTES = 8192, DETAIL_MAX = 200 };
#define OPEN_NS  (10 * TD_NS_PER_S)
#define DENIED   "the venue wants another token (token, token_file)"
#define STALL_NS (5 * TD_NS_PER_S)
/* The most that parting waits: for answers to what was called off, then for the goodbye of a venue that may be far
 * away: who ends a connection with bytes unread may take back his own. */
#define ANSWERS_NS (300 * TD_NS_PER_MS)
#define GOODBYE_NS TD_NS_PER_S

typedef enum parting { STAYS, CALLED_OFF, GOODBYE_SAID, GONE } parting;

typedef struct websocket {
    const td_os *os;
    const td_feed_conf *conf;
    td_instruments *instruments;
    const td_transport_ops *net;
    void *transport, *decoder;
    const td_websocket_ops *kind;
    const td_venue_ops *venue;
    td_history *history;           /* NULL: nothing is asked for afterwards */
    td_depth *depth;               /* NULL: no book is */
    td_gap_bars *gap_bars;         /* NULL: no bars are */
    int64_t due_ns;                /* of the next request of either, monotonic */
    td_subscription *subscription; /* NULL: there is nothing to agree upon */
    td_watch watch;
    uint32_t connection, session; /* asked for last */
    bool live;
    bool leaving;                /* `detail` says why the session is to be ended */
    bool ended;                  /* the session's end is the next item */
    bool denied;                 /* … and another try would end alike */
    parting parting;             /* how far `leave` has come */
    int64_t part_ns;             /* monotonic: not to be waited for any longer */
    int unanswered;              /* what was asked for or called off, as far as the venue answers that */
    char detail[DETAIL_MAX];     /* why it ended */
    td_buf address;              /* with the token; ends with NUL */
    td_buf message;              /* a message that came in pieces, as far as it is here */
    bool given;                  /* `message` is lent out */
    bool shown;                  /* the last item was what came, as it came: what it says is the next one */
    uint8_t shown_kind;          /* td_raw_kind */
    bool more;                   /* … and says more */
    bool book_more;              /* the last item was a part of a book that was asked for, and there are more */
    td_source_position position; /* of the last item */
    int64_t clock_ns;
    bool heard;                /* something came since we last looked */
    int64_t heard_ns, beat_ns; /* monotonic: when we last saw that; when something was said for the venue to go on */
    td_buf text, reason;       /* of a notice; of a refusal, without secrets */
} websocket;

/* ---- what the venue says of the session ---- */

static void leave(websocket *w, const char *why) {
    (void)snprintf(w->detail, sizeof w->detail, "%s", why);
    w->leaving = true;
}

static void take_number(websocket *w, const td_notice *n) {
    int64_t patience_ns = w->conf->heartbeat_ns / 2;
    bool missing = td_watch_number(&w->watch, n->instrument, n->trade_id, w->clock_ns, patience_ns);
    if (!missing || w->conf->heartbeat_ns == 0) return;
    td_bytes name = td_instruments_name(w->instruments, n->instrument);
    (void)snprintf(w->detail, sizeof w->detail, "trade %" PRId64 " of %.*s has not come", n->trade_id, (int)name.size,
                   (const char *)name.data);
    w->leaving = true;
}

static void take_answer(websocket *w) {
    if (w->unanswered > 0) w->unanswered--; /* some venues answer for each symbol of a message */
}

static void take_error(websocket *w, td_bytes said, td_feed_item *out) {
    take_answer(w);
    if (w->parting != STAYS) return; /* nobody wants it any more */
    /* Here already: a part of it is kept, and a part of a secret is known to nobody later. */
    td_bytes text = td_secrets_hide(&w->conf->secrets, said, &w->reason);
    if (w->subscription != NULL && td_subscription_take_error(w->subscription, text)) return;
    w->text.size = 0;
    td_buf_printf(&w->text, "the venue says: %.*s", (int)text.size, (const char *)text.data);
    out->kind = TD_ITEM_NOTICE;
    out->notice = td_buf_bytes(&w->text);
}

/* A message that is no event; it may become one. */
static void take_notice(websocket *w, td_recorded *row, td_feed_item *out) {
    out->ignored = row->ignored;
    switch ((td_notice_kind)row->notice.kind) {
    case TD_NOTICE_HEARTBEAT:
        if (row->notice.of_instrument) take_number(w, &row->notice);
        break;
    case TD_NOTICE_LAST:
        if (!td_watch_last(&w->watch, row->event.instrument, row->event.trade.trade_id)) break;
        out->kind = TD_ITEM_EVENT;
        out->event = row->event;
        break;
    case TD_NOTICE_ACK:
        take_answer(w);
        if (w->subscription != NULL) td_subscription_take_ack(w->subscription, row->notice.text);
        break;
    case TD_NOTICE_ERROR:
        take_error(w, row->notice.text, out);
        break;
    case TD_NOTICE_DENIED: /* without its words: they may show the token */
        w->denied = true;
        leave(w, DENIED);
        break;
    case TD_NOTICE_RECONNECT:
        leave(w, "the venue asks for another connection");
        break;
    case TD_NOTICE_NONE:
        break;
    }
}

/* ---- items ---- */

static void put_rejected(websocket *w, const td_recorded *row, td_bytes message, td_feed_item *out) {
    out->kind = TD_ITEM_REJECTED;
    out->rejected = (td_rejected){.position = w->position,
                                  .receive_ns = w->clock_ns,
                                  .reason = row->reason,
                                  .detail = td_text(row->detail),
                                  .bytes = row->part.size > 0 ? row->part : message};
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
        if (row.event.kind == TD_EVENT_TRADE && row.event.trade.trade_id != TD_NONE)
            td_watch_trade(&w->watch, row.event.instrument, row.event.trade.trade_id);
        if (row.event.kind == TD_EVENT_BOOK && w->depth != NULL) td_depth_take(w->depth, &row.event);
        return true;
    case TD_ITEM_REJECTED:
        put_rejected(w, &row, bytes, out);
        return true;
    case TD_ITEM_IGNORED:
        take_notice(w, &row, out);
        return true;
    case TD_ITEM_SESSION:
    case TD_ITEM_WANTED:
    case TD_ITEM_ANSWER:
    case TD_ITEM_BACKFILL:
    case TD_ITEM_NOTICE:
    case TD_ITEM_RAW:
    case TD_ITEM_PLACES:
    case TD_ITEM_END:
        break;
    }
    return false;
}

static void put_session(websocket *w, bool live, td_feed_item *out) {
    w->live = live;
    if (!live && w->depth != NULL) td_depth_stop(w->depth);
    *out = (td_feed_item){.kind = TD_ITEM_SESSION,
                          .clock_ns = w->clock_ns,
                          .position = w->position,
                          .session = {.live = live, .denied = w->denied, .detail = w->detail}};
    w->denied = false; /* told */
}

/* What comes as it is stands at the place of what follows from it, and takes none of its own. */
static void put_raw(websocket *w, const td_raw *raw, td_feed_item *out) {
    td_source_position position = w->position;
    if (raw->kind == TD_RAW_MESSAGE) position = (td_source_position){.file = position.file, .line = position.line + 1};
    *out = (td_feed_item){.kind = TD_ITEM_RAW, .clock_ns = w->clock_ns, .position = position, .raw = *raw};
    out->raw.receive_ns = w->clock_ns;
    w->shown = true;
    w->shown_kind = raw->kind;
}

static bool show_message(websocket *w, td_feed_item *out) {
    put_raw(w, &(td_raw){.kind = TD_RAW_MESSAGE, .bytes = td_buf_bytes(&w->message)}, out);
    return true;
}

static bool put_half(websocket *w, td_feed_item *out) {
    td_recorded row = {0};
    td_recorded_reject(&row, TD_REASON_MALFORMED, "the connection ended within this message");
    next_position(w);
    *out = (td_feed_item){.clock_ns = w->clock_ns, .position = w->position};
    put_rejected(w, &row, td_buf_bytes(&w->message), out);
    w->given = true;
    return true;
}

/* The half of a message that the end cut off is shown, too. False: there is none. */
static bool end_session(websocket *w, td_feed_item *out) {
    w->leaving = false;
    w->ended = true; /* its clock stays: since then nothing was heard */
    if (w->message.size == 0) return false;
    return w->conf->raw ? show_message(w, out) : put_half(w, out);
}

/* Pieces into messages, nothing copied where one piece is all of it and says one thing. False: no item yet. */
static bool take_bytes(websocket *w, const td_net_event *e, td_feed_item *out) {
    if (!e->last || w->message.size > 0 || w->venue->many || w->conf->raw)
        td_buf_put(&w->message, e->bytes.data, e->bytes.size);
    if (!e->last) return false;
    w->given = w->message.size > 0;
    if (w->conf->raw) return show_message(w, out);
    return decode(w, w->given ? td_buf_bytes(&w->message) : e->bytes, out);
}

static int64_t mono_ns(const websocket *w) { return w->os->ops->mono_ns(w->os->self); }

static void say(websocket *w, td_bytes message) {
    td_status status = w->net->send(w->transport, w->connection, message);
    (void)status; /* a session that ended meanwhile says so itself; what it did not acknowledge is asked for again */
}

/* What is asked for, or called off. */
static void ask(websocket *w, td_bytes message) {
    say(w, message);
    w->unanswered += w->kind->subscription == NULL || w->kind->subscription->read_ack != NULL;
}

/* A session's messages rest on those before them in it, and on no others. */
static void begin_session(websocket *w) {
    td_naming naming = {.venue = w->conf->venue, .instruments = w->instruments};
    memset(w->decoder, 0, w->venue->state_size);
    w->venue->begin(w->decoder, &naming, td_text(w->conf->url));
    w->position = (td_source_position){.file = TD_SESSION_BIT | w->session};
    w->heard_ns = w->beat_ns = mono_ns(w);
    w->unanswered = 0;
    if (w->conf->subscribe != NULL) ask(w, td_text(w->conf->subscribe));
    td_watch_begin_session(&w->watch);
    if (w->subscription != NULL) td_subscription_begin(w->subscription);
}

static void show_opened(websocket *w, td_feed_item *out) {
    put_raw(w,
            &(td_raw){.kind = TD_RAW_OPENED,
                      .format = td_text(w->venue->format),
                      .venue = td_text(w->conf->venue),
                      .address = td_text(w->conf->url)},
            out);
}

/* False: no item yet. */
static bool take_event(websocket *w, const td_net_event *e, td_feed_item *out) {
    switch (e->kind) {
    case TD_NET_OPENED:
        if (e->at_ns > w->clock_ns) w->clock_ns = e->at_ns;
        begin_session(w);
        if (w->conf->raw)
            show_opened(w, out);
        else
            put_session(w, true, out);
        return true;
    case TD_NET_BYTES:
        if (e->at_ns > w->clock_ns) w->clock_ns = e->at_ns;
        w->heard = true; /* a piece, too: messages of megabytes take their time */
        return take_bytes(w, e, out);
    case TD_NET_CLOSED:
        if (w->parting == GOODBYE_SAID) w->parting = GONE;
        if (w->parting == GONE) return false;
        w->denied = e->reason == TD_NET_DENIED;
        (void)snprintf(w->detail, sizeof w->detail, "%s%s", e->detail, w->denied ? ": " DENIED : "");
        return end_session(w, out);
    }
    return false;
}

/* What is out as it came, and now what it says. False: nothing. */
static bool follow(websocket *w, td_feed_item *out) {
    w->shown = false;
    if (w->shown_kind == TD_RAW_MESSAGE) return w->ended ? put_half(w, out) : decode(w, td_buf_bytes(&w->message), out);
    put_session(w, w->shown_kind == TD_RAW_OPENED, out);
    return true;
}

/* When all that came is given: what is to be said, and whether it is too quiet. True: an item. */
static bool look(websocket *w, td_feed_item *out) {
    td_bytes text;
    if (!w->live || w->parting != STAYS ||
        (w->subscription == NULL && w->conf->heartbeat_ns == 0 && w->kind->beat == NULL))
        return false;
    int64_t now_ns = mono_ns(w);
    if (w->heard) w->heard_ns = now_ns;
    w->heard = false;
    if (w->conf->heartbeat_ns > 0 && now_ns - w->heard_ns >= w->conf->heartbeat_ns) leave(w, "no heartbeat came");
    if (w->kind->beat != NULL && now_ns - w->beat_ns >= w->kind->beat_ns) {
        say(w, td_text(w->kind->beat));
        w->beat_ns = now_ns;
    }
    if (w->subscription == NULL) return false;
    td_subscription_step step = td_subscription_next(w->subscription, now_ns, &text);
    if (step == TD_SUBSCRIPTION_SEND) ask(w, text);
    if (step != TD_SUBSCRIPTION_TELL) return false;
    *out = (td_feed_item){.kind = TD_ITEM_NOTICE, .clock_ns = w->clock_ns, .position = w->position, .notice = text};
    return true;
}

/* What is asked for afterwards comes behind what is live. It is told in the session that there was last. */
static td_status next_of_past(websocket *w, td_feed_item *out) {
    bool goes_on = w->book_more;
    td_status status = w->depth != NULL ? td_depth_next(w->depth, w->clock_ns, out) : TD_AGAIN;
    if (status == TD_AGAIN && w->history != NULL) status = td_history_next(w->history, out);
    if (status == TD_AGAIN && w->gap_bars != NULL) status = td_gap_bars_next(w->gap_bars, out);
    if (status != TD_OK) return status;
    w->book_more = out->kind == TD_ITEM_EVENT && out->event.kind == TD_EVENT_BOOK && out->event.book.more;
    if (out->kind == TD_ITEM_RAW) {
        put_raw(w, &(td_raw){.kind = TD_RAW_ANSWER, .address = out->raw.address, .bytes = out->raw.bytes}, out);
        w->shown = false; /* what it says is the history's to give */
        return TD_OK;
    }
    if (goes_on)
        w->position.part++;
    else
        next_position(w);
    out->past = true;
    out->clock_ns = w->clock_ns;
    out->position = w->position;
    if (out->kind != TD_ITEM_REJECTED) return TD_OK;
    out->rejected.position = w->position;
    out->rejected.receive_ns = w->clock_ns;
    return TD_OK;
}

td_status td_websocket_next(void *self, td_feed_item *out) {
    websocket *w = self;
    td_net_event e;
    if (w->more && decode(w, td_buf_bytes(&w->message), out)) return TD_OK;
    if (w->shown && follow(w, out)) return TD_OK;
    if (w->depth != NULL && td_depth_is_within(w->depth)) return next_of_past(w, out);
    if (w->given) {
        w->given = false;
        w->message.size = 0;
    }
    while (!w->ended) {
        if (w->parting == GONE) return TD_AGAIN;
        if (w->leaving) {
            w->net->drop(w->transport, w->connection);
            if (end_session(w, out)) return TD_OK;
            break;
        }
        td_status status = w->net->next(w->transport, &e);
        if (status == TD_AGAIN && look(w, out)) return TD_OK;
        if (status == TD_AGAIN && w->leaving) continue;
        if (status == TD_AGAIN) return next_of_past(w, out);
        if (status != TD_OK) return status;
        if (take_event(w, &e, out)) return TD_OK;
        if (w->given) { /* a message that says nothing */
            w->given = false;
            w->message.size = 0;
        }
    }
    w->ended = false;
    if (w->conf->raw && w->live) {
        put_raw(w, &(td_raw){.kind = TD_RAW_CLOSED, .bytes = td_text(w->detail)}, out);
        return TD_OK;
    }
    put_session(w, false, out);
    return TD_OK;
}

/* ---- life ---- */

static td_status websocket_connect(void *self, uint32_t session) {
    websocket *w = self;
    assert(!w->live && !w->ended && !w->leaving);
    w->session = session;
    return w->net->connect(w->transport, (const char *)w->address.data, &w->connection);
}

static void call_off(websocket *w) {
    td_bytes message;
    while (w->subscription != NULL && td_subscription_end(w->subscription, &message)) ask(w, message);
    w->text.size = 0;
    if (w->conf->subscribe != NULL && td_subscription_put_end(&w->text, td_text(w->conf->subscribe)))
        ask(w, td_buf_bytes(&w->text));
}

/* All that is called off goes at once: at this pace no venue's limits are reached by what one connection takes. */
static bool websocket_leave(void *self) {
    websocket *w = self;
    int64_t now_ns = mono_ns(w);
    if (w->parting == STAYS && w->live) {
        call_off(w);
        w->parting = CALLED_OFF;
        w->part_ns = now_ns + ANSWERS_NS;
    }
    if (w->parting == CALLED_OFF && w->live && (w->unanswered == 0 || now_ns >= w->part_ns)) {
        w->net->leave(w->transport, w->connection);
        w->parting = GOODBYE_SAID;
        w->part_ns = now_ns + GOODBYE_NS;
    }
    if (w->parting != GONE && (!w->live || (w->parting == GOODBYE_SAID && now_ns >= w->part_ns))) {
        w->net->drop(w->transport, w->connection);
        w->parting = GONE;
    }
    return w->parting == GONE;
}

static int websocket_pump(void *self) {
    websocket *w = self;
    int work = w->net->pump(w->transport);
    if (w->depth != NULL) work += td_depth_pump(w->depth); /* before the other: a book is nothing until it is whole */
    if (w->gap_bars != NULL) work += td_gap_bars_pump(w->gap_bars);
    return w->history != NULL ? work + td_history_pump(w->history) : work;
}

static td_status websocket_backfill(void *self, const td_gap *gap) {
    websocket *w = self;
    if (gap->reason == TD_GAP_SEQUENCE) return w->depth != NULL ? td_depth_ask(w->depth, gap->instrument) : TD_REJECT;
    if (w->gap_bars != NULL) return td_gap_bars_ask(w->gap_bars, gap);
    if (w->history == NULL) return TD_REJECT;
    return td_history_ask(w->history, gap, td_instruments_name(w->instruments, gap->instrument));
}

void td_websocket_close(void *self) {
    websocket *w = self;
    if (w == NULL) return;
    if (w->net != NULL) w->net->close(w->transport);
    td_history_close(w->history);
    td_depth_close(w->depth);
    td_gap_bars_close(w->gap_bars);
    td_subscription_free(w->subscription);
    td_watch_fini(&w->watch);
    if (w->address.size > 0) explicit_bzero(w->address.data, w->address.size);
    td_buf_fini(&w->address);
    td_buf_fini(&w->message);
    td_buf_fini(&w->text);
    td_buf_fini(&w->reason);
    free(w->decoder);
    free(w);
}

static void put_parameter(td_buf *address, const char *key) {
    bool first = memchr(address->data, '?', address->size) == NULL;
    td_buf_printf(address, "%s%s=", first ? "?" : "&", key);
}

static void put_address(websocket *w) {
    const td_feed_conf *conf = w->conf;
    td_buf_text(&w->address, conf->url);
    if (w->kind->symbols_key != NULL) put_parameter(&w->address, w->kind->symbols_key);
    for (size_t i = 0; w->kind->symbols_key != NULL && i < conf->symbols.count; i++) {
        if (i > 0) td_buf_text(&w->address, ",");
        td_url_put(&w->address, td_text(conf->symbols.items[i]));
    }
    if (w->kind->token_key != NULL && conf->token != NULL) {
        put_parameter(&w->address, w->kind->token_key);
        td_url_put(&w->address, td_text(conf->token));
    }
    td_buf_put(&w->address, "", 1);
}

static td_status check(const td_feed_conf *conf, const char *address) {
    td_url url;
    td_status status = td_feed_check_venue(conf->venue);
    if (status == TD_OK && strlen(address) > TD_URL_MAX)
        status = TD_FAIL(TD_CONFIG,
                         "url: with all that is asked for it is longer than %d characters: put fewer on one "
                         "connection (per_connection)",
                         TD_URL_MAX);
    if (status == TD_OK && td_url_parse(&url, "ws", address) != TD_OK)
        status = TD_FAIL(TD_CONFIG, "url: %s", td_trail());
    if (status == TD_OK && conf->subscribe != NULL && strlen(conf->subscribe) > TD_NET_SEND_MAX)
        status = TD_FAIL(TD_CONFIG, "subscribe: it is longer than %d bytes", TD_NET_SEND_MAX);
    return status;
}

static td_status open_history(websocket *w) {
    if (w->conf->history == NULL || w->conf->history[0] == '\0') return TD_OK;
    if (w->kind->gap_bars != NULL) {
        td_gap_bars_conf bars = {w->os, w->conf, w->instruments, w->kind->gap_bars, &w->due_ns};
        return td_gap_bars_open(&w->gap_bars, &bars);
    }
    if (w->venue->history == NULL)
        return TD_FAIL(TD_CONFIG, "history: messages of format %s have no past to be asked for", w->venue->format);
    td_depth_conf depth = {w->os, w->conf, w->venue, w->instruments, &w->due_ns};
    td_status status = td_history_open(&w->history, w->os, w->conf, w->venue->history, &w->due_ns);
    if (status != TD_OK || w->venue->put_depth_path == NULL) return status;
    return td_depth_open(&w->depth, &depth);
}

td_status td_websocket_open(void **out, const td_os *os, const td_feed_conf *conf, td_instruments *instruments,
                            const td_websocket_ops *kind) {
    websocket *w = td_alloc_zero(1, sizeof *w);
    w->os = os;
    w->conf = conf;
    w->instruments = instruments;
    w->kind = kind;
    w->venue = kind->venue != NULL ? kind->venue : td_venues[conf->wire];
    w->decoder = td_alloc_zero(1, w->venue->state_size);
    size_t message_bytes = (size_t)td_most(conf->message_bytes, kind->message_least);
    td_buf_reserve(&w->message, message_bytes);
    td_net_conf net = {.name = conf->name,
                       .ca_file = conf->ca,
                       .inbox_bytes = (size_t)td_most(conf->inbox_bytes, kind->message_least),
                       .message_max_bytes = message_bytes,
                       .header_max_bytes = HEADER_MAX_BYTES,
                       .open_ns = OPEN_NS,
                       .idle_ns = conf->idle_ns,
                       .stall_ns = STALL_NS};
    const td_transport_ops *ops = conf->transport != NULL ? conf->transport : &td_transport_lws;
    put_address(w);
    td_status status = check(conf, (const char *)w->address.data);
    if (status == TD_OK && kind->subscription != NULL)
        status = td_subscription_new(&w->subscription, kind->subscription, &conf->symbols, conf->venue);
    if (status == TD_OK) status = open_history(w);
    if (status == TD_OK) status = ops->open(&w->transport, os, &net);
    if (status != TD_OK) {
        td_websocket_close(w);
        return status;
    }
    w->net = ops;
    *out = w;
    return TD_OK;
}

const td_live_ops td_websocket_live = {
    .connect = websocket_connect, .pump = websocket_pump, .leave = websocket_leave, .backfill = websocket_backfill};

/* ---- the kind that takes any venue's messages ---- */

static td_status websocket_open(void **out, const td_os *os, const td_feed_conf *conf, td_instruments *instruments) {
    static const td_websocket_ops any = {0};
    return td_websocket_open(out, os, conf, instruments, &any);
}

static bool websocket_shares_ids(const void *self) { return ((const websocket *)self)->venue->shares_ids; }

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
    TD_FEED_ROW("subscribe", TD_OPTION_TEXT, NULL, 0, 0, subscribe,
                "message to send once it is connected; before it leaves the same, with unsubscribe for its subscribe"),
    TD_FEED_ROWS_WEBSOCKET,
    TD_FEED_ROWS_HISTORY(NULL),
    {0}};

const td_feed_ops td_feed_websocket = {.format = "websocket",
                                       .is_file = false,
                                       .live = &td_websocket_live,
                                       .venue = "BINANCE",
                                       .options = websocket_options,
                                       .open = websocket_open,
                                       .next = td_websocket_next,
                                       .shares_ids = websocket_shares_ids,
                                       .close = td_websocket_close};
