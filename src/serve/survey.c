/* src/serve/survey.c - one reader at a time over three topics, and the table of what it has seen. */
#include "serve/survey.h"
#include "base/time.h"
#include "model/instrument.h"
#include "serve/view.h"
#include <stdlib.h>

enum { TOPICS = 3, NO_SERIES = -1, FEED_NAME_MAX = 64 };
#define REJECTED_SHARE_MAX 0.001

typedef struct series {
    uint32_t feed, instrument;
    int32_t next; /* of the same instrument, by another feed */
    td_profile profile;
} series;

typedef struct feed_day {
    int64_t date, events;
    int64_t rejected[TD_REASON_COUNT];
} feed_day;

typedef struct survey_feed {
    char name[FEED_NAME_MAX];
    td_program_feed rules;
    bool wanted, ended;
    int64_t *newest_ns;               /* by partition: largest event time */
    td_zone zone;                     /* of its instruments' exchange */
    size_t day_count;                 /* the newest is the last */
    int64_t date, begin_ns, end_ns;   /* of the event counted last */
    int64_t undated[TD_REASON_COUNT]; /* rejected without a clock: files of which nothing could be read */
    feed_day days[TD_PROFILE_DAYS];
} survey_feed;

struct td_survey {
    td_survey_conf conf;
    td_topic *topics[TOPICS];
    int64_t *next[TOPICS];  /* by partition: first record not read */
    int64_t *first[TOPICS]; /* where reading began */
    bool *corrupt[TOPICS];
    uint32_t topic, partition; /* being read */
    td_reader *reader;         /* NULL: to be opened */
    bool moved;                /* something was read since topic 0 began */
    td_instruments *instruments;
    int32_t *first_series; /* by instrument */
    series **series;
    size_t series_count;
    survey_feed *feeds[TD_PROGRAM_FEEDS_MAX];
    size_t feed_count;
    int64_t unprofiled, corrupt_count;
};

td_survey *td_survey_new(const td_survey_conf *conf) {
    td_survey *s = td_alloc_zero(1, sizeof *s);
    s->conf = *conf;
    td_topic *topics[TOPICS] = {conf->tape, conf->quarantine, conf->rejected};
    for (int t = 0; t < TOPICS; t++) {
        s->topics[t] = topics[t];
        uint32_t count = topics[t] != NULL ? td_topic_partitions(topics[t]) : 0;
        s->next[t] = td_alloc_zero(count + 1, sizeof *s->next[t]);
        s->first[t] = td_alloc_zero(count + 1, sizeof *s->first[t]);
        s->corrupt[t] = td_alloc_zero(count + 1, sizeof *s->corrupt[t]);
        for (uint32_t p = 0; p < count; p++) s->next[t][p] = s->first[t][p] = td_topic_start(topics[t], p);
    }
    s->instruments = td_instruments_new();
    s->first_series = td_alloc(conf->series_max * sizeof *s->first_series);
    s->series = td_alloc_zero(conf->series_max, sizeof(series *));
    return s;
}

void td_survey_obey(td_survey *s, const td_program *program) { s->conf.program = program; }

void td_survey_free(td_survey *s) {
    if (s == NULL) return;
    for (size_t i = 0; i < s->series_count; i++) free(s->series[i]);
    for (size_t i = 0; i < s->feed_count; i++) {
        free(s->feeds[i]->newest_ns);
        free(s->feeds[i]);
    }
    for (int t = 0; t < TOPICS; t++) {
        free(s->next[t]);
        free(s->first[t]);
        free(s->corrupt[t]);
    }
    td_reader_close(s->reader);
    td_instruments_free(s->instruments);
    free(s->first_series);
    free(s->series);
    free(s);
}

/* ---- what is known ---- */

/* NULL: there is no room for another. */
static survey_feed *feed_named(td_survey *s, td_bytes name, uint32_t *out_index) {
    uint32_t f = 0;
    while (f < s->feed_count && !td_bytes_equal(td_text(s->feeds[f]->name), name)) f++;
    *out_index = f;
    if (f < s->feed_count) return s->feeds[f];
    if (f == TD_PROGRAM_FEEDS_MAX || name.size >= FEED_NAME_MAX) return NULL;
    survey_feed *added = s->feeds[s->feed_count++] = td_alloc_zero(1, sizeof *added);
    memcpy(added->name, name.data, name.size);
    added->rules = s->conf.program != NULL ? *td_program_feed_of(s->conf.program, name) : td_program_feed_default();
    added->wanted = s->conf.feed == NULL || strcmp(s->conf.feed, added->name) == 0;
    added->date = TD_NONE;
    uint32_t partitions = td_topic_partitions(s->conf.tape);
    added->newest_ns = td_alloc(partitions * sizeof *added->newest_ns);
    for (uint32_t p = 0; p < partitions; p++) added->newest_ns[p] = TD_NONE;
    return added;
}

