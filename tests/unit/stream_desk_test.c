/* tests/unit/stream_desk_test.c - goal: a target is filled once, by the first trade of the log that may fill it, and
 * what was filled stays, whatever comes later. */
#include "program_rig.h"
#include "state_rig.h"
#include "stream/state.h"
#include "unit.h"
#include <inttypes.h>
#include <stdio.h>

#define S TD_NS_PER_S

typedef struct step {
    char kind; /* t: trade, l: one that came in late, b: of a backfill, r: released, q: quote, its ask 1 above, B: a bid
                  alone, w: Time, s: split 2:1, c: shares are put together 1:2 */
    double at_s; /* its time; of a split the begin of the day */
    double price;
    const char *gives;
} step;

static td_program *program_of(const char *strategies) {
    const int64_t widths_ns[] = {strstr(strategies, "bars(500ms)") != NULL ? S / 2 : S};
    const td_bytes text = td_text(strategies);
    const td_program_settings settings = {
        .widths_ns = widths_ns, .width_count = 1, .grace_ns = 10 * S, .strategies = &text, .strategy_count = 1};
    return rig_program(&settings);
}

static void on_signal(void *self, td_bytes instrument, const td_signal *signal) {
    td_buf *out = self;
    char id[TD_SIGNAL_ID_MAX + 1];
    const char *at = id + td_signal_id(signal, instrument, id);
    while (at[-1] != 'T') at--; /* the time alone: all is of one day, instrument and strategy */
    td_buf_printf(out, "%s %s %s", td_signal_status_name((td_signal_status)signal->status),
                  td_action_name((td_action)signal->action), at);
    rig_put_number(out, " to ", signal->target, TD_SIZE_SCALE);
    rig_put_number(out, " @", signal->price, TD_PRICE_SCALE);
    td_buf_printf(out, "%s%.*s%s%.*s\n", signal->reason.size > 0 ? " " : "", (int)signal->reason.size,
                  (const char *)signal->reason.data, signal->data.size > 0 ? " " : "", (int)signal->data.size,
                  (const char *)signal->data.data);
}

static void on_fill(void *self, td_bytes instrument, const td_fill *fill) {
    td_buf *out = self;
    (void)instrument;
    const uint8_t *end = fill->signal.data + fill->signal.size, *at = end;
    while (at[-1] != 'T') at--;
    td_buf_printf(out, "fill %.*s %s", (int)(end - at), (const char *)at, td_fill_side_name((td_side)fill->side));
    rig_put_number(out, " ", fill->quantity, TD_SIZE_SCALE);
    rig_put_number(out, " @", fill->price, TD_PRICE_SCALE);
    rig_put_number(out, " holds ", fill->position, TD_SIZE_SCALE);
    td_buf_text(out, "\n");
}

static td_event event_of(const step *s, td_state *state, uint32_t instrument) {
    td_event e = {.kind = TD_EVENT_TRADE,
                  .feed = td_state_feed(state, TD_TEXT("f")),
                  .instrument = instrument,
                  .event_ns = (int64_t)(s->at_s * 1e9 + 0.5),
                  .of_offset = TD_NONE};
    e.receive_ns = e.event_ns;
    e.trade = (td_trade){
        .price = (int64_t)(s->price * 1e9 + 0.5), .size = 100000000, .trade_id = TD_NONE, .side = TD_SIDE_UNKNOWN};
    if (s->kind == 'b') e.origin = TD_ORIGIN_BACKFILL;
    if (s->kind == 'r') e.origin = TD_ORIGIN_RELEASE;
    if (s->kind == 'q' || s->kind == 'B') {
        int64_t bid = e.trade.price, ask = s->kind == 'q' ? bid + TD_NS_PER_S : TD_NONE;
        e.kind = TD_EVENT_QUOTE;
        e.quote = (td_quote){.bid_price = bid, .ask_price = ask, .bid_size = 1, .ask_size = 1, .sequence = TD_NONE};
    }
    if (s->kind == 'w') {
        e.kind = TD_EVENT_TIME;
        e.time = (td_time_mark){.bound_ns = e.event_ns, .clock_ns = e.event_ns, .session = TD_SESSION_LIVE};
    }
    if (s->kind == 's' || s->kind == 'c') {
        bool more = s->kind == 's';
        e.kind = TD_EVENT_CORPORATE;
        e.corporate = (td_corporate){
            .ex_day = (int32_t)(s->at_s / 86400), .numerator = more ? 2 : 1, .denominator = more ? 1 : 2};
    }
    return e;
}

static void run_steps(const char *strategies, const step *steps, size_t count) {
    td_program *program = program_of(strategies);
    td_state *state = td_state_new(program);
    td_buf out = {0};
    td_emit emit = td_emit_none;
    emit.self = &out;
    emit.signal = on_signal;
    emit.fill = on_fill;
    td_event first = {.feed = td_state_feed(state, TD_TEXT("f"))};
    uint32_t instrument = td_state_add_instrument(state, &first, TD_TEXT("V:X"));
    for (size_t i = 0; i < count; i++) {
        td_event e = event_of(&steps[i], state, instrument);
        out.size = 0;
        if (e.kind == TD_EVENT_CORPORATE)
            (void)td_state_take_action(state, &e, TD_TEXT("V:X"));
        else
            (void)td_state_apply(state, &e, &emit);
        td_buf_put(&out, "", 1);
        ASSERT_ROW(strcmp((char *)out.data, steps[i].gives) == 0, "%zu of \"%s\" gave\n%swanted\n%s", i, strategies,
                   (char *)out.data, steps[i].gives);
        state = rig_reloaded(state,
                             program); /* positions are part of a snapshot: whoever starts from one goes on just so */
    }
    td_buf_fini(&out);
    td_state_free(state);
    td_program_free(program);
}
#define RUN(strategies, steps) run_steps(strategies, steps, COUNT_OF(steps))

