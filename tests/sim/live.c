/* tests/sim/live.c - a live feed beside a made-up one, on the simulated machine over the simulated network: cuts
 * anywhere, mute peers, a full disk, kills, a clock that is set. What must hold afterwards: no message is on the tape
 * twice, a session's messages of a partition are there without a hole, all of those of a session that the peer ended;
 * each session and each loss is told in every partition; what came is kept as it came for each message on the tape; and
 * the other feed's inputs are those of a run without a live feed. */
#include "../contract/peer.h"
#include "app/engine.h"
#include "base/hash.h"
#include "base/time.h"
#include "os_sim.h"
#include "schema/cause.h"
#include "seeds.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    PARTITIONS = 3,
    TURNS = 20000,
    LAST_TURNS = 400000,
    SESSIONS_MAX = 1024,
    MESSAGES_MAX = 1 << 16,
    CRASH_CALLS = 6
};

typedef struct peer_session { /* what the peer sent on one connection: ids first, first + 1, … */
    int64_t first, count;
    bool whole; /* the peer ended it: all of it must be on the tape */
    bool torn;  /* we died in it: perhaps between two partitions */
} peer_session;

typedef struct world {
    td_sim *sim;
    td_os os;
    td_random random;
    void *peer;
    td_config config;
    td_engine *engine;
    bool trace, up, mute, full;
    int64_t next_id;
    peer_session sessions[SESSIONS_MAX];
    size_t session_count;
    size_t risky;    /* sessions from there on may not be on the disk: it is full, or has just been */
    int risky_turns; /* … for so many turns more */
} world;

typedef struct tape {            /* what a log holds */
    uint64_t digest[PARTITIONS]; /* of the made-up feed's records */
    int64_t count[PARTITIONS];
    bool ended; /* … and they are all of them */
} tape;

static uint64_t below(world *w, uint64_t bound) { return td_random_below(&w->random, bound); }

/* A session that we end has an end of its own: the peer may have more on its way. */
static void report(void *arg, const char *line) {
    world *w = arg;
    bool ours = strstr(line, "nothing was heard") != NULL || strstr(line, "not taken in time") != NULL;
    if (ours && w->session_count > 0) w->sessions[w->session_count - 1].whole = false;
    if (w->trace) (void)fprintf(stderr, "engine: %s\n", line);
}

/* ---- a life ---- */

static bool load(world *w, bool live) {
    static const char feed[] =
        "  - websocket: { name: live, url: \"ws://venue.test/ws\", reconnect: 20ms, idle: 2s, raw: true }\n";
    td_buf yaml = {0};
    td_buf_printf(&yaml,
                  "feeds:\n%s  - simulated: { seed: 1, instruments: 5, ticks: 1500, duration: 20m }\n"
                  "bars: [1s]\nlog: { dir: var/data, partitions: %d }\nspeed: %s\n",
                  live ? feed : "", PARTITIONS, live ? "1x" : "max");
    td_sim_put_file(w->sim, "live.yaml", td_buf_bytes(&yaml));
    td_buf_fini(&yaml);
    td_status status = td_config_load(&w->config, &w->os, "live.yaml", NULL, 0);
    HOLDS(status == TD_OK, "%s", td_trail());
    if (live) {
        w->config.feeds[0].conf.transport = peer_simulated.transport;
        w->config.feeds[0].conf.inbox_bytes = 12000; /* soon full */
    }
    w->config.log.batch_bytes = 2000;
    return true;
}

static bool start(world *w) {
    td_status status = TD_RETRY;
    for (int i = 0; i < 100 && status != TD_OK; i++) {
        status = td_engine_open(&w->engine, &w->os, &w->config, NULL, report, w);
        td_sim_advance(w->sim, TD_NS_PER_S / 10);
    }
    HOLDS(status == TD_OK, "%s", td_trail());
    return true;
}

/* ---- what the peer does ---- */

static uint8_t partition_of[MESSAGES_MAX]; /* by id */

static void send_message(world *w) {
    char text[160], name[16];
    peer_session *s = &w->sessions[w->session_count - 1];
    int symbol = (int)below(w, 7);
    (void)snprintf(name, sizeof name, "BINANCE:S%d", symbol);
    partition_of[w->next_id] = (uint8_t)td_partition_of(td_text(name), PARTITIONS);
    int size = snprintf(text, sizeof text,
                        "{\"e\":\"trade\",\"s\":\"S%d\",\"t\":%" PRId64 ",\"p\":\"100.5\",\"q\":\"1\",\"T\":%" PRId64
                        ",\"m\":true}",
                        symbol, w->next_id++, w->os.ops->wall_ns(w->os.self) / TD_NS_PER_MS);
    td_bytes bytes = {(const uint8_t *)text, (size_t)size};
    if (s->count++ == 0) s->first = w->next_id - 1;
    if (below(w, 3) == 0) { /* in two frames */
        size_t cut = below(w, bytes.size + 1);
        peer_simulated.send(w->peer, (td_bytes){bytes.data, cut}, false);
        bytes = (td_bytes){bytes.data + cut, bytes.size - cut};
    }
    peer_simulated.send(w->peer, bytes, true);
}

