/* src/sink/sink_sqlite.c - bars, signals, fills, gaps and vendors' bars as tables of one SQLite file, exact, beside
 * the position they came from. A file that an older program wrote is brought up to date when it is opened, in one
 * transaction.
 *
 * Durability: the file is in WAL mode with synchronous=NORMAL. A kill -9 loses nothing that was committed. A power loss
 * may roll back the last commits, never a part of one: the WAL's frames are checksummed in a chain, and a checkpoint
 * syncs the WAL before the file and the file before the WAL is reused. As the position is in the same transaction, it
 * rolls back with its rows, and they are delivered again from the log, which is synced further than any sink reads.
 * Where the file system gives no shared memory for a WAL, a rollback journal with synchronous=FULL promises the same.
 *
 * Errors: TD_RETRY (busy, disk full, I/O, no memory), TD_CONFIG (all else; the trail names the file and the cure). */
#include "sink/sink.h"
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
#define SPAN_NS "(width_ns % 100000000000000000)"
#define WIDTH \
    "CASE WHEN width_ns >= 2000000000000000000 THEN"                                                 \
    "       rtrim(rtrim(printf('%d.%08d', (width_ns - 2000000000000000000) / 100000000,"             \
    "         width_ns % 100000000), '0'), '.') || ' volume'"                                        \
    "     WHEN width_ns >= 1000000000000000000 THEN (width_ns - 1000000000000000000) || ' trades'"   \
    "     ELSE CASE WHEN " SPAN_NS " % 86400000000000 = 0 THEN (" SPAN_NS " / 86400000000000) || 'd'" \
    "     WHEN " SPAN_NS " % 3600000000000 = 0 THEN (" SPAN_NS " / 3600000000000) || 'h'" \
    "     WHEN " SPAN_NS " % 60000000000 = 0 THEN (" SPAN_NS " / 60000000000) || 'm'" \
    "     WHEN " SPAN_NS " % 1000000000 = 0 THEN (" SPAN_NS " / 1000000000) || 's'" \
    "     WHEN " SPAN_NS " % 1000000 = 0 THEN (" SPAN_NS " / 1000000) || 'ms'" \
    "     WHEN " SPAN_NS " % 1000 = 0 THEN (" SPAN_NS " / 1000) || 'us' ELSE " SPAN_NS " || 'ns' END" \
    "     || CASE WHEN width_ns / 100000000000000000 % 2 = 1 THEN ' filled' ELSE '' END" \
    "     || CASE WHEN width_ns >= 200000000000000000 THEN ' extended' ELSE '' END END"
#define SAME_BAR \
    "instrument = b.instrument AND width_ns = b.width_ns AND start_ns = b.start_ns AND feed = b.feed" \
    " AND adjusted = b.adjusted"
#define REAL(name) "CAST(" name " AS REAL) AS " name

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
    NULL};
/* clang-format on */

typedef enum statement {
    BEGIN,
    COMMIT,
    PUT_BAR,
    PUT_SIGNAL,
    PUT_GAP,
    PUT_VENDOR_BAR,
    PUT_FILL,
    PUT_POSITION,
    GET_POSITION,
    STATEMENT_COUNT
} statement;

/* REPLACE, not DO NOTHING: when a log was made anew beside an old file, what the new log says is the truth. */
static const char *const statement_sql[STATEMENT_COUNT] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [PUT_BAR] =
        "INSERT OR REPLACE INTO bars(instrument, width_ns, start_ns, end_ns, open, high, low, close, volume,"
        " notional, vwap, trade_count, revision, known_at_ns, src_partition, src_epoch, src_offset, quality, evidence)"
        " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19)",
    [PUT_SIGNAL] = "INSERT OR REPLACE INTO signals(id, strategy, instrument, event_ns, width_ns, action, target,"
                   " status, price, note, known_at_ns, src_partition, src_epoch, src_offset, reason,"
                   " data)"
                   " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16)",
    [PUT_GAP] =
        "INSERT OR REPLACE INTO gaps(feed, instrument, number, status, reason, from_ns, to_ns, first_id, last_id,"
        " missing, filled, known_at_ns, src_partition, src_epoch, src_offset)"
        " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15)",
    [PUT_FILL] = "INSERT OR REPLACE INTO fills(signal, strategy, instrument, event_ns, side, quantity, price, position,"
                 " kind, known_at_ns, src_partition, src_epoch, src_offset)"
                 " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13)",
    /* Not when the vendor said just that last. */
    [PUT_VENDOR_BAR] =
        "INSERT OR REPLACE INTO vendor_bars(feed, instrument, width_ns, start_ns, end_ns, open, high, low, close,"
        " volume, adjusted, known_at_ns, src_partition, src_epoch, src_offset, origin)"
        " SELECT ?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16 WHERE NOT EXISTS("
        "SELECT 1 FROM (SELECT * FROM vendor_bars WHERE instrument = ?2 AND width_ns = ?3 AND start_ns = ?4"
        " AND feed = ?1 AND adjusted = ?11 AND src_offset < ?15 ORDER BY src_offset DESC LIMIT 1)"
        " WHERE end_ns = ?5 AND open = ?6 AND high = ?7 AND low = ?8 AND close = ?9 AND volume IS ?10)",
    [PUT_POSITION] = "INSERT OR REPLACE INTO positions(topic, partition, epoch, next_offset) VALUES(?1,?2,?3,?4)",
    [GET_POSITION] = "SELECT epoch, next_offset FROM positions WHERE topic = ?1 AND partition = ?2",
};

