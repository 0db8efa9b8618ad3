/* src/feed/archive.c - lines out of zip, gzip and plain text: local header, inflate, checksum, and nothing read twice.
 */
#include "feed/archive.h"
#include <assert.h>
#include <stdlib.h>
#define ZLIB_CONST
#include <zlib.h>

enum {
    INPUT_BYTES = 16 * 1024,
    TEXT_BYTES = 32 * 1024,
    ROOM_MIN = 4 * 1024, /* unpacking into less would cost a call per few bytes */
    NAME_MAX_BYTES = 255,
    ZIP_HEADER_BYTES = 30,
    ZIP_TAIL_BYTES = 28, /* the longest data descriptor and the signature behind it */
};

static const uint32_t zip_file_signature = 0x04034b50, zip_directory_signature = 0x02014b50,
                      zip_descriptor_signature = 0x08074b50;

struct td_archive {
    const td_os *os;
    int file;
    int64_t offset; /* of the next packed bytes to read */
    bool input_ended;
    z_stream z; /* next_in, avail_in: packed bytes read and not yet used */
    bool zip, plain, stored, described /* checksum behind the data */;
    int64_t stored_left;
    uint32_t crc, crc_expected;
    bool unpacked;      /* nothing more comes into `text` */
    const char *broken; /* why, when it came to its end too early */
    td_buf text;        /* unpacked; the part from `at` on is not given yet */
    size_t at, searched /* bytes behind `at` that hold no line end */;
    uint64_t line_count;
    bool skipping; /* within a line that was too long */
    char name[NAME_MAX_BYTES + 1];
    uint8_t input[INPUT_BYTES];
};

const char *td_archive_name(const td_archive *a) { return a->name; }

/* ---- opening ---- */

static uint16_t get_le16(const uint8_t *p) { return (uint16_t)(p[0] | p[1] << 8); }
static uint32_t get_le32(const uint8_t *p) { return get_le16(p) | (uint32_t)get_le16(p + 2) << 16; }
static uint64_t get_le64(const uint8_t *p) { return get_le32(p) | (uint64_t)get_le32(p + 4) << 32; }

typedef struct zip_header {
    uint16_t flags, method, name_size, extra_size;
    uint64_t packed_size; /* UINT64_MAX: said nowhere before the data */
} zip_header;

/* The packed size of large files stands in an extra field with id 1: unpacked size, packed size. */
static uint64_t zip64_packed_size(const uint8_t *extra, size_t size) {
    for (size_t at = 0; at + 4 <= size; at += 4u + get_le16(extra + at + 2))
        if (get_le16(extra + at) == 1 && get_le16(extra + at + 2) >= 16 && at + 20 <= size)
            return get_le64(extra + at + 12);
    return UINT64_MAX;
}

static td_status take_name(td_archive *a, const uint8_t *name, size_t size) {
    const uint8_t *slash = memrchr(name, '/', size);
    const uint8_t *base = slash != NULL ? slash + 1 : name;
    size_t base_size = size - (size_t)(base - name);
    if (base_size > NAME_MAX_BYTES) return TD_FAIL(TD_REJECT, "a name of %zu bytes in the zip", base_size);
    memcpy(a->name, base, base_size);
    a->name[base_size] = '\0';
    return TD_OK;
}

/* Reads the header at a->offset and moves behind it. */
static td_status read_zip_header(td_archive *a, zip_header *out) {
    uint8_t *h = a->input;
    size_t size;
    td_status status = td_os_read_full(a->os, a->file, h, sizeof a->input, a->offset, &size);
    if (status != TD_OK) return status;
    if (size < ZIP_HEADER_BYTES || get_le32(h) != zip_file_signature)
        return TD_FAIL(TD_REJECT, "no file in the zip at byte %lld", (long long)a->offset);
    *out = (zip_header){.flags = get_le16(h + 6),
                        .method = get_le16(h + 8),
                        .name_size = get_le16(h + 26),
                        .extra_size = get_le16(h + 28),
                        .packed_size = get_le32(h + 18)};
    size_t header_size = ZIP_HEADER_BYTES + (size_t)out->name_size + out->extra_size;
    if (header_size > size) return TD_FAIL(TD_REJECT, "the zip ends within a file's header");
    const uint8_t *name = h + ZIP_HEADER_BYTES;
    if (out->packed_size == UINT32_MAX) out->packed_size = zip64_packed_size(name + out->name_size, out->extra_size);
    a->described = (out->flags & 8) != 0;
    if (a->described && out->packed_size == 0) out->packed_size = UINT64_MAX;
    a->crc_expected = get_le32(h + 14);
    a->offset += (int64_t)header_size;
    return take_name(a, name, out->name_size);
}

