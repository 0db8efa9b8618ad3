/* src/sink/sink_postgres.c - results as tables of a PostgreSQL database: a batch goes by binary COPY into its table, in
 * the same transaction as the position behind it. Where the server minds, as it does where a row of that key is there,
 * that is taken back, and the batch goes into a temporary table and from there into its own: what is there already is
 * replaced, so the same batch again, as after a commit whose answer was lost, leaves one copy.
 *
 * A session that failed in any way is given up, and the next call opens another: so the tables are looked at again, a
 * schema that somebody removed is made again, and position() tells where the database is, which a server that was
 * restored from a copy may have moved back. One session at a time writes into a schema: it holds a lock of the server's
 * until it ends.
 *
 * Errors: TD_RETRY (see pg_server.h; another session holds the lock); TD_CONFIG at open alone: what a running sink is
 * refused somebody may mend on the server. */
#include "base/hash.h"
#include "base/time.h"
#include "sink/firsts.h"
#include "sink/latest.h"
#include "sink/pg_copy.h"
#include "sink/pg_hyper.h"
#include "sink/pg_parts.h"
#include "sink/pg_server.h"
#include "sink/pg_tables.h"
#include "sink/retention.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { HYPERTABLES_AUTO, HYPERTABLES_OFF }; /* as `hypertables` has them */
enum { VERSION_LEAST = 130000, NAME_BYTES = 63, KNOWN_PARTS = 16, MERGES = 4, SENT_BYTES = 64 * 1024 };
/* A transaction waits for the disk and replaces the newest of each instrument: the more rows, the less of that each. */
enum { ROWS_MOST = 16384 };
enum { SWEEP_AGAIN_S = 60, TEXT_MAX = 512 };

typedef struct parts { /* of a table by time, as far as this session knows */
    int32_t known[KNOWN_PARTS];
    size_t known_count;
    int64_t from_ns, to_ns; /* of the one that the last row went to */
} parts;

typedef struct sweeping { /* of what retention lets go */
    bool due[TD_TABLE_COUNT];
    int64_t before_ns[TD_TABLE_COUNT];
    int64_t again_ns;         /* by the monotonic clock: not tried before that */
    char hindrance[TEXT_MAX]; /* why some of it is still there; "": nothing is */
} sweeping;

typedef struct postgres_sink {
    const td_os *os;
    const td_sink_conf *conf;
    td_pg *pg;                       /* NULL: there is no session */
    bool locked;                     /* it holds the schema */
    bool running;                    /* open() has found all as it should be, once */
    char timescale[TD_PG_VALUE_MAX]; /* schema of that extension's functions; "": the database has none */
    bool timescale_whole;            /* it has all of its functions */
    bool by_month[TD_TABLE_COUNT];   /* that table is in parts of ours */
    parts parts[TD_TABLE_COUNT];
    int merges_left[TD_TABLE_COUNT]; /* batches that are not tried by COPY alone: what was there comes again */
    td_latest_picks picks;
    td_firsts firsts;
    td_retention retention;
    sweeping sweep;
    td_buf sql, rows;
} postgres_sink;

/* ---- the session ---- */

static td_status run(postgres_sink *s, const char *doing, td_pg_answer *out) {
    td_buf_put(&s->sql, "", 1);
    td_status status = td_pg_run(s->pg, (const char *)s->sql.data, doing, out);
    s->sql.size = 0;
    return status;
}

static td_status run_text(postgres_sink *s, const char *sql, const char *doing, td_pg_answer *out) {
    s->sql.size = 0;
    td_buf_text(&s->sql, sql);
    return run(s, doing, out);
}

