/* src/lang/words.h - the words of the language: those that mean something now, and those of later versions, which are
 * reserved, so that a strategy of today still compiles tomorrow. Every list ends with NULL. */
#pragma once
#include "base/bytes.h"

extern const char *const td_words_field[];     /* open, close, …: in the order of td_field */
extern const char *const td_words_action[];    /* in the order of td_action */
extern const char *const td_words_source[];    /* in the order of td_source_kind */
extern const char *const td_words_statement[]; /* param, use, …: what begins one, but for actions and rules */
extern const char *const td_words_rule[];      /* in the order of td_rule_kind */
extern const char *const td_words_keyword[];   /* inside of statements */

/* What ticks have by a name, in the order of td_field from PRICE on, and from BID on; names of one's own hide those
 * that are not reserved. */
extern const char *const td_words_trade[];
extern const char *const td_words_sides[];
extern const char *const td_words_news[];     /* from SENTIMENT on */
extern const char *const td_words_asof[];     /* trade, quote, book, news: before '.', in td_rhythm_source's order */
extern const char *const td_words_time[];     /* of the time at which a strategy runs; and its instrument's tick */
extern const char *const td_words_position[]; /* of what it holds then */
extern const char *const td_words_reading[];  /* ref.NAME and asof(x), which are no functions */

extern const char *const td_words_later_statement[];

/* The word's place in the list, or -1. */
int td_word_find(const char *const *words, td_bytes word);
/* True when no param or name may be called so. */
bool td_word_is_reserved(td_bytes word);
/* The nearest word of the list, as td_nearest; NULL for words too long to be meant. */
const char *td_word_nearest(const char *const *words, td_bytes word);
