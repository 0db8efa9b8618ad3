/* src/app/explaining.c - a question with its own copy of the id, and the explanation in the making. */
#include "app/explaining.h"
#include "app/explanation.h"
#include "model/signal.h"
#include <stdio.h>
#include <stdlib.h>

enum { STEP_RECORDS = 1 << 14 }; /* some ms */

typedef struct explaining {
    char id[TD_SIGNAL_ID_MAX + 1], snapshots[512];
    td_explain_question question;
    td_explain *explain;
} explaining;

void *td_explaining_begin(const td_topics *topics, const char *log_dir, const char *signal) {
    explaining *e = td_alloc_zero(1, sizeof *e);
    (void)snprintf(e->id, sizeof e->id, "%s", signal);
    int size = snprintf(e->snapshots, sizeof e->snapshots, "%s/snapshots", log_dir);
    bool fits = size > 0 && (size_t)size < sizeof e->snapshots;
    if (!fits || td_explain_parse_id(td_text(e->id), &e->question) != TD_OK) {
        free(e);
        return NULL;
    }
    e->question.os = &td_os_posix;
    e->question.topics = topics;
    e->question.snapshot_dir = e->snapshots;
    e->explain = td_explain_new(&e->question);
    return e;
}

td_status td_explaining_step(void *self) {
    explaining *e = self;
    return td_explain_step(e->explain, STEP_RECORDS);
}

void td_explaining_put(void *self, td_buf *out) {
    const explaining *e = self;
    td_explanation_put_json(e->explain, &e->question, out);
}

void td_explaining_end(void *self) {
    explaining *e = self;
    td_explain_free(e->explain);
    free(e);
}
