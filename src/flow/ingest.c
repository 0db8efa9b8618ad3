/* src/flow/ingest.c - feeds -> tape; the only place that decides about its errors. */
#include "flow/ingest.h"
#include "base/time.h"
#include "flow/answers.h"
#include "flow/bookmarks.h"
#include "flow/capture.h"
#include "flow/inputs.h"
#include "flow/lane.h"
#include "flow/resume.h"
#include "schema/cause.h"
#include <assert.h>
#include <stdlib.h>

enum { BATCH_MAX = 4096 }; /* inputs of one step */

typedef struct ingest_lane { /* one partition that we append to */
    td_lane lane;
    td_resume *resume;
} ingest_lane;

typedef struct pending { /* an input that is not appended yet */
    td_input input;
    bool has;
    bool looked;      /* targets is known: no partition is asked twice */
    uint64_t targets; /* partitions that get it, a bit each */
} pending;

struct td_ingest {
    td_ingest_conf conf;
    td_writer *writer;
    td_inputs *inputs;
    td_backfill *backfill;
    td_capture *capture;
    td_answers *answers;
    td_bookmarks *bookmarks;
    ingest_lane *tape, *rejected;  /* by partition */
    td_lane **lanes;               /* all of them, by partition */
    bool unsure;                   /* the log may have what is batched: nothing else comes before that is known */
    pending pending, live_pending; /* of the merge; of the live feeds */
    bool paced;
    td_copies *copies;
    uint64_t awaited_copies; /* partitions that go on behind a copy, a bit each */
    td_commands *commands;
    td_beginning *beginning;
    td_command command; /* taken, and not with what will be appended */
    bool has_command, command_looked;
    uint64_t command_targets;          /* as pending's: copies that are still to be made */
    bool replayed;                     /* the merge has come to its end */
    bool resuming;                     /* everything so far was passed in silence */
    int64_t flushed_ns;                /* when something was appended, on the run's clock */
    int64_t pace_from_ns, pace_due_ns; /* the run's clock: pace_due_ns fell at pace_from_ns */
    int64_t now_ms, clock_ns;
    int64_t arrived_ns;   /* of what came live and is not appended yet, the first; 0: there is none */
    td_buf value, held;   /* a record in the making; bytes of live_pending */
    uint8_t *trade_feeds; /* by instrument: 1 + the feed that trades it */
    uint32_t trade_feeds_count;
    td_backoff backoff;
    td_ingest_counts counts;
    td_fault fault, standing;
    atomic_bool ended, leaving, left; /* leaving: what was asked for */
};

/* ---- life ---- */

/* TD_CONFIG where the feed has new files that are not behind all that the log holds of it. */
static td_status check_new_files(const td_ingest *in, uint32_t feed) {
    int64_t clock_ns = 0;
    for (uint32_t p = 0; p < in->conf.topics->partitions; p++) {
        clock_ns = td_most(clock_ns, td_resume_clock_ns(in->tape[p].resume, feed));
        clock_ns = td_most(clock_ns, td_resume_clock_ns(in->rejected[p].resume, feed));
    }
    return td_inputs_check_order(in->inputs, feed, clock_ns);
}

/* What the feeds are made of is on the disk before the first of their inputs. A log without such a statement gets it
 * when its inputs have come by: they may be others. */
static td_status settle_inputs(td_ingest *in) {
    td_status status = TD_OK;
    for (size_t i = 0; i < td_merge_feed_count(in->conf.merge) && status == TD_OK; i++)
        status = check_new_files(in, td_merge_feed_at(in->conf.merge, i)->index);
    if (in->resuming && td_inputs_unsaid(in->inputs)) return status;
    const td_inputs_beginning beginning = {in->conf.topics, in->conf.merge};
    if (status == TD_OK) status = td_inputs_keep(in->inputs, &beginning, in->writer, in->now_ms);
    return status == TD_OK ? td_log_sync(in->conf.topics->log) : status;
}

