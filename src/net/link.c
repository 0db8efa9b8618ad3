/* src/net/link.c - the limits of a connection: size of a message, silence, and how long we may be slow. */
#include "net/link.h"
#include <stdio.h>

static int64_t mono_ns(const td_link *l) { return l->os->ops->mono_ns(l->os->self); }
static int64_t wall_ns(const td_link *l) { return l->os->ops->wall_ns(l->os->self); }

void td_link_init(td_link *link, const td_os *os, const td_net_conf *conf) {
    *link = (td_link){.os = os, .conf = conf};
    td_inbox_init(&link->inbox, conf->inbox_bytes);
}

void td_link_fini(td_link *link) { td_inbox_fini(&link->inbox); }

void td_link_opened(td_link *l) {
    td_net_event e = {.kind = TD_NET_OPENED, .at_ns = wall_ns(l)};
    td_status status = td_inbox_put(&l->inbox, &e);
    if (status != TD_OK) td_link_end(l, TD_NET_SLOW, "the inbox holds nothing");
    td_link_heard(l, mono_ns(l));
}

bool td_link_receive(td_link *l, td_bytes bytes, bool last) {
    td_net_event e = {.kind = TD_NET_BYTES, .at_ns = wall_ns(l), .bytes = bytes, .last = last};
    td_link_heard(l, mono_ns(l));
    l->message_bytes += bytes.size;
    if (l->message_bytes > l->conf->message_max_bytes) {
        char detail[64];
        (void)snprintf(detail, sizeof detail, "a message is longer than %zu bytes", l->conf->message_max_bytes);
        td_link_end(l, TD_NET_TOO_LONG, detail);
        return false;
    }
    if (last) l->message_bytes = 0;
    if (bytes.size == 0 && !last) return true;
    if (td_inbox_put(&l->inbox, &e) == TD_OK) return true;
    td_link_end(l, TD_NET_SLOW, "what arrives is not taken in time");
    return false;
}

bool td_link_is_full(td_link *l, size_t read_bytes) {
    bool full = td_inbox_room(&l->inbox) < read_bytes;
    if (full && l->full_ns == 0) l->full_ns = mono_ns(l);
    if (!full && l->full_ns != 0) {
        l->full_ns = 0;
        td_link_heard(l, mono_ns(l)); /* while we did not read, nobody could be heard */
    }
    return full;
}

bool td_link_watch(td_link *l) {
    int64_t now_ns = mono_ns(l);
    if (l->full_ns != 0) {
        if (now_ns - l->full_ns >= l->conf->stall_ns) td_link_end(l, TD_NET_SLOW, "what arrives is not taken in time");
        return false;
    }
    int64_t half_ns = l->conf->idle_ns / 2;
    if (l->asked_ns != 0) {
        if (now_ns - l->asked_ns >= half_ns)
            td_link_end(l, TD_NET_IDLE, "nothing was heard, not even an answer to a ping");
        return false;
    }
    if (now_ns - l->heard_ns < half_ns) return false;
    l->asked_ns = now_ns;
    return true;
}

void td_link_end(td_link *l, td_net_reason reason, const char *detail) {
    if (l->ended) return;
    l->ended = true;
    l->reason = reason;
    l->ended_ns = wall_ns(l);
    (void)snprintf(l->detail, sizeof l->detail, "%s", detail);
    for (char *c = l->detail; *c != '\0'; c++) /* a peer's words may come to a terminal or a log of lines */
        if (*c < ' ' || *c > '~') *c = '?';
}

td_status td_link_next(td_link *l, td_net_event *out) {
    td_status status = td_inbox_take(&l->inbox, out);
    if (status == TD_OK || !l->ended) return status;
    *out = (td_net_event){.kind = TD_NET_CLOSED, .at_ns = l->ended_ns, .reason = l->reason, .detail = l->detail};
    return TD_OK;
}