#define CROSS "strategy x on bars(1s)\n  buy qty 2 when close > 100\n  sell when close < 90\n  short when close < 50\n"

static void the_next_trade_fills(void **state) {
    (void)state;
    static const step steps[] = {
        {'t', 10.0, 101, ""},
        {'q', 12.5, 105, "fresh buy 00:00:11#1 to 2 @101\n"}, /* a quote moves time */
        {'q', 12.6, 105, ""},                                 /* and fills nothing */
        {'t', 12.7, 102, "fill 00:00:11#1 buy 2 @102 holds 2\n"},
        {'t', 12.8, 103, ""},
        {'t', 15.0, 80, ""},
        {'t', 17.5, 79, "fresh sell 00:00:16#1 to 0 @80\n"}, /* what caused it does not fill it */
        {'t', 17.6, 78, "fill 00:00:16#1 sell 2 @78 holds 0\n"},
        {'t', 20.0, 40, ""},
        {'w', 30.0, 0, "fresh short 00:00:21#1 to -1 @40\n"},
        {'t', 30.5, 101, "fill 00:00:21#1 sell 1 @101 holds -1\n"}, /* Time is another record */
        {'w', 33.0, 0, "fresh buy 00:00:31#1 to 2 @101\n"},
        {'t', 33.5, 80, "fill 00:00:31#1 buy 3 @80 holds 2\n"}, /* a reversal is one fill */
    };
    RUN(CROSS, steps);
}

static void what_is_put_on_the_tape_anew_fills_nothing(void **state) {
    (void)state;
    static const step steps[] = {
        {'t', 10.0, 101, ""}, {'w', 12.5, 0, "fresh buy 00:00:11#1 to 2 @101\n"},       {'b', 10.5, 102, ""},
        {'r', 12.6, 103, ""}, {'t', 11.9, 104, "fill 00:00:11#1 buy 2 @104 holds 2\n"}, /* late: it is the next of the
                                                                                           log all the same */
    };
    RUN(CROSS, steps);
}

static void an_order_is_overtaken(void **state) {
    (void)state;
    static const step steps[] = {
        {'t', 10.0, 101, ""},
        {'t', 11.0, 80, ""},
        {'w', 15.0, 0, "fresh buy 00:00:11#1 to 2 @101\nfresh sell 00:00:12#1 to 0 @80\n"},
        {'t', 15.5, 70, ""}, /* it is flat, as it wants to be */
        {'t', 16.0, 101, ""},
        {'t', 17.0, 40, ""},
        {'w', 20.0, 0, "fresh buy 00:00:17#1 to 2 @101\nfresh short 00:00:18#1 to -1 @40\n"},
        {'t', 20.5, 70, "fill 00:00:18#1 sell 1 @70 holds -1\n"},
    };
    RUN(CROSS, steps);
}

static void a_split_scales_what_is_held(void **state) {
    (void)state;
    static const step steps[] = {
        {'t', 86390.0, 101, ""},
        {'w', 86395.0, 0, "fresh buy 23:59:51#1 to 2 @101\n"},
        {'t', 86396.0, 102, "fill 23:59:51#1 buy 2 @102 holds 2\n"},
        {'s', 86400.0, 0, ""},
        {'t', 86401.0, 51, ""},
        {'t', 86402.0, 30, ""},
        {'w', 86405.0, 0, "fresh sell 00:00:03#1 to 0 @30\n"},
        {'t', 86406.0, 31, "fill 00:00:03#1 sell 4 @31 holds 0\n"}, /* two shares have become four */
    };
    RUN(CROSS, steps);
}

static void a_late_signal_has_no_fill(void **state) {
    (void)state;
    static const step steps[] = {
        {'t', 10.0, 99, ""},
        {'t', 13.0, 99, ""},
        {'t', 10.5, 101, "late buy 00:00:11#1 to 2 @101\n"},
        {'t', 13.1, 99, ""},
    };
    RUN(CROSS, steps);
}

