/* src/feed/subscription.c - a state per symbol: to be asked for, asked for, confirmed. */
#include "feed/subscription.h"
#include "base/time.h"
#include "model/instrument.h"
#include <stdio.h>
#include <stdlib.h>

enum { NAMES_TOLD_MAX = 10, REASON_MAX = 160 };
#define ANSWER_NS  (5 * TD_NS_PER_S)
#define REFUSAL_NS (2 * TD_NS_PER_S)

typedef enum state { WANTED, ASKED, CONFIRMED } state;

typedef struct symbol {
    state state;
    bool told; /* that it is not given: from then on it is asked for on its own */
} symbol;

struct td_subscription {
    const td_subscription_ops *ops;
    char *const *names;
    symbol *symbols;
    size_t count;
    bool one_by_one, settled; /* of this session */
    int64_t due_ns, judge_ns; /* the next message; what is asked for is given up */
    td_buf text;
    char reason[REASON_MAX]; /* the venue's last one */
    size_t refusals, at;     /* without acknowledgements: those whose symbol is not known; the symbol looked at */
    bool refused;            /* … that one */
};

static td_status check_name(const td_texts *names, size_t i, const char *venue) {
    char full[TD_INSTRUMENT_NAME_MAX + 2];
    const char *name = names->items[i];
    (void)snprintf(full, sizeof full, "%s:%s", venue, name); /* cut off, it is too long all the same */
    if (!td_instrument_name_valid(td_text(full)) || strpbrk(name, "\"\\") != NULL)
        return TD_FAIL(TD_CONFIG, "\"%s\" is no symbol of a venue", name);
    for (size_t k = 0; k < i; k++)
        if (strcmp(names->items[k], name) == 0) return TD_FAIL(TD_CONFIG, "%s is there twice", name);
    return TD_OK;
}

td_status td_subscription_new(td_subscription **out, const td_subscription_ops *ops, const td_texts *names,
                              const char *venue) {
    td_status status = TD_OK;
    for (size_t i = 0; i < names->count && status == TD_OK; i++) status = check_name(names, i, venue);
    if (status != TD_OK) return status;
    td_subscription *s = td_alloc_zero(1, sizeof *s);
    *s = (td_subscription){.ops = ops, .names = names->items, .count = names->count};
    s->symbols = td_alloc_zero(names->count, sizeof *s->symbols);
    *out = s;
    return TD_OK;
}

void td_subscription_free(td_subscription *s) {
    if (s == NULL) return;
    td_buf_fini(&s->text);
    free(s->symbols);
    free(s);
}

void td_subscription_begin(td_subscription *s) {
    for (size_t i = 0; i < s->count; i++) s->symbols[i].state = WANTED;
    s->one_by_one = s->settled = false;
    s->refusals = 0;
    s->due_ns = s->judge_ns = INT64_MIN;
    s->reason[0] = '\0';
}

/* ---- asking ---- */

static bool is_alone(const td_subscription *s, size_t i) { return s->one_by_one || s->symbols[i].told; }

/* The next message. Symbols that stand beside each other go together. False: all are asked for. */
static bool put_message(td_subscription *s) {
    size_t first = 0, count = 1;
    while (first < s->count && s->symbols[first].state != WANTED) first++;
    if (first == s->count) return false;
    while (!is_alone(s, first) && count < s->ops->most && first + count < s->count &&
           s->symbols[first + count].state == WANTED && !is_alone(s, first + count))
        count++;
    for (size_t i = first; i < first + count; i++) s->symbols[i].state = ASKED;
    s->text.size = 0;
    s->ops->put(&s->text, s->names + first, count);
    return true;
}

/* What was asked for in company. */
static void ask_one_by_one(td_subscription *s) {
    s->one_by_one = true;
    for (size_t i = 0; i < s->count; i++)
        if (s->symbols[i].state == ASKED && !s->symbols[i].told) s->symbols[i].state = WANTED;
}

/* ---- judging ---- */

static bool is_open(const td_subscription *s) {
    for (size_t i = 0; i < s->count; i++)
        if (s->symbols[i].state != CONFIRMED) return true;
    return false;
}

/* False: all of it has been told before. */
static bool put_missing(td_subscription *s) {
    size_t count = 0;
    s->text.size = 0;
    td_buf_text(&s->text, "the venue does not give ");
    for (size_t i = 0; i < s->count; i++) {
        if (s->symbols[i].state == CONFIRMED || s->symbols[i].told) continue;
        s->symbols[i].told = true;
        if (count < NAMES_TOLD_MAX) td_buf_printf(&s->text, "%s%s", count > 0 ? ", " : "", s->names[i]);
        count++;
    }
    if (count > NAMES_TOLD_MAX) td_buf_printf(&s->text, " and %zu others", count - NAMES_TOLD_MAX);
    td_buf_printf(&s->text, ": %s", s->reason[0] != '\0' ? s->reason : "it did not acknowledge them");
    return count > 0;
}

