/* tests/sim/disk.c - a disk that fills while the whole program runs: input waits, what has begun is ended cleanly in
 * the reserve, and with room again the run goes on by itself, or after a restart, to the same bytes as on a boundless
 * disk. */
#include "outcome.h"
#include "seeds.h"
#include <stdio.h>

enum {
    FOREIGN_BYTES = 1 << 30, /* a reserve is at most a 16th of the disk */
    MORE_BYTES = 8 << 13,    /* that an end writes: pages of a sink without rows, positions */
    TURNS_MAX = 1000000,
    TURNS_FULL = 30000,
    SAMPLE_TURNS = 400,
    LOOKS_MAX = 100
};

static struct { /* over all seeds: what never gets full proves nothing */
    int disks, paused, full;
} tally;

static int64_t used_bytes(td_world *w) {
    int64_t free_bytes, total_bytes;
    td_sim_set_faults(w->sim, NULL);
    return w->os.ops->space(w->os.self, "", &free_bytes, &total_bytes) == TD_OK ? total_bytes - free_bytes : -1;
}

typedef struct folder_look {
    td_world *world;
    int64_t bytes;
} folder_look;

static void add_size(void *arg, const char *name) {
    folder_look *look = arg;
    const td_os *os = &look->world->os;
    char path[256];
    int file;
    int64_t bytes = 0;
    (void)snprintf(path, sizeof path, "var/data/snapshots/%s", name);
    if (os->ops->open(os->self, path, TD_OPEN_READ, &file) != TD_OK) return;
    if (os->ops->size(os->self, file, &bytes) == TD_OK) look->bytes += bytes;
    (void)os->ops->close(os->self, file);
}

static int64_t snapshot_bytes(td_world *w) {
    folder_look look = {.world = w};
    (void)w->os.ops->list(w->os.self, "var/data/snapshots", add_size, &look);
    return look.bytes;
}

static bool open_world(td_world *w, uint64_t seed, bool trace) {
    *w = (td_world){.seed = seed, .trace = trace};
    if (!td_world_open(w, seed, TD_WORLD_LARGE)) return false;
    w->config.speed = 0.1;                 /* what a second brings is less than the reserve */
    w->config.log.disk.full_percent = 100; /* nothing but the reserve is left then */
    w->config.grace_ns = 0;                /* nor are windows that are closed */
    return true;
}

static bool finish_life(td_world *w, td_outcome *out) {
    HOLDS(td_world_run(w, TURNS_MAX), "the run does not end");
    HOLDS(td_world_check(w, true), "at the end");
    HOLDS(td_world_stop(w, true), "files stay open");
    return td_outcome_take(w, out);
}

typedef struct needs { /* bytes, on a disk without bounds */
    int64_t market;    /* before anything is made of it */
    int64_t logs;      /* what is made of it */
    int64_t
        snapshots; /* the last of each partition: a run can do without, a clean end writes them beside those before */
} needs;

static bool run_reference(uint64_t seed, bool trace, td_outcome *out, needs *out_needs) {
    td_world w;
    if (!open_world(&w, seed, trace)) return false;
    out_needs->market = used_bytes(&w);
    bool good = td_world_start(&w) == TD_OK && finish_life(&w, out);
    out_needs->snapshots = snapshot_bytes(&w);
    out_needs->logs = used_bytes(&w) - out_needs->market - out_needs->snapshots;
    td_world_close(&w);
    return good;
}

static const td_disk *disk_of(td_world *w) {
    td_engine_parts parts;
    td_engine_parts_of(w->engine, &parts);
    return parts.disk;
}

/* Until nothing goes on any more for want of room. A snapshot that takes another's place gives so small a disk room for
 * a moment, so the look is at one that is full and stays so. *out_full false: all inputs found room in the end, since
 * snapshots that went made some, or at once; that is counted. */
