// Which librdkafka properties a user may set, and whether librdkafka takes their values. No connection is made.
// Any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tidemark {

// What is wrong with `name` = `value` in [kafka.properties], and what to do; nullopt: nothing.
std::optional<std::string> ProblemWithProperty(const std::string& name, const std::string& value);

// Whether librdkafka knows a property of that name.
bool IsProperty(const std::string& name);

// SASL_MECHANISM → sasl.mechanism, LOG_LEVEL → log_level: what follows TIDEMARK_KAFKA_PROPERTY_.
std::string PropertyOfVariable(std::string_view variable);

// Whether its value must not be printed.
bool IsSecretProperty(std::string_view name);

// The refused properties with their reasons, as a Markdown list.
std::string RefusedPropertiesAsMarkdown();

}  // namespace tidemark
