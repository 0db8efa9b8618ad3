/* src/net/wire.h - bytes to and from one peer over TCP or TLS, without waiting but where that is asked for: one table
 * of functions for whoever carries them. A wire belongs to one thread, which drives it. TLS certificates and host names
 * are always verified. The bounds are the owner's: a wire keeps nothing that the machine has not taken or not yet
 * given. */
#pragma once
#include "net/url.h"
#include "os/os.h"

typedef struct td_wire_conf { /* copied; the text is borrowed for the wire's life */
    td_url url;               /* of it: tls, host, port */
    const char *ca_file;      /* authorities to believe, PEM; NULL: the system's */
    int64_t open_ns;          /* until it is open */
} td_wire_conf;

typedef struct td_wire_want {
    void *wire;
    bool to_send; /* there is something that could not go */
} td_wire_want;

typedef struct td_wire_ops {
    const char *name;
    /* Begins to connect. Errors: TD_RETRY. `os` is borrowed for the wire's life. */
    TD_CHECKED td_status (*open)(void **out, const td_os *os, const td_wire_conf *conf);
    /* TD_OK: it is open. TD_AGAIN: not yet. Errors, with which it ends: TD_RETRY, TD_CONFIG (the peer's certificate).
     */
    TD_CHECKED td_status (*step)(void *wire);
    /* Of one that is open: how many of the bytes have gone; 0: none can go now. What has not gone is offered again as
     * it is, where it lies: TLS may have begun with it. Errors: TD_RETRY. */
    TD_CHECKED td_status (*send)(void *wire, td_bytes bytes, size_t *out_sent);
    /* Of one that is open: what has come, at most `room`; 0: nothing new. Errors: TD_RETRY (it has ended, too). */
    TD_CHECKED td_status (*receive)(void *wire, void *out, size_t room, size_t *out_size);
    /* Until something has come to one of them, or can go where it wants to, or the time is over; and not for longer
     * than 10 ms where several are not open yet. One at least. */
    void (*wait)(const td_wire_want *wants, size_t count, int64_t most_ns);
    void (*close)(void *wire); /* accepts NULL */
} td_wire_ops;

extern const td_wire_ops td_wire_curl;
