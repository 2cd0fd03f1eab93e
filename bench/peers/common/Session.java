package tidemark.bench;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.time.Instant;

/** Count, first, last, and the last event. */
public class Session {
  public long count;
  public long first = Long.MAX_VALUE;
  public long last = Long.MIN_VALUE;
  public String lastId;
  public String lastName;

  private static final JsonFactory JSON = new JsonFactory();

  public Session add(Event event) {
    ++count;
    first = Math.min(first, event.time);
    if (event.time >= last) {
      last = event.time;
      lastId = event.id;
      lastName = event.name;
    }
    return this;
  }

  public Session merge(Session other) {
    count += other.count;
    first = Math.min(first, other.first);
    if (other.last >= last) {
      last = other.last;
      lastId = other.lastId;
      lastName = other.lastName;
    }
    return this;
  }

  public byte[] toJson(String key) {
    ByteArrayOutputStream out = new ByteArrayOutputStream(256);
    try (JsonGenerator json = JSON.createGenerator(out)) {
      json.writeStartObject();
      json.writeStringField("id", key);
      json.writeNumberField("eventCount", count);
      json.writeStringField("createdDate", Instant.ofEpochMilli(first).toString());
      json.writeStringField("lastDate", Instant.ofEpochMilli(last).toString());
      json.writeObjectFieldStart("lastEvent");
      json.writeStringField("id", lastId);
      json.writeStringField("eventName", lastName);
      json.writeStringField("createdDate", Instant.ofEpochMilli(last).toString());
      json.writeEndObject();
      json.writeEndObject();
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
    return out.toByteArray();
  }
}
