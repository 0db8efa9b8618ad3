/* src/flow/versions.c - one pass over `_programs`, then one look at each place. */
#include "flow/versions.h"
#include "base/hash.h"
#include "lang/lang.h"
#include "lang/program.h"
#include <stdlib.h>

enum { RECORDS_PER_STEP = 64, PLACES_PER_STEP = 16, HEX_BYTES = 2 * TD_PROGRAM_SHA_BYTES };

typedef struct text { /* of a file, once however many programs have it */
    char hash[HEX_BYTES + 1];
    uint32_t names; /* where they begin */
    int64_t line_count;
    bool is_wanted; /* its hash begins as asked */
} text;

typedef struct program {
    char hex[HEX_BYTES + 1];
    uint32_t first, count; /* of its texts' numbers */
} program;

typedef struct beginning { /* a place that holds */
    uint32_t program;      /* its number; UINT32_MAX: the log lacks it */
    int64_t since_ms;
} beginning;

struct td_versions {
    const td_topics *topics;
    char wanted[HEX_BYTES + 1];
    td_reader *reader;
    td_buf texts, programs, numbers, names, places,
        begins;    /* text, program, uint32_t, char, td_program_place, beginning */
    size_t looked; /* at places */
    td_buf found;  /* the newest text that is wanted */
    bool read;
};

static const text *text_at(const td_versions *v, size_t i) { return (const text *)(const void *)v->texts.data + i; }
static size_t text_count(const td_versions *v) { return v->texts.size / sizeof(text); }

td_versions *td_versions_new(const td_topics *topics, const char *hash) {
    td_versions *v = td_alloc_zero(1, sizeof *v);
    v->topics = topics;
    size_t size = strlen(hash) < HEX_BYTES ? strlen(hash) : HEX_BYTES;
    memcpy(v->wanted, hash, size);
    return v;
}

void td_versions_free(td_versions *v) {
    if (v == NULL) return;
    td_reader_close(v->reader);
    td_buf *const bufs[] = {&v->texts, &v->programs, &v->numbers, &v->names, &v->places, &v->begins, &v->found};
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++) td_buf_fini(bufs[i]);
    free(v);
}

/* ---- reading ---- */

static void note_name(void *arg, td_bytes name) {
    td_buf *names = arg;
    td_buf_put(names, name.data, name.size);
    td_buf_put(names, "", 1);
}

static uint32_t add_text(td_versions *v, const char *hash, td_bytes content) {
    text t = {.names = (uint32_t)v->names.size};
    memcpy(t.hash, hash, sizeof t.hash);
    td_lang_each_name(content, note_name, &v->names);
    td_buf_put(&v->names, "", 1);
    for (size_t i = 0; i < content.size; i++) t.line_count += content.data[i] == '\n';
    size_t wanted = strlen(v->wanted);
    t.is_wanted = wanted > 0 && strncmp(hash, v->wanted, wanted) == 0;
    if (t.is_wanted) {
        v->found.size = 0;
        td_buf_put(&v->found, content.data, content.size);
    }
    td_buf_put(&v->texts, &t, sizeof t);
    return (uint32_t)text_count(v) - 1;
}

static void take_text(void *arg, td_bytes content) {
    td_versions *v = arg;
    uint8_t sha256[TD_PROGRAM_SHA_BYTES];
    char hash[HEX_BYTES + 1];
    td_sha256(content, sha256);
    td_hex(sha256, sizeof sha256, hash);
    uint32_t number = 0;
    while (number < text_count(v) && strcmp(text_at(v, number)->hash, hash) != 0) number++;
    if (number == text_count(v)) number = add_text(v, hash, content);
    td_buf_put(&v->numbers, &number, sizeof number);
}

static td_status take_record(td_versions *v, const td_record *record) {
    td_program_place place;
    if (td_program_place_read(record, 0, &place)) {
        td_buf_put(&v->places, &place, sizeof place);
        return TD_OK;
    }
    if (record->key.size != HEX_BYTES) return TD_OK; /* a place of another partition */
    program p = {.first = (uint32_t)(v->numbers.size / sizeof(uint32_t))};
    memcpy(p.hex, record->key.data, HEX_BYTES);
    bool is_read = td_program_each_text(record->value, take_text, v) == TD_OK;
    p.count = (uint32_t)(v->numbers.size / sizeof(uint32_t)) - p.first;
    if (is_read) td_buf_put(&v->programs, &p, sizeof p); /* else its texts are as if the log lacked it */
    return TD_OK;
}

static td_status read_records(td_versions *v) {
    td_status status = TD_OK;
    if (v->reader == NULL) status = td_reader_open(&v->reader, v->topics->programs, 0, 0, TD_READ_APPENDED);
    for (int i = 0; i < RECORDS_PER_STEP && status == TD_OK; i++) {
        td_record record;
        status = td_reader_next(v->reader, &record);
        if (status == TD_OK) status = take_record(v, &record);
    }
    v->read = status == TD_AGAIN;
    return status == TD_OK ? TD_AGAIN : status;
}

