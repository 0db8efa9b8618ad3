/* src/flow/work.c - record -> state -> outputs; the only place that decides about its errors. */
#include "flow/work.h"
#include "base/hash.h"
#include "base/time.h"
#include "flow/apply.h"
#include "flow/foreign.h"
#include "flow/savepoint.h"
#include "flow/voids.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Behind the outputs, what is put into `rejected`: others write there, too, so it is compared with nothing. */
enum { REJECTS = TD_OUTPUT_COUNT, ALL_OUTPUTS };
enum { BATCH_MAX = 16384, OUTPUT_FLUSH_BYTES = 64 * 1024, OUTPUT_BATCH_BYTES = 4 * 1024 * 1024 };

typedef struct output {
    td_topic *topic;
    td_batch pending;    /* not yet committed */
    bool appended;       /* pending lies in the open transaction */
    td_reader *existing; /* what the log holds already beyond our start; NULL once passed */
    bool begun_late;     /* published: its first records are of behind our start, or from before it */
} output;

struct td_worker {
    td_work_conf conf;
    uint32_t partition;
    td_writer *writer;
    bool committing;       /* its transaction is open */
    bool rejected;         /* … and cannot be committed any more */
    bool first_snapshot;   /* since it took the partition: others may have written some */
    bool forgetful;        /* its state begins behind what retention has taken: no snapshot held that */
    int64_t first_offset;  /* where the tape begins, if the state begins there; -1: it does not */
    int64_t repaired;      /* counted already */
    td_position committed; /* what it last committed; offset -1: nothing that holds */
    td_reader *tape;
    td_applier applier;
    td_emit emit;
    td_accepted accepted;
    output outputs[ALL_OUTPUTS]; /* without a topic: not published */
    td_cause cause;              /* of the record being applied */
    td_foreign *foreign;         /* NULL: nothing was judged yet */
    int64_t told_end;      /* `rejected` tells of all strangers below, with what is pending; -1: that was not read */
    uint8_t reason;        /* why it was quarantined, if it was */
    int64_t now_ms;        /* append time of outputs: outside of what is equal */
    td_bytes record_value; /* of the record being applied, borrowed from the reader */
    bool flush_due;        /* an output's pending batch is large enough to be appended */
    int64_t committed_ns;  /* when, on the run's clock */
    td_buf json;           /* of the output in the making */
    td_buf value, renewed; /* an output in the making; one of the version before, as it is written now */
    td_savepoint *savepoint;
    int64_t next_offset, snapshot_offset;
    int64_t hour_ns; /* of the tape's clock at the last snapshot; INT64_MIN: no clock yet */
    int32_t epoch;   /* of the record before next_offset */
    td_backoff backoff;
    td_status emit_status;           /* a failure inside emit: state is ahead of the log, so the worker starts again */
    int64_t programs, cold_programs; /* that the applier has begun, counted */
    int64_t warming_ns;              /* on the run's clock: since when one is warmed; 0: none is */
    int64_t counted_offset;          /* ticks below were counted: a worker that starts again counts nothing twice */
    td_work_counts counts;
    td_fault fault;
    td_counter level; /* see td_worker_level */
    atomic_bool on_duty, fenced;
};

/* ---- outputs ---- */

static void close_existing(output *out) {
    td_reader_close(out->existing);
    out->existing = NULL;
}

static void close_existing_when_passed(const td_worker *w, output *out) {
    if (td_reader_offset(out->existing) >= td_topic_end(out->topic, w->partition)) close_existing(out);
}

/* The log's output is the one that was just made, though it may have been written by the version before. */
static bool is_same(td_worker *w, const td_record *record, td_bytes key, td_bytes made) {
    if (!td_bytes_equal(record->key, key)) return false;
    if (td_bytes_equal(record->value, made)) return true;
    w->renewed.size = 0;
    return td_record_renew(&w->renewed, w->conf.topics->ids, record->value) &&
           td_bytes_equal(td_buf_bytes(&w->renewed), made);
}

/* What retention has taken made the outputs that follow it, too: they cannot be made again just so. And what was not
 * published from the beginning has its first records behind what is made now, or before it. */
static void count_diverged(td_worker *w, const output *out) {
    if (!w->forgetful && !out->begun_late) td_count(&w->counts.diverged, 1);
}

/* What made some outputs is not on the tape any more. */
static void remember_less(td_worker *w) {
    w->forgetful = true;
    td_count(&w->counts.forgetful, 1 - td_counted(&w->counts.forgetful));
}

