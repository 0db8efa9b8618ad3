/* src/serve/order.c - read the body, let the release find its events, hand them to ingest one by one. */
#include "serve/order.h"
#include "base/json.h"
#include "serve/offer.h"
#include "serve/release.h"
#include <stdlib.h>

struct td_order {
    const td_view *view;
    td_api_request request; /* the choice's texts */
    td_release_place *places;
    size_t place_count, place_capacity;
    bool dry_run;
    td_release *release;
    bool found; /* the release is finished */
    td_release_item *items;
    size_t item_count;
    td_offers offers; /* of the items that are ready */
};

/* ---- the body ---- */

static bool fail_body(td_api_error *error, const char *expected) {
    return td_api_fail(error, 400, "bad_body",
                       "%s; as in {\"positions\": [{\"partition\": 3, \"offset\": 12}]} or "
                       "{\"selector\": {\"reason\": \"outlier\"}, \"dry_run\": true}",
                       expected);
}

static bool read_number(td_json *json, int64_t max, int64_t *out) {
    bool inexact;
    return td_json_next(json) == TD_JSON_NUMBER && td_decimal_parse(json->text, 0, out, &inexact) == TD_OK &&
           !inexact && *out >= 0 && *out <= max;
}

static bool read_position(td_order *o, td_json *json) {
    int64_t partition = -1, offset = -1;
    td_json_type type;
    while ((type = td_json_next(json)) == TD_JSON_KEY) {
        bool is_partition = td_bytes_equal(json->text, TD_TEXT("partition"));
        if (!is_partition && !td_bytes_equal(json->text, TD_TEXT("offset"))) return false;
        if (!read_number(json, is_partition ? UINT32_MAX : INT64_MAX, is_partition ? &partition : &offset))
            return false;
    }
    if (type != TD_JSON_OBJECT_END || partition < 0 || offset < 0) return false;
    if (o->place_count == o->place_capacity) {
        o->place_capacity = o->place_capacity * 2 + 16;
        size_t bytes = o->place_capacity * sizeof *o->places;
        o->places = td_alloc_check(realloc(o->places, bytes), bytes);
    }
    o->places[o->place_count++] = (td_release_place){(uint32_t)partition, offset};
    return true;
}

static bool read_positions(td_order *o, td_json *json, td_api_error *error) {
    td_json_type type = td_json_next(json);
    if (type == TD_JSON_ARRAY)
        while ((type = td_json_next(json)) == TD_JSON_OBJECT)
            if (!read_position(o, json)) break;
    return (type == TD_JSON_ARRAY_END && o->place_count > 0) ||
           fail_body(error, "positions are a list of partition and offset");
}

static bool read_selector(td_order *o, td_json *json, td_api_error *error) {
    return td_api_set_all(&o->request, json, error);
}

static bool read_dry_run(td_order *o, td_json *json, td_api_error *error) {
    td_json_type type = td_json_next(json);
    o->dry_run = type == TD_JSON_TRUE;
    return type == TD_JSON_TRUE || type == TD_JSON_FALSE || fail_body(error, "dry_run is true or false");
}

static bool read_body(td_order *o, td_bytes body, td_api_error *error) {
    static const struct {
        const char *key;
        bool (*read)(td_order *o, td_json *json, td_api_error *error);
    } keys[] = {{"positions", read_positions}, {"selector", read_selector}, {"dry_run", read_dry_run}};
    td_json json;
    td_json_type type = TD_JSON_ERROR;
    td_json_init(&json, body);
    if (td_json_next(&json) == TD_JSON_OBJECT)
        while ((type = td_json_next(&json)) == TD_JSON_KEY) {
            size_t k = 0;
            while (k < 3 && !td_bytes_equal(json.text, td_text(keys[k].key))) k++;
            if (k == 3) return fail_body(error, "the keys are positions, selector and dry_run");
            if (!keys[k].read(o, &json, error)) return false;
        }
    if (type != TD_JSON_OBJECT_END || td_json_next(&json) != TD_JSON_END)
        return fail_body(error, "the body is no JSON");
    if ((o->place_count > 0) == (o->request.given != 0))
        return fail_body(error, "name positions, or choose by at least one of reason, instrument, feed, from and to");
    return true;
}

/* ---- life ---- */

td_order *td_order_new(const td_view *view, const td_api_request *request, td_bytes body, td_api_error *error) {
    const td_serve_topics *topics = td_view_topics(view);
    td_order *o = td_alloc_zero(1, sizeof *o);
    o->view = view;
    o->request = *request;
    if (!read_body(o, body, error)) {
        td_order_free(o);
        return NULL;
    }
    td_release_wish wish = {.tape = topics->tape,
                            .quarantine = topics->quarantine,
                            .ids = topics->ids,
                            .places = o->places,
                            .place_count = o->place_count,
                            .instrument = td_text(o->request.instrument),
                            .feed = td_text(o->request.feed),
                            .reason = o->request.reason,
                            .from_ns = o->request.from_ns,
                            .before_ns = o->request.to_ns};
    o->release = td_release_new(&wish);
    return o;
}

void td_order_free(td_order *o) {
    if (o == NULL) return;
    td_offers_fini(&o->offers);
    td_release_free(o->release);
    free(o->places);
    free(o);
}

/* ---- handing over ---- */

static size_t count_in(const td_order *o, td_release_state state) {
    size_t count = 0;
    for (size_t i = 0; i < o->item_count; i++) count += o->items[i].state == state;
    return count;
}

static void begin(td_order *o) {
    o->found = true;
    o->item_count = td_release_items(o->release, &o->items);
    td_offers_init(&o->offers, o->view, o->dry_run ? 0 : count_in(o, TD_RELEASE_READY));
    size_t at = 0;
    for (size_t i = 0; i < o->item_count && at < o->offers.count; i++) {
        const td_release_item *item = &o->items[i];
        if (item->state != TD_RELEASE_READY) continue;
        o->offers.items[at++] = (td_offer){.partition = item->place.partition,
                                           .key = td_release_key(o->release, item),
                                           .value = td_release_value(o->release, item)};
    }
}

static void take_answers(td_order *o) {
    static const td_release_state states[] = {[TD_OFFER_DONE] = TD_RELEASE_DONE,
                                              [TD_OFFER_UNTAKEN] = TD_RELEASE_UNTAKEN,
                                              [TD_OFFER_UNSURE] = TD_RELEASE_UNSURE};
    size_t at = 0;
    for (size_t i = 0; i < o->item_count && at < o->offers.count; i++)
        if (o->items[i].state == TD_RELEASE_READY) o->items[i].state = states[o->offers.items[at++].state];
}

static void put_answer(const td_order *o, td_buf *out) {
    td_buf_printf(out, "{\"dry_run\":%s,\"released\":%zu,\"events\":[", o->dry_run ? "true" : "false",
                  count_in(o, TD_RELEASE_DONE));
    for (size_t i = 0; i < o->item_count; i++) {
        td_buf_text(out, i > 0 ? ",\n" : "\n");
        td_release_put(out, &o->items[i]);
    }
    td_buf_text(out, "\n]}\n");
}

td_status td_order_step(td_order *o, td_buf *out) {
    td_status status = o->found ? TD_OK : td_release_step(o->release);
    if (status != TD_OK) return status;
    if (!o->found) begin(o);
    status = td_offers_step(&o->offers);
    if (status != TD_OK) return status;
    take_answers(o);
    put_answer(o, out);
    return TD_OK;
}
