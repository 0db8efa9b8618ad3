/* tests/sim/kafka_client.c - a process at the simulated cluster: log.h's functions over what the cluster knows. */
#include "base/hash.h"
#include "kafka_cluster.h"
#include "log/log_ops.h"
#include <assert.h>
#include <stdlib.h>

typedef struct client_topic {
    td_topic base;
    kafka_topic *topic;
} client_topic;

typedef struct client {
    td_log base;
    kafka_sim *sim;
    bool dead;
    int64_t requests_left;                  /* then it dies; 0: it lives */
    client_topic *topics[KAFKA_TOPICS_MAX]; /* in the cluster's order */
} client;

typedef struct client_reader {
    td_reader base;
    kafka_partition *p;
    size_t next; /* a batch at or before the cursor's offset */
} client_reader;

typedef struct client_writer {
    td_writer base;
    kafka_producer *producer;
    int64_t epoch;
    bool begun;
    bool committed; /* and nobody told us */
} client_writer;

typedef struct member {
    td_group base;
    kafka_group *group;
    const kafka_topic *topic;
    uint32_t *partitions;
} member;

static client *client_of(const td_log *log) { return (client *)log; }
static kafka_sim *sim_of(const td_log *log) { return client_of(log)->sim; }
static kafka_partition *partition_of(const td_topic *topic, uint32_t partition) {
    return &((const client_topic *)topic)->topic->partitions[partition];
}

bool kafka_is_of(const void *m, const td_log *process) { return ((const member *)m)->base.log == process; }
bool kafka_is_dead(const void *m) { return client_of(((const member *)m)->base.log)->dead; }

/* What may happen to any request before it arrives. */
static td_status reach(const td_log *log) {
    kafka_sim *sim = sim_of(log);
    client *c = client_of(log);
    if (c->requests_left > 0 && --c->requests_left == 0) c->dead = true;
    if (c->dead) return TD_FAIL(TD_RETRY, "the process is dead");
    if (td_random_chance(&sim->random, sim->faults.time_out)) kafka_sim_time_out(sim);
    if (td_random_chance(&sim->random, sim->faults.refuse)) return TD_FAIL(TD_RETRY, "the broker is not there");
    return TD_OK;
}

static bool answer_lost(const td_log *log) {
    kafka_sim *sim = sim_of(log);
    return td_random_chance(&sim->random, sim->faults.lose_answer);
}

/* ---- the log ---- */

static void log_close(td_log *log) {
    for (size_t i = 0; i < KAFKA_TOPICS_MAX; i++) free(client_of(log)->topics[i]);
    free(log);
}

static td_topic *take_topic(client *c, size_t i, td_topic_role role) {
    if (c->topics[i] == NULL) {
        client_topic *t = c->topics[i] = td_alloc_zero(1, sizeof *t);
        t->topic = c->sim->topics[i];
        t->base = (td_topic){&c->base, t->topic->name, t->topic->count, role};
    }
    return &c->topics[i]->base;
}

static td_status log_topic(td_log *log, const char *name, uint32_t partitions, td_topic_role role, td_topic **out) {
    client *c = client_of(log);
    td_status status = reach(log);
    if (status != TD_OK) return status;
    kafka_topic *topic = kafka_find_topic(c->sim, name);
    if (topic == NULL && partitions == 0) return TD_AGAIN;
    if (topic == NULL) topic = kafka_make_topic(c->sim, name, partitions);
    if (partitions != 0 && topic->count != partitions)
        return TD_FAIL(TD_CONFIG, "topic %s has %u partitions", name, topic->count);
    topic->latest = role == TD_TOPIC_LATEST;
    for (size_t i = 0; i < c->sim->topic_count; i++)
        if (c->sim->topics[i] == topic) *out = take_topic(c, i, role);
    (*out)->role = role;
    return TD_OK;
}

static int by_name(const void *a, const void *b) {
    return strcmp((*(td_topic *const *)a)->name, (*(td_topic *const *)b)->name);
}

