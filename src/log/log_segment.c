/* src/log/log_segment.c - the embedded log: a folder of topics in Kafka's files, one writing process, one sync round at
 * a time. */
#include "log/log_segment.h"
#include "log/folder.h"
#include "log/positions.h"
#include "log/retain.h"
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { SEGMENT_BYTES_DEFAULT = 256 * 1024 * 1024, SEGMENT_BYTES_MAX = 1 << 30, DIR_MAX = TD_STEM_MAX - 320 };

static const td_log_ops segment_ops;

static int64_t load(_Atomic int64_t *value) { return atomic_load_explicit(value, memory_order_acquire); }

/* --- topics ---------------------------------------------------------------------------------------------------- */

td_topic *td_segment_find_topic(const td_segment_log *log, td_bytes name) {
    for (size_t i = 0; i < log->topic_count; i++) {
        if (td_bytes_equal(td_text(log->topics[i]->base.name), name)) return &log->topics[i]->base;
    }
    return NULL;
}

static void topic_free(td_segment_topic *topic) {
    for (uint32_t p = 0; p < topic->base.partitions; p++) td_partition_close(topic->partitions[p]);
    free(topic->partitions);
    free((char *)topic->base.name);
    free(topic);
}

static void insert_topic(td_segment_log *log, td_segment_topic *topic) {
    size_t bytes = (log->topic_count + 1) * sizeof(td_segment_topic *);
    log->topics = td_alloc_check(realloc(log->topics, bytes), bytes);
    size_t at = log->topic_count++;
    for (; at > 0 && strcmp(log->topics[at - 1]->base.name, topic->base.name) > 0; at--)
        log->topics[at] = log->topics[at - 1];
    log->topics[at] = topic;
}

static bool is_positions(const char *topic) {
    return strncmp(topic, TD_POSITIONS_PREFIX, sizeof TD_POSITIONS_PREFIX - 1) == 0;
}

static td_status open_partition(td_segment_log *log, const char *name, uint32_t number, bool exists,
                                td_partition **out) {
    td_partition_conf conf = {
        .os = &log->os,
        .data_dir = log->conf.dir,
        .topic = name,
        .number = number,
        .segment_bytes = log->conf.segment_bytes,
        .segment_ms = log->conf.segment_ms,
        .codec = log->conf.codec,
        .read_only = log->conf.read_only,
        .unclean = exists && log->unclean,
        .trusted_offset = exists && !log->unclean && !log->conf.read_only
                              ? INT64_MAX /* all of it */
                              : td_checkpoint_find(&log->promised, name, number),
        .report = log->report,
        .report_arg = log->report_arg,
    };
    if (is_positions(name)) {
        if (conf.segment_bytes > TD_POSITIONS_SEGMENT_BYTES) conf.segment_bytes = TD_POSITIONS_SEGMENT_BYTES;
        conf.codec = TD_CODEC_NONE; /* small records, one at a time */
    }
    return td_partition_open(out, &conf);
}

/* The last partition is made first, and durably: whatever a crash leaves tells how many there are. */
static td_status open_topic(td_segment_log *log, const char *name, uint32_t count, bool exists,
                            td_segment_topic **out) {
    td_segment_topic *topic = td_alloc_zero(1, sizeof *topic);
    topic->base = (td_topic){&log->base, td_copy_text(name), count, TD_TOPIC_OUTPUT};
    topic->positions = is_positions(name);
    topic->partitions = td_alloc_zero(count, sizeof *topic->partitions);
    td_status status = TD_OK;
    for (uint32_t p = count; p-- > 0 && status == TD_OK;) {
        status = open_partition(log, name, p, exists, &topic->partitions[p]);
        bool name_now = !log->conf.read_only && !exists && (p == count - 1 || p == 0);
        if (status == TD_OK && name_now) status = log->os.ops->sync_dir(log->os.self, log->conf.dir);
    }
    if (status != TD_OK) {
        topic_free(topic);
        return status;
    }
    insert_topic(log, topic);
    *out = topic;
    return TD_OK;
}

typedef struct found_topic {
    char *name;
    uint32_t count; /* greatest partition + 1 */
} found_topic;

