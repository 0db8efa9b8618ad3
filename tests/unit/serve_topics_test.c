/* tests/unit/serve_topics_test.c - goal: the API tells what a log holds, topic by topic and record by record, as `log
 * cat` shows it; every page leads to its neighbours; what cannot be read is shown with the reason. */
#include "serve/answer.h"
#include "serve_rig.h"

static rig r;
static td_topic *schemas_topic, *strange;
static td_view *view;
static td_schemas *schemas;
static td_browser *browser;
static td_buf text; /* of the last answer, ended by NUL */
static char next[2048];
static const char *no_answer; /* the log that is looked at fails */
enum { WAITS_MAX = 100 };
static int waits; /* of the last answer, for others */
static int turns; /* … that did not finish it */

static td_status append_schema(void *arg, td_bytes key, td_bytes value) {
    (void)arg;
    td_batch_reset(&r.batch);
    assert_true(td_batch_add(&r.batch, 1, key, value, (td_bytes){0}, (td_bytes){0}));
    return td_writer_append(r.writer, schemas_topic, 0, &r.batch);
}

static td_status two_readers(void *self, const td_topic *topic, uint32_t partition, td_serve_reader_fn each,
                             void *arg) {
    (void)self;
    if (strcmp(td_topic_name(topic), "bars") != 0) return TD_OK;
    each(arg, &(td_serve_reader){"sink:sqlite", 2});
    if (partition == 1) each(arg, &(td_serve_reader){"sink:\"odd\"", 1000});
    return no_answer == NULL ? TD_OK : TD_FAIL(TD_RETRY, "%s", no_answer);
}

static void keep_a_day(void *self, const char *topic, td_serve_retention *out) {
    (void)self;
    *out = topic[0] == '_' ? (td_serve_retention){-1, -1, false} : (td_serve_retention){86400000, -1, true};
}

static void ignore_bar(void *self, td_bytes instrument, const td_bar *bar) { (void)self, (void)instrument, (void)bar; }

static int open_all(void **state) {
    (void)state;
    rig_open(&r);
    assert_int_equal(td_log_topic(r.log, "_schemas", 1, TD_TOPIC_INPUT, &schemas_topic), TD_OK);
    assert_int_equal(td_log_topic(r.log, "bars-strange", 1, TD_TOPIC_OUTPUT, &strange), TD_OK);
    assert_int_equal(td_log_topic(r.log, "news", RIG_PARTITIONS, TD_TOPIC_OUTPUT, &r.topics.news), TD_OK);
    td_registry *registry = td_registry_new();
    assert_int_equal(td_registry_ensure(registry, append_schema, NULL), TD_OK);
    td_registry_free(registry); /* it has the ids of the rig's */
    const td_schema_version others = {TD_TEXT("bars-strange-value"), TD_TEXT("\"string\""), 1, 500, false, {0}};
    td_schema_record record = td_schema_record_version(&others);
    assert_int_equal(append_schema(NULL, td_buf_bytes(&record.key), td_buf_bytes(&record.value)), TD_OK);
    td_schema_record_fini(&record);
    assert_int_equal(td_log_sync(r.log), TD_OK);
    r.topics.schemas = schemas_topic;
    r.topics.run.readers = two_readers;
    r.topics.run.retention = keep_a_day;
    no_answer = NULL;
    const td_view_events events = {.bar = ignore_bar};
    assert_int_equal(td_view_open(&view, &td_os_posix, &r.topics, &events), TD_OK);
    assert_int_equal(td_schemas_open(&schemas, &r.topics), TD_OK);
    while (!td_schemas_loaded(schemas)) (void)td_schemas_step(schemas);
    browser = td_browser_new(&r.topics, schemas);
    return 0;
}

static int close_all(void **state) {
    (void)state;
    td_buf_fini(&text);
    td_browser_free(browser);
    td_schemas_close(schemas);
    td_view_close(view);
    rig_close(&r);
    return 0;
}