static td_status log_each_topic(td_log *log, td_topic_fn each, void *arg) {
    client *c = client_of(log);
    td_topic *topics[KAFKA_TOPICS_MAX];
    size_t count = c->sim->topic_count;
    for (size_t i = 0; i < count; i++) topics[i] = take_topic(c, i, TD_TOPIC_OUTPUT);
    qsort(topics, count, sizeof topics[0], by_name);
    for (size_t i = 0; i < count; i++) each(arg, topics[i]);
    return TD_OK;
}

static td_status log_sync(td_log *log) { return reach(log); }

static td_status log_truncate(td_topic *topic, uint32_t partition, int64_t offset) {
    (void)partition, (void)offset;
    return TD_FAIL(TD_REJECT, "%s: Kafka removes no record behind others", topic->name);
}

static td_status log_release(td_log *log, int64_t bytes) {
    (void)log, (void)bytes;
    return TD_OK;
}

/* ---- one partition ---- */

static int64_t topic_start(const td_topic *topic, uint32_t partition) { return partition_of(topic, partition)->start; }
static int64_t topic_end(const td_topic *topic, uint32_t partition) {
    return kafka_stable_end(partition_of(topic, partition));
}
static int64_t topic_bytes(const td_topic *topic, uint32_t partition) {
    (void)topic, (void)partition;
    return -1;
}
static size_t topic_segments(const td_topic *topic, uint32_t partition) {
    (void)topic, (void)partition;
    return 0;
}
static int32_t topic_epoch(const td_topic *topic, uint32_t partition) {
    return td_epochs_last(&partition_of(topic, partition)->epochs);
}
static bool topic_holds(const td_topic *topic, uint32_t partition, td_position position) {
    const kafka_partition *p = partition_of(topic, partition);
    return td_epochs_hold(&p->epochs, position, p->next_offset);
}

static int64_t topic_block_before(const td_topic *topic, uint32_t partition, int64_t offset, int64_t bytes) {
    const kafka_partition *p = partition_of(topic, partition);
    for (size_t i = kafka_count(p); i-- > 0;) {
        const kafka_batch *batch = kafka_at(p, i);
        if (batch->base_offset >= offset) continue;
        bytes -= (int64_t)batch->records.size;
        if (bytes <= 0 && batch->base_offset >= p->start) return batch->base_offset;
    }
    return p->start;
}

static bool is_shown(const kafka_batch *batch) { return batch->state == KAFKA_COMMITTED; }

static td_cursor cursor_of(const kafka_batch *batch) {
    const uint8_t *at = batch->records.data;
    return (td_cursor){.at = at,
                       .end = batch->records.size > 0 ? at + batch->records.size : at,
                       .offset = batch->base_offset,
                       .base_offset = batch->base_offset,
                       .base_timestamp_ms = batch->base_timestamp_ms,
                       .epoch = batch->epoch,
                       .left = (int32_t)batch->count};
}

static td_status topic_at_time(const td_topic *topic, uint32_t partition, int64_t timestamp_ms, int64_t *out_offset) {
    kafka_partition *p = partition_of(topic, partition);
    *out_offset = kafka_stable_end(p);
    for (size_t i = 0; i < p->settled; i++) {
        td_cursor cursor = cursor_of(kafka_at(p, i));
        td_record record;
        while (is_shown(kafka_at(p, i)) && td_cursor_next(&cursor, &record)) {
            if (record.timestamp_ms < timestamp_ms || record.offset < p->start) continue;
            *out_offset = record.offset;
            return TD_OK;
        }
    }
    return TD_OK;
}

/* ---- reading ---- */

static td_status reader_open(td_reader **out, td_topic *topic, uint32_t partition, td_read_limit limit) {
    (void)limit; /* what is readable is with all in-sync replicas */
    client_reader *r = td_alloc_zero(1, sizeof *r);
    r->p = partition_of(topic, partition);
    *out = &r->base;
    return TD_OK;
}

