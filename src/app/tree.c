/* src/app/tree.c - the tree over libyaml's document: overrides edit it, so that one reading serves them all. */
#include "app/tree.h"
#include "base/secret.h"
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* libyaml takes mutable documents where it only looks. */
static yaml_node_t *node_at(const td_tree *tree, td_node node) { return &tree->document.nodes.start[node - 1]; }

/* NULL: the file. */
static const char *origin_of(const td_tree *tree, td_node node) {
    const char *origin = NULL;
    for (size_t i = 0; i < tree->origin_count && tree->origins[i].first <= node; i++) origin = tree->origins[i].name;
    return origin;
}

void td_tree_place(const td_tree *tree, td_node node, td_buf *out) {
    const char *origin = origin_of(tree, node);
    yaml_mark_t mark = node_at(tree, node)->start_mark;
    if (origin != NULL)
        td_buf_text(out, origin);
    else
        td_buf_printf(out, "%s:%zu:%zu", tree->path, mark.line + 1, mark.column + 1);
}

td_status td_tree_fail(const td_tree *tree, td_node node, const char *fmt, ...) {
    char text[512];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    td_buf place = {0};
    td_tree_place(tree, node, &place);
    td_status status = TD_FAIL(TD_CONFIG, "%.*s: %s", (int)place.size, (const char *)place.data, text);
    td_buf_fini(&place);
    return status;
}

static td_status fail_parse(const yaml_parser_t *parser, const char *path) {
    const char *problem = parser->problem != NULL ? parser->problem : "not YAML";
    if (parser->error == YAML_READER_ERROR)
        return TD_FAIL(TD_CONFIG, "%s: byte %zu: %s", path, parser->problem_offset + 1, problem);
    yaml_mark_t mark = parser->problem_mark;
    const char *context = parser->context != NULL ? parser->context : "while reading";
    return TD_FAIL(TD_CONFIG, "%s:%zu:%zu: %s, %s", path, mark.line + 1, mark.column + 1, problem, context);
}

td_status td_tree_parse(td_tree *out, const char *path, td_bytes text) {
    *out = (td_tree){.path = path};
    yaml_parser_t parser;
    if (yaml_parser_initialize(&parser) == 0) return TD_FAIL(TD_RETRY, "no memory to read %s", path);
    yaml_parser_set_input_string(&parser, text.size > 0 ? text.data : (const uint8_t *)"", text.size); /* never NULL */
    td_status status = TD_OK;
    out->loaded = yaml_parser_load(&parser, &out->document) != 0;
    if (!out->loaded) {
        status = fail_parse(&parser, path);
    } else if (td_tree_root(out) == 0) {
        status = TD_FAIL(TD_CONFIG, "%s:1:1: empty; a configuration begins with feeds:", path);
    } else if (td_tree_kind(out, td_tree_root(out)) != TD_NODE_MAP) {
        status = td_tree_fail(out, td_tree_root(out), "not keys and values; a configuration begins with feeds:");
    }
    yaml_document_t second;
    if (status == TD_OK && yaml_parser_load(&parser, &second) != 0) {
        yaml_node_t *root = yaml_document_get_root_node(&second);
        if (root != NULL)
            status = TD_FAIL(TD_CONFIG, "%s:%zu:1: a second document; a configuration is one", path,
                             root->start_mark.line + 1);
        yaml_document_delete(&second);
    } else if (status == TD_OK) {
        status = fail_parse(&parser, path);
    }
    yaml_parser_delete(&parser);
    return status;
}

void td_tree_fini(td_tree *tree) {
    if (tree->loaded) yaml_document_delete(&tree->document);
    for (size_t i = 0; i < tree->origin_count; i++) free(tree->origins[i].name);
    free(tree->origins);
    td_secrets_fini(&tree->variables);
    *tree = (td_tree){0};
}

td_node td_tree_root(const td_tree *tree) { return tree->document.nodes.start != tree->document.nodes.top ? 1 : 0; }

