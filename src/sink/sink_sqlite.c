/* src/sink/sink_sqlite.c - results as tables of one SQLite file, exact, beside the position they came from. A file that
 * an older program wrote is brought up to date when it is opened, in one transaction.
 *
 * Durability: the file is in WAL mode with synchronous=NORMAL. A kill -9 loses nothing that was committed. A power loss
 * may roll back the last commits, never a part of one: the WAL's frames are checksummed in a chain, and a checkpoint
 * syncs the WAL before the file and the file before the WAL is reused. As the position is in the same transaction, it
 * rolls back with its rows, and they are delivered again from the log, which is synced further than any sink reads.
 * Where the file system gives no shared memory for a WAL, a rollback journal with synchronous=FULL promises the same.
 *
 * Errors: TD_RETRY (busy, disk full, I/O, no memory), TD_CONFIG (all else; the trail names the file and the cure). */
#include "sink/firsts.h"
#include "sink/latest.h"
#include "sink/retention.h"
#include "sink/table.h"
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

enum { BUSY_MS = 200 };

/* Tables to be read, SQL to the left. */
/* clang-format off */
/* Instants as ISO 8601 and widths in their largest exact unit, in plain SQL: any client can read the views. */
#define NANOS(ns) "(" ns " % 1000000000 + 1000000000) % 1000000000"
#define ISO(ns) \
    "strftime('%Y-%m-%dT%H:%M:%S', (" ns " - " NANOS(ns) ") / 1000000000, 'unixepoch') || " \
    "CASE " ns " % 1000000000 WHEN 0 THEN '' ELSE rtrim(printf('.%09d', " NANOS(ns) "), '0') END || 'Z'"
#define WIDTH \
    TD_WIDTH_SQL(DECIMAL("(width_ns - 2000000000000000000)"))
#define SAME_BAR \
    "instrument = b.instrument AND width_ns = b.width_ns AND start_ns = b.start_ns AND feed = b.feed" \
    " AND adjusted = b.adjusted"
#define REAL(name) "CAST(" name " AS REAL) AS " name
/* A decimal of 8 places as a number of units, and back. */
#define UNITS(name) \
    "CAST(CASE instr(" name ", '.') WHEN 0 THEN " name " || '00000000' ELSE replace(" name ", '.', '') ||" \
    " substr('00000000', length(" name ") - instr(" name ", '.') + 1) END AS INTEGER)"
#define DECIMAL(units) \
    "rtrim(rtrim(printf('%d.%08d', " units " / 100000000, " units " % 100000000), '0'), '.')"
/* Any bytes as a text that every client can read. */
#define PLAIN(name) \
    "CASE WHEN instr(" name ", x'00') = 0 AND CAST(" name " AS TEXT) NOT GLOB '*[^' || char(9) || ' -~]*'" \
    " THEN CAST(" name " AS TEXT) ELSE hex(" name ") END"

#define FIRST_TICK(table) "(SELECT min(event_ns) FROM " table " AS t WHERE t.instrument = l.instrument)"

/* Version n of the tables is what steps 1 to n make, so that a new file and one that grew are the same. What was
 * released never changes. */
