/* src/feed/lexicon.h - the Avro schemas that records of others name by an id, asked for at a registry of Confluent's
 * API, one question at a time, and kept: ids do not change their meaning. Thread: one, which never waits. */
#pragma once
#include "net/http.h"
#include "schema/avro_schema.h"

typedef struct td_lexicon td_lexicon;

typedef struct td_lexicon_conf { /* texts are borrowed for the lexicon's life */
    const td_os *os;
    const td_http_ops *http; /* NULL: td_http_curl */
    const char *url;         /* "http://127.0.0.1:8081", or with a path */
    const char *ca;          /* NULL: as the system's */
    const char *user, *password;
} td_lexicon_conf;

/* Errors: TD_CONFIG: the address is none; TD_RETRY. */
TD_CHECKED td_status td_lexicon_open(td_lexicon **out, const td_lexicon_conf *conf);
void td_lexicon_close(td_lexicon *lexicon); /* accepts NULL */
/* TD_OK: the schema, for the lexicon's life. TD_REJECT: the registry says that there is none, or it is no schema of
 * Avro's; *out_why says it until the next call, and it is asked for again after 10 s. TD_AGAIN: the answer is on its
 * way. TD_RETRY with a trail: there is none; the next call asks again. */
TD_CHECKED td_status td_lexicon_find(td_lexicon *lexicon, uint32_t id, const td_avro_schema **out,
                                     const char **out_why);
