/* tests/unit/cql_unit.h - bytes of CQL's protocol written as hex digits, with spaces and 'texts' between them. */
#pragma once
#include "base/bytes.h"
#include "unit.h"
#include <stdlib.h>

static inline int hex_digit(char c) { return c >= '0' && c <= '9' ? c - '0' : c - 'A' + 10; }

/* In a block of exactly their size, so that a sanitizer sees who reads beyond; free() it. */
static inline td_bytes cql_bytes(const char *text) {
    td_buf buf = {0};
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == ' ') continue;
        if (*at == '\'') {
            for (at++; *at != '\''; at++) td_buf_put(&buf, at, 1);
            continue;
        }
        const uint8_t byte = (uint8_t)(hex_digit(at[0]) << 4 | hex_digit(at[1]));
        td_buf_put(&buf, &byte, 1);
        at++;
    }
    uint8_t *exact = td_alloc(buf.size > 0 ? buf.size : 1);
    if (buf.size > 0) memcpy(exact, buf.data, buf.size);
    td_bytes out = {exact, buf.size};
    td_buf_fini(&buf);
    return out;
}

static inline void cql_free(td_bytes bytes) { free((void *)(uintptr_t)bytes.data); }

static inline bool cql_is(td_bytes bytes, const char *text) {
    td_bytes expected = cql_bytes(text);
    bool same = td_bytes_equal(bytes, expected);
    cql_free(expected);
    return same;
}
