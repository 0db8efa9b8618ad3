/* src/app/cmd_rebuild.c - `tapedeck rebuild`: a sink is emptied and filled from the log once more. */
#include "app/cmd_rebuild.h"
#include "app/exit.h"
#include "app/progress.h"
#include "app/setback.h"
#include "base/time.h"
#include <inttypes.h>
#include <signal.h>
#include <unistd.h>

enum { SHOWN_EVERY_MS = 250, IDLE_MS = 5, RETRIED_S = 60 };

typedef struct rebuild_conf {
    char *config, *from;
    td_texts sets;
    bool json;
} rebuild_conf;

typedef struct rebuilding {
    td_setback back;
    bool terminal;
    int64_t records; /* to be delivered */
    int64_t began_ns, shown_ns, went_on_ns;
} rebuilding;

static volatile sig_atomic_t stop_wanted;
static void on_stop(int number) { (void)number, stop_wanted = 1; }

static int64_t now_ns(void) { return td_os_posix.ops->mono_ns(td_os_posix.self); }

static void show(rebuilding *r) {
    char text[TD_PROGRESS_MAX];
    int64_t at_ns = now_ns();
    if (!r->terminal || at_ns - r->shown_ns < SHOWN_EVERY_MS * TD_NS_PER_MS) return;
    r->shown_ns = at_ns;
    td_progress_text("rebuilding", r->records - td_setback_lag(&r->back), r->records, at_ns - r->began_ns, text);
    (void)fprintf(stderr, "\r%s\033[K", text);
}

/* What breaks may be mended soon. */
static td_status bear(rebuilding *r) {
    td_trouble *trouble = td_deliver_trouble(r->back.deliver);
    if (td_trouble_ask(trouble) == TD_TROUBLE_BEGAN)
        (void)fprintf(stderr, "%stapedeck rebuild: %s; tried again\n", r->terminal ? "\r\033[K" : "", trouble->text);
    if (now_ns() - r->went_on_ns > RETRIED_S * TD_NS_PER_S)
        return TD_FAIL(TD_RETRY, "nothing was taken for %d s: %s", RETRIED_S, trouble->text);
    (void)usleep(IDLE_MS * 1000);
    return TD_OK;
}

static td_status fault_of(const rebuilding *r) {
    td_fault *fault = td_deliver_fault(r->back.deliver);
    td_status status = td_fault_status(fault);
    return status == TD_OK ? TD_OK : TD_FAIL(status, "%s", fault->text);
}

static td_status fill(rebuilding *r) {
    td_status status = TD_OK;
    while (status == TD_OK && !stop_wanted && !td_deliver_level(r->back.deliver)) {
        if (td_deliver_step(r->back.deliver) > 0)
            r->went_on_ns = now_ns();
        else if (!td_deliver_level(r->back.deliver))
            status = bear(r);
        if (td_fault_status(td_deliver_fault(r->back.deliver)) == TD_CONFIG) status = fault_of(r);
        show(r);
    }
    return status;
}

static void tell(const rebuilding *r, const rebuild_conf *conf, const char *sink) {
    td_deliver_counts *counts = td_deliver_counters(r->back.deliver);
    int64_t rows = td_counted(&counts->rows), lost = td_counted(&counts->lost);
    bool whole = !stop_wanted && td_fault_status(td_deliver_fault(r->back.deliver)) == TD_OK;
    if (conf->json) {
        (void)printf("{\"rows\":%" PRId64 ",\"lost\":%" PRId64 ",\"whole\":%s}\n", rows, lost,
                     whole ? "true" : "false");
        return;
    }
    (void)printf("sink %s: %" PRId64 " records delivered%s\n", sink, rows,
                 stop_wanted ? "; the next run goes on with the rest" : "");
    if (lost > 0) (void)printf("sink %s lacks %" PRId64 " that the log does not have any more\n", sink, lost);
}

static int run(void *conf_any, const char *const *words) {
    const rebuild_conf *conf = conf_any;
    rebuilding r = {.terminal = isatty(STDERR_FILENO) == 1, .began_ns = now_ns()};
    const td_setback_conf back = {
        .file = conf->config, .sets = &conf->sets, .sink = words[0], .from = conf->from, .empties = true};
    if (conf->config == NULL) return td_command_usage("rebuild", "which run's? --config FILE", NULL);
    (void)signal(SIGINT, on_stop);
    (void)signal(SIGTERM, on_stop);
    td_status status = td_setback_open(&r.back, &back);
    if (status == TD_OK) {
        r.records = td_setback_lag(&r.back);
        r.went_on_ns = now_ns();
        status = fill(&r);
        if (r.terminal) (void)fprintf(stderr, "\r\033[K");
        if (status == TD_OK) tell(&r, conf, words[0]);
    }
    if (status == TD_OK) status = fault_of(&r);
    int code = status == TD_OK && stop_wanted ? TD_EXIT_STOPPED : td_command_end("rebuild", status);
    td_setback_close(&r.back);
    return code;
}

static const td_option options[] = {
    {.key = "config",
     .type = TD_OPTION_TEXT,
     .unit = "FILE",
     .offset = offsetof(rebuild_conf, config),
     .help = "the configuration of the run"},
    {.key = "set",
     .type = TD_OPTION_TEXTS,
     .unit = "KEY=VALUE",
     .offset = offsetof(rebuild_conf, sets),
     .help = "one of its values, as for `run`; may be given more than once"},
    {.key = "from",
     .type = TD_OPTION_TEXT,
     .unit = "PLACE",
     .offset = offsetof(rebuild_conf, from),
     .help = "what was not known there alone: a time, or an offset in each partition of the tape: @120000"},
    {.key = "json", .type = TD_OPTION_BOOL, .offset = offsetof(rebuild_conf, json), .help = "one JSON object"},
    {0},
};

const td_command td_command_rebuild = {
    .name = "rebuild",
    .words = "SINK",
    .words_least = 1,
    .words_most = 1,
    .summary = "a sink's tables emptied, and filled from the log once more",
    .text = "Takes all rows out of the tables of a sink, by its name in the configuration, then delivers what the log\n"
            "holds, as a run would, until nothing is left. What retention has taken is told, and stays in red in\n"
            "`positions ls`. No process may run on the data folder meanwhile. Ended anywhere, the next run goes on.\n"
            "\n"
            "Sinks `kafka`, `parquet` and `avro` are refused: what they wrote stays, and would be there twice.\n",
    .options = options,
    .conf_size = sizeof(rebuild_conf),
    .examples = "  tapedeck rebuild sqlite --config market.yaml\n"
                "  tapedeck rebuild postgres --config market.yaml --from 2026-11-21T14:31Z\n",
    .run = run,
};
