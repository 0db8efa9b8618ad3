/* src/os/thread.c - the loop around a step: run, idle, stop. */
#include "os/thread.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

enum { IDLE_GROWTH_MAX = 16 };

/* Sleeps until wait_us have passed, or it is rung or asked to stop. What was done before it was rung is seen by the
 * step that follows. */
static void idle(td_thread *thread, unsigned wait_us) {
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += wait_us / 1000000;
    until.tv_nsec += (long)(wait_us % 1000000) * 1000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    (void)sem_clockwait(&thread->wake, CLOCK_MONOTONIC, &until); /* woken, timed out or interrupted: look again */
    atomic_store(&thread->rung, false);
}

void td_thread_ring(td_thread *thread) {
    if (!atomic_exchange(&thread->rung, true)) (void)sem_post(&thread->wake);
}

static void *run(void *thread_any) {
    td_thread *thread = thread_any;
    (void)prctl(PR_SET_TIMERSLACK, 1000UL); /* ns: else each wait lasts up to 50 us longer */
    unsigned wait_us = thread->idle_us;
    while (!atomic_load_explicit(&thread->stop, memory_order_acquire)) {
        if (thread->step(thread->self) > 0) {
            wait_us = thread->idle_us;
        } else {
            idle(thread, wait_us);
            if (wait_us < IDLE_GROWTH_MAX * thread->idle_us) wait_us *= 2;
        }
        atomic_store_explicit(&thread->turns, td_thread_turns(thread) + 1, memory_order_relaxed);
    }
    return NULL;
}

td_status td_thread_start(td_thread *thread, const char *name, td_step_fn step, void *self, unsigned idle_us) {
    thread->name = name;
    thread->step = step;
    thread->self = self;
    thread->idle_us = idle_us;
    thread->started = false;
    atomic_init(&thread->stop, false);
    atomic_init(&thread->rung, false);
    if (sem_init(&thread->wake, 0, 0) != 0) return TD_FAIL(TD_RETRY, "no semaphore for thread %s", name);

    /* Signals go to the main thread alone: it is the one that decides to end. A thread inherits the mask. */
    sigset_t ending, before;
    (void)sigemptyset(&ending);
    (void)sigaddset(&ending, SIGINT);
    (void)sigaddset(&ending, SIGTERM);
    (void)sigaddset(&ending, SIGHUP);
    (void)pthread_sigmask(SIG_BLOCK, &ending, &before);
    int error = pthread_create(&thread->handle, NULL, run, thread);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error != 0) {
        (void)sem_destroy(&thread->wake);
        return TD_FAIL(TD_RETRY, "cannot start thread %s: error %d", name, error);
    }
    thread->started = true;
    char short_name[16]; /* all that the system keeps */
    (void)snprintf(short_name, sizeof short_name, "%s", name);
    (void)pthread_setname_np(thread->handle, short_name);
    return TD_OK;
}

void td_thread_stop(td_thread *thread) {
    if (!thread->started) return;
    atomic_store_explicit(&thread->stop, true, memory_order_release);
    (void)sem_post(&thread->wake);
    (void)pthread_join(thread->handle, NULL);
    (void)sem_destroy(&thread->wake);
    thread->started = false;
}
