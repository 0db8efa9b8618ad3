/* src/feed/download.c - one call at a time: asked for, read as a whole, given row by row. */
#include "feed/download.h"
#include "base/hash.h"
#include "base/secret.h"
#include "feed/rest.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { TEXT_MAX = 320, BLAME_MAX = 160, WORDS_MAX = 120 };
#define LATER_NS  TD_NS_PER_MIN      /* asked too often */
#define LOOK_NS   TD_NS_PER_S        /* between looks at what is due */
#define TELL_NS   (10 * TD_NS_PER_S) /* between words of progress */
#define MANY_DAYS (100000 * TD_NS_PER_DAY)

typedef enum phase {
    DOWN, /* no session, and none is tried for        */
    IDLE, /* the next call is to be chosen            */
    ASKED,
    READ,    /* the answer is here: what does it say?    */
    BEGIN,   /* … rows, which are to be announced        */
    ROWS,    /* … and come out                           */
    REFUSED, /* … no: which is to be told                */
    ENDED,   /* the session's end is the next item       */
} phase;

typedef struct row {
    td_recorded said;
    td_bytes bytes;
    size_t index; /* in the answer */
} row;

typedef struct download {
    const td_os *os;
    const td_feed_conf *conf;
    td_instruments *instruments;
    const td_download_ops *ops;
    td_rest *rest;
    td_calls *calls;
    phase phase;
    bool live, denied;
    bool opened, shown; /* with `raw`: that a session began is out; the answer is, as it came */
    int64_t clock_ns;
    td_source_position position; /* of the last item */
    /* the call, and what came */
    td_call *call;
    uint32_t instrument; /* of the call */
    int64_t width_ns, asked_ns;
    td_http_answer answer;
    td_buf rows; /* of struct row, by time */
    size_t row_at;
    bool strange;          /* a row is of another instrument */
    char blame[BLAME_MAX]; /* why it is refused, in our words */
    td_bytes words;        /* … and in the vendor's, without secrets; borrowed of the answer, or of `hidden` */
    td_buf hidden;
    /* its pace, by the monotonic clock, and how many of the vendor's day there were */
    int64_t due_ns, next_ns;
    int64_t look_ns, wait_ns; /* nothing is chosen, or asked for, before; by the machine's clock */
    int64_t day, day_count;
    /* what people are told */
    char text[TEXT_MAX]; /* "": nothing */
    bool progress;       /* it is only how it goes */
    bool told;           /* it is lent out */
    char detail[TEXT_MAX];
    size_t answers, bars; /* of this run: without prices; of the last answer */
    int64_t began_ns, told_ns;
    bool done_told;
} download;

static int64_t wall_ns(const download *d) { return d->os->ops->wall_ns(d->os->self); }
static int64_t mono_ns(const download *d) { return d->os->ops->mono_ns(d->os->self); }
static row *row_at(const download *d, size_t index) { return (row *)(void *)d->rows.data + index; }
static size_t row_count(const download *d) { return d->rows.size / sizeof(row); }

static void look_at_clock(download *d) { d->clock_ns = td_most(d->clock_ns, wall_ns(d)); }

/* ---- limits ---- */

static int64_t day_of(const download *d, int64_t now_ns) {
    return (now_ns + td_zone_offset_s(d->ops->calls.zone, now_ns) * TD_NS_PER_S) / TD_NS_PER_DAY;
}

static void wait_until(download *d, int64_t until_ns, const char *why) {
    char when[40];
    (void)td_time_format(until_ns, when);
    d->wait_ns = until_ns;
    d->progress = false;
    (void)snprintf(d->text, sizeof d->text, "%s; it is asked again at %s", why, when);
}

static void wait_for_day(download *d, const char *why) {
    wait_until(d, td_zone_to_utc(d->ops->calls.zone, day_of(d, wall_ns(d)) + 1, 0), why);
}

/* Counts a request; false: the day has no more of them. */
static bool take_one(download *d, int64_t now_ns) {
    char why[64];
    int64_t day = day_of(d, now_ns), now_mono_ns = mono_ns(d);
    if (day != d->day) d->day_count = 0;
    d->day = day;
    if (d->conf->per_day > 0 && d->day_count >= d->conf->per_day) {
        (void)snprintf(why, sizeof why, "the day's %lld requests are used up (per_day)", (long long)d->conf->per_day);
        wait_for_day(d, why);
        return false;
    }
    d->day_count++;
    d->due_ns = td_most(d->next_ns, now_mono_ns);
    d->next_ns = d->due_ns + (d->conf->per_minute > 0 ? TD_NS_PER_MIN / d->conf->per_minute : 0);
    return true;
}