td_node_kind td_tree_kind(const td_tree *tree, td_node node) {
    switch (node_at(tree, node)->type) {
    case YAML_SEQUENCE_NODE:
        return TD_NODE_LIST;
    case YAML_MAPPING_NODE:
        return TD_NODE_MAP;
    default:
        return TD_NODE_TEXT;
    }
}

const char *td_tree_text(const td_tree *tree, td_node node) {
    return (const char *)node_at(tree, node)->data.scalar.value;
}

bool td_tree_empty(const td_tree *tree, td_node node) {
    return td_tree_kind(tree, node) == TD_NODE_TEXT ? td_tree_text(tree, node)[0] == '\0'
                                                    : td_tree_count(tree, node) == 0;
}

size_t td_tree_count(const td_tree *tree, td_node node) {
    const yaml_node_t *n = node_at(tree, node);
    switch (td_tree_kind(tree, node)) {
    case TD_NODE_LIST:
        return (size_t)(n->data.sequence.items.top - n->data.sequence.items.start);
    case TD_NODE_MAP:
        return (size_t)(n->data.mapping.pairs.top - n->data.mapping.pairs.start);
    default:
        return 0;
    }
}

td_node td_tree_item(const td_tree *tree, td_node list, size_t index) {
    return node_at(tree, list)->data.sequence.items.start[index];
}

td_node td_tree_key(const td_tree *tree, td_node map, size_t index) {
    return node_at(tree, map)->data.mapping.pairs.start[index].key;
}

td_node td_tree_value(const td_tree *tree, td_node map, size_t index) {
    return node_at(tree, map)->data.mapping.pairs.start[index].value;
}

/* Place of the key among the pairs, or their count. */
static size_t find_pair(const td_tree *tree, td_node map, td_bytes key) {
    size_t count = td_tree_count(tree, map), i = 0;
    for (; i < count; i++) {
        td_node at = td_tree_key(tree, map, i);
        if (td_tree_kind(tree, at) == TD_NODE_TEXT && td_bytes_equal(td_text(td_tree_text(tree, at)), key)) break;
    }
    return i;
}

td_node td_tree_find(const td_tree *tree, td_node map, const char *key) {
    size_t at = find_pair(tree, map, td_text(key));
    return at < td_tree_count(tree, map) ? td_tree_value(tree, map, at) : 0;
}

/* ---- overrides ---- */

static td_node check_node(td_node node) {
    if (node == 0) abort(); /* out of memory, as td_alloc */
    return node;
}

static td_node add_text(td_tree *tree, td_bytes text) {
    return check_node(
        yaml_document_add_scalar(&tree->document, NULL, text.data, (int)text.size, YAML_ANY_SCALAR_STYLE));
}

static bool is_index(td_bytes key) {
    for (size_t i = 0; i < key.size; i++)
        if (isdigit(key.data[i]) == 0) return false;
    return key.size > 0 && key.size < 6;
}

/* What a key path leads through must be a container; what is not is replaced by one that fits the next key. */
static td_node add_container(td_tree *tree, bool list) {
    return check_node(list ? yaml_document_add_sequence(&tree->document, NULL, YAML_ANY_SEQUENCE_STYLE)
                           : yaml_document_add_mapping(&tree->document, NULL, YAML_ANY_MAPPING_STYLE));
}

/* Replaces an item or appends one; false where the list has no such place. */
static bool put_item(td_tree *tree, td_node list, td_bytes key, td_node value) {
    size_t count = td_tree_count(tree, list), index = (size_t)strtoul((const char *)key.data, NULL, 10);
    if (!is_index(key) || index > count) return false;
    if (index < count) {
        node_at(tree, list)->data.sequence.items.start[index] = value;
    } else if (yaml_document_append_sequence_item(&tree->document, list, value) == 0) {
        abort();
    }
    return true;
}

static void put_pair(td_tree *tree, td_node map, td_bytes key, td_node value) {
    size_t at = find_pair(tree, map, key);
    if (at < td_tree_count(tree, map)) {
        node_at(tree, map)->data.mapping.pairs.start[at].value = value;
    } else if (yaml_document_append_mapping_pair(&tree->document, map, add_text(tree, key), value) == 0) {
        abort();
    }
}