static td_status lanes_open(td_ingest *in, ingest_lane **out, td_topic *topic) {
    const td_ingest_conf *conf = &in->conf;
    td_resume_conf resume = {conf->topics, conf->merge, conf->live, in->inputs, conf->feed_names};
    ingest_lane *lanes = *out = td_alloc_zero(conf->topics->partitions, sizeof *lanes);
    td_status status = TD_OK;
    for (uint32_t p = 0; p < conf->topics->partitions && status == TD_OK; p++) {
        td_lane_init(&lanes[p].lane, topic, p, conf->batch_bytes);
        status = td_resume_open(&lanes[p].resume, &resume, topic, p);
        in->resuming |= td_resume_waits(lanes[p].resume);
        in->awaited_copies |= (uint64_t)td_resume_waits_for_copy(lanes[p].resume) << p;
        if (status != TD_CORRUPT) continue;
        td_fault_set(&in->standing, status);
        status = TD_OK;
    }
    return status;
}

static void gather_lanes(td_ingest *in) {
    in->lanes = td_alloc_zero(2 * (size_t)in->conf.topics->partitions, sizeof *in->lanes);
    for (uint32_t p = 0; p < in->conf.topics->partitions; p++) {
        in->lanes[2 * (size_t)p] = &in->tape[p].lane;
        in->lanes[2 * (size_t)p + 1] = &in->rejected[p].lane;
    }
}

static void lanes_close(ingest_lane *lanes, uint32_t partitions) {
    for (uint32_t p = 0; lanes != NULL && p < partitions; p++) {
        td_lane_fini(&lanes[p].lane);
        td_resume_close(lanes[p].resume);
    }
    free(lanes);
}

td_status td_ingest_open(td_ingest **out, const td_ingest_conf *conf) {
    td_ingest *in = td_alloc_zero(1, sizeof *in);
    in->conf = *conf;
    in->commands = td_commands_new();
    in->copies = td_copies_new(conf->instruments, conf->topics->partitions);
    in->beginning = td_beginning_new(conf->topics);
    in->now_ms = conf->os->ops->wall_ns(conf->os->self) / TD_NS_PER_MS;
    /* First: it settles how the log ends. */
    td_status status = td_writer_open(&in->writer, conf->topics->log, "ingest");
    if (status == TD_OK) status = td_inputs_open(&in->inputs, conf->os, conf->topics, conf->merge);
    if (status == TD_OK) status = lanes_open(in, &in->tape, conf->topics->tape);
    if (status == TD_OK) status = lanes_open(in, &in->rejected, conf->topics->rejected);
    if (status == TD_OK) status = settle_inputs(in);
    if (status == TD_OK) gather_lanes(in);
    td_backfill_conf backfill = {.os = conf->os,
                                 .topics = conf->topics,
                                 .live = conf->live,
                                 .instruments = conf->instruments,
                                 .report = conf->report,
                                 .report_arg = conf->report_arg};
    td_capture_conf capture = {.topics = conf->topics,
                               .live = conf->live,
                               .writer = in->writer,
                               .disk = conf->disk,
                               .report = conf->report,
                               .report_arg = conf->report_arg,
                               .batch_bytes = conf->batch_bytes};
    if (status == TD_OK) status = td_backfill_open(&in->backfill, &backfill);
    if (status == TD_OK) status = td_capture_open(&in->capture, &capture);
    td_answers_conf answers = {conf->topics, conf->live, in->writer};
    if (status == TD_OK) status = td_answers_open(&in->answers, &answers);
    td_bookmarks_conf bookmarks = {conf->topics, conf->live, in->writer};
    if (status == TD_OK) status = td_bookmarks_open(&in->bookmarks, &bookmarks);
    td_count(&in->counts.resuming, in->resuming);
    if (status != TD_OK) {
        td_ingest_close(in);
        return status;
    }
    *out = in;
    return TD_OK;
}

