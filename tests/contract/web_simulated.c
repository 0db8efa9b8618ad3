/* tests/contract/web_simulated.c - HTTP without a network: an answer takes a number of pumps drawn from a seed. */
#include "../sim/random.h"
#include "web.h"
#include <stdio.h>
#include <stdlib.h>

enum { PUMPS_MAX = 12 };

typedef struct sim_web {
    td_random random;
    web_handler handler;
} sim_web;

static sim_web *world; /* a client is opened without an argument to name it */

typedef enum state { IDLE, ASKED, ANSWERED } state;

typedef struct sim_http {
    const td_os *os;
    td_http_conf conf;
    state state;
    uint64_t pumps; /* until the answer */
    int64_t since_ns;
    web_answer coming;
    td_http_answer answer;
} sim_http;

static td_status sim_open(void **out, const td_os *os, const td_http_conf *conf) {
    sim_http *h = td_alloc_zero(1, sizeof *h);
    h->os = os;
    h->conf = *conf;
    *out = h;
    return TD_OK;
}

/* "user:password" in base64, as the header has it. */
static void put_authorization(const td_http_conf *conf, char out[256]) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char word[128];
    int size = snprintf(word, sizeof word - 2, "%s:%s", conf->user, conf->password);
    word[size] = word[size + 1] = '\0';
    char *to = out + snprintf(out, 256, "Basic ");
    for (int i = 0; i < size; i += 3) {
        unsigned bits = (unsigned)(uint8_t)word[i] << 16 | (unsigned)(uint8_t)word[i + 1] << 8 | (uint8_t)word[i + 2];
        for (int k = 0; k < 4; k++) *to++ = i + k > size ? '=' : digits[bits >> (18 - 6 * k) & 63];
    }
    *to = '\0';
}

static td_status ask(sim_http *h, const char *url, web_request request) {
    char authorization[256] = "";
    if (h->state != IDLE) return TD_FAIL(TD_FULL, "a request is on its way");
    h->state = ASKED;
    h->since_ns = h->os->ops->mono_ns(h->os->self);
    h->pumps = td_random_below(&world->random, PUMPS_MAX);
    td_buf_fini(&h->coming.body);
    h->coming = (web_answer){.code = 200};
    const char *host = strstr(url, "://"), *path = host != NULL ? strchr(host + 3, '/') : NULL;
    if (h->conf.user != NULL) put_authorization(&h->conf, authorization);
    request.authorization = authorization;
    h->coming.request = &request;
    world->handler.answer(world->handler.arg, path != NULL ? path : "/", &h->coming);
    h->coming.request = NULL;
    return TD_OK;
}

static td_status sim_get(void *self, const char *url) {
    return ask(self, url, (web_request){.method = "GET", .type = ""});
}

static td_status sim_post(void *self, const td_http_post *post) {
    return ask(self, post->url, (web_request){.method = "POST", .body = post->body, .type = post->type});
}

static void end(sim_http *h, int code, const char *detail) {
    h->state = ANSWERED;
    h->answer = (td_http_answer){.code = code, .detail = detail};
    if (code == 0) return;
    h->answer.body = td_buf_bytes(&h->coming.body);
    h->answer.retry_ns = INT64_C(1000000000) * h->coming.retry_s;
}

static int sim_pump(void *self) {
    sim_http *h = self;
    if (h->state != ASKED) return 0;
    if (h->os->ops->mono_ns(h->os->self) - h->since_ns >= h->conf.timeout_ns)
        end(h, 0, "no answer in time");
    else if (h->coming.manner == WEB_SILENT || h->pumps-- > 0)
        return 0;
    else if (h->coming.manner == WEB_CUT)
        end(h, 0, "the connection broke within the answer");
    else if (h->coming.body.size > h->conf.body_max_bytes)
        end(h, 0, "the answer is longer than it may be");
    else
        end(h, h->coming.code, "");
    return 1;
}

static td_status sim_next(void *self, td_http_answer *out) {
    sim_http *h = self;
    if (h->state != ANSWERED) return TD_AGAIN;
    h->state = IDLE;
    *out = h->answer;
    return TD_OK;
}

static void sim_drop(void *self) { ((sim_http *)self)->state = IDLE; }

static void sim_close(void *self) {
    sim_http *h = self;
    if (h == NULL) return;
    td_buf_fini(&h->coming.body);
    free(h);
}

static const td_http_ops http_simulated = {.name = "simulated",
                                           .open = sim_open,
                                           .get = sim_get,
                                           .post = sim_post,
                                           .pump = sim_pump,
                                           .next = sim_next,
                                           .drop = sim_drop,
                                           .close = sim_close};

static void *web_open(uint64_t seed, web_handler handler) {
    world = td_alloc_zero(1, sizeof *world);
    *world = (sim_web){.random.state = seed, .handler = handler};
    return world;
}

static const char *web_url(void *self) {
    (void)self;
    return "http://venue.test";
}

static void web_step(void *self) { (void)self; }

static void web_close(void *self) {
    world = NULL;
    free(self);
}

const web_ops web_simulated = {
    .http = &http_simulated, .open = web_open, .url = web_url, .step = web_step, .close = web_close};
