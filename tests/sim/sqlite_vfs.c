/* tests/sim/sqlite_vfs.c - SQLite's calls to its operating system, answered by a td_os. */
#include "sqlite_vfs.h"
#include "random.h"
#include <assert.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

enum { PATH_BYTES = 512, SECTOR_BYTES = 4096, REGION_COUNT = 16 };

typedef struct sim_file {
    sqlite3_file base;
    int file;
    bool sync_name; /* a new journal or WAL: its name must be durable with its first sync */
    bool remove_at_close;
    bool is_database;
    char path[PATH_BYTES];
    void *regions[REGION_COUNT]; /* the WAL's index, 32 KB each */
    struct sim_file *next;       /* open databases */
} sim_file;

static struct {
    td_os os;
    td_random random;
    uint64_t temporary_count;
    sim_file *databases;
} machine;

static const td_os_ops *ops(void) { return machine.os.ops; }

static td_status sync_folder_of(const char *path) {
    char dir[PATH_BYTES];
    const char *slash = strrchr(path, '/');
    (void)snprintf(dir, sizeof dir, "%.*s", slash == NULL ? 0 : (int)(slash - path), path);
    return ops()->sync_dir(machine.os.self, dir[0] == '\0' ? "." : dir);
}

static int file_close(sqlite3_file *base) {
    sim_file *f = (sim_file *)base;
    ops()->close(machine.os.self, f->file);
    if (f->remove_at_close) (void)ops()->remove(machine.os.self, f->path);
    for (int i = 0; i < REGION_COUNT; i++) free(f->regions[i]);
    for (sim_file **at = &machine.databases; *at != NULL; at = &(*at)->next) {
        if (*at != f) continue;
        *at = f->next;
        break;
    }
    return SQLITE_OK;
}

static int file_read(sqlite3_file *base, void *out, int size, sqlite3_int64 offset) {
    size_t done = 0;
    if (td_os_read_full(&machine.os, ((sim_file *)base)->file, out, (size_t)size, offset, &done) != TD_OK)
        return SQLITE_IOERR_READ;
    if (done == (size_t)size) return SQLITE_OK;
    memset((char *)out + done, 0, (size_t)size - done);
    return SQLITE_IOERR_SHORT_READ;
}

static int file_write(sqlite3_file *base, const void *data, int size, sqlite3_int64 offset) {
    td_status status = td_os_write_full(&machine.os, ((sim_file *)base)->file, data, (size_t)size, offset);
    return status == TD_OK ? SQLITE_OK : SQLITE_IOERR_WRITE;
}

static int file_truncate(sqlite3_file *base, sqlite3_int64 size) {
    td_status status = ops()->truncate(machine.os.self, ((sim_file *)base)->file, size);
    return status == TD_OK ? SQLITE_OK : SQLITE_IOERR_TRUNCATE;
}

static int file_sync(sqlite3_file *base, int flags) {
    (void)flags;
    sim_file *f = (sim_file *)base;
    if (ops()->sync(machine.os.self, f->file) != TD_OK) return SQLITE_IOERR_FSYNC;
    if (f->sync_name && sync_folder_of(f->path) != TD_OK) return SQLITE_IOERR_DIR_FSYNC;
    f->sync_name = false;
    return SQLITE_OK;
}

static int file_size(sqlite3_file *base, sqlite3_int64 *out) {
    int64_t size = 0;
    td_status status = ops()->size(machine.os.self, ((sim_file *)base)->file, &size);
    *out = size;
    return status == TD_OK ? SQLITE_OK : SQLITE_IOERR_FSTAT;
}

/* One connection per file: no lock is ever contended. */
static int file_lock(sqlite3_file *base, int level) { return (void)base, (void)level, SQLITE_OK; }
static int file_reserved(sqlite3_file *base, int *out) { return (void)base, *out = 0, SQLITE_OK; }
static int file_control(sqlite3_file *base, int op, void *arg) {
    return (void)base, (void)op, (void)arg, SQLITE_NOTFOUND;
}
static int file_sector(sqlite3_file *base) { return (void)base, SECTOR_BYTES; }
/* What SQLite assumes of a real disk too: a torn write harms no byte outside of it. */
static int file_traits(sqlite3_file *base) { return (void)base, SQLITE_IOCAP_POWERSAFE_OVERWRITE; }

static int shm_map(sqlite3_file *base, int region, int size, int extend, void volatile **out) {
    sim_file *f = (sim_file *)base;
    assert(region < REGION_COUNT);
    if (f->regions[region] == NULL && extend) f->regions[region] = td_alloc_zero(1, (size_t)size);
    *out = f->regions[region];
    return SQLITE_OK;
}
static int shm_lock(sqlite3_file *base, int offset, int count, int flags) {
    return (void)base, (void)offset, (void)count, (void)flags, SQLITE_OK;
}
static void shm_barrier(sqlite3_file *base) { (void)base; }
static int shm_unmap(sqlite3_file *base, int remove) { return (void)base, (void)remove, SQLITE_OK; } /* close frees */

