/* src/app/cmd_quarantine.c - ls and show read the log; release asks the process that writes in it, or writes itself. */
#include "app/cmd_quarantine.h"
#include "app/data.h"
#include "app/exit.h"
#include "app/known.h"
#include "app/refused.h"
#include "app/releasing.h"
#include "base/json.h"
#include "log/log_segment.h"
#include "serve/api.h"
#include "serve/history.h"
#include "serve/rows.h"
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct quarantine_conf {
    td_data_conf log;
    char *reason, *instrument, *feed, *from, *to;
    int64_t limit;
    bool json, dry_run, yes;
} quarantine_conf;

typedef struct command {
    const quarantine_conf *conf;
    td_api_request choice;    /* checked */
    const char *const *words; /* behind the verb */
} command;

static int fail(td_status status) {
    (void)fprintf(stderr, "tapedeck quarantine: %s\n", td_trail());
    return status == TD_REJECT ? TD_EXIT_CONFIG : td_exit_of(status);
}

static bool read_place(const char *text, td_release_place *out) {
    int used = 0;
    return sscanf(text, "%" SCNu32 "/%" SCNd64 "%n", &out->partition, &out->offset, &used) == 2 && text[used] == '\0' &&
           out->offset >= 0;
}

/* ---- words for people ---- */

static void put_amount(td_buf *out, int64_t price, int64_t size) {
    char text[TD_DECIMAL_TEXT_MAX];
    if (price == TD_NONE) {
        td_buf_text(out, "none");
        return;
    }
    (void)td_decimal_format(price, TD_PRICE_SCALE, false, text);
    td_buf_text(out, text);
    if (size == TD_NONE) return;
    (void)td_decimal_format(size, TD_SIZE_SCALE, false, text);
    td_buf_printf(out, " x %s", text);
}

static void put_tick(td_buf *out, const td_event *e) {
    if (e->kind == TD_EVENT_TRADE) {
        td_buf_text(out, "trade ");
        put_amount(out, e->trade.price, e->trade.size);
        if (e->trade.trade_id != TD_NONE) td_buf_printf(out, ", id %" PRId64, e->trade.trade_id);
        return;
    }
    if (e->kind == TD_EVENT_PRICE) {
        td_buf_text(out, "price ");
        put_amount(out, e->price.price, TD_NONE);
        return;
    }
    if (e->kind == TD_EVENT_NEWS) {
        td_buf_text(out, "news");
        return;
    }
    td_buf_text(out, "quote, bid ");
    put_amount(out, e->quote.bid_price, e->quote.bid_size);
    td_buf_text(out, ", ask ");
    put_amount(out, e->quote.ask_price, e->quote.ask_size);
}

/* ---- ls ---- */

static void list_row(const command *c, const td_data *data, td_bytes value, const td_history_row *row) {
    td_quarantined q;
    td_bytes instrument;
    td_buf line = {0};
    if (td_record_get_quarantined(data->topics.ids, value, &q, &instrument) != TD_OK) return;
    if (c->conf->json) {
        td_row_place place = {row->partition, row->offset, row->appended_ms};
        td_row_put_quarantined(&line, TD_ROW_JSON, instrument, &place, &q);
    } else {
        char place[40], time[40];
        (void)snprintf(place, sizeof place, "%" PRIu32 "/%" PRId64, row->partition, row->offset);
        (void)td_time_format(q.event.event_ns, time);
        td_buf_printf(&line, "%-12s %-30s %-18s %-24.*s ", place, time, td_reason_name((td_reason)q.reason),
                      (int)instrument.size, (const char *)instrument.data);
        put_tick(&line, &q.event);
    }
    (void)printf("%.*s\n", (int)line.size, (const char *)line.data);
    td_buf_fini(&line);
}

