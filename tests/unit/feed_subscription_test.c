/* tests/unit/feed_subscription_test.c - goal: what a venue knows is asked for in few messages, what it does not know
 * keeps nothing else away and is told once; at the end what was asked for is called off, and nothing else. */
#include "base/time.h"
#include "feed/subscription.h"
#include "unit.h"
#include <stdio.h>

#define VERB "subscribe\" "

static void put(td_buf *out, char *const *symbols, size_t count) {
    td_buf_text(out, VERB);
    for (size_t i = 0; i < count; i++) td_buf_printf(out, "%s%s", i > 0 ? "+" : "", symbols[i]);
}

/* One letter, one symbol. */
static void read_ack(td_subscription *s, td_bytes text) {
    for (size_t i = 0; i < text.size; i++) td_subscription_confirm(s, (td_bytes){text.data + i, 1});
}

static const td_subscription_ops mute_ops = {.most = 1, .interval_ns = 10 * TD_NS_PER_MS, .put = put};
static const td_subscription_ops ops = {.most = 3, .interval_ns = 10 * TD_NS_PER_MS, .put = put, .read_ack = read_ack};

typedef struct step {
    int64_t at_ms;
    char what;        /* 'B'egin a session, 'A'ck, 'E'rror, 'N'ext, 'O'ff: the next message that calls off */
    const char *text; /* NULL: none is wanted. Of E: "!" in front where it has to do with what was asked for */
} step;

static void check_message(td_bytes got, const char *verb, td_bytes wanted, size_t i) {
    size_t size = strlen(verb);
    if (wanted.size == 0) return;
    ASSERT_ROW(got.size == size + wanted.size && memcmp(got.data, verb, size) == 0 &&
                   memcmp(got.data + size, wanted.data, wanted.size) == 0,
               "%zu: \"%.*s\", wanted \"%s%.*s\"", i, (int)got.size, (const char *)got.data, verb, (int)wanted.size,
               (const char *)wanted.data);
}

static void check_of(const td_subscription_ops *venue, const step *steps, size_t count) {
    static char *names[] = {"a", "b", "c", "d", "e"};
    td_texts symbols = {names, COUNT_OF(names)};
    td_subscription *s;
    assert_int_equal(td_subscription_new(&s, venue, &symbols, "V"), TD_OK);
    for (size_t i = 0; i < count; i++) {
        td_bytes text = td_text(steps[i].text != NULL ? steps[i].text : "");
        bool ours = text.size > 0 && text.data[0] == '!';
        if (steps[i].what == 'B') td_subscription_begin(s);
        if (steps[i].what == 'A') td_subscription_take_ack(s, text);
        if (steps[i].what == 'E') assert_int_equal(td_subscription_take_error(s, text), ours);
        td_bytes got = {0};
        if (steps[i].what == 'O') {
            assert_int_equal(td_subscription_end(s, &got), text.size > 0);
            check_message(got, "un" VERB, text, i);
        }
        if (steps[i].what != 'N') continue;
        td_subscription_step next = td_subscription_next(s, steps[i].at_ms * TD_NS_PER_MS, &got);
        bool tells = text.size > 3 && memcmp(text.data, "the", 3) == 0;
        td_subscription_step wanted = text.size == 0 ? TD_SUBSCRIPTION_NONE
                                      : tells        ? TD_SUBSCRIPTION_TELL
                                                     : TD_SUBSCRIPTION_SEND;
        ASSERT_ROW(next == wanted, "%zu: %d, wanted \"%s\"", i, (int)next, steps[i].text);
        check_message(got, tells ? "" : VERB, text, i);
    }
    td_subscription_free(s);
}

static void check(const step *steps, size_t count) { check_of(&ops, steps, count); }

static void all_are_known(void **state) {
    (void)state;
    static const step steps[] = {
        {0, 'B', NULL},    {0, 'N', "a+b+c"}, {9, 'N', NULL},       {10, 'N', "d+e"}, {20, 'N', NULL},
        {20, 'A', "abc"},  {20, 'A', "de"},   {20, 'E', "why"}, /* all is agreed: it means something else */
        {6000, 'N', NULL}, {7000, 'B', NULL}, {7000, 'N', "a+b+c"},
    };
    check(steps, COUNT_OF(steps));
}