static void reader_close(td_reader *reader) { free(reader); }

static void reader_seek(td_reader *reader, int64_t offset) {
    client_reader *r = (client_reader *)reader;
    reader->lost = r->p->start > offset ? r->p->start - offset : 0;
    reader->cursor = (td_cursor){.offset = offset > r->p->start ? offset : r->p->start};
    r->next = 0;
}

static td_status reader_refill(td_reader *reader, td_record *out) {
    client_reader *r = (client_reader *)reader;
    td_status status = reach(reader->topic->log);
    if (status != TD_OK) return status;
    if (reader->cursor.offset < r->p->start) {
        int64_t lost = reader->lost;
        reader_seek(reader, reader->cursor.offset);
        reader->lost += lost;
    }
    int64_t offset = reader->cursor.offset, end = kafka_stable_end(r->p);
    for (; r->next < r->p->settled; r->next++) {
        const kafka_batch *batch = kafka_at(r->p, r->next);
        if (!is_shown(batch) || batch->base_offset + batch->count <= offset) continue;
        reader->cursor = cursor_of(batch);
        while (td_cursor_next(&reader->cursor, out))
            if (out->offset >= offset) return TD_OK;
    }
    if (offset < end) reader->cursor = (td_cursor){.offset = end};
    return TD_AGAIN;
}

/* ---- writing ---- */

static td_status check_alive(const client_writer *w) {
    td_status status = reach(w->base.log);
    if (status != TD_OK) return status;
    if (w->epoch != w->producer->epoch) return TD_FAIL(TD_FENCED, "another producer is %s now", w->producer->name);
    return TD_OK;
}

static td_status check_transaction(const client_writer *w) {
    td_status status = check_alive(w);
    if (status != TD_OK || !w->producer->timed_out) return status;
    return TD_FAIL(TD_REJECT, "the transaction of %s took too long", w->producer->name);
}

static td_status writer_open(td_writer **out, td_log *log, const char *name) {
    td_status status = reach(log);
    if (status != TD_OK) return status;
    client_writer *w = td_alloc_zero(1, sizeof *w);
    w->base.log = log;
    w->producer = kafka_find_producer(sim_of(log), name);
    if (w->producer->phase != KAFKA_IDLE)
        kafka_end_transaction(sim_of(log), w->producer, w->producer->phase == KAFKA_PREPARED);
    w->producer->timed_out = false;
    w->epoch = ++w->producer->epoch;
    *out = &w->base;
    return TD_OK;
}

static bool owns_open(const client_writer *w) {
    return !client_of(w->base.log)->dead && w->epoch == w->producer->epoch && w->producer->phase == KAFKA_BEGUN;
}

static void writer_close(td_writer *writer) {
    client_writer *w = (client_writer *)writer;
    if (owns_open(w)) kafka_end_transaction(sim_of(writer->log), w->producer, false);
    free(w);
}

static void store(kafka_partition *p, const client_writer *w, const td_batch *batch) {
    kafka_batch *stored = kafka_put(p, KAFKA_OPEN, batch->count);
    int64_t last_ms = INT64_MIN;
    for (size_t i = kafka_count(p) - 1; i-- > 0 && last_ms == INT64_MIN;)
        if (kafka_at(p, i)->state != KAFKA_MARKER) last_ms = kafka_at(p, i)->max_timestamp_ms;
    int64_t shift_ms = batch->max_timestamp_ms < last_ms ? last_ms - batch->max_timestamp_ms : 0;
    stored->producer = w->producer;
    stored->base_timestamp_ms = batch->base_timestamp_ms + shift_ms;
    stored->max_timestamp_ms = batch->max_timestamp_ms + shift_ms;
    td_buf_put(&stored->records, batch->bytes.data + TD_BATCH_HEADER_BYTES, batch->bytes.size - TD_BATCH_HEADER_BYTES);
}