static td_status check_server(postgres_sink *s) {
    td_pg_answer answer;
    if (td_pg_version(s->pg) < VERSION_LEAST)
        return TD_FAIL(TD_CONFIG, "postgres: the server is of version %d; 13 is the least",
                       td_pg_version(s->pg) / 10000);
    td_status status = run_text(s, "show server_encoding", "ask for the encoding", &answer);
    if (status != TD_OK || strcmp(answer.values[0], "UTF8") == 0) return status;
    return TD_FAIL(TD_CONFIG, "postgres: the database's encoding is %s; make one with encoding 'UTF8'",
                   answer.values[0]);
}

/* The server ends by itself what would not end in time, and what belongs to a machine that is gone. */
static td_status set_session(postgres_sink *s) {
    s->sql.size = 0;
    td_buf_printf(&s->sql,
                  "set standard_conforming_strings = on; set client_min_messages = warning; set lock_timeout = %d;"
                  " set statement_timeout = %d; set idle_in_transaction_session_timeout = %d;"
                  " set tcp_keepalives_idle = 10; set tcp_keepalives_interval = 5; set tcp_keepalives_count = 3;"
                  " set search_path = ",
                  TD_PG_ANSWER_MS / 2, TD_PG_ANSWER_MS / 4 * 3, 2 * TD_PG_ANSWER_MS);
    td_pg_put_name(&s->sql, s->conf->schema);
    return run(s, "set the session up", NULL);
}

static td_status make_schema(postgres_sink *s) {
    td_pg_answer answer;
    s->sql.size = 0;
    td_buf_text(&s->sql, "select nspname from pg_namespace where nspname = ");
    td_pg_put_text(&s->sql, s->conf->schema);
    td_status status = run(s, "look for the schema", &answer);
    if (status != TD_OK || answer.count > 0) return status;
    td_buf_text(&s->sql, "create schema if not exists ");
    td_pg_put_name(&s->sql, s->conf->schema);
    return run(s, "make the schema", NULL);
}

/* TD_PG_NO_TABLES: no program of ours has been there. */
static td_status ask_version(postgres_sink *s, int *out) {
    td_pg_answer answer;
    *out = TD_PG_NO_TABLES;
    td_status status = run_text(s,
                                "select 1 from pg_class where relname = 'tapedeck_schema'"
                                " and relnamespace = (select oid from pg_namespace where nspname = current_schema())",
                                "look for the tables", &answer);
    if (status != TD_OK || answer.count == 0) return status;
    status = run_text(s, "select version from tapedeck_schema", "ask for the tables' version", &answer);
    if (status == TD_OK) *out = answer.count > 0 ? atoi(answer.values[0]) : 0;
    return status;
}

/* ---- hypertables ---- */

static td_status ask_timescale(postgres_sink *s) {
    td_pg_answer answer;
    s->sql.size = 0;
    td_pg_put_hyper_probe(&s->sql);
    td_status status = run(s, "look for extensions", &answer);
    if (status != TD_OK) return status;
    (void)snprintf(s->timescale, sizeof s->timescale, "%s", answer.count > 0 ? answer.values[0] : "");
    s->timescale_whole = answer.count > 0 && strcmp(answer.values[1], "apache") != 0;
    return TD_OK;
}

/* Of tables that were made in the same statements. */
static void put_hypertables(postgres_sink *s) {
    for (int i = 0; i < TD_TABLE_COUNT; i++) {
        const td_table *table = &td_tables[i];
        if (!table->by_time) continue;
        td_pg_put_hypertable(&s->sql, s->timescale, table);
        if (s->timescale_whole && s->conf->compress_after_ns > 0)
            td_pg_put_compression(&s->sql, s->timescale, table, s->conf->compress_after_ns);
    }
    if (s->timescale_whole) td_pg_put_aggregates(&s->sql, s->timescale, s->conf->retain_ns);
}

/* A table stays what it was made as. */
static td_status ask_parts(postgres_sink *s, td_table_id id) {
    td_pg_answer answer;
    if (!td_tables[id].by_time) return TD_OK;
    s->sql.size = 0;
    td_buf_printf(&s->sql, "select 1 from pg_class where oid = '%s'::regclass and relkind = 'p'", td_tables[id].name);
    td_status status = run(s, "ask how a table is kept", &answer);
    s->by_month[id] = status == TD_OK && answer.count > 0;
    return status;
}

