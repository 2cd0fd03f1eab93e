package tidemark.bench;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import java.io.IOException;
import java.time.Instant;

/** What the reduced job needs of an event, read with Jackson's data binding; all else is skipped. */
public class Event {
  public String key;
  public long time;
  public String id;
  public String name;

  @JsonIgnoreProperties(ignoreUnknown = true)
  public static class Raw {
    public String id;
    public String customerId;
    public String customerCookieId;
    public String eventType;
    public String eventName;
    public String createdDate;
    public Named session;
    public Named webEvent;
  }

  @JsonIgnoreProperties(ignoreUnknown = true)
  public static class Named {
    public String id;
    public String eventName;
  }

  private static final ObjectReader READER = new ObjectMapper().readerFor(Raw.class);

  /** The key is the session's id, else the customer's. */
  public static Event parse(byte[] json) {
    try {
      Raw raw = READER.readValue(json);
      Event event = new Event();
      boolean hasSession = raw.session != null && raw.session.id != null;
      event.key = hasSession ? raw.session.id : raw.customerId != null ? raw.customerId : raw.customerCookieId;
      event.time = Instant.parse(raw.createdDate).toEpochMilli();
      event.id = raw.id;
      boolean hasName = raw.webEvent != null && raw.webEvent.eventName != null;
      event.name = hasName ? raw.webEvent.eventName : raw.eventName != null ? raw.eventName : raw.eventType;
      return event;
    } catch (IOException e) {
      throw new IllegalArgumentException("no event", e);
    }
  }
}
