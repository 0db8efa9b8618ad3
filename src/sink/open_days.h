/* src/sink/open_days.h - rows of an archive's days that are not closed yet, with the positions that they came from and
 * the clocks that close them, in one SQLite file of the archive's own: what is committed is there after a kill -9, and
 * a power loss takes back whole transactions at the end, positions with their rows. Rows lie there in packs: those of
 * an instrument and a day out of a batch, in one piece. Memory is bounded whatever they are.
 * Thread: its owner's. Errors: TD_RETRY (busy, which who holds the folder makes it, disk full, I/O), TD_CONFIG,
 * TD_CORRUPT: a pack is not what was written. */
#pragma once
#include "base/bytes.h"
#include "sink/sink.h"

typedef struct td_open_days td_open_days;

typedef struct td_pack {
    const char *topic;
    uint32_t partition;
    td_bytes venue, instrument;
    int32_t day;
    int64_t first, rows; /* the first row's offset; how many there are */
    td_bytes data;
} td_pack;

typedef struct td_days { /* which of a topic's packs; `partition` < 0: all, of all venues */
    const char *topic;
    int64_t partition;
    const char *venue; /* NULL: all */
    int32_t before;    /* the first day that is not meant */
} td_days;

typedef struct td_open_days_conf {
    int64_t cache_bytes;
    int64_t close_after_ns; /* where days end, which stays what it was at first: else TD_CONFIG */
} td_open_days_conf;

/* Nobody else may have it open. TD_CONFIG, too, where another version of this program made it. */
TD_CHECKED td_status td_open_days_open(td_open_days **out, const char *file, const td_open_days_conf *conf);
void td_open_days_close(td_open_days *days); /* what was not committed is gone; accepts NULL */

TD_CHECKED td_status td_open_days_begin(td_open_days *days);
TD_CHECKED td_status td_open_days_commit(td_open_days *days);
/* What was committed survives the machine's power, too. Between transactions. */
TD_CHECKED td_status td_open_days_harden(td_open_days *days);

TD_CHECKED td_status td_open_days_put(td_open_days *days, const td_pack *pack);
/* By partition, instrument and day, as they came. Packs are lent. Not TD_OK: ends it, with that. */
typedef td_status (*td_pack_fn)(void *arg, const td_pack *pack);
TD_CHECKED td_status td_open_days_each(td_open_days *days, const td_days *which, td_pack_fn each, void *arg);
TD_CHECKED td_status td_open_days_remove(td_open_days *days, const td_days *which);

TD_CHECKED td_status td_open_days_put_position(td_open_days *days, const char *topic, uint32_t partition,
                                               td_position next);
/* *out stays where there is none. */
TD_CHECKED td_status td_open_days_position(td_open_days *days, const char *topic, uint32_t partition, td_position *out);

typedef struct td_day_clock { /* lent */
    td_bytes topic;
    uint32_t partition;
    td_bytes venue;
    int32_t day; /* those before it are closed */
} td_day_clock;

TD_CHECKED td_status td_open_days_put_clock(td_open_days *days, const td_day_clock *clock);
typedef void (*td_day_clock_fn)(void *arg, const td_day_clock *clock);
TD_CHECKED td_status td_open_days_clocks(td_open_days *days, td_day_clock_fn each, void *arg);
