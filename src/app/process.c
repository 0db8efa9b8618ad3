/* src/app/process.c - /proc and rusage. */
#include "app/process.h"
#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static bool read_text(const char *path, char *out, size_t capacity) {
    FILE *file = fopen(path, "re");
    if (file == NULL) return false;
    size_t size = fread(out, 1, capacity - 1, file);
    out[size] = '\0';
    (void)fclose(file);
    return size > 0;
}

static double count_open_files(void) {
    DIR *folder = opendir("/proc/self/fd");
    if (folder == NULL) return -1;
    int count = -3; /* ".", "..", and the folder itself */
    while (readdir(folder) != NULL) count++;
    (void)closedir(folder);
    return count;
}

/* Field 22 of stat, in ticks since the machine started; names may hold anything, so it counts from the last ')'. */
static double start_time(void) {
    char text[1024];
    struct timespec wall, up;
    if (!read_text("/proc/self/stat", text, sizeof text)) return -1;
    const char *at = strrchr(text, ')');
    for (int field = 2; at != NULL && field < 22; field++) at = strchr(at + 1, ' ');
    long long ticks;
    if (at == NULL || sscanf(at, " %lld", &ticks) != 1) return -1;
    (void)clock_gettime(CLOCK_REALTIME, &wall);
    (void)clock_gettime(CLOCK_BOOTTIME, &up);
    double booted_s = (double)(wall.tv_sec - up.tv_sec) + (double)(wall.tv_nsec - up.tv_nsec) / 1e9;
    return booted_s + (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

void td_process_look(td_process *out) {
    char text[128];
    long long virtual_pages, resident_pages;
    struct rusage usage;
    struct rlimit files;
    double page = (double)sysconf(_SC_PAGESIZE);
    *out = (td_process){.cpu_s = -1, .resident_bytes = -1, .virtual_bytes = -1, .max_files = -1};
    if (read_text("/proc/self/statm", text, sizeof text) &&
        sscanf(text, "%lld %lld", &virtual_pages, &resident_pages) == 2) {
        out->virtual_bytes = (double)virtual_pages * page;
        out->resident_bytes = (double)resident_pages * page;
    }
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        out->cpu_s = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                     (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) out->max_files = (double)files.rlim_cur;
    out->open_files = count_open_files();
    out->started_s = start_time();
}
