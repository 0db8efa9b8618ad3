/* src/app/explanation.c - trees of conditions as indented lines and as nested objects. */
#include "app/explanation.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/time.h"
#include "serve/rows.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

enum { LABEL_COLUMNS = 56, VALUE_COLUMNS = 16 };

static const char *const verdicts[] = {
    [TD_WHY_FIRED] = "fired",
    [TD_WHY_FALSE] = "false",
    [TD_WHY_NA] = "na",
    [TD_WHY_BEATEN] = "beaten",
    [TD_WHY_CONTRADICTED] = "contradicted",
    [TD_WHY_THERE] = "there",
    [TD_WHY_FLAT] = "flat",
    [TD_WHY_HELD_BACK] = "held_back",
    [TD_WHY_STANDING] = "standing",
    [TD_WHY_OTHER] = "other",
    [TD_WHY_NOT_MEANT] = "not_meant",
};

static const char *const verdict_texts[] = {
    [TD_WHY_FIRED] = "fired",
    [TD_WHY_FALSE] = "its condition was false",
    [TD_WHY_NA] = "its condition had no value",
    [TD_WHY_BEATEN] = "true, but an exit of its side was true, too, and goes before",
    [TD_WHY_CONTRADICTED] = "true, but buy and short were true at once, so nothing happens",
    [TD_WHY_THERE] = "true, but the target stood on its side already",
    [TD_WHY_FLAT] = "true, but there was nothing that it could leave",
    [TD_WHY_HELD_BACK] = "true, but a cooldown or a limit held entries back",
    [TD_WHY_STANDING] = "true, but it was so before, too: an alert is told when that begins",
    [TD_WHY_OTHER] = "true, but another action of the strategy went before",
    [TD_WHY_NOT_MEANT] = "the strategy is not for this instrument",
};

static const td_why_row *row_at(const td_why *why, uint32_t i) {
    return (const td_why_row *)(const void *)why->rows.data + i;
}
static size_t action_count(const td_why *why) { return why->actions.size / sizeof(td_why_action); }
static const td_why_action *action_at(const td_why *why, size_t i) {
    return (const td_why_action *)(const void *)why->actions.data + i;
}
static size_t param_count(const td_why *why) { return why->params.size / sizeof(td_why_param); }
static const td_why_param *param_at(const td_why *why, size_t i) {
    return (const td_why_param *)(const void *)why->params.data + i;
}

static size_t level_count(const td_why *why) { return why->levels.size / sizeof(td_why_level); }
static const td_why_level *level_at(const td_why *why, size_t i) {
    return (const td_why_level *)(const void *)why->levels.data + i;
}

/* ---- values ---- */

static void put_number(td_buf *out, td_value v, uint8_t type) {
    char text[TD_DECIMAL_TEXT_MAX];
    if (type == TD_TYPE_REAL) {
        td_buf_printf(out, "%.10g", td_value_to_real(v));
    } else {
        (void)td_decimal_format(v, TD_VALUE_SCALE, false, text);
        td_buf_text(out, text);
    }
}

/* Times and durations are kept as seconds, and read as what they are. */
static bool has_words(td_value v, uint8_t type) {
    bool kept = v >= INT64_MIN && v <= INT64_MAX; /* else one that was reckoned is beyond what can be written */
    return kept && (type == TD_TYPE_TIME || type == TD_TYPE_DURATION);
}

static void put_words(td_buf *out, td_value v, uint8_t type) {
    char text[40];
    (void)(type == TD_TYPE_TIME ? td_time_format : td_duration_format_long)((int64_t)v, text);
    td_buf_text(out, text);
}

static void put_value(td_buf *out, td_value v, uint8_t type) {
    if (td_value_is_na(v))
        td_buf_text(out, "na");
    else if (type == TD_TYPE_CONDITION)
        td_buf_text(out, v == 1 ? "true" : "false");
    else if (has_words(v, type))
        put_words(out, v, type);
    else
        put_number(out, v, type);
}

/* Doubles with all their digits, decimals exactly, as texts; conditions as they are; na is null. */
static void put_json_value(td_buf *out, td_value v, uint8_t type) {
    if (td_value_is_na(v)) {
        td_buf_text(out, "null");
    } else if (type == TD_TYPE_CONDITION) {
        td_buf_text(out, v == 1 ? "true" : "false");
    } else if (type == TD_TYPE_REAL) {
        td_buf_printf(out, "%.17g", td_value_to_real(v));
    } else {
        td_buf_text(out, "\"");
        put_number(out, v, type);
        td_buf_text(out, "\"");
    }
}

