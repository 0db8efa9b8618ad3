/* src/feed/merge.c - feeds merged by their due times; each one's next step is a Time or the item read ahead. */
#include "feed/merge.h"
#include "base/hash.h"
#include "base/time.h"
#include <assert.h>
#include <stdlib.h>

typedef enum phase { /* what of the Times between the last item and the next one has been given */
                     NOTHING,
                     SECOND,  /* the second's end, or it fell away */
                     SILENCE, /* at least one of silence */
                     RESUMED, /* the silence's end */
                     DOWN,    /* the end of the session, where the next item begins another one */
                     UP,      /* its begin */
} phase;

typedef struct feed_lane {
    td_merge_feed of;
    uint32_t reject_partition;
    bool stale, ended;           /* head is used up; `ended` is being given, or has been */
    td_feed_item head;           /* the next item */
    int64_t due_ns;              /* of the next step; INT64_MAX: nothing is left */
    int64_t first_ns;            /* its first instant; 0: none yet */
    int64_t last_ns;             /* clock of the last item; 0: none yet */
    int64_t second_ns;           /* end of the second that holds last_ns */
    uint64_t heard;              /* partitions with an event in that second, a bit each */
    int64_t newest_ns;           /* largest event time that counts; TD_NONE without one */
    td_source_position position; /* of the last item */
    phase phase;
    int64_t silence_ns;    /* the next step of silence behind last_ns */
    int64_t time_ns;       /* clock of the Times being given */
    uint64_t time_targets; /* partitions that are still to get one; 0: the next step is the item */
    td_session session;
} feed_lane;

struct td_merge {
    td_route route;
    size_t lane_count;
    feed_lane lanes[TD_MERGE_FEEDS_MAX];
};

td_merge *td_merge_new(td_instruments *instruments, uint32_t partitions) {
    td_merge *m = td_alloc_zero(1, sizeof *m);
    td_route_init(&m->route, instruments, partitions);
    return m;
}

void td_merge_free(td_merge *m) {
    if (m == NULL) return;
    for (size_t i = 0; i < m->lane_count; i++) m->lanes[i].of.ops->close(m->lanes[i].of.feed);
    td_route_fini(&m->route);
    free(m);
}

void td_merge_set_aliases(td_merge *m, const td_alias *aliases, size_t count) {
    td_route_set_aliases(&m->route, aliases, count);
}

size_t td_merge_feed_count(const td_merge *m) { return m->lane_count; }

const td_merge_feed *td_merge_feed_at(const td_merge *m, size_t nth) {
    assert(nth < m->lane_count);
    return &m->lanes[nth].of;
}

void td_merge_add(td_merge *m, uint32_t index, const td_feed_ops *ops, void *feed, const td_feed_conf *conf) {
    assert(m->lane_count < TD_MERGE_FEEDS_MAX);
    m->lanes[m->lane_count++] =
        (feed_lane){.of = {.index = index, .ops = ops, .feed = feed, .conf = conf},
                    .reject_partition = td_partition_of(td_text(conf->name), m->route.partitions),
                    .stale = true,
                    .newest_ns = TD_NONE};
}

static int64_t due_at(const feed_lane *lane, int64_t clock_ns) {
    int64_t elapsed_ns = clock_ns - lane->first_ns; /* both 0 before the first instant */
    if (lane->of.conf->ratio == 1) return elapsed_ns;
    double due_ns = (double)elapsed_ns / lane->of.conf->ratio;
    return due_ns < 9.2e18 ? (int64_t)due_ns : INT64_MAX - 1; /* INT64_MAX says that nothing is left */
}

/* ---- Time ---- */

static void plan_times(feed_lane *lane, int64_t clock_ns, uint64_t targets, td_session session) {
    lane->time_ns = clock_ns;
    lane->time_targets = targets;
    lane->session = session;
}

/* Where nothing was recorded no time is given, either. */
static void plan_session(const td_merge *m, feed_lane *lane) {
    if (lane->phase == UP) return;
    bool down = lane->phase != DOWN;
    lane->phase = down ? DOWN : UP;
    plan_times(lane, down ? lane->last_ns : lane->head.clock_ns, m->route.all,
               down ? TD_SESSION_DOWN : TD_SESSION_LIVE);
}

/* Plans the next Times in front of the head, if any are left. */
static void plan_next_times(const td_merge *m, feed_lane *lane) {
    int64_t next_ns = lane->head.clock_ns;
    bool silent = lane->silence_ns < next_ns - lane->last_ns; /* no sum: two instants far apart have none */
    int64_t silence_at_ns = silent ? lane->last_ns + lane->silence_ns : next_ns;
    if (lane->phase == NOTHING) {
        lane->phase = SECOND;
        bool falls_away = silent && silence_at_ns == lane->second_ns;
        plan_times(lane, lane->second_ns, falls_away ? 0 : m->route.all & ~lane->heard, TD_SESSION_LIVE);
        if (lane->time_targets != 0) return;
    }
    if (silent) {
        lane->phase = SILENCE;
        lane->silence_ns = lane->silence_ns <= INT64_MAX / 2 ? lane->silence_ns * 2 : INT64_MAX;
        plan_times(lane, silence_at_ns, m->route.all, TD_SESSION_IDLE);
    } else if (lane->phase == SILENCE) {
        lane->phase = RESUMED;
        plan_times(lane, next_ns, m->route.all, TD_SESSION_LIVE);
    }
}

