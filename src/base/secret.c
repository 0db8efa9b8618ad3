/* src/base/secret.c - finding secrets by what stands before them, and putting asterisks in their place. */
#include "base/secret.h"
#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

enum { WORD_MAX = 32 };

static void add(td_texts *secrets, const char *secret, size_t size) {
    if (size < TD_SECRET_LEAST) return;
    for (size_t i = 0; i < secrets->count; i++)
        if (td_bytes_equal(td_text(secrets->items[i]), (td_bytes){(const uint8_t *)secret, size})) return;
    char **items = td_alloc((secrets->count + 1) * sizeof *items), *copy = td_alloc(size + 1);
    memcpy(copy, secret, size);
    copy[size] = '\0';
    if (secrets->count > 0) memcpy(items, secrets->items, secrets->count * sizeof *items);
    free(secrets->items);
    items[secrets->count++] = copy;
    secrets->items = items;
}

void td_secrets_add(td_texts *secrets, const char *secret) {
    if (secret != NULL) add(secrets, secret, strlen(secret));
}

void td_secrets_own(td_texts *secrets) {
    td_texts own = {0};
    for (size_t i = 0; i < secrets->count; i++) td_secrets_add(&own, secrets->items[i]);
    *secrets = own;
}

static bool is_word_char(char c) { return isalnum((unsigned char)c) != 0 || c == '_' || c == '-'; }

/* "apiKey", "X-MBX-APIKEY", "access_token", … */
static bool names_secret(const char *word, size_t size) {
    static const char *const parts[] = {"token", "key", "secret", "passw", "passphrase", "signature"};
    char lower[WORD_MAX + 1] = "";
    if (size > WORD_MAX) return false;
    for (size_t i = 0; i < size; i++) lower[i] = (char)tolower((unsigned char)word[i]);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (strstr(lower, parts[i]) != NULL) return true;
    return false;
}

/* Behind a word, what separates it from its value: '=', or a quote, a colon and a quote with blanks between. NULL:
 * nothing does. */
static const char *find_value(const char *p) {
    if (*p == '=') return p + 1;
    if (*p++ != '"') return NULL;
    p += strspn(p, " \t\r\n");
    if (*p++ != ':') return NULL;
    p += strspn(p, " \t\r\n");
    return *p == '"' ? p + 1 : NULL;
}

void td_secrets_find(td_texts *secrets, const char *text) {
    for (const char *p = text; p != NULL && *p != '\0';) {
        size_t size = 0;
        while (is_word_char(p[size])) size++;
        const char *value = size > 0 && names_secret(p, size) ? find_value(p + size) : NULL;
        p += size > 0 ? size : 1;
        if (value == NULL) continue;
        size = strcspn(value, "\"&#; \t\r\n");
        add(secrets, value, size);
        p = value + size;
    }
}

void td_secrets_fini(td_texts *secrets) {
    for (size_t i = 0; i < secrets->count; i++) {
        explicit_bzero(secrets->items[i], strlen(secrets->items[i]));
        free(secrets->items[i]);
    }
    free(secrets->items);
    *secrets = (td_texts){0};
}

/* The first secret in the text, of those the longest; its size, or 0. */
static size_t find_first(const td_texts *secrets, td_bytes text, const uint8_t **out) {
    size_t found = 0;
    *out = text.data + text.size;
    for (size_t i = 0; i < secrets->count; i++) {
        size_t size = strlen(secrets->items[i]);
        const uint8_t *at = memmem(text.data, text.size, secrets->items[i], size);
        if (at == NULL || at > *out || (at == *out && size < found)) continue;
        *out = at;
        found = size;
    }
    return found;
}

td_bytes td_secrets_hide(const td_texts *secrets, td_bytes text, td_buf *room) {
    const uint8_t *at;
    size_t size = secrets->count > 0 && text.size > 0 ? find_first(secrets, text, &at) : 0;
    if (size == 0) return text;
    room->size = 0;
    for (; size > 0; size = find_first(secrets, text, &at)) {
        td_buf_put(room, text.data, (size_t)(at - text.data));
        td_buf_text(room, "***");
        text = (td_bytes){at + size, text.size - (size_t)(at - text.data) - size};
    }
    td_buf_put(room, text.data, text.size);
    return td_buf_bytes(room);
}
