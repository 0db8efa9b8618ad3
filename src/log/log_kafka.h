/* src/log/log_kafka.h - the log on an Apache Kafka cluster, by librdkafka. Whoever opens it uses it by log.h; here is
 * what it asks of the cluster, and what log.h's words mean there.
 *
 * Writing: a td_writer is a transactional producer of its name, and the offsets of the consumer group of that name are
 * what it has committed. An append outside of begin and commit is a transaction of its own. Between them records are
 * sent in the background: what fails is told by a later append or by the commit.
 * Reading: committed records only, the ends too (Kafka's last stable offset). An end is not older than
 * TD_KAFKA_FRESH_MS, and never below what this process has committed. Every reader fetches ahead, a few megabytes at
 * most. Epochs are Kafka's leader epochs, from librdkafka 2.1 on; before that, every epoch is 0 and a position is
 * judged by its offset alone. Kafka takes back nothing that was committed while it elects leaders among in-sync
 * replicas only (unclean.leader.election.enable=false, its default). Topics that it makes are dated by the brokers
 * (LogAppendTime): a record of the year 2013 is not too old to be kept. Those whose names begin with `_` are kept for
 * ever, uncompacted but for those of TD_TOPIC_LATEST: older records of a key are needed, too. td_log_each_topic asks
 * the brokers which topics there are: by the one thread that uses the log, or before others do; what was deleted it
 * passes over, though others that came by it may hold it on. Not to be had from Kafka: truncation, release, sizes,
 * positions by bytes (td_topic_block_before guesses). */
#pragma once
#include "base/option.h"
#include "log/log.h"
#include "os/os.h"

enum { TD_KAFKA_FRESH_MS = 20 };

typedef struct td_log_kafka_conf { /* its texts are borrowed while the log is opened */
    const char *dir;               /* of what its readers keep beside it: locked, unless it is only read, and
                                      refused to other logs; NULL: none */
    const char *brokers;           /* host:port, with commas between them                             */
    const char *prefix;            /* of all names of topics, transactions and groups; "": none       */
    bool read_only;                /* opens no writer, makes no topic, and takes no folder's lock             */
    int replicas;                  /* of topics that it makes; 0: as the brokers say                  */
    const char *apart;             /* topics whose names begin so are kept by the next two; NULL: none;
                                      borrowed for the log's life */
    int64_t apart_bytes, apart_ms; /* as the two behind them                                                  */
    int64_t retain_bytes;          /* of each topic that it makes, shared by its partitions; 0: all */
    int64_t retain_ms;             /* of topics that it makes; 0: for ever                            */
    td_codec codec;                /* of what is written                                              */
    int timeout_ms;                /* a call that takes longer is TD_RETRY; 0: 10 s                   */
    const td_texts *properties;    /* librdkafka's, NAME=VALUE: they win over those that this log would choose, but
                                      for what it rests on; NULL: none                                */
    const char *password;          /* sasl.password; NULL: none                                       */
} td_log_kafka_conf;

/* Waits until a broker answers. The report is called by threads of the library too, one at a time. Errors: TD_RETRY (no
 * broker answers), TD_CONFIG (a property that librdkafka refuses, a login that the cluster does, a folder of another
 * log; or this program was built without librdkafka). */
TD_CHECKED td_status td_log_kafka_open(td_log **out, const td_os *os, const td_log_kafka_conf *conf,
                                       td_log_report_fn report, void *arg);

/* What a run on it would trip over (`bad`) or might regret, each with its cure: rights, replicas, and the settings of
 * topics that are there beside those of its conf. After td_log_each_topic, on a log that is only read. `latest` is the
 * topic that is to be compacted. Writes nothing but the name of a transaction, `check`, so whether a topic may be
 * written to is not known. Errors: TD_RETRY. */
typedef void (*td_kafka_tell_fn)(void *arg, bool bad, const char *text);
TD_CHECKED td_status td_log_kafka_examine(td_log *log, const char *latest, td_kafka_tell_fn tell, void *arg);
