#include "core/lookahead.h"

namespace tidemark {
namespace {

// Asks the processor for what lies behind a record. Mostly that is the next one, of about the same size; and when it is
// not, or no memory at all, nothing happens.
void PrefetchNext(std::string_view record) {
  const char* const end = record.data() + record.size();
  for (size_t line = 0; line < record.size(); line += 64) __builtin_prefetch(end + line);
}

}  // namespace

void Arrival::Read(const Record& record) {
  value = record.value;
  offset = record.offset;
  timestamp = record.timestamp;
  session = kNoSession;
  PrefetchNext(value);
  defect = parser.Parse(record);
  if (defect != nullptr) return;
  packed_key.clear();
  PackKey(parser.event().key, packed_key);
  key_hash = HashPackedKey(packed_key.view());
}

Lookahead::Lookahead(const Rules& rules) {
  for (auto& arrival : arrivals_) arrival = std::make_unique<Arrival>(rules);
}

void Lookahead::Announce(const Record& record, const SessionTable& sessions) {
  if (announced_ == kAnnouncedAhead) return;
  Arrival& arrival = At(announced_++);
  arrival.Read(record);
  if (arrival.defect == nullptr) sessions.PrefetchPlace(arrival.key_hash);
  if (announced_ > 1) {
    Arrival& before = At(announced_ - 2);
    if (before.defect == nullptr) before.session = sessions.Find(before.key_hash);
    if (before.session != kNoSession) sessions.PrefetchSession(before.session);
  }
  if (announced_ > 2) {
    const Arrival& before = At(announced_ - 3);
    if (before.session != kNoSession) sessions[before.session].fields.Prefetch();
  }
}

const Arrival& Lookahead::Take(const Record& record) {
  if (announced_ == 0 || !At(0).Is(record)) {
    announced_ = 1;
    At(0).Read(record);
  }
  const Arrival& arrival = At(0);
  next_ = (next_ + 1) % kPlaces;
  --announced_;
  return arrival;
}

}  // namespace tidemark
