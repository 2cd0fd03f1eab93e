#include "core/timestamp.h"

#include <chrono>

namespace tidemark {
namespace {

constexpr int64_t kMillisPerSecond = 1000;
constexpr int64_t kMillisPerMinute = 60'000;
constexpr int64_t kMillisPerHour = 3'600'000;
constexpr int64_t kMillisPerDay = 86'400'000;

// Reads a timestamp from the left; any step that does not fit makes `ok` false, and the rest is then meaningless.
struct Reader {
  std::string_view rest;
  bool ok = true;

  bool Take(char c) {
    if (rest.empty() || rest[0] != c) return false;
    rest.remove_prefix(1);
    return true;
  }
  void Expect(char c) { ok = Take(c) && ok; }
  int Digits(size_t count) {
    int value = 0;
    if (rest.size() < count) ok = false;
    for (size_t i = 0; ok && i < count; ++i) {
      if (rest[i] < '0' || rest[i] > '9') ok = false;
      value = value * 10 + (rest[i] - '0');
    }
    if (ok) rest.remove_prefix(count);
    return value;
  }
};

// `.f…`: at least one digit, the first three count.
int64_t ReadFraction(Reader& in) {
  if (!in.Take('.')) return 0;
  int64_t millis = 0;
  int64_t unit = 100;
  size_t digits = 0;
  while (digits < in.rest.size() && in.rest[digits] >= '0' && in.rest[digits] <= '9') {
    millis += unit * (in.rest[digits++] - '0');
    unit /= 10;
  }
  in.rest.remove_prefix(digits);
  in.ok = in.ok && digits > 0;
  return millis;
}

// `Z`, `±hh:mm` or `±hhmm`, in milliseconds east of UTC.
int64_t ReadZone(Reader& in) {
  if (in.Take('Z')) return 0;
  const bool west = in.Take('-');
  if (!west) in.Expect('+');
  const int hours = in.Digits(2);
  in.Take(':');
  const int minutes = in.Digits(2);
  in.ok = in.ok && hours <= 23 && minutes <= 59;
  const int64_t offset = hours * kMillisPerHour + minutes * kMillisPerMinute;
  return west ? -offset : offset;
}

void AppendDigits(uint32_t value, int width, std::string& out) {
  char digits[10];
  for (int i = width - 1; i >= 0; --i) {
    digits[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
  out.append(digits, static_cast<size_t>(width));
}

}  // namespace

std::optional<EventTime> ParseTimestamp(std::string_view text) {
  Reader in{text};
  const int year = in.Digits(4);
  in.Expect('-');
  const int month = in.Digits(2);
  in.Expect('-');
  const int day = in.Digits(2);
  in.Expect('T');
  const int hour = in.Digits(2);
  in.Expect(':');
  const int minute = in.Digits(2);
  in.Expect(':');
  const int second = in.Digits(2);
  const int64_t millis = ReadFraction(in);
  const int64_t zone = ReadZone(in);
  if (!in.ok || !in.rest.empty()) return std::nullopt;

  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok() || hour > 23 || minute > 59 || second > 59) return std::nullopt;
  const int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  const EventTime time{days * kMillisPerDay + hour * kMillisPerHour + minute * kMillisPerMinute +
                       second * kMillisPerSecond + millis - zone};
  if (time < EventTime{0} || time > kLatestEventTime) return std::nullopt;
  return time;
}

void AppendTimestamp(EventTime time, std::string& out) {
  const std::chrono::sys_days days{std::chrono::days(time.ms / kMillisPerDay)};
  const std::chrono::year_month_day date{days};
  const int64_t in_day = time.ms % kMillisPerDay;
  const auto year = static_cast<uint32_t>(static_cast<int>(date.year()));
  AppendDigits(year, year > 9999 ? 5 : 4, out);
  out += '-';
  AppendDigits(static_cast<unsigned>(date.month()), 2, out);
  out += '-';
  AppendDigits(static_cast<unsigned>(date.day()), 2, out);
  out += 'T';
  AppendDigits(static_cast<uint32_t>(in_day / kMillisPerHour), 2, out);
  out += ':';
  AppendDigits(static_cast<uint32_t>(in_day / kMillisPerMinute % 60), 2, out);
  out += ':';
  AppendDigits(static_cast<uint32_t>(in_day / kMillisPerSecond % 60), 2, out);
  out += '.';
  AppendDigits(static_cast<uint32_t>(in_day % kMillisPerSecond), 3, out);
  out += 'Z';
}

}  // namespace tidemark
