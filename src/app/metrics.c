/* src/app/metrics.c - the table of metrics. A new counter is one row here. */
#include "app/metrics.h"
#include "app/process.h"
#include "base/time.h"
#include <stdio.h>

typedef struct source { /* what the rows look at, gathered once per answer */
    td_engine_parts parts;
    td_worker *workers[TD_CREW_PARTITIONS_MAX]; /* that are or were on duty here */
    size_t worker_count;
    td_engine_counts counts;
    td_process process;
    int faults;
} source;

typedef struct number { /* a small one as text */
    char text[24];
} number;
static number number_of(size_t n) {
    number out;
    (void)snprintf(out.text, sizeof out.text, "%zu", n);
    return out;
}

static double counter_at(const void *counts, size_t offset) {
    return (double)td_counted((const td_counter *)(const void *)((const char *)counts + offset));
}

/* ---- feeds ---- */

static td_bytes feed_name(const source *s, size_t feed) { return td_text(s->parts.config->feeds[feed].conf.name); }

static void tell_events(const td_metric *m, const void *self, td_buf *out) {
    const source *s = self;
    for (size_t f = 0; f < s->parts.feed_count; f++) {
        const td_ingest_feed_counts *c = &td_ingest_counters(s->parts.ingest)->feeds[f];
        td_metric_put(out, m, TD_LABELS({"feed", feed_name(s, f)}),
                      (double)(td_counted(&c->events) + td_ingest_rejected(c)));
    }
}

static void tell_commands(const td_metric *m, const void *self, td_buf *out) {
    td_ingest *ingest = ((const source *)self)->parts.ingest;
    if (ingest != NULL) td_metric_put(out, m, NULL, (double)td_counted(&td_ingest_counters(ingest)->commands));
}

static void tell_live(const td_metric *m, const void *self, td_buf *out) {
    const source *s = self;
    for (size_t f = 0; f < s->parts.feed_count; f++) {
        const td_live_counts *counts = td_live_counters(s->parts.live, (uint32_t)f);
        if (counts != NULL) td_metric_put(out, m, TD_LABELS({"feed", feed_name(s, f)}), counter_at(counts, m->offset));
    }
}

/* Nothing is said where it is not known: of a broker that is away, 0 would be news, and false. */
static void tell_feed_lag(const td_metric *m, const void *self, td_buf *out) {
    const source *s = self;
    for (size_t f = 0; f < s->parts.feed_count; f++) {
        const td_live_counts *counts = td_live_counters(s->parts.live, (uint32_t)f);
        int64_t lag = counts != NULL ? td_counted(&counts->lag_records) : -1;
        if (lag >= 0) td_metric_put(out, m, TD_LABELS({"feed", feed_name(s, f)}), (double)lag);
    }
}

static void tell_fills(const td_metric *m, const void *self, td_buf *out) {
    static const char *const extents[TD_FILL_EXTENT_COUNT] = {"whole", "part", "none"};
    const source *s = self;
    for (size_t f = 0; f < s->parts.feed_count; f++) {
        const td_live_counts *counts = td_live_counters(s->parts.live, (uint32_t)f);
        for (int e = 0; counts != NULL && e < TD_FILL_EXTENT_COUNT; e++)
            td_metric_put(out, m, TD_LABELS({"feed", feed_name(s, f)}, {"extent", td_text(extents[e])}),
                          (double)td_counted(&counts->fills[e]));
    }
}

static const td_capture_counts *raw_of(const source *s, size_t feed) {
    return td_capture_counters(td_ingest_capture(s->parts.ingest), (uint32_t)feed);
}

static void tell_raw(const td_metric *m, const void *self, td_buf *out) {
    const source *s = self;
    for (size_t f = 0; f < s->parts.feed_count; f++)
        if (raw_of(s, f) != NULL)
            td_metric_put(out, m, TD_LABELS({"feed", feed_name(s, f)}), counter_at(raw_of(s, f), m->offset));
}

