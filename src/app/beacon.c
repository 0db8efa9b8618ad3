/* src/app/beacon.c - the file SERVE beside the folder's LOCK. */
#include "app/beacon.h"
#include <stdio.h>

enum { PATH_BYTES = 512 };

static const char *path_of(const char *dir, const char *name, char out[PATH_BYTES]) {
    (void)snprintf(out, PATH_BYTES, "%s/%s", dir, name);
    return out;
}

void td_beacon_light(const td_os *os, const char *dir, const char *url) {
    char path[PATH_BYTES];
    td_status status = td_os_replace_file(os, path_of(dir, "SERVE", path), td_text(url));
    (void)status;
}

void td_beacon_put_out(const td_os *os, const char *dir) {
    char path[PATH_BYTES];
    td_status status = os->ops->remove(os->self, path_of(dir, "SERVE", path));
    (void)status;
}

bool td_beacon_find(const td_os *os, const char *dir, char out_url[TD_BEACON_MAX]) {
    char path[PATH_BYTES];
    td_buf text = {0};
    bool found = os->ops->exists(os->self, path_of(dir, "SERVE", path)) &&
                 td_os_read_file(os, path, TD_BEACON_MAX - 1, &text) == TD_OK && text.size > 0;
    if (found) (void)snprintf(out_url, TD_BEACON_MAX, "%.*s", (int)text.size, (const char *)text.data);
    td_buf_fini(&text);
    return found;
}

td_status td_beacon_ask_lock(const td_os *os, const char *dir) {
    char path[PATH_BYTES];
    int file;
    if (!os->ops->exists(os->self, path_of(dir, "LOCK", path))) return TD_OK;
    td_status status = os->ops->open(os->self, path, TD_OPEN_READ, &file);
    if (status != TD_OK) return status;
    status = os->ops->ask_lock(os->self, file);
    os->ops->close(os->self, file);
    return status == TD_OK ? TD_OK : TD_FAIL(status, "log.dir: %s: %s", dir, td_trail());
}
