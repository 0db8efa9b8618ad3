/* src/app/metrics.h - all that a run counts, as families of metrics: one row each, over the counters that the parts
 * keep for themselves. Thread: any. */
#pragma once
#include "app/engine.h"

/* Of the engine, of the process, and of the machine as far as it concerns the log. */
void td_run_metrics_put(td_buf *out, td_engine *engine);
