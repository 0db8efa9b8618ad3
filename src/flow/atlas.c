/* src/flow/atlas.c - records by number: the n-th of the log is the n-th of the copy. */
#include "flow/atlas.h"
#include <stdlib.h>

typedef struct stretch {
    int64_t number, offset; /* of its first record */
    int32_t epoch;
} stretch;

static const stretch *stretches(const td_buf *list) { return (const stretch *)(const void *)list->data; }
static size_t count_of(const td_buf *list) { return list->size / sizeof(stretch); }

static void note(td_buf *list, int64_t *count, td_position at) {
    const stretch *last = count_of(list) > 0 ? &stretches(list)[count_of(list) - 1] : NULL;
    bool goes_on = last != NULL && at.epoch == last->epoch && at.offset - last->offset == *count - last->number;
    if (!goes_on) td_buf_put(list, &(stretch){*count, at.offset, at.epoch}, sizeof(stretch));
    ++*count;
}

void td_sheet_note_original(td_sheet *s, int64_t offset) {
    note(&s->original, &s->original_count, (td_position){0, offset});
    s->passed = offset + 1;
}

void td_sheet_note_copy(td_sheet *s, td_position at) { note(&s->copy, &s->copy_count, at); }

/* The number of the log's first record at or behind the offset; how many there are: of none. */
static int64_t number_from(const td_sheet *s, int64_t offset) {
    const stretch *all = stretches(&s->original);
    size_t low = 0, high = count_of(&s->original);
    while (low < high) { /* the first that begins behind it */
        size_t middle = low + (high - low) / 2;
        if (all[middle].offset > offset)
            high = middle;
        else
            low = middle + 1;
    }
    if (low == 0) return 0;
    int64_t end = low < count_of(&s->original) ? all[low].number : s->original_count;
    int64_t number = all[low - 1].number + (offset - all[low - 1].offset);
    return number < end ? number : end;
}

static td_position copy_of(const td_sheet *s, int64_t number) {
    const stretch *all = stretches(&s->copy);
    size_t low = 0, high = count_of(&s->copy);
    while (high - low > 1) { /* the last that begins at it or before */
        size_t middle = low + (high - low) / 2;
        *(all[middle].number > number ? &high : &low) = middle;
    }
    return (td_position){all[low].epoch, all[low].offset + (number - all[low].number)};
}

/* It is asked for before the copy has any, too: by its first record. */
static td_position copy_of_lost(const td_sheet *s) {
    if (s->copy_count == 0) return (td_position){0, 0};
    return copy_of(s, s->ahead > 0 ? s->ahead - 1 : 0);
}

td_status td_sheet_at(const td_sheet *s, int64_t offset, td_position *out) {
    *out = copy_of_lost(s);
    if (offset < s->begin) return TD_OK;
    int64_t number = number_from(s, offset);
    if (number >= s->original_count || number + s->ahead >= s->copy_count) return TD_AGAIN;
    *out = copy_of(s, number + s->ahead);
    return TD_OK;
}

td_status td_sheet_behind(const td_sheet *s, int64_t offset, td_position *out) {
    if (offset > s->passed) return TD_AGAIN;
    int64_t count = number_from(s, offset) + s->ahead; /* of records before it */
    if (count > s->copy_count) return TD_AGAIN;
    *out = (td_position){0, 0};
    if (s->copy_count == 0) return TD_OK;
    *out = copy_of(s, count > 0 ? count - 1 : 0);
    if (count > 0) out->offset++;
    return TD_OK;
}

/* ---- all of them ---- */

void td_atlas_init(td_atlas *atlas, uint32_t partitions) {
    atlas->partitions = partitions;
    atlas->tape = td_alloc_zero(partitions, sizeof(td_sheet));
    atlas->rejected = td_alloc_zero(partitions, sizeof(td_sheet));
}

void td_atlas_fini(td_atlas *atlas) {
    for (uint32_t p = 0; p < atlas->partitions; p++) {
        td_buf_fini(&atlas->tape[p].original);
        td_buf_fini(&atlas->tape[p].copy);
        td_buf_fini(&atlas->rejected[p].original);
        td_buf_fini(&atlas->rejected[p].copy);
    }
    free(atlas->tape);
    free(atlas->rejected);
}

td_sheet *td_atlas_sheet(const td_atlas *atlas, td_bytes topic, uint32_t partition) {
    if (partition >= atlas->partitions) return NULL;
    if (td_bytes_equal(topic, TD_TEXT("tape"))) return &atlas->tape[partition];
    return td_bytes_equal(topic, TD_TEXT("rejected")) ? &atlas->rejected[partition] : NULL;
}
