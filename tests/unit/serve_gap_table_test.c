/* tests/unit/serve_gap_table_test.c - goal: of each gap the state told last, whatever order gaps are told in; questions
 * get what they ask for, page after page; a full table lets go of what is closed before what is open. */
#include "serve/answer.h"
#include "serve_rig.h"

static td_gap gap_of(const char *feed, int64_t number, int64_t from_s, int64_t to_s, td_gap_status status) {
    return (td_gap){.feed = td_text(feed),
                    .number = number,
                    .from_ns = from_s * RIG_S,
                    .to_ns = to_s < 0 ? TD_NONE : to_s * RIG_S,
                    .status = (uint8_t)status};
}

static void put(td_gap_table *t, const char *instrument, td_gap gap) { td_gap_table_put(t, td_text(instrument), &gap); }

/* "B1o A1f": instrument, number, status of what a question gets, the newest first. */
static const char *found(const td_gap_table *t, const td_gap_question *q) {
    static char text[4096];
    size_t size = 0;
    text[0] = '\0';
    for (size_t at = td_gap_table_find(t, q, SIZE_MAX); at != SIZE_MAX; at = td_gap_table_find(t, q, at)) {
        const td_gap *gap = td_gap_table_at(t, at);
        td_bytes name = td_gap_table_name(t, gap->instrument);
        size += (size_t)snprintf(text + size, sizeof text - size, "%s%c%d%c", size > 0 ? " " : "",
                                 name.data[name.size - 1], (int)gap->number, td_gap_status_name(gap->status)[0]);
    }
    return text;
}

static void keeps_the_last_state_of_each(void **state) {
    (void)state;
    static const struct {
        const char *instrument, *feed;
        int64_t number;
        td_gap_status status;
        int64_t open, open_x; /* of all, and of feed x */
        const char *all;
    } steps[] = {
        {"V:A", "x", 1, TD_GAP_OPEN, 1, 1, "A1o"},
        {"V:A", "x", 1, TD_GAP_OPEN, 1, 1, "A1o"},
        {"V:B", "y", 1, TD_GAP_OPEN, 2, 1, "B1o A1o"},
        {"V:A", "x", 2, TD_GAP_OPEN, 3, 2, "A2o B1o A1o"},
        {"V:A", "x", 1, TD_GAP_FILLED, 2, 1, "A2o B1o A1f"},
        {"V:A", "x", 3, TD_GAP_LOST, 2, 1, "A3l A2o B1o A1f"}, /* told once only */
        {"V:B", "x", 1, TD_GAP_OPEN, 2, 2, "A3l A2o B1o A1f"}, /* another feed goes on with it */
        {"V:A", "x", 2, TD_GAP_LOST, 1, 1, "A3l A2l B1o A1f"},
        {"no name", "x", 1, TD_GAP_OPEN, 1, 1, "A3l A2l B1o A1f"},
        {"V:C", "", 1, TD_GAP_OPEN, 1, 1, "A3l A2l B1o A1f"},
    };
    td_gap_table *t = td_gap_table_new(0);
    const td_gap_question all = {.to_ns = INT64_MAX, .from_ns = INT64_MIN};
    assert_string_equal(found(t, &all), "");
    assert_int_equal(td_gap_table_open(t, TD_TEXT("x")), 0);
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        char feed[4]; /* gone after the call */
        (void)snprintf(feed, sizeof feed, "%s", steps[i].feed);
        put(t, steps[i].instrument, gap_of(feed, steps[i].number, 1, -1, steps[i].status));
        (void)memset(feed, '?', sizeof feed);
        ASSERT_ROW(td_gap_table_open(t, TD_TEXT("")) == steps[i].open, "%zu", i);
        ASSERT_ROW(td_gap_table_open(t, TD_TEXT("x")) == steps[i].open_x, "%zu", i);
        ASSERT_ROW(strcmp(found(t, &all), steps[i].all) == 0, "%zu: %s", i, found(t, &all));
    }
    assert_int_equal(td_gap_table_count(t), 4);
    td_gap_table_free(t);
    td_gap_table_free(NULL);
}