void td_ingest_close(td_ingest *in) {
    if (in == NULL) return;
    td_bookmarks_close(in->bookmarks);
    td_answers_close(in->answers);
    td_capture_close(in->capture);
    td_backfill_close(in->backfill);
    free(in->lanes);
    lanes_close(in->rejected, in->conf.topics->partitions);
    lanes_close(in->tape, in->conf.topics->partitions);
    td_inputs_close(in->inputs);
    td_writer_close(in->writer);
    td_copies_free(in->copies);
    td_beginning_free(in->beginning);
    td_commands_free(in->commands);
    td_buf_fini(&in->value);
    td_buf_fini(&in->held);
    free(in->trade_feeds);
    free(in);
}

bool td_ingest_ended(td_ingest *in) { return atomic_load_explicit(&in->ended, memory_order_acquire); }

bool td_ingest_leave(td_ingest *in) {
    if (td_live_feed_count(in->conf.live) == 0 || td_fault_status(&in->fault) != TD_OK) return true;
    atomic_store_explicit(&in->leaving, true, memory_order_release);
    return atomic_load_explicit(&in->left, memory_order_acquire);
}

td_commands *td_ingest_commands(td_ingest *in) { return in->commands; }
td_copies *td_ingest_copies(td_ingest *in) { return in->copies; }
td_beginning *td_ingest_beginning(td_ingest *in) { return in->beginning; }
td_ingest_counts *td_ingest_counters(td_ingest *in) { return &in->counts; }
td_fault *td_ingest_fault(td_ingest *in) { return &in->fault; }
td_trouble *td_ingest_trouble(td_ingest *in) { return &in->backoff.trouble; }
td_fault *td_ingest_standing(td_ingest *in) { return &in->standing; }
const td_capture *td_ingest_capture(const td_ingest *in) { return in->capture; }

/* ---- appending ---- */

/* What came is in the log before what came of it. */
static td_status flush_some(td_ingest *in, td_lane *const *lanes, size_t count) {
    td_status status = td_capture_flush(in->capture);
    if (status == TD_OK) status = td_lanes_flush(lanes, count, in->writer);
    in->unsure = status == TD_RETRY;
    int64_t tape_bytes = 0, rejected_bytes = 0;
    for (uint32_t p = 0; p < in->conf.topics->partitions; p++) {
        tape_bytes += in->tape[p].lane.appended_bytes;
        rejected_bytes += in->rejected[p].lane.appended_bytes;
    }
    td_count(&in->counts.tape_bytes, tape_bytes - td_counted(&in->counts.tape_bytes));
    td_count(&in->counts.rejected_bytes, rejected_bytes - td_counted(&in->counts.rejected_bytes));
    return status;
}

static td_status flush_lanes(td_ingest *in) {
    return flush_some(in, in->lanes, 2 * (size_t)in->conf.topics->partitions);
}

static td_status flush_full(td_ingest *in, ingest_lane *full) {
    td_lane *lane = &full->lane;
    return in->conf.together ? flush_lanes(in) : flush_some(in, &lane, 1);
}

td_status td_ingest_flush(td_ingest *in) {
    td_status status = flush_lanes(in);
    if (status == TD_OK && !in->has_command) td_commands_settle(in->commands);
    return status;
}

static td_status lane_add(td_ingest *in, ingest_lane *lane, const td_command *c) {
    td_lane_record record = {in->now_ms, c->key, c->value, c->header_name, c->header};
    if (td_lane_put(&lane->lane, &record)) return TD_OK;
    td_status status = flush_full(in, lane);
    if (status != TD_OK) return status;
    bool added = td_lane_put(&lane->lane, &record);
    assert(added); /* an empty batch takes any record */
    (void)added;
    return TD_OK;
}

static td_status lane_put(td_ingest *in, ingest_lane *lane, td_bytes key, td_source_position position) {
    uint8_t src[TD_SRC_MAX];
    td_command record = {
        false, lane->lane.partition, key, td_buf_bytes(&in->value), TD_SRC_HEADER, {src, td_src_put(position, src)}};
    return lane_add(in, lane, &record);
}

/* ---- copies ---- */

/* What strategies elsewhere can look at: time goes to all partitions by itself, and of vendors' bars nothing is made.
 */
static bool is_copied(const td_event *e) {
    return e->kind != TD_EVENT_TIME && e->kind != TD_EVENT_PROGRAM && e->kind != TD_EVENT_VENDOR_BAR;
}

