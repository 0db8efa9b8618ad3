/* src/serve/surveyor.c - a survey in turns. */
#include "serve/surveyor.h"
#include "base/time.h"
#include <inttypes.h>
#include <stdlib.h>

enum { STEP_RECORDS = 2048, REST_SHARE = 3 }; /* rests so many times as long as a step took */
#define LEVEL_REST_NS (200 * TD_NS_PER_MS)
#define WATCHED_NS    (10 * TD_NS_PER_S)
#define KEPT_NS       (600 * TD_NS_PER_S)

static void begin(td_surveyor *q, const td_serve_topics *topics) {
    q->survey = td_survey_new(&(td_survey_conf){.tape = topics->tape,
                                                .quarantine = topics->quarantine,
                                                .rejected = topics->rejected,
                                                .ids = topics->ids,
                                                .program = topics->program,
                                                .date = TD_NONE,
                                                .series_max = TD_SURVEYOR_SERIES_MAX});
    q->level = false;
    q->rests_until_ns = 0;
}

void td_surveyor_fini(td_surveyor *q) {
    td_survey_free(q->survey);
    q->survey = NULL;
}

void td_surveyor_answer(td_surveyor *q, const td_serve_topics *topics, const td_api_request *request, int64_t now_ns,
                        td_buf *out) {
    td_survey_state state;
    size_t count;
    if (q->survey == NULL) begin(q, topics);
    q->asked_ns = now_ns;
    td_survey_row *rows = td_survey_rows(q->survey, request->date, &count);
    size_t anomalous = 0, given = request->limit < TD_SURVEYOR_ROWS_MAX ? (size_t)request->limit : TD_SURVEYOR_ROWS_MAX;
    if (given > count) given = count;
    for (size_t i = 0; i < count; i++) anomalous += rows[i].anomalies.count > 0;
    td_buf_text(out, "{\"rows\":[");
    for (size_t i = 0; i < given; i++) {
        if (i > 0) td_buf_text(out, ",\n");
        td_survey_put_row(out, &rows[i]);
    }
    free(rows);
    td_survey_state_of(q->survey, &state);
    td_buf_printf(out,
                  "],\"row_count\":%zu,\"anomalous\":%zu,\"complete\":%s,\"read_records\":%" PRId64
                  ",\"all_records\":%" PRId64 ",\"unprofiled\":%" PRId64 ",\"corrupt\":%" PRId64 "}\n",
                  count, anomalous, q->level ? "true" : "false", state.read_records, state.all_records,
                  state.unprofiled, state.corrupt);
}

void td_surveyor_obey(td_surveyor *q, const td_program *program) {
    if (q->survey != NULL) td_survey_obey(q->survey, program);
}

int td_surveyor_step(td_surveyor *q, const td_os *os) {
    if (q->survey == NULL) return 0;
    int64_t begin_ns = os->ops->mono_ns(os->self);
    if (begin_ns > q->asked_ns + KEPT_NS) td_surveyor_fini(q);
    if (begin_ns > q->asked_ns + WATCHED_NS || begin_ns < q->rests_until_ns) return 0;
    td_status status = td_survey_step(q->survey, STEP_RECORDS); /* what cannot be read now is tried again */
    int64_t took_ns = os->ops->mono_ns(os->self) - begin_ns;
    q->level = status == TD_AGAIN;
    q->rests_until_ns = begin_ns + (status == TD_OK ? (1 + REST_SHARE) * took_ns : LEVEL_REST_NS);
    return status == TD_OK;
}