static bool is_there(const client_writer *w, const kafka_partition *p, uint64_t digest) {
    return p->unsure != NULL && p->unsure->producer == w->producer && p->unsure->state != KAFKA_ABORTED &&
           p->unsure_epoch == w->epoch && p->unsure_digest == digest;
}

static td_status append_open(const client_writer *w, kafka_partition *p, const td_batch *batch) {
    kafka_sim *sim = sim_of(w->base.log);
    uint64_t digest = td_hash_bytes(td_buf_bytes(&batch->bytes));
    bool again = is_there(w, p, digest);
    p->unsure = NULL;
    if (again) return TD_OK;
    if (td_random_chance(&sim->random, sim->faults.lead)) {
        kafka_lead(p);
        return TD_FAIL(TD_RETRY, "the leader is gone, and the batch with it");
    }
    store(p, w, batch);
    if (!answer_lost(w->base.log)) return TD_OK;
    p->unsure = kafka_at(p, kafka_count(p) - 1);
    p->unsure_epoch = w->epoch;
    p->unsure_digest = digest;
    return TD_FAIL(TD_RETRY, "no answer");
}

/* Outside a transaction they are one of their own. */
static td_status writer_append(td_writer *writer, const td_append *appends, size_t count, size_t *out_done) {
    client_writer *w = (client_writer *)writer;
    td_status status = w->begun ? check_transaction(w) : check_alive(w);
    *out_done = 0;
    if (status != TD_OK) return status;
    w->producer->phase = KAFKA_BEGUN;
    for (; *out_done < count && status == TD_OK; *out_done += status == TD_OK)
        status = append_open(w, partition_of(appends[*out_done].topic, appends[*out_done].partition),
                             appends[*out_done].batch);
    if (!w->begun) kafka_end_transaction(sim_of(w->base.log), w->producer, true);
    return status;
}

static td_status writer_begin(td_writer *writer) {
    client_writer *w = (client_writer *)writer;
    assert(!w->begun);
    td_status status = check_alive(w);
    if (status != TD_OK) return status;
    w->producer->timed_out = false;
    w->begun = true;
    return TD_OK;
}

static void set_marks(client_writer *w, const td_mark *marks, size_t count) {
    kafka_producer *producer = w->producer;
    producer->pending_count = 0;
    for (size_t i = 0; i < count; i++) {
        const kafka_topic *topic = ((const client_topic *)marks[i].topic)->topic;
        kafka_find_mark(producer->pending, &producer->pending_count, topic, marks[i].partition)->position =
            marks[i].position;
    }
}

static td_status writer_commit(td_writer *writer, const td_mark *marks, size_t count) {
    client_writer *w = (client_writer *)writer;
    kafka_sim *sim = sim_of(writer->log);
    assert(w->begun);
    td_status status = w->committed ? check_alive(w) : check_transaction(w);
    if (status != TD_OK) return status;
    if (!w->committed) {
        bool lost = answer_lost(writer->log);
        if (w->producer->phase != KAFKA_PREPARED) set_marks(w, marks, count);
        w->producer->phase = KAFKA_PREPARED;
        if (lost && td_random_below(&sim->random, 2) == 0) return TD_FAIL(TD_RETRY, "no answer: prepared");
        kafka_end_transaction(sim, w->producer, true);
        w->committed = lost;
        if (lost) return TD_FAIL(TD_RETRY, "no answer: committed");
    }
    w->begun = w->committed = false;
    return TD_OK;
}

static td_status writer_abort(td_writer *writer) {
    client_writer *w = (client_writer *)writer;
    td_status status = check_alive(w);
    if (status != TD_OK) return status;
    if (w->producer->phase == KAFKA_BEGUN) kafka_end_transaction(sim_of(writer->log), w->producer, false);
    w->producer->timed_out = w->begun = false;
    return TD_OK;
}

