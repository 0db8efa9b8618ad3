/* src/base/status.c - the per-thread trail behind td_status: what happened, then each step on the way up. */
#include "base/status.h"
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { TRAIL_MAX = 1024 }; /* longer texts are cut: the beginning says what happened */

static _Thread_local char trail[TRAIL_MAX];

td_status td_fail(td_status code, const char *func, const char *fmt, ...) {
    char text[TRAIL_MAX]; /* the arguments may point into the trail itself */
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    /* What is wrong outside is for people to mend, who know no functions; bytes of our own are for who wrote them. */
    bool names_function = code == TD_CORRUPT;
    (void)snprintf(trail, sizeof trail, names_function ? "%s (%s)" : "%s", text, func);
    return code;
}

td_status td_trace(td_status code, const char *fmt, ...) {
    if (code == TD_OK || code == TD_AGAIN) return code;
    size_t used = strlen(trail);
    used += (size_t)snprintf(trail + used, sizeof trail - used, "; while ");
    if (used >= sizeof trail) return code;
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(trail + used, sizeof trail - used, fmt, args);
    va_end(args);
    return code;
}

const char *td_trail(void) { return trail; }

const char *td_status_name(td_status code) {
    static const char *const names[] = {"ok", "again", "full", "reject", "retry", "fenced", "config", "corrupt"};
    return (size_t)code < sizeof names / sizeof names[0] ? names[code] : "unknown";
}