/* ---- tables ---- */

/* Within a transaction that nobody else makes tables in. */
static td_status make_tables(postgres_sink *s) {
    int version;
    td_status status = ask_version(s, &version); /* again: somebody may have been faster */
    if (status != TD_OK || version >= TD_PG_SCHEMA_VERSION) return status;
    bool hyper = version == TD_PG_NO_TABLES && s->timescale[0] != '\0' && s->conf->hypertables == HYPERTABLES_AUTO;
    td_pg_put_tables(&s->sql, version, hyper ? TD_PG_WHOLE : TD_PG_BY_MONTHS);
    if (hyper) put_hypertables(s);
    return run(s, "make the tables", NULL);
}

/* The server's locks have two numbers for a name: what for, and the schema. */
enum { LOCK_TABLES = 0x7461706b, LOCK_ROWS = 0x7461706c };

static void put_lock(postgres_sink *s, const char *function, int what_for) {
    uint32_t schema = td_murmur2(td_text(s->conf->schema));
    td_buf_printf(&s->sql, "%s(%d, %" PRId32 ")", function, what_for, (int32_t)schema);
}

static td_status ensure_tables(postgres_sink *s) {
    int version;
    td_status status = ask_version(s, &version);
    if (status != TD_OK || version == TD_PG_SCHEMA_VERSION) return status;
    if (version > TD_PG_SCHEMA_VERSION)
        return TD_FAIL(TD_CONFIG,
                       "postgres: the tables of schema %s were written by a newer program (their version is %d, known "
                       "are up to %d); use that program or name another schema",
                       s->conf->schema, version, TD_PG_SCHEMA_VERSION);
    td_buf_text(&s->sql, "begin; select ");
    put_lock(s, "pg_advisory_xact_lock", LOCK_TABLES);
    status = run(s, "make the tables", NULL);
    if (status == TD_OK) status = make_tables(s);
    return status == TD_OK ? run_text(s, "commit", "make the tables", NULL) : status;
}

/* What would fail at the first row is told now. */
static td_status check_rights(postgres_sink *s, const char *table) {
    td_pg_answer answer;
    s->sql.size = 0;
    td_buf_printf(&s->sql,
                  "select 1 where has_table_privilege('%s', 'select') and has_table_privilege('%s', 'insert')"
                  " and has_table_privilege('%s', 'update')",
                  table, table, table);
    td_status status = run(s, "ask for permissions", &answer);
    if (status != TD_OK || answer.count > 0) return status;
    return TD_FAIL(TD_CONFIG,
                   "postgres: permission denied for table %s; grant select, insert and update on it to the user of url",
                   table);
}

static bool takes(const postgres_sink *s, td_table_id id) {
    const td_texts *of = &s->conf->of;
    for (size_t i = 0; i < of->count; i++)
        if (strcmp(of->items[i], td_tables[id].name) == 0) return true;
    return false; /* unless they are named, those by time are not taken */
}

/* A part is made by who owns its table, in a schema that lets him. */
static td_status check_owner(postgres_sink *s, td_table_id id) {
    const char *table = td_tables[id].name;
    td_pg_answer answer;
    if (!s->by_month[id] || !takes(s, id)) return TD_OK;
    s->sql.size = 0;
    td_buf_printf(&s->sql,
                  "select pg_has_role(relowner, 'usage'), has_schema_privilege(relnamespace, 'create') from pg_class"
                  " where oid = '%s'::regclass",
                  table);
    td_status status = run(s, "ask who owns a table", &answer);
    if (status != TD_OK) return status;
    if (strcmp(answer.values[0], "t") != 0)
        return TD_FAIL(TD_CONFIG, "postgres: must be owner of table %s, which gets a part for each month; %s", table,
                       TD_PG_OWNER_CURE);
    if (strcmp(answer.values[1], "t") != 0)
        return TD_FAIL(TD_CONFIG,
                       "postgres: permission denied for schema %s, where table %s gets a part for each month; grant "
                       "create on it to the user of url",
                       s->conf->schema, table);
    return TD_OK;
}

