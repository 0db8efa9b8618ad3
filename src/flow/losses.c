/* src/flow/losses.c - the file: a line per stretch, "bars 3 5000 5120 120 FROM_NS TO_NS". */
#include "flow/losses.h"
#include "base/time.h"
#include <inttypes.h>
#include <stdio.h>

enum { PATH_BYTES = 640, FILE_BYTES_MAX = 1 << 20 };

int64_t td_losses_sum(const td_losses *losses) {
    int64_t sum = 0;
    for (size_t i = 0; i < losses->count; i++) sum += losses->items[i].count;
    return sum;
}

void td_losses_add(td_losses *losses, const td_loss *loss) {
    for (size_t i = 0; i < losses->count; i++) {
        td_loss *known = &losses->items[i];
        if (known->partition != loss->partition || strcmp(known->topic, loss->topic) != 0) continue;
        if (loss->end <= known->end) return; /* told before a crash */
        known->count += loss->count;
        known->end = loss->end;
        known->to_ns = loss->to_ns;
        return;
    }
    if (losses->count < TD_LOSSES_MAX) losses->items[losses->count++] = *loss;
}

/* ---- the file ---- */

/* Of the sink's file; of the folder where `sink` is "". */
static td_status path_of(const char *dir, const char *sink, char out[PATH_BYTES]) {
    int size = snprintf(out, PATH_BYTES, "%s/losses%s%s", dir, sink[0] != '\0' ? "/" : "", sink);
    return size > 0 && size < PATH_BYTES ? TD_OK : TD_FAIL(TD_CONFIG, "log.dir: the path %s is too long", dir);
}

static const char *read_line(const char *text, td_loss *out) {
    int used = 0;
    *out = (td_loss){0};
    int found =
        sscanf(text, "%63s %" SCNu32 " %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64 "\n%n", out->topic,
               &out->partition, &out->first, &out->end, &out->count, &out->from_ns, &out->to_ns, &used);
    return found == 7 ? text + used : NULL;
}

td_status td_losses_load(td_losses *out, const td_os *os, const char *dir, const char *sink) {
    char path[PATH_BYTES];
    out->count = 0;
    td_status status = path_of(dir, sink, path);
    if (status != TD_OK || !os->ops->exists(os->self, path)) return status;
    td_buf text = {0};
    td_loss loss;
    status = td_os_read_file(os, path, FILE_BYTES_MAX, &text);
    td_buf_put(&text, "", 1);
    for (const char *at = (const char *)text.data; status == TD_OK && (at = read_line(at, &loss)) != NULL;)
        td_losses_add(out, &loss);
    td_buf_fini(&text);
    return status == TD_CONFIG ? TD_OK : status; /* removed meanwhile */
}

td_status td_losses_save(const td_losses *losses, const td_os *os, const char *dir, const char *sink) {
    char path[PATH_BYTES], folder[PATH_BYTES];
    td_status status = path_of(dir, sink, path);
    if (status == TD_OK) status = path_of(dir, "", folder);
    if (status == TD_OK) status = os->ops->make_dir(os->self, folder);
    td_buf text = {0};
    for (size_t i = 0; i < losses->count; i++) {
        const td_loss *loss = &losses->items[i];
        td_buf_printf(&text, "%s %" PRIu32 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 "\n",
                      loss->topic, loss->partition, loss->first, loss->end, loss->count, loss->from_ns, loss->to_ns);
    }
    if (status == TD_OK) status = td_os_replace_file(os, path, td_buf_bytes(&text));
    td_buf_fini(&text);
    return status == TD_OK ? TD_OK : td_trace(status, "writing down what sink %s has lost", sink);
}

bool td_losses_kept(const td_os *os, const char *dir, const char *sink) {
    char path[PATH_BYTES];
    return path_of(dir, sink, path) == TD_OK && os->ops->exists(os->self, path);
}

td_status td_losses_forget(const td_os *os, const char *dir, const char *sink) {
    char path[PATH_BYTES];
    td_status status = path_of(dir, sink, path);
    return status == TD_OK ? os->ops->remove(os->self, path) : status;
}

typedef struct sink_list {
    td_list_fn each;
    void *arg;
} sink_list;

static void pass_sink(void *arg, const char *name) {
    const sink_list *list = arg;
    bool unfinished = td_text_ends(name, ".tmp"); /* a crash left it */
    if (!unfinished) list->each(list->arg, name);
}

td_status td_losses_each(const td_os *os, const char *dir, td_list_fn each, void *arg) {
    char folder[PATH_BYTES];
    td_status status = path_of(dir, "", folder);
    if (status != TD_OK || !os->ops->exists(os->self, folder)) return status;
    return os->ops->list(os->self, folder, pass_sink, &(sink_list){each, arg});
}

void td_loss_text(const td_loss *loss, char out[256]) {
    char from[40] = "a time not known", to[40] = "one not known";
    if (loss->from_ns != TD_NONE) (void)td_time_format(loss->from_ns, from);
    if (loss->to_ns != TD_NONE) (void)td_time_format(loss->to_ns, to);
    (void)snprintf(out, 256, "%s-%" PRIu32 ": %" PRId64 " records, offsets %" PRId64 " to %" PRId64 ", from %s to %s",
                   loss->topic, loss->partition, loss->count, loss->first, loss->end - 1, from, to);
}
