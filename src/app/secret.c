/* src/app/secret.c - the files of secrets, and the secrets of a feed. */
#include "app/secret.h"
#include "base/secret.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

enum { KEY_MAX = 64, VARIABLE_LEAST = 12 };

static char *text_of(const td_option *row, const void *conf) {
    return *(char *const *)(const void *)((const char *)conf + row->offset);
}

static td_status take(const td_option *rows, void *conf, const char *key, td_buf *text) {
    while (text->size > 0 && isspace(text->data[text->size - 1]) != 0) text->size--; /* the file's last newline */
    td_buf_put(text, "", 1);
    return td_options_set(rows, conf, key, (const char *)text->data);
}

static td_status read_file(const td_os *os, const td_option *rows, void *conf, const td_option *secret,
                           const char *file) {
    td_buf text = {0};
    td_status status = td_os_read_file(os, file, TD_SECRET_MAX + 2, &text);
    if (status == TD_OK) status = take(rows, conf, secret->key, &text);
    if (status != TD_OK)
        status = TD_FAIL(TD_CONFIG, "%s_file: cannot read a secret of at most %d printable characters from '%s'",
                         secret->key, TD_SECRET_MAX, file);
    if (text.size > 0) explicit_bzero(text.data, text.size);
    td_buf_fini(&text);
    return status;
}

td_status td_secrets_read(const td_os *os, const td_option *rows, void *conf) {
    td_status status = TD_OK;
    for (const td_option *row = rows; row->key != NULL && status == TD_OK; row++) {
        char key[KEY_MAX];
        (void)snprintf(key, sizeof key, "%s_file", row->key);
        const td_option *file_row = row->type == TD_OPTION_SECRET ? td_option_find(rows, key) : NULL;
        const char *file = file_row != NULL ? text_of(file_row, conf) : NULL;
        if (file == NULL || *file == '\0') continue;
        status = text_of(row, conf) != NULL ? TD_FAIL(TD_CONFIG, "%s and %s are both set: one is enough", row->key, key)
                                            : read_file(os, rows, conf, row, file);
    }
    return status;
}

void td_secrets_each(const td_option *rows, const void *conf, void (*each)(void *arg, const char *secret), void *arg) {
    for (; rows->key != NULL; rows++)
        if (rows->type == TD_OPTION_SECRET && text_of(rows, conf) != NULL) each(arg, text_of(rows, conf));
}

static void add_secret(void *secrets, const char *secret) { td_secrets_add(secrets, secret); }

void td_secrets_find_all(const td_option *rows, td_feed_conf *conf, const td_texts *variables) {
    td_secrets_each(rows, conf, add_secret, &conf->secrets);
    for (size_t i = 0; i < variables->count; i++)
        if (strlen(variables->items[i]) >= VARIABLE_LEAST) td_secrets_add(&conf->secrets, variables->items[i]);
    td_secrets_find(&conf->secrets, conf->url);
    td_secrets_find(&conf->secrets, conf->subscribe);
    td_secrets_find(&conf->secrets, conf->history);
}
