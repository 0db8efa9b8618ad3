/* tests/sim/log_sim.c - the log alone on the simulated machine: lives of appends, syncs, reads, truncations and rolls,
 * each ended by a crash or a clean close, held against a plain list of what was appended. What must hold after each
 * start: every synced record is there; what is there is a beginning of what was appended; a kill alone loses nothing;
 * a position of something lost is void, of something kept it holds; a lying disk is noticed or harmless. */
#include "log/log_segment.h"
#include "os_sim.h"
#include "seeds.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    PARTITIONS = 2,
    TOPICS = 2,
    RECORDS_MAX = 1 << 14,
    BATCH_MAX = 12,
    FILLER_MAX = 400,
    TRIES = 30 /* then the faults pause */
};

typedef struct record { /* what was appended at one offset */
    uint64_t id;
    int32_t epoch;
    int64_t input_end; /* of outputs: the end of their input then */
} record;

typedef struct partition { /* the model of one */
    record *records;
    int64_t end, synced;
    uint64_t pending[BATCH_MAX]; /* ids of a batch whose append said TD_RETRY last: on disk or not */
    size_t pending_count;
    int32_t epoch;
    bool truncating; /* the crash came in a truncation: it is done, or not, or stopped in between */
    bool begun;      /* in this life an append failed: the next epoch may stand on the disk, not known yet */
    td_batch batch;
    td_reader *readers[2]; /* by td_read_limit */
} partition;

typedef struct world {
    td_sim *sim;
    td_os os;
    td_random *random;
    td_log_conf conf;
    td_log *log;
    td_writer *writer;
    td_topic *topics[TOPICS];
    partition model[TOPICS][PARTITIONS];
    uint64_t next_id;
    bool trace, lying; /* a lying disk may lose what was synced, if that is noticed */
    bool noticed;
    bool started_at_once; /* a failed try takes the mark of a clean end with it */
} world;

static const char *const topic_names[TOPICS] = {"in", "out"};

/* ---- records: all of a record's bytes follow from its id ------------------------------------------------------- */

static td_bytes value_of(uint64_t id, uint8_t out[8 + FILLER_MAX]) {
    td_random filler = {id};
    size_t size = 8 + td_random_below(&filler, FILLER_MAX);
    td_put_be64(out, id);
    for (size_t i = 8; i < size; i++) out[i] = (uint8_t)td_random_next(&filler);
    return (td_bytes){out, size};
}

static bool is_record(const td_record *r, uint64_t id) {
    uint8_t bytes[8 + FILLER_MAX], key[8];
    td_put_be64(key, ~id);
    return td_bytes_equal(r->value, value_of(id, bytes)) && td_bytes_equal(r->key, (td_bytes){key, 8});
}

static uint64_t below(world *w, uint64_t bound) { return td_random_below(w->random, bound); }

/* ---- what must hold after a start ----------------------------------------------------------------------------------
 */

static bool check_positions(world *w, int t, uint32_t p, const record *lost, int64_t lost_count) {
    partition *m = &w->model[t][p];
    for (int64_t o = td_topic_start(w->topics[t], p); o < m->end; o++)
        HOLDS(td_topic_holds(w->topics[t], p, (td_position){m->records[o].epoch, o + 1}), "%s-%u offset %" PRId64,
              topic_names[t], p, o);
    for (int64_t i = 0; i < lost_count; i++)
        HOLDS(!td_topic_holds(w->topics[t], p, (td_position){lost[i].epoch, m->end + i + 1}), "%s-%u lost %" PRId64,
              topic_names[t], p, m->end + i);
    return true;
}

/* Reads all that is there. A lying disk may make it corrupt: that is noticing. */
static bool check_records(world *w, int t, uint32_t p) {
    partition *m = &w->model[t][p];
    td_topic *topic = w->topics[t];
    td_reader *reader = NULL;
    td_record r;
    td_status status = td_reader_open(&reader, topic, p, 0, TD_READ_APPENDED);
    HOLDS(status == TD_OK, "reader");
    int64_t offset = td_topic_start(topic, p);
    while ((status = td_reader_next(reader, &r)) == TD_OK) {
        bool same = r.offset == offset && offset < m->end && is_record(&r, m->records[offset].id);
        if (!same) td_reader_close(reader);
        HOLDS(same, "%s-%u read offset %" PRId64 " at %" PRId64 " of %" PRId64, topic_names[t], p, r.offset, offset,
              m->end);
        m->records[offset].epoch = r.epoch; /* of a pending batch that came through: unknown until now */
        m->records[offset].input_end = 0;   /* its input may be lost by now: flow/ makes such outputs void */
        offset++;
    }
    td_reader_close(reader);
    if (status == TD_CORRUPT && w->lying) return w->noticed = true;
    HOLDS(status == TD_AGAIN && offset == m->end, "%s-%u ends at %" PRId64 ", not %" PRId64 " (%s)", topic_names[t], p,
          offset, m->end, td_status_name(status));
    return true;
}