/* A stop's time may be a bar's end, which has signals of its own then and later. */
static void a_stop_and_a_bar_share_no_id(void **state) {
    (void)state;
    static const step revised[] = {
        {'t', 10.0, 100, ""},
        {'w', 15.0, 0, "fresh buy 00:00:11#1 to 1 @100\n"},
        {'t', 15.1, 99, "fill 00:00:11#1 buy 1 @99 holds 1\n"},
        {'t', 16.0, 89, "fresh exit 00:00:16.000000001#1 to 0 @89 stop\n"},
        {'t', 16.1, 89, "fill 00:00:16.000000001#1 sell 1 @89 holds 0\n"},
        {'t', 18.2, 100, ""},
        {'w', 20.0, 0, "fresh buy 00:00:19#1 to 1 @100\n"},
        {'t', 15.5, 100, "fill 00:00:19#1 buy 1 @100 holds 1\nlate buy 00:00:16#1 to 1 @100\n"},
    };
    static const step behind[] = {
        {'t', 10.0, 100, ""},
        {'w', 13.0, 0, "fresh buy 00:00:10.5#1 to 1 @100\nfresh emit 00:00:10.5#2 to 1 @100 {\"c\":100}\n"},
        {'t', 14.2, 100, "fill 00:00:10.5#1 buy 1 @100 holds 1\n"},
        {'t', 14.6, 100, ""},
        {'t', 15.0, 85, "fresh exit 00:00:15.000000001#1 to 0 @85 stop\n"},
        {'t', 15.1, 85, "fill 00:00:15.000000001#1 sell 1 @85 holds 0\n"},
        {'t', 15.6, 99, "fresh emit 00:00:14.5#1 to 0 @100 {\"c\":100}\n"}, /* of a bar before the stop */
        {'t', 16.1, 99, "fresh buy 00:00:15#1 to 1 @100\nfresh emit 00:00:15#2 to 1 @100 {\"c\":100}\n"},
    };
    RUN("strategy x on bars(1s)\n  buy when close == 100\n  stop 10\n", revised);
    RUN("strategy x on bars(500ms)\n  buy when close == 100\n  stop 10\n  emit e { c = close }\n", behind);
}

#define HELD "strategy x on bars(1s)\n  buy when close == 100\n  short when close == 200\n"
#define LONG_AT_100                                                                                                    \
    {'t', 10.0, 100, ""}, {'w', 15.0, 0, "fresh buy 00:00:11#1 to 1 @100\n"}, {                                        \
        't', 15.1, 100, "fill 00:00:11#1 buy 1 @100 holds 1\n"                                                         \
    }
#define SHORT_AT_200                                                                                                   \
    {'t', 10.0, 200, ""}, {'w', 15.0, 0, "fresh short 00:00:11#1 to -1 @200\n"}, {                                     \
        't', 15.1, 200, "fill 00:00:11#1 sell 1 @200 holds -1\n"                                                       \
    }

static void a_stop_is_held_against_each_trade(void **state) {
    (void)state;
    static const step steps[] = {
        LONG_AT_100,
        {'t', 15.2, 95.01, ""},
        {'t', 15.3, 300, ""},
        {'b', 15.4, 1, ""}, /* of the past: nobody could sell there */
        {'t', 15.5, 95, "fresh exit 00:00:15.5#1 to 0 @95 stop\n"},
        {'t', 15.6, 94, "fill 00:00:15.5#1 sell 1 @94 holds 0\n"},
        {'t', 15.7, 90, ""}, /* there is nothing left to stop */
    };
    RUN(HELD "  stop 5\n", steps);
    RUN(HELD "  stop 5%\n", steps);
    RUN(HELD "  stop at 95\n", steps);
    RUN(HELD "  stop 90\n  stop 5\n", steps); /* the nearer one */
    static const step up[] = {
        SHORT_AT_200,
        {'t', 15.2, 209.99, ""},
        {'t', 15.3, 1, ""},
        {'t', 15.5, 211, "fresh exit 00:00:15.5#1 to 0 @211 stop\n"},
        {'t', 15.6, 212, "fill 00:00:15.5#1 buy 1 @212 holds 0\n"},
    };
    RUN(HELD "  stop 10\n", up);
    RUN(HELD "  stop 5%\n", up);
}

/* Until the strategy has run behind the fill, its level is that of the position before. */
static void a_level_of_the_entry_is_of_its_own_entry(void **state) {
    (void)state;
    static const step steps[] = {
        {'t', 10.0, 101, ""},
        {'t', 12.5, 102, "fresh buy 00:00:11#1 to 1 @101\n"},
        {'t', 12.6, 102, "fill 00:00:11#1 buy 1 @102 holds 1\n"},
        {'t', 12.7, 50, ""}, /* of no position it was 0 */
        {'t', 13.0, 250, ""},
        {'t', 14.5, 210, ""},
        {'t', 15.5, 210, "fresh short 00:00:14#1 to -1 @250\n"},
        {'t', 15.6, 210, "fill 00:00:14#1 sell 2 @210 holds -1\n"},
        {'t', 15.7, 211, ""}, /* three times 102 is above it, and the long position's */
        {'t', 17.5, 205, ""},
        {'t', 17.6, 106, ""},
        {'t', 17.7, 104, "fresh exit 00:00:17.7#1 to 0 @104 target\n"},
    };
    RUN("strategy x on bars(1s)\n  buy when close > 100 and close < 200\n  short when close > 200\n"
        "  target at if position > 0 then 3 * entry.price else nz(entry.price, 0) / 2\n",
        steps);
}

static void a_target_is_so_many_r_away(void **state) {
    (void)state;
    static const step steps[] = {
        LONG_AT_100,
        {'t', 15.2, 109.9, ""},
        {'t', 15.3, 110, "fresh exit 00:00:15.3#1 to 0 @110 target\n"},
        {'t', 15.4, 90, "fill 00:00:15.3#1 sell 1 @90 holds 0\n"},
    };
    RUN(HELD "  stop 5\n  target 2R\n", steps);
    RUN(HELD "  stop at 95\n  target 10\n", steps);
    static const step both[] = {
        LONG_AT_100, {'t', 15.2, 101, "fresh exit 00:00:15.2#1 to 0 @101 stop\n"}, /* what was lost is certain */
    };
    RUN(HELD "  target 0.5\n  stop at 102\n", both);
}

