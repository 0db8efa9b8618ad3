/* src/flow/apply.c - record -> state: programs that begin, names to indexes, and td_state_apply. */
#include "flow/apply.h"
#include "flow/foreign.h"
#include "flow/programs.h"
#include "model/instrument.h"
#include <inttypes.h>
#include <stdlib.h>

enum { WARM_RECORDS = 1 << 14 }; /* of one turn */

/* ---- a program begins ---- */

typedef struct td_warming {
    td_applier of; /* the new program's; its state */
    td_reader *reader;
    bool cold;
} td_warming;

static void warming_free(td_warming *w) {
    if (w == NULL) return;
    td_reader_close(w->reader);
    td_applier_fini(&w->of);
    free(w);
}

static td_status begin_warming(td_applier *a, const td_program_mark *mark) {
    td_warming *w = td_alloc_zero(1, sizeof *w);
    td_topic *tape = a->topics->tape;
    w->of = (td_applier){
        .topics = a->topics, .partition = a->partition, .warms = true, .forgoes = true, .passes = a->passes};
    td_status status = td_program_load(a->topics, mark->sha256, &w->of.program);
    if (status == TD_OK && mark->warm_from != TD_NONE) {
        w->of.state = td_state_new_warm(a->state, w->of.program);
        w->cold = td_topic_start(tape, a->partition) > mark->warm_from;
        status = td_reader_open(&w->reader, tape, a->partition, mark->warm_from, TD_READ_APPENDED);
    }
    if (status == TD_OK)
        a->warming = w;
    else
        warming_free(w);
    return status;
}

/* TD_AGAIN: there is more. TD_RETRY: come again, too. */
static td_status warm_some(td_applier *a, int64_t to) {
    td_warming *w = a->warming;
    for (int i = 0; i < WARM_RECORDS; i++) {
        td_record record;
        td_applied applied;
        td_status status = td_reader_next(w->reader, &record);
        if (status == TD_RETRY) return status;
        if (status == TD_OK && record.offset >= to) return TD_OK;
        if (status == TD_OK && td_reader_lost(w->reader) > 0) w->cold = true;
        if (status == TD_OK) status = td_applier_apply(&w->of, &record, &td_emit_none, &applied);
        if (status != TD_OK) { /* damage that the state itself has passed before: what is warm has to do */
            w->cold = true;
            return TD_OK;
        }
        a->swaps.records++;
    }
    return TD_AGAIN;
}

static void change_program(td_applier *a) {
    td_warming *w = a->warming;
    td_state_swap(a->state, w->of.program, w->of.state);
    a->feed_name_size = 0;
    a->swaps.count++;
    a->swaps.cold += w->cold;
    td_program *before = a->program;
    a->program = w->of.program;
    w->of.program = before;
    a->warming = NULL;
    warming_free(w);
}

static td_status swap_program(td_applier *a, const td_program_mark *mark, int64_t offset) {
    if (a->warms || memcmp(a->program->sha256, mark->sha256, TD_PROGRAM_SHA_BYTES) == 0) return TD_OK;
    td_status status = a->warming == NULL ? begin_warming(a, mark) : TD_OK;
    if (status == TD_OK && a->warming->reader != NULL) status = warm_some(a, offset);
    if (status == TD_OK) change_program(a);
    return status;
}

/* ---- life ---- */

td_status td_applier_begin(td_applier *out, const td_topics *topics, uint32_t partition, int64_t offset) {
    *out = (td_applier){.topics = topics, .partition = partition};
    uint8_t sha256[TD_PROGRAM_SHA_BYTES];
    td_status status = td_program_at(topics, partition, offset, sha256);
    if (status == TD_OK) status = td_program_load(topics, sha256, &out->program);
    if (status == TD_OK) out->state = td_state_new(out->program);
    return status;
}

void td_applier_fini(td_applier *a) {
    td_gathering_free(a->gathering);
    warming_free(a->warming);
    td_state_free(a->state);
    td_program_free(a->program);
    *a = (td_applier){0};
}

/* ---- bars that waited for others ---- */

void td_applier_places(const td_applier *a, td_members_places *out) {
    if (a->gathering != NULL)
        td_gathering_places(a->gathering, td_state_sections_done(a->state), out);
    else
        *out = a->from;
}

static __attribute__((noinline)) td_status run_sections(td_applier *a, int64_t end_ns, const td_event *event,
                                                        const td_emit *emit) {
    td_due due = {.end_ns = end_ns, .event_ns = event->event_ns, .known_at_ns = event->receive_ns};
    td_status status = TD_OK;
    bool told = a->topics->outputs[TD_OUTPUT_SECTIONS] != NULL && !a->forgoes; /* old logs have none */
    if (told && a->gathering == NULL) a->gathering = td_gathering_new(a->topics, &a->from);
    if (told) status = td_gathering_collect(a->gathering, td_state_sections_done(a->state), end_ns, &due.members);
    a->waits = status == TD_AGAIN;
    if (status == TD_OK) td_state_run_sections(a->state, &due, emit);
    return status;
}

/* ---- any record ---- */