static const char *const schema_steps[] = {
    "CREATE TABLE bars("
    "  instrument TEXT NOT NULL, width_ns INTEGER NOT NULL, start_ns INTEGER NOT NULL, end_ns INTEGER NOT NULL,"
    "  open TEXT NOT NULL, high TEXT NOT NULL, low TEXT NOT NULL, close TEXT NOT NULL,"
    "  volume TEXT NOT NULL, notional TEXT NOT NULL, vwap TEXT NOT NULL, trade_count INTEGER NOT NULL,"
    "  revision INTEGER NOT NULL, known_at_ns INTEGER NOT NULL,"
    "  src_partition INTEGER NOT NULL, src_epoch INTEGER NOT NULL, src_offset INTEGER NOT NULL,"
    "  PRIMARY KEY(instrument, width_ns, start_ns, revision)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE signals("
    "  id TEXT NOT NULL, strategy TEXT NOT NULL, instrument TEXT NOT NULL,"
    "  event_ns INTEGER NOT NULL, width_ns INTEGER NOT NULL, action TEXT NOT NULL, target TEXT NOT NULL,"
    "  status TEXT NOT NULL, price TEXT NOT NULL, note TEXT NOT NULL, known_at_ns INTEGER NOT NULL,"
    "  src_partition INTEGER NOT NULL, src_epoch INTEGER NOT NULL, src_offset INTEGER NOT NULL,"
    "  PRIMARY KEY(id, status)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE positions("
    "  topic TEXT NOT NULL, partition INTEGER NOT NULL, epoch INTEGER NOT NULL, next_offset INTEGER NOT NULL,"
    "  PRIMARY KEY(topic, partition)"
    ") STRICT, WITHOUT ROWID;",
    /* 2: gaps, and how far a bar can be trusted. An older program's bars are what it took them for. A gap has a row for
     * each time it was told. */
    "ALTER TABLE bars ADD COLUMN quality TEXT NOT NULL DEFAULT 'complete';"
    "ALTER TABLE bars ADD COLUMN evidence TEXT NOT NULL DEFAULT 'assumed';"
    "ALTER TABLE signals ADD COLUMN reason TEXT NOT NULL DEFAULT '';"
    "CREATE TABLE gaps("
    "  feed TEXT NOT NULL, instrument TEXT NOT NULL, number INTEGER NOT NULL, status TEXT NOT NULL,"
    "  reason TEXT NOT NULL, from_ns INTEGER NOT NULL, to_ns INTEGER, first_id INTEGER, last_id INTEGER,"
    "  missing INTEGER, filled INTEGER NOT NULL, known_at_ns INTEGER NOT NULL,"
    "  src_partition INTEGER NOT NULL, src_epoch INTEGER NOT NULL, src_offset INTEGER NOT NULL,"
    "  PRIMARY KEY(instrument, number, src_offset)"
    ") STRICT, WITHOUT ROWID;",
    /* 3: bars that vendors made. A bar has a row for each time that its vendor said something else than before. */
    "CREATE TABLE vendor_bars("
    "  feed TEXT NOT NULL, instrument TEXT NOT NULL, width_ns INTEGER NOT NULL, start_ns INTEGER NOT NULL,"
    "  end_ns INTEGER NOT NULL, open TEXT NOT NULL, high TEXT NOT NULL, low TEXT NOT NULL, close TEXT NOT NULL,"
    "  volume TEXT, adjusted INTEGER NOT NULL, known_at_ns INTEGER NOT NULL,"
    "  src_partition INTEGER NOT NULL, src_epoch INTEGER NOT NULL, src_offset INTEGER NOT NULL,"
    "  PRIMARY KEY(instrument, width_ns, start_ns, feed, adjusted, src_offset)"
    ") STRICT, WITHOUT ROWID;",
    /* 4: what a strategy tells beside its target. */
    "ALTER TABLE signals ADD COLUMN data TEXT NOT NULL DEFAULT '';",
    /* 5: fills. A signal has at most one. */
    "CREATE TABLE fills("
    "  signal TEXT NOT NULL, strategy TEXT NOT NULL, instrument TEXT NOT NULL, event_ns INTEGER NOT NULL,"
    "  side TEXT NOT NULL, quantity TEXT NOT NULL, price TEXT NOT NULL, position TEXT NOT NULL, kind TEXT NOT NULL,"
    "  known_at_ns INTEGER NOT NULL,"
    "  src_partition INTEGER NOT NULL, src_epoch INTEGER NOT NULL, src_offset INTEGER NOT NULL,"
    "  PRIMARY KEY(signal)"
    ") STRICT, WITHOUT ROWID;",
    /* 6: vendors' bars that stand beside a gap. */
    "ALTER TABLE vendor_bars ADD COLUMN origin TEXT NOT NULL DEFAULT 'feed';",
    /* 7: trades and quotes that are published, and what is newest of each instrument. */
    "CREATE TABLE trades("
    "  instrument TEXT NOT NULL, event_ns INTEGER NOT NULL, ord INTEGER NOT NULL, price TEXT NOT NULL,"
    "  size TEXT NOT NULL, side TEXT NOT NULL, trade_id INTEGER, exchange TEXT NOT NULL, condition TEXT NOT NULL,"
    "  feed TEXT NOT NULL, flags INTEGER NOT NULL, origin TEXT NOT NULL, receive_ns INTEGER NOT NULL,"
    "  src_partition INTEGER NOT NULL, src_epoch INTEGER NOT NULL, src_offset INTEGER NOT NULL,"
    "  PRIMARY KEY(instrument, event_ns, ord)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE quotes("
    "  instrument TEXT NOT NULL, event_ns INTEGER NOT NULL, ord INTEGER NOT NULL,"
    "  bid_price TEXT, bid_size TEXT, ask_price TEXT, ask_size TEXT, sequence INTEGER,"
    "  exchange TEXT NOT NULL, condition TEXT NOT NULL,"
    "  feed TEXT NOT NULL, flags INTEGER NOT NULL, origin TEXT NOT NULL, receive_ns INTEGER NOT NULL,"
    "  src_partition INTEGER NOT NULL, src_epoch INTEGER NOT NULL, src_offset INTEGER NOT NULL,"
    "  PRIMARY KEY(instrument, event_ns, ord)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE latest("
    "  instrument TEXT NOT NULL, kind TEXT NOT NULL, event_ns INTEGER NOT NULL, ord INTEGER NOT NULL,"
    "  price TEXT, size TEXT, bid_price TEXT, bid_size TEXT, ask_price TEXT, ask_size TEXT,"
    "  known_at_ns INTEGER NOT NULL,"
    "  src_partition INTEGER NOT NULL, src_epoch INTEGER NOT NULL, src_offset INTEGER NOT NULL,"
    "  PRIMARY KEY(instrument, kind)"
    ") STRICT, WITHOUT ROWID;",
    /* 8: what was refused. */
    "CREATE TABLE quarantine("
    "  instrument TEXT NOT NULL, known_at_ns INTEGER NOT NULL, kind TEXT NOT NULL, reason TEXT NOT NULL,"
    "  missed TEXT NOT NULL, event_ns INTEGER NOT NULL, ord INTEGER NOT NULL, price TEXT, size TEXT,"
    "  side TEXT, trade_id INTEGER, bid_price TEXT, bid_size TEXT, ask_price TEXT, ask_size TEXT,"
    "  sequence INTEGER, exchange TEXT NOT NULL, condition TEXT NOT NULL, feed TEXT NOT NULL,"
    "  flags INTEGER NOT NULL, receive_ns INTEGER NOT NULL,"
    "  src_partition INTEGER NOT NULL, src_epoch INTEGER NOT NULL, src_offset INTEGER NOT NULL,"
    "  PRIMARY KEY(instrument, known_at_ns, src_offset)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE rejected("
    "  feed TEXT NOT NULL, receive_ns INTEGER NOT NULL, source TEXT NOT NULL, file INTEGER NOT NULL,"
    "  line INTEGER NOT NULL, reason TEXT NOT NULL, detail TEXT NOT NULL, bytes BLOB NOT NULL,"
    "  src_partition INTEGER NOT NULL, src_epoch INTEGER NOT NULL, src_offset INTEGER NOT NULL,"
    "  PRIMARY KEY(feed, receive_ns, src_partition, src_offset)"
    ") STRICT;",
    /* 9: nothing but the views anew: `rejected_view` could not be read where bytes are no text. */
    "",
    /* 10: instruments, with what the tables say of when each was there first. */
    "CREATE TABLE instruments("
    "  instrument TEXT NOT NULL, venue TEXT NOT NULL, symbol TEXT NOT NULL, first_ns INTEGER NOT NULL,"
    "  PRIMARY KEY(instrument)"
    ") STRICT, WITHOUT ROWID;"
    "INSERT INTO instruments(instrument, venue, symbol, first_ns) "
    TD_INSTRUMENTS_SQL("instrument, substr(instrument, 1, instr(instrument, ':') - 1),"
                       " substr(instrument, instr(instrument, ':') + 1), first_ns", FIRST_TICK) ";",
    /* 11: nothing but views: orders. */
    "",
};
enum { SCHEMA_VERSION = sizeof schema_steps / sizeof schema_steps[0] };

