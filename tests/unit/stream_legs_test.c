/* tests/unit/stream_legs_test.c - goal: the legs of an action are one decision: all targets move at one event or none
 * does, wherever the other instrument lives; each position is filled by its own instrument's trades. */
#include "program_rig.h"
#include "state_rig.h"
#include "stream/state.h"
#include "unit.h"
#include <inttypes.h>
#include <stdio.h>

#define S TD_NS_PER_S

typedef struct step {
    const char *of; /* KO, PEP; "": a Time of both, when the price is below 0 that they are down */
    double at_s, price;
    const char *gives;
} step;

static td_program *program_of(const char *strategies) {
    static const int64_t widths_ns[] = {S, 5 * S, TD_WIDTH_TRADES + 2};
    const td_bytes text = td_text(strategies);
    const td_program_settings settings = {
        .widths_ns = widths_ns, .width_count = 3, .grace_ns = 10 * S, .strategies = &text, .strategy_count = 1};
    return rig_program(&settings);
}

/* An id without its strategy and day: "V:KO 00:00:11#1". */
static void put_id(td_buf *out, td_bytes id) {
    const uint8_t *end = id.data + id.size, *time = end, *name = memchr(id.data, '/', id.size);
    while (time[-1] != 'T') time--;
    const uint8_t *slash = time;
    while (slash[0] != '/') slash--;
    td_buf_printf(out, "%.*s %.*s", (int)(slash - name - 1), (const char *)name + 1, (int)(end - time),
                  (const char *)time);
}

static void on_signal(void *self, td_bytes instrument, const td_signal *signal) {
    td_buf *out = self;
    char id[TD_SIGNAL_ID_MAX + 1];
    td_bytes traded = td_signal_traded(signal, instrument);
    td_buf_printf(out, "%s %s %.*s ", td_signal_status_name((td_signal_status)signal->status),
                  td_action_name((td_action)signal->action), (int)traded.size, (const char *)traded.data);
    put_id(out, (td_bytes){(const uint8_t *)id, td_signal_id(signal, instrument, id)});
    rig_put_number(out, " to ", signal->target, TD_SIZE_SCALE);
    rig_put_number(out, " @", signal->price, TD_PRICE_SCALE);
    td_buf_printf(out, "%s%.*s\n", signal->reason.size > 0 ? " " : "", (int)signal->reason.size,
                  (const char *)signal->reason.data);
}

static void on_fill(void *self, td_bytes instrument, const td_fill *fill) {
    td_buf *out = self;
    td_bytes traded = td_fill_traded(fill, instrument);
    td_buf_printf(out, "fill %.*s ", (int)traded.size, (const char *)traded.data);
    put_id(out, fill->signal);
    rig_put_number(out, fill->side == TD_SIDE_BUY ? " buy " : " sell ", fill->quantity, TD_SIZE_SCALE);
    rig_put_number(out, " @", fill->price, TD_PRICE_SCALE);
    rig_put_number(out, " holds ", fill->position, TD_SIZE_SCALE);
    td_buf_text(out, "\n");
}

static void apply(td_state *state, const step *s, uint8_t pep_flags, td_buf *out) {
    td_emit emit = td_emit_none;
    emit.self = out;
    emit.signal = on_signal;
    emit.fill = on_fill;
    char name[16];
    (void)snprintf(name, sizeof name, "V:%s", s->of);
    td_event e = {.kind = TD_EVENT_TRADE,
                  .feed = td_state_feed(state, TD_TEXT("f")),
                  .flags = strcmp(s->of, "PEP") == 0 ? pep_flags : 0,
                  .event_ns = (int64_t)(s->at_s * 1e9 + 0.5),
                  .of_offset = TD_NONE};
    e.receive_ns = e.event_ns;
    e.trade = (td_trade){.price = (int64_t)(s->price * 1e9 + 0.5), .size = 100000000, .trade_id = TD_NONE};
    if (s->of[0] == '\0') {
        e.kind = TD_EVENT_TIME;
        e.time = (td_time_mark){.bound_ns = e.event_ns, .clock_ns = e.event_ns, .session = TD_SESSION_LIVE};
        if (s->price < 0) e.time = (td_time_mark){TD_NONE, e.event_ns, TD_SESSION_DOWN};
    } else {
        e.instrument = td_state_find_instrument(state, td_text(name));
        if (e.instrument == UINT32_MAX) e.instrument = td_state_add_instrument(state, &e, td_text(name));
    }
    (void)td_state_apply(state, &e, &emit);
}

