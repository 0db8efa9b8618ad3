/* src/flow/savepoint.c - snapshot + position as a file, or in the topic of snapshots. */
#include "flow/savepoint.h"
#include "base/hash.h"
#include "flow/handover.h"
#include "flow/programs.h"
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    SAVEPOINT_MAGIC = 0x31504b43,
    SAVEPOINT_VERSION = 8,
    UNPUBLISHED_VERSION = 7,
    SAVEPOINT_BYTES_MAX = 1 << 30,
    PATH_BYTES = 512
};

enum { PUBLISHED = TD_OUTPUT_COUNT - TD_OUTPUT_PUBLISHED };

typedef struct file_head { /* in this machine's byte order; another machine's is void */
    uint32_t magic, version;
    uint32_t crc32c; /* of everything behind this field */
    uint32_t partition;
    int32_t tape_epoch, output_epochs[TD_OUTPUT_PUBLISHED];
    uint32_t place_count; /* of td_members_places, behind the head: of the others they are 0 */
    int64_t tape_offset, output_offsets[TD_OUTPUT_PUBLISHED];
    uint8_t program_sha256[TD_PROGRAM_SHA_BYTES];
} file_head;
_Static_assert(sizeof(file_head) == 160, "the file format depends on this layout");

typedef struct file_end { /* of what is published: so many of them as `count` of the first says, behind the places */
    int32_t count, epoch;
    int64_t offset;
} file_end;
_Static_assert(sizeof(file_end) == 16, "the file format depends on this layout");

struct td_savepoint {
    td_savepoint_conf conf;
    char dir[PATH_BYTES];
    td_buf file;       /* head, then the state */
    size_t room_bytes; /* of it, that have been touched */
    td_buf kept;       /* offsets of the files kept, ascending as their names are: as list_kept found them */
    td_savepoint_ends ends;
    td_members_places places;
    atomic_bool pending; /* the file is whole, and nobody but who writes it may touch it */
    atomic_bool writing; /* one thread at a time */
    bool keep;
    uint32_t slot; /* of the topic, to be written next; NO_SLOT: to be found */
};

#define NO_SLOT UINT32_MAX

td_status td_savepoint_open(td_savepoint **out, const td_savepoint_conf *conf) {
    if (strlen(conf->dir) >= PATH_BYTES) return TD_FAIL(TD_CONFIG, "log.dir: the path %s is too long", conf->dir);
    td_savepoint *c = td_alloc_zero(1, sizeof *c);
    c->conf = *conf;
    c->slot = NO_SLOT;
    (void)snprintf(c->dir, sizeof c->dir, "%s", conf->dir);
    *out = c;
    return TD_OK;
}

void td_savepoint_close(td_savepoint *c) {
    if (c == NULL) return;
    td_buf_fini(&c->kept);
    td_buf_fini(&c->file);
    free(c);
}

/* ---- files ---- */

typedef struct file_path {
    char text[PATH_BYTES + 64];
} file_path;

#define NEWEST INT64_C(-1)

static file_path path_of(const td_savepoint *c, int64_t offset) {
    file_path path;
    if (offset == NEWEST)
        (void)snprintf(path.text, sizeof path.text, "%s/tape-%" PRIu32 ".snapshot", c->dir, c->conf.partition);
    else
        (void)snprintf(path.text, sizeof path.text, "%s/tape-%" PRIu32 "@%020" PRId64 ".snapshot", c->dir,
                       c->conf.partition, offset);
    return path;
}

static void note_kept(void *arg, const char *name) {
    td_savepoint *c = arg;
    uint32_t partition;
    int64_t offset;
    int used = 0;
    bool kept = sscanf(name, "tape-%" SCNu32 "@%20" SCNd64 ".snapshot%n", &partition, &offset, &used) == 2 && used > 0;
    if (kept && name[used] == '\0' && partition == c->conf.partition && offset >= 0)
        td_buf_put(&c->kept, &offset, sizeof offset);
}

static td_status list_kept(td_savepoint *c) {
    const td_os *os = c->conf.os;
    c->kept.size = 0;
    return os->ops->exists(os->self, c->dir) ? os->ops->list(os->self, c->dir, note_kept, c) : TD_OK;
}

