// A broker and a clock in memory for tests of the shard: records are handed out when the test says so, what is written
// is kept by transaction, and every call can be told to fail.
#pragma once

#include <algorithm>
#include <atomic>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "ingest/broker.h"
#include "ingest/clock.h"

namespace tidemark {

class ManualClock : public Clock {
 public:
  MonotonicTime Now() const override { return {now_ms_}; }
  EventTime WallNow() const override { return {now_ms_}; }
  void Advance(Duration duration) { now_ms_ += duration.ms; }

 private:
  std::atomic<int64_t> now_ms_{1'000'000};  // a watchdog may look while a shard's thread lets time pass
};

struct WrittenRecord {
  std::string topic;
  std::optional<PartitionId> partition;
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::map<std::string, std::string> headers;
};

class FakeBroker : public Broker {
 public:
  explicit FakeBroker(ManualClock& clock) : clock_(clock) {}

  // ---- what the test sets up
  struct Input {
    PartitionId partition;
    Offset offset;
    std::string value;
    std::vector<std::pair<std::string, std::string>> headers{};
  };
  void Give(std::vector<Input> records) { next_.records = std::move(records); }
  void GiveEnd(PartitionId partition, Offset end) { next_.ends.push_back({partition, end}); }
  void GiveError(PartitionId partition) { next_.errors.push_back({partition, "offset out of range"}); }
  void GiveChange(AssignmentChange change, std::vector<PartitionId> partitions = {}) {
    next_.change = change;
    next_.partitions = std::move(partitions);
  }
  void GiveStaleEpoch() { next_.stale = true; }

  absl::Status commit_answer;  // what CommitTransaction says ...
  bool commit_happens = true;  // ... and what it does
  Duration commit_takes{0};
  Duration write_takes{0};
  absl::Status offsets_answer;
  absl::Status producer_answer;
  absl::Status committed_answer;
  absl::Status state_answer;
  absl::Status state_end_answer;
  std::map<PartitionId, CommittedOffset> committed;
  std::map<PartitionId, Offset> first_offsets;
  std::set<PartitionId> silent;               // whose first offset is asked for in vain, for five seconds
  std::map<PartitionId, Offset> end_offsets;  // those whose leader answers
  std::map<PartitionId, Offset> cached_ends;  // from what was last fetched
  uint64_t record_limit = 1'000'000;

  // ---- what the test looks at
  std::vector<WrittenRecord> written;                     // in committed transactions, but for the state topic
  std::map<PartitionId, std::vector<std::string>> state;  // the state topic; the index is the offset
  std::map<PartitionId, Offset> truncated;
  int asked_in_vain = 0;
  Duration state_wait;  // that PollState was allowed the last time
  int commits = 0;
  int state_reads = 0;
  int state_ends_asked = 0;
  int assignments = 0;
  int producers = 0;
  int transactions_begun = 0;
  std::vector<PartitionStart> assigned;
  bool closed = false;

  // ---- Broker
  absl::Status Poll(Duration, PollResult& result) override {
    result.Clear();
    current_ = std::exchange(next_, {});
    result.assignment_epoch = current_.stale ? epoch_ - 1 : epoch_;
    for (const Input& input : current_.records) {
      InputRecord record;
      record.partition = input.partition;
      record.record = {input.value, input.offset, kAfterAllTime};
      record.key = "key";
      record.native = &input;
      result.records.push_back(record);
    }
    result.ends = current_.ends;
    result.errors = current_.errors;
    result.change = current_.change;
    result.partitions = current_.partitions;
    return absl::OkStatus();
  }

  std::span<const RecordHeader> Headers(const InputRecord& record) override {
    headers_.clear();
    for (const auto& [name, value] : static_cast<const Input*>(record.native)->headers)
      headers_.push_back({name, value});
    return headers_;
  }

  absl::StatusOr<uint64_t> Assign(std::span<const PartitionStart> starts) override {
    ++assignments;
    assigned.assign(starts.begin(), starts.end());
    return ++epoch_;
  }
  uint64_t Unassign() override {
    assigned.clear();
    return ++epoch_;
  }

