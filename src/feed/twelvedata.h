/* src/feed/twelvedata.h - Twelve Data by REST: what its series are called, and what an answer with one says. Pure;
 * allocates nothing. Thread: any. */
#pragma once
#include "feed/answer.h"

enum { TD_TWELVEDATA_ROWS_MAX = 5000 }; /* of an answer */

typedef struct td_twelvedata_call {
    td_bytes symbol;        /* safe in an address */
    const char *interval;   /* "1min" */
    int64_t from_ns, to_ns; /* starts of bars, both in it; TD_NONE: as far as it goes */
    const char *token;
} td_twelvedata_call;

/* Appends path and query; the oldest bars come first, as traded. */
void td_twelvedata_put_path(const td_twelvedata_call *call, td_buf *url);
/* As td_av_read. */
td_answer_word td_twelvedata_read(td_bytes answer, const td_answer_request *request, td_answer_row_fn each, void *arg,
                                  td_bytes *out_text);
/* "1min" to "8h", "1day", to ns. */
bool td_twelvedata_width(td_bytes interval, int64_t *out_ns);
