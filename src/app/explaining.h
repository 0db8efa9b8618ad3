/* src/app/explaining.h - explanations of signals for a server that asks for them: what td_serve_run calls. Thread: the
 * server's; each explanation has a state of its own and changes nothing. */
#pragma once
#include "flow/explain.h"

/* What it reads is lent for its life. NULL: that is no signal's id. */
void *td_explaining_begin(const td_topics *topics, const char *log_dir, const char *signal);
td_status td_explaining_step(void *explaining);
void td_explaining_put(void *explaining, td_buf *out);
void td_explaining_end(void *explaining);
