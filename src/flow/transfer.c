/* src/flow/transfer.c - partitions in turn: what is there is compared, then what lacks is appended. */
#include "flow/transfer.h"
#include "flow/capture.h"
#include "flow/programs.h"
#include "flow/restate.h"
#include <inttypes.h>
#include <stdlib.h>

enum { BATCH_BYTES = 4 << 20, TURN_BYTES = 32 << 20, COMPARED_MAX = 1 << 16 };
enum { ALIKE_BYTES = 37 }; /* a program's schema and hash, which stand before the place that it names */

typedef struct lane { /* a partition on its way */
    td_topic *from, *to;
    uint32_t partition;
    td_sheet *sheet; /* NULL: nothing names a place of it */
    td_reader *source;
    td_record record; /* lent by the source, not taken yet */
    bool loaded;
    bool waits;          /* for what the record names */
    int64_t begin, next; /* of the source: where it began, what is to be taken next */
    int64_t limit;
    td_reader *copy; /* what the other log holds: to be compared, then, of one with a sheet, to know where it is */
    bool comparing;
    bool aligned; /* a record of the source has been found in the copy */
} lane;

struct td_transfer {
    td_transfer_conf conf;
    td_topics from; /* as it is read */
    td_writer *writer;
    td_registry *registry; /* of the schemas that went along */
    const td_schema_ids *ids;
    td_atlas atlas;
    td_restater restater;
    lane *lanes;
    size_t lane_count, next_lane;
    size_t idle;        /* turns in a row that moved nothing */
    size_t comparing;   /* lanes */
    bool keeps_schemas; /* … is still to say what the records' ids mean, before the first is appended */
    bool has_lost;      /* retention has taken records of the log that others may name */
    td_batch batch;     /* of one lane, to be appended */
    lane *batch_lane;
    td_transfer_counts counts;
};

static td_status fail_other(const lane *l, int64_t offset) {
    return TD_FAIL(
        TD_CONFIG,
        "%s-%" PRIu32 " holds something else at offset %" PRId64
        " than what it is to be a copy of; nothing was written: name a new folder, or a prefix that is not used",
        l->to->name, l->partition, offset);
}

/* ---- what is to be read ---- */

/* The next record, with where it is known to go on. TD_AGAIN: behind the limit there is more, or nothing. */
static td_status load(lane *l) {
    td_status status = TD_OK;
    if (!l->loaded && l->next >= l->limit) return TD_AGAIN;
    if (!l->loaded) status = td_reader_next(l->source, &l->record);
    if (td_reader_lost(l->source) > 0)
        return TD_FAIL(TD_CONFIG, "retention removed what was being read of %s-%" PRIu32 "; copy into a new log",
                       l->from->name, l->partition);
    l->loaded = l->loaded || status == TD_OK;
    if (status == TD_OK && l->record.offset < l->limit) return TD_OK;
    if (status == TD_OK || status == TD_AGAIN) l->next = l->loaded ? l->record.offset : td_reader_offset(l->source);
    if (l->sheet != NULL && l->next > l->sheet->passed) l->sheet->passed = l->next; /* behind what is no record, too */
    return status == TD_OK ? TD_AGAIN : status;
}

/* Without its beginning the records of the copy cannot be counted. */
static td_status check_begin(const lane *l, int64_t lost) {
    if (lost == 0) return TD_OK;
    return TD_FAIL(TD_CONFIG, "retention has taken the begin of the copy of %s-%" PRIu32 "; copy into a new log",
                   l->to->name, l->partition);
}

/* What the copies of the tape have got since. */
static td_status read_back(td_transfer *t) {
    td_record record;
    td_status status = TD_OK;
    for (size_t i = 0; i < t->lane_count && status == TD_OK; i++) {
        lane *l = &t->lanes[i];
        if (l->sheet == NULL || l->comparing) continue;
        while ((status = td_reader_next(l->copy, &record)) == TD_OK)
            td_sheet_note_copy(l->sheet, (td_position){record.epoch, record.offset});
        if (status == TD_OK || status == TD_AGAIN) status = check_begin(l, td_reader_lost(l->copy));
    }
    return status;
}