/* Asks as a client does, by path and query; the status, with the answer or the error in `text`. */
static int ask(const char *target) {
    td_api_request request;
    td_api_error error = {0};
    char copy[2048];
    (void)snprintf(copy, sizeof copy, "%s", target); /* which may be `next` */
    text.size = 0;
    waits = turns = 0;
    next[0] = '\0';
    char *query = strchr(copy, '?');
    if (query != NULL) *query++ = '\0';
    bool ok = td_api_begin(&request, td_text(copy), TD_TEXT(""), &error);
    for (char *part = ok && query != NULL ? strtok(query, "&") : NULL; part != NULL && ok; part = strtok(NULL, "&")) {
        char *value = strchr(part, '=');
        *value++ = '\0';
        ok = td_api_set(&request, td_text(part), td_text(value), &error);
    }
    ok = ok && td_api_check(&request, &error);
    const td_answer_sources sources = {view, browser};
    td_answer *a = ok ? td_answer_new(&sources, &request, (td_bytes){0}, &error) : NULL;
    td_status status = TD_AGAIN;
    while (a != NULL && (status == TD_AGAIN || (status == TD_FULL && ++waits < WAITS_MAX))) {
        status = td_answer_step(a);
        turns += status == TD_AGAIN;
    }
    if (a != NULL) td_buf_put(&text, td_answer_body(a)->data, td_answer_body(a)->size);
    if (a != NULL) (void)snprintf(next, sizeof next, "%s", td_answer_next(a));
    if (a == NULL) td_api_put_error(&text, &error);
    td_answer_free(a);
    td_buf_put(&text, "", 1);
    return a == NULL ? error.http : status == TD_OK ? 200 : 503;
}

static const char *answer(void) { return (const char *)text.data; }

#define HAS(part)                                                                                                      \
    do {                                                                                                               \
        if (strstr(answer(), part) == NULL) fail_msg("no %s in %s", part, answer());                                   \
    } while (0)

static void tells_every_topic(void **state) {
    (void)state;
    for (int i = 0; i < 5; i++) rig_bar(&r, "LEAN:IBM", RIG_S, RIG_T0 + i * RIG_S, 5, 0);
    rig_bar(&r, "LEAN:SPY", RIG_S, RIG_T0, 5, 0);
    rig_bar(&r, "LEAN:AAPL", RIG_S, RIG_T0, 5, 0);
    assert_int_equal(ask("topics"), 200);
    char wanted[256];
    (void)snprintf(
        wanted, sizeof wanted,
        "{\"topic\":\"bars\",\"partitions\":2,\"start\":0,\"end\":7,\"synced\":0,\"records\":7,\"bytes\":%lld,"
        "\"retention\":{\"shared\":true,\"ms\":86400000,\"bytes\":null},\"subjects\":[\"bars-value\"]},\n",
        (long long)(td_topic_bytes(r.topics.bars, 0) + td_topic_bytes(r.topics.bars, 1)));
    HAS(wanted);
    HAS("\n{\"topic\":\"_schemas\",\"partitions\":1,");
    HAS("{\"topic\":\"bars-strange\",\"partitions\":1,\"start\":0,\"end\":0,");
    HAS("\"tape-tapedeck.Trade\""); /* by name and record */
    assert_int_equal(td_log_sync(r.log), TD_OK);
    assert_int_equal(ask("topics"), 200);
    HAS("\"end\":7,\"synced\":7,");
}

static void tells_one_topic(void **state) {
    (void)state;
    for (int i = 0; i < 5; i++) rig_bar(&r, "LEAN:IBM", RIG_S, RIG_T0 + i * RIG_S, 5, 0);
    uint32_t p = td_partition_of(TD_TEXT("LEAN:IBM"), RIG_PARTITIONS);
    assert_int_equal(ask("topics/bars"), 200);
    char wanted[128];
    (void)snprintf(wanted, sizeof wanted, "{\"partition\":%u,\"start\":0,\"end\":5,\"synced\":0,\"records\":5,", p);
    HAS(wanted);
    (void)snprintf(wanted, sizeof wanted, "{\"reader\":\"sink:sqlite\",\"partition\":%u,\"offset\":2,\"lag\":3}", p);
    HAS(wanted);
    HAS("{\"reader\":\"sink:\\\"odd\\\"\",\"partition\":1,\"offset\":1000,\"lag\":0}"); /* ahead of what is seen here */
    HAS("\"registry\":null,\"schemas\":[\n{\"subject\":\"bars-value\",\"version\":1,\"id\":");
    HAS("\"schema\":\"Bar\"}]");
    assert_int_equal(ask("topics/news"), 200);
    HAS("\"schema\":\"PublishedNews\"}]");
    assert_int_equal(ask("topics/bars-strange"), 200);
    HAS("\"schemas\":[\n{\"subject\":\"bars-strange-value\",\"version\":1,\"id\":500,\"schema\":null}]");
    assert_int_equal(ask("topics/gaps"), 200);
    HAS("\"subject\":\"gaps-value\"");
    no_answer = "nobody is there";
    assert_int_equal(ask("topics/bars"), 503);
}

