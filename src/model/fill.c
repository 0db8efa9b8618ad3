/* src/model/fill.c - a fill's words. */
#include "model/fill.h"
#include <assert.h>

const char *td_fill_side_name(td_side side) {
    assert(side == TD_SIDE_BUY || side == TD_SIDE_SELL);
    return side == TD_SIDE_BUY ? "buy" : "sell";
}

const char *td_fill_kind_name(td_fill_kind kind) {
    static const char *const names[TD_FILL_KIND_COUNT] = {"next", "open", "touch"};
    assert(kind < TD_FILL_KIND_COUNT);
    return names[kind];
}
