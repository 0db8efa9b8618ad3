/* src/schema/avro_plan.h - a plan's steps: one for each pair of a writer's and a reader's node that can meet. Private
 * to schema/. */
#pragma once
#include "schema/avro_resolve.h"

typedef enum plan_op {
    PLAN_VALUE,  /* a primitive type, perhaps promoted                                      */
    PLAN_FIXED,  /*                                                                         */
    PLAN_ENUM,   /* first, count: in links, the reader's symbol of each of the writer's     */
    PLAN_RECORD, /* first, count: in parts                                                  */
    PLAN_ITEMS,  /* array or map; first: the step of what it holds                          */
    PLAN_UNION,  /* first, count: in links, the step of each of the writer's branches       */
    PLAN_WRAP,   /* the reader's union around it; first: the step inside, count: the branch */
    PLAN_FAIL,   /* first: where path and reason stand in texts, two strings                */
} plan_op;

#define PLAN_NONE UINT32_MAX

typedef struct plan_step {
    const td_avro_node *writer, *reader;
    plan_op op;
    uint32_t first, count;
    uint32_t next_of_writer; /* the next step with the same writer's node, or PLAN_NONE */
    bool reordered;          /* record: its parts are not in the order of the reader's fields */
} plan_step;

typedef struct plan_part { /* of a record, in the order in which the writer's bytes come */
    uint32_t step;         /* PLAN_NONE: a default */
    int32_t field;         /* the reader's; -1: read and dropped */
    td_bytes value;        /* the default */
} plan_part;

struct td_avro_plan {
    const td_avro_schema *writer, *reader;
    td_buf steps, links, parts, texts; /* of plan_step, uint32_t, plan_part, characters */
    uint32_t *first_of_writer;         /* step by the index of the writer's node, or PLAN_NONE */
    uint32_t root;
    td_buf spans, moved; /* scratch of the run: where a record's fields lie, and the same in order */
};

static inline plan_step *plan_step_at(const td_avro_plan *plan, uint32_t index) {
    return (plan_step *)(void *)plan->steps.data + index;
}
static inline uint32_t *plan_link_at(const td_avro_plan *plan, uint32_t index) {
    return (uint32_t *)(void *)plan->links.data + index;
}
static inline plan_part *plan_part_at(const td_avro_plan *plan, uint32_t index) {
    return (plan_part *)(void *)plan->parts.data + index;
}