static const sqlite3_io_methods file_methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_lock,
    .xCheckReservedLock = file_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector,
    .xDeviceCharacteristics = file_traits,
    .xShmMap = shm_map,
    .xShmLock = shm_lock,
    .xShmBarrier = shm_barrier,
    .xShmUnmap = shm_unmap,
};

static int vfs_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *base, int flags, int *out_flags) {
    (void)vfs;
    sim_file *f = (sim_file *)base;
    *f = (sim_file){.remove_at_close = (flags & SQLITE_OPEN_DELETEONCLOSE) != 0,
                    .is_database = (flags & SQLITE_OPEN_MAIN_DB) != 0};
    if (path != NULL)
        (void)snprintf(f->path, sizeof f->path, "%s", path);
    else
        (void)snprintf(f->path, sizeof f->path, "sqlite-%llu.tmp", (unsigned long long)machine.temporary_count++);
    for (sim_file *other = machine.databases; other != NULL; other = other->next)
        if (f->is_database && strcmp(other->path, f->path) == 0) return SQLITE_BUSY;
    td_open_mode mode = (flags & SQLITE_OPEN_CREATE) != 0      ? TD_OPEN_CREATE
                        : (flags & SQLITE_OPEN_READWRITE) != 0 ? TD_OPEN_WRITE
                                                               : TD_OPEN_READ;
    td_status status = ops()->open(machine.os.self, f->path, mode, &f->file);
    if (status != TD_OK) return status == TD_CONFIG ? SQLITE_CANTOPEN : SQLITE_IOERR;
    f->sync_name = mode == TD_OPEN_CREATE && (flags & (SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL)) != 0;
    f->base.pMethods = &file_methods;
    if (f->is_database) {
        f->next = machine.databases;
        machine.databases = f;
    }
    if (out_flags != NULL) *out_flags = flags;
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *path, int sync_folder) {
    (void)vfs;
    if (ops()->remove(machine.os.self, path) != TD_OK) return SQLITE_IOERR_DELETE;
    return !sync_folder || sync_folder_of(path) == TD_OK ? SQLITE_OK : SQLITE_IOERR_DIR_FSYNC;
}

/* As SQLite's own on Unix: an empty file does not count as there. */
static int vfs_access(sqlite3_vfs *vfs, const char *path, int flags, int *out) {
    (void)vfs;
    int file;
    int64_t size = 0;
    *out = ops()->exists(machine.os.self, path);
    if (!*out || flags != SQLITE_ACCESS_EXISTS) return SQLITE_OK;
    if (ops()->open(machine.os.self, path, TD_OPEN_READ, &file) != TD_OK) return SQLITE_IOERR_ACCESS;
    td_status status = ops()->size(machine.os.self, file, &size);
    ops()->close(machine.os.self, file);
    *out = size > 0;
    return status == TD_OK ? SQLITE_OK : SQLITE_IOERR_ACCESS;
}

static int vfs_full_path(sqlite3_vfs *vfs, const char *path, int size, char *out) {
    (void)vfs;
    return snprintf(out, (size_t)size, "%s", path) < size ? SQLITE_OK : SQLITE_CANTOPEN;
}

static int vfs_randomness(sqlite3_vfs *vfs, int size, char *out) {
    (void)vfs;
    for (int i = 0; i < size; i++) out[i] = (char)td_random_next(&machine.random);
    return size;
}

static int vfs_sleep(sqlite3_vfs *vfs, int us) { return (void)vfs, us; }
static int vfs_last_error(sqlite3_vfs *vfs, int size, char *out) { return (void)vfs, (void)size, (void)out, 0; }

static int vfs_now(sqlite3_vfs *vfs, sqlite3_int64 *out_ms) { /* since noon, 24 November 4714 BC */
    (void)vfs;
    *out_ms = INT64_C(210866760000000) + ops()->wall_ns(machine.os.self) / 1000000;
    return SQLITE_OK;
}

static sqlite3_vfs sim_vfs = {
    .iVersion = 2,
    .szOsFile = sizeof(sim_file),
    .mxPathname = PATH_BYTES - 16,
    .zName = "sim",
    .xOpen = vfs_open,
    .xDelete = vfs_delete,
    .xAccess = vfs_access,
    .xFullPathname = vfs_full_path,
    .xRandomness = vfs_randomness,
    .xSleep = vfs_sleep,
    .xGetLastError = vfs_last_error,
    .xCurrentTimeInt64 = vfs_now,
};

void td_sqlite_vfs_register(const td_os *os, uint64_t seed) {
    assert(machine.databases == NULL);
    machine.os = *os;
    machine.random.state = seed;
    machine.temporary_count = 0;
    if (sqlite3_vfs_register(&sim_vfs, 1) != SQLITE_OK) abort();
    sqlite3_randomness(0, NULL); /* SQLite draws its seed anew, from this VFS as it is the default */
}

void td_sqlite_vfs_unregister(void) {
    if (sqlite3_vfs_unregister(&sim_vfs) != SQLITE_OK) abort();
    sqlite3_randomness(0, NULL);
}

void td_sqlite_vfs_forget(void) { machine.databases = NULL; }
