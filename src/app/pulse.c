/* src/app/pulse.c - turns seen, and when. */
#include "app/pulse.h"
#include "base/time.h"
#include "os/service.h"

#define STUCK_NS (30 * TD_NS_PER_S)

void td_pulse_add(td_pulse *p, const td_thread *thread) {
    if (thread->started && p->count < TD_PULSE_THREADS_MAX) p->threads[p->count++] = thread;
}

static const char *find_stuck(td_pulse *p, int64_t mono_ns) {
    const char *stuck = NULL;
    for (size_t i = 0; i < p->count; i++) {
        unsigned turns = td_thread_turns(p->threads[i]);
        if (turns != p->turns[i] || p->seen_ns[i] == 0 || !p->threads[i]->started) p->seen_ns[i] = mono_ns;
        p->turns[i] = turns;
        if (mono_ns - p->seen_ns[i] > STUCK_NS) stuck = p->threads[i]->name;
    }
    return stuck;
}

void td_pulse_look(td_pulse *p, int64_t mono_ns) {
    const char *stuck = find_stuck(p, mono_ns);
    atomic_store_explicit(&p->stuck, stuck, memory_order_relaxed);
    atomic_store_explicit(&p->looked_ns, mono_ns, memory_order_relaxed);
    if (p->watchdog_ns == 0 || stuck != NULL || mono_ns - p->told_ns < p->watchdog_ns / 3) return;
    p->told_ns = mono_ns;
    td_service_tell("WATCHDOG=1");
}

const char *td_pulse_stuck(const td_pulse *p, int64_t mono_ns) {
    int64_t looked_ns = atomic_load_explicit(&p->looked_ns, memory_order_relaxed);
    if (looked_ns != 0 && mono_ns - looked_ns > STUCK_NS) return "main";
    return atomic_load_explicit(&p->stuck, memory_order_relaxed);
}