static void tell_feed(const td_metric *m, const void *self, td_buf *out) {
    const source *s = self;
    for (size_t f = 0; f < s->parts.feed_count; f++)
        td_metric_put(out, m, TD_LABELS({"feed", feed_name(s, f)}),
                      counter_at(&td_ingest_counters(s->parts.ingest)->feeds[f], m->offset));
}

static void tell_rejected(const td_metric *m, const void *self, td_buf *out) {
    const source *s = self;
    for (size_t f = 0; f < s->parts.feed_count; f++)
        for (int r = TD_REASON_NONE + 1; r < TD_REASON_COUNT; r++) {
            int64_t n = td_counted(&td_ingest_counters(s->parts.ingest)->feeds[f].rejected[r]);
            if (n == 0) continue; /* most reasons are not ingest's */
            td_metric_put(out, m,
                          TD_LABELS({"feed", feed_name(s, f)}, {"reason", td_text(td_reason_name((td_reason)r))}),
                          (double)n);
        }
}

/* ---- workers ---- */

/* Workers share partitions by group: their place in the row says nothing. */
static number partition_of(const td_worker *worker) { return number_of(td_worker_partition(worker)); }

static void tell_worker(const td_metric *m, const void *self, td_buf *out) {
    const source *s = self;
    for (size_t i = 0; i < s->worker_count; i++)
        td_metric_put(out, m, TD_LABELS({"partition", td_text(partition_of(s->workers[i]).text)}),
                      counter_at(td_worker_counters(s->workers[i]), m->offset));
}

static void tell_warming(const td_metric *m, const void *self, td_buf *out) {
    const source *s = self;
    for (size_t i = 0; i < s->worker_count; i++)
        td_metric_put(out, m, TD_LABELS({"partition", td_text(partition_of(s->workers[i]).text)}),
                      (double)td_counted(&td_worker_counters(s->workers[i])->warming_ns) / 1e9);
}

static void tell_snapshot_copies(const td_metric *m, const void *self, td_buf *out) {
    const source *s = self;
    for (size_t i = 0; i < s->worker_count; i++) {
        number partition = partition_of(s->workers[i]);
        td_metric_put_histogram(out, m, TD_LABELS({"partition", td_text(partition.text)}),
                                &td_worker_counters(s->workers[i])->snapshot_copies);
    }
}

static void tell_quarantined(const td_metric *m, const void *self, td_buf *out) {
    const source *s = self;
    for (size_t i = 0; i < s->worker_count; i++)
        for (int r = TD_REASON_NONE + 1; r < TD_REASON_COUNT; r++) {
            int64_t n = td_counted(&td_worker_counters(s->workers[i])->quarantined[r]);
            if (n == 0) continue;
            number partition = partition_of(s->workers[i]);
            td_metric_put(
                out, m,
                TD_LABELS({"partition", td_text(partition.text)}, {"reason", td_text(td_reason_name((td_reason)r))}),
                (double)n);
        }
}

typedef struct outcomes { /* counters of a worker that stand in a row, the first of them of nothing */
    const char *const *words;
    int count;
    size_t offset;
} outcomes;

static void tell_outcomes(const td_metric *m, const source *s, td_buf *out, const outcomes *o) {
    for (size_t i = 0; i < s->worker_count; i++) {
        const char *counts = (const char *)td_worker_counters(s->workers[i]) + o->offset;
        number partition = partition_of(s->workers[i]);
        for (int word = 1; word < o->count; word++) {
            const td_counter *n = (const td_counter *)(const void *)counts + word;
            td_metric_put(out, m,
                          TD_LABELS({"partition", td_text(partition.text)}, {"outcome", td_text(o->words[word])}),
                          (double)td_counted(n));
        }
    }
}

