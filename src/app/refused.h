/* src/app/refused.h - what a run over files did not take as it stands there: lines that are no events, and events that
 * are in quarantine; each with its file, its line and why, in words. Thread: the main one. */
#pragma once
#include "feed/glob.h"
#include "flow/topics.h"

/* Why, with the numbers that the record itself tells. */
void td_refused_put_why(td_buf *out, const td_quarantined *q);

typedef struct td_refused_question { /* borrowed */
    const td_topics *topics;         /* of one partition */
    const char *dir;                 /* what stands before the names of files */
    const td_paths *files;           /* of the run's one feed, in its order */
    int64_t shown_most;
} td_refused_question;

typedef struct td_refused {
    int64_t rejected, quarantined;
    td_buf lines; /* "DIR/FILE:LINE: WHY" each, of the first so many */
    td_buf json;  /* the same, objects with commas between them */
} td_refused;

/* Errors: as the log's; what was found up to there is in *out, which is to be emptied by fini either way. */
TD_CHECKED td_status td_refused_read(const td_refused_question *question, td_refused *out);
void td_refused_fini(td_refused *refused);
