/* src/sink/pg_server.c - sessions with PostgreSQL: libpq without blocking, and a deadline for each answer. */
#include "sink/pg_server.h"
#include "base/time.h"
#include <assert.h>
#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

enum { CHUNK_BYTES = 64 * 1024, MESSAGE_MAX = 300, STATE_BYTES = 5 };

struct td_pg {
    const td_os *os;
    PGconn *conn;
    int64_t deadline_ns;         /* of the answer that is awaited */
    char state[STATE_BYTES + 1]; /* SQL's, of what was refused last */
};

/* ---- failures ---- */

/* In one line: what libpq says has several, with tabs. */
static void copy_line(const char *from, char out[MESSAGE_MAX]) {
    size_t size = 0;
    while (*from != '\0' && size + 1 < MESSAGE_MAX) {
        size_t blanks = strspn(from, " \t\n");
        from += blanks;
        if (*from == '\0') break;
        out[size++] = blanks > 0 ? ' ' : *from++;
    }
    out[size] = '\0';
}

/* What the operator does about a state (SQL's appendix of error codes); NULL: nothing, it passes. What only an owner
 * may has the state of any missing permission, and cannot be granted; a server that speaks no English is not told
 * apart.
 */
static const char *cure_of(const char *state, const char *text) {
    static const struct {
        const char *state, *cure; /* the state, or how it begins */
    } cures[] = {
        {"28", "name a user that the server lets in, and give its password by password: \"${VARIABLE}\""},
        {"3D", "create the database, or name another in url"},
        {"42501", "grant it to the user of url"},
        {"42P07", "a table of that name is in the way: rename, move or drop it, or name another schema"},
        {"42703", "put the column back, or name another schema, which is filled from the log"},
        {"42704", "mend the options in url: the server does not know them"},
        {"42P01", "put the table back, or name another schema, which is filled from the log"},
        {"42", "its tables are not as this program made them: name another schema, which is filled from the log"},
        {"0A", "use a newer server"},
        {"2BP01", "drop what depends on it"},
        {"3F", "name a schema that is there, or let the user create it"},
    };
    if (strncmp(text, "must be owner", strlen("must be owner")) == 0) return TD_PG_OWNER_CURE;
    for (size_t i = 0; i < sizeof cures / sizeof cures[0]; i++)
        if (strncmp(state, cures[i].state, strlen(cures[i].state)) == 0) return cures[i].cure;
    return NULL;
}

static td_status fail_session(const td_pg *pg, const char *doing) {
    char text[MESSAGE_MAX];
    copy_line(PQerrorMessage(pg->conn), text);
    return TD_FAIL(TD_RETRY, "postgres: cannot %s: %s", doing, text[0] != '\0' ? text : "the session has ended");
}

static td_status fail_result(const PGresult *result, const char *doing) {
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    char text[MESSAGE_MAX];
    copy_line(message != NULL ? message : PQresultErrorMessage(result), text);
    const char *cure = cure_of(state != NULL ? state : "", text);
    if (cure == NULL) return TD_FAIL(TD_RETRY, "postgres: cannot %s: %s", doing, text);
    return TD_FAIL(TD_CONFIG, "postgres: cannot %s: %s; %s", doing, text, cure);
}

static td_status fail_late(const char *doing, int ms) {
    return TD_FAIL(TD_RETRY, "postgres: cannot %s: no answer in %d s", doing, ms / 1000);
}

/* ---- waiting ---- */

static void expect_within(td_pg *pg, int ms) {
    pg->deadline_ns = pg->os->ops->mono_ns(pg->os->self) + ms * TD_NS_PER_MS;
}

/* False: the time is over. */
static bool await(const td_pg *pg, short events, short *out) {
    struct pollfd at = {PQsocket(pg->conn), events, 0};
    int64_t left_ns;
    while ((left_ns = pg->deadline_ns - pg->os->ops->mono_ns(pg->os->self)) > 0) {
        int count = poll(&at, 1, (int)(left_ns / TD_NS_PER_MS) + 1);
        *out = at.revents;
        if (count >= 0 || errno != EINTR) return count > 0;
    }
    return false;
}

static td_status flush(td_pg *pg, const char *doing) {
    int left;
    while ((left = PQflush(pg->conn)) == 1) {
        short ready = 0; /* the server may want to say something before it takes more */
        if (!await(pg, POLLIN | POLLOUT, &ready)) return fail_late(doing, TD_PG_ANSWER_MS);
        if ((ready & POLLIN) != 0 && PQconsumeInput(pg->conn) == 0) return fail_session(pg, doing);
    }
    return left == 0 ? TD_OK : fail_session(pg, doing);
}

