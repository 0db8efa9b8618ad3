/* tests/e2e/allocations.c - goal: no allocation per event, from a frame's bytes to the sink's bind, and anonymous
 * memory under its bound. malloc is interposed for the whole process; a call counts when it comes from our own code,
 * which is linked statically: allocations: allocations CONFIG [KEY=VALUE…] runs the whole program in one thread. */
#include "app/engine.h"
#include <execinfo.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>

/* A worker's first snapshot, after a quarter of a million records, takes the buffer that all later ones use. */
enum { WARM_UP_EVENTS = 300000, EVENTS_MIN = 1000000, ANONYMOUS_MAX_KB = 64 * 1024, ONCE_PER_WORKER = 3 };

extern char __executable_start, etext; /* by the linker */
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static int64_t own_count, all_count;
static bool told;

/* Addresses on stderr; addr2line -f -e allocations tells where that is. */
static void tell_callers(void) {
    void *frames[8];
    told = false; /* backtrace may allocate */
    int count = backtrace(frames, 8);
    for (int i = 2; i < count; i++) (void)fprintf(stderr, "%p ", frames[i]);
    (void)fprintf(stderr, "\n");
    told = true;
}

static void count(const void *caller) {
    all_count++;
    bool own = (const char *)caller >= &__executable_start && (const char *)caller < &etext;
    if (own) own_count++;
    if (own && told) tell_callers();
}

void *malloc(size_t size) {
    count(__builtin_return_address(0));
    return __libc_malloc(size);
}
void *calloc(size_t n, size_t size) {
    count(__builtin_return_address(0));
    return __libc_calloc(n, size);
}
void *realloc(void *old, size_t size) {
    count(__builtin_return_address(0));
    return __libc_realloc(old, size);
}
void *aligned_alloc(size_t alignment, size_t size) {
    count(__builtin_return_address(0));
    return __libc_memalign(alignment, size);
}

static int64_t anonymous_kb(void) {
    FILE *rollup = fopen("/proc/self/smaps_rollup", "r");
    char line[256];
    int64_t kb = 0;
    while (rollup != NULL && fgets(line, sizeof line, rollup) != NULL) (void)sscanf(line, "Anonymous: %" SCNd64, &kb);
    if (rollup != NULL) (void)fclose(rollup);
    return kb;
}

static void report(void *arg, const char *line) {
    (void)arg;
    (void)fprintf(stderr, "%s\n", line);
}

typedef struct measured {
    int64_t warm_events, warm_own, end_own, end_all, warm_all, anonymous_max_kb;
    int64_t workers;
    td_engine_counts counts;
} measured;

/* A sync round, five a second, is not on an event's way: what it allocates is not counted. */
static void step(td_engine *engine, size_t which) {
    int64_t before = own_count;
    bool telling = told, sync = td_engine_step_kind_of(engine, which) == TD_STEP_SYNC;
    if (sync) told = false;
    (void)td_engine_step(engine, which);
    if (sync) own_count = before;
    told = telling;
}

static void run(td_engine *engine, measured *m) {
    bool warm = false;
    for (int64_t turn = 0; !td_engine_finished(engine); turn++) {
        for (size_t s = 0; s < td_engine_step_count(engine); s++) step(engine, s);
        td_engine_count(engine, &m->counts);
        if (!warm && m->counts.events >= WARM_UP_EVENTS) {
            warm = true;
            m->warm_events = m->counts.events;
            m->warm_own = own_count;
            m->warm_all = all_count;
            told = getenv("TELL_ALLOCATIONS") != NULL;
        }
        if (turn % 64 == 0) {
            int64_t kb = anonymous_kb();
            if (kb > m->anonymous_max_kb) m->anonymous_max_kb = kb;
        }
    }
    told = false;
    m->end_own = own_count;
    m->end_all = all_count;
}

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    /* A machine that gives pages of 2 MB unasked would count what was never touched: 20 MB for thread stacks alone. */
    if (prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) != 0) return 2;
    static td_config config;
    td_engine *engine = NULL;
    td_status status =
        td_config_load(&config, &td_os_posix, argv[1], (const char *const *)(argv + 2), (size_t)(argc - 2));
    config.speed = 0;
    if (status == TD_OK) status = td_engine_open(&engine, &td_os_posix, &config, NULL, report, NULL);
    if (status != TD_OK) {
        (void)fprintf(stderr, "allocations: %s\n", td_trail());
        return 1;
    }
    measured m = {0};
    m.workers = config.log.partitions;
    run(engine, &m);
    int64_t events = m.counts.events - m.warm_events, own = m.end_own - m.warm_own;
    (void)printf("%" PRId64 " events after %" PRId64 " to warm up, %" PRId64 " bars, %" PRId64 " signals: %" PRId64
                 " allocations of ours, %" PRId64 " of the libraries; anonymous memory at most %" PRId64 " KB\n",
                 events, m.warm_events, m.counts.bars, m.counts.signals, own, m.end_all - m.warm_all - own,
                 m.anonymous_max_kb);
    td_engine_close(engine, true);
    td_config_fini(&config);
    int64_t once = ONCE_PER_WORKER * m.workers;
    bool good = events >= EVENTS_MIN && own <= once && m.anonymous_max_kb < ANONYMOUS_MAX_KB;
    return good ? 0 : 1;
}
