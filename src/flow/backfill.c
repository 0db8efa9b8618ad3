/* src/flow/backfill.c - one entry per open gap: what is known of it, and what was done about it. */
#include "flow/backfill.h"
#include "base/time.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { NO_ENTRY = -1, RECORDS_MAX = 1024, BOOK_NUMBER = 0 /* those of gaps begin at 1 */ };
#define LOOK_NS  (TD_NS_PER_S / 10)
#define WAIT_NS  TD_NS_PER_S
#define WAIT_MAX (60 * TD_NS_PER_S)

typedef enum entry_state {
    FREE,
    WAITING,
    ASKED,
    ENDED, /* its Filled is to be given */
    GIVEN, /* … and was: the ledger will say what became of it */
} entry_state;

typedef struct entry {
    entry_state state;
    bool again; /* ASKED: the gap has grown since */
    uint32_t feed;
    td_gap gap; /* its feed's name is not kept */
    td_fill_extent extent;
    int64_t due_ns, wait_ns; /* monotonic: the next try; the wait behind the next failure */
    int64_t failures;        /* in a row */
    int next;                /* of the same instrument, or of the free ones */
} entry;

struct td_backfill {
    td_backfill_conf conf;
    td_reader *readers[TD_PARTITIONS_MAX]; /* NULL: it cannot be read any further */
    int64_t look_ns;                       /* monotonic: not looked at again before */
    entry *entries;
    int count, capacity, free, ended;
    int *first; /* by instrument: its first entry */
    uint32_t first_count;
};

/* ---- entries ---- */

static int *chain_of(td_backfill *b, uint32_t instrument) {
    if (instrument >= b->first_count) {
        uint32_t count = td_instruments_count(b->conf.instruments) * 2;
        int *grown = td_alloc(count * sizeof *grown);
        if (b->first_count > 0) memcpy(grown, b->first, b->first_count * sizeof *grown);
        for (uint32_t i = b->first_count; i < count; i++) grown[i] = NO_ENTRY;
        free(b->first);
        b->first = grown;
        b->first_count = count;
    }
    return &b->first[instrument];
}

/* What names the entry: NO_ENTRY where there is none. */
static int *find(td_backfill *b, uint32_t instrument, int64_t number) {
    int *at = chain_of(b, instrument);
    while (*at != NO_ENTRY && b->entries[*at].gap.number != number) at = &b->entries[*at].next;
    return at;
}

static int take_entry(td_backfill *b) {
    int i = b->free;
    if (i != NO_ENTRY) {
        b->free = b->entries[i].next;
        return i;
    }
    if (b->count == b->capacity) {
        b->capacity = b->capacity == 0 ? 64 : 2 * b->capacity;
        entry *grown = td_alloc((size_t)b->capacity * sizeof *grown);
        if (b->count > 0) memcpy(grown, b->entries, (size_t)b->count * sizeof *grown);
        free(b->entries);
        b->entries = grown;
    }
    return b->count++;
}

static void set_state(td_backfill *b, entry *e, entry_state state) {
    b->ended += (state == ENDED) - (e->state == ENDED);
    e->state = state;
}

static void drop_entry(td_backfill *b, int *at) {
    int i = *at;
    entry *e = &b->entries[i];
    *at = e->next;
    set_state(b, e, FREE);
    e->next = b->free;
    b->free = i;
}

/* ---- the ledger ---- */

static int64_t mono_ns(const td_backfill *b) { return b->conf.os->ops->mono_ns(b->conf.os->self); }

static bool is_to_ask(const td_gap *g) { return g->status == TD_GAP_OPEN && g->to_ns != TD_NONE; }

static bool has_grown(const td_gap *now, const td_gap *before) {
    return now->from_ns < before->from_ns || now->to_ns > before->to_ns || now->first_id < before->first_id ||
           now->last_id > before->last_id;
}

static void add_entry(td_backfill *b, uint32_t feed, const td_gap *gap, int64_t after_ns) {
    int *first = chain_of(b, gap->instrument), i = take_entry(b);
    b->entries[i] = (entry){.state = WAITING,
                            .feed = feed,
                            .gap = *gap,
                            .due_ns = mono_ns(b) + after_ns,
                            .wait_ns = WAIT_NS,
                            .next = *first};
    *first = i;
}

static int *find_of_feed(td_backfill *b, uint32_t feed, const td_gap *gap) {
    int *at = find(b, gap->instrument, gap->number);
    if (*at == NO_ENTRY || b->entries[*at].feed == feed) return at;
    drop_entry(b, at); /* its instrument moved: what the one before gives is void */
    return find(b, gap->instrument, gap->number);
}

