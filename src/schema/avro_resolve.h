/* src/schema/avro_resolve.h - values written by one schema as another one reads them: bytes in, bytes out, by a plan
 * that is made once per pair. Promotions, aliases, defaults, unions and enums as the specification's "Schema
 * Resolution" has them, also that decimals match only with the same precision and scale. Of a reader's union the first
 * branch is taken that has the writer's type and full name, else the first that matches; the specification has but the
 * latter, by which a string would become bytes in ["bytes", "string"]. A string must be UTF-8. Thread: any, one at a
 * time. */
#pragma once
#include "schema/avro_schema.h"

enum {
    TD_AVRO_OUT_MAX = 1 << 26,    /* bytes that one value may become */
    TD_AVRO_VALUES_MAX = 1 << 20, /* values inside it beyond eight per byte: an array of nulls has any length in four */
};

typedef struct td_avro_plan td_avro_plan;

/* Borrows both schemas. Always succeeds: what cannot be resolved fails when a value runs into it. */
td_avro_plan *td_avro_plan_new(const td_avro_schema *writer, const td_avro_schema *reader);
void td_avro_plan_free(td_avro_plan *plan); /* accepts NULL */

/* The first thing in the reader's order of fields that some value of the writer would run into; path is NULL when there
 * is none. Borrowed from the plan. In paths "[]" is an array's element, "{}" a map's value, "|x" a branch of a union.
 */
typedef struct td_avro_trouble {
    const char *path, *reason;
} td_avro_trouble;
td_avro_trouble td_avro_plan_trouble(const td_avro_plan *plan);

/* Appends one whole value, as the reader's schema encodes it. Allocates nothing once its buffers have grown. Errors:
 * TD_REJECT, nothing appended, with the place and the reason: bad bytes, or trouble. */
TD_CHECKED td_status td_avro_plan_run(td_avro_plan *plan, td_bytes value, td_buf *out);
