/* tests/tools/cql_ask.c - Cassandra, asked by our client: a command a line on standard input, answers on standard
 * output, a line for each row and one at the end of each command.
 *
 *   query TEXT            one answer
 *   pages N TEXT          all rows, N of them a page
 *   prepare TEXT          its number is that of the command among those of its kind
 *   execute S TEXT INT    a statement of two marks
 *   many S TEXT N         the same N times, of the numbers from 0 on, as many at once as may be
 *   batch S TEXT N        the same in one unlogged batch
 *   token HEX…            of a partition's key of these columns, as we compute it
 *   agree, connect, again (how many statements were prepared again)
 *
 * cql_ask HOST:PORT [USER PASSWORD] with CQL_CA_FILE (TLS) and CQL_PLAIN (no lz4) in the environment. */
#include "../unit/cql_ready.h"
#include "base/time.h"
#include "net/cql.h"
#include "net/cql_token.h"
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { LINE_BYTES = 64 * 1024, STATEMENTS_MAX = 8, CELLS_MAX = 16, IN_FLIGHT = 64, BLOB = 0x03 };

static td_cql *cql;
static td_cql_statements statements;
static td_buf body, ids[STATEMENTS_MAX];
static int statement_count;

static void print_cell(uint16_t type, td_bytes cell) {
    int32_t number;
    int64_t big;
    bool text = type == 0x01 || type == 0x0A || type == 0x0D;
    if (cell.data == NULL)
        printf("null");
    else if (text)
        printf("%.*s", (int)cell.size, (const char *)cell.data);
    else if (type != BLOB && td_cql_get_int(cell, &number))
        printf("%" PRId32, number);
    else if (type != BLOB && td_cql_get_bigint(cell, &big))
        printf("%" PRId64, big);
    else
        for (size_t i = 0; i < cell.size; i++) printf("%02x", cell.data[i]);
}

static void print_rows(td_cql_rows rows) {
    td_bytes cells[CELLS_MAX];
    uint32_t width = rows.columns.count < CELLS_MAX ? rows.columns.count : CELLS_MAX;
    while (td_cql_row_next(&rows, cells, width)) {
        td_cql_columns columns = rows.columns;
        td_cql_column column;
        for (uint32_t i = 0; i < width && td_cql_column_next(&columns, &column); i++) {
            printf("%s", i > 0 ? "|" : "row ");
            print_cell(column.type, cells[i]);
        }
        printf("\n");
    }
}

static void print_end(td_status status, const td_cql_answer *a) {
    static const char *const kinds[] = {"error", "ready", "authenticate", "challenge", "success",  "supported",
                                        "event", "void",  "rows",         "keyspace",  "prepared", "schema"};
    if (status == TD_OK) {
        printf("%s ", kinds[a->kind]);
        if (a->text.size > 0) (void)fwrite(a->text.data, 1, a->text.size, stdout);
        printf("\n");
    } else
        printf("%s %s\n", td_status_name(status), td_trail());
    (void)fflush(stdout);
}

static void query(const char *text, int32_t page_rows) {
    td_cql_reply reply = {0};
    td_buf page = {0};
    td_status status;
    int pages = 0;
    do {
        const td_cql_terms terms = {TD_CQL_LOCAL_QUORUM, page_rows, td_buf_bytes(&page), NULL};
        body.size = 0;
        td_cql_put_query(&body, td_text(text), &terms);
        status = td_cql_call(cql, TD_CQL_QUERY, td_buf_bytes(&body), &reply);
        if (status != TD_OK) break;
        if (reply.answer.kind == TD_CQL_IS_ROWS) print_rows(reply.answer.rows);
        page.size = 0;
        td_buf_put(&page, reply.answer.rows.page.data, reply.answer.rows.page.size);
        pages++;
    } while (page.size > 0);
    if (page_rows > 0) printf("pages %d\n", pages);
    print_end(status, &reply.answer);
    td_buf_fini(&page);
}

static void prepare(const char *text) {
    td_cql_reply reply = {0};
    body.size = 0;
    td_cql_put_prepare(&body, td_text(text));
    td_status status = td_cql_call(cql, TD_CQL_PREPARE, td_buf_bytes(&body), &reply);
    if (status == TD_OK) {
        const td_bytes id = reply.answer.prepared.id;
        assert(statement_count < STATEMENTS_MAX);
        td_buf_put(&ids[statement_count++], id.data, id.size);
        printf("values %u keys %u\n", reply.answer.prepared.values.count, reply.answer.prepared.keys);
    }
    print_end(status, &reply.answer);
}

static void put_execute(int s, const char *text, int32_t number) {
    td_cql_values values = {0};
    const td_cql_terms terms = {.consistency = TD_CQL_LOCAL_QUORUM, .values = &values};
    td_cql_add_bytes(&values, td_text(text));
    td_cql_add_int(&values, number);
    body.size = 0;
    td_cql_put_execute(&body, td_buf_bytes(&ids[s]), &terms);
    td_cql_values_fini(&values);
}

static void execute(int s, const char *text, int32_t number) {
    td_cql_reply reply = {0};
    put_execute(s, text, number);
    td_status status = td_cql_call(cql, TD_CQL_EXECUTE, td_buf_bytes(&body), &reply);
    if (status == TD_OK && reply.answer.kind == TD_CQL_IS_ROWS) print_rows(reply.answer.rows);
    print_end(status, &reply.answer);
}

