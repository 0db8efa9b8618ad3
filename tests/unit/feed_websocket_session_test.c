/* tests/unit/feed_websocket_session_test.c - goal: a session ends when it is too quiet and not while it speaks slowly,
 * why it ended holds for it alone, what is refused of a message is shown once, and no part of a secret with it; and who
 * takes leave is heard out, but not waited for. */
#include "base/secret.h"
#include "base/time.h"
#include "feed/websocket.h"
#include "flow/live.h"
#include "unit.h"
#include <stdio.h>
#include <stdlib.h>

#define TOKEN "c0ffee-d00d"

typedef struct step { /* what the network brings, in so many seconds */
    int after_s;
    enum { LAST, PIECE, LOST, NOTHING } kind;
    const char *bytes;
} step;

typedef struct rig {
    td_os_ops os_ops;
    td_os os;
    int64_t now_ns;
    bool asked, open;
    bool parting;     /* what is said is shown, too */
    const step *step; /* what is to come; NULL: nothing is there yet */
    const td_feed_ops *ops;
    td_feed_conf conf;
    td_instruments *instruments;
    td_live *live;
    td_buf text; /* what came of it, a line each */
} rig;

static int64_t rig_now_ns(void *self) { return ((const rig *)self)->now_ns; }

/* ---- a network ---- */

static td_status net_open(void **out, const td_os *os, const td_net_conf *conf) {
    (void)conf;
    *out = os->self;
    return TD_OK;
}

static td_status net_connect(void *self, const char *url, uint32_t *out_connection) {
    assert_non_null(url);
    ((rig *)self)->asked = true;
    *out_connection = 0;
    return TD_OK;
}

static int net_pump(void *self) { return self == NULL; }

static td_status net_next(void *self, td_net_event *out) {
    rig *r = self;
    *out = (td_net_event){.at_ns = r->now_ns, .detail = "on command"};
    if (r->asked) {
        r->asked = false;
        r->open = true;
        return TD_OK;
    }
    if (!r->open || r->step == NULL || r->step->kind == NOTHING) return TD_AGAIN;
    out->kind = r->step->kind == LOST ? TD_NET_CLOSED : TD_NET_BYTES;
    out->reason = TD_NET_LOST;
    out->last = r->step->kind == LAST;
    out->bytes = td_text(r->step->bytes != NULL ? r->step->bytes : "");
    r->open = r->step->kind != LOST;
    r->step = NULL;
    return TD_OK;
}

static td_status net_send(void *self, uint32_t connection, td_bytes message) {
    rig *r = self;
    assert_true(r->open && connection == 0 && message.size > 0);
    if (r->parting) td_buf_printf(&r->text, "said %.*s\n", (int)message.size, (const char *)message.data);
    return TD_OK;
}

static void net_leave(void *self, uint32_t connection) {
    rig *r = self;
    assert_true(r->open && connection == 0);
    td_buf_text(&r->text, "goodbye\n");
}

static void net_drop(void *self, uint32_t connection) {
    rig *r = self;
    r->open = connection != 0;
    if (r->parting) td_buf_text(&r->text, "dropped\n");
}

static void net_close(void *self) { assert_non_null(self); }

static const td_transport_ops net = {.name = "table",
                                     .open = net_open,
                                     .connect = net_connect,
                                     .pump = net_pump,
                                     .next = net_next,
                                     .send = net_send,
                                     .leave = net_leave,
                                     .drop = net_drop,
                                     .close = net_close};

/* ---- a rig ---- */

static void tell(void *arg, const char *line) {
    const char *end = strstr(line, "; the next try"); /* in how many seconds is random */
    td_buf_printf(&((rig *)arg)->text, "told %.*s\n", end != NULL ? (int)(end - line) : (int)strlen(line), line);
}

