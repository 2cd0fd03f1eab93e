// The whole job on a real Kafka: two processes share the partitions of a topic, and what they write is byte for byte
// what `tidemark replay` says of the same records.
//
// What makes that exact: sessions close by event time alone (no quiet partitions here), and the last record of each
// partition is one of a customer of its own, months later than the others. It closes every session but its own, which
// only the end of a file closes: the one session of each replay that Kafka must not have.
#include <algorithm>
#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>
#include <regex>
#include <sstream>

#include "tests/broker/broker_test.h"

namespace tidemark::testing {
namespace {

constexpr int kPartitions = 4;
constexpr int kGenerated = 200'000;
constexpr int kProcesses = 2;
constexpr int kShards = 2;  // of each process
constexpr char kEvents[] = "journey-events";
constexpr char kClosingCustomer[] = "the-last-one";
constexpr std::chrono::seconds kLoadLimit{300};

using Records = std::vector<StoredRecord>;

std::string WebEvent(const std::string& customer, const std::string& created) {
  return R"({"id":"e-)" + customer + R"(","customerId":")" + customer +
         R"(","customerIdType":"cookie","eventType":"com.genesys.journey.WebEvent","createdDate":")" + created +
         R"(","webEvent":{"eventName":"page_viewed"}})";
}

// What a generator does not make: keys that are no text or missing, repeated and empty headers, a record without a
// value, an event older than everything.
Records OddRecords(int partition) {
  using namespace std::string_literals;
  const std::vector<StoredHeader> headers = {{"trace", "a"}, {"trace", "b\0c"s}, {"empty", ""}, {"null", std::nullopt}};
  return {{partition, 0, "key\0\xff"s, R"({"id":"cut off)", headers},
          {partition, 0, std::nullopt, "{\"id\":\"\xff\"}", {}},
          {partition, 0, "a tombstone", std::nullopt, headers},
          {partition, 0, "", WebEvent("too-late-" + std::to_string(partition), "2024-12-01T00:00:00Z"), headers}};
}

StoredRecord ClosingRecord(int partition) {
  return {partition, 0, kClosingCustomer, WebEvent(kClosingCustomer, "2025-12-01T00:00:00Z"), {}};
}

// `topic:partition:first..last`
struct SourceRange {
  int partition = -1;
  size_t first = 0, last = 0;
};

SourceRange ParseSource(const std::string& text) {
  static const std::regex pattern(std::string(kEvents) + R"(:(\d+):(\d+)\.\.(\d+))");
  std::smatch match;
  if (!std::regex_match(text, match, pattern)) {
    ADD_FAILURE() << "not a source: " << text;
    return {};
  }
  return {std::stoi(match[1]), std::stoul(match[2]), std::stoul(match[3])};
}

// The line that `replay --envelope` prints for a session.
std::string EnvelopeOf(const StoredRecord& session) {
  return R"({"closeReason":")" + session.Header("close-reason") + R"(","duplicateEvents":)" +
         session.Header("events-duplicate") + R"(,"outOfOrderEvents":)" + session.Header("events-out-of-order") +
         R"(,"session":)" + session.value.value_or("") + "}";
}

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// As sorted lists; tells the first difference only, where a list of thousands would tell nothing.
void ExpectSame(std::vector<std::string> kafka, std::vector<std::string> replay, const std::string& what) {
  std::sort(kafka.begin(), kafka.end());
  std::sort(replay.begin(), replay.end());
  const auto [left, right] = std::mismatch(kafka.begin(), kafka.end(), replay.begin(), replay.end());
  EXPECT_EQ(kafka.size(), replay.size()) << what;
  EXPECT_TRUE(left == kafka.end() && right == replay.end())
      << what << " differ, first at\nKafka:  " << (left == kafka.end() ? "(none)" : *left)
      << "\nreplay: " << (right == replay.end() ? "(none)" : *right);
}

// What came out must carry the record that went in, whole: its key, its value, and its headers before those that say
// why.
void ExpectCarries(const StoredRecord& written, const StoredRecord& original) {
  EXPECT_EQ(written.key, original.key);
  EXPECT_EQ(written.value, original.value);
  ASSERT_GE(written.headers.size(), original.headers.size());
  EXPECT_TRUE(std::equal(original.headers.begin(), original.headers.end(), written.headers.begin()));
}

// What the processes wrote, by the partition that it was read from.
struct Written {
  std::vector<std::string> envelopes, late, dead_letters;
};

class WholeJobTest : public BrokerTest {
 protected:
  void StartProcesses();
  void Load();
  void AwaitEnd();
  void StopProcesses();

