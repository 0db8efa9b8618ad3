/* src/flow/ingest.c - feeds -> tape; the only place that decides about its errors. */
#include "flow/ingest.h"
#include "base/hash.h"
#include "base/time.h"
#include "flow/inputs.h"
#include "schema/cause.h"
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

enum { BATCH_MAX = 4096 }; /* inputs of one step */

typedef struct mark { /* an input as its record on the log shows it: enough to know it again */
    bool present;
    uint8_t kind; /* td_event_kind; 0 for a rejected one */
    uint8_t session;
    uint32_t feed;
    int64_t offset;
    td_source_position position;
    int64_t event_ns, receive_ns; /* of Time both are its clock; of a rejected one the first is 0 */
} mark;

typedef struct feed_end { /* how a lane ends, of one feed's inputs that come again */
    mark last;            /* present: they are passed in silence until this one has come by */
    mark ended;           /* present: made again just so, it is passed too; it falls away where the feed has grown */
    bool whole;           /* the feed had ended, and is as it was: all its inputs are passed */
} feed_end;

typedef struct ingest_lane { /* one partition that we append to */
    td_topic *topic;
    uint32_t partition;
    td_batch batch;
    bool unsure;    /* the log may have the batch: nothing more goes into it before that is known */
    bool stands;    /* what it ends with cannot be read: nothing is appended, lest it be there already */
    feed_end *ends; /* by feed index */
} ingest_lane;

struct td_ingest {
    td_ingest_conf conf;
    td_writer *writer;
    td_inputs *inputs;
    uint32_t end_count; /* above all indexes of feeds of the merge */
    td_backfill *backfill;
    ingest_lane *tape, *rejected;   /* by partition */
    td_input pending, live_pending; /* of the merge; of the live feeds */
    bool has_pending, has_live_pending, paced;
    td_commands *commands;
    td_command command; /* taken, and not with what will be appended */
    bool has_command;
    bool replayed;                     /* the merge has come to its end */
    bool resuming;                     /* everything so far was passed in silence */
    int64_t pace_from_ns, pace_due_ns; /* the run's clock: pace_due_ns fell at pace_from_ns */
    int64_t now_ms, clock_ns;
    td_buf value, held;   /* a record in the making; bytes of live_pending */
    uint8_t *trade_feeds; /* by instrument: 1 + the feed that trades it */
    uint32_t trade_feeds_count;
    td_backoff backoff;
    td_ingest_counts counts;
    td_fault fault, standing;
    atomic_bool ended;
};

/* ---- where the log ends ---- */

static td_status read_mark(const td_topics *topics, const td_record *record, mark *out, td_bytes *out_feed) {
    *out = (mark){0};
    td_bytes src = td_record_header(record, TD_SRC_HEADER), feed = {0};
    if (src.data == NULL) return TD_OK; /* not an input */
    td_event event = {0};
    td_rejected rejected = {0};
    td_status status;
    if (td_record_schema(topics->ids, record->value) == TD_SCHEMA_REJECTED) {
        status = td_record_get_rejected(record->value, &rejected);
        feed = rejected.feed;
    } else {
        status = td_record_get_event(topics->ids, record->value, &event, &feed);
    }
    /* What was asked for afterwards says nothing of when the feed was heard. */
    if (status == TD_OK && (event.kind == TD_EVENT_FILLED || event.origin == TD_ORIGIN_BACKFILL)) return TD_OK;
    if (status != TD_OK || !td_src_get(src, &out->position))
        return TD_FAIL(TD_CORRUPT, "offset %lld is not a record of ours", (long long)record->offset);
    *out_feed = feed;
    out->offset = record->offset;
    out->present = true;
    out->kind = event.kind;
    out->event_ns = event.event_ns;
    out->receive_ns = event.kind == 0 ? rejected.receive_ns : event.receive_ns;
    if (event.kind == TD_EVENT_TIME) out->session = event.time.session;
    return TD_OK;
}

static bool is_live(td_source_position position) { return (position.file & TD_SESSION_BIT) != 0; }

static bool is_ended(const mark *m) { return m->kind == TD_EVENT_TIME && m->session == TD_SESSION_ENDED; }

