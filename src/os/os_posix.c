/* src/os/os_posix.c - the real machine: POSIX files and Linux clocks behind the table of os.h. */
#include "os/os.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

enum { FILE_MODE = 0600, DIR_MODE = 0700, ERROR_TEXT_MAX = 128 };

/* What may pass by itself is TD_RETRY; for everything else the operator must act. */
static td_status status_of(int error) {
    switch (error) {
    case EIO:
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
        return TD_RETRY;
    default:
        return TD_CONFIG;
    }
}

/* strerror without its shared buffer: threads fail at the same time. */
static const char *error_text(int error, char text[ERROR_TEXT_MAX]) { return strerror_r(error, text, ERROR_TEXT_MAX); }

#define ERROR_TEXT(error) error_text((error), (char[ERROR_TEXT_MAX]){0})

static int64_t clock_ns(clockid_t clock) {
    struct timespec now;
    (void)clock_gettime(clock, &now); /* cannot fail for the two clocks used */
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t posix_wall_ns(void *self) {
    (void)self;
    return clock_ns(CLOCK_REALTIME);
}

static int64_t posix_mono_ns(void *self) {
    (void)self;
    return clock_ns(CLOCK_MONOTONIC);
}

static int open_retrying(const char *path, int flags) {
    int file;
    do { file = open(path, flags | O_CLOEXEC, FILE_MODE); } while (file < 0 && errno == EINTR);
    return file;
}

static td_status posix_open(void *self, const char *path, td_open_mode mode, int *out_file) {
    static const int flags[] = {
        [TD_OPEN_READ] = O_RDONLY, [TD_OPEN_WRITE] = O_RDWR, [TD_OPEN_CREATE] = O_RDWR | O_CREAT};
    (void)self;
    int file = open_retrying(path, flags[mode]);
    if (file < 0) return TD_FAIL(status_of(errno), "%s: cannot be opened: %s", path, ERROR_TEXT(errno));
    struct stat about;
    if (fstat(file, &about) == 0 && S_ISDIR(about.st_mode)) { /* opens for reading, and then no read succeeds */
        (void)close(file);
        return TD_FAIL(TD_CONFIG, "%s: is a folder, not a file", path);
    }
    *out_file = file;
    return TD_OK;
}

static td_status posix_read_at(void *self, int file, void *out, size_t size, int64_t offset, size_t *out_size) {
    (void)self;
    ssize_t count;
    do { count = pread(file, out, size, offset); } while (count < 0 && errno == EINTR);
    if (count < 0) return TD_FAIL(TD_RETRY, "cannot read at %lld: %s", (long long)offset, ERROR_TEXT(errno));
    *out_size = (size_t)count;
    return TD_OK;
}

static td_status posix_write_at(void *self, int file, const void *data, size_t size, int64_t offset, size_t *out_size) {
    (void)self;
    ssize_t count;
    do { count = pwrite(file, data, size, offset); } while (count < 0 && errno == EINTR);
    if (count < 0) return TD_FAIL(TD_RETRY, "cannot write at %lld: %s", (long long)offset, ERROR_TEXT(errno));
    *out_size = (size_t)count;
    return TD_OK;
}

static td_status posix_truncate(void *self, int file, int64_t size) {
    (void)self;
    int result;
    do { result = ftruncate(file, size); } while (result < 0 && errno == EINTR);
    if (result < 0) return TD_FAIL(TD_RETRY, "cannot truncate to %lld: %s", (long long)size, ERROR_TEXT(errno));
    return TD_OK;
}

static td_status posix_sync(void *self, int file) {
    (void)self;
    /* Not repeated after an error: the kernel may have dropped the dirty pages, and a second sync would say "done". */
    if (fdatasync(file) < 0) return TD_FAIL(TD_RETRY, "cannot sync: %s", ERROR_TEXT(errno));
    return TD_OK;
}

static td_status posix_size(void *self, int file, int64_t *out_size) {
    (void)self;
    struct stat about;
    if (fstat(file, &about) < 0) return TD_FAIL(TD_RETRY, "cannot tell the size: %s", ERROR_TEXT(errno));
    *out_size = about.st_size;
    return TD_OK;
}

/* A lock of the open file, not of the process: a second open in the same process is refused too. */
static td_status posix_lock(void *self, int file) {
    (void)self;
    struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(file, F_OFD_SETLK, &range) == 0) return TD_OK;
    if (errno == EAGAIN || errno == EACCES) return TD_FAIL(TD_CONFIG, "locked by another process");
    return TD_FAIL(TD_CONFIG, "cannot be locked: %s", ERROR_TEXT(errno));
}

static td_status posix_ask_lock(void *self, int file) {
    (void)self;
    struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(file, F_OFD_GETLK, &range) < 0) return TD_FAIL(TD_CONFIG, "no lock to ask for: %s", ERROR_TEXT(errno));
    return range.l_type == F_UNLCK ? TD_OK : TD_FAIL(TD_CONFIG, "locked by another process");
}

static void posix_close(void *self, int file) {
    (void)self;
    (void)close(file); /* sync has already reported what matters */
}

static td_status posix_rename(void *self, const char *from, const char *to) {
    (void)self;
    if (rename(from, to) == 0) return TD_OK;
    return TD_FAIL(TD_RETRY, "%s: cannot be renamed to %s: %s", from, to, ERROR_TEXT(errno));
}

