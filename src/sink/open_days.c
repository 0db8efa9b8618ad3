/* src/sink/open_days.c - open days in SQLite, in WAL mode with synchronous=NORMAL, for one sink alone. A transaction
 * whose syncs are lost with the machine's power comes again from the log, with the position that it had.
 *
 * Packs are appended, and nothing is kept in the order of instruments: a live batch of some hundred of them is a few
 * pages, not one for each. What names them is apart from their bytes, so that it is sorted alone as a day closes. */
#include "sink/open_days.h"
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

enum { BUSY_MS = 200 };
#define WHICH "topic = ?1 AND (?2 < 0 OR partition = ?2) AND (?3 IS NULL OR venue = ?3) AND day < ?4"

/* Before anything reads the file: what opens its log while this is not said yet shares it, and holds nobody off. */
static const char alone[] = "PRAGMA locking_mode = EXCLUSIVE; PRAGMA page_size = 16384";
static const char settings[] = "PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 2048";
static const char tables[] =
    "CREATE TABLE IF NOT EXISTS positions(topic TEXT NOT NULL, partition INTEGER NOT NULL, epoch INTEGER NOT NULL,"
    " next_offset INTEGER NOT NULL, PRIMARY KEY(topic, partition)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS clocks(topic TEXT NOT NULL, partition INTEGER NOT NULL, venue TEXT NOT NULL,"
    " day INTEGER NOT NULL, PRIMARY KEY(topic, partition, venue)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS packs(id INTEGER PRIMARY KEY, topic TEXT NOT NULL, partition INTEGER NOT NULL,"
    " venue TEXT NOT NULL, instrument TEXT NOT NULL, day INTEGER NOT NULL, first INTEGER NOT NULL,"
    " rows INTEGER NOT NULL) STRICT;"
    "CREATE TABLE IF NOT EXISTS bytes(id INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;";

typedef enum statement {
    PUT_PACK,
    PUT_BYTES,
    EACH,
    GET_BYTES,
    REMOVE_BYTES,
    REMOVE_PACKS,
    PUT_POSITION,
    GET_POSITION,
    PUT_CLOCK,
    CLOCKS,
    STATEMENT_COUNT
} statement;

static const char *const statement_sql[STATEMENT_COUNT] = {
    [PUT_PACK] =
        "INSERT INTO packs(topic, partition, venue, instrument, day, first, rows) VALUES(?1,?2,?3,?4,?5,?6,?7)",
    [PUT_BYTES] = "INSERT INTO bytes(id, data) VALUES(?1,?2)",
    [EACH] = ("SELECT id, partition, instrument, day, first, rows FROM packs WHERE " WHICH
              " ORDER BY partition, instrument, day, id"),
    [GET_BYTES] = "SELECT data FROM bytes WHERE id = ?1",
    [REMOVE_BYTES] = ("DELETE FROM bytes WHERE id IN (SELECT id FROM packs WHERE " WHICH ")"),
    [REMOVE_PACKS] = ("DELETE FROM packs WHERE " WHICH),
    [PUT_POSITION] = "INSERT OR REPLACE INTO positions(topic, partition, epoch, next_offset) VALUES(?1,?2,?3,?4)",
    [GET_POSITION] = "SELECT epoch, next_offset FROM positions WHERE topic = ?1 AND partition = ?2",
    [PUT_CLOCK] = "INSERT OR REPLACE INTO clocks(topic, partition, venue, day) VALUES(?1,?2,?3,?4)",
    [CLOCKS] = "SELECT topic, partition, venue, day FROM clocks ORDER BY topic, partition, venue",
};

struct td_open_days {
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENT_COUNT];
    char *file;
};

static td_status fail(const td_open_days *d, const char *doing) {
    int code = d->db != NULL ? sqlite3_errcode(d->db) & 0xff : SQLITE_NOMEM;
    const char *text = d->db != NULL ? sqlite3_errmsg(d->db) : "no memory";
    bool machine = code == SQLITE_BUSY || code == SQLITE_LOCKED || code == SQLITE_PROTOCOL || code == SQLITE_FULL ||
                   code == SQLITE_IOERR || code == SQLITE_NOMEM || code == SQLITE_CANTOPEN;
    return TD_FAIL(machine ? TD_RETRY : TD_CONFIG, "cannot %s %s: %s", doing, d->file, text);
}

static td_status exec(td_open_days *d, const char *doing, const char *sql) {
    return sqlite3_exec(d->db, sql, NULL, NULL, NULL) == SQLITE_OK ? TD_OK : fail(d, doing);
}

