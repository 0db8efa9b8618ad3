/* src/schema/place.h - a place of the past as people name it, and what was known there: an offset of an instrument's
 * partition of the tape, or a time. A plain value. */
#pragma once
#include "base/bytes.h"

typedef struct td_place { /* the end of the tape, where both are INT64_MAX */
    int64_t offset;       /* below this one */
    int64_t known_ns;     /* and known at this time or before */
} td_place;
#define TD_PLACE_END ((td_place){INT64_MAX, INT64_MAX})

/* "@120000" is an offset, all else a time. TD_REJECT without a trail: neither. */
TD_CHECKED td_status td_place_parse(td_bytes text, td_place *out);
/* The output was there: it became known then, and its header TD_CAUSE_HEADER names the record that made it. */
bool td_place_has(const td_place *place, int64_t known_at_ns, td_bytes cause);
