/* src/app/serving.h - the server of a run: what it asks of the engine, on its own thread, and the program that it
 * shows.
 */
#pragma once
#include "app/engine.h"
#include "app/notice.h"
#include "app/pulse.h"

typedef struct td_serving_conf { /* borrowed */
    td_engine *engine;
    const td_config *config;
    td_notices *notices;
    const td_pulse *pulse;
    const atomic_bool *draining;
} td_serving_conf;

typedef struct td_serving td_serving;

/* *out is NULL where nothing is served here. Errors: as td_serve_open's. */
TD_CHECKED td_status td_serving_open(td_serving **out, const td_serving_conf *conf);
void td_serving_close(td_serving *serving); /* accepts NULL, as the next two; lets go of the beacon */
td_serve *td_serving_server(td_serving *serving);
/* The server shows the program in force: compiled here, so that its thread goes on meanwhile. Thread: the main one. */
void td_serving_follow(td_serving *serving);