static td_status prepare_table(postgres_sink *s, td_table_id id) {
    const td_table *table = &td_tables[id];
    s->sql.size = 0;
    td_pg_put_probe(&s->sql, table);
    td_status status = run(s, "read the columns", NULL);
    if (status == TD_OK) status = check_rights(s, table->name);
    if (status == TD_OK) status = ask_parts(s, id);
    if (status == TD_OK) status = check_owner(s, id);
    if (status != TD_OK) return status;
    td_pg_put_stage(&s->sql, table);
    return run(s, "make a temporary table", NULL);
}

static td_status begin_session(postgres_sink *s) {
    for (int i = 0; i < TD_TABLE_COUNT; i++) s->parts[i] = (parts){0};
    memset(s->merges_left, 0, sizeof s->merges_left);
    td_firsts_forget(&s->firsts);
    const td_pg_conf conf = {s->os, s->conf->url, s->conf->password, "tapedeck"};
    td_status status = td_pg_open(&s->pg, &conf);
    if (status == TD_OK) status = check_server(s);
    if (status == TD_OK) status = set_session(s);
    if (status == TD_OK) status = make_schema(s);
    if (status == TD_OK) status = ask_timescale(s);
    if (status == TD_OK) status = ensure_tables(s);
    for (int i = 0; i < TD_TABLE_COUNT && status == TD_OK; i++) status = prepare_table(s, (td_table_id)i);
    if (status == TD_OK) status = check_rights(s, "positions");
    return status;
}

static void leave(postgres_sink *s) {
    td_pg_close(s->pg);
    s->pg = NULL;
    s->locked = false;
}

/* What came of a use of the session. */
static td_status judge(postgres_sink *s, td_status status) {
    if (status == TD_OK) return status;
    leave(s);
    return s->running && status == TD_CONFIG ? TD_FAIL(TD_RETRY, "%s", td_trail()) : status;
}

/* Behind open(), which `check` does, too, beside a run. */
static td_status take_lock(postgres_sink *s) {
    td_pg_answer answer;
    s->sql.size = 0;
    td_buf_text(&s->sql, "select 1 where ");
    put_lock(s, "pg_try_advisory_lock", LOCK_ROWS);
    td_status status = run(s, "lock the schema", &answer);
    s->locked = status == TD_OK && answer.count > 0;
    if (status != TD_OK || s->locked) return status;
    return TD_FAIL(TD_RETRY, "postgres: another session writes into schema %s: give each sink one of its own",
                   s->conf->schema);
}

static td_status ready(postgres_sink *s) {
    td_status status = s->pg == NULL ? begin_session(s) : TD_OK;
    if (status == TD_OK && !s->locked) status = take_lock(s);
    return status;
}

/* ---- positions and rows ---- */

static td_status ask_position(postgres_sink *s, const char *topic, uint32_t partition, td_position *out) {
    td_pg_answer answer;
    s->sql.size = 0;
    td_buf_text(&s->sql, "select epoch, next_offset from positions where topic = ");
    td_pg_put_text(&s->sql, topic);
    td_buf_printf(&s->sql, " and partition = %" PRIu32, partition);
    td_status status = run(s, "read the position", &answer);
    if (status != TD_OK) return status;
    *out = (td_position){-1, 0};
    if (answer.count == 0) return TD_OK;
    *out = (td_position){atoi(answer.values[0]), strtoll(answer.values[1], NULL, 10)};
    return TD_OK;
}

