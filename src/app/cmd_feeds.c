/* src/app/cmd_feeds.c - `tapedeck feeds`: each feed's session, rate, delay and gaps, a line each. */
#include "app/cmd_feeds.h"
#include "app/exit.h"
#include "app/situation.h"
#include "base/time.h"
#include <inttypes.h>

typedef struct feeds_conf {
    td_data_conf log;
    char *url;
    bool json;
} feeds_conf;

/* What is not known is a dash. */
static void show_count(double count) {
    if (count >= 0)
        (void)printf("  %10.0f", count);
    else
        (void)printf("  %10s", "-");
}

static void show_feed(const td_situation *s, const td_situation_feed *f) {
    char time[40] = "-", delay[24] = "-";
    if (f->event_ns != 0) {
        (void)td_time_format(f->event_ns, time);
        (void)snprintf(delay, sizeof delay, "%.3f s", (double)f->delay_ns / (double)TD_NS_PER_S);
    }
    (void)printf("%-20s  %-7s", f->name, f->session[0] != '\0' ? f->session : "-");
    show_count(f->events);
    show_count(f->rate_s);
    (void)printf("  %-30s  %10s", time, delay);
    show_count(f->lag_records);
    show_count(f->sessions);
    show_count(f->failures);
    show_count(f->backfilled);
    show_count(s->open_gaps >= 0 ? (double)f->open_gaps : -1);
    (void)putchar('\n');
    if (f->end_reason[0] != '\0') (void)printf("%-20s  a session ended at %s: %s\n", "", f->end_time, f->end_reason);
}

static void show(const td_situation *s) {
    (void)printf("%-20s  %-7s  %10s  %10s  %-30s  %10s  %10s  %10s  %10s  %10s  %10s\n", "feed", "session", "events",
                 "per_s", "newest_event", "delay", "lag", "sessions", "failures", "backfilled", "open_gaps");
    for (size_t i = 0; i < s->feed_count; i++) show_feed(s, &s->feeds[i]);
    if (!s->answers)
        (void)puts(s->locked ? "from the log; the process could not be asked" : "from the log; nothing runs");
}

static int run(void *conf, const char *const *words) {
    const feeds_conf *c = conf;
    td_situation situation;
    (void)words;
    td_status status = td_situation_look(&situation, &td_os_posix, &c->log, c->url);
    if (status != TD_OK)
        (void)fprintf(stderr, "tapedeck feeds: %s\n", td_trail());
    else if (!c->json)
        show(&situation);
    if (status == TD_OK && c->json) {
        td_buf text = {0};
        td_situation_put_feeds(&situation, &text);
        (void)printf("%.*s\n", (int)text.size, (const char *)text.data);
        td_buf_fini(&text);
    }
    int code = status == TD_OK && situation.damaged ? TD_EXIT_CORRUPT : td_exit_of(status);
    td_situation_fini(&situation);
    return code;
}

static const td_option options[] = {
    TD_DATA_OPTIONS(feeds_conf),
    {.key = "url",
     .type = TD_OPTION_TEXT,
     .unit = "URL",
     .offset = offsetof(feeds_conf, url),
     .help = "ask this process instead: http://127.0.0.1:8750"},
    {.key = "json", .type = TD_OPTION_BOOL, .offset = offsetof(feeds_conf, json), .help = "a JSON array"},
    {0},
};

const td_command td_command_feeds = {
    .name = "feeds",
    .words = "",
    .summary = "a line per feed: session, rate, delay, gaps",
    .text =
        "Tells of each feed: its session, what came in this run, its newest event and how long that took to come, how\n"
        "many records a topic of others has that it has not given, sessions begun, those that ended or never began,\n"
        "trades asked for afterwards, gaps that are open; below it why the last one ended. Asked of the process that\n"
        "writes in the data folder, or read from the log where none answers; where nothing runs a session is\n"
        "`stopped`. Changes nothing.\n",
    .options = options,
    .conf_size = sizeof(feeds_conf),
    .examples = "  tapedeck feeds\n"
                "  tapedeck feeds --data /var/lib/tapedeck --json | jq '.[] | select(.session == \"down\")'\n",
    .run = run,
};