/* TD_AGAIN: it waits. */
static td_status restate(td_transfer *t, lane *l, td_record *out) {
    td_original original = {l->from->name, l->partition, &l->record};
    td_status status = td_restate(&t->restater, t->ids, &original, out);
    if (status == TD_AGAIN) status = read_back(t);
    if (status == TD_OK) status = td_restate(&t->restater, t->ids, &original, out);
    l->waits = status == TD_AGAIN;
    return status;
}

/* It is in the copy, or on its way there. */
static td_status take(td_transfer *t, lane *l) {
    td_status status = TD_OK;
    if (l->sheet != NULL) td_sheet_note_original(l->sheet, l->record.offset);
    if (strcmp(l->from->name, "_schemas") == 0) {
        status = td_registry_load(t->registry, l->record.key, l->record.value);
        t->ids = td_registry_ids(t->registry);
    }
    l->loaded = false;
    l->next = l->record.offset + 1;
    return status == TD_OK ? TD_OK : td_trace(status, "reading offset %" PRId64 " of _schemas", l->record.offset);
}

/* ---- what is there ---- */

/* A copy of the program alone is one of a partition that had lost all others. */
static bool is_program_alone(const lane *l) { return l->sheet != NULL && l->sheet->ahead == 1; }

/* A record of the copy from before what the log still has. */
static bool is_from_before(const lane *l) { return !l->aligned && l->begin > 0; }

/* Where the log has its beginning, a copy that was never aligned held nothing: what an aborted transaction left. */
static td_status end_comparing(td_transfer *t, lane *l) {
    td_status status = l->aligned ? TD_AGAIN : load(l);
    if (status == TD_OK && is_from_before(l) && !is_program_alone(l)) return fail_other(l, td_reader_offset(l->copy));
    if (status != TD_OK && status != TD_AGAIN) return status;
    l->comparing = false;
    t->comparing--;
    if (l->sheet != NULL) return TD_AGAIN;
    td_reader_close(l->copy);
    l->copy = NULL;
    return TD_AGAIN;
}

static void pass_copy(td_transfer *t, lane *l, const td_record *held) {
    if (l->sheet != NULL) td_sheet_note_copy(l->sheet, (td_position){held->epoch, held->offset});
    if (l->sheet != NULL && !l->aligned) l->sheet->ahead++;
    t->counts.found++;
}

static bool begins_alike(td_bytes a, td_bytes b) {
    if (a.size > ALIKE_BYTES) a.size = ALIKE_BYTES;
    return td_bytes_begin(b, a);
}

/* A place that the log has lost is known to the copy alone. */
static bool is_same(const td_transfer *t, const lane *l, const td_record *held, const td_record *wanted) {
    bool names_lost = t->has_lost && t->restater.placed;
    if (!td_bytes_equal(held->key, wanted->key)) return false;
    if (td_bytes_equal(held->value, wanted->value)) return true;
    return names_lost && (l->aligned || begins_alike(wanted->value, held->value));
}

static td_status compare_one(td_transfer *t, lane *l, const td_record *held) {
    td_record wanted;
    td_status status = load(l);
    bool none = status == TD_AGAIN;
    if (status == TD_OK) status = restate(t, l, &wanted);
    if (status == TD_AGAIN && !none) return TD_AGAIN;
    bool same = status == TD_OK && is_same(t, l, held, &wanted);
    if (status != TD_OK && !none) return status;
    if (!same && !is_from_before(l)) return fail_other(l, held->offset);
    l->aligned |= same;
    pass_copy(t, l, held);
    return same ? take(t, l) : TD_OK;
}

/* *out_moved: so many records. What cannot be compared yet is read again. */
static td_status compare(td_transfer *t, lane *l, int64_t *out_moved) {
    td_status status = TD_OK;
    while (*out_moved < COMPARED_MAX && status == TD_OK) {
        td_record held;
        status = td_reader_next(l->copy, &held);
        td_status begins = check_begin(l, td_reader_lost(l->copy));
        if (begins != TD_OK) return begins;
        if (status == TD_AGAIN) return end_comparing(t, l);
        if (status != TD_OK) return status;
        status = compare_one(t, l, &held);
        if (status == TD_OK) ++*out_moved;
        if (status != TD_OK) td_reader_seek(l->copy, held.offset);
    }
    return status;
}

/* ---- what lacks ---- */

