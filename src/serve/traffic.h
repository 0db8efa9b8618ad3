/* src/serve/traffic.h - what the server counts of its own work, and how it tells it. Thread: the server's. */
#pragma once
#include "base/metric.h"

enum { TD_TRAFFIC_STATUSES = 12 };

typedef struct td_traffic {                  /* {0} to begin */
    td_counter answers[TD_TRAFFIC_STATUSES]; /* by status; the last holds what the table does not name */
    td_counter connections, streams;         /* now */
    td_counter refused;                      /* connections beyond the bound */
    td_counter cut;                          /* answers that the reader left, or took too slowly */
    td_counter dropped;                      /* streams whose reader took nothing for too long */
    td_counter lost;                         /* events that did not fit into what waits for a slow stream */
} td_traffic;

void td_traffic_answer(td_traffic *traffic, int status);
void td_traffic_put(td_buf *out, const td_traffic *traffic);