/* ---- progress ---- */

/* How long the calls that are left will take, as fast as it went and as the day's bound lets them. */
static int64_t time_left_ns(const download *d, size_t left) {
    int64_t each_ns = (mono_ns(d) - d->began_ns) / (int64_t)(d->answers > 0 ? d->answers : 1), days = 0;
    if (d->conf->per_day > 0) {
        int64_t more = (int64_t)left - (d->conf->per_day - d->day_count);
        days = more > 0 ? (more + d->conf->per_day - 1) / d->conf->per_day : 0;
    }
    if (days > 0) return td_least(days, MANY_DAYS / TD_NS_PER_DAY) * TD_NS_PER_DAY;
    return each_ns < MANY_DAYS / (int64_t)(left + 1) ? each_ns * (int64_t)left : MANY_DAYS;
}

static void put_left(int64_t ns, char out[32]) {
    if (ns >= TD_NS_PER_DAY)
        (void)snprintf(out, 32, "about %lldd", (long long)(ns / TD_NS_PER_DAY));
    else if (ns >= TD_NS_PER_HOUR)
        (void)snprintf(out, 32, "about %lldh", (long long)(ns / TD_NS_PER_HOUR));
    else
        (void)snprintf(out, 32, "%lldm%02llds", (long long)(ns / TD_NS_PER_MIN),
                       (long long)(ns % TD_NS_PER_MIN / TD_NS_PER_S));
}

/* Behind an answer that is no price. */
static void tell_progress(download *d, int64_t now_ns) {
    if (d->text[0] != '\0') return;
    d->progress = true;
    td_calls_count count = td_calls_counted(d->calls, now_ns);
    char left[32];
    int64_t took_ns = mono_ns(d) - d->began_ns;
    if (count.done == count.all) {
        if (!d->done_told)
            (void)snprintf(d->text, sizeof d->text, "all %zu answers are there, %zu of them refused", count.all,
                           count.refused);
        d->done_told = true;
        d->answers = 0;
        d->began_ns = 0;
        return;
    }
    d->done_told = false;
    if (d->told_ns != 0 && mono_ns(d) - d->told_ns < TELL_NS) return;
    d->told_ns = mono_ns(d);
    put_left(time_left_ns(d, count.all - count.done), left);
    (void)snprintf(d->text, sizeof d->text, "%zu of %zu answers, %.1f a minute, %s left; the last one: %s, %zu rows",
                   count.done, count.all, (double)d->answers * 6e10 / (double)td_most(took_ns, 1), left, d->call->name,
                   d->bars);
}

/* ---- items ---- */

static void put_item(download *d, td_item_kind kind, td_feed_item *out) {
    *out = (td_feed_item){.kind = kind, .clock_ns = d->clock_ns, .position = d->position};
}

static void put_session(download *d, bool live, td_feed_item *out) {
    d->live = live;
    put_item(d, TD_ITEM_SESSION, out);
    out->session = (td_feed_session){.live = live, .denied = d->denied, .detail = d->detail};
    d->denied = false;
}

static void put_notice(download *d, td_feed_item *out) {
    d->told = true;
    put_item(d, TD_ITEM_NOTICE, out);
    out->progress = d->progress;
    out->notice = td_text(d->text);
}

static void put_raw(download *d, const td_raw *raw, td_feed_item *out) {
    put_item(d, TD_ITEM_RAW, out);
    out->raw = *raw;
    out->raw.receive_ns = d->clock_ns;
}

static void put_begin(download *d, td_feed_item *out) {
    if (d->conf->raw && !d->opened)
        put_raw(d,
                &(td_raw){.kind = TD_RAW_OPENED,
                          .format = td_text(d->ops->format),
                          .venue = td_text(d->conf->venue),
                          .address = td_text(d->conf->history)},
                out);
    else
        put_session(d, true, out);
    d->opened = true;
}

/* False: nobody is told. */
static bool put_closed(download *d, td_feed_item *out) {
    bool told = d->conf->raw && d->opened;
    if (told) put_raw(d, &(td_raw){.kind = TD_RAW_CLOSED, .bytes = td_text(d->detail)}, out);
    d->opened = false;
    return told;
}

