/* src/serve/addition.c - read the words, make the record, hand it to ingest. */
#include "serve/addition.h"
#include "base/hash.h"
#include "base/json.h"
#include "model/corporate.h"
#include <stdlib.h>

#define TAKEN_WITHIN_NS (10 * TD_NS_PER_S)

typedef enum stage { ASKED, WAITING, OVER } stage;

struct td_addition {
    const td_view *view;
    char instrument[TD_INSTRUMENT_NAME_MAX + 1];
    td_buf value;
    stage stage;
    uint64_t ticket;
    int64_t began_ns;
};

static bool read_words(td_api_request *r, td_bytes body, td_api_error *error) {
    td_json json;
    td_json_init(&json, body);
    if (body.size > 0 && !td_api_set_all(r, &json, error)) return false;
    if (body.size > 0 && td_json_next(&json) != TD_JSON_END)
        return td_api_fail(error, 400, "bad_body", "something stands behind the body's object");
    if (r->instrument[0] != '\0') return true;
    return td_api_fail(error, 400, "missing_parameter", "actions needs instrument: VENUE:SYMBOL");
}

static bool make_record(td_addition *a, const td_api_request *r, td_api_error *error) {
    const td_api_action *is = &r->action;
    td_corporate_words words = {td_text(is->date),     td_text(is->kind),      td_text(is->value),
                                td_text(is->currency), td_text(is->announced), td_text(is->source)};
    td_event event;
    const char *fault = td_corporate_read(&words, &event);
    if (fault != NULL) return td_api_fail(error, 400, "bad_action", "%s", fault);
    event.receive_ns = td_view_wall_ns(a->view);
    if (is->announced[0] == '\0') event.event_ns = event.receive_ns;
    memcpy(a->instrument, r->instrument, sizeof a->instrument);
    td_record_put_event(&a->value, td_view_topics(a->view)->ids, (td_bytes){0}, &event);
    return true;
}

td_addition *td_addition_new(const td_view *view, const td_api_request *request, td_bytes body, td_api_error *error) {
    td_addition *a = td_alloc_zero(1, sizeof *a);
    td_api_request all = *request;
    a->view = view;
    a->began_ns = td_view_now_ns(view);
    if (read_words(&all, body, error) && make_record(a, &all, error)) return a;
    td_addition_free(a);
    return NULL;
}

void td_addition_free(td_addition *a) {
    if (a == NULL) return;
    const td_serve_run *run = &td_view_topics(a->view)->run;
    if (a->stage == WAITING) (void)run->withdraw(run->self, a->ticket);
    td_buf_fini(&a->value);
    free(a);
}

static td_status tell(td_addition *a, const char *state, td_buf *out) {
    a->stage = OVER;
    td_buf_text(out, "{\"instrument\":");
    td_json_put_string(out, td_text(a->instrument));
    td_buf_printf(out, ",\"state\":\"%s\"}\n", state);
    return TD_OK;
}

td_status td_addition_step(td_addition *a, td_buf *out) {
    const td_serve_topics *topics = td_view_topics(a->view);
    const td_serve_run *run = &topics->run;
    td_bytes key = td_text(a->instrument);
    if (a->stage == ASKED && run->put != NULL) {
        uint32_t partition = td_partition_of(key, td_topic_partitions(topics->tape));
        td_status put = run->put(run->self, partition, key, td_buf_bytes(&a->value), &a->ticket);
        if (put != TD_OK && put != TD_FULL) return tell(a, "not-taken", out);
        if (put == TD_OK) a->stage = WAITING;
    }
    td_status answer = a->stage == WAITING ? run->ask(run->self, a->ticket) : TD_AGAIN;
    if (answer != TD_AGAIN) return tell(a, answer == TD_OK ? "added" : "not-taken", out);
    if (td_view_now_ns(a->view) - a->began_ns < TAKEN_WITHIN_NS) return TD_FULL;
    bool undone = a->stage == ASKED || run->withdraw(run->self, a->ticket);
    return tell(a, undone ? "not-taken" : "unsure", out);
}
