/* src/base/bytes.c - the growing buffer, and allocation that cannot fail. */
#include "base/bytes.h"
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static uint8_t small_letter(uint8_t c) { return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c; }

int td_bytes_compare(td_bytes a, td_bytes b) {
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size > 0 ? memcmp(a.data, b.data, size) : 0;
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

bool td_bytes_have(td_bytes text, td_bytes part) {
    for (size_t at = 0; at + part.size <= text.size; at++) {
        size_t same = 0;
        while (same < part.size && small_letter(text.data[at + same]) == small_letter(part.data[same])) same++;
        if (same == part.size) return true;
    }
    return false;
}

void *td_alloc_check(void *memory, size_t size) {
    if (memory != NULL) return memory;
    (void)fprintf(stderr, "tapedeck: out of memory (%zu bytes wanted)\n", size);
    abort();
}

void *td_alloc(size_t size) { return td_alloc_check(malloc(size > 0 ? size : 1), size); }

void *td_alloc_zero(size_t count, size_t size) {
    return td_alloc_check(calloc(count > 0 ? count : 1, size > 0 ? size : 1), count * size);
}

char *td_copy_text(const char *s) {
    size_t size = strlen(s) + 1;
    return memcpy(td_alloc(size), s, size);
}

char *td_copy_bytes(td_bytes bytes) {
    char *text = td_alloc_zero(bytes.size + 1, 1);
    if (bytes.size > 0) memcpy(text, bytes.data, bytes.size);
    return text;
}

void td_buf_reserve(td_buf *buf, size_t extra_bytes) {
    if (buf->capacity - buf->size >= extra_bytes) return;
    assert(extra_bytes <= SIZE_MAX / 4 && buf->size <= SIZE_MAX / 4);
    size_t capacity = buf->capacity > 0 ? buf->capacity : 64;
    while (capacity - buf->size < extra_bytes) capacity *= 2;
    buf->data = td_alloc_check(realloc(buf->data, capacity), capacity);
    buf->capacity = capacity;
}

void td_buf_put(td_buf *buf, const void *data, size_t size) {
    if (size == 0) return;
    td_buf_reserve(buf, size);
    memcpy(buf->data + buf->size, data, size);
    buf->size += size;
}

void td_buf_printf(td_buf *buf, const char *fmt, ...) {
    assert(fmt != NULL);
    va_list args;
    va_start(args, fmt);
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    assert(length >= 0);
    td_buf_reserve(buf, (size_t)length + 1); /* vsnprintf wants room for its NUL, which is not part of the buffer */
    (void)vsnprintf((char *)buf->data + buf->size, (size_t)length + 1, fmt, again);
    va_end(again);
    buf->size += (size_t)length;
}

void td_buf_fini(td_buf *buf) {
    free(buf->data);
    *buf = (td_buf){0};
}
