/* tests/fuzz/fuzz_http.c - any bytes as the head of a request, to the request handler: whatever is asked, the answer or
 * the error is whole JSON or CSV, nobody without the token gets more than the probes, and the address of a next page
 * can be asked for in turn. The schema registry is asked too: what it takes is appended, and read back without a word.
 *
 * Input: a request line and headers as on the wire. The library that splits them in the program is not under test; here
 * they are split as simply as can be. */
#include "../sim/os_sim.h"
#include "base/json.h"
#include "base/time.h"
#include "lang/program.h"
#include "log/log_segment.h"
#include "schema/registry.h"
#include "serve/answer.h"
#include "serve/board.h"
#include "serve/request.h"
#include "serve/schema_answer.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { BARS = 90, HEAD_MAX = 4096, PAGES_MAX = 40 };
#define T0_NS (INT64_C(1381152600) * TD_NS_PER_S)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static td_view *view;
static td_guard guards[2]; /* one with a token and all addresses, one of loopback without */

/* ---- a small log ---- */

static td_schemas *schemas;
static td_browser *browser;
static td_topic *schemas_topic;

static td_status keep_schema(void *arg, td_bytes schema_key, td_bytes value) {
    td_batch batch;
    td_writer *writer;
    (void)arg;
    td_batch_init(&batch, 1 << 16);
    bool added = td_batch_add(&batch, 1, schema_key, value, (td_bytes){0}, (td_bytes){0});
    td_status status = td_writer_open(&writer, schemas_topic->log, "fuzz");
    if (status == TD_OK) status = td_writer_append(writer, schemas_topic, 0, &batch);
    assert(added && status == TD_OK);
    td_writer_close(writer);
    td_batch_fini(&batch);
    return TD_OK;
}

static td_status put_schema(void *self, td_bytes schema_key, td_bytes value, uint64_t *out_ticket) {
    *out_ticket = 0;
    return keep_schema(self, schema_key, value);
}

static td_status ask_schema(void *self, uint64_t ticket) {
    (void)self, (void)ticket;
    return TD_OK;
}

static void tell_unreadable(void *self, const char *event, const char *text) {
    (void)self, (void)event, (void)text;
    abort(); /* what it took is not what it reads */
}
static void ignore_bar(void *self, td_bytes instrument, const td_bar *bar) { (void)self, (void)instrument, (void)bar; }
static void ignore_signal(void *self, td_bytes instrument, const td_signal *signal, int64_t appended_ms) {
    (void)self, (void)instrument, (void)signal, (void)appended_ms;
}

static void ignore_gap(void *self, td_bytes instrument, const td_gap *gap) { (void)self, (void)instrument, (void)gap; }

static void append(td_topic *topic, td_bytes name, td_buf *value) {
    td_batch batch;
    td_writer *writer;
    td_batch_init(&batch, 1 << 16);
    bool added = td_batch_add(&batch, 1, name, td_buf_bytes(value), (td_bytes){0}, (td_bytes){0});
    td_status status = td_writer_open(&writer, topic->log, "fuzz");
    if (status == TD_OK) status = td_writer_append(writer, topic, 0, &batch);
    assert(added && status == TD_OK);
    td_writer_close(writer);
    td_batch_fini(&batch);
    value->size = 0;
}

