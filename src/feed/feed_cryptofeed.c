/* src/feed/feed_cryptofeed.c - venues' sessions as cryptofeed records them: a line for the connection, which says whose
 * messages follow, then one line for each message that was sent or came. */
#include "base/decimal.h"
#include "base/time.h"
#include "feed/venue.h"

typedef struct session {
    td_naming naming;          /* as the feed says it */
    const td_venue_ops *venue; /* of the connection; NULL before there is one */
    const td_venue_ops *asked; /* of an answer that says more; else NULL */
    bool connected;            /* once at least */
    _Alignas(max_align_t) uint8_t decoder[TD_VENUE_STATE_MAX];
    _Alignas(max_align_t) uint8_t asked_decoder[TD_VENUE_STATE_MAX];
} session;

typedef enum line_kind {
    CONNECTED, /* URL <-> time                                     */
    SENT,      /* URL <- time: message                             */
    ASKED,     /* URL -> time: what came by a request of its own   */
    CAME,      /* time: message                                    */
    SETTINGS,  /* configuration: what was recorded                 */
    NO_LINE,
} line_kind;

typedef struct line {
    line_kind kind;
    td_bytes url, message;
    int64_t receive_ns;
} line;

enum { NS_SCALE = 9 /* seconds to ns */ };

static td_bytes behind(td_bytes text, size_t size) { return (td_bytes){text.data + size, text.size - size}; }

/* "1618677817.061845: {…" */
static bool read_stamped(td_bytes text, line *out) {
    static const td_bytes mark = TD_KEY(": ");
    uint8_t flags = 0;
    const uint8_t *end = memmem(text.data, text.size, mark.data, mark.size);
    size_t size = end != NULL ? (size_t)(end - text.data) : text.size;
    td_bytes seconds = {text.data, size};
    if (end != NULL) out->message = behind(text, size + mark.size);
    return td_recorded_number(seconds, NS_SCALE, &out->receive_ns, &flags) == TD_REASON_NONE && out->receive_ns > 0;
}

static line_kind read_line(td_bytes text, line *out) {
    static const struct {
        td_bytes mark;
        line_kind kind;
    } arrows[] = {{TD_KEY(" <-> "), CONNECTED}, {TD_KEY(" <- "), SENT}, {TD_KEY(" -> "), ASKED}};
    if (td_bytes_begin(text, TD_TEXT("configuration: "))) return SETTINGS;
    if (text.size > 0 && text.data[0] >= '0' && text.data[0] <= '9')
        return read_stamped(text, out) && out->message.data != NULL ? CAME : NO_LINE;
    const uint8_t *space = text.size > 0 ? memchr(text.data, ' ', text.size) : NULL;
    if (space == NULL) return NO_LINE;
    out->url = (td_bytes){text.data, (size_t)(space - text.data)};
    td_bytes rest = behind(text, out->url.size);
    for (size_t i = 0; i < sizeof arrows / sizeof arrows[0]; i++)
        if (td_bytes_begin(rest, arrows[i].mark))
            return read_stamped(behind(rest, arrows[i].mark.size), out) ? arrows[i].kind : NO_LINE;
    return NO_LINE;
}

static void begin_decoder(const session *s, uint8_t decoder[TD_VENUE_STATE_MAX], const td_venue_ops *venue,
                          td_bytes url) {
    td_naming naming = s->naming;
    if (naming.venue == NULL) naming.venue = venue->venue;
    memset(decoder, 0, venue->state_size);
    venue->begin(decoder, &naming, url);
}

/* What came by a request is no part of the connection: its address says what it is about. Most of it is no event. */
static void decode_answer(session *s, const line *l, td_recorded *out) {
    const td_venue_ops *venue = s->asked != NULL ? s->asked : td_venue_of_url(l->url);
    if (venue != NULL && s->asked == NULL) begin_decoder(s, s->asked_decoder, venue, l->url);
    if (venue != NULL) venue->decode(s->asked_decoder, l->message, l->receive_ns, out);
    s->asked = venue != NULL && out->more ? venue : NULL;
    if (venue == NULL || out->kind == TD_ITEM_IGNORED) td_recorded_ignore(out, "rest");
}

static void decode_message(session *s, const line *l, td_recorded *out) {
    if (s->venue == NULL) {
        td_recorded_reject(out, TD_REASON_MALFORMED, "a message before the line of its connection");
        return;
    }
    s->venue->decode(s->decoder, l->message, l->receive_ns, out);
    if (out->kind == TD_ITEM_EVENT) out->ns_of_day = out->event.event_ns % TD_NS_PER_DAY;
}

static void cryptofeed_decode(void *state, td_bytes text, td_recorded *out) {
    session *s = state;
    line l = {0};
    const td_venue_ops *venue;
    l.kind = read_line(text, &l);
    if (l.kind != NO_LINE && l.kind != SETTINGS) out->ns_of_day = l.receive_ns % TD_NS_PER_DAY;
    switch (l.kind) {
    case CONNECTED:
        venue = td_venue_of_url(l.url);
        s->venue = venue; /* messages belong to the connection that was made last in their file */
        out->parted = s->connected;
        s->connected = true;
        if (venue != NULL) begin_decoder(s, s->decoder, venue, l.url);
        if (venue != NULL)
            td_recorded_ignore(out, "connected");
        else
            td_recorded_reject(out, TD_REASON_MALFORMED, "a connection to a venue whose messages cannot be read");
        break;
    case CAME:
        decode_message(s, &l, out);
        break;
    case SENT:
        td_recorded_ignore(out, "sent");
        break;
    case ASKED:
        decode_answer(s, &l, out);
        break;
    case SETTINGS:
        td_recorded_ignore(out, "configuration");
        break;
    case NO_LINE:
        td_recorded_reject(out, TD_REASON_MALFORMED, "neither a connection nor a time and a message");
        break;
    }
    if (out->kind != TD_ITEM_REJECTED)
        out->clock_ns = l.receive_ns; /* of what is damaged not even the time is believed */
}

static td_status cryptofeed_begin(void *state, const td_recording_file *file, td_recording_begin *out) {
    session *s = state;
    line l = {0};
    *out = (td_recording_begin){0};
    s->naming = file->naming;
    l.kind = file->first_line.size > 0 ? read_line(file->first_line, &l) : SETTINGS;
    if (l.kind == NO_LINE) return TD_FAIL(TD_REJECT, "no line like wss://… <-> 1618677816.84 in front");
    out->start_ns = l.receive_ns;
    const td_venue_ops *venue = l.kind == CONNECTED ? td_venue_of_url(l.url) : NULL;
    out->shares_ids = venue != NULL && venue->shares_ids;
    return TD_OK;
}

static td_status cryptofeed_open(void **out, const td_os *os, const td_feed_conf *conf, td_instruments *instruments) {
    static const td_recording_ops format = {
        .state_size = sizeof(session), .plain = true, .begin = cryptofeed_begin, .decode = cryptofeed_decode};
    return td_recording_open(out, os, conf, &format, instruments);
}

static const td_option cryptofeed_options[] = {TD_FEED_ROWS(NULL), TD_RECORDING_ROWS, {0}};

const td_feed_ops td_feed_cryptofeed = {.format = "cryptofeed",
                                        .is_file = true,
                                        .options = cryptofeed_options,
                                        .open = cryptofeed_open,
                                        .next = td_recording_next,
                                        .file = td_recording_file_of,
                                        .shares_ids = td_recording_shares_ids,
                                        .close = td_recording_close};
