/* src/serve/push.c - events for one reader, within a bound. */
#include "serve/push.h"
#include "base/time.h"
#include "serve/rows.h"
#include <inttypes.h>

enum { WAITING_MAX = 256 << 10, TICKS_PER_EVENT = 300 };
#define TICK_NS  (200 * TD_NS_PER_MS)
#define BOARD_NS TD_NS_PER_S
#define PING_NS  (15 * TD_NS_PER_S)

/* Opens an event; what is written behind it is its data until end_event. */
static size_t begin_event(td_push *push, const char *name) {
    size_t mark = push->out.size;
    td_buf_printf(&push->out, "event: %s\ndata: ", name);
    return mark;
}

/* Takes the event back when it does not fit: the reader then gets whole events and a count, never halves. */
static void end_event(td_push *push, size_t mark) {
    td_buf_text(&push->out, "\n\n");
    if (push->out.size - push->sent <= WAITING_MAX) return;
    push->out.size = mark;
    push->lost++;
    if (push->lost_sum != NULL) td_count(push->lost_sum, 1);
}

void td_push_init(td_push *push, const td_api_request *request, const char *run) {
    *push = (td_push){.width_ns = request->width_ns};
    memcpy(push->instrument, request->instrument, sizeof push->instrument);
    td_buf_printf(&push->out, "retry: 1000\nid: %s\n", run);
    size_t mark = begin_event(push, "hello");
    td_buf_printf(&push->out, "{\"run\":\"%s\"}", run);
    end_event(push, mark);
}

void td_push_fini(td_push *push) { td_buf_fini(&push->out); }

static bool follows(const td_push *push, td_bytes instrument, int64_t width_ns) {
    return push->width_ns == width_ns && td_bytes_equal(instrument, td_text(push->instrument));
}

static void put_bar_event(td_push *push, const char *name, td_bytes instrument, const td_bar *bar) {
    size_t mark = begin_event(push, name);
    td_row_put_bar(&push->out, TD_ROW_JSON, instrument, bar);
    end_event(push, mark);
}

void td_push_bar(td_push *push, td_bytes instrument, const td_bar *bar) {
    if (follows(push, instrument, bar->width_ns)) put_bar_event(push, "bar", instrument, bar);
}

void td_push_signal(td_push *push, td_bytes instrument, const td_signal *signal, int64_t appended_ms) {
    size_t mark = begin_event(push, "signal");
    td_row_put_signal(&push->out, TD_ROW_JSON, instrument, signal, appended_ms);
    end_event(push, mark);
}

void td_push_gap(td_push *push, td_bytes instrument, const td_gap *gap) {
    size_t mark = begin_event(push, "gap");
    td_row_put_gap(&push->out, TD_ROW_JSON, instrument, gap);
    end_event(push, mark);
}

/* Goes once around the instruments, some at a time; those that change meanwhile come with the next round. */
static void put_ticks(td_push *push, const td_view *view) {
    uint32_t count = td_view_count(view), told = 0;
    size_t mark = begin_event(push, "instruments");
    td_buf_text(&push->out, "[");
    if (push->round_at == 0) push->round_changes = td_view_changes(view);
    while (push->round_at < count && told < TICKS_PER_EVENT) {
        uint32_t index = push->round_at++;
        if (td_view_instrument_at(view, index)->changed <= push->changes_seen) continue;
        if (told++ > 0) td_buf_text(&push->out, ",");
        td_row_put_tick(&push->out, view, index);
    }
    if (push->round_at >= count) {
        push->round_at = 0;
        push->changes_seen = push->round_changes;
    }
    td_buf_text(&push->out, "]");
    if (told > 0)
        end_event(push, mark);
    else
        push->out.size = mark;
}

static void put_making(td_push *push, const td_view *view) {
    const td_serve_topics *topics = td_view_topics(view);
    uint32_t index = push->width_ns > 0 ? td_view_find(view, td_text(push->instrument)) : UINT32_MAX;
    td_bar bar;
    for (size_t w = 0; w < topics->width_count && index != UINT32_MAX; w++) {
        if (topics->widths_ns[w] != push->width_ns || !td_view_bar_making(view, index, w, &bar)) continue;
        if (bar.start_ns == push->told_making_ns && bar.trade_count == push->told_making) continue;
        put_bar_event(push, "provisional", td_text(push->instrument), &bar);
        push->told_making_ns = bar.start_ns;
        push->told_making = bar.trade_count;
    }
}

static void put_lost(td_push *push) {
    int64_t lost = push->lost;
    push->lost = push->changes_seen = push->round_at = 0; /* tell every instrument again */
    size_t mark = begin_event(push, "lost");
    td_buf_printf(&push->out, "{\"count\":%" PRId64 "}", lost);
    end_event(push, mark);
}

void td_push_due(td_push *push, const td_view *view, const td_board *board, int64_t mono_ns) {
    size_t before = push->out.size;
    if (push->lost > 0 && push->sent == before) put_lost(push);
    if (mono_ns >= push->tick_due_ns) {
        put_ticks(push, view);
        put_making(push, view);
        push->tick_due_ns = mono_ns + TICK_NS;
    }
    if (mono_ns >= push->board_due_ns) {
        size_t mark = begin_event(push, "status");
        td_board_put(&push->out, board, view);
        end_event(push, mark);
        push->board_due_ns = mono_ns + BOARD_NS;
    }
    if (push->out.size == before && mono_ns >= push->ping_due_ns) td_buf_text(&push->out, ": still here\n\n");
    if (push->out.size > before) push->ping_due_ns = mono_ns + PING_NS;
}

td_bytes td_push_waiting(const td_push *push, size_t max) {
    size_t left = push->out.size - push->sent;
    return (td_bytes){push->out.data + push->sent, left < max ? left : max};
}

void td_push_taken(td_push *push, size_t size) {
    push->sent += size;
    size_t left = push->out.size - push->sent;
    if (push->sent < left) return; /* moved only when it costs less than what was sent */
    if (left > 0) memmove(push->out.data, push->out.data + push->sent, left);
    push->out.size = left;
    push->sent = 0;
}
