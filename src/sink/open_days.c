/* src/sink/open_days.c - open days in SQLite, in WAL mode with synchronous=NORMAL, for one sink alone. A transaction
 * whose syncs are lost with the machine's power comes again from the log, with the position that it had.
 *
 * Packs are appended, and nothing is kept in the order of instruments: a live batch of some hundred of them is a few
 * pages, not one for each. What names them is apart from their bytes, so that it is sorted alone as a day closes. */
#include "sink/open_days.h"
#include "base/hash.h"
#include "base/time.h"
#include <assert.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

enum { BUSY_MS = 200, VERSION = 1 };
#define OF_TOPIC               "topic = ?1 AND day < ?2"
#define OF_PARTITION           OF_TOPIC " AND partition = ?3"
#define OF_VENUE               OF_PARTITION " AND venue = ?4"
#define EACH_PACK              "SELECT id, partition, instrument, day, first, rows, crc FROM packs WHERE "
#define REMOVE_BYTES_OF(WHICH) "DELETE FROM bytes WHERE id IN (SELECT id FROM packs WHERE " WHICH ")"
#define REMOVE_PACKS_OF(WHICH) "DELETE FROM packs WHERE " WHICH
#define IN_ORDER               " ORDER BY partition, instrument, day, id"

/* Before anything reads the file: what opens its log while this is not said yet shares it, and holds nobody off. */
static const char alone[] = "PRAGMA locking_mode = EXCLUSIVE; PRAGMA page_size = 16384";
static const char settings[] = "PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 2048";
static const char tables[] =
    "CREATE TABLE positions(topic TEXT NOT NULL, partition INTEGER NOT NULL, epoch INTEGER NOT NULL,"
    " next_offset INTEGER NOT NULL, PRIMARY KEY(topic, partition)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE clocks(topic TEXT NOT NULL, partition INTEGER NOT NULL, venue TEXT NOT NULL,"
    " day INTEGER NOT NULL, PRIMARY KEY(topic, partition, venue)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE packs(id INTEGER PRIMARY KEY, topic TEXT NOT NULL, partition INTEGER NOT NULL,"
    " venue TEXT NOT NULL, instrument TEXT NOT NULL, day INTEGER NOT NULL, first INTEGER NOT NULL,"
    " rows INTEGER NOT NULL, crc INTEGER NOT NULL) STRICT;"
    "CREATE INDEX packs_by_day ON packs(topic, partition, venue, day);"
    "CREATE TABLE bytes(id INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;"
    "CREATE TABLE conf(close_after_ns INTEGER NOT NULL) STRICT;";

typedef enum statement {
    PUT_PACK,
    PUT_BYTES,
    EACH, /* of a topic; of a partition of it, and of a venue in that are the next two, as of those below */
    EACH_LAST = EACH + 2,
    GET_BYTES,
    REMOVE_BYTES,
    REMOVE_BYTES_LAST = REMOVE_BYTES + 2,
    REMOVE_PACKS,
    REMOVE_PACKS_LAST = REMOVE_PACKS + 2,
    PUT_POSITION,
    GET_POSITION,
    PUT_CLOCK,
    CLOCKS,
    STATEMENT_COUNT
} statement;