/* `,"value":` and the number; of times and durations `,"value_text":` behind it: the same for people. */
static void put_json_named(td_buf *out, const char *name, td_value v, uint8_t type) {
    td_buf_printf(out, ",\"%s\":", name);
    put_json_value(out, v, type);
    if (!has_words(v, type)) return;
    td_buf_printf(out, ",\"%s_text\":\"", name);
    put_words(out, v, type);
    td_buf_text(out, "\"");
}

/* It had none, and could not have one yet. */
static bool is_warming(const td_why *why, const td_why_row *row) {
    return td_value_is_na(row->at) && why->seen <= row->warmup;
}

/* ---- lines ---- */

static void put_columns(td_buf *out, size_t begin, size_t column) {
    while (out->size - begin < column) td_buf_text(out, " ");
}

static void put_right(td_buf *out, const td_buf *text) {
    if (text->size >= VALUE_COLUMNS) td_buf_text(out, "  "); /* an instant */
    for (size_t i = text->size; i < VALUE_COLUMNS; i++) td_buf_text(out, " ");
    td_buf_put(out, text->data, text->size);
}

static void put_remark(td_buf *out, const td_why *why, const td_why_row *row) {
    if (is_warming(why, row))
        td_buf_printf(out, "  warming up: bar %" PRIu64 " of %" PRIu32, why->seen, row->warmup + 1);
    if (!td_value_is_na(row->of)) td_buf_printf(out, "  of %.0f", td_value_to_real(row->of));
    if (!row->measured) return;
    td_buf_printf(out, "  off by %s", row->off > 0 ? "+" : "");
    put_value(out, row->off, row->off_type);
    if (!isnan(row->share)) td_buf_printf(out, ", %+.2g %%", 100 * row->share);
}

static void put_row(td_buf *out, const td_why *why, const td_why_row *row) {
    td_buf text = {0};
    size_t begin = out->size;
    td_bytes label = td_why_text(why, row->text, row->text_size);
    if (row->kind == TD_TERM_NUMBER || (row->kind == TD_TERM_NAME && row->constant)) return; /* told already */
    td_buf_printf(out, "%*s%.*s", (int)(4 + 2 * row->depth), "", (int)label.size, (const char *)label.data);
    if (out->size - begin >= LABEL_COLUMNS) {
        td_buf_text(out, "\n");
        begin = out->size;
    }
    put_columns(out, begin, LABEL_COLUMNS);
    if (row->known && why->has_before) put_value(&text, row->before, row->type);
    put_right(out, &text);
    text.size = 0;
    if (row->known) put_value(&text, row->at, row->type);
    put_right(out, &text);
    put_remark(out, why, row);
    td_buf_text(out, "\n");
    td_buf_fini(&text);
}

/* Of rules that are exits with a condition, as the strategy says them; NULL: it is an action as written. */
static const char *rule_of(const td_why_action *action) {
    static const char *const rules[TD_LEAVING_COUNT] = {
        [TD_LEAVING_STOP] = "stop", [TD_LEAVING_TARGET] = "target", [TD_LEAVING_FLAT] = "flat"};
    return action->action == TD_ACTION_EXIT ? rules[action->leaving] : NULL;
}

static void put_action(td_buf *out, const td_why *why, const td_why_action *action) {
    size_t begin = out->size;
    td_bytes note = td_why_text(why, action->note, action->note_size);
    const char *rule = rule_of(action);
    td_buf_printf(out, "  %s%s%.*s: %s", rule != NULL ? rule : td_action_name((td_action)action->action),
                  action->traded_size > 0 ? " " : "", (int)action->traded_size,
                  (const char *)why->texts.data + action->traded, verdict_texts[action->verdict]);
    if (note.size > 0) td_buf_printf(out, " (\"%.*s\")", (int)note.size, (const char *)note.data);
    if (action->count > 0) {
        put_columns(out, begin, LABEL_COLUMNS);
        td_buf_printf(out, "%*s%*s", VALUE_COLUMNS, why->has_before ? "before" : "", VALUE_COLUMNS, "then");
    }
    td_buf_text(out, "\n");
    for (uint32_t i = 0; i < action->count; i++) put_row(out, why, row_at(why, action->first + i));
}

