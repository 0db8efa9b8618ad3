/* tests/sim/os_sim_test.c - goal: the simulated machine keeps what it promised, loses what it may, and is one run per
 * seed; SQLite on it keeps its own promises. A simulation proves nothing if its machine is kinder than a real one. */
#include "../unit/unit.h"
#include "os_sim.h"
#include "sqlite_vfs.h"
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

enum { SEEDS = 300 };

static int must_open(td_sim *sim, const char *path, td_open_mode mode) {
    td_os os = td_sim_os(sim);
    int file = -1;
    assert_int_equal(os.ops->open(os.self, path, mode, &file), TD_OK);
    return file;
}

static void must_write(td_sim *sim, int file, const char *text, int64_t offset) {
    td_os os = td_sim_os(sim);
    assert_int_equal(td_os_write_full(&os, file, text, strlen(text), offset), TD_OK);
}

/* The file's text, or "(none)". */
static const char *text_of(td_sim *sim, const char *path) {
    static char text[8192];
    td_os os = td_sim_os(sim);
    td_buf buf = {0};
    td_status status = td_os_read_file(&os, path, sizeof text - 1, &buf);
    (void)snprintf(text, sizeof text, "%.*s", status == TD_OK ? (int)buf.size : 6,
                   status == TD_OK ? (buf.size > 0 ? (const char *)buf.data : "") : "(none)");
    td_buf_fini(&buf);
    return text;
}

static void files_behave_like_files(void **state) {
    (void)state;
    td_sim *sim = td_sim_new(1);
    td_os os = td_sim_os(sim);
    int file;
    int64_t size;
    assert_int_equal(os.ops->open(os.self, "d/a", TD_OPEN_CREATE, &file), TD_CONFIG); /* no folder */
    assert_int_equal(os.ops->make_dir(os.self, "./d//e/"), TD_OK);
    assert_int_equal(os.ops->make_dir(os.self, "d/e"), TD_OK);
    assert_int_equal(os.ops->open(os.self, "d/a", TD_OPEN_WRITE, &file), TD_CONFIG);
    assert_int_equal(os.ops->open(os.self, "d", TD_OPEN_READ, &file), TD_CONFIG);
    file = must_open(sim, "d/a", TD_OPEN_CREATE);
    must_write(sim, file, "hello", 0);
    must_write(sim, file, "J", 0);
    must_write(sim, file, "!", 7); /* a hole reads as zeros */
    assert_int_equal(os.ops->size(os.self, file, &size), TD_OK);
    assert_int_equal(size, 8);
    assert_int_equal(os.ops->truncate(os.self, file, 5), TD_OK);
    assert_string_equal(text_of(sim, "d/a"), "Jello");
    assert_int_equal(os.ops->rename(os.self, "d/a", "d/b"), TD_OK);
    must_write(sim, file, "C", 0); /* the handle follows the file */
    assert_string_equal(text_of(sim, "d/b"), "Cello");
    assert_false(os.ops->exists(os.self, "d/a"));
    assert_int_equal(os.ops->remove(os.self, "d/b"), TD_OK);
    assert_int_equal(os.ops->remove(os.self, "d/b"), TD_OK);
    assert_string_equal(text_of(sim, "d/b"), "(none)");
    os.ops->close(os.self, file);
    assert_int_equal(td_sim_open_handles(sim), 0);
    td_sim_free(sim);
}

static void add_word(void *arg, const char *word) { td_buf_printf(arg, "%s ", word); }

static void folders_list_in_order(void **state) {
    (void)state;
    td_sim *sim = td_sim_new(1);
    td_os os = td_sim_os(sim);
    td_buf words = {0};
    td_sim_put_file(sim, "d/b", TD_TEXT("1"));
    td_sim_put_file(sim, "d/sub/x", TD_TEXT("2"));
    td_sim_put_file(sim, "d/a", TD_TEXT("3"));
    td_sim_put_file(sim, "/d/B", TD_TEXT("4")); /* another root: paths are texts */
    assert_int_equal(os.ops->list(os.self, "d", add_word, &words), TD_OK);
    td_buf_put(&words, "", 1);
    assert_string_equal((const char *)words.data, "a b sub ");
    assert_int_equal(os.ops->list(os.self, "none", add_word, &words), TD_CONFIG);
    static const struct {
        const char *path;
        td_path_kind kind;
    } looks[] = {{"d", TD_PATH_FOLDER}, {"d/sub/", TD_PATH_FOLDER}, {"d/sub/x", TD_PATH_FILE}, {"none", TD_PATH_NONE}};
    for (size_t i = 0; i < sizeof looks / sizeof looks[0]; i++) {
        td_path_kind kind;
        assert_int_equal(os.ops->look(os.self, looks[i].path, &kind), TD_OK);
        assert_int_equal(kind, looks[i].kind);
    }
    td_buf_fini(&words);
    td_sim_free(sim);
}

