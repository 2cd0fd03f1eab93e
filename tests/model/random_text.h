// Random numbers and random JSON text for the generated streams.
//
// Only the raw numbers of mt19937_64 are used, no distributions of the standard library: those differ between
// implementations, and a seed must mean the same stream everywhere. One generator belongs to one thread.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace tidemark::model {

class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}

  // From 0 to `count` - 1; `count` is above 0. The slight bias does not matter here.
  int64_t Below(int64_t count) { return static_cast<int64_t>(engine_() % static_cast<uint64_t>(count)); }
  int64_t Between(int64_t lowest, int64_t highest) { return lowest + Below(highest - lowest + 1); }
  bool Percent(int64_t percent) { return Below(100) < percent; }

  template <typename T>
  const T& Pick(const std::vector<T>& list) {
    return list[static_cast<size_t>(Below(static_cast<int64_t>(list.size())))];
  }

 private:
  std::mt19937_64 engine_;
};

// `text` (UTF-8) as a JSON string, quotes and all, sometimes with escapes where none are needed.
std::string Quote(Random& random, const std::string& text);

// A JSON value that is seldom what a field wants: null, numbers, empty things, a lone surrogate, deep nesting, ...
std::string OddValue(Random& random);

// A short string from a small pool, mostly plain, sometimes empty, with quotes, controls or characters beyond the BMP.
std::string AnyText(Random& random);
std::string AnyString(Random& random);  // the same as JSON text

// Collects members and writes the object: in order or shuffled, with white space, with repeated keys whose last
// occurrence is the one that was added, with escapes in keys.
class ObjectText {
 public:
  explicit ObjectText(Random& random) : random_(random) {}

  // `value` is JSON text. With a small chance an odd value takes its place, or the member is left out.
  ObjectText& Add(const std::string& key, const std::string& value);
  // Takes the value as it is: for members that an event needs.
  ObjectText& AddExactly(const std::string& key, const std::string& value);

  std::string Write();

 private:
  std::string Space();

  Random& random_;
  std::vector<std::pair<std::string, std::string>> members_;
};

}  // namespace tidemark::model