static void fill(const td_serve_topics *t) {
    static const td_bytes names[] = {TD_TEXT("LEAN:IBM"), TD_TEXT("B:\"%&#")};
    td_buf value = {0};
    for (int64_t i = 0; i < BARS; i++) {
        int64_t price = (50 + i % 7) * 1000000000, at_ns = T0_NS + i * TD_NS_PER_S;
        td_bar bar = {.start_ns = at_ns,
                      .end_ns = at_ns + TD_NS_PER_S,
                      .width_ns = TD_NS_PER_S,
                      .open = price,
                      .high = price,
                      .low = price,
                      .close = price,
                      .vwap = price,
                      .trade_count = 1,
                      .revision = (int32_t)(i % 10 == 0)};
        td_record_put_bar(&value, t->ids, names[i % 2], &bar);
        append(t->bars, names[i % 2], &value);
        td_signal signal = {.strategy = TD_TEXT("s"), .note = TD_TEXT("a\"\n"), .event_ns = at_ns, .ordinal = 1};
        td_record_put_signal(&value, t->ids, names[i % 2], &signal);
        append(t->signals, names[i % 2], &value);
        td_gap gap = {.feed = TD_TEXT("f\"eed"), .number = 1 + i / 3, .from_ns = at_ns, .to_ns = TD_NONE};
        gap.status = (uint8_t)(i % 3);
        td_record_put_gap(&value, t->ids, names[i % 2], &gap);
        append(t->gaps, names[i % 2], &value);
        td_event event = {.kind = TD_EVENT_TRADE, .event_ns = at_ns, .trade = {.price = price, .size = 1}};
        td_record_put_event(&value, t->ids, TD_TEXT("f\"eed"), &event);
        append(t->tape, names[i % 2], &value);
        td_event news = {.kind = TD_EVENT_NEWS, .event_ns = at_ns, .news = {.headline = TD_TEXT("h\"\n")}};
        td_record_put_published(&value, t->ids, TD_TEXT("f\"eed"), names[i % 2], &news);
        append(t->news, names[i % 2], &value);
    }
    td_buf_fini(&value);
}

static td_program *make_program(const int64_t *widths_ns) {
    const td_bytes strategy = TD_TEXT("strategy s on bars(1s) for LEAN:*\n  f = sma(close, 3)\n  buy when f > 50\n");
    td_program_settings settings = {
        .widths_ns = widths_ns, .width_count = 1, .strategies = &strategy, .strategy_count = 1};
    td_buf body = {0};
    td_program *program;
    td_program_body(&settings, &body);
    td_status status = td_program_compile(td_buf_bytes(&body), &program);
    assert(status == TD_OK);
    td_buf_fini(&body);
    return program;
}

static void begin(void) {
    static td_os os;
    static const int64_t widths_ns[] = {TD_NS_PER_S};
    static char all[] = "0.0.0.0:80", own[] = "127.0.0.1:8750", token[] = "0123456789abcdef", pem[] = "x";
    os = td_sim_os(td_sim_new(1));
    td_log *log;
    td_log_conf conf = {.dir = "data"};
    td_status status = td_log_segment_open(&log, &os, &conf, NULL, NULL);
    td_serve_topics t = {.widths_ns = widths_ns, .width_count = 1, .program = make_program(widths_ns)};
    if (status == TD_OK) status = td_log_topic(log, "tape", 1, TD_TOPIC_INPUT, &t.tape);
    if (status == TD_OK) status = td_log_topic(log, "bars", 1, TD_TOPIC_OUTPUT, &t.bars);
    if (status == TD_OK) status = td_log_topic(log, "signals", 1, TD_TOPIC_OUTPUT, &t.signals);
    if (status == TD_OK) status = td_log_topic(log, "vendor_bars", 1, TD_TOPIC_OUTPUT, &t.vendor_bars);
    if (status == TD_OK) status = td_log_topic(log, "quarantine", 1, TD_TOPIC_OUTPUT, &t.quarantine);
    if (status == TD_OK) status = td_log_topic(log, "gaps", 1, TD_TOPIC_OUTPUT, &t.gaps);
    if (status == TD_OK) status = td_log_topic(log, "news", 1, TD_TOPIC_OUTPUT, &t.news);
    const td_view_events events = {.bar = ignore_bar, .signal = ignore_signal, .gap = ignore_gap};
    if (status == TD_OK) status = td_log_topic(log, "_schemas", 1, TD_TOPIC_INPUT, &t.schemas);
    schemas_topic = t.schemas;
    t.run = (td_serve_run){.put_schema = put_schema, .ask = ask_schema, .notice = tell_unreadable};
    td_registry *registry = td_registry_new();
    if (status == TD_OK) status = td_registry_ensure(registry, keep_schema, NULL);
    t.ids = td_registry_ids(registry);
    fill(&t);
    if (status == TD_OK) status = td_view_open(&view, &os, &t, &events);
    while (status == TD_OK && td_view_step(view) > 0) continue;
    if (status == TD_OK) status = td_schemas_open(&schemas, &t);
    browser = td_browser_new(&t, schemas);
    const td_serve_conf closed = {.listen = all, .token = token, .cert = pem, .key = pem}, open = {.listen = own};
    if (status == TD_OK) status = td_guard_init(&guards[0], &closed);
    if (status == TD_OK) status = td_guard_init(&guards[1], &open);
    assert(status == TD_OK);
}