  absl::StatusOr<std::vector<CommittedOffset>> Committed(std::span<const PartitionId> partitions) override {
    if (!committed_answer.ok()) return committed_answer;
    std::vector<CommittedOffset> result;
    for (const PartitionId partition : partitions) {
      const auto found = committed.find(partition);
      result.push_back(found == committed.end() ? CommittedOffset{partition, std::nullopt, {}} : found->second);
    }
    return result;
  }
  absl::StatusOr<Offset> FirstOffset(PartitionId partition) override {
    if (!silent.contains(partition)) return first_offsets[partition];
    ++asked_in_vain;
    clock_.Advance(Seconds(5));
    return absl::UnavailableError("timed out");
  }
  std::vector<std::optional<Offset>> EndOffsets(std::span<const PartitionId> partitions) override {
    std::vector<std::optional<Offset>> result;
    for (const PartitionId partition : partitions) {
      const auto found = end_offsets.find(partition);
      result.push_back(found == end_offsets.end() ? std::nullopt : std::optional(found->second));
    }
    return result;
  }
  std::optional<Offset> CachedEnd(PartitionId partition) override {
    const auto found = cached_ends.find(partition);
    return found == cached_ends.end() ? std::nullopt : std::optional(found->second);
  }

  absl::Status RestartProducer() override {
    if (!producer_answer.ok()) return producer_answer;
    ++producers;
    pending_.clear();
    pending_offsets_.clear();
    return absl::OkStatus();
  }
  absl::Status BeginTransaction() override {
    ++transactions_begun;
    return absl::OkStatus();
  }
  absl::Status Write(const OutputRecord& record) override {
    clock_.Advance(write_takes);
    WrittenRecord& written_record = pending_.emplace_back();
    written_record.topic = record.topic;
    written_record.partition = record.partition;
    if (record.key) written_record.key = *record.key;
    if (record.value) written_record.value = *record.value;
    for (const RecordHeader& header : record.headers) {
      written_record.headers[std::string(header.name)] = header.value.value_or("(null)");
    }
    return absl::OkStatus();
  }
  uint64_t max_record_bytes() const override { return record_limit; }
  uint64_t UnacknowledgedBytes() override { return 0; }
  absl::Status SendOffsets(std::span<const CommittedOffset> offsets) override {
    pending_offsets_.assign(offsets.begin(), offsets.end());
    return offsets_answer;
  }
  absl::Status CommitTransaction() override {
    clock_.Advance(commit_takes);
    if (commit_happens) {
      ++commits;
      for (const WrittenRecord& record : pending_) {
        if (record.partition) {
          state[*record.partition].push_back(*record.value);
        } else {
          written.push_back(record);
        }
      }
      for (const CommittedOffset& offset : pending_offsets_) committed[offset.partition] = offset;
    }
    pending_.clear();
    pending_offsets_.clear();
    return commit_answer;
  }

  absl::Status ReadState(std::span<const PartitionStart> starts) override {
    ++state_reads;
    state_reads_.assign(starts.begin(), starts.end());
    state_ends_told_ = false;
    return state_answer;
  }
  absl::Status PollState(Duration timeout, StatePollResult& result) override {
    result.Clear();
    state_wait = timeout;
    for (PartitionStart& read : state_reads_) {
      const std::vector<std::string>& records = state[read.partition];
      const auto end = static_cast<int64_t>(records.size());
      for (int64_t i = std::max<int64_t>(read.offset.value, 0); i < end; ++i) {
        result.records.push_back({read.partition, {i}, records[static_cast<size_t>(i)]});
      }
      if (!state_ends_told_ || read.offset.value < end) result.ends.push_back({read.partition, {end}});
      read.offset = {std::max(read.offset.value, end)};
    }
    state_ends_told_ = true;
    return absl::OkStatus();
  }
  absl::StatusOr<Offset> StateEnd(PartitionId partition) override {
    ++state_ends_asked;
    if (!state_end_answer.ok()) return state_end_answer;
    return Offset{static_cast<int64_t>(state[partition].size())};
  }
  void TruncateState(PartitionId partition, Offset before) override { truncated[partition] = before; }

  void Close() override { closed = true; }

 private:
  struct Next {
    std::vector<Input> records;
    std::vector<PartitionEnd> ends;
    std::vector<PartitionError> errors;
    AssignmentChange change = AssignmentChange::kNone;
    std::vector<PartitionId> partitions;
    bool stale = false;
  };

  ManualClock& clock_;
  Next next_;
  Next current_;
  uint64_t epoch_ = 0;
  std::vector<RecordHeader> headers_;
  std::vector<WrittenRecord> pending_;
  std::vector<CommittedOffset> pending_offsets_;
  std::vector<PartitionStart> state_reads_;
  bool state_ends_told_ = false;
};

}  // namespace tidemark
