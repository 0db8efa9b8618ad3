/* src/flow/foreign.h - a record on the tape that is no event of ours, where others can write to it: whose it is. The
 * registry is asked for a schema id that none of our schemas has, once for each that it knows. A stranger's can be
 * passed over; what another version of this program wrote cannot, for data would be lost: its partition stands until
 * that version runs. What comes out of the tape does not depend on when it is asked: ids do not change, and no answer
 * is waited for. Thread: the worker's. */
#pragma once
#include "flow/registrar.h"
#include "flow/topics.h"

/* Workers have told in `rejected` of all strangers' records below that offset of a partition's tape, each by its cause;
 * 0: of none. Errors: as the log's; then *out_end is as it was. */
TD_CHECKED td_status td_foreign_told(const td_topics *topics, uint32_t partition, int64_t *out_end);

typedef struct td_foreign td_foreign;

/* `conf` is borrowed. Errors: TD_RETRY. */
TD_CHECKED td_status td_foreign_open(td_foreign **out, const td_registrar_conf *conf);
void td_foreign_close(td_foreign *foreign); /* accepts NULL */
/* TD_OK: a stranger's; *out_why says what is wrong with it, for people, until the next call. TD_RETRY: the answer is on
 * its way, or there is none: come again with the same value. TD_CORRUPT: another version of this program wrote it. */
TD_CHECKED td_status td_foreign_judge(td_foreign *foreign, const td_schema_ids *ids, td_bytes value,
                                      const char **out_why);
