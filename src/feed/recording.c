/* src/feed/recording.c - a heap of open files, and a list of those whose time has not come yet. */
#include "feed/recording.h"
#include "base/decimal.h"
#include "feed/recording_files.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { DETAIL_MAX = 400 };

/* How often the machine is asked again before its failing ends the reading of files that are no text: with ingest's
 * back-off some seconds. */
enum { TRIES = 16 };

typedef struct source { /* one file */
    const char *path;
    uint32_t index; /* in byte order of the paths: the file of a position */
    td_recording_begin begin;
    bool looked_at;      /* `begin` is known for good */
    td_archive *archive; /* NULL while closed */
    void *file;          /* the same of a file that is no text */
    void *state;         /* the format's */
    bool has_line;       /* `line` is read and not yet passed */
    td_line line;
    uint32_t part;        /* of the line, counted from 0 */
    int64_t clock_ns;     /* running maximum; 0 before its first instant */
    td_recorded recorded; /* what `line` says */
} source;

typedef struct recording {
    const td_os *os;
    const td_feed_conf *conf;
    const td_recording_ops *ops;
    td_instruments *instruments;
    void *reader; /* of files that are no text */
    int failures; /* of the machine's, in a row: none of such a file was read since */
    td_paths paths;
    source *sources;
    source **waiting; /* not opened yet, by (start, index); those before `next_waiting` are done with */
    size_t next_waiting;
    source **heap; /* open, each at a line to be given; the first one is next */
    size_t heap_count;
    bool shares_ids;
    bool given; /* the first one's line is out: pass it before anything else */
    int64_t clock_ns;
    char detail[DETAIL_MAX];
} recording;

/* ---- one file ---- */

static bool is_open(const source *s) { return s->archive != NULL || s->file != NULL; }

static void source_close(const recording *r, source *s) {
    td_archive_close(s->archive);
    if (r->ops->files != NULL) r->ops->files->close(s->file);
    free(s->state);
    s->archive = NULL;
    s->file = NULL;
    s->state = NULL;
    s->has_line = false;
}

/* The machine's failing is TD_RETRY for a while, then TD_CONFIG. */
static td_status endure(recording *r, const source *s, td_status status) {
    if (r->ops->files == NULL || status == TD_OK || status == TD_REJECT) return status;
    if (++r->failures < TRIES) return TD_RETRY;
    return td_trace(TD_CONFIG, "given up after %d tries to read %s", TRIES, s->path);
}

static td_status source_next(recording *r, source *s) {
    if (r->ops->files == NULL) return td_archive_next(s->archive, &s->line);
    td_status status = r->ops->files->next(s->file, &s->line);
    if (status == TD_OK) r->failures = 0;
    return endure(r, s, status);
}

static td_status least_is_known(void *of, size_t column, td_bytes *out) {
    (void)of, (void)column, (void)out;
    return TD_AGAIN;
}

/* A text's first line is one of its lines, too. */
static td_status open_text(recording *r, source *s, td_recording_file *out) {
    td_status status = td_archive_open(&s->archive, r->os, s->path, r->ops->plain);
    if (status == TD_OK) status = source_next(r, s);
    if (status != TD_OK) return status;
    s->has_line = true;
    out->name = td_archive_name(s->archive);
    if (s->line.kind == TD_LINE_TEXT) out->first_line = s->line.bytes;
    return TD_OK;
}

static td_status open_other(const recording *r, source *s, td_recording_file *out) {
    td_status status = r->ops->files->open(&s->file, r->reader, s->path, &r->conf->fields, &out->first_line);
    out->least = s->looked_at ? least_is_known : r->ops->files->least; /* a whole reading is not done twice */
    out->of = s->file;
    return status;
}

/* Opens the file up to its first line. Errors: with a trail; it is closed then. */
static td_status source_open(recording *r, source *s) {
    td_recording_file file = {
        .name = "", .naming = {.venue = r->conf->venue, .instruments = r->instruments}, .fields = &r->conf->fields};
    td_status status = r->ops->files != NULL ? open_other(r, s, &file) : open_text(r, s, &file);
    if (status == TD_OK) {
        s->state = td_alloc_zero(1, r->ops->state_size);
        td_recording_begin begin = {0};
        status = r->ops->begin(s->state, &file, &begin);
        if (status == TD_OK && !s->looked_at) s->begin = begin;
    }
    if (status != TD_OK) source_close(r, s);
    return endure(r, s, status);
}

/* Of an error of source_open: the file is what is wrong, and the others go on. Who reads what is no text says so of the
 * file alone, and of the machine else. */
