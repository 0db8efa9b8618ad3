/* src/lang/program.h - the program's body: settings and strategies as one canonical text, kept in topic `_programs` and
 * named by its SHA-256. File names, speed, workers, sinks and folders are not part of it: the same inputs elsewhere
 * give the same program. Pure. Thread: any. */
#pragma once
#include "lang/lang.h"
#include "stream/program.h"

typedef struct td_program_settings { /* borrowed for the call */
    const int64_t *widths_ns;        /* ascending, without doubles: configured ones and those of the strategies */
    size_t width_count;
    int64_t grace_ns, repair_horizon_ns;
    bool regular;
    const td_bytes *calendars; /* their texts */
    size_t calendar_count;
    const td_program_listing *listings; /* in byte order of their patterns, each once */
    size_t listing_count;
    td_program_feed feeds[TD_PROGRAM_FEEDS_MAX];
    size_t feed_count;
    const td_bytes *strategies; /* whole texts; any order */
    size_t strategy_count;
} td_program_settings;

/* Appends the canonical body: feeds in name order, strategies in byte order, every list written out. */
void td_program_body(const td_program_settings *settings, td_buf *out);

/* Calls `each` with the text of every file of strategies that a body has. Errors: as td_program_compile's. */
TD_CHECKED td_status td_program_each_text(td_bytes body, void (*each)(void *arg, td_bytes text), void *arg);

/* Compiles a body, one of the engine before, too: then without rules, ids and revisions, which that did not know.
 * Errors: TD_CORRUPT: not a body that td_program_body wrote, or of another engine version. */
TD_CHECKED td_status td_program_compile(td_bytes body, td_program **out);
