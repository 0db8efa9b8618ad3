/* src/net/lookup.h - a host's addresses, asked for without waiting: the C library's resolver waits on a thread that
 * ends with the answer. Thread: the owner's. */
#pragma once
#include "base/status.h"
#include <netinet/in.h>

enum { TD_LOOKUP_ADDRESSES_MAX = 4 };

typedef struct td_lookup td_lookup;

typedef struct td_addresses {
    char text[TD_LOOKUP_ADDRESSES_MAX][INET6_ADDRSTRLEN];
    size_t count;
} td_addresses;

/* Errors: TD_RETRY: the system gives no thread. */
TD_CHECKED td_status td_lookup_begin(td_lookup **out, const char *host);
/* TD_AGAIN: not known yet. Errors: TD_RETRY with a trail: the host has no address, or nobody can say. */
TD_CHECKED td_status td_lookup_step(td_lookup *lookup, td_addresses *out);
void td_lookup_free(td_lookup *lookup); /* accepts NULL; an answer on its way is not waited for */
