/* src/app/registry.c - the plugs there are. A new venue, format or store is one line here. */
#include "app/config.h"

const td_feed_ops *const td_feed_plugs[] = {&td_feed_lean,
                                            &td_feed_binance_collector,
                                            &td_feed_cryptofeed,
                                            &td_feed_simulated,
                                            &td_feed_websocket,
                                            &td_feed_coinbase,
                                            &td_feed_coincap,
                                            &td_feed_finnhub,
                                            &td_feed_twelvedata,
                                            &td_feed_actions,
                                            &td_feed_alphavantage_live,
                                            &td_feed_twelvedata_series,
                                            &td_feed_alphavantage,
                                            &td_feed_csv,
                                            &td_feed_parquet,
                                            &td_feed_avro,
                                            &td_feed_produced,
                                            &td_feed_kafka,
                                            NULL};
const td_sink_ops *const td_sink_plugs[] = {
    &td_sink_sqlite, &td_sink_kafka, &td_sink_postgres, &td_sink_cassandra, &td_sink_parquet, &td_sink_avro, NULL};

const td_plug_sample td_plug_samples[] = {
    {"lean", "path", "examples/data/lean/*.zip", true},
    {"binance-collector", "path", "examples/data/binance/*.gz", true},
    {"cryptofeed", "path", "examples/data/cryptofeed/*.ws.*", true},
    {"actions", "path", "examples/data/actions/*.csv", true},
    {"csv", "path", "examples/strategies/golden_cross/bars.csv", true},
    {"parquet", "path", "archive", false},
    {"avro", "path", "archive", false},
    {"alphavantage", "token", "${ALPHAVANTAGE_TOKEN}", false},
    {"alphavantage", "symbols", "[IBM, MSFT]", false},
    {"websocket", "url", "wss://data-stream.binance.vision/ws/btcusdt@trade", false},
    {"coinbase", "products", "[BTC-USD, ETH-USD]", false},
    {"finnhub", "token", "${FINNHUB_TOKEN}", false},
    {"finnhub", "symbols", "[AAPL, MSFT, \"BINANCE:BTCUSDT\"]", false},
    {"coincap", "token", "${COINCAP_TOKEN}", false},
    {"coincap", "assets", "[bitcoin, ethereum]", false},
    {"twelvedata", "token", "${TWELVEDATA_TOKEN}", false},
    {"twelvedata", "symbols", "[AAPL, EUR/USD, BTC/USD]", false},
    {"twelvedata-series", "token", "${TWELVEDATA_TOKEN}", false},
    {"twelvedata-series", "symbols", "[AAPL, EUR/USD, BTC/USD]", false},
    {"kafka", "topic", "market_data", false},
    {"kafka", "brokers", "localhost:9092", false},
    {"kafka", "fields", "{ instrument: symbol, price: price, size: size, time: time }", false},
    {"sqlite", "file", "data/market.db", false},
    {"parquet", "dir", "archive", false},
    {"avro", "dir", "archive", false},
    {"postgres", "url", "postgresql://tapedeck@localhost/market", false},
    {0},
};

bool td_config_feed_is_endless(const td_config_feed *feed) {
    return feed->ops->live != NULL || (feed->ops == &td_feed_simulated && feed->conf.ticks == 0);
}
