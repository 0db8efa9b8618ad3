/* src/log/recover.c - opening a partition: what is on the disk, how much of it is whole, and repairing the rest. */
#include "log/partition.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { BASE_DIGITS = 20 };
#define REBUILT "rebuilt" /* in place of the base offset: an index that is not whole yet */

static void store(_Atomic int64_t *value, int64_t v) { atomic_store_explicit(value, v, memory_order_release); }

/* --- what is there -------------------------------------------------------------------------------------------- */

typedef struct listing {
    td_partition *p;
    td_buf bases;  /* int64_t each: segments, ascending */
    td_buf strays; /* names, each with its NUL: what a crash left of files that were being made or removed */
} listing;

static size_t base_count(const listing *l) { return l->bases.size / sizeof(int64_t); }
static int64_t base_at(const listing *l, size_t i) {
    int64_t base;
    memcpy(&base, l->bases.data + i * sizeof base, sizeof base);
    return base;
}

static void list_file(void *arg, const char *name) {
    listing *l = arg;
    int64_t base = 0;
    size_t digits = strspn(name, "0123456789");
    const char *suffix = name + digits;
    bool temporary = td_text_ends(name, ".tmp");
    if (temporary || strncmp(name, REBUILT ".", sizeof REBUILT) == 0) {
        td_buf_put(&l->strays, name, strlen(name) + 1);
    } else if (digits == BASE_DIGITS && sscanf(name, "%" SCNd64, &base) == 1 && strcmp(suffix, ".log") == 0) {
        td_buf_put(&l->bases, &base, sizeof base);
    }
}

static td_status list_files(td_partition *p, listing *out) {
    *out = (listing){.p = p};
    if (!p->os->ops->exists(p->os->self, p->dir)) return TD_OK; /* another process is just making the topic */
    return p->os->ops->list(p->os->self, p->dir, list_file, out);
}

static void listing_fini(listing *l) {
    td_buf_fini(&l->bases);
    td_buf_fini(&l->strays);
}

static td_status remove_strays(const listing *l) {
    td_status status = TD_OK;
    for (size_t at = 0; status == TD_OK && at < l->strays.size;) {
        const char *name = (const char *)l->strays.data + at;
        char path[TD_STEM_MAX + 64];
        (void)snprintf(path, sizeof path, "%s/%s", l->p->dir, name);
        status = l->p->os->ops->remove(l->p->os->self, path);
        at += strlen(name) + 1;
    }
    return status;
}

/* --- how much of a segment is whole --------------------------------------------------------------------------- */

typedef struct survey {
    td_partition *p;
    td_scan scan;
    int64_t stop_offset;      /* the next segment's base, or INT64_MAX */
    int64_t trusted_offset;   /* see td_partition_conf */
    int64_t trusted_position; /* where the first batch at or above it begins; -1: none */
    td_index *index;          /* told of each batch; NULL: none */
    bool learn_epochs;        /* their file is lost: the batches know them */
    bool doubtful;            /* an earlier try may have cut this file, and failed to make that durable */
} survey;

static void take_batch(survey *s, const td_head *head) {
    td_partition *p = s->p;
    int64_t position = s->scan.position - head->size_bytes;
    if (s->trusted_position < 0 && head->base_offset >= s->trusted_offset) s->trusted_position = position;
    if (s->index != NULL) td_index_add(s->index, head, position);
    if (s->learn_epochs && head->epoch > td_epochs_last(&p->epochs)) {
        td_epochs_begin(&p->epochs, head->epoch, head->base_offset);
    }
}

/* Goes to the end of what is whole. Below the trusted offset a damaged batch with valid ones behind it is kept, for the
 * reader to stop at. Above, nothing was promised to anybody: a crash may have lost any part of it, and what follows a
 * loss goes with it. */
