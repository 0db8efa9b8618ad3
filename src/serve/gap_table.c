/* src/serve/gap_table.c - gaps in an array, those of an instrument chained from its newest. */
#include "serve/gap_table.h"
#include "model/instrument.h"
#include "schema/record.h"
#include <stdlib.h>

typedef struct entry {
    td_gap gap;
    uint32_t older; /* the instrument's gap before it, as index + 1; 0: none */
    int64_t serial;
} entry;

struct td_gap_table {
    entry *entries;
    size_t count, capacity, gaps_max;
    td_instruments *names, *feeds; /* a table of names is one of feeds' names, too */
    uint32_t *newest;              /* per instrument, as index + 1 */
    int64_t *open;                 /* per feed */
    uint32_t newest_capacity, open_capacity;
    int64_t hidden, serials;
};

td_gap_table *td_gap_table_new(size_t gaps_max) {
    td_gap_table *t = td_alloc_zero(1, sizeof *t);
    t->gaps_max = gaps_max;
    t->names = td_instruments_new();
    t->feeds = td_instruments_new();
    return t;
}

void td_gap_table_free(td_gap_table *t) {
    if (t == NULL) return;
    free(t->open);
    free(t->newest);
    free(t->entries);
    td_instruments_free(t->feeds);
    td_instruments_free(t->names);
    free(t);
}

/* Room for `count` of them; what is new is 0. */
static void *grow(void *old, size_t size, size_t count, size_t capacity) {
    char *fresh = td_alloc_zero(capacity, size);
    if (count > 0) memcpy(fresh, old, count * size);
    free(old);
    return fresh;
}

static uint32_t name_index(td_gap_table *t, td_bytes name) {
    uint32_t index = td_instruments_intern(t->names, name);
    if (index >= t->newest_capacity) {
        t->newest = grow(t->newest, sizeof *t->newest, t->newest_capacity, 2 * (size_t)index + 16);
        t->newest_capacity = 2 * index + 16;
    }
    return index;
}

static uint32_t feed_index(td_gap_table *t, td_bytes feed) {
    uint32_t index = td_instruments_intern(t->feeds, feed);
    if (index >= t->open_capacity) {
        t->open = grow(t->open, sizeof *t->open, t->open_capacity, 2 * (size_t)index + 16);
        t->open_capacity = 2 * index + 16;
    }
    return index;
}

static void count_open(td_gap_table *t, const td_gap *gap, int64_t change) {
    if (gap->status == TD_GAP_OPEN) t->open[feed_index(t, gap->feed)] += change;
}

static void append(td_gap_table *t, const td_gap *gap, int64_t serial) {
    uint32_t *newest = &t->newest[gap->instrument];
    t->entries[t->count] = (entry){*gap, *newest, serial};
    *newest = (uint32_t)++t->count;
    count_open(t, gap, 1);
}

static void drop_oldest(td_gap_table *t) {
    size_t had = t->count, drop = had / 4, open = 0;
    for (size_t i = 0; i < had; i++) open += t->entries[i].gap.status == TD_GAP_OPEN;
    size_t closed_to_drop = had - open < drop ? had - open : drop, open_to_drop = drop - closed_to_drop;
    t->count = 0;
    if (t->newest_capacity > 0) memset(t->newest, 0, t->newest_capacity * sizeof *t->newest);
    if (t->open_capacity > 0) memset(t->open, 0, t->open_capacity * sizeof *t->open);
    for (size_t i = 0; i < had; i++) {
        td_gap gap = t->entries[i].gap;
        int64_t serial = t->entries[i].serial;
        size_t *left = gap.status == TD_GAP_OPEN ? &open_to_drop : &closed_to_drop;
        if (*left > 0)
            --*left;
        else
            append(t, &gap, serial);
    }
    t->hidden += (int64_t)drop;
}

static td_gap *find_gap(td_gap_table *t, uint32_t instrument, int64_t number) {
    uint32_t place = t->newest[instrument];
    while (place != 0 && t->entries[place - 1].gap.number > number) place = t->entries[place - 1].older;
    return place != 0 && t->entries[place - 1].gap.number == number ? &t->entries[place - 1].gap : NULL;
}

