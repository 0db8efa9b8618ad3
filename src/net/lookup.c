/* src/net/lookup.c - getaddrinfo on a thread that lives as long as the question. */
#include "net/lookup.h"
#include "base/bytes.h"
#include "net/url.h"
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { STACK_BYTES = 256 * 1024 };
enum { RUNNING, ANSWERED, ABANDONED };

/* Belongs to both sides while RUNNING; whoever finds that the other one is through with it frees it. */
struct td_lookup {
    atomic_int state;
    int error; /* of getaddrinfo */
    td_addresses addresses;
    char host[TD_HOST_MAX + 1];
};

static void *look_up(void *arg) {
    td_lookup *l = arg;
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct addrinfo *found = NULL;
    td_addresses *out = &l->addresses;
    l->error = getaddrinfo(l->host, NULL, &hints, &found);
    for (struct addrinfo *a = found; a != NULL && out->count < TD_LOOKUP_ADDRESSES_MAX; a = a->ai_next)
        out->count += getnameinfo(a->ai_addr, a->ai_addrlen, out->text[out->count], sizeof out->text[0], NULL, 0,
                                  NI_NUMERICHOST) == 0;
    if (found != NULL) freeaddrinfo(found);
    if (atomic_exchange(&l->state, ANSWERED) == ABANDONED) free(l);
    return NULL;
}

td_status td_lookup_begin(td_lookup **out, const char *host) {
    td_lookup *l = td_alloc_zero(1, sizeof *l);
    pthread_t thread;
    pthread_attr_t attributes;
    (void)snprintf(l->host, sizeof l->host, "%s", host);
    bool started = pthread_attr_init(&attributes) == 0;
    if (started) {
        (void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        (void)pthread_attr_setstacksize(&attributes, STACK_BYTES);
        started = pthread_create(&thread, &attributes, look_up, l) == 0;
        (void)pthread_attr_destroy(&attributes);
    }
    if (!started) {
        free(l);
        return TD_FAIL(TD_RETRY, "no thread to look up a host");
    }
    *out = l;
    return TD_OK;
}

td_status td_lookup_step(td_lookup *l, td_addresses *out) {
    if (atomic_load(&l->state) == RUNNING) return TD_AGAIN;
    if (l->error != 0) return TD_FAIL(TD_RETRY, "host %s: %s", l->host, gai_strerror(l->error));
    *out = l->addresses;
    return out->count > 0 ? TD_OK : TD_FAIL(TD_RETRY, "host %s has no address", l->host);
}

void td_lookup_free(td_lookup *l) {
    if (l != NULL && atomic_exchange(&l->state, ABANDONED) == ANSWERED) free(l);
}
