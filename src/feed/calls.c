/* src/feed/calls.c - the list, grown by each month that begins. */
#include "feed/calls.h"
#include <stdio.h>
#include <stdlib.h>

enum { CALLS_MAX = 1000000, MONTHS_A_YEAR = 12, YEAR_ZERO = 1970 };

#define WAIT_MAX_NS TD_NS_PER_HOUR

struct td_calls {
    const td_feed_conf *conf;
    const td_calls_ops *ops;
    td_call *items;
    size_t count, capacity;
    uint32_t *by_name; /* of the first `named` ones */
    size_t named;
    int32_t planned; /* months up to it are in the list */
    bool priced;     /* the last one that was asked for was a price */
};

/* ---- months ---- */

size_t td_month_format(int32_t month, char out[16]) {
    return (size_t)snprintf(out, 16, "%04d-%02d", YEAR_ZERO + month / MONTHS_A_YEAR, month % MONTHS_A_YEAR + 1);
}

static bool parse_month(const char *text, int32_t *out) {
    char date[16];
    int64_t day;
    if (strlen(text) != sizeof "2024-01" - 1) return false;
    (void)snprintf(date, sizeof date, "%s-01", text);
    if (td_date_parse(td_text(date), &day) != TD_OK || day < 0) return false;
    if (day >= TD_FEED_INSTANT_MAX_NS / TD_NS_PER_DAY) return false;
    *out = (int32_t)(strtol(text, NULL, 10) - YEAR_ZERO) * MONTHS_A_YEAR + (int32_t)strtol(text + 5, NULL, 10) - 1;
    return true;
}

int64_t td_month_start_ns(td_zone zone, int32_t month) {
    int64_t day = td_days_from_civil(YEAR_ZERO + month / MONTHS_A_YEAR, month % MONTHS_A_YEAR + 1, 1);
    return td_zone_to_utc(zone, day, 0);
}

/* The month that an instant lies in. */
static int32_t month_of(td_zone zone, int64_t ns) {
    int32_t month = (int32_t)(ns / (31 * TD_NS_PER_DAY));
    while (td_month_start_ns(zone, month + 1) <= ns) month++;
    return month;
}

/* ---- the list ---- */

/* One more than there may be is enough to tell. */
static void add(td_calls *c, td_call_kind kind, const char *symbol, const char *interval, int32_t month) {
    char when[16] = "";
    td_buf name = {0};
    if (c->count > CALLS_MAX) return;
    if (c->count == c->capacity) {
        c->capacity = c->capacity == 0 ? 64 : 2 * c->capacity;
        c->items = td_alloc_check(realloc(c->items, c->capacity * sizeof *c->items), c->capacity * sizeof *c->items);
    }
    if (kind == TD_CALL_MONTH) (void)td_month_format(month, when);
    td_buf_printf(&name, "%s %s%s%s", symbol, kind == TD_CALL_PRICE ? "quote" : interval, *when != '\0' ? " " : "",
                  when);
    if (kind == TD_CALL_MONTH && c->conf->adjusted) td_buf_text(&name, " adjusted");
    if (kind == TD_CALL_MONTH && !c->conf->extended) td_buf_text(&name, " regular");
    td_buf_put(&name, "", 1);
    c->items[c->count++] = (td_call){.kind = (uint8_t)kind,
                                     .symbol = symbol,
                                     .interval = interval,
                                     .month = month,
                                     .name = (char *)name.data,
                                     .held_ns = TD_NONE};
}

static void add_symbols(td_calls *c, td_call_kind kind, const char *interval, int32_t month) {
    for (size_t s = 0; s < c->conf->symbols.count; s++) add(c, kind, c->conf->symbols.items[s], interval, month);
}

/* Those intervals that are asked for in calls of that kind. */
static void add_all(td_calls *c, td_call_kind kind, int32_t month) {
    for (size_t i = 0; i < c->conf->intervals.count; i++) {
        int64_t width_ns = 0;
        const char *interval = c->conf->intervals.items[i];
        (void)c->ops->width(td_text(interval), &width_ns);
        if ((width_ns == TD_NS_PER_DAY) == (kind == TD_CALL_DAYS)) add_symbols(c, kind, interval, month);
    }
}

