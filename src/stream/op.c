/* src/stream/op.c - what each operator is and, for the pure ones, computes. */
#include "stream/op.h"
#include "stream/elementary.h"
#include "stream/indicator.h"
#include "stream/order.h"
#include "stream/over.h"
#include <assert.h>
#include <math.h>

static td_value step_ago(const td_step *s) { return td_past_at(&s->past[0], s->n); }

static td_value step_at(const td_step *s) {
    if (td_value_is_na(s->in[1])) return TD_VALUE_NA;
    uint32_t ago = (uint32_t)(s->in[1] / TD_VALUE_ONE);
    assert(ago <= s->n);
    return ago == 0 ? s->in[0] : td_past_at(&s->past[0], ago);
}

static td_value step_time(const td_step *s) { return td_daytime_time(s->daytime, (td_daytime_field)s->n); }
static td_value step_clock(const td_step *s) { return td_daytime_clock(s->daytime, s->n * TD_NS_PER_S); }
static td_value step_weekday(const td_step *s) { return td_daytime_weekday(s->daytime); }

static size_t total_bytes(td_type type, uint32_t n) { return (void)n, td_total_bytes(type); }

#define DECIMAL   .type = TD_TYPE_DECIMAL
#define REAL      .type = TD_TYPE_REAL
#define CONDITION .type = TD_TYPE_CONDITION
#define WINDOW    .warmup = TD_WARMUP_WINDOW
#define PAST      .warmup = TD_WARMUP_PAST
#define DAYTIME   .daytime = true
#define MATH(fn)                                                                                                       \
    { .inputs = 1, .pure = true, .real = true, REAL, .math = (fn) }