static void list_entry(void *arg, const char *entry) {
    td_buf *found = arg;
    const char *dash = strrchr(entry, '-');
    uint32_t number;
    char text[16];
    if (dash == NULL || dash == entry || sscanf(dash + 1, "%" SCNu32, &number) != 1 || number >= 1000000) return;
    (void)snprintf(text, sizeof text, "%" PRIu32, number);
    if (strcmp(text, dash + 1) != 0) return; /* some other file: "bars-007", "x-1.tmp" */
    size_t size = (size_t)(dash - entry), count = found->size / sizeof(found_topic);
    found_topic *topics = (found_topic *)(void *)found->data;
    for (size_t i = 0; i < count; i++) {
        if (strlen(topics[i].name) != size || memcmp(topics[i].name, entry, size) != 0) continue;
        if (number >= topics[i].count) topics[i].count = number + 1;
        return;
    }
    found_topic topic = {td_copy_text(entry), number + 1};
    topic.name[size] = '\0';
    td_buf_put(found, &topic, sizeof topic);
}

/* All of them at once, so that a clean end never hides a partition that nobody had repaired. */
static td_status open_found_topics(td_segment_log *log) {
    td_buf found = {0};
    td_status status = log->os.ops->list(log->os.self, log->conf.dir, list_entry, &found);
    found_topic *topics = (found_topic *)(void *)found.data;
    for (size_t i = 0; i < found.size / sizeof(found_topic); i++) {
        td_segment_topic *topic;
        if (status == TD_OK) status = open_topic(log, topics[i].name, topics[i].count, true, &topic);
        free(topics[i].name);
    }
    td_buf_fini(&found);
    return status;
}

static td_status save_checkpoint(td_segment_log *log) {
    td_buf lines = {0};
    for (size_t t = 0; t < log->topic_count; t++) {
        td_segment_topic *topic = log->topics[t];
        for (uint32_t p = 0; p < topic->base.partitions; p++) {
            td_checkpoint_add(&lines, topic->base.name, p, topic->partitions[p]->noted);
        }
    }
    td_status status = td_checkpoint_save(&lines, &log->os, log->conf.dir);
    td_buf_fini(&lines);
    return status;
}

/* Before the first append of a process, and after any change of what is promised other than by a round. */
static td_status promise_synced(td_segment_log *log) {
    for (size_t t = 0; t < log->topic_count; t++) {
        td_segment_topic *topic = log->topics[t];
        for (uint32_t p = 0; p < topic->base.partitions; p++)
            topic->partitions[p]->noted = load(&topic->partitions[p]->synced);
    }
    return save_checkpoint(log);
}

static td_status log_topic(td_log *base, const char *name, uint32_t partitions, td_topic_role role, td_topic **out) {
    td_segment_log *log = (td_segment_log *)base;
    if (role == TD_TOPIC_LATEST) return TD_FAIL(TD_REJECT, "log: topic %s would be kept whole here", name);
    td_topic *topic = td_segment_find_topic(log, td_text(name));
    if (topic == NULL) {
        td_segment_topic *made = NULL;
        if (partitions == 0) return TD_AGAIN;
        if (log->conf.read_only) return TD_FAIL(TD_CONFIG, "log: no topic %s in %s", name, log->conf.dir);
        td_status status = open_topic(log, name, partitions, false, &made);
        if (status == TD_OK) status = promise_synced(log);
        if (status != TD_OK) return td_trace(status, "making topic %s", name);
        topic = &made->base;
    }
    if (partitions != 0 && topic->partitions != partitions) {
        return TD_FAIL(TD_CONFIG,
                       "log.partitions: topic %s in %s has %u, not %u: a log keeps its number of partitions for life",
                       name, log->conf.dir, topic->partitions, partitions);
    }
    topic->role = role;
    *out = topic;
    return TD_OK;
}

static td_status log_each_topic(td_log *base, td_topic_fn each, void *arg) {
    td_segment_log *log = (td_segment_log *)base;
    for (size_t i = 0; i < log->topic_count; i++) each(arg, &log->topics[i]->base);
    return TD_OK;
}

/* --- open and close -------------------------------------------------------------------------------------------- */

