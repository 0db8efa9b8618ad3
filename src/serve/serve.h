/* src/serve/serve.h - the view of the log for people: HTTP API, live push and the dashboard. Tails the log by itself on
 * its own thread and never touches another thread's state; a slow reader loses pushes, never slows the run.
 * Safe by default: loopback only, Host and Origin checked. API: docs/api.md.
 *
 * Bounds: 64 connections, 4 KB of request head, 256 KB of pushes waiting per stream (then they are counted as lost), at
 * most 4 answers from history in the making or on the way (the others wait their turn). A step takes under 20 ms. */
#pragma once
#include "base/option.h"
#include "log/log.h"
#include "schema/record.h"
#include "stream/program.h"

typedef struct td_serve_conf {
    char *listen; /* "127.0.0.1:8750" */
} td_serve_conf;

extern const td_option td_serve_options[];

typedef struct td_serve_progress { /* of the run, as far as the log alone does not tell it */
    const char *state;             /* "running", "ended", "faulty": a literal */
    int64_t events, accepted, quarantined, rejected, late;
    int64_t lag_records; /* on the tape, not yet applied */
} td_serve_progress;

typedef struct td_serve_topics { /* borrowed for the server's life */
    td_topic *tape, *bars, *signals;
    const td_schema_ids *ids;
    const int64_t *widths_ns; /* ascending, at most TD_WIDTHS_MAX */
    size_t width_count;
    int64_t lateness_ns;       /* the longest of the feeds: how long after its end a bar is awaited */
    const td_program *program; /* strategies whose lines are drawn; NULL: none */
    /* Counts of the run, asked by the server's thread; NULL: nobody knows. */
    void (*progress)(void *arg, td_serve_progress *out);
    void *progress_arg;
} td_serve_topics;

typedef struct td_serve td_serve;

/* TD_CONFIG: address not loopback, in use, or malformed; the trail names the key `serve.listen` and the cure. Port 0
 * takes any free one. */
TD_CHECKED td_status td_serve_open(td_serve **out, const td_os *os, const td_serve_conf *conf,
                                   const td_serve_topics *topics);
int td_serve_step(void *serve);                  /* a bounded turn: network and log; returns work done, 0 to idle */
void td_serve_close(td_serve *serve);            /* accepts NULL */
const char *td_serve_url(const td_serve *serve); /* "http://127.0.0.1:8750" */
