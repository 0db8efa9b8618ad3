/* src/feed/alphavantage.h - what an answer of Alpha Vantage says: bars as JSON or CSV, the latest price, or a notice
 * that stands in their place. It answers HTTP 200 whatever it says, and a request for CSV with JSON when it refuses.
 * Pure; allocates nothing. Thread: any. */
#pragma once
#include "feed/answer.h"

/* Else than ROWS, *out_text is the notice, which may hold the key (base/secret.h), or what is wrong; no row was given.
 */
td_answer_word td_av_read(td_bytes answer, const td_answer_request *request, td_answer_row_fn each, void *arg,
                          td_bytes *out_text);
/* "1min" to "60min", "daily" in any case, to ns. */
bool td_av_width(td_bytes interval, int64_t *out_ns);
