/* src/app/cmd_init.c - a configuration made from the option rows, so that it names every key; a strategy's skeleton. */
#include "app/cmd_init.h"
#include "app/config.h"
#include "app/exit.h"
#include "app/manual.h"
#include "app/share.h"
#include "lang/words.h"
#include <ctype.h>
#include <stdlib.h>

enum { HELP_COLUMN = 40, WORDS_MAX = 32 };

typedef struct init_conf {
    bool force;
} init_conf;

typedef struct draft {
    td_buf text;
    const td_feed_ops *feed;
    char share[TD_SHARE_MAX]; /* "": the recordings are not there */
} draft;

/* ---- one line per row ---- */

/* What a kind must be told, as it can be tried at once; NULL: nothing. */
static const char *sample_of(const draft *d, const char *kind, const td_option *row, char out[TD_SHARE_MAX * 2]) {
    for (const td_plug_sample *s = td_plug_samples; s->kind != NULL; s++) {
        if (strcmp(s->kind, kind) != 0 || strcmp(s->key, row->key) != 0) continue;
        bool beside = s->bundled && d->share[0] != '\0';
        (void)snprintf(out, TD_SHARE_MAX * 2, "%s%s%s", beside ? d->share : "", beside ? "/" : "", s->value);
        return out;
    }
    return NULL;
}

static void put_value(td_buf *out, const char *value) {
    bool quoted = strpbrk(value, "*?[]{}#&!|>%@`,") != NULL;
    td_buf_printf(out, quoted ? "\"%s\"" : "%s", value);
}

static void put_line(td_buf *out, const char *indent, const char *key, const char *value, const char *help) {
    size_t start = out->size;
    td_buf_printf(out, "%s%s:", indent, key);
    if (value[0] != '\0') td_buf_text(out, " ");
    if (value[0] == '[' || value[0] == '{') /* a list, or names and values */
        td_buf_text(out, value);
    else
        put_value(out, value);
    while (out->size - start < HELP_COLUMN) td_buf_text(out, " ");
    td_buf_printf(out, " # %s\n", help);
}

/* A row stands as a comment that shows its default, unless something must be said there. */
static void put_rows(draft *d, const char *kind, const td_option *rows, const char *indent) {
    char sample[TD_SHARE_MAX * 2], comment[32];
    (void)snprintf(comment, sizeof comment, "%s# ", indent);
    for (const td_option *row = rows; row->key != NULL; row++) {
        const char *wanted = sample_of(d, kind, row, sample), *value = row->fallback != NULL ? row->fallback : "";
        bool said = row->required || wanted != NULL || (row == rows && row->fallback != NULL);
        put_line(&d->text, said ? indent : comment, row->key, wanted != NULL ? wanted : value, row->help);
    }
}

/* ---- the configuration ---- */

static void put_feed(draft *d) {
    const td_feed_ops *feed = d->feed;
    td_buf_printf(&d->text, "feeds:\n  - %s:\n", feed->is_file ? "file" : feed->format);
    if (feed->is_file) td_buf_printf(&d->text, "      format: %s\n", feed->format);
    put_rows(d, feed->format, feed->options, "      ");
}

static void put_key(draft *d, const td_config_key *k) {
    const td_option *row = k->rows != NULL ? td_option_find(k->rows, k->key) : NULL;
    switch (k->shape) {
    case TD_KEY_FEEDS:
        put_feed(d);
        break;
    case TD_KEY_SINKS:
        td_buf_printf(&d->text, "%s:\n  - %s:\n", k->key, td_sink_plugs[0]->kind);
        put_rows(d, td_sink_plugs[0]->kind, td_sink_plugs[0]->options, "      ");
        break;
    case TD_KEY_MAP:
    case TD_KEY_SWITCH:
        td_buf_printf(&d->text, "%s:\n", k->key);
        put_rows(d, k->key, k->rows, "  ");
        break;
    case TD_KEY_LIST:
        td_buf_printf(&d->text, strcmp(k->key, "bars") == 0 ? "%s: [1s, 1m, 5m]\n" : "# %s: [my_cross.td]\n", k->key);
        break;
    case TD_KEY_VALUE:
        put_line(&d->text, "# ", k->key, row != NULL && row->fallback != NULL ? row->fallback : "", td_manual_help(k));
        break;
    }
}

static void put_configuration(draft *d, const char *file) {
    td_buf_printf(&d->text,
                  "# %s - made by `tapedeck init %s`. What is commented out shows the default.\n"
                  "#\n"
                  "#   tapedeck check %s    finds what is wrong with it\n"
                  "#   tapedeck run %s      runs it; `tapedeck help KEY` tells more of a key\n",
                  file, d->feed->format, file, file);
    for (const td_config_key *k = td_config_keys; k->key != NULL; k++) {
        bool section = k->shape != TD_KEY_VALUE && k->shape != TD_KEY_LIST;
        if (section || k->shape == TD_KEY_LIST) td_buf_printf(&d->text, "\n# %s\n", k->help);
        if (k->shape == TD_KEY_VALUE && k[-1].shape != TD_KEY_VALUE) td_buf_text(&d->text, "\n");
        put_key(d, k);
    }
}

/* ---- files ---- */

