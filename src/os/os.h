/* src/os/os.h - the machine as one table of functions: clock and files. The real one is os_posix.c; tests bring a
 * simulated one that tears, loses and refuses on command. Nobody else in src/ calls the system for these.
 * Reads and writes may be short, as the system's are; td_os_read_full and td_os_write_full finish them.
 * Errors: TD_RETRY (I/O failed, disk full), TD_CONFIG (cannot be opened or locked: the operator must act).
 * Thread: any; one file may be read by many threads while one writes it. */
#pragma once
#include "base/bytes.h"

typedef enum td_open_mode {
    TD_OPEN_READ,   /* must exist                                   */
    TD_OPEN_WRITE,  /* read and write, must exist                   */
    TD_OPEN_CREATE, /* read and write, made when missing (mode 0600) */
} td_open_mode;

typedef enum td_path_kind {
    TD_PATH_NONE, /* nothing is there */
    TD_PATH_FILE, /* or what is no folder, whatever it is */
    TD_PATH_FOLDER,
} td_path_kind;

/* Called with each plain name in a folder ("." and ".." left out), in byte order. */
typedef void (*td_list_fn)(void *arg, const char *name);

typedef struct td_os_ops {
    int64_t (*wall_ns)(void *self); /* UTC since the Unix epoch */
    int64_t (*mono_ns)(void *self); /* never goes back          */
    td_status (*open)(void *self, const char *path, td_open_mode mode, int *out_file);
    td_status (*read_at)(void *self, int file, void *out, size_t size, int64_t offset, size_t *out_size); /* 0: end */
    td_status (*write_at)(void *self, int file, const void *data, size_t size, int64_t offset, size_t *out_size);
    td_status (*truncate)(void *self, int file, int64_t size);
    td_status (*sync)(void *self, int file); /* after TD_RETRY nothing is known of unsynced bytes */
    td_status (*size)(void *self, int file, int64_t *out_size);
    td_status (*lock)(void *self, int file);     /* exclusive; TD_CONFIG when another holds it; ends with close */
    td_status (*ask_lock)(void *self, int file); /* as lock, but takes nothing: who asks is in nobody's way */
    void (*close)(void *self, int file);
    td_status (*rename)(void *self, const char *from, const char *to);
    td_status (*remove)(void *self, const char *path);   /* a missing file is TD_OK */
    td_status (*make_dir)(void *self, const char *path); /* and its parents, durably; an existing one is TD_OK */
    td_status (*sync_dir)(void *self, const char *path); /* makes names durable */
    td_status (*list)(void *self, const char *path, td_list_fn each, void *arg); /* a missing folder is TD_CONFIG */
    bool (*exists)(void *self, const char *path);
    td_status (*look)(void *self, const char *path, td_path_kind *out); /* errors: what is there cannot be told */
    /* Of the file system that holds the path: what is free to us, and that with what is used. */
    td_status (*space)(void *self, const char *path, int64_t *out_free_bytes, int64_t *out_total_bytes);
} td_os_ops;

typedef struct td_os {
    const td_os_ops *ops;
    void *self;
} td_os;

extern const td_os td_os_posix;

TD_CHECKED td_status td_os_read_full(const td_os *os, int file, void *out, size_t size, int64_t offset,
                                     size_t *out_size); /* short only at the end of the file */
TD_CHECKED td_status td_os_write_full(const td_os *os, int file, const void *data, size_t size, int64_t offset);
/* The whole file into a buffer (emptied first). TD_CONFIG when it cannot be opened or exceeds max_bytes. */
TD_CHECKED td_status td_os_read_file(const td_os *os, const char *path, size_t max_bytes, td_buf *out);
/* Replaces a file as one step: temporary file, sync, rename, sync of the folder. */
TD_CHECKED td_status td_os_replace_file(const td_os *os, const char *path, td_bytes content);
