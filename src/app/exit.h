/* src/app/exit.h - the program's exit codes; scripts may rely on them. Help and documentation are made from this list.
 */
#pragma once
#include "base/status.h"

#define TD_EXITS(X)                                                                                                    \
    X(OK, 0, "done")                                                                                                   \
    X(CORRUPT, 1, "a partition of the log stands still, or damage was found; the rest went on")                        \
    X(USAGE, 2, "unknown command, option, value or configuration key: nothing was started")                            \
    X(CONFIG, 3, "what is named cannot be used: file, folder, port, lock, instrument")                                 \
    X(FAILED, 4, "the machine failed: no memory for threads, disk errors at start")                                    \
    X(STOPPED, 5, "--until-end, or a copy of a log, was stopped before its end; run again, it goes on")                \
    X(UNDRAINED, 6, "stopped, but `drain` was over before the sinks held everything; run again, it goes on")           \
    X(ANOMALOUS, 7, "profile --strict: there are anomalies")                                                           \
    X(DIFFERENT, 8, "test: the signals that came are not those that were expected")                                    \
    X(FENCED, 9,                                                                                                       \
      "another process began the same work on the same log and has it now; started again, this one takes it back")

#define TD_EXIT_MEMBER(name, code, text) TD_EXIT_##name = (code),
enum { TD_EXITS(TD_EXIT_MEMBER) };
#undef TD_EXIT_MEMBER

/* What a failure leads to where nothing could be done about it. */
static inline int td_exit_of(td_status status) {
    switch (status) {
    case TD_OK:
        return TD_EXIT_OK;
    case TD_CORRUPT:
        return TD_EXIT_CORRUPT;
    case TD_REJECT: /* words that say nothing */
        return TD_EXIT_USAGE;
    case TD_CONFIG:
        return TD_EXIT_CONFIG;
    case TD_FENCED:
        return TD_EXIT_FENCED;
    default:
        return TD_EXIT_FAILED;
    }
}
