/* src/flow/crew.c - which partitions are ours, and a turn of each. */
#include "flow/crew.h"
#include "base/time.h"
#include <stdlib.h>

/* Between two questions to the group; and after a fence, until who lost a partition has surely heard of it. */
#define SHARE_NS  (50 * TD_NS_PER_MS)
#define FENCED_NS (3 * TD_NS_PER_S)

typedef struct slot { /* a partition */
    td_worker *worker;
    atomic_bool busy;      /* in a thread's turn */
    atomic_bool wanted;    /* ours, as the group said last */
    atomic_uint thread;    /* its place in the row of threads */
    int64_t not_before_ns; /* by whoever is busy with it */
} slot;

struct td_crew {
    td_crew_conf conf;
    td_group *group; /* NULL: none is shared with */
    uint32_t size;
    slot slots[TD_CREW_PARTITIONS_MAX];
    int64_t asked_ns;
    td_backoff backoff;
    td_fault fault;
    td_crew_counts counts;
};

static int64_t now_ns(const td_crew *c) { return c->conf.work.os->ops->mono_ns(c->conf.work.os->self); }

/* ---- a partition comes and goes ---- */

static bool is_wanted(const slot *s) { return atomic_load_explicit(&s->wanted, memory_order_acquire); }

static void leave(const td_crew *c, slot *s) {
    if (td_worker_is_fenced(s->worker)) s->not_before_ns = now_ns(c) + FENCED_NS;
    td_worker_leave(s->worker);
}

/* What cannot be taken yet is told by the worker's trouble. Of two who take a partition at the same time one waits. */
static int take(const td_crew *c, slot *s) {
    if (now_ns(c) < s->not_before_ns || td_fault_status(td_worker_fault(s->worker)) != TD_OK) return 0;
    td_status status = td_worker_take(s->worker);
    if (status == TD_OK) return 1;
    if (status == TD_FENCED)
        s->not_before_ns = now_ns(c) + FENCED_NS;
    else if (status == TD_AGAIN)
        s->not_before_ns = now_ns(c) + SHARE_NS;
    else if (status != TD_RETRY && status != TD_FULL) /* after those the worker backs off */
        td_fault_set(td_worker_fault(s->worker), status);
    return 0;
}

static int turn(const td_crew *c, slot *s) {
    bool wanted = is_wanted(s), on_duty = td_worker_on_duty(s->worker);
    if (!on_duty) return wanted ? take(c, s) : 0;
    if (wanted && !td_worker_is_fenced(s->worker)) return td_worker_step(s->worker);
    leave(c, s);
    return 1;
}

int td_crew_step(td_crew *c, uint32_t partition) {
    slot *s = &c->slots[partition];
    if (atomic_exchange_explicit(&s->busy, true, memory_order_acquire)) return 0;
    int done = turn(c, s);
    atomic_store_explicit(&s->busy, false, memory_order_release);
    return done;
}

/* ---- the group ---- */

static bool is_busy(const slot *s) { return atomic_load_explicit(&s->busy, memory_order_acquire); }

/* Somebody still works on what was taken away, or takes it at this moment. */
static bool still_leaving(const td_crew *c) {
    for (uint32_t p = 0; p < c->size; p++)
        if (!is_wanted(&c->slots[p]) && (is_busy(&c->slots[p]) || td_worker_on_duty(c->slots[p].worker))) return true;
    return false;
}

/* A partition that nobody has any more has a place in the row of threads, too: one lets it go. */
static void want(td_crew *c, const uint32_t *partitions, size_t count) {
    bool wanted[TD_CREW_PARTITIONS_MAX] = {0};
    for (uint32_t i = 0; i < count; i++) {
        wanted[partitions[i]] = true;
        atomic_store_explicit(&c->slots[partitions[i]].thread, i, memory_order_release);
    }
    for (uint32_t p = 0; p < c->size; p++) atomic_store_explicit(&c->slots[p].wanted, wanted[p], memory_order_release);
}

static td_status ask_group(td_crew *c, int *out_changes) {
    td_assignment mine;
    td_status status = td_group_poll(c->group, &mine);
    if (status != TD_OK) return td_trace(status, "asking the group for partitions");
    if (mine.generation == td_counted(&c->counts.generation)) return TD_OK;
    td_count(&c->counts.generation, mine.generation - td_counted(&c->counts.generation));
    td_count(&c->counts.rebalances, 1);
    want(c, mine.partitions, mine.count);
    *out_changes = 1;
    return TD_OK;
}