static void rig_open(rig *r, const td_feed_ops *ops, const char *symbol, bool raw) {
    void *feed;
    *r = (rig){.os_ops = {.wall_ns = rig_now_ns, .mono_ns = rig_now_ns}, .now_ns = 1700000000 * TD_NS_PER_S};
    r->os = (td_os){&r->os_ops, r};
    r->ops = ops;
    td_options_init(ops->options, &r->conf);
    assert_int_equal(td_options_set(ops->options, &r->conf, "name", "a"), TD_OK);
    assert_int_equal(td_options_set(ops->options, &r->conf, "token", TOKEN), TD_OK);
    r->conf.symbols.items = td_alloc(sizeof(char *));
    r->conf.symbols.items[0] = td_copy_text(symbol);
    r->conf.symbols.count = 1;
    r->conf.raw = raw;
    r->conf.transport = &net;
    td_secrets_add(&r->conf.secrets, TOKEN);
    r->instruments = td_instruments_new();
    r->live = td_live_new(&r->os, r->instruments, 1, tell, r);
    assert_int_equal(ops->open(&feed, &r->os, &r->conf, r->instruments), TD_OK);
    td_live_add(r->live, 0, ops, feed, &r->conf);
}

static void rig_close(rig *r) {
    td_live_free(r->live);
    td_secrets_fini(&r->conf.secrets);
    td_options_fini(r->ops->options, &r->conf);
    td_instruments_free(r->instruments);
    td_buf_fini(&r->text);
}

static void put_input(rig *r, const td_feed_item *item) {
    td_bytes bytes = item->kind == TD_ITEM_RAW ? item->raw.bytes : item->rejected.bytes;
    if (item->kind == TD_ITEM_EVENT && item->event.kind != TD_EVENT_TIME) td_buf_text(&r->text, "event\n");
    if (item->kind == TD_ITEM_IGNORED) td_buf_printf(&r->text, "ignored %s\n", item->ignored);
    if (item->kind == TD_ITEM_RAW || item->kind == TD_ITEM_REJECTED)
        td_buf_printf(&r->text, "%s %.*s\n", item->kind == TD_ITEM_RAW ? "raw" : "rejected", (int)bytes.size,
                      (const char *)bytes.data);
}

static void take(rig *r) {
    td_input input;
    while (td_live_next(r->live, &input) == TD_OK) put_input(r, &input.item);
}

/* Second by second; what was to come has been taken by the end. */
static void play(rig *r, const step *steps, size_t count, const char *wanted) {
    take(r);
    for (size_t i = 0; i < count; i++) {
        for (int s = 0; s < steps[i].after_s; s++) {
            r->now_ns += TD_NS_PER_S;
            if (s + 1 < steps[i].after_s) take(r);
        }
        r->step = &steps[i];
        take(r);
        assert_true(r->step == NULL || r->step->kind == NOTHING);
    }
    td_buf_put(&r->text, "", 1);
    assert_string_equal((const char *)r->text.data, wanted);
    rig_close(r);
}

#define PLAY(r, wanted, ...)                                                                                           \
    static const step steps_[] = {__VA_ARGS__};                                                                        \
    play(&(r), steps_, COUNT_OF(steps_), wanted)

/* ---- the tests ---- */

#define ACK   "{\"event\":\"subscribe-status\",\"status\":\"ok\",\"success\":[{\"symbol\":\"AAPL\"}]}"
#define ENDED "told a: the session ended: no heartbeat came\n"

/* A long message on a slow line is no silence: it would end so in each session again. */
static void a_message_that_takes_long_is_a_sign_of_life(void **state) {
    (void)state;
    rig r;
    rig_open(&r, &td_feed_twelvedata, "AAPL", false);
    PLAY(r, "ignored subscriptions\nignored heartbeat\n" ENDED, {0, LAST, ACK}, {20, PIECE, "{\"event\":"},
         {20, PIECE, "\"heart"}, {20, LAST, "beat\"}"}, {29, NOTHING, NULL}, {1, NOTHING, NULL});
}

static void half_a_message_is_told_whoever_ends_the_session(void **state) {
    (void)state;
    rig r;
    rig_open(&r, &td_feed_twelvedata, "AAPL", true);
    PLAY(r,
         "raw \nraw " ACK "\nignored subscriptions\n"
         "raw {\"event\":\nrejected {\"event\":\nraw no heartbeat came\n" ENDED,
         {0, LAST, ACK}, {1, PIECE, "{\"event\":"}, {30, NOTHING, NULL});
}

#define BEAT    "{\"event\":\"heartbeat\"}"
#define REFUSED "{\"status\":\"error\",\"message\":\"**apikey** is wrong\"}"

