/* src/model/signal.c - a signal's words and its id. */
#include "model/signal.h"
#include "base/time.h"
#include <assert.h>
#include <stdio.h>

const char *td_action_name(td_action action) {
    static const char *const names[] = {"buy", "sell", "short", "cover", "exit", "alert", "emit"};
    assert((size_t)action < sizeof names / sizeof names[0]);
    return names[action];
}

const char *td_signal_status_name(td_signal_status status) {
    static const char *const names[] = {"fresh", "late", "withdrawn", "withheld"};
    assert((size_t)status < sizeof names / sizeof names[0]);
    return names[status];
}

size_t td_signal_id(const td_signal *signal, td_bytes instrument, char out[TD_SIGNAL_ID_MAX + 1]) {
    char time[40];
    (void)td_time_format_short(signal->event_ns, time);
    int length = snprintf(out, TD_SIGNAL_ID_MAX + 1, "%.*s/%.*s/%s#%u", (int)signal->strategy.size,
                          (const char *)signal->strategy.data, (int)instrument.size, (const char *)instrument.data,
                          time, signal->ordinal);
    assert(length > 0 && length <= TD_SIGNAL_ID_MAX);
    return (size_t)length;
}
