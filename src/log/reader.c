/* src/log/reader.c - reading a partition: follows the writer by its published end, from segment to segment. */
#include "log/positions.h"
#include <inttypes.h>
#include <stdlib.h>

typedef struct segment_reader {
    td_reader base;
    td_partition *p;
    td_read_limit limit;
    td_extent window;    /* file -1: no segment open */
    int64_t base_offset; /* of the segment open */
    int64_t position;    /* of the next batch in it */
    int64_t known_end;   /* the limit when it was last looked at; the window holds nothing newer */
    bool located;        /* base_offset and position belong to the cursor's offset */
    bool corrupt;        /* at the cursor's offset */
    td_packer packer;
} segment_reader;

static int64_t load(_Atomic int64_t *value) { return atomic_load_explicit(value, memory_order_acquire); }

/* --- finding a batch ------------------------------------------------------------------------------------------ */

/* From a batch's begin at *position to the batch that holds `offset`. */
static td_status walk_to_offset(td_extent *w, int64_t *position, int64_t offset) {
    for (;;) {
        td_head head;
        td_status status = td_extent_head(w, *position, &head);
        if (status == TD_AGAIN || (status == TD_OK && head.base_offset > offset)) return TD_CORRUPT;
        if (status != TD_OK || td_head_next_offset(&head) > offset) return status;
        *position += head.size_bytes;
    }
}

/* The position of the batch that holds `offset` in a segment. The index is a hint: when it leads nowhere, all of the
 * segment is walked. */
static td_status find_offset(const td_partition *p, td_extent *w, int64_t base_offset, int64_t offset, int64_t *out) {
    char stem[TD_STEM_MAX];
    td_partition_stem(p, base_offset, stem);
    *out = td_index_find(p->os, stem, TD_INDEX_BY_OFFSET, (uint32_t)(offset - base_offset)).position;
    td_status status = walk_to_offset(w, out, offset);
    if (status != TD_CORRUPT || *out == 0) return status;
    *out = 0;
    return walk_to_offset(w, out, offset);
}

/* Base offset of the last batch that begins at or before `limit`. */
static td_status find_position(const td_partition *p, td_extent *w, int64_t base_offset, int64_t limit, int64_t *out) {
    char stem[TD_STEM_MAX];
    td_partition_stem(p, base_offset, stem);
    int64_t position = td_index_find(p->os, stem, TD_INDEX_BY_POSITION, (uint32_t)limit).position;
    td_head head = {0};
    td_status status;
    do {
        status = td_extent_head(w, position, &head);
        if (status == TD_OK) *out = head.base_offset;
        position += head.size_bytes;
    } while (status == TD_OK && position <= limit);
    return status;
}

static td_status segment_open(td_partition *p, td_extent *w, int64_t base_offset) {
    int file;
    td_status status = td_partition_file(p, base_offset, TD_OPEN_READ, &file);
    if (status != TD_OK) return status;
    if (w->file >= 0) p->os->ops->close(p->os->self, w->file);
    td_extent_move(w, file);
    return TD_OK;
}

static void window_close(const td_partition *p, td_extent *w) {
    if (w->file >= 0) p->os->ops->close(p->os->self, w->file);
    td_extent_fini(w);
}

/* Where the block begins that ends before `offset`, from segment to older segment. */
static td_status block_before(td_partition *p, td_extent *w, int64_t offset, int64_t bytes, int64_t *out) {
    td_segment segment = td_partition_segment(p, offset);
    int64_t position = load(&p->active_bytes); /* of the end */
    td_status status = segment_open(p, w, segment.base_offset);
    if (status == TD_OK && offset < load(&p->end)) status = find_offset(p, w, segment.base_offset, offset, &position);
    if (status != TD_OK) return status;

    int64_t limit = position - bytes;
    while (limit < 0) {
        if (segment.base_offset <= load(&p->start)) return TD_AGAIN; /* that far back there is nothing */
        segment = td_partition_segment(p, segment.base_offset - 1);
        limit += segment.bytes;
        status = segment_open(p, w, segment.base_offset);
        if (status != TD_OK) return status;
    }
    return find_position(p, w, segment.base_offset, limit, out);
}

int64_t td_segment_block_before(const td_topic *topic, uint32_t partition, int64_t offset, int64_t bytes) {
    td_partition *p = td_topic_partition(topic, partition);
    int64_t start = load(&p->start), end = td_partition_end(p), found = start;
    if (offset > end) offset = end;
    if (offset <= start) return start;
    td_extent w = {.os = p->os, .file = -1};
    td_status status = block_before(p, &w, offset, bytes, &found);
    window_close(p, &w);
    return status == TD_OK ? found : start;
}

/* --- reading -------------------------------------------------------------------------------------------------- */

td_status td_segment_reader_open(td_reader **out, td_topic *topic, uint32_t partition, td_read_limit limit) {
    segment_reader *r = td_alloc_zero(1, sizeof *r);
    r->p = td_topic_partition(topic, partition);
    r->limit = limit;
    r->window = (td_extent){.os = r->p->os, .file = -1};
    td_buf_reserve(&r->window.buf, TD_EXTENT_BYTES);
    *out = &r->base;
    return TD_OK;
}

void td_segment_reader_close(td_reader *reader) {
    segment_reader *r = (segment_reader *)reader;
    window_close(r->p, &r->window);
    td_packer_fini(&r->packer);
    free(r);
}

