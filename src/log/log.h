/* src/log/log.h - the log: topics of partitions of records, in Kafka's words and with Kafka's semantics. A table of
 * functions (log_ops.h) stands behind it: the embedded log (log_segment.h) or, in tests, a simulated Kafka. Nothing
 * outside log/ knows which one runs; only who opens it names it.
 *
 * A record is (key, value, one header). Its place is (epoch, offset). Offsets ascend, and a log may leave some out
 * (Kafka's transaction markers): nobody may reckon that the next one is one more. What retention took before a reader
 * came is told by td_reader_lost. The position behind a record, (its epoch, its offset + 1), is always a good one.
 *
 * Writers: a partition has one td_writer at a time. Readers: any number, each of one thread; they see what is
 * committed. What is `synced` survives the machine (Kafka: it is with all in-sync replicas).
 * Errors: TD_RETRY (do the same again), TD_FENCED (another writer took this one's name: stop for good), TD_REJECT (this
 * transaction cannot be committed: abort it, start again from what is committed), TD_CONFIG (cannot be opened: the
 * operator must act), TD_CORRUPT (a batch whose CRC or shape is wrong: this partition stops there). */
#pragma once
#include "log/batch.h"
#include "os/os.h"

typedef struct td_log_ops td_log_ops;

typedef struct td_log { /* an implementation's own begins with this, as with the other objects below */
    const td_log_ops *ops;
} td_log;

typedef enum td_topic_role {
    TD_TOPIC_INPUT, /* synced before outputs */
    TD_TOPIC_OUTPUT,
    TD_TOPIC_LATEST, /* of each key the last record is enough: what was before it may go */
} td_topic_role;

typedef struct td_topic {
    td_log *log;
    const char *name;
    uint32_t partitions;
    td_topic_role role;
} td_topic;

typedef struct td_position { /* "next to read", with the epoch it was true in */
    int32_t epoch;
    int64_t offset;
} td_position;

/* Told of what was found and done, one line each ("bars-3: torn tail cut at offset 812, 117 bytes"). */
typedef void (*td_log_report_fn)(void *arg, const char *line);
typedef void (*td_topic_fn)(void *arg, td_topic *topic);

void td_log_close(td_log *log); /* after its readers, writers and groups; accepts NULL */
/* Opens or creates; by the thread that opened the log, before others use it. TD_CONFIG when it exists with another
 * count. With a count of 0 it is opened as it is; TD_AGAIN: there is none, and none is made. TD_REJECT: this log lets
 * go of nothing because of its key, so it brings no TD_TOPIC_LATEST. */
TD_CHECKED td_status td_log_topic(td_log *log, const char *name, uint32_t partitions, td_topic_role role,
                                  td_topic **out);
TD_CHECKED td_status td_log_each_topic(td_log *log, td_topic_fn each, void *arg); /* in byte order of the names */

/* One round: makes what is committed durable, and only then publishes it as `synced`; then applies retention. One
 * caller at a time (the sync thread). No output is synced before the inputs that it may rest on, and of one
 * transaction all outputs or none. TD_RETRY: what is synced stays as it was; call again. TD_CORRUPT: the disk lost what
 * was appended, and synced will never pass it. */
TD_CHECKED td_status td_log_sync(td_log *log);
/* Removes the oldest records that nobody is bound to keep, until so many bytes are free. By the caller of td_log_sync;
 * a log that keeps all, or whose disk is not ours, removes nothing. */
TD_CHECKED td_status td_log_release(td_log *log, int64_t bytes);
/* Removes records at and after the offset and begins a new epoch there; what the commits that covered them cover
 * besides stays committed. At start only, before anybody reads, writes or syncs. TD_REJECT: this log cannot (Kafka). */
TD_CHECKED td_status td_log_truncate(td_topic *topic, uint32_t partition, int64_t offset);

/* --- one partition: thread any ---------------------------------------------------------------------------------- */

