/* src/serve/serve.h - the view of the log for people: HTTP API, live push and the dashboard. Tails the log by itself on
 * its own thread and never touches another thread's state; a slow reader loses pushes, never slows the run.
 * Safe by default: loopback only, Host and Origin checked. */
#pragma once
#include "base/option.h"
#include "log/log.h"
#include "schema/record.h"

typedef struct td_serve_conf {
    char *listen; /* "127.0.0.1:8750" */
} td_serve_conf;

extern const td_option td_serve_options[];

typedef struct td_serve_topics { /* borrowed for the server's life */
    td_topic *tape, *bars, *signals;
    const td_schema_ids *ids;
    const int64_t *widths_ns; /* ascending */
    size_t width_count;
    int64_t lateness_ns;
} td_serve_topics;

typedef struct td_serve td_serve;

/* TD_CONFIG: address not loopback, in use, or malformed; the trail names the key `serve.listen` and the cure. */
TD_CHECKED td_status td_serve_open(td_serve **out, const td_os *os, const td_serve_conf *conf,
                                   const td_serve_topics *topics);
int td_serve_step(void *serve); /* a bounded turn: network and log; returns work done, 0 to idle */
void td_serve_close(td_serve *serve);
const char *td_serve_url(const td_serve *serve); /* "http://127.0.0.1:8750" */
