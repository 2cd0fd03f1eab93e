// What should have been written, and what was: two multisets of (identity, content), and how they differ.
//
//   lost        expected, and nothing with this identity is there for it
//   duplicated  there more often than expected
//   wrong       there with another content, or not expected at all
//
// The contents are kept in two files, for whoever looks into a difference; in memory are their hashes. One thread.
#pragma once

#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace tidemark::testing {

struct Differences {
  uint64_t lost = 0, duplicated = 0, wrong = 0;
  std::vector<std::string> examples;  // some of each, with the contents of both sides

  bool none() const { return lost == 0 && duplicated == 0 && wrong == 0; }
};

class Ledger {
 public:
  explicit Ledger(const std::string& directory);

  // An identity and a content are text of one line.
  void Expect(const std::string& identity, std::string_view content);
  void Saw(const std::string& identity, std::string_view content);

  Differences Compare();

 private:
  using Hashes = std::vector<uint64_t>;
  struct Entry {
    Hashes expected, seen;
  };

  void CompareEntry(const std::string& identity, Entry& entry, Differences& differences);
  std::string Example(std::string_view what, const std::string& identity);

  const std::string expected_name_, seen_name_;
  std::ofstream expected_file_, seen_file_;
  std::unordered_map<std::string, Entry> entries_;
};

}  // namespace tidemark::testing
