/* src/sink/pg_tables.c - tables of results in PostgreSQL: exact numbers, instants as timestamptz beside nanoseconds. */
#include "sink/pg_tables.h"
#include <stdio.h>

/* What is the same for a bar's earlier rows. */
#define SAME_VENDOR_BAR(of)                                                                                            \
    of ".instrument = s.instrument and " of ".width_ns = s.width_ns and " of ".start_ns = s.start_ns and " of          \
       ".feed = s.feed and " of ".adjusted = s.adjusted and " of ".src_offset < s.src_offset"
#define LAST_SAID(table, of)                                                                                           \
    "(select " of ".end_ns, " of ".open, " of ".high, " of ".low, " of ".close, " of ".volume, " of                    \
    ".src_offset from " table " as " of " where " SAME_VENDOR_BAR(of) " order by " of ".src_offset desc limit 1)"

/* Not when the vendor said just that last, be it in this batch or before. */
static const char vendor_said_that[] =
    " where not exists (select 1 from (select * from (" LAST_SAID("vendor_bars", "t") " union all " //
    LAST_SAID("pg_temp.tapedeck_vendor_bars",
              "p") ") as both_said order by src_offset desc limit 1) as last"
                   " where last.end_ns = s.end_ns and last.open = s.open and last.high = s.high and last.low = s.low"
                   " and last.close = s.close and last.volume is not distinct from s.volume)";

/* What people look at has the newest of each. */
static const char *const newest_only[TD_TABLE_COUNT] = {
    [TD_TABLE_BARS] = " where not exists (select 1 from bars as n where n.instrument = b.instrument"
                      " and n.width_ns = b.width_ns and n.start_ns = b.start_ns and n.revision > b.revision)",
    [TD_TABLE_GAPS] = " where not exists (select 1 from gaps as n where n.instrument = b.instrument"
                      " and n.number = b.number and n.src_offset > b.src_offset)",
    [TD_TABLE_VENDOR_BARS] =
        " where not exists (select 1 from vendor_bars as n where n.instrument = b.instrument"
        " and n.width_ns = b.width_ns and n.start_ns = b.start_ns and n.feed = b.feed and n.adjusted = b.adjusted"
        " and n.src_offset > b.src_offset)",
};

/* The version that has brought a table and its view; those of the first are there in any. */
static const int brought_by[TD_TABLE_COUNT] = {
    [TD_TABLE_TRADES] = 2,     [TD_TABLE_QUOTES] = 2,   [TD_TABLE_LATEST] = 2,
    [TD_TABLE_QUARANTINE] = 3, [TD_TABLE_REJECTED] = 3, [TD_TABLE_INSTRUMENTS] = 4};
enum { ORDERS_BROUGHT_BY = 5 };

static const char *type_of(const td_column *column) {
    static const char *const types[] = {
        [TD_COLUMN_TEXT] = "text",    [TD_COLUMN_INT] = "bigint",     [TD_COLUMN_SMALL] = "integer",
        [TD_COLUMN_FLAG] = "boolean", [TD_COLUMN_INSTANT] = "bigint", [TD_COLUMN_DECIMAL] = "numeric",
        [TD_COLUMN_BYTES] = "bytea"};
    return types[column->type];
}

/* "name type not null", of an INSTANT two. */
static void put_definition(td_buf *out, const td_column *column) {
    const char *not_null = column->optional ? "" : " not null";
    td_buf_printf(out, "%s %s%s", column->name, type_of(column), not_null);
    if (column->instant != NULL) td_buf_printf(out, ", %s timestamptz%s", column->instant, not_null);
}

static void put_definitions(td_buf *out, const td_table *table) {
    for (size_t i = 0; i < table->column_count; i++) {
        if (i > 0) td_buf_text(out, ", ");
        put_definition(out, &table->columns[i]);
    }
}

/* By what a table is divided its key has to have. */
static const char *key_name(const td_table *table, const td_column *column) {
    if (!column->key) return NULL;
    return table->by_time && column->instant != NULL ? column->instant : column->name;
}

static void put_key(td_buf *out, const td_table *table) {
    const char *comma = "";
    for (size_t i = 0; i < table->column_count; i++) {
        const char *name = key_name(table, &table->columns[i]);
        if (name == NULL) continue;
        td_buf_printf(out, "%s%s", comma, name);
        comma = ", ";
    }
}

