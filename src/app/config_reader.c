/* src/app/config_reader.c - values of the tree into rows, whoever's they are, and what is said of those that do not
 * fit.
 */
#include "app/config_reader.h"
#include "app/secret.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct td_config_reader reader;

td_status td_config_pass(reader *r, td_status status) {
    if (status != TD_CONFIG || r->each == NULL) return status;
    r->each(r->each_arg, td_trail());
    r->mistakes++;
    return TD_OK;
}

td_status td_config_fail_unknown(reader *r, td_node key_node, const char *place, const char *const *words) {
    const char *key = td_tree_text(&r->tree, key_node), *nearest = td_nearest(key, words);
    if (nearest != NULL)
        return td_tree_fail(&r->tree, key_node, "%s%s: unknown key; did you mean \"%s\"?", place, key, nearest);
    td_buf list = {0};
    for (size_t i = 0; words[i] != NULL; i++) td_buf_printf(&list, i > 0 ? ", %s" : "%s", words[i]);
    td_status status = td_tree_fail(&r->tree, key_node, "%s%s: unknown key; known: %.*s", place, key, (int)list.size,
                                    (const char *)list.data);
    td_buf_fini(&list);
    return status;
}

/* "1s, 5s": what a --set or a variable can say. */
static td_status read_commas(reader *r, td_node node, const char *section, td_config_text_fn each, void *arg) {
    const char *text;
    td_status status = td_tree_read(&r->tree, node, &text);
    if (status != TD_OK || *text == '\0') return status;
    char *copy = td_copy_text(text), *next = copy;
    for (char *word; status == TD_OK && (word = strsep(&next, ",")) != NULL;) {
        while (isspace((unsigned char)*word) != 0) word++;
        size_t size = strlen(word);
        while (size > 0 && isspace((unsigned char)word[size - 1]) != 0) word[--size] = '\0';
        status = td_config_pass(r, each(r, node, section, word, arg));
    }
    free(copy);
    return status;
}

td_status td_config_read_texts(reader *r, const char *section, td_node node, td_config_text_fn each, void *arg) {
    if (td_tree_kind(&r->tree, node) == TD_NODE_TEXT) return read_commas(r, node, section, each, arg);
    if (td_tree_kind(&r->tree, node) == TD_NODE_MAP)
        return td_tree_fail(&r->tree, node, "%s: a list is expected", section);
    td_status status = TD_OK;
    for (size_t i = 0; i < td_tree_count(&r->tree, node) && status == TD_OK; i++) {
        td_node item = td_tree_item(&r->tree, node, i);
        const char *text;
        if (td_tree_kind(&r->tree, item) != TD_NODE_TEXT)
            status = td_tree_fail(&r->tree, item, "%s[%zu]: one value is expected", section, i);
        if (status == TD_OK) status = td_tree_read(&r->tree, item, &text);
        if (status == TD_OK) status = each(r, item, section, text, arg);
        status = td_config_pass(r, status);
    }
    return status;
}

typedef struct text_row { /* a row that takes several texts */
    const td_option *row;
    void *conf;
} text_row;

static td_status add_text(reader *r, td_node node, const char *section, const char *text, void *arg) {
    const text_row *t = arg;
    if (*text == '\0') return td_tree_fail(&r->tree, node, "%s: a text is expected", section);
    return td_options_set(t->row, t->conf, t->row->key, text);
}

static td_status read_list(reader *r, const char *place, td_node value, text_row *t) {
    char section[TD_CONFIG_PLACE_MAX];
    (void)snprintf(section, sizeof section, "%s%s", place, t->row->key);
    return td_config_read_texts(r, section, value, add_text, t);
}

bool td_config_is_secret(const char *pair) {
    static const char *const words[] = {"password", "passphrase", "secret", "key.pem", "oauthbearer.config"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        const char *found = strstr(pair, words[i]);
        if (found != NULL && found < pair + strcspn(pair, "=")) return true;
    }
    return false;
}