static void locks_end_with_their_life(void **state) {
    (void)state;
    td_sim *sim = td_sim_new(1);
    td_os os = td_sim_os(sim);
    int a = must_open(sim, "LOCK", TD_OPEN_CREATE), b = must_open(sim, "LOCK", TD_OPEN_CREATE);
    assert_int_equal(os.ops->lock(os.self, a), TD_OK);
    assert_int_equal(os.ops->lock(os.self, b), TD_CONFIG);
    os.ops->close(os.self, a);
    assert_int_equal(os.ops->lock(os.self, b), TD_OK);
    td_sim_reboot(sim, TD_SIM_KILLED);
    a = must_open(sim, "LOCK", TD_OPEN_CREATE);
    assert_int_equal(os.ops->lock(os.self, a), TD_OK);
    os.ops->close(os.self, b); /* of the life before: closes nothing of this one */
    assert_int_equal(td_sim_open_handles(sim), 1);
    td_sim_free(sim);
}

/* What each step of making a file durable is worth, over many seeds: seen lost at least once, or never. */
static void power_loss_takes_what_is_not_durable(void **state) {
    (void)state;
    static const struct {
        bool sync_file, sync_dir, killed;
        bool may_lose_name, may_lose_bytes;
    } rows[] = {
        {true, true, false, false, false}, {false, true, false, false, true},  {true, false, false, true, false},
        {false, false, false, true, true}, {false, false, true, false, false},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int names_lost = 0, bytes_lost = 0;
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
            td_sim *sim = td_sim_new(seed);
            td_os os = td_sim_os(sim);
            assert_int_equal(os.ops->make_dir(os.self, "d/e"), TD_OK);
            int file = must_open(sim, "d/e/f", TD_OPEN_CREATE);
            must_write(sim, file, "durable or not", 0);
            if (rows[i].sync_file) assert_int_equal(os.ops->sync(os.self, file), TD_OK);
            if (rows[i].sync_dir) assert_int_equal(os.ops->sync_dir(os.self, "d/e"), TD_OK);
            td_sim_reboot(sim, rows[i].killed ? TD_SIM_KILLED : TD_SIM_POWER_LOST);
            const char *text = text_of(sim, "d/e/f");
            if (strcmp(text, "(none)") == 0)
                names_lost++;
            else if (strcmp(text, "durable or not") != 0)
                bytes_lost++;
            td_sim_free(sim);
        }
        ASSERT_ROW((names_lost > 0) == rows[i].may_lose_name, "%zu: %d names lost", i, names_lost);
        ASSERT_ROW((bytes_lost > 0) == rows[i].may_lose_bytes, "%zu: %d times bytes lost", i, bytes_lost);
        ASSERT_ROW(names_lost < SEEDS, "%zu: always lost", i);
    }
}

/* Unsynced writes: over the seeds all of them kept, none, a beginning, a later one without an earlier one, a torn one,
 * zeros where bytes were lost; and never a byte that nobody wrote. */
static void power_loss_tears_and_reorders(void **state) {
    (void)state;
    int all = 0, none = 0, reordered = 0, torn = 0, zeros = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        td_sim *sim = td_sim_new(seed);
        td_os os = td_sim_os(sim);
        char block[600];
        td_buf got = {0};
        td_sim_put_file(sim, "f", TD_TEXT("base"));
        int file = must_open(sim, "f", TD_OPEN_WRITE);
        for (int i = 0; i < 3; i++) {
            memset(block, 'A' + i, sizeof block);
            assert_int_equal(td_os_write_full(&os, file, block, sizeof block, 4 + i * 600), TD_OK);
        }
        td_sim_reboot(sim, TD_SIM_POWER_LOST);
        assert_int_equal(td_os_read_file(&os, "f", 4096, &got), TD_OK);
        assert_memory_equal(got.data, "base", 4);
        int seen[3] = {0}, blank = 0;
        for (size_t at = 4; at < got.size; at++) {
            int which = (int)(at - 4) / 600;
            assert_true(got.data[at] == 0 || got.data[at] == 'A' + which);
            if (got.data[at] == 0)
                blank++;
            else
                seen[which]++;
        }
        all += seen[0] + seen[1] + seen[2] == 1800;
        none += got.size == 4;
        reordered += seen[0] < 600 && (seen[1] == 600 || seen[2] == 600);
        torn += (seen[0] % 600 | seen[1] % 600 | seen[2] % 600) != 0;
        zeros += blank > 0;
        td_buf_fini(&got);
        td_sim_free(sim);
    }
    assert_true(all > 10 && none > 10 && reordered > 10 && torn > 10 && zeros > 10);
}

