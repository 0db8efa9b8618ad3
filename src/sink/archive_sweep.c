/* src/sink/archive_sweep.c - old days out of an archive. */
#include "sink/archive_sweep.h"
#include "base/time.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- folders ---- */

static void keep_name(void *names, const char *name) { td_buf_put(names, name, strlen(name) + 1); }

/* Each behind the other with its NUL. To be freed. */
static td_status list_names(const td_os *os, const char *path, td_buf *out) {
    *out = (td_buf){0};
    return os->ops->list(os->self, path, keep_name, out);
}

static const char *next_name(const td_buf *names, const char *name) {
    if (name == NULL) return names->size > 0 ? (const char *)names->data : NULL;
    name += strlen(name) + 1;
    return name < (const char *)names->data + names->size ? name : NULL;
}

static char *join(const char *folder, const char *name) {
    td_buf path = {0};
    td_buf_printf(&path, "%s/%s", folder, name);
    td_buf_put(&path, "", 1);
    return (char *)path.data;
}

static bool is_folder(const td_os *os, const char *path) {
    char *within = join(path, ".");
    bool is = os->ops->exists(os->self, within);
    free(within);
    return is;
}

static td_status remove_folder(const td_os *os, const char *folder);

/* A file, a link as such, an empty folder: or it is a folder, and what is in it goes first. */
static td_status remove_any(const td_os *os, const char *path) {
    td_status status = os->ops->remove(os->self, path);
    return status != TD_OK && is_folder(os, path) ? remove_folder(os, path) : status;
}

static td_status remove_folder(const td_os *os, const char *folder) {
    td_buf names;
    td_status status = list_names(os, folder, &names);
    for (const char *name = next_name(&names, NULL); name != NULL && status == TD_OK; name = next_name(&names, name)) {
        char *path = join(folder, name);
        status = remove_any(os, path);
        free(path);
    }
    td_buf_fini(&names);
    return status == TD_OK ? os->ops->remove(os->self, folder) : status;
}

/* ---- days ---- */

td_status td_archive_sweep_rest(const td_os *os, const char *dir) {
    char *out = join(dir, ".swept");
    td_status status = os->ops->exists(os->self, out) ? remove_folder(os, out) : TD_OK;
    free(out);
    return status;
}

static td_status sweep_day(const td_archive_sweep *s, const char *folder) {
    td_status status = td_archive_sweep_rest(s->os, s->dir);
    if (status != TD_OK) return status;
    char *out = join(s->dir, ".swept");
    status = s->os->ops->rename(s->os->self, folder, out);
    free(out);
    return status == TD_OK ? td_archive_sweep_rest(s->os, s->dir) : status;
}

static bool ends_with(const char *name, const char *ending) {
    size_t size = strlen(name), tail = strlen(ending);
    return size >= tail && strcmp(name + size - tail, ending) == 0;
}

/* Whether it is for this partition to let it go. */
static td_status ask_whose(const td_archive_sweep *s, const char *folder, bool *out) {
    td_buf names;
    char part[24], making[40];
    (void)snprintf(part, sizeof part, "part-%04" PRIu32 "-", s->partition);
    (void)snprintf(making, sizeof making, ".part-%04" PRIu32 "%s.tmp", s->partition, s->ending);
    td_status status = list_names(s->os, folder, &names);
    *out = names.size == 0;
    for (const char *name = next_name(&names, NULL); name != NULL; name = next_name(&names, name)) {
        bool whole = strncmp(name, part, strlen(part)) == 0 && ends_with(name, s->ending);
        if (whole || strcmp(name, making) == 0) *out = true;
    }
    td_buf_fini(&names);
    return status;
}

static td_status sweep_if_old(const td_archive_sweep *s, const char *instrument, const char *day, bool *out_swept) {
    char date[40], first[48];
    bool ours = false;
    (void)td_time_format(s->before * TD_NS_PER_DAY, date);
    (void)snprintf(first, sizeof first, "day=%.10s", date);
    if (strncmp(day, "day=", 4) != 0 || strlen(day) != strlen(first) || strcmp(day, first) >= 0) return TD_OK;
    char *folder = join(instrument, day);
    bool plain = !is_folder(s->os, folder); /* a file is nobody's day */
    td_status status = plain ? TD_OK : ask_whose(s, folder, &ours);
    if (status == TD_OK && ours) status = sweep_day(s, folder);
    *out_swept |= ours;
    free(folder);
    return status;
}

static td_status sweep_instrument(const td_archive_sweep *s, const char *table, const char *name) {
    td_buf days;
    bool swept = false, stays = false;
    char *instrument = join(table, name);
    td_status status = list_names(s->os, instrument, &days);
    for (const char *day = next_name(&days, NULL); day != NULL && status == TD_OK; day = next_name(&days, day)) {
        bool gone = false;
        status = sweep_if_old(s, instrument, day, &gone);
        swept |= gone;
        stays |= !gone;
    }
    if (status == TD_OK && !stays) status = s->os->ops->remove(s->os->self, instrument);
    if (status == TD_OK && (swept || !stays)) status = s->os->ops->sync_dir(s->os->self, stays ? instrument : table);
    td_buf_fini(&days);
    free(instrument);
    return status;
}

static bool is_instrument(const td_os *os, const char *table, const char *name) {
    if (strncmp(name, "instrument=", strlen("instrument=")) != 0) return false;
    char *folder = join(table, name);
    bool is = is_folder(os, folder);
    free(folder);
    return is;
}

td_status td_archive_sweep_days(const td_archive_sweep *s) {
    td_buf names = {0};
    char *table = join(s->dir, s->table);
    td_status status = s->os->ops->exists(s->os->self, table) ? list_names(s->os, table, &names) : TD_OK;
    for (const char *name = next_name(&names, NULL); name != NULL && status == TD_OK; name = next_name(&names, name))
        if (is_instrument(s->os, table, name)) status = sweep_instrument(s, table, name);
    td_buf_fini(&names);
    free(table);
    return status;
}