int td_crew_share(void *self) {
    td_crew *c = self;
    const td_os *os = c->conf.work.os;
    if (c->group == NULL || td_fault_status(&c->fault) != TD_OK || td_backoff_waiting(&c->backoff, os)) return 0;
    if (now_ns(c) < c->asked_ns + SHARE_NS || still_leaving(c)) return 0;
    c->asked_ns = now_ns(c);
    int changes = 0;
    td_status status = ask_group(c, &changes);
    if (status == TD_RETRY) {
        td_count(&c->counts.retries, 1);
        td_backoff_start(&c->backoff, os);
    } else if (status == TD_OK) {
        td_backoff_reset(&c->backoff);
    } else {
        td_fault_set(&c->fault, status);
    }
    return changes;
}

/* ---- life ---- */

static td_status open_workers(td_crew *c) {
    td_status status = TD_OK;
    td_work_conf conf = c->conf.work;
    conf.shared = c->conf.group != NULL;
    for (uint32_t p = 0; p < c->size && status == TD_OK; p++) {
        conf.count_from_offset = conf.shared ? 0 : td_topic_end(conf.topics->tape, p);
        atomic_init(&c->slots[p].wanted, !conf.shared);
        atomic_init(&c->slots[p].thread, p);
        status = td_worker_open(&c->slots[p].worker, &conf, p);
        if (status == TD_OK && !conf.shared) status = td_worker_take(c->slots[p].worker);
    }
    return status;
}

td_status td_crew_open(td_crew **out, const td_crew_conf *conf) {
    td_crew *c = td_alloc_zero(1, sizeof *c);
    const td_topics *topics = conf->work.topics;
    c->conf = *conf;
    c->size = topics->partitions;
    td_status status = open_workers(c);
    if (status == TD_OK && conf->group != NULL)
        status = td_group_join(&c->group, topics->log, conf->group, topics->tape);
    if (status != TD_OK) {
        td_crew_close(c);
        return status;
    }
    *out = c;
    return TD_OK;
}

td_status td_crew_finish(td_crew *c) {
    td_status status = TD_OK;
    for (uint32_t p = 0; p < c->size; p++) { /* one that somebody else has by now keeps no other from its end */
        td_status one = td_worker_finish(c->slots[p].worker);
        if (status == TD_OK) status = one;
    }
    return status;
}

void td_crew_close(td_crew *c) {
    if (c == NULL) return;
    for (uint32_t p = 0; p < c->size; p++) td_worker_close(c->slots[p].worker);
    if (c->group != NULL) td_group_leave(c->group);
    free(c);
}

/* ---- what others look at ---- */

uint32_t td_crew_thread(const td_crew *c, uint32_t partition, uint32_t threads) {
    return atomic_load_explicit(&c->slots[partition].thread, memory_order_acquire) % threads;
}

td_status td_crew_write_snapshot(td_crew *c) {
    td_status status = TD_AGAIN;
    for (uint32_t p = 0; p < c->size && status == TD_AGAIN; p++) status = td_worker_write_snapshot(c->slots[p].worker);
    return status;
}

bool td_crew_level(td_crew *c) {
    for (uint32_t p = 0; p < c->size; p++) {
        td_worker *w = c->slots[p].worker;
        bool works = td_worker_on_duty(w) && td_fault_status(td_worker_fault(w)) == TD_OK;
        if (works && td_worker_level(w) != td_topic_end(c->conf.work.topics->tape, p)) return false;
    }
    return true;
}

uint32_t td_crew_owned(const td_crew *c) {
    uint32_t owned = 0;
    for (uint32_t p = 0; p < c->size; p++) owned += td_worker_on_duty(c->slots[p].worker);
    return owned;
}

uint32_t td_crew_size(const td_crew *c) { return c != NULL ? c->size : 0; }
td_worker *td_crew_worker(const td_crew *c, uint32_t partition) { return c->slots[partition].worker; }
td_crew_counts *td_crew_counters(td_crew *c) { return &c->counts; }
td_trouble *td_crew_trouble(td_crew *c) { return &c->backoff.trouble; }
td_fault *td_crew_fault(td_crew *c) { return &c->fault; }