/* The event to the partitions left but its own, those that have it taken from *left. `record`: how it stands in its
 * own. What is not read again from its source is in the log there first: who asks for it once more then finds it twice,
 * which counts once, and never in part of them. */
static __attribute__((noinline)) td_status put_copies(td_ingest *in, uint64_t *left, const td_event *e, td_bytes feed,
                                                      td_command record) {
    uint64_t own = UINT64_C(1) << record.partition, written = td_copies_of_name(in->copies, record.key);
    td_event copy = *e;
    td_status status = TD_OK;
    copy.flags |= TD_FLAG_COPY;
    in->value.size = 0;
    td_record_put_event(&in->value, in->conf.topics->ids, feed, &copy);
    record.value = td_buf_bytes(&in->value);
    while ((*left & ~own) != 0 && status == TD_OK) {
        int p = __builtin_ctzll(*left & ~own);
        status = lane_add(in, &in->tape[p], &record);
        if (status == TD_OK) *left &= ~(UINT64_C(1) << p);
    }
    if (e->origin == TD_ORIGIN_FEED && e->kind != TD_EVENT_FILLED && e->kind != TD_EVENT_CORPORATE) return status;
    return status == TD_OK && written != 0 ? flush_lanes(in) : status;
}

/* ---- what other threads ask for ---- */

static td_status copy_command(td_ingest *in) {
    td_event event;
    td_bytes feed;
    td_status status = td_record_get_event(in->conf.topics->ids, in->command.value, &event, &feed);
    if (status != TD_OK || event.kind == TD_EVENT_BOOK || !is_copied(&event)) return TD_OK;
    if (!in->command_looked) in->command_targets = td_copies_of_name(in->copies, in->command.key);
    in->command_looked = true;
    return put_copies(in, &in->command_targets, &event, feed, in->command);
}

/* By itself: nothing that is batched rests on it. */
static td_status put_schema(td_ingest *in) {
    td_destination to = {.writer = in->writer, .topic = in->conf.topics->schemas, .now_ms = in->now_ms};
    td_status status = td_topics_put(&to, in->command.key, in->command.value);
    if (status == TD_REJECT) td_commands_refuse(in->commands, status); /* larger than the log takes */
    if (status == TD_OK || status == TD_REJECT) in->has_command = false;
    return status == TD_REJECT ? TD_OK : status;
}

static td_status handle_command(td_ingest *in) {
    if (!in->has_command) {
        in->has_command = td_commands_take(in->commands, &in->command);
        in->command_looked = false;
    }
    if (!in->has_command) return TD_AGAIN;
    if (in->command.to_schemas) return put_schema(in);
    bool known = in->command.partition < in->conf.topics->partitions;
    ingest_lane *lane = &in->tape[known ? in->command.partition : 0];
    bool refused = !known || td_resume_stands(lane->resume);
    td_status status = TD_OK;
    if (refused)
        td_commands_refuse(in->commands, known ? TD_CORRUPT : TD_REJECT);
    else if (td_copies_of_name(in->copies, in->command.key) != 0)
        status = copy_command(in);
    if (!refused && status == TD_OK) status = lane_add(in, lane, &in->command);
    if (status != TD_OK) return status;
    bool tick = td_record_schema(in->conf.topics->ids, in->command.value) != TD_SCHEMA_CORPORATE;
    td_count(&in->counts.commands, !refused && tick);
    in->has_command = false;
    return TD_OK;
}

/* A program begins behind everything that is appended so far. */
static td_status begin_program(td_ingest *in) {
    td_status status = td_beginning_prepare(in->beginning, in->writer, in->now_ms);
    if (status != TD_OK) return status == TD_AGAIN ? TD_OK : status;
    status = td_ingest_flush(in);
    for (uint32_t p = 0; p < in->conf.topics->partitions && status == TD_OK; p++)
        if (!td_resume_stands(in->tape[p].resume)) status = td_beginning_put(in->beginning, in->writer, p, in->now_ms);
    if (status != TD_OK) return status;
    const td_program *program = td_beginning_program(in->beginning);
    td_copies_follow(in->copies, program->graphs, td_program_graph_count(program));
    td_beginning_end(in->beginning);
    return TD_OK;
}

