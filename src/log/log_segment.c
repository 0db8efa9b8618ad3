/* src/log/log_segment.c - the embedded log: a folder of topics in Kafka's files, one writing process, one sync round at
 * a time. */
#include "log/checkpoint.h"
#include "log/folder.h"
#include "log/log_private.h"
#include "log/retain.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { SEGMENT_BYTES_DEFAULT = 256 * 1024 * 1024, SEGMENT_BYTES_MAX = INT32_MAX, DIR_MAX = TD_STEM_MAX - 320 };

struct td_log {
    td_os os;
    td_log_conf conf; /* dir: owned */
    td_log_report_fn report;
    void *report_arg;
    int64_t wall_at_zero_ns; /* of the monotonic clock */
    int lock_file;           /* -1: read-only */
    bool unclean;            /* the last writer did not close it */
    bool had_topics;         /* when it was opened */
    td_checkpoint promised;
    td_topic **topics; /* in byte order of their names */
    size_t topic_count;
};

static int64_t load(_Atomic int64_t *value) { return atomic_load_explicit(value, memory_order_acquire); }

/* --- topics ---------------------------------------------------------------------------------------------------- */

static td_topic *find_topic(const td_log *log, const char *name) {
    for (size_t i = 0; i < log->topic_count; i++) {
        if (strcmp(log->topics[i]->name, name) == 0) return log->topics[i];
    }
    return NULL;
}

static void topic_free(td_topic *topic) {
    for (uint32_t p = 0; p < topic->count; p++) td_partition_close(topic->partitions[p]);
    free(topic->partitions);
    free(topic->name);
    free(topic);
}

static void insert_topic(td_log *log, td_topic *topic) {
    size_t bytes = (log->topic_count + 1) * sizeof(td_topic *);
    log->topics = td_alloc_check(realloc(log->topics, bytes), bytes);
    size_t at = log->topic_count++;
    for (; at > 0 && strcmp(log->topics[at - 1]->name, topic->name) > 0; at--) log->topics[at] = log->topics[at - 1];
    log->topics[at] = topic;
}

static td_status open_partition(td_log *log, const char *name, uint32_t number, bool exists, td_partition **out) {
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
    return td_partition_open(out, &conf);
}

