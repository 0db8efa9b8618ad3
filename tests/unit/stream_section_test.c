/* tests/unit/stream_section_test.c - goal: what one instrument is among the members of its section and end, ties and
 * absences included; and what may stand in a cross-section is said at its place. */
#include "strategy_rig.h"
#include "stream/section.h"
#include <math.h>
/* after its own */
#include "unit.h"

static td_member member(uint64_t section, int64_t end_ns, const char *name, double value) {
    td_member m = {.section = section, .end_ns = end_ns, .value = value, .name_size = (uint32_t)strlen(name)};
    memcpy(m.name, name, m.name_size);
    return m;
}

static void one_among_all(void **state) {
    (void)state;
    const td_member list[] = {member(1, 10, "V:A", 3), member(1, 10, "V:B", 1),     member(2, 10, "V:C", 9),
                              member(1, 10, "V:D", 3), member(1, 20, "V:A", 7),     member(1, 10, "V:E", -5),
                              member(1, 10, "V:F", 3), member(3, 10, "V:A", 1e300), member(3, 10, "V:B", -1e300)};
    td_ranking ranking = {0};
    td_ranking_make(&ranking, (td_members){list, 2}); /* made anew it forgets these */
    td_ranking_make(&ranking, (td_members){list, COUNT_OF(list)});
    static const struct {
        uint64_t section;
        int64_t end_ns;
        const char *name;
        double rank, place, mean, deviation, count; /* NAN: na */
    } rows[] = {
        {1, 10, "V:A", 0.8, 2, 1, 3.0983866769659336, 5},
        {1, 10, "V:F", 0.8, 2, 1, 3.0983866769659336, 5},
        {1, 10, "V:B", 0.4, 4, 1, 3.0983866769659336, 5},
        {1, 10, "V:E", 0.2, 5, 1, 3.0983866769659336, 5},
        {1, 10, "V:C", NAN, NAN, 1, 3.0983866769659336, 5}, /* of another section */
        {1, 20, "V:A", 1, 1, 7, 0, 1},
        {2, 10, "V:C", 1, 1, 9, 0, 1},
        {1, 30, "V:A", NAN, NAN, NAN, NAN, 0},
        {3, 10, "V:A", 1, 1, 0, NAN, 2}, /* squares beyond all doubles */
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const double wanted[] = {[TD_PORT_RANK] = rows[i].rank,
                                 [TD_PORT_PLACE] = rows[i].place,
                                 [TD_PORT_MEAN] = rows[i].mean,
                                 [TD_PORT_DEVIATION] = rows[i].deviation,
                                 [TD_PORT_MEMBERS] = rows[i].count};
        const td_member of = member(rows[i].section, rows[i].end_ns, rows[i].name, 0);
        for (td_port_kind kind = TD_PORT_RANK; kind <= TD_PORT_MEMBERS; kind++) {
            td_value got = td_ranking_value(&ranking, kind, &of);
            bool same = isnan(wanted[kind]) ? td_value_is_na(got) : td_value_to_real(got) == wanted[kind];
            ASSERT_ROW(same, "%zu, kind %d", i, (int)kind);
        }
    }
    td_ranking_fini(&ranking);
}

static void what_cannot_be_compared_is_said(void **state) {
    (void)state;
    static const struct {
        const char *text, *error;
    } rows[] = {
        {"strategy a on trades\n  buy when rank(price) > 0.5\n", "cross-sections are of strategies on bars"},
        {"series a on bars(1m)\n  r = rank(close)\n", "cross-sections are of strategies on bars"},
        {"fn f(x) = rank(x)\nstrategy a on bars(1m)\n  buy when f(close) > 0.5\n", "not in a fn"},
        {"strategy a on bars(1m)\n  r = rank(close)\n  buy when rank(r) > 0.5\n", "cannot rest on another one"},
        {"strategy a on bars(1m)\n  buy when rank(rank(close)) > 0.5\n", "cannot rest on another one"},
        {"strategy a on bars(1m)\n  buy when rank(held / 1s) > 0.5\n", "is of the market: 'held'"},
        {"strategy a on bars(1m)\n  buy when place() > 1\n", "place(x) takes 1 argument"},
        {"strategy a on bars(1m)\n  buy when breadth(close) > 0.5\n", "expected a condition, found a number"},
        {"strategy a on bars(1m)\n  buy when rank(3) > 0.5\n", "must move"},
        {"strategy a on bars(1m)\n  x = clse\n  buy when rank(x) > 0.5\n", "unknown name 'clse'"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_buf errors = {0};
        ASSERT_ROW(rig_compile(rows[i].text, &errors) == NULL, "%zu", i);
        td_buf_put(&errors, "", 1);
        ASSERT_ROW(strstr((const char *)errors.data, rows[i].error) != NULL, "%zu: %s", i, (const char *)errors.data);
        td_buf_fini(&errors);
    }
}

static void names_stay_free(void **state) { /* those of a fn, and of what is over time */
    (void)state;
    rig r = rig_open("fn place(x) = x + 1\nstrategy a on bars(1m)\n  rank = rank(close, 2)\n  p = place(rank)\n"
                     "  members = 5\n  buy when p > members\n");
    double value;
    rig_price(&r, 1000);
    rig_price(&r, 2000);
    assert_true(rig_line(&r, "p", &value) && value == 2);
    rig_close(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_among_all),
        cmocka_unit_test(what_cannot_be_compared_is_said),
        cmocka_unit_test(names_stay_free),
    };
    return cmocka_run_group_tests_name("stream_section", tests, NULL, NULL);
}
