// The naive model against the examples of the contract: a model that fails them is no judge of the engine.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/model/naive_model.h"

namespace tidemark::model {
namespace {

namespace fs = std::filesystem;

constexpr EventTime kProcessStart{1'800'000'000'000};  // January 2027: later than all examples but the one of 2999

std::vector<std::string> ReadLines(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

std::vector<std::string> Sorted(std::vector<std::string> lines) {
  std::sort(lines.begin(), lines.end());
  return lines;
}

std::vector<fs::path> Cases() {
  std::vector<fs::path> cases;
  for (const auto& entry : fs::directory_iterator(TIDEMARK_VECTORS)) cases.push_back(entry.path());
  std::sort(cases.begin(), cases.end());
  return cases;
}

class ModelVectorsTest : public testing::TestWithParam<fs::path> {};

TEST_P(ModelVectorsTest, GivesTheSessionsOfTheExample) {
  const ModelResult result = NaiveReplay(ReadLines(GetParam() / "events.ndjson"), Rules{}, kProcessStart);

  std::vector<std::string> expected;
  for (const std::string& line : ReadLines(GetParam() / "envelopes.ndjson")) {
    expected.push_back(nlohmann::json::parse(line).dump());
  }
  std::vector<std::string> actual;
  for (const nlohmann::json& envelope : result.envelopes) actual.push_back(envelope.dump());
  EXPECT_EQ(Sorted(actual), Sorted(expected));

  std::vector<std::string> late;
  for (const int64_t line : result.late) late.push_back(std::to_string(line));
  EXPECT_EQ(late, ReadLines(GetParam() / "late.txt"));

  std::vector<std::string> dead_letters;
  for (const auto& [line, reason] : result.dead_letters) dead_letters.push_back(std::to_string(line) + " " + reason);
  EXPECT_EQ(dead_letters, ReadLines(GetParam() / "dead-letters.txt"));
}

INSTANTIATE_TEST_SUITE_P(Vectors, ModelVectorsTest, testing::ValuesIn(Cases()), [](const auto& test) {
  std::string name = test.param.filename().string();
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

}  // namespace
}  // namespace tidemark::model
