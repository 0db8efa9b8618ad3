/* src/log/log.h - the log: topics of partitions of records, in Kafka's own files. This is the embedded one; nothing
 * outside log/ may know which log runs. A record is (key, value, one header); its place is (epoch, offset).
 *
 * Writers: one process (LOCK in the folder), and one thread per partition. Readers: any number of threads; a reader
 * object belongs to one. What is appended is readable at once, by this process and by read-only ones; what is synced
 * survives the machine. Full-policy: retention by size removes whole old segments, never the active one; a full disk is
 * TD_RETRY and loses nothing that was appended.
 * Errors: TD_RETRY (I/O: do the same again), TD_CONFIG (cannot open, locked, other partition count), TD_CORRUPT (a
 * batch whose CRC or shape is wrong: this partition stops there). */
#pragma once
#include "log/batch.h"
#include "os/os.h"

typedef struct td_log td_log;
typedef struct td_topic td_topic;
typedef struct td_reader td_reader;

typedef struct td_position { /* "next to read", with the epoch it was true in */
    int32_t epoch;
    int64_t offset;
} td_position;

typedef struct td_log_conf {
    const char *dir;       /* data folder; made when missing                    */
    int64_t segment_bytes; /* roll after this many                              */
    int64_t retain_bytes;  /* whole folder, over all topics; the oldest go first */
    td_codec codec;
    bool read_only; /* no LOCK, no repair, no epoch; opens only what exists */
} td_log_conf;

typedef enum td_topic_role { TD_TOPIC_INPUT, TD_TOPIC_OUTPUT } td_topic_role; /* inputs are synced first */

/* Told of everything repaired at open, one line each ("bars-3: torn tail cut at offset 812, 117 bytes"). */
typedef void (*td_log_report_fn)(void *arg, const char *line);

TD_CHECKED td_status td_log_open(td_log **out, const td_os *os, const td_log_conf *conf, td_log_report_fn report,
                                 void *arg);
void td_log_close(td_log *log); /* syncs, marks a clean end, releases LOCK; accepts NULL */
bool td_log_was_unclean(const td_log *log);

/* Opens or creates. Partitions named topic-0 … topic-(n-1). TD_CONFIG when it exists with another count. */
TD_CHECKED td_status td_log_topic(td_log *log, const char *name, uint32_t partitions, td_topic_role role,
                                  td_topic **out);
/* Opens each topic found on disk (read-only use: ls, cat, verify) in byte order of the names. */
typedef void (*td_topic_fn)(void *arg, td_topic *topic);
TD_CHECKED td_status td_log_each_topic(td_log *log, td_topic_fn each, void *arg);

const char *td_topic_name(const td_topic *topic);
uint32_t td_topic_partitions(const td_topic *topic);
int64_t td_topic_start(const td_topic *topic, uint32_t partition);  /* first offset kept */
int64_t td_topic_end(const td_topic *topic, uint32_t partition);    /* next offset to be written */
int64_t td_topic_synced(const td_topic *topic, uint32_t partition); /* everything below survives the machine */
int64_t td_topic_bytes(const td_topic *topic, uint32_t partition);
int32_t td_topic_epoch(const td_topic *topic, uint32_t partition);
/* True when the position names a record of that epoch's range or its end: else whatever refers to it is void. */
bool td_topic_holds(const td_topic *topic, uint32_t partition, td_position position);

/* Appends all records of a non-empty batch as one Kafka batch: all or nothing. The batch is not reset. A failed append
 * leaves nothing readable behind; try again with the same batch. Thread: the partition's one writer. */
TD_CHECKED td_status td_log_append(td_topic *topic, uint32_t partition, td_batch *batch, int64_t *out_base_offset);
/* Removes records at and after the offset; at start only, before anybody reads. A batch that straddles it is rewritten.
 */
TD_CHECKED td_status td_log_truncate(td_topic *topic, uint32_t partition, int64_t offset);

/* One round: notes the ends of outputs, then of inputs; syncs inputs, then outputs; publishes what is synced; applies
 * retention. One caller at a time (the sync thread). Two rounds never overlap. */
TD_CHECKED td_status td_log_sync(td_log *log);

typedef enum td_read_limit { TD_READ_APPENDED, TD_READ_SYNCED } td_read_limit;

/* A reader from `offset` (clamped up to the start kept; see td_reader_offset). Buffers up to 1 MB. */
TD_CHECKED td_status td_reader_open(td_reader **out, td_topic *topic, uint32_t partition, int64_t offset,
                                    td_read_limit limit);
void td_reader_close(td_reader *reader); /* accepts NULL */
/* TD_AGAIN at the limit; a later call sees what came since. TD_CORRUPT stays until td_reader_seek. The record is
 * borrowed until the next call. Allocates nothing. */
TD_CHECKED td_status td_reader_next(td_reader *reader, td_record *out);
int64_t td_reader_offset(const td_reader *reader); /* offset of the record that comes next */
void td_reader_seek(td_reader *reader, int64_t offset);
/* Base offset of a batch that begins at least `bytes` before `offset`'s batch (or the start): to read backwards, seek
 * there and read up to where the last block began. */
int64_t td_topic_block_before(const td_topic *topic, uint32_t partition, int64_t offset, int64_t bytes);
