/* src/feed/rest.c - one request on its way, or waiting for its time. */
#include "feed/rest.h"
#include "base/time.h"
#include "net/url.h"
#include <stdio.h>
#include <stdlib.h>

enum { BODY_MAX_BYTES = 4 << 20, WHY_MAX = 64 };
#define TIMEOUT_NS (10 * TD_NS_PER_S)

typedef enum phase {
    NOTHING, /* is asked for               */
    WAITING, /* for the request's time     */
    ASKED,
} phase;

struct td_rest {
    const td_os *os;
    const td_feed_conf *conf;
    const td_http_ops *net;
    void *http;
    int64_t *due_ns;
    phase phase;
    td_buf url;
    char why[WHY_MAX];
};

bool td_rest_put_symbol(td_buf *out, const td_feed_conf *conf, td_bytes instrument) {
    size_t venue = strlen(conf->venue);
    if (instrument.size <= venue || memcmp(instrument.data, conf->venue, venue) != 0 || instrument.data[venue] != ':')
        return false;
    td_url_put(out, (td_bytes){instrument.data + venue + 1, instrument.size - venue - 1});
    return true;
}

td_buf *td_rest_begin(td_rest *r) {
    size_t base = strlen(r->conf->history);
    r->url.size = 0;
    td_buf_put(&r->url, r->conf->history, base - (r->conf->history[base - 1] == '/'));
    return &r->url;
}

void td_rest_ask(td_rest *r) {
    td_buf_put(&r->url, "", 1);
    r->phase = WAITING;
}

int td_rest_pump(td_rest *r) {
    if (r->phase == WAITING) {
        int64_t now_ns = r->os->ops->mono_ns(r->os->self);
        if (now_ns < *r->due_ns) return 0;
        *r->due_ns = now_ns + r->conf->history_interval_ns;
        td_status status = r->net->get(r->http, (const char *)r->url.data);
        if (status == TD_OK) r->phase = ASKED; /* else an answer of before is still to be taken */
    }
    return r->phase == ASKED ? r->net->pump(r->http) : 0;
}

void td_rest_drop(td_rest *r) {
    r->net->drop(r->http);
    r->phase = NOTHING;
}

td_status td_rest_next(td_rest *r, td_http_answer *out) {
    td_status status = r->phase == ASKED ? r->net->next(r->http, out) : TD_AGAIN;
    if (status == TD_OK) r->phase = NOTHING;
    return status;
}

td_bytes td_rest_address(const td_rest *r) { return (td_bytes){r->url.data, r->url.size - 1}; }

const char *td_rest_failure(td_rest *r, const td_http_answer *a) {
    if (a->code == 0) return a->detail;
    (void)snprintf(r->why, sizeof r->why, "the answer is code %d", a->code);
    return r->why;
}

td_status td_rest_open(td_rest **out, const td_os *os, const td_feed_conf *conf, int64_t *due_ns) {
    td_url url;
    td_status status = td_url_parse(&url, "http", conf->history);
    if (status != TD_OK) return TD_FAIL(status, "history: %s", td_trail());
    td_rest *r = td_alloc_zero(1, sizeof *r);
    *r = (td_rest){.os = os, .conf = conf, .due_ns = due_ns, .net = conf->http != NULL ? conf->http : &td_http_curl};
    td_http_conf http = {.name = conf->name,
                         .ca_file = conf->ca,
                         .body_max_bytes = conf->answer_bytes > 0 ? (size_t)conf->answer_bytes : BODY_MAX_BYTES,
                         .timeout_ns = conf->answer_ns > 0 ? conf->answer_ns : TIMEOUT_NS};
    status = r->net->open(&r->http, os, &http);
    if (status != TD_OK) {
        td_rest_close(r);
        return status;
    }
    *out = r;
    return TD_OK;
}

void td_rest_close(td_rest *r) {
    if (r == NULL) return;
    r->net->close(r->http);
    td_buf_fini(&r->url);
    free(r);
}
