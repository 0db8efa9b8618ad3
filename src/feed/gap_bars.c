/* src/feed/gap_bars.c - one answer: read, cut to the gap, given. */
#include "feed/gap_bars.h"
#include "base/secret.h"
#include "feed/rest.h"
#include <stdio.h>
#include <stdlib.h>

enum { DETAIL_MAX = 200 };

typedef enum phase { NOTHING, ASKED, READ, GIVE, END } phase;

struct td_gap_bars {
    td_gap_bars_conf conf;
    td_rest *rest;
    phase phase;
    td_gap gap;
    td_buf symbol; /* safe in a URL */
    td_http_answer answer;
    td_buf rows;   /* of td_event */
    td_buf hidden; /* the vendor's words without secrets */
    size_t row_at;
    char detail[DETAIL_MAX]; /* why the try failed; "": it did not */
    int64_t wait_ns;
};

td_status td_gap_bars_ask(td_gap_bars *b, const td_gap *gap) {
    if (b->phase != NOTHING) return TD_FULL;
    b->symbol.size = b->rows.size = b->row_at = 0;
    b->detail[0] = '\0';
    b->wait_ns = 0;
    if (!td_rest_put_symbol(&b->symbol, b->conf.conf, td_instruments_name(b->conf.instruments, gap->instrument)))
        return TD_REJECT;
    b->gap = *gap;
    b->conf.ops->put_path(b->conf.conf, td_buf_bytes(&b->symbol), gap, td_rest_begin(b->rest));
    td_rest_ask(b->rest);
    b->phase = ASKED;
    return TD_OK;
}

int td_gap_bars_pump(td_gap_bars *b) { return td_rest_pump(b->rest); }

/* A bar that touches the gap and is over; others, and what is no bar, are left aside: the gap stays lost anyway. */
static void take_row(void *self, const td_recorded *row, td_bytes bytes) {
    td_gap_bars *b = self;
    td_event e = row->event;
    (void)bytes;
    bool its = row->kind == TD_ITEM_EVENT && e.instrument == b->gap.instrument && e.kind == TD_EVENT_VENDOR_BAR;
    if (e.event_ns > b->conf.os->ops->wall_ns(b->conf.os->self)) return;
    if (!its || e.vendor_bar.start_ns >= b->gap.to_ns || e.event_ns <= b->gap.from_ns) return;
    e.origin = TD_ORIGIN_BACKFILL;
    e.of_epoch = b->gap.number;
    td_buf_put(&b->rows, &e, sizeof e);
}

static void fail(td_gap_bars *b, const char *what, td_bytes words) {
    bool said = words.size > 0;
    words = td_secrets_hide(&b->conf.conf->secrets, words, &b->hidden); /* before it is cut */
    (void)snprintf(b->detail, sizeof b->detail, "%s%s%.*s", what, said ? ": " : "",
                   (int)td_least((int64_t)words.size, DETAIL_MAX), said ? (const char *)words.data : "");
    b->phase = END;
}

/* A call that the vendor refuses is answered: it has nothing of that gap. */
static void read_answer(td_gap_bars *b) {
    td_bytes words = {0};
    td_answer_request request = {
        .naming = {b->conf.conf->venue, b->conf.instruments}, .width_ns = TD_NS_PER_MIN, .starts = true};
    b->phase = GIVE;
    b->wait_ns = b->answer.retry_ns;
    if (b->answer.code == 0) {
        fail(b, b->answer.detail, (td_bytes){0});
        return;
    }
    td_answer_word word = b->conf.ops->read(b->answer.body, &request, take_row, b, &words);
    if (word == TD_ANSWER_LATER || word == TD_ANSWER_TOMORROW || word == TD_ANSWER_KEY) {
        b->wait_ns = TD_NS_PER_MIN;
        fail(b, td_answer_word_name(word), word == TD_ANSWER_KEY ? (td_bytes){0} : words);
    } else if (word == TD_ANSWER_NONE) {
        fail(b, b->answer.code == 200 ? td_answer_word_name(word) : td_rest_failure(b->rest, &b->answer),
             b->answer.code == 200 ? words : (td_bytes){0});
    }
}

static void put_end(td_gap_bars *b, td_feed_item *out) {
    bool failed = b->detail[0] != '\0';
    *out = (td_feed_item){.kind = TD_ITEM_BACKFILL};
    out->backfill = (td_feed_backfill){.instrument = b->gap.instrument,
                                       .filled = {.gap = b->gap.number, .extent = TD_FILL_NONE},
                                       .failed = failed,
                                       .wait_ns = failed ? b->wait_ns : 0,
                                       .detail = b->detail};
    b->phase = NOTHING;
}

td_status td_gap_bars_next(td_gap_bars *b, td_feed_item *out) {
    if (b->phase == ASKED && td_rest_next(b->rest, &b->answer) == TD_OK) {
        b->phase = READ;
        if (b->conf.conf->raw && b->answer.code == 200) {
            *out = (td_feed_item){.kind = TD_ITEM_RAW};
            out->raw = (td_raw){.address = td_rest_address(b->rest), .bytes = b->answer.body};
            return TD_OK;
        }
    }
    if (b->phase == READ) read_answer(b);
    if (b->phase == GIVE && b->row_at < b->rows.size / sizeof(td_event)) {
        *out = (td_feed_item){.kind = TD_ITEM_EVENT, .event = ((td_event *)(void *)b->rows.data)[b->row_at++]};
        out->event.of_offset = (int64_t)b->row_at;
        return TD_OK;
    }
    if (b->phase == GIVE) b->phase = END;
    if (b->phase != END) return TD_AGAIN;
    put_end(b, out);
    return TD_OK;
}

td_status td_gap_bars_open(td_gap_bars **out, const td_gap_bars_conf *conf) {
    td_gap_bars *b = td_alloc_zero(1, sizeof *b);
    b->conf = *conf;
    td_status status = td_rest_open(&b->rest, conf->os, conf->conf, conf->due_ns);
    if (status != TD_OK) {
        td_gap_bars_close(b);
        return status;
    }
    *out = b;
    return TD_OK;
}

void td_gap_bars_close(td_gap_bars *b) {
    if (b == NULL) return;
    td_rest_close(b->rest);
    td_buf_fini(&b->symbol);
    td_buf_fini(&b->rows);
    td_buf_fini(&b->hidden);
    free(b);
}
