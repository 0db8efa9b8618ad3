/* src/app/scratch.c - mkdtemp, and its reverse. */
#include "app/scratch.h"
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *place) {
    (void)about;
    (void)kind;
    (void)place;
    return remove(path);
}

td_status td_scratch_make(const char *name, char out[TD_SCRATCH_MAX]) {
    const char *base = getenv("TMPDIR");
    int size = snprintf(out, TD_SCRATCH_MAX, "%s/%s-XXXXXX", base != NULL ? base : "/tmp", name);
    if (size > 0 && size < TD_SCRATCH_MAX && mkdtemp(out) != NULL) return TD_OK;
    return TD_FAIL(TD_CONFIG, "%s: no folder can be made there: %s; TMPDIR names another place", out, strerror(errno));
}

void td_scratch_remove(const char *dir) { (void)nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS); }
