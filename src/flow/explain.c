/* src/flow/explain.c - from a signal's name to what caused it, and along the tape to there. */
#include "flow/explain.h"
#include "base/hash.h"
#include "base/time.h"
#include "flow/programs.h"
#include "model/instrument.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { TICKS_KEPT = 64 }; /* the newest that may have run the strategy, of which the last did: `every` skips some */

typedef struct sought { /* a bar that may be the one, of some width */
    int64_t width_ns, end_ns;
    td_cause cause;
    int64_t revisions;
} sought;

struct td_explain {
    td_explain_question q;
    uint32_t partition;
    td_reader *reader; /* of what is looked up; NULL: done */
    td_topic *topic;
    int64_t looked_up;
    sought bars[TD_WIDTHS_MAX];
    size_t bar_count;
    int64_t width_ns, end_ns; /* of the bar without a signal */
    int64_t revisions;
    uint32_t ticks;                   /* td_rhythm_source of a strategy without a signal; 0: it runs on bars */
    int64_t tick_offsets[TICKS_KEPT]; /* a ring: records of its kind up to the time */
    int64_t tick_count, tick_at;      /* found; and from the oldest kept one on, the one being applied */
    bool tick_judged;                 /* by its signal */
    bool waits;                       /* it runs behind its ticks: by which record is seen when one does */
    const td_event *waited;           /* that runs it now; NULL: none does */
    int64_t waited_ns;                /* of those that were judged the last time; INT64_MIN: none was */
    td_judgement judgements[TD_JUDGEMENTS_MAX];
    size_t judgement_count;
    size_t judged; /* so many of them are behind us; and we stand at the record of the next one */
    bool at_cause;
    td_recheck_conf recheck_conf;
    td_emit emit;
    td_recheck *recheck;
    td_bar bar;                        /* given last, of the strategy's */
    void *before;                      /* the graph's state before it, where strategies do not look back */
    int64_t targets[TD_POSITIONS_MAX]; /* that stand before the signal which comes next */
    td_judgement *bar_judgement;       /* to be made of it once it has run through the graph; NULL: none */
    td_buf findings;
    int64_t finding_count;
};

/* The text behind the last of that character; *text ends before it. False: it has none. */
static bool cut_last(td_bytes *text, char c, td_bytes *out) {
    size_t at = text->size;
    while (at > 0 && text->data[at - 1] != (uint8_t)c) at--;
    *out = (td_bytes){text->data + at, text->size - at};
    if (at > 0) text->size = at - 1;
    return at > 0;
}

td_status td_explain_parse_id(td_bytes id, td_explain_question *out) {
    td_bytes rest = id, number, time;
    int64_t ordinal;
    bool inexact;
    if (id.size > TD_SIGNAL_ID_MAX || !cut_last(&rest, '#', &number) || !cut_last(&rest, '/', &time)) return TD_REJECT;
    const uint8_t *slash = memchr(rest.data, '/', rest.size); /* names of strategies have none */
    if (slash == NULL) return TD_REJECT;
    out->strategy = (td_bytes){rest.data, (size_t)(slash - rest.data)};
    out->instrument = (td_bytes){slash + 1, rest.size - out->strategy.size - 1};
    char instant[TD_SIGNAL_ID_MAX + 2];
    (void)snprintf(instant, sizeof instant, "%.*sZ", (int)time.size, (const char *)time.data);
    if (td_time_parse(td_text(instant), &out->at_ns) != TD_OK || !td_instrument_name_valid(out->instrument))
        return TD_REJECT;
    if (td_decimal_parse(number, 0, &ordinal, &inexact) != TD_OK || inexact || ordinal <= 0 || ordinal > UINT32_MAX)
        return TD_REJECT;
    out->ordinal = (uint32_t)ordinal;
    return TD_OK;
}

/* ---- looking up ---- */

