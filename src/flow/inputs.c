/* src/flow/inputs.c - what feeds are made of, as rows of text; those of now against those that the log keeps. */
#include "flow/inputs.h"
#include "base/hash.h"
#include "base/option.h"
#include "base/time.h"
#include "feed/glob.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    ENDS_BYTES = 16 * 1024, /* of each end of a file: packed ones carry checksums of all between */
    HASH_DIGITS = 32,
    NAME_MAX = 64, /* of a feed, and of what of it */
    KEY_BYTES = 2 * NAME_MAX + 2,
};

#define ENDED "/ended@" /* how many files the feed had */
#define BEGUN "/begun"
#define CURE  "a log goes on with the inputs it was made of, and new files behind them: name another log.dir for others"

typedef struct row {
    char *key, *value;
    uint32_t feed;
    td_feed_file file; /* path NULL: a setting */
    bool is_new;
} row;

typedef struct row_list {
    row *items;
    size_t count;
} row_list;

struct td_inputs {
    td_topic *topic;
    row_list kept, now; /* kept: by key */
    bool known[TD_PROGRAM_FEEDS_MAX];
};

static row *rows_add(row_list *list) {
    if ((list->count & (list->count + 1)) == 0) /* full at 0, 1, 3, 7, … */
        list->items = td_alloc_check(realloc(list->items, (list->count + 1) * 2 * sizeof *list->items),
                                     (list->count + 1) * 2 * sizeof *list->items);
    row *added = &list->items[list->count++];
    *added = (row){0};
    return added;
}

static void rows_fini(row_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].key);
        free(list->items[i].value);
    }
    free(list->items);
}

static int compare_rows(const void *a, const void *b) { return strcmp(((const row *)a)->key, ((const row *)b)->key); }

static const row *find_kept(const td_inputs *in, const char *key) {
    row wanted = {.key = (char *)(uintptr_t)key};
    if (in->kept.count == 0) return NULL;
    return bsearch(&wanted, in->kept.items, in->kept.count, sizeof wanted, compare_rows);
}

/* ---- what feeds are made of now ---- */

static void add_row(td_inputs *in, const td_merge_feed *feed, const char *what, const td_buf *value) {
    char key[KEY_BYTES];
    (void)snprintf(key, sizeof key, "%.*s/%.*s", NAME_MAX, feed->conf->name, NAME_MAX, what);
    row *r = rows_add(&in->now);
    r->key = td_copy_text(key);
    r->value = td_alloc_zero(value->size + 1, 1);
    if (value->size > 0) memcpy(r->value, value->data, value->size);
    r->feed = feed->index;
}

static void put_setting(const td_option *option, const td_feed_conf *conf, td_buf *out) {
    const char *field = (const char *)conf + option->offset;
    if (option->type == TD_OPTION_TEXT) {
        const char *text = *(char *const *)(const void *)field;
        td_buf_text(out, text != NULL ? text : "");
    } else if (option->type == TD_OPTION_PAIRS) {
        const td_texts *pairs = (const td_texts *)(const void *)field;
        for (size_t i = 0; i < pairs->count; i++) td_buf_printf(out, i > 0 ? ",%s" : "%s", pairs->items[i]);
    } else if (option->type == TD_OPTION_REAL) {
        td_buf_printf(out, "%.17g", *(const double *)(const void *)field);
    } else {
        td_buf_printf(out, "%" PRId64, *(const int64_t *)(const void *)field);
    }
}

static void add_settings(td_inputs *in, const td_merge_feed *feed, td_buf *value) {
    static const char *const choosing[] = {"venue",       "ratio", "from",  "to",       "seed",
                                           "instruments", "ticks", "start", "duration", "fields"};
    value->size = 0;
    td_buf_text(value, feed->ops->format);
    add_row(in, feed, "format", value);
    for (size_t i = 0; i < sizeof choosing / sizeof choosing[0]; i++) {
        const td_option *option = td_option_find(feed->ops->options, choosing[i]);
        if (option == NULL) continue;
        value->size = 0;
        put_setting(option, feed->conf, value);
        add_row(in, feed, choosing[i], value);
    }
}