static td_status survey_run(survey *s) {
    while (s->scan.offset < s->stop_offset) {
        td_head head;
        const uint8_t *bytes;
        td_status status = td_scan_next(&s->scan, &head, &bytes);
        if (status == TD_OK) {
            take_batch(s, &head);
            continue;
        }
        if (status == TD_AGAIN) return TD_OK;
        if (status != TD_CORRUPT) return status;

        int64_t position = s->scan.position, offset = s->scan.offset;
        if (offset >= s->trusted_offset) return TD_OK;
        status = td_scan_skip(&s->scan);
        if (status == TD_AGAIN) return TD_OK;
        if (status != TD_OK) return status;
        td_partition_report(s->p,
                            "corrupt batch at offset %" PRId64 " kept, %" PRId64
                            " bytes; reading stops there until `tapedeck log repair %s`",
                            offset, s->scan.position - position, s->p->name);
    }
    return TD_OK;
}

/* Where a survey may begin when the index is sound: at the batch of its last entry. */
static bool start_at_index(survey *s, const char *stem, int64_t base_offset) {
    td_index_entry last;
    td_head head;
    if (!td_index_whole(s->p->os, stem, &last)) return false;
    if (last.position == 0) return false; /* no entry: all of it must be read anyway */
    if (td_extent_head(&s->scan.window, last.position, &head) != TD_OK) return false;
    if (td_head_next_offset(&head) - 1 != base_offset + last.relative_offset) return false;
    if (head.base_offset >= s->stop_offset) return false; /* behind what a truncation left */
    s->scan.position = last.position;
    s->scan.offset = head.base_offset;
    return true;
}

/* Cuts the file where the survey ended; the sync is the caller's. A doubtful one is cut also where nothing is seen
 * behind: a failed sync may have dropped the cut before, and what the disk still holds would come back after a clean
 * end. */
static td_status cut_file(survey *s, const char *what, bool *out_cut) {
    td_partition *p = s->p;
    int64_t file_bytes;
    td_status status = p->os->ops->size(p->os->self, s->scan.window.file, &file_bytes);
    *out_cut = status == TD_OK && file_bytes > s->scan.position;
    if (status != TD_OK || !(*out_cut || s->doubtful)) return status;
    status = p->os->ops->truncate(p->os->self, s->scan.window.file, s->scan.position);
    if (status == TD_OK && *out_cut) {
        td_partition_report(p, "%s cut at offset %" PRId64 ", %" PRId64 " bytes", what, s->scan.offset,
                            file_bytes - s->scan.position);
    }
    return status;
}

/* --- opening for writing -------------------------------------------------------------------------------------- */

static void rebuilt_stem(const td_partition *p, char out[TD_STEM_MAX]) {
    (void)snprintf(out, TD_STEM_MAX, "%s/" REBUILT, p->dir);
}

static td_status rename_index(td_partition *p, int64_t base_offset, const char *suffix) {
    char from[TD_STEM_MAX], to[TD_STEM_MAX], from_path[TD_STEM_MAX + 16], to_path[TD_STEM_MAX + 16];
    rebuilt_stem(p, from);
    td_partition_stem(p, base_offset, to);
    (void)snprintf(from_path, sizeof from_path, "%s%s", from, suffix);
    (void)snprintf(to_path, sizeof to_path, "%s%s", to, suffix);
    return p->os->ops->rename(p->os->self, from_path, to_path);
}

/* The time index comes last and whole: while it is missing, opening builds both anew. */
static td_status put_rebuilt(td_partition *p, td_index *index) {
    td_status status = td_partition_sync_index(p, index, true);
    if (status != TD_OK || index->suspect) return status;
    status = td_partition_drop_index(p, index->base_offset);
    if (status == TD_OK) status = rename_index(p, index->base_offset, ".index");
    if (status == TD_OK) status = p->os->ops->sync_dir(p->os->self, p->dir);
    if (status == TD_OK) status = rename_index(p, index->base_offset, ".timeindex");
    return status == TD_OK ? p->os->ops->sync_dir(p->os->self, p->dir) : status;
}