static void note_signal(td_explain *x, const td_record *record) {
    td_signal s;
    td_bytes instrument;
    td_cause cause;
    if (!td_bytes_equal(record->key, x->q.instrument) || x->judgement_count == TD_JUDGEMENTS_MAX) return;
    if (td_record_get_signal(x->q.topics->ids, record->value, &s, &instrument) != TD_OK) return;
    if (s.event_ns != x->q.at_ns || s.ordinal != x->q.ordinal || !td_bytes_equal(s.strategy, x->q.strategy)) return;
    if (!td_cause_get(td_record_header(record, TD_CAUSE_HEADER), &cause)) return;
    td_judgement *j = &x->judgements[x->judgement_count++];
    *j = (td_judgement){.cause = cause, .held_offset = record->offset};
    td_buf_put(&j->held, record->value.data, record->value.size);
}

static void note_bar(td_explain *x, const td_record *record) {
    td_bar bar;
    td_bytes instrument;
    td_cause cause;
    if (!td_bytes_equal(record->key, x->q.instrument)) return;
    if (td_record_get_bar(x->q.topics->ids, record->value, &bar, &instrument) != TD_OK) return;
    if (x->q.at_ns < bar.start_ns || x->q.at_ns >= bar.end_ns) return;
    for (size_t i = 0; i < x->bar_count; i++) {
        if (x->bars[i].width_ns != bar.width_ns) continue;
        x->bars[i].revisions++;
        return;
    }
    if (x->bar_count == TD_WIDTHS_MAX || !td_cause_get(td_record_header(record, TD_CAUSE_HEADER), &cause)) return;
    x->bars[x->bar_count++] = (sought){bar.width_ns, bar.end_ns, cause, 0};
}

static td_event_kind kind_of(uint32_t source) {
    static const td_event_kind kinds[] = {[TD_RHYTHM_TRADES] = TD_EVENT_TRADE,
                                          [TD_RHYTHM_QUOTES] = TD_EVENT_QUOTE,
                                          [TD_RHYTHM_BOOK] = TD_EVENT_BOOK,
                                          [TD_RHYTHM_NEWS] = TD_EVENT_NEWS};
    return kinds[source];
}

static void note_tick(td_explain *x, const td_record *record) {
    td_event e;
    td_bytes feed;
    if (!td_bytes_equal(record->key, x->q.instrument)) return;
    if (td_record_get_event_numbers(x->q.topics->ids, record->value, &e, &feed) != TD_OK) return;
    if (e.kind != kind_of(x->ticks) || e.event_ns > x->q.at_ns) return;
    x->tick_offsets[x->tick_count++ % TICKS_KEPT] = record->offset;
}

static int64_t tick_offset(const td_explain *x, int64_t at) {
    int64_t oldest = x->tick_count > TICKS_KEPT ? x->tick_count - TICKS_KEPT : 0;
    return x->tick_offsets[(oldest + at) % TICKS_KEPT];
}

static td_status look_up(td_explain *x, int64_t records) {
    td_record record;
    td_status status = TD_OK;
    for (int64_t i = 0; i < records && status == TD_OK; i++) {
        status = td_reader_next(x->reader, &record);
        if (status != TD_OK) break;
        if (x->q.ordinal > 0)
            note_signal(x, &record);
        else if (x->ticks != 0)
            note_tick(x, &record);
        else
            note_bar(x, &record);
    }
    x->looked_up = td_reader_offset(x->reader);
    return status == TD_OK ? TD_AGAIN : status == TD_AGAIN ? TD_OK : status;
}

/* ---- the strategy in a program ---- */

static bool find_strategy(const td_explain *x, const td_program *program, size_t *out_graph, uint32_t *out_strategy) {
    td_graph_strategy s;
    for (size_t g = 0; g < td_program_graph_count(program); g++) {
        const td_graph *graph = program->graphs[g];
        for (uint32_t i = 0; graph != NULL && td_graph_strategy_at(graph, i, &s); i++) {
            if (!td_bytes_equal(s.name, x->q.strategy)) continue;
            *out_graph = g;
            *out_strategy = i;
            return true;
        }
    }
    return false;
}

