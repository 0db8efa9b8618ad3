/* tests/sim/listener.c - turns of a venue and of the program that listens to it, and the places where it is cut. */
#include "listener.h"
#include "base/time.h"
#include "seeds.h"
#include <inttypes.h>
#include <stdlib.h>

enum { SETTLE_EVERY = 4000, SETTLE_S = 300, HISTORY_ROWS = 10, FIRST_IDS = 10 };
#define WINDOW_NS (10 * TD_NS_PER_S)

static uint64_t below(td_listener *l, uint64_t bound) { return td_listener_below(l, bound); }
static int64_t now_ns(const td_listener *l) { return td_listener_now_ns(l); }
static int64_t now_ms(const td_listener *l) { return now_ns(l) / TD_NS_PER_MS; }

const char *td_cut_name(td_cut cut) {
    static const char *const names[TD_CUT_COUNT] = {"behind a message",
                                                    "within a message",
                                                    "during the ack",
                                                    "refused for a while",
                                                    "just begun",
                                                    "half-open",
                                                    "during the backfill",
                                                    "at a page border",
                                                    "kill -9",
                                                    "kill -9 during the backfill",
                                                    "stopped"};
    return names[cut];
}

/* ---- a life ---- */

static void report(void *arg, const char *line) {
    if (((td_listener *)arg)->trace) (void)fprintf(stderr, "engine: %s\n", line);
}

static bool load(td_listener *l, const td_listener_conf *conf) {
    td_buf yaml = {0};
    td_buf_printf(
        &yaml,
        "feeds:\n"
        "  - websocket: { name: live, url: \"ws://venue.test/ws\", subscribe: all, reconnect: 1ms, idle: 2s,\n"
        "                 hold: 5s, history: \"http://venue.test\", history_interval: 50ms,\n"
        "                 history_after: 500ms, history_tries: 1000%s }\n"
        "%s%s"
        "bars: [1s, 10s]\ngrace: 3s\nspeed: 1x\n"
        "log: { dir: var/data, partitions: 2, publish: [trades, quotes] }\n",
        conf->settings, conf->actions != NULL ? "  - file: { format: actions, path: actions.csv }\n" : "",
        conf->strategy != NULL ? "strategies: [strategy.td]\n" : "");
    if (conf->actions != NULL) td_sim_put_file(l->sim, "actions.csv", td_text(conf->actions));
    if (conf->strategy != NULL) td_sim_put_file(l->sim, "strategy.td", td_text(conf->strategy));
    td_sim_put_file(l->sim, "listener.yaml", td_buf_bytes(&yaml));
    td_buf_fini(&yaml);
    td_status status = td_config_load(&l->config, &l->os, "listener.yaml", NULL, 0);
    HOLDS(status == TD_OK, "%s", td_trail());
    l->config.feeds[0].conf.transport = peer_simulated.transport;
    l->config.feeds[0].conf.http = web_simulated.http;
    l->config.feeds[0].conf.history_rows = HISTORY_ROWS; /* many pages, many borders */
    l->config.log.batch_bytes = 2000;
    l->config.log.snapshot_records = 500;
    return true;
}

static bool start(td_listener *l) {
    td_status status = td_engine_open(&l->engine, &l->os, &l->config, NULL, report, l);
    l->lives++;
    HOLDS(status == TD_OK, "%s", td_trail());
    return true;
}

bool td_listener_check_counts(td_listener *l) {
    td_engine_counts c;
    for (size_t i = 0; i < td_engine_step_count(l->engine); i++)
        if (td_engine_step_kind_of(l->engine, i) == TD_STEP_WORK)
            while (td_engine_step(l->engine, i) > 0) continue;
    td_engine_count(l->engine, &c);
    HOLDS(c.lag_records == 0 && c.events == c.accepted + c.quarantined + c.duplicates + c.rejected,
          "%" PRId64 " events, %" PRId64 " accepted, %" PRId64 " quarantined, %" PRId64 " duplicates, %" PRId64
          " rejected, %" PRId64 " left",
          c.events, c.accepted, c.quarantined, c.duplicates, c.rejected, c.lag_records);
    HOLDS(c.diverged == 0, "%" PRId64 " outputs diverged", c.diverged);
    return true;
}