static uint32_t program_of(const td_versions *v, const td_program_place *place) {
    const program *programs = (const program *)(const void *)v->programs.data;
    for (size_t i = v->programs.size / sizeof *programs; i > 0; i--)
        if (strcmp(programs[i - 1].hex, place->hex) == 0) return (uint32_t)i - 1;
    return UINT32_MAX;
}

/* Places without their record are none. */
static td_status look_at_places(td_versions *v) {
    const td_program_place *places = (const td_program_place *)(const void *)v->places.data;
    size_t count = v->places.size / sizeof *places;
    for (int i = 0; i < PLACES_PER_STEP && v->looked < count; i++, v->looked++) {
        const td_program_place *place = &places[v->looked];
        bool holds;
        td_status status = td_program_place_holds(v->topics, 0, place, &holds);
        if (status != TD_OK) return status;
        beginning begin = {program_of(v, place), place->appended_ms};
        if (holds) td_buf_put(&v->begins, &begin, sizeof begin);
    }
    return v->looked < count ? TD_AGAIN : TD_OK;
}

td_status td_versions_step(td_versions *v) { return v->read ? look_at_places(v) : read_records(v); }

/* ---- asking ---- */

bool td_version_has(const td_version *version, td_bytes strategy) {
    for (const char *name = version->names; *name != '\0'; name += strlen(name) + 1)
        if (td_bytes_equal(td_text(name), strategy)) return true;
    return false;
}

static td_version version_of(const td_versions *v, uint32_t number) {
    const text *t = text_at(v, number);
    td_version version = {.names = (const char *)v->names.data + t->names, .line_count = t->line_count};
    memcpy(version.hash, t->hash, sizeof version.hash);
    return version;
}

static const beginning *begins(const td_versions *v) { return (const beginning *)(const void *)v->begins.data; }
static size_t begin_count(const td_versions *v) { return v->begins.size / sizeof(beginning); }

/* The texts of the program that began there, by their numbers. */
static uint32_t texts_at(const td_versions *v, size_t begin, const uint32_t **out) {
    uint32_t number = begins(v)[begin].program;
    if (number == UINT32_MAX) return 0;
    const program *p = (const program *)(const void *)v->programs.data + number;
    *out = (const uint32_t *)(const void *)v->numbers.data + p->first;
    return p->count;
}

/* The one that has the strategy, or UINT32_MAX. */
static uint32_t find_text(const td_versions *v, size_t begin, td_bytes strategy) {
    const uint32_t *numbers = NULL;
    uint32_t count = texts_at(v, begin, &numbers);
    for (uint32_t i = 0; i < count; i++) {
        td_version version = version_of(v, numbers[i]);
        if (td_version_has(&version, strategy)) return numbers[i];
    }
    return UINT32_MAX;
}

void td_versions_each_of(const td_versions *v, td_bytes strategy, td_version_fn each, void *arg) {
    uint32_t before = UINT32_MAX;
    td_version version;
    bool any = false; /* version is to be told */
    for (size_t i = 0; i < begin_count(v); i++) {
        uint32_t number = find_text(v, i, strategy);
        if (number == before) continue;
        if (any) each(arg, &version);
        version = number != UINT32_MAX ? version_of(v, number) : (td_version){.names = "", .none = true};
        version.since_ms = begins(v)[i].since_ms;
        before = number;
        any = true;
    }
    if (!any) return;
    version.in_force = !version.none;
    each(arg, &version);
}

static bool has_text(const td_versions *v, size_t begin, uint32_t number) {
    const uint32_t *numbers = NULL;
    uint32_t count = texts_at(v, begin, &numbers);
    for (uint32_t i = 0; i < count; i++)
        if (numbers[i] == number) return true;
    return false;
}

void td_versions_each_now(const td_versions *v, td_version_fn each, void *arg) {
    for (uint32_t number = 0; number < text_count(v); number++) {
        size_t begin = begin_count(v);
        while (begin > 0 && has_text(v, begin - 1, number)) begin--;
        if (begin == begin_count(v)) continue;
        td_version version = version_of(v, number);
        version.since_ms = begins(v)[begin].since_ms;
        version.in_force = true;
        each(arg, &version);
    }
}

td_status td_versions_text(const td_versions *v, td_bytes strategy, td_version *out, td_bytes *out_text) {
    size_t found = 0, other = 0;
    for (uint32_t number = 0; number < text_count(v); number++) {
        td_version version = version_of(v, number);
        if (!text_at(v, number)->is_wanted) continue;
        if (td_version_has(&version, strategy)) *out = version;
        *(td_version_has(&version, strategy) ? &found : &other) += 1;
    }
    if (found + other > 1)
        return TD_FAIL(TD_CONFIG, "%zu texts have a hash that begins with %s: give more of its digits", found + other,
                       v->wanted);
    if (found == 0)
        return TD_FAIL(TD_CONFIG, "strategy %.*s has had no text whose hash begins with %s", (int)strategy.size,
                       (const char *)strategy.data, v->wanted);
    *out_text = td_buf_bytes(&v->found);
    return TD_OK;
}