static void put_answer(download *d, bool whole, td_feed_item *out) {
    put_item(d, TD_ITEM_ANSWER, out);
    out->answer = (td_feed_answer){.name = td_text(d->call->name),
                                   .instrument = d->instrument,
                                   .whole = whole,
                                   .until_ns = d->call->held_ns,
                                   .asked_ns = d->asked_ns};
}

static void put_rejected(download *d, uint8_t reason, const char *detail, td_bytes bytes, td_feed_item *out) {
    put_item(d, TD_ITEM_REJECTED, out);
    out->rejected = (td_rejected){.position = d->position,
                                  .receive_ns = d->clock_ns,
                                  .reason = reason,
                                  .detail = td_text(detail),
                                  .bytes = bytes};
}

/* ---- an answer ---- */

/* The session is over: what is asked for again is for others to decide. */
static void end_session(download *d, const char *why, bool denied) {
    (void)snprintf(d->detail, sizeof d->detail, "%s", why);
    d->denied = denied;
    td_calls_fail(d->calls, d->call, d->clock_ns);
    d->phase = ENDED;
}

static bool is_of_other_width(const download *d, const td_event *e) {
    return e->kind == TD_EVENT_VENDOR_BAR && e->vendor_bar.width_ns != d->width_ns;
}

static void take_row(void *arg, const td_recorded *said, td_bytes bytes) {
    download *d = arg;
    row taken = {.said = *said, .bytes = bytes, .index = row_count(d)};
    if (said->kind == TD_ITEM_EVENT)
        d->strange |= said->event.instrument != d->instrument || is_of_other_width(d, &said->event);
    else if (row_count(d) > 0) /* without a time of its own it stays beside the one before */
        taken.said.event.event_ns = row_at(d, row_count(d) - 1)->said.event.event_ns;
    td_buf_put(&d->rows, &taken, sizeof taken);
}

/* Answers stand newest first: of one time the last one goes first. */
static int by_time(const void *a, const void *b) {
    const row *x = a, *y = b;
    int64_t p = x->said.event.event_ns, q = y->said.event.event_ns;
    return p != q ? (p < q ? -1 : 1) : (x->index < y->index) - (x->index > y->index);
}

static void refuse(download *d, td_answer_word word, td_bytes words) {
    (void)snprintf(d->blame, sizeof d->blame, "%s: %s", d->call->name, td_answer_word_name(word));
    d->words = words;
    d->call->refused = true;
    d->phase = REFUSED;
}

static td_answer_word read_answer(download *d, td_bytes *out_words) {
    td_answer_request request = {.naming = {d->conf->venue, d->instruments},
                                 .symbol = td_text(d->call->symbol),
                                 .width_ns = d->width_ns,
                                 .adjusted = d->conf->adjusted,
                                 .starts = d->ops->starts || d->conf->stamps == TD_FEED_STAMPS_START};
    d->rows.size = d->row_at = 0;
    d->strange = false;
    td_answer_word word = d->ops->read(d->answer.body, &request, take_row, d, out_words);
    *out_words = td_secrets_hide(&d->conf->secrets, *out_words, &d->hidden); /* before any of it is cut */
    if (word != TD_ANSWER_ROWS || !d->strange) return word;
    *out_words = TD_TEXT("it is of another symbol or interval than was asked for");
    return TD_ANSWER_REFUSED;
}

static void end_unanswered(download *d, td_bytes words) {
    char why[TEXT_MAX];
    (void)snprintf(why, sizeof why, "%s: %s: %.*s", d->call->name, td_answer_word_name(TD_ANSWER_NONE),
                   (int)td_least((int64_t)words.size, WORDS_MAX), (const char *)words.data);
    end_session(d, why, false);
}

static void take_code(download *d) {
    if (d->answer.code == 429) {
        wait_until(d, wall_ns(d) + td_most(d->answer.retry_ns, LATER_NS), td_answer_word_name(TD_ANSWER_LATER));
        d->phase = IDLE;
        return;
    }
    end_session(d, td_rest_failure(d->rest, &d->answer), d->answer.code == 401 || d->answer.code == 403);
}