static size_t kept_count(const td_savepoint *c) { return c->kept.size / sizeof(int64_t); }

static int64_t kept_at(const td_savepoint *c, size_t index) {
    int64_t offset;
    memcpy(&offset, c->kept.data + index * sizeof offset, sizeof offset);
    return offset;
}

/* All but the last `left` go. */
static td_status remove_kept(td_savepoint *c, size_t left) {
    td_status status = list_kept(c);
    for (size_t i = 0; i + left < kept_count(c) && status == TD_OK; i++) {
        file_path path = path_of(c, kept_at(c, i));
        status = c->conf.os->ops->remove(c->conf.os->self, path.text);
    }
    return status;
}

td_status td_savepoint_remove_all(td_savepoint *c) {
    file_path newest = path_of(c, NEWEST);
    td_status status = c->conf.os->ops->remove(c->conf.os->self, newest.text);
    return status == TD_OK ? remove_kept(c, 0) : status;
}

/* ---- out ---- */

static uint32_t crc_of(const td_buf *file) {
    size_t from = offsetof(file_head, crc32c) + sizeof(uint32_t);
    return td_crc32c(0, file->data + from, file->size - from);
}

void td_savepoint_make_room(td_savepoint *c, size_t state_bytes) {
    size_t wanted = sizeof(file_head) + state_bytes;
    if (wanted <= c->room_bytes || c->pending) return;
    c->file.size = c->room_bytes;
    td_buf_reserve(&c->file, wanted - c->room_bytes);
    memset(c->file.data + c->room_bytes, 0, wanted - c->room_bytes);
    c->room_bytes = wanted;
}

void td_savepoint_take(td_savepoint *c, const td_applier *applier, const td_savepoint_ends *ends, bool keep) {
    file_head head = {.magic = SAVEPOINT_MAGIC,
                      .version = SAVEPOINT_VERSION,
                      .partition = c->conf.partition,
                      .tape_epoch = ends->tape.epoch,
                      .tape_offset = ends->tape.offset};
    file_end published[PUBLISHED];
    for (int i = 0; i < TD_OUTPUT_PUBLISHED; i++) {
        head.output_epochs[i] = ends->outputs[i].epoch;
        head.output_offsets[i] = ends->outputs[i].offset;
    }
    for (int i = 0; i < PUBLISHED; i++) {
        td_position end = ends->outputs[TD_OUTPUT_PUBLISHED + i];
        published[i] = (file_end){PUBLISHED, end.epoch, end.offset};
    }
    td_applier_places(applier, &c->places);
    for (uint32_t p = 0; p < TD_MEMBERS_PARTITIONS_MAX; p++)
        if (c->places.of[p].offset != 0) head.place_count = p + 1;
    memcpy(head.program_sha256, applier->program->sha256, sizeof head.program_sha256);
    c->file.size = 0;
    td_buf_put(&c->file, &head, sizeof head);
    td_buf_put(&c->file, c->places.of, head.place_count * sizeof *c->places.of);
    td_buf_put(&c->file, published, sizeof published);
    td_state_save(applier->state, &c->file);
    c->ends = *ends;
    c->keep = keep;
    c->pending = true;
}

void td_savepoint_look_again(td_savepoint *c) { c->slot = NO_SLOT; }

bool td_savepoint_pending(const td_savepoint *c) { return c->pending; }

static bool synced(const td_savepoint *c) {
    const td_topics *t = c->conf.topics;
    if (td_topic_synced(t->tape, c->conf.partition) < c->ends.tape.offset) return false;
    for (int i = 0; i < TD_OUTPUT_COUNT; i++) {
        int64_t end = c->ends.outputs[i].offset;
        if (end > 0 && td_topic_synced(t->outputs[i], c->conf.partition) < end) return false;
    }
    const td_topic *sections = t->outputs[TD_OUTPUT_SECTIONS]; /* what others told, and was read */
    for (uint32_t p = 0; p < t->partitions; p++)
        if (c->places.of[p].offset > 0 && td_topic_synced(sections, p) < c->places.of[p].offset) return false;
    return true;
}

