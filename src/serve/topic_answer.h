/* src/serve/topic_answer.h - an answer about topics in the making: the list of them, one with its partitions, readers
 * and schemas, the groups of others that read it, or a page of its records. A step asks the log for one partition, or
 * reads one block of it; brokers that are asked for groups are not waited for.
 * Thread: the server's. Memory: an excerpt (excerpt.h), and what is written of it. */
#pragma once
#include "serve/api.h"
#include "serve/browser.h"
#include "serve/view.h"

typedef struct td_topic_answer td_topic_answer;

/* NULL: *error says why. */
td_topic_answer *td_topic_answer_new(const td_view *view, td_browser *browser, const td_api_request *request,
                                     td_api_error *error);
void td_topic_answer_free(td_topic_answer *answer); /* accepts NULL */
/* TD_AGAIN: not finished. TD_FULL: the answer of others is awaited. TD_OK: *out has all of it. Others: as the log's. */
TD_CHECKED td_status td_topic_answer_step(td_topic_answer *answer, td_buf *out);
const char *td_topic_answer_next(const td_topic_answer *answer); /* path of the next page; "": none */
