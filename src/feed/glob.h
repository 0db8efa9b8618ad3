/* src/feed/glob.h - the files that a path with wildcards names, over td_os: `*`, `?` and `[…]` within each part of the
 * path, as the shell has them. */
#pragma once
#include "os/os.h"

typedef struct td_paths { /* in byte order */
    char **items;
    size_t count;
} td_paths;

/* A path without wildcards names itself if it exists. Nothing found is TD_OK with count 0. Errors: TD_RETRY when a
 * folder could not be read this time: fewer files would be other inputs. `out` is empty then. */
TD_CHECKED td_status td_glob(const td_os *os, const char *pattern, td_paths *out);
/* Appends the name in the folder, which may be "". */
void td_paths_add(td_paths *paths, const char *folder, const char *name);
bool td_glob_is_wild(const char *part); /* it has a wildcard */
void td_paths_fini(td_paths *paths);
/* What stands behind its last slash. */
const char *td_path_base(const char *path);
