/* src/os/duck_library.h - the part of DuckDB's C interface that we use, as version 1.5 has it. Private to
 * src/os/duck*.c.
 *
 * The library is opened when it is needed, not linked: it has 70 MB, no package of Debian's, and only those who archive
 * or ask in SQL need it. So there is one program, which starts without it and is built without it or its header. */
#pragma once
#include "base/bytes.h"
#include "base/status.h"

enum { TD_DUCK_OK = 0 }; /* duckdb_state */
enum { TD_DUCK_STATEMENT_SELECT = 1 };
enum { /* duckdb_error_type */
       TD_DUCK_ERROR_TRANSACTION = 10,
       TD_DUCK_ERROR_IO = 28,
       TD_DUCK_ERROR_FATAL = 30,
       TD_DUCK_ERROR_INTERNAL = 31,
       TD_DUCK_ERROR_MEMORY = 33,
};
enum { /* duckdb_type */
       TD_DUCK_TYPE_BOOLEAN = 1,
       TD_DUCK_TYPE_INTEGER = 4,
       TD_DUCK_TYPE_BIGINT = 5,
       TD_DUCK_TYPE_DOUBLE = 11, /* numbers are 2 to 11, and three more */
       TD_DUCK_TYPE_DATE = 13,
       TD_DUCK_TYPE_HUGEINT = 16,
       TD_DUCK_TYPE_VARCHAR = 17,
       TD_DUCK_TYPE_DECIMAL = 19,
       TD_DUCK_TYPE_TIMESTAMP_TZ = 31,
       TD_DUCK_TYPE_UHUGEINT = 32,
};

typedef struct duck_result { /* duckdb_result: passed by value */
    uint64_t count, rows, changed;
    void *columns, *error, *data;
} duck_result;

typedef struct duck_string { /* duckdb_string_t: up to 12 bytes lie in it */
    uint32_t size;
    char begin[4];
    union {
        char rest[8];
        const char *text;
    };
} duck_string;

typedef void *duck_handle; /* each of DuckDB's is a pointer to something of its own */

/* X(what it returns, its name behind duckdb_, its parameters) */
/* clang-format off */
#define TD_DUCK_FUNCTIONS(X)                                                                                           \
    X(int, open_ext, (const char *path, duck_handle *out, duck_handle config, char **out_error))                       \
    X(void, close, (duck_handle *database))                                                                            \
    X(int, connect, (duck_handle database, duck_handle *out))                                                          \
    X(void, disconnect, (duck_handle *connection))                                                                     \
    X(void, free, (void *memory))                                                                                      \
    X(int, query, (duck_handle connection, const char *sql, duck_result *out))                                         \
    X(void, destroy_result, (duck_result *result))                                                                     \
    X(const char *, result_error, (duck_result *result))                                                               \
    X(int, result_error_type, (duck_result *result))                                                                   \
    X(uint64_t, column_count, (duck_result *result))                                                                   \
    X(int, column_type, (duck_result *result, uint64_t column))                                                        \
    X(duck_handle, fetch_chunk, (duck_result result))                                                                  \
    X(uint64_t, extract_statements, (duck_handle connection, const char *sql, duck_handle *out))                       \
    X(const char *, extract_statements_error, (duck_handle statements))                                                \
    X(void, destroy_extracted, (duck_handle *statements))                                                              \
    X(int, prepare_extracted_statement,                                                                                \
      (duck_handle connection, duck_handle statements, uint64_t index, duck_handle *out))                              \
    X(int, prepare, (duck_handle connection, const char *sql, duck_handle *out))                                       \
    X(const char *, prepare_error, (duck_handle prepared))                                                             \
    X(int, execute_prepared_streaming, (duck_handle prepared, duck_result *out))                                       \
    X(void, destroy_prepare, (duck_handle *prepared))                                                                  \
    X(int, prepared_statement_type, (duck_handle prepared))                                                            \
    X(uint64_t, prepared_statement_column_count, (duck_handle prepared))                                               \
    X(const char *, prepared_statement_column_name, (duck_handle prepared, uint64_t column))                           \
    X(int, prepared_statement_column_type, (duck_handle prepared, uint64_t column))                                    \
    X(duck_handle, create_logical_type, (int type))                                                                    \
    X(duck_handle, create_decimal_type, (uint8_t width, uint8_t scale))                                                \
    X(void, destroy_logical_type, (duck_handle *type))                                                                 \
    X(uint64_t, vector_size, (void))                                                                                   \
    X(void, destroy_data_chunk, (duck_handle *chunk))                                                                  \
    X(uint64_t, data_chunk_get_size, (duck_handle chunk))                                                              \
    X(void, data_chunk_set_size, (duck_handle chunk, uint64_t size))                                                   \
    X(duck_handle, data_chunk_get_vector, (duck_handle chunk, uint64_t column))                                        \
    X(void *, vector_get_data, (duck_handle vector))                                                                   \
    X(uint64_t *, vector_get_validity, (duck_handle vector))                                                           \
    X(void, vector_ensure_validity_writable, (duck_handle vector))                                                     \
    X(void, vector_assign_string_element_len, (duck_handle vector, uint64_t row, const char *text, uint64_t size))     \
    X(duck_handle, create_table_function, (void))                                                                      \
    X(void, destroy_table_function, (duck_handle *function))                                                           \
    X(void, table_function_set_name, (duck_handle function, const char *name))                                         \
    X(void, table_function_set_extra_info, (duck_handle function, void *extra, void (*destroy)(void *)))               \
    X(void, table_function_set_bind, (duck_handle function, void (*bind)(duck_handle info)))                           \
    X(void, table_function_set_init, (duck_handle function, void (*init)(duck_handle info)))                           \
    X(void, table_function_set_function,                                                                               \
      (duck_handle function, void (*fill)(duck_handle info, duck_handle chunk)))                                       \
    X(void, table_function_supports_projection_pushdown, (duck_handle function, bool does))                            \
    X(int, register_table_function, (duck_handle connection, duck_handle function))                                    \
    X(void *, bind_get_extra_info, (duck_handle info))                                                                 \
    X(void, bind_add_result_column, (duck_handle info, const char *name, duck_handle type))                            \
    X(void, bind_set_cardinality, (duck_handle info, uint64_t rows, bool exact))                                       \
    X(void *, init_get_extra_info, (duck_handle info))                                                                 \
    X(uint64_t, init_get_column_count, (duck_handle info))                                                             \
    X(uint64_t, init_get_column_index, (duck_handle info, uint64_t at))                                                \
    X(void, init_set_init_data, (duck_handle info, void *scan, void (*destroy)(void *)))                               \
    X(void, init_set_error, (duck_handle info, const char *text))                                                      \
    X(void *, function_get_init_data, (duck_handle info))                                                              \
    X(void, function_set_error, (duck_handle info, const char *text))
/* clang-format on */

typedef struct td_duck_library {
#define MEMBER(type, name, parameters) type(*name) parameters;
    TD_DUCK_FUNCTIONS(MEMBER)
#undef MEMBER
} td_duck_library;

/* Opened once for the process, and never closed. TD_CONFIG: the trail says why none of the places has it: of a file
 * that is there what is wrong with it. */
TD_CHECKED td_status td_duck_library_find(const td_duck_library **out);
