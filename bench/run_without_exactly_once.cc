// `tidemark run` as it would be without exactly-once: the same program, command line and window, but with a producer
// that has no transactions, and without offsets, decisions and snapshots. What kafka_throughput_bench compares `run`
// with; of no other use, as it forgets everything when it ends. There is no digest of the state either.
//
//   run_without_exactly_once_bench run [--config FILE] [--set KEY=VALUE]...
#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "app/commands.h"
#include "core/session_digest.h"
#include "ingest/kafka_client.h"
#include "ingest/record_producer.h"

namespace tidemark {

// Instead of core's, whose file the linker leaves out, as nothing in it is missing any more.
uint64_t SessionDigest(const Session&) { return 0; }

}  // namespace tidemark

namespace tidemark::bench {
namespace {

// What a shard writes goes out, what it would commit does not.
class PlainBroker : public Broker {
 public:
  static absl::StatusOr<std::unique_ptr<Broker>> Create(const KafkaOptions& options, uint32_t shard) {
    KafkaProperties ours;
    AddProducerSettings(ours);
    auto conf = MakeKafkaConf(options, ours);
    if (!conf.ok()) return conf.status();
    auto producer = MakeKafkaClient(RD_KAFKA_PRODUCER, *std::move(conf));
    if (!producer.ok()) return producer.status();
    auto client = KafkaClient::Create(options, shard);
    if (!client.ok()) return client.status();
    return std::unique_ptr<Broker>(new PlainBroker(StateTopic(options), *std::move(client), *std::move(producer)));
  }

  absl::Status Poll(Duration timeout, PollResult& result) override {
    rd_kafka_poll(producer_.get(), 0);
    return client_->Poll(timeout, result);
  }
  std::span<const RecordHeader> Headers(const InputRecord& record) override { return client_->Headers(record); }
  absl::StatusOr<uint64_t> Assign(std::span<const PartitionStart> starts) override { return client_->Assign(starts); }
  uint64_t Unassign() override { return client_->Unassign(); }
  absl::StatusOr<std::vector<CommittedOffset>> Committed(std::span<const PartitionId> partitions) override {
    return client_->Committed(partitions);
  }
  absl::StatusOr<Offset> FirstOffset(PartitionId partition) override { return client_->FirstOffset(partition); }
  std::vector<std::optional<Offset>> EndOffsets(std::span<const PartitionId> partitions) override {
    return client_->EndOffsets(partitions);
  }
  std::optional<Offset> CachedEnd(PartitionId partition) override { return client_->CachedEnd(partition); }

  absl::Status RestartProducer() override { return absl::OkStatus(); }
  absl::Status BeginTransaction() override { return absl::OkStatus(); }
  absl::Status SendOffsets(std::span<const CommittedOffset>) override { return absl::OkStatus(); }
  absl::Status CommitTransaction() override { return absl::OkStatus(); }
  uint64_t max_record_bytes() const override { return client_->max_record_bytes(); }
  uint64_t UnacknowledgedBytes() override { return 0; }
  absl::Status Write(const OutputRecord& record) override {
    if (record.topic == state_topic_) return absl::OkStatus();
    for (;;) {
      const KafkaError error = Produce(producer_.get(), record);
      if (!error) return absl::OkStatus();
      if (rd_kafka_error_code(error.get()) != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
        return absl::InternalError(rd_kafka_error_string(error.get()));
      }
      rd_kafka_poll(producer_.get(), 100);
    }
  }

  absl::Status ReadState(std::span<const PartitionStart> starts) override { return client_->ReadState(starts); }
  absl::Status PollState(Duration timeout, StatePollResult& result) override {
    return client_->PollState(timeout, result);
  }
  absl::StatusOr<Offset> StateEnd(PartitionId partition) override { return client_->StateEnd(partition); }
  void TruncateState(PartitionId, Offset) override {}
  void Close() override { client_->Close(); }

 private:
  PlainBroker(std::string state_topic, std::unique_ptr<KafkaClient> client, KafkaClientHandle producer)
      : state_topic_(std::move(state_topic)), client_(std::move(client)), producer_(std::move(producer)) {}

  const std::string state_topic_;
  const std::unique_ptr<KafkaClient> client_;
  const KafkaClientHandle producer_;
};

int Main(int argc, char** argv) {
  CLI::App app("tidemark run without exactly-once, to see what that costs.");
  app.require_subcommand(1);
  CommandContext context;
  AddRunCommand(app, context, PlainBroker::Create);
  CLI11_PARSE(app, argc, argv);
  return context.work()();
}

}  // namespace
}  // namespace tidemark::bench

int main(int argc, char** argv) { return tidemark::bench::Main(argc, argv); }