/* *out: NULL behind the last one. */
static td_status next_result(td_pg *pg, const char *doing, PGresult **out) {
    while (PQisBusy(pg->conn) != 0) {
        short ready;
        if (!await(pg, POLLIN, &ready)) return fail_late(doing, TD_PG_ANSWER_MS);
        if (PQconsumeInput(pg->conn) == 0) return fail_session(pg, doing);
    }
    *out = PQgetResult(pg->conn);
    return TD_OK;
}

/* ---- statements ---- */

static void keep_answer(const PGresult *result, td_pg_answer *out) {
    if (out == NULL || PQntuples(result) == 0) return;
    out->count = (size_t)PQnfields(result) < TD_PG_VALUES_MAX ? (size_t)PQnfields(result) : TD_PG_VALUES_MAX;
    for (size_t i = 0; i < out->count; i++)
        (void)snprintf(out->values[i], TD_PG_VALUE_MAX, "%s", PQgetvalue(result, 0, (int)i));
}

/* Results up to the end, or to where the server waits for data. */
static td_status take_results(td_pg *pg, const char *doing, td_pg_answer *out, bool *out_copies) {
    PGresult *result = NULL;
    td_status status = TD_OK, first = TD_OK;
    *out_copies = false;
    while ((status = next_result(pg, doing, &result)) == TD_OK && result != NULL) {
        ExecStatusType kind = PQresultStatus(result);
        if (kind == PGRES_TUPLES_OK) keep_answer(result, out);
        bool good = kind == PGRES_TUPLES_OK || kind == PGRES_COMMAND_OK || kind == PGRES_COPY_IN;
        if (!good && first == TD_OK) {
            const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
            (void)snprintf(pg->state, sizeof pg->state, "%s", state != NULL ? state : "");
            first = fail_result(result, doing);
        }
        PQclear(result);
        if (kind == PGRES_COPY_IN) {
            *out_copies = true;
            break;
        }
    }
    return first != TD_OK ? first : status;
}

static td_status send(td_pg *pg, const char *sql, const char *doing) {
    expect_within(pg, TD_PG_ANSWER_MS);
    pg->state[0] = '\0';
    if (PQsendQuery(pg->conn, sql) == 0) return fail_session(pg, doing);
    return flush(pg, doing);
}

td_status td_pg_run(td_pg *pg, const char *sql, const char *doing, td_pg_answer *out) {
    bool copies;
    if (out != NULL) *out = (td_pg_answer){0};
    td_status status = send(pg, sql, doing);
    if (status == TD_OK) status = take_results(pg, doing, out, &copies);
    assert(status != TD_OK || !copies);
    return status;
}

td_status td_pg_send_begin(td_pg *pg, const char *sql, const char *doing) {
    bool copies = false;
    td_status status = send(pg, sql, doing);
    if (status == TD_OK) status = take_results(pg, doing, NULL, &copies);
    assert(status != TD_OK || copies);
    return status;
}

td_status td_pg_send(td_pg *pg, td_bytes data, const char *doing) {
    while (data.size > 0) {
        td_bytes part = td_bytes_upto(data, CHUNK_BYTES);
        int taken = PQputCopyData(pg->conn, (const char *)part.data, (int)part.size);
        if (taken < 0) return fail_session(pg, doing);
        if (taken > 0) data = td_bytes_from(data, part.size);
        td_status status = flush(pg, doing);
        if (status != TD_OK) return status;
    }
    return TD_OK;
}

td_status td_pg_send_end(td_pg *pg, const char *doing) {
    bool copies;
    int ended;
    while ((ended = PQputCopyEnd(pg->conn, NULL)) == 0) {
        td_status status = flush(pg, doing);
        if (status != TD_OK) return status;
    }
    td_status status = ended < 0 ? fail_session(pg, doing) : flush(pg, doing);
    return status == TD_OK ? take_results(pg, doing, NULL, &copies) : status;
}

bool td_pg_minds_rows(const td_pg *pg) {
    static const char *const classes[] = {"0A", "22", "23", "42"};
    bool minds = false;
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) minds |= strncmp(pg->state, classes[i], 2) == 0;
    return minds && PQtransactionStatus(pg->conn) == PQTRANS_INERROR;
}

bool td_pg_is_in_use(const td_pg *pg) { return strcmp(pg->state, "55P03") == 0; }
bool td_pg_goes_on(const td_pg *pg) { return PQtransactionStatus(pg->conn) == PQTRANS_IDLE; }

/* ---- life ---- */

