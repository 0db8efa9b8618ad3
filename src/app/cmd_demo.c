/* src/app/cmd_demo.c - runs examples/demo.yaml from wherever it lies, in a folder of its own. */
#include "app/cmd_demo.h"
#include "app/exit.h"
#include "app/run.h"
#include "app/scratch.h"
#include "app/share.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct demo_conf {
    char *dir;
    td_texts sets;
    bool once, json, quiet;
} demo_conf;

/* The folder's absolute path: the one that was asked for, else a new one, which *temporary says. */
static td_status make_folder(const td_os *os, const char *dir, char out[TD_SHARE_MAX], bool *temporary) {
    *temporary = dir == NULL;
    if (*temporary) return td_scratch_make("tapedeck-demo", out);
    td_status status = os->ops->make_dir(os->self, dir);
    if (status != TD_OK) return status;
    char *plain = realpath(dir, NULL);
    bool fits = plain != NULL && strlen(plain) < TD_SHARE_MAX;
    if (fits) (void)snprintf(out, TD_SHARE_MAX, "%s", plain);
    free(plain);
    return fits ? TD_OK : TD_FAIL(TD_CONFIG, "--dir: %s cannot be used", dir);
}

static int play(const demo_conf *demo, const char *dir) {
    static const td_option rows[] = {{.key = "set", .type = TD_OPTION_TEXTS}, {0}};
    char log_dir[TD_SHARE_MAX + 16], file[TD_SHARE_MAX + 48];
    td_run_options options = {.until_end = demo->once, .json = demo->json, .quiet = demo->quiet};
    (void)snprintf(log_dir, sizeof log_dir, "log.dir=%s", dir);
    (void)snprintf(file, sizeof file, "sinks.0.sqlite.file=%s/market.db", dir);
    td_status status = td_options_set(rows, &options.sets, "set", log_dir);
    if (status == TD_OK) status = td_options_set(rows, &options.sets, "set", file);
    for (size_t i = 0; i < demo->sets.count && status == TD_OK; i++)
        status = td_options_set(rows, &options.sets, "set", demo->sets.items[i]);
    int code = status == TD_OK ? td_run(&options, "examples/demo.yaml") : td_exit_of(status);
    td_options_fini(rows, &options.sets);
    return code;
}

static int run(void *conf, const char *const *words) {
    const demo_conf *demo = conf;
    char share[TD_SHARE_MAX], dir[TD_SHARE_MAX];
    bool temporary;
    (void)words;
    if (!td_share_find(&td_os_posix, share)) {
        (void)fprintf(stderr, "tapedeck demo: the recordings are not beside the program; TAPEDECK_SHARE names the "
                              "folder that has examples/demo.yaml\n");
        return TD_EXIT_CONFIG;
    }
    td_status status = make_folder(&td_os_posix, demo->dir, dir, &temporary);
    if (status == TD_OK && chdir(share) != 0) status = TD_FAIL(TD_CONFIG, "%s: %s", share, strerror(errno));
    if (status != TD_OK) {
        (void)fprintf(stderr, "tapedeck demo: %s\n", td_trail());
        return td_exit_of(status);
    }
    if (!demo->quiet)
        (void)fprintf(stderr, "tapedeck: the demo's data is in %s%s\n", dir,
                      temporary ? " until it ends; --dir DIR keeps it" : "");
    int code = play(demo, dir);
    if (temporary) td_scratch_remove(dir);
    return code;
}

static const td_option options[] = {
    {.key = "dir",
     .type = TD_OPTION_TEXT,
     .unit = "DIR",
     .offset = offsetof(demo_conf, dir),
     .help = "keep log and database there; else they vanish at the end"},
    {.key = "once",
     .type = TD_OPTION_BOOL,
     .offset = offsetof(demo_conf, once),
     .help = "at full speed, then a summary and the end"},
    {.key = "json",
     .type = TD_OPTION_BOOL,
     .offset = offsetof(demo_conf, json),
     .help = "one JSON object with the run's counts as the last line of standard output"},
    {.key = "quiet",
     .type = TD_OPTION_BOOL,
     .offset = offsetof(demo_conf, quiet),
     .help = "no progress, no signals: only warnings and errors"},
    {.key = "set",
     .type = TD_OPTION_TEXTS,
     .unit = "KEY=VALUE",
     .offset = offsetof(demo_conf, sets),
     .help = "override a key of the demo's configuration; paths absolute"},
    {0},
};

const td_command td_command_demo = {
    .name = "demo",
    .words = "",
    .summary = "play the market that comes with the program: six minutes, no network",
    .text = "Plays US equities of 2013-10-07, sixty times as fast as they were, beside Binance in its own time, with "
            "three\n"
            "strategies and the dashboard at http://127.0.0.1:8750. Ctrl-C ends it.\n",
    .options = options,
    .conf_size = sizeof(demo_conf),
    .examples = "  tapedeck demo\n"
                "  tapedeck demo --once --dir /tmp/demo --set serve=off\n"
                "  tapedeck demo --set serve.listen=127.0.0.1:9000\n",
    .run = run,
};
