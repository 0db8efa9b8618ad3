/* src/app/readers.h - who reads a partition of a log, and how far they are: workers and sinks of this process, and what
 * workers of other processes have committed. Thread: any. */
#pragma once
#include "app/engine.h"
#include "serve/serve.h"

/* The topic may be of another log than the engine's, opened beside it on the same cluster. A sink of another process
 * keeps its position with its data: it is not told. Errors: as td_log_committed's. */
TD_CHECKED td_status td_readers_each(td_engine *engine, const td_topic *topic, uint32_t partition,
                                     td_serve_reader_fn each, void *arg);
