#include "ingest/begin_anew.h"

#include <absl/strings/numbers.h>
#include <fmt/format.h>

#include <chrono>
#include <optional>
#include <thread>

#include "core/partition.h"
#include "core/state_record.h"
#include "ingest/clock.h"
#include "ingest/commit_metadata.h"
#include "ingest/kafka_client.h"
#include "ingest/topics.h"
#include "sinks/log.h"

namespace tidemark {
namespace {

constexpr Duration kTimeout = Seconds(10);

absl::StatusOr<std::vector<PartitionId>> AllPartitions(const KafkaOptions& options) {
  const auto topics = DescribeTopics(options, kTimeout);
  if (!topics.ok()) return topics.status();
  const absl::Status required = RequireTopics(*topics);
  if (!required.ok()) return required;
  std::vector<PartitionId> partitions;
  for (const TopicState& topic : *topics) {
    if (topic.need.name != options.events_topic) continue;
    for (uint32_t i = 0; i < topic.partitions; ++i) partitions.push_back({static_cast<int32_t>(i)});
  }
  return partitions;
}

// A static member that was stopped remains one until its session ends. If others were joining when all were stopped,
// the broker waits for that end, lets them in, and only then do their own sessions begin. So who is alive is told by a
// session in which nobody left.
absl::Status AwaitEmptyGroup(KafkaClient& broker, const KafkaOptions& options) {
  const Duration patience = SessionTimeout(options) + Seconds(5);
  const SystemClock clock;
  MonotonicTime changed = clock.Now();
  for (std::optional<int> before;;) {
    const auto members = broker.GroupMembers();
    if (!members.ok()) return members.status();
    if (*members == 0) return absl::OkStatus();
    if (!before) {
      Log(LogLevel::kInfo, "recover_waits", "waits for the group to be empty: who was stopped is a member for a while",
          {{"members", *members}, {"seconds_for_one_to_leave", patience.ms / 1000}});
    }
    if (before != *members) changed = clock.Now();
    before = *members;
    if (clock.Now() - changed >= patience) {
      return absl::FailedPreconditionError(
          fmt::format("the group {} has {} members: stop every tidemark of this group first", options.group, *members));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
  }
}

absl::StatusOr<Offset> Resolve(Broker& broker, const BeginAt& at, const CommittedOffset& committed) {
  switch (at.place) {
    case BeginAt::Place::kCommitted:
      if (committed.offset) return *committed.offset;
      return absl::FailedPreconditionError(fmt::format(
          "partition {} has no committed offset; choose another place with --from", committed.partition.value));
    case BeginAt::Place::kEarliest:
      return broker.FirstOffset(committed.partition);
    case BeginAt::Place::kLatest: {
      const auto ends = broker.EndOffsets({&committed.partition, 1});
      if (ends.front()) return *ends.front();
      return absl::UnavailableError("the leader of the partition does not answer; try again");
    }
    case BeginAt::Place::kOffset:
      break;
  }
  return at.offset;
}

// Nothing can go on from what a newer version has committed.
absl::Status RequireReadable(const CommittedOffset& committed) {
  const absl::Status last = ParseCommitMetadata(committed.metadata).status();
  if (!absl::IsUnimplemented(last)) return absl::OkStatus();
  return absl::FailedPreconditionError(fmt::format("partition {}: {}; use the newer version's `tidemark recover`",
                                                   committed.partition.value, std::string(last.message())));
}

// A partition that began elsewhere would fail with its first read.
absl::Status RequireWithin(Broker& broker, PartitionId partition, Offset begin) {
  const auto first = broker.FirstOffset(partition);
  if (!first.ok()) return first.status();
  const auto ends = broker.EndOffsets({&partition, 1});
  if (!ends.front()) return absl::UnavailableError("the leader of the partition does not answer; try again");
  if (*first <= begin && begin <= *ends.front()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      fmt::format("partition {} cannot begin at {}: the topic has {} to {}; choose another place with --from",
                  partition.value, begin.value, first->value, ends.front()->value));
}

// The empty state at this offset: its snapshot is written, and what the commit is to say of it returned.
absl::StatusOr<CommittedOffset> WriteEmptyState(Broker& broker, const KafkaOptions& options, const Rules& rules,
                                                const CommittedOffset& before, Offset begin) {
  const auto state_end = broker.StateEnd(before.partition);
  if (!state_end.ok()) return state_end.status();
  const Partition empty(before.partition, rules);
  const auto last = ParseCommitMetadata(before.metadata);
  CommitMetadata metadata = last.ok() ? *last : CommitMetadata{};
  SnapshotEnd end;
  end.snapshot = metadata.sequence;
  end.next = begin;
  end.decisions = metadata.decisions;
  end.watermark = empty.watermark();
  end.digest = empty.digest();
  end.rules = rules;
  std::string bytes;
  EncodeStateRecord(end, bytes);
  const absl::Status written = broker.Write({StateTopic(options), std::nullopt, bytes, {}, before.partition});
  if (!written.ok()) return written;
  metadata.token = fmt::format("recover.{}", SystemClock().WallNow().ms);
  ++metadata.sequence;
  metadata.digest = end.digest;
  metadata.newest_snapshot = *state_end;
  metadata.older_snapshot.reset();
  return CommittedOffset{before.partition, begin, ToText(metadata)};
}

absl::Status Apply(Broker& broker, const KafkaOptions& options, const Rules& rules,
                   const std::vector<CommittedOffset>& committed, const std::vector<NewBeginning>& beginnings) {
  absl::Status status = broker.RestartProducer();
  if (status.ok()) status = broker.BeginTransaction();
  std::vector<CommittedOffset> offsets;
  for (size_t i = 0; i < beginnings.size() && status.ok(); ++i) {
    auto offset = WriteEmptyState(broker, options, rules, committed[i], beginnings[i].begin);
    status = offset.status();
    if (status.ok()) offsets.push_back(*std::move(offset));
  }
  if (status.ok()) status = broker.SendOffsets(offsets);
  return status.ok() ? broker.CommitTransaction() : status;
}

}  // namespace

absl::StatusOr<BeginAt> ParseBeginAt(const std::string& text) {
  if (text == "committed") return BeginAt{BeginAt::Place::kCommitted, {}};
  if (text == "earliest") return BeginAt{BeginAt::Place::kEarliest, {}};
  if (text == "latest") return BeginAt{BeginAt::Place::kLatest, {}};
  BeginAt at{BeginAt::Place::kOffset, {}};
  if (absl::SimpleAtoi(text, &at.offset.value) && at.offset.value >= 0) return at;
  return absl::InvalidArgumentError(
      fmt::format("--from {}: expected `committed`, `earliest`, `latest` or an offset", text));
}

absl::StatusOr<std::vector<NewBeginning>> BeginAnew(const KafkaOptions& options, const Rules& rules,
                                                    std::vector<PartitionId> partitions, const BeginAt& at,
                                                    bool apply) {
  auto all = AllPartitions(options);
  if (!all.ok()) return all.status();
  if (partitions.empty()) partitions = *all;
  for (const PartitionId partition : partitions) {
    if (partition.value >= 0 && static_cast<size_t>(partition.value) < all->size()) continue;
    return absl::InvalidArgumentError(
        fmt::format("{} has no partition {}: it has {}", options.events_topic, partition.value, all->size()));
  }
  const auto client = KafkaClient::CreateOutsideTheGroup(options);
  if (!client.ok()) return client.status();
  KafkaClient& broker = **client;
  const absl::Status alone = AwaitEmptyGroup(broker, options);
  if (!alone.ok()) return alone;
  const auto committed = broker.Committed(partitions);
  if (!committed.ok()) return committed.status();
  std::vector<NewBeginning> beginnings;
  for (const CommittedOffset& offset : *committed) {
    const absl::Status readable = RequireReadable(offset);
    if (!readable.ok()) return readable;
    const auto begin = Resolve(broker, at, offset);
    if (!begin.ok()) return begin.status();
    const absl::Status within = RequireWithin(broker, offset.partition, *begin);
    if (!within.ok()) return within;
    beginnings.push_back({offset.partition, offset.offset, *begin});
  }
  const absl::Status applied = apply ? Apply(broker, options, rules, *committed, beginnings) : absl::OkStatus();
  if (!applied.ok()) return applied;
  return beginnings;
}

}  // namespace tidemark
