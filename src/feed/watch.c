/* src/feed/watch.c - the last number of each instrument, beside the last one that the venue told. */
#include "feed/watch.h"
#include <stdlib.h>

enum { ANEW = 10000 }; /* numbers so far below the last one: the venue counts anew */

void td_watch_fini(td_watch *w) {
    free(w->instruments);
    *w = (td_watch){0};
}

void td_watch_begin_session(td_watch *w) {
    for (size_t i = 0; i < w->count; i++) w->instruments[i].since_ns = 0;
}

static td_watched *watched_of(td_watch *w, uint32_t instrument) {
    if (instrument >= w->count) {
        size_t count = 2 * (size_t)instrument + 16;
        td_watched *grown = td_alloc_zero(count, sizeof *grown);
        if (w->count > 0) memcpy(grown, w->instruments, w->count * sizeof *grown);
        free(w->instruments);
        *w = (td_watch){.instruments = grown, .count = count};
    }
    return &w->instruments[instrument];
}

static bool is_anew(const td_watched *i, int64_t id) { return i->known && id < i->last_id - ANEW; }

void td_watch_trade(td_watch *w, uint32_t instrument, int64_t id) {
    td_watched *i = watched_of(w, instrument);
    if (!i->known || id > i->last_id || is_anew(i, id)) i->last_id = id;
    i->known = true;
}

bool td_watch_last(td_watch *w, uint32_t instrument, int64_t id) {
    const td_watched *i = watched_of(w, instrument);
    bool missing = i->known && (id > i->last_id || is_anew(i, id));
    td_watch_trade(w, instrument, id);
    return missing;
}

bool td_watch_number(td_watch *w, uint32_t instrument, int64_t id, int64_t now_ns, int64_t patience_ns) {
    td_watched *i = watched_of(w, instrument);
    if (!i->known || id <= i->last_id || id == i->missed_id) {
        i->since_ns = 0;
        return false;
    }
    if (i->since_ns == 0 || i->last_id >= i->awaited_id) {
        i->awaited_id = id;
        i->since_ns = now_ns;
    }
    bool missing = now_ns - i->since_ns >= patience_ns;
    if (missing) i->missed_id = id;
    return missing;
}
