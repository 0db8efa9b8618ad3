/* tests/unit/flow_members_test.c - goal: the members of an end are those that each partition told before its first mark
 * there, whoever asks how often, however far the others are ahead, and wherever the reading begins again. */
#include "log_rig.h"
/* after the rig's own */
#include "flow/members.h"

enum { PARTITIONS = 2 };

typedef struct said { /* section 0: a mark */
    uint32_t partition;
    uint64_t section;
    int64_t end_ns;
    const char *name;
} said;

static void say(rig *r, const td_topics *topics, const said *s) {
    td_member m = {.section = s->section, .end_ns = s->end_ns, .value = 1, .name_size = (uint32_t)strlen(s->name)};
    memcpy(m.name, s->name, m.name_size);
    td_buf value = {0};
    td_record_put_member(&value, topics->ids, &m);
    const td_destination to = {r->writer, topics->outputs[TD_OUTPUT_SECTIONS], s->partition, 1000};
    assert_int_equal(td_topics_put(&to, td_text(s->name), td_buf_bytes(&value)), TD_OK);
    td_buf_fini(&value);
}

/* Symbols of ends up to that, sorted; "wait" when a partition has not come there. */
static void collect(td_gathering *g, int64_t done_ns, int64_t end_ns, char out[64]) {
    td_members members;
    td_status status = td_gathering_collect(g, done_ns, end_ns, &members);
    if (status != TD_OK && status != TD_AGAIN) fail_msg("%s", td_trail());
    (void)snprintf(out, 64, "%s", status == TD_AGAIN ? "wait" : "");
    for (char letter = 'A'; letter <= 'Z' && status == TD_OK; letter++)
        for (size_t i = 0; i < members.count; i++)
            if (members.list[i].end_ns <= end_ns && members.list[i].name[2] == letter)
                (void)snprintf(out + strlen(out), 64 - strlen(out), "%c", letter);
}

typedef struct question {
    int64_t done_ns, end_ns;
    const char *gives;
} question;

static const question each[] = {
    {0, 10, "AB"}, {10, 20, "AC"}, {20, 30, "B"}, {30, 40, "D"}, {40, 45, ""}, {45, 60, "wait"},
};
static const question several[] = {{0, 25, "AABC"}, {25, 45, "BD"}}; /* at once */

static const said told[] = {
    {0, 7, 10, "V:A"}, {0, 0, 11, ""},    {0, 7, 10, "V:X"}, /* behind its mark */
    {0, 7, 20, "V:A"}, {0, 0, 20, ""},    {0, 7, 20, "V:Y"}, {0, 0, 25, ""},
    {0, 7, 30, "V:B"}, {0, 0, 49, ""}, /* far ahead, and then nothing more */
    {1, 7, 10, "V:B"}, {1, 7, 20, "V:C"}, {1, 0, 12, ""},    {1, 0, 22, ""},
    {1, 0, 33, ""},    {1, 7, 40, "V:D"}, {1, 0, 40, ""},    {1, 0, 50, ""},
};

/* `anew`: the reading begins anew before that question. */
static void ask_all(const td_topics *topics, const question *asked, size_t count, size_t anew) {
    char got[64];
    td_members_places places = {0};
    td_gathering *g = td_gathering_new(topics, &places);
    for (size_t i = 0; i < count; i++) {
        if (i == anew) {
            td_gathering_places(g, asked[i].done_ns, &places);
            td_gathering_free(g);
            g = td_gathering_new(topics, &places);
        }
        collect(g, asked[i].done_ns, asked[i].end_ns, got);
        ASSERT_ROW(strcmp(got, asked[i].gives) == 0, "%zu of %zu, begun anew at %zu: %s", i, count, anew, got);
    }
    td_gathering_free(g);
}

static void members_of_each_end(void **state) {
    rig *r = *state;
    td_topics topics;
    rig_open_log(r);
    assert_int_equal(td_topics_open(&topics, r->log, PARTITIONS, 0), TD_OK);
    for (size_t i = 0; i < COUNT_OF(told); i++) say(r, &topics, &told[i]);
    for (size_t anew = 0; anew <= COUNT_OF(each); anew++) {
        ask_all(&topics, each, COUNT_OF(each), anew);
        ask_all(&topics, several, COUNT_OF(several), anew);
    }
    td_topics_close(&topics);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(members_of_each_end, rig_new, rig_free)};
    return cmocka_run_group_tests_name("flow_members", tests, NULL, NULL);
}
