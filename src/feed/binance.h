/* src/feed/binance.h - the decoder of Binance spot messages, for recordings and live connections alike, and of its
 * past. */
#pragma once
#include "feed/history.h"

typedef struct td_binance { /* all zero but `file`, which the owner fills */
    td_recording_file file;
    uint32_t instrument; /* of `symbol`: nearly always the next message's, too */
    size_t symbol_size;
    char symbol[TD_INSTRUMENT_NAME_MAX];
} td_binance;

/* Decodes one message. A quote without event time takes the receive time. */
void td_binance_decode(td_binance *binance, td_bytes json, int64_t receive_ns, td_recorded *out);

/* /api/v3/historicalTrades and /api/v3/trades: ids count a symbol's trades. */
extern const td_history_ops td_binance_history;