static td_status open_zip(td_archive *a) {
    zip_header header = {0};
    do { /* folders come as files of no size whose name ends with a slash */
        td_status status = read_zip_header(a, &header);
        if (status != TD_OK) return status;
    } while (a->name[0] == '\0' && header.packed_size == 0);
    if (header.flags & 1) return TD_FAIL(TD_REJECT, "the zip is encrypted");
    a->zip = true;
    a->stored = header.method == 0;
    if (header.method != 0 && header.method != Z_DEFLATED)
        return TD_FAIL(TD_REJECT, "packed by zip method %d; only deflate and stored are read", header.method);
    if (a->stored && header.packed_size > INT64_MAX) return TD_FAIL(TD_REJECT, "stored in the zip without its size");
    a->stored_left = a->stored ? (int64_t)header.packed_size : 0;
    return TD_OK;
}

static td_status open_stream(td_archive *a, bool plain) {
    uint8_t magic[4];
    size_t size;
    td_status status = td_os_read_full(a->os, a->file, magic, sizeof magic, 0, &size);
    if (status != TD_OK) return status;
    bool gzip = size >= 2 && magic[0] == 0x1f && magic[1] == 0x8b;
    bool zip = size == 4 && get_le32(magic) == zip_file_signature;
    a->plain = plain && size > 0 && !gzip && !zip;
    if (a->plain) return TD_OK;
    if (!gzip && !zip) return TD_FAIL(TD_REJECT, size == 0 ? "an empty file" : "neither zip nor gzip");
    if (zip) status = open_zip(a);
    if (status != TD_OK) return status;
    if (inflateInit2(&a->z, zip ? -MAX_WBITS : MAX_WBITS + 16) != Z_OK) return TD_FAIL(TD_RETRY, "no memory to unpack");
    return TD_OK;
}

td_status td_archive_open(td_archive **out, const td_os *os, const char *path, bool plain) {
    td_archive *a = td_alloc_zero(1, sizeof *a);
    a->os = os;
    td_status status = os->ops->open(os->self, path, TD_OPEN_READ, &a->file);
    if (status != TD_OK) {
        free(a);
        return status;
    }
    status = open_stream(a, plain);
    if (status != TD_OK) {
        td_archive_close(a);
        return td_trace(status, "opening %s", path);
    }
    td_buf_reserve(&a->text, TEXT_BYTES);
    *out = a;
    return TD_OK;
}

void td_archive_close(td_archive *a) {
    if (a == NULL) return;
    (void)inflateEnd(&a->z); /* harmless before inflateInit2: the stream is all zero */
    td_buf_fini(&a->text);
    a->os->ops->close(a->os->self, a->file);
    free(a);
}

/* ---- unpacking: each function may be repeated after TD_RETRY ---- */

static td_status read_input(td_archive *a) {
    if (a->z.avail_in > 0 || a->input_ended) return TD_OK;
    size_t size;
    td_status status = a->os->ops->read_at(a->os->self, a->file, a->input, sizeof a->input, a->offset, &size);
    if (status != TD_OK) return status;
    a->input_ended = size == 0;
    a->offset += (int64_t)size;
    a->z.next_in = a->input;
    a->z.avail_in = (uInt)size;
    return TD_OK;
}

static void end_text(td_archive *a, const char *broken) {
    a->unpacked = true;
    a->broken = broken;
}

/* Behind the data: perhaps a descriptor (with or without signature, sizes of 4 or 8 bytes), then the directory. */
static td_status end_zip(td_archive *a) {
    uint8_t tail[ZIP_TAIL_BYTES] = {0};
    size_t size, at = 0;
    td_status status = td_os_read_full(a->os, a->file, tail, sizeof tail, a->offset - a->z.avail_in, &size);
    if (status != TD_OK) return status;
    bool small = true, large = false; /* which places the next signature may have */
    if (a->described) {
        at = get_le32(tail) == zip_descriptor_signature ? 8 : 4;
        a->crc_expected = get_le32(tail + at - 4);
        small = get_le32(tail + at + 8) == zip_directory_signature;
        large = get_le32(tail + at + 16) == zip_directory_signature;
    } else {
        small = get_le32(tail) == zip_directory_signature;
    }
    const char *broken = NULL;
    if (a->crc != a->crc_expected)
        broken = "its checksum does not match";
    else if (!small && !large)
        broken = "cut behind its first file, or more than one file in the zip";
    end_text(a, broken);
    return TD_OK;
}

static td_status end_gzip_member(td_archive *a) {
    td_status status = read_input(a);
    if (status != TD_OK) return status;
    if (a->input_ended)
        end_text(a, NULL);
    else
        (void)inflateReset(&a->z); /* what follows is another member, or the next inflate finds damage */
    return TD_OK;
}

