/* src/serve/editor.c - finds the file, takes the text out of the body, asks whoever runs this. */
#include "serve/editor.h"
#include "base/json.h"
#include <stdio.h>
#include <stdlib.h>

static bool find_file(const td_serve_run *run, const char *wanted, size_t *out, td_api_error *error) {
    const char *file;
    for (*out = 0; run->texts.file != NULL && (file = run->texts.file(run->self, *out)) != NULL; ++*out)
        if (strcmp(file, wanted) == 0) return true;
    return td_api_fail(error, 404, "unknown_file", "no strategy runs from %.100s; see /api/v1/strategies", wanted);
}

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

/* "file:line:column: message" at the begin of a line; what stands between such lines shows the place. */
static bool read_place(const td_serve_run *run, const char *line, int *out_line, int *out_column, int *out_message,
                       const char **out_file) {
    for (size_t i = 0; (*out_file = run->texts.file(run->self, i)) != NULL; i++) {
        size_t size = strlen(*out_file);
        *out_message = 0;
        if (strncmp(line, *out_file, size) == 0 &&
            sscanf(line + size, ":%d:%d: %n", out_line, out_column, out_message) == 2 && *out_message > 0) {
            *out_message += (int)size;
            return true;
        }
    }
    return false;
}

static void put_errors(const td_serve_run *run, const td_buf *errors, td_buf *out) {
    char *text = strndup((const char *)errors->data, errors->size), *rest = text;
    size_t count = 0;
    td_buf_text(out, "\"errors\":[");
    for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n")) {
        int at_line, column, message;
        const char *file;
        if (!read_place(run, line, &at_line, &column, &message, &file)) continue;
        td_buf_text(out, count++ > 0 ? ",\n{\"file\":" : "\n{\"file\":");
        td_json_put_string(out, td_text(file));
        td_buf_printf(out, ",\"line\":%d,\"column\":%d,\"message\":", at_line, column);
        td_json_put_string(out, td_text(line + message));
        td_buf_text(out, "}");
    }
    td_buf_text(out, "],\"text\":");
    td_json_put_string(out, td_buf_bytes(errors));
    free(text);
}

/* ---- answers ---- */

static bool put_files(const td_serve_run *run, td_buf *out) {
    const char *file;
    td_buf_text(out, "{\"strategies\":[");
    for (size_t i = 0; run->texts.file != NULL && (file = run->texts.file(run->self, i)) != NULL; i++) {
        td_buf_text(out, i > 0 ? ",\n{\"file\":" : "\n{\"file\":");
        td_json_put_string(out, td_text(file));
        td_buf_text(out, "}");
    }
    td_buf_text(out, "\n]}\n");
    return true;
}

static bool put_file(const td_serve_run *run, const td_api_request *r, size_t index, td_buf *out, td_api_error *error) {
    td_buf text = {0};
    td_status status = run->texts.read(run->self, index, &text);
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

static void put_check(const td_serve_run *run, size_t index, td_bytes text, td_buf *out) {
    td_buf errors = {0};
    td_program *program = NULL;
    td_status status = run->texts.compile(run->self, index, text, &program, &errors);
    td_buf_printf(out, "{\"ok\":%s,", status == TD_OK ? "true" : "false");
    if (status == TD_OK)
        td_buf_text(out, "\"errors\":[],\"text\":\"\"");
    else
        put_errors(run, &errors, out);
    td_buf_text(out, "}\n");
    td_program_free(program);
    td_buf_fini(&errors);
}

bool td_editor_answer(const td_view *view, const td_api_request *r, td_bytes body, td_buf *out, td_api_error *error) {
    const td_serve_run *run = &td_view_topics(view)->run;
    size_t index;
    if (r->kind == TD_API_STRATEGIES && r->file[0] == '\0') return put_files(run, out);
    if (!find_file(run, r->file, &index, error)) return false;
    if (r->kind == TD_API_STRATEGIES) return put_file(run, r, index, out, error);
    td_buf text = {0};
    bool done = read_text(body, &text, error);
    if (done && r->kind == TD_API_CHECK) put_check(run, index, td_buf_bytes(&text), out);
    if (done && r->kind == TD_API_SAVE) {
        done = run->texts.save(run->self, index, td_buf_bytes(&text)) == TD_OK ||
               td_api_fail(error, 503, "not_saved", "%.200s", td_trail());
        if (done) td_buf_text(out, "{\"state\":\"saved\"}\n");
    }
    td_buf_fini(&text);
    return done;
}

td_program *td_editor_compile(const td_view *view, const td_api_request *r, td_bytes body, td_api_error *error) {
    const td_serve_run *run = &td_view_topics(view)->run;
    td_buf text = {0}, errors = {0};
    td_program *program = NULL;
    size_t index;
    if (find_file(run, r->file, &index, error) && read_text(body, &text, error) &&
        run->texts.compile(run->self, index, td_buf_bytes(&text), &program, &errors) != TD_OK)
        (void)td_api_fail(error, 400, "bad_text", "%.*s", (int)errors.size, (const char *)errors.data);
    td_buf_fini(&text);
    td_buf_fini(&errors);
    return program;
}
