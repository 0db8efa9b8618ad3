/* src/feed/gap_bars.h - what a vendor has beside a gap where it has no trades: its bars of a minute, over HTTP. They
 * are events of origin BACKFILL that name the gap, in the order of time, and fill nothing: BACKFILL says NONE behind
 * them. One gap at a time. Thread: the feed's owner's. */
#pragma once
#include "feed/answer.h"

typedef struct td_gap_bars td_gap_bars;

typedef struct td_gap_bars_ops {
    /* Appends path and query of those bars of a minute that start within the two, both in it. */
    void (*put_path)(const td_feed_conf *conf, td_bytes symbol, const td_gap *gap, td_buf *url);
    td_answer_word (*read)(td_bytes answer, const td_answer_request *request, td_answer_row_fn each, void *arg,
                           td_bytes *out_text);
} td_gap_bars_ops;

typedef struct td_gap_bars_conf { /* all is borrowed */
    const td_os *os;
    const td_feed_conf *conf;
    td_instruments *instruments;
    const td_gap_bars_ops *ops;
    int64_t *due_ns; /* as td_rest_open's */
} td_gap_bars_conf;

TD_CHECKED td_status td_gap_bars_open(td_gap_bars **out, const td_gap_bars_conf *conf);
void td_gap_bars_close(td_gap_bars *bars); /* accepts NULL */
/* TD_FULL: another one is under way. TD_REJECT: an instrument of another venue's. */
TD_CHECKED td_status td_gap_bars_ask(td_gap_bars *bars, const td_gap *gap);
int td_gap_bars_pump(td_gap_bars *bars); /* work done */
/* As td_history_next. */
TD_CHECKED td_status td_gap_bars_next(td_gap_bars *bars, td_feed_item *out);
