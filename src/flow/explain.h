/* src/flow/explain.h - why a strategy gave a signal, or why it gave none on a bar: what caused it is looked up in the
 * log, the instrument's partition is applied once more from the snapshot before that, and what the strategy saw is kept
 * (stream/why.h). All outputs made on the way are held against the log's, the signal among them (recheck.h). Goes in
 * steps; changes nothing. Thread: the caller's. Errors: TD_CONFIG: there is no such signal, bar or strategy, the trail
 * says which; else as recheck.h. */
#pragma once
#include "flow/recheck.h"
#include "stream/why.h"

enum { TD_JUDGEMENTS_MAX = 16, TD_EXPLAIN_FINDINGS_MAX = 10 };

typedef struct td_explain_question { /* texts borrowed for the explanation's life */
    const td_os *os;
    const td_topics *topics;
    const char *snapshot_dir;
    td_bytes strategy, instrument;
    int64_t at_ns;    /* the signal's time; of a bar: any within it; of ticks: the last one up to there is meant,
                         by time where the strategy waits */
    uint32_t ordinal; /* of the signal; 0: why there is none on the bar or tick */
} td_explain_question;

/* "golden_cross/COINBASE:BTC-USD/2026-11-21T14:31#1" -> strategy, instrument, time, ordinal. TD_REJECT without a trail.
 */
TD_CHECKED td_status td_explain_parse_id(td_bytes id, td_explain_question *out);

/* What the strategy was told about one bar or tick at one place of the tape: the first time, or when the bar was
 * revised. */
typedef struct td_judgement {
    td_cause cause;      /* the record of the tape that led to it; its ordinal is the signal's, or the bar's */
    td_event event;      /* that record, without its indexes */
    td_event tick;       /* what waited until then, of a strategy that waits; else its kind is 0 */
    td_buf record, feed; /* its value, and the feed's name */
    td_buf signal;       /* as made again; empty: none */
    td_buf held;         /* as the log has it */
    int64_t held_offset; /* in signals; -1: the log has none */
    bool has_bar;        /* false: strategies remember it no more */
    bool judged;         /* else `why` is empty: nothing of it was made again */
    bool differs;        /* the signal that the log has is another one */
    td_bar bar;
    int64_t target_before, target_after;
    td_why why;
    uint8_t program_sha256[TD_PROGRAM_SHA_BYTES];
} td_judgement;

typedef struct td_explain td_explain;

td_explain *td_explain_new(const td_explain_question *question);
void td_explain_free(td_explain *explain); /* accepts NULL */
/* Reads or applies at most so many records. TD_AGAIN: it goes on. */
TD_CHECKED td_status td_explain_step(td_explain *explain, int64_t records);
/* How far it is; `all` grows once when the records to apply are known. */
void td_explain_progress(const td_explain *explain, int64_t *out_done, int64_t *out_all);

/* Once it is done: */
const td_judgement *td_explain_judgements(const td_explain *explain, size_t *out_count);
/* Bars of that window that were given later; strategies judged them, too. */
int64_t td_explain_revisions(const td_explain *explain);
/* What the log holds otherwise, up to there: the first findings, a line each, and how many there are. */
td_bytes td_explain_findings(const td_explain *explain, int64_t *out_count);
