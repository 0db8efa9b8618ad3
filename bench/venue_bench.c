/* bench/venue_bench.c - recorded messages of venues by their decoders, again and again: events, and what is ignored, in
 * the mix in which they came.
 *
 * usage: venue_bench MESSAGES FILE…      sessions as cryptofeed records them; a line of JSON for each */
#include "bench.h"
#include "feed/venue.h"

enum { LINE_BYTES_MAX = 1 << 20 };

typedef struct session {
    const td_venue_ops *venue;
    td_buf bytes;
    td_bytes *messages;
    size_t count, capacity;
} session;

static void add_message(session *s, const char *text, size_t size) {
    if (s->count == s->capacity) {
        s->capacity = s->capacity == 0 ? 1024 : 2 * s->capacity;
        s->messages = td_alloc_check(realloc(s->messages, s->capacity * sizeof *s->messages), s->capacity);
    }
    s->messages[s->count++] = (td_bytes){(const uint8_t *)text, size};
}

/* "1618677817.06: {…" are messages, "wss://… <-> …" says whose. */
static void read_session(session *s, const char *path) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) bench_die("venue_bench", path, "cannot be opened");
    for (size_t got = 1; got > 0; s->bytes.size += got) {
        td_buf_reserve(&s->bytes, LINE_BYTES_MAX);
        got = fread(s->bytes.data + s->bytes.size, 1, LINE_BYTES_MAX, file);
    }
    (void)fclose(file);
    td_buf_put(&s->bytes, "", 1); /* ends the last line's text */
    char *at = (char *)s->bytes.data, *end = at + s->bytes.size - 1;
    while (at < end) {
        char *next = memchr(at, '\n', (size_t)(end - at));
        size_t size = (size_t)((next != NULL ? next : end) - at);
        char *text = memmem(at, size, ": ", 2);
        if (size > 0 && *at >= '0' && *at <= '9' && text != NULL)
            add_message(s, text + 2, (size_t)(at + size - text) - 2);
        else if (s->venue == NULL && size > 0)
            s->venue = td_venue_of_url((td_bytes){(const uint8_t *)at, strcspn(at, " \n")});
        at += size + 1;
    }
    if (s->venue == NULL || s->count == 0) bench_die("venue_bench", path, "no session of a venue");
}

static void measure(const session *s, int64_t messages) {
    _Alignas(max_align_t) uint8_t state[TD_VENUE_STATE_MAX] = {0};
    td_instruments *instruments = td_instruments_new();
    td_naming naming = {.venue = s->venue->venue, .instruments = instruments};
    td_recorded row = {.kind = TD_ITEM_END};
    int64_t events = 0, bytes = 0;
    s->venue->begin(state, &naming, (td_bytes){0});
    int64_t from_ns = bench_now_ns();
    for (int64_t i = 0; i < messages; i++) {
        td_bytes message = s->messages[(size_t)i % s->count];
        bytes += (int64_t)message.size;
        do {
            row.more = false;
            s->venue->decode(state, message, 1, &row);
            events += row.kind == TD_ITEM_EVENT;
        } while (row.more);
    }
    double seconds = (double)(bench_now_ns() - from_ns) / 1e9;
    (void)printf("{\"venue\":\"%s\",\"frames\":%" PRId64 ",\"events\":%" PRId64
                 ",\"frame_bytes\":%.1f,\"decode_s\":%.4f}\n",
                 s->venue->format, messages, events, (double)bytes / (double)messages, seconds);
    td_instruments_free(instruments);
}

int main(int argc, char **argv) {
    int64_t messages = argc > 2 ? strtoll(argv[1], NULL, 10) : 0;
    if (messages <= 0) bench_die("venue_bench", "usage", "venue_bench MESSAGES FILE…");
    for (int i = 2; i < argc; i++) {
        session s = {0};
        read_session(&s, argv[i]);
        measure(&s, messages);
        td_buf_fini(&s.bytes);
        free(s.messages);
    }
    return 0;
}