static int write_new(const char *command, const char *file, td_bytes text, bool force) {
    const td_os *os = &td_os_posix;
    td_status status = TD_OK;
    if (!force && os->ops->exists(os->self, file))
        status = TD_FAIL(TD_CONFIG, "%s: is there already; --force writes over it", file);
    if (status == TD_OK) status = td_os_replace_file(os, file, text);
    if (status != TD_OK) (void)fprintf(stderr, "tapedeck %s: %s\n", command, td_trail());
    return td_exit_of(status);
}

static const td_feed_ops *find_feed(const char *name) {
    const char *words[WORDS_MAX] = {NULL};
    for (size_t i = 0; i + 1 < WORDS_MAX && td_feed_plugs[i] != NULL; i++) {
        words[i] = td_feed_plugs[i]->format;
        if (strcmp(words[i], name) == 0) return td_feed_plugs[i];
    }
    const char *nearest = td_nearest(name, words);
    (void)fprintf(stderr, "tapedeck init: there is no feed \"%s\"", name);
    if (nearest != NULL) (void)fprintf(stderr, "; did you mean \"%s\"?", nearest);
    (void)fputs("\nthere are:", stderr);
    for (size_t i = 0; words[i] != NULL; i++) /* a vendor's answers that were kept have the name of its live feed */
        if (td_word_find(words, td_text(words[i])) == (int)i) (void)fprintf(stderr, " %s", words[i]);
    (void)fputc('\n', stderr);
    return NULL;
}

static int run_init(void *conf, const char *const *words) {
    const init_conf *init = conf;
    const char *file = words[1] != NULL ? words[1] : "tapedeck.yaml";
    draft d = {.feed = find_feed(words[0])};
    if (d.feed == NULL) return TD_EXIT_USAGE;
    if (!td_share_find(&td_os_posix, d.share)) d.share[0] = '\0';
    put_configuration(&d, file);
    int code = write_new("init", file, td_buf_bytes(&d.text), init->force);
    if (code == TD_EXIT_OK)
        (void)printf("%s is written. Next: tapedeck check %s, then tapedeck run %s\n", file, file, file);
    td_buf_fini(&d.text);
    return code;
}

static const td_option options[] = {{.key = "force",
                                     .type = TD_OPTION_BOOL,
                                     .offset = offsetof(init_conf, force),
                                     .help = "write over a file that is there"},
                                    {0}};

const td_command td_command_init = {
    .name = "init",
    .words = "FEED [FILE]",
    .words_least = 1,
    .words_most = 2,
    .summary = "write a commented configuration that works",
    .text = "Writes FILE (tapedeck.yaml) for one kind of feed: coinbase, coincap, finnhub, twelvedata,\n"
            "twelvedata-series, alphavantage, simulated, websocket, kafka, or a format of recordings: lean,\n"
            "binance-collector, cryptofeed, actions, csv. Every key stands in it with its default and what it is;\n"
            "recordings are those that come with the program, to be replaced by your own.\n",
    .options = options,
    .conf_size = sizeof(init_conf),
    .examples = "  tapedeck init simulated\n"
                "  tapedeck init lean equities.yaml && tapedeck run equities.yaml\n",
    .run = run_init,
};

/* ---- a strategy ---- */

static bool is_name(const char *name) {
    size_t size = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");
    return size > 0 && size < 64 && name[size] == '\0' && isdigit((unsigned char)name[0]) == 0;
}

static int run_new(void *conf, const char *const *words) {
    const init_conf *init = conf;
    const char *name = words[0];
    char file[128];
    if (!is_name(name) || td_word_is_reserved(td_text(name))) {
        (void)fprintf(stderr, "tapedeck new: \"%s\" is no name of a strategy: %s\n", name,
                      is_name(name) ? "it is a word of the language" : "a small letter or _, then those and digits");
        return TD_EXIT_USAGE;
    }
    (void)snprintf(file, sizeof file, "%s.td", name);
    td_buf text = {0};
    td_buf_printf(&text,
                  "# %s - say here what it waits for. The language: docs/language.md.\n"
                  "strategy %s on bars(1m)    # behind it, `for LEAN:IBM, BINANCE:*` names instruments\n"
                  "  param fast = 10\n"
                  "  param slow = 30\n"
                  "\n"
                  "  f = sma(close, fast)\n"
                  "  s = sma(close, slow)\n"
                  "\n"
                  "  buy  when crossover(f, s)   note \"the short average crosses the long one\"\n"
                  "  sell when crossunder(f, s)\n",
                  file, name);
    int code = write_new("new", file, td_buf_bytes(&text), init->force);
    if (code == TD_EXIT_OK) (void)printf("%s is written. Next: `strategies: [%s]` in a configuration\n", file, file);
    td_buf_fini(&text);
    return code;
}

const td_command td_command_new = {
    .name = "new",
    .words = "STRATEGY",
    .words_least = 1,
    .words_most = 1,
    .summary = "write a strategy to begin with",
    .text = "Writes STRATEGY.td: a strategy of that name that compiles, to be changed.\n",
    .options = options,
    .conf_size = sizeof(init_conf),
    .examples = "  tapedeck new my_cross\n",
    .run = run_new,
};
