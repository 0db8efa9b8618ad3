/* src/serve/serve.h - the view of the log for people: HTTP API, live push and the dashboard. Tails the log by itself on
 * its own thread and never touches another thread's state; a slow reader loses pushes, never slows the run.
 * Safe by default: loopback, or a token and TLS; Host and Origin checked. API: docs/api.md.
 *
 * Bounds: 64 requests being answered, streams among them (then 503), and 8 connections more; 4 KB of request head,
 * within 10 s; an answer within 120 s; 256 KB of pushes waiting per stream (then they are counted as lost, and a reader
 * that takes nothing for 30 s is dropped); at most 4 answers from history in the making or on the way (the others wait
 * their turn). A step takes under 20 ms. */
#pragma once
#include "base/option.h"
#include "log/log.h"
#include "model/listing.h"
#include "schema/record.h"
#include "stream/program.h"

typedef struct td_serve_conf {
    char *listen;             /* "127.0.0.1:8750" */
    char *names;              /* further Hosts, by commas */
    char *token, *token_file; /* the file has been read into the other one */
    char *cert, *key;         /* PEM files, both or neither */
    bool edit;                /* strategies may be saved */
} td_serve_conf;

extern const td_option td_serve_options[];

typedef struct td_serve_progress { /* of the run, as far as the log alone does not tell it */
    const char *state;             /* "running", "draining", "faulty": a literal */
    int64_t events, accepted, quarantined, duplicates, rejected, late;
    int64_t lag_records;         /* on the tape, not yet applied */
    int64_t behind_records;      /* of those, what was there at start: being caught up with */
    int64_t rows;                /* that sinks have taken */
    int64_t owned, rebalances;   /* partitions of this process; times that its group shared them anew */
    int64_t taken, left, fenced; /* partitions that came, that went, of these to others unheard */
    int64_t committed, aborted;  /* transactions of workers */
    int64_t sinks_lack;          /* outputs that sinks will never get, until somebody acknowledges that */
    bool resuming;               /* the inputs that the log holds already still pass in silence */
    bool faulty;                 /* something stands still until somebody acts */
    bool draining;               /* told to end */
    const char *stuck;           /* a thread that has made no turn for long: its name; NULL: all live */
} td_serve_progress;

typedef struct td_serve_feed { /* of a configured feed, in this run */
    td_bytes name;             /* borrowed for the run */
    int64_t events, rejected, ignored;
    bool live, up; /* it has sessions; there is one */
    int64_t sessions, failures, backfilled;
    int64_t lag_records; /* that its source keeps and that it has not given; -1: it keeps none, or is not heard */
    int64_t end_ns;      /* when the last session ended, or a try that led to none; 0: none did */
    char end[200];       /* and why, for people */
} td_serve_feed;

typedef struct td_serve_edit { /* how the strategies stand to their files */
    const char *state;         /* "in_force", "begins", "refused": a literal */
    int64_t turn;              /* one more each time another program has begun */
    int64_t at_ns;             /* wall clock: since when it is so */
    td_buf errors;             /* of "refused"; the caller's to free */
} td_serve_edit;

typedef struct td_serve_task { /* what takes a few steps, for one answer */
    /* NULL: what is asked makes no sense, or begin itself is NULL: nobody does that here. Texts are lent for a task's
     * life. */
    void *(*begin)(void *self, const char *what, const char *more);
    td_status (*step)(void *task);        /* a few ms while TD_AGAIN */
    void (*put)(void *task, td_buf *out); /* then one JSON object */
    void (*end)(void *task);
} td_serve_task;

typedef struct td_serve_file { /* one that strategies are read from */
    char path[256];
    td_buf names;       /* of the strategies and series that run from it, each ended by NUL; the asker's to free */
    bool runs;          /* a text of it is in force */
    uint8_t sha256[32]; /* of that, lists included */
} td_serve_file;

typedef struct td_serve_texts {                                 /* of strategies; all NULL: nobody shows them */
    bool (*file)(void *self, size_t index, td_serve_file *out); /* false: there are no more */
    td_status (*read)(void *self, const char *file, td_buf *out);
    /* The program that there would be with this text, owned by the asker. TD_CONFIG: *errors says what is wrong. */
    td_status (*compile)(void *self, const char *file, td_bytes text, td_program **out, td_buf *errors);
    td_status (*save)(void *self, const char *file, td_bytes text); /* NULL: nobody may, so with rollback */
    td_serve_task versions, rollback; /* of a strategy; the digits that a hash begins with */
} td_serve_texts;

typedef struct td_serve_reader { /* of one partition of a topic */
    const char *name;            /* "worker", "sink:sqlite": lent for the call */
    int64_t offset;              /* that it reads next */
} td_serve_reader;

