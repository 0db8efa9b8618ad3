/* src/model/raw.h - what a live feed's network brought, as it came: the value of topics `raw.<feed>`. A plain value. */
#pragma once
#include "base/bytes.h"

typedef enum td_raw_kind {
    TD_RAW_OPENED,  /* a session began */
    TD_RAW_MESSAGE, /* one of its messages */
    TD_RAW_ANSWER,  /* to a request for the past */
    TD_RAW_CLOSED,  /* the session ended; `bytes` say why */
    TD_RAW_STOPPED, /* nothing is kept from here on, until the next OPENED; `bytes` say why */
    TD_RAW_COUNT,
} td_raw_kind;

typedef struct td_raw {
    uint8_t kind; /* td_raw_kind */
    int64_t receive_ns;
    td_bytes format, venue; /* OPENED: what its messages are, and how its instruments are called */
    td_bytes address;       /* OPENED: what was connected to; ANSWER: what was asked for */
    td_bytes bytes;
} td_raw;
