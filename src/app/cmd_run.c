/* src/app/cmd_run.c - what `tapedeck run` is called with. */
#include "app/cmd_run.h"
#include "app/run.h"

const td_option td_run_option_rows[] = {
    {.key = "until-end",
     .type = TD_OPTION_BOOL,
     .offset = offsetof(td_run_options, until_end),
     .help = "end when all feeds have ended and all sinks hold everything; speed defaults to max"},
    {.key = "json",
     .type = TD_OPTION_BOOL,
     .offset = offsetof(td_run_options, json),
     .help = "one JSON object with the run's counts as the last line of standard output"},
    {.key = "quiet",
     .type = TD_OPTION_BOOL,
     .offset = offsetof(td_run_options, quiet),
     .help = "no progress, no signals: only warnings and errors"},
    {.key = "log",
     .type = TD_OPTION_CHOICE,
     .choices = "as-configured|text|json",
     .fallback = "as-configured",
     .offset = offsetof(td_run_options, log),
     .help = "lines on standard error: for people, or one JSON object each"},
    {.key = "role",
     .type = TD_OPTION_TEXT,
     .unit = "LIST",
     .offset = offsetof(td_run_options, roles),
     .help = "what this process does, with log.kafka: some of record,process,deliver,serve; unset: all"},
    {.key = "set",
     .type = TD_OPTION_TEXTS,
     .unit = "KEY=VALUE",
     .offset = offsetof(td_run_options, sets),
     .help = "override a key of FILE; may be given more than once"},
    {0},
};

static int run(void *conf, const char *const *words) { return td_run(conf, words[0]); }

const td_command td_command_run = {
    .name = "run",
    .words = "FILE",
    .words_least = 1,
    .words_most = 1,
    .summary = "run a configuration: feeds, log, bars, signals, sinks, dashboard",
    .text =
        "Runs the configuration FILE: feeds into the log, bars and signals out of it, into the sinks and the\n"
        "dashboard. Run again on the same data folder, it goes on where it ended. `tapedeck help KEY` tells what a\n"
        "key of FILE means. With the log on Kafka roles may be processes of their own, each with a log.dir of its "
        "own:\n"
        "one that records, any number that process, which share the partitions, one for the sinks, and servers.\n",
    .options = td_run_option_rows,
    .conf_size = sizeof(td_run_options),
    .examples = "  tapedeck run market.yaml\n"
                "  tapedeck run --until-end --json --set speed=max --set serve=off market.yaml\n"
                "  tapedeck run --set 'bars=[1s,1m]' --set log.dir=/tmp/x --set sinks= market.yaml\n"
                "  tapedeck run --set sinks.0.sqlite.file=/tmp/x/market.db market.yaml\n"
                "  tapedeck run --role process --set log.dir=/var/lib/tapedeck/2 market.yaml\n",
    .run = run,
};
