/* src/schema/record.h - our values as schema-tagged bytes and back: Confluent's wire format (0, schema id as big-endian
 * u32, Avro body). One encoder and one decoder per schema in schemas/, written by hand for speed and held to the .avsc
 * files by tests with other Avro libraries. Thread: any; nothing is kept. Nothing allocates but a growing td_buf. */
#pragma once
#include "model/bar.h"
#include "model/event.h"
#include "model/fill.h"
#include "model/gap.h"
#include "model/member.h"
#include "model/raw.h"
#include "model/refusal.h"
#include "model/signal.h"

typedef enum td_schema { /* our schemas; the id on the wire comes from the registry */
                         TD_SCHEMA_TRADE,
                         TD_SCHEMA_QUOTE,
                         TD_SCHEMA_TIME,
                         TD_SCHEMA_PROGRAM,
                         TD_SCHEMA_BAR,
                         TD_SCHEMA_SIGNAL,
                         TD_SCHEMA_REJECTED,
                         TD_SCHEMA_QUARANTINED,
                         TD_SCHEMA_FILLED,
                         TD_SCHEMA_GAP,
                         TD_SCHEMA_CORPORATE,
                         TD_SCHEMA_BOOK,
                         TD_SCHEMA_PRICE,
                         TD_SCHEMA_VENDOR_BAR,
                         TD_SCHEMA_RAW,
                         TD_SCHEMA_FILL,
                         TD_SCHEMA_NEWS,
                         TD_SCHEMA_MEMBER,
                         TD_SCHEMA_PUBLISHED_TRADE,
                         TD_SCHEMA_PUBLISHED_QUOTE,
                         TD_SCHEMA_PUBLISHED_NEWS,
                         TD_SCHEMA_COUNT,
} td_schema;

/* Added to a td_schema once for each version before the one that is written: those are read, never written. */
enum { TD_SCHEMA_BEFORE = 32, TD_SCHEMA_OLDER_MAX = 2 };
_Static_assert((int)TD_SCHEMA_COUNT <= (int)TD_SCHEMA_BEFORE, "a schema and its age are told apart");

enum { TD_SCHEMA_SLOTS = 128 };
_Static_assert((int)TD_SCHEMA_COUNT *(1 + (int)TD_SCHEMA_OLDER_MAX) < (int)TD_SCHEMA_SLOTS, "there is a free slot");

/* Which of our schemas an id on the wire means, and back. Filled by the registry; constant while records flow. */
typedef struct td_schema_ids {
    int32_t id[TD_SCHEMA_COUNT];    /* -1: none yet */
    int32_t known[TD_SCHEMA_SLOTS]; /* an id in the first slot free from its remainder on; 0: free */
    int8_t schema[TD_SCHEMA_SLOTS]; /* of it: td_schema with its TD_SCHEMA_BEFOREs */
    int32_t used;                   /* slots */
} td_schema_ids;

static inline void td_schema_ids_init(td_schema_ids *ids) {
    *ids = (td_schema_ids){0};
    memset(ids->id, -1, sizeof ids->id);
}

/* What an id means, or -1. */
static inline int td_schema_ids_find(const td_schema_ids *ids, uint32_t id) {
    uint32_t at = id % TD_SCHEMA_SLOTS;
    while (ids->known[at] != 0 && ids->known[at] != (int32_t)id) at = (at + 1) % TD_SCHEMA_SLOTS;
    return ids->known[at] != 0 ? ids->schema[at] : -1;
}

/* Ids are positive. False when there are more than we can have. */
static inline bool td_schema_ids_put(td_schema_ids *ids, int32_t id, int8_t schema) {
    uint32_t at = (uint32_t)id % TD_SCHEMA_SLOTS;
    while (ids->known[at] != 0 && ids->known[at] != id) at = (at + 1) % TD_SCHEMA_SLOTS;
    if (ids->known[at] == 0) {
        if (ids->used == TD_SCHEMA_SLOTS - 1) return false; /* an empty one ends each search */
        ids->used++;
    }
    ids->known[at] = id;
    ids->schema[at] = schema;
    return true;
}

