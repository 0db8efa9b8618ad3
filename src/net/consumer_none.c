/* src/net/consumer_none.c - topics of others in a program that was built without librdkafka. */
#include "net/consumer.h"

static td_status none_open(void **out, const td_os *os, const td_consumer_conf *conf) {
    (void)out, (void)os, (void)conf;
    return TD_FAIL(TD_CONFIG, "topic: this program was built without librdkafka: build it again with librdkafka-dev "
                              "installed and -Dkafka=enabled");
}

static void none_close(void *self) { (void)self; }

const td_consumer_ops td_consumer_kafka = {.name = "none", .open = none_open, .close = none_close};