static td_subscription_step judge(td_subscription *s) {
    bool open = is_open(s);
    s->settled = !open || s->one_by_one;
    if (!s->settled) ask_one_by_one(s);
    return s->settled && open && put_missing(s) ? TD_SUBSCRIPTION_TELL : TD_SUBSCRIPTION_NONE;
}

/* ---- a venue that acknowledges nothing ---- */

static bool is_mute(const td_subscription *s) { return s->ops->read_ack == NULL; }

static td_subscription_step settle(td_subscription *s) {
    s->settled = true;
    for (size_t i = 0; i < s->count; i++) s->symbols[i].told &= s->symbols[i].state != CONFIRMED;
    return is_open(s) && put_missing(s) ? TD_SUBSCRIPTION_TELL : TD_SUBSCRIPTION_NONE;
}

/* The time in which what was asked for last could be refused is over. */
static td_subscription_step look_for_refused(td_subscription *s, int64_t now_ns) {
    if (!s->one_by_one) {
        for (size_t i = 0; i < s->count; i++) s->symbols[i].state = CONFIRMED;
        s->one_by_one = true;
        s->at = s->count;
    } else if (s->refused) {
        s->refusals--;
    } else {
        s->symbols[s->at].state = CONFIRMED;
    }
    if (s->refusals == 0 || s->at == 0) return settle(s);
    s->at--;
    s->refused = false;
    s->symbols[s->at].state = ASKED;
    s->text.size = 0;
    s->ops->put(&s->text, s->names + s->at, 1);
    s->judge_ns = now_ns + REFUSAL_NS;
    return TD_SUBSCRIPTION_SEND;
}

td_subscription_step td_subscription_next(td_subscription *s, int64_t now_ns, td_bytes *out) {
    td_subscription_step step = TD_SUBSCRIPTION_NONE;
    if (s->settled || now_ns < s->due_ns) return step;
    if (put_message(s)) {
        step = TD_SUBSCRIPTION_SEND;
        s->due_ns = now_ns + s->ops->interval_ns;
        s->judge_ns = now_ns + ANSWER_NS;
    } else if (now_ns >= s->judge_ns) {
        step = is_mute(s) ? look_for_refused(s, now_ns) : judge(s);
    }
    *out = td_buf_bytes(&s->text);
    return step;
}

/* ---- the end ---- */

bool td_subscription_put_end(td_buf *out, td_bytes message) {
    static const char *const verbs[][2] = {{"subscribe\"", "un"}, {"SUBSCRIBE\"", "UN"}};
    for (size_t i = 0; i < 2; i++) {
        const uint8_t *verb = memmem(message.data, message.size, verbs[i][0], strlen(verbs[i][0]));
        if (verb == NULL) continue;
        size_t before = (size_t)(verb - message.data);
        td_buf_put(out, message.data, before);
        td_buf_text(out, verbs[i][1]);
        td_buf_put(out, verb, message.size - before);
        return true;
    }
    return false;
}

/* What was refused would have all of a message refused. */
static bool is_there(const symbol *s) { return s->state == CONFIRMED || (s->state == ASKED && !s->told); }

bool td_subscription_end(td_subscription *s, td_bytes *out) {
    size_t first = 0, count = 0;
    s->settled = true;
    while (first < s->count && !is_there(&s->symbols[first])) first++;
    for (; first + count < s->count && count < s->ops->most && is_there(&s->symbols[first + count]); count++)
        s->symbols[first + count].state = WANTED;
    if (count == 0) return false;
    td_buf asked = {0};
    s->ops->put(&asked, s->names + first, count);
    s->text.size = 0;
    bool said = td_subscription_put_end(&s->text, td_buf_bytes(&asked));
    td_buf_fini(&asked);
    *out = td_buf_bytes(&s->text);
    return said;
}

/* ---- what it says ---- */

void td_subscription_take_ack(td_subscription *s, td_bytes text) {
    if (!is_mute(s)) s->ops->read_ack(s, text);
}

void td_subscription_confirm(td_subscription *s, td_bytes name) {
    for (size_t i = 0; i < s->count; i++)
        if (td_bytes_equal(td_text(s->names[i]), name)) {
            s->symbols[i].state = CONFIRMED;
            s->symbols[i].told = false;
        }
}

bool td_subscription_take_error(td_subscription *s, td_bytes text) {
    if (s->settled || !is_open(s)) return false;
    (void)snprintf(s->reason, sizeof s->reason, "%.*s", (int)text.size, (const char *)text.data);
    if (is_mute(s)) {
        s->refused = true;
        s->refusals += !s->one_by_one;
    } else if (!s->one_by_one) {
        ask_one_by_one(s);
    }
    return true;
}
