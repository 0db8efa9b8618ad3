/* src/serve/history.c - a bounded walk backwards through partitions of the log. */
#include "serve/history.h"
#include "base/hash.h"
#include "schema/cause.h"
#include <stdlib.h>

#define BLOCK_BYTES (INT64_C(256) << 10)
enum { BLOCKS_MAX = 2048, STRETCH_BLOCKS = 128, ROWS_SLACK = 8192, PROGRAMS_PER_STEP = 64 };

struct td_history {
    td_history_question q;
    uint32_t partition, partition_end; /* still to read: [partition, partition_end) */
    bool seeks;                        /* still to see whether a program names the instrument; */
    bool anywhere;                     /* one does: rows of it may be in any partition */
    td_reader *reader;
    int64_t block_end;     /* everything below is still unread; -1: partition not begun */
    size_t blocks;         /* read so far */
    int64_t unread_ns;     /* nothing unread in this partition is of a later time */
    int64_t block_told_ns; /* the latest that a row of this block is of, or was told at; INT64_MIN: there is none */
    int64_t block_of_ns;   /* the latest that one is of */
    int64_t stretch_of_ns; /* of the blocks of this stretch that have rows */
    int64_t behind_ns;     /* of the last whole stretch; INT64_MAX: none was read */
    size_t stretch;        /* such blocks of it */
    int64_t first_ns;      /* the first result of a bar that stands lowest */
    bool block_has_first, is_cut;
    td_history_edge gone; /* the newest place of a row that is older than the page */
    int64_t cursor;
    size_t kept;           /* rows of this partition */
    int64_t block_ms;      /* when the first record of the last block was appended */
    td_history_edge floor; /* before it not all partitions were read */
    td_history_edge edge;
    td_history_row *rows;
    size_t row_count, row_capacity;
    td_buf values;
};

td_history *td_history_new(const td_history_question *question) {
    td_history *h = td_alloc_zero(1, sizeof *h);
    h->q = *question;
    if (h->q.block_bytes == 0) h->q.block_bytes = BLOCK_BYTES;
    h->cursor = -1;
    h->block_end = -1;
    uint32_t partitions = td_topic_partitions(question->topic);
    bool one = question->instrument.size > 0;
    h->partition = one ? td_partition_of(question->instrument, partitions) : 0;
    h->partition_end = one ? h->partition + 1 : partitions;
    h->seeks = one && question->programs != NULL && question->as_of.offset == INT64_MAX;
    return h;
}

void td_history_free(td_history *h) {
    if (h == NULL) return;
    td_reader_close(h->reader);
    td_buf_fini(&h->values);
    free(h->rows);
    free(h);
}

/* ---- rows ---- */

