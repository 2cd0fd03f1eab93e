// What the program says and shows is in docs/operations.md: every code of the log, every metric.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "app/metrics.h"

namespace tidemark {
namespace {

const std::filesystem::path kRoot = TIDEMARK_ROOT;

std::string Contents(const std::filesystem::path& file) {
  std::ostringstream contents;
  contents << std::ifstream(file).rdbuf();
  return contents.str();
}

// Of lines that are written at the default level.
std::set<std::string> CodesIn(const std::string& source) {
  static const std::regex kLine(R"(Log\(LogLevel::k(?:Info|Warn|Error),\s*"([a-z_]+)\")");
  std::set<std::string> codes;
  const std::sregex_iterator end;
  for (std::sregex_iterator line(source.begin(), source.end(), kLine); line != end; ++line) codes.insert((*line)[1]);
  return codes;
}

TEST(Operations, ExplainEveryCodeOfTheLog) {
  const std::string page = Contents(kRoot / "docs/operations.md");
  std::set<std::string> codes;
  for (const char* folder : {"app", "core", "ingest", "sinks"}) {
    for (const auto& entry : std::filesystem::directory_iterator(kRoot / folder)) {
      if (entry.path().extension() == ".cc") codes.merge(CodesIn(Contents(entry.path())));
    }
  }
  EXPECT_GT(codes.size(), 20u);
  for (const std::string& code : codes) EXPECT_NE(page.find("`" + code + "`"), page.npos) << code;
}

TEST(Operations, ExplainEveryMetric) {
  const std::string page = Contents(kRoot / "docs/operations.md");
  const auto families = CollectMetrics({}, true);
  EXPECT_GT(families.size(), 20u);
  for (const auto& family : families) {
    const std::string name = family.name.substr(std::string("tidemark_").size());
    const bool explained = page.find("`" + name + "`") != page.npos || page.find("`" + name + "{") != page.npos;
    EXPECT_TRUE(explained) << name;
  }
}

}  // namespace
}  // namespace tidemark
