/* src/app/cmd_positions.c - `tapedeck positions ls|reset`: asked of the process where one answers; else the workers'
 * positions out of the log. Sinks keep theirs with their data. */
#include "app/cmd_positions.h"
#include "app/ask.h"
#include "app/beacon.h"
#include "app/data.h"
#include "app/scrape.h"
#include "app/setback.h"
#include "base/json.h"
#include "flow/losses.h"
#include <inttypes.h>
#include <stdlib.h>

typedef struct positions_conf {
    td_data_conf log;
    char *to;
    bool json;
} positions_conf;

typedef struct listing { /* what is being said, and how */
    const positions_conf *conf;
    const char *dir; /* NULL: none is known */
    const td_topics *topics;
    td_buf out;
    size_t rows;
} listing;

/* ---- rows ---- */

static void begin_row(listing *l, const char *kind, const char *reader) {
    if (!l->conf->json) return;
    td_buf_printf(&l->out, "%s\n{\"%s\":", l->rows++ > 0 ? "," : "", kind);
    td_json_put_string(&l->out, td_text(reader));
}

static void put_position(listing *l, const char *reader, const td_topic *topic, uint32_t partition, int64_t offset) {
    int64_t lag = td_topic_end(topic, partition) - offset;
    if (!l->conf->json && l->rows++ == 0)
        td_buf_printf(&l->out, "%-20s %-10s %9s %12s %10s\n", "reader", "topic", "partition", "offset", "lag");
    begin_row(l, "reader", reader);
    if (l->conf->json)
        td_buf_printf(&l->out,
                      ",\"topic\":\"%s\",\"partition\":%" PRIu32 ",\"offset\":%" PRId64 ",\"lag\":%" PRId64 "}",
                      td_topic_name(topic), partition, offset, lag);
    else
        td_buf_printf(&l->out, "%-20s %-10s %9" PRIu32 " %12" PRId64 " %10" PRId64 "\n", reader, td_topic_name(topic),
                      partition, offset, lag);
}

static void put_loss(listing *l, const char *sink, const td_loss *loss) {
    char text[256];
    begin_row(l, "sink", sink);
    td_loss_text(loss, text);
    if (!l->conf->json) {
        td_buf_printf(&l->out, "RED sink %s lacks %s\n", sink, text);
        return;
    }
    td_buf_printf(&l->out,
                  ",\"topic\":\"%s\",\"partition\":%" PRIu32 ",\"lost\":%" PRId64 ",\"first\":%" PRId64
                  ",\"end\":%" PRId64,
                  loss->topic, loss->partition, loss->count, loss->first, loss->end);
    if (loss->from_ns != TD_NONE) td_buf_printf(&l->out, ",\"from_ns\":%" PRId64, loss->from_ns);
    if (loss->to_ns != TD_NONE) td_buf_printf(&l->out, ",\"to_ns\":%" PRId64, loss->to_ns);
    td_buf_text(&l->out, "}");
}

/* ---- who knows ---- */

static const td_topic *topic_named(const td_topics *t, const char *name) {
    return strcmp(td_topic_name(t->tape), name) == 0 ? t->tape : td_topics_delivered_named(t, name);
}

/* False: nobody answers. */
static bool list_running(listing *l) {
    static const char lag[] = "tapedeck_reader_lag_records";
    char url[TD_BEACON_MAX], reader[TD_LABEL_MAX], topic[TD_LABEL_MAX], partition[TD_LABEL_MAX],
        labels[4 * TD_LABEL_MAX];
    td_buf text = {0};
    bool locked = l->dir != NULL && td_beacon_ask_lock(&td_os_posix, l->dir) != TD_OK;
    bool answers = locked && td_beacon_find(&td_os_posix, l->dir, url) && td_ask(url, "/metrics", &text) == TD_OK;
    td_buf_put(&text, "", 1);
    const char *metrics = (const char *)text.data;
    for (size_t i = 0; answers && td_scrape_label(metrics, lag, "reader", i, reader); i++) {
        if (!td_scrape_label(metrics, lag, "topic", i, topic)) break;
        if (!td_scrape_label(metrics, lag, "partition", i, partition)) break;
        const td_topic *of = topic_named(l->topics, topic);
        uint32_t number = (uint32_t)strtoul(partition, NULL, 10);
        if (of == NULL || number >= td_topic_partitions(of)) continue;
        (void)snprintf(labels, sizeof labels, "reader=\"%s\",topic=\"%s\",partition=\"%s\"", reader, topic, partition);
        put_position(l, reader, of, number, td_topic_end(of, number) - (int64_t)td_scrape_sum(metrics, lag, labels));
    }
    td_buf_fini(&text);
    return answers;
}

static td_status list_workers(listing *l) {
    td_status status = TD_OK;
    for (uint32_t p = 0; p < l->topics->partitions && status == TD_OK; p++) {
        char name[32];
        td_position at;
        (void)snprintf(name, sizeof name, TD_WORK_WRITER "%" PRIu32, p);
        status = td_log_committed(l->topics->log, name, l->topics->tape, p, &at);
        if (status == TD_OK) put_position(l, "worker", l->topics->tape, p, at.offset);
        if (status == TD_AGAIN) status = TD_OK;
    }
    return status;
}

