/* src/app/strategies.c - files to graphs, and which of them have nothing to look at. */
#include "app/strategies.h"
#include "feed/glob.h"
#include "lang/lists.h"
#include "lang/reference.h"
#include "model/listing.h"
#include "stream/term.h"
#include <stdio.h>
#include <stdlib.h>

enum { STRATEGY_BYTES_MAX = 1 << 20, SHOWN_MAX = 5 };

typedef struct list_reader { /* of one strategy's file */
    const td_os *os;
    const char *strategy; /* its path: those of lists begin in its folder */
    td_buf *text, *errors;
    td_buf paths; /* as the text has them, each ended by NUL */
    td_status status;
} list_reader;

/* It is told, and what else is wrong with the text can be told, too. */
static void leave_list_out(list_reader *r, const char *list) {
    td_buf_printf(r->errors, "%s\n", td_trail());
    td_buf_printf(r->text, "\n#@%s\n", list);
}

/* Not at once: the text that they stand in grows by them. */
static void note_list(void *arg, td_bytes path) {
    list_reader *r = arg;
    td_buf_put(&r->paths, path.data, path.size);
    td_buf_put(&r->paths, "", 1);
}

static void read_list(list_reader *r, const char *list) {
    char path[1024];
    const char *slash = list[0] == '/' ? NULL : strrchr(r->strategy, '/');
    int folder = slash != NULL ? (int)(slash + 1 - r->strategy) : 0;
    int size = snprintf(path, sizeof path, "%.*s%s", folder, r->strategy, list);
    td_buf content = {0};
    td_bytes names;
    if (td_list_find(td_buf_bytes(r->text), td_text(list), &names)) return; /* named twice */
    td_status status = size < 0 || (size_t)size >= sizeof path
                           ? TD_FAIL(TD_CONFIG, "%s: the path of list %s is too long", r->strategy, list)
                           : td_os_read_file(r->os, path, STRATEGY_BYTES_MAX, &content);
    if (status == TD_OK)
        status = td_list_put(r->text, td_text(list), path, td_buf_bytes(&content), r->errors);
    else if (td_trace(status, "reading list @%s of %s", list, r->strategy) == TD_CONFIG)
        leave_list_out(r, list);
    td_buf_fini(&content);
    if (r->status == TD_OK) r->status = status;
}

/* Errors: TD_CONFIG, all that is wrong with them in the trail, or with `told` there, and then none; TD_RETRY. */
static td_status read_lists(const td_os *os, const char *strategy, td_buf *text, td_buf *told) {
    td_buf errors = {0};
    list_reader r = {.os = os, .strategy = strategy, .text = text, .errors = &errors};
    td_lists_each(td_buf_bytes(text), note_list, &r);
    for (size_t at = 0; at < r.paths.size; at += strlen((const char *)r.paths.data + at) + 1)
        read_list(&r, (const char *)r.paths.data + at);
    if (told != NULL) td_buf_put(told, errors.data, errors.size);
    if (told != NULL && r.status == TD_CONFIG)
        r.status = TD_OK;
    else if (errors.size > 0)
        r.status = TD_FAIL(TD_CONFIG, "lists of %s:\n%.*s", strategy, (int)errors.size - 1, (const char *)errors.data);
    td_buf_fini(&r.paths);
    td_buf_fini(&errors);
    return r.status;
}

/* Puts what the text asks of the instrument table behind it; without a table the compiler says what is wrong. */
static td_status read_reference(const td_os *os, const td_config *config, td_buf *text) {
    if (config->instruments == NULL || !td_reference_is_wanted(td_buf_bytes(text))) return TD_OK;
    td_buf csv = {0};
    td_listings table = {0};
    td_status status = td_os_read_file(os, config->instruments, TD_LISTINGS_BYTES_MAX, &csv);
    if (status == TD_OK && td_listings_read(&table, td_buf_bytes(&csv)) != TD_OK)
        status = TD_FAIL(TD_CONFIG, "instruments: %s: %s", config->instruments, td_trail());
    if (status == TD_OK) td_reference_put(text, td_buf_bytes(&csv));
    td_listings_fini(&table);
    td_buf_fini(&csv);
    return status;
}