/* Size and a hash of both ends; of what cannot be opened neither. */
static td_status put_content(const td_os *os, const char *path, td_buf *out) {
    uint8_t sha256[32];
    char hex[2 * sizeof sha256 + 1];
    td_buf ends = {0};
    int64_t size_bytes = 0;
    size_t first = 0, last = 0;
    int file;
    td_status status = os->ops->open(os->self, path, TD_OPEN_READ, &file);
    if (status == TD_CONFIG) {
        td_buf_text(out, "0 unreadable");
        return TD_OK;
    }
    if (status != TD_OK) return status;
    td_buf_reserve(&ends, 2 * ENDS_BYTES);
    status = os->ops->size(os->self, file, &size_bytes);
    if (status == TD_OK) status = td_os_read_full(os, file, ends.data, ENDS_BYTES, 0, &first);
    int64_t rest = size_bytes - (int64_t)first, from = rest > ENDS_BYTES ? size_bytes - ENDS_BYTES : (int64_t)first;
    if (status == TD_OK && rest > 0) status = td_os_read_full(os, file, ends.data + first, ENDS_BYTES, from, &last);
    os->ops->close(os->self, file);
    td_sha256((td_bytes){ends.data, first + last}, sha256);
    td_hex(sha256, sizeof sha256, hex);
    td_buf_printf(out, "%" PRId64 " %.*s", size_bytes, HASH_DIGITS, hex);
    td_buf_fini(&ends);
    return status;
}

static td_status add_files(td_inputs *in, const td_os *os, const td_merge_feed *feed, td_buf *value) {
    td_feed_file file;
    td_status status = TD_OK;
    for (size_t i = 0; status == TD_OK && feed->ops->file(feed->feed, i, &file); i++) {
        char what[24];
        (void)snprintf(what, sizeof what, "%zu", i);
        value->size = 0;
        status = put_content(os, file.path, value);
        td_buf_printf(value, " %s", td_path_base(file.path));
        add_row(in, feed, what, value);
        in->now.items[in->now.count - 1].file = file;
    }
    return status;
}

static td_status look_at_feeds(td_inputs *in, const td_os *os, const td_merge *merge) {
    td_buf value = {0};
    td_status status = TD_OK;
    for (size_t i = 0; i < td_merge_feed_count(merge) && status == TD_OK; i++) {
        const td_merge_feed *feed = td_merge_feed_at(merge, i);
        add_settings(in, feed, &value);
        if (feed->ops->is_file) status = add_files(in, os, feed, &value);
    }
    td_buf_fini(&value);
    return status;
}

/* ---- what the log keeps ---- */

static td_status load_row(void *arg, const td_record *record) {
    td_inputs *in = arg;
    row *r = rows_add(&in->kept);
    r->key = td_copy_bytes(record->key);
    r->value = td_copy_bytes(record->value);
    return strchr(r->key, '/') != NULL
               ? TD_OK
               : TD_FAIL(TD_CORRUPT, "_inputs-0: offset %" PRId64 " is not of ours", record->offset);
}

/* The feed that a kept key is of, or NULL when it is no longer there. */
static const td_merge_feed *feed_of(const td_merge *merge, const char *key) {
    td_bytes name = {(const uint8_t *)key, (size_t)(strrchr(key, '/') - key)};
    for (size_t i = 0; i < td_merge_feed_count(merge); i++) {
        const td_merge_feed *feed = td_merge_feed_at(merge, i);
        if (td_bytes_equal(td_text(feed->conf->name), name)) return feed;
    }
    return NULL;
}

static td_status find_known(td_inputs *in, const td_merge *merge) {
    if (in->kept.count > 1) qsort(in->kept.items, in->kept.count, sizeof *in->kept.items, compare_rows);
    for (size_t i = 0; i < in->kept.count && td_merge_feed_count(merge) > 0; i++) {
        const char *key = in->kept.items[i].key;
        const td_merge_feed *feed = feed_of(merge, key);
        if (feed == NULL)
            return TD_FAIL(TD_CONFIG, "feed %.*s, of which the log was made, is no longer configured; " CURE,
                           (int)(strrchr(key, '/') - key), key);
        in->known[feed->index] = true;
    }
    return TD_OK;
}

/* ---- the comparison ---- */

/* "8123 0f… name" or "0 unreadable name". */
static const char *file_name(const char *value) {
    const char *space = strchr(value, ' ');
    space = space != NULL ? strchr(space + 1, ' ') : NULL;
    return space != NULL ? space + 1 : value;
}

static td_status differ(const td_merge_feed *feed, const row *kept, const row *now) {
    const char *name = feed->conf->name, *what = strrchr(kept->key, '/') + 1;
    if (now != NULL && now->file.path == NULL)
        return TD_FAIL(TD_CONFIG, "feed %s: `%s` is not what the log was made with; " CURE, name, what);
    if (now == NULL)
        return TD_FAIL(TD_CONFIG, "feed %s: %s, of which the log was made, is gone; " CURE, name,
                       file_name(kept->value));
    if (strcmp(file_name(kept->value), file_name(now->value)) == 0)
        return TD_FAIL(TD_CONFIG, "feed %s: %s has changed since the log was made of it; " CURE, name, now->file.path);
    return TD_FAIL(TD_CONFIG, "feed %s: %s stands where the log was made of %s; " CURE, name, now->file.path,
                   file_name(kept->value));
}

