/* src/flow/resume.h - where the feeds go on in one partition that ingest appends to: found at the start by reading it
 * backwards from its end, then asked of each input that comes again. Each feed is known by its last input there, which
 * is waited for; those of a feed whose last one retention took wait for what came before the partition's own last one.
 * The `ended` that a feed gave before is no part of what must come again. Live feeds' inputs do not come again: what
 * the log holds of them is told to td_live. Thread: who opens the log, then ingest. */
#pragma once
#include "feed/merge.h"
#include "flow/inputs.h"
#include "flow/live.h"
#include "flow/topics.h"

typedef struct td_resume_conf { /* borrowed */
    const td_topics *topics;
    const td_merge *merge;
    td_live *live;
    const td_inputs *inputs;
    const td_bytes *feed_names; /* by feed index */
} td_resume_conf;

typedef struct td_resume td_resume;

/* TD_CORRUPT, and *out is usable: what the partition ends with cannot be read; it stands. Other errors as the log's;
 * *out is to be closed then, too. */
TD_CHECKED td_status td_resume_open(td_resume **out, const td_resume_conf *conf, td_topic *topic, uint32_t partition);
void td_resume_close(td_resume *resume); /* accepts NULL */

/* Nothing is to be appended here, lest it be there already. */
bool td_resume_stands(const td_resume *resume);
/* Some feed has inputs here that come again. */
bool td_resume_waits(const td_resume *resume);
/* One of them was copied there: it is to come by though it may not be copied any more. */
bool td_resume_waits_for_copy(const td_resume *resume);
/* The input will not be appended: the log holds it, or what comes behind it, or the partition stands. */
bool td_resume_holds(const td_resume *resume, const td_input *input);
/* The input comes by. TD_OK: it is new. TD_AGAIN: td_resume_holds. TD_CONFIG: the log holds another one at its place.
 */
TD_CHECKED td_status td_resume_pass(td_resume *resume, const td_input *input);
/* The inputs have ended. TD_CONFIG: one that is waited for has not come by; they are not what the log was made of. */
TD_CHECKED td_status td_resume_end(const td_resume *resume);
/* The clock up to which the partition holds that feed; 0: it does not. INT64_MAX: retention took what told it. */
int64_t td_resume_clock_ns(const td_resume *resume, uint32_t feed);
