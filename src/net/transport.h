/* src/net/transport.h - messages over a network without waiting: one table of functions for whoever carries them.
 * A transport holds a few connections and belongs to one thread, which drives it; it has none of its own.
 *
 * `pump` moves what can be moved now. `next` gives what has happened, per connection in this order: OPENED, then BYTES
 * in pieces cut anywhere, then CLOSED, always with its reason; one that never opened gives CLOSED alone. What has
 * arrived before the end is given before it. After CLOSED the connection's number is free.
 *
 * Bounds: each connection has an inbox of `inbox_bytes`. While it is full, nothing is read, so that the peer must wait;
 * when it has been full for `stall_ns`, the connection is dropped (SLOW). Redirects are not followed: they are a
 * refusal. TLS certificates and host names are always verified. A quiet connection is asked for a sign of life after
 * half of `idle_ns` and dropped (IDLE) when another half has brought none. */
#pragma once
#include "os/os.h"

enum { TD_NET_CONNECTIONS_MAX = 8, TD_NET_OUTBOX_BYTES = 64 * 1024, TD_NET_SEND_MAX = TD_NET_OUTBOX_BYTES - 1024 };

typedef enum td_net_kind { TD_NET_OPENED, TD_NET_BYTES, TD_NET_CLOSED } td_net_kind;

typedef enum td_net_reason {
    TD_NET_REFUSED,  /* never opened: name, address, certificate, or the answer to the upgrade */
    TD_NET_DENIED,   /* never opened: the answer was 401 or 403, and will be so again          */
    TD_NET_LOST,     /* the peer ended it, or the network did                                  */
    TD_NET_IDLE,     /* nothing was heard for idle_ns                                          */
    TD_NET_SLOW,     /* our own inbox stayed full for stall_ns                                 */
    TD_NET_TOO_LONG, /* a message above message_max_bytes                                      */
} td_net_reason;

typedef struct td_net_event {
    td_net_kind kind;
    uint32_t connection;
    int64_t at_ns;        /* when it arrived, by the machine's clock */
    td_bytes bytes;       /* BYTES: borrowed until the next call of any function */
    bool last;            /* BYTES: the message ends with them */
    td_net_reason reason; /* CLOSED */
    const char *detail;   /* CLOSED: for people; borrowed as bytes are */
} td_net_event;

typedef struct td_net_conf {
    const char *name;    /* whose messages they are. Borrowed for the transport's life */
    const char *ca_file; /* authorities to believe, PEM; NULL: the system's. Borrowed for the transport's life */
    size_t inbox_bytes, message_max_bytes, header_max_bytes;
    int64_t open_ns, idle_ns, stall_ns; /* until OPENED; as told above */
} td_net_conf;

typedef struct td_transport_ops {
    const char *name;
    /* Errors: TD_CONFIG (ca_file), TD_RETRY. `os` is borrowed for the transport's life. */
    TD_CHECKED td_status (*open)(void **out, const td_os *os, const td_net_conf *conf);
    /* Begins to connect to ws://host[:port]/path or wss://…; its first event tells how that went. Errors: TD_CONFIG
     * (not such a URL; texts never repeat it, it may hold a token), TD_FULL (TD_NET_CONNECTIONS_MAX are in use). */
    TD_CHECKED td_status (*connect)(void *transport, const char *url, uint32_t *out_connection);
    int (*pump)(void *transport); /* work done */
    /* Errors: TD_AGAIN. */
    TD_CHECKED td_status (*next)(void *transport, td_net_event *out);
    /* Sends a text message; one of TD_NET_SEND_MAX bytes fits where none waits. Errors: TD_FULL (TD_NET_OUTBOX_BYTES
     * wait already), TD_RETRY (not open). */
    TD_CHECKED td_status (*send)(void *transport, uint32_t connection, td_bytes message);
    /* Says goodbye (code 1000) behind what waits to be sent. What has arrived is still given, what arrives now is not;
     * CLOSED comes when the peer has ended it, too, which nobody has to wait for. Of one that is not open: nothing. */
    void (*leave)(void *transport, uint32_t connection);
    void (*drop)(void *transport, uint32_t connection); /* at once; gives no more events */
    void (*close)(void *transport);                     /* accepts NULL */
} td_transport_ops;

extern const td_transport_ops td_transport_lws;
