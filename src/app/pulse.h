/* src/app/pulse.h - whether the threads of a run still make their turns: looked at by the main thread, told to the
 * service manager and to /livez. A thread that makes none for half a minute is stuck, and so is the main thread when it
 * does not look. */
#pragma once
#include "os/thread.h"
#include <stdint.h>

enum { TD_PULSE_THREADS_MAX = 192 };

typedef struct td_pulse { /* {0} to begin */
    const td_thread *threads[TD_PULSE_THREADS_MAX];
    unsigned turns[TD_PULSE_THREADS_MAX]; /* as seen */
    int64_t seen_ns[TD_PULSE_THREADS_MAX];
    size_t count;
    int64_t watchdog_ns, told_ns; /* the manager's wish; 0: none */
    _Atomic int64_t looked_ns;
    _Atomic(const char *) stuck; /* name of a thread; NULL: none */
} td_pulse;

/* Before the first look. The thread is borrowed. */
void td_pulse_add(td_pulse *pulse, const td_thread *thread);
/* Every second or so. Thread: the main one. */
void td_pulse_look(td_pulse *pulse, int64_t mono_ns);
/* The name of a thread that is stuck, or NULL. Thread: any. */
const char *td_pulse_stuck(const td_pulse *pulse, int64_t mono_ns);
