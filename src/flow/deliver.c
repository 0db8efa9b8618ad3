/* src/flow/deliver.c - outputs -> sink; the only place that decides about its errors. */
#include "flow/deliver.h"
#include "base/option.h"
#include "base/time.h"
#include "flow/rows.h"
#include "schema/cause.h"
#include "sink/row.h"
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROWS = 4096, ROWS_LEAST = 256, TEXT_BYTES = ROWS * 512, JSON_BYTES = 4 * TEXT_BYTES };
/* Stores end what takes them too long: far from that writes grow, and near it they shrink. */
#define SOON_NS TD_NS_PER_S
#define LATE_NS (5 * TD_NS_PER_S / 2)

typedef struct deliver_lane { /* one partition of one topic */
    int delivered;            /* td_topics_delivered */
    td_topic *topic;
    uint32_t partition;
    td_reader *reader;
    td_counter taken_end;          /* what the sink holds */
    int64_t lost;                  /* of this reader, counted already */
    int64_t next;                  /* to be read, unless it is gone */
    int64_t newly_lost, lost_from; /* not yet written down; the first offset of these */
    td_position sink_at;           /* as it said last, or was given last */
    int64_t last_ns;               /* event time of the row before; TD_NONE: not known */
    bool stopped;                  /* its records, or the sink's rows, are corrupt: it stands, the others go on */
} deliver_lane;

struct td_deliver {
    td_deliver_conf conf;
    void *sink;
    deliver_lane *lanes;
    size_t lane_count, next_lane;
    td_sink_row *rows; /* the batch in hand, of rows_lane; it has those before row_from */
    size_t row_from, row_count;
    size_t rows_most; /* in a write: as many as the sink takes soon */
    deliver_lane *rows_lane;
    uint8_t *texts; /* what the rows point into */
    size_t texts_size, texts_most;
    td_buf json;       /* of one record, for a sink that asks for it */
    bool begun;        /* the sink is open, and each lane knows where it is */
    bool lost_sight;   /* a write has failed: where the sink is now is to be asked */
    bool has_position; /* else the sink is new, and has lost nothing */
    td_losses losses;
    bool losses_changed;      /* to be written before anything behind them is */
    int64_t losses_looked_ns; /* whether they are acknowledged; on the monotonic clock */
    td_backoff backoff;
    td_trouble hindrance;
    td_deliver_counts counts;
    td_fault fault;
    td_counter level_at; /* sum of the synced ends when everything up to them was taken; -1 when it was not */
};

/* ---- life ---- */

static void take_up_to(deliver_lane *lane, int64_t offset) {
    td_count(&lane->taken_end, offset - td_counted(&lane->taken_end));
}

static void read_from(deliver_lane *lane, int64_t offset) {
    td_reader_seek(lane->reader, offset);
    lane->next = offset;
    lane->lost = td_reader_repaired(lane->reader);
}

static bool is_same(td_position a, td_position b) { return a.epoch == b.epoch && a.offset == b.offset; }

static void drop_batch(td_deliver *d) { d->row_from = d->row_count = d->texts_size = 0; }

/* Asks the sink where it is. After a failure that may be anywhere: a commit whose answer was lost may stand, and a
 * server may come back with less than it had. Where it is as it was, the batch in hand is the next one: a sink in doubt
 * whether it has it is to get it again, and no other. */
static td_status lane_find(td_deliver *d, deliver_lane *lane) {
    td_position at;
    td_status status = d->conf.ops->position(d->sink, td_topic_name(lane->topic), lane->partition, &at);
    if (status != TD_OK || (lane->reader != NULL && is_same(at, lane->sink_at))) return status;
    if (at.epoch >= 0 && !td_topic_holds(lane->topic, lane->partition, at))
        return TD_FAIL(TD_CONFIG,
                       "sink %s is at offset %" PRId64 " of %s-%" PRIu32 ", which this log does not have; "
                       "give it a new place, or the log it was filled from",
                       d->conf.sink_conf->name, at.offset, td_topic_name(lane->topic), lane->partition);
    lane->sink_at = at;
    d->has_position |= at.epoch >= 0;
    if (at.epoch < 0) at.offset = td_topic_start(lane->topic, lane->partition); /* it was promised nothing */
    take_up_to(lane, at.offset);
    lane->next = at.offset;
    if (lane == d->rows_lane) drop_batch(d);
    if (lane->reader == NULL)
        return td_reader_open(&lane->reader, lane->topic, lane->partition, at.offset, TD_READ_SYNCED);
    read_from(lane, at.offset);
    return TD_OK;
}

