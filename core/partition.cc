#include "core/partition.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "core/event.h"
#include "core/lookahead.h"
#include "core/session.h"
#include "core/session_codec.h"
#include "core/session_digest.h"
#include "core/session_json.h"
#include "core/session_table.h"
#include "core/snapshot_stream.h"
#include "core/timing_wheel.h"

namespace tidemark {

class Partition::Impl {
 public:
  Impl(PartitionId id, const Rules& rules) : id_(id), rules_(rules), arrivals_(rules_), writer_(rules_) {}

  Outcome Apply(const Record& record, Effects& effects);
  void Announce(const Record& record) { arrivals_.Announce(record, sessions_); }
  void AdvanceWatermark(EventTime watermark, Effects& effects);
  void ChangeRules(const Rules& rules, Effects& effects);
  uint64_t Digest() const;
  bool RestoreSessions(std::string_view bytes);
  bool FinishRestore(const Rules& rules, EventTime watermark);

  PartitionId id_;
  Rules rules_;
  EventTime watermark_ = kBeforeAllTime;
  uint64_t open_[kTypeRulesCount] = {};
  uint64_t tombstones_ = 0;
  uint64_t block_bytes_ = 0;
  PartitionCounters counters_;
  CommonValues common_;  // outlives the sessions
  SessionTable sessions_;
  SnapshotWriter snapshot_;

 private:
  // How an event of time t stands to an open session (rule 2).
  enum class Fit : uint8_t { kNo, kButForTheSpan, kYes };

  Outcome ApplyEvent(const Arrival& arrival, const Record& record, Effects& effects);
  void FindByKey(const Arrival& arrival);
  bool SupersedeTombstones(const Session& session);
  Fit FitOf(const Event& event, const Session& session) const;
  bool IsBehindWatermark(const Event& event) const;
  Outcome JoinOrMerge(const Event& event, const JoinContext& context);
  void MergeNext(SessionRef earlier, SessionRef later);
  void Open(const Arrival& arrival, const JoinContext& context);
  void EndIfEndEvent(const Event& event, Session& session);
  void WillChange(Session& session);
  void HasChanged(const Session& session);
  void Remove(SessionRef ref);
  void ScheduleAll();
  bool RestoreSession(Unpacker& in);
  Outcome Late(const Event& event, const Record& record, LateReason reason, EventTime first_in_time, Effects& effects);
  void Schedule(SessionRef ref);
  void CollectDue();
  void Close(SessionRef ref, Effects& effects);
  Duration TimeoutOf(TypeRules type) const { return rules_.timeout.For(type); }

  Lookahead arrivals_;
  SessionWriter writer_;
  TimingWheel wheel_;
  SnapshotReader restoring_;
  uint64_t digest_ = 0;  // XOR over all sessions and tombstones