static td_status send(td_transfer *t) {
    if (t->batch.count == 0) return TD_OK;
    td_status status = td_writer_append(t->writer, t->batch_lane->to, t->batch_lane->partition, &t->batch);
    if (status != TD_OK)
        return td_trace(status, "copying %s-%" PRIu32, t->batch_lane->to->name, t->batch_lane->partition);
    t->counts.copied += t->batch.count;
    td_batch_reset(&t->batch);
    return TD_OK;
}

static td_status put(td_transfer *t, lane *l, const td_record *record, size_t *size) {
    t->batch_lane = l;
    if (!td_batch_add_record(&t->batch, record)) {
        td_status status = send(t);
        if (status != TD_OK) return status;
        (void)td_batch_add_record(&t->batch, record); /* empty: takes any record */
    }
    *size += record->key.size + record->value.size + record->headers.size;
    return TD_OK;
}

/* The program that is in force where the tape begins, since its own record is gone. */
static td_status put_program(td_transfer *t, lane *l, size_t *size) {
    td_event e = {.kind = TD_EVENT_PROGRAM, .program.warm_from = TD_NONE};
    td_status status = td_program_at(&t->from, l->partition, l->begin, e.program.sha256);
    if (status != TD_OK) return status;
    td_buf value = {0};
    td_record_put_event(&value, t->conf.to_ids != NULL ? t->conf.to_ids : t->ids, (td_bytes){0}, &e);
    td_record record = {.timestamp_ms = l->loaded ? l->record.timestamp_ms : 0, .value = td_buf_bytes(&value)};
    status = put(t, l, &record, size);
    td_buf_fini(&value);
    l->sheet->ahead = 1;
    return status;
}

static bool lacks_program(const td_transfer *t, const lane *l) {
    bool first = l->sheet != NULL && l->sheet->original_count == 0 && l->sheet->ahead == 0 && l->begin > 0;
    if (!first || strcmp(l->from->name, "tape") != 0) return false;
    return !l->loaded || td_record_schema(t->ids, l->record.value) != TD_SCHEMA_PROGRAM;
}

static td_status copy(td_transfer *t, lane *l, int64_t *out_moved) {
    size_t size = 0;
    td_record record;
    td_status status = TD_OK;
    while (size < TURN_BYTES && status == TD_OK) {
        status = load(l);
        if ((status == TD_OK || status == TD_AGAIN) && lacks_program(t, l)) {
            td_status put_there = put_program(t, l, &size);
            if (put_there != TD_OK) return put_there;
            ++*out_moved;
        }
        if (status == TD_OK) status = restate(t, l, &record);
        if (status == TD_OK) status = put(t, l, &record, &size);
        if (status == TD_OK) status = take(t, l);
        if (status == TD_OK) ++*out_moved;
    }
    if (status != TD_OK && status != TD_AGAIN) return status;
    td_status sent = send(t);
    return sent != TD_OK ? sent : status;
}

/* ---- turns ---- */

/* All turns in a row moved nothing. */
static td_status end_round(td_transfer *t) {
    for (size_t i = 0; i < t->lane_count && t->comparing > 0; i++)
        if (t->lanes[i].comparing) return fail_other(&t->lanes[i], td_reader_offset(t->lanes[i].copy));
    return TD_AGAIN;
}

td_status td_transfer_step(td_transfer *t) {
    if (t->batch.count > 0) return send(t);
    if (t->idle >= t->lane_count) return end_round(t);
    lane *l = &t->lanes[t->next_lane];
    int64_t moved = 0;
    bool compares = t->comparing > 0;
    td_status status = TD_OK;
    if (!compares && t->keeps_schemas) {
        status = td_topics_keep_schemas(t->conf.to, t->from.ids, t->conf.now_ms);
        if (status != TD_OK) return status;
        t->keeps_schemas = false;
    }
    if (compares && l->comparing) status = compare(t, l, &moved);
    if (!compares) status = copy(t, l, &moved);
    if (moved > 0) t->idle = 0; /* also where the turn ends with an error: others waited for it */
    if (status != TD_OK && status != TD_AGAIN) return status;
    bool ended = compares && t->comparing == 0;
    t->idle = moved > 0 || ended ? 0 : t->idle + 1;
    if (moved == 0 || status == TD_AGAIN || !compares) t->next_lane = (t->next_lane + 1) % t->lane_count;
    return TD_OK;
}

