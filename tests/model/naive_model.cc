#include "tests/model/naive_model.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <tuple>

#include "tests/model/naive_event.h"
#include "tests/model/naive_session.h"

namespace tidemark::model {
namespace {

using nlohmann::json;

constexpr int64_t kInfinity = std::numeric_limits<int64_t>::max() / 4;

struct OpenSession {
  NaiveEvents events;
  std::optional<int64_t> end;
  std::string end_reason;
  int64_t duplicates = 0;
  int64_t out_of_order = 0;

  const NaiveKey& Key() const { return events.front().key; }
  const std::string& Type() const { return events.front().type; }

  int64_t First() const {
    int64_t first = kInfinity;
    for (const NaiveEvent& e : events) first = std::min(first, e.time);
    return first;
  }
  int64_t Last() const {
    int64_t last = -kInfinity;
    for (const NaiveEvent& e : events) last = std::max(last, e.time);
    return last;
  }
  int64_t FirstPosition() const {
    int64_t first = kInfinity;
    for (const NaiveEvent& e : events) first = std::min(first, e.position);
    return first;
  }
  int64_t LastPosition() const {
    int64_t last = -1;
    for (const NaiveEvent& e : events) last = std::max(last, e.position);
    return last;
  }
};

struct Tombstone {
  NaiveKey key;
  int64_t last;
  int64_t until;
};

int64_t Of(const PerType& setting, const std::string& type) {
  return (type == "app" ? setting.app : type == "conversation" ? setting.conversation : setting.web).ms;
}

// The rules of section 3, one function a rule.
class Model {
 public:
  explicit Model(const Rules& rules) : rules_(rules) {}

  ModelResult Take(const std::vector<std::string>& lines, EventTime process_start) {
    for (size_t i = 0; i < lines.size(); ++i) {
      const auto position = static_cast<int64_t>(i);
      NaiveRecord record = ReadRecord(lines[i], position, rules_, process_start);
      if (record.event) {
        TakeEvent(*record.event);
        CloseUntil(std::max(watermark_, record.event->time - rules_.max_out_of_orderness.ms));
      } else {
        result_.dead_letters.emplace_back(position, record.dead_letter);
      }
    }
    CloseUntil(kInfinity);
    return std::move(result_);
  }

 private:
  int64_t Timeout(const std::string& type) const { return Of(rules_.timeout, type); }

  void TakeEvent(const NaiveEvent& event) {
    if (IsBuried(event)) {  // rule 1
      result_.late.push_back(event.position);
      return;
    }
    std::vector<size_t> fitting;  // by `first`
    for (const size_t i : SessionsOf(event.key)) {
      if (Fits(sessions_[i], event)) fitting.push_back(i);
    }
    if (fitting.empty()) {
      FitsNone(event);
    } else {
      FitsSome(event, fitting);
    }
  }

  bool IsBuried(const NaiveEvent& event) const {
    return std::any_of(tombstones_.begin(), tombstones_.end(),
                       [&](const Tombstone& t) { return t.key == event.key && event.time <= t.last; });
  }

  // The open sessions of a key, earliest first.
  std::vector<size_t> SessionsOf(const NaiveKey& key) const {
    std::vector<size_t> found;
    for (size_t i = 0; i < sessions_.size(); ++i) {
      if (sessions_[i].Key() == key) found.push_back(i);
    }
    std::sort(found.begin(), found.end(),
              [&](size_t a, size_t b) { return sessions_[a].First() < sessions_[b].First(); });
    return found;
  }

  bool FitsButForTheSpan(const OpenSession& session, const NaiveEvent& event) const {
    const int64_t timeout = Timeout(event.type);
    const int64_t t = event.time;
    return session.First() - timeout < t && t < session.Last() + timeout && (!session.end || t <= *session.end) &&
           (t >= session.First() || t + timeout > watermark_);
  }

  bool SpanIsBelowMax(const OpenSession& session, int64_t from, int64_t to) const {
    return std::max(session.Last(), to) - std::min(session.First(), from) < Of(rules_.max_duration, session.Type());
  }

  // Rule 2.
  bool Fits(const OpenSession& session, const NaiveEvent& event) const {
    return FitsButForTheSpan(session, event) && SpanIsBelowMax(session, event.time, event.time);
  }

  // Rule 3.
  void FitsNone(const NaiveEvent& event) {
    for (const size_t i : SessionsOf(event.key)) {
      OpenSession& session = sessions_[i];
      if (!FitsButForTheSpan(session, event) || event.time <= session.Last()) continue;
      session.end = session.Last();
      session.end_reason = "max_duration";
    }
    if (event.time + Timeout(event.type) <= watermark_) {
      result_.late.push_back(event.position);
      return;
    }
    sessions_.emplace_back().events.push_back(event);
    ++result_.joined;
    EndEvent(event, sessions_.back());
  }

