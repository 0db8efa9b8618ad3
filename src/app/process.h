/* src/app/process.h - this process as the machine sees them. Thread: any. */
#pragma once
#include "base/bytes.h"

typedef struct td_process {  /* -1 where the machine does not say */
    double cpu_s, started_s; /* user and system time; start since the Unix epoch */
    double resident_bytes, virtual_bytes;
    double open_files, max_files;
} td_process;
void td_process_look(td_process *out);