/* Who only reads a folder learns its end by reading up to it. */
td_status td_transfer_renew(td_transfer *t) {
    for (size_t i = t->lane_count; i-- > 0;) { /* what rests on others first */
        lane *l = &t->lanes[i];
        td_status status = l->loaded ? TD_OK : td_reader_next(l->source, &l->record);
        if (status != TD_OK && status != TD_AGAIN) return status;
        l->loaded = status == TD_OK;
        l->limit = td_topic_end(l->from, l->partition);
    }
    t->idle = t->next_lane = 0; /* schemas before what is written by them */
    return TD_OK;
}

void td_transfer_count(const td_transfer *t, td_transfer_counts *out) {
    *out = t->counts;
    for (size_t i = 0; i < t->lane_count; i++) {
        const lane *l = &t->lanes[i];
        out->waiting += l->waits;
        out->done += l->next - l->begin;
        out->all += l->limit - l->begin;
    }
}

/* ---- opening ---- */

typedef struct found { /* topics of the log */
    td_topic **topics;
    size_t count, capacity;
} found;

static void note_topic(void *arg, td_topic *topic) {
    found *f = arg;
    if (f->count == f->capacity) {
        f->capacity = 2 * f->capacity + 32;
        size_t bytes = f->capacity * sizeof(td_topic *);
        f->topics = td_alloc_check(realloc(f->topics, bytes), bytes);
    }
    f->topics[f->count++] = topic;
}

/* The later ones rest on the earlier ones. */
static int rank_of(const char *name) {
    static const char *const first[] = {"_schemas",   "_programs", "_inputs", "_answers",
                                        "_bookmarks", "tape",      "rejected"};
    enum { FIRST = sizeof first / sizeof first[0] };
    for (int i = 0; i < FIRST; i++)
        if (strcmp(name, first[i]) == 0) return i;
    return td_topics_role_of(name) == TD_TOPIC_INPUT ? FIRST : FIRST + 1;
}

static int by_rank(const void *a, const void *b) {
    const td_topic *const *x = a, *const *y = b;
    int order = rank_of((*x)->name) - rank_of((*y)->name);
    return order != 0 ? order : strcmp((*x)->name, (*y)->name);
}

static bool is_ours(const td_topic *topic) {
    if (strcmp(topic->name, TD_TOPICS_SNAPSHOTS) == 0) return false;
    return td_topics_partitions_of(topic->name, 1) > 0 || strcmp(topic->name, "_answers") == 0 ||
           strcmp(topic->name, "_bookmarks") == 0 || td_bytes_begin(td_text(topic->name), TD_TEXT(TD_CAPTURE_TOPICS));
}

/* Both logs keep their schemas themselves. */
static bool schemas_go_along(const td_transfer *t) { return t->from.schemas != NULL && t->conf.to_ids == NULL; }

static bool is_chosen(const td_transfer *t, const td_topic *topic) {
    const td_texts *chosen = t->conf.chosen;
    if (strcmp(topic->name, "_schemas") == 0 && !schemas_go_along(t)) return false;
    if (chosen->count == 0) return is_ours(topic);
    if (is_ours(topic) && rank_of(topic->name) <= rank_of("rejected")) return true; /* nothing is read without them */
    for (size_t i = 0; i < chosen->count; i++)
        if (strcmp(chosen->items[i], topic->name) == 0) return true;
    return false;
}

static td_status choose(const td_transfer *t, found *all) {
    size_t count = 0;
    td_status status = td_log_each_topic(t->conf.from, note_topic, all);
    if (status != TD_OK) return status;
    for (size_t c = 0; c < t->conf.chosen->count; c++) {
        size_t i = 0;
        while (i < all->count && strcmp(all->topics[i]->name, t->conf.chosen->items[c]) != 0) i++;
        if (i == all->count) return TD_FAIL(TD_CONFIG, "there is no topic %s to copy", t->conf.chosen->items[c]);
    }
    for (size_t i = 0; i < all->count; i++)
        if (is_chosen(t, all->topics[i])) all->topics[count++] = all->topics[i];
    all->count = count;
    qsort(all->topics, count, sizeof(td_topic *), by_rank);
    return TD_OK;
}

