/* src/stream/kept.h - closed windows that may still change though their grace is over: those that somebody wanted while
 * they were remembered anyway, because a refused trade belongs to them or a gap lies over them. Wanted first, an empty
 * window; put when the state lets go of its own, so that it holds what was traded; found when it is to be revised.
 * Wanted once more changes nothing. A plain function of its calls: the same ones leave the same windows.
 *
 * Full: of an instrument and width at most TD_KEPT_MAX windows are kept; the oldest is let go, be it the new one.
 * Memory: 144 bytes for each, taken when it is wanted, in steps; nothing before the first. Thread: the state's owner.
 */
#pragma once
#include "stream/window.h"

enum { TD_KEPT_MAX = 256 };

typedef struct td_kept td_kept;

typedef struct td_kept_place {
    uint32_t instrument;
    int64_t width_ns, start_ns;
} td_kept_place;

td_kept *td_kept_new(void);
void td_kept_free(td_kept *kept); /* accepts NULL */

void td_kept_want(td_kept *kept, td_kept_place place);
/* The state lets go of this window. False: nobody wants it. */
bool td_kept_put(td_kept *kept, td_kept_place place, const td_window *window);
/* NULL: not wanted, or let go. Lent until the next call that wants or releases. */
td_window *td_kept_find(const td_kept *kept, td_kept_place place);
/* The first of the place's instrument and width that begins there or later; NULL: none. Lent as above. */
td_window *td_kept_next(const td_kept *kept, td_kept_place place);
/* Lets go of the windows of the place's instrument and width that begin before it. */
void td_kept_release_older(td_kept *kept, td_kept_place place);
/* Lets go of the windows of all other widths. */
void td_kept_release_widths(td_kept *kept, const int64_t *widths_ns, size_t width_count);

/* Appends all as bytes, in one order; and reads them back from the front of *bytes, into an empty one. False: these
 * are no such bytes, or of more instruments than there are. */
void td_kept_save(const td_kept *kept, td_buf *out);
bool td_kept_load(td_kept *kept, td_bytes *bytes, uint32_t instrument_count);
