#include "core/collections.h"

#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <tuple>

#include "core/packed.h"

namespace tidemark {
namespace {

// Merges two vectors ordered by `key_of`; elements with equal keys go through join(earlier, later).
template <typename T, typename KeyOf, typename Join>
Collected<T> MergeByKey(const Collected<T>& earlier, const Collected<T>& later, KeyOf key_of, Join join) {
  Collected<T> merged;
  merged.reserve(earlier.size() + later.size());
  auto a = earlier.begin();
  auto b = later.begin();
  while (a != earlier.end() && b != later.end()) {
    const int order = key_of(*a).compare(key_of(*b));
    if (order < 0) {
      merged.push_back(*a++);
    } else if (order > 0) {
      merged.push_back(*b++);
    } else {
      merged.push_back(join(*a++, *b++));
    }
  }
  merged.insert(merged.end(), a, earlier.end());
  merged.insert(merged.end(), b, later.end());
  return merged;
}

// The union of two vectors of distinct values; of the same value twice, the earlier time stays. In order.
template <typename T, typename Same, typename ValueLess>
Collected<T> MergeDistinct(const Collected<T>& a, const Collected<T>& b, Same same, ValueLess value_less) {
  Collected<T> merged(a);
  merged.insert(merged.end(), b.begin(), b.end());
  std::sort(merged.begin(), merged.end(), [&](const T& x, const T& y) {
    if (same(x, y)) return x.time < y.time;
    return value_less(x, y);
  });
  merged.erase(std::unique(merged.begin(), merged.end(), same), merged.end());
  std::sort(merged.begin(), merged.end());
  return merged;
}

template <typename T, typename Read>
Collected<T> UnpackAll(std::string_view packed, Read read) {
  Collected<T> all;
  Unpacker unpack(packed);
  while (!unpack.AtEnd()) all.push_back(read(unpack));
  return all;
}

constexpr uint64_t kEachByte = 0x0101010101010101;

// Two times four lower-case hexadecimal digits as a number; what is no digit makes bits of `bad`. All at once, as bytes
// of a word: digits become their values, and values that do not become their digits again were none.
uint64_t ReadHex(const char* first, const char* second, uint64_t& bad) {
  static_assert(std::endian::native == std::endian::little);
  uint64_t text = 0;
  std::memcpy(&text, first, 4);
  std::memcpy(reinterpret_cast<char*>(&text) + 4, second, 4);
  const uint64_t is_letter = text >> 6 & kEachByte;
  uint64_t value = (text & 0x0F * kEachByte) + 9 * is_letter;
  const uint64_t above_nine = (value + 6 * kEachByte) >> 4 & kEachByte;
  bad |= (value & 0xF0 * kEachByte) | (text ^ (value + '0' * kEachByte + ('a' - '0' - 10) * above_nine));
  value = __builtin_bswap64(value);
  value = (value | value >> 4) & 0x00FF00FF00FF00FF;
  value = (value | value >> 8) & 0x0000FFFF0000FFFF;
  return (value | value >> 16) & 0xFFFFFFFF;
}

// What an id is made of, in the two bits that tell a UUID's variant: so ids of different kinds are never the same.
enum class IdKind : uint64_t { kCorrelation = 1, kUuid = 2, kText = 3 };
constexpr int kIdKindShift = 62;

// A UUID in its canonical, lower-case form, as 16 bytes. One of an unusual variant counts as text.
bool ParseUuid(std::string_view text, EventId& id) {
  if (text.size() != 36) return false;
  const char* const p = text.data();
  if (p[8] != '-' || p[13] != '-' || p[18] != '-' || p[23] != '-') return false;
  uint64_t bad = 0;
  id.high = ReadHex(p, p + 4, bad) << 32 | ReadHex(p + 9, p + 14, bad);
  id.low = ReadHex(p + 19, p + 24, bad) << 32 | ReadHex(p + 28, p + 32, bad);
  return bad == 0 && id.low >> kIdKindShift == static_cast<uint64_t>(IdKind::kUuid);
}

EventId HashedEventId(std::string_view text, IdKind kind, EventTime time) {
  const XXH128_hash_t hash = XXH3_128bits(text.data(), text.size());
  const uint64_t without_kind = hash.low64 << (64 - kIdKindShift) >> (64 - kIdKindShift);
  return {hash.high64, without_kind | static_cast<uint64_t>(kind) << kIdKindShift, time};
}

EventId ReadEventId(std::string_view packed, size_t index) {
  EventId id;
  std::memcpy(&id, packed.data() + index * sizeof(EventId), sizeof(EventId));
  return id;
}

void AppendIds(std::string_view packed, size_t first, size_t last, ByteBuffer& out) {
  if (first < last) out.append(packed.data() + first * sizeof(EventId), (last - first) * sizeof(EventId));
}

// Walks over packed attributes; of each it reads what a merge looks at.
class AttributeCursor {
 public:
  explicit AttributeCursor(std::string_view packed) : in_(packed) { Next(); }

