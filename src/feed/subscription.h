/* src/feed/subscription.h - what a venue is asked for when a session begins, and what it says to that. Symbols are
 * asked for several in a message. Where the venue refuses a message, or is silent about some of its symbols for 5 s,
 * these are asked for one by one, so that one wrong name keeps no other away. What it does not acknowledge then is
 * told, once per symbol; each session asks again, by itself.
 *
 * A venue that acknowledges nothing gives what it does not refuse, and its refusals name nobody. They meet those that
 * were asked for last more often than not (a venue that takes 50 refuses the 51st), so the symbols are asked for again
 * from the last one back, each with 2 s to be refused, until as many are found as were refused. No clock, no network:
 * both are the caller's. Thread: the owner's. */
#pragma once
#include "base/option.h"

typedef struct td_subscription td_subscription;

typedef struct td_subscription_ops {
    size_t most;         /* symbols in one message */
    int64_t interval_ns; /* between two messages */
    void (*put)(td_buf *out, char *const *symbols, size_t count);
    /* Calls td_subscription_confirm for each symbol that an acknowledgement speaks of. NULL: there are none. */
    void (*read_ack)(td_subscription *subscription, td_bytes text);
} td_subscription_ops;

typedef enum td_subscription_step {
    TD_SUBSCRIPTION_NONE,
    TD_SUBSCRIPTION_SEND,
    TD_SUBSCRIPTION_TELL
} td_subscription_step;

/* All is borrowed. Errors: TD_CONFIG: a symbol that is none at this venue, or is there twice. */
TD_CHECKED td_status td_subscription_new(td_subscription **out, const td_subscription_ops *ops, const td_texts *symbols,
                                         const char *venue);
void td_subscription_free(td_subscription *subscription); /* accepts NULL */
void td_subscription_begin(td_subscription *subscription);
/* What is to be done now, monotonic: nothing, a message to send, or a text for people, borrowed until the next call. */
td_subscription_step td_subscription_next(td_subscription *subscription, int64_t now_ns, td_bytes *out);
/* The next message that calls off what was asked for and not refused: as it was asked for, with the opposite verb.
 * False: nothing is left. From the first call on, until another session begins, nothing is asked for any more. */
bool td_subscription_end(td_subscription *subscription, td_bytes *out);
void td_subscription_take_ack(td_subscription *subscription, td_bytes text);
void td_subscription_confirm(td_subscription *subscription, td_bytes symbol);
/* False: it has to do with nothing that was asked for. */
bool td_subscription_take_error(td_subscription *subscription, td_bytes text);

/* Appends what calls off what `message` asks for. All venues let one do that in the words in which one asked,
 * "subscribe" being "unsubscribe" (Binance in capitals, Bitstamp behind "bts:"). False: it has no such word. */
bool td_subscription_put_end(td_buf *out, td_bytes message);
