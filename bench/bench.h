/* bench/bench.h - what the benchmark's programs share: a clock, an end for what must not fail, and percentiles. */
#pragma once
#include "base/status.h"
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static inline _Noreturn void bench_die(const char *program, const char *what, const char *why) {
    (void)fprintf(stderr, "%s: %s: %s\n", program, what, why);
    exit(1);
}

static inline void bench_require(const char *program, td_status status, const char *what) {
    if (status != TD_OK) bench_die(program, what, td_trail());
}

static inline int64_t bench_clock_ns(clockid_t clock) {
    struct timespec now;
    (void)clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static inline int64_t bench_now_ns(void) { return bench_clock_ns(CLOCK_MONOTONIC); }
/* Of this process: what others do beside it does not count. */
static inline int64_t bench_cpu_ns(void) { return bench_clock_ns(CLOCK_PROCESS_CPUTIME_ID); }

static inline void bench_sleep_until(int64_t mono_ns) {
    struct timespec until = {.tv_sec = mono_ns / 1000000000, .tv_nsec = mono_ns % 1000000000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) != 0) {}
}

static inline int bench_by_value(const void *a, const void *b) {
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

/* Sorts the latencies and prints them as members of a JSON object, in microseconds. */
static inline void bench_print_latencies(int64_t *ns, size_t count) {
    static const struct {
        const char *name;
        double share;
    } marks[] = {{"p50_us", 0.5}, {"p99_us", 0.99}, {"p999_us", 0.999}, {"max_us", 1}};
    qsort(ns, count, sizeof *ns, bench_by_value);
    (void)printf("\"samples\":%zu", count);
    for (size_t i = 0; i < sizeof marks / sizeof marks[0] && count > 0; i++)
        (void)printf(",\"%s\":%.1f", marks[i].name, (double)ns[(size_t)(marks[i].share * (double)(count - 1))] / 1e3);
}
