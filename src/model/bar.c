/* src/model/bar.c - a bar's words. */
#include "model/bar.h"
#include <assert.h>

const char *td_quality_name(td_quality quality) {
    static const char *const names[] = {"complete", "partial", "repaired"};
    assert((size_t)quality < sizeof names / sizeof names[0]);
    return names[quality];
}

const char *td_evidence_name(td_evidence evidence) {
    static const char *const names[] = {"assumed", "proven"};
    assert((size_t)evidence < sizeof names / sizeof names[0]);
    return names[evidence];
}
