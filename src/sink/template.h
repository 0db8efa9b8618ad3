/* src/sink/template.h - names made of a row's own words: "{symbol}_topic". {symbol}, {venue}, {instrument} and {topic}
 * stand for what the row is of; what the store's names cannot have becomes another character. */
#pragma once
#include "base/bytes.h"

typedef struct td_template_form { /* of a store's names */
    const char *key;              /* of the option: errors begin with it */
    bool (*is_literal)(char c);   /* may stand in the template */
    bool (*is_of_words)(char c);  /* may come out of a word; all else becomes `stand_in` */
    char stand_in;
    const char *said; /* "names of topics have …" */
} td_template_form;

/* TD_CONFIG: empty, a word that is none, or what no name can have. */
TD_CHECKED td_status td_template_check(const td_template_form *form, const char *text);
/* The name, with a NUL, for one whose text was checked. False: it has more than `most` bytes. */
bool td_template_fill(const td_template_form *form, const char *text, const char *topic, td_bytes instrument, char *out,
                      size_t most);
