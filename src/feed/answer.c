/* src/feed/answer.c - a row of a series into a bar; the words, as people read them. */
#include "feed/answer.h"
#include "base/decimal.h"

const char *td_answer_word_name(td_answer_word word) {
    static const char *const names[] = {
        [TD_ANSWER_ROWS] = "data",
        [TD_ANSWER_LATER] = "asked too often",
        [TD_ANSWER_TOMORROW] = "the day's requests are used up",
        [TD_ANSWER_PREMIUM] = "not in the plan of this key",
        [TD_ANSWER_KEY] = "the key is refused",
        [TD_ANSWER_CALL] = "the request is refused",
        [TD_ANSWER_REFUSED] = "refused",
        [TD_ANSWER_NONE] = "no answer of the vendor's",
    };
    return names[word];
}

enum { DATE_SIZE = sizeof "2017-12-18" - 1 };

/* The date that the text begins with; what instants cannot hold is out of range. */
td_reason td_answer_date(td_bytes text, int64_t *out_day) {
    if (text.size < DATE_SIZE || td_date_parse((td_bytes){text.data, DATE_SIZE}, out_day) != TD_OK)
        return TD_REASON_MALFORMED;
    bool fits = *out_day > 0 && *out_day < TD_FEED_INSTANT_MAX_NS / TD_NS_PER_DAY;
    return fits ? TD_REASON_NONE : TD_REASON_RANGE;
}

/* "2017-12-18 14:56:00" and, of a day, "2017-12-18". */
static td_reason read_stamp(const td_answer_series *s, td_bytes text, int64_t *out_start_ns, int64_t *out_end_ns) {
    int64_t day, ns_of_day;
    td_reason reason = td_answer_date(text, &day);
    if (reason != TD_REASON_NONE) return reason;
    if (s->width_ns == TD_NS_PER_DAY) {
        *out_start_ns = td_zone_to_utc(s->zone, day, 0);
        *out_end_ns = td_zone_to_utc(s->zone, day + 1, 0);
        return text.size == DATE_SIZE ? TD_REASON_NONE : TD_REASON_MALFORMED;
    }
    if (text.size < DATE_SIZE + 1 || text.data[DATE_SIZE] != ' ') return TD_REASON_MALFORMED;
    td_bytes clock = {text.data + DATE_SIZE + 1, text.size - DATE_SIZE - 1};
    if (td_clock_parse(clock, &ns_of_day) != TD_OK) return TD_REASON_MALFORMED;
    int64_t at_ns = td_zone_to_utc(s->zone, day, ns_of_day);
    *out_start_ns = s->request->starts ? at_ns : at_ns - s->width_ns;
    *out_end_ns = *out_start_ns + s->width_ns;
    return TD_REASON_NONE;
}

static td_reason read_numbers(const td_bytes cells[TD_ANSWER_COLUMNS], td_vendor_bar *bar, uint8_t *flags) {
    int64_t *const prices[] = {[TD_ANSWER_OPEN] = &bar->open,
                               [TD_ANSWER_HIGH] = &bar->high,
                               [TD_ANSWER_LOW] = &bar->low,
                               [TD_ANSWER_CLOSE] = &bar->close};
    td_reason reason = TD_REASON_NONE;
    for (int c = TD_ANSWER_OPEN; c <= TD_ANSWER_CLOSE && reason == TD_REASON_NONE; c++)
        reason = td_recorded_number(cells[c], TD_PRICE_SCALE, prices[c], flags);
    bar->volume = TD_NONE;
    if (reason == TD_REASON_NONE && cells[TD_ANSWER_VOLUME].size > 0)
        reason = td_recorded_number(cells[TD_ANSWER_VOLUME], TD_SIZE_SCALE, &bar->volume, flags);
    return reason;
}

static bool is_whole(const td_vendor_bar *b) {
    bool spans = b->low <= b->open && b->low <= b->close && b->open <= b->high && b->close <= b->high;
    return spans && b->low > 0 && (b->volume == TD_NONE || b->volume >= 0);
}

void td_answer_bar(const td_answer_series *s, const td_bytes cells[TD_ANSWER_COLUMNS], td_recorded *out) {
    td_vendor_bar *bar = &out->event.vendor_bar;
    *out = (td_recorded){
        .kind = TD_ITEM_EVENT, .ns_of_day = -1, .event = {.kind = TD_EVENT_VENDOR_BAR, .instrument = s->instrument}};
    td_reason reason = read_stamp(s, cells[TD_ANSWER_STAMP], &bar->start_ns, &out->event.event_ns);
    if (reason != TD_REASON_NONE) {
        td_recorded_reject(out, reason, "not a time such as 2017-12-18 14:56:00, of a day 2017-12-18, before 2200");
        return;
    }
    out->clock_ns = out->event.event_ns;
    bar->width_ns = s->width_ns;
    bar->adjusted = s->width_ns < TD_NS_PER_DAY && s->request->adjusted;
    reason = read_numbers(cells, bar, &out->event.flags);
    if (reason != TD_REASON_NONE)
        td_recorded_reject(out, reason, "open, high, low, close and volume are numbers that fit");
    else if (!is_whole(bar))
        td_recorded_reject(out, TD_REASON_MALFORMED,
                           "no bar: its low is not above 0 and the least, or its high not the most");
}

bool td_answer_zone(td_bytes name, td_zone *out) {
    bool eastern = td_bytes_equal(name, TD_TEXT("US/Eastern")) || td_bytes_equal(name, TD_TEXT("America/New_York"));
    *out = eastern ? TD_ZONE_NEW_YORK : TD_ZONE_UTC;
    return eastern || td_bytes_equal(name, TD_TEXT("UTC"));
}
