/* src/app/sample.c - one look at a feed, in turns while it is connected. */
#include "app/sample.h"
#include "base/time.h"
#include "feed/mapping.h"
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum { ITEMS_MAX = 10000 /* enough to meet its kinds and instruments */, IDLE_US = 5000, ANY_SCHEMA = 1 };
#define CONNECTED_NS (15 * TD_NS_PER_S)
#define ANSWERED_NS  (10 * TD_NS_PER_S)

bool td_sample_connects(const td_feed_ops *ops) { return ops->live != NULL && ops->live->keep != NULL; }

static int64_t mono_ns(const td_os *os) { return os->ops->mono_ns(os->self); }

/* A source that keeps what it has names its messages by their offsets, others by the lines of a file. */
static void note_rejected(td_sample *s, const td_feed_ops *ops, const td_rejected *r) {
    bool kept = td_sample_connects(ops);
    bool unreadable = r->reason == TD_REASON_UNREADABLE; /* weighs more than a line: the first of those is told */
    s->unreadable += unreadable;
    if (s->rejected++ > 0 && !(unreadable && s->unreadable == 1)) return;
    (void)snprintf(s->first, sizeof s->first, "%.*s, %s %" PRIu64 ": %.*s", (int)r->source.size,
                   (const char *)r->source.data, kept ? "offset" : "line", r->position.line - kept, (int)r->detail.size,
                   (const char *)r->detail.data);
}

static void note_session(td_sample *s, const td_feed_ops *ops, void *feed, const td_feed_session *session) {
    if (session->live) {
        s->connected = true;
        s->records = ops->live->lag(feed);
        return;
    }
    s->denied = session->denied;
    (void)snprintf(s->failure, sizeof s->failure, "%s", session->detail);
}

static td_status take_items(td_sample *s, const td_feed_ops *ops, void *feed) {
    td_feed_item item = {0};
    td_status status = TD_OK;
    while (s->events + s->rejected + s->ignored < ITEMS_MAX && !s->all && s->failure[0] == '\0' &&
           (status = ops->next(feed, &item)) == TD_OK) {
        s->events += item.kind == TD_ITEM_EVENT;
        if (item.kind == TD_ITEM_REJECTED) note_rejected(s, ops, &item.rejected);
        s->ignored += item.kind == TD_ITEM_IGNORED;
        s->all = item.kind == TD_ITEM_END;
        if (item.kind == TD_ITEM_PLACES) s->partitions = item.places.count;
        if (item.kind == TD_ITEM_SESSION) note_session(s, ops, feed, &item.session);
    }
    return status;
}

static td_status take_connected(td_sample *s, const td_os *os, const td_feed_ops *ops, void *feed) {
    int64_t until_ns = mono_ns(os) + CONNECTED_NS;
    td_status status = ops->live->connect(feed, 1);
    while (status == TD_OK && mono_ns(os) < until_ns) {
        (void)ops->live->pump(feed);
        status = take_items(s, ops, feed);
        if (status != TD_AGAIN || ops->live->whole_ns(feed) != TD_NONE) break;
        (void)usleep(IDLE_US);
        status = TD_OK;
    }
    if (!s->connected && s->failure[0] == '\0')
        (void)snprintf(s->failure, sizeof s->failure, "no answer within %d s", (int)(CONNECTED_NS / TD_NS_PER_S));
    return status;
}

td_status td_sample_take(td_sample *out, const td_os *os, const td_feed_ops *ops, void *feed, bool connect) {
    *out = (td_sample){0};
    td_status status = connect ? take_connected(out, os, ops, feed) : take_items(out, ops, feed);
    return status == TD_AGAIN ? TD_OK : status;
}

td_status td_sample_ask_registry(const td_os *os, const td_feed_conf *conf) {
    td_lexicon_conf asked;
    td_lexicon *lexicon;
    const td_avro_schema *schema;
    const char *why;
    if (!td_mapping_registry(conf, os, &asked)) return TD_OK;
    td_status status = td_lexicon_open(&lexicon, &asked);
    if (status != TD_OK) return status;
    int64_t until_ns = mono_ns(os) + ANSWERED_NS;
    while ((status = td_lexicon_find(lexicon, ANY_SCHEMA, &schema, &why)) == TD_AGAIN && mono_ns(os) < until_ns)
        (void)usleep(IDLE_US);
    td_lexicon_close(lexicon);
    if (status == TD_AGAIN) status = TD_FAIL(TD_RETRY, "registry: %s gives no answer", conf->registry);
    return status == TD_REJECT ? TD_OK : status; /* that there is no such schema is an answer, too */
}
