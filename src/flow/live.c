/* src/flow/live.c - one lane per feed; each gives Times that are due, then what its feed has. */
#include "flow/live.h"
#include "base/hash.h"
#include "base/secret.h"
#include "base/time.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define QUIET_NS  TD_NS_PER_S
#define WAIT_MAX  (60 * TD_NS_PER_S)
#define STABLE_NS (60 * TD_NS_PER_S)

typedef enum session { DOWN, CONNECTING, LIVE } session;

typedef struct live_lane {
    uint32_t index;
    const td_feed_ops *ops;
    void *feed;
    const td_feed_conf *conf;
    uint32_t reject_partition, session_number; /* of the last one that began */
    td_source_position position;               /* of the last item */
    session state;
    int64_t clock_ns, heard_ns;          /* of the last input; of the last item */
    int64_t down_ns;                     /* DOWN, CONNECTING: since when */
    int64_t given_ns[TD_PARTITIONS_MAX]; /* clock of the last record there; 0: none */
    int64_t check_ns;                    /* no partition is quiet earlier */
    uint64_t time_targets;               /* partitions that are still to get a Time */
    td_time_mark mark;                   /* what it says */
    bool at_start;                       /* … the clock being each partition's own */
    int64_t wait_ns, retry_ns, began_ns; /* monotonic: the wait behind the next failure, its end; session's begin */
    td_buf shown[2];                     /* texts of an item without the secrets that it repeats */
    td_live_counts counts;
} live_lane;

struct td_live {
    const td_os *os;
    td_route route;
    td_log_report_fn report;
    void *report_arg;
    td_log_report_fn progress; /* NULL: nobody is told */
    void *progress_arg;
    uint64_t random;
    bool started, leaving;
    size_t turn, lane_count;
    live_lane *lanes[TD_MERGE_FEEDS_MAX];
};

static int64_t mono_ns(const td_live *l) { return l->os->ops->mono_ns(l->os->self); }

td_live *td_live_new(const td_os *os, td_instruments *instruments, uint32_t partitions, td_log_report_fn report,
                     void *arg) {
    td_live *l = td_alloc_zero(1, sizeof *l);
    *l = (td_live){.os = os, .report = report, .report_arg = arg};
    l->random = (uint64_t)os->ops->wall_ns(os->self) | 1;
    td_route_init(&l->route, instruments, partitions);
    return l;
}

void td_live_tell_progress(td_live *l, td_log_report_fn progress, void *arg) {
    l->progress = progress;
    l->progress_arg = arg;
}

void td_live_free(td_live *l) {
    if (l == NULL) return;
    for (size_t i = 0; i < l->lane_count; i++) {
        l->lanes[i]->ops->close(l->lanes[i]->feed);
        for (int t = 0; t < 2; t++) td_buf_fini(&l->lanes[i]->shown[t]);
        free(l->lanes[i]);
    }
    td_route_fini(&l->route);
    free(l);
}

void td_live_add(td_live *l, uint32_t index, const td_feed_ops *ops, void *feed, const td_feed_conf *conf) {
    assert(ops->live != NULL && l->lane_count < TD_MERGE_FEEDS_MAX);
    live_lane *lane = l->lanes[l->lane_count++] = td_alloc_zero(1, sizeof *lane);
    lane->index = index;
    lane->ops = ops;
    lane->feed = feed;
    lane->conf = conf;
    lane->reject_partition = td_partition_of(td_text(conf->name), l->route.partitions);
    lane->position.file = TD_SESSION_BIT;
    lane->wait_ns = conf->reconnect_ns;
    td_count(&lane->counts.lag_records, -1);
    if (!ops->live->elsewhere) return;
    lane->state = LIVE;
    td_count(&lane->counts.up, 1);
}

size_t td_live_feed_count(const td_live *l) { return l->lane_count; }

static live_lane *lane_of(const td_live *l, uint32_t index) {
    for (size_t i = 0; i < l->lane_count; i++)
        if (l->lanes[i]->index == index) return l->lanes[i];
    return NULL;
}

const td_live_counts *td_live_counters(const td_live *l, uint32_t index) {
    const live_lane *lane = lane_of(l, index);
    return lane != NULL ? &lane->counts : NULL;
}

uint32_t td_live_index(const td_live *l, size_t i) { return l->lanes[i]->index; }

