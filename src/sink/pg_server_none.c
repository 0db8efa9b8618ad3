/* src/sink/pg_server_none.c - sessions with PostgreSQL in a program that was built without libpq. */
#include "sink/pg_server.h"

td_status td_pg_open(td_pg **out, const td_pg_conf *conf) {
    (void)out, (void)conf;
    return TD_FAIL(TD_CONFIG, "postgres: this program was built without libpq: build it again with libpq-dev "
                              "installed and -Dpostgres=enabled");
}

int td_pg_version(const td_pg *pg) {
    (void)pg; /* there is none */
    return 0;
}

td_status td_pg_run(td_pg *pg, const char *sql, const char *doing, td_pg_answer *out) {
    (void)pg, (void)sql, (void)doing, (void)out;
    return TD_OK;
}

td_status td_pg_send_begin(td_pg *pg, const char *sql, const char *doing) {
    (void)pg, (void)sql, (void)doing;
    return TD_OK;
}

td_status td_pg_send(td_pg *pg, td_bytes data, const char *doing) {
    (void)pg, (void)data, (void)doing;
    return TD_OK;
}

td_status td_pg_send_end(td_pg *pg, const char *doing) {
    (void)pg, (void)doing;
    return TD_OK;
}

bool td_pg_minds_rows(const td_pg *pg) {
    (void)pg;
    return false;
}

bool td_pg_is_in_use(const td_pg *pg) {
    (void)pg;
    return false;
}

bool td_pg_goes_on(const td_pg *pg) {
    (void)pg;
    return false;
}

void td_pg_close(td_pg *pg) { (void)pg; }
