/* src/serve/schema_answer.h - one answer of the schema registry in the making: reads the catalogue, holds a schema
 * against others one version at a time, decides on a change and waits until it is synced. What the log's own records
 * rest on is kept: it is neither deleted nor followed by somebody else's. Thread: the server's. */
#pragma once
#include "serve/schema_request.h"
#include "serve/schemas.h"

enum { TD_SCHEMA_BODY_MAX = 512 * 1024 }; /* bytes of what is posted */

typedef struct td_schema_answer td_schema_answer;

/* Takes over the body. */
td_schema_answer *td_schema_answer_new(td_schemas *schemas, const td_schema_request *request, td_buf *body);
void td_schema_answer_free(td_schema_answer *answer); /* accepts NULL */
/* A bounded turn. TD_AGAIN: it goes on; TD_FULL: it waits for another thread, or for another change to end. TD_OK: the
 * text is what to answer; TD_REJECT: the error is. */
TD_CHECKED td_status td_schema_answer_step(td_schema_answer *answer, int64_t now_ns);
const td_buf *td_schema_answer_text(const td_schema_answer *answer);
const td_schema_error *td_schema_answer_error(const td_schema_answer *answer);
