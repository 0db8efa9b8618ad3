/* tests/unit/net_cql_token_test.c - goal: a partition's key has the token that Cassandra gives it, of any length, with
 * bytes above 0x7F, and of several columns. The tokens are those of the Python driver, which computes them for the same
 * end; tests/services/run_cql.py asks a node. */
#include "cql_unit.h"
#include "net/cql_token.h"
#include <inttypes.h>

static void keys(void **state) {
    (void)state;
    static const struct {
        const char *key;
        int64_t token;
    } rows[] = {
        {"", 0},
        {"'123'", INT64_C(-7468325962851647638)},
        {"00FF10FA99 00FF10FA99 00FF10FA99 00FF10FA99 00FF10FA99 00FF10FA99 00FF10FA99 00FF10FA99 00FF10FA99 "
         "00FF10FA99",
         INT64_C(5837342703291459765)},
        {"FEFEFEFEFEFEFEFE", INT64_C(-8927430733708461935)},
        {"1010101010101010", INT64_C(1446172840243228796)},
        {"'9223372036854775807'", INT64_C(7162290910810015547)},
        {"80", INT64_C(-5284281814142962636)},
        {"FFFFFFFFFFFFFFFFFFFFFFFFFFFFFF", INT64_C(-2195530867418009455)},
        {"7F7F7F7F7F7F7F7F7F7F7F7F7F7F7F7F", INT64_C(-1973927860473202100)},
        {"8080808080808080808080808080808080", INT64_C(-7492040465024918340)},
        {"E0E1E2E3E4E5E6E7E8E9EAEBECEDEEEFF0F1F2F3F4F5F6F7F8F9FAFBFCFDFEFF", INT64_C(1006116951175961861)},
        {"'LEAN:IBM'", INT64_C(-1427552235604806300)},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_bytes key = cql_bytes(rows[i].key);
        int64_t token = td_cql_token_of(key);
        ASSERT_ROW(token == rows[i].token, "%zu: %" PRId64, i, token);
        cql_free(key);
    }
}

static void columns(void **state) {
    (void)state;
    td_cql_values values = {0};
    td_buf room = {0};
    td_cql_add_bytes(&values, TD_TEXT("LEAN:IBM"));
    td_cql_add_bigint(&values, INT64_C(60000000000));
    td_cql_add_int(&values, 2013);
    td_cql_add_null(&values); /* what follows is no part of it */
    assert_true(td_cql_token(&values, 3, &room) == INT64_C(3983327206122677778));
    assert_true(td_cql_token(&values, 1, &room) == INT64_C(-1427552235604806300)); /* a single one stands bare */
    td_cql_values_clear(&values);
    td_cql_add_bytes(&values, TD_TEXT("BINANCE:BTCUSDT"));
    td_cql_add_date(&values, 16000);
    assert_true(td_cql_token(&values, 2, &room) == INT64_C(2262916639322157923));
    td_cql_values_clear(&values);
    td_cql_add_bytes(&values, TD_TEXT("X:\xC3\x84\xE2\x82\xAC"));
    td_cql_add_int(&values, 2026);
    assert_true(td_cql_token(&values, 2, &room) == INT64_C(-2841319800743422885));
    td_cql_values_fini(&values);
    td_buf_fini(&room);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys),
        cmocka_unit_test(columns),
    };
    return cmocka_run_group_tests_name("net_cql_token", tests, NULL, NULL);
}