/* The last partition is made first, and durably: whatever a crash leaves tells how many there are. */
static td_status open_topic(td_log *log, const char *name, uint32_t count, bool exists, td_topic **out) {
    td_topic *topic = td_alloc_zero(1, sizeof *topic);
    topic->log = log;
    topic->name = td_copy_text(name);
    topic->role = TD_TOPIC_OUTPUT;
    topic->count = count;
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
static td_status open_found_topics(td_log *log) {
    td_buf found = {0};
    td_status status = log->os.ops->list(log->os.self, log->conf.dir, list_entry, &found);
    found_topic *topics = (found_topic *)(void *)found.data;
    for (size_t i = 0; i < found.size / sizeof(found_topic); i++) {
        td_topic *topic;
        if (status == TD_OK) status = open_topic(log, topics[i].name, topics[i].count, true, &topic);
        free(topics[i].name);
    }
    td_buf_fini(&found);
    log->had_topics = log->topic_count > 0;
    return status;
}

static td_status save_checkpoint(td_log *log) {
    td_buf lines = {0};
    for (size_t t = 0; t < log->topic_count; t++) {
        td_topic *topic = log->topics[t];
        for (uint32_t p = 0; p < topic->count; p++) {
            td_checkpoint_add(&lines, topic->name, p, topic->partitions[p]->noted);
        }
    }
    td_status status = td_checkpoint_save(&lines, &log->os, log->conf.dir);
    td_buf_fini(&lines);
    return status;
}

/* Before the first append of a process, and after any change of what is promised other than by a round. */
static td_status promise_synced(td_log *log) {
    for (size_t t = 0; t < log->topic_count; t++) {
        td_topic *topic = log->topics[t];
        for (uint32_t p = 0; p < topic->count; p++) topic->partitions[p]->noted = load(&topic->partitions[p]->synced);
    }
    return save_checkpoint(log);
}

td_status td_log_topic(td_log *log, const char *name, uint32_t partitions, td_topic_role role, td_topic **out) {
    td_topic *topic = find_topic(log, name);
    if (topic == NULL) {
        if (log->conf.read_only) return TD_FAIL(TD_CONFIG, "log: no topic %s in %s", name, log->conf.dir);
        td_status status = open_topic(log, name, partitions, false, &topic);
        if (status == TD_OK) status = promise_synced(log);
        if (status != TD_OK) return td_trace(status, "making topic %s", name);
    }
    if (topic->count != partitions) {
        return TD_FAIL(TD_CONFIG,
                       "log.partitions: topic %s in %s has %u, not %u: a log keeps its number of partitions for life",
                       name, log->conf.dir, topic->count, partitions);
    }
    topic->role = role;
    *out = topic;
    return TD_OK;
}

td_status td_log_each_topic(td_log *log, td_topic_fn each, void *arg) {
    for (size_t i = 0; i < log->topic_count; i++) each(arg, log->topics[i]);
    return TD_OK;
}

/* --- open and close -------------------------------------------------------------------------------------------- */

static td_status open_folder(td_log *log) {
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
    if (status != TD_OK || log->conf.read_only) return status;
    status = promise_synced(log);
    /* The last step, so that a failed opening can be tried again. */
    return status == TD_OK && !log->unclean ? td_folder_drop_clean(os, dir) : status;
}

static void log_free(td_log *log) {
    for (size_t i = 0; i < log->topic_count; i++) topic_free(log->topics[i]);
    free(log->topics);
    td_checkpoint_fini(&log->promised);
    if (log->lock_file >= 0) log->os.ops->close(log->os.self, log->lock_file);
    free((char *)log->conf.dir);
    free(log);
}

td_status td_log_open(td_log **out, const td_os *os, const td_log_conf *conf, td_log_report_fn report, void *arg) {
    if (strlen(conf->dir) > DIR_MAX) return TD_FAIL(TD_CONFIG, "log.dir: longer than %d bytes", DIR_MAX);
    td_log *log = td_alloc_zero(1, sizeof *log);
    log->os = *os;
    log->conf = *conf;
    log->conf.dir = td_copy_text(conf->dir);
    if (conf->segment_bytes <= 0) log->conf.segment_bytes = SEGMENT_BYTES_DEFAULT;
    if (conf->segment_bytes > SEGMENT_BYTES_MAX) log->conf.segment_bytes = SEGMENT_BYTES_MAX;
    log->report = report;
    log->report_arg = arg;
    log->lock_file = -1;
    log->wall_at_zero_ns = os->ops->wall_ns(os->self) - os->ops->mono_ns(os->self);
    td_status status = open_folder(log);
    if (status != TD_OK) {
        log_free(log);
        return status;
    }
    *out = log;
    return TD_OK;
}

static td_status settle(td_log *log) {
    td_status status = td_log_sync(log);
    for (size_t t = 0; t < log->topic_count; t++) {
        for (uint32_t p = 0; p < log->topics[t]->count && status == TD_OK; p++) {
            status = td_partition_settle(log->topics[t]->partitions[p]);
        }
    }
    return status;
}

void td_log_close(td_log *log) {
    if (log == NULL) return;
    /* Without the mark the next open repairs what could not be settled here. */
    td_status status = log->conf.read_only ? TD_OK : settle(log);
    if (status == TD_OK && !log->conf.read_only) status = td_folder_put_clean(&log->os, log->conf.dir);
    if (status != TD_OK && log->report != NULL) log->report(log->report_arg, td_trail());
    log_free(log);
}

bool td_log_was_unclean(const td_log *log) { return log->unclean && log->had_topics; }

/* --- one partition --------------------------------------------------------------------------------------------- */

const char *td_topic_name(const td_topic *topic) { return topic->name; }
uint32_t td_topic_partitions(const td_topic *topic) { return topic->count; }
int64_t td_topic_start(const td_topic *topic, uint32_t partition) { return load(&topic->partitions[partition]->start); }
int64_t td_topic_end(const td_topic *topic, uint32_t partition) { return load(&topic->partitions[partition]->end); }
int64_t td_topic_synced(const td_topic *topic, uint32_t partition) {
    return load(&topic->partitions[partition]->synced);
}
int64_t td_topic_bytes(const td_topic *topic, uint32_t partition) { return load(&topic->partitions[partition]->bytes); }
int32_t td_topic_epoch(const td_topic *topic, uint32_t partition) {
    td_partition *p = topic->partitions[partition];
    pthread_mutex_lock(&p->list_lock);
    int32_t epoch = td_epochs_last(&p->epochs);
    pthread_mutex_unlock(&p->list_lock);
    return epoch;
}

size_t td_topic_segments(const td_topic *topic, uint32_t partition) {
    td_partition *p = topic->partitions[partition];
    pthread_mutex_lock(&p->list_lock);
    size_t count = p->segment_count;
    pthread_mutex_unlock(&p->list_lock);
    return count;
}

bool td_topic_holds(const td_topic *topic, uint32_t partition, td_position position) {
    td_partition *p = topic->partitions[partition];
    pthread_mutex_lock(&p->list_lock);
    bool holds = td_epochs_hold(&p->epochs, position, load(&p->end));
    pthread_mutex_unlock(&p->list_lock);
    return holds;
}

td_status td_log_append(td_topic *topic, uint32_t partition, td_batch *batch, int64_t *out_base_offset) {
    return td_partition_append(topic->partitions[partition], batch, out_base_offset);
}

td_status td_log_truncate(td_topic *topic, uint32_t partition, int64_t offset) {
    td_status status = td_partition_truncate(topic->partitions[partition], offset);
    return status == TD_OK ? promise_synced(topic->log) : status;
}

/* --- the sync round -------------------------------------------------------------------------------------------- */

typedef td_status (*partition_fn)(td_partition *p, td_status so_far);

/* Every partition of topics with that role, whatever fails; the first failure is the answer. */
static td_status each_partition(td_log *log, td_topic_role role, partition_fn each, td_status so_far) {
    for (size_t t = 0; t < log->topic_count; t++) {
        td_topic *topic = log->topics[t];
        for (uint32_t p = 0; topic->role == role && p < topic->count; p++) {
            td_status status = each(topic->partitions[p], so_far);
            if (so_far == TD_OK) so_far = status;
        }
    }
    return so_far;
}

static td_status note_end(td_partition *p, td_status so_far) {
    (void)so_far;
    p->noted = load(&p->end);
    return TD_OK;
}

static td_status flush_input(td_partition *p, td_status so_far) {
    (void)so_far; /* inputs do not depend on each other */
    td_status status = td_partition_flush(p, p->noted);
    if (status != TD_OK) p->noted = load(&p->synced);
    return status;
}

/* An output must not survive the inputs that it was made from: none is promised after an input failed. */
static td_status flush_output(td_partition *p, td_status so_far) {
    td_status status = so_far == TD_OK ? td_partition_flush(p, p->noted) : so_far;
    if (status != TD_OK) p->noted = load(&p->synced);
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
static int64_t steady_ms(const td_log *log) {
    return (log->wall_at_zero_ns + log->os.ops->mono_ns(log->os.self)) / 1000000;
}

static td_status retain(td_log *log) {
    td_retain all = {log->topics, log->topic_count};
    td_status status = td_retain_age(&all, steady_ms(log), log->conf.segment_ms, log->conf.retain_ms);
    if (status != TD_OK || log->conf.retain_bytes <= 0) return status;
    return td_retain_shrink(&all, log->conf.retain_bytes);
}

td_status td_log_release(td_log *log, int64_t bytes) {
    if (log->conf.retain_bytes <= 0 && log->conf.retain_ms <= 0) return TD_OK;
    return td_retain_release(&(td_retain){log->topics, log->topic_count}, bytes);
}

td_status td_log_sync(td_log *log) {
    (void)each_partition(log, TD_TOPIC_OUTPUT, note_end, TD_OK); /* inputs later: they hold what made these outputs */
    (void)each_partition(log, TD_TOPIC_INPUT, note_end, TD_OK);
    td_status status = each_partition(log, TD_TOPIC_INPUT, flush_input, TD_OK);
    status = each_partition(log, TD_TOPIC_OUTPUT, flush_output, status);

    td_status news = each_partition(log, TD_TOPIC_INPUT, count_news, TD_OK);
    news = each_partition(log, TD_TOPIC_OUTPUT, count_news, news);
    td_status saved = news == TD_OK ? TD_OK : save_checkpoint(log);
    if (saved != TD_OK) return status == TD_OK ? td_trace(saved, "saving how far the log is synced") : status;
    (void)each_partition(log, TD_TOPIC_INPUT, publish, TD_OK);
    (void)each_partition(log, TD_TOPIC_OUTPUT, publish, TD_OK);
    td_status retained = retain(log);
    return status == TD_OK ? retained : status;
}
