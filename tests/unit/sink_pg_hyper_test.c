/* tests/unit/sink_pg_hyper_test.c - goal: the SQL names the tables, their instants and the extension's schema, whatever
 * it is called. What a server makes of it: tests/services/run_timescale.py. */
#include "base/time.h"
#include "sink/pg_hyper.h"
#include "unit.h"

static const td_table *trades = &td_tables[TD_TABLE_TRADES];

static void expect_sql(td_buf *sql, const char *wanted) {
    td_buf_put(sql, "", 1);
    assert_string_equal((const char *)sql->data, wanted);
    sql->size = 0;
}

static void expect_part(td_buf *sql, const char *wanted) {
    td_buf_put(sql, "", 1);
    if (strstr((const char *)sql->data, wanted) == NULL)
        fail_msg("\"%s\" has no \"%s\"", (const char *)sql->data, wanted);
    sql->size = 0;
}

static void tables_are_named(void **state) {
    (void)state;
    td_buf sql = {0};
    td_pg_put_hypertable(&sql, "a\"b", trades);
    expect_sql(&sql,
               "; select \"a\"\"b\".create_hypertable('trades', 'event_time', chunk_time_interval => interval '7 days',"
               " create_default_indexes => false)");
    td_pg_put_compression(&sql, "public", trades, 2 * TD_NS_PER_DAY);
    expect_sql(&sql, "; alter table trades set (timescaledb.compress, timescaledb.compress_segmentby = 'instrument',"
                     " timescaledb.compress_orderby = 'event_time, ord'); select \"public\".add_compression_policy("
                     "'trades', compress_after => interval '172800 s')");
    td_pg_put_drop_chunks(&sql, "public", trades, INT64_C(1772323200999999999));
    expect_sql(&sql, "do $$ begin set local lock_timeout = '1s'; perform \"public\".drop_chunks('trades', older_than =>"
                     " to_timestamp(1772323200)); exception when lock_not_available then null; end $$");
    td_buf_fini(&sql);
}

static void aggregates_are_of_trades_and_quotes(void **state) {
    (void)state;
    td_buf sql = {0};
    td_pg_put_aggregates(&sql, "ts", 0);
    expect_part(&sql,
                "; create materialized view trades_1m with (timescaledb.continuous, timescaledb.materialized_only ="
                " false) as select instrument, \"ts\".time_bucket(interval '1 minute', event_time) as start_time,"
                " \"ts\".first(price, event_ns) as open,");
    td_pg_put_aggregates(&sql, "ts", 0);
    expect_part(&sql,
                " from quotes group by 1, 2 with no data; select \"ts\".add_continuous_aggregate_policy('quotes_1m',"
                " start_offset => null,");
    td_pg_put_aggregates(&sql, "ts", 30 * TD_NS_PER_DAY); /* rows that have gone stay counted */
    expect_part(&sql, "'trades_1m', start_offset => interval '2592000 s',");
    td_pg_put_aggregates(&sql, "ts", 1); /* the server wants some minutes at least */
    expect_part(&sql, "'trades_1m', start_offset => interval '3600 s',");
    td_pg_put_aggregates_probe(&sql);
    expect_part(&sql, "string_agg(', ' || view_name, '')");
    td_pg_put_aggregates_probe(&sql);
    expect_part(&sql, " and view_name in ('trades_1m', 'quotes_1m')");
    td_buf_fini(&sql);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_are_named),
        cmocka_unit_test(aggregates_are_of_trades_and_quotes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