/* ---- splitting ---- */

static int hex_of(uint8_t c) {
    return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

static td_bytes decode(uint8_t *data, size_t size) {
    size_t out = 0;
    for (size_t i = 0; i < size; i++) {
        int high = data[i] == '%' && i + 2 < size ? hex_of(data[i + 1]) : -1,
            low = high >= 0 ? hex_of(data[i + 2]) : -1;
        data[out++] = low >= 0 ? (uint8_t)(high << 4 | low) : data[i];
        if (low >= 0) i += 2;
    }
    return (td_bytes){data, out};
}

static td_bytes next_part(td_bytes *rest, uint8_t end) {
    const uint8_t *at = rest->size > 0 ? memchr(rest->data, end, rest->size) : NULL;
    td_bytes part = {rest->data, at != NULL ? (size_t)(at - rest->data) : rest->size};
    size_t used = part.size + (at != NULL);
    *rest = (td_bytes){rest->data + used, rest->size - used};
    return part;
}

static void split_target(td_bytes target, td_request_head *head) {
    head->target_bytes = target.size;
    td_bytes path = next_part(&target, '?');
    head->path = decode((uint8_t *)(uintptr_t)path.data, path.size);
    while (target.size > 0 && head->argument_count <= TD_ARGUMENTS_MAX) {
        td_bytes part = next_part(&target, '&');
        if (head->argument_count < TD_ARGUMENTS_MAX)
            head->arguments[head->argument_count] = decode((uint8_t *)(uintptr_t)part.data, part.size);
        head->argument_count++;
    }
}

static td_bytes body; /* of what is posted: in one line, as if it were a header */

static void split(uint8_t *data, size_t size, td_request_head *head) {
    td_bytes rest = {data, size}, line = next_part(&rest, '\n'), method = next_part(&line, ' ');
    *head = (td_request_head){.get = td_bytes_equal(method, TD_TEXT("GET")),
                              .head = td_bytes_equal(method, TD_TEXT("HEAD")),
                              .post = td_bytes_equal(method, TD_TEXT("POST")),
                              .put = td_bytes_equal(method, TD_TEXT("PUT")),
                              .del = td_bytes_equal(method, TD_TEXT("DELETE"))};
    body = (td_bytes){0};
    split_target(next_part(&line, ' '), head);
    while (rest.size > 0) {
        td_bytes value = next_part(&rest, '\n'), name = next_part(&value, ':');
        if (value.size > 0 && value.data[0] == ' ') (void)next_part(&value, ' ');
        if (td_bytes_equal(name, TD_TEXT("Host"))) head->host = value;
        if (td_bytes_equal(name, TD_TEXT("Accept"))) head->accept = value;
        if (td_bytes_equal(name, TD_TEXT("Authorization"))) head->authorization = value;
        if (td_bytes_equal(name, TD_TEXT("Content-Type"))) head->content_type = value;
        if (td_bytes_equal(name, TD_TEXT("Body"))) body = value;
        if (td_bytes_equal(name, TD_TEXT("Origin"))) head->origin = value, head->has_origin = true;
    }
}

/* ---- what must hold ---- */

static void check_json(const td_buf *text) {
    td_json json;
    td_json_type type;
    td_json_init(&json, td_buf_bytes(text));
    do type = td_json_next(&json);
    while (type != TD_JSON_END && type != TD_JSON_ERROR);
    assert(type == TD_JSON_END);
}

/* Each by itself: what one input registers another one finds. */
static void ask_registry(const td_schema_request *request) {
    td_buf posted = {0}, text = {0};
    int64_t now_ns = 1;
    td_buf_put(&posted, body.data, body.size);
    td_schema_answer *a = td_schema_answer_new(schemas, request, &posted);
    td_status status = TD_AGAIN;
    while (status == TD_AGAIN || status == TD_FULL) {
        status = td_schema_answer_step(a, now_ns);
        td_status synced = td_log_sync(schemas_topic->log);
        assert(synced == TD_OK);
        (void)td_schemas_step(schemas);
        now_ns += TD_NS_PER_MS;
    }
    const td_schema_error *error = td_schema_answer_error(a);
    assert((status == TD_OK) == (error->http == 0) && error->code != 50002);
    td_schema_put_error(&text, error);
    check_json(&text);
    if (status == TD_OK) check_json(td_schema_answer_text(a));
    td_schema_answer_free(a);
    td_buf_fini(&text);
}

static void check_error(const td_api_error *error) {
    td_buf out = {0};
    assert(error->http >= 400 && error->http < 500 && error->code != NULL);
    td_api_put_error(&out, error);
    check_json(&out);
    td_buf_fini(&out);
}

/* True with the address of the next page in `next`. */
static bool answer(const td_api_request *request, char *next, size_t capacity) {
    td_api_error error = {0};
    const td_answer_sources sources = {view, browser};
    td_answer *a = td_answer_new(&sources, request, body, &error);
    if (a == NULL) {
        check_error(&error);
        return false;
    }
    td_status status;
    while ((status = td_answer_step(a)) == TD_AGAIN) continue;
    assert(status == TD_OK);
    if (strcmp(td_answer_type(a), "application/json") == 0) check_json(td_answer_body(a));
    (void)snprintf(next, capacity, "%s", td_answer_next(a));
    td_answer_free(a);
    return next[0] != '\0';
}

static void follow(const td_guard *guard, td_request_head *head, const td_api_request *first) {
    static char next[2048];
    td_request request = {.api = *first};
    for (int page = 0; page < PAGES_MAX && answer(&request.api, next, sizeof next); page++) {
        td_api_error error = {0};
        head->argument_count = 0;
        split_target((td_bytes){(uint8_t *)next, strlen(next)}, head);
        bool read = td_request_read(guard, head, &request, &error);
        assert(read && request.route == TD_ROUTE_API && request.api.kind == first->kind);
    }
}

static void check(const td_guard *guard, uint8_t *data, size_t size) {
    td_request_head head;
    td_request request;
    td_api_error error = {0};
    td_buf out = {0};
    split(data, size, &head);
    if (!td_request_read(guard, &head, &request, &error)) {
        check_error(&error);
        return;
    }
    bool probe = request.route == TD_ROUTE_LIVE || request.route == TD_ROUTE_READY;
    assert(probe || td_guard_token(guard, head.authorization));
    assert(head.get || head.head || head.post || request.route == TD_ROUTE_SCHEMAS);
    if (request.route == TD_ROUTE_SCHEMAS) ask_registry(&request.schemas);
    if (probe) (void)(request.route == TD_ROUTE_LIVE ? td_board_put_live : td_board_put_ready)(&out, view);
    if (request.route == TD_ROUTE_API && request.api.kind == TD_API_STATUS)
        td_board_put(&out, &(td_board){0}, view);
    else if (request.route == TD_ROUTE_API && request.api.kind != TD_API_STREAM)
        follow(guard, &head, &request.api);
    if (out.size > 0) check_json(&out);
    td_buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static uint8_t copy[HEAD_MAX];
    if (view == NULL) begin();
    for (size_t i = 0; i < 2; i++) {
        if (size > sizeof copy) return 0;
        memcpy(copy, data, size);
        check(&guards[i], copy, size);
    }
    return 0;
}