static const char *const views_sql[] = {
    "DROP VIEW IF EXISTS bars_view;"
    "CREATE VIEW bars_view AS SELECT"
    "  instrument, " WIDTH " AS width, " ISO("start_ns") " AS start, " ISO("end_ns") " AS \"end\","
    "  " REAL("open") ", " REAL("high") ", " REAL("low") ", " REAL("close") ","
    "  " REAL("volume") ", " REAL("notional") ", " REAL("vwap") ", trade_count,"
    "  revision, quality, evidence, " ISO("known_at_ns") " AS known_at"
    " FROM bars AS b WHERE revision = (SELECT max(revision) FROM bars"
    "  WHERE instrument = b.instrument AND width_ns = b.width_ns AND start_ns = b.start_ns);",
    "DROP VIEW IF EXISTS signals_view;"
    "CREATE VIEW signals_view AS SELECT"
    "  id, strategy, instrument, " ISO("event_ns") " AS time, " WIDTH " AS width,"
    "  action, " REAL("target") ", status, reason, " REAL("price") ", note, data, " ISO("known_at_ns") " AS known_at"
    " FROM signals;"
    "DROP VIEW IF EXISTS gaps_view;"
    "CREATE VIEW gaps_view AS SELECT"
    "  feed, instrument, number, status, reason, " ISO("from_ns") " AS \"from\", " ISO("to_ns") " AS \"to\","
    "  (to_ns - from_ns) / 1e9 AS seconds, first_id, last_id, missing, filled, " ISO("known_at_ns") " AS known_at"
    " FROM gaps AS g WHERE src_offset = (SELECT max(src_offset) FROM gaps"
    "  WHERE instrument = g.instrument AND number = g.number);",
    "DROP VIEW IF EXISTS vendor_bars_view;"
    "CREATE VIEW vendor_bars_view AS SELECT"
    "  feed, instrument, " WIDTH " AS width, " ISO("start_ns") " AS start, " ISO("end_ns") " AS \"end\","
    "  " REAL("open") ", " REAL("high") ", " REAL("low") ", " REAL("close") ", " REAL("volume") ", adjusted,"
    "  (SELECT count(*) FROM vendor_bars WHERE " SAME_BAR " AND src_offset < b.src_offset) AS revision,"
    "  origin, " ISO("known_at_ns") " AS known_at"
    " FROM vendor_bars AS b WHERE src_offset = (SELECT max(src_offset) FROM vendor_bars WHERE " SAME_BAR ");",
    "DROP VIEW IF EXISTS fills_view;"
    "CREATE VIEW fills_view AS SELECT"
    "  signal, strategy, instrument, " ISO("event_ns") " AS time, side, " REAL("quantity") ", " REAL("price") ","
    "  " REAL("position") ", kind, " ISO("known_at_ns") " AS known_at"
    " FROM fills;",
    "DROP VIEW IF EXISTS trades_view;"
    "CREATE VIEW trades_view AS SELECT"
    "  instrument, " ISO("event_ns") " AS time, " REAL("price") ", " REAL("size") ", side, trade_id, exchange,"
    "  condition, feed, origin, " ISO("receive_ns") " AS receive_time"
    " FROM trades;"
    "DROP VIEW IF EXISTS quotes_view;"
    "CREATE VIEW quotes_view AS SELECT"
    "  instrument, " ISO("event_ns") " AS time, " REAL("bid_price") ", " REAL("bid_size") ", " REAL("ask_price") ","
    "  " REAL("ask_size") ", sequence, exchange, condition, feed, origin, " ISO("receive_ns") " AS receive_time"
    " FROM quotes;",
    "DROP VIEW IF EXISTS quarantine_view;"
    "CREATE VIEW quarantine_view AS SELECT"
    "  instrument, " ISO("known_at_ns") " AS known_at, kind, reason, missed, " ISO("event_ns") " AS time,"
    "  " REAL("price") ", " REAL("size") ", side, trade_id, " REAL("bid_price") ", " REAL("bid_size") ","
    "  " REAL("ask_price") ", " REAL("ask_size") ", sequence, exchange, condition, feed,"
    "  " ISO("receive_ns") " AS receive_time, src_partition || '/' || src_offset AS place"
    " FROM quarantine;"
    "DROP VIEW IF EXISTS rejected_view;"
    "CREATE VIEW rejected_view AS SELECT"
    "  feed, " ISO("receive_ns") " AS receive_time, source, file, line, reason, detail,"
    "  " PLAIN("bytes") " AS bytes"
    " FROM rejected;",
    "DROP VIEW IF EXISTS latest_view;"
    "CREATE VIEW latest_view AS SELECT"
    "  instrument, CAST(price AS REAL) AS price, CAST(size AS REAL) AS size, " ISO("event_ns") " AS time,"
    "  " REAL("bid_price") ", " REAL("bid_size") ", " REAL("ask_price") ", " REAL("ask_size") ","
    "  " ISO("quote_ns") " AS quote_time"
    " FROM (SELECT instrument, " TD_LATEST_SQL("price") " AS price, max(size) AS size,"
    "  " TD_LATEST_SQL("event_ns") " AS event_ns, max(bid_price) AS bid_price, max(bid_size) AS bid_size,"
    "  max(ask_price) AS ask_price, max(ask_size) AS ask_size,"
    "  max(event_ns) filter (where kind = 'quote') AS quote_ns FROM latest GROUP BY instrument);"
    "DROP VIEW IF EXISTS orders;"
    "CREATE VIEW orders AS " TD_ORDERS_SQL(DECIMAL("abs(" UNITS("target") " - " UNITS("held") ")"), "", "") ";",
    "DROP VIEW IF EXISTS orders_view;"
    "CREATE VIEW orders_view AS SELECT"
    "  signal, strategy, instrument, action, side, " REAL("quantity") ", " REAL("target") ", state,"
    "  " ISO("ordered_ns") " AS ordered_time, " ISO("filled_ns") " AS filled_time, " REAL("price") ", fill"
    " FROM orders;",
    "DROP VIEW IF EXISTS instruments_view;"
    "CREATE VIEW instruments_view AS SELECT"
    "  instrument, venue, symbol, " ISO("first_ns") " AS first_time, " ISO("last_ns") " AS last_time"
    " FROM (SELECT i.*, (SELECT max(event_ns) FROM latest WHERE instrument = i.instrument) AS last_ns"
    "  FROM instruments AS i);",
    NULL};