static td_status writer_position(td_writer *writer, const td_topic *topic, uint32_t partition, td_position *out) {
    client_writer *w = (client_writer *)writer;
    td_status status = reach(writer->log);
    if (status != TD_OK) return status;
    const kafka_topic *wanted = ((const client_topic *)topic)->topic;
    *out = kafka_find_mark(w->producer->marks, &w->producer->mark_count, wanted, partition)->position;
    return out->offset >= 0 && topic_holds(topic, partition, *out) ? TD_OK : TD_AGAIN;
}

static td_status log_committed(td_log *log, const char *writer, const td_topic *topic, uint32_t partition,
                               td_position *out) {
    td_status status = reach(log);
    if (status != TD_OK) return status;
    kafka_producer *producer = kafka_find_producer(sim_of(log), writer);
    const kafka_topic *wanted = ((const client_topic *)topic)->topic;
    *out = kafka_find_mark(producer->marks, &producer->mark_count, wanted, partition)->position;
    return out->offset >= 0 ? TD_OK : TD_AGAIN;
}

/* ---- groups ---- */

static void join(member *m) {
    assert(m->group->member_count < KAFKA_MEMBERS_MAX);
    m->group->members[m->group->member_count++] = m;
    m->group->generation++;
}

static td_status group_join(td_group **out, td_log *log, const char *name, td_topic *topic) {
    td_status status = reach(log);
    if (status != TD_OK) return status;
    member *m = td_alloc_zero(1, sizeof *m);
    m->base.log = log;
    m->group = kafka_find_group(sim_of(log), name);
    m->topic = ((const client_topic *)topic)->topic;
    m->partitions = td_alloc(topic->partitions * sizeof *m->partitions);
    join(m);
    *out = &m->base;
    return TD_OK;
}

static void group_leave(td_group *group) {
    member *m = (member *)group;
    kafka_leave(m->group, m);
    free(m->partitions);
    free(m);
}

/* Whose session was over hears that it has nothing, and is a member again. */
static td_status group_poll(td_group *group, td_assignment *out) {
    member *m = (member *)group;
    td_status status = reach(group->log);
    if (status != TD_OK) return status;
    *out = (td_assignment){.generation = m->group->generation, .partitions = m->partitions};
    size_t rank = 0, members = m->group->member_count;
    while (rank < members && m->group->members[rank] != m) rank++;
    for (uint32_t p = 0; rank < members && p < m->topic->count; p++)
        if (p * members / m->topic->count == rank) m->partitions[out->count++] = p;
    if (rank == members) join(m);
    return TD_OK;
}

/* ---- the table ---- */

static const td_log_ops client_ops = {
    .close = log_close,
    .topic = log_topic,
    .each_topic = log_each_topic,
    .sync = log_sync,
    .truncate = log_truncate,
    .release = log_release,
    .start = topic_start,
    .end = topic_end,
    .synced = topic_end,
    .bytes = topic_bytes,
    .segments = topic_segments,
    .epoch = topic_epoch,
    .holds = topic_holds,
    .block_before = topic_block_before,
    .verify = td_verify_records,
    .at_time = topic_at_time,
    .reader_open = reader_open,
    .reader_close = reader_close,
    .reader_seek = reader_seek,
    .reader_refill = reader_refill,
    .writer_open = writer_open,
    .writer_close = writer_close,
    .append = writer_append,
    .begin = writer_begin,
    .commit = writer_commit,
    .abort = writer_abort,
    .position = writer_position,
    .committed = log_committed,
    .group_join = group_join,
    .group_leave = group_leave,
    .group_poll = group_poll,
};

td_log *kafka_sim_connect(kafka_sim *sim) {
    client *c = td_alloc_zero(1, sizeof *c);
    c->base.ops = &client_ops;
    c->sim = sim;
    return &c->base;
}

bool kafka_sim_is_dead(const td_log *process) { return client_of(process)->dead; }

void kafka_sim_kill(td_log *process, int64_t requests) {
    client_of(process)->dead = requests == 0;
    client_of(process)->requests_left = requests;
}
