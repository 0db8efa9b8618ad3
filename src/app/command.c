/* src/app/command.c - reading a command's line and writing its help, both from its rows. */
#include "app/command.h"
#include "app/exit.h"
#include <stdlib.h>

/* ---- help ---- */

enum { OPTION_COLUMN = 20 };

/* What stands for an option's value. */
static const char *value_word(const td_option *row) {
    return row->unit != NULL ? row->unit : row->choices != NULL ? row->choices : "VALUE";
}

static void help_option(const td_option *row, FILE *to) {
    char head[64];
    bool takes_value = row->type != TD_OPTION_BOOL;
    (void)snprintf(head, sizeof head, "--%s%s%s", row->key, takes_value ? " " : "", takes_value ? value_word(row) : "");
    (void)fprintf(to, "  %-*s  %s", OPTION_COLUMN, head, row->help);
    if (row->fallback != NULL) (void)fprintf(to, " (default: %s)", row->fallback);
    (void)fputc('\n', to);
}

static void help_exits(FILE *to) {
#define PUT_EXIT(name, code, text) (void)fprintf(to, "  %d  %s\n", code, text);
    TD_EXITS(PUT_EXIT)
#undef PUT_EXIT
}

static void help(const td_command *command, FILE *to) {
    bool has_words = command->words[0] != '\0';
    (void)fprintf(to, "usage: tapedeck %s [options]%s%s\n\n%s\noptions:\n", command->name, has_words ? " " : "",
                  command->words, command->text);
    for (const td_option *row = command->options; row->key != NULL; row++) help_option(row, to);
    (void)fprintf(to, "  %-*s  this text\n\nexamples:\n%s\nexit codes:\n", OPTION_COLUMN, "--help", command->examples);
    help_exits(to);
}

/* ---- parsing ---- */

static td_status fail_option(const td_command *command, const char *name) {
    const char *nearest = td_option_nearest(command->options, name);
    if (nearest == NULL) return TD_FAIL(TD_CONFIG, "--%s: unknown option", name);
    return TD_FAIL(TD_CONFIG, "--%s: unknown option; did you mean \"--%s\"?", name, nearest);
}

/* One option, "--key" or "--key=value"; *at is left at the last argument that belongs to it. */
static td_status read_option(const td_command *command, void *conf, char **argv, int *at) {
    char name[64];
    const char *text = strcmp(argv[*at], "-q") == 0 ? "quiet" : argv[*at] + 2, *sign = strchr(text, '=');
    size_t size = sign != NULL ? (size_t)(sign - text) : strlen(text);
    (void)snprintf(name, sizeof name, "%.*s", (int)size, text);
    const td_option *row = td_option_find(command->options, name);
    if (row == NULL) return fail_option(command, name);
    if (row->type == TD_OPTION_BOOL) {
        if (sign != NULL) return TD_FAIL(TD_CONFIG, "--%s: takes no value", name);
        return td_options_set(command->options, conf, name, "true");
    }
    const char *value = sign != NULL ? sign + 1 : argv[++*at];
    if (value == NULL) return TD_FAIL(TD_CONFIG, "--%s: %s is missing behind it", name, value_word(row));
    td_status status = td_options_set(command->options, conf, name, value);
    return status == TD_OK ? TD_OK : TD_FAIL(status, "--%s", td_trail());
}

static td_status read_line(const td_command *command, void *conf, char **argv, const char **words) {
    size_t count = 0;
    bool plain = false; /* behind "--" */
    for (int i = 1; argv[i] != NULL; i++) {
        td_status status = TD_OK;
        bool is_option = !plain && argv[i][0] == '-' && (argv[i][1] == '-' || strcmp(argv[i], "-q") == 0);
        if (is_option && strcmp(argv[i], "--") == 0)
            plain = true;
        else if (is_option)
            status = read_option(command, conf, argv, &i);
        else if (count == command->words_most)
            status = TD_FAIL(TD_CONFIG, "\"%s\" is one word too many", argv[i]);
        else
            words[count++] = argv[i];
        if (status != TD_OK) return status;
    }
    if (count < command->words_least) return TD_FAIL(TD_CONFIG, "%s is missing", command->words);
    return td_options_check(command->options, conf);
}

static bool wants_help(char **argv) {
    for (size_t i = 1; argv[i] != NULL && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) return true;
    return false;
}

int td_command_main(const td_command *command, int argc, char **argv) {
    if (command->main != NULL) return command->main(argc, argv);
    if (wants_help(argv)) {
        help(command, stdout);
        return TD_EXIT_OK;
    }
    const char *words[TD_WORDS_MAX + 1] = {NULL};
    void *conf = td_alloc_zero(1, command->conf_size);
    td_options_init(command->options, conf);
    int code = TD_EXIT_USAGE;
    if (read_line(command, conf, argv, words) == TD_OK)
        code = command->run(conf, words);
    else
        (void)td_command_usage(command->name, td_trail(), NULL);
    td_options_fini(command->options, conf);
    free(conf);
    return code;
}

int td_command_usage(const char *name, const char *what, const char *word) {
    const char *quote = word != NULL ? "\"" : "";
    (void)fprintf(stderr, "tapedeck %s: %s%s%s%s%s\n`tapedeck %s --help` tells more.\n", name, what,
                  word != NULL ? " " : "", quote, word != NULL ? word : "", quote, name);
    return TD_EXIT_USAGE;
}

int td_command_end(const char *name, td_status status) {
    if (status != TD_OK) (void)fprintf(stderr, "tapedeck %s: %s\n", name, td_trail());
    return td_exit_of(status);
}