static void take_words(download *d) {
    td_bytes words = {0};
    td_answer_word word = read_answer(d, &words);
    switch (word) {
    case TD_ANSWER_ROWS:
        if (row_count(d) > 1) qsort(d->rows.data, row_count(d), sizeof(row), by_time);
        d->phase = d->call->kind == TD_CALL_PRICE ? ROWS : BEGIN;
        break;
    case TD_ANSWER_LATER:
        wait_until(d, wall_ns(d) + LATER_NS, td_answer_word_name(word));
        d->phase = IDLE;
        break;
    case TD_ANSWER_TOMORROW:
        wait_for_day(d, td_answer_word_name(word));
        d->phase = IDLE;
        break;
    case TD_ANSWER_PREMIUM:
    case TD_ANSWER_CALL:
    case TD_ANSWER_REFUSED:
        refuse(d, word, words);
        break;
    case TD_ANSWER_KEY: /* without its words: they may show it */
        end_session(d, "the vendor wants another key (token, token_file)", true);
        break;
    case TD_ANSWER_NONE:
        if (d->answer.code == 200)
            end_unanswered(d, words);
        else
            take_code(d);
        break;
    }
}

/* Another code than 200 comes of what stands before the vendor, or says what the body says. */
static void take_answer(download *d) {
    look_at_clock(d);
    d->position.line++;
    d->position.part = 0;
    d->phase = READ;
    d->shown = !d->conf->raw;
    if (d->answer.code == 200 || (d->answer.code >= 400 && d->answer.code < 500 && d->answer.body.size > 0)) return;
    take_code(d);
}

/* ---- rows ---- */

/* What was known before, and what is not over yet, is no news: NULL, it is. */
static const char *stale(download *d, row *r) {
    td_event *e = &r->said.event;
    if (e->kind == TD_EVENT_PRICE) {
        uint64_t said = td_hash_bytes(r->bytes) | 1;
        if (said == d->call->said) return "unchanged";
        d->call->said = said;
        if (e->event_ns > d->clock_ns) e->flags |= TD_FLAG_TIME_RECEIVE; /* of a day that is not over */
        if (e->event_ns > d->clock_ns) e->event_ns = d->clock_ns;
        return NULL;
    }
    if (e->event_ns > d->clock_ns) return "unfinished";
    if (d->call->held_ns != TD_NONE && e->event_ns <= d->call->held_ns) return "held";
    d->call->held_ns = e->event_ns;
    return NULL;
}

static void put_row(download *d, row *r, td_feed_item *out) {
    if (r->said.kind != TD_ITEM_EVENT) {
        put_rejected(d, r->said.reason, r->said.detail, r->bytes, out);
    } else {
        const char *ignored = stale(d, r);
        put_item(d, ignored != NULL ? TD_ITEM_IGNORED : TD_ITEM_EVENT, out);
        if (ignored != NULL)
            out->ignored = ignored;
        else
            out->event = r->said.event;
        d->bars += ignored == NULL;
    }
    d->position.part++;
}

/* There may be more behind the rows of this answer. */
static bool goes_on(const download *d) {
    return d->ops->rows_max > 0 && row_count(d) >= d->ops->rows_max && d->bars > 0;
}

static void finish_call(download *d) {
    td_calls_take(d->calls, d->call, d->asked_ns);
    d->phase = IDLE;
    if (d->call->kind == TD_CALL_PRICE) return;
    d->answers++;
    tell_progress(d, d->clock_ns);
}

/* False: it has none, and is over. */
static bool give_row(download *d, td_feed_item *out) {
    if (d->row_at < row_count(d)) {
        put_row(d, row_at(d, d->row_at++), out);
        return true;
    }
    bool series = d->call->kind != TD_CALL_PRICE;
    if (goes_on(d)) {
        d->phase = IDLE;
        return false;
    }
    if (series) put_answer(d, true, out);
    finish_call(d);
    return series;
}

/* ---- the loop ---- */

/* True: a call is on its way. */
static bool ask(download *d) {
    int64_t now_ns = wall_ns(d);
    if (now_ns < d->look_ns || now_ns < d->wait_ns) return false;
    td_call *call = td_calls_next(d->calls, now_ns);
    if (call == NULL) d->look_ns = now_ns + LOOK_NS;
    if (call == NULL || !take_one(d, now_ns)) return false;
    td_naming naming = {d->conf->venue, d->instruments};
    bool named = td_recorded_instrument(&naming, td_text(call->symbol), &d->instrument);
    assert(named); /* it was looked at when the feed was opened */
    (void)named;
    d->call = call;
    d->width_ns = 0;
    (void)d->ops->calls.width(td_text(call->interval), &d->width_ns);
    if (d->began_ns == 0) d->began_ns = mono_ns(d);
    d->asked_ns = now_ns;
    d->bars = 0;
    d->ops->put_path(d->conf, call, td_rest_begin(d->rest));
    td_rest_ask(d->rest);
    d->phase = ASKED;
    return true;
}

