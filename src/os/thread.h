/* src/os/thread.h - runs a step on a thread of its own until told to stop. A step does a bounded batch and returns the
 * work done; 0 lets the thread idle for idle_us, and twice as long each time again, up to 16 times that: a quiet run
 * costs next to nothing, a busy one waits little. Simulations call the steps themselves and never come here. */
#pragma once
#include "base/status.h"
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>

typedef int (*td_step_fn)(void *self);

typedef struct td_thread { /* stays where it is from start to stop */
    pthread_t handle;
    td_step_fn step;
    void *self;
    const char *name;
    atomic_bool stop;
    atomic_uint turns; /* of the loop: it grows while the thread lives */
    sem_t wake;        /* ends an idle wait */
    atomic_bool rung;  /* since it last woke */
    bool started;
    unsigned idle_us; /* of the first wait after work */
} td_thread;

static inline unsigned td_thread_turns(const td_thread *thread) {
    return atomic_load_explicit(&thread->turns, memory_order_relaxed);
}

/* `name` is a literal. */

TD_CHECKED td_status td_thread_start(td_thread *thread, const char *name, td_step_fn step, void *self,
                                     unsigned idle_us); /* TD_RETRY when the system gives no thread */
/* There is something to do: ends its wait, or makes its next one end at once. Between start and stop; thread: any. */
void td_thread_ring(td_thread *thread);
void td_thread_stop(td_thread *thread); /* asks, joins; a thread never started is fine; cannot fail */
