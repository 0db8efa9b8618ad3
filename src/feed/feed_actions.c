/* src/feed/feed_actions.c - corporate actions out of plain CSV files: date,instrument,kind,value and, as far as they
 * are there, currency,announced,source. What they say holds from a day on, whenever it was read: all rows stand in
 * front of the feed's first instant, so that none comes behind the ticks it is about. */
#include "base/lines.h"
#include "feed/feed.h"
#include "feed/glob.h"
#include "model/corporate.h"
#include <stdlib.h>

enum { FILE_BYTES_MAX = 64 << 20, COLUMNS_MIN = 4, COLUMNS_MAX = 7 };

typedef enum column { DATE, INSTRUMENT, KIND, VALUE, CURRENCY, ANNOUNCED, SOURCE } column;

typedef struct actions_feed {
    const td_feed_conf *conf;
    td_instruments *instruments;
    td_paths paths;
    td_buf *texts; /* a file each */
    size_t file;   /* being read */
    td_bytes rest; /* of it */
    uint64_t line;
} actions_feed;

static void actions_close(void *feed) {
    actions_feed *f = feed;
    if (f == NULL) return;
    for (size_t i = 0; f->texts != NULL && i < f->paths.count; i++) td_buf_fini(&f->texts[i]);
    free(f->texts);
    td_paths_fini(&f->paths);
    free(f);
}

static void begin_file(actions_feed *f, size_t file) {
    f->file = file;
    f->rest = file < f->paths.count ? td_buf_bytes(&f->texts[file]) : (td_bytes){0};
    f->line = 0;
}

static td_status actions_open(void **out, const td_os *os, const td_feed_conf *conf, td_instruments *instruments) {
    actions_feed *f = td_alloc_zero(1, sizeof *f);
    *f = (actions_feed){.conf = conf, .instruments = instruments};
    td_status status = td_glob(os, conf->path, &f->paths);
    if (status == TD_OK) status = td_feed_check_venue(conf->venue);
    if (status == TD_OK && f->paths.count == 0) status = TD_FAIL(TD_CONFIG, "path: no file is named %s", conf->path);
    if (status == TD_OK) f->texts = td_alloc_zero(f->paths.count, sizeof *f->texts);
    for (size_t i = 0; i < f->paths.count && status == TD_OK; i++)
        status = td_os_read_file(os, f->paths.items[i], FILE_BYTES_MAX, &f->texts[i]);
    if (status != TD_OK) {
        actions_close(f);
        return status;
    }
    begin_file(f, 0);
    *out = f;
    return TD_OK;
}

/* ---- one row ---- */

static size_t split_columns(td_bytes line, td_bytes columns[COLUMNS_MAX]) {
    size_t count = 0;
    for (const uint8_t *p = line.data, *start = p, *end = p + line.size;; p++) {
        if (p < end && *p != ',') continue;
        if (count == COLUMNS_MAX) return COLUMNS_MAX + 1;
        columns[count++] = (td_bytes){start, (size_t)(p - start)};
        if (p == end) return count;
        start = p + 1;
    }
}

/* VENUE:SYMBOL, or a symbol of the feed's venue. */
static bool read_instrument(const actions_feed *f, td_bytes text, uint32_t *out) {
    td_buf name = {0};
    if (memchr(text.data, ':', text.size) == NULL) td_buf_printf(&name, "%s:", f->conf->venue);
    td_buf_put(&name, text.data, text.size);
    bool valid = td_instrument_name_valid(td_buf_bytes(&name));
    if (valid) *out = td_instruments_intern(f->instruments, td_buf_bytes(&name));
    td_buf_fini(&name);
    return valid;
}

/* NULL, or what is wrong. */
static const char *read_row(const actions_feed *f, td_bytes line, td_event *out) {
    td_bytes c[COLUMNS_MAX] = {{0}};
    size_t count = split_columns(line, c);
    if (count < COLUMNS_MIN || count > COLUMNS_MAX) return "not date,instrument,kind,value[,currency,announced,source]";
    td_corporate_words words = {c[DATE], c[KIND], c[VALUE], c[CURRENCY], c[ANNOUNCED], c[SOURCE]};
    const char *fault = td_corporate_read(&words, out);
    if (fault != NULL) return fault;
    return read_instrument(f, c[INSTRUMENT], &out->instrument) ? NULL : "no instrument can have that name";
}

/* ---- the feed ---- */

static bool next_line(actions_feed *f, td_bytes *out) {
    while (f->rest.size == 0) {
        if (f->file >= f->paths.count) return false;
        begin_file(f, f->file + 1);
    }
    f->line++;
    return td_text_line(&f->rest, out);
}

static bool says_nothing(const actions_feed *f, td_bytes line) {
    bool header = f->line == 1 && line.size >= 5 && memcmp(line.data, "date,", 5) == 0;
    return header || line.size == 0 || line.data[0] == '#';
}

static td_status actions_next(void *feed, td_feed_item *out) {
    actions_feed *f = feed;
    td_bytes line;
    do {
        if (!next_line(f, &line)) {
            *out = (td_feed_item){.kind = TD_ITEM_END};
            return TD_OK;
        }
    } while (says_nothing(f, line));
    *out = (td_feed_item){.kind = TD_ITEM_EVENT, .position = {.file = (uint32_t)f->file, .line = f->line}};
    const char *fault = read_row(f, line, &out->event);
    if (fault == NULL) return TD_OK;
    if (line.size > TD_CORPORATE_TEXT_MAX * COLUMNS_MAX) line.size = TD_CORPORATE_TEXT_MAX * COLUMNS_MAX;
    out->kind = TD_ITEM_REJECTED;
    out->rejected = (td_rejected){.source = td_text(td_path_base(f->paths.items[f->file])),
                                  .position = out->position,
                                  .reason = TD_REASON_MALFORMED,
                                  .detail = td_text(fault),
                                  .bytes = line};
    return TD_OK;
}

/* A file that is new stands behind those that a log was made of, whenever that is: its rows have no clock. */
static bool actions_file(const void *feed, size_t index, td_feed_file *out) {
    const actions_feed *f = feed;
    if (index >= f->paths.count) return false;
    *out = (td_feed_file){.path = f->paths.items[index], .begins_ns = 1};
    return true;
}

static const td_option actions_options[] = {TD_FEED_ROWS("LEAN"),
                                            {.key = "path",
                                             .type = TD_OPTION_TEXT,
                                             .required = true,
                                             .offset = offsetof(td_feed_conf, path),
                                             .help = "CSV file, or files by the wildcards * ? [a-z]"},
                                            {0}};

const td_feed_ops td_feed_actions = {.format = "actions",
                                     .is_file = true,
                                     .venue = "LEAN",
                                     .options = actions_options,
                                     .open = actions_open,
                                     .next = actions_next,
                                     .file = actions_file,
                                     .close = actions_close};
