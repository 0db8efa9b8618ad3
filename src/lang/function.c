/* src/lang/function.c - finding the rows of functions, and saying what stands in them. */
#include "lang/function.h"
#include "base/option.h"

/* ---- finding ---- */

/* True when `word` is one of the words with spaces between. */
static bool has_word(const char *words, td_bytes word) {
    for (const char *at = words; at != NULL && *at != '\0';) {
        size_t size = strcspn(at, " ");
        if (td_bytes_equal((td_bytes){(const uint8_t *)at, size}, word)) return true;
        at += size + strspn(at + size, " ");
    }
    return false;
}

const td_function *td_function_find(td_bytes name, bool inner) {
    for (const td_function *f = td_functions; f->name != NULL; f++) {
        if (f->group == NULL && !inner) continue;
        if (td_bytes_equal(td_text(f->name), name) || has_word(f->also, name)) return f;
    }
    return NULL;
}

const char *td_function_nearest(td_bytes name) {
    enum { NAMES_MAX = 256, NAME_BYTES_MAX = 32 };
    const char *names[NAMES_MAX + 1] = {NULL};
    char copy[NAME_BYTES_MAX];
    size_t count = 0;
    if (name.size >= sizeof copy) return NULL;
    memcpy(copy, name.data, name.size);
    copy[name.size] = '\0';
    for (const td_function *f = td_functions; f->name != NULL && count < NAMES_MAX; f++)
        if (f->group != NULL) names[count++] = f->name;
    for (const td_across *f = td_functions_across; f->name != NULL && count < NAMES_MAX; f++) names[count++] = f->name;
    return td_nearest(copy, names);
}

uint32_t td_function_arg_count(const td_function *f) {
    uint32_t count = 0;
    while (f->args[count].kind != TD_ARG_NONE) count++;
    return count;
}

uint32_t td_function_part_count(const td_function *f) {
    uint32_t count = 0;
    while (f->parts[count].name != NULL) count++;
    return count;
}

const td_arg *td_function_window(const td_function *f) {
    for (const td_arg *arg = f->args; arg->kind != TD_ARG_NONE; arg++)
        if (arg->kind == TD_ARG_WINDOW) return arg;
    return NULL;
}

static bool is_field(const td_part *part) { return part->name[0] != '\0' && part->name[0] != '_'; }

bool td_function_has_fields(const td_function *f) {
    uint32_t count = td_function_part_count(f);
    return count > 0 && is_field(&f->parts[count - 1]);
}

const td_part *td_function_field(const td_function *f, td_bytes name) {
    for (const td_part *part = f->parts; part->name != NULL; part++)
        if (is_field(part) && td_bytes_equal(td_text(part->name), name)) return part;
    return NULL;
}

/* ---- saying ---- */

void td_function_put_usage(const td_function *f, td_buf *out) {
    bool optional = f->args[0].kind == TD_ARG_BAR;
    td_buf_printf(out, "%s(%s", f->name, optional ? "[" : "");
    for (const td_arg *arg = f->args; arg->kind != TD_ARG_NONE; arg++) {
        if (optional && arg->kind != TD_ARG_BAR) td_buf_text(out, ",]");
        if (arg > f->args) td_buf_text(out, optional && arg->kind != TD_ARG_BAR ? " " : ", ");
        optional = optional && arg->kind == TD_ARG_BAR;
        td_buf_text(out, arg->name);
        if (arg->fallback != NULL) td_buf_printf(out, " = %s", arg->fallback);
    }
    td_buf_text(out, optional ? "])" : ")");
}

static void put_fields(const td_function *f, td_buf *out, const char *quote) {
    const char *comma = "";
    for (const td_part *part = f->parts; part->name != NULL; part++) {
        if (!is_field(part)) continue;
        td_buf_printf(out, "%s%s.%s%s", comma, quote, part->name, quote);
        comma = " ";
    }
}

/* One for all, or one per field where they differ. */
static void put_warmup(const td_function *f, td_buf *out) {
    const char *last = f->warmup, *comma = "";
    for (const td_part *part = f->parts; part->name != NULL; part++) last = part->warmup;
    bool differ = false;
    for (const td_part *part = f->parts; part->name != NULL; part++)
        differ = differ || (is_field(part) && strcmp(part->warmup, last) != 0);
    if (!differ) td_buf_text(out, last != NULL ? last : "until it happens");
    for (const td_part *part = f->parts; differ && part->name != NULL; part++) {
        if (!is_field(part)) continue;
        td_buf_printf(out, "%s.%s %s", comma, part->name, part->warmup);
        comma = "; ";
    }
}

static const char *const memory_words[] = {
    [TD_MEMORY_WINDOW] = "window", [TD_MEMORY_FADING] = "fading", [TD_MEMORY_START] = "all"};

void td_function_put_text(const td_function *f, td_buf *out) {
    td_function_put_usage(f, out);
    td_buf_printf(out, "\n    %s\n", f->help);
    if (td_function_has_fields(f)) {
        td_buf_text(out, "    fields: ");
        put_fields(f, out, "");
        td_buf_text(out, "\n");
    }
    td_buf_text(out, "    bars without a value: ");
    put_warmup(f, out);
    td_buf_printf(out, "; memory: %s; source: %s\n", memory_words[f->memory], f->source);
    if (td_function_window(f) != NULL)
        td_buf_text(out, "    n may be a duration, session or since(condition); where = condition admits values\n");
    if (f->also != NULL) td_buf_printf(out, "    also called: %s\n", f->also);
    td_buf_printf(out, "    example: %s\n", f->example);
}

static void put_markdown_row(const td_function *f, td_buf *out) {
    td_buf_text(out, "| `");
    td_function_put_usage(f, out);
    td_buf_text(out, "`");
    if (f->also != NULL) td_buf_printf(out, ", `%s`", f->also);
    if (td_function_has_fields(f)) {
        td_buf_text(out, "<br>");
        put_fields(f, out, "`");
    }
    td_buf_printf(out, " | %s | ", f->help);
    put_warmup(f, out);
    td_buf_printf(out, " | %s%s | %s | `%s` |\n", memory_words[f->memory],
                  td_function_window(f) != NULL ? ", or by time" : "", f->source, f->example);
}

void td_functions_put_markdown(td_buf *out) {
    const char *group = "";
    for (const td_function *f = td_functions; f->name != NULL; f++) {
        if (f->group == NULL) continue;
        if (strcmp(f->group, group) != 0) {
            group = f->group;
            td_buf_printf(out,
                          "\n### %s\n\n| function | what it is | warm-up | memory | source | example |\n"
                          "|---|---|---|---|---|---|\n",
                          group);
        }
        put_markdown_row(f, out);
    }
}
