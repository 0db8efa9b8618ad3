/* src/sink/sink.h - where results go. A sink belongs to one deliver thread and keeps, with its data, its position in
 * each partition it was given: in the same transaction or, where the store has none, behind rows that are there for
 * good and of which the same again leave one copy. It never retries: TD_RETRY says that the outside broke and that the
 * position stands where it stood. */
#pragma once
#include "base/option.h"
#include "log/log.h"
#include "model/bar.h"
#include "model/fill.h"
#include "model/gap.h"
#include "model/refusal.h"
#include "model/signal.h"

typedef struct td_sink_refusal {
    uint8_t reason, missed_count; /* td_reason */
    int64_t missed_width_ns[TD_WIDTHS_MAX];
    int64_t known_at_ns;
} td_sink_refusal;

typedef struct td_sink_row { /* borrowed until write returns */
    enum {
        TD_ROW_BAR,
        TD_ROW_SIGNAL,
        TD_ROW_GAP,
        TD_ROW_VENDOR_BAR,
        TD_ROW_FILL,
        TD_ROW_PUBLISHED,
        TD_ROW_QUARANTINED,
        TD_ROW_REJECTED, /* of no instrument */
    } kind;
    td_bytes instrument;
    td_position source; /* this record's own place in its topic */
    int64_t appended_ms;
    union { /* of its own kind alone */
        td_bar bar;
        td_signal signal;
        td_gap gap;
        td_fill fill;
        td_rejected rejected;
        td_sink_refusal refusal; /* QUARANTINED: why */
    };
    td_event event;      /* VENDOR_BAR, PUBLISHED, QUARANTINED, */
    td_bytes feed;       /* and whose it is */
    int64_t tape_offset; /* PUBLISHED, QUARANTINED: of what was published, or refused */
    td_bytes json;       /* all of it, in one line, for a sink that asks for it */
} td_sink_row;

typedef struct td_sink_conf {
    char *name; /* default: the kind, then kind-2, … */
    char *file; /* sqlite */
    /* kafka */
    char *topic;   /* a template */
    td_texts of;   /* names of outputs; none: those that every sink takes */
    char *brokers; /* unset, with the next two: as the log's */
    char *prefix;
    td_texts properties;
    char *password, *password_file; /* of postgres, too */
    int64_t partitions, replicas, retain_ns;
    char *url, *schema; /* postgres, with the next two */
    int hypertables;    /* of its choices: 0 is auto */
    int64_t compress_after_ns;
    /* cassandra; with replicas and password */
    td_texts nodes;
    char *keyspace, *datacenter, *user, *ca, *symbol_table;
    bool tls, compress;
    int consistency;
    int64_t in_flight, ttl_ns, window_ns;
    char *dir; /* parquet and avro, with the next */
    int64_t close_after_ns;
    int64_t row_group, memory_bytes; /* parquet */
    int64_t block_bytes;             /* avro */
    int codec;
} td_sink_conf;

typedef struct td_sink_place { /* where a sink is to go on */
    const char *topic;
    uint32_t partition;
    td_position at;
} td_sink_place;

typedef struct td_sink_ops {
    const char *kind; /* "sqlite" */
    const td_option *options;
    bool as_json; /* rows have their text */
    /* Of one write; 0: 4096. Else more, where each write has a price of its own, as long as they are taken soon; after
     * a write that failed and left the position where it was, fewer of the same come. */
    size_t rows_most;
    bool takes_quarantine, takes_rejected; /* unless `of` says otherwise */
    TD_CHECKED td_status (*open)(void **out, const td_os *os, const td_sink_conf *conf);
    /* Where this sink is in (topic, partition): the next record it has not got. {-1, 0} when it has none yet. */
    TD_CHECKED td_status (*position)(void *sink, const char *topic, uint32_t partition, td_position *out);
    /* Writes all rows, there may be none, and the position behind them: all or nothing, or the position last (as told
     * above). The same rows again leave one copy. TD_CORRUPT: what the sink keeps of that partition is damaged, and
     * takes no more. */
    TD_CHECKED td_status (*write)(void *sink, const char *topic, uint32_t partition, const td_sink_row *rows,
                                  size_t row_count, td_position next);
    /* Sets positions back, so that what is behind them comes again; `empties`: all rows and all other positions go. All
     * or nothing or, where the store has no transactions, the positions first: none is ahead of its rows. NULL: what
     * was written stays, and what comes again would be there twice. */
    TD_CHECKED td_status (*reset)(void *sink, const td_sink_place *places, size_t count, bool empties);
    /* TD_OK: it works as it is meant to. TD_RETRY: it works on, and tries itself whether it can do so as it is meant to
     * again; the trail says what is not. NULL: it always works as it is meant to. */
    TD_CHECKED td_status (*look)(const void *sink);
    /* As the run ends: writes what readers of the store do not have yet of rows that it was given. Whatever fails,
     * those are kept, and written when the next run ends. NULL: it holds none back. */
    TD_CHECKED td_status (*finish)(void *sink);
    void (*close)(void *sink); /* cannot fail; accepts NULL */
} td_sink_ops;

extern const td_sink_ops td_sink_avro, td_sink_cassandra, td_sink_kafka, td_sink_parquet, td_sink_postgres,
    td_sink_sqlite;