static void act(world *w, bool quiet) {
    bool connected = peer_simulated.connected(w->peer);
    if (connected && !w->up) w->session_count++;
    w->up = connected;
    if (!connected || w->session_count == SESSIONS_MAX || w->next_id >= MESSAGES_MAX) return;
    if (w->sessions[w->session_count - 1].whole) return; /* it has ended, though not everything has arrived */
    if (below(w, 2) == 0 && !quiet && !w->mute)
        for (uint64_t n = below(w, 8); n > 0; n--) send_message(w);
    if (below(w, 200) != 0) return;
    w->sessions[w->session_count - 1].whole = true;
    peer_simulated.end(w->peer, (peer_end)below(w, 4));
}

/* ---- what befalls the machine ---- */

static void disturb(world *w) {
    if (w->full)
        w->risky_turns = 500;
    else if (w->risky_turns > 0)
        w->risky_turns--;
    if (below(w, w->full ? 1000 : 500) == 0) {
        w->full = !w->full;
        if (w->full && w->risky_turns == 0) w->risky = w->session_count > 0 ? w->session_count - 1 : 0;
        td_sim_faults faults = {.disk_bytes = w->full ? 1 : 0};
        td_sim_set_faults(w->sim, &faults);
    }
    if (below(w, 400) == 0) {
        w->mute = !w->mute;
        peer_simulated.mute(w->peer, w->mute);
    }
    if (below(w, 1500) == 0) td_sim_jump(w->sim, (int64_t)below(w, 20 * TD_NS_PER_S) - 10 * TD_NS_PER_S);
}

static void calm(world *w) {
    w->full = w->mute = false;
    td_sim_set_faults(w->sim, NULL);
    peer_simulated.mute(w->peer, false);
}

static void turn(world *w) {
    size_t which = below(w, 2) == 0 ? 0 : below(w, td_engine_step_count(w->engine));
    int done = td_engine_step(w->engine, which);
    int64_t idle_ns = w->up ? 20 * TD_NS_PER_MS : TD_NS_PER_S; /* waits between sessions grow to a minute */
    td_sim_advance(w->sim, (int64_t)below(w, done > 0 ? 500000 : (uint64_t)idle_ns));
}

/* What was on its way dies with us: the last session's rest, and what a full disk has not taken yet. */
static bool restart(world *w) {
    bool clean = below(w, 2) == 0;
    size_t from = w->risky_turns > 0 ? w->risky : w->session_count > 0 ? w->session_count - 1 : 0;
    for (size_t i = from; i < w->session_count; i++) {
        w->sessions[i].whole = false;
        w->sessions[i].torn |= !clean;
    }
    w->risky_turns = 0;
    if (!clean) td_sim_crash_at(w->sim, td_sim_calls(w->sim) + 1 + below(w, CRASH_CALLS));
    for (int i = 0; i < CRASH_CALLS && !clean; i++) turn(w); /* it dies in the middle of one */
    if (!clean) td_sim_crash_at(w->sim, td_sim_calls(w->sim) + 1);
    td_engine_close(w->engine, clean);
    td_sim_crash_at(w->sim, 0);
    if (!clean) td_sim_reboot(w->sim, TD_SIM_KILLED);
    w->up = false;
    calm(w);
    return start(w);
}

/* ---- what the tape says ---- */

static int64_t *seen_session; /* by id: the log's session, 0 where it is not on the tape */
static int64_t *seen_line;
static int64_t *raw_place; /* by id: session << 32 | line of the message as it came */

static bool take_live(const td_event *e, td_source_position at, uint64_t marks[2][SESSIONS_MAX]) {
    uint32_t session = at.file & ~TD_SESSION_BIT;
    HOLDS((at.file & TD_SESSION_BIT) != 0 && session < SESSIONS_MAX, "session %u", session);
    if (e->kind == TD_EVENT_TIME) {
        if (e->time.session == TD_SESSION_LIVE && at.line == 0) marks[0][session] = 1;
        if (e->time.session == TD_SESSION_DOWN) marks[1][session] = 1;
        return true;
    }
    if (e->kind == TD_EVENT_FILLED) return true; /* this feed has no history: what was lost stays lost */
    int64_t id = e->trade.trade_id;
    HOLDS(id >= 0 && id < MESSAGES_MAX && seen_session[id] == 0, "message %" PRId64 " is there twice", id);
    seen_session[id] = session;
    seen_line[id] = (int64_t)at.line;
    return true;
}