static void finds_what_is_asked_for(void **state) {
    (void)state;
    static const struct {
        const char *instrument, *feed;
        int statuses;
        int64_t from_s, to_s;
        const char *found;
    } rows[] = {
        {"", "", 0, -99, 99, "B2o B1f A3o A2l A1f"},
        {"V:A", "", 0, -99, 99, "A3o A2l A1f"},
        {"V:C", "", 0, -99, 99, ""},
        {"", "y", 0, -99, 99, "B2o B1f"},
        {"V:A", "y", 0, -99, 99, ""},
        {"", "", 1 << TD_GAP_OPEN, -99, 99, "B2o A3o"},
        {"V:A", "", 1 << TD_GAP_LOST, -99, 99, "A2l"},
        {"V:A", "", 1 << TD_GAP_OPEN | 1 << TD_GAP_FILLED, -99, 99, "A3o A1f"},
        {"V:A", "", 0, 0, 10, ""},         /* before the first */
        {"V:A", "", 0, 10, 11, "A1f"},     /* its begin */
        {"V:A", "", 0, 12, 15, "A1f"},     /* within */
        {"V:A", "", 0, 20, 21, "A2l A1f"}, /* the end of one is the begin of the next */
        {"V:A", "", 0, 31, 40, ""},        /* between */
        {"V:A", "", 0, 5000, 6000, "A3o"}, /* its end is not known */
        {"", "", 0, 5000, 6000, "B2o A3o"},
    };
    td_gap_table *t = td_gap_table_new(0);
    put(t, "V:A", gap_of("x", 1, 10, 20, TD_GAP_FILLED));
    put(t, "V:A", gap_of("x", 2, 20, 30, TD_GAP_LOST));
    put(t, "V:A", gap_of("x", 3, 40, -1, TD_GAP_OPEN));
    put(t, "V:B", gap_of("y", 1, 10, 20, TD_GAP_FILLED));
    put(t, "V:B", gap_of("y", 2, 40, -1, TD_GAP_OPEN));
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const td_gap_question q = {.instrument = td_text(rows[i].instrument),
                                   .feed = td_text(rows[i].feed),
                                   .statuses = (uint8_t)rows[i].statuses,
                                   .from_ns = rows[i].from_s * RIG_S,
                                   .to_ns = rows[i].to_s * RIG_S};
        ASSERT_ROW(strcmp(found(t, &q), rows[i].found) == 0, "%zu: %s", i, found(t, &q));
    }
    td_gap_table_free(t);
}

static void lets_go_of_closed_ones_first(void **state) {
    (void)state;
    td_gap_table *t = td_gap_table_new(8);
    const td_gap_question all = {.to_ns = INT64_MAX, .from_ns = INT64_MIN}, a = {TD_TEXT("V:A"), {0}, 0, 0, INT64_MAX};
    for (int n = 1; n <= 8; n++)
        put(t, n % 2 == 0 ? "V:B" : "V:A", gap_of("x", n, n, -1, n < 7 ? TD_GAP_OPEN : TD_GAP_LOST));
    assert_string_equal(found(t, &all), "B8l A7l B6o A5o B4o A3o B2o A1o");
    put(t, "V:A", gap_of("x", 9, 9, -1, TD_GAP_OPEN));
    assert_string_equal(found(t, &all), "A9o B6o A5o B4o A3o B2o A1o");
    assert_int_equal(td_gap_table_hidden(t), 2);
    put(t, "V:A", gap_of("x", 10, 10, -1, TD_GAP_OPEN));
    put(t, "V:B", gap_of("x", 11, 11, -1, TD_GAP_OPEN)); /* nothing is closed: the oldest go */
    assert_string_equal(found(t, &all), "B11o A10o A9o B6o A5o B4o A3o");
    assert_string_equal(found(t, &a), "A10o A9o A5o A3o");
    assert_int_equal(td_gap_table_open(t, TD_TEXT("x")), 7);
    assert_int_equal(td_gap_table_hidden(t), 4);
    put(t, "V:A", gap_of("x", 5, 5, 6, TD_GAP_FILLED));
    assert_string_equal(found(t, &a), "A10o A9o A5f A3o");
    assert_int_equal(td_gap_table_open(t, TD_TEXT("x")), 6);
    for (size_t i = 0; i < td_gap_table_count(t); i++) {
        static const int64_t told_as[] = {3, 4, 5, 6, 9, 10, 11}; /* those that went keep their places */
        assert_int_equal(td_gap_table_serial(t, i), told_as[i]);
    }
    td_gap_table_free(t);
}