static td_status open_folder(td_segment_log *log) {
    const td_os *os = &log->os;
    const char *dir = log->conf.dir;
    td_status status = TD_OK;
    if (!log->conf.read_only)
        status = td_folder_lock(os, dir, &log->lock_file);
    else if (!os->ops->exists(os->self, dir))
        return TD_FAIL(TD_CONFIG, "log: no data folder %s", dir);
    else
        status = td_folder_check(os, dir);
    if (status == TD_OK && !log->conf.read_only) status = td_folder_upgrade(os, dir);
    log->unclean = !td_folder_is_clean(os, dir);
    if (status == TD_OK) status = td_checkpoint_load(&log->promised, os, dir);
    if (status == TD_OK) status = open_found_topics(log);
    if (status == TD_OK) status = log->conf.read_only ? td_positions_look(log) : td_positions_settle(log);
    if (status != TD_OK || log->conf.read_only) return status;
    status = promise_synced(log);
    /* The last step, so that a failed opening can be tried again. */
    return status == TD_OK && !log->unclean ? td_folder_drop_clean(os, dir) : status;
}

static void log_free(td_segment_log *log) {
    for (size_t i = 0; i < log->topic_count; i++) topic_free(log->topics[i]);
    free(log->topics);
    pthread_mutex_destroy(&log->publish_lock);
    pthread_mutex_destroy(&log->writers_lock);
    td_checkpoint_fini(&log->promised);
    if (log->lock_file >= 0) log->os.ops->close(log->os.self, log->lock_file);
    free((char *)log->conf.dir);
    free(log);
}

td_status td_log_segment_open(td_log **out, const td_os *os, const td_log_conf *conf, td_log_report_fn report,
                              void *arg) {
    if (strlen(conf->dir) > DIR_MAX) return TD_FAIL(TD_CONFIG, "log.dir: longer than %d bytes", DIR_MAX);
    td_segment_log *log = td_alloc_zero(1, sizeof *log);
    log->base.ops = &segment_ops;
    log->os = *os;
    log->conf = *conf;
    log->conf.dir = td_copy_text(conf->dir);
    if (conf->segment_bytes <= 0) log->conf.segment_bytes = SEGMENT_BYTES_DEFAULT;
    if (conf->segment_bytes > SEGMENT_BYTES_MAX) log->conf.segment_bytes = SEGMENT_BYTES_MAX;
    log->report = report;
    log->report_arg = arg;
    log->lock_file = -1;
    log->wall_at_zero_ns = os->ops->wall_ns(os->self) - os->ops->mono_ns(os->self);
    pthread_mutex_init(&log->publish_lock, NULL);
    pthread_mutex_init(&log->writers_lock, NULL);
    td_status status = open_folder(log);
    if (status != TD_OK) {
        log_free(log);
        return status;
    }
    *out = &log->base;
    return TD_OK;
}

static td_status settle(td_segment_log *log) {
    td_status status = td_log_sync(&log->base);
    for (size_t t = 0; t < log->topic_count; t++) {
        for (uint32_t p = 0; p < log->topics[t]->base.partitions && status == TD_OK; p++) {
            status = td_partition_settle(log->topics[t]->partitions[p]);
        }
    }
    return status;
}

static void log_close(td_log *base) {
    td_segment_log *log = (td_segment_log *)base;
    assert(log->writers == NULL);
    /* Without the mark the next open repairs what could not be settled here. */
    td_status status = log->conf.read_only ? TD_OK : settle(log);
    if (status == TD_OK && !log->conf.read_only) status = td_folder_put_clean(&log->os, log->conf.dir);
    if (status != TD_OK && log->report != NULL) log->report(log->report_arg, td_trail());
    log_free(log);
}

/* --- one partition --------------------------------------------------------------------------------------------- */

static int64_t topic_start(const td_topic *topic, uint32_t partition) {
    return load(&td_topic_partition(topic, partition)->start);
}
static int64_t topic_end(const td_topic *topic, uint32_t partition) {
    return td_partition_end(td_topic_partition(topic, partition));
}
static int64_t topic_synced(const td_topic *topic, uint32_t partition) {
    td_partition *p = td_topic_partition(topic, partition);
    return p->conf.read_only ? td_partition_end(p) : load(&p->synced);
}
static int64_t topic_bytes(const td_topic *topic, uint32_t partition) {
    return load(&td_topic_partition(topic, partition)->bytes);
}
static int32_t topic_epoch(const td_topic *topic, uint32_t partition) {
    td_partition *p = td_topic_partition(topic, partition);
    pthread_mutex_lock(&p->list_lock);
    int32_t epoch = td_epochs_last(&p->epochs);
    pthread_mutex_unlock(&p->list_lock);
    return epoch;
}

