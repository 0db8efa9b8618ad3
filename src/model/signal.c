/* src/model/signal.c - a signal's words and its id. */
#include "model/signal.h"
#include "base/time.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>

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

/* Byte for byte: a name may hold a NUL, which ends what printf writes. */
static char *put_name(char *p, td_bytes name) {
    memcpy(p, name.data, name.size);
    p[name.size] = '/';
    return p + name.size + 1;
}

size_t td_signal_id(const td_signal *signal, td_bytes instrument, char out[TD_SIGNAL_ID_MAX + 1]) {
    char time_and_ordinal[64];
    _Static_assert(2 * (TD_SIGNAL_NAME_MAX + 1) + sizeof time_and_ordinal - 1 <= TD_SIGNAL_ID_MAX, "an id has room");
    size_t size = td_time_format_short(signal->event_ns, time_and_ordinal);
    size += (size_t)snprintf(time_and_ordinal + size, sizeof time_and_ordinal - size, "#%u", signal->ordinal);
    assert(td_signal_has_id(signal, instrument));
    char *end = put_name(put_name(out, signal->strategy), instrument);
    memcpy(end, time_and_ordinal, size + 1);
    return (size_t)(end - out) + size;
}
