/* src/feed/alphavantage.h - what an answer of Alpha Vantage says: bars as JSON or CSV, the latest price, or a notice
 * that stands in their place. It answers HTTP 200 whatever it says, and a request for CSV with JSON when it refuses.
 * Pure; allocates nothing. Thread: any. */
#pragma once
#include "feed/recording.h"

typedef enum td_av_word {
    TD_AV_ROWS,
    TD_AV_LATER,    /* asked too often: again in a minute */
    TD_AV_TOMORROW, /* the day's requests are used up: again at midnight in New York */
    TD_AV_PREMIUM,  /* the key's plan has no such data */
    TD_AV_KEY,      /* the key is not known, or only for demonstration */
    TD_AV_CALL,     /* the request makes no sense: an unknown symbol, too */
    TD_AV_REFUSED,  /* something else */
    TD_AV_NO_ANSWER /* not of Alpha Vantage, or cut */
} td_av_word;

typedef struct td_av_request { /* what the answer does not say of itself */
    td_naming naming;
    td_bytes symbol;  /* of CSV */
    int64_t width_ns; /* of CSV */
    bool adjusted;    /* whether intraday bars are */
    bool starts;      /* whether their times are their starts; else their ends */
} td_av_request;

/* A row as a recorded line: EVENT (a vendor's bar, or a price) or REJECTED; its bytes; in the answer's order, which is
 * mostly the newest first. Borrowed for the call. */
typedef void (*td_av_row_fn)(void *arg, const td_recorded *row, td_bytes bytes);

/* Else than ROWS, *out_text is the notice, which may hold the key (base/secret.h), or what is wrong; no row was given.
 */
td_av_word td_av_read(td_bytes answer, const td_av_request *request, td_av_row_fn each, void *arg, td_bytes *out_text);
const char *td_av_word_name(td_av_word word); /* for people: a literal */
/* "1min" to "60min", "daily" in any case, to ns. */
bool td_av_width(td_bytes interval, int64_t *out_ns);
