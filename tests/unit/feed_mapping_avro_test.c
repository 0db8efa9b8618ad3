/* tests/unit/feed_mapping_avro_test.c - goal: of Avro that others write each kind of value is exactly what it says, by
 * the schema that its record names, which is asked for once; what does not fit its schema is refused whole, and no
 * record is refused because its registry is away. */
#include "../contract/web.h"
#include "base/json.h"
#include "feed/mapping.h"
#include "feed_unit.h"
#include "schema/avro.h"

enum { TURNS_MAX = 200 };

static const char schema[] =
    "{\"type\":\"record\",\"name\":\"Tick\",\"namespace\":\"acme\",\"fields\":["
    "{\"name\":\"skip\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"map\",\"values\":\"long\"}}},"
    "{\"name\":\"sym\",\"type\":[\"null\",\"string\"]},"
    "{\"name\":\"d\",\"type\":{\"type\":\"record\",\"name\":\"D\",\"fields\":["
    "{\"name\":\"px\",\"type\":{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":20,\"scale\":4}},"
    "{\"name\":\"fx\",\"type\":{\"type\":\"fixed\",\"name\":\"F\",\"size\":20,\"logicalType\":\"decimal\","
    "\"precision\":40,"
    "\"scale\":2}},"
    "{\"name\":\"dbl\",\"type\":\"double\"},{\"name\":\"flt\",\"type\":\"float\"}]}},"
    "{\"name\":\"side\",\"type\":{\"type\":\"enum\",\"name\":\"S\",\"symbols\":[\"NONE\",\"BUY\",\"SELL\"]}},"
    "{\"name\":\"id\",\"type\":[\"long\",\"string\"]},"
    "{\"name\":\"micros\",\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"}},"
    "{\"name\":\"millis\",\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}},"
    "{\"name\":\"day\",\"type\":{\"type\":\"int\",\"logicalType\":\"date\"}},"
    "{\"name\":\"nanos\",\"type\":\"long\"},"
    "{\"name\":\"l\",\"type\":{\"type\":\"array\",\"items\":\"int\"}},"
    "{\"name\":\"m\",\"type\":{\"type\":\"map\",\"values\":[\"null\",\"double\"]}},"
    "{\"name\":\"b\",\"type\":\"boolean\"}]}";

typedef struct tick { /* what a record says; the rest is the same in all */
    const char *sym;  /* NULL: null */
    int64_t px;       /* with 4 places */
    int64_t fx;       /* with 2 places */
    double dbl;
    float flt;
    int side;
    const char *id; /* a text; NULL: 77 */
} tick;

static void put_long(td_buf *out, int64_t v) {
    td_buf_reserve(out, TD_AVRO_LONG_MAX);
    out->size = (size_t)(td_avro_put_long(out->data + out->size, v) - out->data);
}

static void put_text(td_buf *out, const char *text) {
    put_long(out, (int64_t)strlen(text));
    td_buf_text(out, text);
}

static void put_fixed(td_buf *out, int64_t m) {
    for (int i = 19; i >= 0; i--) td_buf_put(out, &(uint8_t){i >= 8 ? (m < 0 ? 0xff : 0) : (uint8_t)(m >> (8 * i))}, 1);
}

static void put_tick(td_buf *out, const tick *t) {
    put_long(out, 1); /* skip: one map with two entries, in a block that says its size */
    put_long(out, -2);
    put_long(out, 6);
    put_text(out, "a"), put_long(out, 1), put_text(out, "b"), put_long(out, 2);
    put_long(out, 0);
    put_long(out, 0);
    put_long(out, t->sym != NULL);
    if (t->sym != NULL) put_text(out, t->sym);
    td_buf_reserve(out, TD_AVRO_DECIMAL64_MAX);
    out->size = (size_t)(td_avro_put_decimal64(out->data + out->size, t->px) - out->data);
    put_fixed(out, t->fx);
    td_buf_put(out, &t->dbl, sizeof t->dbl);
    td_buf_put(out, &t->flt, sizeof t->flt);
    put_long(out, t->side);
    put_long(out, t->id != NULL);
    if (t->id != NULL)
        put_text(out, t->id);
    else
        put_long(out, 77);
    put_long(out, INT64_C(1700000000123456));
    put_long(out, INT64_C(1700000000123));
    put_long(out, 19675);
    put_long(out, INT64_C(1700000000123456789));
    put_long(out, 2), put_long(out, 8), put_long(out, -9), put_long(out, 0);
    put_long(out, 1), put_text(out, "k"), put_long(out, 1), td_buf_put(out, &t->dbl, sizeof t->dbl), put_long(out, 0);
    td_buf_put(out, "\x01", 1);
}

