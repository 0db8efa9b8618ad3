/* src/app/plan.h - what strategies compile to, for `tapedeck check --plan`: per rhythm the nodes of the graph and how
 * many of them several strategies share, what it takes until values are there, bytes of an instrument, and what an
 * event costs (estimate.h). Thread: the caller's. */
#pragma once
#include "base/bytes.h"
#include "stream/program.h"

typedef struct td_plan_question { /* borrowed for the call */
    const td_program *program;
    const td_instruments *instruments; /* those that the feeds' beginnings named */
    int64_t (*now_ns)(void *clock);    /* of this thread's processor time, best */
    void *clock;
} td_plan_question;

void td_plan_put_text(const td_plan_question *question, td_buf *out);
/* One object. */
void td_plan_put_json(const td_plan_question *question, td_buf *out);
