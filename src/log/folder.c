/* src/log/folder.c - the marks in a data folder. */
#include "log/folder.h"
#include <stdio.h>
#include <stdlib.h>

enum { FORMAT_MAX_BYTES = 64, WHOSE_MAX_BYTES = 1024 };

static char *path_in(const char *dir, const char *name) {
    td_buf path = {0};
    td_buf_printf(&path, "%s/%s%c", dir, name, '\0');
    return (char *)path.data;
}

/* "tapedeck 2" and its line's end: a torn line is none. */
static bool parse_format(const char *text, int *out) {
    int size = 0;
    return sscanf(text, "tapedeck %9d%n", out, &size) == 1 && *out >= 1 && strcmp(text + size, "\n") == 0;
}

static td_status read_format(const td_os *os, const char *dir, int *out) {
    char *path = path_in(dir, "FORMAT");
    td_buf text = {0};
    td_status status = TD_OK;
    *out = 1;
    if (os->ops->exists(os->self, path)) {
        status = td_os_read_file(os, path, FORMAT_MAX_BYTES, &text);
        td_buf_put(&text, "", 1);
        if (status == TD_OK && (!parse_format((const char *)text.data, out)))
            status = TD_FAIL(TD_CORRUPT,
                             "%s: not the line `tapedeck VERSION` that this program wrote: write `tapedeck %d` into it "
                             "if the folder is a log of this program",
                             path, TD_FOLDER_FORMAT);
    }
    td_buf_fini(&text);
    free(path);
    return status;
}

static bool is_there(const td_os *os, const char *dir, const char *name) {
    char *path = path_in(dir, name);
    bool found = os->ops->exists(os->self, path);
    free(path);
    return found;
}

td_status td_folder_check(const td_os *os, const char *dir) {
    int format;
    if (is_there(os, dir, "KAFKA"))
        return TD_FAIL(TD_CONFIG,
                       "log: the folder %s holds no log, but what a run keeps beside one on Kafka: name the run's "
                       "configuration (--config FILE), or another folder (log.dir)",
                       dir);
    td_status status = read_format(os, dir, &format);
    if (status != TD_OK || format <= TD_FOLDER_FORMAT) return status;
    return TD_FAIL(
        TD_CONFIG,
        "log: the folder %s has form %d, and this program knows no later one than %d: use the newer tapedeck "
        "that wrote it, or name another folder (log.dir)",
        dir, format, TD_FOLDER_FORMAT);
}

static td_status take_lock(const td_os *os, const char *dir, int *out_file) {
    char *path = path_in(dir, "LOCK");
    td_status status = os->ops->open(os->self, path, TD_OPEN_CREATE, out_file);
    free(path);
    if (status != TD_OK) {
        *out_file = -1;
        return td_trace(status,
                        "opening the folder %s to write in it: without the right to, only `tapedeck log ls`, `cat` and "
                        "`verify` can be had of it",
                        dir);
    }
    status = os->ops->lock(os->self, *out_file);
    if (status != TD_CONFIG) return status;
    return TD_FAIL(TD_CONFIG,
                   "log: another process writes to the folder %s: stop it, or give this one a folder of its own "
                   "(log.dir)",
                   dir);
}

td_status td_folder_lock(const td_os *os, const char *dir, int *out_file) {
    *out_file = -1;
    td_status status = os->ops->make_dir(os->self, dir);
    if (status == TD_OK) status = td_folder_check(os, dir);
    if (status == TD_OK) status = take_lock(os, dir, out_file);
    if (status == TD_OK || *out_file < 0) return status;
    os->ops->close(os->self, *out_file);
    *out_file = -1;
    return status;
}

static td_status check_no_log(const td_os *os, const char *dir) {
    if (!is_there(os, dir, "FORMAT") && !is_there(os, dir, "tape-0")) return TD_OK;
    return TD_FAIL(TD_CONFIG, "log: the folder %s holds a log of its own: name another folder (log.dir)", dir);
}

td_status td_folder_check_beside(const td_os *os, const char *dir, const char *whose) {
    char *path = path_in(dir, "KAFKA");
    td_buf text = {0};
    td_status status = check_no_log(os, dir);
    bool marked = status == TD_OK && os->ops->exists(os->self, path);
    if (marked) status = td_os_read_file(os, path, WHOSE_MAX_BYTES, &text);
    if (status == TD_OK && marked && !td_bytes_equal(td_buf_bytes(&text), td_text(whose)))
        status = TD_FAIL(TD_CONFIG,
                         "log: what the folder %s holds rests on the offsets of another log, %.*s: name another folder "
                         "(log.dir)",
                         dir, (int)text.size - 1, (const char *)text.data);
    td_buf_fini(&text);
    free(path);
    return status;
}

static td_status put_whose(const td_os *os, const char *dir, const char *whose) {
    char *path = path_in(dir, "KAFKA");
    td_status status = os->ops->exists(os->self, path) ? TD_OK : td_os_replace_file(os, path, td_text(whose));
    free(path);
    return status;
}

td_status td_folder_lock_beside(const td_os *os, const char *dir, const char *whose, int *out_file) {
    *out_file = -1;
    td_status status = os->ops->make_dir(os->self, dir);
    if (status == TD_OK) status = check_no_log(os, dir);
    if (status == TD_OK) status = take_lock(os, dir, out_file);
    if (status == TD_OK) status = td_folder_check_beside(os, dir, whose);
    if (status == TD_OK) status = put_whose(os, dir, whose);
    if (status == TD_OK || *out_file < 0) return status;
    os->ops->close(os->self, *out_file);
    *out_file = -1;
    return status;
}

td_status td_folder_upgrade(const td_os *os, const char *dir) {
    int format;
    char *path = path_in(dir, "FORMAT"), line[FORMAT_MAX_BYTES];
    td_status status = read_format(os, dir, &format);
    (void)snprintf(line, sizeof line, "tapedeck %d\n", TD_FOLDER_FORMAT);
    if (status == TD_OK && format < TD_FOLDER_FORMAT) status = td_os_replace_file(os, path, td_text(line));
    free(path);
    return status;
}

bool td_folder_is_clean(const td_os *os, const char *dir) { return is_there(os, dir, "CLEAN"); }

td_status td_folder_put_clean(const td_os *os, const char *dir) {
    char *path = path_in(dir, "CLEAN");
    td_status status = td_os_replace_file(os, path, TD_TEXT("closed\n"));
    free(path);
    return status;
}

td_status td_folder_drop_clean(const td_os *os, const char *dir) {
    char *path = path_in(dir, "CLEAN");
    td_status status = os->ops->remove(os->self, path);
    if (status == TD_OK) status = os->ops->sync_dir(os->self, dir);
    free(path);
    return status;
}