/* ---- a registry ---- */

typedef struct rig {
    td_os_ops ops;
    td_os os;
    int64_t mono_ns;
    void *web;
    int asked, code;
    web_manner manner;
    const char *body; /* NULL: the schema */
    td_feed_conf conf;
    td_instruments *instruments;
    td_mapping *mapping;
} rig;

static int64_t rig_mono_ns(void *self) { return ((rig *)self)->mono_ns += TD_NS_PER_MS; }

static void on_request(void *self, const char *path, web_answer *out) {
    rig *r = self;
    r->asked++;
    assert_string_equal(path, "/v7/schemas/ids/7");
    assert_string_equal(out->request->authorization, "Basic bWU6c2VzYW1l"); /* me:sesame */
    out->code = r->code;
    out->manner = r->manner;
    td_buf_text(&out->body, r->body != NULL ? r->body : "{\"schema\":");
    if (r->body == NULL) td_json_put_string(&out->body, td_text(schema));
    if (r->body == NULL) td_buf_text(&out->body, "}");
}

static void rig_open(rig *r, const unit_option *fields) {
    *r = (rig){.ops = {.mono_ns = rig_mono_ns}, .code = 200, .instruments = td_instruments_new()};
    r->os = (td_os){&r->ops, r};
    r->web = web_simulated.open(5, (web_handler){on_request, r});
    static const unit_option common[] = {{"format", "avro"},
                                         {"registry", "http://r.test/v7/"},
                                         {"registry_user", "me"},
                                         {"registry_password", "sesame"},
                                         {"venue", "X"},
                                         {"fields", "instrument=sym"},
                                         {NULL, NULL}};
    td_options_init(td_feed_kafka.options, &r->conf);
    for (const unit_option *o = common; o->key != NULL; o++)
        assert_int_equal(td_options_set(td_feed_kafka.options, &r->conf, o->key, o->value), TD_OK);
    for (; fields->key != NULL; fields++)
        assert_int_equal(td_options_set(td_feed_kafka.options, &r->conf, fields->key, fields->value), TD_OK);
    r->conf.http = web_simulated.http;
    td_status status = td_mapping_new(&r->mapping, &r->os, &r->conf, r->instruments);
    ASSERT_ROW(status == TD_OK, "%s", td_trail());
}

static void rig_close(rig *r) {
    td_mapping_free(r->mapping);
    web_simulated.close(r->web);
    td_options_fini(td_feed_kafka.options, &r->conf);
    td_instruments_free(r->instruments);
}

/* What becomes of it, once that is known; "retry" where nobody can say. */
static const char *text_of(rig *r, td_bytes record) {
    static char text[512];
    td_recorded row;
    td_buf out = {0};
    uint8_t *copy = td_alloc(record.size + 1);
    memcpy(copy, record.data, record.size);
    td_status status = TD_AGAIN;
    for (int i = 0; status == TD_AGAIN; i++) {
        assert_in_range(i, 0, TURNS_MAX);
        status = td_mapping_read(r->mapping, (td_bytes){copy, record.size}, INT64_C(1700000000) * TD_NS_PER_S, &row);
    }
    if (status != TD_OK)
        td_buf_printf(&out, "retry: %s", td_trail());
    else if (row.kind == TD_ITEM_EVENT)
        unit_put_event(&out, r->instruments, &row.event);
    else if (row.kind == TD_ITEM_REJECTED)
        td_buf_printf(&out, "%s: %s", td_reason_name((td_reason)row.reason), row.detail);
    else
        td_buf_printf(&out, "ignored %s", row.ignored);
    (void)snprintf(text, sizeof text, "%.*s", (int)out.size, (const char *)out.data);
    td_buf_fini(&out);
    free(copy);
    return text;
}

static const tick usual = {"A", 15000, -250, 0.1, 0.1f, 1, NULL};

static td_bytes framed(td_buf *out, const tick *t) {
    out->size = 0;
    td_buf_put(out, "\0\0\0\0\x07", 5);
    put_tick(out, t);
    return td_buf_bytes(out);
}

#define AT "X:A 2023-11-14T22:13:20.123456Z trade "

