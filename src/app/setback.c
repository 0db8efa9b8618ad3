/* src/app/setback.c - a configuration's log and one of its sinks, without feeds and workers. */
#include "app/setback.h"
#include "app/beacon.h"
#include "app/data.h"
#include "app/registering.h"
#include <stdio.h>
#include <stdlib.h>

static td_status find_sink(td_setback *s, const char *name) {
    td_buf names = {0};
    for (size_t i = 0; i < s->config->sink_count && s->sink == NULL; i++) {
        const td_config_sink *sink = &s->config->sinks[i];
        if (strcmp(sink->conf.name, name) == 0) s->sink = sink;
        td_buf_printf(&names, "%s%s", i > 0 ? ", " : "", sink->conf.name);
    }
    td_buf_put(&names, "", 1);
    const char *known = names.size > 1 ? (const char *)names.data : "none";
    td_status status =
        s->sink != NULL ? TD_OK : TD_FAIL(TD_CONFIG, "there is no sink \"%s\"; sinks there: %s", name, known);
    td_buf_fini(&names);
    return status;
}

static void report(void *arg, const char *line) {
    (void)arg;
    (void)fprintf(stderr, "%s\n", line);
}

/* In a folder nobody else may have it meanwhile; a cluster does not say who else delivers, but for a run from here. */
static td_status open_log(td_setback *s) {
    td_config_log where = s->config->log; /* retention is a run's */
    where.retain_bytes = where.retain_ns = where.raw_retain_bytes = where.raw_retain_ns = 0;
    if (!td_os_posix.ops->exists(td_os_posix.self, where.dir))
        return TD_FAIL(TD_CONFIG, "log.dir: there is no data folder %s", where.dir);
    td_status status = td_beacon_ask_lock(&td_os_posix, where.dir);
    if (status != TD_OK) return status;
    return where.kafka != NULL ? td_data_open_log(&s->log, &td_os_posix, &where, report, NULL)
                               : td_data_open_log_to_write(&s->log, &td_os_posix, &where, report, NULL);
}

static td_status open_topics(td_setback *s) {
    td_topics_conf conf = {.log = s->log};
    td_status status = td_registering_once(&conf.registry, &td_os_posix, &s->config->log, TD_REGISTRAR_LOOK);
    return status == TD_OK ? td_topics_open_to_read_as(&s->topics, &conf) : status;
}

static td_status open_sink(td_setback *s) {
    const td_deliver_conf conf = {.os = &td_os_posix,
                                  .topics = &s->topics,
                                  .ops = s->sink->ops,
                                  .sink_conf = &s->sink->conf,
                                  .dir = s->config->log.dir,
                                  .reset = &s->reset};
    td_status status = td_deliver_open(&s->deliver, &conf);
    if (status != TD_OK || td_trouble_ask(td_deliver_trouble(s->deliver)) != TD_TROUBLE_BEGAN) return status;
    return TD_FAIL(TD_RETRY, "%s", td_deliver_trouble(s->deliver)->text);
}

td_status td_setback_open(td_setback *out, const td_setback_conf *conf) {
    static const td_texts none;
    const td_texts *sets = conf->sets != NULL ? conf->sets : &none;
    *out = (td_setback){.from = TD_PLACE_END, .reset = {.empties = conf->empties}};
    if (conf->from != NULL) {
        if (td_place_parse(td_text(conf->from), &out->from) != TD_OK)
            return TD_FAIL(TD_REJECT,
                           "\"%s\" is neither a time such as 2026-11-21T14:31Z nor an offset such as @120000",
                           conf->from);
        out->reset.from = &out->from;
    }
    td_config *config = td_alloc_zero(1, sizeof *config);
    td_status status = td_config_load(config, &td_os_posix, conf->file, (const char *const *)sets->items, sets->count);
    if (status != TD_OK) {
        free(config);
        return status;
    }
    out->config = config;
    status = find_sink(out, conf->sink);
    if (status == TD_OK) status = open_log(out);
    if (status == TD_OK) status = open_topics(out);
    return status == TD_OK ? open_sink(out) : status;
}

void td_setback_close(td_setback *s) {
    td_deliver_close(s->deliver);
    if (s->topics.registry != NULL) td_topics_close(&s->topics);
    td_log_close(s->log);
    if (s->config != NULL) td_config_fini(s->config);
    free(s->config);
}

int64_t td_setback_lag(const td_setback *s) {
    int64_t lag = 0;
    for (int i = 0; i < TD_DELIVERED_COUNT; i++) {
        const td_topic *topic = td_topics_delivered(&s->topics, i);
        for (uint32_t p = 0; topic != NULL && p < s->topics.partitions; p++)
            lag += td_most(td_deliver_lag(s->deliver, topic, p), 0);
    }
    return lag;
}