/* Compares with the record that the log holds for the same cause. True: it is there, nothing to append. */
static bool held_already(td_worker *w, output *out, td_bytes key, td_bytes made) {
    td_record record;
    td_cause cause;
    while (out->existing != NULL) {
        td_status status = td_reader_next(out->existing, &record);
        if (status == TD_AGAIN) {
            close_existing(out);
            break;
        }
        if (status != TD_OK) {
            w->emit_status = status;
            return true;
        }
        bool ours = td_cause_get(td_record_header(&record, TD_CAUSE_HEADER), &cause);
        int order = ours ? td_cause_compare(&cause, &w->cause) : -1;
        /* The first record is a program and makes nothing: in a copy of a log it is told for what was lost before. */
        if (order < 0 && ours && cause.offset == w->first_offset) remember_less(w);
        if (order > 0) { /* an output is made that the log does not hold */
            td_reader_seek(out->existing, record.offset);
            count_diverged(w, out);
            return true;
        }
        bool same = order < 0 || is_same(w, &record, key, made); /* the record is the reader's */
        close_existing_when_passed(w, out);
        if (order == 0) td_count(&w->counts.suppressed, 1);
        if (order < 0 || !same) count_diverged(w, out);
        if (order < 0) continue; /* the log holds an output that is not made again */
        return true;
    }
    return false;
}

static td_status append_pending(td_worker *w) {
    td_status status = TD_OK;
    for (int i = 0; i < ALL_OUTPUTS && status == TD_OK; i++) {
        output *out = &w->outputs[i];
        if (out->pending.count == 0 || out->appended) continue;
        status = td_writer_append(w->writer, out->topic, w->partition, &out->pending);
        out->appended = status == TD_OK;
    }
    return status;
}

static void count_committed(td_worker *w) {
    for (int i = 0; i < ALL_OUTPUTS; i++) {
        output *out = &w->outputs[i];
        if (!out->appended) continue;
        if (i == REJECTS) td_count(&w->counts.foreign, out->pending.count);
        if (i != REJECTS) td_count(&w->counts.output_bytes[i], (int64_t)out->pending.bytes.size);
        if (i != REJECTS) td_count(&w->counts.outputs[i], out->pending.count);
        td_batch_reset(&out->pending);
        out->appended = false;
    }
    w->flush_due = false;
}

/* What is pending and the position it rests on, as one transaction. After TD_RETRY it goes on where it stood. */
static td_status commit(td_worker *w) {
    td_status status = w->committing ? TD_OK : td_writer_begin(w->writer);
    w->committing = status == TD_OK;
    if (status == TD_OK) status = append_pending(w);
    td_mark mark = {w->conf.topics->tape, w->partition, {w->epoch, w->next_offset}};
    if (w->next_offset < w->committed.offset) mark.position = w->committed; /* made again: it never goes back */
    if (status == TD_OK) status = td_writer_commit(w->writer, &mark, 1);
    if (status == TD_OK) {
        count_committed(w);
        td_count(&w->counts.commits, 1);
        w->committed = mark.position;
        w->committed_ns = w->conf.os->ops->mono_ns(w->conf.os->self);
        w->committing = false;
    }
    w->rejected = status == TD_REJECT;
    if (w->rejected) status = w->emit_status = TD_RETRY; /* state is ahead of what can be committed */
    return td_trace(status, "committing the outputs of tape-%" PRIu32, w->partition);
}

static bool add_output(td_worker *w, output *out, td_bytes key, td_bytes made) {
    char text[TD_CAUSE_MAX];
    td_bytes header = {(const uint8_t *)text, td_cause_put(&w->cause, text)};
    return td_batch_add(&out->pending, w->now_ms, key, made, TD_CAUSE_HEADER, header);
}

/* A record may make more than a batch holds, as one behind a day of silence does: what there is goes out, the position
 * staying before the record, so that a worker that ends here finds a part of its outputs, and makes the others. */
static void put_one(td_worker *w, output *out, td_bytes key, td_bytes made) {
    if (w->emit_status != TD_OK || held_already(w, out, key, made)) return;
    if (!add_output(w, out, key, made) && (w->emit_status = commit(w)) == TD_OK) (void)add_output(w, out, key, made);
    w->flush_due |= out->pending.bytes.size >= w->conf.flush_bytes;
}

static bool is_open(const td_worker *w, td_output which) {
    return which < TD_OUTPUT_COUNT && w->outputs[which].topic != NULL;
}

/* What was made, and the same as JSON, of one cause: whether one of them is published changes nothing in the other. */
static void put_output(td_worker *w, td_output which, td_bytes key) {
    td_bytes made = td_buf_bytes(&w->value);
    td_output json = td_topics_json_of(which);
    if (is_open(w, which)) put_one(w, &w->outputs[which], key, made);
    if (is_open(w, json)) {
        w->json.size = 0;
        (void)td_record_json_plain(w->conf.topics->ids, made, &w->json); /* it is one of ours */
        put_one(w, &w->outputs[json], key, td_buf_bytes(&w->json));
    }
    w->cause.ordinal++;
}

