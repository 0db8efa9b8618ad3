/* src/model/refusal.c - the words for reasons. */
#include "model/refusal.h"
#include <assert.h>

const char *td_reason_name(td_reason reason) {
    static const char *const names[] = {
        [TD_REASON_NONE] = "none",
        [TD_REASON_MALFORMED] = "malformed",
        [TD_REASON_RANGE] = "range",
        [TD_REASON_UNREADABLE] = "unreadable",
        [TD_REASON_NON_POSITIVE] = "non-positive",
        [TD_REASON_LATE] = "late",
        [TD_REASON_OVERFLOW] = "overflow",
    };
    _Static_assert(sizeof names / sizeof names[0] == TD_REASON_COUNT, "every reason has its word");
    assert((unsigned)reason < TD_REASON_COUNT);
    return names[reason];
}