/* What runs on ticks by the newest program is looked for on the tape: no topic lists what ran it. */
static td_status look_for_ticks(td_explain *x) {
    uint8_t sha256[TD_PROGRAM_SHA_BYTES];
    td_program *program;
    td_topic *tape = x->q.topics->tape;
    size_t at;
    uint32_t strategy;
    int64_t end = td_topic_end(tape, x->partition);
    if (end == td_topic_start(tape, x->partition)) return TD_OK;
    td_status status = td_program_at(x->q.topics, x->partition, end, sha256);
    if (status == TD_OK) status = td_program_load(x->q.topics, sha256, &program);
    if (status != TD_OK) return status;
    td_rhythm rhythm = {0};
    if (find_strategy(x, program, &at, &strategy)) rhythm = td_graph_rhythm(program->graphs[at]);
    x->ticks = rhythm.source;
    x->waits = rhythm.wait_ns > 0;
    if (x->ticks != 0) x->topic = tape;
    td_program_free(program);
    return TD_OK;
}

static td_status choose_tick(td_explain *x) {
    char time[40];
    (void)td_time_format(x->q.at_ns, time);
    if (x->tick_count == 0)
        return TD_FAIL(TD_CONFIG, "%.*s has no %s of %s or before: nothing ran the strategy", (int)x->q.instrument.size,
                       (const char *)x->q.instrument.data, td_event_kind_name(kind_of(x->ticks)), time);
    x->judgements[x->judgement_count++] =
        (td_judgement){.cause = {.partition = x->partition, .offset = tick_offset(x, 0)}, .held_offset = -1};
    return TD_OK;
}

/* Which of the bars that hold the time the strategy ran on, by the program in force when they were given. */
static td_status choose_bar(td_explain *x) {
    char time[40];
    (void)td_time_format(x->q.at_ns, time);
    for (size_t i = 0; i < x->bar_count; i++) {
        uint8_t sha256[TD_PROGRAM_SHA_BYTES];
        td_program *program;
        size_t at;
        uint32_t strategy;
        td_status status = td_program_at(x->q.topics, x->partition, x->bars[i].cause.offset, sha256);
        if (status == TD_OK) status = td_program_load(x->q.topics, sha256, &program);
        if (status != TD_OK) return status;
        bool ours =
            find_strategy(x, program, &at, &strategy) && td_graph_width_ns(program->graphs[at]) == x->bars[i].width_ns;
        td_program_free(program);
        if (!ours) continue;
        x->width_ns = x->bars[i].width_ns;
        x->end_ns = x->bars[i].end_ns;
        x->revisions = x->bars[i].revisions;
        x->judgements[x->judgement_count++] = (td_judgement){.cause = x->bars[i].cause, .held_offset = -1};
        return TD_OK;
    }
    if (x->bar_count == 0)
        return TD_FAIL(TD_CONFIG,
                       "%.*s has no bar that holds %s: nothing was judged then; `tapedeck explain window` "
                       "tells whether one is still open",
                       (int)x->q.instrument.size, (const char *)x->q.instrument.data, time);
    return TD_FAIL(TD_CONFIG, "no strategy \"%.*s\" ran on the bars of %.*s that hold %s", (int)x->q.strategy.size,
                   (const char *)x->q.strategy.data, (int)x->q.instrument.size, (const char *)x->q.instrument.data,
                   time);
}

/* ---- judging ---- */

static bool is_wanted(const td_explain *x, td_bytes instrument) { return td_bytes_equal(instrument, x->q.instrument); }

/* The judgement that is to be made at the record being applied. */
static td_judgement *due(td_explain *x, uint32_t ordinal) {
    const td_past *past = td_recheck_past(x->recheck);
    for (size_t i = 0; i < x->judgement_count; i++) {
        td_judgement *j = &x->judgements[i];
        bool here = past->record != NULL && past->record->offset == j->cause.offset;
        if (here && !j->judged && (x->q.ordinal == 0 || j->cause.ordinal == ordinal)) return j;
    }
    return NULL;
}

