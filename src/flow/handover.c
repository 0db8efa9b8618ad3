/* src/flow/handover.c - snapshots in a topic. */
#include "flow/handover.h"
#include "flow/topics.h"
#include <inttypes.h>
#include <stdio.h>

enum { MARK = -1 }; /* in place of a piece's number */

typedef struct part {
    uint32_t slot;
    int64_t piece; /* or MARK */
} part;

static bool digits(td_bytes *at, int64_t *out) {
    size_t count = 0;
    for (*out = 0; count < at->size && at->data[count] >= '0' && at->data[count] <= '9' && count < 18; count++)
        *out = *out * 10 + (at->data[count] - '0');
    *at = td_bytes_from(*at, count);
    return count > 0;
}

/* False: nothing of ours. */
static bool part_of(td_bytes key, part *out) {
    int64_t slot;
    if (!digits(&key, &slot) || slot >= TD_HANDOVER_SLOTS) return false;
    *out = (part){(uint32_t)slot, MARK};
    if (key.size == 0) return true;
    if (key.data[0] != '/') return false;
    key = td_bytes_from(key, 1);
    return digits(&key, &out->piece) && key.size == 0;
}

/* ---- in ---- */

typedef struct search {
    td_handover slots[TD_HANDOVER_SLOTS];
    int64_t pieces[TD_HANDOVER_SLOTS]; /* so many have followed one another from the first */
    int64_t marks[TD_HANDOVER_SLOTS];  /* offset of the last record of a whole one; -1: it is not whole */
} search;

static void look_at(search *s, const td_record *record) {
    part is;
    int64_t bytes;
    if (!part_of(record->key, &is)) return;
    td_handover *slot = &s->slots[is.slot];
    if (is.piece == 0) { /* what the slot held before is being replaced */
        *slot = (td_handover){is.slot, record->offset, 0};
        s->pieces[is.slot] = 0;
        s->marks[is.slot] = -1;
    }
    if (is.piece == s->pieces[is.slot]) {
        slot->bytes += record->value.size;
        s->pieces[is.slot]++;
    } else if (is.piece == MARK) {
        td_bytes text = record->value;
        bool whole = s->pieces[is.slot] > 0 && digits(&text, &bytes) && (size_t)bytes == slot->bytes;
        s->marks[is.slot] = whole ? record->offset : -1;
    }
}

td_status td_handover_find(td_topic *topic, uint32_t partition, td_handover out[TD_HANDOVER_SLOTS], size_t *out_count) {
    td_reader *reader;
    td_record record;
    search s = {.marks = {-1, -1}};
    *out_count = 0;
    td_status status = td_reader_open(&reader, topic, partition, 0, TD_READ_SYNCED);
    if (status != TD_OK) return status;
    while ((status = td_reader_next(reader, &record)) == TD_OK) look_at(&s, &record);
    td_reader_close(reader);
    if (status != TD_AGAIN) return status;
    uint32_t newest = s.marks[1] > s.marks[0];
    for (uint32_t i = 0; i < TD_HANDOVER_SLOTS; i++) {
        uint32_t slot = i == 0 ? newest : !newest;
        if (s.marks[slot] >= 0) out[(*out_count)++] = s.slots[slot];
    }
    return TD_OK;
}

td_status td_handover_read(td_topic *topic, uint32_t partition, const td_handover *from, td_buf *out) {
    td_reader *reader;
    td_record record;
    part is;
    int64_t next = 0;
    out->size = 0;
    td_status status = td_reader_open(&reader, topic, partition, from->offset, TD_READ_SYNCED);
    if (status != TD_OK) return status;
    while (out->size < from->bytes && (status = td_reader_next(reader, &record)) == TD_OK) {
        if (!part_of(record.key, &is) || is.slot != from->slot) continue;
        if (is.piece != next++) break;
        td_buf_put(out, record.value.data, record.value.size);
    }
    td_reader_close(reader);
    if (status == TD_OK && out->size != from->bytes) status = TD_AGAIN;
    return status;
}

/* ---- out ---- */

static td_status put(const td_destination *to, uint32_t slot, int64_t piece, td_bytes value) {
    char key[32];
    if (piece == MARK)
        (void)snprintf(key, sizeof key, "%" PRIu32, slot);
    else
        (void)snprintf(key, sizeof key, "%" PRIu32 "/%" PRId64, slot, piece);
    return td_topics_put(to, td_text(key), value);
}

static td_status put_all(const td_destination *to, uint32_t slot, td_bytes file) {
    char size[24];
    td_status status = td_writer_begin(to->writer);
    (void)snprintf(size, sizeof size, "%zu", file.size);
    for (int64_t piece = 0; file.size > 0 && status == TD_OK; piece++) {
        size_t bytes = file.size < TD_HANDOVER_PIECE_BYTES ? file.size : TD_HANDOVER_PIECE_BYTES;
        status = put(to, slot, piece, (td_bytes){file.data, bytes});
        file = td_bytes_from(file, bytes);
    }
    if (status == TD_OK) status = put(to, slot, MARK, td_text(size));
    return status == TD_OK ? td_writer_commit(to->writer, NULL, 0) : status;
}

td_status td_handover_write(td_topic *topic, uint32_t partition, uint32_t slot, int64_t now_ms, td_bytes file) {
    char name[32];
    td_destination to = {.topic = topic, .partition = partition, .now_ms = now_ms};
    (void)snprintf(name, sizeof name, "snapshot-%" PRIu32, partition);
    td_status status = td_writer_open(&to.writer, topic->log, name);
    if (status != TD_OK) return status;
    status = put_all(&to, slot, file);
    td_writer_close(to.writer); /* a commit of unknown result is decided when the name is opened next */
    return status;
}