/* The feed's day of that date. NULL: older than what is kept. */
static feed_day *feed_day_of(survey_feed *f, int64_t date) {
    size_t at = f->day_count;
    while (at > 0 && f->days[at - 1].date > date) at--;
    if (at > 0 && f->days[at - 1].date == date) return &f->days[at - 1];
    if (f->day_count == TD_PROFILE_DAYS) {
        if (at == 0) return NULL;
        memmove(&f->days[0], &f->days[1], --at * sizeof f->days[0]);
    } else {
        memmove(&f->days[at + 1], &f->days[at], (f->day_count++ - at) * sizeof f->days[0]);
    }
    f->days[at] = (feed_day){.date = date};
    return &f->days[at];
}

static void count_feed_event(survey_feed *f, int64_t receive_ns) {
    if (f->date == TD_NONE || receive_ns < f->begin_ns || receive_ns >= f->end_ns) {
        f->date = td_zone_date(f->zone, receive_ns);
        f->begin_ns = td_zone_to_utc(f->zone, f->date, 0);
        f->end_ns = td_zone_to_utc(f->zone, f->date + 1, 0);
    }
    feed_day *day = feed_day_of(f, f->date);
    if (day != NULL) day->events++;
}

static series *series_of(const td_survey *s, uint32_t feed, uint32_t instrument) {
    int32_t at = s->first_series[instrument];
    while (at != NO_SERIES && s->series[at]->feed != feed) at = s->series[at]->next;
    return at != NO_SERIES ? s->series[at] : NULL;
}

/* NULL: it is one too many. */
static series *series_add(td_survey *s, uint32_t feed, td_bytes name) {
    uint32_t instrument = td_instruments_find(s->instruments, name);
    bool named = td_instrument_name_valid(name) || td_bytes_equal(name, TD_TEXT(TD_GENERAL_NEWS));
    if (s->series_count == s->conf.series_max || !named) return NULL;
    if (instrument == UINT32_MAX) {
        instrument = td_instruments_intern(s->instruments, name);
        s->first_series[instrument] = NO_SERIES;
    }
    series *added = td_alloc_zero(1, sizeof *added);
    added->feed = feed;
    added->instrument = instrument;
    added->profile.zone = td_program_zone(s->conf.program, name);
    added->next = s->first_series[instrument];
    s->first_series[instrument] = (int32_t)s->series_count;
    return s->series[s->series_count++] = added;
}

/* ---- one record ---- */

static bool passed_over(const td_survey *s, const survey_feed *f, int64_t receive_ns) {
    return s->conf.date != TD_NONE && td_zone_date(f->zone, receive_ns) > s->conf.date;
}

static void take_tick(td_survey *s, survey_feed *f, const td_event *e, td_bytes key) {
    f->ended = false;
    int64_t *newest_ns = &f->newest_ns[s->partition];
    bool late = *newest_ns != TD_NONE && e->event_ns < *newest_ns - f->rules.lateness_ns;
    if (e->event_ns > *newest_ns && !td_event_is_ahead(e, f->rules.max_ahead_ns)) *newest_ns = e->event_ns;
    if (f->date == TD_NONE) f->zone = td_program_zone(s->conf.program, key);
    if (!f->wanted || passed_over(s, f, e->receive_ns)) return;
    if (s->conf.instrument != NULL && !td_bytes_equal(key, td_text(s->conf.instrument))) return;
    count_feed_event(f, e->receive_ns);
    uint32_t instrument = td_instruments_find(s->instruments, key);
    series *found = instrument != UINT32_MAX ? series_of(s, e->feed, instrument) : NULL;
    if (found == NULL) found = series_add(s, e->feed, key);
    if (found != NULL)
        td_profile_add(&found->profile, e, f->rules.trade_ids, late);
    else
        s->unprofiled++;
}

static td_status take_event(td_survey *s, const td_record *record) {
    td_event e;
    td_bytes name;
    e.origin = TD_ORIGIN_FEED;
    td_status status = td_record_get_event(s->conf.ids, record->value, &e, &name);
    if (status != TD_OK || e.kind == TD_EVENT_PROGRAM || (e.flags & TD_FLAG_COPY) != 0) return status;
    survey_feed *f = feed_named(s, name, &e.feed);
    if (f == NULL) return TD_OK;
    if (e.kind == TD_EVENT_TIME)
        f->ended = e.time.session == TD_SESSION_ENDED;
    else if (td_event_is_tick(&e))
        take_tick(s, f, &e, record->key);
    return TD_OK;
}

