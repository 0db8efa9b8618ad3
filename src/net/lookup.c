/* src/net/lookup.c - glibc's getaddrinfo_a. */
#include "net/lookup.h"
#include "base/bytes.h"
#include "net/url.h"
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>

struct td_lookup {
    struct gaicb request;
    struct addrinfo hints;
    char host[TD_HOST_MAX + 1];
};

td_status td_lookup_begin(td_lookup **out, const char *host) {
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
    /* A question on its way cannot be taken back, and to wait for it may take the resolver's ten seconds: its few bytes
     * stay with the resolver. It happens at most once per close. */
    if (gai_error(&l->request) == EAI_INPROGRESS && gai_cancel(&l->request) == EAI_NOTCANCELED) return;
    if (l->request.ar_result != NULL) freeaddrinfo(l->request.ar_result);
    free(l);
}
