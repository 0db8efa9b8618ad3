/* src/flow/flow.c - back-off and faults. */
#include "flow/flow.h"
#include "base/hash.h"
#include "base/time.h"
#include <stdio.h>

/* ---- troubles: the owner writes the text in NONE and TOLD, the asker leads from BEGAN, TELLING and OVER on ---- */

enum { NONE, BEGAN, TELLING, TOLD, OVER };

/* Whether nobody has heard of this cause since the trouble began, of the first few. */
static bool is_new_cause(td_trouble *t, const char *cause) {
    uint32_t hash = (uint32_t)td_hash_bytes(td_text(cause));
    for (size_t i = 0; i < t->cause_count; i++)
        if (t->causes[i] == hash) return false;
    if (t->cause_count == TD_TROUBLE_CAUSES) return false;
    t->causes[t->cause_count++] = hash;
    return true;
}

void td_trouble_begin(td_trouble *t) {
    int state = atomic_load_explicit(&t->state, memory_order_acquire);
    if (state == NONE) t->cause_count = 0;
    if ((state != NONE && state != TOLD) || !is_new_cause(t, td_trail())) return;
    (void)snprintf(t->text, sizeof t->text, "%s", td_trail());
    atomic_store_explicit(&t->state, BEGAN, memory_order_release);
}

void td_trouble_end(td_trouble *t) {
    int state = atomic_load_explicit(&t->state, memory_order_acquire);
    bool heard = state == TELLING || state == TOLD || t->cause_count > 1;
    if (state == NONE || state == OVER) return;
    if (!heard && atomic_compare_exchange_strong(&t->state, &state, NONE)) return;
    atomic_store_explicit(&t->state, OVER, memory_order_release);
}

td_trouble_news td_trouble_ask(td_trouble *t) {
    int state = BEGAN;
    if (atomic_compare_exchange_strong(&t->state, &state, TELLING)) return TD_TROUBLE_BEGAN;
    if (state == TELLING) (void)atomic_compare_exchange_strong(&t->state, &state, TOLD);
    if (state != OVER) return TD_TROUBLE_NO_NEWS;
    atomic_store_explicit(&t->state, NONE, memory_order_release);
    return TD_TROUBLE_OVER;
}

/* ---- back-off ---- */

bool td_backoff_waiting(const td_backoff *backoff, const td_os *os) {
    return backoff->until_ns != 0 && os->ops->mono_ns(os->self) < backoff->until_ns;
}

void td_backoff_start(td_backoff *backoff, const td_os *os) {
    int64_t delay_ns = backoff->delay_ns == 0 ? TD_NS_PER_MS : backoff->delay_ns * 2;
    backoff->delay_ns = delay_ns < TD_NS_PER_S ? delay_ns : TD_NS_PER_S;
    backoff->until_ns = os->ops->mono_ns(os->self) + backoff->delay_ns;
    td_trouble_begin(&backoff->trouble);
}

void td_backoff_end(td_backoff *backoff) {
    backoff->until_ns = backoff->delay_ns = 0;
    td_trouble_end(&backoff->trouble);
}

void td_fault_set(td_fault *fault, td_status status) {
    if (td_fault_status(fault) != TD_OK) return;
    (void)snprintf(fault->text, sizeof fault->text, "%s", td_trail());
    atomic_store_explicit(&fault->status, (int)status, memory_order_release);
}