static void a_rename_is_one_step(void **state) {
    (void)state;
    int before = 0, after = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        td_sim *sim = td_sim_new(seed);
        td_os os = td_sim_os(sim);
        td_sim_put_file(sim, "d/f", TD_TEXT("old"));
        td_sim_crash_at(sim, 1 + td_random_below(td_sim_random(sim), 8));
        td_status status = td_os_replace_file(&os, "d/f", TD_TEXT("new"));
        bool crashed = td_sim_dead(sim);
        assert_int_equal(status, crashed ? TD_RETRY : TD_OK);
        td_sim_reboot(sim, TD_SIM_POWER_LOST);
        const char *text = text_of(sim, "d/f");
        assert_true(strcmp(text, "new") == 0 || (crashed && strcmp(text, "old") == 0));
        before += text[0] == 'o';
        after += text[0] == 'n';
        td_sim_free(sim);
    }
    assert_true(before > 10 && after > 10);
}

static void a_dead_machine_does_nothing(void **state) {
    (void)state;
    td_sim *sim = td_sim_new(7);
    td_os os = td_sim_os(sim);
    td_sim_put_file(sim, "f", TD_TEXT("kept"));
    int file = must_open(sim, "f", TD_OPEN_WRITE), other;
    size_t done;
    td_sim_crash_at(sim, td_sim_calls(sim) + 1);
    assert_int_equal(os.ops->sync(os.self, file), TD_RETRY);
    assert_true(td_sim_dead(sim));
    assert_int_equal(os.ops->write_at(os.self, file, "lost", 4, 0, &done), TD_RETRY);
    assert_int_equal(os.ops->truncate(os.self, file, 0), TD_RETRY);
    assert_int_equal(os.ops->remove(os.self, "f"), TD_RETRY);
    assert_int_equal(os.ops->rename(os.self, "f", "g"), TD_RETRY);
    assert_int_equal(os.ops->open(os.self, "f", TD_OPEN_READ, &other), TD_RETRY);
    assert_false(os.ops->exists(os.self, "f"));
    os.ops->close(os.self, file);
    td_sim_reboot(sim, TD_SIM_KILLED);
    assert_string_equal(text_of(sim, "f"), "kept");
    td_sim_free(sim);
}

static void faults_come_as_asked(void **state) {
    (void)state;
    td_sim *sim = td_sim_new(3);
    td_os os = td_sim_os(sim);
    char bytes[64] = {0};
    size_t done;
    int failed = 0, cut = 0;
    int file = must_open(sim, "f", TD_OPEN_CREATE);
    td_sim_set_faults(sim, &(td_sim_faults){.fail = 200000, .cut = 300000});
    for (int i = 0; i < 1000; i++) {
        td_status status = os.ops->write_at(os.self, file, bytes, sizeof bytes, 0, &done);
        failed += status == TD_RETRY;
        cut += status == TD_OK && done < sizeof bytes;
    }
    assert_true(failed > 150 && failed < 250 && cut > 180 && cut < 300);
    td_sim_set_faults(sim, &(td_sim_faults){.disk_bytes = 100});
    assert_int_equal(os.ops->write_at(os.self, file, bytes, 64, 64, &done), TD_OK);
    assert_int_equal(done, 36);
    assert_int_equal(os.ops->write_at(os.self, file, bytes, 1, 100, &done), TD_RETRY);
    assert_int_equal(os.ops->write_at(os.self, file, bytes, 64, 0, &done), TD_OK); /* needs no room */
    td_sim_free(sim);

    static const struct {
        td_sim_faults faults;
        td_status first;
        bool may_lose; /* after a second sync without faults that says TD_OK */
    } rows[] = {{{.fail_sync = 1000000}, TD_RETRY, false},
                {{.drop_sync = 1000000}, TD_RETRY, true},
                {{.lose_sync = 1000000}, TD_OK, false}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int lost = 0;
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
            sim = td_sim_new(seed);
            os = td_sim_os(sim);
            td_sim_put_file(sim, "f", TD_TEXT(""));
            file = must_open(sim, "f", TD_OPEN_WRITE);
            must_write(sim, file, "text", 0);
            td_sim_set_faults(sim, &rows[i].faults);
            assert_int_equal(os.ops->sync(os.self, file), rows[i].first);
            td_sim_set_faults(sim, NULL);
            assert_string_equal(text_of(sim, "f"), "text");
            assert_int_equal(os.ops->sync(os.self, file), TD_OK);
            td_sim_reboot(sim, TD_SIM_POWER_LOST);
            lost += strcmp(text_of(sim, "f"), "text") != 0;
            td_sim_free(sim);
        }
        ASSERT_ROW((lost > 0) == rows[i].may_lose, "%zu: %d lost", i, lost);
    }
}

