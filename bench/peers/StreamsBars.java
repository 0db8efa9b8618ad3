/* bench/peers/StreamsBars.java - what one would write with Kafka Streams: trades to one-minute bars, and two averages of
 * their closes, exactly once. The trades are on a tape among quotes, which it passes over by their schema. It ends when
 * it has read all that there is, and says in one line of JSON how long that took. Bars are given when their window is
 * over, by the time of the trades.
 *
 * usage: StreamsBars BROKER TAPE BARS STATE SCHEMA ID [THREADS]     topics, a folder, Trade.avsc and its id */
import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.AppInfoParser;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.Suppressed;
import org.apache.kafka.streams.kstream.Suppressed.BufferConfig;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.processor.TimestampExtractor;
import org.apache.kafka.streams.state.WindowStore;

public class StreamsBars {
    static final int TAG_BYTES = 5, PARTITIONS = 8;
    static final double FAST = 2.0 / (10 + 1), SLOW = 2.0 / (30 + 1); /* exponential averages of 10 and of 30 bars */

    record Trade(long timeMs, double price, double size) {}

    /** Avro behind Confluent's five bytes; null: it is no trade. */
    static class TradeReader implements Deserializer<Trade> {
        private final int id;
        private final GenericDatumReader<GenericRecord> reader;
        private BinaryDecoder decoder;
        private GenericRecord row;

        TradeReader(Schema schema, int id) {
            this.id = id;
            reader = new GenericDatumReader<>(schema);
        }

        static double decimal(Object bytes, int scale) {
            long value = 0;
            ByteBuffer b = (ByteBuffer) bytes;
            for (int i = b.position(); i < b.limit(); i++) value = i == b.position() ? b.get(i) : value << 8 | b.get(i) & 0xff;
            return value / Math.pow(10, scale);
        }

        @Override
        public Trade deserialize(String topic, byte[] data) {
            if (data == null || data.length < TAG_BYTES || ByteBuffer.wrap(data).getInt(1) != id) return null;
            try {
                decoder = DecoderFactory.get().binaryDecoder(data, TAG_BYTES, data.length - TAG_BYTES, decoder);
                row = reader.read(row, decoder);
            } catch (IOException e) {
                throw new IllegalArgumentException(e);
            }
            return new Trade((long) row.get("event_ns") / 1000000, decimal(row.get("price"), 9), decimal(row.get("size"), 8));
        }
    }

    record Bar(double open, double high, double low, double close, double volume, long count) {
        static final int BYTES = 6 * 8;

        Bar with(Trade t) {
            if (count == 0) return new Bar(t.price, t.price, t.price, t.price, t.size, 1);
            return new Bar(open, Math.max(high, t.price), Math.min(low, t.price), t.price, volume + t.size, count + 1);
        }

        static byte[] put(Bar b) {
            return b == null ? null
                             : ByteBuffer.allocate(BYTES).putDouble(b.open).putDouble(b.high).putDouble(b.low)
                                   .putDouble(b.close).putDouble(b.volume).putLong(b.count).array();
        }

        static Bar get(byte[] bytes) {
            if (bytes == null) return null;
            ByteBuffer b = ByteBuffer.wrap(bytes);
            return new Bar(b.getDouble(), b.getDouble(), b.getDouble(), b.getDouble(), b.getDouble(), b.getLong());
        }
    }

    record Averages(double fast, double slow, Bar bar, long startMs) {
        Averages next(long start, Bar b) {
            boolean first = bar == null;
            return new Averages(first ? b.close : fast + FAST * (b.close - fast),
                                first ? b.close : slow + SLOW * (b.close - slow), b, start);
        }

        static byte[] put(Averages a) {
            if (a == null) return null;
            byte[] bar = a.bar == null ? new byte[0] : Bar.put(a.bar);
            return ByteBuffer.allocate(3 * 8 + bar.length).putDouble(a.fast).putDouble(a.slow).putLong(a.startMs).put(bar).array();
        }

        static Averages get(byte[] bytes) {
            if (bytes == null) return null;
            ByteBuffer b = ByteBuffer.wrap(bytes);
            double fast = b.getDouble(), slow = b.getDouble();
            long start = b.getLong();
            return new Averages(fast, slow, b.hasRemaining() ? Bar.get(Arrays.copyOfRange(bytes, 3 * 8, bytes.length)) : null, start);
        }

        @Override
        public String toString() {
            return String.format("{\"start_ms\":%d,\"open\":%s,\"high\":%s,\"low\":%s,\"close\":%s,\"volume\":%s,\"count\":%d,"
                                     + "\"fast\":%s,\"slow\":%s}",
                                 startMs, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.count, fast, slow);
        }
    }

