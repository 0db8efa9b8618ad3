/* src/flow/registrar.h - our schemas in a registry of Confluent's API elsewhere: asks it over HTTP which ids they have,
 * and registers those that it does not have, once it has said of all of them that they may follow what is there.
 * Nothing but their ids is kept of what it answers. Subjects are those of the embedded registry behind the prefix of
 * the topics: <prefix>tape-<full name>, <prefix><topic>-value. Thread: one. */
#pragma once
#include "net/http.h"
#include "schema/registry.h"

typedef struct td_registrar_conf { /* texts are borrowed for the registrar's life */
    const td_os *os;
    const td_http_ops *http;     /* NULL: td_http_curl */
    const char *url;             /* "http://127.0.0.1:8081", or with a path */
    const char *ca;              /* NULL: as the system's */
    const char *user, *password; /* user NULL: none */
    const char *prefix;
} td_registrar_conf;

typedef enum td_registrar_aim {
    TD_REGISTRAR_LOOK,     /* what is there is enough: td_registry_lacks tells what is not */
    TD_REGISTRAR_JUDGE,    /* the same, and what is not there would be taken */
    TD_REGISTRAR_REGISTER, /* what is not there is registered */
} td_registrar_aim;

typedef struct td_registrar td_registrar;

/* Errors: TD_CONFIG: the address is none; TD_RETRY. */
TD_CHECKED td_status td_registrar_open(td_registrar **out, const td_registrar_conf *conf, td_registrar_aim aim);
void td_registrar_close(td_registrar *registrar); /* accepts NULL */
/* A bounded turn, which never waits. TD_AGAIN: an answer is on its way. TD_OK: all is known. TD_RETRY: nobody answers,
 * or not now; the next turn asks the same once more. TD_CONFIG: it refuses the login or one of our schemas, or does not
 * speak this API: the trail has address, subject and reason, and the cure. Before the first schema is registered all of
 * them are known to be taken, as far as it tells beforehand. */
TD_CHECKED td_status td_registrar_step(td_registrar *registrar);
/* What was learnt, once, after TD_OK: the caller's from here on. */
td_registry *td_registrar_take(td_registrar *registrar);

/* For who asks it more: a client of it, to be closed by the table's `close`, and its address without a last slash. */
const td_http_ops *td_registrar_net(const td_registrar_conf *conf);
TD_CHECKED td_status td_registrar_connect(const td_registrar_conf *conf, void **out_net);
void td_registrar_put_address(const td_registrar_conf *conf, td_buf *out);
