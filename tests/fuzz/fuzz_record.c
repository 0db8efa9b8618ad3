/* tests/fuzz/fuzz_record.c - any bytes as a record of ours; what is read is written again to a record that reads alike.
 */
#include "../record_again.h"
#include <assert.h>
#include <stdlib.h>

enum { SIGNAL_TEXT_MAX = 63 }; /* names in a signal's id: longer ones do not come out of the language */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool fits_an_id(const td_schema_ids *ids, td_bytes value) {
    td_signal signal;
    td_bytes instrument;
    return td_record_schema(ids, value) != TD_SCHEMA_SIGNAL ||
           td_record_get_signal(ids, value, &signal, &instrument) != TD_OK ||
           (signal.strategy.size <= SIGNAL_TEXT_MAX && instrument.size <= SIGNAL_TEXT_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static td_schema_ids ids;
    td_buf once = {0}, twice = {0}, json = {0};
    td_bytes value = {data, size};
    if (ids.id[0] == 0) record_ids_init(&ids);
    bool known = td_record_json(&ids, value, &json);
    if (fits_an_id(&ids, value) && record_again(&once, &ids, value)) {
        assert(known);
        assert(record_again(&twice, &ids, td_buf_bytes(&once)));
        assert(td_bytes_equal(td_buf_bytes(&once), td_buf_bytes(&twice)));
    }
    td_buf_fini(&json);
    td_buf_fini(&twice);
    td_buf_fini(&once);
    return 0;
}
