/* src/feed/feed.h - a feed: some source's bytes, decoded into events in the feed's own order. One table per format.
 * A feed belongs to the ingest thread. It never waits, never retries, never drops unseen: what cannot become an event
 * comes out as a rejected item with its reason, and the feed goes on behind it. A live feed's sessions come and go as
 * items; when to connect again is for its owner to say. */
#pragma once
#include "base/option.h"
#include "model/gap.h"
#include "model/instrument.h"
#include "model/raw.h"
#include "model/refusal.h"
#include "net/consumer.h"
#include "net/http.h"
#include "net/transport.h"

typedef enum td_item_kind {
    TD_ITEM_EVENT,
    TD_ITEM_REJECTED,
    TD_ITEM_IGNORED,
    TD_ITEM_SESSION,  /* live feeds only */
    TD_ITEM_WANTED,   /* live feeds only: a book waits for a whole one, which has to be asked for */
    TD_ITEM_BACKFILL, /* live feeds only: one that was asked for has ended */
    TD_ITEM_ANSWER,   /* live feeds only: what was asked for begins to come, or is there as a whole */
    TD_ITEM_NOTICE,   /* live feeds only: something that people should know */
    TD_ITEM_RAW,      /* live feeds with `raw` only: bytes as they came, before what they say */
    TD_ITEM_PLACES,   /* live feeds that keep places only: where it will read its source from */
    TD_ITEM_END,      /* never of a live feed */
} td_item_kind;

typedef struct td_feed_session {
    bool live;          /* begun; else ended, or it never began */
    bool denied;        /* ended: another token is needed rather than another try */
    const char *detail; /* why it ended, for people; borrowed until the next call */
} td_feed_session;

typedef struct td_feed_backfill {
    uint32_t instrument;
    td_filled filled;   /* all zero of a book */
    bool failed;        /* nothing is known of the rest yet, and `filled` says only whose: ask again */
    int64_t wait_ns;    /* failed: not before so long, as the venue says; 0: it says nothing of it */
    const char *detail; /* failed: why, for people; borrowed until the next call */
} td_feed_backfill;

typedef struct td_feed_answer { /* to something that is asked for once */
    td_bytes name;              /* of what was asked for: the feed's own, printable; borrowed until the next call */
    uint32_t instrument;        /* that it is of, and alone */
    bool whole;                 /* all of it stands before this; else its first event comes behind it */
    int64_t until_ns;           /* the newest of its events that the log holds; TD_NONE: it holds none */
    int64_t asked_ns;           /* whole: when, by the machine's clock */
} td_feed_answer;

/* Of a source that keeps what it has: the next that is read of each of its partitions. Items of partition p that were
 * at n there have the position (TD_SESSION_BIT | p, n + 1). */
typedef struct td_feed_places {
    const int64_t *next; /* borrowed until the next call; `keep` borrows it for the call */
    uint32_t count;      /* never fewer than before */
} td_feed_places;

typedef struct td_feed_item {
    td_item_kind kind;
    bool past;     /* asked for afterwards: shows nothing of the session, and its clock says nothing */
    bool progress; /* NOTICE: how long work goes on, nothing to be warned of */
    bool parted; /* of a recording: another session begins with it, what came before it and behind the last item is lost
                  */
    int64_t clock_ns;            /* the feed's clock at this item; never goes back; 0 before its first instant */
    td_source_position position; /* its cause; unique within the feed, increasing within a file; file: 0 or more, in
                                    byte order of the paths; line: from 1, 0 stands for the whole file */
    union {
        td_event event;       /* EVENT: all but `feed` filled */
        td_rejected rejected; /* REJECTED: all but `feed`; texts and bytes borrowed until the next call */
        const char *ignored;  /* IGNORED: kind of message, a literal ("depth") */
        td_bytes notice;      /* NOTICE: a text; borrowed until the next call */
        td_raw raw;           /* RAW: its texts and bytes are borrowed until the next call */
        td_feed_session session;
        uint32_t wanted; /* WANTED: its instrument */
        td_feed_backfill backfill;
        td_feed_answer answer;
        td_feed_places places;
    };
} td_feed_item;

enum { TD_FEED_STAMPS_END, TD_FEED_STAMPS_START }; /* what the time of a bar is */
enum { TD_FEED_IDS_VENUE = 3 }; /* behind td_ids_choice: ordered, or any where shares_ids of td_feed_ops says so */

