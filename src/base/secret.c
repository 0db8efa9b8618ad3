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

/* Behind a word, what separates it from its value: '=', " as ", or a quote, a colon and a quote with blanks between.
 * NULL: nothing does. */
static const char *find_value(const char *p) {
    if (*p == '=') return p + 1;
    if (strncmp(p, " as ", 4) == 0) return p + 4;
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

void td_secrets_fini(td_texts *secrets) { td_texts_fini(secrets); }

static bool holds_any(const td_texts *secrets, td_bytes text) {
    for (size_t i = 0; i < secrets->count; i++)
        if (memmem(text.data, text.size, secrets->items[i], strlen(secrets->items[i])) != NULL) return true;
    return false;
}

/* The size of the longest secret that begins there; 0: none does. */
static size_t secret_at(const td_texts *secrets, const uint8_t *at, const uint8_t *end) {
    size_t longest = 0;
    for (size_t i = 0; i < secrets->count; i++) {
        const char *secret = secrets->items[i];
        if ((uint8_t)secret[0] != *at) continue;
        size_t size = strlen(secret);
        if (size > longest && size <= (size_t)(end - at) && memcmp(at, secret, size) == 0) longest = size;
    }
    return longest;
}

td_bytes td_secrets_hide(const td_texts *secrets, td_bytes text, td_buf *room) {
    if (text.size == 0 || !holds_any(secrets, text)) return text;
    const uint8_t *from = text.data, *end = text.data + text.size;
    room->size = 0;
    for (const uint8_t *p = from; p < end;) {
        size_t size = secret_at(secrets, p, end);
        if (size > 0) {
            td_buf_put(room, from, (size_t)(p - from));
            td_buf_text(room, "***");
            from = p + size;
        }
        p += size > 0 ? size : 1;
    }
    td_buf_put(room, from, (size_t)(end - from));
    return td_buf_bytes(room);
}
