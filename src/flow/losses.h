/* src/flow/losses.h - what a sink will never get, because retention or a repair took it first: a stretch per partition,
 * in DIR/losses/SINK, until somebody has acknowledged it by removing that file. A plain value; one sink's deliver
 * writes its file, anybody may read or remove it. Errors: TD_RETRY, as the machine gives them. */
#pragma once
#include "flow/topics.h"

enum { TD_LOSSES_MAX = 256, TD_LOSS_TOPIC_MAX = 63 };

typedef struct td_loss {
    char topic[TD_LOSS_TOPIC_MAX + 1];
    uint32_t partition;
    int64_t first, end;     /* offsets: lost among [first, end) */
    int64_t count;          /* so many */
    int64_t from_ns, to_ns; /* event times of what the sink has around them; TD_NONE: not known */
} td_loss;

typedef struct td_losses {
    td_loss items[TD_LOSSES_MAX];
    size_t count;
} td_losses;

int64_t td_losses_sum(const td_losses *losses);
/* The same stretch again is known already; a further one of the partition widens what is there. */
void td_losses_add(td_losses *losses, const td_loss *loss);
/* Empty where all is acknowledged. */
TD_CHECKED td_status td_losses_load(td_losses *out, const td_os *os, const char *dir, const char *sink);
TD_CHECKED td_status td_losses_save(const td_losses *losses, const td_os *os, const char *dir, const char *sink);
bool td_losses_kept(const td_os *os, const char *dir, const char *sink);
TD_CHECKED td_status td_losses_forget(const td_os *os, const char *dir, const char *sink);
/* The names of sinks that have lost something. */
TD_CHECKED td_status td_losses_each(const td_os *os, const char *dir, td_list_fn each, void *arg);
/* "bars-3: 120 records, offsets 5000 to 5119, from 2026-11-21T14:31:00Z to 2026-11-21T14:40:00Z". */
void td_loss_text(const td_loss *loss, char out[256]);