typedef struct td_feed_conf { /* settings every feed has; formats append their own rows behind these */
    char *name;               /* default: the format, then format-2, … */
    char *venue;              /* default per format: LEAN, BINANCE, SIM; NULL: its input says it */
    double ratio;             /* of this feed's clock to the run's, default 1 */
    int64_t lateness_ns, max_delay_ns, max_ahead_ns, max_instruments, silence_ns;
    int rules;     /* td_rules_choice: stream/program.h */
    int trade_ids; /* td_ids_choice: stream/program.h; TD_FEED_IDS_VENUE */
    /* recordings */
    char *path;             /* file or glob */
    int64_t from_ns, to_ns; /* exchange-local time of day, [from, to), may wrap midnight; -1: unset */
    bool adjusted;          /* bars that a vendor made */
    int stamps;             /* end|start */
    /* simulated */
    int64_t seed, instruments, ticks, duration_ns;
    char *start; /* RFC 3339 */
    /* live */
    char *url, *subscribe, *ca;
    char *token, *token_file; /* the file has been read into the other one (app/secret.h) */
    td_texts symbols;
    bool level2;            /* their books, too */
    int64_t per_connection; /* symbols; 0: all on one. Read by app/spread.h alone */
    int wire;               /* format of its messages: index of the row's choice, td_venues (feed/venue.h) */
    int64_t inbox_bytes, message_bytes, idle_ns, reconnect_ns, hold_ns, heartbeat_ns;
    bool raw;         /* what its network brings is given as it came, too */
    td_texts secrets; /* no key: what nobody may see of the settings; base/secret.h */
    char *history;    /* base URL of what gives the past; NULL or "": nothing does */
    int64_t history_interval_ns, history_after_ns, history_max, history_tries;
    const td_transport_ops *transport; /* no keys: NULL is the real network; simulations bring theirs */
    const td_http_ops *http;
    const td_consumer_ops *consumer;
    /* topics of others (feed/mapping.h); `start` is where they begin, `datatype` what their records are */
    char *brokers, *topic, *password, *password_file;
    char *registry, *registry_user, *registry_password, *registry_password_file, *registry_ca;
    td_texts properties, fields, events, sides;
    int event, time_unit;
    int64_t width_ns;
    /* downloads (feed/download.h); their base URL is `history` */
    td_texts intervals, months;
    char *first_month, *last_month; /* "2024-01"; NULL: unset */
    bool quote, extended;
    int datatype; /* json|csv */
    int64_t refresh_ns, quote_ns, per_minute, per_day;
    int64_t answer_bytes, answer_ns; /* bounds of an answer; 0: as feed/rest.h has them */
    int64_t history_rows; /* no key: of a page; 0 means as many as the venue gives; simulations want it small */
} td_feed_conf;

#define TD_FEED_ROW(key_, type_, fallback_, min_, max_, field_, help_)                                                 \
    {                                                                                                                  \
        .key = (key_), .type = (type_), .fallback = (fallback_), .min = (min_), .max = (max_),                         \
        .offset = offsetof(td_feed_conf, field_), .help = (help_)                                                      \
    }
/* The rows of every feed, to stand first in a format's own table. */
#define TD_FEED_ROWS(venue_) TD_FEED_ROWS_RULES(venue_, "basic")
#define TD_FEED_ROWS_RULES(venue_, rules_)                                                                             \
    TD_FEED_ROWS_LIVE_RULES(venue_, rules_, "venue"),                                                                  \
        TD_FEED_ROW("ratio", TD_OPTION_REAL, "1", 1e-6, 1e6, ratio, "seconds of its clock to one second of the run")
