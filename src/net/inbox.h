/* src/net/inbox.h - what has arrived on one connection and was not taken yet: a bounded queue of pieces, each of which
 * lies in one stretch. Full: put refuses, and the caller's policy acts. Thread: the owner's. */
#pragma once
#include "net/transport.h"

enum { TD_INBOX_HEAD_BYTES = 16 }; /* what a piece costs beside its bytes, which are rounded up to 8 */

typedef struct td_inbox {
    uint8_t *data;
    size_t capacity, head, tail;
} td_inbox;

void td_inbox_init(td_inbox *inbox, size_t capacity);
void td_inbox_fini(td_inbox *inbox);
static inline void td_inbox_clear(td_inbox *inbox) { inbox->head = inbox->tail = 0; }
/* Bytes that one more piece may have; 0: full. */
size_t td_inbox_room(const td_inbox *inbox);
/* Copies `bytes`. Of an OPENED there are none. TD_FULL: it does not fit, nothing is kept. */
TD_CHECKED td_status td_inbox_put(td_inbox *inbox, const td_net_event *event);
/* The oldest one: kind, time, bytes (borrowed until the next put) and last. TD_AGAIN: there is none. */
TD_CHECKED td_status td_inbox_take(td_inbox *inbox, td_net_event *out);