/* The lane's next step: Times that are planned, the next ones to plan, or the item. */
static void find_step(const td_merge *m, feed_lane *lane) {
    if (lane->head.kind == TD_ITEM_END) {
        if (lane->ended) { /* all has been given */
            lane->due_ns = INT64_MAX;
            return;
        }
        lane->ended = true;
        plan_times(lane, lane->last_ns, m->route.all, TD_SESSION_ENDED);
    } else if (lane->last_ns != 0 && lane->head.parted) {
        plan_session(m, lane);
    } else if (lane->last_ns != 0 && lane->head.clock_ns >= lane->second_ns) {
        plan_next_times(m, lane);
    }
    lane->due_ns = due_at(lane, lane->time_targets != 0 ? lane->time_ns : lane->head.clock_ns);
}

static int64_t bound_of(const feed_lane *lane) {
    if (lane->session == TD_SESSION_ENDED) return lane->newest_ns;
    return lane->session == TD_SESSION_DOWN ? TD_NONE : lane->time_ns - lane->of.conf->max_delay_ns;
}

static void give_time(const td_merge *m, feed_lane *lane, td_input *out) {
    out->partition = (uint32_t)__builtin_ctzll(lane->time_targets);
    out->item = (td_feed_item){.kind = TD_ITEM_EVENT, .clock_ns = lane->time_ns, .position = lane->position};
    out->item.event =
        (td_event){.kind = TD_EVENT_TIME,
                   .feed = out->feed,
                   .event_ns = lane->time_ns,
                   .receive_ns = lane->time_ns,
                   .time = {.bound_ns = bound_of(lane), .clock_ns = lane->time_ns, .session = (uint8_t)lane->session}};
    lane->time_targets &= lane->time_targets - 1;
    if (lane->time_targets == 0) find_step(m, lane);
}

/* ---- items ---- */

/* The head is filled anew. */
static void take_head(const td_merge *m, feed_lane *lane) {
    lane->stale = false;
    if (lane->first_ns == 0 && lane->head.kind != TD_ITEM_END) lane->first_ns = lane->head.clock_ns;
    find_step(m, lane);
}

/* The clock has come to an item. */
static void move_clock(feed_lane *lane, int64_t clock_ns) {
    if (clock_ns >= lane->second_ns) {
        lane->second_ns = td_window_start(clock_ns, TD_NS_PER_S) + TD_NS_PER_S;
        lane->heard = 0;
        lane->phase = NOTHING;
        lane->silence_ns = TD_NS_PER_S;
    }
    lane->last_ns = clock_ns;
}

/* out->item is the lane's next item. */
static void give_item(td_merge *m, feed_lane *lane, td_input *out) {
    td_feed_item *item = &out->item;
    out->partition = 0;
    if (item->clock_ns != 0) move_clock(lane, item->clock_ns);
    if (item->parted) lane->phase = NOTHING;
    if (item->kind == TD_ITEM_EVENT) {
        td_event *e = &item->event;
        e->feed = out->feed;
        out->partition = td_route_event(&m->route, e);
        lane->heard |= UINT64_C(1) << out->partition;
        if (e->event_ns > lane->newest_ns) lane->newest_ns = e->event_ns;
    } else if (item->kind == TD_ITEM_REJECTED) {
        out->partition = lane->reject_partition;
        item->rejected.feed = td_text(lane->of.conf->name);
    }
    lane->position = item->position;
    lane->stale = true;
}

/* A single feed's item goes straight through where no Time comes in front of it: most of the time nothing is copied.
 * False: it has become the head. */
static bool pass_through(td_merge *m, feed_lane *lane, td_input *out) {
    if (out->item.kind == TD_ITEM_END || out->item.parted || out->item.clock_ns >= lane->second_ns) {
        lane->head = out->item;
        take_head(m, lane);
        return false;
    }
    out->feed = lane->of.index;
    out->due_ns = due_at(lane, out->item.clock_ns);
    give_item(m, lane, out);
    return true;
}

/* Reads ahead where the item is used up; only now, because what it lent was in use. The lane with the next step. */
static td_status find_lane(td_merge *m, feed_lane **out) {
    *out = NULL;
    for (size_t i = 0; i < m->lane_count; i++) {
        feed_lane *lane = &m->lanes[i];
        if (lane->stale) {
            td_status status = lane->of.ops->next(lane->of.feed, &lane->head);
            if (status != TD_OK) return status;
            take_head(m, lane);
        }
        if (*out == NULL || lane->due_ns < (*out)->due_ns) *out = lane;
    }
    return TD_OK;
}

td_status td_merge_next(td_merge *m, td_input *out) {
    feed_lane *lane = m->lanes;
    if (m->lane_count == 1 && lane->stale) {
        td_status status = lane->of.ops->next(lane->of.feed, &out->item);
        if (status != TD_OK) return status;
        if (pass_through(m, lane, out)) return TD_OK;
    }
    td_status status = find_lane(m, &lane);
    if (status != TD_OK) return status;
    if (lane == NULL || lane->due_ns == INT64_MAX) {
        *out = (td_input){.item = {.kind = TD_ITEM_END}};
        return TD_OK;
    }
    out->feed = lane->of.index;
    out->due_ns = lane->due_ns;
    if (lane->time_targets != 0) {
        give_time(m, lane, out);
    } else {
        out->item = lane->head;
        give_item(m, lane, out);
    }
    return TD_OK;
}