/* Surveys one segment with its index, which is continued when sound and else built anew: that of a finished segment
 * under another name, since nobody would look again at what a crash left of it. */
static td_status survey_segment(survey *s, int64_t base_offset, td_index *index, bool deep, bool *out_rebuilt) {
    td_partition *p = s->p;
    char stem[TD_STEM_MAX];
    td_partition_stem(p, base_offset, stem);
    s->scan.position = 0;
    s->scan.offset = base_offset;
    s->trusted_position = -1;
    s->index = index;
    *out_rebuilt = deep || !start_at_index(s, stem, base_offset);
    if (*out_rebuilt && s->stop_offset != INT64_MAX) rebuilt_stem(p, stem);
    td_status status = *out_rebuilt ? td_index_create(index, p->os, stem, base_offset)
                                    : td_index_continue(index, p->os, stem, base_offset);
    if (status != TD_OK) return status;
    status = survey_run(s);
    if (status != TD_OK) td_index_close(index);
    return status;
}

static td_status load_finished(survey *s, int64_t base_offset, bool deep) {
    td_partition *p = s->p;
    int file;
    td_status status = td_partition_file(p, base_offset, TD_OPEN_WRITE, &file);
    if (status != TD_OK) return status;
    td_extent_move(&s->scan.window, file);

    td_index index;
    bool rebuilt, cut = false;
    td_segment segment = {.base_offset = base_offset};
    status = survey_segment(s, base_offset, &index, deep, &rebuilt);
    /* A truncation makes the rewritten batch's segment first, and a crash may come before the old one is cut. */
    if (status == TD_OK && s->scan.offset == s->stop_offset) status = cut_file(s, "rest of a truncation", &cut);
    if (status == TD_OK && (cut || s->doubtful)) status = p->os->ops->sync(p->os->self, file);
    if (status == TD_OK && cut && !rebuilt) { /* the index may know what was cut */
        td_index_close(&index);
        status = survey_segment(s, base_offset, &index, true, &rebuilt);
    }
    if (status == TD_OK && rebuilt) status = put_rebuilt(p, &index);
    segment.max_timestamp_ms = index.max_timestamp_ms;
    td_index_close(&index);
    if (status == TD_OK) status = p->os->ops->size(p->os->self, file, &segment.bytes);
    if (status == TD_OK) td_partition_push(p, segment);
    p->os->ops->close(p->os->self, file);
    return status;
}

/* When the active segment began: it is rolled by age. */
static td_status note_first_time(survey *s) {
    td_head head;
    td_extent_drop(&s->scan.window);
    td_status status = s->scan.position > 0 ? td_extent_head(&s->scan.window, 0, &head) : TD_AGAIN;
    s->p->first_timestamp_ms = status == TD_OK ? head.base_timestamp_ms : INT64_MAX;
    return status == TD_RETRY ? status : TD_OK;
}

/* On success the partition holds the file and its index; the tail that was never promised durable is so now. */
static td_status load_active(survey *s, int64_t base_offset, bool deep, bool *out_cut) {
    td_partition *p = s->p;
    bool rebuilt;
    td_status status = td_partition_file(p, base_offset, TD_OPEN_CREATE, &p->file);
    if (status != TD_OK) return status;
    td_extent_move(&s->scan.window, p->file);
    status = survey_segment(s, base_offset, &p->index, deep, &rebuilt);
    if (status != TD_OK) return status;
    td_partition_push(p, (td_segment){.base_offset = base_offset});

    status = cut_file(s, "torn tail", out_cut);
    if (status == TD_OK) status = note_first_time(s);
    bool rewrite = deep && s->trusted_offset != INT64_MAX && s->trusted_position >= 0;
    if (status == TD_OK && rewrite) status = td_partition_rewrite(p, s->trusted_position, s->scan.position);
    if (status == TD_OK && (deep || *out_cut || s->doubtful)) status = p->os->ops->sync(p->os->self, p->file);
    return status;
}