static void emit_bar(void *self, td_bytes instrument, const td_bar *bar) {
    td_worker *w = self;
    w->value.size = 0;
    td_record_put_bar(&w->value, w->conf.topics->ids, instrument, bar);
    put_output(w, TD_OUTPUT_BARS, instrument);
}

static void emit_signal(void *self, td_bytes instrument, const td_signal *signal) {
    td_worker *w = self;
    w->value.size = 0;
    td_record_put_signal(&w->value, w->conf.topics->ids, instrument, signal);
    bool withheld = signal->status == TD_SIGNAL_WITHHELD && w->cause.offset >= w->counted_offset;
    if (withheld) td_count(&w->counts.withheld, 1);
    put_output(w, TD_OUTPUT_SIGNALS, instrument);
}

static void emit_gap(void *self, td_bytes instrument, const td_gap *gap) {
    td_worker *w = self;
    w->value.size = 0;
    td_record_put_gap(&w->value, w->conf.topics->ids, instrument, gap);
    put_output(w, TD_OUTPUT_GAPS, instrument);
}

static void emit_fill(void *self, td_bytes instrument, const td_fill *fill) {
    td_worker *w = self;
    w->value.size = 0;
    td_record_put_fill(&w->value, w->conf.topics->ids, instrument, fill);
    put_output(w, TD_OUTPUT_FILLS, instrument);
}

static void take_accepted(void *self, td_bytes instrument, td_bytes feed, const td_event *event) {
    td_worker *w = self;
    if (!td_record_is_published(event->kind)) return;
    td_output which = td_topics_output_of(event->kind);
    if (!is_open(w, which) && !is_open(w, td_topics_json_of(which))) return;
    w->value.size = 0;
    td_record_put_published(&w->value, w->conf.topics->ids, feed, instrument, event);
    put_output(w, which, instrument);
}

static void emit_member(void *self, td_bytes instrument, const td_member *member) {
    td_worker *w = self;
    w->value.size = 0;
    td_record_put_member(&w->value, w->conf.topics->ids, member);
    put_output(w, TD_OUTPUT_SECTIONS, instrument);
}

/* What the state has taken, as it stands on the tape. */
static void put_as_it_is(td_worker *w, td_output which, const td_record *record) {
    w->value.size = 0;
    td_buf_put(&w->value, record->value.data, record->value.size);
    put_output(w, which, record->key);
}

/* What is refused is rare: only then are the event's codes read. */
static void emit_quarantined(void *self, td_bytes instrument, const td_quarantined *quarantined) {
    td_worker *w = self;
    td_quarantined whole = *quarantined;
    w->reason = quarantined->reason;
    td_bytes feed;
    if (td_record_get_event(w->conf.topics->ids, w->record_value, &whole.event, &feed) != TD_OK) {
        w->emit_status = TD_FAIL(TD_CORRUPT, "offset %" PRId64 " of the tape is not a record of ours", w->cause.offset);
        return;
    }
    w->value.size = 0;
    td_record_put_quarantined(&w->value, w->conf.topics->ids, instrument, &whole);
    put_output(w, TD_OUTPUT_QUARANTINE, instrument);
}

static bool has_pending(const td_worker *w) {
    for (int i = 0; i < ALL_OUTPUTS; i++)
        if (w->outputs[i].pending.count > 0) return true;
    return false;
}

/* A position alone is worth a commit only now and then. */
static td_status flush(td_worker *w) {
    bool wanted = w->committing || has_pending(w) || w->next_offset - w->committed.offset >= BATCH_MAX;
    return wanted ? commit(w) : TD_OK;
}

/* Where a commit is dear, what was made waits for more. */
static bool is_waiting(const td_worker *w) {
    if (w->conf.commit_interval_ns == 0 || w->committing || w->flush_due || !has_pending(w)) return false;
    return w->conf.os->ops->mono_ns(w->conf.os->self) < w->committed_ns + w->conf.commit_interval_ns;
}

/* ---- one record ---- */

/* What was counted before is taken, too, or it would be counted with the next. */
static __attribute__((noinline)) void count_rarer(td_worker *w, td_applied applied, bool counted_before) {
    td_changes changes = td_state_take_changes(w->applier.state);
    if (counted_before) return;
    if (applied.verdict == TD_VERDICT_ACCEPTED) td_count(&w->counts.accepted, 1);
    if (applied.verdict == TD_VERDICT_QUARANTINED) td_count(&w->counts.quarantined[w->reason], 1);
    if (applied.verdict == TD_VERDICT_DUPLICATE) td_count(&w->counts.duplicates, 1);
    if (applied.book != TD_BOOK_NONE) td_count(&w->counts.books[applied.book], 1);
    if (applied.action != TD_SHARE_NONE) td_count(&w->counts.actions[applied.action], 1);
    if (applied.outside) td_count(&w->counts.outside, 1);
    if (applied.unknown_day) td_count(&w->counts.unknown_days, 1);
    td_count(&w->counts.late, applied.late_count);
    td_count(&w->counts.revised, changes.revised);
    td_count(&w->counts.restricted, changes.restricted);
    td_count(&w->counts.not_reapplied, changes.not_reapplied);
    td_count(&w->counts.matches_late, changes.matches_late);
    td_count(&w->counts.matches_early, changes.matches_early);
    td_count(&w->counts.matches_forgotten, changes.matches_forgotten);
    td_count(&w->counts.gaps_opened, changes.gaps_opened);
    td_count(&w->counts.gaps_filled, changes.gaps_filled);
    td_count(&w->counts.gaps_lost, changes.gaps_lost);
}