static void tell_actions(const td_metric *m, const void *self, td_buf *out) {
    static const char *const words[TD_SHARE_WORDS] = {[TD_SHARE_TAKEN] = "taken",
                                                      [TD_SHARE_LATE] = "late",
                                                      [TD_SHARE_DOUBLE] = "duplicate",
                                                      [TD_SHARE_FULL] = "refused"};
    tell_outcomes(m, self, out, &(outcomes){words, TD_SHARE_WORDS, offsetof(td_work_counts, actions)});
}

static void tell_books(const td_metric *m, const void *self, td_buf *out) {
    static const char *const words[TD_BOOK_WORDS] = {
        [TD_BOOK_TAKEN] = "taken", [TD_BOOK_OLD] = "old", [TD_BOOK_HOLE] = "hole", [TD_BOOK_WAITING] = "waiting"};
    tell_outcomes(m, self, out, &(outcomes){words, TD_BOOK_WORDS, offsetof(td_work_counts, books)});
}

static void tell_outputs(const td_metric *m, const void *self, td_buf *out) {
    const source *s = self;
    for (size_t i = 0; i < s->worker_count; i++)
        for (int o = 0; o < TD_OUTPUT_COUNT; o++) {
            number partition = partition_of(s->workers[i]);
            if (s->parts.topics->outputs[o] == NULL) continue; /* it is not published */
            td_bytes topic = td_text(td_topic_name(s->parts.topics->outputs[o]));
            td_metric_put(out, m, TD_LABELS({"topic", topic}, {"partition", td_text(partition.text)}),
                          (double)td_counted(&td_worker_counters(s->workers[i])->outputs[o]));
        }
}

static void tell_transactions(const td_metric *m, const void *self, td_buf *out) {
    const source *s = self;
    for (size_t i = 0; i < s->worker_count; i++) {
        number partition = partition_of(s->workers[i]);
        const td_work_counts *c = td_worker_counters(s->workers[i]);
        td_bytes label = td_text(partition.text);
        td_metric_put(out, m, TD_LABELS({"partition", label}, {"outcome", TD_TEXT("committed")}),
                      (double)td_counted(&c->commits));
        td_metric_put(out, m, TD_LABELS({"partition", label}, {"outcome", TD_TEXT("aborted")}),
                      (double)td_counted(&c->aborts));
    }
}

/* ---- the log ---- */

enum { TOPICS = 2 + TD_OUTPUT_COUNT };
enum { OF_END, OF_BYTES, OF_SEGMENTS, OF_UNSYNCED };

static double topic_value(const td_topic *t, uint32_t p, size_t which) {
    switch (which) {
    case OF_END:
        return (double)td_topic_end(t, p);
    case OF_BYTES:
        return (double)td_topic_bytes(t, p);
    case OF_SEGMENTS:
        return (double)td_topic_segments(t, p);
    default:
        return (double)(td_topic_end(t, p) - td_topic_synced(t, p));
    }
}

/* Tape, rejected, the outputs, and what is kept raw of feeds: those that grow. NULL: that feed has no such, or it
 * is not published. */
static const td_topic *topic_at(const source *s, size_t index) {
    const td_topics *t = s->parts.topics;
    if (index < 2) return index == 0 ? t->tape : t->rejected;
    if (index < TOPICS) return t->outputs[index - 2];
    return td_capture_topic(td_ingest_capture(s->parts.ingest), (uint32_t)(index - TOPICS));
}

static void tell_topics(const td_metric *m, const void *self, td_buf *out) {
    const source *s = self;
    bool of_files = m->offset == OF_BYTES || m->offset == OF_SEGMENTS;
    if (of_files && s->parts.config->log.kafka != NULL) return; /* they are the brokers', who have metrics of them */
    for (size_t i = 0; i < TOPICS + s->parts.feed_count; i++) {
        const td_topic *t = topic_at(s, i);
        for (uint32_t p = 0; t != NULL && p < td_topic_partitions(t); p++) {
            number partition = number_of(p);
            td_metric_put(out, m,
                          TD_LABELS({"topic", td_text(td_topic_name(t))}, {"partition", td_text(partition.text)}),
                          topic_value(t, p, m->offset));
        }
    }
}

