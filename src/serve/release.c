/* src/serve/release.c - find, read, look for releases of before: in this order. */
#include "serve/release.h"
#include "schema/cause.h"
#include "serve/history.h"
#include <inttypes.h>
#include <stdlib.h>

enum { READS_PER_STEP = 64, SCANS_PER_STEP = 8192 };
#define BLOCK_BYTES (INT64_C(4) << 20) /* of `quarantine` at once: all partitions share a budget of 2048 of them */

struct td_release {
    td_release_wish wish;
    td_history *history; /* NULL: places were given, or all is found */
    td_release_item *items;
    size_t item_count, next; /* the next item to read, then to look for */
    bool sorted;
    td_buf texts;
    td_reader *reader; /* of the tape of the partition looked through */
    uint32_t partition;
};

static const char *const names[] = {"ready",           "released",       "not-taken", "unsure",
                                    "released-before", "not-releasable", "unknown",   "gone"};
_Static_assert(sizeof names / sizeof names[0] == TD_RELEASE_STATES, "a name for each state");

const char *td_release_state_name(td_release_state state) { return names[state]; }

/* ---- life ---- */

static void take_places(td_release *r, const td_release_place *places, size_t count) {
    r->items = td_alloc_zero(count + 1, sizeof *r->items);
    r->item_count = count;
    for (size_t i = 0; i < count; i++) r->items[i] = (td_release_item){.place = places[i], .tape = {-1, -1}};
}

td_release *td_release_new(const td_release_wish *wish) {
    td_release *r = td_alloc_zero(1, sizeof *r);
    r->wish = *wish;
    if (wish->place_count > 0) {
        take_places(r, wish->places, wish->place_count);
        return r;
    }
    td_history_question q = {.topic = wish->quarantine,
                             .ids = wish->ids,
                             .kind = TD_HISTORY_QUARANTINE,
                             .instrument = wish->instrument,
                             .feed = wish->feed,
                             .reason = wish->reason,
                             .from_ns = wish->from_ns,
                             .before_ns = wish->before_ns,
                             .cursor = -1,
                             .as_of = TD_PLACE_END,
                             .block_bytes = BLOCK_BYTES,
                             .limit = TD_RELEASES_MAX + 1};
    r->history = td_history_new(&q);
    return r;
}

void td_release_free(td_release *r) {
    if (r == NULL) return;
    td_history_free(r->history);
    td_reader_close(r->reader);
    td_buf_fini(&r->texts);
    free(r->items);
    free(r);
}

/* ---- find ---- */

static td_status find(td_release *r) {
    td_status status = td_history_step(r->history);
    if (status != TD_OK) return status;
    const td_history_row *rows;
    size_t count = td_history_rows(r->history, &rows);
    if (count > TD_RELEASES_MAX || td_history_is_cut(r->history))
        return TD_FAIL(TD_REJECT,
                       "more than %d events, or more of quarantine than is read at once; choose fewer, by "
                       "instrument or by from and to",
                       TD_RELEASES_MAX);
    td_release_place *places = td_alloc((count + 1) * sizeof *places);
    for (size_t i = 0; i < count; i++) places[i] = (td_release_place){rows[i].partition, rows[i].offset};
    take_places(r, places, count);
    free(places);
    td_history_free(r->history);
    r->history = NULL;
    return TD_AGAIN;
}

/* ---- read ---- */

/* The record at that offset. TD_AGAIN: there is none. */
static td_status read_at(td_topic *topic, uint32_t partition, int64_t offset, td_reader **out, td_record *record) {
    *out = NULL;
    if (partition >= td_topic_partitions(topic) || offset < td_topic_start(topic, partition) ||
        offset >= td_topic_end(topic, partition))
        return TD_AGAIN;
    td_status status = td_reader_open(out, topic, partition, offset, TD_READ_APPENDED);
    if (status == TD_OK) status = td_reader_next(*out, record);
    return status == TD_OK && record->offset != offset ? TD_AGAIN : status;
}

static td_status read_quarantined(const td_release *r, td_release_item *item, td_cause *cause) {
    td_reader *reader;
    td_record record;
    td_quarantined q;
    td_bytes instrument;
    td_status status = read_at(r->wish.quarantine, item->place.partition, item->place.offset, &reader, &record);
    bool ours = status == TD_OK && td_record_get_quarantined(r->wish.ids, record.value, &q, &instrument) == TD_OK &&
                td_cause_get(td_record_header(&record, TD_CAUSE_HEADER), cause);
    td_reader_close(reader);
    item->state = TD_RELEASE_UNKNOWN;
    if (!ours) return status == TD_AGAIN ? TD_OK : status;
    item->reason = (td_reason)q.reason;
    item->tape = (td_position){cause->epoch, cause->offset};
    item->of_offset = cause->offset;
    item->state = td_reason_is_releasable(item->reason) ? TD_RELEASE_READY : TD_RELEASE_NEVER;
    return TD_OK;
}

/* The event once more: it says for which record it stands, and which rule it passes. */
static void put_anew(td_release *r, td_release_item *item, const td_record *record, td_event *e, td_bytes feed) {
    bool again = e->origin == TD_ORIGIN_RELEASE; /* a release that another rule refused */
    if (!again) {
        e->of_epoch = record->epoch;
        e->of_offset = record->offset;
        e->pass = 0;
    }
    e->origin = TD_ORIGIN_RELEASE;
    e->pass |= 1u << item->reason;
    item->of_offset = e->of_offset;
    item->at = (uint32_t)r->texts.size;
    item->key_size = (uint32_t)record->key.size;
    td_buf_put(&r->texts, record->key.data, record->key.size);
    td_record_put_event(&r->texts, r->wish.ids, feed, e);
    item->value_size = (uint32_t)(r->texts.size - item->at) - item->key_size;
}