static void one_is_refused(void **state) {
    (void)state;
    static const step steps[] = {
        {0, 'B', NULL},
        {0, 'N', "a+b+c"},
        {1, 'E', "!no b"}, /* and so no a and no c: from here on each for itself */
        {10, 'N', "a"},
        {20, 'N', "b"},
        {30, 'N', "c"},
        {40, 'N', "d"},
        {50, 'N', "e"},
        {51, 'A', "acde"},
        {52, 'E', "!no b"},
        {5049, 'N', NULL},
        {5050, 'N', "the venue does not give b: !no b"},
        {9999, 'N', NULL},
        {9999, 'E', "why"},
        {10000, 'B', NULL}, /* the next session asks for it again, and alone */
        {10000, 'N', "a"},
        {10010, 'N', "b"},
        {10020, 'N', "c+d+e"},
        {10021, 'A', "acde"},
        {10021, 'E', "!no b"},
        {15020, 'N', NULL},
        {25030, 'N', NULL}, /* it was told */
        {30000, 'B', NULL},
        {30000, 'N', "a"},
        {30010, 'N', "b"},
        {30011, 'A', "b"}, /* it is there now, and no exception any more */
        {40000, 'B', NULL},
        {40000, 'N', "a+b+c"},
    };
    check(steps, COUNT_OF(steps));
}

static void some_are_not_answered(void **state) {
    (void)state;
    static const step steps[] = {
        {0, 'B', NULL},
        {0, 'N', "a+b+c"},
        {10, 'N', "d+e"},
        {11, 'A', "bcd"},
        {5009, 'N', NULL},
        {5010, 'N', NULL},
        {5010, 'N', "a"},
        {5020, 'N', "e"},
        {5021, 'A', "a"},
        {10019, 'N', NULL},
        {10020, 'N', "the venue does not give e: it did not acknowledge them"},
    };
    check(steps, COUNT_OF(steps));
}

#define ASK_ALL(at)                                                                                                    \
    {(at), 'B', NULL}, {(at), 'N', "a"}, {(at) + 10, 'N', "b"}, {(at) + 20, 'N', "c"}, {(at) + 30, 'N', "d"}, {        \
        (at) + 40, 'N', "e"                                                                                            \
    }

static void a_mute_venue_refuses_none(void **state) {
    (void)state;
    static const step steps[] = {
        ASK_ALL(0),        {50, 'N', NULL},    {50, 'A', "abc"}, /* it says none */
        {5040, 'N', NULL}, {5041, 'E', "why"},                   /* it means something else */
        {9000, 'N', NULL}, ASK_ALL(10000),
    };
    check_of(&mute_ops, steps, COUNT_OF(steps));
}

static void a_mute_venue_refuses_the_last_ones(void **state) {
    (void)state;
    static const step steps[] = {
        ASK_ALL(0),
        {41, 'E', "!too many"},
        {42, 'E', "!too many"},
        {5039, 'N', NULL},
        {5040, 'N', "e"},
        {5041, 'E', "!too many"},
        {7039, 'N', NULL},
        {7040, 'N', "d"},
        {7041, 'E', "!too many"},
        {9040, 'N', "the venue does not give d, e: !too many"},
        {9999, 'N', NULL},
        {9999, 'E', "why"},
        ASK_ALL(10000), /* … and again in the next session, without telling it again */
        {10041, 'E', "!too many"},
        {15040, 'N', "e"},
        {15041, 'E', "!too many"},
        {17040, 'N', NULL},
        {18000, 'E', "why"},
        ASK_ALL(20000), /* d was given then: news if it is refused now */
        {20041, 'E', "!too many"},
        {20041, 'E', "!too many"},
        {25040, 'N', "e"},
        {25041, 'E', "!too many"},
        {27040, 'N', "d"},
        {27041, 'E', "!too many"},
        {29040, 'N', "the venue does not give d: !too many"},
    };
    check_of(&mute_ops, steps, COUNT_OF(steps));
}

static void a_mute_venue_refuses_one_in_the_middle(void **state) {
    (void)state;
    static const step steps[] = {
        ASK_ALL(0),
        {41, 'E', "!no such symbol"},
        {5040, 'N', "e"},
        {7040, 'N', "d"},
        {9040, 'N', "c"},
        {9041, 'E', "!no such symbol"},
        {11040, 'N', "the venue does not give c: !no such symbol"},
        {13040, 'N', NULL},
    };
    check_of(&mute_ops, steps, COUNT_OF(steps));
}

static void a_mute_venue_changes_its_mind(void **state) {
    (void)state;
    static const step steps[] = {
        ASK_ALL(0),        {41, 'E', "!busy"}, {5040, 'N', "e"},   {7040, 'N', "d"},    {9040, 'N', "c"},
        {11040, 'N', "b"}, {13040, 'N', "a"},  {15040, 'N', NULL}, {15041, 'E', "why"}, /* all are given */
    };
    check_of(&mute_ops, steps, COUNT_OF(steps));
}

