#include "tests/broker/tidemark_process.h"

#include <httplib.h>

#include <nlohmann/json.hpp>
#include <sstream>

namespace tidemark::testing {
namespace {

Settings WithWindow(Settings settings) {
  settings.try_emplace("http.address", "127.0.0.1");
  settings.try_emplace("http.port", "0");
  settings["log.format"] = "json";
  return settings;
}

std::vector<nlohmann::json> LogLines(const std::string& log) {
  std::vector<nlohmann::json> lines;
  std::istringstream text(log);
  for (std::string line; std::getline(text, line);) {
    nlohmann::json parsed = nlohmann::json::parse(line, nullptr, false);
    if (parsed.is_object()) lines.push_back(std::move(parsed));
  }
  return lines;
}

// "name 3" and "name{label="x"} 3", but not "name_bucket 3".
bool IsSampleOf(const std::string& line, const std::string& name) {
  return line.starts_with(name) && line.size() > name.size() && (line[name.size()] == ' ' || line[name.size()] == '{');
}

}  // namespace

std::vector<std::string> TidemarkCommand(const std::string& command, const std::vector<std::string>& arguments,
                                         const Settings& settings) {
  std::vector<std::string> words = {TIDEMARK_BINARY, command};
  words.insert(words.end(), arguments.begin(), arguments.end());
  for (const auto& [key, value] : settings) words.insert(words.end(), {"--set", key + "=" + value});
  return words;
}

std::vector<std::string> RunCommand(Settings settings) {
  return TidemarkCommand("run", {}, WithWindow(std::move(settings)));
}

Finished RunTidemark(const std::string& command, const std::vector<std::string>& arguments, Settings settings,
                     const std::string& scratch, std::chrono::seconds limit) {
  if (command == "run") settings.try_emplace("http.port", "0");  // its own may be taken
  const std::string output = scratch + "/" + command + ".out", errors = scratch + "/" + command + ".err";
  Finished finished;
  finished.exit_code = RunToEnd(TidemarkCommand(command, arguments, settings), output, errors, limit);
  finished.output = ReadFile(output);
  finished.errors = ReadFile(errors);
  return finished;
}

TidemarkRun::TidemarkRun(Settings settings, const std::string& directory, const std::string& name)
    : TidemarkRun(directory, name, RunCommand(std::move(settings))) {}

TidemarkRun::TidemarkRun(const std::string& directory, const std::string& name, const std::vector<std::string>& command)
    : process_(command, directory + "/" + name + ".out", directory + "/" + name + ".err") {}

bool TidemarkRun::Ready() { return Get("/readyz").has_value(); }

bool TidemarkRun::AwaitReady(std::chrono::seconds limit) {
  bool ready = false;
  Eventually(limit, [&] { return (ready = Ready()) || !process_.Running(); });
  return ready;
}

int TidemarkRun::Port() const {
  const std::string url = Url("running");
  return url.empty() ? 0 : std::stoi(url.substr(url.rfind(':') + 1));
}

std::optional<double> TidemarkRun::Metric(const std::string& name) {
  const std::optional<std::string> text = Get("/metrics");
  if (!text) return std::nullopt;
  double sum = 0;
  std::istringstream lines(*text);
  for (std::string line; std::getline(lines, line);) {
    if (IsSampleOf(line, name)) sum += std::stod(line.substr(line.rfind(' ')));
  }
  return sum;
}

int TidemarkRun::CountLogged(const std::string& code) const {
  int count = 0;
  for (const nlohmann::json& line : LogLines(Log())) count += line.value("code", "") == code;
  return count;
}

std::string TidemarkRun::Url(const std::string& code) const {
  for (const nlohmann::json& line : LogLines(Log())) {
    if (line.value("code", "") == code) return line.value("http", "");
  }
  return "";
}

std::string TidemarkRun::Probe(const std::string& path) const {
  const std::string url = Url("http_listens");
  if (url.empty()) return "";
  const auto answer = httplib::Client(url).Get(path);
  return answer ? std::to_string(answer->status) + " " + answer->body : "";
}

std::optional<std::string> TidemarkRun::Get(const std::string& path) const {
  const std::string url = Url("running");
  if (url.empty()) return std::nullopt;
  httplib::Client client(url);
  const auto answer = client.Get(path);
  return answer && answer->status == 200 ? std::optional(answer->body) : std::nullopt;
}

}  // namespace tidemark::testing
