/* src/log/reader.c - reading a partition: follows the writer by its published end, from segment to segment. */
#include "log/log_private.h"
#include <inttypes.h>
#include <stdlib.h>

struct td_source {
    td_partition *p;
    td_read_limit limit;
    td_extent window;    /* file -1: no segment open */
    int64_t base_offset; /* of the segment open */
    int64_t position;    /* of the next batch in it */
    int64_t known_end;   /* the limit when it was last looked at; the window holds nothing newer */
    bool located;        /* base_offset and position belong to the cursor's offset */
    bool corrupt;        /* at the cursor's offset */
    td_packer packer;
};

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

int64_t td_topic_block_before(const td_topic *topic, uint32_t partition, int64_t offset, int64_t bytes) {
    td_partition *p = topic->partitions[partition];
    int64_t start = load(&p->start), end = load(&p->end), found = start;
    if (offset > end) offset = end;
    if (offset <= start) return start;
    td_extent w = {.os = p->os, .file = -1};
    td_status status = block_before(p, &w, offset, bytes, &found);
    window_close(p, &w);
    return status == TD_OK ? found : start;
}

/* --- reading -------------------------------------------------------------------------------------------------- */

td_status td_reader_open(td_reader **out, td_topic *topic, uint32_t partition, int64_t offset, td_read_limit limit) {
    td_reader *reader = td_alloc_zero(1, sizeof *reader);
    td_source *s = td_alloc_zero(1, sizeof *s);
    s->p = topic->partitions[partition];
    s->limit = limit;
    s->window = (td_extent){.os = s->p->os, .file = -1};
    td_buf_reserve(&s->window.buf, TD_EXTENT_BYTES);
    reader->source = s;
    td_reader_seek(reader, offset);
    *out = reader;
    return TD_OK;
}

void td_reader_close(td_reader *reader) {
    if (reader == NULL) return;
    window_close(reader->source->p, &reader->source->window);
    td_packer_fini(&reader->source->packer);
    free(reader->source);
    free(reader);
}

void td_reader_seek(td_reader *reader, int64_t offset) {
    td_source *s = reader->source;
    int64_t start = load(&s->p->start);
    reader->cursor = (td_cursor){.offset = offset > start ? offset : start};
    s->located = s->corrupt = false;
}

static int64_t limit_of(td_source *s) { return load(s->limit == TD_READ_SYNCED ? &s->p->synced : &s->p->end); }

/* Up to the start kept, and TD_AGAIN at the limit. */
static td_status await(td_reader *reader) {
    td_source *s = reader->source;
    int64_t start = load(&s->p->start);
    if (reader->cursor.offset < start) td_reader_seek(reader, start);
    if (reader->cursor.offset < s->known_end) return TD_OK;
    int64_t end = limit_of(s);
    if (reader->cursor.offset >= end && s->p->conf.read_only) {
        td_status status = td_partition_refresh(s->p);
        if (status != TD_OK) return status;
        end = limit_of(s);
    }
    if (reader->cursor.offset >= end) return TD_AGAIN;
    s->known_end = end;
    td_extent_drop(&s->window); /* what it holds behind the old end was not yet valid */
    return TD_OK;
}

/* Opens the segment of the offset and finds its batch. TD_AGAIN: retention was faster, look again. */
static td_status locate(td_source *s, int64_t offset) {
    td_segment segment = td_partition_segment(s->p, offset);
    if (segment.base_offset > offset) return TD_AGAIN; /* removed since the start was looked at */
    if (s->window.file < 0 || s->base_offset != segment.base_offset) {
        td_status status = segment_open(s->p, &s->window, segment.base_offset);
        if (status != TD_OK && s->p->conf.read_only) {
            td_status refreshed = td_partition_refresh(s->p);
            if (refreshed != TD_OK) return refreshed;
        }
        if (status != TD_OK) return offset < load(&s->p->start) ? TD_AGAIN : status;
        s->base_offset = segment.base_offset;
    }
    td_status status = find_offset(s->p, &s->window, s->base_offset, offset, &s->position);
    s->located = status == TD_OK;
    return status;
}

/* The batch at the position, with the cursor on the record that comes next. TD_AGAIN: the segment ends here. */
static td_status take_batch(td_reader *reader) {
    td_source *s = reader->source;
    int64_t offset = reader->cursor.offset;
    td_head head;
    const uint8_t *bytes;
    td_bytes records;
    td_status status = td_extent_batch(&s->window, s->position, &head, &bytes);
    if (status != TD_OK) return status;
    if (head.base_offset > offset || td_head_next_offset(&head) <= offset) return TD_CORRUPT;
    if (head.records == 0) { /* a repair removed them */
        s->position += head.size_bytes;
        reader->cursor = (td_cursor){.offset = td_head_next_offset(&head)};
        return TD_OK;
    }
    status = td_packer_records(&s->packer, &head, bytes, &records);
    if (status != TD_OK) return status;

    td_cursor cursor = td_head_cursor(&head, records);
    for (td_record skipped; cursor.offset < offset;) {
        if (!td_cursor_next(&cursor, &skipped)) return TD_CORRUPT;
    }
    s->position += head.size_bytes;
    reader->cursor = cursor;
    return TD_OK;
}

static td_status next_batch(td_reader *reader) {
    td_source *s = reader->source;
    for (;;) {
        td_status status = await(reader);
        if (status != TD_OK) return status;
        if (!s->located) {
            status = locate(s, reader->cursor.offset);
            if (status == TD_AGAIN) continue;
        }
        if (status == TD_OK) status = take_batch(reader);
        if (status == TD_OK && reader->cursor.left == 0) continue; /* a hole is passed */
        if (status != TD_AGAIN) return status;
        if (td_partition_segment(s->p, reader->cursor.offset).base_offset == s->base_offset) return TD_CORRUPT;
        s->located = false; /* on to the next segment */
    }
}

td_status td_reader_refill(td_reader *reader, td_record *out) {
    td_source *s = reader->source;
    td_status status = s->corrupt || reader->cursor.left > 0 ? TD_CORRUPT : next_batch(reader);
    if (status == TD_OK && !td_cursor_next(&reader->cursor, out)) status = TD_CORRUPT;
    if (status != TD_CORRUPT) return status;
    s->corrupt = true;
    reader->cursor.left = 0;
    return TD_FAIL(TD_CORRUPT,
                   "%s: corrupt batch at offset %" PRId64 ", byte %" PRId64 " of segment %" PRId64
                   "; stop what writes and run `tapedeck log repair %s --data %s`",
                   s->p->name, reader->cursor.offset, s->position, s->base_offset, s->p->name, s->p->conf.data_dir);
}