static void put_level(td_buf *out, const td_why_level *level) {
    const char *kind = td_exit_kind_name((td_exit_kind)level->kind);
    if (level->price == 0) {
        td_buf_printf(out, "  %s: no level yet\n", kind);
        return;
    }
    td_buf_printf(out, "  %s: at ", kind);
    put_number(out, level->price, TD_TYPE_DECIMAL);
    td_buf_text(out, level->away > 0 ? ", the last price is off by " : ", reached by the last price, by ");
    put_number(out, level->away > 0 ? level->away : -level->away, TD_TYPE_DECIMAL);
    td_buf_text(out, level->awake ? "\n" : "; asleep: the price was not yet as good as its `from` asks\n");
}

static const char *instant(int64_t ns, char out[40]) {
    (void)td_time_format(ns, out);
    return out;
}

static const char *decimal(td_i128 m, int scale, char out[TD_DECIMAL_TEXT_MAX]) {
    (void)td_decimal_format(m, scale, false, out);
    return out;
}

static void put_cause(td_buf *out, const td_judgement *j) {
    char event[40], known[40];
    td_buf_printf(out, "  led to by tape-%" PRIu32 " offset %" PRId64 ": a %s", j->cause.partition, j->cause.offset,
                  td_event_kind_name((td_event_kind)j->event.kind));
    if (j->feed.size > 0) td_buf_printf(out, " of feed %.*s", (int)j->feed.size, (const char *)j->feed.data);
    td_buf_printf(out, ", event time %s, known at %s\n", instant(j->event.event_ns, event),
                  instant(j->event.receive_ns, known));
}

/* What a tick says, by names; returns how many. */
static int tick_says(const td_event *e, const char *names[4], td_i128 says[4], int scales[4]) {
    const td_quote *q = &e->quote;
    const char *const of_trade[] = {"price", "size"}, *const of_quote[] = {"bid", "bid_size", "ask", "ask_size"};
    const int64_t trade[] = {e->trade.price, e->trade.size};
    const int64_t quote[] = {q->bid_price, q->bid_size, q->ask_price, q->ask_size};
    bool is_trade = e->kind == TD_EVENT_TRADE;
    int count = 0;
    for (int i = 0; i < (is_trade ? 2 : 4); i++) {
        int64_t value = is_trade ? trade[i] : quote[i];
        if (value == TD_NONE) continue;
        names[count] = is_trade ? of_trade[i] : of_quote[i];
        scales[count] = i % 2 == 0 ? TD_PRICE_SCALE : TD_SIZE_SCALE;
        says[count++] = value;
    }
    return count;
}

/* What ran a strategy that waits: the record that led to it only moved time. */
static void put_tick(td_buf *out, const td_event *tick) {
    char text[TD_DECIMAL_TEXT_MAX], time[40];
    const char *names[4];
    td_i128 says[4];
    int scales[4], count = tick_says(tick, names, says, scales);
    td_buf_printf(out, "  run by a %s of %s, which had waited:", td_event_kind_name((td_event_kind)tick->kind),
                  instant(tick->event_ns, time));
    for (int i = 0; i < count; i++)
        td_buf_printf(out, "%s %s %s", i > 0 ? "," : "", names[i], decimal(says[i], scales[i], text));
    td_buf_text(out, "\n");
}

static void put_bar(td_buf *out, const td_bar *bar) {
    char from[40], to[40], width[TD_WIDTH_TEXT_MAX], n[5][TD_DECIMAL_TEXT_MAX];
    (void)td_width_format(bar->width_ns, width);
    td_buf_printf(out,
                  "  %s bar from %s to %s: open %s, high %s, low %s, close %s, volume %s, %" PRId64
                  " trades, revision %" PRId32 ", %s, by evidence %s\n",
                  width, instant(bar->start_ns, from), instant(bar->end_ns, to),
                  decimal(bar->open, TD_PRICE_SCALE, n[0]), decimal(bar->high, TD_PRICE_SCALE, n[1]),
                  decimal(bar->low, TD_PRICE_SCALE, n[2]), decimal(bar->close, TD_PRICE_SCALE, n[3]),
                  decimal(bar->volume, TD_SIZE_SCALE, n[4]), bar->trade_count, bar->revision,
                  td_quality_name((td_quality)bar->quality), td_evidence_name((td_evidence)bar->evidence));
}