const td_op_row td_op_rows[TD_OP_COUNT] = {
    [TD_OP_CONSTANT] = {0}, /* its type is the node's own */
    [TD_OP_FIELD] = {DECIMAL},
    [TD_OP_PORT] = {0}, /* of its port's type */
    [TD_OP_FACT] = {0}, /* of its facts' */
    [TD_OP_TEXT] = {CONDITION},
    [TD_OP_AGO] = {.inputs = 1, .same = 1, .pasts = 1, PAST, .step = step_ago},
    [TD_OP_AT] = {.inputs = 2, .same = 1, .pasts = 1, .step = step_at},
    [TD_OP_SUM] = {.inputs = 1, WINDOW, .pasts = 1, REAL, .step = td_sum_step, .state_bytes = total_bytes},
    [TD_OP_SMA] = {.inputs = 1, WINDOW, .pasts = 1, REAL, .step = td_sma_step, .state_bytes = total_bytes},
    [TD_OP_EMA] =
        {.forgets = TD_FORGETS_SLOWLY, .inputs = 2, WINDOW, REAL, .step = td_ema_step, .state_bytes = total_bytes},
    [TD_OP_WMA] =
        {.inputs = 1, WINDOW, .pasts = 1, .real = true, REAL, .step = td_wma_step, .state_bytes = td_wma_bytes},
    [TD_OP_COVARIANCE] = {.inputs = 2,
                          .pasts = 2,
                          .real = true,
                          .commutative = true,
                          WINDOW,
                          REAL,
                          .step = td_covariance_step,
                          .state_bytes = td_covariance_bytes},
    [TD_OP_RUNNING_SUM] = {.forgets = TD_FORGETS_NEVER,
                           .inputs = 1,
                           .real = true,
                           REAL,
                           .step = td_running_sum_step,
                           .state_bytes = total_bytes},
    [TD_OP_BLEND] = {.forgets = TD_FORGETS_SLOWLY,
                     .inputs = 3,
                     .real = true,
                     REAL,
                     .step = td_blend_step,
                     .state_bytes = td_blend_bytes},
    [TD_OP_HOLD] =
        {.forgets = TD_FORGETS_NEVER, .inputs = 1, .same = 1, .step = td_hold_step, .state_bytes = td_hold_bytes},
    [TD_OP_SINCE] =
        {.forgets = TD_FORGETS_NEVER, .inputs = 1, DECIMAL, .step = td_since_step, .state_bytes = td_since_bytes},
    [TD_OP_MAX_AGO] =
        {.inputs = 1, WINDOW, .pasts = 1, DECIMAL, .step = td_max_ago_step, .state_bytes = td_extreme_bytes},
    [TD_OP_MIN_AGO] =
        {.inputs = 1, WINDOW, .pasts = 1, DECIMAL, .step = td_min_ago_step, .state_bytes = td_extreme_bytes},
    [TD_OP_QUANTILE] = {.inputs = 2, WINDOW, REAL, .step = td_quantile_step, .state_bytes = td_sorted_bytes},
    [TD_OP_RANK] = {.inputs = 1, WINDOW, REAL, .step = td_rank_step, .state_bytes = td_sorted_bytes},
    [TD_OP_MEAN_DISTANCE] = {.inputs = 1, WINDOW, REAL, .step = td_mean_distance_step, .state_bytes = td_sorted_bytes},
    [TD_OP_SAR] =
        {.inputs = 4, .warmup = TD_WARMUP_ONE, .real = true, REAL, .step = td_sar_step, .state_bytes = td_sar_bytes},
    [TD_OP_OVER_SUM] = {.inputs = 3, DAYTIME, REAL, .step = td_over_sum_step, .state_bytes = td_over_sum_bytes},
    [TD_OP_OVER_MEAN] = {.inputs = 3, DAYTIME, REAL, .step = td_over_mean_step, .state_bytes = td_over_sum_bytes},
    [TD_OP_OVER_COVARIANCE] =
        {.inputs = 4, DAYTIME, REAL, .step = td_over_covariance_step, .state_bytes = td_over_covariance_bytes},
    [TD_OP_OVER_FIRST] =
        {.inputs = 3, .same = 1, DAYTIME, .step = td_over_first_step, .state_bytes = td_over_first_bytes},
    [TD_OP_OVER_LAST] = {.inputs = 3, .same = 1, DAYTIME, .step = td_over_last_step, .state_bytes = td_over_last_bytes},
    [TD_OP_OVER_MAX] =
        {.inputs = 3, .same = 1, DAYTIME, .step = td_over_max_step, .state_bytes = td_over_extreme_bytes},
    [TD_OP_OVER_MIN] =
        {.inputs = 3, .same = 1, DAYTIME, .step = td_over_min_step, .state_bytes = td_over_extreme_bytes},
    [TD_OP_OVER_QUANTILE] =
        {.inputs = 4, .keeps = true, DAYTIME, REAL, .step = td_over_quantile_step, .state_bytes = td_over_sorted_bytes},
    [TD_OP_OVER_RANK] =
        {.inputs = 3, .keeps = true, DAYTIME, REAL, .step = td_over_rank_step, .state_bytes = td_over_sorted_bytes},
    [TD_OP_EPOCH] = {.inputs = 1, DECIMAL, .step = td_epoch_step, .state_bytes = td_epoch_bytes},
    [TD_OP_TIME] = {DAYTIME, .type = TD_TYPE_TIME, .step = step_time},
    [TD_OP_CLOCK] = {DAYTIME, .type = TD_TYPE_TIME, .step = step_clock},
    [TD_OP_WEEKDAY] = {DAYTIME, DECIMAL, .step = step_weekday},
    [TD_OP_REAL] = {.inputs = 1, .pure = true, REAL},
    [TD_OP_ADD_DECIMAL] = {.inputs = 2, .same = 1, .pure = true, .commutative = true},
    [TD_OP_SUB_DECIMAL] = {.inputs = 2, .same = 1, .pure = true},
    [TD_OP_BETWEEN] = {.inputs = 2, .pure = true, .type = TD_TYPE_DURATION},
    [TD_OP_LT_DECIMAL] = {.inputs = 2, .pure = true, CONDITION},
    [TD_OP_LE_DECIMAL] = {.inputs = 2, .pure = true, CONDITION},
    [TD_OP_EQ_DECIMAL] = {.inputs = 2, .pure = true, .commutative = true, CONDITION},
    [TD_OP_ADD] = {.inputs = 2, .pure = true, .commutative = true, .real = true, REAL},
    [TD_OP_SUB] = {.inputs = 2, .pure = true, .real = true, REAL},
    [TD_OP_MUL] = {.inputs = 2, .pure = true, .commutative = true, .real = true, REAL},
    [TD_OP_DIV] = {.inputs = 2, .pure = true, .real = true, REAL},
    [TD_OP_LT] = {.inputs = 2, .pure = true, .real = true, CONDITION},
    [TD_OP_LE] = {.inputs = 2, .pure = true, .real = true, CONDITION},
    [TD_OP_EQ] = {.inputs = 2, .pure = true, .commutative = true, .real = true, CONDITION},
    [TD_OP_AND] = {.inputs = 2, .pure = true, .commutative = true, CONDITION},
    [TD_OP_OR] = {.inputs = 2, .pure = true, .commutative = true, CONDITION},
    [TD_OP_NOT] = {.inputs = 1, .pure = true, CONDITION},
    [TD_OP_IF] = {.inputs = 3, .same = 3, .pure = true},
    [TD_OP_NZ] = {.inputs = 2, .same = 2, .pure = true},
    [TD_OP_SQRT] = MATH(sqrt),
    [TD_OP_FLOOR] = MATH(floor),
    [TD_OP_CEIL] = MATH(td_ceil),
    [TD_OP_EXP] = MATH(td_exp),
    [TD_OP_LN] = MATH(td_ln),
    [TD_OP_LOG10] = MATH(td_log10),
    [TD_OP_SIN] = MATH(td_sin),
    [TD_OP_COS] = MATH(td_cos),
    [TD_OP_TAN] = MATH(td_tan),
    [TD_OP_ASIN] = MATH(td_asin),
    [TD_OP_ACOS] = MATH(td_acos),
    [TD_OP_ATAN] = MATH(td_atan),
    [TD_OP_SINH] = MATH(td_sinh),
    [TD_OP_COSH] = MATH(td_cosh),
    [TD_OP_TANH] = MATH(td_tanh),
};

