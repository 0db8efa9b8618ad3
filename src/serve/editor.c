/* src/serve/editor.c - finds the file, takes the text out of the body, asks whoever runs this. */
#include "serve/editor.h"
#include "base/hash.h"
#include "base/json.h"
#include <stdio.h>
#include <stdlib.h>

static const char READ_ONLY[] = "strategies are not saved from here: `serve.edit` is off";

typedef void (*file_fn)(void *arg, const td_serve_file *file);

static void each_file(const td_serve_run *run, file_fn each, void *arg) {
    td_serve_file file;
    for (size_t i = 0; run->texts.file != NULL && run->texts.file(run->self, i, &file); i++) {
        each(arg, &file);
        td_buf_fini(&file.names);
    }
}

typedef struct wanted {
    const char *file;
    bool found;
} wanted;

static void match_file(void *arg, const td_serve_file *file) {
    wanted *w = arg;
    w->found |= strcmp(file->path, w->file) == 0;
}

static bool check_file(const td_serve_run *run, const char *file, td_api_error *error) {
    wanted w = {.file = file};
    each_file(run, match_file, &w);
    return w.found ||
           td_api_fail(error, 404, "unknown_file", "no strategy runs from %.100s; see /api/v1/strategies", file);
}

bool td_editor_refuse(td_api_error *error) { return td_api_fail(error, 403, "read_only", "%s", READ_ONLY); }

static bool read_text(td_bytes body, td_buf *out, td_api_error *error) {
    td_json json;
    td_json_init(&json, body);
    bool found = td_json_next(&json) == TD_JSON_OBJECT && td_json_next(&json) == TD_JSON_KEY &&
                 td_bytes_equal(json.text, TD_TEXT("text")) && td_json_next(&json) == TD_JSON_STRING;
    char *text = td_alloc(body.size + 1);
    size_t size = found ? td_json_unescape(json.text, text, body.size + 1) : SIZE_MAX;
    found = size != SIZE_MAX && td_json_next(&json) == TD_JSON_OBJECT_END && td_json_next(&json) == TD_JSON_END;
    if (found) td_buf_put(out, text, size);
    free(text);
    return found || td_api_fail(error, 400, "bad_body", "the body must be {\"text\": \"…\"}");
}

/* ---- what is wrong ---- */

typedef struct said { /* one line of the errors */
    const char *line;
    td_buf *out;
    size_t count;
} said;

/* "file:line:column: message" at the begin of a line; what stands between such lines shows the place. */
static void put_error(void *arg, const td_serve_file *file) {
    said *s = arg;
    int line, column, message = 0;
    size_t size = strlen(file->path);
    if (strncmp(s->line, file->path, size) != 0) return;
    if (sscanf(s->line + size, ":%d:%d: %n", &line, &column, &message) != 2 || message == 0) return;
    td_buf_text(s->out, s->count++ > 0 ? ",\n{\"file\":" : "\n{\"file\":");
    td_json_put_string(s->out, td_text(file->path));
    td_buf_printf(s->out, ",\"line\":%d,\"column\":%d,\"message\":", line, column);
    td_json_put_string(s->out, td_text(s->line + size + message));
    td_buf_text(s->out, "}");
}

static void put_errors(const td_serve_run *run, const td_buf *errors, td_buf *out) {
    char *text = strndup((const char *)errors->data, errors->size), *rest = text;
    said s = {.out = out};
    td_buf_text(out, "\"errors\":[");
    while ((s.line = strsep(&rest, "\n")) != NULL) each_file(run, put_error, &s);
    td_buf_text(out, "],\"text\":");
    td_json_put_string(out, td_buf_bytes(errors));
    free(text);
}

/* ---- answers ---- */

