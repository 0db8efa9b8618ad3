/* src/sink/cassandra_tables.h - the tables that results have in Cassandra, and rows as values for them. A row's key
 * holds where its record is, or names the record alone; so to write it again leaves one copy. Partitions are an
 * instrument's day, or its year where few rows are told; what is newest comes first. Instants are `timestamp`, of
 * milliseconds, in keys, and exact beside them in `…_ns`. Pure; no connection. */
#pragma once
#include "net/cql_frame.h"
#include "sink/sink.h"

typedef enum td_cassandra_table {
    TD_CASSANDRA_BARS,
    TD_CASSANDRA_SIGNALS,
    TD_CASSANDRA_TRADE_LOG, /* fills */
    TD_CASSANDRA_GAPS,
    TD_CASSANDRA_VENDOR_BARS,
    TD_CASSANDRA_TICKS,        /* published trades */
    TD_CASSANDRA_BOOK_UPDATES, /* published quotes */
    TD_CASSANDRA_NEWS,
    TD_CASSANDRA_QUARANTINE,
    TD_CASSANDRA_REJECTED,
    TD_CASSANDRA_LATEST,
    TD_CASSANDRA_POSITIONS,
    TD_CASSANDRA_TABLES,
} td_cassandra_table;

typedef struct td_cassandra_partition { /* of a row */
    td_cassandra_table table;
    td_bytes instrument; /* borrowed from the row; of REJECTED the feed */
    int64_t width_ns;    /* 0: not of the key */
    int32_t bucket;      /* a day since 1970-01-01, or a year */
} td_cassandra_partition;

typedef struct td_cassandra_form { /* of tables that are made */
    const char *keyspace;
    int64_t ttl_s;     /* 0: rows stay */
    int64_t window_ns; /* of TimeWindowCompactionStrategy */
} td_cassandra_form;

const char *td_cassandra_table_name(td_cassandra_table table);
/* Statements, each appended. `name`: of the table, which has that one's columns. */
void td_cassandra_put_create(td_buf *out, const td_cassandra_form *form, td_cassandra_table table, const char *name);
void td_cassandra_put_insert(td_buf *out, const char *keyspace, td_cassandra_table table, const char *name);
uint32_t td_cassandra_marks(td_cassandra_table table); /* how many values the insert takes */
uint32_t td_cassandra_keys(td_cassandra_table table);  /* how many of them, the first, make the partition's key */

/* By instrument, width and bucket. */
int td_cassandra_partition_compare(const td_cassandra_partition *a, const td_cassandra_partition *b);
td_cassandra_partition td_cassandra_partition_of(const td_sink_row *row);
/* All values of the insert, behind what is there. `partition`: of the log. */
void td_cassandra_add_row(td_cql_values *out, const td_cassandra_partition *to, uint32_t partition,
                          const td_sink_row *row);

typedef struct td_cassandra_latest { /* the last price of an instrument */
    int64_t event_ns, price, size;   /* size TD_NONE: of a bar */
    int64_t ord;
    int64_t stamp; /* the time of its write, by which the store settles what is newer; TD_NONE: it was not written */
} td_cassandra_latest;

/* The least release whose tables can be as these: 3.0.8. False: this one is older, or none. */
bool td_cassandra_serves(td_bytes release);

/* False: the row says none. */
bool td_cassandra_latest_of(const td_sink_row *row, td_cassandra_latest *out);
/* Where `next` is not older than what is known, it is known from then on. Its stamp is its event time or, where
 * something was written with that, the next one: no two that differ have the same, and nodes' clocks say nothing. */
bool td_cassandra_latest_take(td_cassandra_latest *known, const td_cassandra_latest *next);
void td_cassandra_add_latest(td_cql_values *out, td_bytes instrument, const td_cassandra_latest *latest);