static td_status load_segments(survey *s, const listing *l, bool *out_cut) {
    td_status status = TD_OK;
    size_t count = base_count(l);
    bool doubtful = s->doubtful;
    for (size_t i = 0; i + 1 < count && status == TD_OK; i++) {
        s->stop_offset = base_at(l, i + 1);
        s->doubtful = doubtful && i + 2 == count; /* a truncation cuts what becomes the last, or the one before */
        status = load_finished(s, base_at(l, i), s->learn_epochs);
    }
    s->stop_offset = INT64_MAX;
    s->doubtful = doubtful;
    bool deep = s->p->conf.unclean || s->learn_epochs;
    if (status == TD_OK) status = load_active(s, count > 0 ? base_at(l, count - 1) : 0, deep, out_cut);
    return status;
}

static td_status settle_epochs(td_partition *p, int64_t end, int32_t last, bool begin) {
    char path[TD_STEM_MAX + 32];
    (void)snprintf(path, sizeof path, "%s/leader-epoch-checkpoint", p->dir);
    if (last < td_epochs_last(&p->epochs)) last = td_epochs_last(&p->epochs);
    td_epochs_cut(&p->epochs, end);
    if (!begin && last >= 0 && last == td_epochs_last(&p->epochs)) return TD_OK;
    td_epochs_begin(&p->epochs, last + 1, end);
    return td_trace(td_epochs_save(&p->epochs, p->os, path), "saving the epochs of %s", p->name);
}

td_status td_partition_begin_epoch(td_partition *p, int64_t offset) {
    td_epochs next = {0};
    char path[TD_STEM_MAX + 32];
    (void)snprintf(path, sizeof path, "%s/leader-epoch-checkpoint", p->dir);
    for (size_t i = 0; i < p->epochs.count; i++)
        td_epochs_begin(&next, p->epochs.items[i].epoch, p->epochs.items[i].offset);
    td_epochs_begin(&next, td_epochs_last(&p->epochs) + 1, offset);
    td_status status = td_epochs_save(&next, p->os, path);
    if (status == TD_OK) {
        pthread_mutex_lock(&p->list_lock);
        td_epochs last = p->epochs;
        p->epochs = next;
        next = last;
        pthread_mutex_unlock(&p->list_lock);
    }
    td_epochs_fini(&next);
    return td_trace(status, "beginning an epoch of %s", p->name);
}

static td_status load_epochs(td_partition *p, bool *out_lost) {
    char path[TD_STEM_MAX + 32];
    (void)snprintf(path, sizeof path, "%s/leader-epoch-checkpoint", p->dir);
    td_status status = td_epochs_load(&p->epochs, p->os, path);
    *out_lost = status == TD_CORRUPT;
    return *out_lost ? TD_OK : status;
}

static void set_ends(td_partition *p, int64_t end, int64_t active_bytes) {
    int64_t bytes = active_bytes;
    for (size_t i = 0; i + 1 < p->segment_count; i++) bytes += p->segments[i].bytes;
    p->flushed_offset = end;
    p->flushed_bytes = active_bytes;
    p->suspect = p->torn = p->cut = p->rolling = false;
    atomic_store_explicit(&p->epoch_over, false, memory_order_relaxed);
    p->last_timestamp_ms = p->index.max_timestamp_ms;
    for (size_t i = 0; i + 1 < p->segment_count; i++)
        if (p->segments[i].max_timestamp_ms > p->last_timestamp_ms)
            p->last_timestamp_ms = p->segments[i].max_timestamp_ms;
    p->next_offset = end;
    p->unpublished.size = 0;
    store(&p->written_bytes, active_bytes);
    store(&p->active_bytes, active_bytes);
    store(&p->bytes, bytes);
    store(&p->start, p->segments[0].base_offset);
    store(&p->synced, end);
    store(&p->end, end);
}