static void put_parts(td_buf *out, const td_table *table) {
    for (size_t i = 0; table->by_time && i < table->column_count; i++)
        if (table->columns[i].key && table->columns[i].instant != NULL)
            td_buf_printf(out, " partition by range(%s)", table->columns[i].instant);
}

/* What an older program's rows have in a column that came later is said beside it. */
static void put_later_columns(td_buf *out, const td_table *table) {
    for (size_t i = 0; i < table->column_count; i++) {
        const td_column *column = &table->columns[i];
        if (column->before == NULL) continue;
        td_buf_printf(out, "alter table %s add column if not exists %s %s not null default '%s';", table->name,
                      column->name, type_of(column), column->before);
    }
}

/* ---- views ---- */

/* Statements that give again what was given of a view and of its columns. */
#define GRANTS_SQL                                                                                                     \
    "select array_agg(format('grant %%s%%s on %%I to %%s%%s', privilege_type, columns, '%s', case grantee when 0 then" \
    " 'public' else quote_ident(pg_get_userbyid(grantee)) end, case when is_grantable then ' with grant option'"       \
    " else '' end)) from (select a.*, '' as columns from pg_class, aclexplode(relacl) as a where oid = '%s'::regclass" \
    " union all select a.*, format('(%%I)', attname) from pg_attribute, aclexplode(attacl) as a"                       \
    " where attrelid = '%s'::regclass) as given"

/* What the view selects follows, then end_view(). One that is ours is replaced; its name in a stranger's use is an
 * error of the server's. */
static void begin_view(td_buf *out, const char *name, bool ours) {
    if (ours)
        td_buf_printf(out, "do $do$ declare made text := $view$view %s as ", name);
    else
        td_buf_printf(out, "create view %s as ", name);
}

/* So grants stay, and what others have built upon it; where its columns are others, only the grants, and what others
 * have built stops it. */
static void end_view(td_buf *out, const char *name, bool ours) {
    if (ours)
        td_buf_printf(out,
                      "$view$; given text[]; command text; begin execute 'create or replace ' || made;"
                      " exception when invalid_table_definition then given := (" GRANTS_SQL ");"
                      " drop view %s; execute 'create ' || made;"
                      " foreach command in array coalesce(given, '{}') loop execute command; end loop; end $do$",
                      name, name, name, name);
    td_buf_text(out, ";");
}

/* One row of each instrument. */
static void put_latest_view(td_buf *out) {
    static const char *const of_quotes[] = {"bid_price", "bid_size", "ask_price", "ask_size"};
    td_buf_text(out,
                "select instrument, " TD_LATEST_SQL("price") "::double precision as price,"
                                                             " max(size)::double precision as size, " TD_LATEST_SQL(
                                                                 "event_time") " as event_time");
    for (size_t i = 0; i < sizeof of_quotes / sizeof of_quotes[0]; i++)
        td_buf_printf(out, ", max(%s)::double precision as %s", of_quotes[i], of_quotes[i]);
    td_buf_text(out, ", max(event_time) filter (where kind = 'quote') as quote_time from latest group by instrument");
}

static void put_instruments_view(td_buf *out) {
    td_buf_text(out, "select instrument, venue, symbol, first_time, (select"
                     " max(event_time) from latest as l where l.instrument = i.instrument) as last_time"
                     " from instruments as i");
}

/* What of the key the view shows otherwise is there as it is, too, for queries that go by the key. */
static void put_key_columns(td_buf *out, const td_table *table) {
    for (size_t i = 0; i < table->column_count; i++) {
        const td_column *column = &table->columns[i];
        const char *name = key_name(table, column);
        if (name != column->name) continue;
        if (column->instant != NULL || strcmp(name, "width_ns") == 0) td_buf_printf(out, ", %s", name);
    }
}

