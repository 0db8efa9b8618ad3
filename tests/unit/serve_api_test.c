/* tests/unit/serve_api_test.c - goal: a request is understood whole or refused with words that say what to write. */
#include "base/time.h"
#include "serve/api.h"
#include "unit.h"

static void knows_its_paths(void **state) {
    static const char *const paths[] = {"instruments", "bars",   "signals",    "gaps",
                                        "lines",       "stream", "quarantine", "quarantine/release",
                                        "actions",     "status", "profile"};
    td_api_request r;
    td_api_error error = {0};
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(paths); i++) {
        ASSERT_ROW(td_api_begin(&r, td_text(paths[i]), TD_TEXT(""), &error), "%u", i);
        assert_int_equal(r.kind, i);
        assert_string_equal(td_api_name(r.kind), paths[i]);
    }
    static const struct {
        const char *path;
        td_api_kind kind;
        bool posted;
    } texts[] = {{"strategies", TD_API_STRATEGIES, false}, {"latest", TD_API_LATEST, false},
                 {"strategies/check", TD_API_CHECK, true}, {"strategies/rollback", TD_API_ROLLBACK, true},
                 {"strategies/save", TD_API_SAVE, true},   {"strategies/preview", TD_API_PREVIEW, true}};
    for (unsigned i = 0; i < COUNT_OF(texts); i++) {
        ASSERT_ROW(td_api_begin(&r, td_text(texts[i].path), TD_TEXT(""), &error), "%u", i);
        assert_true(r.kind == texts[i].kind && td_api_is_posted(r.kind) == texts[i].posted);
        assert_int_equal(td_api_check(&r, &error), !texts[i].posted); /* which file? */
    }
    static const struct {
        const char *path, *topic;
        td_api_kind kind;
    } topics[] = {{"topics", "", TD_API_TOPICS},
                  {"topics/bars", "bars", TD_API_TOPIC},
                  {"topics/records", "records", TD_API_TOPIC},
                  {"topics/raw.coinbase-2_x/records", "raw.coinbase-2_x", TD_API_RECORDS},
                  {"topics/TOPIC/records", "TOPIC", TD_API_RECORDS},
                  {"topics/TOPIC/groups", "TOPIC", TD_API_GROUPS}};
    for (unsigned i = 0; i < COUNT_OF(topics); i++) {
        ASSERT_ROW(td_api_begin(&r, td_text(topics[i].path), TD_TEXT("text/csv"), &error), "%u", i);
        ASSERT_ROW(r.kind == topics[i].kind && strcmp(r.topic, topics[i].topic) == 0, "%u: %s", i, r.topic);
        assert_true(!td_api_is_posted(r.kind) && r.format == TD_API_JSON && td_api_check(&r, &error));
        assert_int_equal(r.limit, r.kind == TD_API_RECORDS ? 100 : 1000);
    }
    static const char *const others[] = {"",           "bar",         "bars/",     "Bars",           "../bars",
                                         "topics/",    "topics/a b",  "topics/a/", "topics/a/b",     "topics//records",
                                         "topicsbars", "topics/../a", "records",   "topics/records/"};
    for (unsigned i = 0; i < COUNT_OF(others); i++) {
        ASSERT_ROW(!td_api_begin(&r, td_text(others[i]), TD_TEXT(""), &error), "%u", i);
        assert_int_equal(error.http, 404);
    }
}

