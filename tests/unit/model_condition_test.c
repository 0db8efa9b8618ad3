/* tests/unit/model_condition_test.c - goal: a table of sale conditions says of each code what it admits, a faulty one
 * is refused with its line, and those that come along say what the tape's specifications say. */
#include "app/conditions.h"
#include "unit.h"
#include <string.h>

static td_code code_of(const char *text) {
    td_code code = {.size = (uint8_t)strlen(text)};
    memcpy(code.text, text, code.size);
    return code;
}

static void the_strictest_condition_counts(void **state) {
    static const struct {
        const char *code;
        td_admits regular, all;
    } rows[] = {
        {"", TD_ADMITS_LAST, TD_ADMITS_LAST},
        {"1", TD_ADMITS_LAST, TD_ADMITS_LAST},
        {"2", TD_ADMITS_HIGH_LOW, TD_ADMITS_HIGH_LOW},
        {"3", TD_ADMITS_HIGH_LOW, TD_ADMITS_HIGH_LOW},
        {"0000000a", TD_ADMITS_VOLUME, TD_ADMITS_HIGH_LOW},
        {"A", TD_ADMITS_VOLUME, TD_ADMITS_HIGH_LOW},
        {"4", TD_ADMITS_NOTHING, TD_ADMITS_NOTHING},
        {"f", TD_ADMITS_NOTHING, TD_ADMITS_NOTHING},
        {"10", TD_ADMITS_LAST, TD_ADMITS_LAST},            /* no row has it */
        {"8000000000000", TD_ADMITS_LAST, TD_ADMITS_LAST}, /* … nor that */
        {"@ T", TD_ADMITS_LAST, TD_ADMITS_LAST},           /* no number */
        {"g", TD_ADMITS_LAST, TD_ADMITS_LAST},
        {"400000000000", TD_ADMITS_VOLUME, TD_ADMITS_VOLUME},
    };
    (void)state;
    td_condition_table t;
    td_bytes text = TD_TEXT("# a table\n\nvenue X # its name\n1 last\n2 high-low\n0004 nothing # 4\n"
                            "8 volume extended\n400000000000 volume");
    assert_int_equal(td_condition_table_parse(text, &t), TD_OK);
    assert_string_equal(t.venue, "X");
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_code code = code_of(rows[i].code);
        ASSERT_ROW(td_conditions_admit(&t.regular, &code) == rows[i].regular, "%s, regular", rows[i].code);
        ASSERT_ROW(td_conditions_admit(&t.all, &code) == rows[i].all, "%s, all", rows[i].code);
    }
}

