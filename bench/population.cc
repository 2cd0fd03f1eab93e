#include "bench/population.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "core/timestamp.h"
#include "ingest/traffic_generator.h"

namespace tidemark::bench {
namespace {

constexpr EventTime kStart{1'763'978'400'000};  // 2025-11-24T10:00:00Z
constexpr Duration kTimeout = Minutes(20);
// A visitor's events are a Poisson process with this many in a time-out: each pause is longer with a probability of
// 0.1, so a session has ten events on average, and nine tenths of the visitors have one open.
constexpr double kEventsPerTimeout = 2.302585;
constexpr double kShareOpen = 0.9;
constexpr size_t kVisits = 128;
constexpr size_t kMinEventsPerVisit = 6;
constexpr size_t kIdBytes = 36;
constexpr size_t kDateBytes = 24;

// The text behind `name`, `size` bytes of it; npos: there is none.
size_t Behind(const std::string& text, std::string_view name, size_t size) {
  const size_t found = text.find(name);
  return found == std::string::npos || found + name.size() + size > text.size() ? std::string::npos
                                                                                : found + name.size();
}

std::vector<size_t> PlacesOf(const std::string& text, const std::string& id) {
  std::vector<size_t> places;
  for (size_t at = text.find(id); at != std::string::npos; at = text.find(id, at + 1)) places.push_back(at);
  return places;
}

// The first 16 digits of a UUID.
void WriteId(uint64_t number, char* uuid) {
  constexpr char kDigits[] = "0123456789abcdef";
  constexpr int kPlaces[] = {0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 14, 15, 16, 17};
  for (const int place : kPlaces) {
    uuid[place] = kDigits[number & 15];
    number >>= 4;
  }
}

}  // namespace

Population::Population(const PopulationOptions& options)
    : options_(options),
      visitors_(std::max<uint64_t>(1, static_cast<uint64_t>(static_cast<double>(options.open_sessions) / kShareOpen))),
      disorder_(static_cast<uint64_t>(options.disorder * 4'294'967'296.0)) {
  MakeTemplates();
}

// Ordinary events only: those in the request form have no id, and an end event would close its session.
void Population::MakeTemplates() {
  TrafficOptions traffic;
  traffic.small = options_.small;
  traffic.visitors = 4 * kVisits;
  TrafficGenerator generator(traffic);
  std::map<std::string, std::vector<Template>> by_visitor;
  while (visits_.size() < kVisits) {
    const GeneratedEvent event = generator.Next();
    if (event.value.find("session_ended") != std::string_view::npos) continue;
    Template made{std::string(event.value), {}, {}, 0, 0};
    std::vector<Template>& visit = by_visitor[std::string(event.key)];
    Extend(made, visit.size());
    if (visit.size() == kMinEventsPerVisit || !Locate(made)) continue;
    visit.push_back(std::move(made));
    if (visit.size() == kMinEventsPerVisit) visits_.push_back(visit);
  }
}

bool Population::Locate(Template& event) {
  const size_t customer = Behind(event.text, R"("customerId":")", kIdBytes);
  const size_t session = Behind(event.text, R"("session":{"id":")", kIdBytes);
  event.event_id = Behind(event.text, R"({"id":")", kIdBytes);
  event.date = Behind(event.text, R"("createdDate":")", kDateBytes);
  if (!event.text.starts_with(R"({"id":")") || customer == std::string::npos || event.date == std::string::npos) {
    return false;
  }
  event.customer_ids = PlacesOf(event.text, event.text.substr(customer, kIdBytes));
  if (session != std::string::npos) event.session_ids = PlacesOf(event.text, event.text.substr(session, kIdBytes));
  return true;
}

// More attributes, one of which changes from event to event, and a member that is checked but not read.
void Population::Extend(Template& event, size_t step) const {
  const std::string attributes = R"("attributes":{)";
  const size_t place = event.text.find(attributes);
  if (place != std::string::npos) {
    std::string more;
    for (uint32_t i = 0; i < options_.attributes; ++i) {
      const size_t version = i == step % options_.attributes ? step : 0;
      more += fmt::format(R"("attribute{}":{{"dataType":"STRING","value":"value {} of {}"}},)", i, version, i);
    }
    event.text.insert(place + attributes.size(), more);
  }
  if (options_.extra_bytes == 0) return;
  std::string extra = R"(,"partnerData":{"version":1)";
  for (int i = 0; extra.size() < options_.extra_bytes; ++i) {
    extra += fmt::format(R"(,"field{}":"some text, number {}")", i, i);
  }
  event.text.insert(event.text.size() - 1, extra + "}");
}

EventTime Population::NextTime() {
  const double events_per_ms = kEventsPerTimeout * static_cast<double>(visitors_) / static_cast<double>(kTimeout.ms);
  const EventTime due = kStart + Milliseconds(static_cast<int64_t>(static_cast<double>(written_) / events_per_ms));
  return disorder_ > 0 && random_.Chance(disorder_) ? due - Milliseconds(random_.Between(1'000, 25'000)) : due;
}

// A consumer hands out a partition's records one behind the other in memory, so that is how they are written.
void Population::Next(uint64_t count, PopulationBatch& batch) {
  batch.bytes.clear();
  batch.events.clear();
  drawn_.clear();
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t visitor = random_.Next() % visitors_;
    const auto& visit = visits_[visitor % visits_.size()];
    const Template& event = visit[random_.Below(static_cast<uint32_t>(visit.size()))];
    const auto partition = static_cast<uint32_t>(MixBits(visitor + 1) % options_.partitions);
    const EventTime time = NextTime();
    drawn_.push_back({&event, visitor, ++written_, time, partition});
  }
  std::stable_sort(drawn_.begin(), drawn_.end(),
                   [](const Drawn& a, const Drawn& b) { return a.partition < b.partition; });
  for (const Drawn& drawn : drawn_) Write(drawn, batch);
}

void Population::Write(const Drawn& drawn, PopulationBatch& batch) {
  const Template& event = *drawn.event;
  const size_t offset = batch.bytes.size();
  batch.bytes += event.text;
  char* text = batch.bytes.data() + offset;
  for (const size_t place : event.customer_ids) WriteId(MixBits(drawn.visitor), text + place);
  for (const size_t place : event.session_ids) WriteId(MixBits(~drawn.visitor), text + place);
  date_.clear();
  AppendTimestamp(drawn.time, date_);
  date_.copy(text + event.date, kDateBytes);
  WriteId(MixBits(drawn.number), text + event.event_id);
  batch.events.push_back({offset, event.text.size(), drawn.partition});
}

uint64_t Population::events_until_steady() const {
  return static_cast<uint64_t>(kEventsPerTimeout * static_cast<double>(visitors_));
}

}  // namespace tidemark::bench