static void a_trail_follows_the_best_price(void **state) {
    (void)state;
    static const step steps[] = {
        LONG_AT_100,
        {'t', 15.2, 95.1, ""},
        {'t', 15.3, 107, ""},
        {'t', 15.4, 102.1, ""},
        {'t', 15.5, 102, "fresh exit 00:00:15.5#1 to 0 @102 trail\n"},
    };
    RUN(HELD "  trail 5\n", steps);
    static const step asleep[] = {
        LONG_AT_100,
        {'t', 15.2, 104, ""}, /* not yet 1R */
        {'t', 15.3, 95, ""},
        {'t', 15.4, 110, ""},
        {'t', 15.5, 108.1, ""},
        {'t', 15.6, 108, "fresh exit 00:00:15.6#1 to 0 @108 trail\n"},
    };
    RUN(HELD "  stop 10\n  trail 2 from 1R\n", asleep);
    static const step even[] = {
        LONG_AT_100,
        {'t', 15.2, 99, ""},
        {'t', 15.3, 110, ""},
        {'t', 15.5, 100, "fresh exit 00:00:15.5#1 to 0 @100 stop\n"}, /* it loses nothing any more */
    };
    RUN(HELD "  stop 10\n  stop at 100 from 1R\n", even);
    static const step down[] = {
        SHORT_AT_200,
        {'t', 15.3, 150, ""},
        {'t', 15.5, 165, "fresh exit 00:00:15.5#1 to 0 @165 trail\n"},
    };
    RUN(HELD "  trail 7.5%\n", down); /* of the entry */
}

static void levels_follow_their_expressions(void **state) {
    (void)state;
    static const step steps[] = {
        LONG_AT_100,
        {'t', 16.0, 120, ""},
        {'t', 16.5, 118, ""},
        {'w', 19.0, 0, ""}, /* the bar of 16 s: low 118 */
        {'t', 19.1, 117.5, "fresh exit 00:00:19.1#1 to 0 @117.5 stop\n"},
    };
    RUN(HELD "  stop at low\n", steps);
    static const step na[] = {
        LONG_AT_100,
        {'t', 19.1, 1, ""},
        {'t', 22.1, 1, ""},
    };
    RUN(HELD "  stop at close / (close - close)\n", na); /* never a level */
    static const step when[] = {
        LONG_AT_100,
        {'t', 16.0, 50, ""},
        {'w', 19.0, 0, "fresh exit 00:00:17#1 to 0 @50 stop\n"},
        {'t', 19.1, 49, "fill 00:00:17#1 sell 1 @49 holds 0\n"},
    };
    RUN(HELD "  stop when close < 60\n", when);
}

/* The order that leaves is overtaken by one that stays. */
static void a_position_that_stays_stands_by_new_levels(void **state) {
    (void)state;
    static const step steps[] = {
        LONG_AT_100,
        {'t', 16.0, 99, ""},
        {'t', 17.0, 130, ""},
        {'w', 20.0, 0, "fresh sell 00:00:17#1 to 0 @99\nfresh buy 00:00:18#1 to 1 @130\n"},
        {'t', 20.1, 120, ""}, /* it fills what is held already */
        {'t', 20.2, 105, "fresh exit 00:00:20.2#1 to 0 @105 stop\n"},
    };
    RUN("strategy x on bars(1s)\n  buy when close >= 100\n  sell when close == 99\n  stop at low - 20\n", steps);
}

static void a_level_is_split_with_its_position(void **state) {
    (void)state;
    static const step steps[] = {
        {'t', 86390.0, 100, ""},
        {'w', 86395.0, 0, "fresh buy 23:59:51#1 to 1 @100\n"},
        {'t', 86396.0, 100, "fill 23:59:51#1 buy 1 @100 holds 1\n"},
        {'s', 86400.0, 0, ""},
        {'t', 86400.0, 49, ""},
        {'t', 86401.0, 47.5, "fresh exit 00:00:01.000000001#1 to 0 @47.5 stop\n"},
        {'t', 86401.5, 47, "fill 00:00:01.000000001#1 sell 2 @47 holds 0\n"},
    };
    RUN(HELD "  stop 5\n", steps);
    RUN(HELD "  stop 5%\n", steps);
    RUN(HELD "  stop at 95\n", steps);
    static const step trail[] = {
        {'t', 86390.0, 100, ""},
        {'w', 86395.0, 0, "fresh buy 23:59:51#1 to 1 @100\n"},
        {'t', 86396.0, 100, "fill 23:59:51#1 buy 1 @100 holds 1\n"},
        {'t', 86397.0, 110, ""},
        {'s', 86400.0, 0, ""},
        {'t', 86400.0, 52.6, ""},
        {'t', 86401.0, 52.5, "fresh exit 00:00:01.000000001#1 to 0 @52.5 trail\n"},
    };
    RUN(HELD "  trail 5\n", trail);
    static const step tick[] = {
        /* prices on ticks are as traded: those of before the split are not those of behind it */
        {'t', 86390.0, 100, "fresh buy 23:59:50#1 to 1 @100\n"},
        {'t', 86396.0, 100, "fill 23:59:50#1 buy 1 @100 holds 1\n"},
        {'s', 86400.0, 0, ""},
        {'t', 86401.0, 49.8, ""},
        {'t', 86402.0, 49.2, ""},
        {'t', 86403.0, 46, "fresh exit 00:00:03#1 to 0 @46 stop\n"},
        {'t', 86404.0, 46, "fill 00:00:03#1 sell 2 @46 holds 0\n"},
    };
    RUN("strategy x on trades\n  buy when price == 100\n  stop at price - 1\n", tick);
}