static bool check_partition(world *w, int t, uint32_t p, bool killed_only) {
    partition *m = &w->model[t][p];
    int64_t end = td_topic_end(w->topics[t], p), appended = m->end;
    for (size_t i = 0; i < m->pending_count; i++) m->records[m->end + (int64_t)i] = (record){.id = m->pending[i]};
    HOLDS(end == appended + (int64_t)m->pending_count || end <= appended, "%s-%u: a part of a batch", topic_names[t],
          p);
    HOLDS(end >= m->synced || w->lying, "%s-%u ends at %" PRId64 ", synced was %" PRId64, topic_names[t], p, end,
          m->synced);
    HOLDS(end >= appended || !killed_only || m->truncating, "%s-%u ends at %" PRId64 ", appended was %" PRId64,
          topic_names[t], p, end, appended);
    int32_t epoch = td_topic_epoch(w->topics[t], p);
    HOLDS(epoch >= m->epoch || w->lying, "%s-%u epoch %d after %d", topic_names[t], p, epoch, m->epoch);
    int64_t lost = appended > end ? appended - end : 0;
    HOLDS(lost == 0 || epoch > m->epoch || w->lying, "%s-%u lost %" PRId64 " and stays in epoch %d", topic_names[t], p,
          lost, epoch);
    m->end = end;
    m->synced = end; /* a start syncs what it keeps */
    m->epoch = epoch;
    m->pending_count = 0;
    m->truncating = false;
    td_batch_reset(&m->batch);
    HOLDS(td_topic_synced(w->topics[t], p) == end, "%s-%u", topic_names[t], p);
    return check_records(w, t, p) && (w->lying || check_positions(w, t, p, m->records + end, lost));
}

/* ---- a life
 * ----------------------------------------------------------------------------------------------------------- */

static void report(void *arg, const char *line) {
    world *w = arg;
    w->noticed = true;
    if (w->trace) (void)fprintf(stderr, "log: %s\n", line);
}

static void end_life(world *w) {
    for (int t = 0; t < TOPICS; t++)
        for (uint32_t p = 0; p < PARTITIONS; p++)
            for (int i = 0; i < 2; i++) {
                td_reader_close(w->model[t][p].readers[i]);
                w->model[t][p].readers[i] = NULL;
            }
    td_writer_close(w->writer);
    td_log_close(w->log);
    w->writer = NULL;
    w->log = NULL;
}

/* TD_OK, or TD_RETRY when the machine died of it. */
static td_status start_life(world *w) {
    td_status status = TD_RETRY;
    for (int i = 0; status == TD_RETRY && !td_sim_dead(w->sim) && i < TRIES + 2; i++) {
        if (i == TRIES) td_sim_set_faults(w->sim, NULL);
        w->started_at_once = i == 0;
        status = td_log_segment_open(&w->log, &w->os, &w->conf, report, w);
        if (status == TD_OK) status = td_writer_open(&w->writer, w->log, "sim");
        for (int t = 0; t < TOPICS && status == TD_OK; t++)
            status = td_log_topic(w->log, topic_names[t], PARTITIONS, (td_topic_role)t, &w->topics[t]);
        if (status != TD_OK) end_life(w);
    }
    return status;
}

static void random_faults(world *w) {
    static const uint32_t chances[] = {0, 0, 0, 3000, 30000};
    bool none = below(w, 3) == 0;
    td_sim_faults faults = {.fail = chances[below(w, 5)],
                            .cut = chances[below(w, 5)] * 10,
                            .fail_sync = chances[below(w, 5)] * 3,
                            .drop_sync = chances[below(w, 5)] * 3,
                            .lose_sync = w->lying ? 50000 : 0,
                            .disk_bytes = below(w, 8) == 0 ? 20000 + (int64_t)below(w, 60000) : 0};
    td_sim_set_faults(w->sim, none ? NULL : &faults);
}