static void keep_record(td_explain *x, td_judgement *j) {
    const td_past *past = td_recheck_past(x->recheck);
    td_bytes feed;
    td_buf_put(&j->record, past->record->value.data, past->record->value.size);
    if (td_record_get_event_numbers(x->q.topics->ids, past->record->value, &j->event, &feed) == TD_OK)
        td_buf_put(&j->feed, feed.data, feed.size);
    memcpy(j->program_sha256, past->applier.program->sha256, TD_PROGRAM_SHA_BYTES);
}

static void clear_judgement(td_judgement *j) {
    td_why_fini(&j->why);
    td_buf_fini(&j->held);
    td_buf_fini(&j->signal);
    td_buf_fini(&j->feed);
    td_buf_fini(&j->record);
}

static void *new_state(const td_graph *graph) {
    size_t bytes = td_graph_state_bytes(graph);
    return td_alloc_check(aligned_alloc(16, bytes), bytes);
}

/* The state before the bar that ends there, with bar and target: as strategies remember them or, where they do not look
 * back, as they stood when the bar was given. To be freed; NULL: neither. */
static void *state_before(td_explain *x, td_judgement *j, td_hindsight h, td_why_question *q, int64_t end_ns) {
    void *before = x->before;
    x->before = NULL;
    if (h.depth == 0) {
        j->bar = x->bar;
        j->has_bar = before != NULL && x->bar.end_ns == end_ns;
        const td_state *state = td_recheck_past(x->recheck)->applier.state;
        uint32_t instrument = td_state_find_instrument(state, x->q.instrument);
        td_moment now = td_state_moment(state, instrument, j->has_bar ? x->bar.start_ns : end_ns);
        const void *stood = before == NULL || (x->ticks != 0 && !x->tick_judged) ? h.state : before;
        q->stance = td_graph_stance(h.graph, stood, q->strategy, now, end_ns);
        return before;
    }
    j->has_bar = td_hindsight_bar(h, end_ns, q->strategy, &j->bar, &q->stance);
    before = new_state(h.graph);
    if (td_hindsight_before(h, x->q.instrument, end_ns, before)) return before;
    free(before);
    return NULL;
}

static uint32_t position_of(const td_graph *graph, uint32_t strategy, td_bytes leg) {
    uint32_t position = td_graph_positions(graph, strategy) - 1;
    while (position > 0 && !td_bytes_equal(td_graph_traded(graph, strategy, position), leg)) position--;
    return position;
}

/* With its signal the graph stands behind that bar; without one it may stand behind later ones. */
static void judge(td_explain *x, td_judgement *j, int64_t end_ns, const td_signal *signal) {
    const td_past *past = td_recheck_past(x->recheck);
    size_t at;
    td_why_question q = {0};
    td_hindsight h;
    td_graph_strategy view;
    if (!find_strategy(x, past->applier.program, &at, &q.strategy)) return;
    if (!td_state_hindsight(past->applier.state, x->q.instrument, at, &h)) return;
    void *before = state_before(x, j, h, &q, end_ns), *behind = NULL;
    if (signal == NULL && h.depth > 0) behind = new_state(h.graph);
    q.graph = h.graph;
    q.before = before;
    q.at = behind != NULL && td_hindsight_before(h, x->q.instrument, end_ns + 1, behind) ? behind : h.state;
    uint32_t position = signal != NULL ? position_of(h.graph, q.strategy, signal->leg) : 0;
    if (signal != NULL && !j->has_bar) memcpy(q.stance.targets, x->targets, sizeof x->targets); /* by a trade or tick */
    j->target_before = q.stance.targets[position];
    q.position = h.state;
    q.price = signal != NULL ? signal->price : td_state_last_trade(past->applier.state, x->q.instrument);
    q.meant = td_graph_strategy_at(h.graph, q.strategy, &view) && td_graph_strategy_wants(&view, x->q.instrument);
    td_why_ask(&j->why, &q);
    j->target_after = td_graph_position(h.graph, h.state, q.strategy, position)->target;
    j->judged = true;
    free(behind);
    free(before);
}

/* What was given last, of the bar without a signal; it has run through the graph by now. */
static void judge_bar(td_explain *x) {
    if (x->bar_judgement != NULL && !x->bar_judgement->judged) judge(x, x->bar_judgement, x->end_ns, NULL);
    x->bar_judgement = NULL;
}

