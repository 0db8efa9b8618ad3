/* src/flow/beginning.c - asked, kept, synced, begun; each step is one thread's. */
#include "flow/beginning.h"
#include <stdatomic.h>
#include <stdlib.h>

typedef enum stage { NONE, ASKED, KEEPING, KEPT, PUTTING, BEGUN } stage;

struct td_beginning {
    const td_topics *topics;
    atomic_int stage; /* ASKED and NONE again are the asker's to write, the others ingest's */
    td_program *program;
    td_buf body;
    int64_t kept_to; /* the offset of `_programs` behind the body */
};

td_beginning *td_beginning_new(const td_topics *topics) {
    td_beginning *b = td_alloc_zero(1, sizeof *b);
    b->topics = topics;
    return b;
}

void td_beginning_free(td_beginning *b) {
    if (b == NULL) return;
    td_program_free(b->program);
    td_buf_fini(&b->body);
    free(b);
}

/* ---- who asks ---- */

td_status td_beginning_ask(td_beginning *b, td_program *program, td_bytes body) {
    if (atomic_load(&b->stage) != NONE) return TD_FULL;
    td_program_free(b->program);
    b->program = program;
    b->body.size = 0;
    td_buf_put(&b->body, body.data, body.size);
    atomic_store(&b->stage, ASKED);
    return TD_OK;
}

td_status td_beginning_answer(td_beginning *b) {
    int begun = BEGUN;
    if (atomic_load(&b->stage) == NONE) return TD_FULL;
    return atomic_compare_exchange_strong(&b->stage, &begun, NONE) ? TD_OK : TD_AGAIN;
}

bool td_beginning_withdraw(td_beginning *b) {
    int asked = ASKED, kept = KEPT;
    return atomic_compare_exchange_strong(&b->stage, &asked, NONE) ||
           atomic_compare_exchange_strong(&b->stage, &kept, NONE) || atomic_load(&b->stage) == NONE;
}

/* ---- ingest ---- */

/* What it holds while the asker may not withdraw. */
static bool take(td_beginning *b, stage from, stage to) {
    int expected = (int)from;
    return atomic_load_explicit(&b->stage, memory_order_relaxed) == expected &&
           atomic_compare_exchange_strong(&b->stage, &expected, (int)to);
}

td_status td_beginning_prepare(td_beginning *b, td_writer *writer, int64_t now_ms) {
    td_topic *programs = b->topics->programs;
    if (atomic_load_explicit(&b->stage, memory_order_relaxed) == NONE) return TD_AGAIN;
    if (take(b, ASKED, KEEPING)) {
        td_status status = td_program_keep(b->topics, writer, td_buf_bytes(&b->body), now_ms);
        b->kept_to = td_topic_end(programs, 0);
        atomic_store(&b->stage, status == TD_OK ? KEPT : ASKED);
        if (status != TD_OK) return status;
    }
    if (atomic_load(&b->stage) == PUTTING) return TD_OK; /* it has failed half way */
    if (td_topic_synced(programs, 0) < b->kept_to) return TD_AGAIN;
    return take(b, KEPT, PUTTING) ? TD_OK : TD_AGAIN;
}

td_status td_beginning_put(td_beginning *b, td_writer *writer, uint32_t partition, int64_t now_ms) {
    return td_program_begin_on(b->topics, writer, partition, b->program, now_ms);
}

const td_program *td_beginning_program(const td_beginning *b) { return b->program; }
void td_beginning_end(td_beginning *b) { atomic_store(&b->stage, BEGUN); }
