/* src/feed/websocket.h - a live feed over one WebSocket connection, for kinds that know their venue: open, next, close
 * and live of td_feed_ops. A session is ended from here when the venue asks for another one, when nothing came for
 * `heartbeat`, and when a trade that the venue says it made has not come for half of it: the next session begins with
 * that trade, and what lies before it is a gap that can be asked for. With `raw` each message, and each answer with
 * something of the past, comes out as it is before what it says; nothing else changes. */
#pragma once
#include "feed/gap_bars.h"
#include "feed/subscription.h"
#include "feed/venue.h"

typedef struct td_websocket_ops {
    const td_venue_ops *venue;               /* its messages; NULL: as `format` says */
    const td_subscription_ops *subscription; /* of `conf->symbols`; NULL: `conf->subscribe` is sent, if set */
    const char *symbols_key;                 /* of `conf->symbols` in the address; NULL: they are not there */
    int64_t message_least;                   /* longest message and inbox are at least that, whatever `conf` says */
    const char *token_key;                   /* of `conf->token` in the address; NULL: the venue asks nobody's name */
    const td_gap_bars_ops *gap_bars; /* what `history` has of a gap where the venue has no trades; NULL: trades */
    const char *beat;                /* said each `beat_ns`, for the venue to go on; NULL: nothing is */
    int64_t beat_ns;
} td_websocket_ops;

TD_CHECKED td_status td_websocket_open(void **out, const td_os *os, const td_feed_conf *conf,
                                       td_instruments *instruments, const td_websocket_ops *ops);
TD_CHECKED td_status td_websocket_next(void *websocket, td_feed_item *out);
void td_websocket_close(void *websocket); /* accepts NULL */
extern const td_live_ops td_websocket_live;

/* Of a feed of symbols; `most_` is the venue's own bound, "0" where it has none. */
#define TD_FEED_ROW_PER_CONNECTION(most_)                                                                              \
    TD_FEED_ROW("per_connection", TD_OPTION_INT, most_, 0, 1e6, per_connection,                                        \
                "most symbols on one connection; more go on further ones, feeds of their own called NAME.2, NAME.3, "  \
                "…; 0: all on one")

#define TD_FEED_ROWS_WEBSOCKET                                                                                         \
    TD_FEED_ROW("ca", TD_OPTION_TEXT, NULL, 0, 0, ca, "file of the authorities to believe; default: the system's"),    \
        TD_FEED_ROW("inbox", TD_OPTION_BYTES, "1MB", 65536, 1 << 28, inbox_bytes,                                      \
                    "what may wait in memory; full for 5s, the connection is dropped"),                                \
        TD_FEED_ROW("message", TD_OPTION_BYTES, "256KB", 64, 1 << 26, message_bytes, "longest message that is taken"), \
        TD_FEED_ROW("idle", TD_OPTION_DURATION, "30s", 1e8, 864e11, idle_ns,                                           \
                    "silence, pings unanswered, after which the connection counts as dead"),                           \
        TD_FEED_ROW("reconnect", TD_OPTION_DURATION, "1s", 1e6, 6e10, reconnect_ns,                                    \
                    "wait before connecting again; doubles up to 60s, a fifth of it at random"),                       \
        TD_FEED_ROW("hold", TD_OPTION_DURATION, "30s", 0, 864e11, hold_ns,                                             \
                    "while it is down, windows wait so long before time goes on without it"),                          \
        TD_FEED_ROW("raw", TD_OPTION_BOOL, "false", 0, 0, raw,                                                         \
                    "keep what the network brings in topic raw.NAME, too, byte for byte (docs/operations.md)")