/* Targets as they stand are kept and, where strategies do not look back, the whole state. */
static void keep_before(td_explain *x) {
    const td_past *past = td_recheck_past(x->recheck);
    size_t at;
    uint32_t strategy;
    td_hindsight h;
    free(x->before);
    x->before = NULL;
    memset(x->targets, 0, sizeof x->targets);
    if (!find_strategy(x, past->applier.program, &at, &strategy)) return;
    if (!td_state_hindsight(past->applier.state, x->q.instrument, at, &h)) return;
    for (uint32_t p = 0; p < td_graph_positions(h.graph, strategy); p++)
        x->targets[p] = td_graph_position(h.graph, h.state, strategy, p)->target;
    if (h.depth > 0) return;
    x->before = new_state(h.graph);
    memcpy(x->before, h.state, td_graph_state_bytes(h.graph));
}

static void on_bar(void *self, td_bytes instrument, const td_bar *bar) {
    td_explain *x = self;
    const td_past *past = td_recheck_past(x->recheck);
    size_t at;
    uint32_t strategy;
    if (!is_wanted(x, instrument) || past->record->offset < x->judgements[0].cause.offset) return;
    if (!find_strategy(x, past->applier.program, &at, &strategy)) return;
    if (td_graph_width_ns(past->applier.program->graphs[at]) != bar->width_ns) return;
    judge_bar(x); /* another one of the same record comes behind it */
    x->bar = *bar;
    if (x->q.ordinal == 0 && bar->end_ns == x->end_ns) x->bar_judgement = due(x, 0);
    if (x->bar_judgement != NULL) keep_record(x, x->bar_judgement);
    keep_before(x);
}

/* ---- a strategy on ticks ---- */

/* What was told of an older tick is of no account. */
static td_judgement *begin_tick(td_explain *x) {
    td_judgement *j = &x->judgements[0];
    clear_judgement(j);
    *j = (td_judgement){.cause = {.partition = x->partition, .offset = tick_offset(x, x->tick_at)}, .held_offset = -1};
    return j;
}

/* The time at which the strategy ran last. False: not since the state before was kept. */
static bool has_run(const td_explain *x, int64_t *out_ns) {
    const td_past *past = td_recheck_past(x->recheck);
    size_t at;
    uint32_t strategy;
    td_hindsight h;
    if (!find_strategy(x, past->applier.program, &at, &strategy)) return false;
    if (!td_state_hindsight(past->applier.state, x->q.instrument, at, &h)) return false;
    return td_graph_last_ns(h.state, out_ns) &&
           (x->before == NULL || td_graph_seen(h.state) > td_graph_seen(x->before));
}

static td_status keep_tick(const td_explain *x, td_judgement *j) {
    td_reader *reader;
    td_record record;
    td_bytes feed;
    td_status status = td_reader_open(&reader, x->q.topics->tape, x->partition, j->cause.offset, TD_READ_APPENDED);
    if (status != TD_OK) return status;
    status = td_reader_next(reader, &record);
    if (status == TD_OK) {
        j->cause.epoch = record.epoch;
        td_buf_put(&j->record, record.value.data, record.value.size);
        status = td_record_get_event_numbers(x->q.topics->ids, record.value, &j->event, &feed);
        if (status == TD_OK) td_buf_put(&j->feed, feed.data, feed.size);
    }
    td_reader_close(reader);
    memcpy(j->program_sha256, td_recheck_past(x->recheck)->applier.program->sha256, TD_PROGRAM_SHA_BYTES);
    return status;
}

/* The record is applied. Of the last one the strategy's last run is told, though that was further back than they are.
 */
static td_status judge_tick(td_explain *x) {
    int64_t ns;
    td_judgement *j = &x->judgements[0];
    bool told = x->tick_judged, last = !j->judged && x->tick_at + 1 == td_least(x->tick_count, TICKS_KEPT);
    x->tick_judged = false;
    if (told) return TD_OK;
    if (!has_run(x, &ns)) {
        if (!last) return TD_OK;
        free(x->before);
        x->before = NULL;
        if (!has_run(x, &ns)) return TD_OK;
    }
    j = begin_tick(x);
    judge(x, j, ns, NULL);
    return keep_tick(x, j);
}