  // Scratch, empty between calls but for its memory.
  ByteBuffer packed_;
  ByteBuffer merged_;
  std::vector<SessionRef> fitting_;            // open sessions of the event's key that it fits, by first
  std::vector<SessionRef> too_long_;           // those that it would have fitted but for the span, and is later than
  EventTime tombstone_last_ = kBeforeAllTime;  // of the event's key, the newest
  std::vector<Timer> timers_;
  struct Due {
    EventTime deadline;
    SessionRef ref;
  };
  std::vector<Due> due_;
};

Outcome Partition::Impl::Apply(const Record& record, Effects& effects) {
  ++counters_.records;
  counters_.record_bytes += record.value.size();
  Outcome outcome = Outcome::kDeadLetter;
  const Arrival& arrival = arrivals_.Take(record);
  if (const Defect* defect = arrival.defect) {
    ++counters_.dead_letters[static_cast<size_t>(defect->reason)];
    effects.OnDeadLetter({record, defect->reason, defect->detail});
  } else {
    outcome = ApplyEvent(arrival, record, effects);
    AdvanceWatermark(arrival.parser.event().time - rules_.max_out_of_orderness, effects);  // rule 6, late or not
  }
  ++counters_.outcomes[static_cast<size_t>(outcome)];
  return outcome;
}

// Rules 1 to 5 of spec section 3, in their order.
Outcome Partition::Impl::ApplyEvent(const Arrival& arrival, const Record& record, Effects& effects) {
  const Event& event = arrival.parser.event();
  FindByKey(arrival);
  if (event.time <= tombstone_last_) {
    return Late(event, record, LateReason::kSessionClosed, tombstone_last_ + Milliseconds(1), effects);
  }
  const JoinContext context{rules_, id_, record.offset, IdOf(event), common_, packed_, merged_};
  if (!fitting_.empty()) return JoinOrMerge(event, context);

  for (const SessionRef ref : too_long_) {
    Session& session = sessions_[ref];
    WillChange(session);
    session.end = session.last;
    session.end_reason = CloseReason::kMaxDuration;
    HasChanged(session);
    Schedule(ref);
  }
  if (IsBehindWatermark(event)) {
    const EventTime first_in_time = watermark_ - TimeoutOf(event.type_rules) + Milliseconds(1);
    return Late(event, record, LateReason::kBehindWatermark, first_in_time, effects);
  }
  Open(arrival, context);
  return Outcome::kJoined;
}

// Looks at all sessions of the event's key, and at its tombstone.
void Partition::Impl::FindByKey(const Arrival& arrival) {
  const Event& event = arrival.parser.event();
  fitting_.clear();
  too_long_.clear();
  tombstone_last_ = kBeforeAllTime;
  for (SessionRef ref = sessions_.Find(arrival.key_hash); ref != kNoSession; ref = sessions_[ref].next) {
    const Session& session = sessions_[ref];
    if (!SameText(session.packed_key(), arrival.packed_key.view())) continue;
    if (session.state != Session::State::kOpen) {
      tombstone_last_ = std::max(tombstone_last_, session.last);
      continue;
    }
    const Fit fit = FitOf(event, session);
    if (fit == Fit::kYes) fitting_.push_back(ref);
    if (fit == Fit::kButForTheSpan && event.time > session.last) too_long_.push_back(ref);
  }
  std::sort(fitting_.begin(), fitting_.end(), [this](SessionRef a, SessionRef b) {
    const Session& x = sessions_[a];
    const Session& y = sessions_[b];
    return x.first != y.first ? x.first < y.first : x.first_offset < y.first_offset;
  });
}

bool Partition::Impl::IsBehindWatermark(const Event& event) const {
  return event.time + TimeoutOf(event.type_rules) <= watermark_;
}

Partition::Impl::Fit Partition::Impl::FitOf(const Event& event, const Session& session) const {
  const EventTime t = event.time;
  const Duration timeout = TimeoutOf(session.type_rules);
  if (t <= session.first - timeout || t >= session.last + timeout) return Fit::kNo;
  if (session.has_end() && t > session.end) return Fit::kNo;
  if (t < session.first && IsBehindWatermark(event)) return Fit::kNo;
  const Duration span = std::max(session.last, t) - std::min(session.first, t);
  return span < rules_.max_duration.For(session.type_rules) ? Fit::kYes : Fit::kButForTheSpan;
}

// Rules 4 and 5.
Outcome Partition::Impl::JoinOrMerge(const Event& event, const JoinContext& context) {
  const SessionRef earliest = fitting_[0];
  Session& session = sessions_[earliest];
  WillChange(session);
  if (IsDuplicate(context.event_id, session)) {
    ++session.duplicates;
    HasChanged(session);
    return Outcome::kDuplicate;
  }
  const bool out_of_order = event.time < session.last;
  JoinSession(event, context, session);
  if (out_of_order) ++counters_.out_of_order;
  if (!session.has_end() && fitting_.size() > 1) MergeNext(earliest, fitting_[1]);
  EndIfEndEvent(event, session);
  HasChanged(session);
  Schedule(earliest);
  return Outcome::kJoined;
}

// Around every change of a session: keeps what a snapshot under way needs of it, the digest, and the memory it takes.
void Partition::Impl::WillChange(Session& session) {
  snapshot_.BeforeChange(session);
  digest_ ^= SessionDigest(session);
  block_bytes_ -= session.fields.bytes();
}

void Partition::Impl::HasChanged(const Session& session) {
  digest_ ^= SessionDigest(session);
  block_bytes_ += session.fields.bytes();
}

void Partition::Impl::Remove(SessionRef ref) {
  WillChange(sessions_[ref]);
  sessions_.Remove(ref);
}

// `earlier` is between WillChange and HasChanged.
void Partition::Impl::MergeNext(SessionRef earlier_ref, SessionRef later_ref) {
  Session& earlier = sessions_[earlier_ref];
  Session& later = sessions_[later_ref];
  const Duration span = std::max(earlier.last, later.last) - std::min(earlier.first, later.first);
  if (span >= rules_.max_duration.For(earlier.type_rules)) return;
  WillChange(later);
  MergeSessions(rules_, later, earlier);
  sessions_.Remove(later_ref);
  --open_[static_cast<size_t>(earlier.type_rules)];
  ++counters_.sessions_merged;
}

void Partition::Impl::Open(const Arrival& arrival, const JoinContext& context) {
  const Event& event = arrival.parser.event();
  const SessionRef ref = sessions_.Add(arrival.key_hash);
  common_.ExpectSessions(sessions_.size());
  Session& session = sessions_[ref];
  OpenSession(event, context, session);
  snapshot_.AfterOpening(session);
  ++open_[static_cast<size_t>(session.type_rules)];
  ++counters_.sessions_opened[static_cast<size_t>(session.type_rules)];
  EndIfEndEvent(event, session);
  HasChanged(session);
  Schedule(ref);
}

void Partition::Impl::EndIfEndEvent(const Event& event, Session& session) {
  if (session.has_end() || event.time != session.last || !(event.IsWeb() || event.IsApp())) return;
  if (!IsNamed(event.name, rules_.end_events)) return;
  session.end = event.time;
  session.end_reason = CloseReason::kEndEvent;
}

Outcome Partition::Impl::Late(const Event& event, const Record& record, LateReason reason, EventTime first_in_time,
                              Effects& effects) {
  ++counters_.late[static_cast<size_t>(reason)];
  effects.OnLate({record, reason, first_in_time - event.time});
  return Outcome::kLate;
}

// Makes sure that the wheel comes back to the session no later than its deadline. A deadline that moved on is left to
// the old timer, which finds out and sets itself anew.
void Partition::Impl::Schedule(SessionRef ref) {
  Session& session = sessions_[ref];
  const bool open = session.state == Session::State::kOpen;
  const EventTime deadline = open ? session.Deadline(rules_) : session.last + TimeoutOf(session.type_rules);
  if (deadline >= session.scheduled) return;
  session.scheduled = deadline;
  wheel_.Add({deadline, ref, session.generation});
}

void Partition::Impl::AdvanceWatermark(EventTime watermark, Effects& effects) {
  watermark_ = std::max(watermark_, watermark);
  CollectDue();
  for (const Due& due : due_) Close(due.ref, effects);
}

// Fills due_ with the open sessions whose deadline has come, in the order in which they close, and drops tombstones
// that have served.
void Partition::Impl::CollectDue() {
  timers_.clear();
  due_.clear();
  wheel_.Advance(watermark_, timers_);
  for (const Timer& timer : timers_) {
    Session& session = sessions_[timer.session];
    if (session.generation != timer.generation || session.scheduled != timer.deadline) continue;
    if (session.state == Session::State::kTombstone) {
      Remove(timer.session);
      --tombstones_;
      continue;
    }
    session.scheduled = kAfterAllTime;
    const EventTime deadline = session.Deadline(rules_);
    if (deadline <= watermark_) {
      due_.push_back({deadline, timer.session});
    } else {
      Schedule(timer.session);
    }
  }
  std::sort(due_.begin(), due_.end(), [this](const Due& a, const Due& b) {
    if (a.deadline != b.deadline) return a.deadline < b.deadline;
    const auto order = sessions_[a.ref].key() <=> sessions_[b.ref].key();
    return order != 0 ? order < 0 : sessions_[a.ref].first < sessions_[b.ref].first;
  });
}

// Of the tombstones of a key the one with the greatest last says all that the others say, and for longer: there is only
// one, however often the key's sessions end. Removes those that this session's supersedes; false: it is superseded.
bool Partition::Impl::SupersedeTombstones(const Session& session) {
  const auto for_each_tombstone = [&](auto&& visit) {
    for (SessionRef ref = sessions_.Find(session.key_hash); ref != kNoSession;) {
      const SessionRef next = sessions_[ref].next;
      const bool same = sessions_[ref].packed_key() == session.packed_key();
      if (same && sessions_[ref].state == Session::State::kTombstone) visit(ref);
      ref = next;
    }
  };
  bool is_newest = true;
  for_each_tombstone([&](SessionRef ref) { is_newest = is_newest && sessions_[ref].last < session.last; });
  if (!is_newest) return false;
  for_each_tombstone([&](SessionRef ref) {
    Remove(ref);
    --tombstones_;
  });
  return true;
}

void Partition::Impl::Close(SessionRef ref, Effects& effects) {
  Session& session = sessions_[ref];
  writer_.Write(session);
  effects.OnSession({writer_.id(), session.key().type, writer_.json(), session.Reason(), session.first, session.last,
                     session.EndedDate(rules_), session.events, session.duplicates, session.out_of_order,
                     session.first_offset, session.last_offset});
  const auto type = static_cast<size_t>(session.type_rules);
  ++counters_.sessions_closed[type][static_cast<size_t>(session.Reason())];
  --open_[type];
  if (session.last + TimeoutOf(session.type_rules) <= watermark_ || !SupersedeTombstones(session)) {
    Remove(ref);
    return;
  }
  WillChange(session);
  session.state = Session::State::kTombstone;
  session.fields.KeepOnly(Slot::kKey);
  session.scheduled = kAfterAllTime;
  HasChanged(session);
  ++tombstones_;
  Schedule(ref);
}

// ---- state as a whole

// Old timers find out that they do not count any more.
void Partition::Impl::ScheduleAll() {
  for (SessionRef ref = 0; ref < sessions_.places(); ++ref) {
    if (sessions_[ref].state == Session::State::kFree) continue;
    sessions_[ref].scheduled = kAfterAllTime;
    Schedule(ref);
  }
}

void Partition::Impl::ChangeRules(const Rules& rules, Effects& effects) {
  rules_ = rules;
  arrivals_.Forget();
  ScheduleAll();
  AdvanceWatermark(watermark_, effects);
}

uint64_t Partition::Impl::Digest() const { return MixDigest(digest_, static_cast<uint64_t>(watermark_.ms)); }

bool Partition::Impl::RestoreSession(Unpacker& in) {
  Session read;
  if (!DecodeSession(in, common_, read)) return false;
  const uint64_t key_hash = HashPackedKey(read.packed_key());
  Session& session = sessions_[sessions_.Add(key_hash)];
  common_.ExpectSessions(sessions_.size());
  read.key_hash = key_hash;
  read.next = session.next;
  read.generation = session.generation;
  session = std::move(read);
  HasChanged(session);
  if (session.state == Session::State::kOpen) {
    ++open_[static_cast<size_t>(session.type_rules)];
  } else {
    ++tombstones_;
  }
  return true;
}

bool Partition::Impl::RestoreSessions(std::string_view bytes) {
  return restoring_.Take(bytes, [this](Unpacker& in) { return RestoreSession(in); });
}

bool Partition::Impl::FinishRestore(const Rules& rules, EventTime watermark) {
  if (!restoring_.AtEnd()) return false;
  rules_ = rules;
  arrivals_.Forget();
  watermark_ = watermark;
  timers_.clear();
  wheel_.Advance(watermark_, timers_);  // empty still: the timers that follow are sorted in where they belong
  ScheduleAll();
  return true;
}

void PartitionCounters::Add(const PartitionCounters& more) {
  const auto add = [](auto& to, const auto& from) {
    for (size_t i = 0; i < std::size(to); ++i) to[i] += from[i];
  };
  records += more.records;
  record_bytes += more.record_bytes;
  add(outcomes, more.outcomes);
  out_of_order += more.out_of_order;
  add(dead_letters, more.dead_letters);
  add(late, more.late);
  add(sessions_opened, more.sessions_opened);
  sessions_merged += more.sessions_merged;
  for (size_t type = 0; type < kTypeRulesCount; ++type) add(sessions_closed[type], more.sessions_closed[type]);
}

Partition::Partition(PartitionId id, const Rules& rules) : impl_(std::make_unique<Impl>(id, rules)) {}
Partition::~Partition() = default;
Partition::Partition(Partition&&) noexcept = default;
Partition& Partition::operator=(Partition&&) noexcept = default;

Outcome Partition::Apply(const Record& record, Effects& effects) { return impl_->Apply(record, effects); }
void Partition::Announce(const Record& record) { impl_->Announce(record); }
void Partition::AdvanceWatermark(EventTime watermark, Effects& effects) { impl_->AdvanceWatermark(watermark, effects); }
void Partition::ChangeRules(const Rules& rules, Effects& effects) { impl_->ChangeRules(rules, effects); }
void Partition::BeginSnapshot() { impl_->snapshot_.Begin(); }
bool Partition::NextSnapshotPiece(size_t limit, std::string& piece) {
  return impl_->snapshot_.Next(impl_->sessions_, limit, piece);
}
size_t Partition::snapshot_backlog() const { return impl_->snapshot_.waiting(); }
void Partition::AbandonSnapshot() { impl_->snapshot_.Abandon(); }
bool Partition::RestoreSessions(std::string_view piece) { return impl_->RestoreSessions(piece); }
bool Partition::FinishRestore(const Rules& rules, EventTime watermark) {
  return impl_->FinishRestore(rules, watermark);
}
void Partition::ForgetCounters() { impl_->counters_ = {}; }
PartitionId Partition::id() const { return impl_->id_; }
const Rules& Partition::rules() const { return impl_->rules_; }
uint64_t Partition::digest() const { return impl_->Digest(); }
EventTime Partition::watermark() const { return impl_->watermark_; }
uint64_t Partition::open_sessions() const { return impl_->open_[0] + impl_->open_[1] + impl_->open_[2]; }
uint64_t Partition::open_sessions(TypeRules type) const { return impl_->open_[static_cast<size_t>(type)]; }
uint64_t Partition::tombstones() const { return impl_->tombstones_; }
uint64_t Partition::state_bytes() const {
  return impl_->sessions_.bytes() + impl_->block_bytes_ + impl_->common_.bytes();
}
const PartitionCounters& Partition::counters() const { return impl_->counters_; }

}  // namespace tidemark
