/* src/app/importing.h - a log made of what is kept elsewhere: of live feeds what they kept as it came, decoded once
 * more into a new data folder; of an archive its trades and quotes. Thread: the main one. */
#pragma once
#include "base/option.h"

typedef struct td_import_options {
    td_texts raw, sets; /* feeds, or their topics; overrides */
    char *archive;      /* a folder or file; NULL: raw is wanted */
    char *data, *out, *from, *to;
    bool json;
} td_import_options;

/* Tells what came of it, or what is wrong; returns an exit code (app/exit.h). `file` is a configuration. */
int td_import(const td_import_options *options, const char *file);
