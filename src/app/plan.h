/* src/app/plan.h - what strategies compile to, for `tapedeck check --plan`: per rhythm the nodes of the graph and how
 * many of them several strategies share, warm-up, bytes of state, and what an event costs, measured at once on this
 * machine over a seeded walk. Thread: the caller's. */
#pragma once
#include "app/strategies.h"

typedef struct td_plan_question { /* borrowed for the call */
    const td_strategies *strategies;
    const td_config *config;
    size_t calendar_count;             /* of the market: with any, strategies look back one bar more */
    const td_instruments *instruments; /* those that the feeds' beginnings named */
    int64_t (*now_ns)(void *clock);    /* monotonic */
    void *clock;
} td_plan_question;

void td_plan_put_text(const td_plan_question *question, td_buf *out);
/* One object. */
void td_plan_put_json(const td_plan_question *question, td_buf *out);