/* Some partitions have what is to be appended and some not: who wants copies of it is asked of one program alone. */
static bool is_half_way(const td_ingest *in) {
    return (in->pending.has && in->pending.looked) || (in->live_pending.has && in->live_pending.looked) ||
           (in->has_command && in->command_looked);
}

/* ---- one input ---- */

/* The input comes by in that lane. TD_OK: it is new there. TD_AGAIN: it is not. */
static td_status pass(const td_ingest *in, ingest_lane *lane, const td_input *input) {
    td_status status = td_resume_pass(lane->resume, input);
    bool held = status == TD_OK && td_bookmarks_hold(in->bookmarks, lane->lane.topic, lane->lane.partition, input);
    return held ? TD_AGAIN : status;
}

/* The same, and counts. */
static td_status pass_in_silence(td_ingest *in, ingest_lane *lane, const td_input *input) {
    td_status status = pass(in, lane, input);
    if (td_source_is_live(input->item.position)) return status;
    if (status == TD_OK)
        in->resuming = false;
    else
        td_count(&in->counts.feeds[input->feed].resumed, 1);
    return status;
}

/* Which of the wanted partitions do not hold the event yet. One that goes on behind a copy sees by all events whether
 * that has come by, though nobody may want it there any more. */
static __attribute__((noinline)) td_status find_copies(td_ingest *in, const td_input *input, uint64_t wanted,
                                                       uint64_t *targets) {
    uint64_t own = UINT64_C(1) << input->partition, asked = wanted;
    if (!td_source_is_live(input->item.position)) asked |= in->awaited_copies;
    for (asked &= ~own; asked != 0; asked &= asked - 1) {
        int p = __builtin_ctzll(asked);
        td_status status = pass(in, &in->tape[p], input);
        if (status != TD_OK && status != TD_AGAIN) return status;
        if (status == TD_OK) *targets |= wanted & UINT64_C(1) << p;
        if (!td_resume_waits_for_copy(in->tape[p].resume)) in->awaited_copies &= ~(UINT64_C(1) << p);
    }
    return TD_OK;
}

static td_status find_targets(td_ingest *in, pending *p) {
    const td_input *input = &p->input;
    const td_event *e = &input->item.event;
    uint64_t copies = e->kind != TD_EVENT_TIME ? td_copies_of(in->copies, e->instrument) : 0;
    bool awaited = in->awaited_copies != 0 && e->kind != TD_EVENT_TIME;
    p->targets = 0;
    td_status status = TD_OK;
    if ((copies != 0 || awaited) && is_copied(e)) status = find_copies(in, input, copies, &p->targets);
    if (status != TD_OK) return status;
    status = pass_in_silence(in, &in->tape[input->partition], input);
    if (status == TD_OK) p->targets |= UINT64_C(1) << input->partition;
    p->looked = status == TD_OK || status == TD_AGAIN;
    return p->looked ? TD_OK : status;
}

/* Trades of one instrument come from one feed: that feed's watermark closes its windows. */
static td_status check_trade_feed(td_ingest *in, const td_event *e) {
    if (e->instrument >= in->trade_feeds_count) {
        uint32_t count = td_instruments_count(in->conf.instruments) * 2;
        uint8_t *feeds = td_alloc_zero(count, 1);
        if (in->trade_feeds_count > 0) memcpy(feeds, in->trade_feeds, in->trade_feeds_count);
        free(in->trade_feeds);
        in->trade_feeds = feeds;
        in->trade_feeds_count = count;
    }
    uint8_t *feed = &in->trade_feeds[e->instrument];
    if (*feed == 0) *feed = (uint8_t)(e->feed + 1);
    if (*feed == e->feed + 1) return TD_OK;
    td_bytes first = in->conf.feed_names[*feed - 1], second = in->conf.feed_names[e->feed];
    td_bytes instrument = td_instruments_name(in->conf.instruments, e->instrument);
    return TD_FAIL(TD_CONFIG,
                   "feeds %.*s and %.*s both give trades of %.*s; set `venue:` in one of them to tell them apart",
                   (int)first.size, (const char *)first.data, (int)second.size, (const char *)second.data,
                   (int)instrument.size, (const char *)instrument.data);
}

