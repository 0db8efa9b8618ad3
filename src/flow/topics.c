/* src/flow/topics.c - opening the topics, and the programs that they hold. */
#include "flow/topics.h"
#include "base/hash.h"
#include "lang/program.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { HEX_BYTES = 2 * TD_PROGRAM_SHA_BYTES, ONE_RECORD_BYTES = 64 * 1024 };

/* ---- one record in, all records out ---- */

typedef struct destination {
    td_topic *topic;
    uint32_t partition;
    int64_t now_ms;
} destination;

/* By a writer that is there for the moment only: another process that finds all in place never takes its name. */
static td_status append_one(const destination *to, td_bytes key, td_bytes value) {
    td_batch batch;
    td_batch_init(&batch, ONE_RECORD_BYTES);
    (void)td_batch_add(&batch, to->now_ms, key, value, (td_bytes){0}, (td_bytes){0}); /* empty: takes any record */
    td_writer *writer = NULL;
    td_status status = td_writer_open(&writer, to->topic->log, "topics");
    if (status == TD_OK) status = td_writer_append(writer, to->topic, to->partition, &batch);
    td_writer_close(writer);
    td_batch_fini(&batch);
    return status;
}

td_status td_topics_each_record(td_topic *topic, td_topics_record_fn each, void *arg) {
    td_reader *reader;
    td_status status = td_reader_open(&reader, topic, 0, 0, TD_READ_APPENDED);
    if (status != TD_OK) return status;
    td_record record;
    while ((status = td_reader_next(reader, &record)) == TD_OK) {
        status = each(arg, &record);
        if (status != TD_OK) break;
    }
    td_reader_close(reader);
    return status == TD_AGAIN ? TD_OK : status;
}

/* ---- schemas ---- */

static td_status append_schema(void *arg, td_bytes key, td_bytes value) { return append_one(arg, key, value); }

static td_status load_schema(void *arg, const td_record *record) {
    return td_registry_load(arg, record->key, record->value);
}

/* ---- opening ---- */

static const char *const outputs[TD_OUTPUT_COUNT] = {"bars",    "signals",     "quarantine", "gaps",
                                                     "actions", "vendor_bars", "fills"};

static td_status open_topics(td_topics *t, td_log *log) {
    td_status status = td_log_topic(log, "_schemas", 1, TD_TOPIC_INPUT, &t->schemas);
    if (status == TD_OK) status = td_log_topic(log, "_programs", 1, TD_TOPIC_INPUT, &t->programs);
    if (status == TD_OK) status = td_log_topic(log, "_inputs", 1, TD_TOPIC_INPUT, &t->inputs);
    if (status == TD_OK) status = td_log_topic(log, "tape", t->partitions, TD_TOPIC_INPUT, &t->tape);
    if (status == TD_OK) status = td_log_topic(log, "rejected", t->partitions, TD_TOPIC_INPUT, &t->rejected);
    for (int i = 0; i < TD_OUTPUT_COUNT && status == TD_OK; i++)
        status = td_log_topic(log, outputs[i], t->partitions, TD_TOPIC_OUTPUT, &t->outputs[i]);
    return status;
}

td_status td_topics_open(td_topics *out, td_log *log, uint32_t partitions, int64_t now_ms) {
    *out = (td_topics){.log = log, .partitions = partitions, .registry = td_registry_new()};
    td_status status = open_topics(out, log);
    if (status == TD_OK) status = td_topics_each_record(out->schemas, load_schema, out->registry);
    if (status == TD_OK) {
        destination to = {out->schemas, 0, now_ms};
        status = td_registry_ensure(out->registry, append_schema, &to);
    }
    if (status == TD_OK) status = td_log_sync(log); /* a record must never name a schema that can vanish */
    if (status != TD_OK) {
        td_topics_close(out);
        return td_trace(status, "opening the topics");
    }
    out->ids = td_registry_ids(out->registry);
    return TD_OK;
}

static void note_topic(void *arg, td_topic *topic) {
    td_topics *t = arg;
    const struct {
        const char *name;
        td_topic **at;
    } inputs[] = {
        {"_schemas", &t->schemas}, {"_programs", &t->programs}, {"tape", &t->tape}, {"rejected", &t->rejected}};
    for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++)
        if (strcmp(td_topic_name(topic), inputs[i].name) == 0) *inputs[i].at = topic;
    for (size_t i = 0; i < TD_OUTPUT_COUNT; i++)
        if (strcmp(td_topic_name(topic), outputs[i]) == 0) t->outputs[i] = topic;
}

