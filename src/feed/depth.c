/* src/feed/depth.c - per instrument the numbers of its updates, and one answer at a time. */
#include "feed/depth.h"
#include "feed/rest.h"
#include <stdio.h>
#include <stdlib.h>

enum { DETAIL_MAX = 200 };

typedef enum phase {
    NOTHING, /* is asked for            */
    ASKED,
    READ, /* parts of the answer come out */
    END,  /* … is the next item           */
} phase;

typedef struct chain { /* of updates that follow on each other */
    int64_t first, last;
    bool told;    /* there are some */
    bool waiting; /* for a whole book from before them */
    bool wanted;  /* … which is still to be said */
} chain;

struct td_depth {
    td_depth_conf conf;
    td_rest *rest;
    chain *chains; /* by instrument */
    uint32_t count, wanted;
    phase phase;
    uint32_t instrument; /* that is asked for */
    td_bytes answer;
    void *decoder;
    char detail[DETAIL_MAX]; /* why the try failed; "": it did not */
    int64_t wait_ns;
};

/* ---- what waits ---- */

static chain *chain_of(td_depth *d, uint32_t instrument) {
    if (instrument >= d->count) {
        uint32_t count = 2 * instrument + 16;
        chain *grown = td_alloc_zero(count, sizeof *grown);
        if (d->count > 0) memcpy(grown, d->chains, d->count * sizeof *grown);
        free(d->chains);
        d->chains = grown;
        d->count = count;
    }
    return &d->chains[instrument];
}

void td_depth_take(td_depth *d, const td_event *event) {
    const td_book *book = &event->book;
    if (book->snapshot || book->first_sequence == TD_NONE || book->last_sequence == TD_NONE) return;
    chain *c = chain_of(d, event->instrument);
    if (c->told && book->last_sequence <= c->last) return; /* late, doubled, or another part of the same */
    if (c->told && book->first_sequence - 1 <= c->last) {
        c->last = book->last_sequence;
        return;
    }
    d->wanted += !c->wanted;
    *c = (chain){
        .first = book->first_sequence, .last = book->last_sequence, .told = true, .waiting = true, .wanted = true};
}

void td_depth_stop(td_depth *d) {
    if (d->count > 0) memset(d->chains, 0, d->count * sizeof *d->chains);
    d->wanted = 0;
    if (d->phase == NOTHING) return;
    td_rest_drop(d->rest);
    d->detail[0] = '\0'; /* what was asked for is of no use any more: that is no failure */
    d->phase = END;
}

static void put_wanted(td_depth *d, td_feed_item *out) {
    uint32_t i = 0;
    while (!d->chains[i].wanted) i++;
    d->chains[i].wanted = false;
    d->wanted--;
    *out = (td_feed_item){.kind = TD_ITEM_WANTED, .wanted = i};
}

/* ---- asking ---- */

td_status td_depth_ask(td_depth *d, uint32_t instrument) {
    td_buf symbol = {0};
    if (d->phase != NOTHING) return TD_FULL;
    if (instrument >= d->count || !d->chains[instrument].waiting) return TD_REJECT;
    bool ours = td_rest_put_symbol(&symbol, d->conf.conf, td_instruments_name(d->conf.instruments, instrument));
    if (ours) {
        d->conf.venue->put_depth_path(td_rest_begin(d->rest), td_buf_bytes(&symbol));
        td_rest_ask(d->rest);
        d->instrument = instrument;
        d->detail[0] = '\0';
        d->phase = ASKED;
    }
    td_buf_fini(&symbol);
    return ours ? TD_OK : TD_REJECT;
}

int td_depth_pump(td_depth *d) { return td_rest_pump(d->rest); }

/* ---- the answer ---- */

static void fail(td_depth *d, const char *why) {
    (void)snprintf(d->detail, sizeof d->detail, "%s", why);
    d->phase = END;
}

