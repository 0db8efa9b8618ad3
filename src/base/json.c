/* src/base/json.c - the pull reader: a state per position in the grammar (RFC 8259), eight bytes at a time in texts. */
#include "base/json.h"
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { /* td_json.state: what may come next */
       AT_VALUE,
       AT_FIRST_VALUE, /* or ] */
       AT_KEY,
       AT_FIRST_KEY, /* or } */
       AFTER_VALUE,  /* comma, closing bracket, or the end */
       BROKEN,
};

static td_json_type broken(td_json *json) {
    json->state = BROKEN;
    return TD_JSON_ERROR;
}

/* Venues write none: one comparison in front of the four. */
static void skip_space(td_json *json) {
    const uint8_t *p = json->at, *end = json->end;
    while (p < end && *p <= ' ' && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t')) p++;
    json->at = p;
}

static const uint64_t ones = UINT64_C(0x0101010101010101), tops = UINT64_C(0x8080808080808080);

static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */

static bool is_special(uint8_t c) { return c == '"' || c == '\\' || c < 0x20; }

/* The first quote, backslash or control character, or `end`. In each mask bytes above the first hit may be wrong (a
 * borrow runs upwards), the lowest hit is always right; and the lowest is the only one used. */
static const uint8_t *find_special(const uint8_t *p, const uint8_t *end) {
#ifdef __SSE2__
    for (; end - p >= 16; p += 16) { /* a price is found with one look */
        __m128i w = _mm_loadu_si128((const __m128i *)(const void *)p), last = _mm_set1_epi8(0x1f);
        __m128i hits = _mm_or_si128(_mm_cmpeq_epi8(w, _mm_set1_epi8('"')), _mm_cmpeq_epi8(w, _mm_set1_epi8('\\')));
        hits = _mm_or_si128(hits, _mm_cmpeq_epi8(_mm_min_epu8(w, last), w));
        unsigned mask = (unsigned)_mm_movemask_epi8(hits);
        if (mask != 0) return p + __builtin_ctz(mask);
    }
#endif
    for (; end - p >= 8; p += 8) {
        uint64_t w;
        memcpy(&w, p, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        w = __builtin_bswap64(w);
#endif
        uint64_t quote = w ^ ones * '"', backslash = w ^ ones * '\\';
        uint64_t hits = ((quote - ones) & ~quote) | ((backslash - ones) & ~backslash) | ((w - ones * 0x20) & ~w);
        hits &= tops;
        if (hits != 0) return p + __builtin_ctzll(hits) / 8;
    }
    while (p < end && !is_special(*p)) p++;
    return p;
}

static int hex_value(uint8_t c) {
    if (c >= '0' && c <= '9') return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* `p` is behind "\u". The code unit, or -1. */
static int32_t read_hex4(const uint8_t *p, const uint8_t *end) {
    if (end - p < 4) return -1;
    int32_t unit = 0;
    for (int i = 0; i < 4; i++) {
        int digit = hex_value(p[i]);
        if (digit < 0) return -1;
        unit = unit << 4 | digit;
    }
    return unit;
}

/* Length of the escape sequence whose backslash is at `p`, or 0 when it is none. */
static size_t escape_size(const uint8_t *p, const uint8_t *end) {
    if (end - p < 2) return 0;
    switch (p[1]) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        return 2;
    case 'u':
        return read_hex4(p + 2, end) < 0 ? 0 : 6;
    default:
        return 0;
    }
}

/* The closing quote of a text with escapes, from its first special character on; NULL when it has none, or the text is
 * malformed. Out of line: venues escape nothing. */
static __attribute__((noinline)) const uint8_t *skip_escapes(const uint8_t *p, const uint8_t *end) {
    while (p < end && *p == '\\') {
        size_t size = escape_size(p, end);
        if (size == 0) return NULL;
        p = find_special(p + size, end);
    }
    return p < end && *p == '"' ? p : NULL;
}

/* At the opening quote. Fills text and escaped. */
static bool read_string(td_json *json) {
    const uint8_t *start = json->at + 1, *p = find_special(start, json->end);
    json->escaped = p < json->end && *p == '\\';
    if (p == json->end || *p != '"') p = skip_escapes(p, json->end);
    if (p == NULL) return false;
    json->text = (td_bytes){start, (size_t)(p - start)};
    json->at = p + 1;
    return true;
}

static const uint8_t *skip_digits(const uint8_t *p, const uint8_t *end) {
    while (p < end && (uint8_t)(*p - '0') < 10) p++;
    return p;
}

/* Behind a number, or NULL when there is none at `p`. A zero in front ends it: a digit behind is refused as the next
 * token. */
static const uint8_t *skip_number(const uint8_t *p, const uint8_t *end) {
    if (*p == '-') p++;
    const uint8_t *digits = p;
    p = p < end && *p == '0' ? p + 1 : skip_digits(p, end);
    if (p == digits) return NULL;
    if (p < end && *p == '.') {
        digits = p + 1;
        p = skip_digits(digits, end);
        if (p == digits) return NULL;
    }
    if (p < end && (*p | 0x20) == 'e') {
        p++;
        if (p < end && (*p == '+' || *p == '-')) p++;
        digits = p;
        p = skip_digits(digits, end);
        if (p == digits) return NULL;
    }
    return p;
}

static bool read_number(td_json *json) {
    const uint8_t *start = json->at, *p = skip_number(start, json->end);
    if (p == NULL) return false;
    json->text = (td_bytes){start, (size_t)(p - start)};
    json->at = p;
    return true;
}

static td_json_type read_word(td_json *json, td_bytes word, td_json_type type) {
    if ((size_t)(json->end - json->at) < word.size || memcmp(json->at, word.data, word.size) != 0) return broken(json);
    json->at += word.size;
    json->state = AFTER_VALUE;
    return type;
}

static td_json_type open_container(td_json *json, bool object) {
    if (json->depth == TD_JSON_DEPTH_MAX) return broken(json);
    uint64_t bit = UINT64_C(1) << json->depth++;
    json->in_object = object ? json->in_object | bit : json->in_object & ~bit;
    json->at++;
    json->state = object ? AT_FIRST_KEY : AT_FIRST_VALUE;
    return object ? TD_JSON_OBJECT : TD_JSON_ARRAY;
}

static bool inside_object(const td_json *json) { return (json->in_object >> (json->depth - 1) & 1) != 0; }

static td_json_type close_container(td_json *json) {
    bool object = inside_object(json);
    if (*json->at != (object ? '}' : ']')) return broken(json);
    json->depth--;
    json->at++;
    json->state = AFTER_VALUE;
    return object ? TD_JSON_OBJECT_END : TD_JSON_ARRAY_END;
}

static td_json_type read_value(td_json *json) {
    if (json->at == json->end) return broken(json);
    switch (*json->at) {
    case '{':
        return open_container(json, true);
    case '[':
        return open_container(json, false);
    case 't':
        return read_word(json, TD_TEXT("true"), TD_JSON_TRUE);
    case 'f':
        return read_word(json, TD_TEXT("false"), TD_JSON_FALSE);
    case 'n':
        return read_word(json, TD_TEXT("null"), TD_JSON_NULL);
    case '"':
        if (!read_string(json)) return broken(json);
        json->state = AFTER_VALUE;
        return TD_JSON_STRING;
    default:
        if (!read_number(json)) return broken(json);
        json->state = AFTER_VALUE;
        return TD_JSON_NUMBER;
    }
}

/* A key and its colon. */
static td_json_type read_key(td_json *json) {
    if (json->at == json->end || *json->at != '"' || !read_string(json)) return broken(json);
    skip_space(json);
    if (json->at == json->end || *json->at != ':') return broken(json);
    json->at++;
    json->state = AT_VALUE;
    return TD_JSON_KEY;
}

void td_json_init(td_json *json, td_bytes text) {
    *json = (td_json){.at = text.data, .end = td_bytes_end(text), .state = AT_VALUE};
}

/* Behind a comma, what the container holds comes next. False: no comma. */
static bool pass_comma(td_json *json) {
    if (json->depth == 0 || json->at == json->end || *json->at != ',') return false;
    json->at++;
    skip_space(json);
    json->state = inside_object(json) ? AT_KEY : AT_VALUE;
    return true;
}

/* `,"x":`: venues like keys of one letter, and no spaces. */
static bool take_letter_key(td_json *json) {
    const uint8_t *p = json->at;
    if (json->end - p < 5 || p[0] != ',' || p[1] != '"' || p[3] != '"' || p[4] != ':' || is_special(p[2])) return false;
    if (json->depth == 0 || !inside_object(json)) return false;
    json->text = (td_bytes){p + 2, 1};
    json->escaped = false;
    json->at = p + 5;
    json->state = AT_VALUE;
    return true;
}

/* One place for each of the two big readers, so that they stand in line: keys and values take turns. */
td_json_type td_json_next(td_json *json) {
    if (json->state == AFTER_VALUE && take_letter_key(json)) return TD_JSON_KEY;
    skip_space(json);
    if (json->state == AFTER_VALUE && !pass_comma(json)) {
        bool at_end = json->at == json->end;
        if (json->depth == 0) return at_end ? TD_JSON_END : broken(json);
        return at_end ? broken(json) : close_container(json);
    }
    bool first = json->state == AT_FIRST_KEY || json->state == AT_FIRST_VALUE;
    bool key = json->state == AT_FIRST_KEY || json->state == AT_KEY;
    if (first && json->at < json->end && *json->at == (key ? '}' : ']')) return close_container(json);
    if (key) return read_key(json);
    return json->state == BROKEN ? TD_JSON_ERROR : read_value(json);
}

bool td_json_skip(td_json *json) {
    uint8_t depth = json->depth;
    do {
        td_json_type type = td_json_next(json);
        if (type == TD_JSON_ERROR || type == TD_JSON_END) return false;
    } while (json->depth > depth);
    return json->depth == depth; /* lower: there was no value, only the end of the container */
}

bool td_json_leave(td_json *json) {
    uint8_t depth = json->depth;
    while (json->depth >= depth)
        if (td_json_next(json) == TD_JSON_ERROR) return false;
    return true;
}

size_t td_utf8_size(const uint8_t *p, size_t left) {
    if (p[0] < 0x80) return 1;
    size_t size = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || left < size) return 0;
    for (size_t i = 1; i < size; i++)
        if ((p[i] & 0xc0) != 0x80) return 0;
    bool overlong = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90);
    bool outside = (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf4 && p[1] > 0x8f);
    return overlong || outside ? 0 : size;
}

