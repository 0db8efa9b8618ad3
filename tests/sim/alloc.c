/* tests/sim/alloc.c - one small run of the whole program in which one allocation finds no memory: each seed is an
 * allocation, so that a row of seeds tries them all. The program may answer it as a failure and try again; else it must
 * abort after the words that base/bytes.h promises, and with memory everything then equals the undisturbed run. Each is
 * a process of its own, since an abort leaves everything where it stood. The linker brings every allocation of ours
 * here (--wrap); those inside of libraries stay theirs. */
#include "market.h"
#include "outcome.h"
#include "seeds.h"
#include "sqlite_vfs.h"
#include <inttypes.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORLD_SEED = 1, ABORTED = 1 };

static td_outcome reference;
static uint64_t allocations; /* of the undisturbed run */
static uint64_t made, fails_at;
static jmp_buf aborted;

/* ---- what the linker puts in the place of the library's ---- */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
_Noreturn void __wrap_abort(void);

static bool fails(void) { return ++made == fails_at; }
void *__wrap_malloc(size_t size) { return fails() ? NULL : __real_malloc(size); }
void *__wrap_calloc(size_t count, size_t size) { return fails() ? NULL : __real_calloc(count, size); }
void *__wrap_realloc(void *memory, size_t size) { return fails() ? NULL : __real_realloc(memory, size); }
void *__wrap_aligned_alloc(size_t alignment, size_t size) {
    return fails() ? NULL : __real_aligned_alloc(alignment, size);
}
_Noreturn void __wrap_abort(void) { longjmp(aborted, ABORTED); }

/* ---- one allocation ---- */

static bool said_why(FILE *words) {
    char line[128] = "";
    rewind(words);
    return fgets(line, sizeof line, words) != NULL && strstr(line, "tapedeck: out of memory") == line;
}

/* What is left behind by an abort is left behind by a kill. */
static bool suffer(td_world *w, FILE *words) {
    int out = dup(STDERR_FILENO);
    (void)dup2(fileno(words), STDERR_FILENO);
    bool gone = setjmp(aborted) == ABORTED, good = gone || td_world_live(w, false);
    fails_at = 0;
    (void)dup2(out, STDERR_FILENO);
    if (!gone) return good;
    HOLDS(said_why(words), "an abort that does not say why");
    td_sqlite_vfs_forget();
    td_sim_reboot(w->sim, TD_SIM_KILLED);
    return td_world_live(w, false);
}

static bool run_without_memory(uint64_t allocation, bool trace) {
    static td_world w;
    td_outcome got = {0};
    w = (td_world){.seed = WORLD_SEED, .trace = trace};
    FILE *words = tmpfile();
    bool good = words != NULL && td_world_open(&w, allocation, TD_WORLD_SMALL);
    td_sim_set_trace(w.sim, trace);
    made = 0;
    fails_at = allocation;
    return good && suffer(&w, words) && td_outcome_take(&w, &got) && td_outcome_same(&got, &reference);
}

static bool run_allocation(uint64_t seed, bool trace) {
    uint64_t allocation = 1 + (seed - 1) % allocations;
    (void)fflush(NULL);
    pid_t child = fork();
    if (child == 0) _exit(run_without_memory(allocation, trace) ? 0 : 1);
    int status = -1;
    HOLDS(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0,
          "allocation %" PRIu64 " of %" PRIu64 ": wait status %#x", allocation, allocations, (unsigned)status);
    return true;
}

static bool run_undisturbed(void) {
    td_world w = {.seed = WORLD_SEED};
    bool good = td_world_open(&w, 0, TD_WORLD_SMALL);
    made = 0;
    good = good && td_world_live(&w, false);
    allocations = made;
    good = good && td_outcome_take(&w, &reference);
    td_world_close(&w);
    return good;
}

int main(int argc, char **argv) {
    if (!run_undisturbed()) return 1;
    (void)printf("%" PRIu64 " allocations make %" PRId64 " records\n", allocations, td_outcome_count(&reference));
    int code = td_seeds_row(argc, argv, allocations, run_allocation);
    td_outcome_fini(&reference);
    td_market_free();
    return code;
}