/* Months up to the one that `to` names or, without it, the one that has begun. */
static void plan_months(td_calls *c, int64_t now_ns) {
    int32_t last = month_of(c->ops->zone, now_ns);
    if (c->conf->last_month != NULL) (void)parse_month(c->conf->last_month, &last);
    while (c->planned < last) add_all(c, TD_CALL_MONTH, ++c->planned);
}

static td_status check_month(const char *key, const char *text) {
    int32_t month;
    if (text == NULL || parse_month(text, &month)) return TD_OK;
    return TD_FAIL(TD_CONFIG, "%s: \"%s\" is not a month such as 2024-01, from 1970 to 2199", key, text);
}

static td_status check_span(const td_feed_conf *conf) {
    int32_t first, last;
    if (conf->first_month == NULL || conf->last_month == NULL) return TD_OK;
    bool backwards = parse_month(conf->first_month, &first) && parse_month(conf->last_month, &last) && last < first;
    if (!backwards) return TD_OK;
    return TD_FAIL(TD_CONFIG, "to: %s lies before %s, the month that `from` names", conf->last_month,
                   conf->first_month);
}

static td_status check(const td_calls *c) {
    const td_feed_conf *conf = c->conf;
    for (size_t i = 0; i < conf->intervals.count; i++) {
        int64_t width_ns;
        const char *interval = conf->intervals.items[i];
        if (!c->ops->width(td_text(interval), &width_ns))
            return TD_FAIL(TD_CONFIG, "interval: \"%s\" is none of the vendor's, as 1min and %s are", interval,
                           c->ops->daily);
    }
    td_status status = check_month("from", conf->first_month);
    if (status == TD_OK) status = check_month("to", conf->last_month);
    if (status == TD_OK) status = check_span(conf);
    for (size_t i = 0; i < conf->months.count && status == TD_OK; i++)
        status = check_month("months", conf->months.items[i]);
    if (status == TD_OK && conf->months.count > 0 && (conf->first_month != NULL || conf->last_month != NULL))
        status = TD_FAIL(TD_CONFIG, "months: from and to say which, too: one of the two is enough");
    return status;
}

/* Prices, days, months: what is short comes first. */
static void plan(td_calls *c, int64_t now_ns) {
    const td_feed_conf *conf = c->conf;
    if (conf->quote) add_symbols(c, TD_CALL_PRICE, "", 0);
    if (conf->intervals.count == 0 && !conf->quote) add_symbols(c, TD_CALL_DAYS, c->ops->daily, 0);
    add_all(c, TD_CALL_DAYS, 0);
    for (size_t i = 0; i < conf->months.count; i++) {
        int32_t month = 0;
        (void)parse_month(conf->months.items[i], &month);
        add_all(c, TD_CALL_MONTH, month);
    }
    int32_t first = month_of(c->ops->zone, now_ns);
    if (conf->first_month != NULL) (void)parse_month(conf->first_month, &first);
    c->planned = conf->months.count > 0 ? INT32_MAX : first - 1;
    plan_months(c, now_ns);
}

static int compare_names(const void *a, const void *b, void *self) {
    const td_calls *c = self;
    return strcmp(c->items[*(const uint32_t *)a].name, c->items[*(const uint32_t *)b].name);
}

static void sort_names(td_calls *c) {
    c->by_name = td_alloc_check(realloc(c->by_name, c->count * sizeof *c->by_name), c->count * sizeof *c->by_name);
    for (size_t i = 0; i < c->count; i++) c->by_name[i] = (uint32_t)i;
    qsort_r(c->by_name, c->count, sizeof *c->by_name, compare_names, c);
    c->named = c->count;
}

static td_status check_names(td_calls *c) {
    sort_names(c);
    for (size_t i = 1; i < c->count; i++)
        if (compare_names(&c->by_name[i - 1], &c->by_name[i], c) == 0)
            return TD_FAIL(TD_CONFIG, "symbols, interval, months: %s is asked for twice", c->items[c->by_name[i]].name);
    return TD_OK;
}