enum { BAR_TEXTS = 7 }; /* the most decimals a row has */

typedef struct sqlite_sink {
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENT_COUNT];
    char *file;
    char texts[BAR_TEXTS][TD_DECIMAL_TEXT_MAX]; /* bound without a copy: must outlive the step */
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
static td_status run(sqlite_sink *sink, statement which, const char *doing) {
    sqlite3_stmt *stmt = sink->statements[which];
    int code = sqlite3_step(stmt);
    td_status status = code == SQLITE_DONE ? TD_OK : fail(sink, doing);
    (void)sqlite3_reset(stmt); /* repeats the code of the step */
    return status;
}

static void bind_bytes(sqlite3_stmt *stmt, int column, td_bytes text) {
    /* NULL would bind SQL's NULL; a text without bytes is ''. */
    const char *data = text.data != NULL ? (const char *)text.data : "";
    (void)sqlite3_bind_text64(stmt, column, data, text.size, SQLITE_STATIC, SQLITE_UTF8);
}

static void bind_word(sqlite3_stmt *stmt, int column, const char *word) { bind_bytes(stmt, column, td_text(word)); }

static void bind_known(sqlite3_stmt *stmt, int column, int64_t v) { /* NULL where it is not */
    (void)(v == TD_NONE ? sqlite3_bind_null(stmt, column) : sqlite3_bind_int64(stmt, column, v));
}

static void bind_decimal(sqlite3_stmt *stmt, int column, td_i128 m, int scale, char *text) {
    size_t size = td_decimal_format(m, scale, false, text);
    bind_bytes(stmt, column, (td_bytes){(const uint8_t *)text, size});
}

static void bind_source(sqlite3_stmt *stmt, int column, uint32_t partition, td_position source) {
    (void)sqlite3_bind_int64(stmt, column, partition);
    (void)sqlite3_bind_int64(stmt, column + 1, source.epoch);
    (void)sqlite3_bind_int64(stmt, column + 2, source.offset);
}

static td_status put_bar(sqlite_sink *sink, uint32_t partition, const td_sink_row *row) {
    sqlite3_stmt *stmt = sink->statements[PUT_BAR];
    const td_bar *bar = &row->bar;
    bind_bytes(stmt, 1, row->instrument);
    (void)sqlite3_bind_int64(stmt, 2, bar->width_ns);
    (void)sqlite3_bind_int64(stmt, 3, bar->start_ns);
    (void)sqlite3_bind_int64(stmt, 4, bar->end_ns);
    bind_decimal(stmt, 5, bar->open, TD_PRICE_SCALE, sink->texts[0]);
    bind_decimal(stmt, 6, bar->high, TD_PRICE_SCALE, sink->texts[1]);
    bind_decimal(stmt, 7, bar->low, TD_PRICE_SCALE, sink->texts[2]);
    bind_decimal(stmt, 8, bar->close, TD_PRICE_SCALE, sink->texts[3]);
    bind_decimal(stmt, 9, bar->volume, TD_SIZE_SCALE, sink->texts[4]);
    bind_decimal(stmt, 10, bar->notional, TD_NOTIONAL_SCALE, sink->texts[5]);
    size_t size = td_decimal_format(bar->vwap, TD_PRICE_SCALE, true, sink->texts[6]);
    bind_bytes(stmt, 11, (td_bytes){(const uint8_t *)sink->texts[6], size});
    (void)sqlite3_bind_int64(stmt, 12, bar->trade_count);
    (void)sqlite3_bind_int64(stmt, 13, bar->revision);
    (void)sqlite3_bind_int64(stmt, 14, bar->known_at_ns);
    bind_source(stmt, 15, partition, row->source);
    bind_word(stmt, 18, td_quality_name((td_quality)bar->quality));
    bind_word(stmt, 19, td_evidence_name((td_evidence)bar->evidence));
    return run(sink, PUT_BAR, "write bars to");
}