static const struct {
    const char *kind, *name, *value;
    const char *code; /* NULL: accepted */
    const char *says;
} parameters[] = {
    {"bars", "instrument", "LEAN:IBM", NULL, NULL},
    {"bars", "instrument", "IBM", "bad_parameter", "VENUE:SYMBOL"},
    {"bars", "instrument", "LEAN:I M", "bad_parameter", "instrument='LEAN:I M'"},
    {"bars", "instrument", "LEAN:0123456789012345678901234567890123456789012345678901234567890", "bad_parameter",
     "instrument='LEAN:01234567890123456789012345678901234'"},
    {"bars", "width", "1m", NULL, NULL},
    {"bars", "width", "100trades", NULL, NULL},
    {"bars", "width", "2.5 volume", NULL, NULL},
    {"bars", "width", "0s", "bad_parameter", "width='0s' is not a width"},
    {"bars", "width", "1 m", "bad_parameter", "width such as 1s"},
    {"bars", "width", "0 trades", "bad_parameter", "100trades"},
    {"bars", "width", "1.5trades", "bad_parameter", "100trades"},
    {"bars", "width", "", "bad_parameter", "width='' is not"},
    {"bars", "from", "2013-10-07T13:30:00Z", NULL, NULL},
    {"bars", "from", "1381152600", NULL, NULL},
    {"bars", "from", "yesterday", "bad_parameter", "2013-10-07T13:30:00Z"},
    {"bars", "before", "1381152600000000000", NULL, NULL},
    {"bars", "as_of", "2013-10-07T13:30:00Z", NULL, NULL},
    {"signals", "as_of", "1381152600", NULL, NULL},
    {"bars", "as_of", "@12", NULL, NULL},
    {"bars", "as_of", "@1x", "bad_parameter", "as_of='@1x' is not a time"},
    {"bars", "as_of", "@", "bad_parameter", "nor an offset of the tape such as @120000"},
    {"lines", "as_of", "1381152600", "unknown_parameter", "lines knows no parameter 'as_of'"},
    {"bars", "known", "now", NULL, NULL},
    {"bars", "adjust", "split", NULL, NULL},
    {"bars", "adjust", "all", NULL, NULL},
    {"bars", "adjust", "both", "bad_parameter", "none, split or all"},
    {"lines", "adjust", "split", "unknown_parameter", "adjust"},
    {"bars", "known", "later", "bad_parameter", "then or now"},
    {"bars", "limit", "5000", NULL, NULL},
    {"bars", "limit", "5001", "bad_parameter", "1 to 5000"},
    {"bars", "limit", "0", "bad_parameter", "1 to 5000"},
    {"bars", "limit", "-1", "bad_parameter", "1 to 5000"},
    {"bars", "limit", "1.5", "bad_parameter", "1 to 5000"},
    {"bars", "limit", "99999999999999999999999", "bad_parameter", "1 to 5000"},
    {"bars", "cursor", "0", NULL, NULL},
    {"bars", "cursor", "-1", "bad_parameter", "next"},
    {"signals", "cursor", "1.2.3", NULL, NULL},
    {"signals", "cursor", "1.2", "bad_parameter", "next"},
    {"signals", "cursor", "1.2.3.4", NULL, NULL},
    {"signals", "cursor", "1.2.3.-4", NULL, NULL},
    {"signals", "cursor", "1.2.-3.4", "bad_parameter", "next"},
    {"signals", "cursor", "1.2.3.", "bad_parameter", "next"},
    {"signals", "cursor", "1.2.3.4.5", "bad_parameter", "next"},
    {"signals", "cursor", "1..3", "bad_parameter", "next"},
    {"signals", "cursor", "1.2.", "bad_parameter", "next"},
    {"signals", "cursor", "1.4294967296.3", "bad_parameter", "next"},
    {"signals", "cursor", "9223372036854775807.0.0", "bad_parameter", "next"},
    {"trades", "feed", "lean", NULL, NULL},
    {"trades", "as_of", "@12", NULL, NULL},
    {"quotes", "from", "1381152600", NULL, NULL},
    {"quotes", "width", "1m", "unknown_parameter", "quotes knows no parameter 'width'"},
    {"bars", "format", "csv", NULL, NULL},
    {"bars", "format", "arrow", NULL, NULL},
    {"bars", "format", "json", NULL, NULL},
    {"bars", "format", "xml", "bad_parameter", "json, csv or arrow"},
    {"bars", "strategy", "x", "unknown_parameter", "bars knows no parameter 'strategy'"},
    {"bars", "symbol", "IBM", "unknown_parameter", "'symbol'"},
    {"bars", "instrumnet", "LEAN:IBM", "unknown_parameter", "did you mean 'instrument'?"},
    {"signals", "strategy", "golden_cross", NULL, NULL},
    {"strategies/versions", "strategy", "golden_cross", NULL, NULL},
    {"strategies/versions", "hash", "0123456789abcdef", NULL, NULL},
    {"strategies/rollback", "hash", "01234", "bad_parameter", "6 to 64 digits"},
    {"strategies/rollback", "hash", "01234x", "bad_parameter", "6 to 64 digits"},
    {"strategies/rollback", "hash", "01234567890123456789012345678901234567890123456789012345678901234",
     "bad_parameter", "6 to 64 digits"},
    {"strategies/rollback", "file", "a.td", "unknown_parameter", "file"},
    {"strategies", "hash", "0123456789abcdef", "unknown_parameter", "hash"},
    {"fills", "strategy", "golden_cross", NULL, NULL},
    {"fills", "as_of", "@12", NULL, NULL},
    {"fills", "format", "csv", NULL, NULL},
    {"fills", "width", "1m", "unknown_parameter", "fills knows no parameter 'width'"},
    {"quarantine", "reason", "outlier", NULL, NULL},
    {"quarantine", "reason", "outlying", "bad_parameter", "reason='outlying' is not a reason"},
    {"quarantine", "feed", "lean", NULL, NULL},
    {"quarantine/release", "reason", "crossed", NULL, NULL},
    {"quarantine/release", "limit", "5", "unknown_parameter", "limit"},
    {"actions", "instrument", "LEAN:IBM", NULL, NULL},
    {"actions", "cursor", "3", "unknown_parameter", "actions knows no parameter 'cursor'"}, /* of those posted */
    {"actions", "value", "7:1", NULL, NULL},
    {"actions", "announced", "2014-04-23", NULL, NULL},
    {"actions", "kind", "something quite else", "bad_parameter", "split, dividend or symbol"},
    {"actions", "width", "1m", "unknown_parameter", "width"},
    {"bars", "kind", "split", "unknown_parameter", "kind"},
    {"profile", "day", "2013-10-07", NULL, NULL},
    {"profile", "day", "2013-10-32", "bad_parameter", "day='2013-10-32' is not a date such as 2013-10-07"},
    {"profile", "limit", "5", NULL, NULL},
    {"profile", "instrument", "LEAN:IBM", "unknown_parameter", "instrument"},
    {"bars", "day", "2013-10-07", "unknown_parameter", "day"},
    {"signals", "reason", "outlier", "unknown_parameter", "reason"},
    {"topics/bars/records", "partition", "3", NULL, NULL},
    {"topics/bars/records", "partition", "-1", "bad_parameter", "a partition's number"},
    {"topics/bars/records", "partition", "4294967296", "bad_parameter", "a partition's number"},
    {"topics/bars/records", "offset", "9223372036854775807", NULL, NULL},
    {"topics/bars/records", "offset", "-5", "bad_parameter", "an offset"},
    {"topics/bars/records", "time", "2013-10-07T13:30:00Z", NULL, NULL},
    {"topics/bars/records", "key", "LEAN:IBM", NULL, NULL},
    {"topics/bars/records", "key", "", "bad_parameter", "a key of up to 255 bytes"},
    {"topics/bars/records", "instrument", "LEAN:IBM", "unknown_parameter", "topics/TOPIC/records knows no"},
    {"topics/bars", "partition", "3", "unknown_parameter", "topics/TOPIC knows no parameter 'partition'"},
    {"bars", "offset", "3", "unknown_parameter", "offset"},
    {"news", "instrument", "*", NULL, NULL},
    {"news", "as_of", "@12", NULL, NULL},
    {"news", "feed", "finnhub", NULL, NULL},
    {"news", "width", "1m", "unknown_parameter", "width"},
    {"bars", "instrument", "*", "bad_parameter", "VENUE:SYMBOL"},
    {"gaps", "status", "lost", NULL, NULL},
    {"gaps", "status", "shut", "bad_parameter", "open, filled or lost"},
    {"gaps", "to", "1381152600", NULL, NULL},
    {"gaps", "before", "1381152600", "unknown_parameter", "before"},
    {"bars", "status", "open", "unknown_parameter", "status"},
    {"signals", "width", "1m", "unknown_parameter", "width"},
    {"instruments", "limit", "5", "unknown_parameter", "limit"},
    {"status", "format", "csv", "unknown_parameter", "format"},
};

