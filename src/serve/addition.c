/* src/serve/addition.c - read the words, make the record, hand it to ingest. */
#include "serve/addition.h"
#include "base/hash.h"
#include "base/json.h"
#include "model/corporate.h"
#include "serve/offer.h"
#include <stdlib.h>

struct td_addition {
    const td_view *view;
    char instrument[TD_INSTRUMENT_NAME_MAX + 1];
    td_buf value;
    td_offers offer;
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
    const td_serve_topics *topics = td_view_topics(a->view);
    td_record_put_event(&a->value, topics->ids, (td_bytes){0}, &event);
    td_bytes key = td_text(a->instrument);
    td_offers_init(&a->offer, a->view, 1);
    a->offer.items[0] = (td_offer){.partition = td_partition_of(key, td_topic_partitions(topics->tape)),
                                   .key = key,
                                   .value = td_buf_bytes(&a->value)};
    return true;
}

td_addition *td_addition_new(const td_view *view, const td_api_request *request, td_bytes body, td_api_error *error) {
    td_addition *a = td_alloc_zero(1, sizeof *a);
    td_api_request all = *request;
    a->view = view;
    if (read_words(&all, body, error) && make_record(a, &all, error)) return a;
    td_addition_free(a);
    return NULL;
}

void td_addition_free(td_addition *a) {
    if (a == NULL) return;
    td_offers_fini(&a->offer);
    td_buf_fini(&a->value);
    free(a);
}

td_status td_addition_step(td_addition *a, td_buf *out) {
    static const char *const states[] = {
        [TD_OFFER_DONE] = "added", [TD_OFFER_UNTAKEN] = "not-taken", [TD_OFFER_UNSURE] = "unsure"};
    td_status status = td_offers_step(&a->offer);
    if (status != TD_OK) return status;
    td_buf_text(out, "{\"instrument\":");
    td_json_put_string(out, td_text(a->instrument));
    td_buf_printf(out, ",\"state\":\"%s\"}\n", states[a->offer.items[0].state]);
    return TD_OK;
}
