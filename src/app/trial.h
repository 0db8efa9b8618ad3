/* src/app/trial.h - one test of a user's strategy: its tables through a run of its own, and the signals that come
 * beside those expected. Says what is wrong itself. Thread: the main one. */
#pragma once
#include <stdbool.h>

typedef struct td_trial_conf {
    char *data; /* the folder of the tables; NULL: the file's path without its .td */
    bool update, json;
} td_trial_conf;

/* Returns an exit code. */
int td_trial_run(const td_trial_conf *conf, const char *file);