  void CollectSessions();
  void CollectLate();
  void CollectDeadLetters();
  void CompareWithReplay(int partition);

  std::vector<std::unique_ptr<TidemarkRun>> runs_;
  std::vector<Records> input_ = std::vector<Records>(kPartitions);  // as Kafka has it; [i] is the record at offset i
  std::vector<Written> written_ = std::vector<Written>(kPartitions);
};

// Both have their partitions before there is anything to read.
void WholeJobTest::StartProcesses() {
  for (int i = 0; i < kProcesses; ++i) {
    Settings settings = BaseSettings();
    settings["kafka.instance_id"] = "instance-" + std::to_string(i);
    settings["kafka.shards"] = std::to_string(kShards);
    runs_.push_back(std::make_unique<TidemarkRun>(settings, directory(), settings["kafka.instance_id"]));
  }
  const auto joined = [&] {
    const GroupDescription group = admin().Describe("tidemark");
    return group.state == "Stable" && group.members == kProcesses * kShards;
  };
  const auto ready = [&] { return std::all_of(runs_.begin(), runs_.end(), [](auto& run) { return run->Ready(); }); };
  ASSERT_TRUE(Eventually(kPatience, [&] { return joined() && ready() && joined(); }))
      << runs_[0]->Log() << runs_[1]->Log();
}

void WholeJobTest::Load() {
  const Finished generated = RunTidemark(
      "generate",
      {"--events", std::to_string(kGenerated), "--mix", "mixed", "--visitors", "4000", "--seed", "7", "--start",
       "2025-01-01T00:00:00Z", "--disorder", "5%", "--duplicates", "1%", "--late", "0.5%", "--garbage", "0.2%"},
      BaseSettings(), directory(), kLoadLimit);
  ASSERT_EQ(generated.exit_code, 0) << generated.errors;
  for (int i = 0; i < kPartitions; ++i) {
    Records last = OddRecords(i);
    last.push_back(ClosingRecord(i));
    admin().Write(kEvents, last);
  }
  for (StoredRecord& record : admin().ReadCommitted(kEvents, kPartitions)) {
    Records& partition = input_[record.partition];
    ASSERT_EQ(record.offset, static_cast<int64_t>(partition.size())) << "a gap: positions in a file would differ";
    partition.push_back(std::move(record));
  }
}

// Every record committed, and in exactly one of the counts.
void WholeJobTest::AwaitEnd() {
  const std::vector<int64_t> ends = admin().Ends(kEvents, kPartitions);
  const int64_t total = std::accumulate(ends.begin(), ends.end(), int64_t{0});
  const size_t odd = OddRecords(0).size() + 1;
  ASSERT_EQ(total, kGenerated + static_cast<int64_t>(kPartitions * odd));
  ASSERT_TRUE(Eventually(kLoadLimit, [&] { return admin().Committed("tidemark", kEvents, kPartitions) == ends; }))
      << runs_[0]->Log() << runs_[1]->Log();
  const auto sum = [&](const std::string& metric) {
    double all = 0;
    for (const auto& run : runs_) all += run->Metric(metric).value_or(-1);
    return static_cast<int64_t>(all);
  };
  EXPECT_TRUE(Eventually(kPatience, [&] { return sum("tidemark_records_consumed_total") == total; }))
      << sum("tidemark_records_consumed_total") << " of " << total;
  EXPECT_TRUE(Eventually(kPatience, [&] { return sum("tidemark_events_total") == total; }))
      << sum("tidemark_events_total") << " of " << total;
  for (const auto& run : runs_) EXPECT_GT(run->Metric("tidemark_records_consumed_total"), 0) << "one did all the work";
}

void WholeJobTest::StopProcesses() {
  for (const auto& run : runs_) run->process().Signal(SIGTERM);
  for (const auto& run : runs_) EXPECT_EQ(run->process().Wait(kPatience), 0) << run->Log();
}

void WholeJobTest::CollectSessions() {
  for (const StoredRecord& session : admin().ReadCommitted("sessions", kPartitions)) {
    const SourceRange source = ParseSource(session.Header("source"));
    ASSERT_NE(source.partition, -1);
    ASSERT_LE(source.first, source.last);
    ASSERT_LT(source.last, input_[source.partition].size());
    const auto json = nlohmann::json::parse(session.value.value_or(""), nullptr, false);
    ASSERT_TRUE(json.is_object()) << session.value.value_or("(null)");
    EXPECT_EQ(session.key, json.value("id", ""));
    // The first and the last record of the range are of this session: they name it or its customer.
    for (const size_t offset : {source.first, source.last}) {
      const std::string& event = *input_[source.partition][offset].value;
      EXPECT_TRUE(event.find(json.value("id", "-")) != event.npos ||
                  event.find(json.value("customerId", "-")) != event.npos)
          << session.Header("source") << ' ' << json.dump();
    }
    written_[source.partition].envelopes.push_back(EnvelopeOf(session));
  }
}

