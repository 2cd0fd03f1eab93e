#include "ingest/commit_metadata.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_split.h>
#include <fmt/format.h>

#include <vector>

namespace tidemark {
namespace {

constexpr std::string_view kName = "tidemark";
constexpr uint64_t kVersion = 1;
constexpr size_t kParts = 7;

}  // namespace

std::string ToText(const CommitMetadata& metadata) {
  return fmt::format("{}{} {} {} {} {:016x} {} {}", kName, kVersion, metadata.token, metadata.sequence,
                     metadata.decisions, metadata.digest, metadata.newest_snapshot.value,
                     metadata.older_snapshot ? std::to_string(metadata.older_snapshot->value) : std::string("-"));
}

absl::StatusOr<CommitMetadata> ParseCommitMetadata(std::string_view text) {
  const auto error = absl::InvalidArgumentError("the committed offset was not written by tidemark");
  const std::vector<std::string> parts = absl::StrSplit(absl::string_view(text.data(), text.size()), ' ');
  uint64_t version = 0;
  if (!parts[0].starts_with(kName) || !absl::SimpleAtoi(parts[0].substr(kName.size()), &version)) return error;
  if (version > kVersion) {
    return absl::UnimplementedError(
        "the committed offset was written by a newer version of tidemark: run that version");
  }
  CommitMetadata metadata;
  int64_t newest = 0;
  int64_t older = 0;
  if (parts.size() != kParts || !absl::SimpleAtoi(parts[2], &metadata.sequence) ||
      !absl::SimpleAtoi(parts[3], &metadata.decisions) || !absl::SimpleHexAtoi(parts[4], &metadata.digest) ||
      !absl::SimpleAtoi(parts[5], &newest) || (parts[6] != "-" && !absl::SimpleAtoi(parts[6], &older))) {
    return error;
  }
  metadata.token = parts[1];
  metadata.newest_snapshot = {newest};
  if (parts[6] != "-") metadata.older_snapshot = Offset{older};
  return metadata;
}

}  // namespace tidemark
