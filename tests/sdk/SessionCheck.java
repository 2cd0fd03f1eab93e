// Reads session JSON, one object a line, with the official SDK exactly as its API client does, and fails for a line
// that the SDK
//   - cannot read,
//   - reads an enum of as OutdatedSdkVersion, its word for a value it does not know, or
//   - writes back as another value than it was given (dates are compared as instants, numbers by value; the SDK
//     writes absent fields as null, absent lists as empty ones).
// The first file is there to check the check: each of its lines has a fault that must be found.
//
//   java -cp 'lib/*' SessionCheck.java BROKEN SESSIONS...
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.mypurecloud.sdk.v2.ApiClient;
import com.mypurecloud.sdk.v2.model.Session;
import java.io.BufferedReader;
import java.io.IOException;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.OffsetDateTime;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

public class SessionCheck {
  private static final int MAX_REPORTED = 20;

  private final ObjectMapper mapper = ApiClient.Builder.standard().build().getObjectMapper();
  private final List<String> problems = new ArrayList<>();
  private long lines = 0;

  public static void main(String[] files) throws IOException {
    SessionCheck check = new SessionCheck();
    for (String line : Files.readAllLines(Path.of(files[0]))) {
      check.expectProblem(line);
    }
    for (int i = 1; i < files.length; ++i) {
      check.readFile(Path.of(files[i]));
    }
    check.problems.stream().limit(MAX_REPORTED).forEach(System.out::println);
    System.out.println(check.lines + " sessions read, " + check.problems.size() + " problems");
    System.exit(check.problems.isEmpty() && check.lines > 0 ? 0 : 1);
  }

  private void expectProblem(String line) {
    int before = problems.size();
    readSession(line, "broken");
    --lines;
    boolean found = problems.size() > before;
    problems.subList(before, problems.size()).clear();
    if (!found) problems.add("the check does not see what is wrong with " + line);
  }

  private void readFile(Path file) throws IOException {
    try (BufferedReader reader = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
      long number = 0;
      for (String line = reader.readLine(); line != null; line = reader.readLine()) {
        readSession(line, file.getFileName() + ":" + ++number);
      }
    }
  }

  private void readSession(String line, String where) {
    ++lines;
    try {
      Session session = mapper.readValue(line, Session.class);
      findUnknownEnums(session, where + ": session");
      compare(mapper.readTree(line), mapper.readTree(mapper.writeValueAsString(session)), where + ": session");
    } catch (IOException | ReflectiveOperationException e) {
      problems.add(where + ": the SDK cannot read it: " + e.getMessage());
    }
  }

  private void findUnknownEnums(Object value, String path) throws ReflectiveOperationException {
    if (value instanceof Enum<?> constant) {
      if (constant.name().equals("OUTDATEDSDKVERSION")) problems.add(path + " is OutdatedSdkVersion");
    } else if (value instanceof Collection<?> list) {
      for (Object item : list) findUnknownEnums(item, path + "[]");
    } else if (value instanceof Map<?, ?> map) {
      for (Map.Entry<?, ?> entry : map.entrySet()) findUnknownEnums(entry.getValue(), path + "." + entry.getKey());
    } else if (value != null && value.getClass().getPackageName().startsWith("com.mypurecloud")) {
      for (Method method : value.getClass().getDeclaredMethods()) {
        boolean getter = method.getName().startsWith("get") && method.getParameterCount() == 0;
        if (getter) findUnknownEnums(method.invoke(value), path + "." + method.getName().substring(3));
      }
    }
  }

  private void compare(JsonNode given, JsonNode read, String path) {
    if (given.isObject() && read.isObject()) {
      TreeSet<String> names = new TreeSet<>();
      given.fieldNames().forEachRemaining(names::add);
      read.fieldNames().forEachRemaining(names::add);
      for (String name : names) compare(given.path(name), read.path(name), path + "." + name);
    } else if (given.isArray() && read.isArray() && given.size() == read.size()) {
      for (int i = 0; i < given.size(); ++i) compare(given.get(i), read.get(i), path + "[" + i + "]");
    } else if (!sameValue(given, read)) {
      problems.add(path + " was " + show(given) + " and is read as " + show(read));
    }
  }

  private static boolean sameValue(JsonNode given, JsonNode read) {
    if (given.isMissingNode() && (read.isNull() || (read.isArray() && read.isEmpty()))) return true;
    if (given.isNumber() && read.isNumber()) return given.decimalValue().compareTo(read.decimalValue()) == 0;
    return given.equals(read) || sameInstant(given, read);
  }

  private static boolean sameInstant(JsonNode given, JsonNode read) {
    if (!given.isTextual() || !read.isTextual()) return false;
    try {
      return OffsetDateTime.parse(given.textValue()).toInstant().equals(OffsetDateTime.parse(read.textValue()).toInstant());
    } catch (DateTimeParseException notDates) {
      return false;
    }
  }

  private static String show(JsonNode node) {
    return node.isMissingNode() ? "absent" : node.toString();
  }
}