size_t td_utf8_find_bad(td_bytes text) {
    size_t at = 0;
    for (size_t size = 1; at < text.size && size > 0; at += size) size = td_utf8_size(text.data + at, text.size - at);
    return at;
}

void td_buf_put_sound(td_buf *buf, td_bytes text) {
    for (size_t sound; (sound = td_utf8_find_bad(text)) < text.size; text = td_bytes_from(text, sound + 1)) {
        td_buf_put(buf, text.data, sound);
        td_buf_text(buf, replacement);
    }
    if (text.size > 0) td_buf_put(buf, text.data, text.size);
}

static size_t utf8_put(uint32_t c, uint8_t out[4]) {
    if (c < 0x80) {
        out[0] = (uint8_t)c;
        return 1;
    }
    size_t size = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = size - 1; i > 0; i--, c >>= 6) out[i] = (uint8_t)(0x80 | (c & 0x3f));
    static const uint8_t leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    out[0] = (uint8_t)(leads[size] | c);
    return size;
}

/* The character of the escape at `p`; *out_used is its length, both halves of a surrogate pair included, or 0. */
static uint32_t read_escape(const uint8_t *p, const uint8_t *end, size_t *out_used) {
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    *out_used = escape_size(p, end);
    if (*out_used == 0) return 0;
    if (p[1] != 'u') return (uint32_t)values[strchr(names, p[1]) - names];
    uint32_t first = (uint32_t)read_hex4(p + 2, end);
    if (first < 0xd800 || first > 0xdfff) return first;
    p += 6;
    int32_t second = end - p >= 6 && p[0] == '\\' && p[1] == 'u' ? read_hex4(p + 2, end) : -1;
    bool pair = first < 0xdc00 && second >= 0xdc00 && second <= 0xdfff;
    *out_used = pair ? 12 : 0; /* half a pair is no character */
    return pair ? 0x10000 + ((first - 0xd800) << 10) + ((uint32_t)second - 0xdc00) : 0;
}

