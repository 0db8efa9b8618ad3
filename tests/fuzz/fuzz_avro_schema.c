/* tests/fuzz/fuzz_avro_schema.c - any bytes as an Avro schema; one that is taken has a canonical form, and reads what
 * it wrote. */
#include "schema/avro_resolve.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    td_avro_schema *schema;
    td_buf form = {0};
    if (td_avro_schema_parse((td_bytes){data, size}, &schema) != TD_OK) {
        assert(td_trail()[0] != '\0');
        return 0;
    }
    td_avro_schema_canonical(schema, &form);
    assert(form.size > 0);
    td_avro_plan *plan = td_avro_plan_new(schema, schema);
    td_avro_trouble trouble = td_avro_plan_trouble(plan);
    assert(trouble.path == NULL || strstr(trouble.reason, "nested too deep") != NULL);
    td_avro_plan_free(plan);
    td_buf_fini(&form);
    td_avro_schema_free(schema);
    return 0;
}
