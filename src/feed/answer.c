/* src/feed/answer.c - the words, as people read them. */
#include "feed/answer.h"

const char *td_answer_word_name(td_answer_word word) {
    static const char *const names[] = {
        [TD_ANSWER_ROWS] = "data",
        [TD_ANSWER_LATER] = "asked too often",
        [TD_ANSWER_TOMORROW] = "the day's requests are used up",
        [TD_ANSWER_PREMIUM] = "not in the plan of this key",
        [TD_ANSWER_KEY] = "the key is refused",
        [TD_ANSWER_CALL] = "the request is refused",
        [TD_ANSWER_REFUSED] = "refused",
        [TD_ANSWER_NONE] = "no answer of the vendor's",
    };
    return names[word];
}
