/* tests/fuzz/fuzz_registry_answer.c - any bytes as the answer of a schema registry: an answer or none, with ids that a
 * record can name and a message that a terminal can show. */
#include "schema/registry_answer.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    td_registry_answer a;
    bool good = td_registry_answer_read(&a, (td_bytes){data, size});
    assert(!good || (a.id >= 0 && a.error_code >= 0 && (a.judges || !a.follows)));
    assert(a.message.size <= TD_REGISTRY_MESSAGE_MAX);
    for (size_t i = 0; i < a.message.size; i++) assert(a.message.data[i] >= ' ' && a.message.data[i] != 0x7F);
    td_registry_answer_fini(&a);
    return 0;
}