/* What is late by a split has a price of other shares. */
static void a_trade_of_before_a_split_reaches_and_fills_nothing(void **state) {
    (void)state;
    static const step held[] = {
        {'t', 86390.0, 100, ""},
        {'w', 86395.0, 0, "fresh buy 23:59:51#1 to 1 @100\n"},
        {'t', 86396.0, 100, "fill 23:59:51#1 buy 1 @100 holds 1\n"},
        {'s', 86400.0, 0, ""},
        {'t', 86400.5, 50, ""},
        {'t', 86399.5, 99, ""}, /* 49.5 of the new ones */
        {'t', 86401.0, 55, "fresh exit 00:00:01.000000001#1 to 0 @55 target\n"},
        {'t', 86399.6, 99, ""},
        {'t', 86401.1, 54, "fill 00:00:01.000000001#1 sell 2 @54 holds 0\n"},
    };
    RUN(HELD "  target 10%\n", held);
    static const step stopped[] = {
        {'t', 86390.0, 100, ""},
        {'w', 86395.0, 0, "fresh buy 23:59:51#1 to 1 @100\n"},
        {'t', 86396.0, 100, "fill 23:59:51#1 buy 1 @100 holds 1\n"},
        {'c', 86400.0, 0, ""},
        {'t', 86400.5, 200, ""},
        {'t', 86399.5, 101, ""},
        {'t', 86401.0, 189, "fresh exit 00:00:01.000000001#1 to 0 @189 stop\n"},
    };
    RUN(HELD "  stop 5\n", stopped);
}

/* Two splits that undo each other lie ahead: between them prices are others. */
static void splits_that_cancel_are_two(void **state) {
    (void)state;
    static const step steps[] = {
        {'t', 86390.0, 100, ""},
        {'w', 86395.0, 0, "fresh buy 23:59:51#1 to 1 @100\n"},
        {'s', 86400.0, 0, ""},
        {'c', 172800.0, 0, ""},
        {'t', 86396.0, 100, "fill 23:59:51#1 buy 1 @100 holds 1\n"},
        {'t', 86399.9, 100, ""},
        {'t', 86400.5, 56, "fresh exit 00:00:00.5#1 to 0 @56 target\n"}, /* with no bar closed since */
        {'t', 86401.0, 56, "fill 00:00:00.5#1 sell 2 @56 holds 0\n"},
    };
    RUN(HELD "  target 10\n", steps);
}

static void entries_wait_for_cooldowns_and_limits(void **state) {
    (void)state;
    static const step cool[] = {
        LONG_AT_100,
        {'t', 15.5, 90, "fresh exit 00:00:15.5#1 to 0 @90 stop\n"},
        {'t', 16.0, 100, "fill 00:00:15.5#1 sell 1 @100 holds 0\n"},
        {'w', 20.0, 0, ""}, /* the bar ends at 17: too soon */
        {'t', 20.1, 100, ""},
        {'w', 24.0, 0, "fresh buy 00:00:21#1 to 1 @100\n"},
    };
    RUN(HELD "  stop 5\n  cooldown 5s\n", cool);
    RUN(HELD "  stop 5\n  cooldown 5s after stop\n", cool);
    static const step warm[] = {
        LONG_AT_100,
        {'t', 15.5, 90, "fresh exit 00:00:15.5#1 to 0 @90 stop\n"},
        {'t', 16.0, 100, "fill 00:00:15.5#1 sell 1 @100 holds 0\n"},
        {'w', 20.0, 0, "fresh buy 00:00:17#1 to 1 @100\n"},
    };
    RUN(HELD "  stop 5\n  cooldown 5s after target\n", warm);
    static const step most[] = {
        LONG_AT_100,
        {'t', 15.5, 90, "fresh exit 00:00:15.5#1 to 0 @90 stop\n"},
        {'t', 16.0, 100, "fill 00:00:15.5#1 sell 1 @100 holds 0\n"},
        {'w', 59.0, 0, ""},
        {'t', 60.0, 100, ""}, /* another minute */
        {'w', 65.0, 0, "fresh buy 00:01:01#1 to 1 @100\n"},
    };
    RUN(HELD "  stop 5\n  at most 1 per 1m\n", most);
    static const step day[] = {
        LONG_AT_100,
        {'t', 15.5, 90, "fresh exit 00:00:15.5#1 to 0 @90 stop\n"},
        {'t', 86399.0, 100, "fill 00:00:15.5#1 sell 1 @100 holds 0\n"},
        {'w', 86405.0, 0, ""}, /* of the old day, though it ends with it */
        {'t', 86406.0, 100, ""},
        {'w', 86410.0, 0, "fresh buy 00:00:07#1 to 1 @100\n"},
    };
    RUN(HELD "  stop 5\n  at most 1 per session\n", day);
}

