/* tests/fault/stuck_sync.c - a disk that never answers, for a process that preloads it: while the file exists that
 * STUCK_SYNC names, no sync of a file returns. */
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

static int wait_then(const char *name, int file) {
    const char *path = getenv("STUCK_SYNC");
    while (path != NULL && access(path, F_OK) == 0) (void)usleep(10000);
    int (*real)(int) = NULL;
    *(void **)&real = dlsym(RTLD_NEXT, name); /* as POSIX wants it written */
    return real != NULL ? real(file) : -1;
}

int fsync(int file) { return wait_then("fsync", file); }
int fdatasync(int file) { return wait_then("fdatasync", file); }