static bool restarts = true; /* behind each step */

/* `edit`: from the last step on; NULL: none. */
static void run_as(const char *strategies, const char *edit, const step *steps, size_t count, uint8_t pep_flags) {
    td_program *program = program_of(strategies), *next = edit != NULL ? program_of(edit) : NULL;
    td_state *state = td_state_new(program);
    td_buf out = {0};
    for (size_t i = 0; i < count; i++) {
        if (next != NULL && i + 1 == count) {
            td_state *warm = td_state_new_warm(state, next);
            td_state_swap(state, next, warm);
            td_state_free(warm);
        }
        out.size = 0;
        apply(state, &steps[i], pep_flags, &out);
        td_buf_put(&out, "", 1);
        ASSERT_ROW(strcmp((char *)out.data, steps[i].gives) == 0, "%zu of \"%s\" gave\n%swanted\n%s", i, strategies,
                   (char *)out.data, steps[i].gives);
        if (restarts) state = rig_reloaded(state, next != NULL && i + 1 == count ? next : program);
    }
    td_buf_fini(&out);
    td_state_free(state);
    td_program_free(program);
    td_program_free(next);
}

/* PEP at home here, and as a copy; with what is remembered, and with what a snapshot holds of it. */
static void run_both(const char *strategies, const step *steps, size_t count) {
    for (int i = 0; i < 4; i++) {
        restarts = i % 2 == 0;
        run_as(strategies, NULL, steps, count, i < 2 ? 0 : TD_FLAG_COPY);
    }
}
#define RUN(strategies, steps) run_both(strategies, steps, COUNT_OF(steps))

#define PAIR "strategy x on bars(1s) for V:KO\n  use pep = V:PEP\n"
#define SPREAD                                                                                                         \
    PAIR "  short, buy pep qty pep.close / 100 when close > 100\n  buy, short pep when close < 50\n"                   \
         "  exit all when close == 70\n"

static void legs_move_at_one_event(void **state) {
    (void)state;
    static const step steps[] = {
        {"PEP", 9.0, 200, ""},
        {"KO", 10.0, 101, ""},
        {"", 12.0, 0, "fresh short V:KO V:KO 00:00:11#1 to -1 @101\nfresh buy V:PEP V:KO 00:00:11#2 to 2 @200\n"},
        {"KO", 12.5, 105, "fill V:KO V:KO 00:00:11#1 sell 1 @105 holds -1\n"},
        {"KO", 12.6, 104, ""}, /* PEP's order waits for a trade of PEP */
        {"PEP", 12.7, 201, "fill V:PEP V:KO 00:00:11#2 buy 2 @201 holds 2\n"},
        {"PEP", 12.8, 202, ""},
        {"KO", 13.0, 40, ""}, /* both turn around */
        {"", 15.0, 0, "fresh buy V:KO V:KO 00:00:14#1 to 1 @40\nfresh short V:PEP V:KO 00:00:14#2 to -1 @202\n"},
        {"PEP", 15.5, 203, "fill V:PEP V:KO 00:00:14#2 sell 3 @203 holds -1\n"},
        {"KO", 15.6, 70, "fill V:KO V:KO 00:00:14#1 buy 2 @70 holds 1\n"},
        {"", 18.0, 0, "fresh exit V:KO V:KO 00:00:16#1 to 0 @70\nfresh exit V:PEP V:KO 00:00:16#2 to 0 @203\n"},
        {"KO", 18.5, 71, "fill V:KO V:KO 00:00:16#1 sell 1 @71 holds 0\n"},
        {"PEP", 18.6, 204, "fill V:PEP V:KO 00:00:16#2 buy 1 @204 holds 0\n"},
    };
    RUN(SPREAD, steps);
}

