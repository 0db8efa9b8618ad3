/* src/net/http_curl.c - HTTP requests over libcurl, which does TLS, the wire and the reuse of connections. */
#include "base/time.h"
#include "net/http.h"
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

typedef enum state { IDLE, ASKED, ANSWERED } state;

typedef struct client {
    const td_os *os;
    td_http_conf conf;
    CURLM *multi;
    CURL *easy;                 /* part of `multi` while ASKED */
    struct curl_slist *headers; /* of a POST on its way */
    state state;
    int64_t since_ns; /* monotonic: when it was asked */
    td_buf body;
    bool too_long;
    td_http_answer answer;
    char detail[CURL_ERROR_SIZE];
} client;

static size_t take_body(char *data, size_t one, size_t size, void *self) {
    client *c = self;
    (void)one; /* always 1 */
    c->too_long = c->body.size + size > c->conf.body_max_bytes;
    if (c->too_long) return 0;
    td_buf_put(&c->body, data, size);
    return size;
}

static void end(client *c, int code, const char *detail) {
    (void)curl_multi_remove_handle(c->multi, c->easy);
    c->state = ANSWERED;
    c->answer = (td_http_answer){.code = code, .detail = detail};
    if (code == 0) return;
    curl_off_t retry_s = 0;
    c->answer.body = td_buf_bytes(&c->body);
    if (curl_easy_getinfo(c->easy, CURLINFO_RETRY_AFTER, &retry_s) == CURLE_OK && retry_s < INT64_MAX / TD_NS_PER_S)
        c->answer.retry_ns = (int64_t)retry_s * TD_NS_PER_S;
}

static void finish(client *c, CURLcode result) {
    long code = 0;
    (void)curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &code);
    if (result == CURLE_OK && code > 0)
        end(c, (int)code, "");
    else if (c->too_long)
        end(c, 0, "the answer is longer than it may be");
    else
        end(c, 0, c->detail[0] != '\0' ? c->detail : curl_easy_strerror(result));
}

static int curl_pump(void *self) {
    client *c = self;
    int running, left;
    if (c->state != ASKED) return 0;
    (void)curl_multi_perform(c->multi, &running);
    const CURLMsg *message = curl_multi_info_read(c->multi, &left);
    if (message != NULL && message->msg == CURLMSG_DONE)
        finish(c, message->data.result);
    else if (c->os->ops->mono_ns(c->os->self) - c->since_ns >= c->conf.timeout_ns)
        end(c, 0, "no answer in time");
    return c->state != ASKED;
}

static void begin(client *c, const char *url, bool good) {
    c->body.size = 0;
    c->too_long = false;
    c->detail[0] = '\0';
    c->since_ns = c->os->ops->mono_ns(c->os->self);
    c->state = ASKED;
    good = good && curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, c->headers) == CURLE_OK;
    good = good && curl_easy_setopt(c->easy, CURLOPT_URL, url) == CURLE_OK;
    if (!good || curl_multi_add_handle(c->multi, c->easy) != CURLM_OK)
        end(c, 0, "the network library takes no request");
}

static void free_headers(client *c) {
    curl_slist_free_all(c->headers);
    c->headers = NULL;
}

static td_status curl_get(void *self, const char *url) {
    client *c = self;
    if (c->state != IDLE) return TD_FAIL(TD_FULL, "a request is on its way");
    free_headers(c);
    begin(c, url, curl_easy_setopt(c->easy, CURLOPT_HTTPGET, 1L) == CURLE_OK);
    return TD_OK;
}

static bool add_header(client *c, const char *name, const char *value) {
    char line[128];
    int size = snprintf(line, sizeof line, "%s: %s", name, value);
    struct curl_slist *headers = size > 0 && (size_t)size < sizeof line ? curl_slist_append(c->headers, line) : NULL;
    if (headers != NULL) c->headers = headers;
    return headers != NULL;
}

static td_status curl_post(void *self, const td_http_post *post) {
    client *c = self;
    if (c->state != IDLE) return TD_FAIL(TD_FULL, "a request is on its way");
    free_headers(c);
    const char *body = post->body.size > 0 ? (const char *)post->body.data : "";
    bool good = curl_easy_setopt(c->easy, CURLOPT_POST, 1L) == CURLE_OK;
    good = good && curl_easy_setopt(c->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)post->body.size) == CURLE_OK;
    good = good && curl_easy_setopt(c->easy, CURLOPT_COPYPOSTFIELDS, body) == CURLE_OK;
    good = good && add_header(c, "Content-Type", post->type) && add_header(c, "Accept", post->type);
    good = good && add_header(c, "Expect", ""); /* the body is sent at once */
    begin(c, post->url, good);
    return TD_OK;
}

static td_status curl_next(void *self, td_http_answer *out) {
    client *c = self;
    if (c->state != ANSWERED) return TD_AGAIN;
    c->state = IDLE;
    *out = c->answer;
    return TD_OK;
}

static void curl_drop(void *self) {
    client *c = self;
    if (c->state == ASKED) (void)curl_multi_remove_handle(c->multi, c->easy);
    c->state = IDLE;
}

static void curl_close(void *self) {
    client *c = self;
    if (c == NULL) return;
    if (c->easy != NULL) curl_drop(c);
    curl_easy_cleanup(c->easy);
    if (c->multi != NULL) (void)curl_multi_cleanup(c->multi);
    free_headers(c);
    td_buf_fini(&c->body);
    free(c);
}

static bool set_up(client *c) {
    CURL *e = c->easy;
    bool good = curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK;
    good = good && curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;   /* signals are the program's */
    good = good && curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK; /* a resolver is not waited for */
    good = good && curl_easy_setopt(e, CURLOPT_USERAGENT, "tapedeck/" TD_VERSION) == CURLE_OK;
    good = good && curl_easy_setopt(e, CURLOPT_ACCEPT_ENCODING, "gzip") == CURLE_OK;
    good = good && curl_easy_setopt(e, CURLOPT_ERRORBUFFER, c->detail) == CURLE_OK;
    good = good && curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK;
    good = good && curl_easy_setopt(e, CURLOPT_WRITEDATA, c) == CURLE_OK;
    if (c->conf.user != NULL) {
        const char *password = c->conf.password != NULL ? c->conf.password : "";
        good = good && curl_easy_setopt(e, CURLOPT_HTTPAUTH, CURLAUTH_BASIC) == CURLE_OK;
        good = good && curl_easy_setopt(e, CURLOPT_USERNAME, c->conf.user) == CURLE_OK;
        good = good && curl_easy_setopt(e, CURLOPT_PASSWORD, password) == CURLE_OK;
    }
    if (c->conf.ca_file != NULL) good = good && curl_easy_setopt(e, CURLOPT_CAINFO, c->conf.ca_file) == CURLE_OK;
    return good;
}

static td_status curl_open(void **out, const td_os *os, const td_http_conf *conf) {
    client *c = td_alloc_zero(1, sizeof *c);
    c->os = os;
    c->conf = *conf;
    c->multi = curl_multi_init();
    c->easy = curl_easy_init();
    if (c->multi == NULL || c->easy == NULL || !set_up(c)) {
        curl_close(c);
        return TD_FAIL(TD_RETRY, "the HTTP library does not start");
    }
    *out = c;
    return TD_OK;
}

const td_http_ops td_http_curl = {.name = "curl",
                                  .open = curl_open,
                                  .get = curl_get,
                                  .post = curl_post,
                                  .pump = curl_pump,
                                  .next = curl_next,
                                  .drop = curl_drop,
                                  .close = curl_close};
