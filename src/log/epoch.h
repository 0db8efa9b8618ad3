/* src/log/epoch.h - where each epoch of a partition begins, kept in Kafka's leader-epoch-checkpoint (text: version 0,
 * count, then "epoch start-offset" lines). Private to log/. Thread: changed at start only, read by any afterwards. */
#pragma once
#include "log/log.h"

typedef struct td_epochs {
    td_position *items; /* both fields ascend; offset: the first of that epoch */
    size_t count;
} td_epochs;

void td_epochs_fini(td_epochs *epochs);
/* Errors: TD_RETRY; TD_CORRUPT with `out` empty when the file is missing or not of that form. */
TD_CHECKED td_status td_epochs_load(td_epochs *out, const td_os *os, const char *path);
TD_CHECKED td_status td_epochs_save(const td_epochs *epochs, const td_os *os, const char *path);
/* That of the record before the offset; of none before the first one: the first. -1 when there is none. */
int32_t td_epochs_before(const td_epochs *epochs, int64_t offset);
int32_t td_epochs_last(const td_epochs *epochs); /* -1 when there is none */
/* The epoch begins at `offset`; epochs that would begin there or later are forgotten. */
void td_epochs_begin(td_epochs *epochs, int32_t epoch, int64_t offset);
/* Forgets epochs that begin beyond `end`: their records are gone. */
void td_epochs_cut(td_epochs *epochs, int64_t end);
bool td_epochs_hold(const td_epochs *epochs, td_position position, int64_t end);
