/* src/log/log.h - the log: topics of partitions of records, in Kafka's own files. This is the embedded one; nothing
 * outside log/ may know which log runs. A record is (key, value, one header); its place is (epoch, offset).
 *
 * Writers: one process (LOCK in the folder), and one thread per partition. Readers: any number of threads; a reader
 * object belongs to one. What is appended is readable at once, by this process and by read-only ones; what is synced
 * survives the machine. Full-policy: retention by size and by append time removes whole old segments; the active one is
 * finished when it is old, so that a quiet partition ages out, too. Topics whose names begin with `_` hold what others
 * are read by, and are kept. A full disk is TD_RETRY and loses nothing that was appended.
 * Errors: TD_RETRY (I/O: do the same again), TD_CONFIG (cannot open, locked, other partition count), TD_CORRUPT (a
 * batch whose CRC or shape is wrong: this partition stops there).
 *
 * What survives: a sync round makes appended records durable, then writes how far into Kafka's
 * recovery-point-offset-checkpoint, and only then publishes it as `synced`. After an unclean end damage at or above
 * that point is what a crash did to bytes promised to nobody: it is cut, with all that follows. Damage below it is kept
 * while valid batches follow, and readers stop there. */
#pragma once
#include "log/batch.h"
#include "os/os.h"

typedef struct td_log td_log;
typedef struct td_topic td_topic;

typedef struct td_position { /* "next to read", with the epoch it was true in */
    int32_t epoch;
    int64_t offset;
} td_position;

typedef struct td_log_conf {
    const char *dir;       /* data folder; made when missing                    */
    int64_t segment_bytes; /* roll after this many; 0: 256 MB                   */
    int64_t segment_ms;    /* or when it began so long ago; 0: never            */
    int64_t retain_bytes;  /* over all topics; the oldest go first; 0: keep all */
    int64_t retain_ms;     /* since the last append of a segment; 0: keep all   */
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

/* Opens or creates; by the thread that opened the log, before others use it. Partitions named topic-0 … topic-(n-1).
 * TD_CONFIG when it exists with another count. */
TD_CHECKED td_status td_log_topic(td_log *log, const char *name, uint32_t partitions, td_topic_role role,
                                  td_topic **out);
/* Opens each topic found on disk (read-only use: ls, cat, verify) in byte order of the names. */
typedef void (*td_topic_fn)(void *arg, td_topic *topic);
TD_CHECKED td_status td_log_each_topic(td_log *log, td_topic_fn each, void *arg);

const char *td_topic_name(const td_topic *topic);
uint32_t td_topic_partitions(const td_topic *topic);
int64_t td_topic_start(const td_topic *topic, uint32_t partition); /* first offset kept */
int64_t td_topic_end(const td_topic *topic, uint32_t partition);   /* next offset to be written */
int64_t td_topic_synced(const td_topic *topic,
                        uint32_t partition); /* everything below survives the machine; read-only: the end */
int64_t td_topic_bytes(const td_topic *topic, uint32_t partition);
size_t td_topic_segments(const td_topic *topic, uint32_t partition);
int32_t td_topic_epoch(const td_topic *topic, uint32_t partition);
/* True when the position names a record of that epoch's range or its end: else whatever refers to it is void. */
bool td_topic_holds(const td_topic *topic, uint32_t partition, td_position position);

/* Appends all records of a non-empty batch as one Kafka batch: all or nothing. The batch is not reset. A failed append
 * leaves nothing readable behind; try again with the same batch. TD_REJECT: above 256 MB. Thread: the partition's one
 * writer. */
TD_CHECKED td_status td_log_append(td_topic *topic, uint32_t partition, td_batch *batch, int64_t *out_base_offset);
/* Removes records at and after the offset and begins a new epoch there; at start only, before anybody reads or syncs. A
 * batch that straddles it is rewritten. */
TD_CHECKED td_status td_log_truncate(td_topic *topic, uint32_t partition, int64_t offset);

/* One round: notes the ends of outputs, then of inputs; syncs inputs, then outputs; publishes what is synced; applies
 * retention. One caller at a time (the sync thread). Two rounds never overlap.
 * When a sync fails: TD_RETRY, and that partition's synced offset stays (with an input, all outputs' too). Its epoch is
 * over: the next append begins a new one, and is TD_RETRY until that is safe. The kernel
 * may now hold as clean what it never wrote, so a second sync alone would prove nothing: the next round first reads
 * back every batch since the last good sync, checks its CRC, writes it again, and syncs then. TD_CORRUPT when such a
 * batch is gone: synced never passes it. */
TD_CHECKED td_status td_log_sync(td_log *log);

/* Removes the oldest finished segments, as retention by size does, until so many bytes are free; a log that keeps all
 * keeps all. By the caller of td_log_sync. */
TD_CHECKED td_status td_log_release(td_log *log, int64_t bytes);

typedef enum td_read_limit { TD_READ_APPENDED, TD_READ_SYNCED } td_read_limit;

typedef struct td_source td_source;

typedef struct td_reader { /* private, but for the inline functions below */
    td_cursor cursor;
    td_source *source;
} td_reader;

/* A reader from `offset` (clamped up to the start kept; see td_reader_offset). Buffers 256 KB. When retention
 * removes what it would read next, it goes on at the new start. */
TD_CHECKED td_status td_reader_open(td_reader **out, td_topic *topic, uint32_t partition, int64_t offset,
                                    td_read_limit limit);
void td_reader_close(td_reader *reader); /* accepts NULL */
void td_reader_seek(td_reader *reader, int64_t offset);
TD_CHECKED td_status td_reader_refill(td_reader *reader, td_record *out); /* td_reader_next calls it between batches */

/* TD_AGAIN at the limit; a later call sees what came since. TD_CORRUPT stays until td_reader_seek. The record is
 * borrowed until the next call. Allocates nothing, but for the first zstd batch or a batch above 256 KB. */
TD_CHECKED static inline td_status td_reader_next(td_reader *reader, td_record *out) {
    if (__builtin_expect(td_cursor_next(&reader->cursor, out), 1)) return TD_OK;
    return td_reader_refill(reader, out);
}
/* Offset of the record that comes next. */
static inline int64_t td_reader_offset(const td_reader *reader) { return reader->cursor.offset; }

/* Base offset of a batch that begins at least `bytes` before `offset`'s batch (or the start): to read backwards, seek
 * there and read up to where the last block began. The start, too, where the disk cannot be read. */
int64_t td_topic_block_before(const td_topic *topic, uint32_t partition, int64_t offset, int64_t bytes);

/* The first offset that was appended at or after that time, by the time index; the end when there is none yet. Append
 * times never go back within a partition. Errors: TD_RETRY, TD_CORRUPT (it lies behind damage). Thread: any. */
TD_CHECKED td_status td_topic_at_time(const td_topic *topic, uint32_t partition, int64_t timestamp_ms,
                                      int64_t *out_offset);

/* What a full check of one partition found. */
typedef struct td_verify {
    int64_t segments, batches, records, bytes;
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

/* Reads every batch (CRC, shape, offsets without a hole, each record) and both indexes. TD_CORRUPT without a trail when
 * something is wrong: `out` says what. */
TD_CHECKED td_status td_topic_verify(const td_topic *topic, uint32_t partition, const td_verify_conf *conf,
                                     td_verify *out);
