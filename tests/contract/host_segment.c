/* tests/contract/host_segment.c - the embedded log: on real files, and on a simulated machine whose process is killed
 * or whose power fails. */
#include "../sim/os_sim.h"
#include "../unit/unit.h"
#include "host.h"
#include "log/log_segment.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct segment_host {
    td_os os;
    td_sim *sim; /* NULL: real files */
    td_sim_loss loss;
    char dir[64];
} segment_host;

static void *simulated_new(uint64_t seed, td_sim_loss loss) {
    segment_host *h = td_alloc_zero(1, sizeof *h);
    h->sim = td_sim_new(seed);
    h->os = td_sim_os(h->sim);
    h->loss = loss;
    (void)snprintf(h->dir, sizeof h->dir, "var/data");
    return h;
}

static void *killed_new(uint64_t seed) { return simulated_new(seed, TD_SIM_KILLED); }
static void *power_lost_new(uint64_t seed) { return simulated_new(seed, TD_SIM_POWER_LOST); }

static void *real_new(uint64_t seed) {
    (void)seed;
    segment_host *h = td_alloc_zero(1, sizeof *h);
    h->os = td_os_posix;
    (void)snprintf(h->dir, sizeof h->dir, "%s/tapedeck-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(h->dir));
    return h;
}

static void segment_free(void *host) {
    segment_host *h = host;
    char command[128];
    td_sim_free(h->sim);
    (void)snprintf(command, sizeof command, "rm -rf %s", h->dir);
    if (h->sim == NULL) assert_int_equal(system(command), 0);
    free(h);
}

static td_log *segment_open(void *host) {
    segment_host *h = host;
    td_log *log;
    td_log_conf conf = {.dir = h->dir, .segment_bytes = 2000, .retain_bytes = INT64_C(1) << 40};
    if (h->sim != NULL && td_sim_dead(h->sim)) td_sim_reboot(h->sim, h->loss);
    if (h->sim != NULL) td_sim_crash_at(h->sim, 0);
    if (td_log_segment_open(&log, &h->os, &conf, NULL, NULL) != TD_OK) fail_msg("%s", td_trail());
    return log;
}

static void segment_kill(void *host, td_log *log, int64_t calls) {
    segment_host *h = host;
    (void)log;
    if (h->sim == NULL) return; /* real ones end well */
    td_sim_crash_at(h->sim, td_sim_calls(h->sim) + (uint64_t)(calls > 0 ? calls : 1));
    if (calls == 0) (void)h->os.ops->sync_dir(h->os.self, h->dir); /* any call: it dies in it */
}

static bool segment_is_dead(void *host, td_log *log) {
    (void)log;
    const segment_host *h = host;
    return h->sim != NULL && td_sim_dead(h->sim);
}

static void segment_trouble(void *host, bool on) {
    static const td_sim_faults faults = {.fail = 30000, .cut = 100000, .fail_sync = 50000, .drop_sync = 20000};
    td_sim_set_faults(((segment_host *)host)->sim, on ? &faults : NULL);
}

static void segment_retain(void *host, td_log *log, td_topic *topic, uint32_t partition) {
    (void)host, (void)topic, (void)partition;
    assert_int_equal(td_log_sync(log), TD_OK);
    assert_int_equal(td_log_release(log, INT64_C(1) << 40), TD_OK);
}

static td_log *segment_next_epoch(void *host, td_log *log) {
    segment_host *h = host;
    if (h->sim != NULL) segment_kill(host, log, 0);
    td_log_close(log);
    char mark[80];
    (void)snprintf(mark, sizeof mark, "%s/CLEAN", h->dir);
    if (h->sim == NULL) (void)remove(mark);
    return segment_open(host);
}

static bool segment_tells_epochs(void) { return true; }

#define SEGMENT_HOST                                                                                                   \
    .cuts = true, .free = segment_free, .open = segment_open, .kill = segment_kill, .is_dead = segment_is_dead,        \
    .trouble = segment_trouble, .retain = segment_retain, .next_epoch = segment_next_epoch,                            \
    .tells_epochs = segment_tells_epochs

const host_ops host_segment_real = {.name = "embedded", .threads = true, .lives = true, .new = real_new, SEGMENT_HOST};
const host_ops host_segment_killed = {.name = "embedded, killed", .new = killed_new, SEGMENT_HOST};
const host_ops host_segment_power_lost = {
    .name = "embedded, power lost", .forgets = true, .new = power_lost_new, SEGMENT_HOST};
