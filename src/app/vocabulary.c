/* src/app/vocabulary.c - one row per kind of word: what it is called for the page, and for editors. */
#include "app/vocabulary.h"
#include "base/json.h"
#include "lang/function.h"
#include "lang/words.h"

static const struct kind {
    const char *name, *scope; /* of the page; of TextMate */
    const char *const *words;
} kinds[] = {
    {"keywords", "keyword.control.tapedeck", td_words_keyword},
    {"statements", "keyword.control.statement.tapedeck", td_words_statement},
    {"actions", "keyword.other.action.tapedeck", td_words_action},
    {"rules", "keyword.other.rule.tapedeck", td_words_rule},
    {"sources", "storage.type.source.tapedeck", td_words_source},
    {"fields", "variable.language.field.tapedeck", td_words_field},
    {"ticks", "variable.language.tick.tapedeck", td_words_trade},
    {"sides", "variable.language.side.tapedeck", td_words_sides},
    {"news", "variable.language.news.tapedeck", td_words_news},
    {"asof", "variable.language.asof.tapedeck", td_words_asof},
    {"times", "variable.language.time.tapedeck", td_words_time},
    {"positions", "variable.language.position.tapedeck", td_words_position},
    {"reading", "support.function.reading.tapedeck", td_words_reading},
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

bool td_vocabulary_knows(td_bytes word) {
    for (size_t k = 0; k < KINDS; k++)
        if (td_word_find(kinds[k].words, word) >= 0) return true;
    return td_word_is_reserved(word);
}

static bool is_shown(const td_function *f) { return f->group != NULL; }

/* ---- for the page ---- */

static void put_words(td_buf *out, const char *const *words) {
    bool comma = false;
    for (; *words != NULL; words++) {
        if ((*words)[0] == '_') continue; /* ours alone */
        if (comma) td_buf_text(out, ",");
        td_json_put_string(out, td_text(*words));
        comma = true;
    }
}

static void put_function(td_buf *out, const char *name, td_bytes usage, const char *help) {
    td_buf_text(out, "{\"name\":");
    td_json_put_string(out, td_text(name));
    td_buf_text(out, ",\"usage\":");
    td_json_put_string(out, usage);
    td_buf_text(out, ",\"help\":");
    td_json_put_string(out, td_text(help != NULL ? help : ""));
    td_buf_text(out, "}");
}

void td_vocabulary_put_words(td_buf *out) {
    td_buf_text(out, "{");
    for (size_t k = 0; k < KINDS; k++) {
        td_buf_printf(out, "\"%s\":[", kinds[k].name);
        put_words(out, kinds[k].words);
        td_buf_text(out, "],\n");
    }
    td_buf_text(out, "\"functions\":[");
    bool comma = false;
    for (const td_function *f = td_functions; f->name != NULL; f++) {
        if (!is_shown(f)) continue;
        td_buf usage = {0};
        td_function_put_usage(f, &usage);
        td_buf_text(out, comma ? ",\n" : "\n");
        put_function(out, f->name, td_buf_bytes(&usage), f->help);
        td_buf_fini(&usage);
        comma = true;
    }
    for (const td_across *f = td_functions_across; f->name != NULL; f++) {
        if (td_function_find(td_text(f->name), false) != NULL) continue; /* rank is there */
        td_buf_text(out, ",\n");
        put_function(out, f->name, td_text(f->usage), f->help);
    }
    td_buf_text(out, "]}\n");
}

/* ---- for editors ---- */

static void put_pattern(td_buf *out, const char *scope, const char *match) {
    td_buf_printf(out, "{\"name\":\"%s\",\"match\":", scope);
    td_json_put_string(out, td_text(match));
    td_buf_text(out, "}");
}

static void put_alternatives(td_buf *out, const char *const *words) {
    bool bar = false;
    for (; *words != NULL; words++) {
        if ((*words)[0] == '_') continue;
        td_buf_printf(out, "%s%s", bar ? "|" : "", *words);
        bar = true;
    }
}

static void put_functions(td_buf *out) {
    bool bar = false;
    for (const td_function *f = td_functions; f->name != NULL; f++) {
        if (!is_shown(f)) continue;
        td_buf_printf(out, "%s%s", bar ? "|" : "", f->name);
        for (const char *at = f->also; at != NULL && *at != '\0'; at++)
            td_buf_printf(out, "%s%c", at == f->also ? "|" : "", *at == ' ' ? '|' : *at);
        bar = true;
    }
    for (const td_across *f = td_functions_across; f->name != NULL; f++)
        if (td_function_find(td_text(f->name), false) == NULL) td_buf_printf(out, "|%s", f->name);
}

void td_vocabulary_put_grammar(td_buf *out) {
    td_buf_text(
        out,
        "{\"name\":\"Tapedeck strategy\",\"scopeName\":\"source.tapedeck\",\"fileTypes\":[\"td\"],\"patterns\":[\n");
    put_pattern(out, "comment.line.number-sign.tapedeck", "#.*$");
    td_buf_text(out, ",\n");
    put_pattern(out, "string.quoted.double.tapedeck", "\"[^\"]*\"");
    td_buf_text(out, ",\n");
    put_pattern(out, "constant.numeric.clock.tapedeck", "\\b[0-9]{2}:[0-9]{2}\\b");
    td_buf_text(out, ",\n");
    put_pattern(out, "constant.numeric.tapedeck", "\\b[0-9]+(\\.[0-9]+)?(ns|us|ms|s|m|h|d|R|%)?(?![A-Za-z0-9_])");
    for (size_t k = 0; k < KINDS; k++) {
        td_buf_printf(out, ",\n{\"name\":\"%s\",\"match\":\"\\\\b(", kinds[k].scope);
        put_alternatives(out, kinds[k].words);
        td_buf_text(out, ")\\\\b\"}");
    }
    td_buf_text(out, ",\n{\"name\":\"support.function.tapedeck\",\"match\":\"\\\\b(");
    put_functions(out);
    td_buf_text(out, ")(?=\\\\s*\\\\()\"}\n]}\n");
}
