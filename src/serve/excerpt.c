/* src/serve/excerpt.c - a bounded walk through partitions of a topic, backwards block by block, or forwards. */
#include "serve/excerpt.h"
#include <stdlib.h>

enum {
    BLOCK_BYTES = 256 << 10,
    BUDGET_BYTES = 64 << 20,
    VALUE_BYTES_MAX = 256 << 10,
    ROWS_BYTES_MAX = 1 << 20, /* beside one row, which is given whatever it takes */
    RECORDS_PER_STEP = 2000,
    RECORD_BYTES = 32 /* what a record costs beside its key and value, for the budget */
};

typedef struct row {
    uint32_t partition;
    td_record record; /* its bytes lie at `bytes`, one behind the other */
    uint8_t *bytes;
    size_t size, value_bytes;
} row;

typedef struct rows { /* in the order in which they are shown */
    row *items;
    size_t count, capacity, size; /* size: of their bytes */
} rows;

struct td_excerpt {
    td_excerpt_question q;
    uint32_t partition, partition_end; /* still to read: [partition, partition_end) */
    td_reader *reader;                 /* NULL: the partition is not begun */
    int64_t start, block_end;          /* newest first: everything in [start, block_end) is unread */
    int64_t begun_at;                  /* where the last partition was entered */
    int64_t budget;                    /* bytes left to this partition */
    bool is_cut, is_full;              /* is_full: of this partition no more are wanted */
    int64_t rest;
    rows found, all; /* of this partition; of those before it */
};

static bool is_forward(const td_excerpt *x) { return x->q.from >= 0 || x->q.from_ms != INT64_MIN; }

td_excerpt *td_excerpt_new(const td_excerpt_question *question) {
    td_excerpt *x = td_alloc_zero(1, sizeof *x);
    x->q = *question;
    if (x->q.block_bytes == 0) x->q.block_bytes = BLOCK_BYTES;
    if (x->q.budget_bytes == 0) x->q.budget_bytes = BUDGET_BYTES;
    bool one = question->partition >= 0;
    x->partition = one ? (uint32_t)question->partition : 0;
    x->partition_end = one ? x->partition + 1 : td_topic_partitions(question->topic);
    x->rest = -1;
    return x;
}

/* ---- rows ---- */

static void rows_free(rows *r) {
    for (size_t i = 0; i < r->count; i++) free(r->items[i].bytes);
    free(r->items);
    *r = (rows){0};
}

void td_excerpt_free(td_excerpt *x) {
    if (x == NULL) return;
    td_reader_close(x->reader);
    rows_free(&x->found);
    rows_free(&x->all);
    free(x);
}

static void rows_add(rows *r, const row *item) {
    if (r->count == r->capacity) {
        r->capacity = r->capacity > 0 ? 2 * r->capacity : 64;
        r->items = td_alloc_check(realloc(r->items, r->capacity * sizeof *r->items), r->capacity * sizeof *r->items);
    }
    r->items[r->count++] = *item;
    r->size += item->size;
}

static void rows_cut(rows *r, size_t count) {
    while (r->count > count) {
        row *last = &r->items[--r->count];
        r->size -= last->size;
        free(last->bytes);
    }
}

static td_bytes keep(uint8_t **at, td_bytes b) {
    td_bytes kept = {b.data != NULL ? *at : NULL, b.size};
    if (b.size > 0) memcpy(*at, b.data, b.size);
    *at += b.size;
    return kept;
}

/* A null stays one, and what is empty is not null. */
static row row_of(uint32_t partition, const td_record *record) {
    td_bytes value = td_bytes_upto(record->value, VALUE_BYTES_MAX);
    row item = {.partition = partition, .record = *record, .value_bytes = record->value.size};
    item.size = record->key.size + value.size + record->headers.size;
    item.bytes = td_alloc(item.size + 1);
    uint8_t *at = item.bytes;
    item.record.key = keep(&at, record->key);
    item.record.value = keep(&at, value);
    item.record.headers = keep(&at, record->headers);
    return item;
}

