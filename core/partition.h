// One partition of the events topic as a deterministic state machine.
//
// Inputs are records in offset order and moves of the watermark, nothing else; outputs are effects: closed sessions,
// late events, dead letters. There is no clock, thread, file, socket or randomness here or below, and no iteration
// order of a hash table reaches an effect: the same inputs under the same rules give the same bytes.
//
// A partition belongs to one thread at a time. It keeps no pointer into a record after Apply returns.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "core/rules.h"
#include "core/types.h"

namespace tidemark {

// Why a record is a dead letter (spec section 1).
enum class DeadLetterReason : uint8_t {
  kInvalidJson,
  kInvalidUtf8,
  kMissingField,
  kInvalidTimestamp,
  kFutureTimestamp,
  kTooLarge,
};
inline constexpr int kDeadLetterReasonCount = 6;
std::string_view ToString(DeadLetterReason reason);  // "invalid_json", ...

// Why a session is complete (spec section 3).
enum class CloseReason : uint8_t { kInactivity, kEndEvent, kMaxDuration, kConversationEnded };
inline constexpr int kCloseReasonCount = 4;
std::string_view ToString(CloseReason reason);  // "inactivity", ...

// Why an event is late: rule 1 (its session has closed) or rule 3 (too old to open a session).
enum class LateReason : uint8_t { kSessionClosed, kBehindWatermark };
inline constexpr int kLateReasonCount = 2;
std::string_view ToString(LateReason reason);  // "session_closed", "behind_watermark"

// A record as it was read. The bytes stay the caller's and must live until Apply returns.
struct Record {
  std::string_view value;  // the event's JSON, in place; nothing behind the end is read
  Offset offset;
  EventTime timestamp;  // the record's own time, the limit for future_timestamp; kAfterAllTime: no limit
};

// What became of a record. Every record has exactly one outcome.
enum class Outcome : uint8_t { kJoined, kDuplicate, kLate, kDeadLetter };
inline constexpr int kOutcomeCount = 4;
std::string_view ToString(Outcome outcome);  // "joined", "duplicate", "late", "dead_letter"

struct ClosedSession {
  std::string_view id;
  std::string_view type;
  std::string_view json;  // the Session alone, one line, no newline
  CloseReason reason;
  EventTime created;
  EventTime last;
  EventTime ended;
  uint32_t events;
  uint32_t duplicate_events;
  uint32_t out_of_order_events;
  Offset first_offset;  // of the events it is made of
  Offset last_offset;
};

struct LateEvent {
  const Record& record;
  LateReason reason;
  Duration late_by;  // how much earlier than the first time that could have opened a session; above 0
};

struct DeadLetter {
  const Record& record;
  DeadLetterReason reason;
  std::string_view detail;  // for people: what was wrong where; static storage
};

// Where a partition's effects go, in order. Views are valid during the call only.
class Effects {
 public:
  virtual ~Effects() = default;
  virtual void OnSession(const ClosedSession& session) = 0;
  virtual void OnLate(const LateEvent& late) = 0;
  virtual void OnDeadLetter(const DeadLetter& dead) = 0;
};

// Counts since construction or ForgetCounters. Plain integers of the owning thread; joined + duplicate + late +
// dead_letter = records.
struct PartitionCounters {
  uint64_t records = 0;
  uint64_t record_bytes = 0;
  uint64_t outcomes[kOutcomeCount] = {};
  uint64_t out_of_order = 0;  // of the joined: those older than their session's last event
  uint64_t dead_letters[kDeadLetterReasonCount] = {};
  uint64_t late[kLateReasonCount] = {};
  uint64_t sessions_opened[kTypeRulesCount] = {};
  uint64_t sessions_merged = 0;
  uint64_t sessions_closed[kTypeRulesCount][kCloseReasonCount] = {};

  void Add(const PartitionCounters& more);
};

// How many records a partition reads ahead at most.
inline constexpr size_t kAnnouncedAhead = 4;

class Partition {
 public:
  Partition(PartitionId id, const Rules& rules);
  ~Partition();
  Partition(Partition&&) noexcept;
  Partition& operator=(Partition&&) noexcept;

  // Takes one record (offsets rise; gaps are normal), as spec section 3 says.
  Outcome Apply(const Record& record, Effects& effects);

  // Tells that `record` will be applied after those announced before it, up to kAnnouncedAhead of them: it is read
  // already, so its bytes must stay. Changes nothing but the time it takes: who announces the third record from now
  // before each Apply does not wait for memory. A record that does not come is forgotten.
  void Announce(const Record& record);

  // Moves the watermark to `watermark` if that is later than it is, and closes what is due.
  // kAfterAllTime closes everything: the end of a file.
  void AdvanceWatermark(EventTime watermark, Effects& effects);

  // From here on the events are judged by other rules, the open sessions too: closes what is due by these.
  void ChangeRules(const Rules& rules, Effects& effects);

  // A snapshot of the state as it is now, handed out piece by piece while the partition goes on. NextSnapshotPiece
  // replaces `piece` by up to `limit` bytes; false: this one, perhaps empty, was the last.
  void BeginSnapshot();
  bool NextSnapshotPiece(size_t limit, std::string& piece);
  void AbandonSnapshot();
  // Bytes that wait to be handed out: they grow when sessions change faster than pieces are taken.
  size_t snapshot_backlog() const;

  // The way back, into a partition that has taken nothing yet: the pieces in their order, then what is no session.
  // False: these bytes are no snapshot, and the partition is of no use.
  bool RestoreSessions(std::string_view piece);
  bool FinishRestore(const Rules& rules, EventTime watermark);

  void ForgetCounters();

  PartitionId id() const;
  const Rules& rules() const;
  // Of the state: equal for equal states; a difference in a session's times, counts or end shows.
  uint64_t digest() const;
  EventTime watermark() const;  // kBeforeAllTime before the first event
  uint64_t open_sessions() const;
  uint64_t open_sessions(TypeRules type) const;
  uint64_t tombstones() const;
  uint64_t state_bytes() const;  // memory held for sessions, about
  const PartitionCounters& counters() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// Applies record_at(0) up to record_at(count - 1), whose bytes stay until all are, each announced in time.
template <typename RecordAt>
void ApplyAll(size_t count, RecordAt record_at, Partition& partition, Effects& effects) {
  constexpr size_t kAhead = kAnnouncedAhead - 1;
  for (size_t i = 0; i < std::min(kAhead, count); ++i) partition.Announce(record_at(i));
  for (size_t i = 0; i < count; ++i) {
    if (i + kAhead < count) partition.Announce(record_at(i + kAhead));
    partition.Apply(record_at(i), effects);
  }
}

}  // namespace tidemark
