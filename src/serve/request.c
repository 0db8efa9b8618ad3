/* src/serve/request.c - method, Host, Origin, token, path, parameters: in this order. */
#include "serve/request.h"

/* /registry, and what is below. */
static bool is_registry(td_bytes path, td_bytes *out_rest) {
    static const char base[] = "/registry";
    size_t size = sizeof base - 1;
    if (path.size < size || memcmp(path.data, base, size) != 0) return false;
    *out_rest = (td_bytes){path.data + size, path.size - size};
    return out_rest->size == 0 || out_rest->data[0] == '/';
}

static bool check_asker(const td_guard *g, const td_request_head *head, bool registry, td_api_error *error) {
    char url[TD_GUARD_URL_MAX];
    td_guard_url(g, url);
    if (!td_guard_host(g, head->host))
        return td_api_fail(error, 403, "bad_host", "the Host header must name %s, or one of serve.names", url);
    if (head->has_origin && (head->origin.size == 0 || !td_guard_origin(g, head->origin)))
        return td_api_fail(error, 403, "bad_origin", "pages of other origins may not ask here");
    if (!head->get && !head->head && !head->post && !registry)
        return td_api_fail(error, 405, "bad_method", "only GET, HEAD and POST are answered");
    if (head->target_bytes > TD_TARGET_MAX)
        return td_api_fail(error, 414, "too_long", "path and query may have %d bytes", TD_TARGET_MAX);
    return true;
}

/* What changes something is posted, as JSON: no page of another origin can send that unasked. */
static bool check_method(const td_request_head *head, bool posted, td_api_error *error) {
    static const char json[] = "application/json";
    if (head->post != posted) {
        error->allow = posted ? "POST" : NULL;
        return td_api_fail(error, 405, "bad_method", posted ? "that is for POST" : "that is for GET and HEAD");
    }
    td_bytes type = head->content_type;
    if (!posted || (type.size >= sizeof json - 1 && memcmp(type.data, json, sizeof json - 1) == 0)) return true;
    return td_api_fail(error, 415, "bad_type", "the body must be application/json, and its header must say so");
}

/* What comes with a body comes as JSON, here as there. */
static bool check_schema_type(const td_request_head *head, const td_schema_request *request, td_schema_error *error) {
    static const char *const types[] = {"application/vnd.schemaregistry.v1+json", "application/vnd.schemaregistry+json",
                                        "application/json"};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (td_bytes_begin(head->content_type, td_text(types[i]))) return true;
    return !td_schema_is_posted(request->ask) || td_schema_fail(error, 415, "HTTP 415 Unsupported Media Type");
}

static void split_argument(td_bytes text, td_bytes *name, td_bytes *value) {
    const uint8_t *sign = text.size > 0 ? memchr(text.data, '=', text.size) : NULL;
    *name = (td_bytes){text.data, sign != NULL ? (size_t)(sign - text.data) : text.size};
    *value = sign != NULL ? (td_bytes){sign + 1, text.size - name->size - 1} : (td_bytes){0};
}

static bool read_schemas(td_bytes path, const td_request_head *head, td_request *out) {
    td_schema_method method = head->get || head->head ? TD_SCHEMA_GET
                              : head->post            ? TD_SCHEMA_POST
                              : head->put             ? TD_SCHEMA_PUT
                              : head->del             ? TD_SCHEMA_DELETE
                                                      : TD_SCHEMA_OTHER;
    if (!td_schema_request_read(&out->schemas, method, path, &out->refused)) return false;
    if (!check_schema_type(head, &out->schemas, &out->refused)) return false;
    for (size_t i = 0; i < head->argument_count && i < TD_ARGUMENTS_MAX; i++) {
        td_bytes name, value;
        split_argument(head->arguments[i], &name, &value);
        td_schema_request_set(&out->schemas, name, value);
    }
    td_bytes accept = head->accept;
    out->plain_json =
        td_bytes_have(accept, TD_TEXT("application/json")) && !td_bytes_have(accept, TD_TEXT("schemaregistry"));
    return true;
}

static bool find_file(td_bytes path, td_request *out, td_api_error *error) {
    out->route = TD_ROUTE_FILE;
    td_bytes name = TD_TEXT("index.html");
    if (!td_bytes_equal(path, TD_TEXT("/"))) name = (td_bytes){path.data + 1, path.size > 0 ? path.size - 1 : 0};
    for (out->file = td_embedded_web; out->file->name != NULL; out->file++)
        if (td_bytes_equal(name, td_text(out->file->name))) return true;
    return td_api_fail(error, 404, "not_found", "there is nothing at %.*s", td_api_shown(path),
                       (const char *)path.data);
}

static bool read_api(td_bytes path, const td_request_head *head, td_request *out, td_api_error *error) {
    out->route = TD_ROUTE_API;
    if (!td_api_begin(&out->api, path, head->accept, error)) return false;
    if (out->api.kind == TD_API_ACTIONS && !head->post) out->api.kind = TD_API_TAKEN;
    if (out->api.kind == TD_API_ACTIONS) out->api.format = TD_API_JSON; /* what is posted has no table */
    if (!check_method(head, td_api_is_posted(out->api.kind), error)) return false;
    if (head->argument_count > TD_ARGUMENTS_MAX)
        return td_api_fail(error, 400, "too_many", "there may be %d parameters", TD_ARGUMENTS_MAX);
    for (size_t i = 0; i < head->argument_count; i++) {
        td_bytes name, value;
        split_argument(head->arguments[i], &name, &value);
        if (!td_api_set(&out->api, name, value, error)) return false;
    }
    return td_api_check(&out->api, error);
}

static bool read_request(const td_guard *g, const td_request_head *head, td_request *out, td_api_error *error) {
    static const struct {
        const char *path;
        td_route route;
        bool open; /* to those without the token */
    } plain[] = {
        {"/livez", TD_ROUTE_LIVE, true}, {"/readyz", TD_ROUTE_READY, true}, {"/metrics", TD_ROUTE_METRICS, false}};
    static const char api[] = "/api/v1/";
    td_bytes path = head->path, rest;
    bool registry = is_registry(path, &rest);
    *out = (td_request){.route = registry ? TD_ROUTE_SCHEMAS : TD_ROUTE_FILE};
    if (!check_asker(g, head, registry, error)) return false;
    bool may = td_guard_token(g, head->authorization);
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        if (!td_bytes_equal(head->path, td_text(plain[i].path)) || (!may && !plain[i].open)) continue;
        out->route = plain[i].route;
        return check_method(head, false, error);
    }
    if (!may) return td_api_fail(error, 401, "bad_token", "the token is wanted: Authorization: Bearer TOKEN");
    if (registry) return read_schemas(rest, head, out);
    if (td_bytes_equal(path, TD_TEXT("/api/v1/openapi.json")))
        return check_method(head, false, error) && find_file(TD_TEXT("/openapi.json"), out, error);
    size_t size = sizeof api - 1;
    if (path.size < size || memcmp(path.data, api, size) != 0)
        return check_method(head, false, error) && find_file(path, out, error);
    return read_api((td_bytes){path.data + size, path.size - size}, head, out, error);
}

bool td_request_read(const td_guard *g, const td_request_head *head, td_request *out, td_api_error *error) {
    if (read_request(g, head, out, error)) return true;
    if (out->route != TD_ROUTE_SCHEMAS) return false;
    if (out->refused.http == 0) return td_schema_fail(&out->refused, error->http, "%s", error->message);
    return td_api_fail(error, out->refused.http, "registry", "%.200s", out->refused.message);
}
