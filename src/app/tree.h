/* src/app/tree.h - the configuration's text as a tree in which each node knows where it came from: a line and column of
 * the file, a --set, or an environment variable. Knows YAML and no setting. Thread: start-up only. */
#pragma once
#include "base/option.h"
#include <yaml.h>

typedef int td_node; /* 0: no such node */

typedef enum td_node_kind { TD_NODE_TEXT, TD_NODE_LIST, TD_NODE_MAP } td_node_kind;

typedef struct td_origin { /* of all nodes from `first` up to the next origin's */
    td_node first;
    char *name; /* "--set log.dir"; NULL: the file */
} td_origin;

typedef struct td_tree {
    yaml_document_t document;
    const char *path; /* borrowed */
    td_origin *origins;
    size_t origin_count;
    td_texts variables; /* what stood for ${NAME} in the texts read so far */
    bool loaded;
} td_tree;

/* Errors: TD_CONFIG with file, line and column. The tree is to be freed with td_tree_fini either way. */
TD_CHECKED td_status td_tree_parse(td_tree *out, const char *path, td_bytes text);
void td_tree_fini(td_tree *tree);

/* Sets what `keys` ("log.dir", "feeds.0.file.path") names, making what is missing on the way. A value in brackets or
 * braces ("[1s, 1m]") is YAML, others are texts. `origin` is what errors call it. Node numbers got before stay valid.
 */
TD_CHECKED td_status td_tree_set(td_tree *tree, const char *origin, const char *keys, const char *value);
/* Refuses keys that are no text and keys given twice. */
TD_CHECKED td_status td_tree_check(const td_tree *tree);

td_node td_tree_root(const td_tree *tree);
td_node_kind td_tree_kind(const td_tree *tree, td_node node);
/* True where nothing was written: `strategies:` alone. */
bool td_tree_empty(const td_tree *tree, td_node node);
const char *td_tree_text(const td_tree *tree, td_node node); /* of a TEXT, as written */
/* A TEXT with ${NAME} replaced from the environment; an unset name is refused. Lent for the tree's life. */
TD_CHECKED td_status td_tree_read(td_tree *tree, td_node node, const char **out_text);
/* A TEXT that stands for all to read: in the file or among the arguments, and not as ${NAME}. Before it is read. */
bool td_tree_open(const td_tree *tree, td_node node);
size_t td_tree_count(const td_tree *tree, td_node node); /* items of a LIST, pairs of a MAP; else 0 */
td_node td_tree_item(const td_tree *tree, td_node list, size_t index);
td_node td_tree_key(const td_tree *tree, td_node map, size_t index);
td_node td_tree_value(const td_tree *tree, td_node map, size_t index);
td_node td_tree_find(const td_tree *tree, td_node map, const char *key); /* the value, or 0 */

/* Where the node stands: "demo.yaml:7:9", or the origin of an override. */
void td_tree_place(const td_tree *tree, td_node node, td_buf *out);
/* TD_CONFIG with the node's place in front of the text: "demo.yaml:7:9: …". */
td_status td_tree_fail(const td_tree *tree, td_node node, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