static void lanes_list_of(td_deliver *d, int delivered) {
    const td_topics *topics = d->conf.topics;
    td_topic *topic = td_topics_delivered(topics, delivered);
    for (uint32_t p = 0; p < topics->partitions; p++) {
        deliver_lane *lane = &d->lanes[d->lane_count++];
        *lane = (deliver_lane){.delivered = delivered, .topic = topic, .partition = p, .last_ns = TD_NONE};
        take_up_to(lane, td_topic_start(lane->topic, p)); /* until the sink says where it is */
    }
}

static const int delivered[] = {TD_OUTPUT_BARS,   TD_OUTPUT_SIGNALS,    TD_OUTPUT_GAPS,        TD_OUTPUT_VENDOR_BARS,
                                TD_OUTPUT_FILLS,  TD_OUTPUT_QUARANTINE, TD_DELIVERED_REJECTED, TD_OUTPUT_TRADES,
                                TD_OUTPUT_QUOTES, TD_OUTPUT_NEWS};
enum { DELIVERED = sizeof delivered / sizeof delivered[0], DELIVERED_UNNAMED = 7 };

static const char *name_of(int index) {
    return index == TD_DELIVERED_REJECTED ? "rejected" : td_topics_name((td_output)index);
}

static bool is_taken(const td_sink_ops *ops, int index) {
    if (index == TD_OUTPUT_QUARANTINE) return ops->takes_quarantine;
    return index != TD_DELIVERED_REJECTED || ops->takes_rejected;
}

static td_status fail_unknown(const char *name) {
    const char *names[DELIVERED + 1] = {NULL};
    for (size_t i = 0; i < DELIVERED; i++) names[i] = name_of(delivered[i]);
    const char *nearest = td_nearest(name, names);
    if (nearest != NULL) return TD_FAIL(TD_CONFIG, "of: nothing is called \"%s\"; did you mean \"%s\"?", name, nearest);
    return TD_FAIL(TD_CONFIG,
                   "of: nothing is called \"%s\"; there are bars, signals, fills, gaps, vendor_bars, quarantine, "
                   "rejected, trades, quotes and news",
                   name);
}

static td_status find_delivered(const td_sink_ops *ops, const char *name, bool published, int *out) {
    for (size_t i = 0; i < DELIVERED; i++) {
        *out = delivered[i];
        if (strcmp(name_of(*out), name) != 0) continue;
        if (!is_taken(ops, *out))
            return TD_FAIL(TD_CONFIG, "of: sinks of kind %s have no place for %s", ops->kind, name);
        if (published) return TD_OK;
        return TD_FAIL(TD_CONFIG, "of: %s are not published: put them into log.publish", name);
    }
    return fail_unknown(name);
}

td_status td_deliver_check_of(const td_sink_ops *ops, const td_texts *of, uint32_t published) {
    td_status status = TD_OK;
    for (size_t i = 0; i < of->count && status == TD_OK; i++) {
        int index;
        uint32_t bit = td_topics_published(of->items[i]);
        status = find_delivered(ops, of->items[i], bit == 0 || (published & bit) != 0, &index);
    }
    return status;
}

static bool is_named_before(const td_texts *names, size_t at) {
    for (size_t i = 0; i < at; i++)
        if (strcmp(names->items[i], names->items[at]) == 0) return true;
    return false;
}

