/* tests/services/java/Sql.java - statements of Flink's SQL, run one after the other on this machine; rows of queries are
 * printed, their fields between tabs behind +I, -U or +U: what a row does to those before it.
 *
 * usage: Sql FILE     statements end with ; */
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.ResultKind;
import org.apache.flink.table.api.TableEnvironment;
import org.apache.flink.table.api.TableResult;
import org.apache.flink.types.Row;

public class Sql {
    static void print(Row row) {
        StringBuilder line = new StringBuilder(row.getKind().shortString());
        for (int i = 0; i < row.getArity(); i++) line.append('\t').append(row.getField(i));
        System.out.println(line);
    }

    public static void main(String[] args) throws Exception {
        Configuration conf = new Configuration();
        conf.setString("parallelism.default", "1");
        conf.setString("rest.bind-address", "127.0.0.1");
        conf.setString("rest.bind-port", "0");
        var env = TableEnvironment.create(EnvironmentSettings.newInstance().inStreamingMode().withConfiguration(conf).build());
        for (String statement : Files.readString(Path.of(args[0])).split(";")) {
            if (statement.isBlank()) continue;
            TableResult result = env.executeSql(statement);
            if (result.getResultKind() != ResultKind.SUCCESS_WITH_CONTENT) continue;
            var rows = result.collect();
            rows.forEachRemaining(Sql::print);
            rows.close();
        }
    }
}
