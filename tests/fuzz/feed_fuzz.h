/* tests/fuzz/feed_fuzz.h - a recording out of the fuzzer's bytes: one file in memory, read to its end, and what must
 * hold of every feed whatever it reads. */
#pragma once
#include "feed/feed.h"
#include <assert.h>
#include <stdlib.h>

static td_bytes fuzz_file;

static td_status fuzz_open(void *self, const char *path, td_open_mode mode, int *out_file) {
    (void)self, (void)path, (void)mode;
    *out_file = 0;
    return TD_OK;
}

static td_status fuzz_read_at(void *self, int file, void *out, size_t size, int64_t offset, size_t *out_size) {
    (void)self, (void)file;
    size_t left = offset < 0 || (uint64_t)offset >= fuzz_file.size ? 0 : fuzz_file.size - (size_t)offset;
    *out_size = size < left ? size : left;
    if (*out_size > 0) memcpy(out, fuzz_file.data + offset, *out_size);
    return TD_OK;
}

static void fuzz_close(void *self, int file) { (void)self, (void)file; }

static bool fuzz_exists(void *self, const char *path) {
    (void)self, (void)path;
    return true;
}

static td_status fuzz_list(void *self, const char *path, td_list_fn each, void *arg) {
    (void)self, (void)path, (void)each, (void)arg;
    return TD_CONFIG; /* it is no folder */
}

static td_status fuzz_look(void *self, const char *path, td_path_kind *out) {
    (void)self, (void)path;
    *out = TD_PATH_FILE;
    return TD_OK;
}

static void fuzz_check_book(const td_book *book) {
    assert(book->level_count <= TD_BOOK_LEVELS_MAX && (!book->more || book->level_count == TD_BOOK_LEVELS_MAX));
    for (size_t i = 0; i < book->level_count; i++) {
        const td_book_level *l = &book->levels[i];
        assert(l->price > 0 && l->size >= 0 && l->side < TD_BOOK_SIDE_COUNT);
    }
}

static void fuzz_check(const td_feed_item *item, const td_instruments *instruments) {
    if (item->kind == TD_ITEM_REJECTED) {
        assert(item->rejected.reason != TD_REASON_NONE && item->rejected.reason < TD_REASON_COUNT);
        assert(item->rejected.detail.size > 0 && item->rejected.bytes.size <= 64 * 1024);
    } else if (item->kind == TD_ITEM_EVENT) {
        const td_event *e = &item->event;
        assert(td_event_is_tick(e) || e->kind == TD_EVENT_BOOK);
        assert(e->instrument < td_instruments_count(instruments));
        assert(e->event_ns > 0 && e->event_ns <= TD_FEED_INSTANT_MAX_NS && e->receive_ns == item->clock_ns);
        if (e->kind == TD_EVENT_TRADE) assert(e->trade.price != TD_NONE && e->trade.size != TD_NONE);
        if (e->kind == TD_EVENT_BOOK) fuzz_check_book(&e->book);
        if (e->kind == TD_EVENT_PRICE) assert(e->price.price != TD_NONE);
        if (e->kind == TD_EVENT_QUOTE) assert(e->quote.bid_price != TD_NONE || e->quote.bid_size == TD_NONE);
        if (e->kind == TD_EVENT_QUOTE) assert(e->quote.ask_price != TD_NONE || e->quote.ask_size == TD_NONE);
    } else {
        assert(item->kind == TD_ITEM_IGNORED && item->ignored != NULL);
    }
}

static inline void fuzz_feed(const td_feed_ops *ops, td_bytes file) {
    td_os_ops os_ops = {.open = fuzz_open,
                        .read_at = fuzz_read_at,
                        .close = fuzz_close,
                        .list = fuzz_list,
                        .exists = fuzz_exists,
                        .look = fuzz_look};
    td_os os = {.ops = &os_ops};
    char name[] = "fuzz", venue[] = "V", path[] = "file";
    td_feed_conf conf = {.name = name, .venue = venue, .path = path, .ratio = 1, .from_ns = -1, .to_ns = -1};
    td_instruments *instruments = td_instruments_new();
    void *feed;
    td_feed_item item;
    int64_t clock_ns = 0;
    td_source_position last = {0};
    fuzz_file = file;
    td_status status = ops->open(&feed, &os, &conf, instruments);
    assert(status == TD_OK);
    for (;;) {
        status = ops->next(feed, &item);
        assert(status == TD_OK);
        assert(item.clock_ns >= clock_ns);
        clock_ns = item.clock_ns;
        if (item.kind == TD_ITEM_END) break;
        bool part = item.position.line == last.line && item.position.part == last.part + 1;
        assert(item.position.line > last.line || item.position.line == 0 || part);
        last = item.position;
        fuzz_check(&item, instruments);
    }
    ops->close(feed);
    td_instruments_free(instruments);
}
