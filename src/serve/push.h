/* src/serve/push.h - one reader of /api/v1/stream: what waits to be sent to it as server-sent events. At most 256 KB
 * wait; what does not fit is dropped and counted, and once the reader has taken the rest it is told `lost` with the
 * count, so that it asks for history again. Thread: the server's. */
#pragma once
#include "base/metric.h"
#include "serve/api.h"
#include "serve/board.h"

typedef struct td_push {
    char instrument[TD_INSTRUMENT_NAME_MAX + 1]; /* whose bars; "": none */
    int64_t width_ns;
    td_buf out; /* events; those before `sent` are with the network */
    size_t sent;
    int64_t lost;         /* events dropped since the last `lost` */
    td_counter *lost_sum; /* and of all streams for ever; NULL: nobody wants it */
    int64_t tick_due_ns, board_due_ns, ping_due_ns;
    int64_t changes_seen, round_changes; /* instruments changed after the first were not told yet */
    uint32_t round_at;
    int64_t told_making; /* trades in the last bar in the making that was told */
    int64_t told_making_ns;
} td_push;

/* `run` names this run of the server: a reader that meets another one after a reconnect begins anew. */
void td_push_init(td_push *push, const td_api_request *request, const char *run);
void td_push_fini(td_push *push);
void td_push_bar(td_push *push, td_bytes instrument, const td_bar *bar);
void td_push_signal(td_push *push, td_bytes instrument, const td_signal *signal, int64_t appended_ms);
void td_push_gap(td_push *push, td_bytes instrument, const td_gap *gap);
/* What is due: changed instruments and the bar in the making five times a second, the board once, a comment after 15 s
 * of silence, `lost`. */
void td_push_due(td_push *push, const td_view *view, const td_board *board, int64_t mono_ns);
/* Bytes to send next, at most `max`; tell what was taken. */
td_bytes td_push_waiting(const td_push *push, size_t max);
void td_push_taken(td_push *push, size_t size);