/* As much of the input as there is room for, and at most so much; returns how much that was. */
static size_t copy_input(td_archive *a, int64_t most) {
    size_t size = a->text.capacity - a->text.size;
    if (size > a->z.avail_in) size = a->z.avail_in;
    if ((int64_t)size > most) size = (size_t)most;
    td_buf_put(&a->text, a->z.next_in, size);
    a->z.next_in += size;
    a->z.avail_in -= (uInt)size;
    return size;
}

static td_status copy_plain(td_archive *a) {
    if (copy_input(a, INT64_MAX) == 0) end_text(a, NULL);
    return TD_OK;
}

static td_status copy_stored(td_archive *a) {
    size_t size = copy_input(a, a->stored_left);
    a->crc = (uint32_t)crc32_z(a->crc, a->text.data + a->text.size - size, size);
    a->stored_left -= (int64_t)size;
    if (a->stored_left == 0) return end_zip(a);
    if (size == 0) end_text(a, "cut short");
    return TD_OK;
}

/* Adds to the text, or ends it. There is room. */
static td_status unpack(td_archive *a) {
    td_status status = read_input(a);
    if (status != TD_OK) return status;
    if (a->plain) return copy_plain(a);
    if (a->stored) return copy_stored(a);
    uint8_t *room = a->text.data + a->text.size;
    a->z.next_out = room;
    a->z.avail_out = (uInt)(a->text.capacity - a->text.size);
    int code = inflate(&a->z, Z_NO_FLUSH);
    size_t size = (size_t)(a->z.next_out - room);
    a->text.size += size;
    if (a->zip) a->crc = (uint32_t)crc32_z(a->crc, room, size);
    switch (code) {
    case Z_OK:
        return TD_OK;
    case Z_STREAM_END:
        return a->zip ? end_zip(a) : end_gzip_member(a);
    case Z_BUF_ERROR: /* with room: no input is left */
        end_text(a, "cut short");
        return TD_OK;
    case Z_MEM_ERROR:
        return TD_FAIL(TD_RETRY, "no memory to unpack");
    default:
        end_text(a, "damaged, or its checksum does not match");
        return TD_OK;
    }
}

/* Moves what is not given yet to the front and makes sure that there is room behind it. */
static void make_room(td_archive *a) {
    size_t left = a->text.size - a->at;
    if (a->at > 0) memmove(a->text.data, a->text.data + a->at, left);
    a->text.size = left;
    a->at = 0;
    if (a->text.capacity - left < ROOM_MIN) td_buf_reserve(&a->text, a->text.capacity);
}

/* ---- lines ---- */

static void give(td_archive *a, td_line_kind kind, size_t size, td_line *out) {
    const uint8_t *start = a->text.data + a->at;
    a->at += size;
    a->searched = 0;
    while (kind == TD_LINE_TEXT && size > 0 && (start[size - 1] == '\n' || start[size - 1] == '\r')) size--;
    *out = (td_line){.kind = kind, .number = ++a->line_count, .bytes = {start, size}};
    if (kind == TD_LINE_TOO_LONG) out->detail = "a line of more than 1 MB";
}

/* A line whose end is there. */
static void give_line(td_archive *a, size_t size, td_line *out) {
    if (a->skipping) {
        a->skipping = false;
        a->at += size;
        a->searched = 0;
    } else {
        give(a, size > TD_ARCHIVE_LINE_MAX ? TD_LINE_TOO_LONG : TD_LINE_TEXT, size, out);
    }
}

/* All is unpacked, and no line end is left. */
static void give_last(td_archive *a, td_line *out) {
    if (a->skipping) a->at = a->text.size;
    size_t size = a->text.size - a->at;
    if (a->broken != NULL) {
        give(a, TD_LINE_BROKEN, size, out);
        out->detail = a->broken;
        a->broken = NULL;
    } else if (size > 0) {
        give(a, TD_LINE_TEXT, size, out);
    } else {
        *out = (td_line){.kind = TD_LINE_END};
    }
}

td_status td_archive_next(td_archive *a, td_line *out) {
    for (;;) {
        const uint8_t *start = a->text.data + a->at;
        size_t size = a->text.size - a->at;
        const uint8_t *end = size > a->searched ? memchr(start + a->searched, '\n', size - a->searched) : NULL;
        if (end != NULL) {
            bool given = !a->skipping; /* else it is the rest of a line that has its number already */
            give_line(a, (size_t)(end - start) + 1, out);
            if (given) return TD_OK;
            continue;
        }
        a->searched = size;
        if (size > TD_ARCHIVE_LINE_MAX && !a->skipping) {
            a->skipping = true;
            give(a, TD_LINE_TOO_LONG, size, out);
            return TD_OK;
        }
        if (a->unpacked) {
            give_last(a, out);
            return TD_OK;
        }
        if (a->skipping) {
            a->at = a->text.size;
            a->searched = 0;
        }
        make_room(a);
        td_status status = unpack(a);
        if (status != TD_OK) return status;
    }
}
