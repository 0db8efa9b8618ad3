/* src/app/command.h - a command as rows: what it is called, its options, its examples. Parsing, errors with the nearest
 * word and --help in one shape come from them. Thread: the main one. */
#pragma once
#include "base/option.h"
#include <stdio.h>

enum { TD_WORDS_MAX = 256 };

typedef struct td_command {
    const char *name;    /* "run" */
    const char *summary; /* one line */
    /* A command with verbs of its own reads its whole line; nothing below is given then. */
    int (*main)(int argc, char **argv);
    const char *words;              /* what stands behind the options, as help shows it: "FILE", "[KEY]", "" */
    size_t words_least, words_most; /* how many, at most TD_WORDS_MAX */
    const char *text;               /* what it does, in lines */
    const td_option *options;       /* BOOL: a switch; others take a value, which help calls by their unit */
    size_t conf_size;               /* of what the options fill */
    const char *examples;           /* lines */
    int (*run)(void *conf, const char *const *words); /* returns an exit code; `words` end with NULL */
} td_command;

/* Parses what stands behind the command's name, then helps or runs. Returns an exit code (app/exit.h). */
int td_command_main(const td_command *command, int argc, char **argv);

/* Writes "tapedeck NAME: WHAT "WORD"" (`word` NULL: WHAT alone) and where help is; returns TD_EXIT_USAGE. */
int td_command_usage(const char *name, const char *what, const char *word);
/* Of a failure writes "tapedeck NAME: " and the trail; returns the status's exit code. */
int td_command_end(const char *name, td_status status);