/* Not where the state is copied: the worker stands still there. */
static void put_crc(td_savepoint *c) {
    uint32_t crc32c = crc_of(&c->file);
    memcpy(c->file.data + offsetof(file_head, crc32c), &crc32c, sizeof crc32c);
}

static td_status write_file(const td_savepoint *c, int64_t offset) {
    file_path path = path_of(c, offset);
    return td_os_replace_file(c->conf.os, path.text, td_buf_bytes(&c->file));
}

/* The one that does not hold the newest. */
static td_status find_slot(td_savepoint *c) {
    td_handover found[TD_HANDOVER_SLOTS];
    size_t count;
    if (c->slot != NO_SLOT) return TD_OK;
    td_status status = td_handover_find(c->conf.topics->snapshots, c->conf.partition, found, &count);
    if (status == TD_OK) c->slot = count > 0 ? (found[0].slot + 1) % TD_HANDOVER_SLOTS : 0;
    return status;
}

static td_status hand_over(td_savepoint *c) {
    const td_os *os = c->conf.os;
    td_status status = find_slot(c);
    if (status == TD_OK)
        status = td_handover_write(c->conf.topics->snapshots, c->conf.partition, c->slot,
                                   os->ops->wall_ns(os->self) / TD_NS_PER_MS, td_buf_bytes(&c->file));
    if (status == TD_OK) c->slot = (c->slot + 1) % TD_HANDOVER_SLOTS;
    return status;
}

static td_status write_newest(td_savepoint *c) {
    if (c->conf.topics->snapshots == NULL) return write_file(c, NEWEST);
    td_status status = hand_over(c);
    return status == TD_REJECT ? TD_RETRY : status; /* its transaction took too long, or a record is too large */
}

static td_status write_pending(td_savepoint *c) {
    if (!c->pending || !synced(c)) return TD_AGAIN;
    put_crc(c);
    bool keep = c->keep && c->conf.kept_max > 0;
    td_status status = keep ? write_file(c, c->ends.tape.offset) : TD_OK;
    if (status == TD_OK && keep) status = remove_kept(c, (size_t)c->conf.kept_max);
    if (status == TD_OK) status = write_newest(c);
    if (status != TD_OK && status != TD_FENCED) return td_trace(status, "writing a snapshot");
    c->pending = false;
    return status == TD_FENCED ? TD_AGAIN : TD_OK;
}

td_status td_savepoint_write_if_synced(td_savepoint *c) {
    if (!c->pending || atomic_exchange(&c->writing, true)) return TD_AGAIN;
    td_status status = write_pending(c);
    atomic_store(&c->writing, false);
    return status;
}

/* ---- in ---- */

static bool read_head(const td_savepoint *c, file_head *head) {
    if (c->file.size < sizeof *head) return false;
    memcpy(head, c->file.data, sizeof *head);
    bool known = head->version == SAVEPOINT_VERSION || head->version == UNPUBLISHED_VERSION;
    return head->magic == SAVEPOINT_MAGIC && known && head->partition == c->conf.partition &&
           head->crc32c == crc_of(&c->file);
}

/* What the version before wrote, and what knew fewer of them, leaves the others nowhere. */
static bool take_published(const file_head *head, td_bytes *bytes, td_savepoint_ends *out) {
    file_end end;
    for (int i = TD_OUTPUT_PUBLISHED; i < TD_OUTPUT_COUNT; i++) out->outputs[i] = TD_SAVEPOINT_NOWHERE;
    if (head->version == UNPUBLISHED_VERSION) return true;
    for (int i = 0, count = 1; i < count; i++) {
        if (!td_bytes_take(bytes, &end, sizeof end) || end.count < 1 || end.count > PUBLISHED) return false;
        out->outputs[TD_OUTPUT_PUBLISHED + i] = (td_position){end.epoch, end.offset};
        count = end.count;
    }
    return true;
}

/* Whether the worker can go on with the outputs from there. Of what is not published nothing is asked. */
static bool outputs_hold(const td_savepoint *c, td_savepoint_ends *ends) {
    const td_topics *t = c->conf.topics;
    for (int i = 0; i < TD_OUTPUT_COUNT; i++) {
        td_position *end = &ends->outputs[i];
        if (t->outputs[i] == NULL) continue;
        bool holds = end->offset >= 0 && td_topic_holds(t->outputs[i], c->conf.partition, *end);
        if (!holds && (i < TD_OUTPUT_PUBLISHED || !c->conf.unpublished)) return false;
        if (!holds) *end = TD_SAVEPOINT_NOWHERE;
    }
    return true;
}

