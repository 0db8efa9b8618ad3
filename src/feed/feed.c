/* src/feed/feed.c - checks that all feeds share. */
#include "feed/feed.h"
#include <stdio.h>

enum { VENUE_MAX = 31 };

td_status td_feed_check_venue(const char *venue) {
    char name[TD_INSTRUMENT_NAME_MAX + 1];
    int size = snprintf(name, sizeof name, "%s:X", venue);
    if (size <= VENUE_MAX + 2 && strchr(venue, ':') == NULL && td_instrument_name_valid(td_text(name))) return TD_OK;
    return TD_FAIL(TD_CONFIG, "venue: \"%s\" is not a word of 1 to %d characters", venue, VENUE_MAX);
}