void td_gap_table_put(td_gap_table *t, td_bytes instrument, const td_gap *told) {
    bool feed_is_none = told->feed.size == 0 || told->feed.size > TD_INSTRUMENT_NAME_MAX;
    if (feed_is_none || !td_instrument_name_valid(instrument)) return;
    td_gap gap = *told;
    gap.instrument = name_index(t, instrument);
    gap.feed = td_instruments_name(t->feeds, feed_index(t, told->feed));
    td_gap *known = find_gap(t, gap.instrument, gap.number);
    if (known != NULL) {
        count_open(t, known, -1);
        *known = gap;
        count_open(t, known, 1);
        return;
    }
    if (t->count > 0 && t->count == t->gaps_max) drop_oldest(t);
    if (t->count == t->capacity) {
        t->capacity = 2 * t->count + 64;
        if (t->gaps_max > 0 && t->capacity > t->gaps_max) t->capacity = t->gaps_max;
        t->entries = grow(t->entries, sizeof *t->entries, t->count, t->capacity);
    }
    append(t, &gap, ++t->serials);
}

td_status td_gap_table_read(td_gap_table *t, td_topic *gaps, uint32_t partition, int64_t bytes) {
    td_reader *reader;
    td_record record;
    int64_t from = td_topic_block_before(gaps, partition, td_topic_end(gaps, partition), bytes);
    td_status status = td_reader_open(&reader, gaps, partition, from, TD_READ_APPENDED);
    if (status != TD_OK) return status;
    while ((status = td_reader_next(reader, &record)) == TD_OK) {
        td_gap gap;
        td_bytes name;
        if (td_record_get_gap(record.value, &gap, &name) == TD_OK) td_gap_table_put(t, name, &gap);
    }
    td_reader_close(reader);
    return status == TD_AGAIN ? TD_OK : status;
}

size_t td_gap_table_count(const td_gap_table *t) { return t->count; }
const td_gap *td_gap_table_at(const td_gap_table *t, size_t index) { return &t->entries[index].gap; }
int64_t td_gap_table_serial(const td_gap_table *t, size_t index) { return t->entries[index].serial; }
td_bytes td_gap_table_name(const td_gap_table *t, uint32_t instrument) {
    return td_instruments_name(t->names, instrument);
}
int64_t td_gap_table_hidden(const td_gap_table *t) { return t->hidden; }

int64_t td_gap_table_open(const td_gap_table *t, td_bytes feed) {
    uint32_t one = feed.size > 0 ? td_instruments_find(t->feeds, feed) : UINT32_MAX;
    if (feed.size > 0) return one != UINT32_MAX ? t->open[one] : 0;
    int64_t sum = 0;
    for (uint32_t i = 0; i < td_instruments_count(t->feeds); i++) sum += t->open[i];
    return sum;
}

/* But for the instrument. */
static bool matches(const td_gap *gap, const td_gap_question *q) {
    if (q->statuses != 0 && (q->statuses >> gap->status & 1) == 0) return false;
    if (gap->from_ns >= q->to_ns || (gap->to_ns != TD_NONE && gap->to_ns < q->from_ns)) return false;
    return q->feed.size == 0 || td_bytes_equal(gap->feed, q->feed);
}

size_t td_gap_table_find(const td_gap_table *t, const td_gap_question *q, size_t index) {
    bool one = q->instrument.size > 0, first = index == SIZE_MAX;
    uint32_t instrument = one ? td_instruments_find(t->names, q->instrument) : UINT32_MAX;
    if (one && instrument == UINT32_MAX) return SIZE_MAX;
    size_t place = first ? t->count : index; /* index + 1 of the next to look at */
    if (one) place = first ? t->newest[instrument] : t->entries[index].older;
    while (place != 0 && !matches(&t->entries[place - 1].gap, q)) place = one ? t->entries[place - 1].older : place - 1;
    return place - 1; /* 0 - 1 is SIZE_MAX */
}
