/* src/sink/archive_file.h - a file of an archive, row by row, whatever its format is: one table of functions for each.
 * The same rows and limits give the same bytes. Thread: its owner's. Errors: those of the machine, and TD_CONFIG where
 * a row cannot be; what was begun is then to be begun again. */
#pragma once
#include "os/os.h"
#include "sink/archive.h"

typedef struct td_archive_file_conf {
    const td_os *os;
    const td_archive_form *form;     /* must outlive it */
    int64_t group_rows, group_bytes; /* of Parquet: a row group ends when it has either */
    int64_t block_bytes;             /* of Avro: likewise a block, before it is packed */
    int codec;                       /* of Avro: a place in TD_ARCHIVE_CODECS */
} td_archive_file_conf;

#define TD_ARCHIVE_CODECS "zstandard|deflate|null"

typedef struct td_archive_file_ops {
    const char *ending;    /* of its name, and of no other kind's */
    const char *open_days; /* what such an archive calls its database: a folder is of one kind alone */
    void *(*make)(const td_archive_file_conf *conf);
    void (*free)(void *file); /* accepts NULL; what was not ended is no file */
    /* Makes it, or writes over what is there. */
    TD_CHECKED td_status (*begin)(void *file, const char *path);
    /* A cell for each column of the form; of those that its folders name it takes what it wants. */
    TD_CHECKED td_status (*put)(void *file, const td_cell *cells);
    /* All is written, not yet durable. */
    TD_CHECKED td_status (*end)(void *file);
} td_archive_file_ops;

extern const td_archive_file_ops td_archive_parquet, td_archive_avro;
