/* src/serve/provisional.c - bars in the making, for show. */
#include "serve/provisional.h"

void td_provisional_break(td_provisional *p, size_t width_count) {
    for (size_t w = 0; w < width_count; w++) {
        p->windows[w] = (td_window){0};
        p->whole[w] = false;
    }
}

void td_provisional_add(td_provisional *p, const td_period *periods, size_t width_count, int64_t event_ns,
                        const td_trade *trade, td_admits admits) {
    td_i128 notional = td_trade_notional(trade);
    for (size_t w = 0; w < width_count; w++) {
        td_window *window = &p->windows[w];
        int64_t start_ns = periods[w].start_ns;
        if (periods[w].end_ns == start_ns) continue;
        if (window->trade_count > 0 && start_ns < window->start_ns) continue;
        if (window->trade_count > 0 && start_ns > window->start_ns) {
            *window = (td_window){0};
            p->whole[w] = true; /* it began before our eyes */
        }
        if (window->trade_count > 0 && notional > TD_NOTIONAL_LARGE && !td_window_can_add(window, notional)) continue;
        window->start_ns = start_ns;
        window->end_ns = periods[w].end_ns;
        td_window_add(window, event_ns, trade, notional, admits);
    }
}

bool td_provisional_bar(const td_provisional *p, size_t width, int64_t width_ns, td_bar *out) {
    if (!td_window_has_bar(&p->windows[width]) || !p->whole[width]) return false;
    *out = td_window_bar(&p->windows[width], width_ns, 0, p->windows[width].last_ns);
    return true;
}
