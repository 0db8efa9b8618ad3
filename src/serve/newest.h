/* src/serve/newest.h - the answer to /api/v1/latest: what the View knows to be newest of each instrument, once it has
 * read what the tape held when it was asked. Thread: the server's. */
#pragma once
#include "serve/view.h"

typedef struct td_newest td_newest;

typedef struct td_newest_row {
    uint32_t instrument; /* of the View */
    td_latest latest;
} td_newest_row;

/* Of one instrument, or of all where that is empty. `view` is borrowed. */
td_newest *td_newest_new(const td_view *view, td_bytes instrument);
void td_newest_free(td_newest *newest); /* accepts NULL */
/* TD_FULL until the View is there, for two seconds at most: what it has then is the answer. TD_OK: the rows are taken,
 * all of one moment. */
TD_CHECKED td_status td_newest_step(td_newest *newest);
size_t td_newest_rows(const td_newest *newest, const td_newest_row **out);
/* Records of the tape that the View had not seen then, those that came while it waited among them. */
int64_t td_newest_behind(const td_newest *newest);
