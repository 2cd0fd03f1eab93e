package tidemark.bench;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.AggregateFunction;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.RestOptions;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.configuration.StateBackendOptions;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.core.execution.CheckpointingMode;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.windowing.ProcessWindowFunction;
import org.apache.flink.streaming.api.windowing.assigners.EventTimeSessionWindows;
import org.apache.flink.streaming.api.windowing.windows.TimeWindow;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;

/**
 * The reduced job with Flink, all of it in this process: BROKERS EVENTS_TOPIC SESSIONS_TOPIC GROUP DIRECTORY.
 * Runs until it is ended. bench/README.md says why it is set up as it is.
 */
public class FlinkSessions {
  // Flink joins events that are exactly a gap apart, tidemark does not: a millisecond less makes them the same.
  private static final Duration GAP = Duration.ofMinutes(20).minusMillis(1);
  private static final Duration OUT_OF_ORDERNESS = Duration.ofSeconds(30);
  private static final Duration CHECKPOINTS = Duration.ofSeconds(10);

  public static void main(String[] args) throws Exception {
    Progress.start();
    StreamExecutionEnvironment flink = StreamExecutionEnvironment.createLocalEnvironment(1, settings(args[4]));
    WatermarkStrategy<Event> times = WatermarkStrategy.<Event>forBoundedOutOfOrderness(OUT_OF_ORDERNESS)
        .withTimestampAssigner((event, recordTime) -> event.time);
    flink.fromSource(source(args[0], args[1], args[3]), times, "events")
        .keyBy(event -> event.key)
        .window(EventTimeSessionWindows.withGap(GAP))
        .aggregate(new Add(), new ToJson())
        .sinkTo(sink(args[0], args[2], args[3]));
    flink.execute("sessions");
  }

  private static Configuration settings(String directory) {
    Configuration settings = new Configuration();
    settings.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, CHECKPOINTS);
    settings.set(CheckpointingOptions.CHECKPOINTING_CONSISTENCY_MODE, CheckpointingMode.EXACTLY_ONCE);
    settings.set(CheckpointingOptions.CHECKPOINT_STORAGE, "filesystem");
    settings.set(CheckpointingOptions.CHECKPOINTS_DIRECTORY, "file://" + directory);
    settings.set(StateBackendOptions.STATE_BACKEND, "hashmap");
    settings.set(PipelineOptions.OBJECT_REUSE, true);
    settings.set(PipelineOptions.GENERIC_TYPES, false);
    settings.set(RestartStrategyOptions.RESTART_STRATEGY, "none");
    settings.set(RestOptions.BIND_PORT, "0");
    return settings;
  }

  private static KafkaSource<Event> source(String brokers, String topic, String group) {
    return KafkaSource.<Event>builder()
        .setBootstrapServers(brokers)
        .setTopics(topic)
        .setGroupId(group)
        .setStartingOffsets(OffsetsInitializer.earliest())
        .setDeserializer(new Read())
        .setProperty("isolation.level", "read_committed")
        .setProperty("max.poll.records", "5000")
        .setProperty("max.partition.fetch.bytes", Integer.toString(8 << 20))
        .build();
  }

  private static KafkaSink<String[]> sink(String brokers, String topic, String group) {
    return KafkaSink.<String[]>builder()
        .setBootstrapServers(brokers)
        .setDeliveryGuarantee(DeliveryGuarantee.EXACTLY_ONCE)
        .setTransactionalIdPrefix(group)
        .setProperty("transaction.timeout.ms", "600000")
        .setProperty("batch.size", Integer.toString(256 << 10))
        .setProperty("linger.ms", "100")
        .setProperty("compression.type", "lz4")
        .setRecordSerializer((KafkaRecordSerializationSchema<String[]>) (session, context, time) ->
            new ProducerRecord<>(topic, session[0].getBytes(StandardCharsets.UTF_8),
                session[1].getBytes(StandardCharsets.UTF_8)))
        .build();
  }

  private static class Read implements KafkaRecordDeserializationSchema<Event> {
    @Override
    public void deserialize(ConsumerRecord<byte[], byte[]> record, Collector<Event> out) {
      Progress.EVENTS.incrementAndGet();
      out.collect(Event.parse(record.value()));
    }

    @Override
    public TypeInformation<Event> getProducedType() {
      return TypeInformation.of(Event.class);
    }
  }

  private static class Add implements AggregateFunction<Event, Session, Session> {
    @Override
    public Session createAccumulator() {
      return new Session();
    }

    @Override
    public Session add(Event event, Session session) {
      return session.add(event);
    }

    @Override
    public Session getResult(Session session) {
      return session;
    }

    @Override
    public Session merge(Session a, Session b) {
      return a.merge(b);
    }
  }

  /** Key and JSON. */
  private static class ToJson extends ProcessWindowFunction<Session, String[], String, TimeWindow> {
    @Override
    public void process(String key, Context context, Iterable<Session> sessions, Collector<String[]> out) {
      for (Session session : sessions) {
        Progress.SESSIONS.incrementAndGet();
        out.collect(new String[] {key, new String(session.toJson(key), StandardCharsets.UTF_8)});
      }
    }
  }
}
