/* tests/unit/unit.h - what every table of steps needs: cmocka's includes in their order, sizes, a seeded sequence. */
#pragma once
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants those first */
#include <cmocka.h>

/* An assertion about one row of a table: says which row when it fails. */
#define ASSERT_ROW(condition, ...)                                                                                     \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            print_error("row " __VA_ARGS__);                                                                           \
            print_error(":\n");                                                                                        \
            _assert_true(0, #condition, __FILE__, __LINE__);                                                           \
        }                                                                                                              \
    } while (0)

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

/* splitmix64: the same numbers on every machine. */
static inline uint64_t unit_random(uint64_t *seed) {
    uint64_t z = *seed += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}