static td_node get_child(const td_tree *tree, td_node parent, td_bytes key) {
    size_t count = td_tree_count(tree, parent);
    if (td_tree_kind(tree, parent) == TD_NODE_MAP) {
        size_t at = find_pair(tree, parent, key);
        return at < count ? td_tree_value(tree, parent, at) : 0;
    }
    size_t index = is_index(key) ? (size_t)strtoul((const char *)key.data, NULL, 10) : count;
    return index < count ? td_tree_item(tree, parent, index) : 0;
}

static bool put_child(td_tree *tree, td_node parent, td_bytes key, td_node value) {
    if (td_tree_kind(tree, parent) == TD_NODE_LIST) return put_item(tree, parent, key, value);
    put_pair(tree, parent, key, value);
    return true;
}

static void add_origin(td_tree *tree, const char *name) {
    size_t bytes = (tree->origin_count + 1) * sizeof(td_origin);
    td_origin *origins = td_alloc_check(realloc(tree->origins, bytes), bytes);
    td_node first = (td_node)(tree->document.nodes.top - tree->document.nodes.start) + 1;
    origins[tree->origin_count++] = (td_origin){first, td_copy_text(name)};
    tree->origins = origins;
}

/* A copy of another document's node in this one; 0 when it is too deep, as what holds itself is. */
static td_node copy_node(td_tree *tree, yaml_document_t *from, int index, int depth) {
    const yaml_node_t *n = yaml_document_get_node(from, index);
    if (n->type == YAML_SCALAR_NODE) return add_text(tree, (td_bytes){n->data.scalar.value, n->data.scalar.length});
    if (depth == 0) return 0;
    bool list = n->type == YAML_SEQUENCE_NODE;
    td_node copy = add_container(tree, list);
    for (int *item = n->data.sequence.items.start; list && item < n->data.sequence.items.top; item++) {
        td_node value = copy_node(tree, from, *item, depth - 1);
        if (value == 0 || yaml_document_append_sequence_item(&tree->document, copy, value) == 0) return 0;
    }
    for (yaml_node_pair_t *pair = n->data.mapping.pairs.start; !list && pair < n->data.mapping.pairs.top; pair++) {
        td_node key = copy_node(tree, from, pair->key, depth - 1),
                value = copy_node(tree, from, pair->value, depth - 1);
        if (key == 0 || value == 0 || yaml_document_append_mapping_pair(&tree->document, copy, key, value) == 0)
            return 0;
    }
    return copy;
}

/* The value of an override as a node; 0 when it begins as a list or a map and is none. */
static td_node add_value(td_tree *tree, const char *value) {
    enum { DEPTH_MAX = 8 };
    size_t size = strlen(value);
    char brackets[3] = {value[0], size > 1 ? value[size - 1] : '\0', '\0'};
    if (strcmp(brackets, "[]") != 0 && strcmp(brackets, "{}") != 0) return add_text(tree, td_text(value));
    yaml_parser_t parser;
    yaml_document_t document, second;
    if (yaml_parser_initialize(&parser) == 0) abort(); /* out of memory, as td_alloc */
    yaml_parser_set_input_string(&parser, (const uint8_t *)value, size);
    td_node node = 0;
    if (yaml_parser_load(&parser, &document) != 0) {
        bool ends = yaml_parser_load(&parser, &second) != 0;
        if (ends) {
            ends = yaml_document_get_root_node(&second) == NULL;
            yaml_document_delete(&second);
        }
        if (ends) node = copy_node(tree, &document, 1, DEPTH_MAX);
        yaml_document_delete(&document);
    }
    yaml_parser_delete(&parser);
    return node;
}

