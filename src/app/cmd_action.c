/* src/app/cmd_action.c - add asks the process that writes in the folder, or writes itself; ls reads the log. */
#include "app/cmd_action.h"
#include "app/ask.h"
#include "app/beacon.h"
#include "app/data.h"
#include "app/exit.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/time.h"
#include "model/corporate.h"
#include "serve/rows.h"
#include <inttypes.h>

enum { ONE_RECORD_BYTES = 4096, DATE_CHARS = 10 };

typedef struct action_conf {
    td_data_conf log;
    char *currency, *announced, *source;
    bool json;
} action_conf;

static td_bytes said(const char *text) { return td_text(text != NULL ? text : ""); }

/* ---- add ---- */

typedef struct addition {
    const char *instrument;
    td_corporate_words words;
    td_event event;
} addition;

static void put_member(td_buf *out, const char *name, td_bytes text) {
    if (text.size == 0) return;
    td_buf_printf(out, ",\"%s\":", name);
    td_json_put_string(out, text);
}

static td_status ask_process(const char *dir, const addition *a) {
    char url[TD_BEACON_MAX];
    if (!td_beacon_find(&td_os_posix, dir, url))
        return TD_FAIL(TD_CONFIG,
                       "a process writes in %s and has no API to be asked by; stop it, or give it `serve: on`", dir);
    td_buf body = {0}, answer = {0};
    int http = 0;
    td_buf_text(&body, "{\"instrument\":");
    td_json_put_string(&body, td_text(a->instrument));
    put_member(&body, "date", a->words.date);
    put_member(&body, "kind", a->words.kind);
    put_member(&body, "value", a->words.value);
    put_member(&body, "currency", a->words.currency);
    put_member(&body, "announced", a->words.announced);
    put_member(&body, "source", a->words.source);
    td_buf_text(&body, "}");
    td_status status = td_ask_to(url, "/api/v1/actions", td_buf_bytes(&body), &answer, &http);
    bool added = http == 200 && memmem(answer.data, answer.size, "\"added\"", strlen("\"added\"")) != NULL;
    if (status == TD_OK && !added)
        status = TD_FAIL(TD_CONFIG, "%s answers %d: %.*s", url, http, (int)(answer.size < 300 ? answer.size : 300),
                         (const char *)answer.data);
    td_buf_fini(&answer);
    td_buf_fini(&body);
    return status;
}

static td_status append(const td_data *data, const addition *a, int64_t now_ns) {
    td_buf value = {0};
    td_batch batch;
    td_writer *writer = NULL;
    td_bytes key = td_text(a->instrument), none = {0};
    uint32_t partition = td_partition_of(key, data->topics.partitions);
    td_record_put_event(&value, data->topics.ids, none, &a->event);
    td_batch_init(&batch, ONE_RECORD_BYTES);
    (void)td_batch_add(&batch, now_ns / TD_NS_PER_MS, key, td_buf_bytes(&value), none, none); /* takes any record */
    td_status status = td_writer_open(&writer, data->log, "action");
    if (status == TD_OK) status = td_writer_append(writer, data->topics.tape, partition, &batch);
    if (status == TD_OK) status = td_log_sync(data->log);
    td_writer_close(writer);
    td_batch_fini(&batch);
    td_buf_fini(&value);
    return status;
}

static td_status write_ourselves(const td_data_conf *which, addition *a) {
    td_data data;
    int64_t now_ns = td_os_posix.ops->wall_ns(td_os_posix.self);
    a->event.receive_ns = now_ns;
    if (a->words.announced.size == 0) a->event.event_ns = now_ns;
    td_status status = td_data_open_to_write(&data, which);
    if (status == TD_OK) status = append(&data, a, now_ns);
    td_data_close(&data);
    return status;
}

static int add(const action_conf *conf, const char *const *words) {
    size_t count = 0;
    while (words[count] != NULL) count++;
    if (count != 4)
        return td_command_usage("action", "add takes INSTRUMENT DATE KIND VALUE, as in LEAN:AAPL 2014-06-09 split 7:1",
                                NULL);
    addition a = {.instrument = words[0],
                  .words = {.date = td_text(words[1]),
                            .kind = td_text(words[2]),
                            .value = td_text(words[3]),
                            .currency = said(conf->currency),
                            .announced = said(conf->announced),
                            .source = said(conf->source)}};
    if (!td_instrument_name_valid(td_text(a.instrument)))
        return td_command_usage("action", "the instrument is VENUE:SYMBOL", NULL);
    const char *fault = td_corporate_read(&a.words, &a.event);
    if (fault != NULL) return td_command_usage("action", fault, NULL);
    td_config_log where;
    td_status status = td_data_locate(&where, &conf->log);
    if (status != TD_OK) return td_command_end("action", status);
    bool locked = where.dir != NULL && td_beacon_ask_lock(&td_os_posix, where.dir) != TD_OK;
    status = locked ? ask_process(where.dir, &a) : write_ourselves(&conf->log, &a);
    td_config_log_fini(&where);
    if (status != TD_OK) return td_command_end("action", status);
    (void)printf(locked ? "added\n" : "added; the next run applies it\n");
    return TD_EXIT_OK;
}