/* The next session's end is no matter of the token. */
static void a_refusal_of_the_token_is_that_sessions_alone(void **state) {
    (void)state;
    rig r;
    rig_open(&r, &td_feed_twelvedata, "AAPL", true);
    PLAY(r,
         "raw \nraw " REFUSED "\nignored error\nraw the venue wants another token (token, token_file)\n"
         "told a: the session ended: the venue wants another token (token, token_file)\n"
         "raw \nraw " ACK "\nignored subscriptions\nraw " BEAT "\nignored heartbeat\nraw " BEAT
         "\nignored heartbeat\nraw no heartbeat came\n" ENDED "raw \nraw " ACK "\nignored subscriptions\n",
         {0, LAST, REFUSED}, {61, LAST, ACK}, {29, LAST, BEAT}, {29, LAST, BEAT}, {30, NOTHING, NULL}, {4, LAST, ACK});
}

#define TRADE(price) "{\"p\":" price ",\"s\":\"AAPL\",\"t\":1700000000000,\"v\":1}"

/* A message of a thousand would else be kept a thousand times. */
static void of_what_is_refused_its_part_is_shown(void **state) {
    (void)state;
    rig r;
    rig_open(&r, &td_feed_finnhub, "AAPL", false);
    PLAY(r, "event\nrejected 7\nrejected " TRADE("\"x\"") "\nrejected [8]\nevent\n",
         {0, LAST, "{\"data\":[" TRADE("1") " , 7," TRADE("\"x\"") ",\n[8] ," TRADE("2") "],\"type\":\"trade\"}"});
}

/* Also where what is kept of a text ends within the secret. */
static void no_part_of_a_secret_is_shown(void **state) {
    (void)state;
    static char refused[TD_REJECTED_BYTES_MAX + 8], error[512], wanted[sizeof refused + 512];
    rig r;
    rig_open(&r, &td_feed_finnhub, "AAPL", false);
    memset(refused, 'x', sizeof refused);
    memcpy(refused + TD_REJECTED_BYTES_MAX - 5, TOKEN, sizeof TOKEN);
    (void)snprintf(error, sizeof error, "{\"type\":\"error\",\"msg\":\"%0150d" TOKEN "\"}", 0);
    const step steps[] = {
        {0, LAST, refused}, {0, LAST, error}, {6, NOTHING, NULL}, {1, LAST, error}, {1, NOTHING, NULL}};
    (void)snprintf(wanted, sizeof wanted,
                   "rejected %.*s***\nignored error\nignored error\ntold a: the venue does not give AAPL: %0150d***\n",
                   TD_REJECTED_BYTES_MAX - 5, refused, 0);
    play(&r, steps, COUNT_OF(steps), wanted);
}

/* ---- taking leave ---- */

#define CALL_OFF "said {\"action\":\"unsubscribe\",\"params\":{\"symbols\":\"AAPL\"}}\n"
#define GIVEN_UP "{\"event\":\"unsubscribe-status\",\"status\":\"ok\",\"success\":[{\"symbol\":\"AAPL\"}]}"
#define HEARD    "ignored subscriptions\n"

typedef struct part { /* the network brings something, or it is time to take leave */
    int after_ms;
    const step *step; /* NULL: to take leave */
    bool left;        /* … what that says */
} part;

static void check_parting(const td_feed_ops *ops, const part *parts, size_t count, const char *wanted) {
    rig r;
    rig_open(&r, ops, "AAPL", false);
    r.parting = true;
    for (size_t i = 0; i < count; i++) {
        r.now_ns += parts[i].after_ms * TD_NS_PER_MS;
        if (parts[i].step == NULL) ASSERT_ROW(td_live_leave(r.live) == parts[i].left, "part %zu", i);
        r.step = parts[i].step;
        take(&r);
    }
    td_input input; /* nothing begins any more, and nobody is told that it is quiet */
    r.now_ns += 3600 * TD_NS_PER_S;
    assert_int_equal(td_live_next(r.live, &input), TD_AGAIN);
    assert_false(r.asked);
    td_buf_put(&r.text, "", 1);
    assert_string_equal((const char *)r.text.data, wanted);
    rig_close(&r);
}

