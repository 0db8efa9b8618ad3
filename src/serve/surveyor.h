/* src/serve/surveyor.h - the survey of a running server: begun when somebody asks for it, carried on in small steps
 * while somebody does, within a quarter of the thread's time, let go when nobody has for ten minutes. What is asked is
 * answered at once, from what was read so far, and says how far that is. Thread: the server's. */
#pragma once
#include "serve/api.h"
#include "serve/serve.h"
#include "serve/survey.h"

enum {
    TD_SURVEYOR_SERIES_MAX = 2048, /* 35 MB; events of further instruments are counted */
    TD_SURVEYOR_ROWS_MAX = 500     /* of an answer, so that a turn stays short */
};

typedef struct td_surveyor { /* all zero before the first question */
    td_survey *survey;
    bool level;       /* at the last step: all is read */
    int64_t asked_ns; /* monotonic */
    int64_t rests_until_ns;
} td_surveyor;

/* {"rows": […], "progress": …}: the answer to GET /api/v1/profile. */
void td_surveyor_answer(td_surveyor *surveyor, const td_serve_topics *topics, const td_api_request *request,
                        int64_t now_ns, td_buf *out);
void td_surveyor_obey(td_surveyor *surveyor, const td_program *program); /* borrowed, as the topics' */
/* Reads on where it is time to. Returns work done. */
int td_surveyor_step(td_surveyor *surveyor, const td_os *os);
void td_surveyor_fini(td_surveyor *surveyor);
