/* tests/contract/store_sqlite.c - SQLite files: on the real machine in a temporary folder, and on the simulated one. */
#include "../sim/os_sim.h"
#include "../sim/sqlite_vfs.h"
#include "../unit/unit.h"
#include "sqlite_1.h"
#include "store.h"
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

typedef struct store {
    td_sim *sim; /* NULL: the real machine */
    td_os os;
    char folder[64], file[128];
    td_sink_conf conf;
    struct rlimit file_sizes;
} store;

static const td_os *store_os(void *self) { return &((store *)self)->os; }
static const td_sink_conf *store_conf(void *self) { return &((store *)self)->conf; }

static sqlite3 *look(const store *s) {
    sqlite3 *db;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_URI;
    if (sqlite3_open_v2(s->file, &db, flags, NULL) != SQLITE_OK) fail_msg("%s: %s", s->file, sqlite3_errmsg(db));
    return db;
}

static void store_dump(void *self, td_buf *out) {
    static const char sql[] =
        "SELECT printf('%s %d %d %d %s %s %s %d/%d/%d', instrument, width_ns, start_ns, revision, close, quality,"
        " evidence, src_partition, src_epoch, src_offset) AS line FROM bars UNION ALL "
        "SELECT printf('%s %s %s (%s) %d/%d/%d', id, status, note, reason, src_partition, src_epoch, src_offset)"
        " FROM signals UNION ALL "
        "SELECT printf('%s %s gap %d %s %s %d %s %d/%d/%d', feed, instrument, number, status, reason, from_ns,"
        " ifnull(to_ns, 'open'), src_partition, src_epoch, src_offset) FROM gaps UNION ALL "
        "SELECT printf('%s %s vendor bar %d %d %s %s %d %d/%d/%d', feed, instrument, width_ns, start_ns, close,"
        " ifnull(volume, 'none'), adjusted, src_partition, src_epoch, src_offset) FROM vendor_bars UNION ALL "
        "SELECT printf('fill %s %s %s %s at %s %d/%d/%d', signal, instrument, side, quantity, price, src_partition,"
        " src_epoch, src_offset) FROM fills UNION ALL "
        "SELECT printf('trade %s %d %d at %s %d/%d/%d', instrument, event_ns, ord, price, src_partition, src_epoch,"
        " src_offset) FROM trades UNION ALL "
        "SELECT printf('quote %s %d %d at %s %d/%d/%d', instrument, event_ns, ord, bid_price, src_partition, src_epoch,"
        " src_offset) FROM quotes ORDER BY line";
    sqlite3 *db = look(self);
    sqlite3_stmt *stmt;
    out->size = 0;
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    while (sqlite3_step(stmt) == SQLITE_ROW) td_buf_printf(out, "%s\n", (const char *)sqlite3_column_text(stmt, 0));
    assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void store_spoil(void *self) {
    sqlite3 *db = look(self);
    assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 1000", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void store_age(void *self) {
    static const char aged[] = "INSERT INTO main.bars SELECT instrument, width_ns, start_ns, end_ns, open, high, low,"
                               " close, volume, notional, vwap, trade_count, revision, known_at_ns, src_partition,"
                               " src_epoch, src_offset FROM bars_now;"
                               "INSERT INTO main.signals SELECT id, strategy, instrument, event_ns, width_ns, action,"
                               " target, status, price, note, known_at_ns, src_partition, src_epoch, src_offset"
                               " FROM signals_now;"
                               "INSERT INTO main.positions SELECT * FROM positions_now;"
                               "DROP TABLE bars_now; DROP TABLE signals_now; DROP TABLE positions_now";
    static const char set_aside[] =
        "DROP VIEW bars_view; DROP VIEW signals_view; DROP VIEW gaps_view; DROP TABLE gaps;"
        "DROP VIEW vendor_bars_view; DROP TABLE vendor_bars;"
        "DROP VIEW fills_view; DROP TABLE fills;"
        "DROP VIEW trades_view; DROP TABLE trades;"
        "DROP VIEW quotes_view; DROP TABLE quotes;"
        "DROP VIEW orders_view; DROP VIEW orders; DROP VIEW instruments_view; DROP TABLE instruments;"
        "DROP VIEW latest_view; DROP TABLE latest;"
        "DROP VIEW quarantine_view; DROP TABLE quarantine;"
        "DROP VIEW rejected_view; DROP TABLE rejected;"
        "CREATE TEMP TABLE bars_now AS SELECT * FROM bars; DROP TABLE main.bars;"
        "CREATE TEMP TABLE signals_now AS SELECT * FROM signals; DROP TABLE main.signals;"
        "CREATE TEMP TABLE positions_now AS SELECT * FROM positions;"
        "DROP TABLE main.positions";
    sqlite3 *db = look(self);
    const char *const steps[] = {"PRAGMA temp_store = MEMORY", set_aside, sqlite_1_sql, aged};
    for (size_t i = 0; i < COUNT_OF(steps); i++)
        if (sqlite3_exec(db, steps[i], NULL, NULL, NULL) != SQLITE_OK) fail_msg("%s", sqlite3_errmsg(db));
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* ---- the real machine ---- */

static void *real_open(uint64_t seed) {
    store *s = td_alloc_zero(1, sizeof *s);
    (void)seed;
    s->os = td_os_posix;
    (void)snprintf(s->folder, sizeof s->folder, "/tmp/tapedeck-sink-XXXXXX");
    assert_non_null(mkdtemp(s->folder));
    (void)snprintf(s->file, sizeof s->file, "%s/market.db", s->folder);
    s->conf = (td_sink_conf){.name = s->folder, .file = s->file};
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &s->file_sizes), 0);
    (void)signal(SIGXFSZ, SIG_IGN); /* the write itself is to fail */
    return s;
}