static void reads_parameters(void **state) {
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(parameters); i++) {
        td_api_request r;
        td_api_error error = {0};
        assert_true(td_api_begin(&r, td_text(parameters[i].kind), TD_TEXT(""), &error));
        bool ok = td_api_set(&r, td_text(parameters[i].name), td_text(parameters[i].value), &error);
        ASSERT_ROW(ok == (parameters[i].code == NULL), "%u: %s", i, error.message);
        if (ok) continue;
        assert_int_equal(error.http, 400);
        assert_string_equal(error.code, parameters[i].code);
        ASSERT_ROW(strstr(error.message, parameters[i].says) != NULL, "%u: %s", i, error.message);
    }
}

static void wants_what_it_needs(void **state) {
    static const struct {
        const char *kind, *names[3], *values[3];
        const char *says; /* NULL: complete */
    } rows[] = {
        {"bars", {"instrument", "width"}, {"A:B", "1s"}, NULL},
        {"bars", {"instrument"}, {"A:B"}, "bars needs width"},
        {"bars", {"width"}, {"1s"}, "bars needs instrument"},
        {"lines", {"instrument"}, {"A:B"}, "lines needs width"},
        {"signals", {NULL}, {NULL}, NULL},
        {"signals", {"cursor"}, {"5"}, "cursor belongs to one instrument"},
        {"signals", {"cursor"}, {"1381152600123.1.5"}, NULL},
        {"signals", {"cursor"}, {"1381152600123.1.5.7"}, "cursor belongs to one instrument"},
        {"signals", {"instrument", "cursor"}, {"A:B", "5"}, "`next` of such an answer"},
        {"signals", {"instrument", "cursor"}, {"A:B", "1.1.5.7"}, NULL},
        {"fills", {"instrument", "cursor"}, {"A:B", "1.1.5"}, NULL},
        {"news", {"instrument", "cursor"}, {"A:B", "5"}, NULL},
        {"news", {"instrument", "cursor"}, {"A:B", "1.1.5"}, "`next` of such an answer"},
        {"gaps", {"cursor"}, {"5"}, NULL},
        {"gaps", {"cursor"}, {"1.1.5"}, "`next` of such an answer"},
        {"topics/bars/records", {"partition", "cursor"}, {"0", "1.1.5"}, "`next` of an answer"},
        {"signals", {"as_of"}, {"@5"}, "partition of one instrument"},
        {"signals", {"as_of", "instrument"}, {"@5", "A:B"}, NULL},
        {"stream", {NULL}, {NULL}, NULL},
        {"stream", {"instrument"}, {"A:B"}, "together"},
        {"stream", {"instrument", "width"}, {"A:B", "1s"}, NULL},
    };
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(rows); i++) {
        td_api_request r;
        td_api_error error = {0};
        assert_true(td_api_begin(&r, td_text(rows[i].kind), TD_TEXT(""), &error));
        for (int k = 0; k < 3 && rows[i].names[k] != NULL; k++)
            assert_true(td_api_set(&r, td_text(rows[i].names[k]), td_text(rows[i].values[k]), &error));
        ASSERT_ROW(td_api_check(&r, &error) == (rows[i].says == NULL), "%u: %s", i, error.message);
        if (rows[i].says != NULL) ASSERT_ROW(strstr(error.message, rows[i].says) != NULL, "%u: %s", i, error.message);
    }
}

