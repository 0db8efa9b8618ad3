/* tests/unit/cql_ready.h - one client of Cassandra that waits until it is connected; the program's sink has a cluster
 * of them, which connects and waits for all at once. */
#pragma once
#include "base/time.h"
#include "net/cql.h"

/* Connects where it is not. Errors as td_cql_step's. */
static inline td_status cql_make_ready(td_cql *cql) {
    td_status status = td_cql_step(cql);
    if (status != TD_OK && status != TD_AGAIN) status = td_cql_connect(cql, false);
    while (status == TD_OK || status == TD_AGAIN) {
        status = td_cql_step(cql);
        if (status != TD_AGAIN) break;
        td_cql_wait(cql, 50 * TD_NS_PER_MS);
    }
    return status;
}