static td_status lanes_list(td_deliver *d) {
    const td_texts *of = &d->conf.sink_conf->of;
    td_status status = TD_OK;
    for (size_t i = 0; of->count == 0 && i < DELIVERED_UNNAMED; i++)
        if (is_taken(d->conf.ops, delivered[i])) lanes_list_of(d, delivered[i]);
    for (size_t i = 0; i < of->count && status == TD_OK; i++) {
        int index;
        if (is_named_before(of, i)) continue;
        bool published = td_topics_delivered_named(d->conf.topics, of->items[i]) != NULL;
        status = find_delivered(d->conf.ops, of->items[i], published, &index);
        if (status == TD_OK) lanes_list_of(d, index);
    }
    return status;
}

static td_status find_all(td_deliver *d) {
    td_status status = TD_OK;
    for (size_t i = 0; i < d->lane_count && status == TD_OK; i++) status = lane_find(d, &d->lanes[i]);
    d->lost_sight = status != TD_OK;
    return status;
}

static void count_red(td_deliver *d) {
    td_count(&d->counts.red, td_losses_sum(&d->losses) - td_counted(&d->counts.red));
}

static td_status load_losses(td_deliver *d) {
    const td_deliver_conf *conf = &d->conf;
    td_status status = d->has_position ? TD_OK : td_losses_forget(conf->os, conf->dir, conf->sink_conf->name);
    if (status == TD_OK) status = td_losses_load(&d->losses, conf->os, conf->dir, conf->sink_conf->name);
    if (status == TD_OK) count_red(d);
    return status;
}

static td_status set_back(td_deliver *d);

/* Offsets do not say of which log they are. Beside them a sink has when that was made, as the offset of a topic that
 * there is not; one that does not say so yet was filled by an older program, and is believed. */
static const char of_log[] = "_log";

static td_status ask_has_position(td_deliver *d, bool *out) {
    td_status status = TD_OK;
    *out = false;
    for (size_t i = 0; i < d->lane_count && status == TD_OK && !*out; i++) {
        td_position at;
        const deliver_lane *lane = &d->lanes[i];
        status = d->conf.ops->position(d->sink, td_topic_name(lane->topic), lane->partition, &at);
        *out = status == TD_OK && at.epoch >= 0;
    }
    return status;
}

static td_status fail_other_log(const td_deliver *d, int64_t was_ms, int64_t is_ms) {
    const char *name = d->conf.sink_conf->name, *can = d->conf.ops->reset != NULL ? name : NULL;
    char was[40], is[40];
    (void)td_time_format(was_ms * TD_NS_PER_MS, was);
    (void)td_time_format(is_ms * TD_NS_PER_MS, is);
    return TD_FAIL(TD_CONFIG,
                   "sink %s was filled from another log, made at %s, and this one was made at %s: give it a new place, "
                   "or the log it was filled from%s%s%s",
                   name, was, is, can != NULL ? "; `tapedeck rebuild " : "", can != NULL ? can : "",
                   can != NULL ? "` fills it anew from this one" : "");
}

/* *out: what the sink is to say when all else has proved to be of this log; TD_NONE: it says so, or nobody knows. */
static td_status check_log(td_deliver *d, int64_t *out) {
    td_position at;
    bool has_position;
    td_status status = td_topics_made(d->conf.topics, out);
    if (status != TD_OK || *out == TD_NONE) return status;
    status = d->conf.ops->position(d->sink, of_log, 0, &at);
    if (status != TD_OK || at.epoch < 0) return status;
    if (at.offset != *out) {
        status = ask_has_position(d, &has_position);
        return status == TD_OK && has_position ? fail_other_log(d, at.offset, *out) : status;
    }
    *out = TD_NONE;
    return TD_OK;
}

static td_status note_log(td_deliver *d, int64_t made_ms) {
    return made_ms == TD_NONE ? TD_OK : d->conf.ops->write(d->sink, of_log, 0, NULL, 0, (td_position){0, made_ms});
}