/* clang-format on */

typedef enum statement { BEGIN, COMMIT, PUT_POSITION, GET_POSITION, STATEMENT_COUNT } statement;

static const char *const statement_sql[STATEMENT_COUNT] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [PUT_POSITION] = "INSERT OR REPLACE INTO positions(topic, partition, epoch, next_offset) VALUES(?1,?2,?3,?4)",
    [GET_POSITION] = "SELECT epoch, next_offset FROM positions WHERE topic = ?1 AND partition = ?2",
};

/* A row that is not to be put: the vendor said just that last. Numbers are places in the table's columns. */
static const char vendor_said_that[] =
    " WHERE NOT EXISTS("
    "SELECT 1 FROM (SELECT * FROM vendor_bars WHERE instrument = ?2 AND width_ns = ?3 AND start_ns = ?4"
    " AND feed = ?1 AND adjusted = ?11 AND src_offset < ?15 ORDER BY src_offset DESC LIMIT 1)"
    " WHERE end_ns = ?5 AND open = ?6 AND high = ?7 AND low = ?8 AND close = ?9 AND volume IS ?10)";

typedef struct sqlite_sink {
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENT_COUNT];
    sqlite3_stmt *puts[TD_TABLE_COUNT];
    td_latest_picks picks;
    td_firsts firsts;
    td_retention retention;
    char *file;
    char texts[TD_TABLE_COLUMNS_MAX][TD_DECIMAL_TEXT_MAX]; /* bound without a copy: must outlive the step */
} sqlite_sink;

