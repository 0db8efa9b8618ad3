/* src/feed/levels.h - the levels of a book's message as events, TD_BOOK_LEVELS_MAX at a time, however many there are.
 * Nothing of a message comes out before all of it was read and found good: no book gets half of one. Allocates nothing,
 * keeps no bytes but those of a message that says more. Thread: the decoder's. */
#pragma once
#include "base/json.h"
#include "feed/recording.h"

typedef struct td_level_array { /* [["9.5", "2"], …]: price and size; what follows them is passed over */
    td_bytes text;              /* empty: there is none */
    uint8_t side;               /* td_book_side; TD_BOOK_SIDE_COUNT: each says it in front, "buy" or "sell" */
} td_level_array;

enum { TD_LEVEL_ARRAYS = 2 };

typedef struct td_level_place { /* behind a level */
    td_json json;
    uint8_t array;
} td_level_place;

typedef struct td_levels { /* all zero begins */
    td_level_array arrays[TD_LEVEL_ARRAYS];
    td_level_place place; /* of the last one that is out */
    bool within;          /* there are more */
    td_event event;       /* what all parts say */
    td_book_level levels[TD_BOOK_LEVELS_MAX];
} td_levels;

/* Gives the first part of the message that out->event tells but for its levels, or says what is wrong with it. */
void td_levels_begin(td_levels *levels, const td_level_array arrays[TD_LEVEL_ARRAYS], td_recorded *out);
/* The next part; while `within`. */
void td_levels_next(td_levels *levels, td_recorded *out);
