/* src/log/verify_records.c - reading all of a partition by its reader: where the files are not ours to look into. */
#include "log/log_ops.h"

enum { PROGRESS_EVERY_BYTES = 16 * 1024 * 1024 };

static void count(td_verify *out, const td_record *record, const td_verify_conf *conf) {
    int64_t before = out->bytes / PROGRESS_EVERY_BYTES;
    out->records++;
    out->bytes += (int64_t)(record->key.size + record->value.size + record->headers.size);
    if (conf->progress != NULL && out->bytes / PROGRESS_EVERY_BYTES != before) conf->progress(conf->arg, out->bytes);
}

td_status td_verify_records(const td_topic *topic, uint32_t partition, const td_verify_conf *conf, td_verify *out) {
    td_reader *reader;
    td_record record;
    int64_t end = td_topic_end(topic, partition); /* somebody may go on appending */
    *out = (td_verify){0};
    td_status status = td_reader_open(&reader, (td_topic *)(uintptr_t)topic, partition, 0, TD_READ_SYNCED);
    if (status != TD_OK) return status;
    while (td_reader_offset(reader) < end && (status = td_reader_next(reader, &record)) == TD_OK)
        count(out, &record, conf);
    td_reader_close(reader);
    if (status == TD_CORRUPT) {
        out->corrupt++;
        if (conf->report != NULL) conf->report(conf->arg, td_trail());
    }
    return status == TD_AGAIN ? TD_OK : status;
}
