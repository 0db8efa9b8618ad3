/* src/log/writer.c - the embedded log's writers: appends that stand by themselves, and transactions. */
#include "base/time.h"
#include "log/positions.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { RECORD_BYTES = 1024, PLACES = 8 }; /* room to begin with */

typedef struct output { /* a partition that was written to in a transaction, now or ever */
    td_topic *topic;
    uint32_t partition;
    bool open; /* written to since begin */
} output;

struct td_segment_writer {
    td_writer base;
    char name[TD_WRITER_NAME_MAX];
    td_segment_writer *next; /* in the log's list */
    pthread_mutex_t lock;    /* its owner's calls against the next opening of its name */
    bool fenced, begun;
    int64_t generation;
    td_partition *positions;
    td_buf marks, outputs; /* td_mark and output each */
    td_batch record;
    td_buf value;
};

static int64_t load(_Atomic int64_t *value) { return atomic_load_explicit(value, memory_order_acquire); }

static td_mark *marks_of(const td_segment_writer *w) { return (td_mark *)(void *)w->marks.data; }
static size_t mark_count(const td_segment_writer *w) { return w->marks.size / sizeof(td_mark); }
static output *outputs_of(const td_segment_writer *w) { return (output *)(void *)w->outputs.data; }
static size_t output_count(const td_segment_writer *w) { return w->outputs.size / sizeof(output); }

static td_segment_log *log_of(const td_segment_writer *w) { return (td_segment_log *)w->base.log; }
static td_partition *partition_of(const output *out) { return td_topic_partition(out->topic, out->partition); }

static td_status check_fence(const td_segment_writer *w) {
    if (!w->fenced) return TD_OK;
    return TD_FAIL(TD_FENCED, "writer %s was opened again: this one has no more to say", w->name);
}

/* --- records of positions --------------------------------------------------------------------------------------- */

/* Another writer may have come after this one in the partition: then its end is the other's to tell. */
static bool owns(const td_segment_writer *w, const output *out) {
    return atomic_load_explicit(&partition_of(out)->committer, memory_order_acquire) == w->positions;
}

/* With `committing` the ends are those after this commit, else those before. */
static void put_value(td_segment_writer *w, bool committing) {
    uint32_t owned = 0;
    for (size_t i = 0; i < output_count(w); i++) owned += owns(w, &outputs_of(w)[i]);
    w->value.size = 0;
    td_positions_put(&w->value, w->generation, (uint32_t)mark_count(w), owned);
    for (size_t i = 0; i < mark_count(w); i++) {
        const td_mark *mark = &marks_of(w)[i];
        td_place_put(&w->value, &(td_place){td_text(mark->topic->name), mark->partition, mark->position});
    }
    for (size_t i = 0; i < output_count(w); i++) {
        const output *out = &outputs_of(w)[i];
        if (!owns(w, out)) continue;
        td_partition *p = partition_of(out);
        td_position end = {td_epochs_last(&p->epochs), committing && out->open ? p->next_offset : load(&p->end)};
        td_place_put(&w->value, &(td_place){td_text(out->topic->name), out->partition, end});
    }
}

static td_status append_positions(td_segment_writer *w, bool committing) {
    const td_os *os = &log_of(w)->os;
    put_value(w, committing);
    td_batch_reset(&w->record);
    (void)td_batch_add(&w->record, os->ops->wall_ns(os->self) / TD_NS_PER_MS, td_text(w->name), td_buf_bytes(&w->value),
                       (td_bytes){0}, (td_bytes){0}); /* empty: takes any record */
    return td_partition_append(w->positions, &w->record);
}

static void publish(td_segment_writer *w) {
    td_segment_log *log = log_of(w);
    pthread_mutex_lock(&log->publish_lock);
    for (size_t i = 0; i < output_count(w); i++)
        if (outputs_of(w)[i].open) td_partition_publish(partition_of(&outputs_of(w)[i]));
    td_partition_publish(w->positions);
    pthread_mutex_unlock(&log->publish_lock);
    for (size_t i = 0; i < output_count(w); i++) {
        if (outputs_of(w)[i].open) td_partition_index(partition_of(&outputs_of(w)[i]));
        outputs_of(w)[i].open = false;
    }
    td_partition_index(w->positions);
    w->begun = false;
}

/* --- transactions ----------------------------------------------------------------------------------------------- */

static void roll_back(td_segment_writer *w) {
    for (size_t i = 0; i < output_count(w); i++) {
        if (outputs_of(w)[i].open) td_partition_abort(partition_of(&outputs_of(w)[i]));
        outputs_of(w)[i].open = false;
    }
    w->begun = false;
}

/* What a writer has committed so far is durable: the outputs first, then the records that cover them. */
static td_status flush_commits(const td_segment_log *log, td_partition *committer) {
    int64_t end = load(&committer->end);
    td_status status = TD_OK;
    for (size_t t = 0; t < log->topic_count; t++)
        for (uint32_t i = 0; i < log->topics[t]->base.partitions && status == TD_OK; i++) {
            td_partition *p = log->topics[t]->partitions[i];
            if (atomic_load_explicit(&p->committer, memory_order_acquire) == committer)
                status = td_partition_flush(p, load(&p->end));
        }
    return status == TD_OK ? td_partition_flush(committer, end) : status;
}

