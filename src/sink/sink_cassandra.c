/* src/sink/sink_cassandra.c - rows in tables of Cassandra, which are made where they are missing. The store has no
 * transactions: rows go first, many at a time, and the position when every one is answered for. Whatever dies between,
 * the same rows come again and leave one copy, for a row's key says where its record is. The last prices are told when
 * they are newer than what was told, which is asked for at the beginning, and are written as of their event time: what
 * comes later and is older never wins, whatever the nodes' clocks say.
 *
 * Rows of one partition go together, in unlogged batches, to a node that owns it; nodes warn of batches above 5 kB and
 * refuse ten times that.
 *
 * Errors: TD_RETRY (nodes that are away, overloaded or too few), TD_CONFIG (login, permissions, a schema that others
 * have changed, options). */
#include "base/hash.h"
#include "base/time.h"
#include "net/cql_cluster.h"
#include "net/cql_token.h"
#include "sink/cassandra_tables.h"
#include "sink/template.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    BATCH_BYTES = 4096,
    NAME_MAX_BYTES = 48, /* of a table or a keyspace */
    PAGE_ROWS = 5000,
    SLOTS_LEAST = 64,
    PLACE_MARKS = 3, /* of the statement that asks for a position */
    NONE = -1,
};

#define LOOK_NS (50 * TD_NS_PER_MS)
#define OPEN_NS (10 * TD_NS_PER_S)
#define ANSWER_NS                                                                                                      \
    (20 * TD_NS_PER_S) /* a node says after 2 s that others did not answer it; making a table takes longer */
#define AGREE_NS   (20 * TD_NS_PER_S)
#define EMPTIED_NS (90 * TD_NS_PER_S) /* nodes give a table 60 s, and one that is still at it takes what came since */

typedef struct known { /* of an instrument */
    char *instrument;
    td_cassandra_latest latest; /* told, or about to be */
    size_t touched;             /* by the batch of that number */
    td_buf symbol_insert;       /* id of the statement for its own table; empty: not made yet */
} known;

typedef struct aim { /* of one row */
    td_cassandra_partition to;
    size_t row;
} aim;

typedef struct cassandra_sink {
    const td_os *os;
    const td_sink_conf *conf;
    td_cql_conf cql_conf;
    td_cql_cluster *nodes;
    td_cassandra_form form;
    td_cql_consistency consistency;
    bool begun, has_tables; /* statements are prepared and what is latest is known; tables were looked at */
    td_buf inserts[TD_CASSANDRA_TABLES], get_position; /* ids of statements */
    bool of_trades;                                    /* they say what is latest, not bars */
    known *knowns;
    size_t known_count, slot_count, batch_number;
    uint32_t *slots; /* of knowns by instrument, open addressing, 0: none; a power of two of them, at most half full */
    aim *aims;
    size_t aim_capacity;
    td_cql_values values;
    td_cql_batch batch;
    td_buf body, text, key;
    td_status failed; /* of the answers that were owed, the first that was none */
    char why[512];
} cassandra_sink;

/* ---- names ---- */

