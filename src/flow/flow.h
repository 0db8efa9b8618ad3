/* src/flow/flow.h - what the arrows share: how long to back off, and how a failure that somebody must see is kept.
 * Decisions about errors are made in this folder alone: TD_RETRY backs off here, TD_CONFIG ends the run, TD_CORRUPT
 * stops one partition. */
#pragma once
#include "base/metric.h"
#include "os/os.h"

/* What an arrow backs off for, until somebody has heard that it began, of the first few other causes that it goes on
 * by, and that it is over. What is over before anybody has asked is never told. */
enum { TD_TROUBLE_CAUSES = 4 };
typedef struct td_trouble {
    atomic_int state; /* NONE, BEGAN: to be told, TELLING: the text is in use, TOLD, OVER: to be told */
    char text[512];   /* changed while the state is NONE or TOLD */
    uint32_t causes[TD_TROUBLE_CAUSES]; /* hashes; the owner's, as the next */
    size_t cause_count;
} td_trouble;

typedef enum td_trouble_news { TD_TROUBLE_NO_NEWS, TD_TROUBLE_BEGAN, TD_TROUBLE_OVER } td_trouble_news;

/* The owner's thread, as often as it likes; what begins says the thread's trail. */
void td_trouble_begin(td_trouble *trouble);
void td_trouble_end(td_trouble *trouble);
/* What is new since the last call; the text is the trouble's until the next. Thread: one, any. */
td_trouble_news td_trouble_ask(td_trouble *trouble);

/* After a failure: 1 ms, doubling to 1 s; success resets it. Thread: the owner's, but for the trouble. */
typedef struct td_backoff {
    int64_t until_ns, delay_ns; /* on the monotonic clock */
    td_trouble trouble;
} td_backoff;

bool td_backoff_waiting(const td_backoff *backoff, const td_os *os);
void td_backoff_start(td_backoff *backoff, const td_os *os); /* the thread's trail says for what */
void td_backoff_end(td_backoff *backoff);
static inline void td_backoff_reset(td_backoff *backoff) {
    if (backoff->delay_ns != 0) td_backoff_end(backoff);
}

/* The first failure of an arrow, readable from other threads once status is not TD_OK. */
typedef struct td_fault {
    atomic_int status; /* td_status */
    char text[1024];
} td_fault;

/* Keeps the status and the calling thread's trail, unless one is kept already. */
void td_fault_set(td_fault *fault, td_status status);
static inline td_status td_fault_status(td_fault *fault) {
    return (td_status)atomic_load_explicit(&fault->status, memory_order_acquire);
}