static void put_file(void *arg, const td_serve_file *file) {
    td_buf *out = arg;
    char hash[2 * sizeof file->sha256 + 1];
    td_buf_text(out, out->data[out->size - 1] == '[' ? "\n{\"file\":" : ",\n{\"file\":");
    td_json_put_string(out, td_text(file->path));
    td_hex(file->sha256, sizeof file->sha256, hash);
    td_buf_printf(out, file->runs ? ",\"hash\":\"%s\",\"strategies\":[" : ",\"hash\":null,\"strategies\":[", hash);
    const char *names = (const char *)file->names.data;
    for (size_t at = 0; at < file->names.size; at += strlen(names + at) + 1) {
        if (at > 0) td_buf_text(out, ",");
        td_json_put_string(out, td_text(names + at));
    }
    td_buf_text(out, "]}");
}

static void put_files(const td_serve_run *run, td_buf *out) {
    const char *reason = run->texts.save != NULL ? "" : run->elsewhere != NULL ? run->elsewhere : READ_ONLY;
    td_buf_text(out, "{\"strategies\":[");
    each_file(run, put_file, out);
    td_buf_text(out, "\n],\"editable\":");
    td_buf_text(out, run->texts.save != NULL ? "true,\"reason\":" : "false,\"reason\":");
    td_json_put_string(out, td_text(reason));
    td_buf_text(out, "}\n");
}

static bool put_text(const td_serve_run *run, const td_api_request *r, td_buf *out, td_api_error *error) {
    td_buf text = {0};
    td_status status = run->texts.read(run->self, r->file, &text);
    if (status == TD_OK) {
        td_buf_text(out, "{\"file\":");
        td_json_put_string(out, td_text(r->file));
        td_buf_text(out, ",\"text\":");
        td_json_put_string(out, td_buf_bytes(&text));
        td_buf_text(out, "}\n");
    }
    td_buf_fini(&text);
    return status == TD_OK || td_api_fail(error, 503, "not_read", "%.200s", td_trail());
}

static void put_check(const td_serve_run *run, const char *file, td_bytes text, td_buf *out) {
    td_buf errors = {0};
    td_program *program = NULL;
    td_status status = run->texts.compile(run->self, file, text, &program, &errors);
    td_buf_printf(out, "{\"ok\":%s,", status == TD_OK ? "true" : "false");
    if (status == TD_OK)
        td_buf_text(out, "\"errors\":[],\"text\":\"\"");
    else
        put_errors(run, &errors, out);
    td_buf_text(out, "}\n");
    td_program_free(program);
    td_buf_fini(&errors);
}

static bool save(const td_serve_run *run, const td_api_request *r, td_bytes text, td_buf *out, td_api_error *error) {
    if (run->texts.save(run->self, r->file, text) != TD_OK)
        return td_api_fail(error, 503, "not_saved", "%.200s", td_trail());
    td_buf_text(out, "{\"state\":\"saved\"}\n");
    return true;
}

bool td_editor_answer(const td_view *view, const td_api_request *r, td_bytes body, td_buf *out, td_api_error *error) {
    const td_serve_run *run = &td_view_topics(view)->run;
    if (r->kind == TD_API_STRATEGIES && r->file[0] == '\0') {
        put_files(run, out);
        return true;
    }
    if (!check_file(run, r->file, error)) return false;
    if (r->kind == TD_API_STRATEGIES) return put_text(run, r, out, error);
    if (r->kind == TD_API_SAVE && run->texts.save == NULL) return td_editor_refuse(error);
    td_buf text = {0};
    bool done = read_text(body, &text, error);
    if (done && r->kind == TD_API_CHECK) put_check(run, r->file, td_buf_bytes(&text), out);
    if (done && r->kind == TD_API_SAVE) done = save(run, r, td_buf_bytes(&text), out, error);
    td_buf_fini(&text);
    return done;
}

td_program *td_editor_compile(const td_view *view, const td_api_request *r, td_bytes body, td_api_error *error) {
    const td_serve_run *run = &td_view_topics(view)->run;
    td_buf text = {0}, errors = {0};
    td_program *program = NULL;
    if (check_file(run, r->file, error) && read_text(body, &text, error) &&
        run->texts.compile(run->self, r->file, td_buf_bytes(&text), &program, &errors) != TD_OK)
        (void)td_api_fail(error, 400, "bad_text", "%.*s", (int)errors.size, (const char *)errors.data);
    td_buf_fini(&text);
    td_buf_fini(&errors);
    return program;
}