/* TD_RETRY leaves it as it was before. */
static td_status begin(td_deliver *d) {
    int64_t made_ms = TD_NONE;
    td_status status = d->conf.ops->open(&d->sink, d->conf.os, d->conf.sink_conf);
    if (status == TD_OK && d->conf.reset != NULL && d->conf.reset->empties) status = set_back(d);
    if (status == TD_OK) status = check_log(d, &made_ms);
    if (status == TD_OK && d->conf.reset != NULL) status = set_back(d);
    if (status == TD_OK) status = find_all(d);
    if (status == TD_OK) status = load_losses(d);
    if (status == TD_OK) status = note_log(d, made_ms);
    d->begun = status == TD_OK;
    if (d->begun) return status;
    for (size_t i = 0; i < d->lane_count; i++) {
        td_reader_close(d->lanes[i].reader);
        d->lanes[i].reader = NULL;
    }
    d->conf.ops->close(d->sink);
    d->sink = NULL;
    return td_trace(status, "opening sink %s", d->conf.sink_conf->name);
}

static void back_off(td_deliver *d) {
    td_count(&d->counts.retries, 1);
    td_backoff_start(&d->backoff, d->conf.os);
}

static td_status check_reset(const td_deliver_conf *conf) {
    if (conf->reset == NULL || conf->ops->reset != NULL) return TD_OK;
    return TD_FAIL(TD_CONFIG,
                   "sink %s (%s): what it has written stays, so what comes again would be there twice; give it a new "
                   "place, which is filled from the log",
                   conf->sink_conf->name, conf->ops->kind);
}

td_status td_deliver_open(td_deliver **out, const td_deliver_conf *conf) {
    td_deliver *d = td_alloc_zero(1, sizeof *d);
    d->conf = *conf;
    d->lanes = td_alloc_zero((size_t)conf->topics->partitions * TD_DELIVERED_COUNT, sizeof *d->lanes);
    d->rows_most = ROWS;
    d->rows = td_alloc_zero(conf->ops->rows_most > ROWS ? conf->ops->rows_most : ROWS, sizeof *d->rows);
    d->texts_most = conf->ops->as_json ? JSON_BYTES : TEXT_BYTES;
    d->texts = td_alloc(d->texts_most);
    td_status status = lanes_list(d);
    if (status == TD_OK) status = check_reset(conf);
    if (status == TD_OK) status = begin(d);
    if (status != TD_OK && status != TD_RETRY) {
        td_deliver_close(d);
        return status;
    }
    if (status == TD_RETRY) back_off(d); /* the first steps try again */
    *out = d;
    return TD_OK;
}

td_status td_deliver_finish(td_deliver *d) {
    if (!d->begun || d->conf.ops->finish == NULL) return TD_OK;
    return td_trace(d->conf.ops->finish(d->sink), "ending sink %s", d->conf.sink_conf->name);
}

void td_deliver_close(td_deliver *d) {
    if (d == NULL) return;
    for (size_t i = 0; i < d->lane_count; i++) td_reader_close(d->lanes[i].reader);
    d->conf.ops->close(d->sink);
    td_buf_fini(&d->json);
    free(d->texts);
    free(d->rows);
    free(d->lanes);
    free(d);
}

/* Ends only grow, so equal sums are equal ends. */
static int64_t synced_sum(const td_deliver *d) {
    int64_t sum = 0;
    for (size_t i = 0; i < d->lane_count; i++) sum += td_topic_synced(d->lanes[i].topic, d->lanes[i].partition);
    return sum;
}

bool td_deliver_level(td_deliver *d) { return td_counted(&d->level_at) == synced_sum(d); }

int64_t td_deliver_taken(const td_deliver *d, const td_topic *topic, uint32_t partition) {
    for (size_t i = 0; i < d->lane_count; i++)
        if (d->lanes[i].topic == topic && d->lanes[i].partition == partition) return td_counted(&d->lanes[i].taken_end);
    return -1;
}

int64_t td_deliver_lag(const td_deliver *d, const td_topic *topic, uint32_t partition) {
    int64_t taken = td_deliver_taken(d, topic, partition);
    return taken >= 0 ? td_topic_end(topic, partition) - taken : -1;
}

