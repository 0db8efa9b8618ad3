/* src/flow/flow.c - back-off and faults. */
#include "flow/flow.h"
#include "base/time.h"
#include <stdio.h>

bool td_backoff_waiting(const td_backoff *backoff, const td_os *os) {
    return backoff->until_ns != 0 && os->ops->mono_ns(os->self) < backoff->until_ns;
}

void td_backoff_start(td_backoff *backoff, const td_os *os) {
    int64_t delay_ns = backoff->delay_ns == 0 ? TD_NS_PER_MS : backoff->delay_ns * 2;
    backoff->delay_ns = delay_ns < TD_NS_PER_S ? delay_ns : TD_NS_PER_S;
    backoff->until_ns = os->ops->mono_ns(os->self) + backoff->delay_ns;
}

void td_fault_set(td_fault *fault, td_status status) {
    if (td_fault_status(fault) != TD_OK) return;
    (void)snprintf(fault->text, sizeof fault->text, "%s", td_trail());
    atomic_store_explicit(&fault->status, (int)status, memory_order_release);
}
