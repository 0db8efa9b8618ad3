/* tests/unit/base_json_test.c - goal: the reader takes RFC 8259 and nothing else, and never reads past the end. */
#include "base/json.h"
#include "unit.h"
#include <stdio.h>
#include <stdlib.h>

/* The tokens of a text as letters ("{k#}." for {"a":1}), '!' for an error. Reads from a heap copy of exactly its size:
 * the sanitizer then sees every byte read too far. */
static void tokens_of(td_bytes text, char *out, size_t capacity) {
    static const char letters[] = "!.{}[]ks#tfn";
    uint8_t *copy = malloc(text.size > 0 ? text.size : 1);
    if (text.size > 0) memcpy(copy, text.data, text.size);
    td_json json;
    td_json_init(&json, (td_bytes){copy, text.size});
    size_t n = 0;
    td_json_type type;
    do {
        type = td_json_next(&json);
        out[n++] = letters[type];
    } while (type > TD_JSON_END && n + 1 < capacity);
    out[n] = '\0';
    assert_int_equal(td_json_next(&json), type); /* an end and an error stay so */
    free(copy);
}

static const struct {
    const char *text, *tokens;
} texts[] = {
    {"{}", "{}."},
    {" [ ] ", "[]."},
    {"null", "n."},
    {"true", "t."},
    {" false\n", "f."},
    {"\"\"", "s."},
    {"{\"a\":1}", "{k#}."},
    {"{ \"a\" : [ 1 , \"b\" , { } ] , \"c\" : null }", "{k[#s{}]kn}."},
    {"[[[]],[]]", "[[[]][]]."},
    {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uABCD\"", "s."},
    {"\"longer than eight bytes, quote \\\" inside\"", "s."},
    {"\"\x7f\xc3\xa9\"", "s."},
    /* numbers */
    {"0", "#."},
    {"-0", "#."},
    {"-12.50e+10", "#."},
    {"1E5", "#."},
    {"01", "#!"},
    {"-", "!"},
    {"+1", "!"},
    {"1.", "!"},
    {".5", "!"},
    {"1e", "!"},
    {"1e+", "!"},
    {"--1", "!"},
    {"0x1", "#!"},
    {"NaN", "!"},
    {"Infinity", "!"},
    /* commas, colons, brackets */
    {"", "!"},
    {" ", "!"},
    {"[1,]", "[#!"},
    {"[,1]", "[!"},
    {"[1 2]", "[#!"},
    {"{\"a\":1,}", "{k#!"},
    {"{,}", "{!"},
    {"{\"a\"}", "{!"},
    {"{\"a\" 1}", "{!"},
    {"{\"a\":}", "{k!"},
    {"{a:1}", "{!"},
    {"{1:1}", "{!"},
    {"{'a':1}", "{!"},
    {"[}", "[!"},
    {"{]", "{!"},
    {"[1}", "[#!"},
    {"{\"a\":1]", "{k#!"},
    {"]", "!"},
    {"1 1", "#!"},
    {"{} {}", "{}!"},
    {"[1]//", "[#]!"},
    /* keys of one letter behind a comma */
    {"{\"a\":1,\"b\":2}", "{k#k#}."},
    {"{\"a\":1,\"b\" :2}", "{k#k#}."},
    {"{\"a\":1,\"b\"12}", "{k#!"},
    {"{\"a\":1,\"bc:2}", "{k#!"},
    {"{\"a\":1,\"\\\":2}", "{k#!"},
    {"{\"a\":1,\"\n\":2}", "{k#!"},
    {"[1,\"b\":2]", "[#s!"},
    {"1,\"b\":2", "#!"},
    /* words */
    {"nul", "!"},
    {"True", "!"},
    {"nulll", "n!"},
    {"truefalse", "t!"},
    /* texts */
    {"\"", "!"},
    {"\"abc", "!"},
    {"\"abcdefghijklmnop", "!"},
    {"\"\\\"", "!"},
    {"\"\\x\"", "!"},
    {"\"\\u12\"", "!"},
    {"\"\\u12g4\"", "!"},
    {"\"tab\there\"", "!"},
    {"\"line feed after eight\n\"", "!"},
    {"\"\x1f\"", "!"},
    {"\xef\xbb\xbf{}", "!"}, /* a byte order mark is none of JSON's white space */
};

static void takes_the_grammar_and_nothing_else(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        char tokens[64];
        tokens_of(td_text(texts[i].text), tokens, sizeof tokens);
        ASSERT_ROW(strcmp(tokens, texts[i].tokens) == 0, "%s gave %s", texts[i].text, tokens);
    }
}