static void put_settings(td_buf *out, const td_judgement *j) {
    char before[TD_DECIMAL_TEXT_MAX], after[TD_DECIMAL_TEXT_MAX], program[13];
    for (size_t i = 0; i < param_count(&j->why); i++) {
        const td_why_param *param = param_at(&j->why, i);
        td_bytes name = td_why_text(&j->why, param->name, param->name_size);
        td_buf_printf(out, "%s%.*s = ", i == 0 ? "  " : ", ", (int)name.size, (const char *)name.data);
        put_value(out, param->value, param->type);
    }
    td_hex(j->program_sha256, 6, program);
    td_buf_printf(out, "%starget %s before, %s after; program %s\n", param_count(&j->why) > 0 ? "; " : "  ",
                  decimal(j->target_before, TD_SIZE_SCALE, before), decimal(j->target_after, TD_SIZE_SCALE, after),
                  program);
}

/* ---- the signal, and what the log has of it ---- */

static void put_held(td_buf *out, const td_explain_question *q, const td_judgement *j) {
    td_signal s;
    td_bytes instrument;
    char target[TD_DECIMAL_TEXT_MAX], price[TD_DECIMAL_TEXT_MAX], id[TD_SIGNAL_ID_MAX + 1], known[40];
    td_bytes value = td_buf_bytes(j->signal.size > 0 ? &j->signal : &j->held);
    if (value.size == 0 || td_record_get_signal(q->topics->ids, value, &s, &instrument) != TD_OK) return;
    (void)td_signal_id(&s, instrument, id);
    td_buf_printf(out, "%s: %s%s%.*s to %s at %s, %s, known at %s", id, td_action_name((td_action)s.action),
                  s.leg.size > 0 ? " " : "", (int)s.leg.size, (const char *)s.leg.data,
                  decimal(s.target, TD_SIZE_SCALE, target), decimal(s.price, TD_PRICE_SCALE, price),
                  td_signal_status_name((td_signal_status)s.status), instant(s.known_at_ns, known));
    if (s.reason.size > 0) td_buf_printf(out, " (%.*s)", (int)s.reason.size, (const char *)s.reason.data);
    td_buf_text(out, "\n");
    if (j->held.size == 0) return;
    td_buf_printf(out, "  signals-%" PRIu32 " offset %" PRId64, j->cause.partition, j->held_offset);
    td_buf_text(out, !j->judged   ? ": the tape does NOT make it\n"
                     : j->differs ? ": the tape makes ANOTHER one\n"
                                  : ": made again, the same byte for byte\n");
}

bool td_explanation_holds(const td_explain *x) {
    size_t count;
    int64_t findings;
    const td_judgement *j = td_explain_judgements(x, &count);
    (void)td_explain_findings(x, &findings);
    for (size_t i = 0; i < count; i++)
        if (!j[i].judged) return false;
    return findings == 0;
}

static void put_judgement(td_buf *out, const td_explain_question *q, const td_judgement *j) {
    char time[40];
    if (j->signal.size == 0 && j->held.size == 0)
        td_buf_printf(out, "%.*s in %.*s at %s: no signal\n", (int)q->strategy.size, (const char *)q->strategy.data,
                      (int)q->instrument.size, (const char *)q->instrument.data, instant(q->at_ns, time));
    put_held(out, q, j);
    if (!j->judged) {
        if (j->held.size == 0) td_buf_text(out, "  nothing on the tape makes that bar: the log was altered\n");
        return;
    }
    put_cause(out, j);
    if (j->tick.kind != 0) put_tick(out, &j->tick);
    if (j->has_bar) put_bar(out, &j->bar);
    put_settings(out, j);
    for (size_t i = 0; i < action_count(&j->why); i++) put_action(out, &j->why, action_at(&j->why, i));
    for (size_t i = 0; i < level_count(&j->why); i++) put_level(out, level_at(&j->why, i));
}