td_deliver_counts *td_deliver_counters(td_deliver *d) { return &d->counts; }
td_fault *td_deliver_fault(td_deliver *d) { return &d->fault; }
td_trouble *td_deliver_trouble(td_deliver *d) { return &d->backoff.trouble; }
td_trouble *td_deliver_hindrance(td_deliver *d) { return &d->hindrance; }

/* ---- one batch ---- */

/* Readers lend their bytes only until the next record. The last of `texts` is NULL. */
static void keep(td_deliver *d, td_bytes *const *texts) {
    for (; *texts != NULL; texts++) {
        td_bytes *text = *texts;
        uint8_t *at = d->texts + d->texts_size;
        assert(d->texts_size + text->size <= d->texts_most);
        if (text->size > 0) memcpy(at, text->data, text->size);
        d->texts_size += text->size;
        text->data = at;
    }
}

static void keep_texts(td_deliver *d, td_sink_row *row) {
    td_signal *signal = &row->signal;
    td_fill *fill = &row->fill;
    td_rejected *rejected = &row->rejected;
    td_news *news = &row->event.news;
    keep(d, (td_bytes *[]){&row->instrument, &row->feed, &row->json, NULL});
    if (row->kind == TD_ROW_SIGNAL)
        keep(d, (td_bytes *[]){&signal->strategy, &signal->note, &signal->reason, &signal->data, &signal->leg, NULL});
    if (row->kind == TD_ROW_FILL) keep(d, (td_bytes *[]){&fill->strategy, &fill->signal, &fill->leg, NULL});
    if (row->event.kind == TD_EVENT_NEWS)
        keep(d, (td_bytes *[]){&news->headline, &news->source, &news->url, &news->id, NULL});
    if (row->kind == TD_ROW_GAP) keep(d, (td_bytes *[]){&row->gap.feed, NULL});
    if (row->kind == TD_ROW_REJECTED)
        keep(d, (td_bytes *[]){&rejected->feed, &rejected->source, &rejected->detail, &rejected->bytes, NULL});
}

static size_t text_size(const td_deliver *d, const td_record *record) {
    return record->key.size + record->value.size + d->json.size;
}

/* Of a batch that is empty: a record larger than a batch's texts is one alone. */
static void make_room(td_deliver *d, const td_record *record) {
    if (text_size(d, record) <= d->texts_most) return;
    d->texts_most = text_size(d, record);
    free(d->texts);
    d->texts = td_alloc(d->texts_most);
}

static td_status read_row(td_deliver *d, const deliver_lane *lane, const td_record *record) {
    if (d->row_count == 0) make_room(d, record);
    td_sink_row *row = &d->rows[d->row_count];
    bool decoded = td_row_decode(d->conf.topics->ids, lane->delivered, record, row) == TD_OK;
    row->json = td_buf_bytes(&d->json);
    if (!decoded || (d->conf.ops->as_json && row->json.size == 0))
        return TD_FAIL(TD_CORRUPT, "%s-%" PRIu32 ": offset %" PRId64 " is not a record of ours",
                       td_topic_name(lane->topic), lane->partition, record->offset);
    keep_texts(d, row);
    d->row_count++;
    return TD_OK;
}

static int64_t event_time(const td_sink_row *row) {
    if (row->kind == TD_ROW_BAR) return row->bar.end_ns;
    return row->kind == TD_ROW_VENDOR_BAR ? row->event.event_ns : td_sink_row_time(row);
}

static bool has_room(const td_deliver *d, const td_record *record) {
    return d->row_count == 0 || (d->row_count < d->rows_most && d->texts_size + text_size(d, record) <= d->texts_most);
}

static td_status next_record(td_deliver *d, deliver_lane *lane, td_record *out) {
    td_status status = td_reader_next(lane->reader, out);
    int64_t lost = td_reader_lost(lane->reader) + td_reader_repaired(lane->reader), more = lost - lane->lost;
    if (more > 0 && lane->newly_lost == 0) lane->lost_from = lane->next;
    if (status == TD_OK) lane->next = out->offset + 1;
    lane->newly_lost += more;
    td_count(&d->counts.lost, more);
    lane->lost = lost;
    return status;
}

