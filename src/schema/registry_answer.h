/* src/schema/registry_answer.h - what a registry of Confluent's API answers, as far as a client of it asks: ids,
 * schemas, whether one may follow another, and errors. A plain value over texts of its own; pure. */
#pragma once
#include "base/bytes.h"

typedef struct td_registry_answer {
    int32_t id;           /* of a schema; 0: none is named */
    int32_t error_code;   /* 40401, 409, …; 0: it is no error */
    bool judges, follows; /* it says whether one may follow; it may */
    td_buf schema;        /* its text */
    td_buf message;       /* why not, for people: plain characters of one line, at most TD_REGISTRY_MESSAGE_MAX */
} td_registry_answer;

enum { TD_REGISTRY_MESSAGE_MAX = 400 };

/* False: it is not a JSON object with such members as these. To be freed either way. */
bool td_registry_answer_read(td_registry_answer *out, td_bytes body);
/* It says that there is no such subject, version or schema, not that the address is wrong. */
static inline bool td_registry_answer_is_absent(const td_registry_answer *answer) {
    return answer->error_code / 100 == 404;
}
void td_registry_answer_fini(td_registry_answer *answer);
