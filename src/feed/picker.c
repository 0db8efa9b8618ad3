/* src/feed/picker.c - one walk through the record, with a bit for each path that can still be met. */
#include "base/json.h"
#include "feed/picker_private.h"
#include <stdio.h>
#include <stdlib.h>

/* ---- paths ---- */

td_status td_picker_add(td_picker *picker, const char *path) {
    if (picker->count == TD_PICKER_MAX) return TD_FAIL(TD_CONFIG, "%d fields are the most there can be", TD_PICKER_MAX);
    td_picker_path *p = &picker->paths[picker->count];
    *p = (td_picker_path){.text = td_copy_text(path)};
    char *rest = p->text;
    bool good = true;
    for (char *part; good && (part = strsep(&rest, ".")) != NULL;) {
        good = *part != '\0' && p->depth < TD_PICKER_DEPTH;
        if (good) p->parts[p->depth++] = td_text(part);
    }
    if (!good) {
        free(p->text);
        return TD_FAIL(TD_CONFIG, "\"%s\" is no name of a field, nor up to %d of them with dots between", path,
                       TD_PICKER_DEPTH);
    }
    picker->count++;
    return TD_OK;
}

void td_picker_fini(td_picker *picker) {
    for (size_t i = 0; i < picker->count; i++) free(picker->paths[i].text);
    td_buf_fini(&picker->texts);
    *picker = (td_picker){0};
}

uint32_t td_picker_match(const td_picker *picker, uint32_t mask, size_t depth, td_bytes name) {
    uint32_t met = 0;
    for (; mask != 0; mask &= mask - 1) {
        int i = __builtin_ctz(mask);
        const td_picker_path *p = &picker->paths[i];
        if (p->depth > depth && td_bytes_equal(p->parts[depth], name)) met |= UINT32_C(1) << i;
    }
    return met;
}

uint32_t td_picker_ending(const td_picker *picker, uint32_t mask, size_t depth) {
    uint32_t ends = 0;
    for (; mask != 0; mask &= mask - 1) {
        int i = __builtin_ctz(mask);
        if (picker->paths[i].depth == depth) ends |= UINT32_C(1) << i;
    }
    return ends;
}

/* ---- JSON ---- */

typedef struct walk {
    td_picker *picker;
    td_json json;
    td_picked *out;
} walk;

/* Room for it was made: what escapes say is shorter than they are. */
static bool unescape(walk *w, td_bytes *text) {
    td_buf *texts = &w->picker->texts;
    char *to = (char *)texts->data + texts->size;
    size_t size = td_json_unescape(*text, to, texts->capacity - texts->size);
    if (size == SIZE_MAX) return false;
    *text = (td_bytes){(const uint8_t *)to, size};
    texts->size += size;
    return true;
}

static bool take_string(walk *w, uint32_t ends) {
    td_picked value = {.kind = TD_PICKED_TEXT, .text = w->json.text};
    if (ends != 0 && w->json.escaped && !unescape(w, &value.text)) return false;
    td_picker_put(w->out, ends, value);
    return true;
}

static bool walk_members(walk *w, uint32_t mask, size_t depth);

static bool take_value(walk *w, td_json_type type, uint32_t mask, size_t depth) {
    uint32_t ends = td_picker_ending(w->picker, mask, depth), on = mask & ~ends;
    switch (type) {
    case TD_JSON_STRING:
        return take_string(w, ends);
    case TD_JSON_NUMBER:
        td_picker_put(w->out, ends, (td_picked){.kind = TD_PICKED_NUMBER, .text = w->json.text});
        return true;
    case TD_JSON_NULL:
        td_picker_put(w->out, ends, (td_picked){.kind = TD_PICKED_NONE});
        return true;
    case TD_JSON_TRUE:
    case TD_JSON_FALSE:
        td_picker_put(w->out, ends, (td_picked){.kind = TD_PICKED_OTHER});
        return true;
    case TD_JSON_OBJECT:
    case TD_JSON_ARRAY:
        td_picker_put(w->out, ends, (td_picked){.kind = TD_PICKED_OTHER});
        return on != 0 ? walk_members(w, on, depth) : td_json_leave(&w->json);
    case TD_JSON_ERROR:
    case TD_JSON_END:
    case TD_JSON_OBJECT_END:
    case TD_JSON_ARRAY_END:
    case TD_JSON_KEY:
        break;
    }
    return false;
}

/* Of an object or array behind its bracket. */
static bool walk_members(walk *w, uint32_t mask, size_t depth) {
    char number[24];
    for (size_t index = 0;; index++) {
        td_json_type type = td_json_next(&w->json);
        if (type == TD_JSON_OBJECT_END || type == TD_JSON_ARRAY_END) return true;
        td_bytes name = w->json.text;
        if (type == TD_JSON_KEY) {
            if (w->json.escaped && !unescape(w, &name)) return false;
        } else {
            name = (td_bytes){(const uint8_t *)number, (size_t)snprintf(number, sizeof number, "%zu", index)};
        }
        uint32_t met = td_picker_match(w->picker, mask, depth, name);
        if (type == TD_JSON_KEY && met == 0) {
            if (!td_json_skip(&w->json)) return false;
            continue;
        }
        if (type == TD_JSON_KEY) type = td_json_next(&w->json);
        if (!take_value(w, type, met, depth + 1)) return false;
    }
}

bool td_picker_read_json(td_picker *picker, td_bytes record, td_picked out[TD_PICKER_MAX]) {
    walk w = {.picker = picker, .out = out};
    picker->texts.size = 0;
    td_buf_reserve(&picker->texts, record.size);
    memset(out, 0, picker->count * sizeof *out);
    td_json_init(&w.json, record);
    if (td_json_next(&w.json) != TD_JSON_OBJECT || !walk_members(&w, td_picker_all(picker), 0)) return false;
    return td_json_next(&w.json) == TD_JSON_END;
}