static void note_end(const td_ingest *in, ingest_lane *lane, td_bytes feed_name, mark *found) {
    for (size_t i = 0; i < td_merge_feed_count(in->conf.merge); i++) {
        const td_merge_feed *feed = td_merge_feed_at(in->conf.merge, i);
        if (!td_bytes_equal(td_text(feed->conf->name), feed_name)) continue;
        found->feed = feed->index;
        feed_end *end = &lane->ends[feed->index];
        *(is_ended(found) ? &end->ended : &end->last) = *found;
        if (!is_ended(found)) end->ended.present = false; /* the feed has gone on behind it */
    }
}

/* Each feed's last input that comes again among the records from `from` on; those of live feeds are theirs to know. */
static td_status last_marks_from(td_ingest *in, ingest_lane *lane, int64_t from) {
    td_reader *reader;
    td_status status = td_reader_open(&reader, lane->topic, lane->partition, from, TD_READ_APPENDED);
    if (status != TD_OK) return status;
    td_record record;
    td_bytes feed;
    while ((status = td_reader_next(reader, &record)) == TD_OK) {
        mark found;
        status = read_mark(in->conf.topics, &record, &found, &feed);
        if (status != TD_OK) break;
        if (!found.present) continue;
        if (!is_live(found.position))
            note_end(in, lane, feed, &found);
        else if (lane->topic == in->conf.topics->tape)
            td_live_resume(in->conf.live, feed, lane->partition, found.position, found.receive_ns);
    }
    td_reader_close(reader);
    return status == TD_AGAIN ? TD_OK : status;
}

/* Inputs of that feed that come again can lie there. */
static bool is_fed_by(const ingest_lane *lane, const td_topics *topics, const td_merge_feed *feed) {
    return lane->topic == topics->tape ||
           lane->partition == td_partition_of(td_text(feed->conf->name), topics->partitions);
}

/* All that the start has to know of this partition. */
static bool is_known(const td_ingest *in, const ingest_lane *lane) {
    for (size_t i = 0; i < td_merge_feed_count(in->conf.merge); i++) {
        const td_merge_feed *feed = td_merge_feed_at(in->conf.merge, i);
        const feed_end *end = &lane->ends[feed->index];
        if (is_fed_by(lane, in->conf.topics, feed) && !end->last.present && !end->whole) return false;
    }
    return lane->topic != in->conf.topics->tape || td_live_resumed(in->conf.live, lane->partition);
}

/* Where retention has taken the last input of a feed, those that came before the partition's own last one are there,
 * or were. A feed that is new to the log has none. */
static void borrow_marks(const td_ingest *in, ingest_lane *lane) {
    const mark *newest = NULL;
    for (uint32_t f = 0; f < in->end_count; f++) {
        const mark *last = &lane->ends[f].last;
        if (last->present && (newest == NULL || last->offset > newest->offset)) newest = last;
    }
    for (uint32_t f = 0; newest != NULL && f < in->end_count; f++) {
        bool is_new = !td_inputs_unsaid(in->inputs) && !td_inputs_known(in->inputs, f);
        const feed_end *end = &lane->ends[f];
        if (!end->last.present && !end->whole && !is_new) lane->ends[f].last = *newest;
    }
}

/* What the log says of them need not be looked for: it may lie far back. */
static void note_ended(const td_ingest *in, ingest_lane *lane) {
    for (size_t i = 0; i < td_merge_feed_count(in->conf.merge); i++) {
        const td_merge_feed *feed = td_merge_feed_at(in->conf.merge, i);
        lane->ends[feed->index].whole = td_inputs_ended(in->inputs, feed, lane->topic, lane->partition);
    }
}

/* Blocks backwards until what is wanted is found. */
static td_status find_ends(td_ingest *in, ingest_lane *lane) {
    enum { BLOCK_BYTES = 64 * 1024 };
    int64_t start = td_topic_start(lane->topic, lane->partition), from = td_topic_end(lane->topic, lane->partition);
    int64_t block_bytes = BLOCK_BYTES;
    while (from > start && !is_known(in, lane)) {
        from = td_topic_block_before(lane->topic, lane->partition, from, block_bytes);
        block_bytes *= 4;
        td_status status = last_marks_from(in, lane, from);
        if (status == TD_CORRUPT) { /* what lies behind the damage is not known */
            lane->stands = true;
            memset(lane->ends, 0, in->end_count * sizeof *lane->ends);
        }
        if (status != TD_OK)
            return td_trace(status, "finding where %s-%u ends", td_topic_name(lane->topic), lane->partition);
    }
    if (start > 0 && from <= start) borrow_marks(in, lane);
    return TD_OK;
}

