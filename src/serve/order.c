/* src/serve/order.c - read the body, let the release find its events, hand them to ingest one by one. */
#include "serve/order.h"
#include "base/json.h"
#include "serve/release.h"
#include <stdlib.h>

#define TAKEN_WITHIN_NS (10 * TD_NS_PER_S)

struct td_order {
    const td_view *view;
    td_api_request request; /* the choice's texts */
    td_release_place *places;
    size_t place_count, place_capacity;
    bool dry_run;
    td_release *release;
    bool found; /* the release is finished */
    td_release_item *items;
    size_t item_count, put, answered; /* items before are put, are answered */
    uint64_t *tickets;
    int64_t moved_ns; /* when something was answered last */
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

/* What nobody took is not done; what was taken may be. */
static void withdraw(td_order *o) {
    const td_serve_run *run = &td_view_topics(o->view)->run;
    for (size_t i = o->answered; i < o->item_count; i++) {
        if (o->items[i].state != TD_RELEASE_READY) continue;
        bool undone = i >= o->put || run->withdraw(run->self, o->tickets[i]);
        o->items[i].state = undone ? TD_RELEASE_UNTAKEN : TD_RELEASE_UNSURE;
    }
    o->put = o->answered = o->item_count;
}

void td_order_free(td_order *o) {
    if (o == NULL) return;
    withdraw(o);
    td_release_free(o->release);
    free(o->tickets);
    free(o->places);
    free(o);
}

/* ---- handing over ---- */

static void begin(td_order *o) {
    o->found = true;
    o->item_count = td_release_items(o->release, &o->items);
    o->tickets = td_alloc_zero(o->item_count + 1, sizeof *o->tickets);
    o->moved_ns = td_view_now_ns(o->view);
    if (o->dry_run) o->put = o->answered = o->item_count;
}

static td_status put_one(td_order *o) {
    const td_serve_run *run = &td_view_topics(o->view)->run;
    const td_release_item *item = &o->items[o->put];
    if (item->state != TD_RELEASE_READY) return TD_OK;
    if (run->put == NULL) return TD_FULL;
    return run->put(run->self, item->place.partition, td_release_key(o->release, item),
                    td_release_value(o->release, item), &o->tickets[o->put]);
}

static td_status ask_one(td_order *o) {
    const td_serve_run *run = &td_view_topics(o->view)->run;
    td_release_item *item = &o->items[o->answered];
    if (item->state != TD_RELEASE_READY) return TD_OK;
    td_status status = run->ask(run->self, o->tickets[o->answered]);
    if (status == TD_AGAIN) return status;
    item->state = status == TD_OK ? TD_RELEASE_DONE : TD_RELEASE_UNTAKEN;
    return TD_OK;
}

/* TD_OK: all are answered. */
static td_status hand_over(td_order *o) {
    size_t before = o->put + o->answered;
    td_status status;
    while (o->put < o->item_count && (status = put_one(o)) != TD_FULL) {
        if (status != TD_OK) o->items[o->put].state = TD_RELEASE_UNTAKEN; /* larger than ingest takes */
        o->put++;
    }
    while (o->answered < o->put && ask_one(o) == TD_OK) o->answered++;
    int64_t now_ns = td_view_now_ns(o->view);
    if (o->put + o->answered > before) o->moved_ns = now_ns;
    if (now_ns - o->moved_ns > TAKEN_WITHIN_NS) withdraw(o);
    return o->answered == o->item_count ? TD_OK : TD_FULL;
}

static void put_answer(const td_order *o, td_buf *out) {
    size_t released = 0;
    for (size_t i = 0; i < o->item_count; i++) released += o->items[i].state == TD_RELEASE_DONE;
    td_buf_printf(out, "{\"dry_run\":%s,\"released\":%zu,\"events\":[", o->dry_run ? "true" : "false", released);
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
    status = hand_over(o);
    if (status == TD_OK) put_answer(o, out);
    return status;
}