typedef struct reading {
    const td_os *os;
    const td_config *config;
    td_buf *told; /* what is wrong with lists, and the rest is read; NULL: it ends there */
} reading;

/* All that stands in files of their own. */
static td_status complete(const reading *r, const char *file, td_buf *text) {
    td_status status = read_lists(r->os, file, text, r->told);
    return status == TD_OK ? read_reference(r->os, r->config, text) : status;
}

static td_status read_file(td_strategies *s, const reading *r, const char *file) {
    if (s->text_count == TD_CONFIG_LIST_MAX)
        return TD_FAIL(TD_CONFIG, "strategies: %d files are the most there can be", TD_CONFIG_LIST_MAX);
    td_status status = td_os_read_file(r->os, file, STRATEGY_BYTES_MAX, &s->texts[s->text_count]);
    if (status != TD_OK) return td_trace(status, "reading strategies");
    s->files[s->text_count] = td_copy_text(file);
    return complete(r, file, &s->texts[s->text_count++]);
}

/* A file that is named must be there; what wildcards find may be nothing. */
static td_status read_files(td_strategies *s, const reading *r, const char *pattern) {
    if (!td_glob_is_wild(pattern)) return read_file(s, r, pattern);
    td_paths paths;
    td_status status = td_glob(r->os, pattern, &paths);
    for (size_t i = 0; i < paths.count && status == TD_OK; i++) status = read_file(s, r, paths.items[i]);
    td_paths_fini(&paths);
    return status;
}

static td_status read_all(td_strategies *out, const reading *r) {
    td_status status = TD_OK;
    *out = (td_strategies){0};
    for (size_t i = 0; i < r->config->strategy_count && status == TD_OK; i++)
        status = read_files(out, r, r->config->strategies[i]);
    return status;
}

td_status td_strategies_read(td_strategies *out, const td_os *os, const td_config *config) {
    return read_all(out, &(reading){os, config, NULL});
}

size_t td_strategies_find(const td_strategies *s, const char *file) {
    size_t i = 0;
    while (i < s->text_count && strcmp(s->files[i], file) != 0) i++;
    return i;
}

td_status td_strategies_replace(td_strategies *s, const td_os *os, const td_config *config, const char *file,
                                td_bytes text) {
    size_t i = td_strategies_find(s, file);
    if (i == s->text_count) return TD_FAIL(TD_CONFIG, "no strategy runs from %s", file);
    s->texts[i].size = 0;
    td_buf_put(&s->texts[i], text.data, text.size);
    return complete(&(reading){os, config, NULL}, file, &s->texts[i]);
}

td_status td_strategies_compile(td_strategies *s, td_buf *errors) {
    td_source_text sources[TD_CONFIG_LIST_MAX];
    for (size_t i = 0; i < s->text_count; i++) sources[i] = (td_source_text){s->files[i], td_buf_bytes(&s->texts[i])};
    return td_lang_compile(sources, s->text_count, &s->graphs, &s->graph_count, errors);
}

td_status td_strategies_load(td_strategies *out, const td_os *os, const td_config *config, td_buf *errors) {
    td_status status = read_all(out, &(reading){os, config, errors});
    size_t lists = errors->size;
    if (status == TD_OK) status = td_strategies_compile(out, errors);
    return status == TD_OK && lists > 0 ? TD_FAIL(TD_CONFIG, "a list cannot be read") : status;
}

void td_strategies_fini(td_strategies *s) {
    for (size_t i = 0; i < TD_CONFIG_LIST_MAX; i++) td_buf_fini(&s->texts[i]);
    for (size_t i = 0; i < s->text_count; i++) free(s->files[i]);
    for (size_t i = 0; i < s->graph_count; i++) td_graph_free(s->graphs[i]);
    free(s->graphs);
    *s = (td_strategies){0};
}

