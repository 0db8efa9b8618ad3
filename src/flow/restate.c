/* src/flow/restate.c - what names a place, by topic, and its new name. */
#include "flow/restate.h"
#include "base/hash.h"
#include "flow/answers.h"
#include "flow/bookmarks.h"
#include "flow/inputs.h"
#include "flow/programs.h"
#include "schema/cause.h"
#include <inttypes.h>

void td_restater_fini(td_restater *r) {
    td_buf_fini(&r->value);
    td_buf_fini(&r->headers);
}

/* ---- the tape ---- */

/* The record that a release stands for. What the log has lost has only to stay apart from others: it is numbered
 * backwards from where the log begins. */
static td_status restate_release(const td_restater *r, const td_original *original, td_event *e) {
    const td_atlas *atlas = r->atlas;
    bool copied = (e->flags & TD_FLAG_COPY) != 0; /* it names a place of its instrument's own partition */
    uint32_t home = copied ? td_partition_of(original->record->key, atlas->partitions) : original->partition;
    const td_sheet *sheet = &atlas->tape[home];
    td_position at;
    if (e->of_offset < sheet->begin) {
        e->of_offset -= sheet->begin;
        return TD_OK;
    }
    td_status status = td_sheet_at(sheet, e->of_offset, &at);
    if (status != TD_OK) return status;
    e->of_epoch = at.epoch;
    e->of_offset = at.offset;
    return TD_OK;
}

static td_status restate_program(const td_restater *r, const td_original *original, td_event *e) {
    td_position at;
    td_status status = td_sheet_at(&r->atlas->tape[original->partition], e->program.warm_from, &at);
    if (status == TD_OK) e->program.warm_from = at.offset;
    return status;
}

static bool names_place(const td_event *e) {
    if (e->kind == TD_EVENT_PROGRAM) return e->program.warm_from != TD_NONE;
    return e->origin == TD_ORIGIN_RELEASE && e->of_offset != TD_NONE;
}

/* Its values are read and written again: that has to give the same bytes. */
static td_status restate_event(td_restater *r, const td_schema_ids *ids, const td_original *original) {
    td_bytes feed, value = original->record->value;
    td_event e = {0};
    if (td_record_get_event_numbers(ids, value, &e, &feed) != TD_OK || !names_place(&e)) return TD_OK;
    td_status status = td_record_get_event(ids, value, &e, &feed);
    if (status == TD_OK) td_record_put_event(&r->value, ids, feed, &e);
    if (status != TD_OK || !td_bytes_equal(td_buf_bytes(&r->value), value))
        return TD_FAIL(TD_CORRUPT, "%s-%" PRIu32 ": offset %" PRId64 " is not a record of ours", original->topic,
                       original->partition, original->record->offset);
    r->value.size = 0;
    status = e.kind == TD_EVENT_PROGRAM ? restate_program(r, original, &e) : restate_release(r, original, &e);
    if (status == TD_OK) td_record_put_event(&r->value, ids, feed, &e);
    return status;
}

/* ---- causes ---- */

/* The cause's text, in place of the one that it has. TD_OK and nothing in it: it is no cause of ours. */
static td_status restate_cause(const td_restater *r, td_bytes text, char out[TD_CAUSE_MAX], size_t *out_size) {
    td_cause cause;
    td_position at;
    *out_size = 0;
    if (!td_cause_get(text, &cause) || cause.partition >= r->atlas->partitions) return TD_OK;
    td_status status = td_sheet_at(&r->atlas->tape[cause.partition], cause.offset, &at);
    if (status != TD_OK) return status;
    cause.epoch = at.epoch;
    cause.offset = at.offset;
    *out_size = td_cause_put(&cause, out);
    return TD_OK;
}