static bool fill_disk(td_world *w, int64_t disk_bytes, bool *out_full) {
    td_sim_set_faults(w->sim, &(td_sim_faults){.disk_bytes = disk_bytes, .foreign_bytes = FOREIGN_BYTES});
    HOLDS(td_world_start(w) == TD_OK, "%s", td_trail());
    *out_full = false;
    bool ended = td_world_run(w, TURNS_FULL);
    const td_disk *disk = disk_of(w);
    if (ended) return true;
    for (int looks = 0; looks < LOOKS_MAX; looks++) {
        bool full = td_disk_level_now(disk) == TD_DISK_FULL;
        int64_t pauses = td_counted(&disk->counts.pauses);
        td_engine_counts before, after;
        td_engine_count(w->engine, &before);
        if (td_world_run(w, SAMPLE_TURNS)) return true;
        td_engine_count(w->engine, &after);
        if (!full || td_disk_level_now(disk) != TD_DISK_FULL || td_counted(&disk->counts.pauses) != pauses) continue;
        HOLDS(before.events == after.events, "%lld inputs taken from a full disk's feeds",
              (long long)(after.events - before.events));
        *out_full = true;
        return td_world_check(w, false);
    }
    HOLDS(td_counted(&disk->counts.pauses) == 0, "it never stays full");
    return true;
}

static bool run_filled(td_world *w, int64_t disk_bytes, bool restart, td_outcome *out) {
    bool full;
    if (!fill_disk(w, disk_bytes, &full)) return false;
    tally.disks++;
    tally.full += full;
    tally.paused += td_counted(&disk_of(w)->counts.pauses) > 0;
    if (!full) {
        td_sim_set_faults(w->sim, NULL);
    } else if (restart) {
        HOLDS(td_world_stop(w, true), "files stay open");
        HOLDS(w->os.ops->exists(w->os.self, "var/data/CLEAN"), "no clean end on a full disk");
        td_sim_set_faults(w->sim, NULL);
        HOLDS(td_world_start(w) == TD_OK, "%s", td_trail());
    } else {
        td_sim_set_faults(w->sim, NULL);
        const td_disk *disk = disk_of(w);
        for (int looks = 0; looks < LOOKS_MAX && td_disk_level_now(disk) != TD_DISK_FREE; looks++)
            (void)td_world_run(w, SAMPLE_TURNS);
        HOLDS(td_disk_level_now(disk) == TD_DISK_FREE, "input still waits");
        /* A snapshot that takes another's place gives so small a disk room for a moment: more pauses than one. */
        HOLDS(disk->counts.pauses >= 1 && disk->counts.paused_ns > 0, "the pause is not counted");
    }
    return finish_life(w, out);
}

static bool run_seed(uint64_t seed, bool trace) {
    td_outcome reference = {0}, got = {0};
    needs bytes = {0};
    bool good = run_reference(seed, trace, &reference, &bytes);
    for (int restart = 0; restart <= 1 && good; restart++) {
        td_world w;
        good = open_world(&w, seed, trace);
        int64_t end_bytes = 4 * bytes.snapshots + MORE_BYTES; /* with bars that wait they are larger than the last */
        w.config.log.disk.reserve_bytes = bytes.logs / 2 + end_bytes;
        good = good && run_filled(&w, bytes.market + bytes.logs * 12 / 10 + end_bytes, restart == 1, &got) &&
               td_outcome_same(&got, &reference);
        td_world_close(&w);
        td_outcome_fini(&got);
        got = (td_outcome){0};
    }
    td_outcome_fini(&reference);
    return good;
}

int main(int argc, char **argv) {
    int code = td_seeds_main(argc, argv, run_seed);
    (void)printf("%d disks, on %d input waited, %d stayed full\n", tally.disks, tally.paused, tally.full);
    bool few = tally.disks >= 20 && tally.full < tally.disks / 4;
    if (few) (void)fprintf(stderr, "too few disks get full\n");
    return few ? 1 : code;
}
