/* src/feed/glob.c - wildcards, one part of the path after the other. */
#include "feed/glob.h"
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>

void td_paths_fini(td_paths *paths) {
    for (size_t i = 0; i < paths->count; i++) free(paths->items[i]);
    free(paths->items);
    *paths = (td_paths){0};
}

void td_paths_add(td_paths *paths, const char *folder, const char *name) {
    if ((paths->count & (paths->count + 1)) == 0) { /* full at 0, 1, 3, 7, … */
        char **items = td_alloc((paths->count + 1) * 2 * sizeof *items);
        if (paths->count > 0) memcpy(items, paths->items, paths->count * sizeof *items);
        free(paths->items);
        paths->items = items;
    }
    size_t size = strlen(folder) + strlen(name) + 2;
    char *path = td_alloc(size);
    bool joined = folder[0] == '\0' || folder[strlen(folder) - 1] == '/';
    (void)snprintf(path, size, "%s%s%s", folder, joined ? "" : "/", name);
    paths->items[paths->count++] = path;
}

typedef struct match {
    const char *pattern, *folder;
    td_paths *found;
} match;

static void add_match(void *arg, const char *name) {
    const match *m = arg;
    if (fnmatch(m->pattern, name, FNM_PERIOD) == 0) td_paths_add(m->found, m->folder, name);
}

bool td_glob_is_wild(const char *part) { return strpbrk(part, "*?[") != NULL; }

/* All paths of `folders` extended by one part. */
static td_status extend(const td_os *os, const td_paths *folders, const char *part, td_paths *out) {
    bool wild = td_glob_is_wild(part);
    td_status status = TD_OK;
    for (size_t i = 0; i < folders->count && status != TD_RETRY; i++) {
        const char *folder = folders->items[i];
        match m = {.pattern = part, .folder = folder, .found = out};
        if (!wild)
            td_paths_add(out, folder, part);
        else /* what is no folder, or may not be read, holds no match */
            status = os->ops->list(os->self, folder[0] == '\0' ? "." : folder, add_match, &m);
    }
    return status == TD_RETRY ? status : TD_OK;
}

static int compare_paths(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

td_status td_glob(const td_os *os, const char *pattern, td_paths *out) {
    td_paths found = {0};
    td_paths_add(&found, "", pattern[0] == '/' ? "/" : "");
    char *rest = td_copy_text(pattern), *save = NULL;
    td_status status = TD_OK;
    for (const char *part = strtok_r(rest, "/", &save); part != NULL && status == TD_OK;
         part = strtok_r(NULL, "/", &save)) {
        td_paths next = {0};
        status = extend(os, &found, part, &next);
        td_paths_fini(&found);
        found = next;
    }
    free(rest);
    *out = (td_paths){0};
    for (size_t i = 0; i < found.count && status == TD_OK; i++) /* parts without wildcards were taken on trust */
        if (os->ops->exists(os->self, found.items[i])) td_paths_add(out, "", found.items[i]);
    td_paths_fini(&found);
    if (out->count > 1) qsort(out->items, out->count, sizeof *out->items, compare_paths);
    return status;
}

const char *td_path_base(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}
