/* src/schema/place.c - a number behind an @, or a time. */
#include "schema/place.h"
#include "base/time.h"
#include "schema/cause.h"

td_status td_place_parse(td_bytes text, td_place *out) {
    *out = TD_PLACE_END;
    if (text.size < 2 || text.data[0] != '@') return td_time_parse(text, &out->known_ns);
    out->offset = 0;
    for (size_t i = 1; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || out->offset > INT64_MAX / 10 - 1) return TD_REJECT;
        out->offset = out->offset * 10 + (text.data[i] - '0');
    }
    return TD_OK;
}

bool td_place_has(const td_place *place, int64_t known_at_ns, td_bytes cause) {
    td_cause made_by;
    if (known_at_ns > place->known_ns) return false;
    return place->offset == INT64_MAX || (td_cause_get(cause, &made_by) && made_by.offset < place->offset);
}
