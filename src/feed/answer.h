/* src/feed/answer.h - what a vendor's answer by REST says: rows of a series or a price, or a word that stands in their
 * place. Vendors of this kind answer HTTP 200 whatever they say. Plain values. Thread: any. */
#pragma once
#include "base/time.h"
#include "feed/recording.h"

typedef enum td_answer_word {
    TD_ANSWER_ROWS,
    TD_ANSWER_LATER,    /* asked too often: again in a minute */
    TD_ANSWER_TOMORROW, /* the day's requests are used up: again when the vendor's next day begins */
    TD_ANSWER_PREMIUM,  /* the key's plan has no such data */
    TD_ANSWER_KEY,      /* the key is not known, or only for demonstration */
    TD_ANSWER_CALL,     /* the request makes no sense: an unknown symbol, too */
    TD_ANSWER_REFUSED,  /* something else */
    TD_ANSWER_NONE      /* nothing that the vendor answers, or cut */
} td_answer_word;

typedef struct td_answer_request { /* what the answer does not say of itself */
    td_naming naming;
    td_bytes symbol;  /* of CSV */
    int64_t width_ns; /* of CSV */
    bool adjusted;    /* whether intraday bars are */
    bool starts;      /* whether their times are their starts; else their ends */
} td_answer_request;

/* A row as a recorded line: EVENT (a vendor's bar, or a price) or REJECTED; its bytes; in the answer's order, which is
 * mostly the newest first. Borrowed for the call. */
typedef void (*td_answer_row_fn)(void *arg, const td_recorded *row, td_bytes bytes);

typedef enum td_answer_column {
    TD_ANSWER_STAMP,
    TD_ANSWER_OPEN,
    TD_ANSWER_HIGH,
    TD_ANSWER_LOW,
    TD_ANSWER_CLOSE,
    TD_ANSWER_VOLUME,
    TD_ANSWER_COLUMNS
} td_answer_column;

typedef struct td_answer_series { /* what its rows share */
    const td_answer_request *request;
    td_zone zone; /* of their times */
    int64_t width_ns;
    uint32_t instrument;
} td_answer_series;

/* A row of it, whose time is "2017-12-18 14:56:00" or, of a day, "2017-12-18": EVENT or REJECTED. No volume is an empty
 * text. */
void td_answer_bar(const td_answer_series *series, const td_bytes cells[TD_ANSWER_COLUMNS], td_recorded *out);
/* The date that the text begins with; what instants cannot hold is out of range. */
td_reason td_answer_date(td_bytes text, int64_t *out_day);
/* False: it is none of those that are known; UTC then. */
bool td_answer_zone(td_bytes name, td_zone *out);
const char *td_answer_word_name(td_answer_word word); /* for people: a literal */