static void many(int s, const char *text, int count) {
    td_cql_reply reply = {0};
    int asked = 0, good = 0, bad = 0;
    uint32_t most = 0;
    td_status status = cql_make_ready(cql);
    while (good + bad < asked || (asked < count && status == TD_OK)) {
        for (td_status sent = TD_OK; status == TD_OK && sent == TD_OK && asked < count;) {
            put_execute(s, text, asked);
            sent = td_cql_ask(cql, TD_CQL_EXECUTE, td_buf_bytes(&body), (uint64_t)asked);
            asked += sent == TD_OK;
        }
        if (td_cql_in_flight(cql) > most) most = td_cql_in_flight(cql);
        status = td_cql_step(cql);
        while (td_cql_next(cql, &reply) == TD_OK) reply.status == TD_OK ? good++ : bad++;
        if (good + bad < asked) td_cql_wait(cql, 10 * TD_NS_PER_MS);
    }
    printf("good %d bad %d most %u\n", good, bad, most);
    print_end(status, &reply.answer);
}

static void batch(int s, const char *text, int count) {
    td_cql_batch b = {0};
    td_cql_values values = {0};
    td_cql_reply reply = {0};
    td_cql_batch_begin(&b);
    for (int i = 0; i < count; i++) {
        td_cql_values_clear(&values);
        td_cql_add_bytes(&values, td_text(text));
        td_cql_add_int(&values, i);
        td_cql_batch_add(&b, td_buf_bytes(&ids[s]), &values);
    }
    td_cql_batch_end(&b, TD_CQL_LOCAL_QUORUM);
    print_end(td_cql_call(cql, TD_CQL_BATCH, td_buf_bytes(&b.body), &reply), &reply.answer);
    td_cql_values_fini(&values);
    td_buf_fini(&b.body);
}

static void tell_token(const char *columns) {
    td_cql_values values = {0};
    td_buf column = {0}, room = {0};
    for (const char *at = columns; *at != '\0'; at += *at == ' ') {
        column.size = 0;
        for (unsigned byte; sscanf(at, "%2x", &byte) == 1 && *at != ' ' && *at != '\0'; at += 2)
            td_buf_put(&column, &(uint8_t){(uint8_t)byte}, 1);
        td_cql_add_bytes(&values, td_buf_bytes(&column));
    }
    printf("token %" PRId64 "\n", td_cql_token(&values, values.count, &room));
    (void)fflush(stdout);
    td_cql_values_fini(&values);
    td_buf_fini(&column);
    td_buf_fini(&room);
}

static bool obey(char *line) {
    static const td_cql_answer done = {.kind = TD_CQL_IS_VOID};
    char text[256];
    int s, n, at = 0;
    if (strncmp(line, "token ", 6) == 0) return tell_token(line + 6), true;
    if (strcmp(line, "again") == 0)
        return printf("again %" PRId64 "\n", td_cql_prepared_again(cql)), fflush(stdout), true;
    td_status status = cql_make_ready(cql);
    if (status != TD_OK)
        print_end(status, NULL);
    else if (strncmp(line, "query ", 6) == 0)
        query(line + 6, 0);
    else if (sscanf(line, "pages %d %n", &n, &at) == 1)
        query(line + at, n);
    else if (strncmp(line, "prepare ", 8) == 0)
        prepare(line + 8);
    else if (sscanf(line, "execute %d %255s %d", &s, text, &n) == 3)
        execute(s, text, n);
    else if (sscanf(line, "many %d %255s %d", &s, text, &n) == 3)
        many(s, text, n);
    else if (sscanf(line, "batch %d %255s %d", &s, text, &n) == 3)
        batch(s, text, n);
    else if (strcmp(line, "agree") == 0)
        print_end(td_cql_agree(cql, &td_os_posix, 5 * TD_NS_PER_S), &done);
    else if (strcmp(line, "connect") == 0)
        print_end(status, &done);
    else
        return false;
    return true;
}

int main(int argc, char **argv) {
    static char line[LINE_BYTES];
    if (argc < 2) return 2;
    const td_cql_conf conf = {.wire = &td_wire_curl,
                              .tls = getenv("CQL_CA_FILE") != NULL,
                              .ca_file = getenv("CQL_CA_FILE"),
                              .user = argc > 3 ? argv[2] : NULL,
                              .password = argc > 3 ? argv[3] : NULL,
                              .lz4 = getenv("CQL_PLAIN") == NULL,
                              .in_flight_most = IN_FLIGHT,
                              .open_ns = 5 * TD_NS_PER_S,
                              .answer_ns = 20 * TD_NS_PER_S};
    if (td_cql_open(&cql, &td_os_posix, &conf, argv[1], &statements) != TD_OK) return 2;
    bool good = true;
    while (good && fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        good = obey(line);
    }
    td_cql_close(cql);
    td_cql_statements_fini(&statements);
    td_buf_fini(&body);
    for (int i = 0; i < statement_count; i++) td_buf_fini(&ids[i]);
    return good ? 0 : 2;
}
