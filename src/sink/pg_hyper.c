/* src/sink/pg_hyper.c - tables of TimescaleDB. */
#include "sink/pg_hyper.h"
#include "base/time.h"
#include "sink/pg_server.h"
#include <inttypes.h>

/* Each is the table's name with _1m behind it. */
static const struct {
    td_table_id of;
    const char *columns; /* %1 stands for the extension's schema */
} aggregates[] = {
    {TD_TABLE_TRADES, "%1.first(price, event_ns) as open, max(price) as high, min(price) as low,"
                      " %1.last(price, event_ns) as close, sum(size) as volume, sum(price * size) as notional,"
                      " count(*) as trade_count"},
    {TD_TABLE_QUOTES, "%1.last(bid_price, event_ns) as bid_price, %1.last(ask_price, event_ns) as ask_price,"
                      " avg(ask_price - bid_price) as spread, count(*) as quote_count"},
};
enum { AGGREGATES = sizeof aggregates / sizeof aggregates[0] };

static const td_column *instant_of(const td_table *table) {
    const td_column *column = table->columns;
    while (!column->key || column->instant == NULL) column++; /* one by time has it */
    return column;
}

static void put_seconds(td_buf *out, int64_t ns) { td_buf_printf(out, "interval '%" PRId64 " s'", ns / TD_NS_PER_S); }

void td_pg_put_hyper_probe(td_buf *out) {
    td_buf_text(out, "select nspname, current_setting('timescaledb.license', true) from pg_extension"
                     " join pg_namespace as n on n.oid = extnamespace where extname = 'timescaledb'");
}

void td_pg_put_hypertable(td_buf *out, const char *at, const td_table *table) {
    td_buf_text(out, "; select ");
    td_pg_put_name(out, at);
    td_buf_printf(out,
                  ".create_hypertable('%s', '%s', chunk_time_interval => interval '7 days',"
                  " create_default_indexes => false)",
                  table->name, instant_of(table)->instant);
}

void td_pg_put_compression(td_buf *out, const char *at, const td_table *table, int64_t after_ns) {
    const char *time = instant_of(table)->instant;
    td_buf_printf(out,
                  "; alter table %s set (timescaledb.compress, timescaledb.compress_segmentby = 'instrument',"
                  " timescaledb.compress_orderby = '%s, ord'); select ",
                  table->name, time);
    td_pg_put_name(out, at);
    td_buf_printf(out, ".add_compression_policy('%s', compress_after => ", table->name);
    put_seconds(out, after_ns);
    td_buf_text(out, ")");
}

static void put_columns(td_buf *out, const char *at, const char *columns) {
    for (const char *c = columns; *c != '\0'; c++) {
        if (strncmp(c, "%1", 2) != 0) {
            td_buf_put(out, c, 1);
            continue;
        }
        td_pg_put_name(out, at);
        c++;
    }
}

/* Refreshed from where rows stay on: what has gone would be taken out. */
static void put_policy(td_buf *out, const char *at, const char *table, int64_t retain_ns) {
    td_buf_text(out, "; select ");
    td_pg_put_name(out, at);
    td_buf_printf(out, ".add_continuous_aggregate_policy('%s_1m', start_offset => ", table);
    if (retain_ns > 0)
        put_seconds(out, td_most(retain_ns, TD_NS_PER_HOUR)); /* of a few minutes the server would refuse it */
    else
        td_buf_text(out, "null");
    td_buf_text(out, ", end_offset => interval '2 minutes', schedule_interval => interval '10 minutes')");
}

void td_pg_put_aggregates(td_buf *out, const char *at, int64_t retain_ns) {
    for (size_t i = 0; i < AGGREGATES; i++) {
        const td_table *table = &td_tables[aggregates[i].of];
        td_buf_printf(out,
                      "; create materialized view %s_1m with (timescaledb.continuous,"
                      " timescaledb.materialized_only = false) as select instrument, ",
                      table->name);
        td_pg_put_name(out, at);
        td_buf_printf(out, ".time_bucket(interval '1 minute', %s) as start_time, ", instant_of(table)->instant);
        put_columns(out, at, aggregates[i].columns);
        td_buf_printf(out, " from %s group by 1, 2 with no data", table->name);
        put_policy(out, at, table->name, retain_ns);
    }
}

void td_pg_put_aggregates_probe(td_buf *out) {
    td_buf_text(out, "select string_agg(', ' || view_name, '') from timescaledb_information.continuous_aggregates"
                     " where view_schema = current_schema() and view_name in (");
    for (size_t i = 0; i < AGGREGATES; i++)
        td_buf_printf(out, "%s'%s_1m'", i > 0 ? ", " : "", td_tables[aggregates[i].of].name);
    td_buf_text(out, ")");
}

void td_pg_put_drop_chunks(td_buf *out, const char *at, const td_table *table, int64_t before_ns) {
    td_buf_text(out, "do $$ begin set local lock_timeout = '1s'; perform ");
    td_pg_put_name(out, at);
    td_buf_printf(out,
                  ".drop_chunks('%s', older_than => to_timestamp(%" PRId64 "));"
                  " exception when lock_not_available then null; end $$",
                  table->name, before_ns / TD_NS_PER_S);
}
