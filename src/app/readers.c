/* src/app/readers.c - positions, asked of those who have them. */
#include "app/readers.h"
#include <inttypes.h>
#include <stdio.h>

/* Of a partition that another process works on the log knows. */
static td_status tell_worker(const td_engine_parts *parts, const td_topic *topic, uint32_t partition,
                             td_serve_reader_fn each, void *arg) {
    td_worker *worker = partition < td_crew_size(parts->crew) ? td_crew_worker(parts->crew, partition) : NULL;
    if (worker != NULL && td_worker_on_duty(worker)) {
        each(arg, &(td_serve_reader){"worker", td_counted(&td_worker_counters(worker)->next_offset)});
        return TD_OK;
    }
    char name[32];
    td_position at;
    (void)snprintf(name, sizeof name, TD_WORK_WRITER "%" PRIu32, partition);
    td_status status = td_log_committed(topic->log, name, topic, partition, &at);
    if (status == TD_OK) each(arg, &(td_serve_reader){"worker", at.offset});
    return status == TD_AGAIN ? TD_OK : status;
}

td_status td_readers_each(td_engine *engine, const td_topic *topic, uint32_t partition, td_serve_reader_fn each,
                          void *arg) {
    td_engine_parts parts;
    td_engine_parts_of(engine, &parts);
    const char *name = td_topic_name(topic);
    if (strcmp(name, td_topic_name(parts.topics->tape)) == 0) return tell_worker(&parts, topic, partition, each, arg);
    const td_topic *output = td_topics_delivered_named(parts.topics, name);
    for (size_t i = 0; output != NULL && i < parts.deliver_count; i++) {
        char reader[80];
        int64_t taken = td_deliver_taken(parts.delivers[i], output, partition); /* asks no broker */
        (void)snprintf(reader, sizeof reader, "sink:%s", parts.config->sinks[i].conf.name);
        if (taken >= 0) each(arg, &(td_serve_reader){reader, taken});
    }
    return TD_OK;
}
