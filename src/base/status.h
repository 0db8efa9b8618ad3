/* src/base/status.h - what every fallible function returns. Each code has one reaction, so no caller parses text.
 * The text (what happened, then each step on the way up) sits in a fixed per-thread trail: no allocation.
 * Thread: every thread has its own trail. */
#pragma once
#include <stddef.h>

typedef enum td_status {
    TD_OK = 0,
    TD_AGAIN,   /* nothing to do yet       -> come back later; leaves no trail       */
    TD_FULL,    /* a bound was reached     -> wait, or drop and count, as configured */
    TD_REJECT,  /* bytes from outside bad  -> count, record as rejected, go on       */
    TD_RETRY,   /* the outside world broke -> back off, do the same thing again      */
    TD_FENCED,  /* another took our place  -> stop what writes under its name, for good */
    TD_CONFIG,  /* the operator must act   -> refuse to start and name the key       */
    TD_CORRUPT, /* our own bytes are bad   -> stop this partition, keep the others   */
} td_status;

#define TD_CHECKED __attribute__((warn_unused_result))

/* Starts the trail anew and returns `code`. */
td_status td_fail(td_status code, const char *func, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Appends "; while <text>" to the trail and returns `code` unchanged; does nothing for TD_OK and TD_AGAIN. */
td_status td_trace(td_status code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
#define TD_FAIL(code, ...) td_fail((code), __func__, __VA_ARGS__)

/* The trail's text, valid until the next td_fail of this thread; "" when there is none. */
const char *td_trail(void);
/* The word for a code ("ok", "again", …): a literal. */
const char *td_status_name(td_status code);
