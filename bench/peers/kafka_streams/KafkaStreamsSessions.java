package tidemark.bench;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.time.Duration;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.Serializer;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.EmitStrategy;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.SessionWindows;
import org.apache.kafka.streams.state.SessionStore;

/**
 * The reduced job with Kafka Streams: BROKERS EVENTS_TOPIC SESSIONS_TOPIC APPLICATION_ID DIRECTORY.
 * Runs until it is ended. bench/README.md says why it is set up as it is.
 */
public class KafkaStreamsSessions {
  // Streams joins events that are exactly a gap apart, tidemark does not: a millisecond less makes them the same.
  private static final Duration GAP = Duration.ofMinutes(20).minusMillis(1);
  private static final Duration GRACE = Duration.ofSeconds(30);
  // Streams looks for windows that are over once a second of the clock, and its store forgets by event time: with gap
  // and grace alone it would lose sessions when months are read within minutes.
  private static final Duration RETENTION = Duration.ofDays(60);

  public static void main(String[] args) {
    Properties settings = settings(args[0], args[3], args[4]);
    KafkaStreams streams = new KafkaStreams(topology(args[1], args[2], settings), settings);
    streams.setUncaughtExceptionHandler(error -> {
      error.printStackTrace();
      Runtime.getRuntime().halt(1);
      return null;
    });
    Progress.start();
    Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(Duration.ofSeconds(5))));
    streams.start();
  }

  private static Properties settings(String brokers, String application, String directory) {
    Properties settings = new Properties();
    settings.put(StreamsConfig.APPLICATION_ID_CONFIG, application);
    settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, brokers);
    settings.put(StreamsConfig.STATE_DIR_CONFIG, directory);
    settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
    settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 1000);
    settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 1);
    settings.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 256L << 20);
    settings.put(StreamsConfig.TOPOLOGY_OPTIMIZATION_CONFIG, StreamsConfig.OPTIMIZE);
    settings.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
    settings.put(StreamsConfig.METRICS_RECORDING_LEVEL_CONFIG, "INFO");
    settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
    settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_POLL_RECORDS_CONFIG), 5000);
    settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG), 8 << 20);
    settings.put(StreamsConfig.BUFFERED_RECORDS_PER_PARTITION_CONFIG, 10_000);
    settings.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), 256 << 10);
    settings.put(StreamsConfig.producerPrefix(ProducerConfig.COMPRESSION_TYPE_CONFIG), "lz4");
    return settings;
  }

  private static Topology topology(String from, String to, Properties settings) {
    Materialized<String, Session, SessionStore<Bytes, byte[]>> store =
        Materialized.<String, Session, SessionStore<Bytes, byte[]>>as("sessions").withRetention(RETENTION);
    StreamsBuilder builder = new StreamsBuilder();
    builder
        .stream(from, Consumed.with(Serdes.String(), new EventSerde())
            .withTimestampExtractor((record, highest) -> ((Event) record.value()).time))
        // By the record's key, which is the customer: by the session's it would all go through another topic.
        .groupByKey(Grouped.with(Serdes.String(), new EventSerde()))
        .windowedBy(SessionWindows.ofInactivityGapAndGrace(GAP, GRACE))
        .emitStrategy(EmitStrategy.onWindowClose())
        .aggregate(Session::new, (key, event, session) -> session.add(event), (key, a, b) -> a.merge(b),
            store.withKeySerde(Serdes.String()).withValueSerde(new SessionSerde()).withCachingEnabled())
        .toStream()
        .map((window, session) -> {
          Progress.SESSIONS.incrementAndGet();
          return KeyValue.pair(window.key(), session.toJson(window.key()));
        })
        .to(to, Produced.with(Serdes.String(), Serdes.ByteArray()));
    return builder.build(settings);
  }

  private static class EventSerde implements Serde<Event> {
    @Override
    public Serializer<Event> serializer() {
      return (topic, event) -> {
        throw new IllegalStateException("no event is ever written");
      };
    }

    @Override
    public Deserializer<Event> deserializer() {
      return (topic, bytes) -> {
        Progress.EVENTS.incrementAndGet();
        return Event.parse(bytes);
      };
    }
  }

  private static class SessionSerde implements Serde<Session> {
    @Override
    public Serializer<Session> serializer() {
      return (topic, session) -> session == null ? null : write(session);
    }

    @Override
    public Deserializer<Session> deserializer() {
      return (topic, bytes) -> bytes == null ? null : read(bytes);
    }
  }

  private static byte[] write(Session session) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(128);
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      out.writeLong(session.count);
      out.writeLong(session.first);
      out.writeLong(session.last);
      out.writeUTF(session.lastId == null ? "" : session.lastId);
      out.writeUTF(session.lastName == null ? "" : session.lastName);
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
    return bytes.toByteArray();
  }

  private static Session read(byte[] bytes) {
    Session session = new Session();
    try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes))) {
      session.count = in.readLong();
      session.first = in.readLong();
      session.last = in.readLong();
      session.lastId = in.readUTF();
      session.lastName = in.readUTF();
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
    return session;
  }
}