static bool read_some(world *w, int t, uint32_t p, td_read_limit limit) {
    partition *m = &w->model[t][p];
    td_reader **reader = &m->readers[limit];
    td_record r;
    if (*reader == NULL) {
        int64_t from = (int64_t)below(w, (uint64_t)m->end + 1);
        td_status status = td_reader_open(reader, w->topics[t], p, from, limit);
        HOLDS(status == TD_OK || status == TD_RETRY, "reader");
        if (status != TD_OK) *reader = NULL;
    }
    for (uint64_t left = below(w, 40); *reader != NULL && left > 0; left--) {
        int64_t bound = limit == TD_READ_SYNCED ? td_topic_synced(w->topics[t], p) : m->end;
        int64_t next = td_reader_offset(*reader), start = td_topic_start(w->topics[t], p);
        td_status status = td_reader_next(*reader, &r);
        if (status == TD_RETRY || (status == TD_CORRUPT && w->lying)) return true;
        HOLDS(status == TD_OK || (status == TD_AGAIN && (next >= bound || start >= bound)),
              "%s-%u at %" PRId64 " of %" PRId64 ": %s", topic_names[t], p, next, bound, td_status_name(status));
        if (status == TD_AGAIN) return true;
        HOLDS((r.offset == next || (next < start && r.offset == start)) &&
                  r.offset < bound, /* a batch once read stays */
              "%s-%u read offset %" PRId64 ", next %" PRId64 ", start %" PRId64 ", bound %" PRId64, topic_names[t], p,
              r.offset, next, start, bound);
        HOLDS(is_record(&r, m->records[r.offset].id), "%s-%u offset %" PRId64, topic_names[t], p, r.offset);
        HOLDS(r.epoch == m->records[r.offset].epoch, "%s-%u offset %" PRId64, topic_names[t], p, r.offset);
    }
    return true;
}

static bool append(world *w, int t, uint32_t p) {
    partition *m = &w->model[t][p];
    uint8_t bytes[8 + FILLER_MAX], key[8];
    if (m->end + 2 * BATCH_MAX > RECORDS_MAX) return true;
    if (m->pending_count == 0) {
        size_t count = 1 + below(w, BATCH_MAX);
        td_batch_reset(&m->batch);
        for (; m->pending_count < count; m->pending_count++) {
            uint64_t id = w->next_id++;
            td_put_be64(key, ~id);
            m->pending[m->pending_count] = id;
            (void)td_batch_add(&m->batch, 1000 + (int64_t)id, (td_bytes){key, 8}, value_of(id, bytes), TD_TEXT("h"),
                               (td_bytes){key, 8});
        }
    }
    td_status status = td_writer_append(w->writer, w->topics[t], p, &m->batch);
    m->begun |= status == TD_RETRY;
    if (status == TD_RETRY) return below(w, 3) > 0 || read_some(w, t, p, TD_READ_APPENDED); /* of what is torn now */
    int64_t end = m->end + (int64_t)m->pending_count;
    HOLDS(status == TD_OK && td_topic_end(w->topics[t], p) == end, "append up to %" PRId64, end);
    for (size_t i = 0; i < m->pending_count; i++)
        m->records[m->end++] = (record){m->pending[i], td_topic_epoch(w->topics[t], p), w->model[0][p].end};
    m->pending_count = 0;
    return true;
}

/* What is synced is what was appended; and no output is synced before the input it was made from. */
static bool sync_round(world *w) {
    td_status status = td_log_sync(w->log);
    HOLDS(status == TD_OK || status == TD_RETRY || (w->lying && status == TD_CORRUPT), "sync");
    for (int t = 0; t < TOPICS; t++)
        for (uint32_t p = 0; p < PARTITIONS; p++) {
            partition *m = &w->model[t][p];
            int64_t synced = td_topic_synced(w->topics[t], p);
            HOLDS(synced >= m->synced && synced <= m->end, "%s-%u", topic_names[t], p);
            HOLDS(status != TD_OK || synced == m->end, "%s-%u", topic_names[t], p);
            m->synced = synced;
            if (t == 1 && synced > td_topic_start(w->topics[1], p))
                HOLDS(m->records[synced - 1].input_end <= w->model[0][p].synced, "out-%u synced before its input", p);
        }
    return true;
}

