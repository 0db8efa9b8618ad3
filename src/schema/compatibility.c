/* src/schema/compatibility.c - compatible is what a plan for reading finds no trouble in. */
#include "schema/compatibility.h"
#include "schema/avro_resolve.h"
#include <stdio.h>

static const struct level_row {
    const char *name;
    bool backward, forward, all;
} levels[TD_COMPATIBILITY_COUNT] = {
    [TD_COMPATIBILITY_NONE] = {"NONE", false, false, false},
    [TD_COMPATIBILITY_BACKWARD] = {"BACKWARD", true, false, false},
    [TD_COMPATIBILITY_FORWARD] = {"FORWARD", false, true, false},
    [TD_COMPATIBILITY_FULL] = {"FULL", true, true, false},
    [TD_COMPATIBILITY_BACKWARD_TRANSITIVE] = {"BACKWARD_TRANSITIVE", true, false, true},
    [TD_COMPATIBILITY_FORWARD_TRANSITIVE] = {"FORWARD_TRANSITIVE", false, true, true},
    [TD_COMPATIBILITY_FULL_TRANSITIVE] = {"FULL_TRANSITIVE", true, true, true},
};

const char *td_compatibility_name(td_compatibility level) { return levels[level].name; }

bool td_compatibility_find(td_bytes name, td_compatibility *out) {
    for (*out = 0; *out < TD_COMPATIBILITY_COUNT; (*out)++)
        if (td_bytes_equal(name, td_text(levels[*out].name))) return true;
    return false;
}

static bool can_read(const td_avro_schema *reader, const td_avro_schema *writer, td_incompatibility *out) {
    td_avro_plan *plan = td_avro_plan_new(writer, reader);
    td_avro_trouble trouble = td_avro_plan_trouble(plan);
    if (trouble.path != NULL) {
        (void)snprintf(out->path, sizeof out->path, "%s", trouble.path);
        (void)snprintf(out->reason, sizeof out->reason, "%s", trouble.reason);
    }
    td_avro_plan_free(plan);
    return trouble.path == NULL;
}

bool td_compatibility_check(td_compatibility level, const td_avro_schema *next, const td_avro_schema *const *older,
                            size_t older_count, td_incompatibility *out) {
    const struct level_row *row = &levels[level];
    size_t last = row->all || older_count == 0 ? 0 : older_count - 1;
    for (size_t i = older_count; i-- > last;) {
        *out = (td_incompatibility){.version = i};
        if (row->backward && !can_read(next, older[i], out)) return false;
        out->older_reads = true;
        if (row->forward && !can_read(older[i], next, out)) return false;
    }
    return true;
}
