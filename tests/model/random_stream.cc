#include "tests/model/random_stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "tests/model/random_event.h"

namespace tidemark::model {
namespace {

constexpr int64_t kBase = 1'763'980'200'000;  // 24 November 2025

Duration RandomMaxDuration(Random& random, Duration timeout) {
  return {timeout.ms * random.Between(1, 6) + (random.Percent(50) ? 0 : random.Below(timeout.ms))};
}

Duration RandomTimeout(Random& random) { return Seconds(random.Between(5, 60)); }

Rules RandomRules(Random& random) {
  Rules rules;
  rules.timeout = {RandomTimeout(random), RandomTimeout(random), RandomTimeout(random)};
  rules.max_duration = {RandomMaxDuration(random, rules.timeout.web), RandomMaxDuration(random, rules.timeout.app),
                        RandomMaxDuration(random, rules.timeout.conversation)};
  rules.idle_after = Milliseconds(random.Between(1, 40'000));
  rules.away_after = Milliseconds(random.Between(1, 80'000));
  if (random.Percent(20)) rules.idle_after = rules.timeout.web;
  if (random.Percent(20)) rules.away_after = rules.timeout.app;
  rules.conversation_linger = Milliseconds(random.Between(1, rules.timeout.conversation.ms * 2));
  if (random.Percent(30)) rules.pageview_events = {"page_viewed", "view"};
  if (random.Percent(30)) rules.screenview_events = {"view"};
  if (random.Percent(50)) rules.end_events = {"session_ended", "bye"};
  if (random.Percent(20)) rules.end_events = {};
  if (random.Percent(60)) rules.list_attributes = {"tags", "größe"};
  if (random.Percent(20)) rules.list_attributes.push_back("a\"b");
  if (random.Percent(50)) rules.dedup_horizon = static_cast<uint32_t>(random.Between(1, 8));
  rules.max_out_of_orderness = Milliseconds(random.Below(random.Pick<int64_t>({1, 20'000, 100'000, 200'000})));
  rules.max_future_skew = Seconds(random.Between(1, 600));
  if (random.Percent(10)) rules.max_event_bytes = static_cast<uint64_t>(random.Between(200, 1500));
  return rules;
}

// What the settings allow and hardly anybody sets. From a source of its own, so that all else stays as it is for a
// seed.
void GoToExtremes(uint64_t seed, Rules& rules) {
  Random random(seed + 1);
  if (random.Percent(10)) rules.dedup_horizon = 0;
  if (random.Percent(10)) rules.conversation_linger = Duration{0};
  if (random.Percent(10)) rules.max_duration = {Seconds(1), Seconds(1), Seconds(1)};
  if (random.Percent(5)) rules.max_future_skew = Duration{0};
}

EventMix RandomMix(Random& random) {
  EventMix mix;
  mix.customers = random.Between(1, 3);
  mix.session_ids = random.Between(1, 2);
  mix.conversations = random.Between(1, 2);
  mix.explicit_percent = random.Pick<int64_t>({2, 20, 95});
  mix.conversation_percent = random.Pick<int64_t>({2, 10, 40, 98});
  mix.plain_percent = random.Pick<int64_t>({0, 50, 95});
  mix.leg_percent = random.Pick<int64_t>({5, 30, 70});
  mix.end_percent = random.Pick<int64_t>({1, 6, 20});
  mix.repeated_id_percent = random.Pick<int64_t>({2, 15, 50});
  return mix;
}

// A time that is missing or wrong, as JSON text.
std::string BadTime(Random& random) {
  static const std::vector<std::string> kTimes = {
      "",
      "null",
      "\"\"",
      "-1",
      "1763980200000.0",
      "1.7639802e12",
      "253402300800000",
      "99999999999999999999",
      "\"1763980200000\"",
      "\"24 Nov 2025\"",
      "\"2025-11-24\"",
      "\"2025-11-24 10:30:00Z\"",
      "\"2025-11-24T10:30:00\"",
      "\"2025-11-24T10:30Z\"",
      "\"2025-11-24T10:30:00z\"",
      "\"2025-11-24T10:30:00.Z\"",
      "\"2025-11-24T10:30:00,5Z\"",
      "\"2025-11-24T24:00:00Z\"",
      "\"2025-11-24T10:60:00Z\"",
      "\"2025-11-24T10:30:60Z\"",
      "\"2025-13-24T10:30:00Z\"",
      "\"2025-00-24T10:30:00Z\"",
      "\"2025-02-29T10:30:00Z\"",
      "\"2025-11-31T10:30:00Z\"",
      "\"2025-11-24T10:30:00+24:00\"",
      "\"2025-11-24T10:30:00+01:60\"",
      "\"2025-11-24T10:30:00+1:00\"",
      "\"2025-11-24T10:30:00+01\"",
      "\"2025-11-24T10:30:00Z \"",
      "\" 2025-11-24T10:30:00Z\"",
      "\"1969-12-31T23:59:59.999Z\"",
      "\"1970-01-01T00:59:59+01:00\"",
      "\"9999-12-31T23:59:59-00:01\"",
      "\"99999-11-24T10:30:00Z\"",
      "\"2025-11-24T10:30:00.000Z\\ud800\"",
      "true",
      "[]",
      "{}",
      "\"2999-01-01T00:00:00.000Z\"",
      "32472144000000",
      "\"9999-12-31T23:59:59.999Z\"",
  };
  return random.Pick(kTimes);
}

// A line that is no event, most of them made from one that is.
std::string Garbage(Random& random, std::string line) {
  static const std::vector<std::string> kLines = {"",
                                                  " ",
                                                  "[]",
                                                  "null",
                                                  "5",
                                                  "\"s\"",
                                                  "{",
                                                  "}",
                                                  "{}",
                                                  "{,}",
                                                  "{\"a\"}",
                                                  "{\"a\":}",
                                                  "{\"a\":1,}",
                                                  "[{}]",
                                                  "{}{}",
                                                  "{\"a\":[1,]}",
                                                  "{1:2}",
                                                  "{\"a\" 1}",
                                                  "{\"a\":1 \"b\":2}",
                                                  "{\"a\":[}",
                                                  "{\"a\":\"b"};
  static const std::vector<std::string> kBadBytes = {"\xff",     "\xc0\x80", "\xed\xa0\x80",     "\xf4\x90\x80\x80",
                                                     "\xe2\x82", "\x80",     "\xf0\x80\x80\x80", "\xc3"};
  static const std::vector<std::string> kControls = {std::string(1, '\0'), "\x01", "\x1f", "\x0c"};
  const auto place = static_cast<size_t>(random.Below(static_cast<int64_t>(line.size())));
  switch (random.Below(8)) {
    case 0:
      return random.Pick(kLines);
    case 1:
      return line.substr(0, place);
    case 2:
      return line.insert(place, random.Pick(kBadBytes));
    case 3:
      return line.insert(place, random.Pick(kControls));
    case 4:
      return line + random.Pick<std::string>({"x", "{}", " 1", "]", "}", ",", std::string(1, '\0'), "\"\"", "\xff"});
    case 5:
      return "\xef\xbb\xbf" + line;
    case 6:
      return line + random.Pick<std::string>({" ", "\r", "\t\r "});  // and this is one
    default:
      if (const size_t structural = line.find_first_of("{}[],:\"", place); structural != std::string::npos) {
        line.erase(structural, 1);
      }
      return line;
  }
}

// How far the next event is from the cursor: often nothing, often just at a limit, sometimes back.
// `pace`: how many events there are in a timeout, about.
int64_t RandomStep(Random& random, const Rules& rules, int64_t pace) {
  const int64_t timeout =
      random.Pick<int64_t>({rules.timeout.web.ms, rules.timeout.app.ms, rules.timeout.conversation.ms});
  switch (random.Below(pace < 10 ? 12 : 40)) {
    case 0:
      return 0;
    case 1:
      return timeout + random.Between(-1, 1);
    case 2:
      return random.Percent(20) ? timeout * 3 : timeout / 2;
    case 3:
      return -random.Below(timeout * 2);
    case 4:
      return -random.Below(rules.max_out_of_orderness.ms + 1);
    case 5:
      return -timeout + random.Between(-1, 1);
    default:
      return random.Below(timeout * 2 / pace + 1);
  }
}

// How long a session may be, give or take a millisecond: from one event to one that just is or is not too much.
int64_t JustAtTheSpan(Random& random, const Rules& rules) {
  const auto& [web, app, conversation] = rules.max_duration;
  return random.Pick<int64_t>({web.ms, app.ms, conversation.ms}) + random.Between(-1, 1);
}

}  // namespace

std::string SpellTime(Random& random, int64_t time) {
  if (random.Percent(40)) return std::to_string(time);
  const int64_t zone = random.Percent(60) ? 0 : random.Between(-23 * 60 - 59, 23 * 60 + 59);
  const std::chrono::sys_time<std::chrono::milliseconds> local{std::chrono::milliseconds(time + zone * 60'000)};
  const auto day = std::chrono::floor<std::chrono::days>(local);
  const std::chrono::year_month_day calendar{day};
  const int64_t in_day = (local - day).count();
  std::string fraction = fmt::format("{:03}", in_day % 1000);
  while (!fraction.empty() && fraction.back() == '0' && random.Percent(70)) fraction.pop_back();
  if (fraction.size() == 3 && random.Percent(30))
    fraction += random.Pick<std::string>({"0", "9", "999999", "123456789"});
  std::string text =
      fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{}{}", static_cast<int>(calendar.year()),
                  static_cast<unsigned>(calendar.month()), static_cast<unsigned>(calendar.day()), in_day / 3'600'000,
                  in_day / 60'000 % 60, in_day / 1000 % 60, fraction.empty() ? "" : ".", fraction);
  const int64_t distance = std::abs(zone);
  if (zone == 0 && random.Percent(70)) {
    text += "Z";
  } else {
    text += fmt::format("{}{:02}{}{:02}", zone < 0 ? "-" : "+", distance / 60, random.Percent(50) ? ":" : "",
                        distance % 60);
  }
  return Quote(random, text);
}

RandomStream MakeRandomStream(uint64_t seed) {
  Random random(seed);
  RandomStream stream;
  stream.rules = RandomRules(random);
  const EventMix mix = RandomMix(random);
  const int64_t count = random.Between(5, 120);
  const int64_t pace = random.Pick<int64_t>({3, 6, 12, 30});
  int64_t cursor = kBase;
  std::vector<int64_t> times = {kBase};
  while (static_cast<int64_t>(stream.lines.size()) < count) {
    if (!stream.lines.empty() && random.Percent(6)) {
      const std::string again = random.Pick(stream.lines);
      stream.lines.push_back(again);
      continue;
    }
    int64_t time = cursor + RandomStep(random, stream.rules, pace);
    if (random.Percent(4)) time = random.Pick(times) + JustAtTheSpan(random, stream.rules);
    times.push_back(time);
    if (random.Percent(80)) cursor = std::max(cursor, time);
    const std::string spelled = random.Percent(3) ? BadTime(random) : SpellTime(random, time);
    std::string line = RandomEvent(random, mix, spelled);
    if (random.Percent(4)) line = Garbage(random, line);
    stream.lines.push_back(line);
  }
  stream.process_start = {kBase + 1'000'000'000};
  if (random.Percent(20)) stream.process_start = {random.Pick(times) - random.Below(2)};
  if (random.Percent(20)) stream.rules.max_future_skew = Milliseconds(1);
  GoToExtremes(seed, stream.rules);
  return stream;
}

}  // namespace tidemark::model
