/* src/app/progress.c - numbers as short as people read them. */
#include "app/progress.h"
#include "base/time.h"
#include <stdio.h>

enum { SHORT_MAX = 16 };

static const char *shorten(double n, char out[SHORT_MAX]) {
    static const char units[] = {'k', 'M', 'G', 'T'};
    int unit = -1;
    for (; n >= 999.5 && unit < 3; unit++) n /= 1000; /* what would be rounded to 1000 has the next unit */
    (void)snprintf(out, SHORT_MAX, unit >= 0 && n < 99.95 ? "%.1f%.*s" : "%.0f%.*s", n, unit >= 0,
                   unit >= 0 ? &units[unit] : "");
    return out;
}

void td_progress_text(const char *what, int64_t done, int64_t total, int64_t elapsed_ns, char out[TD_PROGRESS_MAX]) {
    char done_text[SHORT_MAX], total_text[SHORT_MAX], rate_text[SHORT_MAX], left_text[32] = "";
    if (done > total) total = done; /* what was counted at start may have grown */
    double seconds = (double)elapsed_ns / (double)TD_NS_PER_S;
    double rate = seconds > 0 ? (double)done / seconds : 0;
    double left = rate > 0 ? (double)(total - done) / rate : 0;
    if (rate > 0 && left < 100)
        (void)snprintf(left_text, sizeof left_text, ", %.0f s left", left);
    else if (rate > 0)
        (void)snprintf(left_text, sizeof left_text, ", %.0f min left", left / 60);
    (void)snprintf(out, TD_PROGRESS_MAX, "%s: %.0f %%, %s of %s, %s/s%s", what,
                   total > 0 ? 100 * (double)done / (double)total : 100, shorten((double)done, done_text),
                   shorten((double)total, total_text), shorten(rate, rate_text), left_text);
}
