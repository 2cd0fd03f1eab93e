#include "ingest/shard_output.h"

#include <algorithm>

#include "ingest/crash_point.h"
#include "sinks/log.h"

namespace tidemark {
namespace {

// A commit that took longer is in doubt even if it says that it succeeded (a late EndTxn could end the next one).
constexpr Duration kSlowCommit = Seconds(5);

}  // namespace

ShardOutput::ShardOutput(uint32_t shard, const KafkaOptions& kafka, Broker& broker, const Clock& clock,
                         ShardHeartbeat& heartbeat, ShardSnapshot& totals)
    : shard_(shard),
      kafka_(kafka),
      state_topic_(StateTopic(kafka)),
      broker_(broker),
      clock_(clock),
      heartbeat_(heartbeat),
      totals_(totals) {}

// A new producer settles what the last one left open. Until it exists nothing is read.
absl::Status ShardOutput::Prepare() {
  if (ready_) return absl::OkStatus();
  const absl::Status status = broker_.RestartProducer();
  if (status.ok()) {
    ready_ = true;
    sink_.emplace(broker_, KafkaSinkTopics{kafka_.sessions_topic, kafka_.late_topic, kafka_.dead_letters_topic});
    return absl::OkStatus();
  }
  if (!absl::IsUnavailable(status)) return status;
  Log(LogLevel::kInfo, "producer_waits", "cannot start a transactional producer yet; trying again",
      {{"shard", shard_}, {"err", std::string(status.message())}});
  return absl::OkStatus();
}

absl::Status ShardOutput::Begin(uint64_t bytes) {
  bytes_ += bytes;
  if (in_transaction_) return absl::OkStatus();
  const absl::Status status = broker_.BeginTransaction();
  in_transaction_ = status.ok();
  return status;
}

absl::Status ShardOutput::WriteState(PartitionId partition, const StateRecord& record) {
  EncodeStateRecord(record, encoded_);
  const absl::Status status = Begin(encoded_.size());
  return status.ok() ? broker_.Write({state_topic_, std::nullopt, encoded_, {}, partition}) : status;
}

absl::Status ShardOutput::EndTransaction(std::span<const CommittedOffset> offsets) {
  absl::Status status = Begin(0);
  CrashPoint("commit.begin");
  if (status.ok()) status = broker_.SendOffsets(offsets);
  CrashPoint("commit.offsets_sent");
  if (status.ok()) status = broker_.CommitTransaction();
  CrashPoint("commit.done");
  return status;
}

absl::Status ShardOutput::Commit(std::span<const CommittedOffset> offsets) {
  const MonotonicTime began = clock_.Now();
  heartbeat_.commit_started_ms = began.ms;
  const absl::Status status = EndTransaction(offsets);
  heartbeat_.commit_started_ms = ShardHeartbeat::kNoCommit;
  const Duration took = clock_.Now() - began;
  NoteDuration(took);
  if (!status.ok()) return status;
  totals_.last_commit = clock_.WallNow();
  if (took > kSlowCommit) {
    Abandon(CommitResult::kDoubtful);
    return absl::OkStatus();
  }
  ++totals_.commits[static_cast<size_t>(CommitResult::kOk)];
  in_transaction_ = false;
  bytes_ = 0;
  return absl::OkStatus();
}

void ShardOutput::Abandon(CommitResult result) {
  if (in_transaction_) ++totals_.commits[static_cast<size_t>(result)];
  ready_ = false;
  in_transaction_ = false;
  bytes_ = 0;
  omitted_before_ = records_without_value();
  sink_.reset();
}

uint64_t ShardOutput::records_without_value() const {
  return omitted_before_ + (sink_ ? sink_->records_without_value() : 0);
}

void ShardOutput::NoteDuration(Duration took) {
  const auto bucket = std::lower_bound(kCommitBucketsMs.begin(), kCommitBucketsMs.end(), took.ms);
  ++totals_.commit_buckets[static_cast<size_t>(bucket - kCommitBucketsMs.begin())];
  totals_.commit_ms_total += static_cast<uint64_t>(std::max<int64_t>(took.ms, 0));
}

}  // namespace tidemark