static const char trade[] =
    "{\"stream\":\"btcusdt@trade\",\"data\":{\"e\":\"trade\",\"E\":1700000000123,\"s\":\"BTCUSDT\","
    "\"p\":\"37012.45000000\",\"q\":\"0.00213000\",\"list\":[1,-2.5e3,\"\\u00e9\\n\",true,false,"
    "null,{}],\"T\":1700000000121,\"m\":true}}";

static void refuses_what_is_cut_anywhere(void **state) {
    (void)state;
    char tokens[128];
    tokens_of(td_text(trade), tokens, sizeof tokens);
    assert_string_equal(tokens, "{ksk{ksk#ksksksk[##stfn{}]k#kt}}.");
    for (size_t size = 0; size < sizeof trade - 1; size++) {
        tokens_of((td_bytes){(const uint8_t *)trade, size}, tokens, sizeof tokens);
        ASSERT_ROW(tokens[strlen(tokens) - 1] == '!', "cut at %zu", size);
    }
}

static void lends_texts_as_they_are(void **state) {
    static const struct {
        td_json_type type;
        const char *text;
        bool escaped;
    } steps[] = {
        {TD_JSON_OBJECT, NULL, false},   {TD_JSON_KEY, "a", false},         {TD_JSON_NUMBER, "-1.50E+2", false},
        {TD_JSON_KEY, "b\\n", true},     {TD_JSON_STRING, "x", false},      {TD_JSON_KEY, "c", false},
        {TD_JSON_STRING, "\\\"y", true}, {TD_JSON_OBJECT_END, NULL, false}, {TD_JSON_END, NULL, false},
    };
    td_json json;
    (void)state;
    td_json_init(&json, TD_TEXT("{\"a\":-1.50E+2,\"b\\n\":\"x\",\"c\":\"\\\"y\"}"));
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        ASSERT_ROW(td_json_next(&json) == steps[i].type, "%zu", i);
        if (steps[i].text == NULL) continue;
        ASSERT_ROW(td_bytes_equal(json.text, td_text(steps[i].text)), "%zu", i);
        if (steps[i].type != TD_JSON_NUMBER) ASSERT_ROW(json.escaped == steps[i].escaped, "%zu", i);
    }
}

/* A quote, a backslash and a control character at each place of two words of eight bytes. */
static void finds_the_end_at_every_place(void **state) {
    (void)state;
    for (size_t length = 0; length < 20; length++) {
        char text[32], tokens[8];
        text[0] = '"';
        memset(text + 1, 0xff, length); /* bytes with the top bit set must not look like anything else */
        memcpy(text + 1 + length, "\"", 1);
        tokens_of((td_bytes){(const uint8_t *)text, length + 2}, tokens, sizeof tokens);
        ASSERT_ROW(strcmp(tokens, "s.") == 0, "%zu", length);
        memcpy(text + 1 + length, "\\\"\"", 3);
        tokens_of((td_bytes){(const uint8_t *)text, length + 4}, tokens, sizeof tokens);
        ASSERT_ROW(strcmp(tokens, "s.") == 0, "%zu", length);
        memcpy(text + 1 + length, "\x1f\"", 2);
        tokens_of((td_bytes){(const uint8_t *)text, length + 3}, tokens, sizeof tokens);
        ASSERT_ROW(strcmp(tokens, "!") == 0, "%zu", length);
    }
}

static void bounds_the_depth(void **state) {
    (void)state;
    for (size_t depth = TD_JSON_DEPTH_MAX - 1; depth <= TD_JSON_DEPTH_MAX + 1; depth++) {
        char text[2 * TD_JSON_DEPTH_MAX + 2], tokens[sizeof text + 1];
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        tokens_of((td_bytes){(const uint8_t *)text, 2 * depth}, tokens, sizeof tokens);
        assert_int_equal(tokens[strlen(tokens) - 1], depth <= TD_JSON_DEPTH_MAX ? '.' : '!');
    }
}

static void skips_one_value(void **state) {
    static const struct {
        const char *text; /* an array; its first element is skipped */
        bool good;
        td_json_type next;
    } rows[] = {
        {"[1,2]", true, TD_JSON_NUMBER},  {"[{\"a\":[1,{\"b\":[]}]},\"x\"]", true, TD_JSON_STRING},
        {"[[],2]", true, TD_JSON_NUMBER}, {"[[[1],[2]]]", true, TD_JSON_ARRAY_END},
        {"[\"a\"", true, TD_JSON_ERROR},  {"[]", false, TD_JSON_END},
        {"[[1,2}", false, TD_JSON_ERROR}, {"[{\"a\":1", false, TD_JSON_ERROR},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_json json;
        td_json_init(&json, td_text(rows[i].text));
        assert_int_equal(td_json_next(&json), TD_JSON_ARRAY);
        ASSERT_ROW(td_json_skip(&json) == rows[i].good, "%s", rows[i].text);
        ASSERT_ROW(td_json_next(&json) == rows[i].next, "%s", rows[i].text);
    }
}