static bool read_partition(world *w, uint32_t p, tape *out, uint64_t marks[2][SESSIONS_MAX]) {
    const td_topics *topics = td_engine_topics(w->engine);
    td_reader *reader;
    td_record record;
    td_status status = td_reader_open(&reader, topics->tape, p, 0, TD_READ_APPENDED);
    bool good = status == TD_OK;
    while (good && (status = td_reader_next(reader, &record)) == TD_OK) {
        td_event event = {0};
        td_bytes feed = {0}, src = td_record_header(&record, TD_SRC_HEADER);
        td_source_position at;
        if (src.data == NULL) continue; /* a program */
        good = td_record_get_event(topics->ids, record.value, &event, &feed) == TD_OK && td_src_get(src, &at);
        if (good && td_bytes_equal(feed, TD_TEXT("live"))) {
            good = take_live(&event, at, marks);
        } else if (good) {
            out->digest[p] = out->digest[p] * 1099511628211u ^ td_crc32c(0, record.value.data, record.value.size);
            out->count[p]++;
            out->ended |= event.kind == TD_EVENT_TIME && event.time.session == TD_SESSION_ENDED;
        }
    }
    if (status != TD_AGAIN) (void)fprintf(stderr, "tape-%u: %s\n", p, td_trail());
    td_reader_close(reader);
    return good && status == TD_AGAIN;
}

/* The messages of a session that are on the tape, each in its line; -1 where one is missing before another one, or in a
 * torn session before another one of its partition: each is appended to by itself. */
static int64_t count_held(const peer_session *s, size_t index, int64_t *out_number) {
    int64_t held = 0;
    bool over[PARTITIONS] = {0};
    *out_number = 0;
    for (int64_t k = 0; k < s->count; k++) {
        int64_t id = s->first + k;
        uint8_t p = s->torn ? partition_of[id] : 0;
        bool missing = seen_session[id] == 0;
        if (!missing && *out_number == 0) *out_number = seen_session[id];
        bool good = missing || (!over[p] && seen_session[id] == *out_number && seen_line[id] == k + 1);
        if (!good)
            (void)fprintf(stderr,
                          "session %zu: message %" PRId64 " is line %" PRId64 " of session %" PRId64
                          ", or behind a hole\n",
                          index, k, seen_line[id], seen_session[id]);
        if (!good) return -1;
        over[p] |= missing;
        held += !missing;
    }
    return held;
}

/* No two sessions have one number; of those that the peer ended all messages are there. */
static bool check_sessions(const world *w, int64_t *out_compared) {
    int64_t last_number = 0;
    for (size_t i = 0; i < w->session_count; i++) {
        const peer_session *s = &w->sessions[i];
        int64_t number, held = count_held(s, i, &number);
        bool on_its_way = i + 1 == w->session_count;
        HOLDS(held >= 0, "what is on the tape of session %zu", i);
        HOLDS(!s->whole || on_its_way || held == s->count, "session %zu: %" PRId64 " of %" PRId64 " messages", i, held,
              s->count);
        HOLDS(held == 0 || number > last_number, "session %zu is number %" PRId64 " again", i, last_number);
        if (held > 0) last_number = number;
        *out_compared += held;
    }
    return true;
}

/* A session that was heard of in one partition is told in all, and so is the end of each but the last. */
static bool check_marks(uint64_t marks[PARTITIONS][2][SESSIONS_MAX]) {
    uint32_t last = 0;
    for (uint32_t s = 1; s < SESSIONS_MAX; s++)
        for (int p = 0; p < PARTITIONS; p++)
            if (marks[p][0][s] != 0) last = s;
    for (uint32_t s = 1; s < last; s++)
        for (int p = 0; p < PARTITIONS; p++)
            HOLDS(marks[p][1][s] != 0 || marks[p][0][s] == 0, "session %u has no end in partition %d", s, p);
    return true;
}

