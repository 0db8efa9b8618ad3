/* src/serve/answer.h - one answer of the API in the making: looks at the View or walks the log, then writes JSON,
 * CSV or Arrow, in slices of a few milliseconds. Thread: the server's. Memory: up to 1 MB of rows and 3 MB of text, of
 * Arrow twice that. */
#pragma once
#include "serve/api.h"
#include "serve/browser.h"
#include "serve/history.h"
#include "serve/order.h"
#include "serve/view.h"

typedef struct td_answer td_answer;

typedef struct td_answer_sources { /* borrowed for the answer's life */
    const td_view *view;
    td_browser *browser;
} td_answer_sources;

/* Takes a checked request other than a stream, and the body that came with it. NULL when nothing can be answered:
 * *error says why. */
td_answer *td_answer_new(const td_answer_sources *sources, const td_api_request *request, td_bytes body,
                         td_api_error *error);
void td_answer_free(td_answer *answer); /* accepts NULL */
/* TD_AGAIN: not finished. TD_FULL: waits for another thread. TD_OK: finished. Other codes: as the log's; the trail says
 * more. */
TD_CHECKED td_status td_answer_step(td_answer *answer);

const td_buf *td_answer_body(const td_answer *answer);
const char *td_answer_next(const td_answer *answer); /* path of the next older page; "": none */
const char *td_answer_type(const td_answer *answer); /* of its content: a literal */
