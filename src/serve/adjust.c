/* src/serve/adjust.c - read the actions, sort them, go from a bar's begin on. */
#include "serve/adjust.h"
#include "base/hash.h"
#include "base/time.h"
#include "model/corporate.h"
#include "schema/cause.h"
#include <stdlib.h>

enum { READS_PER_STEP = 8192, BLOCK_BYTES = 256 << 10 };

typedef struct action {
    int64_t ex_ns, amount; /* of a dividend, in shares of then */
    uint32_t numerator, denominator;
} action;

struct td_adjust {
    td_adjust_question q;
    td_zone zone;
    td_reader *reader; /* NULL: not begun, or finished */
    int64_t dated_to;  /* above it no tick of the instrument was found; -1: there is nothing to date any more */
    bool finished;
    action *actions; /* by ex_ns, once finished */
    size_t count, capacity;
};

td_adjust *td_adjust_new(const td_adjust_question *question) {
    td_adjust *a = td_alloc_zero(1, sizeof *a);
    a->q = *question;
    a->zone = td_program_zone(question->program, question->instrument);
    a->q.program = NULL;
    a->dated_to = question->at_offset == INT64_MAX ? -1 : question->at_offset;
    a->finished = question->actions == NULL || question->how == TD_ADJUST_NONE;
    return a;
}

void td_adjust_free(td_adjust *a) {
    if (a == NULL) return;
    td_reader_close(a->reader);
    free(a->actions);
    free(a);
}

/* ---- reading ---- */

static void keep(td_adjust *a, const td_corporate *c, int64_t ex_ns) {
    if (a->count == a->capacity) {
        a->capacity = 2 * a->capacity + 16;
        size_t bytes = a->capacity * sizeof *a->actions;
        a->actions = td_alloc_check(realloc(a->actions, bytes), bytes);
    }
    bool split = c->kind == TD_CORPORATE_SPLIT;
    a->actions[a->count++] = (action){ex_ns, c->amount, split ? c->numerator : 1, split ? c->denominator : 1};
}

static void consider(td_adjust *a, const td_record *record) {
    td_event event;
    td_bytes feed;
    const td_adjust_question *q = &a->q;
    if (!td_bytes_equal(record->key, q->instrument)) return;
    if (td_record_get_event(q->ids, record->value, &event, &feed) != TD_OK || event.kind != TD_EVENT_CORPORATE) return;
    const td_corporate *c = &event.corporate;
    bool wanted = c->kind == TD_CORPORATE_SPLIT || (c->kind == TD_CORPORATE_DIVIDEND && q->how == TD_ADJUST_ALL);
    int64_t ex_ns = td_zone_to_utc(a->zone, c->ex_day, 0);
    bool known = td_place_has(&q->as_of, td_corporate_known_ns(&event), td_record_header(record, TD_CAUSE_HEADER));
    if (wanted && known && ex_ns <= q->at_ns) keep(a, c, ex_ns);
}

/* Of one instant a split goes in front: a dividend of its day is of the new shares. */
static int by_instant(const void *x, const void *y) {
    const action *a = x, *b = y;
    if (a->ex_ns != b->ex_ns) return a->ex_ns < b->ex_ns ? -1 : 1;
    return (a->amount > b->amount) - (a->amount < b->amount);
}

static void take_tick_time(const td_adjust *a, const td_record *record, int64_t *out_ns) {
    td_event event;
    td_bytes feed;
    bool of_it = td_bytes_equal(record->key, a->q.instrument) &&
                 td_record_get_event(a->q.ids, record->value, &event, &feed) == TD_OK;
    if (of_it && td_event_is_tick(&event)) *out_ns = event.receive_ns;
}

/* A block of the tape, backwards: what came behind the instrument's last tick there is neither known nor in force. */
static td_status date_step(td_adjust *a, uint32_t partition) {
    td_topic *tape = a->q.tape;
    int64_t end = td_topic_end(tape, partition), to = a->dated_to < end ? a->dated_to : end, last_ns = INT64_MIN;
    int64_t from = td_topic_block_before(tape, partition, to, BLOCK_BYTES);
    td_reader *reader;
    td_record record;
    td_status status = td_reader_open(&reader, tape, partition, from, TD_READ_APPENDED);
    while (status == TD_OK && td_reader_offset(reader) < to) {
        status = td_reader_next(reader, &record);
        if (status == TD_OK && record.offset < to) take_tick_time(a, &record, &last_ns);
    }
    td_reader_close(reader);
    bool done = last_ns != INT64_MIN || from <= td_topic_start(tape, partition);
    a->dated_to = done ? -1 : from;
    if (done) a->q.at_ns = td_least(a->q.at_ns, last_ns);
    if (done && a->q.as_of.offset != INT64_MAX) a->q.as_of.known_ns = last_ns;
    return status == TD_AGAIN ? TD_OK : status;
}

td_status td_adjust_step(td_adjust *a) {
    if (a->finished) return TD_OK;
    uint32_t partition = td_partition_of(a->q.instrument, td_topic_partitions(a->q.actions));
    if (a->dated_to >= 0) {
        td_status dated = date_step(a, partition);
        return dated == TD_OK ? TD_AGAIN : dated;
    }
    td_status status = TD_OK;
    if (a->reader == NULL) status = td_reader_open(&a->reader, a->q.actions, partition, 0, TD_READ_APPENDED);
    td_record record;
    for (int i = 0; i < READS_PER_STEP && status == TD_OK; i++) {
        status = td_reader_next(a->reader, &record);
        if (status == TD_OK) consider(a, &record);
    }
    if (status == TD_OK) return TD_AGAIN;
    if (status != TD_AGAIN) return status;
    if (a->count > 1) qsort(a->actions, a->count, sizeof *a->actions, by_instant);
    a->finished = true;
    return TD_OK;
}

/* ---- bars ---- */

static void lessen(int64_t *price, td_i128 dividends) {
    td_i128 left = *price - dividends;
    *price = left < INT64_MIN + 1 ? INT64_MIN + 1 : (int64_t)left;
}

void td_adjust_bar(const td_adjust *a, td_bar *bar) {
    td_split later = {1, 1}; /* of what comes behind the action looked at, in the end behind the bar */
    td_i128 dividends = 0;
    for (size_t i = a->count; i-- > 0 && a->actions[i].ex_ns > bar->start_ns;) {
        const action *one = &a->actions[i];
        if (one->amount > 0) dividends += td_split_price(later, one->amount);
        (void)td_split_add(&later, one->numerator, one->denominator);
    }
    if (later.numerator != later.denominator) td_split_bar(later, bar);
    lessen(&bar->open, dividends);
    lessen(&bar->high, dividends);
    lessen(&bar->low, dividends);
    lessen(&bar->close, dividends);
    lessen(&bar->vwap, dividends);
}
