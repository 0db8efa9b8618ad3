/* src/app/manual.c - the rows of all keys as text, Markdown and JSON Schema. */
#include "app/manual.h"
#include "base/json.h"
#include <stdio.h>

/* ---- sections: what has a table of rows of its own ---- */

enum { SECTIONS_MAX = 48, KEYS_MAX = 512 };

typedef struct section {
    char path[48]; /* what stands before its keys: "log.", "feeds.file.", "" at the top */
    char yaml[80]; /* how it is written */
    const td_option *rows;
    const char *format; /* of a file feed, or NULL */
} section;

static section make_section(const char *list, const char *kind, const td_option *rows, const char *format) {
    section s = {.rows = rows, .format = format};
    (void)snprintf(s.path, sizeof s.path, "%s.%s.", list, kind);
    if (format != NULL)
        (void)snprintf(s.yaml, sizeof s.yaml, "%s: [- %s: { format: %s, … }]", list, kind, format);
    else
        (void)snprintf(s.yaml, sizeof s.yaml, "%s: [- %s: { … }]", list, kind);
    return s;
}

static size_t list_feeds(section *out) {
    size_t count = 0;
    for (const td_feed_ops *const *ops = td_feed_plugs; *ops != NULL; ops++) {
        const char *format = (*ops)->format;
        bool file = (*ops)->is_file;
        out[count++] = make_section("feeds", file ? "file" : format, (*ops)->options, file ? format : NULL);
    }
    return count;
}

static size_t list_sinks(section *out) {
    size_t count = 0;
    for (const td_sink_ops *const *ops = td_sink_plugs; *ops != NULL; ops++)
        out[count++] = make_section("sinks", (*ops)->kind, (*ops)->options, NULL);
    return count;
}

/* All sections below the top, in the order of the top's keys. `out` holds SECTIONS_MAX. */
static size_t list_sections(section *out) {
    size_t count = 0;
    for (const td_config_key *k = td_config_keys; k->key != NULL; k++) {
        if (k->shape == TD_KEY_FEEDS) count += list_feeds(out + count);
        if (k->shape == TD_KEY_SINKS) count += list_sinks(out + count);
        if (k->shape != TD_KEY_MAP && k->shape != TD_KEY_SWITCH) continue;
        section *s = &out[count++];
        *s = (section){.rows = k->rows};
        (void)snprintf(s->path, sizeof s->path, "%s.", k->key);
        (void)snprintf(s->yaml, sizeof s->yaml, "%s: { … }", k->key);
    }
    return count;
}

/* ---- one key ---- */

static const td_option *row_of(const td_config_key *k) {
    return k->shape == TD_KEY_VALUE && k->rows != NULL ? td_option_find(k->rows, k->key) : NULL;
}

const char *td_manual_help(const td_config_key *k) { return k->help != NULL ? k->help : row_of(k)->help; }

static const char *default_of(const td_config_key *k) { return row_of(k) != NULL ? row_of(k)->fallback : k->fallback; }

static void put_values(td_buf *out, const td_config_key *k) {
    static const char *const words[] = {[TD_KEY_VALUE] = "text",   [TD_KEY_LIST] = "list of texts",
                                        [TD_KEY_MAP] = "settings", [TD_KEY_SWITCH] = "on, off or settings",
                                        [TD_KEY_FEEDS] = "list",   [TD_KEY_SINKS] = "list"};
    if (row_of(k) != NULL)
        td_option_describe(row_of(k), out);
    else
        td_buf_text(out, words[k->shape]);
}

static const char *default_word(const td_option *row) {
    if (row->required) return "needed";
    return row->fallback != NULL ? row->fallback : "none";
}

/* ---- for people ---- */

/* The whole path, or its last words: "feeds.coinbase.level2", "coinbase.level2", "level2". */
static bool is_named(const char *path, const char *key, const char *name) {
    char whole[128];
    size_t size = (size_t)snprintf(whole, sizeof whole, ".%s%s", path, key), asked = strlen(name);
    return asked < size && whole[size - asked - 1] == '.' && strcmp(whole + size - asked, name) == 0;
}

/* A kind of feed or sink, a format of file feeds: "coinbase", "sqlite", "lean". */
static bool is_kind(const section *s, const char *name) {
    const char *dot = strchr(s->path, '.'), *kind = dot + 1;
    if (s->format != NULL) return strcmp(s->format, name) == 0;
    return *kind != '\0' && strncmp(kind, name, strlen(name)) == 0 && strcmp(kind + strlen(name), ".") == 0;
}