/* ---- idle ones ---- */

static bool never_enters(const td_graph *graph, uint32_t strategy, bool leaves) {
    td_graph_act_view act;
    bool enters = false;
    for (uint32_t i = 0; td_graph_action_at(graph, strategy, i, &act); i++) {
        enters |= td_action_enters((td_action)act.action);
        leaves = true;
    }
    return leaves && !enters;
}

void td_strategies_tell_never_entering(const td_strategies *strategies, td_log_report_fn each, void *arg) {
    char line[256];
    td_graph_strategy s;
    for (size_t g = 0; g < strategies->graph_count; g++)
        for (uint32_t i = 0; td_graph_strategy_at(strategies->graphs[g], i, &s); i++) {
            if (!never_enters(strategies->graphs[g], i, s.levels > 0)) continue;
            (void)snprintf(line, sizeof line,
                           "strategy %.*s says how a position is left, but has no `buy` and no `short`: it never holds "
                           "one, and none of that comes to be",
                           (int)(s.name.size < 64 ? s.name.size : 64), (const char *)s.name.data);
            each(arg, line);
        }
}

static bool wants_any(const td_graph_strategy *s, const td_instruments *instruments) {
    for (uint32_t i = 0; i < td_instruments_count(instruments); i++)
        if (td_graph_strategy_wants(s, td_instruments_name(instruments, i))) return true;
    return false;
}

static const char *name_at(const td_instruments *instruments, uint32_t index) {
    return (const char *)td_instruments_name(instruments, index).data; /* NUL follows the bytes */
}

static void tell_idle(const td_graph_strategy *s, const td_instruments *instruments, td_buf *out) {
    uint32_t count = td_instruments_count(instruments);
    const char **names = td_alloc_zero((size_t)count + 1, sizeof *names);
    for (uint32_t i = 0; i < count; i++) names[i] = name_at(instruments, i);
    const char *nearest = NULL;
    td_buf_printf(out, "strategy %.*s is for none of the instruments that the inputs have: it is for",
                  (int)s->name.size, (const char *)s->name.data);
    for (size_t i = 0; i < s->set_count; i++) {
        char set[TD_INSTRUMENT_NAME_MAX + 1];
        (void)snprintf(set, sizeof set, "%.*s", (int)s->sets[i].size, (const char *)s->sets[i].data);
        td_buf_printf(out, "%s %s", i > 0 ? "," : "", set);
        if (nearest == NULL) nearest = td_nearest(set, names);
    }
    td_buf_text(out, "; they have");
    for (uint32_t i = 0; i < count && i < SHOWN_MAX; i++) td_buf_printf(out, "%s %s", i > 0 ? "," : "", names[i]);
    if (count > SHOWN_MAX) td_buf_printf(out, " and %u more", count - SHOWN_MAX);
    if (count == 0) td_buf_text(out, " none");
    if (nearest != NULL) td_buf_printf(out, "; did you mean %s?", nearest);
    td_buf_put(out, "", 1);
    free(names);
}

void td_strategies_tell_idle(const td_strategies *strategies, const td_instruments *instruments, td_log_report_fn each,
                             void *arg) {
    td_buf line = {0};
    for (size_t g = 0; g < strategies->graph_count; g++) {
        td_graph_strategy s;
        for (size_t i = 0; td_graph_strategy_at(strategies->graphs[g], i, &s); i++) {
            bool wants_all = s.set_count == 0 && s.where == TD_GRAPH_NOTHING;
            if (wants_all || wants_any(&s, instruments)) continue;
            line.size = 0;
            tell_idle(&s, instruments, &line);
            each(arg, (const char *)line.data);
        }
    }
    td_buf_fini(&line);
}