static int list(const command *c) {
    td_data data;
    const td_api_request *r = &c->choice;
    td_status status = td_data_open(&data, &c->conf->log);
    td_history_question q = {.topic = data.topics.outputs[TD_OUTPUT_QUARANTINE],
                             .ids = data.topics.ids,
                             .kind = TD_HISTORY_QUARANTINE,
                             .instrument = td_text(r->instrument),
                             .feed = td_text(r->feed),
                             .reason = r->reason,
                             .from_ns = r->from_ns,
                             .before_ns = r->to_ns,
                             .cursor = -1,
                             .as_of = TD_PLACE_END,
                             .limit = (size_t)c->conf->limit};
    td_history *history = status == TD_OK ? td_history_new(&q) : NULL;
    while (history != NULL && (status = td_history_step(history)) == TD_AGAIN) continue;
    const td_history_row *rows;
    size_t count = status == TD_OK ? td_history_rows(history, &rows) : 0;
    if (status == TD_OK && count == 0 && q.instrument.size > 0) status = td_known_check(&data, q.instrument);
    if (count > 0 && !c->conf->json)
        (void)printf("%-12s %-30s %-18s %-24s %s\n", "place", "time", "reason", "instrument", "event");
    for (size_t i = 0; i < count; i++) list_row(c, &data, td_history_value(history, &rows[i]), &rows[i]);
    bool cut = status == TD_OK && td_history_is_cut(history);
    if (status == TD_OK && count == 0 && !cut && !c->conf->json)
        (void)fprintf(stderr, "nothing of that is in quarantine\n");
    if (cut)
        (void)fprintf(stderr,
                      "not all of quarantine was read: --instrument, or --to an earlier time, leads further back\n");
    else if (count == q.limit && !c->conf->json)
        (void)fprintf(stderr, "the newest %zu; --limit shows more, --reason, --instrument, --from and --to choose\n",
                      count);
    td_history_free(history);
    td_data_close(&data);
    return status == TD_OK ? TD_EXIT_OK : fail(status);
}

/* ---- show ---- */

static const char *const states[] = {
    [TD_RELEASE_READY] = "can be released",
    [TD_RELEASE_DONE] = "released",
    [TD_RELEASE_UNTAKEN] = "not released: the process did not take it; is its disk full? try again",
    [TD_RELEASE_UNSURE] = "taken by the process, which did not say what became of it; `show` tells",
    [TD_RELEASE_BEFORE] = "was released before",
    [TD_RELEASE_NEVER] = "cannot be released: no bar can be made of it, or it was accepted",
    [TD_RELEASE_UNKNOWN] = "unknown: quarantine holds no event there",
    [TD_RELEASE_GONE] = "cannot be released: the tape no longer holds it",
};
_Static_assert(sizeof states / sizeof states[0] == TD_RELEASE_STATES, "words for each state");

static void show_text(const td_data *data, const td_release_item *item, const td_record *record) {
    td_quarantined q;
    td_bytes instrument;
    td_buf text = {0};
    char event[40], receive[40];
    if (td_record_get_quarantined(data->topics.ids, record->value, &q, &instrument) != TD_OK) return;
    (void)td_time_format(q.event.event_ns, event);
    (void)td_time_format(q.event.receive_ns, receive);
    td_buf_printf(&text, "%" PRIu32 "/%" PRId64 ": %s\nevent     ", item->place.partition, item->place.offset,
                  td_reason_name((td_reason)q.reason));
    put_tick(&text, &q.event);
    td_buf_printf(&text, "; %.*s, feed %.*s\ntime      %s, received %s\nwhy       ", (int)instrument.size,
                  (const char *)instrument.data, (int)q.feed.size, (const char *)q.feed.data, event, receive);
    td_refused_put_why(&text, &q);
    td_buf_printf(&text, "\ntape      tape-%" PRIu32 ", epoch %" PRId32 ", offset %" PRId64 "\nrelease   %s\n",
                  item->place.partition, item->tape.epoch, item->tape.offset, states[item->state]);
    (void)fwrite(text.data, 1, text.size, stdout);
    td_buf_fini(&text);
}

static void show_json(const td_data *data, const td_release_item *item, const td_record *record) {
    td_quarantined q;
    td_bytes instrument;
    td_buf text = {0};
    td_row_place place = {item->place.partition, item->place.offset, record->timestamp_ms};
    if (td_record_get_quarantined(data->topics.ids, record->value, &q, &instrument) != TD_OK) return;
    td_buf_text(&text, "{\"event\":");
    td_row_put_quarantined(&text, TD_ROW_JSON, instrument, &place, &q);
    td_buf_text(&text, ",\"why\":");
    td_buf why = {0};
    td_refused_put_why(&why, &q);
    td_json_put_string(&text, td_buf_bytes(&why));
    td_buf_fini(&why);
    td_buf_printf(&text,
                  ",\"tape\":{\"partition\":%" PRIu32 ",\"epoch\":%" PRId32 ",\"offset\":%" PRId64
                  "},\"release\":\"%s\"}\n",
                  item->place.partition, item->tape.epoch, item->tape.offset, td_release_state_name(item->state));
    (void)fwrite(text.data, 1, text.size, stdout);
    td_buf_fini(&text);
}

