/* src/feed/tables.h - the files of a path that hold tables of ticks, such as a sink's archive: those that it names, as
 * td_glob has it, or all of an ending in a folder and below it. Thread: any. */
#pragma once
#include "feed/glob.h"

/* `ending`: of their names, such as ".parquet". Of an archive of ours trades and quotes alone, files of an earlier day
 * before those of a later one, else in byte order. Errors: TD_CONFIG, there are folders but no such file in them, or
 * one cannot be read, or has too many in each other; TD_RETRY as td_glob. `out` is empty then. */
TD_CHECKED td_status td_tables_find(const td_os *os, const char *path, const char *ending, td_paths *out);
