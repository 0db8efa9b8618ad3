/* src/stream/queue.h - trades and quotes of a feed whose strategies wait for what others say of their time: each with
 * what its graph reads, as it stands so far. They leave when they are due; those of one instant in the order in which
 * they came. Full: of more than TD_QUEUE_MAX the first leaves early, which is counted.
 * A value that owns its room, all zero before td_queue_begin; no allocation behind that. Thread: the owner's of the
 * state. */
#pragma once
#include "model/event.h"
#include "stream/value.h"

enum { TD_QUEUE_MAX = 8192 };

typedef struct td_match { /* of a port */
    td_value value;
    int64_t event_ns, zero; /* of the row that says it; INT64_MIN: none yet, or the port does not wait */
} td_match;

typedef struct td_queued {
    int64_t due_ns, event_ns;
    int64_t say[4]; /* of a trade price, size, id and side; of a quote the bid's price and size, then the ask's */
    uint32_t instrument, feed, graph, kind;
    td_match ports[];
} td_queued;
_Static_assert(sizeof(td_queued) == 64 && sizeof(td_match) == 32, "the snapshot format depends on this layout");

typedef struct td_queue {
    uint8_t *rows; /* those that wait lie at [first, end) */
    uint32_t first, end, ports;
} td_queue;

void td_queue_begin(td_queue *queue, uint32_t ports); /* of a row */
void td_queue_fini(td_queue *queue);

static inline uint32_t td_queue_count(const td_queue *q) { return q->end - q->first; }
static inline size_t td_queue_row_bytes(const td_queue *q) { return sizeof(td_queued) + q->ports * sizeof(td_match); }
static inline td_queued *td_queue_at(const td_queue *q, uint32_t i) {
    return (td_queued *)(void *)(q->rows + (q->first + i) * td_queue_row_bytes(q));
}
/* What a queue takes, however many wait. */
size_t td_queue_bytes(uint32_t ports);
/* The first row that is due at that instant or later. */
uint32_t td_queue_find(const td_queue *queue, int64_t due_ns);
/* A row in its place, zeroed but for that; there is room. The queue's, until it changes. */
td_queued *td_queue_put(td_queue *queue, int64_t due_ns);
void td_queue_remove(td_queue *queue, uint32_t i);

/* What the event says, and back to what a graph reads of it. */
void td_queued_set(td_queued *row, const td_event *event);
td_event td_queued_event(const td_queued *row);

/* Errors: td_queue_load answers false to bytes that td_queue_save cannot have written; graphs are the caller's to ask.
 */
void td_queue_save(const td_queue *queue, td_buf *out);
bool td_queue_load(td_queue *queue, td_bytes *bytes, uint32_t instrument_count);