static td_status read_event(td_release *r, td_release_item *item, const td_cause *cause) {
    td_reader *reader;
    td_record record;
    td_event event = {0};
    td_bytes feed;
    td_status status = read_at(r->wish.tape, cause->partition, cause->offset, &reader, &record);
    if (status == TD_OK && record.epoch == cause->epoch &&
        td_record_get_event(r->wish.ids, record.value, &event, &feed) == TD_OK)
        put_anew(r, item, &record, &event, feed);
    else
        item->state = TD_RELEASE_GONE;
    td_reader_close(reader);
    return status == TD_AGAIN ? TD_OK : status;
}

static td_status read_items(td_release *r) {
    for (int i = 0; i < READS_PER_STEP && r->next < r->item_count; i++, r->next++) {
        td_cause cause = {0};
        td_release_item *item = &r->items[r->next];
        td_status status = read_quarantined(r, item, &cause);
        if (status == TD_OK && item->state == TD_RELEASE_READY) status = read_event(r, item, &cause);
        if (status != TD_OK) return status;
    }
    return TD_AGAIN;
}

static int by_tape(const void *a, const void *b) {
    const td_release_item *x = a, *y = b;
    if (x->place.partition != y->place.partition) return x->place.partition < y->place.partition ? -1 : 1;
    if (x->of_offset != y->of_offset) return x->of_offset < y->of_offset ? -1 : 1;
    return (x->place.offset > y->place.offset) - (x->place.offset < y->place.offset);
}

static bool same_event(const td_release_item *a, const td_release_item *b) {
    return a->place.partition == b->place.partition && a->of_offset == b->of_offset;
}

static void sort_items(td_release *r) {
    qsort(r->items, r->item_count, sizeof *r->items, by_tape);
    for (size_t i = 1; i < r->item_count; i++) /* of one that was refused again, or is wished twice, the last counts */
        if (r->items[i].state == TD_RELEASE_READY && r->items[i - 1].state == TD_RELEASE_READY &&
            same_event(&r->items[i - 1], &r->items[i]))
            r->items[i - 1].state = TD_RELEASE_BEFORE;
    r->sorted = true;
    r->next = 0;
}

/* ---- look for releases of before ---- */

/* A release at that offset of the tape; one that was refused itself stands before its item. */
static void note_release(td_release *r, int64_t of_offset, int64_t offset) {
    size_t low = r->next, high = r->item_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const td_release_item *item = &r->items[middle];
        bool before = item->place.partition == r->partition && item->of_offset < of_offset;
        if (before)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < r->item_count && r->items[low].place.partition == r->partition; low++) {
        if (r->items[low].of_offset != of_offset) return;
        if (r->items[low].state == TD_RELEASE_READY && offset > r->items[low].tape.offset)
            r->items[low].state = TD_RELEASE_BEFORE;
    }
}

/* Through the tape of one partition, from its first item on. */
static td_status scan(td_release *r) {
    td_record record;
    td_status status = TD_OK;
    for (int i = 0; i < SCANS_PER_STEP && (status = td_reader_next(r->reader, &record)) == TD_OK; i++) {
        td_event event;
        td_bytes feed;
        if (td_record_get_event_numbers(r->wish.ids, record.value, &event, &feed) == TD_OK &&
            event.origin == TD_ORIGIN_RELEASE && (event.flags & TD_FLAG_COPY) == 0)
            note_release(r, event.of_offset, record.offset);
    }
    if (status == TD_OK) return TD_AGAIN;
    td_reader_close(r->reader);
    r->reader = NULL;
    while (r->next < r->item_count && r->items[r->next].place.partition == r->partition) r->next++;
    return status; /* TD_AGAIN: this partition is through */
}

static td_status look(td_release *r) {
    if (r->reader != NULL) return scan(r);
    while (r->next < r->item_count && r->items[r->next].state != TD_RELEASE_READY) r->next++;
    if (r->next == r->item_count) return TD_OK;
    const td_release_item *first = &r->items[r->next];
    r->partition = first->place.partition;
    td_status status = td_reader_open(&r->reader, r->wish.tape, r->partition, first->of_offset + 1, TD_READ_APPENDED);
    return status == TD_OK ? TD_AGAIN : status;
}

td_status td_release_step(td_release *r) {
    if (r->history != NULL) return find(r);
    if (!r->sorted && r->next < r->item_count) return read_items(r);
    if (!r->sorted) sort_items(r);
    return look(r);
}

/* ---- what there is ---- */

size_t td_release_items(td_release *r, td_release_item **out) {
    *out = r->items;
    return r->item_count;
}

td_bytes td_release_key(const td_release *r, const td_release_item *item) {
    return (td_bytes){r->texts.data + item->at, item->key_size};
}

td_bytes td_release_value(const td_release *r, const td_release_item *item) {
    return (td_bytes){r->texts.data + item->at + item->key_size, item->value_size};
}

void td_release_put(td_buf *out, const td_release_item *item) {
    td_buf_printf(out, "{\"partition\":%" PRIu32 ",\"offset\":%" PRId64 ",\"state\":\"%s\"", item->place.partition,
                  item->place.offset, names[item->state]);
    if (item->tape.offset >= 0)
        td_buf_printf(out, ",\"reason\":\"%s\",\"tape_offset\":%" PRId64, td_reason_name(item->reason),
                      item->tape.offset);
    td_buf_text(out, "}");
}
