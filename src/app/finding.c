/* src/app/finding.c - texts with their place taken apart. */
#include "app/finding.h"
#include "base/json.h"
#include <stdio.h>

typedef struct parts {
    td_bytes file, line, column, origin, key, message;
} parts;

static size_t digits_at(const char *text) { return strspn(text, "0123456789"); }

/* "FILE:LINE:COLUMN: " in front, if it is there. */
static const char *split_place(const char *text, parts *out) {
    for (const char *colon = strchr(text, ':'); colon != NULL; colon = strchr(colon + 1, ':')) {
        size_t line = digits_at(colon + 1);
        const char *second = colon + 1 + line;
        if (line == 0 || *second != ':') continue;
        size_t column = digits_at(second + 1);
        if (column == 0 || strncmp(second + 1 + column, ": ", 2) != 0) continue;
        out->file = (td_bytes){(const uint8_t *)text, (size_t)(colon - text)};
        out->line = (td_bytes){(const uint8_t *)colon + 1, line};
        out->column = (td_bytes){(const uint8_t *)second + 1, column};
        return second + column + 3;
    }
    return text;
}

/* A word that ends with a colon; the text behind it. */
static const char *split_word(const char *text, td_bytes *out) {
    size_t size = strcspn(text, " ");
    if (size < 2 || text[size] != ' ' || text[size - 1] != ':') return text;
    *out = (td_bytes){(const uint8_t *)text, size - 1};
    return text + size + 1;
}

static parts split(const char *text) {
    parts p = {0};
    const char *rest = split_place(text, &p);
    bool overridden = strncmp(rest, "--", 2) == 0 || strncmp(rest, "TAPEDECK_", 9) == 0;
    if (overridden) rest = split_word(rest, &p.origin);
    p.message = td_text(split_word(rest, &p.key));
    return p;
}

static void put_text(td_buf *out, const char *name, td_bytes text) {
    if (text.size == 0) return;
    td_buf_printf(out, ",\"%s\":", name);
    td_json_put_string(out, text);
}

static void put_number(td_buf *out, const char *name, td_bytes digits) {
    if (digits.size > 0) td_buf_printf(out, ",\"%s\":%.*s", name, (int)digits.size, (const char *)digits.data);
}

void td_finding_add(td_findings *f, td_severity severity, const char *text) {
    bool error = severity == TD_SEVERITY_ERROR;
    *(error ? &f->errors : &f->warnings) += 1;
    if (!f->json) {
        (void)printf("%s%s\n", error ? "" : "warning: ", text);
        return;
    }
    parts p = split(text);
    td_buf_printf(&f->list, "%s\n{\"severity\":\"%s\"", f->list.size > 0 ? "," : "", error ? "error" : "warning");
    put_text(&f->list, "file", p.file);
    put_number(&f->list, "line", p.line);
    put_number(&f->list, "column", p.column);
    put_text(&f->list, "origin", p.origin);
    put_text(&f->list, "key", p.key);
    put_text(&f->list, "message", p.message);
    td_buf_text(&f->list, "}");
}

void td_findings_fini(td_findings *f) { td_buf_fini(&f->list); }