/* … of a live feed, whose clock is the machine's. */
#define TD_FEED_ROWS_LIVE(venue_) TD_FEED_ROWS_LIVE_RULES(venue_, "basic", "venue")
/* … whose trades have no ids. */
#define TD_FEED_ROWS_LIVE_PLAIN(venue_) TD_FEED_ROWS_LIVE_RULES(venue_, "basic", "off")
/* `rules` is "venue" for a kind of feed whose venue has a table of sale conditions (conditions/), else "basic". */
#define TD_FEED_ROWS_LIVE_RULES(venue_, rules_, ids_)                                                                  \
    TD_FEED_ROW("name", TD_OPTION_TEXT, NULL, 0, 0, name,                                                              \
                "names it in records and counts; unset: its kind, then kind-2, …"),                                    \
        TD_FEED_ROW("venue", TD_OPTION_TEXT, venue_, 0, 0, venue, "first part of its instruments' names"),             \
        TD_FEED_ROW("lateness", TD_OPTION_DURATION, "1s", 0, 0, lateness_ns,                                           \
                    "how far behind its newest event time a later event may be and find its window open"),             \
        TD_FEED_ROW("max_delay", TD_OPTION_DURATION, "1s", 0, 0, max_delay_ns,                                         \
                    "how far behind its clock the next event may be: bounds given while it is quiet"),                 \
        TD_FEED_ROW("silence", TD_OPTION_DURATION, "0s", 0, 0, silence_ns,                                             \
                    "no event for longer while it is connected is told as a gap; 0s: never"),                          \
        TD_FEED_ROW("max_ahead", TD_OPTION_DURATION, "5s", 0, 0, max_ahead_ns,                                         \
                    "how far ahead of its arrival an event's time may be; others are quarantined"),                    \
        TD_FEED_ROW("max_instruments", TD_OPTION_INT, "10000", 1, 1e6, max_instruments,                                \
                    "how many it may name in one partition; events of others are quarantined"),                        \
        {.key = "rules",                                                                                               \
         .type = TD_OPTION_CHOICE,                                                                                     \
         .fallback = rules_,                                                                                           \
         .choices = "basic|venue|off",                                                                                 \
         .offset = offsetof(td_feed_conf, rules),                                                                      \
         .help =                                                                                                       \
             "basic quarantines crossed quotes and outlying prices; venue, the default of feeds with a table of sale " \
             "conditions (lean, finnhub), also keeps trades from the parts of a bar that theirs may not set"},         \
    {                                                                                                                  \
        .key = "trade_ids", .type = TD_OPTION_CHOICE, .fallback = (ids_), .choices = "ordered|any|off|venue",          \
        .offset = offsetof(td_feed_conf, trade_ids),                                                                   \
        .help =                                                                                                        \
            "by which doubles are known: ids that count an instrument's trades, ids in any order (the last 32 "        \
            "are compared), or not at all; venue is any where a venue's ids count over all its pairs, else ordered"    \
    }

/* … of a live feed whose venue wants to know who asks. */
#define TD_FEED_ROWS_TOKEN(help_)                                                                                      \
    {.key = "token",                                                                                                   \
     .type = TD_OPTION_SECRET,                                                                                         \
     .required = true,                                                                                                 \
     .offset = offsetof(td_feed_conf, token),                                                                          \
     .help = (help_)},                                                                                                 \
        TD_FEED_ROW("token_file", TD_OPTION_TEXT, NULL, 0, 0, token_file, "file that holds the token, instead")

/* … of a live feed whose venue can be asked for its past (feed/history.h). */
#define TD_FEED_ROWS_HISTORY(url_)                                                                                     \
    TD_FEED_ROW("history", TD_OPTION_TEXT, url_, 0, 0, history,                                                        \
                "http://HOST[:PORT] or https://… to ask for what was missed, and for whole books where none are "    \
                "sent; \"\": what was missed is lost"),                                                                \
        TD_FEED_ROW("history_interval", TD_OPTION_DURATION, "300ms", 0, 6e10, history_interval_ns,                     \
                    "least time between two requests"),                                                                \
        TD_FEED_ROW("history_after", TD_OPTION_DURATION, "5s", 0, 36e11, history_after_ns,                             \
                    "how long a gap is left alone: what is merely late comes by itself"),                              \
        TD_FEED_ROW("history_max", TD_OPTION_INT, "1000000", 1, 1e12, history_max,                                     \
                    "most trades to ask for one gap; what lies further back is lost"),                                 \
        TD_FEED_ROW("history_tries", TD_OPTION_INT, "5", 1, 1000, history_tries,                                       \
                    "requests that may fail in a row, then the rest of a gap is lost")