/* A book that waits stands before all gaps. That it was asked for already may have been too early. */
static void take_wanted(td_backfill *b, uint32_t feed, uint32_t instrument) {
    td_gap gap = {.instrument = instrument, .number = BOOK_NUMBER, .reason = TD_GAP_SEQUENCE};
    int *at = find_of_feed(b, feed, &gap);
    if (*at == NO_ENTRY)
        add_entry(b, feed, &gap, 0);
    else
        b->entries[*at].again |= b->entries[*at].state == ASKED;
    b->look_ns = 0;
}

static void take_gap(td_backfill *b, uint32_t feed, const td_gap *gap) {
    int *at = find_of_feed(b, feed, gap);
    if (*at == NO_ENTRY) {
        if (is_to_ask(gap)) add_entry(b, feed, gap, td_live_conf(b->conf.live, feed)->history_after_ns);
        return;
    }
    entry *e = &b->entries[*at];
    if (!is_to_ask(gap)) {
        drop_entry(b, at);
        return;
    }
    bool grown = has_grown(gap, &e->gap);
    e->again |= grown && e->state == ASKED;
    if (grown && e->state != ASKED) set_state(b, e, WAITING);
    if (grown || e->state == WAITING) e->gap = *gap;
}

static td_status take_record(td_backfill *b, const td_record *record) {
    td_gap gap;
    td_bytes name;
    if (td_record_schema(b->conf.topics->ids, record->value) != TD_SCHEMA_GAP ||
        td_record_get_gap(record->value, &gap, &name) != TD_OK || !td_instrument_name_valid(name))
        return TD_FAIL(TD_CORRUPT, "offset %" PRId64 " of gaps is not a gap", record->offset);
    uint32_t feed = td_live_find(b->conf.live, gap.feed);
    if (feed == UINT32_MAX) return TD_OK;
    gap.instrument = td_instruments_intern(b->conf.instruments, name);
    take_gap(b, feed, &gap);
    return TD_OK;
}

/* A bounded part of what is new. TD_OK: there may be more. */
static td_status read_partition(td_backfill *b, uint32_t p) {
    td_record record;
    td_status status = TD_OK;
    for (int i = 0; i < RECORDS_MAX && status == TD_OK; i++) {
        status = td_reader_next(b->readers[p], &record);
        if (status == TD_OK) status = take_record(b, &record);
    }
    if (status != TD_CORRUPT) return status;
    td_reader_close(b->readers[p]);
    b->readers[p] = NULL;
    return td_trace(status, "looking for gaps to fill in partition %" PRIu32, p);
}

/* ---- asking ---- */

/* The earliest gap of the feed whose time has come. */
static entry *next_of(td_backfill *b, uint32_t feed, int64_t now_ns) {
    entry *best = NULL;
    for (int i = 0; i < b->count; i++) {
        entry *e = &b->entries[i];
        if (e->state != WAITING || e->feed != feed || e->due_ns > now_ns) continue;
        if (best == NULL || e->gap.from_ns < best->gap.from_ns) best = e;
    }
    return best;
}

/* True: there may be more to ask for. */
static bool ask_feed(td_backfill *b, uint32_t feed, int64_t now_ns) {
    entry *e = next_of(b, feed, now_ns);
    if (e == NULL) return false;
    td_status status = td_live_backfill(b->conf.live, feed, &e->gap);
    if (status == TD_FULL) return false;
    e->again = false;
    e->extent = TD_FILL_NONE;
    set_state(b, e, status == TD_OK ? ASKED : ENDED);
    return true;
}

td_status td_backfill_step(td_backfill *b) {
    int64_t now_ns = mono_ns(b);
    size_t feeds = td_live_feed_count(b->conf.live);
    td_status corrupt = TD_OK;
    bool more = false;
    if (feeds == 0 || now_ns < b->look_ns) return TD_OK;
    for (uint32_t p = 0; p < b->conf.topics->partitions; p++) {
        td_status status = b->readers[p] != NULL ? read_partition(b, p) : TD_AGAIN;
        more |= status == TD_OK;
        if (status == TD_CORRUPT) corrupt = status;
    }
    /* Not before the ledger is known to its end: what is open here may be filled further on. */
    for (size_t i = 0; i < feeds && !more; i++) more |= ask_feed(b, td_live_index(b->conf.live, i), now_ns);
    if (!more) b->look_ns = now_ns + LOOK_NS;
    return corrupt;
}

/* ---- what comes of it ---- */