uint32_t td_live_find(const td_live *l, td_bytes feed) {
    for (size_t i = 0; i < l->lane_count; i++)
        if (td_bytes_equal(td_text(l->lanes[i]->conf->name), feed)) return l->lanes[i]->index;
    return UINT32_MAX;
}

const td_feed_conf *td_live_conf(const td_live *l, uint32_t index) { return lane_of(l, index)->conf; }

/* ---- what the log ends with ---- */

static bool is_behind(td_source_position a, td_source_position b) {
    if (a.file != b.file) return a.file > b.file;
    return a.line != b.line ? a.line > b.line : a.part > b.part;
}

void td_live_resume(td_live *l, td_bytes feed, uint32_t partition, td_source_position position, int64_t clock_ns) {
    for (size_t i = 0; i < l->lane_count; i++) {
        live_lane *lane = l->lanes[i];
        if (!td_bytes_equal(td_text(lane->conf->name), feed)) continue;
        lane->given_ns[partition] = clock_ns;
        if (clock_ns > lane->clock_ns) lane->clock_ns = clock_ns;
        if (is_behind(position, lane->position)) lane->position = position;
    }
}

bool td_live_resumed(const td_live *l, uint32_t partition) {
    for (size_t i = 0; i < l->lane_count; i++)
        if (l->lanes[i]->given_ns[partition] == 0) return false;
    return true;
}

/* ---- Time ---- */

static void plan_times(live_lane *lane, uint64_t targets, int64_t clock_ns, td_session state) {
    lane->time_targets = targets;
    lane->mark = (td_time_mark){
        .bound_ns = clock_ns - lane->conf->max_delay_ns, .clock_ns = clock_ns, .session = (uint8_t)state};
}

static void give_time(live_lane *lane, td_input *out) {
    uint32_t p = (uint32_t)__builtin_ctzll(lane->time_targets);
    td_time_mark mark = lane->mark;
    if (lane->at_start) mark.clock_ns = lane->given_ns[p];
    if (mark.clock_ns > lane->given_ns[p]) lane->given_ns[p] = mark.clock_ns;
    out->partition = p;
    out->item = (td_feed_item){.kind = TD_ITEM_EVENT, .clock_ns = mark.clock_ns, .position = lane->position};
    out->item.event = (td_event){
        .kind = TD_EVENT_TIME, .feed = out->feed, .event_ns = mark.clock_ns, .receive_ns = mark.clock_ns, .time = mark};
    lane->time_targets &= lane->time_targets - 1;
    if (lane->time_targets == 0) lane->at_start = false;
}

static bool is_kept(const live_lane *lane) { return lane->ops->live->whole_ns != NULL; }

/* Plans Times for the partitions that are quiet at that clock. */
static void plan_quiet(const td_live *l, live_lane *lane, int64_t clock_ns) {
    if (is_kept(lane)) clock_ns = lane->ops->live->whole_ns(lane->feed); /* what its source still has may be old */
    if (clock_ns < lane->check_ns || l->leaving) return; /* who takes leave does not hear what there is */
    bool down = lane->state != LIVE && !is_kept(lane);
    if (down && clock_ns - lane->down_ns < lane->conf->hold_ns) return;
    uint64_t quiet = 0;
    int64_t oldest_ns = clock_ns;
    for (uint32_t p = 0; p < l->route.partitions; p++) {
        if (clock_ns - lane->given_ns[p] >= QUIET_NS)
            quiet |= UINT64_C(1) << p;
        else if (lane->given_ns[p] < oldest_ns)
            oldest_ns = lane->given_ns[p];
    }
    lane->check_ns = oldest_ns + QUIET_NS;
    bool idle = !lane->ops->live->elsewhere && clock_ns - lane->heard_ns >= QUIET_NS;
    if (quiet != 0)
        plan_times(lane, quiet, clock_ns, down ? TD_SESSION_DOWN : idle ? TD_SESSION_IDLE : TD_SESSION_LIVE);
}

/* When all that came before has been given. */
static int64_t look_at_clock(const td_live *l, live_lane *lane) {
    int64_t now_ns = l->os->ops->wall_ns(l->os->self);
    if (now_ns > lane->clock_ns) lane->clock_ns = now_ns;
    return lane->clock_ns;
}

