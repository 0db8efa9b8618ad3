/* tests/unit/stream_desk_test.c - goal: a target is filled once, by the first trade of the log that may fill it, and
 * what was filled stays, whatever comes later. */
#include "lang/program.h"
#include "stream/state.h"
#include "unit.h"
#include <inttypes.h>
#include <stdio.h>

#define S TD_NS_PER_S

typedef struct step {
    char kind; /* t: trade, l: one that came in late, b: of a backfill, r: released, q: quote, w: Time, s: split 2:1 */
    double at_s; /* its time; of a split the begin of the day */
    double price;
    const char *gives;
} step;

static td_program *program_of(const char *strategies) {
    static const int64_t widths_ns[] = {S};
    const td_bytes text = td_text(strategies);
    const td_program_settings settings = {
        .widths_ns = widths_ns, .width_count = 1, .grace_ns = 10 * S, .strategies = &text, .strategy_count = 1};
    td_program *program = NULL;
    td_buf body = {0};
    td_program_body(&settings, &body);
    if (td_program_compile(td_buf_bytes(&body), &program) != TD_OK) fail_msg("%s", td_trail());
    td_buf_fini(&body);
    return program;
}

static void put_number(td_buf *out, const char *before, td_i128 m, int scale) {
    char text[TD_DECIMAL_TEXT_MAX];
    (void)td_decimal_format(m, scale, false, text);
    td_buf_printf(out, "%s%s", before, text);
}

static void on_signal(void *self, td_bytes instrument, const td_signal *signal) {
    td_buf *out = self;
    char id[TD_SIGNAL_ID_MAX + 1];
    const char *at = id + td_signal_id(signal, instrument, id);
    while (at[-1] != 'T') at--; /* the time alone: all is of one day, instrument and strategy */
    td_buf_printf(out, "%s %s %s", td_signal_status_name((td_signal_status)signal->status),
                  td_action_name((td_action)signal->action), at);
    put_number(out, " to ", signal->target, TD_SIZE_SCALE);
    put_number(out, " @", signal->price, TD_PRICE_SCALE);
    td_buf_printf(out, "%s%.*s\n", signal->reason.size > 0 ? " " : "", (int)signal->reason.size,
                  (const char *)signal->reason.data);
}

static void on_fill(void *self, td_bytes instrument, const td_fill *fill) {
    td_buf *out = self;
    (void)instrument;
    const uint8_t *end = fill->signal.data + fill->signal.size, *at = end;
    while (at[-1] != 'T') at--;
    td_buf_printf(out, "fill %.*s %s", (int)(end - at), (const char *)at, td_fill_side_name((td_side)fill->side));
    put_number(out, " ", fill->quantity, TD_SIZE_SCALE);
    put_number(out, " @", fill->price, TD_PRICE_SCALE);
    put_number(out, " holds ", fill->position, TD_SIZE_SCALE);
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
    if (s->kind == 'q') {
        e.kind = TD_EVENT_QUOTE;
        e.quote = (td_quote){.bid_price = e.trade.price, .ask_price = e.trade.price, .sequence = TD_NONE};
    }
    if (s->kind == 'w') {
        e.kind = TD_EVENT_TIME;
        e.time = (td_time_mark){.bound_ns = e.event_ns, .clock_ns = e.event_ns, .session = TD_SESSION_LIVE};
    }
    if (s->kind == 's') {
        e.kind = TD_EVENT_CORPORATE;
        e.corporate = (td_corporate){.ex_day = (int32_t)(s->at_s / 86400), .numerator = 2, .denominator = 1};
    }
    return e;
}

static void run_steps(const char *strategies, const step *steps, size_t count) {
    td_program *program = program_of(strategies);
    td_state *state = td_state_new(program);
    td_buf out = {0}, saved = {0};
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
        saved.size = 0; /* positions are part of a snapshot: whoever starts from one goes on just so */
        td_state_save(state, &saved);
        td_state_free(state);
        assert_int_equal(td_state_load(&state, program, td_buf_bytes(&saved)), TD_OK);
    }
    td_buf_fini(&saved);
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_next_trade_fills),      cmocka_unit_test(what_is_put_on_the_tape_anew_fills_nothing),
        cmocka_unit_test(an_order_is_overtaken),     cmocka_unit_test(a_split_scales_what_is_held),
        cmocka_unit_test(a_late_signal_has_no_fill),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
