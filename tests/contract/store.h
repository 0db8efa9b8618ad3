/* tests/contract/store.h - a place where a sink keeps its rows, with the accidents that befall such places. */
#pragma once
#include "sink/sink.h"

typedef struct store_ops {
    const char *name;
    const td_sink_ops *sink;
    void *(*open)(uint64_t seed); /* empty, on a machine of its own */
    const td_os *(*os)(void *store);
    const td_sink_conf *(*conf)(void *store);
    /* All rows as another reader sees them, a line each in byte order; no sink is open. See contract_row. */
    void (*dump)(void *store, td_buf *out);
    /* Runs `work` and kills the process somewhere within it, later with each turn; what was not durable may be lost. */
    void (*crash)(void *store, int turn, void (*work)(void *store));
    void (*fill)(void *store, bool full); /* the disk takes nothing more; takes again */
    void (*spoil)(void *store);           /* makes it one of a newer program */
    /* Makes it what the oldest program that has been would have left of the same rows; what that did not know goes. */
    void (*age)(void *store);
    void (*close)(void *store);
} store_ops;

extern const store_ops store_sqlite_real, store_sqlite_simulated;
