/* bench/peers/CassandraRows.java - what one would write with the Java driver: the rows of one table into another by a prepared
 * statement, so many at a time. They are read before the time begins, and keep their bytes: no value is decoded or made.
 *
 * usage: CassandraRows HOST PORT FROM TO IN_FLIGHT     tables with their keyspaces; one line of JSON */
import com.datastax.oss.driver.api.core.CqlSession;
import com.datastax.oss.driver.api.core.config.DefaultDriverOption;
import com.datastax.oss.driver.api.core.config.DriverConfigLoader;
import com.datastax.oss.driver.api.core.cql.BoundStatementBuilder;
import com.datastax.oss.driver.api.core.cql.PreparedStatement;
import com.datastax.oss.driver.api.core.cql.Row;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;

public class CassandraRows {
    static List<Row> read(CqlSession session, String table) {
        List<Row> rows = new ArrayList<>();
        session.execute("SELECT * FROM " + table).forEach(rows::add);
        return rows;
    }

    static PreparedStatement prepare(CqlSession session, String table, Row row) {
        List<String> names = new ArrayList<>();
        row.getColumnDefinitions().forEach(column -> names.add(column.getName().asCql(true)));
        String marks = String.join(", ", Collections.nCopies(names.size(), "?"));
        return session.prepare("INSERT INTO " + table + " (" + String.join(", ", names) + ") VALUES (" + marks + ")");
    }

    /** Returns how many failed. */
    static long write(CqlSession session, PreparedStatement statement, List<Row> rows, int inFlight) throws InterruptedException {
        Semaphore room = new Semaphore(inFlight);
        AtomicLong failed = new AtomicLong();
        for (Row row : rows) {
            BoundStatementBuilder bound = statement.boundStatementBuilder();
            for (int i = 0; i < row.size(); i++) bound = bound.setBytesUnsafe(i, row.getBytesUnsafe(i));
            room.acquire();
            session.executeAsync(bound.build()).whenComplete((answer, error) -> {
                if (error != null) failed.incrementAndGet();
                room.release();
            });
        }
        room.acquire(inFlight);
        return failed.get();
    }

    public static void main(String[] args) throws InterruptedException {
        DriverConfigLoader config = DriverConfigLoader.programmaticBuilder()
            .withDuration(DefaultDriverOption.REQUEST_TIMEOUT, Duration.ofSeconds(60))
            .withString(DefaultDriverOption.PROTOCOL_VERSION, "V4")
            .build();
        try (CqlSession session = CqlSession.builder().withConfigLoader(config).withLocalDatacenter("datacenter1")
                 .addContactPoint(new InetSocketAddress(args[0], Integer.parseInt(args[1]))).build()) {
            List<Row> rows = read(session, args[2]);
            PreparedStatement statement = prepare(session, args[3], rows.get(0));
            long began = System.nanoTime();
            long failed = write(session, statement, rows, Integer.parseInt(args[4]));
            double seconds = (System.nanoTime() - began) / 1e9;
            System.out.printf("{\"rows\": %d, \"seconds\": %.6f}%n", rows.size() - failed, seconds);
        }
    }
}