static void tell_append_bytes(const td_metric *m, const void *self, td_buf *out) {
    const source *s = self;
    const td_ingest_counts *in = s->parts.ingest != NULL ? td_ingest_counters(s->parts.ingest) : NULL;
    int64_t bytes[TOPICS] = {0};
    if (in != NULL) bytes[0] = td_counted(&in->tape_bytes);
    if (in != NULL) bytes[1] = td_counted(&in->rejected_bytes);
    for (size_t i = 0; i < s->worker_count; i++)
        for (int o = 0; o < TD_OUTPUT_COUNT; o++)
            bytes[2 + o] += td_counted(&td_worker_counters(s->workers[i])->output_bytes[o]);
    for (size_t i = 0; i < TOPICS; i++)
        if (topic_at(s, i) != NULL)
            td_metric_put(out, m, TD_LABELS({"topic", td_text(td_topic_name(topic_at(s, i)))}), (double)bytes[i]);
    for (size_t i = TOPICS; i < TOPICS + s->parts.feed_count; i++) {
        const td_capture_counts *raw = raw_of(s, i - TOPICS);
        if (raw != NULL)
            td_metric_put(out, m, TD_LABELS({"topic", td_text(td_topic_name(topic_at(s, i)))}),
                          (double)td_counted(&raw->bytes));
    }
}

static void tell_waits(const td_metric *m, const void *self, td_buf *out) {
    td_ingest *ingest = ((const source *)self)->parts.ingest;
    if (ingest != NULL) td_metric_put_histogram(out, m, NULL, &td_ingest_counters(ingest)->waits);
}

static void tell_sync_rounds(const td_metric *m, const void *self, td_buf *out) {
    td_metric_put_histogram(out, m, NULL, &((const source *)self)->parts.sync->rounds);
}

static void tell_sync_failures(const td_metric *m, const void *self, td_buf *out) {
    td_metric_put(out, m, NULL, (double)td_counted(&((const source *)self)->parts.sync->failures));
}

static void tell_synced_age(const td_metric *m, const void *self, td_buf *out) {
    const source *s = self;
    int64_t level_ns = td_counted(&s->parts.sync->level_ns);
    int64_t age_ns = level_ns != 0 ? s->parts.os->ops->mono_ns(s->parts.os->self) - level_ns : 0;
    td_metric_put(out, m, NULL, (double)(age_ns > 0 ? age_ns : 0) / 1e9);
}

/* ---- readers and sinks ---- */

static td_bytes sink_name(const source *s, size_t sink) { return td_text(s->parts.config->sinks[sink].conf.name); }

static void tell_lag(const td_metric *m, const void *self, td_buf *out) {
    const source *s = self;
    const td_topics *t = s->parts.topics;
    for (size_t i = 0; i < s->worker_count; i++) {
        const td_worker *worker = s->workers[i];
        int64_t next = td_counted(&td_worker_counters(s->workers[i])->next_offset);
        if (!td_worker_on_duty(worker)) continue;
        number partition = partition_of(worker);
        td_metric_put(out, m,
                      TD_LABELS({"reader", TD_TEXT("worker")}, {"topic", TD_TEXT("tape")},
                                {"partition", td_text(partition.text)}),
                      (double)(td_topic_end(t->tape, td_worker_partition(worker)) - next));
    }
    for (size_t d = 0; d < s->parts.deliver_count; d++) {
        char reader[80];
        (void)snprintf(reader, sizeof reader, "sink:%s", s->parts.config->sinks[d].conf.name);
        for (size_t i = 0; i < (size_t)TD_DELIVERED_COUNT * t->partitions; i++) {
            const td_topic *topic = td_topics_delivered(t, (int)(i / t->partitions));
            if (topic == NULL) continue;
            int64_t lag = td_deliver_lag(s->parts.delivers[d], topic, (uint32_t)(i % t->partitions));
            number partition = number_of(i % t->partitions);
            if (lag < 0) continue; /* not what this sink takes */
            td_metric_put(out, m,
                          TD_LABELS({"reader", td_text(reader)}, {"topic", td_text(td_topic_name(topic))},
                                    {"partition", td_text(partition.text)}),
                          (double)lag);
        }
    }
}