static td_status load_writable(td_partition *p, const listing *l, bool begin_epoch) {
    survey s = {.p = p,
                .scan.window.os = p->os,
                .trusted_offset = p->conf.trusted_offset,
                .doubtful = begin_epoch || p->conf.unclean};
    bool cut = false, fresh = base_count(l) == 0, epochs_lost;
    td_status status = load_epochs(p, &epochs_lost);
    int32_t last_epoch = td_epochs_last(&p->epochs);
    s.learn_epochs = epochs_lost && !fresh;
    if (status == TD_OK) status = remove_strays(l);
    if (status == TD_OK) status = load_segments(&s, l, &cut);
    td_extent_fini(&s.scan.window);
    /* An earlier try may have made files and failed to make their names durable. */
    if (status == TD_OK) status = p->os->ops->sync_dir(p->os->self, p->dir);
    if (status != TD_OK) return status;
    if (s.learn_epochs)
        td_partition_report(p, "leader-epoch-checkpoint was missing or unreadable: learnt from the log");
    bool begin = begin_epoch || cut || s.learn_epochs || (p->conf.unclean && !fresh);
    status = settle_epochs(p, s.scan.offset, last_epoch, begin);
    if (status != TD_OK) return status;
    set_ends(p, s.scan.offset, s.scan.position);
    p->conf.unclean = false; /* it is repaired, and all that is left is synced */
    p->conf.trusted_offset = INT64_MAX;
    return TD_OK;
}

/* --- opening for reading only --------------------------------------------------------------------------------- */

static td_status segment_size(td_partition *p, int64_t base_offset, int64_t *out_bytes) {
    int file;
    td_status status = td_partition_file(p, base_offset, TD_OPEN_READ, &file);
    if (status != TD_OK) return status;
    status = p->os->ops->size(p->os->self, file, out_bytes);
    p->os->ops->close(p->os->self, file);
    return status;
}

/* Takes over the row of segments that is on the disk now. One may vanish between list and open: TD_CONFIG. */
static td_status relist(td_partition *p, const listing *l) {
    size_t count = base_count(l) > 0 ? base_count(l) : 1; /* a partition that is being made: one empty segment */
    td_segment *segments = td_alloc_zero(count, sizeof *segments);
    int64_t finished_bytes = 0;
    for (size_t i = 0; i < base_count(l); i++) {
        segments[i].base_offset = base_at(l, i);
        td_status status = i + 1 < count ? segment_size(p, segments[i].base_offset, &segments[i].bytes) : TD_OK;
        if (status != TD_OK) {
            free(segments);
            return status;
        }
        finished_bytes += segments[i].bytes;
    }
    int64_t base = segments[count - 1].base_offset;
    pthread_mutex_lock(&p->list_lock);
    bool rolled = p->segment_count == 0 || p->segments[p->segment_count - 1].base_offset != base;
    free(p->segments);
    p->segments = segments;
    p->segment_count = count;
    pthread_mutex_unlock(&p->list_lock);
    if (rolled) store(&p->active_bytes, 0);
    if (rolled) store(&p->end, base);
    store(&p->start, segments[0].base_offset);
    store(&p->bytes, finished_bytes + p->active_bytes);
    return TD_OK;
}

