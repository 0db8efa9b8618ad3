/* tests/fuzz/fuzz_cql.c - any bytes as what a server of CQL's protocol sends: frames or none, and of what was taken
 * every column and every row can be walked, within the bytes. The same bytes, as values, come out as they went in. */
#include "net/cql_answer.h"
#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_within(td_bytes part, td_bytes all) {
    return part.size == 0 || (part.data >= all.data && part.data + part.size <= all.data + all.size);
}

static void walk_columns(td_cql_columns columns, td_bytes message) {
    td_cql_column column;
    uint32_t count = columns.count, seen = 0;
    for (; td_cql_column_next(&columns, &column); seen++) assert(is_within(column.name, message));
    assert(seen == count && columns.specs.size == 0);
}

/* Whatever a cell is, as if it were a list. */
static void walk_elements(td_bytes cell, td_bytes message) {
    td_bytes all = td_cql_elements(cell), one;
    while (td_cql_element_next(&all, &one)) assert(is_within(one, message));
    assert(all.size == 0);
}

static void walk(const td_cql_answer *a, td_bytes message) {
    td_bytes cells[8];
    assert(is_within(a->text, message) && is_within(a->error.id, message) && is_within(a->prepared.id, message));
    if (a->kind == TD_CQL_IS_PREPARED) walk_columns(a->prepared.values, message);
    if (a->kind != TD_CQL_IS_ROWS) return;
    walk_columns(a->rows.columns, message);
    td_cql_rows rows = a->rows;
    while (td_cql_row_next(&rows, cells, 8))
        for (uint32_t i = 0; i < rows.columns.count && i < 8; i++) {
            assert(is_within(cells[i], message));
            walk_elements(cells[i], message);
        }
    assert(rows.cells.size == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    td_bytes rest = {data, size}, message;
    td_cql_frame frame;
    td_buf room = {0};
    td_cql_answer answer;
    while (td_cql_frame_get(rest, &frame) == TD_OK) {
        assert(frame.size >= TD_CQL_HEAD_BYTES && frame.size <= rest.size);
        if (td_cql_frame_open(&frame, &room, &message) == TD_OK) {
            if (td_cql_answer_get((td_cql_opcode)frame.opcode, message, &answer) == TD_OK) walk(&answer, message);
            assert(td_cql_error_status(&answer) == TD_RETRY || td_cql_error_status(&answer) == TD_CONFIG);
        }
        rest = td_bytes_from(rest, frame.size);
    }
    td_buf out = {0};
    td_cql_frame_put(&out, TD_CQL_QUERY, 1, (td_bytes){data, size}, true);
    frame = (td_cql_frame){.flags = out.data[1], .body = td_bytes_from(td_buf_bytes(&out), TD_CQL_HEAD_BYTES)};
    td_status status = td_cql_frame_open(&frame, &room, &message);
    assert(status == TD_OK && td_bytes_equal(message, (td_bytes){data, size}));
    td_buf_fini(&out);
    td_buf_fini(&room);
    return 0;
}
