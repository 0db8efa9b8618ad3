/* tests/oracle/calendar_dump.c - prints the sessions of a calendar file as "open_ns close_ns", for who compares them:
 * calendar_dump FILE FIRST_DAY DAYS, days since 1970-01-01. */
#include "model/calendar.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
    static char text[1 << 20];
    FILE *file = argc == 4 ? fopen(argv[1], "rb") : NULL;
    if (file == NULL) return 2;
    size_t size = fread(text, 1, sizeof text, file);
    (void)fclose(file);
    td_calendar *calendar;
    if (td_calendar_parse((td_bytes){(const uint8_t *)text, size}, &calendar) != TD_OK) {
        (void)fprintf(stderr, "%s: %s\n", argv[1], td_trail());
        return 1;
    }
    /* By the hour: a session is found from any instant in it. */
    int64_t first_ns = strtoll(argv[2], NULL, 10) * TD_NS_PER_DAY, hours = strtoll(argv[3], NULL, 10) * 24;
    int64_t last_ns = INT64_MIN;
    for (int64_t hour = 0; hour < hours; hour++) {
        td_period session;
        if (!td_calendar_session(calendar, first_ns + hour * TD_NS_PER_HOUR, &session)) continue;
        if (session.start_ns == last_ns) continue;
        last_ns = session.start_ns;
        (void)printf("%" PRId64 " %" PRId64 "\n", session.start_ns, session.end_ns);
    }
    td_calendar_free(calendar);
    return 0;
}
