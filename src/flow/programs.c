/* src/flow/programs.c - bodies, places, and from where on a program is warmed. */
#include "flow/programs.h"
#include "base/hash.h"
#include "lang/program.h"
#include "stream/reach.h"
#include <inttypes.h>
#include <stdio.h>

enum { HEX_BYTES = 2 * TD_PROGRAM_SHA_BYTES, TEXT_BYTES = HEX_BYTES + 32, PLACE_KEY_BYTES = 32 };

#define PLACE_FORMAT "%s %" PRId64 /* hash and offset */

/* However far back strategies look: warming makes those wait who want to go on. */
#define WARM_RECORDS_MAX (INT64_C(1) << 24)

/* ---- looking them up ---- */

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

td_status td_program_load(const td_topics *topics, const uint8_t sha256[TD_PROGRAM_SHA_BYTES], td_program **out) {
    char hex[HEX_BYTES + 1];
    td_hex(sha256, TD_PROGRAM_SHA_BYTES, hex);
    td_status status = find_program(topics, hex, out);
    if (status != TD_OK) return status;
    return *out != NULL ? TD_OK : TD_FAIL(TD_CORRUPT, "the log does not hold program %.12s that its tape names", hex);
}

typedef struct place_search {
    uint32_t partition;
    int64_t at_offset;
    td_buf places; /* of td_program_place, those up to there */
    bool at_begin; /* of the tape, where an aborted transaction may have left a hole before the first program */
} place_search;

/* A place is written before its Program record: the record may have been lost with the machine. */
td_status td_program_place_holds(const td_topics *t, uint32_t partition, const td_program_place *p, bool *out_holds) {
    *out_holds = p->offset < td_topic_start(t->tape, partition); /* retained away: the place itself is the proof */
    if (*out_holds || p->offset >= td_topic_end(t->tape, partition)) return TD_OK;
    td_reader *reader;
    td_status status = td_reader_open(&reader, t->tape, partition, p->offset, TD_READ_APPENDED);
    if (status != TD_OK) return status;
    td_record record;
    td_event event = {0};
    td_bytes feed;
    char hex[HEX_BYTES + 1] = "";
    status = td_reader_next(reader, &record);
    if (status == TD_OK && record.offset == p->offset &&
        td_record_get_event(t->ids, record.value, &event, &feed) == TD_OK && event.kind == TD_EVENT_PROGRAM)
        td_hex(event.program.sha256, TD_PROGRAM_SHA_BYTES, hex);
    td_reader_close(reader);
    *out_holds = strcmp(hex, p->hex) == 0;
    return status == TD_AGAIN || status == TD_CORRUPT ? TD_OK : status;
}

static void place_key(uint32_t partition, char out[PLACE_KEY_BYTES]) {
    (void)snprintf(out, PLACE_KEY_BYTES, "tape/%" PRIu32, partition);
}

bool td_program_place_read(const td_record *record, uint32_t partition, td_program_place *out) {
    char key[PLACE_KEY_BYTES], text[HEX_BYTES + 32] = "";
    place_key(partition, key);
    if (!td_bytes_equal(record->key, td_text(key))) return false;
    *out = (td_program_place){.present = true, .appended_ms = record->timestamp_ms};
    if (record->value.size < sizeof text) memcpy(text, record->value.data, record->value.size);
    out->present = sscanf(text, "%64[0-9a-f] %" SCNd64, out->hex, &out->offset) == 2;
    return true;
}

td_status td_program_place_restate(const td_record *record, const td_atlas *atlas, td_buf *out_value) {
    td_program_place p;
    uint32_t partition;
    char key[PLACE_KEY_BYTES] = "";
    if (record->key.size < sizeof key && record->key.size > 0) memcpy(key, record->key.data, record->key.size);
    bool is_place = sscanf(key, "tape/%" SCNu32, &partition) == 1 && partition < atlas->partitions &&
                    td_program_place_read(record, partition, &p) && p.present;
    if (!is_place) return TD_OK;
    td_position at;
    td_status status = td_sheet_at(&atlas->tape[partition], p.offset, &at);
    if (status == TD_OK) td_buf_printf(out_value, PLACE_FORMAT, p.hex, at.offset);
    return status;
}