td_status td_topics_open_to_read(td_topics *out, td_log *log) {
    *out = (td_topics){.log = log, .registry = td_registry_new()};
    td_status status = td_log_each_topic(log, note_topic, out);
    bool whole = out->tape != NULL && out->programs != NULL && out->schemas != NULL;
    whole = whole && out->outputs[TD_OUTPUT_BARS] != NULL && out->outputs[TD_OUTPUT_SIGNALS] != NULL;
    if (status == TD_OK && !whole)
        status = TD_FAIL(TD_CONFIG, "there is no tape: name the data folder of a run by --data");
    if (status == TD_OK) status = td_topics_each_record(out->schemas, load_schema, out->registry);
    if (status != TD_OK) {
        td_topics_close(out);
        return td_trace(status, "opening the topics");
    }
    out->partitions = td_topic_partitions(out->tape);
    out->ids = td_registry_ids(out->registry);
    return TD_OK;
}

/* Places are of the tape that they were written for. */
static td_status copy_record(void *arg, const td_record *record) {
    bool is_place = record->key.size >= 5 && memcmp(record->key.data, "tape/", 5) == 0;
    return is_place ? TD_OK : append_one(arg, record->key, record->value);
}

td_status td_topics_open_copy(td_topics *out, td_log *log, const td_topics *from, int64_t now_ms) {
    destination schemas = {.now_ms = now_ms}, programs = {.now_ms = now_ms};
    td_status status = td_log_topic(log, "_schemas", 1, TD_TOPIC_INPUT, &schemas.topic);
    if (status == TD_OK) status = td_log_topic(log, "_programs", 1, TD_TOPIC_INPUT, &programs.topic);
    if (status == TD_OK && td_topic_end(schemas.topic, 0) > 0)
        status = TD_FAIL(TD_CONFIG, "there is a log already: name a new folder");
    if (status == TD_OK) status = td_topics_each_record(from->schemas, copy_record, &schemas);
    if (status == TD_OK) status = td_topics_each_record(from->programs, copy_record, &programs);
    return status == TD_OK ? td_topics_open(out, log, from->partitions, now_ms) : status;
}

void td_topics_close(td_topics *topics) {
    td_registry_free(topics->registry);
    topics->registry = NULL;
}

/* ---- programs: `_programs` holds bodies (key: hash) and places (key: tape/<partition>, value: hash, offset) ---- */

typedef struct body_search {
    td_bytes key;
    td_program *found;
} body_search;

static td_status match_body(void *arg, const td_record *record) {
    body_search *search = arg;
    if (!td_bytes_equal(record->key, search->key)) return TD_OK;
    td_program_free(search->found); /* the same body twice is the same program */
    search->found = NULL;
    return td_program_compile(record->value, &search->found);
}

static td_status find_program(const td_topics *topics, const char hex[HEX_BYTES + 1], td_program **out) {
    body_search search = {.key = td_text(hex)};
    td_status status = td_topics_each_record(topics->programs, match_body, &search);
    if (status != TD_OK) { /* found, and then the topic could not be read to its end */
        td_program_free(search.found);
        search.found = NULL;
    }
    *out = search.found;
    return status;
}

td_status td_topics_load_program(const td_topics *topics, const uint8_t sha256[TD_PROGRAM_SHA_BYTES],
                                 td_program **out) {
    char hex[HEX_BYTES + 1];
    td_hex(sha256, TD_PROGRAM_SHA_BYTES, hex);
    td_status status = find_program(topics, hex, out);
    if (status != TD_OK) return status;
    return *out != NULL ? TD_OK : TD_FAIL(TD_CORRUPT, "the log does not hold program %.12s that its tape names", hex);
}

typedef struct place { /* where a program begins on one partition of the tape */
    bool present;
    int64_t offset;
    char hex[HEX_BYTES + 1];
} place;

typedef struct place_search {
    const td_topics *topics;
    td_bytes key;
    uint32_t partition;
    int64_t at_offset;
    place last;
} place_search;

/* A place is written before its Program record: the record may have been lost with the machine. */
static td_status place_holds(const place_search *search, const place *p, bool *out_holds) {
    const td_topics *t = search->topics;
    *out_holds =
        p->offset < td_topic_start(t->tape, search->partition); /* retained away: the place itself is the proof */
    if (*out_holds || p->offset >= td_topic_end(t->tape, search->partition)) return TD_OK;
    td_reader *reader;
    td_status status = td_reader_open(&reader, t->tape, search->partition, p->offset, TD_READ_APPENDED);
    if (status != TD_OK) return status;
    td_record record;
    td_event event = {0};
    td_bytes feed;
    char hex[HEX_BYTES + 1] = "";
    status = td_reader_next(reader, &record);
    if (status == TD_OK && record.offset == p->offset &&
        td_record_get_event(t->ids, record.value, &event, &feed) == TD_OK && event.kind == TD_EVENT_PROGRAM)
        td_hex(event.program_sha256, TD_PROGRAM_SHA_BYTES, hex);
    td_reader_close(reader);
    *out_holds = strcmp(hex, p->hex) == 0;
    return status == TD_AGAIN || status == TD_CORRUPT ? TD_OK : status;
}

