/* src/app/notice.c - lines, their limits, and what they must not say. */
#include "app/notice.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/secret.h"
#include "base/time.h"
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>

enum { ALIKE_KINDS = 64, ALIKE_LINES = 5, TEXT_MAX = 2048, PLACE_MAX = 64 };
#define ALIKE_NS (10 * TD_NS_PER_S)

typedef struct alike { /* lines of one event and place */
    uint64_t key;      /* 0: free */
    int64_t since_ns;
    int64_t lines;
    const char *event;
    char place[PLACE_MAX];
    td_level level;
} alike;

struct td_notices {
    td_notices_conf conf;
    pthread_mutex_t lock;
    alike kinds[ALIKE_KINDS];
    td_texts secrets;
    td_buf line;
    bool drawn; /* progress stands on the terminal's line */
};

typedef struct notice {
    td_level level;
    const char *event, *place, *text;
    int64_t repeated; /* 0: the line itself */
    bool plain;       /* shown, not told */
} notice;

static int64_t mono_ns(const td_notices *n) { return n->conf.os->ops->mono_ns(n->conf.os->self); }

td_notices *td_notices_new(const td_notices_conf *conf) {
    td_notices *n = td_alloc_zero(1, sizeof *n);
    n->conf = *conf;
    (void)pthread_mutex_init(&n->lock, NULL);
    return n;
}

void td_notices_set_json(td_notices *n, bool json) { n->conf.json = json; }

void td_notices_hide(td_notices *n, const char *secret) { td_secrets_add(&n->secrets, secret); }

/* ---- one line ---- */

static void put_json(td_notices *n, const notice *it) {
    static const char *const levels[] = {"info", "warning", "error"};
    char time[40];
    (void)td_time_format(n->conf.os->ops->wall_ns(n->conf.os->self), time);
    td_buf_printf(&n->line, "{\"time\":\"%s\",\"level\":\"%s\",\"event\":\"%s\"", time, levels[it->level], it->event);
    if (it->place[0] != '\0') {
        td_buf_text(&n->line, ",\"place\":");
        td_json_put_string(&n->line, td_text(it->place));
    }
    if (it->repeated > 0) td_buf_printf(&n->line, ",\"repeated\":%lld", (long long)it->repeated);
    td_buf_text(&n->line, ",\"message\":");
    td_json_put_string(&n->line, td_text(it->text));
    td_buf_text(&n->line, "}\n");
}

static void put_text(td_notices *n, const notice *it) {
    if (it->plain) {
        td_buf_printf(&n->line, "%s\n", it->text);
        return;
    }
    static const char *const levels[] = {"", "warning: ", "error: "};
    bool place = it->place[0] != '\0';
    td_buf_printf(&n->line, "tapedeck: %s%s%s%s\n", levels[it->level], it->place, place ? ": " : "", it->text);
}

static void clear_drawn(td_notices *n) {
    if (n->drawn) (void)fputs("\r\033[K", n->conf.to);
    n->drawn = false;
}

static void put(td_notices *n, const notice *it) {
    n->line.size = 0;
    if (n->conf.json)
        put_json(n, it);
    else
        put_text(n, it);
    clear_drawn(n);
    (void)fwrite(n->line.data, 1, n->line.size, n->conf.to);
    (void)fflush(n->conf.to);
}

/* ---- lines alike ---- */

static void tell_repeated(td_notices *n, alike *a) {
    char text[64];
    int64_t more = a->lines - ALIKE_LINES;
    a->lines = 0;
    if (more <= 0) return;
    (void)snprintf(text, sizeof text, "\xe2\x80\xa6 %lld more like this (%s)", (long long)more, a->event);
    put(n, &(notice){.level = a->level, .event = a->event, .place = a->place, .text = text, .repeated = more});
}

