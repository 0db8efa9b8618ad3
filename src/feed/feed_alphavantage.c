/* src/feed/feed_alphavantage.c - answers of Alpha Vantage that were kept as files: bars as JSON or CSV, and quotes. An
 * answer stands newest first, and those of a symbol's months stand in any order: all files are read at once, and their
 * rows come out in the order of time. A row of a file is counted from its oldest, so that a later answer that only
 * begins with newer rows is the same file, grown. */
#include "base/secret.h"
#include "base/time.h"
#include "feed/alphavantage.h"
#include "feed/glob.h"
#include <stdlib.h>

enum { FILE_BYTES_MAX = 256 << 20, ROWS_MAX = 8000000, BYTES_KEPT = 4096 };

typedef struct row { /* 96 bytes: all of them are in memory */
    int64_t event_ns;
    uint32_t instrument, file, line; /* line 0: the whole file is refused */
    uint8_t kind;                    /* td_event_kind; 0: refused */
    uint8_t flags, reason;
    union {
        td_vendor_bar bar;
        td_price price;
        struct {
            const char *detail; /* NULL: the text `detail_size` behind `at` */
            size_t at, size, detail_size;
        } refused;
    };
} row;

typedef struct av_feed {
    td_paths paths;
    td_buf rows;  /* of struct row */
    td_buf texts; /* of what was refused */
    size_t next;
    int64_t *begins_ns; /* a file each; 0: it has no row */
} av_feed;

static row *row_at(const av_feed *f, size_t index) { return (row *)(void *)f->rows.data + index; }
static size_t row_count(const av_feed *f) { return f->rows.size / sizeof(row); }

static void av_close(void *feed) {
    av_feed *f = feed;
    if (f == NULL) return;
    td_buf_fini(&f->rows);
    td_buf_fini(&f->texts);
    free(f->begins_ns);
    td_paths_fini(&f->paths);
    free(f);
}

/* ---- reading ---- */

typedef struct reading { /* one file */
    av_feed *feed;
    uint32_t file;
    int64_t event_ns; /* of the row before: one without a time of its own stays beside it */
} reading;

static void take_row(void *arg, const td_recorded *recorded, td_bytes bytes) {
    reading *r = arg;
    av_feed *f = r->feed;
    const td_event *e = &recorded->event;
    row taken = {.event_ns = e->event_ns, .instrument = e->instrument, .file = r->file, .flags = e->flags};
    if (recorded->kind == TD_ITEM_EVENT) {
        taken.kind = e->kind;
        if (e->kind == TD_EVENT_PRICE)
            taken.price = e->price;
        else
            taken.bar = e->vendor_bar;
        r->event_ns = e->event_ns;
    } else {
        taken.event_ns = r->event_ns;
        taken.reason = recorded->reason;
        taken.refused.detail = recorded->detail;
        taken.refused.at = f->texts.size;
        taken.refused.size = bytes.size < BYTES_KEPT ? bytes.size : BYTES_KEPT;
        td_buf_put(&f->texts, bytes.data, taken.refused.size);
    }
    td_buf_put(&f->rows, &taken, sizeof taken);
}

/* The whole answer is something else than data. Notices are told in their own words, but for the key. */
static void refuse_file(av_feed *f, uint32_t file, td_answer_word word, td_bytes text) {
    row refused = {.file = file, .reason = TD_REASON_MALFORMED, .refused = {.at = f->texts.size}};
    td_texts keys = {0};
    td_buf said = {0}, room = {0};
    td_buf_put(&said, text.data, text.size);
    td_buf_put(&said, "", 1);
    td_secrets_find(&keys, (const char *)said.data);
    td_bytes shown = td_secrets_hide(&keys, text, &room);
    td_buf_printf(&f->texts, "%s: ", td_answer_word_name(word));
    td_buf_put(&f->texts, shown.data, shown.size);
    refused.refused.detail_size = f->texts.size - refused.refused.at;
    td_buf_put(&f->rows, &refused, sizeof refused);
    td_buf_fini(&room);
    td_buf_fini(&said);
    td_secrets_fini(&keys);
}

static int by_time(const void *a, const void *b) {
    const row *x = a, *y = b;
    if (x->event_ns != y->event_ns) return x->event_ns < y->event_ns ? -1 : 1;
    if (x->file != y->file) return x->file < y->file ? -1 : 1;
    return (x->line > y->line) - (x->line < y->line);
}

/* Counts the file's rows from the oldest; those of one time in the reverse of the answer's order, as its others. */
static void number_rows(av_feed *f, size_t first, uint32_t file) {
    size_t count = row_count(f) - first;
    for (size_t i = 0; i < count; i++) row_at(f, first + i)->line = (uint32_t)(count - i);
    if (count > 1) qsort(row_at(f, first), count, sizeof(row), by_time);
    for (size_t i = 0; i < count; i++) row_at(f, first + i)->line = (uint32_t)i + 1;
    if (count > 0) f->begins_ns[file] = row_at(f, first)->event_ns;
}

/* "IBM_5min_2013-01.csv": whose bars, and how wide; of other names nothing is said. */
static void read_name(const char *path, td_answer_request *request) {
    const char *name = td_path_base(path), *mark = strchr(name, '_');
    if (mark == NULL) return;
    size_t size = strcspn(mark + 1, "_.");
    if (td_av_width((td_bytes){(const uint8_t *)mark + 1, size}, &request->width_ns))
        request->symbol = (td_bytes){(const uint8_t *)name, (size_t)(mark - name)};
}