/* ---- SQLite on it ---- */

static int sql(sqlite3 *db, const char *text) { return sqlite3_exec(db, text, NULL, NULL, NULL); }

static int64_t number(sqlite3 *db, const char *query) {
    sqlite3_stmt *stmt;
    assert_int_equal(sqlite3_prepare_v2(db, query, -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    int64_t value = sqlite3_column_int64(stmt, 0);
    assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
    return value;
}

/* Two tables filled in one transaction each time, until the machine dies: returns the last commit that said OK. */
static int64_t fill_until_crash(const char *uri, const char *journal) {
    sqlite3 *db = NULL;
    char text[160];
    int64_t committed = -1;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI;
    if (sqlite3_open_v2(uri, &db, flags, NULL) == SQLITE_OK && sql(db, journal) == SQLITE_OK &&
        sql(db, "PRAGMA wal_autocheckpoint = 8; CREATE TABLE IF NOT EXISTS a(n INTEGER PRIMARY KEY, x TEXT);"
                "CREATE TABLE IF NOT EXISTS b(n INTEGER PRIMARY KEY)") == SQLITE_OK) {
        for (int64_t n = number(db, "SELECT count(*) FROM a"); n < 2000; n++) {
            (void)snprintf(text, sizeof text,
                           "BEGIN; INSERT INTO a VALUES(%lld, zeroblob(700)); INSERT INTO b VALUES(%lld); COMMIT",
                           (long long)n, (long long)n);
            if (sql(db, text) != SQLITE_OK) break;
            committed = n;
        }
    }
    (void)sqlite3_close(db);
    return committed;
}

static void sqlite_keeps_its_promises(void **state) {
    (void)state;
    static const struct {
        const char *journal;
        td_sim_loss loss;
        bool keeps_commits; /* each that said OK */
    } rows[] = {
        {"PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL", TD_SIM_POWER_LOST, false},
        {"PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL", TD_SIM_KILLED, true},
        {"PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL", TD_SIM_POWER_LOST, true},
        /* the journal's removal is the commit, and only EXTRA syncs the folder behind it */
        {"PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL", TD_SIM_POWER_LOST, false},
        {"PRAGMA journal_mode = DELETE; PRAGMA synchronous = EXTRA", TD_SIM_POWER_LOST, true},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int64_t rolled_back = 0;
        for (uint64_t seed = 1; seed <= 60; seed++) {
            td_sim *sim = td_sim_new(seed);
            td_os os = td_sim_os(sim);
            sqlite3 *db = NULL;
            td_sqlite_vfs_register(&os, seed);
            td_sim_crash_at(sim, 400 + td_random_below(td_sim_random(sim), 2500));
            int64_t committed = fill_until_crash("file:f.db?vfs=sim", rows[i].journal);
            ASSERT_ROW(td_sim_dead(sim), "%zu, seed %d: ended before the crash", i, (int)seed);
            assert_int_equal(td_sim_open_handles(sim), 0);
            td_sim_reboot(sim, rows[i].loss);
            assert_int_equal(sqlite3_open_v2("file:f.db?vfs=sim", &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_URI, NULL),
                             SQLITE_OK);
            int64_t count = number(db, "SELECT count(*) FROM a");
            assert_int_equal(count, number(db, "SELECT count(*) FROM b"));
            assert_int_equal(number(db, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'"), 1);
            ASSERT_ROW(!rows[i].keeps_commits || count > committed, "%zu, seed %d: a commit is lost", i, (int)seed);
            rolled_back += committed + 1 > count;
            assert_int_equal(sqlite3_close(db), SQLITE_OK);
            td_sqlite_vfs_unregister();
            td_sim_free(sim);
        }
        ASSERT_ROW((rolled_back > 0) == !rows[i].keeps_commits, "%zu: the machine is too kind", i);
    }
}

static void chosen_calls_fail(void **state) {
    (void)state;
    td_sim *sim = td_sim_new(4);
    td_os os = td_sim_os(sim);
    int64_t size;
    int file = must_open(sim, "f", TD_OPEN_CREATE);
    td_sim_fail_calls(sim, td_sim_calls(sim) + 2, td_sim_calls(sim) + 4);
    assert_int_equal(os.ops->size(os.self, file, &size), TD_OK);
    assert_int_equal(os.ops->size(os.self, file, &size), TD_RETRY);
    assert_true(os.ops->exists(os.self, "f")); /* says yes or no, and may not lie */
    assert_int_equal(os.ops->sync(os.self, file), TD_RETRY);
    assert_int_equal(os.ops->sync(os.self, file), TD_OK);
    td_sim_free(sim);
}

static void slow_calls_and_jumps_move_the_clocks(void **state) {
    (void)state;
    td_sim *sim = td_sim_new(5);
    td_os os = td_sim_os(sim);
    int64_t wall = os.ops->wall_ns(os.self), mono = os.ops->mono_ns(os.self);
    int file = must_open(sim, "f", TD_OPEN_CREATE);
    assert_int_equal(os.ops->mono_ns(os.self), mono);
    td_sim_set_faults(sim, &(td_sim_faults){.slow = 1000000});
    assert_int_equal(os.ops->sync(os.self, file), TD_OK);
    int64_t took = os.ops->mono_ns(os.self) - mono;
    assert_true(took > 0 && took < TD_SIM_SLOW_NS);
    assert_int_equal(os.ops->wall_ns(os.self) - wall, took);
    td_sim_jump(sim, -2 * TD_SIM_SLOW_NS);
    assert_true(os.ops->wall_ns(os.self) < wall);
    assert_int_equal(os.ops->mono_ns(os.self) - mono, took);
    td_sim_free(sim);
}

static void bits_flip_for_good(void **state) {
    (void)state;
    td_sim *sim = td_sim_new(6);
    char before[8192];
    assert_null(td_sim_flip_bit(sim, "d"));
    td_sim_put_file(sim, "d/empty", TD_TEXT(""));
    td_sim_put_file(sim, "dd/f", TD_TEXT("other"));
    assert_null(td_sim_flip_bit(sim, "d"));
    td_sim_put_file(sim, "d/e/f", TD_TEXT("content"));
    for (int i = 0; i < 20; i++) {
        int bits = 0;
        (void)snprintf(before, sizeof before, "%s", text_of(sim, "d/e/f"));
        assert_string_equal(td_sim_flip_bit(sim, "d"), "d/e/f");
        td_sim_reboot(sim, TD_SIM_POWER_LOST);
        const char *after = text_of(sim, "d/e/f");
        for (size_t at = 0; at < 7; at++) bits += __builtin_popcount((uint8_t)(before[at] ^ after[at]));
        assert_int_equal(bits, 1);
    }
    assert_string_equal(text_of(sim, "dd/f"), "other");
    td_sim_free(sim);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_behave_like_files),
        cmocka_unit_test(folders_list_in_order),
        cmocka_unit_test(locks_end_with_their_life),
        cmocka_unit_test(power_loss_takes_what_is_not_durable),
        cmocka_unit_test(power_loss_tears_and_reorders),
        cmocka_unit_test(a_rename_is_one_step),
        cmocka_unit_test(a_dead_machine_does_nothing),
        cmocka_unit_test(faults_come_as_asked),
        cmocka_unit_test(chosen_calls_fail),
        cmocka_unit_test(slow_calls_and_jumps_move_the_clocks),
        cmocka_unit_test(bits_flip_for_good),
        cmocka_unit_test(sqlite_keeps_its_promises),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