#define SUBSCRIBED "said {\"action\":\"subscribe\",\"params\":{\"symbols\":\"AAPL\"}}\n"

static void a_venue_is_heard_out(void **state) {
    (void)state;
    static const step none = {0, NOTHING, NULL}, ack = {0, LAST, ACK}, given_up = {0, LAST, GIVEN_UP},
                      price = {0, LAST,
                               "{\"event\":\"price\",\"symbol\":\"AAPL\",\"timestamp\":1700000000,\"price\":1}"},
                      refused = {0, LAST, "{\"event\":\"unsubscribe-status\",\"status\":\"error\",\"message\":\"no\"}"},
                      lost = {0, LOST, NULL};
    static const part answers[] = {{0, &none, false},  {9, &ack, false},      {9, NULL, false}, {100, NULL, false},
                                   {9, &price, false}, {9, &given_up, false}, {9, NULL, false}, {999, NULL, false},
                                   {0, &lost, false},  {0, NULL, true}};
    static const part refuses[] = {{0, &none, false},    {9, &ack, false}, {9, NULL, false},
                                   {9, &refused, false}, {0, NULL, false}, {1000, NULL, true}};
    /* It has two answers to give. */
    static const part early[] = {{0, &none, false},     {9, NULL, false}, {1, &ack, false},  {0, NULL, false},
                                 {1, &given_up, false}, {0, NULL, false}, {0, &lost, false}, {0, NULL, true}};
    static const part silent[] = {{0, &none, false}, {9, &ack, false},   {9, NULL, false}, {299, NULL, false},
                                  {1, NULL, false},  {999, NULL, false}, {1, NULL, true},  {9, NULL, true}};
    static const part torn[] = {
        {0, &none, false}, {9, &ack, false}, {9, NULL, false}, {9, &lost, false}, {0, NULL, true}};
    static const part down[] = {{0, &none, false}, {9, &ack, false}, {9, &lost, false}, {9, NULL, true}};
    const td_feed_ops *ops = &td_feed_twelvedata;
    check_parting(ops, answers, COUNT_OF(answers), SUBSCRIBED HEARD CALL_OFF "event\n" HEARD "goodbye\n");
    check_parting(ops, refuses, COUNT_OF(refuses), SUBSCRIBED HEARD CALL_OFF "ignored error\ngoodbye\ndropped\n");
    check_parting(ops, early, COUNT_OF(early), SUBSCRIBED CALL_OFF HEARD HEARD "goodbye\n");
    check_parting(ops, silent, COUNT_OF(silent), SUBSCRIBED HEARD CALL_OFF "goodbye\ndropped\n");
    check_parting(ops, torn, COUNT_OF(torn),
                  SUBSCRIBED HEARD CALL_OFF "told a: the session ended: on command\ndropped\n");
    check_parting(ops, down, COUNT_OF(down), SUBSCRIBED HEARD "told a: the session ended: on command\ndropped\n");
}

/* Who answers nothing is told, and left at once; who was asked for nothing is left. */
static void a_mute_venue_is_not_waited_for(void **state) {
    (void)state;
    static const step none = {0, NOTHING, NULL}, lost = {0, LOST, NULL};
    static const part parts[] = {{0, &none, false}, {9, NULL, false}, {0, &lost, false}, {0, NULL, true}};
    check_parting(&td_feed_finnhub, parts, COUNT_OF(parts),
                  "said {\"type\":\"subscribe\",\"symbol\":\"AAPL\"}\n"
                  "said {\"type\":\"unsubscribe\",\"symbol\":\"AAPL\"}\ngoodbye\n");
    check_parting(&td_feed_coincap, parts, COUNT_OF(parts), "goodbye\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_that_takes_long_is_a_sign_of_life),
        cmocka_unit_test(half_a_message_is_told_whoever_ends_the_session),
        cmocka_unit_test(a_refusal_of_the_token_is_that_sessions_alone),
        cmocka_unit_test(of_what_is_refused_its_part_is_shown),
        cmocka_unit_test(no_part_of_a_secret_is_shown),
        cmocka_unit_test(a_venue_is_heard_out),
        cmocka_unit_test(a_mute_venue_is_not_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
