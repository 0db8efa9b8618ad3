/* src/sink/pg_parts.c - months of PostgreSQL's tables. */
#include "sink/pg_parts.h"
#include "base/time.h"
#include <stdlib.h>

int32_t td_pg_month_of(int64_t ns) {
    char text[40]; /* "2026-11-…" */
    (void)td_time_format(ns, text);
    return atoi(text) * 12 + atoi(text + 5) - 1;
}

int64_t td_pg_month_start(int32_t month) {
    int64_t days = td_days_from_civil(month / 12, month % 12 + 1, 1), ns;
    if (__builtin_mul_overflow(days, TD_NS_PER_DAY, &ns)) return days < 0 ? INT64_MIN : INT64_MAX;
    return ns;
}

/* "trades_2026_11": in the order of time. */
static void put_name(td_buf *out, const td_table *table, int32_t month) {
    td_buf_printf(out, "%s_%04d_%02d", table->name, month / 12, month % 12 + 1);
}

static void put_instant(td_buf *out, int32_t month) {
    td_buf_printf(out, "('%04d-%02d-01 00:00:00+00')", month / 12, month % 12 + 1);
}

void td_pg_put_part_probe(td_buf *out, const td_table *table, int32_t month) {
    td_buf_printf(out, "select 1 from pg_inherits where inhparent = '%s'::regclass and inhrelid = to_regclass('",
                  table->name);
    put_name(out, table, month);
    td_buf_text(out, "')");
}

/* A part that is made of its table at once would wait for whoever reads it. */
void td_pg_put_part(td_buf *out, const td_table *table, int32_t month) {
    td_buf_text(out, "begin; create table ");
    put_name(out, table, month);
    td_buf_printf(out, "(like %s including all); alter table %s attach partition ", table->name, table->name);
    put_name(out, table, month);
    td_buf_text(out, " for values from ");
    put_instant(out, month);
    td_buf_text(out, " to ");
    put_instant(out, month + 1);
    td_buf_text(out, "; commit");
}

void td_pg_put_old_part(td_buf *out, const td_table *table, int32_t month, const char *last) {
    td_buf_printf(out,
                  "select c.oid, c.relname from pg_inherits join pg_class c on c.oid = inhrelid"
                  " where inhparent = '%s'::regclass and c.relname ~ '^%s_[0-9]{4}_[0-9]{2}$' and c.relname < '",
                  table->name, table->name);
    put_name(out, table, month);
    td_buf_printf(out, "' and c.relname > '%s' order by c.relname limit 1", last);
}

void td_pg_put_drop_part(td_buf *out, const char *number) {
    td_buf_printf(out, "do $$ begin set local lock_timeout = '1s'; execute 'drop table ' || %s::regclass; end $$",
                  number);
}