/* Doubles and times, without places in the log. */
static void put_table_view(td_buf *out, td_table_id id) {
    const td_table *table = &td_tables[id];
    const char *comma = "select ";
    for (size_t i = 0; i < table->column_count; i++) {
        const td_column *column = &table->columns[i];
        if (strncmp(column->name, "src_", 4) == 0) continue;
        td_buf_text(out, comma);
        comma = ", ";
        if (strcmp(column->name, "width_ns") == 0)
            td_buf_text(out, TD_WIDTH_SQL("trim_scale((width_ns - 2000000000000000000) / 100000000.0)") " as width");
        else if (column->instant != NULL)
            td_buf_text(out, column->instant);
        else if (column->type == TD_COLUMN_DECIMAL)
            td_buf_printf(out, "%s::double precision as %s", column->name, column->name);
        else if (column->type == TD_COLUMN_BYTES)
            td_buf_printf(out, "encode(%s, 'escape') as %s", column->name, column->name);
        else
            td_buf_text(out, column->name);
    }
    if (id == TD_TABLE_QUARANTINE) td_buf_text(out, ", src_partition || '/' || src_offset as place");
    put_key_columns(out, table); /* last: a view that is there can get them */
    td_buf_printf(out, " from %s as b%s", table->name, newest_only[id] != NULL ? newest_only[id] : "");
}

static void put_view(td_buf *out, td_table_id id, int version) {
    char name[32];
    bool ours = version >= brought_by[id];
    (void)snprintf(name, sizeof name, "%s_view", td_tables[id].name);
    begin_view(out, name, ours);
    if (id == TD_TABLE_LATEST)
        put_latest_view(out);
    else if (id == TD_TABLE_INSTRUMENTS)
        put_instruments_view(out);
    else
        put_table_view(out, id);
    end_view(out, name, ours);
}

/* What people ask of an instrument's decisions; there are few of them, so that an index takes no time from their rows.
 */
static void put_indexes(td_buf *out, const char *there) {
    static const td_table_id of[] = {TD_TABLE_SIGNALS, TD_TABLE_FILLS};
    for (size_t i = 0; i < sizeof of / sizeof of[0]; i++) {
        const char *name = td_tables[of[i]].name;
        td_buf_printf(out, "create index%s %s_by_time on %s(instrument, event_time desc);", there, name, name);
    }
}

static void put_orders(td_buf *out, int version) {
    bool ours = version >= ORDERS_BROUGHT_BY;
    begin_view(out, "orders", ours);
    td_buf_text(out, TD_ORDERS_SQL("trim_scale(abs(target - held))", "ordered_time, filled_time, ",
                                   "s.event_time as ordered_time, f.event_time as filled_time, "));
    end_view(out, "orders", ours);
    begin_view(out, "orders_view", ours);
    td_buf_text(out, "select signal, strategy, instrument, action, side,"
                     " quantity::double precision as quantity, target::double precision as target, state, ordered_time,"
                     " filled_time, price::double precision as price, fill from orders");
    end_view(out, "orders_view", ours);
}

#define TICKS_OF(table) "from " table " as t where t.instrument = l.instrument"
/* By the key, which has microseconds. */
#define FIRST_TICK(table)                                                                                              \
    "(select min(t.event_ns) " TICKS_OF(table) " and t.event_time = (select min(t.event_time) " TICKS_OF(table) "))"

/* What an older program wrote says since when its instruments are there. */
static void put_older_instruments(td_buf *out) {
    td_buf_text(out, "insert into instruments(instrument, venue, symbol, first_ns, first_time) " TD_INSTRUMENTS_SQL(
                         "instrument, split_part(instrument, ':', 1), substr(instrument, strpos(instrument, ':') + 1),"
                         " first_ns, timestamptz 'epoch' + floor(first_ns / 1000.0) * interval '1 us'",
                         FIRST_TICK) " on conflict (instrument) do nothing;");
}

static const char *unless_there(bool may_be) { return may_be ? " if not exists" : ""; }

