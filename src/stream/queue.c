/* src/stream/queue.c - a sorted row in twice its room: most come in order, are put at its end and leave at its begin.
 */
#include "stream/queue.h"
#include <assert.h>
#include <stdlib.h>

enum { ROOM = 2 * TD_QUEUE_MAX };

size_t td_queue_bytes(uint32_t ports) { return ROOM * td_queue_row_bytes(&(td_queue){.ports = ports}); }

void td_queue_begin(td_queue *q, uint32_t ports) {
    q->ports = ports;
    if (q->rows == NULL) q->rows = td_alloc(td_queue_bytes(ports));
}

void td_queue_fini(td_queue *q) {
    free(q->rows);
    *q = (td_queue){0};
}

static uint8_t *bytes_at(const td_queue *q, uint32_t i) { return (uint8_t *)(void *)td_queue_at(q, i); }

uint32_t td_queue_find(const td_queue *q, int64_t due_ns) {
    uint32_t low = 0, high = td_queue_count(q);
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (td_queue_at(q, middle)->due_ns < due_ns)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

td_queued *td_queue_put(td_queue *q, int64_t due_ns) {
    size_t bytes = td_queue_row_bytes(q);
    uint32_t count = td_queue_count(q), at = count;
    assert(count < TD_QUEUE_MAX);
    if (q->end == ROOM) {
        memmove(q->rows, bytes_at(q, 0), count * bytes);
        q->first = 0;
        q->end = count;
    }
    while (at > 0 && td_queue_at(q, at - 1)->due_ns > due_ns) at--;
    q->end++;
    memmove(bytes_at(q, at + 1), bytes_at(q, at), (count - at) * bytes);
    td_queued *row = td_queue_at(q, at);
    memset(row, 0, bytes);
    row->due_ns = due_ns;
    return row;
}

/* Fewer rows move than stay. */
void td_queue_remove(td_queue *q, uint32_t i) {
    uint32_t behind = td_queue_count(q) - i - 1;
    if (i <= behind) {
        memmove(bytes_at(q, 1), bytes_at(q, 0), i * td_queue_row_bytes(q));
        q->first++;
    } else {
        memmove(bytes_at(q, i), bytes_at(q, i + 1), behind * td_queue_row_bytes(q));
        q->end--;
    }
    if (q->first == q->end) q->first = q->end = 0; /* what is used again is in the cache */
}

void td_queued_set(td_queued *row, const td_event *e) {
    const td_quote *q = &e->quote;
    const td_trade *t = &e->trade;
    bool trade = e->kind == TD_EVENT_TRADE;
    const int64_t quote_says[] = {q->bid_price, q->bid_size, q->ask_price, q->ask_size};
    const int64_t trade_says[] = {t->price, t->size, t->trade_id, t->side};
    memcpy(row->say, trade ? trade_says : quote_says, sizeof row->say);
    row->event_ns = e->event_ns;
    row->instrument = e->instrument;
    row->feed = e->feed;
    row->kind = e->kind;
}

td_event td_queued_event(const td_queued *row) {
    const int64_t *say = row->say;
    td_event e = {
        .kind = (uint8_t)row->kind, .feed = row->feed, .instrument = row->instrument, .event_ns = row->event_ns};
    if (e.kind == TD_EVENT_TRADE)
        e.trade = (td_trade){.price = say[0], .size = say[1], .trade_id = say[2], .side = (uint8_t)say[3]};
    else
        e.quote = (td_quote){.bid_price = say[0], .bid_size = say[1], .ask_price = say[2], .ask_size = say[3]};
    return e;
}

void td_queue_save(const td_queue *q, td_buf *out) {
    td_buf_put_u32(out, td_queue_count(q));
    if (td_queue_count(q) > 0) td_buf_put(out, bytes_at(q, 0), td_queue_count(q) * td_queue_row_bytes(q));
}

static bool is_sound(const td_queued *row, uint32_t instrument_count) {
    bool trade = row->kind == TD_EVENT_TRADE, quote = row->kind == TD_EVENT_QUOTE;
    bool sided = quote && (row->say[0] != TD_NONE || row->say[2] != TD_NONE);
    return row->instrument < instrument_count && ((trade && row->say[3] >= 0 && row->say[3] <= TD_SIDE_SELL) || sided);
}

bool td_queue_load(td_queue *q, td_bytes *bytes, uint32_t instrument_count) {
    uint32_t count;
    int64_t before_ns = INT64_MIN;
    if (!td_bytes_take(bytes, &count, sizeof count) || count > TD_QUEUE_MAX) return false;
    for (uint32_t i = 0; i < count; i++) {
        int64_t due_ns;
        if (bytes->size < td_queue_row_bytes(q)) return false;
        memcpy(&due_ns, bytes->data, sizeof due_ns);
        if (due_ns < before_ns) return false;
        td_queued *row = td_queue_put(q, before_ns = due_ns);
        if (!td_bytes_take(bytes, row, td_queue_row_bytes(q)) || !is_sound(row, instrument_count)) return false;
    }
    return true;
}
