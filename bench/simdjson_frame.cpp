// bench/simdjson_frame.cpp - simdjson's on-demand parser used as its documentation asks: one parser for all frames,
// padded input without copies, fields in the order in which they come, each value read once.
#include "simdjson_frame.h"
#include <simdjson.h>
#include <string>

namespace od = simdjson::ondemand;

static bool text_of(simdjson::simdjson_result<od::value> value, frame_text *out) {
    std::string_view text;
    if (value.get_string().get(text) != simdjson::SUCCESS) return false;
    *out = {text.data(), text.size()};
    return true;
}

static bool read_trade(od::object &data, frame_fields *out) {
    bool maker_buys = false;
    bool good = text_of(data["s"], &out->symbol) && data["t"].get_int64().get(out->id) == simdjson::SUCCESS &&
                text_of(data["p"], &out->numbers[0]) && text_of(data["q"], &out->numbers[1]) &&
                data["T"].get_int64().get(out->time) == simdjson::SUCCESS &&
                data["m"].get_bool().get(maker_buys) == simdjson::SUCCESS;
    out->maker_buys = maker_buys;
    return good;
}

static bool read_book_ticker(od::object &data, frame_fields *out) {
    return data["u"].get_int64().get(out->id) == simdjson::SUCCESS && text_of(data["s"], &out->symbol) &&
           text_of(data["b"], &out->numbers[0]) && text_of(data["B"], &out->numbers[1]) &&
           text_of(data["a"], &out->numbers[2]) && text_of(data["A"], &out->numbers[3]);
}

static bool read_frame(od::parser &parser, simdjson::padded_string_view frame, frame_fields *out) {
    od::document document;
    od::object data;
    std::string_view stream;
    if (parser.iterate(frame).get(document) != simdjson::SUCCESS) return false;
    if (document["stream"].get_string().get(stream) != simdjson::SUCCESS) return false;
    if (document["data"].get_object().get(data) != simdjson::SUCCESS) return false;
    std::string_view type = stream.substr(stream.find('@') + 1);
    out->is_trade = type == "trade";
    if (out->is_trade == 0 && type != "bookTicker") return false;
    bool good = out->is_trade != 0 ? read_trade(data, out) : read_book_ticker(data, out);
    return good;
}

void *simdjson_open(void) { return new od::parser(); }

void simdjson_close(void *parser) { delete static_cast<od::parser *>(parser); }

const char *simdjson_about(void) {
    static const std::string about = std::string("simdjson ") + SIMDJSON_STRINGIFY(SIMDJSON_VERSION) + ", " +
                                     simdjson::get_active_implementation()->name();
    return about.c_str();
}

size_t simdjson_padding(void) { return simdjson::SIMDJSON_PADDING; }

int simdjson_read(void *parser, const char *frame, size_t size, frame_fields *out) {
    simdjson::padded_string_view view(frame, size, size + simdjson::SIMDJSON_PADDING);
    return read_frame(*static_cast<od::parser *>(parser), view, out) ? 0 : -1;
}