int64_t td_listener_open_gaps(td_listener *l) {
    td_engine_parts parts;
    int64_t open = 0;
    td_engine_parts_of(l->engine, &parts);
    for (uint32_t p = 0; p < td_crew_size(parts.crew); p++)
        open += td_counted(&td_worker_counters(td_crew_worker(parts.crew, p))->gaps_open);
    return open;
}

/* ---- cuts ---- */

static void count_cut(td_listener *l, td_cut cut) {
    l->cuts[cut]++;
    l->cut_count++;
    l->in_one_window += l->last_cut_ns / WINDOW_NS == now_ns(l) / WINDOW_NS;
    l->last_cut_ns = now_ns(l);
    if (l->trace) (void)fprintf(stderr, "cut %" PRId64 ": %s\n", l->cut_count, td_cut_name(cut));
}

static void end_session(td_listener *l, td_cut cut) {
    count_cut(l, cut);
    peer_simulated.end(l->peer, (peer_end)below(l, 4));
    l->over = true;
    l->end_at_ns = 0;
}

bool td_listener_can_cut(td_listener *l) {
    return l->up && !l->over && l->mute_until_ns == 0 && !l->dying && peer_simulated.connected(l->peer);
}

/* The place that a cut has waited for. */
static bool take_armed(td_listener *l, td_cut cut) {
    if ((l->armed & 1u << cut) == 0 || !td_listener_can_cut(l)) return false;
    l->armed &= ~(1u << cut);
    return true;
}

static void die_soon(td_listener *l, td_cut cut) {
    l->dying = true;
    l->dying_of = cut;
    td_sim_crash_at(l->sim, td_sim_calls(l->sim) + 1 + below(l, 60));
}

static void venue_step(td_listener *l);

/* The venue goes on meanwhile. */
static bool wait_and_start(td_listener *l) {
    td_sim_advance(l->sim, (int64_t)below(l, 5 * TD_NS_PER_S));
    venue_step(l);
    return start(l);
}

static bool revive(td_listener *l) {
    td_engine_close(l->engine, false);
    td_sim_crash_at(l->sim, 0);
    td_sim_reboot(l->sim, TD_SIM_KILLED);
    count_cut(l, l->dying_of);
    l->dying = false;
    return wait_and_start(l);
}

static bool stop_and_start(td_listener *l) {
    if (!td_listener_check_counts(l)) return false;
    count_cut(l, TD_CUT_STOPPED);
    td_engine_close(l->engine, true);
    return wait_and_start(l);
}

bool td_listener_cut(td_listener *l, td_cut cut) {
    switch (cut) {
    case TD_CUT_WITHIN:
        peer_simulated.send(l->peer, TD_TEXT("{\"e\":\"trade\",\"s\":\"S0\",\"t\":"), false);
        end_session(l, cut);
        break;
    case TD_CUT_REFUSED:
        l->refuse_until_ns = now_ns(l) + (int64_t)below(l, 4 * TD_NS_PER_S);
        peer_simulated.be(l->peer, PEER_NOT_FOUND);
        end_session(l, cut);
        break;
    case TD_CUT_ACK:
    case TD_CUT_AGAIN:
        l->armed |= 1u << cut;
        end_session(l, TD_CUT_BEHIND);
        break;
    case TD_CUT_HALF_OPEN:
        count_cut(l, cut);
        l->mute_until_ns = now_ns(l) + 1 + (int64_t)below(l, 5 * TD_NS_PER_S);
        peer_simulated.mute(l->peer, true);
        break;
    case TD_CUT_BACKFILL:
    case TD_CUT_PAGE_BORDER:
    case TD_CUT_KILLED_BACKFILL:
        l->armed |= 1u << cut;
        break;
    case TD_CUT_KILLED:
        die_soon(l, cut);
        break;
    case TD_CUT_STOPPED:
        return stop_and_start(l);
    case TD_CUT_BEHIND:
    case TD_CUT_COUNT:
        end_session(l, cut);
        break;
    }
    return true;
}

