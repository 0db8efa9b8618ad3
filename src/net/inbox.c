/* src/net/inbox.c - pieces behind one another; what is free in front is won back when the end is reached. */
#include "net/inbox.h"
#include <assert.h>
#include <stdlib.h>

typedef struct piece {
    int64_t at_ns;
    uint32_t size;
    uint8_t kind, last, zero[2];
} piece;
_Static_assert(sizeof(piece) == TD_INBOX_HEAD_BYTES, "the header promises it");

static size_t rounded(size_t size) { return (size + 7) & ~(size_t)7; }

void td_inbox_init(td_inbox *inbox, size_t capacity) {
    *inbox = (td_inbox){.data = td_alloc(capacity), .capacity = capacity};
}

void td_inbox_fini(td_inbox *inbox) {
    free(inbox->data);
    *inbox = (td_inbox){0};
}

size_t td_inbox_room(const td_inbox *inbox) {
    size_t left = inbox->capacity - (inbox->tail - inbox->head);
    return left > sizeof(piece) + 7 ? (left - sizeof(piece)) & ~(size_t)7 : 0;
}

td_status td_inbox_put(td_inbox *inbox, const td_net_event *event) {
    size_t size = event->bytes.size, wanted = sizeof(piece) + rounded(size);
    if (inbox->tail - inbox->head + wanted > inbox->capacity) return TD_FULL;
    if (inbox->tail + wanted > inbox->capacity) { /* rare: it is mostly emptied before it gets there */
        memmove(inbox->data, inbox->data + inbox->head, inbox->tail - inbox->head);
        inbox->tail -= inbox->head;
        inbox->head = 0;
    }
    piece p = {event->at_ns, (uint32_t)size, (uint8_t)event->kind, event->last, {0}};
    memcpy(inbox->data + inbox->tail, &p, sizeof p);
    if (size > 0) memcpy(inbox->data + inbox->tail + sizeof p, event->bytes.data, size);
    inbox->tail += wanted;
    return TD_OK;
}

td_status td_inbox_take(td_inbox *inbox, td_net_event *out) {
    if (inbox->head == inbox->tail) return TD_AGAIN;
    piece p;
    memcpy(&p, inbox->data + inbox->head, sizeof p);
    *out = (td_net_event){.kind = (td_net_kind)p.kind,
                          .at_ns = p.at_ns,
                          .bytes = {inbox->data + inbox->head + sizeof p, p.size},
                          .last = p.last != 0};
    inbox->head += sizeof p + rounded(p.size);
    assert(inbox->head <= inbox->tail);
    if (inbox->head == inbox->tail) td_inbox_clear(inbox); /* the bytes stay where they are until the next put */
    return TD_OK;
}