size_t td_json_unescape(td_bytes text, char *out, size_t capacity) {
    const uint8_t *p = text.data, *end = p + text.size;
    size_t size = 0;
    while (p < end) {
        uint8_t character[4];
        size_t used, length;
        if (*p == '\\') {
            length = utf8_put(read_escape(p, end, &used), character);
        } else {
            used = length = td_utf8_size(p, (size_t)(end - p));
            memcpy(character, p, length);
        }
        if (used == 0 || capacity - size < length) return SIZE_MAX;
        memcpy(out + size, character, length);
        size += length;
        p += used;
    }
    return size;
}

static void put_special(td_buf *buf, uint8_t c) {
    switch (c) {
    case '"':
        td_buf_text(buf, "\\\"");
        break;
    case '\\':
        td_buf_text(buf, "\\\\");
        break;
    case '\n':
        td_buf_text(buf, "\\n");
        break;
    case '\r':
        td_buf_text(buf, "\\r");
        break;
    case '\t':
        td_buf_text(buf, "\\t");
        break;
    default:
        td_buf_printf(buf, "\\u%04x", c);
    }
}

void td_json_put_string(td_buf *buf, td_bytes text) {
    td_buf_put(buf, "\"", 1);
    for (size_t i = 0; i < text.size;) {
        const uint8_t *p = text.data + i;
        size_t size = is_special(*p) ? 0 : td_utf8_size(p, text.size - i);
        if (is_special(*p)) {
            put_special(buf, *p);
        } else if (size > 0) {
            td_buf_put(buf, p, size);
        } else {
            td_buf_text(buf, replacement);
        }
        i += size > 0 ? size : 1;
    }
    td_buf_put(buf, "\"", 1);
}
