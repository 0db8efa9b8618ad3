/* src/app/progress.h - how far long work is, in one line: share, counts, rate, time left. Pure. */
#pragma once
#include <stdint.h>

enum { TD_PROGRESS_MAX = 160 };

/* "replaying: 41 %, 1.2M of 3.0M, 950k/s, 2 s left". The time left is known once there is a rate. */
void td_progress_text(const char *what, int64_t done, int64_t total, int64_t elapsed_ns, char out[TD_PROGRESS_MAX]);