/* Of a session that left nothing on the tape the number may come again: the last message of a place counts. */
static bool check_raw(const world *w) {
    const td_topics *topics = td_engine_topics(w->engine);
    td_topic *topic;
    td_reader *reader;
    td_record record;
    td_raw raw;
    td_source_position at;
    memset(raw_place, 0, MESSAGES_MAX * sizeof *raw_place);
    HOLDS(td_log_topic(topics->log, "raw.live", 1, TD_TOPIC_INPUT, &topic) == TD_OK, "%s", td_trail());
    td_status status = td_reader_open(&reader, topic, 0, 0, TD_READ_APPENDED);
    while (status == TD_OK && (status = td_reader_next(reader, &record)) == TD_OK) {
        status = td_record_get_raw(record.value, &raw);
        td_bytes src = td_record_header(&record, TD_SRC_HEADER);
        bool whole = raw.kind == TD_RAW_MESSAGE && raw.bytes.size > 0 && raw.bytes.data[raw.bytes.size - 1] == '}';
        const char *id = whole ? memmem(raw.bytes.data, raw.bytes.size, "\"t\":", 4) : NULL;
        if (status != TD_OK || !td_src_get(src, &at) || id == NULL) continue;
        int64_t n = strtoll(id + 4, NULL, 10);
        if (n < MESSAGES_MAX) raw_place[n] = (int64_t)(at.file & ~TD_SESSION_BIT) << 32 | (int64_t)at.line;
    }
    td_reader_close(reader);
    HOLDS(status == TD_AGAIN, "raw.live: %s", td_trail());
    for (int64_t id = 0; id < w->next_id; id++)
        HOLDS(seen_session[id] == 0 || raw_place[id] == (seen_session[id] << 32 | seen_line[id]),
              "message %" PRId64 " of session %" PRId64 " is not kept raw", id, seen_session[id]);
    return true;
}

static bool read_tape(world *w, tape *out, int64_t *out_compared) {
    static uint64_t marks[PARTITIONS][2][SESSIONS_MAX];
    memset(marks, 0, sizeof marks);
    memset(seen_session, 0, MESSAGES_MAX * sizeof *seen_session);
    *out = (tape){0};
    for (uint32_t p = 0; p < PARTITIONS; p++)
        if (!read_partition(w, p, out, marks[p])) return false;
    return check_sessions(w, out_compared) && check_marks(marks) && (w->config.feed_count == 1 || check_raw(w));
}

/* ---- a seed ---- */

static bool open_world(world *w, uint64_t seed, bool live, bool trace) {
    *w = (world){.sim = td_sim_new(seed), .random.state = seed, .trace = trace};
    w->os = td_sim_os(w->sim);
    w->peer = peer_simulated.open(seed);
    return load(w, live) && start(w);
}

static void close_world(world *w) {
    td_engine_close(w->engine, true);
    td_config_fini(&w->config);
    peer_simulated.close(w->peer);
    td_sim_free(w->sim);
}

static bool run_live(world *w, const tape *wanted, int64_t *out_compared) {
    tape found = {0};
    for (int i = 0; i < TURNS; i++) {
        act(w, false);
        disturb(w);
        turn(w);
        if (below(w, TURNS / 3) == 0 && !restart(w)) return false;
    }
    calm(w);
    for (int i = 0; i < LAST_TURNS && (i % 1000 != 999 || td_engine_finished(w->engine) || !found.ended); i++) {
        act(w, true);
        turn(w);
        int64_t compared = 0;
        if (i % 1000 == 998 && !read_tape(w, &found, &compared)) return false;
        *out_compared = compared > *out_compared ? compared : *out_compared;
    }
    HOLDS(found.ended, "the other feed does not end");
    for (int p = 0; p < PARTITIONS; p++)
        HOLDS(found.digest[p] == wanted->digest[p] && found.count[p] == wanted->count[p],
              "the other feed has %" PRId64 " records in partition %d, without a live one %" PRId64, found.count[p], p,
              wanted->count[p]);
    return true;
}

static bool run_seed(uint64_t seed, bool trace) {
    static tape alone;
    static int64_t compared;
    world w;
    bool good = true;
    if (seen_session == NULL) {
        seen_session = td_alloc_zero(MESSAGES_MAX, sizeof *seen_session);
        seen_line = td_alloc_zero(MESSAGES_MAX, sizeof *seen_line);
        raw_place = td_alloc_zero(MESSAGES_MAX, sizeof *raw_place);
        good = open_world(&w, 1, false, trace);
        for (int i = 0; good && i < LAST_TURNS && !td_engine_finished(w.engine); i++) turn(&w);
        good = good && read_tape(&w, &alone, &compared) && alone.ended;
        close_world(&w);
    }
    compared = 0;
    good = good && open_world(&w, seed, true, trace) && run_live(&w, &alone, &compared);
    if (good && trace)
        (void)fprintf(stderr, "%zu sessions, %" PRId64 " messages compared\n", w.session_count, compared);
    if (good && compared == 0) (void)fprintf(stderr, "nothing was compared\n");
    good = good && compared > 0;
    close_world(&w);
    return good;
}

int main(int argc, char **argv) { return td_seeds_main(argc, argv, run_seed); }