static td_status fail_unrun(const td_explain *x) {
    return TD_FAIL(TD_CONFIG, "nothing has run the strategy in %.*s up to then", (int)x->q.instrument.size,
                   (const char *)x->q.instrument.data);
}

/* ---- a strategy that waits ---- */

/* Of what runs it up to the time asked for, the last in time. */
static td_judgement *begin_waited(td_explain *x) {
    const td_past *past = td_recheck_past(x->recheck);
    td_judgement *j = &x->judgements[0];
    clear_judgement(j);
    *j = (td_judgement){.cause = {x->partition, past->record->epoch, past->record->offset, 0}, .held_offset = -1};
    keep_record(x, j);
    return j;
}

static void on_waited(void *self, td_bytes instrument, const td_waited *waited) {
    td_explain *x = self;
    size_t at;
    uint32_t strategy;
    if (!is_wanted(x, instrument)) return;
    if (!find_strategy(x, td_recheck_past(x->recheck)->applier.program, &at, &strategy) || at != waited->graph) return;
    if (!waited->over) {
        keep_before(x);
        x->waited = waited->event;
        x->tick_judged = false;
        return;
    }
    x->waited = NULL;
    if (!x->waits || waited->event->event_ns > x->q.at_ns || waited->event->event_ns < x->waited_ns) return;
    x->waited_ns = waited->event->event_ns;
    if (!x->tick_judged) judge(x, begin_waited(x), x->waited_ns, NULL);
    x->judgements[0].tick = *waited->event;
}

/* The first signal of its run. */
static td_judgement *due_waited(td_explain *x, const td_signal *signal) {
    bool meant =
        x->waited != NULL && !x->tick_judged && signal->event_ns <= x->q.at_ns && signal->event_ns >= x->waited_ns;
    x->tick_judged |= meant;
    return meant ? begin_waited(x) : NULL;
}

/* A tick up to that time has not run it yet. */
static bool still_waits(const td_explain *x) {
    const td_past *past = td_recheck_past(x->recheck);
    size_t at;
    uint32_t strategy;
    return find_strategy(x, past->applier.program, &at, &strategy) &&
           td_state_waits(past->applier.state, x->q.instrument, at, x->q.at_ns);
}

/* None of those ticks ran it: `every` skips some. What did is further back. */
static td_status judge_last_run(td_explain *x) {
    int64_t ns;
    td_judgement *j = &x->judgements[0];
    if (j->judged) return TD_OK;
    free(x->before);
    x->before = NULL;
    if (!has_run(x, &ns) || ns > x->q.at_ns) return fail_unrun(x);
    j->cause.offset = tick_offset(x, td_least(x->tick_count, TICKS_KEPT) - 1);
    judge(x, j, ns, NULL);
    return keep_tick(x, j);
}

/* To the oldest tick that was kept; then along the tape until none up to the time waits any more. */
static td_status step_waits(td_explain *x, int64_t records) {
    const td_past *past = td_recheck_past(x->recheck);
    int64_t oldest = tick_offset(x, 0), newest = tick_offset(x, td_least(x->tick_count, TICKS_KEPT) - 1);
    int64_t end = td_topic_end(x->q.topics->tape, x->partition);
    if (past->offset < oldest) {
        td_status status = td_recheck_step(x->recheck, oldest, records);
        return status == TD_OK ? TD_AGAIN : status;
    }
    for (int64_t i = 0; i < records; i++) {
        if (past->offset > newest && !still_waits(x)) return judge_last_run(x);
        td_status status = td_recheck_step(x->recheck, end, 1);
        if (status == TD_OK && still_waits(x))
            return TD_FAIL(TD_CONFIG, "what %.*s tells of that time waits still: %.*s has not run on it",
                           (int)x->q.instrument.size, (const char *)x->q.instrument.data, (int)x->q.strategy.size,
                           (const char *)x->q.strategy.data);
        if (status == TD_OK) return judge_last_run(x);
        if (status != TD_AGAIN) return status;
    }
    return TD_AGAIN;
}