static bool topic_holds(const td_topic *topic, uint32_t partition, td_position position) {
    td_partition *p = td_topic_partition(topic, partition);
    pthread_mutex_lock(&p->list_lock);
    bool holds = td_epochs_hold(&p->epochs, position, td_partition_end(p));
    pthread_mutex_unlock(&p->list_lock);
    return holds;
}

static size_t topic_segments(const td_topic *topic, uint32_t partition) {
    td_partition *p = td_topic_partition(topic, partition);
    pthread_mutex_lock(&p->list_lock);
    size_t count = p->segment_count;
    pthread_mutex_unlock(&p->list_lock);
    return count;
}

static td_status log_truncate(td_topic *topic, uint32_t partition, int64_t offset) {
    td_segment_log *log = td_segment_log_of(topic);
    td_partition *p = td_topic_partition(topic, partition);
    td_status status = td_positions_renew(log, p, offset);
    if (status == TD_OK) status = td_partition_truncate(p, offset);
    return status == TD_OK ? promise_synced(log) : status;
}

/* --- the sync round -------------------------------------------------------------------------------------------- */

typedef enum topic_class { INPUTS, OUTPUTS, POSITIONS } topic_class;
typedef td_status (*partition_fn)(td_partition *p, td_status so_far);

static topic_class class_of(const td_segment_topic *topic) {
    if (topic->positions) return POSITIONS;
    return topic->base.role == TD_TOPIC_INPUT ? INPUTS : OUTPUTS;
}

/* Every partition of topics of that class, whatever fails; the first failure is the answer. */
static td_status each_partition(td_segment_log *log, topic_class class, partition_fn each, td_status so_far) {
    for (size_t t = 0; t < log->topic_count; t++) {
        td_segment_topic *topic = log->topics[t];
        for (uint32_t p = 0; class_of(topic) == class && p < topic->base.partitions; p++) {
            td_status status = each(topic->partitions[p], so_far);
            if (so_far == TD_OK) so_far = status;
        }
    }
    return so_far;
}

static td_status note_end(td_partition *p, td_status so_far) {
    (void)so_far;
    p->noted = load(&p->end);
    p->failed = false;
    return TD_OK;
}

/* Inputs later than outputs: they hold what made these outputs. Outputs and the records that cover them at once: a
 * commit between two of them would be noted by half. */
static void note_ends(td_segment_log *log) {
    pthread_mutex_lock(&log->publish_lock);
    (void)each_partition(log, OUTPUTS, note_end, TD_OK);
    (void)each_partition(log, POSITIONS, note_end, TD_OK);
    pthread_mutex_unlock(&log->publish_lock);
    (void)each_partition(log, INPUTS, note_end, TD_OK);
}

static td_status flush_one(td_partition *p) {
    td_status status = td_partition_flush(p, p->noted);
    if (status != TD_OK) p->noted = load(&p->synced);
    return status;
}

static td_status flush_input(td_partition *p, td_status so_far) {
    (void)so_far; /* inputs do not depend on each other */
    return flush_one(p);
}

static td_partition *committer_of(td_partition *p) {
    td_partition *committer = atomic_load_explicit(&p->committer, memory_order_acquire);
    return committer != NULL ? committer : p;
}

static td_status flush_output(td_partition *p, td_status so_far) {
    (void)so_far;
    td_status status = flush_one(p);
    if (status != TD_OK) committer_of(p)->failed = true;
    return status;
}

/* What one commit covers is promised together or not at all. */
static td_status promise_output(td_partition *p, td_status so_far) {
    if (committer_of(p)->failed) p->noted = load(&p->synced);
    return so_far;
}

/* An output must not survive the inputs that it was made from: none is promised after an input failed. */
static td_status forget_output(td_partition *p, td_status so_far) {
    p->noted = load(&p->synced);
    return so_far;
}

static td_status flush_all(td_segment_log *log) {
    td_status status = each_partition(log, INPUTS, flush_input, TD_OK);
    if (status != TD_OK) {
        (void)each_partition(log, OUTPUTS, forget_output, status);
        (void)each_partition(log, POSITIONS, forget_output, status);
        return status;
    }
    status = each_partition(log, OUTPUTS, flush_output, TD_OK);
    status = each_partition(log, POSITIONS, flush_output, status);
    (void)each_partition(log, OUTPUTS, promise_output, status);
    (void)each_partition(log, POSITIONS, promise_output, status);
    return status;
}

