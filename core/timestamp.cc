#include "core/timestamp.h"

#include <bit>
#include <chrono>
#include <cstring>

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

// Midnight of a day of the calendar; nothing where there is no such day.
std::optional<EventTime> StartOfDay(int year, int month, int day) {
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  return EventTime{std::chrono::sys_days(date).time_since_epoch().count() * kMillisPerDay};
}

std::optional<EventTime> Combine(int year, int month, int day, int hour, int minute, int second, int64_t millis,
                                 int64_t zone) {
  const auto midnight = StartOfDay(year, month, day);
  if (!midnight || hour > 23 || minute > 59 || second > 59) return std::nullopt;
  const EventTime time{midnight->ms + hour * kMillisPerHour + minute * kMillisPerMinute + second * kMillisPerSecond +
                       millis - zone};
  if (time < EventTime{0} || time > kLatestEventTime) return std::nullopt;
  return time;
}

// What eight characters should look like: a digit where the text has a 0, and the same as the text elsewhere.
struct Form {
  uint64_t text = 0;
  uint64_t below_limit = 0;  // by byte, 0x7F less what it may differ from the text at most

  explicit constexpr Form(std::string_view characters) {
    for (size_t i = 0; i < sizeof(text); ++i) {
      text |= static_cast<uint64_t>(characters[i]) << (i * 8);
      below_limit |= static_cast<uint64_t>(characters[i] == '0' ? 0x7F - 9 : 0x7F) << (i * 8);
    }
  }
};
constexpr Form kYearAndMonth{"0000-00-"};
constexpr Form kDayAndMinute{"00T00:00"};
constexpr Form kSecond{":00.000Z"};

// The digits' values in the eight characters at `text`, one a byte, the first one lowest. Where they do not have the
// form, makes bits of `bad`.
uint64_t ReadEight(const char* text, const Form& form, uint64_t& bad) {
  static_assert(std::endian::native == std::endian::little);
  uint64_t word = 0;
  std::memcpy(&word, text, sizeof(word));
  word ^= form.text;
  bad |= ((word + form.below_limit) | word) & 0x8080808080808080;
  return word;
}

int DigitAt(uint64_t digits, int i) { return static_cast<int>(digits >> (i * 8) & 0xF); }
int TwoDigitsAt(uint64_t digits, int i) { return DigitAt(digits, i) * 10 + DigitAt(digits, i + 1); }

// `yyyy-MM-ddTHH:mm:ss.SSSZ`, which nearly all timestamps look like.
constexpr size_t kUsualSize = 24;

std::optional<EventTime> ParseUsual(const char* text) {
  uint64_t bad = 0;
  const uint64_t date = ReadEight(text, kYearAndMonth, bad);
  const uint64_t day_and_minute = ReadEight(text + 8, kDayAndMinute, bad);
  const uint64_t second = ReadEight(text + 16, kSecond, bad);
  if (bad != 0) return std::nullopt;
  return Combine(TwoDigitsAt(date, 0) * 100 + TwoDigitsAt(date, 2), TwoDigitsAt(date, 5),
                 TwoDigitsAt(day_and_minute, 0), TwoDigitsAt(day_and_minute, 3), TwoDigitsAt(day_and_minute, 6),
                 TwoDigitsAt(second, 1), DigitAt(second, 4) * 100 + TwoDigitsAt(second, 5), 0);
}

// The last `width` digits of value.
char* PutDigits(uint32_t value, int width, char* p) {
  for (int i = width - 1; i >= 0; --i) {
    p[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
  return p + width;
}

}  // namespace

std::optional<EventTime> ParseTimestamp(std::string_view text) {
  if (text.size() == kUsualSize) {
    if (const auto time = ParseUsual(text.data())) return time;
  }
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
  return Combine(year, month, day, hour, minute, second, millis, zone);
}

char* PutTimestamp(EventTime time, char* p) {
  const std::chrono::sys_days days{std::chrono::days(time.ms / kMillisPerDay)};
  const std::chrono::year_month_day date{days};
  const auto in_day = static_cast<uint32_t>(time.ms % kMillisPerDay);
  const auto year = static_cast<uint32_t>(static_cast<int>(date.year()));
  p = PutDigits(year, year > 9999 ? 5 : 4, p);
  *p++ = '-';
  p = PutDigits(static_cast<unsigned>(date.month()), 2, p);
  *p++ = '-';
  p = PutDigits(static_cast<unsigned>(date.day()), 2, p);
  *p++ = 'T';
  p = PutDigits(in_day / static_cast<uint32_t>(kMillisPerHour), 2, p);
  *p++ = ':';
  p = PutDigits(in_day / static_cast<uint32_t>(kMillisPerMinute) % 60, 2, p);
  *p++ = ':';
  p = PutDigits(in_day / static_cast<uint32_t>(kMillisPerSecond) % 60, 2, p);
  *p++ = '.';
  p = PutDigits(in_day % static_cast<uint32_t>(kMillisPerSecond), 3, p);
  *p++ = 'Z';
  return p;
}

void AppendTimestamp(EventTime time, std::string& out) {
  char text[kLongestTimestamp];
  out.append(text, PutTimestamp(time, text));
}

}  // namespace tidemark
