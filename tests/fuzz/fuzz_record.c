/* tests/fuzz/fuzz_record.c - any bytes as a record of ours; what is read is written again to a record that reads alike.
 */
#include "../record_again.h"
#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static td_schema_ids ids;
    td_buf once = {0}, twice = {0}, json = {0};
    td_bytes value = {data, size};
    if (ids.id[0] == 0) record_ids_init(&ids);
    bool known = td_record_json(&ids, value, &json);
    if (record_again(&once, &ids, value)) {
        assert(known);
        assert(record_again(&twice, &ids, td_buf_bytes(&once)));
        assert(td_bytes_equal(td_buf_bytes(&once), td_buf_bytes(&twice)));
    }
    td_buf_fini(&json);
    td_buf_fini(&twice);
    td_buf_fini(&once);
    return 0;
}