/* True: an item. */
static bool give(download *d, td_feed_item *out) {
    switch (d->phase) {
    case BEGIN:
        put_answer(d, false, out);
        d->phase = ROWS;
        return true;
    case ROWS:
        return give_row(d, out);
    case REFUSED:
        put_rejected(d, TD_REASON_MALFORMED, d->blame, d->words, out);
        d->progress = false;
        (void)snprintf(d->text, sizeof d->text, "%s; it is not asked for again in this run: %.*s", d->blame,
                       (int)td_least((int64_t)d->words.size, WORDS_MAX), (const char *)d->words.data);
        d->phase = IDLE;
        return true;
    case ENDED:
        if (put_closed(d, out)) return true;
        put_session(d, false, out);
        d->phase = DOWN;
        return true;
    case DOWN:
    case IDLE:
    case ASKED:
    case READ:
        break;
    }
    return false;
}

/* The first answer of a session shows that there is one. False: what it says is next. */
static bool put_before_reading(download *d, td_feed_item *out) {
    if (!d->live) {
        put_begin(d, out);
        return true;
    }
    if (d->shown) return false;
    d->shown = true;
    put_raw(d, &(td_raw){.kind = TD_RAW_ANSWER, .address = td_rest_address(d->rest), .bytes = d->answer.body}, out);
    return true;
}

td_status td_download_next(void *self, td_feed_item *out) {
    download *d = self;
    *out = (td_feed_item){.kind = TD_ITEM_END};
    if (d->told) d->text[0] = '\0';
    d->told = false;
    if (d->phase == ASKED && td_rest_next(d->rest, &d->answer) == TD_OK) take_answer(d);
    if (d->phase == READ) {
        if (put_before_reading(d, out)) return TD_OK;
        take_words(d);
    }
    if (d->text[0] != '\0') {
        put_notice(d, out);
        return TD_OK;
    }
    if (give(d, out)) return TD_OK;
    if (d->phase != IDLE || ask(d) || d->live) return TD_AGAIN;
    look_at_clock(d);
    put_begin(d, out); /* there is nothing to ask for: it could not be better */
    return TD_OK;
}

/* ---- life ---- */

static td_status download_connect(void *self, uint32_t session) {
    download *d = self;
    assert(d->phase == DOWN);
    d->position = (td_source_position){.file = TD_SESSION_BIT | session};
    d->phase = IDLE;
    return TD_OK;
}

static int download_pump(void *self) { return td_rest_pump(((download *)self)->rest); }

static void download_hold(void *self, const td_feed_answer *answer) {
    td_calls_hold(((download *)self)->calls, answer);
}

const td_live_ops td_download_live = {.connect = download_connect, .pump = download_pump, .hold = download_hold};

static td_status check_symbols(const download *d) {
    td_naming naming = {d->conf->venue, d->instruments};
    uint32_t instrument;
    td_status status = td_feed_check_venue(d->conf->venue);
    for (size_t i = 0; i < d->conf->symbols.count && status == TD_OK; i++)
        if (!td_recorded_instrument(&naming, td_text(d->conf->symbols.items[i]), &instrument))
            status = TD_FAIL(TD_CONFIG, "symbols: no instrument can be called %s:%s", d->conf->venue,
                             d->conf->symbols.items[i]);
    return status;
}

td_status td_download_open(void **out, const td_os *os, const td_feed_conf *conf, td_instruments *instruments,
                           const td_download_ops *ops) {
    download *d = td_alloc_zero(1, sizeof *d);
    *d = (download){.os = os, .conf = conf, .instruments = instruments, .ops = ops};
    td_status status = check_symbols(d);
    if (status == TD_OK) status = td_calls_new(&d->calls, conf, &ops->calls, wall_ns(d));
    if (status == TD_OK) status = td_rest_open(&d->rest, os, conf, &d->due_ns);
    if (status == TD_CONFIG && d->calls != NULL) status = TD_FAIL(status, "url: %s", td_trail());
    if (status != TD_OK) {
        td_download_close(d);
        return status;
    }
    *out = d;
    return TD_OK;
}

void td_download_close(void *self) {
    download *d = self;
    if (d == NULL) return;
    td_rest_close(d->rest);
    td_calls_free(d->calls);
    td_buf_fini(&d->rows);
    td_buf_fini(&d->hidden);
    free(d);
}
