/* tests/unit/feed_unit.h - what tests of feeds need: packed files made on the spot, an os that counts open files and
 * fails now and then, and items as text, one line each. */
#pragma once
#include "base/decimal.h"
#include "base/time.h"
#include "feed/feed.h"
#include "unit.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zip.h>
#include <zlib.h>

/* ---- files ---- */

static char unit_folder[64];

static inline int unit_make_folder(void **state) {
    (void)state;
    (void)snprintf(unit_folder, sizeof unit_folder, "/tmp/tapedeck-feed-XXXXXX");
    return mkdtemp(unit_folder) == NULL;
}

static inline void unit_remove(void *arg, const char *name) {
    char path[512];
    (void)arg;
    (void)snprintf(path, sizeof path, "%s/%s", unit_folder, name);
    (void)unlink(path);
}

static inline void unit_empty_folder(void) {
    assert_int_equal(td_os_posix.ops->list(NULL, unit_folder, unit_remove, NULL), TD_OK);
}

static inline int unit_remove_folder(void **state) {
    (void)state;
    unit_empty_folder();
    return rmdir(unit_folder);
}

static inline const char *unit_path(const char *name) {
    static char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", unit_folder, name);
    return path;
}

static inline void unit_write(const char *name, const void *data, size_t size) {
    FILE *file = fopen(unit_path(name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* One gzip member, added behind what the file holds. */
static inline void unit_write_gz(const char *name, td_bytes text) {
    gzFile file = gzopen(unit_path(name), "ab");
    assert_non_null(file);
    assert_int_equal(gzwrite(file, text.data, (unsigned)text.size), (int)text.size);
    assert_int_equal(gzclose(file), Z_OK);
}

/* A file more in the zip, by a library that is not ours; `method` as libzip names it. A name that ends with a slash
 * becomes a folder. */
static inline void unit_write_zip(const char *name, const char *inner, td_bytes text, int method) {
    zip_t *zip = zip_open(unit_path(name), ZIP_CREATE, NULL);
    assert_non_null(zip);
    if (inner[strlen(inner) - 1] == '/') {
        assert_true(zip_dir_add(zip, inner, 0) >= 0);
    } else {
        zip_int64_t at = zip_file_add(zip, inner, zip_source_buffer(zip, text.data, text.size, 0), ZIP_FL_OVERWRITE);
        assert_true(at >= 0);
        assert_int_equal(zip_set_file_compression(zip, (zip_uint64_t)at, method, 0), 0);
    }
    assert_int_equal(zip_close(zip), 0);
}

/* Keeps the first `size` bytes of a file; a negative size is counted from the end. */
static inline void unit_cut(const char *name, long size) {
    struct stat about;
    assert_int_equal(stat(unit_path(name), &about), 0);
    assert_int_equal(truncate(unit_path(name), size < 0 ? about.st_size + size : size), 0);
}

/* ---- an os that fails now and then ---- */

typedef struct unit_os {
    td_os_ops ops;
    td_os os;
    uint64_t seed;
    int fail_one_of; /* 0: never */
    int open_limit;  /* of files at a time; 0: any */
    int open_count, open_max;
} unit_os;

static inline bool unit_fails(unit_os *u) {
    return u->fail_one_of > 0 && unit_random(&u->seed) % (unsigned)u->fail_one_of == 0;
}

static inline td_status unit_open(void *self, const char *path, td_open_mode mode, int *out_file) {
    unit_os *u = self;
    if (unit_fails(u)) return TD_FAIL(TD_RETRY, "no open, on command");
    if (u->open_limit > 0 && u->open_count >= u->open_limit) return TD_FAIL(TD_RETRY, "too many are open");
    td_status status = td_os_posix.ops->open(NULL, path, mode, out_file);
    if (status == TD_OK && ++u->open_count > u->open_max) u->open_max = u->open_count;
    return status;
}

static inline td_status unit_read_at(void *self, int file, void *out, size_t size, int64_t offset, size_t *out_size) {
    unit_os *u = self;
    if (unit_fails(u)) return TD_FAIL(TD_RETRY, "no read, on command");
    if (u->fail_one_of > 0 && size > 7) size = 7 + unit_random(&u->seed) % (size - 7); /* reads may be short */
    return td_os_posix.ops->read_at(NULL, file, out, size, offset, out_size);
}

static inline void unit_close(void *self, int file) {
    unit_os *u = self;
    u->open_count--;
    td_os_posix.ops->close(NULL, file);
}

static inline const td_os *unit_os_init(unit_os *u, int fail_one_of) {
    *u = (unit_os){.ops = *td_os_posix.ops, .seed = 1, .fail_one_of = fail_one_of};
    u->ops.open = unit_open;
    u->ops.read_at = unit_read_at;
    u->ops.close = unit_close;
    u->os = (td_os){&u->ops, u};
    return &u->os;
}

/* ---- items as text ---- */

static inline const char *unit_number(int64_t m, int scale, char out[TD_DECIMAL_TEXT_MAX]) {
    if (m == TD_NONE) return "none";
    (void)td_decimal_format(m, scale, false, out);
    return out;
}

/* "book 157..160: b 1 x 2, a 3 x 0" */
static inline void unit_put_book(td_buf *out, const td_book *book) {
    char a[2][TD_DECIMAL_TEXT_MAX];
    td_buf_printf(out, "book %s..", unit_number(book->first_sequence, 0, a[0]));
    td_buf_printf(out, "%s%s%s:", unit_number(book->last_sequence, 0, a[0]), book->snapshot ? " snapshot" : "",
                  book->more ? " more" : "");
    for (size_t i = 0; i < book->level_count; i++)
        td_buf_printf(out, "%s %s %s x %s", i > 0 ? "," : "", book->levels[i].side == TD_BOOK_BID ? "b" : "a",
                      unit_number(book->levels[i].price, TD_PRICE_SCALE, a[0]),
                      unit_number(book->levels[i].size, TD_SIZE_SCALE, a[1]));
}

static inline void unit_put_event(td_buf *out, const td_instruments *instruments, const td_event *e) {
    char time[40], a[5][TD_DECIMAL_TEXT_MAX];
    (void)td_time_format(e->event_ns, time);
    td_buf_printf(out, "%s %s ", td_instruments_name(instruments, e->instrument).data, time);
    if (e->kind == TD_EVENT_TRADE) {
        const td_trade *t = &e->trade;
        td_buf_printf(out, "trade %s x %s side %d id %s", unit_number(t->price, TD_PRICE_SCALE, a[0]),
                      unit_number(t->size, TD_SIZE_SCALE, a[1]), t->side, unit_number(t->trade_id, 0, a[2]));
        td_buf_printf(out, " [%.*s %.*s]", t->exchange.size, t->exchange.text, t->condition.size, t->condition.text);
    } else if (e->kind == TD_EVENT_BOOK) {
        unit_put_book(out, &e->book);
    } else if (e->kind == TD_EVENT_PRICE) {
        td_buf_printf(out, "price %s", unit_number(e->price.price, TD_PRICE_SCALE, a[0]));
    } else if (e->kind == TD_EVENT_VENDOR_BAR) {
        const td_vendor_bar *b = &e->vendor_bar;
        char width[24];
        (void)td_duration_format(e->event_ns - b->start_ns, width);
        td_buf_printf(out, "bar %s %s %s %s %s x %s%s", strcmp(width, "1d") == 0 ? "24h" : width,
                      unit_number(b->open, TD_PRICE_SCALE, a[0]), unit_number(b->high, TD_PRICE_SCALE, a[1]),
                      unit_number(b->low, TD_PRICE_SCALE, a[2]), unit_number(b->close, TD_PRICE_SCALE, a[3]),
                      unit_number(b->volume, TD_SIZE_SCALE, a[4]), b->adjusted ? " adjusted" : "");
    } else {
        const td_quote *q = &e->quote;
        td_buf_printf(out, "quote %s x %s | %s x %s seq %s [%.*s %.*s]",
                      unit_number(q->bid_price, TD_PRICE_SCALE, a[0]), unit_number(q->bid_size, TD_SIZE_SCALE, a[1]),
                      unit_number(q->ask_price, TD_PRICE_SCALE, a[2]), unit_number(q->ask_size, TD_SIZE_SCALE, a[3]),
                      unit_number(q->sequence, 0, a[4]), q->exchange.size, q->exchange.text, q->condition.size,
                      q->condition.text);
    }
    if (e->flags & TD_FLAG_INEXACT) td_buf_text(out, " inexact");
    if (e->flags & TD_FLAG_TIME_RECEIVE) td_buf_text(out, " time-receive");
    if (e->flags & TD_FLAG_SUSPICIOUS) td_buf_text(out, " suspicious");
}

/* "file:line what\n" */
static inline void unit_put_item(td_buf *out, const td_instruments *instruments, const td_feed_item *item) {
    td_buf_printf(out, "%" PRIu32 ":%" PRIu64 " ", item->position.file, item->position.line);
    switch (item->kind) {
    case TD_ITEM_EVENT:
        unit_put_event(out, instruments, &item->event);
        break;
    case TD_ITEM_REJECTED:
        td_buf_printf(out, "rejected %s %.*s", td_reason_name((td_reason)item->rejected.reason),
                      (int)item->rejected.source.size, (const char *)item->rejected.source.data);
        break;
    case TD_ITEM_IGNORED:
        td_buf_printf(out, "ignored %s%s", item->ignored, item->parted ? ", parted" : "");
        break;
    case TD_ITEM_SESSION:
    case TD_ITEM_WANTED:
    case TD_ITEM_ANSWER:
    case TD_ITEM_BACKFILL:
    case TD_ITEM_NOTICE:
    case TD_ITEM_RAW:
    case TD_ITEM_PLACES:
    case TD_ITEM_END:
        td_buf_text(out, "end");
        break;
    }
    td_buf_text(out, "\n");
}

/* ---- whole feeds ---- */

typedef struct unit_option {
    const char *key, *value;
} unit_option;

typedef struct unit_feed {
    td_feed_conf conf;
    td_instruments *instruments;
    void *feed;
    const td_feed_ops *ops;
} unit_feed;

static inline void unit_feed_conf(unit_feed *f, const td_feed_ops *ops, const unit_option *options) {
    *f = (unit_feed){.ops = ops, .instruments = td_instruments_new()};
    td_options_init(ops->options, &f->conf);
    assert_int_equal(td_options_set(ops->options, &f->conf, "name", ops->format), TD_OK);
    for (; options->key != NULL; options++)
        assert_int_equal(td_options_set(ops->options, &f->conf, options->key, options->value), TD_OK);
}

static inline void unit_feed_open(unit_feed *f, const td_os *os) {
    td_status status;
    while ((status = f->ops->open(&f->feed, os, &f->conf, f->instruments)) == TD_RETRY) continue;
    assert_int_equal(status, TD_OK);
}

static inline void unit_feed_close(unit_feed *f) {
    f->ops->close(f->feed);
    td_options_fini(f->ops->options, &f->conf);
    td_instruments_free(f->instruments);
}

/* All items as text; a clock that goes back fails. */
static inline char *unit_feed_text(const td_feed_ops *ops, const td_os *os, const unit_option *options) {
    unit_feed f;
    unit_feed_conf(&f, ops, options);
    unit_feed_open(&f, os);
    td_buf text = {0};
    int64_t clock_ns = 0;
    td_feed_item item;
    do {
        td_status status;
        while ((status = ops->next(f.feed, &item)) == TD_RETRY) continue;
        assert_int_equal(status, TD_OK);
        assert_true(item.clock_ns >= clock_ns);
        if (item.kind == TD_ITEM_EVENT) assert_int_equal(item.event.receive_ns, item.clock_ns);
        clock_ns = item.clock_ns;
        unit_put_item(&text, f.instruments, &item);
    } while (item.kind != TD_ITEM_END);
    assert_int_equal(ops->next(f.feed, &item), TD_OK); /* and stays so */
    assert_int_equal(item.kind, TD_ITEM_END);
    unit_feed_close(&f);
    td_buf_put(&text, "", 1);
    return (char *)text.data;
}