static td_status match_place(void *arg, const td_record *record) {
    place_search *search = arg;
    td_program_place p;
    if (!td_program_place_read(record, search->partition, &p)) return TD_OK;
    if (!p.present)
        return TD_FAIL(TD_CORRUPT, "_programs-0: offset %" PRId64 " is not a place of ours", record->offset);
    bool first_of_all = search->places.size == 0 && search->at_begin; /* what is before it is a hole */
    if (p.offset <= search->at_offset || first_of_all) td_buf_put(&search->places, &p, sizeof p);
    return TD_OK;
}

static td_status find_place(const td_topics *topics, uint32_t partition, int64_t at_offset, td_program_place *out) {
    place_search search = {.partition = partition, .at_offset = at_offset};
    search.at_begin = at_offset <= td_topic_start(topics->tape, partition);
    td_status status = td_topics_each_record(topics->programs, match_place, &search);
    const td_program_place *places = (const td_program_place *)(const void *)search.places.data;
    *out = (td_program_place){0};
    for (size_t i = search.places.size / sizeof *places; i > 0 && status == TD_OK && !out->present; i--) {
        bool holds;
        status = td_program_place_holds(topics, partition, &places[i - 1], &holds);
        if (status == TD_OK && holds) *out = places[i - 1];
    }
    td_buf_fini(&search.places);
    return status;
}