static td_status restate_headers(td_restater *r, const td_record *record) {
    const uint8_t *at = record->headers.data, *end = td_bytes_end(record->headers);
    int64_t count;
    if (td_record_header(record, TD_CAUSE_HEADER).data == NULL || !td_varint_get(&at, end, &count)) return TD_OK;
    td_buf_put(&r->headers, record->headers.data, (size_t)(at - record->headers.data));
    td_status status = TD_OK;
    for (td_bytes name, value; status == TD_OK && count > 0; count--) {
        char text[TD_CAUSE_MAX];
        size_t size = 0;
        if (!td_varbytes_get(&at, end, &name) || !td_varbytes_get(&at, end, &value)) break;
        if (td_bytes_equal(name, TD_CAUSE_HEADER)) status = restate_cause(r, value, text, &size);
        td_headers_put(&r->headers, name, size > 0 ? (td_bytes){(const uint8_t *)text, size} : value);
    }
    return status;
}

/* ---- ids of schemas ---- */

/* That of the copy; -1: none. A version from before may have been registered under several. */
static int32_t id_there(const td_schema_ids *there, int meaning) {
    int32_t found = -1;
    if (meaning < TD_SCHEMA_COUNT) return there->id[meaning];
    for (int i = 0; i < TD_SCHEMA_SLOTS; i++)
        if (there->known[i] != 0 && there->schema[i] == meaning && (found < 0 || there->known[i] < found))
            found = there->known[i];
    return found;
}

static td_status fail_older(const td_original *original, int meaning) {
    td_schema schema = (td_schema)(meaning % TD_SCHEMA_BEFORE);
    return TD_FAIL(TD_CONFIG,
                   "%s-%" PRIu32 ": offset %" PRId64 " was written by a version before this one, whose schema of "
                   "tapedeck.%s the registry of the copy does not have: register it there before, under %s",
                   original->topic, original->partition, original->record->offset, td_schema_name(schema),
                   td_schema_subject(schema));
}

/* A stranger's record stays as it is, unless it would become one of ours. */
static td_status check_stranger(const td_restater *r, const td_original *original, uint32_t id) {
    if (td_schema_ids_find(r->to_ids, id) < 0) return TD_OK;
    return TD_FAIL(TD_CONFIG,
                   "%s-%" PRIu32 ": offset %" PRId64 " is a stranger's record of the schema %" PRIu32
                   ", which in the registry of the copy is one of ours: name another registry",
                   original->topic, original->partition, original->record->offset, id);
}

/* Behind what restates the value. */
static td_status restate_id(td_restater *r, const td_schema_ids *ids, const td_original *original) {
    td_bytes value = original->record->value;
    if (r->to_ids == NULL || original->topic[0] == '_' || value.size < 5 || value.data[0] != 0) return TD_OK;
    uint32_t id = td_get_be32(value.data + 1);
    int meaning = td_schema_ids_find(ids, id);
    if (meaning < 0) return check_stranger(r, original, id);
    int32_t there = id_there(r->to_ids, meaning);
    if (there < 0) return fail_older(original, meaning);
    if (r->value.size == 0) td_buf_put(&r->value, value.data, value.size);
    td_put_be32(r->value.data + 1, (uint32_t)there);
    return TD_OK;
}

/* ---- all ---- */

static td_status restate_value(td_restater *r, const td_schema_ids *ids, const td_original *original) {
    const td_record *record = original->record;
    if (record->value.data == NULL) return TD_OK;
    if (strcmp(original->topic, "tape") == 0) return restate_event(r, ids, original);
    if (strcmp(original->topic, "_programs") == 0) return td_program_place_restate(record, r->atlas, &r->value);
    if (strcmp(original->topic, "_inputs") == 0) return td_inputs_restate(record, r->atlas, &r->value);
    if (strcmp(original->topic, "_bookmarks") == 0) return td_bookmarks_restate(record, r->atlas, &r->value);
    return strcmp(original->topic, "_answers") == 0 ? td_answers_restate(record, r->atlas, &r->value) : TD_OK;
}

td_status td_restate(td_restater *r, const td_schema_ids *ids, const td_original *original, td_record *out) {
    *out = *original->record;
    r->value.size = r->headers.size = 0;
    td_status status = restate_value(r, ids, original);
    r->placed = r->value.size > 0;
    if (status == TD_OK) status = restate_headers(r, original->record);
    if (status == TD_OK) status = restate_id(r, ids, original);
    if (status != TD_OK) return status;
    if (r->value.size > 0) out->value = td_buf_bytes(&r->value);
    if (r->headers.size > 0) out->headers = td_buf_bytes(&r->headers);
    return TD_OK;
}
