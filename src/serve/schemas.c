/* src/serve/schemas.c - one reader, one catalogue, one list of records that are on their way. */
#include "serve/schemas.h"
#include <assert.h>
#include <stdlib.h>

enum { RECORDS_PER_STEP = 64 };

typedef enum stage { IDLE, DECIDING, APPENDING } stage;

typedef struct item {
    td_schema_record record;
    uint64_t ticket;
    bool refused, seen; /* it was not appended; the catalogue has it */
} item;

struct td_schemas {
    td_serve_run run;
    td_catalogue *catalogue; /* NULL: there is none */
    td_reader *reader;
    bool loaded;
    int64_t loaded_at; /* the offset that makes it so */
    stage stage;
    uint64_t turn;
    bool refused;          /* something of this turn was not appended */
    uint64_t refused_turn; /* the last of which that is so */
    item *items;           /* of this turn, in the order in which they are appended and come back */
    size_t count, put, answered;
};

td_status td_schemas_open(td_schemas **out, const td_serve_topics *topics) {
    td_schemas *s = td_alloc_zero(1, sizeof *s);
    td_status status = TD_OK;
    s->run = topics->run;
    if (topics->schemas != NULL) {
        s->catalogue = td_catalogue_new();
        s->loaded_at = td_topic_synced(topics->schemas, 0);
        status = td_reader_open(&s->reader, topics->schemas, 0, 0, TD_READ_SYNCED);
    }
    if (status == TD_OK)
        *out = s;
    else
        td_schemas_close(s);
    return status;
}

static void end_turn(td_schemas *s, bool refused) {
    for (size_t i = 0; i < s->count; i++) td_schema_record_fini(&s->items[i].record);
    free(s->items);
    s->items = NULL;
    s->count = s->put = s->answered = 0;
    if (refused) s->refused_turn = s->turn;
    s->stage = IDLE;
}

void td_schemas_close(td_schemas *s) {
    if (s == NULL) return;
    end_turn(s, true);
    td_reader_close(s->reader);
    td_catalogue_free(s->catalogue);
    free(s);
}

const td_catalogue *td_schemas_catalogue(const td_schemas *s) { return s->catalogue; }
const char *td_schemas_elsewhere(const td_schemas *s) { return s->run.registry; }
bool td_schemas_loaded(const td_schemas *s) { return s->loaded; }

/* ---- reading ---- */

static void note_seen(td_schemas *s, const td_record *record) {
    for (size_t i = 0; i < s->put; i++) {
        const td_schema_record *r = &s->items[i].record;
        s->items[i].seen |= td_bytes_equal(td_buf_bytes(&r->key), record->key) &&
                            td_bytes_equal(td_buf_bytes(&r->value), record->value);
    }
}

/* What cannot be read ends the registry here, with a word to the operator; the run goes on without it. */
static void give_up(td_schemas *s) {
    if (s->run.notice != NULL) s->run.notice(s->run.self, "registry_unreadable", td_trail());
    td_catalogue_free(s->catalogue);
    s->catalogue = NULL;
    if (s->stage != IDLE) end_turn(s, true);
}

static int read_on(td_schemas *s) {
    td_record record;
    td_status status = TD_OK;
    int done = 0;
    while (done < RECORDS_PER_STEP && (status = td_reader_next(s->reader, &record)) == TD_OK) {
        status = td_catalogue_load(s->catalogue, record.key, record.value);
        if (status != TD_OK) break;
        done++;
        if (s->stage == APPENDING) note_seen(s, &record);
    }
    if (td_reader_offset(s->reader) >= s->loaded_at) s->loaded = true;
    if (status == TD_CORRUPT) give_up(s);
    return done;
}

/* ---- changing ---- */

td_status td_schemas_begin(td_schemas *s, uint64_t *out_turn) {
    if (s->run.put_schema == NULL || s->catalogue == NULL)
        return TD_FAIL(TD_CONFIG, "nothing is registered by this process");
    if (s->stage != IDLE) return TD_FULL;
    s->stage = DECIDING;
    s->refused = false;
    *out_turn = ++s->turn;
    return TD_OK;
}

void td_schemas_add(td_schemas *s, td_schema_record *record) {
    assert(s->stage == DECIDING);
    size_t bytes = (s->count + 1) * sizeof *s->items;
    s->items = td_alloc_check(realloc(s->items, bytes), bytes);
    s->items[s->count++] = (item){.record = *record};
    *record = (td_schema_record){0};
}

void td_schemas_commit(td_schemas *s) {
    assert(s->stage == DECIDING);
    s->stage = APPENDING;
    if (s->count == 0) end_turn(s, false);
}

void td_schemas_abort(td_schemas *s, uint64_t turn) {
    if (s->stage == DECIDING && s->turn == turn) end_turn(s, false); /* nobody asks for its outcome */
}

td_status td_schemas_outcome(const td_schemas *s, uint64_t turn) {
    if (s->turn == turn && s->stage != IDLE) return TD_AGAIN;
    return s->refused_turn == turn ? TD_REJECT : TD_OK;
}

static int append(td_schemas *s) {
    int done = 0;
    for (; s->put < s->count; s->put++, done++) {
        item *i = &s->items[s->put];
        td_status status =
            s->run.put_schema(s->run.self, td_buf_bytes(&i->record.key), td_buf_bytes(&i->record.value), &i->ticket);
        if (status == TD_FULL) break;
        if (status == TD_OK) continue;
        s->refused = true; /* larger than a command may be: neither it nor the rest is asked for */
        for (size_t at = s->put; at < s->count; at++) td_schema_record_fini(&s->items[at].record);
        s->count = s->put;
        break;
    }
    for (; s->answered < s->put; s->answered++, done++) {
        item *i = &s->items[s->answered];
        td_status status = s->run.ask(s->run.self, i->ticket);
        if (status == TD_AGAIN) break;
        i->refused = status != TD_OK;
        s->refused |= i->refused;
    }
    return done;
}

/* All that was asked for is in the catalogue, or will never be. */
static bool is_over(const td_schemas *s) {
    if (s->answered < s->count) return false;
    for (size_t i = 0; i < s->count; i++)
        if (!s->items[i].refused && !s->items[i].seen) return false;
    return true;
}

int td_schemas_step(td_schemas *s) {
    if (s->catalogue == NULL) return 0;
    int done = s->stage == APPENDING ? append(s) : 0;
    done += read_on(s);
    if (s->stage == APPENDING && is_over(s)) end_turn(s, s->refused);
    return done;
}
