// Reads whole topics from their beginning, committed records only, as no group member: for the demo's view of what the
// job writes, and for tests. One thread.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/types.h"
#include "ingest/kafka_handle.h"
#include "ingest/kafka_options.h"

namespace tidemark {

// Views are valid during the call of the handler only.
struct ReadRecord {
  std::string_view topic;
  PartitionId partition;
  Offset offset;
  std::optional<std::string_view> key;
  std::optional<std::string_view> value;
  std::map<std::string_view, std::string_view> headers;
};

class TopicReader {
 public:
  static absl::StatusOr<std::unique_ptr<TopicReader>> Open(const KafkaOptions& options,
                                                           const std::vector<std::string>& topics);
  ~TopicReader();

  // Hands what has come to the handler, waiting up to `timeout` for the first record. Returns how many.
  size_t Read(Duration timeout, const std::function<void(const ReadRecord&)>& handle);

 private:
  TopicReader() = default;
  absl::Status Assign(const KafkaOptions& options, const std::vector<std::string>& topics);

  KafkaClientHandle consumer_;
};

}  // namespace tidemark