static td_status publish(td_partition *p, td_status so_far) {
    (void)so_far;
    atomic_store_explicit(&p->synced, p->noted, memory_order_release);
    return TD_OK;
}

static td_status count_news(td_partition *p, td_status so_far) {
    return so_far == TD_OK && p->noted == load(&p->synced) ? TD_OK : TD_AGAIN;
}

/* A clock set forward or back while we run moves no segment's age. */
static int64_t steady_ms(const td_segment_log *log) {
    return (log->wall_at_zero_ns + log->os.ops->mono_ns(log->os.self)) / 1000000;
}

/* The topics that are kept apart, or the others. */
static td_retain share_of(const td_segment_log *log, bool apart) {
    const td_log_conf *conf = &log->conf;
    return (td_retain){.topics = log->topics,
                       .topic_count = log->topic_count,
                       .prefix = conf->apart,
                       .apart = apart,
                       .bytes = apart ? conf->apart_bytes : conf->retain_bytes,
                       .ms = apart ? conf->apart_ms : conf->retain_ms};
}

static td_status retain(td_segment_log *log) {
    td_retain apart = share_of(log, true), others = share_of(log, false);
    td_status status = td_retain_all(&apart, steady_ms(log), log->conf.segment_ms);
    return status == TD_OK ? td_retain_all(&others, steady_ms(log), log->conf.segment_ms) : status;
}

static td_status log_release(td_log *base, int64_t bytes) {
    const td_segment_log *log = (const td_segment_log *)base;
    td_retain apart = share_of(log, true), others = share_of(log, false);
    int64_t freed;
    td_status status = td_retain_release(&apart, bytes, &freed);
    return status == TD_OK ? td_retain_release(&others, bytes - freed, &freed) : status;
}

/* Of positions only the last are ever asked for; the one that covers what is synced is among them. */
static td_status retain_positions(td_partition *p, td_status so_far) {
    td_segment oldest;
    while (so_far == TD_OK && td_partition_oldest(p, &oldest)) {
        td_segment second = td_partition_after(p, oldest.base_offset);
        bool two_left = td_partition_after(p, second.base_offset).base_offset > second.base_offset;
        if (!two_left || second.base_offset >= load(&p->synced)) break;
        so_far = td_partition_retire(p);
    }
    return so_far;
}

static td_status log_sync(td_log *base) {
    td_segment_log *log = (td_segment_log *)base;
    static const topic_class classes[] = {INPUTS, OUTPUTS, POSITIONS};
    note_ends(log);
    td_status status = flush_all(log), news = TD_OK;
    for (int i = 0; i < 3; i++) news = each_partition(log, classes[i], count_news, news);
    td_status saved = news == TD_OK ? TD_OK : save_checkpoint(log);
    if (saved != TD_OK) return status == TD_OK ? td_trace(saved, "saving how far the log is synced") : status;
    for (int i = 0; i < 3; i++) (void)each_partition(log, classes[i], publish, TD_OK);
    td_status retained = each_partition(log, POSITIONS, retain_positions, TD_OK);
    if (retained == TD_OK) retained = retain(log);
    return status == TD_OK ? retained : status;
}

/* --- the table -------------------------------------------------------------------------------------------------- */

static const td_log_ops segment_ops = {
    .close = log_close,
    .topic = log_topic,
    .each_topic = log_each_topic,
    .sync = log_sync,
    .truncate = log_truncate,
    .release = log_release,
    .start = topic_start,
    .end = topic_end,
    .synced = topic_synced,
    .bytes = topic_bytes,
    .segments = topic_segments,
    .epoch = topic_epoch,
    .holds = topic_holds,
    .block_before = td_segment_block_before,
    .verify = td_segment_verify,
    .at_time = td_segment_at_time,
    .reader_open = td_segment_reader_open,
    .reader_close = td_segment_reader_close,
    .reader_seek = td_segment_reader_seek,
    .reader_refill = td_segment_reader_refill,
    .writer_open = td_segment_writer_open,
    .writer_close = td_segment_writer_close,
    .append = td_segment_append,
    .begin = td_segment_begin,
    .commit = td_segment_commit,
    .abort = td_segment_abort,
    .position = td_segment_position,
    .committed = td_segment_committed,
    .group_join = td_segment_group_join,
    .group_leave = td_segment_group_leave,
    .group_poll = td_segment_group_poll,
};
