/* src/feed/venue.h - a venue's messages: the bytes of one into what it says. One table per venue, for recordings and
 * live connections alike. A decoder is pure: what comes out follows from the messages alone, in their order; it reads
 * no clock, allocates nothing and keeps no bytes but those of a message that says more. What each venue's give:
 * docs/feeds.md. Thread: one at a time. */
#pragma once
#include "base/json.h"
#include "feed/history.h"

enum { TD_VENUE_STATE_MAX = 4096 }; /* bytes of a decoder's state at most */

typedef struct td_venue_ops {
    const char *format; /* "coinbase" */
    const char *venue;  /* "COINBASE": what its instruments are called, where nobody says otherwise */
    size_t state_size;
    bool shares_ids;               /* trade ids count over all its instruments */
    bool many;                     /* a message may say more than one thing: td_recorded.more */
    const td_history_ops *history; /* NULL: its past cannot be asked for */
    /* Appends path and query of the request for a whole book; its answer is a message for `decode`, in a session of
     * that address. NULL: it sends whole books by itself, or has none. */
    void (*put_depth_path)(td_buf *url, td_bytes symbol);
    /* Fills the zeroed state of a new session. `url`: what was connected to, or empty; what subscriptions it names may
     * say how messages are to be read. */
    void (*begin)(void *state, const td_naming *naming, td_bytes url);
    /* Decodes one message into *out, whose `more`, `part` and `notice` say nothing yet: EVENT (all but feed and receive
     * time; what has no time of its own takes the receive time), REJECTED or IGNORED. Its clock is the owner's to set.
     * While out->more, the next call gets the same bytes. */
    void (*decode)(void *state, td_bytes message, int64_t receive_ns, td_recorded *out);
} td_venue_ops;

extern const td_venue_ops td_venue_binance, td_venue_bitstamp, td_venue_coinbase, td_venue_coincap, td_venue_finnhub,
    td_venue_kraken, td_venue_twelvedata;
extern const td_venue_ops *const td_venues[]; /* all of them, then NULL */
/* Their formats, in that order. */
#define TD_VENUE_WORDS "binance|bitstamp|coinbase|coincap|finnhub|kraken|twelvedata"

/* The venue of a recorded address, by its host; NULL: nobody's. */
const td_venue_ops *td_venue_of_url(td_bytes url);

/* ---- for the decoders ---- */

typedef struct td_symbols { /* instruments by the venue's own names */
    td_naming naming;
    uint32_t instrument; /* of `text`: often the next message's, too */
    size_t size;
    char text[TD_INSTRUMENT_NAME_MAX];
} td_symbols;

/* False when no instrument can be called so. */
bool td_symbols_find(td_symbols *symbols, td_bytes symbol, uint32_t *out);
/* The event of that instrument, or what was wrong with one of its fields. */
void td_symbols_event(td_symbols *symbols, td_bytes symbol, td_reason reason, td_recorded *out);

typedef struct td_field { /* a value: ERROR, as in zeroed bytes, where it is not there */
    td_json_type type;
    td_bytes text; /* STRING, NUMBER: its characters, none where some are escaped; OBJECT, ARRAY: all of it */
} td_field;

#define TD_KEY(literal)                                                                                                \
    { (const uint8_t *)(literal), sizeof(literal) - 1 }

/* The same of what is neither a number nor a text without escapes, behind its first token, which is in out->type. */
bool td_field_read_rest(td_json *json, td_field *out);
/* Reads the value that comes next, whatever it is. */
static inline bool td_field_read(td_json *json, td_field *out) {
    out->type = td_json_next(json);
    out->text = json->text;
    if (out->type == TD_JSON_NUMBER || (out->type == TD_JSON_STRING && !json->escaped)) return true;
    return td_field_read_rest(json, out);
}
/* Reads the members of an object behind its brace: those called `keys` into `fields` (zeroed), the last of a name. */
bool td_fields_read(td_json *json, const td_bytes *keys, td_field *fields, size_t count);
/* The same of a message that is one object; one of another kind has none of the fields. */
bool td_message_read(td_bytes message, const td_bytes *keys, td_field *fields, size_t count);

typedef struct td_parts { /* of a message that says more: elements of an array, or members of an object */
    td_json json;         /* behind what came out last */
    const uint8_t *from;  /* … and where that is, while the next one is read */
    bool within;
} td_parts;

/* `list` with its bracket; it was read to its end before. */
void td_parts_begin(td_parts *parts, td_bytes list);
/* Behind a part, read well or not: says which it is, and whether there is another one. */
void td_parts_pass(td_parts *parts, bool good, td_recorded *out);

td_reason td_recorded_integer(td_bytes text, int64_t *out);
/* RFC 3339, or a whole number of seconds, ms, us or ns since 1970, as its size says. */
td_reason td_recorded_time(td_bytes text, int64_t *out_ns);
void td_recorded_ignore(td_recorded *out, const char *kind);
/* An event, or what was wrong with its fields. */
void td_recorded_event(td_recorded *out, td_reason reason);