typedef struct td_live_ops {
    /* Begins a session of that number; the next SESSION item tells how it went. Errors: TD_RETRY. */
    TD_CHECKED td_status (*connect)(void *feed, uint32_t session);
    /* Moves bytes between network and memory. To be called while items cannot be taken, too: a venue wants its pings
     * answered. Returns work done. */
    int (*pump)(void *feed);
    /* Takes leave of the venue, a step a call, items being taken meanwhile: tells it that nothing is wanted any more,
     * hears its answer and says goodbye; half a second in all where it is silent. True: nothing is open, and nothing
     * comes any more. NULL: this kind has nobody to tell. */
    bool (*leave)(void *feed);
    /* Begins to ask the venue for what is missing in an open gap with a known end. Its trades come as EVENT items of
     * origin BACKFILL, behind what is live, then BACKFILL. Not before the first session. TD_FULL: not now. TD_REJECT:
     * this venue has no past for it. NULL: this kind of feed never has.
     * A gap of reason SEQUENCE is a book's that was WANTED: the whole book comes, as the venue has it now. Its number
     * is 0, only its instrument is said. TD_REJECT: it waits no more. */
    TD_CHECKED td_status (*backfill)(void *feed, const td_gap *gap);
    /* The log holds that of an answer; not whole: the process died within it. Before the first connect. NULL: this kind
     * of feed gives no ANSWER items. */
    void (*hold)(void *feed, const td_feed_answer *answer);
    /* Another program puts its events on the tape: there are no sessions and no items, only time is given. */
    bool elsewhere;
    /* All or none: a source that keeps what it has, so that nothing is missed while there is no session, and what a
     * process that died had taken is read again from a place that the log keeps (flow/bookmarks.h). `keep` says from
     * where, before the first connect; without it the feed's settings do. */
    void (*keep)(void *feed, const td_feed_places *places);
    /* All that the source had at that instant of the machine has been given; TD_NONE: of no instant that is known. */
    int64_t (*whole_ns)(const void *feed);
    /* Records that the source had when it was last asked and that have not been given; -1: it did not answer then. */
    int64_t (*lag)(const void *feed);
} td_live_ops;

typedef struct td_feed_file {
    const char *path;  /* borrowed for the feed's life */
    int64_t begins_ns; /* no clock of its items is earlier; 0: not known, or it cannot be read */
} td_feed_file;

typedef struct td_feed_ops {
    const char *format;       /* "lean" */
    bool is_file;             /* configured under `file: {format: …}`; else under its own name */
    const td_live_ops *live;  /* NULL: all its input is there from the beginning, and can be read again */
    const char *venue;        /* default venue; NULL: its input says it */
    int feeds_per_token;      /* more are refused: the venue takes so many connections; 0: any number */
    const td_option *options; /* rows over td_feed_conf: the common ones and its own */
    /* Errors: TD_CONFIG names the key; TD_RETRY. `os`, `conf` and `instruments` are borrowed for the feed's life. */
    TD_CHECKED td_status (*open)(void **out, const td_os *os, const td_feed_conf *conf, td_instruments *instruments);
    /* The next item, in the feed's order (design wall 4). TD_OK always fills *out; after END it stays END.
     * TD_AGAIN: a live feed has none now. TD_RETRY: the machine broke; call again. */
    TD_CHECKED td_status (*next)(void *feed, td_feed_item *out);
    /* Where is_file: the file of that number in its items' positions, as it was at open; false: there are no more. */
    bool (*file)(const void *feed, size_t index, td_feed_file *out);
    /* Trade ids of what is there at open count over several instruments. NULL: an instrument's alone. */
    bool (*shares_ids)(const void *feed);
    void (*close)(void *feed); /* accepts NULL */
} td_feed_ops;

/* TD_CONFIG when no instrument can be named after the venue. For open. */
TD_CHECKED td_status td_feed_check_venue(const char *venue);
/* Feeds give no instant after this one (the year 2200): sums with durations stay within int64. */
#define TD_FEED_INSTANT_MAX_NS (INT64_C(7258118400) * 1000000000)

extern const td_feed_ops td_feed_lean, td_feed_binance_collector, td_feed_cryptofeed, td_feed_simulated,
    td_feed_websocket, td_feed_coinbase, td_feed_coincap, td_feed_finnhub, td_feed_twelvedata, td_feed_actions,
    td_feed_alphavantage, td_feed_alphavantage_live, td_feed_twelvedata_series, td_feed_csv, td_feed_parquet,
    td_feed_avro, td_feed_produced, td_feed_kafka;
