/* src/serve/adjust.c - read the actions, sort them, go from a bar's begin on. */
#include "serve/adjust.h"
#include "base/hash.h"
#include "model/corporate.h"
#include "schema/cause.h"
#include <stdlib.h>

enum { READS_PER_STEP = 8192 };

typedef struct action {
    int64_t ex_ns, amount; /* of a dividend, in shares of then */
    uint32_t numerator, denominator;
} action;

struct td_adjust {
    td_adjust_question q;
    td_zone zone;
    td_reader *reader; /* NULL: not begun, or finished */
    bool finished;
    action *actions; /* by ex_ns, once finished */
    size_t count, capacity;
};

td_adjust *td_adjust_new(const td_adjust_question *question) {
    td_adjust *a = td_alloc_zero(1, sizeof *a);
    a->q = *question;
    a->zone = td_program_zone(question->program, question->instrument);
    a->q.program = NULL;
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

td_status td_adjust_step(td_adjust *a) {
    if (a->finished) return TD_OK;
    uint32_t partition = td_partition_of(a->q.instrument, td_topic_partitions(a->q.actions));
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
