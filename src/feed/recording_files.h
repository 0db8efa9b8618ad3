/* src/feed/recording_files.h - how a recording's files are read where they are no text: as lines all the same. A reader
 * is what the files of a feed share. Private to feed/. Thread: one. */
#pragma once
#include "feed/archive.h"
#include "feed/glob.h"
#include "feed/recording.h"

typedef struct td_recording_files {
    TD_CHECKED td_status (*find)(const td_os *os, const char *path, td_paths *out); /* as td_glob */
    TD_CHECKED td_status (*start)(void **out_reader, const td_os *os);              /* TD_CONFIG, TD_RETRY */
    void (*stop)(void *reader);                                                     /* accepts NULL */
    /* `out_names`: of the columns, as a line; lent as long as the file is open. Errors: as td_archive_open's. */
    TD_CHECKED td_status (*open)(void **out, void *reader, const char *path, const td_texts *fields,
                                 td_bytes *out_names);
    bool (*least)(void *file, size_t column, td_bytes *out); /* as td_recording_file has it */
    TD_CHECKED td_status (*next)(void *file, td_line *out);  /* as td_archive_next */
    void (*close)(void *file);                               /* accepts NULL */
} td_recording_files;
