/* tests/unit/sink_pg_parts_test.c - goal: each instant is in the one month that holds it, as far as instants go, and
 * the SQL names that month and its bounds. */
#include "base/time.h"
#include "sink/pg_parts.h"
#include "unit.h"
#include <stdio.h>

static void each_instant_is_in_its_month(void **state) {
    (void)state;
    static const struct {
        int64_t ns;
        int year, month;
    } rows[] = {
        {0, 1970, 1},
        {-1, 1969, 12},
        {INT64_C(1772323199999999999), 2026, 2}, /* the last of it */
        {INT64_C(1772323200000000000), 2026, 3},
        {INT64_C(951782400000000000), 2000, 2}, /* the 29th */
        {INT64_MIN + 1, 1677, 9},
        {INT64_MAX, 2262, 4},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int32_t month = td_pg_month_of(rows[i].ns);
        ASSERT_ROW(month == rows[i].year * 12 + rows[i].month - 1, "%zu: %d", i, (int)month);
        ASSERT_ROW(td_pg_month_start(month) <= rows[i].ns, "%zu", i);
        ASSERT_ROW(td_pg_month_start(month + 1) > rows[i].ns || rows[i].ns == INT64_MAX, "%zu", i);
    }
}

static void expect_sql(td_buf *sql, const char *wanted) {
    td_buf_put(sql, "", 1);
    assert_string_equal((const char *)sql->data, wanted);
    sql->size = 0;
}

static void sql_names_the_month(void **state) {
    (void)state;
    td_buf sql = {0};
    const td_table *trades = &td_tables[TD_TABLE_TRADES];
    td_pg_put_part(&sql, trades, 2025 * 12 + 11);
    expect_sql(&sql,
               "begin; create table trades_2025_12(like trades including all); alter table trades attach partition "
               "trades_2025_12 for values from ('2025-12-01 00:00:00+00') to ('2026-01-01 00:00:00+00'); commit");
    td_pg_put_old_part(&sql, trades, 2026 * 12, "trades_2025_10");
    expect_sql(&sql,
               "select c.oid, c.relname from pg_inherits join pg_class c on c.oid = inhrelid where inhparent = "
               "'trades'::regclass and c.relname ~ '^trades_[0-9]{4}_[0-9]{2}$' and c.relname < 'trades_2026_01' and "
               "c.relname > 'trades_2025_10' order by c.relname limit 1");
    td_pg_put_drop_part(&sql, "17");
    expect_sql(&sql, "do $$ begin set local lock_timeout = '1s'; execute 'drop table ' || 17::regclass; end $$");
    td_buf_fini(&sql);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_instant_is_in_its_month),
        cmocka_unit_test(sql_names_the_month),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