static inline const char *td_topic_name(const td_topic *topic) { return topic->name; }
static inline uint32_t td_topic_partitions(const td_topic *topic) { return topic->partitions; }
int64_t td_topic_start(const td_topic *topic, uint32_t partition);   /* first offset kept */
int64_t td_topic_end(const td_topic *topic, uint32_t partition);     /* readers stop here */
int64_t td_topic_synced(const td_topic *topic, uint32_t partition);  /* everything below survives the machine */
int64_t td_topic_bytes(const td_topic *topic, uint32_t partition);   /* -1: not known */
size_t td_topic_segments(const td_topic *topic, uint32_t partition); /* 0: not known */
int32_t td_topic_epoch(const td_topic *topic, uint32_t partition);
/* True when the position names a record of that epoch's range or its end: else whatever refers to it is void. */
bool td_topic_holds(const td_topic *topic, uint32_t partition, td_position position);
/* The first offset that was appended at or after that time; the end when there is none yet. From one batch of a
 * partition to the next append times never go back. Errors: TD_RETRY, TD_CORRUPT (it lies behind damage). */
TD_CHECKED td_status td_topic_at_time(const td_topic *topic, uint32_t partition, int64_t timestamp_ms,
                                      int64_t *out_offset);
/* An offset at least `bytes` before `offset` where a batch begins (or the start): to read backwards, seek there and
 * read up to where the last block began. The start, too, where that cannot be found out. */
int64_t td_topic_block_before(const td_topic *topic, uint32_t partition, int64_t offset, int64_t bytes);

/* --- reading ---------------------------------------------------------------------------------------------------- */

typedef enum td_read_limit { TD_READ_APPENDED, TD_READ_SYNCED } td_read_limit;

typedef struct td_reader { /* private, but for the inline functions below */
    td_cursor cursor;
    td_topic *topic;
    int64_t lost, repaired;
} td_reader;

/* A reader from `offset`, or from the start kept if that is later. When retention removes what it would read next, it
 * goes on at the new start. */
TD_CHECKED td_status td_reader_open(td_reader **out, td_topic *topic, uint32_t partition, int64_t offset,
                                    td_read_limit limit);
void td_reader_close(td_reader *reader); /* accepts NULL */
void td_reader_seek(td_reader *reader, int64_t offset);
TD_CHECKED td_status td_reader_refill(td_reader *reader, td_record *out); /* td_reader_next calls it between batches */

/* TD_AGAIN at the limit; a later call sees what came since. TD_CORRUPT stays until td_reader_seek. The record is
 * borrowed until the next call. Allocates nothing, but for the first compressed batch or a very large one. */
TD_CHECKED static inline td_status td_reader_next(td_reader *reader, td_record *out) {
    if (__builtin_expect(td_cursor_next(&reader->cursor, out), 1)) return TD_OK;
    return td_reader_refill(reader, out);
}
/* Where it will look next: behind the last record; after TD_AGAIN the limit that it has reached. */
static inline int64_t td_reader_offset(const td_reader *reader) { return reader->cursor.offset; }
/* How many offsets retention took from under it since it was opened or last sought: 0, or there is a hole. */
static inline int64_t td_reader_lost(const td_reader *reader) { return reader->lost; }
/* How many it passed, since it was opened, whose records were damaged and taken out by a repair. */
static inline int64_t td_reader_repaired(const td_reader *reader) { return reader->repaired; }

/* --- checking ----------------------------------------------------------------------------------------------------- */

/* What a full check of one partition found. */
typedef struct td_verify {
    int64_t segments, batches; /* 0: not known */
    int64_t records, bytes;
    int64_t torn_bytes;   /* behind the last whole batch, never promised: the next writer cuts them */
    int64_t lost;         /* offsets that a repair left empty: no error */
    int64_t corrupt;      /* places where records are damaged or missing */
    int64_t unindexed;    /* segments without a whole index: no error, the next writer builds it */
    int64_t index_errors; /* entries that do not name a batch of the segment */
} td_verify;

/* Called with each problem, as the log's report is; and with the bytes checked so far, every few megabytes. */
typedef struct td_verify_conf {
    td_log_report_fn report;
    void (*progress)(void *arg, int64_t bytes_done);
    void *arg;
} td_verify_conf;