/* ---- REST ---- */

static void break_answer(td_listener *l, web_answer *out) {
    switch (below(l, 100)) {
    case 0:
        out->manner = WEB_CUT;
        break;
    case 1:
        out->code = 429;
        out->retry_s = 1 + (int)below(l, 3);
        break;
    case 2:
        out->code = 503;
        break;
    case 3: /* whole by its head, cut by what made it */
        out->body.size = below(l, out->body.size + 1);
        break;
    case 4:
        if (below(l, 4) == 0) out->manner = WEB_SILENT;
        break;
    default:
        break;
    }
}

static void on_request(void *self, const char *path, web_answer *out) {
    td_listener *l = self;
    int symbol = -1;
    int64_t from_id = 0, limit = 0;
    td_venue_answer(&l->venue, path, out);
    if (!l->rough) return;
    bool parsed = sscanf(path, "/api/v3/historicalTrades?symbol=S%d&fromId=%" SCNd64 "&limit=%" SCNd64, &symbol,
                         &from_id, &limit) == 3;
    bool border = parsed && symbol == l->page_symbol && from_id + limit == l->page_from_id;
    l->page_symbol = symbol;
    l->page_from_id = from_id;
    if (border && take_armed(l, TD_CUT_PAGE_BORDER)) {
        out->manner = WEB_CUT;
        end_session(l, TD_CUT_PAGE_BORDER);
    } else if (take_armed(l, TD_CUT_BACKFILL)) {
        end_session(l, TD_CUT_BACKFILL);
    } else if (take_armed(l, TD_CUT_KILLED_BACKFILL)) {
        die_soon(l, TD_CUT_KILLED_BACKFILL);
    } else {
        break_answer(l, out);
    }
}

/* ---- the stream ---- */

static void send_trade(td_listener *l, int symbol, int64_t id) {
    td_buf text = {0};
    if (!l->up || l->over || l->mute_until_ns != 0) return; /* said into the void */
    td_venue_put_message(&l->venue, symbol, id, &text);
    td_bytes bytes = td_buf_bytes(&text);
    if (below(l, 4) == 0) { /* in two frames */
        size_t cut = below(l, bytes.size + 1);
        peer_simulated.send(l->peer, (td_bytes){bytes.data, cut}, false);
        bytes = (td_bytes){bytes.data + cut, bytes.size - cut};
    }
    peer_simulated.send(l->peer, bytes, true);
    td_buf_fini(&text);
}

static void hold_back(td_listener *l, int symbol, int64_t id, uint64_t most_ms) {
    int64_t ms = td_venue_trade_of(&l->venue, symbol, id)->time_ms, delay_ms = (int64_t)below(l, most_ms);
    if (l->held_count == TD_HELD_BACK_MAX) abort();
    l->held[l->held_count++] = (td_said){(ms < now_ms(l) ? ms : now_ms(l)) + delay_ms, id, symbol};
}

/* The first ones as they come: what lies before all that is known nobody misses. */
static void say_trade(td_listener *l, int symbol, int64_t id) {
    static const td_manners none;
    const td_manners *m = id > FIRST_IDS ? &l->manners : &none;
    if (m->doubled_every > 0 && below(l, m->doubled_every) == 0) hold_back(l, symbol, id, m->late_ms + 1);
    if (m->late_every > 0 && below(l, m->late_every) == 0)
        hold_back(l, symbol, id, m->late_ms);
    else if (m->reordered_ms > 0)
        hold_back(l, symbol, id, m->reordered_ms);
    else
        send_trade(l, symbol, id);
}

static void say_what_is_due(td_listener *l) {
    for (size_t i = 0; i < l->held_count;) {
        td_said said = l->held[i];
        if (said.due_ms > now_ms(l)) {
            i++;
            continue;
        }
        l->held[i] = l->held[--l->held_count];
        send_trade(l, said.symbol, said.id);
    }
}

