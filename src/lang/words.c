/* src/lang/words.c - the lists of words. */
#include "lang/words.h"
#include "base/option.h"

const char *const td_words_field[] = {"open", "high", "low", "close", "vwap", "volume", "trades", "_dividends", NULL};
const char *const td_words_action[] = {"buy", "sell", "short", "cover", "exit", NULL};
const char *const td_words_source[] = {"bars", "trades", "quotes", "book", "news", NULL};
const char *const td_words_statement[] = {"param", "use", "alert", "emit", NULL};
const char *const td_words_rule[] = {"stop", "target", "trail", "cooldown", "at", "flat", "fill", "incomplete", NULL};
const char *const td_words_keyword[] = {"strategy", "series", "fn",  "on",    "every", "for",  "where", "in",
                                        "step",     "when",   "qty", "note",  "and",   "or",   "not",   "if",
                                        "then",     "else",   "has", "from",  "after", "most", "per",   "true",
                                        "false",    "na",     "all", "since", NULL};

const char *const td_words_time[] = {"time", "session", "tick", NULL};

const char *const td_words_position[] = {"position", "held", "entry", NULL};

const char *const td_words_reading[] = {"asof", "ref", NULL};

const char *const td_words_trade[] = {"price", "size", "side", "signed_size", "id", NULL};
const char *const td_words_sides[] = {"bid",      "ask",       "mid",        "spread", "bid_size",
                                      "ask_size", "imbalance", "microprice", NULL};
const char *const td_words_news[] = {"sentiment", "headline", "source", "url", NULL};
const char *const td_words_asof[] = {"trade", "quote", "book", "news", NULL};
/* Of those before, and words for the same: what may be no name of the user's. */
static const char *const reserved_tick[] = {"price", "size",   "side",  "bid",   "ask",
                                            "mid",   "spread", "trade", "quote", NULL};

const char *const td_words_later_statement[] = {"pattern", NULL};

/* Words inside statements of later versions. */
static const char *const later_keyword[] = {"within", "skip", NULL};

int td_word_find(const char *const *words, td_bytes word) {
    for (int i = 0; words[i] != NULL; i++)
        if (td_bytes_equal(td_text(words[i]), word)) return i;
    return -1;
}

bool td_word_is_reserved(td_bytes word) {
    static const char *const *const lists[] = {
        td_words_field, td_words_action,  td_words_source,          td_words_statement,
        td_words_rule,  td_words_keyword, td_words_later_statement, later_keyword,
        reserved_tick,  td_words_time,    td_words_position,
    };
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        if (td_word_find(lists[i], word) >= 0) return true;
    return false;
}

const char *td_word_nearest(const char *const *words, td_bytes word) {
    char copy[32];
    if (word.size >= sizeof copy) return NULL;
    memcpy(copy, word.data, word.size);
    copy[word.size] = '\0';
    return td_nearest(copy, words);
}