static td_status append_event(td_ingest *in, pending *p) {
    const td_input *input = &p->input;
    const td_event *e = &input->item.event;
    uint64_t own = UINT64_C(1) << input->partition;
    td_status status = e->kind == TD_EVENT_TRADE ? check_trade_feed(in, e) : TD_OK;
    if (status == TD_OK && !p->looked) status = find_targets(in, p);
    if (status != TD_OK || p->targets == 0) return status;
    td_bytes feed = in->conf.feed_names[input->feed];
    td_bytes key = e->kind != TD_EVENT_TIME ? td_instruments_name(in->conf.instruments, e->instrument) : feed;
    if ((p->targets & ~own) != 0) {
        uint8_t src[TD_SRC_MAX];
        td_command record = {false, input->partition, key,
                             {0},   TD_SRC_HEADER,    {src, td_src_put(input->item.position, src)}};
        status = put_copies(in, &p->targets, e, feed, record);
    }
    if (status != TD_OK || p->targets == 0) return status;
    in->value.size = 0;
    td_record_put_event(&in->value, in->conf.topics->ids, feed, e);
    status = lane_put(in, &in->tape[input->partition], key, input->item.position);
    if (status == TD_OK && td_event_is_tick(e)) td_count(&in->counts.feeds[input->feed].events, 1);
    return status;
}

static td_status append_rejected(td_ingest *in, const td_input *input) {
    ingest_lane *lane = &in->rejected[input->partition];
    td_status status = pass_in_silence(in, lane, input);
    if (status != TD_OK) return status == TD_AGAIN ? TD_OK : status;
    in->value.size = 0;
    td_record_put_rejected(&in->value, in->conf.topics->ids, &input->item.rejected);
    status = lane_put(in, lane, in->conf.feed_names[input->feed], input->item.position);
    if (status == TD_OK) td_count(&in->counts.feeds[input->feed].rejected[input->item.rejected.reason], 1);
    return status;
}

/* Of a whole one the events are in the log before it is said. */
static td_status append_answer(td_ingest *in, const td_input *input) {
    td_status status = input->item.answer.whole ? flush_lanes(in) : TD_OK;
    return status == TD_OK ? td_answers_take(in->answers, input, in->now_ms) : status;
}

/* What was given before them is in the log before it is said how far that came. */
static td_status append_places(td_ingest *in, const td_input *input) {
    td_status status = td_ingest_flush(in);
    return status == TD_OK ? td_bookmarks_take(in->bookmarks, input, in->now_ms) : status;
}

static td_status append_raw(td_ingest *in, const td_input *input) {
    td_status status = td_capture_take(in->capture, input->feed, &input->item, in->now_ms);
    in->unsure = status == TD_RETRY;
    return status;
}

static td_status append_input(td_ingest *in, pending *p) {
    const td_input *input = &p->input;
    switch (input->item.kind) {
    case TD_ITEM_EVENT:
        return append_event(in, p);
    case TD_ITEM_REJECTED:
        return append_rejected(in, input);
    case TD_ITEM_RAW:
        return append_raw(in, input);
    case TD_ITEM_ANSWER:
        return append_answer(in, input);
    case TD_ITEM_PLACES:
        return append_places(in, input);
    case TD_ITEM_IGNORED:
        if (!in->resuming) td_count(&in->counts.feeds[input->feed].ignored, 1);
        return TD_OK;
    case TD_ITEM_SESSION:
    case TD_ITEM_WANTED:
    case TD_ITEM_BACKFILL:
    case TD_ITEM_NOTICE:
    case TD_ITEM_END:
        break;
    }
    return TD_OK;
}

/* ---- the loop ---- */

