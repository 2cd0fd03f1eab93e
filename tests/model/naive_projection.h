// The nested objects of `session-model.md` and its enums, written out as the contract lists them.
//
// Pure functions: any thread.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace tidemark::model {

// `value` projected onto the model called `name` ("Browser", ...); null where nothing is left.
nlohmann::json Project(const nlohmann::json& value, const std::string& name);

// The Session's spelling of an enum: `field` is "type", "messageType", "originatingDirection", ...
// Empty stays empty: a missing value is nobody's Unknown.
std::string SessionSpelling(const std::string& field, const std::string& value);

}  // namespace tidemark::model