static td_status compare(td_inputs *in, const td_merge *merge) {
    td_status status = find_known(in, merge);
    for (size_t i = 0; i < in->now.count && status == TD_OK; i++) {
        row *now = &in->now.items[i];
        const row *kept = find_kept(in, now->key);
        now->is_new = kept == NULL;
        if (kept != NULL && strcmp(kept->value, now->value) != 0) status = differ(feed_of(merge, now->key), kept, now);
    }
    for (size_t i = 0; i < td_merge_feed_count(merge) && status == TD_OK; i++) {
        const td_merge_feed *feed = td_merge_feed_at(merge, i);
        size_t count = 0;
        td_feed_file file;
        char key[KEY_BYTES];
        while (feed->ops->is_file && feed->ops->file(feed->feed, count, &file)) count++;
        (void)snprintf(key, sizeof key, "%.*s/%zu", NAME_MAX, feed->conf->name, count);
        const row *kept = find_kept(in, key);
        if (kept != NULL) status = differ(feed, kept, NULL);
    }
    return status;
}

td_status td_inputs_open(td_inputs **out, const td_os *os, const td_topics *topics, const td_merge *merge) {
    td_inputs *in = td_alloc_zero(1, sizeof *in);
    in->topic = topics->inputs;
    td_status status = td_topics_each_record(topics->inputs, load_row, in);
    if (status == TD_OK) status = look_at_feeds(in, os, merge);
    if (status == TD_OK) status = compare(in, merge);
    if (status != TD_OK) {
        td_inputs_close(in);
        return status;
    }
    *out = in;
    return TD_OK;
}

void td_inputs_close(td_inputs *in) {
    if (in == NULL) return;
    rows_fini(&in->now);
    rows_fini(&in->kept);
    free(in);
}

bool td_inputs_unsaid(const td_inputs *in) { return in->kept.count == 0; }

/* ---- where feeds have ended ---- */

static void put_end_key(const td_inputs *in, const td_merge_feed *feed, char key[KEY_BYTES]) {
    size_t files = 0;
    for (size_t i = 0; i < in->now.count; i++)
        files += in->now.items[i].feed == feed->index && in->now.items[i].file.path != NULL;
    (void)snprintf(key, KEY_BYTES, "%.*s" ENDED "%zu", NAME_MAX, feed->conf->name, files);
}

/* "tape 0 3 1200": of a partition its epoch and its end. */
static void put_end(td_buf *out, const char *topic, uint32_t partition, td_position end) {
    td_buf_printf(out, "%s %" PRIu32 " %" PRId32 " %" PRId64 "\n", topic, partition, end.epoch, end.offset);
}

static void put_ends(const td_topic *topic, td_buf *out) {
    for (uint32_t p = 0; p < td_topic_partitions(topic); p++)
        put_end(out, td_topic_name(topic), p, (td_position){td_topic_epoch(topic, p), td_topic_end(topic, p)});
}

static bool says_ends(td_bytes key) { return td_bytes_have(key, TD_TEXT(ENDED)) || td_bytes_have(key, TD_TEXT(BEGUN)); }

td_status td_inputs_restate(const td_record *record, const td_atlas *atlas, td_buf *out_value) {
    if (!says_ends(record->key)) return TD_OK;
    char *value = td_copy_bytes(record->value), topic[2 * NAME_MAX];
    td_status status = TD_OK;
    for (const char *line = value; line[0] != '\0' && status == TD_OK;
         line += strcspn(line, "\n"), line += *line == '\n') {
        uint32_t partition;
        td_position end;
        bool ours =
            sscanf(line, "%127s %" SCNu32 " %" SCNd32 " %" SCNd64, topic, &partition, &end.epoch, &end.offset) == 4;
        const td_sheet *sheet = ours ? td_atlas_sheet(atlas, td_text(topic), partition) : NULL;
        if (sheet == NULL) continue;
        status = td_sheet_behind(sheet, end.offset, &end);
        if (status == TD_OK) put_end(out_value, topic, partition, end);
    }
    free(value);
    return status;
}

/* That of the partition, where it still goes on from there. */
static bool find_end(const char *ends, const td_topic *topic, uint32_t partition, td_position *out) {
    char start[2 * NAME_MAX];
    (void)snprintf(start, sizeof start, "%.*s %" PRIu32 " ", NAME_MAX, td_topic_name(topic), partition);
    for (const char *line = ends; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, start, strlen(start)) != 0) continue;
        return sscanf(line + strlen(start), "%" SCNd32 " %" SCNd64, &out->epoch, &out->offset) == 2 &&
               td_topic_holds(topic, partition, *out);
    }
    return false;
}