/* What was lost before `end`, where the sink goes on with a row of that time. */
static void note_loss(td_deliver *d, deliver_lane *lane, int64_t end, int64_t to_ns) {
    td_loss loss = {.partition = lane->partition,
                    .first = lane->lost_from,
                    .end = end,
                    .count = lane->newly_lost,
                    .from_ns = lane->last_ns,
                    .to_ns = to_ns};
    (void)snprintf(loss.topic, sizeof loss.topic, "%s", td_topic_name(lane->topic));
    td_losses_add(&d->losses, &loss);
    lane->newly_lost = 0;
    d->losses_changed = true;
}

static td_status write_losses(td_deliver *d) {
    if (!d->losses_changed) return TD_OK;
    td_status status = td_losses_save(&d->losses, d->conf.os, d->conf.dir, d->conf.sink_conf->name);
    d->losses_changed = status != TD_OK;
    count_red(d);
    return status;
}

/* Once a second: somebody may have acknowledged them. */
static void look_at_losses(td_deliver *d) {
    int64_t now_ns = d->conf.os->ops->mono_ns(d->conf.os->self);
    if (d->losses.count == 0 || d->losses_changed || now_ns - d->losses_looked_ns < TD_NS_PER_S) return;
    d->losses_looked_ns = now_ns;
    if (td_losses_kept(d->conf.os, d->conf.dir, d->conf.sink_conf->name)) return;
    d->losses.count = 0;
    count_red(d);
}

/* Fills the batch in hand from one lane. TD_AGAIN: nothing new there. */
static td_status read_rows(td_deliver *d, deliver_lane *lane) {
    drop_batch(d);
    d->rows_lane = lane;
    td_record record;
    td_status status;
    while ((status = next_record(d, lane, &record)) == TD_OK) {
        d->json.size = 0;
        if (d->conf.ops->as_json) (void)td_record_json_plain(d->conf.topics->ids, record.value, &d->json);
        if (!has_room(d, &record)) {
            read_from(lane, record.offset); /* it did not fit into the batch */
            break;
        }
        status = read_row(d, lane, &record);
        if (status != TD_OK) return status;
        int64_t event_ns = event_time(&d->rows[d->row_count - 1]);
        if (lane->newly_lost > 0) note_loss(d, lane, record.offset, event_ns);
        lane->last_ns = event_ns;
    }
    if (d->row_count > 0) return TD_OK; /* a reader's failure comes again at its next call */
    if (status != TD_AGAIN) return status;
    int64_t offset = td_reader_offset(lane->reader);
    bool goes_on = offset < td_topic_end(lane->topic, lane->partition); /* the row behind the loss is not synced yet */
    if (lane->newly_lost > 0 && !goes_on) note_loss(d, lane, offset, TD_NONE);
    take_up_to(lane, offset); /* no records are left there */
    return status;
}

static void fit_rows(td_deliver *d, bool full, td_status status, int64_t took_ns) {
    if (status != TD_OK || took_ns > LATE_NS)
        d->rows_most = d->rows_most / 2 > ROWS_LEAST ? d->rows_most / 2 : ROWS_LEAST;
    else if (full && took_ns < SOON_NS && 2 * d->rows_most <= d->conf.ops->rows_most)
        d->rows_most *= 2;
}