static inline void count_tick(td_worker *w, td_applied applied) {
    bool counted_before = w->cause.offset < w->counted_offset;
    if (!counted_before) w->counted_offset = w->cause.offset + 1;
    bool rare = applied.outside | applied.unknown_day | applied.changed | (applied.late_count > 0);
    if (counted_before || applied.verdict != TD_VERDICT_ACCEPTED || rare)
        count_rarer(w, applied, counted_before);
    else
        td_count(&w->counts.accepted, 1);
}

static void put_rejected(td_worker *w, const td_record *record, const char *why) {
    char source[32];
    (void)snprintf(source, sizeof source, "tape-%" PRIu32, w->partition);
    td_rejected rejected = {.source = td_text(source),
                            .position = {.file = (uint32_t)record->epoch, .line = (uint64_t)record->offset},
                            .receive_ns = record->timestamp_ms * TD_NS_PER_MS,
                            .reason = TD_REASON_MALFORMED,
                            .detail = td_text(why),
                            .bytes = td_bytes_upto(record->value, TD_REJECTED_BYTES_MAX)};
    w->value.size = 0;
    td_record_put_rejected(&w->value, w->conf.topics->ids, &rejected);
    /* The key may be of any size; of ours none is longer. */
    put_one(w, &w->outputs[REJECTS], td_bytes_upto(record->key, TD_INSTRUMENT_NAME_MAX), td_buf_bytes(&w->value));
}

/* A stranger's record was not applied: it is told of once, with whose it is. */
static __attribute__((noinline)) td_status reject_record(td_worker *w, const td_record *record) {
    const char *why;
    if (w->conf.registry == NULL) return TD_OK; /* a worker that had one has told of it */
    td_status status = w->foreign == NULL ? td_foreign_open(&w->foreign, w->conf.registry) : TD_OK;
    if (status == TD_OK) status = td_foreign_judge(w->foreign, w->conf.topics->ids, record->value, &why);
    if (status == TD_OK && w->told_end < 0) { /* its end may be hidden by an open transaction of ingest's */
        status = td_foreign_told(w->conf.topics, w->partition, &w->told_end);
        if (status == TD_OK) w->told_end = td_most(w->told_end, w->committed.offset);
    }
    if (status != TD_OK)
        return td_trace(status, "looking at offset %" PRId64 " of tape-%" PRIu32, record->offset, w->partition);
    if (record->offset < w->told_end) return TD_OK;
    put_rejected(w, record, why);
    w->told_end = record->offset + 1;
    return w->emit_status;
}

static td_status apply_record(td_worker *w, const td_record *record) {
    td_applied applied;
    w->record_value = record->value;
    w->cause.epoch = record->epoch;
    w->cause.offset = record->offset;
    w->cause.ordinal = 0;
    td_status status = td_applier_apply_some(&w->applier, record, &w->emit, &applied);
    if (status != TD_OK) return status;
    if (w->applier.passed) return reject_record(w, record);
    if (applied.action == TD_SHARE_TAKEN || applied.action == TD_SHARE_LATE) put_as_it_is(w, TD_OUTPUT_ACTIONS, record);
    if (applied.vendor_bar) put_as_it_is(w, TD_OUTPUT_VENDOR_BARS, record);
    count_tick(w, applied);
    return w->emit_status;
}

static bool still_comparing(const td_worker *w) {
    for (int i = 0; i < TD_OUTPUT_COUNT; i++)
        if (w->outputs[i].existing != NULL) return true;
    return false;
}

/* Whether one begins, or has begun, and how long the records behind it have waited. */
static void count_programs(td_worker *w) {
    const td_os *os = w->conf.os;
    td_work_counts *c = &w->counts;
    if (td_applier_is_warming(&w->applier) && w->warming_ns == 0) w->warming_ns = os->ops->mono_ns(os->self);
    if (w->applier.swaps.count == w->programs) return;
    bool cold = w->applier.swaps.cold > w->cold_programs, counted_before = w->cause.offset < w->counted_offset;
    if (cold && still_comparing(w)) w->forgetful = true; /* it was made with more, and is not made again just so */
    if (!counted_before) {
        td_count(&c->programs, 1);
        td_count(&c->cold_programs, cold);
        if (w->warming_ns != 0) td_count(&c->warming_ns, os->ops->mono_ns(os->self) - w->warming_ns);
    }
    w->programs = w->applier.swaps.count;
    w->cold_programs = w->applier.swaps.cold;
    w->warming_ns = 0;
}

