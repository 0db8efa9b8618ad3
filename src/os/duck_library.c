/* src/os/duck_library.c - looking for DuckDB's C library. */
#include "os/duck_library.h"
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define VERSION "1.5.6" /* what scripts/fetch_duckdb.sh brings */

static td_duck_library library;
static char trouble[512]; /* "": it is there */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static char said[300] = "no place is known"; /* of a file that is there, before what is said of those that are not */
static bool there;

static void *open_at(const char *folder, const char *rest) {
    char path[4096];
    int size = snprintf(path, sizeof path, "%s%s", folder, rest);
    if (size >= (int)sizeof path) return NULL;
    void *found = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    const char *why = found == NULL ? dlerror() : NULL;
    if (why == NULL || there) return found;
    there = access(path, F_OK) == 0;
    (void)snprintf(said, sizeof said, "%s", why);
    return NULL;
}

/* Where it was named, beside an installed program, where scripts/fetch_duckdb.sh puts it, where the system has it. */
static void *open_any(void) {
    const char *named = getenv("TAPEDECK_DUCKDB"), *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (named != NULL && named[0] != '\0') return open_at(named, ""); /* that one or none */
    void *found = open_at("$ORIGIN/../lib/tapedeck", "/libduckdb.so");
    if (found == NULL && cache != NULL && cache[0] != '\0')
        found = open_at(cache, "/tapedeck/duckdb-" VERSION "/libduckdb.so");
    else if (found == NULL && home != NULL)
        found = open_at(home, "/.cache/tapedeck/duckdb-" VERSION "/libduckdb.so");
    return found != NULL ? found : open_at("libduckdb.so", "");
}

static void find(void) {
    void *from = open_any();
    if (from == NULL) {
        (void)snprintf(trouble, sizeof trouble,
                       "DuckDB's library is not there (%s): `scripts/fetch_duckdb.sh` brings it, or name it by "
                       "TAPEDECK_DUCKDB=/path/to/libduckdb.so",
                       said);
        return;
    }
#define FIND(type, name, parameters)                                                                                   \
    *(void **)&library.name = dlsym(from, "duckdb_" #name);                                                            \
    if (library.name == NULL)                                                                                          \
        (void)snprintf(trouble, sizeof trouble, "DuckDB's library has no duckdb_%s: version " VERSION " does", #name);
    TD_DUCK_FUNCTIONS(FIND)
#undef FIND
}

td_status td_duck_library_find(const td_duck_library **out) {
    (void)pthread_once(&once, find);
    *out = &library;
    return trouble[0] == '\0' ? TD_OK : TD_FAIL(TD_CONFIG, "%s", trouble);
}