static void tell_failure(td_backfill *b, const entry *e, const char *why, int64_t wait_ns) {
    char line[512], next[64] = "the rest is given up";
    const char *feed = td_live_conf(b->conf.live, e->feed)->name;
    td_bytes instrument = td_instruments_name(b->conf.instruments, e->gap.instrument);
    const char *name = (const char *)instrument.data;
    if (e->state == WAITING)
        (void)snprintf(next, sizeof next, "the next try is in %.1f s", (double)wait_ns / (double)TD_NS_PER_S);
    if (e->gap.number == BOOK_NUMBER)
        (void)snprintf(line, sizeof line, "%s: the book of %.*s does not come: %s; %s", feed, (int)instrument.size,
                       name, why, e->state == WAITING ? next : "it waits for its next gap or session");
    else
        (void)snprintf(line, sizeof line, "%s: gap %" PRId64 " of %.*s cannot be filled: %s; %s", feed, e->gap.number,
                       (int)instrument.size, name, why, next);
    b->conf.report(b->conf.report_arg, line);
}

static void take_failure(td_backfill *b, entry *e, const td_feed_backfill *end) {
    int64_t wait_ns = end->wait_ns > e->wait_ns ? end->wait_ns : e->wait_ns;
    e->failures++;
    e->wait_ns = 2 * e->wait_ns < WAIT_MAX ? 2 * e->wait_ns : WAIT_MAX;
    e->due_ns = mono_ns(b) + wait_ns;
    set_state(b, e, e->failures < td_live_conf(b->conf.live, e->feed)->history_tries ? WAITING : ENDED);
    tell_failure(b, e, end->detail, wait_ns);
}

static void take_end(td_backfill *b, uint32_t feed, const td_feed_backfill *end) {
    int i = *find(b, end->instrument, end->filled.gap);
    if (i == NO_ENTRY || b->entries[i].state != ASKED || b->entries[i].feed != feed) return; /* closed meanwhile */
    entry *e = &b->entries[i];
    e->extent = end->filled.extent;
    if (end->failed)
        take_failure(b, e, end);
    else
        set_state(b, e, e->again ? WAITING : ENDED);
}

/* Something came: what failed before is over. */
static void take_trade(td_backfill *b, const td_event *trade) {
    int i = *find(b, trade->instrument, trade->of_epoch);
    if (i == NO_ENTRY) return;
    b->entries[i].failures = 0;
    b->entries[i].wait_ns = WAIT_NS;
}

/* False: it was a book, of which nothing is to be said. */
static bool give_ended(td_backfill *b, td_input *out) {
    entry *e = b->entries;
    while (e->state != ENDED) e++;
    if (e->gap.number == BOOK_NUMBER) {
        drop_entry(b, find(b, e->gap.instrument, BOOK_NUMBER));
        return false;
    }
    set_state(b, e, GIVEN);
    td_filled filled = {.gap = e->gap.number, .extent = (uint8_t)e->extent};
    td_live_put_filled(b->conf.live, e->feed, e->gap.instrument, filled, out);
    return true;
}

td_status td_backfill_next(td_backfill *b, td_input *out) {
    for (;;) {
        while (b->ended > 0)
            if (give_ended(b, out)) return TD_OK;
        td_status status = td_live_next(b->conf.live, out);
        if (status != TD_OK) return status;
        if (out->item.kind == TD_ITEM_BACKFILL)
            take_end(b, out->feed, &out->item.backfill);
        else if (out->item.kind == TD_ITEM_WANTED)
            take_wanted(b, out->feed, out->item.wanted);
        else
            break;
    }
    if (out->item.kind == TD_ITEM_EVENT && out->item.event.origin == TD_ORIGIN_BACKFILL)
        take_trade(b, &out->item.event);
    return TD_OK;
}

/* ---- life ---- */

td_status td_backfill_open(td_backfill **out, const td_backfill_conf *conf) {
    td_backfill *b = td_alloc_zero(1, sizeof *b);
    td_status status = TD_OK;
    b->conf = *conf;
    b->free = NO_ENTRY;
    for (uint32_t p = 0; p < conf->topics->partitions && status == TD_OK; p++)
        status = td_reader_open(&b->readers[p], conf->topics->outputs[TD_OUTPUT_GAPS], p, 0, TD_READ_APPENDED);
    if (status != TD_OK) {
        td_backfill_close(b);
        return status;
    }
    *out = b;
    return TD_OK;
}

void td_backfill_close(td_backfill *b) {
    if (b == NULL) return;
    for (uint32_t p = 0; p < b->conf.topics->partitions; p++) td_reader_close(b->readers[p]);
    free(b->first);
    free(b->entries);
    free(b);
}