static td_status work_one(td_worker *w) {
    td_record record;
    td_status status = td_reader_next(w->tape, &record);
    if (td_reader_lost(w->tape) > 0)
        return TD_FAIL(TD_CORRUPT,
                       "tape-%" PRIu32 ": retention removed offsets %" PRId64 " to %" PRId64
                       " before they were applied; raise log.retain",
                       w->partition, w->next_offset, w->next_offset + td_reader_lost(w->tape) - 1);
    if (status != TD_OK) return status;
    status = apply_record(w, &record);
    count_programs(w);
    if (status != TD_OK && w->emit_status == TD_OK) td_reader_seek(w->tape, record.offset); /* nothing was applied */
    if (status != TD_OK) return status;
    w->next_offset = record.offset + 1;
    w->epoch = record.epoch;
    return status;
}

/* ---- snapshots ---- */

static td_savepoint_ends ends_now(const td_worker *w) {
    td_savepoint_ends ends = {.tape = {w->epoch, w->next_offset}};
    for (int i = 0; i < TD_OUTPUT_COUNT; i++) {
        td_topic *topic = w->outputs[i].topic;
        ends.outputs[i] = TD_SAVEPOINT_NOWHERE;
        if (topic != NULL)
            ends.outputs[i] = (td_position){td_topic_epoch(topic, w->partition), td_topic_end(topic, w->partition)};
    }
    return ends;
}

static int64_t hour_of(const td_worker *w) {
    int64_t clock_ns = td_state_clock_ns(w->applier.state);
    return clock_ns == INT64_MIN ? INT64_MIN : td_window_start(clock_ns, TD_NS_PER_HOUR);
}

/* The tape's clock has come into another hour since the last snapshot. */
static bool next_hour(td_worker *w) {
    int64_t hour_ns = hour_of(w);
    if (w->hour_ns == INT64_MIN) w->hour_ns = hour_ns; /* the first one only begins */
    return w->conf.snapshots_kept > 0 && hour_ns != INT64_MIN && hour_ns != w->hour_ns;
}

/* Between records, with nothing pending: the state and the ends of the outputs belong together. The commit behind them
 * shows that they are: had another worker written to the outputs, it would be refused. */
static td_status take_snapshot(td_worker *w, bool keep) {
    const td_os *os = w->conf.os;
    td_savepoint_ends ends = ends_now(w);
    td_status status = commit(w);
    if (status != TD_OK) return status;
    int64_t began_ns = os->ops->mono_ns(os->self);
    if (w->first_snapshot) td_savepoint_look_again(w->savepoint);
    w->first_snapshot = false;
    td_savepoint_take(w->savepoint, &w->applier, &ends, keep);
    td_histogram_add(&w->counts.snapshot_copies, os->ops->mono_ns(os->self) - began_ns);
    return TD_OK;
}

static td_status snapshot_turn(td_worker *w) {
    td_savepoint_make_room(w->savepoint, td_state_bytes(w->applier.state));
    bool keep = next_hour(w), due = w->next_offset - w->snapshot_offset >= w->conf.snapshot_records;
    if ((!keep && !due) || still_comparing(w) || td_savepoint_pending(w->savepoint)) return TD_OK;
    td_status status = take_snapshot(w, keep);
    if (status != TD_OK) return status;
    w->snapshot_offset = w->next_offset;
    w->hour_ns = hour_of(w);
    return TD_OK;
}

td_status td_worker_write_snapshot(td_worker *w) {
    td_status status = td_savepoint_write_if_synced(w->savepoint);
    if (status == TD_OK) td_count(&w->counts.snapshots, 1);
    return status;
}

/* ---- life ---- */

static td_status open_outputs(td_worker *w, const td_savepoint_ends *ends) {
    for (int i = 0; i < TD_OUTPUT_COUNT; i++) {
        output *out = &w->outputs[i];
        int64_t from = ends->outputs[i].offset;
        td_batch_init(&out->pending, w->conf.batch_bytes > 0 ? w->conf.batch_bytes : OUTPUT_BATCH_BYTES);
        if (out->topic == NULL) continue;
        out->begun_late = from < 0;
        td_status status = td_reader_open(&out->existing, out->topic, w->partition, td_most(from, 0), TD_READ_APPENDED);
        if (status != TD_OK) return status;
        close_existing_when_passed(w, out);
    }
    w->outputs[REJECTS].topic = w->conf.topics->rejected;
    td_batch_init(&w->outputs[REJECTS].pending, OUTPUT_BATCH_BYTES);
    w->told_end = -1;
    w->applier.passes = w->conf.registry != NULL;
    return TD_OK;
}

