/* tests/unit/schema_registry_test.c - goal: ids and versions live in the records of `_schemas` alone, in Confluent's
 * form: loading them again gives the same, and a changed schema gets a new version and a new id. */
#include "base/embedded.h"
#include "base/json.h"
#include "schema/registry.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { TOPIC_MAX = 32 };

typedef struct topic { /* stands for `_schemas` */
    td_buf keys[TOPIC_MAX], values[TOPIC_MAX];
    size_t count, refuse_at;
} topic;

static td_status topic_append(void *arg, td_bytes key, td_bytes value) {
    topic *t = arg;
    if (t->count == t->refuse_at) return TD_RETRY;
    assert_true(t->count < TOPIC_MAX);
    td_buf_put(&t->keys[t->count], key.data, key.size);
    td_buf_put(&t->values[t->count++], value.data, value.size);
    return TD_OK;
}

static void topic_fini(topic *t) {
    for (size_t i = 0; i < TOPIC_MAX; i++) {
        td_buf_fini(&t->keys[i]);
        td_buf_fini(&t->values[i]);
    }
}

static void load_all(td_registry *registry, const topic *t) {
    for (size_t i = 0; i < t->count; i++)
        assert_int_equal(td_registry_load(registry, td_buf_bytes(&t->keys[i]), td_buf_bytes(&t->values[i])), TD_OK);
}

/* Appends one record of a schema as Confluent would write it. */
static void topic_add(topic *t, const char *subject, int version, int id, td_bytes schema) {
    td_buf *key = &t->keys[t->count], *value = &t->values[t->count];
    t->count++;
    td_buf_printf(key, "{\"keytype\":\"SCHEMA\",\"subject\":\"%s\",\"version\":%d,\"magic\":1}", subject, version);
    td_buf_printf(value, "{\"subject\":\"%s\",\"version\":%d,\"id\":%d,\"schema\":", subject, version, id);
    td_json_put_string(value, schema);
    td_buf_text(value, ",\"deleted\":false}");
}

static bool begins(const td_buf *buf, const char *text) {
    return buf->size >= strlen(text) && memcmp(buf->data, text, strlen(text)) == 0;
}

static void an_empty_log_gets_all_schemas_in_order(void **state) {
    (void)state;
    topic t = {.refuse_at = SIZE_MAX};
    td_registry *registry = td_registry_new();
    const td_schema_ids *ids = td_registry_ids(registry);
    for (int i = 0; i < TD_SCHEMA_COUNT; i++) assert_int_equal(ids->id[i], -1);
    assert_int_equal(td_registry_ensure(registry, topic_append, &t), TD_OK);
    assert_int_equal(t.count, TD_SCHEMA_COUNT);
    for (int i = 0; i < TD_SCHEMA_COUNT; i++) {
        char key[128], value[128];
        const char *subject = td_schema_subject((td_schema)i);
        assert_int_equal(ids->id[i], i + 1);
        assert_int_equal(td_schema_ids_find(ids, (uint32_t)i + 1), i);
        (void)snprintf(key, sizeof key, "{\"keytype\":\"SCHEMA\",\"subject\":\"%s\",\"version\":1,\"magic\":1}",
                       subject);
        assert_true(begins(&t.keys[i], key) && t.keys[i].size == strlen(key));
        (void)snprintf(value, sizeof value,
                       "{\"subject\":\"%s\",\"version\":1,\"id\":%d,\"schema\":\"{\\\"type\\\":\\\"record\\\"", subject,
                       i + 1);
        assert_true(begins(&t.values[i], value));
        assert_memory_equal(t.values[i].data + t.values[i].size - 19, "}\",\"deleted\":false}", 19);
    }
    assert_int_equal(td_schema_ids_find(ids, 0), -1);
    assert_int_equal(td_schema_ids_find(ids, TD_SCHEMA_COUNT + 1), -1);
    assert_int_equal(td_registry_ensure(registry, topic_append, &t), TD_OK); /* nothing is left to do */
    assert_int_equal(t.count, TD_SCHEMA_COUNT);
    td_registry_free(registry);
    topic_fini(&t);
}