typedef void (*td_serve_reader_fn)(void *arg, const td_serve_reader *reader);

typedef struct td_serve_group { /* of somebody else's consumers, where it has committed how far it has read */
    const char *name;           /* lent for the call */
    uint32_t partition;
    int64_t offset;
} td_serve_group;

typedef struct td_serve_groups { /* of a topic, asked of a cluster; `ask` NULL: a log that nobody else can read so */
    void *(*ask)(void *self, const td_topic *topic);
    td_status (*step)(void *asked);                             /* never waits; TD_FULL: answers are on their way */
    bool (*at)(void *asked, size_t index, td_serve_group *out); /* false: there are no more */
    bool (*is_cut)(void *asked);                                /* some are not told */
    void (*end)(void *asked);
} td_serve_groups;

typedef struct td_serve_retention { /* what a topic keeps; -1: everything */
    int64_t ms, bytes;
    bool shared; /* the bytes are those of all such topics together */
} td_serve_retention;

typedef struct td_serve_run { /* who runs this, asked and told by the server's thread; all NULL: nobody */
    void *self;
    void (*progress)(void *self, td_serve_progress *out);
    bool (*feed)(void *self, size_t index, td_serve_feed *out); /* false: there are no more */
    void (*metrics)(void *self, td_buf *out);                   /* puts the run's families */
    /* The program that has begun since this was asked last, from here on the asker's own; NULL: the same one is in
     * force.
     */
    td_program *(*program)(void *self);
    void (*edit)(void *self, td_serve_edit *out);
    td_serve_texts texts;
    /* Something that an operator may want to know: `event` is its stable name, a literal. */
    void (*notice)(void *self, const char *event, const char *text);
    /* Asks that a record be appended to the tape, for its answer, and that nobody waits for that any more: as
     * td_commands_put, _ask and _withdraw (flow/commands.h). */
    td_status (*put)(void *self, uint32_t partition, td_bytes key, td_bytes value, uint64_t *out_ticket);
    /* The same of a record of the schemas; NULL: nobody here may. */
    td_status (*put_schema)(void *self, td_bytes key, td_bytes value, uint64_t *out_ticket);
    td_status (*ask)(void *self, uint64_t ticket);
    bool (*withdraw)(void *self, uint64_t ticket);
    const char *registry;  /* the address of the registry that has the schemas, where `schemas` is NULL; or NULL */
    const char *elsewhere; /* who appends and edits, for people, where `put` is NULL as that is another process */
    td_serve_task explain; /* why a signal came, by its id */
    /* Who reads a partition, and where they are, as far as this process or the log knows. Errors: as
     * td_log_committed's.
     */
    td_status (*readers)(void *self, const td_topic *topic, uint32_t partition, td_serve_reader_fn each, void *arg);
    td_serve_groups groups; /* of the topics of `log` */
    void (*retention)(void *self, const char *topic, td_serve_retention *out);
    const char *prefix; /* of subjects in a registry elsewhere; NULL: none */
} td_serve_run;

typedef struct td_serve_topics { /* borrowed for the server's life */
    td_topic *tape, *bars, *signals, *gaps, *quarantine;
    td_topic *actions;                /* NULL: bars are never adjusted */
    td_topic *vendor_bars;            /* NULL: there are none */
    td_topic *fills;                  /* NULL: there are none */
    td_topic *programs;               /* NULL: strategies have no legs */
    td_topic *rejected;               /* NULL: what could not be decoded is not told */
    td_topic *schemas;                /* NULL: there is no schema registry here */
    td_topic *news, *trades, *quotes; /* NULL: not published */
    /* Whose topics are shown. The server's alone where a look at them asks brokers; NULL: the tape's. */
    td_log *log;
    const td_schema_ids *ids;
    const int64_t *widths_ns; /* ascending, at most TD_WIDTHS_MAX */
    size_t width_count;
    int64_t lateness_ns;         /* the longest of the feeds: how long after its end a bar is awaited */
    const td_program *program;   /* in force; its strategies' lines are drawn; NULL: none */
    const td_listings *listings; /* what else is known of instruments; NULL: nothing */
    td_serve_run run;
} td_serve_topics;

typedef struct td_serve td_serve;

/* TD_CONFIG: an address in use or malformed, or one that needs a token and TLS; a certificate that cannot be used. The
 * trail names the key and the cure. Port 0 takes any free one. */
TD_CHECKED td_status td_serve_open(td_serve **out, const td_os *os, const td_serve_conf *conf,
                                   const td_serve_topics *topics);
int td_serve_step(void *serve);                  /* a bounded turn: network and log; returns work done, 0 to idle */
void td_serve_close(td_serve *serve);            /* accepts NULL */
const char *td_serve_url(const td_serve *serve); /* "http://127.0.0.1:8750" */
