/* src/app/draft.c - files and settings into one body. */
#include "app/draft.h"
#include "app/conditions.h"
#include <stdio.h>

static td_status add_width(td_draft *d, int64_t width_ns) {
    size_t at = 0;
    while (at < d->width_count && d->widths_ns[at] < width_ns) at++;
    if (at < d->width_count && d->widths_ns[at] == width_ns) return TD_OK;
    if (d->width_count == TD_WIDTHS_MAX)
        return TD_FAIL(TD_CONFIG, "bars: %d widths are the most there can be, those of strategies included",
                       TD_WIDTHS_MAX);
    for (size_t i = d->width_count; i > at; i--) d->widths_ns[i] = d->widths_ns[i - 1];
    d->widths_ns[at] = width_ns;
    d->width_count++;
    return TD_OK;
}

td_status td_draft_make(td_draft *out, const td_config *config, td_strategies *strategies, td_buf *errors) {
    *out = (td_draft){.strategies = *strategies};
    *strategies = (td_strategies){0};
    td_status status = TD_OK;
    for (size_t i = 0; i < config->width_count && status == TD_OK; i++) status = add_width(out, config->widths_ns[i]);
    if (status == TD_OK) status = td_strategies_compile(&out->strategies, errors);
    if (status != TD_OK && errors->size > 0)
        status = TD_FAIL(status, "the strategies do not compile:\n%.*s", (int)errors->size, (const char *)errors->data);
    for (size_t i = 0; i < out->strategies.graph_count && status == TD_OK; i++)
        if (td_graph_rhythm(out->strategies.graphs[i]).source == TD_RHYTHM_BARS)
            status = add_width(out, td_graph_width_ns(out->strategies.graphs[i]));
    if (status == TD_OK && out->width_count == 0)
        status = TD_FAIL(TD_CONFIG, "bars: no width is given, and no strategy names one; write `bars: [1m]`");
    return status;
}

void td_draft_fini(td_draft *d) { td_strategies_fini(&d->strategies); }

/* ---- the body ---- */

/* Of all hours, trades outside of sessions make prices, too. */
static td_conditions conditions_of(const td_config_feed *feed, bool regular) {
    td_condition_table table;
    if (feed->conf.rules != TD_RULES_VENUE || !td_conditions_find(feed->ops->venue, &table)) return (td_conditions){0};
    return regular ? table.regular : table.all;
}

static int ids_of(const td_draft_conf *conf, size_t feed) {
    int said = conf->config->feeds[feed].conf.trade_ids;
    if (said != TD_FEED_IDS_VENUE) return said;
    return conf->shares_ids[feed] ? TD_IDS_ANY : TD_IDS_ORDERED;
}

static td_program_feed feed_of(const td_draft_conf *conf, size_t feed) {
    const td_feed_conf *is = &conf->config->feeds[feed].conf;
    td_program_feed out = {.lateness_ns = is->lateness_ns,
                           .max_ahead_ns = is->max_ahead_ns,
                           .max_instruments = is->max_instruments,
                           .max_delay_ns = is->max_delay_ns,
                           .silence_ns = is->silence_ns,
                           .rules = is->rules,
                           .conditions = conditions_of(&conf->config->feeds[feed], conf->config->hours != 0),
                           .extended = conditions_of(&conf->config->feeds[feed], false),
                           .trade_ids = ids_of(conf, feed)};
    (void)snprintf(out.name, sizeof out.name, "%s", is->name);
    return out;
}

void td_draft_put_body(const td_draft *d, const td_draft_conf *conf, td_buf *out) {
    const td_config *config = conf->config;
    td_bytes strategies[TD_CONFIG_LIST_MAX];
    for (size_t i = 0; i < d->strategies.text_count; i++) strategies[i] = td_buf_bytes(&d->strategies.texts[i]);
    td_program_settings s = {.widths_ns = d->widths_ns,
                             .width_count = d->width_count,
                             .grace_ns = config->grace_ns,
                             .repair_horizon_ns = config->repair_horizon_ns,
                             .regular = config->hours != 0,
                             .calendars = conf->market->texts,
                             .calendar_count = conf->market->calendar_count,
                             .listings = conf->market->patterns,
                             .listing_count = conf->market->pattern_count,
                             .feed_count = config->feed_count,
                             .strategies = strategies,
                             .strategy_count = d->strategies.text_count};
    for (size_t i = 0; i < s.feed_count; i++) s.feeds[i] = feed_of(conf, i);
    td_program_body(&s, out);
}

/* ---- the program alone ---- */

static td_status compile_read(td_program **out, const td_config *config, const td_market *market,
                              td_strategies *strategies) {
    static const bool shares_ids[TD_CONFIG_LIST_MAX];
    const td_draft_conf conf = {config, market, shares_ids};
    td_buf errors = {0}, body = {0};
    td_draft draft;
    td_status status = td_draft_make(&draft, config, strategies, &errors);
    if (status == TD_OK) td_draft_put_body(&draft, &conf, &body);
    if (status == TD_OK) status = td_program_compile(td_buf_bytes(&body), out);
    td_draft_fini(&draft);
    td_buf_fini(&body);
    td_buf_fini(&errors);
    return status;
}

td_status td_draft_compile(td_program **out, const td_os *os, const td_config *config) {
    td_market market;
    td_strategies strategies;
    td_status status = td_market_load(&market, os, config);
    if (status != TD_OK) return status;
    status = td_strategies_read(&strategies, os, config);
    if (status == TD_OK) status = compile_read(out, config, &market, &strategies);
    td_strategies_fini(&strategies);
    td_market_fini(&market);
    return status;
}
