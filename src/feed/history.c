/* src/feed/history.c - page after page of a venue's past, from a gap's end back to its begin. */
#include "feed/history.h"
#include "base/json.h"
#include "feed/rest.h"
#include <stdio.h>
#include <stdlib.h>

enum { DETAIL_MAX = 200 };

typedef enum phase {
    PHASE_NONE, /* no gap is asked for                           */
    PHASE_ASKED,
    PHASE_READ, /* rows are taken out of the answer, bad ones come out */
    PHASE_GIVE, /* good ones come out                            */
    PHASE_END,  /* the end is the next item                      */
} phase;

struct td_history {
    const td_feed_conf *conf;
    const td_history_ops *ops;
    td_rest *rest;
    phase phase;
    /* the gap, and how far we are */
    td_gap gap;
    td_buf symbol;    /* safe in a URL */
    int64_t below_id; /* what is still to come has lower ids; TD_NONE: not known */
    int64_t place;    /* of the last trade that came out, from 1 */
    bool reached;     /* the gap's begin */
    /* the page */
    td_json json;
    td_event *rows; /* newest first once they are given */
    size_t row_count, row_at;
    int64_t page_below_id;   /* below_id when it was asked for */
    char detail[DETAIL_MAX]; /* why the try failed; "": it did not */
    int64_t wait_ns;
};

/* ---- what is asked for ---- */

static bool by_ids(const td_history *h) { return h->gap.first_id != TD_NONE && h->gap.last_id != TD_NONE; }

static bool same_gap(const td_gap *a, const td_gap *b) {
    return a->instrument == b->instrument && a->number == b->number && a->from_ns == b->from_ns &&
           a->to_ns == b->to_ns && a->first_id == b->first_id && a->last_id == b->last_id;
}

static int64_t rows_of(const td_history *h) {
    return h->conf->history_rows > 0 ? h->conf->history_rows : h->ops->rows_max;
}

static void request(td_history *h) {
    td_history_page page = {.symbol = td_buf_bytes(&h->symbol), .below_id = h->below_id, .rows = rows_of(h)};
    if (by_ids(h) && h->below_id != TD_NONE && h->below_id - h->gap.first_id < page.rows)
        page.rows = h->below_id - h->gap.first_id;
    h->page_below_id = h->below_id;
    h->ops->put_path(td_rest_begin(h->rest), &page);
    td_rest_ask(h->rest);
    h->phase = PHASE_ASKED;
}

td_status td_history_ask(td_history *h, const td_gap *gap, td_bytes instrument) {
    if (h->phase != PHASE_NONE) return TD_FULL;
    bool again = h->detail[0] != '\0' && same_gap(&h->gap, gap);
    h->detail[0] = '\0';
    if (!again) {
        h->symbol.size = 0;
        if (!td_rest_put_symbol(&h->symbol, h->conf, instrument)) return TD_REJECT;
        h->gap = *gap;
        h->place = 0;
        h->reached = false;
        h->below_id = by_ids(h) && gap->last_id < INT64_MAX ? gap->last_id + 1 : TD_NONE;
    }
    request(h);
    return TD_OK;
}

int td_history_pump(td_history *h) { return td_rest_pump(h->rest); }

/* ---- a page ---- */

static void fail(td_history *h, const char *why) {
    (void)snprintf(h->detail, sizeof h->detail, "%s", why);
    h->phase = PHASE_END;
}

static void take_answer(td_history *h, const td_http_answer *a) {
    h->wait_ns = a->retry_ns;
    h->row_count = h->row_at = 0;
    if (a->code == 200) {
        td_json_init(&h->json, a->body);
        h->phase = PHASE_READ;
        if (td_json_next(&h->json) != TD_JSON_ARRAY) fail(h, "the answer is not an array");
        return;
    }
    fail(h, td_rest_failure(h->rest, a));
}

/* The next row as it stands; false behind the last one, or where the page is no JSON. */
static bool next_row(td_history *h, td_bytes *out) {
    td_json_type type = td_json_next(&h->json);
    if (type == TD_JSON_ARRAY_END) return false;
    if (type != TD_JSON_OBJECT) {
        fail(h, "the answer is not an array of objects");
        return false;
    }
    const uint8_t *begin = h->json.at - 1;
    for (uint8_t depth = h->json.depth; h->json.depth >= depth;)
        if (td_json_next(&h->json) == TD_JSON_ERROR) {
            fail(h, "the answer is malformed or cut");
            return false;
        }
    *out = (td_bytes){begin, (size_t)(h->json.at - begin)};
    return true;
}

static int newer_first(const void *a, const void *b) {
    int64_t x = ((const td_event *)a)->trade.trade_id, y = ((const td_event *)b)->trade.trade_id;
    return (x < y) - (x > y);
}