static void list_losses(void *arg, const char *sink) {
    listing *l = arg;
    td_losses losses;
    if (td_losses_load(&losses, &td_os_posix, l->dir, sink) != TD_OK) return;
    for (size_t i = 0; i < losses.count; i++) put_loss(l, sink, &losses.items[i]);
}

static td_status list(const positions_conf *conf) {
    td_data data;
    td_status status = td_data_open(&data, &conf->log);
    if (status == TD_OK) {
        listing l = {.conf = conf, .dir = data.where.dir, .topics = &data.topics};
        if (conf->json) td_buf_text(&l.out, "[");
        if (!list_running(&l)) status = list_workers(&l);
        if (status == TD_OK && l.dir != NULL) status = td_losses_each(&td_os_posix, l.dir, list_losses, &l);
        if (conf->json) td_buf_text(&l.out, "\n]\n");
        if (status == TD_OK) (void)fwrite(l.out.data, 1, l.out.size, stdout);
        td_buf_fini(&l.out);
    }
    td_data_close(&data);
    return status;
}

static td_status acknowledge(const char *dir, const char *sink) {
    if (dir == NULL) return TD_FAIL(TD_CONFIG, "what sinks lack is kept in the run's folder: name it by --data");
    if (!td_os_posix.ops->exists(td_os_posix.self, dir)) return TD_FAIL(TD_CONFIG, "there is no data folder %s", dir);
    if (strchr(sink, '/') != NULL || !td_losses_kept(&td_os_posix, dir, sink))
        return TD_FAIL(TD_CONFIG, "sink %s in %s lacks nothing that is not acknowledged", sink, dir);
    td_losses losses;
    td_status status = td_losses_load(&losses, &td_os_posix, dir, sink);
    if (status == TD_OK) status = td_losses_forget(&td_os_posix, dir, sink);
    if (status == TD_OK)
        (void)printf("acknowledged: sink %s goes on without %" PRId64 " records\n", sink, td_losses_sum(&losses));
    return status;
}

static td_status set_back(const positions_conf *conf, const char *sink) {
    const char *to = strcmp(conf->to, "beginning") == 0 ? NULL : conf->to;
    const td_setback_conf back = {.file = conf->log.config, .sink = sink, .from = to};
    td_setback s;
    if (conf->log.config == NULL) return TD_FAIL(TD_REJECT, "--to: where is the sink? --config FILE");
    if (conf->log.data != NULL || conf->log.kafka != NULL || conf->log.prefix != NULL || conf->log.registry != NULL)
        return TD_FAIL(TD_REJECT, "--to: the configuration says where log and sink are: --config alone");
    td_status status = td_setback_open(&s, &back);
    if (status == TD_OK)
        (void)printf("sink %s: %" PRId64 " records come again with the next run\n", sink, td_setback_lag(&s));
    td_setback_close(&s);
    return status;
}

static td_status reset(const positions_conf *conf, const char *sink) {
    if (conf->to != NULL) return set_back(conf, sink);
    td_config_log where;
    td_status status = td_data_locate(&where, &conf->log);
    if (status != TD_OK) return status;
    status = acknowledge(where.dir, sink);
    td_config_log_fini(&where);
    return status;
}

/* ---- the command ---- */

static int run(void *conf, const char *const *words) {
    bool lists = strcmp(words[0], "ls") == 0, resets = strcmp(words[0], "reset") == 0;
    if ((!lists && !resets) || resets != (words[1] != NULL))
        return td_command_usage("positions", "ls, or reset SINK", NULL);
    td_status status = lists ? list(conf) : reset(conf, words[1]);
    return td_command_end("positions", status);
}

static const td_option options[] = {
    TD_DATA_OPTIONS(positions_conf),
    {.key = "to",
     .type = TD_OPTION_TEXT,
     .unit = "PLACE",
     .offset = offsetof(positions_conf, to),
     .help = "reset, with --config: `beginning`, a time, or an offset in each partition of the tape: @120000"},
    {.key = "json", .type = TD_OPTION_BOOL, .offset = offsetof(positions_conf, json), .help = "ls: one JSON array"},
    {0},
};

const td_command td_command_positions = {
    .name = "positions",
    .words = "ls | reset SINK",
    .words_least = 1,
    .words_most = 2,
    .summary = "how far each reader of the log is, and what sinks have lost",
    .text =
        "ls     readers, their topics and partitions, next offset and lag: of all while a process runs, else of the\n"
        "       workers, since sinks keep their positions with their data; and what retention or a repair took\n"
        "       before a sink had it, in red until it is acknowledged\n"
        "reset  acknowledges that: the sink goes on without it, also while it runs. A sink that is given a new,\n"
        "       empty store gets all that the log still holds, and is not red either.\n"
        "       With --to it sets the sink's position back to there, while nobody runs: the next run writes again\n"
        "       what was not known there, over the rows that are in its tables. `rebuild` empties these first.\n",
    .options = options,
    .conf_size = sizeof(positions_conf),
    .examples = "  tapedeck positions ls --data /var/lib/tapedeck\n"
                "  tapedeck positions ls --json | jq '.[] | select(.lost)'\n"
                "  tapedeck positions reset sqlite\n"
                "  tapedeck positions reset sqlite --to beginning --config market.yaml\n",
    .run = run,
};