static td_status posix_remove(void *self, const char *path) {
    (void)self;
    if (remove(path) == 0 || errno == ENOENT) return TD_OK;
    return TD_FAIL(TD_RETRY, "%s: cannot be removed: %s", path, ERROR_TEXT(errno));
}

static bool is_dir(const char *path) {
    struct stat about;
    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

static td_status make_one_dir(const char *path) {
    if (mkdir(path, DIR_MODE) == 0) return TD_OK;
    int error = errno; /* is_dir sets its own */
    if (is_dir(path)) return TD_OK;
    return TD_FAIL(status_of(error), "%s: cannot be made a folder: %s", path, ERROR_TEXT(error));
}

static td_status posix_sync_dir(void *self, const char *path) {
    (void)self;
    int dir = open_retrying(path, O_RDONLY | O_DIRECTORY);
    if (dir < 0) return TD_FAIL(TD_RETRY, "%s: cannot be opened: %s", path, ERROR_TEXT(errno));
    int error = fsync(dir) < 0 ? errno : 0;
    (void)close(dir);
    return error == 0 ? TD_OK : TD_FAIL(TD_RETRY, "%s: cannot sync the folder: %s", path, ERROR_TEXT(error));
}

/* A name is durable once the folder that holds it is synced. A folder that we may not open is somebody else's, and its
 * names were there before us. */
static td_status sync_parent_of(const char *path) {
    char *parent = td_copy_text(path);
    char *slash = strrchr(parent, '/');
    if (slash != NULL) slash[slash == parent] = '\0';
    const char *dir = slash == NULL ? "." : parent;
    td_status status = access(dir, R_OK) == 0 ? posix_sync_dir(NULL, dir) : TD_OK;
    free(parent);
    return status;
}

/* From the outermost missing folder inwards, each made durable before the next: an earlier life may have been killed
 * between the two, so the innermost existing one is synced again. */
static td_status posix_make_dir(void *self, const char *path) {
    char *tidy = td_copy_text(path);
    size_t size = strlen(tidy);
    while (size > 1 && tidy[size - 1] == '/') tidy[--size] = '\0';
    char *slash = strrchr(tidy, '/');
    td_status status = TD_OK;
    if (slash != NULL && slash != tidy && access(tidy, F_OK) != 0) {
        *slash = '\0';
        status = posix_make_dir(self, tidy);
        *slash = '/';
    }
    if (status == TD_OK) status = make_one_dir(tidy);
    if (status == TD_OK) status = sync_parent_of(tidy);
    free(tidy);
    return status;
}

static int is_plain_name(const struct dirent *entry) {
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b) { return strcmp((*a)->d_name, (*b)->d_name); }

static td_status posix_list(void *self, const char *path, td_list_fn each, void *arg) {
    (void)self;
    struct dirent **entries;
    int count = scandir(path, &entries, is_plain_name, by_bytes);
    if (count < 0) return TD_FAIL(status_of(errno), "%s: cannot be listed: %s", path, ERROR_TEXT(errno));
    for (int i = 0; i < count; i++) {
        each(arg, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return TD_OK;
}

static bool posix_exists(void *self, const char *path) {
    (void)self;
    return access(path, F_OK) == 0;
}

static td_status posix_look(void *self, const char *path, td_path_kind *out) {
    (void)self;
    struct stat about;
    bool there = stat(path, &about) == 0;
    *out = there && S_ISDIR(about.st_mode) ? TD_PATH_FOLDER : there ? TD_PATH_FILE : TD_PATH_NONE;
    if (there || errno == ENOENT || errno == ENOTDIR) return TD_OK;
    return TD_FAIL(status_of(errno), "%s: cannot be looked at: %s", path, ERROR_TEXT(errno));
}

static td_status posix_space(void *self, const char *path, int64_t *out_free_bytes, int64_t *out_total_bytes) {
    (void)self;
    struct statvfs about;
    if (statvfs(path, &about) < 0)
        return TD_FAIL(TD_RETRY, "%s: cannot tell how full its disk is: %s", path, ERROR_TEXT(errno));
    int64_t block_bytes = (int64_t)about.f_frsize;
    *out_free_bytes = (int64_t)about.f_bavail * block_bytes;
    *out_total_bytes = *out_free_bytes + ((int64_t)about.f_blocks - (int64_t)about.f_bfree) * block_bytes;
    return TD_OK;
}

static const td_os_ops posix_ops = {
    .wall_ns = posix_wall_ns,
    .mono_ns = posix_mono_ns,
    .open = posix_open,
    .read_at = posix_read_at,
    .write_at = posix_write_at,
    .truncate = posix_truncate,
    .sync = posix_sync,
    .size = posix_size,
    .lock = posix_lock,
    .ask_lock = posix_ask_lock,
    .close = posix_close,
    .rename = posix_rename,
    .remove = posix_remove,
    .make_dir = posix_make_dir,
    .sync_dir = posix_sync_dir,
    .list = posix_list,
    .exists = posix_exists,
    .look = posix_look,
    .space = posix_space,
};

const td_os td_os_posix = {.ops = &posix_ops, .self = NULL};
