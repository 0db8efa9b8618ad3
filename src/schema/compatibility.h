/* src/schema/compatibility.h - may a schema follow others under one subject? Pure functions over parsed schemas.
 * Backward: the new one reads what the old ones wrote; forward: the old ones read what the new one writes; full: both.
 * Thread: any.
 */
#pragma once
#include "schema/avro_schema.h"

typedef enum td_compatibility {
    TD_COMPATIBILITY_NONE,
    TD_COMPATIBILITY_BACKWARD, /* with the last version alone */
    TD_COMPATIBILITY_FORWARD,
    TD_COMPATIBILITY_FULL,
    TD_COMPATIBILITY_BACKWARD_TRANSITIVE, /* with all versions */
    TD_COMPATIBILITY_FORWARD_TRANSITIVE,
    TD_COMPATIBILITY_FULL_TRANSITIVE,
    TD_COMPATIBILITY_COUNT,
} td_compatibility;

typedef struct td_incompatibility {
    size_t version;   /* index of the older schema */
    bool older_reads; /* it is the older one that could not read */
    char path[192];   /* as in avro_resolve.h */
    char reason[256];
} td_incompatibility;

/* `older` in the order of their versions. False: *out is the first that stands against it, the latest version first. */
bool td_compatibility_check(td_compatibility level, const td_avro_schema *next, const td_avro_schema *const *older,
                            size_t older_count, td_incompatibility *out);
/* As registries call it ("BACKWARD_TRANSITIVE"): a literal. */
const char *td_compatibility_name(td_compatibility level);
/* False: no level is called so. */
bool td_compatibility_find(td_bytes name, td_compatibility *out);