/* TD_CONFIG where the feed has new files that are not behind all that the log holds of it. */
static td_status check_new_files(const td_ingest *in, uint32_t feed) {
    int64_t clock_ns = 0;
    for (uint32_t p = 0; p < in->conf.topics->partitions; p++) {
        const ingest_lane *lanes[] = {&in->tape[p], &in->rejected[p]};
        for (size_t i = 0; i < 2; i++) {
            const feed_end *end = &lanes[i]->ends[feed];
            if (end->last.present && end->last.receive_ns > clock_ns) clock_ns = end->last.receive_ns;
            if (end->ended.present && end->ended.receive_ns > clock_ns) clock_ns = end->ended.receive_ns;
            if (end->last.present && end->last.feed != feed) clock_ns = INT64_MAX; /* borrowed */
        }
    }
    return td_inputs_check_order(in->inputs, feed, clock_ns);
}

/* What the feeds are made of is on the disk before the first of their inputs. A log without such a statement gets it
 * when its inputs have come by: they may be others. */
static td_status settle_inputs(td_ingest *in) {
    td_status status = TD_OK;
    for (uint32_t f = 0; f < in->end_count && status == TD_OK; f++) status = check_new_files(in, f);
    if (in->resuming && td_inputs_unsaid(in->inputs)) return status;
    if (status == TD_OK) status = td_inputs_keep(in->inputs, in->writer, in->now_ms);
    return status == TD_OK ? td_log_sync(in->conf.topics->log) : status;
}

/* ---- life ---- */

static td_status lanes_open(td_ingest *in, ingest_lane **out, td_topic *topic) {
    const td_ingest_conf *conf = &in->conf;
    ingest_lane *lanes = *out = td_alloc_zero(conf->topics->partitions, sizeof *lanes);
    td_status status = TD_OK;
    for (uint32_t p = 0; p < conf->topics->partitions && status == TD_OK; p++) {
        lanes[p].topic = topic;
        lanes[p].partition = p;
        td_batch_init(&lanes[p].batch, conf->batch_bytes);
        lanes[p].ends = td_alloc_zero(in->end_count, sizeof *lanes[p].ends);
        note_ended(in, &lanes[p]);
        status = find_ends(in, &lanes[p]);
        for (uint32_t f = 0; f < in->end_count; f++)
            in->resuming |= lanes[p].ends[f].last.present || lanes[p].ends[f].whole;
        if (status != TD_CORRUPT) continue;
        td_fault_set(&in->standing, status);
        status = TD_OK;
    }
    return status;
}

static void lanes_close(ingest_lane *lanes, uint32_t partitions) {
    for (uint32_t p = 0; lanes != NULL && p < partitions; p++) {
        td_batch_fini(&lanes[p].batch);
        free(lanes[p].ends);
    }
    free(lanes);
}

td_status td_ingest_open(td_ingest **out, const td_ingest_conf *conf) {
    td_ingest *in = td_alloc_zero(1, sizeof *in);
    in->conf = *conf;
    in->commands = td_commands_new();
    for (size_t i = 0; i < td_merge_feed_count(conf->merge); i++) {
        uint32_t feed = td_merge_feed_at(conf->merge, i)->index;
        if (feed >= in->end_count) in->end_count = feed + 1;
    }
    in->now_ms = conf->os->ops->wall_ns(conf->os->self) / TD_NS_PER_MS;
    /* First: it settles how the log ends. */
    td_status status = td_writer_open(&in->writer, conf->topics->log, "ingest");
    if (status == TD_OK) status = td_inputs_open(&in->inputs, conf->os, conf->topics, conf->merge);
    if (status == TD_OK) status = lanes_open(in, &in->tape, conf->topics->tape);
    if (status == TD_OK) status = lanes_open(in, &in->rejected, conf->topics->rejected);
    if (status == TD_OK) status = settle_inputs(in);
    td_backfill_conf backfill = {.os = conf->os,
                                 .topics = conf->topics,
                                 .live = conf->live,
                                 .instruments = conf->instruments,
                                 .report = conf->report,
                                 .report_arg = conf->report_arg};
    if (status == TD_OK) status = td_backfill_open(&in->backfill, &backfill);
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
    td_backfill_close(in->backfill);
    lanes_close(in->rejected, in->conf.topics->partitions);
    lanes_close(in->tape, in->conf.topics->partitions);
    td_inputs_close(in->inputs);
    td_writer_close(in->writer);
    td_commands_free(in->commands);
    td_buf_fini(&in->value);
    td_buf_fini(&in->held);
    free(in->trade_feeds);
    free(in);
}

