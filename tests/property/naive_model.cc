#include "tests/property/naive_model.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "tests/property/naive_session.h"

namespace tidemark {
namespace {

class Model {
 public:
  Model(const Rules& rules, int64_t process_start) : rules_(rules), process_start_(process_start) {}

  void Take(const std::string& line, size_t position) {
    std::string reason;
    const auto event = ReadNaiveEvent(line, position, rules_, process_start_, reason);
    if (!event) {
      result_.dead_letters.emplace_back(position, reason);
      return;
    }
    if (!TakeEvent(*event)) result_.late.push_back(static_cast<int64_t>(position));
    Advance(event->time - rules_.max_out_of_orderness.ms);  // rule 6
  }

  NaiveResult End() {
    Advance(kAfterAllTime.ms);
    return std::move(result_);
  }

 private:
  struct Tombstone {
    std::tuple<bool, std::string, std::string, std::string> key;
    int64_t last;
  };

  static int64_t For(const PerType& setting, const NaiveEvent& e) {
    if (e.type() == "app") return setting.app.ms;
    if (e.type() == "conversation") return setting.conversation.ms;
    return setting.web.ms;
  }
  int64_t Timeout(const NaiveEvent& e) const { return For(rules_.timeout, e); }
  int64_t MaxDuration(const NaiveEvent& e) const { return For(rules_.max_duration, e); }

  // Rule 2 without the span.
  bool FitsButForSpan(const NaiveSession& s, const NaiveEvent& e) const {
    return s.first() - Timeout(e) < e.time && e.time < s.last() + Timeout(e) && (!s.end || e.time <= *s.end) &&
           (e.time >= s.first() || e.time + Timeout(e) > watermark_);
  }
  bool SpanHolds(const NaiveSession& s, const NaiveEvent& e) const {
    return std::max(s.last(), e.time) - std::min(s.first(), e.time) < MaxDuration(e);
  }

  bool IsDuplicate(const NaiveSession& s, const NaiveEvent& e) const {
    if (e.id.empty()) return false;
    std::vector<const NaiveEvent*> known;
    for (const NaiveEvent& k : s.events) {
      if (!k.id.empty()) known.push_back(&k);
    }
    std::sort(known.begin(), known.end(), [](const NaiveEvent* a, const NaiveEvent* b) {
      return std::pair(a->time, a->position) > std::pair(b->time, b->position);
    });
    if (known.size() > rules_.dedup_horizon) known.resize(rules_.dedup_horizon);
    return std::any_of(known.begin(), known.end(), [&](const NaiveEvent* k) {
      return k->id == e.id && k->correlated == e.correlated &&
             (!e.correlated || (k->name == e.name && k->time == e.time));
    });
  }

  // False: late.
  bool TakeEvent(const NaiveEvent& e) {
    for (const Tombstone& t : tombstones_) {
      if (t.key == e.key && e.time <= t.last) return false;  // rule 1
    }
    std::vector<NaiveSession*> same_key;
    for (NaiveSession& s : open_) {
      if (s.events[0].key == e.key) same_key.push_back(&s);
    }
    std::sort(same_key.begin(), same_key.end(), [](auto* a, auto* b) { return a->first() < b->first(); });
    std::vector<NaiveSession*> fitting;
    for (NaiveSession* s : same_key) {
      if (FitsButForSpan(*s, e) && SpanHolds(*s, e)) fitting.push_back(s);
    }
    if (fitting.empty()) {  // rule 3
      for (NaiveSession* s : same_key) {
        if (!FitsButForSpan(*s, e) || e.time <= s->last()) continue;
        s->end = s->last();
        s->end_reason = "max_duration";
      }
      if (e.time + Timeout(e) <= watermark_) return false;
      open_.push_back({{e}, {}, "", 0, 0});
      EndIfEndEvent(e, open_.back());
      return true;
    }
    Join(e, fitting);
    return true;
  }

  // Rules 4 and 5.
  void Join(const NaiveEvent& e, const std::vector<NaiveSession*>& fitting) {
    NaiveSession& session = *fitting[0];
    if (IsDuplicate(session, e)) {
      ++session.duplicates;
      ++result_.duplicates;
      return;
    }
    if (e.time < session.last()) ++session.out_of_order;
    session.events.push_back(e);
    if (!session.end && fitting.size() > 1) {
      NaiveSession& next = *fitting[1];
      const int64_t span = std::max(session.last(), next.last()) - std::min(session.first(), next.first());
      if (span < MaxDuration(e)) {
        session.events.insert(session.events.end(), next.events.begin(), next.events.end());
        session.end = next.end;
        session.end_reason = next.end_reason;
        session.duplicates += next.duplicates;
        session.out_of_order += next.out_of_order;
        EndIfEndEvent(e, session);
        open_.erase(open_.begin() + (&next - open_.data()));
        return;
      }
    }
    EndIfEndEvent(e, session);
  }

  void EndIfEndEvent(const NaiveEvent& e, NaiveSession& session) const {
    if (session.end || e.detail || (e.kind != "web" && e.kind != "app") || e.time != session.last()) return;
    if (std::count(rules_.end_events.begin(), rules_.end_events.end(), e.name) == 0) return;
    session.end = e.time;
    session.end_reason = "end_event";
  }

  int64_t Deadline(const NaiveSession& s) const {
    const NaiveEvent& any = s.events[0];
    if (s.end) return *s.end;
    if (any.type() == "conversation" && s.CustomerHasLeft()) return s.last() + rules_.conversation_linger.ms;
    return s.last() + Timeout(any);
  }

  void Close(const NaiveSession& s) {
    const NaiveEvent& any = s.events[0];
    std::string reason = "inactivity";
    int64_t ended = s.last() + Timeout(any);
    if (s.end) {
      reason = s.end_reason;
      ended = *s.end;
    } else if (any.type() == "conversation" && s.CustomerHasLeft()) {
      reason = "conversation_ended";
      ended = s.CustomerEnded();
    }
    result_.envelopes.push_back(NaiveEnvelope(s, reason, ended, rules_));
    if (s.last() + Timeout(any) > watermark_) tombstones_.push_back({any.key, s.last()});
  }

  void Advance(int64_t watermark) {
    watermark_ = std::max(watermark_, watermark);
    std::erase_if(tombstones_, [&](const Tombstone& t) {
      NaiveEvent of_type;
      of_type.key = t.key;
      return t.last + Timeout(of_type) <= watermark_;
    });
    std::vector<NaiveSession> due;
    for (const NaiveSession& s : open_) {
      if (Deadline(s) <= watermark_) due.push_back(s);
    }
    std::erase_if(open_, [&](const NaiveSession& s) { return Deadline(s) <= watermark_; });
    std::sort(due.begin(), due.end(), [&](const NaiveSession& a, const NaiveSession& b) {
      return std::tuple(Deadline(a), a.events[0].key, a.first()) < std::tuple(Deadline(b), b.events[0].key, b.first());
    });
    for (const NaiveSession& s : due) Close(s);
  }

  const Rules& rules_;
  const int64_t process_start_;
  int64_t watermark_ = kBeforeAllTime.ms;
  std::vector<NaiveSession> open_;
  std::vector<Tombstone> tombstones_;
  NaiveResult result_;
};

}  // namespace

NaiveResult NaiveReplay(const std::vector<std::string>& lines, const Rules& rules, EventTime process_start) {
  Model model(rules, process_start.ms);
  for (size_t i = 0; i < lines.size(); ++i) model.Take(lines[i], i);
  return model.End();
}

}  // namespace tidemark