static int groups_open; /* questions that nobody has ended */

static void *ask_groups(void *self, const td_topic *topic) {
    (void)self;
    assert_string_equal(td_topic_name(topic), "bars");
    groups_open++;
    return &groups_open;
}

static bool raised; /* the cluster has more partitions than were there when the log was opened */

static td_status step_groups(void *asked) {
    (void)asked;
    if (no_answer != NULL) return TD_FAIL(TD_RETRY, "%s", no_answer);
    return waits < 3 ? TD_FULL : TD_OK;
}

static bool group_at(void *asked, size_t index, td_serve_group *out) {
    (void)asked;
    static const td_serve_group groups[] = {{"0", RIG_PARTITIONS, 7}, {"a \"b\"", 0, 1000}, {"grafana", 1, 2}};
    index += raised ? 0 : 1;
    if (index < COUNT_OF(groups)) *out = groups[index];
    return index < COUNT_OF(groups);
}

static bool groups_are_cut(void *asked) { return asked != NULL && !raised; }
static void end_groups(void *asked) { --*(int *)asked; }

/* Of a log that others can read so: brokers are waited for between the turns of the others. */
static void tells_groups_of_others(void **state) {
    (void)state;
    for (int i = 0; i < 40; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "LEAN:N%d", i % 8);
        rig_bar(&r, name, RIG_S, RIG_T0 + i * RIG_S, 5, 0);
    }
    assert_int_equal(ask("topics/bars/groups"), 200);
    assert_string_equal(answer(), "{\"topic\":\"bars\",\"groups\":[],\"complete\":true}\n");
    td_browser_free(browser);
    td_view_close(view);
    r.topics.run.groups = (td_serve_groups){ask_groups, step_groups, group_at, groups_are_cut, end_groups};
    const td_view_events events = {.bar = ignore_bar};
    assert_int_equal(td_view_open(&view, &td_os_posix, &r.topics, &events), TD_OK);
    browser = td_browser_new(&r.topics, schemas);
    assert_int_equal(ask("topics/bars/groups"), 200);
    assert_int_equal(waits, 3);
    assert_int_equal(turns, RIG_PARTITIONS); /* each end may have to be asked for */
    char wanted[256];
    (void)snprintf(
        wanted, sizeof wanted,
        "{\"topic\":\"bars\",\"groups\":[\n{\"group\":\"a \\\"b\\\"\",\"partition\":0,\"offset\":1000,\"lag\":0},"
        "\n{\"group\":\"grafana\",\"partition\":1,\"offset\":2,\"lag\":%d}],\"complete\":false}\n",
        (int)td_topic_end(r.topics.bars, 1) - 2);
    assert_string_equal(answer(), wanted);
    raised = true;
    assert_int_equal(ask("topics/bars/groups"), 200);
    assert_string_equal(answer(), wanted);
    no_answer = "nobody is there";
    assert_int_equal(ask("topics/bars/groups"), 503);
    assert_int_equal(groups_open, 0);
    assert_int_equal(ask("topics/nothing/groups"), 404);
}

