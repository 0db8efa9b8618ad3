/* src/net/link.h - what every transport keeps of one connection: its inbox, its limits, and how it ended. It holds no
 * socket. Thread: the transport's. */
#pragma once
#include "net/inbox.h"

enum { TD_LINK_DETAIL_MAX = 200 };

typedef struct td_link {
    const td_os *os;
    const td_net_conf *conf;
    td_inbox inbox;
    size_t message_bytes; /* of the message that is arriving */
    int64_t asked_ns;     /* monotonic: when a sign of life was asked for; 0: it was not */
    int64_t heard_ns;     /* monotonic: the last sign of life */
    int64_t full_ns;      /* monotonic: since when the inbox has been full; 0: it is not */
    bool ended;
    int64_t ended_ns;
    td_net_reason reason;
    char detail[TD_LINK_DETAIL_MAX];
} td_link;

void td_link_init(td_link *link, const td_os *os, const td_net_conf *conf);
void td_link_fini(td_link *link);
void td_link_opened(td_link *link);
/* A piece has arrived. False: the connection has ended with it (TOO_LONG, or SLOW where it was read in spite of a full
 * inbox). */
bool td_link_receive(td_link *link, td_bytes bytes, bool last);
static inline void td_link_heard(td_link *link, int64_t mono_ns) {
    link->heard_ns = mono_ns;
    link->asked_ns = 0;
}
/* True while a read of up to `read_bytes` might not fit: nothing may be read. */
bool td_link_is_full(td_link *link, size_t read_bytes);
/* Looks at the time, once per pump. True: the peer is to be asked for a sign of life. It may also end. */
bool td_link_watch(td_link *link);
/* The first reason counts: what follows from it says less. Of `detail` the plain ASCII is kept. */
void td_link_end(td_link *link, td_net_reason reason, const char *detail);
/* What has arrived, then the end. TD_AGAIN: neither. */
TD_CHECKED td_status td_link_next(td_link *link, td_net_event *out);
