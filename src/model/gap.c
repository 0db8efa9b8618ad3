/* src/model/gap.c - a gap's words. */
#include "model/gap.h"
#include <assert.h>

const char *td_gap_reason_name(td_gap_reason reason) {
    static const char *const names[TD_GAP_REASON_COUNT] = {"session", "ids", "silence", "sequence"};
    assert(reason < TD_GAP_REASON_COUNT);
    return names[reason];
}

const char *td_gap_status_name(td_gap_status status) {
    static const char *const names[TD_GAP_STATUS_COUNT] = {"open", "filled", "lost"};
    assert(status < TD_GAP_STATUS_COUNT);
    return names[status];
}