/* Where the registry is elsewhere our own subjects are told, with its prefix. */
static void tells_subjects_elsewhere(void **state) {
    (void)state;
    td_browser_free(browser);
    td_view_close(view);
    r.topics.run.registry = "http://127.0.0.1:1";
    r.topics.run.prefix = "md.";
    const td_view_events events = {.bar = ignore_bar};
    assert_int_equal(td_view_open(&view, &td_os_posix, &r.topics, &events), TD_OK);
    browser = td_browser_new(&r.topics, NULL);
    assert_int_equal(ask("topics/bars"), 200);
    HAS("\"registry\":\"http://127.0.0.1:1\",\"schemas\":[\n{\"subject\":\"md.bars-value\",\"version\":null,\"id\":");
}

static void put(uint32_t partition, td_bytes key, td_bytes value, td_bytes name, td_bytes header) {
    td_batch_reset(&r.batch);
    assert_true(td_batch_add(&r.batch, 7, key, value, name, header));
    assert_int_equal(td_writer_append(r.writer, strange, partition, &r.batch), TD_OK);
}

static void shows_what_others_wrote(void **state) {
    const struct {
        td_bytes value;
        const char *shown;
    } rows[] = {
        {TD_TEXT("{\"a\":[1,2]}"), "\"value\":{\"a\":[1,2]}}"},
        {TD_TEXT("{\"a\":"), "\"value\":\"{\\\"a\\\":\"}"},
        {TD_TEXT("words"), "\"value\":\"words\"}"},
        {TD_TEXT(""), "\"value\":\"\"}"},
        {{0}, "\"value\":null}"},
        {TD_TEXT("\xff\x00"), "\"value_hex\":\"ff00\",\"undecoded\":\"neither text nor begun by the id of a schema\"}"},
        {TD_TEXT("\0\0\1\0\1\xff"),
         "\"value_hex\":\"0000010001ff\",\"undecoded\":\"schema 65537 is none of tapedeck's\"}"},
    };
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(rows); i++)
        put(0, i == 0 ? TD_TEXT("\xfe") : TD_TEXT("k"), rows[i].value, TD_TEXT("trace\""), TD_TEXT("x\"y"));
    uint8_t broken[6] = {0};
    td_put_be32(broken + 1, (uint32_t)r.topics.ids->id[TD_SCHEMA_BAR]);
    put(0, TD_TEXT("k"), (td_bytes){broken, sizeof broken}, TD_TEXT(""), TD_TEXT(""));
    assert_int_equal(ask("topics/bars-strange/records?offset=0"), 200);
    for (unsigned i = 0; i < COUNT_OF(rows); i++) HAS(rows[i].shown);
    HAS("\"key_hex\":\"fe\",\"headers\":[{\"name\":\"trace\\\"\",\"value\":\"x\\\"y\"}],\"value\":{\"a\":[1,2]}}");
    HAS(" does not read these bytes\"}");
    static uint8_t large[300000];
    memset(large, 'x', sizeof large);
    put(0, TD_TEXT("k"), (td_bytes){large, sizeof large}, TD_TEXT(""), TD_TEXT(""));
    assert_int_equal(ask("topics/bars-strange/records?limit=1"), 200);
    HAS("7878\",\"undecoded\":\"the first 1024 of 300000 bytes; `tapedeck log cat` shows all\"}");
}