/* A record that names the partition is durable, and so are all ends in it, before the partition's first byte. */
static td_status cover(td_segment_writer *w) {
    td_status status = append_positions(w, false);
    if (status != TD_OK) return status;
    td_partition_publish(w->positions);
    td_partition_index(w->positions);
    return flush_commits(log_of(w), w->positions);
}

/* Who had the partition before may have commits that a crash would take by half, were only this part of them named. */
static td_status take_over(td_segment_writer *w, const output *out) {
    td_partition *p = partition_of(out), *former = atomic_load_explicit(&p->committer, memory_order_acquire);
    td_status status = former != NULL ? flush_commits(log_of(w), former) : TD_OK;
    if (status == TD_OK) {
        atomic_store_explicit(&p->committer, w->positions, memory_order_release);
        status = cover(w);
    }
    if (status == TD_OK) return TD_OK;
    atomic_store_explicit(&p->committer, former, memory_order_release);
    return td_trace(status, "beginning the first transaction of writer %s in %s", w->name, out->topic->name);
}

static output *find_output(td_segment_writer *w, td_topic *topic, uint32_t partition) {
    for (size_t i = 0; i < output_count(w); i++)
        if (outputs_of(w)[i].topic == topic && outputs_of(w)[i].partition == partition) return &outputs_of(w)[i];
    td_buf_put(&w->outputs, &(output){topic, partition, false}, sizeof(output));
    return &outputs_of(w)[output_count(w) - 1];
}

static td_status append_open(td_segment_writer *w, td_topic *topic, uint32_t partition, td_batch *batch) {
    output *out = find_output(w, topic, partition);
    td_status status = owns(w, out) ? TD_OK : take_over(w, out);
    if (status == TD_OK) status = td_partition_append(partition_of(out), batch);
    if (status == TD_OK) out->open = true;
    return status;
}

static void set_mark(td_segment_writer *w, const td_mark *mark) {
    for (size_t i = 0; i < mark_count(w); i++) {
        if (marks_of(w)[i].topic != mark->topic || marks_of(w)[i].partition != mark->partition) continue;
        marks_of(w)[i].position = mark->position;
        return;
    }
    td_buf_put(&w->marks, mark, sizeof *mark);
}

static td_status commit_open(td_segment_writer *w, const td_mark *marks, size_t count) {
    for (size_t i = 0; i < count; i++) set_mark(w, &marks[i]);
    td_status status = append_positions(w, true);
    if (status == TD_OK) publish(w);
    return status;
}

/* What lies beyond a committed end is cut at the next start: there, even one append is a transaction. */
static td_status append_alone(td_segment_writer *w, td_topic *topic, uint32_t partition, td_batch *batch) {
    td_partition *p = td_topic_partition(topic, partition);
    if (atomic_load_explicit(&p->committer, memory_order_relaxed) == NULL) {
        td_status status = td_partition_append(p, batch);
        if (status != TD_OK) return status;
        td_partition_publish(p);
        td_partition_index(p);
        return TD_OK;
    }
    td_status status = append_open(w, topic, partition, batch);
    if (status == TD_OK) status = commit_open(w, NULL, 0);
    if (status != TD_OK) roll_back(w);
    return status;
}

/* --- the owner's calls ------------------------------------------------------------------------------------------ */

td_status td_segment_append(td_writer *writer, const td_append *appends, size_t count, size_t *out_done) {
    td_segment_writer *w = (td_segment_writer *)writer;
    pthread_mutex_lock(&w->lock);
    td_status status = check_fence(w);
    size_t done = 0;
    for (; done < count && status == TD_OK; done += status == TD_OK)
        status = (w->begun ? append_open : append_alone)(w, appends[done].topic, appends[done].partition,
                                                         appends[done].batch);
    *out_done = done;
    pthread_mutex_unlock(&w->lock);
    return status;
}

td_status td_segment_begin(td_writer *writer) {
    td_segment_writer *w = (td_segment_writer *)writer;
    pthread_mutex_lock(&w->lock);
    td_status status = check_fence(w);
    assert(status != TD_OK || !w->begun);
    w->begun = status == TD_OK;
    pthread_mutex_unlock(&w->lock);
    return status;
}

td_status td_segment_commit(td_writer *writer, const td_mark *marks, size_t count) {
    td_segment_writer *w = (td_segment_writer *)writer;
    pthread_mutex_lock(&w->lock);
    td_status status = check_fence(w);
    assert(status != TD_OK || w->begun);
    if (status == TD_OK) status = commit_open(w, marks, count);
    pthread_mutex_unlock(&w->lock);
    return td_trace(status, "committing for writer %s", w->name);
}

td_status td_segment_abort(td_writer *writer) {
    td_segment_writer *w = (td_segment_writer *)writer;
    pthread_mutex_lock(&w->lock);
    td_status status = check_fence(w);
    if (status == TD_OK) roll_back(w);
    pthread_mutex_unlock(&w->lock);
    return status;
}

