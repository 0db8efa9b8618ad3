/* src/flow/answers.h - which answers of live feeds the log holds, so that nothing is asked for twice: topic `_answers`
 * of one partition, key FEED/NAME, of each the last record counts. That an answer begins is appended before its events,
 * with the place of the tape from where on they stand; that it is whole, once they are synced. A process that dies in
 * between finds those of its events that came on the tape, and the feed goes on behind them. Thread: ingest's. */
#pragma once
#include "flow/atlas.h"
#include "flow/live.h"
#include "flow/topics.h"

typedef struct td_answers td_answers;

typedef struct td_answers_conf { /* all is borrowed */
    const td_topics *topics;
    td_live *live;
    td_writer *writer;
} td_answers_conf;

/* Tells the feeds what the log holds. TD_CORRUPT: it cannot be read. */
TD_CHECKED td_status td_answers_open(td_answers **out, const td_answers_conf *conf);
void td_answers_close(td_answers *answers); /* accepts NULL */
/* Takes an ANSWER item; of a whole one after its events have been appended. TD_FULL: too many wait for their sync; the
 * same item again. Other errors: as td_writer_append's. */
TD_CHECKED td_status td_answers_take(td_answers *answers, const td_input *input, int64_t now_ms);
/* Appends those whose events are synced. */
TD_CHECKED td_status td_answers_step(td_answers *answers, int64_t now_ms);
/* A record of `_answers` as it is in a copy of the log: its value, where that is another. TD_AGAIN: what it names is
 * not there yet. */
TD_CHECKED td_status td_answers_restate(const td_record *record, const td_atlas *atlas, td_buf *out_value);