static void turns_pages_by_links(void **state) {
    (void)state;
    for (int i = 0; i < 25; i++) rig_bar(&r, "LEAN:IBM", RIG_S, RIG_T0 + i * RIG_S, 100 + i, 0);
    char first[128], wanted[160];
    uint32_t p = td_partition_of(TD_TEXT("LEAN:IBM"), RIG_PARTITIONS);
    (void)snprintf(first, sizeof first, "topics/bars/records?partition=%u&limit=10&key=LEAN:IBM", p);
    assert_int_equal(ask(first), 200);
    (void)snprintf(wanted, sizeof wanted,
                   "{\"topic\":\"bars\",\"partition\":%u,\"order\":\"newest_first\",\"records\":[\n{\"topic\":\"bars\","
                   "\"partition\":%u,\"offset\":24,\"epoch\":",
                   p, p);
    HAS(wanted);
    (void)snprintf(wanted, sizeof wanted, "\"cause\":\"tape/%u/0/24/0\",\"value\":{\"schema\":\"Bar\",", p);
    HAS(wanted);
    (void)snprintf(wanted, sizeof wanted, "/api/v1/topics/bars/records?partition=%u&limit=10&key=LEAN:IBM&cursor=15",
                   p);
    assert_string_equal(next, wanted);
    HAS("&offset=25\"}\n"); /* what comes later */
    assert_int_equal(ask(next + strlen("/api/v1/")), 200);
    HAS("\"offset\":14,");
    HAS("\"complete\":true,\"next\":\"/api");
    (void)snprintf(wanted, sizeof wanted, "topics/bars/records?key=LEAN:IBM&offset=20&limit=10");
    assert_int_equal(ask(wanted), 200);
    HAS("\"order\":\"oldest_first\"");
    HAS("\"complete\":true,\"next\":null,\"previous\":\"/api/v1/topics/bars/records?partition=");
    HAS("&cursor=20\"}\n");
    assert_int_equal(ask("topics/bars/records?time=1970-01-01T00:00:00.002Z"), 200); /* all were appended before it */
    HAS("\"partition\":null,\"order\":\"oldest_first\",\"records\":[\n]");
}

/* By Kafka's murmur2, unless another partition is asked for: a producer may have another rule. */
static void looks_for_a_key_where_it_leads(void **state) {
    (void)state;
    for (int i = 0; i < 8; i++) {
        char name[16], target[64], wanted[64];
        (void)snprintf(name, sizeof name, "LEAN:N%d", i);
        rig_bar(&r, name, RIG_S, RIG_T0, 5, 0);
        uint32_t p = td_partition_of(td_text(name), RIG_PARTITIONS);
        (void)snprintf(target, sizeof target, "topics/bars/records?key=%s", name);
        (void)snprintf(wanted, sizeof wanted, "{\"topic\":\"bars\",\"partition\":%u,\"offset\":", p);
        assert_int_equal(ask(target), 200);
        HAS(wanted);
        (void)snprintf(target, sizeof target, "topics/bars/records?key=%s&partition=%u", name, 1 - p);
        assert_int_equal(ask(target), 200);
        HAS("\"records\":[\n]");
    }
}

static void refuses_what_is_not_there(void **state) {
    static const struct {
        const char *target;
        int http;
        const char *says;
    } rows[] = {
        {"topics/bar", 404, "\"unknown_topic\",\"message\":\"there is no topic bar; did you mean bars? see"},
        {"topics/bar/records", 404, "unknown_topic"},
        {"topics/", 404, "there is no /api/v1/topics/"},
        {"topics/a/b", 404, "not_found"},
        {"topics/../bars", 404, "not_found"},
        {"topics/bars/records?partition=2", 404, "\"unknown_partition\",\"message\":\"bars has 2 partitions"},
        {"topics/bars/records?offset=3", 400, "offset belongs to a partition"},
        {"topics/bars/records?cursor=3", 400, "cursor belongs to a partition"},
        {"topics/bars/records?partition=0&offset=3&cursor=5", 400, "one of them"},
        {"topics/bars/records?offset=3&time=5", 400, "one of them"},
        {"topics/bars/records?partition=-1", 400, "a partition's number"},
        {"topics/bars/records?limit=0", 400, "1 to 5000"},
        {"topics/bars/records?time=noon", 400, "a time such as"},
        {"topics/bars?limit=3", 400, "topics/TOPIC knows no parameter 'limit'"},
        {"topics?format=csv", 400, "topics knows no parameter 'format'"},
    };
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(rows); i++) {
        int http = ask(rows[i].target);
        ASSERT_ROW(http == rows[i].http && strstr(answer(), rows[i].says) != NULL, "%s: %d %s", rows[i].target, http,
                   answer());
    }
    assert_int_equal(ask("topics/bars-strange/records?offset=0"), 200); /* of one partition that one is meant */
    assert_int_equal(ask("topics/bars/records?partition=1&offset=99999"), 200);
    HAS("\"records\":[\n],\"complete\":true,\"next\":null,");
}

