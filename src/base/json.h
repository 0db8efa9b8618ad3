/* src/base/json.h - a strict pull reader over JSON bytes, for feeds: no allocation, no copies, numbers stay text.
 * And a few writers for answers. The reader borrows the bytes. Thread: any; one reader, one thread. */
#pragma once
#include "base/bytes.h"

typedef enum td_json_type {
    TD_JSON_ERROR, /* malformed, or cut short: stays so */
    TD_JSON_END,   /* the value is complete and nothing but white space follows */
    TD_JSON_OBJECT,
    TD_JSON_OBJECT_END,
    TD_JSON_ARRAY,
    TD_JSON_ARRAY_END,
    TD_JSON_KEY,
    TD_JSON_STRING,
    TD_JSON_NUMBER,
    TD_JSON_TRUE,
    TD_JSON_FALSE,
    TD_JSON_NULL,
} td_json_type;

enum { TD_JSON_DEPTH_MAX = 64 };

typedef struct td_json {
    const uint8_t *at, *end;
    td_bytes text; /* KEY and STRING: between the quotes, escapes not undone; NUMBER: its characters */
    bool escaped;  /* text holds at least one backslash */
    uint8_t state, depth;
    uint64_t in_object; /* a bit per depth */
} td_json;

void td_json_init(td_json *json, td_bytes text);
td_json_type td_json_next(td_json *json);
/* Skips the value that comes next (after a KEY, or as an array element), whatever it is. False when malformed. */
bool td_json_skip(td_json *json);
/* Within an object or array: reads on behind its end. False when malformed. */
bool td_json_leave(td_json *json);
/* Undoes escapes of a KEY or STRING into `out`; returns its size, or SIZE_MAX when it does not fit or is not UTF-8. */
size_t td_json_unescape(td_bytes text, char *out, size_t capacity);
/* Length of the UTF-8 character at `p`, of which `left` > 0 bytes are there, or 0 when there is none. Overlong forms,
 * surrogates and what is above U+10FFFF are none. */
size_t td_utf8_size(const uint8_t *p, size_t left);
/* The place of the first byte of `text` that begins no such character; its size: there is none. */
size_t td_utf8_find_bad(td_bytes text);
/* Appends the text, U+FFFD for each byte that begins none. */
void td_buf_put_sound(td_buf *buf, td_bytes text);
/* Appends "text" with quotes and escapes; bytes that are not UTF-8 become U+FFFD. */
void td_json_put_string(td_buf *buf, td_bytes text);
