#include "ingest/traffic_generator.h"

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "ingest/random.h"
#include "ingest/traffic_writer.h"

namespace tidemark {
namespace {

// A visit has 10 events, 30 s apart on average; the next one begins after 25 to 90 minutes, which is longer than the
// contract's time-out.
constexpr int64_t kShortestStepMs = 2'000;
constexpr int64_t kLongestStepMs = 58'000;
constexpr int64_t kShortestPauseMs = int64_t{25} * 60'000;
constexpr int64_t kLongestPauseMs = int64_t{90} * 60'000;
constexpr int64_t kMeanCycleMs = 10 * (kShortestStepMs + kLongestStepMs) / 2 + (kShortestPauseMs + kLongestPauseMs) / 2;
constexpr double kMeanEventsPerCycle = 10;

constexpr size_t kRecentEvents = 64;  // what a duplicate is chosen from
constexpr Duration kOldestDuplicate = Minutes(5);

uint64_t ThresholdOf(double share) { return static_cast<uint64_t>(std::clamp(share, 0.0, 1.0) * 4'294'967'296.0); }

// A visitor and when the next event is due. Ordered by (due, visitor): the same order everywhere.
struct Due {
  EventTime time;
  uint32_t visitor;
  friend auto operator<=>(const Due&, const Due&) = default;
};

struct RecentEvent {
  std::string value;
  std::string key;
  EventTime time;
};

}  // namespace

class TrafficGenerator::Impl {
 public:
  explicit Impl(const TrafficOptions& options);

  GeneratedEvent Next(EventTime now);
  EventTime next_time() const { return queue_.front().time; }

 private:
  void BeginVisit(uint32_t visitor);
  VisitKind ChooseKind(uint64_t dice) const;
  bool TakeRecent(EventTime now, GeneratedEvent& event);
  void Remember(const GeneratedEvent& event);
  EventTime TimeOf(const Visit& visit, EventTime now, GeneratedEvent& event);
  void Advance(EventTime now);

  TrafficOptions options_;
  uint64_t disorder_;
  uint64_t late_;
  uint64_t duplicates_;
  uint64_t garbage_;
  Random random_;
  TrafficWriter writer_;
  std::vector<Visit> visits_;  // by visitor
  std::vector<Due> queue_;     // a heap, the earliest in front
  std::string value_;
  std::string key_;
  std::vector<RecentEvent> recent_;  // a ring; only kept where duplicates are wanted
  size_t next_recent_ = 0;
};

TrafficGenerator::Impl::Impl(const TrafficOptions& options)
    : options_(options),
      disorder_(ThresholdOf(options.disorder)),
      late_(ThresholdOf(options.late)),
      duplicates_(ThresholdOf(options.duplicates)),
      garbage_(ThresholdOf(options.garbage)),
      random_(MixBits(options.seed + 0x7469'6465'6D61'726B)),
      writer_(options.small) {
  options_.visitors = std::max(options.visitors, 1u);
  visits_.resize(options_.visitors);
  queue_.reserve(options_.visitors);
  for (uint32_t visitor = 0; visitor < options_.visitors; ++visitor) {
    visits_[visitor].visitor_seed = MixBits(MixBits(options.seed) + visitor);
    BeginVisit(visitor);
    // The first one comes at once, the others within one cycle, so that the traffic is steady from the start.
    const int64_t delay = visitor == 0 ? 0 : random_.Between(0, kMeanCycleMs);
    queue_.push_back({options.start + Milliseconds(delay), visitor});
  }
  std::make_heap(queue_.begin(), queue_.end(), std::greater<>());
}

void TrafficGenerator::Impl::BeginVisit(uint32_t visitor) {
  Visit& visit = visits_[visitor];
  visit.seed = random_.Next();
  visit.kind = ChooseKind(visit.seed % 100);
  visit.step = 0;
  visit.steps = StepsOf(visit);
}

VisitKind TrafficGenerator::Impl::ChooseKind(uint64_t dice) const {
  switch (options_.mix) {
    case TrafficMix::kWeb:
      return VisitKind::kWeb;
    case TrafficMix::kApp:
      return VisitKind::kApp;
    case TrafficMix::kConversation:
      return VisitKind::kConversation;
    case TrafficMix::kMixed:
      break;
  }
  return dice < 70 ? VisitKind::kWeb : dice < 88 ? VisitKind::kApp : VisitKind::kConversation;
}

GeneratedEvent TrafficGenerator::Impl::Next(EventTime now) {
  GeneratedEvent event;
  if (duplicates_ > 0 && random_.Chance(duplicates_) && TakeRecent(now, event)) return event;

  const Visit& visit = visits_[queue_.front().visitor];
  TrafficWriter::WriteKey(visit, key_);
  event.key = key_;
  event.time = now;
  if (garbage_ > 0 && random_.Chance(garbage_)) {
    event.garbage = true;
    writer_.WriteGarbage(visit, now, random_, value_);
    event.value = value_;
    return event;  // one more record; the visitor's next event is still to come
  }
  event.time = TimeOf(visit, now, event);
  writer_.WriteEvent(visit, event.time, random_, value_);
  event.value = value_;
  const bool may_repeat = !event.late && !IsRequestForm(visit) && visit.step + 1 < visit.steps;
  if (duplicates_ > 0 && may_repeat) Remember(event);
  Advance(now);
  return event;
}

// The event's own time: that of its turn, or what disorder and lateness make of it.
EventTime TrafficGenerator::Impl::TimeOf(const Visit& visit, EventTime now, GeneratedEvent& event) {
  if (late_ > 0 && random_.Chance(late_)) {
    event.late = true;
    const bool conversation = visit.kind == VisitKind::kConversation;
    return now - (conversation ? Minutes(random_.Between(1'500, 2'880)) : Minutes(random_.Between(22, 180)));
  }
  if (disorder_ > 0 && random_.Chance(disorder_)) {
    event.disordered = true;
    return now - Milliseconds(random_.Between(1'000, 25'000));
  }
  return now;
}

// Moves the visitor in front on to the next event of the visit, or to the next visit.
void TrafficGenerator::Impl::Advance(EventTime now) {
  std::pop_heap(queue_.begin(), queue_.end(), std::greater<>());
  Due& due = queue_.back();
  Visit& visit = visits_[due.visitor];
  if (++visit.step < std::min(visit.steps, options_.longest_visit)) {
    due.time = now + Milliseconds(random_.Between(kShortestStepMs, kLongestStepMs));
  } else {
    BeginVisit(due.visitor);
    due.time = now + Milliseconds(random_.Between(kShortestPauseMs, kLongestPauseMs));
  }
  std::push_heap(queue_.begin(), queue_.end(), std::greater<>());
}

void TrafficGenerator::Impl::Remember(const GeneratedEvent& event) {
  if (recent_.size() < kRecentEvents) recent_.emplace_back();
  RecentEvent& slot = recent_[next_recent_];
  slot.value.assign(event.value);
  slot.key.assign(event.key);
  slot.time = event.time;
  next_recent_ = (next_recent_ + 1) % kRecentEvents;
}

bool TrafficGenerator::Impl::TakeRecent(EventTime now, GeneratedEvent& event) {
  if (recent_.empty()) return false;
  const RecentEvent& recent = recent_[random_.Below(static_cast<uint32_t>(recent_.size()))];
  if (recent.time + kOldestDuplicate < now) return false;
  event.value = recent.value;
  event.key = recent.key;
  event.time = recent.time;
  event.duplicate = true;
  return true;
}

TrafficGenerator::TrafficGenerator(const TrafficOptions& options) : impl_(std::make_unique<Impl>(options)) {}
TrafficGenerator::~TrafficGenerator() = default;
TrafficGenerator::TrafficGenerator(TrafficGenerator&&) noexcept = default;
TrafficGenerator& TrafficGenerator::operator=(TrafficGenerator&&) noexcept = default;

GeneratedEvent TrafficGenerator::Next() { return impl_->Next(impl_->next_time()); }
GeneratedEvent TrafficGenerator::Next(EventTime now) { return impl_->Next(now); }
EventTime TrafficGenerator::next_time() const { return impl_->next_time(); }

uint32_t TrafficGenerator::VisitorsFor(double events_per_second) {
  const double visitors = events_per_second * static_cast<double>(kMeanCycleMs) / 1000 / kMeanEventsPerCycle;
  return static_cast<uint32_t>(std::clamp(visitors, 1.0, 1e8));
}

}  // namespace tidemark
