/* tests/tools/put_gaps.c - puts gaps into the log of a data folder in which nobody writes: put_gaps DIR, and on
 * standard input a line for each: INSTRUMENT FEED NUMBER STATUS REASON FROM_NS TO_NS MISSING FILLED; -1: not known. */
#include "base/hash.h"
#include "flow/topics.h"
#include "log/log_segment.h"
#include "schema/cause.h"
#include <inttypes.h>
#include <stdio.h>

static td_status put(const td_topics *topics, td_writer *writer, td_batch *batch, const char *line) {
    char name[64], feed[64], words[2][16];
    int64_t n[5];
    if (sscanf(line, "%63s %63s %" SCNd64 " %15s %15s %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64, name, feed, &n[0],
               words[0], words[1], &n[1], &n[2], &n[3], &n[4]) != 9)
        return TD_FAIL(TD_CONFIG, "not a gap: %s", line);
    td_gap gap = {.feed = td_text(feed),
                  .number = n[0],
                  .from_ns = n[1],
                  .to_ns = n[2] < 0 ? TD_NONE : n[2],
                  .first_id = TD_NONE,
                  .last_id = TD_NONE,
                  .missing = n[3] < 0 ? TD_NONE : n[3],
                  .filled = n[4],
                  .known_at_ns = n[1]};
    for (int s = 0; s < TD_GAP_STATUS_COUNT; s++)
        if (strcmp(td_gap_status_name((td_gap_status)s), words[0]) == 0) gap.status = (uint8_t)s;
    for (int r = 0; r < TD_GAP_REASON_COUNT; r++)
        if (strcmp(td_gap_reason_name((td_gap_reason)r), words[1]) == 0) gap.reason = (uint8_t)r;
    td_buf value = {0};
    td_record_put_gap(&value, topics->ids, td_text(name), &gap);
    uint32_t partition = td_partition_of(td_text(name), topics->partitions);
    char cause[TD_CAUSE_MAX]; /* the tape's first record */
    size_t size = td_cause_put(&(td_cause){.partition = partition}, cause);
    td_bytes header = {(const uint8_t *)cause, size};
    td_batch_reset(batch);
    (void)td_batch_add(batch, 1, td_text(name), td_buf_bytes(&value), TD_CAUSE_HEADER, header);
    td_buf_fini(&value);
    return td_writer_append(writer, topics->outputs[TD_OUTPUT_GAPS], partition, batch);
}

static void report(void *arg, const char *text) { (void)fprintf(arg, "%s\n", text); }

int main(int argc, char **argv) {
    td_log *log = NULL;
    td_topics topics;
    td_writer *writer = NULL;
    td_batch batch;
    char line[512];
    td_log_conf conf = {.dir = argc == 2 ? argv[1] : "", .segment_bytes = 1 << 20};
    td_status status = td_log_segment_open(&log, &td_os_posix, &conf, report, stderr);
    td_batch_init(&batch, 1 << 16);
    if (status == TD_OK) status = td_topics_open_to_read(&topics, log);
    if (status == TD_OK) status = td_writer_open(&writer, log, "put_gaps");
    while (status == TD_OK && fgets(line, sizeof line, stdin) != NULL) status = put(&topics, writer, &batch, line);
    if (status == TD_OK) status = td_log_sync(log);
    if (status != TD_OK) (void)fprintf(stderr, "put_gaps: %s\n", td_trail());
    td_writer_close(writer);
    if (log != NULL) td_topics_close(&topics);
    td_log_close(log);
    td_batch_fini(&batch);
    return status == TD_OK ? 0 : 1;
}