static bool truncate_one(world *w, int t, uint32_t p) {
    partition *m = &w->model[t][p];
    int64_t start = td_topic_start(w->topics[t], p), offset = start + (int64_t)below(w, (uint64_t)(m->end - start) + 1);
    td_status status = TD_RETRY;
    m->synced = offset; /* from now on no more is promised */
    m->truncating = true;
    for (int i = 0; status == TD_RETRY && !td_sim_dead(w->sim) && i < TRIES + 2; i++) {
        if (i == TRIES) td_sim_set_faults(w->sim, NULL);
        status = td_log_truncate(w->topics[t], p, offset);
    }
    if (status == TD_RETRY && td_sim_dead(w->sim)) return true;
    HOLDS(status == TD_OK, "truncating %s-%u to %" PRId64, topic_names[t], p, offset);
    HOLDS(td_topic_end(w->topics[t], p) == offset, "%s-%u", topic_names[t], p);
    m->end = offset;
    m->truncating = false;
    m->epoch = td_topic_epoch(w->topics[t], p);
    return true;
}

typedef struct time_check {
    world *world;
    char dir[64];
    int64_t end;
    bool good;
} time_check;

/* Readers take the last entry of a time index for the newest record of its segment. */
static void check_time_index(void *arg, const char *name) {
    enum { ENTRY_BYTES = 12, FILE_MAX = 1 << 16 };
    time_check *c = arg;
    char path[128];
    td_buf file = {0};
    const td_os *os = &c->world->os;
    const char *suffix = strstr(name, ".timeindex");
    if (suffix == NULL) return;
    (void)snprintf(path, sizeof path, "%s/%.*s.log", c->dir, (int)(suffix - name), name);
    if (!os->ops->exists(os->self, path)) return; /* what a crash left of a segment that was being removed */
    (void)snprintf(path, sizeof path, "%s/%s", c->dir, name);
    bool read = td_os_read_file(os, path, FILE_MAX, &file) == TD_OK && file.size >= ENTRY_BYTES;
    if (read) c->good &= strtoll(name, NULL, 10) + td_get_be32(file.data + file.size - 4) < c->end;
    td_buf_fini(&file);
}

static bool check_times(world *w, int t, uint32_t p) {
    time_check c = {.world = w, .end = td_topic_end(w->topics[t], p), .good = true};
    (void)snprintf(c.dir, sizeof c.dir, "%s/%s-%u", w->conf.dir, topic_names[t], p);
    td_status status = w->os.ops->list(w->os.self, c.dir, check_time_index, &c);
    HOLDS(status == TD_OK || td_sim_dead(w->sim), "listing %s", c.dir);
    HOLDS(c.good || w->lying || td_sim_dead(w->sim), "%s: a time index goes on behind the end", c.dir);
    return true;
}

static bool verify_all(world *w) {
    td_verify found;
    td_verify_conf conf = {.report = report, .arg = w};
    for (int t = 0; t < TOPICS; t++)
        for (uint32_t p = 0; p < PARTITIONS; p++) {
            td_status status = td_topic_verify(w->topics[t], p, &conf, &found);
            HOLDS(status == TD_OK || w->lying || td_sim_dead(w->sim), "%s-%u does not verify", topic_names[t], p);
            if (!check_times(w, t, p)) return false;
        }
    return true;
}

static bool live(world *w) {
    bool good = true;
    for (int t = 0; t < TOPICS; t++)
        for (uint32_t p = 0; p < PARTITIONS && good; p++)
            if (below(w, 6) == 0) good = truncate_one(w, t, p);
    good = good && verify_all(w);
    for (uint64_t left = below(w, 150); good && left > 0 && !td_sim_dead(w->sim); left--) {
        int t = (int)below(w, TOPICS);
        uint32_t p = (uint32_t)below(w, PARTITIONS);
        td_sim_advance(w->sim, (int64_t)below(w, 1000000000));
        switch (below(w, 8)) {
        case 0:
            good = sync_round(w);
            break;
        case 1:
            good = read_some(w, t, p, TD_READ_SYNCED);
            break;
        case 2:
            good = read_some(w, t, p, TD_READ_APPENDED);
            break;
        case 3:
            random_faults(w);
            break;
        default:
            good = append(w, t, p);
            break;
        }
    }
    return good;
}

/* ---- lives
 * ------------------------------------------------------------------------------------------------------------ */

static bool check_all(world *w, bool killed_only, bool closed) {
    for (int t = 0; t < TOPICS; t++)
        for (uint32_t p = 0; p < PARTITIONS; p++) {
            int32_t epoch = w->model[t][p].epoch;
            if (!check_partition(w, t, p, killed_only)) return false;
            bool goes_on = closed && w->started_at_once && !w->lying;
            bool same = w->model[t][p].epoch == epoch;
            if (!same && w->model[t][p].begun) /* nothing is in it: what was known before holds */
                same = td_topic_holds(w->topics[t], p, (td_position){epoch, w->model[t][p].end});
            HOLDS(!goes_on || same, "a clean end of %s-%u is not known as one", topic_names[t], p);
            w->model[t][p].begun = false;
        }
    return true;
}

