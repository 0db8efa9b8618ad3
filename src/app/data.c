/* src/app/data.c - which log a command is about, and opening it to read. */
#include "app/data.h"
#include "app/cluster.h"
#include "app/registering.h"
#include "base/time.h"
#include "flow/capture.h"
#include "log/log_segment.h"
#include <stdio.h>
#include <stdlib.h>

static void pass_name(void *arg, const char *name) { (void)arg, (void)name; }

td_data_conf td_data_named(const char *word) {
    bool is_folder = td_os_posix.ops->list(td_os_posix.self, word, pass_name, NULL) == TD_OK;
    char *text = (char *)(uintptr_t)word; /* nobody changes it */
    return is_folder ? (td_data_conf){.data = text} : (td_data_conf){.config = text};
}

static void replace(char **text, const char *with) {
    free(*text);
    *text = with != NULL ? td_copy_text(with) : NULL;
}

td_status td_data_locate(td_config_log *out, const td_data_conf *which) {
    if (which->config != NULL && which->kafka != NULL)
        return TD_FAIL(TD_CONFIG, "--config and --kafka: either of them says where the log is");
    bool alone = which->prefix != NULL || which->registry != NULL;
    if (alone && which->kafka == NULL)
        return TD_FAIL(TD_CONFIG, "--%s: belongs to --kafka; a configuration has its own",
                       which->prefix != NULL ? "prefix" : "registry");
    td_status status = TD_OK;
    if (which->config != NULL)
        status = td_config_load_log(out, &td_os_posix, which->config);
    else
        td_config_log_init(out);
    if (status != TD_OK) return status;
    if (which->data != NULL || which->kafka != NULL) replace(&out->dir, which->data);
    if (which->kafka != NULL) replace(&out->kafka, which->kafka);
    if (which->prefix != NULL) replace(&out->prefix, which->prefix);
    if (which->registry != NULL) replace(&out->registry, which->registry);
    bool elsewhere = out->kafka != NULL && out->dir != NULL && !td_os_posix.ops->exists(td_os_posix.self, out->dir);
    if (elsewhere) replace(&out->dir, NULL); /* on another machine */
    return TD_OK;
}

void td_data_describe(const td_config_log *where, td_buf *out) {
    if (where->kafka == NULL)
        td_buf_text(out, where->dir);
    else
        td_buf_printf(out, "Kafka at %s%s%s", where->kafka, where->prefix[0] != '\0' ? ", prefix " : "", where->prefix);
}

td_status td_data_open_log(td_log **out, const td_os *os, const td_config_log *where, td_log_report_fn report,
                           void *arg) {
    td_log_conf conf = {.dir = where->dir, .read_only = true};
    return where->kafka != NULL ? td_cluster_open_to_read(out, os, where, report, arg)
                                : td_log_segment_open(out, os, &conf, report, arg);
}

/* What is not ours tells nothing. */
static td_status load_schema(void *registry, const td_record *record) {
    (void)!td_registry_load(registry, record->key, record->value);
    return TD_OK;
}

td_status td_data_open_schemas(td_registry **out, const td_os *os, const td_config_log *where, td_topic *schemas) {
    td_status status = td_registering_once(out, os, where, TD_REGISTRAR_LOOK);
    if (status != TD_OK || *out != NULL) return status;
    *out = td_registry_new();
    return td_topics_each_record(schemas, load_schema, *out);
}

td_status td_data_open_log_to_write(td_log **out, const td_os *os, const td_config_log *where, td_log_report_fn report,
                                    void *arg) {
    td_log_conf conf = {.dir = where->dir,
                        .segment_bytes = where->segment_bytes,
                        .segment_ms = where->segment_ns / TD_NS_PER_MS,
                        .retain_bytes = where->retain_bytes,
                        .retain_ms = where->retain_ns / TD_NS_PER_MS,
                        .apart = TD_CAPTURE_TOPICS,
                        .apart_bytes = where->raw_retain_bytes,
                        .apart_ms = where->raw_retain_ns / TD_NS_PER_MS,
                        .codec = td_config_codec(where)};
    return where->kafka != NULL ? td_cluster_open(out, os, where, report, arg)
                                : td_log_segment_open(out, os, &conf, report, arg);
}

td_status td_data_open(td_data *out, const td_data_conf *which) {
    *out = (td_data){0};
    td_status status = td_data_locate(&out->where, which);
    if (status == TD_OK && out->where.dir != NULL) {
        td_buf path = {0};
        td_buf_printf(&path, "%s/snapshots%c", out->where.dir, '\0');
        out->snapshots = (char *)path.data;
    }
    if (status == TD_OK) status = td_data_open_log(&out->log, &td_os_posix, &out->where, NULL, NULL);
    td_topics_conf conf = {.log = out->log};
    if (status == TD_OK) status = td_registering_once(&conf.registry, &td_os_posix, &out->where, TD_REGISTRAR_LOOK);
    return status == TD_OK ? td_topics_open_to_read_as(&out->topics, &conf) : status;
}

static void report(void *arg, const char *line) {
    (void)arg;
    (void)fprintf(stderr, "%s\n", line);
}

static void note_partitions(void *arg, td_topic *topic) {
    if (strcmp(td_topic_name(topic), "tape") == 0) *(uint32_t *)arg = td_topic_partitions(topic);
}

td_status td_data_open_to_write(td_data *out, const td_data_conf *which) {
    uint32_t partitions = 0;
    int64_t now_ms = td_os_posix.ops->wall_ns(td_os_posix.self) / TD_NS_PER_MS;
    td_status status = td_data_open(out, which); /* where no run was nothing is made */
    if (status == TD_OK && out->where.kafka != NULL)
        return TD_FAIL(TD_CONFIG, "only the process that runs on it writes to a log on Kafka: ask that one, where its "
                                  "folder is (log.dir) or over its API");
    td_topics_close(&out->topics);
    td_log_close(out->log);
    out->log = NULL;
    if (status != TD_OK) return status;
    td_log_conf conf = {.dir = out->where.dir};
    status = td_log_segment_open(&out->log, &td_os_posix, &conf, report, NULL);
    if (status == TD_OK) status = td_log_each_topic(out->log, note_partitions, &partitions);
    if (status == TD_OK) status = td_topics_open(&out->topics, out->log, partitions, now_ms);
    return status;
}

void td_data_close(td_data *data) {
    if (data->topics.registry != NULL) td_topics_close(&data->topics);
    td_log_close(data->log);
    free(data->snapshots);
    td_config_log_fini(&data->where);
}

td_status td_data_place(const char *text, td_place *out) {
    *out = TD_PLACE_END;
    if (text == NULL || td_place_parse(td_text(text), out) == TD_OK) return TD_OK;
    return TD_FAIL(TD_REJECT,
                   "--as-of: \"%s\" is neither a time such as 2026-11-21T14:31Z nor an offset such as @120000", text);
}

td_status td_data_time(const char *option, const char *text, int64_t *out_ns) {
    if (text == NULL || td_time_parse(td_text(text), out_ns) == TD_OK) return TD_OK;
    return TD_FAIL(TD_REJECT, "--%s: \"%s\" is not a time such as 2026-11-21T14:31Z", option, text);
}
