/* src/flow/beginning.h - a program that somebody asks ingest to begin while it runs: at one place of each partition,
 * between two records that the feeds bring. One at a time. Its body is kept and synced before any record names it;
 * whoever is stopped in between begins it again at the next start, if it is still wanted.
 * Thread: any one for asking, ingest's for the step. */
#pragma once
#include "flow/lane.h"
#include "flow/programs.h"

typedef struct td_beginning td_beginning;

td_beginning *td_beginning_new(const td_topics *topics);
void td_beginning_free(td_beginning *beginning); /* accepts NULL */

/* Takes the program; the body is copied. TD_FULL: another one is being begun. */
TD_CHECKED td_status td_beginning_ask(td_beginning *beginning, td_program *program, td_bytes body);
/* TD_AGAIN: not yet. TD_OK: it has begun everywhere; told once. TD_FULL: none is asked for. */
TD_CHECKED td_status td_beginning_answer(td_beginning *beginning);
/* Nobody wants it any more. False: it may have begun somewhere, and will everywhere. */
bool td_beginning_withdraw(td_beginning *beginning);

/* What is to be done next: nothing (TD_AGAIN), or with all lanes flushed the rest (TD_OK). Others: as the log's. */
TD_CHECKED td_status td_beginning_prepare(td_beginning *beginning, td_writer *writer, int64_t now_ms);
/* On one partition of the tape whose lane is empty. */
TD_CHECKED td_status td_beginning_put(td_beginning *beginning, td_writer *writer, uint32_t partition, int64_t now_ms);
const td_program *td_beginning_program(const td_beginning *beginning);
void td_beginning_end(td_beginning *beginning); /* it has begun everywhere */
