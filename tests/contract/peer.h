/* tests/contract/peer.h - the other end of a transport's connections, told step by step what to do: a real server on a
 * socket for real transports, the simulated one's world for itself. */
#pragma once
#include "net/transport.h"

typedef enum peer_manner { /* towards who connects */
                           PEER_ACCEPTS,
                           PEER_REDIRECTS, /* to a place where it would accept */
                           PEER_NOT_FOUND,
                           PEER_DENIES,
                           PEER_BABBLES,     /* bytes that are no answer */
                           PEER_LONG_HEADER, /* an answer beyond any bound */
                           PEER_SAYS_NOTHING,
} peer_manner;

typedef enum peer_end { PEER_CLOSE_FRAME, PEER_STREAM_END, PEER_HALF_FRAME, PEER_RESET } peer_end;

typedef struct peer_ops {
    const td_transport_ops *transport;
    void *(*open)(uint64_t seed);
    const char *(*url)(void *peer);
    void (*be)(void *peer, peer_manner manner);
    void (*step)(void *peer); /* moves what can be moved */
    /* One frame of a message on the newest connection, `last` of its message or not; cut anywhere on its way. */
    void (*send)(void *peer, td_bytes bytes, bool last);
    bool (*sent)(void *peer);                                   /* all of it has left */
    bool (*connected)(void *peer);                              /* the newest connection is there, for both ends */
    void (*end)(void *peer, peer_end how);                      /* behind what was sent */
    void (*mute)(void *peer, bool mute);                        /* no answer to pings either */
    int (*left)(void *peer);                                    /* code of the newest one's goodbye to us; 0: none */
    size_t (*received)(void *peer, char *out, size_t capacity); /* the last message's text */
    void (*close)(void *peer);
} peer_ops;

extern const peer_ops peer_socket, peer_simulated;