td_status td_program_at(const td_topics *topics, uint32_t partition, int64_t offset,
                        uint8_t out_sha256[TD_PROGRAM_SHA_BYTES]) {
    td_program_place p;
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

/* ---- from where it is warmed ---- */

/* The event time of the first record from there on that has one; TD_NONE: there is none. */
static td_status time_at(const td_topics *topics, td_reader *reader, int64_t offset, int64_t *out_ns) {
    td_record record;
    td_status status;
    td_reader_seek(reader, offset);
    *out_ns = TD_NONE;
    while (*out_ns == TD_NONE && (status = td_reader_next(reader, &record)) == TD_OK) {
        td_event event;
        td_bytes feed;
        bool ours = td_record_get_event_numbers(topics->ids, record.value, &event, &feed) == TD_OK;
        if (ours && (td_event_is_tick(&event) || event.kind == TD_EVENT_TIME)) *out_ns = event.event_ns;
    }
    return *out_ns != TD_NONE || status == TD_AGAIN ? TD_OK : status;
}

/* The newest event time of the partition, from its last records. */
static td_status time_of_end(const td_topics *topics, td_reader *reader, uint32_t partition, int64_t *out_ns) {
    int64_t end = td_topic_end(topics->tape, partition), start = td_topic_start(topics->tape, partition);
    td_status status = TD_OK;
    *out_ns = TD_NONE;
    for (int64_t back = 1; status == TD_OK && *out_ns == TD_NONE && end > start; back *= 8) {
        int64_t from = end - back > start ? end - back : start;
        status = time_at(topics, reader, from, out_ns);
        if (status == TD_CORRUPT) status = TD_OK; /* further back it may be known */
        if (from == start) break;
    }
    return status;
}

/* Event times go up along the tape, nearly: how nearly is no matter, the record says where. Behind damage that is hit:
 * warming cannot pass it. */
static td_status find_warm_from(const td_topics *topics, uint32_t partition, int64_t reach_ns, int64_t *out_offset) {
    int64_t end = td_topic_end(topics->tape, partition), low = td_topic_start(topics->tape, partition), high = end;
    if (end - low > WARM_RECORDS_MAX) low = end - WARM_RECORDS_MAX;
    *out_offset = reach_ns == 0 ? end : low;
    if (reach_ns == 0 || low == end) return TD_OK;
    td_reader *reader = NULL;
    int64_t end_ns, at_ns;
    td_status status = td_reader_open(&reader, topics->tape, partition, low, TD_READ_APPENDED);
    if (status == TD_OK) status = time_of_end(topics, reader, partition, &end_ns);
    bool all = status != TD_OK || end_ns == TD_NONE || end_ns < INT64_MIN + reach_ns;
    while (status == TD_OK && !all && low < high) {
        int64_t middle = low + (high - low) / 2;
        status = time_at(topics, reader, middle, &at_ns);
        bool damaged = status == TD_CORRUPT;
        if (damaged) status = TD_OK;
        if (!damaged && (at_ns == TD_NONE || at_ns >= end_ns - reach_ns))
            high = middle;
        else
            low = middle + 1;
    }
    td_reader_close(reader);
    *out_offset = low;
    return status;
}

/* ---- putting them there ---- */

static td_status put(const td_topics *topics, td_destination to, uint32_t partition, const td_program_mark *mark) {
    char hex[HEX_BYTES + 1], key[PLACE_KEY_BYTES], text[TEXT_BYTES];
    td_hex(mark->sha256, TD_PROGRAM_SHA_BYTES, hex);
    place_key(partition, key);
    (void)snprintf(text, sizeof text, PLACE_FORMAT, hex, td_topic_end(topics->tape, partition));
    to.topic = topics->programs;
    td_status status = td_topics_put(&to, td_text(key), td_text(text));
    if (status == TD_OK && to.writer == NULL) status = td_log_sync(topics->log);
    if (status != TD_OK) return status;
    td_event event = {.kind = TD_EVENT_PROGRAM, .program = *mark};
    td_buf value = {0};
    td_record_put_event(&value, topics->ids, (td_bytes){0}, &event);
    to.topic = topics->tape;
    to.partition = partition;
    status = td_topics_put(&to, (td_bytes){0}, td_buf_bytes(&value));
    td_buf_fini(&value);
    return status;
}

td_status td_program_put(const td_topics *topics, uint32_t partition, const td_program_mark *mark, int64_t now_ms) {
    return put(topics, (td_destination){.now_ms = now_ms}, partition, mark);
}

td_status td_program_keep(const td_topics *topics, td_writer *writer, td_bytes body, int64_t now_ms) {
    uint8_t sha256[TD_PROGRAM_SHA_BYTES];
    char hex[HEX_BYTES + 1];
    td_sha256(body, sha256);
    td_hex(sha256, sizeof sha256, hex);
    td_program *known;
    td_status status = find_program(topics, hex, &known);
    td_destination to = {writer, topics->programs, 0, now_ms};
    if (status == TD_OK && known == NULL) status = td_topics_put(&to, td_text(hex), body);
    td_program_free(known);
    return status;
}

td_status td_program_begin_on(const td_topics *topics, td_writer *writer, uint32_t partition, const td_program *program,
                              int64_t now_ms) {
    char hex[HEX_BYTES + 1];
    td_hex(program->sha256, TD_PROGRAM_SHA_BYTES, hex);
    td_program_place last;
    td_status status = find_place(topics, partition, td_topic_end(topics->tape, partition), &last);
    if (status != TD_OK || (last.present && strcmp(last.hex, hex) == 0)) return status;
    td_program_mark mark = {.warm_from = TD_NONE};
    memcpy(mark.sha256, program->sha256, sizeof mark.sha256);
    if (last.present) status = find_warm_from(topics, partition, td_program_reach_ns(program), &mark.warm_from);
    if (status != TD_OK) return status;
    return put(topics, (td_destination){.writer = writer, .now_ms = now_ms}, partition, &mark);
}

td_status td_program_begin(const td_topics *topics, td_bytes body, int64_t now_ms) {
    td_program *program = NULL;
    td_status status = td_program_compile(body, &program);
    if (status == TD_OK) status = td_program_keep(topics, NULL, body, now_ms);
    for (uint32_t p = 0; p < topics->partitions && status == TD_OK; p++)
        status = td_program_begin_on(topics, NULL, p, program, now_ms);
    td_program_free(program);
    return status == TD_OK ? TD_OK : td_trace(status, "putting the program into the log");
}
