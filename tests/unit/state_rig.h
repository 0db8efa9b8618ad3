/* tests/unit/state_rig.h - a td_state as a restart would have it; for the tests that run one. */
#pragma once
#include "stream/state.h"
#include "unit.h"

/* The state through its bytes; `state` is freed. What was loaded saves the same bytes again. */
static inline td_state *rig_reloaded(td_state *state, const td_program *program) {
    td_buf saved = {0}, again = {0};
    td_state *loaded;
    td_state_save(state, &saved);
    td_state_free(state);
    assert_int_equal(td_state_load(&loaded, program, td_buf_bytes(&saved)), TD_OK);
    td_state_save(loaded, &again);
    assert_true(td_bytes_equal(td_buf_bytes(&saved), td_buf_bytes(&again)));
    td_buf_fini(&saved);
    td_buf_fini(&again);
    return loaded;
}
