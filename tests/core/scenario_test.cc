// Runs every scenario under tests/vectors. A scenario is a folder: `events.ndjson` is one partition, read with the
// default rules; `envelopes.ndjson` holds the sessions that must come out, in any order, compared by value; `late.txt`
// and `dead-letters.txt`, where present, name the late lines and the dead ones with their reasons, the first line being
// 0. A new folder is a new test.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "core/partition.h"
#include "tests/core/recording_effects.h"

namespace tidemark {
namespace {

namespace fs = std::filesystem;

// As many lines as `wc -l` counts, and the last one without its newline.
std::vector<std::string> ReadLines(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::vector<nlohmann::json> Sorted(std::vector<nlohmann::json> sessions) {
  std::sort(sessions.begin(), sessions.end());
  return sessions;
}

class ScenarioTest : public testing::TestWithParam<fs::path> {};

TEST_P(ScenarioTest, GivesTheExpectedSessions) {
  const fs::path folder = GetParam();
  const Rules rules;
  Partition partition(PartitionId{0}, rules);
  RecordingEffects effects;
  const std::vector<std::string> lines = ReadLines(folder / "events.ndjson");
  ASSERT_FALSE(lines.empty());
  const EventTime process_start{1'800'000'000'000};
  for (size_t i = 0; i < lines.size(); ++i) {
    partition.Apply({lines[i], Offset{static_cast<int64_t>(i)}, process_start}, effects);
  }
  partition.AdvanceWatermark(kAfterAllTime, effects);

  std::vector<nlohmann::json> actual;
  for (const RecordedSession& session : effects.sessions) actual.push_back(nlohmann::json::parse(session.Envelope()));
  std::vector<nlohmann::json> expected;
  for (const std::string& line : ReadLines(folder / "envelopes.ndjson"))
    expected.push_back(nlohmann::json::parse(line));
  EXPECT_EQ(Sorted(actual), Sorted(expected));

  std::vector<int64_t> late;
  for (const std::string& line : ReadLines(folder / "late.txt")) late.push_back(std::stoll(line));
  EXPECT_EQ(effects.late, late);

  std::vector<std::pair<int64_t, std::string>> dead;
  for (const std::string& line : ReadLines(folder / "dead-letters.txt")) {
    std::istringstream words(line);
    words >> dead.emplace_back().first >> dead.back().second;
  }
  EXPECT_EQ(effects.dead_letters, dead);
}

std::vector<fs::path> Scenarios() {
  std::vector<fs::path> folders;
  for (const auto& entry : fs::directory_iterator(TIDEMARK_VECTORS)) {
    if (entry.is_directory()) folders.push_back(entry.path());
  }
  std::sort(folders.begin(), folders.end());
  return folders;
}

std::string Name(const testing::TestParamInfo<fs::path>& info) {
  std::string name = info.param.filename().string();
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Vectors, ScenarioTest, testing::ValuesIn(Scenarios()), Name);

}  // namespace
}  // namespace tidemark