/* None is made before all that are there are as they have to be. */
static td_status open_copies(const td_transfer *t, const found *all, td_topic *copies[]) {
    for (int makes = 0; makes < 2; makes++) {
        for (size_t i = 0; i < all->count; i++) {
            const td_topic *from = all->topics[i];
            td_topic_role role = td_topics_role_of(from->name);
            td_status status = td_log_topic(t->conf.to, from->name, makes ? from->partitions : 0, role, &copies[i]);
            if (status == TD_AGAIN) continue;
            if (status != TD_OK) return status;
            if (copies[i]->partitions != from->partitions)
                return TD_FAIL(TD_CONFIG,
                               "topic %s there has %" PRIu32 " partitions, and here %" PRIu32
                               "; a log keeps its number: name a new folder, or a prefix that is not used",
                               from->name, copies[i]->partitions, from->partitions);
        }
    }
    return TD_OK;
}

static td_status open_lane(td_transfer *t, lane *l) {
    l->sheet = td_atlas_sheet(&t->atlas, td_text(l->from->name), l->partition);
    l->begin = l->next = td_topic_start(l->from, l->partition);
    l->comparing = td_topic_end(l->to, l->partition) > 0;
    t->comparing += l->comparing;
    t->has_lost |= l->sheet != NULL && l->begin > 0;
    if (l->sheet != NULL) l->sheet->begin = l->sheet->passed = l->begin;
    td_status status = check_begin(l, td_topic_start(l->to, l->partition));
    if (status == TD_OK) status = td_reader_open(&l->source, l->from, l->partition, l->begin, TD_READ_APPENDED);
    if (status == TD_OK && (l->comparing || l->sheet != NULL))
        status = td_reader_open(&l->copy, l->to, l->partition, 0, TD_READ_APPENDED);
    return status;
}

static td_status open_lanes(td_transfer *t, const found *all, td_topic *const copies[]) {
    size_t count = 0;
    for (size_t i = 0; i < all->count; i++) count += all->topics[i]->partitions;
    t->lanes = td_alloc_zero(count, sizeof *t->lanes);
    t->counts.topics = (int64_t)all->count;
    t->counts.partitions = (int64_t)count;
    td_status status = TD_OK;
    for (size_t i = 0; i < all->count; i++)
        for (uint32_t p = 0; p < all->topics[i]->partitions && status == TD_OK; p++) {
            lane *l = &t->lanes[t->lane_count++];
            *l = (lane){.from = all->topics[i], .to = copies[i], .partition = p};
            status = open_lane(t, l);
        }
    return status;
}

static td_status open_all(td_transfer *t) {
    found all = {0};
    const td_topics_conf from = {.log = t->conf.from, .registry = t->conf.from_registry};
    td_status status = td_topics_open_to_read_as(&t->from, &from);
    if (status != TD_OK) return status;
    td_atlas_init(&t->atlas, t->from.partitions);
    t->registry = td_registry_new();
    t->ids = schemas_go_along(t) ? td_registry_ids(t->registry) : t->from.ids;
    t->restater.atlas = &t->atlas;
    t->restater.to_ids = t->conf.to_ids;
    t->keeps_schemas = t->from.schemas == NULL && t->conf.to_ids == NULL;
    status = choose(t, &all);
    td_topic **copies = td_alloc_zero(all.count + 1, sizeof(td_topic *));
    if (status == TD_OK) status = open_copies(t, &all, copies);
    if (status == TD_OK) status = td_writer_open(&t->writer, t->conf.to, "copy");
    if (status == TD_OK) status = open_lanes(t, &all, copies);
    free(copies);
    free(all.topics);
    return status;
}

td_status td_transfer_open(td_transfer **out, const td_transfer_conf *conf) {
    td_transfer *t = td_alloc_zero(1, sizeof *t);
    t->conf = *conf;
    td_batch_init(&t->batch, BATCH_BYTES);
    td_status status = open_all(t);
    if (status == TD_OK) status = td_transfer_renew(t);
    if (status != TD_OK) {
        td_transfer_close(t);
        return status;
    }
    *out = t;
    return TD_OK;
}

void td_transfer_close(td_transfer *t) {
    if (t == NULL) return;
    for (size_t i = 0; i < t->lane_count; i++) {
        td_reader_close(t->lanes[i].source);
        td_reader_close(t->lanes[i].copy);
    }
    free(t->lanes);
    td_writer_close(t->writer);
    td_batch_fini(&t->batch);
    td_restater_fini(&t->restater);
    td_atlas_fini(&t->atlas);
    td_registry_free(t->registry);
    if (t->from.registry != NULL) td_topics_close(&t->from);
    free(t);
}