/* What the sink takes at once of the batch in hand. */
static td_status write_rows(td_deliver *d) {
    deliver_lane *lane = d->rows_lane;
    const td_os *os = d->conf.os;
    size_t left = d->row_count - d->row_from, count = left < d->rows_most ? left : d->rows_most;
    assert(count > 0);
    const td_sink_row *rows = &d->rows[d->row_from];
    td_position last = rows[count - 1].source, next = {last.epoch, last.offset + 1};
    int64_t began_ns = os->ops->mono_ns(os->self);
    td_status status = d->conf.ops->write(d->sink, td_topic_name(lane->topic), lane->partition, rows, count, next);
    int64_t took_ns = os->ops->mono_ns(os->self) - began_ns;
    td_histogram_add(&d->counts.writes, took_ns);
    if (d->conf.ops->rows_most > 0) fit_rows(d, count == d->rows_most, status, took_ns);
    d->lost_sight = status != TD_OK;
    if (status != TD_OK) return status;
    take_up_to(lane, next.offset);
    lane->sink_at = next;
    td_count(&d->counts.rows, (int64_t)count);
    td_count(&d->counts.batches, 1);
    d->row_from += count;
    if (d->row_from == d->row_count) drop_batch(d);
    return TD_OK;
}

/* ---- setting back ---- */

static int64_t known_at(const td_sink_row *row) {
    switch (row->kind) {
    case TD_ROW_BAR:
        return row->bar.known_at_ns;
    case TD_ROW_SIGNAL:
        return row->signal.known_at_ns;
    case TD_ROW_FILL:
        return row->fill.known_at_ns;
    case TD_ROW_GAP:
        return row->gap.known_at_ns;
    case TD_ROW_QUARANTINED:
        return row->refusal.known_at_ns;
    case TD_ROW_REJECTED:
        return row->rejected.receive_ns;
    default:
        return row->event.receive_ns;
    }
}

/* Before the first record that was not known there; {-1, 0} where there are no records. */
static td_status find_place(td_deliver *d, deliver_lane *lane, const td_place *from, td_position *out) {
    td_reader *reader = NULL;
    td_record record;
    int64_t start = td_topic_start(lane->topic, lane->partition);
    td_status status = td_reader_open(&reader, lane->topic, lane->partition, start, TD_READ_SYNCED);
    *out = (td_position){-1, 0};
    while (status == TD_OK && (status = td_reader_next(reader, &record)) == TD_OK) {
        *out = (td_position){record.epoch, record.offset};
        if (from == NULL) break;
        drop_batch(d);
        status = read_row(d, lane, &record);
        if (status != TD_OK || !td_place_has(from, known_at(d->rows), td_record_header(&record, TD_CAUSE_HEADER)))
            break;
        out->offset++;
    }
    drop_batch(d);
    td_reader_close(reader);
    return status == TD_AGAIN ? TD_OK : status;
}

/* Where rows go, the sink lacks what retention has taken: all that is gone counts, though some of it may have been
 * known at the place, which nobody can say any more. */
static void begin_before_what_is_gone(const deliver_lane *lane, td_position *place) {
    if (place->offset == td_topic_start(lane->topic, lane->partition)) *place = (td_position){0, 0};
}

/* Where rows stay, never ahead of where the sink is: what lies between would be missing, and nobody would know. */
static td_status keep_behind(td_deliver *d, const deliver_lane *lane, td_position *place) {
    td_position at;
    td_status status = d->conf.ops->position(d->sink, td_topic_name(lane->topic), lane->partition, &at);
    if (status != TD_OK) return status;
    bool is_ours = at.epoch >= 0 && td_topic_holds(lane->topic, lane->partition, at);
    if (at.epoch < 0 || (is_ours && at.offset < place->offset)) *place = at;
    return TD_OK;
}

/* Asks the sink: a store may settle by clocks of its own what was written last. */
static td_status check_places(td_deliver *d, const td_sink_place *places, size_t count) {
    td_position at;
    td_status status = TD_OK;
    for (size_t i = 0; i < count && status == TD_OK; i++) {
        status = d->conf.ops->position(d->sink, places[i].topic, places[i].partition, &at);
        if (status == TD_OK && !is_same(at, places[i].at))
            return TD_FAIL(TD_RETRY, "sink %s is at offset %" PRId64 " of %s-%" PRIu32 ", and not where it was set to",
                           d->conf.sink_conf->name, at.offset, places[i].topic, places[i].partition);
    }
    return status;
}

