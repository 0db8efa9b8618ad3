/* tests/unit/stream_elementary_test.c - goal: elementary functions are right to the last places over their whole
 * domain, and say NaN outside it. The machine's own libm is the judge here, and only here. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "stream/elementary.h"
#include <cmocka.h>

static const struct {
    const char *name;
    double (*ours)(double), (*judge)(double);
    double low, high;
    double places;   /* units of the last place */
    double absolute; /* or this near, where a zero of the function makes places meaningless */
} rows[] = {
    {"exp", td_exp, exp, -745, 709, 2, 0},
    {"exp", td_exp, exp, -1, 1, 2, 0},
    {"ln", td_ln, log, 1e-300, 1e300, 2, 0},
    {"ln", td_ln, log, 0.5, 2, 2, 0},
    {"log10", td_log10, log10, 1e-9, 1e9, 3, 0},
    {"sin", td_sin, sin, -10, 10, 2, 0x1p-52},
    {"sin", td_sin, sin, -0x1p29, 0x1p29, 2, 0x1p-52},
    {"cos", td_cos, cos, -10, 10, 2, 0x1p-52},
    {"cos", td_cos, cos, -0x1p29, 0x1p29, 2, 0x1p-52},
    {"tan", td_tan, tan, -1.5, 1.5, 5, 0},
    {"asin", td_asin, asin, -1, 1, 5, 0},
    {"acos", td_acos, acos, -1, 1, 5, 0},
    {"atan", td_atan, atan, -3, 3, 5, 0},
    {"atan", td_atan, atan, -1e9, 1e9, 5, 0},
    {"sinh", td_sinh, sinh, -3, 3, 5, 0},
    {"sinh", td_sinh, sinh, -709, 709, 5, 0},
    {"cosh", td_cosh, cosh, -709, 709, 5, 0},
    {"tanh", td_tanh, tanh, -30, 30, 5, 0},
    {"tanh", td_tanh, tanh, -1, 1, 5, 0},
    {"ceil", td_ceil, ceil, -5, 5, 0, 0},
};

static void test_values(void **state) {
    (void)state;
    enum { STEPS = 20000 };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (int k = 0; k <= STEPS; k++) {
            double x = rows[i].low + (rows[i].high - rows[i].low) * (k + 0.37 * (k % 2)) / (STEPS + 1.0);
            double got = rows[i].ours(x), expected = rows[i].judge(x);
            double place = nextafter(fabs(expected), INFINITY) - fabs(expected);
            if (!(fabs(got - expected) <= fmax(rows[i].places * place, rows[i].absolute)))
                fail_msg("%s(%a) is %a, not %a", rows[i].name, x, got, expected);
        }
    }
}

static void test_edges(void **state) {
    (void)state;
    static const struct {
        double (*function)(double);
        double x, value; /* NaN: it must be that */
    } edges[] = {
        {td_exp, 0, 1},          {td_exp, 1e9, INFINITY},  {td_exp, -1e9, 0},       {td_ln, 1, 0},
        {td_ln, 0, NAN},         {td_ln, -1, NAN},         {td_ln, INFINITY, NAN},  {td_log10, 0, NAN},
        {td_sin, 0, 0},          {td_cos, 0, 1},           {td_sin, 0x1.1p29, NAN}, {td_cos, -1e300, NAN},
        {td_tan, INFINITY, NAN}, {td_asin, 1.1, NAN},      {td_acos, -1.1, NAN},    {td_asin, 1, M_PI_2},
        {td_asin, -1, -M_PI_2},  {td_acos, -1, M_PI},      {td_acos, 1, 0},         {td_atan, INFINITY, M_PI_2},
        {td_sinh, 0, 0},         {td_sinh, 1e4, INFINITY}, {td_cosh, 0, 1},         {td_tanh, -1e300, -1},
        {td_exp, NAN, NAN},      {td_ln, NAN, NAN},        {td_tanh, NAN, NAN},     {td_ceil, -0.5, 0},
    };
    for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++) {
        double got = edges[i].function(edges[i].x);
        if (isnan(edges[i].value) ? !isnan(got) : got != edges[i].value)
            fail_msg("edge %zu, at %g: %g, not %g", i, edges[i].x, got, edges[i].value);
    }
    assert_true(td_ln(0x1p-1074) == log(0x1p-1074)); /* the least double there is */
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_values), cmocka_unit_test(test_edges)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