static td_status open_savepoint(const td_worker *w, bool whole, td_savepoint **out) {
    const td_savepoint_conf conf = {.os = w->conf.os,
                                    .topics = w->conf.topics,
                                    .partition = w->partition,
                                    .dir = w->conf.snapshot_dir,
                                    .kept_max = w->conf.snapshots_kept,
                                    .unpublished = !whole};
    *out = NULL;
    td_status status = w->conf.os->ops->make_dir(w->conf.os->self, w->conf.snapshot_dir);
    return status == TD_OK ? td_savepoint_open(out, &conf) : status;
}

/* With one of its own: the worker's may be on its way to the disk. */
static td_status load_snapshot(td_worker *w, bool whole, td_savepoint_ends *ends) {
    td_savepoint *savepoint;
    td_status status = open_savepoint(w, whole, &savepoint);
    if (status == TD_OK) status = td_savepoint_load(savepoint, INT64_MAX, ends, &w->applier);
    td_savepoint_close(savepoint);
    return status;
}

/* From the newest snapshot; without one from where the tape begins. What is published is made from where it ended, or
 * from the tape's beginning: from a snapshot behind that only where the beginning is gone. */
static td_status start_from(td_worker *w, td_savepoint_ends *ends) {
    const td_topics *topics = w->conf.topics;
    td_status status = load_snapshot(w, true, ends);
    if (status == TD_AGAIN && td_topic_start(topics->tape, w->partition) > 0) status = load_snapshot(w, false, ends);
    td_count(&w->counts.restored, status == TD_OK);
    if (status != TD_AGAIN) return status;
    *ends = (td_savepoint_ends){.tape = {-1, td_topic_start(topics->tape, w->partition)}};
    w->forgetful = ends->tape.offset > 0;
    w->first_offset = ends->tape.offset;
    td_count(&w->counts.forgetful, w->forgetful - td_counted(&w->counts.forgetful));
    return td_applier_begin(&w->applier, topics, w->partition, ends->tape.offset);
}

/* Frees what worker_start makes. */
static void worker_reset(td_worker *w) {
    td_reader_close(w->tape);
    for (int i = 0; i < ALL_OUTPUTS; i++) {
        td_reader_close(w->outputs[i].existing);
        td_batch_fini(&w->outputs[i].pending);
        w->outputs[i] = (output){0};
    }
    td_applier_fini(&w->applier);
    w->tape = NULL;
    w->emit_status = TD_OK;
    w->repaired = 0;
    w->forgetful = false;
    w->first_offset = -1;
    w->flush_due = false;
    w->programs = w->cold_programs = w->warming_ns = 0;
}

static bool publishes(const td_topics *topics) {
    bool any = false;
    for (int i = TD_OUTPUT_PUBLISHED; i < TD_OUTPUT_COUNT; i++) any |= topics->outputs[i] != NULL;
    return any;
}

static td_status worker_start(td_worker *w) {
    const td_topics *topics = w->conf.topics;
    td_status status = TD_OK;
    for (int i = 0; i < TD_OUTPUT_COUNT && status == TD_OK; i++) {
        w->outputs[i].topic = topics->outputs[i];
        if (topics->outputs[i] != NULL) status = td_voids_remove(topics, topics->outputs[i], w->partition);
    }
    td_savepoint_ends ends;
    if (status == TD_OK) status = start_from(w, &ends);
    if (status == TD_OK) status = open_outputs(w, &ends);
    if (status != TD_OK) return status;
    w->applier.accepted = publishes(topics) ? &w->accepted : NULL;
    w->next_offset = w->snapshot_offset = ends.tape.offset;
    atomic_store_explicit(&w->counts.next_offset, w->next_offset, memory_order_release);
    w->hour_ns = hour_of(w);
    w->epoch = ends.tape.epoch;
    w->committed = ends.tape;
    td_position committed;
    status = td_writer_position(w->writer, topics->tape, w->partition, &committed);
    if (status == TD_OK && committed.offset > ends.tape.offset) w->committed = committed;
    if (status != TD_OK && status != TD_AGAIN) return status;
    return td_reader_open(&w->tape, topics->tape, w->partition, ends.tape.offset, TD_READ_APPENDED);
}

td_status td_worker_open(td_worker **out, const td_work_conf *conf, uint32_t partition) {
    td_worker *w = td_alloc_zero(1, sizeof *w);
    w->conf = *conf;
    w->partition = partition;
    w->cause.partition = partition;
    w->counted_offset = conf->count_from_offset;
    if (w->conf.flush_bytes == 0) w->conf.flush_bytes = OUTPUT_FLUSH_BYTES;
    w->level = -1;
    w->emit = (td_emit){w, emit_bar, emit_signal, emit_quarantined, emit_gap, emit_fill, emit_member, NULL};
    w->accepted = (td_accepted){w, take_accepted};
    td_status status = open_savepoint(w, true, &w->savepoint);
    if (status != TD_OK) {
        td_worker_close(w);
        return td_trace(status, "opening the worker of tape-%" PRIu32, partition);
    }
    *out = w;
    return TD_OK;
}

