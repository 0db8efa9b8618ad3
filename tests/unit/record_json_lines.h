/* tests/unit/record_json_lines.h - the sample of each schema of schema_record_test.c as td_record_json writes it. */
#pragma once
#include "schema/record.h"

static const char *const json_lines[TD_SCHEMA_COUNT] = {
    [TD_SCHEMA_TRADE] = "{\"schema\":\"Trade\",\"event_ns\":1795239865123456789,\"receive_ns\":1795239865123456790,"
                        "\"price\":\"185.12\",\"size\":\"100\",\"trade_id\":42,\"side\":\"buy\",\"flags\":0,"
                        "\"feed\":\"lean\",\"exchange\":\"P\",\"condition\":\"20002020\","
                        "\"origin\":\"feed\",\"of_epoch\":null,\"of_offset\":null,\"pass\":[]}",
    [TD_SCHEMA_QUOTE] = "{\"schema\":\"Quote\",\"event_ns\":1795239865123456789,\"receive_ns\":1795239865123456789,"
                        "\"bid_price\":null,\"bid_size\":null,\"ask_price\":\"185.13\",\"ask_size\":\"200\","
                        "\"sequence\":null,\"flags\":0,\"feed\":\"lean\",\"exchange\":\"\",\"condition\":\"\","
                        "\"origin\":\"feed\",\"of_epoch\":null,\"of_offset\":null,\"pass\":[]}",
    [TD_SCHEMA_TIME] = "{\"schema\":\"Time\",\"bound_ns\":1795239865123456789,\"clock_ns\":1795239865123456789,"
                       "\"session\":\"ended\",\"feed\":\"lean\"}",
    [TD_SCHEMA_PROGRAM] = "{\"schema\":\"Program\",\"sha256\":"
                          "\"3031323334353637383961626364656630313233343536373839616263646500\","
                          "\"warm_from\":null}",
    [TD_SCHEMA_BAR] =
        "{\"schema\":\"Bar\",\"instrument\":\"LEAN:IBM\",\"event_time\":1795239865123,"
        "\"event_ns\":1795239865123456849,\"width_ns\":60,\"start_ns\":1795239865123456789,"
        "\"end_ns\":1795239865123456849,\"open\":\"0.000000001\",\"high\":\"0.000000002\","
        "\"low\":\"0.000000003\",\"close\":\"0.000000004\",\"vwap\":\"0.000000005\","
        "\"volume\":\"0.00000006\",\"notional\":\"0.00000000000000007\",\"trade_count\":8,"
        "\"revision\":0,\"known_at_ns\":0,\"quality\":\"repaired\",\"evidence\":\"proven\",\"width\":\"60ns\"}",
    [TD_SCHEMA_SIGNAL] = "{\"schema\":\"Signal\",\"id\":\"golden_cross/LEAN:IBM/2026-11-21T05:44:25.123456789#1\","
                         "\"strategy\":\"golden_cross\",\"instrument\":\"LEAN:IBM\",\"event_time\":1795239865123,"
                         "\"event_ns\":1795239865123456789,\"width_ns\":60000000000,\"ordinal\":1,"
                         "\"action\":\"buy\",\"target\":\"-1\",\"status\":\"fresh\",\"price\":\"185.12\","
                         "\"known_at_ns\":1795239865123456789,\"note\":\"\",\"reason\":\"\",\"data\":\"\"}",
    [TD_SCHEMA_REJECTED] = "{\"schema\":\"Rejected\",\"feed\":\"lean\",\"source\":\"a.zip\",\"file\":3,\"line\":17,"
                           "\"receive_ns\":1795239865123456789,\"reason\":\"range\",\"detail\":\"1e30\","
                           "\"bytes\":\"x\"}",
    [TD_SCHEMA_QUARANTINED] =
        "{\"schema\":\"Quarantined\",\"feed\":\"lean\",\"instrument\":\"LEAN:IBM\",\"kind\":\"trade\","
        "\"reason\":\"range\",\"missed_widths_ns\":[9223372036854775807,-9223372036854775807],"
        "\"event_time\":-9223372036855,\"event_ns\":-9223372036854775807,\"receive_ns\":-9223372036854775807,"
        "\"known_at_ns\":1795239865123456789,\"flags\":255,\"price\":\"-9223372036.854775807\","
        "\"size\":\"-92233720368.54775807\",\"trade_id\":-9223372036854775807,\"side\":\"sell\","
        "\"bid_price\":null,\"bid_size\":null,\"ask_price\":null,\"ask_size\":null,\"sequence\":null,"
        "\"exchange\":\"\",\"condition\":\"123456789012345\"}",
    [TD_SCHEMA_FILLED] = "{\"schema\":\"Filled\",\"gap\":1,\"extent\":\"whole\",\"clock_ns\":1795239865123456789,"
                         "\"feed\":\"lean\",\"flags\":0}",
    [TD_SCHEMA_GAP] = "{\"schema\":\"Gap\",\"feed\":\"lean\",\"instrument\":\"LEAN:IBM\",\"number\":3,"
                      "\"status\":\"open\",\"reason\":\"session\",\"event_time\":1795239865123,"
                      "\"event_ns\":1795239865123456789,\"to_ns\":null,\"first_id\":0,\"last_id\":0,"
                      "\"missing\":0,\"filled\":0,\"known_at_ns\":0}",
    [TD_SCHEMA_CORPORATE] = "{\"schema\":\"CorporateAction\",\"kind\":\"split\",\"ex_day\":16230,\"numerator\":7,"
                            "\"denominator\":1,\"amount\":\"0\",\"currency\":\"\",\"symbol\":\"\",\"source\":\"desk\","
                            "\"event_ns\":1795239865123456789,\"receive_ns\":1795239865123456790,\"feed\":\"lean\","
                            "\"flags\":0}",
    [TD_SCHEMA_BOOK] =
        "{\"schema\":\"BookUpdate\",\"event_ns\":1795239865123456789,\"receive_ns\":-9223372036854775807,"
        "\"first_sequence\":7,\"last_sequence\":null,\"snapshot\":false,\"more\":true,\"flags\":1,"
        "\"feed\":\"lean\",\"levels\":[{\"side\":\"bid\",\"price\":\"-9223372036.854775807\","
        "\"size\":\"92233720368.54775807\"},{\"side\":\"ask\",\"price\":\"185.13\",\"size\":\"0\"}]}",
    [TD_SCHEMA_PRICE] = "{\"schema\":\"Price\",\"event_ns\":1795239865123456789,"
                        "\"receive_ns\":1795239865123456790,\"price\":\"185.12\",\"flags\":0,"
                        "\"feed\":\"lean\",\"origin\":\"feed\",\"of_epoch\":null,\"of_offset\":null,"
                        "\"pass\":[]}",
    [TD_SCHEMA_PUBLISHED_TRADE] =
        "{\"schema\":\"PublishedTrade\",\"feed\":\"lean\",\"instrument\":\"LEAN:IBM\","
        "\"event_time\":1795239865123,\"event_ns\":1795239865123456789,\"receive_ns\":1795239865123456790,"
        "\"price\":\"185.12\",\"size\":\"100\",\"trade_id\":42,\"side\":\"buy\",\"exchange\":\"P\","
        "\"condition\":\"20002020\",\"flags\":0,\"origin\":\"feed\"}",
    [TD_SCHEMA_PUBLISHED_QUOTE] =
        "{\"schema\":\"PublishedQuote\",\"feed\":\"lean\",\"instrument\":\"LEAN:IBM\","
        "\"event_time\":1795239865123,\"event_ns\":1795239865123456789,\"receive_ns\":1795239865123456789,"
        "\"bid_price\":null,\"bid_size\":null,\"ask_price\":\"185.13\",\"ask_size\":\"200\",\"sequence\":null,"
        "\"exchange\":\"\",\"condition\":\"\",\"flags\":0,\"origin\":\"feed\"}",
    [TD_SCHEMA_PUBLISHED_NEWS] =
        "{\"schema\":\"PublishedNews\",\"feed\":\"lean\",\"instrument\":\"LEAN:IBM\","
        "\"event_time\":1795239865123,\"event_ns\":1795239865123456789,\"receive_ns\":1795239865123456790,"
        "\"headline\":\"Profit \\\"up\\\"\",\"source\":\"wire\",\"url\":\"\",\"id\":\"NEWSID\","
        "\"sentiment\":-0.25,\"flags\":0,\"origin\":\"feed\"}",
    [TD_SCHEMA_FILL] = "{\"schema\":\"Fill\",\"signal\":\"cross/"
                       "T#1\",\"strategy\":\"cross\",\"instrument\":\"LEAN:IBM\",\"event_time\":0,"
                       "\"event_ns\":0,\"side\":\"buy\",\"quantity\":\"0\",\"price\":\"0\",\"position\":\"0\","
                       "\"kind\":\"next\",\"known_at_ns\":0}",
    [TD_SCHEMA_MEMBER] = "{\"schema\":\"Member\",\"instrument\":\"L:I\",\"section\":-1,"
                         "\"end_ns\":1795239865123456789,\"value\":-0.5}",
    [TD_SCHEMA_RAW] = "{\"schema\":\"Raw\",\"kind\":\"opened\",\"receive_ns\":1795239865123456789,"
                      "\"format\":\"lean\",\"venue\":\"LEAN\",\"address\":\"ws://x\",\"bytes\":\"x\"}",
    [TD_SCHEMA_NEWS] = "{\"schema\":\"News\",\"event_ns\":1795239865123456789,"
                       "\"receive_ns\":1795239865123456790,\"headline\":\"Profit \\\"up\\\"\",\"source\":\"wire\","
                       "\"url\":\"\",\"id\":\"NEWSID\",\"sentiment\":-0.25,\"flags\":0,\"feed\":\"lean\","
                       "\"origin\":\"feed\",\"of_epoch\":null,\"of_offset\":null,\"pass\":[]}",
    [TD_SCHEMA_VENDOR_BAR] =
        "{\"schema\":\"VendorBar\",\"event_ns\":1795239865123456789,\"receive_ns\":1795239865123456790,"
        "\"start_ns\":1795239865123456729,\"width_ns\":60,\"open\":\"86.49\",\"high\":\"86.5\","
        "\"low\":\"86.475\",\"close\":\"86.495\",\"volume\":null,\"adjusted\":false,\"flags\":0,"
        "\"feed\":\"lean\",\"origin\":\"backfill\",\"gap\":7}",
};