  // Rule 4.
  void FitsSome(const NaiveEvent& event, const std::vector<size_t>& fitting) {
    OpenSession& session = sessions_[fitting[0]];
    if (IsDuplicate(session, event)) {
      ++session.duplicates;
      ++result_.duplicates;
      return;
    }
    if (event.time < session.Last()) ++session.out_of_order;
    session.events.push_back(event);
    ++result_.joined;
    if (!session.end && fitting.size() > 1) {
      const OpenSession next = sessions_[fitting[1]];
      if (SpanIsBelowMax(session, next.First(), next.Last())) Merge(fitting[0], fitting[1]);
    }
    EndEvent(event, SessionWith(event.position));
  }

  // The newest `dedup_horizon` ids are remembered, newest by time as everywhere in the contract. An id that both halves
  // of a merged session have is one id.
  bool IsDuplicate(const OpenSession& session, const NaiveEvent& event) const {
    if (event.id.empty()) return false;
    std::vector<const NaiveEvent*> remembered;
    for (const NaiveEvent& e : session.events) {
      if (!e.id.empty()) remembered.push_back(&e);
    }
    std::sort(remembered.begin(), remembered.end(), [](const NaiveEvent* a, const NaiveEvent* b) {
      return std::tie(a->time, a->position) > std::tie(b->time, b->position);
    });
    std::vector<const NaiveEvent*> distinct;
    for (const NaiveEvent* e : remembered) {
      const bool known = std::any_of(distinct.begin(), distinct.end(), [e](auto* d) { return SameEvent(*d, *e); });
      if (!known) distinct.push_back(e);
    }
    remembered = distinct;
    if (remembered.size() > rules_.dedup_horizon) remembered.resize(rules_.dedup_horizon);
    return std::any_of(remembered.begin(), remembered.end(), [&](const NaiveEvent* e) { return SameEvent(*e, event); });
  }

  static bool SameEvent(const NaiveEvent& a, const NaiveEvent& b) {
    if (a.id != b.id) return false;
    return (!a.id_is_correlation && !b.id_is_correlation) || (a.name == b.name && a.time == b.time);
  }

  void Merge(size_t earlier, size_t later) {
    OpenSession& into = sessions_[earlier];
    const OpenSession from = sessions_[later];
    into.events.insert(into.events.end(), from.events.begin(), from.events.end());
    into.end = from.end;
    into.end_reason = from.end_reason;
    into.duplicates += from.duplicates;
    into.out_of_order += from.out_of_order;
    sessions_.erase(sessions_.begin() + static_cast<std::ptrdiff_t>(later));
  }

  OpenSession& SessionWith(int64_t position) {
    return *std::find_if(sessions_.begin(), sessions_.end(), [&](const OpenSession& s) {
      return std::any_of(s.events.begin(), s.events.end(), [&](const NaiveEvent& e) { return e.position == position; });
    });
  }

  // Rule 5.
  void EndEvent(const NaiveEvent& event, OpenSession& session) {
    const auto& names = rules_.end_events;
    const bool named = (event.payload_name == "webEvent" || event.payload_name == "appEvent") &&
                       std::find(names.begin(), names.end(), event.name) != names.end();
    if (!named || session.end || event.time < session.Last()) return;
    session.end = event.time;
    session.end_reason = "end_event";
  }

  int64_t Deadline(const OpenSession& session) const {
    if (session.end) return *session.end;
    if (AllLegsEnded(session.events)) return session.Last() + rules_.conversation_linger.ms;
    return session.Last() + Timeout(session.Type());
  }

  // Rule 6.
  void CloseUntil(int64_t watermark) {
    watermark_ = watermark;
    std::erase_if(tombstones_, [&](const Tombstone& t) { return t.until <= watermark_; });
    while (true) {
      const auto order = [&](const OpenSession& s) { return std::make_tuple(Deadline(s), s.Key(), s.First()); };
      const auto next = std::min_element(sessions_.begin(), sessions_.end(),
                                         [&](const auto& a, const auto& b) { return order(a) < order(b); });
      if (next == sessions_.end() || Deadline(*next) > watermark_) return;
      Close(*next);
      sessions_.erase(next);
    }
  }

  void Close(const OpenSession& session) {
    const int64_t timed_out = session.Last() + Timeout(session.Type());
    const bool conversation_ended = !session.end && AllLegsEnded(session.events);
    const int64_t ended = session.end          ? *session.end
                          : conversation_ended ? NewestCustomerEnd(session.events)
                                               : timed_out;
    const std::string reason = session.end          ? session.end_reason
                               : conversation_ended ? "conversation_ended"
                                                    : "inactivity";
    result_.envelopes.push_back({{"closeReason", reason},
                                 {"duplicateEvents", session.duplicates},
                                 {"outOfOrderEvents", session.out_of_order},
                                 {"session", SessionJson(session.events, ended, rules_)}});
    result_.sources.emplace_back(session.FirstPosition(), session.LastPosition());
    if (timed_out > watermark_) tombstones_.push_back({session.Key(), session.Last(), timed_out});
  }

  const Rules& rules_;
  int64_t watermark_ = -kInfinity;
  std::vector<OpenSession> sessions_;
  std::vector<Tombstone> tombstones_;
  ModelResult result_;
};

}  // namespace

ModelResult NaiveReplay(const std::vector<std::string>& lines, const Rules& rules, EventTime process_start) {
  return Model(rules).Take(lines, process_start);
}

}  // namespace tidemark::model