td_status td_calls_new(td_calls **out, const td_feed_conf *conf, const td_calls_ops *ops, int64_t now_ns) {
    td_calls *c = td_alloc_zero(1, sizeof *c);
    c->conf = conf;
    c->ops = ops;
    td_status status = check(c);
    if (status == TD_OK) plan(c, now_ns);
    if (status == TD_OK && c->count > CALLS_MAX)
        status =
            TD_FAIL(TD_CONFIG, "symbols: more than %d requests, one for each symbol, interval and month", CALLS_MAX);
    if (status == TD_OK && c->count > 0) status = check_names(c);
    if (status != TD_OK) {
        td_calls_free(c);
        return status;
    }
    *out = c;
    return TD_OK;
}

void td_calls_free(td_calls *c) {
    if (c == NULL) return;
    for (size_t i = 0; i < c->count; i++) free(c->items[i].name);
    free(c->items);
    free(c->by_name);
    free(c);
}

/* ---- what is held ---- */

static td_call *find(td_calls *c, td_bytes name) {
    if (c->named != c->count) sort_names(c);
    size_t low = 0, high = c->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        td_call *call = &c->items[c->by_name[middle]];
        int order = strncmp(call->name, (const char *)name.data, name.size);
        if (order == 0 && call->name[name.size] != '\0') order = 1;
        if (order == 0) return call;
        *(order < 0 ? &low : &high) = order < 0 ? middle + 1 : middle;
    }
    return NULL;
}

/* A month that is over by a day grows no more; a vendor may take some hours to have the last of it. */
static int64_t next_due_ns(const td_calls *c, const td_call *call, int64_t asked_ns) {
    if (call->kind == TD_CALL_PRICE) return asked_ns + c->conf->quote_ns;
    bool over =
        call->kind == TD_CALL_MONTH && asked_ns >= td_month_start_ns(c->ops->zone, call->month + 1) + TD_NS_PER_DAY;
    return over ? INT64_MAX : asked_ns + c->conf->refresh_ns;
}

void td_calls_take(td_calls *c, td_call *call, int64_t asked_ns) {
    call->failures = 0;
    call->due_ns = next_due_ns(c, call, asked_ns);
}

void td_calls_fail(td_calls *c, td_call *call, int64_t now_ns) {
    int64_t wait_ns = c->conf->reconnect_ns;
    for (uint8_t i = 0; i < call->failures && wait_ns < WAIT_MAX_NS; i++) wait_ns *= 2;
    if (wait_ns < WAIT_MAX_NS) call->failures++;
    call->due_ns = now_ns + wait_ns;
}

void td_calls_hold(td_calls *c, const td_feed_answer *answer) {
    td_call *call = find(c, answer->name);
    if (call == NULL) return;
    call->held_ns = answer->until_ns;
    call->due_ns = answer->whole ? next_due_ns(c, call, answer->asked_ns) : 0;
}

/* ---- which is next ---- */

static bool is_due(const td_call *call, int64_t now_ns) { return !call->refused && call->due_ns <= now_ns; }

td_call *td_calls_next(td_calls *c, int64_t now_ns) {
    td_call *price = NULL, *other = NULL;
    plan_months(c, now_ns);
    for (size_t i = 0; i < c->count && other == NULL; i++) { /* prices stand first */
        td_call *call = &c->items[i];
        if (!is_due(call, now_ns)) continue;
        if (call->kind != TD_CALL_PRICE)
            other = call;
        else if (price == NULL || call->due_ns < price->due_ns)
            price = call;
    }
    bool take_price = price != NULL && (other == NULL || !c->priced);
    c->priced = take_price;
    return take_price ? price : other;
}

td_calls_count td_calls_counted(const td_calls *c, int64_t now_ns) {
    td_calls_count count = {0};
    for (size_t i = 0; i < c->count; i++) {
        const td_call *call = &c->items[i];
        if (call->kind == TD_CALL_PRICE) continue;
        count.all++;
        count.done += !is_due(call, now_ns);
        count.refused += call->refused;
    }
    return count;
}

int64_t td_calls_due_ns(const td_calls *c) {
    int64_t due_ns = INT64_MAX;
    for (size_t i = 0; i < c->count; i++)
        if (!c->items[i].refused) due_ns = td_least(due_ns, c->items[i].due_ns);
    return due_ns;
}
