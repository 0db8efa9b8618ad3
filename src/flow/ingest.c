/* src/flow/ingest.c - feeds -> tape; the only place that decides about its errors. */
#include "flow/ingest.h"
#include "base/time.h"
#include "flow/cause.h"
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

enum { BATCH_MAX = 4096 }; /* inputs of one step */

typedef struct mark { /* an input as its record on the log shows it: enough to know it again */
    bool present;
    uint8_t kind; /* td_event_kind; 0 for a rejected one */
    uint8_t session;
    char feed[64];
    td_source_position position;
    int64_t event_ns, receive_ns; /* of Time both are its clock; of a rejected one the first is 0 */
} mark;

typedef struct ingest_lane { /* one partition that we append to */
    td_topic *topic;
    uint32_t partition;
    td_batch batch;
    bool unsure; /* the log may have the batch: nothing more goes into it before that is known */
    mark last;   /* present: inputs are passed in silence until this one has come by */
    bool stands; /* what it ends with cannot be read: nothing is appended, lest it be there already */
} ingest_lane;

struct td_ingest {
    td_ingest_conf conf;
    td_writer *writer;
    ingest_lane *tape, *rejected;   /* by partition */
    td_input pending, live_pending; /* of the merge; of the live feeds */
    bool has_pending, has_live_pending, paced;
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

static td_status read_mark(const td_topics *topics, const td_record *record, mark *out) {
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
    if (status != TD_OK || feed.size >= sizeof out->feed || !td_src_get(src, &out->position))
        return TD_FAIL(TD_CORRUPT, "offset %lld is not a record of ours", (long long)record->offset);
    memcpy(out->feed, feed.data, feed.size);
    out->present = true;
    out->kind = event.kind;
    out->event_ns = event.event_ns;
    out->receive_ns = event.kind == 0 ? rejected.receive_ns : event.receive_ns;
    if (event.kind == TD_EVENT_TIME) out->session = event.time.session;
    return TD_OK;
}

static bool is_live(td_source_position position) { return (position.file & TD_SESSION_BIT) != 0; }

/* The last input that comes again among the records from `from` on; those of live feeds are theirs to know. */
static td_status last_mark_from(td_ingest *in, ingest_lane *lane, int64_t from) {
    const td_topics *topics = in->conf.topics;
    td_reader *reader;
    td_status status = td_reader_open(&reader, lane->topic, lane->partition, from, TD_READ_APPENDED);
    if (status != TD_OK) return status;
    td_record record;
    while ((status = td_reader_next(reader, &record)) == TD_OK) {
        mark found;
        status = read_mark(topics, &record, &found);
        if (status != TD_OK) break;
        if (!found.present) continue;
        if (!is_live(found.position))
            lane->last = found;
        else if (lane->topic == topics->tape)
            td_live_resume(in->conf.live, td_text(found.feed), lane->partition, found.position, found.receive_ns);
    }
    td_reader_close(reader);
    return status == TD_AGAIN ? TD_OK : status;
}

/* All that the start has to know of this partition. */
static bool is_known(const td_ingest *in, const ingest_lane *lane) {
    bool comes_again = td_merge_feed_count(in->conf.merge) > 0;
    if (comes_again && !lane->last.present) return false;
    return lane->topic != in->conf.topics->tape || td_live_resumed(in->conf.live, lane->partition);
}

/* Blocks backwards until what is wanted is found. */
static td_status find_last_mark(td_ingest *in, ingest_lane *lane) {
    enum { BLOCK_BYTES = 64 * 1024 };
    int64_t start = td_topic_start(lane->topic, lane->partition), from = td_topic_end(lane->topic, lane->partition);
    int64_t block_bytes = BLOCK_BYTES;
    while (from > start && !is_known(in, lane)) {
        from = td_topic_block_before(lane->topic, lane->partition, from, block_bytes);
        block_bytes *= 4;
        td_status status = last_mark_from(in, lane, from);
        if (status == TD_CORRUPT) { /* what lies behind the damage is not known */
            lane->stands = true;
            lane->last = (mark){0};
        }
        if (status != TD_OK)
            return td_trace(status, "finding where %s-%u ends", td_topic_name(lane->topic), lane->partition);
    }
    return TD_OK;
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
        status = find_last_mark(in, &lanes[p]);
        if (td_merge_feed_count(conf->merge) == 0) lanes[p].last = (mark){0};
        in->resuming |= lanes[p].last.present;
        if (status != TD_CORRUPT) continue;
        td_fault_set(&in->standing, status);
        status = TD_OK;
    }
    return status;
}

static void lanes_close(ingest_lane *lanes, uint32_t partitions) {
    for (uint32_t p = 0; lanes != NULL && p < partitions; p++) td_batch_fini(&lanes[p].batch);
    free(lanes);
}

td_status td_ingest_open(td_ingest **out, const td_ingest_conf *conf) {
    td_ingest *in = td_alloc_zero(1, sizeof *in);
    in->conf = *conf;
    /* First: it settles how the log ends. */
    td_status status = td_writer_open(&in->writer, conf->topics->log, "ingest");
    if (status == TD_OK) status = lanes_open(in, &in->tape, conf->topics->tape);
    if (status == TD_OK) status = lanes_open(in, &in->rejected, conf->topics->rejected);
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
    lanes_close(in->rejected, in->conf.topics->partitions);
    lanes_close(in->tape, in->conf.topics->partitions);
    td_writer_close(in->writer);
    td_buf_fini(&in->value);
    td_buf_fini(&in->held);
    free(in->trade_feeds);
    free(in);
}

bool td_ingest_ended(td_ingest *in) { return atomic_load_explicit(&in->ended, memory_order_acquire); }
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
    return status;
}