static int by_time(const row *a, const row *b) {
    const td_record *x = &a->record, *y = &b->record;
    if (x->timestamp_ms != y->timestamp_ms) return x->timestamp_ms < y->timestamp_ms ? -1 : 1;
    if (a->partition != b->partition) return a->partition < b->partition ? -1 : 1;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}
static int oldest_first(const void *a, const void *b) { return by_time(a, b); }
static int newest_first(const void *a, const void *b) { return by_time(b, a); }

/* Of partitions that both are whole, what belongs on the page. */
static void merge_rows(td_excerpt *x) {
    for (size_t i = 0; i < x->found.count; i++) rows_add(&x->all, &x->found.items[i]);
    x->found.count = 0;
    rows_free(&x->found);
    if (x->q.partition >= 0) return; /* they are in order */
    if (x->all.count > 1)
        qsort(x->all.items, x->all.count, sizeof *x->all.items, is_forward(x) ? oldest_first : newest_first);
    rows_cut(&x->all, x->q.limit);
    while (x->all.count > 1 && x->all.size > ROWS_BYTES_MAX) rows_cut(&x->all, x->all.count - 1);
}

static bool is_wanted(const td_excerpt *x, const td_record *record) {
    return x->q.key.data == NULL || td_bytes_equal(record->key, x->q.key);
}

static int64_t cost_of(const td_record *record) {
    return (int64_t)(record->key.size + record->value.size) + RECORD_BYTES;
}

/* ---- walking ---- */

static td_status begin_partition(td_excerpt *x) {
    td_topic *topic = x->q.topic;
    int64_t end = td_topic_end(topic, x->partition), at = x->q.from;
    x->start = td_topic_start(topic, x->partition);
    td_status status = TD_OK;
    if (x->q.from_ms != INT64_MIN) status = td_topic_at_time(topic, x->partition, x->q.from_ms, &at);
    if (status != TD_OK) return status;
    x->block_end = x->q.below >= 0 && x->q.below < end ? x->q.below : end;
    x->begun_at = is_forward(x) ? at : x->block_end;
    if (x->begun_at < x->start) x->begun_at = x->start;
    if (x->begun_at > end) x->begun_at = end; /* nobody is to take the place for one that the log has */
    x->budget = x->q.budget_bytes;
    x->is_full = false;
    return td_reader_open(&x->reader, topic, x->partition, x->begun_at, TD_READ_APPENDED);
}

/* A page is full at its limit, and with more than a row where the next would be too much. */
static bool take(td_excerpt *x, const row *item) {
    rows *found = &x->found;
    x->is_full = found->count == x->q.limit || (found->count > 0 && found->size + item->size > ROWS_BYTES_MAX);
    if (!x->is_full) rows_add(found, item);
    return !x->is_full;
}

/* Of a key the page has all that it may: whether there is one more is not worth looking through all the rest. */
static bool is_sought_out(const td_excerpt *x) { return x->q.key.data != NULL && x->found.count == x->q.limit; }

/* The last of a block that there is room for are what the page wants of it: a row that more than that many, or bytes,
 * follow in its block can go at once. Two stay: the second tells that there are more. */
static void drop_first(rows *block, size_t *gone, size_t room) {
    while (block->count - *gone > room ||
           (block->count - *gone > 2 && block->size - block->items[*gone].size > ROWS_BYTES_MAX)) {
        block->size -= block->items[*gone].size;
        free(block->items[*gone].bytes);
        block->items[(*gone)++].bytes = NULL;
    }
}

/* Counts what it has read: a block may be a guess, of records that are larger than most. */
static td_status collect_block(td_excerpt *x, int64_t begin, rows *block, size_t *out_gone, int64_t *out_read) {
    size_t room = x->q.limit - x->found.count + 1; /* one more tells that there are more */
    td_reader_seek(x->reader, begin);
    while (td_reader_offset(x->reader) < x->block_end) {
        td_record record;
        td_status status = td_reader_next(x->reader, &record);
        if (status == TD_AGAIN) break;
        if (status != TD_OK) return status;
        if (record.offset >= x->block_end) break;
        *out_read += cost_of(&record);
        if (!is_wanted(x, &record)) continue;
        row item = row_of(x->partition, &record);
        rows_add(block, &item);
        drop_first(block, out_gone, room);
    }
    return TD_OK;
}

