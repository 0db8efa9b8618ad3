/* tests/sim/market.c - reads the bundled recordings from the real disk, cuts, damages and packs. */
#include "market.h"
#include "feed/archive.h"
#include <stdio.h>
#include <stdlib.h>
#include <zip.h>
#include <zlib.h>

enum { LINES_MAX = 30000 };

typedef struct recording { /* lines of one file, from the real disk */
    const char *path;
    char inner[80]; /* name inside the zip */
    td_buf text;
    size_t line_at[LINES_MAX + 1];
    size_t line_count;
} recording;

static recording lean[] = {{.path = "examples/data/lean/20131007_ibm_trade.zip"},
                           {.path = "examples/data/lean/20131007_ibm_quote.zip"}};
static recording binance[] = {{.path = "examples/data/binance/spot_btcusdt_20240808.gz"},
                              {.path = "examples/data/binance/spot_ethusdt_20240808.gz"}};

static void recording_load(recording *r) {
    td_archive *archive = NULL;
    td_line line;
    if (r->line_count > 0) return;
    td_status status = td_archive_open(&archive, &td_os_posix, r->path, false);
    if (status == TD_OK) (void)snprintf(r->inner, sizeof r->inner, "%s", td_archive_name(archive));
    while (status == TD_OK && r->line_count < LINES_MAX) {
        status = td_archive_next(archive, &line);
        if (status != TD_OK || line.kind != TD_LINE_TEXT) break;
        td_buf_put(&r->text, line.bytes.data, line.bytes.size);
        td_buf_text(&r->text, "\n");
        r->line_at[++r->line_count] = r->text.size;
    }
    td_archive_close(archive);
    if (r->line_count > 0) return;
    (void)fprintf(stderr, "market: no lines in %s (from the folder of the project, please): %s\n", r->path, td_trail());
    exit(2);
}

static td_bytes line_of(const recording *r, size_t i) {
    return (td_bytes){r->text.data + r->line_at[i], r->line_at[i + 1] - r->line_at[i]};
}

/* Mostly as it is; now and then cut in half, with a price that is none, or twice. */
static void put_line(td_random *random, td_bytes line, td_buf *out) {
    switch (td_random_below(random, 60)) {
    case 0:
        td_buf_put(out, line.data, line.size / 2);
        td_buf_text(out, "\n");
        break;
    case 1: {
        size_t from = out->size;
        td_buf_put(out, line.data, line.size);
        for (size_t i = from + line.size / 2; i < out->size; i++)
            if (out->data[i] >= '1' && out->data[i] <= '9') out->data[i] = '0';
        break;
    }
    case 2:
        td_buf_put(out, line.data, line.size);
        td_buf_put(out, line.data, line.size);
        break;
    default:
        td_buf_put(out, line.data, line.size);
    }
}

/* ---- packing ---- */

static void gzip(td_bytes text, td_buf *out) {
    z_stream z = {0};
    if (deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) abort(); /* 16: with gzip's header */
    td_buf_reserve(out, deflateBound(&z, (uLong)text.size));
    z.next_in = (Bytef *)(uintptr_t)text.data; /* zlib's input is not const */
    z.avail_in = (uInt)text.size;
    z.next_out = out->data;
    z.avail_out = (uInt)out->capacity;
    if (deflate(&z, Z_FINISH) != Z_STREAM_END) abort();
    out->size = z.total_out;
    (void)deflateEnd(&z);
}

static void zip(const char *inner, td_bytes text, td_buf *out) {
    zip_error_t error;
    zip_source_t *packed = zip_source_buffer_create(NULL, 0, 0, &error);
    zip_source_keep(packed); /* zip_close lets go of it, and we read it afterwards */
    zip_t *archive = zip_open_from_source(packed, ZIP_TRUNCATE, &error);
    if (archive == NULL) abort();
    zip_int64_t added = zip_file_add(archive, inner, zip_source_buffer(archive, text.data, text.size, 0), 0);
    if (added < 0) abort();
    if (zip_file_set_mtime(archive, (zip_uint64_t)added, 0, 0) != 0) abort(); /* of the seed alone, not of today */
    if (zip_close(archive) != 0 || zip_source_open(packed) != 0) abort();
    zip_stat_t about;
    if (zip_source_stat(packed, &about) != 0) abort();
    td_buf_reserve(out, about.size);
    if (zip_source_read(packed, out->data, about.size) != (zip_int64_t)about.size) abort();
    out->size = about.size;
    (void)zip_source_close(packed);
    zip_source_free(packed);
}

/* Puts the packed file, once in a while cut short. */
static void put_packed(td_sim *sim, td_random *random, const char *path, td_buf *packed) {
    if (td_random_below(random, 8) == 0) packed->size -= td_random_below(random, packed->size / 2);
    td_sim_put_file(sim, path, td_buf_bytes(packed));
}

/* ---- markets ---- */

static long ms_of_day(td_bytes line) { return strtol((const char *)line.data, NULL, 10); } /* a comma ends it */

void td_market_put_lean(td_sim *sim, td_random *random, size_t lines) {
    static const char *const paths[] = {"market/lean/trade.zip", "market/lean/quote.zip"};
    recording_load(&lean[0]);
    recording_load(&lean[1]);
    long from_ms = ms_of_day(line_of(&lean[1], td_random_below(random, lean[1].line_count - lines)));
    for (int i = 0; i < 2; i++) {
        td_buf text = {0}, packed = {0};
        size_t at = 0, count = 0;
        while (at < lean[i].line_count && ms_of_day(line_of(&lean[i], at)) < from_ms) at++;
        for (; at < lean[i].line_count && count < lines; at++, count++) put_line(random, line_of(&lean[i], at), &text);
        zip(lean[i].inner, td_buf_bytes(&text), &packed);
        put_packed(sim, random, paths[i], &packed);
        td_buf_fini(&text);
        td_buf_fini(&packed);
    }
}

void td_market_put_binance(td_sim *sim, td_random *random, size_t lines) {
    static const char *const paths[] = {"market/binance/a.gz", "market/binance/b.gz"};
    size_t from = td_random_below(random, LINES_MAX - lines);
    for (int i = 0; i < 2; i++) {
        td_buf text = {0}, stuck = {0}, packed = {0};
        recording_load(&binance[i]);
        for (size_t n = 0; n < lines && from + n < binance[i].line_count; n++) {
            td_bytes line = line_of(&binance[i], from + n);
            if (memmem(line.data, line.size, "@depth", 6) != NULL && td_random_below(random, 8) != 0) continue;
            put_line(random, line, td_random_below(random, 6) == 0 ? &stuck : &text);
            if (td_random_below(random, 100) != 0) continue;
            td_buf_put(&text, stuck.data, stuck.size);
            stuck.size = 0;
        }
        td_buf_put(&text, stuck.data, stuck.size);
        gzip(td_buf_bytes(&text), &packed);
        put_packed(sim, random, paths[i], &packed);
        td_buf_fini(&text);
        td_buf_fini(&stuck);
        td_buf_fini(&packed);
    }
}

void td_market_free(void) {
    for (int i = 0; i < 2; i++) {
        td_buf_fini(&lean[i].text);
        td_buf_fini(&binance[i].text);
    }
}