static bool is_of_names(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

static const td_template_form symbol_names = {.key = "symbol_table",
                                              .is_literal = is_of_names,
                                              .is_of_words = is_of_names,
                                              .stand_in = '_',
                                              .said = "names of tables have letters, digits and '_'"};

static bool is_letter(char c) { return is_of_names(c) && (c < '0' || c > '9') && c != '_'; }

static bool is_name(const char *text) {
    size_t size = 0;
    while (is_of_names(text[size])) size++;
    return text[size] == '\0' && size <= NAME_MAX_BYTES && is_letter(text[0]);
}

static td_status check_names(const td_sink_conf *conf) {
    if (!is_name(conf->keyspace))
        return TD_FAIL(TD_CONFIG,
                       "keyspace: \"%.64s\": a name has a letter first, then letters, digits and '_', at most %d",
                       conf->keyspace, NAME_MAX_BYTES);
    if (conf->datacenter != NULL && strpbrk(conf->datacenter, "'\r\n") != NULL)
        return TD_FAIL(TD_CONFIG, "datacenter: a name has no quotes");
    if (conf->symbol_table == NULL) return TD_OK;
    td_status status = td_template_check(&symbol_names, conf->symbol_table);
    if (status == TD_OK && !is_letter(conf->symbol_table[0]))
        return TD_FAIL(TD_CONFIG, "symbol_table: \"%s\": a name begins with a letter", conf->symbol_table);
    return status;
}

/* ---- instruments ---- */

static uint32_t *slot_of(cassandra_sink *s, td_bytes instrument) {
    size_t at = td_hash_bytes(instrument) & (s->slot_count - 1);
    while (s->slots[at] != 0 && !td_bytes_equal(td_text(s->knowns[s->slots[at] - 1].instrument), instrument))
        at = (at + 1) & (s->slot_count - 1);
    return &s->slots[at];
}

static void make_room(cassandra_sink *s) {
    if (s->known_count * 2 < s->slot_count) return;
    s->slot_count = s->slot_count > 0 ? 2 * s->slot_count : SLOTS_LEAST;
    free(s->slots);
    s->slots = td_alloc_zero(s->slot_count, sizeof *s->slots);
    size_t bytes = s->slot_count * sizeof *s->knowns;
    s->knowns = td_alloc_check(realloc(s->knowns, bytes), bytes);
    for (size_t i = 0; i < s->known_count; i++) *slot_of(s, td_text(s->knowns[i].instrument)) = (uint32_t)i + 1;
}

static const td_cassandra_latest no_latest = {.event_ns = TD_NONE, .ord = NONE, .stamp = TD_NONE};

static known *known_of(cassandra_sink *s, td_bytes instrument) {
    make_room(s);
    uint32_t *slot = slot_of(s, instrument);
    if (*slot == 0) {
        s->knowns[s->known_count] = (known){.instrument = td_copy_bytes(instrument), .latest = no_latest};
        *slot = (uint32_t)++s->known_count;
    }
    return &s->knowns[*slot - 1];
}

/* ---- one thing after the other ---- */

static td_cql *home_of(cassandra_sink *s) { return td_cql_cluster_home(s->nodes); }

static td_status run_text(cassandra_sink *s) {
    td_cql_reply reply;
    return td_cql_query(home_of(s), (const char *)s->text.data, &reply);
}

static void begin_text(cassandra_sink *s) { s->text.size = 0; }
static void end_text(cassandra_sink *s) { td_buf_put(&s->text, "", 1); }

static td_status prepare_text(cassandra_sink *s, td_buf *out_id) {
    td_cql_reply reply;
    s->body.size = 0;
    td_cql_put_prepare(&s->body, td_buf_bytes(&s->text));
    td_status status = td_cql_call(home_of(s), TD_CQL_PREPARE, td_buf_bytes(&s->body), &reply);
    if (status != TD_OK) return status;
    if (reply.answer.kind != TD_CQL_IS_PREPARED) return TD_FAIL(TD_RETRY, "the node prepares nothing");
    out_id->size = 0;
    td_buf_put(out_id, reply.answer.prepared.id.data, reply.answer.prepared.id.size);
    return TD_OK;
}

static td_status prepare_insert(cassandra_sink *s, td_cassandra_table table, const char *name, td_buf *out_id) {
    begin_text(s);
    td_cassandra_put_insert(&s->text, s->conf->keyspace, table, name);
    return prepare_text(s, out_id);
}

/* Whether the system's tables have a row of it; a name that was not quoted is in small letters. */
static td_status is_there(cassandra_sink *s, const char *table, bool *out) {
    td_cql_reply reply;
    char names[2][NAME_MAX_BYTES + 1] = {{0}, {0}};
    (void)snprintf(names[0], sizeof names[0], "%s", s->conf->keyspace);
    (void)snprintf(names[1], sizeof names[1], "%s", table != NULL ? table : "");
    for (int n = 0; n < 2; n++)
        for (char *at = names[n]; *at != '\0'; at++)
            if (*at >= 'A' && *at <= 'Z') *at = (char)(*at | 0x20);
    begin_text(s);
    td_buf_printf(&s->text, "SELECT keyspace_name FROM system_schema.%s WHERE keyspace_name = '%s'",
                  table != NULL ? "tables" : "keyspaces", names[0]);
    if (table != NULL) td_buf_printf(&s->text, " AND table_name = '%s'", names[1]);
    end_text(s);
    td_status status = td_cql_query(home_of(s), (const char *)s->text.data, &reply);
    if (status == TD_OK) *out = reply.answer.rows.count > 0;
    return status;
}

static td_status make_keyspace(cassandra_sink *s) {
    bool there = false;
    td_status status = is_there(s, NULL, &there);
    if (status != TD_OK || there) return status;
    const td_sink_conf *conf = s->conf;
    int64_t replicas = conf->replicas > 0 ? conf->replicas : 1;
    begin_text(s);
    td_buf_printf(&s->text, "CREATE KEYSPACE IF NOT EXISTS %s WITH replication = {'class': '%s', '%s': %" PRId64 "}",
                  conf->keyspace, conf->datacenter != NULL ? "NetworkTopologyStrategy" : "SimpleStrategy",
                  conf->datacenter != NULL ? conf->datacenter : "replication_factor", replicas);
    end_text(s);
    status = run_text(s);
    return status == TD_OK ? td_cql_agree(home_of(s), s->os, AGREE_NS) : status;
}

/* Whoever writes to it lets the nodes agree first. */
static td_status make_table(cassandra_sink *s, td_cassandra_table table, const char *name) {
    bool there = false;
    td_status status = is_there(s, name, &there);
    if (status != TD_OK || there) return status;
    begin_text(s);
    td_cassandra_put_create(&s->text, &s->form, table, name);
    end_text(s);
    return run_text(s);
}

/* ---- the beginning ---- */

static void take_latest(cassandra_sink *s, td_cql_rows rows) {
    td_bytes cells[4];
    while (td_cql_row_next(&rows, cells, 4)) {
        if (cells[0].size == 0) continue;
        known *k = known_of(s, cells[0]);
        if (!td_cql_get_bigint(cells[1], &k->latest.event_ns)) k->latest.event_ns = TD_NONE;
        if (!td_cql_get_bigint(cells[2], &k->latest.ord)) k->latest.ord = NONE;
        if (!td_cql_get_bigint(cells[3], &k->latest.stamp)) k->latest.stamp = TD_NONE;
    }
}

/* All rows of the query that is the text. */
static td_status read_pages(cassandra_sink *s, void (*take)(cassandra_sink *s, td_cql_rows rows)) {
    td_buf page = {0};
    td_status status;
    do {
        td_cql_reply reply;
        const td_cql_terms terms = {.consistency = s->consistency, .page_rows = PAGE_ROWS, .page = td_buf_bytes(&page)};
        s->body.size = 0;
        td_cql_put_query(&s->body, td_buf_bytes(&s->text), &terms);
        status = td_cql_call(home_of(s), TD_CQL_QUERY, td_buf_bytes(&s->body), &reply);
        if (status != TD_OK) break;
        take(s, reply.answer.rows);
        page.size = 0;
        td_buf_put(&page, reply.answer.rows.page.data, reply.answer.rows.page.size);
    } while (page.size > 0);
    td_buf_fini(&page);
    return status;
}

static td_status read_latest(cassandra_sink *s) {
    begin_text(s);
    td_buf_printf(&s->text, "SELECT instrument, event_ns, ord, writetime(ord) FROM %s.%s", s->conf->keyspace,
                  td_cassandra_table_name(TD_CASSANDRA_LATEST));
    return read_pages(s, take_latest);
}

static void forget(cassandra_sink *s) {
    for (size_t i = 0; i < s->known_count; i++) {
        s->knowns[i].symbol_insert.size = 0;
        s->knowns[i].latest = no_latest;
    }
}

/* The same after every failure: nodes may have forgotten, or others have changed what there is. */
static td_status begin(cassandra_sink *s) {
    td_status status = td_cql_cluster_make_ready(s->nodes);
    if (status == TD_OK && !s->has_tables) {
        status = make_keyspace(s);
        for (int t = 0; t < TD_CASSANDRA_TABLES && status == TD_OK; t++)
            status = make_table(s, (td_cassandra_table)t, td_cassandra_table_name((td_cassandra_table)t));
        if (status == TD_OK)
            status = td_cql_agree(home_of(s), s->os, AGREE_NS); /* also on what a former try has made */
        s->has_tables = status == TD_OK;
    }
    for (int t = 0; t < TD_CASSANDRA_TABLES && status == TD_OK; t++) {
        const char *name = td_cassandra_table_name((td_cassandra_table)t);
        status = prepare_insert(s, (td_cassandra_table)t, name, &s->inserts[t]);
    }
    forget(s);
    begin_text(s);
    td_buf_printf(&s->text, "SELECT epoch, next_offset FROM %s.%s WHERE name = ? AND topic = ? AND partition = ?",
                  s->conf->keyspace, td_cassandra_table_name(TD_CASSANDRA_POSITIONS));
    if (status == TD_OK) status = prepare_text(s, &s->get_position);
    if (status == TD_OK) status = read_latest(s);
    s->begun = status == TD_OK;
    return status;
}

/* ---- what a start needs ---- */

static td_status check_release(cassandra_sink *s) {
    td_cql_reply reply;
    td_bytes release = {0};
    td_status status = td_cql_query(home_of(s), "SELECT release_version FROM system.local WHERE key = 'local'", &reply);
    if (status != TD_OK) return status;
    if (td_cql_row_next(&reply.answer.rows, &release, 1) && td_cassandra_serves(release)) return TD_OK;
    return TD_FAIL(TD_CONFIG, "the node is Cassandra %.*s; 3.0.8 is the least", (int)release.size,
                   (const char *)release.data);
}

/* A node looks at permissions before it looks at values, and refuses those that are unset: nothing is written. */
static td_status check_right(cassandra_sink *s, const td_buf *statement, uint32_t marks, const char *right,
                             const char *table) {
    td_cql_reply reply = {0};
    const td_cql_terms terms = {.consistency = s->consistency, .values = &s->values};
    td_cql_values_clear(&s->values);
    while (s->values.count < marks) td_cql_add_unset(&s->values);
    s->body.size = 0;
    td_cql_put_execute(&s->body, td_buf_bytes(statement), &terms);
    td_status status = td_cql_call(home_of(s), TD_CQL_EXECUTE, td_buf_bytes(&s->body), &reply);
    if (status != TD_CONFIG || reply.answer.error.code == TD_CQL_ERROR_INVALID)
        return status == TD_CONFIG ? TD_OK : status;
    return td_trace(status, "checking that the user has %s on %s.%s", right, s->conf->keyspace, table);
}

static td_status check_rights(cassandra_sink *s) {
    const char *positions = td_cassandra_table_name(TD_CASSANDRA_POSITIONS);
    td_status status = check_right(s, &s->get_position, PLACE_MARKS, "SELECT", positions);
    for (int t = 0; t < TD_CASSANDRA_TABLES && status == TD_OK; t++)
        status = check_right(s, &s->inserts[t], td_cassandra_marks((td_cassandra_table)t), "MODIFY",
                             td_cassandra_table_name((td_cassandra_table)t));
    return status;
}

/* ---- the position ---- */

static void add_place(cassandra_sink *s, const char *topic, uint32_t partition) {
    td_cql_values_clear(&s->values);
    td_cql_add_bytes(&s->values, td_text(s->conf->name));
    td_cql_add_bytes(&s->values, td_text(topic));
    td_cql_add_int(&s->values, (int32_t)partition);
}

static td_status cassandra_position(void *sink, const char *topic, uint32_t partition, td_position *out) {
    cassandra_sink *s = sink;
    td_cql_reply reply;
    td_bytes cells[2];
    td_status status = s->begun ? td_cql_cluster_make_ready(s->nodes) : begin(s);
    if (status != TD_OK) return status;
    const td_cql_terms terms = {.consistency = s->consistency, .values = &s->values};
    add_place(s, topic, partition);
    s->body.size = 0;
    td_cql_put_execute(&s->body, td_buf_bytes(&s->get_position), &terms);
    status = td_cql_call(home_of(s), TD_CQL_EXECUTE, td_buf_bytes(&s->body), &reply);
    if (status != TD_OK) return status;
    *out = (td_position){-1, 0};
    if (!td_cql_row_next(&reply.answer.rows, cells, 2)) return TD_OK;
    if (!td_cql_get_int(cells[0], &out->epoch) || !td_cql_get_bigint(cells[1], &out->offset))
        return TD_FAIL(TD_CONFIG, "%s.positions holds what no sink has written", s->conf->keyspace);
    return TD_OK;
}

/* ---- many at once ---- */

static void note_failure(cassandra_sink *s, td_status status, const char *why) {
    if (s->failed != TD_OK) return;
    s->failed = status;
    (void)snprintf(s->why, sizeof s->why, "%s", why);
}

static void pump(cassandra_sink *s) {
    td_cql_reply reply;
    bool any = false;
    td_status status = td_cql_cluster_step(s->nodes);
    if (status != TD_OK) note_failure(s, status == TD_AGAIN ? TD_RETRY : status, td_trail());
    while (td_cql_cluster_next(s->nodes, &reply) == TD_OK) {
        any = true;
        if (reply.status != TD_OK) note_failure(s, reply.status, reply.detail);
    }
    if (!any) td_cql_cluster_wait(s->nodes, LOOK_NS);
}

static void send(cassandra_sink *s, int64_t token, td_cql_opcode opcode, td_bytes body) {
    td_status status = TD_FULL;
    while (s->failed == TD_OK && (status = td_cql_cluster_ask(s->nodes, token, opcode, body, 0)) == TD_FULL) pump(s);
    if (status != TD_OK && status != TD_FULL) note_failure(s, status, td_trail());
}

/* The values are a row's: those of its partition's key come first. */
static int64_t token_of(cassandra_sink *s, td_cassandra_table table) {
    return td_cql_token(&s->values, td_cassandra_keys(table), &s->key);
}

static void send_values(cassandra_sink *s, int64_t token, const td_buf *insert) {
    const td_cql_terms terms = {.consistency = s->consistency, .values = &s->values};
    s->body.size = 0;
    td_cql_put_execute(&s->body, td_buf_bytes(insert), &terms);
    send(s, token, TD_CQL_EXECUTE, td_buf_bytes(&s->body));
}

/* Every answer that is owed. */
static td_status settle(cassandra_sink *s) {
    while (td_cql_cluster_in_flight(s->nodes) > 0) pump(s);
    if (s->failed == TD_OK) return TD_OK;
    s->begun = false;
    return TD_FAIL(s->failed, "%s", s->why);
}

/* ---- rows ---- */

static int compare_aims(const void *a_any, const void *b_any) {
    const aim *a = a_any, *b = b_any;
    int order = td_cassandra_partition_compare(&a->to, &b->to);
    return order != 0 ? order : a->row < b->row ? -1 : 1;
}

static void take_aim(cassandra_sink *s, const td_sink_row *rows, size_t count) {
    if (count > s->aim_capacity) {
        s->aims = td_alloc_check(realloc(s->aims, count * sizeof *s->aims), count * sizeof *s->aims);
        s->aim_capacity = count;
    }
    for (size_t i = 0; i < count; i++) s->aims[i] = (aim){td_cassandra_partition_of(&rows[i]), i};
    if (count > 1) qsort(s->aims, count, sizeof *s->aims, compare_aims);
}

static void add_row(cassandra_sink *s, const aim *a, uint32_t partition, const td_sink_row *rows) {
    td_cql_values_clear(&s->values);
    td_cassandra_add_row(&s->values, &a->to, partition, &rows[a->row]);
}

/* As many rows of the first one's partition as a batch may have; a single one goes without, however long it is. */
static size_t send_batch(cassandra_sink *s, const aim *aims, size_t count, uint32_t partition, const td_sink_row *rows,
                         const td_buf *insert) {
    size_t n = 0;
    int64_t token = 0;
    const td_cassandra_table table = aims[0].to.table;
    td_cql_batch_begin(&s->batch);
    while (n < count && td_cassandra_partition_compare(&aims[0].to, &aims[n].to) == 0) {
        add_row(s, &aims[n], partition, rows);
        if (n > 0 && s->batch.body.size + s->values.bytes.size > BATCH_BYTES) break;
        td_cql_batch_add(&s->batch, td_buf_bytes(insert), &s->values);
        if (n++ == 0) token = token_of(s, table); /* and all others' */
    }
    td_cql_batch_end(&s->batch, s->consistency);
    if (n == 1) {
        add_row(s, aims, partition, rows);
        send_values(s, token, insert);
    } else {
        send(s, token, TD_CQL_BATCH, td_buf_bytes(&s->batch.body));
    }
    return n;
}

/* Into the table of each instrument's own, beside that of all. */
static bool has_own_table(const cassandra_sink *s, const aim *a) {
    return s->conf->symbol_table != NULL && a->to.table == TD_CASSANDRA_BARS;
}

static td_status fill_name(const cassandra_sink *s, const char *topic, const known *k, char name[NAME_MAX_BYTES + 1]) {
    const td_bytes instrument = td_text(k->instrument);
    if (td_template_fill(&symbol_names, s->conf->symbol_table, topic, instrument, name, NAME_MAX_BYTES)) return TD_OK;
    return TD_FAIL(TD_CONFIG, "symbol_table: the name for %s has more than %d characters", k->instrument,
                   NAME_MAX_BYTES);
}

static td_status make_own_tables(cassandra_sink *s, const char *topic, size_t count) {
    td_status status = TD_OK;
    bool fresh = false;
    for (size_t i = 0; i < count && status == TD_OK; i++) {
        if (!has_own_table(s, &s->aims[i])) continue;
        char name[NAME_MAX_BYTES + 1];
        known *k = known_of(s, s->aims[i].to.instrument);
        if (k->symbol_insert.size > 0) continue;
        status = fill_name(s, topic, k, name);
        if (status == TD_OK) status = make_table(s, TD_CASSANDRA_BARS, name);
        if (status == TD_OK) status = prepare_insert(s, TD_CASSANDRA_BARS, name, &k->symbol_insert);
        fresh = true;
    }
    return status == TD_OK && fresh ? td_cql_agree(home_of(s), s->os, AGREE_NS) : status;
}

static void send_rows(cassandra_sink *s, uint32_t partition, const td_sink_row *rows, size_t count) {
    for (size_t i = 0; i < count && s->failed == TD_OK;) {
        const aim *a = &s->aims[i];
        size_t end = i + send_batch(s, a, count - i, partition, rows, &s->inserts[a->to.table]);
        if (!has_own_table(s, a)) {
            i = end;
            continue;
        }
        const td_buf *insert = &known_of(s, a->to.instrument)->symbol_insert;
        while (i < end) i += send_batch(s, &s->aims[i], end - i, partition, rows, insert);
    }
}

/* What is newest of each instrument, once. Where the batch comes again, it is what is known already, and told again. */
static void send_latest(cassandra_sink *s, const td_sink_row *rows, size_t count) {
    td_cassandra_latest latest;
    s->batch_number++;
    for (size_t i = 0; i < count; i++) {
        bool of_kind = (rows[i].kind == TD_ROW_BAR) != s->of_trades;
        if (!of_kind || !td_cassandra_latest_of(&rows[i], &latest)) continue;
        known *k = known_of(s, rows[i].instrument);
        if (td_cassandra_latest_take(&k->latest, &latest)) k->touched = s->batch_number;
    }
    for (size_t i = 0; i < s->known_count && s->failed == TD_OK; i++) {
        if (s->knowns[i].touched != s->batch_number) continue;
        td_cql_values_clear(&s->values);
        td_cassandra_add_latest(&s->values, td_text(s->knowns[i].instrument), &s->knowns[i].latest);
        send_values(s, token_of(s, TD_CASSANDRA_LATEST), &s->inserts[TD_CASSANDRA_LATEST]);
    }
}

static void send_position(cassandra_sink *s, const char *topic, uint32_t partition, td_position next) {
    add_place(s, topic, partition);
    td_cql_add_int(&s->values, next.epoch);
    td_cql_add_bigint(&s->values, next.offset);
    send_values(s, token_of(s, TD_CASSANDRA_POSITIONS), &s->inserts[TD_CASSANDRA_POSITIONS]);
}

static td_status cassandra_write(void *sink, const char *topic, uint32_t partition, const td_sink_row *rows,
                                 size_t row_count, td_position next) {
    cassandra_sink *s = sink;
    s->failed = TD_OK;
    td_status status = s->begun ? td_cql_cluster_make_ready(s->nodes) : begin(s);
    take_aim(s, rows, row_count);
    if (status == TD_OK) status = make_own_tables(s, topic, row_count);
    if (status != TD_OK) {
        s->begun = false;
        return status;
    }
    send_rows(s, partition, rows, row_count);
    send_latest(s, rows, row_count);
    status = settle(s);
    if (status != TD_OK) return status;
    send_position(s, topic, partition, next);
    return settle(s);
}

/* ---- setting back ---- */

static void take_instruments(cassandra_sink *s, td_cql_rows rows) {
    td_bytes cell;
    while (td_cql_row_next(&rows, &cell, 1))
        if (cell.size > 0) (void)known_of(s, cell);
}

static void note_others(cassandra_sink *s, td_cql_rows rows) {
    td_bytes cell;
    while (td_cql_row_next(&rows, &cell, 1))
        if (!td_bytes_equal(cell, td_text(s->conf->name)))
            (void)snprintf(s->why, sizeof s->why, "%.*s", (int)cell.size, (const char *)cell.data);
}

/* Rows do not say which sink has written them. */
static td_status check_alone(cassandra_sink *s) {
    s->why[0] = '\0';
    begin_text(s);
    td_buf_printf(&s->text, "SELECT DISTINCT name FROM %s.%s", s->conf->keyspace,
                  td_cassandra_table_name(TD_CASSANDRA_POSITIONS));
    td_status status = read_pages(s, note_others);
    if (status != TD_OK || s->why[0] == '\0') return status;
    return TD_FAIL(TD_CONFIG, "keyspace %s holds the rows of sink %s, too, and all would go: give each sink its own",
                   s->conf->keyspace, s->why);
}

static td_status empty_table(cassandra_sink *s, const char *name) {
    bool there = false;
    td_status status = is_there(s, name, &there);
    if (status != TD_OK || !there) return status;
    begin_text(s);
    td_buf_printf(&s->text, "TRUNCATE %s.%s", s->conf->keyspace, name);
    end_text(s);
    return run_text(s);
}

/* Which there are is known by the instruments that have bars. */
static td_status empty_own_tables(cassandra_sink *s) {
    if (s->conf->symbol_table == NULL) return TD_OK;
    begin_text(s);
    td_buf_printf(&s->text, "SELECT DISTINCT instrument, width_ns, year FROM %s.%s", s->conf->keyspace,
                  td_cassandra_table_name(TD_CASSANDRA_BARS));
    td_status status = read_pages(s, take_instruments);
    for (size_t i = 0; i < s->known_count && status == TD_OK; i++) {
        char name[NAME_MAX_BYTES + 1];
        status = fill_name(s, "bars", &s->knowns[i], name);
        if (status == TD_OK) status = empty_table(s, name);
    }
    return status;
}

static td_status empty_tables(cassandra_sink *s) {
    td_status status = empty_own_tables(s);
    for (int t = 0; t < TD_CASSANDRA_POSITIONS && status == TD_OK; t++)
        status = empty_table(s, td_cassandra_table_name((td_cassandra_table)t));
    return status;
}

static td_status cassandra_reset(void *sink, const td_sink_place *places, size_t count, bool empties) {
    cassandra_sink *s = sink;
    s->failed = TD_OK;
    s->cql_conf.answer_ns = EMPTIED_NS;
    td_status status = s->begun ? td_cql_cluster_make_ready(s->nodes) : begin(s);
    if (status == TD_OK && empties) status = check_alone(s);
    if (status == TD_OK && empties) status = empty_table(s, td_cassandra_table_name(TD_CASSANDRA_POSITIONS));
    for (size_t i = 0; i < count && status == TD_OK; i++)
        send_position(s, places[i].topic, places[i].partition, places[i].at);
    if (status == TD_OK) status = settle(s);
    if (status == TD_OK && empties) status = empty_tables(s);
    s->cql_conf.answer_ns = ANSWER_NS;
    s->begun = false; /* what is latest is another */
    return status;
}

/* ---- life ---- */

static td_status cassandra_look(const void *sink) {
    return td_cql_cluster_routes(((const cassandra_sink *)sink)->nodes);
}

static void cassandra_close(void *sink) {
    cassandra_sink *s = sink;
    if (s == NULL) return;
    td_cql_cluster_close(s->nodes);
    for (size_t i = 0; i < s->known_count; i++) {
        free(s->knowns[i].instrument);
        td_buf_fini(&s->knowns[i].symbol_insert);
    }
    for (int t = 0; t < TD_CASSANDRA_TABLES; t++) td_buf_fini(&s->inserts[t]);
    td_cql_values_fini(&s->values);
    td_buf_fini(&s->get_position);
    td_buf_fini(&s->batch.body);
    td_buf_fini(&s->body);
    td_buf_fini(&s->text);
    td_buf_fini(&s->key);
    free(s->knowns);
    free(s->slots);
    free(s->aims);
    free(s);
}

static bool takes_trades(const td_texts *of) {
    for (size_t i = 0; i < of->count; i++)
        if (strcmp(of->items[i], "trades") == 0) return true;
    return false;
}

static td_status cassandra_open(void **out, const td_os *os, const td_sink_conf *conf) {
    static const td_cql_consistency levels[] = {TD_CQL_LOCAL_QUORUM, TD_CQL_LOCAL_ONE, TD_CQL_ONE, TD_CQL_QUORUM,
                                                TD_CQL_ALL};
    td_status status = check_names(conf);
    if (status != TD_OK) return status;
    cassandra_sink *s = td_alloc_zero(1, sizeof *s);
    s->os = os;
    s->conf = conf;
    s->consistency = levels[conf->consistency];
    s->of_trades = takes_trades(&conf->of);
    s->form = (td_cassandra_form){conf->keyspace, conf->ttl_ns / TD_NS_PER_S, conf->window_ns};
    s->cql_conf = (td_cql_conf){.wire = &td_wire_curl,
                                .tls = conf->tls,
                                .ca_file = conf->ca,
                                .user = conf->user,
                                .password = conf->password,
                                .lz4 = conf->compress,
                                .in_flight_most = (uint32_t)conf->in_flight,
                                .open_ns = OPEN_NS,
                                .answer_ns = ANSWER_NS};
    status = td_cql_cluster_open(&s->nodes, os, &s->cql_conf, &conf->nodes);
    if (status == TD_OK) status = td_cql_cluster_make_ready(s->nodes);
    if (status == TD_OK) status = check_release(s);
    if (status == TD_OK) status = begin(s);
    if (status == TD_OK) status = check_rights(s);
    if (status != TD_OK) {
        cassandra_close(s);
        return status;
    }
    *out = s;
    return TD_OK;
}

static const td_option options[] = {
    {.key = "name",
     .type = TD_OPTION_TEXT,
     .offset = offsetof(td_sink_conf, name),
     .help = "name of this sink, by which its position is kept; default: the kind, then kind-2, …"},
    {.key = "nodes",
     .type = TD_OPTION_TEXTS,
     .unit = "HOST:PORT",
     .required = true,
     .offset = offsetof(td_sink_conf, nodes),
     .help = "of the cluster, asked all at once: the first that answers tells of the others; without a port 9042"},
    {.key = "keyspace",
     .type = TD_OPTION_TEXT,
     .fallback = "tapedeck",
     .offset = offsetof(td_sink_conf, keyspace),
     .help = "holds the tables; it and they are made when missing"},
    {.key = "symbol_table",
     .type = TD_OPTION_TEXT,
     .offset = offsetof(td_sink_conf, symbol_table),
     .help =
         "bars go to a table of each instrument, too, such as \"stock_{symbol}\": {symbol}, {venue} and {instrument} "
         "stand for a row's own, with '_' for what is no letter, digit or '_'"},
    {.key = "of",
     .type = TD_OPTION_TEXTS,
     .offset = offsetof(td_sink_conf, of),
     .help =
         "what goes there: bars, signals, fills, gaps, vendor_bars, quarantine, rejected; trades, quotes and news that "
         "`log.publish` names; unset: the first seven"},
    {.key = "user", .type = TD_OPTION_TEXT, .offset = offsetof(td_sink_conf, user), .help = "who logs in"},
    {.key = "password", .type = TD_OPTION_SECRET, .offset = offsetof(td_sink_conf, password), .help = "by ${VARIABLE}"},
    {.key = "password_file",
     .type = TD_OPTION_TEXT,
     .unit = "FILE",
     .offset = offsetof(td_sink_conf, password_file),
     .help = "or the file that holds it"},
    {.key = "tls",
     .type = TD_OPTION_BOOL,
     .fallback = "false",
     .offset = offsetof(td_sink_conf, tls),
     .help = "connections are encrypted, and the nodes' certificates verified"},
    {.key = "ca",
     .type = TD_OPTION_TEXT,
     .unit = "FILE",
     .offset = offsetof(td_sink_conf, ca),
     .help = "authorities to believe for `tls`, PEM; unset: the system's"},
    {.key = "compress",
     .type = TD_OPTION_BOOL,
     .fallback = "true",
     .offset = offsetof(td_sink_conf, compress),
     .help = "what is sent and received is compressed by lz4, where the nodes can"},
    {.key = "consistency",
     .type = TD_OPTION_CHOICE,
     .choices = "local_quorum|local_one|one|quorum|all",
     .fallback = "local_quorum",
     .offset = offsetof(td_sink_conf, consistency),
     .help = "of replicas that must have a row before it counts as written"},
    {.key = "in_flight",
     .type = TD_OPTION_INT,
     .fallback = "64",
     .min = 1,
     .max = TD_CQL_IN_FLIGHT_MOST,
     .unit = "requests",
     .offset = offsetof(td_sink_conf, in_flight),
     .help = "on their way at once"},
    {.key = "replicas",
     .type = TD_OPTION_INT,
     .fallback = "1",
     .min = 1,
     .max = 100,
     .unit = "nodes",
     .offset = offsetof(td_sink_conf, replicas),
     .help = "that hold each row of a keyspace that is made"},
    {.key = "datacenter",
     .type = TD_OPTION_TEXT,
     .offset = offsetof(td_sink_conf, datacenter),
     .help = "of these replicas (NetworkTopologyStrategy); unset: any (SimpleStrategy)"},
    {.key = "ttl",
     .type = TD_OPTION_DURATION,
     .fallback = "0s",
     .max = 7300.0 * (double)TD_NS_PER_DAY,
     .offset = offsetof(td_sink_conf, ttl_ns),
     .help = "how long rows of tables that are made stay; 0: for ever; `latest` and `positions` always stay"},
    {.key = "window",
     .type = TD_OPTION_DURATION,
     .fallback = "1d",
     .min = (double)TD_NS_PER_MIN,
     .max = 366.0 * (double)TD_NS_PER_DAY,
     .offset = offsetof(td_sink_conf, window_ns),
     .help = "of TimeWindowCompactionStrategy, of tables that are made by day, or with ttl: rows of such a time lie "
             "together"},
    {0},
};

const td_sink_ops td_sink_cassandra = {.kind = "cassandra",
                                       .options = options,
                                       .takes_quarantine = true,
                                       .takes_rejected = true,
                                       .open = cassandra_open,
                                       .position = cassandra_position,
                                       .write = cassandra_write,
                                       .reset = cassandra_reset,
                                       .look = cassandra_look,
                                       .close = cassandra_close};
