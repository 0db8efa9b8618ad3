/* src/feed/rest.h - requests to what gives a venue's past, `conf->history`: one after another, none before
 * `history_interval` has passed since the last one of all who share a pace. A request that fails is the asker's to make
 * again. Thread: the feed's owner's. */
#pragma once
#include "feed/feed.h"

typedef struct td_rest td_rest;

/* Bounds of an answer, where `conf` says nothing of them: 4 MB, 10 s. All is borrowed; *due_ns, monotonic, is the pace:
 * no request goes out before it. Errors: TD_CONFIG names the key; TD_RETRY. */
TD_CHECKED td_status td_rest_open(td_rest **out, const td_os *os, const td_feed_conf *conf, int64_t *due_ns);
void td_rest_close(td_rest *rest); /* accepts NULL */
/* Appends the symbol of an instrument as it may stand in an address. False: it is another venue's. */
bool td_rest_put_symbol(td_buf *out, const td_feed_conf *conf, td_bytes instrument);
/* Begins a request: the address that it goes to, path and query still to be appended. */
td_buf *td_rest_begin(td_rest *rest);
void td_rest_ask(td_rest *rest);  /* sends it once its time has come */
int td_rest_pump(td_rest *rest);  /* work done */
void td_rest_drop(td_rest *rest); /* the request is forgotten, wherever it is */
/* The answer to it, borrowed until the next one is asked for. Errors: TD_AGAIN. */
TD_CHECKED td_status td_rest_next(td_rest *rest, td_http_answer *out);
td_bytes td_rest_address(const td_rest *rest); /* of the last request; ends with NUL behind it */
/* What people are told of an answer that is none: its code, or why there is none. Borrowed until the next call. */
const char *td_rest_failure(td_rest *rest, const td_http_answer *answer);
