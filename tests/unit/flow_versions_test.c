/* tests/unit/flow_versions_test.c - goal: the texts of a strategy are those that were in force, in their order, whoever
 * stands beside them in the programs; a place without its record is none; one text is found by its hash alone. */
#include "log_rig.h"
/* after the rig's own */
#include "base/hash.h"
#include "base/time.h"
#include "flow/versions.h"
#include "lang/program.h"

static const char *const texts[] = {
    [0] = "strategy x on bars(1m)\n  buy when close > 1\n",
    [1] = "strategy x on bars(1m)\n  buy when close > 2\n\nseries s on bars(1m)\n  a = close\n",
    [2] = "strategy y on bars(1m)\n  buy when close > 3\n",
    [3] = "strategy y on bars(1m)\n  buy when close > 4\n",
};

typedef struct bench {
    td_topics topics;
    int64_t now_ms;
} bench;

static void body_of(int a, int b, td_buf *out) {
    static const int64_t width_ns = TD_NS_PER_MIN;
    td_bytes both[] = {td_text(texts[a]), td_text(b >= 0 ? texts[b] : "")};
    td_program_settings settings = {
        .widths_ns = &width_ns, .width_count = 1, .strategies = both, .strategy_count = b >= 0 ? 2 : 1};
    td_program_body(&settings, out);
}

static void begin(bench *b, int one, int other) {
    td_buf body = {0};
    body_of(one, other, &body);
    b->now_ms += 1000;
    if (td_program_begin(&b->topics, td_buf_bytes(&body), b->now_ms) != TD_OK) fail_msg("%s", td_trail());
    td_buf_fini(&body);
}

/* A place whose record the machine lost. */
static void begin_in_vain(bench *b, int one) {
    td_buf body = {0}, place = {0};
    uint8_t sha256[TD_PROGRAM_SHA_BYTES];
    char hex[2 * TD_PROGRAM_SHA_BYTES + 1];
    td_destination to = {.topic = b->topics.programs, .now_ms = b->now_ms};
    body_of(one, -1, &body);
    td_sha256(td_buf_bytes(&body), sha256);
    td_hex(sha256, sizeof sha256, hex);
    assert_int_equal(td_topics_put(&to, td_text(hex), td_buf_bytes(&body)), TD_OK);
    td_buf_printf(&place, "%s %d", hex, (int)td_topic_end(b->topics.tape, 0));
    assert_int_equal(td_topics_put(&to, TD_TEXT("tape/0"), td_buf_bytes(&place)), TD_OK);
    td_buf_fini(&place);
    td_buf_fini(&body);
}

/* A program that another version of this one could read. */
static void put_unreadable(bench *b) {
    char hex[2 * TD_PROGRAM_SHA_BYTES + 1] = {0};
    td_destination to = {.topic = b->topics.programs, .now_ms = b->now_ms};
    memset(hex, 'a', sizeof hex - 1);
    assert_int_equal(td_topics_put(&to, td_text(hex), TD_TEXT("words of another time")), TD_OK);
}

static void hash_of(int which, char out[2 * TD_PROGRAM_SHA_BYTES + 1]) {
    uint8_t sha256[TD_PROGRAM_SHA_BYTES];
    td_sha256(td_text(texts[which]), sha256);
    td_hex(sha256, sizeof sha256, out);
}

static td_versions *read_all(const bench *b, const char *hash) {
    td_versions *v = td_versions_new(&b->topics, hash);
    td_status status;
    while ((status = td_versions_step(v)) == TD_AGAIN) continue;
    if (status != TD_OK) fail_msg("%s", td_trail());
    return v;
}

static void put_version(void *arg, const td_version *version) {
    char hash[2 * TD_PROGRAM_SHA_BYTES + 1];
    td_buf *out = arg;
    int which = version->none ? -1 : 0;
    for (; which >= 0; which++) {
        hash_of(which, hash);
        if (strcmp(hash, version->hash) == 0) break;
    }
    td_buf_printf(out, "%d@%d%s ", which, (int)(version->since_ms / 1000), version->in_force ? "!" : "");
}

static void assert_told(const td_versions *v, const char *strategy, const char *wanted) {
    td_buf out = {0};
    if (strategy != NULL)
        td_versions_each_of(v, td_text(strategy), put_version, &out);
    else
        td_versions_each_now(v, put_version, &out);
    td_buf_put(&out, "", 1);
    assert_string_equal((const char *)out.data, wanted);
    td_buf_fini(&out);
}

static void tells_what_was_in_force(void **state) {
    bench b = {0};
    rig_open_log(*state);
    assert_int_equal(td_topics_open(&b.topics, ((rig *)*state)->log, 2, 0), TD_OK);
    td_versions *v = read_all(&b, "");
    assert_told(v, "x", "");
    assert_told(v, NULL, "");
    td_versions_free(v);
    begin(&b, 2, -1); /* x is not there yet */
    begin(&b, 0, 2);
    begin(&b, 0, 3); /* y alone changes */
    begin_in_vain(&b, 1);
    put_unreadable(&b);
    begin(&b, 3, 1);
    begin(&b, 0, 3); /* x goes back */
    begin(&b, 3, -1);
    begin(&b, 1, 3);
    v = read_all(&b, "");
    assert_told(v, "x", "0@2 1@4 0@5 -1@6 1@7! ");
    assert_told(v, "y", "2@1 3@3! ");
    assert_told(v, "s", "1@4 -1@5 1@7! ");
    assert_told(v, "z", "");
    assert_told(v, NULL, "3@3! 1@7! ");
    td_versions_free(v);
    begin(&b, 0, -1);
    v = read_all(&b, "");
    assert_told(v, "y", "2@1 3@3 -1@8 ");
    td_versions_free(v);
    td_topics_close(&b.topics);
}

static void finds_a_text_by_its_hash(void **state) {
    bench b = {0};
    char hash[2 * TD_PROGRAM_SHA_BYTES + 1];
    rig_open_log(*state);
    assert_int_equal(td_topics_open(&b.topics, ((rig *)*state)->log, 2, 0), TD_OK);
    begin(&b, 0, 2);
    begin(&b, 1, 2);
    td_version version;
    td_bytes text;
    hash_of(0, hash);
    hash[8] = '\0';
    td_versions *v = read_all(&b, hash);
    assert_int_equal(td_versions_text(v, TD_TEXT("x"), &version, &text), TD_OK);
    assert_true(td_bytes_equal(text, td_text(texts[0])));
    assert_int_equal(version.line_count, 2);
    assert_int_equal(td_versions_text(v, TD_TEXT("y"), &version, &text), TD_CONFIG); /* another's */
    td_versions_free(v);
    hash_of(3, hash); /* never in force */
    v = read_all(&b, hash);
    assert_int_equal(td_versions_text(v, TD_TEXT("y"), &version, &text), TD_CONFIG);
    td_versions_free(v);
    td_topics_close(&b.topics);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tells_what_was_in_force, rig_new, rig_free),
        cmocka_unit_test_setup_teardown(finds_a_text_by_its_hash, rig_new, rig_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