static void what_is_withheld_is_withheld_as_one(void **state) {
    (void)state;
    static const step no_trade[] = {
        {"KO", 10.0, 101, ""},
        {"", 12.0, 0,
         "withheld short V:KO V:KO 00:00:11#1 to -1 @101 V:PEP has no trade yet\n"
         "withheld buy V:PEP V:KO 00:00:11#2 to 1 @0 V:PEP has no trade yet\n"},
        {"PEP", 12.0, 200, ""},
        {"KO", 12.5, 102, ""}, /* nothing was ordered */
    };
    static const step no_qty[] = {
        {"PEP", 9.0, 200, ""},
        {"KO", 10.0, 101, ""},
        {"", 12.0, 0,
         "withheld short V:KO V:KO 00:00:11#1 to -1 @101 qty is na\n"
         "withheld buy V:PEP V:KO 00:00:11#2 to 0 @200 qty is na\n"},
        {"KO", 13.0, 102, ""},
        {"KO", 14.0, 101, ""},
        {"", 16.0, 0, /* the bar that ends at 14: 102 - 101; then 101 - 102 */
         "fresh short V:KO V:KO 00:00:14#1 to -1 @102\nfresh buy V:PEP V:KO 00:00:14#2 to 1 @200\n"},
        {"KO", 16.5, 101, "fill V:KO V:KO 00:00:14#1 sell 1 @101 holds -1\n"},
    };
    static const step low_qty[] = {
        {"KO", 10.0, 101, ""},
        {"", 12.0, 0, "withheld buy V:KO V:KO 00:00:11#1 to 0 @101 qty is not above 0\n"},
    };
    RUN(PAIR "  short, buy pep when close > 100\n", no_trade);
    RUN(PAIR "  short, buy pep qty close - close[1] when close > 100\n", no_qty);
    RUN("strategy x on bars(1s)\n  buy qty 100.5 - close when close > 100\n", low_qty);
}

/* Entries of one action: where one of them is beaten, contradicted or held back, none is left. */
static void an_action_is_beaten_as_one(void **state) {
    (void)state;
    static const step beaten[] = {
        {"PEP", 9.0, 200, ""},
        {"KO", 10.0, 101, ""},
        {"", 12.0, 0, ""},
        {"KO", 13.0, 151, ""},
        {"", 15.0, 0, "fresh short V:KO V:KO 00:00:14#1 to -1 @151\nfresh buy V:PEP V:KO 00:00:14#2 to 1 @200\n"},
    };
    static const step held_back[] = {
        {"PEP", 9.0, 200, ""},
        {"KO", 10.0, 101, ""},
        {"", 12.0, 0, "fresh buy V:KO V:KO 00:00:11#1 to 1 @101\nfresh buy V:PEP V:KO 00:00:11#2 to 1 @200\n"},
        {"KO", 13.0, 40, "fill V:KO V:KO 00:00:11#1 buy 1 @40 holds 1\n"},
        {"PEP", 13.1, 200, "fill V:PEP V:KO 00:00:11#2 buy 1 @200 holds 1\n"},
        {"", 15.0, 0, "fresh exit V:PEP V:KO 00:00:14#1 to 0 @200\n"}, /* of its own leg alone */
        {"PEP", 15.1, 199, "fill V:PEP V:KO 00:00:14#1 sell 1 @199 holds 0\n"},
        {"KO", 16.0, 101, ""}, /* one entry a session: both legs were one */
        {"", 18.0, 0, ""},
    };
    RUN(PAIR "  short, buy pep when close > 100\n  exit pep when close < 150\n", beaten);
    RUN(PAIR "  buy, short pep when close > 100\n  short, short pep when close > 100\n"
             "  buy, buy pep when close > 150\n  short, buy pep when close > 150\n  exit pep when close < 0\n",
        ((const step[]){{"PEP", 9.0, 200, ""}, {"KO", 10.0, 101, ""}, {"", 12.0, 0, ""}}));
    RUN(PAIR "  buy, buy pep when close > 100\n  exit pep when close < 50\n  at most 1 per session\n", held_back);
}

/* A level is of the strategy's own instrument; a condition leaves all that it trades. */
static void stops_by_price_and_by_condition(void **state) {
    (void)state;
    static const step steps[] = {
        {"PEP", 9.0, 200, ""},
        {"KO", 10.0, 101, ""},
        {"", 12.0, 0, "fresh buy V:KO V:KO 00:00:11#1 to 1 @101\nfresh short V:PEP V:KO 00:00:11#2 to -2.5 @200\n"},
        {"KO", 12.5, 100, "fill V:KO V:KO 00:00:11#1 buy 1 @100 holds 1\n"},
        {"PEP", 12.6, 10, "fill V:PEP V:KO 00:00:11#2 sell 2.5 @10 holds -2.5\n"},
        {"PEP", 12.7, 90, ""}, /* no level of KO's */
        {"KO", 12.8, 90, "fresh exit V:KO V:KO 00:00:12.8#1 to 0 @90 stop\n"},
        {"PEP", 12.9, 91, ""}, /* it stays */
        {"KO", 12.95, 30, "fill V:KO V:KO 00:00:12.8#1 sell 1 @30 holds 0\n"},
        {"", 15.0, 0, "fresh exit V:PEP V:KO 00:00:13#1 to 0 @91 stop\n"},
        {"PEP", 15.1, 92, "fill V:PEP V:KO 00:00:13#1 buy 2.5 @92 holds 0\n"},
    };
    RUN(PAIR "  buy, short pep qty 2.5 when close > 100\n  stop 10\n  stop when close < 50\n", steps);
}

