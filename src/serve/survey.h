/* src/serve/survey.h - the log read into profiles of its data (stream/profile.h), one per feed and instrument: first
 * the tape, then what was refused, partition after partition, as far as they are now; a later step goes on from there.
 * What it found is asked as rows, the worst first. Bounded: a profile takes 12 KB, and there are at most `series_max`;
 * events of further ones are counted. Nobody's source: losing it loses nothing. Thread: one. */
#pragma once
#include "log/log.h"
#include "schema/record.h"
#include "stream/anomaly.h"

typedef struct td_survey_conf { /* borrowed for the survey's life */
    td_topic *tape;
    td_topic *quarantine, *rejected; /* NULL: the log has none */
    const td_schema_ids *ids;
    const td_program *program;     /* lateness and trade ids of the feeds; NULL: defaults */
    const char *feed, *instrument; /* of these alone; NULL: of all */
    int64_t date;                  /* days after this one are passed over; TD_NONE: none is */
    size_t series_max;
} td_survey_conf;

typedef struct td_survey td_survey;

td_survey *td_survey_new(const td_survey_conf *conf);
void td_survey_obey(td_survey *survey, const td_program *program); /* another one, for feeds that are new */
void td_survey_free(td_survey *survey);                            /* accepts NULL */
/* Reads up to so many records. TD_AGAIN: it has come to the end of the log. A partition that is corrupt is left there,
 * and counted. Errors: TD_RETRY. */
TD_CHECKED td_status td_survey_step(td_survey *survey, int64_t records);

typedef struct td_survey_state {
    int64_t read_records, all_records;
    int64_t unprofiled; /* events beyond series_max */
    int64_t corrupt;    /* partitions that could not be read to their end */
} td_survey_state;
void td_survey_state_of(const td_survey *survey, td_survey_state *out);

typedef struct td_survey_row { /* of one instrument's day; texts are the survey's */
    td_bytes feed;
    td_bytes instrument; /* size 0: of the feed itself: what it could not decode */
    bool over;           /* no more of the day will come */
    td_profile_day day;  /* of a feed: first, last and the counts are 0, `refused` is by reason of rejection */
    td_anomalies anomalies;
} td_survey_row;

/* The rows of that date (days since 1970), or with TD_NONE of the newest one of each feed: those with most anomalies
 * first, then with most events. To be freed. An instrument that is missing on the day has a row that says so. */
td_survey_row *td_survey_rows(const td_survey *survey, int64_t date, size_t *out_count);
/* One row as a JSON object. */
void td_survey_put_row(td_buf *out, const td_survey_row *row);
