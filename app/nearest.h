// "Did you mean …?": the candidate a mistyped word was most likely meant to be. Pure, any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark {

// The number of letters to insert, delete, replace or swap with their neighbour to get from one word to the other.
size_t EditDistance(std::string_view a, std::string_view b);

// The candidate nearest to `word`, or "" when none is near enough to be what was meant.
std::string Nearest(std::string_view word, std::span<const std::string> candidates);

// `, did you mean "…"?` for an error message, or "".
std::string DidYouMean(std::string_view word, std::span<const std::string> candidates);

}  // namespace tidemark