static void fills_wait_as_they_are_told(void **state) {
    (void)state;
    static const step after[] = {
        {'t', 10.0, 100, ""},
        {'w', 15.0, 0, "fresh buy 00:00:11#1 to 1 @100\n"},
        {'t', 15.4, 101, ""},
        {'t', 15.5, 102, "fill 00:00:11#1 buy 1 @102 holds 1\n"},
    };
    RUN(HELD "  fill next after 500ms\n", after);
    static const step open[] = {
        {'t', 10.0, 100, ""},
        {'t', 12.5, 99, "fresh buy 00:00:11#1 to 1 @100\n"},
        {'t', 12.9, 101, ""}, /* of the bar that was running */
        {'t', 13.0, 102, "fill 00:00:11#1 buy 1 @102 holds 1\n"},
    };
    RUN(HELD "  fill open\n", open);
}

#define TELLS                                                                                                          \
    "  emit it { c = close, is = position, p = entry.price, age = held / 1s, n = entry.bars, t = (time - entry.time) " \
    "/ "                                                                                                               \
    "1s"                                                                                                               \
    " } when trades > 1\n"

/* Bars of two trades tell what the strategy held before them. */
static void conditions_see_the_position_before_them(void **state) {
    (void)state;
    static const step steps[] = {
        {'t', 9.0, 1, ""},
        {'t', 9.0, 1, ""},
        {'t', 10.0, 100, ""},
        {'w', 15.0, 0,
         "fresh emit 00:00:10#1 to 0 @1 {\"c\":1,\"is\":0,\"p\":null,\"age\":null,\"n\":null,\"t\":null}\n"
         "fresh buy 00:00:11#1 to 2 @100\n"},
        {'t', 15.5, 101, "fill 00:00:11#1 buy 2 @101 holds 2\n"},
        {'t', 15.6, 102, ""}, /* the bar in which it was filled is the first */
        {'t', 9.5, 3,
         "withdrawn emit 00:00:10#1 to 2 @3\nlate emit 00:00:10#2 to 2 @3 "
         "{\"c\":3,\"is\":0,\"p\":null,\"age\":null,\"n\":null,\"t\":null}\n"},
        {'w', 18.0, 0,
         "fresh emit 00:00:16#1 to 2 @102 {\"c\":102,\"is\":2,\"p\":101,\"age\":0.5,\"n\":0,\"t\":0.5}\n"},
        {'t', 18.5, 103, ""},
        {'t', 18.6, 200, ""},
        {'w', 21.0, 0,
         "fresh emit 00:00:19#1 to 2 @200 {\"c\":200,\"is\":2,\"p\":101,\"age\":3.5,\"n\":1,\"t\":3.5}\n"},
        {'t', 21.5, 40, ""},
        {'t', 21.6, 40, ""},
        {'w', 24.0, 0,
         "fresh short 00:00:22#1 to -1 @40\nfresh emit 00:00:22#2 to -1 @40 "
         "{\"c\":40,\"is\":2,\"p\":101,\"age\":6.5,\"n\":2,\"t\":6.5}\n"}, /* as it stood before that */
        {'t', 25.5, 41, "fill 00:00:22#1 sell 3 @41 holds -1\n"},
        {'t', 25.6, 41, ""},
        {'w', 28.0, 0, "fresh emit 00:00:26#1 to -1 @41 {\"c\":41,\"is\":-1,\"p\":41,\"age\":0.5,\"n\":0,\"t\":0.5}\n"},
    };
    RUN("strategy x on bars(1s)\n  buy qty 2 when close == 100\n  short when close < 50 and close > 30\n" TELLS, steps);
}

/* Between a bar's end and its evaluation the log goes on. */
static void what_is_filled_behind_a_bar_is_held_on_it(void **state) {
    (void)state;
    static const step steps[] = {
        {'t', 10.0, 100, ""},
        {'t', 11.5, 7, ""},
        {'t', 11.6, 7, ""},
        {'t', 12.4, 8, "fresh buy 00:00:11#1 to 1 @100\n"},
        {'t', 12.5, 9, "fill 00:00:11#1 buy 1 @9 holds 1\n"},
        {'w', 13.0, 0,
         "fresh emit 00:00:12#1 to 1 @7 {\"c\":7,\"is\":1,\"p\":9,\"age\":0,\"n\":0,\"t\":-0.5}\n"
         "fresh emit 00:00:13#1 to 1 @9 {\"c\":9,\"is\":1,\"p\":9,\"age\":0.5,\"n\":1,\"t\":0.5}\n"},
    };
    RUN("strategy x on bars(1s)\n  buy when close == 100\n" TELLS, steps);
}

static void a_position_is_left_by_its_age(void **state) {
    (void)state;
    static const step steps[] = {
        {'t', 10.0, 100, "fresh buy 00:00:10#1 to 1 @100\n"},
        {'t', 10.5, 101, "fill 00:00:10#1 buy 1 @101 holds 1\n"},
        {'t', 15.5, 101, ""},
        {'t', 15.6, 102, "fresh exit 00:00:15.6#1 to 0 @102\n"},
        {'t', 15.7, 103, "fill 00:00:15.6#1 sell 1 @103 holds 0\n"},
    };
    RUN("strategy x on trades\n  buy when price == 100\n  exit when held > 5s\n", steps);
    RUN("strategy x on trades\n  buy when price == 100\n  exit when price > entry.price\n", steps);
    RUN("strategy x on trades\n  buy when price == 100\n  exit when entry.bars > 1\n", steps);
    RUN("strategy y on trades\n  buy when price < 0 and position == 0\n"
        "strategy x on trades\n  buy when price == 100\n  exit when position > 0 and position[2] > 0\n",
        steps);
}

