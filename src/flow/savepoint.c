/* src/flow/savepoint.c - snapshot + position as a file. */
#include "flow/savepoint.h"
#include "base/hash.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { SAVEPOINT_MAGIC = 0x31504b43, SAVEPOINT_VERSION = 2, SAVEPOINT_BYTES_MAX = 1 << 30 };

typedef struct file_head { /* in this machine's byte order; another machine's is void */
    uint32_t magic, version;
    uint32_t crc32c; /* of everything behind this field */
    uint32_t partition;
    int32_t tape_epoch, output_epochs[TD_OUTPUT_COUNT];
    uint32_t zero;
    int64_t tape_offset, output_offsets[TD_OUTPUT_COUNT];
    uint8_t program_sha256[TD_PROGRAM_SHA_BYTES];
} file_head;
_Static_assert(sizeof(file_head) == 112, "the file format depends on this layout");

struct td_savepoint {
    const td_os *os;
    const td_topics *topics;
    uint32_t partition;
    char path[512];
    td_buf file; /* head, then the state */
    td_savepoint_ends ends;
    bool pending;
};

td_status td_savepoint_open(td_savepoint **out, const td_os *os, const td_topics *topics, uint32_t partition,
                            const char *dir) {
    td_status status = os->ops->make_dir(os->self, dir);
    if (status != TD_OK) return status;
    td_savepoint *c = td_alloc_zero(1, sizeof *c);
    c->os = os;
    c->topics = topics;
    c->partition = partition;
    int size = snprintf(c->path, sizeof c->path, "%s/tape-%" PRIu32 ".snapshot", dir, partition);
    if (size < 0 || (size_t)size >= sizeof c->path) {
        td_savepoint_close(c);
        return TD_FAIL(TD_CONFIG, "log.dir: the path %s is too long", dir);
    }
    *out = c;
    return TD_OK;
}

void td_savepoint_close(td_savepoint *c) {
    if (c == NULL) return;
    td_buf_fini(&c->file);
    free(c);
}

/* ---- out ---- */

static uint32_t crc_of(const td_buf *file) {
    size_t from = offsetof(file_head, crc32c) + sizeof(uint32_t);
    return td_crc32c(0, file->data + from, file->size - from);
}

void td_savepoint_take(td_savepoint *c, const td_state *state, const td_program *program,
                       const td_savepoint_ends *ends) {
    file_head head = {.magic = SAVEPOINT_MAGIC,
                      .version = SAVEPOINT_VERSION,
                      .partition = c->partition,
                      .tape_epoch = ends->tape.epoch,
                      .tape_offset = ends->tape.offset};
    for (int i = 0; i < TD_OUTPUT_COUNT; i++) {
        head.output_epochs[i] = ends->outputs[i].epoch;
        head.output_offsets[i] = ends->outputs[i].offset;
    }
    memcpy(head.program_sha256, program->sha256, sizeof head.program_sha256);
    c->file.size = 0;
    td_buf_put(&c->file, &head, sizeof head);
    td_state_save(state, &c->file);
    head.crc32c = crc_of(&c->file);
    memcpy(c->file.data, &head, sizeof head);
    c->ends = *ends;
    c->pending = true;
}

bool td_savepoint_pending(const td_savepoint *c) { return c->pending; }

static bool synced(const td_savepoint *c) {
    if (td_topic_synced(c->topics->tape, c->partition) < c->ends.tape.offset) return false;
    for (int i = 0; i < TD_OUTPUT_COUNT; i++)
        if (td_topic_synced(c->topics->outputs[i], c->partition) < c->ends.outputs[i].offset) return false;
    return true;
}

td_status td_savepoint_write_if_synced(td_savepoint *c) {
    if (!c->pending || !synced(c)) return TD_AGAIN;
    td_status status = td_os_replace_file(c->os, c->path, td_buf_bytes(&c->file));
    if (status != TD_OK) return td_trace(status, "writing a snapshot");
    c->pending = false;
    return TD_OK;
}

/* ---- in ---- */

static bool read_head(const td_savepoint *c, file_head *head) {
    if (c->file.size < sizeof *head) return false;
    memcpy(head, c->file.data, sizeof *head);
    return head->magic == SAVEPOINT_MAGIC && head->version == SAVEPOINT_VERSION && head->partition == c->partition &&
           head->crc32c == crc_of(&c->file);
}

static bool ends_hold(const td_savepoint *c, const td_savepoint_ends *ends) {
    const td_topics *t = c->topics;
    if (!td_topic_holds(t->tape, c->partition, ends->tape)) return false;
    if (ends->tape.offset < td_topic_start(t->tape, c->partition)) return false;
    for (int i = 0; i < TD_OUTPUT_COUNT; i++)
        if (!td_topic_holds(t->outputs[i], c->partition, ends->outputs[i])) return false;
    return true;
}

td_status td_savepoint_load(td_savepoint *c, td_savepoint_ends *out_ends, td_program **out_program,
                            td_state **out_state) {
    if (!c->os->ops->exists(c->os->self, c->path)) return TD_AGAIN;
    td_status status = td_os_read_file(c->os, c->path, SAVEPOINT_BYTES_MAX, &c->file);
    if (status != TD_OK) return status == TD_CONFIG ? TD_AGAIN : status;
    file_head head;
    if (!read_head(c, &head)) return TD_AGAIN;
    td_savepoint_ends ends = {.tape = {head.tape_epoch, head.tape_offset}};
    for (int i = 0; i < TD_OUTPUT_COUNT; i++)
        ends.outputs[i] = (td_position){head.output_epochs[i], head.output_offsets[i]};
    if (!ends_hold(c, &ends)) return TD_AGAIN;
    td_program *program;
    status = td_topics_load_program(c->topics, head.program_sha256, &program);
    if (status != TD_OK) return status == TD_CORRUPT ? TD_AGAIN : status;
    td_bytes state = {c->file.data + sizeof head, c->file.size - sizeof head};
    if (td_state_load(out_state, program, state) != TD_OK) {
        td_program_free(program);
        return TD_AGAIN;
    }
    *out_program = program;
    *out_ends = ends;
    return TD_OK;
}
