/* src/sink/template.c - names made of a row's own words. */
#include "sink/template.h"
#include "sink/row.h"

typedef struct words {
    td_bytes topic, instrument, venue, symbol;
} words;

static td_bytes *word_of(words *w, const char *name, size_t size) {
    static const char *const names[] = {"topic", "instrument", "venue", "symbol"};
    td_bytes *const values[] = {&w->topic, &w->instrument, &w->venue, &w->symbol};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strlen(names[i]) == size && memcmp(names[i], name, size) == 0) return values[i];
    return NULL;
}

static words words_of(const char *topic, td_bytes instrument) {
    td_sink_name name = td_sink_split_name(instrument);
    return (words){td_text(topic), instrument, name.venue, name.symbol};
}

td_status td_template_check(const td_template_form *form, const char *text) {
    words w = {{0}, {0}, {0}, {0}};
    for (const char *at = text; *at != '\0'; at++) {
        const char *end = *at == '{' ? strchr(at, '}') : NULL;
        if (end != NULL && word_of(&w, at + 1, (size_t)(end - at - 1)) == NULL)
            return TD_FAIL(TD_CONFIG, "%s: \"%s\": %.*s is none of {symbol}, {venue}, {instrument}, {topic}", form->key,
                           text, (int)(end - at + 1), at);
        if (end == NULL && !form->is_literal(*at))
            return TD_FAIL(TD_CONFIG, "%s: \"%s\": %s", form->key, text, form->said);
        if (end != NULL) at = end;
    }
    return text[0] != '\0' ? TD_OK : TD_FAIL(TD_CONFIG, "%s: it is empty", form->key);
}

bool td_template_fill(const td_template_form *form, const char *text, const char *topic, td_bytes instrument, char *out,
                      size_t most) {
    words w = words_of(topic, instrument);
    size_t size = 0;
    for (const char *at = text; *at != '\0'; at++) {
        td_bytes part = {(const uint8_t *)at, 1};
        const char *end = *at == '{' ? strchr(at, '}') : NULL;
        if (end != NULL) {
            part = *word_of(&w, at + 1, (size_t)(end - at - 1));
            at = end;
        }
        if (size + part.size > most) return false;
        for (size_t i = 0; i < part.size; i++) {
            char c = (char)part.data[i];
            out[size++] = form->is_of_words(c) || end == NULL ? c : form->stand_in;
        }
    }
    out[size] = '\0';
    return true;
}
