/* src/stream/recall.h - what a graph on news, or one that others wait for, has given, event by event, for windows over
 * it and by its times, as others read it as of an instant: the newest TD_RECALL_MAX rows in the order of the log,
 * whatever their times; older ones are forgotten. A plain block, zeroed before the first row: a snapshot copies it. No
 * allocation. O(rows) per read. Thread: the owner's of the state. */
#pragma once
#include "stream/value.h"

enum { TD_RECALL_MAX = 256 };

typedef struct td_recall {
    void *block;     /* aligned to 16; NULL: nobody reads it, and there are no rows */
    uint32_t values; /* of a row */
} td_recall;

typedef enum td_recall_word {                    /* what a window says; of no elements */
                              TD_RECALL_SUM = 1, /* 0 */
                              TD_RECALL_COUNT,   /* of true ones; 0 */
                              TD_RECALL_ANY,     /* false */
                              TD_RECALL_ALL,     /* true */
                              TD_RECALL_MEAN,    /* na, as what follows */
                              TD_RECALL_MAXIMUM,
                              TD_RECALL_MINIMUM,
                              TD_RECALL_FIRST, /* in the order of time, then of the log */
                              TD_RECALL_LAST,
} td_recall_word;

/* Its elements are the rows of (from_ns, to_ns] whose value is not na and whose condition is true. */
typedef struct td_recall_window {
    int64_t from_ns, to_ns;
    uint32_t value;  /* of a row */
    uint32_t admits; /* 1 + the condition's place in the row; 0: all are */
    td_type type;    /* of the value */
    td_recall_word word;
} td_recall_window;

size_t td_recall_bytes(uint32_t values); /* a multiple of 16 */
/* The values of a new row, for the caller to set. */
td_value *td_recall_put(td_recall recall, int64_t event_ns);
/* Of the last time up to that, of several of it the last in the log. NULL: there is none, or one may be forgotten that
 * would be it. */
const td_value *td_recall_at(td_recall recall, int64_t ns, int64_t *out_event_ns, bool *out_forgotten);
td_value td_recall_over(td_recall recall, const td_recall_window *window);
/* False: a block that cannot have been left. */
bool td_recall_valid(td_recall recall);
