/* src/app/notice.h - the run's one voice: what an operator should hear, a line each on standard error, as text for
 * people or as JSON for machines. Every line has a level, a stable event name, a place where one is known, and a text.
 * Of lines alike (event and place) five come through in ten seconds; the others are counted and told as one. Secrets
 * that were named never leave. Owns its copies. Thread: any; a lock, since nothing here is on the path of an event. */
#pragma once
#include "os/os.h"
#include <stdio.h>

typedef enum td_level { TD_LEVEL_INFO, TD_LEVEL_WARNING, TD_LEVEL_ERROR } td_level;

typedef struct td_notices td_notices;

typedef struct td_notices_conf {
    const td_os *os; /* its clocks */
    FILE *to;
    bool json;
    bool terminal; /* `to` is one: progress is a line that is drawn over */
    bool quiet;    /* warnings and errors only */
} td_notices_conf;

td_notices *td_notices_new(const td_notices_conf *conf);
void td_notices_free(td_notices *notices); /* tells what is still counted; accepts NULL */
/* These two before other threads know of it. */
void td_notices_set_json(td_notices *notices, bool json);
/* From here on the text is shown as ***. NULL and short words are nothing to hide. */
void td_notices_hide(td_notices *notices, const char *secret);

/* Shows them so in a text. Thread: any. */
void td_notices_mask(const td_notices *notices, char *text);

/* `event` is a literal: "torn_tail_cut". `place` NULL: a text that begins with one word and ": " names it. */
void td_notice(td_notices *notices, td_level level, const char *event, const char *place, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
/* What people want to read rather than to be told: a signal, a summary. An `info` line without limit, and as text
 * without anything before it. */
void td_notices_show(td_notices *notices, const char *event, const char *text);
/* How it goes: drawn over the one before on a terminal, shown as "progress" elsewhere. "" clears it. */
void td_notices_progress(td_notices *notices, const char *text);
/* Tells the counts of lines alike whose ten seconds are over. Now and then. */
void td_notices_turn(td_notices *notices);