void WholeJobTest::CollectLate() {
  for (const StoredRecord& late : admin().ReadCommitted("sessions-late", kPartitions)) {
    const SourceRange source = ParseSource(late.Header("source"));
    ASSERT_NE(source.partition, -1);
    ASSERT_EQ(source.first, source.last);
    ASSERT_NO_FATAL_FAILURE(ExpectCarries(late, input_[source.partition].at(source.first)));
    EXPECT_GE(std::stoll(late.Header("late-by-ms")), 0);
    EXPECT_NE(late.Header("late-reason"), "");
    written_[source.partition].late.push_back(late.value.value_or(""));
  }
}

void WholeJobTest::CollectDeadLetters() {
  for (const StoredRecord& dead : admin().ReadCommitted("sessions-dead-letters", kPartitions)) {
    EXPECT_EQ(dead.Header("dead-letter-topic"), kEvents);
    const int partition = std::stoi(dead.Header("dead-letter-partition"));
    const std::string offset = dead.Header("dead-letter-offset");
    ASSERT_NO_FATAL_FAILURE(ExpectCarries(dead, input_.at(partition).at(std::stoul(offset))));
    EXPECT_NE(dead.Header("dead-letter-detail"), "");
    written_[partition].dead_letters.push_back(offset + ' ' + dead.Header("dead-letter-reason"));
  }
}

void WholeJobTest::CompareWithReplay(int partition) {
  const std::string name = directory() + "/partition-" + std::to_string(partition);
  {
    std::ofstream dump(name, std::ios::binary);
    for (const StoredRecord& record : input_[partition]) dump << record.value.value_or("") << '\n';
  }
  const Finished replay = RunTidemark(
      "replay", {"--envelope", "--late", name + ".late", "--dead-letters", name + ".dead", name}, {}, directory());
  ASSERT_EQ(replay.exit_code, 0) << replay.errors;

  // An event without an id is named by its position, and a file is always partition 0.
  static const std::regex position(R"re("lastEvent":\{"id":"0:(\d+)")re");
  const std::string named = R"("lastEvent":{"id":")" + std::to_string(partition) + R"(:$1")";
  std::vector<std::string> envelopes;
  int closed_by_the_end = 0;
  for (const std::string& line : Lines(replay.output)) {
    const bool last = line.find(R"("customerId":")" + std::string(kClosingCustomer)) != line.npos;
    closed_by_the_end += last;
    if (!last) envelopes.push_back(std::regex_replace(line, position, named));
  }
  EXPECT_EQ(closed_by_the_end, 1);

  std::vector<std::string> dead_letters;
  for (const std::string& line : Lines(ReadFile(name + ".dead"))) {
    const auto dead = nlohmann::json::parse(line);
    dead_letters.push_back(std::to_string(dead["position"].get<int64_t>()) + ' ' + dead["reason"].get<std::string>());
  }
  const std::string where = " of partition " + std::to_string(partition);
  ExpectSame(written_[partition].envelopes, envelopes, "sessions" + where);
  ExpectSame(written_[partition].late, Lines(ReadFile(name + ".late")), "late events" + where);
  ExpectSame(written_[partition].dead_letters, dead_letters, "dead letters" + where);
  EXPECT_GT(envelopes.size(), 1'000u) << "too few for a test";
  EXPECT_GT(written_[partition].late.size(), 50u);
  EXPECT_GE(written_[partition].dead_letters.size(), OddRecords(0).size() - 1);
}

TEST_F(WholeJobTest, TwoProcessesWriteWhatReplaySays) {
  ASSERT_NO_FATAL_FAILURE(StartKafka());
  CreateTopics(kPartitions);
  ASSERT_NO_FATAL_FAILURE(StartProcesses());
  ASSERT_NO_FATAL_FAILURE(Load());
  ASSERT_NO_FATAL_FAILURE(AwaitEnd());
  StopProcesses();
  ASSERT_NO_FATAL_FAILURE(CollectSessions());
  ASSERT_NO_FATAL_FAILURE(CollectLate());
  ASSERT_NO_FATAL_FAILURE(CollectDeadLetters());
  for (int i = 0; i < kPartitions; ++i) CompareWithReplay(i);
}

}  // namespace
}  // namespace tidemark::testing
