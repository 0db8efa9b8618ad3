/* tests/tools/log_values.c - the values of a topic as they are, partition after partition, each behind its size as a
 * big-endian u32: what libraries of others are given to read. log_values DIR TOPIC */
#include "log/log_segment.h"
#include <stdio.h>
#include <string.h>

static bool put_all(td_topic *topic, uint32_t partition) {
    td_reader *reader;
    td_record record;
    td_status status = td_reader_open(&reader, topic, partition, 0, TD_READ_APPENDED);
    if (status != TD_OK) return false;
    while ((status = td_reader_next(reader, &record)) == TD_OK) {
        uint8_t size[4];
        td_put_be32(size, (uint32_t)record.value.size);
        (void)fwrite(size, 1, sizeof size, stdout);
        (void)fwrite(record.value.data, 1, record.value.size, stdout);
    }
    td_reader_close(reader);
    return status == TD_AGAIN;
}

typedef struct wanted {
    const char *name;
    bool good;
} wanted;

static void each_topic(void *arg, td_topic *topic) {
    wanted *w = arg;
    for (uint32_t p = 0; strcmp(td_topic_name(topic), w->name) == 0 && p < td_topic_partitions(topic); p++)
        w->good = put_all(topic, p) && (p == 0 || w->good);
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    td_log *log;
    td_log_conf conf = {.dir = argv[1], .read_only = true};
    wanted w = {argv[2], false};
    td_status status = td_log_segment_open(&log, &td_os_posix, &conf, NULL, NULL);
    if (status == TD_OK) status = td_log_each_topic(log, each_topic, &w);
    if (status == TD_OK) td_log_close(log);
    return status == TD_OK && w.good ? 0 : 1;
}
