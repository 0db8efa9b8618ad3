/* tests/record_again.h - a record read and written again, whatever its schema: what dumpers, fuzzers and benchmarks
 * share.
 */
#pragma once
#include "schema/record.h"

/* Ids 1, 2, … in the order of the enum, as a new registry gives them. */
static inline void record_ids_init(td_schema_ids *ids) {
    td_schema_ids_init(ids);
    for (int i = 0; i < TD_SCHEMA_COUNT; i++) {
        ids->id[i] = i + 1;
        (void)td_schema_ids_put(ids, i + 1, (int8_t)i);
    }
}

/* Appends what our encoder makes of what our decoder reads; false, and nothing appended, when it reads nothing. */
static inline bool record_again(td_buf *out, const td_schema_ids *ids, td_bytes value) {
    td_event event;
    td_bar bar;
    td_signal signal;
    td_rejected rejected;
    td_quarantined quarantined;
    td_fill fill;
    td_member member;
    td_gap gap;
    td_raw raw;
    td_book_level levels[TD_BOOK_LEVELS_MAX];
    td_bytes text, instrument;
    switch (td_record_schema(ids, value)) {
    case -1:
        return false;
    case TD_SCHEMA_BAR:
        if (td_record_get_bar(ids, value, &bar, &text) != TD_OK) return false;
        td_record_put_bar(out, ids, text, &bar);
        return true;
    case TD_SCHEMA_MEMBER:
        if (td_record_get_member(ids, value, &member) != TD_OK) return false;
        td_record_put_member(out, ids, &member);
        return true;
    case TD_SCHEMA_SIGNAL:
        if (td_record_get_signal(ids, value, &signal, &text) != TD_OK) return false;
        td_record_put_signal(out, ids, text, &signal);
        return true;
    case TD_SCHEMA_REJECTED:
        if (td_record_get_rejected(value, &rejected) != TD_OK) return false;
        td_record_put_rejected(out, ids, &rejected);
        return true;
    case TD_SCHEMA_QUARANTINED:
        if (td_record_get_quarantined(ids, value, &quarantined, &text) != TD_OK) return false;
        td_record_put_quarantined(out, ids, text, &quarantined);
        return true;
    case TD_SCHEMA_FILL:
        if (td_record_get_fill(value, &fill, &text) != TD_OK) return false;
        td_record_put_fill(out, ids, text, &fill);
        return true;
    case TD_SCHEMA_GAP:
        if (td_record_get_gap(value, &gap, &text) != TD_OK) return false;
        td_record_put_gap(out, ids, text, &gap);
        return true;
    case TD_SCHEMA_PUBLISHED_TRADE:
    case TD_SCHEMA_PUBLISHED_QUOTE:
    case TD_SCHEMA_PUBLISHED_NEWS:
        if (td_record_get_published(ids, value, &event, &text, &instrument) != TD_OK) return false;
        td_record_put_published(out, ids, text, instrument, &event);
        return true;
    case TD_SCHEMA_RAW:
        if (td_record_get_raw(value, &raw) != TD_OK) return false;
        td_record_put_raw(out, ids, &raw);
        return true;
    default:
        if (td_record_get_event(ids, value, &event, &text) != TD_OK) return false;
        if (event.kind == TD_EVENT_BOOK) {
            event.book.level_count = (uint16_t)td_record_get_levels(value, levels);
            event.book.levels = levels;
        }
        td_record_put_event(out, ids, text, &event);
        return true;
    }
}
