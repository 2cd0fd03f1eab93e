// A JSON reader for the naive model: strict, slow, and exact about what the contract is exact about.
//
// Of a repeated key the last one counts. A string with a lone surrogate escape is no string: as a value it is read as
// nlohmann's binary type, which no rule asks for; as a key it is left out. Integers stay integers, 900.0 does not
// become one. It recurses, so the depth of what it reads is limited by the stack: some thousands of levels.
// Pure functions: any thread.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace tidemark::model {

bool IsValidUtf8(std::string_view text);

// The one JSON value that `text` is, with nothing but white space around it; none where it is not JSON.
std::optional<nlohmann::json> ReadJson(std::string_view text);

// The member `key` of `object`; null where there is none, or where `object` is no object.
const nlohmann::json& Member(const nlohmann::json& object, std::string_view key);

// The string member `key` of `object`; empty where there is none, as the contract treats the two alike.
std::string Text(const nlohmann::json& object, const std::string& key);

}  // namespace tidemark::model