static td_status show_item(const command *c, const td_data *data, const td_release_item *item) {
    td_reader *reader;
    td_record record;
    if (item->state == TD_RELEASE_UNKNOWN)
        return TD_FAIL(TD_CONFIG,
                       "%" PRIu32 "/%" PRId64 " is unknown: quarantine holds no event there; `ls` shows them",
                       item->place.partition, item->place.offset);
    td_status status = td_reader_open(&reader, data->topics.outputs[TD_OUTPUT_QUARANTINE], item->place.partition,
                                      item->place.offset, TD_READ_APPENDED);
    if (status == TD_OK) status = td_reader_next(reader, &record);
    if (status == TD_OK) (c->conf->json ? show_json : show_text)(data, item, &record);
    td_reader_close(reader);
    return status;
}

static int show(const command *c) {
    td_data data;
    td_release_place place;
    if (c->words[0] == NULL || c->words[1] != NULL || !read_place(c->words[0], &place))
        return td_command_usage("quarantine", "show takes one place, as in 3/12: partition and offset in quarantine",
                                NULL);
    td_release *release = NULL;
    td_release_item *items;
    td_status status = td_data_open(&data, &c->conf->log);
    if (status == TD_OK)
        status = td_release_find(&data.topics, &(td_release_wish){.places = &place, .place_count = 1}, &release);
    if (status == TD_OK && td_release_items(release, &items) == 1) status = show_item(c, &data, &items[0]);
    td_release_free(release);
    td_data_close(&data);
    return status == TD_OK ? TD_EXIT_OK : fail(status);
}

/* ---- release ---- */

/* What was named and cannot be is an error; what was chosen and cannot be is told. */
static int tell_released(const command *c, const td_release_item *items, size_t count, bool named) {
    size_t counts[TD_RELEASE_STATES] = {0};
    td_buf line = {0};
    for (size_t i = 0; i < count; i++) {
        counts[items[i].state]++;
        line.size = 0;
        if (c->conf->json)
            td_release_put(&line, &items[i]);
        else
            td_buf_printf(&line, "%" PRIu32 "/%" PRId64 " %s", items[i].place.partition, items[i].place.offset,
                          states[items[i].state]);
        (void)printf("%.*s\n", (int)line.size, (const char *)line.data);
    }
    td_buf_fini(&line);
    if (!c->conf->json)
        (void)fprintf(stderr, "%zu events: %zu released, %zu before; %zu could be, %zu could not\n", count,
                      counts[TD_RELEASE_DONE], counts[TD_RELEASE_BEFORE], counts[TD_RELEASE_READY],
                      count - counts[TD_RELEASE_DONE] - counts[TD_RELEASE_BEFORE] - counts[TD_RELEASE_READY]);
    if (!c->conf->json && counts[TD_RELEASE_DONE] + counts[TD_RELEASE_READY] > 0)
        (void)fprintf(stderr, "bars beyond `repair_horizon` stay as they are: what misses one is told as late\n");
    if (counts[TD_RELEASE_UNTAKEN] + counts[TD_RELEASE_UNSURE] > 0) return TD_EXIT_FAILED;
    size_t refused = counts[TD_RELEASE_NEVER] + counts[TD_RELEASE_UNKNOWN] + counts[TD_RELEASE_GONE];
    return named && refused > 0 ? TD_EXIT_CONFIG : TD_EXIT_OK;
}

static bool confirm(const command *c, const td_release_item *items, size_t count) {
    size_t ready = 0;
    for (size_t i = 0; i < count; i++) ready += items[i].state == TD_RELEASE_READY;
    if (c->conf->yes || ready == 0) return true;
    (void)fprintf(stderr, "put %zu events on the tape again? [y/N] ", ready);
    return getchar() == 'y';
}

static td_status release_found(const command *c, td_release_wish *wish, int *out_code) {
    td_data data;
    td_release *release = NULL;
    td_release_item *items = NULL;
    bool named = wish->place_count > 0;
    td_status status = td_data_open(&data, &c->conf->log);
    if (status == TD_OK) status = td_release_find(&data.topics, wish, &release);
    td_data_close(&data);
    size_t count = status == TD_OK ? td_release_items(release, &items) : 0;
    bool wanted = !c->conf->dry_run && (named || confirm(c, items, count));
    if (status == TD_OK && wanted) status = td_release_do(&c->conf->log, items, count);
    if (status == TD_OK) *out_code = tell_released(c, items, count, named);
    td_release_free(release);
    return status;
}

