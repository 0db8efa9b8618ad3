/* src/app/draft.h - the program that a configuration and its strategy files come to as they are now: read, compiled for
 * the messages and widths, and put into one body. Thread: start-up and the main one. */
#pragma once
#include "app/market.h"
#include "app/strategies.h"
#include "lang/program.h"

typedef struct td_draft {
    td_strategies strategies;
    int64_t widths_ns[TD_WIDTHS_MAX]; /* configured ones and those of strategies, ascending */
    size_t width_count;
} td_draft;

typedef struct td_draft_conf { /* borrowed */
    const td_config *config;
    const td_market *market;
    const bool *shares_ids; /* by feed, as it says */
} td_draft_conf;

/* Takes strategies that were read; to be freed either way. TD_CONFIG: of the language *errors has all messages, the
 * trail the first. */
TD_CHECKED td_status td_draft_make(td_draft *out, const td_config *config, td_strategies *strategies, td_buf *errors);
void td_draft_put_body(const td_draft *draft, const td_draft_conf *conf, td_buf *out);
void td_draft_fini(td_draft *draft);

/* The program that a run of it would begin with now, as the log would hold it, but that no feed is opened. Errors: as
 * those of its parts. */
TD_CHECKED td_status td_draft_compile(td_program **out, const td_os *os, const td_config *config);