static bool will_append(const td_ingest *in, const td_input *input) {
    if (input->item.kind == TD_ITEM_IGNORED) return false;
    const ingest_lane *lanes = input->item.kind == TD_ITEM_REJECTED ? in->rejected : in->tape;
    return !td_resume_holds(lanes[input->partition].resume, input);
}

/* The pace begins with the first input that the log does not hold: what is passed in silence waits for nothing. */
static bool due(td_ingest *in, int64_t now_ns) {
    if (in->conf.speed == 0) return true;
    if (!in->paced) {
        if (!will_append(in, &in->pending.input)) return true;
        in->paced = true;
        in->pace_from_ns = now_ns;
        in->pace_due_ns = in->pending.input.due_ns;
    }
    double elapsed_ns = (double)(in->pending.input.due_ns - in->pace_due_ns) / in->conf.speed;
    return (double)(now_ns - in->pace_from_ns) >= elapsed_ns;
}

static td_status end(td_ingest *in) {
    td_status status = TD_OK;
    for (uint32_t p = 0; p < in->conf.topics->partitions && status == TD_OK; p++) {
        status = td_resume_end(in->tape[p].resume);
        if (status == TD_OK) status = td_resume_end(in->rejected[p].resume);
    }
    if (status == TD_OK) status = td_inputs_keep(in->inputs, NULL, in->writer, in->now_ms);
    if (status == TD_OK) status = td_ingest_flush(in);
    if (status == TD_OK)
        status = td_inputs_keep_ends(in->inputs, in->conf.topics, in->conf.merge, in->writer, in->now_ms);
    if (status != TD_OK) return status;
    in->replayed = true;
    in->resuming &= td_live_feed_count(in->conf.live) == 0; /* live feeds go on */
    if (td_live_feed_count(in->conf.live) == 0) atomic_store_explicit(&in->ended, true, memory_order_release);
    return TD_AGAIN;
}

/* What it borrows lies where the network, which goes on while it waits, puts what comes next. */
static void hold_live(td_ingest *in) {
    td_bytes *bytes = &in->live_pending.input.item.rejected.bytes;
    if (in->live_pending.input.item.kind != TD_ITEM_REJECTED || bytes->data == in->held.data) return;
    in->held.size = 0;
    td_buf_put(&in->held, bytes->data, bytes->size);
    *bytes = td_buf_bytes(&in->held);
}

static td_status handle_live(td_ingest *in) {
    if (!in->live_pending.has) {
        td_status status = td_backfill_next(in->backfill, &in->live_pending.input);
        if (status != TD_OK) return status;
        in->live_pending.has = true;
        in->live_pending.looked = false;
    }
    td_status status = append_input(in, &in->live_pending);
    if (status != TD_OK) {
        hold_live(in);
        return status;
    }
    in->live_pending.has = false;
    td_bookmarks_pass(in->bookmarks, &in->live_pending.input);
    const td_feed_item *item = &in->live_pending.input.item;
    bool came = !item->past && (item->kind != TD_ITEM_EVENT || item->event.kind != TD_EVENT_TIME);
    if (came && in->arrived_ns == 0) in->arrived_ns = item->clock_ns;
    if (item->clock_ns > in->clock_ns) in->clock_ns = item->clock_ns;
    return TD_OK;
}

static td_status handle_next(td_ingest *in, int64_t now_ns) {
    if (in->replayed) return TD_AGAIN;
    if (!in->pending.has) {
        td_status status = td_merge_next(in->conf.merge, &in->pending.input);
        if (status != TD_OK) return status;
        in->pending.has = true;
        in->pending.looked = false;
    }
    if (in->pending.input.item.kind == TD_ITEM_END) return end(in);
    if (!due(in, now_ns)) return TD_AGAIN;
    td_status status = append_input(in, &in->pending);
    if (status != TD_OK) return status;
    in->pending.has = false;
    if (in->pending.input.item.clock_ns != 0) in->clock_ns = in->pending.input.item.clock_ns;
    return TD_OK;
}

/* What was asked for, what is there of the live feeds, then what is due of the others. *out_wanted: it should not wait
 * for more. */
