/* src/stream/seen.c - numbers as spans, and as a ring. */
#include "stream/seen.h"

/* Opens a span [number, number] at `index`. A full set forgets its lowest, which may be this one. */
static void insert_span(td_spans *s, size_t index, int64_t number) {
    if (index == TD_SEEN_SPANS) return;
    if (s->count == TD_SEEN_SPANS) s->count--;
    memmove(&s->at[index + 1], &s->at[index], (size_t)(s->count - index) * sizeof s->at[0]);
    s->at[index].first = s->at[index].last = number;
    s->count++;
}

/* The highest span that does not lie above the number. */
static size_t find_span(const td_spans *s, int64_t number) {
    size_t i = 0;
    while (i < s->count && number < s->at[i].first) i++;
    return i;
}

bool td_spans_has(const td_spans *s, int64_t number) {
    size_t i = find_span(s, number);
    return i < s->count && number <= s->at[i].last;
}

bool td_spans_add(td_spans *s, int64_t number) {
    size_t i = find_span(s, number);
    if (i < s->count && number <= s->at[i].last) return false;
    bool joins_above = i > 0 && number == s->at[i - 1].first - 1;
    bool joins_below = i < s->count && number - 1 == s->at[i].last;
    if (joins_above && joins_below) { /* the hole is filled */
        s->at[i - 1].first = s->at[i].first;
        s->count--;
        memmove(&s->at[i], &s->at[i + 1], (size_t)(s->count - i) * sizeof s->at[0]);
    } else if (joins_above) {
        s->at[i - 1].first = number;
    } else if (joins_below) {
        s->at[i].last = number;
    } else {
        insert_span(s, i, number);
    }
    return true;
}

bool td_seen_add_out_of_line(td_seen *seen, const td_event *trade) {
    bool first = seen->spans.count == 0, later = trade->event_ns > seen->newest_ns;
    /* Where arrival stands in for the event's time, a double is later, too. */
    bool tells_time = (trade->flags & TD_FLAG_TIME_RECEIVE) == 0;
    if (first || later) seen->newest_ns = trade->event_ns;
    if (td_spans_add(&seen->spans, trade->trade.trade_id)) return true;
    if (!later || !tells_time) return false;
    seen->spans.count = 0;
    return td_spans_add(&seen->spans, trade->trade.trade_id);
}

bool td_seen_add_any(td_seen *seen, const td_event *trade) {
    for (size_t i = 0; i < TD_SEEN_RING && i < seen->ring.count; i++)
        if (seen->ring.ids[i] == trade->trade.trade_id) return false;
    seen->ring.ids[seen->ring.count++ % TD_SEEN_RING] = trade->trade.trade_id;
    return true;
}
