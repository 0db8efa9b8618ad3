/* tests/services/java/Minutes.java - what one would write with Kafka Streams: of each instrument and minute how many trades
 * there were, the lowest and the highest price, how much was traded and what was paid, exact, and exactly once.
 *
 * usage: Minutes BROKER TRADES MINUTES STATE     two topics, trades as JSON; a folder. Ends when it is told to. */
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.math.BigDecimal;
import java.util.Properties;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;

public class Minutes {
    static final ObjectMapper JSON = new ObjectMapper();
    static final long MINUTE_NS = 60_000_000_000L;

    static JsonNode parsed(String text) {
        try {
            return JSON.readTree(text);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException(text, e);
        }
    }

    static BigDecimal decimal(JsonNode object, String name) {
        return new BigDecimal(object.get(name).textValue()); /* decimals are texts: none is rounded */
    }

    /** `sum` is empty before the first trade of a minute. */
    static String with(String sum, String trade) {
        JsonNode t = parsed(trade);
        BigDecimal price = decimal(t, "price"), size = decimal(t, "size");
        long count = 1;
        BigDecimal low = price, high = price, volume = size, paid = price.multiply(size);
        if (!sum.isEmpty()) {
            JsonNode s = parsed(sum);
            count += s.get("count").longValue();
            low = low.min(decimal(s, "low"));
            high = high.max(decimal(s, "high"));
            volume = volume.add(decimal(s, "volume"));
            paid = paid.add(decimal(s, "paid"));
        }
        return JSON.createObjectNode().put("count", count).put("low", low.toPlainString()).put("high", high.toPlainString())
            .put("volume", volume.toPlainString()).put("paid", paid.toPlainString()).toString();
    }

    static String minuteOf(String trade) {
        JsonNode t = parsed(trade);
        return t.get("instrument").textValue() + " " + t.get("event_ns").longValue() / MINUTE_NS * MINUTE_NS;
    }

    public static void main(String[] args) {
        Properties conf = new Properties();
        conf.put(StreamsConfig.APPLICATION_ID_CONFIG, "minutes");
        conf.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, args[0]);
        conf.put(StreamsConfig.STATE_DIR_CONFIG, args[3]);
        conf.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2); /* reads what is committed */
        conf.put("auto.offset.reset", "earliest");

        var text = Serdes.String();
        StreamsBuilder builder = new StreamsBuilder();
        builder.stream(args[1], Consumed.with(text, text))
            .map((instrument, trade) -> KeyValue.pair(minuteOf(trade), trade))
            .groupByKey(Grouped.with(text, text))
            .aggregate(() -> "", (minute, trade, sum) -> with(sum, trade), Materialized.with(text, text))
            .toStream()
            .to(args[2], Produced.with(text, text));
        KafkaStreams streams = new KafkaStreams(builder.build(), conf);
        Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
        streams.start();
    }
}