static td_status postgres_position(void *sink, const char *topic, uint32_t partition, td_position *out) {
    postgres_sink *s = sink;
    td_status status = ready(s);
    if (status == TD_OK) status = ask_position(s, topic, partition, out);
    return judge(s, status);
}

/* ---- parts of tables by time ---- */

static bool is_known(const parts *of, int32_t month) {
    for (size_t i = 0; i < of->known_count && i < KNOWN_PARTS; i++)
        if (of->known[i] == month) return true;
    return false;
}

/* Before the rows' transaction: one more that has no rows does no harm. */
static td_status make_part(postgres_sink *s, td_table_id id, int32_t month) {
    td_pg_answer answer;
    parts *of = &s->parts[id];
    td_status status = TD_OK;
    s->sql.size = 0;
    if (!is_known(of, month)) {
        td_pg_put_part_probe(&s->sql, &td_tables[id], month);
        status = run(s, "look for a part of the table", &answer);
        if (status == TD_OK && answer.count == 0) {
            td_pg_put_part(&s->sql, &td_tables[id], month);
            status = run(s, "make a part of the table", NULL);
        }
        if (status != TD_OK) return status;
        of->known[of->known_count++ % KNOWN_PARTS] = month;
    }
    of->from_ns = td_pg_month_start(month);
    of->to_ns = td_pg_month_start(month + 1);
    return TD_OK;
}

static td_status make_parts(postgres_sink *s, td_table_id id, const td_sink_row *rows, size_t count) {
    parts *of = &s->parts[id];
    td_status status = TD_OK;
    for (size_t i = 0; i < count && status == TD_OK; i++) {
        int64_t ns = rows[i].event.event_ns;
        if (ns < of->from_ns || ns >= of->to_ns) status = make_part(s, id, td_pg_month_of(ns));
    }
    return status;
}

/* ---- what retention lets go ---- */

/* Rows are written all the same. What was told first is what the rest comes from. */
static void hinder(postgres_sink *s) {
    if (s->sweep.hindrance[0] == '\0') (void)snprintf(s->sweep.hindrance, TEXT_MAX, "%s", td_trail());
}

/* One by one, since one that cannot go keeps no other. One that somebody reads stays for another day, with those behind
 * it: each of them would be waited for. */
static void drop_parts(postgres_sink *s, td_table_id id, int64_t before_ns) {
    td_pg_answer part = {0};
    while (true) {
        s->sql.size = 0;
        td_pg_put_old_part(&s->sql, &td_tables[id], td_pg_month_of(before_ns), part.values[1]);
        if (run(s, "look for old parts of the table", &part) != TD_OK) break;
        if (part.count == 0) return;
        td_pg_put_drop_part(&s->sql, part.values[0]);
        if (run(s, "drop an old part of the table", NULL) == TD_OK) continue;
        if (td_pg_is_in_use(s->pg)) return;
        hinder(s);
    }
    hinder(s);
}

static void drop_chunks(postgres_sink *s, td_table_id id, int64_t before_ns) {
    s->sql.size = 0;
    td_pg_put_drop_chunks(&s->sql, s->timescale, &td_tables[id], before_ns);
    if (run(s, "drop old chunks of the table", NULL) != TD_OK) hinder(s);
}

/* Of a table that somebody has made one of another kind nothing goes. */
static void sweep_table(postgres_sink *s, td_table_id id) {
    s->parts[id] = (parts){.known_count = 0}; /* what comes late for one of them makes it again */
    if (s->by_month[id])
        drop_parts(s, id, s->sweep.before_ns[id]);
    else if (s->timescale[0] != '\0')
        drop_chunks(s, id, s->sweep.before_ns[id]);
}