static td_status take_quarantined(td_survey *s, const td_record *record) {
    td_quarantined q;
    td_bytes name;
    uint32_t feed;
    td_status status = td_record_get_quarantined(s->conf.ids, record->value, &q, &name);
    if (status != TD_OK) return status;
    uint32_t instrument = td_instruments_find(s->instruments, name);
    series *found =
        feed_named(s, q.feed, &feed) != NULL && instrument != UINT32_MAX ? series_of(s, feed, instrument) : NULL;
    if (found != NULL) td_profile_refuse(&found->profile, &q);
    return TD_OK;
}

static td_status take_rejected(td_survey *s, const td_record *record) {
    td_rejected r;
    uint32_t feed;
    td_status status = td_record_get_rejected(record->value, &r);
    if (status != TD_OK) return status;
    survey_feed *f = feed_named(s, r.feed, &feed);
    bool wanted = f != NULL && f->wanted && s->conf.instrument == NULL && !passed_over(s, f, r.receive_ns);
    if (wanted && r.receive_ns == 0) {
        f->undated[r.reason] += s->conf.date == TD_NONE;
        return TD_OK;
    }
    feed_day *day = wanted ? feed_day_of(f, td_zone_date(f->zone, r.receive_ns)) : NULL;
    if (day != NULL) day->rejected[r.reason]++;
    return TD_OK;
}

/* ---- reading ---- */

/* Leaves the partition for the next one. False: all have been gone through. */
static bool move_on(td_survey *s) {
    td_reader_close(s->reader);
    s->reader = NULL;
    s->partition++;
    while (s->topic < TOPICS &&
           (s->topics[s->topic] == NULL || s->partition == td_topic_partitions(s->topics[s->topic]))) {
        s->partition = 0;
        s->topic++;
    }
    if (s->topic < TOPICS) return true;
    s->topic = 0;
    bool again = s->moved;
    s->moved = false;
    return again;
}

static td_status read_record(td_survey *s) {
    static td_status (*const take[TOPICS])(td_survey *, const td_record *) = {take_event, take_quarantined,
                                                                              take_rejected};
    int64_t *next = &s->next[s->topic][s->partition];
    td_record record;
    if (s->corrupt[s->topic][s->partition]) return TD_AGAIN;
    td_status status = TD_OK;
    if (s->reader == NULL) {
        if (*next == td_topic_end(s->topics[s->topic], s->partition)) return TD_AGAIN;
        status = td_reader_open(&s->reader, s->topics[s->topic], s->partition, *next, TD_READ_APPENDED);
    }
    if (status == TD_OK) status = td_reader_next(s->reader, &record);
    if (status == TD_OK) status = take[s->topic](s, &record);
    if (s->reader != NULL && status == TD_OK) *next = td_reader_offset(s->reader);
    if (status != TD_CORRUPT) return status;
    s->corrupt[s->topic][s->partition] = true;
    s->corrupt_count++;
    return TD_AGAIN;
}

td_status td_survey_step(td_survey *s, int64_t records) {
    while (records > 0) {
        td_status status = read_record(s);
        if (status == TD_RETRY) return status;
        s->moved |= status == TD_OK;
        records--;
        if (status == TD_AGAIN && !move_on(s)) return TD_AGAIN;
    }
    return TD_OK;
}

void td_survey_state_of(const td_survey *s, td_survey_state *out) {
    *out = (td_survey_state){.unprofiled = s->unprofiled, .corrupt = s->corrupt_count};
    for (int t = 0; t < TOPICS; t++)
        for (uint32_t p = 0; s->topics[t] != NULL && p < td_topic_partitions(s->topics[t]); p++) {
            out->read_records += s->next[t][p] - s->first[t][p];
            out->all_records += td_topic_end(s->topics[t], p) - s->first[t][p];
        }
}

/* ---- rows ---- */

static bool feed_is_over(const survey_feed *f, int64_t date) {
    return f->ended || (f->day_count > 0 && f->days[f->day_count - 1].date > date);
}

/* The day asked for; of the newest the feed's own. TD_NONE: it has none. */
static int64_t day_asked(const survey_feed *f, int64_t date) {
    if (date != TD_NONE || f->day_count == 0) return date;
    return f->days[f->day_count - 1].date;
}