static td_status run(td_open_days *d, statement s, const char *doing) {
    td_status status = sqlite3_step(d->statements[s]) == SQLITE_DONE ? TD_OK : fail(d, doing);
    (void)sqlite3_reset(d->statements[s]);
    return status;
}

/* ---- life ---- */

static int note_wal(void *arg, int count, char **values, char **names) {
    (void)names;
    *(bool *)arg = count == 1 && values[0] != NULL && strcmp(values[0], "wal") == 0;
    return 0;
}

/* It answers what it is, whatever was asked for. */
static td_status set_wal(td_open_days *d) {
    bool is_wal = false;
    int code = sqlite3_exec(d->db, "PRAGMA journal_mode = WAL", note_wal, &is_wal, NULL);
    if (code != SQLITE_OK) return fail(d, "set up");
    return is_wal ? TD_OK : TD_FAIL(TD_CONFIG, "cannot set up %s: its file system has no place for a log", d->file);
}

static td_status set_up(td_open_days *d, int64_t cache_bytes) {
    char cache[64];
    (void)snprintf(cache, sizeof cache, "PRAGMA cache_size = -%" PRId64, cache_bytes / 1024);
    td_status status = exec(d, "set up", alone);
    if (status == TD_OK) status = set_wal(d);
    if (status == TD_OK) status = exec(d, "set up", settings);
    if (status == TD_OK) status = exec(d, "set up", cache);
    if (status == TD_OK) status = exec(d, "hold", "BEGIN EXCLUSIVE");
    if (status == TD_OK) status = exec(d, "set up", tables);
    if (status == TD_OK) status = td_open_days_commit(d);
    for (int i = 0; i < STATEMENT_COUNT && status == TD_OK; i++)
        if (sqlite3_prepare_v3(d->db, statement_sql[i], -1, SQLITE_PREPARE_PERSISTENT, &d->statements[i], NULL) !=
            SQLITE_OK)
            status = fail(d, "use");
    return status;
}

td_status td_open_days_open(td_open_days **out, const char *file, int64_t cache_bytes) {
    td_open_days *d = td_alloc_zero(1, sizeof *d);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    d->file = td_copy_text(file);
    td_status status = sqlite3_open_v2(file, &d->db, flags, NULL) == SQLITE_OK ? TD_OK : fail(d, "open");
    if (status == TD_OK) {
        (void)sqlite3_busy_timeout(d->db, BUSY_MS);
        status = set_up(d, cache_bytes);
    }
    if (status == TD_OK)
        *out = d;
    else
        td_open_days_close(d);
    return status;
}

void td_open_days_close(td_open_days *d) {
    if (d == NULL) return;
    for (int i = 0; i < STATEMENT_COUNT; i++) (void)sqlite3_finalize(d->statements[i]);
    (void)sqlite3_close(d->db); /* it rolls back */
    free(d->file);
    free(d);
}

td_status td_open_days_begin(td_open_days *d) { return exec(d, "begin writing to", "BEGIN IMMEDIATE"); }
td_status td_open_days_commit(td_open_days *d) { return exec(d, "commit to", "COMMIT"); }

/* ---- packs ---- */

static void bind_text(sqlite3_stmt *stmt, int at, td_bytes text) {
    /* NULL would bind SQL's NULL */
    (void)sqlite3_bind_text64(stmt, at, text.size > 0 ? (const char *)text.data : "", text.size, SQLITE_STATIC,
                              SQLITE_UTF8);
}

static td_bytes text_at(sqlite3_stmt *stmt, int at) {
    const uint8_t *text = sqlite3_column_text(stmt, at);
    return (td_bytes){text, (size_t)sqlite3_column_bytes(stmt, at)};
}

td_status td_open_days_put(td_open_days *d, const td_pack *pack) {
    sqlite3_stmt *stmt = d->statements[PUT_PACK], *bytes = d->statements[PUT_BYTES];
    bind_text(stmt, 1, td_text(pack->topic));
    (void)sqlite3_bind_int64(stmt, 2, pack->partition);
    bind_text(stmt, 3, pack->venue);
    bind_text(stmt, 4, pack->instrument);
    (void)sqlite3_bind_int64(stmt, 5, pack->day);
    (void)sqlite3_bind_int64(stmt, 6, pack->first);
    (void)sqlite3_bind_int64(stmt, 7, pack->rows);
    td_status status = run(d, PUT_PACK, "write rows to");
    (void)sqlite3_bind_int64(bytes, 1, sqlite3_last_insert_rowid(d->db));
    (void)sqlite3_bind_blob64(bytes, 2, pack->data.data, pack->data.size, SQLITE_STATIC);
    return status == TD_OK ? run(d, PUT_BYTES, "write rows to") : status;
}

