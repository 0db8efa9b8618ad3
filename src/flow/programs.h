/* src/flow/programs.h - the programs that the log holds: bodies and places in topic `_programs`, and the Program record
 * that stands at each place on the tape. `_programs`: key hash, value body; key "tape/3", value hash and offset; a
 * place is written before its record, and one without a record is none. Thread: any for reading; who writes, as it
 * says. */
#pragma once
#include "flow/atlas.h"
#include "flow/topics.h"
#include "stream/program.h"

/* The program of that hash, compiled anew, owned by the caller. TD_CORRUPT when the log does not hold it. */
TD_CHECKED td_status td_program_load(const td_topics *topics, const uint8_t sha256[TD_PROGRAM_SHA_BYTES],
                                     td_program **out);
/* The hash of the program in force at `offset` of a tape partition. TD_CORRUPT when there is none. */
TD_CHECKED td_status td_program_at(const td_topics *topics, uint32_t partition, int64_t offset,
                                   uint8_t out_sha256[TD_PROGRAM_SHA_BYTES]);

typedef struct td_program_place { /* where a program begins on one partition of the tape */
    bool present;
    int64_t offset, appended_ms;
    char hex[2 * TD_PROGRAM_SHA_BYTES + 1];
} td_program_place;

/* False: the record of `_programs` is no place of that partition. Not present: it is one, and cannot be read. */
bool td_program_place_read(const td_record *record, uint32_t partition, td_program_place *out);
/* True when its Program record stands there, or is retained away. */
TD_CHECKED td_status td_program_place_holds(const td_topics *topics, uint32_t partition, const td_program_place *place,
                                            bool *out_holds);

/* A record of `_programs` as it is in a copy of the log: its value, where that is another. TD_AGAIN: what it names is
 * not there yet. */
TD_CHECKED td_status td_program_place_restate(const td_record *record, const td_atlas *atlas, td_buf *out_value);

/* Puts the program with that body into the log where partitions of the tape do not end with it. Before ingest starts.
 */
TD_CHECKED td_status td_program_begin(const td_topics *topics, td_bytes body, int64_t now_ms);
/* Puts a program whose body is there at the end of one partition of a tape that nobody else writes. */
TD_CHECKED td_status td_program_put(const td_topics *topics, uint32_t partition, const td_program_mark *mark,
                                    int64_t now_ms);

/* For who owns the tape while it runs: the body, unless it is there; then, once `_programs` is synced that far, the
 * program where partition p does not end with it, with nothing of the tape pending. A place that is lost with the
 * machine is put again at the next start. */
TD_CHECKED td_status td_program_keep(const td_topics *topics, td_writer *writer, td_bytes body, int64_t now_ms);
TD_CHECKED td_status td_program_begin_on(const td_topics *topics, td_writer *writer, uint32_t partition,
                                         const td_program *program, int64_t now_ms);
