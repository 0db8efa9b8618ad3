/* src/app/setback.h - one sink of a configuration, set back while nobody runs, and its log: what it takes comes again.
 * Thread: the main one. */
#pragma once
#include "app/config.h"
#include "flow/deliver.h"

typedef struct td_setback_conf {
    const char *file;     /* of the configuration */
    const td_texts *sets; /* "key=value"; NULL: none */
    const char *sink;     /* its name there */
    const char *from;     /* a place (schema/place.h); NULL: the beginning */
    bool empties;         /* its rows go first */
} td_setback_conf;

typedef struct td_setback {
    td_config *config; /* NULL: it was not read */
    const td_config_sink *sink;
    td_log *log;
    td_topics topics;
    td_deliver *deliver;
    td_place from;
    td_deliver_reset reset;
} td_setback;

/* Takes the log's folder. To be closed either way. Errors: TD_REJECT (`from`), TD_CONFIG (file, sink, a process runs
 * there), TD_RETRY (the sink cannot be reached); as the log's. */
TD_CHECKED td_status td_setback_open(td_setback *out, const td_setback_conf *conf);
void td_setback_close(td_setback *s);
/* Records that the sink takes and does not have yet. */
int64_t td_setback_lag(const td_setback *s);
