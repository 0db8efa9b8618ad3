/* src/app/conditions.c - looks through the tables that the build has put into the program. */
#include "app/conditions.h"
#include "base/embedded.h"
#include <stdlib.h>

static td_condition_table read_table(const td_embedded *file) {
    td_condition_table table;
    if (td_condition_table_parse(file->bytes, &table) != TD_OK) abort(); /* the file is wrong */
    return table;
}

bool td_conditions_find(const char *venue, td_condition_table *out) {
    for (const td_embedded *file = td_embedded_conditions; file->name != NULL && venue != NULL; file++) {
        *out = read_table(file);
        if (strcmp(out->venue, venue) == 0) return true;
    }
    return false;
}

void td_conditions_list(td_buf *out) {
    for (const td_embedded *file = td_embedded_conditions; file->name != NULL; file++)
        td_buf_printf(out, "%s%s", file == td_embedded_conditions ? "" : ", ", read_table(file).venue);
}
