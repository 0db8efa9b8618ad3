/* src/feed/tables.c - a walk over folders, a part of a path by a step. */
#include "feed/tables.h"
#include <stdlib.h>

enum { DEPTH_MAX = 16 };

typedef struct walk {
    const td_os *os;
    const char *ending;
    td_paths found;
} walk;

static void add_name(void *arg, const char *name) { td_paths_add(arg, "", name); }

static bool has_name(const td_paths *names, const char *name) {
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->items[i], name) == 0) return true;
    return false;
}

/* Of an archive of ours only what can be taken in; what begins with a dot or an underscore is no table's. */
static bool is_wanted(const td_paths *names, const char *name) {
    bool ours = has_name(names, "trades") || has_name(names, "quotes");
    if (ours) return strcmp(name, "trades") == 0 || strcmp(name, "quotes") == 0;
    return name[0] != '.' && name[0] != '_';
}

static td_status add_below(walk *w, const char *path, bool wanted, int depth);

static td_status add_names(walk *w, const char *folder, const td_paths *names, int depth) {
    td_status status = TD_OK;
    for (size_t i = 0; i < names->count && status == TD_OK; i++) {
        td_paths path = {0};
        if (!is_wanted(names, names->items[i])) continue;
        td_paths_add(&path, folder, names->items[i]);
        status = add_below(w, path.items[0], td_text_ends(names->items[i], w->ending), depth + 1);
        td_paths_fini(&path);
    }
    return status;
}

static td_status add_folder(walk *w, const char *folder, int depth) {
    td_paths names = {0};
    if (depth > DEPTH_MAX) return TD_FAIL(TD_CONFIG, "%s: more than %d folders in each other", folder, DEPTH_MAX);
    td_status status = w->os->ops->list(w->os->self, folder, add_name, &names);
    if (status == TD_OK) status = add_names(w, folder, &names, depth);
    td_paths_fini(&names);
    return status;
}

/* What is in the folder, or the file where it is wanted; that one is told later where it cannot be read. A folder that
 * cannot is never passed over: fewer files would be other inputs. */
static td_status add_below(walk *w, const char *path, bool wanted, int depth) {
    td_path_kind kind;
    td_status status = w->os->ops->look(w->os->self, path, &kind);
    if (status == TD_OK && kind == TD_PATH_FOLDER) return add_folder(w, path, depth);
    if (status == TD_OK && wanted) td_paths_add(&w->found, "", path);
    return status;
}

/* The day that a folder of an archive says; "": none does. */
static const char *day_of(const char *path) {
    const char *day = strstr(path, "/day=");
    return day != NULL ? day : "";
}

/* Files of a later day come behind those of all days before, whatever they are of. */
static int compare_files(const void *a, const void *b) {
    const char *x = *(char *const *)a, *y = *(char *const *)b;
    const char *days[2] = {day_of(x), day_of(y)};
    size_t size = sizeof "/day=2013-10-07" - 1;
    int order = strncmp(days[0], days[1], size);
    return order != 0 ? order : strcmp(x, y);
}

td_status td_tables_find(const td_os *os, const char *path, const char *ending, td_paths *out) {
    walk w = {.os = os, .ending = ending};
    td_paths named;
    *out = (td_paths){0};
    td_status status = td_glob(os, path, &named);
    if (status != TD_OK) return status;
    for (size_t i = 0; i < named.count && status == TD_OK; i++) status = add_below(&w, named.items[i], true, 0);
    if (status == TD_OK && named.count > 0 && w.found.count == 0)
        status = TD_FAIL(TD_CONFIG, "path: %s has no *%s of trades or quotes", path, ending);
    td_paths_fini(&named);
    if (status != TD_OK) td_paths_fini(&w.found);
    if (w.found.count > 1) qsort(w.found.items, w.found.count, sizeof *w.found.items, compare_files);
    *out = w.found;
    return status;
}