static int release(const command *c) {
    td_release_place places[TD_WORDS_MAX];
    size_t count = 0;
    for (; c->words[count] != NULL; count++)
        if (!read_place(c->words[count], &places[count]))
            return td_command_usage("quarantine", "a place is partition and offset in quarantine, as in 3/12", NULL);
    const td_api_request *r = &c->choice;
    if ((count > 0) == (r->given != 0))
        return td_command_usage("quarantine", "name places, or choose by --reason, --instrument, --feed, --from, --to",
                                NULL);
    if (r->given != 0 && !c->conf->yes && !c->conf->dry_run && isatty(STDIN_FILENO) == 0)
        return td_command_usage("quarantine",
                                "nobody can be asked here: --yes releases all that fit, --dry-run shows them", NULL);
    td_release_wish wish = {.places = places,
                            .place_count = count,
                            .instrument = td_text(r->instrument),
                            .feed = td_text(r->feed),
                            .reason = r->reason,
                            .from_ns = r->from_ns,
                            .before_ns = r->to_ns};
    int code = TD_EXIT_OK;
    td_status status = release_found(c, &wish, &code);
    return status == TD_OK ? code : fail(status);
}

/* ---- the command ---- */

static bool choose(command *c, td_api_error *error) {
    const quarantine_conf *conf = c->conf;
    const struct {
        const char *name, *value;
    } given[] = {{"reason", conf->reason},
                 {"instrument", conf->instrument},
                 {"feed", conf->feed},
                 {"from", conf->from},
                 {"to", conf->to}};
    if (!td_api_begin(&c->choice, TD_TEXT("quarantine/release"), (td_bytes){0}, error)) return false;
    for (size_t i = 0; i < sizeof given / sizeof given[0]; i++)
        if (given[i].value != NULL && !td_api_set(&c->choice, td_text(given[i].name), td_text(given[i].value), error))
            return false;
    return true;
}

static int run(void *conf, const char *const *words) {
    static const struct {
        const char *verb;
        int (*run)(const command *c);
    } verbs[] = {{"ls", list}, {"show", show}, {"release", release}};
    command c = {.conf = conf, .words = words + 1};
    td_api_error error = {0};
    if (!choose(&c, &error)) return td_command_usage("quarantine", error.message, NULL);
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (strcmp(verbs[i].verb, words[0]) == 0) return verbs[i].run(&c);
    return td_command_usage("quarantine", "ls, show or release?", NULL);
}

#define TEXT(name, word, text)                                                                                         \
    { .key = #name, .type = TD_OPTION_TEXT, .unit = word, .offset = offsetof(quarantine_conf, name), .help = text }

static const td_option options[] = {
    TD_DATA_OPTIONS(quarantine_conf),
    TEXT(reason, "REASON", "events refused for it: outlier, crossed, ahead, …"),
    TEXT(instrument, "NAME", "events of that VENUE:SYMBOL"),
    TEXT(feed, "NAME", "events of that feed"),
    TEXT(from, "TIME", "events of then or later: 2026-11-21T14:31:00Z, or since 1970"),
    TEXT(to, "TIME", "events before then"),
    {.key = "limit",
     .type = TD_OPTION_INT,
     .fallback = "100",
     .min = 1,
     .max = 1000000,
     .unit = "N",
     .offset = offsetof(quarantine_conf, limit),
     .help = "ls: the newest so many"},
    {.key = "json",
     .type = TD_OPTION_BOOL,
     .offset = offsetof(quarantine_conf, json),
     .help = "one JSON object a line"},
    {.key = "dry-run",
     .type = TD_OPTION_BOOL,
     .offset = offsetof(quarantine_conf, dry_run),
     .help = "release: says what it would do"},
    {.key = "yes", .type = TD_OPTION_BOOL, .offset = offsetof(quarantine_conf, yes), .help = "release: does not ask"},
    {0},
};

const td_command td_command_quarantine = {
    .name = "quarantine",
    .words = "ls | show PLACE | release [PLACE...]",
    .words_least = 1,
    .words_most = TD_WORDS_MAX,
    .summary = "events that a rule refused: ls, show why, release",
    .text =
        "ls lists what is in quarantine, show tells why one event is there and whether it was released, release puts\n"
        "events on the tape again, past the rule that refused them: their bars are revised. PLACE is partition and\n"
        "offset, as ls shows it; without places, release takes all that fit the options. It goes through the process\n"
        "that writes in the data folder (its token from TAPEDECK_TOKEN), or writes itself where there is none; the\n"
        "next run then applies it. What was released before stays as it is, and is no error.\n",
    .options = options,
    .conf_size = sizeof(quarantine_conf),
    .examples = "  tapedeck quarantine ls --reason outlier --instrument LEAN:IBM\n"
                "  tapedeck quarantine show 3/12\n"
                "  tapedeck quarantine release 3/12 3/15\n"
                "  tapedeck quarantine release --reason crossed --from 2026-11-21T14:30Z --dry-run\n",
    .run = run,
};