static void set_counter(td_counter *counter, int64_t to) { td_count(counter, to - td_counted(counter)); }

static td_status take_partition(td_worker *w) {
    const td_topics *topics = w->conf.topics;
    if (w->conf.shared && td_topic_end(topics->tape, w->partition) == 0) return TD_AGAIN; /* it has no program yet */
    char name[32];
    (void)snprintf(name, sizeof name, TD_WORK_WRITER "%" PRIu32, w->partition);
    td_status status = td_writer_open(&w->writer, topics->log, name);
    if (status == TD_OK) status = worker_start(w);
    if (status != TD_OK) return td_trace(status, "starting the worker of tape-%" PRIu32, w->partition);
    w->first_snapshot = true;
    set_counter(&w->counts.taken_at, td_topic_end(topics->tape, w->partition));
    if (w->conf.shared) w->counted_offset = td_most(w->counted_offset, w->committed.offset);
    return TD_OK;
}

/* Frees what take_partition makes. */
static void let_go(td_worker *w) {
    worker_reset(w);
    td_writer_close(w->writer);
    w->writer = NULL;
    td_count(&w->counts.aborts, w->committing);
    w->committing = w->rejected = false;
}

td_status td_worker_take(td_worker *w) {
    if (td_backoff_waiting(&w->backoff, w->conf.os)) return TD_AGAIN;
    td_status status = take_partition(w);
    if (status == TD_CORRUPT) { /* this partition stands, the others go on */
        td_fault_set(&w->fault, status);
        worker_reset(w);
    } else if (status != TD_OK) {
        let_go(w);
        if (status != TD_RETRY && status != TD_FULL) return status;
        td_count(&w->counts.retries, 1);
        td_backoff_start(&w->backoff, w->conf.os);
        return status;
    }
    td_backoff_reset(&w->backoff);
    td_count(&w->counts.takes, 1);
    atomic_store_explicit(&w->on_duty, true, memory_order_release);
    return TD_OK;
}

/* With nothing pending any more, if it can be. */
static td_status finish_pending(td_worker *w) {
    bool whole = td_fault_status(&w->fault) == TD_OK && !td_worker_is_fenced(w) && w->emit_status == TD_OK;
    if (!whole || still_comparing(w) || w->applier.state == NULL) return TD_AGAIN; /* the last snapshot stands */
    return flush(w);
}

void td_worker_leave(td_worker *w) {
    td_status status = finish_pending(w);
    if (status == TD_OK && !td_savepoint_pending(w->savepoint)) status = take_snapshot(w, false);
    if (status == TD_OK) (void)!td_worker_write_snapshot(w);
    td_count(&w->counts.leaves, 1);
    td_count(&w->counts.fences, status == TD_FENCED || td_worker_is_fenced(w));
    let_go(w);
    td_backoff_reset(&w->backoff);
    atomic_store_explicit(&w->level, -1, memory_order_release);
    set_counter(&w->counts.gaps_open, 0);
    set_counter(&w->counts.forgetful, 0);
    atomic_store_explicit(&w->fenced, false, memory_order_release);
    atomic_store_explicit(&w->on_duty, false, memory_order_release);
}

void td_worker_close(td_worker *w) {
    if (w == NULL) return;
    let_go(w);
    td_savepoint_close(w->savepoint);
    td_foreign_close(w->foreign);
    td_buf_fini(&w->value);
    td_buf_fini(&w->renewed);
    td_buf_fini(&w->json);
    free(w);
}

td_status td_worker_finish(td_worker *w) {
    td_status status = finish_pending(w);
    if (status == TD_OK) status = take_snapshot(w, false);
    if (status == TD_OK) status = td_log_sync(w->conf.topics->log);
    if (status == TD_OK) status = td_savepoint_write_if_synced(w->savepoint);
    return status == TD_AGAIN ? TD_OK : status;
}

bool td_worker_on_duty(const td_worker *w) { return atomic_load_explicit(&w->on_duty, memory_order_acquire); }
bool td_worker_is_fenced(const td_worker *w) { return atomic_load_explicit(&w->fenced, memory_order_acquire); }
uint32_t td_worker_partition(const td_worker *w) { return w->partition; }
int64_t td_worker_level(td_worker *w) { return atomic_load_explicit(&w->level, memory_order_acquire); }
td_work_counts *td_worker_counters(td_worker *w) { return &w->counts; }
td_fault *td_worker_fault(td_worker *w) { return &w->fault; }
td_trouble *td_worker_trouble(td_worker *w) { return &w->backoff.trouble; }