void td_pg_put_tables(td_buf *out, int version, td_pg_large large) {
    bool older = version > TD_PG_NO_TABLES;
    const char *there = unless_there(older);
    for (int i = 0; i < TD_TABLE_COUNT; i++) {
        const td_table *table = &td_tables[i];
        td_buf_printf(out, "create table%s %s(", unless_there(version >= brought_by[i]), table->name);
        put_definitions(out, table);
        td_buf_text(out, ", primary key(");
        put_key(out, table);
        td_buf_text(out, "))");
        if (large == TD_PG_BY_MONTHS) put_parts(out, table);
        td_buf_text(out, ";");
        if (older) put_later_columns(out, table);
        put_view(out, (td_table_id)i, version);
    }
    put_indexes(out, there);
    put_orders(out, version);
    if (older) put_older_instruments(out);
    td_buf_printf(out,
                  "create table%s positions(topic text not null, partition integer not null, epoch integer not null,"
                  " next_offset bigint not null, primary key(topic, partition));",
                  there);
    td_buf_printf(out,
                  "create table%s tapedeck_schema(version integer not null); delete from tapedeck_schema;"
                  " insert into tapedeck_schema values(%d)",
                  there, TD_PG_SCHEMA_VERSION);
}

void td_pg_put_stage(td_buf *out, const td_table *table) {
    td_buf_printf(out, "create temporary table if not exists tapedeck_%s(", table->name);
    put_definitions(out, table);
    td_buf_printf(out, ") on commit delete rows; create index if not exists tapedeck_%s_key on pg_temp.tapedeck_%s(",
                  table->name, table->name);
    put_key(out, table);
    td_buf_text(out, ")");
}

static void put_copy_into(td_buf *out, const char *where, const td_table *table) {
    td_buf_printf(out, "copy %s%s(", where, table->name);
    td_table_put_columns(table, true, out);
    td_buf_text(out, ") from stdin (format binary)");
}

void td_pg_put_copy(td_buf *out, const td_table *table) { put_copy_into(out, "pg_temp.tapedeck_", table); }
void td_pg_put_direct_copy(td_buf *out, const td_table *table) { put_copy_into(out, "", table); }

/* COPY takes bytes for what the table's types say they are: those of a bigint would be some double. */
void td_pg_put_types_probe(td_buf *out, const td_table *table) {
    td_buf_printf(out,
                  "lock table only %s in access share mode; select 1 where not exists (select 1 from pg_attribute as t"
                  " join pg_attribute as s using (attname) where t.attrelid = '%s'::regclass"
                  " and s.attrelid = 'pg_temp.tapedeck_%s'::regclass and t.attnum > 0 and t.atttypid <> s.atttypid)",
                  table->name, table->name, table->name);
}

static void put_new_value(td_buf *out, const char *name, const char *key, const char **comma) {
    if (name == NULL || (key != NULL && strcmp(name, key) == 0)) return;
    td_buf_printf(out, "%s%s = excluded.%s", *comma, name, name);
    *comma = ", ";
}

/* What of the row that is there already becomes what the new one says. */
static void put_replacement(td_buf *out, td_table_id id) {
    const td_table *table = &td_tables[id];
    const char *comma = "";
    td_buf_text(out, " on conflict (");
    put_key(out, table);
    td_buf_text(out, ") do update set ");
    for (size_t i = 0; i < table->column_count; i++) {
        const td_column *column = &table->columns[i];
        const char *key = key_name(table, column);
        put_new_value(out, column->name, key, &comma);
        put_new_value(out, column->instant, key, &comma);
    }
    if (table->stays != NULL) td_buf_text(out, table->stays);
}

static bool has_source(const td_table *table) {
    for (size_t i = 0; i < table->column_count; i++)
        if (strcmp(table->columns[i].name, "src_offset") == 0) return true;
    return false;
}

/* REPLACE in SQLite's words: of rows with one key the last in the log stays, also within a batch. */
void td_pg_put_merge(td_buf *out, td_table_id id) {
    const td_table *table = &td_tables[id];
    td_buf_printf(out, "insert into %s(", table->name);
    td_table_put_columns(table, true, out);
    td_buf_text(out, ") select distinct on (");
    put_key(out, table);
    td_buf_text(out, ") ");
    td_table_put_columns(table, true, out);
    td_buf_printf(out, " from pg_temp.tapedeck_%s as s%s order by ", table->name,
                  id == TD_TABLE_VENDOR_BARS ? vendor_said_that : "");
    put_key(out, table);
    if (has_source(table)) td_buf_text(out, ", src_offset desc");
    put_replacement(out, id);
}

void td_pg_put_probe(td_buf *out, const td_table *table) {
    td_buf_text(out, "select ");
    td_table_put_columns(table, true, out);
    td_buf_printf(out, " from %s limit 0", table->name);
}