/* Whole parts, behind the rows' transaction, which stands whatever comes of it. */
static void let_go(postgres_sink *s, const td_sink_row *rows, size_t count) {
    sweeping *sweep = &s->sweep;
    int64_t before_ns, now_ns = s->os->ops->mono_ns(s->os->self);
    if (td_retention_is_due(&s->retention, rows, count, &before_ns)) {
        sweep->due[td_table_of(&rows[0])] = true;
        sweep->before_ns[td_table_of(&rows[0])] = before_ns;
    }
    if (now_ns < sweep->again_ns) return;
    sweep->hindrance[0] = '\0';
    for (int i = 0; i < TD_TABLE_COUNT; i++) {
        if (!sweep->due[i]) continue;
        sweep_table(s, (td_table_id)i);
        sweep->due[i] = sweep->hindrance[0] != '\0';
    }
    sweep->again_ns = sweep->hindrance[0] != '\0' ? now_ns + SWEEP_AGAIN_S * TD_NS_PER_S : 0;
    if (!td_pg_goes_on(s->pg)) leave(s);
}

static td_status postgres_look(const void *sink) {
    const postgres_sink *s = sink;
    return s->sweep.hindrance[0] == '\0' ? TD_OK : TD_FAIL(TD_RETRY, "%s", s->sweep.hindrance);
}

/* ---- rows ---- */

typedef struct batch { /* of one table */
    td_table_id id;
    uint32_t partition;
    const td_sink_row *rows;
    const uint32_t *picks; /* NULL: all rows */
    size_t count;
} batch;

static void encode(postgres_sink *s, const batch *b, size_t at) {
    td_cells cells;
    td_table_cells(b->id, &b->rows[b->picks != NULL ? b->picks[at] : at], b->partition, &cells);
    td_pg_copy_row(&s->rows, &td_tables[b->id], &cells);
}

/* By the COPY that `sql` ends with, while the server takes in what came before. */
static td_status send_rows(postgres_sink *s, const batch *b) {
    td_buf_put(&s->sql, "", 1);
    td_status status = td_pg_send_begin(s->pg, (const char *)s->sql.data, "send rows");
    s->sql.size = s->rows.size = 0;
    td_pg_copy_begin(&s->rows);
    for (size_t i = 0; i < b->count && status == TD_OK; i++) {
        encode(s, b, i);
        if (s->rows.size < SENT_BYTES) continue;
        status = td_pg_send(s->pg, td_buf_bytes(&s->rows), "send rows");
        s->rows.size = 0;
    }
    td_pg_copy_end(&s->rows);
    if (status == TD_OK) status = td_pg_send(s->pg, td_buf_bytes(&s->rows), "send rows");
    return status == TD_OK ? td_pg_send_end(s->pg, "send rows") : status;
}

/* Behind what stands in `sql`, in which the merge is left. */
static td_status merge_rows(postgres_sink *s, const batch *b) {
    td_pg_put_copy(&s->sql, &td_tables[b->id]);
    td_status status = send_rows(s, b);
    if (status != TD_OK) return status;
    td_pg_put_merge(&s->sql, b->id);
    td_buf_text(&s->sql, "; ");
    return TD_OK;
}

/* Begins the transaction. *out: the rows are in their table. */
static td_status try_copy(postgres_sink *s, const batch *b, bool *out) {
    td_pg_answer same_types = {0};
    int *left = &s->merges_left[b->id];
    *out = false;
    td_buf_text(&s->sql, "begin; ");
    if (b->id == TD_TABLE_VENDOR_BARS) return TD_OK; /* which of them become rows depends on what is there */
    if (*left > 0) {
        (*left)--;
        return TD_OK;
    }
    td_buf_text(&s->sql, "savepoint rows_first; ");
    td_pg_put_types_probe(&s->sql, &td_tables[b->id]);
    td_status status = run(s, "write rows", &same_types);
    if (status != TD_OK || same_types.count == 0) return status;
    td_pg_put_direct_copy(&s->sql, &td_tables[b->id]);
    status = send_rows(s, b);
    *out = status == TD_OK;
    if (*out || !td_pg_minds_rows(s->pg)) return status;
    *left = MERGES;
    return run_text(s, "rollback to savepoint rows_first", "write rows", NULL);
}