static void put_news(const char *instrument, int64_t event_ns, const char *headline) {
    td_event event = {.kind = TD_EVENT_NEWS,
                      .event_ns = event_ns,
                      .receive_ns = event_ns + RIG_S,
                      .news = {td_text(headline), TD_TEXT("wire"), TD_TEXT("http://a/b"), TD_TEXT("7"), 0.25}};
    td_buf value = {0};
    td_record_put_published(&value, r.topics.ids, TD_TEXT("finnhub"), td_text(instrument), &event);
    rig_append(&r, r.topics.news, instrument, 9, &value);
}

static void tells_news(void **state) {
    (void)state;
    put_news("LEAN:IBM", RIG_T0 + 2 * RIG_S, "second");
    put_news("LEAN:IBM", RIG_T0 + 1 * RIG_S, "first, but \"late\"");
    put_news("*", RIG_T0 + 3 * RIG_S, "of the world");
    assert_int_equal(ask("news"), 200);
    HAS("of the world");
    assert_int_equal(ask("news?instrument=LEAN:IBM&limit=1"), 200);
    HAS("{\"news\":[\n{\"instrument\":\"LEAN:IBM\",\"feed\":\"finnhub\",\"event_ns\":1381152601000000000,"
        "\"event_time\":\"2013-10-07T13:30:01Z\",\"receive_ns\":1381152602000000000,"
        "\"receive_time\":\"2013-10-07T13:30:02Z\",\"headline\":\"first, but \\\"late\\\"\",\"source\":\"wire\","
        "\"url\":\"http://a/b\",\"id\":\"7\",\"sentiment\":0.25,\"origin\":\"feed\",\"appended_ms\":9}\n],\"next\":");
    assert_int_equal(ask(next + strlen("/api/v1/")), 200);
    HAS("\"second\"");
    HAS("\"next\":null");
    assert_int_equal(ask("news?instrument=*"), 200);
    HAS("of the world");
    assert_null(strstr(answer(), "second"));
    assert_int_equal(ask("news?to=2013-10-07T13:30:02Z&from=2013-10-07T13:30:01Z"), 200);
    HAS("first, but");
    assert_null(strstr(answer(), "second"));
    assert_int_equal(ask("news?feed=nobody"), 200);
    HAS("{\"news\":[\n],");
    assert_int_equal(ask("news?as_of=2013-10-07T13:30:02Z"), 200); /* the others were received later */
    HAS("first, but");
    assert_null(strstr(answer(), "second"));
    assert_int_equal(ask("news?format=csv"), 200);
    HAS("instrument,feed,event_ns,event_time,receive_ns,receive_time,headline,source,url,id,sentiment,origin,"
        "appended_ms\n");
    HAS("\"first, but \"\"late\"\"\",wire,http://a/b,7,0.25,feed,9\n");
    assert_int_equal(ask("news?instrument=nobody"), 400);
}

static void says_that_no_news_is_published(void **state) {
    (void)state;
    td_view_close(view);
    r.topics.news = NULL;
    const td_view_events events = {.bar = ignore_bar};
    assert_int_equal(td_view_open(&view, &td_os_posix, &r.topics, &events), TD_OK);
    assert_int_equal(ask("news"), 404);
    HAS("\"not_published\",\"message\":\"the topic news is not published here");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tells_every_topic, open_all, close_all),
        cmocka_unit_test_setup_teardown(tells_one_topic, open_all, close_all),
        cmocka_unit_test_setup_teardown(tells_groups_of_others, open_all, close_all),
        cmocka_unit_test_setup_teardown(tells_subjects_elsewhere, open_all, close_all),
        cmocka_unit_test_setup_teardown(shows_what_others_wrote, open_all, close_all),
        cmocka_unit_test_setup_teardown(turns_pages_by_links, open_all, close_all),
        cmocka_unit_test_setup_teardown(looks_for_a_key_where_it_leads, open_all, close_all),
        cmocka_unit_test_setup_teardown(refuses_what_is_not_there, open_all, close_all),
        cmocka_unit_test_setup_teardown(tells_news, open_all, close_all),
        cmocka_unit_test_setup_teardown(says_that_no_news_is_published, open_all, close_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
