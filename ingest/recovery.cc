#include "ingest/recovery.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "ingest/crash_point.h"
#include "sinks/log.h"

namespace tidemark {
namespace {

// At an end that does not have what a commit names. The markers of transactions are not what it takes: an end is only
// told when none is missing. But a broker that has just begun to lead may tell of an earlier end until its followers
// have caught up, for about replica.lag.time.max.ms.
constexpr Duration kPatience = Seconds(30);
constexpr Duration kTryAgainAfter = Milliseconds(500);  // what could not be read
constexpr Duration kReportInterval = Seconds(5);

constexpr std::string_view kRecoverCommand =
    "stop tidemark, choose with `tidemark recover --help`, start it again; the other partitions go on";

}  // namespace

Recovery::Recovery(uint32_t shard, const KafkaOptions& kafka, const Rules& rules, Broker& broker, const Clock& clock,
                   ShardSnapshot& totals)
    : shard_(shard), kafka_(kafka), rules_(rules), broker_(broker), clock_(clock), totals_(totals) {}

absl::Status Recovery::Begin(PartitionWork& work, const CommittedOffset& committed) {
  if (work.Matches(committed)) {
    work.Continue();
    return absl::OkStatus();
  }
  auto metadata = ParseCommitMetadata(committed.metadata);
  if (committed.offset && absl::IsUnimplemented(metadata.status())) {
    Fail(work, std::string(metadata.status().message()), "run the newer version again");
    return absl::OkStatus();
  }
  std::optional<CommitMetadata> known;
  if (committed.offset && metadata.ok()) known = *std::move(metadata);
  if (known && known->sequence < work.sequence()) {
    ++totals_.commits_lost;
    Log(LogLevel::kError, "commit_lost", "the group has an older commit than one that was acknowledged",
        {{"shard", shard_}, {"partition", work.id().value}}, "look at the brokers' health; going on from that commit");
  }
  CrashPoint("recovery.begin");
  work.BeginLoading();
  searches_.insert_or_assign(work.id(), Search{StateLoader(work.id(), committed.offset, std::move(known)), committed,
                                               true, std::nullopt, Offset{}, clock_.Now(), ""});
  ++loading_;
  start_wanted_ = true;
  return absl::OkStatus();
}

absl::Status Recovery::StartReading() {
  std::vector<PartitionStart> starts;
  for (const auto& [id, search] : searches_) {
    if (search.loading) starts.push_back({id, search.loader.next()});
  }
  const absl::Status status = broker_.ReadState(starts);
  start_wanted_ = !status.ok();
  start_failed_at_ = status.ok() ? std::nullopt : std::optional(clock_.Now());
  return status;
}

absl::Status Recovery::Step(Duration max_wait, std::map<PartitionId, PartitionWork>& works) {
  absl::Status status;
  const bool pauses = start_failed_at_ && clock_.Now() - *start_failed_at_ < kTryAgainAfter;
  if (start_wanted_ && !pauses) status = StartReading();
  if (reading()) {
    status = broker_.PollState(max_wait, poll_);
    if (status.ok()) TakePoll(works);
    if (status.ok()) BeginEmptyOnes(works);
    status.Update(std::exchange(not_begun_, absl::OkStatus()));
  }
  for (auto& [id, search] : searches_) {
    if (!search.loading && search.at_end) GiveUpReplayAfterPatience(works.at(id), search);
    if (!search.no_way.empty()) FailOrBeginAgain(works.at(id), search);
  }
  std::erase_if(searches_, [&](const auto& entry) {
    const WorkState state = works.at(entry.first).state();
    return state == WorkState::kRunning || state == WorkState::kFailed;
  });
  return status;
}

Recovery::Search* Recovery::FindLoading(PartitionId id) {
  const auto found = searches_.find(id);
  return found != searches_.end() && found->second.loading ? &found->second : nullptr;
}

void Recovery::TakePoll(std::map<PartitionId, PartitionWork>& works) {
  for (const StateInput& input : poll_.records) {
    Search* search = FindLoading(input.partition);
    if (search == nullptr || input.offset < search->loader.next()) continue;
    const absl::Status taken = search->loader.Take(input);
    if (taken.ok()) continue;
    StopLoading(*search);
    Fail(works.at(input.partition), std::string(taken.message()), "run the newer version again");
  }
  for (const PartitionEnd& end : poll_.ends) {
    Search* search = FindLoading(end.partition);
    if (search != nullptr && !search->at_end) search->at_end = clock_.Now();
  }
  for (auto& [id, search] : searches_) {
    PartitionWork& work = works.at(id);
    if (search.loading && search.loader.complete()) TakeLoaded(work, search);
    if (search.loading && search.loader.hopeless()) TryOlder(work, search, "it is damaged");
    if (search.loading && search.at_end) TakeEnd(work, search);
  }
  for (const PartitionError& error : poll_.errors) {
    if (Search* search = FindLoading(error.partition)) TryOlder(works.at(error.partition), *search, error.message);
  }
}

void Recovery::StopLoading(Search& search) {
  if (!search.loading) return;
  search.loading = false;
  --loading_;
  if (loading_ == 0) start_wanted_ = true;  // to let go of the state topic
  totals_.state_records_damaged += search.loader.TakeDamagedRecords();
  totals_.snapshots_rejected += search.loader.TakePassedOver();
}

void Recovery::TakeLoaded(PartitionWork& work, Search& search) {
  StopLoading(search);
  search.at_end.reset();
  const StateLoader& loader = search.loader;
  LoadedState state = search.loader.TakeState();
  Log(LogLevel::kInfo, "state_loaded", "found the snapshot; replaying the records since",
      {{"shard", shard_},
       {"partition", work.id().value},
       {"open_sessions", state.partition.open_sessions()},
       {"from", state.next.value},
       {"to", search.committed.offset->value},
       {"decisions", state.decisions.size()},
       {"bytes", loader.bytes()}});
  CrashPoint("recovery.loaded");
  work.BeginReplay(std::move(state), search.committed, *loader.metadata());
  if (work.next() >= work.target()) Finish(work);
}

// All of the state partition has been read.
void Recovery::TakeEnd(PartitionWork& work, Search& search) {
  if (!search.loader.metadata()) return TakeAllSeen(work, search);
  if (clock_.Now() - *search.at_end < kPatience) return;
  TryOlder(work, search, "the state topic does not have all that the commit names");
}

// There is no commit of tidemark's. Then there must be no state either.
void Recovery::TakeAllSeen(PartitionWork& work, Search& search) {
  const std::optional<Offset> committed = search.committed.offset;
  if (search.begins_empty()) return;  // BeginEmptyOnes
  GiveUp(work, search,
         committed ? "the committed offset was not written by tidemark, but there is a state of an earlier time"
                   : "the group has no committed offset any more (expired or deleted, or kafka.events_topic has "
                     "changed), but there is a state");
}

// A broker that hangs takes seconds to be given up. So after one that cannot begin all others have their turn before
// it, and before anybody is asked again, as much time is left for records as it took.
void Recovery::BeginEmptyOnes(std::map<PartitionId, PartitionWork>& works) {
  if (clock_.Now() < ask_again_at_) return;
  auto next = searches_.upper_bound(last_in_vain_);
  for (size_t i = 0; i < searches_.size(); ++i, ++next) {
    if (next == searches_.end()) next = searches_.begin();
    auto& [id, search] = *next;
    if (!search.begins_empty()) continue;
    const MonotonicTime asked = clock_.Now();
    not_begun_ = BeginEmpty(works.at(id), search);
    if (not_begun_.ok()) continue;
    last_in_vain_ = id;
    const MonotonicTime now = clock_.Now();
    ask_again_at_ = now + std::max(kTryAgainAfter, now - asked);
    return;
  }
}

absl::Status Recovery::BeginEmpty(PartitionWork& work, Search& search) {
  const std::optional<Offset> committed = search.committed.offset;
  const auto next = committed ? absl::StatusOr<Offset>(*committed) : broker_.FirstOffset(work.id());
  if (!next.ok()) return next.status();
  const auto state_end = broker_.StateEnd(work.id());
  if (!state_end.ok()) return state_end.status();
  StopLoading(search);
  work.BeginEmpty(rules_, *next, *state_end, clock_.Now());
  ++totals_.recoveries[static_cast<size_t>(RecoveryResult::kEmpty)];
  Log(LogLevel::kInfo, "began_empty", "the group has no state of this partition yet: begins without sessions",
      {{"shard", shard_}, {"partition", work.id().value}, {"offset", next->value}});
  return absl::OkStatus();
}

bool Recovery::Finish(PartitionWork& work) {
  Search& search = searches_.at(work.id());
  if (!work.FinishReplay(clock_.Now())) {
    TryOlder(work, search, "the replayed state is not the committed one: its digest differs");
    return false;
  }
  CrashPoint("recovery.done");
  const Duration took = clock_.Now() - search.began;
  ++totals_.recoveries[static_cast<size_t>(RecoveryResult::kOk)];
  totals_.recovery_ms_total += static_cast<uint64_t>(took.ms);
  totals_.records_replayed += work.replayed();
  Log(LogLevel::kInfo, "partition_recovered", "the partition is where the group's commit left it",
      {{"shard", shard_},
       {"partition", work.id().value},
       {"offset", work.next().value},
       {"open_sessions", work.partition()->open_sessions()},
       {"records", work.replayed()},
       {"seconds", static_cast<double>(took.ms) / 1000}});
  return true;
}

void Recovery::NoteReplayEnd(const PartitionWork& work) {
  Search& search = searches_.at(work.id());
  if (search.at_end && search.replay_end == work.next()) return;
  search.at_end = clock_.Now();
  search.replay_end = work.next();
}

void Recovery::GiveUpReplayAfterPatience(PartitionWork& work, Search& search) {
  if (work.next() != search.replay_end) {  // so it was not the end
    search.at_end.reset();
    return;
  }
  if (work.state() != WorkState::kReplaying || clock_.Now() - *search.at_end < kPatience) return;
  GiveUp(work, search, "the events topic ends before the committed offset: it was re-created, or lost records");
}

void Recovery::TryOlder(PartitionWork& work, Search& search, std::string_view why) {
  ++totals_.snapshots_rejected;
  Log(LogLevel::kWarn, "state_rejected", "a state was found but is of no use; trying an older one",
      {{"shard", shard_}, {"partition", work.id().value}, {"err", why}});
  if (search.loader.TryOlder()) {
    if (!search.loading) ++loading_;
    search.loading = true;
    search.at_end.reset();
    start_wanted_ = true;
    work.BeginLoading();
    return;
  }
  GiveUp(work, search, fmt::format("no state in {} leads to the committed offset: {}", StateTopic(kafka_), why));
}

void Recovery::GiveUp(PartitionWork& work, Search& search, std::string_view why) {
  StopLoading(search);
  search.at_end.reset();
  search.no_way = why;
  work.BeginLoading();  // what it has is of no use
}

// Whoever was asleep for long may look for the state of a commit that is history: others have gone on, and have deleted
// what they do not need. That is no failure.
void Recovery::FailOrBeginAgain(PartitionWork& work, const Search& search) {
  const PartitionId id = work.id();
  const auto committed = broker_.Committed({&id, 1});
  if (!committed.ok()) return;  // the next step asks again
  const CommittedOffset& now = committed->front();
  if (now.offset == search.committed.offset && now.metadata == search.committed.metadata) {
    Fail(work, search.no_way, kRecoverCommand);
  } else {
    Begin(work, now).IgnoreError();
  }
}

void Recovery::Fail(PartitionWork& work, std::string_view why, std::string_view do_what) {
  work.BeginLoading();  // what it has, perhaps of a transaction that was lost, must not be committed
  work.Fail();
  ++totals_.recoveries[static_cast<size_t>(RecoveryResult::kFailed)];
  Log(LogLevel::kError, "partition_failed", why,
      {{"shard", shard_}, {"topic", kafka_.events_topic}, {"partition", work.id().value}}, do_what);
}

void Recovery::NoteRecordGone(PartitionWork& work, std::string_view error) {
  if (!work.running()) ++totals_.recoveries[static_cast<size_t>(RecoveryResult::kFailed)];
  work.Fail();
  Log(LogLevel::kError, "partition_failed", "the next record is not in the topic: deleted, or the topic was re-created",
      {{"shard", shard_},
       {"topic", kafka_.events_topic},
       {"partition", work.id().value},
       {"offset", work.next().value},
       {"err", error}},
      kRecoverCommand);
}

void Recovery::Abandon() {
  if (loading()) start_wanted_ = true;
  searches_.clear();
  loading_ = 0;
}

void Recovery::ReportProgress(const std::map<PartitionId, PartitionWork>& works) {
  const MonotonicTime now = clock_.Now();
  if (searches_.empty() || now - last_report_ < kReportInterval) return;
  last_report_ = now;
  for (const auto& [id, search] : searches_) {
    const PartitionWork& work = works.at(id);
    const Duration since = now - search.began;
    if (since < kReportInterval) continue;
    if (search.loading) {
      Log(LogLevel::kInfo, "recovery_loading", "reads the state topic",
          {{"shard", shard_}, {"partition", id.value}, {"bytes", search.loader.bytes()}, {"seconds", since.ms / 1000}});
      continue;
    }
    const int64_t remaining = std::max<int64_t>(work.target().value - work.next().value, 0);
    const double rate = static_cast<double>(work.replayed()) * 1000 / static_cast<double>(since.ms);
    Log(LogLevel::kInfo, "recovery_replaying", "replays the records since the snapshot",
        {{"shard", shard_},
         {"partition", id.value},
         {"offset", work.next().value},
         {"to", work.target().value},
         {"records_per_second", static_cast<int64_t>(rate)},
         {"seconds_left", rate > 0 ? static_cast<int64_t>(static_cast<double>(remaining) / rate) : -1}});
  }
}

}  // namespace tidemark