/* ---- signals on the way ---- */

/* The first that its run gave; a level that the trade reached is another matter. */
static td_judgement *due_tick(td_explain *x, const td_signal *signal) {
    int64_t ns;
    bool here = td_recheck_past(x->recheck)->record->offset == tick_offset(x, x->tick_at);
    if (!here || x->tick_judged || !has_run(x, &ns) || ns != signal->event_ns) return NULL;
    x->tick_judged = true;
    td_judgement *j = begin_tick(x);
    keep_record(x, j);
    return j;
}

static td_judgement *due_signal(td_explain *x, const td_signal *signal) {
    td_judgement *j = NULL;
    if (x->waits) return due_waited(x, signal);
    if (x->ticks != 0) return due_tick(x, signal);
    if (x->q.ordinal == 0) return signal->event_ns == x->end_ns ? x->bar_judgement : NULL;
    j = due(x, td_recheck_cause(x->recheck).ordinal);
    if (j != NULL) keep_record(x, j);
    if (j != NULL && x->waited != NULL) j->tick = *x->waited;
    return j;
}

static void on_signal(void *self, td_bytes instrument, const td_signal *signal) {
    td_explain *x = self;
    if (!is_wanted(x, instrument) || !td_bytes_equal(signal->strategy, x->q.strategy)) return;
    td_judgement *j = due_signal(x, signal);
    if (j != NULL && !j->judged) {
        judge(x, j, signal->event_ns, signal);
        if (signal->status != TD_SIGNAL_FRESH) j->target_after = j->target_before;
        td_record_put_signal(&j->signal, x->q.topics->ids, instrument, signal);
    }
    size_t at;
    uint32_t strategy;
    const td_program *program = td_recheck_past(x->recheck)->applier.program;
    bool moves = signal->status == TD_SIGNAL_FRESH && signal->action <= TD_ACTION_EXIT;
    if (moves && find_strategy(x, program, &at, &strategy))
        x->targets[position_of(program->graphs[at], strategy, signal->leg)] = signal->target;
}

static void on_finding(void *arg, const td_recheck_finding *finding) {
    td_explain *x = arg;
    for (size_t i = 0; i < x->judgement_count; i++)
        x->judgements[i].differs |= finding->word == TD_RECHECK_DIFFERS &&
                                    td_cause_compare(&finding->cause, &x->judgements[i].cause) == 0 && x->q.ordinal > 0;
    if (x->finding_count++ >= TD_EXPLAIN_FINDINGS_MAX) return;
    td_recheck_put_finding(&x->findings, x->q.topics->ids, finding);
    td_buf_text(&x->findings, "\n");
}

/* ---- steps ---- */

static td_status begin_applying(td_explain *x) {
    char time[40];
    td_status status = TD_OK;
    td_reader_close(x->reader);
    x->reader = NULL;
    if (x->q.ordinal == 0) status = x->ticks != 0 ? choose_tick(x) : choose_bar(x);
    if (status == TD_OK && x->judgement_count == 0) {
        (void)td_time_format_short(x->q.at_ns, time);
        status = TD_FAIL(TD_CONFIG, "the log has no signal %.*s/%.*s/%s#%" PRIu32, (int)x->q.strategy.size,
                         (const char *)x->q.strategy.data, (int)x->q.instrument.size,
                         (const char *)x->q.instrument.data, time, x->q.ordinal);
    }
    if (status != TD_OK) return status;
    x->emit = td_emit_none;
    x->emit.self = x;
    x->emit.bar = on_bar;
    x->emit.signal = on_signal;
    x->emit.waited = on_waited;
    x->recheck_conf = (td_recheck_conf){.os = x->q.os,
                                        .topics = x->q.topics,
                                        .snapshot_dir = x->q.snapshot_dir,
                                        .partition = x->partition,
                                        .begin = x->judgements[0].cause.offset,
                                        .emit = &x->emit,
                                        .found = on_finding,
                                        .arg = x};
    status = td_recheck_open(&x->recheck, &x->recheck_conf);
    if (status == TD_OK && td_recheck_counted(x->recheck)->forgetful)
        status = TD_FAIL(TD_CONFIG,
                         "retention has taken the beginning of tape-%" PRIu32 ", and no snapshot before offset %" PRId64
                         " is kept",
                         x->partition, x->recheck_conf.begin);
    return status;
}

