/* src/flow/topics.h - the topics that the program works on, opened together, with the schemas they hold.
 * Thread: opened by one; constant afterwards, so that all arrows may read it. */
#pragma once
#include "log/log.h"
#include "schema/registry.h"
#include "stream/program.h"

typedef enum td_output {
    TD_OUTPUT_BARS,
    TD_OUTPUT_SIGNALS,
    TD_OUTPUT_QUARANTINE,
    TD_OUTPUT_GAPS,
    TD_OUTPUT_ACTIONS,     /* records of the tape, those that were taken */
    TD_OUTPUT_VENDOR_BARS, /* records of the tape, all of them */
    TD_OUTPUT_FILLS,
    TD_OUTPUT_SECTIONS, /* members of cross-sections, for the workers of all partitions */
    TD_OUTPUT_TRADES, /* from here on what is published for everybody else, where it is asked for: what was accepted */
    TD_OUTPUT_QUOTES,
    TD_OUTPUT_NEWS,
    TD_OUTPUT_TRADES_JSON, /* the same records, and those of outputs above, as JSON */
    TD_OUTPUT_QUOTES_JSON,
    TD_OUTPUT_NEWS_JSON,
    TD_OUTPUT_BARS_JSON,
    TD_OUTPUT_SIGNALS_JSON,
    TD_OUTPUT_FILLS_JSON,
    TD_OUTPUT_GAPS_JSON,
    TD_OUTPUT_QUARANTINE_JSON,
    TD_OUTPUT_COUNT,
    TD_OUTPUT_PUBLISHED = TD_OUTPUT_TRADES, /* the first of those */
} td_output;

typedef struct td_topics {
    td_log *log;       /* borrowed */
    td_topic *schemas; /* an input, as the next two; NULL: they are in a registry elsewhere */
    td_topic *programs, *tape;
    td_topic *rejected, *inputs;        /* ingest's; workers put strangers' records into the first */
    td_topic *outputs[TD_OUTPUT_COUNT]; /* the workers': partition p by the worker of tape's p; NULL: not published */
    td_topic *snapshots;                /* likewise; NULL: the log brings no such topic, they are files */
    uint32_t partitions;
    td_registry *registry;
    const td_schema_ids *ids;
} td_topics;

typedef struct td_topics_conf {
    td_log *log;
    uint32_t partitions;   /* of the tape; who only reads takes those that it has */
    td_registry *registry; /* of a registry elsewhere, with its ids (flow/registrar.h); taken over, by a failure, too.
                              NULL: the log keeps its schemas itself, in its topic `_schemas` */
    int64_t now_ms;
} td_topics_conf;

/* Opens or creates all; registers our schemas and syncs them before any record can name them.
 * Errors: as the log's; TD_CORRUPT when `_schemas` is not ours; TD_CONFIG when the schemas of this log are not where
 * they are looked for. */
TD_CHECKED td_status td_topics_open_as(td_topics *out, const td_topics_conf *conf);
TD_CHECKED td_status td_topics_open(td_topics *out, td_log *log, uint32_t partitions, int64_t now_ms);
/* The same, of a log that another process makes: nothing is made or registered. TD_AGAIN: not all of it is there yet.
 */
TD_CHECKED td_status td_topics_open_made(td_topics *out, const td_topics_conf *conf);
/* When the log was made, by which it is told from others: a copy of its folder is the same. TD_NONE: its schemas are in
 * a registry elsewhere, and nobody knows. Errors: as the log's. */
TD_CHECKED td_status td_topics_made(const td_topics *topics, int64_t *out_ms);
/* The topics of a log that is open for reading, but `_inputs`: nothing is made, registered or written. Outputs that an
 * older version did not know are NULL. TD_CONFIG when there is no tape. */
TD_CHECKED td_status td_topics_open_to_read_as(td_topics *out, const td_topics_conf *conf);
TD_CHECKED td_status td_topics_open_to_read(td_topics *out, td_log *log);
/* All topics of a new log for a tape like that of `from`: with its schemas and the bodies of its programs. TD_CONFIG
 * when the log is not new. */
TD_CHECKED td_status td_topics_open_copy(td_topics *out, td_log *log, const td_topics *from, int64_t now_ms);

/* Into the topic `_schemas` of a log whose records keep the ids that a registry elsewhere gave: what they mean, as far
 * as it is not there. Errors: as the log's; TD_CONFIG: it has them otherwise. */
TD_CHECKED td_status td_topics_keep_schemas(td_log *log, const td_schema_ids *ids, int64_t now_ms);

/* What sinks may take: the outputs, then `rejected`. NULL: there is no such topic. */
enum { TD_DELIVERED_REJECTED = TD_OUTPUT_COUNT, TD_DELIVERED_COUNT };
static inline td_topic *td_topics_delivered(const td_topics *topics, int index) {
    return index == TD_DELIVERED_REJECTED ? topics->rejected : topics->outputs[index];
}

/* The one of that name; NULL: none of those that there are. */
const td_topic *td_topics_delivered_named(const td_topics *topics, const char *name);

/* What is published: a bit for each output from TD_OUTPUT_PUBLISHED on. */
static inline uint32_t td_topics_bit(td_output output) { return UINT32_C(1) << (output - TD_OUTPUT_PUBLISHED); }
/* The bit of the topic of that name; 0: nothing of that name is published. */
uint32_t td_topics_published(const char *name);
const char *td_topics_name(td_output output);
td_output td_topics_output_of(uint8_t event_kind); /* of an accepted trade, quote or news */
td_output td_topics_json_of(td_output output);     /* TD_OUTPUT_COUNT: it has none */

/* Behind one of those above, before others use the topics: opens or creates those that are to be published. */
TD_CHECKED td_status td_topics_publish(td_topics *topics, uint32_t published);
/* … without making any. TD_AGAIN: they are not all there yet. */
TD_CHECKED td_status td_topics_publish_made(td_topics *topics, uint32_t published);
/* … those that the log has. */
TD_CHECKED td_status td_topics_publish_again(td_topics *topics);

/* What the names of workers' writers begin with; the partition follows. */
#define TD_WORK_WRITER      "work-"
#define TD_TOPICS_SNAPSHOTS "_snapshots" /* the one that is compacted (TD_TOPIC_LATEST) */
/* How many partitions a topic of that name has where the tape has so many; 0: it is none of ours. */
uint32_t td_topics_partitions_of(const char *name, uint32_t partitions);

/* TD_TOPIC_OUTPUT: workers make its records of the tape. */
td_topic_role td_topics_role_of(const char *name);

typedef struct td_destination { /* of one record */
    td_writer
        *writer; /* NULL: one for the moment only, so that a process that finds all in place never takes its name */
    td_topic *topic;
    uint32_t partition;
    int64_t now_ms;
} td_destination;

TD_CHECKED td_status td_topics_put(const td_destination *to, td_bytes key, td_bytes value);
void td_topics_close(td_topics *topics); /* frees the registry; the log stays open */
/* Calls `each` with every record of partition 0 until it says other than TD_OK. */
typedef td_status (*td_topics_record_fn)(void *arg, const td_record *record);
TD_CHECKED td_status td_topics_each_record(td_topic *topic, td_topics_record_fn each, void *arg);