static td_status read_file(av_feed *f, const td_os *os, const td_feed_conf *conf, td_instruments *instruments,
                           uint32_t file) {
    td_buf text = {0};
    const char *path = f->paths.items[file];
    td_answer_request request = {.naming = {conf->venue, instruments},
                                 .adjusted = conf->adjusted,
                                 .starts = conf->stamps == TD_FEED_STAMPS_START};
    reading r = {.feed = f, .file = file};
    td_bytes why = {0};
    size_t first = row_count(f);
    td_status status = td_os_read_file(os, path, FILE_BYTES_MAX, &text);
    if (status == TD_OK) {
        read_name(path, &request);
        td_answer_word word = td_av_read(td_buf_bytes(&text), &request, take_row, &r, &why);
        number_rows(f, first, file);
        if (word != TD_ANSWER_ROWS) refuse_file(f, file, word, why);
    }
    td_buf_fini(&text);
    if (status == TD_OK && row_count(f) > ROWS_MAX)
        return TD_FAIL(TD_CONFIG,
                       "path: %s names more than %d rows; several feeds, one behind the other, can read them",
                       conf->path, ROWS_MAX);
    return status;
}

static td_status av_open(void **out, const td_os *os, const td_feed_conf *conf, td_instruments *instruments) {
    av_feed *f = td_alloc_zero(1, sizeof *f);
    td_status status = td_glob(os, conf->path, &f->paths);
    if (status == TD_OK) status = td_feed_check_venue(conf->venue);
    if (status == TD_OK && f->paths.count == 0) status = TD_FAIL(TD_CONFIG, "path: no file is named %s", conf->path);
    f->begins_ns = td_alloc_zero(f->paths.count + 1, sizeof *f->begins_ns);
    for (uint32_t i = 0; i < f->paths.count && status == TD_OK; i++) status = read_file(f, os, conf, instruments, i);
    if (status != TD_OK) {
        av_close(f);
        return status;
    }
    if (row_count(f) > 1) qsort(f->rows.data, row_count(f), sizeof(row), by_time);
    *out = f;
    return TD_OK;
}

/* ---- the feed ---- */

static td_rejected rejected_of(const av_feed *f, const row *at, td_source_position position) {
    const uint8_t *text = f->texts.data + at->refused.at;
    bool whole = at->refused.detail == NULL;
    return (td_rejected){.source = td_text(td_path_base(f->paths.items[at->file])),
                         .position = position,
                         .receive_ns = at->event_ns,
                         .reason = at->reason,
                         .detail = whole ? (td_bytes){text, at->refused.detail_size} : td_text(at->refused.detail),
                         .bytes = {text, whole ? 0 : at->refused.size}};
}

static td_status av_next(void *feed, td_feed_item *out) {
    av_feed *f = feed;
    bool end = f->next == row_count(f);
    const row *at = end ? NULL : row_at(f, f->next);
    int64_t before_ns = f->next > 0 ? row_at(f, f->next - 1)->event_ns : 0;
    *out = (td_feed_item){.kind = TD_ITEM_END, .clock_ns = before_ns};
    if (end) return TD_OK;
    f->next++;
    out->clock_ns = at->event_ns;
    out->position = (td_source_position){.file = at->file, .line = at->line};
    out->kind = at->kind == 0 ? TD_ITEM_REJECTED : TD_ITEM_EVENT;
    if (at->kind == 0) {
        out->rejected = rejected_of(f, at, out->position);
        return TD_OK;
    }
    out->event = (td_event){.kind = at->kind,
                            .flags = at->flags,
                            .instrument = at->instrument,
                            .event_ns = at->event_ns,
                            .receive_ns = at->event_ns};
    if (at->kind == TD_EVENT_PRICE)
        out->event.price = at->price;
    else
        out->event.vendor_bar = at->bar;
    return TD_OK;
}

static bool av_file(const void *feed, size_t index, td_feed_file *out) {
    const av_feed *f = feed;
    if (index >= f->paths.count) return false;
    *out = (td_feed_file){.path = f->paths.items[index], .begins_ns = f->begins_ns[index]};
    return true;
}

static const td_option av_options[] = {
    TD_FEED_ROWS("ALPHAVANTAGE"),
    {.key = "path",
     .type = TD_OPTION_TEXT,
     .required = true,
     .offset = offsetof(td_feed_conf, path),
     .help = "an answer as JSON, or as CSV in SYMBOL_5min.csv or SYMBOL_daily.csv; files by the wildcards * ? [a-z]"},
    {.key = "adjusted",
     .type = TD_OPTION_BOOL,
     .fallback = "true",
     .offset = offsetof(td_feed_conf, adjusted),
     .help = "whether its intraday bars were asked for as adjusted, which the vendor does unless told"},
    {.key = "stamps",
     .type = TD_OPTION_CHOICE,
     .fallback = "end",
     .choices = "end|start",
     .offset = offsetof(td_feed_conf, stamps),
     .help = "what the time of an intraday bar is: days that begin with 04:00:00 say start, those up to 20:00:00 end"},
    {0}};

const td_feed_ops td_feed_alphavantage = {.format = "alphavantage",
                                          .is_file = true,
                                          .venue = "ALPHAVANTAGE",
                                          .options = av_options,
                                          .open = av_open,
                                          .next = av_next,
                                          .file = av_file,
                                          .close = av_close};