static td_status handle_batch(td_ingest *in, int64_t now_ns, int *out_done, bool *out_wanted) {
    int asked = 0, live = 0, done = 0;
    *out_done = 0;
    *out_wanted = false;
    td_status status = is_half_way(in) ? TD_OK : begin_program(in);
    if (status != TD_OK) return status;
    while (asked < TD_COMMANDS_MAX && (status = handle_command(in)) == TD_OK) asked++;
    if (asked == TD_COMMANDS_MAX || status == TD_AGAIN)
        while (live < BATCH_MAX && (status = handle_live(in)) == TD_OK) live++;
    if (live == BATCH_MAX || status == TD_AGAIN)
        while (done < BATCH_MAX && (status = handle_next(in, now_ns)) == TD_OK) done++;
    *out_done = asked + live + done;
    *out_wanted = asked + live > 0 || status == TD_AGAIN || in->conf.speed != 0; /* paced: what is due is wanted now */
    return status;
}

static bool has_batched(const td_ingest *in) {
    for (size_t i = 0; i < 2 * (size_t)in->conf.topics->partitions; i++)
        if (in->lanes[i]->batch.count > 0) return true;
    return td_capture_has_batched(in->capture);
}

/* Where an append is dear, what has come waits for more. */
static bool is_waiting(const td_ingest *in, int64_t now_ns) {
    return in->conf.flush_interval_ns > 0 && !in->unsure && now_ns < in->flushed_ns + in->conf.flush_interval_ns;
}

static void count_wait(td_ingest *in) {
    if (in->arrived_ns == 0) return;
    int64_t now_ns = in->conf.os->ops->wall_ns(in->conf.os->self);
    td_histogram_add(&in->counts.waits, td_most(0, now_ns - in->arrived_ns));
    in->arrived_ns = 0;
}

int td_ingest_step(void *self) {
    td_ingest *in = self;
    if (td_fault_status(&in->fault) != TD_OK) return 0;
    const td_os *os = in->conf.os;
    (void)td_live_pump(in->conf.live);
    if (atomic_load_explicit(&in->leaving, memory_order_acquire) && td_live_leave(in->conf.live))
        atomic_store_explicit(&in->left, true, memory_order_release);
    if (td_backoff_waiting(&in->backoff, os)) return 0;
    if (in->conf.disk != NULL && td_disk_level_now(in->conf.disk) == TD_DISK_FULL) return 0;
    int64_t now_ns = os->ops->mono_ns(os->self);
    in->now_ms = os->ops->wall_ns(os->self) / TD_NS_PER_MS;
    if (td_backfill_step(in->backfill) != TD_OK) td_fault_set(&in->standing, TD_CORRUPT);
    int done = 0;
    bool wanted = false;
    td_status status = in->unsure ? td_ingest_flush(in) : TD_OK;
    if (status == TD_OK) status = td_answers_step(in->answers, in->now_ms);
    if (status == TD_OK) status = td_bookmarks_step(in->bookmarks, in->now_ms);
    if (status == TD_OK) status = handle_batch(in, now_ns, &done, &wanted);
    td_count(&in->counts.clock_ns, in->clock_ns - td_counted(&in->counts.clock_ns));
    td_count(&in->counts.resuming, in->resuming - td_counted(&in->counts.resuming));
    if (wanted && (status == TD_OK || status == TD_AGAIN) && !is_waiting(in, now_ns)) {
        if (has_batched(in)) in->flushed_ns = now_ns;
        td_status flushed = td_ingest_flush(in);
        if (flushed == TD_OK) {
            count_wait(in);
            td_bookmarks_mark(in->bookmarks, in->now_ms);
        } else {
            status = flushed;
        }
    }
    if (status == TD_RETRY || status == TD_FULL) {
        td_count(&in->counts.retries, 1);
        td_backoff_start(&in->backoff, os);
    } else if (status == TD_OK || status == TD_AGAIN) {
        td_backoff_reset(&in->backoff);
    } else {
        td_fault_set(&in->fault, status);
    }
    return done;
}