static int by_order(const void *a, const void *b) {
    const td_history_row *x = a, *y = b;
    if (x->order != y->order) return x->order < y->order ? -1 : 1;
    if (x->tie != y->tie) return x->tie < y->tie ? -1 : 1;
    if (x->partition != y->partition) return x->partition < y->partition ? -1 : 1;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static bool is_same_bar(const td_history *h, const td_history_row *a, const td_history_row *b) {
    td_event x, y;
    td_bytes feed;
    if (td_record_get_event(h->q.ids, td_history_value(h, a), &x, &feed) != TD_OK ||
        td_record_get_event(h->q.ids, td_history_value(h, b), &y, &feed) != TD_OK)
        return false;
    const td_vendor_bar *p = &x.vendor_bar, *q = &y.vendor_bar;
    return x.event_ns == y.event_ns && p->open == q->open && p->high == q->high && p->low == q->low &&
           p->close == q->close && p->volume == q->volume;
}

static bool is_same_place(const td_history_row *a, const td_history_row *b) {
    return a->order == b->order && a->tie == b->tie;
}

/* Leaves of each bar what was said last, where it was first said so. */
static void settle_vendor_rows(td_history *h) {
    size_t kept = 0;
    for (size_t end = h->row_count, begin; end > 0; end = begin) { /* groups, the newest first */
        size_t last = end - 1;
        for (begin = last; begin > 0 && is_same_place(&h->rows[begin - 1], &h->rows[last]);) begin--;
        while (last > begin && !h->rows[last].first && is_same_bar(h, &h->rows[last - 1], &h->rows[last])) last--;
        h->rows[last].first |= last > begin;
        kept++;
        h->rows[h->row_count - kept] = h->rows[last]; /* at or behind what was read */
    }
    memmove(h->rows, h->rows + h->row_count - kept, kept * sizeof *h->rows);
    h->row_count = kept;
}

/* Sorts and leaves the last revision of each bar. */
static void settle_rows(td_history *h) {
    if (h->row_count > 1) qsort(h->rows, h->row_count, sizeof *h->rows, by_order);
    if (h->q.kind == TD_HISTORY_VENDOR_BARS && h->row_count > 0) settle_vendor_rows(h);
    if (h->q.kind != TD_HISTORY_BARS) return;
    size_t kept = 0;
    for (size_t i = 0; i < h->row_count; i++) {
        bool revised = i + 1 < h->row_count && h->rows[i + 1].order == h->rows[i].order;
        if (revised) h->rows[i + 1].first |= h->rows[i].first;
        if (!revised) h->rows[kept++] = h->rows[i];
    }
    h->row_count = kept;
}

static bool of_all(const td_history *h) { return h->q.instrument.size == 0; }

/* Pages hold the newest rows by time, wherever they stand. */
static bool is_by_time(const td_history *h) { return !of_all(h) && (h->q.kind == TD_HISTORY_SIGNALS || h->anywhere); }

static bool is_before(const td_history_edge *a, const td_history_edge *b) {
    if (a->appended_ms != b->appended_ms) return a->appended_ms < b->appended_ms;
    return a->partition != b->partition ? a->partition < b->partition : a->offset < b->offset;
}

static td_history_edge edge_at(const td_history_row *row) {
    return (td_history_edge){true, row->appended_ms, row->partition, row->offset, INT64_MAX};
}

static int by_place(const void *a, const void *b) {
    td_history_edge x = edge_at(a), y = edge_at(b);
    return is_before(&x, &y) ? -1 : is_before(&y, &x);
}

/* Drops the first `count` rows, but for those at this place or behind it, and remembers where they stood. */
static void drop_rows(td_history *h, size_t count, const td_history_edge *place) {
    td_buf values = {0};
    size_t kept = 0;
    for (size_t i = 0; i < h->row_count; i++) {
        td_history_row row = h->rows[i];
        td_history_edge at = edge_at(&row);
        bool goes = i < count && (place == NULL || is_before(&at, place));
        if (goes && (!h->gone.known || is_before(&h->gone, &at))) h->gone = at;
        if (goes) continue;
        td_bytes value = td_history_value(h, &row);
        row.at = (uint32_t)values.size;
        td_buf_put(&values, value.data, value.size);
        h->rows[kept++] = row;
    }
    h->row_count = kept;
    td_buf_fini(&h->values);
    h->values = values;
}

/* Where the newest so many rows begin, which are settled. */
static size_t begin_of_newest(const td_history *h, size_t limit) {
    size_t begin = h->row_count > limit ? h->row_count - limit : 0;
    if (h->q.kind == TD_HISTORY_VENDOR_BARS || is_by_time(h))
        while (begin > 0 && h->rows[begin - 1].order == h->rows[begin].order) begin--;
    return begin;
}

static void cut_rows(td_history *h, size_t limit) {
    settle_rows(h);
    drop_rows(h, begin_of_newest(h, limit), NULL);
}

/* Bounds what is remembered. Of rows by time the page may yet become one by place. */
static void thin_rows(td_history *h) {
    size_t limit = h->q.limit + ROWS_SLACK / 4;
    if (h->q.known_now) { /* which rows are on the page is known last */
        settle_rows(h);
        return;
    }
    if (!is_by_time(h)) {
        cut_rows(h, limit);
        return;
    }
    qsort(h->rows, h->row_count, sizeof *h->rows, by_place);
    td_history_edge place = edge_at(&h->rows[h->row_count - limit]);
    settle_rows(h);
    drop_rows(h, begin_of_newest(h, limit), &place);
}

static void keep_row(td_history *h, const td_record *record, td_history_row row) {
    if (h->row_count == h->row_capacity) {
        size_t capacity = h->row_capacity > 0 ? h->row_capacity * 2 : 256;
        td_history_row *rows = td_alloc(capacity * sizeof *rows);
        if (h->row_count > 0) memcpy(rows, h->rows, h->row_count * sizeof *rows);
        free(h->rows);
        h->rows = rows;
        h->row_capacity = capacity;
    }
    td_cause cause;
    row.ord = td_cause_get(td_record_header(record, TD_CAUSE_HEADER), &cause) ? cause.offset : -1;
    row.partition = h->partition;
    row.offset = record->offset;
    row.appended_ms = record->timestamp_ms;
    row.at = (uint32_t)h->values.size;
    row.size = (uint32_t)record->value.size;
    td_buf_put(&h->values, record->value.data, record->value.size);
    h->rows[h->row_count++] = row;
    h->kept++;
}

static bool in_reach(const td_history *h, int64_t at_ns) { return at_ns >= h->q.from_ns && at_ns < h->q.before_ns; }

static void note_told(td_history *h, int64_t of_ns, int64_t known_at_ns) {
    h->block_told_ns = td_most(h->block_told_ns, td_most(of_ns, known_at_ns));
    h->block_of_ns = td_most(h->block_of_ns, of_ns);
}

static bool was_known(const td_history *h, const td_record *record, int64_t known_at_ns) {
    return td_place_has(&h->q.as_of, known_at_ns, td_record_header(record, TD_CAUSE_HEADER));
}

static void consider_bar(td_history *h, const td_record *record) {
    td_bar bar;
    td_bytes name;
    if (td_record_get_bar(h->q.ids, record->value, &bar, &name) != TD_OK) return;
    if (bar.width_ns != h->q.width_ns || !td_bytes_equal(name, h->q.instrument)) return;
    note_told(h, bar.start_ns, bar.known_at_ns);
    bool first = bar.revision == 0, later = h->q.known_now && !first;
    if (!later && !was_known(h, record, bar.known_at_ns)) return;
    if (first && !h->block_has_first) h->first_ns = bar.start_ns;
    h->block_has_first |= first;
    if (in_reach(h, bar.start_ns)) keep_row(h, record, (td_history_row){.order = bar.start_ns, .first = first});
}

/* Of rows by time: on the page that is asked for, or before it. */
static bool is_below(const td_history *h, int64_t at_ns) { return !h->q.edge.known || at_ns < h->q.edge.instant_ns; }

static void consider_signal(td_history *h, const td_record *record) {
    td_signal signal;
    td_bytes name;
    bool one = h->q.instrument.size > 0;
    if (td_record_get_signal(h->q.ids, record->value, &signal, &name) != TD_OK) return;
    if (one && !td_bytes_equal(td_signal_traded(&signal, name), h->q.instrument)) return;
    note_told(h, signal.event_ns, signal.known_at_ns);
    if (h->q.strategy.size > 0 && !td_bytes_equal(signal.strategy, h->q.strategy)) return;
    if (!was_known(h, record, signal.known_at_ns) || !is_below(h, signal.event_ns)) return;
    if (!in_reach(h, signal.event_ns)) return;
    td_history_row row = {.order = signal.event_ns, .tie = signal.ordinal, .first = true};
    if (!one) row = (td_history_row){.order = record->timestamp_ms, .tie = h->partition};
    keep_row(h, record, row);
}

/* A place among the records of one topic, whose event times say nothing of their order. */
static td_history_row row_by_place(const td_history *h, const td_record *record) {
    if (h->q.instrument.size > 0) return (td_history_row){.order = record->offset};
    return (td_history_row){.order = record->timestamp_ms, .tie = h->partition};
}

/* They run in the order of the log: one by a late trade has an earlier time than the one before it. */
static void consider_fill(td_history *h, const td_record *record) {
    td_fill fill;
    td_bytes name;
    if (td_record_get_fill(record->value, &fill, &name) != TD_OK) return;
    if (h->q.instrument.size > 0 && !td_bytes_equal(td_fill_traded(&fill, name), h->q.instrument)) return;
    if (h->q.strategy.size > 0 && !td_bytes_equal(fill.strategy, h->q.strategy)) return;
    if (!in_reach(h, fill.event_ns)) return;
    if (!was_known(h, record, fill.known_at_ns) || !is_below(h, fill.known_at_ns)) return;
    td_history_row row = row_by_place(h, record);
    if (h->anywhere) row = (td_history_row){.order = fill.known_at_ns, .tie = h->partition};
    keep_row(h, record, row);
}

/* One may be hours ahead. */
static void consider_quarantined(td_history *h, const td_record *record) {
    td_quarantined q;
    td_bytes name;
    if (td_record_get_quarantined(h->q.ids, record->value, &q, &name) != TD_OK) return;
    if (h->q.reason != TD_REASON_NONE && q.reason != h->q.reason) return;
    if (h->q.feed.size > 0 && !td_bytes_equal(q.feed, h->q.feed)) return;
    if (!in_reach(h, q.event.event_ns)) return;
    keep_row(h, record, row_by_place(h, record));
}

static td_event_kind event_kind(td_history_kind kind) {
    return kind == TD_HISTORY_TRADES ? TD_EVENT_TRADE : kind == TD_HISTORY_QUOTES ? TD_EVENT_QUOTE : TD_EVENT_NEWS;
}

/* One that is old comes late. */
static void consider_published(td_history *h, const td_record *record) {
    td_event e;
    td_bytes feed, name;
    if (td_record_get_published(h->q.ids, record->value, &e, &feed, &name) != TD_OK) return;
    if (e.kind != event_kind(h->q.kind)) return;
    if (h->q.feed.size > 0 && !td_bytes_equal(feed, h->q.feed)) return;
    if (!in_reach(h, e.event_ns) || !was_known(h, record, e.receive_ns)) return;
    keep_row(h, record, row_by_place(h, record));
}

static void consider_action(td_history *h, const td_record *record) {
    keep_row(h, record, (td_history_row){.order = record->offset});
}

static void consider_vendor_bar(td_history *h, const td_record *record) {
    td_event e;
    td_bytes feed;
    if (td_record_get_event(h->q.ids, record->value, &e, &feed) != TD_OK || e.kind != TD_EVENT_VENDOR_BAR) return;
    if (e.vendor_bar.width_ns != h->q.width_ns || !was_known(h, record, e.receive_ns)) return;
    if (h->q.feed.size > 0 && !td_bytes_equal(feed, h->q.feed)) return;
    if (!in_reach(h, e.vendor_bar.start_ns)) return;
    int64_t tie = (int64_t)(td_hash_bytes(feed) >> 2 << 1 | e.vendor_bar.adjusted);
    keep_row(h, record, (td_history_row){.order = e.vendor_bar.start_ns, .tie = tie});
}

static void consider(td_history *h, const td_record *record) {
    switch (h->q.kind) {
    case TD_HISTORY_BARS:
        consider_bar(h, record);
        return;
    case TD_HISTORY_SIGNALS:
        consider_signal(h, record);
        return;
    case TD_HISTORY_FILLS:
        consider_fill(h, record);
        return;
    case TD_HISTORY_QUARANTINE:
        consider_quarantined(h, record);
        return;
    case TD_HISTORY_ACTIONS:
        consider_action(h, record);
        return;
    case TD_HISTORY_VENDOR_BARS:
        consider_vendor_bar(h, record);
        return;
    case TD_HISTORY_NEWS:
    case TD_HISTORY_TRADES:
    case TD_HISTORY_QUOTES:
        consider_published(h, record);
        return;
    }
}

/* ---- walking ---- */

/* A leg in the instrument is of a strategy whose text names it, and all texts that were ever in force are in programs.
 */
static td_status seek_name(td_history *h) {
    td_status status = TD_OK;
    td_record record;
    if (h->reader == NULL) status = td_reader_open(&h->reader, h->q.programs, 0, 0, TD_READ_APPENDED);
    for (int i = 0; i < PROGRAMS_PER_STEP && status == TD_OK && !h->anywhere; i++) {
        status = td_reader_next(h->reader, &record);
        if (status != TD_OK) break;
        td_bytes body = record.value, name = h->q.instrument;
        h->anywhere = memmem(body.data, body.size, name.data, name.size) != NULL;
    }
    if (h->anywhere) {
        h->partition = 0;
        h->partition_end = td_topic_partitions(h->q.topic);
    }
    h->seeks = status == TD_OK && !h->anywhere;
    return status == TD_AGAIN ? TD_OK : status;
}

/* Where reading backwards begins. */
static td_status find_end(const td_history *h, int64_t *out) {
    const td_history_edge *edge = &h->q.edge;
    int64_t end = td_topic_end(h->q.topic, h->partition), below = end;
    if (edge->known && h->partition == edge->partition)
        below = edge->offset;
    else if (edge->known) /* of that millisecond what is in the partitions before the edge's stands before it */
        return td_topic_at_time(h->q.topic, h->partition, edge->appended_ms + (h->partition < edge->partition), out);
    else if (h->q.cursor >= 0)
        below = h->q.cursor;
    *out = below < end ? below : end;
    return TD_OK;
}

static td_status begin_partition(td_history *h) {
    int64_t end;
    td_status status = find_end(h, &end);
    if (status != TD_OK) return status;
    h->block_end = end;
    h->block_ms = INT64_MAX - 1;
    h->kept = 0;
    h->unread_ns = h->behind_ns = INT64_MAX;
    h->stretch_of_ns = INT64_MIN;
    h->stretch = 0;
    h->first_ns = INT64_MAX;
    td_reader_close(h->reader);
    h->reader = NULL;
    return td_reader_open(&h->reader, h->q.topic, h->partition, h->block_end, TD_READ_APPENDED);
}

/* No feed's clock goes back, so what is unread was told at no later time. Of what was given long after its time, as a
 * topic read from its beginning is, that says little: then no stretch of rows is late from one end to the other. */
static void note_block(td_history *h) {
    h->stretch_of_ns = td_most(h->stretch_of_ns, h->block_of_ns);
    if (++h->stretch == STRETCH_BLOCKS) {
        h->behind_ns = h->stretch_of_ns;
        h->stretch_of_ns = INT64_MIN;
        h->stretch = 0;
    }
    h->unread_ns = h->block_told_ns < h->behind_ns ? h->block_told_ns : h->behind_ns;
}

static td_status read_block(td_history *h) {
    td_topic *topic = h->q.topic;
    int64_t begin = td_topic_block_before(topic, h->partition, h->block_end, h->q.block_bytes);
    td_reader_seek(h->reader, begin);
    bool first = true;
    h->block_told_ns = h->block_of_ns = INT64_MIN;
    h->block_has_first = false;
    while (td_reader_offset(h->reader) < h->block_end) {
        td_record record;
        td_status status = td_reader_next(h->reader, &record);
        if (status == TD_AGAIN) break;
        if (status != TD_OK) return status;
        if (first) h->block_ms = record.timestamp_ms;
        first = false;
        if (h->q.instrument.size > 0 && !h->anywhere && !td_bytes_equal(record.key, h->q.instrument)) continue;
        consider(h, &record);
    }
    if (h->block_told_ns != INT64_MIN) note_block(h);
    h->block_end = begin;
    h->blocks++;
    return TD_OK;
}

/* First results of which no other can stand below what was read. */
static size_t count_sure(const td_history *h) {
    size_t count = 0;
    for (size_t i = 0; i < h->row_count; i++) count += h->rows[i].first && h->rows[i].order > h->unread_ns;
    return count;
}

static bool partition_done(const td_history *h) {
    if (h->block_end <= td_topic_start(h->q.topic, h->partition)) return true;
    bool by_time = h->q.kind == TD_HISTORY_BARS || h->q.kind == TD_HISTORY_SIGNALS;
    if (h->anywhere || h->q.kind == TD_HISTORY_VENDOR_BARS) return false; /* feeds' clocks and downloads in any order */
    if (of_all(h) || !by_time) return h->kept > h->q.limit;
    return h->unread_ns < h->q.from_ns || count_sure(h) > h->q.limit;
}

/* Rows that are known by a revision only, their first result not being reached: they are not next on this page. */
static void drop_unreached(td_history *h) {
    size_t kept = 0;
    for (size_t i = 0; i < h->row_count; i++)
        if (h->rows[i].order >= h->first_ns) h->rows[kept++] = h->rows[i];
    h->row_count = kept;
}

/* Rows whose first result came later than what is asked about. Of those up to `unsure_ns` that is not known yet. */
static void drop_unknown(td_history *h, int64_t unsure_ns) {
    settle_rows(h);
    size_t kept = 0;
    for (size_t i = 0; i < h->row_count; i++)
        if (h->rows[i].first || h->rows[i].order <= unsure_ns) h->rows[kept++] = h->rows[i];
    h->row_count = kept;
}

/* Before the floor some rows may not be read. */
static void raise_floor(td_history *h) {
    td_history_edge read = {true, h->block_ms, h->partition, h->block_end, INT64_MAX};
    if (!h->floor.known || is_before(&h->floor, &read)) h->floor = read;
}

/* Of all instruments: one partition's rows are among the others'. */
static void end_partition_of_all(td_history *h) {
    cut_rows(h, h->q.limit);
    size_t low = 0;
    while (low < h->row_count) {
        td_history_edge place = edge_at(&h->rows[low]);
        if (!h->floor.known || !is_before(&place, &h->floor)) break;
        low++;
    }
    if (low > 0) memmove(h->rows, h->rows + low, (h->row_count - low) * sizeof *h->rows);
    h->row_count -= low;
    h->edge = low == 0 && h->gone.known && h->row_count > 0 ? edge_at(&h->rows[0]) : h->floor;
}

static td_history_edge edge_behind(td_history_edge place) {
    place.offset++;
    return place;
}

/* The newest rows behind the floor by place: they may be of any time, and what stands before them is not all read. */
static void cut_at_floor(td_history *h) {
    if (h->row_count > 1) qsort(h->rows, h->row_count, sizeof *h->rows, by_place);
    drop_rows(h, h->row_count, &h->floor);
    bool more = h->row_count > h->q.limit;
    if (more) drop_rows(h, h->row_count - h->q.limit, NULL);
    h->edge = more ? edge_at(&h->rows[0]) : h->floor;
    h->edge.instant_ns = h->q.edge.known ? h->q.edge.instant_ns : INT64_MAX;
    settle_rows(h);
}

static void end_by_time(td_history *h) {
    if (h->floor.known) {
        cut_at_floor(h);
        return;
    }
    cut_rows(h, h->q.limit);
    if (!h->gone.known) return;
    h->edge = edge_behind(h->gone);
    h->edge.instant_ns = h->rows[0].order;
}

static void end_partition_of_one(td_history *h, bool cut_short) {
    bool vendor = h->q.kind == TD_HISTORY_VENDOR_BARS;
    if (cut_short && h->q.kind == TD_HISTORY_BARS) drop_unreached(h);
    bool all_read = h->block_end <= td_topic_start(h->q.topic, h->partition);
    if (h->q.known_now) drop_unknown(h, cut_short || all_read ? INT64_MIN : h->unread_ns);
    cut_rows(h, h->q.limit);
    td_history_edge next = {0};
    if (cut_short) next = (td_history_edge){true, h->block_ms, h->partition, h->block_end, INT64_MAX};
    if (h->gone.known && h->row_count > 0) next = edge_behind(h->gone);
    if (h->gone.known && vendor) next.offset = td_topic_end(h->q.topic, h->partition); /* as before: all */
    if (h->q.kind == TD_HISTORY_FILLS)
        h->edge = next;
    else if (next.known)
        h->cursor = next.offset;
}

static void end_partition(td_history *h) {
    bool cut_short = !partition_done(h), by_time = is_by_time(h);
    h->is_cut |= cut_short;
    if (cut_short && (of_all(h) || by_time)) raise_floor(h);
    if (of_all(h))
        end_partition_of_all(h);
    else if (!by_time)
        end_partition_of_one(h, cut_short);
    else if (h->partition + 1 == h->partition_end)
        end_by_time(h);
    h->partition++;
    h->block_end = -1;
}

td_status td_history_step(td_history *h) {
    if (h->partition == h->partition_end) return TD_OK;
    if (h->seeks) {
        td_status sought = seek_name(h);
        return sought == TD_OK ? TD_AGAIN : sought;
    }
    td_status status = h->block_end < 0 ? begin_partition(h) : TD_OK;
    if (status == TD_OK && !partition_done(h)) status = read_block(h);
    if (status != TD_OK) return status;
    if (h->row_count > 2 * h->q.limit + ROWS_SLACK) thin_rows(h);
    size_t blocks = h->anywhere || of_all(h) ? (size_t)(h->partition + 1) * BLOCKS_MAX / h->partition_end : BLOCKS_MAX;
    bool out_of_budget = h->blocks >= blocks;
    if (partition_done(h) || out_of_budget) end_partition(h);
    return h->partition == h->partition_end ? TD_OK : TD_AGAIN;
}

size_t td_history_rows(const td_history *h, const td_history_row **out) {
    *out = h->rows;
    return h->row_count;
}

td_bytes td_history_value(const td_history *h, const td_history_row *row) {
    return (td_bytes){h->values.data + row->at, row->size};
}

int64_t td_history_cursor(const td_history *h) { return h->cursor; }

td_history_edge td_history_edge_of(const td_history *h) { return h->edge; }

bool td_history_is_cut(const td_history *h) { return h->is_cut; }