static td_status match_place(void *arg, const td_record *record) {
    place_search *search = arg;
    if (!td_bytes_equal(record->key, search->key)) return TD_OK;
    char text[HEX_BYTES + 32] = "";
    place p = {.present = true};
    if (record->value.size < sizeof text) memcpy(text, record->value.data, record->value.size);
    if (sscanf(text, "%64[0-9a-f] %" SCNd64, p.hex, &p.offset) != 2)
        return TD_FAIL(TD_CORRUPT, "_programs-0: offset %" PRId64 " is not a place of ours", record->offset);
    if (p.offset > search->at_offset) return TD_OK;
    bool holds;
    td_status status = place_holds(search, &p, &holds);
    if (status == TD_OK && holds) search->last = p;
    return status;
}

static td_status find_place(const td_topics *topics, uint32_t partition, int64_t at_offset, place *out) {
    char key[32];
    (void)snprintf(key, sizeof key, "tape/%" PRIu32, partition);
    place_search search = {.topics = topics, .key = td_text(key), .partition = partition, .at_offset = at_offset};
    td_status status = td_topics_each_record(topics->programs, match_place, &search);
    *out = search.last;
    return status;
}

td_status td_topics_program_at(const td_topics *topics, uint32_t partition, int64_t offset,
                               uint8_t out_sha256[TD_PROGRAM_SHA_BYTES]) {
    place p;
    td_status status = find_place(topics, partition, offset, &p);
    if (status != TD_OK) return status;
    if (!p.present)
        return TD_FAIL(TD_CORRUPT, "tape-%" PRIu32 ": no program is in force at offset %" PRId64, partition, offset);
    for (size_t i = 0; i < TD_PROGRAM_SHA_BYTES; i++) {
        unsigned byte;
        (void)sscanf(&p.hex[2 * i], "%2x", &byte);
        out_sha256[i] = (uint8_t)byte;
    }
    return TD_OK;
}

td_status td_topics_put_program(const td_topics *topics, uint32_t partition, const uint8_t *sha256, int64_t now_ms) {
    char hex[HEX_BYTES + 1], key[32], text[HEX_BYTES + 32];
    td_hex(sha256, TD_PROGRAM_SHA_BYTES, hex);
    int64_t end = td_topic_end(topics->tape, partition);
    (void)snprintf(key, sizeof key, "tape/%" PRIu32, partition);
    (void)snprintf(text, sizeof text, "%s %" PRId64, hex, end);
    td_status status = append_one(&(destination){topics->programs, 0, now_ms}, td_text(key), td_text(text));
    if (status == TD_OK) status = td_log_sync(topics->log);
    if (status != TD_OK) return status;
    td_event event = {.kind = TD_EVENT_PROGRAM};
    memcpy(event.program_sha256, sha256, TD_PROGRAM_SHA_BYTES);
    td_buf value = {0};
    td_record_put_event(&value, topics->ids, (td_bytes){0}, &event);
    destination to = {topics->tape, partition, now_ms};
    status = append_one(&to, (td_bytes){0}, td_buf_bytes(&value));
    td_buf_fini(&value);
    return status;
}

static td_status begin_on(const td_topics *topics, uint32_t partition, const uint8_t *sha256, int64_t now_ms) {
    char hex[HEX_BYTES + 1];
    td_hex(sha256, TD_PROGRAM_SHA_BYTES, hex);
    place last;
    td_status status = find_place(topics, partition, td_topic_end(topics->tape, partition), &last);
    if (status != TD_OK || (last.present && strcmp(last.hex, hex) == 0)) return status;
    return td_topics_put_program(topics, partition, sha256, now_ms);
}

td_status td_topics_begin_program(const td_topics *topics, td_bytes body, int64_t now_ms) {
    uint8_t sha256[TD_PROGRAM_SHA_BYTES];
    char hex[HEX_BYTES + 1];
    td_sha256(body, sha256);
    td_hex(sha256, sizeof sha256, hex);
    td_program *known;
    td_status status = find_program(topics, hex, &known);
    destination bodies = {topics->programs, 0, now_ms};
    if (status == TD_OK && known == NULL) status = append_one(&bodies, td_text(hex), body);
    td_program_free(known);
    for (uint32_t p = 0; p < topics->partitions && status == TD_OK; p++) status = begin_on(topics, p, sha256, now_ms);
    return status == TD_OK ? TD_OK : td_trace(status, "putting the program into the log");
}
