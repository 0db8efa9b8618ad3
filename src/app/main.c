/* src/app/main.c - the commands. */
#include "app/cmd_bench.h"
#include "app/cmd_log.h"
#include "app/exit.h"
#include "app/run.h"
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int (*main)(int argc, char **argv);
    const char *help;
} commands[] = {
    {"run", td_cmd_run, "run a configuration: feeds, log, bars, signals, sinks, dashboard"},
    {"log", td_cmd_log, "look into the log: ls, cat, verify"},
    {"bench", td_cmd_bench, "measure: replay"},
};

static void print_help(FILE *to) {
    (void)fputs("Tapedeck records the market's tape and plays it back.\n\nusage: tapedeck COMMAND [options]\n\n", to);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        (void)fprintf(to, "  %-7s %s\n", commands[i].name, commands[i].help);
    (void)fputs("\n`tapedeck COMMAND --help` tells more. `tapedeck --version` prints the version.\n", to);
}

int main(int argc, char **argv) {
    const char *name = argc > 1 ? argv[1] : "";
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        print_help(stdout);
        return TD_EXIT_OK;
    }
    if (strcmp(name, "--version") == 0) {
        (void)puts("tapedeck " TD_VERSION);
        return TD_EXIT_OK;
    }
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(name, commands[i].name) == 0) return commands[i].main(argc - 1, argv + 1);
    if (name[0] != '\0') (void)fprintf(stderr, "tapedeck: there is no command `%s`\n\n", name);
    print_help(stderr);
    return TD_EXIT_USAGE;
}