/* What was lost while no process ran. */
static void start(td_live *l) {
    l->started = true;
    for (size_t i = 0; i < l->lane_count; i++) {
        live_lane *lane = l->lanes[i];
        uint64_t known = 0;
        if (lane->ops->live->elsewhere || is_kept(lane)) continue; /* it went on, or waits to be read */
        for (uint32_t p = 0; p < l->route.partitions; p++)
            if (lane->given_ns[p] != 0) known |= UINT64_C(1) << p;
        lane->down_ns = look_at_clock(l, lane);
        lane->session_number = lane->position.file & ~TD_SESSION_BIT;
        plan_times(lane, known, lane->clock_ns, TD_SESSION_DOWN);
        lane->mark.bound_ns = TD_NONE;
        lane->at_start = known != 0;
    }
}

/* ---- what venues and networks say ----
 * They may repeat what they were told: nothing leaves here with a secret in it. */

static td_bytes hide(live_lane *lane, int room, td_bytes text) {
    return td_secrets_hide(&lane->conf->secrets, text, &lane->shown[room]);
}

static void hide_secrets(live_lane *lane, td_feed_item *item) {
    td_bytes detail;
    if (lane->conf->secrets.count == 0) return;
    switch (item->kind) {
    case TD_ITEM_REJECTED:
        item->rejected.bytes = hide(lane, 0, item->rejected.bytes);
        break;
    case TD_ITEM_NOTICE:
        item->notice = hide(lane, 0, item->notice);
        break;
    case TD_ITEM_RAW:
        item->raw.address = hide(lane, 0, item->raw.address);
        item->raw.bytes = hide(lane, 1, item->raw.bytes);
        break;
    case TD_ITEM_BACKFILL:
        if (!item->backfill.failed) break;
        detail = td_text(item->backfill.detail);
        if (hide(lane, 0, detail).data == detail.data) break;
        td_buf_put(&lane->shown[0], "", 1);
        item->backfill.detail = (const char *)lane->shown[0].data;
        break;
    case TD_ITEM_EVENT:
    case TD_ITEM_IGNORED:
    case TD_ITEM_WANTED:
    case TD_ITEM_ANSWER:
    case TD_ITEM_PLACES:
    case TD_ITEM_SESSION: /* told by session_failed */
    case TD_ITEM_END:
        break;
    }
}

/* ---- sessions ---- */

/* Between four fifths of `ns` and all of it. */
static int64_t jittered_ns(td_live *l, int64_t ns) {
    l->random ^= l->random << 13;
    l->random ^= l->random >> 7;
    l->random ^= l->random << 17;
    return ns - (int64_t)(l->random % 1024) * (ns / 5) / 1024;
}

static void keep_end(const td_live *l, td_live_counts *counts, td_bytes why) {
    unsigned number = atomic_load_explicit(&counts->end_count, memory_order_relaxed) + 1;
    td_live_end *end = &counts->ends[number % 2];
    end->at_ns = l->os->ops->wall_ns(l->os->self);
    (void)snprintf(end->why, sizeof end->why, "%.*s", (int)why.size, (const char *)why.data);
    atomic_store_explicit(&counts->end_count, number, memory_order_release);
}

bool td_live_last_end(const td_live_counts *counts, td_live_end *out) {
    unsigned number = atomic_load_explicit(&counts->end_count, memory_order_acquire);
    *out = counts->ends[number % 2];
    return number > 0;
}

static void session_failed(td_live *l, live_lane *lane, const char *why, bool denied) {
    char line[512];
    int64_t now_ns = mono_ns(l);
    int64_t enough_ns = 4 * lane->wait_ns < STABLE_NS ? 4 * lane->wait_ns : STABLE_NS;
    if (lane->state == LIVE && now_ns - lane->began_ns >= enough_ns) lane->wait_ns = lane->conf->reconnect_ns;
    if (denied) lane->wait_ns = WAIT_MAX;
    int64_t wait_ns = jittered_ns(l, lane->wait_ns);
    td_bytes shown = hide(lane, 0, td_text(why));
    (void)snprintf(line, sizeof line, "%s: %s: %.*s; the next try is in %.1f s", lane->conf->name,
                   lane->state == LIVE ? "the session ended" : "no session", (int)shown.size, (const char *)shown.data,
                   (double)wait_ns / 1e9);
    lane->retry_ns = now_ns + wait_ns;
    lane->wait_ns = lane->wait_ns * 2 < WAIT_MAX ? lane->wait_ns * 2 : WAIT_MAX;
    lane->state = DOWN;
    td_count(&lane->counts.failures, 1);
    keep_end(l, &lane->counts, shown);
    td_count(&lane->counts.up, -td_counted(&lane->counts.up));
    l->report(l->report_arg, line);
}

