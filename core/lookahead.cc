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
  if (found_ + 1 < announced_) Find(sessions);
  if (fetched_ + 1 < found_) Fetch(sessions);
}

// The next one's session, which has its place in memory by now.
void Lookahead::Find(const SessionTable& sessions) {
  Arrival& arrival = At(found_++);
  if (arrival.defect == nullptr) arrival.session = sessions.Find(arrival.key_hash);
  if (arrival.session != kNoSession) sessions.PrefetchSession(arrival.session);
}

// The next one's block, where its session is in memory by now.
void Lookahead::Fetch(const SessionTable& sessions) {
  const SessionRef session = At(fetched_++).session;
  if (session != kNoSession) sessions[session].fields.Prefetch();
}

const Arrival& Lookahead::Take(const Record& record, const SessionTable& sessions) {
  if (announced_ == 0 || !At(0).Is(record)) {
    Forget();
    At(announced_++).Read(record);
  }
  const Arrival& arrival = At(0);
  if (fetched_ < found_) {
    Fetch(sessions);
  } else if (found_ < announced_) {
    Find(sessions);
  }
  next_ = (next_ + 1) % kPlaces;
  --announced_;
  if (found_ > 0) --found_;
  if (fetched_ > 0) --fetched_;
  return arrival;
}

}  // namespace tidemark