/* What the batch says of instruments goes into tables of its own, one row of each. */
static td_status merge_picks(postgres_sink *s, batch b, td_table_id id, const uint32_t *picks, size_t count) {
    b.id = id;
    b.picks = picks;
    b.count = count;
    return count > 0 ? merge_rows(s, &b) : TD_OK;
}

/* What is left in `sql` is to be run, in the transaction that this begins. */
static td_status copy_rows(postgres_sink *s, uint32_t partition, const td_sink_row *rows, size_t count) {
    batch b = {.id = td_table_of(&rows[0]), .partition = partition, .rows = rows, .count = count};
    bool copied;
    td_status status = s->by_month[b.id] ? make_parts(s, b.id, rows, count) : TD_OK;
    s->sql.size = 0;
    if (status == TD_OK) status = try_copy(s, &b, &copied);
    if (status == TD_OK && !copied) status = merge_rows(s, &b);
    if (status != TD_OK) return status;
    td_latest_pick(&s->picks, rows, count);
    status = merge_picks(s, b, TD_TABLE_LATEST, s->picks.rows, s->picks.count);
    if (status != TD_OK) return status;
    size_t firsts = td_firsts_pick(&s->firsts, rows, count);
    return merge_picks(s, b, TD_TABLE_INSTRUMENTS, td_firsts_rows(&s->firsts), firsts);
}

static void put_position(td_buf *sql, const char *topic, uint32_t partition, td_position next) {
    td_buf_text(sql, "insert into positions(topic, partition, epoch, next_offset) values(");
    td_pg_put_text(sql, topic);
    td_buf_printf(sql, ", %" PRIu32 ", %" PRId32 ", %" PRId64 ")", partition, next.epoch, next.offset);
    td_buf_text(sql, " on conflict (topic, partition) do update set epoch = excluded.epoch,"
                     " next_offset = excluded.next_offset");
}

static td_status postgres_write(void *sink, const char *topic, uint32_t partition, const td_sink_row *rows,
                                size_t row_count, td_position next) {
    postgres_sink *s = sink;
    td_status status = ready(s);
    s->sql.size = 0;
    if (status == TD_OK && row_count > 0) status = copy_rows(s, partition, rows, row_count);
    if (status == TD_OK) {
        put_position(&s->sql, topic, partition, next);
        if (row_count > 0) td_buf_text(&s->sql, "; commit");
        status = run(s, "write rows", NULL);
    }
    if (status == TD_OK)
        let_go(s, rows, row_count);
    else
        td_retention_forget(&s->retention); /* what is written again may begin before it */
    return judge(s, status);
}

/* What hypertables were counted into is emptied with them. */
static td_status put_truncate(postgres_sink *s) {
    td_pg_answer aggregates = {0};
    td_status status = TD_OK;
    s->sql.size = 0;
    if (s->timescale_whole) {
        td_pg_put_aggregates_probe(&s->sql);
        status = run(s, "look for aggregates", &aggregates);
    }
    td_buf_text(&s->sql, "begin; truncate positions");
    for (int i = 0; i < TD_TABLE_COUNT; i++) td_buf_printf(&s->sql, ", %s", td_tables[i].name);
    if (aggregates.count > 0) td_buf_text(&s->sql, aggregates.values[0]);
    return status;
}

/* In one transaction; TRUNCATE takes as long for a year as for a day. */
static td_status postgres_reset(void *sink, const td_sink_place *places, size_t count, bool empties) {
    postgres_sink *s = sink;
    td_status status = ready(s);
    td_firsts_forget(&s->firsts);
    s->sql.size = 0;
    if (!empties) td_buf_text(&s->sql, "begin");
    if (status == TD_OK && empties) status = put_truncate(s);
    if (status == TD_OK) {
        for (size_t i = 0; i < count; i++) {
            td_buf_text(&s->sql, "; ");
            put_position(&s->sql, places[i].topic, places[i].partition, places[i].at);
        }
        td_buf_text(&s->sql, "; commit");
        status = run(s, "set the position back", NULL);
    }
    return judge(s, status);
}