static const char *cure_of(int code) {
    switch (code) {
    case SQLITE_CANTOPEN:
        return "make its folder writable or name another file";
    case SQLITE_READONLY:
    case SQLITE_PERM:
        return "make the file and its folder writable or name another file";
    case SQLITE_NOTADB:
        return "it is not an SQLite file: name another";
    case SQLITE_CORRUPT:
        return "it is damaged: move it away, and it will be built again from the log";
    default:
        return "its tables are not this program's: name another file";
    }
}

/* What SQLite said last, as a decision. */
static td_status fail(const sqlite_sink *sink, const char *doing) {
    int code = sink->db != NULL ? sqlite3_errcode(sink->db) & 0xff : SQLITE_NOMEM;
    const char *text = sink->db != NULL ? sqlite3_errmsg(sink->db) : "no memory";
    switch (code) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL: /* a race for the WAL's locks, lost many times over */
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_NOMEM:
        return TD_FAIL(TD_RETRY, "sqlite: cannot %s %s: %s", doing, sink->file, text);
    default:
        return TD_FAIL(TD_CONFIG, "sqlite: cannot %s %s: %s; %s", doing, sink->file, text, cure_of(code));
    }
}

/* Runs a statement that returns no rows. Bindings stay: each use sets all of them. */
static td_status run(sqlite_sink *sink, sqlite3_stmt *stmt, const char *doing) {
    int code = sqlite3_step(stmt);
    td_status status = code == SQLITE_DONE ? TD_OK : fail(sink, doing);
    (void)sqlite3_reset(stmt); /* repeats the code of the step */
    return status;
}

static td_status exec(sqlite_sink *sink, const char *doing, const char *sql) {
    return sqlite3_exec(sink->db, sql, NULL, NULL, NULL) == SQLITE_OK ? TD_OK : fail(sink, doing);
}

static void bind_bytes(sqlite3_stmt *stmt, int column, td_bytes text) {
    /* NULL would bind SQL's NULL; a text without bytes is ''. */
    const char *data = text.data != NULL ? (const char *)text.data : "";
    (void)sqlite3_bind_text64(stmt, column, data, text.size, SQLITE_STATIC, SQLITE_UTF8);
}

static void bind_word(sqlite3_stmt *stmt, int column, const char *word) { bind_bytes(stmt, column, td_text(word)); }

/* A decimal is a text, made in `text`. */
static void bind_cell(sqlite3_stmt *stmt, int column, td_column_type type, const td_cell *cell, char *text) {
    if (cell->null) {
        (void)sqlite3_bind_null(stmt, column);
    } else if (type == TD_COLUMN_TEXT) {
        bind_bytes(stmt, column, cell->text);
    } else if (type == TD_COLUMN_BYTES) {
        const void *data = cell->text.data != NULL ? (const void *)cell->text.data : "";
        (void)sqlite3_bind_blob64(stmt, column, data, cell->text.size, SQLITE_STATIC);
    } else if (type == TD_COLUMN_DECIMAL) {
        size_t size = td_decimal_format(cell->decimal, cell->scale, cell->keep_zeros, text);
        bind_bytes(stmt, column, (td_bytes){(const uint8_t *)text, size});
    } else {
        (void)sqlite3_bind_int64(stmt, column, cell->number);
    }
}