static void values(void **state) {
    (void)state;
    static const struct {
        const char *price, *size, *time; /* theirs */
        const char *item;
    } rows[] = {
        {"d.px", "d.dbl", "micros", AT "1.5 x 0.1 side 1 id 77 [ ]"},
        {"d.fx", "d.flt", "micros", AT "-2.5 x 0.1 side 1 id 77 [ ]"},
        {"l.0", "l.1", "micros", AT "8 x -9 side 1 id 77 [ ]"},
        {"m.k", "skip.0.b", "micros", AT "0.1 x 2 side 1 id 77 [ ]"},
        {"d.px", "d.dbl", "millis", "X:A 2023-11-14T22:13:20.123Z trade 1.5 x 0.1 side 1 id 77 [ ]"},
        {"d.px", "d.dbl", "day", "X:A 2023-11-14T00:00:00Z trade 1.5 x 0.1 side 1 id 77 [ ]"},
        {"d.px", "d.dbl", "nanos", "X:A 2023-11-14T22:13:20.123456789Z trade 1.5 x 0.1 side 1 id 77 [ ]"},
        {"l.2", "d.dbl", "micros", "malformed: price (theirs: l.2) is missing"},
        {"m.x", "d.dbl", "micros", "malformed: price (theirs: m.x) is missing"},
        {"d", "d.dbl", "micros", "malformed: price (theirs: d) is no number"},
        {"b", "d.dbl", "micros", "malformed: price (theirs: b) is no number"},
        {"micros", "d.dbl", "micros", "malformed: price (theirs: micros) is no number"},
        {"d.px", "d.dbl", "b", "malformed: time (theirs: b) is no time of `time_unit`"},
    };
    td_buf record = {0};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char price[32], size[32], time[32];
        (void)snprintf(price, sizeof price, "price=%s", rows[i].price);
        (void)snprintf(size, sizeof size, "size=%s", rows[i].size);
        (void)snprintf(time, sizeof time, "time=%s", rows[i].time);
        const unit_option fields[] = {
            {"fields", price},         {"fields", size},     {"fields", time}, {"fields", "side=side"},
            {"fields", "trade_id=id"}, {"sides", "BUY=buy"}, {NULL, NULL}};
        rig r;
        rig_open(&r, fields);
        const char *text = text_of(&r, framed(&record, &usual));
        ASSERT_ROW(strcmp(text, rows[i].item) == 0, "%zu: %s", i, text);
        rig_close(&r);
    }
    td_buf_fini(&record);
}

static const unit_option plain[] = {{"fields", "price=d.px"},  {"fields", "size=d.dbl"},  {"fields", "side=side"},
                                    {"fields", "trade_id=id"}, {"fields", "time=micros"}, {NULL, NULL}};

static void numbers_are_exact(void **state) {
    (void)state;
    static const struct {
        tick tick;
        const char *item;
    } rows[] = {
        {{"A", INT64_C(92233720368547), 0, 1e-8, 0, 2, NULL}, AT "9223372036.8547 x 0.00000001 side 2 id 77 [ ]"},
        {{"A", -1, 0, 1e6, 0, 2, NULL}, AT "-0.0001 x 1000000 side 2 id 77 [ ]"},
        {{"A", 1, 0, 123456.789, 0, 2, "78"}, AT "0.0001 x 123456.789 side 2 id 78 [ ]"},
        {{"A", 1, 0, 1.0 / 0.0, 0, 2, NULL}, "malformed: size (theirs: d.dbl) is no number"},
        {{"A", 1, 0, 1e300, 0, 2, NULL},
         "range: size (theirs: d.dbl) is too large a number, or too small to be told from 0"},
        {{"A", 1, 0, 1, 0, 0, NULL}, "malformed: side (theirs: side) is neither buy nor sell, nor one of `sides`"},
        {{NULL, 1, 0, 1, 0, 2, NULL}, "malformed: instrument (theirs: sym) is missing"},
        {{"A", 1, 0, 1, 0, 2, "x"}, "malformed: trade_id (theirs: id) is no whole number of 64 bits"},
    };
    rig r;
    td_buf record = {0};
    rig_open(&r, plain);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const char *text = text_of(&r, framed(&record, &rows[i].tick));
        ASSERT_ROW(strcmp(text, rows[i].item) == 0, "%zu: %s", i, text);
    }
    assert_int_equal(r.asked, 1);
    td_buf_fini(&record);
    rig_close(&r);
}