static void takes_a_parameter_once(void **state) {
    td_api_request r;
    td_api_error error = {0};
    (void)state;
    assert_true(td_api_begin(&r, TD_TEXT("bars"), TD_TEXT(""), &error));
    assert_true(td_api_set(&r, TD_TEXT("limit"), TD_TEXT("10"), &error));
    assert_false(td_api_set(&r, TD_TEXT("limit"), TD_TEXT("20"), &error));
    assert_string_equal(error.code, "doubled_parameter");
    assert_int_equal(r.limit, 10);
}

static void gives_the_format_asked_for(void **state) {
    static const char arrow[] = "application/vnd.apache.arrow.stream";
    static const struct {
        const char *accept, *format;
        td_api_format given;
    } rows[] = {{"", NULL, TD_API_JSON},
                {"*/*", NULL, TD_API_JSON},
                {"text/csv", NULL, TD_API_CSV},
                {"", "csv", TD_API_CSV},
                {"text/csv", "json", TD_API_JSON},
                {"application/json, text/csv", NULL, TD_API_CSV},
                {arrow, NULL, TD_API_ARROW},
                {"application/vnd.apache.arrow.stream;q=1, */*", NULL, TD_API_ARROW},
                {"application/vnd.apache.arrow.file", NULL, TD_API_JSON},
                {"text/csv", "arrow", TD_API_ARROW},
                {arrow, "csv", TD_API_CSV}};
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(rows); i++) {
        td_api_request r;
        td_api_error error = {0};
        assert_true(td_api_begin(&r, TD_TEXT("signals"), td_text(rows[i].accept), &error));
        if (rows[i].format != NULL) assert_true(td_api_set(&r, TD_TEXT("format"), td_text(rows[i].format), &error));
        ASSERT_ROW(r.format == rows[i].given, "%u", i);
    }
}

static void writes_errors_as_json(void **state) {
    td_api_error error;
    td_buf out = {0};
    (void)state;
    assert_false(td_api_fail(&error, 404, "not_found", "no \"%s\"", "x\n"));
    td_api_put_error(&out, &error);
    static const char wanted[] = "{\"error\":{\"code\":\"not_found\",\"message\":\"no \\\"x\\n\\\"\"}}\n";
    assert_int_equal(out.size, sizeof wanted - 1);
    assert_memory_equal(out.data, wanted, out.size);
    td_buf_fini(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_its_paths),
        cmocka_unit_test(reads_parameters),
        cmocka_unit_test(wants_what_it_needs),
        cmocka_unit_test(takes_a_parameter_once),
        cmocka_unit_test(gives_the_format_asked_for),
        cmocka_unit_test(writes_errors_as_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
