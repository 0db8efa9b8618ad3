/* src/app/cmd_test.c - `tapedeck test`: one trial after the other. */
#include "app/cmd_test.h"
#include "app/exit.h"
#include "app/trial.h"
#include <stddef.h>

static int run(void *conf_any, const char *const *words) {
    const td_trial_conf *conf = conf_any;
    int exit_code = TD_EXIT_OK;
    if (conf->data != NULL && words[1] != NULL) {
        (void)fprintf(stderr, "tapedeck test: --data is the folder of one file; of several each has its own\n");
        return TD_EXIT_USAGE;
    }
    for (size_t i = 0; words[i] != NULL; i++) {
        int code = td_trial_run(conf, words[i]);
        if (exit_code == TD_EXIT_OK) exit_code = code;
    }
    return exit_code;
}

static const td_option options[] = {
    {.key = "data",
     .type = TD_OPTION_TEXT,
     .unit = "DIR",
     .offset = offsetof(td_trial_conf, data),
     .help = "the folder of the tables; unset: FILE without its .td"},
    {.key = "update",
     .type = TD_OPTION_BOOL,
     .offset = offsetof(td_trial_conf, update),
     .help = "write what came as what is expected from now on"},
    {.key = "json",
     .type = TD_OPTION_BOOL,
     .offset = offsetof(td_trial_conf, json),
     .help = "one JSON object per file"},
    {0},
};

const td_command td_command_test = {
    .name = "test",
    .words = "FILE.td...",
    .words_least = 1,
    .words_most = TD_WORDS_MAX,
    .summary = "run strategies over tables of your own and compare their signals",
    .text =
        "The folder of FILE.td has CSV tables of trades, quotes, books, bars or news, told apart by the columns that\n"
        "their first line names: time,instrument and price,size[,side,id], or bid,ask[,bid_size,ask_size], or\n"
        "bids,asks, or open,high,low,close,volume, whose time is the bar's begin; or time,headline[,instrument,\n"
        "sentiment,source,url,id]. instruments.csv there is the instrument table. All run through the strategy as a\n"
        "run does it; the signals that come are compared with signals.csv there, line by line. Lines that are no "
        "events\n"
        "and events that go to quarantine are told with file, line and reason. Answers 8 where signals differ or a\n"
        "line is no event. --update writes signals.csv.\n",
    .options = options,
    .conf_size = sizeof(td_trial_conf),
    .examples = "  tapedeck test strategies/mine.td\n"
                "  tapedeck test strategies/mine.td --data tests/crash --update\n"
                "  tapedeck test examples/strategies/*.td\n",
    .run = run,
};