static void take_answer(td_depth *d, const td_http_answer *a) {
    d->wait_ns = a->retry_ns;
    if (a->code != 200) {
        fail(d, td_rest_failure(d->rest, a));
        return;
    }
    td_naming naming = {.venue = d->conf.conf->venue, .instruments = d->conf.instruments};
    memset(d->decoder, 0, d->conf.venue->state_size);
    d->conf.venue->begin(d->decoder, &naming, td_rest_address(d->rest));
    d->answer = a->body;
    d->phase = READ;
}

/* The book has come as a whole. */
static void take_book(td_depth *d, const td_book *book) {
    chain *c = &d->chains[d->instrument];
    if (book->last_sequence < c->first - 1) {
        fail(d, "the book in the answer is older than what has changed since");
        return;
    }
    if (book->last_sequence > c->last) c->last = book->last_sequence;
    c->waiting = false;
    d->phase = END;
}

/* The next part: true. False: the answer is no book. */
static bool read_part(td_depth *d, int64_t receive_ns, td_feed_item *out) {
    td_recorded row = {.kind = TD_ITEM_END, .ns_of_day = -1};
    d->conf.venue->decode(d->decoder, d->answer, receive_ns, &row);
    td_recorded_check_instants(&row);
    if (row.kind == TD_ITEM_EVENT && row.event.kind == TD_EVENT_BOOK && row.event.book.first_sequence == TD_NONE) {
        *out = (td_feed_item){.kind = TD_ITEM_EVENT, .event = row.event};
        out->event.instrument = d->instrument;
        if (!row.more) take_book(d, &row.event.book);
        return true;
    }
    fail(d, "the answer is no book");
    if (row.kind != TD_ITEM_REJECTED) return false;
    *out = (td_feed_item){.kind = TD_ITEM_REJECTED};
    out->rejected = (td_rejected){.reason = row.reason, .detail = td_text(row.detail), .bytes = d->answer};
    return true;
}

/* ---- items ---- */

static void put_end(td_depth *d, td_feed_item *out) {
    bool failed = d->detail[0] != '\0';
    *out = (td_feed_item){.kind = TD_ITEM_BACKFILL};
    out->backfill = (td_feed_backfill){
        .instrument = d->instrument, .failed = failed, .wait_ns = failed ? d->wait_ns : 0, .detail = d->detail};
    d->phase = NOTHING;
}

bool td_depth_is_within(const td_depth *d) { return d->phase == READ; }

td_status td_depth_next(td_depth *d, int64_t receive_ns, td_feed_item *out) {
    td_http_answer answer;
    if (d->phase == ASKED && td_rest_next(d->rest, &answer) == TD_OK) {
        take_answer(d, &answer);
        if (d->phase == READ && d->conf.conf->raw) {
            *out = (td_feed_item){.kind = TD_ITEM_RAW};
            out->raw = (td_raw){.address = td_rest_address(d->rest), .bytes = answer.body};
            return TD_OK;
        }
    }
    if (d->phase == READ && read_part(d, receive_ns, out)) return TD_OK;
    if (d->phase == END) {
        put_end(d, out);
        return TD_OK;
    }
    if (d->wanted == 0) return TD_AGAIN;
    put_wanted(d, out);
    return TD_OK;
}

/* ---- life ---- */

td_status td_depth_open(td_depth **out, const td_depth_conf *conf) {
    td_rest *rest;
    td_status status = td_rest_open(&rest, conf->os, conf->conf, conf->due_ns);
    if (status != TD_OK) return status;
    td_depth *d = td_alloc_zero(1, sizeof *d);
    *d = (td_depth){.conf = *conf, .rest = rest, .decoder = td_alloc_zero(1, conf->venue->state_size)};
    *out = d;
    return TD_OK;
}

void td_depth_close(td_depth *d) {
    if (d == NULL) return;
    td_rest_close(d->rest);
    free(d->chains);
    free(d->decoder);
    free(d);
}
