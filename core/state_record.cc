#include "core/state_record.h"

#include <isa-l/crc.h>

#include <array>
#include <bit>
#include <optional>
#include <vector>

#include "core/packed.h"

namespace tidemark {
namespace {

static_assert(std::endian::native == std::endian::little, "state records hold integers as they are in memory");

constexpr std::string_view kMagic = "TIDE";
constexpr uint8_t kVersion = 1;
constexpr size_t kChecksumBytes = sizeof(uint32_t);

enum Kind : uint8_t { kWatermarkMoved = 1, kRulesChanged = 2, kSnapshotChunk = 3, kSnapshotEnd = 4 };

// CRC-32C. REQUIRES: less than 2 GiB, which no record of Kafka exceeds. The library does not change the bytes.
uint32_t Checksum(std::string_view bytes) {
  auto* data = reinterpret_cast<unsigned char*>(const_cast<char*>(bytes.data()));
  return ~crc32_iscsi(data, static_cast<int>(bytes.size()), ~0U);
}

void PackNames(const std::vector<std::string>& names, Packer& pack) {
  pack.Varint(names.size());
  for (const std::string& name : names) pack.Text(name);
}

std::vector<std::string> UnpackNames(Unpacker& in) {
  std::vector<std::string> names;
  const uint64_t count = in.Varint();
  for (uint64_t i = 0; i < count && in.ok(); ++i) names.emplace_back(in.Text());
  return names;
}

// All durations of the rules, in the order in which they are written.
template <typename R>
auto DurationsOf(R& rules) {
  return std::array{&rules.timeout.web,          &rules.timeout.app,      &rules.timeout.conversation,
                    &rules.max_duration.web,     &rules.max_duration.app, &rules.max_duration.conversation,
                    &rules.idle_after,           &rules.away_after,       &rules.conversation_linger,
                    &rules.max_out_of_orderness, &rules.max_future_skew};
}

template <typename R>
auto NamesOf(R& rules) {
  return std::array{&rules.pageview_events, &rules.screenview_events, &rules.end_events, &rules.list_attributes};
}

void PackRules(const Rules& rules, Packer& pack) {
  for (const Duration* duration : DurationsOf(rules)) pack.Span(*duration);
  for (const auto* names : NamesOf(rules)) PackNames(*names, pack);
  pack.Varint(rules.dedup_horizon);
  pack.Varint(rules.max_event_bytes);
}

Rules UnpackRules(Unpacker& in) {
  Rules rules;
  for (Duration* duration : DurationsOf(rules)) *duration = in.Span();
  for (auto* names : NamesOf(rules)) *names = UnpackNames(in);
  rules.dedup_horizon = static_cast<uint32_t>(in.Varint());
  rules.max_event_bytes = in.Varint();
  return rules;
}

struct Encoder {
  std::string& out;
  Packer pack{out};

  void operator()(const Decision& decision) {
    const auto* moved = std::get_if<WatermarkMoved>(&decision.what);
    pack.Byte(moved != nullptr ? kWatermarkMoved : kRulesChanged);
    pack.Varint(decision.number);
    pack.Fixed64(static_cast<uint64_t>(decision.before.value));
    if (moved != nullptr) {
      pack.Time(moved->watermark);
    } else {
      PackRules(std::get<RulesChanged>(decision.what).rules, pack);
    }
  }
  void operator()(const SnapshotChunk& chunk) {
    pack.Byte(kSnapshotChunk);
    pack.Varint(chunk.snapshot);
    pack.Varint(chunk.index);
    pack.Text(chunk.sessions);
  }
  void operator()(const SnapshotEnd& end) {
    pack.Byte(kSnapshotEnd);
    pack.Varint(end.snapshot);
    pack.Varint(end.chunks);
    pack.Varint(end.sessions);
    pack.Fixed64(static_cast<uint64_t>(end.next.value));
    pack.Varint(end.decisions);
    pack.Time(end.watermark);
    pack.Fixed64(end.digest);
    PackRules(end.rules, pack);
  }
};

Decision DecodeDecision(uint8_t kind, Unpacker& in) {
  Decision decision;
  decision.number = in.Varint();
  decision.before = {static_cast<int64_t>(in.Fixed64())};
  if (kind == kWatermarkMoved) {
    decision.what = WatermarkMoved{in.Time()};
  } else {
    decision.what = RulesChanged{UnpackRules(in)};
  }
  return decision;
}

SnapshotChunk DecodeChunk(Unpacker& in) {
  SnapshotChunk chunk;
  chunk.snapshot = in.Varint();
  chunk.index = static_cast<uint32_t>(in.Varint());
  chunk.sessions = in.Text();
  return chunk;
}

SnapshotEnd DecodeEnd(Unpacker& in) {
  SnapshotEnd end;
  end.snapshot = in.Varint();
  end.chunks = static_cast<uint32_t>(in.Varint());
  end.sessions = in.Varint();
  end.next = {static_cast<int64_t>(in.Fixed64())};
  end.decisions = in.Varint();
  end.watermark = in.Time();
  end.digest = in.Fixed64();
  end.rules = UnpackRules(in);
  return end;
}

std::optional<StateRecord> DecodeBody(uint8_t kind, Unpacker& in) {
  switch (kind) {
    case kWatermarkMoved:
    case kRulesChanged:
      return DecodeDecision(kind, in);
    case kSnapshotChunk:
      return DecodeChunk(in);
    case kSnapshotEnd:
      return DecodeEnd(in);
    default:
      return std::nullopt;
  }
}

}  // namespace

void EncodeStateRecord(const StateRecord& record, std::string& out) {
  out.assign(kMagic);
  Packer(out).Byte(kVersion);
  std::visit(Encoder{out}, record);
  Packer(out).Fixed32(Checksum(out));
}

absl::StatusOr<StateRecord> DecodeStateRecord(std::string_view bytes) {
  if (bytes.size() < kMagic.size() + 2 + kChecksumBytes || bytes.substr(0, kMagic.size()) != kMagic) {
    return absl::InvalidArgumentError("not a state record of tidemark");
  }
  const std::string_view checked = bytes.substr(0, bytes.size() - kChecksumBytes);
  if (Unpacker(bytes.substr(checked.size())).Fixed32() != Checksum(checked)) {
    return absl::InvalidArgumentError("a state record is damaged: its checksum is wrong");
  }
  Unpacker in(checked.substr(kMagic.size()));
  const uint8_t version = in.Byte();
  if (version > kVersion) {
    return absl::UnimplementedError("a state record was written by a newer version of tidemark: run that version");
  }
  std::optional<StateRecord> record = DecodeBody(in.Byte(), in);
  if (!record || !in.ok() || !in.AtEnd()) return absl::InvalidArgumentError("a state record has a wrong form");
  return *std::move(record);
}

void EncodeRules(const Rules& rules, std::string& out) {
  out.clear();
  Packer pack(out);
  PackRules(rules, pack);
}

}  // namespace tidemark