/* ---- the loop ---- */

/* What emit could not compare is made again: from the snapshot, in silence up to where the outputs end. */
static td_status start_again(td_worker *w) {
    td_status status = w->committing && !w->rejected ? commit(w) : TD_OK;
    if (status != TD_OK) return status; /* a part of a record's outputs that is or is not there: that must be known */
    worker_reset(w);
    status = w->committing ? td_writer_abort(w->writer) : TD_OK;
    td_count(&w->counts.aborts, w->committing && status == TD_OK);
    w->committing &= status != TD_OK;
    if (status == TD_OK) status = worker_start(w);
    if (status != TD_OK) w->emit_status = status;
    return status;
}

/* Its cause is not on the tape as far as it is applied: so there is another worker who is ahead. */
static bool is_of_another(const td_worker *w, const td_record *record) {
    td_cause cause;
    return w->conf.shared && td_cause_get(td_record_header(record, TD_CAUSE_HEADER), &cause) &&
           cause.offset >= w->next_offset;
}

/* The whole tape is applied: what the outputs still hold beyond what was made is held without a cause. */
static td_status end_comparing(td_worker *w) {
    for (int i = 0; i < TD_OUTPUT_COUNT; i++) {
        output *out = &w->outputs[i];
        td_status status = TD_OK;
        td_record record;
        while (out->existing != NULL && (status = td_reader_next(out->existing, &record)) == TD_OK) {
            if (is_of_another(w, &record))
                return TD_FAIL(TD_FENCED, "tape-%" PRIu32 " has another worker now", w->partition);
            count_diverged(w, out);
        }
        if (status != TD_OK && status != TD_AGAIN) return status;
        close_existing(out);
    }
    return TD_AGAIN;
}

static td_status work_batch(td_worker *w, int *out_done) {
    td_status status = w->emit_status != TD_OK ? start_again(w) : TD_OK;
    if (status != TD_OK) return status; /* half a worker: once more */
    /* What an earlier step could not append; what only waits has its turn at the end, with the snapshot behind it. */
    if (w->committing || w->flush_due || w->conf.commit_interval_ns == 0) status = flush(w);
    while (status == TD_OK && *out_done < BATCH_MAX && !w->flush_due) {
        status = work_one(w);
        if (status == TD_OK) ++*out_done;
    }
    td_count(&w->counts.lost, td_reader_repaired(w->tape) - w->repaired);
    w->repaired = td_reader_repaired(w->tape);
    if (td_applier_is_warming(&w->applier)) {
        ++*out_done; /* it comes again with the same record */
        if (status == TD_AGAIN) status = TD_OK;
    } else if (status == TD_AGAIN && w->applier.waits) {
        status = TD_OK; /* another partition is to come here first; what is made goes out, for it may wait for that */
    } else if (status == TD_AGAIN) {
        w->next_offset = td_reader_offset(w->tape); /* behind what is no record, too */
        status = end_comparing(w);
    }
    if (w->emit_status != TD_OK) return status; /* a part of one record's outputs: made again */
    if (status == TD_AGAIN && is_waiting(w)) return TD_OK;
    td_status flushed = flush(w); /* also before a record that stops the partition */
    if (flushed == TD_OK && (status == TD_OK || status == TD_AGAIN)) flushed = snapshot_turn(w);
    return flushed == TD_OK ? status : flushed;
}

int td_worker_step(void *self) {
    td_worker *w = self;
    const td_os *os = w->conf.os;
    if (!td_worker_on_duty(w) || td_worker_is_fenced(w)) return 0;
    if (td_fault_status(&w->fault) != TD_OK || td_backoff_waiting(&w->backoff, os)) return 0;
    w->now_ms = os->ops->wall_ns(os->self) / TD_NS_PER_MS;
    int done = 0;
    td_status status = work_batch(w, &done);
    if (w->applier.state != NULL)
        atomic_store_explicit(&w->counts.gaps_open, td_state_open_gaps(w->applier.state), memory_order_relaxed);
    atomic_store_explicit(&w->counts.next_offset, w->next_offset, memory_order_release);
    atomic_store_explicit(&w->level, status == TD_AGAIN ? w->next_offset : -1, memory_order_release);
    if (status == TD_RETRY || status == TD_FULL) {
        td_count(&w->counts.retries, 1);
        td_backoff_start(&w->backoff, os);
    } else if (status == TD_OK || status == TD_AGAIN) {
        td_backoff_reset(&w->backoff);
    } else if (status == TD_FENCED && w->conf.shared) {
        atomic_store_explicit(&w->fenced, true, memory_order_release);
    } else {
        td_fault_set(&w->fault, status);
    }
    return done;
}
