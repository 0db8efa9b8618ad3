/* tests/fuzz/fuzz_config.c - any text as a configuration: it is read whole, or refused with a message that names the
 * file; both readings, the one that stops at the first mistake and the one that tells all, agree. */
#include "app/config.h"
#include "feed/route.h"
#include <assert.h>

static td_bytes text;

static td_status file_open(void *self, const char *path, td_open_mode mode, int *out_file) {
    (void)self, (void)path, (void)mode;
    *out_file = 0;
    return TD_OK;
}

static td_status file_read(void *self, int file, void *out, size_t size, int64_t offset, size_t *out_size) {
    (void)self, (void)file;
    size_t left = (size_t)offset < text.size ? text.size - (size_t)offset : 0;
    *out_size = size < left ? size : left;
    if (*out_size > 0) memcpy(out, text.data + offset, *out_size);
    return TD_OK;
}

static td_status file_size(void *self, int file, int64_t *out_size) {
    (void)self, (void)file;
    *out_size = (int64_t)text.size;
    return TD_OK;
}

static void file_close(void *self, int file) { (void)self, (void)file; }

static td_status folder_list(void *self, const char *path, td_list_fn each, void *arg) {
    (void)self, (void)path;
    each(arg, "golden_cross.td"); /* what a glob may find */
    each(arg, "mean.td");
    return TD_OK;
}

static bool file_exists(void *self, const char *path) {
    (void)self;
    return strlen(path) % 2 == 0;
}

static void count_line(void *arg, const char *line) {
    size_t *mistakes = arg;
    assert(strlen(line) > 0);
    ++*mistakes;
}

static void check(const td_config *c) {
    assert(c->feed_count > 0 && c->feed_count <= TD_CONFIG_LIST_MAX && c->sink_count <= TD_CONFIG_LIST_MAX);
    assert(c->width_count <= TD_WIDTHS_MAX && c->strategy_count <= TD_CONFIG_LIST_MAX);
    for (size_t i = 1; i < c->width_count; i++) assert(c->widths_ns[i - 1] < c->widths_ns[i]);
    for (size_t i = 0; i < c->feed_count; i++) assert(c->feeds[i].ops != NULL && c->feeds[i].conf.name != NULL);
    assert(c->log.partitions >= 1 && c->log.partitions <= TD_PARTITIONS_MAX && c->log.dir != NULL);
    assert(c->workers >= 1 && c->workers <= c->log.partitions);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    td_os_ops ops = {.open = file_open,
                     .read_at = file_read,
                     .size = file_size,
                     .close = file_close,
                     .list = folder_list,
                     .exists = file_exists};
    td_os os = {.ops = &ops};
    td_config_source source = {.os = &os, .path = "fuzz.yaml"};
    td_config config;
    size_t mistakes = 0;
    text = (td_bytes){data, size};
    td_status status = td_config_load(&config, &os, source.path, NULL, 0);
    assert(status == TD_OK || status == TD_CONFIG);
    assert(status == TD_OK || strstr(td_trail(), "fuzz.yaml") != NULL);
    if (status == TD_OK) check(&config);
    if (status == TD_OK) td_config_fini(&config);
    td_status all = td_config_check(&config, &source, count_line, &mistakes);
    assert(all == status && (mistakes > 0) == (status == TD_CONFIG));
    td_config_fini(&config);
    return 0;
}
