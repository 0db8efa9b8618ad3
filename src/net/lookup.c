/* src/net/lookup.c - glibc's getaddrinfo_a. */
#include "net/lookup.h"
#include "base/bytes.h"
#include "net/url.h"
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct td_lookup {
    struct gaicb request;
    struct addrinfo hints;
    char host[TD_HOST_MAX + 1];
    td_lookup *next; /* of the abandoned */
};

/* A question on its way cannot be taken back, and to wait for its answer may take the resolver's ten seconds: until
 * then its bytes belong to the resolver. They are freed at the next question after that. */
static td_lookup *abandoned;
static pthread_mutex_t abandoned_lock = PTHREAD_MUTEX_INITIALIZER;

/* True when nobody else uses it any more. */
static bool is_over(td_lookup *l) {
    return gai_error(&l->request) != EAI_INPROGRESS || gai_cancel(&l->request) != EAI_NOTCANCELED;
}

static void release(td_lookup *l) {
    if (l->request.ar_result != NULL) freeaddrinfo(l->request.ar_result);
    free(l);
}

static void free_abandoned(void) {
    (void)pthread_mutex_lock(&abandoned_lock);
    for (td_lookup **at = &abandoned; *at != NULL;) {
        td_lookup *l = *at;
        if (!is_over(l)) {
            at = &l->next;
            continue;
        }
        *at = l->next;
        release(l);
    }
    (void)pthread_mutex_unlock(&abandoned_lock);
}

td_status td_lookup_begin(td_lookup **out, const char *host) {
    free_abandoned();
    td_lookup *l = td_alloc_zero(1, sizeof *l);
    (void)snprintf(l->host, sizeof l->host, "%s", host);
    l->hints = (struct addrinfo){.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    l->request = (struct gaicb){.ar_name = l->host, .ar_request = &l->hints};
    struct gaicb *list[] = {&l->request};
    if (getaddrinfo_a(GAI_NOWAIT, list, 1, NULL) != 0) {
        free(l);
        return TD_FAIL(TD_RETRY, "the resolver takes no question");
    }
    *out = l;
    return TD_OK;
}

td_status td_lookup_step(td_lookup *l, td_addresses *out) {
    int error = gai_error(&l->request);
    if (error == EAI_INPROGRESS) return TD_AGAIN;
    if (error != 0) return TD_FAIL(TD_RETRY, "host %s: %s", l->host, gai_strerror(error));
    out->count = 0;
    for (struct addrinfo *a = l->request.ar_result; a != NULL && out->count < TD_LOOKUP_ADDRESSES_MAX; a = a->ai_next)
        out->count += getnameinfo(a->ai_addr, a->ai_addrlen, out->text[out->count], sizeof out->text[0], NULL, 0,
                                  NI_NUMERICHOST) == 0;
    return out->count > 0 ? TD_OK : TD_FAIL(TD_RETRY, "host %s has no address", l->host);
}

void td_lookup_free(td_lookup *l) {
    if (l == NULL) return;
    if (is_over(l)) {
        release(l);
        return;
    }
    (void)pthread_mutex_lock(&abandoned_lock);
    l->next = abandoned;
    abandoned = l;
    (void)pthread_mutex_unlock(&abandoned_lock);
}
