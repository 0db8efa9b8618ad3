/* src/app/main.c - the commands. */
#include "app/cmd_action.h"
#include "app/cmd_bars.h"
#include "app/cmd_bench.h"
#include "app/cmd_check.h"
#include "app/cmd_demo.h"
#include "app/cmd_explain.h"
#include "app/cmd_feeds.h"
#include "app/cmd_fills.h"
#include "app/cmd_gaps.h"
#include "app/cmd_help.h"
#include "app/cmd_import.h"
#include "app/cmd_init.h"
#include "app/cmd_log.h"
#include "app/cmd_positions.h"
#include "app/cmd_profile.h"
#include "app/cmd_quarantine.h"
#include "app/cmd_rebuild.h"
#include "app/cmd_replay.h"
#include "app/cmd_run.h"
#include "app/cmd_sql.h"
#include "app/cmd_state.h"
#include "app/cmd_status.h"
#include "app/cmd_strategies.h"
#include "app/cmd_test.h"
#include "app/exit.h"

static const td_command command_log = {.name = "log",
                                       .summary =
                                           "look into the log, repair and copy it: ls, cat, verify, repair, copy",
                                       .main = td_cmd_log};
static const td_command command_bench = {.name = "bench", .summary = "measure: replay", .main = td_cmd_bench};

static const td_command *const commands[] = {
    &td_command_demo,       &td_command_init,    &td_command_new,     &td_command_check,      &td_command_test,
    &td_command_strategies, &td_command_run,     &td_command_status,  &td_command_feeds,      &td_command_gaps,
    &td_command_bars,       &td_command_fills,   &td_command_sql,     &td_command_state,      &td_command_explain,
    &td_command_positions,  &td_command_rebuild, &td_command_profile, &td_command_quarantine, &td_command_action,
    &td_command_replay,     &td_command_import,  &command_log,        &command_bench,         &td_command_help};
enum { COMMAND_COUNT = sizeof commands / sizeof commands[0] };

static void print_help(FILE *to) {
    (void)fputs("Tapedeck records the market's tape and plays it back.\n\nusage: tapedeck COMMAND [options]\n\n", to);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        (void)fprintf(to, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
    (void)fputs("\n`tapedeck COMMAND --help` tells more. `tapedeck --version` prints the version.\n", to);
}

static int fail_unknown(const char *name) {
    const char *names[COMMAND_COUNT + 1] = {NULL};
    for (size_t i = 0; i < COMMAND_COUNT; i++) names[i] = commands[i]->name;
    const char *nearest = td_nearest(name, names);
    (void)fprintf(stderr, "tapedeck: there is no command `%s`", name);
    if (nearest != NULL) (void)fprintf(stderr, "; did you mean `%s`?", nearest);
    (void)fputs("\n`tapedeck --help` lists them.\n", stderr);
    return TD_EXIT_USAGE;
}

static const td_command *find_command(const char *name) {
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(name, commands[i]->name) == 0) return commands[i];
    return NULL;
}

int main(int argc, char **argv) {
    const char *name = argc > 1 ? argv[1] : "";
    bool help = strcmp(name, "help") == 0;
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || (help && argc == 2)) {
        print_help(stdout);
        return TD_EXIT_OK;
    }
    if (strcmp(name, "--version") == 0) {
        (void)puts("tapedeck " TD_VERSION);
        return TD_EXIT_OK;
    }
    const td_command *command = find_command(name), *asked = help && argc <= 4 ? find_command(argv[2]) : NULL;
    char *verb = argc == 4 ? argv[3] : "--help"; /* `help log copy` */
    if (asked != NULL) return td_command_main(asked, 3, (char *[]){argv[2], verb, "--help", NULL});
    if (command != NULL) return td_command_main(command, argc - 1, argv + 1);
    if (name[0] != '\0') return fail_unknown(name);
    print_help(stderr);
    return TD_EXIT_USAGE;
}
