/* src/feed/download.h - a live feed of what a vendor is asked for over HTTP, call after call (feed/calls.h): series of
 * its bars, and its latest prices, for kinds that know their vendor: open, next, close and live of td_feed_ops. Rows of
 * an answer come out in the order of time, between an ANSWER item that says they begin and one that says they are
 * whole; what the log holds of them already does not, nor a bar that is still in the making.
 *
 * No more than `per_minute` requests a minute go out, evenly, and `per_day` a day of the vendor's. What the vendor says
 * counts more: asked too often, it is left alone for a minute; with the day's requests used up, until its next day; a
 * call that it refuses is told, `rejected`, and not made again before the next start. Where no answer comes, or none of
 * the vendor's, and where it refuses the key, the session ends, and its owner says when to try again. */
#pragma once
#include "feed/answer.h"
#include "feed/calls.h"

typedef struct td_download_ops {
    const char *format; /* of its answers, in `raw` */
    td_calls_ops calls;
    bool starts;     /* times of its bars are their starts; else `stamps` says what they are */
    size_t rows_max; /* an answer with so many may not be all: the next one goes on behind it. 0: there is no bound */
    void (*put_path)(const td_feed_conf *conf, const td_call *call, td_buf *url); /* path and query, the key last */
    td_answer_word (*read)(td_bytes answer, const td_answer_request *request, td_answer_row_fn each, void *arg,
                           td_bytes *out_text);
} td_download_ops;

TD_CHECKED td_status td_download_open(void **out, const td_os *os, const td_feed_conf *conf,
                                      td_instruments *instruments, const td_download_ops *ops);
TD_CHECKED td_status td_download_next(void *download, td_feed_item *out);
void td_download_close(void *download); /* accepts NULL */
extern const td_live_ops td_download_live;

#define TD_FEED_ROWS_MONTHS                                                                                            \
    {.key = "months",                                                                                                  \
     .type = TD_OPTION_TEXTS,                                                                                          \
     .offset = offsetof(td_feed_conf, months),                                                                         \
     .help = "months of bars shorter than a day: [2024-01, 2024-02]; instead of from and to"},                         \
        TD_FEED_ROW("from", TD_OPTION_TEXT, NULL, 0, 0, first_month,                                                   \
                    "the first of its months: 2024-01, quoted; unset: the one that has begun"),                        \
        TD_FEED_ROW("to", TD_OPTION_TEXT, NULL, 0, 0, last_month,                                                      \
                    "the last of its months; unset: the one that has begun, and each that begins")

/* `url_`, requests a minute and a day: the vendor's, with a key that costs nothing. */
#define TD_FEED_ROWS_DOWNLOAD(url_, per_minute_, per_day_)                                                             \
    TD_FEED_ROW("refresh", TD_OPTION_DURATION, "1d", 1e9, 864e13, refresh_ns,                                          \
                "how often what still grows is asked for again: days, and the month that has begun"),                  \
        TD_FEED_ROW("per_minute", TD_OPTION_INT, per_minute_, 0, 1e5, per_minute,                                      \
                    "most requests a minute, evenly; 0: as fast as it answers"),                                       \
        TD_FEED_ROW("per_day", TD_OPTION_INT, per_day_, 0, 1e9, per_day,                                               \
                    "most requests a day of the vendor's; 0: any number"),                                             \
        TD_FEED_ROW("url", TD_OPTION_TEXT, url_, 0, 0, history, "where it is asked: https://HOST"),                    \
        TD_FEED_ROW("ca", TD_OPTION_TEXT, NULL, 0, 0, ca,                                                              \
                    "file of the authorities to believe; default: the system's"),                                      \
        TD_FEED_ROW("answer", TD_OPTION_BYTES, "32MB", 65536, 1 << 30, answer_bytes, "longest answer that is taken"),  \
        TD_FEED_ROW("timeout", TD_OPTION_DURATION, "60s", 1e8, 36e11, answer_ns,                                       \
                    "how long an answer may take, from the asking to its last byte"),                                  \
        TD_FEED_ROW("reconnect", TD_OPTION_DURATION, "1s", 1e6, 6e10, reconnect_ns,                                    \
                    "wait before asking again where no answer came; doubles up to 60s, a fifth of it at random"),      \
        TD_FEED_ROW("hold", TD_OPTION_DURATION, "30s", 0, 864e11, hold_ns,                                             \
                    "while no answer comes, windows wait so long before time goes on without it"),                     \
        TD_FEED_ROW("raw", TD_OPTION_BOOL, "false", 0, 0, raw,                                                         \
                    "keep its answers in topic raw.NAME, too, byte for byte (docs/operations.md)")