td_status td_segment_position(td_writer *writer, const td_topic *topic, uint32_t partition, td_position *out) {
    const td_segment_writer *w = (const td_segment_writer *)writer;
    for (size_t i = 0; i < mark_count(w); i++) {
        const td_mark *mark = &marks_of(w)[i];
        if (mark->topic != topic || mark->partition != partition) continue;
        if (!td_topic_holds(topic, partition, mark->position)) break;
        *out = mark->position;
        return TD_OK;
    }
    return TD_AGAIN;
}

/* --- life ------------------------------------------------------------------------------------------------------- */

static void writer_free(td_segment_writer *w) {
    pthread_mutex_destroy(&w->lock);
    td_batch_fini(&w->record);
    td_buf_fini(&w->value);
    td_buf_fini(&w->outputs);
    td_buf_fini(&w->marks);
    free(w);
}

/* What the last commit of the name says. Places of topics that are gone are forgotten. */
static void take_positions(td_segment_writer *w, td_positions *last) {
    td_place place;
    w->generation = last->generation;
    while (td_place_get(&last->marks, &place)) {
        td_topic *topic = td_segment_find_topic(log_of(w), place.topic);
        if (topic == NULL || place.partition >= topic->partitions) continue;
        td_buf_put(&w->marks, &(td_mark){topic, place.partition, place.position}, sizeof(td_mark));
    }
    while (td_place_get(&last->ends, &place)) {
        td_topic *topic = td_segment_find_topic(log_of(w), place.topic);
        if (topic == NULL || place.partition >= topic->partitions) continue;
        td_buf_put(&w->outputs, &(output){topic, place.partition, false}, sizeof(output));
    }
}

static td_status load_positions(td_segment_writer *w) {
    char topic_name[sizeof TD_POSITIONS_PREFIX + TD_WRITER_NAME_MAX];
    (void)snprintf(topic_name, sizeof topic_name, TD_POSITIONS_PREFIX "%s", w->name);
    td_topic *topic;
    td_status status = td_log_topic(w->base.log, topic_name, 1, TD_TOPIC_OUTPUT, &topic);
    if (status != TD_OK) return status;
    w->positions = td_topic_partition(topic, 0);
    td_buf value = {0};
    td_positions last;
    int64_t next;
    status = td_positions_last(topic, false, &value, &next);
    if (status == TD_OK && td_positions_get(td_buf_bytes(&value), &last)) take_positions(w, &last);
    td_buf_fini(&value);
    return status == TD_AGAIN ? TD_OK : status;
}

/* Under the lock of the list. */
static void fence(td_segment_log *log, const char *name, int64_t *generation) {
    for (td_segment_writer *w = log->writers; w != NULL; w = w->next) {
        if (strcmp(w->name, name) != 0) continue;
        pthread_mutex_lock(&w->lock);
        if (!w->fenced) roll_back(w);
        w->fenced = true;
        if (w->generation > *generation) *generation = w->generation;
        pthread_mutex_unlock(&w->lock);
    }
}

td_status td_segment_writer_open(td_writer **out, td_log *base, const char *name) {
    td_segment_log *log = (td_segment_log *)base;
    if (strlen(name) >= TD_WRITER_NAME_MAX) return TD_FAIL(TD_CONFIG, "the name of writer %s is too long", name);
    td_segment_writer *w = td_alloc_zero(1, sizeof *w);
    int64_t generation = 0;
    w->base.log = base;
    (void)snprintf(w->name, sizeof w->name, "%s", name);
    pthread_mutex_init(&w->lock, NULL);
    td_batch_init(&w->record, RECORD_BYTES);
    td_buf_reserve(&w->record.bytes, RECORD_BYTES); /* a commit allocates nothing, even the first */
    td_buf_reserve(&w->value, RECORD_BYTES);
    td_buf_reserve(&w->marks, PLACES * sizeof(td_mark));
    td_buf_reserve(&w->outputs, PLACES * sizeof(output));

    pthread_mutex_lock(&log->writers_lock);
    fence(log, name, &generation);
    td_status status = load_positions(w);
    if (status == TD_OK) {
        w->generation = (generation > w->generation ? generation : w->generation) + 1;
        w->next = log->writers;
        log->writers = w;
    }
    pthread_mutex_unlock(&log->writers_lock);
    if (status != TD_OK) {
        writer_free(w);
        return td_trace(status, "opening writer %s", name);
    }
    *out = &w->base;
    return TD_OK;
}

void td_segment_writer_close(td_writer *writer) {
    td_segment_writer *w = (td_segment_writer *)writer;
    td_segment_log *log = log_of(w);
    pthread_mutex_lock(&log->writers_lock);
    td_segment_writer **at = &log->writers;
    while (*at != w) at = &(*at)->next;
    *at = w->next;
    if (!w->fenced) roll_back(w);
    pthread_mutex_unlock(&log->writers_lock);
    writer_free(w);
}
