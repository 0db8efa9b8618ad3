/* src/feed/feed_produced.c - a feed whose records another program puts on the tape: nothing is read here. It is named
 * so that it has settings, and its time: who records writes how late it is (flow/live.h), which no producer of others
 * does. */
#include "feed/feed.h"

static td_status produced_open(void **out, const td_os *os, const td_feed_conf *conf, td_instruments *instruments) {
    (void)os, (void)instruments;
    *out = (void *)(uintptr_t)conf; /* it has nothing of its own */
    return TD_OK;
}

static td_status produced_connect(void *self, uint32_t session) {
    (void)self, (void)session;
    return TD_OK;
}

static int produced_pump(void *self) {
    (void)self;
    return 0;
}

static td_status produced_next(void *self, td_feed_item *out) {
    (void)self, (void)out;
    return TD_AGAIN;
}

static void produced_close(void *self) { (void)self; }

static const td_live_ops produced_live = {.connect = produced_connect, .pump = produced_pump, .elsewhere = true};

static const td_option produced_options[] = {TD_FEED_ROWS_LIVE(NULL), {0}};

const td_feed_ops td_feed_produced = {.format = "produced",
                                      .live = &produced_live,
                                      .options = produced_options,
                                      .open = produced_open,
                                      .next = produced_next,
                                      .close = produced_close};