/* From what is known of the active segment, or from the index where nothing is, to the end of what is whole now. */
static td_status survey_active(td_partition *p) {
    int64_t base = p->segments[p->segment_count - 1].base_offset;
    survey s = {.p = p, .stop_offset = INT64_MAX, .trusted_offset = INT64_MAX};
    s.scan = (td_scan){.window.os = p->os, .position = p->active_bytes, .offset = p->end};
    td_status status = td_partition_file(p, base, TD_OPEN_READ, &s.scan.window.file);
    if (status != TD_OK) return status;
    if (p->active_bytes == 0) {
        char stem[TD_STEM_MAX];
        td_partition_stem(p, base, stem);
        (void)start_at_index(&s, stem, base);
    }
    status = survey_run(&s);
    p->os->ops->close(p->os->self, s.scan.window.file);
    td_extent_fini(&s.scan.window);
    if (status != TD_OK) return status;
    store(&p->bytes, p->bytes + s.scan.position - p->active_bytes);
    store(&p->active_bytes, s.scan.position);
    store(&p->synced, s.scan.offset);
    store(&p->end, s.scan.offset);
    return TD_OK;
}

td_status td_partition_refresh(td_partition *p) {
    td_status status = TD_CONFIG;
    pthread_mutex_lock(&p->file_lock);
    for (int tries = 0; status == TD_CONFIG && tries < 3; tries++) { /* retention may race with us */
        listing l;
        status = list_files(p, &l);
        if (status == TD_OK) status = relist(p, &l);
        if (status == TD_OK && base_count(&l) > 0) status = survey_active(p);
        listing_fini(&l);
    }
    pthread_mutex_unlock(&p->file_lock);
    return status;
}

/* --- open and close ------------------------------------------------------------------------------------------- */

static void unload(td_partition *p) {
    if (p->file >= 0) {
        p->os->ops->close(p->os->self, p->file);
        td_index_close(&p->index);
    }
    p->file = -1;
    p->index = (td_index){.os = p->os, .offset_file = -1, .time_file = -1};
    free(p->segments);
    p->segments = NULL;
    p->segment_count = 0;
    td_epochs_fini(&p->epochs);
}

td_status td_partition_reload(td_partition *p, bool begin_epoch) {
    unload(p);
    listing l;
    td_status status = list_files(p, &l);
    if (status == TD_OK) status = load_writable(p, &l, begin_epoch);
    if (status != TD_OK) unload(p); /* all of it or nothing */
    listing_fini(&l);
    return td_trace(status, "opening %s", p->dir);
}

static td_status open_readable(td_partition *p) {
    bool epochs_lost; /* then there are none to show: only a writer learns them from the log */
    td_status status = load_epochs(p, &epochs_lost);
    if (status == TD_OK) status = td_partition_refresh(p);
    return td_trace(status, "opening %s", p->dir);
}

td_status td_partition_open(td_partition **out, const td_partition_conf *conf) {
    td_partition *p = td_alloc_zero(1, sizeof *p);
    td_buf dir = {0};
    td_buf_printf(&dir, "%s/%s-%u", conf->data_dir, conf->topic, conf->number);
    td_buf_put(&dir, "", 1);
    p->conf = *conf;
    p->os = conf->os;
    p->dir = (char *)dir.data;
    p->name = p->dir + strlen(conf->data_dir) + 1;
    p->file = -1;
    pthread_mutex_init(&p->append_lock, NULL);
    p->limit = INT64_MAX;
    if (!conf->read_only) td_buf_reserve(&p->unpublished, 4 * sizeof(td_unpublished));
    pthread_mutex_init(&p->list_lock, NULL);
    pthread_mutex_init(&p->file_lock, NULL);

    td_status status = conf->read_only ? open_readable(p) : p->os->ops->make_dir(p->os->self, p->dir);
    if (status == TD_OK && !conf->read_only) status = td_partition_reload(p, false);
    if (status != TD_OK) {
        td_partition_close(p);
        return status;
    }
    *out = p;
    return TD_OK;
}

void td_partition_close(td_partition *p) {
    if (p == NULL) return;
    unload(p);
    td_packer_fini(&p->packer);
    pthread_mutex_destroy(&p->append_lock);
    td_buf_fini(&p->unpublished);
    pthread_mutex_destroy(&p->list_lock);
    pthread_mutex_destroy(&p->file_lock);
    free(p->dir);
    free(p);
}
