/* tests/tools/log_digest.c - one line per topic and partition: count and SHA-256 of its sequence of (key, value), which
 * is what "equal byte for byte" means. Reads a data folder as it is: log_digest DIR [TOPIC…] */
#include "base/hash.h"
#include "log/log_segment.h"
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct wanted {
    char **topics;
    int count;
    int failed;
} wanted;

static void report(void *arg, const char *line) {
    (void)arg;
    (void)fprintf(stderr, "%s\n", line);
}

static void add_sized(EVP_MD_CTX *sha, td_bytes bytes) {
    uint64_t size = bytes.data == NULL ? UINT64_MAX : bytes.size;
    (void)EVP_DigestUpdate(sha, &size, sizeof size);
    if (bytes.size > 0) (void)EVP_DigestUpdate(sha, bytes.data, bytes.size);
}

static int digest(td_topic *topic, uint32_t partition) {
    td_reader *reader;
    td_record record;
    td_status status = td_reader_open(&reader, topic, partition, 0, TD_READ_APPENDED);
    if (status != TD_OK) return 1;
    EVP_MD_CTX *sha = EVP_MD_CTX_new();
    (void)EVP_DigestInit_ex(sha, EVP_sha256(), NULL);
    int64_t count = 0;
    for (; (status = td_reader_next(reader, &record)) == TD_OK; count++) {
        add_sized(sha, record.key);
        add_sized(sha, record.value);
    }
    uint8_t sum[32];
    char hex[65];
    (void)EVP_DigestFinal_ex(sha, sum, NULL);
    td_hex(sum, sizeof sum, hex);
    (void)printf("%s-%" PRIu32 " %" PRId64 " %s\n", td_topic_name(topic), partition, count, hex);
    EVP_MD_CTX_free(sha);
    td_reader_close(reader);
    return status == TD_AGAIN ? 0 : 1;
}

static void each_topic(void *arg, td_topic *topic) {
    wanted *w = arg;
    int listed = w->count == 0;
    for (int i = 0; i < w->count; i++) listed |= strcmp(w->topics[i], td_topic_name(topic)) == 0;
    for (uint32_t p = 0; listed && p < td_topic_partitions(topic); p++) w->failed |= digest(topic, p);
}

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    td_log *log;
    td_log_conf conf = {.dir = argv[1], .read_only = true};
    td_status status = td_log_segment_open(&log, &td_os_posix, &conf, report, NULL);
    wanted w = {argv + 2, argc - 2, 0};
    if (status == TD_OK) status = td_log_each_topic(log, each_topic, &w);
    if (status != TD_OK) {
        (void)fprintf(stderr, "log_digest: %s\n", td_trail());
        return 1;
    }
    td_log_close(log);
    return w.failed;
}