static td_status set_back(td_deliver *d) {
    const td_deliver_reset *reset = d->conf.reset;
    const char *name = d->conf.sink_conf->name;
    td_status status = TD_OK;
    td_sink_place *places = td_alloc_zero(d->lane_count + 1, sizeof *places);
    size_t count = 0;
    for (size_t i = 0; i < d->lane_count && status == TD_OK; i++) {
        deliver_lane *lane = &d->lanes[i];
        td_sink_place *place = &places[count];
        *place = (td_sink_place){.topic = td_topic_name(lane->topic), .partition = lane->partition};
        status = find_place(d, lane, reset->from, &place->at);
        if (status != TD_OK || place->at.epoch < 0) continue;
        if (reset->empties)
            begin_before_what_is_gone(lane, &place->at);
        else
            status = keep_behind(d, lane, &place->at);
        count += place->at.epoch >= 0;
    }
    if (status == TD_OK) status = d->conf.ops->reset(d->sink, places, count, reset->empties);
    if (status == TD_OK) status = check_places(d, places, count);
    free(places);
    if (status == TD_OK && reset->empties) status = td_losses_forget(d->conf.os, d->conf.dir, name);
    if (status == TD_OK) d->conf.reset = NULL;
    return status;
}

/* ---- the loop ---- */

static bool all_taken(const td_deliver *d) {
    for (size_t i = 0; i < d->lane_count; i++) {
        const deliver_lane *lane = &d->lanes[i];
        if (!lane->stopped && td_counted(&lane->taken_end) < td_topic_synced(lane->topic, lane->partition))
            return false;
    }
    return true;
}

/* That of the batch in hand: of what the sink keeps something is damaged that this one needs. */
static void stop_lane(td_deliver *d) {
    d->rows_lane->stopped = true;
    drop_batch(d);
}

/* One write: of the batch in hand, or of the next lane's that has any. */
static td_status deliver_one(td_deliver *d) {
    td_status status = d->row_count > 0 ? TD_OK : TD_AGAIN;
    for (size_t i = 0; i < d->lane_count && status == TD_AGAIN; i++) {
        deliver_lane *lane = &d->lanes[d->next_lane];
        d->next_lane = (d->next_lane + 1) % d->lane_count;
        if (!lane->stopped) status = read_rows(d, lane);
        if (status == TD_CORRUPT) lane->stopped = true;
    }
    td_status kept = status == TD_OK || status == TD_AGAIN ? write_losses(d) : TD_OK;
    if (kept != TD_OK) return kept;
    if (status != TD_OK) return status;
    status = write_rows(d);
    if (status == TD_CORRUPT) stop_lane(d);
    return status;
}

static void look_at_sink(td_deliver *d) {
    bool hindered = d->conf.ops->look != NULL && d->conf.ops->look(d->sink) != TD_OK;
    td_count(&d->counts.hindered, hindered - td_counted(&d->counts.hindered));
    if (hindered)
        td_trouble_begin(&d->hindrance);
    else
        td_trouble_end(&d->hindrance);
}

int td_deliver_step(void *self) {
    td_deliver *d = self;
    if (td_fault_status(&d->fault) == TD_CONFIG || td_backoff_waiting(&d->backoff, d->conf.os)) return 0;
    int64_t rows = td_counted(&d->counts.rows), sum = synced_sum(d);
    td_status status = d->begun ? TD_OK : begin(d);
    if (status == TD_OK && d->lost_sight) status = find_all(d);
    if (status == TD_OK) look_at_losses(d);
    if (status == TD_OK) status = deliver_one(d);
    bool level = status == TD_AGAIN && all_taken(d);
    td_count(&d->level_at, (level ? sum : -1) - td_counted(&d->level_at));
    if (status == TD_RETRY || status == TD_FULL) {
        back_off(d);
    } else if (status == TD_OK || status == TD_AGAIN) {
        td_backoff_reset(&d->backoff);
        look_at_sink(d);
    } else {
        td_fault_set(&d->fault, status);
    }
    return (int)(td_counted(&d->counts.rows) - rows);
}
