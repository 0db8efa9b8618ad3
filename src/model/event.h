/* src/model/event.h - what a market says, as plain values: trade, quote, price, news, and time itself. Copy freely;
 * owns nothing. Instants are UTC ns since the Unix epoch, prices decimal(19,9), sizes decimal(19,8), all int64. A
 * missing number is TD_NONE, never 0. */
#pragma once
#include "base/bytes.h"

#define TD_NONE INT64_MIN

typedef enum td_event_kind {
    TD_EVENT_TRADE = 1,
    TD_EVENT_QUOTE,     /* top of book; a side may be missing */
    TD_EVENT_TIME,      /* "nothing of this feed earlier than bound is expected" */
    TD_EVENT_PROGRAM,   /* from here on this program applies */
    TD_EVENT_FILLED,    /* a backfill of one instrument has ended */
    TD_EVENT_PRICE,     /* a price that nobody says to be a trade's */
    TD_EVENT_CORPORATE, /* a split, a dividend, another symbol; moves no time, as what follows */
    TD_EVENT_BOOK,      /* levels of an order book */
    TD_EVENT_VENDOR_BAR,
    TD_EVENT_NEWS,
} td_event_kind;

/* "trade", "price", "Time": literals. */
const char *td_event_kind_name(td_event_kind kind);

typedef enum td_side { TD_SIDE_UNKNOWN, TD_SIDE_BUY, TD_SIDE_SELL } td_side; /* the aggressor's */
const char *td_side_name(td_side side);                                      /* "unknown", "buy", "sell": literals */

typedef enum td_session { TD_SESSION_LIVE, TD_SESSION_IDLE, TD_SESSION_DOWN, TD_SESSION_ENDED } td_session;

enum {                           /* td_event.flags, stored as they are: never renumber */
       TD_FLAG_INEXACT = 1,      /* the source had more digits than we keep; rounded half-even */
       TD_FLAG_TIME_RECEIVE = 2, /* the source gave no event time: receive time stands in      */
       TD_FLAG_SUSPICIOUS = 4,   /* the source itself doubts this tick                         */
       TD_FLAG_ANEW = 8,         /* appended anew: origin, of_… and pass say why               */
       TD_FLAG_COPY = 16,        /* a copy of what stands in its instrument's partition, for strategies of this one */
};

typedef enum td_event_origin { TD_ORIGIN_FEED, TD_ORIGIN_RELEASE, TD_ORIGIN_BACKFILL } td_event_origin;
const char *td_event_origin_name(td_event_origin origin); /* "feed", "release", "backfill": literals */

enum { TD_CODE_MAX = 15 }; /* longest exchange code or sale condition kept, in bytes */

typedef struct td_code { /* a short text: exchange "P", condition "20002020" */
    uint8_t size;
    char text[TD_CODE_MAX];
} td_code;

typedef struct td_trade {
    int64_t price, size;
    int64_t trade_id; /* the venue's id or sequence as a number, TD_NONE without one */
    uint8_t side;     /* td_side */
    td_code exchange, condition;
} td_trade;

typedef struct td_quote {
    int64_t bid_price, bid_size, ask_price, ask_size; /* TD_NONE: that side is missing, or no size said */
    int64_t sequence;                                 /* TD_NONE without one */
    td_code exchange, condition;
} td_quote;

typedef struct td_price {
    int64_t price;
} td_price;

typedef struct td_time_mark {
    int64_t bound_ns; /* nothing earlier is expected; TD_NONE: no statement (session down) */
    int64_t clock_ns; /* the feed's clock when this was written */
    uint8_t session;  /* td_session */
} td_time_mark;

typedef enum td_fill_extent { TD_FILL_WHOLE, TD_FILL_PART, TD_FILL_NONE, TD_FILL_EXTENT_COUNT } td_fill_extent;

typedef struct td_filled {
    int64_t gap;    /* number of the instrument's gap */
    uint8_t extent; /* td_fill_extent: how much of it the venue gave */
} td_filled;

typedef enum td_corporate_kind {
    TD_CORPORATE_SPLIT,
    TD_CORPORATE_DIVIDEND,
    TD_CORPORATE_SYMBOL,
    TD_CORPORATE_KIND_COUNT,
} td_corporate_kind;

typedef struct td_corporate {        /* what a company did to its shares; corporate.h. Texts are borrowed */
    int32_t ex_day;                  /* days since 1970-01-01 at the exchange: it applies from the begin of that day */
    uint32_t numerator, denominator; /* SPLIT: so many shares stand for so many; else 0 */
    uint8_t kind;                    /* td_corporate_kind */
    int64_t amount;                  /* DIVIDEND: of one share, decimal(19,9); else 0 */
    td_code currency;                /* of the amount; may be empty */
    td_bytes symbol, source;         /* SYMBOL: the new one; who says so; "" where nothing is said */
} td_corporate;