/* libpq marks what it would not echo. What it says of a string that it cannot read would repeat it. */
static td_status check_url(const char *url) {
    PQconninfoOption *options = PQconninfoParse(url, NULL);
    if (options == NULL)
        return TD_FAIL(TD_CONFIG, "url: it is none: as in \"postgresql://USER@HOST:5432/DATABASE?sslmode=require\"");
    bool secret = false;
    for (const PQconninfoOption *o = options; o->keyword != NULL; o++)
        secret |= o->dispchar[0] == '*' && o->val != NULL;
    PQconninfoFree(options);
    if (!secret) return TD_OK;
    return TD_FAIL(TD_CONFIG, "url: there is a password in it, which everybody reads: give it by password: "
                              "\"${VARIABLE}\" or password_file");
}

/* What stands behind "FATAL:  " in "FATAL:  28P01: …". */
static char *find_state(char *text) {
    for (char *at = text; (at = strstr(at, ":  ")) != NULL; at++) {
        char *state = at + strlen(":  ");
        bool whole = strspn(state, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == STATE_BYTES;
        if (whole && strncmp(state + STATE_BYTES, ": ", 2) == 0) return state;
    }
    return NULL;
}

static void cut(char *at, size_t size) { memmove(at, at + size, strlen(at + size) + 1); }

/* libpq tells the state of a refused session in verbose texts alone. Takes it out, and which line of the server's
 * source said so. Of several hosts the last one counts: those before were passed over. */
static void take_state(char *text, char out[STATE_BYTES + 1]) {
    for (char *at = text; (at = find_state(at)) != NULL; cut(at, STATE_BYTES + strlen(": "))) {
        memcpy(out, at, STATE_BYTES);
        out[STATE_BYTES] = '\0';
    }
    for (char *at = text; (at = strstr(at, "\nLOCATION:  ")) != NULL;) cut(at, 1 + strcspn(at + 1, "\n"));
}

/* A server that is full, starts or dies is there again later, also behind a password; what it has against the user,
 * the database or the options does not pass. */
static td_status fail_connect(const td_pg *pg) {
    char text[MESSAGE_MAX], state[STATE_BYTES + 1] = "";
    char *said = td_copy_text(PQerrorMessage(pg->conn));
    take_state(said, state);
    copy_line(said, text);
    free(said);
    if (PQconnectionNeedsPassword(pg->conn) != 0) memcpy(state, "28P01", sizeof state);
    bool refused = strncmp(state, "28", 2) == 0 || strncmp(state, "3D", 2) == 0 || strncmp(state, "42", 2) == 0;
    if (!refused) return TD_FAIL(TD_RETRY, "postgres: cannot connect: %s", text);
    return TD_FAIL(TD_CONFIG, "postgres: cannot log in: %s; %s", text, cure_of(state, ""));
}

static td_status connect_within(td_pg *pg) {
    PostgresPollingStatusType next = PGRES_POLLING_WRITING;
    expect_within(pg, TD_PG_CONNECT_MS);
    while (next != PGRES_POLLING_OK) {
        short ready;
        if (PQstatus(pg->conn) == CONNECTION_BAD) return fail_connect(pg);
        if (!await(pg, next == PGRES_POLLING_READING ? POLLIN : POLLOUT, &ready))
            return fail_late("connect", TD_PG_CONNECT_MS);
        next = PQconnectPoll(pg->conn);
    }
    (void)PQsetErrorVerbosity(pg->conn, PQERRORS_DEFAULT);
    return PQsetnonblocking(pg->conn, 1) == 0 ? TD_OK : fail_session(pg, "connect");
}

static void ignore(void *arg, const PGresult *notice) { (void)arg, (void)notice; } /* else they go to stderr */

td_status td_pg_open(td_pg **out, const td_pg_conf *conf) {
    td_status status = check_url(conf->url);
    if (status != TD_OK) return status;
    const char *const keys[] = {"dbname", "password", "fallback_application_name", "client_encoding", NULL};
    const char *const values[] = {conf->url, conf->password, conf->program, "UTF8", NULL};
    td_pg *pg = td_alloc_zero(1, sizeof *pg);
    pg->os = conf->os;
    pg->conn = td_alloc_check(PQconnectStartParams(keys, values, 1), sizeof(void *));
    (void)PQsetNoticeReceiver(pg->conn, ignore, NULL);
    (void)PQsetErrorVerbosity(pg->conn, PQERRORS_VERBOSE); /* while it connects */
    status = connect_within(pg);
    if (status == TD_OK) {
        *out = pg;
        pg = NULL;
    }
    td_pg_close(pg);
    return status;
}

int td_pg_version(const td_pg *pg) { return PQserverVersion(pg->conn); }

void td_pg_close(td_pg *pg) {
    if (pg == NULL) return;
    PQfinish(pg->conn);
    free(pg);
}
