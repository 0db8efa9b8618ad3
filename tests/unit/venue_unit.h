/* tests/unit/venue_unit.h - one message through a venue's decoder: all that it says as text, an item a line. */
#pragma once
#include "feed/venue.h"
#include "feed_unit.h"

enum { UNIT_ITEMS_MAX = 64 };
#define UNIT_RECEIVED INT64_C(1700000000000000000) /* 2023-11-14T22:13:20Z */

typedef struct unit_venue {
    const td_venue_ops *ops;
    td_instruments *instruments;
    _Alignas(max_align_t) uint8_t state[TD_VENUE_STATE_MAX];
} unit_venue;

static inline void unit_venue_begin(unit_venue *v, const td_venue_ops *ops, const char *url) {
    *v = (unit_venue){.ops = ops, .instruments = td_instruments_new()};
    td_naming naming = {.venue = ops->venue, .instruments = v->instruments};
    assert_in_range(ops->state_size, 1, sizeof v->state);
    ops->begin(v->state, &naming, td_text(url));
}

static inline void unit_venue_end(unit_venue *v) { td_instruments_free(v->instruments); }

static inline void unit_put_notice(td_buf *out, const td_instruments *instruments, const td_notice *n) {
    static const char *const kinds[] = {"", " alive", " last", " ack", " error", " denied", " reconnect"};
    td_buf_text(out, kinds[n->kind]);
    if (n->of_instrument)
        td_buf_printf(out, " %s %" PRId64, td_instruments_name(instruments, n->instrument).data, n->trade_id);
    if (n->text.size > 0) td_buf_printf(out, " %.*s", (int)n->text.size, (const char *)n->text.data);
}

/* The message lies in memory of its own size, so that a sanitizer sees one byte too many. */
static inline char *unit_venue_text(unit_venue *v, td_bytes message) {
    td_buf out = {0};
    uint8_t *copy = td_alloc(message.size + (message.size == 0));
    if (message.size > 0) memcpy(copy, message.data, message.size);
    td_recorded row = {0};
    for (int i = 0; i == 0 || row.more; i++) {
        assert_in_range(i, 0, UNIT_ITEMS_MAX);
        row = (td_recorded){.kind = TD_ITEM_END, .ns_of_day = -1};
        v->ops->decode(v->state, (td_bytes){copy, message.size}, UNIT_RECEIVED, &row);
        if (i > 0) td_buf_text(&out, "\n");
        if (row.kind == TD_ITEM_EVENT)
            unit_put_event(&out, v->instruments, &row.event);
        else if (row.kind == TD_ITEM_REJECTED)
            td_buf_printf(&out, "rejected %s", td_reason_name((td_reason)row.reason));
        else
            td_buf_printf(&out, "ignored %s", row.ignored);
        assert_true(row.kind != TD_ITEM_REJECTED || row.detail != NULL);
        assert_true(row.kind == TD_ITEM_IGNORED || row.notice.kind == TD_NOTICE_NONE);
        unit_put_notice(&out, v->instruments, &row.notice);
    }
    td_buf_put(&out, "", 1);
    free(copy);
    return (char *)out.data;
}

typedef struct unit_message {
    const char *message, *items;
} unit_message;

static inline void unit_check_messages(const td_venue_ops *ops, const char *url, const unit_message *steps,
                                       size_t count) {
    unit_venue v;
    unit_venue_begin(&v, ops, url);
    for (size_t i = 0; i < count; i++) { /* one after the other: none leaves anything behind for the next */
        char *text = unit_venue_text(&v, td_text(steps[i].message));
        ASSERT_ROW(strcmp(text, steps[i].items) == 0, "%zu: %s\n%s", i, steps[i].message, text);
        free(text);
    }
    unit_venue_end(&v);
}

/* Cut at each byte, a message says nothing but that it is malformed. */
static inline void unit_check_cuts(const td_venue_ops *ops, const char *message) {
    unit_venue v;
    unit_venue_begin(&v, ops, "");
    for (size_t size = 0; size < strlen(message); size++) {
        char *text = unit_venue_text(&v, (td_bytes){(const uint8_t *)message, size});
        ASSERT_ROW(strcmp(text, "rejected malformed") == 0, "%zu: %s", size, text);
        free(text);
    }
    unit_venue_end(&v);
}