static td_status connect_due(td_live *l, live_lane *lane) {
    if (lane->state != DOWN || l->leaving || mono_ns(l) < lane->retry_ns) return TD_OK;
    td_status status = lane->ops->live->connect(lane->feed, lane->session_number + 1);
    if (status == TD_OK)
        lane->state = CONNECTING;
    else if (status == TD_RETRY || status == TD_FULL)
        session_failed(l, lane, td_trail(), false);
    else
        return status;
    return TD_OK;
}

static void hear(live_lane *lane, int64_t clock_ns) {
    if (clock_ns > lane->clock_ns) lane->clock_ns = clock_ns;
    lane->heard_ns = lane->clock_ns;
}

static void take_session(td_live *l, live_lane *lane, const td_feed_item *item) {
    uint64_t all = l->route.all;
    if (item->session.live) {
        hear(lane, item->clock_ns);
        lane->state = LIVE;
        lane->session_number++;
        lane->began_ns = mono_ns(l);
        lane->position = item->position;
        td_count(&lane->counts.sessions, 1);
        td_count(&lane->counts.up, 1);
        if (!is_kept(lane)) plan_times(lane, all, lane->clock_ns, TD_SESSION_LIVE);
        return;
    }
    bool was_live = lane->state == LIVE && !is_kept(lane);
    session_failed(l, lane, item->session.detail, item->session.denied);
    if (!was_live) return;
    lane->down_ns = look_at_clock(l, lane);
    plan_times(lane, all, lane->heard_ns, TD_SESSION_DOWN);
    lane->mark.bound_ns = TD_NONE;
}

/* ---- inputs ---- */

static void tell(const td_live *l, const live_lane *lane, const td_feed_item *item) {
    char line[512];
    (void)snprintf(line, sizeof line, "%s: %.*s", lane->conf->name, (int)item->notice.size,
                   (const char *)item->notice.data);
    if (!item->progress)
        l->report(l->report_arg, line);
    else if (l->progress != NULL)
        l->progress(l->progress_arg, line);
}

/* False: the item is no input of its own. */
static bool take_item(td_live *l, live_lane *lane, td_input *out) {
    td_feed_item *item = &out->item;
    hide_secrets(lane, item);
    if (item->kind == TD_ITEM_SESSION) {
        take_session(l, lane, item);
        return false;
    }
    if (item->kind == TD_ITEM_NOTICE) {
        tell(l, lane, item);
        return false;
    }
    if (item->kind == TD_ITEM_RAW) return true; /* what it says comes by itself, and is heard then */
    if (item->kind == TD_ITEM_PLACES) return true;
    if (item->kind == TD_ITEM_ANSWER) {
        out->partition = td_route_of(&l->route, item->answer.instrument);
        return true;
    }
    if (item->past) {
        (void)look_at_clock(l, lane);
        td_count(&lane->counts.backfilled, item->kind == TD_ITEM_EVENT && item->event.origin == TD_ORIGIN_BACKFILL);
        td_count(&lane->counts.backfill_failures, item->kind == TD_ITEM_BACKFILL && item->backfill.failed);
    } else {
        hear(lane, item->clock_ns);
    }
    item->clock_ns = lane->clock_ns;
    lane->position = item->position;
    out->partition = 0;
    if (item->kind == TD_ITEM_EVENT) {
        item->event.feed = out->feed;
        item->event.receive_ns = lane->clock_ns;
        if ((item->event.flags & TD_FLAG_TIME_RECEIVE) != 0) item->event.event_ns = lane->clock_ns;
        out->partition = td_route_event(&l->route, &item->event);
        if (!item->past) lane->given_ns[out->partition] = lane->clock_ns;
    } else if (item->kind == TD_ITEM_REJECTED) {
        out->partition = lane->reject_partition;
        item->rejected.feed = td_text(lane->conf->name);
        td_bytes *bytes = &item->rejected.bytes; /* cut here, as the cut might be within a secret */
        if (bytes->size > TD_REJECTED_BYTES_MAX) bytes->size = TD_REJECTED_BYTES_MAX;
    }
    plan_quiet(l, lane, lane->clock_ns);
    return true;
}

