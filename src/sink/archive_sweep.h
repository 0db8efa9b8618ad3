/* src/sink/archive_sweep.h - days of an archive that are too old go: a whole folder at once, by a rename out of its
 * table, so that no reader and no kill ever sees a part of a day. Thread: the archive's. Errors: the machine's. */
#pragma once
#include "os/os.h"

typedef struct td_archive_sweep {
    const td_os *os;
    const char *dir, *table, *ending; /* ending: of its files' names */
    uint32_t partition;               /* whose folders go: those with a file of it, and empty ones */
    int32_t before;                   /* days before this one go, and then folders of instruments that are empty */
} td_archive_sweep;

/* Afterwards names that went are gone for good. */
TD_CHECKED td_status td_archive_sweep_days(const td_archive_sweep *sweep);
/* What a kill has left of a day on its way out. */
TD_CHECKED td_status td_archive_sweep_rest(const td_os *os, const char *dir);