static td_status put_row(sqlite_sink *sink, td_table_id id, uint32_t partition, const td_sink_row *row) {
    td_cells cells;
    const td_table *table = &td_tables[id];
    sqlite3_stmt *stmt = sink->puts[id];
    td_table_cells(id, row, partition, &cells);
    for (size_t i = 0; i < cells.count; i++)
        bind_cell(stmt, (int)i + 1, table->columns[i].type, &cells.items[i], sink->texts[i]);
    return run(sink, stmt, "write rows to");
}

static td_status put_rows(sqlite_sink *sink, uint32_t partition, const td_sink_row *rows, size_t count) {
    td_latest_picks *picks = &sink->picks;
    td_status status = TD_OK;
    for (size_t i = 0; i < count && status == TD_OK; i++)
        status = put_row(sink, td_table_of(&rows[i]), partition, &rows[i]);
    td_latest_pick(picks, rows, count);
    for (size_t i = 0; i < picks->count && status == TD_OK; i++)
        status = put_row(sink, TD_TABLE_LATEST, partition, &rows[picks->rows[i]]);
    size_t firsts = td_firsts_pick(&sink->firsts, rows, count);
    for (size_t i = 0; i < firsts && status == TD_OK; i++)
        status = put_row(sink, TD_TABLE_INSTRUMENTS, partition, &rows[td_firsts_rows(&sink->firsts)[i]]);
    return status;
}

/* By the keys of instruments, all of which `latest` has. */
static td_status sweep(sqlite_sink *sink, td_table_id id, int64_t before_ns) {
    char sql[192];
    (void)snprintf(
        sql, sizeof sql,
        "DELETE FROM %s WHERE instrument IN (SELECT DISTINCT instrument FROM latest) AND event_ns < %" PRId64,
        td_tables[id].name, before_ns);
    return exec(sink, "remove old rows from", sql);
}

static td_status put_position(sqlite_sink *sink, const char *topic, uint32_t partition, td_position next) {
    sqlite3_stmt *stmt = sink->statements[PUT_POSITION];
    bind_word(stmt, 1, topic);
    (void)sqlite3_bind_int64(stmt, 2, partition);
    (void)sqlite3_bind_int64(stmt, 3, next.epoch);
    (void)sqlite3_bind_int64(stmt, 4, next.offset);
    return run(sink, stmt, "write the position to");
}

