#include "tests/faults/ledger.h"

#include <xxhash.h>

#include <algorithm>

namespace tidemark::testing {
namespace {

constexpr uint64_t kExamplesOfAKind = 5;

uint64_t Hash(std::string_view content) { return XXH3_64bits(content.data(), content.size()); }

// The lines of `file` with this identity.
std::string Find(const std::string& file, const std::string& identity) {
  std::ifstream lines(file, std::ios::binary);
  std::string found;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(identity + '\t')) found += "    " + line.substr(identity.size() + 1) + '\n';
  }
  return found.empty() ? "    (none)\n" : found;
}

// Takes out of both what they have in common.
void Cancel(std::vector<uint64_t>& a, std::vector<uint64_t>& b) {
  std::erase_if(a, [&b](uint64_t hash) {
    const auto same = std::find(b.begin(), b.end(), hash);
    const bool found = same != b.end();
    if (found) b.erase(same);
    return found;
  });
}

}  // namespace

Ledger::Ledger(const std::string& directory)
    : expected_name_(directory + "/expected.txt"),
      seen_name_(directory + "/seen.txt"),
      expected_file_(expected_name_, std::ios::binary),
      seen_file_(seen_name_, std::ios::binary) {}

void Ledger::Expect(const std::string& identity, std::string_view content) {
  entries_[identity].expected.push_back(Hash(content));
  expected_file_ << identity << '\t' << content << '\n';
}

void Ledger::Saw(const std::string& identity, std::string_view content) {
  entries_[identity].seen.push_back(Hash(content));
  seen_file_ << identity << '\t' << content << '\n';
}

Differences Ledger::Compare() {
  expected_file_.flush();
  seen_file_.flush();
  Differences differences;
  for (auto& [identity, entry] : entries_) CompareEntry(identity, entry, differences);
  return differences;
}

void Ledger::CompareEntry(const std::string& identity, Entry& entry, Differences& differences) {
  const Hashes all = entry.expected;
  Cancel(entry.expected, entry.seen);
  const auto copies =
      std::erase_if(entry.seen, [&all](uint64_t hash) { return std::find(all.begin(), all.end(), hash) != all.end(); });
  const size_t changed = std::min(entry.expected.size(), entry.seen.size());
  const auto count = [&](std::string_view what, uint64_t& total, size_t more) {
    if (more > 0 && total < kExamplesOfAKind) differences.examples.push_back(Example(what, identity));
    total += more;
  };
  count("lost", differences.lost, entry.expected.size() - changed);
  count("duplicated", differences.duplicated, copies);
  count("wrong", differences.wrong, std::max(changed, entry.seen.size()));
}

std::string Ledger::Example(std::string_view what, const std::string& identity) {
  return std::string(what) + ": " + identity + "\n  expected\n" + Find(expected_name_, identity) + "  seen\n" +
         Find(seen_name_, identity);
}

}  // namespace tidemark::testing
