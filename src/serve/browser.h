/* src/serve/browser.h - what answers about topics rest on: which ones the log has, and what is registered for each. On
 * Kafka a look at them is a question to the brokers: made when somebody asks, and no sooner than 10 s after the one
 * before; where nobody answers, the next ones are refused for 30 s. Thread: the server's. */
#pragma once
#include "serve/schemas.h"

typedef struct td_browser td_browser;

td_browser *td_browser_new(const td_serve_topics *topics, const td_schemas *schemas); /* borrowed, as is the log */
void td_browser_free(td_browser *browser);                                            /* accepts NULL */

/* Sees to it that the topics are known. Errors: TD_RETRY, TD_CONFIG: as the log's. */
TD_CHECKED td_status td_browser_look(td_browser *browser, int64_t now_ns);
/* As they were at the last look, in byte order of their names; the topics stay for the log's life, the list until the
 * next look. */
size_t td_browser_topics(const td_browser *browser, td_topic *const **out);
td_topic *td_browser_find(const td_browser *browser, const char *name);      /* NULL: there is none */
const char *td_browser_nearest(const td_browser *browser, const char *name); /* NULL: none is near */

typedef struct td_browser_schema {
    td_bytes subject;    /* without the prefix of a registry elsewhere */
    int32_t version, id; /* version 0: not known, the registry is elsewhere; id -1: it has none yet */
    const char *name;    /* of one of our schemas; NULL: somebody else's */
} td_browser_schema;

/* Each version that is registered for a topic's records, by its subject: that of the topic's name, with `-key`,
 * `-value` or a record's name behind it. */
typedef void (*td_browser_schema_fn)(void *arg, const td_browser_schema *schema);
void td_browser_each_schema(const td_browser *browser, const char *topic, td_browser_schema_fn each, void *arg);