static void ignore_bar(void *self, td_bytes instrument, const td_bar *bar) { (void)self, (void)instrument, (void)bar; }
static void ignore_signal(void *self, td_bytes instrument, const td_signal *signal, int64_t appended_ms) {
    (void)self, (void)instrument, (void)signal, (void)appended_ms;
}
static void ignore_gap(void *self, td_bytes instrument, const td_gap *gap) { (void)self, (void)instrument, (void)gap; }

static td_view *open_view(const rig *r) {
    td_view *view;
    const td_view_events events = {.bar = ignore_bar, .signal = ignore_signal, .gap = ignore_gap};
    assert_int_equal(td_view_open(&view, &td_os_posix, &r->topics, &events), TD_OK);
    while (td_view_step(view) > 0) continue;
    return view;
}

/* The answer to a question, and its `next` in *out_next. */
static void ask(const td_view *view, const td_api_request *request, td_buf *out, char out_next[1024]) {
    td_api_error error = {0};
    td_answer *a = td_answer_new(&(td_answer_sources){view, NULL}, request, (td_bytes){0}, &error);
    if (a == NULL) fail_msg("%s", error.message);
    while (td_answer_step(a) == TD_AGAIN) continue;
    out->size = 0;
    td_buf_put(out, td_answer_body(a)->data, td_answer_body(a)->size);
    td_buf_put(out, "", 1);
    (void)snprintf(out_next, 1024, "%s", td_answer_next(a));
    td_answer_free(a);
}

static int count_of(const char *words, const td_buf *text) {
    int count = 0;
    for (const char *at = (const char *)text->data; (at = strstr(at, words)) != NULL; at++) count++;
    return count;
}