/* Records of one feed come in rows: its name is looked up once for all of them. */
static void remember_feed(td_applier *a, td_bytes name) {
    a->feed = td_state_feed(a->state, name);
    a->feed_name_size = a->feed == UINT32_MAX ? 0 : name.size;
    if (a->feed_name_size > 0) memcpy(a->feed_name, name.data, name.size);
    a->reads_codes = td_program_feed_of(a->program, name)->rules == TD_RULES_VENUE;
}

/* Codes are read where all are asked for, or the feed before asked for them, and else again where this one does. */
static td_status get_event(td_applier *a, td_bytes value, td_event *out) {
    td_bytes feed;
    bool codes = a->reads_codes || a->accepted != NULL;
    td_status status = codes ? td_record_get_event(a->topics->ids, value, out, &feed)
                             : td_record_get_event_numbers(a->topics->ids, value, out, &feed);
    bool of_feed = status == TD_OK && out->kind != TD_EVENT_PROGRAM && out->kind != TD_EVENT_CORPORATE;
    if (of_feed && !td_bytes_equal(feed, (td_bytes){a->feed_name, a->feed_name_size})) {
        remember_feed(a, feed);
        if (a->reads_codes && !codes) status = td_record_get_event(a->topics->ids, value, out, &feed);
    }
    out->feed = a->feed;
    return status;
}

/* A worker has judged it: whoever goes the same way later passes it, too. It may have done so just now. */
static __attribute__((noinline)) td_status ask_rejected(td_applier *a, int64_t offset) {
    bool unread = a->topics->rejected != NULL && offset >= a->told_end;
    td_status status = unread ? td_foreign_told(a->topics, a->partition, &a->told_end) : TD_OK;
    a->passed = status == TD_OK && offset < a->told_end;
    return status;
}

static td_status apply_event(td_applier *a, const td_record *record, td_event *event, const td_emit *emit,
                             td_applied *out) {
    bool named = record->key.size > 0 && record->key.size <= TD_INSTRUMENT_NAME_MAX;
    if (event->kind == TD_EVENT_CORPORATE && named) {
        out->action = (uint8_t)td_state_take_action(a->state, event, record->key);
        return TD_OK;
    }
    if (event->feed == UINT32_MAX)
        return TD_FAIL(TD_CORRUPT, "tape-%" PRIu32 ": more than %d feeds", a->partition, TD_PROGRAM_FEEDS_MAX);
    if (event->kind == TD_EVENT_BOOK && named) {
        td_book_level levels[TD_BOOK_LEVELS_MAX];
        (void)td_record_get_levels(record->value, levels);
        event->book.levels = levels;
        out->book = (uint8_t)td_state_take_book(a->state, event, record->key, emit);
        return TD_OK;
    }
    if (event->kind == TD_EVENT_VENDOR_BAR && named) {
        out->vendor_bar = true;
        return TD_OK;
    }
    if (event->kind != TD_EVENT_TIME) {
        if (!named)
            return TD_FAIL(TD_CORRUPT, "tape-%" PRIu32 ": offset %" PRId64 " has no instrument", a->partition,
                           record->offset);
        event->instrument = td_state_find_instrument(a->state, record->key);
        if (event->instrument == UINT32_MAX && event->kind == TD_EVENT_FILLED) return TD_OK; /* it has no gap here */
        if (event->instrument == UINT32_MAX) event->instrument = td_state_add_instrument(a->state, event, record->key);
        if (event->instrument == UINT32_MAX) {
            *out = td_state_refuse(a->state, event, record->key, emit);
            return TD_OK;
        }
    }
    *out = td_state_apply(a->state, event, emit);
    return TD_OK;
}

td_status td_applier_apply_some(td_applier *a, const td_record *record, const td_emit *emit, td_applied *out) {
    td_event event;
    *out = (td_applied){.verdict = TD_VERDICT_NOT_A_TICK};
    td_status status = get_event(a, record->value, &event);
    a->passed = status != TD_OK && a->passes;
    td_status asked = status != TD_OK && !a->passed ? ask_rejected(a, record->offset) : TD_OK;
    if (a->passed || asked != TD_OK) return asked;
    if (status != TD_OK)
        return TD_FAIL(TD_CORRUPT, "tape-%" PRIu32 ": offset %" PRId64 " is not a record of ours", a->partition,
                       record->offset);
    if (event.kind == TD_EVENT_PROGRAM) return swap_program(a, &event.program, record->offset);
    int64_t due_ns = td_state_sections_due(a->state);
    if (due_ns != INT64_MIN) status = run_sections(a, due_ns, &event, emit);
    if (status != TD_OK) return status;
    status = apply_event(a, record, &event, emit, out);
    /* What becomes of a copy is counted where its instrument lives; what it closes here is not. */
    if ((event.flags & TD_FLAG_COPY) != 0) *out = (td_applied){TD_VERDICT_NOT_A_TICK, .changed = out->changed};
    if (a->accepted != NULL && status == TD_OK && out->verdict == TD_VERDICT_ACCEPTED)
        a->accepted->take(a->accepted->self, record->key, (td_bytes){a->feed_name, a->feed_name_size}, &event);
    return status;
}

td_status td_applier_apply(td_applier *a, const td_record *record, const td_emit *emit, td_applied *out) {
    td_status status;
    do status = td_applier_apply_some(a, record, emit, out);
    while (status == TD_AGAIN && !a->waits);
    return status;
}
