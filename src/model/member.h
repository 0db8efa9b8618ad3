/* src/model/member.h - one instrument in a cross-section: what an expression of a strategy was for it at the end of one
 * bar; or, without an instrument, a partition's word that it tells no more of ends up to one. A plain value. */
#pragma once
#include "model/instrument.h"

typedef struct td_member {
    uint64_t section; /* which expression of which strategy; 0: a mark */
    int64_t end_ns;   /* of the bar; of a mark: what ends by then has been told */
    double value;     /* finite; of a mark 1 */
    uint32_t name_size;
    char name[TD_INSTRUMENT_NAME_MAX]; /* of the instrument */
} td_member;