static td_status put_signal(sqlite_sink *sink, uint32_t partition, const td_sink_row *row) {
    sqlite3_stmt *stmt = sink->statements[PUT_SIGNAL];
    const td_signal *signal = &row->signal;
    char id[TD_SIGNAL_ID_MAX + 1]; /* bound without a copy, used by the run below */
    size_t id_size = td_signal_id(signal, row->instrument, id);
    bind_bytes(stmt, 1, (td_bytes){(const uint8_t *)id, id_size});
    bind_bytes(stmt, 2, signal->strategy);
    bind_bytes(stmt, 3, td_signal_traded(signal, row->instrument));
    (void)sqlite3_bind_int64(stmt, 4, signal->event_ns);
    (void)sqlite3_bind_int64(stmt, 5, signal->width_ns);
    bind_word(stmt, 6, td_action_name(signal->action));
    bind_decimal(stmt, 7, signal->target, TD_SIZE_SCALE, sink->texts[0]);
    bind_word(stmt, 8, td_signal_status_name(signal->status));
    bind_decimal(stmt, 9, signal->price, TD_PRICE_SCALE, sink->texts[1]);
    bind_bytes(stmt, 10, signal->note);
    (void)sqlite3_bind_int64(stmt, 11, signal->known_at_ns);
    bind_source(stmt, 12, partition, row->source);
    bind_bytes(stmt, 15, signal->reason);
    bind_bytes(stmt, 16, signal->data);
    return run(sink, PUT_SIGNAL, "write signals to");
}

static td_status put_fill(sqlite_sink *sink, uint32_t partition, const td_sink_row *row) {
    sqlite3_stmt *stmt = sink->statements[PUT_FILL];
    const td_fill *fill = &row->fill;
    bind_bytes(stmt, 1, fill->signal);
    bind_bytes(stmt, 2, fill->strategy);
    bind_bytes(stmt, 3, td_fill_traded(fill, row->instrument));
    (void)sqlite3_bind_int64(stmt, 4, fill->event_ns);
    bind_word(stmt, 5, td_fill_side_name((td_side)fill->side));
    bind_decimal(stmt, 6, fill->quantity, TD_SIZE_SCALE, sink->texts[0]);
    bind_decimal(stmt, 7, fill->price, TD_PRICE_SCALE, sink->texts[1]);
    bind_decimal(stmt, 8, fill->position, TD_SIZE_SCALE, sink->texts[2]);
    bind_word(stmt, 9, td_fill_kind_name((td_fill_kind)fill->kind));
    (void)sqlite3_bind_int64(stmt, 10, fill->known_at_ns);
    bind_source(stmt, 11, partition, row->source);
    return run(sink, PUT_FILL, "write fills to");
}

static td_status put_gap(sqlite_sink *sink, uint32_t partition, const td_sink_row *row) {
    sqlite3_stmt *stmt = sink->statements[PUT_GAP];
    const td_gap *gap = &row->gap;
    bind_bytes(stmt, 1, gap->feed);
    bind_bytes(stmt, 2, row->instrument);
    (void)sqlite3_bind_int64(stmt, 3, gap->number);
    bind_word(stmt, 4, td_gap_status_name((td_gap_status)gap->status));
    bind_word(stmt, 5, td_gap_reason_name((td_gap_reason)gap->reason));
    (void)sqlite3_bind_int64(stmt, 6, gap->from_ns);
    bind_known(stmt, 7, gap->to_ns);
    bind_known(stmt, 8, gap->first_id);
    bind_known(stmt, 9, gap->last_id);
    bind_known(stmt, 10, gap->missing);
    (void)sqlite3_bind_int64(stmt, 11, gap->filled);
    (void)sqlite3_bind_int64(stmt, 12, gap->known_at_ns);
    bind_source(stmt, 13, partition, row->source);
    return run(sink, PUT_GAP, "write gaps to");
}

static td_status put_vendor_bar(sqlite_sink *sink, uint32_t partition, const td_sink_row *row) {
    sqlite3_stmt *stmt = sink->statements[PUT_VENDOR_BAR];
    const td_vendor_bar *bar = &row->event.vendor_bar;
    bind_bytes(stmt, 1, row->feed);
    bind_bytes(stmt, 2, row->instrument);
    (void)sqlite3_bind_int64(stmt, 3, bar->width_ns);
    (void)sqlite3_bind_int64(stmt, 4, bar->start_ns);
    (void)sqlite3_bind_int64(stmt, 5, row->event.event_ns);
    bind_decimal(stmt, 6, bar->open, TD_PRICE_SCALE, sink->texts[0]);
    bind_decimal(stmt, 7, bar->high, TD_PRICE_SCALE, sink->texts[1]);
    bind_decimal(stmt, 8, bar->low, TD_PRICE_SCALE, sink->texts[2]);
    bind_decimal(stmt, 9, bar->close, TD_PRICE_SCALE, sink->texts[3]);
    if (bar->volume == TD_NONE)
        (void)sqlite3_bind_null(stmt, 10);
    else
        bind_decimal(stmt, 10, bar->volume, TD_SIZE_SCALE, sink->texts[4]);
    (void)sqlite3_bind_int64(stmt, 11, bar->adjusted);
    (void)sqlite3_bind_int64(stmt, 12, row->event.receive_ns);
    bind_source(stmt, 13, partition, row->source);
    bind_word(stmt, 16, td_event_origin_name((td_event_origin)row->event.origin));
    return run(sink, PUT_VENDOR_BAR, "write vendors' bars to");
}