static td_status lane_next(td_live *l, live_lane *lane, td_input *out) {
    *out = (td_input){.feed = lane->index};
    for (;;) {
        if (lane->time_targets != 0) {
            give_time(lane, out);
            return TD_OK;
        }
        td_status status = connect_due(l, lane);
        if (status == TD_OK) status = lane->ops->next(lane->feed, &out->item);
        if (status == TD_OK) {
            if (take_item(l, lane, out)) return TD_OK;
            continue;
        }
        if (status != TD_AGAIN) return status;
        plan_quiet(l, lane, look_at_clock(l, lane));
        if (lane->time_targets == 0) return TD_AGAIN;
    }
}

void td_live_set_aliases(td_live *l, const td_alias *aliases, size_t count) {
    td_route_set_aliases(&l->route, aliases, count);
}

void td_live_hold(td_live *l, uint32_t index, const td_feed_answer *answer) {
    live_lane *lane = lane_of(l, index);
    if (lane->ops->live->hold != NULL) lane->ops->live->hold(lane->feed, answer);
}

void td_live_keep(td_live *l, uint32_t index, const td_feed_places *places) {
    live_lane *lane = lane_of(l, index);
    if (is_kept(lane)) lane->ops->live->keep(lane->feed, places);
}

bool td_live_keeps(const td_live *l, uint32_t index) {
    const live_lane *lane = lane_of(l, index);
    return lane != NULL && is_kept(lane);
}

bool td_live_holds(const td_live *l) {
    for (size_t i = 0; i < l->lane_count; i++)
        if (l->lanes[i]->ops->live->hold != NULL) return true;
    return false;
}

td_status td_live_backfill(td_live *l, uint32_t index, const td_gap *gap) {
    live_lane *lane = lane_of(l, index);
    if (lane->ops->live->backfill == NULL) return TD_REJECT;
    return lane->state == LIVE ? lane->ops->live->backfill(lane->feed, gap) : TD_FULL;
}

void td_live_put_filled(td_live *l, uint32_t index, uint32_t instrument, td_filled filled, td_input *out) {
    live_lane *lane = lane_of(l, index);
    int64_t now_ns = look_at_clock(l, lane);
    td_count(&lane->counts.fills[filled.extent], 1);
    *out = (td_input){.feed = index, .partition = td_route_of(&l->route, instrument)};
    out->item = (td_feed_item){.kind = TD_ITEM_EVENT, .past = true, .clock_ns = now_ns, .position = lane->position};
    out->item.event = (td_event){.kind = TD_EVENT_FILLED,
                                 .feed = index,
                                 .instrument = instrument,
                                 .event_ns = now_ns,
                                 .receive_ns = now_ns,
                                 .filled = filled};
}

td_status td_live_next(td_live *l, td_input *out) {
    if (!l->started) start(l);
    for (size_t n = 0; n < l->lane_count; n++) {
        live_lane *lane = l->lanes[l->turn];
        l->turn = (l->turn + 1) % l->lane_count; /* in turn: a busy feed starves no other */
        td_status status = lane_next(l, lane, out);
        if (status != TD_AGAIN) return status;
    }
    return TD_AGAIN;
}

static void measure_lag(live_lane *lane) {
    td_counter *lag = &lane->counts.lag_records;
    td_count(lag, lane->ops->live->lag(lane->feed) - td_counted(lag));
}

int td_live_pump(td_live *l) {
    int work = 0;
    for (size_t i = 0; i < l->lane_count; i++) {
        work += l->lanes[i]->ops->live->pump(l->lanes[i]->feed);
        if (is_kept(l->lanes[i])) measure_lag(l->lanes[i]);
    }
    return work;
}

bool td_live_leave(td_live *l) {
    bool left = l->leaving = true;
    for (size_t i = 0; i < l->lane_count; i++) {
        const td_live_ops *ops = l->lanes[i]->ops->live;
        if (ops->leave != NULL) left &= ops->leave(l->lanes[i]->feed);
    }
    return left;
}
