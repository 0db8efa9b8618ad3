/* src/sink/retention.c - days that pass, by what comes. */
#include "sink/retention.h"
#include "sink/row.h"

bool td_retention_is_due(td_retention *r, const td_sink_row *rows, size_t count, int64_t *out_before_ns) {
    td_table_id id = count > 0 ? td_table_of(&rows[0]) : TD_TABLE_COUNT;
    if (r->retain_ns == 0 || id == TD_TABLE_COUNT || !td_tables[id].by_time) return false;
    int64_t newest_ns = 0; /* before 1970 nothing is swept */
    for (size_t i = 0; i < count; i++) newest_ns = td_most(newest_ns, td_sink_row_clock(&rows[i]));
    int64_t day = newest_ns / TD_NS_PER_DAY;
    if (day + 1 <= r->day[id]) return false;
    r->day[id] = day + 1;
    *out_before_ns = day * TD_NS_PER_DAY - r->retain_ns;
    return true;
}
