/* src/feed/levels.c - a reader over one array, then over the other. */
#include "feed/levels.h"
#include "base/decimal.h"
#include "feed/venue.h"

enum { TEXTS_MAX = 3 }; /* of a level: its side where it says it, price, size */

typedef enum word { LEVEL, END, WRONG } word;

static bool open_array(const td_levels *l, td_level_place *place, uint8_t array) {
    place->array = array;
    if (l->arrays[array].text.size == 0) return false;
    td_json_init(&place->json, l->arrays[array].text);
    return td_json_next(&place->json) == TD_JSON_ARRAY;
}

/* Behind its bracket. */
static td_reason read_level(td_json *json, unsigned side, td_book_level *out, uint8_t *flags) {
    td_bytes texts[TEXTS_MAX] = {0}, *numbers = texts;
    for (size_t i = 0;; i++) {
        td_field value;
        if (!td_field_read(json, &value)) return TD_REASON_MALFORMED;
        if (value.type == TD_JSON_ARRAY_END) break;
        if (i < TEXTS_MAX) texts[i] = value.text;
    }
    if (side == TD_BOOK_SIDE_COUNT) {
        bool buys = td_bytes_equal(texts[0], TD_TEXT("buy"));
        if (!buys && !td_bytes_equal(texts[0], TD_TEXT("sell"))) return TD_REASON_MALFORMED;
        side = buys ? TD_BOOK_BID : TD_BOOK_ASK;
        numbers++;
    }
    out->side = (uint8_t)side;
    td_reason reason = td_recorded_number(numbers[0], TD_PRICE_SCALE, &out->price, flags);
    if (reason == TD_REASON_NONE) reason = td_recorded_number(numbers[1], TD_SIZE_SCALE, &out->size, flags);
    return reason == TD_REASON_NONE && (out->price <= 0 || out->size < 0) ? TD_REASON_RANGE : reason;
}

/* The one behind the place, which moves on. WRONG: *out_reason says how. */
static word next_level(const td_levels *l, td_level_place *place, td_book_level *out, uint8_t *flags,
                       td_reason *out_reason) {
    td_json_type type = td_json_next(&place->json);
    while (type == TD_JSON_ARRAY_END) {
        uint8_t next = (uint8_t)(place->array + 1);
        if (next == TD_LEVEL_ARRAYS || l->arrays[next].text.size == 0) return END;
        type = open_array(l, place, next) ? td_json_next(&place->json) : TD_JSON_ERROR;
    }
    *out_reason = type == TD_JSON_ARRAY ? read_level(&place->json, l->arrays[place->array].side, out, flags)
                                        : TD_REASON_MALFORMED;
    return *out_reason == TD_REASON_NONE ? LEVEL : WRONG;
}

/* As many as one event holds. */
static void give_part(td_levels *l, td_recorded *out) {
    td_event *e = &out->event;
    td_reason reason = TD_REASON_NONE;
    uint16_t count = 0;
    *e = l->event;
    while (count < TD_BOOK_LEVELS_MAX && next_level(l, &l->place, &l->levels[count], &e->flags, &reason) == LEVEL)
        count++;
    td_level_place ahead = l->place;
    td_book_level level;
    uint8_t flags = 0;
    l->within = count == TD_BOOK_LEVELS_MAX && next_level(l, &ahead, &level, &flags, &reason) == LEVEL;
    e->book.levels = l->levels;
    e->book.level_count = count;
    e->book.more = out->more = l->within;
    td_recorded_event(out, reason);
}

/* What comes behind the first part. */
static td_reason judge_rest(const td_levels *l) {
    td_level_place place = l->place;
    td_book_level level;
    td_reason reason = TD_REASON_NONE;
    uint8_t flags = 0;
    while (next_level(l, &place, &level, &flags, &reason) == LEVEL) continue;
    return reason;
}

void td_levels_begin(td_levels *l, const td_level_array arrays[TD_LEVEL_ARRAYS], td_recorded *out) {
    memcpy(l->arrays, arrays, sizeof l->arrays);
    l->event = out->event;
    if (!open_array(l, &l->place, 0)) {
        td_recorded_event(out, TD_REASON_MALFORMED);
        return;
    }
    give_part(l, out);
    td_reason reason = l->within ? judge_rest(l) : TD_REASON_NONE;
    if (reason == TD_REASON_NONE) return;
    l->within = out->more = false;
    td_recorded_event(out, reason);
}

void td_levels_next(td_levels *l, td_recorded *out) {
    l->event.book.snapshot = false; /* the first part was its begin */
    give_part(l, out);
}
