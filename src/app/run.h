/* src/app/run.h - the engine on threads, with progress for people and a summary for scripts. */
#pragma once
#include "base/option.h"

typedef struct td_run_options {
    td_texts sets; /* "key=value" over the file's */
    char *roles;   /* NULL: all */
    bool until_end, json, quiet;
    int log; /* as configured, text, json */
} td_run_options;

extern const td_option td_run_option_rows[];

/* Runs the configuration until its end or a signal. Returns the exit code (app/exit.h). */
int td_run(const td_run_options *options, const char *file);