static void put_kind(td_buf *out, const section *s) {
    td_buf_printf(out, "%s\n", s->yaml);
    for (const td_option *row = s->rows; row->key != NULL; row++)
        td_buf_printf(out, "    %-18s %s\n", row->key, row->help);
}

static void put_row(td_buf *out, const section *s, const td_option *row) {
    td_buf_printf(out, "%s%s", s->path, row->key);
    if (s->format != NULL) td_buf_printf(out, " (format: %s)", s->format);
    td_buf_printf(out, "\n    %s\n    ", row->help);
    td_option_describe(row, out);
    td_buf_printf(out, "; default: %s\n", default_word(row));
}

bool td_manual_put_key(td_buf *out, const char *name) {
    size_t before = out->size;
    for (const td_config_key *k = td_config_keys; k->key != NULL; k++) {
        if (strcmp(k->key, name) != 0) continue;
        td_buf_printf(out, "%s\n    %s\n    ", k->key, td_manual_help(k));
        put_values(out, k);
        td_buf_printf(out, "; default: %s\n", default_of(k) != NULL ? default_of(k) : "none");
    }
    section sections[SECTIONS_MAX];
    size_t count = list_sections(sections);
    for (size_t i = 0; i < count; i++) {
        if (is_kind(&sections[i], name)) put_kind(out, &sections[i]);
        for (const td_option *row = sections[i].rows; row->key != NULL; row++)
            if (is_named(sections[i].path, row->key, name)) put_row(out, &sections[i], row);
    }
    return out->size > before;
}

const char *td_manual_nearest(const char *name) {
    const char *words[KEYS_MAX] = {NULL}, *last = strrchr(name, '.');
    size_t word_count = 0;
    for (const td_config_key *k = td_config_keys; k->key != NULL; k++) words[word_count++] = k->key;
    for (const td_feed_ops *const *ops = td_feed_plugs; *ops != NULL; ops++) words[word_count++] = (*ops)->format;
    for (const td_sink_ops *const *ops = td_sink_plugs; *ops != NULL; ops++) words[word_count++] = (*ops)->kind;
    section sections[SECTIONS_MAX];
    size_t count = list_sections(sections);
    for (size_t i = 0; i < count; i++)
        for (const td_option *row = sections[i].rows; row->key != NULL && word_count + 1 < KEYS_MAX; row++)
            words[word_count++] = row->key;
    return td_nearest(last != NULL ? last + 1 : name, words);
}

/* ---- Markdown ---- */

static void put_head(td_buf *out, const char *title) {
    td_buf_printf(out, "\n### %s\n\n| key | values | default | what it is |\n|---|---|---|---|\n", title);
}

static void put_table_row(td_buf *out, const td_option *row, const char *fallback) {
    td_buf_printf(out, "| `%s` | ", row->key);
    td_option_describe(row, out);
    td_buf_printf(out, " | %s | %s |\n", fallback, row->help);
}

/* True when all feeds have that row; `fallbacks` then gets their defaults, each once. */
static bool is_common(const section *feeds, size_t count, const td_option *row, td_buf *fallbacks) {
    fallbacks->size = 0;
    for (size_t i = 0; i < count; i++) {
        const td_option *other = td_option_find(feeds[i].rows, row->key);
        if (other == NULL || strcmp(other->help, row->help) != 0) return false;
        bool again = false;
        for (size_t before = 0; before < i && !again; before++)
            again = strcmp(default_word(td_option_find(feeds[before].rows, row->key)), default_word(other)) == 0;
        if (!again) td_buf_printf(fallbacks, "%s%s", i > 0 ? ", " : "", default_word(other));
    }
    td_buf_put(fallbacks, "", 1);
    return true;
}

/* What all feeds share stands once. */
static void put_feeds(td_buf *out) {
    section feeds[SECTIONS_MAX];
    td_buf fallbacks = {0};
    size_t count = list_feeds(feeds);
    put_head(out, "Every feed");
    for (const td_option *row = feeds[0].rows; row->key != NULL; row++)
        if (is_common(feeds, count, row, &fallbacks)) put_table_row(out, row, (const char *)fallbacks.data);
    for (size_t i = 0; i < count; i++) {
        char title[96];
        (void)snprintf(title, sizeof title, "`%s`", feeds[i].yaml);
        put_head(out, title);
        for (const td_option *row = feeds[i].rows; row->key != NULL; row++)
            if (!is_common(feeds, count, row, &fallbacks)) put_table_row(out, row, default_word(row));
    }
    td_buf_fini(&fallbacks);
}

