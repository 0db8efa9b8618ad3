/* src/app/data.h - a data folder open for reading, beside whoever writes in it. Thread: the main one. */
#pragma once
#include "base/option.h"
#include "flow/past.h"
#include <stddef.h>

typedef struct td_data {
    td_log *log;
    td_topics topics;
    char snapshots[512];
} td_data;

/* A command's option that names the folder, its text in member `data` of the command's struct. */
#define TD_DATA_OPTION(conf)                                                                                           \
    {                                                                                                                  \
        .key = "data", .type = TD_OPTION_TEXT, .fallback = "data", .unit = "DIR", .offset = offsetof(conf, data),      \
        .help = "the data folder of a run"                                                                             \
    }

/* Errors: TD_CONFIG: the folder holds no tape; as the log's. To be closed either way. */
TD_CHECKED td_status td_data_open(td_data *out, const char *dir);
/* For who appends while nobody else does. Errors: TD_CONFIG: somebody does, or the folder holds no tape; then nothing
 * is made. */
TD_CHECKED td_status td_data_open_to_write(td_data *out, const char *dir);
void td_data_close(td_data *data);

/* "--as-of": a place, or the end of the tape where it is not given. Errors: TD_REJECT. */
TD_CHECKED td_status td_data_place(const char *text, td_place *out);
/* The value of the option of that name; NULL leaves it as it is. Errors: TD_REJECT. */
TD_CHECKED td_status td_data_time(const char *option, const char *text, int64_t *out_ns);
