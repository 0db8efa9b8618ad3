/* src/base/option.h - settings as rows: one row is parsing, checking, default, help and documentation of one key.
 * A module exports its rows; the configuration fills the module's struct from them. */
#pragma once
#include "base/bytes.h"

typedef enum td_option_type {
    TD_OPTION_TEXT,     /* char *: heap copy, NULL when unset    */
    TD_OPTION_INT,      /* int64_t, within min..max              */
    TD_OPTION_BOOL,     /* bool: true|false|yes|no|on|off        */
    TD_OPTION_DURATION, /* int64_t ns                            */
    TD_OPTION_BYTES,    /* int64_t: 4096, 64KB, 20MB, 20GB (1024-based) */
    TD_OPTION_CLOCK,    /* int64_t ns of day, -1 when unset      */
    TD_OPTION_CHOICE,   /* int: index into the words of `choices`, separated by '|' */
    TD_OPTION_REAL,     /* double, within min..max, finite       */
    TD_OPTION_TEXTS,    /* td_texts: each setting adds one       */
    TD_OPTION_PAIRS,    /* td_texts: each setting adds one NAME=VALUE */
    TD_OPTION_SECRET,   /* as TEXT, printable without spaces; never shown, wiped when freed */
} td_option_type;

enum { TD_SECRET_MAX = 512 };

typedef struct td_texts { /* heap copies */
    char **items;
    size_t count;
} td_texts;

typedef struct td_option {
    const char *key;
    td_option_type type;
    const char *fallback; /* text of the default; NULL: unset (NULL, 0, false, -1 for CLOCK) */
    double min, max;      /* for INT, REAL, DURATION (ns), BYTES; both 0: unbounded */
    const char *choices;
    const char
        *unit;     /* what a number counts ("threads"), or the word for a text in help ("FILE"); NULL: its type says */
    bool required; /* for TEXT, TEXTS and SECRET: must be set */
    size_t offset; /* offsetof the field in the module's struct */
    const char *help;
} td_option;

/* Sets every field to its default. Rows end with key == NULL. */
void td_options_init(const td_option *rows, void *conf);
/* Sets one field. Errors: TD_CONFIG with a trail naming the key, the value and what is expected; an unknown key gets
 * the nearest one. */
TD_CHECKED td_status td_options_set(const td_option *rows, void *conf, const char *key, const char *value);
/* TD_CONFIG when a required key was never set (field still NULL). */
TD_CHECKED td_status td_options_check(const td_option *rows, const void *conf);
void td_options_fini(const td_option *rows, void *conf); /* frees the texts */
/* `conf` is a copy of another one's bytes: from here on its texts are its own. */
void td_options_own_texts(const td_option *rows, void *conf);
/* The row of that key, or NULL; and the key nearest to it, or NULL. */
const td_option *td_option_find(const td_option *rows, const char *key);
void td_texts_own(td_texts *texts);  /* of another one's it makes copies */
void td_texts_fini(td_texts *texts); /* overwrites them: there may be secrets */
/* The name of a pair, in the heap; its value is lent from the pair. */
char *td_pair_split(const char *pair, const char **out_value);
const char *td_option_nearest(const td_option *rows, const char *key);
/* What may be written: "whole number, 1 to 64 threads", "duration, 1ms to 1m", "none or zstd". */
void td_option_describe(const td_option *row, td_buf *out);
/* The word nearest to `word` by edit distance (at most 3 away, at most half of the word), or NULL. `words` ends with
 * NULL.
 */
const char *td_nearest(const char *word, const char *const *words);
