// Values that many sessions of a partition have in common, such as browsers, places and pages: each is kept once, and
// the sessions refer to it. That saves their memory, and the work to project what was projected before and to write
// what was written before.
//
// - Nothing here reaches an effect: a value that is found is the one that would be made again. Bytes are compared, not
//   only their hashes.
// - A value is worth its place when it is seen a second time; before that a session keeps it itself.
// - What can be found is bounded by the number of sessions; what is referred to lives as long as that.
// - Hashes are not secret. Who makes them collide makes values that are not found, and no chain to search.
//
// Belongs to a partition and its thread. Must outlive the sessions that refer to its values.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/byte_buffer.h"
#include "core/event_rules.h"

namespace tidemark {

class CommonValues;

class CommonValue {
 public:
  // As a FieldStore would hold it.
  std::string_view bytes() const { return bytes_; }

  // Its JSON, which `append(bytes(), out)` makes the first time.
  template <typename Append>
  std::string_view Json(ByteBuffer& scratch, Append append) {
    if (json_.empty()) {
      scratch.clear();
      append(bytes(), scratch);
      KeepJson(scratch.view());
    }
    return json_;
  }

  // A session refers to it from now on, or does not any more; then it may be gone.
  void Refer() { ++references_; }
  void Release();

 private:
  friend class CommonValues;

  CommonValue(CommonValues& owner, Slot slot, std::string_view source, std::string_view bytes)
      : owner_(owner), slot_(slot), source_(source), bytes_(bytes) {}

  void KeepJson(std::string_view json);
  size_t Size() const { return sizeof(*this) + source_.size() + bytes_.size() + json_.size(); }

  CommonValues& owner_;
  uint32_t references_ = 0;
  bool can_be_found_ = true;
  const Slot slot_;
  const std::string source_;  // what it was made of
  const std::string bytes_;
  std::string json_;
};

class CommonValues {
 public:
  // What a value was made of: the bytes in the event, and where they belong.
  struct Source {
    Source(Slot source_slot, std::string_view source_bytes);

    Slot slot;
    std::string_view bytes;
    uint64_t hash;
  };

  CommonValues();
  ~CommonValues();
  CommonValues(const CommonValues&) = delete;
  CommonValues& operator=(const CommonValues&) = delete;

  // What was made of the source before; null: not known.
  CommonValue* Find(const Source& source) const {
    const Set& set = sets_[source.hash & mask_];
    for (size_t way = 0; way < kWays; ++way) {
      if (set.hashes[way] == source.hash && IsOf(set.values[way], source)) return set.values[way];
    }
    return nullptr;
  }

  // Tells what was made of a source that is not known. Null: the value is kept by who has it.
  CommonValue* Add(const Source& source, std::string_view bytes);

  // Makes room for the values of so many sessions.
  void ExpectSessions(uint64_t sessions) {
    if (sessions > (mask_ + 1) * kSessionsPerSet) Grow();
  }

  uint64_t bytes() const;  // held on the heap

 private:
  friend class CommonValue;

  static constexpr size_t kWays = 4;
  static constexpr uint64_t kSessionsPerSet = 32;
  static constexpr size_t kSeenPerSet = 16;
  static constexpr size_t kFirstSets = 64;
  static constexpr size_t kMostBytes = 2048;  // of a source
  static constexpr size_t kLeastBytes = 24;   // a reference is hardly less

  struct alignas(64) Set {
    std::array<uint64_t, kWays> hashes{};
    std::array<CommonValue*, kWays> values{};
  };

  static bool IsOf(const CommonValue* value, const Source& source) {
    return value != nullptr && value->slot_ == source.slot && value->source_ == source.bytes;
  }
  bool IsSeenAgain(const Source& source);
  static size_t WayToReplace(const Set& set, uint64_t hash);
  void Forget(CommonValue* value);
  void Free(CommonValue* value);
  void Grow();

  std::vector<Set> sets_;
  uint64_t mask_ = kFirstSets - 1;
  std::vector<uint32_t> seen_;  // by hash, of the source that was seen last
  uint64_t value_bytes_ = 0;
};

inline void CommonValue::Release() {
  if (--references_ == 0 && !can_be_found_) owner_.Free(this);
}

}  // namespace tidemark