void td_explanation_put_text(const td_explain *x, const td_explain_question *q, td_buf *out) {
    size_t count;
    int64_t findings;
    const td_judgement *j = td_explain_judgements(x, &count);
    for (size_t i = 0; i < count; i++) put_judgement(out, q, &j[i]);
    if (td_explain_revisions(x) > 0)
        td_buf_printf(out,
                      "  that bar was revised %" PRId64 " times since: what came of it then are signals of their own\n",
                      td_explain_revisions(x));
    td_bytes lines = td_explain_findings(x, &findings);
    if (findings == 0) return;
    td_buf_printf(out, "%" PRId64 " outputs of the log up to there are NOT what the tape makes:\n", findings);
    td_buf_put(out, lines.data, lines.size);
}

/* ---- objects ---- */

static void put_json_text(td_buf *out, const char *name, td_bytes text) {
    td_buf_printf(out, "\"%s\":", name);
    td_json_put_string(out, text);
}

/* One row with those below it; returns the first behind them. */
static uint32_t put_json_row(td_buf *out, const td_why *why, uint32_t at, uint32_t end) {
    const td_why_row *row = row_at(why, at);
    put_json_text(out, "text", td_why_text(why, row->text, row->text_size));
    if (row->known) {
        if (row->type == TD_TYPE_TIME || row->type == TD_TYPE_DURATION)
            td_buf_printf(out, ",\"type\":\"%s\"", row->type == TD_TYPE_TIME ? "time" : "duration");
        put_json_named(out, "before", why->has_before ? row->before : TD_VALUE_NA, row->type);
        put_json_named(out, "value", row->at, row->type);
    }
    if (is_warming(why, row))
        td_buf_printf(out, ",\"warming_up\":{\"bar\":%" PRIu64 ",\"of\":%" PRIu32 "}", why->seen, row->warmup + 1);
    if (!td_value_is_na(row->of)) td_buf_printf(out, ",\"of\":%.0f", td_value_to_real(row->of));
    if (row->measured) {
        put_json_named(out, "off", row->off, row->off_type);
        if (!isnan(row->share)) td_buf_printf(out, ",\"off_share\":%.17g", row->share);
    }
    uint32_t next = at + 1;
    const char *comma = ",\"parts\":[{";
    for (; next < end && row_at(why, next)->depth > row->depth; comma = ",{") {
        td_buf_text(out, comma);
        next = put_json_row(out, why, next, end);
    }
    td_buf_text(out, next > at + 1 ? "]}" : "}");
    return next;
}

static void put_json_action(td_buf *out, const td_why *why, const td_why_action *action) {
    td_buf_printf(out, "{\"action\":\"%s\",\"verdict\":\"%s\",", td_action_name((td_action)action->action),
                  verdicts[action->verdict]);
    if (rule_of(action) != NULL) td_buf_printf(out, "\"rule\":\"%s\",", rule_of(action));
    if (action->traded_size > 0) {
        put_json_text(out, "leg", td_why_text(why, action->traded, action->traded_size));
        td_buf_text(out, ",");
    }
    put_json_text(out, "note", td_why_text(why, action->note, action->note_size));
    td_buf_text(out, ",\"condition\":");
    if (action->count == 0) {
        td_buf_text(out, "null}");
        return;
    }
    td_buf_text(out, "{");
    (void)put_json_row(out, why, action->first, action->first + action->count);
    td_buf_text(out, "}");
}

static void put_json_level(td_buf *out, const td_why_level *level) {
    bool there = level->price != 0;
    td_buf_printf(out, "{\"kind\":\"%s\",\"awake\":%s,\"price\":", td_exit_kind_name((td_exit_kind)level->kind),
                  level->awake ? "true" : "false");
    put_json_value(out, there ? level->price : TD_VALUE_NA, TD_TYPE_DECIMAL);
    td_buf_text(out, ",\"away\":");
    put_json_value(out, there ? level->away : TD_VALUE_NA, TD_TYPE_DECIMAL);
    td_buf_text(out, "}");
}

