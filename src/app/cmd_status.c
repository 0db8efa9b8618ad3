/* src/app/cmd_status.c - a situation as one screen, or as one JSON object. */
#include "app/cmd_status.h"
#include "app/exit.h"
#include "app/situation.h"
#include "base/json.h"
#include "base/time.h"
#include <inttypes.h>

typedef struct status_conf {
    td_data_conf log;
    char *url;
    bool json;
} status_conf;

/* ---- for people ---- */

static void show_feeds(const td_situation *s) {
    for (size_t i = 0; i < s->feed_count; i++) {
        const td_situation_feed *f = &s->feeds[i];
        char time[40] = "not known";
        if (f->event_ns != 0) (void)td_time_format(f->event_ns, time);
        (void)printf("feed   %s: %s%s", f->name, f->session, f->session[0] != '\0' ? ", " : "");
        if (f->events >= 0) (void)printf("%.0f events, %.0f/s, ", f->events, f->rate_s);
        if (f->lag_records >= 0) (void)printf("lag %.0f, ", f->lag_records);
        (void)printf("newest event %s\n", time);
    }
    if (s->open_gaps >= 0) (void)printf("gaps   %" PRId64 " open", s->open_gaps);
    for (size_t i = 0; i < s->feed_count; i++)
        if (s->feeds[i].open_gaps > 0) (void)printf(", %" PRId64 " of %s", s->feeds[i].open_gaps, s->feeds[i].name);
    if (s->open_gaps >= 0) (void)puts(s->open_gaps > 0 ? ": `tapedeck gaps --open` lists them" : "");
}

static void show_topic(const td_situation_topic *t) {
    (void)printf("topic  %s: %" PRId64 " records", t->name, t->records);
    if (t->bytes >= 0) (void)printf(", %.1f MB", (double)t->bytes / 1e6);
    (void)putchar('\n');
}

static void show_title(const td_situation *s) {
    td_buf where = {0};
    if (s->in_log)
        td_data_describe(&s->where, &where);
    else
        td_buf_text(&where, s->url);
    (void)printf("tapedeck %s on %.*s: ", TD_VERSION, (int)where.size, (const char *)where.data);
    td_buf_fini(&where);
}

static void show(const td_situation *s) {
    show_title(s);
    if (s->answers)
        (void)printf("running, dashboard at %s\n", s->url);
    else
        (void)printf("%s; from the log\n", s->locked              ? "running, but nobody could be asked"
                                           : s->where.dir == NULL ? "whether it runs is not known"
                                                                  : "not running");
    if (s->answers)
        (void)printf(
            "run    %.0f events, %.0f/s: %.0f accepted, %.0f quarantined, %.0f duplicates, %.0f rejected; %.0f "
            "late, %.0f outside of hours; lag %.0f\n",
            s->events, s->rate_s, s->accepted, s->quarantined, s->duplicates, s->rejected, s->late, s->outside,
            s->lag_records);
    if (s->answers)
        (void)printf(
            "work   %.0f partitions, %.0f rebalances, %.0f lost to others unheard; transactions: %.0f committed, %.0f "
            "aborted\n",
            s->owned, s->rebalances, s->fenced, s->committed, s->aborted);
    show_feeds(s);
    for (size_t i = 0; i < s->sink_count; i++)
        (void)printf("sink   %s: %.0f rows, lag %.0f, %.0f retries%s%s\n", s->sinks[i].name, s->sinks[i].rows,
                     s->sinks[i].lag_records, s->sinks[i].retries, s->sinks[i].hindered > 0 ? ", hindered" : "",
                     s->sinks[i].lacks > 0 ? ", RED: lacks records" : "");
    for (size_t i = 0; i < s->topic_count; i++) show_topic(&s->topics[i]);
    if (s->disk_size > 0) (void)printf("disk   %.1f GB free of %.1f GB\n", s->disk_free / 1e9, s->disk_size / 1e9);
    const char *text = (const char *)s->warnings.data;
    for (size_t at = 0; at < s->warnings.size; at += strlen(text + at) + 1) (void)printf("warning: %s\n", text + at);
}

/* ---- for programs ---- */

static void put_name(td_buf *out, size_t index, const char *name) {
    td_buf_text(out, index > 0 ? ",\n{\"name\":" : "\n{\"name\":");
    td_json_put_string(out, td_text(name));
}

static void put_feeds(td_buf *out, const td_situation *s) {
    td_buf_text(out, ",\"feeds\":");
    td_situation_put_feeds(s, out);
    if (s->open_gaps >= 0) td_buf_printf(out, ",\"open_gaps\":%" PRId64, s->open_gaps);
}