static const char *const statement_sql[STATEMENT_COUNT] = {
    [PUT_PACK] =
        "INSERT INTO packs(topic, partition, venue, instrument, day, first, rows, crc) VALUES(?1,?2,?3,?4,?5,?6,?7,?8)",
    [PUT_BYTES] = "INSERT INTO bytes(id, data) VALUES(?1,?2)",
    [EACH] = EACH_PACK OF_TOPIC IN_ORDER,
    [EACH + 1] = EACH_PACK OF_PARTITION IN_ORDER,
    [EACH + 2] = EACH_PACK OF_VENUE IN_ORDER,
    [GET_BYTES] = "SELECT data FROM bytes WHERE id = ?1",
    [REMOVE_BYTES] = REMOVE_BYTES_OF(OF_TOPIC),
    [REMOVE_BYTES + 1] = REMOVE_BYTES_OF(OF_PARTITION),
    [REMOVE_BYTES + 2] = REMOVE_BYTES_OF(OF_VENUE),
    [REMOVE_PACKS] = REMOVE_PACKS_OF(OF_TOPIC),
    [REMOVE_PACKS + 1] = REMOVE_PACKS_OF(OF_PARTITION),
    [REMOVE_PACKS + 2] = REMOVE_PACKS_OF(OF_VENUE),
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

/* Of a query of one number. */
static td_status ask(td_open_days *d, const char *sql, int64_t *out) {
    sqlite3_stmt *stmt = NULL;
    bool is_there = sqlite3_prepare_v2(d->db, sql, -1, &stmt, NULL) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW;
    if (is_there) *out = sqlite3_column_int64(stmt, 0);
    td_status status = is_there ? TD_OK : fail(d, "read");
    (void)sqlite3_finalize(stmt);
    return status;
}

static td_status make_tables(td_open_days *d, int64_t close_after_ns) {
    char conf[128];
    (void)snprintf(conf, sizeof conf, "INSERT INTO conf(close_after_ns) VALUES(%" PRId64 "); PRAGMA user_version = %d",
                   close_after_ns, VERSION);
    td_status status = exec(d, "set up", tables);
    return status == TD_OK ? exec(d, "set up", conf) : status;
}

/* By another one the same rows would be in files of other names, and those of a transaction that was lost stand. */
static td_status check_close_after(td_open_days *d, int64_t close_after_ns) {
    int64_t kept_ns = 0;
    char kept[24], wanted[24];
    td_status status = ask(d, "SELECT close_after_ns FROM conf", &kept_ns);
    if (status != TD_OK || kept_ns == close_after_ns) return status;
    (void)td_duration_format(kept_ns, kept);
    (void)td_duration_format(close_after_ns, wanted);
    return TD_FAIL(TD_CONFIG,
                   "close_after: %s is of an archive whose days end after %s, not %s: give it that, or another folder, "
                   "which is filled from the log",
                   d->file, kept, wanted);
}

static td_status find_tables(td_open_days *d, int64_t close_after_ns) {
    int64_t version = 0, count = 0;
    td_status status = ask(d, "PRAGMA user_version", &version);
    if (status == TD_OK) status = ask(d, "SELECT count(*) FROM sqlite_master", &count);
    if (status != TD_OK) return status;
    if (count == 0 && version == 0) return make_tables(d, close_after_ns);
    if (version == VERSION) return check_close_after(d, close_after_ns);
    return TD_FAIL(TD_CONFIG,
                   "archive: %s is of %s version of this program: use that, or name another folder, which is filled "
                   "from the log",
                   d->file, version > VERSION ? "a newer" : "an older");
}

static td_status set_up(td_open_days *d, const td_open_days_conf *conf) {
    char cache[64];
    (void)snprintf(cache, sizeof cache, "PRAGMA cache_size = -%" PRId64, conf->cache_bytes / 1024);
    td_status status = exec(d, "set up", alone);
    if (status == TD_OK) status = set_wal(d);
    if (status == TD_OK) status = exec(d, "set up", settings);
    if (status == TD_OK) status = exec(d, "set up", cache);
    if (status == TD_OK) status = exec(d, "hold", "BEGIN EXCLUSIVE");
    if (status == TD_OK) status = find_tables(d, conf->close_after_ns);
    if (status == TD_OK) status = td_open_days_commit(d);
    for (int i = 0; i < STATEMENT_COUNT && status == TD_OK; i++)
        if (sqlite3_prepare_v3(d->db, statement_sql[i], -1, SQLITE_PREPARE_PERSISTENT, &d->statements[i], NULL) !=
            SQLITE_OK)
            status = fail(d, "use");
    return status;
}

td_status td_open_days_open(td_open_days **out, const char *file, const td_open_days_conf *conf) {
    td_open_days *d = td_alloc_zero(1, sizeof *d);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    d->file = td_copy_text(file);
    td_status status = sqlite3_open_v2(file, &d->db, flags, NULL) == SQLITE_OK ? TD_OK : fail(d, "open");
    if (status == TD_OK) {
        (void)sqlite3_busy_timeout(d->db, BUSY_MS);
        status = set_up(d, conf);
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

td_status td_open_days_harden(td_open_days *d) {
    int code = sqlite3_wal_checkpoint_v2(d->db, NULL, SQLITE_CHECKPOINT_FULL, NULL, NULL);
    return code == SQLITE_OK ? TD_OK : fail(d, "sync");
}

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

/* Of all that makes a file of it. */
static uint32_t sum_of(const td_pack *pack) {
    const int64_t numbers[] = {pack->partition, pack->day, pack->first, pack->rows};
    uint32_t crc = td_crc32c(0, numbers, sizeof numbers);
    crc = td_crc32c(crc, pack->topic, strlen(pack->topic) + 1);
    crc = td_crc32c(crc, pack->instrument.data, pack->instrument.size);
    return td_crc32c(crc, pack->data.data, pack->data.size);
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
    (void)sqlite3_bind_int64(stmt, 8, sum_of(pack));
    td_status status = run(d, PUT_PACK, "write rows to");
    (void)sqlite3_bind_int64(bytes, 1, sqlite3_last_insert_rowid(d->db));
    (void)sqlite3_bind_blob64(bytes, 2, pack->data.data, pack->data.size, SQLITE_STATIC);
    return status == TD_OK ? run(d, PUT_BYTES, "write rows to") : status;
}

/* The statement for those, of the first of three: each has conditions of its own, or no index would serve. */
static statement bind_which(td_open_days *d, statement first, const td_days *which) {
    assert(which->partition >= 0 || which->venue == NULL);
    statement s = first + (which->partition < 0 ? 0 : which->venue == NULL ? 1 : 2);
    sqlite3_stmt *stmt = d->statements[s];
    bind_text(stmt, 1, td_text(which->topic));
    (void)sqlite3_bind_int64(stmt, 2, which->before);
    if (which->partition >= 0) (void)sqlite3_bind_int64(stmt, 3, which->partition);
    if (which->venue != NULL) bind_text(stmt, 4, td_text(which->venue));
    return s;
}

static td_status check_sum(const td_open_days *d, const td_pack *pack, int64_t sum) {
    if (sum_of(pack) == sum) return TD_OK;
    return TD_FAIL(TD_CORRUPT,
                   "%s is damaged: rows of %s-%" PRIu32 " from offset %" PRId64
                   " on; name another folder, which is filled from the log",
                   d->file, pack->topic, pack->partition, pack->first);
}

static td_status lend_pack(td_open_days *d, sqlite3_stmt *stmt, const td_days *which, td_pack_fn each, void *arg) {
    sqlite3_stmt *bytes = d->statements[GET_BYTES];
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
        status = check_sum(d, &pack, sqlite3_column_int64(stmt, 6));
    }
    if (status == TD_OK) status = each(arg, &pack);
    (void)sqlite3_reset(bytes);
    return status;
}

td_status td_open_days_each(td_open_days *d, const td_days *which, td_pack_fn each, void *arg) {
    sqlite3_stmt *stmt = d->statements[bind_which(d, EACH, which)];
    td_status status = TD_OK;
    int code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW && status == TD_OK) status = lend_pack(d, stmt, which, each, arg);
    if (code != SQLITE_ROW && code != SQLITE_DONE) status = fail(d, "read rows of");
    (void)sqlite3_reset(stmt);
    return status;
}

td_status td_open_days_remove(td_open_days *d, const td_days *which) {
    td_status status = run(d, bind_which(d, REMOVE_BYTES, which), "remove rows from");
    return status == TD_OK ? run(d, bind_which(d, REMOVE_PACKS, which), "remove rows from") : status;
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