/* Ends the life: by the crash that came, by one now, or by a clean close (true), after which all is durable. */
static bool end_some_way(world *w) {
    bool closed = !td_sim_dead(w->sim) && below(w, 3) == 0;
    td_sim_set_faults(w->sim, NULL);
    td_sim_crash_at(w->sim, closed ? 0 : td_sim_calls(w->sim) + 1);
    for (int t = 0; t < TOPICS && closed; t++)
        for (uint32_t p = 0; p < PARTITIONS; p++) w->model[t][p].epoch = td_topic_epoch(w->topics[t], p);
    end_life(w);
    for (int t = 0; t < TOPICS && closed && !w->lying; t++)
        for (int p = 0; p < PARTITIONS; p++) {
            w->model[t][p].synced = w->model[t][p].end;
            w->model[t][p].pending_count = 0;
        }
    return closed;
}

static bool run_lives(world *w) {
    enum { LIVES = 8 };
    bool closed = false, killed_only = true;
    for (int life = 0; life < LIVES; life++) {
        if (w->trace) (void)fprintf(stderr, "--- life %d\n", life);
        if (below(w, 3) == 0) td_sim_crash_at(w->sim, td_sim_calls(w->sim) + 1 + below(w, 200));
        if (life < LIVES - 1) random_faults(w);
        td_status status = start_life(w);
        HOLDS(status == TD_OK || td_sim_dead(w->sim) || (w->lying && status != TD_RETRY), "start: %s",
              td_status_name(status));
        td_sim_crash_at(w->sim, 0);
        td_sim_set_faults(w->sim, NULL);
        if (status == TD_OK) {
            if (!check_all(w, killed_only, closed)) return false;
            killed_only = true;
            if (life == LIVES - 1) return verify_all(w);
            if (w->lying && w->noticed) return true; /* the operator's turn */
            td_sim_crash_at(w->sim, td_sim_calls(w->sim) + 1 + below(w, 1500));
            if (!live(w)) return false;
        } else if (!td_sim_dead(w->sim)) {
            return true; /* a lying disk: noticed */
        }
        closed = end_some_way(w);
        HOLDS(td_sim_open_handles(w->sim) == 0, "files stay open");
        td_sim_loss loss = below(w, 3) == 0 ? TD_SIM_KILLED : TD_SIM_POWER_LOST;
        killed_only = killed_only && loss == TD_SIM_KILLED;
        td_sim_reboot(w->sim, loss);
    }
    return true;
}

static bool run_seed(uint64_t seed, bool trace) {
    static world w;
    w = (world){.sim = td_sim_new(seed), .trace = trace};
    w.os = td_sim_os(w.sim);
    w.random = td_sim_random(w.sim);
    w.conf = (td_log_conf){.dir = "var/data",
                           .segment_bytes = 1000 + (int64_t)below(&w, 20000),
                           .retain_bytes = below(&w, 2) == 0 ? 0 : 20000 + (int64_t)below(&w, 60000),
                           .segment_ms = below(&w, 4) == 0 ? 1000 : 0, /* all that is appended is old */
                           .retain_ms = below(&w, 8) == 0 ? 1 : 0,
                           .codec = (const td_codec[]){TD_CODEC_NONE, TD_CODEC_LZ4, TD_CODEC_ZSTD}[below(&w, 3)]};
    w.lying = below(&w, 8) == 0;
    td_sim_set_trace(w.sim, trace);
    for (int t = 0; t < TOPICS; t++)
        for (int p = 0; p < PARTITIONS; p++) {
            td_batch_init(&w.model[t][p].batch, 1 << 16);
            w.model[t][p].records = td_alloc_zero(RECORDS_MAX, sizeof(record));
        }
    bool good = run_lives(&w);
    td_sim_crash_at(w.sim, td_sim_calls(w.sim) + 1);
    end_life(&w);
    for (int t = 0; t < TOPICS; t++)
        for (int p = 0; p < PARTITIONS; p++) {
            td_batch_fini(&w.model[t][p].batch);
            free(w.model[t][p].records);
        }
    td_sim_free(w.sim);
    return good;
}

int main(int argc, char **argv) { return td_seeds_main(argc, argv, run_seed); }