static void put_rest(td_buf *out, const td_situation *s) {
    td_buf_text(out, ",\"sinks\":[");
    for (size_t i = 0; i < s->sink_count; i++) {
        put_name(out, i, s->sinks[i].name);
        td_buf_printf(out,
                      ",\"rows\":%.0f,\"lag_records\":%.0f,\"retries\":%.0f,\"lacks_records\":%.0f,\"hindered\":%s}",
                      s->sinks[i].rows, s->sinks[i].lag_records, s->sinks[i].retries, s->sinks[i].lacks,
                      s->sinks[i].hindered > 0 ? "true" : "false");
    }
    td_buf_text(out, "],\"topics\":[");
    for (size_t i = 0; i < s->topic_count; i++) {
        put_name(out, i, s->topics[i].name);
        td_buf_printf(out, ",\"records\":%" PRId64, s->topics[i].records);
        if (s->topics[i].bytes >= 0) td_buf_printf(out, ",\"bytes\":%" PRId64, s->topics[i].bytes);
        td_buf_text(out, "}");
    }
    td_buf_printf(out, "],\"disk\":{\"size_bytes\":%.0f,\"free_bytes\":%.0f},\"warnings\":[", s->disk_size,
                  s->disk_free);
    const char *text = (const char *)s->warnings.data;
    for (size_t at = 0; at < s->warnings.size; at += strlen(text + at) + 1) {
        if (at > 0) td_buf_text(out, ",");
        td_json_put_string(out, td_text(text + at));
    }
    td_buf_text(out, "]}\n");
}

static void put_json(td_buf *out, const td_situation *s) {
    td_buf_printf(out, "{\"running\":%s,\"url\":", s->answers || s->locked ? "true" : "false");
    if (s->answers)
        td_json_put_string(out, td_text(s->url));
    else
        td_buf_text(out, "null");
    if (s->answers)
        td_buf_printf(out,
                      ",\"run\":{\"events\":%.0f,\"events_per_second\":%.0f,\"accepted\":%.0f,\"quarantined\":%.0f,"
                      "\"duplicates\":%.0f,\"rejected\":%.0f,\"late\":%.0f,\"outside\":%.0f,\"lag_records\":%.0f,"
                      "\"partitions_owned\":%.0f,\"rebalances\":%.0f,\"partitions_fenced\":%.0f,"
                      "\"transactions_committed\":%.0f,\"transactions_aborted\":%.0f}",
                      s->events, s->rate_s, s->accepted, s->quarantined, s->duplicates, s->rejected, s->late,
                      s->outside, s->lag_records, s->owned, s->rebalances, s->fenced, s->committed, s->aborted);
    put_feeds(out, s);
    put_rest(out, s);
}

/* ---- the command ---- */

static int run(void *conf, const char *const *words) {
    const status_conf *c = conf;
    td_situation situation;
    td_buf text = {0};
    (void)words;
    td_status status = td_situation_look(&situation, &td_os_posix, &c->log, c->url);
    if (status != TD_OK)
        (void)fprintf(stderr, "tapedeck status: %s\n", td_trail());
    else if (!c->json)
        show(&situation);
    if (status == TD_OK && c->json) {
        put_json(&text, &situation);
        (void)fwrite(text.data, 1, text.size, stdout);
    }
    int code = status == TD_OK && situation.damaged ? TD_EXIT_CORRUPT : td_exit_of(status);
    td_buf_fini(&text);
    td_situation_fini(&situation);
    return code;
}

static const td_option options[] = {
    TD_DATA_OPTIONS(status_conf),
    {.key = "url",
     .type = TD_OPTION_TEXT,
     .unit = "URL",
     .offset = offsetof(status_conf, url),
     .help = "ask this process instead: http://127.0.0.1:8750"},
    {.key = "json", .type = TD_OPTION_BOOL, .offset = offsetof(status_conf, json), .help = "one JSON object"},
    {0},
};

const td_command td_command_status = {
    .name = "status",
    .words = "",
    .summary = "one screen: feeds, rates, lag, gaps, sinks, disk, warnings",
    .text = "Tells how a run is doing: asked of the process that writes in the data folder, which leaves its address\n"
            "there, or read from the log where none answers. A token is taken from TAPEDECK_TOKEN. Changes nothing.\n",
    .options = options,
    .conf_size = sizeof(status_conf),
    .examples = "  tapedeck status\n"
                "  tapedeck status --data /var/lib/tapedeck --json | jq .warnings\n"
                "  tapedeck status --url http://127.0.0.1:8750\n",
    .run = run,
};