td_status td_tree_set(td_tree *tree, const char *origin, const char *keys, const char *value) {
    add_origin(tree, origin);
    td_node set = add_value(tree, value);
    if (set == 0) return TD_FAIL(TD_CONFIG, "%s: %s: \"%s\" is neither a list nor a map in YAML", origin, keys, value);
    td_node at = td_tree_root(tree);
    for (const char *rest = keys;;) {
        td_bytes key = {(const uint8_t *)rest, strcspn(rest, ".")};
        bool last = rest[key.size] == '\0';
        rest += key.size + 1;
        td_node child = last ? set : get_child(tree, at, key);
        bool through = child != 0 && (last || td_tree_kind(tree, child) != TD_NODE_TEXT);
        if (!through) child = add_container(tree, is_index((td_bytes){(const uint8_t *)rest, strcspn(rest, ".")}));
        if ((last || !through) && !put_child(tree, at, key, child))
            return TD_FAIL(TD_CONFIG, "%s: %s: \"%.*s\" is no place in a list of %zu; they count from 0", origin, keys,
                           (int)key.size, (const char *)key.data, td_tree_count(tree, at));
        if (last) return TD_OK;
        at = child;
    }
}

/* ---- checks ---- */

static bool is_name_char(char c) { return isalnum((unsigned char)c) != 0 || c == '_'; }

/* Appends `text` with each ${NAME} replaced. On an unset name returns where it begins, else NULL. */
static const char *expand(td_buf *out, const char *text, td_texts *variables) {
    for (const char *open; (open = strstr(text, "${")) != NULL;) {
        char name[128];
        size_t size = 0;
        while (is_name_char(open[2 + size])) size++;
        if (size == 0 || size >= sizeof name || open[2 + size] != '}') return open;
        memcpy(name, open + 2, size);
        name[size] = '\0';
        const char *value = getenv(name);
        if (value == NULL) return open;
        td_buf_put(out, text, (size_t)(open - text));
        td_buf_text(out, value);
        td_secrets_add(variables, value);
        text = open + 3 + size;
    }
    td_buf_put(out, text, strlen(text) + 1);
    return NULL;
}

td_status td_tree_read(td_tree *tree, td_node node, const char **out_text) {
    yaml_node_t *n = node_at(tree, node);
    const char *text = td_tree_text(tree, node);
    *out_text = text;
    if (strlen(text) != n->data.scalar.length) return td_tree_fail(tree, node, "a NUL character in a text");
    if (strstr(text, "${") == NULL) return TD_OK;
    td_buf expanded = {0};
    const char *unset = expand(&expanded, text, &tree->variables);
    if (unset != NULL) {
        td_buf_fini(&expanded);
        return td_tree_fail(tree, node, "%.*s: not set in the environment", (int)strcspn(unset, "}") + 1, unset);
    }
    free(n->data.scalar.value); /* libyaml's memory is malloc's */
    n->data.scalar.value = expanded.data;
    n->data.scalar.length = expanded.size - 1;
    *out_text = td_tree_text(tree, node);
    return TD_OK;
}

bool td_tree_open(const td_tree *tree, td_node node) {
    const char *origin = origin_of(tree, node);
    bool argument = origin == NULL || strncmp(origin, "--", 2) == 0;
    return argument && strstr(td_tree_text(tree, node), "${") == NULL;
}

static td_status check_map(const td_tree *tree, td_node map) {
    for (size_t i = 0; i < td_tree_count(tree, map); i++) {
        td_node key = td_tree_key(tree, map, i);
        if (td_tree_kind(tree, key) != TD_NODE_TEXT) return td_tree_fail(tree, key, "a key that is no text");
        size_t first = find_pair(tree, map, td_text(td_tree_text(tree, key)));
        if (first < i)
            return td_tree_fail(tree, key, "%s: given twice, first in line %zu", td_tree_text(tree, key),
                                node_at(tree, td_tree_key(tree, map, first))->start_mark.line + 1);
    }
    return TD_OK;
}

td_status td_tree_check(const td_tree *tree) {
    td_node end = (td_node)(tree->document.nodes.top - tree->document.nodes.start);
    td_status status = TD_OK;
    for (td_node node = 1; node <= end && status == TD_OK; node++) /* flat: aliases may make circles */
        if (td_tree_kind(tree, node) == TD_NODE_MAP) status = check_map(tree, node);
    return status;
}