/* Each appends one whole value: 5 bytes of framing, then the body. `feed` and `instrument` are names. */
void td_record_put_event(td_buf *buf, const td_schema_ids *ids, td_bytes feed, const td_event *event);
void td_record_put_bar(td_buf *buf, const td_schema_ids *ids, td_bytes instrument, const td_bar *bar);
void td_record_put_signal(td_buf *buf, const td_schema_ids *ids, td_bytes instrument, const td_signal *signal);
void td_record_put_rejected(td_buf *buf, const td_schema_ids *ids, const td_rejected *rejected);
void td_record_put_quarantined(td_buf *buf, const td_schema_ids *ids, td_bytes instrument, const td_quarantined *q);
void td_record_put_raw(td_buf *buf, const td_schema_ids *ids, const td_raw *raw);
void td_record_put_fill(td_buf *buf, const td_schema_ids *ids, td_bytes instrument, const td_fill *fill);
void td_record_put_member(td_buf *buf, const td_schema_ids *ids, const td_member *member);
void td_record_put_gap(td_buf *buf, const td_schema_ids *ids, td_bytes instrument, const td_gap *gap);

/* Of the trades, quotes and news alone, as everybody is told of those that were accepted. */
bool td_record_is_published(uint8_t event_kind);
void td_record_put_published(td_buf *buf, const td_schema_ids *ids, td_bytes feed, td_bytes instrument,
                             const td_event *event);

/* "Trade", "Bar", …: a literal; tapedeck.<name> is the full name. */
const char *td_schema_name(td_schema schema);

/* The schema of a value, or -1 when it is not one of ours. */
int td_record_schema(const td_schema_ids *ids, td_bytes value);

/* Each reads one whole value of its kind. The instrument is the record's key and is not in the body of events; indexes
 * (feed, instrument) are left 0 for the caller to fill; texts are borrowed from `value`. A time record has no event and
 * receive time but its clock, which stands in both (so does a fill); a program has neither (0) and no feed (""). Where
 * origin is the feed's, of_epoch and of_offset are left as they are. Errors: TD_CORRUPT without a trail: bytes that our
 * own encoder cannot have written. */
TD_CHECKED td_status td_record_get_event(const td_schema_ids *ids, td_bytes value, td_event *out, td_bytes *out_feed);
/* The same without a trade's or quote's codes, which are left as they are: what rules and windows look at on each tick.
 */
TD_CHECKED td_status td_record_get_event_numbers(const td_schema_ids *ids, td_bytes value, td_event *out,
                                                 td_bytes *out_feed);
/* The levels of a book update that one of those has read; returns how many there are. */
size_t td_record_get_levels(td_bytes value, td_book_level out[TD_BOOK_LEVELS_MAX]);
TD_CHECKED td_status td_record_get_bar(const td_schema_ids *ids, td_bytes value, td_bar *out, td_bytes *out_instrument);
TD_CHECKED td_status td_record_get_signal(const td_schema_ids *ids, td_bytes value, td_signal *out,
                                          td_bytes *out_instrument);
TD_CHECKED td_status td_record_get_rejected(td_bytes value, td_rejected *out);
TD_CHECKED td_status td_record_get_raw(td_bytes value, td_raw *out);
TD_CHECKED td_status td_record_get_quarantined(const td_schema_ids *ids, td_bytes value, td_quarantined *out,
                                               td_bytes *out_instrument);
TD_CHECKED td_status td_record_get_fill(td_bytes value, td_fill *out, td_bytes *out_instrument);
TD_CHECKED td_status td_record_get_member(const td_schema_ids *ids, td_bytes value, td_member *out);
/* Of where it comes from the origin alone. */
TD_CHECKED td_status td_record_get_published(const td_schema_ids *ids, td_bytes value, td_event *out,
                                             td_bytes *out_feed, td_bytes *out_instrument);
TD_CHECKED td_status td_record_get_gap(td_bytes value, td_gap *out, td_bytes *out_instrument);

/* Appends an output of a version before as it is written now, what that did not know being as it was then.
 * False, and nothing appended: the value is no such. */
bool td_record_renew(td_buf *buf, const td_schema_ids *ids, td_bytes value);

/* Appends one value of any of our schemas as one line of JSON (no line end) for people and scripts: the schema's name,
 * then its fields; decimals are text in plain notation, instants and counts integers, missing numbers null, hashes hex.
 * False, and nothing appended, when the schema is unknown or the bytes are bad. */
bool td_record_json(const td_schema_ids *ids, td_bytes value, td_buf *out);
/* The same without the schema's name: what stands in a topic of one schema. */
bool td_record_json_plain(const td_schema_ids *ids, td_bytes value, td_buf *out);