/* What others of the same instrument hold are positions of their own. */
static void each_instance_has_its_own_positions(void **state) {
    (void)state;
    static const step steps[] = {
        {"PEP", 9.0, 200, ""},
        {"KO", 10.0, 101, ""},
        {"MO", 10.0, 102, ""},
        {"", 12.0, 0, "fresh buy V:PEP V:KO 00:00:11#1 to 101 @200\nfresh buy V:PEP V:MO 00:00:11#1 to 102 @200\n"},
        {"PEP", 12.6, 10,
         "fill V:PEP V:KO 00:00:11#1 buy 101 @10 holds 101\nfill V:PEP V:MO 00:00:11#1 buy 102 @10 holds 102\n"},
    };
    RUN("strategy x on bars(1s) for V:*\n  use pep = V:PEP\n  buy pep qty close when close > 100\n", steps);
}

static void ticks_have_legs_too(void **state) {
    (void)state;
    static const step steps[] = {
        {"KO", 8.0, 101, "withheld buy V:PEP V:KO 00:00:08#1 to 1 @0 V:PEP has no trade yet\n"},
        {"PEP", 9.0, 200, ""},
        {"KO", 10.0, 102, "fresh buy V:PEP V:KO 00:00:10#1 to 1 @200\n"},
        {"KO", 10.1, 103, ""},
        {"PEP", 10.2, 201, "fill V:PEP V:KO 00:00:10#1 buy 1 @201 holds 1\n"},
    };
    RUN("strategy x on trades for V:KO\n  use pep = V:PEP\n  buy pep when price > 100\n", steps);
}

/* A bar that is revised is judged again, leg by leg, with the targets of then. */
static void a_revised_bar_corrects_legs(void **state) {
    (void)state;
    static const step steps[] = {
        {"PEP", 9.0, 200, ""},
        {"KO", 10.0, 101, ""},
        {"", 12.0, 0, "fresh short V:KO V:KO 00:00:11#1 to -1 @101\nfresh buy V:PEP V:KO 00:00:11#2 to 1 @200\n"},
        {"KO", 10.5, 99,
         "fill V:KO V:KO 00:00:11#1 sell 1 @99 holds -1\n"
         "withdrawn short V:KO V:KO 00:00:11#1 to -1 @99\nwithdrawn buy V:PEP V:KO 00:00:11#2 to 1 @200\n"},
        {"KO", 10.6, 102, "late short V:KO V:KO 00:00:11#3 to -1 @102\nlate buy V:PEP V:KO 00:00:11#4 to 1 @200\n"},
        {"PEP", 12.7, 201, "fill V:PEP V:KO 00:00:11#2 buy 1 @201 holds 1\n"},
    };
    RUN(PAIR "  short, buy pep when close > 100\n", steps);
}

/* Positions follow the strategy's name and the instrument's, whatever else the text says now. */
static void positions_survive_an_edit(void **state) {
    (void)state;
    static const step steps[] = {
        {"PEP", 9.0, 200, ""},
        {"KO", 10.0, 101, ""},
        {"", 12.0, 0, "fresh short V:KO V:KO 00:00:11#1 to -1 @101\nfresh buy V:PEP V:KO 00:00:11#2 to 1 @200\n"},
        {"PEP", 12.7, 201, "fill V:PEP V:KO 00:00:11#2 buy 1 @201 holds 1\n"},
        {"PEP", 13.0, 190, ""},
        {"KO", 16.0, 99, "fill V:KO V:KO 00:00:11#1 sell 1 @99 holds -1\n"},
    };
    static const step leaves[] = {
        {"PEP", 9.0, 200, ""},
        {"KO", 10.0, 101, ""},
        {"", 12.0, 0, "fresh short V:KO V:KO 00:00:11#1 to -1 @101\nfresh buy V:PEP V:KO 00:00:11#2 to 1 @200\n"},
        {"PEP", 12.7, 201, "fill V:PEP V:KO 00:00:11#2 buy 1 @201 holds 1\n"},
        {"KO", 12.8, 99, "fill V:KO V:KO 00:00:11#1 sell 1 @99 holds -1\n"},
        {"", 15.0, 0, "fresh exit V:PEP V:KO 00:00:13#1 to 0 @201\n"},
    };
    run_as(PAIR "  short, buy pep when close > 100\n", PAIR "  short when close > 100\n  exit pep when close < 0\n",
           steps, COUNT_OF(steps), TD_FLAG_COPY);
    run_as(PAIR "  short, buy pep when close > 100\n",
           "strategy x on bars(1s) for V:KO\n  use mo = V:MO\n  use again = V:PEP\n"
           "  buy mo when close < 0\n  exit again when close < 100\n",
           leaves, COUNT_OF(leaves), 0);
}

