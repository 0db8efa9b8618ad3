/* src/app/vocabulary.h - the words of the strategy language for editors, out of its tables. Pure. Thread: any. */
#pragma once
#include "base/bytes.h"

/* True of a word that means something in a strategy, functions aside. */
bool td_vocabulary_knows(td_bytes word);
/* One JSON object: lists of words by what they are, and the functions with how they are called. */
void td_vocabulary_put_words(td_buf *out);
/* The same as a TextMate grammar. */
void td_vocabulary_put_grammar(td_buf *out);