    /** How many records there are, less those of them that are marks of transactions, which nobody is given. */
    static long recordsOf(String broker, String topic) {
        Map<String, Object> conf = Map.of(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, broker, "isolation.level", "read_committed",
                                          "max.poll.records", 10000, "fetch.max.bytes", 64 << 20);
        try (var consumer = new KafkaConsumer<>(conf, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            List<TopicPartition> all = consumer.partitionsFor(topic).stream().map(p -> new TopicPartition(topic, p.partition())).toList();
            Map<TopicPartition, Long> ends = consumer.endOffsets(all);
            consumer.assign(all);
            consumer.seekToBeginning(all);
            long count = 0;
            while (ends.entrySet().stream().anyMatch(e -> consumer.position(e.getKey()) < e.getValue()))
                count += consumer.poll(Duration.ofMillis(100)).count();
            return count;
        }
    }

    public static void main(String[] args) throws Exception {
        String broker = args[0], tape = args[1], bars = args[2];
        int id = Integer.parseInt(args[5]);
        long there = recordsOf(broker, tape);
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", broker))) {
            admin.createTopics(List.of(new NewTopic(bars, PARTITIONS, (short) 1))).all().get();
        }
        LongAdder seen = new LongAdder(), trades = new LongAdder(), made = new LongAdder();
        AtomicLong began = new AtomicLong();

        Serde<Bar> barSerde = Serdes.serdeFrom((topic, b) -> Bar.put(b), (topic, b) -> Bar.get(b));
        Serde<Averages> averagesSerde = Serdes.serdeFrom((topic, a) -> Averages.put(a), (topic, a) -> Averages.get(a));
        Schema schema = new Schema.Parser().parse(new File(args[4]));
        ThreadLocal<TradeReader> readers = ThreadLocal.withInitial(() -> new TradeReader(schema, id));
        Serde<Trade> tradeSerde = Serdes.serdeFrom((topic, t) -> null, (topic, b) -> readers.get().deserialize(topic, b));

        StreamsBuilder builder = new StreamsBuilder();
        TimestampExtractor time = (r, before) -> r.value() instanceof Trade t ? t.timeMs : Math.max(before, 0);
        builder.stream(tape, Consumed.with(Serdes.String(), tradeSerde).withTimestampExtractor(time))
            .peek((key, trade) -> {
                if (began.get() == 0) began.compareAndSet(0, System.nanoTime());
                seen.increment();
                if (trade != null) trades.increment();
            })
            .filter((key, trade) -> trade != null)
            .groupByKey(Grouped.with(Serdes.String(), tradeSerde))
            .windowedBy(TimeWindows.ofSizeAndGrace(Duration.ofMinutes(1), Duration.ofSeconds(1)))
            .aggregate(() -> new Bar(0, 0, 0, 0, 0, 0), (key, trade, bar) -> bar.with(trade),
                       Materialized.<String, Bar, WindowStore<Bytes, byte[]>>as("bars").withKeySerde(Serdes.String()).withValueSerde(barSerde)
                           .withRetention(Duration.ofMinutes(10)))
            .suppress(Suppressed.untilWindowCloses(BufferConfig.unbounded()))
            .toStream()
            .map((window, bar) -> KeyValue.pair(window.key(), new Averages(0, 0, bar, window.window().start())))
            .groupByKey(Grouped.with(Serdes.String(), averagesSerde))
            .aggregate(() -> new Averages(0, 0, null, 0), (key, one, before) -> before.next(one.startMs, one.bar),
                       Materialized.with(Serdes.String(), averagesSerde))
            .toStream()
            .mapValues(Averages::toString)
            .peek((key, text) -> made.increment())
            .to(bars, Produced.with(Serdes.String(), Serdes.String()));

        Properties conf = new Properties();
        conf.put(StreamsConfig.APPLICATION_ID_CONFIG, bars);
        conf.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, broker);
        conf.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        conf.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, args.length > 6 ? args[6] : "2");
        conf.put(StreamsConfig.STATE_DIR_CONFIG, args[3]);
        conf.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
        conf.put(StreamsConfig.producerPrefix("compression.type"), "lz4");
        conf.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
        try (KafkaStreams streams = new KafkaStreams(builder.build(), conf)) {
            streams.setUncaughtExceptionHandler(e -> {
                e.printStackTrace();
                return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
            });
            streams.start();
            while (seen.sum() < there && streams.state() != KafkaStreams.State.ERROR) Thread.sleep(20);
            double seconds = (System.nanoTime() - began.get()) / 1e9;
            System.out.printf("{\"records\":%d,\"of\":%d,\"trades\":%d,\"bars\":%d,\"seconds\":%.3f,\"version\":\"Kafka Streams %s\"}%n",
                              seen.sum(), there, trades.sum(), made.sum(), seconds, AppInfoParser.getVersion());
        }
    }
}
