#include "ingest/state_loader.h"

#include <utility>

namespace tidemark {

StateLoader::StateLoader(PartitionId id, std::optional<Offset> committed, std::optional<CommitMetadata> metadata)
    : id_(id), committed_(committed), metadata_(std::move(metadata)) {
  starts_.push_back(kFirstRecord);
  if (metadata_) {
    if (metadata_->older_snapshot) starts_.push_back(*metadata_->older_snapshot);
    starts_.push_back(metadata_->newest_snapshot);
  }
  TryOlder();
}

bool StateLoader::TryOlder() {
  if (starts_.empty()) return false;
  from_ = starts_.back();
  next_ = from_;
  starts_.pop_back();
  building_.reset();
  rejected_ = false;
  found_.reset();
  decisions_.clear();
  return true;
}

absl::Status StateLoader::Take(const StateInput& input) {
  if (from_ == kFirstRecord) from_ = input.offset;
  next_ = {input.offset.value + 1};
  bytes_ += input.value.size();
  auto record = DecodeStateRecord(input.value);
  if (absl::IsUnimplemented(record.status())) return record.status();
  if (!record.ok()) {
    if (damaged_.insert(input.offset).second) ++new_damaged_;
    Reject();
    return absl::OkStatus();
  }
  if (const auto* chunk = std::get_if<SnapshotChunk>(&*record)) {
    TakeChunk(*chunk);
  } else if (const auto* end = std::get_if<SnapshotEnd>(&*record)) {
    TakeEnd(*end);
  } else {
    auto& decision = std::get<Decision>(*record);
    const uint64_t number = decision.number;
    decisions_.insert_or_assign(number, std::move(decision));
  }
  return absl::OkStatus();
}

void StateLoader::Reject() {
  if (building_ && starts_.empty()) ++passed_over_;
  rejected_ = true;
  building_.reset();
}

void StateLoader::TakeChunk(const SnapshotChunk& chunk) {
  if (found_) return;  // a newer one: either it is not committed as far as we know, or it was tried before
  if (chunk.index == 0) building_.emplace(Building{Partition(id_, Rules{}), chunk.snapshot, 0});
  if (!building_) return;
  const bool expected = building_->snapshot == chunk.snapshot && building_->chunks == chunk.index;
  ++building_->chunks;
  if (!expected || !building_->partition.RestoreSessions(chunk.sessions)) Reject();
}

// Whether it is a snapshot of the past of what is committed.
bool StateLoader::Fits(const SnapshotEnd& end) const {
  if (!metadata_) return true;
  return end.next <= *committed_ && end.decisions <= metadata_->decisions && end.snapshot <= metadata_->sequence;
}

void StateLoader::TakeEnd(const SnapshotEnd& end) {
  if (found_ || !Fits(end)) return;
  if (end.chunks == 0) building_.emplace(Building{Partition(id_, Rules{}), end.snapshot, 0});
  if (!building_) return;
  Partition& partition = building_->partition;
  const bool whole = building_->snapshot == end.snapshot && building_->chunks == end.chunks &&
                     partition.FinishRestore(end.rules, end.watermark) && partition.digest() == end.digest &&
                     partition.open_sessions() + partition.tombstones() == end.sessions;
  if (!whole) return Reject();
  found_.emplace(LoadedState{std::move(partition), end.next, from_, {}});
  decisions_in_found_ = end.decisions;
  building_.reset();
}

bool StateLoader::complete() const {
  if (!found_ || !metadata_) return false;
  const uint64_t first = decisions_in_found_ + 1;
  const auto begin = decisions_.lower_bound(first);
  const auto end = decisions_.upper_bound(metadata_->decisions);
  return static_cast<uint64_t>(std::distance(begin, end)) == metadata_->decisions - decisions_in_found_;
}

LoadedState StateLoader::TakeState() {
  LoadedState state = std::move(*found_);
  found_.reset();
  for (auto& [number, decision] : decisions_) {
    if (number > decisions_in_found_ && number <= metadata_->decisions) state.decisions.push_back(std::move(decision));
  }
  return state;
}

}  // namespace tidemark