static bool is_refusal(const recording *r, td_status status) {
    return status == TD_REJECT || (status == TD_CONFIG && r->ops->files == NULL);
}

static bool within_hours(const td_feed_conf *conf, int64_t ns_of_day) {
    if (ns_of_day < 0) return true;
    int64_t from_ns = conf->from_ns < 0 ? 0 : conf->from_ns, to_ns = conf->to_ns < 0 ? INT64_MAX : conf->to_ns;
    bool after = ns_of_day >= from_ns, before = ns_of_day < to_ns;
    return from_ns <= to_ns ? after && before : after || before;
}

/* Fills `recorded` from `line`. False: nothing that is to come out. */
static bool source_decode(const recording *r, source *s) {
    td_recorded *row = &s->recorded;
    row->clock_ns = row->order = 0;
    row->ns_of_day = -1;
    row->more = row->parted = false;
    row->part = (td_bytes){0};
    row->notice.kind = TD_NOTICE_NONE;
    switch (s->line.kind) {
    case TD_LINE_TEXT:
        if (s->line.bytes.size == 0) return false;
        r->ops->decode(s->state, s->line.bytes, row);
        break;
    case TD_LINE_TOO_LONG:
        td_recorded_reject(row, TD_REASON_MALFORMED, s->line.detail);
        break;
    case TD_LINE_BROKEN:
        td_recorded_reject(row, TD_REASON_UNREADABLE, s->line.detail);
        break;
    case TD_LINE_END:
        return true;
    }
    td_recorded_check_instants(row);
    if (row->kind == TD_ITEM_END || !within_hours(r->conf, row->ns_of_day)) return false;
    if (row->clock_ns > s->clock_ns) s->clock_ns = row->clock_ns;
    return true;
}

/* Behind what the line has said last. */
static void source_pass(source *s) {
    s->has_line = s->recorded.more;
    s->part = s->recorded.more ? s->part + 1 : 0;
}

/* Moves on to the next line that is to come out, or to the END. Errors: TD_RETRY, TD_CONFIG; go on with the same call.
 */
static td_status source_advance(recording *r, source *s) {
    for (;;) {
        if (!s->has_line) {
            td_status status = source_next(r, s);
            if (status != TD_OK) return status;
            s->has_line = true;
        }
        if (source_decode(r, s)) return TD_OK;
        source_pass(s);
    }
}

/* ---- the heap ---- */

static bool comes_before(const source *a, const source *b) {
    if (a->clock_ns != b->clock_ns) return a->clock_ns < b->clock_ns;
    if (a->begin.rank != b->begin.rank) return a->begin.rank < b->begin.rank;
    if (a->recorded.order != b->recorded.order) return a->recorded.order < b->recorded.order;
    return a->index < b->index;
}

static void sift_down(recording *r) {
    source *moved = r->heap_count > 0 ? r->heap[0] : NULL;
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < r->heap_count; at = child) {
        if (child + 1 < r->heap_count && comes_before(r->heap[child + 1], r->heap[child])) child++;
        if (!comes_before(r->heap[child], moved)) break;
        r->heap[at] = r->heap[child];
    }
    r->heap[at] = moved;
}

static void heap_push(recording *r, source *s) {
    size_t at = r->heap_count++;
    for (; at > 0 && comes_before(s, r->heap[(at - 1) / 2]); at = (at - 1) / 2) r->heap[at] = r->heap[(at - 1) / 2];
    r->heap[at] = s;
}

/* ---- the feed ---- */

/* Finds out when each file begins. What cannot be opened now is tried again, and then refused, when its turn comes. */
static td_status look_at_files(recording *r) {
    for (size_t i = 0; i < r->paths.count; i++) {
        source *s = &r->sources[i];
        s->path = r->paths.items[i];
        s->index = (uint32_t)i;
        r->waiting[i] = s;
        td_status status = source_open(r, s);
        if (status != TD_OK && !is_refusal(r, status)) return status;
        s->looked_at = status == TD_OK;
        r->shares_ids |= s->begin.shares_ids;
        source_close(r, s);
    }
    return TD_OK;
}

static int compare_starts(const void *a, const void *b) {
    const source *x = *(source *const *)a, *y = *(source *const *)b;
    if (x->begin.start_ns != y->begin.start_ns) return x->begin.start_ns < y->begin.start_ns ? -1 : 1;
    return x->index < y->index ? -1 : 1;
}