  bool done() const { return done_; }
  std::string_view key() const { return key_; }
  EventTime time() const { return time_; }
  std::string_view bytes() const { return {begin_, static_cast<size_t>(in_.position() - begin_)}; }

  void Next() {
    done_ = in_.AtEnd();
    begin_ = in_.position();
    if (done_) return;
    key_ = in_.Text();
    time_ = in_.Time();
    in_.Text();
    in_.Text();
  }

 private:
  Unpacker in_;
  const char* begin_ = nullptr;
  bool done_ = false;
  std::string_view key_;
  EventTime time_;
};

}  // namespace

Attribute ReadAttribute(Unpacker& packed) {
  Attribute attribute;
  attribute.key = packed.Text();
  attribute.time = packed.Time();
  attribute.data_type = packed.Text();
  attribute.value = packed.Text();
  return attribute;
}

void PackAttribute(const Attribute& attribute, ByteBuffer& packed) {
  BytePacker pack(packed);
  pack.Text(attribute.key);
  pack.Time(attribute.time);
  pack.Text(attribute.data_type);
  pack.Text(attribute.value);
}

void MergeAttributes(std::string_view earlier, std::string_view later, ByteBuffer& merged) {
  AttributeCursor a(earlier);
  AttributeCursor b(later);
  while (!a.done() && !b.done()) {
    const int order = SameText(a.key(), b.key()) ? 0 : a.key().compare(b.key());
    const bool take_later = order > 0 || (order == 0 && b.time() >= a.time());
    merged.append((take_later ? b : a).bytes());
    if (order <= 0) a.Next();
    if (order >= 0) b.Next();
  }
  for (; !a.done(); a.Next()) merged.append(a.bytes());
  for (; !b.done(); b.Next()) merged.append(b.bytes());
}

bool UpdateAttributes(std::string_view earlier, const Collected<Attribute>& later, ByteBuffer& merged) {
  size_t found = 0;
  for (AttributeCursor ours(earlier); !ours.done(); ours.Next()) {
    const auto theirs =
        std::find_if(later.begin(), later.end(), [&](const Attribute& a) { return SameText(a.key, ours.key()); });
    if (theirs != later.end()) ++found;
    if (theirs != later.end() && theirs->time >= ours.time()) {
      PackAttribute(*theirs, merged);
    } else {
      merged.append(ours.bytes());
    }
  }
  return found == later.size();
}

Collected<Term> UnpackTerms(std::string_view packed) {
  return UnpackAll<Term>(packed, [](Unpacker& in) {
    const EventTime time = in.Time();
    return Term{time, in.Text()};
  });
}

bool ContainsTerm(std::string_view packed, const Term& term) {
  for (Unpacker in(packed); !in.AtEnd();) {
    const EventTime time = in.Time();
    if (in.Text() == term.value) return time <= term.time;
  }
  return false;
}

void PackTerms(const Collected<Term>& terms, ByteBuffer& packed) {
  BytePacker pack(packed);
  for (const Term& term : terms) {
    pack.Time(term.time);
    pack.Text(term.value);
  }
}

Collected<Term> MergeTerms(const Collected<Term>& a, const Collected<Term>& b) {
  return MergeDistinct(
      a, b, [](const Term& x, const Term& y) { return x.value == y.value; },
      [](const Term& x, const Term& y) { return x.value < y.value; });
}

Collected<AttributeList> UnpackLists(std::string_view packed) {
  return UnpackAll<AttributeList>(packed, [](Unpacker& in) {
    AttributeList list;
    list.key = in.Text();
    list.time = in.Time();
    list.data_type = in.Text();
    list.values = UnpackTerms(in.Text());
    return list;
  });
}

void PackLists(const Collected<AttributeList>& lists, ByteBuffer& packed) {
  BytePacker pack(packed);
  ByteBuffer values;
  for (const AttributeList& list : lists) {
    pack.Text(list.key);
    pack.Time(list.time);
    pack.Text(list.data_type);
    values.clear();
    PackTerms(list.values, values);
    pack.Text(values.view());
  }
}

Collected<AttributeList> MergeLists(const Collected<AttributeList>& earlier, const Collected<AttributeList>& later) {
  return MergeByKey(
      earlier, later, [](const AttributeList& a) { return a.key; },
      [](const AttributeList& a, const AttributeList& b) {
        AttributeList joined = b.time >= a.time ? b : a;
        joined.values = MergeTerms(a.values, b.values);
        return joined;
      });
}

Collected<Achievement> UnpackAchievements(std::string_view packed) {
  return UnpackAll<Achievement>(packed, [](Unpacker& in) {
    Achievement achievement;
    achievement.id = in.Text();
    achievement.time = in.Time();
    achievement.uri_time = in.Time();
    achievement.self_uri = in.Text();
    return achievement;
  });
}

void PackAchievements(const Collected<Achievement>& achievements, ByteBuffer& packed) {
  BytePacker pack(packed);
  for (const Achievement& achievement : achievements) {
    pack.Text(achievement.id);
    pack.Time(achievement.time);
    pack.Time(achievement.uri_time);
    pack.Text(achievement.self_uri);
  }
}

Collected<Achievement> MergeAchievements(const Collected<Achievement>& earlier, const Collected<Achievement>& later) {
  return MergeByKey(
      earlier, later, [](const Achievement& a) { return a.id; },
      [](const Achievement& a, const Achievement& b) {
        const bool take_later = !b.self_uri.empty() && (a.self_uri.empty() || b.uri_time >= a.uri_time);
        Achievement joined = take_later ? b : a;
        joined.time = std::min(a.time, b.time);
        return joined;
      });
}

Collected<Channel> UnpackChannels(std::string_view packed) {
  return UnpackAll<Channel>(packed, [](Unpacker& in) {
    Channel channel;
    channel.time = in.Time();
    channel.type = in.Text();
    channel.message_type = in.Text();
    channel.platform = in.Text();
    return channel;
  });
}

void PackChannels(const Collected<Channel>& channels, ByteBuffer& packed) {
  BytePacker pack(packed);
  for (const Channel& channel : channels) {
    pack.Time(channel.time);
    pack.Text(channel.type);
    pack.Text(channel.message_type);
    pack.Text(channel.platform);
  }
}

Collected<Channel> MergeChannels(const Collected<Channel>& a, const Collected<Channel>& b) {
  const auto value_less = [](const Channel& x, const Channel& y) {
    return std::tie(x.type, x.message_type, x.platform) < std::tie(y.type, y.message_type, y.platform);
  };
  return MergeDistinct(
      a, b, [](const Channel& x, const Channel& y) { return x.SameAs(y); }, value_less);
}

Collected<Leg> UnpackLegs(std::string_view packed) {
  return UnpackAll<Leg>(packed, [](Unpacker& in) {
    Leg leg;
    leg.id = in.Text();
    leg.started = in.Time();
    leg.ended = in.Time();
    return leg;
  });
}

void PackLegs(const Collected<Leg>& legs, ByteBuffer& packed) {
  BytePacker pack(packed);
  for (const Leg& leg : legs) {
    pack.Text(leg.id);
    pack.Time(leg.started);
    pack.Time(leg.ended);
  }
}

Collected<Leg> MergeLegs(const Collected<Leg>& a, const Collected<Leg>& b) {
  return MergeByKey(
      a, b, [](const Leg& leg) { return leg.id; },
      [](const Leg& x, const Leg& y) {
        return Leg{x.id, std::max(x.started, y.started), std::max(x.ended, y.ended)};
      });
}

EventId MakeEventId(std::string_view id, EventTime time) {
  EventId event_id{0, 0, time};
  if (ParseUuid(id, event_id)) return event_id;
  return HashedEventId(id, IdKind::kText, time);
}

EventId MakeCorrelatedEventId(std::string_view id, std::string_view name, EventTime time) {
  ByteBuffer text;
  BytePacker pack(text);
  pack.Text(id);
  pack.Text(name);
  pack.Time(time);
  return HashedEventId(text.view(), IdKind::kCorrelation, time);
}

bool ContainsEventId(std::string_view packed, const EventId& id) {
  const size_t count = packed.size() / sizeof(EventId);
  for (size_t i = 0; i < count; ++i) {
    if (ReadEventId(packed, i).SameAs(id)) return true;
  }
  return false;
}

bool IsAppended(std::string_view packed, const EventId& id, uint32_t horizon) {
  const size_t count = packed.size() / sizeof(EventId);
  return count < horizon && (count == 0 || ReadEventId(packed, count - 1).time <= id.time);
}

bool IsNewest(std::string_view packed, const EventId& id, uint32_t horizon) {
  const size_t count = packed.size() / sizeof(EventId);
  return count > 0 && count == horizon && ReadEventId(packed, count - 1).time <= id.time;
}

void MergeEventIds(std::string_view earlier, std::string_view later, uint32_t horizon, ByteBuffer& out) {
  const size_t earlier_count = earlier.size() / sizeof(EventId);
  const size_t later_count = later.size() / sizeof(EventId);
  size_t in_both = 0;
  for (size_t i = 0; i < later_count; ++i) in_both += ContainsEventId(earlier, ReadEventId(later, i)) ? 1 : 0;
  const size_t count = earlier_count + later_count - in_both;
  size_t surplus = count > horizon ? count - horizon : 0;
  size_t a = 0;
  size_t b = 0;
  while (a < earlier_count || b < later_count) {
    const bool from_earlier =
        b == later_count || (a < earlier_count && ReadEventId(earlier, a).time <= ReadEventId(later, b).time);
    const std::string_view from = from_earlier ? earlier : later;
    size_t& next = from_earlier ? a : b;
    const size_t place = next++;
    const std::string_view others =
        from_earlier ? later.substr(b * sizeof(EventId)) : earlier.substr(a * sizeof(EventId));
    if (in_both > 0 && ContainsEventId(others, ReadEventId(from, place))) continue;  // its newer time is still to come
    if (surplus > 0) {
      --surplus;
    } else {
      AppendIds(from, place, place + 1, out);
    }
  }
}

}  // namespace tidemark
