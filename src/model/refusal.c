/* src/model/refusal.c - the words for reasons. */
#include "model/refusal.h"
#include <assert.h>
#include <stdio.h>

const char *td_reason_name(td_reason reason) {
    static const char *const names[] = {
        [TD_REASON_NONE] = "none",
        [TD_REASON_MALFORMED] = "malformed",
        [TD_REASON_RANGE] = "range",
        [TD_REASON_UNREADABLE] = "unreadable",
        [TD_REASON_NON_POSITIVE] = "non-positive",
        [TD_REASON_LATE] = "late",
        [TD_REASON_OVERFLOW] = "overflow",
        [TD_REASON_AHEAD] = "ahead",
        [TD_REASON_CROSSED] = "crossed",
        [TD_REASON_OUTLIER] = "outlier",
        [TD_REASON_INSTRUMENT] = "unknown-instrument",
    };
    _Static_assert(sizeof names / sizeof names[0] == TD_REASON_COUNT, "every reason has its word");
    assert((unsigned)reason < TD_REASON_COUNT);
    return names[reason];
}

bool td_reason_parse(td_bytes name, td_reason *out) {
    for (int r = TD_REASON_NONE + 1; r < TD_REASON_COUNT; r++) {
        *out = (td_reason)r;
        if (td_bytes_equal(name, td_text(td_reason_name(*out)))) return true;
    }
    return false;
}

bool td_reason_is_releasable(td_reason reason) {
    return reason > TD_REASON_UNREADABLE && reason < TD_REASON_COUNT && reason != TD_REASON_NON_POSITIVE &&
           reason != TD_REASON_LATE && reason != TD_REASON_OVERFLOW;
}

size_t td_missed_format(const int64_t *widths_ns, unsigned count, char out[TD_MISSED_TEXT_MAX]) {
    size_t size = 0;
    assert(count <= TD_WIDTHS_MAX);
    out[0] = '\0';
    for (unsigned i = 0; i < count; i++) {
        char width[TD_WIDTH_TEXT_MAX];
        (void)td_width_format(widths_ns[i], width);
        size += (size_t)snprintf(out + size, TD_MISSED_TEXT_MAX - size, "%s%s", i > 0 ? " " : "", width);
    }
    return size;
}