void td_segment_reader_seek(td_reader *reader, int64_t offset) {
    segment_reader *r = (segment_reader *)reader;
    int64_t start = load(&r->p->start);
    reader->cursor = (td_cursor){.offset = offset > start ? offset : start};
    reader->lost = start > offset ? start - offset : 0;
    r->located = r->corrupt = false;
}

static int64_t limit_of(segment_reader *r) {
    return r->limit == TD_READ_SYNCED ? load(&r->p->synced) : td_partition_end(r->p);
}

/* Who only reads asks the disk what others appended, rolled or removed, and only then how far that is committed: a
 * transaction is named before its first byte. */
static td_status refresh(segment_reader *r) {
    const td_segment_topic *topic = (const td_segment_topic *)r->base.topic;
    td_status status = td_partition_refresh(r->p);
    return status != TD_OK || topic->positions ? status : td_positions_look(td_segment_log_of(&topic->base));
}

/* Up to the start kept, and TD_AGAIN at the limit. */
static td_status await(segment_reader *r) {
    td_reader *reader = &r->base;
    if (reader->cursor.offset < load(&r->p->start)) {
        int64_t lost = reader->lost;
        td_segment_reader_seek(reader, reader->cursor.offset);
        reader->lost += lost;
    }
    if (reader->cursor.offset < r->known_end) return TD_OK;
    int64_t end = limit_of(r);
    if (reader->cursor.offset >= end && r->p->conf.read_only) {
        td_status status = refresh(r);
        if (status != TD_OK) return status;
        end = limit_of(r);
    }
    if (reader->cursor.offset >= end) return TD_AGAIN;
    r->known_end = end;
    td_extent_drop(&r->window); /* what it holds behind the old end was not yet valid */
    return TD_OK;
}

/* Opens the segment of the offset and finds its batch. TD_AGAIN: retention was faster, look again. */
static td_status locate(segment_reader *r, int64_t offset) {
    td_segment segment = td_partition_segment(r->p, offset);
    if (segment.base_offset > offset) return TD_AGAIN; /* removed since the start was looked at */
    if (r->window.file < 0 || r->base_offset != segment.base_offset) {
        td_status status = segment_open(r->p, &r->window, segment.base_offset);
        if (status != TD_OK && r->p->conf.read_only) {
            td_status refreshed = refresh(r);
            if (refreshed != TD_OK) return refreshed;
        }
        if (status != TD_OK) return offset < load(&r->p->start) ? TD_AGAIN : status;
        r->base_offset = segment.base_offset;
    }
    td_status status = find_offset(r->p, &r->window, r->base_offset, offset, &r->position);
    r->located = status == TD_OK;
    return status;
}

/* The batch at the position, with the cursor on the record that comes next. TD_AGAIN: the segment ends here. */
static td_status take_batch(segment_reader *r) {
    int64_t offset = r->base.cursor.offset;
    td_head head;
    const uint8_t *bytes;
    td_bytes records;
    td_status status = td_extent_batch(&r->window, r->position, &head, &bytes);
    if (status != TD_OK) return status;
    if (head.base_offset > offset || td_head_next_offset(&head) <= offset) return TD_CORRUPT;
    if (head.records == 0) { /* a repair removed them */
        r->position += head.size_bytes;
        r->base.repaired += td_head_next_offset(&head) - offset;
        r->base.cursor = (td_cursor){.offset = td_head_next_offset(&head)};
        return TD_OK;
    }
    status = td_packer_records(&r->packer, &head, bytes, &records);
    if (status != TD_OK) return status;

    td_cursor cursor = td_head_cursor(&head, records);
    for (td_record skipped; cursor.offset < offset;) {
        if (!td_cursor_next(&cursor, &skipped)) return TD_CORRUPT;
    }
    r->position += head.size_bytes;
    r->base.cursor = cursor;
    return TD_OK;
}

static td_status next_batch(segment_reader *r) {
    td_reader *reader = &r->base;
    for (;;) {
        td_status status = await(r);
        if (status != TD_OK) return status;
        if (!r->located) {
            status = locate(r, reader->cursor.offset);
            if (status == TD_AGAIN) continue;
        }
        if (status == TD_OK) status = take_batch(r);
        if (status == TD_OK && reader->cursor.left == 0) continue; /* a hole is passed */
        if (status != TD_AGAIN) return status;
        if (td_partition_segment(r->p, reader->cursor.offset).base_offset == r->base_offset) return TD_CORRUPT;
        r->located = false; /* on to the next segment */
    }
}

td_status td_segment_reader_refill(td_reader *reader, td_record *out) {
    segment_reader *r = (segment_reader *)reader;
    td_status status = r->corrupt || reader->cursor.left > 0 ? TD_CORRUPT : next_batch(r);
    if (status == TD_OK && !td_cursor_next(&reader->cursor, out)) status = TD_CORRUPT;
    if (status != TD_CORRUPT) return status;
    r->corrupt = true;
    reader->cursor.left = 0;
    return TD_FAIL(TD_CORRUPT,
                   "%s: corrupt batch at offset %" PRId64 ", byte %" PRId64 " of segment %" PRId64
                   "; stop what writes and run `tapedeck log repair %s --data %s`",
                   r->p->name, reader->cursor.offset, r->position, r->base_offset, r->p->name, r->p->conf.data_dir);
}