bool td_ingest_ended(td_ingest *in) { return atomic_load_explicit(&in->ended, memory_order_acquire); }
td_commands *td_ingest_commands(td_ingest *in) { return in->commands; }
td_ingest_counts *td_ingest_counters(td_ingest *in) { return &in->counts; }
td_fault *td_ingest_fault(td_ingest *in) { return &in->fault; }
td_trouble *td_ingest_trouble(td_ingest *in) { return &in->backoff.trouble; }
td_fault *td_ingest_standing(td_ingest *in) { return &in->standing; }

/* ---- appending ---- */

static td_status lane_flush(td_ingest *in, ingest_lane *lane) {
    if (lane->batch.count == 0) return TD_OK;
    int64_t bytes = (int64_t)lane->batch.bytes.size;
    td_status status = td_writer_append(in->writer, lane->topic, lane->partition, &lane->batch);
    lane->unsure = status == TD_RETRY;
    if (status != TD_OK) return status;
    td_count(lane->topic == in->conf.topics->tape ? &in->counts.tape_bytes : &in->counts.rejected_bytes, bytes);
    td_batch_reset(&lane->batch);
    return TD_OK;
}

td_status td_ingest_flush(td_ingest *in) {
    td_status status = TD_OK;
    for (uint32_t p = 0; p < in->conf.topics->partitions && status == TD_OK; p++) {
        status = lane_flush(in, &in->tape[p]);
        if (status == TD_OK) status = lane_flush(in, &in->rejected[p]);
    }
    if (status == TD_OK && !in->has_command) td_commands_settle(in->commands);
    return status;
}

static td_status lane_add(td_ingest *in, ingest_lane *lane, const td_command *c) {
    if (!lane->unsure && td_batch_add(&lane->batch, in->now_ms, c->key, c->value, c->header_name, c->header))
        return TD_OK;
    td_status status = lane_flush(in, lane);
    if (status != TD_OK) return status;
    bool added = td_batch_add(&lane->batch, in->now_ms, c->key, c->value, c->header_name, c->header);
    assert(added); /* an empty batch takes any record */
    (void)added;
    return TD_OK;
}

static td_status lane_put(td_ingest *in, ingest_lane *lane, td_bytes key, td_source_position position) {
    uint8_t src[TD_SRC_MAX];
    td_command record = {
        lane->partition, key, td_buf_bytes(&in->value), TD_SRC_HEADER, {src, td_src_put(position, src)}};
    return lane_add(in, lane, &record);
}

/* ---- what other threads ask for ---- */

static td_status handle_command(td_ingest *in) {
    if (!in->has_command) in->has_command = td_commands_take(in->commands, &in->command);
    if (!in->has_command) return TD_AGAIN;
    bool known = in->command.partition < in->conf.topics->partitions;
    ingest_lane *lane = &in->tape[known ? in->command.partition : 0];
    td_status status = TD_OK;
    if (!known || lane->stands)
        td_commands_refuse(in->commands, known ? TD_CORRUPT : TD_REJECT);
    else
        status = lane_add(in, lane, &in->command);
    if (status != TD_OK) return status;
    bool tick = td_record_schema(in->conf.topics->ids, in->command.value) != TD_SCHEMA_CORPORATE;
    td_count(&in->counts.commands, known && !lane->stands && tick);
    in->has_command = false;
    return TD_OK;
}

/* ---- one input ---- */

static bool same_place(const mark *last, const mark *now) {
    if (now->kind != last->kind || now->feed != last->feed || !td_source_position_equal(now->position, last->position))
        return false;
    /* There may be other Times at that place. */
    return now->kind != TD_EVENT_TIME || (now->receive_ns == last->receive_ns && now->session == last->session);
}

static mark mark_of(const td_input *input) {
    const td_feed_item *item = &input->item;
    mark m = {.feed = input->feed, .position = item->position};
    if (item->kind == TD_ITEM_REJECTED) {
        m.receive_ns = item->rejected.receive_ns;
        return m;
    }
    m.kind = item->event.kind;
    m.event_ns = item->event.event_ns;
    m.receive_ns = item->event.receive_ns;
    if (m.kind == TD_EVENT_TIME) m.session = item->event.time.session;
    return m;
}