static void loading_gives_the_same_ids(void **state) {
    (void)state;
    topic t = {.refuse_at = SIZE_MAX};
    td_registry *first = td_registry_new(), *second = td_registry_new();
    assert_int_equal(td_registry_ensure(first, topic_append, &t), TD_OK);
    load_all(second, &t);
    load_all(second, &t); /* compaction and retries may repeat a record */
    assert_memory_equal(td_registry_ids(first), td_registry_ids(second), sizeof(td_schema_ids));
    assert_int_equal(td_registry_ensure(second, topic_append, &t), TD_OK);
    assert_int_equal(t.count, TD_SCHEMA_COUNT);
    td_registry_free(second);
    td_registry_free(first);
    topic_fini(&t);
}

/* Our own schema with one piece of its text replaced: what an older program may have written. */
static td_bytes older_schema(td_schema schema, const char *piece, const char *other, char *out, size_t capacity) {
    td_bytes text = td_schema_text(schema);
    const char *at = memmem(text.data, text.size, piece, strlen(piece));
    assert_non_null(at);
    int head = (int)(at - (const char *)text.data), skip = head + (int)strlen(piece);
    int size = snprintf(out, capacity, "%.*s%s%.*s", head, (const char *)text.data, other, (int)text.size - skip,
                        (const char *)text.data + skip);
    assert_true(size > 0 && (size_t)size < capacity);
    return td_text(out);
}

static void a_changed_schema_gets_a_new_version_and_id(void **state) {
    (void)state;
    topic t = {.refuse_at = SIZE_MAX};
    td_registry *registry = td_registry_new();
    const td_schema_ids *ids = td_registry_ids(registry);
    char older[8192];
    topic_add(&t, "bars-value", 1, 1, TD_TEXT("\"string\"")); /* nothing that could be followed, but not the latest */
    topic_add(&t, "bars-value", 2, 7,
              older_schema(TD_SCHEMA_BAR, "\"revision\",\"type\":\"int\"",
                           "\"was\",\"type\":\"int\"},{\"name\":"
                           "\"revision\",\"type\":\"int\"",
                           older, sizeof older));
    topic_add(&t, "signals-value", 3, 2, td_schema_text(TD_SCHEMA_SIGNAL));
    topic_add(&t, "signals-value", 4, 8, TD_TEXT("\"int\"")); /* somebody's newer one: ours stays what it was */
    load_all(registry, &t);
    (void)td_registry_ids(registry);
    assert_int_equal(td_schema_ids_find(ids, 1), -1);
    assert_int_equal(td_schema_ids_find(ids, 7), -1);
    assert_int_equal(td_schema_ids_find(ids, 2), TD_SCHEMA_SIGNAL);
    assert_int_equal(td_registry_ensure(registry, topic_append, &t), TD_OK);
    assert_int_equal(t.count, 4 + TD_SCHEMA_COUNT - 1);
    assert_int_equal(ids->id[TD_SCHEMA_SIGNAL], 2);
    assert_int_equal(ids->id[TD_SCHEMA_TRADE], 9); /* behind the highest, whatever gaps there are */
    assert_int_equal(ids->id[TD_SCHEMA_BAR], 13);
    assert_true(begins(&t.values[8], "{\"subject\":\"bars-value\",\"version\":3,\"id\":13,"));
    td_registry_free(registry);
    topic_fini(&t);
}