static bool feed_has_day(const survey_feed *f, int64_t date) {
    size_t d = 0;
    while (d < f->day_count && (f->days[d].date != date || f->days[d].events == 0)) d++;
    return d < f->day_count;
}

/* The instrument gave nothing on a day on which its feed gave other things. False: it is not missed. */
static bool put_missing(const series *one, const survey_feed *f, td_survey_row *row) {
    size_t before = one->profile.day_count;
    while (before > 0 && one->profile.days[before - 1].date > row->day.date) before--;
    if (before == 0 || !row->over || !feed_has_day(f, row->day.date)) return false;
    const td_profile_day *last = &one->profile.days[before - 1];
    if (row->day.date - last->date > TD_PROFILE_WEEK) return false;
    char day[40];
    (void)td_time_format(last->date * TD_NS_PER_DAY, day);
    td_anomalies_add(&row->anomalies, "events", "nothing on this day; %lld events on %.10s",
                     (long long)td_profile_events(last), day);
    return true;
}

static bool put_series(const td_survey *s, const series *one, int64_t date, td_survey_row *row) {
    const survey_feed *f = s->feeds[one->feed];
    date = day_asked(f, date);
    if (date == TD_NONE) return false;
    size_t nth = td_profile_find(&one->profile, date);
    *row = (td_survey_row){.feed = td_text(f->name),
                           .instrument = td_instruments_name(s->instruments, one->instrument),
                           .over = feed_is_over(f, date),
                           .day = {.date = date, .low = TD_NONE, .high = TD_NONE}};
    if (nth == one->profile.day_count) return put_missing(one, f, row);
    td_profile_day_at(&one->profile, nth, &row->day);
    td_anomalies_find(&one->profile, nth, row->over, &row->anomalies);
    return true;
}

/* The feed's day of that date; of a feed that has none, an empty one of 1970. NULL: it has others. */
static const feed_day *feed_day_at(const survey_feed *f, int64_t date) {
    static const feed_day nothing = {0};
    if (f->day_count == 0) return &nothing;
    for (size_t d = 0; d < f->day_count; d++)
        if (f->days[d].date == date) return &f->days[d];
    return NULL;
}

/* A feed has a row of its own where it rejected something. What has no clock is of its newest day. */
static bool put_feed(const survey_feed *f, int64_t date, td_survey_row *row) {
    int64_t rejected = 0;
    const feed_day *day = feed_day_at(f, day_asked(f, date));
    if (day == NULL) return false;
    *row = (td_survey_row){.feed = td_text(f->name), .over = feed_is_over(f, day->date), .day = {.date = day->date}};
    bool newest = f->day_count == 0 || day == &f->days[f->day_count - 1];
    for (int r = 0; r < TD_REASON_COUNT; r++) {
        row->day.refused[r] = day->rejected[r] + (newest ? f->undated[r] : 0);
        rejected += row->day.refused[r];
    }
    double share = (double)rejected / (double)(rejected + day->events);
    if (rejected > 0 && share > REJECTED_SHARE_MAX)
        td_anomalies_add(&row->anomalies, "rejected_share", "%.2f %% of what came could not be decoded", 100 * share);
    return rejected > 0;
}

static int compare_rows(const void *a, const void *b) {
    const td_survey_row *x = a, *y = b;
    if (x->anomalies.count != y->anomalies.count) return x->anomalies.count > y->anomalies.count ? -1 : 1;
    int64_t events_x = td_profile_events(&x->day), events_y = td_profile_events(&y->day);
    if (events_x != events_y) return events_x > events_y ? -1 : 1;
    size_t size = x->instrument.size < y->instrument.size ? x->instrument.size : y->instrument.size;
    int order = size > 0 ? memcmp(x->instrument.data, y->instrument.data, size) : 0;
    return order != 0 ? order : (x->instrument.size > y->instrument.size) - (x->instrument.size < y->instrument.size);
}

td_survey_row *td_survey_rows(const td_survey *s, int64_t date, size_t *out_count) {
    td_survey_row *rows = td_alloc((s->series_count + s->feed_count + 1) * sizeof *rows);
    size_t count = 0;
    for (size_t i = 0; i < s->feed_count; i++) count += put_feed(s->feeds[i], date, &rows[count]);
    for (size_t i = 0; i < s->series_count; i++) count += put_series(s, s->series[i], date, &rows[count]);
    if (count > 1) qsort(rows, count, sizeof *rows, compare_rows);
    *out_count = count;
    return rows;
}
