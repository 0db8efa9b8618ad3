/* src/serve/order.h - a release that was asked for over HTTP: from the request to records that ingest appends, and to
 * the answer. Body: {"positions": [{"partition": 3, "offset": 12}]}, or {"selector": {"reason": "outlier", …}} with the
 * parameters of the request, which may stand in the path as well; with "dry_run": true nothing is appended.
 * Thread: the server's. At most 64 KB of body. What ingest has not taken within 10 s is withdrawn. */
#pragma once
#include "serve/api.h"
#include "serve/view.h"

enum { TD_ORDER_BYTES_MAX = 64 * 1024 };

typedef struct td_order td_order;

/* NULL: *error says why. */
td_order *td_order_new(const td_view *view, const td_api_request *request, td_bytes body, td_api_error *error);
void td_order_free(td_order *order); /* withdraws what waits; accepts NULL */
/* TD_AGAIN: not finished. TD_FULL: waits for another thread, call again later. TD_OK: *out has the answer. TD_REJECT:
 * more events than there may be at once. Others: as the log's. */
TD_CHECKED td_status td_order_step(td_order *order, td_buf *out);