/* On bars prices are in shares of the first one, on ticks as traded; shares are those of now. */
static void a_split_scales_what_conditions_see(void **state) {
    (void)state;
    static const step bars[] = {
        {'t', 86390.0, 100, ""},
        {'w', 86395.0, 0, "fresh buy 23:59:51#1 to 1 @100\n"},
        {'t', 86396.0, 102, "fill 23:59:51#1 buy 1 @102 holds 1\n"},
        {'s', 86400.0, 0, ""},
        {'t', 86401.0, 55, ""},
        {'t', 86401.1, 56, ""},
        {'w', 86404.0, 0, "fresh emit 00:00:02#1 to 1 @56 {\"c\":112,\"is\":2,\"p\":102,\"age\":6,\"n\":1,\"t\":6}\n"},
    };
    RUN("strategy x on bars(1s)\n  buy when close == 100\n" TELLS, bars);
    static const step ticks[] = {
        {'t', 86390.0, 100, "fresh buy 23:59:50#1 to 1 @100\n"},
        {'t', 86396.0, 102, "fill 23:59:50#1 buy 1 @102 holds 1\n"},
        {'s', 86400.0, 0, ""},
        {'t', 86401.0, 56, "fresh emit 00:00:01#1 to 1 @56 {\"is\":2,\"p\":51}\n"},
    };
    RUN("strategy x on trades\n  buy when price == 100\n  emit it { is = position, p = entry.price } when price == "
        "56\n",
        ticks);
}

static void a_strategy_is_flat_from_its_time_on(void **state) {
    (void)state;
    static const step trades[] = {
        LONG_AT_100,
        {'t', 19.9, 100, ""},
        {'q', 20.2, 100, ""},
        {'t', 19.95, 100, ""}, /* late, and not that late */
        {'t', 20.3, 101, "fresh exit 00:00:20.3#1 to 0 @101 flat\n"},
        {'t', 20.4, 102, "fill 00:00:20.3#1 sell 1 @102 holds 0\n"},
        {'t', 21.0, 100, ""},
        {'w', 24.0, 0, ""}, /* no more of this day */
        {'t', 86401.0, 100, ""},
        {'w', 86404.0, 0, "fresh buy 00:00:02#1 to 1 @100\n"},
    };
    RUN(HELD "  flat at session.open + 20s\n", trades);
    RUN(HELD "  stop 50\n  flat at session.open + 20s\n", trades);
    RUN(HELD "  flat at if close == 100 then session.open + 20s else na\n", trades);
    static const step bars[] = {
        LONG_AT_100,
        {'t', 19.5, 7, ""},
        {'w', 25.0, 0, "fresh exit 00:00:20#1 to 0 @7 flat\n"}, /* the bar ends then, before any trade */
        {'t', 25.1, 8, "fill 00:00:20#1 sell 1 @8 holds 0\n"},
    };
    RUN(HELD "  flat at session.open + 20s\n", bars);
    RUN(HELD "  flat at if close > 50 then session.close else na\n", bars); /* no time is known */
    static const step unfilled[] = {
        {'t', 18.5, 100, ""},
        {'t', 20.3, 7, "fresh buy 00:00:19#1 to 1 @100\nfresh exit 00:00:20.3#1 to 0 @7 flat\n"},
        {'t', 20.4, 8, ""},
    };
    RUN(HELD "  flat at session.open + 20s\n", unfilled);
    static const step both[] = {
        LONG_AT_100, {'t', 20.3, 90, "fresh exit 00:00:20.3#1 to 0 @90 flat\n"}, /* it was to go, whatever the price */
    };
    RUN(HELD "  stop 5\n  flat at session.open + 20s\n", both);
}

static void the_touch_fills_as_it_stood(void **state) {
    (void)state;
    static const step at_once[] = {
        {'q', 9.0, 50, ""},
        {'t', 10.0, 100, ""},
        {'w', 15.0, 0, "fresh buy 00:00:11#1 to 1 @100\n"},
        {'q', 15.0, 53, ""}, /* this may not be the last of then */
        {'q', 15.5, 60, "fill 00:00:11#1 buy 1 @54 holds 1\n"},
        {'t', 16.0, 200, ""},
        {'w', 20.0, 0, "fresh short 00:00:17#1 to -1 @200\n"},
        {'t', 20.5, 300, "fill 00:00:17#1 sell 2 @60 holds -1\n"}, /* a trade tells it as well */
    };
    RUN(HELD "  fill touch\n", at_once);
    static const step after[] = {
        {'q', 9.0, 50, ""},
        {'t', 10.0, 100, ""},
        {'w', 15.0, 0, "fresh buy 00:00:11#1 to 1 @100\n"},
        {'t', 15.2, 7, ""},
        {'q', 15.25, 55, ""},
        {'q', 15.1, 56, ""}, /* late, and the newest of the log all the same */
        {'r', 15.3, 7, ""},
        {'q', 15.5, 60, "fill 00:00:11#1 buy 1 @57 holds 1\n"},
        {'t', 17.0, 7, "fresh exit 00:00:16#1 to 0 @7\n"},
    };
    RUN(HELD "  exit when entry.time == session.open + 15250ms\n  fill touch after 250ms\n", after);
}

