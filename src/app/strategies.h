/* src/app/strategies.h - the strategies that a configuration names, read and compiled: for the widths they want and for
 * the messages, which name their files. Thread: start-up and the main one. */
#pragma once
#include "app/config.h"
#include "lang/lang.h"

typedef struct td_strategies {
    char *files[TD_CONFIG_LIST_MAX]; /* their paths */
    td_buf texts[TD_CONFIG_LIST_MAX];
    size_t text_count;
    td_graph **graphs; /* one per width, ascending */
    size_t graph_count;
} td_strategies;

/* Errors: TD_CONFIG, of the language with all its messages, one after another, in *errors; TD_RETRY. To be freed either
 * way. */
TD_CHECKED td_status td_strategies_load(td_strategies *out, const td_os *os, const td_config *config, td_buf *errors);
/* Its halves. */
TD_CHECKED td_status td_strategies_read(td_strategies *out, const td_os *os, const td_config *config);
/* Another text of one that was read, as if its file had it. TD_CONFIG, too, when no such file was. */
TD_CHECKED td_status td_strategies_replace(td_strategies *strategies, const td_os *os, const td_config *config,
                                           const char *file, td_bytes text);
TD_CHECKED td_status td_strategies_compile(td_strategies *strategies, td_buf *errors);
/* The place of that path among its files, or text_count. */
size_t td_strategies_find(const td_strategies *strategies, const char *file);
/* Tells each strategy that says how a position is left, and never enters one. */
void td_strategies_tell_never_entering(const td_strategies *strategies, td_log_report_fn each, void *arg);
void td_strategies_fini(td_strategies *strategies);
/* Tells each strategy that is for none of the instruments: it can never give a signal. */
void td_strategies_tell_idle(const td_strategies *strategies, const td_instruments *instruments, td_log_report_fn each,
                             void *arg);
