/* src/app/releasing.c - the two ways of putting an event on the tape again. */
#include "app/releasing.h"
#include "app/ask.h"
#include "app/beacon.h"
#include "base/json.h"
#include "base/time.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { ASKED_AT_ONCE = 500, BATCH_BYTES = 1 << 20 };

td_status td_release_find(const td_topics *topics, td_release_wish *wish, td_release **out) {
    wish->tape = topics->tape;
    wish->quarantine = topics->outputs[TD_OUTPUT_QUARANTINE];
    wish->ids = topics->ids;
    *out = NULL;
    if (wish->quarantine == NULL) return TD_FAIL(TD_CONFIG, "the log has no topic quarantine");
    *out = td_release_new(wish);
    td_status status;
    while ((status = td_release_step(*out)) == TD_AGAIN) continue;
    return status;
}

/* ---- by the process that writes ---- */

static td_release_item *item_at(td_release_item *items, size_t count, int64_t partition, int64_t offset) {
    for (size_t i = 0; i < count; i++)
        if (items[i].place.partition == partition && items[i].place.offset == offset) return &items[i];
    return NULL;
}

static void note_state(td_release_item *item, td_bytes name) {
    for (int s = 0; item != NULL && s < TD_RELEASE_STATES; s++)
        if (td_bytes_equal(name, td_text(td_release_state_name((td_release_state)s))))
            item->state = (td_release_state)s;
}

/* {"events":[{"partition":3,"offset":12,"state":"released",…}]} */
static bool read_answer(td_bytes answer, td_release_item *items, size_t count) {
    td_json json;
    td_json_type type;
    int64_t partition = -1, offset = -1;
    td_json_init(&json, answer);
    while ((type = td_json_next(&json)) != TD_JSON_END && type != TD_JSON_ERROR) {
        if (type != TD_JSON_KEY) continue;
        bool inexact, is_partition = td_bytes_equal(json.text, TD_TEXT("partition")),
                      is_offset = td_bytes_equal(json.text, TD_TEXT("offset")),
                      is_state = td_bytes_equal(json.text, TD_TEXT("state"));
        if (!is_partition && !is_offset && !is_state) continue;
        type = td_json_next(&json);
        if (is_state && type == TD_JSON_STRING)
            note_state(item_at(items, count, partition, offset), json.text);
        else if (td_decimal_parse(json.text, 0, is_partition ? &partition : &offset, &inexact) != TD_OK)
            return false;
    }
    return type == TD_JSON_END;
}

/* Of the items from *at on as many as fit one request. */
static td_status ask_some(const char *url, td_release_item *items, size_t count, size_t *at) {
    td_buf body = {0}, answer = {0};
    size_t asked = 0;
    int http = 0;
    td_buf_text(&body, "{\"positions\":[");
    for (; *at < count && asked < ASKED_AT_ONCE; ++*at) {
        const td_release_item *item = &items[*at];
        if (item->state != TD_RELEASE_READY) continue;
        td_buf_printf(&body, "%s{\"partition\":%" PRIu32 ",\"offset\":%" PRId64 "}", asked++ > 0 ? "," : "",
                      item->place.partition, item->place.offset);
    }
    td_buf_text(&body, "]}");
    td_status status =
        asked > 0 ? td_ask_to(url, "/api/v1/quarantine/release", td_buf_bytes(&body), &answer, &http) : TD_OK;
    if (status == TD_OK && asked > 0 && (http != 200 || !read_answer(td_buf_bytes(&answer), items, count)))
        status = TD_FAIL(TD_CONFIG, "%s answers %d: %.*s", url, http, (int)(answer.size < 300 ? answer.size : 300),
                         (const char *)answer.data);
    td_buf_fini(&answer);
    td_buf_fini(&body);
    return status;
}

static td_status ask_process(const char *dir, td_release_item *items, size_t count) {
    char url[TD_BEACON_MAX];
    if (!td_beacon_find(&td_os_posix, dir, url))
        return TD_FAIL(TD_CONFIG,
                       "a process writes in %s and has no API to be asked by; stop it, or give it `serve: on`", dir);
    td_status status = TD_OK;
    for (size_t at = 0; at < count && status == TD_OK;) status = ask_some(url, items, count, &at);
    return status;
}

/* ---- by ourselves ---- */

/* All of one partition from item *at on. */
static td_status append_partition(const td_data *data, td_writer *writer, td_release *release, size_t *at) {
    td_release_item *items;
    size_t count = td_release_items(release, &items), first = *at;
    uint32_t partition = items[first].place.partition;
    int64_t now_ms = td_os_posix.ops->wall_ns(td_os_posix.self) / TD_NS_PER_MS;
    td_batch batch;
    td_status status = TD_OK;
    td_batch_init(&batch, BATCH_BYTES);
    for (; *at < count && items[*at].place.partition == partition && status == TD_OK; ++*at) {
        td_release_item *item = &items[*at];
        if (item->state != TD_RELEASE_READY) continue;
        td_bytes key = td_release_key(release, item), value = td_release_value(release, item), none = {0};
        if (!td_batch_add(&batch, now_ms, key, value, none, none)) {
            status = td_writer_append(writer, data->topics.tape, partition, &batch);
            td_batch_reset(&batch);
            (void)td_batch_add(&batch, now_ms, key, value, none, none); /* empty: takes any record */
        }
        item->state = TD_RELEASE_DONE;
    }
    if (status == TD_OK && batch.count > 0) status = td_writer_append(writer, data->topics.tape, partition, &batch);
    td_batch_fini(&batch);
    return status;
}

static td_status append_items(const td_data *data, td_release *release) {
    td_writer *writer = NULL;
    td_release_item *items;
    size_t count = td_release_items(release, &items);
    td_status status = td_writer_open(&writer, data->log, "release");
    for (size_t at = 0; at < count && status == TD_OK;) status = append_partition(data, writer, release, &at);
    if (status == TD_OK) status = td_log_sync(data->log);
    td_writer_close(writer);
    return status;
}

/* Found once more, now that nobody else writes. */
static td_status write_ourselves(const td_data_conf *which, td_release_item *items, size_t count) {
    td_data data;
    td_release *release = NULL;
    td_release_item *done;
    td_release_place *places = td_alloc((count + 1) * sizeof *places);
    size_t ready = 0;
    for (size_t i = 0; i < count; i++)
        if (items[i].state == TD_RELEASE_READY) places[ready++] = items[i].place;
    td_release_wish wish = {.places = places, .place_count = ready};
    td_status status = td_data_open_to_write(&data, which);
    if (status == TD_OK) status = td_release_find(&data.topics, &wish, &release);
    if (status == TD_OK) status = append_items(&data, release);
    size_t done_count = status == TD_OK ? td_release_items(release, &done) : 0;
    for (size_t i = 0; i < done_count; i++)
        item_at(items, count, done[i].place.partition, done[i].place.offset)->state = done[i].state;
    td_release_free(release);
    td_data_close(&data);
    free(places);
    return status;
}

td_status td_release_do(const td_data_conf *which, td_release_item *items, size_t count) {
    bool ready = false;
    td_config_log where;
    for (size_t i = 0; i < count; i++) ready |= items[i].state == TD_RELEASE_READY;
    if (!ready) return TD_OK;
    td_status status = td_data_locate(&where, which);
    if (status != TD_OK) return status;
    bool locked = where.dir != NULL && td_beacon_ask_lock(&td_os_posix, where.dir) != TD_OK;
    status = locked ? ask_process(where.dir, items, count) : write_ourselves(which, items, count);
    td_config_log_fini(&where);
    return status;
}
