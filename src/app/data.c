/* src/app/data.c - opening a data folder to read it. */
#include "app/data.h"
#include "base/time.h"
#include "log/log_segment.h"
#include <stdio.h>

td_status td_data_open(td_data *out, const char *dir) {
    *out = (td_data){0};
    td_log_conf conf = {.dir = dir, .read_only = true};
    int size = snprintf(out->snapshots, sizeof out->snapshots, "%s/snapshots", dir);
    if (size < 0 || (size_t)size >= sizeof out->snapshots)
        return TD_FAIL(TD_CONFIG, "the path of the data folder is too long");
    td_status status = td_log_segment_open(&out->log, &td_os_posix, &conf, NULL, NULL);
    return status == TD_OK ? td_topics_open_to_read(&out->topics, out->log) : status;
}

static void report(void *arg, const char *line) {
    (void)arg;
    (void)fprintf(stderr, "%s\n", line);
}

static void note_partitions(void *arg, td_topic *topic) {
    if (strcmp(td_topic_name(topic), "tape") == 0) *(uint32_t *)arg = td_topic_partitions(topic);
}

td_status td_data_open_to_write(td_data *out, const char *dir) {
    td_log_conf conf = {.dir = dir};
    uint32_t partitions = 0;
    int64_t now_ms = td_os_posix.ops->wall_ns(td_os_posix.self) / TD_NS_PER_MS;
    td_status status = td_data_open(out, dir); /* where no run was nothing is made */
    td_data_close(out);
    *out = (td_data){0};
    if (status == TD_OK) status = td_log_segment_open(&out->log, &td_os_posix, &conf, report, NULL);
    if (status == TD_OK) status = td_log_each_topic(out->log, note_partitions, &partitions);
    if (status == TD_OK) status = td_topics_open(&out->topics, out->log, partitions, now_ms);
    return status;
}

void td_data_close(td_data *data) {
    if (data->topics.registry != NULL) td_topics_close(&data->topics);
    td_log_close(data->log);
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