static td_status put_position(sqlite_sink *sink, const char *topic, uint32_t partition, td_position next) {
    sqlite3_stmt *stmt = sink->statements[PUT_POSITION];
    bind_word(stmt, 1, topic);
    (void)sqlite3_bind_int64(stmt, 2, partition);
    (void)sqlite3_bind_int64(stmt, 3, next.epoch);
    (void)sqlite3_bind_int64(stmt, 4, next.offset);
    return run(sink, PUT_POSITION, "write the position to");
}

static td_status put_row(sqlite_sink *sink, uint32_t partition, const td_sink_row *row) {
    switch (row->kind) {
    case TD_ROW_BAR:
        return put_bar(sink, partition, row);
    case TD_ROW_SIGNAL:
        return put_signal(sink, partition, row);
    case TD_ROW_FILL:
        return put_fill(sink, partition, row);
    case TD_ROW_VENDOR_BAR:
        return put_vendor_bar(sink, partition, row);
    default:
        return put_gap(sink, partition, row);
    }
}

static td_status sqlite_write(void *sink_any, const char *topic, uint32_t partition, const td_sink_row *rows,
                              size_t row_count, td_position next) {
    sqlite_sink *sink = sink_any;
    td_status status = run(sink, BEGIN, "begin writing to");
    if (status != TD_OK) return status;
    for (size_t i = 0; i < row_count && status == TD_OK; i++) status = put_row(sink, partition, &rows[i]);
    if (status == TD_OK) status = put_position(sink, topic, partition, next);
    if (status == TD_OK) status = run(sink, COMMIT, "commit to");
    /* Some errors roll back by themselves. A rollback that fails leaves nothing either: the file's next use does it. */
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
    (void)sqlite3_close(sink->db); /* what was committed stays, whatever this says */
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

static td_status exec(sqlite_sink *sink, const char *sql) {
    return sqlite3_exec(sink->db, sql, NULL, NULL, NULL) == SQLITE_OK ? TD_OK : fail(sink, "set up");
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
    status = exec(sink, wal ? "PRAGMA synchronous = NORMAL" : "PRAGMA synchronous = FULL");
    if (status != TD_OK) return status;
    /* 8 MB for the growing ends of many instruments' rows; a checkpoint per 32 MB, as each rewrites those ends. */
    return exec(sink, "PRAGMA cache_size = -8192; PRAGMA wal_autocheckpoint = 8192");
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
    for (int step = version; step < SCHEMA_VERSION && status == TD_OK; step++) status = exec(sink, schema_steps[step]);
    for (const char *const *sql = views_sql; *sql != NULL && status == TD_OK; sql++) status = exec(sink, *sql);
    (void)snprintf(mark, sizeof mark, "PRAGMA user_version = %d", SCHEMA_VERSION);
    return status == TD_OK ? exec(sink, mark) : status;
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
    status = exec(sink, "BEGIN IMMEDIATE");
    if (status == TD_OK) status = grow_schema(sink);
    if (status == TD_OK) status = exec(sink, "COMMIT");
    if (sqlite3_get_autocommit(sink->db) == 0) (void)sqlite3_exec(sink->db, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

static td_status prepare(sqlite_sink *sink) {
    for (int i = 0; i < STATEMENT_COUNT; i++)
        if (sqlite3_prepare_v3(sink->db, statement_sql[i], -1, SQLITE_PREPARE_PERSISTENT, &sink->statements[i], NULL) !=
            SQLITE_OK)
            return fail(sink, "use");
    return TD_OK;
}

static td_status sqlite_open(void **out, const td_os *os, const td_sink_conf *conf) {
    td_status status = make_folder(os, conf->file);
    if (status != TD_OK) return status;
    sqlite_sink *sink = td_alloc_zero(1, sizeof *sink);
    sink->file = td_copy_text(conf->file);
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
    {0},
};

const td_sink_ops td_sink_sqlite = {
    .kind = "sqlite",
    .options = options,
    .open = sqlite_open,
    .position = sqlite_position,
    .write = sqlite_write,
    .close = sqlite_close,
};