static td_value both(td_value a, td_value b) {
    if (a == 0 || b == 0) return 0;
    return td_value_is_na(a) || td_value_is_na(b) ? TD_VALUE_NA : 1;
}

static td_value either(td_value a, td_value b) {
    if (a == 1 || b == 1) return 1;
    return td_value_is_na(a) || td_value_is_na(b) ? TD_VALUE_NA : 0;
}

static td_value divide(double a, double b) { return b == 0 ? TD_VALUE_NA : td_value_real(a / b); }

/* Where na in is na out; neither is na here. */
static inline td_value strict_apply(td_op op, td_value a, td_value b) {
    switch (op) {
    case TD_OP_REAL:
        return td_value_real(td_ratio(a, TD_VALUE_ONE));
    case TD_OP_NOT:
        return !a;
    case TD_OP_ADD_DECIMAL:
        return td_value_decimal(a + b);
    case TD_OP_SUB_DECIMAL:
    case TD_OP_BETWEEN:
        return td_value_decimal(a - b);
    case TD_OP_LT_DECIMAL:
        return a < b;
    case TD_OP_LE_DECIMAL:
        return a <= b;
    case TD_OP_EQ_DECIMAL:
        return a == b;
    case TD_OP_ADD:
        return td_value_real(td_value_to_real(a) + td_value_to_real(b));
    case TD_OP_SUB:
        return td_value_real(td_value_to_real(a) - td_value_to_real(b));
    case TD_OP_MUL:
        return td_value_real(td_value_to_real(a) * td_value_to_real(b));
    case TD_OP_DIV:
        return divide(td_value_to_real(a), td_value_to_real(b));
    case TD_OP_LT:
        return td_value_to_real(a) < td_value_to_real(b);
    case TD_OP_LE:
        return td_value_to_real(a) <= td_value_to_real(b);
    case TD_OP_EQ:
        return td_value_to_real(a) == td_value_to_real(b);
    default:
        return td_value_real(td_op_rows[op].math(td_value_to_real(a)));
    }
}

td_value td_op_apply(td_op op, td_value a, td_value b, td_value c) {
    switch (op) {
    case TD_OP_AND:
        return both(a, b);
    case TD_OP_OR:
        return either(a, b);
    case TD_OP_IF:
        return td_value_is_na(a) ? TD_VALUE_NA : a == 1 ? b : c;
    case TD_OP_NZ:
        return td_value_is_na(a) ? b : a;
    default:
        return td_value_is_na(a) || td_value_is_na(b) ? TD_VALUE_NA : strict_apply(op, a, b);
    }
}