td_status td_recording_open(void **out, const td_os *os, const td_feed_conf *conf, const td_recording_ops *ops,
                            td_instruments *instruments) {
    recording *r = td_alloc_zero(1, sizeof *r);
    *r = (recording){.os = os, .conf = conf, .ops = ops, .instruments = instruments};
    td_status status = ops->files != NULL ? ops->files->start(&r->reader, os) : TD_OK;
    if (status == TD_OK) status = (ops->files != NULL ? ops->files->find : td_glob)(os, conf->path, &r->paths);
    if (status == TD_OK && conf->venue != NULL) status = td_feed_check_venue(conf->venue);
    if (status == TD_OK && r->paths.count == 0) status = TD_FAIL(TD_CONFIG, "path: no file is named %s", conf->path);
    if (status == TD_OK) {
        r->sources = td_alloc_zero(r->paths.count, sizeof *r->sources);
        r->waiting = td_alloc_zero(r->paths.count, sizeof(source *));
        r->heap = td_alloc_zero(r->paths.count, sizeof(source *));
        status = look_at_files(r);
    }
    if (status != TD_OK) {
        td_recording_close(r);
        return status;
    }
    qsort(r->waiting, r->paths.count, sizeof(source *), compare_starts);
    *out = r;
    return TD_OK;
}

void td_recording_close(void *recording_any) {
    recording *r = recording_any;
    if (r == NULL) return;
    for (size_t i = 0; r->sources != NULL && i < r->paths.count; i++) source_close(r, &r->sources[i]);
    if (r->ops->files != NULL) r->ops->files->stop(r->reader);
    free(r->heap);
    free(r->waiting);
    free(r->sources);
    td_paths_fini(&r->paths);
    free(r);
}

bool td_recording_shares_ids(const void *recording_any) { return ((const recording *)recording_any)->shares_ids; }

bool td_recording_file_of(const void *recording_any, size_t index, td_feed_file *out) {
    const recording *r = recording_any;
    if (index >= r->paths.count) return false;
    *out = (td_feed_file){.path = r->paths.items[index], .begins_ns = r->sources[index].begin.start_ns};
    return true;
}

static td_source_position position_of(const source *s) {
    return (td_source_position){.file = s->index, .line = s->line.number, .part = s->part};
}

static td_rejected rejected_of(const source *s, int64_t clock_ns) {
    td_bytes bytes = s->recorded.part.size > 0 ? s->recorded.part : s->line.bytes;
    if (bytes.size > TD_REJECTED_BYTES_MAX) bytes.size = TD_REJECTED_BYTES_MAX;
    return (td_rejected){.source = td_text(td_path_base(s->path)),
                         .position = position_of(s),
                         .receive_ns = clock_ns,
                         .reason = s->recorded.reason,
                         .detail = td_text(s->recorded.detail),
                         .bytes = bytes};
}

static void give_row(recording *r, const source *s, td_feed_item *out) {
    const td_recorded *row = &s->recorded;
    if (s->clock_ns > r->clock_ns) r->clock_ns = s->clock_ns;
    out->kind = row->kind;
    out->parted = row->parted;
    out->clock_ns = r->clock_ns;
    out->position = position_of(s);
    switch (row->kind) {
    case TD_ITEM_EVENT:
        out->event = row->event;
        if (row->event.origin != TD_ORIGIN_RELEASE)
            out->event.receive_ns = r->clock_ns; /* a release says when it came */
        break;
    case TD_ITEM_REJECTED:
        out->rejected = rejected_of(s, r->clock_ns);
        break;
    case TD_ITEM_IGNORED:
        out->ignored = row->ignored;
        break;
    case TD_ITEM_SESSION:
    case TD_ITEM_WANTED:
    case TD_ITEM_ANSWER:
    case TD_ITEM_BACKFILL:
    case TD_ITEM_NOTICE:
    case TD_ITEM_RAW:
    case TD_ITEM_PLACES:
    case TD_ITEM_END:
        break;
    }
}

/* A file that cannot be opened, or is not of this format: one item, and the others go on. */
static void give_refused_file(recording *r, const source *s, td_feed_item *out) {
    (void)snprintf(r->detail, sizeof r->detail, "%s", td_trail());
    *out = (td_feed_item){.kind = TD_ITEM_REJECTED,
                          .clock_ns = r->clock_ns,
                          .position = {.file = s->index},
                          .rejected = {.source = td_text(td_path_base(s->path)),
                                       .position = {.file = s->index},
                                       .receive_ns = r->clock_ns,
                                       .reason = TD_REASON_UNREADABLE,
                                       .detail = td_text(r->detail)}};
}

/* Passes the line that is out. Errors: TD_RETRY, TD_CONFIG. */
static td_status pass_given(recording *r) {
    source *s = r->heap[0];
    if (s->has_line) source_pass(s);
    td_status status = source_advance(r, s);
    if (status != TD_OK) return status;
    r->given = false;
    if (s->line.kind == TD_LINE_END) {
        source_close(r, s);
        r->heap[0] = r->heap[--r->heap_count];
    }
    sift_down(r);
    return TD_OK;
}

