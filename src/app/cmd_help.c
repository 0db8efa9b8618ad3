/* src/app/cmd_help.c - the manual on standard output. */
#include "app/cmd_help.h"
#include "app/exit.h"
#include "app/manual.h"
#include "app/vocabulary.h"
#include "lang/function.h"
#include "lang/words.h"

typedef struct help_conf {
    bool markdown, schema, exits, functions, words, grammar;
} help_conf;

static const td_option options[] = {
    {.key = "markdown",
     .type = TD_OPTION_BOOL,
     .offset = offsetof(help_conf, markdown),
     .help = "all keys as the tables of docs/configuration.md"},
    {.key = "json-schema",
     .type = TD_OPTION_BOOL,
     .offset = offsetof(help_conf, schema),
     .help = "all keys as a JSON Schema, for editors"},
    {.key = "exit-codes",
     .type = TD_OPTION_BOOL,
     .offset = offsetof(help_conf, exits),
     .help = "what the program's exit codes mean, as Markdown"},
    {.key = "functions",
     .type = TD_OPTION_BOOL,
     .offset = offsetof(help_conf, functions),
     .help = "all functions of the strategy language as the tables of docs/language.md"},
    {.key = "words",
     .type = TD_OPTION_BOOL,
     .offset = offsetof(help_conf, words),
     .help = "all words of the strategy language as JSON, for editors"},
    {.key = "grammar",
     .type = TD_OPTION_BOOL,
     .offset = offsetof(help_conf, grammar),
     .help = "its grammar for editors, as TextMate has it"},
    {0},
};

static void put_exits(td_buf *out) {
    td_buf_text(out, "\n| code | meaning |\n|---|---|\n");
#define PUT_EXIT(name, code, text) td_buf_printf(out, "| %d | %s |\n", code, text);
    TD_EXITS(PUT_EXIT)
#undef PUT_EXIT
}

static int fail_unknown(const char *key) {
    if (td_vocabulary_knows(td_text(key))) {
        (void)fprintf(stderr, "tapedeck help: \"%s\" is a word of strategies: docs/language.md tells of it\n", key);
        return TD_EXIT_USAGE;
    }
    const char *nearest = td_manual_nearest(key);
    (void)fprintf(stderr, "tapedeck help: there is no key, kind of feed or sink, function or command \"%s\"", key);
    if (nearest == NULL) nearest = td_function_nearest(td_text(key));
    if (nearest != NULL) (void)fprintf(stderr, "; did you mean \"%s\"?", nearest);
    (void)fputs("\ndocs/language.md tells of other words of strategies, docs/time.md of reasons and gaps\n", stderr);
    return TD_EXIT_USAGE;
}

/* Keys and functions of that name: there may be both. */
static bool put_word(td_buf *out, const char *word) {
    const td_function *function = td_function_find(td_text(word), false);
    int across = td_across_find(td_text(word));
    bool found = td_manual_put_key(out, word) || function != NULL || across >= 0;
    if (function != NULL) td_function_put_text(function, out);
    if (across >= 0)
        td_buf_printf(out, "%s\n    %s\n", td_functions_across[across].usage, td_functions_across[across].help);
    return found;
}

static int run_help(void *conf, const char *const *words) {
    const help_conf *help = conf;
    td_buf text = {0};
    int code = TD_EXIT_OK;
    if (help->markdown) td_manual_put_markdown(&text);
    if (help->schema) td_manual_put_schema(&text);
    if (help->exits) put_exits(&text);
    if (help->functions) td_functions_put_markdown(&text);
    if (help->words) td_vocabulary_put_words(&text);
    if (help->grammar) td_vocabulary_put_grammar(&text);
    if (words[0] != NULL && !put_word(&text, words[0])) code = fail_unknown(words[0]);
    if (text.size > 0 && fwrite(text.data, 1, text.size, stdout) != text.size) code = TD_EXIT_FAILED;
    td_buf_fini(&text);
    return code;
}

const td_command td_command_help = {
    .name = "help",
    .words = "[KEY|KIND|FUNCTION|COMMAND]",
    .words_most = 1,
    .summary = "what a configuration key, a kind of feed or a function means; all of them as Markdown or JSON Schema",
    .text =
        "Says what a key of the configuration is, which values it takes, and its default; which keys a kind of feed\n"
        "or sink has; or what a function of the strategy language computes.\n",
    .options = options,
    .conf_size = sizeof(help_conf),
    .examples = "  tapedeck help log.partitions\n"
                "  tapedeck help ratio\n"
                "  tapedeck help coinbase\n"
                "  tapedeck help rsi\n"
                "  tapedeck help --json-schema >tapedeck.schema.json\n",
    .run = run_help,
};