/* The kind of a line; of more kinds than there is room for the oldest is told and forgotten. */
static alike *alike_of(td_notices *n, const notice *it, int64_t at_ns) {
    char name[PLACE_MAX + 64];
    int size = snprintf(name, sizeof name, "%s %s", it->event, it->place);
    uint64_t key = td_hash_bytes((td_bytes){(const uint8_t *)name, (size_t)size}) | 1;
    alike *oldest = &n->kinds[0];
    for (size_t i = 0; i < ALIKE_KINDS; i++) {
        alike *a = &n->kinds[i];
        if (a->key == key) return a;
        if (a->key == 0 || (oldest->key != 0 && a->since_ns < oldest->since_ns)) oldest = a;
    }
    tell_repeated(n, oldest);
    *oldest = (alike){.key = key, .since_ns = at_ns, .event = it->event, .level = it->level};
    (void)snprintf(oldest->place, sizeof oldest->place, "%s", it->place);
    return oldest;
}

static void turn(td_notices *n, int64_t at_ns) {
    for (size_t i = 0; i < ALIKE_KINDS; i++) {
        alike *a = &n->kinds[i];
        if (a->key == 0 || at_ns - a->since_ns < ALIKE_NS) continue;
        tell_repeated(n, a);
        *a = (alike){0};
    }
}

void td_notices_turn(td_notices *n) {
    (void)pthread_mutex_lock(&n->lock);
    turn(n, mono_ns(n));
    (void)pthread_mutex_unlock(&n->lock);
}

/* "tape-3: …", "demo.yaml:7:9: …": what stands before the first ": ", when it is one word. Returns the rest. */
static const char *split_place(const char *text, char place[PLACE_MAX]) {
    size_t size = strcspn(text, " \n");
    place[0] = '\0';
    if (size < 2 || size > PLACE_MAX || text[size - 1] != ':' || text[size] != ' ') return text;
    memcpy(place, text, size - 1);
    place[size - 1] = '\0';
    return text + size + 1;
}

/* Before anything is escaped: afterwards it might look different. */
void td_notices_mask(const td_notices *n, char *text) {
    td_buf room = {0};
    td_bytes shown = td_secrets_hide(&n->secrets, td_text(text), &room); /* never longer */
    memmove(text, shown.data, shown.size);
    text[shown.size] = '\0';
    td_buf_fini(&room);
}

void td_notice(td_notices *n, td_level level, const char *event, const char *place, const char *fmt, ...) {
    char text[TEXT_MAX], found[PLACE_MAX];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    td_notices_mask(n, text);
    if (n->conf.quiet && level == TD_LEVEL_INFO) return;
    notice it = {.level = level, .event = event, .place = place, .text = text};
    if (place == NULL) {
        it.text = split_place(text, found);
        it.place = found;
    }
    (void)pthread_mutex_lock(&n->lock);
    int64_t at_ns = mono_ns(n);
    turn(n, at_ns);
    if (++alike_of(n, &it, at_ns)->lines <= ALIKE_LINES) put(n, &it);
    (void)pthread_mutex_unlock(&n->lock);
}

void td_notices_show(td_notices *n, const char *event, const char *text) {
    if (n->conf.quiet) return;
    (void)pthread_mutex_lock(&n->lock);
    put(n, &(notice){.level = TD_LEVEL_INFO, .event = event, .place = "", .text = text, .plain = true});
    (void)pthread_mutex_unlock(&n->lock);
}

void td_notices_progress(td_notices *n, const char *text) {
    if (!n->conf.terminal || n->conf.json) {
        if (text[0] != '\0') td_notices_show(n, "progress", text);
        return;
    }
    if (n->conf.quiet) return;
    (void)pthread_mutex_lock(&n->lock);
    clear_drawn(n);
    (void)fputs(text, n->conf.to);
    (void)fflush(n->conf.to);
    n->drawn = text[0] != '\0';
    (void)pthread_mutex_unlock(&n->lock);
}

void td_notices_free(td_notices *n) {
    if (n == NULL) return;
    clear_drawn(n);
    for (size_t i = 0; i < ALIKE_KINDS; i++) tell_repeated(n, &n->kinds[i]);
    td_secrets_fini(&n->secrets);
    td_buf_fini(&n->line);
    (void)pthread_mutex_destroy(&n->lock);
    free(n);
}