/* ---- life ---- */

static void postgres_close(void *sink) {
    postgres_sink *s = sink;
    if (s == NULL) return;
    td_pg_close(s->pg);
    td_buf_fini(&s->sql);
    td_buf_fini(&s->rows);
    td_latest_picks_fini(&s->picks);
    td_firsts_fini(&s->firsts);
    free(s);
}

static td_status postgres_open(void **out, const td_os *os, const td_sink_conf *conf) {
    if (conf->schema[0] == '\0' || strlen(conf->schema) > NAME_BYTES)
        return TD_FAIL(TD_CONFIG, "schema: a name has 1 to %d bytes", NAME_BYTES);
    td_status status = td_table_check_of(&conf->of);
    if (status != TD_OK) return status;
    postgres_sink *s = td_alloc_zero(1, sizeof *s);
    s->os = os;
    s->conf = conf;
    s->retention.retain_ns = conf->retain_ns;
    status = judge(s, begin_session(s));
    if (status != TD_OK) {
        postgres_close(s);
        return status;
    }
    s->running = true;
    *out = s;
    return TD_OK;
}

static const td_option options[] = {
    {.key = "name",
     .type = TD_OPTION_TEXT,
     .offset = offsetof(td_sink_conf, name),
     .help = "name of this sink; default: the kind, then kind-2, …"},
    {.key = "url",
     .type = TD_OPTION_TEXT,
     .required = true,
     .offset = offsetof(td_sink_conf, url),
     .help =
         "of the database, as libpq takes it, such as \"postgresql://USER@HOST:5432/DATABASE?sslmode=verify-full\", "
         "without a password"},
    {.key = "password",
     .type = TD_OPTION_SECRET,
     .offset = offsetof(td_sink_conf, password),
     .help = "of the user, by ${VARIABLE}; unset: as libpq finds it (PGPASSWORD, ~/.pgpass)"},
    {.key = "password_file",
     .type = TD_OPTION_TEXT,
     .unit = "FILE",
     .offset = offsetof(td_sink_conf, password_file),
     .help = "or the file that holds it"},
    {.key = "schema",
     .type = TD_OPTION_TEXT,
     .fallback = "public",
     .offset = offsetof(td_sink_conf, schema),
     .help = "of the database, for the tables; made when missing. Each sink needs one of its own"},
    {.key = "hypertables",
     .type = TD_OPTION_CHOICE,
     .choices = "auto|off",
     .fallback = "auto",
     .offset = offsetof(td_sink_conf, hypertables),
     .help = "trades and quotes, when their tables are made: hypertables where the database has the extension "
             "timescaledb, else in parts by month"},
    {.key = "compress_after",
     .type = TD_OPTION_DURATION,
     .fallback = "7d",
     .max = 36500.0 * (double)TD_NS_PER_DAY,
     .offset = offsetof(td_sink_conf, compress_after_ns),
     .help = "hypertables that are made are compressed where they are older, by the server's clock; 0s: never"},
    {.key = "of", .type = TD_OPTION_TEXTS, .offset = offsetof(td_sink_conf, of), .help = TD_TABLE_OF_HELP},
    TD_RETAIN_TIME_OPTION,
    {0},
};

const td_sink_ops td_sink_postgres = {.kind = "postgres",
                                      .options = options,
                                      .rows_most = ROWS_MOST,
                                      .takes_quarantine = true,
                                      .takes_rejected = true,
                                      .open = postgres_open,
                                      .position = postgres_position,
                                      .write = postgres_write,
                                      .reset = postgres_reset,
                                      .look = postgres_look,
                                      .close = postgres_close};
