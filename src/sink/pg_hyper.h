/* src/sink/pg_hyper.h - large tables of PostgreSQL as hypertables, where the database has TimescaleDB: SQL that makes
 * them, compresses what is old, aggregates by minutes, and drops. `at` is the schema of the extension's functions. Of
 * its two licenses "timescale" has all of that, "apache" hypertables alone. Policies run on the server, by its clock;
 * what is in the tables does not depend on them. Pure. Thread: any. */
#pragma once
#include "sink/table.h"

/* A row with the extension's schema and license, where there is one. */
void td_pg_put_hyper_probe(td_buf *out);
/* The table, made just now, becomes one. */
void td_pg_put_hypertable(td_buf *out, const char *at, const td_table *table);
/* What is older than that is compressed. */
void td_pg_put_compression(td_buf *out, const char *at, const td_table *table, int64_t after_ns);
/* Trades and quotes by minutes, of rows that are there or were; right at once, and kept up by the server. Rows that go
 * when they are older than retain_ns stay counted; 0: none go. */
void td_pg_put_aggregates(td_buf *out, const char *at, int64_t retain_ns);
/* A row with the names of those that are there, each behind a comma. */
void td_pg_put_aggregates_probe(td_buf *out);
/* Chunks all of whose instants are before that one go, unless somebody has had one in use for a second. */
void td_pg_put_drop_chunks(td_buf *out, const char *at, const td_table *table, int64_t before_ns);
