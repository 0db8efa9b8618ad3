/* src/app/process.h - this process and its disk as the machine sees them. Thread: any. */
#pragma once
#include "base/bytes.h"

typedef struct td_process {  /* -1 where the machine does not say */
    double cpu_s, started_s; /* user and system time; start since the Unix epoch */
    double resident_bytes, virtual_bytes;
    double open_files, max_files;
} td_process;
void td_process_look(td_process *out);

typedef struct td_disk {           /* of the file system that holds a path */
    double size_bytes, free_bytes; /* free to this process */
} td_disk;
bool td_disk_look(const char *path, td_disk *out);