static void bind_which(sqlite3_stmt *stmt, const td_days *which) {
    bind_text(stmt, 1, td_text(which->topic));
    (void)sqlite3_bind_int64(stmt, 2, which->partition);
    if (which->venue != NULL)
        bind_text(stmt, 3, td_text(which->venue));
    else
        (void)sqlite3_bind_null(stmt, 3);
    (void)sqlite3_bind_int64(stmt, 4, which->before);
}

static td_status lend_pack(td_open_days *d, const td_days *which, td_pack_fn each, void *arg) {
    sqlite3_stmt *stmt = d->statements[EACH], *bytes = d->statements[GET_BYTES];
    (void)sqlite3_bind_int64(bytes, 1, sqlite3_column_int64(stmt, 0));
    td_pack pack = {.topic = which->topic,
                    .partition = (uint32_t)sqlite3_column_int64(stmt, 1),
                    .instrument = text_at(stmt, 2),
                    .day = (int32_t)sqlite3_column_int64(stmt, 3),
                    .first = sqlite3_column_int64(stmt, 4),
                    .rows = sqlite3_column_int64(stmt, 5)};
    td_status status = sqlite3_step(bytes) == SQLITE_ROW ? TD_OK : fail(d, "read rows of");
    if (status == TD_OK) {
        pack.data.data = sqlite3_column_blob(bytes, 0);
        pack.data.size = (size_t)sqlite3_column_bytes(bytes, 0);
        status = each(arg, &pack);
    }
    (void)sqlite3_reset(bytes);
    return status;
}

td_status td_open_days_each(td_open_days *d, const td_days *which, td_pack_fn each, void *arg) {
    sqlite3_stmt *stmt = d->statements[EACH];
    td_status status = TD_OK;
    int code;
    bind_which(stmt, which);
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW && status == TD_OK) status = lend_pack(d, which, each, arg);
    if (code != SQLITE_ROW && code != SQLITE_DONE) status = fail(d, "read rows of");
    (void)sqlite3_reset(stmt);
    return status;
}

td_status td_open_days_remove(td_open_days *d, const td_days *which) {
    bind_which(d->statements[REMOVE_BYTES], which);
    bind_which(d->statements[REMOVE_PACKS], which);
    td_status status = run(d, REMOVE_BYTES, "remove rows from");
    return status == TD_OK ? run(d, REMOVE_PACKS, "remove rows from") : status;
}

/* ---- positions and clocks ---- */

td_status td_open_days_put_position(td_open_days *d, const char *topic, uint32_t partition, td_position next) {
    sqlite3_stmt *stmt = d->statements[PUT_POSITION];
    bind_text(stmt, 1, td_text(topic));
    (void)sqlite3_bind_int64(stmt, 2, partition);
    (void)sqlite3_bind_int64(stmt, 3, next.epoch);
    (void)sqlite3_bind_int64(stmt, 4, next.offset);
    return run(d, PUT_POSITION, "write the position to");
}

td_status td_open_days_position(td_open_days *d, const char *topic, uint32_t partition, td_position *out) {
    sqlite3_stmt *stmt = d->statements[GET_POSITION];
    bind_text(stmt, 1, td_text(topic));
    (void)sqlite3_bind_int64(stmt, 2, partition);
    int code = sqlite3_step(stmt);
    if (code == SQLITE_ROW) *out = (td_position){sqlite3_column_int(stmt, 0), sqlite3_column_int64(stmt, 1)};
    td_status status = code == SQLITE_ROW || code == SQLITE_DONE ? TD_OK : fail(d, "read the position of");
    (void)sqlite3_reset(stmt);
    return status;
}

td_status td_open_days_put_clock(td_open_days *d, const td_day_clock *clock) {
    sqlite3_stmt *stmt = d->statements[PUT_CLOCK];
    bind_text(stmt, 1, clock->topic);
    (void)sqlite3_bind_int64(stmt, 2, clock->partition);
    bind_text(stmt, 3, clock->venue);
    (void)sqlite3_bind_int64(stmt, 4, clock->day);
    return run(d, PUT_CLOCK, "keep clocks in");
}

td_status td_open_days_clocks(td_open_days *d, td_day_clock_fn each, void *arg) {
    sqlite3_stmt *stmt = d->statements[CLOCKS];
    int code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        td_day_clock clock = {.topic = text_at(stmt, 0),
                              .partition = (uint32_t)sqlite3_column_int64(stmt, 1),
                              .venue = text_at(stmt, 2),
                              .day = sqlite3_column_int(stmt, 3)};
        each(arg, &clock);
    }
    td_status status = code == SQLITE_DONE ? TD_OK : fail(d, "read clocks of");
    (void)sqlite3_reset(stmt);
    return status;
}