static td_status lane_put(td_ingest *in, ingest_lane *lane, td_bytes key, td_source_position position) {
    uint8_t src[TD_SRC_MAX];
    td_bytes header = {src, td_src_put(position, src)}, value = td_buf_bytes(&in->value);
    if (!lane->unsure && td_batch_add(&lane->batch, in->now_ms, key, value, TD_SRC_HEADER, header)) return TD_OK;
    td_status status = lane_flush(in, lane);
    if (status != TD_OK) return status;
    bool added = td_batch_add(&lane->batch, in->now_ms, key, value, TD_SRC_HEADER, header);
    assert(added); /* an empty batch takes any record */
    (void)added;
    return TD_OK;
}

/* ---- one input ---- */

static bool same_place(const td_ingest *in, const mark *last, const td_input *input, const mark *now) {
    if (now->kind != last->kind || now->position.file != last->position.file ||
        now->position.line != last->position.line)
        return false;
    if (now->kind == TD_EVENT_TIME && (now->receive_ns != last->receive_ns || now->session != last->session))
        return false; /* another Time at that place */
    return td_bytes_equal(in->conf.feed_names[input->feed], td_text(last->feed));
}

static mark mark_of(const td_feed_item *item) {
    mark m = {.position = item->position};
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

/* TD_AGAIN: the log holds this input already. TD_CONFIG: it holds another one at its place. */
static td_status pass_in_silence(td_ingest *in, ingest_lane *lane, const td_input *input) {
    if (is_live(input->item.position)) return lane->stands ? TD_AGAIN : TD_OK; /* the standing fault tells the loss */
    if (!lane->last.present && !lane->stands) {
        in->resuming = false;
        return TD_OK;
    }
    td_count(&in->counts.feeds[input->feed].resumed, 1);
    mark now = mark_of(&input->item);
    if (lane->stands || !same_place(in, &lane->last, input, &now)) return TD_AGAIN;
    if (now.event_ns != lane->last.event_ns || now.receive_ns != lane->last.receive_ns)
        return TD_FAIL(TD_CONFIG,
                       "%s-%" PRIu32 " holds another input as file %" PRIu32 ", line %" PRIu64
                       " of feed %s; a log goes on with the inputs it was made of: name another log.dir for others",
                       td_topic_name(lane->topic), lane->partition, now.position.file, now.position.line,
                       lane->last.feed);
    lane->last.present = false;
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
    bool tick = e->kind != TD_EVENT_TIME;
    td_status status = e->kind == TD_EVENT_TRADE ? check_trade_feed(in, e) : TD_OK;
    if (status == TD_OK) status = pass_in_silence(in, lane, input);
    if (status != TD_OK) return status == TD_AGAIN ? TD_OK : status;
    td_bytes feed = in->conf.feed_names[input->feed];
    in->value.size = 0;
    td_record_put_event(&in->value, in->conf.topics->ids, feed, e);
    status = lane_put(in, lane, tick ? td_instruments_name(in->conf.instruments, e->instrument) : feed,
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
    case TD_ITEM_END:
        break;
    }
    return TD_OK;
}

/* ---- the loop ---- */

static bool will_append(const td_ingest *in, const td_input *input) {
    if (input->item.kind == TD_ITEM_IGNORED) return false;
    const ingest_lane *lanes = input->item.kind == TD_ITEM_REJECTED ? in->rejected : in->tape;
    return !lanes[input->partition].last.present && !lanes[input->partition].stands;
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

/* Every partition must have met the input that it ends with: else these are not the inputs that the log was made of. */
static td_status check_resumed(const td_ingest *in) {
    for (uint32_t p = 0; p < 2 * in->conf.topics->partitions; p++) {
        const ingest_lane *lane = p % 2 == 0 ? &in->tape[p / 2] : &in->rejected[p / 2];
        if (!lane->last.present) continue;
        return TD_FAIL(TD_CONFIG,
                       "%s-%" PRIu32 " ends with file %" PRIu32 ", line %" PRIu64
                       " of feed %s, which the inputs no longer "
                       "give; a log goes on with the inputs it was made of: name another log.dir for others",
                       td_topic_name(lane->topic), lane->partition, lane->last.position.file, lane->last.position.line,
                       lane->last.feed);
    }
    return TD_OK;
}

static td_status end(td_ingest *in) {
    td_status status = check_resumed(in);
    if (status == TD_OK) status = td_ingest_flush(in);
    if (status != TD_OK) return status;
    in->replayed = true;
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
        td_status status = td_live_next(in->conf.live, &in->live_pending);
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

/* What is there of the live feeds, then what is due of the others. *out_wanted: it should not wait for more. */
static td_status handle_batch(td_ingest *in, int64_t now_ns, int *out_done, bool *out_wanted) {
    td_status status;
    int live = 0, done = 0;
    while (live < BATCH_MAX && (status = handle_live(in)) == TD_OK) live++;
    if (live == BATCH_MAX || status == TD_AGAIN)
        while (done < BATCH_MAX && (status = handle_next(in, now_ns)) == TD_OK) done++;
    *out_done = live + done;
    *out_wanted = live > 0 || status == TD_AGAIN || in->conf.speed != 0; /* paced: what is due is wanted now */
    return status;
}

int td_ingest_step(void *self) {
    td_ingest *in = self;
    if (td_ingest_ended(in) || td_fault_status(&in->fault) != TD_OK) return 0;
    const td_os *os = in->conf.os;
    (void)td_live_pump(in->conf.live);
    if (td_backoff_waiting(&in->backoff, os)) return 0;
    if (in->conf.disk != NULL && td_disk_level_now(in->conf.disk) == TD_DISK_FULL) return 0;
    int64_t now_ns = os->ops->mono_ns(os->self);
    in->now_ms = os->ops->wall_ns(os->self) / TD_NS_PER_MS;
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