/* The log holds it, or what comes behind it. */
static bool is_repeated(const feed_end *end, const td_input *input) {
    if (end->last.present || end->whole || !end->ended.present) return end->last.present || end->whole;
    mark now = mark_of(input);
    return same_place(&end->ended, &now);
}

/* The awaited input has come by, for its feed and for those that borrowed its mark. */
static void release_feeds(const td_ingest *in, ingest_lane *lane, const mark *met) {
    for (uint32_t f = 0; f < in->end_count; f++)
        if (same_place(&lane->ends[f].last, met)) lane->ends[f].last.present = false;
}

/* TD_AGAIN: the log holds this input already. TD_CONFIG: it holds another one at its place. */
static td_status pass_in_silence(td_ingest *in, ingest_lane *lane, const td_input *input) {
    if (is_live(input->item.position)) return lane->stands ? TD_AGAIN : TD_OK; /* the standing fault tells the loss */
    const feed_end *end = &lane->ends[input->feed];
    if (!is_repeated(end, input) && !lane->stands) {
        in->resuming = false;
        return TD_OK;
    }
    td_count(&in->counts.feeds[input->feed].resumed, 1);
    mark now = mark_of(input);
    if (lane->stands || !end->last.present || !same_place(&end->last, &now)) return TD_AGAIN;
    if (now.event_ns != end->last.event_ns || now.receive_ns != end->last.receive_ns) {
        td_bytes feed = in->conf.feed_names[input->feed];
        return TD_FAIL(TD_CONFIG,
                       "%s-%" PRIu32 " holds another input as file %" PRIu32 ", line %" PRIu64
                       " of feed %.*s; a log goes on with the inputs it was made of: name another log.dir for others",
                       td_topic_name(lane->topic), lane->partition, now.position.file, now.position.line,
                       (int)feed.size, (const char *)feed.data);
    }
    release_feeds(in, lane, &now);
    return TD_AGAIN;
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

static td_status append_event(td_ingest *in, const td_input *input) {
    const td_event *e = &input->item.event;
    ingest_lane *lane = &in->tape[input->partition];
    bool tick = e->kind == TD_EVENT_TRADE || e->kind == TD_EVENT_QUOTE;
    td_status status = e->kind == TD_EVENT_TRADE ? check_trade_feed(in, e) : TD_OK;
    if (status == TD_OK) status = pass_in_silence(in, lane, input);
    if (status != TD_OK) return status == TD_AGAIN ? TD_OK : status;
    td_bytes feed = in->conf.feed_names[input->feed];
    in->value.size = 0;
    td_record_put_event(&in->value, in->conf.topics->ids, feed, e);
    status =
        lane_put(in, lane, e->kind != TD_EVENT_TIME ? td_instruments_name(in->conf.instruments, e->instrument) : feed,
                 input->item.position);
    if (status == TD_OK && tick) td_count(&in->counts.feeds[input->feed].events, 1);
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

static td_status append_input(td_ingest *in, const td_input *input) {
    switch (input->item.kind) {
    case TD_ITEM_EVENT:
        return append_event(in, input);
    case TD_ITEM_REJECTED:
        return append_rejected(in, input);
    case TD_ITEM_IGNORED:
        if (!in->resuming) td_count(&in->counts.feeds[input->feed].ignored, 1);
        return TD_OK;
    case TD_ITEM_SESSION:
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
    const ingest_lane *lane = &lanes[input->partition];
    return !is_repeated(&lane->ends[input->feed], input) && !lane->stands;
}

/* The pace begins with the first input that the log does not hold: what is passed in silence waits for nothing. */
static bool due(td_ingest *in, int64_t now_ns) {
    if (in->conf.speed == 0) return true;
    if (!in->paced) {
        if (!will_append(in, &in->pending)) return true;
        in->paced = true;
        in->pace_from_ns = now_ns;
        in->pace_due_ns = in->pending.due_ns;
    }
    double elapsed_ns = (double)(in->pending.due_ns - in->pace_due_ns) / in->conf.speed;
    return (double)(now_ns - in->pace_from_ns) >= elapsed_ns;
}

/* The lane must have met the inputs that it ends with: else these are not the inputs that the log was made of. */
static td_status check_met(const td_ingest *in, const ingest_lane *lane) {
    for (uint32_t f = 0; f < in->end_count; f++) {
        const mark *last = &lane->ends[f].last;
        if (!last->present) continue;
        td_bytes feed = in->conf.feed_names[last->feed];
        return TD_FAIL(TD_CONFIG,
                       "%s-%" PRIu32 " ends with file %" PRIu32 ", line %" PRIu64
                       " of feed %.*s, which the inputs no longer give; a log goes on with the inputs it was made of: "
                       "name another log.dir for others",
                       td_topic_name(lane->topic), lane->partition, last->position.file, last->position.line,
                       (int)feed.size, (const char *)feed.data);
    }
    return TD_OK;
}

static td_status end(td_ingest *in) {
    td_status status = TD_OK;
    for (uint32_t p = 0; p < in->conf.topics->partitions && status == TD_OK; p++) {
        status = check_met(in, &in->tape[p]);
        if (status == TD_OK) status = check_met(in, &in->rejected[p]);
    }
    if (status == TD_OK) status = td_inputs_keep(in->inputs, in->writer, in->now_ms);
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
    td_bytes *bytes = &in->live_pending.item.rejected.bytes;
    if (in->live_pending.item.kind != TD_ITEM_REJECTED || bytes->data == in->held.data) return;
    in->held.size = 0;
    td_buf_put(&in->held, bytes->data, bytes->size);
    *bytes = td_buf_bytes(&in->held);
}

static td_status handle_live(td_ingest *in) {
    if (!in->has_live_pending) {
        td_status status = td_backfill_next(in->backfill, &in->live_pending);
        if (status != TD_OK) return status;
        in->has_live_pending = true;
    }
    td_status status = append_input(in, &in->live_pending);
    if (status != TD_OK) {
        hold_live(in);
        return status;
    }
    in->has_live_pending = false;
    if (in->live_pending.item.clock_ns > in->clock_ns) in->clock_ns = in->live_pending.item.clock_ns;
    return TD_OK;
}

static td_status handle_next(td_ingest *in, int64_t now_ns) {
    if (in->replayed) return TD_AGAIN;
    if (!in->has_pending) {
        td_status status = td_merge_next(in->conf.merge, &in->pending);
        if (status != TD_OK) return status;
        in->has_pending = true;
    }
    if (in->pending.item.kind == TD_ITEM_END) return end(in);
    if (!due(in, now_ns)) return TD_AGAIN;
    td_status status = append_input(in, &in->pending);
    if (status != TD_OK) return status;
    in->has_pending = false;
    if (in->pending.item.clock_ns != 0) in->clock_ns = in->pending.item.clock_ns;
    return TD_OK;
}

/* What was asked for, what is there of the live feeds, then what is due of the others. *out_wanted: it should not wait
 * for more. */
static td_status handle_batch(td_ingest *in, int64_t now_ns, int *out_done, bool *out_wanted) {
    td_status status;
    int asked = 0, live = 0, done = 0;
    while (asked < TD_COMMANDS_MAX && (status = handle_command(in)) == TD_OK) asked++;
    if (asked == TD_COMMANDS_MAX || status == TD_AGAIN)
        while (live < BATCH_MAX && (status = handle_live(in)) == TD_OK) live++;
    if (live == BATCH_MAX || status == TD_AGAIN)
        while (done < BATCH_MAX && (status = handle_next(in, now_ns)) == TD_OK) done++;
    *out_done = asked + live + done;
    *out_wanted = asked + live > 0 || status == TD_AGAIN || in->conf.speed != 0; /* paced: what is due is wanted now */
    return status;
}

int td_ingest_step(void *self) {
    td_ingest *in = self;
    if (td_fault_status(&in->fault) != TD_OK) return 0;
    const td_os *os = in->conf.os;
    (void)td_live_pump(in->conf.live);
    if (td_backoff_waiting(&in->backoff, os)) return 0;
    if (in->conf.disk != NULL && td_disk_level_now(in->conf.disk) == TD_DISK_FULL) return 0;
    int64_t now_ns = os->ops->mono_ns(os->self);
    in->now_ms = os->ops->wall_ns(os->self) / TD_NS_PER_MS;
    if (td_backfill_step(in->backfill) != TD_OK) td_fault_set(&in->standing, TD_CORRUPT);
    int done;
    bool wanted;
    td_status status = handle_batch(in, now_ns, &done, &wanted);
    td_count(&in->counts.clock_ns, in->clock_ns - td_counted(&in->counts.clock_ns));
    td_count(&in->counts.resuming, in->resuming - td_counted(&in->counts.resuming));
    if (wanted && (status == TD_OK || status == TD_AGAIN)) {
        td_status flushed = td_ingest_flush(in);
        if (flushed != TD_OK) status = flushed;
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
