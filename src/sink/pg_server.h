/* src/sink/pg_server.h - a session with a PostgreSQL server, by libpq, that never waits longer than it says, but for
 * the lookup of a host's name, which libpq waits for (hostaddr where that matters). Nothing but what the server says
 * tells secrets from texts: no failure repeats the connection string or the password. Thread: one. Errors: TD_RETRY
 * (not there, no answer in time, busy, disk full: the session is void, open another), TD_CONFIG (what it refuses: a
 * login, a permission, a table; the session is void, too). */
#pragma once
#include "os/os.h"

typedef struct td_pg td_pg;

typedef struct td_pg_conf {
    const td_os *os;
    const char *url;      /* URI or keywords, without a password */
    const char *password; /* NULL: as libpq finds it */
    const char *program;  /* how the server calls the session */
} td_pg_conf;

enum { TD_PG_CONNECT_MS = 5000, TD_PG_ANSWER_MS = 10000, TD_PG_VALUES_MAX = 2, TD_PG_VALUE_MAX = 128 };

/* Of what only the owner of a table may. */
#define TD_PG_OWNER_CURE "make the user of url its owner, or a member of its owner's role"

typedef struct td_pg_answer {                       /* the first row of the last query that has any */
    size_t count;                                   /* of its values; 0: there was none */
    char values[TD_PG_VALUES_MAX][TD_PG_VALUE_MAX]; /* "" for null; cut off */
} td_pg_answer;

TD_CHECKED td_status td_pg_open(td_pg **out, const td_pg_conf *conf);
int td_pg_version(const td_pg *pg); /* 150018 */
/* Statements, with ; between them; `doing` is for people: "cannot DOING: …". `out` may be NULL. */
TD_CHECKED td_status td_pg_run(td_pg *pg, const char *sql, const char *doing, td_pg_answer *out);
/* The same, the last of which is a COPY … FROM STDIN: it takes data until it is ended, and the server works meanwhile.
 */
TD_CHECKED td_status td_pg_send_begin(td_pg *pg, const char *sql, const char *doing);
TD_CHECKED td_status td_pg_send(td_pg *pg, td_bytes data, const char *doing);
TD_CHECKED td_status td_pg_send_end(td_pg *pg, const char *doing);
/* What a COPY failed with is something about these rows or their table, and the session goes on: a savepoint can be
 * gone back to. */
bool td_pg_minds_rows(const td_pg *pg);
/* What the last statement was refused for is that another session holds what it needs. */
bool td_pg_is_in_use(const td_pg *pg);
/* Whatever the last statement was refused for, the session is good for others, outside of any transaction. */
bool td_pg_goes_on(const td_pg *pg);
/* "name" or 'text', quoted for SQL. */
void td_pg_put_name(td_buf *out, const char *name);
void td_pg_put_text(td_buf *out, const char *text);
void td_pg_close(td_pg *pg); /* accepts NULL */