/* A bar that a vendor made and we did not: of its trades nothing is known. The event's time is its end, which of a day
 * is the end of the exchange's. */
typedef struct td_vendor_bar {
    int64_t width_ns, start_ns;
    int64_t open, high, low, close;
    int64_t volume; /* TD_NONE: not said */
    bool adjusted;  /* restated for what companies did to their shares since */
} td_vendor_bar;

/* Of what is about several instruments each has an event; of what is about none TD_GENERAL_NEWS has it. Texts are
 * borrowed, and UTF-8; "" where nothing is said, which of the headline does not occur. */
typedef struct td_news {
    td_bytes headline, source, url, id;
    double sentiment; /* the source's own scale; NaN: not said */
} td_news;
#define TD_GENERAL_NEWS "*" /* stands where an instrument's name does */

typedef enum td_book_side { TD_BOOK_BID, TD_BOOK_ASK, TD_BOOK_SIDE_COUNT } td_book_side;

typedef struct td_book_level { /* all that stands at a price */
    int64_t price, size;       /* size 0: nothing any more */
    uint8_t side;              /* td_book_side */
} td_book_level;

enum { TD_BOOK_LEVELS_MAX = 128 }; /* of one event: a message with more of them is several */

typedef struct td_book {
    int64_t first_sequence, last_sequence; /* the venue's numbers that the message stands for; TD_NONE without; a first
                                              without a last one: something before it is missing that nobody counts */
    bool snapshot;                         /* what was known of the book before is void */
    bool more;                             /* the message goes on in the instrument's next one */
    uint16_t level_count;
    const td_book_level *levels; /* in the message's order; borrowed. NULL as a record is read: td_record_get_levels */
} td_book;

typedef struct td_program_mark {
    uint8_t sha256[32]; /* of its body */
    int64_t warm_from;  /* the offset from which what is new in it is warmed; TD_NONE: all strategies start anew */
} td_program_mark;

typedef struct td_event {
    uint8_t kind; /* td_event_kind */
    uint8_t flags;
    uint8_t origin;              /* td_event_origin */
    uint32_t feed;               /* index in the owner's feed table                                       */
    uint32_t instrument;         /* index in the owner's instrument table; not of TIME and PROGRAM        */
    uint32_t pass;               /* reasons (model/refusal.h) whose rules let it by, a bit each               */
    int64_t event_ns;            /* by the venue: the only time that windows know                         */
    int64_t receive_ns;          /* the feed's clock on arrival: measures lag, gives known_at             */
    int64_t of_epoch, of_offset; /* RELEASE: the record of its partition that it stands for, or TD_NONE;
                                    BACKFILL: the instrument's gap by number, the place in its backfill from 1 */
    union {
        td_trade trade;
        td_quote quote;
        td_price price;
        td_time_mark time;
        td_filled filled;
        td_corporate corporate;
        td_book book;
        td_vendor_bar vendor_bar;
        td_news news;
        td_program_mark program;
    };
} td_event;

/* What a market says of an instant: it moves time, and each is accepted, quarantined or a double. */
static inline bool td_event_is_tick(const td_event *event) {
    return event->kind == TD_EVENT_TRADE || event->kind == TD_EVENT_QUOTE || event->kind == TD_EVENT_PRICE ||
           event->kind == TD_EVENT_NEWS;
}

/* Its time is further ahead of its arrival than that: a clock is wrong. */
static inline bool td_event_is_ahead(const td_event *event, int64_t max_ahead_ns) {
    return (int64_t)((uint64_t)event->event_ns - (uint64_t)event->receive_ns) > max_ahead_ns;
}

/* Where a source was: file index within the feed, from 0, and line, from 1. Of a live feed: TD_SESSION_BIT and the
 * session's number, from 1, and the message in the session, from 1. What a line or message says is numbered from 0. */
#define TD_SESSION_BIT UINT32_C(0x80000000)
typedef struct td_source_position {
    uint32_t file;
    uint64_t line;
    uint32_t part;
} td_source_position;

static inline bool td_source_is_live(td_source_position position) { return (position.file & TD_SESSION_BIT) != 0; }
static inline bool td_source_position_equal(td_source_position a, td_source_position b) {
    return a.file == b.file && a.line == b.line && a.part == b.part;
}