td_explain *td_explain_new(const td_explain_question *question) {
    td_explain *x = td_alloc_zero(1, sizeof *x);
    x->q = *question;
    x->waited_ns = INT64_MIN;
    x->partition = td_partition_of(question->instrument, question->topics->partitions);
    x->topic = question->topics->outputs[question->ordinal > 0 ? TD_OUTPUT_SIGNALS : TD_OUTPUT_BARS];
    return x;
}

void td_explain_free(td_explain *x) {
    if (x == NULL) return;
    for (size_t i = 0; i < x->judgement_count; i++) clear_judgement(&x->judgements[i]);
    td_reader_close(x->reader);
    td_recheck_close(x->recheck);
    free(x->before);
    td_buf_fini(&x->findings);
    free(x);
}

static td_status look_up_more(td_explain *x, int64_t records) {
    td_status status = TD_OK;
    if (x->reader == NULL && x->q.ordinal == 0) status = look_for_ticks(x);
    if (status == TD_OK && x->reader == NULL)
        status = td_reader_open(&x->reader, x->topic, x->partition, 0, TD_READ_APPENDED);
    if (status == TD_OK) status = look_up(x, records);
    if (status == TD_OK) status = begin_applying(x);
    return status == TD_OK ? TD_AGAIN : status;
}

/* Each tick that was kept. */
static td_status pass_tick(td_explain *x) {
    td_status status = judge_tick(x);
    x->at_cause = false;
    x->tick_at++;
    if (status != TD_OK) return status;
    if (x->tick_at < td_least(x->tick_count, TICKS_KEPT)) return TD_AGAIN;
    return x->judgements[0].judged ? TD_OK : fail_unrun(x);
}

/* First to the record that leads to the next judgement, then over it. */
td_status td_explain_step(td_explain *x, int64_t records) {
    if (x->recheck == NULL) return look_up_more(x, records);
    if (x->waits) return step_waits(x, records);
    int64_t offset = x->ticks != 0 ? tick_offset(x, x->tick_at) : x->judgements[x->judged].cause.offset;
    td_status status = td_recheck_step(x->recheck, offset + x->at_cause, records);
    if (status != TD_OK) return status;
    if (!x->at_cause) {
        keep_before(x);
        x->at_cause = true;
        return TD_AGAIN;
    }
    if (x->ticks != 0) return pass_tick(x);
    judge_bar(x);
    x->at_cause = false;
    while (x->judged < x->judgement_count && x->judgements[x->judged].cause.offset == offset) x->judged++;
    return x->judged < x->judgement_count ? TD_AGAIN : TD_OK;
}

void td_explain_progress(const td_explain *x, int64_t *out_done, int64_t *out_all) {
    int64_t start = td_topic_start(x->topic, x->partition);
    *out_done = x->looked_up > start ? x->looked_up - start : 0;
    *out_all = td_topic_end(x->topic, x->partition) - start;
    if (x->recheck == NULL) return;
    const td_past *past = td_recheck_past(x->recheck);
    *out_done += past->offset - past->from;
    int64_t last = x->ticks != 0 ? tick_offset(x, td_least(x->tick_count, TICKS_KEPT) - 1)
                                 : x->judgements[x->judgement_count - 1].cause.offset;
    *out_all += td_most(last + 1, past->offset) - past->from; /* what waits runs behind the last */
}

const td_judgement *td_explain_judgements(const td_explain *x, size_t *out_count) {
    *out_count = x->judgement_count;
    return x->judgements;
}

int64_t td_explain_revisions(const td_explain *x) { return x->revisions; }

td_bytes td_explain_findings(const td_explain *x, int64_t *out_count) {
    *out_count = x->finding_count;
    return td_buf_bytes(&x->findings);
}