static void undoes_escapes(void **state) {
    static const struct {
        const char *text, *plain; /* plain NULL: refused */
    } rows[] = {
        {"", ""},
        {"abc", "abc"},
        {"\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t"},
        {"\\u0041\\u00e9\\u20AC", "A\xc3\xa9\xe2\x82\xac"},
        {"\\ud83d\\ude00", "\xf0\x9f\x98\x80"},
        {"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
        {"\\ud83d", NULL}, /* half a pair */
        {"\\ud83dx", NULL},
        {"\\ud83d\\u0041", NULL},
        {"\\ude00", NULL},
        {"\xff", NULL},
        {"\xc3", NULL},
        {"\xc0\x80", NULL}, /* overlong */
        {"\xe0\x80\x80", NULL},
        {"\xed\xa0\x80", NULL}, /* a surrogate */
        {"\xf4\x90\x80\x80", NULL},
        {"\\", NULL},
        {"\\q", NULL},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char out[32];
        size_t size = td_json_unescape(td_text(rows[i].text), out, sizeof out);
        ASSERT_ROW((size == SIZE_MAX) == (rows[i].plain == NULL), "%s", rows[i].text);
        if (rows[i].plain == NULL) continue;
        ASSERT_ROW(size == strlen(rows[i].plain) && memcmp(out, rows[i].plain, size) == 0, "%s", rows[i].text);
        if (size > 0) assert_true(td_json_unescape(td_text(rows[i].text), out, size - 1) == SIZE_MAX);
        assert_true(td_json_unescape(td_text(rows[i].text), out, size) == size);
    }
}

static void writes_texts_that_read_back(void **state) {
    static const struct {
        const char *text, *json;
    } rows[] = {
        {"", "\"\""},
        {"a\"b\\c\n\r\t\x01", "\"a\\\"b\\\\c\\n\\r\\t\\u0001\""},
        {"\xc3\xa9\xf0\x9f\x98\x80", "\"\xc3\xa9\xf0\x9f\x98\x80\""},
        {"a\xff\xc3", "\"a\xef\xbf\xbd\xef\xbf\xbd\""},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_buf buf = {0};
        td_json_put_string(&buf, td_text(rows[i].text));
        ASSERT_ROW(td_bytes_equal(td_buf_bytes(&buf), td_text(rows[i].json)), "%zu", i);
        char tokens[8];
        tokens_of(td_buf_bytes(&buf), tokens, sizeof tokens);
        assert_string_equal(tokens, "s.");
        td_buf_fini(&buf);
    }
}

static void mends_texts(void **state) {
    const struct {
        td_bytes text;
        const char *sound;
    } rows[] = {
        {{0}, ""},
        {TD_TEXT("\xc3\xa9\xf0\x9f\x98\x80"), "\xc3\xa9\xf0\x9f\x98\x80"},
        {TD_TEXT("a\xff\xc3"), "a\xef\xbf\xbd\xef\xbf\xbd"},
        {TD_TEXT("\xf0\x9fz"), "\xef\xbf\xbd\xef\xbf\xbdz"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_buf buf = {0};
        td_buf_text(&buf, "<");
        td_buf_put_sound(&buf, rows[i].text);
        ASSERT_ROW(td_bytes_equal(td_bytes_from(td_buf_bytes(&buf), 1), td_text(rows[i].sound)), "%zu", i);
        td_buf_fini(&buf);
    }
}

/* Seeded damage to a good message: whatever it becomes, the reader ends within its bytes (the sanitizer watches). */
static void survives_damage(void **state) {
    (void)state;
    uint64_t seed = 8259;
    size_t refused = 0;
    for (int i = 0; i < 20000; i++) {
        char text[sizeof trade], tokens[sizeof trade + 2];
        memcpy(text, trade, sizeof trade);
        for (uint64_t k = 1 + unit_random(&seed) % 3; k > 0; k--)
            text[unit_random(&seed) % (sizeof trade - 1)] = "{}[]\",:\\u0-e.tfn \x01\xff"[unit_random(&seed) % 19];
        tokens_of((td_bytes){(const uint8_t *)text, sizeof trade - 1}, tokens, sizeof tokens);
        refused += strchr(tokens, '!') != NULL;
    }
    assert_true(refused > 10000 && refused < 20000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_the_grammar_and_nothing_else),
        cmocka_unit_test(refuses_what_is_cut_anywhere),
        cmocka_unit_test(lends_texts_as_they_are),
        cmocka_unit_test(finds_the_end_at_every_place),
        cmocka_unit_test(bounds_the_depth),
        cmocka_unit_test(skips_one_value),
        cmocka_unit_test(undoes_escapes),
        cmocka_unit_test(writes_texts_that_read_back),
        cmocka_unit_test(mends_texts),
        cmocka_unit_test(survives_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