static void tell_sink(const td_metric *m, const void *self, td_buf *out) {
    const source *s = self;
    for (size_t d = 0; d < s->parts.deliver_count; d++)
        td_metric_put(out, m, TD_LABELS({"sink", sink_name(s, d)}),
                      counter_at(td_deliver_counters(s->parts.delivers[d]), m->offset));
}

static void tell_sink_writes(const td_metric *m, const void *self, td_buf *out) {
    const source *s = self;
    for (size_t d = 0; d < s->parts.deliver_count; d++)
        td_metric_put_histogram(out, m, TD_LABELS({"sink", sink_name(s, d)}),
                                &td_deliver_counters(s->parts.delivers[d])->writes);
}

/* ---- the run, the process, the disk ---- */

static void tell_build(const td_metric *m, const void *self, td_buf *out) {
    (void)self;
    td_metric_put(out, m, TD_LABELS({"version", TD_TEXT(TD_VERSION)}, {"compiler", TD_TEXT(__VERSION__)}), 1);
}

static void tell_count(const td_metric *m, const void *self, td_buf *out) {
    const char *at = (const char *)&((const source *)self)->counts + m->offset;
    td_metric_put(out, m, NULL, (double)*(const int64_t *)(const void *)at);
}

static void tell_clock(const td_metric *m, const void *self, td_buf *out) {
    td_metric_put(out, m, NULL, (double)((const source *)self)->counts.clock_ns / 1e9);
}

static void tell_faults(const td_metric *m, const void *self, td_buf *out) {
    td_metric_put(out, m, NULL, ((const source *)self)->faults);
}

static void tell_retries(const td_metric *m, const void *self, td_buf *out) {
    const source *s = self;
    int64_t work = 0;
    for (size_t i = 0; i < s->worker_count; i++) work += td_counted(&td_worker_counters(s->workers[i])->retries);
    if (s->parts.ingest != NULL)
        td_metric_put(out, m, TD_LABELS({"of", TD_TEXT("ingest")}),
                      (double)td_counted(&td_ingest_counters(s->parts.ingest)->retries));
    td_metric_put(out, m, TD_LABELS({"of", TD_TEXT("work")}), (double)work);
    if (s->parts.crew != NULL)
        td_metric_put(out, m, TD_LABELS({"of", TD_TEXT("group")}),
                      (double)td_counted(&td_crew_counters(s->parts.crew)->retries));
}

static void tell_process(const td_metric *m, const void *self, td_buf *out) {
    const char *at = (const char *)&((const source *)self)->process + m->offset;
    double value = *(const double *)(const void *)at;
    if (value >= 0) td_metric_put(out, m, NULL, value);
}

static void tell_disk(const td_metric *m, const void *self, td_buf *out) {
    const td_disk_counts *counts = &((const source *)self)->parts.disk->counts;
    if (counter_at(counts, offsetof(td_disk_counts, total_bytes)) > 0)
        td_metric_put(out, m, NULL, counter_at(counts, m->offset));
}

static void tell_disk_level(const td_metric *m, const void *self, td_buf *out) {
    td_metric_put(out, m, NULL, (double)td_disk_level_now(((const source *)self)->parts.disk));
}

static void tell_paused(const td_metric *m, const void *self, td_buf *out) {
    td_metric_put(out, m, NULL, counter_at(&((const source *)self)->parts.disk->counts, m->offset) / 1e9);
}

