// The Broker behind which librdkafka is: one group member (static, eager range assignment, read_committed) and one
// transactional producer, configured as the known hazards of both ask for.
//
// One thread, the shard's, makes all calls; librdkafka's callbacks run inside them, but for TransactionRequests. A
// rebalance is not answered in its callback: it is reported by Poll, and the shard answers with Assign or Unassign when
// it is ready.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <librdkafka/rdkafka.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "ingest/batch_consumer.h"
#include "ingest/broker.h"
#include "ingest/kafka_handle.h"
#include "ingest/kafka_options.h"
#include "ingest/kafka_state.h"
#include "ingest/transaction_requests.h"

namespace tidemark {

// `{instance}-{shard}`: the static member id.
std::string MemberId(const KafkaOptions& options, uint32_t shard);
// `{group}.{instance}.{shard}`: stable, so that a restart ends what a killed process left open.
std::string TransactionalId(const KafkaOptions& options, uint32_t shard);
// `transaction.timeout.ms` as it will be used.
Duration TransactionTimeout(const KafkaOptions& options);
// `session.timeout.ms` as it will be used.
Duration SessionTimeout(const KafkaOptions& options);

class KafkaClient : public Broker {
 public:
  // Joins the group. A broker that is away is no error: Poll waits for it. options.instance_id must be set.
  static absl::StatusOr<std::unique_ptr<KafkaClient>> Create(const KafkaOptions& options, uint32_t shard);
  // For what is done while the group has no members: it reads and commits, but is none itself.
  static absl::StatusOr<std::unique_ptr<KafkaClient>> CreateOutsideTheGroup(const KafkaOptions& options);
  // Whether librdkafka takes the settings together, as some belong to each other. Makes no connection.
  static absl::Status CheckSettings(KafkaOptions options);
  ~KafkaClient() override;

  // How many members the group has now.
  absl::StatusOr<int> GroupMembers();

  absl::Status Poll(Duration timeout, PollResult& result) override;
  std::span<const RecordHeader> Headers(const InputRecord& record) override;
  absl::StatusOr<uint64_t> Assign(std::span<const PartitionStart> starts) override;
  uint64_t Unassign() override;
  absl::StatusOr<std::vector<CommittedOffset>> Committed(std::span<const PartitionId> partitions) override;
  absl::StatusOr<Offset> FirstOffset(PartitionId partition) override;
  std::vector<std::optional<Offset>> EndOffsets(std::span<const PartitionId> partitions) override;
  std::optional<Offset> CachedEnd(PartitionId partition) override;

  absl::Status RestartProducer() override;
  absl::Status BeginTransaction() override;
  absl::Status Write(const OutputRecord& record) override;
  uint64_t max_record_bytes() const override { return max_record_bytes_; }
  absl::Status SendOffsets(std::span<const CommittedOffset> offsets) override;
  absl::Status CommitTransaction() override;
  uint64_t UnacknowledgedBytes() override;

  absl::Status ReadState(std::span<const PartitionStart> starts) override { return state_->Read(starts); }
  absl::Status PollState(Duration timeout, StatePollResult& result) override { return state_->Poll(timeout, result); }
  absl::StatusOr<Offset> StateEnd(PartitionId partition) override { return state_->End(partition); }
  void TruncateState(PartitionId partition, Offset before) override { state_->Truncate(partition, before); }

  void Close() override;

 private:
  KafkaClient(const KafkaOptions& options, uint32_t shard) : options_(options), shard_(shard) {}

  absl::Status MakeConsumer();
  absl::Status Join();
  absl::StatusOr<KafkaGroupMetadata> GroupMetadata() const;
  absl::Status MakeProducer();
  void AskForOutputTopics();
  void DropProducer();
  absl::Status TakeMessage(const rd_kafka_message_t& message, PollResult& result);
  absl::Status ConsumerFailure();
  absl::Status JoinAnewIfFenced(const absl::Status& failure, PollResult& result);
  void AskWhetherBack();
  using Ends = std::map<PartitionId, Offset>;
  bool AskEnds(std::span<const PartitionId> partitions, Duration timeout, Ends& ends);
  void AskByLeader(std::span<const PartitionId> partitions, Ends& ends);
  std::map<int32_t, std::vector<PartitionId>> ByLeader(std::span<const PartitionId> partitions);
  KafkaPartitions PartitionList(std::span<const PartitionId> partitions) const;
  absl::Status TransactionFailure(const std::string& doing, KafkaError error);

  void OnRebalance(rd_kafka_resp_err_t code, const rd_kafka_topic_partition_list_t* partitions);
  void OnDelivery(const rd_kafka_message_t& message);

  const KafkaOptions options_;
  const uint32_t shard_;
  bool is_member_ = true;

  BatchConsumer consumer_;
  std::vector<RecordHeader> headers_;  // of the last Headers
  uint64_t assignment_epoch_ = 0;
  bool closing_ = false;
  AssignmentChange pending_change_ = AssignmentChange::kNone;
  std::vector<PartitionId> pending_partitions_;
  std::optional<MonotonicTime> asked_whether_back_;
  std::optional<MonotonicTime> fenced_at_;
  std::set<PartitionId> silent_;  // their leaders did not say where they end
  MonotonicTime asked_silent_;    // when that was last so

  std::unique_ptr<KafkaState> state_;

  TransactionRequests requests_;  // the producer's, since it was last asked to send offsets
  KafkaClientHandle producer_;
  std::vector<KafkaTopic> output_topics_;  // the producer's
  bool producer_ready_ = false;
  uint64_t max_record_bytes_ = 0;
  uint64_t unacknowledged_bytes_ = 0;
  absl::Status delivery_failure_;  // the first of the transaction
};

}  // namespace tidemark