static void an_order_waits_for_somebody_to_touch(void **state) {
    (void)state;
    static const step unknown[] = {
        {'t', 10.0, 100, ""},
        {'w', 15.0, 0, "fresh buy 00:00:11#1 to 1 @100\n"},
        {'t', 15.5, 7, ""},
        {'B', 16.0, 60, ""},
        {'q', 17.0, 70, "fill 00:00:11#1 buy 1 @71 holds 1\n"}, /* then at once */
        {'t', 18.0, 7, ""},
        {'w', 21.0, 0, "fresh exit 00:00:19#1 to 0 @7\n"},
        {'B', 21.5, 61, "fill 00:00:19#1 sell 1 @70 holds 0\n"},
    };
    RUN(HELD "  exit when entry.time == session.open + 17s\n  fill touch\n", unknown);
    static const step split[] = {
        {'q', 86390.0, 99, ""},
        {'t', 86391.0, 100, ""},
        {'w', 86395.0, 0, "fresh buy 23:59:52#1 to 1 @100\n"},
        {'s', 86400.0, 0, ""},
        {'t', 86406.0, 50, ""}, /* nobody asks 100 any more */
        {'q', 86407.0, 49, "fill 23:59:52#1 buy 2 @50 holds 2\n"},
    };
    RUN(HELD "  fill touch after 10s\n", split);
    static const step flat[] = {
        {'q', 9.0, 50, ""},
        {'t', 10.0, 100, ""},
        {'w', 15.0, 0, "fresh buy 00:00:11#1 to 1 @100\n"},
        {'q', 15.5, 60, ""},
        {'t', 15.6, 7, "fresh exit 00:00:15.6#1 to 0 @7 flat\n"},
        {'q', 15.7, 60, ""},
    };
    RUN(HELD "  flat at session.open + 14s\n  fill touch\n", flat);
}

/* It was filled before that trade, which is no part of the fill. */
static void the_trade_that_tells_of_a_fill_is_held_against_levels(void **state) {
    (void)state;
    static const step steps[] = {
        {'q', 9.0, 99, ""},
        {'t', 10.0, 100, ""},
        {'w', 15.0, 0, "fresh buy 00:00:11#1 to 1 @100\n"},
        {'t', 15.5, 95, "fill 00:00:11#1 buy 1 @100 holds 1\nfresh exit 00:00:15.5#1 to 0 @95 stop\n"},
        {'q', 15.5, 93, ""},
        {'q', 15.6, 90, "fill 00:00:15.5#1 sell 1 @93 holds 0\n"},
    };
    RUN(HELD "  stop 5\n  fill touch\n", steps);
    static const step quiet[] = {
        {'q', 9.0, 99, ""},
        {'t', 10.0, 100, ""},
        {'w', 15.0, 0, "fresh buy 00:00:11#1 to 1 @100\n"},
        {'q', 15.5, 60, "fill 00:00:11#1 buy 1 @100 holds 1\n"},
        {'t', 15.6, 96, ""},
        {'t', 15.7, 95, "fresh exit 00:00:15.7#1 to 0 @95 stop\n"},
    };
    RUN(HELD "  stop 5\n  fill touch\n", quiet);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_next_trade_fills),
        cmocka_unit_test(what_is_put_on_the_tape_anew_fills_nothing),
        cmocka_unit_test(an_order_is_overtaken),
        cmocka_unit_test(a_split_scales_what_is_held),
        cmocka_unit_test(a_late_signal_has_no_fill),
        cmocka_unit_test(a_stop_and_a_bar_share_no_id),
        cmocka_unit_test(a_stop_is_held_against_each_trade),
        cmocka_unit_test(a_level_of_the_entry_is_of_its_own_entry),
        cmocka_unit_test(a_target_is_so_many_r_away),
        cmocka_unit_test(a_trail_follows_the_best_price),
        cmocka_unit_test(levels_follow_their_expressions),
        cmocka_unit_test(a_position_that_stays_stands_by_new_levels),
        cmocka_unit_test(a_level_is_split_with_its_position),
        cmocka_unit_test(a_trade_of_before_a_split_reaches_and_fills_nothing),
        cmocka_unit_test(splits_that_cancel_are_two),
        cmocka_unit_test(entries_wait_for_cooldowns_and_limits),
        cmocka_unit_test(fills_wait_as_they_are_told),
        cmocka_unit_test(conditions_see_the_position_before_them),
        cmocka_unit_test(what_is_filled_behind_a_bar_is_held_on_it),
        cmocka_unit_test(a_position_is_left_by_its_age),
        cmocka_unit_test(a_split_scales_what_conditions_see),
        cmocka_unit_test(a_strategy_is_flat_from_its_time_on),
        cmocka_unit_test(the_touch_fills_as_it_stood),
        cmocka_unit_test(an_order_waits_for_somebody_to_touch),
        cmocka_unit_test(the_trade_that_tells_of_a_fill_is_held_against_levels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
