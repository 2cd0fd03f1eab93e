// What an undisturbed run would have written: the plain core over one partition's records and decisions, in order.
//
// It also holds the decisions themselves against the contract: numbered without a gap, none while there was more to
// read, none that moves the watermark further than time has passed; and the digest of each snapshot against the state
// that there should have been. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/partition.h"
#include "tests/broker/kafka_admin.h"
#include "tests/faults/decision_log.h"
#include "tests/faults/ledger.h"

namespace tidemark::testing {

class Reference {
 public:
  // `log` and `ledger` must outlive it.
  Reference(int32_t partition, const Rules& rules, const PartitionLog& log, Ledger& ledger);
  ~Reference();

  // The next record of the topic; its timestamp is when the broker took it.
  void Take(const StoredRecord& record);
  // After the last record.
  void Finish();

  uint64_t sessions() const { return sessions_; }
  uint64_t moves() const { return moves_; }
  uint64_t snapshots_checked() const { return snapshots_checked_; }
  const std::vector<std::string>& problems() const { return problems_; }

  // The same text for an effect of the core and for a record of a topic.
  static std::string SessionIdentity(int32_t partition, std::string_view id, std::string_view type,
                                     std::string_view created);
  static std::string SessionContent(std::string_view reason, std::string_view duplicates, std::string_view out_of_order,
                                    std::string_view first, std::string_view last, std::string_view json);
  static std::string RecordIdentity(std::string_view kind, int32_t partition, int64_t offset);
  static std::string RecordContent(const std::optional<std::string>& key, const std::optional<std::string>& value,
                                   std::string_view reason, std::string_view detail);

 private:
  class EffectsToLedger;

  void ApplyDecisionsBefore(int64_t offset, const StoredRecord* next);
  void Apply(const LoggedDecision& logged, const StoredRecord* next);
  void CheckMove(const LoggedDecision& logged, EventTime watermark, const StoredRecord* next);
  void CheckSnapshots(int64_t next_offset);
  void Problem(std::string text);

  const int32_t id_;
  const PartitionLog& log_;
  Ledger& ledger_;
  Partition partition_;
  std::map<uint64_t, LoggedDecision>::const_iterator decision_;
  std::multimap<std::pair<int64_t, uint64_t>, SnapshotEnd> snapshots_;  // by next offset and number of decisions
  uint64_t decided_ = 0;
  int64_t last_offset_ = -1;       // of the last record
  int64_t last_timestamp_ms_ = 0;  // and when it came
  EventTime watermark_at_last_record_ = kBeforeAllTime;
  const StoredRecord* record_ = nullptr;  // being applied
  uint64_t sessions_ = 0, moves_ = 0, snapshots_checked_ = 0;
  std::vector<std::string> problems_;
};

}  // namespace tidemark::testing
