/* src/log/folder.h - the marks in a data folder: who writes in it (LOCK), whether the last writer closed it (CLEAN),
 * the version of its form (FORMAT, one line; missing: version 1), or which log elsewhere it belongs to (KAFKA). Private
 * to log/. Thread: the one that opens the log. Version 2 added LZ4, transactions, and batches without records in place
 * of what a repair removed; version 1 is a part of it. */
#pragma once
#include "os/os.h"

enum { TD_FOLDER_FORMAT = 2 };

/* TD_CONFIG: the folder is of a newer version, or of a log that is not in it. TD_CORRUPT: FORMAT is not what we wrote.
 */
TD_CHECKED td_status td_folder_check(const td_os *os, const char *dir);
/* Makes the folder where it is missing and takes its LOCK until the file is closed. TD_CONFIG: another process has it,
 * it cannot be written, or td_folder_check says so; *out_file is then -1. */
TD_CHECKED td_status td_folder_lock(const td_os *os, const char *dir, int *out_file);
/* The same for a folder that holds no log, but what readers of one elsewhere keep: their states rest on that log's
 * offsets alone. TD_CONFIG: it is another's too, or holds a log. */
TD_CHECKED td_status td_folder_lock_beside(const td_os *os, const char *dir, const char *whose, int *out_file);
/* The same without its lock, for who only reads there: one that is not there, or has no mark, holds nothing yet. */
TD_CHECKED td_status td_folder_check_beside(const td_os *os, const char *dir, const char *whose);
/* Brings FORMAT up to ours: before anything is written that is of our form only. */
TD_CHECKED td_status td_folder_upgrade(const td_os *os, const char *dir);

bool td_folder_is_clean(const td_os *os, const char *dir);
TD_CHECKED td_status td_folder_put_clean(const td_os *os, const char *dir);
/* Gone durably before the first append, or it would hide what a crash does later. */
TD_CHECKED td_status td_folder_drop_clean(const td_os *os, const char *dir);