/* Cut at each byte, with a byte too many, or with an impossible branch: whole or not at all. */
static void what_is_not_as_its_schema_says(void **state) {
    (void)state;
    rig r;
    td_buf record = {0};
    tick bad = usual;
    rig_open(&r, plain);
    td_bytes whole = framed(&record, &usual);
    for (size_t size = 0; size < whole.size; size++) {
        const char *text = text_of(&r, (td_bytes){whole.data, size});
        bool framed_well = size >= 5;
        ASSERT_ROW(strcmp(text, framed_well
                                    ? "malformed: the record is not as its schema says"
                                    : "malformed: the record has no schema id: a zero byte and four more are its "
                                      "first ones") == 0,
                   "%zu: %s", size, text);
    }
    td_buf_put(&record, "", 1);
    assert_string_equal(text_of(&r, td_buf_bytes(&record)), "malformed: the record is not as its schema says");
    bad.side = 3;
    assert_string_equal(text_of(&r, framed(&record, &bad)), "malformed: the record is not as its schema says");
    static const uint8_t endless[] = {0, 0, 0, 0, 7, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01};
    assert_string_equal(text_of(&r, (td_bytes){endless, sizeof endless}),
                        "malformed: the record is not as its schema says");
    td_buf_fini(&record);
    rig_close(&r);
}

/* A list of nothing has any length in a few bytes. */
static void lists_of_nothing_end(void **state) {
    (void)state;
    static const uint8_t few[] = {4, 0}, endless[] = {0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0};
    td_picker picker = {0};
    td_picked picked[TD_PICKER_MAX];
    td_avro_schema *nothing;
    assert_int_equal(td_avro_schema_parse(TD_TEXT("{\"type\":\"array\",\"items\":\"null\"}"), &nothing), TD_OK);
    assert_int_equal(td_picker_add(&picker, "1"), TD_OK);
    assert_true(td_picker_read_avro(&picker, nothing, (td_bytes){few, sizeof few}, picked));
    assert_false(td_picker_read_avro(&picker, nothing, (td_bytes){endless, sizeof endless}, picked));
    td_picker_fini(&picker);
    td_avro_schema_free(nothing);
}

static void what_the_registry_says(void **state) {
    (void)state;
    rig r;
    td_buf record = {0};
    rig_open(&r, plain);
    td_bytes whole = framed(&record, &usual);
    r.manner = WEB_CUT;
    assert_non_null(strstr(text_of(&r, whole), "retry: registry: http://r.test/v7/ gives no answer"));
    r.manner = WEB_WHOLE;
    r.code = 503;
    assert_non_null(strstr(text_of(&r, whole), "retry: registry: http://r.test/v7/ answers code 503"));
    r.code = 404;
    r.body = "{\"error_code\":40403,\"message\":\"Schema not found\"}";
    int asked = r.asked;
    for (int i = 0; i < 3; i++)
        assert_string_equal(text_of(&r, whole), "malformed: schema id 7: the registry does not know it");
    assert_int_equal(r.asked, asked + 1);
    r.mono_ns += 11 * TD_NS_PER_S; /* it may have got one since */
    r.code = 200;
    r.body = "{\"schema\":\"{\\\"type\\\":\\\"object\\\"}\",\"schemaType\":\"JSON\"}";
    assert_non_null(strstr(text_of(&r, whole), "malformed: schema id 7: "));
    r.mono_ns += 11 * TD_NS_PER_S;
    r.body = NULL;
    for (int i = 0; i < 3; i++) assert_string_equal(text_of(&r, whole), AT "1.5 x 0.1 side 1 id 77 [ ]");
    assert_int_equal(r.asked, asked + 3);
    td_buf_fini(&record);
    rig_close(&r);
}

static void without_a_registry(void **state) {
    (void)state;
    td_feed_conf conf;
    td_mapping *m;
    td_instruments *instruments = td_instruments_new();
    td_options_init(td_feed_kafka.options, &conf);
    static const unit_option settings[] = {
        {"format", "avro"}, {"event", "price"}, {"fields", "instrument=s"}, {"fields", "price=p"}};
    for (size_t i = 0; i < COUNT_OF(settings); i++)
        assert_int_equal(td_options_set(td_feed_kafka.options, &conf, settings[i].key, settings[i].value), TD_OK);
    assert_int_equal(td_mapping_new(&m, &td_os_posix, &conf, instruments), TD_CONFIG);
    assert_non_null(strstr(td_trail(), "registry: missing"));
    assert_int_equal(td_options_set(td_feed_kafka.options, &conf, "registry", "ftp://x"), TD_OK);
    assert_int_equal(td_mapping_new(&m, &td_os_posix, &conf, instruments), TD_CONFIG);
    assert_non_null(strstr(td_trail(), "registry: "));
    td_options_fini(td_feed_kafka.options, &conf);
    td_instruments_free(instruments);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values),
        cmocka_unit_test(numbers_are_exact),
        cmocka_unit_test(what_is_not_as_its_schema_says),
        cmocka_unit_test(lists_of_nothing_end),
        cmocka_unit_test(what_the_registry_says),
        cmocka_unit_test(without_a_registry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
