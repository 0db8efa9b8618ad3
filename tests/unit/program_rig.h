/* tests/unit/program_rig.h - programs out of settings, and how numbers are told; for the tests that run a td_state. */
#pragma once
#include "lang/program.h"
#include "unit.h"

static inline td_program *rig_program(const td_program_settings *settings) {
    td_program *program = NULL;
    td_buf body = {0};
    td_program_body(settings, &body);
    if (td_program_compile(td_buf_bytes(&body), &program) != TD_OK) fail_msg("%s", td_trail());
    td_buf_fini(&body);
    return program;
}

static inline void rig_put_number(td_buf *out, const char *before, td_i128 m, int scale) {
    char text[TD_DECIMAL_TEXT_MAX];
    (void)td_decimal_format(m, scale, false, text);
    td_buf_printf(out, "%s%s", before, text);
}