/* Reads every batch (CRC, shape, offsets without a hole, each record) and both indexes; where the files are not ours to
 * read (Kafka), every record, with the CRC of its batch, up to the first that is damaged. TD_CORRUPT without a trail
 * when something is wrong: `out` says what. */
TD_CHECKED td_status td_topic_verify(const td_topic *topic, uint32_t partition, const td_verify_conf *conf,
                                     td_verify *out);

/* --- writing ---------------------------------------------------------------------------------------------------- */

typedef struct td_writer { /* Thread: one at a time; opening its name again: any */
    td_log *log;
} td_writer;

typedef struct td_mark { /* "applied up to here" */
    td_topic *topic;
    uint32_t partition;
    td_position position;
} td_mark;

/* Whoever held the name, here or in another process, is fenced, and what it left is settled: a transaction without
 * commit is gone, a commit of unknown result is decided. The first time for a name: by the thread that opened the log,
 * before others use it (Kafka: any thread, at any time). TD_CORRUPT: what it had committed cannot be read. */
TD_CHECKED td_status td_writer_open(td_writer **out, td_log *log, const char *name);
void td_writer_close(td_writer *writer); /* drops what was begun and not committed; accepts NULL */

/* Appends all records of a non-empty batch, or none. The batch is not reset; after TD_RETRY append the same one again,
 * or abort. It stands by itself or, between begin and commit, is readable only with all the rest. TD_REJECT: too large
 * (a batch above 256 MB, a transaction above 1 GB in one partition). */
TD_CHECKED td_status td_writer_append(td_writer *writer, td_topic *topic, uint32_t partition, td_batch *batch);

typedef struct td_append {
    td_topic *topic;
    uint32_t partition;
    td_batch *batch;
} td_append;

/* The same for one batch of each of several partitions; where an append waits for an answer (Kafka), all wait for one.
 * All or none of a batch, but perhaps not of each: *out_done first ones are in the log. After TD_RETRY the others
 * again, all of them and as they were. */
TD_CHECKED td_status td_writer_append_all(td_writer *writer, const td_append *appends, size_t count, size_t *out_done);
TD_CHECKED td_status td_writer_begin(td_writer *writer);
/* What was appended since begin, and how far its inputs are applied: all of it or nothing, whatever crashes. TD_RETRY:
 * the result is not known. Commit again with the same until TD_OK, TD_REJECT or TD_FENCED; do not abort. */
TD_CHECKED td_status td_writer_commit(td_writer *writer, const td_mark *marks, size_t mark_count);
TD_CHECKED td_status td_writer_abort(td_writer *writer); /* nothing is left of it; TD_FENCED, TD_RETRY */
/* What a writer of this name last committed for the partition. TD_AGAIN: nothing, or the topic no longer holds it. */
TD_CHECKED td_status td_writer_position(td_writer *writer, const td_topic *topic, uint32_t partition, td_position *out);
/* The same for who only reads: whoever has the name keeps it. Whether the topic still holds it is not asked. */
TD_CHECKED td_status td_log_committed(td_log *log, const char *writer, const td_topic *topic, uint32_t partition,
                                      td_position *out);

/* --- sharing partitions among processes (Kafka's consumer groups; the embedded log gives all to its one process) ---
 */

typedef struct td_group { /* Thread: one */
    td_log *log;
} td_group;

typedef struct td_assignment {
    int64_t generation;         /* another with each rebalance */
    const uint32_t *partitions; /* ascending; until the next poll */
    size_t count;
} td_assignment;

TD_CHECKED td_status td_group_join(td_group **out, td_log *log, const char *name, td_topic *topic);
void td_group_leave(td_group *group); /* accepts NULL */
/* What this member has now. It closes the writers of what it no longer has before it polls again; who comes after opens
 * them under the same names and fences it anyway. TD_RETRY. */
TD_CHECKED td_status td_group_poll(td_group *group, td_assignment *out);