/* The venue answers the subscription first. */
static void begin_session(td_listener *l) {
    l->up = true;
    l->over = false;
    if (take_armed(l, TD_CUT_ACK)) {
        peer_simulated.send(l->peer, TD_TEXT("{\"result\":nu"), false);
        end_session(l, TD_CUT_ACK);
        return;
    }
    peer_simulated.send(l->peer, TD_TEXT("{\"result\":null,"), false);
    peer_simulated.send(l->peer, TD_TEXT("\"id\":1}"), true);
    if (take_armed(l, TD_CUT_AGAIN)) l->end_at_ns = now_ns(l) + 1 + (int64_t)below(l, TD_NS_PER_S / 2);
}

static void venue_step(td_listener *l) {
    int symbol;
    int64_t id, ms = now_ms(l);
    bool connected = peer_simulated.connected(l->peer);
    if (connected && !l->up) begin_session(l);
    l->up = connected;
    if (l->end_at_ns != 0 && now_ns(l) >= l->end_at_ns && td_listener_can_cut(l)) end_session(l, TD_CUT_AGAIN);
    if (l->refuse_until_ns != 0 && now_ns(l) >= l->refuse_until_ns) {
        peer_simulated.be(l->peer, PEER_ACCEPTS);
        l->refuse_until_ns = 0;
    }
    while (td_venue_next(&l->venue, ms < l->ends_ms ? ms : l->ends_ms, &symbol, &id)) say_trade(l, symbol, id);
    say_what_is_due(l);
    if (l->mute_until_ns == 0 || now_ns(l) < l->mute_until_ns) return;
    l->mute_until_ns = 0;
    peer_simulated.mute(l->peer, false);
    if (!l->up || l->over) return;
    peer_simulated.end(l->peer, PEER_RESET); /* what it did not say on that session it never will */
    l->over = true;
}

bool td_listener_turn(td_listener *l) {
    venue_step(l);
    size_t which = below(l, 2) == 0 ? 0 : below(l, td_engine_step_count(l->engine));
    int done = td_engine_step(l->engine, which);
    td_sim_advance(l->sim, (int64_t)below(l, done > 0 ? 500000 : 8 * TD_NS_PER_MS));
    if (td_sim_dead(l->sim)) return revive(l);
    HOLDS(td_engine_faults(l->engine, report, l) == TD_OK, "a part stands");
    return true;
}

bool td_listener_settle(td_listener *l, td_account *account) {
    l->rough = false;
    l->armed = 0;
    for (int i = 1; now_ms(l) < l->ends_ms + SETTLE_S * 1000; i++) {
        if (!td_listener_turn(l)) return false;
        if (i % SETTLE_EVERY != 0 || now_ms(l) < l->ends_ms || l->held_count > 0) continue;
        if (!td_account_read(account, td_engine_topics(l->engine), &l->venue)) return false;
        if (td_account_is_settled(account, &l->venue)) return true;
    }
    return true; /* what is missing is told by who looks closer */
}

/* ---- the whole ---- */

bool td_listener_open(td_listener *l, const td_listener_conf *conf) {
    *l = (td_listener){.sim = td_sim_new(conf->seed),
                       .random.state = conf->seed,
                       .manners = conf->manners,
                       .trace = conf->trace,
                       .ends_ms = INT64_MAX,
                       .page_symbol = -1};
    l->os = td_sim_os(l->sim);
    td_venue_conf venue = {.seed = conf->seed,
                           .symbols = TD_ACCOUNT_SYMBOLS,
                           .start_ms = now_ms(l) + 2000,
                           .mean_ms = (int64_t)conf->mean_ms,
                           .flawed_every = conf->flawed_every,
                           .silent_ms = conf->silent_ms};
    td_venue_init(&l->venue, &venue);
    l->peer = peer_simulated.open(conf->seed);
    l->web = web_simulated.open(conf->seed, (web_handler){on_request, l});
    return load(l, conf) && start(l);
}

void td_listener_close(td_listener *l) {
    td_engine_close(l->engine, true);
    td_config_fini(&l->config);
    web_simulated.close(l->web);
    peer_simulated.close(l->peer);
    td_venue_fini(&l->venue);
    td_sim_free(l->sim);
}