/* Its graph has not run since: no level of it is known, and no time. */
static void what_an_edit_has_not_computed_leaves_nothing(void **state) {
    (void)state;
    static const step steps[] = {
        {"KO", 10.0, 101, ""},
        {"", 12.0, 0, "fresh buy V:KO V:KO 00:00:11#1 to 1 @101\n"},
        {"KO", 12.7, 102, "fill V:KO V:KO 00:00:11#1 buy 1 @102 holds 1\n"},
        {"KO", 12.8, 99, ""},
    };
#define LONG "strategy x on bars(1s) for V:KO\n  buy when close > 100\n"
    run_as(LONG, LONG "  flat at session.close\n", steps, COUNT_OF(steps), 0);
    run_as(LONG, LONG "  stop low[2] - 50\n", steps, COUNT_OF(steps), 0);
    run_as(LONG, LONG "  target at low[2] * 2\n", steps, COUNT_OF(steps), 0);
#define OTHER "strategy x on bars(5s) for V:KO\n  buy when close > 100\n"
    run_as(LONG, OTHER, steps, COUNT_OF(steps), 0);
    run_as(LONG, OTHER "  target low * 2\n", steps, COUNT_OF(steps), 0);
    run_as(LONG, OTHER "  target at low * 2\n", steps, COUNT_OF(steps), 0);
    run_as(LONG, OTHER "  stop at low - 50\n", steps, COUNT_OF(steps), 0);
    run_as(LONG, OTHER "  flat at session.close\n", steps, COUNT_OF(steps), 0);
}

/* Whatever was missing before it. */
static void a_bar_by_count_rests_on_its_own_time(void **state) {
    (void)state;
#define A_GAP_BEFORE                                                                                                   \
    {"PEP", 9.0, 200, ""}, {"KO", 10.0, 90, ""}, {"KO", 10.1, 90, ""}, {"", 11.2, -1, ""}, { "", 13.0, 0, "" }
    static const step leg[] = {
        A_GAP_BEFORE,
        {"PEP", 20.0, 201, ""},
        {"KO", 21.0, 101, ""},
        {"KO", 21.5, 102, ""},
        {"", 22.0, 0,
         "fresh buy V:KO V:KO 00:00:21.500000001#1 to 1 @102\n"
         "fresh short V:PEP V:KO 00:00:21.500000001#2 to -1 @201\n"},
    };
    static const step own[] = {
        A_GAP_BEFORE,          {"KO", 21.0, 101, ""},
        {"", 22.1, -1, ""},    {"", 23.0, 0, ""},
        {"KO", 24.0, 102, ""}, {"", 25.0, 0, "withheld buy V:KO V:KO 00:00:24.000000001#1 to 1 @102 gap 2\n"},
    };
    RUN("strategy x on bars(2 trades) for V:KO\n  use pep = V:PEP\n  buy, short pep when close > 100\n", leg);
    RUN("strategy x on bars(2 trades) for V:KO\n  buy when close > 100\n", own);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(legs_move_at_one_event),
        cmocka_unit_test(what_is_withheld_is_withheld_as_one),
        cmocka_unit_test(an_action_is_beaten_as_one),
        cmocka_unit_test(stops_by_price_and_by_condition),
        cmocka_unit_test(each_instance_has_its_own_positions),
        cmocka_unit_test(ticks_have_legs_too),
        cmocka_unit_test(a_revised_bar_corrects_legs),
        cmocka_unit_test(positions_survive_an_edit),
        cmocka_unit_test(a_bar_by_count_rests_on_its_own_time),
        cmocka_unit_test(what_an_edit_has_not_computed_leaves_nothing),
    };
    return cmocka_run_group_tests_name("stream_legs", tests, NULL, NULL);
}
