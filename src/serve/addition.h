/* src/serve/addition.h - a corporate action that somebody adds over HTTP: from the request and its body, an object of
 * the same parameters, to a record that ingest appends, and to the answer. Thread: the server's. What ingest has not
 * taken within 10 s is withdrawn. */
#pragma once
#include "serve/api.h"
#include "serve/view.h"

typedef struct td_addition td_addition;

/* NULL: *error says why. */
td_addition *td_addition_new(const td_view *view, const td_api_request *request, td_bytes body, td_api_error *error);
void td_addition_free(td_addition *addition); /* withdraws what waits; accepts NULL */
/* TD_FULL: waits for another thread, call again later. TD_OK: *out has the answer, and what became of it: "added",
 * "not-taken", or "unsure" where it may be on the tape. */
TD_CHECKED td_status td_addition_step(td_addition *addition, td_buf *out);
