/* src/feed/recording_files.h - how a recording's files are read where they are no text: as lines all the same. A reader
 * is what the files of a feed share. Private to feed/. Thread: one. */
#pragma once
#include "feed/archive.h"
#include "feed/glob.h"
#include "feed/recording.h"

typedef struct td_recording_files {
    TD_CHECKED td_status (*find)(const td_os *os, const char *path, td_paths *out); /* as td_glob */
    /* `os` is borrowed until the stop, which follows errors, too: TD_CONFIG, TD_RETRY. */
    TD_CHECKED td_status (*start)(void **out_reader, const td_os *os);
    void (*stop)(void *reader); /* accepts NULL */
    /* `out_names`: of the columns, as a line; it, and `path` for the reader, are lent as long as the file is open.
     * Errors: TD_REJECT with a trail, the file is to be refused; of the machine TD_RETRY or TD_CONFIG: the same is
     * called again for a while, and then the feed ends. */
    TD_CHECKED td_status (*open)(void **out, void *reader, const char *path, const td_texts *fields,
                                 td_bytes *out_names);
    /* As td_recording_file has it. */
    TD_CHECKED td_status (*least)(void *file, size_t column, td_bytes *out);
    /* As td_archive_next, but that a line that is BROKEN is lines that are lost, and others may follow, with their own
     * numbers. Errors, of the machine: TD_RETRY or TD_CONFIG, call again. */
    TD_CHECKED td_status (*next)(void *file, td_line *out);
    void (*close)(void *file); /* accepts NULL */
} td_recording_files;