static void real_crash(void *self, int turn, void (*work)(void *store)) {
    struct timespec wait = {0, 200000L * turn};
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        work(self);
        _exit(0);
    }
    (void)nanosleep(&wait, NULL);
    (void)kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static void real_fill(void *self, bool full) {
    store *s = self;
    struct rlimit little = {4096, s->file_sizes.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, full ? &little : &s->file_sizes), 0);
}

static void remove_file(void *self, const char *name) {
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", ((store *)self)->folder, name);
    (void)unlink(path);
}

static void real_close(void *self) {
    store *s = self;
    (void)s->os.ops->list(s->os.self, s->folder, remove_file, s);
    (void)rmdir(s->folder);
    free(s);
}

/* ---- the simulated one ---- */

static void *sim_open(uint64_t seed) {
    store *s = td_alloc_zero(1, sizeof *s);
    s->sim = td_sim_new(seed);
    s->os = td_sim_os(s->sim);
    td_sqlite_vfs_register(&s->os, seed);
    (void)snprintf(s->file, sizeof s->file, "file:var/market.db?vfs=sim");
    s->conf = (td_sink_conf){.name = s->file, .file = s->file};
    return s;
}

static void sim_crash(void *self, int turn, void (*work)(void *store)) {
    store *s = self;
    td_sim_crash_at(s->sim, td_sim_calls(s->sim) + 1 + (uint64_t)turn);
    work(s);
    td_sim_crash_at(s->sim, 0);
    td_sim_reboot(s->sim, turn % 2 == 0 ? TD_SIM_KILLED : TD_SIM_POWER_LOST);
}

static void sim_fill(void *self, bool full) {
    td_sim_faults faults = {.disk_bytes = full ? 1 : 0};
    td_sim_set_faults(((store *)self)->sim, &faults);
}

static void sim_close(void *self) {
    store *s = self;
    td_sqlite_vfs_unregister();
    assert_int_equal(td_sim_open_handles(s->sim), 0);
    td_sim_free(s->sim);
    free(s);
}

const store_ops store_sqlite_real = {.name = "sqlite, real",
                                     .sink = &td_sink_sqlite,
                                     .open = real_open,
                                     .os = store_os,
                                     .conf = store_conf,
                                     .dump = store_dump,
                                     .crash = real_crash,
                                     .fill = real_fill,
                                     .spoil = store_spoil,
                                     .age = store_age,
                                     .close = real_close};
const store_ops store_sqlite_simulated = {.name = "sqlite, simulated",
                                          .sink = &td_sink_sqlite,
                                          .open = sim_open,
                                          .os = store_os,
                                          .conf = store_conf,
                                          .dump = store_dump,
                                          .crash = sim_crash,
                                          .fill = sim_fill,
                                          .spoil = store_spoil,
                                          .age = store_age,
                                          .close = sim_close};
