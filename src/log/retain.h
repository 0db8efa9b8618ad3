/* src/log/retain.h - which segments a log lets go of. Private to log/. Topics whose names begin with `_` keep all of
 * theirs. Thread: the sync thread's, after a round. Errors: TD_RETRY. */
#pragma once
#include "log/log_private.h"

typedef struct td_retain {
    td_segment_topic **topics;
    size_t topic_count;
    const char *prefix; /* NULL: of no topic's name */
    bool apart;         /* topics whose names begin with it, or all others */
    int64_t bytes, ms;  /* as td_log_conf has them; 0: keep all */
} td_retain;

/* Finishes active segments that began segment_ms ago (0: never) or got nothing for `ms`; removes those whose last
 * append is `ms` ago and then, while there are more than `bytes`, the oldest. Active ones stay. */
TD_CHECKED td_status td_retain_all(const td_retain *retain, int64_t now_ms, int64_t segment_ms);
/* The oldest go until so many bytes are gone; none of topics that keep all. */
TD_CHECKED td_status td_retain_release(const td_retain *retain, int64_t bytes, int64_t *out_freed);