static bool ends_hold(const td_savepoint *c, td_savepoint_ends *ends) {
    const td_topics *t = c->conf.topics;
    if (!td_topic_holds(t->tape, c->conf.partition, ends->tape)) return false;
    if (ends->tape.offset < td_topic_start(t->tape, c->conf.partition)) return false;
    return c->conf.read_only || outputs_hold(c, ends);
}

/* What c->file holds. TD_AGAIN: it is void, or beyond `up_to`. */
static td_status load(td_savepoint *c, int64_t up_to, td_savepoint_ends *out_ends, td_applier *out) {
    file_head head;
    if (!read_head(c, &head) || head.tape_offset > up_to) return TD_AGAIN;
    td_savepoint_ends ends = {.tape = {head.tape_epoch, head.tape_offset}};
    for (int i = 0; i < TD_OUTPUT_PUBLISHED; i++)
        ends.outputs[i] = (td_position){head.output_epochs[i], head.output_offsets[i]};
    td_bytes bytes = {c->file.data + sizeof head, c->file.size - sizeof head};
    *out = (td_applier){.topics = c->conf.topics, .partition = c->conf.partition};
    if (head.place_count > TD_MEMBERS_PARTITIONS_MAX ||
        !td_bytes_take(&bytes, out->from.of, head.place_count * sizeof *out->from.of) ||
        !take_published(&head, &bytes, &ends))
        return TD_AGAIN;
    if (!ends_hold(c, &ends)) return TD_AGAIN;
    td_status status = td_program_load(c->conf.topics, head.program_sha256, &out->program);
    if (status == TD_OK) status = td_state_load(&out->state, out->program, bytes);
    if (status != TD_OK) td_applier_fini(out);
    *out_ends = ends;
    return status == TD_CORRUPT || status == TD_REJECT ? TD_AGAIN : status;
}

/* TD_AGAIN: there is none, it is void, or beyond `up_to`; as the next. */
static td_status load_file(td_savepoint *c, const char *path, int64_t up_to, td_savepoint_ends *out_ends,
                           td_applier *out) {
    if (!c->conf.os->ops->exists(c->conf.os->self, path)) return TD_AGAIN;
    td_status status = td_os_read_file(c->conf.os, path, SAVEPOINT_BYTES_MAX, &c->file);
    if (status != TD_OK) return status == TD_CONFIG ? TD_AGAIN : status;
    return load(c, up_to, out_ends, out);
}

static td_status load_handed(td_savepoint *c, int64_t up_to, td_savepoint_ends *out_ends, td_applier *out) {
    td_topic *topic = c->conf.topics->snapshots;
    td_handover found[TD_HANDOVER_SLOTS];
    size_t count;
    td_status status = td_handover_find(topic, c->conf.partition, found, &count);
    if (status != TD_OK) return status;
    for (size_t i = 0; i < count; i++) {
        status = td_handover_read(topic, c->conf.partition, &found[i], &c->file);
        if (status == TD_OK) status = load(c, up_to, out_ends, out);
        if (status != TD_AGAIN) return status;
    }
    return TD_AGAIN;
}

static td_status load_newest(td_savepoint *c, int64_t up_to, td_savepoint_ends *out_ends, td_applier *out) {
    if (c->conf.topics->snapshots != NULL) return load_handed(c, up_to, out_ends, out);
    return load_file(c, path_of(c, NEWEST).text, up_to, out_ends, out);
}

td_status td_savepoint_load(td_savepoint *c, int64_t up_to, td_savepoint_ends *out_ends, td_applier *out) {
    td_status status = list_kept(c);
    if (status == TD_OK) status = load_newest(c, up_to, out_ends, out);
    for (size_t i = kept_count(c); i-- > 0 && status == TD_AGAIN;)
        if (kept_at(c, i) <= up_to) status = load_file(c, path_of(c, kept_at(c, i)).text, up_to, out_ends, out);
    return status;
}
