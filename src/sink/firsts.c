/* src/sink/firsts.c - the first of each instrument. */
#include "sink/firsts.h"
#include "sink/row.h"

static bool is_of_market(const td_sink_row *row) {
    return row->kind == TD_ROW_BAR || row->kind == TD_ROW_VENDOR_BAR || row->kind == TD_ROW_PUBLISHED;
}

static int64_t *told_at(td_firsts *f, uint32_t index) { return (int64_t *)(void *)f->told.data + index; }

/* Whether it is earlier than what was told. */
static bool tell(td_firsts *f, const td_sink_row *row) {
    static const int64_t nothing = INT64_MAX;
    int64_t ns = td_sink_row_time(row);
    uint32_t index = td_instruments_find(f->names, row->instrument);
    if (index == UINT32_MAX) {
        if (!td_instrument_name_valid(row->instrument)) return false;
        index = td_instruments_intern(f->names, row->instrument);
        td_buf_put(&f->told, &nothing, sizeof nothing);
    }
    int64_t *told = told_at(f, index);
    if (ns >= *told) return false;
    *told = ns;
    return true;
}

/* Of several of an instrument the last was the earliest. */
static size_t keep_earliest(td_firsts *f, const td_sink_row *rows, size_t count) {
    uint32_t *picks = (void *)f->picks.data;
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        const td_sink_row *row = &rows[picks[i]];
        if (*told_at(f, td_instruments_find(f->names, row->instrument)) == td_sink_row_time(row))
            picks[kept++] = picks[i];
    }
    return kept;
}

size_t td_firsts_pick(td_firsts *f, const td_sink_row *rows, size_t count) {
    f->picks.size = 0;
    if (count == 0 || !is_of_market(&rows[0])) return 0; /* a batch is of one topic */
    if (f->names == NULL) f->names = td_instruments_new();
    for (size_t i = 0; i < count; i++)
        if (tell(f, &rows[i])) td_buf_put_u32(&f->picks, (uint32_t)i);
    return keep_earliest(f, rows, f->picks.size / sizeof(uint32_t));
}

void td_firsts_forget(td_firsts *f) {
    td_instruments_free(f->names);
    f->names = NULL;
    f->told.size = f->picks.size = 0;
}

void td_firsts_fini(td_firsts *f) {
    td_firsts_forget(f);
    td_buf_fini(&f->told);
    td_buf_fini(&f->picks);
}
