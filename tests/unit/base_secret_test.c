/* tests/unit/base_secret_test.c - goal: a secret is found in whatever setting holds it, and no text shows it. */
#include "base/secret.h"
#include "unit.h"
#include <stdlib.h>

static void finds_what_is_secret(void **state) {
    (void)state;
    static const struct {
        const char *text, *secrets[3];
    } rows[] = {
        {NULL, {NULL}},
        {"wss://stream.binance.com/ws/btcusdt@trade?streams=key", {NULL}},
        {"wss://ws.finnhub.io?token=c0ffee1234", {"c0ffee1234"}},
        {"wss://x.io/a?symbols=AAPL&apikey=abcdef&b=1&API_KEY=ghijkl#top", {"abcdef", "ghijkl"}},
        {"https://x.io/q?apikey=short&keys=c0ffee1234", {"c0ffee1234"}}, /* five characters are none */
        {"{\"action\":\"auth\",\"key\":\"AK-000001\", \"secret\" : \"se/cr+et=\"}", {"AK-000001", "se/cr+et="}},
        {"{\"access_token\":12345678,\"key\"", {NULL}}, /* not a text, and cut off */
        {"token=abcdef&token=abcdef", {"abcdef"}},
        {"We have detected your API key as c0ffee1234 and our rate limit", {"c0ffee1234"}},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_texts found = {0};
        size_t count = 0;
        td_secrets_find(&found, rows[i].text);
        while (count < COUNT_OF(rows[i].secrets) && rows[i].secrets[count] != NULL) count++;
        assert_int_equal(found.count, count);
        for (size_t s = 0; s < count; s++) assert_string_equal(found.items[s], rows[i].secrets[s]);
        td_secrets_fini(&found);
        assert_null(found.items);
    }
}

static void hides_what_is_secret(void **state) {
    (void)state;
    static const struct {
        const char *text, *shown;
    } rows[] = {
        {"", ""},
        {"nothing of it", "nothing of it"},
        {"abcdef", "***"},
        {"Invalid key: abcdef.", "Invalid key: ***."},
        {"abcdefabcdef-abcdeabcdef", "******-abcde***"},
        {"the longer of two: abcdefgh", "the longer of two: ***"},
        {"xyz123 and abcdef", "*** and ***"},
    };
    td_texts secrets = {0};
    td_buf room = {0};
    td_secrets_add(&secrets, "abcdef");
    td_secrets_add(&secrets, "abcdefgh");
    td_secrets_add(&secrets, "abcdef");
    td_secrets_add(&secrets, "xyz123");
    td_secrets_add(&secrets, "abc");
    td_secrets_add(&secrets, NULL);
    assert_int_equal(secrets.count, 3);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_bytes text = td_text(rows[i].text), shown = td_secrets_hide(&secrets, text, &room);
        assert_true(td_bytes_equal(shown, td_text(rows[i].shown)));
        if (td_bytes_equal(text, shown)) assert_ptr_equal(shown.data, text.data); /* not copied */
    }
    td_texts none = {0};
    td_bytes text = TD_TEXT("abcdef");
    assert_ptr_equal(td_secrets_hide(&none, text, &room).data, text.data);
    td_texts own = secrets;
    td_secrets_own(&own);
    assert_true(own.count == 3 && own.items[0] != secrets.items[0]);
    assert_string_equal(own.items[2], "xyz123");
    td_secrets_fini(&own);
    td_buf_fini(&room);
    td_secrets_fini(&secrets);
}

/* However often a venue says one secret, the others are not looked for from there to the end each time: that would hold
 * ingest up for minutes. */
static void takes_time_in_proportion(void **state) {
    (void)state;
    enum { TIMES = 1 << 20 };
    td_texts secrets = {0};
    td_buf text = {0}, room = {0};
    td_secrets_add(&secrets, "nowhere");
    td_secrets_add(&secrets, "at the end");
    td_secrets_add(&secrets, "abcdef");
    for (int i = 0; i < TIMES; i++) td_buf_text(&text, "abcdef,");
    td_buf_text(&text, "at the end");
    td_bytes shown = td_secrets_hide(&secrets, td_buf_bytes(&text), &room);
    assert_int_equal(shown.size, TIMES * 4 + 3);
    assert_memory_equal(shown.data, "***,***,", 8);
    assert_memory_equal(shown.data + shown.size - 7, "***,***", 7);
    td_buf_fini(&text);
    td_buf_fini(&room);
    td_secrets_fini(&secrets);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_is_secret),
        cmocka_unit_test(hides_what_is_secret),
        cmocka_unit_test(takes_time_in_proportion),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
