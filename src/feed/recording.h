/* src/feed/recording.h - a feed out of text files, whatever the format: files by a glob, merged line by line in the
 * order (clock, the format's rank, file, line), where a file's clock is the running maximum of its lines' clocks.
 * A file is opened when the feed's clock reaches its beginning and closed at its end, so that many days cost no more
 * than one. A format gives the two functions that know it. Thread: one. */
#pragma once
#include "feed/feed.h"

typedef enum td_notice_kind {
    TD_NOTICE_NONE,
    TD_NOTICE_HEARTBEAT, /* it is alive */
    TD_NOTICE_LAST,      /* `event` is the last trade there was, which it told before */
    TD_NOTICE_ACK,       /* what it sends from now on */
    TD_NOTICE_ERROR,     /* it refuses something */
    TD_NOTICE_DENIED,    /* it refuses the token, and so everything */
    TD_NOTICE_RECONNECT, /* it will end this connection: another one is to be opened */
} td_notice_kind;

typedef struct td_notice { /* what a venue says of the session */
    uint8_t kind;          /* td_notice_kind */
    bool of_instrument;    /* HEARTBEAT: the next two are said */
    uint32_t instrument;
    int64_t trade_id; /* of its last trade: later ones than those that came are missing */
    td_bytes text;    /* ACK: of what, ERROR: why; as it stands in the message, or empty */
} td_notice;

typedef struct td_recorded { /* what one line or message says, or a part of it */
    td_item_kind kind;       /* EVENT, REJECTED, IGNORED; END: nothing at all, as a blank line */
    bool more;               /* it says more: decoding the same bytes again, next, gives the next part */
    bool parted;             /* another session of its file begins with it */
    int64_t clock_ns;        /* its instant on the feed's clock; 0: it has none */
    int64_t order;           /* of lines of one clock in several files: the lower one first; 0: not said */
    int64_t ns_of_day;       /* exchange-local, for from and to; -1: unknown, so never filtered */
    uint8_t reason;          /* REJECTED: td_reason */
    const char *detail;      /* REJECTED: what is wrong; until the next call */
    td_bytes part;           /* REJECTED: what of the message, where that says more than one thing; else empty */
    const char *ignored;     /* IGNORED: kind of message, a literal */
    td_notice notice;        /* IGNORED: of a live session */
    td_event event; /* EVENT, or a notice of the LAST: all but `feed`, and `receive_ns` unless it is a release */
} td_recorded;

typedef struct td_naming { /* of instruments */
    const char *venue;     /* NULL: the source's own to say */
    td_instruments *instruments;
} td_naming;

typedef struct td_recording_file { /* what a format gets to know of a file */
    const char *name;              /* inside the zip; else "" */
    td_bytes first_line;           /* empty where it is blank or too long */
    td_naming naming;
    const td_texts *fields; /* of the feed's configuration */
    /* Of files that are no text, whose columns `first_line` names without being one of their lines: the least value of
     * a column, counted from 0. TD_AGAIN: its values have no order of their own, or there are none. Errors as
     * td_recording_files' next. NULL: of text. */
    TD_CHECKED td_status (*least)(void *of, size_t column, td_bytes *out);
    void *of;
} td_recording_file;

struct td_recording_files; /* feed/recording_files.h */

typedef struct td_recording_begin {
    int64_t start_ns; /* no line's clock is earlier; 0: unknown */
    int rank;         /* among lines of the same clock: lower ones first */
    bool shares_ids;  /* its trade ids count over several instruments */
} td_recording_begin;

typedef struct td_recording_ops {
    size_t state_size;                      /* of a file's own state, kept while it is open */
    bool plain;                             /* files that are not packed are read, too */
    const struct td_recording_files *files; /* NULL: files are text */
    /* Fills the state (zeroed). What `file` lends stays valid as long, the first line only in this call.
     * Errors: TD_REJECT with a trail: not a file of this format; what `least` fails with. */
    TD_CHECKED td_status (*begin)(void *state, const td_recording_file *file, td_recording_begin *out);
    /* Decodes a line that is not blank into *out: clock, ns_of_day, more, parted, part and notice say
     * nothing yet. */
    void (*decode)(void *state, td_bytes line, td_recorded *out);
} td_recording_ops;

#define TD_RECORDING_ROWS                                                                                              \
    {.key = "path",                                                                                                    \
     .type = TD_OPTION_TEXT,                                                                                           \
     .required = true,                                                                                                 \
     .offset = offsetof(td_feed_conf, path),                                                                           \
     .help = "file, or files by the wildcards * ? [a-z]"},                                                             \
        TD_FEED_ROW("from", TD_OPTION_CLOCK, NULL, 0, 0, from_ns,                                                      \
                    "time of day at the exchange, quoted: rows from there"),                                           \
        TD_FEED_ROW("to", TD_OPTION_CLOCK, NULL, 0, 0, to_ns, "as `from`: rows before it; may wrap midnight")

/* open, next, file, shares_ids and close of td_feed_ops for a format. Errors of open: TD_CONFIG when `path` names no
 * file, TD_RETRY. */
TD_CHECKED td_status td_recording_open(void **out, const td_os *os, const td_feed_conf *conf,
                                       const td_recording_ops *ops, td_instruments *instruments);
TD_CHECKED td_status td_recording_next(void *recording, td_feed_item *out);
bool td_recording_file_of(const void *recording, size_t index, td_feed_file *out);
bool td_recording_shares_ids(const void *recording);
void td_recording_close(void *recording); /* accepts NULL */

/* A number of a row: TD_REASON_NONE, MALFORMED (not a number) or RANGE (does not fit). Adds TD_FLAG_INEXACT. */
td_reason td_recorded_number(td_bytes text, int scale, int64_t *out_m, uint8_t *flags);
void td_recorded_reject(td_recorded *out, td_reason reason, const char *detail);
/* Rejects what lies after TD_FEED_INSTANT_MAX_NS. */
void td_recorded_check_instants(td_recorded *out);
/* A side of a quote: price and size as texts. Where both are 0 it is missing. */
td_reason td_recorded_side(const td_bytes texts[2], int price_scale, int64_t *price, int64_t *size, uint8_t *flags);
/* Index of "VENUE:SYMBOL"; false when that is no valid name. */
bool td_recorded_instrument(const td_naming *naming, td_bytes symbol, uint32_t *out_index);
