/* src/base/embedded.h - files that the build puts into the program (scripts/embed.py): schemas, calendars, tables
 * of sale conditions, pages. */
#pragma once
#include "base/bytes.h"

typedef struct td_embedded {
    const char *name; /* NULL ends a table */
    td_bytes bytes;
} td_embedded;

extern const td_embedded td_embedded_schemas[];    /* by file name: "Trade.avsc" */
extern const td_embedded td_embedded_calendars[];  /* by file name: "us-equities.cal" */
extern const td_embedded td_embedded_conditions[]; /* by file name: "lean.cond" */
extern const td_embedded td_embedded_web[];        /* by path below /: "index.html" */
