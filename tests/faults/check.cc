#include "tests/faults/check.h"

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "tests/faults/reference.h"

namespace tidemark::testing {
namespace {

// `topic:partition:first..last`
struct SourceRange {
  int32_t partition = -1;
  std::string first, last;
};

SourceRange ParseSource(const std::string& text) {
  const size_t dots = text.rfind(".."), colon = text.rfind(':');
  if (dots == text.npos || colon == text.npos || colon == 0) return {};
  const size_t partition = text.rfind(':', colon - 1);
  if (partition == text.npos) return {};
  return {std::atoi(text.c_str() + partition + 1), text.substr(colon + 1, dots - colon - 1), text.substr(dots + 2)};
}

void SawSession(const StoredRecord& record, Ledger& ledger) {
  const SourceRange source = ParseSource(record.Header("source"));
  const std::string value = record.value.value_or("");
  const auto json = nlohmann::json::parse(value, nullptr, false);
  const auto field = [&](const char* name) { return json.is_object() ? json.value(name, "") : ""; };
  const bool key_fits = record.key == field("id");
  ledger.Saw(Reference::SessionIdentity(source.partition, field("id"), field("type"), field("createdDate")),
             Reference::SessionContent(record.Header("close-reason"), record.Header("events-duplicate"),
                                       record.Header("events-out-of-order"), source.first, source.last, value) +
                 (key_fits ? "" : " under another key"));
}

void SawLate(const StoredRecord& record, Ledger& ledger) {
  const SourceRange source = ParseSource(record.Header("source"));
  ledger.Saw(
      Reference::RecordIdentity("late", source.partition, std::atoll(source.first.c_str())),
      Reference::RecordContent(record.key, record.value, record.Header("late-reason"), record.Header("late-by-ms")));
}

void SawDeadLetter(const StoredRecord& record, Ledger& ledger) {
  ledger.Saw(Reference::RecordIdentity("dead", std::atoi(record.Header("dead-letter-partition").c_str()),
                                       std::atoll(record.Header("dead-letter-offset").c_str())),
             Reference::RecordContent(record.key, record.value, record.Header("dead-letter-reason"),
                                      record.Header("dead-letter-detail")));
}

}  // namespace

Verdict CheckRun(KafkaAdmin& admin, const OutputTopics& topics, const Rules& rules,
                 const std::vector<PartitionLog>& logs, const std::string& directory) {
  Verdict verdict;
  Ledger ledger(directory);
  const int partitions = static_cast<int>(logs.size());
  std::vector<std::unique_ptr<Reference>> references;
  for (int32_t i = 0; i < partitions; ++i) {
    references.push_back(std::make_unique<Reference>(i, rules, logs[static_cast<size_t>(i)], ledger));
  }
  admin.ForEachCommitted(topics.events, partitions, [&](const StoredRecord& record) {
    ++verdict.records;
    references[static_cast<size_t>(record.partition)]->Take(record);
  });
  for (const auto& reference : references) {
    reference->Finish();
    verdict.sessions += reference->sessions();
    verdict.moves += reference->moves();
    verdict.snapshots += reference->snapshots_checked();
    verdict.problems.insert(verdict.problems.end(), reference->problems().begin(), reference->problems().end());
  }
  const auto read = [&](const std::string& topic, uint64_t& count, void (*saw)(const StoredRecord&, Ledger&)) {
    admin.ForEachCommitted(topic, partitions, [&](const StoredRecord& record) {
      ++count;
      saw(record, ledger);
    });
  };
  uint64_t sessions_seen = 0;
  read(topics.sessions, sessions_seen, SawSession);
  read(topics.late, verdict.late, SawLate);
  read(topics.dead_letters, verdict.dead_letters, SawDeadLetter);
  verdict.differences = ledger.Compare();
  return verdict;
}

}  // namespace tidemark::testing
