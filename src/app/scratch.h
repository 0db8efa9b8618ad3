/* src/app/scratch.h - a folder for the time being, below TMPDIR. Thread: the main one. */
#pragma once
#include "base/status.h"

enum { TD_SCRATCH_MAX = 512 };

/* Makes one whose name begins so. Errors: TD_CONFIG. */
TD_CHECKED td_status td_scratch_make(const char *name, char out[TD_SCRATCH_MAX]);
/* With all that is in it; what cannot be removed stays. */
void td_scratch_remove(const char *dir);
