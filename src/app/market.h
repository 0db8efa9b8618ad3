/* src/app/market.h - the instrument table and the calendars that a configuration names, on top of what comes with the
 * program. Thread: the main one; constant once loaded, then any. */
#pragma once
#include "app/config.h"
#include "model/listing.h"
#include "stream/program.h"

typedef struct td_market { /* owns all */
    td_listings listings;  /* aliases end at midnight of the exchange */
    size_t calendar_count;
    td_calendar *calendars[TD_CALENDARS_MAX];
    char *names[TD_CALENDARS_MAX]; /* as the table says them */
    /* What a program holds of that: the rows that instruments of the feeds' venues can meet, and their calendars. */
    td_bytes texts[TD_CALENDARS_MAX];
    td_program_listing *patterns;
    size_t pattern_count;
} td_market;

/* Errors: TD_CONFIG, the trail names the key, the file and the line; TD_RETRY where the disk broke. Nothing is left to
 * free. */
TD_CHECKED td_status td_market_load(td_market *out, const td_os *os, const td_config *config);
void td_market_fini(td_market *market);
