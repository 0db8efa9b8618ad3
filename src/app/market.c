/* src/app/market.c - from the configuration's table to what a program holds of it. */
#include "app/market.h"
#include "base/embedded.h"
#include <stdio.h>
#include <stdlib.h>

enum { CALENDAR_BYTES_MAX = 1 << 20 };

static const char defaults[] = "instrument,calendar\n"
                               "*,24x7\n"
                               "LEAN:*,us-equities\n";

/* ---- calendars ---- */

/* One that comes with the program, else a file. */
static td_status read_calendar(const td_os *os, const char *name, td_buf *out) {
    for (const td_embedded *e = td_embedded_calendars; e->name != NULL; e++) {
        size_t size = strlen(name);
        if (strncmp(e->name, name, size) != 0 || strcmp(e->name + size, ".cal") != 0) continue;
        td_buf_put(out, e->bytes.data, e->bytes.size);
        return TD_OK;
    }
    if (os->ops->exists(os->self, name)) return td_os_read_file(os, name, CALENDAR_BYTES_MAX, out);
    td_buf known = {0};
    for (const td_embedded *e = td_embedded_calendars; e->name != NULL; e++)
        td_buf_printf(&known, ", %.*s", (int)strcspn(e->name, "."), e->name);
    td_status status = TD_FAIL(TD_CONFIG, "calendar: \"%s\" is neither a file nor one of those that come along%.*s",
                               name, (int)known.size, (const char *)known.data);
    td_buf_fini(&known);
    return status;
}

static td_status add_calendar(td_market *m, const td_os *os, const char *name, uint32_t *out) {
    for (*out = 0; *out < m->calendar_count; ++*out)
        if (strcmp(m->names[*out], name) == 0) return TD_OK;
    if (m->calendar_count == TD_CALENDARS_MAX)
        return TD_FAIL(TD_CONFIG, "%d calendars are the most there can be", TD_CALENDARS_MAX);
    td_buf text = {0};
    td_status status = read_calendar(os, name, &text);
    if (status == TD_OK && td_calendar_parse(td_buf_bytes(&text), &m->calendars[*out]) != TD_OK)
        status = TD_FAIL(TD_CONFIG, "calendar %s: %s", name, td_trail());
    td_buf_fini(&text);
    if (status != TD_OK) return status;
    m->names[*out] = td_copy_text(name);
    m->texts[*out] = td_calendar_text(m->calendars[*out]);
    m->calendar_count++;
    return TD_OK;
}

/* ---- what a program holds ---- */

static bool feeds_use(const td_config *config, const char *pattern) {
    size_t venue = strcspn(pattern, ":*");
    bool open = pattern[venue] == '*'; /* "*", "LE*" */
    for (size_t i = 0; i < config->feed_count; i++) {
        const char *name = config->feeds[i].conf.venue;
        if (name == NULL) return true; /* its files say whose they are */
        if (strncmp(name, pattern, venue) == 0 && (open || name[venue] == '\0')) return true;
    }
    return false;
}

/* A row without a calendar goes by that of the pattern that says most of it otherwise: it needs no place. */
static td_status add_patterns(td_market *m, const td_os *os, const td_config *config) {
    m->patterns = td_alloc_zero(m->listings.count, sizeof *m->patterns);
    for (size_t i = 0; i < m->listings.count; i++) {
        const td_listing *row = &m->listings.rows[i];
        td_program_listing *pattern = &m->patterns[m->pattern_count];
        if (row->calendar[0] == '\0' || !feeds_use(config, row->pattern)) continue;
        td_status status = add_calendar(m, os, row->calendar, &pattern->calendar);
        if (status != TD_OK) return td_trace(status, "reading the row of %s", row->pattern);
        (void)snprintf(pattern->pattern, sizeof pattern->pattern, "%s", row->pattern);
        m->pattern_count++;
    }
    return TD_OK;
}

/* A day begins at midnight where the instrument trades. */
static void shift_aliases(td_market *m) {
    td_program asked = {.listings = m->patterns, .listing_count = m->pattern_count};
    memcpy(asked.calendars, m->calendars, sizeof asked.calendars);
    for (size_t i = 0; i < m->listings.alias_count; i++) {
        td_alias *alias = &m->listings.aliases[i];
        if (alias->until_ns == INT64_MAX) continue;
        td_zone zone = td_program_zone(&asked, td_text(alias->means));
        alias->until_ns = td_zone_to_utc(zone, alias->until_ns / TD_NS_PER_DAY, 0);
    }
}

static td_status read_table(td_market *m, const td_os *os, const char *path) {
    td_buf text = {0};
    td_status status = td_os_read_file(os, path, TD_LISTINGS_BYTES_MAX, &text);
    if (status == TD_OK && td_listings_read(&m->listings, td_buf_bytes(&text)) != TD_OK)
        status = TD_FAIL(TD_CONFIG, "%s: %s", path, td_trail());
    td_buf_fini(&text);
    return status;
}

td_status td_market_load(td_market *out, const td_os *os, const td_config *config) {
    *out = (td_market){0};
    td_status status = td_listings_read(&out->listings, TD_TEXT(defaults));
    if (status == TD_OK && config->instruments != NULL) status = read_table(out, os, config->instruments);
    if (status == TD_OK) status = add_patterns(out, os, config);
    if (status == TD_OK) shift_aliases(out);
    if (status != TD_OK) {
        td_market_fini(out);
        return TD_FAIL(status, "instruments: %s", td_trail());
    }
    return TD_OK;
}

void td_market_fini(td_market *m) {
    for (size_t i = 0; i < m->calendar_count; i++) {
        td_calendar_free(m->calendars[i]);
        free(m->names[i]);
    }
    free(m->patterns);
    td_listings_fini(&m->listings);
    *m = (td_market){0};
}