/* `place` is the section, the row's key and the name, each with a dot behind it. */
static td_status read_pair(reader *r, const char *place, td_node value, const text_row *t) {
    const char *text, *name = strstr(place, t->row->key) + strlen(t->row->key) + 1;
    int size = (int)strlen(place) - 1;
    if (td_config_is_secret(name) && td_tree_open(&r->tree, value))
        return td_tree_fail(&r->tree, value, "%.*s: a secret is not written here: ${VARIABLE}", size, place);
    td_status status = td_tree_read(&r->tree, value, &text);
    if (status != TD_OK) return status;
    td_buf pair = {0};
    td_buf_printf(&pair, "%.*s=%s%c", (int)strlen(name) - 1, name, text, '\0');
    status = td_options_set(t->row, t->conf, t->row->key, (const char *)pair.data);
    explicit_bzero(pair.data, pair.size);
    td_buf_fini(&pair);
    return status;
}

/* Names may have dots in them, or be maps in maps: --set writes them so. */
static td_status read_pairs(reader *r, const char *place, td_node map, const text_row *t) {
    td_status status = TD_OK;
    if (td_tree_kind(&r->tree, map) != TD_NODE_MAP)
        return td_tree_fail(&r->tree, map, "%.*s: names and values are expected", (int)strlen(place) - 1, place);
    for (size_t i = 0; i < td_tree_count(&r->tree, map) && status == TD_OK; i++) {
        td_node key = td_tree_key(&r->tree, map, i), value = td_tree_value(&r->tree, map, i);
        char name[TD_CONFIG_PLACE_MAX];
        (void)snprintf(name, sizeof name, "%s%s.", place, td_tree_text(&r->tree, key));
        status = td_tree_kind(&r->tree, value) == TD_NODE_TEXT ? read_pair(r, name, value, t)
                                                               : read_pairs(r, name, value, t);
        status = td_config_pass(r, status);
    }
    return status;
}

static td_status read_option(reader *r, const char *place, const td_option *rows, void *conf, td_node key_node,
                             td_node value) {
    const char *key = td_tree_text(&r->tree, key_node), *text = "";
    const td_option *row = td_option_find(rows, key);
    if (row != NULL && row->type == TD_OPTION_TEXTS) return read_list(r, place, value, &(text_row){row, conf});
    if (row != NULL && row->type == TD_OPTION_PAIRS) {
        char section[TD_CONFIG_PLACE_MAX];
        (void)snprintf(section, sizeof section, "%s%s.", place, key);
        return read_pairs(r, section, value, &(text_row){row, conf});
    }
    if (row != NULL && td_tree_kind(&r->tree, value) != TD_NODE_TEXT)
        return td_tree_fail(&r->tree, value, "%s%s: one value is expected", place, key);
    if (row != NULL && row->type == TD_OPTION_SECRET && td_tree_open(&r->tree, value))
        return td_tree_fail(&r->tree, value, "%s%s: a secret is not written here: ${VARIABLE}, or %s_file: FILE", place,
                            key, key);
    td_status status = row != NULL ? td_tree_read(&r->tree, value, &text) : TD_OK;
    if (status != TD_OK) return status;
    if (td_options_set(rows, conf, key, text) == TD_OK) return TD_OK;
    return td_tree_fail(&r->tree, row != NULL ? value : key_node, "%s%s", place, td_trail());
}

td_status td_config_read_options(reader *r, const char *place, td_node map, const td_option *rows, void *conf,
                                 const char *passed) {
    if (td_tree_kind(&r->tree, map) != TD_NODE_MAP && !td_tree_empty(&r->tree, map))
        return td_tree_fail(&r->tree, map, "%.*s: keys and values are expected", (int)strlen(place) - 1, place);
    bool refused = false; /* a key that is needed: it is not missing as well */
    for (size_t i = 0; i < td_tree_count(&r->tree, map); i++) {
        td_node key = td_tree_key(&r->tree, map, i);
        if (passed != NULL && strcmp(td_tree_text(&r->tree, key), passed) == 0) continue;
        size_t mistakes = r->mistakes;
        td_status status = td_config_pass(r, read_option(r, place, rows, conf, key, td_tree_value(&r->tree, map, i)));
        if (status != TD_OK) return status;
        const td_option *row = td_option_find(rows, td_tree_text(&r->tree, key));
        refused = refused || (r->mistakes > mistakes && row != NULL && row->required);
    }
    td_status status = td_secrets_read(r->os, rows, conf);
    if (status == TD_OK && !refused) status = td_options_check(rows, conf);
    return status == TD_OK ? TD_OK : td_tree_fail(&r->tree, map, "%s%s", place, td_trail());
}