static void all_is_called_off(void **state) {
    (void)state;
    static const step acknowledged[] = {
        {0, 'B', NULL},       {0, 'N', "a+b+c"},     {10, 'N', "d+e"},  {11, 'A', "abcde"},
        {6000, 'O', "a+b+c"}, {6000, 'O', "d+e"},    {6000, 'O', NULL}, {9000, 'N', NULL}, /* it stays so */
        {10000, 'B', NULL},   {10000, 'N', "a+b+c"},
    };
    check(acknowledged, COUNT_OF(acknowledged));
}

static void what_is_not_there_is_not_called_off(void **state) {
    (void)state;
    static const step before_all_is_asked_for[] = {
        {0, 'B', NULL}, {0, 'N', "a+b+c"}, {1, 'A', "a"}, {2, 'O', "a+b+c"}, {2, 'O', NULL}, {20, 'N', NULL},
    };
    static const step at_once[] = {{0, 'B', NULL}, {0, 'O', NULL}, {0, 'N', NULL}};
    static const step refused[] = {
        {0, 'B', NULL},      {0, 'N', "a+b+c"},   {10, 'N', "d+e"},   {11, 'A', "abde"},
        {5010, 'N', NULL},   {5010, 'N', "c"},    {5020, 'E', "!no"}, {10010, 'N', "the venue does not give c: !no"},
        {10010, 'O', "a+b"}, {10010, 'O', "d+e"}, {10010, 'O', NULL},
    };
    static const step mute[] = {
        ASK_ALL(0),
        {41, 'E', "!too many"},
        {5040, 'N', "e"},
        {5041, 'E', "!too many"},
        {7040, 'N', "the venue does not give e: !too many"},
        {7041, 'O', "a"},
        {7041, 'O', "b"},
        {7041, 'O', "c"},
        {7041, 'O', "d"},
        {7041, 'O', NULL},
    };
    check(before_all_is_asked_for, COUNT_OF(before_all_is_asked_for));
    check(at_once, COUNT_OF(at_once));
    check(refused, COUNT_OF(refused));
    check_of(&mute_ops, mute, COUNT_OF(mute));
}

static void each_venue_has_the_word(void **state) {
    (void)state;
    static const char *const words[][2] = {
        {"{\"type\":\"subscribe\",\"symbol\":\"X\"}", "{\"type\":\"unsubscribe\",\"symbol\":\"X\"}"},
        {"{\"method\":\"SUBSCRIBE\",\"params\":[\"b@trade\"],\"id\":1}",
         "{\"method\":\"UNSUBSCRIBE\",\"params\":[\"b@trade\"],\"id\":1}"},
        {"{\"event\":\"bts:subscribe\"}", "{\"event\":\"bts:unsubscribe\"}"},
        {"{\"subscribed\":true}", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        td_buf out = {0};
        assert_int_equal(td_subscription_put_end(&out, td_text(words[i][0])), words[i][1] != NULL);
        assert_true(td_bytes_equal(td_buf_bytes(&out), td_text(words[i][1] != NULL ? words[i][1] : "")));
        td_buf_fini(&out);
    }
}

static void wrong_names(void **state) {
    (void)state;
    static char *names[][2] = {
        {"a b", "c"}, {"a\"", "c"},
        {"a\\", "c"}, {"c", "c"},
        {"", "c"},    {"a-name-that-is-much-longer-than-any-instrument-of-any-venue-is-allowed-to-be", "c"}};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        td_texts symbols = {names[i], 2};
        td_subscription *s = NULL;
        assert_int_equal(td_subscription_new(&s, &ops, &symbols, "V"), TD_CONFIG);
        assert_null(s);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_are_known),
                                       cmocka_unit_test(one_is_refused),
                                       cmocka_unit_test(some_are_not_answered),
                                       cmocka_unit_test(a_mute_venue_refuses_none),
                                       cmocka_unit_test(a_mute_venue_refuses_the_last_ones),
                                       cmocka_unit_test(a_mute_venue_refuses_one_in_the_middle),
                                       cmocka_unit_test(a_mute_venue_changes_its_mind),
                                       cmocka_unit_test(all_is_called_off),
                                       cmocka_unit_test(what_is_not_there_is_not_called_off),
                                       cmocka_unit_test(each_venue_has_the_word),
                                       cmocka_unit_test(wrong_names)};
    return cmocka_run_group_tests_name("feed_subscription", tests, NULL, NULL);
}