/* Up to the next row that is refused: true, with the item. False: the page is through, or the try has failed. */
static bool read_rows(td_history *h, td_feed_item *out) {
    td_bytes text;
    while (next_row(h, &text)) {
        td_recorded row = {.kind = TD_ITEM_END, .ns_of_day = -1};
        if (h->row_count == (size_t)h->ops->rows_max) {
            fail(h, "the answer has more rows than were asked for");
            return false;
        }
        h->ops->decode(text, &row);
        td_recorded_check_instants(&row);
        if (row.kind == TD_ITEM_EVENT) {
            h->rows[h->row_count++] = row.event;
            continue;
        }
        *out = (td_feed_item){.kind = TD_ITEM_REJECTED};
        out->rejected = (td_rejected){.reason = row.reason, .detail = td_text(row.detail), .bytes = text};
        return true;
    }
    if (h->phase != PHASE_READ) return false;
    qsort(h->rows, h->row_count, sizeof *h->rows, newer_first);
    h->phase = PHASE_GIVE;
    return false;
}

static bool is_within(const td_history *h, const td_event *e) {
    if (by_ids(h)) return e->trade.trade_id >= h->gap.first_id && e->trade.trade_id <= h->gap.last_id;
    return e->event_ns > h->gap.from_ns && e->event_ns < h->gap.to_ns;
}

static bool is_at_begin(const td_history *h, const td_event *e) {
    return by_ids(h) ? e->trade.trade_id <= h->gap.first_id : e->event_ns <= h->gap.from_ns;
}

/* The next row of the gap: true. False: the page has no more of it. */
static bool give_row(td_history *h, td_feed_item *out) {
    while (h->row_at < h->row_count && !h->reached && h->place < h->conf->history_max) {
        td_event *e = &h->rows[h->row_at++];
        if (h->below_id != TD_NONE && e->trade.trade_id >= h->below_id) continue; /* it has come already */
        h->below_id = e->trade.trade_id;
        h->reached = is_at_begin(h, e);
        if (!is_within(h, e)) continue;
        e->origin = TD_ORIGIN_BACKFILL;
        e->instrument = h->gap.instrument;
        e->of_epoch = h->gap.number;
        e->of_offset = ++h->place;
        *out = (td_feed_item){.kind = TD_ITEM_EVENT, .event = *e};
        return true;
    }
    return false;
}

/* An empty page, or one that says nothing new, is the end of what the venue has. */
static void end_page(td_history *h) {
    bool more = h->below_id != h->page_below_id && !h->reached && h->place < h->conf->history_max;
    if (more)
        request(h);
    else
        h->phase = PHASE_END;
}

/* ---- items ---- */

static void put_end(td_history *h, td_feed_item *out) {
    bool failed = h->detail[0] != '\0';
    td_fill_extent extent = h->reached ? TD_FILL_WHOLE : h->place > 0 ? TD_FILL_PART : TD_FILL_NONE;
    *out = (td_feed_item){.kind = TD_ITEM_BACKFILL};
    out->backfill = (td_feed_backfill){.instrument = h->gap.instrument,
                                       .filled = {.gap = h->gap.number, .extent = (uint8_t)extent},
                                       .failed = failed,
                                       .wait_ns = failed ? h->wait_ns : 0,
                                       .detail = h->detail};
    h->phase = PHASE_NONE;
}

td_status td_history_next(td_history *h, td_feed_item *out) {
    td_http_answer answer;
    if (h->phase == PHASE_ASKED && td_rest_next(h->rest, &answer) == TD_OK) {
        take_answer(h, &answer);
        if (h->conf->raw && answer.code == 200) {
            *out = (td_feed_item){.kind = TD_ITEM_RAW};
            out->raw = (td_raw){.address = td_rest_address(h->rest), .bytes = answer.body};
            return TD_OK;
        }
    }
    if (h->phase == PHASE_READ && read_rows(h, out)) return TD_OK;
    if (h->phase == PHASE_GIVE) {
        if (give_row(h, out)) return TD_OK;
        end_page(h);
    }
    if (h->phase != PHASE_END) return TD_AGAIN;
    put_end(h, out);
    return TD_OK;
}

/* ---- life ---- */

td_status td_history_open(td_history **out, const td_os *os, const td_feed_conf *conf, const td_history_ops *ops,
                          int64_t *due_ns) {
    td_rest *rest;
    td_status status = td_rest_open(&rest, os, conf, due_ns);
    if (status != TD_OK) return status;
    td_history *h = td_alloc_zero(1, sizeof *h);
    *h = (td_history){.conf = conf, .ops = ops, .rest = rest};
    h->rows = td_alloc((size_t)ops->rows_max * sizeof *h->rows);
    *out = h;
    return TD_OK;
}

void td_history_close(td_history *h) {
    if (h == NULL) return;
    td_rest_close(h->rest);
    td_buf_fini(&h->symbol);
    free(h->rows);
    free(h);
}