#define FEED(field)    tell_feed, offsetof(td_ingest_feed_counts, field)
#define LIVE(field)    tell_live, offsetof(td_live_counts, field)
#define RAW(field)     tell_raw, offsetof(td_capture_counts, field)
#define WORKER(field)  tell_worker, offsetof(td_work_counts, field)
#define SINK(field)    tell_sink, offsetof(td_deliver_counts, field)
#define COUNT(field)   tell_count, offsetof(td_engine_counts, field)
#define PROCESS(field) tell_process, offsetof(td_process, field)
#define DISK(field)    tell_disk, offsetof(td_disk_counts, field)
#define COUNTER        TD_METRIC_COUNTER
#define GAUGE          TD_METRIC_GAUGE

static const td_metric rows[] = {
    {"tapedeck_build_info", GAUGE, "Always 1; what runs.", tell_build, 0},
    {"tapedeck_faults", GAUGE, "Parts that stand still until somebody acts.", tell_faults, 0},
    {"tapedeck_behind_records", GAUGE, "Of the tape as it was at start: records not applied yet.",
     COUNT(behind_records)},
    {"tapedeck_clock_timestamp_seconds", GAUGE, "Event clock of the newest input.", tell_clock, 0},
    /* events + released = accepted + quarantined + duplicates + rejected, once all is applied */
    {"tapedeck_events_total", COUNTER, "Trades, quotes and prices appended, and what was rejected.", tell_events, 0},
    {"tapedeck_released_total", COUNTER, "Events put on the tape once more, by release.", tell_commands, 0},
    {"tapedeck_accepted_total", COUNTER, "Events that passed every rule.", WORKER(accepted)},
    {"tapedeck_quarantined_total", COUNTER, "Events that a rule refused, by reason.", tell_quarantined, 0},
    {"tapedeck_duplicates_total", COUNTER, "Trades whose id was there already, and releases of what was released.",
     WORKER(duplicates)},
    {"tapedeck_rejected_total", COUNTER, "Inputs that could not become events, by reason.", tell_rejected, 0},
    {"tapedeck_late_total", COUNTER, "(event, width) misses among the accepted.", WORKER(late)},
    {"tapedeck_outside_total", COUNTER, "Trades among the accepted outside of their venue's hours: in no bar.",
     WORKER(outside)},
    {"tapedeck_restricted_total", COUNTER,
     "Trades among the accepted that sale conditions keep from part of their bars.", WORKER(restricted)},
    {"tapedeck_unknown_days_total", COUNTER, "Days of instruments beyond the years of their calendar.",
     WORKER(unknown_days)},
    {"tapedeck_books_total", COUNTER, "Updates of order books, by what became of them.", tell_books, 0},
    {"tapedeck_actions_total", COUNTER, "Corporate actions, by what became of them.", tell_actions, 0},
    {"tapedeck_revised_total", COUNTER, "Bars changed after their close, by late trades or gaps.", WORKER(revised)},
    {"tapedeck_not_reapplied_total", COUNTER, "Of those, older than what strategies look back to.",
     WORKER(not_reapplied)},
    {"tapedeck_asof_late_total", COUNTER, "What asof with a wait reads that came when its wait was over.",
     WORKER(matches_late)},
    {"tapedeck_asof_early_total", COUNTER, "Ticks that ran before their wait was over, as too many waited.",
     WORKER(matches_early)},
    {"tapedeck_asof_forgotten_total", COUNTER, "Values na for such a tick, as too much had come before it.",
     WORKER(matches_forgotten)},
    {"tapedeck_programs_total", COUNTER, "Programs that began.", WORKER(programs)},
    {"tapedeck_cold_programs_total", COUNTER, "Of those, without all of the tape that warms what is new.",
     WORKER(cold_programs)},
    {"tapedeck_warming_seconds_total", COUNTER, "Time that records have waited for that.", tell_warming, 0},
    {"tapedeck_gaps_opened_total", COUNTER, "Gaps told, of one instrument each.", WORKER(gaps_opened)},
    {"tapedeck_gaps_filled_total", COUNTER, "Of those, gaps with nothing missing any more.", WORKER(gaps_filled)},
    {"tapedeck_gaps_lost_total", COUNTER, "Of those, gaps that will not be filled.", WORKER(gaps_lost)},
    {"tapedeck_gaps_open", GAUGE, "Gaps that may still be filled.", WORKER(gaps_open)},
    {"tapedeck_withheld_total", COUNTER, "Signals withheld because their bar was partial.", WORKER(withheld)},
    {"tapedeck_ignored_total", COUNTER, "Messages of kinds that are not read.", FEED(ignored)},
    {"tapedeck_resumed_total", COUNTER, "Inputs that the log held already.", FEED(resumed)},
    {"tapedeck_sessions_total", COUNTER, "Sessions that live feeds have begun.", LIVE(sessions)},
    {"tapedeck_session_failures_total", COUNTER, "Sessions that ended, and tries that led to none.", LIVE(failures)},
    {"tapedeck_session_up", GAUGE, "1 while a live feed's session is there.", LIVE(up)},
    {"tapedeck_feed_lag_records", GAUGE, "Records that a topic of others has and its feed has not given.",
     tell_feed_lag, 0},
    {"tapedeck_backfilled_total", COUNTER, "Trades that live feeds were asked for afterwards.", LIVE(backfilled)},
    {"tapedeck_backfills_total", COUNTER, "Gaps that were asked for, by how much of them came.", tell_fills, 0},
    {"tapedeck_backfill_failures_total", COUNTER, "Requests for the past, or for whole books, that failed.",
     LIVE(backfill_failures)},
    {"tapedeck_raw_total", COUNTER, "Records of what came, as it came, kept of feeds with `raw`.", RAW(kept)},
    {"tapedeck_raw_missed_total", COUNTER, "Messages and answers not kept for want of room.", RAW(missed)},
    {"tapedeck_outputs_total", COUNTER, "Outputs appended.", tell_outputs, 0},
    {"tapedeck_outputs_suppressed_total", COUNTER, "Outputs made again that the log held.", WORKER(suppressed)},
    {"tapedeck_outputs_diverged_total", COUNTER, "Of those, different from what it holds; must stay 0.",
     WORKER(diverged)},
    {"tapedeck_tape_foreign_total", COUNTER, "Records of the tape that are no events of ours, and were rejected.",
     WORKER(foreign)},
    {"tapedeck_tape_lost_total", COUNTER, "Records of the tape that a repair of the log took out.", WORKER(lost)},
    {"tapedeck_transactions_total", COUNTER, "Transactions of workers: outputs and how far they rest on the tape.",
     tell_transactions, 0},
    {"tapedeck_partitions_owned", GAUGE, "Partitions that this process works on.", COUNT(owned)},
    {"tapedeck_partitions_taken_total", COUNTER, "Times that a partition came to this process.", WORKER(takes)},
    {"tapedeck_partitions_left_total", COUNTER, "Times that it went.", WORKER(leaves)},
    {"tapedeck_partitions_fenced_total", COUNTER, "Of those, as another worker had taken it already.", WORKER(fences)},
    {"tapedeck_group_rebalances_total", COUNTER, "Times that the group shared them anew.", COUNT(rebalances)},
    {"tapedeck_snapshots_total", COUNTER, "Snapshots written.", WORKER(snapshots)},
    {"tapedeck_snapshots_restored_total", COUNTER, "Times that a partition went on from one.", WORKER(restored)},
    {"tapedeck_snapshot_copy_seconds", TD_METRIC_HISTOGRAM, "Time that a worker stood while its state was copied.",
     tell_snapshot_copies, 0},
    {"tapedeck_retries_total", COUNTER, "Failures after which a part backed off.", tell_retries, 0},
    {"tapedeck_reader_lag_records", GAUGE, "Records appended that a reader has not taken.", tell_lag, 0},
    {"tapedeck_log_end_offset", GAUGE, "Next offset to be written.", tell_topics, OF_END},
    {"tapedeck_log_unsynced_records", GAUGE, "Records that a power cut would take.", tell_topics, OF_UNSYNCED},
    {"tapedeck_log_bytes", GAUGE, "Bytes kept.", tell_topics, OF_BYTES},
    {"tapedeck_log_segments", GAUGE, "Segment files kept.", tell_topics, OF_SEGMENTS},
    {"tapedeck_append_bytes_total", COUNTER, "Bytes of records appended, before compression.", tell_append_bytes, 0},
    {"tapedeck_append_wait_seconds", TD_METRIC_HISTOGRAM,
     "From the arrival of a live feed's message until it was appended; the first of each round.", tell_waits, 0},
    {"tapedeck_sync_seconds", TD_METRIC_HISTOGRAM, "Time of each round of fsync.", tell_sync_rounds, 0},
    {"tapedeck_sync_failures_total", COUNTER, "Rounds that failed.", tell_sync_failures, 0},
    {"tapedeck_synced_age_seconds", GAUGE, "Since everything appended was last known to be on disk.", tell_synced_age,
     0},
    {"tapedeck_sink_rows_total", COUNTER, "Rows written.", SINK(rows)},
    {"tapedeck_sink_batches_total", COUNTER, "Transactions kept.", SINK(batches)},
    {"tapedeck_sink_retries_total", COUNTER, "Transactions that had to be tried again.", SINK(retries)},
    {"tapedeck_sink_lost_total", COUNTER, "Outputs that retention or a repair took before the sink had them.",
     SINK(lost)},
    {"tapedeck_sink_lacks_records", GAUGE, "Of those, and of runs before: not acknowledged yet.", SINK(red)},
    {"tapedeck_sink_hindered", GAUGE, "1: the sink works, but not as it is meant to.", SINK(hindered)},
    {"tapedeck_sink_write_seconds", TD_METRIC_HISTOGRAM, "Time of each transaction, kept or not.", tell_sink_writes, 0},
    {"tapedeck_disk_size_bytes", GAUGE, "Size of the file system that holds the log.", DISK(total_bytes)},
    {"tapedeck_disk_free_bytes", GAUGE, "Bytes free there.", DISK(free_bytes)},
    {"tapedeck_disk_level", GAUGE, "0: enough is free, 1: tight, 2: old segments go, 3: input waits.", tell_disk_level,
     0},
    {"tapedeck_disk_pauses_total", COUNTER, "Times that input began to wait for room.", DISK(pauses)},
    {"tapedeck_disk_paused_seconds_total", COUNTER, "Time that it waited, once over.", tell_paused,
     offsetof(td_disk_counts, paused_ns)},
    {"process_cpu_seconds_total", COUNTER, "User and system time.", PROCESS(cpu_s)},
    {"process_resident_memory_bytes", GAUGE, "Resident memory.", PROCESS(resident_bytes)},
    {"process_virtual_memory_bytes", GAUGE, "Virtual memory.", PROCESS(virtual_bytes)},
    {"process_open_fds", GAUGE, "Open files.", PROCESS(open_files)},
    {"process_max_fds", GAUGE, "Files that may be open.", PROCESS(max_files)},
    {"process_start_time_seconds", GAUGE, "Start, since the Unix epoch.", PROCESS(started_s)},
    {0},
};

static void count_fault(void *arg, const char *line) {
    (void)line;
    ++*(int *)arg;
}

void td_run_metrics_put(td_buf *out, td_engine *engine) {
    source s = {0};
    td_engine_parts_of(engine, &s.parts);
    for (uint32_t p = 0; p < td_crew_size(s.parts.crew); p++) {
        td_worker *worker = td_crew_worker(s.parts.crew, p);
        if (td_counted(&td_worker_counters(worker)->takes) > 0) s.workers[s.worker_count++] = worker;
    }
    td_engine_count(engine, &s.counts);
    (void)td_engine_faults(engine, count_fault, &s.faults);
    td_process_look(&s.process);
    td_metrics_put(out, rows, &s);
}