static void put_json_why(td_buf *out, const td_judgement *j) {
    char number[TD_DECIMAL_TEXT_MAX], program[2 * TD_PROGRAM_SHA_BYTES + 1];
    td_hex(j->program_sha256, TD_PROGRAM_SHA_BYTES, program);
    td_buf_printf(out, ",\"program\":\"%s\",\"params\":{", program);
    for (size_t i = 0; i < param_count(&j->why); i++) {
        const td_why_param *param = param_at(&j->why, i);
        if (i > 0) td_buf_text(out, ",");
        td_json_put_string(out, td_why_text(&j->why, param->name, param->name_size));
        td_buf_text(out, ":");
        put_json_value(out, param->value, param->type);
    }
    td_buf_printf(out, "},\"target_before\":\"%s\"", decimal(j->target_before, TD_SIZE_SCALE, number));
    td_buf_printf(out, ",\"target_after\":\"%s\",\"actions\":[", decimal(j->target_after, TD_SIZE_SCALE, number));
    for (size_t i = 0; i < action_count(&j->why); i++) {
        if (i > 0) td_buf_text(out, ",\n");
        put_json_action(out, &j->why, action_at(&j->why, i));
    }
    td_buf_text(out, "],\"levels\":[");
    for (size_t i = 0; i < level_count(&j->why); i++) {
        if (i > 0) td_buf_text(out, ",");
        put_json_level(out, level_at(&j->why, i));
    }
    td_buf_text(out, "]");
}

static void put_json_record(td_buf *out, const td_explain_question *q, const char *name, const td_buf *value) {
    td_buf_printf(out, ",\"%s\":", name);
    if (value->size == 0 || !td_record_json(q->topics->ids, td_buf_bytes(value), out)) td_buf_text(out, "null");
}

static void put_json_tick(td_buf *out, const td_event *tick) {
    char text[TD_DECIMAL_TEXT_MAX];
    const char *names[4];
    td_i128 says[4];
    int scales[4], count = tick_says(tick, names, says, scales);
    td_buf_printf(out, ",\"tick\":{\"kind\":\"%s\",\"event_ns\":%" PRId64,
                  td_event_kind_name((td_event_kind)tick->kind), tick->event_ns);
    for (int i = 0; i < count; i++) td_buf_printf(out, ",\"%s\":\"%s\"", names[i], decimal(says[i], scales[i], text));
    td_buf_text(out, "}");
}

static void put_json_judgement(td_buf *out, const td_explain_question *q, const td_judgement *j) {
    td_buf_printf(out, "{\"cause\":{\"partition\":%" PRIu32 ",\"epoch\":%" PRId32 ",\"offset\":%" PRId64 "}",
                  j->cause.partition, j->cause.epoch, j->cause.offset);
    put_json_record(out, q, "record", &j->record);
    if (j->tick.kind != 0) put_json_tick(out, &j->tick);
    put_json_record(out, q, "signal", &j->signal);
    put_json_record(out, q, "held", &j->held);
    td_buf_printf(out, ",\"same\":%s,\"bar\":", j->judged && !j->differs ? "true" : "false");
    if (j->has_bar)
        td_row_put_bar(out, TD_ROW_JSON, q->instrument, &j->bar);
    else
        td_buf_text(out, "null");
    if (j->judged) put_json_why(out, j);
    td_buf_text(out, "}");
}

void td_explanation_put_json(const td_explain *x, const td_explain_question *q, td_buf *out) {
    size_t count;
    int64_t findings;
    const td_judgement *j = td_explain_judgements(x, &count);
    td_bytes lines = td_explain_findings(x, &findings);
    td_buf_text(out, "{");
    put_json_text(out, "strategy", q->strategy);
    td_buf_text(out, ",");
    put_json_text(out, "instrument", q->instrument);
    td_buf_printf(out, ",\"holds\":%s,\"differences\":%" PRId64 ",\"found\":[",
                  td_explanation_holds(x) ? "true" : "false", findings);
    for (size_t at = 0; at < lines.size;) {
        const uint8_t *end = memchr(lines.data + at, '\n', lines.size - at);
        size_t size = (size_t)(end - lines.data) - at;
        td_buf_text(out, at > 0 ? "," : "");
        td_json_put_string(out, (td_bytes){lines.data + at, size});
        at += size + 1;
    }
    td_buf_printf(out, "],\"revisions\":%" PRId64 ",\"judgements\":[", td_explain_revisions(x));
    for (size_t i = 0; i < count; i++) {
        if (i > 0) td_buf_text(out, ",\n");
        put_json_judgement(out, q, &j[i]);
    }
    td_buf_text(out, "]}\n");
}