/* ---- ls ---- */

static void put_text_action(td_buf *out, td_bytes instrument, const td_event *e) {
    td_buf value = {0};
    const td_corporate *c = &e->corporate;
    char date[40], known[40];
    (void)td_time_format(c->ex_day * TD_NS_PER_DAY, date);
    (void)td_time_format(td_corporate_known_ns(e), known);
    date[DATE_CHARS] = '\0';
    td_corporate_put_value(&value, c);
    td_buf_printf(out, "%-24.*s %s  %-8s  %-12.*s %-8.*s  %-20s  %.*s", (int)instrument.size,
                  (const char *)instrument.data, date, td_corporate_kind_name((td_corporate_kind)c->kind),
                  (int)value.size, (const char *)value.data, (int)c->currency.size, c->currency.text, known,
                  (int)c->source.size, (const char *)c->source.data);
    td_buf_fini(&value);
}

static void put_action(const action_conf *conf, td_bytes instrument, const td_event *e) {
    td_buf line = {0};
    if (conf->json)
        td_row_put_action(&line, TD_ROW_JSON, instrument, e);
    else
        put_text_action(&line, instrument, e);
    (void)printf("%.*s\n", (int)line.size, (const char *)line.data);
    td_buf_fini(&line);
}

static td_status list_partition(const action_conf *conf, const td_data *data, uint32_t partition, td_bytes wanted,
                                size_t *shown) {
    td_reader *reader;
    td_record record;
    td_status status = td_reader_open(&reader, data->topics.outputs[TD_OUTPUT_ACTIONS], partition, 0, TD_READ_APPENDED);
    if (status != TD_OK) return status;
    while ((status = td_reader_next(reader, &record)) == TD_OK) {
        td_event event;
        td_bytes feed;
        if (wanted.size > 0 && !td_bytes_equal(wanted, record.key)) continue;
        if (td_record_get_event(data->topics.ids, record.value, &event, &feed) != TD_OK) continue;
        if (++*shown == 1 && !conf->json)
            (void)printf("%-24s %-10s  %-8s  %-12s %-8s  %-20s  %s\n", "instrument", "date", "kind", "value",
                         "currency", "known at", "source");
        put_action(conf, record.key, &event);
    }
    td_reader_close(reader);
    return status == TD_AGAIN ? TD_OK : status;
}

static int list(const action_conf *conf, const char *const *words) {
    td_data data;
    size_t shown = 0;
    if (words[0] != NULL && words[1] != NULL)
        return td_command_usage("action", "ls takes one instrument at most", NULL);
    td_status status = td_data_open(&data, &conf->log);
    bool any = status == TD_OK && data.topics.outputs[TD_OUTPUT_ACTIONS] != NULL; /* older logs have none */
    for (uint32_t p = 0; any && p < data.topics.partitions && status == TD_OK; p++)
        status = list_partition(conf, &data, p, said(words[0]), &shown);
    td_data_close(&data);
    if (status == TD_OK && shown == 0 && !conf->json) (void)fprintf(stderr, "no action of that was taken\n");
    return td_command_end("action", status);
}

/* ---- the command ---- */

static int run(void *conf, const char *const *words) {
    if (strcmp(words[0], "add") == 0) return add(conf, words + 1);
    if (strcmp(words[0], "ls") == 0) return list(conf, words + 1);
    return td_command_usage("action", "add or ls?", NULL);
}

#define TEXT(name, word, text)                                                                                         \
    { .key = #name, .type = TD_OPTION_TEXT, .unit = word, .offset = offsetof(action_conf, name), .help = text }

static const td_option options[] = {
    TD_DATA_OPTIONS(action_conf),
    TEXT(currency, "TEXT", "add: of a dividend's amount"),
    TEXT(announced, "TIME", "add: when it was announced, a date or a time; unset: now"),
    TEXT(source, "TEXT", "add: who says so"),
    {.key = "json", .type = TD_OPTION_BOOL, .offset = offsetof(action_conf, json), .help = "ls: an object per line"},
    {0},
};

const td_command td_command_action = {
    .name = "action",
    .words = "add INSTRUMENT DATE KIND VALUE | ls [INSTRUMENT]",
    .words_least = 1,
    .words_most = 5,
    .summary = "splits, dividends and new symbols: add one, ls those that were taken",
    .text =
        "add puts a corporate action on the tape: a split as NEW:OLD shares, the dividend of one share, or a new\n"
        "symbol, which applies from the begin of that date at the exchange. It goes through the process that writes\n"
        "in the data folder (its token from TAPEDECK_TOKEN), or writes itself where there is none; the next run then\n"
        "applies it. Files of actions are a feed: `file: { format: actions }`. ls lists what the log has taken.\n",
    .options = options,
    .conf_size = sizeof(action_conf),
    .examples = "  tapedeck action add LEAN:AAPL 2014-06-09 split 7:1 --source \"annual report\"\n"
                "  tapedeck action add LEAN:AAPL 2014-05-08 dividend 3.29 --currency USD\n"
                "  tapedeck action ls LEAN:AAPL --json\n",
    .run = run,
};