bool td_inputs_ended(const td_inputs *in, const td_merge_feed *feed, const td_topic *topic, uint32_t partition) {
    char key[KEY_BYTES];
    td_position end;
    bool is_new = !in->known[feed->index];
    for (size_t i = 0; i < in->now.count; i++)
        is_new |= in->now.items[i].feed == feed->index && in->now.items[i].is_new;
    put_end_key(in, feed, key);
    const row *kept = is_new ? NULL : find_kept(in, key);
    return kept != NULL && find_end(kept->value, topic, partition, &end);
}

/* ---- where feeds have begun ---- */

bool td_inputs_all_there(const td_inputs *in, const td_merge_feed *feed, const td_topic *topic, uint32_t partition) {
    char key[KEY_BYTES];
    td_position begun;
    if (!in->known[feed->index]) return true;
    (void)snprintf(key, sizeof key, "%.*s" BEGUN, NAME_MAX, feed->conf->name);
    const row *kept = find_kept(in, key);
    return kept != NULL && find_end(kept->value, topic, partition, &begun) &&
           td_topic_start(topic, partition) <= begun.offset;
}

static void put_begun(const td_inputs *in, const td_merge *merge, const td_buf *ends, int64_t now_ms, td_batch *batch) {
    for (size_t i = 0; i < td_merge_feed_count(merge); i++) {
        const td_merge_feed *feed = td_merge_feed_at(merge, i);
        char key[KEY_BYTES];
        if (in->known[feed->index]) continue;
        (void)snprintf(key, sizeof key, "%.*s" BEGUN, NAME_MAX, feed->conf->name);
        (void)td_batch_add(batch, now_ms, td_text(key), td_buf_bytes(ends), (td_bytes){0}, (td_bytes){0});
    }
}

td_status td_inputs_keep_ends(const td_inputs *in, const td_topics *topics, const td_merge *merge, td_writer *writer,
                              int64_t now_ms) {
    td_buf ends = {0};
    td_batch batch;
    put_ends(topics->tape, &ends);
    put_ends(topics->rejected, &ends);
    td_batch_init(&batch, 4096 + td_merge_feed_count(merge) * (ends.size + KEY_BYTES + 64));
    for (size_t i = 0; i < td_merge_feed_count(merge); i++) {
        char key[KEY_BYTES];
        put_end_key(in, td_merge_feed_at(merge, i), key);
        if (find_kept(in, key) == NULL)
            (void)td_batch_add(&batch, now_ms, td_text(key), td_buf_bytes(&ends), (td_bytes){0}, (td_bytes){0});
    }
    td_status status = batch.count > 0 ? td_writer_append(writer, in->topic, 0, &batch) : TD_OK;
    td_batch_fini(&batch);
    td_buf_fini(&ends);
    return status;
}

td_status td_inputs_check_order(const td_inputs *in, uint32_t feed, int64_t clock_ns) {
    for (size_t i = 0; in->known[feed] && i < in->now.count; i++) {
        const row *r = &in->now.items[i];
        if (r->feed != feed || !r->is_new || r->file.path == NULL || r->file.begins_ns > clock_ns) continue;
        char until[40] = "what retention took";
        if (clock_ns != INT64_MAX) td_time_format(clock_ns, until);
        return TD_FAIL(TD_CONFIG, "feed %.*s: %s is new and %s after %s, up to where the log has read the feed; " CURE,
                       (int)(strrchr(r->key, '/') - r->key), r->key, r->file.path,
                       r->file.begins_ns == 0 ? "cannot be known to begin" : "does not begin", until);
    }
    return TD_OK;
}

td_status td_inputs_keep(td_inputs *in, const td_inputs_beginning *beginning, td_writer *writer, int64_t now_ms) {
    size_t bytes = 4096;
    td_buf ends = {0};
    td_batch batch;
    if (beginning != NULL) {
        put_ends(beginning->topics->tape, &ends);
        put_ends(beginning->topics->rejected, &ends);
        bytes += td_merge_feed_count(beginning->merge) * (ends.size + KEY_BYTES + 64);
    }
    for (size_t i = 0; i < in->now.count; i++)
        bytes += strlen(in->now.items[i].key) + strlen(in->now.items[i].value) + 64;
    td_batch_init(&batch, bytes); /* one batch, so that a crash leaves no part of it */
    if (beginning != NULL) put_begun(in, beginning->merge, &ends, now_ms, &batch);
    for (size_t i = 0; i < in->now.count; i++) {
        const row *r = &in->now.items[i];
        if (r->is_new)
            (void)td_batch_add(&batch, now_ms, td_text(r->key), td_text(r->value), (td_bytes){0}, (td_bytes){0});
    }
    td_status status = batch.count > 0 ? td_writer_append(writer, in->topic, 0, &batch) : TD_OK;
    td_batch_fini(&batch);
    td_buf_fini(&ends);
    for (size_t i = 0; i < in->now.count && status == TD_OK; i++) in->now.items[i].is_new = false;
    return status;
}