static void answers_page_by_page(void **state) {
    (void)state;
    static rig r;
    rig_open(&r);
    rig_bar(&r, "LEAN:IBM", RIG_S, RIG_T0, 5, 0);
    for (int n = 1; n <= 5; n++) rig_gap(&r, "LEAN:IBM", n, RIG_T0 + n * RIG_S, TD_NONE, TD_GAP_OPEN);
    rig_gap(&r, "LEAN:IBM", 1, RIG_T0 + 1 * RIG_S, RIG_T0 + 9 * RIG_S, TD_GAP_FILLED);
    rig_gap(&r, "LEAN:SPY", 1, RIG_T0, TD_NONE, TD_GAP_OPEN);
    td_view *view = open_view(&r);
    td_buf text = {0};
    char next[1024];
    td_api_request request = {.kind = TD_API_GAPS,
                              .instrument = "LEAN:IBM",
                              .from_ns = INT64_MIN,
                              .to_ns = RIG_T0 + 60 * RIG_S,
                              .before_ns = INT64_MAX,
                              .as_of = TD_PLACE_END,
                              .cursor = -1,
                              .limit = 2,
                              .statuses = 1 << TD_GAP_OPEN};
    static const char *const pages[][3] = {{"\"number\":4,", "\"number\":5,", "&cursor=4"},
                                           {"\"number\":2,", "\"number\":3,", ""}};
    for (size_t i = 0; i < COUNT_OF(pages); i++) {
        ask(view, &request, &text, next);
        const char *first = strstr((const char *)text.data, pages[i][0]);
        ASSERT_ROW(first != NULL && strstr(first, pages[i][1]) != NULL, "%zu: %s", i, (const char *)text.data);
        ASSERT_ROW(strstr(next, pages[i][2]) != NULL && (next[0] == '\0') == (pages[i][2][0] == '\0'), "%zu: %s", i,
                   next);
        request.cursor = 4;
    }
    request.cursor = -1;
    ask(view, &request, &text, next);
    assert_string_equal(next, "/api/v1/gaps?instrument=LEAN:IBM&status=open&to=2013-10-07T13:31:00Z&limit=2&cursor=4");
    request = (td_api_request){.kind = TD_API_GAPS, .from_ns = INT64_MIN, .to_ns = INT64_MAX, .cursor = -1, .limit = 9};
    request.statuses = 1 << TD_GAP_FILLED;
    request.as_of = TD_PLACE_END;
    ask(view, &request, &text, next);
    assert_string_equal(
        (const char *)text.data,
        "{\"gaps\":[\n{\"instrument\":\"LEAN:IBM\",\"number\":1,\"feed\":\"lean\",\"status\":\"filled\","
        "\"reason\":\"session\",\"from_ns\":1381152601000000000,\"from\":\"2013-10-07T13:30:01Z\","
        "\"to_ns\":1381152609000000000,\"to\":\"2013-10-07T13:30:09Z\",\"first_id\":null,"
        "\"last_id\":null,\"missing\":null,\"filled\":0,\"known_at_ns\":1381152602000000000}\n],"
        "\"next\":null}\n");
    request.format = TD_API_CSV;
    request.statuses = 1 << TD_GAP_LOST;
    ask(view, &request, &text, next);
    assert_string_equal((const char *)text.data, "instrument,number,feed,status,reason,from_ns,from,to_ns,to,first_id,"
                                                 "last_id,missing,filled,known_at_ns\n");
    request.format = TD_API_JSON;
    request.statuses = 0;
    request.limit = 4;
    ask(view, &request, &text, next);
    assert_true(count_of("\"number\":", &text) == 4 && strncmp(next, "/api/v1/gaps?limit=4&cursor=", 28) == 0);
    request.cursor = atoi(next + 28);
    ask(view, &request, &text, next);
    assert_true(count_of("\"number\":", &text) == 2 && next[0] == '\0');
    assert_true(count_of("\"number\":1,", &text) + count_of("\"number\":2,", &text) == 2);
    td_buf_fini(&text);
    td_view_close(view);
    rig_close(&r);
}

static void reads_a_log(void **state) {
    (void)state;
    static rig r;
    rig_open(&r);
    td_gap_table *t = td_gap_table_new(0);
    const td_gap_question all = {.to_ns = INT64_MAX, .from_ns = INT64_MIN};
    rig_gap(&r, "LEAN:A", 1, RIG_T0, TD_NONE, TD_GAP_OPEN);
    rig_gap(&r, "LEAN:A", 2, RIG_T0, TD_NONE, TD_GAP_OPEN);
    rig_gap(&r, "LEAN:A", 1, RIG_T0, RIG_T0, TD_GAP_LOST);
    for (uint32_t p = 0; p < RIG_PARTITIONS; p++)
        assert_int_equal(td_gap_table_read(t, r.topics.gaps, p, INT64_MAX), TD_OK);
    assert_string_equal(found(t, &all), "A2o A1l");
    td_gap_table_free(t);
    rig_close(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_the_last_state_of_each),
        cmocka_unit_test(finds_what_is_asked_for),
        cmocka_unit_test(lets_go_of_closed_ones_first),
        cmocka_unit_test(answers_page_by_page),
        cmocka_unit_test(reads_a_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