static void a_faulty_table_is_refused_with_its_line(void **state) {
    static const struct {
        const char *text, *said;
    } rows[] = {
        {"", "line 0: no flag has a row"},
        {"venue X\n", "line 1: no flag has a row"},
        {"1 last\n", "line 1: the first line names the venue"},
        {"venue\n", "line 1: the first line names the venue"},
        {"venue 01234567890123456789012345678901\n", "line 1: the first line names the venue"},
        {"venue X\n\n3 last\n", "line 3: a row begins with one flag"},
        {"venue X\n0 last\n", "line 2: a row begins with one flag"},
        {"venue X\nxyz last\n", "line 2: a row begins with one flag"},
        {"venue X\n10000000000000000 last\n", "line 2: a row begins with one flag"},
        {"venue X\n8000000000000000 last\n", "line 2: 63 flags"},
        {"venue X\n1 last\n1 volume\n", "line 3: the flag has a row already"},
        {"venue X\n1\n", "line 2: a flag admits"},
        {"venue X\n1 open\n", "line 2: a flag admits"},
        {"venue X\n1 volume late\n", "line 2: what follows is"},
        {"venue X\n1 volume extended T\n", "line 2: what follows is"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_condition_table t;
        ASSERT_ROW(td_condition_table_parse(td_text(rows[i].text), &t) == TD_REJECT, "%zu", i);
        ASSERT_ROW(strstr(td_trail(), rows[i].said) != NULL, "%zu: %s", i, td_trail());
    }
}

typedef struct admitted {
    const char *code;
    td_admits regular, all;
} admitted;

static void check_table(const char *venue, const admitted *rows, size_t count) {
    td_condition_table t;
    assert_true(td_conditions_find(venue, &t));
    for (size_t i = 0; i < count; i++) {
        td_code code = code_of(rows[i].code);
        ASSERT_ROW(td_conditions_admit(&t.regular, &code) == rows[i].regular, "%s, regular", rows[i].code);
        ASSERT_ROW(td_conditions_admit(&t.all, &code) == rows[i].all, "%s, all", rows[i].code);
    }
}

static void lean_codes_the_tape(void **state) {
    static const admitted rows[] = {
        {"1", TD_ADMITS_LAST, TD_ADMITS_LAST},                /* regular */
        {"20000020", TD_ADMITS_LAST, TD_ADMITS_LAST},         /* sweep, exempt */
        {"40", TD_ADMITS_LAST, TD_ADMITS_LAST},               /* opening print */
        {"2000", TD_ADMITS_VOLUME, TD_ADMITS_LAST},           /* extended hours */
        {"6000", TD_ADMITS_VOLUME, TD_ADMITS_HIGH_LOW},       /* … out of sequence */
        {"20100200", TD_ADMITS_VOLUME, TD_ADMITS_VOLUME},     /* average price, derivatively priced, exempt */
        {"20000200", TD_ADMITS_HIGH_LOW, TD_ADMITS_HIGH_LOW}, /* derivatively priced, exempt */
        {"4800", TD_ADMITS_HIGH_LOW, TD_ADMITS_HIGH_LOW},     /* sold, out of sequence */
        {"4000000", TD_ADMITS_NOTHING, TD_ADMITS_NOTHING},    /* official open */
        {"1000001", TD_ADMITS_NOTHING, TD_ADMITS_NOTHING},    /* official close */
        {"80000000", TD_ADMITS_VOLUME, TD_ADMITS_VOLUME},     /* odd lot */
    };
    (void)state;
    td_condition_table t;
    assert_false(td_conditions_find("SIM", &t));
    check_table("LEAN", rows, COUNT_OF(rows));
}

static void finnhub_numbers_the_same(void **state) {
    static const admitted rows[] = {
        {"", TD_ADMITS_LAST, TD_ADMITS_LAST},
        {"2", TD_ADMITS_LAST, TD_ADMITS_LAST},                /* 1: regular */
        {"102", TD_ADMITS_LAST, TD_ADMITS_LAST},              /* 1, 8: sweep */
        {"1001102", TD_ADMITS_VOLUME, TD_ADMITS_VOLUME},      /* 1, 8, 24, 12: an odd lot after hours */
        {"1000002", TD_ADMITS_VOLUME, TD_ADMITS_LAST},        /* 1, 24: form T */
        {"10002", TD_ADMITS_NOTHING, TD_ADMITS_NOTHING},      /* 1, 16: official close */
        {"40000000", TD_ADMITS_HIGH_LOW, TD_ADMITS_HIGH_LOW}, /* 30: sold, out of sequence */
        {"22000000002", TD_ADMITS_VOLUME, TD_ADMITS_VOLUME},  /* 1, 37, 41: qualified contingent, exempt */
        {"20000000000", TD_ADMITS_LAST, TD_ADMITS_LAST},      /* 41 */
        {"4000000000000", TD_ADMITS_LAST, TD_ADMITS_LAST},    /* 50: no row has it */
    };
    (void)state;
    check_table("FINNHUB", rows, COUNT_OF(rows));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_strictest_condition_counts),
        cmocka_unit_test(a_faulty_table_is_refused_with_its_line),
        cmocka_unit_test(lean_codes_the_tape),
        cmocka_unit_test(finnhub_numbers_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