void td_manual_put_markdown(td_buf *out) {
    put_head(out, "Top level");
    for (const td_config_key *k = td_config_keys; k->key != NULL; k++) {
        td_buf_printf(out, "| `%s` | ", k->key);
        put_values(out, k);
        td_buf_printf(out, " | %s | %s |\n", default_of(k) != NULL ? default_of(k) : "none", td_manual_help(k));
    }
    put_feeds(out);
    section sections[SECTIONS_MAX];
    size_t count = list_sections(sections);
    for (size_t i = 0; i < count; i++) {
        if (strncmp(sections[i].path, "feeds.", 6) == 0) continue;
        char title[96];
        (void)snprintf(title, sizeof title, "`%s`", sections[i].yaml);
        put_head(out, title);
        for (const td_option *row = sections[i].rows; row->key != NULL; row++)
            put_table_row(out, row, default_word(row));
    }
}

/* ---- JSON Schema ---- */

static void put_member(td_buf *out, const char *name, const char *text) {
    td_buf_printf(out, ",\"%s\":", name);
    td_json_put_string(out, td_text(text));
}

static void put_choices(td_buf *out, const char *choices) {
    td_buf_text(out, "{\"enum\":[\"");
    for (; *choices != '\0'; choices++) td_buf_printf(out, *choices == '|' ? "\",\"" : "%c", *choices);
    td_buf_text(out, "\"]}");
}

static void put_number(td_buf *out, const char *type, const td_option *row) {
    td_buf_printf(out, "{\"type\":\"%s\"", type);
    if (row->min != 0 || row->max != 0) td_buf_printf(out, ",\"minimum\":%.15g,\"maximum\":%.15g", row->min, row->max);
    td_buf_text(out, "}");
}

static void put_type(td_buf *out, const td_option *row) {
    switch (row->type) {
    case TD_OPTION_INT:
        put_number(out, "integer", row);
        break;
    case TD_OPTION_REAL:
        put_number(out, "number", row);
        break;
    case TD_OPTION_BOOL:
        td_buf_text(out, "{\"enum\":[true,false,\"true\",\"false\",\"yes\",\"no\",\"on\",\"off\"]}");
        break;
    case TD_OPTION_DURATION:
        td_buf_text(out, "{\"type\":\"string\",\"pattern\":\"^[0-9]+(ns|us|ms|s|m|h|d)$\"}");
        break;
    case TD_OPTION_BYTES:
        td_buf_text(out, "{\"type\":[\"integer\",\"string\"],\"minimum\":0,\"pattern\":\"^[0-9]+(B|KB|MB|GB|TB)?$\"}");
        break;
    case TD_OPTION_CLOCK:
        td_buf_text(out, "{\"type\":\"string\",\"pattern\":\"^[0-9]{2}:[0-9]{2}(:[0-9]{2})?$\"}");
        break;
    case TD_OPTION_CHOICE:
        put_choices(out, row->choices);
        break;
    case TD_OPTION_TEXTS:
        td_buf_text(out, "{\"type\":\"array\",\"minItems\":1,\"items\":{\"type\":[\"string\",\"number\"]}}");
        break;
    case TD_OPTION_PAIRS:
        td_buf_text(out, "{\"type\":\"object\"}");
        break;
    case TD_OPTION_TEXT:
        td_buf_text(out, "{\"type\":[\"string\",\"number\"]}");
        break;
    case TD_OPTION_SECRET: /* by a variable alone */
        td_buf_text(out, "{\"not\":{}}");
        break;
    }
}

static void put_property(td_buf *out, const td_option *row) {
    td_buf_printf(out, "\"%s\":{\"anyOf\":[", row->key);
    put_type(out, row);
    td_buf_text(out, ",{\"$ref\":\"#/$defs/variable\"}]");
    bool number = row->type == TD_OPTION_INT || row->type == TD_OPTION_REAL;
    if (row->fallback != NULL && number) td_buf_printf(out, ",\"default\":%s", row->fallback);
    if (row->fallback != NULL && !number) put_member(out, "default", row->fallback);
    put_member(out, "description", row->help);
    td_buf_text(out, "}");
}

/* A secret's file stands in for it. */
static bool is_needed(const td_option *row) { return row->required && row->type != TD_OPTION_SECRET; }

