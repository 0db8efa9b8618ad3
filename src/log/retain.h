/* src/log/retain.h - which segments a log lets go of. Private to log/. Topics whose names begin with `_` keep all of
 * theirs. Thread: the sync thread's, after a round. Errors: TD_RETRY. */
#pragma once
#include "log/log_private.h"

typedef struct td_retain {
    td_segment_topic **topics;
    size_t topic_count;
} td_retain;

/* Finishes active segments that began segment_ms ago or got nothing for retain_ms, and removes those whose last append
 * is retain_ms ago; 0: neither. */
TD_CHECKED td_status td_retain_age(const td_retain *retain, int64_t now_ms, int64_t segment_ms, int64_t retain_ms);
/* The oldest go until the log has so many bytes at most, or so many less; active ones stay. */
TD_CHECKED td_status td_retain_shrink(const td_retain *retain, int64_t to_bytes);
TD_CHECKED td_status td_retain_release(const td_retain *retain, int64_t bytes);