/* Backward: what the log holds must be readable by this program. Nothing is written when one subject's is not. */
static void an_incompatible_change_is_refused_before_anything_is_written(void **state) {
    (void)state;
    static const struct {
        td_schema schema;
        const char *piece, *other, *complaint; /* NULL: none */
    } rows[] = {
        {TD_SCHEMA_QUARANTINED, "\"ask_size\",\"type\":[\"null\"", "\"ask_size\",\"type\":[\"null\",\"long\"",
         "version 1 of quarantine-value: Quarantined.ask_size|long: no branch"},
        {TD_SCHEMA_SIGNAL, "\"ordinal\",\"type\":\"long\"", "\"ordinal\",\"type\":\"int\"", NULL},
        {TD_SCHEMA_SIGNAL, "\"ordinal\",\"type\":\"long\"", "\"ordinal\",\"type\":\"double\"",
         "version 1 of signals-value: Signal.ordinal: double cannot be read as long"},
        {TD_SCHEMA_BAR, "{\"name\":\"revision\"", "{\"name\":\"renamed\"",
         "version 1 of bars-value: Bar: nothing was written for the field revision"},
        {TD_SCHEMA_TIME, "\"name\":\"Time\"", "\"name\":\"Clock\"",
         "version 1 of tape-tapedeck.Time: Time: record tapedeck.Clock cannot be read as tapedeck.Time"},
        {TD_SCHEMA_PROGRAM, "{\"type\":\"record\"", "{\"type\":\"recrd\"", "did you mean \"record\"?"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        topic t = {.refuse_at = SIZE_MAX};
        char older[8192];
        td_registry *registry = td_registry_new();
        td_schema schema = rows[i].schema;
        topic_add(&t, td_schema_subject(schema), 1, 1,
                  older_schema(schema, rows[i].piece, rows[i].other, older, sizeof older));
        size_t before = t.count;
        load_all(registry, &t);
        td_status status = td_registry_ensure(registry, topic_append, &t);
        assert_int_equal(status, rows[i].complaint == NULL ? TD_OK : TD_CONFIG);
        if (rows[i].complaint != NULL) {
            if (strstr(td_trail(), rows[i].complaint) == NULL)
                fail_msg("%s\nhas no: %s", td_trail(), rows[i].complaint);
            assert_int_equal(t.count, before);
        } else {
            assert_int_equal(t.count, before + TD_SCHEMA_COUNT);
        }
        td_registry_free(registry);
        topic_fini(&t);
    }
}

/* A log of the version before is gone on with: its ticks are read, and new ones get a schema of their own. */
static void ticks_of_the_version_before_keep_their_meaning(void **state) {
    (void)state;
    topic t = {.refuse_at = SIZE_MAX};
    td_registry *registry = td_registry_new();
    const td_embedded *e = td_embedded_schemas;
    while (strcmp(e->name, "older/Trade.1.avsc") != 0) e++;
    topic_add(&t, "tape-tapedeck.Trade", 1, 1, e->bytes);
    load_all(registry, &t);
    const td_schema_ids *ids = td_registry_ids(registry);
    assert_int_equal(td_schema_ids_find(ids, 1), TD_SCHEMA_TRADE + TD_SCHEMA_BEFORE);
    assert_int_equal(td_registry_ensure(registry, topic_append, &t), TD_OK);
    assert_int_equal(td_schema_ids_find(ids, 1), TD_SCHEMA_TRADE + TD_SCHEMA_BEFORE);
    assert_int_equal(ids->id[TD_SCHEMA_TRADE], 2);
    assert_true(begins(&t.values[1], "{\"subject\":\"tape-tapedeck.Trade\",\"version\":2,\"id\":2,"));
    td_registry_free(registry);
    topic_fini(&t);
}

static void one_text_has_one_id_under_all_subjects(void **state) {
    (void)state;
    topic t = {.refuse_at = SIZE_MAX};
    td_registry *registry = td_registry_new();
    topic_add(&t, "other-value", 1, 5, td_schema_text(TD_SCHEMA_BAR));
    load_all(registry, &t);
    assert_int_equal(td_registry_ids(registry)->id[TD_SCHEMA_BAR], -1); /* not registered under our subject yet */
    assert_int_equal(td_registry_ensure(registry, topic_append, &t), TD_OK);
    assert_int_equal(td_registry_ids(registry)->id[TD_SCHEMA_BAR], 5);
    assert_int_equal(t.count, 1 + TD_SCHEMA_COUNT);
    assert_int_equal(td_registry_ids(registry)->id[TD_SCHEMA_TRADE], 6);
    td_registry_free(registry);
    topic_fini(&t);
}

static void a_refused_append_is_made_up_for_later(void **state) {
    (void)state;
    topic t = {.refuse_at = 3};
    td_registry *registry = td_registry_new();
    assert_int_equal(td_registry_ensure(registry, topic_append, &t), TD_RETRY);
    assert_int_equal(td_registry_ids(registry)->id[2], 3);
    assert_int_equal(td_registry_ids(registry)->id[3], -1);
    t.refuse_at = SIZE_MAX;
    assert_int_equal(td_registry_ensure(registry, topic_append, &t), TD_OK);
    assert_int_equal(t.count, TD_SCHEMA_COUNT);
    td_registry_free(registry);
    topic_fini(&t);
}

static void what_we_do_not_write_is_corrupt(void **state) {
    (void)state;
#define KEY   "{\"keytype\":\"SCHEMA\",\"subject\":\"a\",\"version\":2,\"magic\":1}"
#define VALUE "{\"subject\":\"a\",\"version\":2,\"id\":2,\"schema\":\"\\\"int\\\"\",\"deleted\":false}"
    static const struct {
        const char *key, *value;
        td_status status;
    } rows[] = {
        {KEY, VALUE, TD_OK},
        {"{\"magic\":1,\"version\":2,\"subject\":\"a\",\"keytype\":\"SCHEMA\"}", VALUE, TD_OK}, /* order is free */
        {KEY, "{\"md5\":\"x\",\"refs\":[{}],\"subject\":\"a\",\"version\":2,\"id\":2,\"schema\":\"\\\"int\\\"\"}",
         TD_OK},
        {"", VALUE, TD_CORRUPT},
        {KEY, "", TD_CORRUPT},
        {KEY " ,", VALUE, TD_CORRUPT},
        {KEY, "[1]", TD_CORRUPT},
        {"{\"keytype\":\"CONFIG\",\"subject\":\"a\",\"version\":2,\"magic\":1}", VALUE, TD_CORRUPT},
        {"{\"keytype\":\"SCHEMA\",\"subject\":\"b\",\"version\":2,\"magic\":1}", VALUE, TD_CORRUPT},
        {"{\"keytype\":\"SCHEMA\",\"subject\":\"a\",\"version\":3,\"magic\":1}", VALUE, TD_CORRUPT},
        {"{\"keytype\":\"SCHEMA\",\"subject\":\"a\",\"version\":2,\"magic\":0}", VALUE, TD_CORRUPT},
        {KEY, "{\"subject\":\"a\",\"version\":2,\"id\":0,\"schema\":\"1\",\"deleted\":false}", TD_CORRUPT},
        {KEY, "{\"subject\":\"a\",\"version\":2,\"id\":2147483648,\"schema\":\"1\",\"deleted\":false}", TD_CORRUPT},
        {KEY, "{\"subject\":\"a\",\"version\":2,\"id\":1.5,\"schema\":\"1\",\"deleted\":false}", TD_CORRUPT},
        {KEY, "{\"subject\":\"a\",\"version\":2,\"id\":\"2\",\"schema\":\"1\",\"deleted\":false}", TD_CORRUPT},
        {KEY, "{\"subject\":\"a\",\"version\":2,\"id\":2,\"schema\":\"1\",\"deleted\":true}", TD_OK},
        {KEY, "{\"subject\":\"a\",\"version\":2,\"id\":2,\"deleted\":false}", TD_CORRUPT},
        {KEY, "{\"subject\":\"a\",\"version\":2,\"id\":2,\"schema\":\"\\ud800\",\"deleted\":false}", TD_CORRUPT},
        /* id 1 is another text; version 1 of "a" has another id */
        {KEY, "{\"subject\":\"a\",\"version\":2,\"id\":1,\"schema\":\"1\",\"deleted\":false}", TD_CORRUPT},
        {"{\"keytype\":\"SCHEMA\",\"subject\":\"a\",\"version\":1,\"magic\":1}",
         "{\"subject\":\"a\",\"version\":1,\"id\":3,\"schema\":\"1\",\"deleted\":false}", TD_CORRUPT},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        topic t = {0};
        td_registry *registry = td_registry_new();
        topic_add(&t, "a", 1, 1, TD_TEXT("\"string\""));
        load_all(registry, &t);
        assert_int_equal(td_registry_load(registry, td_text(rows[i].key), td_text(rows[i].value)), rows[i].status);
        td_registry_free(registry);
        topic_fini(&t);
    }
}

static void ids_run_out_with_words(void **state) {
    (void)state;
    topic t = {.refuse_at = SIZE_MAX};
    td_registry *registry = td_registry_new();
    topic_add(&t, "a", 1, INT32_MAX, TD_TEXT("\"string\""));
    load_all(registry, &t);
    assert_int_equal(td_registry_ensure(registry, topic_append, &t), TD_CONFIG);
    assert_int_equal(t.count, 1);
    td_registry_free(registry);
    topic_fini(&t);
}

static void what_another_registry_gives_is_learnt(void **state) {
    (void)state;
    td_registry *registry = td_registry_new();
    assert_int_equal(td_registry_lacks(registry), 0);
    for (int i = 0; i < TD_SCHEMA_COUNT; i++) {
        assert_int_equal(td_registry_lacks(registry), i);
        assert_true(td_registry_learn(registry, (td_schema)i, 0, 70000 - i));
    }
    assert_true(td_registry_learn(registry, TD_SCHEMA_BAR, 2, 5));
    assert_true(td_registry_learn(registry, TD_SCHEMA_BAR, 2, 5));  /* again */
    assert_true(td_registry_learn(registry, TD_SCHEMA_BAR, 2, 6));  /* one schema may have several */
    assert_false(td_registry_learn(registry, TD_SCHEMA_BAR, 1, 5)); /* an id has one */
    assert_false(td_registry_learn(registry, TD_SCHEMA_TRADE, 0, 70000 - TD_SCHEMA_BAR));
    const td_schema_ids *ids = td_registry_ids(registry);
    assert_int_equal(td_registry_lacks(registry), TD_SCHEMA_COUNT);
    assert_int_equal(ids->id[TD_SCHEMA_BAR], 70000 - TD_SCHEMA_BAR);
    assert_int_equal(ids->id[TD_SCHEMA_TRADE], 70000 - TD_SCHEMA_TRADE);
    assert_int_equal(td_schema_ids_find(ids, 5), TD_SCHEMA_BAR + 2 * TD_SCHEMA_BEFORE);
    td_registry_free(registry);
}

static void texts_of_each_age(void **state) {
    (void)state;
    assert_true(td_bytes_equal(td_schema_text_of_age(TD_SCHEMA_BAR, 0), td_schema_text(TD_SCHEMA_BAR)));
    for (int age = 1; age <= TD_SCHEMA_OLDER_MAX; age++) {
        td_bytes text = td_schema_text_of_age(TD_SCHEMA_BAR, age);
        assert_true(text.size > 0 && !td_bytes_equal(text, td_schema_text_of_age(TD_SCHEMA_BAR, age - 1)));
    }
    assert_int_equal(td_schema_text_of_age(TD_SCHEMA_BAR, TD_SCHEMA_OLDER_MAX + 1).size, 0);
    assert_int_equal(td_schema_text_of_age(TD_SCHEMA_TIME, 1).size, 0);
}

static void texts_are_minified_json(void **state) {
    (void)state;
    for (int i = 0; i < TD_SCHEMA_COUNT; i++) {
        td_bytes text = td_schema_text((td_schema)i);
        char name[64];
        td_json json;
        td_json_init(&json, text);
        assert_true(td_json_skip(&json));
        assert_int_equal(td_json_next(&json), TD_JSON_END);
        assert_null(memchr(text.data, '\n', text.size));
        assert_null(memmem(text.data, text.size, "\": ", 3));
        (void)snprintf(name, sizeof name, "{\"type\":\"record\",\"name\":\"%s\",\"namespace\":\"tapedeck\"",
                       td_schema_name((td_schema)i));
        assert_memory_equal(text.data, name, strlen(name));
    }
}

/* However they lie: an unknown id is found to be one, so a slot stays empty. */
static void more_ids_than_there_is_room_for_are_refused(void **state) {
    (void)state;
    td_schema_ids full;
    td_schema_ids_init(&full);
    for (int32_t id = 1; id < TD_SCHEMA_SLOTS; id++) assert_true(td_schema_ids_put(&full, id, 1));
    assert_true(td_schema_ids_put(&full, 7, 2)); /* a known one takes no room */
    assert_false(td_schema_ids_put(&full, TD_SCHEMA_SLOTS, 1));
    assert_int_equal(td_schema_ids_find(&full, TD_SCHEMA_SLOTS), -1);
    assert_int_equal(td_schema_ids_find(&full, 7), 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_log_gets_all_schemas_in_order),
        cmocka_unit_test(loading_gives_the_same_ids),
        cmocka_unit_test(a_changed_schema_gets_a_new_version_and_id),
        cmocka_unit_test(an_incompatible_change_is_refused_before_anything_is_written),
        cmocka_unit_test(one_text_has_one_id_under_all_subjects),
        cmocka_unit_test(ticks_of_the_version_before_keep_their_meaning),
        cmocka_unit_test(a_refused_append_is_made_up_for_later),
        cmocka_unit_test(what_we_do_not_write_is_corrupt),
        cmocka_unit_test(ids_run_out_with_words),
        cmocka_unit_test(what_another_registry_gives_is_learnt),
        cmocka_unit_test(texts_of_each_age),
        cmocka_unit_test(texts_are_minified_json),
        cmocka_unit_test(more_ids_than_there_is_room_for_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