static td_status read_back(td_excerpt *x) {
    rows block = {0};
    size_t gone = 0;
    int64_t read = 0, begin = td_topic_block_before(x->q.topic, x->partition, x->block_end, x->q.block_bytes);
    td_status status = collect_block(x, begin, &block, &gone, &read);
    while (status == TD_OK && block.count > gone && take(x, &block.items[block.count - 1])) block.count--;
    rows_free(&block);
    x->start = td_topic_start(x->q.topic, x->partition); /* retention goes on meanwhile */
    x->block_end = begin < x->block_end ? begin : x->start;
    x->budget -= read > x->q.block_bytes ? read : x->q.block_bytes;
    x->is_full |= is_sought_out(x) && x->block_end > x->start;
    return status;
}

static td_status read_on(td_excerpt *x) {
    int64_t read = 0;
    for (int i = 0; i < RECORDS_PER_STEP && read < x->q.block_bytes && !x->is_full; i++) {
        td_record record;
        td_status status = td_reader_next(x->reader, &record);
        if (status == TD_AGAIN) x->is_full = true; /* all there is */
        if (status != TD_OK) return status == TD_AGAIN ? TD_OK : status;
        read += cost_of(&record);
        if (!is_wanted(x, &record)) continue;
        row item = row_of(x->partition, &record);
        bool taken = take(x, &item);
        if (!taken) free(item.bytes);
        if (!taken) x->rest = record.offset;
        if (taken && is_sought_out(x)) {
            x->is_full = true;
            x->rest = td_reader_offset(x->reader);
        }
    }
    x->budget -= read;
    return TD_OK;
}

static void end_partition(td_excerpt *x) {
    bool one = x->q.partition >= 0, cut = !x->is_full && x->budget <= 0;
    if (is_forward(x)) {
        if (cut) x->rest = td_reader_offset(x->reader);
    } else {
        cut = cut && x->block_end > x->start;
        if (x->is_full) x->rest = x->found.items[x->found.count - 1].record.offset;
        if (cut) x->rest = x->block_end;
    }
    if (!one) x->rest = -1;
    x->is_cut |= cut;
    merge_rows(x);
    td_reader_close(x->reader);
    x->reader = NULL;
    x->partition++;
}

td_status td_excerpt_step(td_excerpt *x) {
    if (x->partition == x->partition_end) return TD_OK;
    td_status status = x->reader == NULL ? begin_partition(x) : TD_OK;
    bool forward = is_forward(x);
    if (status == TD_OK && (forward || x->block_end > x->start)) status = forward ? read_on(x) : read_back(x);
    if (status != TD_OK) return status;
    bool all_read = !forward && x->block_end <= x->start;
    if (x->is_full || all_read || x->budget <= 0) end_partition(x);
    return x->partition == x->partition_end ? TD_OK : TD_AGAIN;
}

/* ---- what came of it ---- */

size_t td_excerpt_count(const td_excerpt *x) { return x->all.count; }

td_excerpt_row td_excerpt_at(const td_excerpt *x, size_t index) {
    const row *item = &x->all.items[index];
    return (td_excerpt_row){item->partition, item->record, item->value_bytes};
}

int64_t td_excerpt_rest(const td_excerpt *x) { return x->rest; }

int64_t td_excerpt_back(const td_excerpt *x) {
    if (x->q.partition < 0) return -1;
    if (!is_forward(x)) return x->all.count > 0 ? x->all.items[0].record.offset + 1 : x->begun_at;
    return x->begun_at > x->start ? x->begun_at : -1;
}

bool td_excerpt_is_cut(const td_excerpt *x) { return x->is_cut; }
