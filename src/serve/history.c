/* src/serve/history.c - a bounded walk backwards through partitions of the log. */
#include "serve/history.h"
#include "base/hash.h"
#include "schema/cause.h"
#include <stdlib.h>

#define BLOCK_BYTES (INT64_C(256) << 10)
enum { BLOCKS_MAX = 2048, ROWS_SLACK = 8192, PROGRAMS_PER_STEP = 64 };

struct td_history {
    td_history_question q;
    uint32_t partition, partition_end; /* still to read: [partition, partition_end) */
    bool seeks;                        /* still to see whether a program names the instrument; */
    bool anywhere;                     /* one does: rows of it may be in any partition */
    td_reader *reader;
    int64_t block_end;     /* everything below is still unread; -1: partition not begun */
    size_t blocks, firsts; /* read so far; first results below `before` found in this partition */
    bool past_from, is_cut;
    bool dropped;            /* rows that are older than the page */
    int64_t oldest_first_ns; /* of those */
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

/* Leaves the newest `limit` rows and returns the highest offset among those that go, or -1. */
static int64_t cut_rows(td_history *h) {
    settle_rows(h);
    size_t gone = h->row_count > h->q.limit ? h->row_count - h->q.limit : 0;
    int64_t highest = -1;
    if (h->q.kind == TD_HISTORY_VENDOR_BARS || h->anywhere)
        while (gone > 0 && h->rows[gone - 1].order == h->rows[gone].order) gone--;
    for (size_t i = 0; i < gone; i++)
        if (h->rows[i].offset > highest) highest = h->rows[i].offset;
    td_buf kept = {0};
    for (size_t i = gone; i < h->row_count; i++) {
        td_history_row row = h->rows[i];
        td_bytes value = td_history_value(h, &row);
        row.at = (uint32_t)kept.size;
        td_buf_put(&kept, value.data, value.size);
        h->rows[i - gone] = row;
    }
    h->row_count -= gone;
    td_buf_fini(&h->values);
    h->values = kept;
    return highest;
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

/* True when the row is below `before`, not before `from`, and so belongs to the answer; counts first results. */
static bool in_reach(td_history *h, int64_t at_ns, bool first) {
    if (at_ns >= h->q.before_ns) return false;
    if (first) h->firsts++;
    if (first && at_ns < h->oldest_first_ns) h->oldest_first_ns = at_ns;
    if (first && at_ns < h->q.from_ns) h->past_from = true;
    return at_ns >= h->q.from_ns;
}

static bool was_known(const td_history *h, const td_record *record, int64_t known_at_ns) {
    return td_place_has(&h->q.as_of, known_at_ns, td_record_header(record, TD_CAUSE_HEADER));
}

static void consider_bar(td_history *h, const td_record *record) {
    td_bar bar;
    td_bytes name;
    if (td_record_get_bar(h->q.ids, record->value, &bar, &name) != TD_OK) return;
    if (bar.width_ns != h->q.width_ns || !td_bytes_equal(name, h->q.instrument)) return;
    bool first = bar.revision == 0, later = h->q.known_now && !first;
    if (!later && !was_known(h, record, bar.known_at_ns)) return;
    if (in_reach(h, bar.start_ns, first)) keep_row(h, record, (td_history_row){.order = bar.start_ns, .first = first});
}

/* Of rows from anywhere: on the page that is asked for, or before it. */
static bool is_below(const td_history *h, int64_t order) {
    return !h->anywhere || h->q.cursor < 0 || order < h->q.cursor;
}

static void consider_signal(td_history *h, const td_record *record) {
    td_signal signal;
    td_bytes name;
    bool one = h->q.instrument.size > 0;
    if (td_record_get_signal(h->q.ids, record->value, &signal, &name) != TD_OK) return;
    if (one && !td_bytes_equal(td_signal_traded(&signal, name), h->q.instrument)) return;
    if (h->q.strategy.size > 0 && !td_bytes_equal(signal.strategy, h->q.strategy)) return;
    if (!was_known(h, record, signal.known_at_ns) || !is_below(h, signal.event_ns)) return;
    if (!in_reach(h, signal.event_ns, signal.status == TD_SIGNAL_FRESH)) return;
    td_history_row row = {.order = signal.event_ns, .tie = signal.ordinal};
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
    if (fill.event_ns < h->q.from_ns || fill.event_ns >= h->q.before_ns) return;
    if (!was_known(h, record, fill.known_at_ns) || !is_below(h, fill.known_at_ns)) return;
    h->firsts++;
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
    if (q.event.event_ns < h->q.from_ns || q.event.event_ns >= h->q.before_ns) return;
    h->firsts++;
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
    if (e.event_ns < h->q.from_ns || e.event_ns >= h->q.before_ns || !was_known(h, record, e.receive_ns)) return;
    h->firsts++;
    keep_row(h, record, row_by_place(h, record));
}

static void consider_action(td_history *h, const td_record *record) {
    h->firsts++;
    keep_row(h, record, (td_history_row){.order = record->offset});
}

static void consider_vendor_bar(td_history *h, const td_record *record) {
    td_event e;
    td_bytes feed;
    if (td_record_get_event(h->q.ids, record->value, &e, &feed) != TD_OK || e.kind != TD_EVENT_VENDOR_BAR) return;
    if (e.vendor_bar.width_ns != h->q.width_ns || !was_known(h, record, e.receive_ns)) return;
    if (h->q.feed.size > 0 && !td_bytes_equal(feed, h->q.feed)) return;
    if (!in_reach(h, e.vendor_bar.start_ns, false)) return;
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
    bool all = of_all(h) && edge->known, one = !of_all(h) && !h->anywhere && h->q.cursor >= 0;
    int64_t end = td_topic_end(h->q.topic, h->partition), below = end;
    if (all && h->partition == edge->partition)
        below = edge->offset;
    else if (all) /* of that millisecond what is in the partitions before the edge's stands before it */
        return td_topic_at_time(h->q.topic, h->partition, edge->appended_ms + (h->partition < edge->partition), out);
    else if (one)
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
    h->firsts = 0;
    h->past_from = false;
    h->oldest_first_ns = INT64_MAX;
    td_reader_close(h->reader);
    h->reader = NULL;
    return td_reader_open(&h->reader, h->q.topic, h->partition, h->block_end, TD_READ_APPENDED);
}

static td_status read_block(td_history *h) {
    td_topic *topic = h->q.topic;
    int64_t begin = td_topic_block_before(topic, h->partition, h->block_end, h->q.block_bytes);
    td_reader_seek(h->reader, begin);
    bool first = true;
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
    h->block_end = begin;
    h->blocks++;
    return TD_OK;
}

static bool partition_done(const td_history *h) {
    if (h->block_end <= td_topic_start(h->q.topic, h->partition)) return true;
    if (of_all(h)) return h->kept > h->q.limit; /* an instrument's signals are in order, those of many are not */
    return !h->anywhere && (h->past_from || h->firsts > h->q.limit);
}

/* Rows that are known by a revision only, their first result not being reached: they are not next on this page. */
static void drop_unreached(td_history *h) {
    size_t kept = 0;
    for (size_t i = 0; i < h->row_count; i++)
        if (h->rows[i].order >= h->oldest_first_ns) h->rows[kept++] = h->rows[i];
    h->row_count = kept;
}

/* Rows whose first result came later than what is asked about. Of older pages that is not known yet. */
static void drop_unknown(td_history *h) {
    settle_rows(h);
    size_t kept = 0;
    bool older = h->firsts > h->q.limit;
    for (size_t i = 0; i < h->row_count; i++)
        if (h->rows[i].first || (older && h->rows[i].order < h->oldest_first_ns)) h->rows[kept++] = h->rows[i];
    h->row_count = kept;
}

static bool is_before(const td_history_edge *a, const td_history_edge *b) {
    if (a->appended_ms != b->appended_ms) return a->appended_ms < b->appended_ms;
    return a->partition != b->partition ? a->partition < b->partition : a->offset < b->offset;
}

static td_history_edge edge_at(const td_history_row *row) {
    return (td_history_edge){true, row->appended_ms, row->partition, row->offset};
}

/* Of all instruments: one partition's rows are among the others'. Before the floor some may not be read. */
static void end_partition_of_all(td_history *h) {
    td_history_edge read = {true, h->block_ms, h->partition, h->block_end};
    if (!partition_done(h) && (!h->floor.known || is_before(&h->floor, &read))) h->floor = read;
    h->dropped |= cut_rows(h) >= 0;
    size_t low = 0;
    while (low < h->row_count) {
        td_history_edge place = edge_at(&h->rows[low]);
        if (!h->floor.known || !is_before(&place, &h->floor)) break;
        low++;
    }
    if (low > 0) memmove(h->rows, h->rows + low, (h->row_count - low) * sizeof *h->rows);
    h->row_count -= low;
    h->edge = low == 0 && h->dropped && h->row_count > 0 ? edge_at(&h->rows[0]) : h->floor;
}

static void end_partition_of_one(td_history *h) {
    bool cut_short = !partition_done(h);
    bool vendor = h->q.kind == TD_HISTORY_VENDOR_BARS;
    bool by_time = h->q.kind == TD_HISTORY_BARS || h->q.kind == TD_HISTORY_SIGNALS;
    if (cut_short && by_time && !h->anywhere) drop_unreached(h);
    if (h->q.known_now) drop_unknown(h);
    int64_t highest = cut_rows(h);
    if (vendor && (highest >= 0 || h->dropped)) highest = td_topic_end(h->q.topic, h->partition); /* as before: all */
    if (!h->anywhere && highest >= 0) h->cursor = highest + 1;
    if (!h->anywhere && highest < 0 && cut_short) h->cursor = h->block_end;
    h->dropped |= highest >= 0;
    if (h->anywhere && h->dropped) h->cursor = h->rows[0].order;
}

static void end_partition(td_history *h) {
    h->is_cut |= !partition_done(h);
    if (of_all(h))
        end_partition_of_all(h);
    else
        end_partition_of_one(h);
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
    bool many = h->row_count > 2 * h->q.limit + ROWS_SLACK;
    if (many && (h->q.kind == TD_HISTORY_VENDOR_BARS || h->anywhere || of_all(h)))
        h->dropped |= cut_rows(h) >= 0;
    else if (many)
        settle_rows(h);
    size_t blocks = h->anywhere || of_all(h) ? (size_t)(h->partition + 1) * BLOCKS_MAX / h->partition_end : BLOCKS_MAX;
    bool out_of_budget = h->blocks >= blocks || h->row_count > 2 * h->q.limit + ROWS_SLACK;
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