/* Opens the next file, which enters the heap unless it is empty. TD_REJECT: it is refused. */
static td_status open_waiting(recording *r, source *s) {
    td_status opened = is_open(s) ? TD_OK : source_open(r, s);
    bool refused = opened != TD_OK && is_refusal(r, opened);
    td_status status = opened == TD_OK ? source_advance(r, s) : opened;
    if (status != TD_OK && !refused) return status;
    r->next_waiting++;
    if (refused) return TD_REJECT;
    if (s->line.kind == TD_LINE_END)
        source_close(r, s);
    else
        heap_push(r, s);
    return TD_OK;
}

td_status td_recording_next(void *recording_any, td_feed_item *out) {
    recording *r = recording_any;
    td_status status = r->given ? pass_given(r) : TD_OK;
    if (status != TD_OK) return status;
    while (r->next_waiting < r->paths.count) {
        source *s = r->waiting[r->next_waiting];
        if (r->heap_count > 0 && s->begin.start_ns > r->heap[0]->clock_ns) break;
        status = open_waiting(r, s);
        if (status == TD_OK) continue;
        if (status != TD_REJECT) return status;
        give_refused_file(r, s, out);
        return TD_OK;
    }
    if (r->heap_count == 0) {
        *out = (td_feed_item){.kind = TD_ITEM_END, .clock_ns = r->clock_ns};
        return TD_OK;
    }
    give_row(r, r->heap[0], out);
    r->given = true;
    return TD_OK;
}

/* ---- for the formats ---- */

void td_recorded_reject(td_recorded *out, td_reason reason, const char *detail) {
    out->kind = TD_ITEM_REJECTED;
    out->reason = (uint8_t)reason;
    out->detail = detail;
}

void td_recorded_check_instants(td_recorded *out) {
    bool event_late = out->kind == TD_ITEM_EVENT && out->event.event_ns > TD_FEED_INSTANT_MAX_NS;
    if (out->clock_ns <= TD_FEED_INSTANT_MAX_NS && !event_late) return;
    td_recorded_reject(out, TD_REASON_RANGE, "an instant after the year 2200");
    out->clock_ns = 0;
}

/* Is `text` a number at all? Only asked about what could not be parsed. */
static bool looks_like_number(td_bytes text) {
    const uint8_t *p = text.data, *end = p + text.size;
    size_t digits = 0;
    if (p < end && (*p == '-' || *p == '+')) p++;
    for (; p < end && ((*p >= '0' && *p <= '9') || *p == '.'); p++) digits += *p != '.';
    if (digits == 0) return false;
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        if (p < end && (*p == '-' || *p == '+')) p++;
        for (digits = 0; p < end && *p >= '0' && *p <= '9'; p++) digits++;
        if (digits == 0) return false;
    }
    return p == end;
}

td_reason td_recorded_number(td_bytes text, int scale, int64_t *out_m, uint8_t *flags) {
    bool inexact;
    if (text.size == 0) return TD_REASON_MALFORMED; /* a field that is missing has no data, either */
    if (td_decimal_parse(text, scale, out_m, &inexact) != TD_OK)
        return looks_like_number(text) ? TD_REASON_RANGE : TD_REASON_MALFORMED;
    if (inexact) *flags |= TD_FLAG_INEXACT;
    return TD_REASON_NONE;
}

td_reason td_recorded_side(const td_bytes texts[2], int price_scale, int64_t *price, int64_t *size, uint8_t *flags) {
    td_reason reason = td_recorded_number(texts[0], price_scale, price, flags);
    if (reason == TD_REASON_NONE) reason = td_recorded_number(texts[1], TD_SIZE_SCALE, size, flags);
    if (reason == TD_REASON_NONE && *price == 0 && *size == 0) *price = *size = TD_NONE;
    return reason;
}

bool td_recorded_instrument(const td_naming *naming, td_bytes symbol, uint32_t *out_index) {
    char name[TD_INSTRUMENT_NAME_MAX + 1];
    size_t venue_size = strlen(naming->venue);
    if (venue_size + 1 + symbol.size > TD_INSTRUMENT_NAME_MAX) return false;
    memcpy(name, naming->venue, venue_size);
    name[venue_size] = ':';
    memcpy(name + venue_size + 1, symbol.data, symbol.size);
    td_bytes bytes = {(const uint8_t *)name, venue_size + 1 + symbol.size};
    if (!td_instrument_name_valid(bytes)) return false;
    *out_index = td_instruments_intern(naming->instruments, bytes);
    return true;
}