static td_status sqlite_write(void *sink_any, const char *topic, uint32_t partition, const td_sink_row *rows,
                              size_t row_count, td_position next) {
    sqlite_sink *sink = sink_any;
    int64_t before_ns;
    td_status status = run(sink, sink->statements[BEGIN], "begin writing to");
    if (status != TD_OK) return status;
    status = put_rows(sink, partition, rows, row_count);
    if (status == TD_OK && td_retention_is_due(&sink->retention, rows, row_count, &before_ns))
        status = sweep(sink, td_table_of(&rows[0]), before_ns);
    if (status == TD_OK) status = put_position(sink, topic, partition, next);
    if (status == TD_OK) status = run(sink, sink->statements[COMMIT], "commit to");
    if (status != TD_OK) {
        td_retention_forget(&sink->retention);
        td_firsts_forget(&sink->firsts);
    }
    /* Some errors roll back by themselves. A rollback that fails leaves nothing either: the file's next use does it. */
    if (sqlite3_get_autocommit(sink->db) == 0) (void)sqlite3_exec(sink->db, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

static td_status empty(sqlite_sink *sink) {
    char sql[64];
    td_status status = exec(sink, "empty", "DELETE FROM positions");
    for (int i = 0; i < TD_TABLE_COUNT && status == TD_OK; i++) {
        (void)snprintf(sql, sizeof sql, "DELETE FROM %s", td_tables[i].name);
        status = exec(sink, "empty", sql);
    }
    return status;
}

static td_status sqlite_reset(void *sink_any, const td_sink_place *places, size_t count, bool empties) {
    sqlite_sink *sink = sink_any;
    td_firsts_forget(&sink->firsts);
    td_status status = run(sink, sink->statements[BEGIN], "begin writing to");
    if (status == TD_OK && empties) status = empty(sink);
    for (size_t i = 0; i < count && status == TD_OK; i++)
        status = put_position(sink, places[i].topic, places[i].partition, places[i].at);
    if (status == TD_OK) status = run(sink, sink->statements[COMMIT], "commit to");
    if (sqlite3_get_autocommit(sink->db) == 0) (void)sqlite3_exec(sink->db, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

static td_status sqlite_position(void *sink_any, const char *topic, uint32_t partition, td_position *out) {
    sqlite_sink *sink = sink_any;
    sqlite3_stmt *stmt = sink->statements[GET_POSITION];
    td_status status = TD_OK;
    bind_word(stmt, 1, topic);
    (void)sqlite3_bind_int64(stmt, 2, partition);
    switch (sqlite3_step(stmt)) {
    case SQLITE_ROW:
        *out = (td_position){sqlite3_column_int(stmt, 0), sqlite3_column_int64(stmt, 1)};
        break;
    case SQLITE_DONE:
        *out = (td_position){-1, 0};
        break;
    default:
        status = fail(sink, "read the position from");
    }
    (void)sqlite3_reset(stmt);
    return status;
}

static void sqlite_close(void *sink_any) {
    sqlite_sink *sink = sink_any;
    if (sink == NULL) return;
    for (int i = 0; i < STATEMENT_COUNT; i++) (void)sqlite3_finalize(sink->statements[i]);
    for (int i = 0; i < TD_TABLE_COUNT; i++) (void)sqlite3_finalize(sink->puts[i]);
    (void)sqlite3_close(sink->db); /* what was committed stays, whatever this says */
    td_latest_picks_fini(&sink->picks);
    td_firsts_fini(&sink->firsts);
    free(sink->file);
    free(sink);
}

/* First row and column of a query, as a text of at most 15 bytes. */
static td_status query_word(sqlite_sink *sink, const char *sql, char out[16]) {
    sqlite3_stmt *stmt = NULL;
    td_status status = TD_OK;
    out[0] = '\0';
    if (sqlite3_prepare_v2(sink->db, sql, -1, &stmt, NULL) != SQLITE_OK || sqlite3_step(stmt) != SQLITE_ROW)
        status = fail(sink, "open");
    else
        (void)snprintf(out, 16, "%s", (const char *)sqlite3_column_text(stmt, 0));
    (void)sqlite3_finalize(stmt);
    return status;
}

/* Makes the folder of `file`, be it a path or an URI. */
static td_status make_folder(const td_os *os, const char *file) {
    if (strncmp(file, "file:", 5) == 0) file += 5;
    const char *end = file + strcspn(file, "?#");
    while (end > file && end[-1] != '/') end--;
    while (end > file && end[-1] == '/') end--;
    if (end == file) return TD_OK;
    char folder[4096];
    int size = snprintf(folder, sizeof folder, "%.*s", (int)(end - file), file);
    if (size >= (int)sizeof folder) return TD_FAIL(TD_CONFIG, "sqlite: the path of %.64s… is too long", file);
    return td_trace(os->ops->make_dir(os->self, folder), "making the folder of %s", file);
}

static td_status open_db(sqlite_sink *sink) {
    char answer[16];
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(sink->file, &sink->db, flags, NULL) != SQLITE_OK) return fail(sink, "open");
    (void)sqlite3_busy_timeout(sink->db, BUSY_MS);
    if (sqlite3_db_readonly(sink->db, "main") == 1)
        return TD_FAIL(TD_CONFIG, "sqlite: %s is read-only; %s", sink->file, cure_of(SQLITE_READONLY));
    td_status status = query_word(sink, "PRAGMA journal_mode = WAL", answer);
    if (status != TD_OK) return status;
    bool wal = strcmp(answer, "wal") == 0;
    status = exec(sink, "set up", wal ? "PRAGMA synchronous = NORMAL" : "PRAGMA synchronous = FULL");
    if (status != TD_OK) return status;
    /* 8 MB for the growing ends of many instruments' rows; a checkpoint per 32 MB, as each rewrites those ends. */
    return exec(sink, "set up", "PRAGMA cache_size = -8192; PRAGMA wal_autocheckpoint = 8192");
}

static td_status ask_version(sqlite_sink *sink, int *out) {
    char answer[16];
    td_status status = query_word(sink, "PRAGMA user_version", answer);
    *out = atoi(answer);
    return status;
}

/* Within a transaction. */
static td_status grow_schema(sqlite_sink *sink) {
    int version;
    char mark[40];
    td_status status = ask_version(sink, &version); /* again: somebody may have been faster */
    if (status != TD_OK || version >= SCHEMA_VERSION) return status;
    for (int step = version; step < SCHEMA_VERSION && status == TD_OK; step++)
        status = exec(sink, "set up", schema_steps[step]);
    for (const char *const *sql = views_sql; *sql != NULL && status == TD_OK; sql++)
        status = exec(sink, "set up", *sql);
    (void)snprintf(mark, sizeof mark, "PRAGMA user_version = %d", SCHEMA_VERSION);
    return status == TD_OK ? exec(sink, "set up", mark) : status;
}

static td_status ensure_schema(sqlite_sink *sink) {
    int version;
    td_status status = ask_version(sink, &version);
    if (status != TD_OK || version == SCHEMA_VERSION) return status;
    if (version > SCHEMA_VERSION)
        return TD_FAIL(TD_CONFIG,
                       "sqlite: %s was written by a newer program (its schema is %d, known are up to %d);"
                       " use that program or name another file",
                       sink->file, version, SCHEMA_VERSION);
    status = exec(sink, "set up", "BEGIN IMMEDIATE");
    if (status == TD_OK) status = grow_schema(sink);
    if (status == TD_OK) status = exec(sink, "set up", "COMMIT");
    if (sqlite3_get_autocommit(sink->db) == 0) (void)sqlite3_exec(sink->db, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

static td_status prepare_one(sqlite_sink *sink, const char *sql, sqlite3_stmt **out) {
    int code = sqlite3_prepare_v3(sink->db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
    return code == SQLITE_OK ? TD_OK : fail(sink, "use");
}

/* Not always does a row replace the one of its key. */
static void put_rule(td_buf *sql, const td_table *table) {
    td_buf_text(sql, " WHERE true ON CONFLICT DO UPDATE SET ");
    for (size_t i = 0, n = 0; i < table->column_count; i++) {
        const td_column *column = &table->columns[i];
        if (!column->key) td_buf_printf(sql, "%s%s = excluded.%s", n++ > 0 ? ", " : "", column->name, column->name);
    }
    td_buf_text(sql, table->stays);
}

/* REPLACE, not DO NOTHING: when a log was made anew beside an old file, what the new log says is the truth. */
static td_status prepare_put(sqlite_sink *sink, td_table_id id) {
    const td_table *table = &td_tables[id];
    td_buf sql = {0};
    td_buf_printf(&sql, "INSERT %sINTO %s(", table->stays != NULL ? "" : "OR REPLACE ", table->name);
    td_table_put_columns(table, false, &sql);
    for (size_t i = 0; i < table->column_count; i++) td_buf_printf(&sql, "%s?%zu", i > 0 ? "," : ") SELECT ", i + 1);
    if (id == TD_TABLE_VENDOR_BARS) td_buf_text(&sql, vendor_said_that);
    if (table->stays != NULL) put_rule(&sql, table);
    td_buf_put(&sql, "", 1);
    td_status status = prepare_one(sink, (const char *)sql.data, &sink->puts[id]);
    td_buf_fini(&sql);
    return status;
}

static td_status prepare(sqlite_sink *sink) {
    td_status status = TD_OK;
    for (int i = 0; i < STATEMENT_COUNT && status == TD_OK; i++)
        status = prepare_one(sink, statement_sql[i], &sink->statements[i]);
    for (int i = 0; i < TD_TABLE_COUNT && status == TD_OK; i++) status = prepare_put(sink, (td_table_id)i);
    return status;
}

static td_status sqlite_open(void **out, const td_os *os, const td_sink_conf *conf) {
    td_status status = td_table_check_of(&conf->of);
    if (status == TD_OK) status = make_folder(os, conf->file);
    if (status != TD_OK) return status;
    sqlite_sink *sink = td_alloc_zero(1, sizeof *sink);
    sink->file = td_copy_text(conf->file);
    sink->retention.retain_ns = conf->retain_ns;
    status = open_db(sink);
    if (status == TD_OK) status = ensure_schema(sink);
    if (status == TD_OK) status = prepare(sink);
    if (status == TD_OK) {
        *out = sink;
        sink = NULL;
    }
    sqlite_close(sink);
    return status;
}

static const td_option options[] = {
    {.key = "name",
     .type = TD_OPTION_TEXT,
     .offset = offsetof(td_sink_conf, name),
     .help = "name of this sink; default: the kind, then kind-2, …"},
    {.key = "file",
     .type = TD_OPTION_TEXT,
     .required = true,
     .offset = offsetof(td_sink_conf, file),
     .help = "the database file; it and its folder are made when missing"},
    {.key = "of", .type = TD_OPTION_TEXTS, .offset = offsetof(td_sink_conf, of), .help = TD_TABLE_OF_HELP},
    TD_RETAIN_TIME_OPTION,
    {0},
};

const td_sink_ops td_sink_sqlite = {
    .kind = "sqlite",
    .options = options,
    .takes_quarantine = true,
    .takes_rejected = true,
    .open = sqlite_open,
    .position = sqlite_position,
    .write = sqlite_write,
    .reset = sqlite_reset,
    .close = sqlite_close,
};