/* `first`: a property before the rows' own, or "". */
static void put_map(td_buf *out, const td_option *rows, const char *first, const char *first_required) {
    bool needed = first_required[0] != '\0';
    for (const td_option *row = rows; row->key != NULL; row++) needed = needed || is_needed(row);
    td_buf_printf(out, "{\"type\":%s,\"additionalProperties\":false,\"required\":[%s",
                  needed ? "\"object\"" : "[\"object\",\"null\"]", first_required);
    bool comma = first_required[0] != '\0';
    for (const td_option *row = rows; row->key != NULL; row++) {
        if (!is_needed(row)) continue;
        td_buf_printf(out, "%s\"%s\"", comma ? "," : "", row->key);
        comma = true;
    }
    td_buf_printf(out, "],\"properties\":{%s", first);
    for (const td_option *row = rows; row->key != NULL; row++) {
        td_buf_text(out, row == rows && first[0] == '\0' ? "\n" : ",\n");
        put_property(out, row);
    }
    td_buf_text(out, "}}");
}

static void put_file_feeds(td_buf *out, const section *feeds, size_t count) {
    bool comma = false;
    td_buf_text(out, "\"file\":{\"oneOf\":[");
    for (size_t i = 0; i < count; i++) {
        if (feeds[i].format == NULL) continue;
        char format[96];
        (void)snprintf(format, sizeof format, "\n\"format\":{\"const\":\"%s\"}", feeds[i].format);
        if (comma) td_buf_text(out, ",");
        put_map(out, feeds[i].rows, format, "\"format\"");
        comma = true;
    }
    td_buf_text(out, "]}");
}

static void put_plugs(td_buf *out, const td_config_key *k) {
    section plugs[SECTIONS_MAX];
    bool feeds = k->shape == TD_KEY_FEEDS;
    size_t count = feeds ? list_feeds(plugs) : list_sinks(plugs);
    td_buf_printf(out,
                  "\"type\":%s,\"minItems\":%d,\"maxItems\":%d,\"items\":{\"type\":\"object\",\"minProperties\":1,"
                  "\"maxProperties\":1,\"additionalProperties\":false,\"properties\":{\n",
                  feeds ? "\"array\"" : "[\"array\",\"null\"]", feeds, TD_CONFIG_LIST_MAX);
    if (feeds) put_file_feeds(out, plugs, count);
    bool comma = feeds;
    for (size_t i = 0; i < count; i++) {
        if (plugs[i].format != NULL) continue;
        const char *kind = plugs[i].path + strlen(k->key) + 1;
        td_buf_printf(out, "%s\"%.*s\":", comma ? ",\n" : "", (int)strlen(kind) - 1, kind);
        put_map(out, plugs[i].rows, "", "");
        comma = true;
    }
    td_buf_text(out, "}}");
}

static void put_list(td_buf *out, const td_config_key *k) {
    td_buf_text(out, "\"type\":[\"array\",\"string\",\"null\"],\"items\":{\"anyOf\":[{\"type\":\"string\"");
    put_member(out, "pattern", k->pattern);
    td_buf_text(out, "},{\"$ref\":\"#/$defs/variable\"}]}");
}

static void put_top(td_buf *out, const td_config_key *k) {
    td_buf_printf(out, "\"%s\":{", k->key);
    switch (k->shape) {
    case TD_KEY_FEEDS:
    case TD_KEY_SINKS:
        put_plugs(out, k);
        break;
    case TD_KEY_LIST:
        put_list(out, k);
        break;
    case TD_KEY_MAP:
    case TD_KEY_SWITCH:
        td_buf_text(out, "\"anyOf\":[");
        put_map(out, k->rows, "", "");
        td_buf_text(out, k->shape == TD_KEY_SWITCH ? ",{\"enum\":[true,false,\"on\",\"off\"]}]" : "]");
        break;
    case TD_KEY_VALUE:
        td_buf_text(out, "\"anyOf\":[{\"$ref\":\"#/$defs/variable\"},");
        if (row_of(k) != NULL) put_type(out, row_of(k));
        if (row_of(k) == NULL) td_buf_text(out, "{\"type\":\"string\"");
        if (row_of(k) == NULL) put_member(out, "pattern", k->pattern);
        td_buf_text(out, row_of(k) == NULL ? "}]" : "]");
        break;
    }
    put_member(out, "description", td_manual_help(k));
    td_buf_text(out, "}");
}

void td_manual_put_schema(td_buf *out) {
    td_buf_text(out,
                "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"title\":\"Tapedeck configuration\","
                "\n\"$defs\":{\"variable\":{\"type\":\"string\",\"pattern\":\"\\\\$\\\\{[A-Za-z0-9_]+\\\\}\"}},"
                "\n\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"feeds\"],\"properties\":{");
    for (const td_config_key *k = td_config_keys; k->key != NULL; k++) {
        td_buf_text(out, k == td_config_keys ? "\n" : ",\n");
        put_top(out, k);
    }
    td_buf_text(out, "}}\n");
}
