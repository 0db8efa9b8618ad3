/* src/app/share.c - looks where installs and builds put things. */
#include "app/share.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static bool holds_examples(const td_os *os, const char *folder) {
    char path[TD_SHARE_MAX + 32];
    (void)snprintf(path, sizeof path, "%s/examples/demo.yaml", folder);
    return os->ops->exists(os->self, path);
}

bool td_share_find(const td_os *os, char out[TD_SHARE_MAX]) {
    static const char *const beside[] = {"/../share/tapedeck", "/.."}; /* of PREFIX/bin, of a build folder */
    const char *given = getenv("TAPEDECK_SHARE");
    if (given != NULL) {
        int size = snprintf(out, TD_SHARE_MAX, "%s", given);
        return size < TD_SHARE_MAX && holds_examples(os, out);
    }
    char binary[TD_SHARE_MAX - 32], folder[TD_SHARE_MAX];
    ssize_t size = readlink("/proc/self/exe", binary, sizeof binary - 1);
    if (size <= 0) return false;
    binary[size] = '\0';
    *strrchr(binary, '/') = '\0';
    for (size_t i = 0; i < sizeof beside / sizeof beside[0]; i++) {
        (void)snprintf(folder, sizeof folder, "%s%s", binary, beside[i]);
        char *plain = realpath(folder, NULL);
        bool found = plain != NULL && strlen(plain) < TD_SHARE_MAX && holds_examples(os, plain);
        if (found) (void)snprintf(out, TD_SHARE_MAX, "%s", plain);
        free(plain);
        if (found) return true;
    }
    return false;
}
